//! A call stack as plain data: frames, how each was found, how far it is trusted, and why the walk ended.

use std::fmt;
use vatlas_space::{Machine, Registers, Rva, Va};
use vatlas_symbols::Lookup;

/// How a frame was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FoundBy {
    /// By the registers of the thread or of the exception.
    Context,
    /// By the unwind data of the image (`.pdata`).
    UnwindData,
    /// By a program in a PDB's or Breakpad's frame data (x86).
    FrameData,
    /// By the sizes that FPO data tell (x86).
    Fpo,
    /// By call-frame information (DWARF, `STACK CFI` of Breakpad).
    Cfi,
    /// By the chain of frame pointers.
    FramePointer,
    /// By disassembling the code that builds, or takes down, the frame.
    Prologue,
    /// On top of the stack or in the link register: the function has no frame (yet).
    LeafReturn,
    /// By the kernel's record of a call into a server process (Windows CE).
    ServerCall,
    /// By searching the stack for something that looks like a return address.
    Scan,
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Context => "context",
            Self::UnwindData => "unwind data",
            Self::FrameData => "frame data",
            Self::Fpo => "FPO data",
            Self::Cfi => "CFI",
            Self::FramePointer => "frame pointer",
            Self::Prologue => "prologue",
            Self::LeafReturn => "leaf return",
            Self::ServerCall => "server call",
            Self::Scan => "scan",
        })
    }
}

/// How far a frame is trusted; a frame is never trusted further than the one that it was found from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trust {
    /// Something that looks like a return address lay on the stack. It may be left over from an earlier call.
    Guess,
    /// A convention that most code keeps was followed, and what it gave passed the checks. Frames of functions that do
    /// not keep it may be missing in between.
    Likely,
    /// The registers themselves, or what the compiler wrote down about them.
    Exact,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Likely => "likely",
            Self::Guess => "guess",
        })
    }
}

/// What lies at a return address, and before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReturnCheck {
    /// Code, right behind a call instruction.
    AfterCall,
    /// Code, but no call instruction ends there.
    NoCall,
    /// Code; the bytes before it are not at hand, so that nobody can say whether they are a call.
    NotCaptured,
    /// No code, but an address that makes the kernel of Windows CE return from a call into a server process.
    ServerReturn,
    /// Memory that is no code, or no memory at all.
    NotCode,
    /// Zero: nobody called; the bottom of the stack.
    Zero,
}

impl fmt::Display for ReturnCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterCall => "after a call",
            Self::NoCall => "no call before it",
            Self::NotCaptured => "code not captured",
            Self::ServerReturn => "return from a server call",
            Self::NotCode => "no code there",
            Self::Zero => "zero",
        })
    }
}

/// Where a frame returns to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReturnAddress {
    /// Where it is stored; `None` in a register.
    pub place: Option<Va>,
    /// The address.
    pub value: Va,
    /// What lies there.
    pub check: ReturnCheck,
}

impl ReturnAddress {
    /// Whether it leads to where no code is: it was overwritten, or is no return address.
    pub const fn is_damaged(&self) -> bool {
        matches!(self.check, ReturnCheck::NotCode)
    }
}

/// An address as module and offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModulePlace {
    /// File name of the module.
    pub name: String,
    /// Where it is loaded.
    pub base: Va,
    /// Bytes from its base.
    pub rva: Rva,
}

/// A frame: a function that was entered and has not returned yet. Functions that the compiler put inside it are in
/// [`Lookup::frames`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackFrame {
    /// The instruction that runs next in it; in a frame that called another, where that one returns to.
    pub pc: Va,
    /// Its stack pointer, as it is when the frame it called has returned (before that one's arguments are taken off).
    pub sp: Va,
    /// The registers that are known in it; what is not known is absent.
    pub registers: Registers,
    /// The canonical frame address: what the stack pointer was before the function was called. On x86 and x64 the
    /// return address lies right below it; the virtual frame of x86 (`VFRAME` of a PDB) is 8 bytes below.
    pub cfa: Option<Va>,
    /// How it was found.
    pub found_by: FoundBy,
    /// How far it is trusted.
    pub trust: Trust,
    /// `pc` is an instruction that has not run yet, not one behind a call: the top frame, and one that an exception
    /// interrupted.
    pub is_exact_pc: bool,
    /// The module that holds `pc`.
    pub module: Option<ModulePlace>,
    /// Symbol, inlined functions and lines: of `pc` where it is exact, else of the byte before it, which is in the
    /// call.
    pub lookup: Option<Lookup>,
    /// Where it returns to, as far as that was found.
    pub return_address: Option<ReturnAddress>,
}

impl StackFrame {
    /// The address whose symbol and line are those of the frame.
    pub fn lookup_va(&self) -> Va {
        if self.is_exact_pc { self.pc } else { Va(self.pc.0.saturating_sub(1)) }
    }

    /// The address that a `FrameRelative` variable counts from: what a PDB calls the virtual frame on x86, else the
    /// frame pointer.
    pub fn frame_base(&self) -> Option<Va> {
        match self.registers.machine {
            Machine::X86 => self.cfa?.checked_sub(8),
            Machine::Arm => self.registers.get("r11").map(Va),
            _ => ["rbp", "fp"].iter().find_map(|name| self.registers.get(name)).map(Va),
        }
    }
}

/// Why a walk ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StackEnd {
    /// The last frame returns to zero: it is the thread's first.
    Bottom,
    /// The last frame's function is one that threads begin with.
    ThreadStart(String),
    /// The chain of frame pointers ends with zero: the usual mark of the thread's first frame.
    FramePointerZero,
    /// The return address leads to where no code is, and nothing else was found.
    Damaged(ReturnAddress),
    /// The memory that would tell the caller was not captured.
    NotCaptured(Va),
    /// The stack pointer of the caller would not lie above that of the frame: a loop, or garbage.
    NotUpward {
        /// Stack pointer of the last frame.
        sp: Va,
        /// What its caller's would be.
        caller: Va,
    },
    /// The stack pointer of the caller would lie outside of the thread's stack.
    LeftStack(Va),
    /// As many frames as were asked for; there are more.
    Limit(usize),
    /// No rule leads on: no unwind data, no frame pointer, nothing on the stack that looks like a return address.
    NothingFound,
    /// The registers of the thread were not captured.
    NoRegisters,
    /// No rules are known here for the processor.
    Processor(Machine),
}

impl StackEnd {
    /// Whether the whole stack was walked, down to the thread's first frame.
    pub const fn is_bottom(&self) -> bool {
        matches!(self, Self::Bottom | Self::ThreadStart(_) | Self::FramePointerZero)
    }

    /// One word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Bottom => "bottom",
            Self::ThreadStart(_) => "thread start",
            Self::FramePointerZero => "frame pointer zero",
            Self::Damaged(_) => "damaged",
            Self::NotCaptured(_) => "not captured",
            Self::NotUpward { .. } => "not upward",
            Self::LeftStack(_) => "left stack",
            Self::Limit(_) => "limit",
            Self::NothingFound => "nothing found",
            Self::NoRegisters => "no registers",
            Self::Processor(_) => "processor",
        }
    }
}

impl fmt::Display for StackEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bottom => f.write_str("the last frame returns to zero: the bottom of the stack"),
            Self::ThreadStart(name) => write!(f, "{name} is where threads begin: the bottom of the stack"),
            Self::FramePointerZero => f.write_str("the frame pointer is zero: the bottom of the stack"),
            Self::Damaged(ReturnAddress { value, check: ReturnCheck::ServerReturn, .. }) => {
                write!(f, "{value} returns from a call into a server process, and the kernel's record was not captured")
            }
            Self::Damaged(ReturnAddress { place: Some(place), value, .. }) => {
                write!(f, "the return address {value} at {place} leads to no code")
            }
            Self::Damaged(ReturnAddress { value, .. }) => write!(f, "the return address {value} leads to no code"),
            Self::NotCaptured(va) => write!(f, "the stack at {va} was not captured"),
            Self::NotUpward { sp, caller } => {
                write!(f, "the caller's stack pointer {caller} would not lie above {sp}: a loop or garbage")
            }
            Self::LeftStack(va) => write!(f, "the caller's stack pointer {va} lies outside of the thread's stack"),
            Self::Limit(limit) => write!(f, "{limit} frames, as many as were asked for; there are more"),
            Self::NothingFound => f.write_str("nothing on the stack looks like a return address"),
            Self::NoRegisters => f.write_str("the registers were not captured"),
            Self::Processor(machine) => write!(f, "no rules are known here for the stacks of {machine}"),
        }
    }
}

/// A call stack, innermost frame first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// The processor whose rules were followed.
    pub machine: Machine,
    /// Frames; the first is that of the registers.
    pub frames: Vec<StackFrame>,
    /// Why there are no more.
    pub end: StackEnd,
    /// Modules whose unwind data are not in the target: with their image files more would be exact.
    pub without_unwind_data: Vec<String>,
}
