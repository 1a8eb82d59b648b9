//! TOML as sections and entries with their lines, checked against the keys that there are.

use std::{fmt, ops::RangeInclusive};
use toml::de::{DeTable, DeValue};

/// A mistake in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    place: Option<(usize, Option<String>)>,
    cause: String,
}

impl Mistake {
    /// A mistake of the whole file.
    pub fn whole(cause: &str) -> Self {
        Self { place: None, cause: cause.to_owned() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((line, Some(key))) => write!(f, "line {line}, {key}: {}", self.cause),
            Some((line, None)) => write!(f, "line {line}: {}", self.cause),
            None => f.write_str(&self.cause),
        }
    }
}

/// What stands behind a key.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Texts(Vec<String>),
    Pairs(Vec<(String, String)>),
    Other,
}

/// A key, its value and its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    line: usize,
    value: Value,
}

impl Entry {
    /// What is wrong with it.
    pub fn mistake(&self, cause: &str) -> Mistake {
        Mistake { place: Some((self.line, Some(self.key.clone()))), cause: cause.to_owned() }
    }

    /// It is a text.
    pub fn text(&self) -> Result<&str, Mistake> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.mistake("a text is needed, in quotes")),
        }
    }

    /// It is a number in a range.
    pub fn number(&self, range: RangeInclusive<i64>) -> Result<i64, Mistake> {
        match self.value {
            Value::Number(number) if range.contains(&number) => Ok(number),
            _ => Err(self.mistake(&format!("it is a number from {} to {}", range.start(), range.end()))),
        }
    }

    /// It is true or false.
    pub fn truth(&self) -> Result<bool, Mistake> {
        match self.value {
            Value::Truth(truth) => Ok(truth),
            _ => Err(self.mistake("it is true or false")),
        }
    }

    /// It is a list of texts.
    pub fn texts(&self) -> Result<Vec<String>, Mistake> {
        match &self.value {
            Value::Texts(texts) => Ok(texts.clone()),
            _ => Err(self.mistake("a list of texts is needed")),
        }
    }

    /// It is a table of texts.
    pub fn pairs(&self) -> Result<Vec<(String, String)>, Mistake> {
        match &self.value {
            Value::Pairs(pairs) => Ok(pairs.clone()),
            _ => Err(self.mistake("it is written { NAME = \"value\", OTHER = \"value\" }")),
        }
    }
}

/// A section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    line: usize,
    /// Its entries in the order of the keys.
    pub entries: Vec<Entry>,
}

impl Section {
    /// What is wrong with it.
    pub fn mistake(&self, cause: &str) -> Mistake {
        Mistake { place: Some((self.line, Some(self.name.clone()))), cause: cause.to_owned() }
    }

    /// An entry.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// An entry that must be there.
    pub fn needs(&self, key: &str) -> Result<&Entry, Mistake> {
        self.get(key).ok_or_else(|| self.mistake(&format!("it needs '{key}'")))
    }
}

/// The sections of a text. `known` has their names, whether there may be several, and their keys.
///
/// # Errors
/// The text is no TOML, or has a section or key that there is not.
pub fn sections(text: &str, known: &[(&str, bool, &[&str])]) -> Result<Vec<Section>, Mistake> {
    let line_of =
        |offset: usize| 1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count();
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        Mistake { place: Some((line, None)), cause: error.message().to_owned() }
    })?;
    let mut found = Vec::new();
    for (name, value) in table.get_ref() {
        let section =
            Section { name: name.get_ref().to_string(), line: line_of(name.span().start), entries: Vec::new() };
        let Some((_, is_list, keys)) = known.iter().find(|(known, ..)| *known == section.name) else {
            let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
            return Err(section.mistake(&format!("there is no such section{}", suggestion(&section.name, &names))));
        };
        match (value.get_ref(), is_list) {
            (DeValue::Table(table), false) => found.push(filled(section, table, keys, &line_of)?),
            (DeValue::Array(tables), true) => {
                for table in tables.iter() {
                    let DeValue::Table(inside) = table.get_ref() else {
                        return Err(section.mistake(&format!("it is a list: write [[{}]]", section.name)));
                    };
                    let one = Section { line: line_of(table.span().start), ..section.clone() };
                    found.push(filled(one, inside, keys, &line_of)?);
                }
            }
            (_, true) => return Err(section.mistake(&format!("it is a list: write [[{}]]", section.name))),
            (_, false) => return Err(section.mistake(&format!("there is one only: write [{}]", section.name))),
        }
    }
    found.sort_by_key(|section| section.line);
    Ok(found)
}

fn filled(
    mut section: Section,
    table: &DeTable<'_>,
    keys: &[&str],
    line_of: &dyn Fn(usize) -> usize,
) -> Result<Section, Mistake> {
    for (key, value) in table {
        let line = line_of(key.span().start);
        let entry = Entry { key: key.get_ref().to_string(), line, value: plain(value.get_ref()) };
        if !keys.contains(&entry.key.as_str()) {
            let cause = format!("there is no such key in [{}]{}", section.name, suggestion(&entry.key, keys));
            return Err(entry.mistake(&cause));
        }
        section.entries.push(entry);
    }
    Ok(section)
}

fn plain(value: &DeValue<'_>) -> Value {
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number)
        }
        DeValue::Array(values) => {
            let texts: Option<Vec<String>> = values.iter().map(|value| text(value.get_ref())).collect();
            texts.map_or(Value::Other, Value::Texts)
        }
        DeValue::Table(table) => {
            let pairs = table.iter().map(|(key, value)| Some((key.get_ref().to_string(), text(value.get_ref())?)));
            pairs.collect::<Option<Vec<_>>>().map_or(Value::Other, Value::Pairs)
        }
        _ => Value::Other,
    }
}

/// The name that was probably meant.
fn suggestion(wrong: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (distance(wrong, name), *name)).filter(|(distance, _)| *distance <= 2);
    match near.min() {
        Some((_, name)) => format!("; did you mean '{name}'?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

/// Letters to insert, remove or change: Levenshtein's distance, row by row.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], number + 1);
        for (place, wanted) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *wanted);
            diagonal = row[place + 1];
            row[place + 1] = change.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
