//! Registers that programs ask for and set: contexts, continuing after an exception, APCs.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::context::{CONTEXT_BYTES, Context};
use crate::nt::thread::{ThreadIndex, ThreadState, UserApc};
use crate::nt::{Done, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtContinue", continue_),
    ("NtGetContextThread", get_context_thread),
    ("NtSetContextThread", set_context_thread),
    ("NtTestAlert", test_alert),
    ("NtAlertThread", |system, call| alert(system, call, false)),
    ("NtAlertResumeThread", |system, call| alert(system, call, true)),
    ("NtQueueApcThread", queue_apc_thread),
];

impl System {
    /// Reads a `CONTEXT`.
    pub(crate) fn read_context(&mut self, call: &Call, at: u32) -> Result<Context, NtStatus> {
        let mut context = Context::with_flags(0);
        self.read_user(call.space, at, &mut context.0[..])?;
        Ok(context)
    }

    /// Gives a thread that is in the kernel the registers of a context.
    pub(crate) fn set_context(&mut self, thread: ThreadIndex, context: &Context) {
        let mut frame = self.frame(thread);
        let mut fpu = self.thread_fpu(thread);
        let before = fpu;
        context.apply(&mut frame, &mut fpu);
        self.set_frame(thread, &frame);
        self.threads[thread.0].has_new_segments = true;
        if fpu != before {
            self.set_thread_fpu(thread, &fpu);
        }
    }
}

/// `NtContinue(Context, TestAlert)`.
fn continue_(system: &mut System, call: &Call) -> Reply {
    let [at, is_test_alert, ..] = call.arguments;
    let context = system.read_context(call, at)?;
    system.set_context(call.thread, &context);
    if is_test_alert & 0xff != 0 {
        let thread = &mut system.threads[call.thread.0];
        thread.is_apc_due |= !thread.apcs.is_empty();
    }
    Ok(Done::Later)
}

/// The thread's registers must be in its trap frame: it is in the kernel, or it is not running.
fn stopped(system: &mut System, thread: ThreadIndex) -> Result<(), NtStatus> {
    match system.threads[thread.0].state {
        ThreadState::Terminated => Err(status::THREAD_IS_TERMINATING),
        ThreadState::Running => {
            system.save_running(thread);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `NtGetContextThread(Thread, Context)`; the flags in the context say what is wanted.
fn get_context_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, at, ..] = call.arguments;
    let thread = system.thread_by_handle(call, handle)?;
    system.probe_write(call.space, at, CONTEXT_BYTES as u32)?;
    let flags = system.read_u32(call.space, at)?;
    stopped(system, thread)?;
    let context = Context::capture(&system.frame(thread), &system.thread_fpu(thread), flags);
    // What was not asked for stays as it is.
    let mut whole = system.read_context(call, at)?;
    whole.take(&context);
    system.write_user(call.space, at, &whole.0[..])?;
    SUCCESS
}

/// `NtSetContextThread(Thread, Context)`.
fn set_context_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, at, ..] = call.arguments;
    let thread = system.thread_by_handle(call, handle)?;
    let context = system.read_context(call, at)?;
    stopped(system, thread)?;
    system.set_context(thread, &context);
    SUCCESS
}

/// `NtTestAlert()`: APCs that wait are delivered now.
fn test_alert(system: &mut System, call: &Call) -> Reply {
    let thread = &mut system.threads[call.thread.0];
    let was_alerted = std::mem::take(&mut thread.is_alerted);
    thread.is_apc_due |= !thread.apcs.is_empty();
    Ok(Done::Status(if was_alerted { status::ALERTED } else { status::SUCCESS }))
}

/// `NtAlertThread(Thread)`, `NtAlertResumeThread(Thread, PreviousSuspendCount)`.
fn alert(system: &mut System, call: &Call, resumes: bool) -> Reply {
    let [handle, previous, ..] = call.arguments;
    let thread = system.thread_by_handle(call, handle)?;
    let target = &mut system.threads[thread.0];
    if target.state == ThreadState::Waiting && target.wait.is_alertable && target.suspend_count == 0 {
        system.end_wait(thread, status::ALERTED, 0);
    } else {
        target.is_alerted = true;
    }
    if resumes {
        let count = system.resume_thread(thread);
        system.write_optional(call.space, previous, count)?;
    }
    SUCCESS
}

/// `NtQueueApcThread(Thread, Routine, Context, Argument1, Argument2)`.
fn queue_apc_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, routine, context, first, second, ..] = call.arguments;
    let thread = system.thread_by_handle(call, handle)?;
    if system.threads[thread.0].state == ThreadState::Terminated {
        return Err(status::UNSUCCESSFUL);
    }
    system.queue_apc(thread, UserApc { routine, arguments: [context, first, second], has_context: false });
    SUCCESS
}
