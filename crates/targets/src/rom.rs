//! A ROM image as a target: what a device has in memory before anything runs.
//!
//! ```text
//! process 0    the system: kernel, DLLs, ROM, RAM
//! process n    one for each program in ROM, which all run from the same address; the DLLs of the system with it
//! ```
//!
//! Nothing of it ran, so no process has a slot yet. Packed sections are unpacked page by page when their bytes are asked.

mod contents;
mod files;
mod module;
mod space;

pub use files::RomFiles;

use crate::image_files::FileBytes;
use module::{ModulePlace, module_of, section_table};
use space::RomSpace;
use std::rc::Rc;
use vatlas_images::{
    pe::machine,
    rom::{Container, RomImage, RomModule, kernel_flags, rebuild},
};
use vatlas_space::{
    AddressSpace, ExceptionRecord, Handle, Host, LayoutChoice, LayoutName, Module, OsFamily, PointerWidth, Problem,
    Process, ProcessIndex, Rva, SectionTable, StreamEntry, Target, TargetKind, ThreadId, Va, WideRegister,
};

/// Programs and modules that processes are made of, all together: each process lists its own.
const MOST_LISTED: usize = 1 << 18;

/// The kernel's half of addresses: a program that runs there is no process of its own.
const KERNEL: Va = Va(0x8000_0000);

/// The image and its file.
pub(crate) struct Rom {
    bytes: FileBytes,
    image: RomImage,
}

impl Rom {
    fn file(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

/// An opened ROM image.
pub struct RomTarget {
    rom: Rc<Rom>,
    kind: TargetKind,
    host: Host,
    processes: Vec<Process>,
    spaces: Vec<RomSpace>,
    listed: Vec<Listed>,
    problems: Vec<Problem>,
}

/// A module as a process has it, and where the tables have it.
struct Listed {
    module: Module,
    place: ModulePlace,
    is_program: bool,
}

impl RomTarget {
    /// Reads the tables of an image.
    ///
    /// # Errors
    /// No table of contents is there.
    pub fn open(bytes: FileBytes) -> Result<Self, Problem> {
        let image = RomImage::read((*bytes).as_ref())?;
        let mut problems = image.problems.clone();
        let rom = Rc::new(Rom { bytes, image });
        let image = &rom.image;
        let version = image.subsystem_version();
        let layout = layout(version);
        if version.is_none() {
            let cause = "no module says which version it is for; the addresses of CE 5 are taken";
            problems.push(Problem::note("ROM image", cause));
        }
        let (system, programs): (Vec<ModulePlace>, Vec<ModulePlace>) = places(image).partition(|place| {
            let module = place.of(image);
            !module.is_some_and(|module| module.is_exe() && module.e32.is_some_and(|e32| e32.base < KERNEL))
        });
        let most = MOST_LISTED / system.len().max(1);
        if programs.len() > most {
            let cause = format!("{} programs are too many; {most} are shown as processes", programs.len());
            problems.push(Problem::damage("ROM image", cause));
        }
        let list = |place: ModulePlace, is_program| Some(Listed { module: module_of(&rom, place)?, place, is_program });
        let mut listed: Vec<Listed> = system.iter().filter_map(|place| list(*place, false)).collect();
        let shared: Vec<Module> = listed.iter().map(|listed| listed.module.clone()).collect();
        let system: Rc<[ModulePlace]> = system.into();
        let mut processes = vec![process(kernel_name(&shared), shared.clone(), layout)];
        let mut spaces = vec![RomSpace::new(Rc::clone(&rom), Rc::clone(&system), None)];
        for place in programs.into_iter().take(most) {
            let Some(own) = list(place, true) else { continue };
            let name = own.module.name().to_owned();
            let modules = [own.module.clone()].into_iter().chain(shared.iter().cloned()).collect();
            listed.push(own);
            processes.push(process(Some(name), modules, layout));
            spaces.push(RomSpace::new(Rc::clone(&rom), Rc::clone(&system), Some(place)));
        }
        let host = host(image, version);
        let kind = kind(image, &host);
        Ok(Self { kind, host, processes, spaces, listed, problems, rom })
    }

    /// What the image's tables say.
    pub fn image(&self) -> &RomImage {
        &self.rom.image
    }

    /// Every module once: as a process has it, as the tables have it, and whether it is the EXE of a process.
    pub fn modules(&self) -> impl Iterator<Item = (&Module, &RomModule, bool)> {
        let image = &self.rom.image;
        self.listed.iter().filter_map(|listed| Some((&listed.module, listed.place.of(image)?, listed.is_program)))
    }

    fn place(&self, module: &Module) -> Option<ModulePlace> {
        self.listed.iter().find(|listed| listed.module == *module).map(|listed| listed.place)
    }
}

/// All modules of an image.
fn places(image: &RomImage) -> impl Iterator<Item = ModulePlace> + '_ {
    let regions = image.regions.iter().enumerate();
    regions.flat_map(|(region, found)| (0..found.modules.len()).map(move |module| ModulePlace { region, module }))
}

/// The rules of the version that the kernel was built for.
fn layout(version: Option<(u16, u16)>) -> LayoutName {
    match version.map(|(major, _)| major) {
        Some(..=3) => LayoutName::Ce3,
        Some(4) => LayoutName::Ce4,
        None | Some(5) => LayoutName::Ce5,
        Some(6) => LayoutName::Ce6,
        Some(_) => LayoutName::Ce7,
    }
}

fn kernel_name(modules: &[Module]) -> Option<String> {
    let kernel = modules.iter().find(|module| module.name().eq_ignore_ascii_case("nk.exe"));
    kernel.map(|module| module.name().to_owned())
}

fn process(name: Option<String>, modules: Vec<Module>, layout: LayoutName) -> Process {
    Process {
        id: None,
        name,
        create_time: None,
        layout: Some(LayoutChoice::usual(layout)),
        width: PointerWidth::Bits32,
        home: None,
        peb: None,
        peb32: None,
        modules,
        unloaded: Vec::new(),
        threads: Vec::new(),
    }
}

fn host(image: &RomImage, version: Option<(u16, u16)>) -> Host {
    let cpu = image.regions.first().map_or(0, |region| region.header.cpu);
    let (major, minor) = version.unwrap_or_default();
    let version = [major.into(), minor.into(), 0];
    Host { os: OsFamily::WindowsCe, version, service_pack: None, machine: machine(cpu), processors: 0 }
}

fn kind(image: &RomImage, host: &Host) -> TargetKind {
    let container = match image.container {
        Container::Records(_) => "records (.bin)",
        Container::Raw => "raw bytes (.nb0)",
    };
    let (modules, files) = (image.modules().count(), image.files().count());
    let regions = match image.regions.len() {
        1 => String::new(),
        count => format!(" in {count} regions"),
    };
    let description = format!(
        "a ROM image of Windows CE for {} as {container}, not running: {modules} modules, {files} files{regions}",
        host.machine
    );
    let flags = image.regions.first().map_or(0, |region| region.header.kernel_flags);
    let contents = kernel_flags(flags).into_iter().map(str::to_owned).collect();
    TargetKind { format: "rom", description, taken_at: None, contents, streams: tables(image) }
}

/// The tables of each region, as parts of the file.
fn tables(image: &RomImage) -> Vec<StreamEntry> {
    let mut entries = Vec::new();
    for region in &image.regions {
        let header = &region.header;
        let modules = region.header_va.0 + 0x54;
        let files = modules + u64::from(header.modules) * 0x20;
        let tables = [
            ("ROMHDR", region.header_va, 0x54),
            ("TOCentry", Va(modules), u64::from(header.modules) * 0x20),
            ("FILESentry", Va(files), u64::from(header.files) * 0x1c),
            ("COPYentry", Va(header.copy_offset.into()), u64::from(header.copy_entries) * 0x10),
        ];
        for (name, va, size) in tables.into_iter().filter(|(_, _, size)| *size > 0) {
            let Some(offset) = image.memory.offset(va) else { continue };
            let number = entries.len() as u32;
            entries.push(StreamEntry { number, name: Some(name), offset, size: image.memory.held(va, size) });
        }
    }
    entries
}

impl Target for RomTarget {
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

    fn sections(&self, _process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        section_table(&self.rom, self.place(module)?)
    }

    fn va_of(&self, module: &Module, rva: Rva) -> Option<Va> {
        self.place(module)?.of(&self.rom.image)?.va(rva)
    }

    fn rva_of(&self, module: &Module, va: Va) -> Option<Rva> {
        let sections = &self.place(module)?.of(&self.rom.image)?.sections;
        let in_section = sections.iter().find_map(|section| {
            let offset = module::range(section)?.offset_of(va)?;
            section.rva.checked_add(u32::try_from(offset).ok()?)
        });
        in_section.or_else(|| u32::try_from(module.range.offset_of(va)?).ok().map(Rva))
    }

    fn image_file(&self, module: &Module) -> Option<Vec<u8>> {
        let place = self.place(module)?;
        let region = self.rom.image.regions.get(place.region)?;
        Some(rebuild(&self.rom.image, self.rom.file(), region, place.of(&self.rom.image)?).ok()?.bytes)
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
        &self.problems
    }
}
