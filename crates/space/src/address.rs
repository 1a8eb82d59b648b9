//! One type for each kind of number that names a place: virtual, physical, relative, in a file.

use std::fmt;

/// How many bits a pointer has on the machine that is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PointerWidth {
    /// 4-byte pointers: one space is 4 GB.
    Bits32,
    /// 8-byte pointers.
    Bits64,
}

impl PointerWidth {
    /// Bytes in a pointer: 4 or 8.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }

    /// Hexadecimal digits that write any address: 8 or 16.
    pub const fn digits(self) -> usize {
        self.bytes() * 2
    }

    /// The highest address that a pointer of this width can hold.
    pub const fn last(self) -> Va {
        match self {
            Self::Bits32 => Va(u32::MAX as u64),
            Self::Bits64 => Va(u64::MAX),
        }
    }

    /// Reads a little-endian pointer from the front of `bytes`; `None` when they are too few.
    pub fn pointer(self, bytes: &[u8]) -> Option<Va> {
        match self {
            Self::Bits32 => Some(Va(u32::from_le_bytes(*bytes.first_chunk()?).into())),
            Self::Bits64 => Some(Va(u64::from_le_bytes(*bytes.first_chunk()?))),
        }
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);

        impl $name {
            /// The number `bytes` further up; `None` past the end of the number range.
            pub const fn checked_add(self, bytes: $inner) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The number `bytes` further down; `None` below zero.
            pub const fn checked_sub(self, bytes: $inner) -> Option<Self> {
                match self.0.checked_sub(bytes) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }

            /// How far above `base` this lies, in bytes; `None` when it lies below.
            pub const fn offset_from(self, base: Self) -> Option<$inner> {
                self.0.checked_sub(base.0)
            }
        }
    };
}

number! {
    /// A virtual address.
    Va(u64)
}
number! {
    /// A physical address.
    Pa(u64)
}
number! {
    /// A relative virtual address: bytes from the base of a loaded image.
    Rva(u32)
}
number! {
    /// A page frame number: a physical address divided by the page size.
    Pfn(u64)
}
number! {
    /// A byte offset in a file.
    FileOffset(u64)
}

impl Va {
    /// The lowest address of all.
    pub const ZERO: Self = Self(0);

    /// This address rounded down to a multiple of `alignment`, a power of two.
    pub const fn align_down(self, alignment: u64) -> Self {
        debug_assert!(alignment.is_power_of_two());
        Self(self.0 & !(alignment - 1))
    }

    /// Whether this address is a multiple of `alignment`, a power of two.
    pub const fn is_aligned(self, alignment: u64) -> bool {
        debug_assert!(alignment.is_power_of_two());
        self.0 & (alignment - 1) == 0
    }

    /// The address as text with all digits of a pointer: `0x0012f980`, `0x00007ff6a1b20000`.
    pub fn text(self, width: PointerWidth) -> String {
        format!("{:#0digits$x}", self.0, digits = width.digits() + 2)
    }
}

impl fmt::Display for Va {
    /// Eight digits when they are enough, else sixteen; use [`Va::text`] where columns must agree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 > u64::from(u32::MAX) { 18 } else { 10 };
        write!(f, "{:#0digits$x}", self.0)
    }
}

impl fmt::LowerHex for Va {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

macro_rules! shown_in_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    )*};
}
shown_in_hex!(Pa, Rva, Pfn, FileOffset);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_all_digits_of_a_pointer() {
        assert_eq!(Va(0x12f980).text(PointerWidth::Bits32), "0x0012f980");
        assert_eq!(Va(0x12f980).text(PointerWidth::Bits64), "0x000000000012f980");
        assert_eq!(Va(0x12f980).to_string(), "0x0012f980");
        assert_eq!(Va(0x1_0000_0000).to_string(), "0x0000000100000000");
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Va(u64::MAX).checked_add(1), None);
        assert_eq!(Va(0).checked_sub(1), None);
        assert_eq!(Va(0x1001).offset_from(Va(0x1000)), Some(1));
        assert_eq!(Va(0xfff).offset_from(Va(0x1000)), None);
        assert_eq!(Va(0x1fff).align_down(0x1000), Va(0x1000));
    }

    #[test]
    fn pointers_are_little_endian() {
        let bytes = [0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0];
        assert_eq!(PointerWidth::Bits32.pointer(&bytes), Some(Va(0x1234_5678)));
        assert_eq!(PointerWidth::Bits64.pointer(&bytes), Some(Va(0x1234_5678)));
        assert_eq!(PointerWidth::Bits64.pointer(&bytes[..7]), None);
    }
}
