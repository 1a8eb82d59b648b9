//! Symbols in words and as JSON, the same in every command.

use serde_json::{Value, json};
use vatlas_debug::symbolize::{SymbolAnswer, file_name, stem};
use vatlas_space::{Module, Va};
use vatlas_symbols::{Name, Origin, SourceLine, Symbol};

/// `module+0x1234`
pub fn place_words(module: &Module, va: Va) -> String {
    format!("{}+{:#x}", stem(module.name()), module.range.offset_of(va).unwrap_or_default())
}

/// `file.c:12`, without the folders.
pub fn short_line(line: &SourceLine) -> String {
    format!("{}:{}", file_name(&line.file), line.line)
}

/// `__stdcall, 8 bytes of arguments`, as far as the name tells.
pub fn convention_words(name: &Name) -> Option<String> {
    let convention = name.convention?.keyword();
    Some(match name.argument_bytes {
        Some(1) => format!("{convention}, 1 byte of arguments"),
        Some(bytes) => format!("{convention}, {bytes} bytes of arguments"),
        None => convention.to_owned(),
    })
}

/// What the symbols say about an address.
pub fn answer_json(answer: &SymbolAnswer) -> Value {
    let lookup = &answer.lookup;
    let mut value = symbol_json(&lookup.symbol, &answer.name, &lookup.origin);
    value["text"] = json!(answer.text());
    value["module"] = json!(answer.module.name());
    value["module_offset"] = json!(answer.rva.0);
    value["offset"] = json!(lookup.offset);
    value["inside"] = json!(lookup.is_inside);
    value["type"] = json!(answer.type_name);
    value["frames"] = lookup
        .frames
        .iter()
        .map(|frame| {
            json!({
                "function": &*frame.function,
                "file": frame.line.as_ref().map(|line| &*line.file),
                "line": frame.line.as_ref().map(|line| line.line),
                "inline": frame.is_inline,
            })
        })
        .collect();
    value
}

/// A symbol, its name in all forms, and where it comes from.
pub fn symbol_json(symbol: &Symbol, name: &Name, origin: &Origin) -> Value {
    json!({
        "name": name.plain,
        "full_name": name.full,
        "decorated_name": name.decorated,
        "convention": name.convention.map(|convention| convention.keyword()),
        "argument_bytes": name.argument_bytes,
        "kind": symbol.kind.to_string(),
        "size": symbol.size,
        "source": origin_json(origin),
    })
}

/// A symbol file.
pub fn origin_json(origin: &Origin) -> Value {
    json!({
        "file": &*origin.file,
        "kind": origin.kind.to_string(),
        "identity": origin.identity.map(|identity| identity.to_string()),
    })
}
