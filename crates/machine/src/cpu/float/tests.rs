//! The host's own single and double precision is the judge: random operands, every bit of the result.

use super::*;
use proptest::prelude::*;

/// Bits that are often interesting: any, small exponents, close to each other.
fn double() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (any::<u64>(), 1015u64..1030).prop_map(|(bits, exponent)| bits & 0x800f_ffff_ffff_ffff | exponent << 52),
        (any::<bool>(), 0u64..4, any::<u64>())
            .prop_map(|(sign, exponent, bits)| u64::from(sign) << 63 | exponent << 52 | bits >> 12),
        prop::sample::select(vec![0, 1 << 63, 0x7ff << 52, 0xfff << 52, 0x3ff << 52, 1, 0x7fef_ffff_ffff_ffff]),
    ]
}

fn single() -> impl Strategy<Value = u32> {
    double().prop_map(|bits| (f64::from_bits(bits) as f32).to_bits() ^ (bits as u32 & 3))
}

fn env(format: Format) -> Env {
    Env { first_nan_wins: true, ..Env::new(format, Rounding::Nearest) }
}

/// Equal bits, or both NaN: which NaN is looked at elsewhere.
fn same64(ours: Number, host: f64) -> bool {
    let ours = F64::pack(ours).0;
    ours == host.to_bits() || host.is_nan() && f64::from_bits(ours).is_nan()
}

fn same32(ours: Number, host: f32) -> bool {
    let ours = F32::pack(ours).0;
    ours == host.to_bits() || host.is_nan() && f32::from_bits(ours).is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn doubles_are_those_of_the_host(a in double(), b in double()) {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let (p, q) = (F64(a).unpack(), F64(b).unpack());
        prop_assert!(same64(env(DOUBLE).add(p, q), x + y), "{x:e} + {y:e}");
        prop_assert!(same64(env(DOUBLE).sub(p, q), x - y), "{x:e} - {y:e}");
        prop_assert!(same64(env(DOUBLE).mul(p, q), x * y), "{x:e} * {y:e}");
        prop_assert!(same64(env(DOUBLE).div(p, q), x / y), "{x:e} / {y:e}");
        prop_assert!(same64(env(DOUBLE).sqrt(p), x.sqrt()), "sqrt {x:e}");
        prop_assert_eq!(env(DOUBLE).compare(&p, &q, true), x.partial_cmp(&y));
        prop_assert!(same64(env(DOUBLE).nearest_integral(p), x.round_ties_even()), "round {x:e}");
    }

    #[test]
    fn singles_are_those_of_the_host(a in single(), b in single()) {
        let (x, y) = (f32::from_bits(a), f32::from_bits(b));
        let (p, q) = (F32(a).unpack(), F32(b).unpack());
        prop_assert!(same32(env(SINGLE).add(p, q), x + y), "{x:e} + {y:e}");
        prop_assert!(same32(env(SINGLE).mul(p, q), x * y), "{x:e} * {y:e}");
        prop_assert!(same32(env(SINGLE).div(p, q), x / y), "{x:e} / {y:e}");
        prop_assert!(same32(env(SINGLE).sqrt(p), x.sqrt()), "sqrt {x:e}");
    }

    #[test]
    fn conversions_are_those_of_the_host(a in double(), wide in any::<i64>()) {
        let (x, p) = (f64::from_bits(a), F64(a).unpack());
        prop_assert!(same32(env(SINGLE).convert(p), x as f32), "{x:e} as f32");
        prop_assert!(same64(env(DOUBLE).convert(Number::from_integer(wide)), wide as f64));
        let mut toward_zero = Env::new(DOUBLE, Rounding::Zero);
        let integer = toward_zero.nearest_integer(&p, 32);
        let fits = x > -2_147_483_649.0 && x < 2_147_483_648.0;
        prop_assert_eq!(integer, if fits { x as i64 } else { i64::from(i32::MIN) });
        prop_assert_eq!(toward_zero.raised & INVALID != 0, !fits);
    }

    #[test]
    fn eighty_bits_hold_every_double(a in double()) {
        let number = F64(a).unpack();
        let wide = F80::pack(Env::new(EXTENDED, Rounding::Nearest).convert(number));
        let back = F64::pack(Env::new(DOUBLE, Rounding::Nearest).convert(wide.unpack())).0;
        prop_assert!(back == a || f64::from_bits(a).is_nan() && back == a | 1 << 51);
    }

    #[test]
    fn remainders_are_those_of_the_host(a in double(), b in double()) {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        if !x.is_finite() || !y.is_finite() || y == 0.0 {
            return Ok(());
        }
        let (mut rest, divisor) = (F64(a).unpack(), F64(b).unpack());
        let mut env = Env::new(EXTENDED, Rounding::Nearest);
        let mut rounds = 0;
        loop {
            let (next, quotient) = env.remainder(rest, divisor, false);
            rest = F80::pack(next).unpack();
            rounds += 1;
            prop_assert!(rounds < 100);
            if quotient.is_some() { break }
        }
        prop_assert!(same64(Env::new(DOUBLE, Rounding::Nearest).convert(rest), x % y), "{x:e} % {y:e}");
    }
}

/// Mode, and the four results of rounding 1 + 2^-60 and its negative to single precision.
#[test]
fn roundings_have_directions() {
    let number =
        Number { class: Class::Finite, is_negative: false, exponent: 0, mantissa: 1 << 63 | 8, is_denormal: false };
    let rounded = |rounding, number| {
        let mut env = Env::new(SINGLE, rounding);
        let result = F32::pack(env.convert(number)).0;
        assert_eq!(env.raised, INEXACT);
        f32::from_bits(result)
    };
    let next = 1.0 + f32::EPSILON;
    for (rounding, positive, negative) in [
        (Rounding::Nearest, 1.0, -1.0),
        (Rounding::Down, 1.0, -next),
        (Rounding::Up, next, -1.0),
        (Rounding::Zero, 1.0, -1.0),
    ] {
        assert_eq!((rounded(rounding, number), rounded(rounding, number.negated())), (positive, negative));
    }
}

#[test]
fn exceptions_say_what_happened() {
    let number = |value: f64| F64(value.to_bits()).unpack();
    let check = |what: &dyn Fn(&mut Env) -> Number, expected: u16| {
        let mut env = Env::new(DOUBLE, Rounding::Nearest);
        what(&mut env);
        assert_eq!(env.raised, expected);
    };
    check(&|env| env.div(number(1.0), number(0.0)), ZERO_DIVIDE);
    check(&|env| env.div(number(0.0), number(0.0)), INVALID);
    check(&|env| env.div(number(1.0), number(3.0)), INEXACT);
    check(&|env| env.mul(number(1e300), number(1e300)), OVERFLOW | INEXACT);
    check(&|env| env.mul(number(1e-300), number(1e-300)), UNDERFLOW | INEXACT);
    check(&|env| env.add(number(f64::from_bits(1)), number(1.0)), DENORMAL | INEXACT);
    check(&|env| env.sqrt(number(-1.0)), INVALID);
    check(&|env| env.add(number(1.0), number(2.0)), 0);
}
