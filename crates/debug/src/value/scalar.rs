//! Numbers without parts: from little-endian bytes to a value.

use super::{Bytes, ValueKind};
use std::fmt;
use vatlas_symbols::types::BasicKind;

/// An integer as the program has it: so many bits, with a sign or without.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Integer {
    /// The bits, the rest zero.
    pub bits: u128,
    /// How many bits: 1 to 128.
    pub width: u32,
    /// Whether the highest bit is a sign.
    pub is_signed: bool,
}

impl Integer {
    /// The lowest `width` bits (1 to 128) of a number.
    pub const fn new(number: i128, width: u32, is_signed: bool) -> Self {
        Self { bits: number as u128 & mask(width), width, is_signed }
    }

    /// The number; one of 128 bits without a sign above the largest `i128` wraps.
    pub const fn number(self) -> i128 {
        let is_negative = self.is_signed && self.width > 0 && self.bits >> (self.width - 1) & 1 == 1;
        if is_negative { (self.bits | !mask(self.width)) as i128 } else { self.bits as i128 }
    }

    /// Some of its bits, as a bit field has them.
    pub const fn field(self, first: u32, bits: u32) -> Self {
        let shifted = if first < u128::BITS { self.bits >> first } else { 0 };
        Self { bits: shifted & mask(bits), width: bits, is_signed: self.is_signed }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_signed { self.number().fmt(f) } else { self.bits.fmt(f) }
    }
}

const fn mask(width: u32) -> u128 {
    if width >= u128::BITS { u128::MAX } else { (1 << width) - 1 }
}

/// The integer of at most 16 bytes, lowest first.
pub fn integer(bytes: &[u8], is_signed: bool) -> Option<Integer> {
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let bits = bytes.iter().rev().fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    Some(Integer { bits, width: bytes.len() as u32 * 8, is_signed })
}

/// The value of a basic type.
pub(super) fn scalar(kind: BasicKind, bytes: &Bytes) -> ValueKind {
    let Some(known) = bytes.all() else { return ValueKind::Missing(bytes.clone()) };
    let raw = || ValueKind::Raw(known.clone());
    let number = |is_signed| integer(&known, is_signed);
    match kind {
        BasicKind::Void => raw(),
        BasicKind::Bool => number(false).map_or_else(raw, ValueKind::Bool),
        BasicKind::Char | BasicKind::Char8 | BasicKind::Char16 | BasicKind::Char32 => {
            number(false).map_or_else(raw, ValueKind::Char)
        }
        BasicKind::Signed => number(true).map_or_else(raw, ValueKind::Integer),
        BasicKind::Unsigned => number(false).map_or_else(raw, ValueKind::Integer),
        BasicKind::Hresult => number(false).map_or_else(raw, |number| ValueKind::Hresult(number.bits as u32)),
        BasicKind::Float => float(&known).map_or_else(raw, ValueKind::Float),
        BasicKind::Complex => {
            let (real, imaginary) = known.split_at(known.len() / 2);
            match (float(real), float(imaginary)) {
                (Some(real), Some(imaginary)) => ValueKind::Complex(real, imaginary),
                _ => raw(),
            }
        }
    }
}

/// An IEEE number of 2, 4, 8 or 10 bytes; `None` of any other size.
fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        2 => Some(half(u16::from_le_bytes(*bytes.first_chunk()?))),
        4 => Some(f32::from_le_bytes(*bytes.first_chunk()?).into()),
        8 => Some(f64::from_le_bytes(*bytes.first_chunk()?)),
        10 | 12 => Some(extended(bytes)?),
        _ => None,
    }
}

/// `(-1)^sign * 2^(exponent - 15) * 1.fraction` of 1, 5 and 10 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// The x87 format: a mantissa of 64 bits with its leading 1, then 15 bits of exponent (bias 16383) and the sign.
fn extended(bytes: &[u8]) -> Option<f64> {
    let mantissa = u64::from_le_bytes(*bytes.first_chunk()?);
    let top = u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    let sign = if top >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(top & 0x7fff);
    Some(
        sign * match exponent {
            0x7fff if mantissa << 1 == 0 => f64::INFINITY,
            0x7fff => f64::NAN,
            // In two steps: the power alone may lie outside of the range of a double while the product does not.
            _ => {
                mantissa as f64
                    * 2f64.powi((exponent - 16_383) / 2)
                    * 2f64.powi((exponent - 16_383) - (exponent - 16_383) / 2 - 63)
            }
        },
    )
}
