//! What is said when the machine stops: why, where, and whatever views are on.

use super::{console::shown, debugger::Debugger};
use crate::{draw::text::printable, open::Opened, output::Output, source_text::SourceText};
use vatlas_debug::{
    control::{BreakpointKind, Stop},
    disassembly::{Instruction, disassemble, disassemble_arm},
    symbolize::Symbolizer,
};
use vatlas_space::{
    Machine, ProcessIndex, Va,
    control::{DataTouch, KernelEvent, Occurrence, RunEnd, TouchedBy, What, Who},
};

/// Bytes of the longest instruction.
const LONGEST: usize = 16;

impl Debugger {
    /// Says why the machine stopped.
    pub fn tell_stop(&mut self, stop: &Stop, output: &mut Output) {
        self.tell_output(output);
        for text in self.reasons(stop) {
            output.line(&printable(&text));
        }
        match &stop.end {
            RunEnd::Exited(status) => {
                self.is_program_over = true;
                let text =
                    format!("the program ended with status {status} ({status:#x}); 'g-', 't-' and 'goto' go back");
                output.line(&text);
            }
            RunEnd::Deadlock => {
                self.is_program_over = stop.who.thread == 0;
                output.line("every thread waits for something that nobody will bring");
            }
            RunEnd::NeedsInput => {
                output.line("a thread waits for input: 'input TEXT' gives it a line, 'input' alone ends it");
            }
            RunEnd::HistoryBegins => output.line("the history begins here"),
            RunEnd::Broken(why) => output.line(&printable(why)),
            RunEnd::Budget | RunEnd::Stopped => {}
        }
        if stop.is_interrupted {
            output.line("broken in");
        }
    }

    /// Shows what the program printed.
    pub fn tell_output(&mut self, output: &mut Output) {
        let printed = std::mem::take(&mut self.streams.borrow_mut().output);
        for line in shown(&printed) {
            output.line(&line);
        }
        let told = self.session.as_mut().map(vatlas_debug::control::Session::take_told).unwrap_or_default();
        for event in told {
            output.line(&printable(&self.event(&event)));
        }
    }

    /// Why it stopped, a line for each reason.
    fn reasons(&mut self, stop: &Stop) -> Vec<String> {
        let mut reasons = Vec::new();
        for occurrence in &stop.occurrences {
            match occurrence {
                Occurrence::Code { .. } => {}
                Occurrence::Data(touch) => reasons.push(self.touch(touch)),
                Occurrence::Kernel(event) => reasons.push(self.event(event)),
            }
        }
        let hit = stop.breakpoints.iter().filter(|breakpoint| stop.hit.contains(&breakpoint.number));
        let code = hit.filter(|breakpoint| matches!(breakpoint.kind, BreakpointKind::Code(_)));
        reasons.extend(code.map(|hit| format!("breakpoint {}: {}{}", hit.number, hit.text, times(hit.hits))));
        reasons
    }

    /// Who touched what, the values before and after.
    pub fn touch(&mut self, touch: &DataTouch) -> String {
        let found = self.session.as_ref().and_then(|session| session.breakpoints.get(touch.number).cloned());
        let (text, hits) = found.map_or_else(Default::default, |found| (found.text, times(found.hits)));
        let verb = if touch.is_write { "written" } else { "read" };
        let after = self.value_of(touch);
        let values = match (touch.is_write, &after) {
            (true, Some(after)) => format!(": {} -> {after}", value(&touch.before)),
            _ => format!(": {}", value(&touch.before)),
        };
        let by = self.toucher(touch);
        format!("breakpoint {}: {}{values}, {by}{hits}", touch.number, told_place(&text, touch) + verb)
    }

    /// In words who it was.
    pub fn toucher(&mut self, touch: &DataTouch) -> String {
        match touch.by {
            TouchedBy::Instruction(va) => {
                let pc = self.instruction_before(touch.pc);
                format!("by {} through {:#010x}", self.named(pc), va.0)
            }
            TouchedBy::TableWalk => "by the processor, which marks page-table entries".to_owned(),
            TouchedBy::Kernel => format!("by the kernel, entered at {}", self.named(touch.pc)),
            TouchedBy::Mapping => "by nobody: another page is mapped there now".to_owned(),
        }
    }

    /// The instruction whose end an address is; the address itself where that cannot be told.
    fn instruction_before(&mut self, pc: Va) -> Va {
        let pc_before = |bytes: &[u8], first: Va| {
            let all = disassemble(Machine::X86, first, bytes, LONGEST);
            all.iter().rfind(|one| one.va.0 + one.bytes.len() as u64 == pc.0).map(|one| one.va)
        };
        let read = self.with_opened(|opened, process| {
            let process_of = &opened.target.processes()[process.0];
            let finder = opened.finder()?;
            let names = Symbolizer::new(&finder, &*opened.target, process_of);
            // From the function's beginning instructions are told apart exactly.
            let inside = names.named(Va(pc.0.saturating_sub(1))).filter(|answer| answer.lookup.is_inside);
            let start =
                inside.map_or(Va(pc.0.saturating_sub(8)), |answer| Va(pc.0 - 1 - u64::from(answer.lookup.offset)));
            let mut bytes = vec![0; usize::try_from(pc.0 - start.0).unwrap_or(0).min(1 << 16)];
            let space = opened.target.space(process);
            let count = space.map_or(0, |space| space.read_available(start, &mut bytes));
            let all = disassemble(Machine::X86, start, &bytes[..count], bytes.len());
            let last = all.iter().rfind(|one| one.va.0 + one.bytes.len() as u64 == pc.0).map(|one| one.va);
            Ok(last.or_else(|| pc_before(&bytes[..count], start)).unwrap_or(pc))
        });
        read.unwrap_or(pc)
    }

    /// The bytes of a watched place now.
    fn value_of(&mut self, touch: &DataTouch) -> Option<String> {
        let session = self.session.as_ref()?;
        let kind = &session.breakpoints.get(touch.number)?.kind;
        let BreakpointKind::Data { va, reach, .. } = kind else { return None };
        if *reach == vatlas_space::control::Reach::Physical {
            return None;
        }
        let (va, mut bytes) = (Va(va.0 + u64::from(touch.told_from)), vec![0; touch.before.len()]);
        let process = session.breakpoints.get(touch.number)?.process?;
        let target = self.target().ok()?;
        let is_it = |known: &vatlas_space::Process| known.id.is_some_and(|id| id.0 == process);
        let place = target.processes().iter().position(is_it)?;
        let space = target.space(ProcessIndex(place))?;
        (space.read_available(va, &mut bytes) == bytes.len()).then(|| value(&bytes))
    }

    /// A process in words: its name where it is known, and its id.
    pub fn process_text(&mut self, id: u32) -> String {
        let name = self.target().ok().and_then(|target| {
            let is_it = |process: &&vatlas_space::Process| process.id.is_some_and(|known| known.0 == id);
            target.processes().iter().find(is_it)?.name.clone()
        });
        name.map_or_else(|| format!("process {id}"), |name| format!("{name} ({id})"))
    }

    /// A thread in words.
    pub fn thread_text(&mut self, who: Who) -> String {
        if who.thread == 0 {
            return "nobody".to_owned();
        }
        format!("thread {} of {}", who.thread, self.process_text(who.process))
    }

    /// An event in words.
    pub fn event(&mut self, event: &KernelEvent) -> String {
        match &event.what {
            What::ModuleLoad { base, name } => format!("load: {name} at {:#010x}", base.0),
            What::ModuleUnload { base, name } => format!("unload: {name} at {:#010x}", base.0),
            What::ProcessStart { process, name } => format!("process {process} starts: {name}"),
            What::ProcessEnd { process, name, status } => format!("process {process} ends: {name}, status {status:#x}"),
            What::ThreadStart { process, thread } => {
                format!("thread {thread} starts in {}", self.process_text(*process))
            }
            What::ThreadEnd { process, thread, status } => {
                format!("thread {thread} of {} ends, status {status:#x}", self.process_text(*process))
            }
            What::Exception { code, address, parameters, is_first } => {
                let chance = if *is_first { "first" } else { "second" };
                let parameters: Vec<u64> = parameters.iter().map(|word| u64::from(*word)).collect();
                let words = vatlas_rules::nt::exception::exception_words(*code, &parameters);
                let place = self.named(*address);
                format!("exception {code:#010x} {}, {}, at {place}, {chance} chance", words.name, words.sentence)
            }
            What::SystemCall { name, arguments } => {
                let arguments: Vec<String> = arguments.iter().map(|word| format!("{word:#x}")).collect();
                format!("system call {name}({}) by {}", arguments.join(", "), self.thread_text(event.who))
            }
            What::SystemCallReturn { name, status } => match status {
                Some(status) => format!("system call {name} returns {status:#x} to {}", self.thread_text(event.who)),
                None => format!("system call {name} of {} is not over, or went elsewhere", self.thread_text(event.who)),
            },
            What::PageFault { va, pc, is_write, is_present } => {
                let access = if *is_write { "write to" } else { "read of" };
                let why = if *is_present { "not allowed" } else { "not mapped" };
                format!("page fault: {access} {:#010x}, {why}, by {}", va.0, self.named(*pc))
            }
            What::PageFaultResolved { va, how } => {
                format!("page fault at {:#010x} resolved: {how}; the instruction is tried again", va.0)
            }
            What::ContextSwitch { from, to } => {
                let (from, now) = (self.thread_text(*from), self.thread_text(*to));
                format!("processor {} switches from {from} to {now}", to.processor)
            }
            What::DebugOutput { text } => format!("debug output: {}", text.trim_end()),
        }
    }

    /// Says where the machine is: the thread, the function and line, the next instruction.
    pub fn tell_place(&mut self, output: &mut Output) {
        let Some(session) = &mut self.session else { return };
        let position = session.control().position();
        let who = session.control().who();
        let thread = session.chosen_thread();
        let running = session.control().running();
        let registers = session.registers();
        let text = match thread {
            Some(id) => match running.iter().copied().chain([who]).find(|who| who.thread == id.0) {
                Some(who) => format!("{} on processor {}", self.thread_text(who), who.processor),
                // It waits.
                None => format!("thread {id}"),
            },
            None => format!("nobody on processor {}", who.processor),
        };
        let text = format!("[{position}] {text}");
        output.line(&match &registers {
            Some((_, pc, _)) => printable(&format!("{text}: {}", self.named(*pc))).into_owned(),
            None => text,
        });
        let Some((_, pc, _)) = registers else { return };
        if let Some(line) = self.source_of(pc) {
            output.line(&printable(&line));
        }
        self.instructions(pc, 1, output);
    }

    /// `12:     count++;`, where the source is found.
    fn source_of(&mut self, pc: Va) -> Option<String> {
        let source = SourceText::new(&self.options.source).ok()?;
        let line = self.with_opened(|opened, process| {
            let finder = opened.finder()?;
            let process = &opened.target.processes()[process.0];
            let answer = Symbolizer::new(&finder, &*opened.target, process).named(pc);
            Ok(answer.and_then(|answer| answer.lookup.frames.first()?.line.clone()))
        });
        let line = line.ok()??;
        let text = source.line(&line.file, line.line)?;
        Some(format!("{:>5}: {text}", line.line))
    }

    /// Shows so many instructions; where the next one would be.
    pub fn instructions(&mut self, from: Va, count: usize, output: &mut Output) -> Option<Va> {
        let read = self.with_opened(|opened, process| {
            let mut bytes = vec![0; count.saturating_mul(LONGEST)];
            let space = opened.target.space(process);
            let read = space.map_or(0, |space| space.read_available(from, &mut bytes));
            bytes.truncate(read);
            let all = disassembled(opened, process, from, &bytes, count);
            Ok((bytes.is_empty(), all))
        });
        let (is_nothing, all) = read.ok()?;
        if is_nothing {
            output.line(&format!("{:08x}  ??            not at hand", from.0));
            return None;
        }
        let mut next = None;
        for one in all {
            let digits: String = one.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let to = one.goes_to.filter(|to| to.0 != 0).map(|to| format!("  ; {}", self.named(to))).unwrap_or_default();
            output.line(&printable(&format!("{:08x}  {digits:<16} {}{to}", one.va.0, one.text)));
            next = Some(Va(one.va.0 + one.bytes.len() as u64));
        }
        next
    }
}

/// The instructions of a process, as its processor reads them.
fn disassembled(opened: &Opened, process: ProcessIndex, from: Va, bytes: &[u8], count: usize) -> Vec<Instruction> {
    let Some(process) = opened.target.processes().get(process.0) else { return Vec::new() };
    let of_thread = process.threads.iter().find_map(|thread| Some(thread.registers()?.machine));
    let machine = of_thread.unwrap_or_else(|| opened.target.host().map_or(Machine::X86, |host| host.machine));
    let is_ce = process.layout.is_some_and(|layout| layout.name.is_ce());
    match machine {
        // Windows CE runs code of 4-byte instructions, NT Thumb only.
        Machine::Arm if is_ce && from.is_aligned(4) => disassemble_arm(from, bytes, count),
        machine => disassemble(machine, from, bytes, count),
    }
}

/// `, hit 2 times`; nothing of hits that are not counted, which those backwards are not.
fn times(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => ", hit once".to_owned(),
        count => format!(", hit {count} times"),
    }
}

/// A watched place in words: with how far in it what is told begins, and a space.
pub fn told_place(text: &str, touch: &DataTouch) -> String {
    match touch.told_from {
        0 => format!("{text} "),
        from => format!("{text}+{from:#x} "),
    }
}

/// Bytes as a number, or as bytes where there are more than eight.
pub fn value(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => "not at hand".to_owned(),
        1 | 2 | 4 | 8 => {
            let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            format!("{number:#x}")
        }
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    }
}
