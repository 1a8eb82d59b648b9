//! From the mnemonics of the kernel's instructions to their handlers.

use super::tables::{lmsw, load_selector, load_table, smsw, store_selector, store_table};
use super::*;
use crate::cpu::op::Handler;
use crate::cpu::operand::{A, Kind, M, Shape, by_source};
use iced_x86::{Code, Instruction, Mnemonic, Register};

fn is_segment(register: Register) -> bool {
    register.is_segment_register()
}

/// Moves from and to segment, control and debug registers.
fn bind_mov(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let (to, from) = (instruction.op0_register(), instruction.op1_register());
    let has = |register: Register, kind: Kind| kind == Kind::Register && register != Register::None;
    let (to, from) = (
        if has(to, shape.first) { to } else { Register::None },
        if has(from, shape.second) { from } else { Register::None },
    );
    Some(match () {
        () if is_segment(to) => return by_source!(shape.second, B, mov_to_segment),
        () if is_segment(from) => match (shape.first, shape.width) {
            (Kind::Register, 32) => mov_from_segment::<A, u32>,
            (Kind::Register, _) => mov_from_segment::<A, u16>,
            _ => mov_from_segment::<M, u16>,
        },
        () if to.is_cr() => mov_to_control,
        () if from.is_cr() => mov_from_control,
        () if to.is_dr() => mov_to_debug,
        () if from.is_dr() => mov_from_debug,
        () => return None,
    })
}

fn bind_tables(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let selector = |register32: Handler, register16: Handler, memory: Handler| match (shape.first, shape.width) {
        (Kind::Register, 32) => register32,
        (Kind::Register, _) => register16,
        _ => memory,
    };
    Some(match instruction.mnemonic() {
        Mnemonic::Sgdt => store_table::<0>,
        Mnemonic::Sidt => store_table::<1>,
        Mnemonic::Lgdt => load_table::<0>,
        Mnemonic::Lidt => load_table::<1>,
        Mnemonic::Str => {
            selector(store_selector::<A, u32, 0>, store_selector::<A, u16, 0>, store_selector::<M, u16, 0>)
        }
        Mnemonic::Sldt => {
            selector(store_selector::<A, u32, 1>, store_selector::<A, u16, 1>, store_selector::<M, u16, 1>)
        }
        Mnemonic::Smsw => selector(smsw::<A, u32>, smsw::<A, u16>, smsw::<M, u16>),
        Mnemonic::Ltr => selector(load_selector::<A, 0>, load_selector::<A, 0>, load_selector::<M, 0>),
        Mnemonic::Lldt => selector(load_selector::<A, 1>, load_selector::<A, 1>, load_selector::<M, 1>),
        Mnemonic::Lmsw => selector(lmsw::<A>, lmsw::<A>, lmsw::<M>),
        _ => return None,
    })
}

/// The handler of an instruction of the kernel.
pub(crate) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Mov => return bind_mov(instruction, shape),
        Mnemonic::Pop if shape.first == Kind::Register && is_segment(instruction.op0_register()) => {
            return (instruction.stack_pointer_increment() == 4).then_some(pop_segment);
        }
        Mnemonic::Int | Mnemonic::Int3 => int,
        Mnemonic::Into => into,
        Mnemonic::Iretd => iretd,
        Mnemonic::Bound if shape.width == 32 => bound,
        Mnemonic::Ud2 => ud2,
        Mnemonic::Sysenter => sysenter,
        Mnemonic::Sysexit if instruction.code() == Code::Sysexitd => sysexit,
        Mnemonic::Vmcall => vmcall,
        Mnemonic::Hlt => hlt,
        Mnemonic::Cli => cli,
        Mnemonic::Sti => sti,
        Mnemonic::In => input,
        Mnemonic::Out => output,
        Mnemonic::Rdtsc => rdtsc,
        Mnemonic::Rdmsr => rdmsr,
        Mnemonic::Wrmsr => wrmsr,
        Mnemonic::Clts => clts,
        Mnemonic::Invlpg => invlpg,
        Mnemonic::Wbinvd | Mnemonic::Invd => write_back_caches,
        Mnemonic::Cpuid => cpuid::cpuid,
        _ => return bind_tables(instruction, shape),
    })
}
