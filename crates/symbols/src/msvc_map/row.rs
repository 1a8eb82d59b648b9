//! One row of the symbol lists of a map.

use super::SegmentOffset;
use crate::text_problems::{Words, hex};

/// `SSSS:OOOOOOOO  name  RRRRRRRR [f] [i] library:object`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row<'a> {
    pub place: SegmentOffset,
    pub name: &'a str,
    /// Address at the preferred base.
    pub address: u64,
    /// Flag `f`.
    pub is_function: bool,
    /// Library and object, or `<absolute>`, `<common>`, `<linker-defined>`.
    pub object: &'a str,
}

/// `SSSS:OOOOOOOO`
pub(super) fn place(word: &str) -> Option<SegmentOffset> {
    let (segment, offset) = word.split_once(':').filter(|(segment, _)| segment.len() == 4)?;
    let segment = u16::try_from(hex(segment)?).ok()?;
    let offset = u32::try_from(hex(offset).filter(|_| !offset.is_empty())?).ok()?;
    Some(SegmentOffset { segment, offset })
}

/// Reads a row. A name may hold blanks: it ends before the first word that looks like an address.
pub(super) fn row(line: &str) -> Result<Row<'_>, String> {
    let mut words = Words(line);
    let word = words.word().unwrap_or_default();
    let place = place(word).ok_or_else(|| format!("'{word}' is no segment and offset"))?;
    let text = words.rest();
    let mut words = Words(text);
    words.word().ok_or("the name is missing")?;
    let (name, address) = loop {
        let name = &text[..text.len() - words.0.len()];
        let word = words.word().ok_or("the column Rva+Base is missing")?;
        if let Some(address) = address(word) {
            break (name, address);
        }
    };
    let is_function = flag(&mut words, "f");
    flag(&mut words, "i");
    Ok(Row { place, name, address, is_function, object: words.rest() })
}

/// Eight or sixteen digits; maps of 64-bit images have sixteen.
fn address(word: &str) -> Option<u64> {
    if matches!(word.len(), 8 | 16) { hex(word) } else { None }
}

fn flag(words: &mut Words, flag: &str) -> bool {
    let mut after = *words;
    let is_set = after.word() == Some(flag);
    if is_set {
        *words = after;
    }
    is_set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: (u16, u32, &str, u64, bool, &str)) {
        let row = row(line).unwrap();
        let SegmentOffset { segment, offset } = row.place;
        assert_eq!((segment, offset, row.name, row.address, row.is_function, row.object), expected);
    }

    #[test]
    fn rows() {
        check(
            " 0001:00013648       BeginPaint                 10014648 f   lib_all:user.obj",
            (1, 0x13648, "BeginPaint", 0x1001_4648, true, "lib_all:user.obj"),
        );
        check(
            " 0001:00000531       ??$enc@PAX@@YAPAXQAX@Z 00401531 f i lib:a b.obj",
            (1, 0x531, "??$enc@PAX@@YAPAXQAX@Z", 0x40_1531, true, "lib:a b.obj"),
        );
        check(
            " 0003:000004a0       _counter                   00000001400044a0     <common>",
            (3, 0x4a0, "_counter", 0x1_4000_44a0, false, "<common>"),
        );
        check(" 0002:00000010  a name 00401010   i x.obj", (2, 0x10, "a name", 0x40_1010, false, "x.obj"));
        check(" 0002:00000010  deadbeef 00401010", (2, 0x10, "deadbeef", 0x40_1010, false, ""));
    }

    #[test]
    fn what_is_no_row() {
        let check = |line: &str, expected: &str| assert_eq!(row(line).unwrap_err(), expected);
        check("hello", "'hello' is no segment and offset");
        check("1:2 f 00401000", "'1:2' is no segment and offset");
        check("0001: f 00401000", "'0001:' is no segment and offset");
        check("0001:123456789 f 00401000", "'0001:123456789' is no segment and offset");
        check("0001:00000000", "the name is missing");
        check("0001:00000000 f 1234", "the column Rva+Base is missing");
    }
}
