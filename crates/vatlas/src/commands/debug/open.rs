//! From the command line to what is debugged: a machine with a program, a device, a system, a snapshot; or a picture.

use super::{
    Args,
    console::{DebugHost, SharedStreams},
    debugger::Debugger,
    look::Options,
};
use crate::{
    commands::run,
    failure::Failure,
    open::{map_file, words},
    open_machine::MACHINE,
    system_file::SystemFile,
};
use std::path::{Path, PathBuf};
use vatlas_images::pe::PeHeaders;
use vatlas_machine::{
    ce::Device,
    memory::PageFileStore,
    nt::System,
    state::{Container, SnapshotSystem, is_snapshot},
};
use vatlas_space::{Machine, Problem, Va};
use vatlas_targets::{Format, recognize};

/// Opens it.
///
/// # Errors
/// The file cannot be read, or what it holds does not start.
pub fn open(args: &Args) -> Result<Debugger, Failure> {
    let mut options = Options {
        file: PathBuf::from(MACHINE),
        images: args.images.clone(),
        symbols: args.symbols.clone(),
        source: args.source.clone(),
        thread: None,
    };
    let history = args.history << 20;
    if let Some(path) = &args.system {
        let mut streams = SharedStreams::default();
        let (system, name) = run::start_system(path, &mut |folder| {
            let (host, own) = DebugHost::new(folder);
            streams = own;
            Box::new(host)
        })?;
        let images = images_of(path);
        options.symbols.symbols.extend(images.iter().cloned());
        let mut debugger = Debugger::of_machine(system, &name, history, &streams, options);
        if let Some(first) = images.first().filter(|_| !args.first_instruction)
            && let Some(entry) = entry(first)?
        {
            debugger.run_to_entry(entry);
        }
        return Ok(debugger);
    }
    let Some(path) = &args.target else { return Err(Failure::usage("what is to be debugged?")) };
    if path.is_dir() {
        return picture(path, options);
    }
    match kind(path)? {
        Kind::Program => {
            options.symbols.symbols.push(path.clone());
            let (host, streams) = DebugHost::new(run::granted_folder(&args.machine)?);
            let (system, name) = run::start_program(&args.machine, path, &args.arguments, Box::new(host))?;
            let mut debugger = Debugger::of_machine(system, &name, history, &streams, options);
            if !args.first_instruction
                && let Some(entry) = entry(path)?
            {
                debugger.run_to_entry(entry);
            }
            Ok(debugger)
        }
        Kind::Device(run::Image::Rom(_)) if is_foreign(&options, path) => picture(path, options),
        Kind::Device(image) => {
            let (host, streams) = DebugHost::new(None);
            let (device, name) = run::start_device(&args.machine, path, &args.arguments, image, Box::new(host))?;
            Ok(Debugger::of_machine(device, &name, history, &streams, options))
        }
        Kind::Snapshot => {
            let bytes = map_file(path)?;
            let bytes = (*bytes).as_ref();
            let in_file = |problem: Problem| Failure::from(Problem { place: path.display().to_string(), ..problem });
            if Container::open(bytes).map_err(in_file)?.system() == SnapshotSystem::Ce {
                let (host, streams) = DebugHost::new(None);
                let name = Device::about_snapshot(bytes).map_err(in_file)?.name;
                let device = Device::resume(bytes, Box::new(host)).map_err(in_file)?;
                return Ok(Debugger::of_machine(device, &name, history, &streams, options));
            }
            let (host, streams) = DebugHost::new(run::granted_folder(&args.machine)?);
            let (system, name) = resumed(path, host)?;
            Ok(Debugger::of_machine(system, &name, history, &streams, options))
        }
        Kind::Picture => picture(path, options),
    }
}

/// The images that a description of a system names, its programs first.
fn images_of(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let described = std::fs::read_to_string(path).ok().and_then(|text| SystemFile::read(&text, folder).ok());
    let Some(described) = described else { return Vec::new() };
    let programs = described.programs.iter().filter_map(|program| program.file.clone());
    let is_image = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ["exe", "dll", "sys"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    };
    programs.chain(described.files.iter().map(|(_, file)| file.clone()).filter(is_image)).collect()
}

/// Whether a ROM image is for a processor that the machine does not have.
fn is_foreign(options: &Options, path: &Path) -> bool {
    let options = Options { file: path.to_owned(), ..options.clone() };
    let host = options.opened().ok().and_then(|opened| opened.target.host().map(|host| host.machine));
    host.is_some_and(|machine| machine != Machine::X86)
}

/// What a file is.
enum Kind {
    /// A program for 32-bit Windows.
    Program,
    /// Something that a device with Windows CE is made of.
    Device(run::Image),
    /// A machine that was stopped and written.
    Snapshot,
    /// Anything else: it is looked at.
    Picture,
}

fn kind(path: &Path) -> Result<Kind, Failure> {
    let file = map_file(path)?;
    let bytes = (*file).as_ref();
    if is_snapshot(bytes) {
        return Ok(Kind::Snapshot);
    }
    if let Some(image) = run::image_of(path)? {
        return Ok(Kind::Device(image));
    }
    let is_program = recognize(bytes) == Format::Pe && is_program(bytes);
    Ok(if is_program { Kind::Program } else { Kind::Picture })
}

/// A file that is looked at. That it can be opened at all is said now, not at the first question.
fn picture(path: &Path, options: Options) -> Result<Debugger, Failure> {
    let options = Options { file: path.to_owned(), ..options };
    options.opened()?;
    Ok(Debugger::of_picture(options))
}

/// The machine of a snapshot, and the name of its program.
fn resumed(path: &Path, host: DebugHost) -> Result<(System, String), Failure> {
    let in_file = |problem: Problem| Failure::from(Problem { place: path.display().to_string(), ..problem });
    let bytes = map_file(path)?;
    let about = System::about_snapshot((*bytes).as_ref()).map_err(in_file)?;
    let mut make_store = |number| {
        let store = run::page_store(None, number).map_err(|error| words(&error))?;
        Ok(Box::new(store) as Box<dyn PageFileStore>)
    };
    let system = System::resume((*bytes).as_ref(), Box::new(host), &mut make_store).map_err(in_file)?;
    Ok((system, about.name))
}

/// A number of the headers, from the front of the file: `e_lfanew` leads to the signature.
fn header_word(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word));
    word((word(0x3c)? as usize).checked_add(offset)?)
}

/// Whether an image is a program for 32-bit Windows, and no DLL.
fn is_program(bytes: &[u8]) -> bool {
    /// `IMAGE_FILE_DLL`.
    const DLL: u32 = 0x2000;
    let Ok(headers) = PeHeaders::read(bytes) else { return false };
    // `Characteristics` are the last two bytes of the file header.
    let is_dll = header_word(bytes, 20).is_none_or(|word| word >> 16 & DLL != 0);
    headers.machine == Machine::X86 && matches!(headers.subsystem, 2 | 3) && !is_dll
}

/// Where a program's own code begins, when its image is where its linker expected it.
fn entry(path: &Path) -> Result<Option<Va>, Failure> {
    let file = map_file(path)?;
    let bytes = (*file).as_ref();
    let Ok(headers) = PeHeaders::read(bytes) else { return Ok(None) };
    // `AddressOfEntryPoint`: 16 bytes into the optional header, which is 24 behind the signature.
    let rva = header_word(bytes, 40).filter(|rva| *rva != 0);
    Ok(rva.and_then(|rva| Va(headers.image_base).checked_add(rva.into())))
}
