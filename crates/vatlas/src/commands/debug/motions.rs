//! Going, stepping, going back: the commands that move the machine.

use super::{debugger::Debugger, source_lines::SourceLines, words};
use crate::{draw::text::printable, failure::Failure, output::Output};
use vatlas_debug::control::{Session, Stop};
use vatlas_space::{
    ThreadId, Va,
    control::{DataPlace, Position, Reach, RunEnd},
};

/// What a motion does with the session.
type Move<'m> = &'m mut dyn FnMut(&mut Session) -> Stop;

impl Debugger {
    /// Moves, and says where it stopped.
    ///
    /// # Errors
    /// There is no control.
    fn motion(&mut self, output: &mut Output, start: Move<'_>) -> Result<(), Failure> {
        self.check_running()?;
        let stop = self.settled(output, start)?;
        self.arrive(&stop, output)
    }

    /// Whether anything can run.
    fn check_running(&mut self) -> Result<(), Failure> {
        if self.is_program_over && self.session()?.control().running().iter().all(|who| who.thread == 0) {
            return Err(Failure::could_not("the program has ended").hint("'g-', 't-' and 'goto' go back"));
        }
        Ok(())
    }

    /// Moves. A stop that only served breakpoints does not end it.
    fn settled(&mut self, output: &mut Output, start: Move<'_>) -> Result<Stop, Failure> {
        self.frame = 0;
        self.process = None;
        let (options, name) = (self.options.clone(), self.name.clone());
        let lines = SourceLines::new(&options, &name);
        self.resolve_points()?;
        output.flush();
        let session = self.session()?;
        session.begin();
        let mut stop = start(session);
        while self.goes_on(&mut stop)? {
            self.tell_output(output);
            stop = self.session()?.resume(&lines);
        }
        Ok(stop)
    }

    /// Says where and why the machine stopped, and does what breakpoints want done.
    fn arrive(&mut self, stop: &Stop, output: &mut Output) -> Result<(), Failure> {
        self.is_program_over = false;
        self.tell_stop(stop, output);
        if !self.is_program_over {
            self.tell_place(output);
        }
        self.refresh(output)?;
        for breakpoint in stop.breakpoints.iter().filter(|breakpoint| stop.hit.contains(&breakpoint.number)) {
            for command in &breakpoint.commands {
                self.run_line(command, output);
            }
        }
        Ok(())
    }

    /// Whether nothing of a stop is for the user: a module came that breakpoints waited for, or a condition that could
    /// not be asked in the middle of the run does not hold.
    fn goes_on(&mut self, stop: &mut Stop) -> Result<bool, Failure> {
        if stop.end != RunEnd::Stopped || stop.is_interrupted {
            return Ok(false);
        }
        let came = self.resolve_points()?;
        let had_hits = !stop.hit.is_empty();
        self.ask_slow_conditions(stop)?;
        let only_loads = !stop.occurrences.is_empty() && stop.occurrences.iter().all(is_arrival);
        let is_nothing = stop.hit.is_empty() && had_hits;
        let is_served = is_nothing || stop.hit.is_empty() && only_loads && (came || self.has_pending_points());
        Ok(is_served && !stop.is_at_goal)
    }

    /// Takes back the hits whose conditions could not be asked in the middle of the run, and do not hold.
    fn ask_slow_conditions(&mut self, stop: &mut Stop) -> Result<(), Failure> {
        let slow: Vec<(u32, String)> = {
            let session = self.session()?;
            let hit = stop.hit.iter().filter_map(|number| session.breakpoints.get(*number));
            let slow = hit.filter_map(|hit| {
                let condition = hit.condition.as_ref().filter(|condition| !condition.is_compiled())?;
                Some((hit.number, condition.text().to_owned()))
            });
            slow.collect()
        };
        for (number, text) in slow {
            if matches!(self.is_true(&text), Ok(false)) {
                stop.hit.retain(|hit| *hit != number);
                if let Some(breakpoint) = self.session()?.breakpoints.get_mut(number) {
                    breakpoint.hits = breakpoint.hits.saturating_sub(1);
                }
            }
        }
        Ok(())
    }

    /// `g`, `g ADDRESS`.
    pub fn go(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let goal = if rest.is_empty() { None } else { Some(self.meaning(rest)?) };
        self.motion(output, &mut |session| match &goal {
            Some(goal) => session.go_to(goal.va, goal.process),
            None => session.go(),
        })
    }

    /// `run COUNT`: so many instructions.
    pub fn run_for(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let count = words::number(rest).ok_or_else(|| Failure::usage("run: how many instructions?"))?;
        self.motion(output, &mut |session| session.run_for(count))
    }

    /// `t`, `t 5`: instructions, into calls.
    pub fn step_into(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        self.steps(rest, output, &mut Session::step_into)
    }

    /// `p`: instructions, over calls.
    pub fn step_over(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        self.steps(rest, output, &mut Session::step_over)
    }

    /// So many steps, unless something else stops one; with `/only` while the other threads of the process wait.
    fn steps(&mut self, rest: &str, output: &mut Output, step: Move<'_>) -> Result<(), Failure> {
        let (count, is_alone) = step_words(rest)?;
        self.check_running()?;
        let frozen = if is_alone { self.freeze_others(output)? } else { Vec::new() };
        let mut stop = self.settled(output, step);
        for _ in 1..count {
            let is_more = |stop: &Stop| stop.hit.is_empty() && !stop.is_interrupted && !is_end(&stop.end);
            if !stop.as_ref().is_ok_and(is_more) {
                break;
            }
            stop = self.settled(output, step);
        }
        self.session()?.thaw(&frozen);
        self.arrive(&stop?, output)
    }

    /// The other threads of the process wait from now on.
    fn freeze_others(&mut self, output: &mut Output) -> Result<Vec<ThreadId>, Failure> {
        let had_future = self.had_future();
        let frozen = self.session()?.freeze_others();
        super::edit::say_fork(had_future && !frozen.is_empty(), output);
        Ok(frozen)
    }

    /// `step`, `next`: lines of source.
    pub fn step_line(&mut self, rest: &str, is_over: bool, is_back: bool, output: &mut Output) -> Result<(), Failure> {
        let (options, name) = (self.options.clone(), self.name.clone());
        let lines = SourceLines::new(&options, &name);
        if is_back {
            return self.steps_back(rest, output, &mut |session| session.step_line_back(&lines, is_over));
        }
        self.steps(rest, output, &mut |session| session.step_line(&lines, is_over))
    }

    /// `gu`: to where this function returns.
    pub fn step_out(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let back = self.return_address()?;
        self.steps(rest, output, &mut |session| session.step_out(back))
    }

    fn return_address(&mut self) -> Result<Va, Failure> {
        let frames = self.frames(2)?;
        let back = frames.get(1).map(|frame| frame.pc);
        back.ok_or_else(|| {
            Failure::could_not("the caller of this function was not found").hint("'k' shows how far the stack is known")
        })
    }

    /// `g-`: back to what was met last.
    pub fn go_back(&mut self, output: &mut Output) -> Result<(), Failure> {
        self.motion_back(output, &mut Session::go_back)
    }

    /// `t-`: back by instructions.
    pub fn step_back(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        self.steps_back(rest, output, &mut Session::step_back)
    }

    /// `p-`: back by instructions, over calls.
    pub fn step_back_over(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        self.steps_back(rest, output, &mut Session::step_back_over)
    }

    /// So many steps back, unless something else stops one.
    fn steps_back(&mut self, rest: &str, output: &mut Output, step: Move<'_>) -> Result<(), Failure> {
        let count = count(rest)?;
        self.motion_back(output, &mut |session| {
            let mut stop = step(session);
            for _ in 1..count {
                if !stop.hit.is_empty() || stop.is_interrupted || is_end(&stop.end) {
                    break;
                }
                stop = step(session);
            }
            stop
        })
    }

    fn motion_back(&mut self, output: &mut Output, start: Move<'_>) -> Result<(), Failure> {
        self.frame = 0;
        self.process = None;
        self.resolve_points()?;
        let mut stop = start(self.session()?);
        while stop.end == RunEnd::Stopped && !stop.hit.is_empty() {
            self.ask_slow_conditions(&mut stop)?;
            if !stop.hit.is_empty() {
                break;
            }
            stop = self.session()?.go_back();
        }
        self.is_program_over = false;
        self.tell_stop(&stop, output);
        self.tell_place(output);
        self.refresh(output)
    }

    /// `goto COUNT`: the moment after so many instructions.
    pub fn go_to_moment(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let instructions = words::number(rest).ok_or_else(|| Failure::usage("goto: after how many instructions?"))?;
        let session = self.session()?;
        let now = session.control().position();
        let Some(size) = session.control().history().map(|history| history.size()) else {
            return Err(Failure::could_not("no history is kept: the past cannot be gone to"));
        };
        if instructions > size.last.instructions {
            let left = instructions - now.instructions;
            return self.motion(output, &mut |session| session.run_for(left));
        }
        if !session.travel(Position { instructions, entry: 0 }) {
            let failure = Failure::could_not(format!("the moment {instructions} is not in the history"));
            return Err(failure.hint(format!("it goes from {} to {}", size.first, size.last)));
        }
        self.frame = 0;
        self.is_program_over = false;
        self.tell_output(output);
        self.tell_place(output);
        self.refresh(output)
    }

    /// `history`, `history 64`: what is kept, and how much may be.
    pub fn history(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let session = self.session()?;
        let now = session.control().position();
        let Some(history) = session.control().history() else {
            output.line("no history is kept");
            return Ok(());
        };
        if let Some(megabytes) = words::number(rest) {
            history.set_limit(megabytes << 20);
        }
        let size = history.size();
        let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
        output.line(&format!(
            "from {} to {}, now {now}; {} states, {} MB of at most {} MB",
            size.first,
            size.last,
            size.states,
            megabytes(size.bytes),
            megabytes(size.limit)
        ));
        Ok(())
    }

    /// `who-wrote EXPRESSION [LENGTH]`.
    pub fn who_wrote(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let arguments = words::split(rest);
        let (text, length) = match arguments.split_last() {
            Some((last, [_, ..]))
                if words::number(last).is_some() && last.chars().all(|letter| letter.is_ascii_digit()) =>
            {
                (arguments[..arguments.len() - 1].join(" "), words::number(last))
            }
            _ => (rest.to_owned(), None),
        };
        let meaning = self.meaning(&text)?;
        let length = length.or(meaning.size).unwrap_or(4).clamp(1, 1 << 20) as u32;
        let process = meaning.process.or_else(|| self.process_id());
        let process = process.ok_or_else(|| Failure::could_not("no process is looked at"))?;
        let place =
            DataPlace { number: 0, va: meaning.va, length, reads: false, writes: true, process, reach: Reach::Aliases };
        let size = self.session()?.control().history().map(|history| history.size());
        let (writer, is_interrupted) = self.session()?.who_wrote(&place);
        let Some(writer) = writer else {
            if is_interrupted {
                output.line("broken in: nothing was found so far");
                return Ok(());
            }
            let first = size.map(|size| size.first.to_string()).unwrap_or_default();
            output.line(&printable(&format!("{text}: not written since the history begins at {first}")));
            return Ok(());
        };
        let who = self.thread_text(writer.who);
        let by = self.toucher(&writer.touch);
        let before = super::stops::value(&writer.touch.before);
        let after = super::stops::value(&writer.after);
        let (at, from) = (super::stops::told_place(&text, &writer.touch), u64::from(writer.touch.told_from));
        output.line(&printable(&format!("{at}at {:#010x}: {before} -> {after}", meaning.va.0 + from)));
        output.line(&printable(&format!("  {by}")));
        output.line(&printable(&format!(
            "  in {who}, after {} instructions: 'goto {}' goes there",
            writer.position.instructions, writer.position.instructions
        )));
        Ok(())
    }

    /// `input TEXT`: a line for the program; without text the input ends.
    pub fn input(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        if self.had_future() {
            output.line("it comes after the input that is recorded: 'fork' forgets that, and what came with it");
        }
        self.session()?;
        if rest.is_empty() {
            self.streams.borrow_mut().is_closed = true;
            output.line("the input ends");
            return Ok(());
        }
        let line = format!("{rest}\r\n");
        self.session()?.control().input(line.as_bytes());
        Ok(())
    }
}

/// Whether it may only be told because a module came: it was mapped, or executes its first instruction.
fn is_arrival(occurrence: &vatlas_space::control::Occurrence) -> bool {
    use vatlas_space::control::{EventKind, Occurrence};
    matches!(occurrence, Occurrence::Kernel(event) if matches!(event.what.kind(), EventKind::ModuleLoad | EventKind::PageFault))
}

/// Whether a run ended for something else than a stop.
const fn is_end(end: &RunEnd) -> bool {
    !matches!(end, RunEnd::Budget | RunEnd::Stopped)
}

/// How many steps, and whether in one thread alone.
fn step_words(rest: &str) -> Result<(u64, bool), Failure> {
    let is_alone = rest.split_whitespace().any(|word| word == "/only");
    let rest: Vec<&str> = rest.split_whitespace().filter(|word| *word != "/only").collect();
    Ok((count(&rest.join(" "))?, is_alone))
}

/// How many times; once without a number.
fn count(rest: &str) -> Result<u64, Failure> {
    if rest.is_empty() {
        return Ok(1);
    }
    words::number(rest).filter(|count| *count > 0).ok_or_else(|| Failure::usage(format!("'{rest}' is no count")))
}
