//! One module on its own, not running: an image file by its addresses, or only the name of one whose symbols are asked.

use crate::image_files::FileBytes;
use crate::section_table::section_table;
use vatlas_images::{code_view, image_bytes, pe::PeHeaders, pe_image::PeImage};
use vatlas_space::{
    AddressSpace, Backing, ExceptionRecord, FileOffset, Handle, Host, LayoutChoice, LayoutName, Machine, Module,
    OsFamily, PointerWidth, Problem, Process, ProcessIndex, Protection, ReadFault, Region, RegionKind, RegionState,
    Rva, SectionTable, Source, Store, Target, TargetKind, ThreadId, Va, VaRange, WideRegister,
};

/// What is said of a module that no file describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ModuleFacts {
    /// Where it is loaded; 0, or an image's own base, when nothing is said.
    pub base: Option<Va>,
    /// Its processor.
    pub machine: Option<Machine>,
    /// The rules of the system that it is for.
    pub layout: Option<LayoutName>,
}

/// A process of one module. Nothing of it ran: an image's bytes are those that a loader would start from.
pub struct ModuleTarget {
    kind: TargetKind,
    host: Host,
    processes: [Process; 1],
    space: ModuleSpace,
}

struct ModuleSpace {
    range: VaRange,
    module: Module,
    image: Option<(PeImage, FileBytes)>,
}

/// `SizeOfImage` is not known of symbols alone: a module then reaches as far as one can.
const LARGEST: u64 = 1 << 31;
/// Bytes of a slot of Windows CE up to 5, which a module there does not leave.
const SLOT_SIZE: u64 = 1 << 25;

impl ModuleTarget {
    /// An image file as its loader would map it.
    ///
    /// # Errors
    /// The bytes are no PE image.
    pub fn of_image(name: &str, bytes: FileBytes, facts: &ModuleFacts) -> Result<Self, Problem> {
        let file: &[u8] = (*bytes).as_ref();
        let image = PeImage::read(file)?;
        let headers = &image.headers;
        let base = facts.base.unwrap_or(Va(headers.image_base));
        let read = image_bytes::of_file(headers, file);
        let debug_record = code_view::of_image(headers, &read, Some(file));
        drop(read);
        let layout = facts.layout.or_else(|| usual_layout(headers));
        let facts = ModuleFacts { base: Some(base), machine: Some(headers.machine), layout };
        let (size, stamp) = (u64::from(headers.size_of_image).max(1), headers.time_date_stamp);
        let description = match layout {
            Some(layout) => {
                format!("a PE image for {}, not running; addresses by the rules of {layout}", headers.machine)
            }
            None => format!("a PE image for {}, not running", headers.machine),
        };
        let module = module(name, size, stamp, &facts);
        Ok(Self::new(Module { debug_record, ..module }, Some((image, bytes)), &facts, "PE", description))
    }

    /// A module of which only symbols are at hand.
    pub fn of_symbols(name: &str, facts: &ModuleFacts) -> Self {
        let base = facts.base.unwrap_or_default();
        let size = match facts.layout {
            Some(layout) if layout.has_slots() => SLOT_SIZE - base.0 % SLOT_SIZE,
            _ => LARGEST,
        };
        let module = module(name, size, 0, facts);
        Self::new(module, None, facts, "symbols", "the symbols of a module, without its bytes".to_owned())
    }

    fn new(
        module: Module,
        image: Option<(PeImage, FileBytes)>,
        facts: &ModuleFacts,
        format: &'static str,
        description: String,
    ) -> Self {
        let machine = facts.machine.unwrap_or(Machine::Other(0));
        let width = match facts.layout {
            Some(layout) => layout.width(),
            None => machine.width().unwrap_or(PointerWidth::Bits32),
        };
        let is_ce = facts.layout.is_some_and(|layout| layout.as_str().starts_with("ce") || layout.has_slots());
        let os = if is_ce { OsFamily::WindowsCe } else { OsFamily::Windows };
        let range = VaRange::new(Va(0), width.last()).unwrap_or(module.range);
        let process = Process {
            id: None,
            name: Some(module.name().to_owned()),
            create_time: None,
            layout: facts.layout.map(LayoutChoice::usual),
            width,
            home: None,
            peb: None,
            peb32: None,
            modules: vec![module.clone()],
            unloaded: Vec::new(),
            threads: Vec::new(),
        };
        Self {
            kind: TargetKind { format, description, taken_at: None, contents: Vec::new(), streams: Vec::new() },
            host: Host { os, version: [0; 3], service_pack: None, machine, processors: 0 },
            processes: [process],
            space: ModuleSpace { range, module, image },
        }
    }
}

/// The system that an image is usually for.
fn usual_layout(headers: &PeHeaders) -> Option<LayoutName> {
    const WINDOWS_CE: u16 = 9;
    match (headers.subsystem, headers.machine) {
        (WINDOWS_CE, _) => Some(LayoutName::Ce5),
        (_, Machine::X86) => Some(LayoutName::Nt32),
        (_, Machine::X64) => Some(LayoutName::Nt64),
        _ => None,
    }
}

fn module(name: &str, size: u64, time_date_stamp: u32, facts: &ModuleFacts) -> Module {
    let base = facts.base.unwrap_or_default();
    // A base near the end of all addresses leaves less than the size.
    let last = Va(base.0.saturating_add(size.saturating_sub(1)));
    Module {
        path: name.to_owned(),
        range: VaRange::new(base, last).unwrap_or_else(|| unreachable!("the ends are in order")),
        data: None,
        time_date_stamp,
        checksum: 0,
        version: None,
        debug_record: None,
    }
}

impl ModuleSpace {
    /// The piece of the image around `va`: headers, a section, or what lies between; its protection where it has one.
    fn piece(&self, va: Va) -> (VaRange, Option<Protection>) {
        let own = self.module.range;
        let Some((image, _)) = &self.image else { return (own, None) };
        let headers = VaRange::sized(own.first(), image.headers.size_of_headers.into());
        let table = self.table(image);
        let sections = table.sections.iter().map(|section| (section.range, Some(protection(section))));
        let pieces = headers.map(|range| (range, Some(Protection::READONLY))).into_iter().chain(sections);
        let mut gap = own;
        for (range, protection) in pieces {
            if range.contains(va) {
                return (range, protection);
            }
            if range.last() < va {
                gap = range.next().and_then(|first| VaRange::new(first.max(gap.first()), gap.last())).unwrap_or(gap);
            } else {
                let below = range.first().checked_sub(1);
                gap = below.and_then(|last| VaRange::new(gap.first(), last.min(gap.last()))).unwrap_or(gap);
            }
        }
        (gap, None)
    }

    fn table(&self, image: &PeImage) -> SectionTable {
        section_table(&self.module, &image.headers, Source::ImageFile { name: self.module.name().to_owned() })
    }

    /// The part of the space below, in or above the module.
    fn side(&self, va: Va) -> VaRange {
        let own = self.module.range;
        let side = match va {
            va if va < own.first() => own.first().checked_sub(1).and_then(|last| VaRange::new(Va(0), last)),
            va if va > own.last() => own.next().and_then(|first| VaRange::new(first, Va(u64::MAX))),
            _ => None,
        };
        side.unwrap_or(own)
    }

    /// The bytes of the file that a loader puts at `va` and up to the end of the piece.
    fn held(&self, va: Va) -> Option<(VaRange, FileOffset)> {
        let (image, bytes) = self.image.as_ref()?;
        let base = self.module.range.first();
        let rva = Rva(u32::try_from(va.offset_from(base)?).ok()?);
        let (first, size, offset) = if rva.0 < image.headers.size_of_headers {
            (0, image.headers.size_of_headers, FileOffset(0))
        } else {
            let section = image.headers.section_at(rva)?;
            let size = if section.virtual_size == 0 { section.file_size } else { section.virtual_size };
            (section.rva.0, section.file_size.min(size), section.file_offset)
        };
        let file_size = (**bytes).as_ref().len() as u64;
        let size = u64::from(size).min(file_size.checked_sub(offset.0)?);
        let range = VaRange::sized(base.checked_add(first.into())?, size)?.intersection(self.module.range)?;
        range.contains(va).then_some((range, offset))
    }
}

/// What the loader protects a section with before the program runs.
fn protection(section: &vatlas_space::Section) -> Protection {
    match (section.executable, section.writable) {
        (true, true) => Protection::EXECUTE_WRITECOPY,
        (true, false) => Protection::EXECUTE_READ,
        (false, true) => Protection::WRITECOPY,
        (false, false) => Protection::READONLY,
    }
}

impl AddressSpace for ModuleSpace {
    fn range(&self) -> VaRange {
        self.range
    }

    fn region(&self, va: Va) -> Region {
        if !self.module.range.contains(va) {
            return Region::unknown(self.side(va), Source::Nothing);
        }
        let (range, protection) = self.piece(va);
        let source = Source::ImageHeader { module: self.module.name().to_owned() };
        let state = if self.image.is_some() { RegionState::Committed } else { RegionState::Unknown };
        Region {
            state,
            kind: Some(RegionKind::Image),
            protection,
            allocation_base: Some(self.module.range.first()),
            allocation_protection: self.image.as_ref().map(|_| Protection::EXECUTE_WRITECOPY),
            ..Region::unknown(range, source)
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if let Some((range, offset)) = self.held(va) {
            return Backing { range, store: Store::Captured(offset) };
        }
        let whole = self.region(va).range;
        // Behind the bytes that the file has of the piece.
        let held = self.held(whole.first()).and_then(|(range, _)| range.next());
        let range = held.filter(|first| *first <= va).and_then(|first| VaRange::new(first, whole.last()));
        Backing { range: range.unwrap_or(whole), store: Store::Unknown }
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        let fault = || ReadFault { va, store: self.backing(va).store };
        let (range, offset) = self.held(va).ok_or_else(fault)?;
        let (image, bytes) = self.image.as_ref().ok_or_else(fault)?;
        let file: &[u8] = (**bytes).as_ref();
        let base = self.module.range.first();
        // What moved with the base is known of the parts that programs do not write to.
        let moved = va.offset_from(base).and_then(|rva| {
            let rva = Rva(u32::try_from(rva).ok()?);
            image.read_loaded(file, base.0, rva, buffer)
        });
        if let Some(count) = moved.filter(|count| *count > 0 || buffer.is_empty()) {
            return Ok(count);
        }
        if base.0 != image.headers.image_base {
            return Err(ReadFault { va, store: Store::Unknown });
        }
        let at = offset.0 + (va.0 - range.first().0);
        let rest = range.last().0 - va.0;
        let count = buffer.len().min(usize::try_from(rest).map_or(usize::MAX, |rest| rest.saturating_add(1)));
        let source = usize::try_from(at).ok().and_then(|at| file.get(at..at.checked_add(count)?)).ok_or_else(fault)?;
        buffer[..count].copy_from_slice(source);
        Ok(count)
    }
}

impl Target for ModuleTarget {
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
        (process.0 == 0).then_some(&self.space)
    }

    fn sections(&self, _process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        let (image, _) = self.space.image.as_ref()?;
        (*module == self.space.module).then(|| self.space.table(image))
    }

    fn wide_registers(&self, _process: ProcessIndex, _thread: ThreadId) -> Vec<WideRegister> {
        Vec::new()
    }

    fn handles(&self, _process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        (Vec::new(), Vec::new())
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        None
    }

    fn problems(&self) -> &[Problem] {
        &[]
    }
}
