//! How a process comes to life: image and ntdll mapped, PEB, parameters, stack, TEB, first thread.
//!
//! ```text
//! 00010000 environment   00020000 parameters   00030000-0012FFFF first stack   7FFDF000 PEB   7FFDE000 down TEBs
//! ```

use crate::cpu::Fpu;
use crate::files::{ConsoleEnd, CreateRequest, ObjectName, SectionUse, section_file};
use crate::memory::{
    AddressLimits, AllocationRequest, ImageInformation, MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, MEM_TOP_DOWN, NtStatus,
    SEC_IMAGE, Section, SectionRequest, VIEW_SHARE, ViewRequest,
};
use crate::nt::process::ProcessIndex;
use crate::nt::thread::{NewThread, ThreadIndex, UserApc};
use crate::nt::trap_frame::{TrapFrame, word};
use crate::nt::user_memory::utf16;
use crate::nt::{Program, System, UserEntries, status};
use std::fmt;
use vatlas_images::exports::{ExportTarget, Exports};
use vatlas_images::{exports, image_bytes, pe::PeHeaders};
use vatlas_rules::nt::structures::{eprocess, parameters, peb, teb};
use vatlas_space::{Protection, Va};

const ENVIRONMENT: u32 = 0x1_0000;
const PARAMETERS: u32 = 0x2_0000;
const STACK: u32 = 0x3_0000;
/// Stack of a process whose image says nothing.
const STACK_BYTES: u32 = 0x10_0000;
/// Pages of PEB and TEBs are below this one.
const HIGHEST_TEB: u32 = 0x7_ffdf;
const PAGE: u32 = 0x1000;
/// Where the system's DLLs are.
const SYSTEM_FOLDER: &str = "C:\\WINDOWS\\system32";
/// `FILE_EXECUTE`, `FILE_READ_DATA`, `SYNCHRONIZE`.
const IMAGE_ACCESS: u32 = 0x10_0021;
const SYNCHRONOUS: u32 = 0x20;
/// `RTL_USER_PROC_PARAMS_NORMALIZED`.
const NORMALIZED: u32 = 1;
/// Version in a TEB: OS/2 3.0.
const TEB_VERSION: u32 = 0x1e00;

/// Why a program did not start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartError {
    /// What could not be done.
    pub what: String,
    /// With which status.
    pub status: NtStatus,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, status::text(self.status))
    }
}

impl std::error::Error for StartError {}

/// Says what was tried.
fn failed(what: impl Into<String>) -> impl FnOnce(NtStatus) -> StartError {
    let what = what.into();
    move |status| StartError { what, status }
}

/// Where the stack of a new thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct InitialTeb {
    /// Its top.
    pub base: u32,
    /// Its lowest committed byte.
    pub limit: u32,
    /// Its lowest reserved byte.
    pub allocation: u32,
}

impl InitialTeb {
    /// `INITIAL_TEB`: old base and limit, base, limit, allocation base.
    pub(crate) fn from_bytes(bytes: &[u8; 20]) -> Self {
        let word = |number: usize| bytes.as_chunks().0.get(number).map_or(0, |word| u32::from_le_bytes(*word));
        Self { base: word(2), limit: word(3), allocation: word(4) }
    }
}

impl System {
    /// Starts a program in a new process: its file and ntdll are mapped, its first thread is ready.
    ///
    /// # Errors
    /// Which step failed, and with which status.
    pub fn start_program(&mut self, program: &Program) -> Result<ProcessIndex, StartError> {
        let section = self.image_section(&program.path).map_err(failed(format!("opening {}", program.path)))?;
        let started = self.start_image(program, &section);
        self.memory.close_section(&mut self.computer.board.ram, section);
        let process = started?;
        self.first_process.get_or_insert(process);
        Ok(process)
    }

    fn start_image(&mut self, program: &Program, section: &Section) -> Result<ProcessIndex, StartError> {
        let image = self.memory.image_information(section).ok_or(status::INVALID_IMAGE_FORMAT);
        let image = image.map_err(failed("reading the image"))?;
        let name = program.path.rsplit('\\').next().unwrap_or_default();
        let limits = self.limits_of(&image);
        let process = self.create_process(name, limits, 4).map_err(failed("making the process"))?;
        let base = self.map_image(process, section).map_err(failed("mapping the image"))?;
        self.map_ntdll(process)?;
        let thread = self
            .make_peb(process, &image, base)
            .and_then(|()| self.make_parameters(process, program))
            .and_then(|()| self.make_first_thread(process, &image, base));
        thread.map_err(failed("making the first thread"))?;
        Ok(process)
    }

    /// More than 2 GB only for images that say they can use it.
    fn limits_of(&self, image: &ImageInformation) -> AddressLimits {
        let end = if image.is_large_address_aware() { u64::from(self.user_limit) } else { 0x8000_0000 };
        AddressLimits { highest_user: Va(end - 0x1_0001), highest_vad: Va(end - 0x2_0001) }
    }

    /// An image section of a file.
    fn image_section(&mut self, path: &str) -> Result<Section, NtStatus> {
        let name: Vec<u16> = format!("\\??\\{path}").encode_utf16().collect();
        let request =
            CreateRequest { access: IMAGE_ACCESS, attributes: 0, share: 1, disposition: 1, options: SYNCHRONOUS };
        let created = self.files.borrow_mut().create(ObjectName { root: None, name: &name }, &request)?;
        let file = section_file(&self.files, created.file, SectionUse::Image);
        self.files.borrow_mut().close(created.file);
        let request = SectionRequest { size: 0, protection: Protection::EXECUTE, attributes: SEC_IMAGE };
        self.memory.create_section(&mut self.computer.board.ram, Some(file?), &request)
    }

    /// Maps a view of a whole image; where it is.
    fn map_image(&mut self, process: ProcessIndex, section: &Section) -> Result<u32, NtStatus> {
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
        let view = self.memory.map_view(&mut self.computer.board.ram, space, section, &request)?;
        Ok(view.base.0 as u32)
    }

    /// Maps ntdll and finds where the kernel enters it.
    fn map_ntdll(&mut self, process: ProcessIndex) -> Result<(), StartError> {
        let path = format!("{SYSTEM_FOLDER}\\ntdll.dll");
        let section = self.image_section(&path).map_err(failed(format!("opening {path}")))?;
        let mapped = self.map_image(process, &section);
        self.memory.close_section(&mut self.computer.board.ram, section);
        let base = mapped.map_err(failed("mapping ntdll.dll"))?;
        let entries =
            self.ntdll_entries(base).map_err(|what| StartError { what, status: status::ENTRYPOINT_NOT_FOUND })?;
        self.set_user_entries(process, entries);
        Ok(())
    }

    /// Says where the kernel enters user mode in a process. What 7FFE0300 and 7FFE0304 hold is the same in all.
    pub(crate) fn set_user_entries(&mut self, process: ProcessIndex, entries: UserEntries) {
        self.processes[process.0].entries = entries;
        self.put_u32(self.shared, vatlas_rules::nt::structures::shared::SYSTEM_CALL, entries.system_call);
        self.put_u32(self.shared, vatlas_rules::nt::structures::shared::SYSTEM_CALL_RETURN, entries.system_call_return);
    }

    /// The exports of ntdll that the kernel needs.
    fn ntdll_entries(&self, base: u32) -> Result<UserEntries, String> {
        let headers = PeHeaders::read(&self.ntdll).map_err(|problem| problem.to_string())?;
        let bytes = image_bytes::of_file(&headers, &self.ntdll);
        let exports = exports::read(&headers, &bytes).ok_or("ntdll.dll has no exports")?;
        let find = |name: &str| find_export(&exports, name, base).ok_or(format!("ntdll.dll has no {name}"));
        Ok(UserEntries {
            system_call: find("KiFastSystemCall")?,
            system_call_return: find("KiFastSystemCallRet")?,
            apc_dispatcher: find("KiUserApcDispatcher")?,
            exception_dispatcher: find("KiUserExceptionDispatcher")?,
            loader: find("LdrInitializeThunk")?,
            thread_start: find("RtlUserThreadStart")?,
            base,
        })
    }

    /// A committed page of its own that nobody can protect or free, the highest free one below the PEB.
    fn secured_page(&mut self, process: ProcessIndex) -> Result<u32, NtStatus> {
        let space = self.processes[process.0].space;
        let is_free = |page: &u32| !self.memory.space(space).vads().overlaps(&(*page..=*page));
        let page = (0x10..=HIGHEST_TEB).rev().find(is_free).ok_or(NtStatus::NO_MEMORY)?;
        let at = Va(u64::from(page) << 12);
        self.memory.allocate_secured(&mut self.computer.board.ram, space, Some(at), 1)?;
        Ok(page << 12)
    }

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

    fn allocate_user(
        &mut self,
        process: ProcessIndex,
        base: u32,
        size: u32,
        kind: u32,
        protection: Protection,
    ) -> Result<u32, NtStatus> {
        let space = self.processes[process.0].space;
        let request = AllocationRequest { base: Va(base.into()), zero_bits: 0, size, kind, protection };
        self.memory.allocate(&mut self.computer.board.ram, space, &request).map(|(base, _)| base.0 as u32)
    }

    /// Environment and `RTL_USER_PROCESS_PARAMETERS`, with the console as standard handles.
    fn make_parameters(&mut self, process: ProcessIndex, program: &Program) -> Result<(), NtStatus> {
        let space = self.processes[process.0].space;
        let both = MEM_RESERVE | MEM_COMMIT;
        let processors = self.scheduler.processors.len();
        let environment = environment_block(&program.environment, processors);
        let length = environment.len() as u32;
        // A long environment does not fit below the parameters.
        let (base, kind) =
            if length <= PARAMETERS - ENVIRONMENT { (ENVIRONMENT, both) } else { (0, both | MEM_TOP_DOWN) };
        let environment_at = self.allocate_user(process, base, length, kind, Protection::READWRITE)?;
        self.write_user(space, environment_at, &environment)?;
        let directory = if program.directory.is_empty() { "C:\\" } else { &program.directory };
        let handles = self.standard_handles(process)?;
        let block = parameter_block(program, &with_backslash(directory), (environment_at, handles));
        let bytes = block.len() as u32;
        let at = self.allocate_user(process, PARAMETERS, bytes.next_multiple_of(PAGE), both, Protection::READWRITE)?;
        self.write_user(space, at, &block)?;
        let peb_at = self.processes[process.0].peb;
        self.write_u32(space, peb_at + peb::PROCESS_PARAMETERS, at)
    }

    fn standard_handles(&mut self, process: ProcessIndex) -> Result<[u32; 3], NtStatus> {
        let mut handles = [0; 3];
        for (handle, end) in handles.iter_mut().zip([ConsoleEnd::Input, ConsoleEnd::Output, ConsoleEnd::Error]) {
            let created = self.files.borrow_mut().open_console(end);
            *handle = self.open_created(process, &created)?;
        }
        Ok(handles)
    }

    /// A stack: reserved, its top committed, a guard page below.
    pub(crate) fn make_stack(
        &mut self,
        process: ProcessIndex,
        image: &ImageInformation,
    ) -> Result<InitialTeb, NtStatus> {
        let reserve = if image.stack_reserve == 0 { STACK_BYTES } else { image.stack_reserve };
        let reserve = reserve.checked_next_multiple_of(0x1_0000).ok_or(NtStatus::NO_MEMORY)?.max(0x1_0000);
        let commit = image.stack_commit.max(1).next_multiple_of(PAGE).min(reserve - 2 * PAGE);
        let wanted = if reserve == STACK_BYTES { STACK } else { 0 };
        let base = self.allocate_user(process, wanted, reserve, MEM_RESERVE, Protection::READWRITE);
        let base = match base {
            Err(NtStatus::CONFLICTING_ADDRESSES) => {
                self.allocate_user(process, 0, reserve, MEM_RESERVE, Protection::READWRITE)?
            }
            other => other?,
        };
        let top = base + reserve;
        self.allocate_user(process, top - commit, commit, MEM_COMMIT, Protection::READWRITE)?;
        let guard = Protection(Protection::READWRITE.0 | 0x100);
        self.allocate_user(process, top - commit - PAGE, PAGE, MEM_COMMIT, guard)?;
        Ok(InitialTeb { base: top, limit: top - commit, allocation: base })
    }

    /// A TEB.
    pub(crate) fn create_teb(&mut self, process: ProcessIndex, id: u32, stack: &InitialTeb) -> Result<u32, NtStatus> {
        let at = self.secured_page(process)?;
        let space = self.processes[process.0].space;
        let process_id = self.processes[process.0].id;
        for (offset, value) in [
            (teb::EXCEPTION_LIST, u32::MAX),
            (teb::STACK_BASE, stack.base),
            (teb::STACK_LIMIT, stack.limit),
            (teb::VERSION, TEB_VERSION),
            (teb::SELF, at),
            (teb::CLIENT_ID, process_id),
            (teb::CLIENT_ID + 4, id),
            (teb::REAL_CLIENT_ID, process_id),
            (teb::REAL_CLIENT_ID + 4, id),
            (teb::PEB, self.processes[process.0].peb),
            (teb::CURRENT_LOCALE, 0x409),
            // An empty string of 261 units in the buffer behind it.
            (teb::STATIC_UNICODE_STRING, 522 << 16),
            (teb::STATIC_UNICODE_STRING + 4, at + teb::STATIC_UNICODE_STRING + 8),
            (teb::DEALLOCATION_STACK, stack.allocation),
        ] {
            self.write_u32(space, at + offset, value)?;
        }
        Ok(at)
    }

    /// Frees the stack of a thread that ends of its own will: it has said so in its TEB.
    pub(crate) fn free_user_stack(&mut self, thread: ThreadIndex) {
        let at = self.threads[thread.0].teb;
        let space = self.processes[self.threads[thread.0].process.0].space;
        let mut says = [0];
        if at == 0 || self.read_user(space, at + teb::FREE_STACK_ON_TERMINATION, &mut says).is_err() || says == [0] {
            return;
        }
        let Ok(stack) = self.read_u32(space, at + teb::DEALLOCATION_STACK) else { return };
        // What is not the base of an allocation stays, as with any release.
        let range = (Va(stack.into()), 0);
        let _freed = self.memory.free(&mut self.computer.board.ram, space, range, MEM_RELEASE);
        self.obey_flush();
    }

    /// Gives the page of a TEB back.
    pub(crate) fn free_teb(&mut self, thread: ThreadIndex) {
        let at = std::mem::take(&mut self.threads[thread.0].teb);
        let space = self.processes[self.threads[thread.0].process.0].space;
        let page = at >> 12;
        if let Some(vad) = self.memory.space(space).vads().find(page).filter(|vad| page != 0 && vad.first == page) {
            self.memory.remove_vad(&mut self.computer.board.ram, space, &vad);
            self.obey_flush();
        }
    }

    fn make_first_thread(
        &mut self,
        process: ProcessIndex,
        image: &ImageInformation,
        base: u32,
    ) -> Result<(), NtStatus> {
        let stack = self.make_stack(process, image)?;
        let id = self.next_id();
        let teb = self.create_teb(process, id, &stack)?;
        let entries = self.processes[process.0].entries;
        let entry = base.wrapping_add(image.entry_point.0);
        let mut frame = TrapFrame::user();
        frame.set(word::EIP, entries.thread_start);
        frame.set(word::EAX, entry);
        frame.set(word::EBX, self.processes[process.0].peb);
        // Fresh memory: four zeroes are there.
        frame.set(word::ESP, stack.base - 16);
        let apc = UserApc { routine: entries.loader, arguments: [0, entries.base, 0], has_context: true };
        let new = NewThread {
            frame,
            fpu: Fpu { control: 0x27f, ..Fpu::default() },
            teb,
            id,
            start_address: entry,
            apc: Some(apc),
            is_suspended: false,
        };
        self.create_thread(process, &new)?;
        self.obey_flush();
        Ok(())
    }
}

fn find_export(exports: &Exports, name: &str, base: u32) -> Option<u32> {
    let export = exports.exports.iter().find(|export| export.name.as_deref() == Some(name))?;
    match &export.target {
        ExportTarget::Address(rva) => base.checked_add(rva.0),
        ExportTarget::Forwarder(_) => None,
    }
}

fn with_backslash(directory: &str) -> String {
    format!("{}\\", directory.trim_end_matches('\\'))
}

/// `NAME=value` with a zero behind each, and one more at the end.
fn environment_block(variables: &[(String, String)], processors: usize) -> Vec<u8> {
    let processors = processors.to_string();
    let usual = [
        ("ComSpec", "C:\\WINDOWS\\system32\\cmd.exe"),
        ("NUMBER_OF_PROCESSORS", &processors),
        ("OS", "Windows_NT"),
        ("Path", "C:\\WINDOWS\\system32;C:\\WINDOWS"),
        ("SystemDrive", "C:"),
        ("SystemRoot", "C:\\WINDOWS"),
        ("TEMP", "C:\\"),
        ("TMP", "C:\\"),
        ("windir", "C:\\WINDOWS"),
    ];
    let mut all: Vec<(String, String)> = usual.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    for (name, value) in variables {
        all.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        all.push((name.clone(), value.clone()));
    }
    // Sorted without regard to case, as NT keeps it.
    all.sort_by_key(|(name, _)| name.to_uppercase());
    let mut block = Vec::new();
    for (name, value) in all {
        block.extend(utf16(&format!("{name}={value}\0")));
    }
    block.extend([0, 0]);
    block
}

/// The parameters at [`PARAMETERS`], strings behind them.
fn parameter_block(program: &Program, directory: &str, (environment, handles): (u32, [u32; 3])) -> Vec<u8> {
    let mut block = vec![0; parameters::BYTES as usize];
    let put = |block: &mut Vec<u8>, at: u32, value: u32| {
        let at = at as usize;
        block[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let folder = program.path.rsplit_once('\\').map_or("C:", |(folder, _)| folder);
    let dll_path = format!("{folder};{SYSTEM_FOLDER};C:\\WINDOWS;.");
    let strings = [
        (parameters::CURRENT_DIRECTORY, directory, 520_u16),
        (parameters::DLL_PATH, &dll_path, 0),
        (parameters::IMAGE_PATH_NAME, &program.path, 0),
        (parameters::COMMAND_LINE, &program.command_line, 0),
        (parameters::WINDOW_TITLE, &program.path, 0),
        (parameters::DESKTOP_INFO, "WinSta0\\Default", 0),
    ];
    for (at, text, room) in strings {
        let mut bytes = utf16(text);
        bytes.truncate(0xfffc);
        let length = bytes.len() as u16;
        let room = room.max(length + 2);
        bytes.resize(usize::from(room), 0);
        let address = PARAMETERS + block.len() as u32;
        put(&mut block, at, u32::from(room) << 16 | u32::from(length));
        put(&mut block, at + 4, address);
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(4), 0);
    }
    let length = block.len() as u32;
    for (at, value) in [
        (parameters::MAXIMUM_LENGTH, length),
        (parameters::LENGTH, length),
        (parameters::FLAGS, NORMALIZED),
        (parameters::STANDARD_INPUT, handles[0]),
        (parameters::STANDARD_OUTPUT, handles[1]),
        (parameters::STANDARD_ERROR, handles[2]),
        (parameters::ENVIRONMENT, environment),
    ] {
        put(&mut block, at, value);
    }
    block
}
