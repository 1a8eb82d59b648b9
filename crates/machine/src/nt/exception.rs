//! Exceptions: from what happened to `KiUserExceptionDispatcher`, or to the end of the process.

use crate::cpu::{self, Event, Exception, Fpu};
use crate::fault::FaultException;
use crate::memory::NtStatus;
use crate::nt::context::{ALL, CONTEXT_BYTES, Context};
use crate::nt::float_image::{FX_BYTES, decode_fx, encode_fx};
use crate::nt::thread::{ThreadIndex, ThreadState};
use crate::nt::trap_frame::word;
use crate::nt::{CrashReport, System, status};

/// Bytes of an `EXCEPTION_RECORD`.
pub(crate) const RECORD_BYTES: usize = 0x50;
/// Ends by exceptions that are kept: the last ones.
const MOST_CRASHES: usize = 256;
/// Most parameters of a record.
const MOST_PARAMETERS: usize = 15;

/// An `EXCEPTION_RECORD`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ExceptionRecord {
    /// `ExceptionCode`.
    pub code: u32,
    /// `ExceptionFlags`: 1 when the program cannot go on.
    pub flags: u32,
    /// `ExceptionRecord`: address of the one that this one came from.
    pub record: u32,
    /// `ExceptionAddress`.
    pub address: u32,
    /// `ExceptionInformation`, as far as it is used.
    pub parameters: Vec<u32>,
}

impl ExceptionRecord {
    pub(crate) const fn new(status: NtStatus, address: u32) -> Self {
        Self { code: status.0, flags: 0, record: 0, address, parameters: Vec::new() }
    }

    pub(crate) fn with(mut self, parameters: &[u32]) -> Self {
        self.parameters = parameters.to_vec();
        self
    }

    /// The record of a fault that no page came for.
    pub(crate) fn from_fault(fault: &FaultException, eip: u32) -> Self {
        let mut parameters = vec![u32::from(fault.access.is_write), fault.access.va.0 as u32];
        parameters.extend(fault.cause.map(|cause| cause.0));
        Self { parameters, ..Self::new(fault.status, eip) }
    }

    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        let head = [self.code, self.flags, self.record, self.address, self.parameters.len() as u32];
        for (place, value) in bytes.chunks_exact_mut(4).zip(head.iter().chain(&self.parameters)) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// Reads a record that a program made; `None` when it has too many parameters.
    pub(crate) fn decode(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let mut words = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (code, flags, record, address, count) = (next(), next(), next(), next(), next() as usize);
        let parameters = words.take(count).collect();
        (count <= MOST_PARAMETERS).then_some(Self { code, flags, record, address, parameters })
    }
}

impl System {
    /// Floating-point registers of a thread: in the processor that has it, else on its kernel stack.
    pub(crate) fn thread_fpu(&self, thread: ThreadIndex) -> Fpu {
        let state = &self.threads[thread.0];
        if self.scheduler.processors[state.processor].current == thread {
            return *self.computer.processors[state.processor].fpu();
        }
        let mut image = [0; FX_BYTES];
        self.computer.board.ram.read(state.floats.pa(0), &mut image);
        decode_fx(&image)
    }

    pub(crate) fn set_thread_fpu(&mut self, thread: ThreadIndex, fpu: &Fpu) {
        let state = &self.threads[thread.0];
        if self.scheduler.processors[state.processor].current == thread {
            *self.computer.processors[state.processor].fpu_mut() = *fpu;
        } else {
            self.put(state.floats, 0, &encode_fx(fpu));
            self.threads[thread.0].kept_floats = None;
        }
    }

    /// `KiDispatchException` for user mode: the handlers of the program, or at the second chance the end of it.
    ///
    /// ```text
    /// esp -> address of the record, address of the context, record, context
    /// ```
    pub(crate) fn dispatch_exception(&mut self, thread: ThreadIndex, record: &ExceptionRecord, is_first: bool) {
        if self.threads[thread.0].state == ThreadState::Terminated {
            return;
        }
        self.counters.exceptions += 1;
        if is_first {
            self.tell_exception(thread, record, true);
        }
        let process = self.threads[thread.0].process;
        let (space, entry) = (self.processes[process.0].space, self.processes[process.0].entries.exception_dispatcher);
        if !is_first || entry == 0 {
            return self.crash(thread, record);
        }
        let mut frame = self.frame(thread);
        let fpu = self.thread_fpu(thread);
        let context = Context::capture(&frame, &fpu, ALL);
        let context_at = (frame.get(word::ESP) & !3).wrapping_sub(CONTEXT_BYTES as u32);
        // The record is as long as its parameters.
        let length = 20 + 4 * record.parameters.len();
        let record_at = context_at.wrapping_sub(length as u32);
        let top = record_at.wrapping_sub(8);
        let mut bytes = Vec::with_capacity(8 + length + CONTEXT_BYTES);
        bytes.extend_from_slice(&record_at.to_le_bytes());
        bytes.extend_from_slice(&context_at.to_le_bytes());
        bytes.extend_from_slice(&record.encode()[..length]);
        bytes.extend_from_slice(&context.0[..]);
        if self.write_user(space, top, &bytes).is_err() {
            // Our choice: XP would try once more with STATUS_STACK_OVERFLOW and then end the process silently.
            return self.crash(thread, record);
        }
        frame.set(word::ESP, top);
        frame.set(word::EIP, entry);
        self.set_frame(thread, &frame);
    }

    /// Nobody handled an exception: the process ends with its code.
    pub(crate) fn crash(&mut self, thread: ThreadIndex, record: &ExceptionRecord) {
        self.tell_exception(thread, record, false);
        let frame = self.frame(thread);
        let process = self.threads[thread.0].process;
        let report = CrashReport {
            process: self.processes[process.0].id,
            thread: self.threads[thread.0].id,
            image: self.processes[process.0].name.clone(),
            module: self.module_at(process, record.address),
            record: record.clone(),
            registers: std::array::from_fn(|number| frame.general(number)),
            eip: frame.get(word::EIP),
            eflags: frame.get(word::EFLAGS),
        };
        if self.crashes.len() >= MOST_CRASHES {
            self.crashes.remove(0);
        }
        self.crashes.push(report);
        self.keep_crash();
        self.terminate_process(process, record.code);
    }

    /// An exception of the processor in user mode.
    pub(crate) fn processor_exception(&mut self, thread: ThreadIndex, exception: &Exception) {
        let frame = self.frame(thread);
        let eip = frame.get(word::EIP);
        let record = match exception.vector {
            cpu::BREAKPOINT => {
                // The context points at the instruction, as it does on NT.
                let mut frame = frame;
                frame.set(word::EIP, eip.wrapping_sub(1));
                self.set_frame(thread, &frame);
                ExceptionRecord::new(status::BREAKPOINT, eip.wrapping_sub(1)).with(&[0])
            }
            cpu::DEBUG => ExceptionRecord::new(status::SINGLE_STEP, eip),
            cpu::X87_ERROR => self.x87_error(thread, eip),
            cpu::GENERAL_PROTECTION => self.protection_error(thread, eip),
            vector => ExceptionRecord::new(plain_status(vector), eip),
        };
        if exception.vector == cpu::DEBUG {
            let mut frame = self.frame(thread);
            frame.set(word::EFLAGS, frame.get(word::EFLAGS) & !0x100);
            self.set_frame(thread, &frame);
        }
        self.dispatch_exception(thread, &record, true);
    }

    /// Which of the exceptions that are not masked came first, by the rules of the status word.
    fn x87_error(&self, thread: ThreadIndex, eip: u32) -> ExceptionRecord {
        let fpu = self.thread_fpu(thread);
        let raised = fpu.status & !fpu.control & 0x3f;
        let has = |bit: u16| raised & bit != 0;
        let code = match () {
            () if has(1) && fpu.status & 0x40 != 0 => status::FLOAT_STACK_CHECK,
            () if has(1) => status::FLOAT_INVALID_OPERATION,
            () if has(4) => status::FLOAT_DIVIDE_BY_ZERO,
            () if has(2) => status::FLOAT_DENORMAL_OPERAND,
            () if has(8) => status::FLOAT_OVERFLOW,
            () if has(16) => status::FLOAT_UNDERFLOW,
            () => status::FLOAT_INEXACT_RESULT,
        };
        let address = if fpu.last_instruction != 0 { fpu.last_instruction } else { eip };
        ExceptionRecord::new(code, address).with(&[0])
    }

    /// General protection: an instruction of the kernel, or an access that no page explains.
    fn protection_error(&mut self, thread: ThreadIndex, eip: u32) -> ExceptionRecord {
        let space = self.processes[self.threads[thread.0].process.0].space;
        let mut bytes = [0; 2];
        let is_known = self.read_user(space, eip, &mut bytes).is_ok();
        if is_known && is_privileged(bytes) {
            return ExceptionRecord::new(status::PRIVILEGED_INSTRUCTION, eip);
        }
        ExceptionRecord::new(NtStatus::ACCESS_VIOLATION, eip).with(&[0, u32::MAX])
    }

    /// An event that a program cannot cause by itself: the machine is broken.
    pub(crate) fn unexpected_event(&mut self, event: &Event) {
        self.pending_stop = Some(super::SystemStop::Broken(format!("the processor stopped for {event:?}")));
    }
}

/// Statuses of exceptions that say everything by themselves.
const fn plain_status(vector: u8) -> NtStatus {
    match vector {
        cpu::DIVIDE_ERROR => status::INTEGER_DIVIDE_BY_ZERO,
        cpu::OVERFLOW => status::INTEGER_OVERFLOW,
        cpu::BOUND_RANGE => status::ARRAY_BOUNDS_EXCEEDED,
        cpu::INVALID_OPCODE => status::ILLEGAL_INSTRUCTION,
        cpu::SIMD_ERROR => status::FLOAT_MULTIPLE_TRAPS,
        _ => NtStatus::ACCESS_VIOLATION,
    }
}

/// `hlt`, `cli`, `sti`, `in`, `out`, `ins`, `outs`, and the system instructions of the second table.
fn is_privileged(bytes: [u8; 2]) -> bool {
    match bytes {
        [0xf4 | 0xfa | 0xfb | 0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef, _] => true,
        [0x0f, second] => matches!(second, 0x00 | 0x01 | 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30 | 0x32 | 0x33 | 0x35),
        _ => false,
    }
}
