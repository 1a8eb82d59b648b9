//! Values as rows of a table and as JSON, the same for every command.

use crate::{
    json,
    table::{Cell, Side, Table},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};
use vatlas_debug::value::{Field, Hidden, Integer, Text, TextEnd, Value, ValueKind, WordStyle, quoted, words};
use vatlas_space::{PointerWidth, Va};

/// Columns of values.
pub fn value_table() -> Table {
    Table::new(&[("OFFSET", Side::Right), ("NAME", Side::Left), ("VALUE", Side::Left), ("TYPE", Side::Left)])
}

/// A row for the value, and rows for its parts, indented.
pub fn value_rows(table: &mut Table, name: &str, value: &Value, style: WordStyle) {
    rows(table, &Row { depth: 0, offset: String::new(), name: name.to_owned() }, value, style);
}

/// Columns of values that come from different places.
pub fn placed_table() -> Table {
    Table::new(&[("NAME", Side::Left), ("VALUE", Side::Left), ("TYPE", Side::Left), ("AT", Side::Left)])
}

/// A row for the value with its place, and rows for its parts with their offsets.
pub fn placed_rows(table: &mut Table, at: &str, name: &str, value: &Value, style: WordStyle) {
    placed(table, &Row { depth: 0, offset: at.to_owned(), name: name.to_owned() }, value, style);
}

fn placed(table: &mut Table, row: &Row, value: &Value, style: WordStyle) {
    let dim = Style::new().dimmed();
    let name = format!("{}{}", "  ".repeat(row.depth), row.name);
    table.row([name.into(), cell(value, style), Cell::styled(&value.type_name, dim), Cell::styled(&row.offset, dim)]);
    for (row, value) in inner_rows(row, value) {
        placed(table, &row, value, style);
    }
    if let Some((row, note)) = more_row(row, value) {
        table.row([row.into(), note, "".into(), "".into()]);
    }
}

/// Where a row stands, and what it is called.
struct Row {
    depth: usize,
    offset: String,
    name: String,
}

impl Row {
    fn child(&self, offset: String, name: String) -> Self {
        Self { depth: self.depth + 1, offset, name }
    }
}

fn rows(table: &mut Table, row: &Row, value: &Value, style: WordStyle) {
    let name = format!("{}{}", "  ".repeat(row.depth), row.name);
    let type_name = Cell::styled(&value.type_name, Style::new().dimmed());
    table.row([Cell::styled(&row.offset, Style::new().dimmed()), name.into(), cell(value, style), type_name]);
    parts(table, row, value, style);
}

fn parts(table: &mut Table, row: &Row, value: &Value, style: WordStyle) {
    for (row, value) in inner_rows(row, value) {
        rows(table, &row, value, style);
    }
    if let Some((name, note)) = more_row(row, value) {
        table.row(["".into(), name.into(), note, "".into()]);
    }
}

/// The parts of a value that have rows of their own.
fn inner_rows<'v>(row: &Row, value: &'v Value) -> Vec<(Row, &'v Value)> {
    match &value.kind {
        ValueKind::Record { fields, .. } => {
            fields.iter().map(|field| (row.child(offset(field), field_name(field)), &field.value)).collect()
        }
        ValueKind::Array { elements, .. } if has_rows(elements) => {
            let child = |(index, element)| (row.child(String::new(), format!("[{index}]")), element);
            elements.iter().enumerate().map(child).collect()
        }
        ValueKind::Pointer(pointer) => match pointer.target.as_ref().filter(|target| has_parts(target)) {
            Some(target) => inner_rows(row, target),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What stands for the elements of an array that are not shown.
fn more_row(row: &Row, value: &Value) -> Option<(String, Cell)> {
    let ValueKind::Array { elements, count } = &value.kind else { return None };
    let more = count.unwrap_or(0).saturating_sub(elements.len() as u64);
    let is_there = has_rows(elements) && more > 0;
    let name = format!("{}...", "  ".repeat(row.depth + 1));
    is_there.then(|| (name, Cell::styled(format!("{more} more"), Style::new().dimmed())))
}

/// A name, or what stands for one: `(base) counter`, `(unnamed)`.
fn field_name(field: &Field) -> String {
    use vatlas_debug::value::Part;
    match field.part {
        Part::Base => format!("(base) {}", field.name),
        Part::VirtualBase => format!("(virtual base) {}", field.name),
        Part::Member if field.name.is_empty() => "(unnamed)".to_owned(),
        Part::Member | Part::Vtable => field.name.clone(),
    }
}

fn offset(field: &Field) -> String {
    let offset = field.offset.map(|offset| format!("+{offset:#x}")).unwrap_or_default();
    match field.bits {
        Some(bits) => format!("{offset}{}", bits_words(bits)),
        None => offset,
    }
}

/// `.3`, `.3-7`: which bits.
pub fn bits_words((first, bits): (u32, u32)) -> String {
    match bits {
        0 | 1 => format!(".{first}"),
        bits => format!(".{first}-{}", first.saturating_add(bits - 1)),
    }
}

/// Whether the elements of an array deserve a row each.
fn has_rows(elements: &[Value]) -> bool {
    elements.iter().any(has_parts)
}

fn has_parts(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Record { .. } => true,
        ValueKind::Array { elements, .. } => has_rows(elements),
        ValueKind::Pointer(pointer) => pointer.target.as_ref().is_some_and(has_parts),
        _ => false,
    }
}

fn cell(value: &Value, style: WordStyle) -> Cell {
    let missing = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    let painted = match &value.kind {
        ValueKind::Missing(_) | ValueKind::Hidden(Hidden::Problem(_)) => missing,
        ValueKind::Hidden(_) => Style::new().dimmed(),
        _ => Style::new(),
    };
    Cell::styled(short(value, style), painted)
}

/// The words of a value whose parts have rows of their own are short.
fn short(value: &Value, style: WordStyle) -> String {
    match &value.kind {
        ValueKind::Record { fields, .. } if !fields.is_empty() => String::new(),
        ValueKind::Array { elements, .. } if has_rows(elements) => String::new(),
        ValueKind::Pointer(pointer) if pointer.target.as_ref().is_some_and(has_parts) => {
            let mut alone = pointer.clone();
            alone.target = None;
            let kind = ValueKind::Pointer(alone);
            format!("{} ->", words(&Value { kind, type_name: String::new(), ..value.clone() }, style))
        }
        _ => words(value, style),
    }
}

/// A value with its parts.
pub fn value_json(value: &Value, style: WordStyle) -> Json {
    let mut object = json!({
        "type": value.type_name,
        "address": value.va.map(|va| json::va(va, style.width)),
        "size": value.size,
        "kind": kind_word(&value.kind),
        "text": words(value, style),
    });
    kind_json(&mut object, &value.kind, style);
    object
}

fn field_json(field: &Field, style: WordStyle) -> Json {
    let mut object = json!({
        "name": field.name,
        "part": field.part.word(),
        "offset": field.offset,
        "first_bit": field.bits.map(|(first, _)| first),
        "bits": field.bits.map(|(_, bits)| bits),
    });
    if let (Json::Object(object), Json::Object(value)) = (&mut object, value_json(&field.value, style)) {
        object.extend(value);
    }
    object
}

/// What only values of one kind have.
fn kind_json(object: &mut Json, kind: &ValueKind, style: WordStyle) {
    match kind {
        ValueKind::Integer(number) | ValueKind::Bool(number) | ValueKind::Char(number) => {
            object["value"] = number_json(*number);
        }
        ValueKind::Hresult(code) => object["value"] = json!(code.to_string()),
        ValueKind::Float(number) => object["value"] = json!(number.to_string()),
        ValueKind::Enumeration { number, name } => {
            object["value"] = number_json(*number);
            object["name_of_value"] = json!(name);
        }
        ValueKind::Pointer(pointer) => {
            object["to"] = address(pointer.to, style.width);
            object["symbol"] = json!(pointer.symbol);
            object["string"] = pointer.text.as_ref().map_or(Json::Null, text_json);
            object["target"] = pointer.target.as_ref().map_or(Json::Null, |target| value_json(target, style));
        }
        ValueKind::Text(text) => object["string"] = text_json(text),
        ValueKind::Record { fields, .. } => {
            object["fields"] = fields.iter().map(|field| field_json(field, style)).collect();
        }
        ValueKind::Array { elements, count } => {
            object["count"] = json!(count);
            object["elements"] = elements.iter().map(|element| value_json(element, style)).collect();
        }
        ValueKind::Function { symbol } => object["symbol"] = json!(symbol),
        ValueKind::Raw(bytes) => object["hex"] = json!(vatlas_debug::value::Bytes::known(bytes).hex()),
        ValueKind::Missing(bytes) => {
            object["hex"] = json!(bytes.hex());
            object["why"] = json!(bytes.reason);
        }
        ValueKind::Hidden(hidden) => object["why"] = json!(why(hidden)),
        ValueKind::Complex(..) => {}
    }
}

fn number_json(number: Integer) -> Json {
    json!(number.to_string())
}

fn address(va: Va, width: PointerWidth) -> Json {
    json::va(va, width)
}

fn text_json(text: &Text) -> Json {
    let end = match &text.end {
        TextEnd::Zero => "zero",
        TextEnd::Full => "full",
        TextEnd::Limit => "limit",
        TextEnd::Missing(_) => "missing",
    };
    json!({ "characters": text.characters, "quoted": quoted(text), "unit": text.unit, "end": end })
}

fn why(hidden: &Hidden) -> &str {
    match hidden {
        Hidden::Depth => "deeper than was asked for",
        Hidden::Cycle => "shown further out",
        Hidden::Limit => "too many values",
        Hidden::NoValue(why) | Hidden::Problem(why) => why,
    }
}

fn kind_word(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Integer(_) => "integer",
        ValueKind::Float(_) => "float",
        ValueKind::Complex(..) => "complex",
        ValueKind::Bool(_) => "bool",
        ValueKind::Char(_) => "character",
        ValueKind::Hresult(_) => "hresult",
        ValueKind::Enumeration { .. } => "enumeration",
        ValueKind::Pointer(_) => "pointer",
        ValueKind::Text(_) => "text",
        ValueKind::Record { .. } => "record",
        ValueKind::Array { .. } => "array",
        ValueKind::Function { .. } => "function",
        ValueKind::Raw(_) => "bytes",
        ValueKind::Missing(_) => "missing",
        ValueKind::Hidden(_) => "hidden",
    }
}
