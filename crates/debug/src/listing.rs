//! A function line by line, with its instructions.

use crate::{
    disassembly::{Instruction, LONGEST, disassemble, disassemble_arm},
    symbolize::Symbolizer,
};
use std::ops::ControlFlow;
use vatlas_space::{AddressSpace, Machine, Module, Process, Va};
use vatlas_symbols::{ModuleSymbols, Name, NamePattern, Origin, SourceLine, Symbol, SymbolKind};

/// Larger functions are cut: no compiler makes them.
const LARGEST: u32 = 1 << 18;

/// A function of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Where it is loaded.
    pub module: Module,
    /// Its address.
    pub va: Va,
    /// The symbol.
    pub symbol: Symbol,
    /// What its name says.
    pub name: Name,
    /// Which file has it.
    pub origin: Origin,
}

/// Code of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Its first address.
    pub va: Va,
    /// Its bytes.
    pub size: u32,
    /// The line; `None` where none is known.
    pub line: Option<SourceLine>,
    /// The inlined function that the line is of.
    pub inlined: Option<String>,
    /// Its instructions, where its bytes can be read.
    pub instructions: Vec<Instruction>,
    /// For each instruction the name of where it jumps to or what it calls.
    pub targets: Vec<Option<String>>,
}

/// A function in pieces, in order of address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// The function.
    pub function: Function,
    /// The pieces.
    pub pieces: Vec<Piece>,
}

/// The functions of a process whose names fit, one for each address: that of the best file.
pub fn functions(symbolizer: &Symbolizer<'_>, process: &Process, pattern: &NamePattern) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    for module in process.modules.iter().filter(|module| pattern.is_for_module(module.name())) {
        let symbols = symbolizer.symbols(module);
        let machine = symbolizer.machine_of(&symbols);
        let mut own: Vec<Function> = Vec::new();
        symbols.visit(&mut |origin, symbol| {
            if symbol.kind != SymbolKind::Data {
                let name = Name::of(symbol, origin, machine);
                let va = symbolizer.va_of(module, symbol.rva).filter(|_| pattern.fits(name.forms()));
                own.extend(va.map(|va| Function {
                    module: module.clone(),
                    va,
                    symbol: symbol.clone(),
                    name,
                    origin: origin.clone(),
                }));
            }
            ControlFlow::Continue(())
        });
        // A stable sort keeps the best file first.
        own.sort_by_key(|function| function.va);
        own.dedup_by_key(|function| function.va);
        functions.extend(own);
    }
    functions
}

/// The function that an address lies in.
pub fn function_at(symbolizer: &Symbolizer<'_>, va: Va) -> Option<Function> {
    let answer = symbolizer.at(va).filter(|answer| answer.lookup.is_inside)?;
    let start = symbolizer.va_of(&answer.module, answer.lookup.symbol.rva)?;
    Some(Function {
        va: start,
        symbol: answer.lookup.symbol,
        name: answer.name,
        origin: answer.lookup.origin,
        module: answer.module,
    })
}

/// A function line by line; with `space` its instructions.
pub fn listing(symbolizer: &Symbolizer<'_>, function: &Function, space: Option<&dyn AddressSpace>) -> Listing {
    let symbols = symbolizer.symbols(&function.module);
    let machine = symbolizer.machine_of(&symbols);
    let size = function.symbol.size.unwrap_or_else(|| lines_end(&symbols, function)).min(LARGEST);
    let mut pieces: Vec<Piece> = Vec::new();
    // Lines of inlined functions lie inside those of the function, so every address is asked for its innermost line.
    for offset in 0..size {
        let Some(rva) = function.symbol.rva.checked_add(offset) else { break };
        let innermost = symbols.lookup(rva).and_then(|lookup| lookup.frames.into_iter().next());
        let inlined = innermost.as_ref().filter(|frame| frame.is_inline).map(|frame| frame.function.to_string());
        let line = innermost.and_then(|frame| frame.line);
        match pieces.last_mut().filter(|last| (&last.line, &last.inlined) == (&line, &inlined)) {
            Some(last) => last.size += 1,
            None => {
                let va = Va(function.va.0.wrapping_add(offset.into()));
                pieces.push(Piece { va, size: 1, line, inlined, instructions: Vec::new(), targets: Vec::new() });
            }
        }
    }
    for piece in &mut pieces {
        add_code(symbolizer, piece, machine, space);
    }
    Listing { function: function.clone(), pieces }
}

/// Where the last line ends, in bytes from the function's front.
fn lines_end(symbols: &ModuleSymbols, function: &Function) -> u32 {
    let of_files = symbols.files().iter().flat_map(|file| file.lines_of(&function.symbol).pop());
    let end = of_files.map(|(rva, size, _)| rva.0.saturating_add(size)).max().unwrap_or(0);
    end.saturating_sub(function.symbol.rva.0)
}

fn add_code(symbolizer: &Symbolizer<'_>, piece: &mut Piece, machine: Machine, space: Option<&dyn AddressSpace>) {
    let Some(space) = space else { return };
    // The last instruction may reach over the end where lines are wrong; it is shown whole.
    let mut bytes = vec![0; piece.size as usize + LONGEST];
    let held = space.read_available(piece.va, &mut bytes);
    let most = piece.size as usize;
    let is_arm_code = machine == Machine::Arm && symbolizer.has_arm_code() && piece.va.is_aligned(4);
    let instructions = match is_arm_code {
        true => disassemble_arm(piece.va, &bytes[..held], most),
        false => disassemble(machine, piece.va, &bytes[..held], most),
    };
    let end = piece.va.0.saturating_add(piece.size.into());
    piece.instructions = instructions.into_iter().take_while(|instruction| instruction.va.0 < end).collect();
    let target =
        |instruction: &Instruction| symbolizer.at(instruction.goes_to?).filter(|answer| answer.lookup.is_inside);
    piece.targets =
        piece.instructions.iter().map(|instruction| target(instruction).map(|answer| answer.text())).collect();
}
