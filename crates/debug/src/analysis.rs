//! The first questions about a crash, answered at once: what happened, where, why the address was wrong, what is odd.
//!
//! Nothing here is found out anew: the crash in words, the walk, the explanation and the locals are those of their own
//! commands. What is added are conclusions; each says how sure it is and what it rests on.

mod call_frame;
mod culprit;
mod instruction;
mod member;
mod missing;
mod origin;
mod signature;
mod suspicion;
#[cfg(test)]
mod tests;
mod threads;

pub use call_frame::{AnalyzedFrame, AnalyzedStack, FrameName};
pub use culprit::Culprit;
pub use instruction::{FaultingInstruction, InstructionOperand};
pub use suspicion::{Certainty, Suspicion, SuspicionKind};
pub use threads::{FoldedFrame, ThreadGroup};

use crate::{
    crash::{Crash, crash, is_in},
    explain::{Explanation, explain_named},
    location::Location,
    process_choice::process_of_thread,
    stack::{StackStart, stack_starts},
    symbol_provider::SymbolProvider,
    usage_index::UsageIndex,
};
use suspicion::Scene;
use vatlas_space::{Machine, PointerWidth, Process, StackExtent, Target, Thread, Va};

/// How much is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnalysisLimits {
    /// Frames of the crashing stack.
    pub frames: usize,
    /// Innermost frames whose variables are read.
    pub frames_with_locals: usize,
    /// Frames of each other thread.
    pub frames_of_others: usize,
}

impl Default for AnalysisLimits {
    fn default() -> Self {
        Self { frames: 64, frames_with_locals: 3, frames_of_others: 32 }
    }
}

/// The answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Analysis {
    /// What happened and where, in one sentence.
    pub headline: String,
    /// The exception in words; `None` when the target was not taken for one.
    pub crash: Option<Crash>,
    /// Whether something failed: `None` without an exception, `Some(false)` when the exception only stands for a request
    /// to write the dump or for a message to a debugger.
    pub is_failure: Option<bool>,
    /// The process of the exception, where it is another one than was asked for.
    pub elsewhere: Option<String>,
    /// Bits of the pointers of the side that is looked at.
    pub width: PointerWidth,
    /// The stack of the exception's thread, or of the first thread; `None` when there is no thread.
    pub stack: Option<AnalyzedStack>,
    /// The frame that is probably to blame.
    pub culprit: Option<Culprit>,
    /// The instruction that the registers are at, where its bytes are at hand.
    pub instruction: Option<FaultingInstruction>,
    /// The bad address.
    pub fault: Option<Explanation>,
    /// What is odd, the surest first.
    pub suspicions: Vec<Suspicion>,
    /// The other threads, those with equal stacks together, the largest group first.
    pub threads: Vec<ThreadGroup>,
    /// `module!function` of the frames that are trusted, innermost first; no offsets.
    pub signature: Vec<String>,
    /// What would have to be at hand to say more.
    pub missing: Vec<String>,
}

/// Analyses the process that `index` is of.
pub fn analyze(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    symbols: &dyn SymbolProvider,
    limits: AnalysisLimits,
) -> Analysis {
    let crash = crash(target).filter(|_| is_in(target, index.process()));
    let is_failure = crash.as_ref().map(|crash| !origin::is_request(target, crash));
    let subject = subject(target, index);
    let width = subject.as_ref().and_then(|subject| subject.start.machine.width()).unwrap_or(index.process().width);
    let stack = subject.as_ref().map(|subject| subject.stack(target, index, symbols, limits));
    let fault = crash.as_ref().and_then(|crash| crash.fault).map(|fault| explained(target, index, fault.va(), symbols));
    let registers = subject.as_ref().and_then(|subject| subject.start.registers.as_ref());
    let side = subject.as_ref().and_then(|subject| {
        let thread = subject.thread?;
        thread.sides.iter().find(|side| side.machine == subject.start.machine)
    });
    let instruction =
        registers.and_then(|registers| instruction::at(target, index, registers, side, crash.as_ref(), symbols));
    let scene = Scene {
        target,
        index,
        symbols,
        crash: crash.as_ref().filter(|_| is_failure == Some(true)),
        registers,
        side,
        thread: subject.as_ref().and_then(|subject| subject.thread).map(|thread| thread.id),
        width,
        instruction: instruction.as_ref(),
        fault: fault.as_ref(),
        stack: stack.as_ref(),
    };
    let suspicions = suspicion::suspicions(&scene);
    let culprit =
        stack.as_ref().filter(|_| is_failure == Some(true)).and_then(|stack| culprit::culprit(stack, scene.is_fetch()));
    let crashed = stack.as_ref().and_then(|stack| stack.thread);
    let mut analysis = Analysis {
        headline: String::new(),
        width,
        culprit,
        suspicions,
        threads: threads::others(target, index, symbols, crashed, limits.frames_of_others),
        signature: stack.as_ref().map(|stack| signature::signature(index, stack)).unwrap_or_default(),
        missing: Vec::new(),
        crash,
        is_failure,
        elsewhere: elsewhere(target, index.process()),
        stack,
        instruction,
        fault,
    };
    analysis.headline = headline(&analysis);
    analysis.missing = missing::missing(target, index, &analysis);
    analysis
}

/// The thread that is looked at and where its walk begins.
struct Subject<'t> {
    thread: Option<&'t Thread>,
    start: StackStart,
}

/// The thread of the exception, on the side that raised it; else the first thread, on its program's side.
fn subject<'t>(target: &'t dyn Target, index: &UsageIndex<'t>) -> Option<Subject<'t>> {
    let process = index.process();
    let Some(exception) = target.exception().filter(|_| is_in(target, process)) else {
        let thread = process.threads.first()?;
        let start = program_side(stack_starts(target, process, thread))?;
        return Some(Subject { thread: Some(thread), start });
    };
    if let Some(thread) = process.thread(exception.thread) {
        let starts = stack_starts(target, process, thread);
        let raised = starts.iter().find(|start| start.is_at_exception).cloned();
        return Some(Subject { thread: Some(thread), start: raised.or_else(|| program_side(starts))? });
    }
    // The list of threads is lost or does not have it; its registers may be in the exception's record all the same.
    let registers = exception.registers.clone()?;
    let machine = registers.machine;
    let start = StackStart {
        thread: None,
        machine,
        registers: Some(registers),
        stack: StackExtent::default(),
        is_at_exception: true,
    };
    Some(Subject { thread: None, start })
}

/// Of a WOW64 thread the 32-bit side, which is the program's.
fn program_side(starts: Vec<StackStart>) -> Option<StackStart> {
    let known = starts.iter().rposition(|start| start.registers.is_some());
    let chosen = known.unwrap_or(0);
    starts.into_iter().nth(chosen)
}

impl Subject<'_> {
    fn stack(
        &self,
        target: &dyn Target,
        index: &UsageIndex<'_>,
        symbols: &dyn SymbolProvider,
        limits: AnalysisLimits,
    ) -> AnalyzedStack {
        call_frame::stack(target, index, symbols, self.thread, &self.start, limits)
    }
}

fn explained(target: &dyn Target, index: &UsageIndex<'_>, va: Va, symbols: &dyn SymbolProvider) -> Explanation {
    explain_named(target, index, &Location { va, steps: Vec::new(), warning: None }, symbols)
}

/// `access violation: write at 0x6c6c6548, in helpers!put_greeting+0x19 (greeting.c:12)`
/// The name of the process of the exception, where it is not this one.
fn elsewhere(target: &dyn Target, process: &Process) -> Option<String> {
    let exception = target.exception().filter(|_| !is_in(target, process))?;
    let owner = target.processes().get(process_of_thread(target, exception.thread)?.0)?;
    Some(owner.name.clone().unwrap_or_else(|| "another process".to_owned()))
}

fn headline(analysis: &Analysis) -> String {
    let none = match &analysis.elsewhere {
        Some(name) => format!("the exception was in {name}"),
        None => "no exception was recorded".to_owned(),
    };
    let frame = analysis.stack.as_ref().and_then(|stack| stack.frames.first());
    let place = frame.map(|frame| frame.name.with_line());
    match (&analysis.crash, place) {
        (Some(crash), Some(place)) => format!("{}, in {place}", crash.sentence),
        (Some(crash), None) => crash.sentence.clone(),
        (None, Some(place)) => format!("{none}; the first thread is in {place}"),
        (None, None) => match analysis.stack {
            Some(_) if analysis.elsewhere.is_none() => format!("{none}, nor where the first thread was"),
            Some(_) => format!("{none}; where the first thread was is not known"),
            None => format!("{none}, and no thread"),
        },
    }
}

/// Whether Windows reports this processor's faults: x86 and x64 have faults that name no address.
const fn is_x86_family(machine: Machine) -> bool {
    matches!(machine, Machine::X86 | Machine::X64)
}
