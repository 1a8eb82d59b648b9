//! The debugger's session on a machine: breakpoints with conditions and counts, steps by instruction and by line, and
//! the same backwards.
//!
//! It knows no machine: it runs whatever is a [`vatlas_space::control::Control`]. Names, lines and texts are the
//! caller's.

mod breakpoints;
mod call_instruction;
mod session;
mod step_line;

pub use breakpoints::{Breakpoint, BreakpointKind, Breakpoints, Filter};
pub use call_instruction::{CallSite, call_at, calls_before};
pub use session::{Session, Stop};
pub use step_line::{LineOf, Lines};

#[cfg(test)]
mod tests;
