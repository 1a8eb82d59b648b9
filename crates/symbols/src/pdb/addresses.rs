//! From the addresses that a PDB writes, section and offset, to those of the image, and back.
//!
//! A tool may have moved pieces of an image after it was linked. The PDB then has two maps (OMAP) between the
//! addresses as linked, which everything else in it uses, and those of the image. The one from the image tells
//! everything: it is also true of instructions that had to grow, and of bytes that the tool inserted.

use super::reader::Reader;
use std::ops::Range;

/// An address as linked.
pub(super) type Linked = u32;

/// A piece of the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub(super) rva: u32,
    pub(super) size: u32,
}

/// Sections as linked, and the map.
#[derive(Debug, Default)]
pub(super) struct AddressMap {
    sections: Vec<Range<Linked>>,
    /// Number of the section `.tls`.
    thread_section: Option<u16>,
    omap: Option<Omap>,
}

impl AddressMap {
    /// `headers` are the section headers as linked, 40 bytes each.
    pub(super) fn new(headers: &[u8]) -> Self {
        let mut reader = Reader::new(headers);
        let (mut sections, mut thread_section) = (Vec::new(), None);
        while let Some((name, section)) = read_section(&mut reader) {
            sections.push(section);
            if name == b".tls\0\0\0\0" {
                thread_section = thread_section.or(u16::try_from(sections.len()).ok());
            }
        }
        Self { sections, thread_section, omap: None }
    }

    /// With the map from the image to the addresses as linked: {u32 address in the image, u32 address as linked}.
    pub(super) fn with_omap(self, to_linked: &[u8]) -> Self {
        Self { omap: Some(Omap::new(to_linked)), ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The address of an offset in a section, numbered from 1. Numbers of no section stand for constants.
    pub(super) fn linked(&self, section: u16, offset: u32) -> Option<Linked> {
        let section = self.sections.get(usize::from(section).checked_sub(1)?)?;
        section.start.checked_add(offset).filter(|linked| *linked <= section.end)
    }

    /// Whether a section has what the storage of each thread begins as.
    pub(super) fn is_thread_section(&self, section: u16) -> bool {
        self.thread_section == Some(section)
    }

    /// The section that an address lies in.
    pub(super) fn section_of(&self, linked: Linked) -> Option<&Range<Linked>> {
        self.sections.iter().find(|section| section.contains(&linked))
    }

    /// Where the byte at `rva` was as linked; nowhere if a tool inserted it.
    pub(super) fn to_linked(&self, rva: u32) -> Option<Linked> {
        match &self.omap {
            Some(omap) => omap.to_linked(rva),
            None => Some(rva),
        }
    }

    /// Whether pieces were moved.
    pub(super) fn is_moved(&self) -> bool {
        self.omap.is_some()
    }

    /// The pieces of the range `[linked, linked + size)` in the image, by address.
    pub(super) fn pieces(&self, linked: Linked, size: u32) -> Vec<Piece> {
        match &self.omap {
            Some(omap) => omap.pieces(linked, size),
            None => vec![Piece { rva: linked, size }],
        }
    }
}

/// Name and place of a section.
fn read_section<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], Range<Linked>)> {
    let name = reader.take(8)?;
    let (virtual_size, start, raw_size) = (reader.u32()?, reader.u32()?, reader.u32()?);
    reader.skip(20)?;
    Some((name, start..start.saturating_add(virtual_size.max(raw_size))))
}

/// Bytes of the image that are not of the image as linked.
const INSERTED: u32 = 0x8000_0000;
/// How many pieces that begin before an address are looked at for one that reaches over it. An instruction that grew
/// has several pieces of the same address as linked.
const LOOK_BACK: usize = 16;

/// A piece of the image that was moved as a whole.
#[derive(Clone, Copy, Debug)]
struct Moved {
    rva: u32,
    linked: Linked,
    size: u32,
}

/// The pieces by address in the image, and by address as linked.
#[derive(Debug)]
struct Omap {
    by_rva: Vec<Moved>,
    by_linked: Vec<Moved>,
}

impl Omap {
    fn new(stream: &[u8]) -> Self {
        let mut reader = Reader::new(stream);
        let mut records: Vec<(u32, u32)> = std::iter::from_fn(|| reader.u32().zip(reader.u32())).collect();
        // Sorted in every file that a tool made.
        records.sort_by_key(|record| record.0);
        let ends = records.iter().skip(1).map(|record| record.0).chain([u32::MAX]);
        let pieces = records.iter().zip(ends);
        let pieces = pieces.map(|(&(rva, linked), end)| Moved { rva, linked, size: end - rva });
        let by_rva: Vec<_> = pieces.filter(|piece| piece.linked != 0 && piece.linked & INSERTED == 0).collect();
        let mut by_linked = by_rva.clone();
        by_linked.sort_by_key(|piece| (piece.linked, piece.rva));
        Self { by_rva, by_linked }
    }

    fn to_linked(&self, rva: u32) -> Option<Linked> {
        let index = self.by_rva.partition_point(|piece| piece.rva <= rva).checked_sub(1)?;
        let piece = self.by_rva[index];
        let offset = rva - piece.rva;
        if offset < piece.size { piece.linked.checked_add(offset) } else { None }
    }

    fn pieces(&self, start: Linked, size: u32) -> Vec<Piece> {
        let end = start.saturating_add(size);
        let first = self.by_linked.partition_point(|piece| piece.linked < start).saturating_sub(LOOK_BACK);
        let near = self.by_linked[first..].iter().take_while(|piece| piece.linked < end);
        let cut = |piece: &Moved| {
            let from = piece.linked.max(start);
            let to = piece.linked.saturating_add(piece.size).min(end);
            let rva = piece.rva.checked_add(from - piece.linked)?;
            (from < to).then(|| Piece { rva, size: to - from })
        };
        let mut pieces: Vec<Piece> = near.filter_map(cut).collect();
        pieces.sort_by_key(|piece| piece.rva);
        pieces.dedup_by(|next, last| {
            let follows = last.rva.checked_add(last.size) == Some(next.rva);
            if follows {
                last.size += next.size;
            }
            follows
        });
        pieces
    }
}
