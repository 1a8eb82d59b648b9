//! Line-number blocks of a map: `/MAPINFO:LINES` of Visual C++ 6 to 2003 and of embedded Visual C++.
//!
//! A block is headed `Line numbers for <object>(<source file>) segment <name>` and has rows of up to four pairs
//! `<decimal line> <segment>:<offset>`. Only starts are told: the code of a line ends where the next line or the next
//! function begins, or with the segment.

use super::{SegmentOffset, row::place};
use crate::text_problems::Words;

/// The start of a heading.
pub(super) const HEADING: &str = "Line numbers for ";

/// The source file that a heading names.
pub(super) fn source_file(heading: &str) -> Option<&str> {
    let text = heading.trim().strip_prefix(HEADING)?;
    let (text, _segment) = text.rsplit_once(") segment ")?;
    // The object may be a member of a library, `libc.lib(x.obj)(d:\x.c)`, and a path may hold parentheses.
    let (_object, file) = text.split_once(")(").or_else(|| text.split_once('('))?;
    Some(file)
}

/// The pairs of a row.
pub(super) fn pairs(line: &str) -> Result<Vec<(u32, SegmentOffset)>, String> {
    let mut words = Words(line);
    let mut pairs = Vec::new();
    while !words.rest().is_empty() {
        let line = words.decimal("line")?;
        let word = words.word().unwrap_or_default();
        pairs.push((line, place(word).ok_or_else(|| format!("'{word}' is no segment and offset"))?));
    }
    Ok(pairs)
}

/// A line and where its code begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineStart {
    pub rva: u32,
    pub file: u32,
    pub line: u32,
}

/// Bytes of code of each line, with the lines in order of address. `stops` are the starts of functions and the ends of
/// segments, sorted. Code that no stop ends has a size of zero: nothing is claimed for it.
pub(super) fn sized(mut starts: Vec<LineStart>, stops: &[u32]) -> Vec<(LineStart, u32)> {
    starts.sort_by_key(|start| start.rva);
    let size = |(index, start): (usize, &LineStart)| {
        let next_line = starts.get(index + 1).map(|next| next.rva);
        let next_stop = stops.get(stops.partition_point(|stop| *stop <= start.rva)).copied();
        let end = next_line.into_iter().chain(next_stop).min();
        (*start, end.map_or(0, |end| end - start.rva))
    };
    starts.iter().enumerate().map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings() {
        let check = |heading, expected| assert_eq!(source_file(heading), expected);
        check(r"Line numbers for .\Debug\a.obj(C:\src\a.cpp) segment .text", Some(r"C:\src\a.cpp"));
        check(r"Line numbers for a.lib(b.obj)(d:\(x)\b.c) segment .text$x", Some(r"d:\(x)\b.c"));
        check(r"Line numbers for a.obj(C:\Programs (x86)\a.c) segment .text", Some(r"C:\Programs (x86)\a.c"));
        check("Line numbers for nothing", None);
    }

    #[test]
    fn rows_of_pairs() {
        let place = |segment, offset| SegmentOffset { segment, offset };
        let row = "    17 0001:00000000    18 0001:00000013";
        assert_eq!(pairs(row), Ok(vec![(17, place(1, 0)), (18, place(1, 0x13))]));
        assert_eq!(pairs(""), Ok(vec![]));
        assert_eq!(pairs(" 17 "), Err("'' is no segment and offset".to_owned()));
        assert_eq!(pairs(" x 0001:00000000"), Err("line 'x' is no decimal number of 32 bits".to_owned()));
    }

    #[test]
    fn lines_end_at_the_next_line_or_stop() {
        let start = |rva| LineStart { rva, file: 0, line: rva };
        let sizes = |starts: &[u32], stops| -> Vec<(u32, u32)> {
            let sized = sized(starts.iter().map(|rva| start(*rva)).collect(), stops);
            sized.into_iter().map(|(start, size)| (start.rva, size)).collect()
        };
        assert_eq!(sizes(&[8, 0, 4], &[0, 0x10]), [(0, 4), (4, 4), (8, 8)]);
        assert_eq!(sizes(&[0, 8], &[4]), [(0, 4), (8, 0)]);
        assert_eq!(sizes(&[4, 4], &[8]), [(4, 0), (4, 4)]);
    }
}
