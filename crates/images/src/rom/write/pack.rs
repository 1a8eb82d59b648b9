//! Packing: pages of 4 KB, each coded on its own, behind a table of their ends; in the coding of the version.

mod bits;
mod lz;
mod lzx;
mod prefix;

use crate::rom::packed::{Coding, PAGE};
use std::collections::HashMap;

/// Bytes by which places of matches are found.
const KEY: usize = 3;
/// Earlier places that are tried for a match.
const MOST_TRIES: usize = 32;

/// Packs bytes; `None` when they would not become fewer, or are too many for the table.
pub(super) fn pack(bytes: &[u8], coding: Coding) -> Option<Vec<u8>> {
    let page = match coding {
        Coding::Lz => lz::page,
        Coding::Lzx => lzx::page,
        Coding::Xpress => return None,
    };
    let count = bytes.len().div_ceil(PAGE);
    let mut packed = u24(bytes.len())?.to_vec();
    let mut end = 3 * (count + 1);
    let pages: Vec<Vec<u8>> = bytes.chunks(PAGE).map(page).collect();
    for page in &pages {
        end += page.len();
        packed.extend(u24(end)?);
    }
    // No image is known with a page that did not become shorter: such bytes are stored.
    let is_shorter = pages.iter().all(|page| page.len() < PAGE);
    pages.iter().for_each(|page| packed.extend_from_slice(page));
    (is_shorter && packed.len() < bytes.len()).then_some(packed)
}

fn u24(number: usize) -> Option<[u8; 3]> {
    let bytes = u32::try_from(number).ok()?.to_le_bytes();
    (bytes[3] == 0).then_some([bytes[0], bytes[1], bytes[2]])
}

/// Places of a page by the three bytes that they begin with.
#[derive(Default)]
struct Matches<'a>(HashMap<&'a [u8], Vec<usize>>);

impl<'a> Matches<'a> {
    /// A place whose bytes later ones may repeat.
    fn add(&mut self, page: &'a [u8], at: usize) {
        page.get(at..at + KEY).into_iter().for_each(|key| self.0.entry(key).or_default().push(at));
    }

    /// Of the nearest places that begin with the same bytes the one with the longest match, and its length.
    fn best(&self, page: &[u8], at: usize, longest: usize) -> (usize, usize) {
        let length = |from: usize| {
            let pairs = page[from..].iter().zip(&page[at..]).take(longest);
            pairs.take_while(|(one, other)| one == other).count()
        };
        let same = page.get(at..at + KEY).and_then(|key| self.0.get(key)).into_iter().flatten();
        let found = same.rev().take(MOST_TRIES).map(|from| (*from, length(*from)));
        found.max_by_key(|(_, length)| *length).unwrap_or((0, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::Packed;

    /// Bytes are packed in a coding, and come back.
    fn check(bytes: &[u8], coding: Coding) {
        let packed = pack(bytes, coding).unwrap();
        let table = Packed::read(&packed).unwrap();
        assert_eq!((table.size, table.coding), (bytes.len(), Some(coding)));
        assert!(table.unpack(&packed) == (bytes.to_vec(), Vec::new()), "{coding}: {} bytes", bytes.len());
    }

    #[test]
    fn what_is_packed_comes_back() {
        let text: Vec<u8> = (0..3000_u32).flat_map(|number| format!("line {number}\r\n").into_bytes()).collect();
        let calls: Vec<u8> = (0..2000_u32).flat_map(|at| [0xe8, at as u8, (at >> 3) as u8, 0, 0, 0x90, 0xc3]).collect();
        let back: Vec<u8> = (0..2000_u32).flat_map(|at| [[0xe8].as_slice(), &(!at).to_le_bytes()].concat()).collect();
        // Twice as many of each byte as of the one before: the longest words.
        let steep: Vec<u8> = (0..12_u8).flat_map(|byte| vec![byte * 7; 1 << byte]).collect();
        for coding in [Coding::Lz, Coding::Lzx] {
            for bytes in [&text, &calls, &back, &steep, &vec![0; 0x3001], &vec![7; 0x1000]] {
                check(bytes, coding);
            }
        }
    }

    #[test]
    fn what_cannot_be_packed_is_not() {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        let noise: Vec<u8> = (0..0x2000).map(|_| next()).collect();
        for coding in [Coding::Lz, Coding::Lzx, Coding::Xpress] {
            assert_eq!(pack(&noise, coding), None, "{coding}");
            assert_eq!(pack(b"", coding), None);
        }
    }
}
