//! Prefix codes of LZX: code lengths as they are written (changes against the block before), and canonical codes.

use super::bits::Bits;
use std::ops::Range;

/// The longest code word.
const LONGEST: usize = 16;
/// Elements of the code that code lengths are written with, and the bits of each of its lengths.
const PRETREE: usize = 20;
const PRETREE_BITS: u32 = 4;

/// Code lengths, which every block changes.
pub(super) struct Lengths(Vec<u8>);

impl Lengths {
    pub fn new(count: usize) -> Self {
        Self(vec![0; count])
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn all(&self) -> &[u8] {
        &self.0
    }

    /// Reads a run of lengths with a code of its own.
    ///
    /// ```text
    /// 0..16   (old - s) mod 17
    /// 17      4 bits:  4 + n zeros
    /// 18      5 bits: 20 + n zeros
    /// 19      1 bit:   4 + n times the length that the next element gives
    /// ```
    pub fn read(&mut self, bits: &mut Bits<'_>, range: Range<usize>) -> Result<(), String> {
        let pretree: [u8; PRETREE] = std::array::from_fn(|_| bits.take(PRETREE_BITS) as u8);
        let code = Code::new(&pretree)?;
        let end = range.end;
        let mut at = range.start;
        while at < end {
            let old = self.0[at];
            let (count, length) = match code.symbol(bits)? {
                17 => (4 + bits.take(4) as usize, 0),
                18 => (20 + bits.take(5) as usize, 0),
                19 => {
                    let count = 4 + bits.take(1) as usize;
                    (count, changed(old, code.symbol(bits)?)?)
                }
                symbol => (1, changed(old, symbol)?),
            };
            let after = at + count;
            self.0.get_mut(at..after).filter(|_| after <= end).ok_or("a run of code lengths is too long")?.fill(length);
            at = after;
        }
        Ok(())
    }
}

fn changed(old: u8, symbol: usize) -> Result<u8, String> {
    let change = u8::try_from(symbol).ok().filter(|change| *change <= 16);
    let change = change.ok_or("code lengths are repeated by an element that is none")?;
    Ok((old + 17 - change) % 17)
}

/// A canonical code: shorter words first, then by number.
pub(super) struct Code {
    /// Words of each length.
    counts: [u16; LONGEST + 1],
    /// Elements in the order of their words.
    order: Vec<u16>,
}

impl Code {
    /// The code of these lengths; 0 stands for an element without a word.
    pub fn new(lengths: &[u8]) -> Result<Self, String> {
        let mut counts = [0_u16; LONGEST + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            let count = counts.get_mut(usize::from(*length)).ok_or("a code length cannot be")?;
            *count += 1;
        }
        let mut free = 1_i32;
        for count in &counts[1..] {
            free = free * 2 - i32::from(*count);
            if free < 0 {
                return Err("the code lengths are no code: too many short ones".to_owned());
            }
        }
        let mut order: Vec<u16> = (0..lengths.len() as u16).filter(|at| lengths[usize::from(*at)] > 0).collect();
        order.sort_by_key(|at| lengths[usize::from(*at)]);
        Ok(Self { counts, order })
    }

    /// Reads one element.
    pub fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, String> {
        let (mut word, mut first, mut before) = (0_u32, 0_u32, 0_u32);
        for count in &self.counts[1..] {
            let count = u32::from(*count);
            word = word << 1 | bits.take(1);
            if let Some(index) = word.checked_sub(first).filter(|index| *index < count) {
                let element = self.order.get((before + index) as usize);
                return element.map(|element| usize::from(*element)).ok_or_else(|| "a code word is missing".to_owned());
            }
            before += count;
            first = (first + count) << 1;
        }
        Err("the bits are no word of the code".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_canonical_order() {
        // Lengths 2, 1, 3, 3: B is 0, A is 10, C is 110, D is 111.
        let code = Code::new(&[2, 1, 3, 3]).unwrap();
        // 10 0 110 111 0 111 111, in one word: 1001 1011 1011 1111
        let mut bits = Bits::new(&[0b1011_1111, 0b1001_1011]);
        let found: Vec<_> = (0..7).map(|_| code.symbol(&mut bits).unwrap()).collect();
        assert_eq!(found, [0, 1, 2, 3, 1, 3, 3]);
    }

    #[test]
    fn what_is_no_code() {
        assert!(Code::new(&[1, 1, 1]).is_err());
        assert!(Code::new(&[17]).is_err());
        let empty = Code::new(&[0, 0]).unwrap();
        assert!(empty.symbol(&mut Bits::new(&[0; 8])).is_err());
    }
}
