//! Values in one line of text.

use super::{Bytes, Field, Hidden, Integer, Pointer, Value, ValueKind, quoted, text::escape};
use vatlas_space::{PointerWidth, Va};

/// How numbers are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Radix {
    /// Integers in decimal, each with the sign of its type.
    #[default]
    Natural,
    /// In decimal with a sign.
    Signed,
    /// In decimal without a sign.
    Unsigned,
    /// In hexadecimal, all digits.
    Hexadecimal,
    /// In octal.
    Octal,
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WordStyle {
    /// Integers.
    pub radix: Radix,
    /// Digits of addresses.
    pub width: PointerWidth,
    /// Letters after which a record or an array is cut.
    pub longest: usize,
}

impl WordStyle {
    /// The usual one.
    pub const fn new(width: PointerWidth) -> Self {
        Self { radix: Radix::Natural, width, longest: 160 }
    }
}

/// A value in one line.
pub fn words(value: &Value, style: WordStyle) -> String {
    match &value.kind {
        ValueKind::Integer(number) => integer(*number, style.radix),
        ValueKind::Hresult(code) => format!("{code:#010x}"),
        ValueKind::Float(number) => float(*number, value.size),
        ValueKind::Complex(real, imaginary) => {
            let half = value.size.map(|size| size / 2);
            format!("{} + {}i", float(*real, half), float(*imaginary, half))
        }
        ValueKind::Bool(number) => boolean(*number, style.radix),
        ValueKind::Char(number) => character(*number, style.radix),
        ValueKind::Enumeration { number, name: Some(name) } => format!("{name} ({})", integer(*number, style.radix)),
        ValueKind::Enumeration { number, name: None } => integer(*number, style.radix),
        ValueKind::Pointer(pointer) => address(pointer, style),
        ValueKind::Text(text) => quoted(text),
        ValueKind::Record { fields, .. } => list(fields.iter().map(|part| field(part, style)), 0, style),
        ValueKind::Array { elements, count } => {
            let more = count.unwrap_or(0).saturating_sub(elements.len() as u64);
            list(elements.iter().map(|element| words(element, style)), more, style)
        }
        ValueKind::Function { symbol } => symbol.clone().unwrap_or_else(|| "code without a name".to_owned()),
        ValueKind::Raw(bytes) => Bytes::known(bytes).hex(),
        ValueKind::Missing(bytes) => missing(bytes),
        ValueKind::Hidden(hidden) => hidden_words(hidden),
    }
}

fn field(field: &Field, style: WordStyle) -> String {
    let value = words(&field.value, style);
    if field.name.is_empty() { value } else { format!("{} = {value}", field.name) }
}

/// `{a, b, ... 3 more}`, cut when it grows long.
fn list(parts: impl Iterator<Item = String>, mut more: u64, style: WordStyle) -> String {
    let mut line = String::from("{");
    for part in parts {
        if line.len() >= style.longest {
            more = more.saturating_add(1);
            continue;
        }
        if line.len() > 1 {
            line += ", ";
        }
        line += &part;
    }
    if more > 0 {
        let comma = if line.len() > 1 { ", " } else { "" };
        line += &format!("{comma}... {more} more");
    }
    line + "}"
}

fn integer(number: Integer, radix: Radix) -> String {
    let digits = |bits: u32| (number.width.div_ceil(bits) + 2) as usize;
    match radix {
        Radix::Natural => number.to_string(),
        Radix::Signed => Integer { is_signed: true, ..number }.to_string(),
        Radix::Unsigned => number.bits.to_string(),
        Radix::Hexadecimal => format!("{:#0digits$x}", number.bits, digits = digits(4)),
        Radix::Octal => format!("0{:o}", number.bits),
    }
}

fn float(number: f64, size: Option<u64>) -> String {
    match size {
        Some(4) => (number as f32).to_string(),
        _ => number.to_string(),
    }
}

fn boolean(number: Integer, radix: Radix) -> String {
    match (radix, number.bits) {
        (Radix::Natural, 0) => "false".to_owned(),
        (Radix::Natural, 1) => "true".to_owned(),
        (Radix::Natural, other) => format!("true ({other})"),
        _ => integer(number, radix),
    }
}

fn character(number: Integer, radix: Radix) -> String {
    let code = integer(number, radix);
    match u32::try_from(number.bits).ok().and_then(char::from_u32) {
        Some(character) => format!("{code} '{}'", escape(character, '\'')),
        None => code,
    }
}

fn address(pointer: &Pointer, style: WordStyle) -> String {
    let mut line = pointer.to.text(style.width);
    if pointer.to == Va::ZERO {
        return line + " (null)";
    }
    // The symbol of a literal is the text once more.
    let is_literal = |symbol: &&String| symbol.contains(['"', '`']) && pointer.text.is_some();
    if let Some(symbol) = pointer.symbol.as_ref().filter(|symbol| !is_literal(symbol)) {
        line += &format!(" {symbol}");
    }
    if let Some(text) = &pointer.text {
        line += &format!(" {}", quoted(text));
    } else if let Some(target) = &pointer.target {
        line += &format!(" -> {}", words(target, style));
    }
    line
}

/// `??? (not captured)`; of a value that is there in part its bytes too.
fn missing(bytes: &Bytes) -> String {
    let reason = bytes.reason.as_deref().unwrap_or("not at hand");
    match bytes.bytes.iter().any(Option::is_some) {
        true => format!("??? ({reason}; bytes {})", bytes.hex()),
        false => format!("??? ({reason})"),
    }
}

fn hidden_words(hidden: &Hidden) -> String {
    match hidden {
        Hidden::Depth => "{...}".to_owned(),
        Hidden::Cycle => "{shown above}".to_owned(),
        Hidden::Limit => "...".to_owned(),
        Hidden::NoValue(why) => format!("({why})"),
        Hidden::Problem(why) => format!("??? ({why})"),
    }
}
