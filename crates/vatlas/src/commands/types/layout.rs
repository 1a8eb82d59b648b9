//! A layout as a table and as JSON.

use crate::{
    draw::text::printable,
    table::{Cell, Side, Table},
    value_words::bits_words,
};
use anstyle::Style;
use serde_json::{Value as Json, json};
use vatlas_debug::{
    symbolize::stem,
    type_layout::{FoundType, LayoutRow, RowKind, TypeLayout},
};
use vatlas_symbols::types::ConstantValue;

/// `struct counter, 28 bytes; of app, from app.pdb (PDB)`
pub fn headline(layout: &TypeLayout, found: &FoundType) -> String {
    let size = layout.size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let line = format!("{}{size}; of {}, from {}", layout.name, stem(found.module.name()), found.origin);
    printable(&line).into_owned()
}

fn bytes(size: u64) -> String {
    if size == 1 { "1 byte".to_owned() } else { format!("{size} bytes") }
}

/// A row for each part.
pub fn table(layout: &TypeLayout) -> Table {
    let columns = [
        ("OFFSET", Side::Right),
        ("SIZE", Side::Right),
        ("NAME", Side::Left),
        ("VALUE", Side::Right),
        ("TYPE", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for row in &layout.rows {
        let dim = Style::new().dimmed();
        let style = if row.kind == RowKind::Padding { dim } else { Style::new() };
        let offset = row.offset.map(|offset| format!("+{offset:#x}")).unwrap_or_default();
        let offset = offset + &row.bits.map(bits_words).unwrap_or_default();
        let size = match row.bits {
            Some((_, bits)) => format!("{bits} bit{}", if bits == 1 { "" } else { "s" }),
            None => row.size.map(|size| size.to_string()).unwrap_or_default(),
        };
        let name = Cell::styled(format!("{}{}", "  ".repeat(row.depth), name(row)), style);
        let value = row.value.as_ref().map(constant).unwrap_or_default();
        let type_name = Cell::styled(&row.type_name, dim);
        table.row([Cell::styled(offset, style), Cell::styled(size, style), name, value.into(), type_name]);
    }
    table
}

fn name(row: &LayoutRow) -> String {
    match row.kind {
        RowKind::Base => format!("(base) {}", row.name),
        RowKind::VirtualBase => format!("(virtual base) {}", row.name),
        RowKind::Static => format!("(static) {}", row.name),
        RowKind::Nested => format!("(type) {}", row.name),
        RowKind::Member if row.name.is_empty() => "(unnamed)".to_owned(),
        _ => row.name.clone(),
    }
}

/// The value of a constant.
pub fn constant(value: &ConstantValue) -> String {
    match value {
        ConstantValue::Integer(number) => number.to_string(),
        ConstantValue::Float(number) => number.to_string(),
        ConstantValue::Text(text) => format!("{text:?}"),
        ConstantValue::Bytes(bytes) => vatlas_debug::value::Bytes::known(bytes).hex(),
    }
}

/// The layout with named fields.
pub fn json(layout: &TypeLayout) -> Json {
    let row = |row: &LayoutRow| {
        json!({
            "depth": row.depth,
            "kind": row.kind.word(),
            "offset": row.offset,
            "size": row.size,
            "first_bit": row.bits.map(|(first, _)| first),
            "bits": row.bits.map(|(_, bits)| bits),
            "name": row.name,
            "type": row.type_name,
            "value": row.value.as_ref().map(constant),
        })
    };
    json!({
        "declaration": layout.name,
        "size": layout.size,
        "rows": layout.rows.iter().map(row).collect::<Json>(),
        "complete": layout.is_complete,
        "problems": layout.problems,
    })
}
