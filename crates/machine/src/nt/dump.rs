//! A kernel dump of the stopped machine: the header that Windows would write, and the pages behind it.

use crate::nt::System;
use crate::nt::context::{ALL, Context};
use crate::nt::thread::ThreadIndex;
use crate::nt::trap_frame::{TrapFrame, word};
use vatlas_images::kernel_dump::write::{DumpFacts, header};
use vatlas_space::{Pa, Pfn, Va};

impl System {
    /// Registers of running threads go to their kernel stacks, where whoever reads a dump finds them.
    pub(crate) fn keep_running_registers(&mut self) {
        for number in 0..self.scheduler.processors.len() {
            let processor = &self.scheduler.processors[number];
            let (current, idle, is_saved) = (processor.current, processor.idle, processor.is_saved);
            if current != idle && !is_saved {
                self.keep_registers(number, current);
                self.scheduler.processors[number].is_saved = true;
            }
        }
    }

    /// Writes a full kernel dump, piece by piece: the header, then all frames but the first, which nobody uses.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_kernel_dump<E>(&self, write: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let facts = self.dump_facts();
        write(&header(&facts).unwrap_or_default())?;
        for (first, pages) in facts.runs {
            for page in first.0..first.0 + u64::from(pages) {
                let zeroes = [0; 4096];
                write(self.ram().frame(Pfn(page)).map_or(&zeroes[..], |frame| frame))?;
            }
        }
        Ok(())
    }

    fn dump_facts(&self) -> DumpFacts {
        let check = self.bug_check();
        let thread = match check {
            Some(check) => self.threads.iter().position(|thread| thread.id == check.thread).map(ThreadIndex),
            None => self.scheduler.processors.iter().find(|p| p.current != p.idle).map(|p| p.current),
        };
        let frame = thread.map_or_else(TrapFrame::user, |thread| self.dumped_frame(thread));
        let fpu = thread.map(|thread| self.thread_fpu(thread)).unwrap_or_default();
        let process = thread.map_or(0, |thread| self.threads[thread.0].process.0);
        let directory = self.memory.space(self.processes[process].space).directory();
        let (code, parameters) = check.map_or((0, [0; 4]), |check| (check.code, check.parameters));
        // What an unhandled exception was is in the parameters; what else happened is a breakpoint to debuggers.
        let exception = if matches!(code, 0x7e | 0x8e) { parameters[0] } else { 0x8000_0003 };
        let host = &self.ring0.host;
        DumpFacts {
            directory: Pa(directory.0 << 12),
            pfn_database: self.memory.frame_database_address(),
            module_list: Va(host.loaded_module_list().into()),
            process_list: Va(self.variables.active_process_head.into()),
            debugger_data: Va(host.debugger_data().into()),
            processors: self.scheduler.processors.len() as u32,
            bug_check: (code, parameters),
            context: Context::capture(&frame, &fpu, ALL).0.to_vec(),
            exception: (exception, Va(frame.get(word::EIP).into())),
            time: self.clock.now(),
            up_time: self.clock.interrupt_time(),
            runs: vec![(Pfn(1), self.ram().frames().saturating_sub(1))],
        }
    }

    /// The registers of a thread, wherever they are.
    fn dumped_frame(&self, thread: ThreadIndex) -> TrapFrame {
        let processor = self.threads[thread.0].processor;
        let state = &self.scheduler.processors[processor];
        if state.current == thread && !state.is_saved {
            TrapFrame::capture(&self.computer.processors[processor])
        } else {
            self.frame(thread)
        }
    }
}
