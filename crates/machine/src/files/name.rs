//! NT's names of files: `\??\C:\folder\file` taken apart, and what a single name may be.
//!
//! A name at this level is no Win32 path: there is no current folder, `/` separates nothing, `.` and `..` are no
//! names; ntdll has done all this before.

use crate::files::status;
use crate::memory::NtStatus;

/// Most UTF-16 units of a `UNICODE_STRING`.
const MOST_UNITS: usize = 32767;
/// Most UTF-16 units of one name in a folder.
pub(crate) const MOST_NAME_UNITS: usize = 255;
/// Where the object manager keeps the names of drives.
const DRIVE_FOLDERS: [&str; 3] = ["??", "DosDevices", "GLOBAL??"];
/// Folders of the object manager that cannot be opened as files.
const OBJECT_FOLDERS: [&str; 4] = ["??", "DosDevices", "GLOBAL??", "Device"];

/// A path on the volume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DiskName {
    /// The names from the root down, each [`is_valid`].
    pub(crate) names: Vec<String>,
    /// A backslash at the end: only a folder may have this name.
    pub(crate) is_folder: bool,
}

/// What a name leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Destination {
    Disk(DiskName),
    /// `\??\C:` itself.
    Volume,
    Null,
    /// `CON`: input when reading is asked, else output.
    Console,
    ConsoleInput,
    ConsoleOutput,
    PipeFolder,
    Pipe(String),
}

/// A name in which letters count the same in upper and lower case: each letter upper case where that is one letter.
pub(crate) fn fold(name: &str) -> String {
    name.chars().map(fold_char).collect()
}

/// As NT's table does, letters outside the basic plane stay, and none becomes two.
fn fold_char(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if u32::from(letter) <= 0xffff && u32::from(one) <= 0xffff => one,
        _ => letter,
    }
}

/// The same of a UTF-16 unit; halves of pairs stay.
pub(crate) fn fold_unit(unit: u16) -> u16 {
    char::from_u32(u32::from(unit)).and_then(|letter| u16::try_from(u32::from(fold_char(letter))).ok()).unwrap_or(unit)
}

/// The names of a path as one text that is equal for equal files.
pub(crate) fn key(names: &[String]) -> String {
    fold(&names.join("\\"))
}

/// Whether a file may have this name. Names that end in a dot or space are NTFS's but no Win32 program can name them;
/// here they do not exist.
pub(crate) fn is_valid(name: &str) -> bool {
    let is_forbidden = |letter: char| letter < ' ' || "\"*/:<>?|\\".contains(letter);
    !name.is_empty()
        && !name.ends_with(['.', ' '])
        && !name.contains(is_forbidden)
        && name.encode_utf16().count() <= MOST_NAME_UNITS
}

/// Text of a guest's name.
pub(crate) fn text(units: &[u16]) -> Result<String, NtStatus> {
    if units.len() > MOST_UNITS {
        return Err(status::OBJECT_NAME_INVALID);
    }
    String::from_utf16(units).map_err(|_| status::OBJECT_NAME_INVALID)
}

/// A path that begins at a folder of the volume.
pub(crate) fn relative(path: &str) -> Result<DiskName, NtStatus> {
    let is_folder = path.ends_with('\\') && path.len() > 1;
    let path = if is_folder { &path[..path.len() - 1] } else { path };
    if path.is_empty() {
        return Ok(DiskName { names: Vec::new(), is_folder });
    }
    let names: Vec<_> = path.split('\\').map(str::to_owned).collect();
    if names.iter().all(|name| is_valid(name)) {
        Ok(DiskName { names, is_folder })
    } else {
        Err(status::OBJECT_NAME_INVALID)
    }
}

/// A name from the root of the object manager.
pub(crate) fn absolute(name: &str) -> Result<Destination, NtStatus> {
    let path = name.strip_prefix('\\').ok_or(status::OBJECT_PATH_SYNTAX_BAD)?;
    let (folder, rest) = cut(path);
    let is = |known: &str| folder.eq_ignore_ascii_case(known);
    match rest {
        Some(rest) if is("SystemRoot") => below(&["WINDOWS"], rest),
        Some(rest) if DRIVE_FOLDERS.into_iter().any(is) && !rest.is_empty() => drive(rest),
        Some(rest) if is("Device") && !rest.is_empty() => device(rest),
        None if is("SystemRoot") => below(&["WINDOWS"], ""),
        None | Some("") if folder.is_empty() || OBJECT_FOLDERS.into_iter().any(is) => Err(status::OBJECT_TYPE_MISMATCH),
        rest => Err(missing(rest)),
    }
}

/// The first name, and what follows its backslash if it has one.
fn cut(path: &str) -> (&str, Option<&str>) {
    path.split_once('\\').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

/// A name that the object manager does not know: the last of the path, or one before it.
fn missing(rest: Option<&str>) -> NtStatus {
    if rest.is_some() { status::OBJECT_PATH_NOT_FOUND } else { status::OBJECT_NAME_NOT_FOUND }
}

fn below(folders: &[&str], rest: &str) -> Result<Destination, NtStatus> {
    let mut name = relative(rest)?;
    name.names.splice(0..0, folders.iter().map(|&folder| folder.to_owned()));
    Ok(Destination::Disk(name))
}

fn drive(path: &str) -> Result<Destination, NtStatus> {
    let (first, rest) = cut(path);
    let is = |known: &str| first.eq_ignore_ascii_case(known);
    match rest {
        Some(rest) if is("C:") => below(&[], rest),
        Some(rest) if is("PIPE") => Ok(pipe(rest)),
        None if is("C:") => Ok(Destination::Volume),
        None if is("PIPE") => Ok(Destination::PipeFolder),
        None if is("NUL") => Ok(Destination::Null),
        None if is("CON") => Ok(Destination::Console),
        None if is("CONIN$") => Ok(Destination::ConsoleInput),
        None if is("CONOUT$") => Ok(Destination::ConsoleOutput),
        rest => Err(missing(rest)),
    }
}

fn device(path: &str) -> Result<Destination, NtStatus> {
    let (first, rest) = cut(path);
    let is = |known: &str| first.eq_ignore_ascii_case(known);
    match rest {
        Some(rest) if is("HarddiskVolume1") => below(&[], rest),
        Some(rest) if is("NamedPipe") => Ok(pipe(rest)),
        None if is("HarddiskVolume1") => Ok(Destination::Volume),
        None if is("NamedPipe") => Ok(Destination::PipeFolder),
        None if is("Null") => Ok(Destination::Null),
        rest => Err(missing(rest)),
    }
}

/// A pipe's name is everything after its folder, backslashes included.
pub(crate) fn pipe(name: &str) -> Destination {
    if name.is_empty() { Destination::PipeFolder } else { Destination::Pipe(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_somewhere() {
        let check =
            |name: &str, expected: Result<Destination, NtStatus>| assert_eq!(absolute(name), expected, "{name}");
        let disk = |names: &[&str], is_folder| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            Ok(Destination::Disk(DiskName { names, is_folder }))
        };
        check("\\??\\C:\\a\\B.txt", disk(&["a", "B.txt"], false));
        check("\\dosdevices\\c:\\a\\", disk(&["a"], true));
        check("\\??\\C:\\", disk(&[], false));
        check("\\Device\\HarddiskVolume1\\a", disk(&["a"], false));
        check("\\SystemRoot\\system32\\ntdll.dll", disk(&["WINDOWS", "system32", "ntdll.dll"], false));
        check("\\SystemRoot", disk(&["WINDOWS"], false));
        check("\\??\\C:", Ok(Destination::Volume));
        check("\\??\\nul", Ok(Destination::Null));
        check("\\??\\CONOUT$", Ok(Destination::ConsoleOutput));
        check("\\??\\pipe\\a\\b", Ok(Destination::Pipe("a\\b".to_owned())));
        check("\\??\\pipe\\", Ok(Destination::PipeFolder));
        check("", Err(status::OBJECT_PATH_SYNTAX_BAD));
        check("C:\\a", Err(status::OBJECT_PATH_SYNTAX_BAD));
        check("\\", Err(status::OBJECT_TYPE_MISMATCH));
        check("\\??\\", Err(status::OBJECT_TYPE_MISMATCH));
        check("\\??\\D:\\a", Err(status::OBJECT_PATH_NOT_FOUND));
        check("\\??\\D:", Err(status::OBJECT_NAME_NOT_FOUND));
        check("\\nothing", Err(status::OBJECT_NAME_NOT_FOUND));
        for path in ["a\\\\b", "\\a", "a/b", "..\\a", "a\\.", "a*", "a:b", "a.", "a ", "a\u{1}"] {
            check(&format!("\\??\\C:\\{path}"), Err(status::OBJECT_NAME_INVALID));
        }
    }

    #[test]
    fn letters_fold_one_to_one() {
        let check = |name: &str, expected: &str| assert_eq!(fold(name), expected);
        check("aZ9.txt", "AZ9.TXT");
        check("äÿж", "ÄŸЖ");
        check("ß", "ß");
        check("\u{10428}", "\u{10428}");
        assert_eq!((fold_unit(0x61), fold_unit(0xd801)), (0x41, 0xd801));
    }

    #[test]
    fn a_name_has_255_units() {
        assert!(is_valid(&"x".repeat(255)));
        assert!(!is_valid(&"x".repeat(256)));
        assert!(!is_valid(&"\u{10428}".repeat(128)));
        assert_eq!(text(&[0xd800]), Err(status::OBJECT_NAME_INVALID));
        assert_eq!(text(&vec![0x61; 32768]), Err(status::OBJECT_NAME_INVALID));
    }
}
