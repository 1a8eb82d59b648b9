//! What a name means: a variable in scope, a member of `this`, a register, a symbol, a constant.

use super::{
    ast::Name,
    error::{Span, WatchError},
    evaluate::{Evaluation, Evaluator},
    operand::{Home, Operand},
    places::{Finding, constant},
    registers::{names as register_names, register, teb_of},
    scope::{FrameContext, Inside},
    symbols::{FoundSymbol, module},
    wide,
};
use crate::{
    process_choice::processes_called,
    symbolize::{stem, symbol_va},
    type_layout::rank,
    value::{Bytes, Place},
};
use std::{ops::ControlFlow, rc::Rc};
use vatlas_space::{Module, ProcessIndex, Rva, Source, Step, Va};
use vatlas_symbols::{
    ModuleSymbols, SymbolKind, Type, TypeId, Types, Variable,
    types::{BasicKind, PointerKind},
    variable::Constant,
};

/// Variables of the functions around an address, with the module and the file that has them.
pub(super) struct Variables {
    pub module: Module,
    pub symbols: Rc<ModuleSymbols>,
    pub file: usize,
    pub variables: Vec<Variable>,
    /// Whether the function is the one of the frame: else registers say nothing about it.
    pub is_running: bool,
}

impl Evaluator<'_> {
    /// The operand that a name stands for.
    pub(super) fn name(&self, name: &Name, span: Span, inside: &Inside<'_>) -> Evaluation {
        if let Some(wanted) = &name.process {
            let mut other = inside.clone();
            other.process = self.process_called(wanted, span)?;
            return self.name(&Name { process: None, ..name.clone() }, span, &other);
        }
        let process = self.process(inside.process, span)?;
        if let Some(wanted) = &name.module {
            let module = module(process, wanted, span)?;
            return self.of_module(module, &name.path, inside).ok_or_else(|| self.no_name(module, &name.path, span));
        }
        if let Some(found) = self.variable(&name.path, inside)? {
            return Ok(found);
        }
        if let Some(found) = self.bare_register(&name.path, inside) {
            return Ok(found);
        }
        let Some(module) = self.home_module(inside, span)? else {
            return Err(WatchError::unknown(
                span,
                format!("'{}' means nothing: the process has no modules", name.path),
            ));
        };
        self.of_module(module, &name.path, inside).ok_or_else(|| self.unknown(module, &name.path, span, inside))
    }

    /// A process by id, name or slot; of several with one name the first.
    pub(super) fn process_called(&self, wanted: &str, span: Span) -> Result<ProcessIndex, WatchError> {
        processes_called(self.target, wanted).first().copied().ok_or_else(|| {
            let names = self.target.processes().iter().filter_map(|process| process.name.clone()).take(4).collect();
            WatchError::unknown(span, format!("there is no process '{wanted}'")).suggest(names)
        })
    }

    /// The module whose names bare words mean: that of `{,,module}`, of the frame, of the program.
    pub(super) fn home_module(&self, inside: &Inside<'_>, span: Span) -> Result<Option<&Module>, WatchError> {
        let process = self.process(inside.process, span)?;
        if let Some(wanted) = &inside.module {
            return module(process, wanted, span).map(Some);
        }
        let of_frame = inside.frame().and_then(|frame| process.module_offset(frame.pc));
        let of_frame = of_frame.map(|(module, _)| module);
        Ok(of_frame.or(process.modules.first()))
    }

    /// Variables in scope: of the frame, or of the function that the context names.
    pub(super) fn variables(&self, inside: &Inside<'_>) -> Option<Variables> {
        let process = self.target.processes().get(inside.process.0)?;
        let of_frame = inside.frame().and_then(|frame| {
            let (module, offset) = process.module_offset(frame.pc)?;
            let rva = Rva(u32::try_from(offset).ok()?);
            Some((module, rva))
        });
        let Some(function) = &inside.function else {
            let (module, rva) = of_frame?;
            return self.variables_at(module, rva, true);
        };
        // The function runs here: its variables are those of the frame.
        if let Some((module, rva)) = of_frame {
            let symbols = self.names.symbols(module);
            let frames = symbols.lookup(rva).map(|lookup| lookup.frames).unwrap_or_default();
            if let Some(number) = frames.iter().position(|frame| *frame.function == **function) {
                let mut found = self.variables_at(module, rva, true)?;
                found.variables.retain(|variable| variable.frame == number);
                return Some(found);
            }
        }
        let module = self.home_module(inside, Span::default()).ok()??;
        let found = self.names.symbol(module, self.machine(), function)?;
        self.variables_at(module, found.symbol.rva, false)
    }

    fn variables_at(&self, module: &Module, rva: Rva, is_running: bool) -> Option<Variables> {
        let symbols = self.names.symbols(module);
        let found = symbols.files().iter().enumerate().find_map(|(number, file)| {
            let variables = file.variables_at(rva);
            (!variables.is_empty()).then_some((number, variables))
        });
        let (file, variables) = found?;
        Some(Variables { module: module.clone(), symbols, file, variables, is_running })
    }

    /// A variable in scope, or a member of `this`.
    fn variable(&self, name: &str, inside: &Inside<'_>) -> Result<Option<Operand>, WatchError> {
        let Some(found) = self.variables(inside) else { return Ok(None) };
        if let Some(variable) = found.variables.iter().find(|variable| variable.name == name) {
            return Ok(Some(self.variable_operand(&found, variable, inside)));
        }
        let Some(this) = found.variables.iter().find(|variable| variable.name == "this") else { return Ok(None) };
        let this = self.variable_operand(&found, this, inside);
        let Ok(object) = self.dereferenced(&this, Span::default()) else { return Ok(None) };
        Ok(self.member_of(&object, name, Span::default()).ok())
    }

    pub(super) fn variable_operand(&self, found: &Variables, variable: &Variable, inside: &Inside<'_>) -> Operand {
        let store = self.names.store(&found.symbols, found.file, self.pointer_size(inside.process));
        let id = variable
            .type_id
            .unwrap_or_else(|| store.basic(BasicKind::Unsigned, store.pointer_size(), "/* not told */"));
        let storage = || self.thread_storage(&found.module, inside);
        let read = |place: &Place, size: u64| self.bytes(place, size, inside.process);
        let frame = inside.frame().filter(|_| found.is_running);
        let wide =
            frame.map(|frame| wide::of_frame(self.target, inside.process, inside.scope.thread, &frame.registers));
        let finding = Finding {
            frame,
            wide: &wide.unwrap_or_default(),
            module: &found.module,
            process: inside.process,
            va_of: &|rva| self.target.va_of(&found.module, rva),
            thread_storage: &storage,
            read: &read,
        };
        let mut operand = finding.operand(&store, id, &variable.place);
        if variable.is_after_prologue {
            let step = "its place holds from the end of the function's prologue on";
            operand.steps.push(Step::new(step, Source::Deduced("the kind of its record")));
        }
        operand
    }

    /// The module's block of the thread's storage: `TEB.ThreadLocalStoragePointer[_tls_index]`, at 0x2c of a TEB with
    /// pointers of 4 bytes and at 0x58 of one with 8.
    fn thread_storage(&self, module: &Module, inside: &Inside<'_>) -> Result<Va, String> {
        let process = self.target.processes().get(inside.process.0).ok_or("there is no such process")?;
        let teb = teb_of(inside.scope, process).ok_or("the thread's environment block is not known")?;
        let size = self.pointer_size(inside.process);
        let read = |va: Va, size: u64| -> Result<u64, String> {
            let bytes = self.bytes(&Place::Memory(va), size, inside.process);
            let known = bytes.all().and_then(|bytes| crate::value::integer(&bytes, false));
            known.map(|number| number.bits as u64).ok_or_else(|| format!("thread storage: {va} is not at hand"))
        };
        let index = self.names.symbol(module, self.machine(), "_tls_index").ok_or("the module has no _tls_index")?;
        let index = module.range.first().checked_add(index.symbol.rva.0.into()).ok_or("past the last address")?;
        let index = read(index, 4)?;
        let table = read(Va(teb.0.wrapping_add(if size == 4 { 0x2c } else { 0x58 })), size)?;
        read(Va(table.wrapping_add(index.wrapping_mul(size))), size).map(Va)
    }

    fn bare_register(&self, name: &str, inside: &Inside<'_>) -> Option<Operand> {
        let frame: &FrameContext = inside.frame()?;
        let (number, of) = register(&frame.registers, &name.to_ascii_lowercase())?;
        Some(self.in_register(number, of, inside))
    }

    /// A variable, function or constant of a module.
    fn of_module(&self, module: &Module, path: &str, inside: &Inside<'_>) -> Option<Operand> {
        match self.names.symbol(module, self.machine(), path) {
            Some(found) => self.symbol_operand(module, &found, inside),
            None => self.constant(module, path, inside),
        }
    }

    fn symbol_operand(&self, module: &Module, found: &FoundSymbol, inside: &Inside<'_>) -> Option<Operand> {
        let file = found.symbols.files().get(found.file)?;
        let store = self.names.store(&found.symbols, found.file, self.pointer_size(inside.process));
        let Some(va) = symbol_va(self.target, module, &found.symbol) else {
            let why =
                format!("variables of {} lie apart from it; only its image file (--images) tells where", module.name());
            let place = Place::here(Bytes::missing(0, why));
            return Some(Operand::new(Rc::clone(&store), store.void(), place, inside.process));
        };
        let text = format!("{} {} is at {va}", found.symbol.kind, found.symbol.name);
        let step = Step::new(text, Source::SymbolFile { name: file.origin().to_string() });
        let mut operand = match file.type_of(&found.symbol) {
            Some(id) => Operand::new(Rc::clone(&store), id, Place::Memory(va), inside.process),
            None if found.symbol.kind == SymbolKind::Function => {
                let id = store.make(Type::Function(untyped_function(store.void())));
                Operand::new(Rc::clone(&store), id, Place::Memory(va), inside.process)
            }
            // Nothing says what lies there: only the address is known.
            None => Operand::pointer(&store, store.void(), va, inside.process),
        };
        operand.steps.push(step);
        Some(operand)
    }

    fn constant(&self, module: &Module, path: &str, inside: &Inside<'_>) -> Option<Operand> {
        let symbols = self.names.symbols(module);
        symbols.files().iter().enumerate().find_map(|(number, file)| {
            let mut found: Option<Constant> = None;
            file.visit_constants(&mut |constant| {
                let is_it = constant.name == path;
                if is_it {
                    found = Some(constant.clone());
                }
                if is_it { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let found = found?;
            let store = self.names.store(&symbols, number, self.pointer_size(inside.process));
            let id = found.type_id.unwrap_or_else(|| store.integer(64, true));
            let size = vatlas_symbols::type_text::size_of(&*store, id).unwrap_or(8);
            let place = Place::here(constant(&found.value, size));
            let step = Step::new(
                format!("{path} is a constant of the program"),
                Source::SymbolFile { name: file.origin().to_string() },
            );
            Some(Operand { home: Home::Constant, steps: vec![step], ..Operand::new(store, id, place, inside.process) })
        })
    }

    fn no_name(&self, module: &Module, path: &str, span: Span) -> WatchError {
        let symbols = self.names.symbols(module);
        if symbols.files().is_empty() {
            let message = format!("no symbols were found for {}", module.name());
            return WatchError::unknown(span, message);
        }
        let near = self.names.near(module, self.machine(), path);
        let near = near.into_iter().map(|name| format!("{}!{name}", stem(module.name()))).collect();
        WatchError::unknown(span, format!("{} has no '{path}'", module.name())).suggest(near)
    }

    /// What is said of a bare word: near names of the scope, of registers, of the one module that was searched.
    fn unknown(&self, module: &Module, path: &str, span: Span, inside: &Inside<'_>) -> WatchError {
        let variables = self.variables(inside).map(|found| found.variables).unwrap_or_default();
        let mut near: Vec<String> =
            variables.into_iter().map(|variable| variable.name).filter(|name| rank(path, name).is_some()).collect();
        if let Some(frame) = inside.frame() {
            near.extend(register_names(&frame.registers).filter(|name| rank(path, name) == Some(1)).map(str::to_owned));
        }
        near.extend(self.names.near(module, self.machine(), path));
        near.dedup();
        near.truncate(4);
        let what = if inside.frame().is_some() { "no variable here, no register and" } else { "" };
        let message = format!("'{path}' is {what} no name of {}", module.name()).replace("is  no", "is no");
        let mut error = WatchError::unknown(span, message).suggest(near);
        if error.suggestions.is_empty() {
            error.message += "; of another module write module!name";
        }
        error
    }
}

fn untyped_function(result: TypeId) -> vatlas_symbols::types::FunctionType {
    vatlas_symbols::types::FunctionType {
        result,
        arguments: Vec::new(),
        is_variadic: true,
        class: None,
        convention: None,
    }
}

/// Whether a pointer is one that can be followed.
pub(super) const fn is_plain(kind: PointerKind) -> bool {
    matches!(kind, PointerKind::Pointer | PointerKind::LvalueReference | PointerKind::RvalueReference)
}
