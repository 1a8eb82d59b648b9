//! Where questions get the symbols of a module from: whoever opens files gives them.

use std::{fmt, rc::Rc};
use vatlas_space::Module;
use vatlas_symbols::ModuleSymbols;

/// Gives the symbol files of a module. It opens them when the first address asks, and keeps them.
pub trait SymbolProvider {
    /// The symbol files that belong to the module; without any files when none was found.
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols>;
}

/// No symbols at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSymbols;

impl SymbolProvider for NoSymbols {
    fn symbols(&self, _module: &Module) -> Rc<ModuleSymbols> {
        Rc::new(ModuleSymbols::default())
    }
}

impl fmt::Debug for dyn SymbolProvider + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymbolProvider")
    }
}
