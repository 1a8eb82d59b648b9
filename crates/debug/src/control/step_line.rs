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

impl Session {
    /// Executes to the next line: of a function that is called, or behind the call.
    pub fn step_line(&mut self, lines: &dyn Lines, is_over: bool) -> Stop {
        let Some(start) = self.line_now(lines) else {
            return if is_over { self.step_over() } else { self.step_into() };
        };
        self.until_line(lines, &start, |session, lines| {
            if is_over {
                return session.step_over();
            }
            let sp = session.registers().map(|(_, _, sp)| sp);
            let back = session.call_return();
            let stop = session.step_into();
            // A function without lines is executed as a whole.
            match (back, sp) {
                (Some(back), Some(_)) if stop.is_plain() && session.line_now(lines).is_none() => session.step_out(back),
                _ => stop,
            }
        })
    }

    /// Goes back to the line before.
    pub fn step_line_back(&mut self, lines: &dyn Lines, is_over: bool) -> Stop {
        let back = |session: &mut Self| if is_over { session.step_back_over() } else { session.step_back() };
        let Some(start) = self.line_now(lines) else { return back(self) };
        self.until_line(lines, &start, |session, _| back(session))
    }

    /// Moves until another line begins, or something else stops it.
    fn until_line(
        &mut self,
        lines: &dyn Lines,
        start: &LineOf,
        mut step: impl FnMut(&mut Self, &dyn Lines) -> Stop,
    ) -> Stop {
        let mut stop = step(self, lines);
        for _ in 0..MOST {
            let is_moved = matches!(stop.end, vatlas_space::control::RunEnd::Stopped) && stop.occurrences.is_empty();
            let reached_goal = !stop.hit.is_empty() || stop.is_interrupted;
            if reached_goal || !(stop.is_plain() || is_moved || is_own(&stop)) {
                return stop;
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

/// Whether the stop is only that of the motion itself.
fn is_own(stop: &Stop) -> bool {
    use vatlas_space::control::{Occurrence, RunEnd};
    let is_code = |occurrence: &Occurrence| matches!(occurrence, Occurrence::Code { .. });
    stop.end == RunEnd::Stopped && stop.hit.is_empty() && stop.occurrences.iter().all(is_code)
}
