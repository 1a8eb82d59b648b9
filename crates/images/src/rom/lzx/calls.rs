//! The translation of calls: a packer for x86 turns the relative target of `E8` into an absolute one, which repeats more
//! often. Images for other processors are translated too, as the packer does not look at what it packs.

/// The last bytes of a page stay as they are.
const TAIL: usize = 10;

/// Turns absolute targets back into relative ones; places count from the page's first byte. Nothing is done for a size
/// of 0.
///
/// ```text
/// E8 a     -at <= a < size    a >= 0: a - at    a < 0: a + size
/// ```
pub fn undo_calls(page: &mut [u8], size: u32) {
    if size == 0 {
        return;
    }
    let mut at = 0;
    while at + TAIL < page.len() {
        let Some([0xe8, target @ ..]) = page.get_mut(at..at + 5) else {
            at += 1;
            continue;
        };
        let absolute = i64::from(i32::from_le_bytes([target[0], target[1], target[2], target[3]]));
        let place = at as i64;
        if -place <= absolute && absolute < i64::from(size) {
            let relative = if absolute >= 0 { absolute - place } else { absolute + i64::from(size) };
            target.copy_from_slice(&(relative as u32).to_le_bytes());
        }
        at += 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with one call at `at`.
    fn check(at: usize, target: u32, size: u32, expected: u32) {
        let mut page = vec![0; 0x1000];
        page[at] = 0xe8;
        page[at + 1..at + 5].copy_from_slice(&target.to_le_bytes());
        undo_calls(&mut page, size);
        assert_eq!(page[at + 1..at + 5], expected.to_le_bytes(), "at {at:#x}");
    }

    #[test]
    fn targets() {
        const SIZE: u32 = 12_000_000;
        check(0x4b6, 0x0005_ddbb, SIZE, 0x0005_d905);
        check(0x100, SIZE - 1, SIZE, SIZE - 0x101);
        check(0x100, SIZE, SIZE, SIZE);
        check(0x100, 0_u32.wrapping_sub(0x100), SIZE, SIZE - 0x100);
        check(0x100, 0_u32.wrapping_sub(0x101), SIZE, 0_u32.wrapping_sub(0x101));
        check(0x100, 0x500, 0, 0x500);
        check(0x1000 - 11, 0x5000, SIZE, 0x5000 - (0x1000 - 11));
        check(0x1000 - 10, 0x5000, SIZE, 0x5000);
    }
}
