//! The loop of the device: a program runs until an event, a tick or the end of the budget.

use super::exception::code_of;
use super::object::{ExceptionRecord, ThreadIndex};
use crate::ce::Device;
use crate::computer;
use crate::cpu::{self, Engine, Event};
use vatlas_space::control::Judge;

/// Reports of unsupported instructions that are kept.
const MOST_UNSUPPORTED: usize = 64;

/// Why a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The budget is used up.
    Budget,
    /// Every thread waits for something that will not come by itself: a device at rest.
    Idle,
    /// The program that was started with `start_program` ended.
    Ended {
        /// Its name.
        name: String,
        /// Its exit code.
        code: u32,
    },
}

impl Device {
    /// Executes at most `budget` instructions. The count is exact: a run that ends for it can be continued, and the
    /// state is the same as of one run with the sum.
    pub fn run(&mut self, budget: u64) -> Stop {
        let stop = self.run_to_stop(budget, &mut |_, _| false);
        self.show_all();
        stop
    }

    /// Runs, and asks a judge about what its controller wants to know: a run that ends for that is one whose budget is
    /// used up.
    pub(crate) fn run_to_stop(&mut self, budget: u64, judge: &mut Judge<'_>) -> Stop {
        let end = self.state.executed.saturating_add(budget);
        if self.enters_pending(judge) {
            return Stop::Budget;
        }
        self.dispatch();
        if self.tells(None, judge) {
            return Stop::Budget;
        }
        let mut stop = computer::Stop::default();
        loop {
            if let Some((name, code)) = self.state.ended.take() {
                self.state.watched = None;
                return Stop::Ended { name, code };
            }
            self.dispatch();
            if self.state.running.is_none() {
                if !self.skip_to_next_wakeup() {
                    return Stop::Idle;
                }
                self.dispatch();
                if self.tells(None, judge) {
                    return Stop::Budget;
                }
                continue;
            }
            if self.state.executed >= end {
                return Stop::Budget;
            }
            if self.state.scheduler.until_tick == 0 {
                self.count_tick();
                self.dispatch();
                if self.tells(None, judge) {
                    return Stop::Budget;
                }
                continue;
            }
            if std::mem::take(&mut self.state.scheduler.is_call_owed) {
                self.count_instructions(1);
                continue;
            }
            let turn = u64::from(self.state.scheduler.until_tick).min(end - self.state.executed);
            self.computer.processors[0].note_stack_pointer();
            self.computer.run_into(turn, &mut stop);
            self.count_instructions(stop.run.executed);
            for unsupported in stop.run.unsupported.drain(..) {
                if self.state.unsupported.len() < MOST_UNSUPPORTED {
                    self.state.unsupported.insert(unsupported.to_string());
                }
            }
            if let (Some(event), Some(index)) = (&stop.run.event, self.state.running)
                && self.meets(index, event, judge)
            {
                return Stop::Budget;
            }
        }
    }

    fn count_instructions(&mut self, executed: u64) {
        self.state.executed += executed;
        let left = u64::from(self.state.scheduler.until_tick).saturating_sub(executed);
        self.state.scheduler.until_tick = left as u32;
        if let Some(index) = self.state.running {
            self.thread_mut(index).executed += executed;
        }
    }

    /// Nobody can run: time goes on to the next thread that waits for it.
    fn skip_to_next_wakeup(&mut self) -> bool {
        let Some((tick, _)) = self.state.scheduler.sleepers.first().copied() else { return false };
        self.control.count_entry();
        self.state.tick = self.state.tick.max(tick);
        self.state.scheduler.until_tick = self.state.instructions_per_tick;
        self.wake_sleepers();
        true
    }

    pub(crate) fn trap(&mut self, index: ThreadIndex, event: &Event) {
        self.control.count_entry();
        let vector = match event {
            Event::Exception(exception) if exception.vector == cpu::PAGE_FAULT => {
                return self.page_fault(index, exception);
            }
            Event::CodeBreakpoint | Event::DataBreakpoint => return,
            Event::Exception(exception) => exception.vector,
            // Interrupts by instruction, ports and `hlt` are not for programs.
            Event::Interrupt(_) | Event::Halted | Event::PortRead { .. } | Event::PortWrite { .. } => {
                cpu::GENERAL_PROTECTION
            }
            Event::SystemEnter | Event::HostCall => cpu::INVALID_OPCODE,
            Event::Shutdown => cpu::DOUBLE_FAULT,
        };
        if *event == Event::Halted {
            self.computer.is_halted[0] = false;
        }
        let mut registers = self.registers(index);
        if vector == cpu::BREAKPOINT {
            // The trap is behind its instruction; the exception is at it.
            registers.pc = registers.pc.wrapping_sub(1);
            self.set_registers(index, &registers);
        }
        let record = ExceptionRecord { code: code_of(vector), address: registers.pc, ..ExceptionRecord::default() };
        self.raise(index, record);
    }

    /// The processor forgets translations: page tables changed.
    pub(crate) fn flush(&mut self) {
        self.computer.processors[0].flush();
    }
}
