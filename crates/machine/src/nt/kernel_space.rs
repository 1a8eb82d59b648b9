//! The kernel with an address space of its own, beside NT's arrangement, in which every process has the kernel half.
//!
//! ```text
//! shared     a system call changes the privilege only
//! separate   a system call loads CR3 with the kernel's directory, and with the process's on the way back; both loads
//!            forget all translations, so that the tables are walked again
//! ```
//!
//! In the separate arrangement no process has entries of the kernel half. Drivers run in the kernel's space and reach a
//! program's memory only through the kernel, so requests that give them a program's own addresses are refused.

use crate::nt::System;
use crate::nt::thread::ThreadIndex;

impl System {
    /// A processor leaves user mode.
    #[inline]
    pub(crate) fn enter_kernel_space(&mut self, processor: usize) {
        if self.memory.has_separate_kernel() {
            let kernel = self.memory.space(self.processes[0].space).cr3();
            self.load_directory(processor, kernel);
        }
    }

    /// A processor goes back to user mode.
    #[inline]
    pub(crate) fn leave_kernel_space(&mut self, processor: usize, thread: ThreadIndex) {
        if self.memory.has_separate_kernel() {
            let own = self.memory.space(self.processes[self.threads[thread.0].process.0].space).cr3();
            self.load_directory(processor, own);
        }
    }

    fn load_directory(&mut self, processor: usize, cr3: u32) {
        if self.computer.processors[processor].page_directory() != cr3 {
            self.computer.processors[processor].set_page_directory(cr3);
            self.counters.kernel_space_switches += 1;
        }
    }
}
