//! User APCs: routines that a thread runs in user mode when it next waits alertably; the first one loads its program.

use crate::nt::context::{ALL, CONTEXT_BYTES, Context};
use crate::nt::exception::ExceptionRecord;
use crate::nt::thread::{ThreadIndex, ThreadState, UserApc};
use crate::nt::trap_frame::word;
use crate::nt::{System, status};

impl System {
    /// Queues an APC. A thread that waits alertably goes on and gets it at once.
    pub(crate) fn queue_apc(&mut self, thread: ThreadIndex, apc: UserApc) {
        let target = &mut self.threads[thread.0];
        if target.state == ThreadState::Terminated {
            return;
        }
        target.apcs.push_back(apc);
        if target.state == ThreadState::Waiting && target.wait.is_alertable && target.suspend_count == 0 {
            target.is_apc_due = true;
            self.end_wait(thread, status::USER_APC, 0);
        }
    }

    /// Lets the thread return to `KiUserApcDispatcher` instead of where it was.
    ///
    /// ```text
    /// esp -> NormalRoutine, NormalContext, SystemArgument1, SystemArgument2, CONTEXT
    /// ```
    pub(crate) fn deliver_apc(&mut self, thread: ThreadIndex) {
        let Some(apc) = self.threads[thread.0].apcs.pop_front() else {
            self.threads[thread.0].is_apc_due = false;
            return;
        };
        let process = self.threads[thread.0].process;
        let (space, entry) = (self.processes[process.0].space, self.processes[process.0].entries.apc_dispatcher);
        let mut frame = self.frame(thread);
        let fpu = self.thread_fpu(thread);
        let context = Context::capture(&frame, &fpu, ALL);
        let top = frame.get(word::ESP).wrapping_sub(CONTEXT_BYTES as u32 + 16) & !3;
        let mut bytes = Vec::with_capacity(CONTEXT_BYTES + 16);
        let first = if apc.has_context { top + 16 } else { apc.arguments[0] };
        for value in [apc.routine, first, apc.arguments[1], apc.arguments[2]] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&context.0[..]);
        self.threads[thread.0].is_apc_due = !self.threads[thread.0].apcs.is_empty();
        if let Err(status) = self.write_user(space, top, &bytes) {
            let record = ExceptionRecord::new(status, frame.get(word::EIP)).with(&[1, top]);
            return self.dispatch_exception(thread, &record, true);
        }
        frame.set(word::ESP, top);
        frame.set(word::EIP, entry);
        self.set_frame(thread, &frame);
    }
}
