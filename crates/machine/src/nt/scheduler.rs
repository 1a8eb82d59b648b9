//! The scheduler: always the highest ready thread that may run on the processor; 32 priorities, quantum, boosts.
//!
//! Rules of nt.md 10.4. Our choices: of several processors the one with the lowest priority is preempted; a switch
//! happens when the kernel is left, as if the other processor had been interrupted there.

use crate::cpu::Fpu;
use crate::nt::System;
use crate::nt::float_image::{FX_BYTES, decode_fx, encode_fx};
use crate::nt::guest::GuestBlock;
use crate::nt::thread::{ThreadIndex, ThreadState, WaitReason};
use crate::nt::trap_frame::TrapFrame;
use std::collections::VecDeque;
use vatlas_rules::nt::structures::{ethread, kpcr, tss};

/// Priorities.
const PRIORITIES: usize = 32;
/// The first priority without boosts and decay.
const REAL_TIME: u8 = 16;
/// What a tick takes from a quantum.
const TICK_COST: i8 = 3;
/// Ticks after which a ready thread is starved: about 4 s.
const STARVED: u64 = 256;

/// What the scheduler knows of a processor.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Processor {
    pub current: ThreadIndex,
    pub next: Option<ThreadIndex>,
    pub idle: ThreadIndex,
    pub pcr: GuestBlock,
    pub tss: GuestBlock,
    pub gdt: GuestBlock,
    /// What its counter of instructions was when its current thread got it.
    pub since: u64,
    /// The registers of the current thread are in its trap frame, not in the processor.
    pub is_saved: bool,
}

/// Processors and ready threads.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Scheduler {
    pub processors: Vec<Processor>,
    ready: [VecDeque<ThreadIndex>; PRIORITIES],
    /// Bit n: a thread of priority n is ready.
    summary: u32,
    pub switches: u64,
}

impl Scheduler {
    pub(crate) fn new() -> Self {
        let ready = std::array::from_fn(|_| VecDeque::new());
        Self { processors: Vec::new(), ready, summary: 0, switches: 0 }
    }

    fn queue(&mut self, thread: ThreadIndex, priority: u8, is_first: bool) {
        let queue = &mut self.ready[usize::from(priority) % PRIORITIES];
        if is_first {
            queue.push_front(thread);
        } else {
            queue.push_back(thread);
        }
        self.summary |= 1 << (priority % 32);
    }

    fn unqueue(&mut self, thread: ThreadIndex, priority: u8) {
        let queue = &mut self.ready[usize::from(priority) % PRIORITIES];
        queue.retain(|other| *other != thread);
        if queue.is_empty() {
            self.summary &= !(1 << (priority % 32));
        }
    }

    /// Whether no processor has anything to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.processors.iter().all(|processor| processor.current == processor.idle && processor.next.is_none())
    }
}

impl System {
    /// The thread that a processor has, or will have when the kernel is left.
    fn effective(&self, processor: usize) -> ThreadIndex {
        let processor = &self.scheduler.processors[processor];
        processor.next.unwrap_or(processor.current)
    }

    /// Priority of what a processor does; -1 when it does nothing.
    fn effective_priority(&self, processor: usize) -> i32 {
        let thread = self.effective(processor);
        let is_idle = thread == self.scheduler.processors[processor].idle;
        let thread = &self.threads[thread.0];
        let is_busy = matches!(thread.state, ThreadState::Running | ThreadState::Standby);
        if is_idle || !is_busy { -1 } else { thread.priority.into() }
    }

    /// A thread can run: on an idle processor, in place of a lower one, or later.
    pub(crate) fn make_ready(&mut self, thread: ThreadIndex) {
        self.ready_at(thread, false);
    }

    fn ready_at(&mut self, thread: ThreadIndex, is_first: bool) {
        if self.threads[thread.0].suspend_count > 0 {
            self.threads[thread.0].is_only_suspended = true;
            self.threads[thread.0].is_only_suspended = true;
            self.set_wait_reason(thread, WaitReason::Suspended);
            return self.set_state(thread, ThreadState::Waiting);
        }
        let ticks = self.clock.ticks;
        let ready = &mut self.threads[thread.0];
        ready.ready_since = ticks;
        let (affinity, last, priority) = (ready.affinity, ready.processor, ready.priority);
        let count = self.scheduler.processors.len();
        // The processor that had it is preferred among equals.
        let allowed = (0..count).filter(|number| affinity >> number & 1 != 0);
        let lowest = allowed.min_by_key(|number| (self.effective_priority(*number), *number != last, *number));
        match lowest {
            Some(number) if self.effective_priority(number) < i32::from(priority) => self.assign(number, thread),
            _ => {
                self.set_state(thread, ThreadState::Ready);
                self.scheduler.queue(thread, priority, is_first);
            }
        }
    }

    /// Makes a thread the next one of a processor. One that was to be the next is ready again.
    fn assign(&mut self, processor: usize, thread: ThreadIndex) {
        let idle = self.scheduler.processors[processor].idle;
        let displaced = self.scheduler.processors[processor].next.replace(thread);
        if thread != idle {
            self.threads[thread.0].processor = processor;
            self.set_state(thread, ThreadState::Standby);
        }
        if let Some(displaced) = displaced.filter(|displaced| *displaced != idle) {
            self.ready_at(displaced, true);
        }
    }

    /// Takes the highest ready thread of at least a priority that may run on a processor.
    fn take_ready(&mut self, processor: usize, at_least: u8) -> Option<ThreadIndex> {
        let mut summary = self.scheduler.summary & u32::MAX << (at_least % 32);
        while summary != 0 {
            let priority = 31 - summary.leading_zeros();
            let threads = &self.threads;
            let queue = &self.scheduler.ready[priority as usize];
            let found = queue.iter().position(|thread| threads[thread.0].affinity >> processor & 1 != 0);
            if let Some(thread) = found.and_then(|place| self.scheduler.ready[priority as usize].remove(place)) {
                if self.scheduler.ready[priority as usize].is_empty() {
                    self.scheduler.summary &= !(1 << priority);
                }
                return Some(thread);
            }
            summary &= !(1 << priority);
        }
        None
    }

    /// The current thread of a processor does not go on: finds another one, or nothing.
    pub(crate) fn reschedule(&mut self, processor: usize) {
        if self.scheduler.processors[processor].next.is_some() {
            return;
        }
        let idle = self.scheduler.processors[processor].idle;
        let next = self.take_ready(processor, 0).unwrap_or(idle);
        self.assign(processor, next);
    }

    /// A thread that was in `state` does not want a processor any more.
    pub(crate) fn give_up_processor(&mut self, thread: ThreadIndex, state: ThreadState) {
        let (processor, priority) = (self.threads[thread.0].processor, self.threads[thread.0].priority);
        match state {
            ThreadState::Ready => self.scheduler.unqueue(thread, priority),
            ThreadState::Running => self.reschedule(processor),
            ThreadState::Standby => {
                self.scheduler.processors[processor].next = None;
                let current = self.scheduler.processors[processor].current;
                if self.threads[current.0].state != ThreadState::Running {
                    self.reschedule(processor);
                }
            }
            _ => {}
        }
    }

    /// Changes a priority, and who runs because of it.
    pub(crate) fn set_priority(&mut self, thread: ThreadIndex, priority: u8) {
        let (old, state) = (self.threads[thread.0].priority, self.threads[thread.0].state);
        if old == priority {
            return;
        }
        if state == ThreadState::Ready {
            self.scheduler.unqueue(thread, old);
        }
        self.threads[thread.0].priority = priority;
        let block = self.threads[thread.0].block;
        self.put_u8(block, ethread::PRIORITY, priority);
        match state {
            ThreadState::Ready => self.ready_at(thread, false),
            ThreadState::Running if priority < old => self.yield_to(thread, priority + 1),
            _ => {}
        }
    }

    /// Lets a running thread make room for a ready one of at least a priority. Whether there was one.
    fn yield_to(&mut self, thread: ThreadIndex, at_least: u8) {
        let processor = self.threads[thread.0].processor;
        if self.scheduler.processors[processor].next.is_none()
            && let Some(next) = self.take_ready(processor, at_least)
        {
            self.assign(processor, next);
        }
    }

    /// `NtYieldExecution`: the next thread of the same or a higher priority. Whether there is one.
    pub(crate) fn yield_processor(&mut self, thread: ThreadIndex) -> bool {
        let processor = self.threads[thread.0].processor;
        let priority = self.threads[thread.0].priority;
        self.threads[thread.0].quantum = self.processes[self.threads[thread.0].process.0].quantum;
        self.yield_to(thread, priority);
        let is_yielding = self.scheduler.processors[processor].next.is_some();
        self.threads[thread.0].is_quantum_over = is_yielding;
        is_yielding
    }

    /// A wait is over: the boost that goes with what ended it, then ready.
    pub(crate) fn boost_and_ready(&mut self, thread: ThreadIndex, increment: u8) {
        let quantum = self.processes[self.threads[thread.0].process.0].quantum;
        let woken = &mut self.threads[thread.0];
        if woken.priority < REAL_TIME {
            let increment = if woken.has_no_boosts { 0 } else { increment };
            let boosted = (woken.base_priority + increment).min(REAL_TIME - 1);
            if woken.boost == 0 && boosted > woken.priority {
                woken.boost = boosted - woken.base_priority;
                woken.priority = boosted;
            }
            // A wait costs a third of a tick.
            woken.quantum = woken.quantum.saturating_sub(1);
            if woken.quantum <= 0 {
                woken.quantum = quantum;
                decay(woken);
            }
        }
        let (block, priority, boost, quantum) = (woken.block, woken.priority, woken.boost, woken.quantum as u8);
        self.put_u8(block, ethread::PRIORITY, priority);
        self.computer.board.ram.write(block.pa(ethread::PRIORITY_DECREMENT), &[boost, quantum]);
        self.make_ready(thread);
    }

    /// A tick: quantums run down; once a second starved threads are found.
    pub(crate) fn charge_tick(&mut self) {
        for processor in 0..self.scheduler.processors.len() {
            let thread = self.scheduler.processors[processor].current;
            if thread == self.scheduler.processors[processor].idle {
                continue;
            }
            let running = &mut self.threads[thread.0];
            running.quantum = running.quantum.saturating_sub(TICK_COST);
            let (block, quantum) = (running.block, running.quantum);
            self.put_u8(block, ethread::QUANTUM, quantum as u8);
            if quantum <= 0 {
                self.end_quantum(thread);
            }
        }
        if self.clock.ticks.is_multiple_of(64) {
            self.help_starved();
        }
    }

    fn end_quantum(&mut self, thread: ThreadIndex) {
        let quantum = self.processes[self.threads[thread.0].process.0].quantum;
        let running = &mut self.threads[thread.0];
        running.quantum = quantum;
        decay(running);
        let (block, priority) = (running.block, running.priority);
        self.put_u8(block, ethread::QUANTUM, quantum as u8);
        self.put_u8(block, ethread::PRIORITY, priority);
        self.put_u8(block, ethread::PRIORITY_DECREMENT, self.threads[thread.0].boost);
        let processor = self.threads[thread.0].processor;
        if self.scheduler.processors[processor].next.is_none()
            && let Some(next) = self.take_ready(processor, priority)
        {
            self.assign(processor, next);
            self.threads[thread.0].is_quantum_over = true;
        }
    }

    /// A thread that was ready for about 4 s runs at priority 15 for two quantums.
    fn help_starved(&mut self) {
        let now = self.clock.ticks;
        let is_starved = |thread: &&ThreadIndex| {
            let thread = &self.threads[thread.0];
            thread.priority < REAL_TIME - 1 && now.saturating_sub(thread.ready_since) >= STARVED
        };
        let starved: Vec<_> = self.scheduler.ready[1..15].iter().flatten().filter(is_starved).copied().collect();
        for thread in starved {
            let quantum = self.processes[self.threads[thread.0].process.0].quantum;
            let helped = &mut self.threads[thread.0];
            helped.boost = REAL_TIME - 1 - helped.base_priority.min(REAL_TIME - 1);
            helped.quantum = quantum.saturating_mul(2);
            self.set_priority(thread, REAL_TIME - 1);
        }
    }

    /// Switches every processor that has a next thread, and lets all of them go back to user mode.
    pub(crate) fn leave_kernel(&mut self) {
        loop {
            for processor in 0..self.scheduler.processors.len() {
                if self.scheduler.processors[processor].next.is_some() && self.may_switch(processor) {
                    self.switch(processor);
                }
            }
            for processor in 0..self.scheduler.processors.len() {
                if self.scheduler.processors[processor].is_saved {
                    self.enter_user(processor);
                }
            }
            let is_left = |(number, processor): (usize, &Processor)| {
                !processor.is_saved && (processor.next.is_none() || !self.may_switch(number))
            };
            if self.scheduler.processors.iter().enumerate().all(is_left) {
                return;
            }
        }
    }

    /// `KiSwapContext`.
    fn switch(&mut self, processor: usize) {
        let state = &mut self.scheduler.processors[processor];
        let Some(next) = state.next.take() else { return };
        let (old, idle, pcr) = (state.current, state.idle, state.pcr);
        if next == old {
            if next != idle {
                self.set_state(next, ThreadState::Running);
            }
            return;
        }
        if old != idle && self.threads[old.0].state != ThreadState::Terminated {
            self.save(processor, old);
        }
        let executed = self.computer.processors[processor].executed();
        let since = std::mem::replace(&mut self.scheduler.processors[processor].since, executed);
        self.threads[old.0].executed += executed - since;
        self.scheduler.processors[processor].current = next;
        self.tell_switch(processor, old, next);
        self.scheduler.switches += 1;
        let block = self.threads[next.0].block;
        self.threads[next.0].switches = self.threads[next.0].switches.wrapping_add(1);
        let switches = self.threads[next.0].switches;
        self.put_u32(block, ethread::CONTEXT_SWITCHES, switches);
        self.put_u32(pcr, kpcr::CURRENT_THREAD, block.va(0));
        self.scheduler.processors[processor].is_saved = next != idle;
        self.computer.is_halted[processor] = next == idle;
        if next != idle {
            self.set_state(next, ThreadState::Running);
            self.load(processor, next);
        }
        if std::mem::take(&mut self.threads[old.0].must_move) {
            return self.make_ready(old);
        }
        // One that still could run was preempted, or its quantum is over.
        if old != idle && self.threads[old.0].state == ThreadState::Running {
            let is_over = std::mem::take(&mut self.threads[old.0].is_quantum_over);
            // A preempted thread goes in front of the others of its priority.
            self.ready_at(old, !is_over);
        }
    }

    /// The registers of a running thread, also of another processor, go to its trap frame.
    pub(crate) fn save_running(&mut self, thread: ThreadIndex) {
        let processor = self.threads[thread.0].processor;
        if !self.scheduler.processors[processor].is_saved {
            self.keep_registers(processor, thread);
            self.scheduler.processors[processor].is_saved = true;
        }
    }

    /// Instructions that a thread executed so far.
    pub(crate) fn executed_by(&self, thread: ThreadIndex) -> u64 {
        let state = &self.threads[thread.0];
        let processor = &self.scheduler.processors[state.processor];
        let now = self.computer.processors[state.processor].executed();
        let running = if processor.current == thread { now - processor.since } else { 0 };
        state.executed + running
    }

    /// Changes on which processors a thread may run.
    pub(crate) fn set_affinity(&mut self, thread: ThreadIndex, affinity: u32) {
        let (state, processor) = (self.threads[thread.0].state, self.threads[thread.0].processor);
        self.threads[thread.0].affinity = affinity;
        let block = self.threads[thread.0].block;
        self.put_u32(block, ethread::AFFINITY, affinity);
        let must_move = affinity >> processor & 1 == 0;
        match state {
            ThreadState::Ready => {
                let priority = self.threads[thread.0].priority;
                self.scheduler.unqueue(thread, priority);
                self.make_ready(thread);
            }
            ThreadState::Running if must_move => {
                self.save_running(thread);
                self.set_state(thread, ThreadState::Ready);
                self.reschedule(processor);
                self.threads[thread.0].must_move = true;
            }
            ThreadState::Standby if must_move => {
                self.give_up_processor(thread, state);
                self.make_ready(thread);
            }
            _ => {}
        }
    }

    /// The processor on which a thread would best run.
    pub(crate) fn set_ideal_processor(&mut self, thread: ThreadIndex, processor: u8) {
        let block = self.threads[thread.0].block;
        self.put_u8(block, ethread::IDEAL_PROCESSOR, processor);
        if !matches!(self.threads[thread.0].state, ThreadState::Running | ThreadState::Standby) {
            self.threads[thread.0].processor = processor.into();
        }
    }

    /// The registers of a thread that leaves its processor.
    fn save(&mut self, processor: usize, thread: ThreadIndex) {
        let floats = self.threads[thread.0].floats;
        if !self.scheduler.processors[processor].is_saved {
            self.keep_registers(processor, thread);
        }
        if self.is_in_ring0(thread) {
            self.keep_irql(processor, thread);
        }
        let fpu = self.computer.processors[processor].fpu();
        if self.threads[thread.0].kept_floats.as_ref() != Some(fpu) {
            let fpu = *fpu;
            self.put_array(floats, 0, &encode_fx(&fpu));
            self.threads[thread.0].kept_floats = Some(fpu);
        }
    }

    /// What a switch loads before the trap frame: address space, TEB, stack, floating point.
    fn load(&mut self, processor: usize, thread: ThreadIndex) {
        let (process, teb, floats) = {
            let thread = &self.threads[thread.0];
            (thread.process, thread.teb, thread.floats)
        };
        let (pcr, tss_block) = (self.scheduler.processors[processor].pcr, self.scheduler.processors[processor].tss);
        let cr3 = self.memory.space(self.processes[process.0].space).cr3();
        if self.computer.processors[processor].page_directory() != cr3 {
            self.computer.processors[processor].set_page_directory(cr3);
            self.put_u32(tss_block, tss::CR3, cr3);
        }
        self.put_u32(pcr, kpcr::USED_SELF, teb);
        self.put_u32(tss_block, tss::ESP0, floats.va(0).wrapping_sub(0x10));
        self.write_teb_descriptor(processor, teb);
        let ram = &self.computer.board.ram;
        let read = || ram.read_array::<FX_BYTES>(floats.pa(0)).map_or_else(Fpu::default, |image| decode_fx(&image));
        let fpu = self.threads[thread.0].kept_floats.get_or_insert_with(read);
        *self.computer.processors[processor].fpu_mut() = *fpu;
        self.threads[thread.0].has_new_segments = true;
        if self.is_in_ring0(thread) {
            self.restore_irql(processor, thread);
        }
    }

    /// The trap frame of a thread that is in the kernel.
    pub(crate) fn frame(&self, thread: ThreadIndex) -> TrapFrame {
        let bytes = self.computer.board.ram.read_array(self.threads[thread.0].frame.pa(0));
        bytes.map_or_else(TrapFrame::user, |bytes| TrapFrame::decode(&bytes))
    }

    /// Writes the trap frame of a thread that is in the kernel.
    pub(crate) fn set_frame(&mut self, thread: ThreadIndex, frame: &TrapFrame) {
        self.put_array(self.threads[thread.0].frame, 0, frame.encode());
    }

    /// The way back to user mode: an APC that is due first, then the registers of the trap frame.
    fn enter_user(&mut self, processor: usize) {
        let thread = self.scheduler.processors[processor].current;
        if self.threads[thread.0].state != ThreadState::Running {
            // It waits or ended, and whoever did that found the processor another thread; or it is idle.
            self.scheduler.processors[processor].is_saved = false;
            return;
        }
        if self.is_in_ring0(thread) {
            return self.enter_ring0(processor, thread);
        }
        if self.threads[thread.0].is_apc_due {
            return self.deliver_apc(thread);
        }
        self.leave_kernel_space(processor, thread);
        let engine = &mut self.computer.processors[processor];
        if let Some(bytes) = self.computer.board.ram.array(self.threads[thread.0].frame.pa(0)) {
            TrapFrame::load_from(bytes, engine);
        }
        if std::mem::take(&mut self.threads[thread.0].has_new_segments) {
            let frame = self.frame(thread);
            frame.load_segments(&mut self.computer.processors[processor], self.threads[thread.0].teb);
        }
        self.scheduler.processors[processor].is_saved = false;
    }
}

/// A quantum's end: the boost goes, the rest of the priority falls by one down to the base.
fn decay(thread: &mut crate::nt::thread::Thread) {
    if thread.priority < REAL_TIME {
        let lower = thread.priority.saturating_sub(thread.boost + u8::from(thread.boost == 0));
        thread.priority = lower.max(thread.base_priority);
        thread.boost = 0;
    }
}
