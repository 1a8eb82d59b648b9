//! One page of the LZX coding: one verbatim block, a prefix code for each of main elements and lengths.
//!
//! ```text
//! header   16   size   bytes of the stream   size
//! stream   1, 00B7 1B00 (calls are translated)   type 1, size   code lengths   items
//! item     main element: a byte, or 256 + 8 * slot + length - 2; longer ones than 8 by the second code
//!          bits of the distance in the slot; slot 0 is the distance before
//! ```

use super::{Matches, bits::Bits, prefix};

/// Position slots of a window of 2^16 bytes.
const SLOTS: usize = 32;
const LITERALS: usize = 256;
const LENGTHS: usize = 249;
/// Window bits.
const WINDOW: u32 = 16;
/// The size for the translation of calls, as all known images have it.
const CALLS: i64 = 12_000_000;
/// Bytes at the end that are not translated.
const TAIL: usize = 10;
const LONGEST: usize = 257;
const SHORTEST: usize = 3;
/// Lengths that the main element tells.
const SHORT: usize = 7;

enum Item {
    Literal(u8),
    /// Element of the main code, element of the code of lengths, bits of the distance and how many.
    Match(usize, Option<usize>, u32, u32),
}

/// Packs a page.
pub(super) fn page(page: &[u8]) -> Vec<u8> {
    let mut page = page.to_vec();
    translate(&mut page);
    let items = items(&page);
    let (mut main, mut lengths) = ([0_u32; LITERALS + 8 * SLOTS], [0_u32; LENGTHS]);
    for item in &items {
        match item {
            Item::Literal(byte) => main[usize::from(*byte)] += 1,
            Item::Match(element, length, ..) => {
                main[*element] += 1;
                length.iter().for_each(|length| lengths[*length] += 1);
            }
        }
    }
    let main = prefix::Code::new(&main, 16);
    let lengths = prefix::Code::new(&lengths, 16);
    let mut bits = Bits::default();
    bits.put(1, 1);
    bits.put((CALLS >> 16) as u32, 16);
    bits.put(CALLS as u32 & 0xffff, 16);
    bits.put(1, 3);
    bits.put(page.len() as u32, 24);
    prefix::put_lengths(&mut bits, &main.lengths[..LITERALS]);
    prefix::put_lengths(&mut bits, &main.lengths[LITERALS..]);
    prefix::put_lengths(&mut bits, &lengths.lengths);
    for item in &items {
        match item {
            Item::Literal(byte) => main.put(&mut bits, usize::from(*byte)),
            Item::Match(element, length, value, count) => {
                main.put(&mut bits, *element);
                length.iter().for_each(|length| lengths.put(&mut bits, *length));
                bits.put(*value, *count);
            }
        }
    }
    let stream = bits.finish();
    let header = [WINDOW, page.len() as u32, stream.len() as u32, page.len() as u32];
    header.iter().flat_map(|word| word.to_le_bytes()).chain(stream).collect()
}

/// Makes the targets of calls absolute.
///
/// ```text
/// E8 r     -at <= r < size    r + at < size: r + at    else r - size
/// ```
fn translate(page: &mut [u8]) {
    let mut at = 0;
    while at + TAIL < page.len() {
        let Some([0xe8, target @ ..]) = page.get_mut(at..at + 5) else {
            at += 1;
            continue;
        };
        let relative = i64::from(i32::from_le_bytes([target[0], target[1], target[2], target[3]]));
        let place = at as i64;
        if -place <= relative && relative < CALLS {
            let absolute = if relative + place < CALLS { relative + place } else { relative - CALLS };
            target.copy_from_slice(&(absolute as u32).to_le_bytes());
        }
        at += 5;
    }
}

fn items(page: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut matches = Matches::default();
    let (mut at, mut before) = (0, 1);
    while at < page.len() {
        let (from, length) = matches.best(page, at, LONGEST);
        if length < SHORTEST {
            items.push(Item::Literal(page[at]));
            matches.add(page, at);
            at += 1;
            continue;
        }
        let distance = at - from;
        let (slot, value, count) = if distance == before { (0, 0, 0) } else { slot_of(distance) };
        before = distance;
        let rest = length - 2;
        let element = LITERALS + 8 * slot + rest.min(SHORT);
        items.push(Item::Match(element, rest.checked_sub(SHORT), value, count));
        (at..at + length).for_each(|at| matches.add(page, at));
        at += length;
    }
    items
}

/// The slot of a distance, and the bits that say which of the slot's it is.
///
/// ```text
/// base[0] = 0, base[s + 1] = base[s] + 2^extra[s]     extra[s] = 0 for s < 4, else s / 2 - 1
/// distance = base[s] - 2 + bits
/// ```
fn slot_of(distance: usize) -> (usize, u32, u32) {
    let wanted = distance + 2;
    let mut base = 0;
    for slot in 0..SLOTS {
        let extra = if slot < 4 { 0 } else { slot / 2 - 1 };
        if wanted < base + (1 << extra) {
            return (slot, (wanted - base) as u32, extra as u32);
        }
        base += 1 << extra;
    }
    unreachable!("a distance within a page has a slot of the window")
}
