//! Memory as rows of numbers and as text: `dw`, `dd`, `dq`, `da`, `du`.

use super::{debugger::Debugger, words};
use crate::{commands::memory::bytes, draw::text::printable, failure::Failure, output::Output};
use vatlas_space::Va;

/// Bytes that are shown without a wish.
const USUAL: u64 = 128;
/// Bytes that one command shows at most.
const MOST: u64 = 1 << 20;
/// Bytes of a row.
const ROW: usize = 16;

/// What one looks at: where, in which process, and how many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The first address.
    pub va: Va,
    /// The process, where the place tells.
    pub process: Option<u32>,
    /// Bytes.
    pub length: u64,
    /// The user said how many.
    pub is_length_given: bool,
}

impl Debugger {
    /// `PLACE [BYTES | L COUNT]`, with elements of so many bytes; without a place where the last look ended, or at the
    /// stack pointer.
    ///
    /// # Errors
    /// The place or the length means nothing.
    pub fn range(&mut self, rest: &str, element: u64) -> Result<Range, Failure> {
        let words = words::split(rest);
        let (place, wanted) = match words.as_slice() {
            [] => (None, None),
            [place] => (Some(place.as_str()), None),
            [place, letter, count] if letter.eq_ignore_ascii_case("l") => {
                (Some(place.as_str()), Some(format!("l{count}")))
            }
            [place @ .., length] if is_length(length) => {
                (Some(rest.rsplit_once(length).map_or(place[0].as_str(), |(place, _)| place)), Some(length.clone()))
            }
            _ => (Some(rest), None),
        };
        let length = match &wanted {
            None => USUAL,
            Some(text) => {
                length(text, element).ok_or_else(|| Failure::usage(format!("'{text}' is no count of bytes")))?
            }
        };
        if !(1..=MOST).contains(&length) {
            return Err(Failure::usage(format!("{length} bytes are not shown at once; {MOST} is the most")));
        }
        let (va, process) = match (place, self.next_memory) {
            (Some(place), _) => {
                let meaning = self.meaning(place)?;
                (meaning.va, meaning.process)
            }
            (None, Some(next)) => (Va(next), None),
            (None, None) => (self.registers_of_frame()?.sp, None),
        };
        self.next_memory = Some(va.0.saturating_add(length));
        Ok(Range { va, process, length, is_length_given: wanted.is_some() })
    }

    /// What can be read of a range; `None` for each byte that cannot.
    fn bytes_of(&mut self, range: Range) -> Result<Vec<Option<u8>>, Failure> {
        self.with_process(range.process, |opened, process| {
            let space = opened.target.space(process);
            let space = space.ok_or_else(|| Failure::could_not("this process has no memory that is known"))?;
            Ok(bytes(space, range.va, range.length))
        })
    }

    /// `dw`, `dd`, `dq`: rows of numbers.
    pub fn show_numbers(&mut self, rest: &str, size: usize, output: &mut Output) -> Result<(), Failure> {
        let range = self.range(rest, size as u64)?;
        let bytes = self.bytes_of(range)?;
        for (number, row) in bytes.chunks(ROW).enumerate() {
            let cells: Vec<String> = row.chunks(size).map(number_text).collect();
            output.line(&format!("{:08x}  {}", range.va.0 + (number * ROW) as u64, cells.join(" ")));
        }
        Ok(())
    }

    /// `da`, `du`: text up to a zero.
    pub fn show_text(&mut self, rest: &str, size: usize, output: &mut Output) -> Result<(), Failure> {
        let range = self.range(rest, size as u64)?;
        let bytes = self.bytes_of(range)?;
        let known: Vec<u8> = bytes.iter().map_while(|byte| *byte).collect();
        if known.is_empty() {
            output.line(&format!("{:08x}  ??            not at hand", range.va.0));
            return Ok(());
        }
        let units: Vec<u16> = match size {
            1 => known.iter().map(|byte| u16::from(*byte)).collect(),
            _ => known.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
        };
        let end = units.iter().position(|unit| *unit == 0);
        let text: String = match size {
            1 => String::from_utf8_lossy(&known[..end.unwrap_or(known.len())]).into_owned(),
            _ => String::from_utf16_lossy(&units[..end.unwrap_or(units.len())]),
        };
        let more = if end.is_none() { "...  no end within these bytes" } else { "" };
        output.line(&format!("{:08x}  \"{}\"{more}", range.va.0, printable(&text)));
        Ok(())
    }
}

/// Whether a word is a length: digits, or `L` with a count.
fn is_length(word: &str) -> bool {
    let digits = word.trim_start_matches(['l', 'L']);
    digits.starts_with(|first: char| first.is_ascii_digit()) && words::number(digits).is_some()
}

/// Bytes: a number of them, or of elements behind an `L`.
fn length(text: &str, element: u64) -> Option<u64> {
    match text.strip_prefix(['l', 'L']) {
        Some(count) => words::number(count)?.checked_mul(element),
        None => words::number(text),
    }
}

/// A number, lowest byte first; question marks where a byte is not at hand.
fn number_text(bytes: &[Option<u8>]) -> String {
    bytes.iter().rev().map(|byte| byte.map_or_else(|| "??".to_owned(), |byte| format!("{byte:02x}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers() {
        assert_eq!(
            (length("16", 4), length("L4", 4), length("l0x10", 2), length("x", 1)),
            (Some(16), Some(16), Some(32), None)
        );
        assert!(is_length("0x40") && is_length("L8") && !is_length("esp") && !is_length("l"));
        assert_eq!(number_text(&[Some(0x34), Some(0x12)]), "1234");
        assert_eq!(number_text(&[Some(0x34), None]), "??34");
    }
}
