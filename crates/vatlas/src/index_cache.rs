//! What was read of large symbol files, kept in the user's cache folder: the names of program databases, by the identity
//! of the build, and the tables of text files (Breakpad symbols, linker maps). The next run opens them without reading
//! the file.
//!
//! An identity says which build a text file is of, but texts can be edited without another one. Their table is believed when all of this is as it was: the program that wrote it, the file's path, its size, the times of
//! its last change, its number in the file system, and a sum over some of its blocks. A sum over the whole file would
//! need no times, but costs a reading of it, which is what the cache is to save. Times alone are not enough: tools that
//! copy or unpack set the time of the content back to an old one. They cannot set the time when the file's entry
//! changed, nor give it an old number, and blocks are looked at too.

mod folder;
mod source;

#[cfg(test)]
mod tests;

use crate::open::map_file;
use folder::{keep, newest_first};
use source::Source;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use vatlas_space::Problem;
use vatlas_symbols::{IndexKey, IndexStore, SymbolFile, SymbolTable, index_bytes::checksum};
use vatlas_targets::FileBytes;

/// Smaller files are read as fast as a table is opened and written.
const SMALLEST: usize = 256 << 10;
/// A file that changed less than this ago may change again without another time: clocks of file systems tick as slowly
/// as every two seconds.
const SETTLES: Duration = Duration::from_secs(3);
/// Bytes that all tables may take.
const MOST: u64 = 512 << 20;

/// The folder where tables are kept, if they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IndexCache {
    folder: Option<PathBuf>,
    /// Bytes of the smallest file that it is used for.
    smallest: usize,
    /// Bytes that all tables may take.
    most: u64,
    /// How long ago the last change of a file must be.
    settles: Duration,
}

/// What the cache did for a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Use {
    /// Nothing: it is not used, or not for such a file.
    None,
    /// The table was there.
    Found,
    /// The file was read and its table is there now.
    Kept,
    /// The file was read, and its table could not be kept; why.
    NotKept(String),
}

impl Use {
    /// What is said of it beside the file.
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::None | Self::Kept => None,
            Self::Found => Some("index from the cache".to_owned()),
            Self::NotKept(why) => Some(format!("its index could not be kept: {why}")),
        }
    }
}

impl IndexCache {
    /// In `index` of the program's cache folder.
    pub fn new(cache_folder: Option<PathBuf>) -> Self {
        let folder = cache_folder.map(|folder| folder.join("index"));
        Self { folder, smallest: SMALLEST, most: MOST, settles: SETTLES }
    }

    /// That of an environment; `VATLAS_NO_CACHE` that is not empty turns it off.
    pub fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let is_off = variable("VATLAS_NO_CACHE").is_some_and(|value| !value.is_empty());
        Self::new(crate::cache_folder::cache_folder_of(variable).filter(|_| !is_off))
    }

    /// That of this process, or none where it is not wanted.
    pub fn of_process(is_wanted: bool) -> Self {
        if is_wanted { Self::of(&|name| std::env::var_os(name)) } else { Self::default() }
    }

    /// Opens a symbol file that is no image: its table from the cache, else by reading it, and then its table is kept.
    /// `bytes` are those of the file at `path`, unpacked if it is packed; answers call it `name`.
    ///
    /// # Errors
    /// As [`vatlas_symbols::open()`].
    pub fn open(&self, name: &str, path: &Path, bytes: &FileBytes) -> Result<(Box<dyn SymbolFile>, Use), Problem> {
        let plain = || vatlas_symbols::open(name, FileBytes::clone(bytes)).map(|file| (file, Use::None));
        let content: &[u8] = (**bytes).as_ref();
        let Some(folder) = self.folder.as_deref().filter(|_| content.len() >= self.smallest) else { return plain() };
        if !vatlas_symbols::open::is_text(content) {
            return plain();
        }
        // Mapped again, behind the look at its entry: between that and an earlier mapping it may have been replaced.
        let looked = Source::of(path);
        let mapped = looked.as_ref().and_then(|_| map_file(path).ok());
        let (Some(source), Some(bytes)) = (looked, mapped) else { return plain() };
        if (*bytes).as_ref().len() != content.len() {
            return plain();
        }
        let key = source.key((*bytes).as_ref());
        let place = folder.join(source.file_name());
        if let Some(table) = table(name, &place, &key) {
            return Ok((Box::new(table), Use::Found));
        }
        let file = vatlas_symbols::open(name, bytes)?;
        let is_settled =
            source.is_settled(SystemTime::now(), self.settles) && Source::of(path).as_ref() == Some(&source);
        let index = file.table().filter(|_| is_settled).and_then(|table| table.write(&key));
        let outcome = index.map_or(Use::None, |index| self.put(folder, &place, &index));
        Ok((file, outcome))
    }

    /// Where the names of a build are kept: one file for each build, wherever its symbol file lies.
    fn place_of_names(&self, key: &IndexKey) -> Option<PathBuf> {
        let name = format!("{:016x}.index", checksum(format!("{key}, {}", source::program()).as_bytes()));
        Some(self.folder.as_deref()?.join(name))
    }

    fn put(&self, folder: &Path, place: &Path, index: &[u8]) -> Use {
        if index.len() as u64 > self.most {
            return Use::None;
        }
        if let Err(error) = keep(folder, place, index) {
            return Use::NotKept(crate::open::words(&error));
        }
        let mut size = 0;
        for (path, bytes) in newest_first(folder) {
            size += bytes;
            if size > self.most && path != place {
                // Another run may have been faster.
                let _ = std::fs::remove_file(path);
            }
        }
        Use::Kept
    }
}

/// Names of a build are believed by its identity: program databases get a new one with every change. Small files are
/// read as fast as an index is opened.
impl IndexStore for IndexCache {
    fn load(&self, key: &IndexKey) -> Option<FileBytes> {
        let place = self.place_of_names(key)?;
        std::fs::metadata(&place).ok().filter(std::fs::Metadata::is_file)?;
        map_file(&place).ok()
    }

    fn keep(&self, key: &IndexKey, bytes: &[u8]) {
        let place = self.place_of_names(key).filter(|_| bytes.len() >= self.smallest);
        if let (Some(folder), Some(place)) = (self.folder.as_deref(), place) {
            // What could not be kept is made again by the next run.
            let _ = self.put(folder, &place, bytes);
        }
    }
}

/// The table at a place, if it is of this source.
fn table(name: &str, place: &Path, key: &[u8]) -> Option<SymbolTable> {
    // A pipe of that name would be waited for.
    std::fs::metadata(place).ok().filter(std::fs::Metadata::is_file)?;
    SymbolTable::open(name, map_file(place).ok()?, key)
}
