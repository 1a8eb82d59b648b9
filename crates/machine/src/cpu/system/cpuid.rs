//! Who this processor says it is: a Pentium III with SSE2, without PAE, NX and anything newer.

use crate::cpu::core::{Core, EAX, EBX, ECX, EDX};
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;

/// FPU, DE, PSE, TSC, MSR, CX8, SEP, PGE, CMOV, FXSR, SSE, SSE2. VME and PAE are not there.
const FEATURES: u32 =
    1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 11 | 1 << 13 | 1 << 15 | 1 << 24 | 1 << 25 | 1 << 26;

/// Family 6, model 8, stepping 6: a model for which NT uses `sysenter`.
const SIGNATURE: u32 = 0x686;

pub(super) fn cpuid(core: &mut Core, _: &Op) -> Outcome {
    let word = |text: &[u8; 4]| u32::from_le_bytes(*text);
    let [a, b, c, d] = match core.gpr[EAX] {
        0 => [1, word(b"Genu"), word(b"ntel"), word(b"ineI")],
        1 => [SIGNATURE, 0, 0, FEATURES],
        0x8000_0000 => [0x8000_0004, 0, 0, 0],
        0x8000_0002 => [word(b"vatl"), word(b"as x"), word(b"86 m"), word(b"achi")],
        0x8000_0003 => [word(b"ne\0\0"), 0, 0, 0],
        _ => [0; 4],
    };
    (core.gpr[EAX], core.gpr[EBX], core.gpr[ECX], core.gpr[EDX]) = (a, b, c, d);
    Ok(())
}
