//! The words of an expression.

use super::{
    ast::{Context, Name},
    error::{Span, WatchError},
};

/// Longest expression; people write shorter ones.
const LONGEST: usize = 4096;

/// Marks, longer ones before those that they begin with.
const MARKS: [&str; 31] = [
    "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "..", "::", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!",
    "<", ">", "?", ":", "(", ")", "[", "]", ".", ",",
];

/// A word of an expression.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Word {
    Integer { value: u64, is_unsigned: bool, is_long: bool },
    Float(f64),
    Character { code: u32, is_wide: bool },
    Name(Name),
    Register(String),
    Line(u32),
    Context(Context),
    Mark(&'static str),
    End,
}

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub word: Word,
    pub span: Span,
}

/// Cuts a text into words; the last is [`Word::End`].
pub(super) fn words(text: &str) -> Result<Vec<Token>, WatchError> {
    if text.len() > LONGEST {
        let span = Span { start: LONGEST, end: text.len() };
        return Err(WatchError::syntax(span, format!("the expression is longer than {LONGEST} bytes")));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.word == Word::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

pub(super) fn starts_name(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

pub(super) fn continues_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

fn is_of_module(letter: char) -> bool {
    continues_name(letter) || letter == '.'
}

/// Whether a text reads as the name of a module or process without backquotes: `app.exe`, `7z.exe`, `1700`, and no number
/// with a fraction nor the two dots of a range.
pub(super) fn is_plain_qualifier(text: &str) -> bool {
    let behind_digits = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    text.starts_with(|letter: char| starts_name(letter) || letter.is_ascii_digit())
        && text.chars().all(is_of_module)
        && !behind_digits.starts_with('.')
        && !text.contains("..")
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn next(&mut self) -> Result<Token, WatchError> {
        self.take_while(char::is_whitespace);
        let start = self.at;
        let word = self.word()?;
        Ok(Token { word, span: Span { start, end: self.at } })
    }

    fn word(&mut self) -> Result<Word, WatchError> {
        let Some(letter) = self.peek() else { return Ok(Word::End) };
        let is_wide = self.rest().starts_with("L'");
        match letter {
            '\'' => self.character(false),
            'L' if is_wide => self.character(true),
            '{' => self.context(),
            '@' | '$' => self.register(),
            '`' => self.name(),
            letter if starts_name(letter) => self.name(),
            letter if letter.is_ascii_digit() => {
                if self.qualifier_end().is_some() {
                    self.name()
                } else {
                    self.number()
                }
            }
            _ if self.rest().starts_with("::") && self.rest()[2..].starts_with(starts_name) => self.name(),
            _ => self.mark(),
        }
    }

    fn mark(&mut self) -> Result<Word, WatchError> {
        let rest = self.rest();
        if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            self.at += mark.len();
            return Ok(Word::Mark(mark));
        }
        let letter = rest.chars().next().unwrap_or_default();
        let span = Span { start: self.at, end: self.at + letter.len_utf8() };
        Err(WatchError::syntax(span, format!("'{letter}' has no meaning in an expression")))
    }

    /// Where the name of a module or process ends: at a `!` that is no `!=`, with a name behind it.
    fn qualifier_end(&self) -> Option<usize> {
        let rest = self.rest();
        let end = match rest.strip_prefix('`') {
            Some(_) => quoted_end(rest)?,
            None => {
                let end = rest.find(|letter| !is_of_module(letter)).unwrap_or(rest.len());
                is_plain_qualifier(&rest[..end]).then_some(end)?
            }
        };
        let behind = rest[end..].strip_prefix('!')?;
        let is_name =
            behind.starts_with(|letter: char| starts_name(letter) || letter == '`' || letter.is_ascii_digit());
        (end > 0 && (is_name || behind.starts_with("::"))).then_some(end)
    }

    fn name(&mut self) -> Result<Word, WatchError> {
        let mut qualifiers = Vec::new();
        while qualifiers.len() < 2
            && let Some(end) = self.qualifier_end()
        {
            qualifiers.push(unquoted(&self.rest()[..end]));
            self.at += end + 1;
        }
        let module = qualifiers.pop();
        let process = qualifiers.pop();
        let path = self.path()?;
        Ok(Word::Name(Name { process, module, path }))
    }

    /// `a::b::c`, or anything in backquotes.
    fn path(&mut self) -> Result<String, WatchError> {
        if self.peek() == Some('`') {
            let rest = self.rest();
            let Some(end) = quoted_end(rest) else {
                let span = Span { start: self.at, end: self.text.len() };
                return Err(WatchError::syntax(span, "the backquote is not closed"));
            };
            self.at += end;
            return Ok(unquoted(&rest[..end]));
        }
        let start = self.at;
        if self.rest().starts_with("::") {
            self.at += 2;
        }
        loop {
            if self.take_while(continues_name).is_empty() {
                let span = Span { start: self.at, end: self.at + 1 };
                return Err(WatchError::syntax(span, "a name is missing here"));
            }
            let behind = self.rest().strip_prefix("::");
            if !behind.is_some_and(|behind| behind.starts_with(starts_name)) {
                return Ok(self.text[start..self.at].to_owned());
            }
            self.at += 2;
        }
    }

    /// `@eax`, `$pc`, `@301`.
    fn register(&mut self) -> Result<Word, WatchError> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(continues_name);
        let span = Span { start, end: self.at };
        if name.is_empty() {
            return Err(WatchError::syntax(span, "a register or a line is missing behind this"));
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let line = name.parse().map_err(|_| WatchError::syntax(span, "no file has so many lines"))?;
            return Ok(Word::Line(line));
        }
        Ok(Word::Register(name.to_ascii_lowercase()))
    }

    fn number(&mut self) -> Result<Word, WatchError> {
        let start = self.at;
        let digits = self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_hex = digits.starts_with("0x") || digits.starts_with("0X");
        let fraction =
            self.rest().strip_prefix('.').filter(|rest| rest.starts_with(|next: char| next.is_ascii_digit()));
        let has_exponent = !is_hex && digits.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']);
        let is_exponent = !is_hex
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'e' || byte == b'E')
            && digits.contains(['e', 'E']);
        if (fraction.is_some() && !is_hex) || has_exponent || is_exponent {
            self.at = start;
            return self.float();
        }
        let span = Span { start, end: self.at };
        integer(digits).ok_or_else(|| WatchError::syntax(span, format!("'{digits}' is no number of 64 bits")))
    }

    fn float(&mut self) -> Result<Word, WatchError> {
        let start = self.at;
        self.take_while(|letter| letter.is_ascii_digit());
        if self.rest().starts_with('.') {
            self.at += 1;
            self.take_while(|letter| letter.is_ascii_digit());
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            self.take_while(|letter| letter.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        self.take_while(|letter| matches!(letter, 'f' | 'F' | 'l' | 'L'));
        let span = Span { start, end: self.at };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Word::Float).ok_or_else(|| WatchError::syntax(span, format!("'{text}' is no number")))
    }

    fn character(&mut self, is_wide: bool) -> Result<Word, WatchError> {
        let start = self.at;
        self.at += if is_wide { 2 } else { 1 };
        let rest = self.rest();
        let found = unescape(rest).filter(|(_, length)| rest[*length..].starts_with('\''));
        let Some((code, length)) = found else {
            let span = Span { start, end: self.text.len() };
            return Err(WatchError::syntax(span, "one character is expected between single quotes"));
        };
        self.at += length + 1;
        Ok(Word::Character { code, is_wide })
    }

    /// `{function,source,module}`, with a process as a fourth part.
    fn context(&mut self) -> Result<Word, WatchError> {
        let start = self.at;
        let mut parts = vec![String::new()];
        let mut is_quoted = false;
        for (index, letter) in self.rest().char_indices().skip(1) {
            let part = parts.len() - 1;
            match letter {
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => parts.push(String::new()),
                '}' if !is_quoted => {
                    self.at += index + 1;
                    let span = Span { start, end: self.at };
                    return context_of(&parts).map(Word::Context).ok_or_else(|| WatchError::syntax(span, TWO_COMMAS));
                }
                other => parts[part].push(other),
            }
        }
        let span = Span { start, end: self.text.len() };
        Err(WatchError::syntax(span, "the brace is not closed: {function,source,module} stands before an expression"))
    }
}

/// What is wrong with `{File.c, File.exe}`.
pub(super) const TWO_COMMAS: &str =
    "a context is {function} or {function,source,module}: with a source or a module both commas are needed";

fn context_of(parts: &[String]) -> Option<Context> {
    if !matches!(parts.len(), 1 | 3 | 4) {
        return None;
    }
    let part = |index: usize| parts.get(index).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
    Some(Context { function: part(0), source: part(1), module: part(2), process: part(3) })
}

/// Bytes of a text in backquotes at the front, with both; two in a row stand for one.
fn quoted_end(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text.get(at..)?.find('`')? + 1;
        if !text[at..].starts_with('`') {
            return Some(at);
        }
        at += 1;
    }
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('`').and_then(|inner| inner.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => text.to_owned(),
    }
}

/// The number that stands for the character at the front of a text, and how long its writing is.
fn unescape(text: &str) -> Option<(u32, usize)> {
    let mut letters = text.chars();
    let first = letters.next()?;
    if first != '\\' {
        return (first != '\'').then(|| (first.into(), first.len_utf8()));
    }
    let second = letters.next()?;
    let simple = match second {
        'n' => 10,
        't' => 9,
        'r' => 13,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        '0' => 0,
        '\\' | '\'' | '"' => second.into(),
        'x' | 'X' => {
            let digits = text[2..].bytes().take_while(u8::is_ascii_hexdigit).count().min(8);
            return Some((u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?, 2 + digits));
        }
        _ => return None,
    };
    Some((simple, 1 + second.len_utf8()))
}

/// An integer with the prefixes and suffixes of C.
fn integer(text: &str) -> Option<Word> {
    let lower = text.to_ascii_lowercase();
    let is_hex = lower.starts_with("0x");
    // In hexadecimal numbers only letters that are no digits end them.
    let digits_end = lower.rfind(|letter: char| !matches!(letter, 'u' | 'l')).map_or(0, |index| index + 1);
    let (digits, mut suffix) = lower.split_at(digits_end);
    let digits = match digits.strip_suffix("i64") {
        Some(shorter) if !is_hex || suffix.is_empty() => {
            suffix = "ll";
            shorter
        }
        _ => digits,
    };
    let (digits, is_unsigned_prefix) = match digits.strip_suffix('u') {
        Some(shorter) => (shorter, true),
        None => (digits, false),
    };
    let value = match () {
        () if is_hex => u64::from_str_radix(&digits[2..], 16),
        () if digits.starts_with("0n") => digits[2..].parse(),
        () if digits.starts_with("0b") => u64::from_str_radix(&digits[2..], 2),
        () if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(digits, 8),
        () => digits.parse(),
    };
    let (unsigned, long) = (suffix.matches('u').count(), suffix.matches('l').count());
    let is_known = unsigned <= 1 && long <= 2 && !suffix.contains("lul");
    let (is_unsigned, is_long) = (unsigned == 1 || is_unsigned_prefix, long == 2);
    value.ok().filter(|_| is_known).map(|value| Word::Integer { value, is_unsigned, is_long })
}
