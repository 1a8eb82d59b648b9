//! What an unwinder asks about the process: memory, code, symbols, tables of unwind data.

use super::frame::{ModulePlace, ReturnCheck};
use crate::{symbol_provider::SymbolProvider, usage_index::UsageIndex};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, HashMap},
    rc::Rc,
};
use vatlas_space::{AddressSpace, Machine, Module, PointerWidth, RegionState, Rva, Va, VaRange};
use vatlas_symbols::{FileKind, ModuleSymbols, SymbolKind};

/// Whether there is code at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CodeKind {
    /// An executable section, or executable pages.
    Code,
    /// Inside a module whose sections are not known.
    Perhaps,
    /// Nothing is known of the address.
    Unknown,
    /// Memory that is not executable, or no memory.
    None,
}

/// A part of a module's address range and the function table that is in it: first address, bytes.
pub(super) type Directory = (Rva, u32);

/// The surroundings of a walk.
pub(super) struct Surroundings<'a, 't> {
    index: &'a UsageIndex<'t>,
    symbols: &'a dyn SymbolProvider,
    /// Exception directories of the modules that were asked for, by base address.
    directories: RefCell<HashMap<Va, Option<Directory>>>,
    /// Modules whose unwind data could not be read.
    unreadable: RefCell<BTreeSet<String>>,
    /// The last pages asked for outside of sections, and whether they are executable.
    pages: Cell<Option<(VaRange, CodeKind)>>,
}

impl<'a, 't> Surroundings<'a, 't> {
    pub fn new(index: &'a UsageIndex<'t>, symbols: &'a dyn SymbolProvider) -> Self {
        Self { index, symbols, directories: RefCell::default(), unreadable: RefCell::default(), pages: Cell::new(None) }
    }

    pub fn space(&self) -> &'t dyn AddressSpace {
        self.index.space()
    }

    /// Whether the process follows the rules of a Windows system.
    pub fn is_windows(&self) -> bool {
        self.index.process().layout.is_some()
    }

    /// The module that holds an address, and the offset in it.
    pub fn module_at(&self, va: Va) -> Option<(&'t Module, Rva)> {
        let module = self.index.module_at(va)?;
        Some((module, Rva(u32::try_from(module.range.offset_of(va)?).ok()?)))
    }

    /// The same as plain data.
    pub fn place(&self, va: Va) -> Option<ModulePlace> {
        let (module, rva) = self.module_at(va)?;
        Some(ModulePlace { name: module.name().to_owned(), base: module.range.first(), rva })
    }

    /// The symbols of the module that holds an address, and the offset in it.
    pub fn symbols_at(&self, va: Va) -> Option<(Rc<ModuleSymbols>, Rva)> {
        let (module, rva) = self.module_at(va)?;
        Some((self.symbols.symbols(module), rva))
    }

    /// Where the function that holds an address begins, and whether the symbol says where it ends: else the address may
    /// belong to another one, without a name, behind it.
    pub fn function_start(&self, va: Va) -> Option<(Va, bool)> {
        let (symbols, rva) = self.symbols_at(va)?;
        let lookup = symbols.lookup(rva).filter(|lookup| lookup.is_inside)?;
        Some((va.checked_sub(lookup.offset.into())?, lookup.symbol.size.is_some()))
    }

    /// Whether an address can be behind a call of some function, as far as symbols tell: not in data, not where a
    /// function begins.
    pub fn is_in_function(&self, va: Va) -> bool {
        let Some((symbols, rva)) = self.symbols_at(va).filter(|(symbols, _)| !symbols.files().is_empty()) else {
            return true;
        };
        // An export table names a part of the functions only.
        let is_complete = symbols.files().iter().any(|file| file.origin().kind <= FileKind::Breakpad);
        match symbols.lookup(rva) {
            Some(lookup) if lookup.is_inside => lookup.offset != 0 && lookup.symbol.kind != SymbolKind::Data,
            _ => !is_complete,
        }
    }

    /// Whether there is code at an address.
    pub fn code_at(&self, va: Va) -> CodeKind {
        if let Some(table) = self.index.sections_at(va) {
            // Sections end with their last byte; the rest of its page has the same protection.
            let holds = |section: &&vatlas_space::Section| {
                section.range.first() <= va && va.0 <= section.range.last().0 | 0xfff
            };
            let section = table.sections.iter().rev().find(holds);
            return if section.is_some_and(|section| section.executable) { CodeKind::Code } else { CodeKind::None };
        }
        if let Some((pages, kind)) = self.pages.get()
            && pages.contains(va)
        {
            return kind;
        }
        let region = self.space().region(va);
        let kind = match (region.state, region.protection) {
            (RegionState::Committed, Some(protection)) if protection.is_executable() => CodeKind::Code,
            (RegionState::Committed, Some(_)) | (RegionState::Free | RegionState::Reserved, _) => CodeKind::None,
            _ => return self.code_in_module(va),
        };
        self.pages.set(Some((region.range, kind)));
        kind
    }

    /// Without sections all that is known of a module is that it begins with headers.
    fn code_in_module(&self, va: Va) -> CodeKind {
        const HEADERS: u32 = 0x1000;
        match self.module_at(va) {
            Some((_, rva)) if rva.0 < HEADERS => CodeKind::None,
            Some(_) => CodeKind::Perhaps,
            None => CodeKind::Unknown,
        }
    }

    /// What lies at a return address, and before it.
    pub fn check_return(&self, machine: Machine, va: Va) -> ReturnCheck {
        if va.0 == 0 {
            return ReturnCheck::Zero;
        }
        match self.code_at(va) {
            CodeKind::None | CodeKind::Unknown => ReturnCheck::NotCode,
            CodeKind::Code | CodeKind::Perhaps => match self.is_after_call(machine, va) {
                Some(true) => ReturnCheck::AfterCall,
                Some(false) => ReturnCheck::NoCall,
                None => ReturnCheck::NotCaptured,
            },
        }
    }

    /// Whether a call instruction ends at an address; `None` when the bytes are not at hand.
    fn is_after_call(&self, machine: Machine, va: Va) -> Option<bool> {
        let mut bytes = [0; 8];
        match machine {
            Machine::X86 | Machine::X64 => self.is_after_x86_call(va),
            Machine::Arm64 => {
                self.space().read_exact(va.checked_sub(4)?, &mut bytes[..4]).ok()?;
                let word = u32::from_le_bytes(*bytes.first_chunk()?);
                // BL; BLR and BLRAA, BLRAB, BLRAAZ, BLRABZ, which check the pointer first.
                Some(word >> 26 == 0b10_0101 || word & 0xfeff_f000 == 0xd63f_0000)
            }
            Machine::Arm => {
                let thumb = va.0 & 1 != 0;
                let end = Va(va.0 & !1);
                self.space().read_exact(end.checked_sub(4)?, &mut bytes[..4]).ok()?;
                Some(ends_with_arm_call(*bytes.first_chunk()?, thumb))
            }
            Machine::Mips | Machine::Other(_) => None,
        }
    }

    /// At the front of what was captured fewer bytes than those of the longest call may be enough.
    fn is_after_x86_call(&self, va: Va) -> Option<bool> {
        for length in [8, 7, 6, 5, 4, 3, 2] {
            let mut bytes = [0; 8];
            let from = va.checked_sub(length as u64)?;
            if self.space().read_exact(from, &mut bytes[8 - length..]).is_ok() {
                let is_call = ends_with_call(&bytes);
                return (is_call || length == 8).then_some(is_call);
            }
        }
        None
    }

    /// The exception directory of the image at `base`, read from its header once.
    pub fn exception_directory(&self, module: &Module) -> Option<Directory> {
        let base = module.range.first();
        if let Some(known) = self.directories.borrow().get(&base) {
            return *known;
        }
        let found = read_exception_directory(self.space(), base);
        self.directories.borrow_mut().insert(base, found);
        found
    }

    /// Remembers that the unwind data of a module could not be read.
    pub fn has_no_unwind_data(&self, module: &Module) {
        let mut unreadable = self.unreadable.borrow_mut();
        if !unreadable.contains(module.name()) {
            unreadable.insert(module.name().to_owned());
        }
    }

    /// The modules whose unwind data could not be read, by name.
    pub fn without_unwind_data(&self) -> Vec<String> {
        self.unreadable.borrow().iter().cloned().collect()
    }

    pub fn u32(&self, va: Va) -> Option<u32> {
        self.space().read_u32(va).ok()
    }

    pub fn pointer(&self, va: Va, width: PointerWidth) -> Option<Va> {
        self.space().read_pointer(va, width).ok()
    }
}

/// Whether a near call ends the bytes: `E8` with 32 bits of displacement, or `FF /2` in any form.
fn ends_with_call(bytes: &[u8; 8]) -> bool {
    // From the end: the opcode FF, and behind it ModRM with 010 in its middle, SIB and displacement as it says.
    let indirect = |back: usize| {
        let [opcode, modrm] = [bytes[8 - back], bytes[9 - back]];
        let (mode, base) = (modrm >> 6, modrm & 7);
        let length = match (mode, base) {
            (0b11, _) => 2,
            (0b00, 0b101) => 6,
            (0b00, 0b100) if back > 2 && bytes[10 - back] & 7 == 0b101 => 7,
            (0b00, 0b100) => 3,
            (0b00, _) => 2,
            (0b01, base) => {
                if base == 0b100 {
                    4
                } else {
                    3
                }
            }
            (_, base) => {
                if base == 0b100 {
                    7
                } else {
                    6
                }
            }
        };
        opcode == 0xff && (modrm >> 3) & 7 == 2 && length == back
    };
    bytes[3] == 0xe8 || [2, 3, 4, 6, 7].into_iter().any(indirect)
}

/// Whether `BL`, `BLX` in ARM or Thumb code ends the bytes.
fn ends_with_arm_call(bytes: [u8; 4], thumb: bool) -> bool {
    let [a, b, c, d] = bytes;
    let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    if thumb {
        // BL and BLX have two halves; BLX with a register has one.
        return (first & 0xf800 == 0xf000 && second & 0xc000 == 0xc000) || second & 0xff87 == 0x4780;
    }
    let word = u32::from_le_bytes(bytes);
    (word >> 24) & 0xf == 0xb || word >> 25 == 0b111_1101 || word & 0x0fff_fff0 == 0x012f_ff30
}

/// Reads the fourth data directory of a PE32+ header (PE specification, "Optional Header Data Directories").
fn read_exception_directory(space: &dyn AddressSpace, base: Va) -> Option<Directory> {
    const EXCEPTION_TABLE: u64 = 3;
    let u32_at = |offset: u64| space.read_u32(base.checked_add(offset)?).ok();
    let header = u64::from(u32_at(0x3c)?);
    if u32_at(0)? & 0xffff != 0x5a4d || u32_at(header)? != 0x4550 || u32_at(header + 24)? & 0xffff != 0x20b {
        return None;
    }
    let optional = header + 24;
    if u64::from(u32_at(optional + 108)?) <= EXCEPTION_TABLE {
        return None;
    }
    let entry = optional + 112 + 8 * EXCEPTION_TABLE;
    let (rva, size) = (u32_at(entry)?, u32_at(entry + 4)?);
    Some((Rva(rva), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_every_length_end_before_a_return_address() {
        let check = |code: &[u8], expected: bool| {
            let mut bytes = [0x90; 8];
            bytes[8 - code.len()..].copy_from_slice(code);
            assert_eq!(ends_with_call(&bytes), expected, "{code:02x?}");
        };
        check(b"\xe8\x00\x00\x00\x00", true);
        check(b"\xff\xd0", true); // call eax
        check(b"\xff\x12", true); // call [edx]
        check(b"\xff\x50\x08", true); // call [eax+8]
        check(b"\xff\x14\x24", true); // call [esp]
        check(b"\xff\x54\x24\x10", true); // call [esp+0x10]
        check(b"\xff\x15\x00\x10\x40\x00", true); // call [0x401000]
        check(b"\xff\x90\x00\x01\x00\x00", true); // call [eax+0x100]
        check(b"\xff\x94\x24\x00\x01\x00\x00", true); // call [esp+0x100]
        check(b"\xff\x14\x85\x00\x10\x40\x00", true); // call [eax*4+0x401000]
        check(b"\xff\xe0", false); // jmp eax
        check(b"\xe9\x00\x00\x00\x00", false);
        check(b"\xff\x15\x00", false);
        check(b"\x90", false);
    }

    #[test]
    fn calls_of_arm() {
        assert!(ends_with_arm_call(0xebff_fffe_u32.to_le_bytes(), false));
        assert!(ends_with_arm_call(0xe12f_ff33_u32.to_le_bytes(), false));
        assert!(!ends_with_arm_call(0xe1a0_0000_u32.to_le_bytes(), false));
        assert!(ends_with_arm_call([0x00, 0xf0, 0x00, 0xf8], true));
        assert!(ends_with_arm_call([0x00, 0xbf, 0x98, 0x47], true));
        assert!(!ends_with_arm_call([0x00, 0xbf, 0x00, 0xbf], true));
    }
}
