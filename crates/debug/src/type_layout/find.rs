//! Types by name, in the symbol files of a process's modules.
//!
//! ```text
//! question = [ module "!" ] [ "struct" | "class" | "union" | "enum" | "typedef" ] name
//! module   = name in any case, with or without the extension
//! name     = exactly the type's; with * (any text) or ? (any character) every one that fits
//! ```

use super::near::rank;
use crate::symbolize::{Symbolizer, stem};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    rc::Rc,
};
use vatlas_space::{Module, Process};
use vatlas_symbols::{ModuleSymbols, Origin, TypeId, Types};

/// Names that are compared for suggestions.
const MOST_COMPARED: usize = 500_000;

/// Which types are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeQuestion {
    module: Option<String>,
    name: String,
}

/// A type of a module.
#[derive(Clone)]
pub struct FoundType {
    /// The module.
    pub module: Module,
    /// Its symbol files.
    pub symbols: Rc<ModuleSymbols>,
    /// Which file has it.
    pub origin: Origin,
    /// Its name.
    pub name: String,
    /// The type.
    pub id: TypeId,
    file: usize,
}

impl TypeQuestion {
    /// Reads a question; the name may be empty, which no type has.
    pub fn parse(text: &str) -> Self {
        let (module, name) = match text.split_once('!') {
            Some((module, name)) => (Some(module.trim().to_ascii_lowercase()), name),
            None => (None, text),
        };
        let name = name.trim();
        let keywords = ["struct ", "class ", "union ", "enum ", "typedef "];
        let plain = keywords.iter().find_map(|keyword| name.strip_prefix(keyword)).unwrap_or(name);
        Self { module: module.filter(|module| !module.is_empty()), name: plain.trim().to_owned() }
    }

    /// Whether it asks for every name that fits.
    pub fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?'])
    }

    /// The name, or the pattern of names.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn is_for(&self, module: &Module) -> bool {
        let name = module.name().to_ascii_lowercase();
        self.module.as_ref().is_none_or(|wanted| *wanted == name || wanted == stem(&name))
    }
}

impl FoundType {
    /// The types that it belongs to.
    pub fn types(&self) -> Option<&dyn Types> {
        self.symbols.files().get(self.file)?.types()
    }
}

/// Types that are asked for, at most `limit`, in the order of modules; of one name in one module the best file's. The
/// second number is how many modules have types at all.
pub fn find_types(
    symbolizer: &Symbolizer<'_>,
    process: &Process,
    question: &TypeQuestion,
    limit: usize,
) -> (Vec<FoundType>, usize) {
    let (mut found, mut typed_modules) = (Vec::new(), 0);
    for module in process.modules.iter().filter(|module| question.is_for(module)) {
        let symbols = symbolizer.symbols(module);
        typed_modules += usize::from(symbols.files().iter().any(|file| file.types().is_some()));
        for (name, (file, id)) in in_module(&symbols, question, limit.saturating_sub(found.len())) {
            let Some(origin) = symbols.files().get(file).map(|file| file.origin().clone()) else { continue };
            found.push(FoundType { module: module.clone(), symbols: Rc::clone(&symbols), origin, name, id, file });
        }
        if found.len() >= limit {
            break;
        }
    }
    (found, typed_modules)
}

fn in_module(symbols: &ModuleSymbols, question: &TypeQuestion, limit: usize) -> BTreeMap<String, (usize, TypeId)> {
    let mut found = BTreeMap::new();
    for (number, file) in symbols.files().iter().enumerate() {
        let Some(types) = file.types() else { continue };
        if !question.is_pattern() {
            if let Some(id) = types.find(&question.name)
                && found.len() < limit
            {
                found.entry(question.name.clone()).or_insert((number, id));
            }
            continue;
        }
        types.visit_names(&mut |name, id| {
            if found.len() >= limit {
                return ControlFlow::Break(());
            }
            if fits(&question.name, name) && !found.contains_key(name) {
                // Of a declaration and a body with one name `find` gives the body.
                found.insert(name.to_owned(), (number, types.find(name).unwrap_or(id)));
            }
            ControlFlow::Continue(())
        });
    }
    found
}

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how much it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, n) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Names of types that are nearly the one that was asked for, nearest first.
pub fn nearby_types(
    symbolizer: &Symbolizer<'_>,
    process: &Process,
    question: &TypeQuestion,
    limit: usize,
) -> Vec<String> {
    let mut best = BTreeSet::new();
    let mut left = MOST_COMPARED;
    for module in process.modules.iter().filter(|module| question.is_for(module)) {
        let symbols = symbolizer.symbols(module);
        for types in symbols.files().iter().filter_map(|file| file.types()) {
            types.visit_names(&mut |name, _| {
                if let Some(rank) = rank(&question.name, name) {
                    best.insert((rank, name.len(), name.to_owned()));
                    if best.len() > limit {
                        best.pop_last();
                    }
                }
                left = left.saturating_sub(1);
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
        }
    }
    best.into_iter().map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("_PEB*", "_PEB_LDR_DATA", true),
            ("*PEB", "_PEB", true),
            ("*a*b?", "xaybbz", true),
            ("*a*b?", "xayb", false),
            ("count??", "counter", true),
            ("count", "counter", false),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn questions() {
        let check = |text: &str, module: Option<&str>, name: &str| {
            let expected = TypeQuestion { module: module.map(str::to_owned), name: name.to_owned() };
            assert_eq!(TypeQuestion::parse(text), expected);
        };
        check("counter", None, "counter");
        check("App!struct counter", Some("app"), "counter");
        check("unsigned long", None, "unsigned long");
        check("!counter", None, "counter");
    }

    #[test]
    fn near_names() {
        assert_eq!(rank("countr", "counter"), Some(1));
        assert_eq!(rank("counter", "app::Counter"), Some(0));
        assert_eq!(rank("PEB", "_PEB_LDR_DATA"), Some(3));
        assert_eq!(rank("PEB", "TEB"), Some(1));
        assert_eq!(rank("ab", "ab"), None);
        assert_eq!(rank("counter", "module"), None);
    }
}
