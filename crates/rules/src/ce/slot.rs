//! The slot rule of Windows CE up to 5.x: 4 GB are 128 slots of 32 MB, and every process lives in one of them.
//!
//! ```text
//!  31 30      25 24      16 15   12 11       0
//! [k][ section ][ 64K block][ page ][ offset ]      pages of 4 KB
//!
//! slot(va)   = va >> 25              0..127, from 64 on the kernel's half
//! offset(va) = va & 01FFFFFF
//! mapped     = va | base(slot)       when slot(va) = 0
//! zero based = va & 01FFFFFF         when 2 <= slot(va) <= 32
//! slot       = process number + 1    access key = 1 << process number
//! ```
//!
//! Sources: S. Loh, *Windows CE Virtual Memory Layout for Debugging*; Microsoft documentation of `CeZeroPointer` and
//! `MapPtrToProcess`.

use std::fmt;
use vatlas_space::{Va, VaRange};

/// Bits of an offset in a slot. Everything else in this file follows from it.
pub const SLOT_SHIFT: u32 = 25;

/// Bytes of a slot: 32 MB.
pub const SLOT_SIZE: u64 = 1 << SLOT_SHIFT;

const OFFSET_MASK: u64 = SLOT_SIZE - 1;

/// Slots from 0 to the last process slot.
pub const LOW_SLOTS: u8 = 33;

/// Slots that processes live in.
pub const PROCESS_SLOTS: u8 = 31;

/// Processes of a system: one for each process slot, and the kernel.
pub const PROCESSES: u8 = PROCESS_SLOTS + 1;

/// Where the shared area begins: behind the last process slot.
pub const SHARED_AREA: Va = Va((LOW_SLOTS as u64) << SLOT_SHIFT);

/// A slot, 0 to 127.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u8);

impl Slot {
    /// Slot 0: the alias of the process that runs now.
    pub const ZERO: Self = Self(0);
    /// Slot 1: code of ROM DLLs (the kernel up to CE 3.0).
    pub const ONE: Self = Self(1);
    /// The slot of NK.EXE on CE 5.x, where its `VMBase` is `C2000000`.
    pub const NK: Self = Self(97);

    /// A slot by number; `None` above 127.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its lowest address: for a process its `VMBase`.
    pub const fn base(self) -> Va {
        Va((self.0 as u64) << SLOT_SHIFT)
    }

    /// All its addresses.
    pub const fn range(self) -> VaRange {
        match VaRange::sized(self.base(), SLOT_SIZE) {
            Some(range) => range,
            None => unreachable!(),
        }
    }

    /// The process that lives here: slots 2 to 32 only.
    pub const fn process(self) -> Option<ProcessNumber> {
        match self.0 {
            2..=32 => Some(ProcessNumber(self.0 - 1)),
            _ => None,
        }
    }

    /// All slots that processes live in.
    pub fn of_processes() -> impl Iterator<Item = Self> {
        (2..LOW_SLOTS).map(Self)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of a process, 0 to 31; 0 is the kernel, NK.EXE.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcessNumber(u8);

impl ProcessNumber {
    /// NK.EXE.
    pub const KERNEL: Self = Self(0);

    /// A process by number; `None` above 31.
    pub const fn new(number: u8) -> Option<Self> {
        if number < PROCESSES { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The slot that it lives in; `None` for the kernel, which lives above `80000000`.
    pub const fn slot(self) -> Option<Slot> {
        match self.0 {
            0 => None,
            number => Some(Slot(number + 1)),
        }
    }

    /// The bit that stands for it in an access mask (AKY).
    pub const fn access_key(self) -> u32 {
        1 << self.0
    }
}

impl fmt::Display for ProcessNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The processes whose bits are set in a thread's access mask, lowest number first.
pub fn processes_of(access_mask: u32) -> impl Iterator<Item = ProcessNumber> {
    (0..PROCESSES).map(ProcessNumber).filter(move |process| access_mask & process.access_key() != 0)
}

/// The slot of an address; `None` when it has more than 32 bits.
pub const fn slot_of(va: Va) -> Option<Slot> {
    if va.0 > u32::MAX as u64 { None } else { Some(Slot((va.0 >> SLOT_SHIFT) as u8)) }
}

/// Bytes from the start of its slot, below [`SLOT_SIZE`].
pub const fn offset_of(va: Va) -> u32 {
    (va.0 & OFFSET_MASK) as u32
}

/// Number of the 64 KB block in the slot, 0 to 511.
pub const fn block_of(va: Va) -> u16 {
    ((va.0 >> 16) & 0x1ff) as u16
}

/// Number of the 4 KB page in the 64 KB block, 0 to 15.
pub const fn page_of(va: Va) -> u8 {
    ((va.0 >> 12) & 0xf) as u8
}

/// The slot form: the same byte at the place of the process in `slot`. Only a slot-0 address changes.
pub const fn mapped(va: Va, slot: Slot) -> Va {
    match slot_of(va) {
        Some(Slot::ZERO) => Va(va.0 | slot.base().0),
        _ => va,
    }
}

/// The slot-0 form: the same byte while its process runs. Only an address in a process slot changes; slot 1 and
/// everything from `42000000` up are the same for all processes.
pub const fn zero_based(va: Va) -> Va {
    match slot_of(va) {
        Some(slot) if slot.process().is_some() => Va(va.0 & OFFSET_MASK),
        _ => va,
    }
}

/// Which 16 MB of its slot an address lies in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Half {
    /// Second hexadecimal digit even: the side of EXE, heap and stacks.
    Lower,
    /// Second hexadecimal digit odd, bit 24 set: the side of DLLs.
    Upper,
}

/// The half of the slot, seen at the second hexadecimal digit.
pub const fn half_of(va: Va) -> Half {
    if va.0 & (1 << (SLOT_SHIFT - 1)) == 0 { Half::Lower } else { Half::Upper }
}

/// Whether a thread with this access mask may touch memory of the process in `slot`; slots without a process are
/// not decided by the mask.
pub const fn mask_opens(access_mask: u32, slot: Slot) -> Option<bool> {
    match slot.process() {
        Some(process) => Some(access_mask & process.access_key() != 0),
        None => None,
    }
}
