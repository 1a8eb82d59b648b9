//! What the kernel knows of the processor: forms of page-table entries, segments, registers, where arguments are. The
//! rest of the kernel asks here; another processor is another table like this.
//!
//! ```text
//! entry  bit 0 present  1 writable  2 user  4 uncached  5 accessed  6 dirty  7 large page
//!        9 the frame is the entry's own   10 guard page   11 filled on first touch      12.. frame
//! GDT    08 10 ring 0   18 20 ring 1   28 30 ring 2   38 40 ring 3 (code, data)   48 TSS   60 FS of the thread
//! ```
//!
//! Selectors 18, 20, 40 and 60 are those of register dumps of x86 devices (`wince.md` 9.3: CS=0019 SS=0021 DS=0040
//! FS=0060); the others are our choice. Threads in kernel mode run in ring 1, which for page tables is the kernel.

use super::layout::entry;
use crate::cpu::{Control, DescriptorTable, Engine, Fpu, HostTraps, Interpreter, Registers, Segment, SegmentRegister};

/// Bytes that a directory entry covers, as a shift.
pub(crate) const TABLE_SHIFT: u32 = 22;
/// Directory entries of a slot.
pub(crate) const ENTRIES_PER_SLOT: usize = 8;
/// Bytes of them.
pub(crate) const SLOT_BYTES: usize = 4 * ENTRIES_PER_SLOT;
/// Entries of a table.
pub(crate) const ENTRIES: u32 = 1024;

/// The entry is valid.
pub(crate) const PRESENT: u32 = 1 << 0;
/// Writes are allowed.
pub(crate) const WRITABLE: u32 = 1 << 1;
/// User mode may use it.
pub(crate) const USER: u32 = 1 << 2;
/// Past the cache.
pub(crate) const UNCACHED: u32 = 1 << 4;
/// It was used.
pub(crate) const ACCESSED: u32 = 1 << 5;
/// It was written.
pub(crate) const DIRTY: u32 = 1 << 6;
/// A directory entry that is a page of 4 MB.
pub(crate) const LARGE: u32 = 1 << 7;
/// The frame goes back when the entry goes.
pub(crate) const OWNED: u32 = entry::OWNED;
/// The first touch is an exception.
pub(crate) const GUARD: u32 = entry::GUARD;
/// Committed; the first touch fills the page.
pub(crate) const ON_DEMAND: u32 = entry::ON_DEMAND;
/// Committed, not to be touched.
pub(crate) const HIDDEN: u32 = entry::HIDDEN;

/// What a directory entry needs to lead to a table.
pub(crate) const TABLE: u32 = PRESENT | WRITABLE | USER | ACCESSED;

/// `IMAGE_FILE_MACHINE_*` of the images that it runs.
pub(crate) const MACHINE: u16 = 0x14c;

/// Bytes of the GDT.
pub(crate) const GDT_BYTES: usize = 0x68;
/// Bytes below the TLS area to which FS points.
pub(crate) const THREAD_BLOCK_BYTES: u32 = 0x80;
/// Words of that block: exception list, end of the stack, its lowest address, the block.
pub(crate) const EXCEPTION_LIST: u32 = 0x00;
pub(crate) const STACK_END: u32 = 0x04;
pub(crate) const STACK_LIMIT: u32 = 0x08;
pub(crate) const BLOCK_SELF: u32 = 0x18;
/// The exception list is empty.
pub(crate) const END_OF_LIST: u32 = u32::MAX;

const INTERRUPTS: u32 = 1 << 9;
const FIXED: u32 = 2;
/// Flags that a program may set: the arithmetic ones, direction, trap, alignment, identification.
const PROGRAM_FLAGS: u32 = 0x0024_0dd5;
const FS_SELECTOR: u16 = 0x63;

/// The registers of a thread that does not run, in the order in which THREAD keeps them: that of the second half of
/// x86's `CONTEXT` (our choice).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ThreadRegisters {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub general: [u32; 8],
    pub pc: u32,
    pub flags: u32,
}

/// Number of the register with the result of a call.
pub(crate) const RESULT: usize = 0;
/// Number of the one with its upper half.
pub(crate) const RESULT_HIGH: usize = 2;
/// Number of the stack pointer.
pub(crate) const STACK: usize = 4;
/// Number of the frame pointer.
pub(crate) const FRAME: usize = 5;

/// Bytes of the registers in THREAD.
pub(crate) const CONTEXT_BYTES: usize = 0x40;
/// Names of the registers in THREAD, in their order.
pub const CONTEXT_NAMES: [&str; 16] =
    ["gs", "fs", "es", "ds", "edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip", "cs", "efl", "esp", "ss"];
/// Place of each general register in THREAD, in words.
const PLACES: [usize; 8] = [9, 8, 7, 6, 14, 10, 5, 4];

impl ThreadRegisters {
    /// Those of a thread that begins.
    pub(crate) fn starting(pc: u32, stack: u32) -> Self {
        let mut registers = Self { pc, flags: FIXED | INTERRUPTS, ..Self::default() };
        registers.general[STACK] = stack;
        registers
    }

    /// Flags that a program asked for.
    pub(crate) fn set_flags(&mut self, flags: u32) {
        self.flags = flags & PROGRAM_FLAGS | FIXED | INTERRUPTS;
    }

    /// As THREAD keeps them.
    pub(crate) fn to_bytes(self, in_kernel_mode: bool) -> [u8; CONTEXT_BYTES] {
        let data = 0x43;
        let (code, stack) = if in_kernel_mode { (0x19, 0x21) } else { (0x3b, 0x43) };
        let mut words = [0; CONTEXT_BYTES / 4];
        (words[1], words[2], words[3]) = (FS_SELECTOR.into(), data, data);
        (words[11], words[12], words[13], words[15]) = (self.pc, code, self.flags, stack);
        PLACES.iter().zip(self.general).for_each(|(place, value)| words[*place] = value);
        let mut bytes = [0; CONTEXT_BYTES];
        bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
        bytes
    }

    /// From what THREAD keeps.
    pub(crate) fn from_bytes(bytes: &[u8; CONTEXT_BYTES]) -> Self {
        let word = |place: usize| bytes.as_chunks().0.get(place).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Self { general: PLACES.map(word), pc: word(11), flags: word(13) }
    }
}

/// Bytes of a `CONTEXT` as programs see it.
pub(crate) const PROGRAM_CONTEXT_BYTES: usize = 0x2cc;
/// `CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS` of x86.
const PROGRAM_CONTEXT_FLAGS: u32 = 0x1_0007;
/// Where the words of THREAD lie in it.
const PROGRAM_CONTEXT_WORDS: usize = 0x8c;

/// A `CONTEXT` of these registers. Floating-point registers stay with the thread and are not in it (our choice).
pub(crate) fn program_context(registers: ThreadRegisters, in_kernel_mode: bool) -> Vec<u8> {
    let mut bytes = vec![0; PROGRAM_CONTEXT_BYTES];
    bytes[..4].copy_from_slice(&PROGRAM_CONTEXT_FLAGS.to_le_bytes());
    let words = PROGRAM_CONTEXT_WORDS..PROGRAM_CONTEXT_WORDS + CONTEXT_BYTES;
    bytes[words].copy_from_slice(&registers.to_bytes(in_kernel_mode));
    bytes
}

/// The registers that a `CONTEXT` sets, over those that a thread has.
pub(crate) fn from_program_context(bytes: &[u8; PROGRAM_CONTEXT_BYTES], old: ThreadRegisters) -> ThreadRegisters {
    let flags = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let Some(words) = bytes[PROGRAM_CONTEXT_WORDS..].first_chunk() else { return old };
    let new = ThreadRegisters::from_bytes(words);
    let mut result = old;
    if flags & 1 != 0 {
        result.pc = new.pc;
        result.general[STACK] = new.general[STACK];
        result.general[FRAME] = new.general[FRAME];
        result.set_flags(new.flags);
    }
    if flags & 2 != 0 {
        for register in (0..8).filter(|register| ![STACK, FRAME].contains(register)) {
            result.general[register] = new.general[register];
        }
    }
    result
}

/// Base, limit and access byte of a descriptor as its 8 bytes; limits in pages.
fn descriptor(base: u32, limit: u32, access: u8) -> [u8; 8] {
    let [l0, l1, l2, _] = limit.to_le_bytes();
    let [b0, b1, b2, b3] = base.to_le_bytes();
    [l0, l1, b0, b1, b2, access, 0xc0 | l2 & 15, b3]
}

/// The descriptor table.
pub(crate) fn descriptor_table() -> [u8; GDT_BYTES] {
    let mut table = [0; GDT_BYTES];
    let rows = (0..4_u8).flat_map(|ring| [(ring, 0x9b), (ring, 0x93)]);
    for (number, (ring, access)) in rows.enumerate() {
        let at = 8 * (number + 1);
        table[at..at + 8].copy_from_slice(&descriptor(0, 0xf_ffff, access | ring << 5));
    }
    table[0x60..0x68].copy_from_slice(&descriptor(0, 0, 0xf3));
    table
}

/// Where the base of FS is in the descriptor table: its 8 bytes.
pub(crate) const FS_DESCRIPTOR: u32 = 0x60;

/// The descriptor of FS for a thread.
pub(crate) fn thread_descriptor(block: u32) -> [u8; 8] {
    descriptor(block, 0, 0xf3)
}

/// Prepares a processor: paging with this directory, descriptors, every exception to the kernel.
pub(crate) fn prepare(processor: &mut Interpreter, directory: u32, table: u32) {
    let flat = Registers::flat();
    let control = Control { cr0: flat.control.cr0 | 1 << 31, cr3: directory, ..flat.control };
    processor.set_registers(&Registers {
        control,
        gdt: DescriptorTable { base: table, limit: GDT_BYTES as u16 - 1 },
        idt: DescriptorTable { base: table, limit: 0 },
        ..flat
    });
    *processor.traps() = HostTraps::all();
    let data = Segment::flat(0x43, 0xf3);
    for register in [SegmentRegister::Ds, SegmentRegister::Es] {
        processor.set_segment(register, data);
    }
}

/// Puts a thread's registers into the processor.
pub(crate) fn load(processor: &mut Interpreter, registers: &ThreadRegisters, in_kernel_mode: bool, block: u32) {
    set_mode(processor, in_kernel_mode);
    let fs = Segment { selector: FS_SELECTOR, base: block, limit: 0xfff, access: 0xf3 };
    processor.set_segment(SegmentRegister::Fs, fs);
    set_registers(processor, registers);
}

/// Sets the registers of the thread that runs.
pub(crate) fn set_registers(processor: &mut Interpreter, registers: &ThreadRegisters) {
    processor.set_user_state(&registers.general, registers.pc, registers.flags);
}

/// The registers of the thread that runs.
pub(crate) fn registers(processor: &Interpreter) -> ThreadRegisters {
    let (general, pc, flags) = processor.user_state();
    ThreadRegisters { general, pc, flags }
}

/// Kernel mode or user mode.
pub(crate) fn set_mode(processor: &mut Interpreter, in_kernel_mode: bool) {
    let (code, stack) = match in_kernel_mode {
        true => (Segment::flat(0x19, 0xbb), Segment::flat(0x21, 0xb3)),
        false => (Segment::flat(0x3b, 0xfb), Segment::flat(0x43, 0xf3)),
    };
    processor.set_segment(SegmentRegister::Cs, code);
    processor.set_segment(SegmentRegister::Ss, stack);
}

/// Floating-point registers of a thread that begins: as after `fninit`.
pub(crate) fn floats() -> Fpu {
    Fpu::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_survive_both_forms() {
        let registers = ThreadRegisters { general: [1, 2, 3, 4, 5, 6, 7, 8], pc: 9, flags: 0x202 };
        assert_eq!(ThreadRegisters::from_bytes(&registers.to_bytes(false)), registers);
        let context = program_context(registers, true);
        let context = context.first_chunk().unwrap();
        assert_eq!(from_program_context(context, ThreadRegisters::default()), registers);
    }

    #[test]
    fn a_program_cannot_take_rights_by_flags() {
        let mut registers = ThreadRegisters::default();
        registers.set_flags(u32::MAX);
        assert_eq!(registers.flags & 0x0002_3000, 0);
        assert_eq!(registers.flags & INTERRUPTS, INTERRUPTS);
    }

    #[test]
    fn descriptors_stand_at_their_selectors() {
        let table = descriptor_table();
        assert_eq!(table[0x18..0x20], [0xff, 0xff, 0, 0, 0, 0xbb, 0xcf, 0]);
        assert_eq!(table[0x40..0x48], [0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0]);
        assert_eq!(thread_descriptor(0x0401_ff80)[2..5], [0x80, 0xff, 0x01]);
    }
}
