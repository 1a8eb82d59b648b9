//! `KTRAP_FRAME`: what the kernel keeps of a thread while it is not in user mode, on the thread's own kernel stack.

use crate::cpu::Interpreter;
use crate::cpu::{Segment, SegmentRegister};

/// Bytes of a trap frame.
pub(crate) const FRAME_BYTES: u32 = 0x8c;
const WORDS: usize = FRAME_BYTES as usize / 4;

/// Selector of user code.
pub(crate) const USER_CODE: u32 = 0x1b;
/// Selector of user data.
pub(crate) const USER_DATA: u32 = 0x23;
/// Selector of the TEB.
pub(crate) const USER_TEB: u32 = 0x3b;
/// EFLAGS that a program may set: all arithmetic flags, TF, DF, ID and alignment check.
pub(crate) const USER_FLAGS: u32 = 0x0024_0dd5;
/// EFLAGS in user mode: interrupts are on, bit 1 is always set.
pub(crate) const FIXED_FLAGS: u32 = 0x202;

/// A trap frame as its 35 double words, in NT's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TrapFrame {
    words: [u32; WORDS],
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
        let mut frame = Self { words: [0; WORDS] };
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
            frame.words[word] = value;
        }
        frame
    }

    /// The registers of a processor that left user mode.
    pub(crate) fn capture(processor: &Interpreter) -> Self {
        let mut frame = Self { words: [0; WORDS] };
        let (general, eip, eflags) = processor.user_state();
        for (word, value) in GENERAL.into_iter().zip(general) {
            frame.words[word] = value;
        }
        for (word, register) in SEGMENTS.into_iter().zip(SegmentRegister::ALL) {
            frame.words[word] = processor.segment(register).selector.into();
        }
        frame.words[word::EIP] = eip;
        frame.words[word::EFLAGS] = eflags;
        frame.words[word::DBG_EIP] = eip;
        frame.words[word::DBG_EBP] = frame.words[word::EBP];
        frame.words[word::DBG_ARG_MARK] = 0xbadb_0d00;
        frame.words[word::PREVIOUS_MODE] = 1;
        frame
    }

    /// Sets general registers, EIP and flags of a processor.
    pub(crate) fn load(&self, processor: &mut Interpreter) {
        let general = GENERAL.map(|word| self.words[word]);
        let flags = self.words[word::EFLAGS] & USER_FLAGS | FIXED_FLAGS;
        processor.set_user_state(&general, self.words[word::EIP], flags);
    }

    /// Sets the segment registers of a processor: flat code and stack whatever the frame says, the TEB in FS.
    pub(crate) fn load_segments(&self, processor: &mut Interpreter, teb: u32) {
        for (word, register) in SEGMENTS.into_iter().zip(SegmentRegister::ALL) {
            let segment = match register {
                SegmentRegister::Cs => Segment::flat(USER_CODE as u16, 0xfb),
                SegmentRegister::Ss => Segment::flat(USER_DATA as u16, 0xf3),
                _ => user_segment(self.words[word], teb),
            };
            processor.set_segment(register, segment);
        }
    }

    pub(crate) fn get(&self, word: usize) -> u32 {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI or EDI, by number.
    pub(crate) fn general(&self, number: usize) -> u32 {
        GENERAL.get(number).map_or(0, |word| self.get(*word))
    }

    pub(crate) fn set(&mut self, word: usize, value: u32) {
        if let Some(place) = self.words.get_mut(word) {
            *place = value;
        }
    }

    pub(crate) fn encode(&self) -> [u8; FRAME_BYTES as usize] {
        let mut bytes = [0; FRAME_BYTES as usize];
        for (place, word) in bytes.chunks_exact_mut(4).zip(self.words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; FRAME_BYTES as usize]) -> Self {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { words }
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
        assert_eq!(TrapFrame::decode(&bytes), frame);
    }
}
