//! A computer as data, without its memory.

use super::Computer;
use crate::cpu::ProcessorState;

/// The processors, and whose turn it is.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct ComputerState {
    processors: Vec<ProcessorState>,
    is_halted: Vec<bool>,
    next: usize,
    left: u64,
}

impl ComputerState {
    /// The processors.
    pub fn processors(&self) -> &[ProcessorState] {
        &self.processors
    }

    /// Whether it can be the state of a computer.
    pub(crate) fn is_sound(&self) -> bool {
        let count = self.processors.len();
        (1..=32).contains(&count) && self.is_halted.len() == count && self.next < count
    }
}

impl Computer {
    /// The state between two instructions, without memory.
    pub fn state(&self) -> ComputerState {
        let processors = self.processors.iter().map(crate::cpu::Interpreter::state).collect();
        ComputerState { processors, is_halted: self.is_halted.clone(), next: self.next, left: self.left }
    }

    /// Goes to a state of a computer with as many processors.
    pub fn set_state(&mut self, state: &ComputerState) {
        for (processor, state) in self.processors.iter_mut().zip(&state.processors) {
            processor.set_state(state);
        }
        self.is_halted.clone_from(&state.is_halted);
        (self.next, self.left) = (state.next, state.left);
    }
}
