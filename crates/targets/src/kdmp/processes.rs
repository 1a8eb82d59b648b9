//! The processes of a device, with the modules and threads that belong to each.
//!
//! A module names the processes that use it by a bit for each process number. Its own modules a process has in slot-0
//! form: so it calls them itself, and so map files and return addresses have them. ROM DLLs have code in slot 1, the
//! same for all, and writable data in the slot of each process.

use std::collections::HashMap;
use vatlas_images::kdmp::{Kdmp, ModuleRecord, ProcessRecord, SystemInfo, ThreadRecord};
use vatlas_rules::ce::slot::{Slot, slot_of, zero_based};
use vatlas_space::{
    CeThread, LayoutChoice, LayoutName, Machine, Module, PointerWidth, Process, ProcessId, ProcessIndex, Registers,
    Side, SlotHome, StackExtent, Thread, ThreadId, Va, VaRange,
};

/// Everything from here on is the kernel's, and the same for every process.
const KERNEL_HALF: Va = Va(0x8000_0000);
/// Modules of all processes together: 31 processes with a hundred each are many.
const MOST_MODULES: usize = 1 << 17;
/// Pairs of a process and a module that are looked at.
const MOST_PAIRS: usize = 1 << 22;
/// Bytes of the storage block of a thread; its stack ends behind it.
const STORAGE: u64 = 0x100;

/// The processes, and where their records are.
pub(super) struct Processes {
    /// The processes in the order of the list.
    pub list: Vec<Process>,
    handles: HashMap<u32, usize>,
    /// Whether the dump has no list, so that one process stands for what it holds.
    is_assumed: bool,
    /// Whether modules were left out because there are too many.
    pub is_cut: bool,
}

impl Processes {
    /// Joins the lists of a dump.
    pub fn new(dump: &Kdmp) -> Self {
        let layout = layout(dump.system.as_ref());
        let has_slots = layout.is_some_and(LayoutName::has_slots);
        let records = &dump.processes.records;
        let mut list: Vec<Process> =
            records.iter().map(|record| process(record, layout, home(record).filter(|_| has_slots))).collect();
        let is_assumed = list.is_empty();
        if is_assumed {
            list.extend(assumed(dump, layout));
        }
        let mut left = MOST_MODULES;
        let mut is_cut = false;
        for (index, process) in list.iter_mut().enumerate() {
            // Damaged lists may give a thousand modules to each of a thousand processes.
            let looked_at = (index + 1).saturating_mul(dump.modules.records.len());
            is_cut |= left == 0 || looked_at > MOST_PAIRS;
            if is_cut {
                break;
            }
            let record = records.get(index);
            let used = dump.modules.records.iter().filter(|module| uses(module, record, has_slots)).take(left);
            process.modules = used.filter_map(|record| module(record, process.home)).collect();
            left -= process.modules.len();
        }
        let handles = list.iter().enumerate().filter_map(|(index, process)| Some((process.id?.0, index))).collect();
        let mut processes = Self { list, handles, is_assumed, is_cut };
        processes.add_threads(dump);
        processes
    }

    /// The process with this handle.
    pub fn of_handle(&self, handle: u32) -> Option<ProcessIndex> {
        self.handles.get(&handle).copied().map(ProcessIndex)
    }

    /// The place of a process in the list of the dump.
    pub fn record(&self, process: ProcessIndex) -> Option<usize> {
        (!self.is_assumed && process.0 < self.list.len()).then_some(process.0)
    }

    /// A thread belongs to the process that created it; one whose processes nobody lists to the first.
    fn add_threads(&mut self, dump: &Kdmp) {
        let machine = dump.system.as_ref().map_or(Machine::Other(0), SystemInfo::machine);
        for record in &dump.threads.records {
            let (current, owner) = record.processes;
            let index = self.of_handle(owner).or(self.of_handle(current)).unwrap_or_default();
            let registers = dump.contexts.get(&record.handle).and_then(|contexts| contexts.general.clone());
            let registers = registers.or_else(|| {
                let exception = dump.exception.as_ref().filter(|exception| exception.handles[1] == record.handle)?;
                exception.contexts.general.clone()
            });
            let registers = registers.map(|registers| self.in_its_process(registers, current, index));
            let Some(process) = self.list.get_mut(index.0) else { continue };
            let side = Side { machine, teb: None, stack: stack(record), registers };
            process.threads.push(thread(record, side));
        }
    }
}

impl Processes {
    /// The program counter of a thread that is in a call into a server means the server's memory: there it is given in
    /// slot form, which is right in every process's view.
    fn in_its_process(&self, registers: Registers, current: u32, owner: ProcessIndex) -> Registers {
        let current = self.of_handle(current).filter(|current| *current != owner);
        let home = current.and_then(|current| self.list.get(current.0)?.home);
        let pc = home.map_or(registers.pc, |home| home.slot_form(registers.pc));
        Registers { pc, ..registers }
    }
}

/// The rules of the version; Windows Mobile 6 is CE 5.2.
fn layout(system: Option<&SystemInfo>) -> Option<LayoutName> {
    let [major, minor, _] = system?.version;
    Some(match (major, minor) {
        (..=3, _) => LayoutName::Ce3,
        (4, _) => LayoutName::Ce4,
        (5, 0..=1) => LayoutName::Ce5,
        (5, _) => LayoutName::Wm6,
        (6, _) => LayoutName::Ce6,
        _ => LayoutName::Ce7,
    })
}

fn home(record: &ProcessRecord) -> Option<SlotHome> {
    let base = Va(record.vm_base.into());
    let number = u8::try_from(record.number?).ok().filter(|number| *number < 32)?;
    // The kernel's slot is one of its own half.
    let is_slot =
        slot_of(base).is_some_and(|slot| slot.base() == base && (slot.process().is_some() || base >= KERNEL_HALF));
    is_slot.then_some(SlotHome { number, base, access_key: record.access_key })
}

fn process(record: &ProcessRecord, layout: Option<LayoutName>, home: Option<SlotHome>) -> Process {
    Process {
        id: (record.handle != 0).then_some(ProcessId(record.handle)),
        name: (!record.name.is_empty()).then(|| record.name.clone()),
        create_time: None,
        layout: layout.map(LayoutChoice::usual),
        width: PointerWidth::Bits32,
        home,
        peb: None,
        peb32: None,
        modules: Vec::new(),
        unloaded: Vec::new(),
        threads: Vec::new(),
    }
}

/// The one process that a dump without a list of processes is about.
fn assumed(dump: &Kdmp, layout: Option<LayoutName>) -> Option<Process> {
    let exception = dump.exception.as_ref();
    let thread = dump.threads.records.first();
    let handle = exception.map(|exception| exception.handles[2]).or(thread.map(|thread| thread.processes.1))?;
    let name = dump.bucket.as_ref().map(|bucket| bucket.parts[0].name.clone()).unwrap_or_default();
    // Stacks lie in the slot of their process.
    let slot = thread.and_then(|thread| slot_of(Va(thread.stack.0.into())));
    let slot = slot.filter(|_| layout.is_some_and(LayoutName::has_slots));
    let home = slot.and_then(|slot| {
        let number = slot.process()?;
        Some(SlotHome { number: number.number(), base: slot.base(), access_key: number.access_key() })
    });
    let record = ProcessRecord { number: None, name, vm_base: 0, access_key: 0, handle, pointer: 0 };
    Some(process(&record, layout, home))
}

/// Whether a process has a module loaded. What lies in the kernel's half every process sees.
fn uses(module: &ModuleRecord, process: Option<&ProcessRecord>, has_slots: bool) -> bool {
    let Some(process) = process else { return true };
    if module.base >= KERNEL_HALF || module.pointer == process.pointer {
        return true;
    }
    match process.number.filter(|number| *number < 32) {
        Some(number) if has_slots => module.in_use >> number & 1 != 0,
        // Without slots a DLL has the same address in every process; an EXE is known by its structure.
        _ => !module.name.to_ascii_lowercase().ends_with(".exe"),
    }
}

/// A module as a process has it.
fn module(record: &ModuleRecord, home: Option<SlotHome>) -> Option<Module> {
    let base = if home.is_some() { zero_based(record.base) } else { record.base };
    let range = VaRange::sized(base, record.size.into()).filter(|range| range.last() <= PointerWidth::Bits32.last())?;
    let (start, end) = record.data;
    let data = end.checked_sub(1).and_then(|last| VaRange::new(Va(start.into()), Va(last.into())));
    Some(Module {
        path: record.name.clone(),
        range,
        data: data.filter(|data| data.first().0 != 0),
        time_date_stamp: record.time_stamp,
        checksum: 0,
        version: Some(record.version).filter(|version| version.0 != [0; 4]),
        debug_record: record.debug_record.clone(),
    })
}

/// The stack from its lowest reserved address to behind the storage block, which is its end.
fn stack(record: &ThreadRecord) -> StackExtent {
    let (lowest, committed) = record.stack;
    let known = |va: u32| (va != 0).then_some(Va(va.into()));
    let base = record.tls.checked_add(STORAGE).filter(|_| record.tls.0 != 0);
    let is_one_slot = base.is_some_and(|base| slot_of(base) == slot_of(Va(lowest.into())) && base.0 > lowest.into());
    StackExtent { captured: None, base: base.filter(|_| is_one_slot), limit: known(committed), reserve: known(lowest) }
}

fn thread(record: &ThreadRecord, side: Side) -> Thread {
    let handle = |handle: u32| (handle != 0).then_some(ProcessId(handle));
    let (current, owner) = record.processes;
    Thread {
        id: ThreadId(record.handle),
        name: None,
        suspend_count: record.suspend_count,
        priority_class: record.priority.1,
        priority: record.priority.0,
        sides: vec![side],
        ce: Some(CeThread {
            owner: handle(owner),
            current: handle(current),
            access_mask: record.access_mask,
            last_error: record.last_error,
            tls: Some(record.tls).filter(|tls| tls.0 != 0),
        }),
    }
}

/// The slot of a process among those of processes; `None` for the kernel and without slots.
pub(super) fn slot(process: &Process) -> Option<Slot> {
    slot_of(process.home?.base).filter(|slot| slot.process().is_some())
}
