//! What each file of a folder is, told from its front; a text that may be a log is looked at longer.

use super::{DeviceFile, log_names::LogNames};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use vatlas_images::ce_log::text_of;
use vatlas_rules::module_list;
use vatlas_symbols::{GnuMap, Listing, MapFile, breakpad};
use vatlas_targets::{Format, recognize, recognize::not_a_target};

/// Bytes of each file that are read.
const HEAD: u64 = 4096;
/// A boot loader may stand in front of a raw ROM image, of so many bytes.
const ROM_FRONT: u64 = 2 << 20;
/// So many files without a known front are looked at for a ROM image behind a boot loader.
const MOST_RAW: usize = 64;
/// Bytes of a text that are looked through for crashes, and of all larger texts of a folder together.
const LOG_FRONT: u64 = 1 << 20;
const MOST_TEXT: u64 = 64 << 20;
/// Extensions that logs have. Other texts come after them.
const LOG_EXTENSIONS: [&str; 6] = ["", "txt", "log", "cap", "out", "dbg"];

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A dump that can be opened.
    Dump(Format),
    /// A dump of a kind that cannot.
    OtherDump(Format),
    /// A ROM image.
    Rom(Format),
    /// An EXE, DLL or driver.
    Image,
    /// A file with symbols of one module.
    Symbols(SymbolSort),
    /// A listing of the compiler.
    Listing,
    /// A log with something of a device in it.
    Log(Box<LogNames>),
    /// A list of modules and processes.
    ModuleList,
    /// Something packed.
    Packed,
}

/// A kind of symbol file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolSort {
    /// A program database.
    Pdb,
    /// A linker map of Microsoft's linker.
    Map,
    /// A linker map of the GNU linker.
    GnuMap,
    /// A Breakpad symbol file.
    Breakpad,
}

impl Sort {
    /// In words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Dump(Format::CeDump) => "Windows CE dump",
            Self::Dump(_) => "minidump",
            Self::OtherDump(_) => "another dump",
            Self::Rom(_) => "ROM image",
            Self::Image => "image",
            Self::Symbols(SymbolSort::Pdb) => "PDB",
            Self::Symbols(SymbolSort::Map) => "linker map",
            Self::Symbols(SymbolSort::GnuMap) => "GNU linker map",
            Self::Symbols(SymbolSort::Breakpad) => "Breakpad symbols",
            Self::Listing => "listing",
            Self::Log(_) => "log",
            Self::ModuleList => "module list",
            Self::Packed => "packed",
        }
    }

    /// For programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Dump(_) => "dump",
            Self::OtherDump(_) => "other-dump",
            Self::Rom(_) => "rom",
            Self::Image => "image",
            Self::Symbols(SymbolSort::Pdb) => "pdb",
            Self::Symbols(SymbolSort::Map) => "map",
            Self::Symbols(SymbolSort::GnuMap) => "gnu-map",
            Self::Symbols(SymbolSort::Breakpad) => "breakpad",
            Self::Listing => "listing",
            Self::Log(_) => "log",
            Self::ModuleList => "module-list",
            Self::Packed => "packed",
        }
    }
}

/// What the front of a file leaves to be decided.
enum Guess {
    Sort(Sort),
    Text,
    Raw,
    Nothing,
}

/// The files that mean something, in order, and how many do not.
pub fn sorted(paths: &[&Path]) -> (Vec<DeviceFile>, usize) {
    sorted_within(paths, MOST_TEXT)
}

/// The same when so many bytes of texts are looked through.
pub fn sorted_within(paths: &[&Path], most_text: u64) -> (Vec<DeviceFile>, usize) {
    let mut files = Vec::new();
    let mut texts: Vec<(bool, PathBuf, u64)> = Vec::new();
    let mut raw = 0;
    for path in paths {
        let Some((head, size)) = front(path, HEAD) else { continue };
        match guess(&head) {
            Guess::Sort(sort) => files.push(file(path, size, sort)),
            Guess::Text if size <= HEAD => files.extend(text_sort(&head, true).map(|sort| file(path, size, sort))),
            Guess::Text => texts.push((!is_called_log(path), path.to_path_buf(), size)),
            Guess::Raw if size > HEAD && raw < MOST_RAW => {
                raw += 1;
                let is_rom = |head: &[u8]| recognize(head) == Format::RomRaw;
                let found = front(path, ROM_FRONT).filter(|(head, _)| is_rom(head));
                files.extend(found.map(|_| file(path, size, Sort::Rom(Format::RomRaw))));
            }
            Guess::Raw | Guess::Nothing => {}
        }
    }
    texts.sort();
    let mut left = most_text;
    for (_, path, size) in texts {
        let taken = size.min(LOG_FRONT);
        let Some((front, _)) = (taken <= left).then(|| front(&path, LOG_FRONT)).flatten() else { continue };
        left -= taken;
        files.extend(text_sort(&front, front.len() as u64 == size).map(|sort| file(&path, size, sort)));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let others = paths.len() - files.len();
    (files, others)
}

fn file(path: &Path, size: u64, sort: Sort) -> DeviceFile {
    let refused = match &sort {
        Sort::OtherDump(format) => Some(not_a_target(*format).to_string()),
        Sort::Packed => Some("it is packed; unpack it first".to_owned()),
        _ => None,
    };
    let refused = refused.map(|text| text.trim_start_matches("file: ").to_owned());
    DeviceFile { path: path.to_owned(), size, sort, belongs: Vec::new(), refused }
}

/// The first bytes and the size of a regular file; a pipe would wait for ever.
fn front(path: &Path, most: u64) -> Option<(Vec<u8>, u64)> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut head)).ok()?;
    Some((head, metadata.len()))
}

fn guess(head: &[u8]) -> Guess {
    if let Some(sort) = symbol_text(head) {
        return Guess::Sort(sort);
    }
    Guess::Sort(match recognize(head) {
        format @ (Format::Minidump | Format::CeDump | Format::Snapshot) => Sort::Dump(format),
        format @ (Format::BigEndianMinidump | Format::KernelDump32 | Format::KernelDump64 | Format::ElfCore) => {
            Sort::OtherDump(format)
        }
        format @ (Format::RomBin | Format::RomRaw) => Sort::Rom(format),
        Format::Pe => Sort::Image,
        Format::Pdb => Sort::Symbols(SymbolSort::Pdb),
        Format::Compressed => Sort::Packed,
        // Erased flash is no text.
        Format::Text if !head.iter().any(u8::is_ascii_alphanumeric) => return Guess::Raw,
        Format::Text => return Guess::Text,
        Format::Unknown if is_wide_text(head) => return Guess::Text,
        Format::Unknown => return Guess::Raw,
        Format::Elf | Format::Empty => return Guess::Nothing,
    })
}

/// Texts that say at their front what they are.
fn symbol_text(head: &[u8]) -> Option<Sort> {
    if breakpad::is_breakpad(head) {
        return Some(Sort::Symbols(SymbolSort::Breakpad));
    }
    if Listing::is_listing(head) {
        return Some(Sort::Listing);
    }
    if MapFile::is_map(head) {
        return Some(Sort::Symbols(SymbolSort::Map));
    }
    GnuMap::is_map(head).then_some(Sort::Symbols(SymbolSort::GnuMap))
}

/// UTF-16: every other byte of plain text is zero.
fn is_wide_text(head: &[u8]) -> bool {
    let sample = head.get(..head.len().min(64)).unwrap_or_default();
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 2;
    half >= 8 && (zeros(0) * 4 > half * 3 && zeros(1) == 0 || zeros(1) * 4 > half * 3 && zeros(0) == 0)
}

fn is_called_log(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    LOG_EXTENSIONS.contains(&extension.as_str())
}

/// A log with something in it, or a module list.
fn text_sort(front: &[u8], is_whole: bool) -> Option<Sort> {
    if GnuMap::is_map(front) {
        return Some(Sort::Symbols(SymbolSort::GnuMap));
    }
    let names = LogNames::read(front, is_whole);
    if !names.is_empty() {
        return Some(Sort::Log(Box::new(names)));
    }
    let (list, problems) = module_list::parse(&text_of(front));
    let is_list = problems.is_empty() && !(list.modules.is_empty() && list.processes.is_empty());
    is_list.then_some(Sort::ModuleList)
}
