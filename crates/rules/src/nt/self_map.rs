//! The page-table self-map: at which address the entry that maps an address can be read, and the way back.
//!
//! ```text
//! x86       pte(va) = C0000000 + (va >> 12) * 4              pde(va) = C0300000 + (va >> 22) * 4
//! x86 PAE   pte(va) = C0000000 + (va >> 12) * 8              pde(va) = C0600000 + (va >> 21) * 8
//! x64       pte(va) = FFFFF680'00000000 + (va[47:12]) * 8    pde(va) = pte(pte(va))
//! ```
//!
//! On x64 the base holds before Windows 10 1607 only; later it is chosen at random at boot.

use vatlas_space::{LayoutName, Va, VaRange};

/// Where and how the page tables are visible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelfMap {
    /// Address of the entry that maps address 0.
    pub base: Va,
    /// Bytes of an entry.
    pub entry: u64,
    /// Bits of an address that are translated; higher ones repeat the highest of them.
    pub address_bits: u32,
}

/// Bits of an offset in a page.
const PAGE_SHIFT: u32 = 12;

/// x86 with 4-byte entries.
pub const X86: SelfMap = SelfMap { base: Va(0xc000_0000), entry: 4, address_bits: 32 };
/// x86 with physical address extension.
pub const X86_PAE: SelfMap = SelfMap { base: Va(0xc000_0000), entry: 8, address_bits: 32 };
/// x64 before Windows 10 1607.
pub const X64: SelfMap = SelfMap { base: Va(0xffff_f680_0000_0000), entry: 8, address_bits: 48 };

/// The self-map of a layout; `None` for Windows CE, which has none.
pub const fn self_map(layout: LayoutName) -> Option<SelfMap> {
    match layout {
        LayoutName::Nt32 | LayoutName::Nt32ThreeGb => Some(X86),
        LayoutName::Nt32Pae => Some(X86_PAE),
        LayoutName::Wow64 | LayoutName::Nt64 => Some(X64),
        _ => None,
    }
}

impl SelfMap {
    const fn pages(self) -> u64 {
        1 << (self.address_bits - PAGE_SHIFT)
    }

    /// All page tables.
    pub const fn range(self) -> VaRange {
        match VaRange::sized(self.base, self.pages() * self.entry) {
            Some(range) => range,
            None => unreachable!(),
        }
    }

    /// Where the page-table entry of `va` is.
    pub const fn pte_va(self, va: Va) -> Va {
        let page = (va.0 >> PAGE_SHIFT) & (self.pages() - 1);
        Va(self.base.0 + page * self.entry)
    }

    /// Where the page-directory entry of `va` is: the entry that maps its page-table entry.
    pub const fn pde_va(self, va: Va) -> Va {
        self.pte_va(self.pte_va(va))
    }

    /// The page that the entry at `va` maps; `None` when `va` is outside the page tables.
    pub const fn mapped_page(self, va: Va) -> Option<VaRange> {
        let Some(offset) = self.range().offset_of(va) else { return None };
        let low = (offset / self.entry) << PAGE_SHIFT;
        let unused = 64 - self.address_bits;
        // Only a 64-bit address is sign-extended.
        let first = if self.address_bits == 32 { low } else { ((low << unused) as i64 >> unused) as u64 };
        VaRange::sized(Va(first), 1 << PAGE_SHIFT)
    }
}
