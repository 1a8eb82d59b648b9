//! What a process has before its first thread: an address space with its image and ntdll, a PEB, inherited handles.
//!
//! ```text
//! NtCreateProcessEx   directory, handles of the parent that are inherited, image, ntdll, PEB (from 7FFDF000 down)
//! its creator         environment and parameters, PEB + 10h, a stack, NtCreateThread, NtResumeThread
//! ```

use crate::memory::{AddressLimits, ImageInformation, NtStatus, VIEW_SHARE, ViewRequest};
use crate::nt::handles::HandleEntry;
use crate::nt::objects::{Body, ObjectId};
use crate::nt::process::ProcessIndex;
use crate::nt::start::{StartError, failed};
use crate::nt::{System, UserEntries, status};
use vatlas_images::exports::{ExportTarget, Exports};
use vatlas_images::{exports, image_bytes, pe::PeHeaders};
use vatlas_rules::nt::structures::{eprocess, peb, shared};
use vatlas_space::{Protection, Va};

/// The library that is in every process.
const SYSTEM_DLL: &str = "C:\\WINDOWS\\system32\\ntdll.dll";
const PAGE: u32 = 0x1000;
/// `ProcessPriorityClass`: idle, and below normal; children inherit them.
const IDLE_CLASS: u8 = 1;
const BELOW_NORMAL_CLASS: u8 = 5;

/// What a process is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewProcess<'a> {
    /// File name of its program.
    pub name: &'a str,
    /// Its image.
    pub section: ObjectId,
    /// Who makes it; nobody for the first one.
    pub parent: Option<ProcessIndex>,
    /// It gets the handles of its parent that are inherited.
    pub inherits_handles: bool,
}

/// ntdll: its section, which stays, and where the kernel enters it, counted from its base.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SystemDll {
    pub section: ObjectId,
    entries: UserEntries,
}

impl UserEntries {
    /// The same places in a library that is at `base`.
    const fn moved_to(self, base: u32) -> Self {
        Self {
            system_call: self.system_call.wrapping_add(base),
            system_call_return: self.system_call_return.wrapping_add(base),
            apc_dispatcher: self.apc_dispatcher.wrapping_add(base),
            exception_dispatcher: self.exception_dispatcher.wrapping_add(base),
            loader: self.loader.wrapping_add(base),
            thread_start: self.thread_start.wrapping_add(base),
            base,
        }
    }
}

impl System {
    /// Makes a process from an image section, up to its PEB. Nothing is left of it when that fails.
    pub(crate) fn create_image_process(&mut self, new: &NewProcess) -> Result<ProcessIndex, StartError> {
        let image = self.section_image(new.section).map_err(failed("reading the image"))?;
        let limits = self.limits_of(&image);
        let parent = new.parent.map_or(4, |parent| self.processes[parent.0].id);
        let process = self.create_process(new.name, limits, parent).map_err(failed("making the process"))?;
        if let Some(parent) = new.parent {
            self.inherit(process, parent);
        }
        let inherited = match new.parent.filter(|_| new.inherits_handles) {
            Some(parent) => self.inherit_handles(process, parent).map_err(failed("inheriting handles")),
            None => Ok(()),
        };
        let filled = inherited.and_then(|()| self.fill_process(process, new.section, &image));
        self.obey_flush();
        if let Err(error) = filled {
            self.terminate_process(process, error.status.0);
            return Err(error);
        }
        Ok(process)
    }

    /// Makes a process that is a copy of another: `NtCreateProcess` without a section. It has no thread.
    pub(crate) fn fork_process(
        &mut self,
        parent: ProcessIndex,
        inherits_handles: bool,
    ) -> Result<ProcessIndex, NtStatus> {
        let forked = self.memory.fork_space(&mut self.computer.board.ram, self.processes[parent.0].space);
        self.obey_flush();
        let from = &self.processes[parent.0];
        let (name, id, peb, entries) = (from.name.clone(), from.id, from.peb, from.entries);
        let base = self.get_u32(from.block, eprocess::SECTION_BASE_ADDRESS);
        let process = self.create_process_in(&name, forked?, id)?;
        self.inherit(process, parent);
        if inherits_handles && let Err(status) = self.inherit_handles(process, parent) {
            self.terminate_process(process, status.0);
            return Err(status);
        }
        (self.processes[process.0].peb, self.processes[process.0].entries) = (peb, entries);
        let block = self.processes[process.0].block;
        self.put_u32(block, eprocess::PEB, peb);
        self.put_u32(block, eprocess::SECTION_BASE_ADDRESS, base);
        Ok(process)
    }

    fn fill_process(
        &mut self,
        process: ProcessIndex,
        section: ObjectId,
        image: &ImageInformation,
    ) -> Result<(), StartError> {
        let base = self.map_image(process, section).map_err(failed("mapping the image"))?;
        self.map_ntdll(process)?;
        self.make_peb(process, image, base).map_err(failed("making the PEB"))
    }

    /// The image of an image section.
    pub(crate) fn section_image(&self, section: ObjectId) -> Result<ImageInformation, NtStatus> {
        match self.objects.body(section) {
            Some(Body::Section(body)) => self.memory.image_information(body).ok_or(status::SECTION_NOT_IMAGE),
            _ => Err(status::INVALID_HANDLE),
        }
    }

    /// More than 2 GB only for images that say they can use it.
    fn limits_of(&self, image: &ImageInformation) -> AddressLimits {
        let end = if image.is_large_address_aware() { u64::from(self.user_limit) } else { 0x8000_0000 };
        AddressLimits { highest_user: Va(end - 0x1_0001), highest_vad: Va(end - 0x2_0001) }
    }

    /// Affinity and error mode; a low priority class, but no high one.
    pub(crate) fn inherit(&mut self, process: ProcessIndex, parent: ProcessIndex) {
        let from = &self.processes[parent.0];
        let (affinity, mode, class, base) =
            (from.affinity, from.hard_error_mode, from.priority_class, from.base_priority);
        let block = self.processes[process.0].block;
        self.put_u32(block, eprocess::AFFINITY, affinity);
        let child = &mut self.processes[process.0];
        child.affinity = affinity;
        child.hard_error_mode = mode;
        if matches!(class, IDLE_CLASS | BELOW_NORMAL_CLASS) {
            (child.priority_class, child.base_priority) = (class, base);
            self.put_u8(block, eprocess::BASE_PRIORITY, base);
        }
    }

    /// `ObInitProcess`: the child's handles have the parent's numbers.
    pub(crate) fn inherit_handles(&mut self, process: ProcessIndex, parent: ProcessIndex) -> Result<(), NtStatus> {
        let mut table = self.processes[parent.0].handles.inherited();
        let objects: Vec<HandleEntry> = table.iter().map(|(_, entry)| entry).collect();
        for entry in objects {
            self.count_handle(entry.object, true);
        }
        let own = &mut self.processes[process.0].handles;
        table.memory = std::mem::take(&mut own.memory);
        *own = table;
        self.show_all_handles(process)
    }

    /// Maps a view of a whole image; where it is.
    fn map_image(&mut self, process: ProcessIndex, section: ObjectId) -> Result<u32, NtStatus> {
        let request = ViewRequest {
            base: Va(0),
            zero_bits: 0,
            commit: 0,
            offset: 0,
            size: 0,
            inherit: VIEW_SHARE,
            kind: 0,
            protection: Protection::EXECUTE,
        };
        let space = self.processes[process.0].space;
        let Some(Body::Section(body)) = self.objects.body(section) else { return Err(status::INVALID_HANDLE) };
        let view = self.memory.map_view(&mut self.computer.board.ram, space, body, &request)?;
        self.tell_module_load(process, view.base.0 as u32);
        Ok(view.base.0 as u32)
    }

    /// Maps ntdll; from then on the kernel can enter user mode.
    fn map_ntdll(&mut self, process: ProcessIndex) -> Result<(), StartError> {
        let dll = self.system_dll()?;
        let base = self.map_image(process, dll.section).map_err(failed("mapping ntdll.dll"))?;
        self.set_user_entries(process, dll.entries.moved_to(base));
        Ok(())
    }

    /// `PspSystemDll`: opened for the first process, and kept.
    fn system_dll(&mut self) -> Result<SystemDll, StartError> {
        if let Some(dll) = self.population.system_dll {
            return Ok(dll);
        }
        let entries = self.ntdll_entries().map_err(|what| StartError { what, status: status::ENTRYPOINT_NOT_FOUND });
        let section = self.image_section(SYSTEM_DLL).map_err(failed(format!("opening {SYSTEM_DLL}")))?;
        let section = self.make_section_object(section).map_err(failed("making the section of ntdll.dll"))?;
        let dll = entries.map(|entries| SystemDll { section, entries });
        match &dll {
            Ok(dll) => self.population.system_dll = Some(*dll),
            Err(_) => self.release_object(section),
        }
        dll
    }

    /// The exports of ntdll that the kernel needs, counted from its base.
    fn ntdll_entries(&self) -> Result<UserEntries, String> {
        let headers = PeHeaders::read(&self.ntdll).map_err(|problem| problem.to_string())?;
        let bytes = image_bytes::of_file(&headers, &self.ntdll);
        let exports = exports::read(&headers, &bytes).ok_or("ntdll.dll has no exports")?;
        let find = |name: &str| find_export(&exports, name).ok_or(format!("ntdll.dll has no {name}"));
        Ok(UserEntries {
            system_call: find("KiFastSystemCall")?,
            system_call_return: find("KiFastSystemCallRet")?,
            apc_dispatcher: find("KiUserApcDispatcher")?,
            exception_dispatcher: find("KiUserExceptionDispatcher")?,
            loader: find("LdrInitializeThunk")?,
            thread_start: find("RtlUserThreadStart")?,
            base: 0,
        })
    }

    /// Says where the kernel enters user mode in a process. What 7FFE0300 and 7FFE0304 hold is the same in all.
    pub(crate) fn set_user_entries(&mut self, process: ProcessIndex, entries: UserEntries) {
        self.processes[process.0].entries = entries;
        self.put_u32(self.shared, shared::SYSTEM_CALL, entries.system_call);
        self.put_u32(self.shared, shared::SYSTEM_CALL_RETURN, entries.system_call_return);
    }

    /// `MmCreatePeb`.
    fn make_peb(&mut self, process: ProcessIndex, image: &ImageInformation, base: u32) -> Result<(), NtStatus> {
        let at = self.secured_page(process)?;
        let space = self.processes[process.0].space;
        self.processes[process.0].peb = at;
        let block = self.processes[process.0].block;
        self.put_u32(block, eprocess::PEB, at);
        self.put_u32(block, eprocess::SECTION_BASE_ADDRESS, base);
        let processors = self.scheduler.processors.len() as u32;
        let (major, minor) = image.subsystem_version;
        for (offset, value) in [
            (peb::MUTANT, u32::MAX),
            (peb::IMAGE_BASE_ADDRESS, base),
            (peb::NUMBER_OF_PROCESSORS, processors),
            // 30 days, negative: from now on.
            (peb::CRITICAL_SECTION_TIMEOUT, 0x1e28_4000),
            (peb::CRITICAL_SECTION_TIMEOUT + 4, 0xffff_e86d),
            (peb::HEAP_SEGMENT_RESERVE, 0x10_0000),
            (peb::HEAP_SEGMENT_COMMIT, 0x2000),
            (peb::HEAP_DECOMMIT_TOTAL, 0x1_0000),
            (peb::HEAP_DECOMMIT_BLOCK, 0x1000),
            (peb::MAXIMUM_NUMBER_OF_HEAPS, (PAGE - peb::BYTES) / 4),
            (peb::PROCESS_HEAPS, at + peb::BYTES),
            (peb::OS_MAJOR_VERSION, 5),
            (peb::OS_MINOR_VERSION, 1),
            // Build 2600, service pack 3.
            (peb::OS_BUILD_NUMBER, 0x0300_0a28),
            (peb::OS_PLATFORM_ID, 2),
            (peb::IMAGE_SUBSYSTEM, image.subsystem.into()),
            (peb::IMAGE_SUBSYSTEM_MAJOR, major.into()),
            (peb::IMAGE_SUBSYSTEM_MINOR, minor.into()),
        ] {
            self.write_u32(space, at + offset, value)?;
        }
        Ok(())
    }
}

fn find_export(exports: &Exports, name: &str) -> Option<u32> {
    let export = exports.exports.iter().find(|export| export.name.as_deref() == Some(name))?;
    match &export.target {
        ExportTarget::Address(rva) => Some(rva.0),
        ExportTarget::Forwarder(_) => None,
    }
}
