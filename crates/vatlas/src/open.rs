//! Opening files: mapped into memory, never read whole; image files found by name in the user's folders.

use crate::{
    failure::{Exit, Failure},
    output::Output,
    symbol_args::SymbolArgs,
    symbol_finder::SymbolFinder,
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_debug::{
    location::{Location, LocationError, locate_named},
    symbolize::Symbolizer,
    usage_index::UsageIndex,
};
use vatlas_space::{Module, Problem, Process, ProcessIndex, Severity, Target, ThreadId};
use vatlas_targets::{FileBytes, Format, ImageFile, ImageFiles, ModuleFacts, ModuleTarget, recognize};

/// Which dump to open, and with what beside it.
#[derive(Args, Debug)]
pub struct TargetArgs {
    /// The dump, or an image (EXE, DLL); questions about names take a symbol file too
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder with image files (EXE, DLL) of the process; may be given several times
    #[arg(long, value_name = "DIR")]
    pub images: Vec<PathBuf>,
    #[command(flatten)]
    pub symbols: SymbolArgs,
}

/// An opened target and the file that it came from.
pub struct Opened {
    /// The target.
    pub target: Box<dyn Target>,
    path: PathBuf,
    bytes: FileBytes,
    images: Vec<PathBuf>,
    symbols: SymbolArgs,
}

impl TargetArgs {
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
        for folder in &self.images {
            if !folder.is_dir() {
                return Err(Failure::could_not(format!("--images {}: no such folder", folder.display())));
            }
        }
        self.open_as(&ModuleFacts::default(), &|_, _, problem| Err(problem.into()))
    }

    /// Opens the file: a dump; an image, with what is said of it; anything else as `other` makes a target of it, which is
    /// given the file's name, its bytes and why it is none.
    ///
    /// # Errors
    /// As [`TargetArgs::open`], and those of `other`.
    pub fn open_as(&self, facts: &ModuleFacts, other: OpenOther<'_>) -> Result<Opened, Failure> {
        for folder in &self.images {
            if !folder.is_dir() {
                return Err(Failure::could_not(format!("--images {}: no such folder", folder.display())));
            }
        }
        let path = &self.file;
        let bytes = map_file(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let in_file = |problem: Problem| Problem { place: path.display().to_string(), ..problem };
        let target = match recognize((*bytes).as_ref()) {
            Format::Pe => Box::new(ModuleTarget::of_image(&name, FileBytes::clone(&bytes), facts).map_err(in_file)?),
            _ => {
                let images = Box::new(ImageFolders::new(&self.images));
                match vatlas_targets::open(FileBytes::clone(&bytes), images) {
                    Ok(target) => target,
                    Err(problem) => other(&name, &bytes, in_file(problem))?,
                }
            }
        };
        let (images, symbols) = (self.images.clone(), self.symbols.clone());
        Ok(Opened { target, path: path.clone(), bytes, images, symbols })
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
    /// Warns about the parts of the file that could not be read.
    pub fn warn(&self, output: &Output) {
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

    /// The first process, indexed.
    ///
    /// # Errors
    /// The dump holds no process.
    pub fn index(&self) -> Result<UsageIndex<'_>, Failure> {
        UsageIndex::new(&*self.target, ProcessIndex(0))
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

/// Image files in the user's folders, listed once, when the first one is asked for.
struct ImageFolders {
    folders: Vec<PathBuf>,
    listing: std::cell::OnceCell<HashMap<String, Vec<PathBuf>>>,
}

/// Folders are searched so deep.
const DEEPEST: usize = 8;

impl ImageFolders {
    fn new(folders: &[PathBuf]) -> Self {
        Self { folders: folders.to_vec(), listing: std::cell::OnceCell::new() }
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
        if self.folders.is_empty() {
            return Vec::new();
        }
        let paths = self.listing().get(&module.name().to_ascii_lowercase());
        let mapped = paths
            .into_iter()
            .flatten()
            .filter_map(|path| Some(ImageFile { name: path.display().to_string(), bytes: map_file(path).ok()? }));
        mapped.collect()
    }
}
