//! Rows of a symbol table as bytes: what a table is in memory, and what a cache keeps of it. Opened again, nothing is
//! parsed: rows are read where they lie.
//!
//! All numbers are little-endian; a row is a fixed count of 32-bit words.
//!
//! ```text
//! 0  'VATLASIX'  8 u32 version  12 u32 count of sections  16 u64 length of all  24 u64 checksum of what follows
//! 32 a section: u64 place, u64 bytes       once for each of `Section`, in that order
//! .. the sections
//! ```
//!
//! The first section is the key: the opener's own bytes, which say what the table was made of. Bytes with another key,
//! another version or another checksum are not opened. The checksum finds damage; against whoever makes bytes up, every
//! place and number is checked when it is used.

pub(crate) mod facts;
pub(crate) mod rows;

#[cfg(test)]
mod tests;

use crate::pdb::SharedBytes;
use rows::{Row, Rows};
use std::{fmt, ops::Range, sync::Arc};

const MAGIC: [u8; 8] = *b"VATLASIX";
/// Counted up with every change of rows or sections.
const VERSION: u32 = 2;
const HEADER: usize = 32;
/// Where that begins which the checksum is of.
const CHECKED: usize = HEADER;
const SECTIONS: usize = 13;

/// The sections, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    Key,
    Facts,
    /// All texts, one behind the other.
    Names,
    Files,
    Symbols,
    Covers,
    Lines,
    Inlines,
    FrameRules,
    FramePieces,
    CfiFunctions,
    CfiChanges,
    /// Symbols with every form of their names.
    NameForms,
}

/// Bytes with their sections.
#[derive(Clone)]
pub(crate) struct IndexBytes {
    bytes: SharedBytes,
    sections: [Range<usize>; SECTIONS],
}

impl fmt::Debug for IndexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexBytes").field("sections", &self.sections).finish_non_exhaustive()
    }
}

impl IndexBytes {
    /// Sections one behind the other, as they are in memory.
    pub(crate) fn of(contents: &[(Section, Vec<u8>)]) -> Self {
        let mut bytes = Vec::with_capacity(contents.iter().map(|(_, content)| content.len()).sum());
        let mut sections: [Range<usize>; SECTIONS] = Default::default();
        for (section, content) in contents {
            let start = bytes.len();
            bytes.extend_from_slice(content);
            sections[*section as usize] = start..bytes.len();
        }
        Self { bytes: Arc::new(bytes), sections }
    }

    /// The same for a file, with a key and facts.
    pub(crate) fn write(&self, key: &[u8], facts: &[u8]) -> Vec<u8> {
        let content = |section: usize| match section {
            section if section == Section::Key as usize => key,
            section if section == Section::Facts as usize => facts,
            other => self.bytes_of(other),
        };
        let mut bytes = vec![0; HEADER];
        let mut place = HEADER + SECTIONS * 16;
        for section in 0..SECTIONS {
            bytes.extend((place as u64).to_le_bytes());
            bytes.extend((content(section).len() as u64).to_le_bytes());
            place += content(section).len();
        }
        bytes.reserve_exact(place - bytes.len());
        (0..SECTIONS).for_each(|section| bytes.extend_from_slice(content(section)));
        let sum = checksum(&bytes[CHECKED..]);
        let header = [&MAGIC[..], &VERSION.to_le_bytes(), &(SECTIONS as u32).to_le_bytes()].concat();
        let header = [header, (place as u64).to_le_bytes().to_vec(), sum.to_le_bytes().to_vec()].concat();
        bytes[..HEADER].copy_from_slice(&header);
        bytes
    }

    /// Opens bytes that [`Self::write`] made with the same key; `None` for all others.
    pub(crate) fn open(shared: SharedBytes, key: &[u8]) -> Option<Self> {
        let bytes: &[u8] = (*shared).as_ref();
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..)?.get(..4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..)?.get(..8)?.try_into().ok()?));
        let is_ours = bytes.starts_with(&MAGIC) && word(8)? == VERSION && word(12)? as usize == SECTIONS;
        if !is_ours || long(16)? != bytes.len() as u64 {
            return None;
        }
        let mut sections: [Range<usize>; SECTIONS] = Default::default();
        for (index, section) in sections.iter_mut().enumerate() {
            let at = HEADER + index * 16;
            let (start, size) = (usize::try_from(long(at)?).ok()?, usize::try_from(long(at + 8)?).ok()?);
            *section = start..start.checked_add(size).filter(|end| *end <= bytes.len())?;
        }
        // A key of another source is the usual case, and the checksum the long one.
        if bytes.get(sections[Section::Key as usize].clone())? != key || long(24)? != checksum(bytes.get(CHECKED..)?) {
            return None;
        }
        Some(Self { bytes: shared, sections })
    }

    fn bytes_of(&self, section: usize) -> &[u8] {
        let range = self.sections.get(section).cloned().unwrap_or_default();
        (*self.bytes).as_ref().get(range).unwrap_or_default()
    }

    /// The bytes of a section.
    pub(crate) fn section(&self, section: Section) -> &[u8] {
        self.bytes_of(section as usize)
    }

    /// The rows of a section.
    pub(crate) fn rows<R: Row>(&self, section: Section) -> Rows<'_, R> {
        Rows::of(self.section(section))
    }

    /// A text by its place in the names; empty where that is none.
    pub(crate) fn text(&self, (start, end): (u32, u32)) -> &str {
        let bytes = self.section(Section::Names).get(start as usize..end as usize);
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A sum of 64 bits over bytes, at the speed of memory: for finding damage, not for safety against forgers.
///
/// Four lanes take turns by words of 8 bytes: `lane = rotate((lane ^ word) * odd, 31)`, which for a given word has
/// another result for every lane, and the other way round. So bytes that differ within one word never have one sum.
pub fn checksum(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(ODD).rotate_left(31);
    let mut lanes = [1, 2, 3, 4u64];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    for (lane, piece) in lanes.iter_mut().zip(rest.chunks(8)) {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        *lane = step(*lane, u64::from_le_bytes(word));
    }
    let sum = lanes.into_iter().fold(bytes.len() as u64, step);
    sum ^ (sum >> 32)
}
