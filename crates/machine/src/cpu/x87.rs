//! The x87: a stack of eight 80-bit registers, its exceptions, and the choice of a handler.
//!
//! Masked exceptions give the results of the manual. An unmasked invalid operation, denormal operand or division by
//! zero leaves registers as they are; every unmasked exception is raised by the next instruction that waits. Unmasked
//! overflow and underflow give the masked result, not the one with a biased exponent. The last opcode is not kept.

mod arithmetic;
mod bind;
mod compare;
mod control;
mod load;
mod transcendental;

use super::core::Core;
use super::exit::Outcome;
use super::float::{DENORMAL, EXTENDED, Env, F80, Format, INVALID, Number, Rounding, ZERO_DIVIDE};
use super::op::Op;
use super::registers::{CR0_EM, CR0_TS, Fpu};
use super::{DEVICE_NOT_AVAILABLE, Exception, X87_ERROR};
pub(crate) use bind::{bind, condition};
pub(crate) use compare::order_flags;

/// Status: the stack overflowed or underflowed, together with invalid operation.
const STACK: u16 = 1 << 6;
/// Status: an exception that is not masked waits; and the busy bit, which repeats it.
const SUMMARY: u16 = 1 << 7 | 1 << 15;
/// Condition codes of the status word.
const C0: u16 = 1 << 8;
const C1: u16 = 1 << 9;
const C2: u16 = 1 << 10;
const C3: u16 = 1 << 14;
/// Exceptions that stop an operation before it writes, unless masked.
const BEFORE: u16 = INVALID | DENORMAL | ZERO_DIVIDE;

impl Fpu {
    /// Number of the register that is ST(0).
    pub fn top(&self) -> u8 {
        (self.status >> 11 & 7) as u8
    }

    fn set_top(&mut self, top: u8) {
        self.status = self.status & !(7 << 11) | u16::from(top & 7) << 11;
    }

    fn place(&self, number: u8) -> usize {
        usize::from(self.top().wrapping_add(number) & 7)
    }

    /// ST(n), whatever it holds.
    fn register(&self, number: u8) -> F80 {
        self.st[self.place(number)]
    }

    fn is_empty(&self, number: u8) -> bool {
        self.empty >> self.place(number) & 1 != 0
    }

    fn set(&mut self, number: u8, value: F80) {
        let place = self.place(number);
        self.st[place] = value;
        self.empty &= !(1 << place);
    }

    fn pop(&mut self) {
        self.empty |= 1 << self.top();
        self.set_top(self.top().wrapping_add(1));
    }

    /// How to compute; precision control counts for sums, products, quotients and roots only.
    fn env(&self, has_precision_control: bool) -> Env {
        let precision = match self.control >> 8 & 3 {
            0 if has_precision_control => 24,
            2 if has_precision_control => 53,
            _ => 64,
        };
        let format = Format { precision, ..EXTENDED };
        Env { unmasked: !self.control & 0x3f, ..Env::new(format, Rounding::from_bits(u32::from(self.control) >> 10)) }
    }

    /// Notes exceptions; whether results may be written.
    fn note(&mut self, env: &Env) -> bool {
        self.status &= !C1;
        self.note_exceptions(env.raised);
        if env.went_up {
            self.status |= C1;
        }
        env.raised & BEFORE & !self.control == 0
    }

    fn note_exceptions(&mut self, raised: u16) {
        self.status |= raised;
        if self.status & !self.control & 0x3f != 0 {
            self.status |= SUMMARY;
        }
    }

    /// The stack is empty (`is_full` false) or full where it must not be; whether the masked response follows.
    fn stack_fault(&mut self, is_full: bool) -> bool {
        self.status &= !C1;
        self.note_exceptions(INVALID | STACK);
        if is_full {
            self.status |= C1;
        }
        self.control & INVALID != 0
    }

    /// Pushes. On a full stack, if masked, the indefinite NaN.
    fn push(&mut self, value: F80) {
        let is_full = !self.is_empty(7);
        if is_full && !self.stack_fault(true) {
            return;
        }
        self.set_top(self.top().wrapping_sub(1));
        self.set(0, if is_full { F80::INDEFINITE } else { value });
    }

    /// Clears condition codes and sets these.
    fn set_conditions(&mut self, conditions: u16) {
        self.status = self.status & !(C0 | C1 | C2 | C3) | conditions;
    }
}

impl Core {
    /// Every instruction but the control ones starts so: the unit must be there, and no exception wait.
    fn check_x87(&mut self) -> Outcome {
        self.begin_control()?;
        if self.fpu.status & SUMMARY != 0 {
            return self.raise(Exception::plain(X87_ERROR));
        }
        Ok(())
    }

    /// The same for one without an operand in memory, which cannot fault any more.
    fn begin_x87(&mut self, op: &Op) -> Outcome {
        self.check_x87()?;
        self.fpu.last_instruction = self.here(op);
        Ok(())
    }

    /// Control instructions do not wait for exceptions.
    fn begin_control(&mut self) -> Outcome {
        if self.control.cr0 & (CR0_EM | CR0_TS) != 0 {
            return self.raise(Exception::plain(DEVICE_NOT_AVAILABLE));
        }
        Ok(())
    }

    /// Replaces ST(0) by a function of it.
    fn x87_unary(&mut self, has_precision_control: bool, what: impl FnOnce(&mut Env, Number) -> Number) {
        if self.fpu.is_empty(0) {
            if self.fpu.stack_fault(false) {
                self.fpu.set(0, F80::INDEFINITE);
            }
            return;
        }
        let mut env = self.fpu.env(has_precision_control);
        let result = what(&mut env, self.fpu.register(0).unpack());
        if self.fpu.note(&env) {
            self.fpu.set(0, F80::pack(result));
        }
    }
}

/// A number from the host's double precision, for functions that are computed with it.
fn from_f64(value: f64) -> Number {
    super::float::F64(value.to_bits()).unpack()
}

/// The nearest double.
fn to_f64(number: Number) -> f64 {
    let mut env = Env::new(super::float::DOUBLE, Rounding::Nearest);
    f64::from_bits(super::float::F64::pack(env.convert(number)).0)
}
