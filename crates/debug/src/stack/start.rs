//! Where walks of a thread begin: the registers of each side, those of the exception for the thread that raised it.

use super::register_file::RegisterFile;
use vatlas_space::{Machine, Process, Register, Registers, Side, StackExtent, Target, Thread, ThreadId, Va};

/// The selector of 32-bit code on 64-bit Windows (`KGDT64_R3_CMCODE`).
const CODE_32: u64 = 0x23;

/// Where a walk begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackStart {
    /// The thread, where there is one.
    pub thread: Option<ThreadId>,
    /// The processor of the side.
    pub machine: Machine,
    /// The registers; `None` when they were not captured.
    pub registers: Option<Registers>,
    /// What is known of the stack.
    pub stack: StackExtent,
    /// The registers are those of the exception, not those that the thread list has: a process that writes its own
    /// dump goes on running after the exception.
    pub is_at_exception: bool,
}

/// The walks of a thread, one for each side, the native one first.
pub fn stack_starts(target: &dyn Target, process: &Process, thread: &Thread) -> Vec<StackStart> {
    let exception = target.exception().filter(|exception| exception.thread == thread.id);
    let crashed = exception.and_then(|exception| exception.registers.as_ref());
    let has_emulated = thread.sides.len() > 1 || process.peb32.is_some();
    let crashed = crashed.map(|registers| emulated(registers).filter(|_| has_emulated).unwrap_or(registers.clone()));
    let start = |side: &Side| {
        let crashed = crashed.as_ref().filter(|registers| registers.machine == side.machine);
        StackStart {
            thread: Some(thread.id),
            machine: side.machine,
            registers: crashed.or(side.registers.as_ref()).cloned(),
            stack: side.stack,
            is_at_exception: crashed.is_some(),
        }
    };
    thread.sides.iter().map(start).collect()
}

/// The 32-bit registers in a 64-bit context of a thread that ran 32-bit code.
fn emulated(registers: &Registers) -> Option<Registers> {
    if registers.machine != Machine::X64 || registers.get("cs") != Some(CODE_32) {
        return None;
    }
    const NAMES: [(&str, &str); 8] = [
        ("eax", "rax"),
        ("ebx", "rbx"),
        ("ecx", "rcx"),
        ("edx", "rdx"),
        ("esi", "rsi"),
        ("edi", "rdi"),
        ("ebp", "rbp"),
        ("esp", "rsp"),
    ];
    let low = |value: u64| value & u64::from(u32::MAX);
    let general = NAMES.iter().filter_map(|(name, wide)| Some(Register { name, value: low(registers.get(wide)?) }));
    let general = general.collect();
    let registers =
        Registers { machine: Machine::X86, pc: Va(low(registers.pc.0)), sp: Va(low(registers.sp.0)), general };
    RegisterFile::new(&registers).map(|file| file.registers())
}
