//! One instruction of one thread, while all others go on as they would.

use super::Controlled;
use vatlas_space::control::{Judge, RunEnd};

/// Instructions of others that are run at once while a thread waits.
const SLICE: u64 = 1_000_000;

/// Runs until a thread has executed one more instruction, for something that the judge stops for, or at most so many
/// instructions. A thread that ended has no more: the run ends, too.
pub fn step<K: Controlled + ?Sized>(kernel: &mut K, thread: u32, most: u64, judge: &mut Judge<'_>) -> RunEnd {
    let Some(before) = kernel.executed_by(thread) else { return RunEnd::Budget };
    let end = kernel.instructions().saturating_add(most);
    loop {
        let left = end.saturating_sub(kernel.instructions());
        if left == 0 {
            return RunEnd::Budget;
        }
        let budget = quantum(kernel, thread).min(left);
        kernel.control_mut().wait_for(if budget > 1 { Some(thread) } else { None });
        let stop = kernel.run_judged(budget, judge);
        kernel.control_mut().wait_for(None);
        if stop != RunEnd::Budget || kernel.executed_by(thread) != Some(before) {
            return stop;
        }
    }
}

/// How many instructions can be run at once without running more than one of the thread.
fn quantum<K: Controlled + ?Sized>(kernel: &K, thread: u32) -> u64 {
    let computer = kernel.computer();
    let place = (0..computer.processors.len()).find(|processor| kernel.who(*processor).thread == thread);
    match place {
        Some(processor) if processor == computer.next() => 1,
        Some(_) => computer.left().max(1),
        None => SLICE,
    }
}
