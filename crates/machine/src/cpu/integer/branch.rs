//! Jumps, calls, returns and loops inside the code segment.

use crate::cpu::core::{Core, ECX, ESP};
use crate::cpu::exit::{Exit, Outcome};
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{Kind, Shape, Source, by_source};
use crate::cpu::width::Width;
use iced_x86::{Code, ConditionCode, Instruction, Mnemonic, OpKind};

impl Core {
    /// The instruction is complete; execution goes on at `eip`.
    #[inline(always)]
    pub(super) fn jump(&mut self, eip: u32) -> Outcome {
        self.eip = eip;
        Err(Exit::Jump)
    }

    /// Linear address of the target of a direct jump.
    #[inline(always)]
    pub(super) fn target(&self, op: &Op) -> u32 {
        self.block.wrapping_add(op.immediate)
    }

    #[inline(always)]
    fn jump_if(&mut self, op: &Op, holds: bool) -> Outcome {
        let eip = if holds { self.target(op) } else { self.after(op) };
        self.jump(eip)
    }
}

/// Leaves the block only when it is taken.
fn jcc(core: &mut Core, op: &Op) -> Outcome {
    if core.flags.holds(op.extra()) {
        let eip = core.target(op);
        return core.jump(eip);
    }
    Ok(())
}

/// The number of a condition as instructions encode it.
pub(crate) const fn condition(code: ConditionCode) -> u8 {
    match code {
        ConditionCode::o => 0,
        ConditionCode::no => 1,
        ConditionCode::b => 2,
        ConditionCode::ae => 3,
        ConditionCode::e => 4,
        ConditionCode::ne => 5,
        ConditionCode::be => 6,
        ConditionCode::a => 7,
        ConditionCode::s => 8,
        ConditionCode::ns => 9,
        ConditionCode::p => 10,
        ConditionCode::np => 11,
        ConditionCode::l => 12,
        ConditionCode::ge => 13,
        ConditionCode::le => 14,
        _ => 15,
    }
}

fn jmp(core: &mut Core, op: &Op) -> Outcome {
    let eip = core.target(op);
    core.jump(eip)
}

fn jmp_to<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let eip = S::get::<u32>(core, op)?;
    core.jump(eip)
}

fn call(core: &mut Core, op: &Op) -> Outcome {
    let back = core.after(op);
    core.push(back)?;
    let eip = core.target(op);
    core.note_call(back, eip);
    core.jump(eip)
}

fn call_to<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let eip = S::get::<u32>(core, op)?;
    let back = core.after(op);
    core.push(back)?;
    core.note_call(back, eip);
    core.jump(eip)
}

fn ret(core: &mut Core, op: &Op) -> Outcome {
    let at = core.gpr[ESP];
    let eip = core.pop()?;
    core.gpr[ESP] = core.gpr[ESP].wrapping_add(op.immediate);
    core.note_return(at);
    core.jump(eip)
}

fn jecxz(core: &mut Core, op: &Op) -> Outcome {
    let holds = core.gpr[ECX] == 0;
    core.jump_if(op, holds)
}

fn jcxz(core: &mut Core, op: &Op) -> Outcome {
    let holds = u16::register(core, 1) == 0;
    core.jump_if(op, holds)
}

/// `loop`, and with the condition `e` or `ne` in the handler's bits: 0 none, 1 `loope`, 2 `loopne`.
fn loop_while(core: &mut Core, op: &Op) -> Outcome {
    core.gpr[ECX] = core.gpr[ECX].wrapping_sub(1);
    let wanted = match op.extra() {
        0 => true,
        1 => core.flags.zero(),
        _ => !core.flags.zero(),
    };
    let holds = core.gpr[ECX] != 0 && wanted;
    core.jump_if(op, holds)
}

/// Whether a jump, call or return has 32-bit operands and addresses, as all 32-bit code does.
fn is_wide(instruction: &Instruction, shape: Shape) -> bool {
    let is_near16 = instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch16;
    let is_ret16 = matches!(instruction.code(), Code::Retnw | Code::Retnw_imm16);
    !is_near16 && !is_ret16 && shape.width != 16
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    if instruction.is_jcc_short_or_near() {
        return is_wide(instruction, shape).then_some(jcc);
    }
    let handler: Option<Handler> = match instruction.mnemonic() {
        Mnemonic::Jmp if instruction.is_jmp_short_or_near() => Some(jmp),
        Mnemonic::Jmp if instruction.is_jmp_near_indirect() => by_source!(shape.first, A, jmp_to),
        Mnemonic::Call if instruction.is_call_near() => Some(call),
        Mnemonic::Call if instruction.is_call_near_indirect() => by_source!(shape.first, A, call_to),
        Mnemonic::Ret if shape.first == Kind::None || shape.first == Kind::Immediate => Some(ret),
        Mnemonic::Jecxz => Some(jecxz),
        Mnemonic::Jcxz => Some(jcxz),
        Mnemonic::Loop if instruction.code() == Code::Loop_rel8_32_ECX => Some(loop_while),
        Mnemonic::Loope if instruction.code() == Code::Loope_rel8_32_ECX => Some(loop_while),
        Mnemonic::Loopne if instruction.code() == Code::Loopne_rel8_32_ECX => Some(loop_while),
        _ => None,
    };
    handler.filter(|_| is_wide(instruction, shape))
}
