//! A host in memory, and short forms of calls.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use vatlas_machine::NtStatus;
use vatlas_machine::files::{
    Console, ConsoleEnd, ConsoleInput, ConsoleKind, CreateRequest, Created, FileHandle, FileStore, Files, GivenFile,
    Host, MemoryStore, NtTime, ObjectName, StoreError,
};

/// 2004-08-04 12:00 UTC.
pub const NOW: NtTime = NtTime(127_360_944_000_000_000);
/// `FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE`.
pub const READ_WRITE: u32 = 0xc001_0000 | 0x10_0000;
pub const READ: u32 = 0x8000_0000;
pub const SHARE_ALL: u32 = 7;
/// `FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE`.
pub const SYNC_FILE: u32 = 0x60;
/// `FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE`.
pub const SYNC_FOLDER: u32 = 0x21;

/// What the console of a test gives, kind by kind, and what it got.
#[derive(Default)]
pub struct Script {
    pub kind: ConsoleKind,
    /// Each read gets one part; an empty one says that nothing has come yet.
    pub input: VecDeque<Vec<u8>>,
    pub output: Vec<u8>,
    pub errors: Vec<u8>,
}

#[derive(Default)]
pub struct TestHost {
    pub store: Option<MemoryStore>,
    pub script: Rc<RefCell<Script>>,
}

impl Console for TestHost {
    fn kind(&mut self, _end: ConsoleEnd) -> ConsoleKind {
        self.script.borrow().kind
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        let mut script = self.script.borrow_mut();
        let Some(part) = script.input.pop_front() else { return Ok(ConsoleInput::End) };
        let count = part.len().min(bytes.len());
        bytes[..count].copy_from_slice(&part[..count]);
        if count < part.len() {
            script.input.push_front(part[count..].to_vec());
        }
        Ok(if part.is_empty() { ConsoleInput::NotYet } else { ConsoleInput::Bytes(count) })
    }

    fn write(&mut self, end: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        let script = &mut *self.script.borrow_mut();
        if end == ConsoleEnd::Error {
            script.errors.extend(bytes);
        } else {
            script.output.extend(bytes);
        }
        Ok(())
    }
}

impl Host for TestHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        self.store.as_mut().map(|store| store as &mut dyn FileStore)
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

/// Two given files, `ntdll.dll` of 5 bytes and the program, over a volume in memory.
pub fn files() -> Files {
    let given = |path: &str, bytes: &'static [u8]| GivenFile { path: path.to_owned(), bytes: Cow::Borrowed(bytes) };
    let given = vec![given("WINDOWS\\system32\\ntdll.dll", b"ntdll"), given("program.exe", b"MZ")];
    Files::new(Box::new(TestHost::default()), given, NOW).unwrap()
}

pub fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

pub fn request(access: u32, share: u32, disposition: u32, options: u32) -> CreateRequest {
    CreateRequest { access, attributes: 0, share, disposition, options }
}

/// Creates by a name below `C:\`, or one from the root.
pub fn create(files: &mut Files, name: &str, request: &CreateRequest) -> Result<Created, NtStatus> {
    let name = if name.starts_with('\\') { name.to_owned() } else { format!("\\??\\C:\\{name}") };
    files.create(ObjectName { root: None, name: &units(&name) }, request)
}

pub fn handle(created: Created) -> FileHandle {
    FileHandle { file: created.file, granted: created.granted }
}

/// Opens for everything and shares everything; makes it when it is not there.
pub fn open(files: &mut Files, name: &str) -> FileHandle {
    handle(create(files, name, &request(READ_WRITE, SHARE_ALL, 3, SYNC_FILE)).unwrap())
}

pub fn open_folder(files: &mut Files, name: &str) -> FileHandle {
    handle(create(files, name, &request(0x11_0000 | READ, SHARE_ALL, 3, SYNC_FOLDER)).unwrap())
}

/// Makes a file that holds `bytes`.
pub fn make(files: &mut Files, name: &str, bytes: &[u8]) {
    let handle = open(files, name);
    files.write(handle, None, bytes).unwrap();
    files.close(handle.file);
}

/// All bytes of a file.
pub fn contents(files: &mut Files, name: &str) -> Result<Vec<u8>, NtStatus> {
    let handle = handle(create(files, name, &request(READ, SHARE_ALL, 1, 0))?);
    let bytes = files.read(handle, Some(0), 1 << 20).map(|answer| answer.bytes);
    files.close(handle.file);
    bytes
}
