//! `SYSTEM_PROCESS_INFORMATION`: all processes with their threads, as tool help and PSAPI list them.
//!
//! ```text
//! 00 next entry  04 threads  20 created  28 user  30 kernel time  38 name  40 base priority  44 id  48 parent
//! 4C handles  50 session  58 sizes of memory  88 counts of I/O  B8 threads of 40h bytes each, then the name
//! ```

use crate::nt::System;
use crate::nt::process::ProcessIndex;
use crate::nt::thread::ThreadIndex;
use crate::nt::user_memory::utf16;

const PROCESS_BYTES: usize = 0xb8;
const THREAD_BYTES: usize = 0x40;

fn put(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn put_time(bytes: &mut [u8], at: usize, value: u64) {
    put(bytes, at, value as u32);
    put(bytes, at + 4, (value >> 32) as u32);
}

impl System {
    /// The list as it will be at an address: names are in it, and pointers to them. The idle process is the first.
    pub(crate) fn process_list(&self, at: u32) -> Vec<u8> {
        let mut list = Vec::new();
        let mut last = None;
        for index in (0..self.processes.len()).map(ProcessIndex).filter(|index| !self.processes[index.0].is_gone) {
            let start = list.len();
            if let Some(last) = last.replace(start) {
                put(&mut list, last, (start - last) as u32);
            }
            self.list_process(&mut list, index, at);
        }
        list
    }

    fn list_process(&self, list: &mut Vec<u8>, index: ProcessIndex, at: u32) {
        let start = list.len();
        let process = &self.processes[index.0];
        let threads = &process.threads;
        // The idle process has no name.
        let name = if process.id == 0 { Vec::new() } else { utf16(&process.name) };
        let length = name.len().min(0xfffc);
        list.resize(start + PROCESS_BYTES + THREAD_BYTES * threads.len(), 0);
        let entry = &mut list[start..];
        let running: u64 = threads.iter().map(|thread| self.executed_by(*thread)).sum();
        put(entry, 4, threads.len() as u32);
        put_time(entry, 0x20, process.create_time);
        put_time(entry, 0x28, self.clock.units(process.executed + running));
        if length > 0 {
            put(entry, 0x38, (length as u32 + 2) << 16 | length as u32);
            let text = start + PROCESS_BYTES + THREAD_BYTES * threads.len();
            put(entry, 0x3c, at.wrapping_add(text as u32));
        }
        for (at, value) in [
            (0x40, process.base_priority.into()),
            (0x44, process.id),
            (0x48, process.parent),
            (0x4c, process.handles.count()),
        ] {
            put(entry, at, value);
        }
        self.put_memory(entry, index);
        for (at, count) in (0x88..).step_by(8).zip(self.transfers_of(index)) {
            put_time(entry, at, count);
        }
        for (number, thread) in threads.iter().enumerate() {
            self.put_thread(&mut entry[PROCESS_BYTES + THREAD_BYTES * number..], *thread);
        }
        list.extend_from_slice(&name[..length]);
        list.resize((list.len() + 2).next_multiple_of(8), 0);
    }

    /// Sizes of memory, in bytes: peak virtual, virtual, faults, peak working set, working set, ..., private.
    fn put_memory(&self, entry: &mut [u8], index: ProcessIndex) {
        let space = self.memory.space(self.processes[index.0].space);
        if index.0 < 2 {
            return;
        }
        let size: u64 = space.vads().iter().map(|vad| u64::from(vad.last - vad.first + 1) << 12).sum();
        let (set, committed) = (space.working_set(), space.committed_pages() << 12);
        for (at, value) in [
            (0x58, size as u32),
            (0x5c, size as u32),
            (0x64, set.peak << 12),
            (0x68, set.size() << 12),
            (0x7c, committed),
            (0x80, committed),
            (0x84, committed),
        ] {
            put(entry, at, value);
        }
    }

    fn put_thread(&self, entry: &mut [u8], thread: ThreadIndex) {
        let state = &self.threads[thread.0];
        put_time(entry, 8, self.clock.units(self.executed_by(thread)));
        put_time(entry, 0x10, state.create_time);
        let reason = self.get_u32(state.block, vatlas_rules::nt::structures::ethread::WAIT_REASON & !3);
        let reason = reason.to_le_bytes()[vatlas_rules::nt::structures::ethread::WAIT_REASON as usize & 3];
        for (at, value) in [
            (0x1c, state.start_address),
            (0x20, self.processes[state.process.0].id),
            (0x24, state.id),
            (0x28, state.priority.into()),
            (0x2c, state.base_priority.into()),
            (0x30, state.switches),
            (0x34, state.state as u32),
            (0x38, reason.into()),
        ] {
            put(entry, at, value);
        }
    }
}
