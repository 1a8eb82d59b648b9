//! Addresses as people type them: what is read, what is refused, and what is offered instead.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use vatlas_rules::{
    address_text::{AddressFault, ParsedAddress},
    parse_address,
};
use vatlas_space::LayoutName::{self, Ce5, Ce6, Nt32, Nt64};

fn check(text: &str, layout: LayoutName, expected: u64) -> ParsedAddress {
    let parsed = parse_address(text, layout).unwrap();
    assert_eq!(parsed.va.0, expected, "{text}");
    parsed
}

#[test]
fn accepted() {
    for (text, layout, expected) in [
        ("00012345", Ce5, 0x1_2345),
        ("0x00012345", Ce5, 0x1_2345),
        ("0X12345", Ce5, 0x1_2345),
        ("12345h", Ce5, 0x1_2345),
        ("359abcde", Ce5, 0x359a_bcde),
        (" 0 ", Ce5, 0),
        ("00000000`12345678", Ce5, 0x1234_5678),
        ("00007ff6`12345678", Nt64, 0x7ff6_1234_5678),
        ("7ff6'1234_5678", Nt64, 0x7ff6_1234_5678),
        ("ffffffffffffffff", Nt64, u64::MAX),
        ("deadbeef", Nt32, 0xdead_beef),
    ] {
        assert_eq!(check(text, layout, expected).warning, None, "{text}");
    }
}

fn check_error(text: &str, layout: LayoutName, fault: AddressFault, corrections: &[&str]) {
    let error = parse_address(text, layout).unwrap_err();
    assert_eq!(error.fault, fault, "{text}");
    let found: Vec<&str> = error.corrections.iter().map(|correction| correction.text.as_str()).collect();
    assert_eq!(found, corrections, "{text}");
}

const NINE: AddressFault = AddressFault::TooManyDigits { digits: 9, most: 8 };

#[test]
fn nine_digits_are_refused_with_corrections_best_first() {
    check_error(
        "0x3519ABCDE",
        Ce5,
        NINE,
        &["359ABCDE", "3519ABCD", "519ABCDE", "319ABCDE", "351ABCDE", "3519BCDE", "3519ACDE", "3519ABDE", "3519ABCE"],
    );
    let error = parse_address("3519ABCDE", Ce5).unwrap_err();
    let reasons: Vec<&str> = error.corrections.iter().map(|correction| correction.reason.as_str()).collect();
    assert!(reasons[0].starts_with("34000000 + 019ABCDE"), "{}", reasons[0]);
    assert!(reasons[0].ends_with("slot 26: process 25, offset 19ABCDE"), "{}", reasons[0]);
    assert_eq!(reasons[1], "the last digit dropped; slot 26: process 25, offset 119ABCD");
    assert_eq!(reasons[2], "without the digit 3 at place 1; slot 40 (slots 33-61: shared area), offset 19ABCDE");
}

#[test]
fn without_slots_the_last_digit_goes_first() {
    let error = parse_address("3519ABCDE", Nt32).unwrap_err();
    assert_eq!(error.corrections[0].text, "3519ABCD");
    assert_eq!(error.corrections.len(), 9);
    assert!(
        error.to_string().starts_with("address '3519ABCDE': 9 digits, a 32-bit address has at most 8; meant perhaps")
    );
}

#[test]
fn equal_corrections_are_offered_once() {
    check_error("111111111", Ce6, NINE, &["11111111"]);
}

#[test]
fn many_digits() {
    let sixteen = AddressFault::TooManyDigits { digits: 16, most: 8 };
    check_error("FFFFFFFF80001000", Nt32, sixteen, &["80001000"]);
    check_error("FFFFFFFF70001000", Nt32, sixteen, &["FFFFFFFF", "70001000"]);
    let error = parse_address("12345678123456789", Nt64).unwrap_err();
    assert_eq!(error.fault, AddressFault::TooManyDigits { digits: 17, most: 16 });
    assert_eq!(error.corrections[0].text, "1234567812345678");
}

#[test]
fn a_leading_zero_is_read_with_a_warning() {
    let parsed = check("0519ABCDE", Ce5, 0x519a_bcde);
    let warning = parsed.warning.unwrap();
    assert!(warning.contains("read as 519ABCDE") && warning.contains("slot 40"), "{warning}");
    let others: Vec<&str> = parsed.alternatives.iter().map(|other| other.text.as_str()).collect();
    assert_eq!(others[..2], ["059ABCDE", "0519ABCD"]);
    assert!(parsed.alternatives[1].reason.contains("slot 2: process 1, offset 119ABCD"));
    assert_eq!(check("0519ABCD", Ce5, 0x0519_abcd).warning, None);
}

#[test]
fn words_and_stray_characters() {
    let bad = |character, column| AddressFault::BadCharacter { character, column };
    let stray = |character, column| AddressFault::BadSeparator { character, column };
    check_error("", Ce5, AddressFault::Empty, &[]);
    check_error("0x", Ce5, AddressFault::Empty, &[]);
    check_error("h", Ce5, AddressFault::Empty, &[]);
    check_error("crash", Ce5, bad('r', 2), &[]);
    check_error("0x12345h", Ce5, bad('h', 8), &[]);
    check_error("12 34", Ce5, bad(' ', 3), &[]);
    check_error("-1", Ce5, bad('-', 1), &[]);
    check_error("12``34", Ce5, stray('`', 3), &[]);
    check_error("`1234", Ce5, stray('`', 1), &[]);
    check_error("1234_", Ce5, stray('_', 5), &[]);
    check_error("0O4Ol000", Ce5, bad('O', 2), &["00401000"]);
    check_error("１２", Ce5, bad('１', 1), &[]);
}

#[test]
fn long_texts_are_shortened() {
    let error = parse_address(&"7".repeat(100_000), Nt64).unwrap_err();
    assert_eq!(error.text.len(), 43);
    assert_eq!(error.corrections.len(), 1);
    let error = parse_address(&"x".repeat(100_000), Nt64).unwrap_err();
    assert_eq!(error.fault, AddressFault::BadCharacter { character: 'x', column: 1 });
}
