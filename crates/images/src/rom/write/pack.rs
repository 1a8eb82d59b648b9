//! Packing in the older coding: pages of 4 KB, the longest of the nearest matches.

use crate::rom::packed::PAGE;
use std::collections::HashMap;

/// The longest match that the coding has, and the shortest that is worth one.
const LONGEST: usize = 272;
const SHORTEST: usize = 3;
/// Earlier places that are tried for a match.
const MOST_TRIES: usize = 32;

/// Packs bytes; `None` when they would not become fewer, or are too many for the table.
pub(super) fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let count = bytes.len().div_ceil(PAGE);
    let mut packed = u24(bytes.len())?.to_vec();
    let mut end = 3 * (count + 1);
    let pages: Vec<Vec<u8>> = bytes.chunks(PAGE).map(page).collect();
    for page in &pages {
        end += page.len();
        packed.extend(u24(end)?);
    }
    pages.iter().for_each(|page| packed.extend_from_slice(page));
    (packed.len() < bytes.len()).then_some(packed)
}

fn u24(number: usize) -> Option<[u8; 3]> {
    let bytes = u32::try_from(number).ok()?.to_le_bytes();
    (bytes[3] == 0).then_some([bytes[0], bytes[1], bytes[2]])
}

fn page(page: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let (mut flags_at, mut bit) = (0, 8);
    let mut at = 0;
    while at < page.len() {
        if bit == 8 {
            (flags_at, bit) = (packed.len(), 0);
            packed.push(0);
        }
        let (from, length) = best(page, at, &places);
        let length = if length < SHORTEST { 1 } else { length };
        if length == 1 {
            packed.push(page[at]);
        } else {
            packed[flags_at] |= 1 << bit;
            let high = ((from & 15) << 4) as u8;
            let low = if length > 16 { 0 } else { (length - 1) as u8 };
            packed.extend([high | low, (from >> 4) as u8]);
            packed.extend((length > 16).then(|| (length - 17) as u8));
        }
        for at in at..at + length {
            page.get(at..at + SHORTEST).into_iter().for_each(|key| places.entry(key).or_default().push(at));
        }
        at += length;
        bit += 1;
    }
    packed
}

/// The longest match among the nearest places that begin with the same bytes.
fn best(page: &[u8], at: usize, places: &HashMap<&[u8], Vec<usize>>) -> (usize, usize) {
    let length = |from: usize| {
        let pairs = page[from..].iter().zip(&page[at..]).take(LONGEST);
        pairs.take_while(|(one, other)| one == other).count()
    };
    let same = page.get(at..at + SHORTEST).and_then(|key| places.get(key)).into_iter().flatten();
    let found = same.rev().take(MOST_TRIES).map(|from| (*from, length(*from)));
    found.max_by_key(|(_, length)| *length).unwrap_or((0, 0))
}
