//! Image files that the user has at hand: asked for by identity, handed over as bytes.

use std::sync::Arc;
use vatlas_space::Module;

/// The bytes of a file, shared and never copied (a memory-mapped file, usually).
pub type FileBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// An image file.
#[derive(Clone)]
pub struct ImageFile {
    /// Its name, for answers.
    pub name: String,
    /// Its bytes.
    pub bytes: FileBytes,
}

/// Where image files come from.
pub trait ImageFiles {
    /// Files that may be the image of `module`, judged by name; identity is checked by the caller.
    fn candidates(&self, module: &Module) -> Vec<ImageFile>;
}

/// The user has no image files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImageFiles;

impl ImageFiles for NoImageFiles {
    fn candidates(&self, _module: &Module) -> Vec<ImageFile> {
        Vec::new()
    }
}
