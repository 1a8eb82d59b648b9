//! The machine as a Windows CE device: a stopped device, read from its own memory as a debugger reads one.
//!
//! ```text
//! KData -> PROCESS array -> threads, EXE        KData -> MODULE list -> which process uses what
//! KData -> SECTION of a slot -> MEMBLOCK -> page-table entries -> frames
//! ```
//!
//! Lists of a memory that a program wrote over may lead in circles: each is followed so far and no farther.

mod lists;
mod memory;
mod space;

use lists::Lists;
pub use memory::{CeMemory, CeRoots};
use memory::{Reader, field};
pub use space::CeSpace;
use std::rc::Rc;
use vatlas_images::{code_view, pe::PeHeaders};
use vatlas_machine::ce::{CeVersion, Device};
use vatlas_rules::ce::structures::{O32_BYTES, kdata};
use vatlas_space::{
    AddressSpace, CeSystem, ExceptionRecord, Handle, Host, LayoutName, Machine, Module, OsFamily, Pa, Problem, Process,
    ProcessIndex, Rva, Section, SectionTable, Source, Target, TargetKind, ThreadId, Va, VaRange, WideRegister,
};

/// Sections of a module that are read.
const MOST_SECTIONS: u32 = 96;
/// `IMAGE_SCN_CNT_CODE`, `IMAGE_SCN_MEM_EXECUTE`.
const EXECUTABLE: u32 = 0x2000_0020;
/// `IMAGE_SCN_MEM_WRITE`.
const WRITABLE: u32 = 0x8000_0000;

/// A whole device at one moment.
pub struct CeTarget<M: CeMemory + ?Sized> {
    kind: TargetKind,
    host: Host,
    processes: Vec<Process>,
    spaces: Vec<CeSpace<M>>,
    /// The sections of each module by its base and name.
    sections: Vec<(Module, Vec<ImageSection>)>,
    exception: Option<ExceptionRecord>,
    ce: CeSystem,
    memory: Rc<M>,
}

/// A section: place in the image, address at run time, bytes, flags.
#[derive(Clone, Copy)]
struct ImageSection {
    rva: u32,
    real: u32,
    size: u32,
    flags: u32,
}

/// A stopped device of the machine.
pub struct DeviceMemory {
    device: Rc<Device>,
}

/// What a stopped device of the machine shows.
pub type CeMachineTarget = CeTarget<DeviceMemory>;

/// Looks at a stopped device.
pub fn ce_machine_target(device: &Rc<Device>, name: &str) -> CeMachineTarget {
    let report = device.report();
    let (layout, version) = match device.version() {
        CeVersion::Ce3 => (LayoutName::Ce3, [3, 0, 0]),
        CeVersion::Ce4 => (LayoutName::Ce4, [4, 20, 0]),
        CeVersion::Ce5 => (LayoutName::Ce5, [5, 0, 0]),
    };
    let roots = CeRoots { kdata: Va(device.kdata().into()), directory: Pa(device.directory().into()), layout };
    let kind = TargetKind {
        format: "ce-machine",
        description: format!("a Windows CE device, stopped after {} instructions; it runs {name}", report.instructions),
        taken_at: crate::nt_system::seconds_since_1970(report.time),
        contents: Vec::new(),
        streams: Vec::new(),
    };
    let host = Host { os: OsFamily::WindowsCe, version, service_pack: None, machine: Machine::X86, processors: 1 };
    let exception = report.crashes.last().map(|crash| ExceptionRecord {
        thread: ThreadId(crash.thread),
        code: crash.record.code,
        flags: crash.record.flags,
        address: Va(crash.record.address.into()),
        parameters: crash
            .record
            .parameters
            .iter()
            .take(crash.record.count as usize)
            .map(|word| u64::from(*word))
            .collect(),
        registers: None,
    });
    CeTarget::new(&Rc::new(DeviceMemory { device: Rc::clone(device) }), roots, kind, host).with_exception(exception)
}

impl CeMemory for DeviceMemory {
    fn read_physical(&self, at: Pa, buffer: &mut [u8]) -> bool {
        self.device.ram().read(at, buffer)
    }

    fn page_on_demand(&self, mapped: Va) -> Option<Vec<u8>> {
        self.device.page_on_demand(u32::try_from(mapped.0).ok()?)
    }

    fn home_on_demand(&self, mapped: Va) -> Option<(String, Rva)> {
        self.device.home_on_demand(u32::try_from(mapped.0).ok()?)
    }

    fn image_file(&self, name: &str) -> Option<Vec<u8>> {
        self.device.rom_module_file(name)
    }
}

impl<M: CeMemory + ?Sized> CeTarget<M> {
    /// Reads the lists of a device; pages are looked at when somebody asks.
    pub fn new(memory: &Rc<M>, roots: CeRoots, kind: TargetKind, host: Host) -> Self {
        let reader = Reader { memory: &**memory, roots };
        let lists = Lists::read(&reader);
        let sections = lists
            .modules
            .iter()
            .map(|(module, table, count)| (module.clone(), sections(&reader, *table, *count)))
            .collect();
        let spaces = lists.processes.iter().map(|process| CeSpace::new(memory, roots, process.home)).collect();
        let word = |offset| reader.word(field(roots.kdata, offset)?);
        let by_handle = |handle: u32| {
            let ids = lists.processes.iter().map(|process| process.id);
            ids.enumerate().find(|(_, id)| id.is_some_and(|id| id.0 == handle)).map(|(index, _)| ProcessIndex(index))
        };
        let ce = CeSystem {
            current_process: word(kdata::PROCESS).and_then(by_handle),
            current_thread: word(kdata::THREAD).filter(|handle| *handle != 0).map(ThreadId),
            kdata: Some(Va(0x5800)),
            call_stacks: Vec::new(),
        };
        Self {
            kind,
            host,
            processes: lists.processes,
            spaces,
            sections,
            exception: None,
            ce,
            memory: Rc::clone(memory),
        }
    }

    /// The same with the exception that it stopped for.
    #[must_use]
    pub fn with_exception(mut self, exception: Option<ExceptionRecord>) -> Self {
        self.exception = exception;
        self
    }

    fn sections_of(&self, module: &Module) -> &[ImageSection] {
        let found = self.sections.iter().find(|(other, _)| other.range == module.range && other.path == module.path);
        found.map_or(&[], |(_, sections)| sections)
    }
}

fn sections<M: CeMemory + ?Sized>(reader: &Reader<'_, M>, table: Va, count: u32) -> Vec<ImageSection> {
    let section = |number: u32| {
        let word = |index: u32| reader.word(field(table, number * O32_BYTES + 4 * index)?);
        Some(ImageSection { size: word(0)?, rva: word(1)?, real: word(2)?, flags: word(4)? })
    };
    (0..count.min(MOST_SECTIONS)).map_while(section).collect()
}

/// The name of a section by what it holds: the system keeps none.
fn section_name(index: usize, section: &ImageSection) -> String {
    match section.flags {
        flags if flags & EXECUTABLE != 0 => ".text".to_owned(),
        flags if flags & WRITABLE != 0 => ".data".to_owned(),
        _ => format!(".sec{index}"),
    }
}

impl<M: CeMemory + ?Sized> Target for CeTarget<M> {
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
        let file = self.image_file(module);
        let headers = file.as_deref().and_then(|file| PeHeaders::read(file).ok()).or_else(|| {
            let mut bytes = vec![0; 0x1000];
            let read = self.space(process)?.read_available(module.range.first(), &mut bytes);
            PeHeaders::read(&bytes[..read]).ok()
        });
        let named = |section: &ImageSection| {
            let headers = headers.as_ref()?;
            headers.sections.iter().find(|other| other.rva.0 == section.rva).map(|other| other.name.clone())
        };
        let sections = self.sections_of(module).iter().enumerate().filter_map(|(index, section)| {
            Some(Section {
                name: named(section).unwrap_or_else(|| section_name(index, section)),
                range: VaRange::sized(Va(section.real.into()), section.size.into())?,
                executable: section.flags & EXECUTABLE != 0,
                writable: section.flags & WRITABLE != 0,
                file: None,
            })
        });
        let source = Source::ImageHeader { module: module.name().to_owned() };
        Some(SectionTable { header_size: 0, sections: sections.collect(), source })
    }

    fn va_of(&self, module: &Module, rva: Rva) -> Option<Va> {
        let apart = self.sections_of(module).iter().find_map(|section| {
            let offset = rva.0.checked_sub(section.rva).filter(|offset| *offset < section.size)?;
            Some(Va(u64::from(section.real) + u64::from(offset)))
        });
        apart.or_else(|| module.range.first().checked_add(rva.0.into()))
    }

    fn rva_of(&self, module: &Module, va: Va) -> Option<Rva> {
        let inside = self.sections_of(module).iter().find_map(|section| {
            let offset = va.0.checked_sub(section.real.into()).filter(|offset| *offset < u64::from(section.size))?;
            section.rva.checked_add(offset as u32).map(Rva)
        });
        inside.or_else(|| u32::try_from(module.range.offset_of(va)?).ok().map(Rva))
    }

    fn image_file(&self, module: &Module) -> Option<Vec<u8>> {
        self.memory.image_file(module.name())
    }

    fn wide_registers(&self, _: ProcessIndex, _: ThreadId) -> Vec<WideRegister> {
        Vec::new()
    }

    fn handles(&self, _: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        (Vec::new(), Vec::new())
    }

    fn current(&self) -> ProcessIndex {
        let of_thread = self.exception.as_ref().and_then(|exception| {
            self.processes.iter().position(|process| process.thread(exception.thread).is_some()).map(ProcessIndex)
        });
        of_thread.or(self.ce.current_process).unwrap_or_default()
    }

    fn ce(&self) -> Option<&CeSystem> {
        Some(&self.ce)
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.exception.as_ref()
    }

    fn problems(&self) -> &[Problem] {
        &[]
    }
}

/// The record in an image that says which symbol file belongs to it.
fn debug_record(file: &[u8]) -> Option<vatlas_space::DebugRecord> {
    let headers = PeHeaders::read(file).ok()?;
    let read = |rva: Rva, buffer: &mut [u8]| {
        let section = headers.section_at(rva);
        let at = section.and_then(|section| {
            let start = usize::try_from(section.file_offset.0).ok()?;
            start.checked_add((rva.0 - section.rva.0) as usize)
        });
        let bytes = at.and_then(|at| file.get(at..)).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        count
    };
    code_view::of_image(&headers, &read, None)
}
