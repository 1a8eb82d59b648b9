//! Packed unwind data of ARM64: a usual prologue in 30 bits.
//!
//! ```text
//! bits 0-1   flag: 1 a function, 2 a further piece of one, without prologue and epilogue
//! 2-12       length / 4        13-15  RegF: floating-point registers saved from d8 on, less one; 0 none
//! 16-19      RegI: general registers saved from x19 on           20  H: x0 to x7 are stored too
//! 21-22      CR: 0 no chain; 1 lr is saved; 2 and 3 fp and lr are saved and fp is set, 2 with a signed lr
//! 23-31      frame size / 16
//! ```

use super::{Description, Within, code::Code, executed_of_prologue};
use crate::stack::register_file::arm64_number::{FP, LR, X19};

struct Packed {
    length: u32,
    floats: u64,
    integers: usize,
    is_homed: bool,
    chain: u32,
    frame_size: u64,
}

/// The codes to undo at `offset` of the function; `None` when the sizes contradict each other.
pub(super) fn description(word: u32, offset: u32, is_exact_pc: bool) -> Option<Within> {
    let floats = u64::from(word >> 13 & 7);
    let packed = Packed {
        length: (word >> 2 & 0x7ff) * 4,
        floats: if floats == 0 { 0 } else { floats + 1 },
        integers: (word >> 16 & 0xf) as usize,
        is_homed: word >> 20 & 1 != 0,
        chain: word >> 21 & 3,
        frame_size: u64::from(word >> 23) * 16,
    };
    if offset > packed.length || offset == packed.length && is_exact_pc {
        return Some(Within::Gap);
    }
    let prologue = packed.prologue(true)?;
    let function = |codes| Some(Within::Function(Description { codes }));
    let is_piece = word & 3 == 2;
    if !is_exact_pc || is_piece || (offset / 4) < prologue.len() as u32 {
        let offset = if is_piece { u32::MAX } else { offset };
        return function(executed_of_prologue(prologue, offset));
    }
    // The epilogue is the mirror image, without storing x0 to x7 and setting fp, and ends with the return.
    let epilogue = packed.prologue(false)?;
    let start = packed.length.checked_sub((epilogue.len() as u32 + 1) * 4)?;
    match offset.checked_sub(start) {
        Some(done) => function(epilogue.into_iter().skip((done / 4) as usize).collect()),
        None => function(prologue),
    }
}

impl Packed {
    /// The instructions of the prologue, or those that have a counterpart in the epilogue, in the order of undoing.
    fn prologue(&self, is_whole: bool) -> Option<Vec<Code>> {
        let lr_with_integers = self.chain == 1;
        let integer_bytes = self.integers as u64 * 8 + if lr_with_integers { 8 } else { 0 };
        let homed = if self.is_homed { 64 } else { 0 };
        let saved = (integer_bytes + self.floats * 8 + homed).next_multiple_of(16);
        let locals = self.frame_size.checked_sub(saved)?;
        if self.integers > 10 {
            return None;
        }
        let mut codes = Vec::new();
        if self.chain == 2 {
            codes.push(Code::Sign);
        }
        self.save_integers(saved, &mut codes);
        self.save_floats(saved, integer_bytes, &mut codes);
        if self.is_homed && is_whole {
            // Four stores of pairs; the first makes the room when nothing else has.
            let makes_room = codes.iter().all(|code| *code == Code::Sign);
            codes.push(if makes_room { Code::Alloc(saved) } else { Code::Nop });
            codes.extend([Code::Nop; 3]);
        } else if self.is_homed && codes.iter().all(|code| *code == Code::Sign) {
            codes.push(Code::Alloc(saved));
        }
        self.make_locals(locals, is_whole, &mut codes);
        codes.reverse();
        Some(codes)
    }

    /// `stp x19, x20, [sp, #-saved]!`, `stp x21, x22, [sp, #16]`, ...
    fn save_integers(&self, saved: u64, codes: &mut Vec<Code>) {
        let has_lr = self.chain == 1;
        let numbers: Vec<_> = (X19..X19 + self.integers).chain(has_lr.then_some(LR)).collect();
        for (number, pair) in numbers.chunks(2).enumerate() {
            let (first, second) = (pair[0], pair.get(1).copied());
            codes.push(match number {
                0 => Code::SavePre { first, second, size: saved },
                _ => Code::Save { first, second, offset: number as u64 * 16 },
            });
        }
    }

    /// `stp d8, d9, [sp, #n]`, ...
    fn save_floats(&self, saved: u64, integer_bytes: u64, codes: &mut Vec<Code>) {
        for number in 0..self.floats.div_ceil(2) {
            let size = if number == 0 && integer_bytes == 0 { saved } else { 0 };
            codes.push(Code::SaveFloat { size });
        }
    }

    fn make_locals(&self, locals: u64, is_whole: bool, codes: &mut Vec<Code>) {
        const MOST_AT_ONCE: u64 = 4080;
        let has_chain = self.chain >= 2;
        if has_chain && (16..=512).contains(&locals) {
            codes.push(Code::SavePre { first: FP, second: Some(LR), size: locals });
        } else {
            let first = locals.min(MOST_AT_ONCE);
            codes.extend([first, locals - first].into_iter().filter(|size| *size > 0).map(Code::Alloc));
            if has_chain {
                codes.push(Code::Save { first: FP, second: Some(LR), offset: 0 });
            }
        }
        if has_chain && is_whole {
            codes.push(Code::SetFp(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prologue of the documentation's table, the first instruction last.
    fn check([floats, integers, homed, chain, size]: [u32; 5], expected: &[Code]) {
        let word = 1 | 100 << 2 | floats << 13 | integers << 16 | homed << 20 | chain << 21 | size << 23;
        let Some(Within::Function(description)) = description(word, 200, true) else { panic!("{word:x}") };
        assert_eq!(description.codes, expected, "{word:x}");
    }

    const fn save(first: usize, second: usize, offset: u64) -> Code {
        Code::Save { first, second: Some(second), offset }
    }

    const fn push(first: usize, second: usize, size: u64) -> Code {
        Code::SavePre { first, second: Some(second), size }
    }

    #[test]
    fn prologues_of_the_documentation() {
        check([0, 0, 0, 0, 2], &[Code::Alloc(32)]);
        check([0, 2, 0, 0, 3], &[Code::Alloc(32), push(19, 20, 16)]);
        check([0, 3, 0, 1, 2], &[save(21, LR, 16), push(19, 20, 32)]);
        check([0, 2, 0, 3, 6], &[Code::SetFp(0), push(FP, LR, 80), push(19, 20, 16)]);
        check([0, 0, 0, 2, 2], &[Code::SetFp(0), push(FP, LR, 32), Code::Sign]);
        check([0, 0, 0, 3, 40], &[Code::SetFp(0), save(FP, LR, 0), Code::Alloc(640)]);
        check([0, 0, 0, 0, 300], &[Code::Alloc(720), Code::Alloc(4080)]);
        check([3, 0, 0, 0, 2], &[Code::SaveFloat { size: 0 }, Code::SaveFloat { size: 32 }]);
        check([0, 0, 1, 0, 4], &[Code::Nop, Code::Nop, Code::Nop, Code::Alloc(64)]);
        let homed = [Code::Nop; 4];
        check([0, 2, 1, 0, 5], &[&homed[..], &[push(19, 20, 80)]].concat());
    }

    #[test]
    fn epilogues_are_at_the_end_and_shorter() {
        // stp x19, x20, [sp, #-16]!; stp fp, lr, [sp, #-80]!; mov fp, sp
        let word = 1 | 100 << 2 | 2 << 16 | 3 << 21 | 6 << 23;
        let codes = |offset| match description(word, offset, true) {
            Some(Within::Function(description)) => description.codes,
            _ => panic!("{offset:x}"),
        };
        assert_eq!(codes(0), []);
        assert_eq!(codes(4), [push(19, 20, 16)]);
        assert_eq!(codes(400 - 12), [push(FP, LR, 80), push(19, 20, 16)]);
        assert_eq!(codes(400 - 8), [push(19, 20, 16)]);
        assert_eq!(codes(400 - 4), []);
        assert!(matches!(description(word, 400, true), Some(Within::Gap)));
        assert!(description(1 | 100 << 2 | 10 << 16, 0, true).is_none(), "saves more than its frame holds");
    }
}
