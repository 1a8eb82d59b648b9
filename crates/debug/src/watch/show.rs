//! Shows an operand: its value, and its text in the format that was asked for.

use super::{
    arithmetic::as_float,
    error::{Span, WatchError, WatchErrorKind},
    evaluate::Evaluator,
    format::{Format, FormatCode as Code},
    known_numbers::{class_style, error_name, message_name},
    operand::{Home, Number, Operand},
    scope::Scope,
};
use crate::{
    symbolize::Symbolizer,
    value::{Bytes, Integer, Place, Radix, Value, ValueKind, ValueLimits, ValueReader, WordStyle, quoted, words},
};
use vatlas_space::{PointerWidth, Va};

/// Bytes in a line of memory.
const LINE: u64 = 16;

/// A value, and how it reads.
pub(super) type Shown = Result<(Value, String), WatchError>;

impl Evaluator<'_> {
    pub(super) fn show(
        &self,
        operand: &Operand,
        format: Format,
        scope: &Scope,
        limits: ValueLimits,
        span: Span,
    ) -> Shown {
        if let Some(why) = self.unseen(operand, scope) {
            let value = missing(operand, Bytes::missing(operand.size().unwrap_or(0), why));
            let text = words(&value, self.style(operand));
            return Ok((value, text));
        }
        let counted = match format.count {
            Some(count) if !is_line_of_memory(format.code) => Some(self.counted(operand, count, span)?),
            _ => None,
        };
        let operand = counted.as_ref().unwrap_or(operand);
        let limits = ValueLimits { elements: limits.elements.max(to_usize(format.count)), ..limits };
        let mut value = self.read(operand, limits);
        if format.is_raw {
            plain(&mut value);
        }
        let text = self.text(operand, &value, format, span);
        match text {
            // What is not at hand has a value all the same: that it is not at hand.
            Err(error) if error.kind == WatchErrorKind::Missing => {
                let text = format!("??? ({})", error.message);
                Ok((value, text))
            }
            Err(error) => Err(error),
            Ok(text) => Ok((value, text)),
        }
    }

    /// The value of an operand.
    pub(super) fn read(&self, operand: &Operand, limits: ValueLimits) -> Value {
        let process = self.target.processes().get(operand.process.0);
        let symbolizer = process.map(|process| Symbolizer::new(self.names.provider(), self.target, process));
        let reader = ValueReader::with_limits(&*operand.store, self.space(operand.process), symbolizer, limits);
        reader.read(operand.id, &operand.place)
    }

    pub(super) fn style(&self, operand: &Operand) -> WordStyle {
        WordStyle::new(if self.pointer_width(operand) == 32 { PointerWidth::Bits32 } else { PointerWidth::Bits64 })
    }

    fn text(&self, operand: &Operand, value: &Value, format: Format, span: Span) -> Result<String, WatchError> {
        let style = self.style(operand);
        let Some(code) = format.code else { return Ok(words(value, usual(operand, style))) };
        match code {
            Code::Signed => self.number_text(operand, value, Radix::Signed, format, span),
            Code::Unsigned => self.number_text(operand, value, Radix::Unsigned, format, span),
            Code::Octal => self.number_text(operand, value, Radix::Octal, format, span),
            Code::Hexadecimal => self.number_text(operand, value, Radix::Hexadecimal, format, span),
            Code::Capital => {
                let text = self.number_text(operand, value, Radix::Hexadecimal, format, span)?;
                Ok(text.to_ascii_uppercase().replace("0X", "0x"))
            }
            Code::Fixed => Ok(format!("{:.6}", self.float(operand, span)?)),
            Code::Exponent => Ok(with_exponent(self.float(operand, span)?)),
            Code::General => Ok(self.float(operand, span)?.to_string()),
            Code::Character => {
                let number = self.whole_number(operand, span)?;
                let is_wide = number.bits > 0xff;
                let kind = ValueKind::Char(number.field(0, if is_wide { 16 } else { 8 }));
                Ok(words(&Value { kind, ..value.clone() }, style))
            }
            Code::Text | Code::Utf8 => self.text_at(operand, 1, format.count, span),
            Code::Utf16 => self.text_at(operand, 2, format.count, span),
            Code::Error => Ok(error_name(self.whole_number(operand, span)?.bits as u32)),
            Code::ClassStyle => Ok(class_style(self.whole_number(operand, span)?.bits as u32)),
            Code::Message => Ok(message_name(self.whole_number(operand, span)?.bits as u32)),
            Code::Bytes => self.memory_line(operand, 1, LINE, span),
            Code::Words => self.memory_line(operand, 2, LINE, span),
            Code::Dwords => self.memory_line(operand, 4, LINE, span),
            Code::Qwords => self.memory_line(operand, 8, LINE, span),
            Code::Ascii => self.characters(operand, 1, 64, span),
            Code::Wide => self.characters(operand, 2, 32, span),
        }
    }

    fn whole_number(&self, operand: &Operand, span: Span) -> Result<Integer, WatchError> {
        match self.number(operand, span)? {
            Number::Integer(number) => Ok(number),
            Number::Float(number) => Ok(Integer::new(number as i128, 64, true)),
        }
    }

    fn float(&self, operand: &Operand, span: Span) -> Result<f64, WatchError> {
        self.number(operand, span).map(as_float)
    }

    /// Numbers in a radix: of a record or an array all that are in it.
    fn number_text(
        &self,
        operand: &Operand,
        value: &Value,
        radix: Radix,
        format: Format,
        span: Span,
    ) -> Result<String, WatchError> {
        let style = WordStyle { radix, ..self.style(operand) };
        let is_whole =
            matches!(value.kind, ValueKind::Record { .. } | ValueKind::Array { .. } | ValueKind::Enumeration { .. });
        if is_whole && format.size.is_none() {
            return Ok(words(value, style));
        }
        let number = self.whole_number(operand, span)?;
        let number = match format.size {
            Some(bytes) => Integer::new(number.number(), u32::from(bytes) * 8, number.is_signed),
            None => number,
        };
        Ok(words(&Value { kind: ValueKind::Integer(number), ..value.clone() }, style))
    }

    /// Where memory is shown from: where a pointer or a number leads, else where the value itself lies.
    fn memory_address(&self, operand: &Operand, span: Span) -> Result<Va, WatchError> {
        match self.as_address(operand, span) {
            Err(error) if error.kind == WatchErrorKind::Type => operand.place.va().ok_or(error),
            other => other,
        }
    }

    fn text_at(&self, operand: &Operand, unit: u8, count: Option<u64>, span: Span) -> Result<String, WatchError> {
        let va = self.memory_address(operand, span)?;
        let limits = ValueLimits { characters: 4096, ..ValueLimits::default() };
        let reader = ValueReader::with_limits(&*operand.store, self.space(operand.process), None, limits);
        let text = reader.text(&Place::Memory(va), unit, count);
        let why = || {
            let bytes = reader.bytes(&Place::Memory(va), 1);
            WatchError::missing(span, format!("the text at {va}: {}", bytes.reason.unwrap_or_default()))
        };
        text.map(|text| quoted(&text)).ok_or_else(why)
    }

    /// One line of memory as numbers and, for bytes, characters; `??` for what is not at hand.
    fn memory_line(&self, operand: &Operand, unit: usize, count: u64, span: Span) -> Result<String, WatchError> {
        let va = self.memory_address(operand, span)?;
        let bytes = self.bytes(&Place::Memory(va), count, operand.process);
        let number = |unit: &[Option<u8>]| {
            unit.iter().rev().map(|byte| byte.map_or("??".to_owned(), |byte| format!("{byte:02x}"))).collect::<String>()
        };
        let numbers: Vec<_> = bytes.bytes.chunks(unit).map(number).collect();
        let mut line = format!("{}  {}", va.text(self.style(operand).width), numbers.join(" "));
        if unit == 1 {
            line += &format!("  {}", printed(&bytes, 1));
        }
        Ok(line)
    }

    fn characters(&self, operand: &Operand, unit: usize, count: u64, span: Span) -> Result<String, WatchError> {
        let va = self.memory_address(operand, span)?;
        let bytes = self.bytes(&Place::Memory(va), count * unit as u64, operand.process);
        Ok(format!("{}  {}", va.text(self.style(operand).width), printed(&bytes, unit)))
    }
}

/// Registers themselves are shown in hexadecimal, unlike variables that live in them.
fn usual(operand: &Operand, style: WordStyle) -> WordStyle {
    let is_register = matches!(&operand.home, Home::Register(name) if !name.ends_with(" id"));
    let radix = if is_register && operand.store.origin().is_none() { Radix::Hexadecimal } else { style.radix };
    WordStyle { radix, ..style }
}

/// Characters, `.` for one that cannot be shown and `?` for one that is not at hand.
fn printed(bytes: &Bytes, unit: usize) -> String {
    let letter = |unit: &[Option<u8>]| {
        let code = unit.iter().rev().try_fold(0, |code: u32, byte| Some(code << 8 | u32::from((*byte)?)));
        match code {
            None => '?',
            Some(code) => char::from_u32(code)
                .filter(|letter| {
                    letter.is_ascii_graphic() || *letter == ' ' || (unit.len() > 1 && letter.is_alphanumeric())
                })
                .unwrap_or('.'),
        }
    };
    bytes.bytes.chunks(unit).map(letter).collect()
}

fn is_line_of_memory(code: Option<Code>) -> bool {
    use Code::{Ascii, Bytes, Dwords, Qwords, Text, Utf8, Utf16, Wide, Words};
    matches!(code, Some(Bytes | Words | Dwords | Qwords | Ascii | Wide | Text | Utf8 | Utf16))
}

fn to_usize(count: Option<u64>) -> usize {
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// `2.500000e+00`
fn with_exponent(number: f64) -> String {
    let text = format!("{number:.6e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{mantissa}e-{exponent:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

pub(super) fn missing(operand: &Operand, bytes: Bytes) -> Value {
    Value {
        type_name: operand.type_name(),
        type_id: operand.id,
        va: operand.place.va(),
        size: operand.size(),
        kind: ValueKind::Missing(bytes),
    }
}

/// Takes away what was added to the plain values: texts and symbols.
fn plain(value: &mut Value) {
    match &mut value.kind {
        ValueKind::Pointer(pointer) => {
            pointer.symbol = None;
            pointer.text = None;
            pointer.target = None;
        }
        ValueKind::Record { fields, .. } => fields.iter_mut().for_each(|field| plain(&mut field.value)),
        ValueKind::Array { elements, .. } => elements.iter_mut().for_each(plain),
        ValueKind::Enumeration { name, .. } => *name = None,
        _ => {}
    }
}
