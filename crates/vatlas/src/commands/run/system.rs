//! From the description of a system to a machine with its programs in it.

use super::start::{
    boot_drivers, command_line, configuration, drivers, given_system_files, granted_folder, not_started,
};
use crate::{
    failure::Failure,
    host::GrantedHost,
    host_files::HostFolder,
    open::words,
    system_file::{SystemFile, SystemProgram},
};
use std::{borrow::Cow, path::Path};
use vatlas_machine::{
    files::{GivenFile, Host},
    nt::{Program, System},
};

/// A machine as a file describes it, whose programs are about to begin, and their names.
///
/// # Errors
/// The file cannot be read or has a mistake; what it names is not there; a program cannot be started.
pub fn start(path: &Path) -> Result<(System, String), Failure> {
    start_with(path, &mut |folder| Box::new(GrantedHost::new(folder)))
}

/// Makes a host of a folder that is granted.
pub type MakeHost<'m> = &'m mut dyn FnMut(Option<HostFolder>) -> Box<dyn Host>;

/// The same with a host of the caller's.
///
/// # Errors
/// As [`start`].
pub fn start_with(path: &Path, make_host: MakeHost<'_>) -> Result<(System, String), Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::could_not(format!("{}: {}", path.display(), words(&error))))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let described = SystemFile::read(&text, folder)
        .map_err(|mistake| Failure::could_not(format!("{}: {mistake}", path.display())))?;
    let machine = &described.machine;
    let mut given = given_system_files();
    given.extend(drivers(machine)?);
    for (inside, file) in &described.files {
        given.push(given_file(inside, file)?);
    }
    for program in &described.programs {
        if let Some(file) = &program.file {
            given.push(given_file(&program.path, file)?);
        }
    }
    let host = make_host(granted_folder(machine)?);
    let system = System::new(configuration(machine, given)?, host);
    let mut system = system.map_err(not_started)?;
    boot_drivers(machine, &mut system)?;
    for program in &described.programs {
        let started = system.start_program(&to_start(program));
        started.map_err(|error| Failure::could_not(format!("{}: {}: {error}", path.display(), program.path)))?;
    }
    let names: Vec<&str> = described.programs.iter().map(|program| file_name(&program.path)).collect();
    Ok((system, names.join(", ")))
}

fn file_name(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}

fn given_file(inside: &str, file: &Path) -> Result<GivenFile, Failure> {
    let bytes =
        std::fs::read(file).map_err(|error| Failure::could_not(format!("{}: {}", file.display(), words(&error))))?;
    Ok(GivenFile { path: inside.to_owned(), bytes: Cow::Owned(bytes) })
}

fn to_start(program: &SystemProgram) -> Program {
    let path = format!("C:\\{}", program.path);
    Program {
        command_line: command_line(&path, &program.arguments),
        path,
        directory: program.directory.clone(),
        environment: program.environment.clone(),
    }
}
