//! `docs/cli.md` is true: it has every command, every option, every field of the documents, and nothing else.

use crate::{
    command_line::{commands, options_of_all},
    json::document,
    run::{stdout, vatlas},
    world::world,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Heading to text, of each section that is named after a command, and of the first, which all have in common.
fn sections() -> (String, BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let text = std::fs::read_to_string(path).expect("docs/cli.md");
    let mut parts = text.split("\n## ");
    let introduction = parts.next().expect("an introduction").to_owned();
    let common = parts.next().expect("what all commands have in common").to_owned();
    let named = parts.map(|part| part.split_once('\n').expect("a heading"));
    let named = named.map(|(heading, text)| (heading.trim().to_owned(), text.to_owned()));
    (introduction + &common, named.collect())
}

/// The words that stand in backticks.
fn code_words(text: &str) -> BTreeSet<&str> {
    // Blocks and spans with backticks in them are no names.
    let prose = text.split("```").step_by(2).flat_map(|part| part.split("``").step_by(2));
    let code = prose.flat_map(|part| part.split('`').skip(1).step_by(2));
    code.flat_map(|code| code.split(|letter: char| !letter.is_alphanumeric() && !"_-".contains(letter))).collect()
}

#[test]
fn every_command_is_documented_and_no_other() {
    let folder = world();
    let (_, sections) = sections();
    let documented: BTreeSet<_> = sections.keys().cloned().collect();
    assert_eq!(documented, commands(folder.path()).into_iter().collect());
}

#[test]
fn every_option_is_documented_and_no_other() {
    let folder = world();
    let (common, sections) = sections();
    let of_all =
        ["--json", "--color", "--quiet", "--images", "--symbols", "--force-symbols", "--no-cache", "--process"];
    assert!(of_all.iter().all(|option| common.contains(option)));
    for command in commands(folder.path()) {
        let Some(section) = sections.get(&command) else { continue };
        let options = options_of_all(folder.path(), &command);
        for option in options.iter().filter(|option| !of_all.contains(&option.as_str())) {
            let is_common = option == "--thread" && common.contains("`--thread ID`");
            assert!(
                is_common || code_words(section).contains(option.as_str()),
                "{command}: {option} is not documented"
            );
        }
        for word in code_words(section).into_iter().filter(|word| word.starts_with("--") && word.len() > 2) {
            assert!(options.iter().any(|option| option == word), "{command} has no option {word}");
        }
    }
}

/// Field names at any depth, but those that are names from a dump.
fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                if !["registers", "wide_registers"].contains(&name.as_str()) || value.is_array() {
                    fields(value, found);
                }
            }
        }
        _ => {}
    }
}

/// Questions that together show every field; the first word is the command.
const QUESTIONS: [&str; 56] = [
    "demo",
    "demo dump",
    "rom diff nk.bin regions.bin",
    "place 02012345 ffffc808 00005800 f000fff0",
    "slots",
    "info crash.dmp",
    "info half.dmp",
    "info device.kdmp --fields",
    "processes device.kdmp --fields",
    "slots device.kdmp",
    "explain complete.kdmp crash ffffc80c f000afdc 08012468",
    "modules device.kdmp --fields",
    "threads device.kdmp --fields",
    "stack device.kdmp --all",
    "watch complete.kdmp 'DW 0x01ffc010' --all-processes",
    "map device.kdmp",
    "analyze crash.dmp --images images",
    "analyze counters.dmp --symbols symbols",
    "analyze crash.dmp --signature",
    "explain crash.dmp crash pc sp 00140688 00402114 ffdf0000 01600010",
    "explain x64.dmp orrery+2010 rcx",
    "explain wow64.dmp esp 00bfe000",
    "map crash.dmp",
    "map wow64.dmp",
    "modules crash.dmp --sections",
    "threads x64.dmp --wide",
    "threads later.dmp",
    "stack crash.dmp --all",
    "stack wow64.dmp",
    "memory crash.dmp 0012fff8 16",
    "memory no-memory-info.dmp 10001200 16 --images images",
    "read crash.dmp sp 16",
    "read crash.dmp sp 16 --raw -o stack.bin",
    "search crash.dmp u32:0x6c6c6548",
    "refs crash.dmp esi --around allocation",
    "symbols counters.dmp --symbols older --symbols symbols",
    "symbols app.exe --symbols symbols",
    "symbols import symbols",
    "log boot-ce5.txt --modules device.txt",
    "log boot-ce6.txt",
    "log crash-ce4.txt --rom nk.bin",
    "rom nk.bin --extract out",
    "rom regions.bin",
    "open device",
    "lookup app.pdb 1012 5000",
    "lookup app.map 11084",
    "find app.exe *a*",
    "lines app.exe entry --source source",
    "type app.pdb counter --expand --methods",
    "type app.pdb 'c*'",
    "type app.exe counter counters",
    "type app.exe int 0x409000",
    "type app.exe char 00402000",
    "watch app.exe counters counters[0].name nothing &counters[0] @eax",
    "watch counters.dmp --locals @eip --symbols symbols",
    "diff crash.dmp x64.dmp",
];

#[test]
fn every_field_is_documented() {
    let folder = world();
    let (common, sections) = sections();
    for question in QUESTIONS {
        let command = question.split(' ').next().unwrap_or_default();
        let mut words = code_words(&sections[command]);
        words.extend(code_words(&common));
        // A list of explanations.
        words.extend(code_words(if command == "demo" { &sections["explain"] } else { "" }));
        let mut found = BTreeSet::new();
        fields(&document(folder.path(), question), &mut found);
        let missing: Vec<_> = found.iter().filter(|field| !words.contains(field.as_str())).collect();
        assert!(missing.is_empty(), "vatlas {question} --json: {missing:?}");
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let folder = world();
    let (common, _) = sections();
    let help = stdout(&vatlas(folder.path(), "--help")).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Exit codes: 0 done, 1 could not or nothing found, 2 wrong usage, 3 answered in part"));
    for row in [
        "| 0 | everything",
        "| 1 | could not",
        "| 2 | the command line is wrong",
        "| 3 | answered in part",
        "| 4 | a log holds",
    ] {
        assert!(common.contains(row), "{row}");
    }
}
