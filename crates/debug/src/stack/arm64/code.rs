//! Unwind codes of ARM64: what one instruction of a prologue did, to be undone.

use crate::stack::{
    register_file::{
        RegisterFile,
        arm64_number::{FP, LR, X19},
    },
    surroundings::Surroundings,
};
use vatlas_space::{PointerWidth, Va};

/// What an instruction of a prologue did. Offsets and sizes are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    /// Lowered the stack pointer.
    Alloc(u64),
    /// Stored `count` general registers, the first `first`, at an offset from the stack pointer.
    Save { first: usize, second: Option<usize>, offset: u64 },
    /// The same, lowering the stack pointer first: the registers lie at its bottom.
    SavePre { first: usize, second: Option<usize>, size: u64 },
    /// Stored floating-point registers at the bottom of newly reserved room of this size, zero for none.
    SaveFloat { size: u64 },
    /// Stored the pair behind the one of the next code, at 16 bytes above it.
    SaveNext,
    /// Set the frame pointer to the stack pointer plus an offset.
    SetFp(u64),
    /// Did nothing that is to be undone.
    Nop,
    /// Signed the return address.
    Sign,
    /// The processor's frame of an exception: stack pointer and instruction pointer.
    MachineFrame,
    /// A whole `CONTEXT`.
    Context,
    /// No instruction: the list goes on with the codes of the function's other part.
    EndOfChained,
}

pub(super) enum Undone {
    Next,
    /// The caller was interrupted: where, and where that was stored.
    Interrupted {
        pc: Va,
        place: Va,
    },
}

pub(super) enum Fault {
    /// A word of the stack cannot be read.
    Stack(Va),
    /// The codes make no sense.
    Data,
}

impl Code {
    /// Whether the code stands for an instruction of the prologue.
    pub fn is_instruction(self) -> bool {
        !matches!(self, Self::EndOfChained)
    }

    /// Undoes it; notes where `lr` was stored.
    pub fn undo(
        self,
        around: &Surroundings,
        registers: &mut RegisterFile,
        lr_place: &mut Option<Va>,
    ) -> Result<Undone, Fault> {
        let sp = registers.sp();
        match self {
            Self::Alloc(size) => registers.set_sp(above(sp, size)?),
            Self::Save { first, second, offset } => {
                load(around, registers, lr_place, (first, second), above(sp, offset)?)?;
            }
            Self::SavePre { first, second, size } => {
                load(around, registers, lr_place, (first, second), sp)?;
                registers.set_sp(above(sp, size)?);
            }
            Self::SaveFloat { size } => registers.set_sp(above(sp, size)?),
            Self::SetFp(offset) => {
                let fp = registers.get(FP).ok_or(Fault::Data)?;
                registers.set_sp(Va(fp).checked_sub(offset).ok_or(Fault::Data)?);
            }
            Self::MachineFrame => {
                let pc = read(around, above(sp, 8)?)?;
                let interrupted = read(around, sp)?;
                registers.set_sp(interrupted);
                return Ok(Undone::Interrupted { pc, place: above(sp, 8)? });
            }
            Self::Context => return context(around, registers),
            // A pair behind another was made a `Save` of its own when the codes were read.
            Self::SaveNext | Self::Nop | Self::Sign | Self::EndOfChained => {}
        }
        Ok(Undone::Next)
    }
}

/// `CONTEXT` of ARM64 (`winnt.h`): flags, Cpsr, X0 to X28, Fp, Lr, Sp, Pc.
fn context(around: &Surroundings, registers: &mut RegisterFile) -> Result<Undone, Fault> {
    let base = registers.sp();
    let field = |number: u64| above(base, 8 + number * 8);
    for number in 0..=LR {
        let value = read(around, field(number as u64)?)?;
        registers.set(number, Some(value.0));
    }
    registers.set_sp(read(around, field(31)?)?);
    let place = field(32)?;
    Ok(Undone::Interrupted { pc: read(around, place)?, place })
}

/// Loads one or two registers from adjoining words.
fn load(
    around: &Surroundings,
    registers: &mut RegisterFile,
    lr_place: &mut Option<Va>,
    (first, second): (usize, Option<usize>),
    at: Va,
) -> Result<(), Fault> {
    for (number, offset) in std::iter::once((first, 0)).chain(second.map(|second| (second, 8))) {
        if !(X19..=LR).contains(&number) {
            return Err(Fault::Data);
        }
        let place = above(at, offset)?;
        registers.set(number, Some(read(around, place)?.0));
        if number == LR {
            *lr_place = Some(place);
        }
    }
    Ok(())
}

fn above(va: Va, bytes: u64) -> Result<Va, Fault> {
    va.checked_add(bytes).ok_or(Fault::Data)
}

fn read(around: &Surroundings, va: Va) -> Result<Va, Fault> {
    around.pointer(va, PointerWidth::Bits64).ok_or(Fault::Stack(va))
}

/// Reads codes from bytes until the end of the function's codes, in the order of undoing; `None` for one that is not
/// known, and for bytes that end before the codes.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    let mut rest = bytes;
    while let Some((&first, _)) = rest.split_first() {
        let (length, code) = decode_one(first, rest)?;
        match code {
            None => return Some(link_next(codes)),
            Some(code) => codes.push(code),
        }
        rest = rest.get(length..)?;
    }
    None
}

/// Length in bytes and the code; no code at the end.
fn decode_one(first: u8, bytes: &[u8]) -> Option<(usize, Option<Code>)> {
    let second = || bytes.get(1).map(|second| u64::from(*second));
    // Ten bits over two bytes: a register number above six bits of an offset.
    let pair = |bits: u32| {
        let word = u64::from(first) << 8 | second()?;
        Some((usize::try_from(word >> 6 & ((1 << bits) - 1)).ok()?, word & 0x3f))
    };
    let register_pre = |bits: u32| {
        let word = u64::from(first) << 8 | second()?;
        Some((usize::try_from(word >> 5 & ((1 << bits) - 1)).ok()?, word & 0x1f))
    };
    let low = |mask: u8| u64::from(first & mask);
    let code = match first {
        0x00..=0x1f => (1, Code::Alloc(low(0x1f) * 16)),
        0x20..=0x3f => (1, Code::SavePre { first: X19, second: Some(X19 + 1), size: low(0x1f) * 8 }),
        0x40..=0x7f => (1, Code::Save { first: FP, second: Some(LR), offset: low(0x3f) * 8 }),
        0x80..=0xbf => (1, Code::SavePre { first: FP, second: Some(LR), size: (low(0x3f) + 1) * 8 }),
        0xc0..=0xc7 => (2, Code::Alloc((low(7) << 8 | second()?) * 16)),
        0xc8..=0xcb => {
            let (register, offset) = pair(4)?;
            (2, Code::Save { first: X19 + register, second: Some(X19 + register + 1), offset: offset * 8 })
        }
        0xcc..=0xcf => {
            let (register, offset) = pair(4)?;
            (2, Code::SavePre { first: X19 + register, second: Some(X19 + register + 1), size: (offset + 1) * 8 })
        }
        0xd0..=0xd3 => {
            let (register, offset) = pair(4)?;
            (2, Code::Save { first: X19 + register, second: None, offset: offset * 8 })
        }
        0xd4..=0xd5 => {
            let (register, offset) = register_pre(4)?;
            (2, Code::SavePre { first: X19 + register, second: None, size: (offset + 1) * 8 })
        }
        0xd6..=0xd7 => {
            let (register, offset) = pair(3)?;
            (2, Code::Save { first: X19 + 2 * register, second: Some(LR), offset: offset * 8 })
        }
        0xd8..=0xd9 | 0xdc..=0xdd => (2, second().map(|_| Code::SaveFloat { size: 0 })?),
        0xda..=0xdb => (2, Code::SaveFloat { size: (pair(3)?.1 + 1) * 8 }),
        0xde => (2, Code::SaveFloat { size: (register_pre(3)?.1 + 1) * 8 }),
        0xe0 => {
            let [_, high, middle, low] = *bytes.first_chunk()?;
            (4, Code::Alloc(u64::from(u32::from_be_bytes([0, high, middle, low])) * 16))
        }
        0xe1 => (1, Code::SetFp(0)),
        0xe2 => (2, Code::SetFp(second()? * 8)),
        0xe3 => (1, Code::Nop),
        0xe4 => return Some((1, None)),
        0xe5 => (1, Code::EndOfChained),
        0xe6 => (1, Code::SaveNext),
        0xe9 => (1, Code::MachineFrame),
        0xea => (1, Code::Context),
        0xec => (1, Code::Nop),
        0xfc => (1, Code::Sign),
        _ => return None,
    };
    Some((code.0, Some(code.1)))
}

/// Makes of each "next pair" the pair that it means: 16 bytes above the one before it in the prologue, which comes
/// later in the list.
fn link_next(mut codes: Vec<Code>) -> Vec<Code> {
    for index in (0..codes.len()).rev() {
        if codes[index] != Code::SaveNext {
            continue;
        }
        codes[index] = match codes.get(index + 1) {
            Some(Code::Save { first, second: Some(second), offset }) if *second != LR || *first == FP => {
                next_pair(*first, offset + 16)
            }
            Some(Code::SavePre { first, second: Some(_), .. }) => next_pair(*first, 16),
            _ => Code::SaveFloat { size: 0 },
        };
    }
    codes
}

fn next_pair(first: usize, offset: u64) -> Code {
    Code::Save { first: first + 2, second: Some(first + 3), offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<&[Code]>) {
        assert_eq!(decode(bytes).as_deref(), expected, "{bytes:02x?}");
    }

    #[test]
    fn codes_of_the_documentation() {
        check(&[0xe4], Some(&[]));
        check(&[0x02, 0xe4], Some(&[Code::Alloc(32)]));
        check(&[0xc1, 0x00, 0xe4], Some(&[Code::Alloc(4096)]));
        check(&[0xe0, 0x01, 0x00, 0x00, 0xe4], Some(&[Code::Alloc(0x10_0000)]));
        check(&[0x24, 0xe4], Some(&[Code::SavePre { first: 19, second: Some(20), size: 32 }]));
        check(&[0x42, 0xe4], Some(&[Code::Save { first: 29, second: Some(30), offset: 16 }]));
        check(&[0x83, 0xe4], Some(&[Code::SavePre { first: 29, second: Some(30), size: 32 }]));
        check(&[0xc8, 0xc2, 0xe4], Some(&[Code::Save { first: 22, second: Some(23), offset: 16 }]));
        check(&[0xcc, 0x83, 0xe4], Some(&[Code::SavePre { first: 21, second: Some(22), size: 32 }]));
        check(&[0xd0, 0x82, 0xe4], Some(&[Code::Save { first: 21, second: None, offset: 16 }]));
        check(&[0xd4, 0x43, 0xe4], Some(&[Code::SavePre { first: 21, second: None, size: 32 }]));
        check(&[0xd6, 0x42, 0xe4], Some(&[Code::Save { first: 21, second: Some(30), offset: 16 }]));
        check(&[0xda, 0x03, 0xde, 0x01, 0xe4], Some(&[Code::SaveFloat { size: 32 }, Code::SaveFloat { size: 16 }]));
        check(&[0xe1, 0xe2, 0x02, 0xfc, 0xe4], Some(&[Code::SetFp(0), Code::SetFp(16), Code::Sign]));
        let pair = |first, offset| Code::Save { first, second: Some(first + 1), offset };
        check(&[0xe6, 0xe6, 0xc8, 0x02, 0xe4], Some(&[pair(23, 48), pair(21, 32), pair(19, 16)]));
    }

    #[test]
    fn codes_that_make_no_sense() {
        check(&[], None);
        check(&[0x01], None);
        check(&[0xc8], None);
        check(&[0xe0, 0, 0], None);
        check(&[0xff, 0xe4], None);
    }
}
