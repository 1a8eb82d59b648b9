//! Windows CE: what its system keeps of a process, a thread and the whole device, beyond what other systems have.

use crate::{
    address::Va,
    process::{ProcessId, ThreadId},
    range::VaRange,
    target::ProcessIndex,
};

/// Bytes of a slot of Windows CE up to 5.x: 32 MB.
const SLOT_SIZE: u64 = 1 << 25;

/// Where a process of Windows CE up to 5.x lives: in a slot of 32 MB that stays visible while others run. While it runs
/// itself, slot 0 shows the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotHome {
    /// Number of the process, 0 to 31; 0 is the kernel, NK.EXE.
    pub number: u8,
    /// Lowest address of its slot (`VMBase`), a multiple of 32 MB.
    pub base: Va,
    /// The bit that stands for it in the access masks of threads.
    pub access_key: u32,
}

impl SlotHome {
    /// The slot, 0 to 127.
    pub const fn slot(self) -> u8 {
        ((self.base.0 / SLOT_SIZE) & 0x7f) as u8
    }

    /// All addresses of the slot.
    pub fn range(self) -> VaRange {
        let first = Va(self.base.0 & !(SLOT_SIZE - 1));
        VaRange::sized(first, SLOT_SIZE).unwrap_or_else(|| unreachable!("a multiple of its size is no last address"))
    }

    /// The slot form of an address of slot 0: the same byte, whichever process runs. Any other address is as it was.
    pub const fn slot_form(self, va: Va) -> Va {
        if va.0 < SLOT_SIZE { Va(va.0 | (self.base.0 & !(SLOT_SIZE - 1))) } else { va }
    }

    /// The slot-0 form of an address in this slot: what the process itself calls it. Any other address is as it was.
    pub const fn slot_zero_form(self, va: Va) -> Va {
        if va.0 / SLOT_SIZE == self.base.0 / SLOT_SIZE { Va(va.0 % SLOT_SIZE) } else { va }
    }

    /// The other address of the same byte, for an address of slot 0 or of this slot.
    pub fn other_form(self, va: Va) -> Option<Va> {
        let other = if va.0 < SLOT_SIZE { self.slot_form(va) } else { self.slot_zero_form(va) };
        (other != va).then_some(other)
    }
}

/// What Windows CE keeps of a thread beyond other systems.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CeThread {
    /// The process that it was created in.
    pub owner: Option<ProcessId>,
    /// The process whose code it runs now: a call into a server moves the thread there.
    pub current: Option<ProcessId>,
    /// Its access mask: bit n opens the slot of process number n.
    pub access_mask: u32,
    /// `GetLastError`.
    pub last_error: u32,
    /// The block of its storage, above which its stack ends.
    pub tls: Option<Va>,
}

/// What is known of a whole Windows CE device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CeSystem {
    /// The process that ran when the picture was taken.
    pub current_process: Option<ProcessIndex>,
    /// The thread that ran.
    pub current_thread: Option<ThreadId>,
    /// Where the kernel data page is, when it was captured.
    pub kdata: Option<Va>,
    /// Call stacks that the device walked itself, in the order of the list.
    pub call_stacks: Vec<CeCallStack>,
}

/// A call stack as the device walked it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CeCallStack {
    /// The process that owns the thread.
    pub process: ProcessId,
    /// The thread.
    pub thread: ThreadId,
    /// Its frames, innermost first.
    pub frames: Vec<CeFrame>,
}

/// A frame of a call stack that the device walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CeFrame {
    /// The instruction, or the return address.
    pub pc: Va,
    /// The frame pointer.
    pub frame: Va,
    /// The process whose code it is.
    pub process: ProcessId,
    /// Four words that were taken for parameters.
    pub parameters: [u32; 4],
}

/// An address whose bytes are those of another one: in the view of a process, slot 0 of Windows CE up to 5.x.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    /// All addresses that are aliases.
    pub range: VaRange,
    /// The lowest address of what they stand for.
    pub of: Va,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_address() {
        let home = SlotHome { number: 8, base: Va(0x1200_0000), access_key: 0x100 };
        assert_eq!(home.slot(), 9);
        assert_eq!(home.slot_form(Va(0x12345)), Va(0x1201_2345));
        assert_eq!(home.slot_zero_form(Va(0x1201_2345)), Va(0x12345));
        for same in [0x0312_3456, 0x6789_abcd, 0x1401_2345] {
            assert_eq!((home.slot_form(Va(same)), home.slot_zero_form(Va(same))), (Va(same), Va(same)));
            assert_eq!(home.other_form(Va(same)), None);
        }
        assert_eq!(home.other_form(Va(0x12345)), Some(Va(0x1201_2345)));
        assert_eq!(home.other_form(Va(0x1201_2345)), Some(Va(0x12345)));
        let kernel = SlotHome { number: 0, base: Va(0xc200_0000), access_key: 1 };
        assert_eq!((kernel.slot(), kernel.slot_form(Va(0x01ff_c000))), (97, Va(0xc3ff_c000)));
        assert_eq!(kernel.range().last(), Va(0xc3ff_ffff));
    }
}
