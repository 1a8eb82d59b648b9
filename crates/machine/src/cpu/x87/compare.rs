//! Comparisons and examination.

use super::load::Memory;
use super::{C0, C1, C2, C3};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::flags::{CF, Flags, PF, ZF};
use crate::cpu::float::{Class, Number};
use crate::cpu::op::Op;
use std::cmp::Ordering;

const fn conditions(order: Option<Ordering>) -> u16 {
    match order {
        Some(Ordering::Greater) => 0,
        Some(Ordering::Less) => C0,
        Some(Ordering::Equal) => C3,
        None => C0 | C2 | C3,
    }
}

/// EFLAGS of an order, as `fcomi`, `comiss` and their kin set them: OF, SF and AF are cleared.
pub(crate) const fn order_flags(order: Option<Ordering>) -> Flags {
    Flags::from_word(match order {
        Some(Ordering::Greater) => 0,
        Some(Ordering::Less) => CF,
        Some(Ordering::Equal) => ZF,
        None => CF | PF | ZF,
    })
}

impl Core {
    /// Compares ST(0) with a number, or with an empty register. `None`: the exception is not masked.
    fn x87_order(&mut self, other: Option<Number>, is_strict: bool) -> Option<Option<Ordering>> {
        let (false, Some(other)) = (self.fpu.is_empty(0), other) else {
            return self.fpu.stack_fault(false).then_some(None);
        };
        let mut env = self.fpu.env(false);
        let order = env.compare(&self.fpu.register(0).unpack(), &other, is_strict);
        self.fpu.note(&env).then_some(order)
    }

    fn x87_operand(&self, number: u8) -> Option<Number> {
        (!self.fpu.is_empty(number)).then(|| self.fpu.register(number).unpack())
    }

    fn x87_set_order(&mut self, order: Option<Option<Ordering>>, pops: u8) {
        // An unmasked exception sets the codes too, and pops nothing.
        self.fpu.set_conditions(conditions(order.flatten()));
        if order.is_some() {
            (0..pops).for_each(|_| self.fpu.pop());
        }
    }
}

/// `fcom`, `ficom` and with `POPS` 1 `fcomp`, `ficomp`.
pub(super) fn with_memory<T: Memory, const POPS: u8>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let other = T::load(core, at)?;
        let order = core.x87_order(Some(other), true);
        core.x87_set_order(order, POPS);
        Ok(())
    })
}

/// `fcom`, `fcomp`, `fcompp`; not strict, `fucom` and so on.
pub(super) fn with_register<const STRICT: bool, const POPS: u8>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    // `fcompp` has no operands, and means ST(1).
    let other = core.x87_operand(if POPS == 2 { 1 } else { op.b });
    let order = core.x87_order(other, STRICT);
    core.x87_set_order(order, POPS);
    Ok(())
}

/// `fcomi`, `fcomip`, `fucomi`, `fucomip`.
pub(super) fn to_eflags<const STRICT: bool, const POPS: u8>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    let other = core.x87_operand(op.b);
    let order = core.x87_order(other, STRICT);
    core.flags = order_flags(order.flatten());
    core.fpu.status &= !C1;
    if order.is_some() && POPS == 1 {
        core.fpu.pop();
    }
    Ok(())
}

pub(super) fn ftst(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    let order = core.x87_order(Some(Number::zero(false)), true);
    core.x87_set_order(order, 0);
    Ok(())
}

pub(super) fn fxam(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    let value = core.fpu.register(0);
    let number = value.unpack();
    let class = match number.class {
        _ if core.fpu.is_empty(0) => C3 | C0,
        Class::Unsupported => 0,
        Class::Nan => C0,
        Class::Infinite => C2 | C0,
        Class::Zero => C3,
        Class::Finite if number.is_denormal => C3 | C2,
        Class::Finite => C2,
    };
    core.fpu.set_conditions(class | if value.is_negative() { C1 } else { 0 });
    Ok(())
}
