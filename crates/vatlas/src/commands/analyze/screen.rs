//! An analysis for people: a headline, then sections, the most useful first.

use super::{hash, is_named};
use crate::{
    commands::headline,
    draw::text::printable,
    output::Output,
    table::{Cell, Side, Table},
    value_words::placed_table,
    words::{counted, fault_words},
};
use anstyle::{AnsiColor, Style};
use vatlas_debug::{
    analysis::{Analysis, AnalyzedFrame, Certainty, InstructionOperand, ThreadGroup},
    stack::Trust,
    symbolize::{file_name, stem},
    value::{WordStyle, words},
    watch::{Home, Local},
};
use vatlas_space::PointerWidth;
use vatlas_symbols::{SourceLine, variable::VariableKind};

/// Frames and groups of threads that a screen has room for.
const FRAMES: usize = 16;
const GROUPS: usize = 8;
/// Functions of a folded stack in one line.
const FUNCTIONS: usize = 4;

/// Shows everything.
pub fn show(analysis: &Analysis, all_threads: bool, output: &mut Output) {
    let bold = Style::new().bold();
    let text = printable(&analysis.headline).into_owned();
    output.line(&output.paint(bold, &text));
    what(analysis, output);
    place(analysis, output);
    suspicions(analysis, output);
    instruction(analysis, output);
    stack(analysis, output);
    locals(analysis, output);
    threads(analysis, all_threads, output);
    list("missing", analysis.missing.iter().cloned(), output);
    section("signature", output);
    match hash(&analysis.signature) {
        Some(hash) => {
            line(output, &format!("{hash}  {}", shortened(&analysis.signature)));
            if !is_named(&analysis.signature) {
                line(output, "? stands for functions without a name: crashes that differ may share it");
            }
        }
        None => line(output, "none: no frame is trusted"),
    }
}

/// The hash, then the functions.
pub fn signature(analysis: &Analysis, output: &mut Output) {
    let Some(hash) = hash(&analysis.signature) else { return };
    output.line(&hash);
    for entry in &analysis.signature {
        output.line(&printable(entry));
    }
}

fn section(name: &str, output: &mut Output) {
    output.line("");
    output.heading(name);
}

fn line(output: &mut Output, text: &str) {
    output.line(&format!("  {}", printable(text)));
}

fn list(name: &str, lines: impl Iterator<Item = String>, output: &mut Output) {
    for (number, text) in lines.enumerate() {
        if number == 0 {
            section(name, output);
        }
        line(output, &text);
    }
}

/// Code, thread, note, and the bad address.
fn what(analysis: &Analysis, output: &mut Output) {
    let thread = thread_words(analysis);
    let Some(crash) = &analysis.crash else {
        let why = match &analysis.elsewhere {
            Some(_) => "without --process the one of the exception is analyzed",
            None => "the dump was not written for a crash, or its writer did not record it",
        };
        line(output, &format!("{thread}; {why}"));
        return;
    };
    let name = if crash.name.starts_with("0x") { String::new() } else { format!(" {}", crash.name) };
    line(output, &format!("exception {:08x}{name} in {thread}", crash.code));
    if let Some(note) = &crash.note {
        line(output, note);
    }
    if let Some(fault) = crash.fault {
        let explained = analysis.fault.as_ref().map(|fault| format!(": {}", headline(fault))).unwrap_or_default();
        line(output, &format!("{}{explained}", fault_words(crash, fault, analysis.width)));
    }
    if analysis.is_failure == Some(false) {
        line(output, "nothing failed: below is where the thread was");
    }
}

fn thread_words(analysis: &Analysis) -> String {
    let stack = analysis.stack.as_ref();
    let id = stack.and_then(|stack| stack.thread).or(analysis.crash.as_ref().map(|crash| crash.thread));
    let name = stack.and_then(|stack| stack.thread_name.as_ref()).map(|name| format!(" '{name}'")).unwrap_or_default();
    match id {
        Some(id) => format!("thread {id}{name}"),
        None => "no thread".to_owned(),
    }
}

fn place(analysis: &Analysis, output: &mut Output) {
    let Some(stack) = &analysis.stack else { return };
    let Some(frame) = stack.frames.first() else { return };
    section("where", output);
    let (pc, name) = (frame.frame.pc.text(analysis.width), frame.name.with_line());
    line(output, &if name.starts_with(&pc) { name } else { format!("{pc}  {name}") });
    let Some(culprit) = &analysis.culprit else { return };
    let Some(frame) = stack.frames.get(culprit.frame) else { return };
    let sure = if culprit.is_likely { "likely" } else { "possible" };
    let what = match culprit.frame {
        0 => "this frame".to_owned(),
        number => format!("frame {number}, {}", frame.name.with_line()),
    };
    line(output, &format!("{sure} culprit: {what}: {}", culprit.reason));
}

fn suspicions(analysis: &Analysis, output: &mut Output) {
    let dim = Style::new().dimmed();
    for (number, suspicion) in analysis.suspicions.iter().enumerate() {
        if number == 0 {
            section("suspicious", output);
        }
        let colour = match suspicion.certainty {
            Certainty::Certain => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Certainty::Likely => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Certainty::Possible => dim,
        };
        let kind = output.paint(colour, suspicion.kind.word());
        output.line(&format!("  {kind} ({}): {}", suspicion.certainty, printable(&suspicion.reason)));
        for step in &suspicion.evidence {
            let source = output.paint(dim, &format!("[{}]", printable(&step.source.to_string())));
            output.line(&format!("    - {} {source}", printable(&step.finding)));
        }
    }
}

fn instruction(analysis: &Analysis, output: &mut Output) {
    let Some(instruction) = &analysis.instruction else { return };
    section("instruction", output);
    let bytes: String = instruction.instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let goes_to = instruction.instruction.goes_to;
    let own = &instruction.instruction;
    line(output, &format!("{}  {bytes}  {}", own.va.text(analysis.width), own.text));
    let known = instruction.operands.iter().filter(|operand| !operand.registers.is_empty() || operand.va.is_some());
    let mut texts: Vec<_> = known.map(|operand| operand_words(operand, analysis.width)).collect();
    texts.dedup();
    texts.iter().for_each(|text| line(output, &format!("  {text}")));
    if let Some(va) = goes_to {
        line(output, &format!("  goes to {}", va.text(analysis.width)));
    }
}

/// `[ecx+8]: ecx 00000000, written at 0x00000008, the bad address`
fn operand_words(operand: &InstructionOperand, width: PointerWidth) -> String {
    let digits = |name: &str, value: u64| {
        let digits = if operand.is_memory || operand.size == 0 {
            width.digits()
        } else {
            (operand.size as usize * 2).clamp(2, width.digits())
        };
        format!("{name} {value:0digits$x}")
    };
    let registers: Vec<_> = operand.registers.iter().map(|(name, value)| digits(name, *value)).collect();
    let mut text = format!("{}: {}", operand.text, registers.join(", "));
    if !operand.is_memory {
        return match operand.registers.as_slice() {
            [(name, value)] if *name == operand.text => digits(name, *value),
            _ => text,
        };
    }
    if let Some(va) = operand.va {
        let verb = if operand.is_written { "writes" } else { "uses" };
        let comma = if registers.is_empty() { "" } else { "; " };
        text += &format!("{comma}{verb} {}", va.text(width));
    }
    if operand.is_fault {
        text += ", the bad address";
    } else if let Some(explained) = &operand.explanation {
        text += &format!(", {}", headline(explained));
    }
    text
}

fn stack(analysis: &Analysis, output: &mut Output) {
    let Some(stack) = &analysis.stack else { return };
    let moment = if stack.is_at_exception { ", at the exception" } else { "" };
    section(&format!("stack of {}{moment}", thread_words(analysis)), output);
    let columns =
        [("#", Side::Right), ("PC", Side::Left), ("TRUST", Side::Left), ("FUNCTION", Side::Left), ("LINE", Side::Left)];
    let mut table = Table::new(&columns);
    for (number, frame) in stack.frames.iter().enumerate().take(FRAMES) {
        let prefix = frame.name.module.as_deref().map(|module| format!("{}!", stem(module))).unwrap_or_default();
        for (function, at) in &frame.name.inlined {
            let text = format!("{prefix}{function}");
            table.row(["".into(), "inline".into(), "".into(), text.into(), line_words(at.as_ref()).into()]);
        }
        table.row([
            number.to_string().into(),
            frame.frame.pc.text(analysis.width).into(),
            trust(frame.frame.trust),
            frame.name.text.as_str().into(),
            own_line(frame).into(),
        ]);
    }
    let table = table.render(output.colour);
    output.text(&table);
    match stack.frames.len().saturating_sub(FRAMES) {
        0 => line(output, &format!("end: {}", stack.end)),
        more => line(output, &format!("{} more; 'vatlas stack' shows them", counted(more, "frame"))),
    }
}

fn trust(trust: Trust) -> Cell {
    let colour = match trust {
        Trust::Exact => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Trust::Likely => Style::new(),
        Trust::Guess => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
    };
    Cell::styled(trust.to_string(), colour)
}

fn line_words(line: Option<&SourceLine>) -> String {
    line.map(|line| format!("{}:{}", file_name(&line.file), line.line)).unwrap_or_default()
}

/// The line of the frame's own function: the call, where something was put inside it.
fn own_line(frame: &AnalyzedFrame) -> String {
    let frames = frame.frame.lookup.as_ref().map(|lookup| lookup.frames.as_slice()).unwrap_or_default();
    let own = frames.iter().find(|inner| !inner.is_inline && frame.name.function.is_some());
    own.map(|own| line_words(own.line.as_ref())).unwrap_or_default()
}

fn locals(analysis: &Analysis, output: &mut Output) {
    const SHOWN: usize = 10;
    let frames = analysis.stack.as_ref().map(|stack| stack.frames.as_slice()).unwrap_or_default();
    for (number, frame) in frames.iter().enumerate().filter(|(_, frame)| !frame.locals.is_empty()) {
        section(&format!("variables of frame {number}"), output);
        let mut table = placed_table();
        for local in frame.locals.iter().take(SHOWN) {
            let dim = Style::new().dimmed();
            let value = &local.watched.value;
            let inside = if frame.name.inlined.is_empty() { None } else { frame.function_of(local) };
            let inside = inside.map(|function| format!(" of {function}")).unwrap_or_default();
            let name = format!("{}{}{inside}", kind_words(local.kind), local.name);
            let text = words(value, WordStyle::new(analysis.width));
            let at = at(local, analysis.width);
            table.row([name.into(), text.into(), Cell::styled(&value.type_name, dim), Cell::styled(at, dim)]);
        }
        let table = table.render(output.colour);
        output.text(&table);
        let more = frame.locals.len().saturating_sub(SHOWN);
        if more > 0 {
            line(output, &format!("{more} more; 'vatlas watch --locals --frame {number}' shows them"));
        }
    }
}

fn kind_words(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Parameter => "argument ",
        VariableKind::Local => "",
        VariableKind::Static => "static ",
    }
}

fn at(local: &Local, width: PointerWidth) -> String {
    match (&local.watched.home, local.watched.value.va) {
        (Home::Register(name), _) => name.clone(),
        (_, Some(va)) => va.text(width),
        _ => String::new(),
    }
}

fn threads(analysis: &Analysis, all: bool, output: &mut Output) {
    if analysis.threads.is_empty() {
        return;
    }
    let count: usize = analysis.threads.iter().map(|group| group.threads.len()).sum();
    section(&format!("other threads ({count})"), output);
    let shown = if all { usize::MAX } else { GROUPS };
    for group in analysis.threads.iter().take(shown) {
        line(output, &group_heading(group));
        let texts = frames(group);
        match (all, texts.is_empty()) {
            (_, true) => line(output, &format!("  {}", group.end)),
            (true, _) => texts.iter().for_each(|text| line(output, &format!("  {text}"))),
            (false, _) => line(output, &format!("  {}", shortened(&texts))),
        }
    }
    let more = analysis.threads.len().saturating_sub(shown);
    if more > 0 {
        line(output, &format!("{} more; --threads shows them", counted(more, "group")));
    }
}

/// `3 threads: 12 'ticker', 13, 14`
fn group_heading(group: &ThreadGroup) -> String {
    const SHOWN: usize = 6;
    let name = |name: &Option<String>| name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
    let mut names: Vec<_> = group.threads.iter().take(SHOWN).map(|(id, own)| format!("{id}{}", name(own))).collect();
    let more = group.threads.len().saturating_sub(SHOWN);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!("{}: {}", counted(group.threads.len(), "thread"), names.join(", "))
}

/// The functions; guesses are of one thread only, and are marked.
fn frames(group: &ThreadGroup) -> Vec<String> {
    let is_shown = |trust: Trust| trust >= Trust::Likely || group.threads.len() == 1;
    let frames = group.frames.iter().filter(|frame| is_shown(frame.trust));
    let mark = |trust: Trust| if trust == Trust::Guess { "? " } else { "" };
    frames.map(|frame| format!("{}{}", mark(frame.trust), frame.text)).collect()
}

/// `a < b < c < 5 more`: who called whom, innermost first.
fn shortened(texts: &[String]) -> String {
    let mut shown: Vec<_> = texts.iter().take(FUNCTIONS).cloned().collect();
    let more = texts.len().saturating_sub(FUNCTIONS);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(" < ")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_stacks_are_shortened() {
        let texts = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        for (count, expected) in [(0, ""), (1, "0"), (4, "0 < 1 < 2 < 3"), (6, "0 < 1 < 2 < 3 < 2 more")] {
            assert_eq!(shortened(&texts(count)), expected);
        }
    }
}
