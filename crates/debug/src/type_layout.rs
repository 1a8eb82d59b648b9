//! The layout of a type: what lies where in it, row by row, with the holes between.

mod find;
mod near;
mod records;
mod rows;

pub use find::{FoundType, TypeQuestion, find_types, nearby_types};
pub(crate) use near::rank;
pub use rows::{LayoutRow, RowKind, TypeLayout};

use crate::value::strip;
use records::Rows;
use vatlas_symbols::{
    Type, TypeId, Types,
    type_text::{declaration, size_of, type_name},
    types::{Enumeration, FunctionType, NamedValue},
};

/// Rows of one layout.
const MOST_ROWS: usize = 20_000;
/// Names of names that are shown.
const MOST_ALIASES: usize = 64;

/// How much of a layout is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LayoutLimits {
    /// Levels of members of members; 1 shows the type's own. Records without a name do not count.
    pub depth: usize,
    /// Rows.
    pub rows: usize,
    /// Methods, static members and types declared inside too.
    pub with_methods: bool,
}

impl Default for LayoutLimits {
    fn default() -> Self {
        Self { depth: 1, rows: MOST_ROWS, with_methods: false }
    }
}

/// The layout of a type.
pub fn type_layout(types: &dyn Types, id: TypeId, limits: LayoutLimits) -> TypeLayout {
    let mut rows = Rows::new(types, limits);
    let target = aliases(&mut rows, id);
    match strip(types, target) {
        Ok((_, Type::Record(record))) => rows.record(&record, 0, 0),
        Ok((_, Type::Enumeration(enumeration))) => enumerated(&mut rows, &enumeration),
        Ok((_, Type::Function(function))) => signature(&mut rows, &function),
        Ok((_, Type::Array { element, count, .. })) => array(&mut rows, element, count),
        Ok((_, Type::Pointer { target, .. })) => rows.inside("points at", target),
        Ok(_) => {}
        Err(problem) => rows.problem(problem),
    }
    TypeLayout {
        name: title(types, id),
        size: size_of(types, id),
        problems: rows.problems,
        is_complete: rows.is_complete,
        rows: rows.rows,
    }
}

/// The type as its declaration begins: `struct counter`, `typedef unsigned long DWORD`.
fn title(types: &dyn Types, id: TypeId) -> String {
    let name = type_name(types, id);
    match types.get(id) {
        Ok(Type::Record(record)) => format!("{} {}", record.kind, record.name),
        Ok(Type::Enumeration(enumeration)) => format!("enum {}", enumeration.name),
        Ok(Type::Alias { name, target }) => format!("typedef {}", declaration(types, target, &name)),
        _ => name,
    }
}

/// A row for each name that stands for another; the type at their end.
fn aliases(rows: &mut Rows<'_>, id: TypeId) -> TypeId {
    let mut id = id;
    for _ in 0..MOST_ALIASES {
        let Ok(Type::Alias { target, .. }) = rows.types.get(id) else { return id };
        let of = title(rows.types, target);
        rows.push(LayoutRow { type_name: of, ..LayoutRow::new(0, RowKind::Alias, "stands for") });
        id = target;
    }
    id
}

fn enumerated(rows: &mut Rows<'_>, enumeration: &Enumeration) {
    rows.inside("held by", enumeration.underlying);
    for NamedValue { name, value } in &enumeration.values {
        rows.push(LayoutRow { value: Some(value.clone()), ..LayoutRow::new(0, RowKind::EnumValue, name) });
    }
}

fn signature(rows: &mut Rows<'_>, function: &FunctionType) {
    if let Some(class) = function.class {
        rows.inside("method of", class);
    }
    rows.inside("returns", function.result);
    for argument in &function.arguments {
        let type_name = type_name(rows.types, *argument);
        let size = size_of(rows.types, *argument);
        rows.push(LayoutRow { type_name, size, ..LayoutRow::new(0, RowKind::Argument, "argument") });
    }
    if function.is_variadic {
        rows.push(LayoutRow { type_name: "...".to_owned(), ..LayoutRow::new(0, RowKind::Argument, "argument") });
    }
}

fn array(rows: &mut Rows<'_>, element: TypeId, count: Option<u64>) {
    let name = count.map_or("elements".to_owned(), |count| format!("{count} elements"));
    rows.inside(&name, element);
    if let Ok((_, Type::Record(record))) = strip(rows.types, element) {
        rows.record(&record, 0, 1);
    }
}

#[cfg(test)]
mod tests;
