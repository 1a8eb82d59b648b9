//! JSON: one envelope, addresses as text, numbers as numbers, and the same facts as the human form.

use crate::{
    run::{stderr, stdout, vatlas},
    world::world,
};
use serde_json::Value;
use std::path::Path;

/// Fields that hold one address; a null where there is none.
const ADDRESSES: [&str; 14] = [
    "address",
    "allocation_base",
    "base",
    "first",
    "goes_to",
    "heap",
    "last",
    "limit",
    "pc",
    "peb",
    "peb32",
    "reserve",
    "sp",
    "teb",
];
/// Fields that hold a number.
const NUMBERS: [&str; 20] = [
    "age",
    "blocks",
    "captured_bytes",
    "committed",
    "copied",
    "distance",
    "exit",
    "file_offset",
    "largest",
    "length",
    "looked_at",
    "missing",
    "modules",
    "number",
    "offset",
    "pointer_bits",
    "priority",
    "priority_class",
    "size",
    "suspend_count",
];

/// Questions that are asked of every dump, with the exit codes that they may end with.
const QUESTIONS: [&str; 12] = [
    "info",
    "explain pc sp 7ffe0000 0",
    "map",
    "map --summary",
    "map --kind image --state commit",
    "modules",
    "modules --sections",
    "threads",
    "threads --wide",
    "memory sp 64",
    "memory pc 32 --as words",
    "read pc 4",
];

const DUMPS: [&str; 8] = [
    "crash.dmp",
    "no-memory-info.dmp",
    "x64.dmp",
    "wow64.dmp",
    "arm.dmp",
    "arm64.dmp",
    "large-address-aware.dmp",
    "half.dmp",
];

fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    matches!(digits.len(), 8 | 16) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Every field of a document has the shape that its name promises.
fn check_fields(place: &str, value: &Value) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| check_fields(place, value)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place}.{name}");
                check_field(&place, name, value);
                check_fields(&place, value);
            }
        }
        Value::Number(number) => assert!(!number.is_f64(), "{place}: {number}"),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn check_field(place: &str, name: &str, value: &Value) {
    let is_nested = value.is_array() || value.is_object();
    if ADDRESSES.contains(&name) {
        let is_good = is_nested || value.is_null() || value.as_str().is_some_and(is_address);
        assert!(is_good, "{place} is no address: {value}");
    }
    if NUMBERS.contains(&name) {
        // A symbol file need not tell sizes.
        let is_unknown = value.is_null() && name == "size";
        assert!(is_nested || value.is_u64() || is_unknown, "{place} is no number: {value}");
    }
    if let ("registers", Some(registers)) = (name, value.as_object()) {
        let values = registers.values().map(|value| value.as_str().unwrap_or_default());
        assert!(values.into_iter().all(is_address), "{place}: {registers:?}");
    }
}

/// The whole document that a command line gives.
pub fn document(folder: &Path, line: &str) -> Value {
    let output = vatlas(folder, &format!("{line} --json"));
    let document = serde_json::from_slice(&output.stdout);
    document.unwrap_or_else(|error| panic!("vatlas {line} --json: {error}\n{}", stderr(&output)))
}

/// The answer alone.
fn answer(folder: &Path, line: &str) -> Value {
    document(folder, line)["answer"].clone()
}

#[test]
fn every_document_has_the_envelope_and_typed_fields() {
    let folder = world();
    for (dump, question) in DUMPS.iter().flat_map(|dump| QUESTIONS.map(|question| (dump, question))) {
        let (command, rest) = question.split_once(' ').unwrap_or((question, ""));
        let line = format!("{command} {dump} {rest}");
        let output = vatlas(folder.path(), &format!("{line} --json"));
        let code = output.status.code();
        if output.stdout.is_empty() {
            assert_eq!(code, Some(1), "vatlas {line}: {}", stderr(&output));
            continue;
        }
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let keys: Vec<_> = document.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["schema", "tool", "command", "input", "answer"], "vatlas {line}");
        assert_eq!(document["schema"], "vatlas/1");
        assert_eq!(document["tool"], concat!("vatlas ", env!("CARGO_PKG_VERSION")));
        assert_eq!(document["command"], command);
        assert_eq!(document["input"]["file"], *dump);
        let size = std::fs::metadata(folder.path().join(dump)).expect("the dump").len();
        assert_eq!(document["input"]["size"], size);
        check_fields(&line, &document["answer"]);
    }
}

#[test]
fn a_human_answer_ends_with_the_same_exit_code() {
    let folder = world();
    for (dump, question) in DUMPS.iter().flat_map(|dump| QUESTIONS.map(|question| (dump, question))) {
        let (command, rest) = question.split_once(' ').unwrap_or((question, ""));
        let line = format!("{command} {dump} {rest}");
        let [human, json] =
            [line.clone(), format!("{line} --json")].map(|line| vatlas(folder.path(), &line).status.code());
        assert_eq!(human, json, "vatlas {line}");
    }
}

/// The columns of a table's row.
fn cells(row: &str) -> Vec<&str> {
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn the_rows_of_the_map_are_those_of_the_table() {
    let folder = world();
    for dump in DUMPS {
        let regions = answer(folder.path(), &format!("map {dump}"))["regions"].as_array().expect("regions").clone();
        let table = stdout(&vatlas(folder.path(), &format!("map {dump}")));
        let rows: Vec<_> = table.lines().skip(1).map(cells).collect();
        assert_eq!(rows.len(), regions.len(), "{dump}");
        for (row, region) in rows.iter().zip(&regions) {
            assert_eq!(row[0], region["range"]["first"]);
            assert_eq!(row[1], region["range"]["last"]);
            assert_eq!(row[3], region["state"]);
            assert_eq!(*row.last().expect("a use"), region["usage"]["text"]);
        }
        let sizes = regions.iter().map(|region| u128::from(region["range"]["size"].as_u64().expect("a size")));
        let whole = if table.contains("0xffffffffffffffff") { 1 << 64 } else { 1 << 32 };
        assert_eq!(sizes.sum::<u128>(), whole, "{dump}: the rows tile the space");
    }
}

#[test]
fn totals_add_up() {
    let folder = world();
    let sum = |values: &Value, field: &str| -> u64 {
        values.as_array().expect("a list").iter().map(|value| value[field].as_u64().expect("a number")).sum()
    };
    for dump in ["crash.dmp", "no-memory-info.dmp", "large-address-aware.dmp", "arm.dmp"] {
        let map = answer(folder.path(), &format!("map {dump}"));
        assert_eq!(sum(&map["kinds"], "size"), 1 << 32, "{dump}");
        for (field, state) in [("committed", "committed"), ("reserved", "reserved")] {
            assert_eq!(sum(&map["kinds"], field), map["states"][state], "{dump} {state}");
        }
        let summary = answer(folder.path(), &format!("map {dump} --summary"));
        assert_eq!(summary["kinds"], map["kinds"], "{dump}");
        assert_eq!(summary.get("regions"), None, "{dump}");
        let info = answer(folder.path(), &format!("info {dump}"));
        assert_eq!(info["process"]["bytes_by_state"], map["states"], "{dump}");
    }
}

#[test]
fn an_explanation_says_the_same_in_both_forms() {
    let folder = world();
    for (dump, address) in [
        ("crash.dmp", "crash"),
        ("crash.dmp", "pc"),
        ("crash.dmp", "sp"),
        ("crash.dmp", "ntdll+10"),
        ("x64.dmp", "rsi"),
        ("wow64.dmp", "esp"),
        ("arm64.dmp", "crash"),
        ("half.dmp", "crash"),
    ] {
        let line = format!("explain {dump} {address}");
        let answer = answer(folder.path(), &line)[0].clone();
        let text = stdout(&vatlas(folder.path(), &line));
        let title = text.lines().next().expect("a title");
        assert!(title.ends_with(answer["headline"].as_str().expect("a headline")), "{title} {answer}");
        assert_eq!(answer["asked"], address);
        let digits = answer["address"].as_str().expect("an address").trim_start_matches("0x").trim_start_matches('0');
        assert!(title.split(' ').next().unwrap_or_default().ends_with(digits), "{title}");
        for step in answer["steps"].as_array().expect("steps") {
            let line = format!(
                "    - {} [{}]",
                step["finding"].as_str().expect("text"),
                step["source"].as_str().expect("text")
            );
            assert!(text.contains(&line), "{line}\n{text}");
        }
        for unknown in answer["unknown"].as_array().expect("a list") {
            assert!(text.contains(unknown.as_str().expect("text")), "{unknown}\n{text}");
        }
    }
}

#[test]
fn modules_threads_and_crash() {
    let folder = world();
    let info = answer(folder.path(), "info crash.dmp");
    let modules = answer(folder.path(), "modules crash.dmp --sections");
    assert_eq!(info["process"]["modules"], modules["loaded"].as_array().expect("modules").len());
    assert_eq!(info["process"]["unloaded_modules"], modules["unloaded"].as_array().expect("modules").len());
    assert_eq!(modules["loaded"][1]["name"], "helpers.dll");
    assert_eq!(modules["loaded"][1]["time_date_stamp"], "0x49f01000");
    assert_eq!(modules["loaded"][1]["debug"]["kind"], "NB10");
    assert_eq!(modules["loaded"][1]["sections"]["rows"][0]["range"]["first"], "0x10001000");
    assert_eq!(modules["loaded"][2]["sections"], Value::Null, "the header of ntdll.dll is not in the dump");
    let threads = answer(folder.path(), "threads crash.dmp");
    assert_eq!(info["crash"]["thread"], 1704);
    assert_eq!(info["crash"]["code"], "0xc0000005");
    assert_eq!(info["crash"]["fault"]["address"], "0x6c6c6548");
    assert_eq!(threads[0]["crashed"], true);
    assert_eq!(threads[0]["sides"][0]["pc"], info["crash"]["pc"]);
    assert_eq!(threads[0]["at_exception"], Value::Null, "the thread list has the same registers");
    assert_eq!(threads[1]["crashed"], false);
    let later = answer(folder.path(), "threads later.dmp");
    assert_eq!(later[0]["at_exception"]["pc"], "0x00401010");
    assert_eq!(later[0]["sides"][0]["pc"], "0x7c90e4f4");
    let wow64 = answer(folder.path(), "threads wow64.dmp");
    assert_eq!(wow64[0]["sides"][1]["machine"], "x86");
    assert_eq!(wow64[0]["sides"][1]["registers"]["eip"], "0x77c72f8c");
    assert_eq!(answer(folder.path(), "info half.dmp")["problems"].as_array().expect("problems").len(), 7);
}

#[test]
fn memory_and_read_give_the_same_digits() {
    let folder = world();
    let memory = answer(folder.path(), "memory crash.dmp 0012fff0 32");
    let hex = memory["hex"].as_str().expect("digits");
    assert_eq!(hex, format!("{}{}", "00".repeat(16), "??".repeat(16)));
    assert_eq!(memory["holes"][0]["range"]["first"], "0x00130000");
    assert_eq!(memory["holes"][0]["why"], "not captured");
    let read = answer(folder.path(), "read crash.dmp sp 32");
    let memory = answer(folder.path(), "memory crash.dmp sp 32");
    assert_eq!(read["hex"], memory["hex"]);
    assert_eq!(stdout(&vatlas(folder.path(), "read crash.dmp sp 32")).trim_end(), read["hex"]);
    let to_file = answer(folder.path(), "read crash.dmp sp 32 --raw -o stack.bin -q");
    assert_eq!(
        (&to_file["file"], &to_file["copied"], &to_file["hex"]),
        (&"stack.bin".into(), &32.into(), &Value::Null)
    );
    let bytes = std::fs::read(folder.path().join("stack.bin")).expect("the file");
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(read["hex"], digits);
}

#[test]
fn the_demo_answers_its_questions() {
    let folder = world();
    let document = document(folder.path(), "demo dump");
    assert_eq!((&document["command"], &document["input"]), (&"demo".into(), &Value::Null));
    let asked: Vec<_> =
        document["answer"].as_array().expect("answers").iter().map(|one| one["asked"].clone()).collect();
    assert_eq!(asked, ["crash", "pc", "sp", "esi"]);
    check_fields("demo", &document["answer"]);
}

#[test]
fn a_failure_is_one_object_on_standard_error() {
    let folder = world();
    for (line, code) in [
        ("info nosuch.dmp", 1),
        ("info kernel64.dmp", 1),
        ("info", 2),
        ("nosuch", 2),
        ("map crash.dmp --kind heep", 2),
        ("explain crash.dmp 3519ABCDE", 2),
        ("explain crash.dmp @r15", 1),
        ("read crash.dmp crash 16", 1),
        ("read crash.dmp sp 16 --raw -o folder", 1),
        ("man nosuch", 2),
        ("demo --write note.txt", 1),
    ] {
        let output = vatlas(folder.path(), &format!("{line} --json"));
        assert_eq!(output.status.code(), Some(code), "vatlas {line}");
        assert_eq!(stdout(&output), "", "vatlas {line}");
        let error: Value = serde_json::from_slice(&output.stderr).expect("one object");
        assert_eq!(error["schema"], "vatlas/1");
        assert_eq!(error["error"]["exit"], code, "vatlas {line}");
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(!message.is_empty() && !message.contains('\n'), "vatlas {line}: {message}");
    }
    let output = vatlas(folder.path(), "explain crash.dmp 3519ABCDE --json");
    let error: Value = serde_json::from_slice(&output.stderr).expect("one object");
    assert_eq!(error["error"]["corrections"].as_array().expect("corrections").len(), 9);
}
