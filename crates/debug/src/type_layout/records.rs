//! Rows of records: parts by offset, those of their records indented below, and the holes between.

use super::{LayoutLimits, LayoutRow, RowKind};
use crate::value::{strip, tag};
use vatlas_symbols::{
    Type, TypeId, Types,
    type_text::{size_of, type_name},
    types::{Base, BasePlace, Member, Method, Record, RecordKind},
};

/// Levels of records without a name, which do not count as depth; a file with more is damaged.
const DEEPEST: usize = 32;

/// Rows as they are collected.
pub(super) struct Rows<'a> {
    pub types: &'a dyn Types,
    pub rows: Vec<LayoutRow>,
    pub problems: Vec<String>,
    pub is_complete: bool,
    limits: LayoutLimits,
}

/// A part of a record, and the record that it is.
struct Part {
    row: LayoutRow,
    type_id: Option<TypeId>,
}

impl<'a> Rows<'a> {
    pub fn new(types: &'a dyn Types, limits: LayoutLimits) -> Self {
        Self { types, rows: Vec::new(), problems: Vec::new(), is_complete: true, limits }
    }

    pub fn push(&mut self, row: LayoutRow) {
        if self.rows.len() < self.limits.rows {
            self.rows.push(row);
        } else {
            self.is_complete = false;
        }
    }

    pub fn problem(&mut self, problem: String) {
        const MOST: usize = 16;
        if self.problems.len() < MOST && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A row for a type that the asked one is made of.
    pub fn inside(&mut self, name: &str, id: TypeId) {
        let row = LayoutRow::new(0, RowKind::Part, name);
        let (type_name, size) = (type_name(self.types, id), size_of(self.types, id));
        self.push(LayoutRow { type_name, size, ..row });
    }

    /// The parts of a record that begins `front` bytes into the whole type.
    pub fn record(&mut self, record: &Record, front: u64, depth: usize) {
        self.nested(record, front, depth, depth, 0);
    }

    fn nested(&mut self, record: &Record, front: u64, depth: usize, shown: usize, level: usize) {
        if record.is_forward {
            self.problem(format!("{} is declared here without its members", record.name));
            return;
        }
        let parts = self.parts(record, front, depth);
        let mut end = front;
        let last = front.saturating_add(record.size);
        for Part { row, type_id } in parts {
            if !self.is_complete {
                return;
            }
            let is_placed = row.kind != RowKind::VirtualBase && record.kind != RecordKind::Union;
            if let (Some(offset), true) = (row.offset, is_placed) {
                self.hole(end, offset, depth);
                end = end.max(offset.saturating_add(row.size.unwrap_or(0)));
            }
            let (offset, is_unnamed) = (row.offset, row.name.is_empty());
            self.push(row);
            let shown = if is_unnamed { shown } else { shown + 1 };
            if let (Some(offset), Some(id)) = (offset, type_id)
                && shown < self.limits.depth
                && level < DEEPEST
                && let Ok((_, Type::Record(inner))) = strip(self.types, id)
            {
                self.nested(&inner, offset, depth + 1, shown, level + 1);
            }
        }
        // A virtual base lies behind the members; where is not told by the type.
        let ends_known = !record.bases.iter().any(|base| matches!(base.place, BasePlace::Virtual { .. }));
        if record.kind != RecordKind::Union && ends_known && end > front {
            self.hole(end, last, depth);
        }
        if self.limits.with_methods {
            self.declarations(record, depth);
        }
    }

    /// Bases, tables and members by offset.
    fn parts(&mut self, record: &Record, front: u64, depth: usize) -> Vec<Part> {
        let mut parts: Vec<Part> = record.bases.iter().map(|base| self.base(base, front, depth)).collect();
        parts.extend(record.vtables.iter().map(|(offset, _)| {
            let row = LayoutRow {
                offset: front.checked_add(*offset),
                size: Some(self.types.pointer_size()),
                type_name: "vtable *".to_owned(),
                ..LayoutRow::new(depth, RowKind::Vtable, "__vfptr")
            };
            Part { row, type_id: None }
        }));
        parts.extend(record.members.iter().map(|member| self.member(member, front, depth)));
        let key = |part: &Part| (part.row.offset.is_none(), part.row.offset, part.row.bits.map(|(first, _)| first));
        parts.sort_by_key(key);
        parts
    }

    fn base(&self, base: &Base, front: u64, depth: usize) -> Part {
        let name = tag(self.types, base.type_id);
        let type_name = type_name(self.types, base.type_id);
        let (kind, offset) = match base.place {
            BasePlace::At(offset) => (RowKind::Base, front.checked_add(offset)),
            BasePlace::Virtual { .. } => (RowKind::VirtualBase, None),
        };
        let size = size_of(self.types, base.type_id);
        let row = LayoutRow { offset, size, type_name, ..LayoutRow::new(depth, kind, name) };
        Part { row, type_id: Some(base.type_id) }
    }

    fn member(&mut self, member: &Member, front: u64, depth: usize) -> Part {
        let mut row = LayoutRow {
            offset: front.checked_add(member.offset),
            size: size_of(self.types, member.type_id),
            type_name: type_name(self.types, member.type_id),
            ..LayoutRow::new(depth, RowKind::Member, &member.name)
        };
        match self.types.get(member.type_id) {
            Ok(Type::BitField { target, first_bit, bits }) => {
                row.bits = Some((first_bit, bits));
                row.size = size_of(self.types, target);
                row.type_name = type_name(self.types, target);
            }
            Ok(_) => {}
            Err(problem) => self.problem(problem.to_string()),
        }
        Part { row, type_id: Some(member.type_id) }
    }

    fn hole(&mut self, from: u64, to: u64, depth: usize) {
        if from < to {
            let row = LayoutRow::new(depth, RowKind::Padding, "(padding)");
            self.push(LayoutRow { offset: Some(from), size: Some(to - from), ..row });
        }
    }

    /// What a record declares besides data.
    fn declarations(&mut self, record: &Record, depth: usize) {
        for (name, id) in &record.statics {
            let type_name = type_name(self.types, *id);
            self.push(LayoutRow { type_name, ..LayoutRow::new(depth, RowKind::Static, name) });
        }
        for method in &record.methods {
            self.method(method, depth);
        }
        for (name, id) in &record.nested {
            let type_name = type_name(self.types, *id);
            self.push(LayoutRow { type_name, ..LayoutRow::new(depth, RowKind::Nested, name) });
        }
    }

    fn method(&mut self, method: &Method, depth: usize) {
        let keyword = match (method.is_static, method.is_virtual) {
            (true, _) => "static ",
            (_, true) => "virtual ",
            _ => "",
        };
        let type_name = format!("{keyword}{}", type_name(self.types, method.type_id));
        self.push(LayoutRow { type_name, ..LayoutRow::new(depth, RowKind::Method, &method.name) });
    }
}
