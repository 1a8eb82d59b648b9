//! The hash of a whole system: equal states have equal ones, on every host.

use crate::cpu::Engine;
use crate::nt::System;
use vatlas_space::Pfn;

/// Mixes words: multiply by a large odd number, rotate.
struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.word(u64::from(*byte) | 0x100));
    }

    /// Everything that is not in guest memory, by its printed form: it names every field.
    fn debug(&mut self, value: &dyn std::fmt::Debug) {
        self.bytes(format!("{value:?}").as_bytes());
    }
}

impl System {
    /// A number of the whole state: physical memory, registers, and what the kernel keeps beside them. Page files
    /// count by what is stored, not by their contents.
    pub fn state_hash(&self) -> u64 {
        let mut mixer = Mixer(0);
        for frame in 0..self.computer.board.ram.frames() {
            mixer.bytes(self.computer.board.ram.frame(Pfn(frame.into())).unwrap_or_default());
        }
        for processor in &self.computer.processors {
            let registers = processor.registers();
            mixer.debug(&registers);
            mixer.debug(&(registers.segments, registers.fpu, registers.tsc));
        }
        mixer.debug(&self.computer.is_halted);
        mixer.debug(&self.memory);
        mixer.debug(&self.objects);
        mixer.debug(&self.processes);
        mixer.debug(&self.threads);
        mixer.debug(&self.scheduler);
        mixer.debug(&self.clock);
        mixer.debug(&self.counters);
        mixer.word(self.random);
        mixer.0
    }
}
