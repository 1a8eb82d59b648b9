//! Packed unwind data of Windows on ARM: a usual prologue in 30 bits.
//!
//! ```text
//! bits 0-1   flag: 1 a function, 2 a further piece of one, without prologue
//! 2-12       length / 2        13-14  Ret: 0 pop {pc}, 1 a branch of 2 bytes, 2 one of 4, 3 no epilogue
//! 15         H: r0 to r3 are stored first             16-18  Reg: last register saved, from r4 or d8 on
//! 19         R: floating-point registers are saved, Reg 7 for none              20  L: lr is saved
//! 21         C: r11 is saved and leads to the chain   22-31  bytes of locals / 4; from 3F4 on in one with the push
//! ```

use super::{
    nt::{Within, executed, remaining},
    unwind_code::{Code, Instruction},
};
use crate::stack::register_file::arm_number::{LR, R11};

/// From here on bits 0 and 1 are the number of words less one, bit 2 and bit 3 say that the push and the pop do it.
const FOLDED: u32 = 0x3f4;

struct Packed {
    length: u32,
    /// 0 to 3.
    return_kind: u32,
    is_homed: bool,
    saves_lr: bool,
    is_chained: bool,
    /// Registers saved from r4 on, as a mask.
    integers: u16,
    /// Bytes of floating-point registers.
    floats: u32,
    locals: u32,
    is_folded: (bool, bool),
}

/// What is to be undone at `offset` of the function.
pub(super) fn at(word: u32, offset: u32, is_exact_pc: bool) -> Option<Within> {
    let packed = Packed::new(word)?;
    if offset > packed.length || offset == packed.length && is_exact_pc {
        return Some(Within::Gap);
    }
    let mut prologue = packed.prologue();
    let size: u32 = prologue.iter().map(|instruction| instruction.size).sum();
    prologue.reverse();
    let is_piece = word & 3 == 2;
    if !is_piece && (!is_exact_pc || offset < size) {
        return Some(Within::Function(executed(prologue, offset)));
    }
    if is_exact_pc && packed.return_kind != 3 {
        let (epilogue, last) = packed.epilogue();
        let size = epilogue.iter().map(|instruction| instruction.size).sum::<u32>() + last;
        let done = packed.length.checked_sub(size).and_then(|start| offset.checked_sub(start));
        if let Some(rest) = done.and_then(|done| remaining(epilogue, last, done)) {
            return Some(Within::Function(rest));
        }
    }
    Some(Within::Function(prologue))
}

impl Packed {
    /// `None` when the bits contradict each other.
    fn new(word: u32) -> Option<Self> {
        let flag = |bit: u32| word >> bit & 1 != 0;
        let (register, adjustment) = (word >> 16 & 7, word >> 22);
        let (has_floats, saves_lr, is_chained) = (flag(19), flag(20), flag(21));
        if is_chained && !saves_lr {
            return None;
        }
        let is_folded = adjustment >= FOLDED;
        Some(Self {
            length: (word >> 2 & 0x7ff) * 2,
            return_kind: word >> 13 & 3,
            is_homed: flag(15),
            saves_lr,
            is_chained,
            integers: if has_floats { 0 } else { ((1 << (register + 5)) - 1) & !0xf },
            floats: if has_floats && register != 7 { (register + 1) * 8 } else { 0 },
            locals: if is_folded { ((adjustment & 3) + 1) * 4 } else { adjustment * 4 },
            is_folded: (is_folded && adjustment & 4 != 0, is_folded && adjustment & 8 != 0),
        })
    }

    fn mask(&self) -> u16 {
        self.integers | if self.is_chained { 1 << R11 } else { 0 } | if self.saves_lr { 1 << LR } else { 0 }
    }

    /// `add sp, sp, #n` or `sub sp, sp, #n`.
    fn change_of_sp(&self) -> Instruction {
        Instruction { code: Code::Alloc(self.locals), size: if self.locals <= 0x1fc { 2 } else { 4 } }
    }

    /// The prologue in the order in which it runs.
    fn prologue(&self) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        let is_folded = self.is_folded.0;
        if self.is_homed {
            instructions.push(Instruction { code: Code::Alloc(16), size: 2 });
        }
        let mask = self.mask();
        if mask != 0 || is_folded {
            let below = if is_folded { self.locals } else { 0 };
            let is_short = mask & !(1 << LR) < 0x100;
            instructions.push(Instruction { code: Code::Push { below, mask }, size: if is_short { 2 } else { 4 } });
        }
        if self.is_chained {
            // `mov r11, sp` where the pushed r11 lies there, else `add r11, sp, #n`.
            let is_move = self.integers == 0 && !is_folded;
            instructions.push(Instruction { code: Code::Nop, size: if is_move { 2 } else { 4 } });
        }
        if self.floats != 0 {
            instructions.push(Instruction { code: Code::Alloc(self.floats), size: 4 });
        }
        if self.locals != 0 && !is_folded {
            instructions.push(self.change_of_sp());
        }
        instructions
    }

    /// The epilogue in the order in which it runs, and the bytes of the branch at its end.
    fn epilogue(&self) -> (Vec<Instruction>, u32) {
        let mut instructions = Vec::new();
        let is_folded = self.is_folded.1;
        if self.locals != 0 && !is_folded {
            instructions.push(self.change_of_sp());
        }
        if self.floats != 0 {
            instructions.push(Instruction { code: Code::Alloc(self.floats), size: 4 });
        }
        // With stored arguments above it, `lr` is loaded by an instruction of its own.
        let pops_pc = self.return_kind == 0 && self.saves_lr;
        let loads_pc = pops_pc && self.is_homed;
        let mask = self.mask() & if loads_pc { !(1 << LR) } else { u16::MAX };
        if mask != 0 || is_folded {
            let below = if is_folded { self.locals } else { 0 };
            let has_lr = mask & 1 << LR != 0;
            let is_short = mask & !(1 << LR) < 0x100 && (!has_lr || pops_pc);
            instructions.push(Instruction { code: Code::Push { below, mask }, size: if is_short { 2 } else { 4 } });
        }
        if loads_pc {
            instructions.push(Instruction { code: Code::PushLr(20), size: 4 });
        } else if self.is_homed {
            instructions.push(Instruction { code: Code::Alloc(16), size: 2 });
        }
        let last = [0, 2, 4, 0][self.return_kind as usize];
        (instructions, last)
    }
}
