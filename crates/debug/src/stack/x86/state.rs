//! Registers and words of the stack while x86 code is followed from one instruction to others.

use crate::stack::register_file::x86_number::SP;

/// General registers.
pub(super) const REGISTERS: usize = 8;
/// Words that are remembered; frames store far fewer before they are built or while they are taken down.
const MOST_WORDS: usize = 256;

/// What a register or a word holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// A known number.
    Number(u32),
    /// What the register of this number held where the way began, which nobody knows.
    Initial(u8),
    /// Something else.
    Unknown,
}

impl Value {
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A number computed from one; the value itself where the computation changes nothing.
    pub fn map(self, compute: impl FnOnce(u32) -> u32) -> Self {
        self.number().map_or(Self::Unknown, |number| Self::Number(compute(number)))
    }
}

/// What is known before an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct State {
    registers: [Value; REGISTERS],
    /// Words that were stored on the way, by address.
    words: Vec<(u32, Value)>,
    /// No instruction of the way was one whose effect on the stack had to be guessed.
    pub is_certain: bool,
    /// Bytes pushed since the last call.
    pub pushed: u32,
    /// Where a function goes back to that works on the frame and is followed like a part of it; zero outside of one.
    pub inside: u32,
    /// The largest number that the last comparison let through: how far a table of jumps goes.
    pub compared: Option<u32>,
}

impl State {
    pub fn new(registers: [Value; REGISTERS]) -> Self {
        Self { registers, words: Vec::new(), is_certain: true, pushed: 0, inside: 0, compared: None }
    }

    pub fn get(&self, register: usize) -> Value {
        self.registers.get(register).copied().unwrap_or(Value::Unknown)
    }

    pub fn set(&mut self, register: usize, value: Value) {
        if let Some(slot) = self.registers.get_mut(register) {
            *slot = value;
        }
    }

    pub fn sp(&self) -> Option<u32> {
        self.get(SP).number()
    }

    /// Moves the stack pointer up by so many bytes.
    pub fn add_sp(&mut self, bytes: u32) {
        self.set(SP, self.get(SP).map(|sp| sp.wrapping_add(bytes)));
    }

    /// Stores a word.
    pub fn store(&mut self, address: u32, value: Value) {
        self.words.retain(|(known, _)| known.wrapping_sub(address).wrapping_add(3) > 6);
        if self.words.len() < MOST_WORDS {
            self.words.push((address, value));
        }
    }

    /// A word that was stored on the way.
    pub fn stored(&self, address: u32) -> Option<Value> {
        let near = self.words.iter().find(|(known, _)| known.wrapping_sub(address).wrapping_add(3) <= 6);
        near.map(|(known, value)| if *known == address { *value } else { Value::Unknown })
    }

    /// Where a value was stored, the highest place first.
    pub fn place_of(&self, value: Value) -> Option<u32> {
        self.words.iter().filter(|(_, stored)| *stored == value).map(|(address, _)| *address).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_found_again() {
        let mut state = State::new([Value::Unknown; REGISTERS]);
        state.store(0x100, Value::Initial(3));
        state.store(0x104, Value::Number(1));
        assert_eq!(state.stored(0x100), Some(Value::Initial(3)));
        assert_eq!(state.stored(0x102), Some(Value::Unknown), "parts of two words");
        assert_eq!(state.stored(0x108), None);
        assert_eq!(state.place_of(Value::Initial(3)), Some(0x100));
        state.store(0x102, Value::Unknown);
        assert_eq!((state.place_of(Value::Initial(3)), state.stored(0x104)), (None, Some(Value::Unknown)));
    }

    #[test]
    fn the_stack_pointer_wraps_around() {
        let mut state = State::new([Value::Number(4); REGISTERS]);
        state.add_sp(0u32.wrapping_sub(8));
        assert_eq!(state.sp(), Some(u32::MAX - 3));
        state.set(SP, Value::Unknown);
        state.add_sp(4);
        assert_eq!(state.sp(), None);
    }
}
