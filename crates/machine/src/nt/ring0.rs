//! Threads in ring 0: routines of the kernel's image and of drivers run as guest code on a thread's kernel stack.
//!
//! ```text
//! a routine is called    below the registers that the thread has so far: its return address and arguments
//! it asks the kernel     `vmcall` with a number in EAX: a row of `kernel_calls`
//! it returns             to `HostReturn`, a `vmcall`: EAX and EDX are its result, what was kept says what follows
//! it is interrupted      a trap frame below its stack pointer
//! ```
//!
//! Our choice: such a frame has ESP and SS too, where a processor would push them only for a change of the ring.

use crate::cpu::{self, Event, Exception, Fpu, Segment, SegmentRegister};
use crate::fault::FaultAccess;
use crate::memory::NtStatus;
use crate::nt::bugcheck::BugCheck;
use crate::nt::device::Transfer;
use crate::nt::driver::AfterLoad;
use crate::nt::guest::GuestBlock;
use crate::nt::kernel_image::{HostTable, SystemModule};
use crate::nt::objects::ObjectId;
use crate::nt::process::ProcessIndex;
use crate::nt::thread::{NewThread, ThreadIndex, ThreadState};
use crate::nt::trap_frame::{FRAME_BYTES, TrapFrame, word};
use crate::nt::{Call, System, status};
use std::collections::BTreeMap;
use vatlas_rules::nt::structures::{ethread, kpcr};
use vatlas_space::Va;

/// IRQL from which on a processor keeps its thread.
pub(crate) const DISPATCH_LEVEL: u8 = 2;
/// Bytes of `vmcall`.
const VMCALL_BYTES: u32 = 3;
const PAGE: u32 = 0x1000;
/// The process of system threads.
pub(crate) const SYSTEM_PROCESS: ProcessIndex = ProcessIndex(1);

/// What the kernel knows of its own image, of drivers and of what they made.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Ring0 {
    /// ntoskrnl.exe, hal.dll and drivers, in the order of `PsLoadedModuleList`.
    pub modules: Vec<SystemModule>,
    /// Routines and variables of ntoskrnl.exe.
    pub host: HostTable,
    /// Dispatcher objects of drivers for which somebody waits, by address.
    pub dispatchers: BTreeMap<u32, ObjectId>,
    /// Objects that drivers hold by a pointer, by that pointer.
    pub bodies: BTreeMap<u32, ObjectId>,
    /// Pool blocks that a process pays for: its id and the bytes.
    pub quotas: BTreeMap<u32, (u32, u32)>,
    /// File objects of devices whose last handle was closed.
    pub closing: Vec<u32>,
    /// What drivers said by `DbgPrint`.
    pub debug_text: Vec<String>,
    /// The system has stopped for good.
    pub bug_check: Option<BugCheck>,
}

/// A routine of ring 0 that a thread runs.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct KernelCall {
    /// The registers with which the thread goes on behind it.
    pub resume: GuestBlock,
    pub then: Then,
}

/// What follows when a routine returned.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Then {
    /// Nothing.
    Resume,
    /// The thread ends: it is one of the system's.
    ExitThread,
    /// A driver was initialized, or not.
    DriverLoaded { base: u32, after: AfterLoad },
    /// A driver was told that it goes away.
    DriverUnloaded { base: u32 },
    /// A device was opened.
    Opened { call: Call },
    /// A device has done what was asked of it.
    Transferred(Transfer),
}

impl System {
    /// Whether a thread runs in ring 0.
    pub(crate) fn is_in_ring0(&self, thread: ThreadIndex) -> bool {
        !self.threads[thread.0].calls.is_empty()
    }

    /// Lets a thread, whose registers are saved, run a routine of ring 0 (stdcall) before it goes on.
    pub(crate) fn call_kernel(&mut self, thread: ThreadIndex, routine: u32, arguments: &[u32], then: Then) {
        let resume = self.threads[thread.0].frame;
        let mut top = resume.va(0);
        let back = self.ring0.host.host_return();
        for value in arguments.iter().rev().chain([&back]) {
            top = top.wrapping_sub(4);
            self.memory.write_kernel_u32(&mut self.computer.board.ram, Va(top.into()), *value);
        }
        self.threads[thread.0].calls.push(KernelCall { resume, then });
        self.keep_kernel_frame(thread, &TrapFrame::kernel(routine, top));
    }

    /// Writes the registers of a thread in ring 0 below its stack pointer.
    pub(crate) fn keep_kernel_frame(&mut self, thread: ThreadIndex, frame: &TrapFrame) {
        let stack = self.threads[thread.0].stack;
        let esp = frame.get(word::ESP);
        let place = esp.wrapping_sub(FRAME_BYTES) & !3;
        // A frame lies in one page.
        let next_page = (place & !(PAGE - 1)).wrapping_add(PAGE);
        let place = if place.wrapping_add(FRAME_BYTES) > next_page { next_page - FRAME_BYTES } else { place };
        let is_inside = u64::from(place) >= stack.limit.0 && u64::from(esp) <= stack.base.0;
        match self.kernel_block(place).filter(|_| is_inside) {
            Some(block) => {
                self.threads[thread.0].frame = block;
                self.put_u32(self.threads[thread.0].block, ethread::KERNEL_STACK, block.va(0));
                self.set_frame(thread, frame);
            }
            // UNEXPECTED_KERNEL_MODE_TRAP with a double fault: there is no stack to push anything on.
            None => self.stop_system(thread, frame.get(word::EIP), (0x7f, [cpu::DOUBLE_FAULT.into(), esp, 0, 0])),
        }
    }

    /// Registers of a thread that leaves its processor, to where they belong.
    pub(crate) fn keep_registers(&mut self, processor: usize, thread: ThreadIndex) {
        let mut registers = TrapFrame::capture(&self.computer.processors[processor]);
        if self.is_in_ring0(thread) {
            registers.set(word::PREVIOUS_MODE, 0);
            self.keep_kernel_frame(thread, &registers);
        } else {
            self.set_frame(thread, &registers);
        }
    }

    /// A processor gets the registers of its thread, which is in ring 0.
    pub(crate) fn enter_ring0(&mut self, processor: usize, thread: ThreadIndex) {
        self.enter_kernel_space(processor);
        let frame = self.frame(thread);
        let pcr = self.scheduler.processors[processor].pcr.va(0);
        let engine = &mut self.computer.processors[processor];
        frame.load_kernel(engine);
        for (register, segment) in [
            (SegmentRegister::Cs, Segment::flat(8, 0x9b)),
            (SegmentRegister::Ss, Segment::flat(0x10, 0x93)),
            (SegmentRegister::Ds, Segment::flat(0x23, 0xf3)),
            (SegmentRegister::Es, Segment::flat(0x23, 0xf3)),
            (SegmentRegister::Fs, Segment { selector: 0x30, base: pcr, limit: 0xfff, access: 0x93 }),
        ] {
            engine.set_segment(register, segment);
        }
        self.threads[thread.0].has_new_segments = true;
        self.scheduler.processors[processor].is_saved = false;
    }

    /// A thread of the system's own: it runs a routine in ring 0 and ends.
    ///
    /// # Errors
    /// Commit limit or memory is used up.
    pub(crate) fn create_system_thread(
        &mut self,
        process: ProcessIndex,
        (routine, context): (u32, u32),
    ) -> Result<ThreadIndex, NtStatus> {
        let id = self.next_id();
        let new = NewThread {
            frame: TrapFrame::kernel(0, 0),
            fpu: Fpu::default(),
            teb: 0,
            id,
            start_address: routine,
            apc: None,
            is_suspended: false,
        };
        let thread = self.insert_thread(process, &new)?;
        self.put_u8(self.threads[thread.0].block, ethread::PREVIOUS_MODE, 0);
        let startup = self.ring0.host.system_thread_startup();
        self.call_kernel(thread, startup, &[routine, context], Then::ExitThread);
        self.make_ready(thread);
        Ok(thread)
    }

    /// A processor stopped in ring 0.
    pub(crate) fn kernel_trap(&mut self, processor: usize, thread: ThreadIndex, event: &Event) {
        let exception = if let Event::Exception(exception) = event { Some(exception) } else { None };
        if exception.is_some_and(|exception| self.resolve_kernel_fault(processor, thread, exception)) {
            return;
        }
        self.keep_registers(processor, thread);
        self.scheduler.processors[processor].is_saved = true;
        let frame = self.frame(thread);
        match event {
            Event::HostCall => self.host_call(thread, &frame),
            Event::Exception(exception) => self.kernel_exception(processor, thread, &frame, exception),
            // `hlt` waits for the next interrupt: here it ends at once. No device answers on a port.
            Event::Halted => self.computer.is_halted[processor] = false,
            Event::PortWrite { .. } => {}
            Event::PortRead { bytes, .. } => {
                let ones = u32::MAX >> (32 - 8 * u32::from((*bytes).clamp(1, 4)));
                self.set_result(thread, NtStatus(frame.get(word::EAX) | ones));
            }
            Event::Interrupt(vector) => {
                self.stop_system(thread, frame.get(word::EIP), (0x7f, [u32::from(*vector), 0, 0, 0]));
            }
            Event::SystemEnter | Event::Shutdown | Event::CodeBreakpoint | Event::DataBreakpoint => {
                self.unexpected_event(event);
            }
        }
        self.leave_kernel();
    }

    /// `vmcall`: a routine returned, or asks for something.
    fn host_call(&mut self, thread: ThreadIndex, frame: &TrapFrame) {
        if frame.get(word::EIP) == self.ring0.host.host_return().wrapping_add(VMCALL_BYTES) {
            return self.kernel_routine_returned(thread, frame);
        }
        self.kernel_request(thread, frame);
    }

    fn kernel_routine_returned(&mut self, thread: ThreadIndex, frame: &TrapFrame) {
        let Some(call) = self.threads[thread.0].calls.pop() else { return };
        let irql = self.irql_of(thread);
        if irql != 0 && self.threads[thread.0].calls.is_empty() {
            // IRQL_GT_ZERO_AT_SYSTEM_SERVICE.
            let eip = frame.get(word::EIP);
            return self.stop_system(thread, eip, (0x4a, [eip, irql.into(), 0, 0]));
        }
        self.threads[thread.0].frame = call.resume;
        let (result, second) = (frame.get(word::EAX), frame.get(word::EDX));
        match call.then {
            Then::Resume => {}
            Then::ExitThread => return self.terminate_thread(thread, result),
            Then::DriverLoaded { base, after } => self.driver_loaded(thread, base, after, (NtStatus(result), second)),
            Then::DriverUnloaded { base } => self.driver_unloaded(thread, base, NtStatus(result)),
            Then::Opened { call } => self.device_opened(&call, NtStatus(result), second),
            Then::Transferred(transfer) => self.device_transferred(&transfer, NtStatus(result), second),
        }
        self.leave_ring0(thread);
    }

    /// A thread that was ended while it was in ring 0 ends when it leaves that.
    fn leave_ring0(&mut self, thread: ThreadIndex) {
        let state = &mut self.threads[thread.0];
        if state.calls.is_empty()
            && state.state != ThreadState::Terminated
            && let Some(exit) = state.pending_exit.take()
        {
            self.terminate_thread(thread, exit);
        }
    }

    /// A page fault in ring 0 that the memory manager resolves.
    fn resolve_kernel_fault(&mut self, processor: usize, thread: ThreadIndex, exception: &Exception) -> bool {
        let Some(access) = FaultAccess::from_exception(exception).filter(|_| exception.vector == cpu::PAGE_FAULT)
        else {
            return false;
        };
        self.counters.page_faults += 1;
        if self.irql(processor) >= DISPATCH_LEVEL {
            return false;
        }
        let ram = &mut self.computer.board.ram;
        let result = if access.va >= self.memory.system_range_start() {
            self.memory.system_fault(ram, access).map(|_| ())
        } else {
            let space = self.processes[self.threads[thread.0].process.0].space;
            let result = self.memory.fault(ram, space, access);
            result.or_else(|fault| self.grow_stack(thread, space, fault)).map(|_| ())
        };
        self.obey_flush();
        result.is_ok()
    }

    /// The IRQL of a processor: in its control region.
    pub(crate) fn irql(&self, processor: usize) -> u8 {
        self.get_u32(self.scheduler.processors[processor].pcr, kpcr::IRQL) as u8
    }

    /// The IRQL of a thread that a processor has.
    pub(crate) fn irql_of(&self, thread: ThreadIndex) -> u8 {
        self.irql(self.threads[thread.0].processor)
    }

    /// The IRQL of a thread goes with it.
    pub(crate) fn keep_irql(&mut self, processor: usize, thread: ThreadIndex) {
        self.threads[thread.0].irql = self.irql(processor);
        self.put_u8(self.scheduler.processors[processor].pcr, kpcr::IRQL, 0);
    }

    pub(crate) fn restore_irql(&mut self, processor: usize, thread: ThreadIndex) {
        let irql = self.threads[thread.0].irql;
        self.put_u8(self.scheduler.processors[processor].pcr, kpcr::IRQL, irql);
    }

    /// Whether a processor may have another thread now.
    pub(crate) fn may_switch(&self, processor: usize) -> bool {
        let current = self.scheduler.processors[processor].current;
        let is_running = self.threads[current.0].state == ThreadState::Running;
        !(is_running && self.is_in_ring0(current)) || self.irql(processor) < DISPATCH_LEVEL
    }

    /// File objects of devices whose last handle is gone: the driver is told, on the thread that closed them, or on
    /// one of the system's when that has ended.
    pub(crate) fn close_device_files(&mut self, thread: ThreadIndex) {
        let routine = self.ring0.host.close_device();
        let closer = &self.threads[thread.0];
        if closer.state != ThreadState::Running || closer.pending_exit.is_some() {
            return self.close_device_files_of_nobody();
        }
        for file in std::mem::take(&mut self.ring0.closing) {
            self.call_kernel(thread, routine, &[file], Then::Resume);
        }
    }

    /// The same where no thread is at hand.
    pub(crate) fn close_device_files_of_nobody(&mut self) {
        let routine = self.ring0.host.close_device();
        for file in std::mem::take(&mut self.ring0.closing) {
            if self.create_system_thread(SYSTEM_PROCESS, (routine, file)).is_err() {
                // Nobody can be told: the file object stays.
                self.note_hard_error(SYSTEM_PROCESS, status::INSUFFICIENT_RESOURCES, &["closing a device".into()]);
            }
        }
    }

    /// What drivers said.
    pub fn debug_text(&self) -> &[String] {
        &self.ring0.debug_text
    }
}
