//! Where an operand is: a register, memory, the instruction itself; and the choice of a handler by that.

use super::core::Core;
use super::exit::Outcome;
use super::op::Op;
use super::width::Width;
use iced_x86::{Instruction, OpKind};

/// An operand that can be read.
pub(crate) trait Source {
    /// Reads it.
    fn get<W: Width>(core: &mut Core, op: &Op) -> Outcome<W>;
    /// Reads it when that takes no call: a handler that then has nothing else to do saves no registers of the host.
    #[inline(always)]
    fn quick<W: Width>(core: &mut Core, op: &Op) -> Option<W> {
        Self::get(core, op).ok()
    }
}

/// An operand that can be written.
pub(crate) trait Place: Source {
    /// Writes it.
    fn set<W: Width>(core: &mut Core, op: &Op, value: W) -> Outcome;
    /// Writes it when that takes no call; whether it did.
    #[inline(always)]
    fn set_quick<W: Width>(core: &mut Core, op: &Op, value: W) -> bool {
        Self::set(core, op, value).is_ok()
    }
    /// Reads, changes and writes it when that takes no call; whether it did. Otherwise nothing was changed.
    fn update_quick<W: Width>(core: &mut Core, op: &Op, change: impl FnOnce(&mut Core, W) -> W) -> bool;
    /// Reads, changes, writes. `change` runs only when nothing can fail any more.
    fn update<W: Width, R>(core: &mut Core, op: &Op, change: impl FnOnce(&mut Core, W) -> (W, R)) -> Outcome<R>;
}

/// The register that is the first operand.
pub(crate) struct A;
/// The register that is the second operand.
pub(crate) struct B;
/// Memory.
pub(crate) struct M;
/// Memory whose address has no index.
pub(crate) struct N;
/// The immediate.
pub(crate) struct I;
/// CL, the count of shifts.
pub(crate) struct Cl;

impl Source for A {
    #[inline(always)]
    fn get<W: Width>(core: &mut Core, op: &Op) -> Outcome<W> {
        Ok(W::register(core, op.a))
    }
}

impl Place for A {
    #[inline(always)]
    fn set<W: Width>(core: &mut Core, op: &Op, value: W) -> Outcome {
        W::set_register(core, op.a, value);
        Ok(())
    }

    #[inline(always)]
    fn update_quick<W: Width>(core: &mut Core, op: &Op, change: impl FnOnce(&mut Core, W) -> W) -> bool {
        let old = W::register(core, op.a);
        let new = change(core, old);
        W::set_register(core, op.a, new);
        true
    }

    #[inline(always)]
    fn update<W: Width, R>(core: &mut Core, op: &Op, change: impl FnOnce(&mut Core, W) -> (W, R)) -> Outcome<R> {
        let old = W::register(core, op.a);
        let (new, result) = change(core, old);
        W::set_register(core, op.a, new);
        Ok(result)
    }
}

impl Source for B {
    #[inline(always)]
    fn get<W: Width>(core: &mut Core, op: &Op) -> Outcome<W> {
        Ok(W::register(core, op.b))
    }
}

macro_rules! memory {
    ($($name:ident: $address:ident;)*) => {$(
        impl Source for $name {
            #[inline(always)]
            fn get<W: Width>(core: &mut Core, op: &Op) -> Outcome<W> {
                core.read(core.$address(op))
            }

            #[inline(always)]
            fn quick<W: Width>(core: &mut Core, op: &Op) -> Option<W> {
                core.read_quick(core.$address(op))
            }
        }

        impl Place for $name {
            #[inline(always)]
            fn set<W: Width>(core: &mut Core, op: &Op, value: W) -> Outcome {
                core.write(core.$address(op), value)
            }

            #[inline(always)]
            fn set_quick<W: Width>(core: &mut Core, op: &Op, value: W) -> bool {
                core.write_quick(core.$address(op), value)
            }

            #[inline(always)]
            fn update_quick<W: Width>(core: &mut Core, op: &Op, change: impl FnOnce(&mut Core, W) -> W) -> bool {
                core.update_quick(core.$address(op), change)
            }

            #[inline(always)]
            fn update<W: Width, R>(
                core: &mut Core,
                op: &Op,
                change: impl FnOnce(&mut Core, W) -> (W, R),
            ) -> Outcome<R> {
                core.update(core.$address(op), change)
            }
        }
    )*};
}
memory! {
    M: address;
    N: near_address;
}

impl Source for I {
    #[inline(always)]
    fn get<W: Width>(_: &mut Core, op: &Op) -> Outcome<W> {
        Ok(W::cut(op.immediate))
    }
}

impl Source for Cl {
    #[inline(always)]
    fn get<W: Width>(core: &mut Core, _: &Op) -> Outcome<W> {
        Ok(W::cut(core.gpr[super::core::ECX]))
    }
}

/// What an operand of a decoded instruction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Register,
    Memory,
    Immediate,
    None,
}

/// Width in bits of the first operand, and what the first two operands are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub width: u32,
    pub first: Kind,
    pub second: Kind,
}

impl Shape {
    pub fn of(instruction: &Instruction) -> Self {
        Self { width: operand_bits(instruction, 0), first: kind(instruction, 0), second: kind(instruction, 1) }
    }
}

/// Width in bits of an operand that is a register or memory; 0 for others.
pub(crate) fn operand_bits(instruction: &Instruction, operand: u32) -> u32 {
    match kind(instruction, operand) {
        Kind::Register => instruction.op_register(operand).size() as u32 * 8,
        Kind::Memory => instruction.memory_size().size() as u32 * 8,
        Kind::Immediate | Kind::None => 0,
    }
}

pub(crate) fn kind(instruction: &Instruction, operand: u32) -> Kind {
    if operand >= instruction.op_count() {
        return Kind::None;
    }
    match instruction.op_kind(operand) {
        OpKind::Register => Kind::Register,
        OpKind::Memory => Kind::Memory,
        OpKind::Immediate8
        | OpKind::Immediate16
        | OpKind::Immediate32
        | OpKind::Immediate8to16
        | OpKind::Immediate8to32
        | OpKind::Immediate8_2nd => Kind::Immediate,
        _ => Kind::None,
    }
}

/// The handler `$f::<width, first operand, second operand, types>` for a shape with two operands.
macro_rules! by_two {
    ($shape:expr, $f:ident $(, $t:ty)*) => {{
        use $crate::cpu::operand::{A, B, I, Kind, M, Shape};
        let handler: Option<$crate::cpu::op::Handler> = match $shape {
            Shape { width: 8, first: Kind::Register, second: Kind::Register } => Some($f::<u8, A, B $(, $t)*>),
            Shape { width: 8, first: Kind::Register, second: Kind::Memory } => Some($f::<u8, A, M $(, $t)*>),
            Shape { width: 8, first: Kind::Register, second: Kind::Immediate } => Some($f::<u8, A, I $(, $t)*>),
            Shape { width: 8, first: Kind::Memory, second: Kind::Register } => Some($f::<u8, M, B $(, $t)*>),
            Shape { width: 8, first: Kind::Memory, second: Kind::Immediate } => Some($f::<u8, M, I $(, $t)*>),
            Shape { width: 16, first: Kind::Register, second: Kind::Register } => Some($f::<u16, A, B $(, $t)*>),
            Shape { width: 16, first: Kind::Register, second: Kind::Memory } => Some($f::<u16, A, M $(, $t)*>),
            Shape { width: 16, first: Kind::Register, second: Kind::Immediate } => Some($f::<u16, A, I $(, $t)*>),
            Shape { width: 16, first: Kind::Memory, second: Kind::Register } => Some($f::<u16, M, B $(, $t)*>),
            Shape { width: 16, first: Kind::Memory, second: Kind::Immediate } => Some($f::<u16, M, I $(, $t)*>),
            Shape { width: 32, first: Kind::Register, second: Kind::Register } => Some($f::<u32, A, B $(, $t)*>),
            Shape { width: 32, first: Kind::Register, second: Kind::Memory } => Some($f::<u32, A, M $(, $t)*>),
            Shape { width: 32, first: Kind::Register, second: Kind::Immediate } => Some($f::<u32, A, I $(, $t)*>),
            Shape { width: 32, first: Kind::Memory, second: Kind::Register } => Some($f::<u32, M, B $(, $t)*>),
            Shape { width: 32, first: Kind::Memory, second: Kind::Immediate } => Some($f::<u32, M, I $(, $t)*>),
            _ => None,
        };
        handler
    }};
}

/// The handler `$f::<width, operand, types>` for a shape by its first operand.
macro_rules! by_one {
    ($shape:expr, $f:ident $(, $t:ty)*) => {{
        use $crate::cpu::operand::{A, Kind, M, Shape};
        let handler: Option<$crate::cpu::op::Handler> = match $shape {
            Shape { width: 8, first: Kind::Register, .. } => Some($f::<u8, A $(, $t)*>),
            Shape { width: 8, first: Kind::Memory, .. } => Some($f::<u8, M $(, $t)*>),
            Shape { width: 16, first: Kind::Register, .. } => Some($f::<u16, A $(, $t)*>),
            Shape { width: 16, first: Kind::Memory, .. } => Some($f::<u16, M $(, $t)*>),
            Shape { width: 32, first: Kind::Register, .. } => Some($f::<u32, A $(, $t)*>),
            Shape { width: 32, first: Kind::Memory, .. } => Some($f::<u32, M $(, $t)*>),
            _ => None,
        };
        handler
    }};
}

/// The handler `$f::<source>` by whether operand `$kind` is memory or the register `$register`.
macro_rules! by_source {
    ($kind:expr, $register:ident, $f:ident $(, $t:ty)*) => {{
        let handler: Option<$crate::cpu::op::Handler> = match $kind {
            $crate::cpu::operand::Kind::Register => Some($f::<$crate::cpu::operand::$register $(, $t)*>),
            $crate::cpu::operand::Kind::Memory => Some($f::<$crate::cpu::operand::M $(, $t)*>),
            _ => None,
        };
        handler
    }};
}

pub(crate) use {by_one, by_source, by_two};
