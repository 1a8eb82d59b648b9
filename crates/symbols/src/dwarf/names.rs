//! Names with scopes, the names that a linker sees, and the many spellings of C's basic types.

use super::{
    look::{Die, Look, Place},
    table::{Row, RowKind, UnitTable},
};
use gimli::constants as dw;
use std::{borrow::Cow, sync::Arc};

/// What a namespace without a name is called.
pub(super) const ANONYMOUS_NAMESPACE: &str = "(anonymous namespace)";
/// What a record or enumeration without a name is called.
pub(super) const UNNAMED: &str = "<unnamed>";
/// How many scopes a name may have.
const SCOPES: usize = 64;

/// The names of a function.
#[derive(Clone, Debug)]
pub(super) struct FunctionNames {
    /// What the linker sees, if that is the name of C++ or Rust, else the name with scopes.
    pub symbol: Arc<str>,
    /// With scopes, without arguments.
    pub plain: Arc<str>,
}

impl FunctionNames {
    /// Of an entry that cannot be read.
    pub fn unknown() -> Self {
        Self { symbol: UNNAMED.into(), plain: UNNAMED.into() }
    }
}

/// The tables of units, by number.
pub(super) type Tables<'t> = &'t dyn Fn(usize) -> Option<&'t UnitTable>;

/// The names of a function or variable.
pub(super) fn names<'a>(look: &Look<'a>, tables: Tables, die: &Die<'a>) -> FunctionNames {
    let plain: Arc<str> = plain(look, tables, die).into();
    let linkage = [dw::DW_AT_linkage_name, dw::DW_AT_MIPS_linkage_name];
    let linkage = linkage.into_iter().find_map(|attribute| look.inherited(die, attribute));
    let linkage = linkage.and_then(|(owner, value)| look.text(&owner.unit, value));
    // clang writes `\x01_f@4` for names that are not to be decorated further; they name nothing that `plain` does not.
    let symbol = linkage.filter(|name| name.starts_with("_Z") || name.starts_with('?'));
    FunctionNames { symbol: symbol.map_or_else(|| plain.clone(), Arc::from), plain }
}

/// The name of an entry with the scopes that it was declared in.
pub(super) fn plain<'a>(look: &Look<'a>, tables: Tables, die: &Die<'a>) -> String {
    let name = look.name(die).unwrap_or(Cow::Borrowed(UNNAMED));
    // The scopes are those of the declaration, the last entry of the line.
    let declared = look.line(die).last().map_or(die.place(), |die| die.place());
    with_scopes(look, tables, declared, &name)
}

/// A name with the scopes of the entry at a place before it.
pub(super) fn with_scopes(look: &Look, tables: Tables, place: Place, name: &str) -> String {
    let Some(table) = tables(place.unit) else { return name.to_owned() };
    let mut scopes = Vec::new();
    let mut row = table.scope_of(place.offset);
    for _ in 0..SCOPES {
        let Some(scope) = row else { break };
        scopes.extend(scope_name(look, place.unit, scope));
        row = table.scope(scope);
    }
    let scopes = scopes.iter().rev().map(AsRef::as_ref);
    scopes.chain([name]).collect::<Vec<&str>>().join("::")
}

fn scope_name<'a>(look: &Look<'a>, unit: usize, scope: &Row) -> Option<Cow<'a, str>> {
    let name = look.die(Place { unit, offset: scope.offset as usize }).and_then(|die| look.name(&die));
    match scope.kind {
        RowKind::Namespace => Some(name.unwrap_or(Cow::Borrowed(ANONYMOUS_NAMESPACE))),
        _ => name,
    }
}

/// The words of C's basic types.
const WORDS: [&str; 8] = ["unsigned", "signed", "short", "long", "int", "char", "double", "float"];

/// A basic type as a C programmer writes it: `long unsigned int` is `unsigned long`. What is no basic type of C is
/// given back.
pub(super) fn basic(name: &str) -> Cow<'_, str> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).take(WORDS.len()).collect();
    if words.len() < 2 || words.iter().any(|word| !WORDS.contains(word)) {
        return Cow::Borrowed(name);
    }
    let count = |word| words.iter().filter(|other| **other == word).count();
    let is_char = count("char") > 0;
    let core = ["char", "short", "long", "float", "double", "int"];
    let mut spelled: Vec<&str> = Vec::new();
    if count("unsigned") > 0 {
        spelled.push("unsigned");
    } else if is_char && count("signed") > 0 {
        spelled.push("signed");
    }
    for word in core {
        // `int` is left out where something else says how long it is.
        let is_said = word != "int" || count("short") + count("long") == 0;
        spelled.extend(std::iter::repeat_n(word, count(word)).filter(|_| is_said));
    }
    if spelled.is_empty() {
        spelled.push("int");
    }
    Cow::Owned(spelled.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_types_are_spelled_in_one_way() {
        let check = |name, expected: &str| assert_eq!(basic(name), expected);
        check("long unsigned int", "unsigned long");
        check("unsigned long", "unsigned long");
        check("long long int", "long long");
        check("long long unsigned int", "unsigned long long");
        check("short int", "short");
        check("short unsigned int", "unsigned short");
        check("signed char", "signed char");
        check("unsigned char", "unsigned char");
        check("unsigned int", "unsigned int");
        check("long double", "long double");
        check("signed int", "int");
        check("int", "int");
        check("Point", "Point");
        check("unsigned __int128", "unsigned __int128");
    }
}
