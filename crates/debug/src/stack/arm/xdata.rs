//! `.xdata` of Windows on ARM: the header of a function's unwind codes.
//!
//! ```text
//! word 0     length / 2 (18 bits), version (2), X: has a handler (1), E: one epilogue, at the end (1), F: a piece
//!            without prologue (1), epilogues, or with E the first code of the one (5), words of codes (4)
//! word 1     only when both counts are zero: epilogues (16 bits), words of codes (8)
//! epilogues  without E: offset / 2 from the function's begin (18 bits), reserved (2), condition (4), first code (8)
//! codes      bytes: the prologue's in the order of undoing, then those of epilogues that differ
//! ```

use super::{
    nt::{Within, executed, remaining},
    unwind_code::decode,
};
use crate::stack::surroundings::Surroundings;
use vatlas_space::Va;

/// Most epilogues of a function that are looked at.
const MOST_EPILOGUES: u32 = 4096;

/// What is to be undone at `offset` of a function whose `.xdata` lies at `rva`; `None` when the codes cannot be read.
pub(super) fn at(around: &Surroundings, base: Va, rva: u32, offset: u32, is_exact_pc: bool) -> Option<Within> {
    let at = base.checked_add(rva.into())?;
    let word = |number: u32| around.u32(at.checked_add(u64::from(number) * 4)?);
    let header = word(0)?;
    if header >> 18 & 3 != 0 {
        return None;
    }
    let (mut epilogues, mut words, mut next) = (header >> 23 & 0x1f, header >> 28, 1);
    let (is_single, is_piece) = (header >> 21 & 1 != 0, header >> 22 & 1 != 0);
    if epilogues == 0 && words == 0 {
        let more = word(1)?;
        (epilogues, words, next) = (more & 0xffff, more >> 16 & 0xff, 2);
    }
    let length = (header & 0x3_ffff) * 2;
    // A call may be the last instruction.
    if offset > length || offset == length && is_exact_pc {
        return Some(Within::Gap);
    }
    let mut bytes = vec![0; words as usize * 4];
    let codes = u64::from(next) + if is_single { 0 } else { u64::from(epilogues) };
    around.space().read_exact(at.checked_add(codes * 4)?, &mut bytes).ok()?;
    let whole = decode(&bytes)?.instructions;
    let prologue: u32 = whole.iter().map(|instruction| instruction.size).sum();
    // A call in the prologue (`__chkstk`) stands for itself among the codes.
    if !is_piece && (!is_exact_pc || offset < prologue) {
        return Some(Within::Function(executed(whole, offset)));
    }
    if !is_exact_pc {
        return Some(Within::Function(whole));
    }
    let epilogue = |start: u32, first: usize| {
        let codes = decode(bytes.get(first..)?)?;
        remaining(codes.instructions, codes.last, offset.checked_sub(start)?)
    };
    if is_single {
        let first = epilogues as usize;
        let codes = decode(bytes.get(first..)?)?;
        let size = codes.instructions.iter().map(|instruction| instruction.size).sum::<u32>() + codes.last;
        return Some(Within::Function(epilogue(length.saturating_sub(size), first).unwrap_or(whole)));
    }
    for number in 0..epilogues.min(MOST_EPILOGUES) {
        let scope = word(next + number)?;
        if let Some(rest) = epilogue((scope & 0x3_ffff) * 2, (scope >> 24) as usize) {
            return Some(Within::Function(rest));
        }
    }
    Some(Within::Function(whole))
}
