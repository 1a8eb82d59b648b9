//! Finds the symbol files of a module on this computer, never over a network: opened when the first address asks, judged
//! by what they say of themselves, kept.

mod cabinet;
pub mod content;
mod environment;
pub mod folder;
pub mod import;
mod memory;
pub mod names;
mod places;
pub mod search;
mod store;
pub mod trail;

#[cfg(test)]
mod tests;

use crate::{failure::Failure, index_cache::IndexCache, output::Output, symbol_args::SymbolArgs};
pub use environment::Environment;
use memory::LoadedImage;
use names::Wanted;
use places::Places;
use search::{Search, is_named};
use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
};
use trail::{Outcome, Trail};
use vatlas_debug::symbol_provider::SymbolProvider;
use vatlas_space::{DebugRecord, Module, Problem, Target};
use vatlas_symbols::ModuleSymbols;

/// The record that names the PDB of a module, as the image in the target's memory has it.
pub fn debug_record(target: &dyn Target, module: &Module) -> Option<DebugRecord> {
    LoadedImage::find(target, module)?.debug_record()
}

/// Finds symbol files.
pub struct SymbolFinder<'t> {
    places: Places,
    force: bool,
    index_cache: IndexCache,
    target: Option<&'t dyn Target>,
    /// By path of the module: of one path there may be several builds.
    found: RefCell<HashMap<String, Vec<Rc<Found>>>>,
    warnings: RefCell<Vec<String>>,
}

/// What was found for a module.
pub struct Found {
    /// Its symbol files.
    pub symbols: Rc<ModuleSymbols>,
    /// Whether functions have names beyond those that the image exports.
    pub is_named: bool,
    /// The module with the debug record of its image, where the dump's list has none.
    pub module: Module,
    /// Where was looked.
    pub trail: Trail,
    time_date_stamp: u32,
    size: u64,
    debug_record: Option<DebugRecord>,
}

impl Found {
    fn is_for(&self, module: &Module) -> bool {
        self.time_date_stamp == module.time_date_stamp
            && self.size == module.range.size()
            && self.debug_record == module.debug_record
    }
}

impl<'t> SymbolFinder<'t> {
    /// A finder for the modules of a dump, or for those of no dump; nothing is opened yet.
    ///
    /// # Errors
    /// A path of `--symbols` leads nowhere.
    pub fn new(args: &SymbolArgs, dump: Option<&Path>, images: &[PathBuf]) -> Result<Self, Failure> {
        Self::with_environment(args, dump, images, &Environment::of_process())
    }

    /// The same in an environment of the caller's.
    ///
    /// # Errors
    /// As [`SymbolFinder::new`].
    pub fn with_environment(
        args: &SymbolArgs,
        dump: Option<&Path>,
        images: &[PathBuf],
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let index_cache = if args.no_cache { IndexCache::default() } else { environment.index_cache.clone() };
        let environment = Environment { index_cache: index_cache.clone(), ..environment.clone() };
        let mut places = Places::new(args, dump, images, &environment)?;
        let warnings = std::mem::take(&mut places.problems).iter().map(Problem::to_string).collect();
        let warnings = RefCell::new(warnings);
        let force = args.force_symbols;
        Ok(Self { places, force, index_cache, target: None, found: RefCell::default(), warnings })
    }

    /// The same, which reads exports from the memory of `target` where no file is found.
    pub fn with_memory(mut self, target: &'t dyn Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Says on standard error what was doubtful about the files found since the last call.
    pub fn warn(&self, output: &Output) {
        for warning in self.warnings.take() {
            output.remark(&format!("warning: {warning}"));
        }
    }

    /// The servers of the symbol paths. They are never asked.
    pub fn servers(&self) -> &[String] {
        &self.places.servers
    }

    /// What cannot be searched of the symbol paths in the environment.
    pub fn environment_problems(&self) -> &[Problem] {
        &self.places.environment_problems
    }

    /// The symbols of a module and how they were found.
    pub fn found(&self, module: &Module) -> Rc<Found> {
        let known = self.found.borrow();
        if let Some(found) = known.get(&module.path).and_then(|builds| builds.iter().find(|found| found.is_for(module)))
        {
            return Rc::clone(found);
        }
        drop(known);
        let found = Rc::new(self.find(module));
        self.found.borrow_mut().entry(module.path.clone()).or_default().push(Rc::clone(&found));
        found
    }

    fn find(&self, module: &Module) -> Found {
        let loaded = self.target.and_then(|target| LoadedImage::find(target, module));
        let mut complete = module.clone();
        if complete.debug_record.is_none() {
            complete.debug_record = loaded.as_ref().and_then(LoadedImage::debug_record);
        }
        let mut search = Search::new(Wanted::of(&complete), self.force, &self.index_cache);
        search.look_in(&self.places.list);
        let (mut files, trail) = search.finish();
        let is_named = is_named(&files);
        if let (true, Some(loaded)) = (files.is_empty(), loaded) {
            files = loaded.tables();
        }
        self.remember_doubts(module, &trail);
        Found {
            symbols: Rc::new(ModuleSymbols::new(files).with_store(Rc::new(self.index_cache.clone()))),
            is_named,
            trail,
            time_date_stamp: module.time_date_stamp,
            size: module.range.size(),
            debug_record: module.debug_record.clone(),
            module: complete,
        }
    }

    fn remember_doubts(&self, module: &Module, trail: &Trail) {
        let doubts = trail.attempts().filter_map(|attempt| match &attempt.outcome {
            Outcome::Forced(why) => Some(format!("{}: {}: used by force: {why}", module.name(), attempt.path)),
            Outcome::Unchecked(why) => Some(format!("{}: {}: {why}", module.name(), attempt.path)),
            _ => None,
        });
        self.warnings.borrow_mut().extend(doubts);
    }
}

impl SymbolProvider for SymbolFinder<'_> {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        Rc::clone(&self.found(module).symbols)
    }
}
