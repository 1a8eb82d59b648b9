//! `STACK WIN` records of Breakpad symbol files: the FPO and FrameData of a PDB as text.
//!
//! ```text
//! STACK WIN type rva size prologue epilogue parameters saved locals max-stack has-program rest
//! ```
//!
//! All numbers are hexadecimal. The type is that of `FPO_DATA`: 0 FPO, 1 trap, 2 task switch, 3 standard; 4 stands for
//! FrameData. With `has-program` 1 the rest of the line is a program, else 1 where the function uses `ebp` for
//! something else and saves it.

use crate::{
    index_bytes::{
        IndexBytes, Section,
        rows::{Row, RowWords},
    },
    table::TableBuilder,
    text_problems::Words,
    variable::{FrameKind, FrameRule},
};
use vatlas_space::{Rva, Va, VaRange, disjoint};

/// The records of one file.
#[derive(Debug, Default)]
pub struct FrameRules {
    rules: Vec<FrameRule>,
}

impl FrameRules {
    /// Adds the words behind `STACK WIN`.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn add(&mut self, mut words: Words) -> Result<(), String> {
        let kind = words.hex("type")?;
        let mut number = |what| words.hex(what);
        let (start, size, prologue_size) = (Rva(number("address")?), number("size")?, number("prologue size")?);
        number("epilogue size")?;
        let (parameters_size, saved_size) = (number("parameter size")?, number("saved register size")?);
        let (locals_size, max_stack) = (number("local size")?, number("maximum stack size")?);
        let has_program = number("program flag")? != 0;
        let rest = words.rest();
        let kind = match kind {
            0 => FrameKind::Fpo,
            1 => FrameKind::Trap,
            2 => FrameKind::Tss,
            3 | 4 => FrameKind::Standard,
            other => return Err(format!("type {other:x} is none of STACK WIN")),
        };
        self.rules.push(FrameRule {
            start,
            size,
            kind,
            locals_size,
            parameters_size,
            saved_size,
            prologue_size,
            max_stack: Some(max_stack).filter(|size| *size != 0),
            has_seh: false,
            has_cpp_eh: false,
            is_function_start: false,
            uses_ebp: !has_program && rest == "1",
            program: has_program.then(|| rest.to_owned()),
        });
        Ok(())
    }

    /// Adds them to a table: of several rules for an address one with a program is best, then the narrowest.
    pub fn finish(mut self, builder: &mut TableBuilder) {
        self.rules.sort_by_key(|rule| (rule.program.is_none(), rule.size));
        let claim = |(rule, place): (&FrameRule, u32)| {
            Some((VaRange::sized(Va(rule.start.0.into()), rule.size.into())?, place))
        };
        let claims: Vec<_> = self.rules.iter().zip(0..).filter_map(claim).collect();
        let pieces = disjoint(&claims, |(range, _)| *range, |(_, place), range| (range, *place));
        // Pieces behind the last address of an image hold for none.
        let piece = |&(range, rule): &(VaRange, u32)| {
            let first = u32::try_from(range.first().0).ok()?;
            Some(PieceRow { first, last: u32::try_from(range.last().0).unwrap_or(u32::MAX), rule })
        };
        let pieces: Vec<_> = pieces.iter().filter_map(piece).collect();
        let rows: Vec<_> = self.rules.iter().map(|rule| RuleRow::new(rule, builder)).collect();
        builder.section(Section::FrameRules, &rows);
        builder.section(Section::FramePieces, &pieces);
    }
}

/// The rule for an address.
pub(crate) fn rule_at(index: &IndexBytes, rva: Rva) -> Option<FrameRule> {
    let pieces = index.rows::<PieceRow>(Section::FramePieces);
    let piece = pieces.last_that(|piece| piece.first <= rva.0).filter(|piece| rva.0 <= piece.last)?;
    Some(index.rows::<RuleRow>(Section::FrameRules).get(piece.rule as usize)?.rule(index))
}

/// Addresses, and the number of the rule that holds for them; sorted and disjoint.
struct PieceRow {
    first: u32,
    last: u32,
    rule: u32,
}

impl Row for PieceRow {
    const WORDS: usize = 3;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.first, self.last, self.rule]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self { first: words.get(0), last: words.get(1), rule: words.get(2) }
    }
}

const KINDS: [FrameKind; 4] = [FrameKind::Fpo, FrameKind::Trap, FrameKind::Tss, FrameKind::Standard];
const USES_EBP: u32 = 1;
const HAS_PROGRAM: u32 = 2;

/// A rule: start, bytes, kind, locals, parameters, saved registers, prologue, most bytes pushed (0: not told), flags,
/// place of the program. What `STACK WIN` does not tell is left out.
struct RuleRow([u32; 11]);

impl Row for RuleRow {
    const WORDS: usize = 11;

    fn words(&self) -> impl AsRef<[u32]> {
        self.0
    }

    fn of(words: RowWords<'_>) -> Self {
        Self(std::array::from_fn(|index| words.get(index)))
    }
}

impl RuleRow {
    fn new(rule: &FrameRule, builder: &mut TableBuilder) -> Self {
        let program = rule.program.as_deref().and_then(|program| builder.keep_once(program));
        let flags = if rule.uses_ebp { USES_EBP } else { 0 } | if program.is_some() { HAS_PROGRAM } else { 0 };
        let (start, end) = program.unwrap_or_default();
        let sizes = [rule.locals_size, rule.parameters_size, rule.saved_size, rule.prologue_size];
        let [locals, parameters, saved, prologue] = sizes;
        let max_stack = rule.max_stack.unwrap_or(0);
        // The kinds are in the order of their numbers, as a test holds.
        let kind = rule.kind as u32;
        Self([rule.start.0, rule.size, kind, locals, parameters, saved, prologue, max_stack, flags, start, end])
    }

    fn rule(&self, index: &IndexBytes) -> FrameRule {
        let [start, size, kind, locals_size, parameters_size, saved_size, prologue_size, max_stack, flags, from, to] =
            self.0;
        FrameRule {
            start: Rva(start),
            size,
            kind: KINDS.get(kind as usize).copied().unwrap_or(FrameKind::Standard),
            locals_size,
            parameters_size,
            saved_size,
            prologue_size,
            max_stack: Some(max_stack).filter(|size| *size != 0),
            has_seh: false,
            has_cpp_eh: false,
            is_function_start: false,
            uses_ebp: flags & USES_EBP != 0,
            program: (flags & HAS_PROGRAM != 0).then(|| index.text((from, to)).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileKind, Origin, SymbolFile, SymbolTable};

    fn rules(lines: &[&str]) -> SymbolTable {
        let mut rules = FrameRules::default();
        for line in lines {
            rules.add(Words(line)).unwrap();
        }
        let mut builder = TableBuilder::default();
        rules.finish(&mut builder);
        builder.build(Origin { file: "x".into(), kind: FileKind::Breakpad, identity: None })
    }

    #[test]
    fn the_narrowest_rule_with_a_program_holds() {
        let rules = rules(&[
            "0 1000 100 3 0 8 c 10 0 0 1",
            "4 1000 80 3 0 8 c 10 0 1 $T0 .raSearch =",
            "4 1010 20 0 0 8 4 10 0 1 $T0 $ebp =",
        ]);
        let check = |rva, expected: Option<(u32, Option<&str>)>| {
            let found = rules.frame_rule_at(Rva(rva)).map(|rule| (rule.saved_size, rule.program));
            assert_eq!(found, expected.map(|(size, program)| (size, program.map(str::to_owned))), "{rva:x}");
        };
        check(0xfff, None);
        check(0x1000, Some((12, Some("$T0 .raSearch ="))));
        check(0x1010, Some((4, Some("$T0 $ebp ="))));
        check(0x1030, Some((12, Some("$T0 .raSearch ="))));
        check(0x1080, Some((12, None)));
        check(0x1100, None);
        let fpo = rules.frame_rule_at(Rva(0x1080)).unwrap();
        assert_eq!((fpo.kind, fpo.uses_ebp, fpo.locals_size), (FrameKind::Fpo, true, 16));
    }

    #[test]
    fn kinds_are_in_the_order_of_their_numbers() {
        assert!(KINDS.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    }

    #[test]
    fn records_that_make_no_sense() {
        let check = |line: &str, expected: &str| {
            assert_eq!(FrameRules::default().add(Words(line)).unwrap_err(), expected);
        };
        check("", "type is missing");
        check("9 1 1 0 0 0 0 0 0 0 0", "type 9 is none of STACK WIN");
        check("4 x", "address 'x' is no hexadecimal number");
        check("4 1000 100", "prologue size is missing");
    }
}
