//! What a number looks like when it is no address at all: text, or a value that debug heaps fill memory with.

use vatlas_space::{PointerWidth, Va};

/// The text that the bytes of `va` spell in memory order, when all of them are printable: `50616548` is "HeaP".
///
/// Reads ASCII, and UTF-16 made of ASCII letters only: `00410042` would be text too often otherwise. Of eight bytes the
/// last may be the NUL that ends the text: seven printable ones are no canonical address.
pub fn text_in(va: Va, width: PointerWidth) -> Option<String> {
    let all = va.0.to_le_bytes();
    let mut bytes = &all[..width.bytes()];
    if let (PointerWidth::Bits64, [front @ .., 0]) = (width, bytes) {
        bytes = front;
    }
    if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) && bytes.iter().any(u8::is_ascii_alphanumeric) {
        return Some(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    let (units, _) = all[..width.bytes()].as_chunks::<2>();
    let letters = units.iter().all(|[low, high]| *high == 0 && low.is_ascii_alphabetic());
    letters.then(|| units.iter().map(|[low, _]| char::from(*low)).collect())
}

/// Values that are written into memory on purpose, so that it is noticed when they are used as pointers.
const FILLS: &[(u32, &str)] = &[
    (0xabab_abab, "what the Windows debug heap writes behind a block"),
    (0xbaad_f00d, "what the Windows debug heap writes into a fresh block"),
    (0xcccc_cccc, "what Visual C++ debug code writes into local variables"),
    (0xcdcd_cdcd, "what the Visual C++ debug heap writes into a fresh block"),
    (0xdddd_dddd, "what the Visual C++ debug heap writes into a freed block"),
    (0xdead_beef, "a marker that programmers use for memory that must not be touched"),
    (0xfdfd_fdfd, "what the Visual C++ debug heap writes around a block"),
    (0xfeee_feee, "what the Windows debug heap writes into a freed block"),
];

/// How far above a fill value a member of a structure may lie.
const MEMBER: u64 = 0x1000;

/// What fills memory with this value, and how far above it `va` lies (less than a page). A 64-bit value must repeat the
/// 32-bit pattern, or have it alone in its lower half.
pub fn fill_pattern(va: Va, width: PointerWidth) -> Option<(&'static str, u64)> {
    FILLS.iter().find_map(|&(pattern, meaning)| {
        let once = u64::from(pattern);
        let twice = (once << 32) | once;
        let starts = if width == PointerWidth::Bits64 { [twice, once] } else { [once, once] };
        let offset = starts.into_iter().find_map(|start| va.offset_from(Va(start)).filter(|above| *above < MEMBER))?;
        Some((meaning, offset))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use PointerWidth::{Bits32, Bits64};

    fn check_text(va: u64, width: PointerWidth, expected: Option<&str>) {
        assert_eq!(text_in(Va(va), width).as_deref(), expected, "{va:x}");
    }

    #[test]
    fn text() {
        check_text(0x5061_6548, Bits32, Some("HeaP"));
        check_text(0x0041_0042, Bits32, Some("BA"));
        check_text(0x6c6c_6548_7468_6769, Bits64, Some("ightHell"));
        check_text(0x5061_6548, Bits64, None);
        check_text(0x0072_6574_6970_754a, Bits64, Some("Jupiter"));
        check_text(0x0000_6574_6970_754a, Bits64, None);
        check_text(0x0061_6548, Bits32, None);
        check_text(0x2020_2020, Bits32, None);
        check_text(0x6789_abcd, Bits32, None);
        check_text(0x0040_1000, Bits32, None);
        check_text(0x3456_789a, Bits32, None);
    }

    fn check_fill(va: u64, width: PointerWidth, expected: Option<(&str, u64)>) {
        let found = fill_pattern(Va(va), width);
        assert_eq!(found.is_some(), expected.is_some(), "{va:x}");
        if let (Some((meaning, offset)), Some((part, expected_offset))) = (found, expected) {
            assert!(meaning.contains(part), "{meaning}");
            assert_eq!(offset, expected_offset);
        }
    }

    #[test]
    fn fills() {
        check_fill(0xcdcd_cdcd, Bits32, Some(("fresh", 0)));
        check_fill(0xfeee_fef6, Bits32, Some(("freed", 8)));
        check_fill(0xfeee_ffee, Bits32, Some(("freed", 0x100)));
        check_fill(0xdddd_dddd_dddd_dddd, Bits64, Some(("freed", 0)));
        check_fill(0xdddd_dddd, Bits64, Some(("freed", 0)));
        check_fill(0xcdcd_e000, Bits32, None);
        check_fill(0x1234_5678, Bits32, None);
    }
}
