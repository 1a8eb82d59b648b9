//! Processes: an `EPROCESS` in the pool, an address space, handles and threads.

use crate::memory::{AddressLimits, NtStatus, SpaceIndex};
use crate::nt::guest::GuestBlock;
use crate::nt::handle_memory::TableMemory;
use crate::nt::handles::HandleTable;
use crate::nt::io_counts::IoCounts;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::thread::ThreadIndex;
use crate::nt::{System, status};
use vatlas_rules::nt::structures::{eprocess, header, tss};
use vatlas_space::Va;

/// The number of a process in this machine; not its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct ProcessIndex(pub(crate) usize);

/// Type and size in double words of a process in its `DISPATCHER_HEADER`.
const HEADER: u32 = 0x001b_0003;
/// Priority of ordinary processes.
pub(crate) const NORMAL_PRIORITY: u8 = 8;
/// Quantum of a process in the foreground: six ticks of three units.
pub(crate) const FOREGROUND_QUANTUM: i8 = 18;

/// A process.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Process {
    pub object: ObjectId,
    pub id: u32,
    pub name: String,
    pub parent: u32,
    pub block: GuestBlock,
    pub space: SpaceIndex,
    pub handles: HandleTable,
    /// Those that have not ended.
    pub threads: Vec<ThreadIndex>,
    pub peb: u32,
    pub affinity: u32,
    pub base_priority: u8,
    /// 2 is normal.
    pub priority_class: u8,
    pub quantum: i8,
    /// Set when it began to end.
    pub exit_status: Option<u32>,
    pub is_gone: bool,
    /// Where the kernel enters user mode; none before ntdll is mapped.
    pub entries: super::UserEntries,
    /// `SetErrorMode`.
    pub hard_error_mode: u32,
    pub create_time: u64,
    pub exit_time: u64,
    /// Instructions of threads that ended.
    pub executed: u64,
    /// What its calls on files moved.
    pub transfers: IoCounts,
    /// `SetProcessPriorityBoost`: its threads get no boosts.
    pub has_no_boosts: bool,
    /// Committed pages, working set and its peak when the memory went.
    pub last_memory: Option<(u32, u32, u32)>,
}

impl System {
    /// Makes a process without threads, image and PEB. Its object has one reference, which is its own until it ended.
    ///
    /// # Errors
    /// Commit limit or memory is used up.
    pub(crate) fn create_process(
        &mut self,
        name: &str,
        limits: AddressLimits,
        parent: u32,
    ) -> Result<ProcessIndex, NtStatus> {
        let ram = &mut self.computer.board.ram;
        let space = self.memory.create_space(ram, limits)?;
        self.create_process_in(name, space, parent)
    }

    /// The same with an address space that is there. It goes when that fails.
    pub(crate) fn create_process_in(
        &mut self,
        name: &str,
        space: SpaceIndex,
        parent: u32,
    ) -> Result<ProcessIndex, NtStatus> {
        let id = self.next_id();
        self.insert_process(name, id, space, parent).inspect_err(|_| {
            self.memory.delete_space(&mut self.computer.board.ram, space);
            self.obey_flush();
        })
    }

    /// An `EPROCESS` for an address space, linked into the list of all.
    pub(crate) fn insert_process(
        &mut self,
        name: &str,
        id: u32,
        space: SpaceIndex,
        parent: u32,
    ) -> Result<ProcessIndex, NtStatus> {
        let place = self.room_of(ObjectType::Process, eprocess::BYTES)?;
        let block = place.body();
        // The idle process has no handles.
        let memory = if id == 0 { Ok(TableMemory::default()) } else { self.make_handle_table(block, id) };
        let memory = memory.inspect_err(|_| self.free_room(place, ObjectType::Process))?;
        let index = self.next_process();
        let object = self.insert_object(Body::Process(index), place);
        let create_time = self.clock.now();
        let affinity = self.all_processors();
        self.write_eprocess(block, name, id, space, parent);
        let vad_root = Va(block.va(eprocess::VAD_ROOT).into());
        self.memory.set_vad_root(&mut self.computer.board.ram, space, vad_root);
        self.add_process(Process {
            object,
            id,
            name: name.to_owned(),
            parent,
            block,
            space,
            handles: HandleTable::new(memory),
            threads: Vec::new(),
            peb: 0,
            affinity,
            base_priority: NORMAL_PRIORITY,
            priority_class: 2,
            quantum: FOREGROUND_QUANTUM,
            exit_status: None,
            is_gone: false,
            entries: super::UserEntries::default(),
            hard_error_mode: 0,
            create_time,
            exit_time: 0,
            executed: 0,
            transfers: IoCounts::default(),
            has_no_boosts: false,
            last_memory: None,
        });
        let links = block.va(eprocess::ACTIVE_PROCESS_LINKS);
        self.link_last(self.variables.active_process_head, links);
        self.tell_process_start(index);
        Ok(index)
    }

    fn write_eprocess(&mut self, block: GuestBlock, name: &str, id: u32, space: SpaceIndex, parent: u32) {
        let cr3 = self.memory.space(space).cr3();
        let affinity = self.all_processors();
        let now = self.clock.now();
        for (offset, value) in [
            (header::TYPE, HEADER),
            (eprocess::DIRECTORY_TABLE_BASE, cr3),
            (eprocess::AFFINITY, affinity),
            (eprocess::CREATE_TIME, now as u32),
            (eprocess::CREATE_TIME + 4, (now >> 32) as u32),
            (eprocess::UNIQUE_PROCESS_ID, id),
            (eprocess::INHERITED_FROM, parent),
            (eprocess::EXIT_STATUS, 0x103),
        ] {
            self.put_u32(block, offset, value);
        }
        for head in [
            header::WAIT_LIST_HEAD,
            eprocess::PROFILE_LIST_HEAD,
            eprocess::READY_LIST_HEAD,
            eprocess::KTHREAD_LIST_HEAD,
            eprocess::THREAD_LIST_HEAD,
        ] {
            self.init_list(block.va(head));
        }
        self.put_u8(block, eprocess::BASE_PRIORITY, NORMAL_PRIORITY);
        self.put_u8(block, eprocess::THREAD_QUANTUM, FOREGROUND_QUANTUM as u8);
        let mut image_name = [0; 16];
        for (place, byte) in image_name[..15].iter_mut().zip(name.bytes()) {
            *place = byte;
        }
        self.put(block, eprocess::IMAGE_FILE_NAME, &image_name);
    }

    /// Ends all threads of a process. It is gone when the last of them is.
    pub(crate) fn terminate_process(&mut self, process: ProcessIndex, exit: u32) {
        if self.processes[process.0].exit_status.is_some() {
            return;
        }
        self.processes[process.0].exit_status = Some(exit);
        let block = self.processes[process.0].block;
        self.put_u32(block, eprocess::EXIT_STATUS, exit);
        for thread in self.processes[process.0].threads.clone() {
            self.terminate_thread(thread, exit);
        }
        if self.processes[process.0].threads.is_empty() {
            self.end_process(process);
        }
    }

    /// Ends a process from outside, between two runs; one that ended already stays as it is.
    pub fn end_program(&mut self, process: ProcessIndex, status: u32) {
        if process.0 >= 2 && self.processes.get(process.0).is_some_and(|process| !process.is_gone) {
            self.terminate_process(process, status);
        }
    }

    /// The last thread is gone: handles and memory go, waiters wake.
    pub(crate) fn end_process(&mut self, process: ProcessIndex) {
        if self.processes.get(process.0).is_none_or(|process| process.is_gone) {
            return;
        }
        // What was last shown stays in memory: it must not depend on where a run was interrupted.
        self.show_process(process);
        let ended = &mut self.processes[process.0];
        ended.is_gone = true;
        ended.exit_time = self.clock.now();
        let (block, space, exit_time) = (ended.block, ended.space, ended.exit_time);
        self.put_u32(block, eprocess::EXIT_TIME, exit_time as u32);
        self.put_u32(block, eprocess::EXIT_TIME + 4, (exit_time >> 32) as u32);
        self.tell_process_end(process);
        self.note_process_memory(process);
        self.note_ended(process);
        self.close_all_handles(process);
        self.close_device_files_of_nobody();
        self.leave_space(space);
        self.memory.delete_space(&mut self.computer.board.ram, space);
        self.obey_flush();
        // From now on it has that of the kernel, which has no user addresses.
        self.processes[process.0].space = self.processes[0].space;
        self.unlink(block.va(eprocess::ACTIVE_PROCESS_LINKS));
        self.put_u32(block, header::SIGNAL_STATE, 1);
        let object = self.processes[process.0].object;
        self.wake_waiters(object, 0);
        if self.first_process == Some(process) {
            let status = self.processes[process.0].exit_status.unwrap_or_default();
            self.pending_stop = Some(super::SystemStop::Exited { status });
            self.first_process = None;
        }
        self.release_object(object);
    }

    /// Processors that have an address space which goes away get the kernel's until they switch, as idle ones have it.
    fn leave_space(&mut self, space: SpaceIndex) {
        let (gone, kernel) = (self.memory.space(space).cr3(), self.memory.space(self.processes[0].space).cr3());
        for number in 0..self.computer.processors.len() {
            if self.computer.processors[number].page_directory() == gone {
                self.computer.processors[number].set_page_directory(kernel);
                self.put_u32(self.scheduler.processors[number].tss, tss::CR3, kernel);
            }
        }
    }

    /// The last handle of a process was closed: one that never had a thread goes with it.
    pub(crate) fn end_unused(&mut self, process: ProcessIndex) {
        if self.processes[process.0].threads.is_empty() {
            self.end_process(process);
        }
    }

    /// The process with an id, while it lives.
    pub(crate) fn process_by_id(&self, id: u32) -> Result<ProcessIndex, NtStatus> {
        let found = self.processes.iter().position(|process| process.id == id && !process.is_gone);
        found.map(ProcessIndex).ok_or(status::INVALID_CID)
    }
}
