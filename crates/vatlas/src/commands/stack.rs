//! `vatlas stack FILE`: call stacks of threads, with how each frame was found and how far it is trusted.

mod ce;

use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Cell, Side, Table},
    words::whereabouts,
};
use anstyle::{AnsiColor, Style};
use ce::CeStack;
use serde_json::{Value, json};
use vatlas_debug::{
    stack::{ReturnCheck, Stack, StackFrame, StackStart, Trust, USUAL_LIMIT, stack_starts, walk},
    symbolize::{file_name, plus, stem},
    usage_index::UsageIndex,
};
use vatlas_space::{PointerWidth, Process, Target, Thread, Va};
use vatlas_symbols::{Lookup, Name};

const EXAMPLES: &str = "\
Examples:
  vatlas stack crash.dmp                     the thread of the exception
  vatlas stack crash.dmp --all --images images    with unwind data and names of the image files
  vatlas stack crash.dmp --thread 1704 --limit 20
  vatlas stack crash.dmp --registers         what is known of the registers in each frame
  vatlas stack crash.dmp --json | jq -r '.answer[0].frames[].function.name'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only this thread; without it the thread of the exception, or the first
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id, conflicts_with = "all")]
    thread: Option<u32>,
    /// Every thread
    #[arg(long)]
    all: bool,
    /// At most so many frames of each stack
    #[arg(long, value_name = "COUNT", default_value_t = USUAL_LIMIT)]
    limit: usize,
    /// Show what is known of the registers in each frame
    #[arg(long, short)]
    registers: bool,
}

/// A stack with the thread and the registers that it belongs to.
struct Walked<'t> {
    thread: &'t Thread,
    start: StackStart,
    stack: Stack,
    ce: CeStack<'t>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let target = &*opened.target;
    let finder = opened.finder()?;
    let mut walks = Vec::new();
    for thread in threads(args, target, index.process())? {
        for start in stack_starts(target, index.process(), thread) {
            let stack = walk(&index, &finder, &start, args.limit);
            let sp = start.registers.as_ref().map(|registers| registers.sp);
            let ce = CeStack::of(target, &index, thread, sp);
            walks.push(Walked { thread, start, stack, ce });
        }
    }
    if output.json {
        let answer = walks.iter().map(|walked| stack_json(target, &index, walked)).collect();
        output.document(&json::document("stack", opened.input(), answer));
    } else {
        for (number, walked) in walks.iter().enumerate() {
            if number > 0 {
                output.line("");
            }
            show(&index, walked, args.registers, output);
            walked.ce.write(target, &index, output);
        }
    }
    finder.warn(output);
    match walks.iter().all(|walked| walked.stack.frames.is_empty()) {
        true => Err(Failure::could_not("no registers were captured, so that no stack can be walked")),
        false => Ok(opened.exit()),
    }
}

/// The threads that are asked for.
fn threads<'t>(args: &Args, target: &dyn Target, process: &'t Process) -> Result<Vec<&'t Thread>, Failure> {
    let wanted = crate::process_choice::thread(target, process, args.thread)?;
    let crashed = || target.exception().map(|exception| exception.thread);
    let thread = |id| process.thread(id);
    let threads: Vec<_> = match wanted {
        _ if args.all => process.threads.iter().collect(),
        Some(id) => thread(id).into_iter().collect(),
        None => crashed().and_then(thread).or(process.threads.first()).into_iter().collect(),
    };
    if threads.is_empty() { Err(Failure::could_not("the dump lists no thread")) } else { Ok(threads) }
}

fn show(index: &UsageIndex<'_>, walked: &Walked<'_>, with_registers: bool, output: &mut Output) {
    output.heading(&heading(walked));
    output.text(&table(index, &walked.stack).render(output.colour));
    for (number, frame) in walked.stack.frames.iter().enumerate() {
        if let Some(text) = damage(frame, width(index, &walked.stack)) {
            output.line(&format!("frame {number}: {text}"));
        }
    }
    output.line(&format!("end: {}", printable(&walked.stack.end.to_string())));
    let without = &walked.stack.without_unwind_data;
    if !without.is_empty() {
        let names = printable(&without.join(", ")).into_owned();
        output.line(&format!("without unwind data: {names}; with their image files (--images) frames are exact"));
    }
    if with_registers {
        registers(index, &walked.stack, output);
    }
}

fn heading(walked: &Walked<'_>) -> String {
    let name = walked.thread.name.as_ref().map(|name| format!(" '{}'", printable(name))).unwrap_or_default();
    let side = if walked.thread.sides.len() > 1 { format!(", {}", walked.stack.machine) } else { String::new() };
    let moment = if walked.start.is_at_exception { ", at the exception" } else { "" };
    format!("thread {}{name}{side}{moment}", walked.thread.id)
}

fn width(index: &UsageIndex<'_>, stack: &Stack) -> PointerWidth {
    stack.machine.width().unwrap_or(index.process().width)
}

fn table(index: &UsageIndex<'_>, stack: &Stack) -> Table {
    let columns = [
        ("#", Side::Right),
        ("PC", Side::Left),
        ("SP", Side::Left),
        ("FOUND BY", Side::Left),
        ("TRUST", Side::Left),
        ("FUNCTION", Side::Left),
        ("LINE", Side::Left),
    ];
    let width = width(index, stack);
    let mut table = Table::new(&columns);
    for (number, frame) in stack.frames.iter().enumerate() {
        let inlined = inlined(frame);
        for (function, line) in &inlined {
            let text = format!("{}{function}", module_prefix(frame));
            table.row(["".into(), "".into(), "".into(), "inline".into(), "".into(), text.into(), line.as_str().into()]);
        }
        table.row([
            number.to_string().into(),
            frame.pc.text(width).into(),
            frame.sp.text(width).into(),
            frame.found_by.to_string().into(),
            Cell::styled(frame.trust.to_string(), trust_style(frame.trust)),
            function(index, frame).into(),
            line(frame).into(),
        ]);
    }
    table
}

fn trust_style(trust: Trust) -> Style {
    match trust {
        Trust::Exact => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Trust::Likely => Style::new(),
        Trust::Guess => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
    }
}

/// The functions that the compiler put inside the frame's, innermost first, with their lines.
fn inlined(frame: &StackFrame) -> Vec<(String, String)> {
    let frames = frame.lookup.iter().flat_map(|lookup| &lookup.frames).filter(|inner| inner.is_inline);
    frames.map(|inner| (inner.function.to_string(), inner.line.as_ref().map(line_text).unwrap_or_default())).collect()
}

fn line_text(line: &vatlas_symbols::SourceLine) -> String {
    format!("{}:{}", file_name(&line.file), line.line)
}

/// The line of the frame's own function: the call, where something was put inside it.
fn line(frame: &StackFrame) -> String {
    let own = frame.lookup.as_ref().and_then(|lookup| lookup.frames.iter().find(|inner| !inner.is_inline));
    own.and_then(|own| own.line.as_ref()).map(line_text).unwrap_or_default()
}

fn module_prefix(frame: &StackFrame) -> String {
    frame.module.as_ref().map(|module| format!("{}!", stem(&module.name))).unwrap_or_default()
}

/// The symbol that a frame's address is inside of, and its name.
fn symbol(frame: &StackFrame) -> Option<(&Lookup, Name)> {
    let lookup = frame.lookup.as_ref().filter(|lookup| lookup.is_inside)?;
    Some((lookup, Name::of(&lookup.symbol, &lookup.origin, frame.registers.machine)))
}

/// Bytes from the symbol to the frame's `pc`, which may be one more than to the address that was looked up.
fn offset(frame: &StackFrame, lookup: &Lookup) -> u32 {
    lookup.offset.saturating_add(if frame.is_exact_pc { 0 } else { 1 })
}

/// `module!function+0x12`, `module+0x1234`, or what else the address is.
fn function(index: &UsageIndex<'_>, frame: &StackFrame) -> String {
    match symbol(frame) {
        Some((lookup, name)) => format!("{}{}{}", module_prefix(frame), name.plain, plus(offset(frame, lookup))),
        None => whereabouts(index, frame.pc),
    }
}

/// A return address that was overwritten, or that has no call before it though it should.
fn damage(frame: &StackFrame, width: PointerWidth) -> Option<String> {
    let address = frame.return_address?;
    let place = address.place.map(|place| format!(" at {}", place.text(width))).unwrap_or_default();
    match address.check {
        ReturnCheck::NotCode => Some(format!(
            "its return address {}{place} leads to no code: it was overwritten",
            address.value.text(width)
        )),
        ReturnCheck::ServerReturn => Some(format!(
            "its return address {}{place} makes the kernel return from a call into a server process",
            address.value.text(width)
        )),
        ReturnCheck::NoCall => Some(format!("no call stands before its return address {}", address.value.text(width))),
        ReturnCheck::AfterCall | ReturnCheck::NotCaptured | ReturnCheck::Zero => None,
    }
}

/// Known registers in rows of four, frame by frame.
fn registers(index: &UsageIndex<'_>, stack: &Stack, output: &mut Output) {
    let digits = width(index, stack).digits();
    for (number, frame) in stack.frames.iter().enumerate() {
        output.line("");
        output.heading(&format!("frame {number}, registers"));
        for row in frame.registers.general.chunks(4) {
            let cells: Vec<_> =
                row.iter().map(|register| format!("{:>4} {:0digits$x}", register.name, register.value)).collect();
            output.line(&cells.join("  "));
        }
    }
}

fn stack_json(target: &dyn Target, index: &UsageIndex<'_>, walked: &Walked<'_>) -> Value {
    let (device_frames, api_calls) = walked.ce.json(target, index);
    let width = width(index, &walked.stack);
    let frames = walked.stack.frames.iter().enumerate();
    let frames: Value = frames.map(|(number, frame)| frame_json(index, number, frame, width)).collect();
    let end = &walked.stack.end;
    json!({
        "thread": walked.thread.id.0,
        "name": walked.thread.name,
        "machine": walked.stack.machine.to_string(),
        "at_exception": walked.start.is_at_exception,
        "frames": frames,
        "end": { "reason": end.word(), "text": end.to_string(), "is_bottom": end.is_bottom() },
        "without_unwind_data": walked.stack.without_unwind_data,
        "device_frames": device_frames,
        "api_calls": api_calls,
    })
}

fn frame_json(index: &UsageIndex<'_>, number: usize, frame: &StackFrame, width: PointerWidth) -> Value {
    let va = |va: Va| json::va(va, width);
    let module = frame.module.as_ref();
    let registers = frame.registers.general.iter();
    let registers = registers.map(|register| (register.name.to_owned(), va(Va(register.value)))).collect();
    let return_address = frame.return_address.map(|address| {
        json!({
            "place": address.place.map(va),
            "value": va(address.value),
            "check": address.check.to_string(),
            "is_damaged": address.is_damaged(),
        })
    });
    json!({
        "number": number,
        "pc": va(frame.pc),
        "sp": va(frame.sp),
        "cfa": frame.cfa.map(va),
        "found_by": frame.found_by.to_string(),
        "trust": frame.trust.to_string(),
        "is_exact_pc": frame.is_exact_pc,
        "text": function(index, frame),
        "module": module.map(|module| json!({ "name": module.name, "base": va(module.base), "offset": module.rva.0 })),
        "function": symbol(frame).map(|(lookup, name)| function_json(frame, lookup, &name)),
        "inlined": inlined_json(frame),
        "return_address": return_address,
        "registers": Value::Object(registers),
    })
}

fn function_json(frame: &StackFrame, lookup: &Lookup, name: &Name) -> Value {
    let own = lookup.frames.iter().find(|inner| !inner.is_inline);
    let line = own.and_then(|own| own.line.as_ref());
    json!({
        "name": name.plain,
        "decorated": &*lookup.symbol.name,
        "offset": offset(frame, lookup),
        "file": line.map(|line| &*line.file),
        "line": line.map(|line| line.line),
        "source": lookup.origin.to_string(),
    })
}

fn inlined_json(frame: &StackFrame) -> Value {
    let frames = frame.lookup.iter().flat_map(|lookup| &lookup.frames).filter(|inner| inner.is_inline);
    let inlined = frames.map(|inner| {
        let line = inner.line.as_ref();
        json!({ "name": &*inner.function, "file": line.map(|line| &*line.file), "line": line.map(|line| line.line) })
    });
    inlined.collect()
}
