//! Waits of drivers, also for dispatcher objects that lie in their own memory.

use super::{Answer, KernelRequest};
use crate::memory::NtStatus;
use crate::nt::dispatcher::{INCREMENT, WaitRequest};
use crate::nt::object_memory::ObjectPlace;
use crate::nt::objects::{Body, ObjectId};
use crate::nt::ring0::DISPATCH_LEVEL;
use crate::nt::thread::{ThreadIndex, WaitReason};
use crate::nt::{Done, System, status};
use vatlas_rules::nt::structures::header;
use vatlas_space::Va;

/// Types of a `DISPATCHER_HEADER`.
const SYNCHRONIZATION_EVENT: u8 = 1;
const MUTANT: u8 = 2;
const SEMAPHORE: u8 = 5;
/// `Limit` of a semaphore, `OwnerThread` of a mutex.
const LIMIT: u32 = 0x10;
const OWNER: u32 = 0x18;

/// `KeWaitForSingleObject(Object, Reason, Mode, Alertable, Timeout)`.
pub(super) fn wait_for_single_object(system: &mut System, request: &KernelRequest) -> Answer {
    let [pointer, _, _, alertable, timeout, ..] = request.arguments;
    let timeout = match system.timeout(timeout) {
        Ok(timeout) => timeout,
        Err(status) => return status.into(),
    };
    if timeout != Some(0) && system.may_not_wait(request) {
        return Answer::Later;
    }
    let object = system.dispatcher_object(pointer);
    let wait = WaitRequest {
        is_all: false,
        is_alertable: alertable & 0xff != 0,
        timeout,
        reason: WaitReason::Executive,
        on_timeout: status::TIMEOUT,
    };
    let reply = system.wait(&request.call(), &[object], &wait);
    if matches!(system.objects.body(object), Some(Body::Dispatcher(_))) {
        // From now on only those who wait keep it.
        system.release_object(object);
    }
    match reply {
        Ok(Done::Status(status)) | Err(status) => status.into(),
        Ok(Done::Later) => Answer::Later,
    }
}

/// `KeDelayExecutionThread(Mode, Alertable, Interval)`.
pub(super) fn delay_execution(system: &mut System, request: &KernelRequest) -> Answer {
    let [_, _, interval, ..] = request.arguments;
    let Ok(Some(interval)) = system.timeout(interval) else { return NtStatus::INVALID_PARAMETER.into() };
    if system.may_not_wait(request) {
        return Answer::Later;
    }
    if interval == 0 {
        system.yield_processor(request.thread);
        return status::SUCCESS.into();
    }
    let wait = WaitRequest {
        is_all: false,
        is_alertable: false,
        timeout: Some(interval),
        reason: WaitReason::DelayExecution,
        on_timeout: status::SUCCESS,
    };
    system.begin_wait(request.thread, &wait);
    Answer::Later
}

/// `KeSetEvent(Event, Increment, Wait)`: the state before.
pub(super) fn set_event(system: &mut System, request: &KernelRequest) -> Answer {
    let pointer = request.arguments[0];
    if let Some(object) = system.ring0.bodies.get(&pointer).copied() {
        return Answer::Value(system.set_event(object).into());
    }
    let before = system.replace_signal(pointer, |_| 1);
    system.wake_dispatcher(pointer);
    Answer::Value(before as u32)
}

/// `KeReleaseSemaphore(Semaphore, Increment, Adjustment, Wait)`: the count before. More than the limit stops the
/// system: NT raises an exception that no driver handles.
pub(super) fn release_semaphore(system: &mut System, request: &KernelRequest) -> Answer {
    let [pointer, _, adjustment, ..] = request.arguments;
    let limit = system.read_system_u32(pointer.wrapping_add(LIMIT)).unwrap_or_default() as i32;
    let count = system.signal_state(pointer);
    let sum = count.checked_add(adjustment as i32).filter(|sum| *sum <= limit && *sum >= count);
    let Some(sum) = sum else {
        // STATUS_SEMAPHORE_LIMIT_EXCEEDED.
        system.stop_system(request.thread, request.caller, (0x8e, [0xc000_0047, request.caller, 0, 0]));
        return Answer::Later;
    };
    system.replace_signal(pointer, |_| sum);
    system.wake_dispatcher(pointer);
    Answer::Value(count as u32)
}

/// `KeReleaseMutex(Mutex, Wait)`: the state before.
pub(super) fn release_mutex(system: &mut System, request: &KernelRequest) -> Answer {
    let pointer = request.arguments[0];
    let owner = system.read_system_u32(pointer.wrapping_add(OWNER)).unwrap_or_default();
    if owner != system.threads[request.thread.0].block.va(0) {
        // STATUS_MUTANT_NOT_OWNED.
        system.stop_system(request.thread, request.caller, (0x8e, [0xc000_0046, request.caller, 0, 0]));
        return Answer::Later;
    }
    let before = system.replace_signal(pointer, |state| state.saturating_add(1));
    if before == 0 {
        let _ = system.write_system(pointer.wrapping_add(OWNER), &[0; 4]);
        system.wake_dispatcher(pointer);
    }
    Answer::Value(before as u32)
}

impl System {
    /// A timeout that a driver gives by address: none for ever.
    fn timeout(&mut self, at: u32) -> Result<Option<i64>, NtStatus> {
        if at == 0 {
            return Ok(None);
        }
        let mut bytes = [0; 8];
        self.read_system(at, &mut bytes)?;
        Ok(Some(i64::from_le_bytes(bytes)))
    }

    /// A wait at DISPATCH_LEVEL stops the system: ATTEMPTED_SWITCH_FROM_DPC.
    fn may_not_wait(&mut self, request: &KernelRequest) -> bool {
        let is_high = self.irql_of(request.thread) >= DISPATCH_LEVEL;
        if is_high {
            let block = self.threads[request.thread.0].block.va(0);
            self.stop_system(request.thread, request.caller, (0xb8, [block, 0, 0, 0]));
        }
        is_high
    }

    /// The object behind a pointer to a dispatcher object.
    fn dispatcher_object(&mut self, pointer: u32) -> ObjectId {
        if let Some(known) = self.ring0.bodies.get(&pointer).or_else(|| self.ring0.dispatchers.get(&pointer)) {
            let known = *known;
            if matches!(self.objects.body(known), Some(Body::Dispatcher(_))) {
                self.reference_object(known);
            }
            return known;
        }
        let thread = self.threads.iter().find(|thread| thread.block.va(0) == pointer).map(|thread| thread.object);
        let process = || self.processes.iter().find(|process| process.block.va(0) == pointer);
        if let Some(object) = thread.or_else(|| process().map(|process| process.object)) {
            return object;
        }
        let object = self.insert_object(Body::Dispatcher(pointer), ObjectPlace::default());
        self.ring0.dispatchers.insert(pointer, object);
        object
    }

    fn wake_dispatcher(&mut self, pointer: u32) {
        if let Some(object) = self.ring0.dispatchers.get(&pointer).copied() {
            self.wake_waiters(object, INCREMENT);
        }
    }

    fn signal_state(&self, pointer: u32) -> i32 {
        let at = Va(pointer.wrapping_add(header::SIGNAL_STATE).into());
        self.memory.read_kernel_u32(&self.computer.board.ram, at).unwrap_or_default() as i32
    }

    fn dispatcher_type(&self, pointer: u32) -> u8 {
        self.memory.read_kernel_u32(&self.computer.board.ram, Va(pointer.into())).unwrap_or_default() as u8
    }

    /// Changes a signal state; what it was.
    fn replace_signal(&mut self, pointer: u32, change: impl FnOnce(i32) -> i32) -> i32 {
        let before = self.signal_state(pointer);
        let after = change(before) as u32;
        let _ = self.write_system(pointer.wrapping_add(header::SIGNAL_STATE), &after.to_le_bytes());
        before
    }

    /// Whether a thread that waits for a driver's object may go on.
    pub(crate) fn is_dispatcher_signaled(&self, pointer: u32, thread: ThreadIndex) -> bool {
        if self.dispatcher_type(pointer) == MUTANT {
            let at = Va(pointer.wrapping_add(OWNER).into());
            let owner = self.memory.read_kernel_u32(&self.computer.board.ram, at);
            if owner == Some(self.threads[thread.0].block.va(0)) {
                return true;
            }
        }
        self.signal_state(pointer) > 0
    }

    /// What a satisfied wait does to a driver's object.
    pub(crate) fn take_dispatcher(&mut self, pointer: u32, thread: ThreadIndex) {
        match self.dispatcher_type(pointer) {
            SYNCHRONIZATION_EVENT => {
                self.replace_signal(pointer, |_| 0);
            }
            SEMAPHORE => {
                self.replace_signal(pointer, |count| count.saturating_sub(1));
            }
            MUTANT => {
                self.replace_signal(pointer, |state| state.saturating_sub(1));
                let owner = self.threads[thread.0].block.va(0);
                let _ = self.write_system(pointer.wrapping_add(OWNER), &owner.to_le_bytes());
            }
            _ => {}
        }
    }
}
