//! Threads that appeared, ended or moved on between two targets.

use std::collections::BTreeMap;
use vatlas_space::{Machine, Process, Thread, ThreadId, Va};

/// Where one side of a thread was and is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SideMove {
    /// The processor of the side.
    pub machine: Machine,
    /// Instruction pointer in A and in B.
    pub pc: (Va, Va),
    /// Stack pointer in A and in B.
    pub sp: (Va, Va),
}

/// A thread that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ThreadChange<'t> {
    /// Only A has it: it ended since.
    OnlyInA(&'t Thread),
    /// Only B has it: it was created since.
    OnlyInB(&'t Thread),
    /// Both have it, and it is elsewhere.
    Moved {
        /// In A.
        a: &'t Thread,
        /// In B.
        b: &'t Thread,
        /// The sides whose instruction or stack pointer differs.
        sides: Vec<SideMove>,
    },
}

/// Compares the threads of two processes by id, in order of id. Registers that one does not tell do not differ.
pub fn diff_threads<'t>(a: &'t Process, b: &'t Process) -> Vec<ThreadChange<'t>> {
    // A damaged list may name an id twice: the first counts, as in `Process::thread`.
    let mut threads: BTreeMap<ThreadId, [Option<&Thread>; 2]> = BTreeMap::new();
    for (side, process) in [a, b].into_iter().enumerate() {
        for thread in &process.threads {
            threads.entry(thread.id).or_default()[side].get_or_insert(thread);
        }
    }
    let changes = threads.into_values().filter_map(|pair| match pair {
        [Some(a), Some(b)] => {
            let sides = moved_sides(a, b);
            (!sides.is_empty()).then_some(ThreadChange::Moved { a, b, sides })
        }
        [Some(a), None] => Some(ThreadChange::OnlyInA(a)),
        [None, Some(b)] => Some(ThreadChange::OnlyInB(b)),
        [None, None] => None,
    });
    changes.collect()
}

fn moved_sides(a: &Thread, b: &Thread) -> Vec<SideMove> {
    let registers = |thread: &'_ Thread, machine| {
        let side = thread.sides.iter().find(|side| side.machine == machine)?;
        side.registers.as_ref().map(|registers| (registers.pc, registers.sp))
    };
    let sides = a.sides.iter().filter_map(|side| {
        let (a, b) = registers(a, side.machine).zip(registers(b, side.machine))?;
        (a != b).then_some(SideMove { machine: side.machine, pc: (a.0, b.0), sp: (a.1, b.1) })
    });
    sides.collect()
}
