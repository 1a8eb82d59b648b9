//! A dump of Windows CE as a target: every process of the device, each with its own view of memory.

mod lists;
mod processes;
mod regions;
mod space;

use crate::image_files::{FileBytes, ImageFiles};
use lists::Lists;
use processes::Processes;
use space::{KdmpSpace, SharedImages};
use std::{cell::OnceCell, rc::Rc};
use vatlas_images::kdmp::{DumpKind, Element, Kdmp, SystemInfo};
use vatlas_space::{
    AddressSpace, CeSystem, ExceptionRecord, Fact, FactsOf, Handle, Host, Module, Problem, Process, ProcessIndex, Rva,
    SectionTable, Target, TargetKind, ThreadId, Va, VaRange, WideRegister,
};

/// Where the kernel data page is on ARM, and where user code sees it on other processors.
const KDATA: [Va; 2] = [Va(0xffff_c800), Va(0x5800)];
/// Handles of the current thread and process in that page.
const CURRENT_THREAD: u64 = 8;
const CURRENT_PROCESS: u64 = 0xc;

/// An opened dump of Windows CE. Its memory stays in the file's bytes.
pub struct KdmpTarget {
    bytes: FileBytes,
    dump: Kdmp,
    kind: TargetKind,
    host: Option<Host>,
    processes: Processes,
    spaces: Vec<OnceCell<KdmpSpace>>,
    images: SharedImages,
    memory: Rc<space::Captured>,
    exception: Option<ExceptionRecord>,
    ce: CeSystem,
}

impl KdmpTarget {
    /// Reads the streams of `bytes` and joins them with the rules of Windows CE.
    ///
    /// # Errors
    /// The header is not that of a Windows CE dump. Other damage is in [`Target::problems`].
    pub fn open(bytes: FileBytes, images: Box<dyn ImageFiles>) -> Result<Self, Problem> {
        let mut dump = Kdmp::read((*bytes).as_ref())?;
        let host = dump.system.as_ref().map(SystemInfo::host);
        let memory = Rc::new(space::Captured::new(&dump.memory, FileBytes::clone(&bytes)));
        let processes = Processes::new(&dump);
        if processes.is_cut {
            let cause = "says that processes have more modules than are listed";
            let problem = Problem::damage("kdmp: stream 0x8003 (ModuleListStream)", cause);
            dump.problems.push(problem.hint("the counts of processes and modules may be overwritten"));
        }
        let exception = exception(&dump);
        let ce = ce_system(&dump, &memory, &processes);
        let spaces = processes.list.iter().map(|_| OnceCell::new()).collect();
        let (kind, images) = (kind(&dump), SharedImages::new(images));
        Ok(Self { bytes, dump, kind, host, processes, spaces, images, memory, exception, ce })
    }

    /// Where a module's data lie apart, and the place that they have in its image; `None` where no header tells it.
    fn data_section(&self, module: &Module) -> Option<(VaRange, Rva)> {
        let data = module.data?;
        let owner = self.processes.list.iter().position(|process| process.modules.contains(module))?;
        Some((data, self.space_of(ProcessIndex(owner))?.data_section(module)?))
    }

    fn lists(&self) -> Lists<'_> {
        Lists { dump: &self.dump, file: (*self.bytes).as_ref() }
    }

    fn space_of(&self, index: ProcessIndex) -> Option<&KdmpSpace> {
        let (process, space) = (self.processes.list.get(index.0)?, self.spaces.get(index.0)?);
        let new = || KdmpSpace::new(process, &self.processes.list, &self.memory, &self.images);
        Some(space.get_or_init(new))
    }
}

fn kind(dump: &Kdmp) -> TargetKind {
    let holds = match dump.kind {
        DumpKind::Context => "the thread that failed and what belongs to it",
        DumpKind::System => "all processes and threads",
        DumpKind::Complete => "all processes, threads and memory",
    };
    TargetKind {
        format: "kdmp",
        description: format!("a Windows CE {} dump: {holds}", dump.kind),
        taken_at: Some(dump.time_date_stamp).filter(|time| *time != 0),
        contents: Vec::new(),
        streams: dump.streams.clone(),
    }
}

fn exception(dump: &Kdmp) -> Option<ExceptionRecord> {
    let found = dump.exception.as_ref()?;
    let [_, thread, ..] = found.handles;
    Some(ExceptionRecord {
        thread: ThreadId(thread),
        code: found.code,
        flags: found.exception_flags,
        address: found.address,
        parameters: found.parameters.iter().map(|parameter| (*parameter).into()).collect(),
        registers: found.contexts.general.clone(),
    })
}

/// What ran: as the kernel data page says, else as the exception says.
fn ce_system(dump: &Kdmp, memory: &space::Captured, processes: &Processes) -> CeSystem {
    let kdata = KDATA.into_iter().find(|base| memory.word(*base).is_some());
    let word = |offset| kdata.and_then(|base| memory.word(base.checked_add(offset)?)).filter(|handle| *handle != 0);
    let handles = dump.exception.as_ref().map(|exception| exception.handles);
    let process = word(CURRENT_PROCESS).or(handles.map(|handles| handles[0]));
    let thread = word(CURRENT_THREAD).or(handles.map(|handles| handles[1]));
    CeSystem {
        current_process: process.and_then(|handle| processes.of_handle(handle)),
        current_thread: thread.map(ThreadId),
        kdata,
        call_stacks: dump.call_stacks.clone(),
    }
}

impl Target for KdmpTarget {
    fn kind(&self) -> &TargetKind {
        &self.kind
    }

    fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    fn processes(&self) -> &[Process] {
        &self.processes.list
    }

    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace> {
        self.space_of(process).map(|space| space as &dyn AddressSpace)
    }

    fn sections(&self, process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        self.space_of(process)?.sections(module)
    }

    fn va_of(&self, module: &Module, rva: Rva) -> Option<Va> {
        let in_data = self.data_section(module).and_then(|(data, section)| {
            let offset = rva.0.checked_sub(section.0)?;
            data.first().checked_add(offset.into()).filter(|va| data.contains(*va))
        });
        in_data.or_else(|| module.range.first().checked_add(rva.0.into()))
    }

    fn rva_of(&self, module: &Module, va: Va) -> Option<Rva> {
        if let Some(offset) = module.range.offset_of(va) {
            return u32::try_from(offset).ok().map(Rva);
        }
        let (data, section) = self.data_section(module)?;
        section.checked_add(u32::try_from(data.offset_of(va)?).ok()?)
    }

    fn wide_registers(&self, _process: ProcessIndex, thread: ThreadId) -> Vec<WideRegister> {
        let file = (*self.bytes).as_ref();
        let exception = self.dump.exception.as_ref().filter(|exception| exception.handles[1] == thread.0);
        let of_exception = exception.map(|exception| exception.contexts.wide(file)).unwrap_or_default();
        if !of_exception.is_empty() {
            return of_exception;
        }
        self.dump.contexts.get(&thread.0).map(|contexts| contexts.wide(file)).unwrap_or_default()
    }

    fn handles(&self, _process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        (Vec::new(), Vec::new())
    }

    fn current(&self) -> ProcessIndex {
        // The thread that failed is asked about most, and where it was: its process, also while a server runs for it.
        let exception = self.exception.as_ref();
        let of_thread = exception.and_then(|exception| {
            let mut processes = self.processes.list.iter();
            processes.position(|process| process.thread(exception.thread).is_some()).map(ProcessIndex)
        });
        of_thread.or(self.ce.current_process).unwrap_or_default()
    }

    fn ce(&self) -> Option<&CeSystem> {
        Some(&self.ce)
    }

    fn facts(&self, of: FactsOf<'_>) -> Vec<Fact> {
        let lists = self.lists();
        match of {
            FactsOf::System => lists.system(),
            FactsOf::Exception => lists.exception(),
            FactsOf::Process(index) => lists.process(self.processes.record(index)),
            FactsOf::Thread(_, thread) => lists.thread(thread),
            FactsOf::Module(_, module) => lists.module(module),
        }
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.exception.as_ref()
    }

    fn problems(&self) -> &[Problem] {
        &self.dump.problems
    }
}

/// All fields of an element.
fn facts(element: Option<Element<'_>>) -> Vec<Fact> {
    element.map(|element| element.facts()).unwrap_or_default()
}
