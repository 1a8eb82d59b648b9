//! Names of modules: symbols and types by name, each looked for once.

use super::error::Span;
use super::{error::WatchError, store::TypeStore};
use crate::{symbol_provider::SymbolProvider, symbolize::stem, type_layout::rank};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    fmt,
    ops::ControlFlow,
    rc::Rc,
};
use vatlas_space::{Machine, Module, Process};
use vatlas_symbols::{ModuleSymbols, Name, Symbol, SymbolKind};

/// Names that are compared for suggestions.
const MOST_COMPARED: usize = 200_000;
/// Suggestions.
const MOST_SUGGESTED: usize = 4;

/// A symbol of a module.
#[derive(Clone)]
pub(super) struct FoundSymbol {
    pub symbols: Rc<ModuleSymbols>,
    pub file: usize,
    pub symbol: Symbol,
}

/// Finds names in modules and keeps what it found.
pub(super) struct Names<'a> {
    provider: &'a dyn SymbolProvider,
    known: RefCell<HashMap<(usize, String), Option<FoundSymbol>>>,
    stores: RefCell<HashMap<(usize, usize), Rc<TypeStore>>>,
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// Which symbol files: two modules of one build share them.
fn key(symbols: &Rc<ModuleSymbols>) -> usize {
    Rc::as_ptr(symbols) as usize
}

/// The module of a process by its name in any case, with or without its extension.
pub(super) fn module<'p>(process: &'p Process, name: &str, span: Span) -> Result<&'p Module, WatchError> {
    let lower = name.to_ascii_lowercase();
    let is_called = |module: &&Module| {
        let name = module.name().to_ascii_lowercase();
        name == lower || stem(&name) == lower
    };
    process.modules.iter().find(is_called).ok_or_else(|| {
        let near = process.modules.iter().map(|module| module.name());
        let near = near.filter(|near| rank(name, near).is_some() || rank(name, stem(near)).is_some());
        let near = near.take(MOST_SUGGESTED).map(str::to_owned).collect();
        WatchError::unknown(span, format!("there is no module '{name}' in this process")).suggest(near)
    })
}

impl<'a> Names<'a> {
    pub fn new(provider: &'a dyn SymbolProvider) -> Self {
        Self { provider, known: RefCell::default(), stores: RefCell::default() }
    }

    pub fn provider(&self) -> &'a dyn SymbolProvider {
        self.provider
    }

    pub fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        self.provider.symbols(module)
    }

    /// The types of a symbol file.
    pub fn store(&self, symbols: &Rc<ModuleSymbols>, file: usize, pointer_size: u64) -> Rc<TypeStore> {
        let mut stores = self.stores.borrow_mut();
        let made = || Rc::new(TypeStore::of_file(Rc::clone(symbols), file, pointer_size));
        Rc::clone(stores.entry((key(symbols), file)).or_insert_with(made))
    }

    /// The file of a module that has a type, and the type.
    pub fn find_type(
        &self,
        module: &Module,
        name: &str,
        pointer_size: u64,
    ) -> Option<(Rc<TypeStore>, vatlas_symbols::TypeId)> {
        let symbols = self.symbols(module);
        let (file, id) =
            symbols.files().iter().enumerate().find_map(|(number, file)| Some((number, file.types()?.find(name)?)))?;
        Some((self.store(&symbols, file, pointer_size), id))
    }

    /// A symbol of a module by its name, plain or as the file has it.
    pub fn symbol(&self, module: &Module, machine: Machine, name: &str) -> Option<FoundSymbol> {
        let symbols = self.symbols(module);
        let asked = (key(&symbols), name.to_owned());
        if let Some(known) = self.known.borrow().get(&asked) {
            return known.clone();
        }
        let machine = symbols.files().iter().find_map(|file| file.machine()).unwrap_or(machine);
        let found = find(&symbols, machine, name);
        let found = found.map(|(file, symbol)| FoundSymbol { symbols: Rc::clone(&symbols), file, symbol });
        self.known.borrow_mut().insert(asked, found.clone());
        found
    }

    /// Names of a module that are nearly the wanted one.
    pub fn near(&self, module: &Module, machine: Machine, wanted: &str) -> Vec<String> {
        let mut best = BTreeSet::new();
        let mut left = MOST_COMPARED;
        self.symbols(module).visit(&mut |origin, symbol| {
            let plain = Name::of(symbol, origin, machine).plain;
            if let Some(rank) = rank(wanted, &plain) {
                best.insert((rank, plain.len(), plain));
                if best.len() > MOST_SUGGESTED {
                    best.pop_last();
                }
            }
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        best.into_iter().map(|(.., name)| name).collect()
    }
}

/// The symbol of this name: of the best file, with debug information before a public.
fn find(symbols: &ModuleSymbols, machine: Machine, name: &str) -> Option<(usize, Symbol)> {
    let wanted = name.strip_prefix("::").unwrap_or(name);
    let last = wanted.rsplit("::").next().unwrap_or(wanted);
    symbols.files().iter().enumerate().find_map(|(number, file)| {
        let mut found: Option<Symbol> = None;
        file.visit(&mut |symbol| {
            let has_information = matches!(symbol.kind, SymbolKind::Function | SymbolKind::Data);
            // Taking decorations off is slow, and most names cannot be it.
            let is_it = *symbol.name == *wanted
                || (symbol.name.contains(last) && Name::of(symbol, file.origin(), machine).plain == wanted);
            if is_it && (has_information || found.is_none()) {
                found = Some(symbol.clone());
            }
            if is_it && has_information { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found.map(|symbol| (number, symbol))
    })
}
