//! `STACK CFI` records of Breakpad symbol files: the call-frame information of DWARF as text.
//!
//! ```text
//! STACK CFI INIT 1000 30 .cfa: $rsp 8 + .ra: .cfa -8 + ^
//! STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
//! ```
//!
//! Address and size are hexadecimal. Each rule is a register with a colon and an expression in postfix notation, `^` for
//! the pointer in memory, `@` for rounding down; `.cfa` is the canonical frame address, `.ra` the return address. A
//! record without `INIT` changes some rules from its address on.

use crate::{
    cfi::{CfaRule, CfiExpression, CfiOperation, RegisterRule, UnwindRow},
    index_bytes::{
        IndexBytes, Section,
        rows::{Row, RowWords},
    },
    table::TableBuilder,
    text_problems::Words,
    variable::RegisterName,
};
use vatlas_space::{Machine, Rva};

/// Words of the rules that hold at one address: more are damage.
const MOST_WORDS: usize = 4096;

/// The rules of a function.
#[derive(Debug)]
struct Function {
    start: u32,
    size: u32,
    /// Addresses and the rules that change there, as in the file; the first ones are those of the start.
    changes: Vec<(u32, String)>,
}

/// The records of one file.
#[derive(Debug, Default)]
pub struct CfiRules {
    functions: Vec<Function>,
}

impl CfiRules {
    /// Adds the words behind `STACK CFI`.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn add(&mut self, words: Words) -> Result<(), String> {
        let mut after = words;
        if after.word() == Some("INIT") {
            let (start, size) = (after.hex("address")?, after.hex("size")?);
            let changes = vec![(start, after.rest().to_owned())];
            self.functions.push(Function { start, size, changes });
            return Ok(());
        }
        let mut words = words;
        let at = words.hex("address")?;
        let function = self.functions.last_mut().ok_or("rules change before any STACK CFI INIT")?;
        let is_inside = at.checked_sub(function.start).is_some_and(|offset| offset < function.size);
        if !is_inside || function.changes.last().is_some_and(|(last, _)| *last > at) {
            return Err(format!("the rules of {:x} cannot change at {at:x}", function.start));
        }
        function.changes.push((at, words.rest().to_owned()));
        Ok(())
    }

    /// Adds them to a table.
    pub fn finish(mut self, builder: &mut TableBuilder) {
        self.functions.sort_by_key(|function| function.start);
        let (mut functions, mut changes) = (Vec::new(), Vec::new());
        for function in &self.functions {
            let Ok(first) = u32::try_from(changes.len()) else { break };
            for (at, rules) in &function.changes {
                changes.push(ChangeRow { at: *at, rules: builder.keep_once(rules).unwrap_or_default() });
            }
            let count = u32::try_from(function.changes.len()).unwrap_or(0);
            functions.push(FunctionRow { start: function.start, size: function.size, first, count });
        }
        builder.section(Section::CfiFunctions, &functions);
        builder.section(Section::CfiChanges, &changes);
    }
}

/// A function, and which changes are its own.
struct FunctionRow {
    start: u32,
    size: u32,
    first: u32,
    count: u32,
}

impl Row for FunctionRow {
    const WORDS: usize = 4;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.start, self.size, self.first, self.count]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self { start: words.get(0), size: words.get(1), first: words.get(2), count: words.get(3) }
    }
}

/// An address and the place of the rules that change there.
struct ChangeRow {
    at: u32,
    rules: (u32, u32),
}

impl Row for ChangeRow {
    const WORDS: usize = 3;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.at, self.rules.0, self.rules.1]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self { at: words.get(0), rules: words.text(1) }
    }
}

/// The rules that hold at an address.
pub(crate) fn row_at(index: &IndexBytes, rva: Rva, machine: Option<Machine>) -> Option<UnwindRow> {
    let functions = index.rows::<FunctionRow>(Section::CfiFunctions);
    let function = functions.last_that(|function| function.start <= rva.0)?;
    if rva.0.checked_sub(function.start)? >= function.size {
        return None;
    }
    let first = function.first as usize;
    let changes =
        index.rows::<ChangeRow>(Section::CfiChanges).slice(first..first.checked_add(function.count as usize)?);
    let count = changes.partition_point(|change| change.at <= rva.0);
    let start = changes.get(count.checked_sub(1)?)?.at;
    let end = changes.get(count).map_or(function.start.saturating_add(function.size), |change| change.at);
    let mut row = UnwindRow {
        start: Rva(start),
        size: end.checked_sub(start)?,
        cfa: CfaRule::Unknown("the file has no rule for it".to_owned()),
        return_address: return_address(machine),
        registers: Vec::new(),
        is_interrupted: false,
    };
    let words = changes.slice(0..count).iter().flat_map(|change| index.text(change.rules).split_whitespace());
    let words: Vec<&str> = words.take(MOST_WORDS + 1).collect();
    for rule in words.chunk_by(|_, next| !next.ends_with(':')) {
        set(&mut row, rule, machine);
    }
    (words.len() <= MOST_WORDS).then_some(row)
}

/// The register that holds where to go on.
fn return_address(machine: Option<Machine>) -> RegisterName {
    let name = match machine {
        Some(Machine::X86) => "eip",
        Some(Machine::X64) => "rip",
        _ => "pc",
    };
    RegisterName(name.to_owned())
}

/// Sets one rule: the register with a colon, then the words of its expression.
fn set(row: &mut UnwindRow, rule: &[&str], machine: Option<Machine>) {
    let Some((register, words)) = rule.split_first() else { return };
    let register = register.trim_end_matches(':');
    if register == ".cfa" {
        row.cfa = match expression(words, machine).as_deref() {
            Ok([CfiOperation::Register(register), CfiOperation::Push(offset), CfiOperation::Add]) => {
                CfaRule::Register { register: register.clone(), offset: *offset }
            }
            Ok([CfiOperation::Register(register)]) => CfaRule::Register { register: register.clone(), offset: 0 },
            Ok(operations) => CfaRule::Expression(CfiExpression(operations.to_vec())),
            Err(cause) => CfaRule::Unknown(cause.clone()),
        };
        return;
    }
    let register = name(register, machine);
    let rule = register_rule(&register, words, machine);
    row.registers.retain(|(other, _)| *other != register);
    row.registers.push((register, rule));
}

fn register_rule(register: &RegisterName, words: &[&str], machine: Option<Machine>) -> RegisterRule {
    if matches!(words, [".undef"]) {
        return RegisterRule::Undefined;
    }
    use CfiOperation::{Add, Cfa, Dereference, Push, Register};
    match expression(words, machine).as_deref() {
        Ok([Cfa, Push(offset), Add, Dereference]) => RegisterRule::AtCfa(*offset),
        Ok([Cfa, Dereference]) => RegisterRule::AtCfa(0),
        Ok([Cfa, Push(offset), Add]) => RegisterRule::Cfa(*offset),
        Ok([Cfa]) => RegisterRule::Cfa(0),
        Ok([Register(other)]) if other == register => RegisterRule::Same,
        Ok([Register(other)]) => RegisterRule::Register(other.clone()),
        Ok(operations) => RegisterRule::Value(CfiExpression(operations.to_vec())),
        Err(cause) => RegisterRule::Unknown(cause.clone()),
    }
}

fn name(word: &str, machine: Option<Machine>) -> RegisterName {
    if word == ".ra" {
        return return_address(machine);
    }
    RegisterName(word.trim_start_matches('$').to_owned())
}

/// An expression; a sum with a negative number and a difference are one form.
fn expression(words: &[&str], machine: Option<Machine>) -> Result<Vec<CfiOperation>, String> {
    let mut operations = Vec::new();
    for word in words {
        let operation = match *word {
            "+" => CfiOperation::Add,
            "-" => match operations.pop() {
                Some(CfiOperation::Push(number)) => {
                    operations.push(CfiOperation::Push(i64::wrapping_neg(number)));
                    CfiOperation::Add
                }
                other => {
                    operations.extend(other);
                    CfiOperation::Subtract
                }
            },
            "*" => CfiOperation::Multiply,
            "@" => CfiOperation::Align,
            "^" => CfiOperation::Dereference,
            ".cfa" => CfiOperation::Cfa,
            number if number.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit()) => {
                CfiOperation::Push(number.parse().map_err(|_| format!("'{number}' is no number"))?)
            }
            name_word if name_word.starts_with(['$', '.']) || name_word.chars().all(char::is_alphanumeric) => {
                CfiOperation::Register(name(name_word, machine))
            }
            other => return Err(format!("computed with '{other}'")),
        };
        operations.push(operation);
    }
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileKind, Origin, SymbolFile, SymbolTable};

    fn rules(lines: &[&str], machine: Machine) -> SymbolTable {
        let mut rules = CfiRules::default();
        for line in lines {
            rules.add(Words(line)).unwrap();
        }
        let mut builder = TableBuilder::default();
        rules.finish(&mut builder);
        let origin = Origin { file: "x".into(), kind: FileKind::Breakpad, identity: None };
        builder.build(origin).with_machine(Some(machine))
    }

    fn check(rva: u32, cfa: Option<(&str, i64)>, saved: &[(&str, i64)], range: (u32, u32)) {
        let lines = [
            "INIT 2000 8 .cfa: $esp 4 + .ra: .cfa 4 - ^",
            "INIT 3000 8 .cfa: $rsp .ra: .cfa 8 - ^",
            "3000 .cfa: $rsp 80 +",
            "INIT 4000 8 .cfa: $rsp .ra: .cfa 8 - ^",
            "INIT 1000 30 .cfa: $rsp 8 + .ra: .cfa -8 + ^",
            "1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^",
            "1004 .cfa: $rbp 16 +",
        ];
        let row = rules(&lines, Machine::X64).unwind_row_at(Rva(rva));
        let found = row.as_ref().and_then(|row| match &row.cfa {
            CfaRule::Register { register, offset } => Some((register.0.as_str(), *offset)),
            _ => None,
        });
        assert_eq!(found, cfa, "{rva:x}");
        let Some(row) = row else { return };
        let at: Vec<_> = row
            .registers
            .iter()
            .map(|(register, rule)| match rule {
                RegisterRule::AtCfa(offset) => (register.0.as_str(), *offset),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(at, saved, "{rva:x}");
        assert_eq!((row.start.0, row.size), range, "{rva:x}");
    }

    #[test]
    fn rules_change_from_an_address_on() {
        check(0x1000, Some(("rsp", 8)), &[("rip", -8)], (0x1000, 1));
        check(0x1003, Some(("rsp", 16)), &[("rip", -8), ("rbp", -16)], (0x1001, 3));
        check(0x102f, Some(("rbp", 16)), &[("rip", -8), ("rbp", -16)], (0x1004, 0x2c));
        check(0x2001, Some(("esp", 4)), &[("rip", -4)], (0x2000, 8));
        check(0x3000, Some(("rsp", 80)), &[("rip", -8)], (0x3000, 8));
        check(0x4000, Some(("rsp", 0)), &[("rip", -8)], (0x4000, 8));
        check(0x1030, None, &[], (0, 0));
        check(0xfff, None, &[], (0, 0));
    }

    #[test]
    fn rules_of_all_forms() {
        let check = |text: &str, expected: RegisterRule| {
            let rules = rules(&[&format!("INIT 0 10 .cfa: sp r11: {text}")], Machine::Arm);
            let row = rules.unwind_row_at(Rva(0)).unwrap();
            assert_eq!(row.rule(&RegisterName("r11".to_owned())), Some(&expected), "{text}");
        };
        let register = |name: &str| RegisterName(name.to_owned());
        check(".undef", RegisterRule::Undefined);
        check("r11", RegisterRule::Same);
        check("lr", RegisterRule::Register(register("lr")));
        check(".cfa 8 +", RegisterRule::Cfa(8));
        let aligned = [CfiOperation::Register(register("sp")), CfiOperation::Push(16), CfiOperation::Align];
        check("sp 16 @", RegisterRule::Value(CfiExpression(aligned.to_vec())));
        check("sp 3 %", RegisterRule::Unknown("computed with '%'".to_owned()));
    }

    #[test]
    fn bad_records_are_told() {
        let mut rules = CfiRules::default();
        assert_eq!(rules.add(Words("10 .cfa: x")).unwrap_err(), "rules change before any STACK CFI INIT");
        rules.add(Words("INIT 10 10 .cfa: x")).unwrap();
        assert_eq!(rules.add(Words("20 .cfa: y")).unwrap_err(), "the rules of 10 cannot change at 20");
        assert_eq!(rules.add(Words("INIT zz 10")).unwrap_err(), "address 'zz' is no hexadecimal number");
    }
}
