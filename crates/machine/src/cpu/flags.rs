//! The arithmetic flags, kept as a result and its carries, and computed when they are read.
//!
//! With `c = a ^ b ^ r` for a sum or difference `r` of `a` and `b`, bit `i` of `c` is the carry (borrow) into bit `i`.
//! So `c >> 1` holds the carry out of every bit:
//!
//! ```text
//! CF = carry out of the top bit       OF = that, xor the carry out of the bit below       AF = carry out of bit 3
//! ZF = low half of result is 0        SF = bit 63 of result       PF = even parity of (byte 0 xor byte 4) of result
//! ```
//!
//! A result is stored sign-extended to 64 bits: then byte 4 is 0 or FF, of even parity. Any other set of flags, from
//! `popf` for instance, is written as a result that no instruction has.

/// Carry.
pub(crate) const CF: u32 = 1 << 0;
/// Parity of the lowest byte.
pub(crate) const PF: u32 = 1 << 2;
/// Carry out of bit 3.
pub(crate) const AF: u32 = 1 << 4;
/// Zero.
pub(crate) const ZF: u32 = 1 << 6;
/// Sign.
pub(crate) const SF: u32 = 1 << 7;
/// Single step.
pub(crate) const TF: u32 = 1 << 8;
/// Interrupts are allowed.
pub(crate) const IF: u32 = 1 << 9;
/// String operations go down.
pub(crate) const DF: u32 = 1 << 10;
/// Signed overflow.
pub(crate) const OF: u32 = 1 << 11;
/// Privilege for input and output.
pub(crate) const IOPL: u32 = 3 << 12;
/// Nested task.
pub(crate) const NT: u32 = 1 << 14;
/// Resume.
pub(crate) const RF: u32 = 1 << 16;
/// Virtual-8086 mode.
pub(crate) const VM: u32 = 1 << 17;

/// The flags that arithmetic sets.
pub(crate) const ARITHMETIC: u32 = CF | PF | AF | ZF | SF | OF;

const TOP: u32 = 1 << 31;

/// Result and carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flags {
    /// Sign-extended result.
    pub result: u64,
    /// Carry out of bit 31 in bit 31, of bit 30 in bit 30, of bit 3 in bit 3; others hold anything.
    pub carry: u32,
}

impl Flags {
    /// Flags of a logical operation: neither carry nor overflow. `AF` is undefined, here 0.
    #[inline(always)]
    pub const fn logic(result: u64) -> Self {
        Self { result, carry: 0 }
    }

    /// The flags of a word in the form of EFLAGS.
    pub const fn from_word(word: u32) -> Self {
        let zero = if word & ZF != 0 { 0 } else { 0x100 };
        let odd = if word & PF != 0 { 0 } else { 1 << 32 };
        let sign = ((word & SF) as u64) << 56;
        let carry = (word & CF) << 31;
        let below = ((word & CF) ^ (word & OF) >> 11) << 30;
        Self { result: zero | odd | sign, carry: carry | below | (word & AF) >> 1 }
    }

    /// The flags in their places in EFLAGS.
    pub const fn word(self) -> u32 {
        let cf = self.carry >> 31;
        let of = ((self.carry ^ (self.carry << 1)) >> 31) << 11;
        let pf = (self.parity() as u32) << 2;
        let zf = (self.zero() as u32) << 6;
        let sf = (self.sign() as u32) << 7;
        cf | pf | (self.carry & 8) << 1 | zf | sf | of
    }

    /// CF.
    #[inline(always)]
    pub const fn carry(self) -> bool {
        self.carry & TOP != 0
    }

    /// OF.
    #[inline(always)]
    pub const fn overflow(self) -> bool {
        (self.carry ^ (self.carry << 1)) & TOP != 0
    }

    /// ZF.
    #[inline(always)]
    pub const fn zero(self) -> bool {
        self.result as u32 == 0
    }

    /// SF.
    #[inline(always)]
    pub const fn sign(self) -> bool {
        (self.result as i64) < 0
    }

    /// PF.
    #[inline(always)]
    pub const fn parity(self) -> bool {
        ((self.result ^ (self.result >> 32)) as u8).count_ones() & 1 == 0
    }

    /// The same with CF and OF replaced.
    #[inline(always)]
    pub const fn with_carry_overflow(self, cf: bool, of: bool) -> Self {
        let top = (cf as u32) << 31 | ((cf ^ of) as u32) << 30;
        Self { carry: (self.carry & 8) | top, ..self }
    }

    /// The same with CF replaced.
    #[inline(always)]
    pub const fn with_carry(self, cf: bool) -> Self {
        self.with_carry_overflow(cf, self.overflow())
    }

    /// Whether condition 0 to 15 of `jcc`, `setcc` and `cmovcc` holds.
    #[inline(always)]
    pub const fn holds(self, condition: u8) -> bool {
        let plain = match condition >> 1 {
            0 => self.overflow(),
            1 => self.carry(),
            2 => self.zero(),
            3 => self.carry() || self.zero(),
            4 => self.sign(),
            5 => self.parity(),
            6 => self.sign() != self.overflow(),
            _ => self.zero() || self.sign() != self.overflow(),
        };
        plain != (condition & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_flags_can_be_stored() {
        for bits in 0..64 {
            let all = [CF, PF, AF, ZF, SF, OF];
            let word = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 != 0).map(|(_, flag)| flag).sum();
            assert_eq!(Flags::from_word(word).word(), word);
            let without = Flags::from_word(word).with_carry_overflow(true, false).word();
            assert_eq!(without, word & !OF | CF);
        }
    }

    #[test]
    fn conditions() {
        let holds =
            |word: u32| (0..16).filter(|condition| Flags::from_word(word).holds(*condition)).collect::<Vec<u8>>();
        assert_eq!(holds(0), [1, 3, 5, 7, 9, 11, 13, 15]);
        assert_eq!(holds(CF | ZF | SF), [1, 2, 4, 6, 8, 11, 12, 14]);
        assert_eq!(holds(SF | OF | PF), [0, 3, 5, 7, 8, 10, 13, 15]);
    }
}
