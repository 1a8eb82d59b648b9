//! Headings: where the text of a crash begins, wherever in a line that is.

use super::letters::{Letter, begins, decimal, hexadecimal, is_quote, run, text, trimmed};
use vatlas_space::CrashForm;

/// The front of a crash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Heading {
    /// Its first letter.
    pub start: usize,
    /// Behind it: where the fields begin.
    pub fields: usize,
    pub form: CrashForm,
    pub kind: String,
    pub number: Option<i64>,
    pub is_number_hex: bool,
}

/// What a search for a heading ends with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// A heading.
    Heading(Heading),
    /// The line ends inside of what may be one, that begins here.
    Begun(usize),
    /// None.
    Nothing,
}

/// Kinds that were seen in real logs. Others are taken too, where the rest of the heading leaves no doubt.
const KINDS: [&str; 8] = [
    "Data Abort",
    "Prefetch Abort",
    "RaiseException",
    "Raised Exception",
    "Access Violation",
    "Undefined Instruction",
    "Illegal Instruction",
    "Divide By Zero",
];

/// Letters of a kind that is not known.
const LONGEST_KIND: usize = 40;

/// The first heading at or behind `from`.
pub(super) fn find(row: &[Letter], from: usize) -> Found {
    for at in from..row.len() {
        let Some(rest) = row.get(at..) else { break };
        let found = match rest.first().map(|letter| letter.char) {
            Some('E') if begins(rest, "Exception") => exception(row, at),
            Some('T') if begins(rest, "Thread") => thread(row, at, from),
            Some(_) if at_end_of_kind(row, at) => begun_thread(row, at, from),
            _ => Found::Nothing,
        };
        if found != Found::Nothing {
            return found;
        }
    }
    // A line may break off right behind the kind.
    begun_thread(row, row.len(), from)
}

fn skip_blanks(row: &[Letter], at: usize) -> usize {
    at + run(row.get(at..).unwrap_or_default(), char::is_whitespace)
}

/// `Exception 'Data Abort' (4):` or `Exception 003 PC=`
fn exception(row: &[Letter], start: usize) -> Found {
    let at = skip_blanks(row, start + "Exception".len());
    let Some(first) = row.get(at) else { return Found::Begun(start) };
    if is_quote(first.char) {
        return quoted_exception(row, start, at + 1);
    }
    let Some(rest) = row.get(at..) else { return Found::Nothing };
    let Some((number, digits, used)) = hexadecimal(rest, 3) else { return Found::Nothing };
    let fields = skip_blanks(row, at + used);
    let is_short = digits == used && row.get(fields..).is_some_and(|rest| begins(rest, "PC="));
    if !is_short {
        return Found::Nothing;
    }
    let kind = format!("Exception {}", text(row.get(at..at + used).unwrap_or_default()));
    let number = Some(number as i64);
    Found::Heading(Heading { start, fields, form: CrashForm::Short, kind, number, is_number_hex: false })
}

/// What follows the opening quote: `Data Abort' (4):`, `Data Abort' (0x4):`, `Raised Exception' (-1):`.
fn quoted_exception(row: &[Letter], start: usize, name: usize) -> Found {
    let rest = row.get(name..).unwrap_or_default();
    let size = run(rest, |char| !is_quote(char));
    let kind = rest.get(..size).unwrap_or_default();
    if size > LONGEST_KIND {
        return Found::Nothing;
    }
    let at = skip_blanks(row, name + size + 1);
    match row.get(at).map(|letter| letter.char) {
        None => return Found::Begun(start),
        Some('(') => {}
        Some(_) => return Found::Nothing,
    }
    let inner = row.get(at + 1..).unwrap_or_default();
    let size = run(inner, |char| char.is_ascii_alphanumeric() || char == '-');
    match inner.get(size).map(|letter| letter.char) {
        None => return Found::Begun(start),
        Some(')') => {}
        Some(_) => return Found::Nothing,
    }
    let inner = inner.get(..size).unwrap_or_default();
    let Some((number, is_number_hex)) = number(inner) else { return Found::Nothing };
    let after = skip_blanks(row, at + size + 2);
    let fields = if row.get(after).is_some_and(|letter| letter.char == ':') { after + 1 } else { after };
    let kind = text(trimmed(kind));
    Found::Heading(Heading { start, fields, form: CrashForm::Ce6, kind, number: Some(number), is_number_hex })
}

/// A number in brackets: decimal with a sign, or hexadecimal with `0x`.
fn number(letters: &[Letter]) -> Option<(i64, bool)> {
    if begins(letters, "0x") {
        let (value, _, used) = hexadecimal(letters, 8)?;
        // A negative number is printed with all digits.
        return (used == letters.len()).then_some((i64::from(value as u32 as i32), true));
    }
    let (sign, digits) = match letters.split_first() {
        Some((first, rest)) if first.char == '-' => (-1, rest),
        _ => (1, letters),
    };
    let (value, used) = decimal(digits)?;
    let value = i64::try_from(value).ok()?;
    (used == digits.len()).then(|| (value.saturating_mul(sign), false))
}

/// `Data Abort: Thread=9352cc9c`, given where `Thread` stands; the kind stands in front of it.
fn thread(row: &[Letter], at: usize, from: usize) -> Found {
    let Some((start, kind, is_known)) = kind_before(row, at, from) else { return Found::Nothing };
    let equals = at + "Thread".len();
    let Some(letter) = row.get(equals) else { return Found::Begun(start) };
    if letter.char != '=' {
        return Found::Nothing;
    }
    let digits = run(row.get(equals + 1..).unwrap_or_default(), |char| char.is_ascii_hexdigit());
    let end = equals + 1 + digits;
    let is_cut = end == row.len();
    // Other programs print "Thread=" too: an unknown kind needs the whole form.
    let has_process = row.get(skip_blanks(row, end)..).is_some_and(|rest| begins(rest, "Proc="));
    let is_whole = digits == 8 && has_process;
    if !is_known && !is_whole {
        return Found::Nothing;
    }
    if digits == 0 && !is_cut {
        return Found::Nothing;
    }
    let (form, number, is_number_hex) = (CrashForm::Ce5, None, false);
    Found::Heading(Heading { start, fields: at, form, kind, number, is_number_hex })
}

/// Whether the line may end inside of `Thread=` here, behind a known kind and its colon.
fn at_end_of_kind(row: &[Letter], at: usize) -> bool {
    let rest = row.get(at..).unwrap_or_default();
    row.get(at).is_some_and(|letter| letter.char == ':')
        && rest.len() <= " Thread=".len()
        && " Thread=".contains(&text(rest.get(1..).unwrap_or_default()))
}

fn begun_thread(row: &[Letter], colon: usize, from: usize) -> Found {
    match known_kind(row, colon, from) {
        Some((start, _)) => Found::Begun(start),
        None => Found::Nothing,
    }
}

/// The kind in front of `Thread=`: its first letter, its text, whether it is a known one.
fn kind_before(row: &[Letter], at: usize, from: usize) -> Option<(usize, String, bool)> {
    let before = row.get(from..at)?;
    let colon = from + before.iter().rposition(|letter| !letter.char.is_whitespace())?;
    if row.get(colon)?.char != ':' {
        return None;
    }
    if let Some((start, kind)) = known_kind(row, colon, from) {
        return Some((start, kind, true));
    }
    let before = row.get(from..colon)?;
    let is_kind =
        |letter: &&Letter| letter.char.is_alphanumeric() || matches!(letter.char, ' ' | '-' | '_' | '(' | ')');
    let size = before.iter().rev().take_while(is_kind).count();
    let kind = trimmed(before.get(before.len() - size..)?);
    let start = kind.first()?;
    if kind.len() > LONGEST_KIND || !start.char.is_alphabetic() {
        return None;
    }
    let start = row.iter().position(|letter| letter.first == start.first)?;
    Some((start, text(kind), false))
}

/// The known kind that ends in front of a colon.
fn known_kind(row: &[Letter], colon: usize, from: usize) -> Option<(usize, String)> {
    let before = row.get(from..colon)?;
    let before = before.get(..before.iter().rposition(|letter| !letter.char.is_whitespace())? + 1)?;
    KINDS.iter().find_map(|kind| {
        let start = before.len().checked_sub(kind.len())?;
        begins(before.get(start..)?, kind).then(|| (from + start, (*kind).to_owned()))
    })
}
