//! How to leave a frame by call-frame information: the rules of DWARF, and of `STACK CFI` lines of Breakpad.
//!
//! DWARF 5 section 6.4: the canonical frame address (CFA) is the value of the stack pointer before the call; every
//! register of the caller is found by a rule, most often in memory at the CFA plus an offset.

use crate::variable::RegisterName;
use vatlas_space::Rva;

/// Operations of one expression that are believed; compilers write a dozen.
const MOST_OPERATIONS: usize = 256;

/// One operation of an expression: a stack of numbers, worked on from left to right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CfiOperation {
    /// Pushes a number.
    Push(i64),
    /// Pushes a register's value.
    Register(RegisterName),
    /// Pushes the canonical frame address.
    Cfa,
    /// Replaces two numbers by their sum.
    Add,
    /// Replaces two numbers by the lower minus the upper.
    Subtract,
    /// Replaces two numbers by their product.
    Multiply,
    /// Replaces two numbers by the bits that both have.
    And,
    /// Replaces two numbers by the lower one shifted left by the upper.
    ShiftLeft,
    /// Replaces two numbers by 1 where the lower is at least the upper, both signed, else 0.
    IsAtLeast,
    /// Replaces two numbers by the lower one rounded down to a multiple of the upper, a power of two.
    Align,
    /// Replaces an address by the pointer that is in memory there.
    Dereference,
}

/// A value that is computed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CfiExpression(pub Vec<CfiOperation>);

impl CfiExpression {
    /// The value, with the registers of the frame, its CFA where that is known, and the memory. `None` where one of
    /// them is missing or the expression is wrong. Sums wrap; the caller cuts them to the width of a pointer.
    pub fn evaluate(
        &self,
        cfa: Option<u64>,
        register: &dyn Fn(&RegisterName) -> Option<u64>,
        memory: &dyn Fn(u64) -> Option<u64>,
    ) -> Option<u64> {
        let mut stack: Vec<u64> = Vec::new();
        for operation in self.0.iter().take(MOST_OPERATIONS) {
            let value = match operation {
                CfiOperation::Push(number) => *number as u64,
                CfiOperation::Register(name) => register(name)?,
                CfiOperation::Cfa => cfa?,
                CfiOperation::Dereference => memory(stack.pop()?)?,
                both => {
                    let upper = stack.pop()?;
                    combine(both, stack.pop()?, upper)?
                }
            };
            stack.push(value);
        }
        // What lies below the result is left over: expressions of registers begin with the CFA, used or not.
        stack.pop().filter(|_| self.0.len() <= MOST_OPERATIONS)
    }
}

fn combine(operation: &CfiOperation, lower: u64, upper: u64) -> Option<u64> {
    Some(match operation {
        CfiOperation::Add => lower.wrapping_add(upper),
        CfiOperation::Subtract => lower.wrapping_sub(upper),
        CfiOperation::Multiply => lower.wrapping_mul(upper),
        CfiOperation::And => lower & upper,
        CfiOperation::ShiftLeft => lower.checked_shl(u32::try_from(upper).ok()?).unwrap_or(0),
        CfiOperation::IsAtLeast => u64::from(lower as i64 >= upper as i64),
        CfiOperation::Align if upper.is_power_of_two() => lower & !(upper - 1),
        _ => return None,
    })
}

/// How to find the canonical frame address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CfaRule {
    /// A register's value plus `offset` bytes.
    Register {
        /// The register.
        register: RegisterName,
        /// Bytes to add.
        offset: i64,
    },
    /// Computed.
    Expression(CfiExpression),
    /// In a way that is not understood; the text says what the file has.
    Unknown(String),
}

/// How to find a register of the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegisterRule {
    /// It is lost.
    Undefined,
    /// It is still in the register.
    Same,
    /// In memory at the CFA plus so many bytes.
    AtCfa(i64),
    /// The CFA plus so many bytes.
    Cfa(i64),
    /// In another register.
    Register(RegisterName),
    /// In memory at the address that is computed.
    At(CfiExpression),
    /// The value that is computed.
    Value(CfiExpression),
    /// In a way that is not understood; the text says what the file has.
    Unknown(String),
}

/// The rules that hold for some addresses of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnwindRow {
    /// First address that they hold for.
    pub start: Rva,
    /// Bytes that they hold for.
    pub size: u32,
    /// The canonical frame address.
    pub cfa: CfaRule,
    /// The register whose rule gives the address that the function returns to. Its rule is in `registers`; without one
    /// the value is in the register itself.
    pub return_address: RegisterName,
    /// Rules by register; one that is not named is not changed by the function, or is lost when the calling convention
    /// says so. The stack pointer without a rule is the CFA.
    pub registers: Vec<(RegisterName, RegisterRule)>,
    /// Whether the frame was built for an interrupted function: its address is then exact, not that after a call.
    pub is_interrupted: bool,
}

impl UnwindRow {
    /// The rule of a register.
    pub fn rule(&self, register: &RegisterName) -> Option<&RegisterRule> {
        self.registers.iter().find(|(name, _)| name == register).map(|(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operations: &[CfiOperation], expected: Option<u64>) {
        let register = |name: &RegisterName| (name.0 == "esp").then_some(0x1000);
        let memory = |address| (address == 0x0ff8).then_some(0x77);
        assert_eq!(
            CfiExpression(operations.to_vec()).evaluate(Some(0x2000), &register, &memory),
            expected,
            "{operations:?}"
        );
    }

    #[test]
    fn expressions_are_computed() {
        use CfiOperation::*;
        let esp = || Register(RegisterName("esp".to_owned()));
        check(&[esp(), Push(8), Add], Some(0x1008));
        check(&[esp(), Push(8), Subtract, Dereference], Some(0x77));
        check(&[Cfa, Push(-4), Add], Some(0x1ffc));
        check(&[Push(0x1234), Push(16), Align], Some(0x1230));
        check(&[Push(3), Push(2), IsAtLeast, Push(3), ShiftLeft], Some(8));
        check(&[Cfa, esp()], Some(0x1000));
        check(&[Push(6), Push(3), And, Push(5), Multiply], Some(10));
    }

    #[test]
    fn what_cannot_be_computed_is_no_answer() {
        use CfiOperation::*;
        check(&[], None);
        check(&[Add], None);
        check(&[Push(1), Push(3), Align], None);
        check(&[Register(RegisterName("eax".to_owned()))], None);
        check(&[Push(0x5000), Dereference], None);
        let long: Vec<_> = std::iter::once(Push(0)).chain([Push(1), Add].into_iter().cycle().take(1000)).collect();
        check(&long, None);
    }
}
