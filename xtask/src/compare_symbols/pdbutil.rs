//! `llvm-pdbutil`: what is written in a PDB: functions, variables, public names, lines, types.

use super::answers::{Answers, Comparison};
use super::ours;
use super::programs::{Program, Programs};
use super::registers::common_name;
use super::tool::Tool;
use std::collections::HashMap;
use std::ops::ControlFlow;
use vatlas_space::Rva;
use vatlas_symbols::variable::VariablePlace;
use vatlas_symbols::{PdbFile, SymbolFile as _, SymbolKind, Type, TypeId, Types, type_text};

/// Asks about every PDB.
pub fn ask(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    let mut comparisons = Vec::new();
    for program in &programs.with_pdb {
        let Some((pdb, place)) = &program.pdb else { continue };
        let dump = |options: &[&str]| {
            let place = place.to_string_lossy();
            tool.run(&[&["dump"], options, &[&*place]].concat(), "")
        };
        let text = dump(&["-symbols", "-globals", "-publics"])?;
        let records = records(&text);
        let compare = |questions, ours, theirs| Comparison { program: program.name, questions, ours, theirs };
        comparisons.push(compare("functions, data, public names", our_names(pdb), names(&records, program)));
        let theirs = variables(&records, program);
        comparisons.push(compare("variables in registers", our_variables(pdb, &theirs), theirs));
        comparisons.push(compare("lines", our_lines(pdb, program), lines(&dump(&["-l"])?, program)));
        let theirs = types(&dump(&["-types"])?);
        comparisons.push(compare("types", our_types(pdb, &theirs), theirs));
    }
    Ok(comparisons)
}

/// A record, with the lines below that have its fields.
struct Record<'t> {
    /// Its place or, of a type, its number.
    number: &'t str,
    kind: &'t str,
    name: &'t str,
    fields: String,
}

impl Record<'_> {
    /// The text behind `name = `, up to a comma or bracket.
    fn field(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.fields.split_once(name)?;
        let value = rest.trim_start_matches(['=', ':', ' ']);
        Some(value.split([',', '\n', ']']).next().unwrap_or(value).trim())
    }

    /// The number of a type, which is told with its name.
    fn type_number(&self, name: &str) -> &str {
        self.field(name).and_then(|text| text.split(' ').next()).unwrap_or("?")
    }

    /// A field `section:offset`, both decimal.
    fn rva(&self, name: &str, program: &Program) -> Option<Rva> {
        let (section, offset) = self.field(name)?.split_once(':')?;
        program.rva(section.parse().ok()?, offset.parse().ok()?)
    }
}

/// Lines `NUMBER | KIND [size = ..] ``NAME```, each with lines of fields below.
fn records(text: &str) -> Vec<Record<'_>> {
    let mut records: Vec<Record<'_>> = Vec::new();
    for line in text.lines() {
        let head = line.split_once(" | ").filter(|(_, rest)| rest.starts_with(['S', 'L']));
        match (head, records.last_mut()) {
            (Some((number, head)), _) => {
                let kind = head.split(' ').next().unwrap_or(head);
                let name =
                    head.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`')).map_or("", |(name, _)| name);
                records.push(Record { number: number.trim(), kind, name, fields: format!("{head}\n") });
            }
            (None, Some(record)) => record.fields.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    records
}

fn names(records: &[Record<'_>], program: &Program) -> Answers {
    let mut answers = Answers::default();
    for record in records {
        let (kind, end) = match record.kind {
            "S_GPROC32" | "S_LPROC32" => {
                ("function", record.field("code size").map_or(String::new(), |size| format!(" size {size}")))
            }
            "S_GDATA32" | "S_LDATA32" => ("data", String::new()),
            "S_PUB32" => ("public", String::new()),
            _ => continue,
        };
        if let Some(rva) = record.rva("addr", program) {
            answers.add_once(format!("{kind} {}", record.name), format!("{}{end}", ours::at(rva)));
        }
    }
    answers
}

fn our_names(pdb: &PdbFile) -> Answers {
    let mut answers = Answers::default();
    for symbol in ours::symbols(pdb) {
        let size = symbol.size.map_or(String::new(), |size| format!(" size {size}"));
        let (kind, end) = match symbol.kind {
            SymbolKind::Function => ("function", size),
            SymbolKind::Data => ("data", String::new()),
            SymbolKind::Public | SymbolKind::PublicFunction => ("public", String::new()),
            SymbolKind::Label | SymbolKind::Export => continue,
        };
        answers.add_once(format!("{kind} {}", symbol.name), format!("{}{end}", ours::at(symbol.rva)));
    }
    answers
}

/// `NAME at ADDRESS`: where each range of a variable in a register begins, and which one that is.
fn variables(records: &[Record<'_>], program: &Program) -> Answers {
    let mut answers = Answers::default();
    let mut name = "";
    for record in records {
        match record.kind {
            "S_LOCAL" => name = record.name,
            "S_DEFRANGE_REGISTER" => {
                let register = record.field("register").unwrap_or_default();
                if let Some(rva) = record.rva("range start", program) {
                    answers.add_once(format!("{name} at {}", ours::at(rva)), common_name(register));
                }
            }
            _ => {}
        }
    }
    answers
}

/// Our answers to the questions that the other side has.
fn our_variables(pdb: &PdbFile, theirs: &Answers) -> Answers {
    let mut answers = Answers::default();
    for question in theirs.questions() {
        let Some((name, rva)) = question.split_once(" at 0x") else { continue };
        let Ok(rva) = u32::from_str_radix(rva, 16) else { continue };
        for variable in pdb.variables_at(Rva(rva)).into_iter().filter(|variable| variable.name == name) {
            if let VariablePlace::Register(register) = variable.place {
                answers.add_once(question, common_name(&register.0));
            }
        }
    }
    answers
}

/// Under `file (checksum)` and `section:from-to, ...` rows of `line offset`.
fn lines(text: &str, program: &Program) -> Answers {
    let mut answers = Answers::default();
    let (mut file, mut section) = ("", 0);
    for line in text.lines() {
        if let Some((name, _)) = line.split_once(" (MD5").filter(|_| !line.starts_with(' ')) {
            file = name;
        } else if let Some((number, _)) = line.trim().split_once(':').filter(|_| line.contains("line/addr entries")) {
            section = usize::from_str_radix(number, 16).unwrap_or(0);
        } else if line.starts_with("  ") {
            let mut words = line.split_whitespace().filter(|word| *word != "!");
            while let (Some(number), Some(offset)) = (words.next(), words.next()) {
                let rva = u32::from_str_radix(offset, 16).ok().and_then(|offset| program.rva(section, offset));
                if let Some(rva) = rva {
                    answers.add(ours::at(rva), format!("{file}:{number}"));
                }
            }
        }
    }
    answers
}

pub(super) fn our_lines(pdb: &PdbFile, program: &Program) -> Answers {
    let mut answers = Answers::default();
    pdb.visit_line_records(&mut |record| {
        if let Some(rva) = program.rva(record.section.into(), record.offset) {
            answers.add(ours::at(rva), format!("{}:{}", record.file, record.line));
        }
        ControlFlow::Continue(())
    });
    answers
}

/// Every type by its number: sizes, members of records, and what it refers to.
fn types(text: &str) -> Answers {
    let records = records(text);
    let mut answers = Answers::default();
    let mut fields: HashMap<String, String> = HashMap::new();
    for record in &records {
        match record.kind {
            "LF_FIELDLIST" => drop(fields.insert(record.number.to_owned(), members(record))),
            "LF_ARRAY" => {
                answers.add(record.number, format!("array of {} bytes", record.field("size:").unwrap_or("?")));
            }
            "LF_POINTER" => answers.add(record.number, format!("pointer to {}", record.type_number("referent"))),
            "LF_MODIFIER" => answers.add(record.number, format!("qualified {}", record.type_number("referent"))),
            "LF_PROCEDURE" => {
                let (result, count) = (record.type_number("return type"), record.field("# args").unwrap_or("?"));
                answers.add(record.number, format!("function of {count} arguments that gives {result}"));
            }
            "LF_STRUCTURE" | "LF_CLASS" | "LF_UNION" if !record.fields.contains("forward ref") => {
                let list = record.field("field list").unwrap_or_default();
                let members = fields.get(list).map_or("", |members| members);
                let size = record.field("sizeof").unwrap_or("?");
                answers.add(record.number, format!("{} of {size} bytes:{members}", record.name));
            }
            _ => {}
        }
    }
    answers
}

/// `- LF_MEMBER [name = ``NAME``, Type = .., offset = N, ..]`
fn members(list: &Record<'_>) -> String {
    let rows = list.fields.lines().filter(|line| line.contains("- LF_MEMBER ["));
    let member = |line: &str| {
        let name = line.split('`').nth(1)?;
        let offset = line.split_once("offset = ")?.1.split(',').next()?;
        Some(format!(" {name} at {offset}"))
    };
    rows.filter_map(member).collect()
}

fn our_types(pdb: &PdbFile, theirs: &Answers) -> Answers {
    let mut answers = Answers::default();
    let Some(types) = pdb.types() else { return answers };
    for question in theirs.questions() {
        let number = u64::from_str_radix(question.trim_start_matches("0x"), 16).unwrap_or(0);
        if let Some(answer) = our_type(types, TypeId(number)) {
            answers.add(question, answer);
        }
    }
    answers
}

fn our_type(types: &dyn Types, id: TypeId) -> Option<String> {
    let size = type_text::size_of(types, id).map_or("?".to_owned(), |size| size.to_string());
    match types.get(id).ok()? {
        Type::Array { .. } => Some(format!("array of {size} bytes")),
        Type::Record(record) => {
            let members = record.members.iter().map(|member| format!(" {} at {}", member.name, member.offset));
            Some(format!("{} of {size} bytes:{}", record.name, members.collect::<String>()))
        }
        Type::Pointer { target, .. } => Some(format!("pointer to {}", number(target))),
        Type::Modified { target, .. } => Some(format!("qualified {}", number(target))),
        Type::Function(function) => {
            let count = function.arguments.len();
            Some(format!("function of {count} arguments that gives {}", number(function.result)))
        }
        _ => None,
    }
}

/// As llvm-pdbutil writes it.
fn number(id: TypeId) -> String {
    format!("0x{:04X}", id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_their_fields_are_read() {
        let text = "  0x1007 | LF_ARRAY [size = 16]\n    size: 48, index type: 0x0022, element type: 0x1006\n  0x100A | \
                    LF_FIELDLIST [size = 68]\n   - LF_MEMBER [name = `a`, Type = 0x1009, offset = 4, attrs = public]\n  \
                    0x100B | LF_STRUCTURE [size = 32] `pair`\n    vtable: <no type>, field list: 0x100A\n    options: , \
                    sizeof 12\n  0x100C | LF_POINTER [size = 12]\n    referent = 0x0070 (char), mode = pointer\n";
        let mut expected = Answers::default();
        expected.add("0x1007", "array of 48 bytes");
        expected.add("0x100B", "pair of 12 bytes: a at 4");
        expected.add("0x100C", "pointer to 0x0070");
        assert_eq!(types(text), expected);
        let found = records("     84 | S_GPROC32 [size = 48] `f`\n   addr = 0001:0016, code size = 76\n");
        let [record] = &found[..] else { panic!("{} records", found.len()) };
        assert_eq!((record.kind, record.name, record.field("addr")), ("S_GPROC32", "f", Some("0001:0016")));
        assert_eq!(record.field("code size"), Some("76"));
    }
}
