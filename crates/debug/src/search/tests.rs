//! Search against a scan that knows nothing of extents, chunks or anchors; and the grammar, by examples.

use super::{sweep::CHUNK, *};
use crate::{
    testing::{TestTarget, range},
    usage::Usage,
};
use proptest::prelude::*;
use vatlas_space::{PointerWidth, RegionState};

/// All matches, as address and kind.
fn matches(target: &TestTarget, pattern: &str, options: &SearchOptions) -> (Vec<(u64, What)>, SearchSummary) {
    let index = target.index();
    let pattern = Pattern::parse_for(pattern, index.process()).unwrap();
    let mut all = Vec::new();
    let mut found = |found: &Match<'_>| {
        all.push((found.va.0, found.what));
        ControlFlow::Continue(())
    };
    let summary = search(&index, &pattern, options, &mut found, &mut |_| {});
    assert_eq!(summary.matches, all.len() as u64);
    assert!(all.is_sorted_by(|a, b| a.0 < b.0), "each address once, in order");
    (all, summary)
}

/// The addresses at which `pattern` matches in `bytes`, captured from 0x1000 on.
fn check(bytes: &[u8], pattern: &str, expected: &[u64]) {
    let target = TestTarget::new(PointerWidth::Bits32).captured(0x1000, bytes);
    let (found, _) = matches(&target, pattern, &SearchOptions::default());
    let found: Vec<_> = found.iter().map(|(va, _)| va - 0x1000).collect();
    assert_eq!(found, expected, "{pattern}");
}

#[test]
fn bytes() {
    check(b"MZ\x90\0MZ\0", "4d 5a", &[0, 4]);
    check(b"MZ\x90\0MZ\0", "4D5A90", &[0]);
    check(b"MZ\x90\0MZ\0", "4d 5a ?? 00", &[0]);
    check(b"MZ\x90\0MZ\0", "?? 00", &[2, 5]);
    check(b"MZ\x90\0MZ\0", "00 ??", &[3]);
    check(b"@AOP", "4?", &[0, 1, 2]);
    check(b"@AOP", "?f ??", &[2]);
    check(b"\0\0\0\0", "0000", &[0, 1, 2]);
    check(b"\0\0\0\x01\0\x02", "00 00 ?? 01", &[0]);
}

#[test]
fn text() {
    check(b"Hello H\0e\0l\0l\0o\0", "\"Hello\"", &[0, 6]);
    check(b"Hello H\0e\0l\0l\0o\0", "a\"Hello\"", &[0]);
    check(b"Hello H\0e\0l\0l\0o\0", "u\"Hello\"", &[6]);
    check(b"hELLO H\0E\0L\0l\0o\0", "i\"Hello\"", &[0, 6]);
    check(b"hELLO H\0E\0L\0l\0o\0", "UI\"hello\"", &[6]);
    check(b"hELLO@`", "i\"@\"", &[5]);
    check(b"a\"b\\\n\r\t\0", r#""a\"b\\\n\r\t\0""#, &[0]);
    check("5 € £".as_bytes(), r#""\u{20ac} ""#, &[2]);
    check("ГОСТ гост ГоСт".as_bytes(), "i\"гост\"", &[0, 9, 18]);
    check("Ärger ärger".as_bytes(), "i\"ÄRGER\"", &[0, 7]);
    // р is D1 80, Р is D0 A0: masks alone would also take D1 A0 and D0 80.
    check(b"\xd1\x80 \xd0\xa0 \xd1\xa0 \xd0\x80", "ia\"\u{440}\"", &[0, 3]);
}

#[test]
fn numbers_and_pointers() {
    check(b"\0\x34\x12\0", "u16:0x1234", &[1]);
    check(b"\0\x34\x12\0", "u16:4660", &[1]);
    check(b"\xff\xff\xff\xff\0", "u32:-1", &[0]);
    check(b"\x80\x7f", "u8:-128", &[0]);
    check(b"\x01\0\0\0\0\0\0\x80", "u64:0x8000_0000_0000_0001", &[0]);
    check(b"\0\x00\x10\x40\0\0", "ptr:401000", &[1]);
    check(b"\0\x00\x10\x40\0\0", "->401000", &[1]);
    let words = b"\xff\xff\x3f\0\0\0\x40\0\xff\xff\x40\0\0\0\x41\0";
    check(words, "->0x400000..0x410000", &[4, 8]);
    check(words, "->0x400000+0x10000", &[4, 8]);
    check(words, "->3fffff..=410000", &[0, 4, 8, 12]);
    check(b"\xff\xff\xff\xff\xff\xff", "->0..=ffffffff", &[0, 1, 2]);
}

#[test]
fn a_module_is_a_range() {
    let target = TestTarget::new(PointerWidth::Bits32)
        .module(r"C:\app\Beef.dll", 0x40_0000, 0x1000)
        .captured(0x1000, b"\x10\0\x40\0\x00\x10\x40\0");
    for pattern in ["->beef.dll", "->Beef", "->BEEF.DLL"] {
        let (found, _) = matches(&target, pattern, &SearchOptions::default());
        assert_eq!(found, [(0x1000, What::Pointer(PointerWidth::Bits32))], "{pattern}");
    }
    let both = target.module(r"C:\wow64\beef.dll", 0x1000, 0x1000).captured(0x2000, b"\x10\x10\0\0");
    let (found, _) = matches(&both, "->beef", &SearchOptions::default());
    assert_eq!(found.iter().map(|(va, _)| *va).collect::<Vec<_>>(), [0x1000, 0x2000]);
}

#[test]
fn a_wow64_process_has_pointers_of_both_widths() {
    let mut target = TestTarget::new(PointerWidth::Bits64)
        .captured(0x1000, b"\0\x10\x40\0\0\0\0\0\0\x10\x40\0\x01\0\0\0")
        .captured(0x2000, b"\0\x10\x40\0");
    let narrow = |va| (va, What::Pointer(PointerWidth::Bits32));
    let wide = |va| (va, What::Pointer(PointerWidth::Bits64));
    assert_eq!(matches(&target, "ptr:401000", &SearchOptions::default()).0, [wide(0x1000)]);
    target.process().peb32 = Some(Va(0x7000));
    let both = [wide(0x1000), narrow(0x1008), narrow(0x2000)];
    assert_eq!(matches(&target, "ptr:401000", &SearchOptions::default()).0, both);
    assert_eq!(matches(&target, "ptr:1_0040_1000", &SearchOptions::default()).0, [wide(0x1008)]);
}

#[test]
fn alignment_is_marked_and_may_be_asked_for() {
    let target = TestTarget::new(PointerWidth::Bits32).captured(0x1001, b"\x07\0\0\0\x07\0\0\x07\0\0\0");
    let index = target.index();
    let pattern = Pattern::parse_for("u32:7", index.process()).unwrap();
    let run = |aligned_only| {
        let mut all = Vec::new();
        let options = SearchOptions { aligned_only, ..SearchOptions::default() };
        let mut found = |found: &Match<'_>| {
            all.push((found.va.0, found.is_aligned, found.value));
            ControlFlow::Continue(())
        };
        search(&index, &pattern, &options, &mut found, &mut |_| {});
        all
    };
    assert_eq!(run(false), [(0x1001, false, Some(7)), (0x1008, true, Some(7))]);
    assert_eq!(run(true), [(0x1008, true, Some(7))]);
}

#[test]
fn matches_straddle_extents_but_no_hole() {
    let target = TestTarget::new(PointerWidth::Bits32)
        .captured(0x2002, b"llo")
        .captured(0x2000, b"He")
        .captured(0x3000, b"He")
        .captured(0x3003, b"llo");
    let (found, summary) = matches(&target, "a\"Hello\"", &SearchOptions::default());
    assert_eq!(found, [(0x2000, What::Text(TextEncoding::Ascii))]);
    assert_eq!((summary.coverage.extents, summary.searched), (4, 10));
    let cut = TestTarget::new(PointerWidth::Bits32).cut_off(0x2000, b"He++", 2).captured(0x2004, b"llo");
    let (found, summary) = matches(&cut, "a\"Hello\"", &SearchOptions::default());
    assert_eq!((found.len(), summary.unreadable), (0, 2));
}

#[test]
fn both_widths_are_found_once_at_the_end_of_a_chunk() {
    for offset in 0..6 {
        let mut bytes = vec![0; CHUNK + 0x20];
        let first = CHUNK - offset;
        bytes[first..first + 6].copy_from_slice(b"aba\0b\0");
        check(&bytes, "\"ab\"", &[first as u64, first as u64 + 2]);
    }
}

#[test]
fn what_was_not_searched_is_said() {
    let target = TestTarget::new(PointerWidth::Bits32)
        .rest_is_free()
        .private(0x1_0000, 0x3000)
        .reserved(0x2_0000, 0x8000)
        .region(0x3_0000, 0x500, RegionState::Unknown, None, None)
        .module("app.exe", 0x40_0000, 0x100)
        .captured(0x1_1000, &[7; 0x1000])
        .in_image_file(0x40_0000, &[7; 0x100], "app.exe")
        .cut_off(0x1_2000, &[7; 0x800], 0x300);
    let (found, summary) = matches(&target, "07", &SearchOptions::default());
    assert_eq!((found.len(), summary.searched, summary.unreadable), (0x1300, 0x1300, 0x500));
    let expected =
        Coverage { extents: 2, readable: 0x1800, not_captured: 0x1800, in_image_files: 0x100, unknown: 0x500 };
    assert_eq!(summary.coverage, expected);
    let with_files = SearchOptions { image_files: true, ..SearchOptions::default() };
    let (found, summary) = matches(&target, "07", &with_files);
    assert_eq!((found.len(), summary.coverage.in_image_files), (0x1400, 0));
    let within = SearchOptions { within: Some(range(0x1_1ffe, 4)), ..SearchOptions::default() };
    assert_eq!(matches(&target, "07 07", &within).0.len(), 3);
    let nowhere = SearchOptions { within: Some(range(1 << 40, 4)), ..SearchOptions::default() };
    assert_eq!(matches(&target, "07", &nowhere).1, SearchSummary::default());
}

#[test]
fn a_limit_stops_the_search_and_matches_have_owners() {
    let target = TestTarget::new(PointerWidth::Bits32)
        .private(0x1_0000, 0x10_0000)
        .module("app.exe", 0x1000, 0x1000)
        .captured(0x1ffe, &[7; 2])
        .captured(0x1_0000, &[7; 0x10_0000]);
    let index = target.index();
    let pattern = Pattern::parse_for("07", index.process()).unwrap();
    let mut all = Vec::new();
    let mut found = |found: &Match<'_>| {
        all.push((found.va.0, found.owner.usage.clone(), found.region.range));
        if all.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let summary = search(&index, &pattern, &SearchOptions::default(), &mut found, &mut |_| {});
    let image = Usage::Image { module: "app.exe".to_owned(), section: None };
    let expected = [
        (0x1ffe, image.clone(), range(0x1000, 0x1000)),
        (0x1fff, image, range(0x1000, 0x1000)),
        (0x1_0000, Usage::Private, range(0x1_0000, 0x10_0000)),
    ];
    assert_eq!(all, expected);
    assert!(summary.stopped && summary.matches == 3);
    assert!(summary.searched <= 2 + CHUNK as u64, "{summary:?}");
}

#[test]
fn progress_ends_with_all_bytes() {
    let target = TestTarget::new(PointerWidth::Bits32).captured(0, &[0; 3 * CHUNK]).captured(0x100_0000, &[0; 5]);
    let index = target.index();
    let pattern = Pattern::parse_for("\"x\"", index.process()).unwrap();
    let mut steps = Vec::new();
    search(&index, &pattern, &SearchOptions::default(), &mut |_| ControlFlow::Continue(()), &mut |progress| {
        steps.push(progress);
    });
    assert!(steps.len() >= 4 && steps.is_sorted_by_key(|step| step.done), "{steps:?}");
    let total = 3 * CHUNK as u64 + 5;
    assert_eq!(steps.last(), Some(&Progress { done: total, total }));
}

#[test]
fn the_last_address_of_a_space_is_searched() {
    let target = TestTarget::new(PointerWidth::Bits64).captured(u64::MAX - 3, b"abcd");
    let (found, _) = matches(&target, "a\"cd\"", &SearchOptions::default());
    assert_eq!(found, [(u64::MAX - 1, What::Text(TextEncoding::Ascii))]);
}

/// Column and message of the error in a pattern.
fn check_error(pattern: &str, column: usize, words: &str) {
    let target = TestTarget::new(PointerWidth::Bits32);
    let index = target.index();
    let error = Pattern::parse_for(pattern, index.process()).unwrap_err();
    let text = error.to_string();
    assert!(error.column == column && text.contains(words), "{pattern}: {text}");
}

#[test]
fn errors_name_the_column_the_cause_and_a_hint() {
    check_error("", 1, "nothing to search for");
    check_error("4d 5g", 5, "'g' is no hexadecimal digit");
    check_error("Hello", 1, "text in quotes");
    check_error("4d 5 00", 4, "'5' alone is no byte; a byte has two digits or ??");
    check_error("4d5", 3, "'5' alone is no byte");
    check_error("0x1234", 2, "a number needs its size, u32:0x1234");
    check_error("?? ??", 1, "every byte would match");
    check_error("\"Hello", 7, "the closing quote is missing");
    check_error("\"Hello\" x", 8, "nothing may follow the closing quote");
    check_error("\"\"", 2, "an empty text is everywhere");
    check_error("z\"Hello\"", 1, "'z' is no flag of a text; a is ASCII");
    check_error("\"ä\\q\"", 4, "no such escape");
    check_error("\"\\u{d800}\"", 3, "a character's number in braces");
    check_error("\"\\u{+41}\"", 3, "a character's number in braces");
    check_error("u16:0x12345", 5, "0x12345 does not fit in 16 bits");
    check_error("u8:-129", 4, "-129 does not fit in 8 bits");
    check_error("u32:+1", 5, "'+1' is no number; numbers are decimal");
    check_error("u24:1", 1, "'u24' is no size of a number; known are u8:");
    check_error("ptr:100000000", 5, "no pointer of this process can hold such an address");
    check_error("->nothing.dll", 3, "'nothing.dll' is neither an address nor a loaded module");
    check_error("->400000..zz", 11, "'zz' is neither an address nor a loaded module");
    check_error("->400000..400000", 3, "no address lies in this range");
    check_error("->400000+0", 3, "no address lies in this range");
    check_error("->400000+ten", 10, "'ten' is no number");
}

/// Bytes and holes from an address on.
struct Memory {
    first: u64,
    bytes: Vec<Option<u8>>,
}

impl Memory {
    fn get(&self, va: u64) -> Option<u8> {
        self.bytes.get(usize::try_from(va - self.first).unwrap()).copied().flatten()
    }
}

/// A pattern in two forms: the text, and what a scan by hand compares.
#[derive(Clone, Debug)]
enum Naive {
    Bytes(Vec<Option<u8>>),
    Text(String, bool),
    Words(u64, u64, bool),
}

impl Naive {
    fn text(&self) -> String {
        match self {
            Self::Bytes(bytes) => {
                bytes.iter().map(|byte| byte.map_or("??".to_owned(), |byte| format!("{byte:02x}"))).collect()
            }
            Self::Text(text, any_case) => format!("{}\"{text}\"", if *any_case { "i" } else { "" }),
            Self::Words(low, high, _) => format!("->{low:x}..={high:x}"),
        }
    }

    fn aligned_only(&self) -> bool {
        matches!(self, Self::Words(_, _, true))
    }

    /// Whether memory matches at `va`.
    fn is_match(&self, memory: &Memory, va: u64) -> bool {
        let agree = |pattern: &[Option<u8>], any_case: bool| {
            pattern.iter().enumerate().all(|(offset, wanted)| {
                let byte = memory.get(va + offset as u64);
                byte.is_some_and(|byte| {
                    wanted.is_none_or(|wanted| wanted == byte || any_case && wanted.eq_ignore_ascii_case(&byte))
                })
            })
        };
        match self {
            Self::Bytes(bytes) => agree(bytes, false),
            Self::Text(text, any_case) => {
                let narrow: Vec<_> = text.bytes().map(Some).collect();
                let wide: Vec<_> = text.bytes().flat_map(|byte| [Some(byte), Some(0)]).collect();
                agree(&narrow, *any_case) || agree(&wide, *any_case)
            }
            Self::Words(low, high, aligned) => {
                let word: Option<Vec<u8>> = (0..4).map(|offset| memory.get(va + offset)).collect();
                let value = word.map(|word| u64::from(u32::from_le_bytes(word.try_into().unwrap())));
                value.is_some_and(|value| *low <= value && value <= *high) && (!aligned || va.is_multiple_of(4))
            }
        }
    }
}

/// Few different bytes, so that there are matches.
fn byte() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![0_u8, 0, 1, b'a', b'A', b'b'])
}

fn naive() -> impl Strategy<Value = Naive> {
    let bytes = prop::collection::vec(prop::option::weighted(0.8, byte()), 1..6)
        .prop_filter("something is given", |bytes| bytes.iter().any(Option::is_some));
    let text = ("[aAb]{1,4}", any::<bool>());
    let word = || prop::collection::vec(byte(), 4).prop_map(|word| u32::from_le_bytes(word.try_into().unwrap()).into());
    let words = (word(), word(), any::<bool>());
    prop_oneof![
        bytes.prop_map(Naive::Bytes),
        text.prop_map(|(text, any_case)| Naive::Text(text, any_case)),
        words.prop_map(|(one, other, aligned): (u64, u64, bool)| {
            Naive::Words(one.min(other), one.max(other), aligned)
        }),
    ]
}

/// Memory in pieces: some adjoin the one before, some lie behind a hole.
fn pieces() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    prop::collection::vec((prop_oneof![Just(0_u64), 0_u64..4], prop::collection::vec(byte(), 1..60)), 1..8)
}

/// Lays pieces out from `first` on, captured in an order that is not that of addresses.
fn laid_out(first: u64, pieces: &[(u64, Vec<u8>)]) -> (TestTarget, Memory) {
    let mut memory = Memory { first, bytes: Vec::new() };
    let mut placed = Vec::new();
    for (hole, bytes) in pieces {
        memory.bytes.extend((0..*hole).map(|_| None));
        placed.push((first + memory.bytes.len() as u64, bytes));
        memory.bytes.extend(bytes.iter().copied().map(Some));
    }
    placed.sort_by_key(|(_, bytes)| bytes.len());
    let target = TestTarget::new(PointerWidth::Bits32);
    (placed.iter().fold(target, |target, (first, bytes)| target.captured(*first, bytes)), memory)
}

fn check_naive(target: &TestTarget, memory: &Memory, naive: &Naive) {
    let options = SearchOptions { aligned_only: naive.aligned_only(), ..SearchOptions::default() };
    let (found, _) = matches(target, &naive.text(), &options);
    let found: Vec<_> = found.into_iter().map(|(va, _)| va).collect();
    let all = (memory.first..).take(memory.bytes.len());
    let expected: Vec<_> = all.filter(|va| naive.is_match(memory, *va)).collect();
    assert_eq!(found, expected, "{}", naive.text());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn finds_what_a_naive_scan_finds(pieces in pieces(), naive in naive()) {
        let (target, memory) = laid_out(0x1001, &pieces);
        check_naive(&target, &memory, &naive);
    }

    #[test]
    fn any_text_parses_or_is_refused(text in "(->|u32:|ptr:|i?\"|)[ -~ä€0x+.]{0,12}\"?") {
        let target = TestTarget::new(PointerWidth::Bits32);
        let index = target.index();
        if let Err(error) = Pattern::parse_for(&text, index.process()) {
            prop_assert!(error.column <= text.chars().count() + 1, "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// The same around the ends of chunks, wherever extents end.
    #[test]
    fn chunks_leave_no_seam(
        before in prop::collection::vec(byte(), 1..40),
        after in prop::collection::vec(byte(), 1..80),
        tail in prop::collection::vec(byte(), 1..20),
        naive in naive(),
    ) {
        let filling = vec![b'z'; CHUNK - 20 - before.len()];
        let pieces = [(0, before), (0, filling), (0, after), (0, vec![b'z'; CHUNK - 40]), (0, tail)];
        let (target, memory) = laid_out(0x1000, &pieces);
        check_naive(&target, &memory, &naive);
    }
}
