//! System calls: which set and method an address is, who answers, and what comes back.

use super::error::CeError;
use super::image::Symbol;
use super::object::{Object, ProcessNumber, ThreadIndex, ThreadState};
use super::processor::STACK;
use crate::ce::{Device, calls};
use std::collections::BTreeMap;
use vatlas_rules::ce::api_sets::{API_RETURN, api_set, find};

/// Arguments of a call, at most.
const MOST_ARGUMENTS: usize = 10;
/// Names of missing calls that are kept.
const MOST_MISSING: usize = 256;

/// Who calls, and with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub thread: ThreadIndex,
    /// The process that the thread is in.
    pub process: ProcessNumber,
    pub arguments: [u32; MOST_ARGUMENTS],
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Done {
    /// With this result.
    Value(u64),
    /// The thread waits: whoever wakes it sets the result.
    Waits,
    /// The thread has other registers already, or is gone.
    Gone,
}

/// The result of a call, or its error; the call then gives 0.
pub(crate) type Reply = Result<Done, CeError>;
/// What does a call.
pub(crate) type Handler = fn(&mut Device, &Call) -> Reply;
/// The kernel's calls, by set and method.
pub(crate) type Handlers = BTreeMap<(u8, u8), Handler>;

/// The call succeeded and says so.
pub(crate) const TRUE: Reply = Ok(Done::Value(1));
/// A result.
pub(crate) const fn value(value: u32) -> Reply {
    Ok(Done::Value(value as u64))
}

/// The table of the kernel's calls.
pub(crate) fn handlers() -> Handlers {
    let rows = calls::rows();
    rows.iter()
        .filter_map(|(name, handler)| find(name).map(|(set, method)| ((set.number, method.number), *handler)))
        .collect()
}

impl Device {
    /// The thread jumped to an address of calls.
    pub(crate) fn api_call(&mut self, index: ThreadIndex, address: u32) {
        if address == API_RETURN.0 as u32 {
            return self.api_return(index);
        }
        self.state.counters.api_calls += 1;
        let executed = self.state.executed;
        let scheduler = &mut self.state.scheduler;
        scheduler.is_call_owed = std::mem::replace(&mut scheduler.called_at, executed) == executed;
        let number = (vatlas_rules::ce::api_call::BASE_CE5.0 as u32 - address) / 4;
        let (set, method) = ((number >> 8 & 0x3f) as u8, number as u8);
        let reply = match self.set_of_number(set) {
            Some(handle) => self.enter_server(index, handle, method).map(|()| Done::Gone),
            None => self.kernel_call(index, set, method),
        };
        self.reply(index, reply);
    }

    /// Gives a call's result to its thread.
    pub(crate) fn reply(&mut self, index: ThreadIndex, reply: Reply) {
        let result = match reply {
            Ok(Done::Value(value)) => value,
            Ok(Done::Gone) => return,
            Ok(Done::Waits) => {
                self.leave_call(index);
                return;
            }
            Err(error) => {
                self.set_last_error(index, error);
                0
            }
        };
        self.leave_call(index);
        self.set_result(index, result);
        self.end_if_dying(index);
    }

    /// Goes back to the caller, whose return address is on top of the stack.
    pub(crate) fn leave_call(&mut self, index: ThreadIndex) {
        let mut registers = self.registers(index);
        let stack = registers.general[STACK];
        match self.read_word(index, stack) {
            Ok(back) => {
                registers.pc = back;
                registers.general[STACK] = stack.wrapping_add(4);
                self.set_registers(index, &registers);
            }
            // A program that called without a stack cannot go on.
            Err(_) => self.end_process(index, super::fault::ACCESS_VIOLATION),
        }
    }

    fn kernel_call(&mut self, index: ThreadIndex, set: u8, method: u8) -> Reply {
        let Some(handler) = self.handlers.get(&(set, method)).copied() else {
            return self.missing_call(set, method);
        };
        let count = api_set(set).and_then(|set| set.method(method)).map_or(0, |method| method.arguments.len());
        let stack = self.registers(index).general[STACK];
        let mut arguments = [0; MOST_ARGUMENTS];
        let mut bytes = [0; 4 * MOST_ARGUMENTS];
        let bytes = &mut bytes[..4 * count.min(MOST_ARGUMENTS)];
        self.read(index, stack.wrapping_add(4), bytes)?;
        for (argument, bytes) in arguments.iter_mut().zip(bytes.as_chunks().0) {
            *argument = u32::from_le_bytes(*bytes);
        }
        let call = Call { thread: index, process: self.thread(index).current, arguments };
        handler(self, &call)
    }

    fn missing_call(&mut self, set: u8, method: u8) -> Reply {
        let known = api_set(set);
        let name = known.and_then(|set| set.method(method)).map(|method| method.name.to_owned());
        let set = known.map_or_else(|| set.to_string(), |set| set.name.to_owned());
        self.note_missing(name.map_or_else(|| format!("{set} method {method}"), |name| format!("{name} ({set})")));
        Err(CeError::NOT_SUPPORTED)
    }

    /// Keeps the name of something that programs wanted and did not get.
    pub(crate) fn note_missing(&mut self, name: String) {
        if self.state.missing.len() < MOST_MISSING || self.state.missing.contains_key(&name) {
            *self.state.missing.entry(name).or_insert(0) += 1;
        }
    }

    /// A process by handle.
    pub(crate) fn process_of(&self, handle: u32) -> Result<ProcessNumber, CeError> {
        match self.state.handles.get(&self.real_handle(handle)).map(|handle| &handle.object) {
            Some(Object::Process(number, _))
                if self.process(*number).is_some_and(|it| it.handle == self.real_handle(handle)) =>
            {
                Ok(*number)
            }
            _ => Err(CeError::INVALID_HANDLE),
        }
    }

    /// A thread by handle.
    pub(crate) fn thread_of(&self, handle: u32) -> Result<ThreadIndex, CeError> {
        match self.state.handles.get(&self.real_handle(handle)).map(|handle| &handle.object) {
            Some(Object::Thread(index)) => Ok(*index),
            _ => Err(CeError::INVALID_HANDLE),
        }
    }

    /// A thread by handle that has not ended.
    pub(crate) fn living_thread(&self, handle: u32) -> Result<ThreadIndex, CeError> {
        let index = self.thread_of(handle)?;
        if self.thread(index).state == ThreadState::Ended { Err(CeError::INVALID_HANDLE) } else { Ok(index) }
    }

    /// The address of an export of `coredll.dll`.
    pub(crate) fn core_export(&self, name: &str) -> Option<u32> {
        let module = self.find_module("coredll.dll")?;
        self.export(self.module_image(module)?, &Symbol::Name(name.to_owned()), 0)
    }
}
