//! Numbers taken apart from their formats, and put together again.

use super::{Class, F80, Number};

/// A 32-bit number, by its bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct F32(pub u32);

/// A 64-bit number, by its bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct F64(pub u64);

/// Takes apart an interchange format with `fraction` stored bits and this bias.
const fn unpack(bits: u64, is_negative: bool, fraction: u32, bias: i32) -> Number {
    let stored = bits & ((1 << fraction) - 1);
    let biased = (bits >> fraction) as i32 & (2 * bias + 1);
    let top = 63 - fraction;
    if biased == 2 * bias + 1 {
        let class = if stored == 0 { Class::Infinite } else { Class::Nan };
        return Number { class, is_negative, exponent: 0, mantissa: 1 << 63 | stored << top, is_denormal: false };
    }
    if biased == 0 && stored == 0 {
        return Number::zero(is_negative);
    }
    if biased == 0 {
        let shift = stored.leading_zeros();
        let exponent = 1 - bias - (shift as i32 - top as i32);
        return Number { class: Class::Finite, is_negative, exponent, mantissa: stored << shift, is_denormal: true };
    }
    let mantissa = 1 << 63 | stored << top;
    Number { class: Class::Finite, is_negative, exponent: biased - bias, mantissa, is_denormal: false }
}

/// Puts together what was rounded to the format.
const fn pack(number: Number, fraction: u32, bias: i32) -> u64 {
    let top = 63 - fraction;
    let all = (2 * bias + 1) as u64;
    let stored = number.mantissa << 1 >> 1 >> top;
    match number.class {
        Class::Zero => 0,
        Class::Infinite => all << fraction,
        Class::Nan | Class::Unsupported => all << fraction | stored | 1 << (fraction - 1),
        Class::Finite => {
            // A denormal has the lowest exponent and no top bit.
            let biased = if number.mantissa >> 63 == 0 { 0 } else { (number.exponent + bias) as u64 };
            biased << fraction | stored
        }
    }
}

impl F32 {
    pub const fn unpack(self) -> Number {
        unpack((self.0 & 0x7fff_ffff) as u64, self.0 >> 31 != 0, 23, 127)
    }

    pub const fn pack(number: Number) -> Self {
        Self(pack(number, 23, 127) as u32 | (number.is_negative as u32) << 31)
    }
}

impl F64 {
    pub const fn unpack(self) -> Number {
        unpack(self.0 & !(1 << 63), self.0 >> 63 != 0, 52, 1023)
    }

    pub const fn pack(number: Number) -> Self {
        Self(pack(number, 52, 1023) | (number.is_negative as u64) << 63)
    }
}

impl F80 {
    pub(crate) const fn unpack(self) -> Number {
        let is_negative = self.is_negative();
        let biased = (self.sign_exponent & 0x7fff) as i32;
        let has_integer_bit = self.mantissa >> 63 != 0;
        let class = match (biased, has_integer_bit) {
            (0, _) if self.mantissa == 0 => return Number::zero(is_negative),
            (0x7fff, true) if self.mantissa << 1 == 0 => Class::Infinite,
            (0x7fff, true) => Class::Nan,
            (0, _) | (_, true) => Class::Finite,
            _ => Class::Unsupported,
        };
        // Both denormals and pseudo-denormals have the exponent that an exponent field of 1 means.
        let is_denormal = biased == 0;
        if let (Class::Finite, true) = (&class, is_denormal) {
            let shift = self.mantissa.leading_zeros();
            let exponent = -16382 - shift as i32;
            return Number { class, is_negative, exponent, mantissa: self.mantissa << shift, is_denormal };
        }
        Number { class, is_negative, exponent: biased - 16383, mantissa: self.mantissa, is_denormal: false }
    }

    pub(crate) const fn pack(number: Number) -> Self {
        let biased = match number.class {
            Class::Zero => 0,
            Class::Infinite | Class::Nan | Class::Unsupported => 0x7fff,
            Class::Finite if number.mantissa >> 63 == 0 => 0,
            Class::Finite => (number.exponent + 16383) as u16,
        };
        let mantissa = match number.class {
            Class::Zero => 0,
            Class::Infinite => 1 << 63,
            Class::Nan => number.mantissa | 3 << 62,
            _ => number.mantissa,
        };
        Self { mantissa, sign_exponent: biased | (number.is_negative as u16) << 15 }
    }
}
