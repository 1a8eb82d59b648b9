//! A backing: what holds the bytes of a range of addresses. A hole is an answer, not an error.

use crate::{
    Rva,
    address::{FileOffset, Pa},
    range::VaRange,
};
use std::fmt;

/// Where the bytes of an extent are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Store {
    /// In the picture, from this file offset on.
    Captured(FileOffset),
    /// In the image file that the user gave, from this file offset on; the picture does not hold them.
    ImageFile {
        /// Name of the file.
        name: String,
        /// Where the extent's first byte is in it.
        offset: FileOffset,
    },
    /// In physical memory of a whole system, from this physical address on.
    Frame(Pa),
    /// In a page file of a whole system.
    PageFile {
        /// Number of the page file.
        file: u8,
        /// Where the extent's first byte is in it.
        offset: FileOffset,
    },
    /// Not in memory before the first touch, which fills the page from a loaded image of a whole system.
    OnDemand {
        /// Name of the image.
        name: String,
        /// Where the extent's first byte is in it.
        rva: Rva,
    },
    /// Nowhere: zeroes, which a system makes at the first touch.
    Zero,
    /// In memory when the picture was taken, but not kept in it.
    NotCaptured,
    /// Nowhere: the addresses are reserved only.
    Reserved,
    /// Nowhere: nobody uses the addresses.
    Free,
    /// The picture neither holds the bytes nor tells whether there were any.
    Unknown,
}

impl Store {
    /// Whether the bytes can be read here and now.
    pub const fn is_readable(&self) -> bool {
        !matches!(self, Self::NotCaptured | Self::Reserved | Self::Free | Self::Unknown)
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Captured(offset) => write!(f, "captured at file offset {offset}"),
            Self::ImageFile { name, offset } => write!(f, "in the image file {name} at offset {offset}"),
            Self::Frame(pa) => write!(f, "in physical memory at {pa}"),
            Self::PageFile { file, offset } => write!(f, "in page file {file} at offset {offset}"),
            Self::OnDemand { name, rva } => {
                write!(f, "in no frame yet: the first touch brings it from {name} at RVA {rva}")
            }
            Self::Zero => f.write_str("zeroes, made at the first touch"),
            Self::NotCaptured => f.write_str("not captured"),
            Self::Reserved => f.write_str("reserved, no bytes behind it"),
            Self::Free => f.write_str("free, no bytes behind it"),
            Self::Unknown => f.write_str("not captured, use not known"),
        }
    }
}

/// A maximal range that one store backs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backing {
    /// The whole extent.
    pub range: VaRange,
    /// What holds it; offsets are those of its first byte.
    pub store: Store,
}
