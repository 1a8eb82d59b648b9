//! Image files joined with the modules of a dump: found when first needed, checked, kept.

use crate::image_files::{FileBytes, ImageFiles};
use std::{cell::OnceCell, collections::BTreeMap};
use vatlas_images::pe_image::PeImage;
use vatlas_space::{FileOffset, Module, Rva, Va, VaRange};

/// An image file whose time stamp and size are those of a module.
pub(super) struct MatchedImage {
    pub name: String,
    pub image: PeImage,
    bytes: FileBytes,
    base: Va,
}

/// The modules of a process, each with its image file once somebody asked for it.
pub(super) struct LoadedImages {
    files: Box<dyn ImageFiles>,
    modules: BTreeMap<u64, (Module, OnceCell<Option<MatchedImage>>)>,
}

/// Memory that an image file tells.
pub(super) struct ImageExtent<'a> {
    pub image: &'a MatchedImage,
    pub range: VaRange,
    pub offset: FileOffset,
}

impl LoadedImages {
    pub fn new(files: Box<dyn ImageFiles>, modules: &[Module]) -> Self {
        let modules =
            modules.iter().map(|module| (module.range.first().0, (module.clone(), OnceCell::new()))).collect();
        Self { files, modules }
    }

    /// The image file of the module at `base`, if the user has it.
    pub fn at_base(&self, base: Va) -> Option<&MatchedImage> {
        let (module, found) = self.modules.get(&base.0)?;
        found.get_or_init(|| self.find(module)).as_ref()
    }

    /// The extent around `va` that an image file tells.
    pub fn extent(&self, va: Va) -> Option<ImageExtent<'_>> {
        let (base, (module, _)) = self.modules.range(..=va.0).next_back()?;
        if !module.range.contains(va) {
            return None;
        }
        let image = self.at_base(Va(*base))?;
        let extent = image.image.extent(Rva(u32::try_from(va.0 - base).ok()?))?;
        let range = VaRange::new(Va(base + u64::from(extent.first.0)), Va(base + u64::from(extent.last.0)))?;
        Some(ImageExtent { image, range: range.intersection(module.range)?, offset: extent.offset })
    }

    /// The first candidate with the time stamp and the size of the module.
    fn find(&self, module: &Module) -> Option<MatchedImage> {
        self.files.candidates(module).into_iter().find_map(|file| {
            let image = PeImage::read((*file.bytes).as_ref()).ok()?;
            let matches = image.headers.time_date_stamp == module.time_date_stamp
                && u64::from(image.headers.size_of_image) == module.range.size();
            matches.then(|| MatchedImage { name: file.name, image, bytes: file.bytes, base: module.range.first() })
        })
    }
}

impl MatchedImage {
    /// Copies memory from `va` on; `None` when the file does not tell it.
    pub fn read(&self, va: Va, buffer: &mut [u8]) -> Option<usize> {
        let rva = Rva(u32::try_from(va.offset_from(self.base)?).ok()?);
        self.image.read_loaded((*self.bytes).as_ref(), self.base.0, rva, buffer)
    }
}
