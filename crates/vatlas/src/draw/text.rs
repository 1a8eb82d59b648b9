//! Text inside pictures: names from a file are hostile, so what could act on a reader is replaced or escaped.

use std::borrow::Cow;
use vatlas_debug::{map::MapEntry, picture::is_guard};
use vatlas_space::{Va, VaRange};

/// The text with every character replaced that a terminal, a browser or XML would act on instead of showing:
/// controls, direction marks, line separators, non-characters.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(acts) { Cow::Owned(text.replace(acts, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Printable text for XML and HTML, between tags and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A size in the largest unit that it reaches, with at most one decimal: `64 KB`, `1.5 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1024 {
        return if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") };
    }
    if bytes == u64::MAX {
        return "16 EB".into();
    }
    let unit = (63 - bytes.leading_zeros() as usize) / 10;
    let tenths = (u128::from(bytes) * 10) >> (unit * 10);
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit - 1]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit - 1]),
    }
}

/// A range with as many digits as its higher end needs.
pub fn range(range: VaRange) -> String {
    format!("{}-{}", address(range.first(), range), address(range.last(), range))
}

/// An address with as many digits as the end of `whole` needs.
pub fn address(va: Va, whole: VaRange) -> String {
    let digits = if whole.last().0 > u64::from(u32::MAX) { 18 } else { 10 };
    format!("{va:#0digits$x}")
}

/// An address with eight digits where they are enough, else with as few as it needs.
pub fn short_address(va: Va) -> String {
    format!("{va:#010x}")
}

/// State, kind and protection of a row: `committed image, PAGE_READONLY`.
pub fn nature(entry: &MapEntry) -> String {
    let mut text = entry.region.state.to_string();
    if let Some(kind) = entry.region.kind {
        text = format!("{text} {kind}");
    }
    if let Some(protection) = entry.region.protection {
        text = format!("{text}, {protection}");
    }
    if is_guard(entry) && !text.contains("GUARD") {
        text.push_str(", guard");
    }
    text
}

/// How much of a row the target holds, in words.
pub fn captured(entry: &MapEntry) -> String {
    let whole = entry.range.size();
    match entry.captured {
        0 => "nothing captured".into(),
        captured if captured >= whole => "all captured".into(),
        captured => format!("{} captured", size(captured)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_printable(input: &str, expected: &str) {
        assert_eq!(printable(input), expected);
    }

    #[test]
    fn what_would_act_is_replaced() {
        check_printable("kernel32.dll", "kernel32.dll");
        check_printable("Größe 页.dll", "Größe 页.dll");
        check_printable("a\u{1b}[2Jb\r\n\tc\u{7f}\u{9b}", "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}\u{fffd}");
        check_printable("gpj.\u{202e}exe\u{2028}\u{feff}\u{ffff}", "gpj.\u{fffd}exe\u{fffd}\u{fffd}\u{fffd}");
        assert!(matches!(printable("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("<a b='c' d=\"e\">&\0"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KB"),
            (0x1_8000, "96 KB"),
            (0x18_0000, "1.5 MB"),
            (1 << 32, "4 GB"),
            (1 << 47, "128 TB"),
            (u64::MAX - 1, "15.9 EB"),
            (u64::MAX, "16 EB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn addresses_of_one_picture_have_the_same_digits() {
        let wide = VaRange::new(Va(0), Va(u64::MAX)).unwrap();
        assert_eq!(address(Va(0x1000), wide), "0x0000000000001000");
        assert_eq!(range(VaRange::new(Va(0), Va(0xfff)).unwrap()), "0x00000000-0x00000fff");
    }
}
