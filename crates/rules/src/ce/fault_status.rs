//! The fault status register of ARM (FSR), which Windows CE up to 5 prints with a data abort.
//!
//! ```text
//! bits 0-3  status     0001, 0011 alignment       0101, 0111 translation
//!                      1001, 1011 domain          1101, 1111 permission
//!                      of the last three, bit 1: found at the second level, a page; else at the first, 1 MB
//! bits 4-7  domain     bit 11 (ARMv6 and later): the access was a write
//! ```
//!
//! Sources: an article of the Windows CE team about printed exception strings; the ARM architecture's table of statuses.

use crate::statement::Support;

/// Why the memory management unit refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultReason {
    /// The address is not aligned for the size of the access.
    Alignment,
    /// No page is mapped at the address.
    Translation,
    /// The domain of the page is not open to this thread.
    Domain,
    /// The page is there, but does not allow this access.
    Permission,
    /// Memory or a device on the bus reported an error.
    External,
    /// A status that is not decoded here.
    Other,
}

impl FaultReason {
    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alignment => "alignment",
            Self::Translation => "translation",
            Self::Domain => "domain",
            Self::Permission => "permission",
            Self::External => "external",
            Self::Other => "other",
        }
    }

    /// A sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Alignment => "the address is not aligned for the size of the access",
            Self::Translation => "nothing is mapped at the address",
            Self::Domain => "the domain of the memory is not open to this thread",
            Self::Permission => "memory is there, but the thread may not use it so",
            Self::External => "memory or a device reported an error on the bus",
            Self::Other => "a status that is not decoded here",
        }
    }
}

/// A fault status in parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultStatus {
    /// The register.
    pub raw: u32,
    /// Why.
    pub reason: FaultReason,
    /// Whether the walk ended at a page (second level) or before (first level, 1 MB); `None` where no walk counts.
    pub at_page: Option<bool>,
    /// The domain, where the status has one.
    pub domain: Option<u8>,
    /// Bit 11 is set: on ARMv6 and later the access was a write. Clear it says nothing, for older processors lack it.
    pub is_write: bool,
    /// How well the reading is supported.
    pub support: &'static [Support],
}

/// Decodes a fault status register.
pub const fn fault_status(raw: u32) -> FaultStatus {
    let at_page = Some(raw & 2 != 0);
    // Bit 10 makes another table of the statuses, of ARMv6 and later.
    let (reason, at_page) = match raw & 0x40f {
        0x1 | 0x3 => (FaultReason::Alignment, None),
        0x5 | 0x7 => (FaultReason::Translation, at_page),
        0x9 | 0xb => (FaultReason::Domain, at_page),
        0xd | 0xf => (FaultReason::Permission, at_page),
        0x4 | 0x6 | 0x8 | 0xa | 0xc | 0xe => (FaultReason::External, None),
        _ => (FaultReason::Other, None),
    };
    let has_domain = matches!(reason, FaultReason::Domain | FaultReason::Permission);
    FaultStatus {
        raw,
        reason,
        at_page,
        domain: if has_domain { Some(((raw >> 4) & 0xf) as u8) } else { None },
        is_write: raw & 0x800 != 0,
        support: &[Support::Documented],
    }
}

impl FaultStatus {
    /// The status in words: `translation fault of a page: nothing is mapped at the address`.
    pub fn words(&self) -> String {
        let level = match self.at_page {
            Some(true) => " of a page",
            Some(false) => " of a 1 MB section",
            None => "",
        };
        let write = if self.is_write { ", by a write" } else { "" };
        format!("{} fault{level}{write}: {}", self.reason.word(), self.reason.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: u32, reason: FaultReason, at_page: Option<bool>) {
        let status = fault_status(raw);
        assert_eq!((status.reason, status.at_page), (reason, at_page), "{raw:#x}");
    }

    #[test]
    fn statuses_of_real_logs() {
        check(0x7, FaultReason::Translation, Some(true));
        check(0xd, FaultReason::Permission, Some(false));
        check(0x1, FaultReason::Alignment, None);
        check(0x5, FaultReason::Translation, Some(false));
        check(0xf, FaultReason::Permission, Some(true));
        check(0x407, FaultReason::Other, None);
        assert_eq!(
            fault_status(0xd).words(),
            "permission fault of a 1 MB section: memory is there, but the thread may not use it so"
        );
        assert_eq!(
            fault_status(0x807).words(),
            "translation fault of a page, by a write: nothing is mapped at the address"
        );
        assert_eq!(fault_status(0x3b).domain, Some(3));
    }
}
