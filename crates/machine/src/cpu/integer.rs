//! The integer unit: one file for each family of instructions, each with its binder from mnemonic to handler.

mod alu;
mod bits;
mod branch;
mod decimal;
mod exchange;
mod moves;
mod multiply;
mod quick;
mod shift;
mod stack;
mod string;

pub(crate) use branch::condition;
pub(crate) use quick::{fused, quick};
pub(crate) use string::PIECE;

use super::op::Handler;
use super::operand::Shape;
use iced_x86::Instruction;

/// The handler of an integer instruction.
pub(crate) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    alu::bind(instruction, shape)
        .or_else(|| moves::bind(instruction, shape))
        .or_else(|| branch::bind(instruction, shape))
        .or_else(|| stack::bind(instruction, shape))
        .or_else(|| shift::bind(instruction, shape))
        .or_else(|| multiply::bind(instruction, shape))
        .or_else(|| bits::bind(instruction, shape))
        .or_else(|| string::bind(instruction))
        .or_else(|| exchange::bind(instruction, shape))
        .or_else(|| decimal::bind(instruction))
}
