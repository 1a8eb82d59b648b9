//! How to leave the frames of x86 functions: the streams `FPO_DATA` and `FRAMEDATA`.

use super::{
    PdbFile,
    addresses::{Linked, Piece},
    reader::Reader,
};
use crate::variable::{FrameKind, FrameRule};
use std::cmp::Reverse;
use vatlas_space::{Problem, Rva};

/// A record of either stream.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: Linked,
    size: u32,
    /// The end of the record that reaches furthest of those up to this one.
    furthest: u64,
    shape: Shape,
}

/// What it says.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Fpo(Fpo),
    FrameData(FrameData),
}

/// `FPO_DATA` of `winnt.h`, behind the start and the size.
#[derive(Clone, Copy, Debug)]
struct Fpo {
    local_words: u32,
    parameter_words: u16,
    prologue: u8,
    /// Bits 0 to 2: registers that are saved; 3: a handler; 4: `ebp` was pushed; 6 and 7: the kind.
    bits: u8,
}

/// `FRAMEDATA` of `cvinfo.h`, behind the start and the size.
#[derive(Clone, Copy, Debug)]
struct FrameData {
    locals: u32,
    parameters: u32,
    max_stack: u32,
    /// Offset of the program in `/names`.
    program: u32,
    prologue: u16,
    saved: u16,
    flags: u32,
}

impl Fpo {
    fn read(reader: &mut Reader<'_>) -> Option<(Linked, u32, Self)> {
        let (start, size, local_words) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let (parameter_words, prologue, bits) = (reader.u16()?, reader.u8()?, reader.u8()?);
        Some((start, size, Self { local_words, parameter_words, prologue, bits }))
    }

    fn rule(&self) -> FrameRule {
        let kind = match self.bits >> 6 {
            0 => FrameKind::Fpo,
            1 => FrameKind::Trap,
            2 => FrameKind::Tss,
            _ => FrameKind::Standard,
        };
        FrameRule {
            kind,
            locals_size: self.local_words.saturating_mul(4),
            parameters_size: u32::from(self.parameter_words) * 4,
            saved_size: u32::from(self.bits & 7) * 4,
            prologue_size: self.prologue.into(),
            max_stack: None,
            has_seh: self.bits & 8 != 0,
            has_cpp_eh: false,
            is_function_start: true,
            uses_ebp: self.bits & 0x10 != 0,
            program: None,
            start: Rva(0),
            size: 0,
        }
    }
}

impl FrameData {
    fn read(reader: &mut Reader<'_>) -> Option<(Linked, u32, Self)> {
        let (start, size) = (reader.u32()?, reader.u32()?);
        let (locals, parameters, max_stack, program) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let (prologue, saved, flags) = (reader.u16()?, reader.u16()?, reader.u32()?);
        Some((start, size, Self { locals, parameters, max_stack, program, prologue, saved, flags }))
    }

    fn rule(&self, program: Option<String>) -> FrameRule {
        FrameRule {
            kind: FrameKind::Standard,
            locals_size: self.locals,
            parameters_size: self.parameters,
            saved_size: self.saved.into(),
            prologue_size: self.prologue.into(),
            max_stack: Some(self.max_stack),
            has_seh: self.flags & 1 != 0,
            has_cpp_eh: self.flags & 2 != 0,
            is_function_start: self.flags & 4 != 0,
            uses_ebp: false,
            program,
            start: Rva(0),
            size: 0,
        }
    }
}

/// The records of both streams, by address; of those that begin together the longest first.
#[derive(Debug, Default)]
pub(super) struct FrameRules(Vec<Row>);

impl FrameRules {
    fn new(fpo: &[u8], frame_data: &[u8]) -> Self {
        let mut rows = Vec::new();
        let mut push = |start, size, shape| rows.push(Row { start, size, furthest: 0, shape });
        let mut reader = Reader::new(fpo);
        while let Some((start, size, fpo)) = Fpo::read(&mut reader) {
            push(start, size, Shape::Fpo(fpo));
        }
        let mut reader = Reader::new(frame_data);
        while let Some((start, size, data)) = FrameData::read(&mut reader) {
            push(start, size, Shape::FrameData(data));
        }
        rows.sort_by_key(|row| (row.start, Reverse(row.size)));
        let mut furthest = 0;
        for row in &mut rows {
            furthest = furthest.max(u64::from(row.start) + u64::from(row.size));
            row.furthest = furthest;
        }
        Self(rows)
    }

    /// The narrowest record that covers an address; of equal ones that with a program, which says more.
    fn at(&self, linked: Linked) -> Option<&Row> {
        let end = self.0.partition_point(|row| row.start <= linked);
        let reaching = self.0[..end].iter().rev().take_while(|row| row.furthest > linked.into());
        let covering = reaching.filter(|row| linked - row.start < row.size);
        covering.min_by_key(|row| (row.size, matches!(row.shape, Shape::Fpo(_))))
    }
}

impl PdbFile {
    fn frame_rules(&self) -> &FrameRules {
        self.frame_rules.get_or_init(|| {
            let Some((header, stream)) = &self.dbi else { return FrameRules::default() };
            let numbers = header.streams(stream);
            let read = |number, what, size: usize| {
                let stream = self.stream(number, what);
                let length = stream.as_ref().map_or(0, |stream| stream.len());
                if !length.is_multiple_of(size) {
                    let at = length - length % size;
                    let place = format!("{}, offset {at:#x}", self.streams.place(number, what));
                    self.note(Problem::damage(place, "the last record is cut off").hint("those before are used"));
                }
                stream
            };
            let fpo = read(numbers.fpo, "FPO_DATA", 16);
            let frame_data = read(numbers.frame_data, "FRAMEDATA", 32);
            FrameRules::new(fpo.as_deref().map_or(&[], |fpo| fpo), frame_data.as_deref().map_or(&[], |data| data))
        })
    }

    /// The rule for an address of the image. One of code that was moved in pieces holds for the address's piece.
    pub(super) fn frame_rule(&self, rva: u32) -> Option<FrameRule> {
        let linked = self.addresses.to_linked(rva)?;
        let row = self.frame_rules().at(linked)?;
        let rule = match &row.shape {
            Shape::Fpo(fpo) => fpo.rule(),
            Shape::FrameData(data) => data.rule(self.file_name(data.program).filter(|program| !program.is_empty())),
        };
        let is_own = |piece: &Piece| rva.checked_sub(piece.rva).is_some_and(|offset| offset < piece.size);
        let piece = self.addresses.pieces(row.start, row.size).into_iter().find(is_own)?;
        let first = self.addresses.to_linked(piece.rva)?;
        Some(FrameRule {
            start: Rva(piece.rva),
            size: piece.size,
            prologue_size: self.prologue_in(piece, first, row.start.saturating_add(rule.prologue_size)),
            is_function_start: rule.is_function_start && first == row.start,
            ..rule
        })
    }

    /// How many bytes at the front of a piece, which was linked at `first`, belong to a prologue that was linked up to
    /// `end`.
    fn prologue_in(&self, piece: Piece, first: Linked, end: Linked) -> u32 {
        let Some(size) = end.checked_sub(first).filter(|size| *size != 0) else { return 0 };
        if !self.addresses.is_moved() {
            return size;
        }
        let pieces = self.addresses.pieces(first, size);
        pieces.iter().find(|own| own.rva == piece.rva).map_or(0, |own| own.size.min(piece.size))
    }
}
