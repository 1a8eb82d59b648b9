//! One page of the byte-oriented coding (`CEDecompress`; CE 2.12 and 3).
//!
//! ```text
//! group    flags, then an item for each bit from bit 0 up: 0 a literal byte, 1 a match
//! match    t, lo = t & 15, hi = t >> 4
//!   lo 1        t          from out - hi - 2          2 bytes
//!   lo 2..15    t, b       from b << 4 | hi           lo + 1 bytes
//!   lo 0        t, b, c    from b << 4 | hi           c + 17 bytes
//! ```
//!
//! Places count from the page's first byte; a match may overlap what it writes.

/// Decodes a page to exactly `size` bytes.
///
/// # Errors
/// The input ends too early, or a match begins where nothing has been written yet.
pub fn page(input: &[u8], size: usize) -> Result<Vec<u8>, String> {
    Ok(decode(input, size)?.0)
}

/// Whether a page decodes to exactly `size` bytes with all of its input.
pub fn fits(input: &[u8], size: usize) -> bool {
    decode(input, size).is_ok_and(|(_, left)| left == 0)
}

/// The page, and how many bytes of the input are left.
fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, usize), String> {
    let mut output = Vec::with_capacity(size);
    let mut bytes = input.iter().copied();
    let mut next = || bytes.next().ok_or_else(|| "the page's bytes end before it is whole".to_owned());
    let mut flags = 0_u32;
    let mut left = 0;
    while output.len() < size {
        if left == 0 {
            flags = next()?.into();
            left = 8;
        }
        let is_match = flags & 1 == 1;
        flags >>= 1;
        left -= 1;
        if !is_match {
            output.push(next()?);
            continue;
        }
        let t = usize::from(next()?);
        let (low, high) = (t & 15, t >> 4);
        let (from, length) = match low {
            1 => (output.len().checked_sub(high + 2), 2),
            0 => (Some(usize::from(next()?) << 4 | high), usize::from(next()?) + 17),
            _ => (Some(usize::from(next()?) << 4 | high), low + 1),
        };
        let written = output.len();
        let from = from.filter(|from| *from < written);
        let from = from.ok_or_else(|| format!("a match at {written:#x} points before or behind what is there"))?;
        let length = length.min(size - written);
        (from..from + length).for_each(|at| output.push(output[at]));
    }
    Ok((output, bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_the_three_matches() {
        // 3 literals; 2 bytes from 2 before; 5 bytes from 0; 20 bytes from 9, which overlap.
        let input = [0x38, b'A', b'B', b'C', 0x01, 0x04, 0x00, 0x90, 0x00, 0x03];
        let expected = [b"ABCBCABCBC".as_slice(), &[b'C'; 20]].concat();
        assert_eq!(page(&input, 30).unwrap(), expected);
        assert_eq!(page(&input, 7).unwrap(), expected[..7], "a page ends within a match");
    }

    #[test]
    fn damage() {
        let check = |input: &[u8], expected: &str| assert_eq!(page(input, 30).unwrap_err(), expected);
        check(&[], "the page's bytes end before it is whole");
        check(&[0, 1, 2], "the page's bytes end before it is whole");
        check(&[1, 1], "a match at 0x0 points before or behind what is there");
        check(&[2, b'A', 4, 1], "a match at 0x1 points before or behind what is there");
        check(&[2, b'A', 1], "a match at 0x1 points before or behind what is there");
    }
}
