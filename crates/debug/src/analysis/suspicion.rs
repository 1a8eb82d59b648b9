//! What is odd about a crash: each fact with how sure it is, the reason, and what it rests on.

mod address;
mod numbers;
mod program;
mod stack_facts;

use super::{AnalyzedStack, FaultingInstruction};
use crate::{crash::Crash, explain::Explanation, symbol_provider::SymbolProvider, usage_index::UsageIndex};
use std::fmt;
use vatlas_space::{PointerWidth, Registers, Side, Source, Step, Target, ThreadId, Va};

/// Addresses below are never given out: 64 KB on Windows, as much on Linux by default.
pub(super) const NULL_PARTITION: u64 = 0x1_0000;

/// What is odd.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SuspicionKind {
    /// The thread used up its stack.
    StackOverflow,
    /// The stack pointer does not lie in the thread's stack.
    StackPointerOutside,
    /// A return address leads to no code.
    DamagedReturnAddress,
    /// Code or data of a module that is no longer loaded was used.
    UnloadedModule,
    /// A null pointer, or a member of a structure that is not there.
    NullPointer,
    /// A value that memory is filled with was used as a pointer.
    FillPattern,
    /// Text was used as a pointer.
    TextPointer,
    /// An address that no x64 processor accepts.
    NonCanonical,
    /// The instruction needs another alignment.
    Misaligned,
    /// Memory that is not executable was executed.
    ExecutionOfData,
    /// An address of the kernel.
    KernelAddress,
    /// Memory is there, but does not allow the access.
    NotAllowed,
    /// Nobody uses the address: never allocated, or freed.
    Unmapped,
    /// A breakpoint instruction was executed: an assertion, or a debugger.
    Breakpoint,
    /// The program ended itself: abort, fail fast, uncaught exception.
    StoppedItself,
    /// A check found memory damaged earlier.
    CorruptionFound,
    /// No exception was recorded, but the thread is in the code that handles one.
    HandlesException,
}

impl SuspicionKind {
    /// A word for programs and headings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StackOverflow => "stack overflow",
            Self::StackPointerOutside => "stack pointer outside",
            Self::DamagedReturnAddress => "damaged return address",
            Self::UnloadedModule => "unloaded module",
            Self::NullPointer => "null pointer",
            Self::FillPattern => "fill pattern",
            Self::TextPointer => "text as pointer",
            Self::NonCanonical => "non-canonical address",
            Self::Misaligned => "misaligned address",
            Self::ExecutionOfData => "execution of data",
            Self::KernelAddress => "kernel address",
            Self::NotAllowed => "access not allowed",
            Self::Unmapped => "unmapped address",
            Self::Breakpoint => "breakpoint",
            Self::StoppedItself => "stopped itself",
            Self::CorruptionFound => "corruption found",
            Self::HandlesException => "handles an exception",
        }
    }
}

/// How sure a fact is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// The target says so.
    Certain,
    /// What the target says has hardly any other reason.
    Likely,
    /// There may be another reason.
    Possible,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        })
    }
}

/// Something odd.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspicion {
    /// What.
    pub kind: SuspicionKind,
    /// How sure.
    pub certainty: Certainty,
    /// A sentence.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Step>,
}

impl Suspicion {
    fn new(kind: SuspicionKind, certainty: Certainty, reason: impl Into<String>) -> Self {
        Self { kind, certainty, reason: reason.into(), evidence: Vec::new() }
    }

    fn because(mut self, finding: impl Into<String>, source: Source) -> Self {
        self.evidence.push(Step::new(finding, source));
        self
    }
}

/// Everything that a fact may be concluded from.
pub(super) struct Scene<'a, 't> {
    pub target: &'a dyn Target,
    pub index: &'a UsageIndex<'t>,
    pub symbols: &'a dyn SymbolProvider,
    /// The exception; `None` when nothing failed.
    pub crash: Option<&'a Crash>,
    pub registers: Option<&'a Registers>,
    pub side: Option<&'a Side>,
    pub thread: Option<ThreadId>,
    pub width: PointerWidth,
    pub instruction: Option<&'a FaultingInstruction>,
    pub fault: Option<&'a Explanation>,
    pub stack: Option<&'a AnalyzedStack>,
}

impl Scene<'_, '_> {
    /// An address, as wide as those of the side.
    fn text(&self, va: Va) -> String {
        va.text(self.width)
    }

    /// Where the registers come from.
    fn registers_source(&self) -> Source {
        match self.stack.is_some_and(|stack| stack.is_at_exception) {
            true => Source::Stream("ExceptionStream"),
            false => Source::Stream("ThreadListStream"),
        }
    }

    /// The bad address of an access to memory.
    fn fault_va(&self) -> Option<Va> {
        self.crash?.fault.map(|fault| fault.va())
    }

    /// Whether an access to memory failed, with an address or without.
    fn is_memory_fault(&self) -> bool {
        self.crash.is_some_and(|crash| crash.access.is_some() || crash.fault.is_some())
    }

    /// Whether the instruction itself could not be fetched: a jump, call or return went astray.
    pub fn is_fetch(&self) -> bool {
        let pc = self.registers.map(|registers| registers.pc);
        let is_execute = self.crash.is_some_and(|crash| crash.access == Some(vatlas_rules::Access::Execute));
        self.is_memory_fault() && (is_execute || self.fault_va().is_some() && self.fault_va() == pc)
    }
}

/// All facts, the surest first.
pub(super) fn suspicions(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    let mut found = program::facts(scene);
    found.extend(stack_facts::facts(scene));
    found.extend(address::facts(scene));
    found.extend(numbers::facts(scene));
    found.sort_by_key(|suspicion| (suspicion.certainty, suspicion.kind));
    found
}
