//! Bits from the most significant on, in words of 16 bits, as LZX has them.

/// Bits that are written.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    word: u32,
    count: u32,
}

impl Bits {
    /// Appends the lowest `count` bits of a number, at most 24.
    pub fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.word = self.word << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 16 {
                self.bytes.extend((self.word as u16).to_le_bytes());
                (self.word, self.count) = (0, 0);
            }
        }
    }

    /// The bytes; the last word is filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        let left = (16 - self.count) % 16;
        self.put(0, left);
        self.bytes
    }
}
