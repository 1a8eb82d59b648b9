//! The past of a machine: states that are kept, and the way from them to any moment.
//!
//! ```text
//! kept     |-----------|-----------|-----|==fork==|-----> last
//! go to p: the last kept state not behind p, then run forward to it
//! back:    from each kept state to the next one, latest first, until something was met; of that the last
//! ```
//!
//! Where registers or memory were changed from outside the state behind the change is kept for good: no run forward from
//! an earlier state would come to it.

use super::{Controlled, step};
use crate::cpu::Interpreter;
use std::rc::Rc;
use vatlas_space::Va;
use vatlas_space::control::{
    DataPlace, DataTouch, EventKind, HistorySize, Judge, Occurrence, Position, RunEnd, Stops, Who, Writer,
};

/// Instructions between kept states, while there is room.
const INTERVAL: u64 = 400_000;
/// What may be kept unless somebody says otherwise, in bytes.
const USUAL_LIMIT: u64 = 256 << 20;

/// Moves a kernel forward by at most so many instructions.
type Forward<'f, K> = &'f mut dyn FnMut(&mut K, u64, &mut Judge<'_>) -> RunEnd;

/// A state that is kept.
struct Kept<T> {
    position: Position,
    state: T,
    bytes: u64,
    /// The state behind a change from outside; or the first one.
    is_fork: bool,
}

/// Keeps the past of a kernel.
pub struct Recorder<K: Controlled> {
    kept: Vec<Kept<K::Kept>>,
    last: Position,
    limit: u64,
    bytes: u64,
    /// Whether somebody wants looks back to be broken off, asked from time to time.
    interrupt: Option<Rc<dyn Fn() -> bool>>,
    was_interrupted: bool,
}

impl<K: Controlled> Recorder<K> {
    /// The past begins now.
    pub fn new(kernel: &mut K) -> Self {
        // Whoever is ready gets a processor first: from then on a moment has one state.
        kernel.run_judged(0, &mut |_, _| false);
        let position = kernel.position();
        let mut new = Self {
            kept: Vec::new(),
            last: position,
            limit: USUAL_LIMIT,
            bytes: 0,
            interrupt: None,
            was_interrupted: false,
        };
        new.keep(kernel, true);
        new
    }

    /// Keeps the state of this moment.
    fn keep(&mut self, kernel: &mut K, is_fork: bool) {
        let position = kernel.position();
        let state = kernel.keep();
        let place = self.kept.partition_point(|kept| kept.position < position);
        if self.kept.get(place).is_some_and(|kept| kept.position == position) {
            let kept = &mut self.kept[place];
            kept.is_fork |= is_fork;
            kept.state = state;
            return;
        }
        let before = place.checked_sub(1).and_then(|place| self.kept.get(place)).map(|kept| &kept.state);
        let bytes = K::kept_bytes(&state, before);
        self.kept.insert(place, Kept { position, state, bytes, is_fork });
        self.bytes += bytes;
        while self.bytes > self.limit && self.thin() {}
    }

    /// Forgets one state: that whose neighbours are nearest to each other for how long ago they were. Whether there was
    /// one that may be forgotten.
    fn thin(&mut self) -> bool {
        let now = self.last.instructions;
        let cost = |at: usize| {
            let (before, after) = (self.kept[at - 1].position.instructions, self.kept[at + 1].position.instructions);
            // Gaps grow with age, so that what is kept thins out towards the past.
            (u128::from(after - before) << 32) / u128::from(now.saturating_sub(before).max(1))
        };
        let inner = 1..self.kept.len().saturating_sub(1);
        let Some(place) = inner.filter(|at| !self.kept[*at].is_fork).min_by_key(|at| cost(*at)) else { return false };
        let gone = self.kept.remove(place);
        let bytes = K::kept_bytes(&self.kept[place].state, Some(&self.kept[place - 1].state));
        let next = &mut self.kept[place];
        self.bytes = self.bytes.saturating_sub(gone.bytes + next.bytes) + bytes;
        next.bytes = bytes;
        true
    }

    /// What is kept.
    pub fn size(&self) -> HistorySize {
        let first = self.kept.first().map_or(self.last, |kept| kept.position);
        HistorySize { first, last: self.last, states: self.kept.len(), bytes: self.bytes, limit: self.limit }
    }

    /// Asks this from time to time while it looks back: `true` breaks that off, and the machine stays where it is.
    pub fn set_interrupt(&mut self, interrupt: Rc<dyn Fn() -> bool>) {
        self.interrupt = Some(interrupt);
    }

    /// Whether the last look back was broken off.
    pub const fn was_interrupted(&self) -> bool {
        self.was_interrupted
    }

    /// How much may be kept, in bytes.
    pub fn set_limit(&mut self, bytes: u64) {
        self.limit = bytes;
        while self.bytes > self.limit && self.thin() {}
    }

    /// Runs forward, and keeps states on the way.
    pub fn run(&mut self, kernel: &mut K, budget: u64, judge: &mut Judge<'_>) -> RunEnd {
        let end = kernel.instructions().saturating_add(budget);
        self.advance(kernel, end, judge, &mut |kernel, budget, judge| kernel.run_judged(budget, judge))
    }

    /// Runs until a thread has executed one more instruction, or at most so many instructions, and keeps states on the
    /// way.
    pub fn step(&mut self, kernel: &mut K, thread: u32, most: u64, judge: &mut Judge<'_>) -> RunEnd {
        let Some(before) = kernel.executed_by(thread) else { return RunEnd::Budget };
        let end = kernel.instructions().saturating_add(most);
        let is_done = |kernel: &K| kernel.executed_by(thread) != Some(before);
        let end =
            self.advance(kernel, end, judge, &mut |kernel, budget, judge| match step(kernel, thread, budget, judge) {
                RunEnd::Budget if is_done(kernel) => RunEnd::Stopped,
                end => end,
            });
        if end == RunEnd::Stopped && !kernel.control().has_stopped() { RunEnd::Budget } else { end }
    }

    /// Moves by `forward` until it ends for something else than its budget, or to an end.
    fn advance(&mut self, kernel: &mut K, end: u64, judge: &mut Judge<'_>, forward: Forward<'_, K>) -> RunEnd {
        if let Some(stop) = self.enter_fork(kernel, judge) {
            return stop;
        }
        loop {
            let now = kernel.instructions();
            let goal = end.min(self.next_goal(now));
            let stop = forward(kernel, goal - now, judge);
            self.last = self.last.max(kernel.position());
            if stop != RunEnd::Budget {
                self.meet_fork(kernel);
                return stop;
            }
            self.pass(kernel);
            if kernel.instructions() >= end {
                return RunEnd::Budget;
            }
        }
    }

    /// A change from outside was made at this count of instructions, after the kernel was entered more often than now:
    /// goes there. Why the run ends before that, if it does.
    fn enter_fork(&mut self, kernel: &mut K, judge: &mut Judge<'_>) -> Option<RunEnd> {
        let now = kernel.position();
        let is_ahead = |kept: &Kept<K::Kept>| {
            kept.is_fork && kept.position.instructions == now.instructions && kept.position > now
        };
        let place = self.kept.iter().rposition(is_ahead)?;
        let end = travel(kernel, self.kept[place].position, judge);
        if kernel.control().has_stopped() {
            return end;
        }
        self.come_to(kernel, place);
        None
    }

    /// A change from outside was made at this very moment: makes it again. What the run stopped for stays told.
    fn meet_fork(&self, kernel: &mut K) {
        let now = kernel.position();
        let Ok(place) = self.kept.binary_search_by_key(&now, |kept| kept.position) else { return };
        if place == 0 || !self.kept[place].is_fork {
            return;
        }
        let control = kernel.control_mut();
        let (occurrences, stopped) = (std::mem::take(&mut control.occurrences), control.stopped);
        self.come_to(kernel, place);
        let control = kernel.control_mut();
        (control.occurrences, control.stopped) = (occurrences, stopped);
    }

    /// The next moment at which something is done: a state is kept, or a change from outside is made again.
    fn next_goal(&self, now: u64) -> u64 {
        let place = self.kept.partition_point(|kept| kept.position.instructions <= now);
        let before = place.checked_sub(1).map_or(0, |place| self.kept[place].position.instructions);
        let regular = before.saturating_add(INTERVAL).max(now + 1);
        match self.kept.get(place) {
            Some(next) => regular.min(next.position.instructions),
            None => regular,
        }
    }

    /// Does what is due at this moment.
    fn pass(&mut self, kernel: &mut K) {
        let now = kernel.instructions();
        let place = self.kept.partition_point(|kept| kept.position.instructions < now);
        if self.kept.get(place).is_some_and(|next| next.position.instructions == now) {
            self.enter_fork(kernel, &mut |_, _| false);
            return self.meet_fork(kernel);
        }
        let before = place.checked_sub(1).map_or(0, |place| self.kept[place].position.instructions);
        if now >= before.saturating_add(INTERVAL) {
            self.keep(kernel, false);
        }
    }

    fn go_back(&self, kernel: &mut K, place: usize) {
        let kept = &self.kept[place];
        kernel.go_back(&kept.state);
        kernel.control_mut().move_to(kept.position.entry);
        kernel.computer_mut().processors.iter_mut().for_each(Interpreter::pass_no_breakpoint);
        let stops = std::mem::take(&mut kernel.control_mut().stops);
        kernel.set_stops(&stops);
    }

    /// Goes to a kept state, and where it was kept before the kernel was entered to that: the instruction that enters it
    /// is executed again.
    fn come_to(&self, kernel: &mut K, place: usize) {
        self.go_back(kernel, place);
        travel(kernel, self.kept[place].position, &mut |_, _| false);
    }

    /// Goes to a moment. Whether it is there: the past does not reach before its beginning.
    pub fn go_to(&mut self, kernel: &mut K, position: Position) -> bool {
        if position > self.last {
            return false;
        }
        let Some(place) = self.kept.partition_point(|kept| kept.position <= position).checked_sub(1) else {
            return false;
        };
        let now = kernel.position();
        let kept = self.kept[place].position;
        if now > position || now <= kept {
            self.go_back(kernel, place);
        }
        self.travel_keeping(kernel, position)
    }

    /// Runs forward to a moment without asking anybody, and keeps states where they are far apart.
    fn travel_keeping(&mut self, kernel: &mut K, position: Position) -> bool {
        loop {
            let now = kernel.instructions();
            let goal = self.next_goal(now);
            if goal >= position.instructions {
                break;
            }
            if kernel.run_judged(goal - now, &mut |_, _| false) != RunEnd::Budget {
                break;
            }
            self.pass(kernel);
        }
        travel(kernel, position, &mut |_, _| false);
        kernel.position() == position
    }

    /// Registers or memory are about to be changed from outside: what came after this moment does not count any more.
    /// Whether there was anything.
    pub fn fork(&mut self, kernel: &mut K) -> bool {
        let now = kernel.position();
        let had_future = self.last > now;
        kernel.forget_future();
        while self.kept.last().is_some_and(|kept| kept.position > now) {
            let gone = self.kept.pop();
            self.bytes = self.bytes.saturating_sub(gone.map_or(0, |gone| gone.bytes));
        }
        self.last = now;
        had_future
    }

    /// They were changed.
    pub fn forked(&mut self, kernel: &mut K) {
        self.keep(kernel, true);
    }

    /// Goes back to the last thing before now for which the judge would stop, and gives it.
    pub fn run_back(&mut self, kernel: &mut K, judge: &mut Judge<'_>) -> (RunEnd, Vec<Occurrence>) {
        let now = kernel.position();
        let Some((position, processor, found)) = self.last_before(kernel, now, judge) else {
            if self.was_interrupted {
                self.go_to(kernel, now);
                return (RunEnd::Budget, Vec::new());
            }
            let first = self.kept.first().map(|kept| kept.position);
            if let Some(first) = first {
                self.go_to(kernel, first);
            }
            return (RunEnd::HistoryBegins, Vec::new());
        };
        self.go_to(kernel, position);
        kernel.control_mut().stopped = Some(processor);
        (RunEnd::Stopped, found)
    }

    /// The last occurrences before a moment, all of one moment, and the processor. The machine is anywhere afterwards.
    fn last_before(
        &mut self,
        kernel: &mut K,
        end: Position,
        judge: &mut Judge<'_>,
    ) -> Option<(Position, usize, Vec<Occurrence>)> {
        let mut end = end;
        let mut found: Option<(Position, usize, Vec<Occurrence>)> = None;
        let mut place = self.kept.partition_point(|kept| kept.position < end);
        self.was_interrupted = false;
        while place > 0 {
            place -= 1;
            if self.interrupt.as_ref().is_some_and(|interrupt| interrupt()) {
                self.was_interrupted = true;
                return None;
            }
            self.go_back(kernel, place);
            travel(kernel, end, &mut |moment, occurrence| {
                let position = moment_of(moment.position(), occurrence);
                if position < end && judge(moment, occurrence) {
                    match &mut found {
                        Some((at, _, all)) if *at == position => all.push(occurrence.clone()),
                        _ => found = Some((position, moment.who().processor, vec![occurrence.clone()])),
                    }
                }
                false
            });
            if found.is_some() {
                return found;
            }
            end = self.kept[place].position;
        }
        None
    }

    /// Goes back by one instruction of a thread, or of the whole machine for none.
    pub fn step_back(&mut self, kernel: &mut K, thread: u32) -> RunEnd {
        let now = kernel.position();
        let executed = kernel.executed_by(thread);
        let Some(before) = now.instructions.checked_sub(1) else { return RunEnd::HistoryBegins };
        if !self.go_near(kernel, before) {
            return self.go_to_beginning(kernel);
        }
        let Some(executed) = executed else { return RunEnd::Stopped };
        if executed == 0 || kernel.executed_by(thread).is_none_or(|count| count < executed) {
            return RunEnd::Stopped;
        }
        // Others ran since: the last moment at which it had executed one less.
        let first = self.kept.first().map_or(0, |kept| kept.position.instructions);
        let (mut low, mut high) = (first, before);
        while low < high {
            let middle = low + (high - low) / 2;
            if !self.go_near(kernel, middle) {
                return self.go_to_beginning(kernel);
            }
            if kernel.executed_by(thread).is_some_and(|count| count >= executed) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        match low.checked_sub(1).is_some_and(|at| at >= first && self.go_near(kernel, at)) {
            true => RunEnd::Stopped,
            false => self.go_to_beginning(kernel),
        }
    }

    /// Goes to the first moment at which so many instructions had been executed.
    pub fn step_back_to(&mut self, kernel: &mut K, instructions: u64) -> RunEnd {
        if self.go_near(kernel, instructions) { RunEnd::Stopped } else { self.go_to_beginning(kernel) }
    }

    /// Goes to the first moment after so many instructions; where something was changed from outside, to behind that.
    fn go_near(&mut self, kernel: &mut K, instructions: u64) -> bool {
        let is_it = |kept: &Kept<K::Kept>| kept.is_fork && kept.position.instructions == instructions;
        if let Some(place) = self.kept.iter().rposition(is_it) {
            self.come_to(kernel, place);
            return true;
        }
        let first = Position { instructions, entry: 0 };
        let place = self.kept.partition_point(|kept| kept.position < first);
        // A kept state at the same count comes late in it: the one before is gone from.
        let Some(place) = place.checked_sub(1) else { return false };
        let now = kernel.position();
        if now.instructions > instructions || now < self.kept[place].position {
            self.go_back(kernel, place);
        }
        self.travel_keeping(kernel, first);
        kernel.instructions() == instructions
    }

    fn go_to_beginning(&mut self, kernel: &mut K) -> RunEnd {
        self.go_back(kernel, 0);
        RunEnd::HistoryBegins
    }

    /// Who last wrote these bytes before now. Now stays now.
    pub fn last_write(&mut self, kernel: &mut K, place: &DataPlace) -> Option<Writer> {
        let now = kernel.position();
        let before = kernel.control().stops.clone();
        let place = DataPlace { reads: false, writes: true, ..*place };
        kernel.set_stops(&Stops { data: vec![place], ..Stops::default() });
        let mut last: Option<(Position, Who, DataTouch)> = None;
        let mut after = Vec::new();
        // What the instruction did that was executed just now counts, too.
        let end = Position { entry: now.entry | 1, ..now };
        let found = self.last_before(kernel, end, &mut |moment, occurrence| {
            let Occurrence::Data(touch) = occurrence else { return false };
            after = vec![0; touch.before.len()];
            let told = Va(place.va.0 + u64::from(touch.told_from));
            if !moment.read(Some(place.process).filter(|process| *process != 0), told, &mut after) {
                after.clear();
            }
            last = Some((moment.position(), moment.who(), touch.clone()));
            true
        });
        kernel.set_stops(&before);
        self.go_to(kernel, now);
        found?;
        let (position, who, touch) = last?;
        Some(Writer { position, who, touch, after })
    }
}

/// The moment at which a run stops for something: before the kernel is entered it is not yet that of the entry, and an
/// exception is seen best where it was raised, before the kernel was entered for it.
fn moment_of(position: Position, occurrence: &Occurrence) -> Position {
    let Occurrence::Kernel(event) = occurrence else { return position };
    let is_even = position.entry.is_multiple_of(2);
    let entry = match event.what.kind() {
        EventKind::SystemCall | EventKind::PageFault if is_even => position.entry + 1,
        EventKind::Exception if is_even => position.entry.saturating_sub(1),
        _ => position.entry,
    };
    Position { entry, ..position }
}

/// Runs forward to a moment that is not before now, or as near as it gets. How the run ended, if there was one.
fn travel<K: Controlled + ?Sized>(kernel: &mut K, to: Position, judge: &mut Judge<'_>) -> Option<RunEnd> {
    let now = kernel.position();
    if now >= to {
        return None;
    }
    if to.entry.is_multiple_of(2) {
        let more = to.instructions.saturating_sub(now.instructions);
        let end = (more > 0).then(|| kernel.run_judged(more, judge));
        if kernel.instructions() != to.instructions || kernel.position() >= to {
            return end;
        }
    }
    // One instruction more is allowed, so that the kernel can be entered at all; it is not reached.
    let left = (to.instructions - kernel.instructions().min(to.instructions)).saturating_add(1);
    kernel.control_mut().set_target(Some(to.entry));
    let end = kernel.run_judged(left, judge);
    kernel.control_mut().set_target(None);
    Some(end)
}
