//! From user mode into the kernel: the trap frame first, then whatever the trap was, then back.

use crate::cpu;
use crate::cpu::{Event, Exception};
use crate::fault::FaultAccess;
use crate::memory::NtStatus;
use crate::nt::System;
use crate::nt::exception::ExceptionRecord;
use crate::nt::thread::ThreadIndex;
use crate::nt::trap_frame::{TrapFrame, put, word};

/// The vector of system calls before `sysenter`.
const SYSTEM_CALL_VECTOR: u8 = 0x2e;
/// Bytes between EDX and the arguments of a fast system call: two return addresses.
const FAST_ARGUMENTS: u32 = 8;

impl System {
    /// A processor stopped.
    pub(crate) fn trap(&mut self, processor: usize, event: &Event) {
        self.control.count_entry();
        let thread = self.scheduler.processors[processor].current;
        if self.is_in_ring0(thread) {
            return self.kernel_trap(processor, thread, event);
        }
        if *event == Event::SystemEnter {
            self.enter_kernel_space(processor);
            self.fast_system_call(processor, thread);
            return self.leave_kernel();
        }
        if let Event::Exception(exception) = event
            && exception.vector == cpu::PAGE_FAULT
            && self.page_fault(thread, exception)
        {
            return;
        }
        self.enter_kernel_space(processor);
        let mut frame = TrapFrame::capture(&self.computer.processors[processor]);
        match event {
            Event::Interrupt(SYSTEM_CALL_VECTOR) => {
                let at = frame.get(word::EDX);
                self.save_frame(processor, thread, &frame);
                self.system_call(thread, (frame.get(word::EAX), at));
            }
            Event::Exception(exception) if exception.vector != cpu::PAGE_FAULT => {
                frame.set(word::ERR_CODE, exception.error.unwrap_or_default());
                self.save_frame(processor, thread, &frame);
                self.processor_exception(thread, exception);
            }
            Event::Exception(exception) => self.raise_fault(processor, thread, frame, exception),
            Event::Interrupt(vector) => {
                // A gate that programs may not use: general protection at the instruction.
                frame.set(word::EIP, frame.get(word::EIP).wrapping_sub(2));
                frame.set(word::ERR_CODE, u32::from(*vector) * 8 + 2);
                self.save_frame(processor, thread, &frame);
                let record = ExceptionRecord::new(NtStatus::ACCESS_VIOLATION, frame.get(word::EIP));
                self.dispatch_exception(thread, &record.with(&[0, u32::MAX]), true);
            }
            _ => self.unexpected_event(event),
        }
        self.leave_kernel();
    }

    fn save_frame(&mut self, processor: usize, thread: ThreadIndex, frame: &TrapFrame) {
        self.set_frame(thread, frame);
        self.scheduler.processors[processor].is_saved = true;
    }

    /// `sysenter`: the hardware keeps nothing, so the way back leads to `KiFastSystemCallRet` with ESP from EDX.
    fn fast_system_call(&mut self, processor: usize, thread: ThreadIndex) {
        let engine = &self.computer.processors[processor];
        let (number, stack) = (engine.general(0), engine.general(2));
        let arguments = stack.wrapping_add(FAST_ARGUMENTS);
        let state = &self.threads[thread.0];
        let back = self.processes[state.process.0].entries.system_call_return;
        if let Some(frame) = self.computer.board.ram.array_mut(state.frame.pa(0)) {
            TrapFrame::capture_to(frame, engine);
            if back != 0 {
                put(frame, word::EIP, back);
            }
            put(frame, word::ESP, stack);
            put(frame, word::DBG_ARG_POINTER, arguments);
        }
        self.scheduler.processors[processor].is_saved = true;
        self.system_call(thread, (number, arguments));
    }

    /// A page fault that the memory manager resolves needs no trap frame. Whether it did.
    fn page_fault(&mut self, thread: ThreadIndex, exception: &Exception) -> bool {
        let Some(access) = FaultAccess::from_exception(exception) else { return false };
        self.counters.page_faults += 1;
        let space = self.processes[self.threads[thread.0].process.0].space;
        let result = self.memory.fault(&mut self.computer.board.ram, space, access);
        let result = result.or_else(|fault| self.grow_stack(thread, space, fault));
        self.obey_flush();
        match result {
            Ok(resolution) => {
                self.tell_resolved(thread, access.va, resolution);
                true
            }
            Err(fault) => {
                self.pending_fault = Some(fault);
                false
            }
        }
    }

    /// The program gets the exception of a page fault.
    fn raise_fault(&mut self, processor: usize, thread: ThreadIndex, mut frame: TrapFrame, exception: &Exception) {
        frame.set(word::ERR_CODE, exception.error.unwrap_or_default());
        self.save_frame(processor, thread, &frame);
        let Some(fault) = self.pending_fault.take() else { return };
        self.counters.access_violations += u64::from(fault.status == NtStatus::ACCESS_VIOLATION);
        let record = ExceptionRecord::from_fault(&fault, frame.get(word::EIP));
        self.dispatch_exception(thread, &record, true);
    }
}
