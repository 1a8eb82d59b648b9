//! Waits, events, mutexes, semaphores, critical sections; priorities that owners inherit from those who wait.
//!
//! An owner gets the best priority of those who wait for what it owns, one level deep (CE 3.0 and later): that owner's
//! own obstacle is not raised.

use super::call::{Done, Reply};
use super::error::CeError;
use super::object::{Object, ProcessNumber, ThreadIndex, ThreadState, Wait, Waitable};
use crate::ce::Device;

/// `INFINITE`.
pub(crate) const INFINITE: u32 = u32::MAX;
const TIMEOUT: u32 = 0x102;
const ABANDONED: u32 = 0x80;
/// Objects of one wait.
pub(crate) const MOST_OBJECTS: u32 = 64;
/// Somebody waits for the critical section.
const WAITED_FOR: u32 = 1;

impl Device {
    /// Waits for any of some objects.
    pub(crate) fn wait(&mut self, index: ThreadIndex, objects: Vec<Waitable>, milliseconds: u32) -> Reply {
        for (number, object) in objects.iter().enumerate() {
            if let Some(abandoned) = self.acquire(index, *object) {
                return Ok(Done::Value(number as u64 + if abandoned { u64::from(ABANDONED) } else { 0 }));
            }
        }
        if milliseconds == 0 {
            return Ok(Done::Value(TIMEOUT.into()));
        }
        // A thread that is to end comes back from its server first.
        if self.thread(index).dying.is_some() {
            self.set_last_error(index, CeError::OPERATION_ABORTED);
            return Ok(Done::Value(INFINITE.into()));
        }
        for object in &objects {
            self.add_waiter(index, *object);
        }
        self.sleep_until(index, objects, milliseconds);
        Ok(Done::Waits)
    }

    /// A thread waits for objects or time.
    pub(crate) fn sleep_until(&mut self, index: ThreadIndex, objects: Vec<Waitable>, milliseconds: u32) {
        let deadline = (milliseconds != INFINITE).then(|| self.state.tick + u64::from(milliseconds) + 1);
        self.unschedule(index);
        let it = self.thread_mut(index);
        it.state = ThreadState::Waiting;
        it.wait = Wait { objects: objects.clone(), deadline };
        if let Some(deadline) = deadline {
            self.state.scheduler.sleepers.insert((deadline, index));
        }
        self.show_state(index);
        for object in objects {
            self.inherit(object);
        }
    }

    fn add_waiter(&mut self, index: ThreadIndex, object: Waitable) {
        let priority = self.thread(index).priority;
        let list: Vec<ThreadIndex> = self.waiters(object).collect();
        let place = list.iter().position(|other| self.thread(*other).priority > priority).unwrap_or(list.len());
        match object {
            Waitable::Handle(handle) => {
                if let Some(handle) = self.state.handles.get_mut(&handle) {
                    handle.waiters.insert(place, index);
                }
            }
            Waitable::Critical(at) => self.state.critical.entry(at).or_default().insert(place, index),
            Waitable::ApiSet(_) => {}
        }
    }

    fn waiters(&self, object: Waitable) -> Box<dyn Iterator<Item = ThreadIndex> + '_> {
        match object {
            Waitable::Handle(handle) => {
                Box::new(self.state.handles.get(&handle).into_iter().flat_map(|handle| handle.waiters.iter().copied()))
            }
            Waitable::Critical(at) => Box::new(self.state.critical.get(&at).into_iter().flatten().copied()),
            Waitable::ApiSet(_) => {
                let waits = (0..).zip(&self.state.threads);
                Box::new(waits.filter(move |(_, it)| it.wait.objects.contains(&object)).map(|(index, _)| index))
            }
        }
    }

    /// Takes an object for a thread when it is to be had; whether its owner had abandoned it.
    fn acquire(&mut self, index: ThreadIndex, object: Waitable) -> Option<bool> {
        let Waitable::Handle(value) = object else {
            return match object {
                Waitable::ApiSet(number) => self.set_of_number(number).map(|_| false),
                _ => None,
            };
        };
        let ended = |device: &Self, object: &Object| match object {
            Object::Thread(thread) => device.thread(*thread).state == ThreadState::Ended,
            Object::Process(number, _) => device.process(*number).is_none_or(|process| process.handle != value),
            _ => false,
        };
        let handle = self.state.handles.get(&value)?;
        if ended(self, &handle.object) {
            return Some(false);
        }
        match &mut self.state.handles.get_mut(&value)?.object {
            Object::Event { is_manual, is_set: is_set @ true, .. } => {
                *is_set = *is_manual;
                Some(false)
            }
            Object::Semaphore { count, .. } if *count > 0 => {
                *count -= 1;
                Some(false)
            }
            Object::Mutex { owner, count, is_abandoned } if owner.is_none() || *owner == Some(index) => {
                let is_new = owner.is_none();
                (*owner, *count) = (Some(index), *count + 1);
                let was_abandoned = std::mem::take(is_abandoned);
                if is_new {
                    self.thread_mut(index).owns.push(object);
                }
                Some(was_abandoned)
            }
            _ => None,
        }
    }

    /// A thread goes on with a result.
    pub(crate) fn wake(&mut self, index: ThreadIndex, result: u64) {
        self.leave_waits(index);
        self.set_result(index, result);
        self.make_ready(index);
    }

    /// A thread waits for nothing any more.
    pub(crate) fn leave_waits(&mut self, index: ThreadIndex) {
        let wait = std::mem::take(&mut self.thread_mut(index).wait);
        if let Some(deadline) = wait.deadline {
            self.state.scheduler.sleepers.remove(&(deadline, index));
        }
        for object in wait.objects {
            match object {
                Waitable::Handle(handle) => {
                    if let Some(handle) = self.state.handles.get_mut(&handle) {
                        handle.waiters.retain(|other| *other != index);
                    }
                }
                Waitable::Critical(at) => {
                    if let Some(queue) = self.state.critical.get_mut(&at) {
                        queue.retain(|other| *other != index);
                    }
                }
                Waitable::ApiSet(_) => {}
            }
            self.inherit(object);
        }
    }

    /// An object may be to be had now: gives it to those who wait, in their order.
    pub(crate) fn satisfy(&mut self, value: u32) {
        while let Some(index) = self.state.handles.get(&value).and_then(|handle| handle.waiters.first().copied()) {
            let object = Waitable::Handle(value);
            let Some(abandoned) = self.acquire(index, object) else { return };
            let place = self.thread(index).wait.objects.iter().position(|other| *other == object).unwrap_or(0);
            self.wake(index, place as u64 + if abandoned { u64::from(ABANDONED) } else { 0 });
        }
    }

    /// Everybody who waits for a handle goes on: its thread or process ended.
    pub(crate) fn wake_all(&mut self, value: u32) {
        self.satisfy(value);
    }

    /// Everybody who waits for something goes on with 0.
    pub(crate) fn wake_waiters_of(&mut self, object: Waitable) {
        let waiting: Vec<ThreadIndex> = self.waiters(object).collect();
        waiting.into_iter().for_each(|index| self.wake(index, 0));
    }

    /// The owner of an object gets the best priority of those who wait for it.
    fn inherit(&mut self, object: Waitable) {
        let owner = match object {
            Waitable::Handle(handle) => match self.state.handles.get(&handle).map(|handle| &handle.object) {
                Some(Object::Mutex { owner: Some(owner), .. }) => Some(*owner),
                _ => None,
            },
            Waitable::Critical(_) => {
                (0..).zip(&self.state.threads).find(|(_, it)| it.owns.contains(&object)).map(|(index, _)| index)
            }
            Waitable::ApiSet(_) => None,
        };
        if let Some(owner) = owner {
            self.settle_priority(owner);
        }
    }

    /// A thread's priority: its own, or the best of those whom it keeps waiting.
    pub(crate) fn settle_priority(&mut self, index: ThreadIndex) {
        let it = self.thread(index);
        if it.state == ThreadState::Ended {
            return;
        }
        let waiting = it.owns.iter().flat_map(|object| self.waiters(*object));
        let best = waiting.map(|other| self.thread(other).base_priority).min().unwrap_or(u8::MAX);
        let priority = it.base_priority.min(best);
        if priority < it.base_priority && priority != it.priority {
            self.state.counters.inherited_priorities += 1;
        }
        self.set_priority(index, priority);
    }

    /// `ReleaseMutex`.
    pub(crate) fn release_mutex(&mut self, index: ThreadIndex, value: u32) -> Result<(), CeError> {
        let handle = self.state.handles.get_mut(&value).ok_or(CeError::INVALID_HANDLE)?;
        let Object::Mutex { owner, count, .. } = &mut handle.object else { return Err(CeError::INVALID_HANDLE) };
        if *owner != Some(index) {
            return Err(CeError::NOT_OWNER);
        }
        *count -= 1;
        if *count == 0 {
            *owner = None;
            self.thread_mut(index).owns.retain(|object| *object != Waitable::Handle(value));
            self.settle_priority(index);
            self.satisfy(value);
        }
        Ok(())
    }

    /// A thread that ended leaves its mutexes to others.
    pub(crate) fn abandon(&mut self, index: ThreadIndex) {
        for object in std::mem::take(&mut self.thread_mut(index).owns) {
            let Waitable::Handle(value) = object else { continue };
            if let Some(handle) = self.state.handles.get_mut(&value)
                && let Object::Mutex { owner, count, is_abandoned } = &mut handle.object
            {
                (*owner, *count, *is_abandoned) = (None, 0, true);
            }
            self.satisfy(value);
        }
    }

    /// `EnterCriticalSection` when it is not free: waits, or takes it after all.
    pub(crate) fn enter_critical(&mut self, index: ThreadIndex, at: u32) -> Reply {
        let (mapped, own) = (self.mapped_for(self.thread(index).current, at), self.thread(index).handle);
        let owner = self.read_word(index, at.wrapping_add(4))?;
        let count = self.read_word(index, at)?;
        if owner & !WAITED_FOR == 0 {
            self.write_word(index, at, 1)?;
            self.write_word(index, at.wrapping_add(4), own)?;
            return Ok(Done::Value(0));
        }
        if owner & !WAITED_FOR == own {
            self.write_word(index, at, count.wrapping_add(1))?;
            return Ok(Done::Value(0));
        }
        self.write_word(index, at.wrapping_add(4), owner | WAITED_FOR)?;
        let object = Waitable::Critical(mapped);
        if let Ok(holder) = self.thread_of(owner & !WAITED_FOR)
            && !self.thread(holder).owns.contains(&object)
        {
            self.thread_mut(holder).owns.push(object);
        }
        self.add_waiter(index, object);
        self.sleep_until(index, vec![object], INFINITE);
        self.state.counters.critical_waits += 1;
        Ok(Done::Waits)
    }

    /// `LeaveCriticalSection` when somebody waits: the first of them has it then.
    pub(crate) fn leave_critical(&mut self, index: ThreadIndex, at: u32) -> Reply {
        let mapped = self.mapped_for(self.thread(index).current, at);
        let count = self.read_word(index, at)?;
        if count > 1 {
            self.write_word(index, at, count - 1)?;
            return Ok(Done::Value(0));
        }
        let object = Waitable::Critical(mapped);
        let next = self.waiters(object).next();
        self.thread_mut(index).owns.retain(|other| *other != object);
        let Some(next) = next else {
            self.state.critical.remove(&mapped);
            self.write_word(index, at, 0)?;
            self.write_word(index, at.wrapping_add(4), 0)?;
            self.settle_priority(index);
            return Ok(Done::Value(0));
        };
        let more = self.waiters(object).nth(1).is_some();
        let owner = self.thread(next).handle | u32::from(more);
        self.write_word(index, at, 1)?;
        self.write_word(index, at.wrapping_add(4), owner)?;
        self.wake(next, 0);
        if more {
            self.thread_mut(next).owns.push(object);
            self.settle_priority(next);
        } else {
            self.state.critical.remove(&mapped);
        }
        self.settle_priority(index);
        Ok(Done::Value(0))
    }

    /// One use of a handle by a process less; whether that was the last one.
    pub(crate) fn close_handle(&mut self, value: u32, user: ProcessNumber) -> Result<bool, CeError> {
        let handle = self.state.handles.get_mut(&value).ok_or(CeError::INVALID_HANDLE)?;
        // Handles are the whole device's: one that another process made can be closed by whoever knows it.
        let user = if handle.users.contains_key(&user) { Some(user) } else { handle.users.keys().next().copied() };
        let user = user.ok_or(CeError::INVALID_HANDLE)?;
        let is_gone = handle.users.get_mut(&user).is_some_and(|count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
        if is_gone {
            handle.users.remove(&user);
        }
        Ok(self.forget_handle(value))
    }

    /// Takes a handle away that nobody has open.
    fn forget_handle(&mut self, value: u32) -> bool {
        let Some(handle) = self.state.handles.get(&value).filter(|it| it.users.is_empty() && !it.is_pinned) else {
            return false;
        };
        let (waiting, object) = (handle.waiters.clone(), handle.object.clone());
        self.write_back(&object);
        if let Object::Mapping { frames, file, .. } = object {
            frames.into_iter().for_each(|frame| self.give_frame(frame));
            self.state.store.open.remove(&file.unwrap_or(0));
        }
        waiting.into_iter().for_each(|index| self.wake(index, u64::from(u32::MAX)));
        self.state.handles.remove(&value);
        self.state.exit_codes.remove(&value);
        self.release(value & 0x1fff_fffc | 0x8000_0000, super::layout::handle::BYTES);
        true
    }

    /// What a handle stood for has ended.
    pub(crate) fn unpin(&mut self, value: u32) {
        if let Some(handle) = self.state.handles.get_mut(&value) {
            handle.is_pinned = false;
            let owner = match handle.object {
                Object::Process(number, _) => Some(number),
                Object::Thread(index) => Some(self.state.threads[index as usize].owner),
                _ => None,
            };
            // The process has its own handle, and those of its threads, open only while it is there.
            if let Some(owner) = owner
                && let Some(count) = handle.users.get_mut(&owner)
            {
                *count -= 1;
                if *count == 0 {
                    handle.users.remove(&owner);
                }
            }
            self.forget_handle(value);
        }
    }

    /// A process that ended has nothing open.
    pub(crate) fn close_handles_of(&mut self, number: ProcessNumber) {
        let own = self.process(number).map_or(0, |process| process.handle);
        let open: Vec<u32> = self
            .state
            .handles
            .iter()
            .filter(|(value, handle)| **value != own && handle.users.contains_key(&number))
            .map(|(value, _)| *value)
            .collect();
        for value in open {
            if let Some(handle) = self.state.handles.get_mut(&value) {
                handle.users.remove(&number);
            }
            self.forget_handle(value);
        }
    }
}
