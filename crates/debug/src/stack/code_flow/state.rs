//! Registers and words of the stack before an instruction.

use super::{CodeSet, Content, REGISTERS};

/// Words that are remembered; frames save far fewer.
const MOST_WORDS: usize = 512;

/// What is known before an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::stack) struct State {
    registers: [Content; REGISTERS],
    /// Words that were stored, by register on entry and offset.
    words: Vec<((u8, i32), Content)>,
    /// Conditions of the instructions from here on (`ITSTATE` of Thumb).
    pub block: u8,
    /// A condition of ARM that holds on this way.
    pub assumed: Option<u8>,
}

impl State {
    /// At a function's beginning.
    pub fn entry() -> Self {
        let registers = std::array::from_fn(|number| Content::Entry(number as u8, 0));
        Self { registers, words: Vec::new(), block: 0, assumed: None }
    }

    /// The same, on a way where a condition holds.
    pub fn assuming(self, assumed: Option<u8>) -> Self {
        Self { assumed, ..self }
    }

    pub fn get(&self, register: u8) -> Content {
        self.registers.get(usize::from(register)).copied().unwrap_or(Content::Unknown)
    }

    pub fn set(&mut self, register: u8, content: Content) {
        if let Some(slot) = self.registers.get_mut(usize::from(register)) {
            *slot = content;
        }
    }

    /// Something that is not followed was put into a register.
    pub fn spoil(&mut self, register: u8) {
        self.set(register, Content::Unknown);
    }

    /// `to = from + number`.
    pub fn add(&mut self, to: u8, from: u8, number: i32) {
        self.set(to, self.get(from).plus(number));
    }

    /// Stores a word at `base + offset`. Through a pointer that is not followed nothing of the frame is hit.
    pub fn store(&mut self, content: Content, base: Content, offset: i32) {
        let Content::Entry(register, at) = base.plus(offset) else { return };
        let place = (register, at);
        self.words.retain(|(known, _)| *known != place);
        if self.words.len() < MOST_WORDS {
            self.words.push((place, content));
        }
    }

    /// Something smaller than a word was stored.
    pub fn store_part(&mut self, base: Content, offset: i32) {
        let Content::Entry(register, at) = base.plus(offset) else { return };
        self.store(Content::Unknown, Content::Entry(register, at & !3), 0);
    }

    /// The word at `base + offset`.
    pub fn load(&self, base: Content, offset: i32) -> Content {
        let Content::Entry(register, at) = base.plus(offset) else { return Content::Unknown };
        let known = self.words.iter().find(|(place, _)| *place == (register, at));
        known.map_or(Content::Word(register, at), |(_, content)| *content)
    }

    /// Where a content was stored, as an offset from the stack pointer on entry.
    pub fn place_of(&self, content: Content, sp: u8) -> Option<i32> {
        let found = self.words.iter().find(|((register, _), stored)| *register == sp && *stored == content);
        found.map(|((_, offset), _)| *offset)
    }

    /// A register that holds a content.
    pub fn register_with(&self, content: Content, mut is_usable: impl FnMut(u8) -> bool) -> Option<u8> {
        (0..REGISTERS as u8).find(|number| self.get(*number) == content && is_usable(*number))
    }

    /// A function was called and has returned.
    pub fn call(&mut self, code: &CodeSet) {
        for number in 0..REGISTERS as u8 {
            if number != code.sp && !(code.is_kept)(number.into()) {
                self.spoil(number);
            }
        }
    }

    /// Forgets what lies below the stack pointer: anybody may write there.
    pub fn drop_below(&mut self, sp: u8) {
        if let Content::Entry(register, at) = self.get(sp) {
            self.words.retain(|((known, offset), _)| *known != register || *offset >= at);
        }
    }

    /// Keeps only what another way says as well; tells whether anything was lost.
    pub fn meet(&mut self, other: &Self) -> bool {
        let mut is_changed = false;
        if self.assumed != other.assumed {
            is_changed |= self.assumed.is_some();
            self.assumed = None;
        }
        let mut lose = |content: &mut Content| {
            is_changed |= *content != Content::Unknown;
            *content = Content::Unknown;
        };
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            if own != other {
                lose(own);
            }
        }
        let find = |words: &[((u8, i32), Content)], place| words.iter().find(|(known, _)| *known == place).copied();
        for (place, content) in &mut self.words {
            if find(&other.words, *place).is_none_or(|(_, theirs)| theirs != *content) {
                lose(content);
            }
        }
        for (place, _) in &other.words {
            if find(&self.words, *place).is_none() && self.words.len() < MOST_WORDS {
                self.words.push((*place, Content::Unknown));
                is_changed = true;
            }
        }
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SP: u8 = 13;

    #[test]
    fn what_was_stored_is_found_again() {
        let mut state = State::entry();
        state.add(SP, SP, -8);
        state.store(state.get(4), state.get(SP), 0);
        state.store(state.get(14), state.get(SP), 4);
        state.spoil(4);
        assert_eq!(state.place_of(Content::Entry(14, 0), SP), Some(-4));
        state.set(4, state.load(state.get(SP), 0));
        assert_eq!(state.get(4), Content::Entry(4, 0));
        assert_eq!(state.load(state.get(SP), 12), Content::Word(SP, 4));
        state.add(SP, SP, 8);
        state.drop_below(SP);
        assert_eq!(state.place_of(Content::Entry(14, 0), SP), None);
    }

    #[test]
    fn where_ways_meet_only_what_both_say_is_known() {
        let mut one = State::entry();
        let mut other = State::entry();
        one.add(SP, SP, -8);
        other.add(SP, SP, -8);
        one.store(one.get(14), one.get(SP), 4);
        other.store(other.get(5), other.get(SP), 0);
        one.set(3, Content::Number(1));
        assert!(one.meet(&other));
        assert_eq!(one.get(SP), Content::Entry(SP, -8));
        assert_eq!((one.get(3), one.place_of(Content::Entry(14, 0), SP)), (Content::Unknown, None));
        assert_eq!(one.load(one.get(SP), 0), Content::Unknown);
        assert!(!one.meet(&other));
    }

    #[test]
    fn a_smaller_store_spoils_the_word() {
        let mut state = State::entry();
        state.store(state.get(4), state.get(SP), -8);
        state.store_part(state.get(SP), -6);
        assert_eq!(state.load(state.get(SP), -8), Content::Unknown);
    }
}
