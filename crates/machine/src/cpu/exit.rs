//! How an operation ends when the next one of its block must not simply follow.

use super::{Event, Exception};

/// The result of an operation: go on with the next one, or leave the block.
pub(crate) type Outcome<T = ()> = Result<T, Exit>;

/// Why a block is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// The instruction is complete and EIP is set.
    Jump,
    /// The instruction is complete and EIP is set; [`Trap`] says what follows.
    Complete,
    /// The instruction had no effect; [`Trap`] says why.
    Fault,
}

/// What follows an operation that left its block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trap {
    /// Nothing.
    None,
    /// An exception.
    Exception(Exception),
    /// `int n`, `int3` and `into`, with the address of the instruction.
    Interrupt { vector: u8, at: u32 },
    /// A write to bytes that were decoded: to be done again, alone.
    CodeWrite,
    /// A matter for the host.
    Event(Event),
    /// The instruction is not known; its name can be had from its bytes.
    Undefined,
}
