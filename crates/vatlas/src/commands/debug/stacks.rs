//! Call stacks with what functions were given: `kb` the words on the stack, `kp` their arguments by name.

use super::{
    addresses::{frame_context, frames_of},
    debugger::Debugger,
};
use crate::{
    draw::text::printable,
    failure::Failure,
    open::Opened,
    output::Output,
    table::{Side, Table},
};
use vatlas_debug::{
    stack::StackFrame,
    symbolize::Symbolizer,
    watch::{Scope, Watcher},
};
use vatlas_space::{Machine, ProcessIndex, Va};
use vatlas_symbols::variable::VariableKind;

/// Frames that are shown.
const MOST: usize = 64;
/// Words of each frame.
const WORDS: u64 = 3;

impl Debugger {
    /// `kb`: each frame with the three words behind its return address, which are arguments of functions that take them
    /// on the stack.
    ///
    /// # Errors
    /// No thread is looked at.
    pub fn stack_with_words(&mut self, output: &mut Output) -> Result<(), Failure> {
        self.stack_with(output, "WORDS", &mut |opened, process, frame| {
            let Some(cfa) = frame.cfa.filter(|_| frame.registers.machine == Machine::X86) else { return String::new() };
            let space = opened.target.space(process);
            let word = |number: u64| {
                let mut bytes = [0; 4];
                let read =
                    space.map_or(0, |space| space.read_available(Va(cfa.0.saturating_add(4 * number)), &mut bytes));
                if read == bytes.len() { format!("{:08x}", u32::from_le_bytes(bytes)) } else { "????????".to_owned() }
            };
            (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
        })
    }

    /// `kp`: each frame with the arguments of its function.
    ///
    /// # Errors
    /// No thread is looked at.
    pub fn stack_with_arguments(&mut self, output: &mut Output) -> Result<(), Failure> {
        let thread = self.thread();
        self.stack_with(output, "ARGUMENTS", &mut |opened, process, frame| {
            let Ok(finder) = opened.finder() else { return String::new() };
            let scope =
                Scope { process, current: process, thread, frame: Some(frame_context(frame)), ..Scope::default() };
            let locals = Watcher::new(&*opened.target, &finder).locals(&scope);
            let arguments = locals.iter().filter(|local| local.kind == VariableKind::Parameter && local.function == 0);
            arguments.map(|local| format!("{} = {}", local.name, local.watched.text)).collect::<Vec<_>>().join(", ")
        })
    }

    fn stack_with(
        &mut self,
        output: &mut Output,
        title: &'static str,
        tell: &mut dyn FnMut(&Opened, ProcessIndex, &StackFrame) -> String,
    ) -> Result<(), Failure> {
        self.check_alive()?;
        let thread = self.thread().ok_or_else(|| Failure::could_not("no thread is looked at"))?;
        let columns = [("#", Side::Right), ("PC", Side::Left), ("FUNCTION", Side::Left), (title, Side::Left)];
        let table = self.with_opened(|opened, process| {
            let mut table = Table::new(&columns);
            let finder = opened.finder()?;
            let target = &*opened.target;
            let Some(of_process) = target.processes().get(process.0) else { return Ok(table) };
            let names = Symbolizer::new(&finder, target, of_process);
            for (number, frame) in frames_of(opened, thread, MOST)?.iter().enumerate() {
                let name = name_of(&names, frame);
                let told = tell(opened, process, frame);
                table.row([
                    number.to_string().into(),
                    frame.pc.text(of_process.width).into(),
                    printable(&name).into_owned().into(),
                    printable(&told).into_owned().into(),
                ]);
            }
            Ok(table)
        })?;
        output.line(&format!("thread {thread}"));
        output.text(&table.render(output.colour));
        Ok(())
    }
}

/// The function of a frame with its line: of a caller the line of the call, and the offset of where it comes back to.
fn name_of(names: &Symbolizer<'_>, frame: &StackFrame) -> String {
    let Some(mut answer) = names.named(frame.lookup_va()) else { return String::new() };
    answer.lookup.offset = answer.lookup.offset.saturating_add(u32::from(!frame.is_exact_pc));
    let line = answer.line().map(|line| format!(" ({line})")).unwrap_or_default();
    answer.text() + &line
}
