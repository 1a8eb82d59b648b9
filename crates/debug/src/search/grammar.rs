//! The grammar of search patterns.
//!
//! ```text
//! pattern = text | integer | pointer | bytes ;
//!
//! text    = { flag } , '"' , { character | escape } , '"' ;       both widths, unless a flag says which
//! flag    = "a"                                                   ASCII, or UTF-8 beyond it
//!         | "u"                                                   UTF-16, little-endian
//!         | "i" ;                                                 upper and lower case alike
//! escape  = '\"' | '\\' | '\n' | '\r' | '\t' | '\0' | '\u{' , hex , { hex } , '}' ;
//!
//! integer = ( "u8" | "u16" | "u32" | "u64" ) , ":" , [ "-" ] , number ;
//! pointer = "ptr:" , address                                      pointer-sized, exactly this value
//!         | "->" , module                                         into the loaded images of this name
//!         | "->" , address , [ ".." , address                     up to, without the second
//!                            | "..=" , address                    up to and with the second
//!                            | "+" , number ] ;                   so many bytes
//! number  = decimal digits | "0x" , hex , { hex } ;
//! address = [ "0x" ] , hex , { hex } ;                            hexadecimal, always
//!
//! bytes   = place , place , { place , place } ;                   spaces between bytes or none
//! place   = hex | "?" ;                                           "??" is any byte, "4?" 0x40 to 0x4f
//! ```
//!
//! Letters of flags, prefixes and digits may be of either case. `_` and `` ` `` in a number are skipped: addresses
//! are often copied as `` 00007ff6`a1b20000 ``. "Upper and lower case alike" holds for every letter whose two forms
//! take the same number of bytes, so not for `ß` and `ẞ`.

use super::{
    matcher::{Choice, Matcher, Place},
    pattern::{Alternative, Pattern, TextEncoding, What},
};
use std::fmt;
use vatlas_space::{PointerWidth, Process, Va, VaRange};

/// A text is no pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternError {
    /// The character at which it goes wrong, counted from one.
    pub column: usize,
    /// What is wrong there.
    pub cause: String,
    /// What may have been meant.
    pub hint: Option<&'static str>,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern, column {}: {}", self.column, self.cause)?;
        self.hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for PatternError {}

type Parsed<T> = Result<T, PatternError>;

/// What a pattern may refer to.
pub struct Names<'a> {
    /// Widths of a pointer: one, or two in a WOW64 process.
    pub widths: &'a [PointerWidth],
    /// The addresses of the loaded images of a name; none when there is no such image.
    pub modules: &'a dyn Fn(&str) -> Vec<VaRange>,
}

/// The widths that pointers have in a process, the native one first: two when it has a 32-bit side as well.
pub fn pointer_widths(process: &Process) -> &'static [PointerWidth] {
    let is_emulated = process.peb32.is_some() || process.threads.iter().any(|thread| thread.sides.len() > 1);
    match process.width {
        PointerWidth::Bits32 => &[PointerWidth::Bits32],
        PointerWidth::Bits64 if is_emulated => &[PointerWidth::Bits64, PointerWidth::Bits32],
        PointerWidth::Bits64 => &[PointerWidth::Bits64],
    }
}

/// The addresses of the loaded images of a process that have this file name, in any case, with or without
/// extension. There may be several: a WOW64 process has an `ntdll.dll` for each side.
pub fn module_ranges(process: &Process, name: &str) -> Vec<VaRange> {
    let is_called = |full: &str| {
        let stem = full.rsplit_once('.').map(|(stem, _)| stem);
        full.eq_ignore_ascii_case(name) || stem.is_some_and(|stem| stem.eq_ignore_ascii_case(name))
    };
    let modules = process.modules.iter().filter(|module| !name.is_empty() && is_called(module.name()));
    modules.map(|module| module.range).collect()
}

impl Pattern {
    /// Reads a pattern in the grammar above.
    ///
    /// # Errors
    /// The text is no pattern: where, why, and what may have been meant.
    pub fn parse(text: &str, names: &Names<'_>) -> Parsed<Self> {
        let parser = Parser { whole: text, names };
        let alternatives = parser.pattern()?;
        Self::of(alternatives).ok_or_else(|| parser.fail(text, "nothing to search for", None))
    }

    /// As [`Self::parse`], with the pointers and modules of a process.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_for(text: &str, process: &Process) -> Parsed<Self> {
        let modules = |name: &str| module_ranges(process, name);
        Self::parse(text, &Names { widths: pointer_widths(process), modules: &modules })
    }
}

const BYTES_HINT: Option<&str> =
    Some("bytes are written 4d 5a ?? 00, text in quotes \"Hello\", numbers u32:0x1234, pointers ptr:401000");

struct Parser<'a> {
    whole: &'a str,
    names: &'a Names<'a>,
}

impl Parser<'_> {
    /// The error at the front of `rest`, which is the end of the text or a part of it.
    fn fail(&self, rest: &str, cause: impl Into<String>, hint: Option<&'static str>) -> PatternError {
        let offset = (rest.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        let before = self.whole.get(..offset).unwrap_or_default();
        PatternError { column: before.chars().count() + 1, cause: cause.into(), hint }
    }

    fn pattern(&self) -> Parsed<Vec<Alternative>> {
        let text = self.whole.trim();
        if text.is_empty() {
            return Err(self.fail(text, "nothing to search for", BYTES_HINT));
        }
        if let Some((flags, quoted)) = text.split_once('"')
            && flags.chars().all(|flag| flag.is_ascii_alphabetic())
        {
            return self.text(flags, quoted);
        }
        if let Some(rest) = text.strip_prefix("->") {
            return self.pointer_into(rest.trim_start());
        }
        match text.split_once(':') {
            Some((size, number)) => self.integer(size, number.trim_start()),
            None => self.bytes(text),
        }
    }
}

/// `bytes`
impl Parser<'_> {
    fn bytes(&self, text: &str) -> Parsed<Vec<Alternative>> {
        let mut places = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let second = rest[first.len_utf8()..].chars().next().filter(|letter| !letter.is_whitespace());
            let high = self.half(rest, first)?;
            let Some(second) = second else {
                return Err(self.fail(
                    rest,
                    format!("'{first}' alone is no byte"),
                    Some("a byte has two digits or ??"),
                ));
            };
            let low = self.half(&rest[first.len_utf8()..], second)?;
            places.push(Place { value: high.value << 4 | low.value, mask: high.mask << 4 | low.mask });
            rest = rest[first.len_utf8() + second.len_utf8()..].trim_start();
        }
        let matcher = Matcher::masked(places, Vec::new());
        let matcher = matcher.ok_or_else(|| {
            self.fail(text, "every byte would match", Some("at least one digit must be given beside the wildcards"))
        })?;
        Ok(vec![Alternative { what: What::Bytes, matcher }])
    }

    /// One `place`, in the low four bits.
    fn half(&self, rest: &str, letter: char) -> Parsed<Place> {
        match (letter, letter.to_digit(16)) {
            ('?', _) => Ok(Place::ANY),
            (_, Some(digit)) => Ok(Place { value: digit as u8, mask: 0xf }),
            ('x' | 'X', None) => {
                let hint = "bytes are written without 0x; a number needs its size, u32:0x1234, or ptr:0x1234";
                Err(self.fail(rest, "'x' is no hexadecimal digit", Some(hint)))
            }
            _ => Err(self.fail(rest, format!("'{letter}' is no hexadecimal digit"), BYTES_HINT)),
        }
    }
}

/// `text`
impl Parser<'_> {
    fn text(&self, flags: &str, quoted: &str) -> Parsed<Vec<Alternative>> {
        let (mut narrow, mut wide, mut any_case) = (false, false, false);
        for (index, flag) in flags.char_indices() {
            match flag.to_ascii_lowercase() {
                'a' => narrow = true,
                'u' => wide = true,
                'i' => any_case = true,
                _ => {
                    let hint = "a is ASCII or UTF-8, u is UTF-16, i is for either case";
                    return Err(self.fail(&flags[index..], format!("'{flag}' is no flag of a text"), Some(hint)));
                }
            }
        }
        let text = self.characters(quoted)?;
        let narrow_encoding = if text.is_ascii() { TextEncoding::Ascii } else { TextEncoding::Utf8 };
        let encodings = [(TextEncoding::Utf16, wide || !narrow), (narrow_encoding, narrow || !wide)];
        let wanted = encodings.into_iter().filter(|(_, wanted)| *wanted).map(|(encoding, _)| encoding);
        let alternatives = wanted.filter_map(|encoding| {
            let (places, choices) = spelled(&text, encoding, any_case);
            Some(Alternative { what: What::Text(encoding), matcher: Matcher::masked(places, choices)? })
        });
        Ok(alternatives.collect())
    }

    /// The characters up to the closing quote, which ends the pattern.
    fn characters(&self, quoted: &str) -> Parsed<String> {
        let mut text = String::new();
        let mut letters = quoted.char_indices();
        while let Some((index, letter)) = letters.next() {
            match letter {
                '"' if quoted.len() > index + 1 => {
                    let hint = Some("a quote inside a text is written \\\"");
                    return Err(self.fail(&quoted[index + 1..], "nothing may follow the closing quote", hint));
                }
                '"' if text.is_empty() => return Err(self.fail(&quoted[index..], "an empty text is everywhere", None)),
                '"' => return Ok(text),
                '\\' => {
                    let (character, length) = self.escape(&quoted[index + 1..])?;
                    text.push(character);
                    letters.by_ref().take(length).for_each(drop);
                }
                other => text.push(other),
            }
        }
        let end = &quoted[quoted.len()..];
        Err(self.fail(end, "the closing quote is missing", Some("most shells take quotes away: write '\"Hello\"'")))
    }

    /// The character of the escape behind a backslash, and how many characters write it.
    fn escape(&self, rest: &str) -> Parsed<(char, usize)> {
        const HINT: Option<&str> = Some("known are \\\" \\\\ \\n \\r \\t \\0 \\u{20ac}");
        let simple = match rest.chars().next() {
            Some(letter @ ('"' | '\\')) => letter,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some('u') => {
                let digits =
                    rest[1..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
                let number =
                    digits.and_then(|digits| unsigned(digits, 16)).and_then(|number| u32::try_from(number).ok());
                let character = number.and_then(char::from_u32);
                let length = digits.map_or(0, |digits| digits.chars().count() + 3);
                return character
                    .map(|character| (character, length))
                    .ok_or_else(|| self.fail(rest, "\\u needs a character's number in braces", HINT));
            }
            _ => return Err(self.fail(rest, "no such escape", HINT)),
        };
        Ok((simple, 1))
    }
}

/// The bytes of a text, and where letters of either case leave a choice that masks cannot tell.
fn spelled(text: &str, encoding: TextEncoding, any_case: bool) -> (Vec<Place>, Vec<Choice>) {
    let mut places = Vec::new();
    let mut choices = Vec::new();
    for character in text.chars() {
        let spellings = spellings(character, encoding, any_case);
        let index = places.len();
        let length = spellings.first().map_or(0, Vec::len);
        let mut free_bits = 0;
        for at in 0..length {
            let common = |bit: fn(u8, u8) -> u8, start| spellings.iter().map(|one| one[at]).fold(start, bit);
            let (all, some) = (common(|a, b| a & b, 0xff), common(|a, b| a | b, 0));
            free_bits += (all ^ some).count_ones();
            places.push(Place { value: all, mask: !(all ^ some) });
        }
        // A mask with n free bits stands for 2^n spellings.
        if 1_usize.checked_shl(free_bits) != Some(spellings.len()) {
            choices.push(Choice { index, spellings });
        }
    }
    (places, choices)
}

/// The ways to write a character that are as long as its own.
fn spellings(character: char, encoding: TextEncoding, any_case: bool) -> Vec<Vec<u8>> {
    let encode = |character: char| match encoding {
        TextEncoding::Utf16 => character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        TextEncoding::Ascii | TextEncoding::Utf8 => character.encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
    };
    let own: Vec<u8> = encode(character);
    let length = own.len();
    let mut all = vec![own];
    if any_case {
        let lower: Vec<char> = character.to_lowercase().collect();
        let upper: Vec<char> = character.to_uppercase().collect();
        let single = [lower, upper].into_iter().filter(|form| form.len() == 1).flatten();
        all.extend(single.map(encode).filter(|form| form.len() == length));
    }
    all.sort();
    all.dedup();
    all
}

/// `integer` and `pointer`
impl Parser<'_> {
    fn integer(&self, size: &str, text: &str) -> Parsed<Vec<Alternative>> {
        let bytes: usize = match size.trim_end().to_ascii_lowercase().as_str() {
            "u8" => 1,
            "u16" => 2,
            "u32" => 4,
            "u64" => 8,
            "ptr" => {
                let va = self.address(text)?;
                return self.pointers(text, VaRange::new(va, va));
            }
            _ => {
                let hint = Some("known are u8: u16: u32: u64: ptr:");
                return Err(self.fail(size, format!("'{size}' is no size of a number"), hint));
            }
        };
        let digits = text.strip_prefix('-');
        let value = self.number(digits.unwrap_or(text))?;
        let bits = bytes as u32 * 8;
        // Negative numbers reach half as far: -0x80 is the least of eight bits.
        let most = if digits.is_some() { 1 << (bits - 1) } else { u64::MAX >> (64 - bits) };
        if value > most {
            return Err(self.fail(text, format!("{text} does not fit in {bits} bits"), None));
        }
        let value = if digits.is_some() { value.wrapping_neg() } else { value };
        let matcher = Matcher::plain(&value.to_le_bytes()[..bytes]);
        Ok(matcher.map(|matcher| Alternative { what: What::Integer(bytes), matcher }).into_iter().collect())
    }

    fn pointer_into(&self, text: &str) -> Parsed<Vec<Alternative>> {
        let modules = (self.names.modules)(text);
        if !modules.is_empty() {
            let into = modules.into_iter().map(|range| self.pointers(text, Some(range)));
            return Ok(into.collect::<Parsed<Vec<_>>>()?.concat());
        }
        let range = if let Some((first, last)) = text.split_once("..=") {
            VaRange::new(self.address(first)?, self.address(last)?)
        } else if let Some((first, end)) = text.split_once("..") {
            let (first, end) = (self.address(first)?, self.address(end)?);
            end.checked_sub(1).and_then(|last| VaRange::new(first, last))
        } else if let Some((first, size)) = text.split_once('+') {
            VaRange::sized(self.address(first)?, self.number(size.trim_start())?)
        } else {
            let va = self.address(text)?;
            VaRange::new(va, va)
        };
        self.pointers(text, range)
    }

    fn pointers(&self, text: &str, range: Option<VaRange>) -> Parsed<Vec<Alternative>> {
        let range = range.ok_or_else(|| {
            self.fail(text, "no address lies in this range", Some("it ends where it begins, below, or past the last"))
        })?;
        match Pattern::pointers_into(range, self.names.widths) {
            Some(pattern) => Ok(pattern.alternatives().to_vec()),
            None => Err(self.fail(text, "no pointer of this process can hold such an address", None)),
        }
    }

    fn number(&self, text: &str) -> Parsed<u64> {
        let lower = plain_digits(text);
        let value = match lower.strip_prefix("0x") {
            Some(digits) => unsigned(digits, 16),
            None => unsigned(&lower, 10),
        };
        value.ok_or_else(|| {
            let hint = "numbers are decimal, or hexadecimal after 0x, and have 64 bits at most";
            self.fail(text, format!("'{text}' is no number"), Some(hint))
        })
    }

    fn address(&self, text: &str) -> Parsed<Va> {
        let lower = plain_digits(text);
        let value = unsigned(lower.strip_prefix("0x").unwrap_or(&lower), 16);
        value.map(Va).ok_or_else(|| {
            let hint = "an address is hexadecimal, a range 400000..410000 or 400000+0x10000; 'vatlas modules' lists \
                        the names of modules";
            self.fail(text, format!("'{}' is neither an address nor a loaded module", text.trim()), Some(hint))
        })
    }
}

fn plain_digits(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|letter| !matches!(letter, '_' | '`'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// As `from_str_radix`, without the sign that it takes.
fn unsigned(digits: &str, radix: u32) -> Option<u64> {
    digits.chars().all(|digit| digit.is_digit(radix)).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}
