//! Names of the registers that CodeView numbers, and which of them a function's frame is addressed by.
//!
//! Every processor has its own numbers: `CV_HREG_e` of `cvconst.h`.

use vatlas_space::Machine;

/// The frame's base that the unwinder computes, `CV_ALLREG_VFRAME`.
pub(super) const VIRTUAL_FRAME: u16 = 30_006;

/// Names of registers with consecutive numbers, from the first number on.
type Names = (u16, &'static str);

/// Registers of x86, and those that x64 has in common with it.
const X86_COMMON: &[Names] = &[
    (1, "al cl dl bl ah ch dh bh ax cx dx bx sp bp si di eax ecx edx ebx esp ebp esi edi es cs ss ds fs gs"),
    (80, "cr0 cr1 cr2 cr3 cr4"),
    (90, "dr0 dr1 dr2 dr3 dr4 dr5 dr6 dr7"),
    (128, "st0 st1 st2 st3 st4 st5 st6 st7"),
    (146, "mm0 mm1 mm2 mm3 mm4 mm5 mm6 mm7 xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7"),
    // The lower half, and that as an integer: a value of 8 bytes.
    (194, "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7"),
    (220, "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7"),
    (211, "mxcsr"),
];
const X86: &[Names] = &[(31, "ip flags eip eflags"), (252, "ymm0 ymm1 ymm2 ymm3 ymm4 ymm5 ymm6 ymm7")];
const X64: &[Names] = &[
    (32, "flags rip eflags"),
    (88, "cr8"),
    (98, "dr8 dr9 dr10 dr11 dr12 dr13 dr14 dr15"),
    (252, "xmm8 xmm9 xmm10 xmm11 xmm12 xmm13 xmm14 xmm15"),
    (292, "xmm8 xmm9 xmm10 xmm11 xmm12 xmm13 xmm14 xmm15"),
    (308, "xmm8 xmm9 xmm10 xmm11 xmm12 xmm13 xmm14 xmm15"),
    (324, "sil dil bpl spl rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15"),
    (344, "r8b r9b r10b r11b r12b r13b r14b r15b r8w r9w r10w r11w r12w r13w r14w r15w"),
    (360, "r8d r9d r10d r11d r12d r13d r14d r15d"),
    (368, "ymm0 ymm1 ymm2 ymm3 ymm4 ymm5 ymm6 ymm7 ymm8 ymm9 ymm10 ymm11 ymm12 ymm13 ymm14 ymm15"),
];
const ARM: &[Names] = &[(10, "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 sp lr pc cpsr"), (40, "fpscr fpexc")];
const MIPS: &[Names] = &[
    (10, "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp s8 ra lo hi"),
    (50, "fir psr"),
];
const SH: &[Names] =
    &[(10, "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 r13 r14 r15"), (38, "gbr pr mach macl"), (50, "pc sr")];

const ARM64: &[Names] = &[(41, "wzr"), (79, "fp lr sp xzr"), (90, "nzcv"), (220, "fpsr fpcr")];

/// A run of registers that have numbers: the first number here, how many, what stands before their own number, the
/// first of these.
type Numbered = (u16, u16, &'static str, u16);

const X64_NUMBERED: &[Numbered] = &[(694, 16, "xmm", 16), (710, 16, "ymm", 16), (726, 32, "zmm", 0), (758, 8, "k", 0)];
const ARM_NUMBERED: &[Numbered] = &[(50, 32, "s", 0), (300, 32, "d", 0), (400, 16, "q", 0)];
const ARM64_NUMBERED: &[Numbered] = &[
    (10, 31, "w", 0),
    (50, 29, "x", 0),
    (100, 32, "s", 0),
    (140, 32, "d", 0),
    (180, 32, "q", 0),
    (230, 32, "b", 0),
    (270, 32, "h", 0),
];
const MIPS_NUMBERED: &[Numbered] = &[(60, 32, "f", 0)];
const SH_NUMBERED: &[Numbered] = &[(82, 16, "fr", 0)];

/// A register's name; `None` for a number that has no name here.
pub(super) fn name(machine: Machine, number: u16) -> Option<String> {
    let (names, common, numbered): (&[Names], &[Names], &[Numbered]) = match machine {
        Machine::X86 => (X86, X86_COMMON, &[]),
        Machine::X64 => (X64, X86_COMMON, X64_NUMBERED),
        Machine::Arm => (ARM, &[], ARM_NUMBERED),
        Machine::Arm64 => (ARM64, &[], ARM64_NUMBERED),
        Machine::Mips => (MIPS, &[], MIPS_NUMBERED),
        // SH3, SH3-DSP, SH3E, SH4, SH5
        Machine::Other(0x1a2..=0x1a8) => (SH, &[], SH_NUMBERED),
        Machine::Other(_) => return None,
    };
    let own = names.iter().chain(common).find_map(|(first, names)| {
        let index = number.checked_sub(*first)?;
        names.split(' ').nth(index.into())
    });
    let counted = || {
        numbered.iter().find_map(|(first, count, letters, own)| {
            let index = number.checked_sub(*first).filter(|index| index < count)?;
            Some(format!("{letters}{}", own + index))
        })
    };
    own.map(str::to_owned).or_else(counted)
}

/// Bytes of a register by its name, where a value may be a part of one.
pub(super) fn size(machine: Machine, name: &str) -> u64 {
    let is_wide = matches!(machine, Machine::X64 | Machine::Arm64);
    let word = if is_wide { 8 } else { 4 };
    match name.as_bytes() {
        [b'z', b'm', b'm', ..] => 64,
        [b'y', b'm', b'm', ..] => 32,
        [b'x', b'm', b'm', ..] | [b'q', b'0'..=b'9', ..] => 16,
        [b'm', b'm', ..] | [b'd', b'0'..=b'9', ..] => 8,
        [b's', b't', _] => 10,
        [b's', b'0'..=b'9', ..] | [b'w', ..] => 4,
        [b'h', b'0'..=b'9', ..] => 2,
        [b'b', b'0'..=b'9', ..] => 1,
        _ if !matches!(machine, Machine::X86 | Machine::X64) => word,
        [b'e', ..] | [b'r', b'0'..=b'9', .., b'd'] => 4,
        [.., b'b' | b'l' | b'h'] => 1,
        [b'r', b'0'..=b'9', .., b'w'] => 2,
        [_, _] if *name != *"r8" && *name != *"r9" => 2,
        _ => word,
    }
}

/// By what a function addresses its locals or its arguments: two bits of `S_FRAMEPROC`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FrameBase {
    /// What the unwinder computes; also where nothing is told.
    Virtual,
    /// A register.
    Register(&'static str),
}

impl FrameBase {
    /// 0 nothing told, 1 stack pointer, 2 frame pointer, 3 another register.
    pub(super) fn from_bits(machine: Machine, bits: u32) -> Self {
        let registers = match machine {
            // 1 is the virtual frame: nothing addresses by a stack pointer that every push moves.
            Machine::X86 => ["", "ebp", "ebx"],
            Machine::X64 => ["rsp", "rbp", "r13"],
            Machine::Arm => ["sp", "r7", ""],
            Machine::Arm64 => ["sp", "fp", ""],
            Machine::Mips | Machine::Other(_) => [""; 3],
        };
        let register = (bits & 3).checked_sub(1).and_then(|index| registers.get(index as usize));
        register.filter(|register| !register.is_empty()).map_or(Self::Virtual, |register| Self::Register(register))
    }
}
