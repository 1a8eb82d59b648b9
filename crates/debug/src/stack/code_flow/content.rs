//! What a register or a word holds: a sum of what something was on entry.

use vatlas_space::Va;

/// What a register or a word holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::stack) enum Content {
    /// What a register had on entry, plus a number.
    Entry(u8, i32),
    /// The word that lay at such an address on entry.
    Word(u8, i32),
    /// A number.
    Number(u32),
    /// Something else.
    Unknown,
}

impl Content {
    /// The content plus a number.
    pub fn plus(self, number: i32) -> Self {
        match self {
            Self::Entry(register, offset) => Self::Entry(register, offset.wrapping_add(number)),
            Self::Number(value) => Self::Number(value.wrapping_add_signed(number)),
            _ if number == 0 => self,
            _ => Self::Unknown,
        }
    }

    /// The sum of two.
    pub fn sum(self, other: Self) -> Self {
        match (self, other) {
            (content, Self::Number(number)) | (Self::Number(number), content) => content.plus(number as i32),
            _ => Self::Unknown,
        }
    }

    /// The difference of two.
    pub fn difference(self, other: Self) -> Self {
        match other {
            Self::Number(number) => self.plus((number as i32).wrapping_neg()),
            _ => Self::Unknown,
        }
    }

    /// Whether it is the address, as far as 31 bits of it tell: bit 0 of a Thumb address says "Thumb".
    pub fn is_number(self, va: Va) -> bool {
        matches!(self, Self::Number(number) if u64::from(number & !1) == va.0)
    }

    /// A number computed from one.
    pub fn map(self, compute: impl FnOnce(u32) -> u32) -> Self {
        match self {
            Self::Number(number) => Self::Number(compute(number)),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let entry = Content::Entry(1, 4);
        assert_eq!(entry.sum(Content::Number(4)), Content::Entry(1, 8));
        assert_eq!(Content::Number(4).sum(entry), Content::Entry(1, 8));
        assert_eq!(entry.difference(Content::Number(8)), Content::Entry(1, -4));
        assert_eq!(Content::Number(4).difference(entry), Content::Unknown);
        assert_eq!(Content::Word(1, 4).plus(1), Content::Unknown);
        assert_eq!(Content::Entry(1, i32::MAX).plus(1), Content::Entry(1, i32::MIN));
    }
}
