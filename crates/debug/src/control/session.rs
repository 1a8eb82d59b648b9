//! A session: goes, steps, and goes back, until something is worth telling.

use super::breakpoints::{Breakpoint, BreakpointKind, Breakpoints};
use super::call_instruction::{call_at, calls_before};
use vatlas_space::control::{
    CodePlace, Control, DataPlace, KernelEvent, Moment, Occurrence, Position, Run, RunEnd, Stops, What, Who, Writer,
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
    is_interrupted: Box<dyn Fn() -> bool>,
    /// What was printed for the debugger and what was loaded while nobody stopped for it.
    told: Vec<KernelEvent>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("breakpoints", &self.breakpoints).finish_non_exhaustive()
    }
}

/// A place that a motion goes to: an instruction in a thread, with ESP not below a value.
#[derive(Clone, Copy, Debug)]
struct Goal {
    va: Va,
    thread: u32,
    sp: u32,
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
    pub fn new(control: Box<dyn Control>, is_interrupted: Box<dyn Fn() -> bool>) -> Self {
        Self { control, breakpoints: Breakpoints::default(), thread: None, is_interrupted, told: Vec::new() }
    }

    /// The machine.
    pub fn control(&mut self) -> &mut dyn Control {
        &mut *self.control
    }

    /// The thread that the user looks at: the one chosen, or that which stopped.
    pub fn chosen_thread(&self) -> Option<ThreadId> {
        self.thread.or_else(|| Some(self.control.who().thread).filter(|id| *id != 0).map(ThreadId))
    }

    /// What was told without a stop since this was asked last.
    pub fn take_told(&mut self) -> Vec<KernelEvent> {
        std::mem::take(&mut self.told)
    }

    fn stops(&self, goals: &[Goal]) -> Stops {
        let mut stops = self.breakpoints.stops();
        let own = |goal: &Goal| CodePlace { number: OWN, va: goal.va, process: None, thread: Some(goal.thread) };
        stops.code.extend(goals.iter().map(own));
        stops.events = stops.events.with(vatlas_space::control::EventKind::DebugOutput);
        stops
    }

    fn stop(&mut self, run: Run, is_interrupted: bool) -> Stop {
        let hit = self.breakpoints.take_hit();
        let breakpoints = self.known(&hit);
        for number in &hit {
            if self.breakpoints.get(*number).is_some_and(|breakpoint| breakpoint.is_once) {
                self.breakpoints.remove(*number);
            }
        }
        Stop { end: run.end, who: run.who, occurrences: run.occurrences, hit, breakpoints, is_interrupted }
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
        loop {
            let left = end.saturating_sub(self.control.position().instructions).min(SLICE);
            let Self { breakpoints, control, told, .. } = self;
            let waits = breakpoints.waits_for_module();
            let run = control.run(left, &mut |moment, occurrence| {
                remember(told, occurrence);
                let is_module = waits && is_load(occurrence);
                let is_goal = goals.iter().any(|goal| goal.is_reached(moment, occurrence));
                breakpoints.judge(moment, occurrence) || is_goal || is_module
            });
            let is_interrupted = (self.is_interrupted)();
            let is_over = self.control.position().instructions >= end;
            if run.end != RunEnd::Budget || is_interrupted || is_over {
                return self.stop(run, is_interrupted);
            }
        }
    }

    /// Goes on.
    pub fn go(&mut self) -> Stop {
        self.run_to(&[], u64::MAX)
    }

    /// Executes so many instructions, all threads together.
    pub fn run_for(&mut self, instructions: u64) -> Stop {
        self.run_to(&[], instructions)
    }

    /// Goes on to an instruction, in any thread.
    pub fn go_to(&mut self, va: Va) -> Stop {
        let number = self
            .breakpoints
            .add(Breakpoint { is_once: true, ..Breakpoint::new(BreakpointKind::Code(Some(va)), va.to_string()) });
        let mut stop = self.go();
        self.breakpoints.remove(number);
        // It is not one of the user's.
        stop.hit.retain(|hit| *hit != number);
        stop.breakpoints.retain(|hit| hit.number != number);
        stop
    }

    /// Executes one instruction of the chosen thread, and whatever others do meanwhile.
    pub fn step_into(&mut self) -> Stop {
        let Some(thread) = self.chosen_thread() else { return self.run_for(1) };
        let stops = self.stops(&[]);
        self.control.set_stops(&stops);
        self.control.pass_here();
        let before = self.control.executed_by(thread);
        loop {
            let Self { breakpoints, control, told, .. } = self;
            let run = control.step(thread, SLICE, &mut |moment, occurrence| {
                remember(told, occurrence);
                breakpoints.judge(moment, occurrence)
            });
            let is_interrupted = (self.is_interrupted)();
            if run.end != RunEnd::Budget || is_interrupted || self.control.executed_by(thread) != before {
                return self.stop(run, is_interrupted);
            }
        }
    }

    /// The same, but a call or a repeated instruction is executed as a whole.
    pub fn step_over(&mut self) -> Stop {
        match self.whole_call() {
            Some(goal) => self.run_to(&[goal], u64::MAX),
            None => self.step_into(),
        }
    }

    /// Where the call at the next instruction of the thread comes back to.
    fn whole_call(&mut self) -> Option<Goal> {
        let (thread, pc, sp) = self.registers()?;
        let mut bytes = [0; LONGEST];
        let read = self.read(thread, pc, &mut bytes);
        let site = call_at(pc, &bytes[..read])?;
        Some(Goal { va: site.next, thread: thread.0, sp })
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
        self.run_to(&[Goal { va: return_address, thread: thread.0, sp: sp.saturating_add(4) }], u64::MAX)
    }

    /// Goes back to what the thread's run met last.
    pub fn go_back(&mut self) -> Stop {
        self.back_to(&[], None)
    }

    fn back_to(&mut self, goals: &[Goal], exact_sp: Option<u32>) -> Stop {
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
        self.breakpoints.take_hit();
        for (number, hits) in counts {
            if let Some(breakpoint) = self.breakpoints.get_mut(number) {
                breakpoint.hits = hits;
            }
        }
        let mut stop = self.stop(run, false);
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
        Stop { end, who: self.control.who(), occurrences, hit, breakpoints, is_interrupted: false }
    }

    /// Goes back by one instruction of the chosen thread.
    pub fn step_back(&mut self) -> Stop {
        let thread = self.chosen_thread().unwrap_or(ThreadId(0));
        let Some(history) = self.control.history() else { return self.no_history() };
        let run = history.step_back(thread);
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
        let goals: Vec<Goal> = calls.iter().map(|va| Goal { va: *va, thread: thread.0, sp: 0 }).collect();
        self.back_to(&goals, None)
    }

    /// Goes to a moment that was reached already; whether it is there.
    pub fn travel(&mut self, position: Position) -> bool {
        let stops = self.stops(&[]);
        self.control.set_stops(&stops);
        self.control.history().is_some_and(|history| history.go_to(position))
    }

    /// Who last wrote bytes before now.
    pub fn who_wrote(&mut self, place: &DataPlace) -> Option<Writer> {
        self.control.history()?.last_write(place)
    }
}

fn is_load(occurrence: &Occurrence) -> bool {
    matches!(occurrence, Occurrence::Kernel(KernelEvent { what: What::ModuleLoad { .. }, .. }))
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
