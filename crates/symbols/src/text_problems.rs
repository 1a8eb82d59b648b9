//! What could not be read of a text file, by line, and not without end: a wrong file has as many bad lines as lines.

use vatlas_space::Problem;

/// Problems kept of one file; the rest is counted.
const KEPT: usize = 20;

/// The problems of one text.
#[derive(Debug)]
pub struct TextProblems {
    file: String,
    kept: Vec<Problem>,
    left_out: usize,
}

impl TextProblems {
    /// No problems yet, in a file of this name.
    pub fn of(file: &str) -> Self {
        Self { file: file.to_owned(), kept: Vec::new(), left_out: 0 }
    }

    /// Line `number`, from 1, could not be read.
    pub fn at(&mut self, number: usize, cause: impl Into<String>) {
        if self.kept.len() < KEPT {
            self.kept.push(Problem::damage(format!("{}: line {number}", self.file), cause));
        } else {
            self.left_out += 1;
        }
    }

    /// Something is wrong with the whole file.
    pub fn whole(&mut self, problem: Problem) {
        self.kept.push(problem);
    }

    /// All problems, the last one telling how many more there are.
    pub fn finish(mut self) -> Vec<Problem> {
        if self.left_out > 0 {
            let cause = format!("{} more lines could not be read", self.left_out);
            self.kept.push(Problem::damage(self.file, cause).hint("is it a symbol file at all?"));
        }
        self.kept
    }
}

/// The lines of a text with their numbers, from 1, without line ends; bytes that are no UTF-8 are replaced.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, std::borrow::Cow<'_, str>)> {
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.map(String::from_utf8_lossy).enumerate().map(|(index, line)| (index + 1, line))
}

/// Words of a line, and what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(pub &'a str);

impl<'a> Words<'a> {
    /// The next word; `None` at the end.
    pub fn word(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next word as a hexadecimal number without prefix, called `what` if it is not.
    pub fn hex(&mut self, what: &str) -> Result<u32, String> {
        let word = self.word().ok_or_else(|| format!("{what} is missing"))?;
        let number = hex(word).ok_or_else(|| format!("{what} '{word}' is no hexadecimal number"))?;
        u32::try_from(number).map_err(|_| format!("{what} {word} is over 4 GB, too much for an image"))
    }

    /// The next word as a decimal number, called `what` if it is not.
    pub fn decimal(&mut self, what: &str) -> Result<u32, String> {
        let word = self.word().ok_or_else(|| format!("{what} is missing"))?;
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse().ok().filter(|_| is_number);
        number.ok_or_else(|| format!("{what} '{word}' is no decimal number of 32 bits"))
    }

    /// What is left, without blanks around it.
    pub fn rest(self) -> &'a str {
        self.0.trim()
    }
}

/// A hexadecimal number of at most 16 digits, without prefix or sign.
pub fn hex(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_number { u64::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_problems_are_kept() {
        let mut problems = TextProblems::of("a.sym");
        (1..=100).for_each(|line| problems.at(line, "no record"));
        let problems = problems.finish();
        assert_eq!(problems.len(), KEPT + 1);
        assert_eq!(problems[0].to_string(), "a.sym: line 1: no record");
        let last = "a.sym: 80 more lines could not be read; is it a symbol file at all?";
        assert_eq!(problems[KEPT].to_string(), last);
    }

    #[test]
    fn words_and_numbers() {
        let mut words = Words("  1f 20 +3 123456789 a b ");
        assert_eq!(words.hex("address"), Ok(0x1f));
        assert_eq!(words.decimal("line"), Ok(20));
        assert_eq!(words.decimal("line"), Err("line '+3' is no decimal number of 32 bits".to_owned()));
        assert_eq!(words.hex("address"), Err("address 123456789 is over 4 GB, too much for an image".to_owned()));
        assert_eq!(words.rest(), "a b");
        assert_eq!(Words("").hex("size"), Err("size is missing".to_owned()));
        assert_eq!(Words("+1").hex("size"), Err("size '+1' is no hexadecimal number".to_owned()));
    }

    #[test]
    fn line_ends_of_both_kinds() {
        let numbered: Vec<_> = lines(b"a\r\nb\n\xff").map(|(number, line)| (number, line.into_owned())).collect();
        assert_eq!(numbered, [(1, "a".to_owned()), (2, "b".to_owned()), (3, "\u{fffd}".to_owned())]);
    }
}
