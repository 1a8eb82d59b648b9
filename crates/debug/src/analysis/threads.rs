//! The other threads: those that wait at the same place by the same way are one group.

use super::{call_frame::name, program_side};
use crate::{
    stack::{StackEnd, StackFrame, Trust, stack_starts, walk},
    symbol_provider::SymbolProvider,
    symbolize::stem,
    usage_index::UsageIndex,
};
use vatlas_space::{Target, ThreadId};

/// A frame of a folded stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoldedFrame {
    /// `module!function`, or `module+0x1234` where no function is known.
    pub text: String,
    /// How far it is trusted.
    pub trust: Trust,
}

/// Threads whose trusted frames are in the same functions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadGroup {
    /// Numbers and names of the threads.
    pub threads: Vec<(ThreadId, Option<String>)>,
    /// The frames of the first of them, innermost first; those that are guesses are its own.
    pub frames: Vec<FoldedFrame>,
    /// Why its walk ended.
    pub end: StackEnd,
}

impl ThreadGroup {
    fn is_like(&self, frames: &[FoldedFrame]) -> bool {
        let trusted = |frames: &[FoldedFrame]| {
            let trusted = frames.iter().take_while(|frame| frame.trust >= Trust::Likely);
            trusted.map(|frame| frame.text.clone()).collect::<Vec<_>>()
        };
        trusted(&self.frames) == trusted(frames)
    }
}

/// All threads but one, in groups, the largest first.
pub(super) fn others(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    symbols: &dyn SymbolProvider,
    but: Option<ThreadId>,
    limit: usize,
) -> Vec<ThreadGroup> {
    let mut groups: Vec<ThreadGroup> = Vec::new();
    for thread in index.process().threads.iter().filter(|thread| Some(thread.id) != but) {
        let start = program_side(stack_starts(target, index.process(), thread));
        let stack = start.map(|start| walk(index, symbols, &start, limit));
        let (frames, end) = stack.map_or((Vec::new(), StackEnd::NoRegisters), |stack| (stack.frames, stack.end));
        let frames: Vec<_> = frames.iter().map(|frame| folded(index, frame)).collect();
        let member = (thread.id, thread.name.clone());
        match groups.iter_mut().find(|group| group.is_like(&frames)) {
            Some(group) => group.threads.push(member),
            None => groups.push(ThreadGroup { threads: vec![member], frames, end }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.threads.len()));
    groups
}

fn folded(index: &UsageIndex<'_>, frame: &StackFrame) -> FoldedFrame {
    let name = name(index, frame);
    let text = match (name.module.as_deref(), &name.function) {
        (Some(module), Some(function)) => format!("{}!{function}", stem(module)),
        _ => name.text,
    };
    FoldedFrame { text, trust: frame.trust }
}
