//! A TOML file, read table by table: whatever is wrong is told with its line and key, and no key is passed over.

use crate::failure::Failure;
use std::{cell::RefCell, collections::BTreeSet, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A file.
pub struct TomlFile<'t> {
    /// What it is called in messages.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
}

impl<'t> TomlFile<'t> {
    /// Its top table.
    ///
    /// # Errors
    /// It is no TOML.
    pub fn parse(&self) -> Result<Spanned<DeTable<'t>>, Failure> {
        DeTable::parse(self.text)
            .map_err(|error| self.failure(error.span().unwrap_or(0..0), "", error.message().trim_end()))
    }

    /// A failure at a place, about a key.
    pub fn failure(&self, at: Range<usize>, key: &str, what: &str) -> Failure {
        let before = self.text.get(..at.start.min(self.text.len())).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        Failure::usage(format!("{}: line {line}: {key}{what}", self.name))
    }
}

/// A table of a file, with the keys that were asked for.
pub struct Section<'f, 't> {
    file: &'f TomlFile<'t>,
    path: String,
    place: Range<usize>,
    table: Option<&'f DeTable<'t>>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'f, 't> Section<'f, 't> {
    /// The top table.
    pub fn top(file: &'f TomlFile<'t>, table: &'f Spanned<DeTable<'t>>) -> Self {
        Self { file, path: String::new(), place: table.span(), table: Some(table.get_ref()), asked: RefCell::default() }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &'static str) -> Option<&'f Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().insert(key);
        self.table?.get(key)
    }

    fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'f DeValue<'t>) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let read = read(value.get_ref());
        let what = || format!("{wanted} is expected, not {}", kind(value.get_ref()));
        read.map(Some).ok_or_else(|| self.file.failure(value.span(), &self.key(key), &what()))
    }

    /// A failure about the value of a key, or about the whole table where the key is absent.
    pub fn wrong(&self, key: &'static str, what: &str) -> Failure {
        let place = self.get(key).map_or_else(|| self.place.clone(), Spanned::span);
        self.file.failure(place, &self.key(key), what)
    }

    /// A text.
    ///
    /// # Errors
    /// It is something else.
    pub fn text(&self, key: &'static str) -> Result<Option<String>, Failure> {
        self.typed(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A number from 0 to FFFFFFFF.
    ///
    /// # Errors
    /// It is something else.
    pub fn number(&self, key: &'static str) -> Result<Option<u32>, Failure> {
        self.typed(key, "a number from 0 to 0xffffffff", |value| {
            let number = value.as_integer()?;
            u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&self, key: &'static str) -> Result<Option<bool>, Failure> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// A list of texts.
    ///
    /// # Errors
    /// It is something else.
    pub fn texts(&self, key: &'static str) -> Result<Vec<String>, Failure> {
        let list = self.typed(key, "a list of texts", |value| {
            let all = value.as_array()?.iter();
            all.map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })?;
        Ok(list.unwrap_or_default())
    }

    /// A table in this one; an empty one when it is absent.
    ///
    /// # Errors
    /// It is something else.
    pub fn section(&self, key: &'static str) -> Result<Section<'f, 't>, Failure> {
        let table = self.typed(key, "a table", DeValue::as_table)?;
        let place = self.get(key).map_or_else(|| self.place.clone(), Spanned::span);
        Ok(Section { file: self.file, path: self.key(key), place, table, asked: RefCell::default() })
    }

    /// Tables that are written `[[key]]`.
    ///
    /// # Errors
    /// They are something else.
    pub fn sections(&self, key: &'static str) -> Result<Vec<Section<'f, 't>>, Failure> {
        let Some(list) = self.typed(key, "tables written [[...]]", DeValue::as_array)? else { return Ok(Vec::new()) };
        let each = list.iter().map(|item| {
            let table = item.get_ref().as_table();
            let wrong = || self.file.failure(item.span(), &self.key(key), "tables written [[...]] are expected");
            let table = Some(table.ok_or_else(wrong)?);
            Ok(Section { file: self.file, path: self.key(key), place: item.span(), table, asked: RefCell::default() })
        });
        each.collect()
    }

    /// Fails when the table has a key that nobody asked for.
    ///
    /// # Errors
    /// It has; the keys that there are, are named.
    pub fn finish(self) -> Result<(), Failure> {
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flat_map(DeTable::iter) {
            if !asked.contains(key.get_ref().as_ref()) {
                let known = asked.iter().copied().collect::<Vec<_>>().join(", ");
                let failure = self.file.failure(key.span(), &self.key(key.get_ref()), "there is no such key");
                return Err(failure.hint(format!("the keys here are {known}")));
            }
        }
        Ok(())
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "this number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
