//! The function table of a Windows CE module (`.pdata`): where the function lies that holds an address.
//!
//! ```text
//! ARM, SH   begin; prologue:8, length:22, is-32-bit:1, has-handler:1      lengths in instructions of 4 bytes, or of 2
//! MIPS      begin, end, handler, handler data, end of the prologue
//! ```
//!
//! "PDATA structures" of the Windows CE documentation. Addresses are those that the image was linked for, or those of
//! its place in memory where the loader has changed them. Functions that call nobody and save nothing have no entry.

use super::surroundings::Surroundings;
use vatlas_space::{Machine, Module, Rva, Section, Va};

/// A function of the table. All addresses are of the form that was asked with (slot 0, or the process's slot).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CeFunction {
    /// Its first address.
    pub begin: Va,
    /// The first one behind it.
    pub end: Va,
    /// The first one behind its prologue.
    pub prologue_end: Va,
    /// Its instructions have 2 bytes (Thumb, SH).
    pub is_short: bool,
}

/// What a table says of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CeEntry {
    /// It lies in this function.
    Function(CeFunction),
    /// It lies in none: a function that calls nobody.
    Leaf,
    /// No table of the module is at hand.
    NoTable,
}

/// A function table as it lies in a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CeTable {
    /// Where it begins in the module.
    rva: Rva,
    /// Its entries.
    count: u32,
    is_mips: bool,
    /// The address that entries have for the module's first byte.
    linked: u32,
}

/// An entry with offsets in the module instead of addresses.
struct Entry {
    begin: u32,
    /// Absent where nobody wrote the length down.
    end: Option<u32>,
    prologue_end: u32,
    is_short: bool,
}

/// Finds the function that holds `va`.
pub(super) fn find(around: &Surroundings, machine: Machine, va: Va) -> CeEntry {
    let Some((module, rva)) = around.module_at(va) else { return CeEntry::NoTable };
    let Some(found) = around.ce_table(module, machine).and_then(|table| table.find(around, module, rva)) else {
        around.has_no_unwind_data(module);
        return CeEntry::NoTable;
    };
    let Some((entry, end)) = found else { return CeEntry::Leaf };
    // In the form of the address that was asked with.
    let base = va.0.wrapping_sub(rva.0.into());
    let placed = |rva: u32| Va(base.wrapping_add(rva.into()));
    CeEntry::Function(CeFunction {
        begin: placed(entry.begin),
        end: placed(end),
        prologue_end: placed(entry.prologue_end),
        is_short: entry.is_short,
    })
}

impl CeTable {
    /// The table at `rva`, of `size` bytes; `None` when what lies there is none. `linked` is the address that the
    /// module was linked for, where known.
    pub fn at(
        around: &Surroundings,
        module: &Module,
        machine: Machine,
        place: (Rva, u32),
        linked: Option<u32>,
    ) -> Option<Self> {
        let is_mips = machine == Machine::Mips;
        let count = place.1 / if is_mips { 20 } else { 8 };
        let base = module.range.first();
        // As linked; as loaded; as loaded in the form of slot 0.
        let candidates = linked.into_iter().chain([base.0 as u32, base.0 as u32 & 0x01ff_ffff]);
        let tables = candidates.map(|linked| Self { rva: place.0, count, is_mips, linked });
        tables.into_iter().find(|table| count > 0 && table.is_plausible(around, module))
    }

    /// Whether the first and last entries, and some between, are functions of the module, in the order of addresses.
    fn is_plausible(&self, around: &Surroundings, module: &Module) -> bool {
        const SAMPLES: u32 = 8;
        let step = (self.count / SAMPLES).max(1);
        let mut last = None;
        for number in (0..self.count).step_by(step as usize).chain([self.count - 1]) {
            let Some(entry) = self.entry(around, module, number) else { return false };
            let end = entry.end.unwrap_or(entry.begin);
            let is_inside = u64::from(end) <= module.range.size() && entry.begin != 0;
            if !is_inside || entry.prologue_end < entry.begin || entry.end.is_some_and(|end| entry.prologue_end > end) {
                return false;
            }
            if last.is_some_and(|last| last > entry.begin) {
                return false;
            }
            last = Some(entry.begin);
        }
        true
    }

    /// The last entry that begins at or before `rva` and reaches it, and its end; outer `None` when the table cannot be
    /// read.
    fn find(&self, around: &Surroundings, module: &Module, rva: Rva) -> Option<Option<(Entry, u32)>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(around, module, middle)?.begin <= rva.0 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(number) = low.checked_sub(1) else { return Some(None) };
        let entry = self.entry(around, module, number)?;
        let next = || self.entry(around, module, low).filter(|_| low < self.count).map(|entry| entry.begin);
        let end = entry.end.or_else(next).unwrap_or(u32::try_from(module.range.size()).unwrap_or(u32::MAX));
        Some((rva.0 < end).then_some((entry, end)))
    }

    fn entry(&self, around: &Surroundings, module: &Module, number: u32) -> Option<Entry> {
        let words = if self.is_mips { 5 } else { 2 };
        let at = module.range.first().checked_add(u64::from(self.rva.0) + u64::from(number) * words * 4)?;
        let word = |index: u64| around.u32(at.checked_add(index * 4)?);
        let rva = |va: u32| (va & !1).wrapping_sub(self.linked);
        let begin = rva(word(0)?);
        if self.is_mips {
            let (end, prologue_end) = (rva(word(1)?), rva(word(4)?));
            return Some(Entry { begin, end: (end > begin).then_some(end), prologue_end, is_short: false });
        }
        let data = word(1)?;
        let (prologue, length, is_short) = (data & 0xff, data >> 8 & 0x3f_ffff, data >> 30 & 1 == 0);
        let unit = if is_short { 2 } else { 4 };
        let end = begin.checked_add(length * unit)?;
        let prologue_end = begin.checked_add(prologue * unit)?;
        Some(Entry { begin, end: (length != 0).then_some(end), prologue_end, is_short })
    }
}

/// Where the function table of a module may lie: in the section of that name, else in any that holds no code. Modules
/// in a ROM have no names of sections.
pub(super) fn places(sections: &[Section], module: &Module) -> Vec<(Rva, u32)> {
    let place = |section: &Section| {
        let rva = module.range.offset_of(section.range.first())?;
        Some((Rva(u32::try_from(rva).ok()?), u32::try_from(section.range.size()).ok()?))
    };
    let named = sections.iter().filter(|section| section.name == ".pdata").filter_map(place);
    let others = sections.iter().filter(|section| section.name.is_empty() && !section.executable).filter_map(place);
    named.chain(others).collect()
}
