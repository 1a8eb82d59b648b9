//! A decoded instruction: the functions that do it and its operands, in 32 bytes.

use super::core::{Core, NOTHING};
use super::exit::{Exit, Outcome};

/// Does an operation, whatever it takes.
pub(crate) type Handler = fn(&mut Core, &Op) -> Outcome;
/// Does an operation and those behind it, up to one that leaves the block; see `chain.rs`.
pub(crate) type Chain = fn(&mut Core, &Op, &[Op]) -> Exit;

/// An operation. Most instructions are one; an address that is not flat takes one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// How it is entered.
    pub chain: Chain,
    /// What does it when nothing quicker does.
    pub run: Handler,
    /// Immediate; for a jump the target, counted from the block; for a second number of any kind its high half.
    pub immediate: u32,
    pub displacement: u32,
    /// Number of the register that is the first operand.
    pub a: u8,
    /// Number of the register that is the second operand.
    pub b: u8,
    pub base: u8,
    pub index: u8,
    /// Bits 0 and 1: shift of the index. Bit 3: fused. Bits 4 to 7: whatever the handler wants besides.
    pub scale: u8,
    /// Bytes of the instruction.
    pub length: u8,
    /// Offset of the instruction in its block, and above it the number of instructions before it.
    pub place: u16,
}

/// Bit of [`Op::scale`]: two instructions in one operation.
const FUSED: u8 = 1 << 3;
/// Bits of an offset in a block.
const OFFSET_BITS: u32 = 10;

impl Op {
    /// An operation without operands.
    pub const fn new(run: Handler) -> Self {
        Self {
            chain: super::chain::plain,
            run,
            immediate: 0,
            displacement: 0,
            a: 0,
            b: 0,
            base: NOTHING,
            index: NOTHING,
            scale: 0,
            length: 0,
            place: 0,
        }
    }

    /// The same at another place: an offset below 2^10, behind fewer than 2^6 instructions.
    pub const fn placed(self, at: u16, number: u16) -> Self {
        Self { place: number << OFFSET_BITS | at & ((1 << OFFSET_BITS) - 1), ..self }
    }

    /// Makes this a comparison together with the conditional jump behind it.
    pub const fn fuse(&mut self, (chain, run): (Chain, Handler), jump: &Self) {
        self.chain = chain;
        self.run = run;
        self.length += jump.length;
        self.scale = self.scale & 3 | FUSED | jump.scale & 0xf0;
    }

    /// Instructions that this operation completes: two when it is a fused one.
    #[inline(always)]
    pub const fn completes(&self) -> u32 {
        1 + (self.scale & FUSED != 0) as u32
    }

    /// Offset of the instruction in its block.
    #[inline(always)]
    pub const fn at(&self) -> u32 {
        self.place as u32 & ((1 << OFFSET_BITS) - 1)
    }

    /// Number of instructions before it in its block.
    #[inline(always)]
    pub const fn number(&self) -> u32 {
        (self.place >> OFFSET_BITS) as u32
    }

    /// The handler's own four bits.
    pub const fn extra(&self) -> u8 {
        self.scale >> 4
    }
}
