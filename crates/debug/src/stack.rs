//! Call stacks: who called whom, how each frame was found, how far it is trusted, and why the walk ended.
//!
//! One rule a processor: `x64`, `x86`, `arm64`, `arm`, `mips`, `sh`. Each is a list of methods, best first. What a method
//! finds is checked before it is believed (`walk.rs`); `docs/unwinding.md` has the rules in words.

mod arm;
mod arm64;
mod ce_code;
mod ce_functions;
mod cfi;
mod code_flow;
mod frame;
mod instructions;
mod mips;
mod register_file;
mod server_calls;
mod sh;
mod start;
mod step;
mod surroundings;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces;
mod walk;
mod x64;
mod x86;

pub use frame::{FoundBy, ModulePlace, ReturnAddress, ReturnCheck, Stack, StackEnd, StackFrame, Trust};
pub use start::{StackStart, stack_starts};
pub use walk::{USUAL_LIMIT, walk};
