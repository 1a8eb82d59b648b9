//! A system with a small program of machine code, and the words to write one.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::cell::RefCell;
use std::rc::Rc;
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use vatlas_machine::nt::services::service_by_name;
use vatlas_machine::nt::{BareProgram, Configuration, ProcessIndex, System, SystemStop, UserEntries};

/// Where the code of a test is.
pub const CODE: u32 = 0x0040_0000;
/// Where its data are.
pub const DATA: u32 = 0x0050_0000;
/// Bytes of data.
const DATA_BYTES: usize = 0x2000;

/// A host without files, whose console keeps what is written.
#[derive(Clone, Default)]
pub struct TestHost(pub Rc<RefCell<TestConsole>>);

#[derive(Default)]
pub struct TestConsole {
    pub input: Vec<u8>,
    pub is_closed: bool,
    pub output: Vec<u8>,
    pub errors: Vec<u8>,
    /// What all its ends are.
    pub kind: ConsoleKind,
}

impl Console for TestHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        self.0.borrow().kind
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        let mut console = self.0.borrow_mut();
        let count = bytes.len().min(console.input.len());
        if count == 0 {
            return Ok(if console.is_closed { ConsoleInput::End } else { ConsoleInput::NotYet });
        }
        bytes[..count].copy_from_slice(&console.input[..count]);
        console.input.drain(..count);
        Ok(ConsoleInput::Bytes(count))
    }

    fn write(&mut self, end: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        let mut console = self.0.borrow_mut();
        let place = if end == ConsoleEnd::Error { &mut console.errors } else { &mut console.output };
        place.extend_from_slice(bytes);
        Ok(())
    }
}

impl Host for TestHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

/// Machine code of a thread.
#[derive(Clone, Default)]
pub struct Code {
    pub bytes: Vec<u8>,
}

/// An argument of a system call.
#[derive(Clone, Copy)]
pub enum Arg {
    /// A number.
    N(u32),
    /// The double word at an address.
    At(u32),
}

impl Code {
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn word(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A system call by `int 2Eh`; the status is in EAX.
    pub fn call(&mut self, service: &str, arguments: &[Arg]) -> &mut Self {
        let service = service_by_name(service).unwrap();
        assert_eq!(usize::from(service.arguments), arguments.len(), "{}", service.name);
        for argument in arguments.iter().rev() {
            match argument {
                Arg::N(value) => self.raw(&[0x68]).word(*value),
                Arg::At(at) => self.raw(&[0xff, 0x35]).word(*at),
            };
        }
        self.raw(&[0x89, 0xe2, 0xb8]).word(service.number.into()).raw(&[0xcd, 0x2e, 0x81, 0xc4]);
        self.word(4 * u32::from(service.arguments))
    }

    /// The same, and EAX to an address.
    pub fn call_to(&mut self, to: u32, service: &str, arguments: &[Arg]) -> &mut Self {
        self.call(service, arguments).raw(&[0xa3]).word(to)
    }

    /// `mov dword [at], value`.
    pub fn store(&mut self, at: u32, value: u32) -> &mut Self {
        self.raw(&[0xc7, 0x05]).word(at).word(value)
    }

    /// `inc dword [at]`.
    pub fn count(&mut self, at: u32) -> &mut Self {
        self.raw(&[0xff, 0x05]).word(at)
    }

    /// Runs what `body` writes so many times, with EBX as the counter.
    pub fn repeat(&mut self, count: u32, body: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw(&[0xbb]).word(count);
        let start = self.bytes.len();
        body(self);
        self.raw(&[0x4b, 0x0f, 0x85]);
        let back = start as i32 - (self.bytes.len() as i32 + 4);
        self.word(back as u32)
    }

    /// Ends the process.
    pub fn exit(&mut self, status: u32) -> &mut Self {
        self.call("NtTerminateProcess", &[Arg::N(u32::MAX), Arg::N(status)])
    }

    /// Ends the thread.
    pub fn exit_thread(&mut self, status: u32) -> &mut Self {
        self.call("NtTerminateThread", &[Arg::N(0xffff_fffe), Arg::N(status)])
    }
}

/// Writes code.
pub fn code(write: impl FnOnce(&mut Code)) -> Code {
    let mut code = Code::default();
    write(&mut code);
    code
}

/// A system whose program runs.
pub struct Bench {
    pub system: System,
    pub process: ProcessIndex,
    pub host: TestHost,
}

impl Bench {
    /// One processor, one thread for each code.
    pub fn new(threads: &[Code]) -> Self {
        Self::on(1, threads, UserEntries::default())
    }

    pub fn on(processors: usize, threads: &[Code], entries: UserEntries) -> Self {
        Self::with(Configuration { processors, ..Self::configuration() }, threads, entries)
    }

    /// 8 MB and a tick of 156,250 instructions.
    pub fn configuration() -> Configuration {
        Configuration { frames: 2048, instructions_per_unit: 1, ..Configuration::default() }
    }

    pub fn with(configuration: Configuration, threads: &[Code], entries: UserEntries) -> Self {
        let host = TestHost::default();
        let mut system = System::new(configuration, Box::new(host.clone())).unwrap();
        let mut pieces = vec![(DATA, vec![0; DATA_BYTES])];
        let mut starts = Vec::new();
        for (number, code) in (0..).zip(threads) {
            let at = CODE + 0x1_0000 * number;
            starts.push(at);
            pieces.push((at, code.bytes.clone()));
        }
        let program = BareProgram { name: "test.exe".into(), pieces, threads: starts, entries };
        let process = system.start_bare(&program).unwrap();
        Self { system, process, host }
    }

    /// Puts more code into the program.
    pub fn add_code(&mut self, at: u32, code: &Code) {
        self.system.add_bare_piece(self.process, at, &code.bytes).unwrap();
    }

    /// A double word of the program.
    pub fn get(&self, at: u32) -> u32 {
        let mut bytes = [0; 4];
        assert_eq!(self.system.read_resident(self.process, at, &mut bytes), 4, "{at:x}");
        u32::from_le_bytes(bytes)
    }

    /// Runs until the program ends; its exit status.
    #[track_caller]
    pub fn run(&mut self) -> u32 {
        match self.system.run(5_000_000) {
            SystemStop::Exited { status } => status,
            other => panic!("{other:?} {:?} {:?}", self.system.report(), self.system.threads()),
        }
    }

    /// Runs so many instructions.
    #[track_caller]
    pub fn run_for(&mut self, budget: u64) {
        assert_eq!(self.system.run(budget), SystemStop::Budget);
    }

    /// Runs until the program stops as expected.
    #[track_caller]
    pub fn run_to(&mut self, expected: &SystemStop) {
        assert_eq!(&self.system.run(5_000_000), expected);
    }
}
