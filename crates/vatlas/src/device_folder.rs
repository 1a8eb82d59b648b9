//! A folder with what somebody has of one device: dump, ROM image, log, maps, PDBs, images, each told by content and
//! joined by name, time stamp and identity.
//!
//! ```text
//! list once -> sort by the front of each file -> owners (what lists modules) -> what belongs to whom -> which to open
//! ```

mod belongs;
mod choice;
mod log_names;
mod owner;
mod sort;
mod uses;

#[cfg(test)]
mod tests;

pub use belongs::Belonging;
pub use choice::{Choice, ChosenLog, log_of, target_of};
pub use sort::Sort;
pub use uses::Use;

use crate::{failure::Failure, symbol_finder::folder::FolderIndex};
use owner::{Agreement, Owner, agreement};
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    rc::Rc,
};

/// A folder, looked through.
pub struct DeviceFolder {
    /// The folder as the user named it.
    pub folder: PathBuf,
    /// Files that may mean something for a device, in order of path.
    pub files: Vec<DeviceFile>,
    /// How many other files there are.
    pub others: usize,
    /// Whether there are more files than were looked at.
    pub is_cut: bool,
    /// What lists modules: dumps, ROM images, logs.
    owners: Vec<Owner>,
    /// The listing, which the finder of symbols uses again.
    index: Rc<FolderIndex>,
    /// Whether any symbol file is used; known from the first listing on that is asked about.
    has_symbols: OnceCell<bool>,
}

/// A file of the folder.
pub struct DeviceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub sort: Sort,
    /// Modules that it belongs to, or does not although it is called so; best first.
    pub belongs: Vec<Belonging>,
    /// Why it cannot be used at all.
    pub refused: Option<String>,
}

impl DeviceFolder {
    /// Looks a folder through: one listing, the front of each file, the tables of dumps and ROM images.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        if !folder.is_dir() {
            let cause = if folder.exists() { "is a file, not a folder" } else { "no such folder" };
            return Err(Failure::could_not(format!("{}: {cause}", folder.display())));
        }
        let index = Rc::new(FolderIndex::deep(folder.to_owned()));
        let (mut files, others) = sort::sorted(&index.every_path());
        let owners = owner::owners(&mut files);
        belongs::join(&mut files, &owners);
        let is_cut = index.is_cut();
        Ok(Self { folder: folder.to_owned(), files, others, is_cut, owners, index, has_symbols: OnceCell::new() })
    }

    /// The name of a file as seen from the folder.
    pub fn name(&self, file: &DeviceFile) -> String {
        file.path.strip_prefix(&self.folder).unwrap_or(&file.path).display().to_string()
    }

    /// Numbers of the files of a sort that can be used.
    pub fn of_sort(&self, is_wanted: impl Fn(&Sort) -> bool) -> Vec<usize> {
        let usable = |file: &DeviceFile| file.refused.is_none() && is_wanted(&file.sort);
        (0..self.files.len()).filter(|number| self.files.get(*number).is_some_and(usable)).collect()
    }

    /// How two files that list modules agree; `None` when one of them lists none.
    pub fn agreement(&self, of: usize, with: usize) -> Option<Agreement> {
        let owner = |number: usize| self.owners.iter().find(|owner| owner.file == number);
        Some(agreement(owner(of)?, owner(with)?))
    }
}
