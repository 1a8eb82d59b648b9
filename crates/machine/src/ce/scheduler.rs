//! Who runs: 256 priorities, 0 the best, quantums, sleepers; and the switch from one thread to the next.

use super::layout::thread;
use super::object::{ThreadIndex, ThreadState};
use super::processor;
use crate::ce::Device;
use crate::kernel::ReadyQueues;
use std::collections::BTreeSet;

/// Threads that could run, and those that wait for time.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Scheduler {
    pub ready: ReadyQueues<ThreadIndex>,
    pub sleepers: BTreeSet<(u64, ThreadIndex)>,
    /// Threads that wait until the other threads of their process are gone.
    pub parked: BTreeSet<ThreadIndex>,
    /// Instructions until the next tick.
    pub until_tick: u32,
    /// Instructions that had run when a thread called the kernel last.
    pub called_at: u64,
    /// That call came without an instruction after the one before: it takes the time of one, so that a thread which
    /// goes from call to call (`NKContinue` to where it is, say) uses up its time like any other.
    pub is_call_owed: bool,
}

impl Scheduler {
    /// Whether all threads that it names are there.
    pub(crate) fn is_sound(&self, threads: u32) -> bool {
        let waiting = self.sleepers.iter().map(|(_, index)| index).chain(&self.parked);
        waiting.chain(self.ready.iter()).all(|index| *index < threads)
    }
}

impl Device {
    /// A thread could run, unless it is suspended.
    pub(crate) fn make_ready(&mut self, index: ThreadIndex) {
        self.state.scheduler.parked.remove(&index);
        let it = self.thread_mut(index);
        if it.state == ThreadState::Ended {
            return;
        }
        it.state = if it.suspended > 0 { ThreadState::Suspended } else { ThreadState::Ready };
        let (state, priority) = (it.state, it.priority);
        it.quantum_left = it.quantum;
        if state == ThreadState::Ready {
            self.state.scheduler.ready.push_back(priority, index);
        }
        self.show_state(index);
    }

    /// A thread does not run and is in no queue of those that could.
    pub(crate) fn unschedule(&mut self, index: ThreadIndex) {
        let it = self.thread(index);
        if it.state == ThreadState::Ready {
            let priority = it.priority;
            self.state.scheduler.ready.remove(priority, index);
        }
        self.state.scheduler.parked.remove(&index);
    }

    /// The thread waits for nothing but the end of the other threads of its process.
    pub(crate) fn park(&mut self, index: ThreadIndex) {
        self.unschedule(index);
        self.thread_mut(index).state = ThreadState::Waiting;
        self.state.scheduler.parked.insert(index);
        self.show_state(index);
    }

    /// Whether [`Self::park`] holds it.
    pub(crate) fn is_parked(&self, index: ThreadIndex) -> bool {
        self.state.scheduler.parked.contains(&index)
    }

    /// Gives a thread another priority.
    pub(crate) fn set_priority(&mut self, index: ThreadIndex, priority: u8) {
        let it = self.thread_mut(index);
        let (old, state) = (it.priority, it.state);
        if old == priority {
            return;
        }
        it.priority = priority;
        if state == ThreadState::Ready {
            self.state.scheduler.ready.remove(old, index);
            self.state.scheduler.ready.push_back(priority, index);
        }
        self.show_state(index);
    }

    /// Chooses who runs next and switches to it.
    pub(crate) fn dispatch(&mut self) {
        let current = self.state.running.filter(|index| self.thread(*index).state == ThreadState::Running);
        let best = self.state.scheduler.ready.first();
        match (current, best) {
            (Some(_), None) => return,
            (Some(index), Some(best)) => {
                let priority = self.thread(index).priority;
                if best >= priority {
                    return;
                }
                self.thread_mut(index).state = ThreadState::Ready;
                self.state.scheduler.ready.push_front(priority, index);
            }
            (None, _) => {}
        }
        let next = self.state.scheduler.ready.pop();
        self.switch_to(next);
    }

    fn switch_to(&mut self, next: Option<ThreadIndex>) {
        let old = self.state.running;
        if let Some(old) = old {
            self.save(old);
        }
        self.state.running = None;
        let Some(next) = next else { return self.tell_switch(old, None) };
        let it = &mut self.state.threads[next as usize];
        it.state = ThreadState::Running;
        let processor = &mut self.computer.processors[0];
        processor::load(
            processor,
            &it.registers,
            it.in_kernel_mode,
            it.tls.wrapping_sub(processor::THREAD_BLOCK_BYTES),
        );
        *processor.fpu_mut() = it.floats;
        self.state.running = Some(next);
        self.state.counters.context_switches += 1;
        self.show_state(next);
        self.place_changed(next);
        self.tell_switch(old, Some(next));
    }

    /// Keeps the registers of the thread that ran, also where a debugger looks for them.
    pub(crate) fn save(&mut self, index: ThreadIndex) {
        let processor = &self.computer.processors[0];
        let (registers, floats) = (processor::registers(processor), *processor.fpu());
        let it = &mut self.state.threads[index as usize];
        if it.state == ThreadState::Ended {
            return;
        }
        (it.registers, it.floats) = (registers, floats);
        let (at, in_kernel_mode) = (it.at, it.in_kernel_mode);
        let bytes = registers.to_bytes(in_kernel_mode);
        self.computer.board.ram.write_array(super::memory::physical(at + thread::CONTEXT), &bytes);
        self.show_state(index);
    }

    /// A millisecond is over.
    pub(crate) fn count_tick(&mut self) {
        self.control.count_entry();
        self.state.tick += 1;
        self.state.scheduler.until_tick = self.state.instructions_per_tick;
        self.wake_sleepers();
        let Some(index) = self.state.running.filter(|index| self.thread(*index).state == ThreadState::Running) else {
            return;
        };
        let it = self.thread_mut(index);
        if it.quantum == 0 {
            return;
        }
        it.quantum_left = it.quantum_left.saturating_sub(1);
        if it.quantum_left == 0 {
            it.quantum_left = it.quantum;
            let priority = it.priority;
            if self.state.scheduler.ready.has(priority) {
                self.thread_mut(index).state = ThreadState::Ready;
                self.state.scheduler.ready.push_back(priority, index);
                self.state.counters.quantum_ends += 1;
            }
        }
    }

    /// Wakes those whose time has come.
    pub(crate) fn wake_sleepers(&mut self) {
        const TIMEOUT: u64 = 0x102;
        while let Some((tick, index)) = self.state.scheduler.sleepers.first().copied() {
            if tick > self.state.tick {
                break;
            }
            let is_sleep = self.thread(index).wait.objects.is_empty();
            self.wake(index, if is_sleep { 0 } else { TIMEOUT });
        }
    }

    /// Milliseconds since the device started, and what of the next one is over, as a FILETIME.
    pub(crate) fn now(&self) -> u64 {
        let per_tick = u64::from(self.state.instructions_per_tick.max(1));
        let part = per_tick - u64::from(self.state.scheduler.until_tick).min(per_tick);
        self.state.boot_time + self.state.tick * 10_000 + part * 10_000 / per_tick
    }
}
