//! Unwind codes of Windows on ARM: what one instruction of a prologue did, to be undone.

use crate::stack::{
    register_file::{RegisterFile, arm_number::LR},
    surroundings::Surroundings,
};
use vatlas_space::{PointerWidth, Va};

/// What an instruction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    /// Lowered the stack pointer by so many bytes.
    Alloc(u32),
    /// Pushed the registers of a mask, bit 14 for `lr`; below them so many bytes of others.
    Push { below: u32, mask: u16 },
    /// Pushed `lr` at the bottom of so many bytes.
    PushLr(u32),
    /// Set a register to the stack pointer.
    CopySp(usize),
    /// Did nothing that is to be undone.
    Nop,
}

/// An instruction and its length in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Instruction {
    pub code: Code,
    pub size: u32,
}

/// Codes of a prologue or an epilogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Codes {
    /// In the order of undoing.
    pub instructions: Vec<Instruction>,
    /// Bytes of the epilogue's last instruction, where that is not one of the others.
    pub last: u32,
}

pub(super) enum Fault {
    /// A word of the stack cannot be read.
    Stack(Va),
    /// The codes make no sense.
    Data,
}

impl Instruction {
    /// Undoes it; notes where `lr` was stored.
    pub fn undo(
        self,
        around: &Surroundings,
        registers: &mut RegisterFile,
        lr_place: &mut Option<Va>,
    ) -> Result<(), Fault> {
        match self.code {
            Code::Alloc(size) => raise(registers, size),
            Code::CopySp(number) => {
                registers.set_sp(Va(registers.get(number).ok_or(Fault::Data)?));
                Ok(())
            }
            Code::PushLr(size) => {
                load(around, registers, LR, lr_place)?;
                raise(registers, size)
            }
            Code::Push { below, mask } => {
                raise(registers, below)?;
                for number in (0..=LR).filter(|number| mask >> number & 1 == 1) {
                    load(around, registers, number, lr_place)?;
                    raise(registers, 4)?;
                }
                Ok(())
            }
            Code::Nop => Ok(()),
        }
    }
}

fn raise(registers: &mut RegisterFile, bytes: u32) -> Result<(), Fault> {
    let sp = registers.sp().checked_add(bytes.into()).ok_or(Fault::Data)?;
    registers.set_sp(sp);
    Ok(())
}

/// Loads a register from the top of the stack.
fn load(
    around: &Surroundings,
    registers: &mut RegisterFile,
    number: usize,
    lr_place: &mut Option<Va>,
) -> Result<(), Fault> {
    let place = registers.sp();
    let value = around.pointer(place, PointerWidth::Bits32).ok_or(Fault::Stack(place))?;
    registers.set(number, Some(value.0));
    if number == LR {
        *lr_place = Some(place);
    }
    Ok(())
}

/// Reads codes until the end of a prologue's or an epilogue's; `None` for one that is not known, and for bytes that end
/// before the codes.
pub(super) fn decode(bytes: &[u8]) -> Option<Codes> {
    let mut codes = Codes { instructions: Vec::new(), last: 0 };
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let length = match first {
            0xfd..=0xff => {
                codes.last = [2, 4, 0][usize::from(first - 0xfd)];
                return Some(codes);
            }
            _ => {
                let (length, code, size) = decode_one(first, rest)?;
                codes.instructions.push(Instruction { code, size });
                length
            }
        };
        rest = rest.get(length..)?;
    }
    None
}

/// Bytes of the code, what it says, bytes of the instruction.
fn decode_one(first: u8, bytes: &[u8]) -> Option<(usize, Code, u32)> {
    let second = || bytes.get(1).map(|second| u32::from(*second));
    let low = u32::from(first);
    let word =
        |count: usize| bytes.get(1..count).map(|bytes| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    // r4 up to a register, and `lr` by bit 2.
    let run = |last: u32| {
        let mask = ((1_u16 << (last + 1)) - 1) & !0xf;
        Code::Push { below: 0, mask: mask | if first & 4 != 0 { 1 << LR } else { 0 } }
    };
    let floats = |first: u32, last: u32| last.checked_sub(first).map(|count| Code::Alloc((count + 1) * 8));
    Some(match first {
        0x00..=0x7f => (1, Code::Alloc((low & 0x7f) * 4), 2),
        0x80..=0xbf => {
            let mask = (low << 8 | second()?) as u16;
            let lr = if mask & 0x2000 != 0 { 1 << LR } else { 0 };
            (2, Code::Push { below: 0, mask: mask & 0x1fff | lr }, 4)
        }
        0xc0..=0xcf => (1, Code::CopySp(usize::from(first & 0xf)), 2),
        0xd0..=0xd7 => (1, run((low & 3) + 4), 2),
        0xd8..=0xdf => (1, run((low & 3) + 8), 4),
        0xe0..=0xe7 => (1, floats(8, (low & 7) + 8)?, 4),
        0xe8..=0xeb => (2, Code::Alloc(((low & 3) << 8 | second()?) * 4), 4),
        0xec..=0xed => {
            let lr = if first & 1 != 0 { 1 << LR } else { 0 };
            (2, Code::Push { below: 0, mask: second()? as u16 | lr }, 2)
        }
        0xef if second()? < 0x10 => (2, Code::PushLr(second()? * 4), 4),
        0xf5 | 0xf6 => (2, floats(second()? >> 4, second()? & 0xf)?, 4),
        0xf7 => (3, Code::Alloc(word(3)? * 4), 2),
        0xf8 => (4, Code::Alloc(word(4)? * 4), 2),
        0xf9 => (3, Code::Alloc(word(3)? * 4), 4),
        0xfa => (4, Code::Alloc(word(4)? * 4), 4),
        0xfb => (1, Code::Nop, 2),
        0xfc => (1, Code::Nop, 4),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &[(Code, u32)], last: u32) {
        let codes = decode(bytes).unwrap();
        let found: Vec<_> = codes.instructions.iter().map(|instruction| (instruction.code, instruction.size)).collect();
        assert_eq!((found.as_slice(), codes.last), (expected, last), "{bytes:02x?}");
    }

    #[test]
    fn codes_of_the_documentation() {
        let push = |mask| Code::Push { below: 0, mask };
        check(&[0xff], &[], 0);
        check(&[0x04, 0xff], &[(Code::Alloc(16), 2)], 0);
        check(&[0xa8, 0x90, 0xff], &[(push(0x4890), 4)], 0);
        check(&[0xc7, 0xfd], &[(Code::CopySp(7), 2)], 2);
        check(&[0xd5, 0xff], &[(push(0x4030), 2)], 0);
        check(&[0xdb, 0xfe], &[(push(0x0ff0), 4)], 4);
        check(&[0xe1, 0xff], &[(Code::Alloc(16), 4)], 0);
        check(&[0xe9, 0x02, 0xff], &[(Code::Alloc(0x408), 4)], 0);
        check(&[0xed, 0x10, 0xff], &[(push(0x4010), 2)], 0);
        check(&[0xef, 0x05, 0xff], &[(Code::PushLr(20), 4)], 0);
        check(&[0xf5, 0x8a, 0xff], &[(Code::Alloc(24), 4)], 0);
        check(&[0xf9, 0x08, 0xd0, 0xff], &[(Code::Alloc(0x2340), 4)], 0);
        check(&[0xf8, 1, 0, 0, 0xfb, 0xfc, 0xff], &[(Code::Alloc(0x4_0000), 2), (Code::Nop, 2), (Code::Nop, 4)], 0);
    }

    #[test]
    fn codes_that_make_no_sense() {
        for bytes in [&[][..], &[0x04], &[0x80], &[0xe8], &[0xee, 0, 0xff], &[0xf5, 0xa8, 0xff], &[0xf8, 1, 0]] {
            assert_eq!(decode(bytes), None, "{bytes:02x?}");
        }
    }
}
