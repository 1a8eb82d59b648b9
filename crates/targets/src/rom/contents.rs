//! What lies where before anything runs: sections at their addresses, copies in RAM, the ROM itself.

use super::{
    Rom,
    module::{ModulePlace, range},
};
use vatlas_images::rom::{RomCopy, RomRegion};
use vatlas_space::{FileOffset, Protection, Va, VaRange, disjoint};

/// A range of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    pub range: VaRange,
    /// The first byte of the whole, of which this is a part.
    pub base: Va,
    pub what: What,
}

/// What is in a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// Bytes of the file, from here on for the base.
    Stored { offset: FileOffset, of: Part },
    /// Bytes that a packed section unpacks to.
    Packed { place: ModulePlace, section: usize },
    /// What the loader fills with zeros, or what a packed section does not unpack to.
    Zeros { of: Part },
    /// RAM of which the image says nothing.
    Ram,
}

/// What bytes are part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A section of a module.
    Section { place: ModulePlace, section: usize },
    /// The first values of the kernel's variables.
    Copy,
    /// The ROM as the kernel sees it.
    Rom,
}

impl Part {
    /// How a loader protects it.
    pub fn protection(self, rom: &Rom) -> Protection {
        match self {
            Self::Section { place, section } => {
                let found = place.of(&rom.image).and_then(|module| module.sections.get(section));
                match found.map(|section| (section.is_executable(), section.is_writable())) {
                    Some((true, true)) => Protection::EXECUTE_READWRITE,
                    Some((true, false)) => Protection::EXECUTE_READ,
                    Some((false, true)) => Protection::READWRITE,
                    _ => Protection::READONLY,
                }
            }
            Self::Copy => Protection::READWRITE,
            Self::Rom => Protection::EXECUTE_READ,
        }
    }
}

/// Everything that a process sees, sorted and disjoint: sections lie over copies, those over the ROM, that over RAM.
pub(super) fn extents(rom: &Rom, modules: impl Iterator<Item = ModulePlace>) -> Vec<Extent> {
    let modules: Vec<ModulePlace> = modules.collect();
    let sections = modules.iter().filter_map(|place| place.of(&rom.image)).map(|module| module.sections.len());
    let expected: usize = sections.sum::<usize>() + rom.image.memory.pieces().len();
    // In a good image a piece holds bytes of few sections. In a bad one all sections may name all pieces.
    let mut builder = Builder { rom, all: Vec::new(), left: 2 * expected + 1000 };
    modules.iter().for_each(|place| builder.sections(*place));
    for region in &rom.image.regions {
        region.copies.iter().for_each(|copy| builder.copied(copy));
    }
    let mut all = builder.all;
    let pieces = rom.image.memory.pieces().iter();
    all.extend(pieces.filter_map(|piece| {
        let what = What::Stored { offset: piece.offset, of: Part::Rom };
        Some(Extent { range: piece.range()?, base: piece.va, what })
    }));
    all.extend(rom.image.regions.iter().filter_map(ram));
    disjoint(&all, |extent| extent.range, |extent, range| Extent { range, ..*extent })
}

struct Builder<'a> {
    rom: &'a Rom,
    all: Vec<Extent>,
    /// Pieces that may still be named.
    left: usize,
}

impl Builder<'_> {
    fn sections(&mut self, place: ModulePlace) {
        let image = &self.rom.image;
        let Some(module) = place.of(image) else { return };
        for (number, section) in module.sections.iter().enumerate() {
            let Some(whole) = range(section) else { continue };
            let of = Part::Section { place, section: number };
            if section.is_compressed() {
                let unpacked = image.section_pages(self.rom.file(), section).map_or(0, |packed| packed.size as u64);
                let what = What::Packed { place, section: number };
                self.all.extend(part(whole, 0, unpacked).map(|range| Extent { range, base: whole.first(), what }));
            } else {
                self.stored(section.data, section.packed_size.min(section.size).into(), whole, of);
            }
            self.all.push(Extent { range: whole, base: whole.first(), what: What::Zeros { of } });
        }
    }

    fn copied(&mut self, copy: &RomCopy) {
        let size = copy.length.max(copy.room);
        let whole = VaRange::sized(copy.to, size.into()).filter(|whole| whole.last().0 <= u32::MAX.into());
        let Some(whole) = whole else { return };
        self.stored(copy.from, copy.length.into(), whole, Part::Copy);
        self.all.push(Extent { range: whole, base: whole.first(), what: What::Zeros { of: Part::Copy } });
    }

    /// Bytes of the image at another address, piece by piece.
    fn stored(&mut self, data: Va, size: u64, whole: VaRange, of: Part) {
        let mut done = 0;
        while done < size && self.left > 0 {
            self.left -= 1;
            let Some(at) = data.checked_add(done) else { return };
            let Some(piece) = self.rom.image.memory.piece(at) else { return };
            let skipped = at.0 - piece.va.0;
            let count = (piece.size - skipped).min(size - done);
            let what = What::Stored { offset: FileOffset(piece.offset.0 + skipped), of };
            self.all.extend(part(whole, done, count).map(|range| Extent { range, base: range.first(), what }));
            done += count;
        }
    }
}

fn ram(region: &RomRegion) -> Option<Extent> {
    let header = &region.header;
    let last = Va(u64::from(header.ram_end).checked_sub(1)?);
    let range = VaRange::new(Va(header.ram_start.into()), last)?;
    Some(Extent { range, base: range.first(), what: What::Ram })
}

/// `size` bytes of a range from `skipped` on.
fn part(whole: VaRange, skipped: u64, size: u64) -> Option<VaRange> {
    VaRange::sized(whole.first().checked_add(skipped)?, size)?.intersection(whole)
}
