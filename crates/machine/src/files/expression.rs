//! Wildcards of folder listings: `*` and `?`, and the three that Win32 makes of old DOS patterns: `<`, `>` and `"`.
//!
//! The rules are those that the documentation of `FsRtlIsNameInExpression` gives.

use crate::files::name::fold_unit;

const STAR: u16 = b'*' as u16;
const QUESTION_MARK: u16 = b'?' as u16;
/// `<`: any characters, but not the last dot of the name.
const DOS_STAR: u16 = b'<' as u16;
/// `>`: one character that is no dot, or nothing before a dot or the end.
const DOS_QUESTION_MARK: u16 = b'>' as u16;
/// `"`: a dot, or nothing at the end.
const DOS_DOT: u16 = b'"' as u16;
const DOT: u16 = b'.' as u16;

/// Whether a name fits a pattern; upper and lower case are the same. All places in the pattern at which a match can
/// stand go through the name together, so that the time is at most the product of both lengths.
pub fn matches(pattern: &[u16], name: &[u16]) -> bool {
    let last_dot = name.iter().rposition(|&unit| unit == DOT);
    let mut places = vec![false; pattern.len() + 1];
    places[0] = true;
    for (index, &unit) in name.iter().enumerate() {
        skip(pattern, &mut places, Some(unit));
        let mut next = vec![false; places.len()];
        for (place, &wanted) in pattern.iter().enumerate().filter(|(place, _)| places[*place]) {
            match wanted {
                STAR => next[place] = true,
                DOS_STAR => next[place] |= Some(index) != last_dot,
                _ if takes(wanted, unit) => next[place + 1] = true,
                _ => {}
            }
        }
        places = next;
    }
    skip(pattern, &mut places, None);
    places[pattern.len()]
}

/// Whether a unit of the pattern stands for this one of the name.
fn takes(wanted: u16, unit: u16) -> bool {
    match wanted {
        QUESTION_MARK => true,
        DOS_QUESTION_MARK => unit != DOT,
        DOS_DOT => unit == DOT,
        _ => fold_unit(wanted) == fold_unit(unit),
    }
}

/// Adds the places that are reached without a character, before `unit` or at the end.
fn skip(pattern: &[u16], places: &mut [bool], unit: Option<u16>) {
    for (place, &wanted) in pattern.iter().enumerate() {
        let is_skipped = match wanted {
            STAR | DOS_STAR => true,
            DOS_QUESTION_MARK => unit.is_none_or(|unit| unit == DOT),
            DOS_DOT => unit.is_none(),
            _ => false,
        };
        places[place + 1] |= places[place] && is_skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
            assert_eq!(matches(&units(pattern), &units(name)), expected, "{pattern} {name}");
        };
        let fits = [
            ("*", ""),
            ("*", "a.b"),
            ("a*c", "abbc"),
            ("A?C", "abc"),
            ("*.txt", "a.b.TXT"),
            ("<.txt", "a.b.txt"),
            ("<.", "a.b."),
            (">>>", "a"),
            (">>>\"txt", "ab.txt"),
            ("a\"", "a"),
            ("a\"", "a."),
            ("<\"*", "readme"),
            ("<\"*", "a.b.c"),
            ("a*b*c*", "aXbYc"),
            ("", ""),
        ];
        for (pattern, name) in fits {
            check(pattern, name, true);
        }
        let misfits = [
            ("*.*", "readme"),
            ("?", ""),
            ("a?", "a"),
            ("<.b", "a.b.c"),
            (">", "ab"),
            ("a\"b", "ab"),
            ("", "a"),
            ("abc", "abcd"),
            ("*.txt", "atxt"),
        ];
        for (pattern, name) in misfits {
            check(pattern, name, false);
        }
        check(&"*a".repeat(120), &"a".repeat(119), false);
    }
}
