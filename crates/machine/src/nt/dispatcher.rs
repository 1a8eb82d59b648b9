//! Dispatcher objects and waits: who may go on when, and what that does to the object.
//!
//! ```text
//! event           signaled; a synchronization event goes back when one thread took it
//! mutant          nobody has it, or the caller; whoever takes it has it once more
//! semaphore       count above 0; taken by one
//! timer           signaled; a synchronization timer goes back when one thread took it
//! process, thread ended
//! file            always
//! ```

use crate::memory::NtStatus;
use crate::nt::objects::{Body, Mutant, ObjectId, Waiter};
use crate::nt::thread::{ThreadIndex, ThreadState, WaitReason};
use crate::nt::timer::Due;
use crate::nt::trap_frame::word;
use crate::nt::{Call, Done, Reply, System, status};
use vatlas_rules::nt::structures::ethread;

/// Times from which on nothing happens: `Sleep(INFINITE)` waits for 29,000 years, to which the clock shall not jump.
const NEVER: u64 = 1 << 62;
/// Most objects of one wait.
pub(crate) const MOST_OBJECTS: usize = 64;
/// Priority boost of whoever an event, mutant or semaphore wakes.
pub(crate) const INCREMENT: u8 = 1;

/// How to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WaitRequest {
    /// For all objects at once.
    pub is_all: bool,
    /// User APCs and alerts end the wait.
    pub is_alertable: bool,
    /// In units of 100 ns: negative from now on, positive since 1601, none for ever.
    pub timeout: Option<i64>,
    pub reason: WaitReason,
    /// What the call returns when the time is over.
    pub on_timeout: NtStatus,
}

impl System {
    /// Whether a thread that waits for the object may go on.
    fn is_signaled(&self, object: ObjectId, thread: ThreadIndex) -> bool {
        match self.objects.body(object) {
            Some(Body::Event { is_signaled, .. }) => *is_signaled,
            Some(Body::Mutant(mutant)) => mutant.owner.is_none_or(|owner| owner == thread),
            Some(Body::Semaphore { count, .. }) => *count > 0,
            Some(Body::Timer(timer)) => timer.is_signaled,
            Some(Body::Process(process)) => self.processes[process.0].is_gone,
            Some(Body::Thread(other)) => self.threads[other.0].state == ThreadState::Terminated,
            Some(Body::File(_) | Body::DeviceFile(_)) => true,
            Some(Body::Dispatcher(pointer)) => self.is_dispatcher_signaled(*pointer, thread),
            _ => false,
        }
    }

    /// What a satisfied wait does to the object. Whether it was an abandoned mutant.
    fn take_object(&mut self, object: ObjectId, thread: ThreadIndex) -> bool {
        let was_abandoned = self.take_body(object, thread);
        self.show_signal(object);
        was_abandoned
    }

    fn take_body(&mut self, object: ObjectId, thread: ThreadIndex) -> bool {
        match self.objects.body_mut(object) {
            Some(Body::Event { is_manual, is_signaled }) => *is_signaled &= *is_manual,
            Some(Body::Semaphore { count, .. }) => *count = count.saturating_sub(1),
            Some(Body::Timer(timer)) => timer.is_signaled &= timer.is_manual,
            Some(Body::Dispatcher(pointer)) => {
                let pointer = *pointer;
                self.take_dispatcher(pointer, thread);
            }
            Some(Body::Mutant(mutant)) => {
                let was_abandoned = std::mem::take(&mut mutant.is_abandoned);
                mutant.count = mutant.count.saturating_add(1);
                if mutant.owner.replace(thread).is_none() {
                    self.threads[thread.0].mutants.push(object);
                }
                return was_abandoned;
            }
            _ => {}
        }
        false
    }

    /// Takes what can be had of the objects: the status of a wait that is satisfied at once.
    fn try_wait(&mut self, thread: ThreadIndex, objects: &[ObjectId], is_all: bool) -> Option<NtStatus> {
        if is_all {
            if !objects.iter().all(|object| self.is_signaled(*object, thread)) {
                return None;
            }
            let mut is_abandoned = false;
            for object in objects {
                is_abandoned |= self.take_object(*object, thread);
            }
            return Some(if is_abandoned { status::ABANDONED_WAIT_0 } else { status::SUCCESS });
        }
        let place = objects.iter().position(|object| self.is_signaled(*object, thread))?;
        let is_abandoned = self.take_object(objects[place], thread);
        Some(wait_status(place as u32, is_abandoned))
    }

    /// `KeWaitForMultipleObjects`: returns at once, or makes the thread wait.
    pub(crate) fn wait(&mut self, call: &Call, objects: &[ObjectId], request: &WaitRequest) -> Reply {
        let thread = call.thread;
        if !objects.is_empty()
            && let Some(status) = self.try_wait(thread, objects, request.is_all)
        {
            return Ok(Done::Status(status));
        }
        if request.is_alertable
            && let Some(status) = self.alert_or_apc(thread)
        {
            return Ok(Done::Status(status));
        }
        if request.timeout == Some(0) {
            return Ok(Done::Status(request.on_timeout));
        }
        for (block, object) in (0..).zip(objects) {
            if let Some(object) = self.objects.get_mut(*object) {
                object.waiters.push(Waiter { thread, block });
            }
            self.reference_object(*object);
        }
        self.threads[thread.0].wait.objects.extend_from_slice(objects);
        self.begin_wait(thread, request);
        Ok(Done::Later)
    }

    /// The thread waits from now on; its wait blocks are where they belong.
    pub(crate) fn begin_wait(&mut self, thread: ThreadIndex, request: &WaitRequest) {
        let due = request.timeout.map(|timeout| self.clock.due(timeout)).filter(|due| *due < NEVER);
        let timer = due.map(|due| self.clock.insert(due, Due::Wait(thread)));
        let wait = &mut self.threads[thread.0].wait;
        wait.is_all = request.is_all;
        wait.is_alertable = request.is_alertable;
        wait.timer = timer;
        wait.on_timeout = request.on_timeout.0;
        self.set_wait_reason(thread, request.reason);
        self.set_state(thread, ThreadState::Waiting);
        self.reschedule(self.threads[thread.0].processor);
    }

    pub(crate) fn set_wait_reason(&mut self, thread: ThreadIndex, reason: WaitReason) {
        let block = self.threads[thread.0].block;
        self.put_u8(block, ethread::WAIT_REASON, reason as u8);
    }

    /// An alertable wait does not begin: an alert, or an APC that will be delivered.
    fn alert_or_apc(&mut self, thread: ThreadIndex) -> Option<NtStatus> {
        let waiting = &mut self.threads[thread.0];
        if std::mem::take(&mut waiting.is_alerted) {
            return Some(status::ALERTED);
        }
        if waiting.apcs.is_empty() {
            return None;
        }
        waiting.is_apc_due = true;
        Some(status::USER_APC)
    }

    /// Takes a waiting thread off all lists on which it waits.
    pub(crate) fn leave_waits(&mut self, thread: ThreadIndex) {
        if !self.pending_files.is_empty() {
            self.pending_files.retain(|pending| pending.call.thread != thread);
        }
        let wait = &mut self.threads[thread.0].wait;
        let (timer, key) = (wait.timer.take(), wait.key.take());
        let mut objects = std::mem::take(&mut wait.objects);
        if let Some(timer) = timer {
            self.clock.cancel(timer);
        }
        if let Some((object, ..)) = key {
            objects.push(object);
        }
        for object in &objects {
            if let Some(object) = self.objects.get_mut(*object) {
                object.waiters.retain(|waiter| waiter.thread != thread);
            }
            self.release_object(*object);
        }
        objects.clear();
        self.threads[thread.0].wait.objects = objects;
    }

    /// A wait is over: its result, then the thread is ready.
    pub(crate) fn end_wait(&mut self, thread: ThreadIndex, result: NtStatus, increment: u8) {
        self.leave_waits(thread);
        self.set_result(thread, result);
        self.boost_and_ready(thread, increment);
    }

    /// What the system call of a thread returns.
    pub(crate) fn set_result(&mut self, thread: ThreadIndex, result: NtStatus) {
        let (frame, block) = (self.threads[thread.0].frame, self.threads[thread.0].block);
        self.put_u32(frame, 4 * word::EAX as u32, result.0);
        self.put_u32(block, ethread::WAIT_STATUS, result.0);
    }

    /// An object was signaled: whoever can go on does, in the order in which they came.
    pub(crate) fn wake_waiters(&mut self, object: ObjectId, increment: u8) {
        let mut place = 0;
        while let Some(waiter) = self.objects.get(object).and_then(|object| object.waiters.get(place)).copied() {
            if !self.is_signaled(object, waiter.thread) {
                if !matches!(self.objects.body(object), Some(Body::Mutant(_))) {
                    return;
                }
                place += 1;
                continue;
            }
            match self.satisfy(object, waiter) {
                Some(result) => self.end_wait(waiter.thread, result, increment),
                None => place += 1,
            }
        }
    }

    /// Takes the object, and all others of the wait when they are wanted together.
    fn satisfy(&mut self, object: ObjectId, waiter: Waiter) -> Option<NtStatus> {
        let wait = &self.threads[waiter.thread.0].wait;
        if !wait.is_all {
            let is_abandoned = self.take_object(object, waiter.thread);
            return Some(wait_status(waiter.block.into(), is_abandoned));
        }
        let objects = wait.objects.clone();
        self.try_wait(waiter.thread, &objects, true)
    }

    /// A thread ended with mutants: the next one gets them, and is told.
    pub(crate) fn abandon_mutants(&mut self, thread: ThreadIndex) {
        for object in std::mem::take(&mut self.threads[thread.0].mutants) {
            if let Some(Body::Mutant(mutant)) = self.objects.body_mut(object) {
                *mutant = Mutant { owner: None, count: 0, is_abandoned: true };
                self.show_signal(object);
                self.wake_waiters(object, INCREMENT);
            }
        }
    }

    /// Sets an event; whether it was set.
    pub(crate) fn set_event(&mut self, object: ObjectId) -> bool {
        let Some(Body::Event { is_signaled, .. }) = self.objects.body_mut(object) else { return false };
        let was_signaled = std::mem::replace(is_signaled, true);
        if !was_signaled {
            self.show_signal(object);
            self.wake_waiters(object, INCREMENT);
        }
        was_signaled
    }

    /// A timer or a wait is over.
    pub(crate) fn expire(&mut self, due: Due) {
        match due {
            Due::Wait(thread) => {
                let result = NtStatus(self.threads[thread.0].wait.on_timeout);
                self.threads[thread.0].wait.timer = None;
                self.end_wait(thread, result, 0);
            }
            Due::Timer(object) => self.expire_timer(object),
        }
    }

    fn expire_timer(&mut self, object: ObjectId) {
        let Some(Body::Timer(timer)) = self.objects.body_mut(object) else { return };
        timer.is_signaled = true;
        timer.key = None;
        let (period, apc) = (timer.period, timer.apc);
        self.show_signal(object);
        if period > 0 {
            let due = self.clock.interrupt_time().saturating_add(period);
            let key = self.clock.insert(due, Due::Timer(object));
            if let Some(Body::Timer(timer)) = self.objects.body_mut(object) {
                timer.key = Some(key);
            }
        }
        if let Some((thread, routine, context)) = apc {
            let now = self.clock.now();
            let arguments = [context, now as u32, (now >> 32) as u32];
            self.queue_apc(thread, crate::nt::thread::UserApc { routine, arguments, has_context: false });
        }
        self.wake_waiters(object, INCREMENT);
    }
}

/// The status of a wait for any of several objects.
const fn wait_status(place: u32, is_abandoned: bool) -> NtStatus {
    NtStatus(place + if is_abandoned { status::ABANDONED_WAIT_0.0 } else { 0 })
}
