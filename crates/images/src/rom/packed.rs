//! Packed bytes of a section or file: pages of 4 KB, each coded on its own.
//!
//! ```text
//! u24 total      decoded bytes
//! u24 end[1..n]  end of page i, from the first byte; n = ceil(total / 4096), one more where the writer counted so
//! pages          page i from end[i-1] up to end[i]; end[0] is the end of this table
//! ```

use super::{lz, lzx, xpress};
use std::fmt;

/// Decoded bytes of a page.
pub const PAGE: usize = 0x1000;

/// How pages are coded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Coding {
    /// Bytes with flags (`CEDecompress`).
    Lz,
    /// A bit stream with prefix codes (`CEDecompressROM`).
    Lzx,
    /// Words of flags and matches by distance ([MS-XCA]).
    Xpress,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lz => "lz",
            Self::Lzx => "lzx",
            Self::Xpress => "xpress",
        })
    }
}

/// The table of packed bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    /// Decoded bytes of all pages.
    pub size: usize,
    /// How the pages are coded, by the first of them; `None` when there is no page.
    pub coding: Option<Coding>,
    /// Where each page begins and ends.
    pages: Vec<(usize, usize)>,
}

impl Packed {
    /// Reads the table.
    ///
    /// # Errors
    /// The bytes end within the table, or the pages are not in order.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        Self::read_front(bytes, bytes.len())
    }

    /// As [`Packed::read`], of the front of `length` bytes: the table and the first page.
    ///
    /// # Errors
    /// As [`Packed::read`].
    pub fn read_front(bytes: &[u8], length: usize) -> Result<Self, String> {
        let size = u24(bytes, 0).ok_or("the bytes end before the size")?;
        let count = size.div_ceil(PAGE);
        let usual = pages(bytes, count).map(|pages| Self { size, coding: None, pages });
        // One known decoder reckons an entry more behind whole pages.
        let more = pages(bytes, count + 1).map(|pages| Self { size, coding: None, pages });
        let more = more.ok().filter(|packed| size % PAGE == 0 && packed.first_fits(bytes, length));
        let mut packed = match (usual, more) {
            (Ok(usual), Some(more)) => {
                if usual.first_fits(bytes, length) {
                    usual
                } else {
                    more
                }
            }
            (Err(_), Some(more)) => more,
            (usual, None) => usual?,
        };
        let first = packed.input(bytes, 0).filter(|_| size > 0);
        packed.coding = first.map(|first| coding_of(first, packed.page_size(0)));
        Ok(packed)
    }

    /// Whether the last page ends with the bytes, and the first is whole in one of the codings.
    fn first_fits(&self, bytes: &[u8], length: usize) -> bool {
        let is_end = self.pages.last().is_none_or(|(_, end)| *end == length);
        let size = self.page_size(0);
        let is_whole = |input: &[u8]| {
            size == 0 || lzx::has_header(input, size) || lz::fits(input, size) || xpress::fits(input, size)
        };
        is_end && self.input(bytes, 0).is_none_or(is_whole)
    }

    /// How many pages hold decoded bytes.
    pub fn pages(&self) -> usize {
        self.size.div_ceil(PAGE)
    }

    /// Decoded bytes of one page.
    pub fn page_size(&self, page: usize) -> usize {
        self.size.saturating_sub(page.saturating_mul(PAGE)).min(PAGE)
    }

    /// Decodes one page; `bytes` are those that the table was read from.
    ///
    /// # Errors
    /// There is no such page, its bytes are not there, or they are damaged.
    pub fn page(&self, bytes: &[u8], page: usize) -> Result<Vec<u8>, String> {
        let size = self.page_size(page);
        let input = self.input(bytes, page).filter(|_| size > 0).ok_or("the bytes of the page are not there")?;
        match self.coding {
            _ if input.is_empty() => Err("the page has no bytes; what that stands for is not known".to_owned()),
            Some(Coding::Lzx) => lzx::page(input, size),
            Some(Coding::Xpress) => xpress::page(input, size),
            _ => lz::page(input, size),
        }
    }

    /// Decodes everything; a page that cannot be read is zero and told.
    pub fn unpack(&self, bytes: &[u8]) -> (Vec<u8>, Vec<(usize, String)>) {
        let mut unpacked = Vec::new();
        let mut faults = Vec::new();
        for page in 0..self.pages() {
            match self.page(bytes, page) {
                Ok(page) => unpacked.extend_from_slice(&page),
                Err(fault) => {
                    unpacked.resize(unpacked.len() + self.page_size(page), 0);
                    faults.push((page, fault));
                }
            }
        }
        (unpacked, faults)
    }

    fn input<'a>(&self, bytes: &'a [u8], page: usize) -> Option<&'a [u8]> {
        let (start, end) = *self.pages.get(page)?;
        bytes.get(start..end)
    }
}

/// The coding of a page by its contents. XPRESS is only believed when it explains every byte of a page that is damaged as
/// one of the older coding: no image with it is known.
fn coding_of(page: &[u8], size: usize) -> Coding {
    match () {
        () if lzx::has_header(page, size) => Coding::Lzx,
        () if !lz::fits(page, size) && xpress::fits(page, size) => Coding::Xpress,
        () => Coding::Lz,
    }
}

fn u24(bytes: &[u8], index: usize) -> Option<usize> {
    let bytes: [u8; 3] = *bytes.get(3 * index..)?.first_chunk()?;
    Some(usize::from(bytes[0]) | usize::from(bytes[1]) << 8 | usize::from(bytes[2]) << 16)
}

/// The pages when the table has `count` ends.
fn pages(bytes: &[u8], count: usize) -> Result<Vec<(usize, usize)>, String> {
    let mut start = 3 * (count + 1);
    if bytes.len() < start {
        return Err(format!("the table of {count} pages is cut off"));
    }
    let mut pages = Vec::with_capacity(count);
    for index in 1..=count {
        let end = u24(bytes, index).filter(|end| *end >= start);
        let end = end.ok_or_else(|| format!("page {} of {count} ends before it begins", index - 1))?;
        pages.push((start, end));
        start = end;
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 bytes in one page.
    const SMALL: &[u8] = &[0x1e, 0, 0, 0x10, 0, 0, 0x38, b'A', b'B', b'C', 0x01, 0x04, 0x00, 0x90, 0x00, 0x03];

    #[test]
    fn a_page() {
        let packed = Packed::read(SMALL).unwrap();
        assert_eq!((packed.size, packed.coding, packed.pages()), (30, Some(Coding::Lz), 1));
        let expected = [b"ABCBCABCBC".as_slice(), &[b'C'; 20]].concat();
        assert_eq!(packed.unpack(SMALL), (expected, Vec::new()));
        assert!(packed.page(SMALL, 1).is_err());
    }

    #[test]
    fn an_entry_more_than_there_are_pages() {
        // A page of zeros: a literal, 15 matches of 272 bytes, one of 15.
        let far = [0, 0, 0xff];
        let page = [&[0xfe, 0], far.repeat(7).as_slice(), &[0xff], &far.repeat(8), &[1, 0x0e, 0]].concat();
        assert_eq!(page.len(), 51);
        let check = |table: &[u8]| {
            let more = [table, &page].concat();
            let packed = Packed::read(&more).unwrap();
            assert_eq!((packed.pages(), packed.unpack(&more)), (1, (vec![0; 0x1000], Vec::new())));
        };
        check(&[0, 0x10, 0, 6 + 51, 0, 0]);
        check(&[0, 0x10, 0, 9 + 51, 0, 0, 9 + 51, 0, 0]);
        let empty = [0, 0, 0, 6, 0, 0];
        assert_eq!(Packed::read(&empty).unwrap().unpack(&empty), (Vec::new(), Vec::new()));
    }

    #[test]
    fn damage() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(Packed::read(bytes).unwrap_err(), expected);
        check(&[1, 0], "the bytes end before the size");
        check(&[0x1e, 0, 0, 0x10], "the table of 1 pages is cut off");
        check(&[0x1e, 0, 0, 2, 0, 0], "page 0 of 1 ends before it begins");
        check(&[0xff, 0xff, 0xff, 6, 0, 0], "the table of 4096 pages is cut off");
        let cut = &SMALL[..12];
        let packed = Packed::read(cut).unwrap();
        assert_eq!(packed.unpack(cut), (vec![0; 30], vec![(0, "the bytes of the page are not there".to_owned())]));
        let empty = [0x1e, 0, 0, 6, 0, 0];
        assert!(Packed::read(&empty).unwrap().page(&empty, 0).is_err_and(|fault| fault.contains("not known")));
    }
}
