//! What a person writes for an address or a number: names, registers, lines, expressions.

use super::debugger::Debugger;
use crate::{failure::Failure, open::Opened};
use vatlas_debug::{
    stack::{StackFrame, stack_starts, walk},
    symbolize::Symbolizer,
    value::ValueKind,
    watch::{Condition, FrameContext, Home, Scope, Span, WatchError, WatchErrorKind, Watcher},
};
use vatlas_space::{ProcessIndex, ThreadId, Va};
use vatlas_symbols::SymbolKind;

/// What an expression stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// The address: of what it names, or the number that it is.
    pub va: Va,
    /// Bytes of what it names, where its type tells.
    pub size: Option<u64>,
    /// The id of the process whose address it is.
    pub process: Option<u32>,
}

impl Debugger {
    /// The frames of the thread that is looked at, innermost first.
    ///
    /// # Errors
    /// The target cannot be opened.
    pub fn frames(&mut self, limit: usize) -> Result<Vec<StackFrame>, Failure> {
        self.check_alive()?;
        let Some(thread) = self.thread() else { return Ok(Vec::new()) };
        self.with_opened(|opened, _| frames_of(opened, thread, limit))
    }

    /// The address that a text stands for.
    ///
    /// # Errors
    /// It stands for none.
    pub fn address(&mut self, text: &str) -> Result<Va, Failure> {
        self.meaning(text).map(|meaning| meaning.va)
    }

    /// What a text stands for: a line `file.c:12`, a function or variable, a register, a number, an expression.
    ///
    /// # Errors
    /// It stands for no address and no number.
    pub fn meaning(&mut self, text: &str) -> Result<Meaning, Failure> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::usage("an address is missing").hint("a name, 0x401000, a register, or an expression"));
        }
        let (thread, frame) = (self.thread(), self.frame);
        self.with_opened(|opened, process| {
            let own = |va| Meaning { va, size: None, process: id_of(opened, process) };
            if let Some(va) = of_line(opened, process, text)? {
                return Ok(own(va));
            }
            let finder = opened.finder()?;
            let scope = scope(opened, process, thread, frame)?;
            // Without a frame bare names are those of the program, wherever it stopped.
            let found = of_expression(opened, &finder, text, &scope);
            let of_program = Scope { frame: None, ..scope };
            match found.or_else(|error| of_expression(opened, &finder, text, &of_program).map_err(|_| error)) {
                Ok(meaning) => Ok(meaning),
                Err(error) => of_name(opened, process, thread, text, &error).map(own),
            }
        })
    }

    /// A condition, compiled where it is asked at an address.
    ///
    /// # Errors
    /// It is no expression.
    pub fn condition(&mut self, text: &str, at: Option<Va>) -> Result<Condition, Failure> {
        let thread = self.thread();
        self.with_opened(|opened, process| {
            let finder = opened.finder()?;
            let mut scope = scope(opened, process, thread, 0)?;
            // Without an instruction bare names are those of the program, wherever it stopped.
            match (at, &mut scope.frame) {
                (Some(at), Some(frame)) => frame.pc = at,
                _ => scope.frame = None,
            }
            let condition = Condition::compile(&*opened.target, &finder, text, &scope);
            condition.map_err(|error| Failure::usage(format!("'{text}': {}", error.message)))
        })
    }

    /// Whether an expression is true where the machine stopped.
    ///
    /// # Errors
    /// It is no expression, or what it needs is not there.
    pub fn is_true(&mut self, text: &str) -> Result<bool, Failure> {
        let thread = self.thread();
        self.with_opened(|opened, process| {
            let finder = opened.finder()?;
            let scope = scope(opened, process, thread, 0)?;
            let watched = Watcher::new(&*opened.target, &finder).watch(text, &scope);
            let watched = watched.map_err(|error| Failure::usage(format!("'{text}': {}", error.message)))?;
            number(&watched.value.kind)
                .map(|number| number != 0)
                .ok_or_else(|| Failure::could_not(format!("'{text}' is no number here: {}", watched.text)))
        })
    }

    /// The name of an address with its line, and the address.
    pub fn named(&mut self, va: Va) -> String {
        let named = self.with_opened(|opened, process| {
            let process = &opened.target.processes()[process.0];
            let finder = opened.finder()?;
            let width = process.width;
            let text = Symbolizer::new(&finder, &*opened.target, process).text(va);
            Ok(text.unwrap_or_else(|| match process.module_offset(va) {
                Some((module, offset)) => format!("{}+{offset:#x}", vatlas_debug::symbolize::stem(module.name())),
                None => va.text(width),
            }))
        });
        named.unwrap_or_else(|_| format!("{va}"))
    }
}

/// The id of a process.
fn id_of(opened: &Opened, process: ProcessIndex) -> Option<u32> {
    opened.target.processes().get(process.0)?.id.map(|id| id.0)
}

/// The frames of a thread.
pub fn frames_of(opened: &Opened, thread: ThreadId, limit: usize) -> Result<Vec<StackFrame>, Failure> {
    let index = opened.index()?;
    let Some(thread) = index.process().thread(thread) else { return Ok(Vec::new()) };
    let finder = opened.finder()?;
    let starts = stack_starts(&*opened.target, index.process(), thread);
    let Some(start) = starts.iter().rev().find(|start| start.registers.is_some()) else { return Ok(Vec::new()) };
    Ok(walk(&index, &finder, start, limit).frames)
}

/// A frame as expressions see it.
pub fn frame_context(frame: &StackFrame) -> FrameContext {
    let pointer = ["ebp", "rbp", "fp"].iter().find_map(|name| frame.registers.get(name));
    let frame_base = frame.frame_base().or(pointer.map(Va));
    FrameContext { pc: frame.lookup_va(), registers: frame.registers.clone(), frame_base }
}

/// Where expressions are asked.
fn scope(opened: &Opened, process: ProcessIndex, thread: Option<ThreadId>, frame: usize) -> Result<Scope, Failure> {
    let mut scope = Scope { process, current: process, thread, ..Scope::default() };
    if let Some(thread) = thread {
        let frames = frames_of(opened, thread, frame.saturating_add(1))?;
        scope.frame = frames.get(frame).map(frame_context);
    }
    Ok(scope)
}

fn of_expression(
    opened: &Opened,
    finder: &dyn vatlas_debug::symbol_provider::SymbolProvider,
    text: &str,
    scope: &Scope,
) -> Result<Meaning, WatchError> {
    let watched = Watcher::new(&*opened.target, finder).watch(text, scope)?;
    let (size, process) = (watched.value.size, id_of(opened, watched.process));
    if let (Home::Memory, Some(va)) = (&watched.home, watched.value.va) {
        return Ok(Meaning { va, size, process });
    }
    let value = match &watched.value.kind {
        ValueKind::Pointer(pointer) => Some(pointer.to.0),
        kind => number(kind).and_then(|number| u64::try_from(number).ok()),
    };
    let width = opened.target.processes().get(watched.process.0).map(|process| process.width);
    let mask = if width == Some(vatlas_space::PointerWidth::Bits32) { 0xffff_ffff } else { u64::MAX };
    match value {
        Some(value) => Ok(Meaning { va: Va(value & mask), size: None, process }),
        None => Err(WatchError {
            kind: WatchErrorKind::Missing,
            span: Span::default(),
            message: format!("it is {}, no address", watched.text),
            suggestions: Vec::new(),
        }),
    }
}

fn number(kind: &ValueKind) -> Option<i128> {
    match kind {
        ValueKind::Integer(number)
        | ValueKind::Bool(number)
        | ValueKind::Char(number)
        | ValueKind::Enumeration { number, .. } => Some(number.number()),
        ValueKind::Pointer(pointer) => Some(pointer.to.0.into()),
        ValueKind::Float(number) => Some(i128::from(*number != 0.0)),
        _ => None,
    }
}

/// The name of an address as other commands understand it, or a function of any module.
fn of_name(
    opened: &Opened,
    process: ProcessIndex,
    thread: Option<ThreadId>,
    text: &str,
    error: &WatchError,
) -> Result<Va, Failure> {
    let failed = || {
        let failure = Failure::could_not(format!("'{text}': {}", error.message));
        let near = error.suggestions.iter().map(|text| (text.clone(), String::new())).collect();
        failure.corrections(near)
    };
    let process = opened.target.processes().get(process.0).ok_or_else(failed)?;
    let finder = opened.finder()?;
    let names = Symbolizer::new(&finder, &*opened.target, process);
    if let Some(va) = function_called(&names, process, text) {
        return Ok(va);
    }
    let found = vatlas_debug::location::locate_named(&*opened.target, process, thread, text, Some(&names));
    found.map(|found| found.va).map_err(|_| failed())
}

/// A function of any module by its plain name: of the program first.
fn function_called(names: &Symbolizer<'_>, process: &vatlas_space::Process, text: &str) -> Option<Va> {
    process.modules.iter().find_map(|module| {
        let symbols = names.symbols(module);
        let machine = names.machine_of(&symbols);
        let mut found = None;
        symbols.visit(&mut |origin, symbol| {
            let is_it =
                symbol.kind != SymbolKind::Data && vatlas_symbols::Name::of(symbol, origin, machine).plain == text;
            if is_it {
                found = names.va_of(module, symbol.rva);
                return std::ops::ControlFlow::Break(());
            }
            std::ops::ControlFlow::Continue(())
        });
        found
    })
}

/// `file.c:12`: where the code of the line begins.
fn of_line(opened: &Opened, process: ProcessIndex, text: &str) -> Result<Option<Va>, Failure> {
    let text = text.trim_start_matches('`').trim_end_matches('`');
    let Some((file, line)) = text.rsplit_once(':') else { return Ok(None) };
    let Ok(line) = line.parse::<u32>() else { return Ok(None) };
    let Some(process) = opened.target.processes().get(process.0) else { return Ok(None) };
    let finder = opened.finder()?;
    let names = Symbolizer::new(&finder, &*opened.target, process);
    let scope = Scope { process: opened.process, current: opened.process, ..Scope::default() };
    let watcher = Watcher::new(&*opened.target, &finder);
    for module in &process.modules {
        if names.symbols(module).files().is_empty() {
            continue;
        }
        let text = format!("{{,{file},{}}} @{line}", module.name());
        if let Ok(watched) = watcher.watch(&text, &scope)
            && let ValueKind::Pointer(pointer) = &watched.value.kind
        {
            return Ok(Some(pointer.to));
        }
    }
    Err(Failure::could_not(format!("{file} has no code at line {line}"))
        .hint("'lines FUNCTION' shows which lines have"))
}
