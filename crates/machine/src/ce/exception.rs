//! Exceptions: to `coredll.dll`'s dispatcher, back with its answer, and the device's text for those that nobody handles.
//!
//! ```text
//! Data Abort: Thread=8xxxxxxx Proc=8xxxxxxx 'name.exe'
//! AKY=xxxxxxxx PC=xxxxxxxx(module+0x........) RA=xxxxxxxx(module+0x........) BVA=xxxxxxxx
//! ```
//!
//! The fields are those of ARM without FSR, which x86 does not have; the form of x86 on CE 5 is not documented.

use super::error::CeError;
use super::fault::ACCESS_VIOLATION;
use super::layout::call;
use super::object::{CallKind, CallRecord, ExceptionRecord, ThreadIndex};
use super::processor::{self, FRAME, PROGRAM_CONTEXT_BYTES, STACK};
use crate::ce::{Crash, Device};
use crate::cpu;

/// Bytes of an `EXCEPTION_RECORD`.
const RECORD_BYTES: usize = 0x50;
/// Crashes that are kept.
const MOST_CRASHES: usize = 64;
/// Code of `int3`.
const BREAKPOINT: u32 = 0x8000_0003;
const SINGLE_STEP: u32 = 0x8000_0004;
const ILLEGAL_INSTRUCTION: u32 = 0xc000_001d;
const DIVIDE_BY_ZERO: u32 = 0xc000_0094;
const PRIVILEGED: u32 = 0xc000_0096;
const ARRAY_BOUNDS: u32 = 0xc000_008c;
const INTEGER_OVERFLOW: u32 = 0xc000_0095;
const FLOAT_INVALID: u32 = 0xc000_0090;

/// The code of an exception of the processor that is no page fault.
pub(crate) const fn code_of(vector: u8) -> u32 {
    match vector {
        cpu::DIVIDE_ERROR => DIVIDE_BY_ZERO,
        cpu::DEBUG => SINGLE_STEP,
        cpu::BREAKPOINT => BREAKPOINT,
        cpu::OVERFLOW => INTEGER_OVERFLOW,
        cpu::BOUND_RANGE => ARRAY_BOUNDS,
        cpu::INVALID_OPCODE => ILLEGAL_INSTRUCTION,
        cpu::X87_ERROR | cpu::SIMD_ERROR => FLOAT_INVALID,
        cpu::GENERAL_PROTECTION => PRIVILEGED,
        _ => ACCESS_VIOLATION,
    }
}

impl ExceptionRecord {
    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut words = [0; RECORD_BYTES / 4];
        (words[0], words[1], words[3], words[4]) = (self.code, self.flags, self.address, self.count);
        words[5..].copy_from_slice(&self.parameters);
        let mut bytes = [0; RECORD_BYTES];
        bytes
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(words)
            .for_each(|(bytes, word): (&mut [u8; 4], u32)| *bytes = word.to_le_bytes());
        bytes
    }
}

impl Device {
    /// A thread has an exception: the dispatcher of `coredll.dll` decides.
    pub(crate) fn raise(&mut self, index: ThreadIndex, record: ExceptionRecord) {
        self.state.counters.exceptions += 1;
        self.drop_stale_records(index);
        self.tell_exception(index, &record, true);
        let dispatched = match self.core_export("RtlDispatchException") {
            Some(function) => self.dispatch_exception(index, function, record),
            None => Err(CeError::PROC_NOT_FOUND),
        };
        if dispatched.is_err() {
            self.unhandled(index, &record);
        }
    }

    fn dispatch_exception(
        &mut self,
        index: ThreadIndex,
        function: u32,
        record: ExceptionRecord,
    ) -> Result<(), CeError> {
        let registers = self.registers(index);
        let in_kernel_mode = self.thread(index).in_kernel_mode;
        let context = (registers.general[STACK] & !3).wrapping_sub(PROGRAM_CONTEXT_BYTES as u32);
        let at = context.wrapping_sub(RECORD_BYTES as u32);
        self.write(index, context, &processor::program_context(registers, in_kernel_mode))?;
        self.write(index, at, &record.to_bytes())?;
        let mut below = registers;
        below.general[STACK] = at;
        self.set_registers(index, &below);
        let called = self.call_program(index, function, &[at, context], CallKind::Dispatch { context, record });
        if called.is_err() {
            self.set_registers(index, &registers);
        }
        called
    }

    /// The dispatcher came back: the thread goes on with the context, or nobody handled the exception.
    pub(crate) fn dispatched(&mut self, index: ThreadIndex, context: u32, record: &ExceptionRecord, result: u32) {
        if self.continue_with(index, context).is_err() || result == 0 {
            self.unhandled(index, record);
        }
    }

    /// `NKContinue`: a thread goes on with the registers of a `CONTEXT`.
    pub(crate) fn continue_with(&mut self, index: ThreadIndex, context: u32) -> Result<(), CeError> {
        let mut bytes = [0; PROGRAM_CONTEXT_BYTES];
        self.read(index, context, &mut bytes)?;
        let registers = processor::from_program_context(&bytes, self.registers(index));
        self.set_registers(index, &registers);
        Ok(())
    }

    /// Handlers go on without coming back to the kernel: calls of the dispatcher below the stack pointer are over.
    pub(crate) fn drop_stale_records(&mut self, index: ThreadIndex) {
        let stack = self.registers(index).general[STACK];
        let is_over = |call: &CallRecord| matches!(call.kind, CallKind::Dispatch { .. }) && call.stack < stack;
        while self.thread(index).calls.last().is_some_and(is_over) {
            if let Some(record) = self.thread_mut(index).calls.pop() {
                self.release(record.at, call::BYTES);
            }
        }
        self.show_place(index);
    }

    /// The device's text, and the end of the process.
    fn unhandled(&mut self, index: ThreadIndex, record: &ExceptionRecord) {
        self.tell_exception(index, record, false);
        let text = self.crash_text(index, record);
        self.print(&text);
        let it = self.thread(index);
        let registers = self.registers(index);
        let process = self.process(it.current).map_or_else(String::new, |process| process.name.clone());
        let crash = Crash {
            process,
            process_number: it.current,
            thread: it.handle,
            record: *record,
            pc: registers.pc,
            general: registers.general,
            text,
        };
        if self.state.crashes.len() < MOST_CRASHES {
            self.state.crashes.push(crash);
        }
        self.end_process(index, record.code);
    }

    fn crash_text(&mut self, index: ThreadIndex, record: &ExceptionRecord) -> String {
        let registers = self.registers(index);
        let it = self.thread(index);
        let (thread, key, current) = (it.at, it.key, it.current);
        let (process, name) = self.process(current).map_or((0, String::new()), |it| (it.at, it.name.clone()));
        let is_fault = record.code == ACCESS_VIOLATION && record.count == 2;
        let kind = match record.code {
            ACCESS_VIOLATION if is_fault && self.mapped_for(current, registers.pc) == record.parameters[1] => {
                "Prefetch Abort"
            }
            ACCESS_VIOLATION if is_fault => "Data Abort",
            ILLEGAL_INSTRUCTION => "Undefined Instruction",
            DIVIDE_BY_ZERO => "Divide By Zero",
            BREAKPOINT => "Breakpoint",
            0x8000_0001 | 0xc000_00fd => "Data Abort",
            _ => "RaiseException",
        };
        let back = self.return_address(index);
        let bad = if record.count >= 2 { record.parameters[1] } else { 0 };
        let pc = if record.code == ACCESS_VIOLATION { registers.pc } else { record.address };
        let (pc, back) = (self.place(index, pc), self.place(index, back));
        format!(
            "{kind}: Thread={thread:08x} Proc={process:08x} '{name}'\r\nAKY={key:08x} PC={pc} RA={back} BVA={bad:08x}\r\n"
        )
    }

    /// Where the function that runs returns to, by its frame; without one, the word on top of the stack.
    fn return_address(&mut self, index: ThreadIndex) -> u32 {
        let registers = self.registers(index);
        let (frame, stack) = (registers.general[FRAME], registers.general[STACK]);
        let is_frame = frame >= stack && frame - stack < 0x1_0000;
        let at = if is_frame { frame.wrapping_add(4) } else { stack };
        self.read_word(index, at).unwrap_or(0)
    }

    /// `address(module+0xoffset)`.
    pub(crate) fn place(&self, index: ThreadIndex, address: u32) -> String {
        let current = self.thread(index).current;
        match self.image_at(self.mapped_for(current, address)) {
            Some((image, rva)) => format!("{address:08x}({}+0x{rva:08x})", self.state.images[image as usize].name),
            None => format!("{address:08x}(???+0x{address:08x})"),
        }
    }
}
