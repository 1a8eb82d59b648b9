//! How a device starts from its ROM image.
//!
//! ```text
//! physical n = 80000000 + n   the ROM at its addresses, RAM from ulRAMStart to ulRAMEnd
//! RAM behind ulRAMFree        page directory, entries of all slots, descriptors, KData, PROCESS array, then free
//! ```
//!
//! Copies of the ROM's copy table are made; NK.EXE becomes process 0; `filesys.exe` starts, if there is one, else what
//! the configuration says.

use super::image::Image;
use super::layout::{info, kdata, process};
use super::memory::{CACHED, Frames, KernelHeap, PAGE, UNCACHED_WINDOW, WINDOW, physical};
use super::object::{Object, Process};
use super::processor::{self, LARGE, PRESENT, TABLE_SHIFT, UNCACHED, WRITABLE};
use super::region::{BLOCK, Region, RegionKind};
use super::space::{SLOT, Space};
use super::{CeError, CeVersion, Configuration, Device, Rom, State, call, report, scheduler, store};
use crate::computer::Computer;
use crate::control::Control;
use crate::files::Host;
use crate::ram::Ram;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use vatlas_images::rom::RomImage;
use vatlas_rules::ce::api_sets::{API_RETURN, API_SETS, SETS};
use vatlas_rules::ce::slot::{PROCESSES, Slot};
use vatlas_space::{Pa, Problem};

/// Pages that the kernel takes before anything else: directory, master, KData and small tables, PROCESS array.
const FIRST_PAGES: u32 = 5;
/// Where descriptors are in the page of KData, and the API sets: both below the data that programs see at 800.
const GDT_IN_PAGE: u32 = 0x100;
const SETS_IN_PAGE: u32 = 0x200;
/// The most physical memory: a window.
const MOST_FRAMES: u64 = (WINDOW / PAGE) as u64;
/// First address of DLLs in the kernel's half.
const KERNEL_DLLS: u32 = 0xc000_0000;

/// Why a device does not start.
#[derive(Clone, PartialEq, Debug)]
pub enum BootError {
    /// The image cannot be read.
    Image(Problem),
    /// The image is for another processor: `IMAGE_FILE_MACHINE_*`.
    Processor(u16),
    /// More than one processor was asked for.
    Processors(usize),
    /// The image lies outside of 80000000 to 9FFFFFFF, or RAM is not behind it or too small.
    Memory(String),
    /// The ROM has no `nk.exe`, or it cannot be read.
    NoKernel,
    /// The first program does not start: its name and the error.
    Program(String, CeError),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(problem) => write!(f, "{problem}"),
            Self::Processor(machine) => {
                write!(f, "the image is for processor {machine:#x}; the machine has an x86 (0x14c)")
            }
            Self::Processors(count) => {
                write!(f, "{count} processors: Windows CE has one, up to and including version 6")
            }
            Self::Memory(cause) => f.write_str(cause),
            Self::NoKernel => f.write_str("the ROM has no nk.exe that can be read"),
            Self::Program(name, error) => write!(f, "{name} does not start: error {}", error.0),
        }
    }
}

impl std::error::Error for BootError {}

/// Where RAM is: physical addresses.
struct Layout {
    frames: u32,
    free: u32,
    end: u32,
}

impl Device {
    /// A device with this ROM image, its first program ready to run.
    ///
    /// # Errors
    /// See [`BootError`].
    pub fn boot(bytes: &[u8], configuration: Configuration, host: Box<dyn Host>) -> Result<Self, BootError> {
        if configuration.processors != 1 {
            return Err(BootError::Processors(configuration.processors));
        }
        let image = RomImage::read(bytes).map_err(BootError::Image)?;
        let first = image.regions.first().ok_or(BootError::NoKernel)?;
        if first.header.cpu != processor::MACHINE {
            return Err(BootError::Processor(first.header.cpu));
        }
        let layout = layout(&image, &configuration)?;
        let rom = Arc::new(Rom { bytes: bytes.to_vec(), image });
        let mut ram = Ram::new(layout.frames);
        burn(&mut ram, &rom);
        let mut device = Self {
            computer: Computer::new(ram, 1),
            state: state(&rom, &configuration, &layout)?,
            rom,
            host,
            handlers: Arc::new(call::handlers()),
            control: Control::default(),
            told: 0,
        };
        device.start_memory().map_err(|_| BootError::Memory("RAM is too small for the kernel".to_owned()))?;
        device.start_kernel()?;
        device.start_store(&configuration)?;
        device.start_programs(configuration)?;
        Ok(device)
    }

    /// Directory, windows, descriptors, KData.
    fn start_memory(&mut self) -> Result<(), CeError> {
        let ram = &mut self.computer.board.ram;
        let mut page = || self.state.frames.take(ram);
        let (directory, master, data) = (page()?, page()?, page()?);
        let processes = page()?;
        page()?;
        self.state.space = Space { directory, master, home: self.state.kernel_base, ..Space::default() };
        self.state.kdata = CACHED + data + kdata::IN_PAGE;
        self.state.gdt = CACHED + data + GDT_IN_PAGE;
        self.state.api_sets_at = CACHED + data + SETS_IN_PAGE;
        self.state.process_array = CACHED + processes;
        self.map_windows();
        self.put(self.state.gdt, &processor::descriptor_table());
        processor::prepare(&mut self.computer.processors[0], directory, self.state.gdt);
        self.state.empty_section = self.allocate(super::region::SECTION_BYTES)?;
        for slot in 0..64 {
            self.set_word(self.state.kdata + kdata::SECTIONS + 4 * slot, self.state.empty_section);
        }
        self.set_word(self.state.kdata + kdata::HANDLE_BASE, CACHED);
        self.set_word(self.state.kdata + kdata::API_RETURN, API_RETURN.0 as u32);
        Ok(())
    }

    /// The cached and the uncached window, by pages of 4 MB, for the kernel only.
    fn map_windows(&mut self) {
        let bytes = self.computer.board.ram.frames() * PAGE;
        let ram = &mut self.computer.board.ram;
        for at in (0..bytes).step_by(1 << TABLE_SHIFT) {
            let entry = at | PRESENT | WRITABLE | LARGE;
            self.state.space.set_entry(ram, (CACHED + at) >> TABLE_SHIFT, entry);
            self.state.space.set_entry(ram, (UNCACHED_WINDOW + at) >> TABLE_SHIFT, entry | UNCACHED);
        }
    }

    /// NK.EXE as process 0, and what KData says of the system.
    fn start_kernel(&mut self) -> Result<(), BootError> {
        let failed = |error| BootError::Program("nk.exe".to_owned(), error);
        let kernel = self.kernel_image()?;
        self.state.images.push(kernel);
        self.state.kernel_image = Some(0);
        let at = self.state.process_array;
        let handle = self.new_handle(Object::Process(0, 0), at, 0).map_err(failed)?;
        self.state.processes[0] = Some(Process {
            at,
            handle,
            name: "NK.EXE".to_owned(),
            image: 0,
            threads: Vec::new(),
            main_thread: 0,
            modules: Vec::new(),
            command_line: 0,
            exit_code: None,
            is_ending: false,
            blocks: Vec::new(),
        });
        self.state.kernel_section = self.allocate(super::region::SECTION_BYTES).map_err(failed)?;
        if self.state.version == CeVersion::Ce3 {
            let section = self.state.kernel_section;
            self.set_word(self.state.kdata + kdata::SECTIONS + 4, section);
        } else {
            self.make_section(1).map_err(failed)?;
            self.reserve_slot_1().map_err(failed)?;
        }
        self.show_process(0, true).map_err(failed)?;
        self.map_kdata(self.state.kernel_base).map_err(failed)?;
        let home = self.state.kernel_base;
        // Slot 0 shows the kernel until the first program runs.
        self.state.space.home = 0;
        self.state.space.switch(&mut self.computer.board.ram, home);
        self.state.space.counts = super::SwitchCounts::default();
        self.fill_information();
        Ok(())
    }

    /// The addresses of slot 1 that code of ROM DLLs has: the same for everybody, whether or not they are loaded.
    fn reserve_slot_1(&mut self) -> Result<(), CeError> {
        let slot = SLOT..2 * SLOT;
        let sections = self.rom.image.modules().flat_map(|(_, module)| &module.sections);
        let in_slot = sections.filter(|section| slot.contains(&(section.real.0 as u32)));
        let ends = in_slot.map(|section| (section.real.0 as u32, (section.real.0 as u32).saturating_add(section.size)));
        let range = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let Some((first, end)) = range else { return Ok(()) };
        let base = first & !(BLOCK - 1);
        let size = end.min(slot.end).next_multiple_of(BLOCK) - base;
        self.reserve(Region { base, size, process: 0, kind: RegionKind::RomDlls })
    }

    fn kernel_image(&self) -> Result<Image, BootError> {
        for region in &self.rom.image.regions {
            let found = region.modules.iter().position(|module| module.name.eq_ignore_ascii_case("nk.exe"));
            if let Some(number) = found {
                let entry = (region.header_va.0 as u32).wrapping_add(0x54 + 0x20 * number as u32);
                let module = &region.modules[number];
                return Image::from_rom(&self.rom.image, &self.rom.bytes, module, entry)
                    .map_err(|_| BootError::NoKernel);
            }
        }
        Err(BootError::NoKernel)
    }

    fn fill_information(&mut self) {
        let toc = self.rom.image.regions.first().map_or(0, |region| region.header_va.0 as u32);
        for (index, value) in [
            (info::PROCESSES, self.state.process_array),
            (info::PAGE_SIZE, PAGE),
            (info::FRAME_MASK, !(PAGE - 1)),
            (info::SECTIONS, self.state.kdata + kdata::SECTIONS),
            (info::PAGES, self.state.frames.total),
            (info::TOC, toc),
            (info::KDATA, vatlas_rules::ce::kdata::KDATA_OTHER.0 as u32),
            (info::API_SETS, self.state.api_sets_at),
            (info::NK_SECTION, self.state.kernel_section),
        ] {
            self.set_info(index, value);
        }
        self.show_memory();
        let mask = SETS.iter().filter(|set| set.server == vatlas_rules::ce::api_sets::ApiServer::Kernel);
        let mask = mask.fold(0, |mask, set| mask | 1 << set.number);
        self.set_info(info::API_MASK, mask);
        const { assert!(SETS_IN_PAGE + 4 * API_SETS as u32 <= kdata::IN_PAGE) };
        const { assert!(process::BYTES * PROCESSES as u32 <= 2 * PAGE) };
    }

    fn start_store(&mut self, configuration: &Configuration) -> Result<(), BootError> {
        for (path, bytes) in &configuration.files {
            self.put_file(path, bytes.clone()).map_err(|error| BootError::Program(path.clone(), error))?;
        }
        Ok(())
    }

    /// `filesys.exe` first; what the configuration wants when it answers, or at once without it.
    fn start_programs(&mut self, configuration: Configuration) -> Result<(), BootError> {
        let has_file_system =
            self.rom.image.modules().any(|(_, module)| module.name.eq_ignore_ascii_case("filesys.exe"));
        self.state.due_programs = configuration.start.into();
        if has_file_system {
            let started = self.create_process("filesys.exe", "", false);
            started.map_err(|error| BootError::Program("filesys.exe".to_owned(), error))?;
        } else {
            self.start_all_due()?;
        }
        Ok(())
    }

    fn start_all_due(&mut self) -> Result<(), BootError> {
        while let Some((path, arguments)) = self.state.due_programs.pop_front() {
            let started = self.create_process(&path, &arguments, false);
            started.map_err(|error| BootError::Program(path, error))?;
        }
        Ok(())
    }

    /// Programs that waited for the file system start.
    pub(crate) fn start_due_programs(&mut self) {
        const FILESYS: u8 = 20;
        if self.set_of_number(FILESYS).is_none() {
            return;
        }
        while let Some((path, arguments)) = self.state.due_programs.pop_front() {
            if let Err(error) = self.create_process(&path, &arguments, false) {
                self.print(&format!("{path} does not start: error {}\r\n", error.0));
            }
        }
    }

    /// Starts a program; a run ends when it ends.
    ///
    /// # Errors
    /// What `CreateProcess` would say.
    pub fn start_program(&mut self, path: &str, arguments: &str) -> Result<u8, CeError> {
        let (number, _) = self.create_process(path, arguments, false)?;
        self.state.watched = Some(number);
        Ok(number)
    }
}

/// Where the image's RAM is in physical memory.
fn layout(image: &RomImage, configuration: &Configuration) -> Result<Layout, BootError> {
    let window = u64::from(CACHED)..u64::from(CACHED + WINDOW);
    let refuse = |cause: String| Err(BootError::Memory(cause));
    let Some(region) = image.regions.first() else { return Err(BootError::NoKernel) };
    let mut end = 0;
    for piece in image.memory.pieces() {
        let last = piece.va.0 + piece.size;
        if !window.contains(&piece.va.0) || last > window.end {
            return refuse(format!("the image has bytes at {}, outside of 80000000 to 9fffffff", piece.va));
        }
        end = end.max(last);
    }
    let (start, free) = (u64::from(region.header.ram_start), u64::from(region.header.ram_free));
    let ram_end = u64::from(configuration.ram_end.unwrap_or(region.header.ram_end));
    if !window.contains(&start) || free < start || ram_end <= free || ram_end > window.end {
        return refuse(format!("RAM from {start:08x}, free from {free:08x}, to {ram_end:08x} cannot be"));
    }
    let overlaps = image.memory.pieces().iter().any(|piece| piece.va.0 < ram_end && piece.va.0 + piece.size > start);
    if overlaps {
        return refuse("RAM lies over the image".to_owned());
    }
    let pages = ram_end / u64::from(PAGE) - free.div_ceil(u64::from(PAGE)).min(ram_end / u64::from(PAGE));
    if pages <= u64::from(FIRST_PAGES) {
        return refuse(format!("{pages} pages of RAM are free, the kernel needs more"));
    }
    let highest = end.max(ram_end) - u64::from(CACHED);
    let frames = highest.div_ceil(u64::from(PAGE)).min(MOST_FRAMES) as u32;
    let at = |va: u64| (va - u64::from(CACHED)) as u32;
    Ok(Layout { frames, free: at(free), end: at(ram_end) })
}

/// Puts the ROM into physical memory, and copies what its copy table says.
fn burn(ram: &mut Ram, rom: &Rom) {
    for piece in rom.image.memory.pieces() {
        let bytes = rom.image.memory.bytes(&rom.bytes, piece.va, piece.size);
        ram.write(physical(piece.va.0 as u32), &bytes);
    }
    for copy in rom.image.regions.iter().flat_map(|region| &region.copies) {
        let bytes = rom.image.memory.bytes(&rom.bytes, copy.from, copy.length.min(copy.room).into());
        let to = copy.to.0 as u32;
        if (CACHED..UNCACHED_WINDOW + WINDOW).contains(&to) {
            ram.write(Pa(physical(to).0), &bytes);
        }
    }
}

fn state(rom: &Rom, configuration: &Configuration, layout: &Layout) -> Result<State, BootError> {
    const USER_MODE_FLAG: u32 = 0x02;
    const NO_DEMAND_PAGING: u32 = 0x01;
    let region = rom.image.regions.first().ok_or(BootError::NoKernel)?;
    let version = configuration.version.unwrap_or_else(|| version_of(rom));
    let flags = region.header.kernel_flags;
    let kernel_base = if version == CeVersion::Ce3 { Slot::ONE.base() } else { Slot::NK.base() };
    let rom_dll_low = lowest_dll(rom);
    let ram = u64::from(layout.end - layout.free);
    // The first byte: blocks of 4 KB in each of the first two megabytes.
    let share = u64::from(region.header.object_store_share & 0xff).min(0xff);
    Ok(State {
        version,
        full_kernel_mode: configuration.full_kernel_mode.unwrap_or(flags & USER_MODE_FLAG == 0),
        demand_paging: flags & NO_DEMAND_PAGING == 0,
        frames: Frames::new(layout.free, layout.end - (ram * share / 256) as u32),
        heap: KernelHeap::default(),
        space: Space::default(),
        table_pages: 0,
        committed: 0,
        module_list: 0,
        kdata: 0,
        gdt: 0,
        process_array: 0,
        empty_section: 0,
        kernel_section: 0,
        kernel_base: kernel_base.0 as u32,
        api_sets_at: 0,
        dll_low: rom_dll_low,
        rom_dll_low,
        kernel_dll_next: KERNEL_DLLS,
        regions: BTreeMap::new(),
        processes: (0..PROCESSES).map(|_| None).collect(),
        threads: Vec::new(),
        modules: Vec::new(),
        images: Vec::new(),
        handles: BTreeMap::new(),
        exit_codes: BTreeMap::new(),
        sets: BTreeMap::new(),
        shown_again: BTreeMap::new(),
        views: BTreeMap::new(),
        critical: BTreeMap::new(),
        scheduler: scheduler::Scheduler {
            until_tick: configuration.instructions_per_tick.max(1),
            ..Default::default()
        },
        running: None,
        executed: 0,
        tick: 0,
        boot_time: configuration.boot_time,
        instructions_per_tick: configuration.instructions_per_tick.max(1),
        store: store::Store { limit: ram * share / 256, ..store::Store::default() },
        counters: report::Counters::default(),
        output: String::new(),
        printed: 0,
        crashes: Vec::new(),
        missing: BTreeMap::new(),
        unsupported: BTreeSet::new(),
        kernel_image: None,
        due_programs: VecDeque::new(),
        watched: None,
        ended: None,
        serial: 0,
    })
}

/// Where the ROM's DLLs begin in every slot: the lowest slot-0 address of any of their sections, on a block.
fn lowest_dll(rom: &Rom) -> u32 {
    const DLL: u16 = 0x2000;
    let dlls = rom.image.modules().filter(|(_, module)| module.e32.as_ref().is_some_and(|e32| e32.flags & DLL != 0));
    let sections = dlls.flat_map(|(_, module)| &module.sections).map(|section| section.real.0 as u32);
    sections.filter(|real| (BLOCK..SLOT).contains(real)).min().unwrap_or(SLOT) & !(BLOCK - 1)
}

/// The version that the kernel of a ROM was built for.
fn version_of(rom: &Rom) -> CeVersion {
    let kernel = rom.image.modules().find(|(_, module)| module.name.eq_ignore_ascii_case("nk.exe"));
    match kernel.and_then(|(_, module)| module.e32.as_ref()).map_or(5, |e32| e32.version.0) {
        ..=3 => CeVersion::Ce3,
        4 => CeVersion::Ce4,
        _ => CeVersion::Ce5,
    }
}
