//! Processes, threads, modules, handles: what the kernel keeps of them beside the structures in guest memory.

use super::layout::{handle, module, process, thread};
use super::processor::ThreadRegisters;
use crate::ce::Device;
use crate::cpu::Fpu;
use std::collections::{BTreeMap, VecDeque};

/// A process, by number.
pub(crate) type ProcessNumber = u8;
/// A thread, by its place in the list.
pub(crate) type ThreadIndex = u32;
/// A module, by its place in the list.
pub(crate) type ModuleIndex = u32;
/// An image, by its place in the list.
pub(crate) type ImageIndex = u32;

/// Why a DLL's entry is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Reason {
    ProcessDetach = 0,
    ProcessAttach = 1,
    ThreadAttach = 2,
    ThreadDetach = 3,
}

/// What servers are told of a process: method 0 of their sets (names and numbers are those of `DllMain`'s reasons).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Cause {
    /// It is about to end: threads of it that wait in servers are to be let go.
    Exiting = 4,
    /// None of its threads runs any more.
    Detach = 0,
}

/// A call of a DLL's entry that is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Notice {
    pub module: ModuleIndex,
    pub reason: Reason,
}

/// What happens when a call that the kernel made into a program comes back, or when there is nothing left to call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Then {
    /// The thread goes on where it called, with this result.
    Return(u32),
    /// `LoadLibrary` goes on with this module, or with 0 when its entry refused.
    Loaded(ModuleIndex),
    /// `FreeLibrary` takes this module away.
    Unload(ModuleIndex),
    /// The thread begins: its start address and first arguments.
    Begin { start: u32, arguments: [u32; 4], count: u8 },
    /// The thread ends.
    EndThread(u32),
    /// The thread, the last one of its process, ends, and the process.
    EndProcess(u32),
    /// Servers whose sets have this number or a higher one are told that the thread's process ends.
    TellServers { set: u8, cause: Cause, code: u32 },
}

/// A call that will come back to the kernel.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum CallKind {
    /// Of a server's method.
    Server { set: u8, method: u8, then: Option<Then> },
    /// Of the entries of DLLs.
    Notices { left: VecDeque<Notice>, now: Notice, then: Then },
    /// Of the exception dispatcher of `coredll.dll`.
    Dispatch { context: u32, record: ExceptionRecord },
}

/// A record of the call stack: the guest's CALLSTACK and what else the kernel must know.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CallRecord {
    /// CALLSTACK.
    pub at: u32,
    pub kind: CallKind,
    pub return_address: u32,
    pub stack: u32,
    pub process: ProcessNumber,
    pub key: u32,
    pub in_kernel_mode: bool,
    /// The caller's list of exception handlers.
    pub exceptions: u32,
}

/// An exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct ExceptionRecord {
    /// `EXCEPTION_*` or `STATUS_*`.
    pub code: u32,
    /// 1: the program cannot go on.
    pub flags: u32,
    /// The instruction.
    pub address: u32,
    /// How many parameters count.
    pub count: u32,
    /// Of an access violation: 0 read or 1 write, and the address.
    pub parameters: [u32; 15],
}

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum ThreadState {
    /// It has the processor.
    Running,
    /// It could run.
    Ready,
    /// It waits for objects or time.
    Waiting,
    /// It was suspended.
    Suspended,
    /// It is gone.
    Ended,
}

/// What a thread waits for.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Wait {
    /// Objects, any of which ends it.
    pub objects: Vec<Waitable>,
    /// The tick at which it ends.
    pub deadline: Option<u64>,
}

/// What can be waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Waitable {
    /// An object with a handle.
    Handle(u32),
    /// A critical section at a mapped address.
    Critical(u32),
    /// An API set that is not registered yet.
    ApiSet(u8),
}

/// A thread.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Thread {
    /// THREAD.
    pub at: u32,
    pub handle: u32,
    pub owner: ProcessNumber,
    pub current: ProcessNumber,
    pub key: u32,
    pub in_kernel_mode: bool,
    pub state: ThreadState,
    pub base_priority: u8,
    pub priority: u8,
    /// Ticks that it may run before its equals; 0: no end.
    pub quantum: u32,
    pub quantum_left: u32,
    pub suspended: u32,
    pub registers: ThreadRegisters,
    pub floats: Fpu,
    pub stack_base: u32,
    pub stack_size: u32,
    pub tls: u32,
    pub calls: Vec<CallRecord>,
    pub wait: Wait,
    /// Mutexes and critical sections that it owns.
    pub owns: Vec<Waitable>,
    /// It shall end as soon as it is in its own process.
    pub dying: Option<u32>,
    pub exit_code: u32,
    pub created: u64,
    pub executed: u64,
}

/// A process.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Process {
    /// PROCESS.
    pub at: u32,
    pub handle: u32,
    pub name: String,
    pub image: ImageIndex,
    pub threads: Vec<ThreadIndex>,
    pub main_thread: ThreadIndex,
    /// Modules in the order in which they were loaded.
    pub modules: Vec<ModuleIndex>,
    pub command_line: u32,
    pub exit_code: Option<u32>,
    /// The end has begun.
    pub is_ending: bool,
    pub blocks: Vec<(u32, u32)>,
}

/// A module: a DLL.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Module {
    /// MODULE.
    pub at: u32,
    pub image: ImageIndex,
    pub references: BTreeMap<ProcessNumber, u16>,
    /// Modules that it imports, once they are known.
    pub imports: Option<Vec<ModuleIndex>>,
    pub wants_thread_notices: bool,
    pub flags: u16,
    /// Blocks of kernel memory that go with it.
    pub blocks: Vec<(u32, u32)>,
    /// Whether it runs in the kernel's half.
    pub is_kernel: bool,
}

/// What a handle stands for.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Object {
    Process(ProcessNumber, u64),
    Thread(ThreadIndex),
    Event {
        is_manual: bool,
        is_set: bool,
        data: u32,
    },
    Mutex {
        owner: Option<ThreadIndex>,
        count: u32,
        is_abandoned: bool,
    },
    Semaphore {
        count: u32,
        most: u32,
    },
    ApiSet(u32),
    /// Of a server: the set, and the server's word.
    Api {
        set: u32,
        word: u32,
    },
    /// A mapped file: its pages' frames, its bytes, whether it can be written, the number of the open file.
    Mapping {
        frames: Vec<u32>,
        size: u32,
        is_writable: bool,
        file: Option<u32>,
    },
    /// A list of processes, modules and threads.
    Snapshot {
        rows: Vec<Vec<u8>>,
        kinds: Vec<u8>,
        next: [u32; 3],
    },
}

/// A handle.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Handle {
    pub object: Object,
    pub name: String,
    /// How often each process has it open.
    pub users: BTreeMap<ProcessNumber, u32>,
    /// Threads that wait, in the order in which they get it.
    pub waiters: Vec<ThreadIndex>,
    /// Threads or processes that are its object are still there.
    pub is_pinned: bool,
}

/// An API set.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ApiSet {
    /// CINFO.
    pub at: u32,
    pub name: String,
    pub server: ProcessNumber,
    /// Addresses of the methods, as the server says them.
    pub methods: Vec<u32>,
    pub signatures: Vec<u32>,
    /// Number by which it is called.
    pub number: Option<u8>,
    pub is_handle: bool,
}

impl Device {
    /// A process that exists.
    pub(crate) fn process(&self, number: ProcessNumber) -> Option<&Process> {
        self.state.processes.get(usize::from(number))?.as_ref()
    }

    /// A process that exists, to be changed.
    pub(crate) fn process_mut(&mut self, number: ProcessNumber) -> Option<&mut Process> {
        self.state.processes.get_mut(usize::from(number))?.as_mut()
    }

    /// First address of a process's slot.
    pub(crate) fn process_base(&self, number: ProcessNumber) -> u32 {
        match number {
            0 => self.state.kernel_base,
            number => (u32::from(number) + 1) << 25,
        }
    }

    /// A thread.
    pub(crate) fn thread(&self, index: ThreadIndex) -> &Thread {
        &self.state.threads[index as usize]
    }

    /// A thread, to be changed.
    pub(crate) fn thread_mut(&mut self, index: ThreadIndex) -> &mut Thread {
        &mut self.state.threads[index as usize]
    }

    /// The image of a module.
    pub(crate) fn module_image(&self, index: ModuleIndex) -> Option<ImageIndex> {
        Some(self.state.modules.get(index as usize)?.as_ref()?.image)
    }

    /// A new handle: HDATA, and a number made of its address (`wince.md` 4.2).
    pub(crate) fn new_handle(&mut self, object: Object, at: u32, user: ProcessNumber) -> Result<u32, super::CeError> {
        let data = self.allocate(handle::BYTES)?;
        let value = data & 0x1fff_fffc | 2;
        self.set_word(data + handle::VALUE, value);
        self.set_word(data + handle::REFERENCES, 1);
        self.set_word(data + handle::OBJECT, at);
        let users = BTreeMap::from([(user, 1)]);
        let handle = Handle { object, name: String::new(), users, waiters: Vec::new(), is_pinned: false };
        self.state.handles.insert(value, handle);
        Ok(value)
    }

    /// The object of a handle; pseudo handles 41 and 42 (hexadecimal) are the thread and process that run.
    pub(crate) fn real_handle(&self, value: u32) -> u32 {
        const CURRENT_THREAD: u32 = 0x41;
        const CURRENT_PROCESS: u32 = 0x42;
        match (value, self.state.running) {
            (CURRENT_THREAD, Some(thread)) => self.thread(thread).handle,
            (CURRENT_PROCESS, Some(thread)) => {
                self.process(self.thread(thread).current).map_or(0, |process| process.handle)
            }
            _ => value,
        }
    }

    /// Shows in THREAD what changes as a thread runs and waits.
    pub(crate) fn show_state(&mut self, index: ThreadIndex) {
        let it = self.thread(index);
        let run = match it.state {
            ThreadState::Running => 0,
            ThreadState::Ready => 1,
            ThreadState::Waiting | ThreadState::Suspended => 2,
            ThreadState::Ended => 0x20,
        };
        let info = run | if it.in_kernel_mode { 0x40 } else { 0 } | if it.dying.is_some() { 0x10 } else { 0 };
        let (at, suspended, priority, base) = (it.at, it.suspended as u8, it.priority, it.base_priority);
        let waits = if it.state == ThreadState::Waiting { 2 } else { 0 };
        let wakeup = it.wait.deadline.unwrap_or(0) as u32;
        self.set_half(at + thread::INFO, info);
        self.set_half(at + thread::SUSPENDED, u16::from(suspended) | waits << 8);
        self.set_half(at + thread::BASE_PRIORITY, u16::from(base) | u16::from(priority) << 8);
        self.set_word(at + thread::WAKEUP, wakeup);
    }

    /// Shows in THREAD where a thread is and what it may touch.
    pub(crate) fn show_place(&mut self, index: ThreadIndex) {
        let it = self.thread(index);
        let (at, key, calls) = (it.at, it.key, it.calls.last().map_or(0, |call| call.at));
        let current = self.process(it.current).map_or(0, |process| process.at);
        self.set_word(at + thread::PROCESS, current);
        self.set_word(at + thread::KEY, key);
        self.set_word(at + thread::CALLS, calls);
    }

    /// Links the threads of a process as its list says.
    pub(crate) fn show_threads(&mut self, number: ProcessNumber) {
        let Some(it) = self.process(number) else { return };
        let (at, main) = (it.at, it.main_thread);
        let places: Vec<u32> = it.threads.iter().map(|index| self.thread(*index).at).collect();
        let main = if places.is_empty() { 0 } else { self.thread(main).at };
        self.set_word(at + process::THREADS, places.first().copied().unwrap_or(0));
        self.set_word(at + process::MAIN_THREAD, main);
        for (number, place) in places.iter().enumerate() {
            let next = places.get(number + 1).copied().unwrap_or(0);
            let previous = number.checked_sub(1).and_then(|number| places.get(number)).copied().unwrap_or(0);
            self.set_word(place + thread::NEXT, next);
            self.set_word(place + thread::PREVIOUS, previous);
        }
    }

    /// Shows how often a process uses a module.
    pub(crate) fn show_references(&mut self, index: ModuleIndex, number: ProcessNumber) {
        let Some(Some(it)) = self.state.modules.get(index as usize) else { return };
        let (at, count) = (it.at, it.references.get(&number).copied().unwrap_or(0));
        let in_use = it.references.iter().filter(|(_, count)| **count > 0).fold(0, |bits, (user, _)| bits | 1 << user);
        self.set_half(at + module::REFERENCES + 2 * u32::from(number), count);
        self.set_word(at + module::IN_USE, in_use);
    }
}

impl Device {
    /// A process has a handle open once more.
    pub(crate) fn open_for(&mut self, value: u32, user: ProcessNumber) {
        if let Some(handle) = self.state.handles.get_mut(&value) {
            let count = handle.users.entry(user).or_insert(0);
            *count = count.saturating_add(1);
            let count: u32 = handle.users.values().sum();
            self.set_word((value & 0x1fff_fffc | 0x8000_0000) + handle::REFERENCES, count);
        }
    }

    /// Suspends a thread once more.
    pub(crate) fn suspend_thread(&mut self, index: ThreadIndex) {
        self.unschedule(index);
        let it = self.thread_mut(index);
        it.suspended += 1;
        if matches!(it.state, ThreadState::Running | ThreadState::Ready) {
            it.state = ThreadState::Suspended;
        }
        self.show_state(index);
    }

    /// Resumes a thread once; how often it was suspended before.
    pub(crate) fn resume_thread(&mut self, index: ThreadIndex) -> u32 {
        let it = self.thread_mut(index);
        let before = it.suspended;
        it.suspended = before.saturating_sub(1);
        if before == 1 && it.state == ThreadState::Suspended {
            self.make_ready(index);
        }
        before
    }

    /// Ends a process from outside: its main thread does what is to be done.
    pub(crate) fn end_other_process(&mut self, number: ProcessNumber, code: u32) {
        let Some(it) = self.process(number) else { return };
        let Some(main) = it.threads.first().copied() else { return self.remove_process(number) };
        if self.thread(main).current != number {
            // It is in a server: it ends when it comes back.
            self.thread_mut(main).dying = Some(code);
            return self.show_state(main);
        }
        self.leave_waits(main);
        self.unschedule(main);
        self.thread_mut(main).suspended = 0;
        self.thread_mut(main).state = ThreadState::Suspended;
        self.end_process(main, code);
        if self.thread(main).state == ThreadState::Suspended {
            self.make_ready(main);
        }
    }

    /// A new slot of TLS is 0 in every thread of the process.
    pub(crate) fn clear_tls(&mut self, number: ProcessNumber, slot: u32) -> Result<(), super::CeError> {
        let threads = self.process(number).map(|process| process.threads.clone()).unwrap_or_default();
        for index in threads {
            let at = self.thread(index).tls + 4 * slot;
            if let Some(pa) = self.physical_of(at) {
                self.computer.board.ram.write_u32(pa, 0);
            }
        }
        Ok(())
    }
}
