//! The loaded images of a process: which one holds an address, and which part of it.
//!
//! Lists and headers in damaged files may claim anything, so claims that overlap are cut once, when the index is made:
//! of modules the one with the highest base wins, of the parts of a module the one that its header names last.

use std::cell::OnceCell;
use vatlas_space::{Module, SectionTable, SlotHome, Source, Va, VaRange, disjoint};

const PAGE: u64 = 0x1000;

/// Reads the section table of a module.
type ReadSections<'r> = &'r dyn Fn(&Module) -> Option<SectionTable>;

/// The images of one process.
pub(crate) struct ImageIndex<'t> {
    images: Vec<Image<'t>>,
    /// Sorted and disjoint: addresses, and what of which image they are.
    pieces: Vec<(VaRange, Piece)>,
}

/// What addresses are of an image. On Windows CE up to 5.x a process's own images are at two places: in slot 0, where
/// their headers put them, and in the slot of the process.
#[derive(Clone, Copy)]
struct Piece {
    /// The place in `images`.
    image: usize,
    /// How far these addresses lie above those that the module has.
    moved: u64,
    /// Whether they are writable data that lie apart from the image.
    is_data: bool,
}

struct Image<'t> {
    module: &'t Module,
    parts: OnceCell<Option<Parts>>,
}

/// The section table of an image, and its parts in order of address.
struct Parts {
    table: SectionTable,
    /// Sorted and disjoint: addresses, and the place of their section in the table, `None` for the headers.
    pieces: Vec<(VaRange, Option<usize>)>,
}

/// The part of an image that holds an address.
pub(crate) struct ImagePart<'i, 't> {
    /// The image.
    pub module: &'t Module,
    /// Section or `headers`, where the sections are known.
    pub name: Option<&'i str>,
    /// The addresses around that are the same part of the same image.
    pub range: VaRange,
    /// What says so.
    pub source: Source,
}

impl<'t> ImageIndex<'t> {
    /// Indexes the modules of a process with this home; their sections are read when they are first asked for.
    pub fn new(modules: &'t [Module], home: Option<SlotHome>) -> Self {
        let mut images: Vec<_> = modules.iter().map(|module| Image { module, parts: OnceCell::new() }).collect();
        images.sort_by_key(|image| image.module.range.first());
        let claims: Vec<_> = images
            .iter()
            .enumerate()
            .rev()
            .flat_map(|(image, one)| {
                let of = move |range, is_data| (range, Piece { image, moved: 0, is_data });
                std::iter::once(of(one.module.range, false)).chain(one.module.data.map(|data| of(padded(data), true)))
            })
            .flat_map(|claim| std::iter::once(claim).chain(home.and_then(|home| in_slot(claim, home))))
            .collect();
        Self { pieces: cut(&claims), images }
    }

    /// The module whose image holds `va`.
    pub fn module_at(&self, va: Va) -> Option<&'t Module> {
        self.image_at(va).map(|(_, piece)| self.images[piece.image].module)
    }

    /// The sections of the module that holds `va`, where they are known.
    pub fn sections_at(&self, va: Va, read: ReadSections<'_>) -> Option<&SectionTable> {
        let (_, piece) = self.image_at(va)?;
        self.images[piece.image].parts(read).map(|parts| &parts.table)
    }

    /// The part of a module that holds `va`; of data that lie apart the section, or `data`.
    pub fn part_at(&self, va: Va, read: ReadSections<'_>) -> Option<ImagePart<'_, 't>> {
        let (range, piece) = around(&self.pieces, va).ok()?;
        let image = &self.images[piece.image];
        let module = image.module;
        let unnamed = |range, name| ImagePart { module, name, range, source: Source::Stream("ModuleListStream") };
        let apart = piece.is_data.then_some("data");
        let Some(parts) = image.parts(read) else { return Some(unnamed(range, apart)) };
        let (Some(own), Some(own_range)) = (va.checked_sub(piece.moved), moved_down(range, piece.moved)) else {
            return Some(unnamed(range, apart));
        };
        let (part, name) = parts.at(own, own_range);
        let part = moved_up(part, piece.moved).unwrap_or(range);
        Some(match name {
            Some(name) => ImagePart { module, name: Some(name), range: part, source: parts.table.source.clone() },
            None => ImagePart { module, name: apart, range: part, source: parts.table.source.clone() },
        })
    }

    /// Where the next image begins above `va`.
    pub fn next_after(&self, va: Va) -> Option<Va> {
        let next = self.pieces.partition_point(|(range, _)| range.first() <= va);
        self.pieces.get(next).map(|(range, _)| range.first())
    }

    fn image_at(&self, va: Va) -> Option<(VaRange, Piece)> {
        around(&self.pieces, va).ok().filter(|(_, piece)| !piece.is_data)
    }
}

/// Memory is committed by pages: what follows the last byte of data belongs to them.
fn padded(data: VaRange) -> VaRange {
    VaRange::new(data.first(), Va(data.last().0 | (PAGE - 1))).unwrap_or(data)
}

/// The same claim in the slot of the process, where it lies in slot 0.
fn in_slot((range, piece): (VaRange, Piece), home: SlotHome) -> Option<(VaRange, Piece)> {
    let moved = home.slot_form(range.first()).0 - range.first().0;
    let last = home.slot_form(range.last()).0 - range.last().0;
    let range = moved_up(range, moved).filter(|_| moved != 0 && moved == last)?;
    Some((range, Piece { moved, ..piece }))
}

fn moved_up(range: VaRange, bytes: u64) -> Option<VaRange> {
    VaRange::new(range.first().checked_add(bytes)?, range.last().checked_add(bytes)?)
}

fn moved_down(range: VaRange, bytes: u64) -> Option<VaRange> {
    VaRange::new(range.first().checked_sub(bytes)?, range.last().checked_sub(bytes)?)
}

impl Image<'_> {
    fn parts(&self, read: ReadSections<'_>) -> Option<&Parts> {
        self.parts.get_or_init(|| Some(Parts::new(self.module, read(self.module)?))).as_ref()
    }
}

impl Parts {
    fn new(module: &Module, table: SectionTable) -> Self {
        // In memory a section fills whole pages; what follows its last byte is padding of the same section.
        let padded = |range: VaRange| {
            let end = module.data.filter(|data| data.encloses(range)).unwrap_or(module.range);
            let last = Va(range.last().0 | (PAGE - 1)).min(end.last());
            VaRange::new(range.first(), last).unwrap_or(range)
        };
        let headers = VaRange::sized(module.range.first(), table.header_size).map(|range| (padded(range), None));
        let sections = table.sections.iter().enumerate().map(|(place, section)| (padded(section.range), Some(place)));
        let claims: Vec<_> = sections.rev().chain(headers).collect();
        Self { pieces: cut(&claims), table }
    }

    /// The part at `va` and its name, no further than `limit`; without a name between parts.
    fn at(&self, va: Va, limit: VaRange) -> (VaRange, Option<&str>) {
        let (range, name) = match around(&self.pieces, va) {
            Ok((range, place)) => {
                (range, Some(place.map_or("headers", |place| self.table.sections[place].name.as_str())))
            }
            Err(gap) => (gap.unwrap_or(limit), None),
        };
        (range.intersection(limit).unwrap_or(limit), name)
    }
}

/// Cuts overlapping claims; the first wins.
fn cut<T: Copy>(claims: &[(VaRange, T)]) -> Vec<(VaRange, T)> {
    disjoint(claims, |(range, _)| *range, |(_, owner), range| (range, *owner))
}

/// The piece that holds `va`, or else the gap around it.
fn around<T: Copy>(pieces: &[(VaRange, T)], va: Va) -> Result<(VaRange, T), Option<VaRange>> {
    let next = pieces.partition_point(|(range, _)| range.last() < va);
    match pieces.get(next) {
        Some((range, owner)) if range.contains(va) => Ok((*range, *owner)),
        above => {
            let first = next.checked_sub(1).and_then(|below| pieces[below].0.next()).unwrap_or(Va::ZERO);
            let last = above.and_then(|(range, _)| range.first().checked_sub(1)).unwrap_or(Va(u64::MAX));
            Err(VaRange::new(first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_space::Section;

    fn range(first: u64, size: u64) -> VaRange {
        VaRange::sized(Va(first), size).unwrap()
    }

    fn module(path: &str, first: u64, size: u64) -> Module {
        Module {
            path: path.to_owned(),
            range: range(first, size),
            data: None,
            time_date_stamp: 0,
            checksum: 0,
            version: None,
            debug_record: None,
        }
    }

    /// Sections at addresses, of every module the same.
    fn sections(parts: &[(&str, u64, u64)]) -> SectionTable {
        let section = |&(name, first, size): &(&str, u64, u64)| Section {
            name: name.to_owned(),
            range: range(first, size),
            executable: false,
            writable: false,
            file: None,
        };
        let sections = parts.iter().map(section).collect();
        SectionTable { header_size: 0x400, sections, source: Source::ImageHeader { module: "test".to_owned() } }
    }

    /// The parts of the whole space that images hold: first and last address, module and section.
    fn check(modules: &[Module], table: Option<&SectionTable>, expected: &[(u64, u64, &str, Option<&str>)]) {
        let index = ImageIndex::new(modules, None);
        let mut found = Vec::new();
        let mut next = index.next_after(Va::ZERO);
        while let Some(va) = next {
            let part = index.part_at(va, &|_| table.cloned()).expect("an image begins here");
            assert!(part.range.contains(va), "{va} {}", part.range);
            found.push((part.range.first().0, part.range.last().0, part.module.name(), part.name.map(str::to_owned)));
            next = part.range.next().filter(|next| index.module_at(*next).is_some());
            next = next.or_else(|| index.next_after(part.range.last()));
        }
        let found: Vec<_> =
            found.iter().map(|(first, last, module, part)| (*first, *last, *module, part.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn of_modules_that_overlap_the_highest_base_wins() {
        check(&[module("a", 0x1000, 0x1000)], None, &[(0x1000, 0x1fff, "a", None)]);
        let inner: Vec<_> = (0..20).map(|index| module("inner", 0x10_0000 + index * 0x1000, 0x800)).collect();
        let all: Vec<_> = inner.into_iter().chain([module("outer", 0x1000, 0x20_0000)]).collect();
        let index = ImageIndex::new(&all, None);
        for (va, name) in [(0x1000, "outer"), (0x10_0000, "inner"), (0x10_0800, "outer"), (0x20_0fff, "outer")] {
            assert_eq!(index.module_at(Va(va)).unwrap().name(), name, "{va:#x}");
        }
        assert!(index.module_at(Va(0x20_1000)).is_none() && index.module_at(Va(0xfff)).is_none());
    }

    #[test]
    fn parts_fill_pages_and_gaps_between_them_have_no_name() {
        let table = sections(&[(".text", 0x2_0000, 0x1234), (".data", 0x3_0000, 0x10)]);
        let expected = [
            (0x1_0000, 0x1_0fff, "a", Some("headers")),
            (0x1_1000, 0x1_ffff, "a", None),
            (0x2_0000, 0x2_1fff, "a", Some(".text")),
            (0x2_2000, 0x2_ffff, "a", None),
            (0x3_0000, 0x3_0fff, "a", Some(".data")),
            (0x3_1000, 0x3_ffff, "a", None),
        ];
        check(&[module("a", 0x1_0000, 0x3_0000)], Some(&table), &expected);
    }

    #[test]
    fn a_part_ends_where_one_that_is_named_later_begins() {
        let mut table = sections(&[(".wide", 0x1_1000, 0x5000), (".inner", 0x1_3000, 0x1000)]);
        table.header_size = u32::MAX.into();
        let expected = [
            (0x1_0000, 0x1_0fff, "a", Some("headers")),
            (0x1_1000, 0x1_2fff, "a", Some(".wide")),
            (0x1_3000, 0x1_3fff, "a", Some(".inner")),
            (0x1_4000, 0x1_5fff, "a", Some(".wide")),
            (0x1_6000, 0x1_7fff, "a", Some("headers")),
        ];
        check(&[module("a", 0x1_0000, 0x8000)], Some(&table), &expected);
    }

    #[test]
    fn on_windows_ce_an_image_is_at_two_places_and_its_data_may_lie_apart() {
        let home = SlotHome { number: 4, base: Va(0x0a00_0000), access_key: 0x10 };
        let rom = Module { data: Some(range(0x01ff_c000, 0x100)), ..module("rom.dll", 0x0300_0000, 0x2000) };
        let modules = [module("app.exe", 0x1_0000, 0x3000), rom];
        let index = ImageIndex::new(&modules, Some(home));
        let table = sections(&[(".text", 0x1_1000, 0x1000)]);
        let part = |va| {
            let part = index.part_at(Va(va), &|module| (module.name() == "app.exe").then(|| table.clone()))?;
            Some((part.module.name(), part.name.map(str::to_owned), part.range.first().0, part.range.last().0))
        };
        let text = Some(".text".to_owned());
        assert_eq!(part(0x1_1004), Some(("app.exe", text.clone(), 0x1_1000, 0x1_1fff)));
        assert_eq!(part(0x0a01_1004), Some(("app.exe", text, 0x0a01_1000, 0x0a01_1fff)));
        let data = Some("data".to_owned());
        assert_eq!(part(0x01ff_c010), Some(("rom.dll", data.clone(), 0x01ff_c000, 0x01ff_cfff)));
        assert_eq!(part(0x0bff_cff0), Some(("rom.dll", data, 0x0bff_c000, 0x0bff_cfff)));
        assert_eq!((part(0x0300_0010).map(|part| part.0), part(0x0d00_0010)), (Some("rom.dll"), None));
        assert_eq!(index.module_at(Va(0x01ff_c010)), None, "data are no offset from the base");
        assert_eq!(index.module_at(Va(0x0a01_0000)).map(Module::name), Some("app.exe"));
    }
}
