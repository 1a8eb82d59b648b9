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
    text_problems::Words,
    variable::{FrameKind, FrameRule},
};
use vatlas_space::{Rva, Va, VaRange, disjoint};

/// The records of one file.
#[derive(Debug, Default)]
pub struct FrameRules {
    rules: Vec<FrameRule>,
    /// Sorted and disjoint: addresses, and the place of the rule that holds for them.
    pieces: Vec<(VaRange, usize)>,
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

    /// Prepares for questions: of several rules for an address one with a program is best, then the narrowest.
    pub fn finish(&mut self) {
        self.rules.sort_by_key(|rule| (rule.program.is_none(), rule.size));
        let claim = |(place, rule): (usize, &FrameRule)| {
            Some((VaRange::sized(Va(rule.start.0.into()), rule.size.into())?, place))
        };
        let claims: Vec<_> = self.rules.iter().enumerate().filter_map(claim).collect();
        self.pieces = disjoint(&claims, |(range, _)| *range, |(_, place), range| (range, *place));
    }

    /// The rule for an address.
    pub fn at(&self, rva: Rva) -> Option<&FrameRule> {
        let va = Va(rva.0.into());
        let piece = self.pieces.partition_point(|(range, _)| range.last() < va);
        let (_, place) = self.pieces.get(piece).filter(|(range, _)| range.contains(va))?;
        self.rules.get(*place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lines: &[&str]) -> FrameRules {
        let mut rules = FrameRules::default();
        for line in lines {
            rules.add(Words(line)).unwrap();
        }
        rules.finish();
        rules
    }

    #[test]
    fn the_narrowest_rule_with_a_program_holds() {
        let rules = rules(&[
            "0 1000 100 3 0 8 c 10 0 0 1",
            "4 1000 80 3 0 8 c 10 0 1 $T0 .raSearch =",
            "4 1010 20 0 0 8 4 10 0 1 $T0 $ebp =",
        ]);
        let check = |rva, expected: Option<(u32, Option<&str>)>| {
            let found = rules.at(Rva(rva)).map(|rule| (rule.saved_size, rule.program.as_deref()));
            assert_eq!(found, expected, "{rva:x}");
        };
        check(0xfff, None);
        check(0x1000, Some((12, Some("$T0 .raSearch ="))));
        check(0x1010, Some((4, Some("$T0 $ebp ="))));
        check(0x1030, Some((12, Some("$T0 .raSearch ="))));
        check(0x1080, Some((12, None)));
        check(0x1100, None);
        let fpo = rules.at(Rva(0x1080)).unwrap();
        assert_eq!((fpo.kind, fpo.uses_ebp, fpo.locals_size), (FrameKind::Fpo, true, 16));
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
