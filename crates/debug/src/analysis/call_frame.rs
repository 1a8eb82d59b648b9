//! The frames of the stack that is analysed: their names in words, and the variables of the innermost.

use super::{AnalysisLimits, culprit::is_system_module};
use crate::{
    stack::{Stack, StackEnd, StackFrame, StackStart, Trust, walk},
    symbol_provider::SymbolProvider,
    symbolize::{file_name, plus, stem},
    usage_index::UsageIndex,
    value::ValueLimits,
    watch::{FrameContext, Local, Scope, Watcher},
};
use vatlas_space::{Machine, Target, Thread, ThreadId, Va};
use vatlas_symbols::{FileKind, Name, SourceLine};

/// Where a frame is, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameName {
    /// `module!function+0x12`, `module+0x1234`, or what else the address is.
    pub text: String,
    /// File name of the module, without folders.
    pub module: Option<String>,
    /// The function without arguments; `None` without a symbol that has a name.
    pub function: Option<String>,
    /// The line: of a frame with inlined functions that of the innermost.
    pub line: Option<SourceLine>,
    /// Functions that the compiler put inside, innermost first, with their lines.
    pub inlined: Vec<(String, Option<SourceLine>)>,
}

impl FrameName {
    /// The text with `(file.c:12)` behind it, where the line is known; the innermost inlined function instead of the one
    /// that it was put into.
    pub fn with_line(&self) -> String {
        let inlined = self.inlined.first().map(|(function, _)| {
            let module = self.module.as_deref().map(|module| format!("{}!", stem(module))).unwrap_or_default();
            format!("{module}{function}")
        });
        let line = self.line.as_ref().map(|line| format!(" ({}:{})", file_name(&line.file), line.line));
        inlined.unwrap_or_else(|| self.text.clone()) + &line.unwrap_or_default()
    }
}

/// A frame of the stack that is analysed.
#[derive(Clone, PartialEq, Debug)]
pub struct AnalyzedFrame {
    /// The frame.
    pub frame: StackFrame,
    /// Its name.
    pub name: FrameName,
    /// Whether it is in a module of the operating system or of a runtime library that comes with it.
    pub is_system: bool,
    /// Arguments and variables, of the innermost frames that have type information.
    pub locals: Vec<Local>,
}

impl AnalyzedFrame {
    /// The function that a variable of the frame belongs to: one that was put inside, or the frame's own.
    pub fn function_of(&self, local: &Local) -> Option<&str> {
        let inlined = self.name.inlined.get(local.function).map(|(function, _)| function.as_str());
        inlined.or(self.name.function.as_deref())
    }
}

/// The stack that is analysed.
#[derive(Clone, PartialEq, Debug)]
pub struct AnalyzedStack {
    /// Its thread; `None` when the target does not list the thread of the exception.
    pub thread: Option<ThreadId>,
    /// Name of the thread.
    pub thread_name: Option<String>,
    /// The processor whose rules were followed.
    pub machine: Machine,
    /// The walk began with the registers of the exception.
    pub is_at_exception: bool,
    /// Frames, innermost first.
    pub frames: Vec<AnalyzedFrame>,
    /// Why there are no more.
    pub end: StackEnd,
    /// Modules whose unwind data are not at hand.
    pub without_unwind_data: Vec<String>,
}

/// Walks a stack, and names and reads its frames.
pub(super) fn stack(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    symbols: &dyn SymbolProvider,
    thread: Option<&Thread>,
    start: &StackStart,
    limits: AnalysisLimits,
) -> AnalyzedStack {
    let Stack { machine, frames, end, without_unwind_data } = walk(index, symbols, start, limits.frames);
    let mut watcher = Watcher::new(target, symbols);
    watcher.limits = ValueLimits { depth: 1, pointers: 0, elements: 8, ..ValueLimits::default() };
    let frames = frames.into_iter().enumerate().map(|(number, frame)| {
        let scope =
            (number < limits.frames_with_locals && frame.trust >= Trust::Likely).then(|| scope(index, thread, &frame));
        AnalyzedFrame {
            name: name(index, &frame),
            is_system: index.module_at(frame.pc).is_some_and(|module| is_system_module(&module.path)),
            locals: scope.map(|scope| watcher.locals(&scope)).unwrap_or_default(),
            frame,
        }
    });
    AnalyzedStack {
        thread: thread.map(|thread| thread.id).or_else(|| target.exception().map(|exception| exception.thread)),
        thread_name: thread.and_then(|thread| thread.name.clone()),
        machine,
        is_at_exception: start.is_at_exception,
        frames: frames.collect(),
        end,
        without_unwind_data,
    }
}

fn scope(index: &UsageIndex<'_>, thread: Option<&Thread>, frame: &StackFrame) -> Scope {
    let pointer = ["ebp", "rbp", "fp"].iter().find_map(|name| frame.registers.get(name));
    let frame_base = frame.frame_base().or(pointer.map(Va));
    Scope {
        process: index.process_index(),
        thread: thread.map(|thread| thread.id),
        frame: Some(FrameContext { pc: frame.lookup_va(), registers: frame.registers.clone(), frame_base }),
        ..Scope::default()
    }
}

/// The name of a frame.
pub(super) fn name(index: &UsageIndex<'_>, frame: &StackFrame) -> FrameName {
    let module = frame.module.as_ref();
    let lookup = frame.lookup.as_ref().filter(|lookup| lookup.is_inside);
    let named = lookup.map(|lookup| Name::of(&lookup.symbol, &lookup.origin, frame.registers.machine).plain);
    let text = match (&named, lookup, module) {
        (Some(name), Some(lookup), Some(module)) => {
            let offset = lookup.offset.saturating_add(u32::from(!frame.is_exact_pc));
            format!("{}!{name}{}", stem(&module.name), plus(offset))
        }
        (_, _, Some(module)) => format!("{}+{:#x}", module.name, module.rva.0),
        (_, _, None) => format!("{} ({})", frame.pc, index.at(frame.pc).usage),
    };
    let frames = lookup.map(|lookup| lookup.frames.as_slice()).unwrap_or_default();
    let inlined = frames.iter().filter(|inner| inner.is_inline);
    // A function table knows where functions are, but none of their names.
    let has_name = lookup.is_some_and(|lookup| lookup.origin.kind != FileKind::FunctionTable);
    FrameName {
        text,
        module: module.map(|module| module.name.clone()),
        function: named.filter(|_| has_name),
        line: frames.first().and_then(|inner| inner.line.clone()),
        inlined: inlined.map(|inner| (inner.function.to_string(), inner.line.clone())).collect(),
    }
}
