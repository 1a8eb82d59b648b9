//! The table of API sets as the guest's build reads it, and what is made of it: a header for servers, the stubs of
//! coredll, their exports.

/// The table.
pub const TABLE: &str = "crates/rules/src/ce/api_sets.rs";
/// Where calls are: the address of set 0, method 0 (`BASE_CE5`).
const BASE: u32 = 0xf001_0000;

/// The ordinal of the first export that has none of its own.
const FIRST_ORDINAL: usize = 2600;

/// A row of a set: `9 CreateFileW "pddpddd" Known;`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Method {
    number: u32,
    name: String,
    arguments: String,
}

/// A set.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Set {
    number: u32,
    name: String,
    methods: Vec<Method>,
}

/// All sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiTable {
    sets: Vec<Set>,
}

impl ApiTable {
    /// Reads the table's source.
    ///
    /// # Errors
    /// It has no sets, or a set names methods that are not there.
    pub fn read(text: &str) -> Result<Self, String> {
        let (_, sets) = text.split_once("static SETS").ok_or_else(|| format!("{TABLE}: no static SETS"))?;
        let end = sets.find("];").unwrap_or(sets.len());
        let mut found = Vec::new();
        for row in sets[..end].split("ApiSet {").skip(1) {
            let field = |name: &str| {
                let (_, rest) = row.split_once(&format!("{name}: "))?;
                rest.split([',', '}', '\n']).next().map(|value| value.trim().trim_matches('"').to_owned())
            };
            let (number, name, methods) = (field("number"), field("name"), field("methods"));
            let (Some(number), Some(name), Some(methods)) = (number, name, methods) else {
                return Err(format!("{TABLE}: a set without number, name or methods"));
            };
            let number = number.parse().map_err(|_| format!("{TABLE}: {name} has no number"))?;
            let methods = methods_of(text, &methods).ok_or_else(|| format!("{TABLE}: no methods {methods}"))?;
            found.push(Set { number, name, methods });
        }
        if found.is_empty() { Err(format!("{TABLE}: no sets")) } else { Ok(Self { sets: found }) }
    }

    fn calls(&self) -> impl Iterator<Item = (&Set, &Method)> {
        self.sets.iter().flat_map(|set| set.methods.iter().map(move |method| (set, method)))
    }

    /// `include/api_calls.h`: numbers of sets and methods, and the signatures that servers register.
    pub fn header(&self) -> String {
        let mut text = format!("/* The API sets. Made by `cargo xtask guest` from {TABLE}. */\n#pragma once\n");
        for set in &self.sets {
            let count = set.methods.iter().map(|method| method.number + 1).max().unwrap_or(0);
            text += &format!("\n#define SET_{} {}\n#define COUNT_{} {count}\n", set.name, set.number, set.name);
            for method in &set.methods {
                text += &format!("#define METHOD_{}_{} {}\n", set.name, method.name, method.number);
            }
            let signatures = set.methods.iter().map(|method| format!("[{}] = {:#x}", method.number, signature(method)));
            text += &format!("#define SIGNATURES_{} {{{}}}\n", set.name, signatures.collect::<Vec<_>>().join(", "));
        }
        text
    }

    /// `coredll/calls.S`: each call jumps to its address, where no memory is.
    pub fn stubs(&self) -> String {
        const MACRO: &str = "    .intel_syntax noprefix\n    .text\n    .macro CALL name, address\n    .globl _\\name\n    \
                             .balign 8\n_\\name:\n    mov     eax, \\address\n    jmp     eax\n    .endm\n\n";
        let rows = self.calls().map(|(set, method)| {
            let address = BASE - ((set.number << 8) | method.number) * 4;
            format!("    CALL {}, {address:#x}\n", method.name)
        });
        format!("# The calls of coredll. Made by `cargo xtask guest` from {TABLE}.\n{MACRO}")
            + &rows.collect::<String>()
    }

    /// `coredll/calls.def`: the calls that the written list does not have.
    pub fn exports(&self, written: &[String]) -> String {
        let rest = self.calls().filter(|(_, method)| !written.contains(&method.name));
        let rows =
            rest.enumerate().map(|(index, (_, method))| format!("    {} @{}\n", method.name, FIRST_ORDINAL + index));
        format!("; Made by `cargo xtask guest` from {TABLE}.\n") + &rows.collect::<String>()
    }
}

/// Two bits for each argument, the first lowest: 1 for a pointer.
fn signature(method: &Method) -> u32 {
    let letters = method.arguments.bytes().take(16).enumerate();
    letters.fold(0, |bits, (index, letter)| bits | u32::from(letter == b'p') << (2 * index))
}

fn methods_of(text: &str, name: &str) -> Option<Vec<Method>> {
    let (_, rest) = text.split_once(&format!("const {name}: &[ApiMethod] = methods! {{"))?;
    let (rows, _) = rest.split_once("};")?;
    let method = |row: &str| {
        let mut words = row.split_whitespace();
        let (number, name) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        let arguments = words.next()?.trim_matches('"').to_owned();
        Some(Method { number, name, arguments })
    };
    Some(rows.split(';').filter_map(method).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
pub static SETS: &[ApiSet] = &[
    ApiSet { number: 0, name: "WIN32", tag: "Wn32", server: ApiServer::Kernel, is_handle: false, methods: WIN32 },
    ApiSet {
        number: 20,
        name: "FILESYS_APIS",
        methods: FILESYS,
    },
];
const WIN32: &[ApiMethod] = methods! {
    3 VirtualAlloc "pddd" Known;
    32 GetTickCount "" Ours;
};
const FILESYS: &[ApiMethod] = methods! {
    9 CreateFileW "pddpddd" Known;
};
"#;

    #[test]
    fn calls_are_read_and_written() {
        let table = ApiTable::read(SOURCE).unwrap();
        assert_eq!(table.calls().count(), 3);
        let stubs = table.stubs();
        assert!(stubs.contains("    CALL VirtualAlloc, 0xf000fff4\n"), "{stubs}");
        // wince.md 5.1: CreateFileW is set 20, method 9.
        assert!(stubs.ends_with("    CALL CreateFileW, 0xf000afdc\n"), "{stubs}");
        let header = table.header();
        assert!(header.contains("#define COUNT_FILESYS_APIS 10\n#define METHOD_FILESYS_APIS_CreateFileW 9\n"));
        assert!(header.contains("#define SIGNATURES_WIN32 {[3] = 0x1, [32] = 0x0}\n"), "{header}");
        let exports = table.exports(&["VirtualAlloc".to_owned()]);
        assert!(exports.ends_with("    GetTickCount @2600\n    CreateFileW @2601\n"), "{exports}");
    }

    #[test]
    fn a_source_without_sets_is_refused() {
        assert!(ApiTable::read("").is_err());
        assert!(ApiTable::read("static SETS = [];").is_err());
    }

    #[test]
    fn the_table_of_the_rules_is_read() {
        let text = std::fs::read_to_string(crate::tree::root().join(TABLE)).unwrap();
        let table = ApiTable::read(&text).unwrap();
        assert!(table.stubs().contains("CALL CreateFileW, 0xf000afdc"));
        assert!(table.calls().count() > 100);
    }
}
