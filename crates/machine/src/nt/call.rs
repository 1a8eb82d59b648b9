//! System calls: the arguments from the user stack, the handler of the service, its status into EAX.

use crate::memory::{NtStatus, SpaceIndex};
use crate::nt::process::ProcessIndex;
use crate::nt::services::{SERVICES, Service, service_by_number};
use crate::nt::thread::ThreadIndex;
use crate::nt::trap_frame::word;
use crate::nt::{MissingCall, System, status};

/// Most arguments of a service.
const MOST_ARGUMENTS: usize = 17;
/// Missing calls that are kept.
const MOST_MISSING: usize = 256;

/// Who calls, and with what.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Call {
    pub thread: ThreadIndex,
    pub process: ProcessIndex,
    pub space: SpaceIndex,
    pub number: u16,
    pub arguments: [u32; MOST_ARGUMENTS],
}

/// How a service ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Done {
    /// With a status, now.
    Status(NtStatus),
    /// The thread waits, is gone, or has new registers: nothing goes into EAX.
    Later,
}

/// The result of a service. An error is a status, too.
pub(crate) type Reply = Result<Done, NtStatus>;
/// What does a service.
pub(crate) type Handler = fn(&mut System, &Call) -> Reply;

/// The service did what was asked.
pub(crate) const SUCCESS: Reply = Ok(Done::Status(status::SUCCESS));

impl System {
    /// A system call; its number, and where its arguments are.
    pub(crate) fn system_call(&mut self, thread: ThreadIndex, (number, at): (u32, u32)) {
        self.counters.system_calls += 1;
        let process = self.threads[thread.0].process;
        let space = self.processes[process.0].space;
        let Some(service) = service_by_number(number) else {
            return self.set_result(thread, status::INVALID_SYSTEM_SERVICE);
        };
        self.calls[usize::from(service.number)] += 1;
        let mut call = Call { thread, process, space, number: service.number, arguments: [0; MOST_ARGUMENTS] };
        if let Err(status) = self.read_arguments(&mut call, service, at) {
            return self.set_result(thread, status);
        }
        let reply = self.handle(service.number, &call);
        self.tell_returned(thread, service.name, reply);
        match reply {
            Ok(Done::Status(status)) | Err(status) => self.set_result(thread, status),
            Ok(Done::Later) => {}
        }
        if !self.ring0.closing.is_empty() {
            self.close_device_files(thread);
        }
    }

    /// Does what a service does.
    pub(crate) fn handle(&mut self, number: u16, call: &Call) -> Reply {
        match self.handlers.get(usize::from(number)) {
            Some(Some(handler)) => handler(self, call),
            _ => {
                self.note_missing_service(call);
                Err(status::NOT_IMPLEMENTED)
            }
        }
    }

    fn read_arguments(&mut self, call: &mut Call, service: &Service, at: u32) -> Result<(), NtStatus> {
        let mut bytes = [0; 4 * MOST_ARGUMENTS];
        let length = (4 * usize::from(service.arguments)).min(bytes.len());
        let processor = &self.computer.processors[self.threads[call.thread.0].processor];
        if !processor.read_known(&self.computer.board.ram, at, &mut bytes[..length]) {
            self.read_user(call.space, at, &mut bytes[..length])?;
        }
        for (argument, bytes) in call.arguments.iter_mut().zip(bytes.as_chunks().0) {
            *argument = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Keeps which service is missing and who called it.
    fn note_missing_service(&mut self, call: &Call) {
        let Some(service) = service_by_number(call.number.into()) else { return };
        let frame = self.frame(call.thread);
        // On the stack: back into the stub, then back to who called the stub.
        let caller = self.read_u32(call.space, frame.get(word::ESP).wrapping_add(4)).unwrap_or(frame.get(word::EIP));
        self.note_missing(call.process, service.name, caller);
    }

    /// Keeps which function is missing and from where it was called.
    pub(crate) fn note_missing(&mut self, process: ProcessIndex, name: &str, caller: u32) {
        let place = self.module_at(process, caller);
        let (module, offset) = match place {
            Some((module, offset)) => (Some(module), offset),
            None => (None, caller),
        };
        self.keep_missing(name, module, offset);
    }

    /// Keeps which import is missing: `DLL!function` and the place that wanted it, `module+0xoffset`.
    pub(crate) fn note_missing_import(&mut self, name: &str, place: &str) {
        let (module, offset) = match place.rsplit_once('+') {
            Some((module, offset)) => (Some(module.to_owned()), offset),
            None => (None, place),
        };
        let offset = u32::from_str_radix(offset.trim_start_matches("0x"), 16).unwrap_or_default();
        self.keep_missing(name, module, offset);
    }

    fn keep_missing(&mut self, name: &str, module: Option<String>, offset: u32) {
        let key = (name.to_owned(), format!("{module:?}{offset:x}"));
        if self.missing.len() >= MOST_MISSING && !self.missing.contains_key(&key) {
            return;
        }
        let entry = self.missing.entry(key);
        entry.or_insert(MissingCall { name: name.to_owned(), module, offset, count: 0 }).count += 1;
    }

    /// Whether a service exists here.
    pub fn has_service(&self, name: &str) -> bool {
        let service = SERVICES.iter().find(|service| service.name == name);
        service.is_some_and(|service| self.handlers[usize::from(service.number)].is_some())
    }
}
