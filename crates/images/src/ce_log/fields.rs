//! `NAME=VALUE` with what is printed behind the value: module and offset, structure, process.

use super::letters::{Letter, begins, hexadecimal, is_quote, place, run, text, trimmed};
use vatlas_space::{CrashField, PrintedModule};

/// Names that the forms have. Fields of other names count only beside these.
const KNOWN: [&str; 29] = [
    "Thread",
    "Proc",
    "Thread-Id",
    "Proc-Id",
    "VM-active",
    "AKY",
    "PC",
    "RA",
    "BVA",
    "FSR",
    "SP",
    "Eax",
    "Ebx",
    "Ecx",
    "Edx",
    "Esi",
    "Edi",
    "Ebp",
    "Esp",
    "Eip",
    "CS",
    "DS",
    "ES",
    "SS",
    "FS",
    "GS",
    "EIP",
    "EPC",
    "Epc",
];

/// Letters of the longest name of a module or process.
const LONGEST_NAME: usize = 260;

/// Whether a field of this name is one of the forms.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Whether a text could be the front of a field's name.
fn begins_a_name(part: &str) -> bool {
    !part.is_empty() && KNOWN.iter().any(|known| known.starts_with(part))
}

/// A field in a row of letters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub field: CrashField,
    pub start: usize,
    pub end: usize,
    /// Whether nothing is missing: all digits, brackets and quotes closed.
    pub is_whole: bool,
}

/// The fields of a row from a place on, and where what may be the front of another one begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tokens {
    pub tokens: Vec<Token>,
    /// The line may break off inside of the token that begins here.
    pub tail: Option<usize>,
    /// Fields of a known name whose value is no number: where they begin.
    pub unreadable: Vec<usize>,
}

/// Reads all fields of a row.
pub(super) fn read(row: &[Letter], from: usize) -> Tokens {
    let mut found = Tokens::default();
    let mut at = from;
    let end = row.len() - row.iter().rev().take_while(|letter| letter.char.is_whitespace()).count();
    while let Some(equals) = row.get(at..end).and_then(|rest| rest.iter().position(|letter| letter.char == '=')) {
        let equals = at + equals;
        let start = name_start(row, at, equals);
        match token(row.get(..end).unwrap_or_default(), start, equals) {
            Some(token) => {
                at = token.end;
                found.tokens.push(token);
            }
            None => {
                if is_known(&text(row.get(start..equals).unwrap_or_default())) {
                    match equals + 1 == end {
                        true => found.tail = Some(start),
                        false => found.unreadable.push(start),
                    }
                }
                at = equals + 1;
            }
        }
    }
    found.tail = found.tail.or_else(|| tail(row, end, &found, at));
    found
}

/// Where the name in front of `=` begins.
fn name_start(row: &[Letter], from: usize, equals: usize) -> usize {
    let before = row.get(from..equals).unwrap_or_default();
    let is_part = |letter: &&Letter| letter.char.is_ascii_alphanumeric() || matches!(letter.char, '-' | '_');
    equals - before.iter().rev().take_while(is_part).count()
}

/// Where a token begins that the next line may go on with.
fn tail(row: &[Letter], end: usize, found: &Tokens, at: usize) -> Option<usize> {
    if let Some(last) = found.tokens.last().filter(|last| last.end == end) {
        return Some(last.start);
    }
    let rest = row.get(at..end)?;
    let size = rest.iter().rev().take_while(|letter| letter.char.is_ascii_alphabetic() || letter.char == '-').count();
    let word = rest.get(rest.len() - size..)?;
    begins_a_name(&text(word)).then_some(end - size)
}

/// The field whose `=` is given; `None` when no number follows, or one with too many digits.
fn token(row: &[Letter], start: usize, equals: usize) -> Option<Token> {
    let name = text(row.get(start..equals)?);
    let value = row.get(equals + 1..)?;
    let (number, digits, used) = hexadecimal(value, 8)?;
    let mut end = equals + 1 + used;
    if row.get(end).is_some_and(|letter| letter.char.is_alphanumeric()) {
        return None;
    }
    let is_short = matches!(name.as_str(), "CS" | "DS" | "ES" | "SS" | "FS" | "GS");
    let mut is_whole = digits == if is_short { 4 } else { 8 };
    let mut field = CrashField {
        name,
        value: number as u32,
        module: None,
        structure: None,
        process: None,
        place: place(row.get(start..end)?),
    };
    if row.get(end).is_some_and(|letter| letter.char == '(') {
        match bracket(row, end + 1, &mut field) {
            Some(closed) => end = closed,
            None => {
                is_whole = false;
                end = row.len();
            }
        }
    }
    if matches!(field.name.as_str(), "Proc" | "Proc-Id" | "VM-active") {
        match quoted(row, end) {
            Quoted::Closed(name, closed) => (field.process, end) = (Some(name), closed),
            Quoted::Open => (is_whole, end) = (false, row.len()),
            Quoted::None => is_whole = false,
        }
    }
    field.place = place(row.get(start..end)?);
    Some(Token { field, start, end, is_whole })
}

/// What stands in brackets: `coredll.dll+0x00014680`, `???+0x50616548`, `pth=87e31c98`. Gives the place behind the
/// bracket; `None` when it is not closed, or what is in it is cut.
fn bracket(row: &[Letter], at: usize, field: &mut CrashField) -> Option<usize> {
    let rest = row.get(at..)?;
    let size = run(rest, |char| char != ')');
    rest.get(size)?;
    let inner = rest.get(..size).filter(|inner| inner.len() <= LONGEST_NAME)?;
    if let Some(equals) = inner.iter().position(|letter| letter.char == '=') {
        let (value, _, used) = hexadecimal(inner.get(equals + 1..)?, 8)?;
        if equals + 1 + used != inner.len() {
            return None;
        }
        field.structure = Some(value as u32);
        return Some(at + size + 1);
    }
    let plus = inner.iter().rposition(|letter| letter.char == '+')?;
    let digits = inner.get(plus + 1..)?;
    let (offset, _, used) = hexadecimal(digits, 8)?;
    let name = text(trimmed(inner.get(..plus)?));
    if used != digits.len() || name.is_empty() || !begins(digits, "0x") {
        return None;
    }
    let is_outside = name.chars().all(|char| char == '?');
    let offset = offset as u32;
    field.module =
        Some(if is_outside { PrintedModule::Outside } else { PrintedModule::Inside { module: name, offset } });
    Some(at + size + 1)
}

enum Quoted {
    Closed(String, usize),
    Open,
    None,
}

/// The name in quotes behind a process.
fn quoted(row: &[Letter], at: usize) -> Quoted {
    let rest = row.get(at..).unwrap_or_default();
    let blanks = run(rest, |char| char.is_whitespace() || char == ',');
    let Some(rest) = rest.get(blanks..) else { return Quoted::None };
    match rest.split_first() {
        Some((quote, inner)) if is_quote(quote.char) => {
            let size = run(inner, |char| !is_quote(char));
            match inner.get(size) {
                Some(_) if size <= LONGEST_NAME => {
                    Quoted::Closed(text(inner.get(..size).unwrap_or_default()), at + blanks + size + 2)
                }
                _ => Quoted::Open,
            }
        }
        _ => Quoted::None,
    }
}
