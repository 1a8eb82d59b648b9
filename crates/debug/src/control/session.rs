//! A session: goes, steps, and goes back, until something is worth telling.

use super::breakpoints::{Breakpoint, BreakpointKind, Breakpoints};
use super::call_instruction::{call_at, calls_before};
use super::step_line::{Lines, UnfinishedLine};
use std::rc::Rc;
use vatlas_space::control::{
    CodePlace, Control, DataPlace, EventKind, KernelEvent, Moment, Occurrence, Position, Run, RunEnd, Stops, What, Who,
    Writer,
};
use vatlas_space::{AddressSpace, ProcessIndex, Target, ThreadId, Va};

/// Instructions between looks at whether the user interrupts.
const SLICE: u64 = 1_000_000;
/// The number of a place that only one motion stops at.
const OWN: u32 = u32::MAX;
/// Number of ESP in a moment.
const SP: u8 = 4;
/// Bytes of the longest instruction.
const LONGEST: usize = 16;

/// A stop that is worth telling.
#[derive(Clone, Debug)]
pub struct Stop {
    /// How the run ended.
    pub end: RunEnd,
    /// In which thread.
    pub who: Who,
    /// What it stopped for.
    pub occurrences: Vec<Occurrence>,
    /// The breakpoints that were hit, by number.
    pub hit: Vec<u32>,
    /// The same as they were then: one that is for once is gone.
    pub breakpoints: Vec<Breakpoint>,
    /// The user broke in.
    pub is_interrupted: bool,
    /// The motion came to where it was to go.
    pub is_at_goal: bool,
}

impl Stop {
    pub(super) fn is_plain(&self) -> bool {
        self.end == RunEnd::Budget && !self.is_interrupted
    }
}

/// Control, breakpoints, and the thread that the user looks at.
pub struct Session {
    control: Box<dyn Control>,
    /// The breakpoints.
    pub breakpoints: Breakpoints,
    /// The thread that steps are made in.
    pub thread: Option<ThreadId>,
    /// Whether the user wants to break in.
    is_interrupted: Rc<dyn Fn() -> bool>,
    /// What was printed for the debugger and what was loaded while nobody stopped for it.
    told: Vec<KernelEvent>,
    /// The thread that was stepped last, until another one stops.
    current: Option<ThreadId>,
    /// Images that were mapped while breakpoints waited for modules, and have not executed anything yet.
    arrivals: Vec<Va>,
    /// Exceptions that were told before the kernel dispatched them, and the moment at which it will have.
    told_before: Option<(Position, Vec<Occurrence>)>,
    /// The motion that the last stop cut short.
    paused: Option<Paused>,
    /// The step by line that it belongs to.
    pub(super) line: Option<UnfinishedLine>,
}

/// A motion that is not at its goal yet.
#[derive(Clone, Debug)]
enum Paused {
    /// A run to one of these, or until so many instructions were executed.
    Run { goals: Vec<Goal>, end: u64 },
    /// A step of a thread that had executed so many instructions.
    Step { thread: ThreadId, before: Option<u64> },
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("breakpoints", &self.breakpoints).finish_non_exhaustive()
    }
}

/// A place that a motion goes to: an instruction, of a process or a thread only, with ESP not below a value.
#[derive(Clone, Copy, Debug)]
struct Goal {
    va: Va,
    process: Option<u32>,
    thread: Option<u32>,
    sp: u32,
}

impl Goal {
    const fn of_thread(va: Va, thread: ThreadId, sp: u32) -> Self {
        Self { va, process: None, thread: Some(thread.0), sp }
    }

    const fn place(&self) -> CodePlace {
        CodePlace { number: OWN, va: self.va, process: self.process, thread: self.thread }
    }
}

impl Goal {
    fn is_reached(&self, moment: &dyn Moment, occurrence: &Occurrence) -> bool {
        match occurrence {
            Occurrence::Code { va, numbers } => {
                *va == self.va && numbers.contains(&OWN) && moment.register(SP) >= self.sp
            }
            _ => false,
        }
    }
}

impl Session {
    /// A session; `is_interrupted` is asked from time to time while the machine runs.
    pub fn new(mut control: Box<dyn Control>, is_interrupted: Rc<dyn Fn() -> bool>) -> Self {
        if let Some(history) = control.history() {
            history.set_interrupt(Rc::clone(&is_interrupted));
        }
        Self {
            control,
            breakpoints: Breakpoints::default(),
            thread: None,
            is_interrupted,
            told: Vec::new(),
            current: None,
            arrivals: Vec::new(),
            told_before: None,
            paused: None,
            line: None,
        }
    }

    /// The machine.
    pub fn control(&mut self) -> &mut dyn Control {
        &mut *self.control
    }

    /// The thread that the user looks at: the one chosen, or that which stopped.
    pub fn chosen_thread(&self) -> Option<ThreadId> {
        let current = self.current.filter(|thread| self.control.executed_by(*thread).is_some());
        self.thread.or(current).or_else(|| Some(self.control.who().thread).filter(|id| *id != 0).map(ThreadId))
    }

    /// What was told without a stop since this was asked last.
    pub fn take_told(&mut self) -> Vec<KernelEvent> {
        std::mem::take(&mut self.told)
    }

    fn stops(&self, goals: &[Goal]) -> Stops {
        let mut stops = self.breakpoints.stops();
        stops.code.extend(goals.iter().map(Goal::place));
        stops.events = stops.events.with(EventKind::DebugOutput);
        if self.breakpoints.waits_for_module() && !self.arrivals.is_empty() {
            stops.events = stops.events.with(EventKind::PageFault);
        }
        stops
    }

    fn stop(&mut self, run: Run, is_interrupted: bool) -> Stop {
        let mut hit = self.breakpoints.take_hit();
        let run = match self.go_before_exception(&run) {
            Some(occurrences) => {
                hit = self.hit_by(&occurrences);
                Run { occurrences, ..run }
            }
            None => run,
        };
        let breakpoints = self.known(&hit);
        for number in &hit {
            if self.breakpoints.get(*number).is_some_and(|breakpoint| breakpoint.is_once) {
                self.breakpoints.remove(*number);
            }
        }
        let (end, who, occurrences) = (run.end, run.who, run.occurrences);
        Stop { end, who, occurrences, hit, breakpoints, is_interrupted, is_at_goal: false }
    }

    /// Where exceptions were told that the kernel had dispatched, or ended a process for: goes back to before it did, so
    /// that the thread is seen at the instruction that raised it. What is told then; without a past nothing changes.
    fn go_before_exception(&mut self, run: &Run) -> Option<Vec<Occurrence>> {
        let is_exception = |occurrence: &&Occurrence| matches!(occurrence, Occurrence::Kernel(event) if event.what.kind() == EventKind::Exception);
        let exceptions: Vec<Occurrence> = run.occurrences.iter().filter(is_exception).cloned().collect();
        if exceptions.is_empty() {
            return None;
        }
        let now = self.control.position();
        if now.entry % 2 == 1 {
            // Whoever went back is there already.
            self.told_before = Some((Position { entry: now.entry + 1, ..now }, exceptions));
            return None;
        }
        let before = Position { entry: now.entry.checked_sub(1)?, ..now };
        if !self.control.history()?.go_to(before) {
            return None;
        }
        self.told_before = Some((now, exceptions.clone()));
        Some(exceptions)
    }

    fn known(&self, numbers: &[u32]) -> Vec<Breakpoint> {
        numbers.iter().filter_map(|number| self.breakpoints.get(*number).cloned()).collect()
    }

    /// Runs until something is worth a stop, the user breaks in, a goal is reached, or so many instructions were executed.
    fn run_to(&mut self, goals: &[Goal], most: u64) -> Stop {
        let stops = self.stops(goals);
        self.control.set_stops(&stops);
        self.control.pass_here();
        let end = self.control.position().instructions.saturating_add(most);
        let mut is_reached = false;
        loop {
            let left = end.saturating_sub(self.control.position().instructions).min(SLICE);
            let Self { breakpoints, control, told, told_before, arrivals, .. } = self;
            let waits = breakpoints.waits_for_module();
            let run = control.run(left, &mut |moment, occurrence| {
                if is_told_before(told_before.as_ref(), moment, occurrence) {
                    return false;
                }
                remember(told, occurrence);
                let is_module = waits && is_arrival(arrivals, occurrence);
                let is_goal = goals.iter().any(|goal| goal.is_reached(moment, occurrence));
                is_reached |= is_goal;
                breakpoints.judge(moment, occurrence) || is_goal || is_module
            });
            let is_interrupted = (self.is_interrupted)();
            let is_over = self.control.position().instructions >= end;
            if run.end != RunEnd::Budget || is_interrupted || is_over {
                let is_at_goal = is_reached || is_over;
                self.paused = (!is_at_goal).then(|| Paused::Run { goals: goals.to_vec(), end });
                return Stop { is_at_goal, ..self.stop(run, is_interrupted) };
            }
        }
    }

    /// What the stop before cut short is taken up again, as if there had been none.
    pub fn resume(&mut self, lines: &dyn Lines) -> Stop {
        let stop = match self.paused.take() {
            Some(Paused::Run { goals, end }) => {
                let left = end.saturating_sub(self.control.position().instructions);
                self.run_to(&goals, left)
            }
            Some(Paused::Step { thread, before }) => self.step_thread(thread, before),
            None => {
                let run = Run { end: RunEnd::Budget, who: self.control.who(), occurrences: Vec::new() };
                Stop { is_at_goal: true, ..self.stop(run, false) }
            }
        };
        self.resume_line(lines, stop)
    }

    /// What is done next is a new motion.
    pub fn begin(&mut self) {
        (self.paused, self.line) = (None, None);
    }

    /// Goes on.
    pub fn go(&mut self) -> Stop {
        self.current = None;
        self.run_to(&[], u64::MAX)
    }

    /// Executes so many instructions, all threads together.
    pub fn run_for(&mut self, instructions: u64) -> Stop {
        self.current = None;
        self.run_to(&[], instructions)
    }

    /// Goes on to an instruction, in any thread, of one process or any.
    pub fn go_to(&mut self, va: Va, process: Option<u32>) -> Stop {
        self.current = None;
        self.run_to(&[Goal { va, process, thread: None, sp: 0 }], u64::MAX)
    }

    /// Executes one instruction of the chosen thread, and whatever others do meanwhile.
    pub fn step_into(&mut self) -> Stop {
        let Some(thread) = self.chosen_thread() else { return self.run_for(1) };
        let before = self.control.executed_by(thread);
        self.in_thread(|session| session.step_thread(thread, before))
    }

    /// Goes on until a thread has executed something since it had executed so much.
    fn step_thread(&mut self, thread: ThreadId, before: Option<u64>) -> Stop {
        let stops = self.stops(&[]);
        self.control.set_stops(&stops);
        self.control.pass_here();
        loop {
            let Self { breakpoints, control, told, told_before, arrivals, .. } = self;
            let waits = breakpoints.waits_for_module();
            let run = control.step(thread, SLICE, &mut |moment, occurrence| {
                if is_told_before(told_before.as_ref(), moment, occurrence) {
                    return false;
                }
                remember(told, occurrence);
                let is_module = waits && is_arrival(arrivals, occurrence);
                breakpoints.judge(moment, occurrence) || is_module
            });
            let is_interrupted = (self.is_interrupted)();
            let is_at_goal = self.control.executed_by(thread) != before;
            if run.end != RunEnd::Budget || is_interrupted || is_at_goal {
                self.paused = (!is_at_goal).then_some(Paused::Step { thread, before });
                return Stop { is_at_goal, ..self.stop(run, is_interrupted) };
            }
        }
    }

    /// The same, but a call or a repeated instruction is executed as a whole.
    pub fn step_over(&mut self) -> Stop {
        match self.whole_call() {
            Some(goal) => self.in_thread(|session| session.run_to(&[goal], u64::MAX)),
            None => self.step_into(),
        }
    }

    /// Where the call at the next instruction of the thread comes back to.
    fn whole_call(&mut self) -> Option<Goal> {
        let (thread, pc, sp) = self.registers()?;
        let mut bytes = [0; LONGEST];
        let read = self.read(thread, pc, &mut bytes);
        let site = call_at(pc, &bytes[..read])?;
        Some(Goal::of_thread(site.next, thread, sp))
    }

    /// The instruction behind the call that is next.
    pub(super) fn call_return(&mut self) -> Option<Va> {
        self.whole_call().map(|goal| goal.va)
    }

    /// Thread, EIP and ESP of the chosen thread.
    pub fn registers(&mut self) -> Option<(ThreadId, Va, u32)> {
        let thread = self.chosen_thread()?;
        let target = self.control.target();
        let registers = registers_of(&*target, thread)?;
        Some((thread, registers.0, registers.1))
    }

    /// Reads memory of a thread's process; how many bytes from the front.
    fn read(&mut self, thread: ThreadId, va: Va, bytes: &mut [u8]) -> usize {
        let target = self.control.target();
        let Some(process) = process_of(&*target, thread) else { return 0 };
        target.space(process).map_or(0, |space| space.read_available(va, bytes))
    }

    /// Goes on until the thread is back at a return address, with that function's arguments taken or not.
    pub fn step_out(&mut self, return_address: Va) -> Stop {
        let Some((thread, _, sp)) = self.registers() else { return self.run_for(1) };
        let goal = Goal::of_thread(return_address, thread, sp.saturating_add(4));
        self.in_thread(|session| session.run_to(&[goal], u64::MAX))
    }

    /// Lets all other threads of the chosen thread's process wait; those that do now, for [`Session::thaw`]. It changes
    /// the machine: the past forks here.
    pub fn freeze_others(&mut self) -> Vec<ThreadId> {
        let Some(thread) = self.chosen_thread() else { return Vec::new() };
        let target = self.control.target();
        let of_process = process_of(&*target, thread).and_then(|process| target.processes().get(process.0));
        let all = of_process.map(|process| process.threads.as_slice()).unwrap_or_default();
        let others: Vec<ThreadId> = all.iter().map(|thread| thread.id).filter(|id| *id != thread).collect();
        drop(target);
        self.current = Some(thread);
        others.into_iter().filter(|id| self.control.freeze(*id, true)).collect()
    }

    /// Lets threads go on.
    pub fn thaw(&mut self, threads: &[ThreadId]) {
        for id in threads {
            self.control.freeze(*id, false);
        }
    }

    /// Does something in the chosen thread, which stays the chosen one unless another one stops.
    fn in_thread(&mut self, motion: impl FnOnce(&mut Self) -> Stop) -> Stop {
        self.current = self.chosen_thread();
        let thread = self.current;
        let stop = motion(self);
        let is_other = !stop.hit.is_empty() || !stop.is_at_goal && !stop.occurrences.is_empty();
        self.current = thread.filter(|_| !is_other);
        stop
    }

    /// Goes back to what the thread's run met last.
    pub fn go_back(&mut self) -> Stop {
        self.current = None;
        self.back_to(&[], None)
    }

    fn back_to(&mut self, goals: &[Goal], exact_sp: Option<u32>) -> Stop {
        self.told_before = None;
        let stops = self.stops(goals);
        self.control.set_stops(&stops);
        // Hits that are met on the way do not count: nobody sees them.
        let counts: Vec<(u32, u64)> =
            self.breakpoints.all().iter().map(|breakpoint| (breakpoint.number, breakpoint.hits)).collect();
        let Self { breakpoints, control, .. } = self;
        let Some(history) = control.history() else { return self.no_history() };
        let run = history.run_back(&mut |moment, occurrence| {
            let is_goal = goals.iter().any(|goal| match exact_sp {
                Some(sp) => goal.is_reached(moment, occurrence) && moment.register(SP) == sp,
                None => goal.is_reached(moment, occurrence),
            });
            breakpoints.judge(moment, occurrence) || is_goal
        });
        let is_interrupted = history.was_interrupted();
        self.breakpoints.take_hit();
        for (number, hits) in counts {
            if let Some(breakpoint) = self.breakpoints.get_mut(number) {
                breakpoint.hits = hits;
            }
        }
        let mut stop = self.stop(run, is_interrupted);
        stop.hit = self.hit_by(&stop.occurrences);
        stop.breakpoints = self.known(&stop.hit);
        stop
    }

    /// The breakpoints that what was met is for.
    fn hit_by(&self, occurrences: &[Occurrence]) -> Vec<u32> {
        let mut hit = Vec::new();
        for occurrence in occurrences {
            match occurrence {
                Occurrence::Code { numbers, .. } => hit.extend(numbers.iter().filter(|number| **number != OWN)),
                Occurrence::Data(touch) => hit.push(touch.number),
                Occurrence::Kernel(event) => {
                    hit.extend(self.breakpoints.all().iter().filter_map(|breakpoint| match &breakpoint.kind {
                        BreakpointKind::Event(kind, filter) => {
                            (*kind == event.what.kind() && filter.is_for(event)).then_some(breakpoint.number)
                        }
                        _ => None,
                    }));
                }
            }
        }
        hit
    }

    fn no_history(&mut self) -> Stop {
        let end = RunEnd::Broken("no history is kept: the past cannot be gone to".to_owned());
        let (occurrences, hit, breakpoints) = (Vec::new(), Vec::new(), Vec::new());
        let who = self.control.who();
        Stop { end, who, occurrences, hit, breakpoints, is_interrupted: false, is_at_goal: false }
    }

    /// Goes back by one instruction of the chosen thread.
    pub fn step_back(&mut self) -> Stop {
        self.told_before = None;
        let thread = self.chosen_thread().unwrap_or(ThreadId(0));
        let Some(history) = self.control.history() else { return self.no_history() };
        let run = history.step_back(thread);
        self.current = Some(thread).filter(|thread| thread.0 != 0);
        self.stop(run, false)
    }

    /// The same, but a call that was made is gone back over as a whole.
    pub fn step_back_over(&mut self) -> Stop {
        let Some((thread, pc, sp)) = self.registers() else { return self.step_back() };
        let stop = self.step_back();
        let Some((_, _, before)) = self.registers() else { return stop };
        // Behind a call the stack pointer is where it was; the instruction before was a return, below it.
        let calls = {
            let target = self.control.target();
            let space = process_of(&*target, thread).and_then(|process| target.space(process));
            let read = |va: Va, bytes: &mut [u8]| {
                space.is_some_and(|space: &dyn AddressSpace| space.read_available(va, bytes) == bytes.len())
            };
            calls_before(pc, &read)
        };
        if before >= sp || calls.is_empty() || self.registers().is_some_and(|(_, now, _)| calls.contains(&now)) {
            return stop;
        }
        let goals: Vec<Goal> = calls.iter().map(|va| Goal::of_thread(*va, thread, 0)).collect();
        self.back_to(&goals, None)
    }

    /// Goes to a moment that was reached already; whether it is there.
    pub fn travel(&mut self, position: Position) -> bool {
        (self.current, self.told_before) = (None, None);
        let stops = self.stops(&[]);
        self.control.set_stops(&stops);
        self.control.history().is_some_and(|history| history.go_to(position))
    }

    /// Who last wrote bytes before now, and whether the user broke that off.
    pub fn who_wrote(&mut self, place: &DataPlace) -> (Option<Writer>, bool) {
        let Some(history) = self.control.history() else { return (None, false) };
        let writer = history.last_write(place);
        (writer, history.was_interrupted())
    }
}

/// Whether a module came: its image was mapped, or executes its first instruction. A loader lists a module after it
/// mapped it and before it calls it; that page was not touched before, so it is a page fault.
fn is_arrival(arrivals: &mut Vec<Va>, occurrence: &Occurrence) -> bool {
    /// Images that are remembered.
    const MOST: usize = 64;
    /// Bytes in which an image's first instruction is looked for.
    const IMAGE: u64 = 1 << 24;
    let Occurrence::Kernel(event) = occurrence else { return false };
    match &event.what {
        What::ModuleLoad { base, .. } => {
            if arrivals.len() < MOST {
                arrivals.push(*base);
            }
            true
        }
        What::PageFault { pc, .. } => {
            let place = arrivals.iter().position(|base| pc.0.checked_sub(base.0).is_some_and(|offset| offset < IMAGE));
            place.map(|place| arrivals.swap_remove(place)).is_some()
        }
        _ => false,
    }
}

/// Whether the user was told of an occurrence before it was over.
fn is_told_before(told: Option<&(Position, Vec<Occurrence>)>, moment: &dyn Moment, occurrence: &Occurrence) -> bool {
    told.is_some_and(|(position, told)| *position == moment.position() && told.contains(occurrence))
}

/// Keeps what is printed for the debugger.
fn remember(told: &mut Vec<KernelEvent>, occurrence: &Occurrence) {
    const MOST: usize = 1000;
    if let Occurrence::Kernel(event) = occurrence
        && matches!(event.what, What::DebugOutput { .. })
        && told.len() < MOST
    {
        told.push(event.clone());
    }
}

/// The process of a thread.
pub(super) fn process_of(target: &dyn Target, thread: ThreadId) -> Option<ProcessIndex> {
    target.processes().iter().position(|process| process.thread(thread).is_some()).map(ProcessIndex)
}

fn registers_of(target: &dyn Target, thread: ThreadId) -> Option<(Va, u32)> {
    let process = target.processes().get(process_of(target, thread)?.0)?;
    let registers = process.thread(thread)?.sides.iter().find_map(|side| side.registers.as_ref())?;
    Some((registers.pc, u32::try_from(registers.sp.0).ok()?))
}
