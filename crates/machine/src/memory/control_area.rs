//! Control areas, segments and subsections in guest memory, in XP's layouts, and their prototype entries.
//!
//! ```text
//! CONTROL_AREA 30h, tag MmCa, nonpaged pool, the subsections right behind it
//!   00 Segment  0C NumberOfSectionReferences  10 NumberOfPfnReferences  14 NumberOfMappedViews
//!   18 NumberOfSubsections:16  1C NumberOfUserReferences  20 flags  24 FilePointer
//! SUBSECTION 20h
//!   00 ControlArea  04 flags  08 StartingSector  0C NumberOfFullSectors  10 SubsectionBase
//!   14 UnusedPtes  18 PtesInSubsection  1C NextSubsection
//! SEGMENT 38h, tag MmSg, paged pool
//!   00 ControlArea  04 TotalNumberOfPtes  08 NonExtendedPtes  10 SizeOfSegment:64  18 SegmentPteTemplate
//!   1C NumberOfCommittedPages  28 BasedAddress  2C ImageCommitment  34 PrototypePte
//! ```
//!
//! Offsets and flag bits, except Image, are unverified. All prototype entries of a section are one array, tag MmSt;
//! of a data file too, which NT gives one array for each subsection. `FilePointer` leads to a `FILE_OBJECT` with the
//! name that the file had when it was mapped; the owner of the memory makes it, the control area has it to its end.

use crate::memory::entries::demand_zero;
use crate::memory::section::{FileIdentity, IdentifiedFile, SectionFile};
use crate::memory::section_image::ImageInformation;
use crate::memory::{ControlAreaIndex, Memory, NtStatus, PoolKind, RULES};
use crate::ram::{FRAME_BYTES, Ram};
use crate::state::Live;
use vatlas_rules::nt::pte::{MmProtection, NtPte, encode_pte};
use vatlas_space::Va;

/// Bytes of a `CONTROL_AREA`; subsections follow.
const AREA_BYTES: u32 = 0x30;
/// Bytes of a `SUBSECTION`.
const SUBSECTION_BYTES: u32 = 0x20;
/// Bytes of a `SEGMENT`.
const SEGMENT_BYTES: u32 = 0x38;

/// What a section is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum AreaKind {
    /// An image: pages come from the file; what is written goes to the page file.
    Image,
    /// A data file: pages come from the file and go back to it.
    Data,
    /// The page file.
    PageFile {
        /// `SEC_COMMIT`; else pages are committed one by one.
        is_committed: bool,
    },
}

/// What holds a page that was never written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Source {
    /// The file.
    File,
    /// Zeroes.
    Zero,
    /// It is not committed, or does not exist.
    Nothing,
}

/// A run of pages of a section that have one protection; of an image, a section of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Subsection {
    /// Its first page in the section.
    pub first: u32,
    /// `PtesInSubsection`.
    pub pages: u32,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// Bytes from the file. Pages behind them are zeroes.
    pub bytes: u64,
    /// Of its prototype entries.
    pub protection: MmProtection,
    /// What pages without bytes of the file are.
    pub rest: Source,
}

impl Subsection {
    fn source(&self, page: u32) -> Source {
        if u64::from(page) << 12 < self.bytes { Source::File } else { self.rest }
    }

    /// Whether a write makes a private copy.
    pub(crate) const fn is_write_copy(&self) -> bool {
        self.protection.0 & 5 == 5
    }
}

/// What a section will be: its subsections by address, without holes between them.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub subsections: Vec<Subsection>,
}

impl Plan {
    /// Pages of the page file.
    pub(crate) fn of_page_file(pages: u32, protection: MmProtection, is_committed: bool) -> Self {
        let rest = if is_committed { Source::Zero } else { Source::Nothing };
        Self { subsections: vec![Subsection { first: 0, pages, offset: 0, bytes: 0, protection, rest }] }
    }

    /// A whole data file. The protection of views is that of their descriptors.
    pub(crate) fn of_data_file(size: u64) -> Result<Self, NtStatus> {
        let pages = u32::try_from(size.div_ceil(0x1000)).ok().filter(|pages| *pages <= 1 << 20);
        let pages = pages.ok_or(NtStatus::SECTION_TOO_BIG)?;
        let (protection, rest) = (MmProtection(6), Source::Nothing);
        Ok(Self { subsections: vec![Subsection { first: 0, pages, offset: 0, bytes: size, protection, rest }] })
    }

    fn pages(&self) -> u32 {
        self.subsections.last().map_or(0, |last| last.first + last.pages)
    }

    /// Pages that are charged with the section: committed ones of the page file, shared writable ones of images.
    fn commitment(&self, kind: AreaKind) -> u32 {
        let is_charged = |subsection: &&Subsection| match kind {
            AreaKind::Image => subsection.protection.is_writable() && !subsection.is_write_copy(),
            AreaKind::Data => false,
            AreaKind::PageFile { is_committed } => is_committed,
        };
        self.subsections.iter().filter(is_charged).map(|subsection| subsection.pages).sum()
    }
}

/// A control area: an index of what guest memory has, and the file.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ControlArea {
    /// The `CONTROL_AREA`.
    pub(crate) address: Va,
    /// The `SEGMENT`.
    pub(crate) segment: Va,
    /// The first prototype entry.
    pub(crate) prototypes: Va,
    /// Prototype entries.
    pub(crate) pages: u32,
    pub(crate) kind: AreaKind,
    pub(crate) subsections: Vec<Subsection>,
    pub(crate) identity: Option<FileIdentity>,
    pub(crate) file: Live<Box<dyn SectionFile>>,
    pub(crate) image: Option<ImageInformation>,
    /// Bytes.
    pub(crate) size: u64,
    /// Section objects.
    pub(crate) references: u32,
    /// Views.
    pub(crate) views: u32,
    /// Pages in the commit charge.
    pub(crate) committed: u32,
    /// `FilePointer`, and the block in which it is; zeroes for none.
    pub(crate) file_object: (u32, Va),
}

impl ControlArea {
    /// Where its `CONTROL_AREA` is.
    pub const fn address(&self) -> Va {
        self.address
    }

    /// Where its `SEGMENT` is.
    pub const fn segment(&self) -> Va {
        self.segment
    }

    /// Image, data file or page file.
    pub const fn kind(&self) -> AreaKind {
        self.kind
    }

    /// Which file.
    pub const fn file(&self) -> Option<FileIdentity> {
        self.identity
    }

    /// Section objects, and views, of it.
    pub const fn users(&self) -> (u32, u32) {
        (self.references, self.views)
    }

    /// Pages that are charged once for all views.
    pub const fn committed(&self) -> u32 {
        self.committed
    }

    /// The addresses of its prototype entries: the first, and how many.
    pub const fn prototypes(&self) -> (Va, u32) {
        (self.prototypes, self.pages)
    }

    /// The bytes that the file has for a page of the section, zeroes behind them, for whoever looks at the machine
    /// from outside.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER_1` for a page that is not from the file; what reading the file ends in.
    pub fn read_page(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), NtStatus> {
        let (offset, count) = self.file_range(page).ok_or(NtStatus::INVALID_PARAMETER_1)?;
        let file = self.file.get().ok_or(NtStatus::INVALID_PARAMETER_1)?;
        bytes.fill(0);
        file.read(offset, &mut bytes[..count]).map(|_| ())
    }

    /// The prototype entry of a page.
    pub(crate) const fn prototype(&self, page: u32) -> Va {
        Va(self.prototypes.0 + page as u64 * 4)
    }

    /// The page of a prototype entry.
    pub(crate) fn page_of(&self, prototype: Va) -> u32 {
        (prototype.0.saturating_sub(self.prototypes.0) / 4) as u32
    }

    /// Where the bytes of a page are in the file, and how many there are.
    pub fn file_range(&self, page: u32) -> Option<(u64, usize)> {
        let subsection = self.subsections.iter().find(|part| (part.first..part.first + part.pages).contains(&page))?;
        let start = u64::from(page - subsection.first) << 12;
        let bytes = subsection.bytes.checked_sub(start).filter(|bytes| *bytes > 0)?.min(0x1000);
        Some((subsection.offset + start, bytes as usize))
    }

    /// `MMSECTION_FLAGS`.
    fn flags(&self) -> u32 {
        match self.kind {
            AreaKind::Image => 1 << 5 | 1 << 7,
            AreaKind::Data => 1 << 7 | 1 << 13,
            AreaKind::PageFile { is_committed: true } => 1 << 13,
            AreaKind::PageFile { is_committed: false } => 1 << 12,
        }
    }

    fn subsection_address(&self, number: usize) -> Va {
        Va(self.address.0 + u64::from(AREA_BYTES) + number as u64 * u64::from(SUBSECTION_BYTES))
    }

    fn area_words(&self) -> [u32; 12] {
        let mut words = [0; 12];
        words[0] = self.segment.0 as u32;
        words[3] = self.references;
        words[5] = self.views;
        words[6] = self.subsections.len() as u32 & 0xffff;
        words[7] = self.references + self.views;
        words[8] = self.flags();
        words[9] = self.file_object.0;
        words
    }

    fn segment_words(&self) -> [u32; 14] {
        let mut words = [0; 14];
        let write_copy = self.subsections.iter().filter(|part| part.is_write_copy()).map(|part| part.pages).sum();
        words[0] = self.address.0 as u32;
        (words[1], words[2]) = (self.pages, self.pages);
        (words[4], words[5]) = (self.size as u32, (self.size >> 32) as u32);
        words[6] = self.subsections.first().map_or(0, |part| demand_zero(part.protection));
        words[7] = self.committed;
        words[10] = self.image.map_or(0, |image| image.image_base);
        words[11] = if self.kind == AreaKind::Image { write_copy } else { 0 };
        words[13] = self.prototypes.0 as u32;
        words
    }

    fn subsection_words(&self, number: usize) -> [u32; 8] {
        let part = &self.subsections[number];
        let sectors = part.bytes / 512;
        let next = (number + 1 < self.subsections.len()).then(|| self.subsection_address(number + 1).0 as u32);
        let is_writable = u32::from(part.protection.is_writable());
        let tail = (part.bytes % 512) as u32;
        [
            self.address.0 as u32,
            (1 - is_writable) | is_writable << 1 | u32::from(part.protection.0) << 4 | tail << 20,
            (part.offset / 512) as u32,
            sectors as u32,
            (self.prototypes.0 + u64::from(part.first) * 4) as u32,
            0,
            part.pages,
            next.unwrap_or_default(),
        ]
    }
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Memory {
    /// A control area.
    pub fn area(&self, area: ControlAreaIndex) -> Option<&ControlArea> {
        self.areas.get(&area)
    }

    /// All control areas.
    pub fn areas(&self) -> impl Iterator<Item = (ControlAreaIndex, &ControlArea)> {
        self.areas.iter().map(|(index, area)| (*index, area))
    }

    pub(crate) fn control_area_address(&self, area: ControlAreaIndex) -> Va {
        self.area(area).map_or(Va(0), ControlArea::address)
    }

    /// Makes a control area with all that belongs to it, and charges its pages.
    pub(crate) fn build_area(
        &mut self,
        ram: &mut Ram,
        kind: AreaKind,
        plan: Plan,
        file: Option<IdentifiedFile>,
        size: u64,
    ) -> Result<ControlAreaIndex, NtStatus> {
        let (pages, committed) = (plan.pages(), plan.commitment(kind));
        self.charge(committed)?;
        let addresses = self.allocate_area(ram, plan.subsections.len() as u32, pages, kind);
        let [address, segment, prototypes] = addresses.inspect_err(|_| self.commit.release(committed))?;
        let index = self.next_area;
        self.next_area = ControlAreaIndex(index.0 + 1);
        let (identity, file) = file.unzip();
        let area = ControlArea {
            address,
            segment,
            prototypes,
            pages,
            kind,
            subsections: plan.subsections,
            identity,
            file: file.into(),
            image: None,
            size,
            references: 0,
            views: 0,
            committed,
            file_object: (0, Va(0)),
        };
        self.write_prototypes(ram, &area);
        if let Some(identity) = identity {
            self.area_by_file.insert((identity, kind == AreaKind::Image), index);
        }
        (0..area.subsections.len()).for_each(|number| {
            self.area_by_subsection.insert(area.subsection_address(number), index);
        });
        self.areas.insert(index, area);
        self.update_area(ram, index, |_| {});
        Ok(index)
    }

    /// Memory for a control area, a segment and prototype entries; all or none.
    fn allocate_area(&mut self, ram: &mut Ram, parts: u32, pages: u32, kind: AreaKind) -> Result<[Va; 3], NtStatus> {
        let tag = if kind == AreaKind::Image { *b"MmCi" } else { *b"MmCa" };
        let wanted = [
            (PoolKind::NonPaged, tag, AREA_BYTES + parts * SUBSECTION_BYTES),
            (PoolKind::Paged, *b"MmSg", SEGMENT_BYTES),
            (PoolKind::Paged, *b"MmSt", pages.saturating_mul(4)),
        ];
        let mut blocks = [Va(0); 3];
        for (number, (pool, tag, bytes)) in wanted.into_iter().enumerate() {
            match self.pool_allocate(ram, pool, tag, bytes) {
                Ok(block) => blocks[number] = block,
                Err(status) => {
                    blocks[..number].iter().for_each(|block| self.pool_free(ram, *block));
                    return Err(status);
                }
            }
        }
        Ok(blocks)
    }

    fn write_prototypes(&self, ram: &mut Ram, area: &ControlArea) {
        for (number, part) in area.subsections.iter().enumerate() {
            let file = NtPte::Subsection { at: area.subsection_address(number), protection: part.protection };
            let file = encode_pte(file, &RULES).unwrap_or_default();
            let entry = |page| match part.source(page) {
                Source::File => file,
                Source::Zero => demand_zero(part.protection),
                Source::Nothing => 0_u32,
            };
            let bytes: Vec<u8> = (0..part.pages).flat_map(|page| entry(page).to_le_bytes()).collect();
            self.write_kernel(ram, Va(area.prototypes.0 + u64::from(part.first) * 4), &bytes);
        }
    }

    /// Changes a control area, and what guest memory says of it.
    pub(crate) fn update_area(
        &mut self,
        ram: &mut Ram,
        index: ControlAreaIndex,
        change: impl FnOnce(&mut ControlArea),
    ) {
        let Some(area) = self.areas.get_mut(&index) else { return };
        change(area);
        let Some(area) = self.areas.get(&index) else { return };
        self.write_kernel(ram, area.address, &bytes_of(&area.area_words()));
        self.write_kernel(ram, area.segment, &bytes_of(&area.segment_words()));
        for number in 0..area.subsections.len() {
            self.write_kernel(ram, area.subsection_address(number), &bytes_of(&area.subsection_words(number)));
        }
    }

    /// Takes a control area away that nobody uses, once everything that was written is in its file. One that cannot
    /// be written stays, and is tried again when modified pages are written.
    pub(crate) fn retire_area(&mut self, ram: &mut Ram, index: ControlAreaIndex) {
        if self.area(index).is_none_or(|area| area.references + area.views > 0) {
            return;
        }
        if self.flush_area(ram, index).is_err() {
            return;
        }
        let Some(area) = self.areas.remove(&index) else { return };
        for page in 0..area.pages {
            self.drop_prototype(ram, Va(area.prototypes.0 + u64::from(page) * 4));
        }
        if let Some(identity) = area.identity {
            self.area_by_file.remove(&(identity, area.kind == AreaKind::Image));
        }
        (0..area.subsections.len()).for_each(|number| {
            self.area_by_subsection.remove(&area.subsection_address(number));
        });
        self.commit.release(area.committed);
        let blocks = [area.address, area.segment, area.prototypes, area.file_object.1];
        blocks.iter().filter(|block| block.0 != 0).for_each(|block| self.pool_free(ram, *block));
    }

    /// Gives a control area its file object, in a block of its own.
    pub(crate) fn set_file_object(&mut self, ram: &mut Ram, index: ControlAreaIndex, object: u32, block: Va) {
        self.update_area(ram, index, |area| area.file_object = (object, block));
    }
}
