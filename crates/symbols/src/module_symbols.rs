//! All symbol files of one module, asked best first.

use crate::{
    symbol::{Frame, Symbol},
    symbol_file::{Origin, SymbolFile},
};
use std::ops::ControlFlow;
use vatlas_space::Rva;

/// A symbol without a known size is no answer for addresses further away than this; it is a remark.
const FAR: u32 = 0x1_0000;

/// The answer for an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookup {
    /// The symbol.
    pub symbol: Symbol,
    /// Bytes from its first address.
    pub offset: u32,
    /// Whether the address belongs to it. Else it is only the nearest name below, which says little.
    pub is_inside: bool,
    /// Functions and lines, innermost first; empty without debug information.
    pub frames: Vec<Frame>,
    /// Which file said so.
    pub origin: Origin,
}

/// The symbol files of a module.
#[derive(Default)]
pub struct ModuleSymbols {
    files: Vec<Box<dyn SymbolFile>>,
}

impl ModuleSymbols {
    /// The files, in any order.
    pub fn new(mut files: Vec<Box<dyn SymbolFile>>) -> Self {
        files.sort_by_key(|file| file.origin().kind);
        Self { files }
    }

    /// The files, best first.
    pub fn files(&self) -> &[Box<dyn SymbolFile>] {
        &self.files
    }

    /// The best answer for an address: the first file whose symbol covers it, else the nearest name of any.
    pub fn lookup(&self, rva: Rva) -> Option<Lookup> {
        let answers = self.files.iter().filter_map(|file| lookup_in(&**file, rva));
        let mut nearest: Option<Lookup> = None;
        for answer in answers {
            if answer.is_inside {
                return Some(answer);
            }
            if nearest.as_ref().is_none_or(|nearest| answer.offset < nearest.offset) {
                nearest = Some(answer);
            }
        }
        nearest
    }

    /// Every symbol of every file, best file first, until the visitor breaks.
    pub fn visit(&self, visitor: &mut dyn FnMut(&Origin, &Symbol) -> ControlFlow<()>) {
        for file in &self.files {
            let mut is_over = false;
            file.visit(&mut |symbol| {
                let flow = visitor(file.origin(), symbol);
                is_over = flow.is_break();
                flow
            });
            if is_over {
                return;
            }
        }
    }
}

fn lookup_in(file: &dyn SymbolFile, rva: Rva) -> Option<Lookup> {
    let symbol = file.symbol_at(rva)?;
    let offset = rva.offset_from(symbol.rva)?;
    let is_inside = symbol.offset_of(rva).is_some() && (symbol.size.is_some() || offset < FAR);
    let frames = if is_inside { file.frames_at(rva) } else { Vec::new() };
    Some(Lookup { offset, is_inside, frames, origin: file.origin().clone(), symbol })
}
