//! The pieces of other functions that the compiler put into one.

use super::{
    look::{Die, Entry, Look},
    names::{Tables, plain},
};
use gimli::constants as dw;
use std::{collections::HashMap, sync::Arc};

/// Deepest nesting that is believed.
const DEEPEST: usize = 256;

/// A piece of a function inside another.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// 0 for one that lies in the function itself.
    depth: u32,
    start: u32,
    end: u32,
    /// Number of its name.
    name: u32,
    call_file: u32,
    call_line: u32,
}

/// A piece that covers an address.
pub(super) struct Inlined<'b> {
    pub name: &'b Arc<str>,
    pub call_file: u32,
    pub call_line: u32,
}

/// The pieces inside a function.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// By depth and address.
    pieces: Vec<Piece>,
    names: Vec<Arc<str>>,
}

impl Body {
    /// Reads the family of a function.
    pub fn read<'a>(look: &Look<'a>, tables: Tables, function: &Die<'a>) -> Self {
        let length = look.units.rows.get(function.unit.index).map_or(0, |row| row.end - row.start);
        let mut reader = Reader { look, tables, body: Self::default(), known: HashMap::new(), ranges: 16 * length };
        // What was read before the damage is kept.
        let _ = reader.family(function);
        reader.body.pieces.sort_by_key(|piece| (piece.depth, piece.start));
        reader.body
    }

    /// The pieces that cover an address, innermost first.
    pub fn at(&self, rva: u32) -> Vec<Inlined<'_>> {
        let mut found = Vec::new();
        let mut rest = self.pieces.as_slice();
        while let Some(first) = rest.first() {
            let (of_depth, deeper) = rest.split_at(rest.partition_point(|piece| piece.depth == first.depth));
            let before = of_depth.partition_point(|piece| piece.start <= rva);
            let covering = before.checked_sub(1).map(|index| of_depth[index]).filter(|piece| piece.end > rva);
            found.extend(covering.and_then(|piece| {
                let name = self.names.get(piece.name as usize)?;
                Some(Inlined { name, call_file: piece.call_file, call_line: piece.call_line })
            }));
            rest = deeper;
        }
        found.reverse();
        found
    }
}

struct Reader<'l, 't, 'a> {
    look: &'l Look<'a>,
    tables: Tables<'t>,
    body: Body,
    /// Names by the entry that they come from.
    known: HashMap<super::look::Place, u32>,
    ranges: usize,
}

impl<'a> Reader<'_, '_, 'a> {
    fn family(&mut self, function: &Die<'a>) -> gimli::Result<()> {
        let mut raw = function.unit.unit.entries_raw(Some(function.entry.offset()))?;
        let mut entry = Entry::null();
        raw.read_entry(&mut entry)?;
        // Depths of the inlined functions that are open.
        let mut open: Vec<isize> = Vec::new();
        while raw.next_depth() > 0 {
            if !raw.read_entry(&mut entry)? {
                continue;
            }
            while open.pop_if(|depth| *depth >= entry.depth()).is_some() {}
            if entry.tag() == dw::DW_TAG_inlined_subroutine && open.len() < DEEPEST {
                self.inlined(function, &entry, open.len() as u32);
                open.push(entry.depth());
            }
        }
        Ok(())
    }

    fn inlined(&mut self, function: &Die<'a>, entry: &Entry<'a>, depth: u32) {
        let pieces = self.look.pieces(&function.unit.unit, entry, &mut self.ranges);
        let die = Die { unit: function.unit.clone(), entry: entry.clone() };
        let Some(name) = self.name(&die).filter(|_| !pieces.is_empty()) else { return };
        let number = |attribute| die.number(attribute).or_else(|| file_index(&die, attribute));
        let call_file = number(dw::DW_AT_call_file).and_then(|number| number.try_into().ok()).unwrap_or(u32::MAX);
        let call_line = number(dw::DW_AT_call_line).and_then(|number| number.try_into().ok()).unwrap_or(0);
        let piece = |(start, end)| Piece { depth, start, end, name, call_file, call_line };
        self.body.pieces.extend(pieces.into_iter().map(piece));
    }

    fn name(&mut self, die: &Die<'a>) -> Option<u32> {
        let origin = self.look.origin(die)?;
        if let Some(known) = self.known.get(&origin.place()) {
            return Some(*known);
        }
        let number = u32::try_from(self.body.names.len()).ok()?;
        self.body.names.push(plain(self.look, self.tables, &origin).into());
        self.known.insert(origin.place(), number);
        Some(number)
    }
}

fn file_index(die: &Die, attribute: gimli::DwAt) -> Option<u64> {
    match die.value(attribute)? {
        gimli::AttributeValue::FileIndex(index) => Some(index),
        _ => None,
    }
}
