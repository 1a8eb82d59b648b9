//! A processor as data: registers and what is not in them. Translations and recent jumps are made anew.

use super::Interpreter;
use crate::cpu::{Engine, Registers};

/// All that a processor keeps between two instructions.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct ProcessorState {
    registers: Registers,
    /// Instructions that it executed.
    executed: u64,
    /// Interrupts that wait.
    waiting: [u64; 4],
    /// Interrupts are held back for one instruction.
    has_shadow: bool,
}

impl ProcessorState {
    /// Its registers.
    pub const fn registers(&self) -> &Registers {
        &self.registers
    }
}

impl Interpreter {
    /// The state between two instructions.
    pub fn state(&self) -> ProcessorState {
        let (executed, waiting, has_shadow) = (self.core.executed, self.waiting, self.core.shadow);
        ProcessorState { registers: self.registers(), executed, waiting, has_shadow }
    }

    /// Goes to a state. What the host wants to trap stays as it is.
    pub fn set_state(&mut self, state: &ProcessorState) {
        self.core.executed = state.executed;
        self.core.load(&state.registers);
        self.core.flush();
        self.core.shadow = state.has_shadow;
        self.waiting = state.waiting;
    }
}
