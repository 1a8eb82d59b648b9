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
        self.state_hashes().iter().for_each(|(_, hash)| mixer.word(*hash));
        mixer.0
    }

    /// The same part by part, for who wants to know in what two states differ.
    pub fn state_hashes(&self) -> [(&'static str, u64); 14] {
        let of = |write: &dyn Fn(&mut Mixer)| {
            let mut mixer = Mixer(0);
            write(&mut mixer);
            mixer.0
        };
        let printed = |value: &dyn std::fmt::Debug| of(&|mixer| mixer.debug(value));
        let ram = &self.computer.board.ram;
        [
            (
                "memory",
                of(&|mixer| {
                    let frames = (0..ram.frames()).map(|frame| ram.frame(Pfn(frame.into())).unwrap_or_default());
                    frames.for_each(|frame| mixer.bytes(frame));
                }),
            ),
            (
                "registers",
                of(&|mixer| {
                    for processor in &self.computer.processors {
                        let registers = processor.registers();
                        mixer.debug(&registers);
                        mixer.debug(&(registers.segments, registers.fpu, registers.tsc));
                    }
                }),
            ),
            ("halted processors", printed(&self.computer.is_halted)),
            ("memory manager", printed(&self.memory)),
            ("objects", printed(&self.objects)),
            ("processes", printed(&self.processes)),
            ("threads", printed(&self.threads)),
            ("population", printed(&self.population)),
            ("scheduler", printed(&self.scheduler)),
            ("clock", printed(&self.clock)),
            ("counters", printed(&self.counters)),
            ("ring 0", printed(&self.ring0)),
            ("files", printed(&*self.files.borrow())),
            ("random numbers", of(&|mixer| mixer.word(self.random))),
        ]
    }
}
