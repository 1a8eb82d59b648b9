//! `CONTEXT`: a thread's registers as programs see and set them, 2CCh bytes on XP.

use crate::cpu::Fpu;
use crate::nt::float_image::{FX_BYTES, SAVE_AREA_BYTES, decode_fx, decode_save_area, encode_fx, encode_save_area};
use crate::nt::trap_frame::{FIXED_FLAGS, TrapFrame, USER_FLAGS, word};

/// Bytes of a `CONTEXT`.
pub(crate) const CONTEXT_BYTES: usize = 0x2cc;

/// `CONTEXT_i386`: bit of every flag.
const I386: u32 = 0x1_0000;
/// EBP, EIP, CS, EFLAGS, ESP, SS.
pub(crate) const CONTROL: u32 = 0x1;
/// EDI, ESI, EBX, EDX, ECX, EAX.
pub(crate) const INTEGER: u32 = 0x2;
/// GS, FS, ES, DS.
pub(crate) const SEGMENTS: u32 = 0x4;
/// x87 as `fsave` writes it.
pub(crate) const FLOATING_POINT: u32 = 0x8;
/// DR0 to DR7.
pub(crate) const DEBUG_REGISTERS: u32 = 0x10;
/// x87 and SSE as `fxsave` writes them.
pub(crate) const EXTENDED_REGISTERS: u32 = 0x20;
/// Everything.
pub(crate) const ALL: u32 = I386 | 0x3f;

const FLAGS: usize = 0;
const DEBUG: usize = 0x04;
const FLOAT_SAVE: usize = 0x1c;
const EXTENDED: usize = 0xcc;
/// Place in a `CONTEXT`, place in a trap frame.
const CONTROL_WORDS: [(usize, usize); 6] =
    [(0xb4, word::EBP), (0xb8, word::EIP), (0xbc, word::CS), (0xc0, word::EFLAGS), (0xc4, word::ESP), (0xc8, word::SS)];
const INTEGER_WORDS: [(usize, usize); 6] =
    [(0x9c, word::EDI), (0xa0, word::ESI), (0xa4, word::EBX), (0xa8, word::EDX), (0xac, word::ECX), (0xb0, word::EAX)];
const SEGMENT_WORDS: [(usize, usize); 4] = [(0x8c, word::GS), (0x90, word::FS), (0x94, word::ES), (0x98, word::DS)];

/// A `CONTEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Context(pub(crate) Box<[u8; CONTEXT_BYTES]>);

impl Context {
    /// One with these flags and nothing else.
    pub(crate) fn with_flags(flags: u32) -> Self {
        let mut context = Self(Box::new([0; CONTEXT_BYTES]));
        context.set(FLAGS, flags | I386);
        context
    }

    /// The registers of a trap frame, as far as `flags` ask for them.
    pub(crate) fn capture(frame: &TrapFrame, fpu: &Fpu, flags: u32) -> Self {
        let mut context = Self::with_flags(flags);
        for (bit, words) in groups() {
            if flags & bit != 0 {
                words.iter().for_each(|(place, word)| context.set(*place, frame.get(*word)));
            }
        }
        if flags & DEBUG_REGISTERS != 0 {
            (0..6).for_each(|number| context.set(DEBUG + 4 * number, frame.get(word::DR0 + number)));
        }
        if flags & FLOATING_POINT != 0 {
            context.0[FLOAT_SAVE..FLOAT_SAVE + SAVE_AREA_BYTES].copy_from_slice(&encode_save_area(fpu));
        }
        if flags & EXTENDED_REGISTERS != 0 {
            context.0[EXTENDED..].copy_from_slice(&encode_fx(fpu));
        }
        context
    }

    /// Sets the registers that the flags name. A program stays in ring 3 whatever it says.
    pub(crate) fn apply(&self, frame: &mut TrapFrame, fpu: &mut Fpu) {
        let flags = self.flags();
        for (bit, words) in groups() {
            if flags & bit != 0 {
                words.iter().for_each(|(place, word)| frame.set(*word, self.get(*place)));
            }
        }
        if flags & CONTROL != 0 {
            frame.set(word::EFLAGS, frame.get(word::EFLAGS) & USER_FLAGS | FIXED_FLAGS);
            frame.set(word::CS, frame.get(word::CS) & 0xffff | 3);
            frame.set(word::SS, frame.get(word::SS) & 0xffff | 3);
        }
        if flags & DEBUG_REGISTERS != 0 {
            (0..6).for_each(|number| frame.set(word::DR0 + number, self.get(DEBUG + 4 * number)));
        }
        if flags & EXTENDED_REGISTERS != 0
            && let Some(bytes) = self.0[EXTENDED..].first_chunk::<FX_BYTES>()
        {
            *fpu = decode_fx(bytes);
        } else if flags & FLOATING_POINT != 0
            && let Some(bytes) = self.0[FLOAT_SAVE..].first_chunk::<SAVE_AREA_BYTES>()
        {
            decode_save_area(bytes, fpu);
        }
    }

    /// Takes over the registers that another one has.
    pub(crate) fn take(&mut self, other: &Self) {
        let flags = other.flags();
        for (bit, words) in groups() {
            if flags & bit != 0 {
                words.iter().for_each(|(place, _)| self.set(*place, other.get(*place)));
            }
        }
        for (bit, at, length) in [
            (DEBUG_REGISTERS, DEBUG, 24),
            (FLOATING_POINT, FLOAT_SAVE, SAVE_AREA_BYTES),
            (EXTENDED_REGISTERS, EXTENDED, FX_BYTES),
        ] {
            if flags & bit != 0 {
                self.0[at..at + length].copy_from_slice(&other.0[at..at + length]);
            }
        }
    }

    /// Which registers it has.
    pub(crate) fn flags(&self) -> u32 {
        self.get(FLAGS)
    }

    pub(crate) fn eax(&self) -> u32 {
        self.get(0xb0)
    }

    fn get(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn set(&mut self, at: usize, value: u32) {
        if let Some(place) = self.0.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
}

fn groups() -> [(u32, &'static [(usize, usize)]); 3] {
    [(CONTROL, &CONTROL_WORDS), (INTEGER, &INTEGER_WORDS), (SEGMENTS, &SEGMENT_WORDS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_which_registers_are_taken() {
        let mut frame = TrapFrame::user();
        frame.set(word::EAX, 7);
        frame.set(word::EIP, 0x40_1000);
        frame.set(word::DR0 + 5, 0x155);
        let fpu = Fpu::default();
        let mut context = Context::capture(&frame, &fpu, ALL);
        assert_eq!((context.eax(), context.get(0xb8), context.get(0x18)), (7, 0x40_1000, 0x155));
        context.set(0xb0, 8);
        context.set(0xb8, 0x40_2000);
        context.set(FLAGS, I386 | INTEGER);
        let mut changed = frame;
        context.apply(&mut changed, &mut fpu.clone());
        assert_eq!((changed.get(word::EAX), changed.get(word::EIP)), (8, 0x40_1000));
    }

    #[test]
    fn a_program_stays_in_ring_3() {
        let mut context = Context::with_flags(CONTROL);
        context.set(0xbc, 8);
        context.set(0xc0, 0xffff_ffff);
        let mut frame = TrapFrame::user();
        context.apply(&mut frame, &mut Fpu::default());
        assert_eq!((frame.get(word::CS), frame.get(word::EFLAGS) & 0x3000), (0xb, 0));
    }
}
