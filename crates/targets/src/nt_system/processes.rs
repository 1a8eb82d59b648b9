//! Processes and threads: the lists of the kernel, and what each keeps of itself in its own memory.

use super::{
    NtRoots,
    memory::{KernelMemory, Reader, field},
    modules::{listed, modules},
    pages::Owner,
    seconds_since_1970,
    space::NtSpace,
};
use std::rc::Rc;
use vatlas_rules::nt::structures::{eprocess, ethread, teb, trap_frame};
use vatlas_space::{
    AddressSpace, LayoutChoice, LayoutName, Machine, Module, Pa, PointerWidth, Process, ProcessId, Register, Registers,
    Side, StackExtent, Thread, ThreadId, Va,
};

/// Most processes and threads of a process.
const MOST: usize = 1 << 16;
/// `MmHighestUserAddress` of a process of 2 GB.
const HIGHEST_2GB: Va = Va(0x7ffe_ffff);
/// From `MmSystemRangeStart` down to `MmHighestUserAddress`.
const BELOW_SYSTEM: u64 = 0x1_0001;

/// General registers in the order of a `CONTEXT`, and where a trap frame has them.
const REGISTERS: [(&str, u32); 16] = [
    ("gs", trap_frame::GS),
    ("fs", trap_frame::FS),
    ("es", trap_frame::ES),
    ("ds", trap_frame::DS),
    ("edi", trap_frame::EDI),
    ("esi", trap_frame::ESI),
    ("ebx", trap_frame::EBX),
    ("edx", trap_frame::EDX),
    ("ecx", trap_frame::ECX),
    ("eax", trap_frame::EAX),
    ("ebp", trap_frame::EBP),
    ("eip", trap_frame::EIP),
    ("cs", trap_frame::CS),
    ("efl", trap_frame::EFLAGS),
    ("esp", trap_frame::ESP),
    ("ss", trap_frame::SS),
];

/// A process and its memory.
pub(super) type Known<M> = (Process, NtSpace<M>);

/// Every process of the list.
pub(super) fn processes<M: KernelMemory + ?Sized>(memory: &Rc<M>, roots: &NtRoots) -> Vec<Known<M>> {
    let reader = Reader { memory: &**memory, roots };
    let list = reader.list(roots.process_list, eprocess::ACTIVE_PROCESS_LINKS, MOST);
    list.into_iter().filter_map(|at| process(memory, roots, at)).collect()
}

fn process<M: KernelMemory + ?Sized>(memory: &Rc<M>, roots: &NtRoots, at: Va) -> Option<Known<M>> {
    let reader = Reader { memory: &**memory, roots };
    let field = |offset| field(at, offset);
    let directory = reader.kernel_u32(field(eprocess::DIRECTORY_TABLE_BASE)?)?;
    let vads = reader.kernel_pointer(field(eprocess::VAD_ROOT)?);
    let highest_user = highest_user(reader, vads, roots);
    let owner = Owner { object: at, directory: Pa((directory & !0xfff).into()), vads, highest_user };
    let space = NtSpace::new(Rc::clone(memory), *roots, owner);
    let peb = reader.kernel_pointer(field(eprocess::PEB)?);
    let name: [u8; 16] = reader.kernel(field(eprocess::IMAGE_FILE_NAME)?)?;
    let name = String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
    let created = reader.kernel(field(eprocess::CREATE_TIME)?).map(u64::from_le_bytes).unwrap_or_default();
    let layout = if highest_user == HIGHEST_2GB { LayoutName::Nt32 } else { LayoutName::Nt32ThreeGb };
    let threads = reader.list(field(eprocess::THREAD_LIST_HEAD)?, ethread::THREAD_LIST_ENTRY, MOST);
    let process = Process {
        id: reader.kernel_u32(field(eprocess::UNIQUE_PROCESS_ID)?).map(ProcessId),
        name: (!name.is_empty()).then_some(name),
        create_time: seconds_since_1970(created),
        layout: Some(LayoutChoice { name: layout, highest_user: Some(highest_user) }),
        width: PointerWidth::Bits32,
        home: None,
        peb,
        peb32: None,
        modules: process_modules(&space, peb, roots),
        unloaded: Vec::new(),
        threads: threads.into_iter().filter_map(|at| thread(reader, &space, at)).collect(),
    };
    Some((process, space))
}

/// The modules of the loader's list, then those of the kernel half, which every process has.
fn process_modules<M: KernelMemory + ?Sized>(space: &NtSpace<M>, peb: Option<Va>, roots: &NtRoots) -> Vec<Module> {
    let mut found = peb.map(|peb| modules(space, peb)).unwrap_or_default();
    found.extend(roots.module_list.map(|head| listed(space, head)).unwrap_or_default());
    found
}

/// The thread on whose kernel stack an address is.
pub(crate) fn thread_of_stack<M: KernelMemory + ?Sized>(memory: &M, roots: &NtRoots, sp: Va) -> Option<ThreadId> {
    let reader = Reader { memory, roots };
    let processes = reader.list(roots.process_list, eprocess::ACTIVE_PROCESS_LINKS, MOST);
    let threads = processes.into_iter().flat_map(|process| {
        let head = field(process, eprocess::THREAD_LIST_HEAD);
        head.map(|head| reader.list(head, ethread::THREAD_LIST_ENTRY, MOST)).unwrap_or_default()
    });
    let mut owners =
        threads.filter(|at| kernel_stack(reader, *at).is_some_and(|(limit, base)| limit <= sp && sp < base));
    owners.next().and_then(|at| reader.kernel_u32(field(at, ethread::CID + 4)?)).map(ThreadId)
}

/// Lowest byte of a kernel stack, and what is behind its highest one.
fn kernel_stack<M: KernelMemory + ?Sized>(reader: Reader<'_, M>, thread: Va) -> Option<(Va, Va)> {
    let limit = reader.kernel_pointer(field(thread, ethread::STACK_LIMIT)?)?;
    Some((limit, reader.kernel_pointer(field(thread, ethread::INITIAL_STACK)?)?))
}

/// A descriptor in the third gigabyte says that the process may use it.
fn highest_user<M: KernelMemory + ?Sized>(reader: Reader<'_, M>, vads: Option<Va>, roots: &NtRoots) -> Va {
    let last = reader.vads(vads).last().map(|vad| vad.range.last()).unwrap_or_default();
    if last > HIGHEST_2GB { Va(roots.range_start.0 - BELOW_SYSTEM) } else { HIGHEST_2GB }
}

fn thread<M: KernelMemory + ?Sized>(reader: Reader<'_, M>, space: &NtSpace<M>, at: Va) -> Option<Thread> {
    let field = |offset| field(at, offset);
    let byte = |offset| reader.kernel::<1>(field(offset)?).map(|[byte]| byte);
    let teb = reader.kernel_pointer(field(ethread::TEB)?);
    let frame = reader.kernel_pointer(field(ethread::TRAP_FRAME)?);
    let registers = reader.memory.running_registers(at).or_else(|| trap_registers(reader, frame?));
    let sp = registers.as_ref().map(|registers| registers.sp);
    let kernel = kernel_stack(reader, at).filter(|(limit, base)| sp.is_some_and(|sp| *limit <= sp && sp < *base));
    let stack = match kernel {
        Some((limit, base)) => {
            StackExtent { captured: None, base: Some(base), limit: Some(limit), reserve: Some(limit) }
        }
        None => stack(space, teb).unwrap_or_default(),
    };
    let side = Side { machine: Machine::X86, teb, stack, registers };
    Some(Thread {
        id: ThreadId(reader.kernel_u32(field(ethread::CID + 4)?)?),
        name: None,
        suspend_count: byte(ethread::SUSPEND_COUNT).unwrap_or_default().into(),
        priority_class: 0,
        priority: byte(ethread::PRIORITY).unwrap_or_default().into(),
        sides: vec![side],
        ce: None,
    })
}

/// What the TEB says of the stack.
fn stack<M: KernelMemory + ?Sized>(space: &NtSpace<M>, teb: Option<Va>) -> Option<StackExtent> {
    let memory: &dyn AddressSpace = space;
    let word = |offset| Some(Va(memory.read_u32(field(teb?, offset)?).ok()?.into()));
    Some(StackExtent {
        captured: None,
        base: word(teb::STACK_BASE),
        limit: word(teb::STACK_LIMIT),
        reserve: word(teb::DEALLOCATION_STACK),
    })
}

/// The registers with which a thread entered the kernel.
fn trap_registers<M: KernelMemory + ?Sized>(reader: Reader<'_, M>, frame: Va) -> Option<Registers> {
    let bytes: [u8; trap_frame::BYTES as usize] = reader.kernel(frame)?;
    let word = |at: u32| bytes.get(at as usize..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b));
    let general: Vec<Register> =
        REGISTERS.iter().map(|(name, at)| Register { name, value: word(*at).into() }).collect();
    let value = |name| general.iter().find(|register| register.name == name).map_or(Va(0), |found| Va(found.value));
    Some(Registers { machine: Machine::X86, pc: value("eip"), sp: value("esp"), general })
}
