//! `module!name`: the address of a function or variable.

use super::{Location, LocationError};
use crate::symbolize::{Symbolizer, stem};
use std::collections::BTreeMap;
use vatlas_space::{Process, Source, Step, Va};
use vatlas_symbols::{NamePattern, find, suggestions};

/// Addresses that an ambiguous name is shown with.
const MOST: usize = 8;

/// Finds the one address that has the name. The name may have wildcards when only one symbol fits.
///
/// # Errors
/// No module or no symbol fits, or symbols at several addresses do: these are the corrections.
pub(super) fn locate(names: &Symbolizer<'_>, process: &Process, wanted: &str) -> Result<Location, LocationError> {
    let pattern = NamePattern::parse(wanted, false).map_err(|problem| LocationError::Text {
        message: format!("'{wanted}' names nothing: {}", problem.cause),
        hint: None,
        corrections: Vec::new(),
    })?;
    let modules: Vec<_> = process.modules.iter().filter(|module| pattern.is_for_module(module.name())).collect();
    let mut found: BTreeMap<Va, (String, String)> = BTreeMap::new();
    for module in &modules {
        let symbols = names.symbols(module);
        for hit in find(&symbols, names.machine_of(&symbols), &pattern, MOST + 1).found {
            let name = format!("{}!{}", stem(module.name()), hit.name.plain);
            let va = names.va_of_symbol(module, &hit.symbol);
            found.extend(va.map(|va| (va, (name, hit.origin.to_string()))));
        }
    }
    let mut all = found.into_iter();
    match (all.next(), all.len()) {
        (None, _) => Err(missed(names, &modules, &pattern, wanted)),
        (Some((va, (name, origin))), 0) => {
            let step = Step::new(format!("{name} is at {va}"), Source::SymbolFile { name: origin });
            Ok(Location { va, steps: vec![step], warning: None })
        }
        (Some(first), more) => {
            let corrections = std::iter::once(first).chain(all).take(MOST);
            let corrections = corrections.map(|(va, (name, _))| (va.text(process.width), name)).collect();
            let count = if more < MOST { format!("{}", more + 1) } else { format!("more than {MOST}") };
            let message = format!("'{wanted}' is the name of {count} symbols");
            Err(LocationError::Absent { message, hint: None, corrections })
        }
    }
}

fn missed(
    names: &Symbolizer<'_>,
    modules: &[&vatlas_space::Module],
    pattern: &NamePattern,
    wanted: &str,
) -> LocationError {
    if modules.is_empty() {
        let message = format!("there is no module for '{wanted}' in this process");
        return LocationError::Absent { message, hint: Some(super::NAMES), corrections: Vec::new() };
    }
    let (mut corrections, mut has_symbols) = (Vec::new(), false);
    for module in modules {
        let symbols = names.symbols(module);
        has_symbols |= !symbols.files().is_empty();
        let near = suggestions(&symbols, names.machine_of(&symbols), pattern.literal(), MOST);
        let near = near.into_iter().map(|name| format!("{}!{name}", stem(module.name())));
        corrections.extend(near.map(|name| (name, "a name of this module".to_owned())));
    }
    corrections.truncate(MOST);
    let message = match has_symbols {
        true => format!("'{wanted}': no symbol has this name"),
        false => format!("'{wanted}': no symbols were found for the module"),
    };
    let hint = (!has_symbols).then_some("'vatlas symbols' says where they were looked for; --symbols names a folder");
    LocationError::Absent { message, hint, corrections }
}
