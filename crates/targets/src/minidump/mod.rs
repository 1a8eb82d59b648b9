//! A minidump as a target: one process with its space.

mod environment;
mod extents;
mod layout;
mod memory;

use crate::image_files::{FileBytes, ImageFiles};
use environment::Environment;
use memory::MinidumpSpace;
use vatlas_images::minidump::Minidump;
use vatlas_space::{
    AddressSpace, ExceptionRecord, Handle, Host, LayoutName, Machine, Module, PointerWidth, Problem, Process,
    ProcessIndex, SectionTable, Target, TargetKind, ThreadId, WideRegister,
};

/// An opened minidump. Its memory stays in the file's bytes.
pub struct MinidumpTarget {
    bytes: FileBytes,
    dump: Minidump,
    kind: TargetKind,
    processes: Vec<Process>,
    space: MinidumpSpace,
}

impl MinidumpTarget {
    /// Reads the streams of `bytes` and joins them with the rules of the system that wrote them.
    ///
    /// # Errors
    /// The header is not that of a minidump that can be read. Other damage is in [`Target::problems`].
    pub fn open(bytes: FileBytes, images: Box<dyn ImageFiles>) -> Result<Self, Problem> {
        let mut dump = Minidump::read((*bytes).as_ref())?;
        let width = width(&dump);
        let layout = layout::choose(&dump, width);
        let mut space = MinidumpSpace::new(FileBytes::clone(&bytes), &mut dump, width, images);
        let is_wow64 = width == PointerWidth::Bits64 && layout.is_some_and(|layout| layout.name == LayoutName::Wow64);
        let environment = Environment::read(&space, &dump, width, is_wow64);
        space.add_environment(&dump, &environment);
        let process = Process {
            id: dump.misc.process_id,
            name: dump.modules.first().map(|module| module.name().to_owned()),
            create_time: dump.misc.create_time,
            layout,
            width,
            home: None,
            peb: environment.peb,
            peb32: environment.peb32,
            modules: std::mem::take(&mut dump.modules),
            unloaded: std::mem::take(&mut dump.unloaded),
            threads: environment.threads,
        };
        let kind = kind(&dump);
        Ok(Self { bytes, dump, kind, processes: vec![process], space })
    }
}

/// Bits of a pointer: the processor's, or 64 where no processor is named.
fn width(dump: &Minidump) -> PointerWidth {
    dump.host.as_ref().map_or(PointerWidth::Bits64, |host| match host.machine {
        Machine::Other(_) => PointerWidth::Bits64,
        machine => machine.width().unwrap_or(PointerWidth::Bits64),
    })
}

/// `MINIDUMP_TYPE`, bit by bit.
const CONTENTS: [&str; 26] = [
    "WithDataSegs",
    "WithFullMemory",
    "WithHandleData",
    "FilterMemory",
    "ScanMemory",
    "WithUnloadedModules",
    "WithIndirectlyReferencedMemory",
    "FilterModulePaths",
    "WithProcessThreadData",
    "WithPrivateReadWriteMemory",
    "WithoutOptionalData",
    "WithFullMemoryInfo",
    "WithThreadInfo",
    "WithCodeSegs",
    "WithoutAuxiliaryState",
    "WithFullAuxiliaryState",
    "WithPrivateWriteCopyMemory",
    "IgnoreInaccessibleMemory",
    "WithTokenInformation",
    "WithModuleHeaders",
    "FilterTriage",
    "WithAvxXStateContext",
    "WithIptTrace",
    "ScanInaccessiblePartialPages",
    "FilterWriteCombinedMemory",
    "ValidTypeFlags",
];

fn kind(dump: &Minidump) -> TargetKind {
    let contents = CONTENTS.iter().enumerate().filter(|(bit, _)| dump.flags >> bit & 1 != 0);
    let comments = if dump.comments.is_empty() { String::new() } else { format!(": {}", dump.comments.join(" ")) };
    TargetKind {
        format: "minidump",
        description: format!("a minidump of one process{comments}"),
        taken_at: Some(dump.time_date_stamp).filter(|time| *time != 0),
        contents: contents.map(|(_, name)| (*name).to_owned()).collect(),
        streams: dump.streams.clone(),
    }
}

impl Target for MinidumpTarget {
    fn kind(&self) -> &TargetKind {
        &self.kind
    }

    fn host(&self) -> Option<&Host> {
        self.dump.host.as_ref()
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace> {
        (process.0 == 0).then_some(&self.space as &dyn AddressSpace)
    }

    fn sections(&self, process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        (process.0 == 0).then(|| self.space.sections(module)).flatten()
    }

    fn wide_registers(&self, _process: ProcessIndex, thread: ThreadId) -> Vec<WideRegister> {
        self.dump.wide_registers((*self.bytes).as_ref(), thread)
    }

    fn handles(&self, _process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        self.dump.handles((*self.bytes).as_ref())
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.dump.exception.as_ref()
    }

    fn problems(&self) -> &[Problem] {
        &self.dump.problems
    }
}
