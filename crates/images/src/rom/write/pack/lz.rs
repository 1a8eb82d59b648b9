//! One page of the older coding: the longest of the nearest matches, by its place in the page.

use super::Matches;

/// The longest match that the coding has, and the shortest that is worth one.
const LONGEST: usize = 272;
const SHORTEST: usize = 3;

/// Packs a page.
pub(super) fn page(page: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut matches = Matches::default();
    let (mut flags_at, mut bit) = (0, 8);
    let mut at = 0;
    while at < page.len() {
        if bit == 8 {
            (flags_at, bit) = (packed.len(), 0);
            packed.push(0);
        }
        let (from, length) = matches.best(page, at, LONGEST);
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
        (at..at + length).for_each(|at| matches.add(page, at));
        at += length;
        bit += 1;
    }
    packed
}
