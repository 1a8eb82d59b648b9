//! The processor as its owner sees it: one small trait, plain registers, and the events in which a run ends.
//!
//! A kernel in Rust has two ways to get control. It can ask for vectors with [`HostTraps`]: the processor then stops
//! *before* it delivers them. Or it can fill a real interrupt table whose handlers, in guest memory, build what NT
//! builds on the kernel stack and end in `vmcall`, which stops as [`Event::HostCall`].

mod access;
mod blocks;
mod call_record;
mod chain;
mod core;
mod decode;
mod deliver;
mod exit;
mod flags;
mod float;
mod integer;
mod interpreter;
mod mmu;
mod op;
mod operand;
mod registers;
mod segments;
mod sse;
mod system;
mod tlb;
mod width;
mod x87;

pub(crate) use blocks::Blocks;
pub use call_record::OpenCall;
pub use float::F80;
pub use interpreter::{Interpreter, ProcessorState};
pub use registers::{
    Control, DescriptorTable, Fpu, Registers, SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP, Segment, SegmentRegister,
};

use crate::control::{Touch, WatchedBytes};
use crate::ram::Ram;
use std::fmt;
use vatlas_space::Va;

/// What processors share: memory, and what was decoded from it.
#[derive(Debug)]
pub struct Board {
    /// Physical memory.
    pub ram: Ram,
    pub(crate) blocks: Blocks,
}

impl Board {
    /// A board with this memory.
    pub fn new(ram: Ram) -> Self {
        Self { ram, blocks: Blocks::default() }
    }

    /// Where processors stop before the instruction: linear addresses, each under one page directory or all.
    pub fn set_breakpoints(&mut self, all: impl Iterator<Item = (u32, Option<u32>)>) {
        self.blocks.set_breaks(all);
    }

    /// Which bytes processors stop for after the instruction that touched them.
    pub fn set_watches(&mut self, pieces: Vec<WatchedBytes>) {
        self.ram.set_watches(pieces);
    }

    pub(crate) fn note_touch(&mut self, touch: Touch) {
        self.ram.watches().note(touch);
    }

    /// What was touched since this was asked last.
    pub fn take_touches(&mut self) -> Vec<Touch> {
        self.ram.watches().take()
    }
}

/// An engine that executes one processor's instructions.
pub trait Engine {
    /// Executes at most `budget` instructions. Stops earlier only for an event. The count is exact; the instruction
    /// that faulted into a host trap has had no effect and is not counted.
    fn run(&mut self, board: &mut Board, budget: u64) -> Run {
        let mut run = Run::default();
        self.run_into(board, budget, &mut run);
        run
    }
    /// The same into a place that a loop uses again and again: what an event is costs more to copy than to find out.
    /// Reports of unsupported instructions are added to those that are there.
    fn run_into(&mut self, board: &mut Board, budget: u64, run: &mut Run);
    /// The registers.
    fn registers(&self) -> Registers;
    /// Sets the registers. Translations are forgotten when CR0, CR3 or CR4 differ.
    fn set_registers(&mut self, registers: &Registers);
    /// Which vectors and instructions the host wants.
    fn traps(&mut self) -> &mut HostTraps;
    /// Forgets all translations, as loading CR3 does. After the host changed page tables.
    fn flush(&mut self);
    /// Forgets the translation of one page, as `invlpg` does.
    fn invalidate(&mut self, va: Va);
    /// Requests an external interrupt; it is delivered when the interrupt flag allows it. Lower vectors wait.
    fn interrupt(&mut self, vector: u8);
    /// Reads guest memory as the processor would with the rights of the kernel, changing nothing.
    fn read(&self, board: &Board, va: Va, buffer: &mut [u8]) -> usize;
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// Instructions that were executed.
    pub executed: u64,
    /// Why it ended; `None` when the budget was used up.
    pub event: Option<Event>,
    /// Instructions that this processor does not have; each raised #UD.
    pub unsupported: Vec<Unsupported>,
}

/// What the host must know, or do, before the processor goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// An exception that the host wants. EIP is the instruction; it starts again when the run goes on. Breakpoint and
    /// overflow traps are after their instruction.
    Exception(Exception),
    /// `int n` that the host wants. EIP is behind it.
    Interrupt(u8),
    /// `sysenter` that the host wants. EIP is behind it, and nothing else changed.
    SystemEnter,
    /// `vmcall` in ring 0. EIP is behind it; the registers say what is asked.
    HostCall,
    /// `hlt` in ring 0. EIP is behind it; an interrupt wakes the processor.
    Halted,
    /// `in`. The host sets AL, AX or EAX; EIP is behind it.
    PortRead {
        /// The port.
        port: u16,
        /// Bytes: 1, 2 or 4.
        bytes: u8,
    },
    /// `out`. EIP is behind it.
    PortWrite {
        /// The port.
        port: u16,
        /// Bytes: 1, 2 or 4.
        bytes: u8,
        /// What is written.
        value: u32,
    },
    /// An exception while a double fault was delivered. A real processor would reset.
    Shutdown,
    /// A breakpoint that the host set is at the next instruction.
    CodeBreakpoint,
    /// The instruction before EIP touched bytes that the host watches.
    DataBreakpoint,
}

/// An exception of the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Exception {
    /// Its vector, 0 to 31.
    pub vector: u8,
    /// The error code, for those that have one.
    pub error: Option<u32>,
    /// The address of a page fault, as in CR2.
    pub address: Option<Va>,
}

/// Vector of the divide error.
pub const DIVIDE_ERROR: u8 = 0;
/// Vector of single steps.
pub const DEBUG: u8 = 1;
/// Vector of `int3`.
pub const BREAKPOINT: u8 = 3;
/// Vector of `into`.
pub const OVERFLOW: u8 = 4;
/// Vector of `bound`.
pub const BOUND_RANGE: u8 = 5;
/// Vector of undefined instructions.
pub const INVALID_OPCODE: u8 = 6;
/// Vector of floating-point instructions while CR0 forbids them.
pub const DEVICE_NOT_AVAILABLE: u8 = 7;
/// Vector of a fault while a fault was delivered.
pub const DOUBLE_FAULT: u8 = 8;
/// Vector of a wrong task-state segment.
pub const INVALID_TSS: u8 = 10;
/// Vector of a segment that is not present.
pub const SEGMENT_NOT_PRESENT: u8 = 11;
/// Vector of stack-segment faults.
pub const STACK_FAULT: u8 = 12;
/// Vector of general protection.
pub const GENERAL_PROTECTION: u8 = 13;
/// Vector of page faults.
pub const PAGE_FAULT: u8 = 14;
/// Vector of unmasked x87 exceptions.
pub const X87_ERROR: u8 = 16;
/// Vector of unmasked SSE exceptions.
pub const SIMD_ERROR: u8 = 19;

impl Exception {
    /// Bit 0 of a page fault's error code: the page is present, the access is not allowed.
    pub const PRESENT: u32 = 1 << 0;
    /// Bit 1: a write.
    pub const WRITE: u32 = 1 << 1;
    /// Bit 2: in user mode.
    pub const USER: u32 = 1 << 2;
    /// Bit 4: fetching an instruction. Set only where pages can forbid execution, so not here.
    pub const FETCH: u32 = 1 << 4;

    /// An exception without an error code.
    pub const fn plain(vector: u8) -> Self {
        Self { vector, error: None, address: None }
    }

    /// An exception with an error code.
    pub const fn with_error(vector: u8, error: u32) -> Self {
        Self { vector, error: Some(error), address: None }
    }

    /// A page fault.
    pub const fn page_fault(va: u32, error: u32) -> Self {
        Self { vector: PAGE_FAULT, error: Some(error), address: Some(Va(va as u64)) }
    }
}

/// What the host wants instead of the guest's own interrupt table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostTraps {
    /// Exceptions and interrupts, by vector.
    pub vectors: [bool; 256],
    /// `sysenter`.
    pub system_enter: bool,
}

impl Default for HostTraps {
    fn default() -> Self {
        Self { vectors: [false; 256], system_enter: false }
    }
}

impl HostTraps {
    /// All exceptions and interrupts.
    pub fn all() -> Self {
        Self { vectors: [true; 256], system_enter: true }
    }
}

/// An instruction that this processor does not have.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Unsupported {
    /// Where it is.
    pub at: Va,
    /// Its name, or that it is none.
    pub name: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the processor has no instruction {}", self.at, self.name)
    }
}
