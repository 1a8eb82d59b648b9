//! Rows for what a Windows CE engineer has in hand: a log, a ROM image, a dump, a device of the machine.

use super::{
    library::Library,
    process::Run,
    table::{Measured, Quantity, Row},
};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use vatlas_fixtures::{
    pe::{Image, Machine, section},
    rom::{Module, Packing, Rom},
};

/// Bytes of the log: 1 GB.
const LOG: u64 = 1_000_000_000;
/// Runs of a row that takes seconds.
const FEW_RUNS: usize = 5;
/// Modules of the image, and bytes of each: 32 MB together.
const MODULES: u32 = 64;
const MODULE: usize = 504 << 10;

/// The files, made anew.
pub struct Ce {
    root: PathBuf,
    program: PathBuf,
    log: Result<PathBuf, String>,
    rom: PathBuf,
    device: Library,
}

impl Ce {
    /// Writes a log and an image below the target folder.
    pub fn prepare(root: &Path, program: &Path) -> Self {
        let folder = root.join("target/bench");
        let in_file = |path: PathBuf, written: std::io::Result<()>| match written {
            Ok(()) => Ok(path),
            Err(cause) => Err(format!("{}: {cause}", path.display())),
        };
        let _ = std::fs::create_dir_all(&folder);
        let log = folder.join("serial.log");
        let written = write_log(&log);
        let (root, program, log) = (root.to_path_buf(), program.to_path_buf(), in_file(log, written));
        let device = Library::measure(&root, "vatlas-machine", "ce");
        Self { root, program, log, rom: folder.join("large.nb0"), device }
    }

    /// The rows.
    pub fn rows(&self) -> Vec<Row> {
        let time = |what, goal: u64, ours| {
            let goal = Some(Quantity::Time(Duration::from_micros(goal)));
            Row { what, goal, ours, peer: Measured::Not(String::new()) }
        };
        let of = |file: &Result<PathBuf, String>, command: &'static str| {
            file.clone().map(|file| self.run(&[command, &file.to_string_lossy()]))
        };
        let log = || of(&self.log, "log");
        let rom = || {
            let written = std::fs::write(&self.rom, image());
            written.map(|()| self.rom.clone()).map_err(|cause| format!("{}: {cause}", self.rom.display()))
        };
        let kdmp = self.run(&["explain", KDMP, "crash"]);
        vec![
            time("log of 1 GB of serial output, whole process", 2_500_000, few(log())),
            Row {
                what: "log of 1 GB of serial output, peak resident memory",
                goal: Some(Quantity::Bytes(20 << 20)),
                ours: log().and_then(|run| run.peak_memory()).into(),
                peer: Measured::Not(String::new()),
            },
            time(
                "rom: list an image of 32 MB, whole process",
                50_000,
                // Written last: what this process ever held is counted for the processes that it starts.
                of(&rom(), "rom").and_then(|run| run.median_time()).into(),
            ),
            time("open and explain the crash of a .kdmp, whole process", 2_000, kdmp.median_time().into()),
            time(
                "demo: boot the Windows CE device, stop it and explain, whole process",
                200_000,
                self.run(&["demo"]).median_time().into(),
            ),
            Row {
                what: "a switch of processes of Windows CE",
                goal: Some(Quantity::Time(Duration::from_nanos(200))),
                ours: self.device.median("ce/process_switch").into(),
                peer: Measured::Not(String::new()),
            },
        ]
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::new(&self.program).arguments(arguments).inside(&self.root)
    }
}

/// The Windows CE dump that the project made itself, from the repository's root.
const KDMP: &str = "fixtures/kdmp/scale-context.kdmp";

fn few(run: Result<Run, String>) -> Measured {
    run.and_then(|run| run.median_of(1, FEW_RUNS)).into()
}

/// Lines as drivers print them, with words of crash text among them and no crash: a log with one ends with another exit
/// code, which would be no measurement.
fn write_log(path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut written = 0;
    for number in 0_u64.. {
        let line = match number % 100 {
            7 => format!("{number} PID:400002 TID:410002 the thread Proc={number:08x} waits\r\n"),
            8 => "Exception handlers are ready\r\n".to_owned(),
            _ => format!(
                "{number} PID:400002 TID:410002 OEMIoControl: code {:#x}, {number} of them so far\r\n",
                number % 977
            ),
        };
        if written + line.len() as u64 > LOG {
            break;
        }
        written += line.len() as u64;
        file.write_all(line.as_bytes())?;
    }
    file.flush()
}

fn image() -> Vec<u8> {
    let modules = (0..MODULES).map(|number| {
        let base = 0x0380_0000 - u64::from(number) * 0x8_0000;
        let image = Image::new(Machine::ArmNt, base).section(".text", section::CODE, vec![0xe1; MODULE], 0);
        Module::new(&format!("module{number}.dll"), image)
    });
    let rom = modules.fold(Rom::new(0x8000_0000, 0x1c0), Rom::module);
    let files = (0..200).map(|number| (format!("file{number}.txt"), vec![b'a'; 500]));
    files.fold(rom, |rom, (name, bytes)| rom.file(&name, bytes, Packing::Lz)).write().bytes
}
