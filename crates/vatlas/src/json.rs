//! JSON documents: one envelope for every command, addresses as text, absent things as null.

use crate::draw::text::printable;
use serde_json::{Value, json};
use std::borrow::Cow;
use vatlas_space::{PointerWidth, Problem, Severity, Step, Va, VaRange};

/// Version of the documents' shape; it changes when a field changes its meaning or goes away.
pub const SCHEMA: &str = "vatlas/1";

/// A document: what was asked of what, and the answer.
pub fn document(command: &str, input: Value, answer: Value) -> Value {
    let mut document = json!({
        "schema": SCHEMA,
        "tool": concat!("vatlas ", env!("CARGO_PKG_VERSION")),
        "command": command,
    });
    document["input"] = input;
    document["answer"] = answer;
    document
}

/// A document as text. Names from a file are hostile: what a terminal would act on is written as `\u009b`, which means
/// the same to a program.
pub fn text(document: &Value) -> String {
    safe(&serde_json::to_string_pretty(document).unwrap_or_default())
}

/// The same in one line.
pub fn line(document: &Value) -> String {
    safe(&document.to_string())
}

fn safe(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len());
    for character in plain.chars() {
        let is_harmless = || matches!(printable(character.encode_utf8(&mut [0; 4])), Cow::Borrowed(_));
        if matches!(character, '\n' | ' '..='~') || is_harmless() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            text.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

/// An address as text; numbers beyond 2^53 do not survive in JSON.
pub fn va(va: Va, width: PointerWidth) -> Value {
    Value::String(va.text(width))
}

/// A range: first, last (included), size in bytes.
pub fn range(range: VaRange, width: PointerWidth) -> Value {
    json!({ "first": va(range.first(), width), "last": va(range.last(), width), "size": range.size() })
}

/// A 32-bit number that people read in hexadecimal: time stamps, checksums, codes.
pub fn hex32(number: u32) -> Value {
    Value::String(format!("{number:#010x}"))
}

/// Steps of a derivation.
pub fn steps(steps: &[Step]) -> Value {
    steps.iter().map(|step| json!({ "finding": step.finding, "source": step.source.to_string() })).collect()
}

/// Problems of a file.
pub fn problems(problems: &[Problem]) -> Value {
    let word = |severity| match severity {
        Severity::Note => "note",
        Severity::Damage => "damage",
    };
    problems
        .iter()
        .map(|problem| {
            json!({
                "severity": word(problem.severity),
                "place": problem.place,
                "cause": problem.cause,
                "hint": problem.hint,
            })
        })
        .collect()
}
