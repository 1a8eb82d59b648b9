//! `.xdata` of ARM64: the header of a function's unwind codes.
//!
//! ```text
//! word 0     length / 4 (18 bits), version (2), X: has a handler (1), E: one epilogue, at the end (1),
//!            epilogues, or with E the first code of the one (5), words of codes (5)
//! word 1     only when both counts are zero: epilogues (16 bits), words of codes (8)
//! epilogues  without E: offset / 4 from the function's begin (18 bits), reserved (4), first code (10)
//! codes      bytes: the prologue's in the order of undoing, then those of epilogues that differ
//! ```

use super::{
    Description, Within,
    code::{Code, decode},
    executed_of_prologue,
};
use crate::stack::surroundings::Surroundings;
use vatlas_space::Va;

/// Most epilogues of a function that are looked at.
const MOST_EPILOGUES: u32 = 4096;

/// The codes to undo at `offset` of a function whose `.xdata` lies at `rva`; `None` when they cannot be read.
pub(super) fn description(around: &Surroundings, base: Va, rva: u32, offset: u32, is_exact_pc: bool) -> Option<Within> {
    let at = base.checked_add(rva.into())?;
    let word = |number: u32| around.u32(at.checked_add(u64::from(number) * 4)?);
    let header = word(0)?;
    if header >> 18 & 3 != 0 {
        return None;
    }
    let (mut epilogues, mut words, mut next) = (header >> 22 & 0x1f, header >> 27, 1);
    let is_single = header >> 21 & 1 != 0;
    if epilogues == 0 && words == 0 {
        let more = word(1)?;
        (epilogues, words, next) = (more & 0xffff, more >> 16 & 0xff, 2);
    }
    let length = (header & 0x3_ffff) * 4;
    // A call may be the last instruction.
    if offset > length || offset == length && is_exact_pc {
        return Some(Within::Gap);
    }
    let scopes = if is_single { 0 } else { epilogues.min(MOST_EPILOGUES) };
    let mut bytes = vec![0; words as usize * 4];
    let codes = u64::from(next) + if is_single { 0 } else { u64::from(epilogues) };
    around.space().read_exact(at.checked_add(codes * 4)?, &mut bytes).ok()?;
    let whole = decode(&bytes)?;
    let function = |codes| Some(Within::Function(Description { codes }));
    if !is_exact_pc {
        // A call in the prologue (`__chkstk`) stands for itself among the codes.
        return function(executed_of_prologue(whole, offset));
    }
    let prologue = whole.iter().take_while(|code| code.is_instruction()).count();
    if (offset / 4) < prologue as u32 {
        return function(executed_of_prologue(whole, offset));
    }
    let epilogue = |start: u32, first: usize| rest_of_epilogue(bytes.get(first..)?, start, offset);
    if is_single {
        let first = epilogues as usize;
        // The codes and the return.
        let instructions = decode(bytes.get(first..)?)?.len() as u32 + 1;
        let start = length.saturating_sub(instructions * 4);
        return function(epilogue(start, first).unwrap_or(whole));
    }
    for number in 0..scopes {
        let scope = word(next + number)?;
        if let Some(codes) = epilogue((scope & 0x3_ffff) * 4, (scope >> 22) as usize) {
            return function(codes);
        }
    }
    function(whole)
}

/// The codes of an epilogue that have not run yet; `None` when `offset` lies in no part of it.
fn rest_of_epilogue(bytes: &[u8], start: u32, offset: u32) -> Option<Vec<Code>> {
    let codes = decode(bytes)?;
    let done = usize::try_from(offset.checked_sub(start)? / 4).ok()?;
    // The last instruction is the return, which has no code.
    (done <= codes.len()).then(|| codes.into_iter().skip(done).collect())
}
