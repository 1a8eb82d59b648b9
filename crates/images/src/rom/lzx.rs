//! One page of the LZX coding (`CEDecompressROM`; CE 5, some CE 4): the stream of a cabinet, begun anew for each page.
//!
//! ```text
//! header   u32 window bits   u32 decoded size   u32 stream bytes   u32 decoded size, again
//! stream   1 bit; if set 32 bits: the size for the translation of calls
//!          blocks: 3 bits type, 24 bits decoded size, code lengths, items     until the page is whole
//! item     main element < 256: a byte; else slot and length of a match
//! ```
//!
//! The stream is that of the LZX specification in the Cabinet SDK and of [MS-PATCH]; three last distances are kept.

mod bits;
mod calls;
mod code;

use bits::Bits;
pub use calls::undo_calls;
use code::{Code, Lengths};
use scroll::{Endian, Pread};

/// Bytes in front of the stream.
pub const HEADER: usize = 16;

const LITERALS: usize = 256;
/// Lengths in the main element: 2 to 8, and "read more".
const SHORT_LENGTHS: usize = 8;
const LENGTH_ELEMENTS: usize = 249;
const ALIGNED_ELEMENTS: usize = 8;
/// Slots for a window of 2^15 to 2^21 bytes.
const SLOTS: [usize; 7] = [30, 32, 34, 36, 38, 42, 50];

/// Whether a page has the header of this coding: window bits that can be, the size expected, and the stream's bytes.
pub fn has_header(page: &[u8], size: usize) -> bool {
    let word = |at: usize| page.pread_with::<u32>(at, Endian::Little).unwrap_or(u32::MAX);
    (15..=21).contains(&word(0))
        && word(4) as usize == size
        && page.len().checked_sub(HEADER).is_some_and(|rest| rest == word(8) as usize)
}

/// Decodes a page to exactly `size` bytes and undoes the translation of calls.
///
/// # Errors
/// The header is not that of such a page, or the stream is damaged.
pub fn page(input: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if !has_header(input, size) {
        return Err("the header of the page is not that of LZX".to_owned());
    }
    let window = input.pread_with::<u32>(0, Endian::Little).unwrap_or(15);
    stream(&input[HEADER..], window, size)
}

/// Decodes a stream to exactly `size` bytes.
///
/// # Errors
/// The stream is damaged.
pub fn stream(input: &[u8], window: u32, size: usize) -> Result<Vec<u8>, String> {
    let slots = window.checked_sub(15).and_then(|index| SLOTS.get(index as usize));
    let slots = *slots.ok_or_else(|| format!("a window of 2^{window} bytes cannot be"))?;
    let mut decoder = Decoder {
        bits: Bits::new(input),
        output: Vec::with_capacity(size),
        size,
        distances: [1; 3],
        main: Lengths::new(LITERALS + SHORT_LENGTHS * slots),
        lengths: Lengths::new(LENGTH_ELEMENTS),
    };
    let calls = if decoder.bits.take(1) == 1 { decoder.bits.take(32) } else { 0 };
    while decoder.output.len() < size {
        decoder.block()?;
    }
    let mut output = decoder.output;
    undo_calls(&mut output, calls);
    Ok(output)
}

struct Decoder<'a> {
    bits: Bits<'a>,
    output: Vec<u8>,
    size: usize,
    /// The last three distances, the newest first.
    distances: [usize; 3],
    main: Lengths,
    lengths: Lengths,
}

/// The codes of one block.
struct Codes {
    main: Code,
    length: Code,
    /// Present in blocks of type 2: the low three bits of a distance.
    aligned: Option<Code>,
}

impl Decoder<'_> {
    fn block(&mut self) -> Result<(), String> {
        if self.bits.is_spent() {
            return Err(format!("the stream ends at {:#x} of {:#x} bytes", self.output.len(), self.size));
        }
        let kind = self.bits.take(3);
        let size = self.bits.take(24) as usize;
        // A block that says more than the page has is cut.
        let end = self.output.len().saturating_add(size).min(self.size);
        match kind {
            1 | 2 => self.coded(kind == 2, end),
            3 => self.stored(end),
            _ => Err(format!("a block of type {kind} cannot be")),
        }
    }

    fn coded(&mut self, is_aligned: bool, end: usize) -> Result<(), String> {
        let aligned = if is_aligned {
            let lengths: [u8; ALIGNED_ELEMENTS] = std::array::from_fn(|_| self.bits.take(3) as u8);
            Some(Code::new(&lengths)?)
        } else {
            None
        };
        self.main.read(&mut self.bits, 0..LITERALS)?;
        self.main.read(&mut self.bits, LITERALS..self.main.count())?;
        self.lengths.read(&mut self.bits, 0..LENGTH_ELEMENTS)?;
        let codes = Codes { main: Code::new(self.main.all())?, length: Code::new(self.lengths.all())?, aligned };
        while self.output.len() < end {
            self.item(&codes, end)?;
        }
        Ok(())
    }

    fn item(&mut self, codes: &Codes, end: usize) -> Result<(), String> {
        let element = codes.main.symbol(&mut self.bits)?;
        let Some(element) = element.checked_sub(LITERALS) else {
            self.output.push(element as u8);
            return Ok(());
        };
        let (slot, mut length) = (element / SHORT_LENGTHS, element % SHORT_LENGTHS);
        if length == SHORT_LENGTHS - 1 {
            length += codes.length.symbol(&mut self.bits)?;
        }
        let distance = self.distance(slot, codes.aligned.as_ref())?;
        let written = self.output.len();
        let from = written.checked_sub(distance).filter(|from| *from < written);
        let from = from.ok_or_else(|| format!("a match at {written:#x} reaches {distance:#x} bytes back"))?;
        let length = (length + 2).min(end - written);
        (from..from + length).for_each(|at| self.output.push(self.output[at]));
        Ok(())
    }

    /// The distance of a match: one of the last three, or one of its own.
    fn distance(&mut self, slot: usize, aligned: Option<&Code>) -> Result<usize, String> {
        if slot < 3 {
            self.distances.swap(0, slot);
            return Ok(self.distances[0]);
        }
        let (base, extra) = slot_base(slot);
        let offset = match aligned {
            Some(code) if extra >= 3 => {
                let high = self.bits.take(extra - 3) as usize;
                high * 8 + code.symbol(&mut self.bits)?
            }
            _ => self.bits.take(extra) as usize,
        };
        let distance = base + offset - 2;
        self.distances = [distance, self.distances[0], self.distances[1]];
        Ok(distance)
    }

    fn stored(&mut self, end: usize) -> Result<(), String> {
        let short = || "the stream ends in a stored block".to_owned();
        let size = end - self.output.len();
        let (distances, bytes) = self.bits.stored(size).ok_or_else(short)?;
        self.distances = distances.map(|distance| distance as usize);
        self.output.extend_from_slice(bytes);
        Ok(())
    }
}

/// The first number of a slot, and how many bits say which of its numbers it is.
fn slot_base(slot: usize) -> (usize, u32) {
    let extra = |slot: usize| if slot < 4 { 0 } else { (slot / 2 - 1).min(17) as u32 };
    let base = (0..slot).map(|before| 1_usize << extra(before)).sum();
    (base, extra(slot))
}

#[cfg(test)]
mod tests;
