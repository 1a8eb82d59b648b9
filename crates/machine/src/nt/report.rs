//! What a system tells of itself: why it stopped, what happened so far.

use crate::cpu::{Interpreter, Unsupported};
use crate::memory::NtStatus;
use crate::nt::System;
use crate::nt::bugcheck::BugCheck;
use crate::nt::exception::ExceptionRecord;
use crate::nt::process::ProcessIndex;
use crate::nt::services::SERVICES;
use crate::nt::thread::ThreadState;
use std::fmt;

/// Why a run ended.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum SystemStop {
    /// All instructions of the budget were executed.
    Budget,
    /// The first program ended.
    Exited {
        /// Its exit status: what it gave to `ExitProcess`, or the code of the exception that ended it.
        status: u32,
    },
    /// Every thread waits for something that no clock and nobody else will bring.
    Deadlock,
    /// A thread reads the console, and the host has nothing yet. The call is made again by the next run.
    NeedsInput,
    /// The kernel stopped the system: a driver failed. Nothing runs any more.
    BugCheck(Box<BugCheck>),
    /// The machine itself failed; what happened.
    Broken(String),
}

/// A call that does not exist here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct MissingCall {
    /// `NtCreateJobObject`, or `DLL!function` of an import that is not there.
    pub name: String,
    /// The module from which it was called, when the loader's lists name it.
    pub module: Option<String>,
    /// Offset in the module, else the address.
    pub offset: u32,
    /// How often.
    pub count: u64,
}

impl fmt::Display for MissingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.module {
            Some(module) => write!(f, "{} is missing; called from {module}+{:x}", self.name, self.offset),
            None => write!(f, "{} is missing; called from {:08x}", self.name, self.offset),
        }
    }
}

/// How a process ended that did not handle an exception.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct CrashReport {
    /// Process id.
    pub process: u32,
    /// Thread id.
    pub thread: u32,
    /// File name of the program.
    pub image: String,
    /// Module and offset of the exception's address.
    pub module: Option<(String, u32)>,
    /// The exception.
    pub record: ExceptionRecord,
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI when it was dispatched last.
    pub registers: [u32; 8],
    /// EIP then.
    pub eip: u32,
    /// EFLAGS then.
    pub eflags: u32,
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = crate::nt::status::text(NtStatus(self.record.code));
        write!(f, "{}: unhandled exception {status} at ", self.image)?;
        match &self.module {
            Some((module, offset)) => write!(f, "{module}+{offset:x}")?,
            None => write!(f, "{:08x}", self.record.address)?,
        }
        if let (0xc000_0005, [kind, address, ..]) = (self.record.code, &self.record.parameters[..]) {
            let verb = if *kind == 0 { "reading" } else { "writing" };
            write!(f, ", {verb} {address:08x}")?;
        }
        Ok(())
    }
}

/// What a program raised by `NtRaiseHardError`, or said before it had a console.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct HardError {
    /// Process id.
    pub process: u32,
    /// File name of its program.
    pub image: String,
    /// Its code; 0 for a text.
    pub status: NtStatus,
    /// Its parameters.
    pub parameters: Vec<String>,
}

impl fmt::Display for HardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.image)?;
        if self.status.0 != 0 {
            write!(f, "{} ", crate::nt::status::text(self.status))?;
        }
        f.write_str(&self.parameters.join(", "))
    }
}

/// Counts of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counters {
    pub system_calls: u64,
    pub page_faults: u64,
    pub access_violations: u64,
    pub exceptions: u64,
    pub interrupts: u64,
    pub kernel_space_switches: u64,
}

/// A process in a report.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ProcessReport {
    /// Its number in the machine.
    pub index: ProcessIndex,
    /// Process id.
    pub id: u32,
    /// File name of its program.
    pub name: String,
    /// Set when it began to end.
    pub exit_status: Option<u32>,
    /// Whether it ended.
    pub is_gone: bool,
    /// Open handles.
    pub handles: u32,
    /// Committed pages; of one that ended: when it ended.
    pub committed: u32,
    /// Pages in its working set now, or when it ended.
    pub working_set: u32,
    /// Most pages that it had there.
    pub working_set_peak: u32,
}

/// A thread in a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadReport {
    /// Thread id.
    pub id: u32,
    /// Id of its process.
    pub process: u32,
    /// What it does.
    pub state: ThreadState,
    /// Its priority now.
    pub priority: u8,
    /// EIP in user mode.
    pub eip: u32,
    /// ESP in user mode.
    pub esp: u32,
    /// Address of its TEB.
    pub teb: u32,
    /// Address of its `ETHREAD`.
    pub object: u32,
    /// Times that it got a processor.
    pub switches: u32,
    /// Instructions that it executed.
    pub executed: u64,
}

/// What happened so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Instructions of all processors.
    pub instructions: u64,
    /// The time in the guest: units of 100 ns since 1601.
    pub time: u64,
    /// Units of 100 ns for which nobody had anything to do.
    pub idle: u64,
    /// System calls.
    pub system_calls: u64,
    /// Name and count of each service that was called, most frequent first.
    pub services: Vec<(&'static str, u64)>,
    /// Page faults of programs, resolved or not.
    pub page_faults: u64,
    /// Page faults that became exceptions.
    pub access_violations: u64,
    /// Exceptions that programs got.
    pub exceptions: u64,
    /// Loads of CR3 on the way into the kernel and back: none where the kernel half is everybody's.
    pub kernel_space_switches: u64,
    /// Walks of page tables by processors, because a translation was not known.
    pub table_walks: u64,
    /// Context switches, to the idle thread too.
    pub context_switches: u64,
    /// Clock ticks.
    pub ticks: u64,
    /// Faults by kind, page-ins and page-outs.
    pub memory: crate::memory::Counters,
    /// Pages in the commit charge, their peak, and the limit.
    pub commit: (u32, u32, u32),
    /// Processes that live, and the last 512 of those that ended, by the order in which they were started.
    pub processes: Vec<ProcessReport>,
    /// Services and imports that are missing.
    pub missing: Vec<MissingCall>,
    /// Instructions that the processor does not have.
    pub unsupported: Vec<Unsupported>,
    /// Processes that ended by an exception.
    pub crashes: Vec<CrashReport>,
    /// Errors that programs raised for somebody to see.
    pub hard_errors: Vec<HardError>,
}

impl System {
    /// What happened so far.
    pub fn report(&self) -> Report {
        let called = SERVICES.iter().zip(self.calls.iter()).filter(|(_, count)| **count > 0);
        let mut services: Vec<_> = called.map(|(service, count)| (service.name, *count)).collect();
        services.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let commit = self.memory.commit();
        Report {
            instructions: self.clock.executed,
            time: self.clock.now(),
            idle: self.clock.skipped,
            system_calls: self.counters.system_calls,
            services,
            page_faults: self.counters.page_faults,
            access_violations: self.counters.access_violations,
            exceptions: self.counters.exceptions,
            kernel_space_switches: self.counters.kernel_space_switches,
            table_walks: self.computer.processors.iter().map(Interpreter::table_walks).sum(),
            context_switches: self.scheduler.switches,
            ticks: self.clock.ticks,
            memory: self.memory.counters(),
            commit: (commit.charged(), commit.peak(), commit.limit()),
            processes: self.process_reports(),
            missing: self.missing.values().cloned().collect(),
            unsupported: self.unsupported.clone(),
            crashes: self.crashes.clone(),
            hard_errors: self.hard_errors.clone(),
        }
    }

    /// Keeps an error that somebody should see.
    pub(crate) fn note_hard_error(&mut self, process: ProcessIndex, status: NtStatus, parameters: &[String]) {
        const MOST: usize = 64;
        if self.hard_errors.len() < MOST {
            let process = &self.processes[process.0];
            let (id, image) = (process.id, process.name.clone());
            self.hard_errors.push(HardError { process: id, image, status, parameters: parameters.to_vec() });
        }
    }

    /// The processes that ended last, and those that live, in the order in which they were started.
    fn process_reports(&self) -> Vec<ProcessReport> {
        let living = (2..self.processes.len()).filter(|index| !self.processes[*index].is_gone);
        let living = living.map(|index| self.process_report(ProcessIndex(index)));
        let mut all: Vec<_> = self.population.ended.iter().cloned().chain(living).collect();
        all.sort_by_key(|process| process.id);
        all
    }

    pub(crate) fn process_report(&self, index: ProcessIndex) -> ProcessReport {
        let process = &self.processes[index.0];
        let (committed, working_set, working_set_peak) = process.last_memory.unwrap_or_else(|| self.memory_of(index));
        ProcessReport {
            index,
            id: process.id,
            name: process.name.clone(),
            exit_status: process.exit_status,
            is_gone: process.is_gone,
            handles: process.handles.count(),
            committed,
            working_set,
            working_set_peak,
        }
    }

    /// Committed pages, pages in the working set, its peak.
    fn memory_of(&self, process: ProcessIndex) -> (u32, u32, u32) {
        let space = self.memory.space(self.processes[process.0].space);
        let set = space.working_set();
        (space.committed_pages(), set.size(), set.peak)
    }

    /// Keeps what a process had before its memory goes.
    pub(crate) fn note_process_memory(&mut self, process: ProcessIndex) {
        self.processes[process.0].last_memory = Some(self.memory_of(process));
    }

    /// The threads that have not ended, with the registers that they have in user mode.
    pub fn threads(&self) -> Vec<ThreadReport> {
        let is_program =
            |(_, thread): &(usize, &super::Thread)| thread.process.0 >= 2 && thread.state != ThreadState::Terminated;
        let report = |(number, thread): (usize, &super::Thread)| {
            let (eip, esp) = self.user_registers(thread);
            ThreadReport {
                id: thread.id,
                process: self.processes[thread.process.0].id,
                state: thread.state,
                priority: thread.priority,
                eip,
                esp,
                teb: thread.teb,
                object: thread.block.va(0),
                switches: thread.switches,
                executed: self.executed_by(super::ThreadIndex(number)),
            }
        };
        self.threads.iter().enumerate().filter(is_program).map(report).collect()
    }
}
