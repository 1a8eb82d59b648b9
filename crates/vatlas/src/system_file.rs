//! A system in a file: RAM, processors, page files, programs, drivers and files, as TOML.
//!
//! ```text
//! [machine]   ram cpus 3gb userva root pagefile-dir kernel-space seed
//! [[pagefile]] size          [[driver]] file boot          [[file]] path file
//! [[program]] file path args directory environment
//! ```
//!
//! Every mistake is told with its line and key. Paths of this computer are meant from the folder of the file.

mod reader;

use crate::machine_arguments::{KernelSpace, MachineArgs, size, size_range};
use reader::{Entry, Mistake, Section, sections};
use std::path::{Path, PathBuf};

/// Keys of each section.
const MACHINE: [&str; 8] = ["ram", "cpus", "3gb", "userva", "root", "pagefile-dir", "kernel-space", "seed"];
const PAGE_FILE: [&str; 1] = ["size"];
const PROGRAM: [&str; 5] = ["file", "path", "args", "directory", "environment"];
const DRIVER: [&str; 2] = ["file", "boot"];
const FILE: [&str; 2] = ["path", "file"];
const SECTIONS: [(&str, bool, &[&str]); 5] = [
    ("machine", false, &MACHINE),
    ("pagefile", true, &PAGE_FILE),
    ("program", true, &PROGRAM),
    ("driver", true, &DRIVER),
    ("file", true, &FILE),
];

/// A program to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SystemProgram {
    /// Where it lies on this computer; `None` where it is in the machine already.
    pub file: Option<PathBuf>,
    /// Where it is on `C:`, without the drive; by itself the name of the file.
    pub path: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its directory in the machine.
    pub directory: String,
    /// Variables: with some, those alone.
    pub environment: Vec<(String, String)>,
}

/// A whole system.
#[derive(Clone, Debug)]
pub struct SystemFile {
    /// What the machine has.
    pub machine: MachineArgs,
    /// Programs in the order in which they start, at least one.
    pub programs: Vec<SystemProgram>,
    /// Other files: where on `C:`, without the drive, and where on this computer.
    pub files: Vec<(String, PathBuf)>,
}

impl SystemFile {
    /// Reads the text of a file in a folder.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn read(text: &str, folder: &Path) -> Result<Self, Mistake> {
        let mut machine = MachineArgs::default();
        let (mut programs, mut files) = (Vec::new(), Vec::new());
        for section in sections(text, &SECTIONS)? {
            match section.name.as_str() {
                "machine" => read_machine(&section, folder, &mut machine)?,
                "pagefile" => {
                    let size = section.needs("size")?;
                    machine.page_files.push(size_range(size.text()?).map_err(|cause| size.mistake(&cause))?);
                }
                "program" => programs.push(read_program(&section, folder)?),
                "driver" => {
                    let file = folder.join(section.needs("file")?.text()?);
                    let is_boot = section.get("boot").map_or(Ok(false), Entry::truth)?;
                    (if is_boot { &mut machine.boot_drivers } else { &mut machine.drivers }).push(file);
                }
                _ => {
                    let path = section.needs("path")?;
                    files.push((guest_path(path)?, folder.join(section.needs("file")?.text()?)));
                }
            }
        }
        if programs.is_empty() {
            return Err(Mistake::whole("it names no program: [[program]] with a 'file' is missing"));
        }
        Ok(Self { machine, programs, files })
    }
}

fn read_machine(section: &Section, folder: &Path, machine: &mut MachineArgs) -> Result<(), Mistake> {
    for entry in &section.entries {
        match entry.key.as_str() {
            "ram" => machine.ram = size(entry.text()?).map_err(|cause| entry.mistake(&cause))?,
            "cpus" => machine.cpus = entry.number(1..=32)? as u8,
            "3gb" => machine.three_gb = entry.truth()?,
            "userva" => machine.userva = Some(entry.number(2048..=3072)? as u32),
            "root" => machine.root = Some(folder.join(entry.text()?)),
            "pagefile-dir" => machine.pagefile_dir = Some(folder.join(entry.text()?)),
            "kernel-space" => machine.kernel_space = kernel_space(entry)?,
            _ => machine.seed = entry.number(0..=i64::MAX)? as u64,
        }
    }
    match section.get("userva") {
        Some(entry) if !machine.three_gb => Err(entry.mistake("it has a meaning with '3gb = true' only")),
        _ => Ok(()),
    }
}

fn kernel_space(entry: &Entry) -> Result<KernelSpace, Mistake> {
    match entry.text()? {
        "shared" => Ok(KernelSpace::Shared),
        "separate" => Ok(KernelSpace::Separate),
        _ => Err(entry.mistake("it is \"shared\" or \"separate\"")),
    }
}

fn read_program(section: &Section, folder: &Path) -> Result<SystemProgram, Mistake> {
    let file = section.get("file");
    let path = match (section.get("path"), file) {
        (Some(path), _) => guest_path(path)?,
        (None, Some(file)) => {
            let name = Path::new(file.text()?).file_name().and_then(|name| name.to_str());
            name.ok_or_else(|| file.mistake("it names no file"))?.to_owned()
        }
        (None, None) => {
            return Err(section.mistake("it needs 'file', or 'path' for one that is in the machine already"));
        }
    };
    Ok(SystemProgram {
        file: file.map(|file| file.text().map(|text| folder.join(text))).transpose()?,
        path,
        arguments: section.get("args").map_or(Ok(Vec::new()), Entry::texts)?,
        directory: section.get("directory").map_or(Ok(""), Entry::text)?.to_owned(),
        environment: section.get("environment").map_or(Ok(Vec::new()), Entry::pairs)?,
    })
}

/// A path on `C:` without the drive.
fn guest_path(entry: &Entry) -> Result<String, Mistake> {
    let text = entry.text()?;
    let path = text.strip_prefix("C:\\").or_else(|| text.strip_prefix("c:\\")).unwrap_or(text);
    match path.is_empty() || path.contains([':', '/']) {
        true => Err(entry.mistake("it is a path on C:, written 'C:\\folder\\name'")),
        false => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SystemFile, Mistake> {
        SystemFile::read(text, Path::new("/x"))
    }

    #[test]
    fn a_whole_system() {
        let system = read(
            "[machine]\nram = \"64M\"\ncpus = 2\n3gb = true\nuserva = 2560\nroot = 'data'\n\n[[pagefile]]\nsize = \
             '8M..16M'\n[[program]]\nfile = 'bin/tree.exe'\nargs = ['64', 'a b']\nenvironment = { PATH = 'C:\\' }\n\
             [[program]]\npath = 'C:\\tree.exe'\ndirectory = 'C:\\data'\n[[driver]]\nfile = 'd.sys'\nboot = true\n\
             [[file]]\npath = 'C:\\in.txt'\nfile = 'in.txt'\n",
        )
        .unwrap();
        let machine = &system.machine;
        assert_eq!((machine.ram, machine.cpus, machine.userva), (64 << 20, 2, Some(2560)));
        assert_eq!((machine.root.as_deref(), machine.page_files.len()), (Some(Path::new("/x/data")), 1));
        assert_eq!(machine.boot_drivers, [PathBuf::from("/x/d.sys")]);
        let [first, second] = &system.programs[..] else { panic!("two programs") };
        assert_eq!((first.path.as_str(), &first.arguments[..]), ("tree.exe", &["64".to_owned(), "a b".to_owned()][..]));
        assert_eq!(first.environment, [("PATH".to_owned(), "C:\\".to_owned())]);
        assert_eq!((second.file.as_ref(), second.path.as_str()), (None, "tree.exe"));
        assert_eq!(system.files, [("in.txt".to_owned(), PathBuf::from("/x/in.txt"))]);
    }

    #[test]
    fn mistakes_are_told_with_line_and_key() {
        let check = |text: &str, expected: &str| {
            let text = read(text).unwrap_err().to_string();
            assert_eq!(text, expected);
        };
        check("", "it names no program: [[program]] with a 'file' is missing");
        check("[machine]\nram = 64", "line 2, ram: a text is needed, in quotes");
        check("[machine]\nram = '64X'", "line 2, ram: a size is written 32M, 512K or 1G");
        check("[machine]\n\ncpu = 2", "line 3, cpu: there is no such key in [machine]; did you mean 'cpus'?");
        check("[machine]\ncpus = 33", "line 2, cpus: it is a number from 1 to 32");
        check("[[programm]]\nfile='x'", "line 1, programm: there is no such section; did you mean 'program'?");
        check("[program]\nfile='x'", "line 1, program: it is a list: write [[program]]");
        check("[[machine]]\nram='1M'", "line 1, machine: there is one only: write [machine]");
        check("[[program]]\nargs = ['a', 1]\nfile = 'x'", "line 2, args: a list of texts is needed");
        check(
            "[[program]]\nargs = ['a']",
            "line 1, program: it needs 'file', or 'path' for one that is in the machine already",
        );
        check("[[pagefile]]\n", "line 1, pagefile: it needs 'size'");
        check("[machine]\nuserva = 2560", "line 2, userva: it has a meaning with '3gb = true' only");
        check("[[file]]\npath = '/etc/x'\nfile = 'x'", "line 2, path: it is a path on C:, written 'C:\\folder\\name'");
        assert!(read("[machine\n").unwrap_err().to_string().starts_with("line 1: "));
        assert!(read("ram = '64M'").unwrap_err().to_string().starts_with("line 1, ram: "));
    }
}
