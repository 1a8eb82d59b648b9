//! Processes and threads come and go: places that are free again, and what is kept of those that ended.

use crate::nt::System;
use crate::nt::birth::SystemDll;
use crate::nt::process::{Process, ProcessIndex};
use crate::nt::report::ProcessReport;
use crate::nt::thread::{Thread, ThreadIndex};
use std::collections::VecDeque;

/// Ended processes that a report names.
const MOST_ENDED: usize = 512;

/// What outlives a process.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Population {
    /// Places of processes and threads whose objects are gone; the one that became free last is used first.
    free_processes: Vec<u32>,
    free_threads: Vec<u32>,
    /// The processes that ended last.
    pub ended: VecDeque<ProcessReport>,
    /// Processes that were started.
    pub started: u32,
    /// ntdll, once the first process has it.
    pub system_dll: Option<SystemDll>,
}

impl System {
    /// The number that the next process gets.
    pub(crate) fn next_process(&self) -> ProcessIndex {
        let free = self.population.free_processes.last().map(|place| *place as usize);
        ProcessIndex(free.unwrap_or(self.processes.len()))
    }

    /// Puts a process where [`Self::next_process`] said.
    pub(crate) fn add_process(&mut self, process: Process) {
        self.population.started += 1;
        match self.population.free_processes.pop() {
            Some(place) => self.processes[place as usize] = process,
            None => self.processes.push(process),
        }
    }

    /// The number that the next thread gets.
    pub(crate) fn next_thread(&self) -> ThreadIndex {
        let free = self.population.free_threads.last().map(|place| *place as usize);
        ThreadIndex(free.unwrap_or(self.threads.len()))
    }

    /// Puts a thread where [`Self::next_thread`] said.
    pub(crate) fn add_thread(&mut self, thread: Thread) {
        match self.population.free_threads.pop() {
            Some(place) => self.threads[place as usize] = thread,
            None => self.threads.push(thread),
        }
    }

    /// The object of a process is gone: no handle and no thread names it any more.
    pub(crate) fn forget_process(&mut self, process: ProcessIndex) {
        let gone = &mut self.processes[process.0];
        (gone.id, gone.name) = (u32::MAX, String::new());
        self.population.free_processes.push(process.0 as u32);
    }

    /// The object of a thread is gone. It kept that of its process.
    pub(crate) fn forget_thread(&mut self, thread: ThreadIndex) {
        let gone = &mut self.threads[thread.0];
        gone.id = u32::MAX;
        let process = gone.process;
        self.population.free_threads.push(thread.0 as u32);
        let object = self.processes[process.0].object;
        self.release_object(object);
    }

    /// What a report will say of a process that ends now.
    pub(crate) fn note_ended(&mut self, process: ProcessIndex) {
        let report = self.process_report(process);
        if self.population.ended.len() >= MOST_ENDED {
            self.population.ended.pop_front();
        }
        self.population.ended.push_back(report);
    }
}
