//! `--system-dlls DIR`: the user's own copies of Windows' DLLs in place of the machine's, where that is possible.

use crate::{failure::Failure, open::words};
use std::{borrow::Cow, path::Path};
use vatlas_images::pe::PeHeaders;
use vatlas_machine::files::GivenFile;
use vatlas_space::Machine;

/// DLLs that only the machine's own can be, and why.
const OWN: [(&str, &str); 5] = [
    ("ntdll.dll", "it belongs to the kernel: its system calls and entries must be those of the machine"),
    ("kernel32.dll", "it asks CSRSS, a process that the machine does not have, for processes and the console"),
    ("user32.dll", "it needs the half of the window system that lies in the kernel, win32k.sys"),
    ("gdi32.dll", "it needs the half of the window system that lies in the kernel, win32k.sys"),
    ("hal.dll", "it drives a computer's hardware, of which the machine has none"),
];

/// What a folder gives, and what of it is not used.
#[derive(Default)]
pub struct SystemDlls {
    /// Names in small letters, and contents.
    pub used: Vec<(String, Vec<u8>)>,
    /// A sentence for each file that is refused, with its name and the reason.
    pub refused: Vec<String>,
}

impl SystemDlls {
    /// Reads the folder's files whose names end in `.dll`, in the order of their names.
    ///
    /// # Errors
    /// The folder or a file cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| {
            Failure::could_not(format!("--system-dlls {}: {}", folder.display(), words(error)))
        };
        let mut names: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
            let name = entry.map_err(|error| failed(&error))?.file_name();
            names.extend(name.into_string().ok().filter(|name| name.to_ascii_lowercase().ends_with(".dll")));
        }
        names.sort_by_key(|name| name.to_ascii_lowercase());
        let mut dlls = Self::default();
        for name in names {
            let bytes = std::fs::read(folder.join(&name)).map_err(|error| failed(&error))?;
            match reason_against(&name.to_ascii_lowercase(), &bytes) {
                Some(reason) => dlls.refused.push(format!("--system-dlls: {name} is not used: {reason}")),
                None => dlls.used.push((name.to_ascii_lowercase(), bytes)),
            }
        }
        Ok(dlls)
    }

    /// Puts the DLLs in the system's folder, in place of the machine's of the same name.
    pub fn replace(self, given: &mut Vec<GivenFile>) {
        for (name, bytes) in self.used {
            let path = format!("WINDOWS\\system32\\{name}");
            given.retain(|file| !file.path.eq_ignore_ascii_case(&path));
            given.push(GivenFile { path, bytes: Cow::Owned(bytes) });
        }
    }
}

/// Why a DLL cannot be used.
fn reason_against(name: &str, bytes: &[u8]) -> Option<String> {
    if let Some((_, reason)) = OWN.iter().find(|(own, _)| *own == name) {
        return Some((*reason).to_owned());
    }
    match PeHeaders::read(bytes) {
        Ok(headers) if headers.machine == Machine::X86 => None,
        Ok(_) => Some("it is not for 32-bit x86".to_owned()),
        Err(_) => Some("it is no PE image".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[GivenFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn files_of_the_folder_replace_the_machines_own() {
        let folder = tempfile::tempdir().unwrap();
        let files: [(&str, &[u8]); 4] = [
            ("MSVCRT.dll", vatlas_guest::MSVCRT),
            ("KERNEL32.DLL", vatlas_guest::KERNEL32),
            ("text.dll", b"no image"),
            ("readme.txt", b"no library"),
        ];
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let dlls = SystemDlls::read(folder.path()).unwrap();
        assert_eq!(
            dlls.refused,
            [
                "--system-dlls: KERNEL32.DLL is not used: it asks CSRSS, a process that the machine does not have, for \
                 processes and the console",
                "--system-dlls: text.dll is not used: it is no PE image",
            ]
        );
        let own = |name: &str| GivenFile { path: format!("WINDOWS\\system32\\{name}"), bytes: Cow::Borrowed(b"own") };
        let mut given = vec![own("ntdll.dll"), own("msvcrt.dll")];
        dlls.replace(&mut given);
        assert_eq!(names(&given), ["WINDOWS\\system32\\ntdll.dll", "WINDOWS\\system32\\msvcrt.dll"]);
        assert_eq!(given[1].bytes, vatlas_guest::MSVCRT);
    }

    #[test]
    fn a_folder_that_is_not_there() {
        let error = SystemDlls::read(Path::new("/nowhere/at/all")).err().unwrap();
        assert!(error.message().starts_with("--system-dlls /nowhere/at/all: "), "{}", error.message());
    }
}
