//! What both kernels offer, and what both do alike when a processor stops or the kernel was entered.

use super::{Control, Touch, look::Look};
use crate::computer::Computer;
use crate::cpu::Event;
use vatlas_space::control::{CodePlace, Judge, KernelEvent, Occurrence, Position, RunEnd, Stops, What, Who};
use vatlas_space::{Pa, Va};

/// A kernel under control.
pub trait Controlled {
    /// A state that is kept.
    type Kept;

    /// The computer that it runs on.
    fn computer(&self) -> &Computer;
    /// The computer, to be changed.
    fn computer_mut(&mut self) -> &mut Computer;
    /// What it keeps for whoever controls it.
    fn control(&self) -> &Control;
    /// The same, to be changed.
    fn control_mut(&mut self) -> &mut Control;
    /// Instructions that all processors executed.
    fn instructions(&self) -> u64;
    /// Who runs on a processor; a thread of 0 when nobody does.
    fn who(&self, processor: usize) -> Who;
    /// Instructions that a thread executed; `None` for no thread that lives.
    fn executed_by(&self, thread: u32) -> Option<u64>;
    /// Where a linear address of a process is in physical memory, and the page directory of the process.
    fn find(&self, process: u32, va: u32) -> Option<(u32, u32)>;
    /// Runs at most so many instructions, and asks a judge whether to stop.
    fn run_judged(&mut self, budget: u64, judge: &mut Judge<'_>) -> RunEnd;
    /// Sets a general register by number, 8 for EIP, 9 for EFLAGS; whether the thread lives.
    fn set_register(&mut self, thread: u32, number: u8, value: u32) -> bool;
    /// Lets a thread wait until it is thawed, as suspending it does, or takes that back; whether it lives and is not in
    /// the middle of entering the kernel.
    fn freeze(&mut self, thread: u32, is_frozen: bool) -> bool;
    /// Keeps the state.
    fn keep(&mut self) -> Self::Kept;
    /// Goes to a state that was kept.
    fn go_back(&mut self, kept: &Self::Kept);
    /// What a kept state takes beyond what it shares with the one before it, in bytes.
    fn kept_bytes(kept: &Self::Kept, before: Option<&Self::Kept>) -> u64;
    /// Shows in guest memory what is kept beside it, for whoever looks now.
    fn show(&mut self);
    /// The future that was recorded does not count any more.
    fn forget_future(&mut self);

    /// Where in time it is.
    fn position(&self) -> Position {
        self.control().position(self.instructions())
    }

    /// Stops for these and nothing else.
    fn set_stops(&mut self, stops: &Stops) {
        self.control_mut().set(stops);
        let code: Vec<(u32, Option<u32>)> = stops
            .code
            .iter()
            .filter_map(|place| {
                // A process that is not there yet, or shares its directory with others, is told apart later.
                let directory = place.process.and_then(|process| self.find_directory(process));
                Some((u32::try_from(place.va.0).ok()?, directory))
            })
            .collect();
        let computer = self.computer_mut();
        computer.board.set_breakpoints(code.into_iter());
        computer.board.set_watches(Vec::new());
        self.control_mut().data.forget();
        refresh(self);
        if stops.data.iter().any(|place| place.reads) {
            self.computer_mut().flush_all();
        }
    }

    /// The page directory of a process, where it has one of its own.
    fn find_directory(&self, process: u32) -> Option<u32>;

    /// The breakpoint at the next instruction of the thread that stopped does not count again.
    fn pass_here(&mut self) {
        let processor = self.processor();
        let who = self.who(processor);
        let pc = self.computer().processors.get(processor).map_or(0, |processor| processor.user_state().1);
        if let Some(executed) = self.executed_by(who.thread) {
            self.control_mut().reported.insert(who.thread, (executed, pc));
        }
    }

    /// Whether the last run stopped before a thread entered the kernel.
    fn is_entering(&self, thread: u32) -> bool {
        self.control().pending.is_some_and(|(processor, _)| self.who(processor).thread == thread)
    }

    /// What the run stopped for.
    fn take_occurrences(&mut self) -> Vec<Occurrence> {
        std::mem::take(&mut self.control_mut().occurrences)
    }

    /// The processor that stopped, or whose turn it is.
    fn processor(&self) -> usize {
        let entering = self.control().pending.map(|(processor, _)| processor);
        self.control().stopped.or(entering).unwrap_or_else(|| self.computer().next())
    }
}

/// Asks the judge; what it wants to stop for is kept.
fn ask<K: Controlled + ?Sized>(
    kernel: &mut K,
    processor: usize,
    occurrence: Occurrence,
    judge: &mut Judge<'_>,
) -> bool {
    let is_stop = judge(&Look { kernel, processor }, &occurrence);
    if is_stop {
        let control = kernel.control_mut();
        control.stopped = Some(processor);
        control.occurrences.push(occurrence);
    }
    is_stop
}

/// A processor is at a code breakpoint. Whether the run ends.
pub(crate) fn meets_code<K: Controlled + ?Sized>(kernel: &mut K, processor: usize, judge: &mut Judge<'_>) -> bool {
    let who = kernel.who(processor);
    let va = kernel.computer().processors[processor].user_state().1;
    let mark = (kernel.executed_by(who.thread).unwrap_or_default(), va);
    kernel.computer_mut().processors[processor].pass_breakpoint();
    if kernel.control().reported.get(&who.thread) == Some(&mark) {
        return false;
    }
    let is_meant = |place: &&CodePlace| {
        place.process.is_none_or(|process| process == who.process)
            && place.thread.is_none_or(|thread| thread == who.thread)
    };
    let places = kernel.control().code.get(&va).map(Vec::as_slice).unwrap_or_default();
    let numbers: Vec<u32> = places.iter().filter(is_meant).map(|place| place.number).collect();
    if numbers.is_empty() {
        return false;
    }
    kernel.control_mut().reported.insert(who.thread, mark);
    ask(kernel, processor, Occurrence::Code { va: Va(va.into()), numbers }, judge)
}

/// Watched bytes may have been touched. Whether the run ends.
pub(crate) fn meets_data<K: Controlled + ?Sized>(
    kernel: &mut K,
    processor: usize,
    pc: Option<u32>,
    judge: &mut Judge<'_>,
) -> bool {
    let touches = kernel.computer_mut().board.take_touches();
    is_touched(kernel, processor, pc, &touches, false, judge)
}

fn is_touched<K: Controlled + ?Sized>(
    kernel: &mut K,
    processor: usize,
    pc: Option<u32>,
    touches: &[Touch],
    is_mapping: bool,
    judge: &mut Judge<'_>,
) -> bool {
    if touches.is_empty() {
        return false;
    }
    let who = kernel.who(processor);
    let pc = pc.unwrap_or_else(|| kernel.computer().processors[processor].user_state().1);
    let mut is_stop = false;
    let mut last = None;
    for touch in touches {
        if kernel.control().data.process(touch).is_some_and(|process| process != who.process) {
            continue;
        }
        // A copy of many bytes is one touch, not one for each element.
        if last.replace((touch.watch, touch.is_write)) == Some((touch.watch, touch.is_write)) {
            continue;
        }
        let mut data = std::mem::take(&mut kernel.control_mut().data);
        let ram = &kernel.computer().board.ram;
        let read = |pa: u32, bytes: &mut [u8]| ram.read(Pa(pa.into()), bytes);
        let meaning = data.touched(touch, is_mapping, pc, &read);
        kernel.control_mut().data = data;
        if let Some(meaning) = meaning {
            is_stop |= ask(kernel, processor, Occurrence::Data(meaning), judge);
        }
    }
    is_stop
}

/// Finds watched addresses again: pages may have moved. What changed without a write.
pub(crate) fn refresh<K: Controlled + ?Sized>(kernel: &mut K) -> Vec<Touch> {
    if !kernel.control().has_data() {
        return Vec::new();
    }
    let mut data = std::mem::take(&mut kernel.control_mut().data);
    let (watched, touches) = {
        let find = |process: u32, va: u32| kernel.find(process, va);
        let ram = &kernel.computer().board.ram;
        let read = |pa: u32, bytes: &mut [u8]| ram.read(Pa(pa.into()), bytes);
        data.refresh(&find, &read)
    };
    kernel.control_mut().data = data;
    if let Some(watched) = watched {
        // What the kernel wrote meanwhile is not forgotten.
        let kept = kernel.computer_mut().board.take_touches();
        kernel.computer_mut().board.set_watches(watched);
        for touch in kept {
            kernel.computer_mut().board.note_touch(touch);
        }
    }
    touches
}

/// The kernel was entered and did its work: what it told, what it wrote. Whether the run ends. `pc` is the instruction
/// that entered it.
pub(crate) fn is_told<K: Controlled + ?Sized>(
    kernel: &mut K,
    processor: usize,
    pc: Option<u32>,
    judge: &mut Judge<'_>,
) -> bool {
    let mapped = refresh(kernel);
    let mut is_stop = kernel.control().has_data() && meets_data(kernel, processor, pc, judge);
    is_stop |= is_touched(kernel, processor, pc, &mapped, true, judge);
    let noted = std::mem::take(&mut kernel.control_mut().noted);
    for event in noted {
        let processor = if matches!(event.what, What::ContextSwitch { .. }) { event.who.processor } else { processor };
        is_stop |= ask(kernel, processor, Occurrence::Kernel(event), judge);
    }
    is_stop || kernel.control_mut().take_awaited() || kernel.control().is_target_behind()
}

/// The kernel is about to be entered; `what` is for whom it is news. Whether the run ends before that.
pub(crate) fn meets_entry<K: Controlled + ?Sized>(
    kernel: &mut K,
    processor: usize,
    event: &Event,
    what: Option<What>,
    judge: &mut Judge<'_>,
) -> bool {
    let who = kernel.who(processor);
    let mut is_stop = kernel.control().is_target_before();
    if let Some(what) = what {
        is_stop |= ask(kernel, processor, Occurrence::Kernel(KernelEvent { who, what }), judge);
    }
    if is_stop {
        kernel.control_mut().pending = Some((processor, *event));
    }
    is_stop
}
