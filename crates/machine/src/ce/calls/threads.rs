//! Calls about threads.

use super::super::call::{Call, Done, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::layout::process;
use super::super::object::ThreadState;
use super::super::processor::{self, PROGRAM_CONTEXT_BYTES};
use super::super::synchronization::INFINITE;
use super::super::thread::NewThread;
use crate::ce::Device;

/// `CREATE_SUSPENDED`.
const SUSPENDED: u32 = 4;
/// `STACK_SIZE_PARAM_IS_A_RESERVATION`.
const STACK_GIVEN: u32 = 0x1_0000;
/// `STILL_ACTIVE`.
const STILL_ACTIVE: u32 = 0x103;
/// The priorities of Win32 begin here in CE's numbers: THREAD_PRIORITY_TIME_CRITICAL is 248.
const WIN32_PRIORITIES: u32 = 248;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("CreateThread", create_thread),
    ("ExitThread", exit_thread),
    ("TerminateThread", terminate_thread),
    ("NKTerminateThread", |device, call| exit_thread(device, call)),
    ("Sleep", sleep),
    ("SleepTillTick", sleep_till_tick),
    ("SuspendThread", suspend),
    ("ResumeThread", resume),
    ("SetThreadPriority", |device, call| set_priority(device, call, WIN32_PRIORITIES)),
    ("GetThreadPriority", |device, call| get_priority(device, call, WIN32_PRIORITIES)),
    ("CeSetThreadPriority", |device, call| set_priority(device, call, 0)),
    ("CeGetThreadPriority", |device, call| get_priority(device, call, 0)),
    ("CeSetThreadQuantum", set_quantum),
    ("CeGetThreadQuantum", get_quantum),
    ("GetExitCodeThread", exit_code),
    ("GetThreadContext", get_context),
    ("SetThreadContext", set_context),
    ("GetThreadTimes", times),
    ("TlsCall", tls_call),
    ("SetLastError", set_last_error),
    ("GetLastError", get_last_error),
    ("RaiseException", raise_exception),
    ("NKContinue", continue_with),
    ("SetStackGuarantee", |_, _| TRUE),
];

fn create_thread(device: &mut Device, call: &Call) -> Reply {
    let [_, stack, start, argument, flags, id, ..] = call.arguments;
    let image = device.process(call.process).map(|process| process.image);
    let own = image.and_then(|image| device.state.images.get(image as usize)).map_or(0, |image| image.stack);
    let stack = if flags & STACK_GIVEN != 0 { stack } else { own };
    let new = NewThread { process: call.process, start, argument, stack, is_suspended: flags & SUSPENDED != 0 };
    let thread = device.create_thread(&new)?;
    let handle = device.thread(thread).handle;
    device.open_for(handle, call.process);
    device.write_optional(call.thread, id, handle)?;
    value(handle)
}

fn exit_thread(device: &mut Device, call: &Call) -> Reply {
    device.exit_thread(call.thread, call.arguments[0]);
    Ok(Done::Gone)
}

fn terminate_thread(device: &mut Device, call: &Call) -> Reply {
    let [handle, code, ..] = call.arguments;
    let index = device.living_thread(handle)?;
    if index == call.thread {
        device.exit_thread(index, code);
        return Ok(Done::Gone);
    }
    let owner = device.thread(index).owner;
    if device.process(owner).is_some_and(|process| process.main_thread == index) {
        device.end_other_process(owner, code);
    } else {
        device.kill_thread(index, code);
    }
    TRUE
}

fn sleep(device: &mut Device, call: &Call) -> Reply {
    match call.arguments[0] {
        INFINITE if device.thread(call.thread).dying.is_some() => value(0),
        // The rest of the quantum is given up.
        0 => {
            let priority = device.thread(call.thread).priority;
            if device.state.scheduler.ready.has(priority) {
                device.thread_mut(call.thread).state = ThreadState::Ready;
                device.state.scheduler.ready.push_back(priority, call.thread);
            }
            value(0)
        }
        INFINITE => {
            // CE: a thread that sleeps for ever is suspended.
            device.suspend_thread(call.thread);
            value(0)
        }
        milliseconds => {
            device.sleep_until(call.thread, Vec::new(), milliseconds);
            Ok(Done::Waits)
        }
    }
}

fn sleep_till_tick(device: &mut Device, call: &Call) -> Reply {
    device.sleep_until(call.thread, Vec::new(), 0);
    Ok(Done::Waits)
}

fn suspend(device: &mut Device, call: &Call) -> Reply {
    const MOST: u32 = 127;
    let index = device.living_thread(call.arguments[0])?;
    let before = device.thread(index).suspended;
    if before >= MOST {
        return Err(CeError::TOO_MANY_POSTS);
    }
    device.suspend_thread(index);
    value(before)
}

fn resume(device: &mut Device, call: &Call) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    value(device.resume_thread(index))
}

fn set_priority(device: &mut Device, call: &Call, base: u32) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    let priority = call.arguments[1].checked_add(base).and_then(|priority| u8::try_from(priority).ok());
    let priority = priority.ok_or(CeError::INVALID_PARAMETER)?;
    device.thread_mut(index).base_priority = priority;
    device.settle_priority(index);
    TRUE
}

fn get_priority(device: &mut Device, call: &Call, base: u32) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    value(u32::from(device.thread(index).base_priority).saturating_sub(base))
}

fn set_quantum(device: &mut Device, call: &Call) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    let it = device.thread_mut(index);
    (it.quantum, it.quantum_left) = (call.arguments[1], call.arguments[1]);
    TRUE
}

fn get_quantum(device: &mut Device, call: &Call) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    value(device.thread(index).quantum)
}

fn exit_code(device: &mut Device, call: &Call) -> Reply {
    let index = device.thread_of(call.arguments[0])?;
    let it = device.thread(index);
    let code = if it.state == ThreadState::Ended { it.exit_code } else { STILL_ACTIVE };
    device.write_word(call.thread, call.arguments[1], code)?;
    TRUE
}

fn get_context(device: &mut Device, call: &Call) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    let context = processor::program_context(device.registers(index), device.thread(index).in_kernel_mode);
    device.write(call.thread, call.arguments[1], &context)?;
    TRUE
}

fn set_context(device: &mut Device, call: &Call) -> Reply {
    let index = device.living_thread(call.arguments[0])?;
    if index == call.thread {
        return Err(CeError::INVALID_PARAMETER);
    }
    let mut bytes = [0; PROGRAM_CONTEXT_BYTES];
    device.read(call.thread, call.arguments[1], &mut bytes)?;
    let registers = processor::from_program_context(&bytes, device.registers(index));
    device.set_registers(index, &registers);
    TRUE
}

/// Kernel time is not told apart from user time (our choice).
fn times(device: &mut Device, call: &Call) -> Reply {
    let index = device.thread_of(call.arguments[0])?;
    let it = device.thread(index);
    let per_tick = u64::from(device.state.instructions_per_tick.max(1));
    let times = [it.created, 0, 0, it.executed.saturating_mul(10_000) / per_tick];
    for (place, time) in call.arguments[1..5].iter().zip(times) {
        if *place != 0 {
            device.write(call.thread, *place, &time.to_le_bytes())?;
        }
    }
    TRUE
}

/// Gives and takes slots of TLS, whose bits are in PROCESS.
fn tls_call(device: &mut Device, call: &Call) -> Reply {
    const NONE: u32 = u32::MAX;
    let [operation, slot, ..] = call.arguments;
    let at = device.process(call.process).map(|process| process.at).ok_or(CeError::INVALID_HANDLE)?;
    let (low, high) = (device.word(at + process::TLS_LOW), device.word(at + process::TLS_HIGH));
    let used = u64::from(high) << 32 | u64::from(low);
    let (used, result) = match operation {
        0 => match used.trailing_ones() {
            64 => return value(NONE),
            slot => (used | 1 << slot, slot),
        },
        1 if (4..64).contains(&slot) && used >> slot & 1 != 0 => (used & !(1 << slot), 1),
        _ => return Err(CeError::INVALID_PARAMETER),
    };
    device.set_word(at + process::TLS_LOW, used as u32);
    device.set_word(at + process::TLS_HIGH, (used >> 32) as u32);
    if operation == 0 {
        device.clear_tls(call.process, result)?;
    }
    value(result)
}

fn set_last_error(device: &mut Device, call: &Call) -> Reply {
    device.set_last_error(call.thread, CeError(call.arguments[0]));
    value(0)
}

fn get_last_error(device: &mut Device, call: &Call) -> Reply {
    let at = device.thread(call.thread).at;
    value(device.word(at + super::super::layout::thread::LAST_ERROR))
}

fn raise_exception(device: &mut Device, call: &Call) -> Reply {
    const MOST: u32 = 15;
    let [code, flags, count, arguments, ..] = call.arguments;
    let mut record = super::super::ExceptionRecord { code, flags: flags & 1, ..Default::default() };
    record.count = if arguments == 0 { 0 } else { count.min(MOST) };
    for number in 0..record.count {
        record.parameters[number as usize] = device.read_word(call.thread, arguments.wrapping_add(4 * number))?;
    }
    device.leave_call(call.thread);
    record.address = device.registers(call.thread).pc;
    device.raise(call.thread, record);
    Ok(Done::Gone)
}

fn continue_with(device: &mut Device, call: &Call) -> Reply {
    device.continue_with(call.thread, call.arguments[0])?;
    device.drop_stale_records(call.thread);
    Ok(Done::Gone)
}
