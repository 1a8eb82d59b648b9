//! The table of breakpoints, and what decides in the middle of a run whether one is hit.

use crate::watch::Condition;
use vatlas_space::Va;
use vatlas_space::control::{
    CodePlace, DataPlace, EventKind, EventMask, KernelEvent, Moment, Occurrence, Reach, Stops, What,
};

/// Which events of a kind are meant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// The name of a system call, module or process: with `*` and `?`, in any case.
    pub name: Option<String>,
    /// The code of an exception.
    pub code: Option<u32>,
    /// Only its first chance, or only its second.
    pub is_first: Option<bool>,
}

impl Filter {
    /// Whether an event is meant.
    pub fn is_for(&self, event: &KernelEvent) -> bool {
        let name = match &event.what {
            What::SystemCall { name, .. }
            | What::SystemCallReturn { name, .. }
            | What::ModuleLoad { name, .. }
            | What::ModuleUnload { name, .. }
            | What::ProcessStart { name, .. }
            | What::ProcessEnd { name, .. } => Some(name.as_str()),
            _ => None,
        };
        let is_name = self
            .name
            .as_ref()
            .is_none_or(|wanted| name.is_some_and(|name| matches(wanted, name.rsplit('\\').next().unwrap_or(name))));
        let is_code = match &event.what {
            What::Exception { code, is_first, .. } => {
                self.code.is_none_or(|wanted| wanted == *code) && self.is_first.is_none_or(|wanted| wanted == *is_first)
            }
            _ => self.code.is_none(),
        };
        is_name && is_code
    }
}

/// Whether a text is what a pattern with `*` and `?` means, in any case.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    // Where the last star stood, and how much of the text it took then.
    let (mut at, mut star, mut position) = (0, None, 0);
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[position] => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, position) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// What a breakpoint waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BreakpointKind {
    /// An instruction; `None` until its module is loaded.
    Code(Option<Va>),
    /// Bytes.
    Data {
        /// The first address; with [`Reach::Physical`] a physical one.
        va: Va,
        /// How many.
        length: u32,
        /// Whether reads count.
        reads: bool,
        /// Whether writes count.
        writes: bool,
        /// Whose accesses count.
        reach: Reach,
    },
    /// Something that the kernel tells.
    Event(EventKind, Filter),
}

/// A breakpoint.
#[derive(Clone, Debug)]
pub struct Breakpoint {
    /// Its number.
    pub number: u32,
    /// What it waits for.
    pub kind: BreakpointKind,
    /// What the user wrote.
    pub text: String,
    /// Whether it counts now.
    pub is_enabled: bool,
    /// Only in this process.
    pub process: Option<u32>,
    /// Only in this thread.
    pub thread: Option<u32>,
    /// Only when this holds.
    pub condition: Option<Condition>,
    /// How often it was hit.
    pub hits: u64,
    /// So many hits do not stop.
    pub ignored: u64,
    /// It goes when it stops.
    pub is_once: bool,
    /// Commands that are run when it stops.
    pub commands: Vec<String>,
}

impl Breakpoint {
    /// One that always counts.
    pub const fn new(kind: BreakpointKind, text: String) -> Self {
        Self {
            number: 0,
            kind,
            text,
            is_enabled: true,
            process: None,
            thread: None,
            condition: None,
            hits: 0,
            ignored: 0,
            is_once: false,
            commands: Vec::new(),
        }
    }
}

/// All breakpoints.
#[derive(Clone, Debug, Default)]
pub struct Breakpoints {
    all: Vec<Breakpoint>,
    /// Those that the run stopped for.
    hit: Vec<u32>,
}

impl Breakpoints {
    /// Adds one; its number, the lowest that is free.
    pub fn add(&mut self, breakpoint: Breakpoint) -> u32 {
        let is_free = |number: &u32| self.all.iter().all(|other| other.number != *number);
        let number = (0..).find(is_free).unwrap_or(u32::MAX - 1);
        self.all.push(Breakpoint { number, ..breakpoint });
        number
    }

    /// All of them.
    pub fn all(&self) -> &[Breakpoint] {
        &self.all
    }

    /// One, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Breakpoint> {
        self.all.iter_mut().find(|breakpoint| breakpoint.number == number)
    }

    /// One.
    pub fn get(&self, number: u32) -> Option<&Breakpoint> {
        self.all.iter().find(|breakpoint| breakpoint.number == number)
    }

    /// Takes one away; whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        let before = self.all.len();
        self.all.retain(|breakpoint| breakpoint.number != number);
        self.all.len() < before
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// What a machine has to ask about.
    pub fn stops(&self) -> Stops {
        let mut stops = Stops::default();
        let mut events = EventMask::NONE;
        for breakpoint in self.all.iter().filter(|breakpoint| breakpoint.is_enabled) {
            let number = breakpoint.number;
            match &breakpoint.kind {
                BreakpointKind::Code(Some(va)) => {
                    let (process, thread) = (breakpoint.process, breakpoint.thread);
                    stops.code.push(CodePlace { number, va: *va, process, thread });
                }
                BreakpointKind::Code(None) => events = events.with(EventKind::ModuleLoad),
                BreakpointKind::Data { va, length, reads, writes, reach } => stops.data.push(DataPlace {
                    number,
                    va: *va,
                    length: *length,
                    reads: *reads,
                    writes: *writes,
                    process: breakpoint.process.unwrap_or_default(),
                    reach: *reach,
                }),
                BreakpointKind::Event(kind, _) => events = events.with(*kind),
            }
        }
        stops.events = events;
        stops
    }

    /// Whether a run stops for something. Counts hits.
    pub fn judge(&mut self, moment: &dyn Moment, occurrence: &Occurrence) -> bool {
        let mut is_stop = false;
        for breakpoint in self.all.iter_mut().filter(|breakpoint| breakpoint.is_enabled) {
            if !is_meant(breakpoint, moment, occurrence) {
                continue;
            }
            // What cannot be found out stops: the user then sees why.
            if let Some(condition) = &breakpoint.condition
                && condition.holds(moment) == Some(false)
            {
                continue;
            }
            breakpoint.hits += 1;
            if breakpoint.hits > breakpoint.ignored {
                self.hit.push(breakpoint.number);
                is_stop = true;
            }
        }
        is_stop
    }

    /// Those that the run stopped for since this was asked last.
    pub fn take_hit(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.hit)
    }

    /// Whether a breakpoint waits for a module.
    pub fn waits_for_module(&self) -> bool {
        let is_waiting =
            |breakpoint: &Breakpoint| breakpoint.is_enabled && breakpoint.kind == BreakpointKind::Code(None);
        self.all.iter().any(is_waiting)
    }
}

fn is_meant(breakpoint: &Breakpoint, moment: &dyn Moment, occurrence: &Occurrence) -> bool {
    let who = match occurrence {
        Occurrence::Kernel(event) => event.who,
        _ => moment.who(),
    };
    let is_thread = breakpoint.thread.is_none_or(|thread| thread == who.thread);
    match (&breakpoint.kind, occurrence) {
        (BreakpointKind::Code(Some(_)), Occurrence::Code { numbers, .. }) => numbers.contains(&breakpoint.number),
        (BreakpointKind::Data { .. }, Occurrence::Data(touch)) => touch.number == breakpoint.number && is_thread,
        (BreakpointKind::Event(kind, filter), Occurrence::Kernel(event)) => {
            let is_process = breakpoint.process.is_none_or(|process| process == who.process);
            event.what.kind() == *kind && filter.is_for(event) && is_process && is_thread
        }
        _ => false,
    }
}

#[cfg(test)]
mod pattern_tests {
    use super::*;

    #[test]
    fn patterns() {
        let check =
            |pattern: &str, text: &str, expected: bool| assert_eq!(matches(pattern, text), expected, "{pattern}");
        check("NtCreateFile", "ntcreatefile", true);
        check("Nt*File", "NtOpenFile", true);
        check("Nt*File", "NtOpenFileX", false);
        check("*", "", true);
        check("a*b*c", "a-b-b-c", true);
        check("?x", "x", false);
        check("?x", "ax", true);
    }
}
