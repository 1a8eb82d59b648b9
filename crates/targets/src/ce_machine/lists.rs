//! The processes, threads and modules of a device, from PROCESS, THREAD and MODULE.

use super::memory::{CeMemory, Reader, field};
use vatlas_machine::ce::CONTEXT_NAMES;
use vatlas_rules::ce::structures::{e32, info, module, process, thread};
use vatlas_space::{
    CeThread, LayoutChoice, Machine, Module, PointerWidth, Process, ProcessId, Register, Registers, Side, SlotHome,
    StackExtent, Thread, ThreadId, Va, VaRange,
};

/// Entries of the array of processes.
const PROCESSES: u32 = 32;
/// Threads of a process, modules of a device, at most.
const MOST: usize = 4096;
/// Everything from here on every process sees.
const KERNEL_HALF: u64 = 0x8000_0000;
/// Bytes of the TLS area, above which a stack ends.
const STORAGE: u64 = 0x100;

/// What a device lists.
pub(super) struct Lists {
    pub processes: Vec<Process>,
    /// Every module once, with its table of sections and how many that has.
    pub modules: Vec<(Module, Va, u32)>,
}

/// A module and which processes use it.
struct Listed {
    module: Module,
    users: u32,
}

impl Lists {
    pub fn read<M: CeMemory + ?Sized>(reader: &Reader<'_, M>) -> Self {
        let mut lists = Self { processes: Vec::new(), modules: Vec::new() };
        let listed = lists.dlls(reader);
        let Some(array) = reader.info(info::PROCESSES) else { return lists };
        for number in 0..PROCESSES {
            let at = Va(u64::from(array) + u64::from(number * process::BYTES));
            if let Some(process) = lists.process(reader, at, &listed) {
                lists.processes.push(process);
            }
        }
        lists.show_kernel();
        lists
    }

    /// Every process sees NK.EXE's image.
    fn show_kernel(&mut self) {
        let kernel = self.processes.first().and_then(|process| process.modules.first()).cloned();
        let Some(kernel) = kernel.filter(|kernel| kernel.range.first().0 >= KERNEL_HALF) else { return };
        self.processes.iter_mut().skip(1).for_each(|process| process.modules.push(kernel.clone()));
    }

    fn dlls<M: CeMemory + ?Sized>(&mut self, reader: &Reader<'_, M>) -> Vec<Listed> {
        let mut listed = Vec::new();
        let mut next = reader.info(info::MODULES).filter(|at| *at != 0);
        while let Some(at) = next.map(|at| Va(at.into())).filter(|_| listed.len() < MOST) {
            // A module names itself: what does not is no module any more.
            if reader.field(at, module::SELF) != Some(at.0 as u32) {
                break;
            }
            if let Some(found) = dll(reader, at) {
                self.keep(reader, &found.module, field(at, module::E32), field(at, module::O32));
                listed.push(found);
            }
            next = reader.field(at, module::NEXT).filter(|at| *at != 0);
        }
        // The newest is first in the list; loaders' lists begin with the oldest.
        listed.reverse();
        listed
    }

    fn keep<M: CeMemory + ?Sized>(
        &mut self,
        reader: &Reader<'_, M>,
        module: &Module,
        e32: Option<Va>,
        table: Option<Va>,
    ) {
        let count = e32.and_then(|at| reader.half(field(at, e32::SECTIONS)?)).unwrap_or(0);
        let table = table.and_then(|at| reader.word(at)).unwrap_or(0);
        self.modules.push((module.clone(), Va(table.into()), count.into()));
    }

    fn process<M: CeMemory + ?Sized>(&mut self, reader: &Reader<'_, M>, at: Va, listed: &[Listed]) -> Option<Process> {
        let word = |offset| reader.field(at, offset);
        let base = word(process::VM_BASE).filter(|base| *base != 0)?;
        let number = (word(process::NUMBER)? & 0xff) as u8;
        let name = reader.text(Va(word(process::NAME)?.into()));
        let home = SlotHome { number, base: Va(base.into()), access_key: word(process::KEY)? };
        let exe = exe(reader, at, &name);
        if let Some(exe) = &exe {
            self.keep(reader, exe, field(at, process::E32), field(at, process::O32));
        }
        let used = listed
            .iter()
            .filter(|dll| number < 32 && dll.users >> number & 1 != 0 || dll.module.range.first().0 >= KERNEL_HALF);
        let modules = exe.into_iter().chain(used.map(|dll| dll.module.clone())).collect();
        Some(Process {
            id: word(process::HANDLE).map(ProcessId),
            name: (!name.is_empty()).then_some(name),
            create_time: None,
            layout: Some(LayoutChoice::usual(reader.roots.layout)),
            width: PointerWidth::Bits32,
            home: Some(home),
            peb: None,
            peb32: None,
            modules,
            unloaded: Vec::new(),
            threads: threads(reader, word(process::THREADS)?),
        })
    }
}

fn image<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, e32: Va, base: u32, name: &str) -> Option<Module> {
    let size = reader.field(e32, e32::SIZE)?;
    let range = VaRange::sized(Va(base.into()), u64::from(size.max(1)))?;
    let range = range.intersection(VaRange::new(Va(0), PointerWidth::Bits32.last())?)?;
    let file = reader.memory.image_file(name);
    Some(Module {
        path: name.to_owned(),
        range,
        data: None,
        time_date_stamp: reader.field(e32, e32::STAMP)?,
        checksum: 0,
        version: None,
        debug_record: file.as_deref().and_then(super::debug_record),
    })
}

fn exe<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, at: Va, name: &str) -> Option<Module> {
    let base = reader.field(at, process::BASE)?;
    image(reader, field(at, process::E32)?, base, name)
}

fn dll<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, at: Va) -> Option<Listed> {
    let name = reader.text(Va(reader.field(at, module::NAME)?.into()));
    let mut found = image(reader, field(at, module::E32)?, reader.field(at, module::BASE)?, &name)?;
    let (low, high) = (reader.field(at, module::RW_LOW)?, reader.field(at, module::RW_HIGH)?);
    found.data = high.checked_sub(1).and_then(|last| VaRange::new(Va(low.into()), Va(last.into())));
    Some(Listed { module: found, users: reader.field(at, module::IN_USE)? })
}

fn threads<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, first: u32) -> Vec<Thread> {
    let mut found: Vec<Thread> = Vec::new();
    let mut next = first;
    while next != 0 && found.len() < MOST {
        let at = Va(next.into());
        let Some(thread) = thread(reader, at) else { break };
        if found.iter().any(|other| other.id == thread.id) {
            break;
        }
        found.push(thread);
        next = reader.field(at, thread::NEXT).unwrap_or(0);
    }
    found
}

fn thread<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, at: Va) -> Option<Thread> {
    let word = |offset| reader.field(at, offset);
    let id_of = |at: u32| {
        let handle = reader.field(Va(at.into()), process::HANDLE).filter(|_| at != 0)?;
        Some(ProcessId(handle))
    };
    let priorities = word(thread::BASE_PRIORITY)?;
    let (base, tls) = (word(thread::STACK_BASE)?, word(thread::TLS)?);
    let limit = reader_word(reader, tls.wrapping_sub(8));
    let stack = StackExtent {
        captured: None,
        base: Some(Va(u64::from(tls) + STORAGE)).filter(|_| tls != 0),
        limit: limit.filter(|limit| *limit >= base && *limit <= tls).map(|limit| Va(limit.into())),
        reserve: (base != 0).then_some(Va(base.into())),
    };
    Some(Thread {
        id: ThreadId(word(thread::HANDLE)?),
        name: None,
        suspend_count: word(thread::INFO)? >> 16 & 0xff,
        priority_class: priorities & 0xff,
        priority: priorities >> 8 & 0xff,
        sides: vec![Side { machine: Machine::X86, teb: None, stack, registers: registers(reader, at) }],
        ce: Some(CeThread {
            owner: id_of(word(thread::OWNER)?),
            current: id_of(word(thread::PROCESS)?),
            access_mask: word(thread::KEY)?,
            last_error: word(thread::LAST_ERROR)?,
            tls: Some(Va(tls.into())).filter(|tls| tls.0 != 0),
        }),
    })
}

/// A word at a mapped address of a process.
fn reader_word<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, mapped: u32) -> Option<u32> {
    let super::memory::Behind::Frame(frame) = reader.page(Va(mapped.into())).behind else { return None };
    let mut bytes = [0; 4];
    let at = vatlas_space::Pa(frame.0 + u64::from(mapped & 0xffc));
    reader.memory.read_physical(at, &mut bytes).then(|| u32::from_le_bytes(bytes))
}

/// The registers of THREAD. A program counter in a server's code is one of the server's: in slot form it is right in
/// every view.
fn registers<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, at: Va) -> Option<Registers> {
    let word = |index: usize| reader.field(at, thread::CONTEXT + 4 * index as u32);
    let mut general = Vec::with_capacity(CONTEXT_NAMES.len());
    for (index, name) in CONTEXT_NAMES.into_iter().enumerate() {
        general.push(Register { name, value: word(index)?.into() });
    }
    let value = |name: &str| general.iter().find(|register| register.name == name).map_or(0, |register| register.value);
    let (current, owner) = (reader.field(at, thread::PROCESS)?, reader.field(at, thread::OWNER)?);
    let mut pc = Va(value("eip"));
    if current != owner && pc.0 < 0x0200_0000 {
        pc = Va(pc.0 | u64::from(reader.field(Va(current.into()), process::VM_BASE)?));
    }
    let sp = Va(value("esp"));
    Some(Registers { machine: Machine::X86, pc, sp, general })
}
