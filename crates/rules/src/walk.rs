//! The page-table walk: from a root and a virtual address to a physical one, for every format of tables.
//!
//! ```text
//! for each level from the root down:
//!     entry = read(table + (va >> shift) % 2^bits * size of an entry)
//!     not readable -> not captured;  bit 0 clear -> invalid;  large or the last level -> mapped
//!     table = entry's frame bits
//! ```
//!
//! Formats after the Intel manual, volume 3, chapter 4. The walk sets no accessed or dirty bit: its caller does.

mod formats;
#[cfg(test)]
mod tests;

pub use formats::{Pae, X64, X64La57, X86, X86Small};
use vatlas_space::{Mapping, Pa, PageTableEntry, TableLevel, Va, Walk, WalkEnd, WalkStep};

/// One level of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Its name.
    pub name: TableLevel,
    /// Lowest bit of its index in a virtual address.
    pub shift: u32,
    /// Bits of its index.
    pub bits: u32,
    /// Whether bit 7 of an entry means that it maps a large page.
    pub has_large_pages: bool,
    /// Whether its entries allow or forbid: those of PAE's highest level do not.
    pub has_rights: bool,
}

/// A format of page tables.
pub trait Format {
    /// Its levels from the root down; the last one maps pages of 4 KB.
    const LEVELS: &'static [Level];
    /// Bytes of an entry: 4 or 8.
    const ENTRY_BYTES: u32;
    /// Bits of the root register that are the address of the first table.
    const ROOT_MASK: u64;
    /// Bits of an entry that are the address of a table or of a page of 4 KB.
    const FRAME_MASK: u64;
    /// Bits of a virtual address that are translated.
    const ADDRESS_BITS: u32;

    /// Physical address of a large page of `size` bytes. A format with other bits for it overrides this.
    fn large_frame(entry: u64, size: u64) -> u64 {
        entry & Self::FRAME_MASK & !(size - 1)
    }
}

/// Walks the tables that `root` (the value of CR3) leads to. `read` gives the little-endian entry at a physical
/// address, zero-extended, or `None` when it is not known.
#[inline]
pub fn walk<F: Format>(root: u64, va: Va, mut read: impl FnMut(Pa) -> Option<u64>) -> Walk {
    if !is_canonical::<F>(va) {
        return Walk::new(WalkEnd::NotCanonical);
    }
    let mut walk = Walk::new(WalkEnd::NotCanonical);
    let mut table = root & F::ROOT_MASK;
    let mut rights = PageTableEntry::WRITE | PageTableEntry::USER;
    let mut no_execute = 0;
    for level in F::LEVELS {
        let index = (va.0 >> level.shift) & ((1 << level.bits) - 1);
        let at = Pa(table + index * u64::from(F::ENTRY_BYTES));
        let Some(raw) = read(at) else {
            walk.end = WalkEnd::NotCaptured { level: level.name, at };
            return walk;
        };
        let entry = PageTableEntry(raw);
        walk.push(WalkStep { level: level.name, at, entry });
        if !entry.has(PageTableEntry::VALID) {
            walk.end = WalkEnd::Invalid { level: level.name, entry };
            return walk;
        }
        if level.has_rights {
            rights &= raw;
            no_execute |= raw;
        }
        let is_large = level.has_large_pages && entry.has(PageTableEntry::LARGE);
        if is_large || level.name == TableLevel::Pte {
            walk.end = WalkEnd::Mapped(mapping::<F>(va, entry, level.shift, is_large, rights, no_execute));
            return walk;
        }
        table = raw & F::FRAME_MASK;
    }
    walk
}

#[inline]
fn mapping<F: Format>(
    va: Va,
    entry: PageTableEntry,
    shift: u32,
    is_large: bool,
    rights: u64,
    no_execute: u64,
) -> Mapping {
    let page_size = 1 << shift;
    let frame = if is_large { F::large_frame(entry.0, page_size) } else { entry.0 & F::FRAME_MASK };
    Mapping {
        pa: Pa(frame | (va.0 & (page_size - 1))),
        page_size,
        is_writable: rights & PageTableEntry::WRITE != 0,
        is_user: rights & PageTableEntry::USER != 0,
        is_executable: F::ENTRY_BYTES == 4 || no_execute & PageTableEntry::NO_EXECUTE == 0,
        is_global: entry.has(PageTableEntry::GLOBAL),
    }
}

/// Whether the upper bits repeat the highest translated one; a 32-bit address has no upper bits.
const fn is_canonical<F: Format>(va: Va) -> bool {
    if F::ADDRESS_BITS == 32 {
        return va.0 >> 32 == 0;
    }
    let unused = 64 - F::ADDRESS_BITS;
    ((va.0 << unused) as i64 >> unused) as u64 == va.0
}
