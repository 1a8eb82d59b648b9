//! The loop of the machine: programs run until a trap, a tick or the end of the budget.

use crate::computer::Stop;
use crate::memory::Memory;
use crate::nt::process::ProcessIndex;
use crate::nt::thread::{Thread, ThreadState};
use crate::nt::trap_frame::word;
use crate::nt::{System, SystemStop};
use crate::ram::Ram;
use vatlas_rules::nt::structures::eprocess;
use vatlas_space::control::Judge;

/// Unsupported instructions that are kept.
const MOST_UNSUPPORTED: usize = 64;

impl System {
    /// Executes at most `budget` instructions of programs, all processors together. The count is exact: a run that
    /// ends for it can be continued, and the state is the same as of one run with the sum.
    pub fn run(&mut self, budget: u64) -> SystemStop {
        let stop = self.run_to_stop(budget, &mut |_, _| false);
        self.show_processes();
        stop
    }

    /// Writes what is known of processes into their `EPROCESS`, for whoever looks at it.
    pub(crate) fn show_processes(&mut self) {
        for process in 0..self.processes.len() {
            self.show_process(ProcessIndex(process));
        }
    }

    /// Writes what the memory manager knows of a process into its `EPROCESS`, for whoever looks at it.
    pub(crate) fn show_process(&mut self, process: ProcessIndex) {
        let state = &self.processes[process.0];
        let (block, space) = (state.block, self.memory.space(state.space));
        if state.is_gone {
            return;
        }
        let set = space.working_set();
        let bytes: u64 = space.vads().iter().map(|vad| u64::from(vad.last - vad.first + 1) << 12).sum();
        let fields = [
            (eprocess::COMMIT_CHARGE, space.committed_pages()),
            (eprocess::VIRTUAL_SIZE, bytes as u32),
            (eprocess::WORKING_SET_PEAK, set.peak),
            (eprocess::WORKING_SET_SIZE, set.size()),
            (eprocess::WORKING_SET_MINIMUM, set.minimum),
        ];
        for (offset, value) in fields {
            self.put_u32(block, offset, value);
        }
    }

    /// Runs, and asks a judge about what its controller wants to know: a run that ends for that is one whose budget is
    /// used up.
    pub(crate) fn run_to_stop(&mut self, budget: u64, judge: &mut Judge<'_>) -> SystemStop {
        let end = self.clock.executed.saturating_add(budget);
        if self.enters_pending(judge) {
            return SystemStop::Budget;
        }
        self.forget_dropped();
        self.ask_host_again();
        self.leave_kernel();
        if self.tells(None, judge) {
            return SystemStop::Budget;
        }
        let mut stop = Stop::default();
        loop {
            if let Some(check) = &self.ring0.bug_check {
                return SystemStop::BugCheck(Box::new(check.clone()));
            }
            if let Some(stop) = self.pending_stop.take() {
                return stop;
            }
            if self.clock.executed >= end {
                return SystemStop::Budget;
            }
            let limit = if self.may_replay() { self.replay_input(end) } else { end };
            if self.scheduler.is_idle() {
                if !self.clock.skip_to_next() {
                    if self.leaves_replay() {
                        continue;
                    }
                    let waits_for_host = !self.pending_files.is_empty();
                    return if waits_for_host { SystemStop::NeedsInput } else { SystemStop::Deadlock };
                }
                self.tick();
                if self.tells(None, judge) {
                    return SystemStop::Budget;
                }
                continue;
            }
            let until_tick = self.clock.until_tick();
            if until_tick == 0 {
                self.tick();
                if self.tells(None, judge) {
                    return SystemStop::Budget;
                }
                continue;
            }
            self.computer.run_into(until_tick.min(limit - self.clock.executed), &mut stop);
            self.clock.executed += stop.run.executed;
            if !stop.run.unsupported.is_empty() {
                self.unsupported.append(&mut stop.run.unsupported);
                self.unsupported.truncate(MOST_UNSUPPORTED);
            }
            if let Some(event) = &stop.run.event
                && self.meets(stop.processor, event, judge)
            {
                return SystemStop::Budget;
            }
        }
    }

    /// The clock interrupt: time, timers, quantums.
    fn tick(&mut self) {
        self.control.count_entry();
        self.clock.count_ticks();
        self.show_time();
        self.counters.interrupts += 1;
        self.balance();
        while let Some(due) = self.clock.expired() {
            self.expire(due);
        }
        self.charge_tick();
        self.leave_kernel();
    }

    /// EIP and ESP of a thread in user mode.
    pub(crate) fn user_registers(&self, thread: &Thread) -> (u32, u32) {
        let processor = &self.scheduler.processors[thread.processor];
        let is_in_processor = thread.calls.is_empty() && thread.state == ThreadState::Running && !processor.is_saved;
        if is_in_processor {
            let (general, eip, _) = self.computer.processors[thread.processor].user_state();
            return (eip, general[4]);
        }
        let word = |number: usize| self.get_u32(thread.user_frame, 4 * number as u32);
        (word(word::EIP), word(word::ESP))
    }

    /// The memory manager.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Physical memory.
    pub const fn ram(&self) -> &Ram {
        &self.computer.board.ram
    }

    /// Instructions that were executed so far.
    pub const fn instructions(&self) -> u64 {
        self.clock.executed
    }

    /// Forgets translations when the memory manager says that it must be.
    pub(crate) fn obey_flush(&mut self) {
        if self.memory.take_flush() {
            self.computer.flush_all();
        }
    }
}
