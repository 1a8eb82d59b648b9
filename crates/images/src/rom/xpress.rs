//! One page of XPRESS, the plain LZ77 coding of [MS-XCA] 2.4.
//!
//! ```text
//! group    u32 flags, then an item for each bit from bit 31 down: 0 a literal byte, 1 a match
//! match    u16: low 3 bits length - 3, other bits distance - 1
//!          length 7: a half byte more (the low half of a new byte, then the high half of that same byte)
//!          half byte 15: a byte more; byte 255: the whole length - 3 as u16, and if that is 0 as u32
//! ```
//!
//! The longest of the four forms that fits is not the only one allowed: a reader takes each as it stands. After the last
//! item the remaining flag bits are 1.

/// Decodes a page to exactly `size` bytes.
///
/// # Errors
/// The input ends too early, a match begins before the page, or a length is none.
pub fn page(input: &[u8], size: usize) -> Result<Vec<u8>, String> {
    Ok(decode(input, size)?.0)
}

/// Whether a page decodes to exactly `size` bytes with all of its input.
pub fn fits(input: &[u8], size: usize) -> bool {
    decode(input, size).is_ok_and(|(_, left)| left == 0)
}

/// The page, and how many bytes of the input are left.
fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, usize), String> {
    let mut output: Vec<u8> = Vec::with_capacity(size);
    let mut reader = Reader { input, at: 0, half: None };
    let (mut flags, mut left) = (0_u32, 0);
    while output.len() < size {
        if left == 0 {
            flags = reader.number(4)?;
            left = 32;
        }
        left -= 1;
        if flags >> left & 1 == 0 {
            output.push(reader.number(1)? as u8);
            continue;
        }
        let item = reader.number(2)?;
        let length = reader.length(item & 7)?;
        let written = output.len();
        let from = written.checked_sub((item >> 3) as usize + 1);
        let from = from.ok_or_else(|| format!("a match at {written:#x} points before what is there"))?;
        let length = length.min(size - written);
        (from..from + length).for_each(|at| output.push(output[at]));
    }
    Ok((output, input.len() - reader.at))
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    /// The upper half of the last byte of lengths, when it is not used yet.
    half: Option<u32>,
}

impl Reader<'_> {
    /// A number of so many bytes.
    fn number(&mut self, bytes: usize) -> Result<u32, String> {
        let part = self.input.get(self.at..self.at + bytes);
        let part = part.ok_or_else(|| "the page's bytes end before it is whole".to_owned())?;
        self.at += bytes;
        Ok(part.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// The length of a match whose three bits are known.
    fn length(&mut self, bits: u32) -> Result<usize, String> {
        if bits < 7 {
            return Ok(bits as usize + 3);
        }
        let half = match self.half.take() {
            Some(half) => half,
            None => {
                let byte = self.number(1)?;
                self.half = Some(byte >> 4);
                byte & 15
            }
        };
        if half < 15 {
            return Ok(half as usize + 7 + 3);
        }
        let byte = self.number(1)?;
        if byte < 255 {
            return Ok(byte as usize + 15 + 7 + 3);
        }
        let length = match self.number(2)? {
            0 => self.number(4)?,
            length => length,
        };
        if length < 15 + 7 {
            return Err(format!("a length of {length} is written as one that is longer"));
        }
        Ok((length as usize).saturating_add(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of [MS-XCA] 3.1.
    #[test]
    fn the_examples_of_the_specification() {
        let alphabet: Vec<u8> = (b'a'..=b'z').collect();
        let input = [&[0x3f, 0, 0, 0], alphabet.as_slice()].concat();
        assert_eq!(page(&input, 26).unwrap(), alphabet);
        assert!(fits(&input, 26) && !fits(&input, 25));
        let input = [0xff, 0xff, 0xff, 0x1f, b'a', b'b', b'c', 0x17, 0, 0x0f, 0xff, 0x26, 1];
        assert_eq!(page(&input, 300).unwrap(), b"abc".repeat(100));
        assert!(fits(&input, 300));
    }

    #[test]
    fn half_bytes_are_shared_by_two_matches() {
        // Two matches of 10 + 2 and 10 + 3 bytes: one byte 0x32 has both rests.
        let input = [0xff, 0xff, 0xff, 0x7f, b'x', 7, 0, 0x32, 7, 0];
        assert_eq!(page(&input, 1 + 12 + 13).unwrap(), [b'x'; 26]);
        assert!(fits(&input, 26));
    }

    #[test]
    fn damage() {
        let check = |input: &[u8], expected: &str| assert_eq!(page(input, 30).unwrap_err(), expected);
        check(&[], "the page's bytes end before it is whole");
        check(&[0, 0, 0, 0, 1], "the page's bytes end before it is whole");
        check(&[0, 0, 0, 0x80, 0, 0], "a match at 0x0 points before what is there");
        check(&[0, 0, 0, 0x40, 1, 8, 0], "a match at 0x1 points before what is there");
        check(&[0, 0, 0, 0x40, 1, 7, 0, 15, 255, 3, 0], "a length of 3 is written as one that is longer");
        let huge = [0, 0, 0, 0x40, 1, 7, 0, 15, 255, 0, 0, 255, 255, 255, 255];
        assert_eq!(page(&huge, 30).unwrap(), [1; 30], "a page ends within a match");
    }
}
