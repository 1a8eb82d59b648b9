//! What a question about symbols is asked of: a dump, an image, or a symbol file on its own.

use crate::{
    failure::Failure,
    index_cache::IndexCache,
    open::{Opened, TargetArgs},
    output::Output,
    symbol_finder::SymbolFinder,
};
use clap::Args;
use std::{cell::RefCell, path::Path, rc::Rc};
use vatlas_debug::{symbol_provider::SymbolProvider, symbolize::Symbolizer};
use vatlas_rules::parse_address;
use vatlas_space::{LayoutName, Module, Process, Severity, Target, Va};
use vatlas_symbols::{ModuleSymbols, SymbolFile};
use vatlas_targets::{FileBytes, ModuleFacts, ModuleTarget};

/// Which file, and what is said of it.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Where the module is loaded, for an image or a symbol file; else where its linker expected it
    #[arg(long, value_name = "ADDRESS")]
    base: Option<String>,
    /// Whose rules addresses follow, for an image or a symbol file: on ce5 slot addresses are reduced first
    #[arg(long, value_name = "NAME", value_parser = crate::commands::layout_name_parser(), ignore_case = true)]
    layout: Option<LayoutName>,
}

/// An opened file whose addresses have names.
pub struct Subject {
    opened: Opened,
    /// The symbols, when the file is itself a symbol file.
    own: Option<Rc<ModuleSymbols>>,
}

impl SubjectArgs {
    /// Opens the file and warns about what could not be read of it.
    ///
    /// # Errors
    /// It cannot be read, or is neither dump nor image nor symbol file; the base is no address.
    pub fn open(&self, output: &Output) -> Result<Subject, Failure> {
        let layout = self.layout;
        let base = self.base.as_deref().map(|text| parse_address(text, layout.unwrap_or(LayoutName::Nt64)));
        let base = base.transpose().map_err(|error| Failure::usage(format!("--base: {error}")))?;
        let facts = ModuleFacts { base: base.map(|parsed| parsed.va), machine: None, layout };
        let own = RefCell::new(None);
        let opened = self.target.open_as(&facts, &|name, bytes, _| {
            let cache = IndexCache::of_process(!self.target.symbols.no_cache);
            let file = symbol_file(name, &self.target.file, bytes, &cache)?;
            warn(&*file, output);
            let base = facts.base.or_else(|| file.image_base());
            let target = ModuleTarget::of_symbols(name, &ModuleFacts { base, machine: file.machine(), layout });
            *own.borrow_mut() = Some(Rc::new(ModuleSymbols::new(vec![file]).with_store(Rc::new(cache))));
            Ok(Box::new(target))
        })?;
        opened.warn(output);
        Ok(Subject { opened, own: own.into_inner() })
    }
}

/// Opens a symbol file; one that is none is told what it is.
fn symbol_file(name: &str, path: &Path, bytes: &FileBytes, cache: &IndexCache) -> Result<Box<dyn SymbolFile>, Failure> {
    cache.open(name, path, bytes).map(|(file, _)| file).map_err(|reason| {
        let cause = format!("neither a dump nor symbols that can be read: {}", reason.cause);
        let failure = Failure::could_not(format!("{}: {cause}", path.display()));
        match reason.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

fn warn(file: &dyn SymbolFile, output: &Output) {
    let is_damage = |problem: &&vatlas_space::Problem| problem.severity == Severity::Damage;
    output.warn(&file.problems().iter().filter(is_damage).cloned().collect::<Vec<_>>());
}

impl Subject {
    /// The opened file.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The target: of a symbol file a module without bytes.
    pub fn target(&self) -> &dyn Target {
        &*self.opened.target
    }

    /// The processes.
    ///
    /// # Errors
    /// The dump holds none.
    pub fn process(&self) -> Result<&Process, Failure> {
        self.target()
            .processes()
            .get(self.opened.process.0)
            .ok_or_else(|| Failure::could_not("the dump holds no process"))
    }

    /// Where symbols come from.
    ///
    /// # Errors
    /// A path of `--symbols` leads nowhere.
    pub fn provider(&self) -> Result<Provider<'_>, Failure> {
        Ok(match &self.own {
            Some(own) => Provider::Own(Rc::clone(own)),
            None => Provider::Found(Box::new(self.opened.finder()?)),
        })
    }

    /// Names addresses of the process.
    pub fn symbolizer<'a>(&'a self, provider: &'a Provider<'_>, process: &'a Process) -> Symbolizer<'a> {
        Symbolizer::new(provider, self.target(), process)
    }
}

/// Symbols of the file itself, or found for its modules.
pub enum Provider<'a> {
    /// The file's own.
    Own(Rc<ModuleSymbols>),
    /// Those that were found.
    Found(Box<SymbolFinder<'a>>),
}

impl Provider<'_> {
    /// Says what was doubtful about the files found since the last call.
    pub fn warn(&self, output: &Output) {
        if let Self::Found(finder) = self {
            finder.warn(output);
        }
    }
}

impl SymbolProvider for Provider<'_> {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        match self {
            Self::Own(own) => Rc::clone(own),
            Self::Found(finder) => finder.symbols(module),
        }
    }
}

/// `+0x1008`: so many bytes from the front of the only module.
pub fn module_offset(process: &Process, text: &str) -> Option<Va> {
    let [module] = process.modules.as_slice() else { return None };
    let digits = text.strip_prefix('+')?;
    let offset = u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()?;
    module.range.first().checked_add(offset)
}
