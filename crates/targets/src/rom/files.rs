//! The modules of a ROM image as image files for other targets: a dump of the same device.

use crate::image_files::{FileBytes, ImageFile, ImageFiles};
use std::sync::Arc;
use vatlas_images::rom::{RomImage, rebuild};
use vatlas_space::{Module, Problem};

/// A ROM image as a folder of image files.
pub struct RomFiles {
    name: String,
    bytes: FileBytes,
    image: RomImage,
}

impl RomFiles {
    /// Reads the tables of an image; `name` is that of its file, for answers.
    ///
    /// # Errors
    /// No table of contents is there.
    pub fn open(name: &str, bytes: FileBytes) -> Result<Self, Problem> {
        let image = RomImage::read((*bytes).as_ref())?;
        Ok(Self { name: name.to_owned(), bytes, image })
    }
}

impl ImageFiles for RomFiles {
    fn candidates(&self, module: &Module) -> Vec<ImageFile> {
        let wanted = module.name();
        let found = self.image.modules().filter(|(_, found)| found.name.eq_ignore_ascii_case(wanted));
        let files = found.filter_map(|(region, found)| {
            let rebuilt = rebuild(&self.image, (*self.bytes).as_ref(), region, found).ok()?;
            let name = format!("{} in {}", found.name, self.name);
            Some(ImageFile { name, bytes: Arc::new(rebuilt.bytes) })
        });
        files.collect()
    }
}
