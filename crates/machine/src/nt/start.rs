//! How the first program starts: what a creating program would do for it, parameters, a stack and a first thread.
//!
//! ```text
//! 00010000 environment   00020000 parameters   00030000-0012FFFF first stack   7FFDF000 PEB   7FFDE000 down TEBs
//! ```

use crate::cpu::Fpu;
use crate::files::{ConsoleEnd, CreateRequest, ObjectName, SectionUse, section_file};
use crate::memory::{
    AllocationRequest, ImageInformation, MEM_COMMIT, MEM_RESERVE, MEM_TOP_DOWN, NtStatus, SEC_IMAGE, Section,
    SectionRequest,
};
use crate::nt::birth::NewProcess;
use crate::nt::objects::{Body, ObjectId};
use crate::nt::process::ProcessIndex;
use crate::nt::thread::{NewThread, UserApc};
use crate::nt::trap_frame::{TrapFrame, word};
use crate::nt::user_memory::utf16;
use crate::nt::{Program, System, status};
use std::fmt;
use vatlas_rules::nt::structures::{eprocess, parameters, peb};
use vatlas_space::{Protection, Va};

const ENVIRONMENT: u32 = 0x1_0000;
const PARAMETERS: u32 = 0x2_0000;
const PAGE: u32 = 0x1000;
/// Where the system's DLLs are.
const SYSTEM_FOLDER: &str = "C:\\WINDOWS\\system32";
/// `FILE_EXECUTE`, `FILE_READ_DATA`, `SYNCHRONIZE`.
const IMAGE_ACCESS: u32 = 0x10_0021;
const SYNCHRONOUS: u32 = 0x20;
/// `RTL_USER_PROC_PARAMS_NORMALIZED`.
const NORMALIZED: u32 = 1;

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
pub(crate) fn failed(what: impl Into<String>) -> impl FnOnce(NtStatus) -> StartError {
    let what = what.into();
    move |status| StartError { what, status }
}

impl System {
    /// Starts a program in a new process: its file and ntdll are mapped, its first thread is ready.
    ///
    /// # Errors
    /// Which step failed, and with which status.
    pub fn start_program(&mut self, program: &Program) -> Result<ProcessIndex, StartError> {
        let section = self.image_section(&program.path).map_err(failed(format!("opening {}", program.path)))?;
        let section = self.make_section_object(section).map_err(failed("making the section"))?;
        let started = self.start_image(program, section);
        self.release_object(section);
        let process = started?;
        self.first_process.get_or_insert(process);
        Ok(process)
    }

    /// The process, its parameters and its first thread. Nothing is left of it when that fails.
    fn start_image(&mut self, program: &Program, section: ObjectId) -> Result<ProcessIndex, StartError> {
        let name = program.path.rsplit('\\').next().unwrap_or_default();
        let new = NewProcess { name, section, parent: None, inherits_handles: false };
        let process = self.create_image_process(&new)?;
        let image = self.section_image(section);
        let thread = image.and_then(|image| {
            self.make_parameters(process, program)?;
            self.make_first_thread(process, &image)
        });
        if let Err(status) = thread {
            self.terminate_process(process, status.0);
            return Err(StartError { what: "making the first thread".into(), status });
        }
        Ok(process)
    }

    /// The object of a section that was just made, which goes when there is no room.
    pub(crate) fn make_section_object(&mut self, section: Section) -> Result<ObjectId, NtStatus> {
        self.make_object(Body::Section(section.clone())).inspect_err(|_| {
            self.memory.close_section(&mut self.computer.board.ram, section);
            self.obey_flush();
        })
    }

    /// An image section of a file.
    pub(crate) fn image_section(&mut self, path: &str) -> Result<Section, NtStatus> {
        let name: Vec<u16> = format!("\\??\\{path}").encode_utf16().collect();
        let request =
            CreateRequest { access: IMAGE_ACCESS, attributes: 0, share: 1, disposition: 1, options: SYNCHRONOUS };
        let created = self.files.borrow_mut().create(ObjectName { root: None, name: &name }, &request)?;
        let file = section_file(&self.files, created.file, SectionUse::Image);
        self.files.borrow_mut().close(created.file);
        let request = SectionRequest { size: 0, protection: Protection::EXECUTE, attributes: SEC_IMAGE };
        let section = self.memory.create_section(&mut self.computer.board.ram, Some(file?), &request)?;
        self.show_section_file(&section);
        Ok(section)
    }

    pub(crate) fn allocate_user(
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

    fn make_first_thread(&mut self, process: ProcessIndex, image: &ImageInformation) -> Result<(), NtStatus> {
        let base = self.get_u32(self.processes[process.0].block, eprocess::SECTION_BASE_ADDRESS);
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
