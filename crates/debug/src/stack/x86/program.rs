//! Frame-data programs: the caller's registers in postfix notation, as PDBs (FrameData stream) and `STACK WIN` of
//! Breakpad have them.
//!
//! ```text
//! program  = { token }                      tokens are separated by blanks
//! token    = number | constant | variable | '^' | '=' | '+' | '-' | '*' | '/' | '%' | '@'
//! constant = .cbLocals .cbSavedRegs .cbParams .cbCalleeParams .raSearch .raSearchStart
//! variable = $T0 $T1 ... $L $P $eip $esp $ebp $ebx $esi $edi
//!   a ^    the word at address a            a b @   a rounded down to a multiple of b
//!   v a =  v becomes a                      others  32-bit arithmetic that wraps around
//! ```

/// Longest program that is run, in tokens.
const LONGEST: usize = 512;

/// What a program asks for.
pub(super) trait Environment {
    /// The word at an address; `None` when it cannot be read.
    fn word(&self, address: u32) -> Option<u32>;
    /// A constant (`.cbLocals`) or a register (`$ebp`) of the frame.
    fn value(&self, name: &str) -> Option<u32>;
}

/// Runs a program and gives what it assigned, in order; `None` when it asks for something that is not known, or makes
/// no sense.
pub(super) fn run<'p>(program: &'p str, environment: &dyn Environment) -> Option<Vec<(&'p str, u32)>> {
    let mut machine = Machine { environment, assigned: Vec::new(), operands: Vec::new() };
    for (number, token) in program.split_ascii_whitespace().enumerate() {
        if number == LONGEST {
            return None;
        }
        machine.token(token)?;
    }
    machine.operands.is_empty().then_some(machine.assigned)
}

enum Operand<'p> {
    Number(u32),
    Name(&'p str),
}

struct Machine<'p, 'e> {
    environment: &'e dyn Environment,
    assigned: Vec<(&'p str, u32)>,
    operands: Vec<Operand<'p>>,
}

impl<'p> Machine<'p, '_> {
    fn token(&mut self, token: &'p str) -> Option<()> {
        let result = match token {
            "=" => return self.assign(),
            "^" => {
                let address = self.number()?;
                self.environment.word(address)?
            }
            "+" | "-" | "*" | "/" | "%" | "@" => {
                let (right, left) = (self.number()?, self.number()?);
                binary(token, left, right)?
            }
            name if name.starts_with(['$', '.']) => {
                self.operands.push(Operand::Name(name));
                return Some(());
            }
            number => number.parse::<i64>().ok().and_then(truncated)?,
        };
        self.operands.push(Operand::Number(result));
        Some(())
    }

    fn assign(&mut self) -> Option<()> {
        let value = self.number()?;
        let Operand::Name(name) = self.operands.pop()? else { return None };
        if !name.starts_with('$') {
            return None;
        }
        match self.assigned.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.assigned.push((name, value)),
        }
        Some(())
    }

    fn number(&mut self) -> Option<u32> {
        match self.operands.pop()? {
            Operand::Number(number) => Some(number),
            Operand::Name(name) => {
                let assigned = self.assigned.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
                assigned.or_else(|| self.environment.value(name))
            }
        }
    }
}

fn binary(operator: &str, left: u32, right: u32) -> Option<u32> {
    match operator {
        "+" => Some(left.wrapping_add(right)),
        "-" => Some(left.wrapping_sub(right)),
        "*" => Some(left.wrapping_mul(right)),
        "/" => left.checked_div(right),
        "%" => left.checked_rem(right),
        _ => right.is_power_of_two().then(|| left & !(right - 1)),
    }
}

/// A number as 32 bits, with or without sign.
fn truncated(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(|number| number as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory;

    impl Environment for Memory {
        fn word(&self, address: u32) -> Option<u32> {
            address.is_multiple_of(4).then_some(address + 0x1000)
        }

        fn value(&self, name: &str) -> Option<u32> {
            Some(match name {
                "$ebp" => 0x100,
                "$esp" => 0x80,
                ".cbSavedRegs" => 8,
                ".cbLocals" => 16,
                ".raSearchStart" => 0x98,
                _ => return None,
            })
        }
    }

    fn check(program: &str, expected: Option<&[(&str, u32)]>) {
        assert_eq!(run(program, &Memory).as_deref(), expected, "{program}");
    }

    #[test]
    fn programs_that_compilers_write() {
        check(
            "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + = $L $T0 .cbSavedRegs - =",
            Some(&[("$T0", 0x100), ("$eip", 0x1104), ("$ebp", 0x1100), ("$esp", 0x108), ("$L", 0xf8)]),
        );
        check(
            "$T0 .raSearchStart = $eip $T0 ^ = $esp $T0 4 + =",
            Some(&[("$T0", 0x98), ("$eip", 0x1098), ("$esp", 0x9c)]),
        );
        check("$T1 $ebp 4 - 16 @ =", Some(&[("$T1", 0xf0)]));
        check("$T1 7 2 / 3 * 4 % =", Some(&[("$T1", 1)]));
        check("$T1 -4 8 + =", Some(&[("$T1", 4)]));
        check("", Some(&[]));
    }

    #[test]
    fn programs_that_make_no_sense() {
        for program in [
            "$T0 1 0 / =",
            "$T0 1 3 @ =",
            "+",
            "=",
            "1 2 =",
            "$T0 $T9 =",
            ".cbLocals 1 =",
            "$T0 1",
            "$T0 5 ^ =",
            "$T0 99999999999 =",
        ] {
            check(program, None);
        }
        check(&"1 ".repeat(LONGEST + 1), None);
    }
}
