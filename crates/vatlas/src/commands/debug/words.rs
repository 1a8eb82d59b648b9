//! Lines of commands taken apart: commands, words, quotes.

/// The commands of a line: `;` stands between them, except inside quotes.
pub fn commands(line: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' => quote = Some(letter),
            None if letter == ';' => {
                parts.push(&line[start..at]);
                start = at + 1;
            }
            None => {}
        }
    }
    parts.push(&line[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Words with blanks between; double quotes keep blanks together and are taken away.
pub fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for letter in text.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            letter if letter.is_whitespace() && !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The first word and the rest.
pub fn first(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

/// The place in front of what else stands there: a word, text in quotes, or a word behind `{...}`.
pub fn place(text: &str) -> (&str, &str) {
    let text = text.trim();
    if let Some((inner, rest)) = text.strip_prefix('"').and_then(|text| text.split_once('"')) {
        return (inner, rest.trim());
    }
    let context = if text.starts_with('{') { text.find('}').map_or(0, |end| end + 1) } else { 0 };
    let blanks = text[context..].len() - text[context..].trim_start().len();
    let start = context + blanks;
    let end = text[start..].find(char::is_whitespace).map_or(text.len(), |end| start + end);
    (&text[..end], text[end..].trim())
}

/// A number as this debugger reads counts and ids: decimal, or hexadecimal after `0x` or `0n` for decimal.
pub fn number(text: &str) -> Option<u64> {
    let text = text.trim().replace(['`', '_'], "");
    let lower = text.to_ascii_lowercase();
    match (lower.strip_prefix("0x"), lower.strip_prefix("0n")) {
        (Some(hex), _) => u64::from_str_radix(hex, 16).ok(),
        (_, Some(decimal)) => decimal.parse().ok(),
        _ => lower.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_words() {
        assert_eq!(commands("bp main \"k; dv\"; g ;; k"), ["bp main \"k; dv\"", "g", "k"]);
        assert_eq!(split("bp main /c \"a == 1\" x"), ["bp", "main", "/c", "a == 1", "x"]);
        assert_eq!(first("  bp  main x"), ("bp", "main x"));
        assert_eq!(first("g"), ("g", ""));
        assert_eq!(place("esp+4 3 5"), ("esp+4", "3 5"));
        assert_eq!(place("{,,a.exe} x 99"), ("{,,a.exe} x", "99"));
        assert_eq!(place("{,,a.exe}x"), ("{,,a.exe}x", ""));
        assert_eq!(place("\"a + b\" 1"), ("a + b", "1"));
        assert_eq!((place("{x"), place("")), (("{x", ""), ("", "")));
        assert_eq!((number("0x10"), number("10"), number("0n12"), number("x")), (Some(16), Some(10), Some(12), None));
    }
}
