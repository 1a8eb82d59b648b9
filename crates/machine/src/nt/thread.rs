//! Threads: an `ETHREAD` in the pool, a kernel stack with the trap frame, what they wait for, APCs.

use crate::cpu::Fpu;
use crate::memory::{KernelStack, NtStatus};
use crate::nt::float_image::encode_fx;
use crate::nt::guest::GuestBlock;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::process::ProcessIndex;
use crate::nt::ring0::{KernelCall, SYSTEM_PROCESS};
use crate::nt::timer::TimerKey;
use crate::nt::trap_frame::{FRAME_BYTES, TrapFrame};
use crate::nt::{System, status};
use std::collections::VecDeque;
use vatlas_rules::nt::structures::{eprocess, ethread, header};

/// The number of a thread in this machine; not its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct ThreadIndex(pub(crate) usize);

/// Type and size in double words of a thread in its `DISPATCHER_HEADER`.
const HEADER: u32 = 0x0070_0006;
/// Bytes at the top of a kernel stack for floating-point registers.
const FLOAT_AREA: u32 = 0x210;

/// `KTHREAD_STATE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum ThreadState {
    /// Being made.
    Initialized = 0,
    /// Waits for a processor.
    Ready = 1,
    /// Has a processor.
    Running = 2,
    /// Is the next one of a processor.
    Standby = 3,
    /// Ended.
    Terminated = 4,
    /// Waits for objects, time, or to be resumed.
    Waiting = 5,
}

/// `KWAIT_REASON`, as far as it occurs here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum WaitReason {
    Executive = 0,
    DelayExecution = 4,
    Suspended = 5,
    UserRequest = 6,
    KeyedEvent = 21,
}

/// What a thread waits for. The list of objects keeps its room, so that a wait allocates nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Wait {
    pub objects: Vec<ObjectId>,
    pub is_all: bool,
    pub is_alertable: bool,
    pub timer: Option<TimerKey>,
    /// What a wait whose time is over returns.
    pub on_timeout: u32,
    /// For a keyed event: its object, the key, whether it is the side that releases.
    pub key: Option<(ObjectId, u32, bool)>,
}

/// A user APC: the routine of ntdll or the program, and its three arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct UserApc {
    pub routine: u32,
    pub arguments: [u32; 3],
    /// The first argument is the address of the context with which the thread goes on: the loader's APC.
    pub has_context: bool,
}

/// A thread.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Thread {
    pub object: ObjectId,
    pub id: u32,
    pub process: ProcessIndex,
    pub block: GuestBlock,
    pub stack: KernelStack,
    /// The registers of the thread while no processor has them; in ring 0 it moves.
    pub frame: GuestBlock,
    /// Those of user mode.
    pub user_frame: GuestBlock,
    /// Routines of ring 0 that it runs, the innermost last.
    pub calls: Vec<KernelCall>,
    /// IRQL when it left its processor in ring 0.
    pub irql: u8,
    /// It ends with this status when it leaves ring 0.
    pub pending_exit: Option<u32>,
    pub floats: GuestBlock,
    /// What `floats` says, when that is known: registers that did not change since need not be written or read there.
    pub kept_floats: Option<Fpu>,
    pub teb: u32,
    pub state: ThreadState,
    pub priority: u8,
    pub base_priority: u8,
    /// How much of the priority is a boost that wears off.
    pub boost: u8,
    /// `SetThreadPriorityBoost`: it gets none.
    pub has_no_boosts: bool,
    pub quantum: i8,
    /// It gave way to its equals: it goes behind them.
    pub is_quantum_over: bool,
    /// It may not run any more where it ran.
    pub must_move: bool,
    /// Its trap frame has segment registers that the processor does not have yet.
    pub has_new_segments: bool,
    /// The processor that has it, or will have it next; else the one that had it.
    pub processor: usize,
    pub affinity: u32,
    pub wait: Wait,
    pub apcs: VecDeque<UserApc>,
    /// An APC is delivered before the thread returns to user mode.
    pub is_apc_due: bool,
    pub is_alerted: bool,
    pub suspend_count: u8,
    /// It waits for nothing but being resumed.
    pub is_only_suspended: bool,
    /// The mutants that it owns.
    pub mutants: Vec<ObjectId>,
    pub exit_status: Option<u32>,
    /// The tick at which it became ready.
    pub ready_since: u64,
    /// Instructions that it executed.
    pub executed: u64,
    pub switches: u32,
    pub start_address: u32,
    pub create_time: u64,
    pub exit_time: u64,
}

/// What a thread begins with.
#[derive(Clone, Debug)]
pub(crate) struct NewThread {
    pub frame: TrapFrame,
    pub fpu: Fpu,
    pub teb: u32,
    pub id: u32,
    pub start_address: u32,
    pub apc: Option<UserApc>,
    pub is_suspended: bool,
}

impl System {
    /// Makes a thread, ready to run unless it begins suspended.
    ///
    /// # Errors
    /// Commit limit or memory is used up, or the process is ending.
    pub(crate) fn create_thread(&mut self, process: ProcessIndex, new: &NewThread) -> Result<ThreadIndex, NtStatus> {
        if self.processes[process.0].exit_status.is_some() {
            return Err(status::PROCESS_IS_TERMINATING);
        }
        let thread = self.insert_thread(process, new)?;
        self.put(self.threads[thread.0].frame, 0, new.frame.encode());
        self.put(self.threads[thread.0].floats, 0, &encode_fx(&new.fpu));
        if new.is_suspended {
            self.threads[thread.0].suspend_count = 1;
        }
        if let Some(apc) = new.apc {
            self.threads[thread.0].apcs.push_back(apc);
            self.threads[thread.0].is_apc_due = true;
        }
        self.make_ready(thread);
        self.tell_thread_start(thread);
        Ok(thread)
    }

    /// An `ETHREAD` with its kernel stack, linked into the lists of its process.
    pub(crate) fn insert_thread(&mut self, process: ProcessIndex, new: &NewThread) -> Result<ThreadIndex, NtStatus> {
        let place = self.room_of(ObjectType::Thread, ethread::BYTES)?;
        let block = place.body();
        let stack = self.memory.create_kernel_stack(&mut self.computer.board.ram);
        let stack = stack.inspect_err(|_| self.free_room(place, ObjectType::Thread))?;
        let top = stack.base.0 as u32;
        let floats = self.kernel_block(top - FLOAT_AREA).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let frame = self.kernel_block(top - FLOAT_AREA - FRAME_BYTES).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let index = self.next_thread();
        let object = self.insert_object(Body::Thread(index), place);
        self.reference_object(self.processes[process.0].object);
        let owner = &mut self.processes[process.0];
        owner.threads.push(index);
        let (priority, affinity, quantum) = (owner.base_priority, owner.affinity, owner.quantum);
        let has_no_boosts = owner.has_no_boosts;
        let create_time = self.clock.now();
        self.add_thread(Thread {
            object,
            id: new.id,
            process,
            block,
            stack,
            frame,
            user_frame: frame,
            calls: Vec::new(),
            irql: 0,
            pending_exit: None,
            floats,
            kept_floats: None,
            teb: new.teb,
            state: ThreadState::Initialized,
            priority,
            base_priority: priority,
            boost: 0,
            has_no_boosts,
            quantum,
            is_quantum_over: false,
            must_move: false,
            has_new_segments: false,
            processor: index.0 % self.scheduler.processors.len().max(1),
            affinity,
            wait: Wait::default(),
            apcs: VecDeque::new(),
            is_apc_due: false,
            is_alerted: false,
            suspend_count: 0,
            is_only_suspended: false,
            mutants: Vec::new(),
            exit_status: None,
            ready_since: 0,
            executed: 0,
            switches: 0,
            start_address: new.start_address,
            create_time,
            exit_time: 0,
        });
        self.write_ethread(index);
        Ok(index)
    }

    fn write_ethread(&mut self, thread: ThreadIndex) {
        let Thread { block, stack, frame, teb, id, start_address, priority, affinity, .. } = self.threads[thread.0];
        let owner = &self.processes[self.threads[thread.0].process.0];
        let (process, process_id) = (owner.block, owner.id);
        let now = self.clock.now() << 3;
        for (offset, value) in [
            (header::TYPE, HEADER),
            (ethread::INITIAL_STACK, stack.base.0 as u32),
            (ethread::STACK_LIMIT, stack.limit.0 as u32),
            (ethread::STACK_BASE, stack.base.0 as u32),
            (ethread::KERNEL_STACK, frame.va(0)),
            (ethread::TRAP_FRAME, frame.va(0)),
            (ethread::TEB, teb),
            (ethread::APC_PROCESS, process.va(0)),
            (ethread::AFFINITY, affinity),
            (ethread::CREATE_TIME, now as u32),
            (ethread::CREATE_TIME + 4, (now >> 32) as u32),
            (ethread::EXIT_STATUS, 0x103),
            (ethread::CID, process_id),
            (ethread::CID + 4, id),
            (ethread::THREADS_PROCESS, process.va(0)),
            (ethread::START_ADDRESS, start_address),
            (ethread::WIN32_START_ADDRESS, start_address),
        ] {
            self.put_u32(block, offset, value);
        }
        for head in
            [header::WAIT_LIST_HEAD, ethread::MUTANT_LIST_HEAD, ethread::APC_LIST_HEAD, ethread::APC_LIST_HEAD + 8]
        {
            self.init_list(block.va(head));
        }
        self.put_u8(block, ethread::PRIORITY, priority);
        self.put_u8(block, ethread::BASE_PRIORITY, priority);
        self.put_u8(block, ethread::PREVIOUS_MODE, 1);
        self.link_last(process.va(eprocess::KTHREAD_LIST_HEAD), block.va(ethread::KTHREAD_LIST_ENTRY));
        self.link_last(process.va(eprocess::THREAD_LIST_HEAD), block.va(ethread::THREAD_LIST_ENTRY));
        self.count_up(process, eprocess::ACTIVE_THREADS);
    }

    /// Sets a thread's state, here and in its `KTHREAD`.
    pub(crate) fn set_state(&mut self, thread: ThreadIndex, state: ThreadState) {
        let changed = &mut self.threads[thread.0];
        changed.state = state;
        let at = changed.block.pa(ethread::STATE);
        self.computer.board.ram.write_array(at, &[state as u8]);
    }

    /// Ends a thread, whatever it does. When it is the last one its process is gone, too.
    pub(crate) fn terminate_thread(&mut self, thread: ThreadIndex, exit: u32) {
        let (process, block, stack, state) = {
            let ended = &mut self.threads[thread.0];
            if ended.state == ThreadState::Terminated {
                return;
            }
            if !ended.calls.is_empty() {
                // What a driver does is done first.
                ended.pending_exit.get_or_insert(exit);
                return;
            }
            ended.exit_status = Some(exit);
            ended.apcs.clear();
            ended.is_apc_due = false;
            (ended.process, ended.block, ended.stack, ended.state)
        };
        self.tell_thread_end(thread, exit);
        if state == ThreadState::Waiting {
            self.leave_waits(thread);
        }
        self.set_state(thread, ThreadState::Terminated);
        self.give_up_processor(thread, state);
        self.abandon_mutants(thread);
        self.cancel_timers(thread);
        self.free_user_stack(thread);
        self.free_teb(thread);
        self.put_u32(block, header::SIGNAL_STATE, 1);
        self.put_u32(block, ethread::EXIT_STATUS, exit);
        let now = self.clock.now();
        self.threads[thread.0].exit_time = now;
        self.put_u32(block, ethread::EXIT_TIME, now as u32);
        self.put_u32(block, ethread::EXIT_TIME + 4, (now >> 32) as u32);
        self.unlink(block.va(ethread::KTHREAD_LIST_ENTRY));
        self.unlink(block.va(ethread::THREAD_LIST_ENTRY));
        self.memory.delete_kernel_stack(&mut self.computer.board.ram, stack);
        self.obey_flush();
        let object = self.threads[thread.0].object;
        self.wake_waiters(object, 0);
        let executed = self.executed_by(thread);
        let owner = &mut self.processes[process.0];
        owner.executed += executed;
        owner.threads.retain(|other| *other != thread);
        let (owner_block, is_last) = (owner.block, owner.threads.is_empty());
        let left = self.get_u32(owner_block, eprocess::ACTIVE_THREADS).saturating_sub(1);
        self.put_u32(owner_block, eprocess::ACTIVE_THREADS, left);
        if is_last && process != SYSTEM_PROCESS {
            self.processes[process.0].exit_status.get_or_insert(exit);
            self.end_process(process);
        }
        self.release_object(object);
    }

    /// Timers whose APCs would go to a thread that ends are cancelled.
    fn cancel_timers(&mut self, thread: ThreadIndex) {
        for key in self.objects.take_timers_of(thread) {
            self.clock.cancel(key);
        }
    }

    /// The thread with an id, while it lives.
    pub(crate) fn thread_by_id(&self, id: u32) -> Result<ThreadIndex, NtStatus> {
        let is_it = |thread: &Thread| thread.id == id && thread.state != ThreadState::Terminated;
        self.threads.iter().position(is_it).map(ThreadIndex).ok_or(status::INVALID_CID)
    }
}
