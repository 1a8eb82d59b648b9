//! How a system starts: descriptor tables, processor control regions, the shared user page, the idle and the system
//! process.
//!
//! ```text
//! 8003F000  GDT, at +400 the IDT           8055A000  variables: PsActiveProcessHead
//! 80042000  task-state segment             FFDFF000  KPCR of processor 0
//! F7737000 + 8000 * n                      the same of processor n, in this order: KPCR, GDT and IDT, TSS
//! ```
//!
//! With 3 GB for programs what is at 80000000 here is at C0800000.
//!
//! The gates of the IDT lead nowhere: the processor asks the kernel before it looks at them.

use crate::computer::Computer;
use crate::cpu::{Control, DescriptorTable, Engine, HostTraps, Registers, Segment};
use crate::files::{Files, GivenFile, Host, NtTime};
use crate::memory::{AddressLimits, Memory, NtStatus};
use crate::nt::checkpoint::Checkpoints;
use crate::nt::guest::GuestBlock;
use crate::nt::objects::{Body, Objects};
use crate::nt::population::Population;
use crate::nt::process::ProcessIndex;
use crate::nt::report::Counters;
use crate::nt::scheduler::{Processor, Scheduler};
use crate::nt::services::SERVICES;
use crate::nt::thread::{NewThread, ThreadState};
use crate::nt::timer::Clock;
use crate::nt::trap_frame::TrapFrame;
use crate::nt::user_memory::utf16;
use crate::nt::{Configuration, System, Variables, calls};
use crate::ram::Ram;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use vatlas_rules::nt::structures::{eprocess, kpcr, shared, tss};
use vatlas_space::{Pfn, Va};

/// Frames that stay unused at the bottom, as the BIOS's do.
const FIRST_FRAME: Pfn = Pfn(1);
/// Where the kernel's image would be: above page tables and hyperspace when it begins with them.
const TWO_GB_BASE: u32 = 0x8000_0000;
const THREE_GB_BASE: u32 = 0xc080_0000;
/// From there on.
const VARIABLES: u32 = 0x55_a000;
/// `ObpRootDirectoryObject` and `ObpTypeObjectType` among them (our choice).
const ROOT_DIRECTORY: u32 = 0x160;
const TYPE_OF_TYPES: u32 = 0x164;
const GDT: u32 = 0x3_f000;
const TSS: u32 = 0x4_2000;
const GDT_BYTES: u16 = 0x3ff;
const IDT_OFFSET: u32 = 0x400;
const IDT_BYTES: u16 = 0x7ff;
/// Descriptor of the TEB in the GDT.
const TEB_DESCRIPTOR: u32 = 0x38;
/// Milliseconds in a tick, times 2^24.
const TICK_MULTIPLIER: u32 = 0x0fa0_0000;
/// Directories that exist from the start.
const DIRECTORIES: [&str; 7] =
    ["", "\\ObjectTypes", "\\Device", "\\??", "\\KnownDlls", "\\BaseNamedObjects", "\\Windows"];
/// `ProcessorFeatures` of this processor: compare-exchange of 8 bytes, SSE, time-stamp counter, SSE2.
const FEATURES: [u32; 4] = [2, 6, 8, 10];

/// Where a processor's own structures are.
struct Places {
    pcr: u32,
    gdt: u32,
    tss: u32,
}

fn places(processor: u32, base: u32) -> Places {
    match processor {
        0 => Places { pcr: 0xffdf_f000, gdt: base + GDT, tss: base + TSS },
        _ => {
            let base = 0xf773_7000 + 0x8000 * processor;
            Places { pcr: base, gdt: base + 0x1000, tss: base + 0x2000 }
        }
    }
}

/// Where what belongs to the kernel's image is.
fn image_base(start: Va) -> u32 {
    if start.0 == u64::from(TWO_GB_BASE) { TWO_GB_BASE } else { THREE_GB_BASE }
}

/// Base, limit, access byte and flags of a descriptor as its 8 bytes.
fn descriptor(base: u32, limit: u32, access: u8, flags: u8) -> [u8; 8] {
    let [l0, l1, l2, _] = limit.to_le_bytes();
    let [b0, b1, b2, b3] = base.to_le_bytes();
    [l0, l1, b0, b1, b2, access, flags << 4 | l2 & 15, b3]
}

impl System {
    /// A computer whose kernel has started, without a program.
    ///
    /// # Errors
    /// The memory does not even hold the kernel.
    pub fn new(configuration: Configuration, host: Box<dyn Host>) -> Result<Self, NtStatus> {
        let is_ntdll = |file: &&GivenFile| file.path.eq_ignore_ascii_case("WINDOWS\\system32\\ntdll.dll");
        let ntdll = configuration.given.iter().find(is_ntdll).map(|file| file.bytes.to_vec()).unwrap_or_default();
        let files = Files::new(host, configuration.given, NtTime(configuration.boot_time as i64))?;
        let mut computer = Computer::new(Ram::new(configuration.frames), configuration.processors.clamp(1, 32));
        let mut memory = Memory::new(&mut computer.board.ram, FIRST_FRAME, configuration.page_files);
        if configuration.user_limit > TWO_GB_BASE {
            memory.start_with_three_gigabytes();
        }
        memory.set_separate_kernel(configuration.has_separate_kernel);
        let mut system = Self {
            computer,
            control: crate::control::Control::default(),
            memory,
            objects: Objects::default(),
            processes: Vec::new(),
            threads: Vec::new(),
            population: Population::default(),
            scheduler: Scheduler::new(),
            clock: Clock::new(configuration.boot_time, configuration.instructions_per_unit),
            variables: Variables::default(),
            counters: Counters::default(),
            ring0: crate::nt::ring0::Ring0::default(),
            shared: GuestBlock::default(),
            files: Rc::new(RefCell::new(files)),
            pending_files: Vec::new(),
            user_limit: configuration.user_limit.clamp(0x8000_0000, 0xc000_0000) & 0xffc0_0000,
            ntdll: ntdll.into(),
            handlers: calls::handlers(),
            calls: vec![0; SERVICES.len()],
            missing: BTreeMap::new(),
            unsupported: Vec::new(),
            crashes: Vec::new(),
            hard_errors: Vec::new(),
            pending_stop: None,
            pending_fault: None,
            first_process: None,
            next_id: 0x100,
            random: configuration.seed,
            checkpoints: Checkpoints::default(),
        };
        system.map_variables()?;
        system.make_object_types()?;
        system.make_directories()?;
        system.make_fixed_objects()?;
        system.show_object_roots();
        system.fill_shared_page(configuration.frames)?;
        system.start_processors()?;
        system.show_variables();
        Ok(system)
    }

    fn make_directories(&mut self) -> Result<(), NtStatus> {
        for path in DIRECTORIES {
            let directory = self.make_object(Body::Directory)?;
            self.name_object(directory, if path.is_empty() { "\\" } else { path })?;
        }
        Ok(())
    }

    fn map_variables(&mut self) -> Result<(), NtStatus> {
        let ram = &mut self.computer.board.ram;
        self.memory.map_frame_database(ram)?;
        let variables = image_base(self.memory.system_range_start()) + VARIABLES;
        self.memory.allocate_kernel_page(ram, Va(variables.into()))?;
        self.variables.root_directory = variables + ROOT_DIRECTORY;
        self.variables.type_of_types = variables + TYPE_OF_TYPES;
        self.map_kernel_images(image_base(self.memory.system_range_start()).wrapping_sub(TWO_GB_BASE))?;
        // Without an image of the kernel its variables are where XP's are.
        let head = self.ring0.host.active_process_head();
        self.variables.active_process_head = if head == 0 { variables + 0x158 } else { head };
        self.init_list(self.variables.active_process_head);
        Ok(())
    }

    /// `KUSER_SHARED_DATA`.
    fn fill_shared_page(&mut self, frames: u32) -> Result<(), NtStatus> {
        let frame = self.memory.shared_user_page(&mut self.computer.board.ram)?;
        self.shared = GuestBlock::new(0xffdf_0000, (frame.0 << 12) as u32);
        for (offset, value) in [
            (shared::TICK_COUNT_MULTIPLIER, TICK_MULTIPLIER),
            (shared::IMAGE_NUMBER_LOW, 0x014c_014c),
            (shared::NT_PRODUCT_TYPE, 1),
            (shared::PRODUCT_TYPE_IS_VALID, 1),
            (shared::NT_MAJOR_VERSION, 5),
            (shared::NT_MINOR_VERSION, 1),
            (shared::NUMBER_OF_PHYSICAL_PAGES, frames),
        ] {
            self.put_u32(self.shared, offset, value);
        }
        self.put(self.shared, shared::NT_SYSTEM_ROOT, &utf16("C:\\WINDOWS"));
        for feature in FEATURES {
            self.put_u8(self.shared, shared::PROCESSOR_FEATURES + feature, 1);
        }
        self.show_time();
        Ok(())
    }

    /// Writes the time into the shared user page.
    pub(crate) fn show_time(&mut self) {
        let times = [(shared::INTERRUPT_TIME, self.clock.interrupt_time()), (shared::SYSTEM_TIME, self.clock.now())];
        for (offset, time) in times {
            let (low, high) = (time as u32, (time >> 32) as u32);
            let bytes = [low, high, high].map(u32::to_le_bytes);
            self.put(self.shared, offset, bytes.as_flattened());
        }
        self.files.borrow_mut().set_time(NtTime(self.clock.now() as i64));
        let ticks = self.clock.ticks;
        self.put_u32(self.shared, shared::TICK_COUNT_LOW, ticks as u32);
        let bytes = [ticks as u32, (ticks >> 32) as u32, (ticks >> 32) as u32].map(u32::to_le_bytes);
        self.put(self.shared, shared::TICK_COUNT, bytes.as_flattened());
    }

    /// The idle process, the system process, and an idle thread for each processor.
    fn start_processors(&mut self) -> Result<(), NtStatus> {
        let none = AddressLimits { highest_user: Va(0), highest_vad: Va(0) };
        let space = self.memory.create_space(&mut self.computer.board.ram, none)?;
        let idle = self.insert_process("Idle", 0, space, 0)?;
        let links = self.processes[idle.0].block.va(eprocess::ACTIVE_PROCESS_LINKS);
        self.unlink(links);
        self.insert_process("System", 4, space, 0)?;
        for processor in 0..self.computer.processors.len() {
            self.start_processor(processor, idle)?;
        }
        for process in 0..2 {
            let affinity = self.all_processors();
            self.put_u32(self.processes[process].block, eprocess::AFFINITY, affinity);
            self.processes[process].affinity = affinity;
        }
        Ok(())
    }

    fn start_processor(&mut self, processor: usize, idle_process: ProcessIndex) -> Result<(), NtStatus> {
        let number = processor as u32;
        let places = places(number, image_base(self.memory.system_range_start()));
        let ram = &mut self.computer.board.ram;
        let pages = [places.pcr, places.gdt, places.tss, places.tss + 0x1000, places.tss + 0x2000];
        for page in pages {
            self.memory.allocate_kernel_page(ram, Va(page.into()))?;
        }
        let block = |system: &Self, va| system.kernel_block(va).ok_or(NtStatus::INSUFFICIENT_RESOURCES);
        let (pcr, tss_block, gdt) = (block(self, places.pcr)?, block(self, places.tss)?, block(self, places.gdt)?);
        let new = NewThread {
            frame: TrapFrame::user(),
            fpu: crate::cpu::Fpu::default(),
            teb: 0,
            id: 0,
            start_address: 0,
            apc: None,
            is_suspended: false,
        };
        let idle = self.insert_thread(idle_process, &new)?;
        self.set_state(idle, ThreadState::Running);
        let idle_block = self.threads[idle.0].block;
        self.threads[idle.0].processor = processor;
        for (offset, value) in [
            (kpcr::SELF_PCR, places.pcr),
            (kpcr::PRCB, places.pcr + kpcr::PRCB_DATA),
            (kpcr::IDT, places.gdt + IDT_OFFSET),
            (kpcr::GDT, places.gdt),
            (kpcr::TSS, places.tss),
            (kpcr::MAJOR_VERSION, 0x0001_0001),
            (kpcr::SET_MEMBER, 1 << number),
            (kpcr::CURRENT_THREAD, idle_block.va(0)),
            (kpcr::IDLE_THREAD, idle_block.va(0)),
            (kpcr::PRCB_SET_MEMBER, 1 << number),
        ] {
            self.put_u32(pcr, offset, value);
        }
        self.put_u8(pcr, kpcr::NUMBER, number as u8);
        self.put_u8(pcr, kpcr::PRCB_NUMBER, number as u8);
        self.put_u32(tss_block, tss::SS0, 0x10);
        self.put_u32(tss_block, tss::IO_MAP_BASE - 2, tss::BYTES << 16);
        self.fill_descriptors(&places);
        self.set_processor(processor, &places);
        let state = Processor { current: idle, next: None, idle, pcr, tss: tss_block, is_saved: false, since: 0, gdt };
        self.scheduler.processors.push(state);
        Ok(())
    }

    fn fill_descriptors(&mut self, places: &Places) {
        let flat = |access| descriptor(0, 0xf_ffff, access, 0xc);
        let table = [
            [0; 8],
            flat(0x9b),
            flat(0x93),
            flat(0xfb),
            flat(0xf3),
            descriptor(places.tss, tss::BYTES - 1, 0x8b, 0),
            descriptor(places.pcr, 0xfff, 0x93, 0xc),
            descriptor(0, 0xfff, 0xf3, 4),
        ];
        let Some(gdt) = self.kernel_block(places.gdt) else { return };
        self.put(gdt, 0, table.as_flattened());
    }

    /// The registers with which a processor waits for its first thread.
    fn set_processor(&mut self, processor: usize, places: &Places) {
        let cr3 = self.memory.space(self.processes[0].space).cr3();
        let engine = &mut self.computer.processors[processor];
        let flat = Registers::flat();
        let control = Control { cr0: flat.control.cr0 | 1 << 31, cr3, ..flat.control };
        engine.set_registers(&Registers {
            control,
            gdt: DescriptorTable { base: places.gdt, limit: GDT_BYTES },
            idt: DescriptorTable { base: places.gdt + IDT_OFFSET, limit: IDT_BYTES },
            tss: Segment { selector: 0x28, base: places.tss, limit: tss::BYTES - 1, access: 0x8b },
            sysenter: [8, 0, 0],
            ..flat
        });
        *engine.traps() = HostTraps::all();
        self.computer.is_halted[processor] = true;
    }

    /// The descriptor that FS names in user mode.
    pub(crate) fn write_teb_descriptor(&mut self, processor: usize, teb: u32) {
        let gdt = self.scheduler.processors[processor].gdt;
        self.put_array(gdt, TEB_DESCRIPTOR, &descriptor(teb, 0xfff, 0xf3, 4));
    }

    /// Where the kernel's half begins.
    pub(crate) const fn kernel_start(&self) -> u32 {
        self.user_limit
    }

    /// A bit for each processor.
    pub(crate) fn all_processors(&self) -> u32 {
        u32::MAX >> (32 - self.computer.processors.len().clamp(1, 32))
    }

    /// A number for a process or thread: multiples of 4.
    pub(crate) fn next_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(4);
        id
    }
}
