//! Names to addresses: patterns over the symbols of a module, and suggestions where none fits.
//!
//! ```text
//! pattern = [ module "!" ] name
//! module  = wildcards, in any case, with or without the extension
//! name    = wildcards              all of a name: * is any text, ? any character
//!         | "/" expression "/" ["i"]    a regular expression anywhere in a name; i: in any case
//! ```
//!
//! A name fits when its decorated, plain or full form does.

mod suggest;

use crate::{module_symbols::ModuleSymbols, name::Name, symbol::Symbol, symbol_file::Origin};
use regex::{Regex, RegexBuilder};
use std::{collections::HashSet, ops::ControlFlow};
use vatlas_space::{Machine, Problem, Rva};

pub use suggest::suggestions;

/// Longest pattern that is looked for.
const LONGEST: usize = 1024;
/// Bytes that a regular expression may take when it is compiled.
const LARGEST_EXPRESSION: usize = 4 << 20;

/// What to look for.
#[derive(Clone, Debug)]
pub struct NamePattern {
    module: Option<Regex>,
    name: Regex,
    /// The longest piece of it that is looked for as it stands.
    literal: String,
}

/// A symbol that fits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The symbol.
    pub symbol: Symbol,
    /// What its name says.
    pub name: Name,
    /// Which file has it.
    pub origin: Origin,
}

/// The symbols that fit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// In order of address.
    pub found: Vec<Found>,
    /// Whether these are all; else the limit was reached.
    pub is_complete: bool,
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The pattern is empty, too long, or no regular expression.
    pub fn parse(text: &str, ignores_case: bool) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(problem(format!("is longer than {LONGEST} characters")));
        }
        let (module, name) = match text.split_once('!') {
            Some((module, name)) if !module.contains('/') => (Some(module), name),
            _ => (None, text),
        };
        if name.is_empty() {
            return Err(problem("names nothing").hint("'coredll!Heap*' looks for names that begin with Heap"));
        }
        let module = module.filter(|module| !module.is_empty()).map(|module| compile(&wildcards(module), true));
        let (name, literal) = match expression(name) {
            Some((expression, is_any_case)) => (compile(expression, ignores_case || is_any_case)?, ""),
            None => (compile(&wildcards(name), ignores_case)?, longest_literal(name)),
        };
        Ok(Self { module: module.transpose()?, name, literal: literal.to_owned() })
    }

    /// Whether a module, by its name without path, is one to look into.
    pub fn is_for_module(&self, module: &str) -> bool {
        let stem = module.rsplit_once('.').map_or(module, |(stem, _)| stem);
        self.module.as_ref().is_none_or(|pattern| pattern.is_match(module) || pattern.is_match(stem))
    }

    /// Whether a name fits, in any of its forms: see [`Name::forms`].
    pub fn fits(&self, [decorated, plain, full]: [&str; 3]) -> bool {
        self.name.is_match(decorated)
            || (plain != decorated && self.name.is_match(plain))
            || (full != plain && self.name.is_match(full))
    }

    /// The longest piece of the pattern without wildcards, for [`suggestions`]; empty for regular expressions.
    pub fn literal(&self) -> &str {
        &self.literal
    }
}

/// The symbols of a module that fit, at most `limit`. A name that several files have at one address is there once, from
/// the best of them.
pub fn find(symbols: &ModuleSymbols, machine: Machine, pattern: &NamePattern, limit: usize) -> Findings {
    let mut findings = Findings { found: Vec::new(), is_complete: true };
    let mut known: HashSet<(Rva, String)> = HashSet::new();
    symbols.visit_names(machine, &mut |origin, named| {
        if !pattern.fits(named.forms) || known.contains(&(named.rva, named.plain().to_owned())) {
            return ControlFlow::Continue(());
        }
        if findings.found.len() == limit {
            findings.is_complete = false;
            return ControlFlow::Break(());
        }
        known.insert((named.rva, named.plain().to_owned()));
        let symbol = named.symbol();
        findings.found.push(Found { name: Name::of(&symbol, origin, machine), symbol, origin: origin.clone() });
        ControlFlow::Continue(())
    });
    findings.found.sort_by_key(|found| found.symbol.rva);
    findings
}

fn problem(cause: impl Into<String>) -> Problem {
    Problem::damage("name pattern", cause)
}

/// `/expression/` or `/expression/i`.
fn expression(name: &str) -> Option<(&str, bool)> {
    let inner = name.strip_prefix('/')?;
    let (inner, is_any_case) = match inner.strip_suffix("/i") {
        Some(inner) => (inner, true),
        None => (inner.strip_suffix('/')?, false),
    };
    (!inner.is_empty()).then_some((inner, is_any_case))
}

/// The regular expression of wildcards.
fn wildcards(pattern: &str) -> String {
    let mut expression = String::from("^(?s:");
    for character in pattern.chars() {
        match character {
            '*' => expression += ".*",
            '?' => expression += ".",
            other => expression += &regex::escape(other.encode_utf8(&mut [0; 4])),
        }
    }
    expression + ")$"
}

fn compile(expression: &str, ignores_case: bool) -> Result<Regex, Problem> {
    let mut builder = RegexBuilder::new(expression);
    builder.case_insensitive(ignores_case).size_limit(LARGEST_EXPRESSION).dfa_size_limit(LARGEST_EXPRESSION);
    builder.build().map_err(|error| {
        let text = error.to_string();
        // The last line says what is wrong; those above draw an arrow at it.
        let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        problem(format!("'{expression}' is no regular expression: {cause}")).hint("write \\( for a parenthesis")
    })
}

fn longest_literal(pattern: &str) -> &str {
    pattern.split(['*', '?']).max_by_key(|piece| piece.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
