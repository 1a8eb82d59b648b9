//! Several processors on one board. They take turns by instruction budget on one host thread, so the order in which
//! they touch memory is part of the state.

mod state;

pub use state::ComputerState;

use crate::cpu::{Board, Engine, Event, Interpreter, Run};
use crate::ram::Ram;

/// Instructions that a processor executes before it is the next one's turn.
const TURN: u64 = 10_000;

/// A computer: processors and what they share.
#[derive(Debug)]
pub struct Computer {
    /// Memory.
    pub board: Board,
    /// The processors. An owner may set registers and traps of each.
    pub processors: Vec<Interpreter>,
    /// Which of them wait for an interrupt.
    pub is_halted: Vec<bool>,
    next: usize,
    left: u64,
}

/// How a run of a computer ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stop {
    /// The processor whose event it is, or whose turn it is next.
    pub processor: usize,
    /// Executed by all of them; the event and the reports of that processor.
    pub run: Run,
}

impl Computer {
    /// A computer with `processors` (at least one) and this memory.
    pub fn new(ram: Ram, processors: usize) -> Self {
        let count = processors.max(1);
        Self {
            board: Board::new(ram),
            processors: (0..count).map(|_| Interpreter::new()).collect(),
            is_halted: vec![false; count],
            next: 0,
            left: TURN,
        }
    }

    /// Executes at most `budget` instructions, all processors together. Stops for an event, except `hlt`: a processor
    /// that halted is passed over until [`Self::interrupt`]. When all wait, the run ends with [`Event::Halted`].
    pub fn run(&mut self, budget: u64) -> Stop {
        let mut stop = Stop::default();
        self.run_into(budget, &mut stop);
        stop
    }

    /// The same into a place that a loop uses again and again, as [`Engine::run_into`].
    pub fn run_into(&mut self, budget: u64, stop: &mut Stop) {
        let mut executed = 0;
        stop.run.event = None;
        while executed < budget {
            let processor = self.next;
            if self.is_halted[processor] && self.is_halted.iter().all(|is_halted| *is_halted) {
                stop.run.event = Some(Event::Halted);
                break;
            }
            if self.is_halted[processor] || self.left == 0 {
                self.pass();
                continue;
            }
            let turn = self.left.min(budget - executed);
            self.processors[processor].run_into(&mut self.board, turn, &mut stop.run);
            executed += stop.run.executed;
            self.left -= stop.run.executed.min(self.left);
            match stop.run.event {
                None => {}
                Some(Event::Halted) => {
                    self.is_halted[processor] = true;
                    stop.run.event = None;
                }
                Some(_) => break,
            }
        }
        stop.run.executed = executed;
        stop.processor = self.next;
    }

    /// The processor whose turn it is.
    pub const fn next(&self) -> usize {
        self.next
    }

    /// Instructions that are left of its turn.
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// It is the next processor's turn.
    fn pass(&mut self) {
        self.next = (self.next + 1) % self.processors.len();
        self.left = TURN;
    }

    /// Requests an interrupt of a processor, and wakes it.
    pub fn interrupt(&mut self, processor: usize, vector: u8) {
        if let Some(engine) = self.processors.get_mut(processor) {
            engine.interrupt(vector);
            self.is_halted[processor] = false;
        }
    }

    /// Forgets all translations of all processors: after the host changed page tables that any of them may use.
    pub fn flush_all(&mut self) {
        self.processors.iter_mut().for_each(Engine::flush);
    }
}
