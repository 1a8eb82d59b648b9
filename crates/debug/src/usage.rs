//! What a range of addresses is used for: image, stack of which thread, TEB, heap, system area.

use std::fmt;
use vatlas_space::{Machine, ThreadId, Va};

/// Which part of a stack an address lies in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StackPart {
    /// From the stack pointer up to the base: what the thread has pushed.
    Used,
    /// Committed, below the stack pointer: free to be pushed on; may hold left-overs.
    BelowTop,
    /// Committed stack of a thread whose stack pointer is not known.
    Committed,
    /// The guard page: touching it makes the stack grow.
    Guard,
    /// Reserved for growth, nothing behind it yet.
    Reserve,
}

/// What a range is used for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Usage {
    /// A loaded image; the section's name, or `headers`, where a section table is at hand.
    Image {
        /// Name of the module.
        module: String,
        /// Section, where known.
        section: Option<String>,
    },
    /// A stack.
    Stack {
        /// The thread that runs on it.
        thread: ThreadId,
        /// The processor of its side; tells the two stacks of a WOW64 thread apart.
        machine: Machine,
        /// Which part.
        part: StackPart,
    },
    /// A thread environment block.
    Teb {
        /// Whose.
        thread: ThreadId,
        /// 32-bit or 64-bit TEB of a WOW64 thread.
        machine: Machine,
    },
    /// The process environment block.
    Peb {
        /// 32-bit or 64-bit PEB of a WOW64 process.
        machine: Machine,
    },
    /// The page that the kernel shares with every process (`KUSER_SHARED_DATA`).
    SharedUserData,
    /// A heap, proven by its signature and by the process's heap list.
    Heap {
        /// Address of the heap.
        heap: Va,
    },
    /// A view of a data file or of a page-file section.
    Mapped,
    /// Private memory of unknown purpose.
    Private,
    /// An area that the layout keeps for the system.
    System {
        /// Name of the area.
        area: String,
    },
    /// Nobody uses it.
    Free,
    /// The target does not tell.
    Unknown,
}

/// The sorts of use, one colour, letter and row of a summary each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UsageKind {
    /// Loaded images.
    Image,
    /// Mapped files and sections.
    Mapped,
    /// Proven heaps.
    Heap,
    /// Stacks.
    Stack,
    /// TEBs, PEBs and the shared user page.
    Environment,
    /// Other private memory.
    Private,
    /// System areas of the layout.
    System,
    /// Free.
    Free,
    /// Not known.
    Unknown,
}

impl UsageKind {
    /// All sorts in the order of legends and summaries.
    pub const ALL: [Self; 9] = [
        Self::Image,
        Self::Mapped,
        Self::Heap,
        Self::Stack,
        Self::Environment,
        Self::Private,
        Self::System,
        Self::Free,
        Self::Unknown,
    ];

    /// The word for it in tables, filters and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Mapped => "mapped",
            Self::Heap => "heap",
            Self::Stack => "stack",
            Self::Environment => "environment",
            Self::Private => "private",
            Self::System => "system",
            Self::Free => "free",
            Self::Unknown => "unknown",
        }
    }

    /// One letter for pictures without colour.
    pub const fn letter(self) -> char {
        match self {
            Self::Image => 'I',
            Self::Mapped => 'M',
            Self::Heap => 'H',
            Self::Stack => 'S',
            Self::Environment => 'E',
            Self::Private => 'P',
            Self::System => 'K',
            Self::Free => '.',
            Self::Unknown => '?',
        }
    }
}

impl Usage {
    /// The sort of this use.
    pub const fn kind(&self) -> UsageKind {
        match self {
            Self::Image { .. } => UsageKind::Image,
            Self::Stack { .. } => UsageKind::Stack,
            Self::Teb { .. } | Self::Peb { .. } | Self::SharedUserData => UsageKind::Environment,
            Self::Heap { .. } => UsageKind::Heap,
            Self::Mapped => UsageKind::Mapped,
            Self::Private => UsageKind::Private,
            Self::System { .. } => UsageKind::System,
            Self::Free => UsageKind::Free,
            Self::Unknown => UsageKind::Unknown,
        }
    }
}

impl fmt::Display for StackPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Used => "in use",
            Self::BelowTop => "below the stack pointer",
            Self::Committed => "committed",
            Self::Guard => "guard page",
            Self::Reserve => "reserved for growth",
        })
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { module, section: Some(section) } => write!(f, "{module} {section}"),
            Self::Image { module, section: None } => f.write_str(module),
            Self::Stack { thread, part, .. } => write!(f, "stack of thread {thread}, {part}"),
            Self::Teb { thread, .. } => write!(f, "TEB of thread {thread}"),
            Self::Peb { .. } => f.write_str("PEB"),
            Self::SharedUserData => f.write_str("shared user data"),
            Self::Heap { heap } => write!(f, "heap {heap}"),
            Self::Mapped => f.write_str("mapped view"),
            Self::Private => f.write_str("private data"),
            Self::System { area } => f.write_str(area),
            Self::Free => f.write_str("free"),
            Self::Unknown => f.write_str("not known"),
        }
    }
}
