//! Shuffles, unpackings, single words in and out.

use super::integer::Vector;
use super::{Lanes, Source};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;
use crate::cpu::operand;

fn interleave<T: Lanes<N> + Copy, const N: usize>(a: u128, b: u128, first: usize) -> u128 {
    let (a, b): ([T; N], [T; N]) = (T::lanes(a), T::lanes(b));
    T::join(std::array::from_fn(|lane| if lane % 2 == 0 { a[first + lane / 2] } else { b[first + lane / 2] }))
}

macro_rules! unpack {
    ($($name:ident: $type:ty, $count:literal, $first:literal;)*) => {$(
        pub(super) struct $name;
        impl Vector for $name {
            fn apply(a: u128, b: u128) -> u128 {
                interleave::<$type, $count>(a, b, $first)
            }
        }
    )*};
}
unpack! {
    LowBytes: u8, 16, 0;
    HighBytes: u8, 16, 8;
    LowWords: u16, 8, 0;
    HighWords: u16, 8, 4;
    LowDoubles: u32, 4, 0;
    HighDoubles: u32, 4, 2;
    LowQuads: u64, 2, 0;
    HighQuads: u64, 2, 1;
}

fn pick<T: Copy>(from: &[T; 4], choice: u32, lane: usize) -> T {
    from[(choice >> (2 * lane) & 3) as usize]
}

/// `shufps`: two lanes of the first, two of the second.
pub(super) fn shufps<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let (a, b): ([u32; 4], [u32; 4]) = (Lanes::lanes(core.xmm(op.a)), Lanes::lanes(S::get(core, op)?));
    let lanes = std::array::from_fn(|lane| pick(if lane < 2 { &a } else { &b }, op.immediate, lane));
    core.set_xmm(op.a, u32::join(lanes));
    Ok(())
}

pub(super) fn shufpd<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let (a, b): ([u64; 2], [u64; 2]) = (Lanes::lanes(core.xmm(op.a)), Lanes::lanes(S::get(core, op)?));
    let lanes = [a[(op.immediate & 1) as usize], b[(op.immediate >> 1 & 1) as usize]];
    core.set_xmm(op.a, u64::join(lanes));
    Ok(())
}

pub(super) fn pshufd<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let from: [u32; 4] = Lanes::lanes(S::get(core, op)?);
    core.set_xmm(op.a, u32::join(std::array::from_fn(|lane| pick(&from, op.immediate, lane))));
    Ok(())
}

/// `pshuflw` when `HALF` is 0, `pshufhw` when it is 1: four words; the other four stay as in the source.
pub(super) fn pshufw<S: Source, const HALF: usize>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let from: [u16; 8] = Lanes::lanes(S::get(core, op)?);
    let half: [u16; 4] = std::array::from_fn(|lane| from[4 * HALF + lane]);
    let lanes =
        std::array::from_fn(|lane| if lane / 4 == HALF { pick(&half, op.immediate, lane % 4) } else { from[lane] });
    core.set_xmm(op.a, u16::join(lanes));
    Ok(())
}

pub(super) fn pextrw(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let lanes: [u16; 8] = Lanes::lanes(core.xmm(op.b));
    core.gpr[usize::from(op.a & 7)] = lanes[(op.immediate & 7) as usize].into();
    Ok(())
}

/// From a general register or memory of 16 bits.
pub(super) fn pinsrw<S: operand::Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value = S::get::<u16>(core, op)?;
    let mut lanes: [u16; 8] = Lanes::lanes(core.xmm(op.a));
    lanes[(op.immediate & 7) as usize] = value;
    core.set_xmm(op.a, u16::join(lanes));
    Ok(())
}
