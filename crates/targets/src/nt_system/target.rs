//! A whole NT system as a target: its processes, and what only a whole system knows.

use super::{
    NtRoots, accounts::frame_parts, memory::KernelMemory, objects::Names, processes::processes, space::NtSpace,
};
use crate::section_table::section_table;
use std::rc::Rc;
use vatlas_images::{fx_image, pe::PeHeaders};
use vatlas_space::{
    AddressSpace, Commit, CommitPart, ExceptionRecord, Frame, FrameCounts, FramePart, Handle, Host, Module, Page, Pfn,
    Problem, Process, ProcessIndex, SectionTable, Source, System, SystemObject, Target, TargetKind, ThreadId, Va, Vad,
    WideRegister,
};

/// Bytes of headers that are read of an image.
const HEADERS: usize = 4096;

/// A whole system at one moment.
pub struct NtTarget<M: ?Sized> {
    kind: TargetKind,
    host: Host,
    processes: Vec<Process>,
    spaces: Vec<NtSpace<M>>,
    exception: Option<ExceptionRecord>,
    problems: Vec<Problem>,
    current: ProcessIndex,
}

impl<M: KernelMemory + ?Sized> NtTarget<M> {
    /// Reads the lists of a system; pages are looked at when somebody asks.
    pub fn new(memory: &Rc<M>, roots: &NtRoots, kind: TargetKind, host: Host) -> Self {
        let (processes, spaces) = processes(memory, roots).into_iter().unzip();
        Self { kind, host, processes, spaces, exception: None, problems: Vec::new(), current: ProcessIndex(0) }
    }

    /// The same with the exception that it stopped for, which names the process that questions are about.
    #[must_use]
    pub fn with_exception(mut self, exception: Option<ExceptionRecord>) -> Self {
        let of_thread =
            |process: &Process| exception.as_ref().is_some_and(|exception| process.thread(exception.thread).is_some());
        let process = self.processes.iter().position(of_thread);
        self.current = ProcessIndex(process.unwrap_or_else(|| self.with_modules()));
        self.exception = exception;
        self
    }

    /// The same with what could not be read.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// The first process that has modules of its own: the system's are all the kernel's.
    fn with_modules(&self) -> usize {
        let is_own = |module: &Module| module.range.first() < Va(0x8000_0000);
        self.processes.iter().position(|process| process.modules.iter().any(is_own)).unwrap_or_default()
    }
}

impl<M: KernelMemory + ?Sized> Target for NtTarget<M> {
    fn kind(&self) -> &TargetKind {
        &self.kind
    }

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace> {
        self.spaces.get(process.0).map(|space| space as &dyn AddressSpace)
    }

    fn sections(&self, process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        let mut bytes = vec![0; HEADERS];
        let read = self.space(process)?.read_available(module.range.first(), &mut bytes);
        let headers = PeHeaders::read(&bytes[..read]).ok()?;
        Some(section_table(module, &headers, Source::ImageHeader { module: module.name().to_owned() }))
    }

    fn wide_registers(&self, process: ProcessIndex, thread: ThreadId) -> Vec<WideRegister> {
        let space = self.spaces.get(process.0);
        let image = space.and_then(|space| space.reader().floats(space.owner.object, thread));
        image.map(|image| fx_image::registers(&image)).unwrap_or_default()
    }

    fn handles(&self, process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        let Some(space) = self.spaces.get(process.0) else { return (Vec::new(), Vec::new()) };
        space.reader().handles(space.owner.object, &mut Names::default())
    }

    fn current(&self) -> ProcessIndex {
        self.current
    }

    fn system(&self) -> Option<&dyn System> {
        Some(self)
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.exception.as_ref()
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl<M: KernelMemory + ?Sized> System for NtTarget<M> {
    fn page(&self, process: ProcessIndex, va: Va) -> Option<Page> {
        self.spaces.get(process.0).map(|space| space.page(va))
    }

    fn frame(&self, pfn: Pfn) -> Option<Frame> {
        self.spaces.first()?.reader().frame(pfn)
    }

    fn frame_counts(&self) -> FrameCounts {
        self.spaces.first().map(|space| space.reader().frame_counts()).unwrap_or_default()
    }

    fn mapped_at(&self, pfn: Pfn, limit: usize) -> Vec<(ProcessIndex, Va)> {
        let all = self.spaces.iter().enumerate();
        let found = all.flat_map(|(number, space)| space.mapped_at(pfn).map(move |va| (ProcessIndex(number), va)));
        found.take(limit).collect()
    }

    fn resident_pages(&self, process: ProcessIndex) -> u64 {
        self.spaces.get(process.0).map(NtSpace::resident_pages).unwrap_or_default()
    }

    fn vads(&self, process: ProcessIndex) -> Vec<Vad> {
        self.spaces.get(process.0).map(|space| space.vads().to_vec()).unwrap_or_default()
    }

    fn objects(&self) -> Vec<SystemObject> {
        self.spaces.first().map(|space| space.reader().named_objects()).unwrap_or_default()
    }

    fn commit(&self) -> Option<Commit> {
        self.spaces.first()?.memory.commit()
    }

    fn frame_parts(&self) -> Vec<FramePart> {
        frame_parts(&self.spaces)
    }

    fn commit_parts(&self) -> Vec<CommitPart> {
        self.spaces.first().map(|space| space.memory.commit_parts()).unwrap_or_default()
    }
}
