//! Control over a target that runs: where it is in time, what happened, what makes it stop.
//!
//! Plain data, and the two traits between whoever runs a machine and whoever asks it to. Pictures have no control.

use crate::{address::Va, process::ThreadId, target::Target};
use std::{fmt, rc::Rc};

/// A moment of a run. Equal runs have equal moments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// Instructions that all processors executed until then.
    pub instructions: u64,
    /// Tells moments between the same two instructions apart: twice the number of times that the kernel was entered, and
    /// one more where it is about to be.
    pub entry: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.instructions)?;
        if self.entry % 2 == 1 { f.write_str(", entering the kernel") } else { Ok(()) }
    }
}

/// Which thread of which process, and on which processor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Who {
    /// Id of the process; 0 for the system itself.
    pub process: u32,
    /// Id of the thread; 0 for none.
    pub thread: u32,
    /// Number of the processor.
    pub processor: usize,
}

/// Kinds of [`KernelEvent`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EventKind {
    /// An image was mapped.
    ModuleLoad,
    /// An image was unmapped.
    ModuleUnload,
    /// A process was made.
    ProcessStart,
    /// The last thread of a process ended.
    ProcessEnd,
    /// A thread was made.
    ThreadStart,
    /// A thread ended.
    ThreadEnd,
    /// An exception, before the program's handlers are asked, or after none of them took it.
    Exception,
    /// A system call, before it is made.
    SystemCall,
    /// A system call was answered.
    SystemCallReturn,
    /// A page fault, before the kernel looks at it.
    PageFault,
    /// A page fault was resolved; the instruction is about to be tried again.
    PageFaultResolved,
    /// A processor got another thread.
    ContextSwitch,
    /// A program printed something for its debugger.
    DebugOutput,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::ModuleLoad,
        Self::ModuleUnload,
        Self::ProcessStart,
        Self::ProcessEnd,
        Self::ThreadStart,
        Self::ThreadEnd,
        Self::Exception,
        Self::SystemCall,
        Self::SystemCallReturn,
        Self::PageFault,
        Self::PageFaultResolved,
        Self::ContextSwitch,
        Self::DebugOutput,
    ];

    /// How a person writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ModuleLoad => "load",
            Self::ModuleUnload => "unload",
            Self::ProcessStart => "process-start",
            Self::ProcessEnd => "process-end",
            Self::ThreadStart => "thread-start",
            Self::ThreadEnd => "thread-end",
            Self::Exception => "exception",
            Self::SystemCall => "syscall",
            Self::SystemCallReturn => "sysret",
            Self::PageFault => "fault",
            Self::PageFaultResolved => "fault-resolved",
            Self::ContextSwitch => "switch",
            Self::DebugOutput => "output",
        }
    }
}

/// A set of kinds of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventMask(u32);

impl EventMask {
    /// None.
    pub const NONE: Self = Self(0);

    /// With one kind more.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Self {
        Self(self.0 | 1 << kind as u32)
    }

    /// Whether a kind is in it.
    #[inline]
    pub const fn has(self, kind: EventKind) -> bool {
        self.0 >> kind as u32 & 1 != 0
    }

    /// Whether it is empty.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<EventKind> for EventMask {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

/// What a kernel tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelEvent {
    /// In which thread it happened.
    pub who: Who,
    /// What.
    pub what: What,
}

/// What happened in a kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// An image was mapped.
    ModuleLoad {
        /// Its first address.
        base: Va,
        /// The file's path or name.
        name: String,
    },
    /// An image was unmapped.
    ModuleUnload {
        /// Its first address.
        base: Va,
        /// The file's path or name, where it is known.
        name: String,
    },
    /// A process was made.
    ProcessStart {
        /// Its id.
        process: u32,
        /// Its name.
        name: String,
    },
    /// The last thread of a process ended.
    ProcessEnd {
        /// Its id.
        process: u32,
        /// Its name.
        name: String,
        /// Its exit status.
        status: u32,
    },
    /// A thread was made.
    ThreadStart {
        /// Its process.
        process: u32,
        /// Its id.
        thread: u32,
    },
    /// A thread ended.
    ThreadEnd {
        /// Its process.
        process: u32,
        /// Its id.
        thread: u32,
        /// Its exit status.
        status: u32,
    },
    /// An exception.
    Exception {
        /// `ExceptionCode`.
        code: u32,
        /// `ExceptionAddress`.
        address: Va,
        /// `ExceptionInformation`.
        parameters: Vec<u32>,
        /// First chance: no handler was asked yet.
        is_first: bool,
    },
    /// A system call.
    SystemCall {
        /// Its name.
        name: String,
        /// Its arguments, as far as they can be read.
        arguments: Vec<u32>,
    },
    /// A system call was answered.
    SystemCallReturn {
        /// Its name.
        name: String,
        /// The status; `None` where the thread waits, ended, or went elsewhere.
        status: Option<u32>,
    },
    /// A page fault.
    PageFault {
        /// The address.
        va: Va,
        /// The instruction.
        pc: Va,
        /// Whether it was a write.
        is_write: bool,
        /// Whether the page was there and the access was not allowed.
        is_present: bool,
    },
    /// A page fault was resolved.
    PageFaultResolved {
        /// The address.
        va: Va,
        /// How, in words.
        how: &'static str,
    },
    /// A processor got another thread.
    ContextSwitch {
        /// Who it had; a thread of 0 for nobody.
        from: Who,
        /// Who it has now.
        to: Who,
    },
    /// A program printed something for its debugger.
    DebugOutput {
        /// The text.
        text: String,
    },
}

impl What {
    /// Its kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ModuleLoad { .. } => EventKind::ModuleLoad,
            Self::ModuleUnload { .. } => EventKind::ModuleUnload,
            Self::ProcessStart { .. } => EventKind::ProcessStart,
            Self::ProcessEnd { .. } => EventKind::ProcessEnd,
            Self::ThreadStart { .. } => EventKind::ThreadStart,
            Self::ThreadEnd { .. } => EventKind::ThreadEnd,
            Self::Exception { .. } => EventKind::Exception,
            Self::SystemCall { .. } => EventKind::SystemCall,
            Self::SystemCallReturn { .. } => EventKind::SystemCallReturn,
            Self::PageFault { .. } => EventKind::PageFault,
            Self::PageFaultResolved { .. } => EventKind::PageFaultResolved,
            Self::ContextSwitch { .. } => EventKind::ContextSwitch,
            Self::DebugOutput { .. } => EventKind::DebugOutput,
        }
    }
}

/// A place at which to stop before the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodePlace {
    /// A number by which its owner knows it.
    pub number: u32,
    /// The instruction.
    pub va: Va,
    /// Only in this process.
    pub process: Option<u32>,
    /// Only in this thread.
    pub thread: Option<u32>,
}

/// Whose accesses to watched bytes count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Reach {
    /// Those of the process, by the address that was given.
    #[default]
    Process,
    /// Those of everybody by every address: wherever the page of the process is, and follows it there.
    Aliases,
    /// Those to these physical bytes, whatever they hold.
    Physical,
}

/// Bytes to stop for when they were touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataPlace {
    /// A number by which its owner knows it.
    pub number: u32,
    /// The first address; with [`Reach::Physical`] a physical one.
    pub va: Va,
    /// How many bytes.
    pub length: u32,
    /// Whether reads count.
    pub reads: bool,
    /// Whether writes count.
    pub writes: bool,
    /// The process whose address it is.
    pub process: u32,
    /// Whose accesses count.
    pub reach: Reach,
}

/// Everything that makes a machine ask whether to stop.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stops {
    /// Instructions.
    pub code: Vec<CodePlace>,
    /// Bytes.
    pub data: Vec<DataPlace>,
    /// Events.
    pub events: EventMask,
}

/// Who touched watched bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TouchedBy {
    /// An instruction, by this address.
    Instruction(Va),
    /// A processor that marked a page-table entry.
    TableWalk,
    /// The kernel, for whoever entered it.
    Kernel,
    /// Nobody wrote: another page with other contents lies there now.
    Mapping,
}

/// Watched bytes were touched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataTouch {
    /// The number of the [`DataPlace`].
    pub number: u32,
    /// Where in it the first touched byte is.
    pub offset: u32,
    /// How many bytes were touched.
    pub length: u32,
    /// Whether they were written.
    pub is_write: bool,
    /// Where in the place the bytes of `before` begin: that a small value is told as a whole, of a large place what was
    /// touched.
    pub told_from: u32,
    /// The bytes before, at most sixteen.
    pub before: Vec<u8>,
    /// By whom.
    pub by: TouchedBy,
    /// The instruction; of the kernel's writes the one that entered it.
    pub pc: Va,
}

/// Something for which a run may stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Occurrence {
    /// An instruction of [`Stops::code`] is next.
    Code {
        /// Its address.
        va: Va,
        /// The numbers of all places that are meant.
        numbers: Vec<u32>,
    },
    /// Bytes of [`Stops::data`] were touched.
    Data(DataTouch),
    /// The kernel tells something of [`Stops::events`].
    Kernel(KernelEvent),
}

/// How a machine's run can end for good, or for now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunEnd {
    /// As many instructions as were asked for.
    Budget,
    /// For what [`Run::occurrences`] tells.
    Stopped,
    /// The first program ended.
    Exited(u32),
    /// Every thread waits for another one.
    Deadlock,
    /// A thread waits for input that is not there yet.
    NeedsInput,
    /// The moment is at the beginning of the history.
    HistoryBegins,
    /// The machine cannot go on, in words.
    Broken(String),
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Why.
    pub end: RunEnd,
    /// In which thread the processor is whose turn it is, or that stopped.
    pub who: Who,
    /// What it stopped for.
    pub occurrences: Vec<Occurrence>,
}

/// Number of EIP among the registers of a [`Moment`]; 0 to 7 are EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
pub const MOMENT_PC: u8 = 8;
/// Number of EFLAGS.
pub const MOMENT_FLAGS: u8 = 9;

/// A machine in the middle of a run, as a condition sees it.
pub trait Moment {
    /// Who runs.
    fn who(&self) -> Who;
    /// A register of whoever runs, by number.
    fn register(&self, number: u8) -> u32;
    /// Reads memory of whoever runs, or of another process; `false` where it is not in physical memory.
    fn read(&self, process: Option<u32>, va: Va, bytes: &mut [u8]) -> bool;
    /// Where in time it is.
    fn position(&self) -> Position;
}

/// Decides whether to stop.
pub type Judge<'a> = dyn FnMut(&dyn Moment, &Occurrence) -> bool + 'a;

/// Who wrote last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    /// The moment behind the write.
    pub position: Position,
    /// Who.
    pub who: Who,
    /// What was touched and how.
    pub touch: DataTouch,
    /// The bytes behind the write, as many as there are of before.
    pub after: Vec<u8>,
}

/// What is kept of the past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistorySize {
    /// The first moment that one can go back to.
    pub first: Position,
    /// The last moment that was reached.
    pub last: Position,
    /// Kept states.
    pub states: usize,
    /// What they take, in bytes.
    pub bytes: u64,
    /// What they may take.
    pub limit: u64,
}

/// A machine under control.
pub trait Control {
    /// The stopped machine. It must not be kept while the machine runs.
    fn target(&mut self) -> Rc<dyn Target>;
    /// Where in time it is.
    fn position(&self) -> Position;
    /// Who runs on the processor whose turn it is.
    fn who(&self) -> Who;
    /// Who runs on each processor; a thread of 0 where nobody does.
    fn running(&self) -> Vec<Who>;
    /// Instructions that a thread executed; `None` for no thread.
    fn executed_by(&self, thread: ThreadId) -> Option<u64>;
    /// For what it asks a [`Judge`].
    fn set_stops(&mut self, stops: &Stops);
    /// The breakpoint at the next instruction of the thread that stopped does not count again.
    fn pass_here(&mut self);
    /// Runs at most so many instructions.
    fn run(&mut self, instructions: u64, judge: &mut Judge<'_>) -> Run;
    /// Runs until a thread has executed one more instruction, or at most so many instructions.
    fn step(&mut self, thread: ThreadId, most: u64, judge: &mut Judge<'_>) -> Run;
    /// Sets a general register, EIP (`eip`) or EFLAGS (`efl`) of a thread; whether it has such a register.
    fn set_register(&mut self, thread: ThreadId, name: &str, value: u32) -> bool;
    /// Lets a thread wait until it is thawed, or thaws it; whether that could be done. It changes the machine: the program
    /// sees a thread that was suspended once more.
    fn freeze(&mut self, thread: ThreadId, is_frozen: bool) -> bool;
    /// Writes memory of a process, also where the process itself could not; how many bytes.
    fn write(&mut self, process: u32, va: Va, bytes: &[u8]) -> usize;
    /// Gives a console that waits for input a line.
    fn input(&mut self, bytes: &[u8]);
    /// The past, where it is kept.
    fn history(&mut self) -> Option<&mut dyn History>;
}

/// The past of a machine under control.
pub trait History {
    /// What is kept.
    fn size(&self) -> HistorySize;
    /// How much may be kept, in bytes.
    fn set_limit(&mut self, bytes: u64);
    /// Goes to a moment: back, or forward as far as the machine was; whether it is there.
    fn go_to(&mut self, position: Position) -> bool;
    /// Asks this from time to time while it looks back; `true` breaks that off, and now stays now.
    fn set_interrupt(&mut self, interrupt: Rc<dyn Fn() -> bool>);
    /// Whether the last look back was broken off.
    fn was_interrupted(&self) -> bool;
    /// Forgets the moments behind now: what comes next may be another future. Whether there were any.
    fn fork(&mut self) -> bool;
    /// Goes back to the last occurrence before now for which the judge would stop.
    fn run_back(&mut self, judge: &mut Judge<'_>) -> Run;
    /// Goes back by one instruction of a thread.
    fn step_back(&mut self, thread: ThreadId) -> Run;
    /// Who last wrote these bytes before now. Now stays now.
    fn last_write(&mut self, place: &DataPlace) -> Option<Writer>;
}
