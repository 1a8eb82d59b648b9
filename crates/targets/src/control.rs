//! A machine under control: it runs, and between runs it is looked at as any other target.

use crate::ce_machine::ce_machine_target;
use crate::machine::machine_target;
use std::fmt;
use std::rc::Rc;
use vatlas_machine::control::{Controlled, Recorder, step};
use vatlas_machine::{ce, nt};
use vatlas_space::control::{
    Control, DataPlace, History, HistorySize, Judge, Position, Run, RunEnd, Stops, Who, Writer,
};
use vatlas_space::{Pa, Target, ThreadId, Va};

/// General registers in the order of their numbers, then EIP and EFLAGS.
const REGISTERS: [&str; 10] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "efl"];

/// A kernel that can be looked at while it is stopped.
pub trait Shown: Controlled + Sized + 'static {
    /// The stopped machine as a target.
    fn shown(kernel: &Rc<Self>, name: &str) -> Rc<dyn Target>;
}

impl Shown for nt::System {
    fn shown(kernel: &Rc<Self>, name: &str) -> Rc<dyn Target> {
        Rc::new(machine_target(kernel, name))
    }
}

impl Shown for ce::Device {
    fn shown(kernel: &Rc<Self>, name: &str) -> Rc<dyn Target> {
        Rc::new(ce_machine_target(kernel, name))
    }
}

/// Gives a console that waits a line; what it is given is the host's matter.
pub type GiveInput = Box<dyn FnMut(&[u8])>;

/// A machine that somebody controls.
pub struct MachineControl<K: Shown> {
    kernel: Rc<K>,
    name: String,
    recorder: Option<Recorder<K>>,
    give_input: GiveInput,
    /// The target of this moment.
    shown: Option<Rc<dyn Target>>,
}

impl<K: Shown> fmt::Debug for MachineControl<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineControl").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<K: Shown> MachineControl<K> {
    /// Control over a machine that runs a program of this name; with its past or without.
    pub fn new(mut kernel: K, name: &str, has_history: bool, give_input: GiveInput) -> Self {
        let recorder = has_history.then(|| Recorder::new(&mut kernel));
        Self { kernel: Rc::new(kernel), name: name.to_owned(), recorder, give_input, shown: None }
    }

    /// The machine, when nobody looks at it any more.
    fn parts(&mut self) -> Option<(&mut K, Option<&mut Recorder<K>>)> {
        self.shown = None;
        Some((Rc::get_mut(&mut self.kernel)?, self.recorder.as_mut()))
    }

    fn ended(&mut self, end: RunEnd) -> Run {
        let Some((kernel, _)) = self.parts() else { return in_use() };
        let occurrences = kernel.take_occurrences();
        Run { end, who: kernel.who(kernel.processor()), occurrences }
    }

    /// Changes something of the machine from outside: the past forks there.
    fn change<R>(&mut self, change: impl FnOnce(&mut K) -> R) -> Option<R> {
        let (kernel, mut recorder) = self.parts()?;
        if let Some(recorder) = recorder.as_deref_mut() {
            recorder.fork(kernel);
        }
        let result = change(kernel);
        if let Some(recorder) = recorder {
            recorder.forked(kernel);
        }
        Some(result)
    }
}

/// Somebody kept a target.
fn in_use() -> Run {
    let end = RunEnd::Broken("somebody still looks at the stopped machine".to_owned());
    Run { end, who: Who::default(), occurrences: Vec::new() }
}

impl<K: Shown> Control for MachineControl<K> {
    fn target(&mut self) -> Rc<dyn Target> {
        if let Some(shown) = &self.shown {
            return Rc::clone(shown);
        }
        if let Some((kernel, _)) = self.parts() {
            kernel.show();
        }
        let shown = K::shown(&self.kernel, &self.name);
        self.shown = Some(Rc::clone(&shown));
        shown
    }

    fn position(&self) -> Position {
        self.kernel.position()
    }

    fn who(&self) -> Who {
        self.kernel.who(self.kernel.processor())
    }

    fn running(&self) -> Vec<Who> {
        (0..self.kernel.computer().processors.len()).map(|processor| self.kernel.who(processor)).collect()
    }

    fn executed_by(&self, thread: ThreadId) -> Option<u64> {
        self.kernel.executed_by(thread.0)
    }

    fn set_stops(&mut self, stops: &Stops) {
        if let Some((kernel, _)) = self.parts() {
            kernel.set_stops(stops);
        }
    }

    fn pass_here(&mut self) {
        if let Some((kernel, _)) = self.parts() {
            kernel.pass_here();
        }
    }

    fn run(&mut self, instructions: u64, judge: &mut Judge<'_>) -> Run {
        let Some((kernel, recorder)) = self.parts() else { return in_use() };
        let end = match recorder {
            Some(recorder) => recorder.run(kernel, instructions, judge),
            None => kernel.run_judged(instructions, judge),
        };
        self.ended(end)
    }

    fn step(&mut self, thread: ThreadId, most: u64, judge: &mut Judge<'_>) -> Run {
        let Some((kernel, recorder)) = self.parts() else { return in_use() };
        let end = match recorder {
            Some(recorder) => recorder.step(kernel, thread.0, most, judge),
            None => step(kernel, thread.0, most, judge),
        };
        self.ended(end)
    }

    fn set_register(&mut self, thread: ThreadId, name: &str, value: u32) -> bool {
        let Some(number) = REGISTERS.iter().position(|known| known.eq_ignore_ascii_case(name)) else { return false };
        self.change(|kernel| kernel.set_register(thread.0, number as u8, value)).unwrap_or(false)
    }

    fn freeze(&mut self, thread: ThreadId, is_frozen: bool) -> bool {
        self.change(|kernel| kernel.freeze(thread.0, is_frozen)).unwrap_or(false)
    }

    fn write(&mut self, process: u32, va: Va, bytes: &[u8]) -> usize {
        self.change(|kernel| write(kernel, process, va, bytes)).unwrap_or(0)
    }

    fn input(&mut self, bytes: &[u8]) {
        (self.give_input)(bytes);
    }

    fn history(&mut self) -> Option<&mut dyn History> {
        if self.recorder.is_some() { Some(self) } else { None }
    }
}

/// Writes what is in physical memory, whatever its protection. A page that processes share is changed for all of them.
fn write<K: Controlled>(kernel: &mut K, process: u32, va: Va, bytes: &[u8]) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let at = va.checked_add(done as u64).and_then(|va| u32::try_from(va.0).ok());
        let Some((at, (pa, _))) = at.and_then(|at| Some((at, kernel.find(process, at)?))) else { break };
        let length = (0x1000 - (at as usize & 0xfff)).min(bytes.len() - done);
        if !kernel.computer_mut().board.ram.write(Pa(pa.into()), &bytes[done..done + length]) {
            break;
        }
        done += length;
    }
    kernel.computer_mut().board.take_touches();
    done
}

impl<K: Shown> History for MachineControl<K> {
    fn size(&self) -> HistorySize {
        let now = self.kernel.position();
        let none = HistorySize { first: now, last: now, states: 0, bytes: 0, limit: 0 };
        self.recorder.as_ref().map_or(none, Recorder::size)
    }

    fn set_limit(&mut self, bytes: u64) {
        if let Some(recorder) = &mut self.recorder {
            recorder.set_limit(bytes);
        }
    }

    fn go_to(&mut self, position: Position) -> bool {
        let Some((kernel, Some(recorder))) = self.parts() else { return false };
        if position.entry == 0 {
            return recorder.step_back_to(kernel, position.instructions) == RunEnd::Stopped;
        }
        recorder.go_to(kernel, position)
    }

    fn set_interrupt(&mut self, interrupt: Rc<dyn Fn() -> bool>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.set_interrupt(interrupt);
        }
    }

    fn was_interrupted(&self) -> bool {
        self.recorder.as_ref().is_some_and(Recorder::was_interrupted)
    }

    fn fork(&mut self) -> bool {
        let Some((kernel, Some(recorder))) = self.parts() else { return false };
        let had_future = recorder.fork(kernel);
        recorder.forked(kernel);
        had_future
    }

    fn run_back(&mut self, judge: &mut Judge<'_>) -> Run {
        let Some((kernel, Some(recorder))) = self.parts() else { return in_use() };
        let (end, occurrences) = recorder.run_back(kernel, judge);
        Run { end, who: kernel.who(kernel.processor()), occurrences }
    }

    fn step_back(&mut self, thread: ThreadId) -> Run {
        let Some((kernel, Some(recorder))) = self.parts() else { return in_use() };
        let end = recorder.step_back(kernel, thread.0);
        Run { end, who: kernel.who(kernel.processor()), occurrences: Vec::new() }
    }

    fn last_write(&mut self, place: &DataPlace) -> Option<Writer> {
        let (kernel, recorder) = self.parts()?;
        recorder?.last_write(kernel, place)
    }
}
