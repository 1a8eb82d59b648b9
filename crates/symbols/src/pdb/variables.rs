//! Variables in scope at an address: the records of its function, read again when someone asks.

mod place;
mod range;
pub(super) mod record;

use super::{
    PdbFile,
    addresses::Linked,
    records::{RawRecord, Record, Records, TypeIndex},
};
use crate::variable::{Variable, VariableKind};
use place::{Bases, Placing};
use range::{Covering, RangeRecord};
use record::{Form, FrameProc, VariableRecord};
use std::cmp::Reverse;
use vatlas_space::{Machine, Rva};

/// Flags of `S_LOCAL`: an argument; a global or static variable that is kept in a register.
const IS_PARAMETER: u16 = 1;
const IS_STATIC: u16 = 0x200 | 0x400;

/// A variable in scope.
struct Found<'a> {
    record: VariableRecord<'a>,
    /// How many scopes are around it.
    level: usize,
    /// Which function of the frames at the address: 0 the innermost.
    frame: usize,
    ranges: Vec<Covering>,
}

/// A scope around the next record.
#[derive(Clone, Copy)]
struct Scope {
    is_at_address: bool,
    frame: usize,
}

/// What a function's records say.
#[derive(Default)]
struct Function<'a> {
    variables: Vec<Found<'a>>,
    frame_proc: Option<FrameProc>,
    /// Flag of a function that has a frame pointer.
    has_frame_pointer: bool,
    type_index: TypeIndex,
}

/// Flag of a function that has a frame pointer, `CV_PFLAG_NOFPO`.
const HAS_FRAME_POINTER: u8 = 1;

impl PdbFile {
    /// Variables in scope at an address.
    pub(super) fn variables_in_scope(&self, rva: Rva) -> Vec<Variable> {
        let Some(linked) = self.addresses.to_linked(rva.0) else { return Vec::new() };
        let Some((index, table, procedure)) = self.procedure_at(linked) else { return Vec::new() };
        let Some(module) = self.modules.get(index) else { return Vec::new() };
        let Some(stream) = self.stream(module.stream, "module") else { return Vec::new() };
        let symbols = stream.get(..module.symbols_size as usize).unwrap_or(&stream);
        let sites = table.inline_sites_at(procedure, linked);
        let mut function = Function::default();
        for record in [Some(procedure.record), procedure.whole].into_iter().flatten() {
            let mut walk = Walk { file: self, linked, sites: &sites, scopes: Vec::new(), current: None };
            walk.function(symbols, record as usize, &mut function);
        }
        self.assemble(index, &function)
    }

    fn assemble(&self, module: usize, function: &Function<'_>) -> Vec<Variable> {
        let machine =
            self.dbi.as_ref().map_or(Machine::Other(0), |(header, _)| vatlas_images::pe::machine(header.machine));
        let bases = Bases::new(machine, function.frame_proc, function.has_frame_pointer);
        let placing = Placing { file: self, machine, bases };
        let kinds = kinds(function, machine, &bases, self.argument_count(module, function.type_index));
        let mut variables: Vec<(usize, Variable)> = Vec::new();
        for (index, found) in function.variables.iter().enumerate() {
            if is_repeated(found, &function.variables) {
                continue;
            }
            let kind = kinds[index];
            let (place, is_after_prologue) = placing.place(&found.record.form, &found.ranges, kind);
            let variable = Variable {
                name: String::from_utf8_lossy(found.record.name).into_owned(),
                type_id: self.type_id(Some(module), found.record.type_index),
                kind,
                place,
                is_after_prologue,
                frame: found.frame,
            };
            variables.push((found.level, variable));
        }
        variables.sort_by_key(|(level, variable)| {
            (variable.frame, variable.kind != VariableKind::Parameter, Reverse(*level))
        });
        variables.into_iter().map(|(_, variable)| variable).collect()
    }
}

/// Optimized code has where a variable is in ranges, and once more, for old debuggers, where an argument arrives.
fn is_repeated(found: &Found<'_>, all: &[Found<'_>]) -> bool {
    let has_ranges = |form: &Form| matches!(form, Form::Ranges(_) | Form::StaticInRanges);
    let is_same = |other: &Found<'_>| {
        other.record.name == found.record.name && (other.frame, other.level) == (found.frame, found.level)
    };
    !has_ranges(&found.record.form) && all.iter().any(|other| has_ranges(&other.record.form) && is_same(other))
}

/// What every variable is. Old records do not say it; the arguments stand before the locals.
fn kinds(function: &Function<'_>, machine: Machine, bases: &Bases, arguments: Option<usize>) -> Vec<VariableKind> {
    let has_locals = function.variables.iter().any(|found| matches!(found.record.form, Form::Ranges(_)));
    let has_this = function.variables.first().is_some_and(|found| found.record.name == b"this");
    let arguments = arguments.map(|arguments| arguments + usize::from(has_this));
    let kind = |(index, found): (usize, &Found<'_>)| {
        let is_parameter = match found.record.form {
            Form::Ranges(flags) if flags & IS_STATIC != 0 => return VariableKind::Static,
            Form::Ranges(flags) => flags & IS_PARAMETER != 0,
            Form::StaticInRanges | Form::Static(_) | Form::Thread(_) => return VariableKind::Static,
            Form::Constant(_) => false,
            _ if found.level > 1 => false,
            _ if found.record.name == b"this" => true,
            _ if has_locals => false,
            Form::FrameRelative(offset) => offset > 0,
            Form::RegisterRelative(_, offset) if bases.frame_size.is_some() => bases.is_above_frame(machine, offset),
            _ => arguments.is_some_and(|arguments| index < arguments),
        };
        if is_parameter { VariableKind::Parameter } else { VariableKind::Local }
    };
    function.variables.iter().enumerate().map(kind).collect()
}

/// The reading of one function's records.
struct Walk<'a> {
    file: &'a PdbFile,
    linked: Linked,
    /// Offsets of the records of the inlined functions at the address, innermost first.
    sites: &'a [u32],
    scopes: Vec<Scope>,
    /// The variable that ranges belong to.
    current: Option<usize>,
}

impl Walk<'_> {
    /// Reads the records from that of a function to the end of its scope.
    fn function<'s>(&mut self, symbols: &'s [u8], at: usize, function: &mut Function<'s>) {
        for raw in Records::new(symbols, at) {
            self.record(&raw, function);
            if self.scopes.is_empty() {
                return;
            }
        }
    }

    fn record<'s>(&mut self, raw: &RawRecord<'s>, function: &mut Function<'s>) {
        let outer = self.scopes.last().copied();
        match raw.read() {
            Record::Procedure { type_index, flags, .. } => {
                if !self.scopes.is_empty() {
                    // Functions do not nest.
                    return self.scopes.clear();
                }
                function.type_index = type_index;
                function.has_frame_pointer |= flags & HAS_FRAME_POINTER != 0;
                self.scopes.push(Scope { is_at_address: true, frame: self.sites.len() });
            }
            Record::Separated { .. } if outer.is_none() => {
                self.scopes.push(Scope { is_at_address: true, frame: self.sites.len() });
            }
            Record::Block { place, size } => {
                let start = self.file.addresses.linked(place.section, place.offset);
                let offset = start.and_then(|start| self.linked.checked_sub(start));
                let is_in = offset.is_some_and(|offset| offset < size);
                self.begin(|outer| Scope { is_at_address: outer.is_at_address && is_in, ..outer });
            }
            Record::InlineSite { .. } => {
                let site = self.sites.iter().position(|site| *site == raw.at);
                self.begin(|outer| Scope { is_at_address: site.is_some(), frame: site.unwrap_or(outer.frame) });
            }
            Record::Separated { .. } | Record::Thunk { .. } | Record::Scope => self.begin(|outer| outer),
            Record::End => drop(self.scopes.pop()),
            _ => self.variable(raw, function),
        }
    }

    fn begin(&mut self, scope: impl FnOnce(Scope) -> Scope) {
        self.current = None;
        if let Some(outer) = self.scopes.last() {
            self.scopes.push(scope(*outer));
        }
    }

    fn variable<'s>(&mut self, raw: &RawRecord<'s>, function: &mut Function<'s>) {
        let Some(scope) = self.scopes.last().filter(|scope| scope.is_at_address) else {
            self.current = None;
            return;
        };
        if let RangeRecord::Range(range) = range::read(raw, &self.file.addresses, self.linked) {
            let current = self.current.and_then(|current| function.variables.get_mut(current));
            if let Some(current) = current {
                current.ranges.extend(range);
            }
            return;
        }
        if let Some(frame_proc) = record::frame_proc(raw).filter(|_| self.scopes.len() == 1) {
            function.frame_proc = Some(frame_proc);
        }
        self.current = None;
        if let Some(record) = record::read(raw) {
            self.current = Some(function.variables.len());
            let (level, frame) = (self.scopes.len(), scope.frame);
            function.variables.push(Found { record, level, frame, ranges: Vec::new() });
        }
    }
}
