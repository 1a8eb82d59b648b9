//! The software translation buffer of one privilege: which pages may be read, written, executed, and where they are.
//!
//! ```text
//! entry = table[(va >> 12) % 256];  hit when (va + size - 1) & !fff == entry.tag;  pa = va + entry.addend
//! ```
//!
//! An entry's page number and its place agree in their low 8 bits, so the last byte of an access that crosses a page
//! never finds its own page at the place of the first byte: one comparison also says that the access stays in a page.

/// Entries of a table.
const ENTRIES: usize = 256;

/// One translation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Address of the page; an odd number when there is none.
    pub tag: u32,
    /// What to add to a virtual address, modulo 2^32.
    pub addend: u32,
}

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Table([Entry; ENTRIES]);

impl Table {
    const NONE: Entry = Entry { tag: 1, addend: 0 };

    /// Physical address of an access of `size` bytes, when its page is here.
    #[inline(always)]
    pub fn find(&self, va: u32, size: u32) -> Option<u32> {
        let entry = self.0[(va >> 12) as usize % ENTRIES];
        (va.wrapping_add(size - 1) & !0xfff == entry.tag).then(|| va.wrapping_add(entry.addend))
    }

    /// Adds the translation of the page of `va`.
    pub fn insert(&mut self, va: u32, pa: u32) {
        let tag = va & !0xfff;
        self.0[(va >> 12) as usize % ENTRIES] = Entry { tag, addend: (pa & !0xfff).wrapping_sub(tag) };
    }

    fn remove(&mut self, va: u32) {
        self.0[(va >> 12) as usize % ENTRIES] = Self::NONE;
    }

    fn clear(&mut self) {
        self.0.fill(Self::NONE);
    }
}

impl Default for Table {
    fn default() -> Self {
        Self([Self::NONE; ENTRIES])
    }
}

/// The tables of one privilege.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tlb {
    /// Pages that may be read.
    pub read: Table,
    /// Pages that may be written, are dirty, hold no decoded code and are noted as changed.
    pub write: Table,
    /// Pages whose code may run.
    pub execute: Table,
}

impl Tlb {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.read.clear();
        self.write.clear();
        self.execute.clear();
    }

    /// Forgets which pages may be written.
    pub fn clear_writes(&mut self) {
        self.write.clear();
    }

    /// Forgets one page.
    pub fn remove(&mut self, va: u32) {
        self.read.remove(va);
        self.write.remove(va);
        self.execute.remove(va);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_found_only_inside_its_page() {
        let mut table = Table::default();
        table.insert(0x7ffd_f123, 0x0004_5678);
        assert_eq!(table.find(0x7ffd_f123, 4), Some(0x0004_5123));
        assert_eq!(table.find(0x7ffd_fffc, 4), Some(0x0004_5ffc));
        assert_eq!(table.find(0x7ffd_fffd, 4), None);
        assert_eq!(table.find(0x7fed_f000, 4), None);
        table.insert(0xffff_f000, 0x1000);
        table.insert(0, 0x2000);
        assert_eq!(table.find(0xffff_ffff, 2), None);
        table.remove(0xffff_f800);
        assert_eq!(table.find(0xffff_f000, 1), None);
    }
}
