//! `vatlas run` for Windows CE: a ROM image, a description of one, or a program of subsystem 9, which is put into an
//! image of the standard system.

mod report;

use super::{Args, StopArgs, then};
use crate::{
    ce_rom::{Plan, build},
    failure::{Exit, Failure},
    host::GrantedHost,
    machine_arguments::{KernelSpace, MachineArgs},
    open::words,
    output::Output,
    safe_write::write_safely,
};
use std::{
    path::{Path, PathBuf},
    rc::Rc,
};
use vatlas_machine::ce::{BootError, Configuration, Device, Stop};
use vatlas_machine::files::Host;
use vatlas_space::{Problem, Target};
use vatlas_targets::{Format, ce_machine_target, recognize};

/// `IMAGE_SUBSYSTEM_WINDOWS_CE_GUI`.
const SUBSYSTEM: u16 = 9;
/// Bytes that a folder may bring into the object store.
const MOST_STORED: u64 = 16 << 20;

/// What is to be run on a device.
pub enum Image {
    /// A ROM image.
    Rom(Vec<u8>),
    /// A description of one.
    Plan(PathBuf),
    /// A program.
    Program(Vec<u8>),
}

/// What the arguments name, if it is for Windows CE; `None` for a program of Windows NT.
///
/// # Errors
/// The file cannot be read.
pub fn image_of(path: &Path) -> Result<Option<Image>, Failure> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return Ok(Some(Image::Plan(path.to_owned())));
    }
    let bytes =
        std::fs::read(path).map_err(|error| Failure::could_not(format!("{}: {}", path.display(), words(&error))))?;
    Ok(match recognize(&bytes) {
        Format::RomBin | Format::RomRaw => Some(Image::Rom(bytes)),
        Format::Pe if subsystem(&bytes) == Some(SUBSYSTEM) => Some(Image::Program(bytes)),
        _ => None,
    })
}

/// The subsystem that a PE file names.
fn subsystem(file: &[u8]) -> Option<u16> {
    let at = u32::from_le_bytes(*file.get(0x3c..)?.first_chunk()?) as usize;
    Some(u16::from_le_bytes(*file.get(at.checked_add(0x5c)?..)?.first_chunk()?))
}

/// Runs it, and asks the questions when it stops.
///
/// # Errors
/// The image cannot be built or does not start, or what the machine is to have Windows CE does not know.
pub fn run(args: &Args, image: Image, output: &mut Output) -> Result<Exit, Failure> {
    refuse(&args.machine)?;
    let questions = then::parse(&args.stop.then)?;
    let host = Box::new(GrantedHost::new(None));
    let (device, name) = start(&args.machine, &args.program, &args.arguments, image, host)?;
    go_on(&args.stop, &questions, device, &name, output)
}

/// Goes on with a device from the bytes of a snapshot.
///
/// # Errors
/// The snapshot is damaged, or what it is to do Windows CE does not know.
pub fn resume(stop: &StopArgs, bytes: &[u8], output: &mut Output) -> Result<Exit, Failure> {
    let questions = then::parse(&stop.then)?;
    let about = Device::about_snapshot(bytes)?;
    let device = Device::resume(bytes, Box::new(GrantedHost::new(None)))?;
    go_on(stop, &questions, device, &about.name, output)
}

/// Runs a device to where it is to stop, and does what is asked for then. Counts are counted from its start.
fn go_on(
    args: &StopArgs,
    questions: &[then::Question],
    mut device: Device,
    name: &str,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if let Some(option) = args.nt_only() {
        return Err(Failure::usage(format!("{option}: not of a device with Windows CE")));
    }
    let is_program = device.waits_for_program();
    let stop = device.run(args.end().map_or(u64::MAX, |end| end.saturating_sub(device.executed())));
    if args.report {
        report::show(&device, &stop, output);
    }
    warnings(&device, output);
    if let Some(path) = args.snapshot() {
        write_safely(path, &device.snapshot(name)?)?;
    }
    let device = Rc::new(device);
    let mut exit = Exit::Done;
    if !questions.is_empty() {
        let target: Rc<dyn Target> = Rc::new(ce_machine_target(&device, name));
        exit = then::ask_target(questions, &target, name, output)?;
    }
    ended(args, is_program, &stop).map(|end| end.max(exit))
}

/// What an NT machine can have and a device cannot.
fn refuse(machine: &MachineArgs) -> Result<(), Failure> {
    if machine.cpus > 1 {
        let failure = Failure::usage(format!("--cpus {}: Windows CE runs on one processor", machine.cpus));
        return Err(failure.hint("more than one came with Windows Embedded Compact 7"));
    }
    if !machine.page_files.is_empty() {
        let failure = Failure::usage("--pagefile: Windows CE has no page file");
        return Err(failure.hint("what is committed lies in RAM; give the device more with --ram"));
    }
    if machine.three_gb {
        return Err(Failure::usage("--3gb: a process of Windows CE has 32 MB"));
    }
    let of_nt = [
        ("--system-dlls", machine.system_dlls.is_some()),
        ("--driver", !machine.drivers.is_empty()),
        ("--boot-driver", !machine.boot_drivers.is_empty()),
        ("--kernel-space separate", machine.kernel_space == KernelSpace::Separate),
    ];
    match of_nt.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Failure::usage(format!("{option}: not of a device with Windows CE"))),
        None => Ok(()),
    }
}

/// A device that has booted, and what runs on it; its console is the host's.
///
/// # Errors
/// The image cannot be built or does not start.
pub fn start(
    machine: &MachineArgs,
    path: &Path,
    arguments: &[String],
    image: Image,
    host: Box<dyn Host>,
) -> Result<(Device, String), Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = match &machine.root {
        Some(folder) => stored_files(folder)?,
        None => Vec::new(),
    };
    let mut program = None;
    let rom = match image {
        Image::Rom(bytes) => bytes,
        Image::Plan(plan) => build(&Plan::read(&plan)?)?.rom.bytes,
        Image::Program(bytes) => {
            let mut plan = Plan::standard();
            plan.ram = u32::try_from(machine.ram).map_err(|_| Failure::usage("--ram: too much"))?;
            plan.add_module(&name, bytes);
            program = Some(arguments.join(" "));
            build(&plan)?.rom.bytes
        }
    };
    if program.is_none() && machine.ram != MachineArgs::default().ram {
        let failure = Failure::usage("--ram: an image says itself how much memory its device has");
        return Err(failure.hint("ram = \"64M\" in the description of an image"));
    }
    if program.is_none() && !arguments.is_empty() {
        let failure = Failure::usage("arguments are for a program; an image starts what it has");
        return Err(failure.hint("launch = [\"app.exe -v\"] in the description of an image"));
    }
    let configuration = Configuration { files, ..Configuration::default() };
    let mut device = Device::boot(&rom, configuration, host).map_err(|error| not_booted(path, error))?;
    if let Some(arguments) = program {
        device
            .start_program(&name, &arguments)
            .map_err(|error| Failure::could_not(format!("{name} does not start: error {}", error.0)))?;
    }
    Ok((device, name))
}

fn not_booted(path: &Path, error: BootError) -> Failure {
    match error {
        BootError::Image(problem) => Failure::from(Problem { place: path.display().to_string(), ..problem }),
        error => Failure::could_not(format!("{}: {error}", path.display())),
    }
}

/// The files of a folder and of those in it, as paths of the device.
fn stored_files(root: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::could_not(format!("--root {}: {}", path.display(), words(error)))
    };
    let (mut found, mut folders, mut size) = (Vec::new(), vec![(root.to_owned(), String::new())], 0);
    while let Some((folder, inside)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| failed(&folder, &error))?;
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let inside = format!("{inside}\\{name}");
            // Symbolic links are not followed: they lead out of the folder.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push((path, inside)),
                Ok(kind) if kind.is_file() => {
                    let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
                    size += bytes.len() as u64;
                    if size > MOST_STORED {
                        let what = "more than 16 MB of files; they are copied into the device's memory";
                        return Err(Failure::could_not(format!("--root {}: {what}", root.display())));
                    }
                    found.push((inside, bytes));
                }
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What programs missed.
fn warnings(device: &Device, output: &Output) {
    let report = device.report();
    for (missing, count) in &report.missing {
        output.remark(&format!("warning: {missing} is not there; it was wanted {count} times"));
    }
    for unsupported in &report.unsupported {
        output.remark(&format!("warning: {unsupported}"));
    }
}

/// How the run ended is how the command ends.
fn ended(args: &StopArgs, is_program: bool, stop: &Stop) -> Result<Exit, Failure> {
    match stop {
        Stop::Ended { code, .. } => Ok(Exit::Program(*code)),
        Stop::Budget if args.is_stop() => Ok(Exit::Done),
        Stop::Budget => Err(Failure::could_not("the budget of instructions is used up; programs still run")),
        // A device at rest is what an image ends in; a program that is waited for has failed then.
        Stop::Idle if is_program => Err(Failure::could_not("every thread waits for something that nobody will bring")),
        Stop::Idle => Ok(Exit::Done),
    }
}
