//! Images of the kernel half: ntoskrnl.exe, hal.dll and drivers, mapped, relocated, bound to each other, and listed at
//! `PsLoadedModuleList` as debuggers expect it.
//!
//! ```text
//! 804D7000  ntoskrnl.exe      806CE000  hal.dll      F1000000 to F7700000  drivers, first fit
//! ```
//!
//! With 3 GB for programs the first two are 40800000 higher. Sections named `PAGE*` are pageable, `INIT` and sections
//! that are discardable go when `DriverEntry` returned, as on NT.

use crate::memory::{NtStatus, PoolKind};
use crate::nt::guest::GuestBlock;
use crate::nt::user_memory::utf16;
use crate::nt::{System, status};
use vatlas_images::exports::{ExportTarget, Exports};
use vatlas_images::pe_layout::{ImportedModule, ImportedSymbol};
use vatlas_images::{exports, pe::PeHeaders, pe_layout, pe_load::PeLoad};
use vatlas_rules::nt::structures::{debugger_data, kpcr, ldr};
use vatlas_space::{Rva, Va};

const PAGE: u32 = 0x1000;
/// Bytes of an `LDR_DATA_TABLE_ENTRY` of the kernel.
const ENTRY_BYTES: u32 = 0x50;
/// Data directories.
const IMPORTS: usize = 1;
const RELOCATIONS: usize = 5;
/// `IMAGE_SCN_MEM_DISCARDABLE`, `IMAGE_SCN_MEM_WRITE`.
const DISCARDABLE: u32 = 0x0200_0000;
const WRITE: u32 = 0x8000_0000;
/// Drivers that one driver may drag in.
const DEEPEST: u32 = 8;

/// An image of the kernel half.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SystemModule {
    /// File name.
    pub name: String,
    pub base: u32,
    /// `SizeOfImage`.
    pub bytes: u32,
    pub entry: u32,
    pub time_date_stamp: u32,
    /// Its `LDR_DATA_TABLE_ENTRY`.
    pub section: GuestBlock,
    /// The block of its names.
    names: GuestBlock,
    /// Its `DRIVER_OBJECT`; 0 for what is no driver.
    pub driver: u32,
    /// Pages that go when the driver was initialized: first page of the image, count.
    discardable: Vec<(u32, u32)>,
    /// Pages that can be paged out.
    pub pageable: Vec<(u32, u32)>,
}

impl SystemModule {
    /// Whether an address is in the image.
    pub(crate) const fn holds(&self, va: u32) -> bool {
        va.wrapping_sub(self.base) < self.bytes
    }
}

/// `KiHostTable` of ntoskrnl.exe: where its routines and variables are.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct HostTable(Vec<u32>);

macro_rules! host_table {
    ($($name:ident)*) => {
        /// The rows of the table.
        #[allow(non_camel_case_types, reason = "each is the name of a method, too")]
        enum HostRow { $($name),* , rows }

        impl HostTable {
            const ROWS: u32 = HostRow::rows as u32;
            $(pub(crate) fn $name(&self) -> u32 {
                self.0.get(HostRow::$name as usize).copied().unwrap_or_default()
            })*
        }
    };
}

host_table! {
    host_return initialize_driver unload_driver open_device close_device driver_request system_thread_startup
    active_process_head loaded_module_list initial_system_process idle_process pfn_database system_range_start
    highest_user_address user_probe_address nonpaged_pool_start nonpaged_pool_end paged_pool_start paged_pool_end
    number_of_physical_pages highest_physical_page processor_block number_processors bug_check_data debugger_data
    version_block debugger_data_list subsection_base
}

impl HostTable {
    /// Whether there is an image of the kernel.
    pub(crate) const fn is_there(&self) -> bool {
        !self.0.is_empty()
    }
}

impl System {
    /// Maps ntoskrnl.exe and hal.dll, when they are among the files of the system.
    ///
    /// # Errors
    /// They are there and cannot be mapped.
    pub(crate) fn map_kernel_images(&mut self, shift: u32) -> Result<(), NtStatus> {
        let system = |name: &str| format!("C:\\WINDOWS\\system32\\{name}");
        let (Ok(hal), Ok(kernel)) =
            (self.read_whole_file(&system("hal.dll")), self.read_whole_file(&system("ntoskrnl.exe")))
        else {
            return Ok(());
        };
        // The list of modules begins with the kernel, whose variable is the head of the list.
        for (name, file) in [("ntoskrnl.exe", &kernel), ("hal.dll", &hal)] {
            let load = PeLoad::read(file).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
            let base = (load.image_base as u32).wrapping_add(shift);
            self.map_system_image(name, &system(name), file, Some(base), DEEPEST)?;
            if !self.ring0.host.is_there() {
                self.read_host_table(base)?;
            }
        }
        let list = self.ring0.host.loaded_module_list();
        for number in 0..self.ring0.modules.len() {
            self.bind_imports(number, DEEPEST)?;
            let entry = self.ring0.modules[number].section.va(0);
            self.link_last(list, entry);
        }
        Ok(())
    }

    /// Fills the variables of the kernel that debuggers read, once processes and processors are there.
    pub(crate) fn show_variables(&mut self) {
        if !self.ring0.host.is_there() {
            return;
        }
        let host = self.ring0.host.clone();
        let base = self.ring0.modules[0].base;
        let pfn_database = self.memory.frame_database_address().0 as u32;
        let range_start = self.memory.system_range_start().0 as u32;
        let frames = self.computer.board.ram.frames();
        let is_high = range_start != 0x8000_0000;
        let pool_start = if is_high { 0xf800_0000 } else { 0x8300_0000 };
        let rules = crate::memory::RULES;
        let [idle, system] = [0, 1].map(|number: usize| self.processes[number].block.va(0));
        let processors = self.computer.processors.len() as u32;
        for (at, value) in [
            (host.initial_system_process(), system),
            (host.idle_process(), idle),
            (host.pfn_database(), pfn_database),
            (host.system_range_start(), range_start),
            (host.highest_user_address(), range_start - 0x1_0001),
            (host.user_probe_address(), range_start - 0x1_0000),
            (host.nonpaged_pool_start(), pool_start),
            (host.nonpaged_pool_end(), rules.nonpaged_pool_end.0 as u32),
            (host.subsection_base(), rules.subsection_base.0 as u32),
            (host.paged_pool_start(), 0xe100_0000),
            (host.paged_pool_end(), 0xeaff_ffff),
            (host.number_of_physical_pages(), frames),
            (host.highest_physical_page(), frames.saturating_sub(1)),
        ] {
            self.memory.write_kernel_u32(&mut self.computer.board.ram, Va(at.into()), value);
        }
        self.memory.write_kernel(
            &mut self.computer.board.ram,
            Va(host.number_processors().into()),
            &[processors as u8],
        );
        for number in 0..self.scheduler.processors.len() {
            let pcr = self.scheduler.processors[number].pcr;
            let at = host.processor_block() + 4 * number as u32;
            self.memory.write_kernel_u32(&mut self.computer.board.ram, Va(at.into()), pcr.va(kpcr::PRCB_DATA));
            self.put_u32(pcr, kpcr::KD_VERSION_BLOCK, host.version_block());
        }
        self.show_debugger_data(&host, base);
    }

    /// `KDDEBUGGER_DATA` and the version block: addresses in 64 bits, sign extended.
    fn show_debugger_data(&mut self, host: &HostTable, base: u32) {
        let (data, version) = (host.debugger_data(), host.version_block());
        let list = host.debugger_data_list();
        let variables = self.variables;
        for (at, value) in [
            (data, list),
            (data + 8, list),
            (data + 0x18, base),
            (data + debugger_data::LOADED_MODULE_LIST, host.loaded_module_list()),
            (data + debugger_data::ACTIVE_PROCESS_HEAD, host.active_process_head()),
            (data + debugger_data::BUG_CHECK_DATA, host.bug_check_data()),
            (data + debugger_data::ROOT_DIRECTORY_OBJECT, variables.root_directory),
            (data + debugger_data::TYPE_OBJECT_TYPE, variables.type_of_types),
            (data + debugger_data::PFN_DATABASE, host.pfn_database()),
            (data + debugger_data::SUBSECTION_BASE, host.subsection_base()),
            (data + debugger_data::HIGHEST_PHYSICAL_PAGE, host.highest_physical_page()),
            (data + debugger_data::NUMBER_OF_PHYSICAL_PAGES, host.number_of_physical_pages()),
            (data + debugger_data::NONPAGED_POOL_START, host.nonpaged_pool_start()),
            (data + debugger_data::NONPAGED_POOL_END, host.nonpaged_pool_end()),
            (data + debugger_data::PAGED_POOL_START, host.paged_pool_start()),
            (data + debugger_data::PAGED_POOL_END, host.paged_pool_end()),
            (version + 0x10, base),
            (version + 0x18, host.loaded_module_list()),
            (version + 0x20, list),
        ] {
            let bytes = i64::from(value as i32).to_le_bytes();
            self.memory.write_kernel(&mut self.computer.board.ram, Va(at.into()), &bytes);
        }
    }

    fn read_host_table(&mut self, base: u32) -> Result<(), NtStatus> {
        let table = self.system_export(base, "KiHostTable").ok_or(status::ENTRYPOINT_NOT_FOUND)?;
        let row = |number: u32| {
            let at = Va(u64::from(table) + 4 * u64::from(number));
            self.memory.read_kernel_u32(&self.computer.board.ram, at).ok_or(status::ENTRYPOINT_NOT_FOUND)
        };
        self.ring0.host = HostTable((0..HostTable::ROWS).map(row).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// The address of an export of the image at a base; none for forwarders.
    pub(crate) fn system_export(&self, base: u32, name: &str) -> Option<u32> {
        let exports = self.system_exports(base)?;
        let export = exports.exports.iter().find(|export| export.name.as_deref() == Some(name))?;
        match &export.target {
            ExportTarget::Address(rva) => base.checked_add(rva.0),
            ExportTarget::Forwarder(_) => None,
        }
    }

    fn system_exports(&self, base: u32) -> Option<Exports> {
        let ram = &self.computer.board.ram;
        let mut header = vec![0; PAGE as usize];
        self.memory.read_kernel(ram, Va(base.into()), &mut header);
        let headers = PeHeaders::read(&header).ok()?;
        let read = |rva: Rva, buffer: &mut [u8]| {
            let at = Va(u64::from(base) + u64::from(rva.0));
            if self.memory.read_kernel(ram, at, buffer) { buffer.len() } else { 0 }
        };
        let whole = |rva: Rva, buffer: &mut [u8]| {
            // What crosses a page that is not mapped is read as far as it is.
            let first = buffer.len().min((PAGE - (rva.0 & (PAGE - 1))) as usize);
            if read(rva, buffer) > 0 { buffer.len() } else { read(rva, &mut buffer[..first]) }
        };
        exports::read(&headers, &whole)
    }

    /// Maps an image into the kernel half, relocated; its number among the modules. It is not listed and not bound yet.
    pub(crate) fn map_system_image(
        &mut self,
        name: &str,
        path: &str,
        file: &[u8],
        base: Option<u32>,
        depth: u32,
    ) -> Result<usize, NtStatus> {
        let load = PeLoad::read(file).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
        let is_ours = load.is_32_bit && load.machine == 0x14c && load.section_alignment == PAGE && depth > 0;
        let mut image = pe_layout::lay_out(file, &load).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
        if !is_ours || image.is_empty() {
            return Err(status::INVALID_IMAGE_FORMAT);
        }
        image.resize(image.len().next_multiple_of(PAGE as usize), 0);
        let pages = image.len() as u32 / PAGE;
        let place = match base {
            Some(base) => base,
            None => self.memory.reserve_image_pages(pages).ok_or(status::INSUFFICIENT_RESOURCES)? << 12,
        };
        let mapped = self.fill_system_image(&load, &mut image, place, base.is_none());
        let module = mapped.and_then(|pageable| {
            let (section, names) = self.make_section_entry(name, path, place, &load)?;
            Ok((section, names, pageable))
        });
        let (section, names, pageable) = module.inspect_err(|_| {
            if base.is_none() {
                self.memory.free_image_pages(&mut self.computer.board.ram, place >> 12, pages);
            }
        })?;
        let headers = PeHeaders::read(file).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
        self.ring0.modules.push(SystemModule {
            name: name.to_owned(),
            base: place,
            bytes: image.len() as u32,
            entry: place.wrapping_add(load.entry_point.0),
            time_date_stamp: headers.time_date_stamp,
            section,
            names,
            driver: 0,
            discardable: discardable(&load),
            pageable,
        });
        Ok(self.ring0.modules.len() - 1)
    }

    /// Relocates an image and puts its pages where they belong; which of them can be paged out.
    fn fill_system_image(
        &mut self,
        load: &PeLoad,
        image: &mut [u8],
        place: u32,
        may_page: bool,
    ) -> Result<Vec<(u32, u32)>, NtStatus> {
        let headers = PeHeaders::read(image).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
        let delta = place.wrapping_sub(load.image_base as u32);
        match headers.directory(RELOCATIONS) {
            Some((rva, bytes)) if delta != 0 => {
                pe_layout::relocate(image, rva, bytes, delta).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
            }
            None if delta != 0 && load.characteristics & 1 != 0 => return Err(status::INVALID_IMAGE_FORMAT),
            _ => {}
        }
        let pageable = if may_page { pageable(load) } else { Vec::new() };
        let ram = &mut self.computer.board.ram;
        for (number, bytes) in (0..).zip(image.chunks(PAGE as usize)) {
            let at = Va(u64::from(place) + u64::from(number * PAGE));
            if pageable.iter().any(|(first, count)| (*first..first + count).contains(&number)) {
                self.memory.commit_system_page(ram, at)?;
                self.memory.bring_in_system_page(ram, at).map_err(|_| status::INSUFFICIENT_RESOURCES)?;
            } else {
                self.memory.allocate_kernel_page(ram, at)?;
            }
            self.memory.write_kernel(ram, at, bytes);
        }
        for (first, count) in pages_of(load, |number, flags| flags & WRITE == 0 && !is_pageable(load, number)) {
            for page in first..first + count {
                let at = Va(u64::from(place) + u64::from(page * PAGE));
                self.memory.protect_kernel_page(&mut self.computer.board.ram, at);
            }
        }
        self.obey_flush();
        Ok(pageable)
    }

    /// An `LDR_DATA_TABLE_ENTRY` with the names behind it.
    fn make_section_entry(
        &mut self,
        name: &str,
        path: &str,
        base: u32,
        load: &PeLoad,
    ) -> Result<(GuestBlock, GuestBlock), NtStatus> {
        let (full, own) = (utf16(path), utf16(name));
        let section = self.pool_block(PoolKind::NonPaged, *b"MmLd", ENTRY_BYTES)?;
        let names = self
            .pool_block(PoolKind::NonPaged, *b"MmLd", (full.len() + own.len() + 4) as u32)
            .inspect_err(|_| self.free_block(section))?;
        let own_at = full.len() as u32 + 2;
        self.put(names, 0, &full);
        self.put(names, own_at, &own);
        let counted = |bytes: &[u8]| (bytes.len() as u32) | (bytes.len() as u32 + 2) << 16;
        for (offset, value) in [
            (ldr::DLL_BASE, base),
            (ldr::DLL_BASE + 4, base.wrapping_add(load.entry_point.0)),
            (ldr::SIZE_OF_IMAGE, load.size_of_image),
            (ldr::FULL_DLL_NAME, counted(&full)),
            (ldr::FULL_DLL_NAME + 4, names.va(0)),
            (ldr::BASE_DLL_NAME, counted(&own)),
            (ldr::BASE_DLL_NAME + 4, names.va(own_at)),
            // Flags: LDRP_ENTRY_PROCESSED. LoadCount: one.
            (ldr::BASE_DLL_NAME + 8, 0x4000),
            (ldr::BASE_DLL_NAME + 12, 1),
        ] {
            self.put_u32(section, offset, value);
        }
        Ok((section, names))
    }

    /// Fills the import addresses of a module; modules that it needs are loaded.
    pub(crate) fn bind_imports(&mut self, number: usize, depth: u32) -> Result<(), NtStatus> {
        let (base, bytes) = (self.ring0.modules[number].base, self.ring0.modules[number].bytes);
        let mut image = vec![0; bytes as usize];
        self.memory.read_kernel(&self.computer.board.ram, Va(base.into()), &mut image);
        let headers = PeHeaders::read(&image).map_err(|_| status::INVALID_IMAGE_FORMAT)?;
        let Some((directory, _)) = headers.directory(IMPORTS) else { return Ok(()) };
        for imported in pe_layout::imports(&image, directory) {
            self.bind_module(base, &imported, depth)?;
        }
        Ok(())
    }

    fn bind_module(&mut self, base: u32, imported: &ImportedModule, depth: u32) -> Result<(), NtStatus> {
        let from = match self.system_module(&imported.name) {
            Some(module) => module.base,
            None => {
                let number = self.load_system_dll(&imported.name, depth.saturating_sub(1))?;
                self.ring0.modules[number].base
            }
        };
        let exports = self.system_exports(from).ok_or(status::INVALID_IMAGE_FORMAT)?;
        for function in &imported.functions {
            let (found, name) = match &function.symbol {
                ImportedSymbol::Name(name) => (self.system_export_of(&exports, from, name), name.clone()),
                ImportedSymbol::Ordinal(ordinal) => {
                    let export = exports.exports.iter().find(|export| export.ordinal == u32::from(*ordinal));
                    (export.and_then(|export| target(&export.target, from)), format!("#{ordinal}"))
                }
            };
            let Some(address) = found else {
                let place = self.ring0.modules.iter().find(|module| module.base == base);
                let place = place.map_or_else(String::new, |module| format!("{}+{:x}", module.name, function.slot.0));
                self.note_missing_import(&format!("{}!{name}", imported.name), &place);
                return Err(status::DRIVER_ENTRYPOINT_NOT_FOUND);
            };
            let slot = Va(u64::from(base) + u64::from(function.slot.0));
            self.memory.write_kernel_u32(&mut self.computer.board.ram, slot, address);
        }
        Ok(())
    }

    fn system_export_of(&self, exports: &Exports, base: u32, name: &str) -> Option<u32> {
        let export = exports.exports.iter().find(|export| export.name.as_deref() == Some(name))?;
        target(&export.target, base)
    }

    /// A module by file name.
    pub(crate) fn system_module(&self, name: &str) -> Option<&SystemModule> {
        self.ring0.modules.iter().find(|module| module.name.eq_ignore_ascii_case(name))
    }

    /// A library of drivers, from the folder of drivers or of the system.
    fn load_system_dll(&mut self, name: &str, depth: u32) -> Result<usize, NtStatus> {
        let places = [format!("C:\\WINDOWS\\system32\\drivers\\{name}"), format!("C:\\WINDOWS\\system32\\{name}")];
        for path in places {
            if let Ok(file) = self.read_whole_file(&path) {
                return self.load_system_image(name, &path, &file, depth);
            }
        }
        Err(status::DLL_NOT_FOUND)
    }

    /// Maps, binds and lists an image; its number among the modules.
    ///
    /// # Errors
    /// It is no image for this processor, something that it imports is missing, or memory is used up.
    pub(crate) fn load_system_image(
        &mut self,
        name: &str,
        path: &str,
        file: &[u8],
        depth: u32,
    ) -> Result<usize, NtStatus> {
        let number = self.map_system_image(name, path, file, None, depth)?;
        let base = self.ring0.modules[number].base;
        if let Err(status) = self.bind_imports(number, depth) {
            self.forget_system_image(base);
            return Err(status);
        }
        let entry = self.ring0.modules[number].section.va(0);
        self.link_last(self.ring0.host.loaded_module_list(), entry);
        Ok(self.ring0.modules.iter().position(|module| module.base == base).unwrap_or(number))
    }

    /// An image that is listed goes away.
    pub(crate) fn unload_system_image(&mut self, base: u32) {
        if let Some(module) = self.ring0.modules.iter().find(|module| module.base == base) {
            self.unlink(module.section.va(0));
            self.forget_system_image(base);
        }
    }

    /// Gives the memory of an image back.
    fn forget_system_image(&mut self, base: u32) {
        let Some(number) = self.ring0.modules.iter().position(|module| module.base == base) else { return };
        let module = self.ring0.modules.remove(number);
        self.memory.free_image_pages(&mut self.computer.board.ram, base >> 12, module.bytes / PAGE);
        self.obey_flush();
        self.free_block(module.section);
        self.free_block(module.names);
    }

    /// What a driver needs only to begin goes.
    pub(crate) fn discard_initialization(&mut self, base: u32) {
        let Some(module) = self.ring0.modules.iter_mut().find(|module| module.base == base) else { return };
        for (first, count) in std::mem::take(&mut module.discardable) {
            for page in first..first.saturating_add(count) {
                let at = Va(u64::from(base) + u64::from(page) * u64::from(PAGE));
                self.memory.free_system_page(&mut self.computer.board.ram, at);
            }
        }
        self.obey_flush();
    }

    /// The bytes of a file of the guest.
    pub(crate) fn read_whole_file(&mut self, path: &str) -> Result<Vec<u8>, NtStatus> {
        const MOST: usize = 16 << 20;
        let section = self.open_for_reading(path)?;
        let mut bytes = Vec::new();
        let mut piece = vec![0; 0x1_0000];
        let result = loop {
            let read = self.files.borrow_mut().read_file(section.1, bytes.len() as u64, &mut piece);
            match read {
                Ok(0) => break Ok(bytes),
                Ok(_) if bytes.len() >= MOST => break Err(status::INSUFFICIENT_RESOURCES),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(status) => break Err(status),
            }
        };
        self.files.borrow_mut().cleanup(section.0);
        self.files.borrow_mut().close(section.0);
        result
    }
}

fn target(target: &ExportTarget, base: u32) -> Option<u32> {
    match target {
        ExportTarget::Address(rva) => base.checked_add(rva.0),
        ExportTarget::Forwarder(_) => None,
    }
}

/// Pages that only this section has: the last page of one may not be shared, as sections begin at pages.
fn pages_of(load: &PeLoad, is_wanted: impl Fn(usize, u32) -> bool) -> Vec<(u32, u32)> {
    let sections = load.sections.iter().enumerate();
    let wanted = sections.filter(|(number, section)| is_wanted(*number, section.characteristics));
    wanted
        .map(|(_, section)| {
            let bytes = section.virtual_size.max(section.file_size);
            (section.rva.0 / PAGE, bytes.div_ceil(PAGE))
        })
        .filter(|(first, count)| first.saturating_add(*count) <= load.size_of_image.div_ceil(PAGE))
        .collect()
}

fn discardable(load: &PeLoad) -> Vec<(u32, u32)> {
    pages_of(load, |number, characteristics| {
        characteristics & DISCARDABLE != 0 || load.sections[number].name.starts_with("INIT")
    })
}

fn is_pageable(load: &PeLoad, section: usize) -> bool {
    load.sections.get(section).is_some_and(|section| section.name.starts_with("PAGE"))
}

fn pageable(load: &PeLoad) -> Vec<(u32, u32)> {
    pages_of(load, |number, _| is_pageable(load, number))
}
