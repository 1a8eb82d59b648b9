//! Bug checks: the kernel stops the system and says why.
//!
//! Codes and parameters as Microsoft documents them for Windows XP. Our choice: an exception that a driver does not
//! handle always is KERNEL_MODE_EXCEPTION_NOT_HANDLED, or SYSTEM_THREAD_EXCEPTION_NOT_HANDLED on a thread of the
//! system, because drivers here have no handlers of their own.

use crate::cpu::{self, Exception};
use crate::fault::FaultAccess;
use crate::nt::ring0::{DISPATCH_LEVEL, SYSTEM_PROCESS};
use crate::nt::thread::ThreadIndex;
use crate::nt::trap_frame::{TrapFrame, word};
use crate::nt::{System, status};
use std::fmt;
use vatlas_rules::nt::bug_check;
use vatlas_space::Va;

/// Why a system stopped.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct BugCheck {
    /// The stop code.
    pub code: u32,
    /// Its four parameters.
    pub parameters: [u32; 4],
    /// Name, base and time stamp of the image of the kernel half in which it happened, and the address.
    pub module: Option<BugCheckModule>,
    /// EIP of the thread.
    pub eip: u32,
    /// Id of the thread.
    pub thread: u32,
    /// Id of its process.
    pub process: u32,
    /// File name of its program.
    pub image: String,
    /// The processor.
    pub processor: u32,
}

/// An image of the kernel half.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct BugCheckModule {
    /// File name.
    pub name: String,
    /// Where it is.
    pub base: u32,
    /// Time stamp of its header.
    pub time_date_stamp: u32,
}

impl BugCheck {
    /// The name of the code, where it is a known one.
    pub fn name(&self) -> Option<&'static str> {
        bug_check::name(self.code)
    }
}

impl fmt::Display for BugCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth] = self.parameters;
        writeln!(f, "A problem has been detected and the system has been shut down.\n")?;
        if let Some(name) = self.name() {
            writeln!(f, "{name}\n")?;
        }
        writeln!(f, "Technical information:\n")?;
        writeln!(f, "*** STOP: 0x{:08X} (0x{first:08X},0x{second:08X},0x{third:08X},0x{fourth:08X})", self.code)?;
        if let Some(BugCheckModule { name, base, time_date_stamp }) = &self.module {
            let offset = self.eip.wrapping_sub(*base);
            write!(f, "\n***  {name} - Address {:08X} ({name}+{offset:x}) base at {base:08X}", self.eip)?;
            writeln!(f, ", DateStamp {time_date_stamp:08x}")?;
        }
        write!(f, "\nProcess {} ({}), thread {}, processor {}", self.process, self.image, self.thread, self.processor)
    }
}

impl System {
    /// `KeBugCheckEx`: nothing runs any more. The first one counts.
    pub(crate) fn stop_system(&mut self, thread: ThreadIndex, eip: u32, (code, parameters): (u32, [u32; 4])) {
        if self.ring0.bug_check.is_some() {
            return;
        }
        let module = self.ring0.modules.iter().find(|module| module.holds(eip)).map(|module| BugCheckModule {
            name: module.name.clone(),
            base: module.base,
            time_date_stamp: module.time_date_stamp,
        });
        let stopped = &self.threads[thread.0];
        let owner = &self.processes[stopped.process.0];
        let (thread, process, image) = (stopped.id, owner.id, owner.name.clone());
        let processor = stopped.processor as u32;
        let check = BugCheck { code, parameters, module, eip, thread, process, image, processor };
        let data = self.ring0.host.bug_check_data();
        for (place, value) in (0..).zip([code].iter().chain(&parameters)) {
            let at = Va(u64::from(data) + 4 * place);
            self.memory.write_kernel_u32(&mut self.computer.board.ram, at, *value);
        }
        self.ring0.bug_check = Some(check);
        self.keep_running_registers();
    }

    /// An exception in ring 0 that nobody handles.
    pub(crate) fn kernel_exception(
        &mut self,
        processor: usize,
        thread: ThreadIndex,
        frame: &TrapFrame,
        exception: &Exception,
    ) {
        let eip = frame.get(word::EIP);
        if exception.vector == cpu::PAGE_FAULT {
            return self.kernel_page_fault(processor, thread, frame, exception);
        }
        match exception.vector {
            cpu::BREAKPOINT => self.unhandled(thread, frame, (status::BREAKPOINT.0, eip.wrapping_sub(1))),
            cpu::GENERAL_PROTECTION => self.unhandled(thread, frame, (0xc000_0005, eip)),
            cpu::INVALID_OPCODE => self.unhandled(thread, frame, (status::ILLEGAL_INSTRUCTION.0, eip)),
            cpu::DIVIDE_ERROR => self.unhandled(thread, frame, (status::INTEGER_DIVIDE_BY_ZERO.0, eip)),
            vector => self.stop_system(thread, eip, (0x7f, [vector.into(), 0, 0, 0])),
        }
    }

    fn unhandled(&mut self, thread: ThreadIndex, frame: &TrapFrame, (code, address): (u32, u32)) {
        let kept = self.threads[thread.0].frame.va(0);
        let is_system = self.threads[thread.0].process == SYSTEM_PROCESS;
        // The third parameter: trap frame, or exception record, which there is none of here.
        let check = if is_system { (0x7e, [code, address, 0, kept]) } else { (0x8e, [code, address, kept, 0]) };
        self.stop_system(thread, frame.get(word::EIP), check);
    }

    fn kernel_page_fault(&mut self, processor: usize, thread: ThreadIndex, frame: &TrapFrame, exception: &Exception) {
        let eip = frame.get(word::EIP);
        let Some(access) = FaultAccess::from_exception(exception) else { return };
        let (address, is_write) = (access.va.0 as u32, u32::from(access.is_write));
        let irql = self.irql(processor);
        if irql >= DISPATCH_LEVEL {
            let is_driver = self.ring0.modules.iter().skip(2).any(|module| module.holds(eip));
            let code = if is_driver { 0xd1 } else { 0x0a };
            return self.stop_system(thread, eip, (code, [address, irql.into(), is_write, eip]));
        }
        if access.va < self.memory.system_range_start() {
            return self.unhandled(thread, frame, (0xc000_0005, eip));
        }
        let is_mapped = exception.error.is_some_and(|error| error & Exception::PRESENT != 0);
        if is_mapped && access.is_write {
            let entry = self.memory.kernel_entry(&self.computer.board.ram, access.va).unwrap_or_default();
            return self.stop_system(thread, eip, (0xbe, [address, entry, self.threads[thread.0].frame.va(0), 0xb]));
        }
        self.stop_system(thread, eip, (0x50, [address, is_write, eip, 0]));
    }

    /// Why the system stopped, when it did so by itself.
    pub fn bug_check(&self) -> Option<&BugCheck> {
        self.ring0.bug_check.as_ref()
    }
}
