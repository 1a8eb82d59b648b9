//! What a file really is: its bytes, unpacked if it is packed, the identity that they say, the symbols in them.

use super::cabinet::{is_cabinet, unpack};
use crate::{
    index_cache::{IndexCache, Use},
    open::{map_file, words},
};
use std::{path::Path, sync::Arc};
use vatlas_images::{code_view, image_bytes::of_file, pe::PeHeaders};
use vatlas_space::{DebugRecord, Problem};
use vatlas_symbols::{Identity, SymbolFile, identity::FileIdentity, open::image_files};
use vatlas_targets::FileBytes;

/// A file that may have symbols.
pub struct Content {
    /// The identity that its bytes say.
    pub identity: FileIdentity,
    /// The symbols in it, best first; an image may have several tables, or none.
    pub files: Vec<Box<dyn SymbolFile>>,
    /// The record in an image that names its PDB.
    pub debug_record: Option<DebugRecord>,
    /// What the cache of indexes did for it.
    pub index_use: Use,
}

/// The bytes of a file, and its name when it was packed. Only regular files are opened: a pipe would wait for ever.
///
/// # Errors
/// In words, why not.
pub fn load(path: &Path) -> Result<(FileBytes, Option<String>), String> {
    let metadata = std::fs::metadata(path).map_err(|error| words(&error))?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    std::fs::File::open(path).map_err(|error| words(&error))?;
    let bytes = map_file(path).map_err(|_| "cannot be mapped into memory".to_owned())?;
    if !is_cabinet((*bytes).as_ref()) {
        return Ok((bytes, None));
    }
    let (name, unpacked) = unpack((*bytes).as_ref())?;
    Ok((Arc::new(unpacked), Some(name)))
}

impl Content {
    /// Reads a file; `name` is what answers call it.
    ///
    /// # Errors
    /// It holds no symbols that can be read.
    pub fn read(name: &str, bytes: &FileBytes) -> Result<Self, Problem> {
        Self::read_cached(name, Path::new(""), bytes, &IndexCache::default())
    }

    /// The same with a cache of indexes for the file at `path`.
    ///
    /// # Errors
    /// As [`Content::read`].
    pub fn read_cached(name: &str, path: &Path, bytes: &FileBytes, cache: &IndexCache) -> Result<Self, Problem> {
        if (**bytes).as_ref().starts_with(b"MZ") {
            return Self::of_image(name, bytes);
        }
        let (file, index_use) = cache.open(name, path, bytes)?;
        let identity = FileIdentity::from(file.origin().identity);
        Ok(Self { identity, files: vec![file], debug_record: None, index_use })
    }

    fn of_image(name: &str, bytes: &FileBytes) -> Result<Self, Problem> {
        let content: &[u8] = (**bytes).as_ref();
        let headers = PeHeaders::read(content)?;
        let files = image_files(name, bytes)?;
        let identity = FileIdentity {
            identity: Some(Identity::TimeDateStamp(headers.time_date_stamp)),
            size_of_image: Some(headers.size_of_image),
        };
        let debug_record = code_view::of_image(&headers, &of_file(&headers, content), Some(content));
        Ok(Self { identity, files, debug_record, index_use: Use::None })
    }
}
