//! Steps by lines of source: instructions until another line begins.

use super::session::{Session, Stop};
use vatlas_space::Va;

/// Instructions that a step by line executes one by one at most.
const MOST: usize = 200_000;

/// A line of source and the function around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineOf {
    /// The file.
    pub file: String,
    /// Its number.
    pub line: u32,
    /// The function.
    pub function: String,
    /// Whether the address is the first one of the line's code.
    pub is_start: bool,
}

/// Gives the lines of addresses of the chosen thread's process.
pub trait Lines {
    /// The line of an address, where one is known. The session is given for its target.
    fn line(&self, session: &mut Session, va: Va) -> Option<LineOf>;
}

/// A step by line that was cut short.
#[derive(Clone, Debug)]
pub(super) struct UnfinishedLine {
    start: LineOf,
    is_over: bool,
}

impl Session {
    /// Executes to the next line: of a function that is called, or behind the call.
    pub fn step_line(&mut self, lines: &dyn Lines, is_over: bool) -> Stop {
        let Some(start) = self.line_now(lines) else {
            return if is_over { self.step_over() } else { self.step_into() };
        };
        let stop = self.step_in_line(lines, is_over);
        self.line = Some(UnfinishedLine { start: start.clone(), is_over });
        self.until_line(lines, &start, stop, &mut |session, lines| session.step_in_line(lines, is_over))
    }

    /// The part of a step by line that is one instruction, or a call.
    fn step_in_line(&mut self, lines: &dyn Lines, is_over: bool) -> Stop {
        if is_over {
            return self.step_over();
        }
        let back = self.call_return();
        let stop = self.step_into();
        // A function without lines is executed as a whole.
        match back {
            Some(back) if stop.is_plain() && self.line_now(lines).is_none() => self.step_out(back),
            _ => stop,
        }
    }

    /// The rest of the step by line that was cut short, if that was what was cut short.
    pub(super) fn resume_line(&mut self, lines: &dyn Lines, stop: Stop) -> Stop {
        let Some(UnfinishedLine { start, is_over }) = self.line.clone() else { return stop };
        self.until_line(lines, &start, stop, &mut |session, lines| session.step_in_line(lines, is_over))
    }

    /// Goes back to the line before.
    pub fn step_line_back(&mut self, lines: &dyn Lines, is_over: bool) -> Stop {
        let back = |session: &mut Self| if is_over { session.step_back_over() } else { session.step_back() };
        let Some(start) = self.line_now(lines) else { return back(self) };
        let stop = back(self);
        self.until_line(lines, &start, stop, &mut |session, _| back(session))
    }

    /// Moves on from a stop until another line begins, or something else stops it.
    fn until_line(&mut self, lines: &dyn Lines, start: &LineOf, first: Stop, step: Step<'_>) -> Stop {
        let mut stop = first;
        for _ in 0..MOST {
            let is_moved = matches!(stop.end, vatlas_space::control::RunEnd::Stopped) && stop.occurrences.is_empty();
            let reached_goal = !stop.hit.is_empty() || stop.is_interrupted;
            if reached_goal || !(stop.is_plain() || is_moved || is_own(&stop)) {
                return Stop { is_at_goal: false, ..stop };
            }
            match self.line_now(lines) {
                Some(now) if now.line == start.line && now.file == start.file && now.function == start.function => {}
                Some(_) => return stop,
                None => {}
            }
            stop = step(self, lines);
        }
        stop
    }

    fn line_now(&mut self, lines: &dyn Lines) -> Option<LineOf> {
        let (_, pc, _) = self.registers()?;
        lines.line(self, pc)
    }
}

/// What a step by line is made of.
type Step<'s> = &'s mut dyn FnMut(&mut Session, &dyn Lines) -> Stop;

/// Whether the stop is only that of the motion itself.
fn is_own(stop: &Stop) -> bool {
    use vatlas_space::control::{Occurrence, RunEnd};
    let is_code = |occurrence: &Occurrence| matches!(occurrence, Occurrence::Code { .. });
    stop.end == RunEnd::Stopped && stop.hit.is_empty() && stop.occurrences.iter().all(is_code)
}
