//! Instructions on the processor that runs the test. The only unsafe code: each block of assembly touches the registers
//! and the memory that it names, and gives back the flags and control words that it found.
#![allow(unsafe_code, reason = "an instruction of the host can be executed in no other way")]

use std::arch::asm;

/// EAX, ECX, EDX and flags before or after an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Integer {
    pub registers: [u32; 3],
    pub flags: u32,
}

/// Executes an instruction on a state.
pub type IntegerFn = fn(Integer) -> Integer;

/// An instruction on EAX, ECX and EDX.
macro_rules! integer {
    ($text:literal) => {
        |state: Integer| integer_state(state, |a, c, d, f| run_integer!($text, a, c, d, f))
    };
}

/// The assembly of [`integer`].
macro_rules! run_integer {
    ($text:literal, $a:ident, $c:ident, $d:ident, $f:ident) => {
        // SAFETY: the instruction has register operands only; the stack holds the flags meanwhile.
        unsafe {
            std::arch::asm!(
                "push {f}",
                "popfq",
                $text,
                "pushfq",
                "pop {f}",
                f = inout(reg) * $f,
                inout("eax") * $a,
                inout("ecx") * $c,
                inout("edx") * $d,
            )
        }
    };
}

/// Takes a state apart for the assembly.
pub fn integer_state(state: Integer, run: impl FnOnce(&mut u32, &mut u32, &mut u32, &mut u64)) -> Integer {
    let [mut a, mut c, mut d] = state.registers;
    let mut flags = u64::from(state.flags);
    run(&mut a, &mut c, &mut d, &mut flags);
    Integer { registers: [a, c, d], flags: flags as u32 }
}

/// ST(0), ST(1), control and status word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct X87 {
    pub st: [[u8; 10]; 2],
    pub control: u16,
    pub status: u16,
    pub eflags: u32,
}

/// The assembly around an x87 instruction, which leaves two registers on the stack.
macro_rules! x87 {
    ($text:literal) => {
        |mut state: X87| {
            let mut flags: u64;
            let control = state.control;
            let st = state.st.as_mut_ptr();
            let status: u16;
            // SAFETY: reads and writes the two numbers behind `st`; the unit is reset before and after.
            unsafe {
                std::arch::asm!(
                    "fninit", "fldcw word ptr [{c}]", "fld tbyte ptr [{st} + 10]", "fld tbyte ptr [{st}]", "fnclex",
                    $text,
                    "pushfq", "pop {f}", "fnstsw ax", "fstp tbyte ptr [{st}]", "fstp tbyte ptr [{st} + 10]", "fninit",
                    c = in(reg) &control, st = in(reg) st, f = out(reg) flags, out("ax") status,
                    out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                    out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
                )
            }
            state.status = status;
            state.eflags = flags as u32;
            state
        }
    };
}

/// XMM0, XMM1 and MXCSR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sse {
    pub xmm: [u128; 2],
    pub mxcsr: u32,
}

/// An instruction on XMM0 and XMM1.
macro_rules! sse {
    ($text:literal) => {
        |mut state: Sse| {
            let before = mxcsr();
            // SAFETY: reads and writes the two numbers and the word behind the pointers.
            unsafe {
                std::arch::asm!(
                    "ldmxcsr dword ptr [{m}]", "movups xmm0, [{x}]", "movups xmm1, [{x} + 16]",
                    $text,
                    "movups [{x}], xmm0", "stmxcsr dword ptr [{m}]", "ldmxcsr dword ptr [{old}]",
                    m = in(reg) &mut state.mxcsr, x = in(reg) state.xmm.as_mut_ptr(), old = in(reg) &before,
                    out("xmm0") _, out("xmm1") _,
                )
            }
            state
        }
    };
}

/// The word that says how the test itself computes.
pub fn mxcsr() -> u32 {
    let mut word = 0_u32;
    // SAFETY: writes the word behind the pointer.
    unsafe { asm!("stmxcsr dword ptr [{m}]", m = in(reg) &mut word) };
    word
}

pub const CF: u32 = 1;
pub const PF: u32 = 4;
pub const AF: u32 = 0x10;
pub const ZF: u32 = 0x40;
pub const SF: u32 = 0x80;
pub const OF: u32 = 0x800;
pub const ALL: u32 = CF | PF | AF | ZF | SF | OF;

/// An instruction on EAX, ECX, EDX: its text for the host, its bytes for the machine, flags that are undefined.
macro_rules! integers {
    ($($text:literal, $bytes:expr, $undefined:expr;)*) => {
        /// Text, bytes, undefined flags, the instruction on the host.
        pub const INTEGERS: &[(&str, &[u8], u32, IntegerFn)] = &[$(($text, &$bytes, $undefined, integer!($text))),*];
    };
}

integers! {
    "add eax, ecx", [0x01, 0xc8], 0;
    "adc eax, ecx", [0x11, 0xc8], 0;
    "sub eax, ecx", [0x29, 0xc8], 0;
    "sbb eax, ecx", [0x19, 0xc8], 0;
    "cmp eax, ecx", [0x39, 0xc8], 0;
    "and eax, ecx", [0x21, 0xc8], AF;
    "or eax, ecx", [0x09, 0xc8], AF;
    "xor eax, ecx", [0x31, 0xc8], AF;
    "test eax, ecx", [0x85, 0xc8], AF;
    "add al, ch", [0x00, 0xe8], 0;
    "sbb ah, cl", [0x18, 0xcc], 0;
    "adc ax, cx", [0x66, 0x11, 0xc8], 0;
    "cmp dl, ah", [0x38, 0xe2], 0;
    "inc eax", [0xff, 0xc0], 0;
    "dec ecx", [0xff, 0xc9], 0;
    "inc ah", [0xfe, 0xc4], 0;
    "neg edx", [0xf7, 0xda], 0;
    "neg ax", [0x66, 0xf7, 0xd8], 0;
    "not eax", [0xf7, 0xd0], 0;
    "mul ecx", [0xf7, 0xe1], SF | ZF | AF | PF;
    "mul cl", [0xf6, 0xe1], SF | ZF | AF | PF;
    "imul ecx", [0xf7, 0xe9], SF | ZF | AF | PF;
    "imul eax, ecx", [0x0f, 0xaf, 0xc1], SF | ZF | AF | PF;
    "imul eax, ecx, -77", [0x6b, 0xc1, 0xb3], SF | ZF | AF | PF;
    "imul cx, dx", [0x66, 0x0f, 0xaf, 0xca], SF | ZF | AF | PF;
    "shl eax, 1", [0xd1, 0xe0], AF;
    "shr eax, 1", [0xd1, 0xe8], AF;
    "sar eax, 1", [0xd1, 0xf8], AF;
    "shl eax, cl", [0xd3, 0xe0], AF | OF;
    "shr eax, cl", [0xd3, 0xe8], AF | OF;
    "sar eax, cl", [0xd3, 0xf8], AF | OF;
    "shl ah, cl", [0xd2, 0xe4], AF | OF | CF;
    "sar ax, cl", [0x66, 0xd3, 0xf8], AF | OF | CF;
    "rol eax, cl", [0xd3, 0xc0], OF;
    "ror eax, cl", [0xd3, 0xc8], OF;
    "rcl eax, cl", [0xd3, 0xd0], OF;
    "rcr eax, cl", [0xd3, 0xd8], OF;
    "rol al, cl", [0xd2, 0xc0], OF;
    "ror ax, cl", [0x66, 0xd3, 0xc8], OF;
    "rcl ah, cl", [0xd2, 0xd4], OF;
    "rcr ax, cl", [0x66, 0xd3, 0xd8], OF;
    "rcr eax, 1", [0xd1, 0xd8], 0;
    "rcl eax, 1", [0xd1, 0xd0], 0;
    "shld eax, edx, cl", [0x0f, 0xa5, 0xd0], AF | OF;
    "shrd eax, edx, 5", [0x0f, 0xac, 0xd0, 5], AF | OF;
    "bt eax, ecx", [0x0f, 0xa3, 0xc8], OF | SF | AF | PF;
    "bts eax, ecx", [0x0f, 0xab, 0xc8], OF | SF | AF | PF;
    "btr eax, 7", [0x0f, 0xba, 0xf0, 7], OF | SF | AF | PF;
    "btc cx, dx", [0x66, 0x0f, 0xbb, 0xd1], OF | SF | AF | PF;
    "bsf eax, ecx", [0x0f, 0xbc, 0xc1], CF | OF | SF | AF | PF;
    "bsr eax, ecx", [0x0f, 0xbd, 0xc1], CF | OF | SF | AF | PF;
    "bswap edx", [0x0f, 0xca], 0;
    "xchg eax, edx", [0x92], 0;
    "xchg ah, dl", [0x86, 0xd4], 0;
    "xadd eax, ecx", [0x0f, 0xc1, 0xc8], 0;
    "xadd cl, cl", [0x0f, 0xc0, 0xc9], 0;
    "cmpxchg edx, ecx", [0x0f, 0xb1, 0xca], 0;
    "cmpxchg dl, cl", [0x0f, 0xb0, 0xca], 0;
    "movzx eax, ch", [0x0f, 0xb6, 0xc5], 0;
    "movsx edx, cx", [0x0f, 0xbf, 0xd1], 0;
    "movsx dx, ah", [0x66, 0x0f, 0xbe, 0xd4], 0;
    "lea eax, [rcx + rdx * 4 - 9]", [0x8d, 0x44, 0x91, 0xf7], 0;
    "cbw", [0x66, 0x98], 0;
    "cwde", [0x98], 0;
    "cwd", [0x66, 0x99], 0;
    "cdq", [0x99], 0;
    "lahf", [0x9f], 0;
    "sahf", [0x9e], 0;
    "cmc", [0xf5], 0;
    "stc", [0xf9], 0;
    "setle cl", [0x0f, 0x9e, 0xc1], 0;
    "setp ah", [0x0f, 0x9a, 0xc4], 0;
    "cmovbe eax, ecx", [0x0f, 0x46, 0xc1], 0;
    "cmovg ecx, edx", [0x0f, 0x4f, 0xca], 0;
}

/// An x87 instruction that leaves two registers.
macro_rules! x87s {
    ($table:ident: $($text:literal, $bytes:expr;)*) => {
        pub const $table: &[(&str, &[u8], fn(X87) -> X87)] = &[$(($text, &$bytes, x87!($text))),*];
    };
}

x87s! { EXACT:
    "fadd st(0), st(1)", [0xd8, 0xc1];
    "fsub st(0), st(1)", [0xd8, 0xe1];
    "fsubr st(1), st(0)", [0xdc, 0xe1];
    "fmul st(0), st(1)", [0xd8, 0xc9];
    "fdiv st(0), st(1)", [0xd8, 0xf1];
    "fdivr st(0), st(1)", [0xd8, 0xf9];
    "fsqrt", [0xd9, 0xfa];
    "frndint", [0xd9, 0xfc];
    "fscale", [0xd9, 0xfd];
    "fprem", [0xd9, 0xf8];
    "fprem1", [0xd9, 0xf5];
    "fxtract", [0xd9, 0xf4];
    "fchs", [0xd9, 0xe0];
    "fabs", [0xd9, 0xe1];
    "fxch", [0xd9, 0xc9];
    "fcom st(1)", [0xd8, 0xd1];
    "fucom st(1)", [0xdd, 0xe1];
    "ftst", [0xd9, 0xe4];
    "fxam", [0xd9, 0xe5];
    "fcomi st(0), st(1)", [0xdb, 0xf1];
    "fucomi st(0), st(1)", [0xdb, 0xe9];
}

x87s! { BOUNDED:
    "fsin", [0xd9, 0xfe];
    "fcos", [0xd9, 0xff];
    "f2xm1", [0xd9, 0xf0];
}

x87s! { BOUNDED_POP:
    "fpatan; fld1", [0xd9, 0xf3];
    "fyl2x; fld1", [0xd9, 0xf1];
    "fyl2xp1; fld1", [0xd9, 0xf9];
}

macro_rules! sses {
    ($($text:literal, $bytes:expr;)*) => {
        pub const SSES: &[(&str, &[u8], fn(Sse) -> Sse)] = &[$(($text, &$bytes, sse!($text))),*];
    };
}

sses! {
    "addps xmm0, xmm1", [0x0f, 0x58, 0xc1];
    "subps xmm0, xmm1", [0x0f, 0x5c, 0xc1];
    "mulps xmm0, xmm1", [0x0f, 0x59, 0xc1];
    "divps xmm0, xmm1", [0x0f, 0x5e, 0xc1];
    "sqrtps xmm0, xmm1", [0x0f, 0x51, 0xc1];
    "minps xmm0, xmm1", [0x0f, 0x5d, 0xc1];
    "maxps xmm0, xmm1", [0x0f, 0x5f, 0xc1];
    "addpd xmm0, xmm1", [0x66, 0x0f, 0x58, 0xc1];
    "subpd xmm0, xmm1", [0x66, 0x0f, 0x5c, 0xc1];
    "mulpd xmm0, xmm1", [0x66, 0x0f, 0x59, 0xc1];
    "divpd xmm0, xmm1", [0x66, 0x0f, 0x5e, 0xc1];
    "sqrtpd xmm0, xmm1", [0x66, 0x0f, 0x51, 0xc1];
    "minpd xmm0, xmm1", [0x66, 0x0f, 0x5d, 0xc1];
    "addss xmm0, xmm1", [0xf3, 0x0f, 0x58, 0xc1];
    "mulss xmm0, xmm1", [0xf3, 0x0f, 0x59, 0xc1];
    "divsd xmm0, xmm1", [0xf2, 0x0f, 0x5e, 0xc1];
    "maxsd xmm0, xmm1", [0xf2, 0x0f, 0x5f, 0xc1];
    "cmpltps xmm0, xmm1", [0x0f, 0xc2, 0xc1, 1];
    "cmpunordpd xmm0, xmm1", [0x66, 0x0f, 0xc2, 0xc1, 3];
    "cmpnlesd xmm0, xmm1", [0xf2, 0x0f, 0xc2, 0xc1, 6];
    "cvtps2pd xmm0, xmm1", [0x0f, 0x5a, 0xc1];
    "cvtpd2ps xmm0, xmm1", [0x66, 0x0f, 0x5a, 0xc1];
    "cvtsd2ss xmm0, xmm1", [0xf2, 0x0f, 0x5a, 0xc1];
    "cvtdq2ps xmm0, xmm1", [0x0f, 0x5b, 0xc1];
    "cvtps2dq xmm0, xmm1", [0x66, 0x0f, 0x5b, 0xc1];
    "cvttpd2dq xmm0, xmm1", [0x66, 0x0f, 0xe6, 0xc1];
    "cvtpd2dq xmm0, xmm1", [0xf2, 0x0f, 0xe6, 0xc1];
    "pmaddwd xmm0, xmm1", [0x66, 0x0f, 0xf5, 0xc1];
    "psadbw xmm0, xmm1", [0x66, 0x0f, 0xf6, 0xc1];
    "packuswb xmm0, xmm1", [0x66, 0x0f, 0x67, 0xc1];
    "punpckhwd xmm0, xmm1", [0x66, 0x0f, 0x69, 0xc1];
    "pshufd xmm0, xmm1, 0x1b", [0x66, 0x0f, 0x70, 0xc1, 0x1b];
    "shufps xmm0, xmm1, 0x4e", [0x0f, 0xc6, 0xc1, 0x4e];
    "psrldq xmm0, 5", [0x66, 0x0f, 0x73, 0xd8, 5];
    "psraw xmm0, xmm1", [0x66, 0x0f, 0xe1, 0xc1];
}
