//! An address as a person types it: read it, or say what is wrong and what was probably meant.
//!
//! Accepted are hexadecimal digits with or without `0x` before or `h` behind them, with `` ` ``, `'` or `_` between
//! digits. More significant digits than an address has are refused, never cut off.

mod corrections;

pub use corrections::Correction;

use std::fmt;
use vatlas_space::{LayoutName, PointerWidth, Va};

/// An address that could be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParsedAddress {
    /// The address.
    pub va: Va,
    /// What is odd about the text although it could be read.
    pub warning: Option<String>,
    /// What may have been meant instead, best first; empty without a warning.
    pub alternatives: Vec<Correction>,
}

/// What is wrong with a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressFault {
    /// There is no digit.
    Empty,
    /// A character that is no hexadecimal digit, and its column, from 1.
    BadCharacter {
        /// The character.
        character: char,
        /// Its column in the text, from 1.
        column: usize,
    },
    /// A separator that does not stand between two digits, and its column, from 1.
    BadSeparator {
        /// The separator.
        character: char,
        /// Its column in the text, from 1.
        column: usize,
    },
    /// More significant digits than an address of this space has.
    TooManyDigits {
        /// How many there are.
        digits: usize,
        /// How many fit.
        most: usize,
    },
}

/// A text that is no address: what was typed, what is wrong, and what was probably meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressError {
    /// The text as typed, shortened when it is very long.
    pub text: String,
    /// What is wrong.
    pub fault: AddressFault,
    /// What was probably meant, best first.
    pub corrections: Vec<Correction>,
}

impl fmt::Display for AddressError {
    /// The cause and the best correction; the others are for whoever has room for them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.fault {
            AddressFault::Empty => write!(f, "address '{text}': no digit")?,
            AddressFault::BadCharacter { character, column } => {
                write!(
                    f,
                    "address '{text}': '{}' at column {column} is no hexadecimal digit",
                    character.escape_debug()
                )?;
            }
            AddressFault::BadSeparator { character, column } => {
                write!(f, "address '{text}': the separator {character} at column {column} is not between two digits")?;
            }
            AddressFault::TooManyDigits { digits, most } => {
                write!(f, "address '{text}': {digits} digits, a {}-bit address has at most {most}", most * 4)?;
            }
        }
        match self.corrections.first() {
            Some(best) => write!(f, "; meant perhaps {}: {}", best.text, best.reason),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AddressError {}

/// Letters of a text that an error repeats.
const SHOWN: usize = 40;

/// Reads an address of the layout's space.
///
/// # Errors
/// [`AddressError`] with corrections when the text has a character that is no digit, a stray separator, no digit, or
/// more significant digits than fit.
pub fn parse_address(text: &str, layout: LayoutName) -> Result<ParsedAddress, AddressError> {
    let trimmed = text.trim();
    match digits_of(trimmed) {
        Ok(digits) => from_digits(&digits, layout).map_err(|(fault, corrections)| error(trimmed, fault, corrections)),
        Err(fault) => Err(error(trimmed, fault, corrections::of_letters(trimmed, layout))),
    }
}

fn error(text: &str, fault: AddressFault, corrections: Vec<Correction>) -> AddressError {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    AddressError { text: shown, fault, corrections }
}

/// The digits of a text, without prefix, suffix and separators.
fn digits_of(text: &str) -> Result<String, AddressFault> {
    let prefixed = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let before = text.len() - prefixed.map_or(text.len(), str::len);
    let body = prefixed.unwrap_or(text);
    let body = if prefixed.is_none() { body.strip_suffix(['h', 'H']).unwrap_or(body) } else { body };
    let mut digits = String::new();
    let mut after_digit = false;
    let mut letters = body.chars().enumerate().peekable();
    while let Some((index, character)) = letters.next() {
        let column = before + index + 1;
        let before_digit = letters.peek().is_some_and(|(_, next)| next.is_ascii_hexdigit());
        match character {
            _ if character.is_ascii_hexdigit() => digits.push(character.to_ascii_uppercase()),
            '`' | '\'' | '_' if after_digit && before_digit => {}
            '`' | '\'' | '_' => return Err(AddressFault::BadSeparator { character, column }),
            _ => return Err(AddressFault::BadCharacter { character, column }),
        }
        after_digit = character.is_ascii_hexdigit();
    }
    if digits.is_empty() { Err(AddressFault::Empty) } else { Ok(digits) }
}

fn from_digits(digits: &str, layout: LayoutName) -> Result<ParsedAddress, (AddressFault, Vec<Correction>)> {
    let width = layout.width();
    let most = width.digits();
    let significant = digits.trim_start_matches('0');
    let value = if significant.len() > most { None } else { number(digits) };
    let Some(value) = value else {
        let fault = AddressFault::TooManyDigits { digits: significant.len(), most };
        return Err((fault, corrections::of_digits(significant, layout)));
    };
    let mut parsed = ParsedAddress { va: Va(value), warning: None, alternatives: Vec::new() };
    // Sixteen digits are how a 64-bit debugger writes a 32-bit address: nothing odd about them.
    let usual = digits.len() <= most || (width == PointerWidth::Bits32 && digits.len() == 16);
    if !usual {
        let read_as = corrections::describe(value, layout);
        parsed.warning = Some(format!(
            "{} digits with the leading zeros: read as {value:0most$X}, {read_as}; that may not be what was meant",
            digits.len()
        ));
        parsed.alternatives = corrections::of_digits(digits, layout);
        parsed.alternatives.retain(|other| other.va != parsed.va);
    }
    Ok(parsed)
}

/// The number that up to 16 significant digits write.
fn number(digits: &str) -> Option<u64> {
    match digits.trim_start_matches('0') {
        "" => Some(0),
        significant => u64::from_str_radix(significant, 16).ok(),
    }
}
