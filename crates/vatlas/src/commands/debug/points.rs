//! Breakpoints: set, listed, switched, taken away.

use super::{debugger::Debugger, words};
use crate::{draw::text::printable, failure::Failure, output::Output, table::Table};
use vatlas_debug::control::{Breakpoint, BreakpointKind, Filter};
use vatlas_space::{
    Va,
    control::{EventKind, Reach},
};

/// Below it is no kernel's module.
const LOWEST_KERNEL: u64 = 0x8000_0000;

/// Pages that data breakpoints may cover, all together: as many as the machine watches.
const MOST_PAGES: u64 = 1 << 16;

/// Pages that so many bytes may lie in.
fn pages(length: u32) -> u64 {
    u64::from(length.div_ceil(0x1000)) + 1
}

/// Conditions of breakpoints that wait for their modules.
#[derive(Debug, Default)]
pub struct Points {
    /// By number: the condition as it was written.
    waiting: Vec<(u32, Option<String>)>,
}

/// What stands behind the place of a breakpoint.
#[derive(Debug, Default)]
struct Extras {
    condition: Option<String>,
    ignored: u64,
    is_once: bool,
    process: Option<u32>,
    thread: Option<u32>,
    is_everywhere: bool,
    commands: Vec<String>,
    place: Vec<String>,
}

/// `if CONDITION`, `/c`, `/n COUNT`, `/1`, `/p PROCESS`, `/t THREAD`, `/all`, and commands in quotes.
fn extras(rest: &str) -> Result<Extras, Failure> {
    let mut extras = Extras::default();
    let (rest, commands) = quoted_end(rest);
    extras.commands = commands.map(|text| vec![text.to_owned()]).unwrap_or_default();
    let (rest, condition) = match rest.split_once(" if ") {
        Some((rest, condition)) => (rest, Some(condition.trim().to_owned())),
        None => (rest, None),
    };
    extras.condition = condition;
    let mut words = words::split(rest).into_iter();
    while let Some(word) = words.next() {
        let mut number = |what: &str| {
            let value = words.next().as_deref().and_then(words::number);
            value.ok_or_else(|| Failure::usage(format!("{word}: {what} is missing")))
        };
        match word.as_str() {
            "/1" => extras.is_once = true,
            "/all" => extras.is_everywhere = true,
            "/n" => extras.ignored = number("a count")?.saturating_sub(1),
            "/p" => extras.process = Some(number("a process")? as u32),
            "/t" => extras.thread = Some(number("a thread")? as u32),
            _ => extras.place.push(word),
        }
    }
    Ok(extras)
}

/// Text in double quotes at the end.
fn quoted_end(text: &str) -> (&str, Option<&str>) {
    let inner = text.trim_end().strip_suffix('"').and_then(|text| text.rsplit_once('"'));
    inner.map_or((text, None), |(rest, commands)| (rest, Some(commands)))
}

impl Debugger {
    /// `bp PLACE [if CONDITION] [/1] [/n COUNT] [/t THREAD] [/p PROCESS] [/all] ["COMMANDS"]`.
    pub fn set_breakpoint(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let extras = extras(rest)?;
        let text = extras.place.join(" ");
        let mut extras = extras;
        let va = match self.meaning(&text) {
            Ok(meaning) => {
                extras.process = extras.process.or(meaning.process);
                Some(meaning.va)
            }
            // A module that is not loaded yet may bring the name.
            Err(failure) if text.contains('!') || !self.has_program_names() => {
                if text.is_empty() {
                    return Err(failure);
                }
                None
            }
            Err(failure) => return Err(failure),
        };
        let condition = extras.condition.clone();
        self.add(BreakpointKind::Code(va), text, extras, output, va, condition)
    }

    /// Whether the names of the program are known: its modules are listed, not only those of the kernel.
    fn has_program_names(&mut self) -> bool {
        let names = self.with_opened(|opened, process| {
            let process = &opened.target.processes()[process.0];
            Ok(process.modules.iter().any(|module| module.range.first().0 < LOWEST_KERNEL))
        });
        names.unwrap_or(false)
    }

    fn add(
        &mut self,
        kind: BreakpointKind,
        text: String,
        extras: Extras,
        output: &mut Output,
        at: Option<Va>,
        condition: Option<String>,
    ) -> Result<(), Failure> {
        let is_waiting = kind == BreakpointKind::Code(None);
        let compiled = match &condition {
            Some(text) if !is_waiting => Some(self.condition(text, at)?),
            _ => None,
        };
        let of_process = match kind {
            // A module that is not loaded yet may be another process's.
            BreakpointKind::Event(..) | BreakpointKind::Code(None) => extras.process,
            _ if extras.is_everywhere => None,
            _ => extras.process.or_else(|| self.process_id()),
        };
        let breakpoint = Breakpoint {
            process: of_process,
            thread: extras.thread,
            condition: compiled,
            ignored: extras.ignored,
            is_once: extras.is_once,
            commands: extras.commands,
            ..Breakpoint::new(kind, text)
        };
        let number = self.session()?.breakpoints.add(breakpoint);
        if is_waiting {
            self.points.waiting.push((number, condition));
        }
        self.list_breakpoint(number, output);
        Ok(())
    }

    /// `ba w4 PLACE`, `ba r8 PLACE`, with `/alias` by every address, with `/phys` a physical one.
    pub fn set_data_breakpoint(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let (kind, rest) = words::first(rest);
        let usage = || {
            Failure::usage("ba: what is written 'ba w4 PLACE', 'ba r8 PLACE' or 'ba e PLACE'")
                .hint("w: writes, r: reads and writes, e: execution; the number is a count of bytes")
        };
        let letter = kind.chars().next().ok_or_else(usage)?;
        if letter == 'e' {
            return self.set_breakpoint(rest, output);
        }
        if !matches!(letter, 'w' | 'r') {
            return Err(usage());
        }
        let mut reach = Reach::Process;
        let mut rest = rest.to_owned();
        for (word, meant) in [("/alias", Reach::Aliases), ("/phys", Reach::Physical)] {
            if rest.split_whitespace().any(|part| part == word) {
                reach = meant;
                rest = rest.split_whitespace().filter(|part| *part != word).collect::<Vec<_>>().join(" ");
            }
        }
        let extras = extras(&rest)?;
        let text = extras.place.join(" ");
        let meaning = self.meaning(&text)?;
        let length = match kind.get(1..).filter(|digits| !digits.is_empty()) {
            Some(digits) => words::number(digits).ok_or_else(usage)?,
            None => meaning.size.unwrap_or(4),
        };
        let length = u32::try_from(length).ok().filter(|length| *length > 0).ok_or_else(usage)?;
        self.check_watched(length)?;
        let kind = BreakpointKind::Data { va: meaning.va, length, reads: letter == 'r', writes: true, reach };
        let condition = extras.condition.clone();
        let process = extras.process.or(meaning.process);
        let extras = Extras { is_everywhere: false, process, ..extras };
        self.add(kind, text, extras, output, None, condition)
    }

    /// Whether so many bytes more can be watched.
    fn check_watched(&mut self, length: u32) -> Result<(), Failure> {
        let watched = |breakpoint: &Breakpoint| match breakpoint.kind {
            BreakpointKind::Data { length, .. } => pages(length),
            _ => 0,
        };
        let all: u64 = self.session()?.breakpoints.all().iter().map(watched).sum();
        if all + pages(length) > MOST_PAGES {
            let failure = Failure::could_not("data breakpoints cover at most 256 MB, all together");
            return Err(failure.hint("'bl' lists them, 'bc' takes one away"));
        }
        Ok(())
    }

    /// `on EVENT [NAME or CODE] [first|second]`: stops for what the kernel tells.
    pub fn set_event(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let extras = extras(rest)?;
        let Some((word, arguments)) = extras.place.split_first() else {
            let all: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.word()).collect();
            return Err(Failure::usage("on: which event?").hint(all.join(", ")));
        };
        // `ld:name`, as WinDbg has it.
        let (word, name) =
            word.split_once(':').map_or((word.clone(), None), |(word, name)| (word.to_owned(), Some(name)));
        let arguments: Vec<String> = name.map(str::to_owned).into_iter().chain(arguments.iter().cloned()).collect();
        let (word, arguments) = windbg_event(&word).map_or((word.as_str(), arguments.clone()), |(word, code)| {
            let code = code.map(str::to_owned).into_iter();
            (word, code.chain(arguments.iter().cloned()).collect())
        });
        let kind = EventKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let all: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.word()).collect();
            Failure::usage(format!("'{word}' is no event")).hint(all.join(", "))
        })?;
        let mut filter = Filter::default();
        for argument in &arguments {
            match argument.as_str() {
                "first" => filter.is_first = Some(true),
                "second" => filter.is_first = Some(false),
                text if kind == EventKind::Exception => {
                    let code = words::number(text).and_then(|code| u32::try_from(code).ok());
                    filter.code = Some(code.ok_or_else(|| Failure::usage(format!("'{text}' is no exception code")))?);
                }
                text => filter.name = Some(text.to_owned()),
            }
        }
        let text = format!("on {}", extras.place.join(" "));
        let condition = extras.condition.clone();
        self.add(BreakpointKind::Event(kind, filter), text, extras, output, None, condition)
    }

    /// `bl`.
    pub fn list_breakpoints(&mut self, output: &mut Output) -> Result<(), Failure> {
        let numbers: Vec<u32> = self.session()?.breakpoints.all().iter().map(|breakpoint| breakpoint.number).collect();
        if numbers.is_empty() {
            output.line("no breakpoints");
        }
        let table = self.breakpoint_table(&numbers)?;
        output.text(&table.render(output.colour));
        Ok(())
    }

    fn list_breakpoint(&mut self, number: u32, output: &mut Output) {
        if let Ok(table) = self.breakpoint_table(&[number]) {
            output.text(&table.render(output.colour));
        }
    }

    fn breakpoint_table(&mut self, numbers: &[u32]) -> Result<Table, Failure> {
        use crate::table::Side;
        let columns = [
            ("#", Side::Right),
            ("STATE", Side::Left),
            ("WHAT", Side::Left),
            ("WHERE", Side::Left),
            ("ONLY", Side::Left),
            ("HITS", Side::Right),
        ];
        let mut table = Table::new(&columns);
        let all: Vec<Breakpoint> = self.session()?.breakpoints.all().to_vec();
        for breakpoint in all.iter().filter(|breakpoint| numbers.contains(&breakpoint.number)) {
            let state = match breakpoint {
                Breakpoint { is_enabled: false, .. } => "off",
                Breakpoint { kind: BreakpointKind::Code(None), .. } => "waits",
                _ => "on",
            };
            let place = self.place(&breakpoint.kind);
            table.row([
                breakpoint.number.to_string().into(),
                state.into(),
                printable(&breakpoint.text).into_owned().into(),
                printable(&place).into_owned().into(),
                printable(&self.limits(breakpoint)).into_owned().into(),
                breakpoint.hits.to_string().into(),
            ]);
        }
        Ok(table)
    }

    fn place(&mut self, kind: &BreakpointKind) -> String {
        match kind {
            BreakpointKind::Code(Some(va)) => format!("{:#010x} {}", va.0, self.named(*va)),
            BreakpointKind::Code(None) => "its module is not loaded yet".to_owned(),
            BreakpointKind::Data { va, length, reads, reach, .. } => {
                let what = if *reads { "reads and writes" } else { "writes" };
                let by = match reach {
                    Reach::Process => "",
                    Reach::Aliases => ", by every address",
                    Reach::Physical => ", physical",
                };
                format!("{what} of {:#010x}, {length} bytes{by}", va.0)
            }
            BreakpointKind::Event(..) => String::new(),
        }
    }

    fn limits(&self, breakpoint: &Breakpoint) -> String {
        let mut limits = Vec::new();
        limits.extend(breakpoint.process.map(|process| format!("process {process}")));
        limits.extend(breakpoint.thread.map(|thread| format!("thread {thread}")));
        limits.extend(breakpoint.condition.as_ref().map(|condition| format!("if {}", condition.text())));
        let waiting = self.points.waiting.iter().find(|(number, _)| *number == breakpoint.number);
        limits.extend(waiting.and_then(|(_, text)| text.as_ref()).map(|text| format!("if {text}")));
        if breakpoint.ignored > 0 {
            limits.push(format!("from hit {} on", breakpoint.ignored + 1));
        }
        if breakpoint.is_once {
            limits.push("once".to_owned());
        }
        limits.join(", ")
    }

    /// `bc 1`, `bc *`; `bd`, `be`.
    pub fn switch_breakpoints(&mut self, rest: &str, what: Switch) -> Result<(), Failure> {
        let session = self.session()?;
        let all: Vec<u32> = session.breakpoints.all().iter().map(|breakpoint| breakpoint.number).collect();
        let chosen: Vec<u32> = if rest.trim() == "*" {
            all
        } else {
            let number = |word: &str| {
                let number = words::number(word).and_then(|number| u32::try_from(number).ok());
                let number = number.filter(|number| all.contains(number));
                number.ok_or_else(|| Failure::could_not(format!("there is no breakpoint '{word}'")))
            };
            let words: Vec<&str> = rest.split([' ', ',']).filter(|word| !word.is_empty()).collect();
            if words.is_empty() {
                return Err(Failure::usage("which breakpoints? numbers, or * for all"));
            }
            words.into_iter().map(number).collect::<Result<_, _>>()?
        };
        for number in chosen {
            match what {
                Switch::Clear => {
                    session.breakpoints.remove(number);
                }
                Switch::On | Switch::Off => {
                    if let Some(breakpoint) = session.breakpoints.get_mut(number) {
                        breakpoint.is_enabled = what == Switch::On;
                    }
                }
            }
        }
        Ok(())
    }

    /// Breakpoints that waited for a module get their addresses; whether one did.
    pub fn resolve_points(&mut self) -> Result<bool, Failure> {
        let mut came = false;
        for (number, condition) in self.points.waiting.clone() {
            let Some(breakpoint) = self.session()?.breakpoints.get(number).cloned() else {
                self.points.waiting.retain(|(waiting, _)| *waiting != number);
                continue;
            };
            let Some((process, va)) = self.address_anywhere(&breakpoint.text, breakpoint.process)? else { continue };
            let before = self.process.replace(process);
            let condition = condition.map(|text| self.condition(&text, Some(va))).transpose();
            self.process = before;
            let condition = condition?;
            if let Some(breakpoint) = self.session()?.breakpoints.get_mut(number) {
                breakpoint.kind = BreakpointKind::Code(Some(va));
                breakpoint.condition = condition;
                breakpoint.process = Some(process);
                came = true;
            }
            self.points.waiting.retain(|(waiting, _)| *waiting != number);
        }
        Ok(came)
    }

    /// The address that a text stands for in the process that is looked at, or else in any; only in one where one is
    /// meant.
    fn address_anywhere(&mut self, text: &str, only: Option<u32>) -> Result<Option<(u32, Va)>, Failure> {
        let target = self.target()?;
        let mut all: Vec<u32> = target.processes().iter().filter_map(|process| process.id).map(|id| id.0).collect();
        drop(target);
        let here = self.process_id();
        all.sort_by_key(|id| Some(*id) != here);
        let before = self.process;
        let mut found = None;
        for id in all.into_iter().filter(|id| only.is_none_or(|only| only == *id)) {
            self.process = Some(id);
            if let Ok(va) = self.address(text) {
                found = Some((id, va));
                break;
            }
        }
        self.process = before;
        Ok(found)
    }

    /// Whether breakpoints wait for modules.
    pub fn has_pending_points(&self) -> bool {
        !self.points.waiting.is_empty()
    }
}

/// WinDbg's words of events: ours, and the code of an exception.
fn windbg_event(word: &str) -> Option<(&'static str, Option<&'static str>)> {
    let event = |word| Some((word, None));
    let exception = |code| Some(("exception", Some(code)));
    match word {
        "ld" => event("load"),
        "ud" => event("unload"),
        "cpr" => event("process-start"),
        "epr" => event("process-end"),
        "ct" => event("thread-start"),
        "et" => event("thread-end"),
        "out" => event("output"),
        "av" => exception("0xc0000005"),
        "dz" => exception("0xc0000094"),
        "sov" => exception("0xc00000fd"),
        "ii" => exception("0xc000001d"),
        "gp" => exception("0x80000001"),
        "eh" => exception("0xe06d7363"),
        "bpe" => exception("0x80000003"),
        _ => None,
    }
}

/// What is done with breakpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// They go.
    Clear,
    /// They count again.
    On,
    /// They do not count for now.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_place() {
        let extras = extras("app!main /n 3 /t 0x10 if a == 1 \"k; g\"").unwrap();
        assert_eq!(extras.place, ["app!main"]);
        assert_eq!((extras.ignored, extras.thread, extras.condition.as_deref()), (2, Some(16), Some("a == 1")));
        assert_eq!(extras.commands, ["k; g"]);
        assert!(super::extras("x /n").is_err());
    }
}
