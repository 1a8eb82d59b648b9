//! Names for addresses of a process: module, function, line, and which file said so.

use crate::symbol_provider::SymbolProvider;
use std::{fmt, rc::Rc};
use vatlas_rules::ce::slot;
use vatlas_space::{Machine, Module, Process, Rva, Source, Step, Target, Va, VaRange};
use vatlas_symbols::{Lookup, ModuleSymbols, Name, Symbol, SymbolFile, SymbolKind, type_text::type_name};

/// What the symbols of a process say about an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolAnswer {
    /// The module.
    pub module: Module,
    /// Bytes from its base.
    pub rva: Rva,
    /// The symbol, functions and lines.
    pub lookup: Lookup,
    /// What the symbol's name says.
    pub name: Name,
    /// The type of a variable or function, as C writes it.
    pub type_name: Option<String>,
    /// How the answer was found.
    pub steps: Vec<Step>,
}

impl SymbolAnswer {
    /// `module!function+0x12`; of an address outside of the symbol only the module.
    pub fn text(&self) -> String {
        let module = stem(self.module.name());
        match self.lookup.is_inside {
            true => format!("{module}!{}{}", self.name.plain, plus(self.lookup.offset)),
            false => format!("{module}+{:#x}", self.rva.0),
        }
    }

    /// `file.c:12` of the innermost function, without the folders.
    pub fn line(&self) -> Option<String> {
        let line = self.lookup.frames.first()?.line.as_ref()?;
        Some(format!("{}:{}", file_name(&line.file), line.line))
    }
}

/// Names addresses of one process.
#[derive(Clone, Copy)]
pub struct Symbolizer<'a> {
    provider: &'a dyn SymbolProvider,
    target: &'a dyn Target,
    process: &'a Process,
    machine: Machine,
}

impl fmt::Debug for Symbolizer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbolizer").field("process", &self.process.name).finish_non_exhaustive()
    }
}

impl<'a> Symbolizer<'a> {
    /// For a process of a target.
    pub fn new(provider: &'a dyn SymbolProvider, target: &'a dyn Target, process: &'a Process) -> Self {
        let machine = target.host().map_or(Machine::Other(0), |host| host.machine);
        Self { provider, target, process, machine }
    }

    /// The address of a place in a module's image.
    pub fn va_of(&self, module: &Module, rva: Rva) -> Option<Va> {
        self.target.va_of(module, rva)
    }

    /// The address of a symbol: see [`symbol_va`].
    pub fn va_of_symbol(&self, module: &Module, symbol: &Symbol) -> Option<Va> {
        symbol_va(self.target, module, symbol)
    }

    /// Whether even addresses hold instructions of 4 bytes on an ARM: Windows NT runs Thumb code only.
    pub fn has_arm_code(&self) -> bool {
        self.process.layout.is_some_and(|layout| layout.name.is_ce())
    }

    /// The symbol files of a module.
    pub fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        self.provider.symbols(module)
    }

    /// The processor that a module's code is for: that of its symbols, else the process's.
    pub fn machine_of(&self, symbols: &ModuleSymbols) -> Machine {
        symbols.files().iter().find_map(|file| file.machine()).unwrap_or(self.machine)
    }

    /// What the symbols say about an address, with the type of the symbol; `None` outside of modules, and without any
    /// symbol below it.
    pub fn at(&self, va: Va) -> Option<SymbolAnswer> {
        let answer = self.named(va)?;
        let symbols = self.provider.symbols(&answer.module);
        let file = symbols.files().iter().find(|file| *file.origin() == answer.lookup.origin);
        let type_name = file.filter(|_| answer.lookup.is_inside).and_then(|file| type_of(&**file, &answer.lookup));
        Some(SymbolAnswer { type_name, ..answer })
    }

    /// As [`Symbolizer::at`], without the type: to write one takes longer than all the rest.
    pub fn named(&self, va: Va) -> Option<SymbolAnswer> {
        let (va, reduced) = self.in_a_module(va)?;
        let (module, rva) = self.place_of(va)?;
        let symbols = self.provider.symbols(module);
        let lookup = symbols.lookup(rva)?;
        let name = Name::of(&lookup.symbol, &lookup.origin, self.machine_of(&symbols));
        let source = Source::SymbolFile { name: lookup.origin.to_string() };
        let mut answer = SymbolAnswer {
            module: module.clone(),
            rva,
            lookup,
            name,
            type_name: None,
            steps: reduced.into_iter().collect(),
        };
        answer.steps.push(Step::new(finding(&answer), source));
        Some(answer)
    }

    /// The name of an address in one line, with the line of source; for addresses inside of a symbol only.
    pub fn text(&self, va: Va) -> Option<String> {
        let answer = self.named(va).filter(|answer| answer.lookup.is_inside)?;
        let line = answer.line().map(|line| format!(" ({line})")).unwrap_or_default();
        Some(answer.text() + &line)
    }

    /// The module of an address, by its image or by data that lie apart from it, and the place in the image.
    fn place_of(&self, va: Va) -> Option<(&'a Module, Rva)> {
        if let Some(module) = self.process.module_at(va) {
            return Some((module, self.target.rva_of(module, va)?));
        }
        let has_data = |module: &&Module| module.data.is_some_and(|data| data.contains(va));
        let mut modules = self.process.modules.iter().filter(has_data);
        modules.find_map(|module| Some((module, self.target.rva_of(module, va)?)))
    }

    /// The address as modules know it: on Windows CE up to 5 a process's own module lies in slot 0, so its slot form
    /// `slot base + offset` is reduced to the offset.
    fn in_a_module(&self, va: Va) -> Option<(Va, Option<Step>)> {
        if self.place_of(va).is_some() {
            return Some((va, None));
        }
        let layout = self.process.layout.filter(|layout| layout.name.has_slots())?;
        let own = |va| self.process.home.map_or_else(|| slot_zero_form(va), |home| Some(home.slot_zero_form(va)));
        let reduced = own(va).filter(|reduced| self.place_of(*reduced).is_some())?;
        let finding = format!("{va} is {reduced} of the process in slot {}", slot::slot_of(va)?.number());
        Some((reduced, Some(Step::new(finding, Source::Layout(layout.name)))))
    }
}

/// The address of a symbol. Variables of a ROM DLL of Windows CE lie apart from the image; where nothing tells which
/// place of the image they had, their addresses are not known.
pub fn symbol_va(target: &dyn Target, module: &Module, symbol: &Symbol) -> Option<Va> {
    let is_untold = |data: VaRange| target.rva_of(module, data.first()).is_none();
    let is_lost = symbol.kind == SymbolKind::Data && module.data.is_some_and(is_untold);
    if is_lost { None } else { target.va_of(module, symbol.rva) }
}

/// The slot-0 form of an address in the slot of a process (2 to 32); `None` for any other address.
pub fn slot_zero_form(va: Va) -> Option<Va> {
    slot::slot_of(va)?.process()?;
    Some(slot::zero_based(va))
}

/// `+0x12`; nothing at the front.
pub fn plus(offset: u32) -> String {
    if offset == 0 { String::new() } else { format!("+{offset:#x}") }
}

/// The name of a module without extension, as debuggers write it before `!`.
pub fn stem(module: &str) -> &str {
    module.rsplit_once('.').map_or(module, |(stem, _)| if stem.is_empty() { module } else { stem })
}

/// The last component of a path of any system.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

fn type_of(file: &dyn SymbolFile, lookup: &Lookup) -> Option<String> {
    Some(type_name(file.types()?, file.type_of(&lookup.symbol)?))
}

fn finding(answer: &SymbolAnswer) -> String {
    let lookup = &answer.lookup;
    let (symbol, name) = (&lookup.symbol, &answer.name.plain);
    let what = format!("{} {name} at {}+{:#x}", symbol.kind, stem(answer.module.name()), symbol.rva.0);
    match (symbol.size, lookup.is_inside) {
        (Some(size), true) => format!("{what} covers it: {:#x} of {size:#x} bytes", lookup.offset),
        (None, true) => format!("{what} is the nearest below it: {:#x} bytes", lookup.offset),
        (_, false) => format!("{what} is the nearest below it, but {:#x} bytes away: no answer", lookup.offset),
    }
}

#[cfg(test)]
mod tests;
