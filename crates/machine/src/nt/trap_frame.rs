//! `KTRAP_FRAME`: what the kernel keeps of a thread while it is not in user mode, on the thread's own kernel stack.

use crate::cpu::Interpreter;
use crate::cpu::{Segment, SegmentRegister};

/// Bytes of a trap frame.
pub(crate) const FRAME_BYTES: u32 = 0x8c;

/// Selector of user code.
pub(crate) const USER_CODE: u32 = 0x1b;
/// Selector of user data.
pub(crate) const USER_DATA: u32 = 0x23;
/// Selector of the TEB.
pub(crate) const USER_TEB: u32 = 0x3b;
/// EFLAGS that a program may set: all arithmetic flags, TF, DF, ID and alignment check.
pub(crate) const USER_FLAGS: u32 = 0x0024_0dd5;
/// EFLAGS of ring 0: those of a program, the interrupt flag and IOPL.
const KERNEL_FLAGS: u32 = USER_FLAGS | 0x3200;
/// EFLAGS in user mode: interrupts are on, bit 1 is always set.
pub(crate) const FIXED_FLAGS: u32 = 0x202;

/// A trap frame as it lies in guest memory: 35 double words in NT's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TrapFrame {
    bytes: [u8; FRAME_BYTES as usize],
}

/// Numbers of its double words: offset / 4.
pub(crate) mod word {
    pub(crate) const DBG_EBP: usize = 0;
    pub(crate) const DBG_EIP: usize = 1;
    pub(crate) const DBG_ARG_MARK: usize = 2;
    pub(crate) const DBG_ARG_POINTER: usize = 3;
    pub(crate) const DR0: usize = 6;
    pub(crate) const GS: usize = 12;
    pub(crate) const ES: usize = 13;
    pub(crate) const DS: usize = 14;
    pub(crate) const EDX: usize = 15;
    pub(crate) const ECX: usize = 16;
    pub(crate) const EAX: usize = 17;
    pub(crate) const PREVIOUS_MODE: usize = 18;
    pub(crate) const FS: usize = 20;
    pub(crate) const EDI: usize = 21;
    pub(crate) const ESI: usize = 22;
    pub(crate) const EBX: usize = 23;
    pub(crate) const EBP: usize = 24;
    pub(crate) const ERR_CODE: usize = 25;
    pub(crate) const EIP: usize = 26;
    pub(crate) const CS: usize = 27;
    pub(crate) const EFLAGS: usize = 28;
    pub(crate) const ESP: usize = 29;
    pub(crate) const SS: usize = 30;
}

/// Which word holds EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
const GENERAL: [usize; 8] = [word::EAX, word::ECX, word::EDX, word::EBX, word::ESP, word::EBP, word::ESI, word::EDI];
/// Which word holds ES, CS, SS, DS, FS, GS.
const SEGMENTS: [usize; 6] = [word::ES, word::CS, word::SS, word::DS, word::FS, word::GS];

impl TrapFrame {
    /// A frame of user mode with NT's selectors and nothing else.
    pub(crate) fn user() -> Self {
        let mut frame = Self { bytes: [0; FRAME_BYTES as usize] };
        for (word, value) in [
            (word::ES, USER_DATA),
            (word::CS, USER_CODE),
            (word::SS, USER_DATA),
            (word::DS, USER_DATA),
            (word::FS, USER_TEB),
            (word::EFLAGS, FIXED_FLAGS),
            (word::PREVIOUS_MODE, 1),
            (word::DBG_ARG_MARK, 0xbadb_0d00),
        ] {
            frame.set(word, value);
        }
        frame
    }

    /// A frame of ring 0: a routine that begins with its stack.
    pub(crate) fn kernel(eip: u32, esp: u32) -> Self {
        let mut frame = Self::user();
        for (word, value) in [
            (word::CS, 8),
            (word::SS, 0x10),
            (word::FS, 0x30),
            (word::EIP, eip),
            (word::ESP, esp),
            (word::PREVIOUS_MODE, 0),
        ] {
            frame.set(word, value);
        }
        frame
    }

    /// Sets general registers, EIP and flags of a processor that goes on in ring 0.
    pub(crate) fn load_kernel(&self, processor: &mut Interpreter) {
        let general = GENERAL.map(|word| self.get(word));
        processor.set_user_state(&general, self.get(word::EIP), self.get(word::EFLAGS) & KERNEL_FLAGS | 2);
    }

    /// The registers of a processor that left user mode.
    pub(crate) fn capture(processor: &Interpreter) -> Self {
        let mut frame = Self { bytes: [0; FRAME_BYTES as usize] };
        Self::capture_to(&mut frame.bytes, processor);
        frame
    }

    /// The same to where the frame will be: words that are written one by one and then read all at once make the
    /// host's processor wait.
    #[inline(always)]
    pub(crate) fn capture_to(bytes: &mut [u8; FRAME_BYTES as usize], processor: &Interpreter) {
        bytes.fill(0);
        let mut set = |word: usize, value: u32| put(bytes, word, value);
        for (number, word) in GENERAL.into_iter().enumerate() {
            set(word, processor.general(number));
        }
        for (word, register) in SEGMENTS.into_iter().zip(SegmentRegister::ALL) {
            set(word, processor.segment(register).selector.into());
        }
        let eip = processor.eip();
        set(word::EIP, eip);
        set(word::EFLAGS, processor.eflags());
        set(word::DBG_EIP, eip);
        set(word::DBG_EBP, processor.general(5));
        set(word::DBG_ARG_MARK, 0xbadb_0d00);
        set(word::PREVIOUS_MODE, 1);
    }

    /// Sets the segment registers of a processor: flat code and stack whatever the frame says, the TEB in FS.
    pub(crate) fn load_segments(&self, processor: &mut Interpreter, teb: u32) {
        for (word, register) in SEGMENTS.into_iter().zip(SegmentRegister::ALL) {
            let segment = match register {
                SegmentRegister::Cs => Segment::flat(USER_CODE as u16, 0xfb),
                SegmentRegister::Ss => Segment::flat(USER_DATA as u16, 0xf3),
                _ => user_segment(self.get(word), teb),
            };
            processor.set_segment(register, segment);
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, word: usize) -> u32 {
        self.bytes.as_chunks().0.get(word).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Sets a general register by number.
    pub(crate) fn set_general(&mut self, number: usize, value: u32) {
        if let Some(word) = GENERAL.get(number) {
            self.set(*word, value);
        }
    }

    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI or EDI, by number.
    pub(crate) fn general(&self, number: usize) -> u32 {
        GENERAL.get(number).map_or(0, |word| self.get(*word))
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, word: usize, value: u32) {
        put(&mut self.bytes, word, value);
    }

    pub(crate) const fn encode(&self) -> &[u8; FRAME_BYTES as usize] {
        &self.bytes
    }

    pub(crate) const fn decode(bytes: &[u8; FRAME_BYTES as usize]) -> Self {
        Self { bytes: *bytes }
    }

    /// Sets general registers, EIP and flags of a processor by a frame in guest memory.
    #[inline(always)]
    pub(crate) fn load_from(bytes: &[u8; FRAME_BYTES as usize], processor: &mut Interpreter) {
        let get = |word: usize| bytes.as_chunks().0.get(word).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let flags = get(word::EFLAGS) & USER_FLAGS | FIXED_FLAGS;
        processor.set_user_state(&GENERAL.map(get), get(word::EIP), flags);
    }
}

/// Writes a word of a frame.
#[inline(always)]
pub(crate) fn put(frame: &mut [u8; FRAME_BYTES as usize], word: usize, value: u32) {
    if let Some(place) = frame.as_chunks_mut().0.get_mut(word) {
        *place = value.to_le_bytes();
    }
}

/// The data segment for a selector that a program has in a register: flat, the TEB, or none.
fn user_segment(selector: u32, teb: u32) -> Segment {
    match selector | 3 {
        USER_DATA => Segment::flat(selector as u16, 0xf3),
        USER_TEB => Segment { selector: selector as u16, base: teb, limit: 0xfff, access: 0xf3 },
        _ => Segment::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_nt() {
        let mut frame = TrapFrame::user();
        frame.set(word::EIP, 0x1122_3344);
        frame.set(word::ESP, 0x5566_7788);
        let bytes = frame.encode();
        assert_eq!(bytes[0x68..0x6c], [0x44, 0x33, 0x22, 0x11]);
        assert_eq!(bytes[0x74..0x78], [0x88, 0x77, 0x66, 0x55]);
        assert_eq!(bytes[0x6c], 0x1b);
        assert_eq!(TrapFrame::decode(bytes), frame);
    }
}
