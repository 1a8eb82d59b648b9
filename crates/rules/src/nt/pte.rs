//! What Windows NT keeps in a page-table entry: the letters of a valid one, the software forms of an invalid one.
//!
//! Non-PAE forms; those of PAE have the same low 12 bits, and the number of 20 or 21 bits in their upper half
//! (unverified):
//!
//! ```text
//! page file   0 | PageFileLow:4 (1) | Protection:5 (5) | Prototype=0 (10) | Transition=0 (11) | PageFileHigh:20 (12)
//! transition  0 | Write | Owner | WT | CD | Protection:5 (5) | Prototype=0 (10) | Transition=1 (11) | PFN:20 (12)
//! prototype   0 | ProtoAddressLow:7 (1) | ReadOnly (8) | WhichPool (9) | Prototype=1 (10) | ProtoAddressHigh:21 (11)
//! subsection  0 | SubsectionLow:4 (1) | Protection:5 (5) | Prototype=1 (10) | SubsectionHigh:20 (11) | WhichPool (31)
//! prototype = MmPagedPoolStart + (High << 9 | Low << 2)
//! subsection = WhichPool ? MmSubsectionBase + (High << 7 | Low << 3) : MmNonPagedPoolEnd - (High << 7 | Low << 3)
//! ```

use vatlas_space::{PageTableEntry, Pfn, Protection, Va};

/// Bit 9 of a valid entry, kept by software: a write makes a private copy.
pub const COPY_ON_WRITE: u64 = 1 << 9;
/// Bit 10, kept by software: the page is shared, through a prototype entry.
pub const PROTOTYPE: u64 = 1 << 10;
/// Bit 11 of an invalid entry: the page is in transition.
pub const TRANSITION: u64 = 1 << 11;
/// Bit 11 of a valid entry of a multiprocessor kernel: the page may be written, whatever bit 1 says now.
pub const SOFTWARE_WRITE: u64 = 1 << 11;
/// A user page that is committed, read and write, and was never touched.
pub const DEMAND_ZERO_READ_WRITE: u64 = 0x80;
/// A page that was decommitted.
pub const DECOMMITTED: u64 = 0x200;

/// How wide entries are, and whether the numbers of software forms start at bit 12 or at bit 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PteWidth {
    /// 4-byte entries.
    NonPae,
    /// 8-byte entries.
    Pae,
}

/// What the target's kernel says: bases that software forms count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PteRules {
    /// Width of entries.
    pub width: PteWidth,
    /// `MmPagedPoolStart`: prototype entries are counted from here.
    pub prototype_base: Va,
    /// `MmSubsectionBase`.
    pub subsection_base: Va,
    /// `MmNonPagedPoolEnd`.
    pub nonpaged_pool_end: Va,
}

/// Where an entry is: in a page table of a process, or among the prototype entries of a section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PteHome {
    /// In a page table.
    PageTable,
    /// In the array of a segment.
    Prototype,
}

/// Protection in five bits (`MM_*`), as software forms keep it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MmProtection(pub u8);

/// What an entry is to NT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NtPte {
    /// The processor uses it.
    Valid(PageTableEntry),
    /// Zero: only the VAD knows.
    AskVad,
    /// Committed, and zeroes until it is touched.
    DemandZero(MmProtection),
    /// Was committed once.
    Decommitted,
    /// In a page file.
    PageFile {
        /// Number of the page file, 0 to 15.
        file: u8,
        /// Offset in it, in pages.
        page: u32,
        /// Its protection.
        protection: MmProtection,
    },
    /// On the standby or the modified list: still in its frame.
    Transition {
        /// The frame.
        frame: Pfn,
        /// Its protection.
        protection: MmProtection,
    },
    /// Shared, and described by the prototype entry at this address.
    Prototype {
        /// Address of the prototype entry.
        at: Va,
        /// Bit 8.
        is_read_only: bool,
    },
    /// Shared; the VAD leads to the prototype entry, this entry has only the protection.
    PrototypeByVad(MmProtection),
    /// In a file, which the subsection at this address names.
    Subsection {
        /// Address of the subsection.
        at: Va,
        /// Its protection.
        protection: MmProtection,
    },
}

/// Decodes an entry, in the order in which NT's fault handler looks.
pub const fn decode_pte(raw: u64, home: PteHome, rules: &PteRules) -> NtPte {
    let protection = MmProtection(((raw >> 5) & 0x1f) as u8);
    let high = match rules.width {
        PteWidth::NonPae => (raw as u32) >> 12,
        PteWidth::Pae => (raw >> 32) as u32,
    };
    match () {
        () if raw & PageTableEntry::VALID != 0 => NtPte::Valid(PageTableEntry(raw)),
        () if raw == 0 => NtPte::AskVad,
        () if raw & PROTOTYPE != 0 => shared(raw, home, rules, protection),
        () if raw & TRANSITION != 0 => {
            let frame = match rules.width {
                PteWidth::NonPae => high as u64,
                PteWidth::Pae => (raw >> 12) & 0xff_ffff_ffff,
            };
            NtPte::Transition { frame: Pfn(frame), protection }
        }
        () if raw == DECOMMITTED => NtPte::Decommitted,
        () if high == 0 && page_file(raw) == 0 => NtPte::DemandZero(protection),
        () => NtPte::PageFile { file: page_file(raw), page: high, protection },
    }
}

const fn page_file(raw: u64) -> u8 {
    ((raw >> 1) & 0xf) as u8
}

/// Bit 10 is set: a prototype entry's address in a page table, a subsection's among prototype entries.
const fn shared(raw: u64, home: PteHome, rules: &PteRules, protection: MmProtection) -> NtPte {
    let upper = raw >> 32;
    match (home, rules.width) {
        (PteHome::PageTable, PteWidth::NonPae) if (raw as u32) >> 12 == 0xf_ffff => NtPte::PrototypeByVad(protection),
        (PteHome::PageTable, PteWidth::Pae) if upper == 0xffff_ffff => NtPte::PrototypeByVad(protection),
        (PteHome::PageTable, PteWidth::NonPae) => {
            let offset = (raw >> 11 & 0x1f_ffff) << 9 | (raw >> 1 & 0x7f) << 2;
            NtPte::Prototype { at: add(rules.prototype_base, offset), is_read_only: raw & 0x100 != 0 }
        }
        (PteHome::PageTable, PteWidth::Pae) => NtPte::Prototype { at: Va(upper), is_read_only: raw & 0x100 != 0 },
        (PteHome::Prototype, PteWidth::NonPae) => {
            let offset = (raw >> 11 & 0xf_ffff) << 7 | (raw >> 1 & 0xf) << 3;
            let at = match raw >> 31 & 1 {
                1 => add(rules.subsection_base, offset),
                _ => Va(rules.nonpaged_pool_end.0.wrapping_sub(offset) & 0xffff_ffff),
            };
            NtPte::Subsection { at, protection }
        }
        (PteHome::Prototype, PteWidth::Pae) => NtPte::Subsection { at: Va(upper), protection },
    }
}

/// A sum of 32-bit addresses, as the kernel computes it.
const fn add(base: Va, offset: u64) -> Va {
    Va(base.0.wrapping_add(offset) & 0xffff_ffff)
}

/// Encodes a form as the 4-byte entry that [`decode_pte`] reads back; `None` when the form cannot hold the number
/// (a frame or a page-file page above 20 bits, an address that is not a multiple of 4 or 8 or too far from its base).
pub const fn encode_pte(form: NtPte, rules: &PteRules) -> Option<u32> {
    Some(match form {
        NtPte::Valid(entry) if entry.0 <= 0xffff_ffff => entry.0 as u32,
        NtPte::AskVad => 0,
        NtPte::DemandZero(protection) => protection.bits(),
        NtPte::Decommitted => DECOMMITTED as u32,
        NtPte::PageFile { file, page, protection } if file < 16 && page < 1 << 20 => {
            page << 12 | protection.bits() | (file as u32) << 1
        }
        NtPte::Transition { frame, protection } if frame.0 < 1 << 20 => {
            (frame.0 as u32) << 12 | protection.bits() | TRANSITION as u32
        }
        NtPte::Prototype { at, is_read_only } => {
            let offset = at.0.wrapping_sub(rules.prototype_base.0);
            if offset & 3 != 0 || offset >= 0x3fff_f800 {
                return None;
            }
            let place = (offset >> 9) << 11 | (offset >> 2 & 0x7f) << 1;
            place as u32 | PROTOTYPE as u32 | (is_read_only as u32) << 8
        }
        NtPte::PrototypeByVad(protection) => 0xffff_f000 | protection.bits() | PROTOTYPE as u32,
        NtPte::Subsection { at, protection } => {
            let above = at.0.wrapping_sub(rules.subsection_base.0);
            let below = rules.nonpaged_pool_end.0.wrapping_sub(at.0);
            let (pool, offset) = if above < 1 << 27 { (1 << 31, above) } else { (0, below) };
            if offset & 7 != 0 || offset >= 1 << 27 {
                return None;
            }
            let place = (offset >> 7) << 11 | (offset >> 3 & 0xf) << 1;
            pool | place as u32 | protection.bits() | PROTOTYPE as u32
        }
        _ => return None,
    })
}

impl MmProtection {
    /// No access at all.
    pub const NOACCESS: Self = Self(0x18);
    /// Read only.
    pub const READONLY: Self = Self(1);
    /// Read and write.
    pub const READWRITE: Self = Self(4);
    /// Read; a write makes a private copy.
    pub const WRITECOPY: Self = Self(5);
    /// Execute and read; a write makes a private copy.
    pub const EXECUTE_WRITECOPY: Self = Self(7);
    /// Decommitted.
    pub const DECOMMIT: Self = Self(0x10);
    /// Modifier: the first access raises an exception.
    pub const GUARD: u8 = 0x10;

    /// The five bits at their place in an entry.
    const fn bits(self) -> u32 {
        (self.0 as u32 & 0x1f) << 5
    }

    /// Whether a read succeeds.
    pub const fn is_readable(self) -> bool {
        self.0 & 7 != 0
    }

    /// Whether a write succeeds, if need be into a private copy.
    pub const fn is_writable(self) -> bool {
        self.0 & 4 != 0
    }

    /// Whether code may run, where the processor can forbid it.
    pub const fn is_executable(self) -> bool {
        self.0 & 2 != 0
    }

    /// The `PAGE_*` value, as `MmProtectToValue` says; the values for 8, 16 and 24 are unverified.
    pub const fn protection(self) -> Protection {
        const BASE: [u32; 8] = [0x01, 0x02, 0x10, 0x20, 0x04, 0x08, 0x40, 0x80];
        let base = BASE[(self.0 & 7) as usize];
        let modifier = match self.0 >> 3 & 3 {
            _ if base == 0x01 => 0,
            1 => 0x200,
            2 => 0x100,
            3 => 0x400,
            _ => 0,
        };
        Protection(base | modifier)
    }

    /// The five bits for a `PAGE_*` value; `None` when it has no base protection, or more than one.
    pub const fn from_protection(protection: Protection) -> Option<Self> {
        let base = match protection.0 & 0xff {
            0x01 => return Some(Self::NOACCESS),
            0x02 => 1,
            0x04 => 4,
            0x08 => 5,
            0x10 => 2,
            0x20 => 3,
            0x40 => 6,
            0x80 => 7,
            _ => return None,
        };
        let modifier = match protection.0 & 0x700 {
            0 => 0,
            0x100 => 0x10,
            0x200 => 0x08,
            0x400 => 0x18,
            _ => return None,
        };
        Some(Self(base | modifier))
    }
}

/// The letters of a valid entry in the order of `!pte`: `C G L D A N T U/K W/R E V`, a dash for a clear bit. `E` is
/// there wherever code may run.
pub fn pte_letters(entry: PageTableEntry) -> String {
    let flag = |mask, set, clear| if entry.0 & mask != 0 { set } else { clear };
    [
        flag(COPY_ON_WRITE, 'C', '-'),
        flag(PageTableEntry::GLOBAL, 'G', '-'),
        flag(PageTableEntry::LARGE, 'L', '-'),
        flag(PageTableEntry::DIRTY, 'D', '-'),
        flag(PageTableEntry::ACCESSED, 'A', '-'),
        flag(1 << 4, 'N', '-'),
        flag(1 << 3, 'T', '-'),
        flag(PageTableEntry::USER, 'U', 'K'),
        flag(PageTableEntry::WRITE, 'W', 'R'),
        flag(PageTableEntry::NO_EXECUTE, '-', 'E'),
        flag(PageTableEntry::VALID, 'V', '-'),
    ]
    .iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PteRules = PteRules {
        width: PteWidth::NonPae,
        prototype_base: Va(0xe100_0000),
        subsection_base: Va(0x8100_0000),
        nonpaged_pool_end: Va(0xffbe_0000),
    };
    const PAE: PteRules = PteRules { width: PteWidth::Pae, ..RULES };
    const RW: MmProtection = MmProtection::READWRITE;

    /// Decodes, and encodes back to the same entry.
    #[track_caller]
    fn check(raw: u32, home: PteHome, expected: NtPte) {
        assert_eq!(decode_pte(raw.into(), home, &RULES), expected);
        assert_eq!(encode_pte(expected, &RULES), Some(raw), "encoded");
    }

    #[test]
    fn letters_are_those_of_published_output() {
        assert_eq!(pte_letters(PageTableEntry(0x09de_9067)), "---DA--UWEV");
        assert_eq!(pte_letters(PageTableEntry(0x0003_b163)), "-G-DA--KWEV");
        assert_eq!(pte_letters(PageTableEntry(0x0015_4121)), "-G--A--KREV");
        assert_eq!(pte_letters(PageTableEntry(0x8000_0000_0000_029d)), "C-L--NTUR-V");
    }

    #[test]
    fn forms_in_a_page_table() {
        let table = PteHome::PageTable;
        check(0x09de_9067, table, NtPte::Valid(PageTableEntry(0x09de_9067)));
        check(0, table, NtPte::AskVad);
        check(0x80, table, NtPte::DemandZero(RW));
        check(0x20, table, NtPte::DemandZero(MmProtection::READONLY));
        check(0x200, table, NtPte::Decommitted);
        check(0x0012_3086, table, NtPte::PageFile { file: 3, page: 0x123, protection: RW });
        check(0x0000_1080, table, NtPte::PageFile { file: 0, page: 1, protection: RW });
        check(0x09de_9880, table, NtPte::Transition { frame: Pfn(0x9de9), protection: RW });
        check(0x0000_0402, table, NtPte::Prototype { at: Va(0xe100_0004), is_read_only: false });
        check(0x0009_1d5c, table, NtPte::Prototype { at: Va(0xe102_46b8), is_read_only: true });
        check(0xffff_f420, table, NtPte::PrototypeByVad(MmProtection::READONLY));
    }

    #[test]
    fn forms_of_a_prototype_entry() {
        let protection = MmProtection::EXECUTE_WRITECOPY;
        check(0x8000_0ce2, PteHome::Prototype, NtPte::Subsection { at: Va(0x8100_0088), protection });
        check(0x0000_0ce2, PteHome::Prototype, NtPte::Subsection { at: Va(0xffbd_ff78), protection });
        check(0x09de_9880, PteHome::Prototype, NtPte::Transition { frame: Pfn(0x9de9), protection: RW });
    }

    #[test]
    fn eight_byte_entries_have_their_numbers_above() {
        let decode = |raw, home| decode_pte(raw, home, &PAE);
        assert_eq!(
            decode(0x0012_3456_0000_0082, PteHome::PageTable),
            NtPte::PageFile { file: 1, page: 0x12_3456, protection: RW }
        );
        assert_eq!(
            decode(0x0000_0001_2345_6880, PteHome::PageTable),
            NtPte::Transition { frame: Pfn(0x12_3456), protection: RW }
        );
        assert_eq!(
            decode(0xe100_1238_0000_0400, PteHome::PageTable),
            NtPte::Prototype { at: Va(0xe100_1238), is_read_only: false }
        );
        assert_eq!(decode(0xffff_ffff_0000_0480, PteHome::PageTable), NtPte::PrototypeByVad(RW));
        assert_eq!(
            decode(0x8123_4568_0000_0480, PteHome::Prototype),
            NtPte::Subsection { at: Va(0x8123_4568), protection: RW }
        );
    }

    #[test]
    fn what_a_form_cannot_hold() {
        let refused = |form| assert_eq!(encode_pte(form, &RULES), None, "{form:?}");
        refused(NtPte::PageFile { file: 16, page: 1, protection: RW });
        refused(NtPte::PageFile { file: 0, page: 1 << 20, protection: RW });
        refused(NtPte::Transition { frame: Pfn(1 << 20), protection: RW });
        refused(NtPte::Prototype { at: Va(0xe100_0002), is_read_only: false });
        refused(NtPte::Prototype { at: Va(0xe0ff_fffc), is_read_only: false });
        refused(NtPte::Subsection { at: Va(0x8900_0000), protection: RW });
    }

    #[test]
    fn five_bits_are_a_windows_protection() {
        let to = |bits: u8| MmProtection(bits).protection().0;
        let all: Vec<u32> = (0..8).map(to).collect();
        assert_eq!(all, [0x01, 0x02, 0x10, 0x20, 0x04, 0x08, 0x40, 0x80]);
        assert_eq!((to(12), to(20), to(28), to(24)), (0x204, 0x104, 0x404, 0x01));
        for bits in (1..32).filter(|bits| bits & 7 != 0) {
            assert_eq!(MmProtection::from_protection(MmProtection(bits).protection()), Some(MmProtection(bits)));
        }
        assert_eq!(MmProtection::from_protection(Protection(0x06)), None);
        assert_eq!(MmProtection::from_protection(Protection(0x304)), None);
    }
}
