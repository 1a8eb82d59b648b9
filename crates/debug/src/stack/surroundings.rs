//! What an unwinder asks about the process: memory, code, symbols, tables of unwind data.

use super::{
    ce_functions::{CeTable, places},
    frame::{ModulePlace, ReturnCheck},
    register_file::{SH_FIRST, SH_LAST},
    server_calls::kernel_page,
    x86::CodeRead,
};
use crate::{symbol_provider::SymbolProvider, usage_index::UsageIndex};
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeSet, HashMap},
    rc::Rc,
};
use vatlas_rules::ce::{api_call, structures::kdata};
use vatlas_space::{AddressSpace, LayoutName, Machine, Module, PointerWidth, RegionState, Rva, Va, VaRange};
use vatlas_symbols::{FileKind, ModuleSymbols, SymbolKind};

/// Bytes of a slot of Windows CE.
const SLOT: u64 = 0x0200_0000;

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
    /// Headers of the modules that were asked for, by base address.
    headers: RefCell<HashMap<Va, Option<ImageHeader>>>,
    /// Function tables of Windows CE modules.
    ce_tables: RefCell<HashMap<Va, Option<CeTable>>>,
    /// Where the kernel of Windows CE has calls of servers return to.
    api_return: OnceCell<Option<Va>>,
    /// Modules whose unwind data could not be read.
    unreadable: RefCell<BTreeSet<String>>,
    /// The last pages asked for outside of sections, and whether they are executable.
    pages: Cell<Option<(VaRange, CodeKind)>>,
    /// x86: what was read of the code.
    pub x86: CodeRead,
    /// First address of the slot that slot 0 is an alias of in the frame that is looked at; `None` where that is the
    /// process's own.
    slot: Cell<Option<Va>>,
}

impl<'a, 't> Surroundings<'a, 't> {
    pub fn new(index: &'a UsageIndex<'t>, symbols: &'a dyn SymbolProvider) -> Self {
        Self {
            index,
            symbols,
            headers: RefCell::default(),
            ce_tables: RefCell::default(),
            api_return: OnceCell::new(),
            unreadable: RefCell::default(),
            pages: Cell::new(None),
            x86: CodeRead::default(),
            slot: Cell::new(None),
        }
    }

    pub fn space(&self) -> &'t dyn AddressSpace {
        self.index.space()
    }

    /// Whether the process follows the rules of a Windows system.
    pub fn is_windows(&self) -> bool {
        self.index.process().layout.is_some()
    }

    /// The rules that the process's addresses follow.
    pub fn layout(&self) -> Option<LayoutName> {
        self.index.process().layout.map(|layout| layout.name)
    }

    /// The address as the process's modules have it: that of slot 0 on Windows CE up to 5.x.
    fn own_form(&self, va: Va) -> Va {
        self.index.process().own_form(va)
    }

    /// From now on code is that of the process in a slot: a thread that calls a server goes on in another process.
    pub fn enter(&self, slot: Option<Va>) {
        let own = self.index.process().home.map(|home| Va(home.base.0));
        let slot = slot.filter(|slot| Some(*slot) != own && own.is_some());
        if self.slot.replace(slot) != slot {
            self.x86.forget();
        }
    }

    /// Back to a slot that [`Self::slot`] told.
    pub fn restore(&self, slot: Option<Va>) {
        if self.slot.replace(slot) != slot {
            self.x86.forget();
        }
    }

    /// The slot whose process's code runs, where that is not the own one.
    pub fn slot(&self) -> Option<Va> {
        self.slot.get()
    }

    /// The address as the space of the own process has it: what code of another process has in slot 0 is in that one's
    /// slot. Code of DLLs is at the same address in every process.
    pub fn shown(&self, va: Va) -> Va {
        /// User memory begins here; below lies what every process sees.
        const LOWEST: u64 = 0x1_0000;
        let Some(slot) = self.slot.get().filter(|_| (LOWEST..SLOT).contains(&va.0)) else { return va };
        let modules = &self.index.process().modules;
        let is_shared = modules.iter().skip(1).any(|module| module.range.contains(va));
        if is_shared { va } else { Va(va.0 | slot.0) }
    }

    /// The module that holds an address, and the offset in it.
    pub fn module_at(&self, va: Va) -> Option<(&'t Module, Rva)> {
        let va = self.own_form(self.shown(va));
        let (module, offset) = self.index.module_offset(va)?;
        Some((module, Rva(u32::try_from(offset).ok()?)))
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

    /// The first address behind the function that holds an address, where the symbol says so.
    pub fn function_end(&self, va: Va) -> Option<Va> {
        let (symbols, rva) = self.symbols_at(va)?;
        let lookup = symbols.lookup(rva).filter(|lookup| lookup.is_inside)?;
        va.checked_sub(lookup.offset.into())?.checked_add(lookup.symbol.size?.into())
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
        let va = self.own_form(self.shown(va));
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
        // Windows CE does not tell code from data by protection; of another process's image only the pages are known.
        let is_in_server = self.slot.get().is_some_and(|slot| slot == va.align_down(SLOT));
        let kind = match (region.state, region.protection) {
            (RegionState::Committed, _) if is_in_server => CodeKind::Perhaps,
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
            CodeKind::None | CodeKind::Unknown if self.is_server_return(machine, va) => ReturnCheck::ServerReturn,
            CodeKind::None | CodeKind::Unknown => ReturnCheck::NotCode,
            CodeKind::Code | CodeKind::Perhaps => match self.is_after_call(machine, va) {
                Some(true) => ReturnCheck::AfterCall,
                Some(false) => ReturnCheck::NoCall,
                None => ReturnCheck::NotCaptured,
            },
        }
    }

    /// Whether a jump to an address makes the kernel of Windows CE act: an API call, the return from one.
    fn is_server_return(&self, machine: Machine, va: Va) -> bool {
        let Some(layout) = self.layout() else { return false };
        let is_known = kernel_page(machine).is_some();
        is_known && api_call::decode(va, layout).is_some() || self.api_return(machine) == Some(va)
    }

    /// Where the kernel of Windows CE up to 5.x has calls of servers return to (`pAPIReturn` of its data page).
    fn api_return(&self, machine: Machine) -> Option<Va> {
        let read = || {
            self.layout().filter(|layout| layout.has_slots())?;
            let word = self.u32(kernel_page(machine)?.checked_add(kdata::API_RETURN.into())?)?;
            (word != 0).then_some(Va(word.into()))
        };
        *self.api_return.get_or_init(read)
    }

    /// Whether the kernel of Windows CE goes back to a caller when a thread comes to an address (x86).
    pub fn is_kernel_return(&self, va: Va) -> bool {
        self.api_return(Machine::X86) == Some(va)
    }

    /// Whether a call instruction ends at an address; `None` when the bytes are not at hand.
    fn is_after_call(&self, machine: Machine, va: Va) -> Option<bool> {
        match machine {
            Machine::X86 | Machine::X64 => self.is_after_x86_call(va),
            Machine::Arm64 => {
                let [_, word] = self.words_before(va)?;
                // BL; BLR and BLRAA, BLRAB, BLRAAZ, BLRABZ, which check the pointer first.
                Some(word >> 26 == 0b10_0101 || word & 0xfeff_f000 == 0xd63f_0000)
            }
            Machine::Arm => {
                let words = self.words_before(Va(va.0 & !1))?;
                Some(if va.0 & 1 != 0 { ends_with_thumb_call(words[1]) } else { ends_with_arm_call(words) })
            }
            Machine::Mips => self.words_before(va).map(|words| is_mips_call(words[0])),
            Machine::Other(SH_FIRST..=SH_LAST) => self.words_before(va).map(|words| is_sh_call(words[1] as u16)),
            Machine::Other(_) => None,
        }
    }

    /// The two words before an address; of the first there may be nothing to read.
    fn words_before(&self, va: Va) -> Option<[u32; 2]> {
        let word = |back: u64| self.u32(va.checked_sub(back)?);
        Some([word(8).unwrap_or_default(), word(4)?])
    }

    /// At the front of what was captured fewer bytes than those of the longest call may be enough.
    fn is_after_x86_call(&self, va: Va) -> Option<bool> {
        for length in [8, 7, 6, 5, 4, 3, 2] {
            let mut bytes = [0; 8];
            let from = va.checked_sub(length as u64)?;
            if self.space().read_exact(self.shown(from), &mut bytes[8 - length..]).is_ok() {
                let is_call = ends_with_call(&bytes);
                return (is_call || length == 8).then_some(is_call);
            }
        }
        None
    }

    /// The exception directory of a 64-bit image.
    pub fn exception_directory(&self, module: &Module) -> Option<Directory> {
        self.header(module).filter(|header| header.is_wide)?.exceptions
    }

    /// The exception directory of an image of Windows on 32-bit ARM.
    pub fn arm_nt_directory(&self, module: &Module) -> Option<Directory> {
        const IMAGE_FILE_MACHINE_ARMNT: u16 = 0x1c4;
        self.header(module).filter(|header| header.machine == IMAGE_FILE_MACHINE_ARMNT)?.exceptions
    }

    /// The function table of a module of Windows CE: as its header says, else in one of its sections.
    pub fn ce_table(&self, module: &Module, machine: Machine) -> Option<CeTable> {
        let base = module.range.first();
        if let Some(known) = self.ce_tables.borrow().get(&base) {
            return *known;
        }
        let header = self.header(module);
        let linked = header.map(|header| header.image_base);
        let by_header = header.and_then(|header| header.exceptions);
        let sections = self.index.sections_at(base).map(|table| places(&table.sections, module)).unwrap_or_default();
        let mut tables = by_header.into_iter().chain(sections);
        let found = tables.find_map(|place| CeTable::at(self, module, machine, place, linked));
        self.ce_tables.borrow_mut().insert(base, found);
        found
    }

    /// Where the code of an image begins, as its header says.
    pub fn entry_point(&self, module: &Module) -> Option<Va> {
        let entry = self.header(module)?.entry_point;
        module.range.first().checked_add(entry.into()).filter(|_| entry != 0)
    }

    /// The header of an image, read from its memory once.
    fn header(&self, module: &Module) -> Option<ImageHeader> {
        let base = module.range.first();
        if let Some(known) = self.headers.borrow().get(&base) {
            return *known;
        }
        let found = ImageHeader::read(self.space(), base);
        self.headers.borrow_mut().insert(base, found);
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
        self.space().read_u32(self.shown(va)).ok()
    }

    pub fn pointer(&self, va: Va, width: PointerWidth) -> Option<Va> {
        self.space().read_pointer(self.shown(va), width).ok()
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

/// Whether `BL` or `BLX` in ARM code is the second word, or a jump before which `mov lr, pc` stands.
fn ends_with_arm_call([before, word]: [u32; 2]) -> bool {
    const MOV_LR_PC: u32 = 0x01a0_e00f;
    let writes_pc = || {
        let is_bx = word & 0x0fff_fff0 == 0x012f_ff10;
        let is_load = word & 0x0c10_f000 == 0x0410_f000;
        let is_move = word & 0x0fff_fff0 == 0x01a0_f000;
        is_bx || is_load || is_move
    };
    let is_jump = before & 0x0fff_ffff == MOV_LR_PC && writes_pc();
    (word >> 24) & 0xf == 0xb || word >> 25 == 0b111_1101 || word & 0x0fff_fff0 == 0x012f_ff30 || is_jump
}

/// Whether `BL` or `BLX` in Thumb code ends the word.
fn ends_with_thumb_call(word: u32) -> bool {
    let (first, second) = (word & 0xffff, word >> 16);
    // BL and BLX have two halves; BLX with a register has one.
    first & 0xf800 == 0xf000 && second & 0xc000 == 0xc000 || second & 0xff87 == 0x4780
}

/// Whether a word is `jal`, `jalr` or a branch that sets the return address. One more instruction stands behind it.
fn is_mips_call(word: u32) -> bool {
    let (operation, kind) = (word >> 26, word >> 16 & 0x1f);
    operation == 3 || operation == 0 && word & 0x3f == 9 || operation == 1 && kind & 0x10 != 0
}

/// Whether an instruction is `bsr`, `jsr` or `bsrf`. One more stands behind it.
fn is_sh_call(half: u16) -> bool {
    half >> 12 == 0xb || half & 0xf0ff == 0x400b || half & 0xf0ff == 0x0003
}

/// What unwinders need of an image's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ImageHeader {
    /// `IMAGE_FILE_HEADER.Machine`.
    machine: u16,
    /// PE32+.
    is_wide: bool,
    /// The low half of the address that the image was linked for.
    image_base: u32,
    /// `AddressOfEntryPoint`; zero where there is none.
    entry_point: u32,
    /// Data directory number 3.
    exceptions: Option<Directory>,
}

impl ImageHeader {
    /// Reads the header (PE specification, "Optional Header").
    fn read(space: &dyn AddressSpace, base: Va) -> Option<Self> {
        const EXCEPTION_TABLE: u64 = 3;
        let u32_at = |offset: u64| space.read_u32(base.checked_add(offset)?).ok();
        let header = u64::from(u32_at(0x3c)?);
        if u32_at(0)? & 0xffff != 0x5a4d || u32_at(header)? != 0x4550 {
            return None;
        }
        let optional = header + 24;
        let is_wide = match u32_at(optional)? & 0xffff {
            0x10b => false,
            0x20b => true,
            _ => return None,
        };
        let (count, first, image_base) = if is_wide { (108, 112, 24) } else { (92, 96, 28) };
        let entry = optional + first + 8 * EXCEPTION_TABLE;
        let has_table = u64::from(u32_at(optional + count)?) > EXCEPTION_TABLE;
        let exceptions = if has_table { Some((Rva(u32_at(entry)?), u32_at(entry + 4)?)) } else { None };
        let machine = u32_at(header + 4)? as u16;
        let (image_base, entry_point) = (u32_at(optional + image_base)?, u32_at(optional + 16)?);
        Some(Self { machine, is_wide, image_base, entry_point, exceptions })
    }
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
        for (word, expected) in [
            (0xebff_fffe, true), // bl
            (0xe12f_ff33, true), // blx r3
            (0xe1a0_0000, false),
            (0xe12f_ff13, false), // bx r3
        ] {
            assert_eq!(ends_with_arm_call([0, word]), expected, "{word:x}");
        }
        for word in [0xe12f_ff13, 0xe594_f008, 0xe1a0_f003] {
            assert!(ends_with_arm_call([0xe1a0_e00f, word]), "{word:x}");
        }
        assert!(ends_with_thumb_call(0xf800_f000));
        assert!(ends_with_thumb_call(0x4798_bf00));
        assert!(!ends_with_thumb_call(0xbf00_bf00));
    }

    #[test]
    fn calls_with_an_instruction_behind_them() {
        for (word, expected) in [
            (0x0c00_1000, true),  // jal
            (0x0320_f809, true),  // jalr t9
            (0x0411_0004, true),  // bal
            (0x03e0_0008, false), // jr ra
            (0x0000_0000, false),
        ] {
            assert_eq!(is_mips_call(word), expected, "{word:x}");
        }
        for (half, expected) in [(0xb123, true), (0x410b, true), (0x0103, true), (0x000b, false), (0x0009, false)] {
            assert_eq!(is_sh_call(half), expected, "{half:x}");
        }
    }
}
