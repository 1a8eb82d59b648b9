//! Integers in lanes, and logic.

use super::{Lanes, Source};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;

/// An operation on two registers.
pub(super) trait Vector {
    fn apply(a: u128, b: u128) -> u128;
}

pub(super) fn vector<S: Source, V: Vector>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let b = S::get(core, op)?;
    core.set_xmm(op.a, V::apply(core.xmm(op.a), b));
    Ok(())
}

fn each<T: Lanes<N> + Copy, const N: usize>(a: u128, b: u128, what: impl Fn(T, T) -> T) -> u128 {
    let (a, b): ([T; N], [T; N]) = (T::lanes(a), T::lanes(b));
    T::join(std::array::from_fn(|lane| what(a[lane], b[lane])))
}

macro_rules! vectors {
    ($($name:ident: $type:ty, $count:literal, $what:expr;)*) => {$(
        pub(super) struct $name;
        impl Vector for $name {
            fn apply(a: u128, b: u128) -> u128 {
                each::<$type, $count>(a, b, $what)
            }
        }
    )*};
}
vectors! {
    Paddb: u8, 16, u8::wrapping_add;
    Paddw: u16, 8, u16::wrapping_add;
    Paddd: u32, 4, u32::wrapping_add;
    Paddq: u64, 2, u64::wrapping_add;
    Psubb: u8, 16, u8::wrapping_sub;
    Psubw: u16, 8, u16::wrapping_sub;
    Psubd: u32, 4, u32::wrapping_sub;
    Psubq: u64, 2, u64::wrapping_sub;
    Paddsb: i8, 16, i8::saturating_add;
    Paddsw: i16, 8, i16::saturating_add;
    Paddusb: u8, 16, u8::saturating_add;
    Paddusw: u16, 8, u16::saturating_add;
    Psubsb: i8, 16, i8::saturating_sub;
    Psubsw: i16, 8, i16::saturating_sub;
    Psubusb: u8, 16, u8::saturating_sub;
    Psubusw: u16, 8, u16::saturating_sub;
    Pmullw: i16, 8, i16::wrapping_mul;
    Pmulhw: i16, 8, |a, b| ((i32::from(a) * i32::from(b)) >> 16) as i16;
    Pmulhuw: u16, 8, |a, b| ((u32::from(a) * u32::from(b)) >> 16) as u16;
    Pmuludq: u64, 2, |a, b| u64::from(a as u32) * u64::from(b as u32);
    Pavgb: u8, 16, |a, b| ((u16::from(a) + u16::from(b) + 1) >> 1) as u8;
    Pavgw: u16, 8, |a, b| ((u32::from(a) + u32::from(b) + 1) >> 1) as u16;
    Pminub: u8, 16, u8::min;
    Pmaxub: u8, 16, u8::max;
    Pminsw: i16, 8, i16::min;
    Pmaxsw: i16, 8, i16::max;
    Pcmpeqb: u8, 16, |a, b| if a == b { u8::MAX } else { 0 };
    Pcmpeqw: u16, 8, |a, b| if a == b { u16::MAX } else { 0 };
    Pcmpeqd: u32, 4, |a, b| if a == b { u32::MAX } else { 0 };
    Pcmpgtb: i8, 16, |a, b| if a > b { -1 } else { 0 };
    Pcmpgtw: i16, 8, |a, b| if a > b { -1 } else { 0 };
    Pcmpgtd: i32, 4, |a, b| if a > b { -1 } else { 0 };
}

macro_rules! whole {
    ($($name:ident: |$a:ident, $b:ident| $what:expr;)*) => {$(
        pub(super) struct $name;
        impl Vector for $name {
            fn apply($a: u128, $b: u128) -> u128 {
                $what
            }
        }
    )*};
}
whole! {
    And: |a, b| a & b;
    AndNot: |a, b| !a & b;
    Or: |a, b| a | b;
    Xor: |a, b| a ^ b;
    Pmaddwd: |a, b| {
        let (a, b): ([i16; 8], [i16; 8]) = (Lanes::lanes(a), Lanes::lanes(b));
        let product = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
        i32::join(std::array::from_fn(|lane| product(2 * lane).wrapping_add(product(2 * lane + 1))))
    };
    Psadbw: |a, b| {
        let (a, b): ([u8; 16], [u8; 16]) = (Lanes::lanes(a), Lanes::lanes(b));
        let sum = |first: usize| (first..first + 8).map(|lane| u64::from(a[lane].abs_diff(b[lane]))).sum::<u64>();
        u64::join([sum(0), sum(8)])
    };
    Packsswb: |a, b| {
        let cut = |value: i16| value.clamp(-128, 127) as i8;
        i8::join(both::<i16, 8, i8, 16>(a, b, cut))
    };
    Packuswb: |a, b| {
        let cut = |value: i16| value.clamp(0, 255) as u8;
        u8::join(both::<i16, 8, u8, 16>(a, b, cut))
    };
    Packssdw: |a, b| {
        let cut = |value: i32| value.clamp(-32768, 32767) as i16;
        i16::join(both::<i32, 4, i16, 8>(a, b, cut))
    };
}

/// The lanes of the first, then those of the second, made narrower.
fn both<T: Lanes<N> + Copy, const N: usize, R, const M: usize>(a: u128, b: u128, cut: impl Fn(T) -> R) -> [R; M] {
    let (a, b): ([T; N], [T; N]) = (T::lanes(a), T::lanes(b));
    std::array::from_fn(|lane| cut(if lane < N { a[lane] } else { b[lane - N] }))
}

/// A shift of all lanes by one count; counts of the width and more give 0, or the sign.
pub(super) trait Shift {
    fn apply(value: u128, count: u64) -> u128;
}

macro_rules! shifts {
    ($($name:ident: $type:ty, $count:literal, |$value:ident, $by:ident| $what:expr;)*) => {$(
        pub(super) struct $name;
        impl Shift for $name {
            fn apply(value: u128, count: u64) -> u128 {
                let $by = count.min(64) as u32;
                each::<$type, $count>(value, 0, |$value, _| $what)
            }
        }
    )*};
}
shifts! {
    Psllw: u16, 8, |value, by| value.checked_shl(by).unwrap_or(0);
    Pslld: u32, 4, |value, by| value.checked_shl(by).unwrap_or(0);
    Psllq: u64, 2, |value, by| value.checked_shl(by).unwrap_or(0);
    Psrlw: u16, 8, |value, by| value.checked_shr(by).unwrap_or(0);
    Psrld: u32, 4, |value, by| value.checked_shr(by).unwrap_or(0);
    Psrlq: u64, 2, |value, by| value.checked_shr(by).unwrap_or(0);
    Psraw: i16, 8, |value, by| value >> by.min(15);
    Psrad: i32, 4, |value, by| value >> by.min(31);
}

/// Of the whole register, by bytes.
pub(super) struct Pslldq;
impl Shift for Pslldq {
    fn apply(value: u128, count: u64) -> u128 {
        value.checked_shl(count.min(16) as u32 * 8).unwrap_or(0)
    }
}

/// The same to the right.
pub(super) struct Psrldq;
impl Shift for Psrldq {
    fn apply(value: u128, count: u64) -> u128 {
        value.checked_shr(count.min(16) as u32 * 8).unwrap_or(0)
    }
}

pub(super) fn shift_by_immediate<O: Shift>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.set_xmm(op.a, O::apply(core.xmm(op.a), (op.immediate & 0xff).into()));
    Ok(())
}

/// The count is the low 64 bits of the second operand.
pub(super) fn shift<S: Source, O: Shift>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let count: u128 = S::get(core, op)?;
    core.set_xmm(op.a, O::apply(core.xmm(op.a), count as u64));
    Ok(())
}
