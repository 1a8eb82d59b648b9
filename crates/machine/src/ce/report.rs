//! What a run has to tell: counts, output, crashes, what was missing.

use super::object::ExceptionRecord;
use super::space::SwitchCounts;
use crate::ce::Device;
use crate::files::ConsoleEnd;

/// Counts of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Calls of the kernel.
    pub api_calls: u64,
    /// Calls of servers' methods.
    pub server_calls: u64,
    /// Page faults, those that let a slot in among them.
    pub page_faults: u64,
    /// Pages of images that were copied from ROM or file.
    pub filled_pages: u64,
    /// Times that another thread got the processor.
    pub context_switches: u64,
    /// Ends of quantums with an equal ready.
    pub quantum_ends: u64,
    /// Waits for critical sections.
    pub critical_waits: u64,
    /// Times that an owner got the priority of somebody who waits.
    pub inherited_priorities: u64,
    /// Exceptions that were raised.
    pub exceptions: u64,
    /// Processes that were started.
    pub processes_created: u64,
    /// Threads that programs made.
    pub threads_created: u64,
}

/// An exception that nobody handled.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Crash {
    /// Name of the process that the thread was in.
    pub process: String,
    /// Its number.
    pub process_number: u8,
    /// Handle of the thread.
    pub thread: u32,
    /// The exception.
    pub record: ExceptionRecord,
    /// The instruction.
    pub pc: u32,
    /// General registers, in the processor's order.
    pub general: [u32; 8],
    /// The text that the device printed.
    pub text: String,
}

/// What a device did so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Instructions.
    pub instructions: u64,
    /// Milliseconds since it started.
    pub milliseconds: u64,
    /// The time now, in units of 100 ns since 1601.
    pub time: u64,
    /// Counts.
    pub counters: Counters,
    /// What switching processes cost.
    pub switches: SwitchCounts,
    /// Pages of RAM that kernel and programs share, and how many of them are free, now and at the worst moment.
    pub pages: u32,
    /// Free ones.
    pub free_pages: u32,
    /// The fewest that were free.
    pub fewest_free_pages: u32,
    /// Pages that programs committed.
    pub committed_pages: u32,
    /// Pages that are page tables.
    pub table_pages: u32,
    /// Pages of the kernel's structures.
    pub kernel_pages: u32,
    /// Exceptions that nobody handled.
    pub crashes: Vec<Crash>,
    /// Calls, imports and methods that programs wanted and that are not there, with how often.
    pub missing: Vec<(String, u32)>,
    /// Instructions that the processor does not have.
    pub unsupported: Vec<String>,
}

impl Device {
    /// What happened so far.
    pub fn report(&self) -> Report {
        let state = &self.state;
        Report {
            instructions: state.executed,
            milliseconds: state.tick,
            time: self.now(),
            counters: state.counters,
            switches: state.space.counts,
            pages: state.frames.total,
            free_pages: state.frames.free(),
            fewest_free_pages: state.frames.fewest,
            committed_pages: state.committed,
            table_pages: state.table_pages,
            kernel_pages: state.heap.pages,
            crashes: state.crashes.clone(),
            missing: state.missing.iter().map(|(name, count)| (name.clone(), *count)).collect(),
            unsupported: state.unsupported.iter().cloned().collect(),
        }
    }

    /// Instructions that were executed since the device was started.
    pub const fn executed(&self) -> u64 {
        self.state.executed
    }

    /// Whether a run ends when a program ends: [`Device::start_program`] started one that still runs.
    pub const fn waits_for_program(&self) -> bool {
        self.state.watched.is_some() || self.state.ended.is_some()
    }

    /// What was printed since this was last asked.
    pub fn take_output(&mut self) -> String {
        std::mem::take(&mut self.state.output)
    }

    /// Prints on the device's debug port: for the host, and kept for whoever asks.
    pub(crate) fn print(&mut self, text: &str) {
        const MOST: usize = 1 << 20;
        self.tell_output(text);
        let start = self.state.printed;
        self.state.printed += text.len() as u64;
        // What was printed before the device went back to a checkpoint is not printed again.
        let skipped = usize::try_from(self.told.saturating_sub(start)).unwrap_or(usize::MAX).min(text.len());
        // A host that cannot write does not stop the device.
        let _ = self.host.console().write(ConsoleEnd::Output, &text.as_bytes()[skipped..]);
        self.told = self.told.max(self.state.printed);
        if self.state.output.len() + text.len() <= MOST {
            self.state.output.push_str(text);
        }
    }
}
