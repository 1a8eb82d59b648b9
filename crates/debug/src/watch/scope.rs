//! Where a question is asked: in a process, a thread and a frame, and in whose view.

use vatlas_space::{ProcessIndex, Registers, Thread, ThreadId, Va};

/// A frame of a thread: what an expression needs of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameContext {
    /// The address whose variables are in scope: of a caller an address in its call, not behind it.
    pub pc: Va,
    /// The registers that are known in it.
    pub registers: Registers,
    /// What variables relative to the frame count from, where it was found.
    pub frame_base: Option<Va>,
}

impl FrameContext {
    /// The innermost frame: the registers themselves. Where a frame pointer is in use it is taken as the frame's base.
    pub fn innermost(registers: &Registers) -> Self {
        let pointer = ["ebp", "rbp", "fp", "r11"].iter().find_map(|name| registers.get(name));
        Self { pc: registers.pc, registers: registers.clone(), frame_base: pointer.map(Va) }
    }
}

/// Whose memory addresses mean.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum View {
    /// The process's: every process is read in its own space.
    #[default]
    Process,
    /// The processor's: what it could read at this moment. Of a process that is not current only what all share.
    Processor,
}

/// Where a question is asked.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The process.
    pub process: ProcessIndex,
    /// The process that is current on the processor.
    pub current: ProcessIndex,
    /// Whose view.
    pub view: View,
    /// The thread, for what belongs to threads.
    pub thread: Option<ThreadId>,
    /// The frame, for variables and registers.
    pub frame: Option<FrameContext>,
}

/// Names are looked for here: the scope, changed by `{function,source,module}`.
#[derive(Clone, Debug)]
pub(super) struct Inside<'a> {
    pub scope: &'a Scope,
    pub process: ProcessIndex,
    pub function: Option<String>,
    pub source: Option<String>,
    pub module: Option<String>,
}

impl<'a> Inside<'a> {
    pub fn new(scope: &'a Scope) -> Self {
        Self { scope, process: scope.process, function: None, source: None, module: None }
    }

    /// The frame, when it is one of this process.
    pub fn frame(&self) -> Option<&'a FrameContext> {
        self.scope.frame.as_ref().filter(|_| self.process == self.scope.process)
    }
}

/// Address of the thread's TEB: of its 32-bit side for 32-bit code.
pub(super) fn teb(thread: &Thread, registers: Option<&Registers>) -> Option<Va> {
    let machine = registers.map(|registers| registers.machine);
    let side = thread.sides.iter().find(|side| Some(side.machine) == machine).or(thread.sides.first())?;
    side.teb
}
