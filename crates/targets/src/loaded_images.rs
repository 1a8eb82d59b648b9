//! Image files joined with the modules of a dump: found when first needed, checked, kept.

use crate::image_files::{FileBytes, ImageFiles};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};
use vatlas_images::pe_image::PeImage;
use vatlas_space::{FileOffset, Module, Rva, Va, VaRange};

/// An image file whose time stamp and size are those of a module.
pub(crate) struct MatchedImage {
    pub name: String,
    pub image: PeImage,
    bytes: FileBytes,
}

/// An image file, once somebody asked for it. Modules of one path, time stamp and size are one file: a damaged list
/// may name it a thousand times, and it is read once.
type Found = Rc<OnceCell<Option<MatchedImage>>>;

/// The modules of a process with their image files.
pub(crate) struct LoadedImages {
    files: Box<dyn ImageFiles>,
    modules: BTreeMap<u64, (Module, Found)>,
}

/// Memory that an image file tells.
pub(crate) struct ImageExtent<'a> {
    pub image: &'a MatchedImage,
    pub range: VaRange,
    pub offset: FileOffset,
    base: Va,
}

impl LoadedImages {
    pub fn new(files: Box<dyn ImageFiles>, modules: &[Module]) -> Self {
        let mut files_found: HashMap<(&str, u32, u64), Found> = HashMap::new();
        let modules = modules.iter().map(|module| {
            let identity = (module.path.as_str(), module.time_date_stamp, module.range.size());
            let found = files_found.entry(identity).or_default();
            (module.range.first().0, (module.clone(), Rc::clone(found)))
        });
        Self { modules: modules.collect(), files }
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
        // A header may claim more than the rest of the address space.
        let at = |rva: Rva| Va(base.saturating_add(rva.0.into()));
        let range = VaRange::new(at(extent.first), at(extent.last))?;
        Some(ImageExtent { image, range: range.intersection(module.range)?, offset: extent.offset, base: Va(*base) })
    }

    /// The first candidate with the time stamp and the size of the module.
    fn find(&self, module: &Module) -> Option<MatchedImage> {
        self.files.candidates(module).into_iter().find_map(|file| {
            let image = PeImage::read((*file.bytes).as_ref()).ok()?;
            let matches = image.headers.time_date_stamp == module.time_date_stamp
                && u64::from(image.headers.size_of_image) == module.range.size();
            matches.then(|| MatchedImage { name: file.name, image, bytes: file.bytes })
        })
    }
}

impl ImageExtent<'_> {
    /// Copies memory from `va` on; `None` when the file does not tell it.
    pub fn read(&self, va: Va, buffer: &mut [u8]) -> Option<usize> {
        let rva = Rva(u32::try_from(va.offset_from(self.base)?).ok()?);
        self.image.image.read_loaded((*self.image.bytes).as_ref(), self.base.0, rva, buffer)
    }
}
