//! Instructions whose 32-bit form means the same on the host, executed there and here, on random operands.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "host/native.rs"]
mod native;
mod support;

use native::{ALL, BOUNDED, BOUNDED_POP, EXACT, INTEGERS, Integer, SSES, Sse, X87};
use proptest::prelude::*;
use support::{Bench, PROGRAM};
use vatlas_machine::Event;
use vatlas_machine::cpu::{Engine, F80, Registers};

/// Registers after the instruction; `None` when it faulted.
fn run(bench: &mut Bench, code: &[u8], prepare: impl FnOnce(&mut Registers)) -> Option<Registers> {
    let mut registers = bench.engine.registers();
    registers.eip = PROGRAM;
    prepare(&mut registers);
    bench.engine.set_registers(&registers);
    assert!(bench.board.ram.write(Bench::pa(PROGRAM), code));
    let run = bench.engine.run(&mut bench.board, 1);
    match run.event {
        None => Some(bench.engine.registers()),
        Some(Event::Exception(_)) => None,
        other => panic!("{other:?}"),
    }
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0u32..40, prop::sample::select(vec![0x7f, 0x80, 0x7fff_ffff, 0x8000_0000, u32::MAX])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn integers(registers in [word(), word(), word()], flags in any::<u32>()) {
        let flags = flags & ALL | 0x202;
        let mut bench = Bench::new(&[]);
        for (text, code, undefined, native) in INTEGERS {
            let theirs = native(Integer { registers, flags });
            let ours = run(&mut bench, code, |ours| {
                ours.gpr[..3].copy_from_slice(&registers);
                ours.eflags = flags;
            });
            let ours = ours.unwrap();
            let compared = ALL & !undefined;
            prop_assert_eq!(&ours.gpr[..3], &theirs.registers, "{}", text);
            prop_assert_eq!(ours.eflags & compared, theirs.flags & compared, "flags of {} after {:x?}", text, registers);
        }
    }
}

/// Numbers of all kinds: ordinary ones, special ones, denormal ones, encodings that are none.
fn extended() -> impl Strategy<Value = F80> {
    prop_oneof![
        (any::<u64>(), 0x3fc0u16..0x4040, any::<bool>()).prop_map(|(bits, exponent, sign)| F80 {
            mantissa: bits | 1 << 63,
            sign_exponent: exponent
        }
        .with_sign(sign)),
        (any::<i32>(), any::<bool>())
            .prop_map(|(value, small)| from_f64(f64::from(value) / if small { 1e6 } else { 1.0 })),
        (any::<u64>(), any::<u16>()).prop_map(|(mantissa, sign_exponent)| F80 { mantissa, sign_exponent }),
        (any::<u64>(), 0u16..3).prop_map(|(mantissa, sign_exponent)| F80 { mantissa, sign_exponent }),
        prop::sample::select(vec![
            F80::ZERO,
            F80::ONE,
            F80::INDEFINITE,
            F80 { mantissa: 1 << 63, sign_exponent: 0x7fff }
        ]),
        any::<u64>().prop_map(|bits| F80 { mantissa: bits | 1 << 63, sign_exponent: 0x7fff }),
    ]
}

fn from_f64(value: f64) -> F80 {
    let (bits, sign) = (value.to_bits(), value.is_sign_negative());
    if value == 0.0 {
        return F80::ZERO.with_sign(sign);
    }
    let exponent = (bits >> 52 & 0x7ff) as u16 + 16383 - 1023;
    F80 { mantissa: 1 << 63 | bits << 12 >> 1, sign_exponent: exponent }.with_sign(sign)
}

fn bytes(value: F80) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&value.mantissa.to_le_bytes());
    bytes[8..].copy_from_slice(&value.sign_exponent.to_le_bytes());
    bytes
}

/// Runs an x87 instruction here, from ST(0), ST(1) and a control word.
fn run_x87(bench: &mut Bench, code: &[u8], a: F80, b: F80, control: u16) -> Registers {
    let after = run(bench, code, |ours| {
        ours.fpu.st = [F80::ZERO; 8];
        (ours.fpu.st[6], ours.fpu.st[7]) = (a, b);
        ours.fpu.empty = 0x3f;
        ours.fpu.status = 6 << 11;
        ours.fpu.control = control;
        ours.eflags = 2;
    });
    after.unwrap()
}

fn register(after: &Registers, number: u8) -> F80 {
    after.fpu.st[usize::from(after.fpu.top() + number) & 7]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn x87(a in extended(), b in extended(), precision in prop::sample::select(vec![0u16, 0x200, 0x300]), rounding in 0u16..4) {
        let control = 0x7f | precision | rounding << 10;
        let mut bench = Bench::new(&[]);
        for (text, code, native) in EXACT {
            let theirs = native(X87 { st: [bytes(a), bytes(b)], control, status: 0, eflags: 0 });
            let ours = run_x87(&mut bench, code, a, b, control);
            let what = format!("{text} of {a:x?} {b:x?} with {control:x}");
            prop_assert_eq!([bytes(register(&ours, 0)), bytes(register(&ours, 1))], theirs.st, "{}", what);
            prop_assert_eq!(ours.fpu.status & 0x477f, theirs.status & 0x477f, "status of {}", what);
            if text.contains("comi") {
                prop_assert_eq!(ours.eflags & ALL, theirs.eflags & ALL, "flags of {}", what);
            }
        }
    }

    #[test]
    fn functions_are_good_to_53_bits(a in -1.0f64..1.0, b in 0.01f64..100.0) {
        let mut bench = Bench::new(&[]);
        let cases = BOUNDED.iter().map(|case| (case, from_f64(a), from_f64(b)));
        let popping = BOUNDED_POP.iter().map(|case| {
            let first = if case.0.starts_with("fyl2xp1") { a * 0.29 } else { b };
            (case, from_f64(first), from_f64(a))
        });
        for ((text, code, native), a, b) in cases.chain(popping) {
            let theirs = native(X87 { st: [bytes(a), bytes(b)], control: 0x37f, status: 0, eflags: 0 });
            let at = usize::from(text.contains("fld1"));
            let ours = register(&run_x87(&mut bench, code, a, b, 0x37f), 0);
            let mantissa = u64::from_le_bytes(theirs.st[at][..8].try_into().unwrap());
            let exponent = u16::from_le_bytes(theirs.st[at][8..].try_into().unwrap());
            prop_assert_eq!(ours.sign_exponent, exponent, "{} of {:x?} {:x?}", text, a, b);
            let distance = ours.mantissa.abs_diff(mantissa);
            prop_assert!(distance < 1 << 13, "{text} of {a:x?} {b:x?}: {distance} units of 2^-63");
        }
    }
}

/// A lane pair of singles or a double, often special.
fn quad() -> impl Strategy<Value = u64> {
    let single = || {
        prop_oneof![
            any::<u32>(),
            any::<i16>().prop_map(|value| (f32::from(value) / 8.0).to_bits()),
            prop::sample::select(vec![0, 1 << 31, 0x7f80_0000, 0x7fc0_0001, 0xffa0_0002, 1, 0x007f_ffff, 0x7f7f_ffff]),
        ]
    };
    prop_oneof![
        any::<u64>(),
        (single(), single()).prop_map(|(low, high)| u64::from(high) << 32 | u64::from(low)),
        any::<i32>().prop_map(|value| (f64::from(value) / 64.0).to_bits()),
        (any::<u64>(), 0x3f0u64..0x410).prop_map(|(bits, exponent)| bits & 0x800f_ffff_ffff_ffff | exponent << 52),
        prop::sample::select(vec![
            0,
            1 << 63,
            0x7ff << 52,
            0x7ff8_0000_0000_0001,
            0xfff4_0000_0000_0002,
            1,
            0x000f_ffff_ffff_ffff
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn sse(lanes in [quad(), quad(), quad(), quad()], rounding in 0u32..4, sticky in 0u32..0x40, flush in any::<bool>()) {
        let [a, b, c, d] = lanes;
        let xmm = [u128::from(a) << 64 | u128::from(b), u128::from(c) << 64 | u128::from(d)];
        // No denormals-are-zero, which is bit 6.
        let mxcsr = 0x1f80 | rounding << 13 | sticky & 0x3f | u32::from(flush) << 15;
        let mut bench = Bench::new(&[]);
        for (text, code, native) in SSES {
            let theirs = native(Sse { xmm, mxcsr });
            let ours = run(&mut bench, code, |ours| {
                ours.fpu.xmm[..2].copy_from_slice(&xmm);
                ours.fpu.mxcsr = mxcsr;
            });
            let ours = ours.unwrap();
            prop_assert_eq!(ours.fpu.xmm[0], theirs.xmm[0], "{} of {:032x?} with {:x}", text, xmm, mxcsr);
            prop_assert_eq!(ours.fpu.mxcsr, theirs.mxcsr, "mxcsr of {} of {:032x?} with {:x}", text, xmm, mxcsr);
        }
    }
}
