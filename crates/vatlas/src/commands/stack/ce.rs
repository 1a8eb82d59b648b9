//! What a device with Windows CE adds to a stack: the walk that it made itself, and the API calls that the stack remembers.

use crate::{
    ce_words::{api_call_json, api_call_words},
    json,
    output::Output,
    process_choice::name,
    table::{Side, Table},
    words::whereabouts,
};
use serde_json::{Value, json};
use vatlas_debug::{api_calls::RememberedCall, usage_index::UsageIndex};
use vatlas_space::{CeCallStack, ProcessId, StackExtent, Target, Thread, Va, VaRange};

/// Calls that are shown; the rest is counted.
const MOST_CALLS: usize = 32;

/// The walk of the device, and the calls from the stack pointer up.
pub struct CeStack<'t> {
    walked: Option<&'t CeCallStack>,
    calls: Vec<RememberedCall>,
}

impl<'t> CeStack<'t> {
    /// Of a thread; empty for other systems.
    pub fn of(target: &'t dyn Target, index: &UsageIndex<'_>, thread: &Thread, sp: Option<Va>) -> Self {
        let stacks = target.ce().map(|ce| ce.call_stacks.as_slice()).unwrap_or_default();
        let extent = thread.sides.first().map(|side| side.stack);
        let range = sp.zip(extent).and_then(|(sp, extent)| above(sp, &extent));
        Self {
            walked: stacks.iter().find(|stack| stack.thread == thread.id),
            calls: range.map(|range| index.remembered_calls(range)).unwrap_or_default(),
        }
    }

    /// Writes what there is.
    pub fn write(&self, target: &dyn Target, index: &UsageIndex<'_>, output: &mut Output) {
        if let Some(stack) = self.walked {
            output.line("as the device walked it:");
            output.text(&frames(target, index, stack).render(output.colour));
        }
        if self.calls.is_empty() {
            return;
        }
        output.line("API calls that the stack remembers, latest first:");
        let mut table = Table::new(&[("AT", Side::Left), ("VALUE", Side::Left), ("CALL", Side::Left)]);
        let width = index.process().width;
        for call in self.calls.iter().take(MOST_CALLS) {
            table.row([call.at.text(width).into(), call.value.text(width).into(), api_call_words(call.call).into()]);
        }
        output.text(&table.render(output.colour));
        let more = self.calls.len().saturating_sub(MOST_CALLS);
        if more > 0 {
            output.line(&format!("and {more} more"));
        }
    }

    /// The same as JSON, two fields of a stack.
    pub fn json(&self, target: &dyn Target, index: &UsageIndex<'_>) -> (Value, Value) {
        let va = |va: Va| json::va(va, index.process().width);
        let frames = self.walked.map(|stack| {
            let frames = stack.frames.iter().map(|frame| {
                json!({
                    "pc": va(frame.pc),
                    "text": place(target, index, frame.pc),
                    "frame": va(frame.frame),
                    "process": frame.process.0,
                    "parameters": frame.parameters.map(json::hex32),
                })
            });
            frames.collect::<Value>()
        });
        let calls = self.calls.iter();
        let calls = calls
            .map(|call| json!({ "at": va(call.at), "value": va(call.value), "api_call": api_call_json(call.call) }));
        (frames.unwrap_or_default(), calls.collect())
    }
}

/// The stack from the stack pointer up.
fn above(sp: Va, extent: &StackExtent) -> Option<VaRange> {
    VaRange::new(sp, extent.base?.checked_sub(1)?)
}

fn frames(target: &dyn Target, index: &UsageIndex<'_>, stack: &CeCallStack) -> Table {
    let width = index.process().width;
    let mut table = Table::new(&[
        ("#", Side::Right),
        ("PC", Side::Left),
        ("FRAME", Side::Left),
        ("PLACE", Side::Left),
        ("PROCESS", Side::Left),
        ("PARAMETERS", Side::Left),
    ]);
    for (number, frame) in stack.frames.iter().enumerate() {
        let parameters = frame.parameters.map(|word| format!("{word:08x}")).join(" ");
        table.row([
            number.to_string().into(),
            frame.pc.text(width).into(),
            frame.frame.text(width).into(),
            place(target, index, frame.pc).into(),
            process_name(target, frame.process).into(),
            parameters.into(),
        ]);
    }
    table
}

/// Module and offset, also in the slot of another process.
fn place(target: &dyn Target, index: &UsageIndex<'_>, va: Va) -> String {
    let owner = vatlas_debug::process_choice::owner_of(target, va).and_then(|owner| target.processes().get(owner.0));
    match owner.and_then(|owner| owner.module_offset(va)) {
        Some((module, offset)) => format!("{}+{offset:#x}", module.name()),
        None => whereabouts(index, va),
    }
}

fn process_name(target: &dyn Target, id: ProcessId) -> String {
    let process = target.processes().iter().find(|process| process.id == Some(id));
    process.map_or_else(|| id.to_string(), name)
}
