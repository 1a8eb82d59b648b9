//! Bits of an LZX stream: 16-bit little-endian words, the most significant bit first; zeros behind the end.

use scroll::{Endian, Pread};

/// A stream and the place in it.
pub(super) struct Bits<'a> {
    input: &'a [u8],
    /// Where the next word is.
    next: usize,
    /// The words read, of which `count` bits are left, the next one on top of them.
    word: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, next: 0, word: 0, count: 0 }
    }

    /// Takes up to 32 bits.
    pub fn take(&mut self, bits: u32) -> u32 {
        while self.count < bits {
            let rest = self.input.get(self.next..).unwrap_or_default();
            let word = match *rest {
                [low, high, ..] => u16::from_le_bytes([low, high]),
                [low] => low.into(),
                [] => 0,
            };
            self.next = self.next.saturating_add(2);
            self.word = self.word << 16 | u64::from(word);
            self.count += 16;
        }
        self.count -= bits;
        let mask = (1_u64 << bits) - 1;
        (self.word >> self.count & mask) as u32
    }

    /// Whether nothing is left but zeros behind the end.
    pub fn is_spent(&self) -> bool {
        self.next.saturating_sub(self.count as usize / 8) >= self.input.len()
    }

    /// A stored block: the rest of the word is skipped (a whole one if none is begun), then three distances, then bytes,
    /// and one more that pads them to an even number.
    pub fn stored(&mut self, size: usize) -> Option<([u32; 3], &'a [u8])> {
        let begun = self.count % 16;
        let whole = self.count / 16;
        let at = self.next.checked_sub(2 * whole as usize)?;
        let at = if begun == 0 { at.checked_add(2)? } else { at };
        let number = |index: usize| self.input.pread_with::<u32>(at.checked_add(4 * index)?, Endian::Little).ok();
        let distances = [number(0)?, number(1)?, number(2)?];
        let start = at + 12;
        let end = start.checked_add(size)?;
        let bytes = self.input.get(start..end)?;
        self.next = end + size % 2;
        self.count = 0;
        Some((distances, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_and_bits_come_from_the_top() {
        let mut bits = Bits::new(&[0x5b, 0x80, 0x80, 0x8d, 0x00, 0x00]);
        assert_eq!((bits.take(1), bits.take(32)), (1, 0x00b7_1b00));
        assert!(!bits.is_spent());
        assert_eq!((bits.take(15), bits.is_spent(), bits.take(32)), (0, true, 0));
    }
}
