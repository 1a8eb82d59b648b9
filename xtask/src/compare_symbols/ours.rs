//! Our answers, in the words of the comparison.

use super::answers::{Answers, NOTHING};
use super::programs::Program;
use std::ops::ControlFlow;
use vatlas_space::Rva;
use vatlas_symbols::{Frame, Symbol, SymbolFile};

/// The question about an address.
pub fn at(rva: Rva) -> String {
    format!("{:#06x}", rva.0)
}

/// `function file:line < function file:line` for addresses, innermost first, functions without scopes.
pub fn frames(program: &Program, addresses: &[Rva]) -> Answers {
    let mut answers = Answers::default();
    for rva in addresses {
        answers.add(at(*rva), chain(&program.symbols.frames_at(*rva)));
    }
    answers
}

fn chain(frames: &[Frame]) -> String {
    let frame = |frame: &Frame| {
        let function = frame.function.rsplit("::").next().unwrap_or(&frame.function);
        let line = frame.line.as_ref().map(|line| (&*line.file, line.line));
        frame_text(function, line)
    };
    // A function alone says no more than the symbol, which is another question.
    match frames {
        [] | [Frame { line: None, .. }] => NOTHING.to_owned(),
        frames => frames.iter().map(frame).collect::<Vec<_>>().join(" < "),
    }
}

/// A function and its line; `?` for a line that is not told.
pub fn frame_text(function: &str, line: Option<(&str, u32)>) -> String {
    match line {
        Some((file, line)) => format!("{function} {file}:{line}"),
        None => format!("{function} ?"),
    }
}

/// Every symbol of a file.
pub fn symbols(file: &dyn SymbolFile) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    file.visit(&mut |symbol| {
        symbols.push(symbol.clone());
        ControlFlow::Continue(())
    });
    symbols
}
