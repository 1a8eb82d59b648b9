//! From arguments to a machine with a program in it.

use super::{Args, system_dlls::SystemDlls};
use crate::{
    failure::Failure,
    host::GrantedHost,
    host_console::HostConsole,
    host_files::HostFolder,
    host_page_file::HostPageFile,
    machine_arguments::{KernelSpace, MachineArgs},
    open::words,
};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};
use vatlas_machine::{
    NtStatus,
    files::{GivenFile, Host},
    memory::PageFile,
    nt::{Configuration, Program, System},
};

/// The system's own DLLs, where programs look for them.
pub fn given_system_files() -> Vec<GivenFile> {
    let given = |(name, bytes): &(&str, &'static [u8])| GivenFile {
        path: format!("WINDOWS\\system32\\{name}"),
        bytes: Cow::Borrowed(*bytes),
    };
    vatlas_guest::LIBRARIES.iter().map(given).collect()
}

/// A machine with one page file and nothing of this computer, whose program is one of the given files. What it prints
/// nobody sees.
///
/// # Errors
/// As [`start`].
pub fn boot(mut configuration: Configuration, page_file: (u32, u32), name: &str) -> Result<System, Failure> {
    configuration.page_files.push(self::page_file(None, 0, page_file)?);
    let host = GrantedHost::new(None).with_console(HostConsole::closed());
    let system = System::new(configuration, Box::new(host));
    let mut system = system.map_err(|status| Failure::could_not(format!("the machine cannot start: {status:?}")))?;
    let path = format!("C:\\{name}");
    let program = Program { command_line: path.clone(), path, ..Program::default() };
    system.start_program(&program).map_err(|error| Failure::could_not(error.to_string()))?;
    Ok(system)
}

/// A machine whose program is about to begin, and the program's name.
///
/// # Errors
/// The program cannot be read or started, a folder is none, a page file cannot be made.
pub fn start(args: &Args) -> Result<(System, String), Failure> {
    let host = GrantedHost::new(granted_folder(&args.machine)?);
    start_program(&args.machine, &args.program, &args.arguments, Box::new(host))
}

/// The same with a host of the caller's.
///
/// # Errors
/// As [`start`].
pub fn start_program(
    machine: &MachineArgs,
    program: &Path,
    arguments: &[String],
    host: Box<dyn Host>,
) -> Result<(System, String), Failure> {
    let name = program_name(program)?;
    let mut given = given_system_files();
    if let Some(folder) = &machine.system_dlls {
        SystemDlls::read(folder)?.replace(&mut given);
    }
    let inside = machine.root.as_deref().and_then(|root| path_inside(root, program));
    let path = match inside {
        Some(path) => path,
        None => {
            let bytes = std::fs::read(program)
                .map_err(|error| Failure::could_not(format!("{}: {}", program.display(), words(&error))))?;
            given.push(GivenFile { path: name.clone(), bytes: Cow::Owned(bytes) });
            name.clone()
        }
    };
    given.extend(drivers(machine)?);
    let configuration = configuration(machine, given)?;
    let system = System::new(configuration, host);
    let mut system = system.map_err(not_started)?;
    boot_drivers(machine, &mut system)?;
    let path = format!("C:\\{path}");
    let command_line = command_line(&path, arguments);
    let started = Program { path, command_line, ..Program::default() };
    system.start_program(&started).map_err(|error| {
        let failure = Failure::could_not(format!("{}: {error}", program.display()));
        failure.hint("the machine runs programs (EXE) for 32-bit x86 Windows")
    })?;
    Ok((system, name))
}

/// The machine does not even hold its kernel.
pub(super) fn not_started(status: NtStatus) -> Failure {
    Failure::could_not(format!("the machine cannot start: {status:?}")).hint("give it more memory with --ram")
}

/// Loads the drivers that come before any program.
///
/// # Errors
/// One cannot be loaded.
pub(super) fn boot_drivers(machine: &MachineArgs, system: &mut System) -> Result<(), Failure> {
    for path in &machine.boot_drivers {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        system.preload_driver(name).map_err(|status| {
            Failure::could_not(format!("{}: the driver cannot be loaded: {status:?}", path.display()))
        })?;
    }
    Ok(())
}

/// Drivers in the folder in which the kernel looks for them.
pub(super) fn drivers(machine: &MachineArgs) -> Result<Vec<GivenFile>, Failure> {
    let all = machine.drivers.iter().chain(&machine.boot_drivers);
    let given = |path: &PathBuf| {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::could_not(format!("{}: {}", path.display(), words(&error))))?;
        let path = format!("WINDOWS\\system32\\drivers\\{}", program_name(path)?);
        Ok(GivenFile { path, bytes: Cow::Owned(bytes) })
    };
    all.map(given).collect()
}

fn program_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: names no program", path.display())))
}

/// The program's path from the granted folder down, if it lies there.
fn path_inside(root: &Path, program: &Path) -> Option<String> {
    let (root, program) = (root.canonicalize().ok()?, program.canonicalize().ok()?);
    let inside = program.strip_prefix(root).ok()?.to_str()?;
    Some(inside.replace('/', "\\"))
}

/// The folder that programs see as `C:\\`.
///
/// # Errors
/// It is none.
pub fn granted_folder(machine: &MachineArgs) -> Result<Option<HostFolder>, Failure> {
    let folder = machine.root.as_deref().map(|root| {
        HostFolder::new(root)
            .map_err(|error| Failure::could_not(format!("--root {}: {}", root.display(), words(&error))))
    });
    folder.transpose()
}

pub(super) fn configuration(machine: &MachineArgs, given: Vec<GivenFile>) -> Result<Configuration, Failure> {
    let mut page_files = Vec::new();
    for (number, (initial, maximum)) in machine.page_file_pages()?.into_iter().enumerate() {
        page_files.push(page_file(machine.pagefile_dir.as_deref(), number, (initial, maximum))?);
    }
    Ok(Configuration {
        frames: machine.frames()?,
        processors: machine.cpus.into(),
        page_files,
        user_limit: machine.user_limit(),
        has_separate_kernel: machine.kernel_space == KernelSpace::Separate,
        seed: machine.seed,
        given,
        ..Configuration::default()
    })
}

fn page_file(folder: Option<&Path>, number: usize, (initial, maximum): (u32, u32)) -> Result<PageFile, Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure::could_not(format!("page file {number}: {what}"));
    let store = page_store(folder, number).map_err(|error| failed(&words(&error)))?;
    PageFile::new(Box::new(store), initial, maximum).map_err(|error| failed(&format!("{:?}", error.0)))
}

/// What keeps the pages of a page file: a file in a folder of the user's, or one that is gone when the machine is.
///
/// # Errors
/// The file cannot be made.
pub fn page_store(folder: Option<&Path>, number: usize) -> std::io::Result<HostPageFile> {
    match folder {
        None => HostPageFile::temporary(),
        Some(folder) => HostPageFile::at(&folder.join(format!("pagefile{number}.sys"))),
    }
}

/// Arguments as programs of Microsoft's run-time take them apart: quoted where they hold blanks, with backslashes before
/// a quote doubled.
pub(super) fn command_line(program: &str, arguments: &[String]) -> String {
    let words = std::iter::once(program).chain(arguments.iter().map(String::as_str));
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '"']) {
        return argument.to_owned();
    }
    let mut text = String::from("\"");
    let mut backslashes = 0;
    for character in argument.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                text.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        text.push(character);
    }
    text.push_str(&"\\".repeat(backslashes));
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let check = |arguments: &[&str], expected: &str| {
            let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(command_line("C:\\a.exe", &arguments), expected);
        };
        check(&[], "C:\\a.exe");
        check(&["one", "-x", "C:\\dir\\"], "C:\\a.exe one -x C:\\dir\\");
        check(&["two words", ""], "C:\\a.exe \"two words\" \"\"");
        check(&["say \"hi\"", "end \\"], "C:\\a.exe \"say \\\"hi\\\"\" \"end \\\\\"");
        check(&["a\\\\\"b c"], "C:\\a.exe \"a\\\\\\\\\\\"b c\"");
    }
}
