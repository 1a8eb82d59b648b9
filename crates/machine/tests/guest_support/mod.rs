//! A system with the guest's own libraries, and the programs of `fixtures/machine/processes`.

#![allow(dead_code, reason = "not every test uses all of it")]

#[path = "../kernel_support/mod.rs"]
mod kernel_support;

#[allow(unused_imports, reason = "not every test says what its console is")]
pub use kernel_support::{TestConsole, TestHost};
use std::path::Path;
use vatlas_machine::files::GivenFile;
use vatlas_machine::memory::{PageFile, PageFileError, PageFileStore};
use vatlas_machine::nt::{Configuration, ProcessIndex, Program, System, SystemStop};

/// A page file in memory.
#[derive(Clone, Debug, Default)]
struct Pages(Vec<[u8; 4096]>);

impl PageFileStore for Pages {
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError> {
        self.0.resize(pages as usize, [0; 4096]);
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut [u8; 4096]) -> Result<(), PageFileError> {
        *bytes = self.0[page as usize];
        Ok(())
    }

    fn write(&mut self, page: u32, bytes: &[u8; 4096]) -> Result<(), PageFileError> {
        self.0[page as usize] = *bytes;
        Ok(())
    }
}

/// What a system is made of.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    pub megabytes: u32,
    pub processors: usize,
    /// Pages of the page file; 0 for none.
    pub page_file: u32,
}

impl Default for Machine {
    fn default() -> Self {
        Self { megabytes: 64, processors: 1, page_file: 0 }
    }
}

/// Files of a folder of the repository, for a place in the guest.
pub fn given(folder: &str, place: &str) -> Vec<GivenFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".dll") || name.ends_with(".exe") {
            let bytes = std::fs::read(&path).unwrap();
            files.push(GivenFile { path: format!("{place}{name}"), bytes: bytes.into() });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// A system with a program that has just started.
pub struct Guest {
    pub system: System,
    pub process: ProcessIndex,
    pub host: TestHost,
}

impl Guest {
    pub fn new(machine: Machine, program: &str, arguments: &str) -> Self {
        Self::on(TestHost::default(), given("fixtures/machine/processes", ""), machine, (program, arguments))
    }

    /// With a host, and files in the root of the guest.
    pub fn on(host: TestHost, in_root: Vec<GivenFile>, machine: Machine, (program, arguments): (&str, &str)) -> Self {
        let mut files = given("guest/bin", "WINDOWS\\system32\\");
        files.extend(in_root);
        let page_files = match machine.page_file {
            0 => Vec::new(),
            pages => vec![PageFile::new(Box::new(Pages::default()), pages, pages).unwrap()],
        };
        let configuration = Configuration {
            frames: machine.megabytes * 256,
            processors: machine.processors,
            page_files,
            given: files,
            ..Configuration::default()
        };
        let mut system = System::new(configuration, Box::new(host.clone())).unwrap();
        let command_line = format!("{program} {arguments}").trim_end().to_owned();
        let program = Program { path: format!("C:\\{program}"), command_line, ..Program::default() };
        let process = system.start_program(&program).unwrap();
        Self { system, process, host }
    }

    /// Runs at most so many million instructions.
    pub fn run(&mut self, millions: u64) -> SystemStop {
        self.system.run(millions * 1_000_000)
    }

    /// Runs to an end with a status.
    #[track_caller]
    pub fn run_to(&mut self, millions: u64, expected: &SystemStop) {
        let stop = self.run(millions);
        let report = self.system.report();
        let said = (self.output(), self.errors());
        assert_eq!(&stop, expected, "{said:?} {:?} {:?} {:?}", report.crashes, report.missing, self.system.threads());
        assert!(report.crashes.is_empty() && report.missing.is_empty(), "{:?} {:?}", report.crashes, report.missing);
    }

    /// The bytes that so many more processes, which only sleep, take beside physical memory. The program has to have
    /// the meter as its allocator.
    pub fn bytes_of_idle_processes(&mut self, count: u32) -> usize {
        // The first one that others follow, so that what all of them share is there.
        for _ in 0..2 {
            self.start_idle();
        }
        let before = vatlas_fixtures::meter::in_use();
        for _ in 0..count {
            self.start_idle();
        }
        usize::try_from(vatlas_fixtures::meter::in_use() - before).unwrap()
    }

    /// Starts an instance that says one line and sleeps for good, and lets it come to that.
    fn start_idle(&mut self) {
        let command_line = "instances.exe 2".to_owned();
        let program = Program { path: "C:\\instances.exe".into(), command_line, ..Program::default() };
        self.system.start_program(&program).unwrap();
        let lines = self.output().lines().count();
        for _ in 0..100 {
            assert_eq!(self.system.run(200_000), SystemStop::Budget);
            if self.output().lines().count() > lines {
                return;
            }
        }
        panic!("an idle process did not come to its line: {:?}", self.system.report());
    }

    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.host.0.borrow().output).replace('\r', "")
    }

    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.host.0.borrow().errors).into_owned()
    }
}
