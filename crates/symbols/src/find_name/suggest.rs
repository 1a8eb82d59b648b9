//! Names that are nearly the one that was asked for.

use crate::module_symbols::ModuleSymbols;
use std::{collections::BTreeSet, ops::ControlFlow};
use vatlas_space::Machine;

/// Symbols that are looked at; more would take longer than a suggestion is worth.
const MOST_SYMBOLS: usize = 500_000;
/// Longest name that suggestions are made for.
const LONGEST: usize = 128;
/// Letters that may differ.
const FARTHEST: usize = 2;

/// Plain names within two changed letters of `wanted`, then those that hold it, shortest first; case is ignored.
/// At most `limit`.
pub fn suggestions(symbols: &ModuleSymbols, machine: Machine, wanted: &str, limit: usize) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    // One letter is within two changes of every short name.
    if wanted.chars().count() <= FARTHEST || wanted.len() > LONGEST {
        return Vec::new();
    }
    let mut best: BTreeSet<(usize, usize, String)> = BTreeSet::new();
    let mut left = MOST_SYMBOLS;
    symbols.visit_names(machine, &mut |_, named| {
        let plain = named.plain();
        if let Some(rank) = rank(&wanted, plain) {
            best.insert((rank, plain.len(), plain.to_owned()));
            if best.len() > limit {
                best.pop_last();
            }
        }
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    best.into_iter().map(|(_, _, name)| name).collect()
}

/// Changed letters, or one more than the most for a name that holds the wanted one; `None` for any other name.
fn rank(wanted: &str, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let last = name.rsplit("::").next().unwrap_or(&name);
    let near = [name.as_str(), last].into_iter().filter_map(|name| distance(wanted, name)).min();
    near.or_else(|| name.contains(wanted).then_some(FARTHEST + 1))
}

/// Letters to insert, delete or replace to turn one text into the other; `None` when more than two.
pub(super) fn distance(a: &str, b: &str) -> Option<usize> {
    if a.len().abs_diff(b.len()) > 4 * FARTHEST {
        return None;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, letter) in (1..).zip(a.chars()) {
        let mut diagonal = std::mem::replace(&mut row[0], above);
        for (column, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
        if row.iter().all(|distance| *distance > FARTHEST) {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= FARTHEST)
}
