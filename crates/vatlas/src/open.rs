//! Opening files: mapped into memory, never read whole; image files found by name in the user's folders.

use crate::{
    device_folder,
    failure::{Exit, Failure},
    open_machine::{MACHINE, stopped},
    output::Output,
    process_choice,
    symbol_args::SymbolArgs,
    symbol_finder::{SymbolFinder, folder::FolderIndex},
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};
use vatlas_debug::{
    location::{Location, LocationError, locate_named},
    symbolize::Symbolizer,
    usage_index::UsageIndex,
};
use vatlas_space::{Module, Problem, Process, ProcessIndex, Severity, Target, ThreadId};
use vatlas_targets::{FileBytes, Format, ImageFile, ImageFiles, ModuleFacts, ModuleTarget, RomFiles, recognize};

/// Which dump to open, and with what beside it.
#[derive(Args, Debug)]
pub struct TargetArgs {
    /// The dump, an image (EXE, DLL), or a folder with the files of a device; names are asked of a symbol file too
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder with image files (EXE, DLL) of the process, or ROM image of the device; may be given several times
    #[arg(long, value_name = "DIR")]
    pub images: Vec<PathBuf>,
    /// The process, by id, name or slot, where there are several; without it that of the exception, or the current one
    #[arg(long, value_name = "PROCESS")]
    pub process: Option<String>,
    #[command(flatten)]
    pub symbols: SymbolArgs,
}

/// An opened target and the file that it came from.
pub struct Opened {
    /// The target.
    pub target: Rc<dyn Target>,
    /// The process that questions are about.
    pub process: ProcessIndex,
    path: PathBuf,
    bytes: FileBytes,
    images: Vec<PathBuf>,
    symbols: SymbolArgs,
    /// Which file of a folder was opened, and with what.
    remark: Option<String>,
}

impl TargetArgs {
    /// A file without anything beside it.
    pub fn of_file(file: PathBuf) -> Self {
        Self { file, images: Vec::new(), process: None, symbols: SymbolArgs::default() }
    }

    /// A folder in place of a file.
    pub fn in_folder(folder: &Path, symbols: &SymbolArgs) -> Self {
        Self { symbols: symbols.clone(), ..Self::of_file(folder.to_owned()) }
    }

    /// Opens the dump and warns about what could not be read of it.
    ///
    /// # Errors
    /// There is no such file, it cannot be mapped, or it is of no format that can be opened.
    pub fn open(&self, output: &Output) -> Result<Opened, Failure> {
        let opened = self.open_quietly()?;
        opened.warn(output);
        Ok(opened)
    }

    /// Opens the dump, for a command that shows its problems itself.
    ///
    /// # Errors
    /// As [`TargetArgs::open`].
    pub fn open_quietly(&self) -> Result<Opened, Failure> {
        self.images.iter().try_for_each(|path| check_images(path))?;
        self.open_as(&ModuleFacts::default(), &|_, _, problem| Err(problem.into()))
    }

    /// Opens the file: a dump; an image, with what is said of it; anything else as `other` makes a target of it, which is
    /// given the file's name, its bytes and why it is none.
    ///
    /// # Errors
    /// As [`TargetArgs::open`], and those of `other`.
    pub fn open_as(&self, facts: &ModuleFacts, other: OpenOther<'_>) -> Result<Opened, Failure> {
        self.images.iter().try_for_each(|path| check_images(path))?;
        let path = &self.file;
        if let Some((target, name)) = stopped().filter(|_| path.as_os_str() == MACHINE) {
            return self.opened(target, PathBuf::from(name), Arc::new(Vec::new()));
        }
        let bytes = match map_file(path) {
            Err(_) if path.is_dir() => return self.open_folder(facts, other),
            bytes => bytes?,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let in_file = |problem: Problem| Problem { place: path.display().to_string(), ..problem };
        let target: Box<dyn Target> = match recognize((*bytes).as_ref()) {
            Format::Pe => Box::new(ModuleTarget::of_image(&name, FileBytes::clone(&bytes), facts).map_err(in_file)?),
            _ => {
                let images = Box::new(ImageFolders::new(&self.images, self.symbols.folder.clone()));
                match vatlas_targets::open(FileBytes::clone(&bytes), images) {
                    Ok(target) => target,
                    Err(problem) => other(&name, &bytes, in_file(problem))?,
                }
            }
        };
        self.opened(Rc::from(target), path.clone(), bytes)
    }

    /// Opens the dump, or the ROM image, of a folder, with what else is there.
    fn open_folder(&self, facts: &ModuleFacts, other: OpenOther<'_>) -> Result<Opened, Failure> {
        let (inside, remark) = device_folder::target_of(self)?;
        Ok(Opened { remark: Some(remark), ..inside.open_as(facts, other)? })
    }

    fn opened(&self, target: Rc<dyn Target>, path: PathBuf, bytes: FileBytes) -> Result<Opened, Failure> {
        let symbols = self.symbols.clone();
        let images = self.images.iter().filter(|path| path.is_dir()).cloned().collect();
        let process = process_choice::choose(&*target, self.process.as_deref())?;
        Ok(Opened { target, process, path, bytes, images, symbols, remark: None })
    }
}

/// Why a text names no address, as a failure.
pub fn failure(error: LocationError) -> Failure {
    let (failure, hint) = match error {
        LocationError::Text { message, hint, corrections } => (Failure::usage(message).corrections(corrections), hint),
        LocationError::Absent { message, hint, corrections } => {
            (Failure::could_not(message).corrections(corrections), hint)
        }
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Makes a target of a file that is neither dump nor image.
pub type OpenOther<'a> = &'a dyn Fn(&str, &FileBytes, Problem) -> Result<Box<dyn Target>, Failure>;

impl Opened {
    /// Says which file of a folder was opened, and warns about the parts of it that could not be read.
    pub fn warn(&self, output: &Output) {
        if let Some(remark) = &self.remark {
            output.remark(remark);
        }
        let is_damage = |problem: &&Problem| problem.severity == Severity::Damage;
        output.warn(&self.target.problems().iter().filter(is_damage).cloned().collect::<Vec<_>>());
    }

    /// Finds the symbols of the modules: where the user says, beside the file, and in the target's own memory.
    ///
    /// # Errors
    /// A path of `--symbols` leads nowhere.
    pub fn finder(&self) -> Result<SymbolFinder<'_>, Failure> {
        Ok(SymbolFinder::new(&self.symbols, Some(&self.path), &self.images)?.with_memory(&*self.target))
    }

    /// The address that a text names; what is odd about it goes to standard error. Registers are those of `thread`, or
    /// of the crash; `module!name` is looked for in the module's symbols.
    ///
    /// # Errors
    /// The text names no address (wrong usage), or this target has no such thing.
    pub fn locate(
        &self,
        process: &Process,
        thread: Option<ThreadId>,
        text: &str,
        output: &Output,
    ) -> Result<Location, Failure> {
        let target = &*self.target;
        let location = if text.contains('!') {
            let finder = self.finder()?;
            let names = Symbolizer::new(&finder, target, process);
            let location = locate_named(target, process, thread, text, Some(&names));
            finder.warn(output);
            location
        } else {
            locate_named(target, process, thread, text, None)
        };
        let location = location.map_err(failure)?;
        if let Some(warning) = &location.warning {
            output.remark(&format!("warning: {warning}"));
        }
        Ok(location)
    }

    /// What JSON documents say about the file.
    pub fn input(&self) -> Value {
        json!({ "file": self.path.display().to_string(), "size": self.bytes().len() })
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// The process that questions are about, indexed.
    ///
    /// # Errors
    /// The dump holds no process.
    pub fn index(&self) -> Result<UsageIndex<'_>, Failure> {
        UsageIndex::new(&*self.target, self.process)
            .ok_or_else(|| Failure::could_not(format!("{}: the dump holds no process", self.path.display())))
    }

    /// Partial, when anything of the file could not be read.
    pub fn exit(&self) -> Exit {
        let is_damaged = self.target.problems().iter().any(|problem| problem.severity == Severity::Damage);
        if is_damaged { Exit::Partial } else { Exit::Done }
    }
}

/// Maps a file into memory; an empty one, which cannot be mapped, gives no bytes.
///
/// # Errors
/// The file cannot be opened or mapped.
pub fn map_file(path: &Path) -> Result<FileBytes, Failure> {
    let failed = |error: std::io::Error| {
        let failure = Failure::could_not(format!("{}: {}", path.display(), words(&error)));
        if path == Path::new("-") { failure.hint("a dump must be a file: it is mapped, not read") } else { failure }
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::could_not(format!("{}: is a folder, not a file", path.display())));
    }
    if metadata.len() == 0 {
        return Ok(Arc::new(Vec::new()));
    }
    Ok(Arc::new(map(&file).map_err(failed)?))
}

/// The one place where a file is mapped.
#[allow(unsafe_code)]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the mapping is read only. Another process that truncates the file meanwhile can end this one by a
    // bus error; it cannot make it read foreign memory, and a dump is not written to while it is looked at.
    unsafe { memmap2::Mmap::map(file) }
}

/// What went wrong, without the number that the operating system appends.
pub fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::AlreadyExists => "exists already".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}

/// A file could not be written.
pub fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    let cause = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such folder to write to".to_owned(),
        _ => words(error),
    };
    Failure::could_not(format!("{}: {cause}", path.display()))
}

/// A folder, or a ROM image.
fn check_images(path: &Path) -> Result<(), Failure> {
    if path.is_dir() || path.is_file() && rom_image(path).is_some() {
        return Ok(());
    }
    let cause = if path.is_file() { "neither a folder nor a ROM image" } else { "no such folder" };
    Err(Failure::could_not(format!("--images {}: {cause}", path.display())))
}

/// The ROM image at a path.
fn rom_image(path: &Path) -> Option<RomFiles> {
    let bytes = map_file(path).ok()?;
    let is_rom = matches!(recognize((*bytes).as_ref()), Format::RomBin | Format::RomRaw);
    RomFiles::open(&path.display().to_string(), bytes).ok().filter(|_| is_rom)
}

/// Image files in the user's folders, listed once, when the first one is asked for, and modules of ROM images.
struct ImageFolders {
    folders: Vec<PathBuf>,
    listing: std::cell::OnceCell<HashMap<String, Vec<PathBuf>>>,
    roms: std::cell::OnceCell<Vec<RomFiles>>,
    /// A folder that was listed already.
    listed: Option<Rc<FolderIndex>>,
}

/// Folders are searched so deep.
const DEEPEST: usize = 8;

impl ImageFolders {
    fn new(folders: &[PathBuf], listed: Option<Rc<FolderIndex>>) -> Self {
        let (listing, roms) = Default::default();
        Self { folders: folders.to_vec(), listing, roms, listed }
    }

    fn roms(&self) -> &[RomFiles] {
        let files = || self.folders.iter().filter(|path| path.is_file());
        self.roms.get_or_init(|| files().filter_map(|path| rom_image(path)).collect())
    }

    /// Lower-case file name to paths.
    fn listing(&self) -> &HashMap<String, Vec<PathBuf>> {
        self.listing.get_or_init(|| {
            let mut listing: HashMap<String, Vec<PathBuf>> = HashMap::new();
            let mut folders: Vec<(PathBuf, usize)> = self.folders.iter().map(|folder| (folder.clone(), 0)).collect();
            while let Some((folder, depth)) = folders.pop() {
                let Ok(entries) = std::fs::read_dir(&folder) else { continue };
                for entry in entries.flatten() {
                    let path = entry.path();
                    // Symbolic links to folders are not followed: they may lead in a circle.
                    match entry.file_type() {
                        Ok(kind) if kind.is_dir() && depth < DEEPEST => folders.push((path, depth + 1)),
                        Ok(kind) if !kind.is_dir() => {
                            let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
                            listing.entry(name).or_default().push(path);
                        }
                        _ => {}
                    }
                }
            }
            listing
        })
    }
}

impl ImageFiles for ImageFolders {
    fn candidates(&self, module: &Module) -> Vec<ImageFile> {
        if self.folders.is_empty() && self.listed.is_none() {
            return Vec::new();
        }
        let listed = self.listed.iter().flat_map(|index| index.paths(module.name()));
        let paths = self.listing().get(&module.name().to_ascii_lowercase());
        let mapped = paths
            .into_iter()
            .flatten()
            .chain(listed)
            .filter_map(|path| Some(ImageFile { name: path.display().to_string(), bytes: map_file(path).ok()? }));
        mapped.chain(self.roms().iter().flat_map(|rom| rom.candidates(module))).collect()
    }
}
