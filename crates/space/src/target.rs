//! A target: a thing one can look at, a picture or the machine.

use crate::{
    address::{FileOffset, Rva, Va},
    ce::CeSystem,
    evidence::Problem,
    memory::AddressSpace,
    module::{Module, SectionTable},
    process::{Handle, Process, ThreadId},
    registers::{Machine, Registers, WideRegister},
    system::System,
};
use std::fmt;

/// Operating system family of the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OsFamily {
    /// Windows NT and its descendants.
    Windows,
    /// Windows CE.
    WindowsCe,
    /// Linux.
    Linux,
    /// Android.
    Android,
    /// macOS.
    MacOs,
    /// iOS.
    Ios,
    /// Another one, by the file's own number.
    Other(u32),
}

impl fmt::Display for OsFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Windows => f.write_str("Windows"),
            Self::WindowsCe => f.write_str("Windows CE"),
            Self::Linux => f.write_str("Linux"),
            Self::Android => f.write_str("Android"),
            Self::MacOs => f.write_str("macOS"),
            Self::Ios => f.write_str("iOS"),
            Self::Other(number) => write!(f, "platform {number:#x}"),
        }
    }
}

/// The system that a process ran on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    /// Family.
    pub os: OsFamily,
    /// Major version, minor version, build number.
    pub version: [u32; 3],
    /// Service pack or free description.
    pub service_pack: Option<String>,
    /// Processor.
    pub machine: Machine,
    /// How many processors.
    pub processors: u8,
}

/// What sort of thing a target is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetKind {
    /// One word for programs: `minidump`.
    pub format: &'static str,
    /// A phrase for people.
    pub description: String,
    /// When it was taken, seconds since 1970.
    pub taken_at: Option<u32>,
    /// Flags that say what was put into it, in the format's own words.
    pub contents: Vec<String>,
    /// The parts of the file.
    pub streams: Vec<StreamEntry>,
}

/// A part of a picture's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamEntry {
    /// The format's number for it.
    pub number: u32,
    /// Documented name, when it has one.
    pub name: Option<&'static str>,
    /// Where it begins.
    pub offset: FileOffset,
    /// Its size in bytes.
    pub size: u64,
}

/// An exception that was pending when the picture was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExceptionRecord {
    /// The thread that raised it.
    pub thread: ThreadId,
    /// Exception code (an NTSTATUS on Windows, a signal number on Linux).
    pub code: u32,
    /// Exception flags.
    pub flags: u32,
    /// Address of the instruction (on Windows) or of the access (elsewhere).
    pub address: Va,
    /// Parameters; their meaning depends on the code.
    pub parameters: Vec<u64>,
    /// Registers at the moment of the exception.
    pub registers: Option<Registers>,
}

/// Which process of a target: its place in [`Target::processes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ProcessIndex(pub usize);

/// A field of a record, as the target writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// What the target calls it.
    pub label: String,
    /// Its value as text.
    pub value: String,
}

/// What facts are asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FactsOf<'a> {
    /// The system.
    System,
    /// The exception.
    Exception,
    /// A process.
    Process(ProcessIndex),
    /// A thread of a process.
    Thread(ProcessIndex, ThreadId),
    /// A module of a process.
    Module(ProcessIndex, &'a Module),
}

/// A thing one can look at. What a target cannot tell is absent from its answers.
pub trait Target {
    /// What it is.
    fn kind(&self) -> &TargetKind;

    /// The system it shows; `None` when the file does not say.
    fn host(&self) -> Option<&Host>;

    /// Its processes; a dump of one process has one, a damaged one may have none.
    fn processes(&self) -> &[Process];

    /// The address space of a process; `None` past the end of [`Target::processes`].
    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace>;

    /// The sections of a loaded image; `None` when neither memory nor an image file holds its header.
    fn sections(&self, process: ProcessIndex, module: &Module) -> Option<SectionTable>;

    /// SSE, AVX, NEON and shadow-stack registers of a thread's native side; empty when not captured.
    fn wide_registers(&self, process: ProcessIndex, thread: ThreadId) -> Vec<WideRegister>;

    /// The open handles of a process and what could not be read of them; empty when the target lists none.
    fn handles(&self, process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>);

    /// The process that questions are about when none is named: that of the exception, or the one that ran.
    fn current(&self) -> ProcessIndex {
        ProcessIndex(0)
    }

    /// What is known of a whole Windows CE device; `None` for other systems.
    fn ce(&self) -> Option<&CeSystem> {
        None
    }

    /// Everything that the target says of something, in its own words and order, whether or not vatlas understands it.
    fn facts(&self, _of: FactsOf<'_>) -> Vec<Fact> {
        Vec::new()
    }

    /// What only a whole system knows of its pages; `None` where processes alone were captured.
    fn system(&self) -> Option<&dyn System> {
        None
    }

    /// The address of a place in a module's image. Sections of a ROM DLL may lie apart from the image.
    fn va_of(&self, module: &Module, rva: Rva) -> Option<Va> {
        module.range.first().checked_add(rva.0.into())
    }

    /// The place in a module's image of an address that is the module's; data that lie apart have one only where the
    /// target knows it.
    fn rva_of(&self, module: &Module, va: Va) -> Option<Rva> {
        u32::try_from(module.range.offset_of(va)?).ok().map(Rva)
    }

    /// The image file of a module that the target itself holds and that its memory does not show: a ROM keeps images
    /// without their headers, and the file is made anew from what it keeps.
    fn image_file(&self, _module: &Module) -> Option<Vec<u8>> {
        None
    }

    /// The exception that the picture was taken for.
    fn exception(&self) -> Option<&ExceptionRecord>;

    /// What could not be read, and what is odd.
    fn problems(&self) -> &[Problem];
}
