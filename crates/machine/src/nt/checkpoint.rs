//! Checkpoints of a system: what it is at one moment, and the way back to it.

use crate::computer::{Computer, ComputerState};
use crate::control::Control;
use crate::cpu::Unsupported;
use crate::fault::FaultException;
use crate::files::{Files, mapped_again};
use crate::memory::{AreaKind, Memory};
use crate::nt::guest::GuestBlock;
use crate::nt::objects::Objects;
use crate::nt::population::Population;
use crate::nt::process::{Process, ProcessIndex};
use crate::nt::report::{Counters, CrashReport, HardError, MissingCall, SystemStop};
use crate::nt::ring0::Ring0;
use crate::nt::scheduler::Scheduler;
use crate::nt::thread::Thread;
use crate::nt::timer::Clock;
use crate::nt::{PendingFile, System, Variables, calls};
use crate::ram::{FRAME_BYTES, RamSnapshot};
use crate::state::host_log::Moment;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// Defines what a system is beside memory, processors and files, and how it is copied. A field of [`System`] that is
/// data stands in the list; one that is not stands behind it, so that none is forgotten.
macro_rules! kernel_state {
    ($($field:ident: $type:ty,)* ; $($other:ident),*) => {
        /// What the kernel keeps beside guest memory.
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        pub(crate) struct KernelState {
            $(pub(crate) $field: $type,)*
        }

        impl System {
            /// A copy of what the kernel keeps beside guest memory.
            pub(crate) fn kernel_state(&self) -> KernelState {
                let Self { $($field,)* $($other: _,)* } = self;
                KernelState { $($field: $field.clone(),)* }
            }

            /// Sets what the kernel keeps beside guest memory.
            fn set_kernel_state(&mut self, state: KernelState) {
                $(self.$field = state.$field;)*
            }
        }

        impl KernelState {
            /// A system in this state, which nobody controls.
            pub(crate) fn into_system(self, computer: Computer, files: Rc<RefCell<Files>>) -> System {
                System {
                    computer,
                    files,
                    handlers: calls::handlers(),
                    checkpoints: Checkpoints::default(),
                    control: Control::default(),
                    $($field: self.$field,)*
                }
            }
        }
    };
}

kernel_state! {
    memory: Memory,
    objects: Objects,
    processes: Vec<Process>,
    threads: Vec<Thread>,
    population: Population,
    scheduler: Scheduler,
    clock: Clock,
    variables: Variables,
    counters: Counters,
    ring0: Ring0,
    shared: GuestBlock,
    pending_files: Vec<PendingFile>,
    user_limit: u32,
    ntdll: Arc<[u8]>,
    calls: Vec<u64>,
    missing: BTreeMap<(String, String), MissingCall>,
    unsupported: Vec<Unsupported>,
    crashes: Vec<CrashReport>,
    hard_errors: Vec<HardError>,
    pending_stop: Option<SystemStop>,
    pending_fault: Option<FaultException>,
    first_process: Option<ProcessIndex>,
    next_id: u32,
    random: u64,
    ; computer, control, files, handlers, checkpoints
}

/// What the kernel keeps beside memory, with one or two processes.
const KERNEL_STATE_BYTES: u64 = 48 << 10;

/// A system at one moment. It is cheap to copy and keeps frames that others share. The system that made it can go
/// back, or forward again, to it.
#[derive(Clone)]
pub struct Checkpoint {
    ram: RamSnapshot,
    rest: Rc<Rest>,
}

/// What is not in frames.
struct Rest {
    computer: ComputerState,
    state: KernelState,
    files: Files,
}

impl Checkpoint {
    /// Instructions that had been executed.
    pub fn instructions(&self) -> u64 {
        self.rest.state.clock.executed
    }

    /// Bytes that it takes beyond what it shares with another one. What the kernel keeps beside memory is estimated.
    pub(crate) fn bytes_beyond(&self, other: Option<&Self>) -> u64 {
        let own = self.ram.frames().count_beyond(other.map(|other| other.ram.frames()));
        (own * FRAME_BYTES) as u64 + KERNEL_STATE_BYTES
    }
}

/// Which checkpoints are kept, and whether there is a log to give again.
#[derive(Default)]
pub(crate) struct Checkpoints {
    /// With the number of the host's next answer at that moment.
    kept: Vec<(Weak<Rest>, u64)>,
    /// There may be answers of the host to give again.
    may_replay: bool,
    /// Somebody wants the system as it was when a process did not handle an exception.
    wants_crash: bool,
    crash: Option<Checkpoint>,
}

impl System {
    /// Keeps the state of this moment. The first checkpoint begins to record what the host answers; the cost of each is
    /// a copy of the frames that changed since the one before, and of what the kernel keeps beside memory.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.forget_dropped();
        self.memory.keep_page_files(true);
        self.files.borrow_mut().recorder().record(true);
        let rest =
            Rest { computer: self.computer.state(), state: self.kernel_state(), files: self.files.borrow().clone() };
        let checkpoint = Checkpoint { ram: self.computer.board.ram.snapshot(), rest: Rc::new(rest) };
        let position = self.files.borrow_mut().recorder().position();
        self.checkpoints.kept.push((Rc::downgrade(&checkpoint.rest), position));
        checkpoint
    }

    /// Goes to a checkpoint of this system, before or after this moment. What the host answered since is given again
    /// when the system runs, and what it was told is not told again.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint { ram, rest } = checkpoint;
        self.computer.board.ram.restore(ram);
        self.computer.set_state(&rest.computer);
        self.go_to(rest.state.clone(), rest.files.clone());
        self.checkpoints.may_replay = true;
    }

    /// Sets the kernel's state and the files; what hangs on the host goes over to them.
    fn go_to(&mut self, mut state: KernelState, files: Files) {
        state.memory.take_stores(&mut self.memory);
        let shared = Rc::clone(&self.files);
        {
            let mut now = shared.borrow_mut();
            // Files of sections go away meanwhile; while `now` is borrowed they tell nobody.
            self.set_kernel_state(state);
            let mut before = std::mem::replace(&mut *now, files);
            now.recorder().take_host(before.recorder());
        }
        self.map_files_again();
    }

    /// Sections get their files again.
    pub(crate) fn map_files_again(&mut self) {
        for area in self.memory.areas.values_mut() {
            if let Some(identity) = area.identity {
                area.file.set(mapped_again(&self.files, identity, area.kind == AreaKind::Image));
            }
        }
    }

    /// Whether the system runs through what it did before: the host is not asked, and not told anything.
    pub fn is_replaying(&self) -> bool {
        self.checkpoints.may_replay && self.files.borrow_mut().recorder().is_replaying()
    }

    /// Answers of the host that are kept for checkpoints.
    pub fn recorded_answers(&self) -> usize {
        self.files.borrow_mut().recorder().recorded()
    }

    /// What the system did after this moment does not count any more: from here on the host is asked. For who changes
    /// registers or memory of a system that went back.
    pub fn forget_future(&mut self) {
        self.files.borrow_mut().recorder().forget_future();
        self.checkpoints.may_replay = false;
    }

    /// Forgets what only checkpoints needed that are gone.
    pub(crate) fn forget_dropped(&mut self) {
        if self.checkpoints.kept.is_empty() {
            return;
        }
        self.checkpoints.kept.retain(|(rest, _)| rest.strong_count() > 0);
        let oldest = self.checkpoints.kept.iter().map(|(_, position)| *position).min();
        let mut files = self.files.borrow_mut();
        match oldest {
            Some(oldest) => {
                let position = files.recorder().position();
                files.recorder().forget_before(oldest.min(position));
            }
            // A run that is in the past goes on with the log until it has caught up.
            None if files.recorder().is_replaying() => {}
            None => {
                files.recorder().record(false);
                drop(files);
                self.memory.keep_page_files(false);
            }
        }
    }

    /// From now on the system is kept as it is when a process ends that did not handle an exception.
    pub const fn keep_crashes(&mut self, is_wanted: bool) {
        self.checkpoints.wants_crash = is_wanted;
    }

    /// The system as it was when a process last did not handle an exception, before that process ended.
    pub const fn take_crash(&mut self) -> Option<Checkpoint> {
        self.checkpoints.crash.take()
    }

    /// A process is about to end that did not handle an exception.
    pub(crate) fn keep_crash(&mut self) {
        if self.checkpoints.wants_crash {
            self.checkpoints.crash = Some(self.checkpoint());
        }
    }

    fn moment(&self) -> Moment {
        Moment { executed: self.clock.executed, skipped: self.clock.skipped, ticks: self.clock.ticks }
    }

    /// Asks the host again for what calls wait for.
    pub(crate) fn ask_host_again(&mut self) {
        let moment = self.moment();
        self.files.borrow_mut().recorder().set_poll(Some(moment));
        self.retry_files(true);
        self.files.borrow_mut().recorder().set_poll(None);
    }

    /// Whether answers of the host may come from the log.
    pub(crate) const fn may_replay(&self) -> bool {
        self.checkpoints.may_replay
    }

    /// During a replay: gives what came in at this moment. How far the system may run before something else comes in.
    pub(crate) fn replay_input(&mut self, end: u64) -> u64 {
        loop {
            let (is_replaying, next, position) = {
                let mut files = self.files.borrow_mut();
                let recorder = files.recorder();
                (recorder.is_replaying(), recorder.next_input(), recorder.position())
            };
            self.checkpoints.may_replay = is_replaying;
            let now = self.moment();
            match next {
                Some(at) if at <= now => {
                    self.ask_host_again();
                    self.leave_kernel();
                    if self.files.borrow_mut().recorder().position() == position {
                        // Nobody waits for it: this is another run.
                        self.forget_future();
                    }
                }
                Some(at) if at.executed > now.executed => return end.min(at.executed),
                _ => return end,
            }
        }
    }

    /// Everybody waits for input. A replay that ends so is another run than the one in the log: whether to go on.
    pub(crate) fn leaves_replay(&mut self) -> bool {
        let is_replaying = self.is_replaying();
        if is_replaying {
            self.forget_future();
            self.ask_host_again();
            self.leave_kernel();
        }
        is_replaying
    }
}
