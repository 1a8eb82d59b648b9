//! The forms of instructions that compilers emit most, each with a handler of its own that goes straight on to the next
//! operation. It does its work when registers and known translations are enough for it; otherwise nothing has happened
//! yet, and the general handler takes over.

use super::alu::{self, Add, And, Operation, Or, Sub, Xor};
use super::branch::condition;
use super::shift::{Sar, Shift, Shl, Shr};
use crate::cpu::chain::{go_on, jump, plain};
use crate::cpu::core::{Core, EAX, EBP, EDX, ESP, NOTHING};
use crate::cpu::exit::Exit;
use crate::cpu::op::{Chain, Handler, Op};
use crate::cpu::operand::{A, B, I, Kind, M, N, Place, Shape, Source, operand_bits};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

fn mov<W: Width, D: Place, S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    match S::quick::<W>(core, op) {
        Some(value) if D::set_quick(core, op, value) => go_on(core, op, rest),
        _ => plain(core, op, rest),
    }
}

fn movzx<F: Width, S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let Some(value) = S::quick::<F>(core, op) else { return plain(core, op, rest) };
    u32::set_register(core, op.a, value.wide());
    go_on(core, op, rest)
}

fn movsx<F: Width, S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let Some(value) = S::quick::<F>(core, op) else { return plain(core, op, rest) };
    u32::set_register(core, op.a, value.signed() as u32);
    go_on(core, op, rest)
}

fn lea(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    u32::set_register(core, op.a, core.address(op));
    go_on(core, op, rest)
}

fn lea_near(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    u32::set_register(core, op.a, core.near_address(op));
    go_on(core, op, rest)
}

fn compute<W: Width, D: Place, S: Source, O: Operation>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let Some(b) = S::quick::<W>(core, op) else { return plain(core, op, rest) };
    let change = |core: &mut Core, a: W| {
        let (result, flags) = O::apply(a, b, core.flags.carry());
        core.flags = flags;
        result
    };
    if D::update_quick(core, op, change) { go_on(core, op, rest) } else { plain(core, op, rest) }
}

fn compare<W: Width, D: Place, S: Source, O: Operation>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let (Some(b), Some(a)) = (S::quick::<W>(core, op), D::quick::<W>(core, op)) else { return plain(core, op, rest) };
    core.flags = O::apply(a, b, false).1;
    go_on(core, op, rest)
}

/// `inc` and `dec`: CF stays.
fn step<D: Place, O: Operation>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let change = |core: &mut Core, a: u32| {
        let carry = core.flags.carry();
        let (result, flags) = O::apply(a, 1, false);
        core.flags = flags.with_carry(carry);
        result
    };
    if D::update_quick(core, op, change) { go_on(core, op, rest) } else { plain(core, op, rest) }
}

fn shift<S: Shift>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    // The binder saw that the count is 1 to 31.
    let (result, flags) = S::apply(u32::register(core, op.a), op.immediate & 31, core.flags);
    core.flags = flags;
    u32::set_register(core, op.a, result);
    go_on(core, op, rest)
}

fn cdq(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    core.gpr[EDX] = (core.gpr[EAX] as i32 >> 31) as u32;
    go_on(core, op, rest)
}

fn nothing(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    go_on(core, op, rest)
}

fn push<S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let top = core.gpr[ESP].wrapping_sub(4);
    match S::quick::<u32>(core, op) {
        Some(value) if core.write_quick(top, value) => {
            core.gpr[ESP] = top;
            go_on(core, op, rest)
        }
        _ => plain(core, op, rest),
    }
}

fn pop(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let top = core.gpr[ESP];
    let Some(value) = core.read_quick::<u32>(top) else { return plain(core, op, rest) };
    core.gpr[ESP] = top.wrapping_add(4);
    u32::set_register(core, op.a, value);
    go_on(core, op, rest)
}

fn leave(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let frame = core.gpr[EBP];
    let Some(outer) = core.read_quick(frame) else { return plain(core, op, rest) };
    core.gpr[EBP] = outer;
    core.gpr[ESP] = frame.wrapping_add(4);
    go_on(core, op, rest)
}

fn jcc<const CONDITION: u8>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    if core.flags.holds(CONDITION) {
        let eip = core.target(op);
        return jump(core, op, eip);
    }
    go_on(core, op, rest)
}

fn compare_and_jump<W: Width, D: Place, S: Source, O: Operation, const IMMEDIATE: bool, const CONDITION: u8>(
    core: &mut Core,
    op: &Op,
    rest: &[Op],
) -> Exit {
    let (Some(b), Some(a)) = (S::quick::<W>(core, op), D::quick::<W>(core, op)) else { return plain(core, op, rest) };
    core.flags = O::apply(a, b, false).1;
    if core.flags.holds(CONDITION) {
        let offset = if IMMEDIATE { op.displacement } else { op.immediate };
        let eip = core.block.wrapping_add(offset);
        return jump(core, op, eip);
    }
    go_on(core, op, rest)
}

fn jmp(core: &mut Core, op: &Op, _: &[Op]) -> Exit {
    let eip = core.target(op);
    jump(core, op, eip)
}

fn jmp_to<S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    match S::quick::<u32>(core, op) {
        Some(eip) => jump(core, op, eip),
        None => plain(core, op, rest),
    }
}

fn call(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let top = core.gpr[ESP].wrapping_sub(4);
    if !core.write_quick(top, core.after(op)) {
        return plain(core, op, rest);
    }
    core.gpr[ESP] = top;
    let eip = core.target(op);
    jump(core, op, eip)
}

fn call_to<S: Source>(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let top = core.gpr[ESP].wrapping_sub(4);
    match S::quick::<u32>(core, op) {
        Some(eip) if core.write_quick(top, core.after(op)) => {
            core.gpr[ESP] = top;
            jump(core, op, eip)
        }
        _ => plain(core, op, rest),
    }
}

fn ret(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    let top = core.gpr[ESP];
    let Some(eip) = core.read_quick(top) else { return plain(core, op, rest) };
    core.gpr[ESP] = top.wrapping_add(4).wrapping_add(op.immediate);
    jump(core, op, eip)
}

/// `$f::<width, first, second, types>` of 32 and 8 bits; memory without an index is a kind of its own.
macro_rules! by_two {
    ($kinds:expr, $f:ident $(, $t:ty)*) => {
        match $kinds {
            (32, Register, Register) => $f::<u32, A, B $(, $t)*> as Chain,
            (32, Register, Near) => $f::<u32, A, N $(, $t)*>,
            (32, Register, Far) => $f::<u32, A, M $(, $t)*>,
            (32, Register, Immediate) => $f::<u32, A, I $(, $t)*>,
            (32, Near, Register) => $f::<u32, N, B $(, $t)*>,
            (32, Near, Immediate) => $f::<u32, N, I $(, $t)*>,
            (32, Far, Register) => $f::<u32, M, B $(, $t)*>,
            (32, Far, Immediate) => $f::<u32, M, I $(, $t)*>,
            (8, Register, Register) => $f::<u8, A, B $(, $t)*>,
            (8, Register, Near) => $f::<u8, A, N $(, $t)*>,
            (8, Register, Far) => $f::<u8, A, M $(, $t)*>,
            (8, Register, Immediate) => $f::<u8, A, I $(, $t)*>,
            (8, Near, Register) => $f::<u8, N, B $(, $t)*>,
            (8, Near, Immediate) => $f::<u8, N, I $(, $t)*>,
            (8, Far, Register) => $f::<u8, M, B $(, $t)*>,
            (8, Far, Immediate) => $f::<u8, M, I $(, $t)*>,
            _ => return None,
        }
    };
}

/// `$f::<operand, types>` of 32 bits.
macro_rules! by_one {
    ($kind:expr, $f:ident $(, $t:ty)*) => {
        match $kind {
            Register => $f::<A $(, $t)*> as Chain,
            Near => $f::<N $(, $t)*>,
            Far => $f::<M $(, $t)*>,
            _ => return None,
        }
    };
}
/// `$f::<from, source>` of an extension to 32 bits.
macro_rules! by_extension {
    ($kinds:expr, $f:ident) => {
        match $kinds {
            (8, Register) => $f::<u8, B> as Chain,
            (8, Near) => $f::<u8, N>,
            (8, Far) => $f::<u8, M>,
            (16, Register) => $f::<u16, B>,
            (16, Near) => $f::<u16, N>,
            (16, Far) => $f::<u16, M>,
            _ => return None,
        }
    };
}

/// An operand as quick handlers tell them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Register,
    /// Memory without an index.
    Near,
    /// Memory with an index.
    Far,
    Immediate,
    None,
}
use Form::{Far, Immediate, Near, Register};

fn form(kind: Kind, op: &Op) -> Form {
    match kind {
        Kind::Register => Register,
        Kind::Memory if op.index == NOTHING => Near,
        Kind::Memory => Far,
        Kind::Immediate => Immediate,
        Kind::None => Form::None,
    }
}

type Forms = (u32, Form, Form);

fn bind_arithmetic(mnemonic: Mnemonic, forms: Forms) -> Option<Chain> {
    Some(match mnemonic {
        Mnemonic::Add => by_two!(forms, compute, Add),
        Mnemonic::Sub => by_two!(forms, compute, Sub),
        Mnemonic::And => by_two!(forms, compute, And),
        Mnemonic::Or => by_two!(forms, compute, Or),
        Mnemonic::Xor => by_two!(forms, compute, Xor),
        Mnemonic::Cmp => by_two!(forms, compare, Sub),
        Mnemonic::Test => by_two!(forms, compare, And),
        _ => return None,
    })
}

fn bind_stack_and_branch(instruction: &Instruction, first: Form) -> Option<Chain> {
    let moves_by_4 = instruction.stack_pointer_increment().unsigned_abs() == 4;
    Some(match instruction.mnemonic() {
        Mnemonic::Push if moves_by_4 && first == Immediate => push::<I>,
        Mnemonic::Push if moves_by_4 && instruction.op0_register().is_segment_register() => return None,
        Mnemonic::Push if moves_by_4 => by_one!(first, push),
        Mnemonic::Pop if moves_by_4 && first == Register => pop,
        Mnemonic::Leave if moves_by_4 => leave,
        Mnemonic::Jmp if instruction.is_jmp_short_or_near() => jmp,
        Mnemonic::Jmp if instruction.is_jmp_near_indirect() => by_one!(first, jmp_to),
        Mnemonic::Call if instruction.is_call_near() => call,
        Mnemonic::Call if instruction.is_call_near_indirect() => by_one!(first, call_to),
        Mnemonic::Ret => ret,
        _ => return None,
    })
}

/// The quick handler of an instruction that [`super::bind`] has a general one for.
pub(crate) fn quick(instruction: &Instruction, shape: Shape, op: &Op) -> Option<Chain> {
    let (first, second) = (form(shape.first, op), form(shape.second, op));
    let forms = (shape.width, first, second);
    let mnemonic = instruction.mnemonic();
    let is_shift = forms == (32, Register, Immediate) && op.immediate & 31 != 0;
    Some(match mnemonic {
        Mnemonic::Mov => by_two!(forms, mov),
        Mnemonic::Movzx if shape.width == 32 => by_extension!((operand_bits(instruction, 1), second), movzx),
        Mnemonic::Movsx if shape.width == 32 => by_extension!((operand_bits(instruction, 1), second), movsx),
        Mnemonic::Lea if shape.width == 32 && second == Near => lea_near,
        Mnemonic::Lea if shape.width == 32 => lea,
        Mnemonic::Inc if shape.width == 32 => by_one!(first, step, Add),
        Mnemonic::Dec if shape.width == 32 => by_one!(first, step, Sub),
        Mnemonic::Shl | Mnemonic::Sal if is_shift => shift::<Shl>,
        Mnemonic::Shr if is_shift => shift::<Shr>,
        Mnemonic::Sar if is_shift => shift::<Sar>,
        Mnemonic::Cdq => cdq,
        Mnemonic::Nop => nothing,
        _ if instruction.is_jcc_short_or_near() => JCC[usize::from(condition(instruction.condition_code()))],
        _ => return bind_arithmetic(mnemonic, forms).or_else(|| bind_stack_and_branch(instruction, first)),
    })
}

/// By condition, 0 to 15.
const JCC: [Chain; 16] = [
    jcc::<0>, jcc::<1>, jcc::<2>, jcc::<3>, jcc::<4>, jcc::<5>, jcc::<6>, jcc::<7>, jcc::<8>, jcc::<9>, jcc::<10>,
    jcc::<11>, jcc::<12>, jcc::<13>, jcc::<14>, jcc::<15>,
];

/// By condition, 0 to 15, a comparison together with the jump behind it.
fn by_condition<W: Width, D: Place, S: Source, O: Operation, const IMMEDIATE: bool>(condition: u8) -> Fused {
    let chains: [Chain; 16] = [
        compare_and_jump::<W, D, S, O, IMMEDIATE, 0>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 1>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 2>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 3>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 4>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 5>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 6>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 7>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 8>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 9>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 10>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 11>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 12>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 13>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 14>,
        compare_and_jump::<W, D, S, O, IMMEDIATE, 15>,
    ];
    let run = alu::compare_and_jump::<W, D, S, O, IMMEDIATE>;
    Fused { chain: chains[usize::from(condition & 15)], run, has_target_in_displacement: IMMEDIATE }
}

/// What a comparison becomes together with a jump.
pub(crate) struct Fused {
    pub chain: Chain,
    pub run: Handler,
    /// Where the target goes: where the comparison has no number of its own.
    pub has_target_in_displacement: bool,
}

/// The handlers of a comparison that becomes one with a jump, for the forms that compilers emit most.
pub(crate) fn fused(mnemonic: Mnemonic, shape: Shape, comparison: &Op, condition: u8) -> Option<Fused> {
    let (first, second) = (form(shape.first, comparison), form(shape.second, comparison));
    Some(match (mnemonic, shape.width, first, second) {
        (Mnemonic::Cmp, 32, Register, Register) => by_condition::<u32, A, B, Sub, false>(condition),
        (Mnemonic::Cmp, 32, Register, Immediate) => by_condition::<u32, A, I, Sub, true>(condition),
        (Mnemonic::Cmp, 32, Register, Near) => by_condition::<u32, A, N, Sub, false>(condition),
        (Mnemonic::Cmp, 32, Register, Far) => by_condition::<u32, A, M, Sub, false>(condition),
        (Mnemonic::Cmp, 32, Near, Register) => by_condition::<u32, N, B, Sub, false>(condition),
        (Mnemonic::Cmp, 32, Far, Register) => by_condition::<u32, M, B, Sub, false>(condition),
        (Mnemonic::Cmp, 8, Register, Immediate) => by_condition::<u8, A, I, Sub, true>(condition),
        (Mnemonic::Cmp, 8, Register, Register) => by_condition::<u8, A, B, Sub, false>(condition),
        (Mnemonic::Test, 32, Register, Register) => by_condition::<u32, A, B, And, false>(condition),
        (Mnemonic::Test, 8, Register, Register) => by_condition::<u8, A, B, And, false>(condition),
        (Mnemonic::Test, 8, Register, Immediate) => by_condition::<u8, A, I, And, true>(condition),
        _ => return None,
    })
}
