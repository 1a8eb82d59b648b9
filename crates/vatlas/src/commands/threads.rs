//! `vatlas threads FILE`: threads with stacks and registers.

use crate::{
    commands::processes::{fact_lines, facts_json},
    draw::text::printable,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    process_choice::title,
    table::{Cell, Side, Table},
    words::named_whereabouts,
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use vatlas_debug::{symbolize::Symbolizer, usage_index::UsageIndex};
use vatlas_space::{ExceptionRecord, FactsOf, Machine, PointerWidth, Registers, StackExtent, Target, Thread, Va};

const EXAMPLES: &str = "\
Examples:
  vatlas threads crash.dmp
  vatlas threads crash.dmp --thread 1704 --registers
  vatlas threads crash.dmp --wide            SSE, AVX, NEON and shadow-stack registers too
  vatlas threads crash.dmp --json | jq '.answer[] | {id, name}'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only this thread
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
    /// Show general registers
    #[arg(long, short)]
    registers: bool,
    /// Show every field that the file has of a thread
    #[arg(long)]
    fields: bool,
    /// Show wide registers too
    #[arg(long)]
    wide: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let target = &*opened.target;
    let finder = opened.finder()?;
    let names = Symbolizer::new(&finder, target, index.process());
    let only = crate::process_choice::thread(target, index.process(), args.thread)?;
    let threads: Vec<&Thread> =
        index.process().threads.iter().filter(|thread| only.is_none_or(|id| thread.id == id)).collect();
    if output.json {
        let rows = threads.iter().map(|thread| {
            let mut value = thread_json(target, &index, &names, thread, args.wide);
            if args.fields {
                value["fields"] = facts_json(&target.facts(FactsOf::Thread(opened.process, thread.id)));
            }
            value
        });
        output.document(&json::document("threads", opened.input(), rows.collect()));
    } else {
        table(target, &index, &names, &threads, output);
        for thread in threads.iter().filter(|_| args.registers || args.wide) {
            registers(target, &index, thread, args.wide, output);
        }
    }
    let with_fields = args.fields && !output.json;
    for thread in threads.iter().filter(|_| with_fields) {
        output.line("");
        output.heading(&format!("thread {}", thread.id));
        fact_lines(&target.facts(FactsOf::Thread(opened.process, thread.id)), output);
    }
    finder.warn(output);
    if threads.is_empty() {
        return Err(Failure::could_not("the dump lists no thread"));
    }
    Ok(opened.exit())
}

fn table(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    names: &Symbolizer<'_>,
    threads: &[&Thread],
    output: &mut Output,
) {
    let columns = [
        ("", Side::Left),
        ("THREAD", Side::Right),
        ("SIDE", Side::Left),
        ("NAME", Side::Left),
        ("PC", Side::Left),
        ("IN", Side::Left),
        ("SP", Side::Left),
        ("STACK", Side::Left),
        ("TEB", Side::Left),
        ("SUSPENDED", Side::Right),
        ("ACCESS MASK", Side::Left),
        ("LAST ERROR", Side::Right),
        ("RUNS IN", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for thread in threads {
        let crash = at_exception(target, thread);
        let visited = visited(target, thread);
        for row in rows(index, names, thread, (target.exception(), crash), &visited) {
            table.row(row);
        }
    }
    output.text(&table.render(output.colour));
}

/// The registers of a thread at the exception, where they are not those that the thread list has: a process that writes
/// its own dump goes on running after the exception.
fn at_exception<'t>(target: &'t dyn Target, thread: &Thread) -> Option<&'t Registers> {
    let exception = target.exception().filter(|exception| exception.thread == thread.id)?;
    let registers = exception.registers.as_ref()?;
    let mut listed = thread.sides.iter().filter_map(|side| side.registers.as_ref());
    (!listed.any(|listed| (listed.pc, listed.sp) == (registers.pc, registers.sp))).then_some(registers)
}

/// Windows CE: the process whose code a thread runs, where it is not its own: a call into a server.
fn visited(target: &dyn Target, thread: &Thread) -> String {
    let Some(ce) = thread.ce.filter(|ce| ce.current != ce.owner) else { return String::new() };
    let process = target.processes().iter().find(|process| ce.current.is_some() && process.id == ce.current);
    process.map(|process| title(target, process)).or(ce.current.map(|id| id.to_string())).unwrap_or_default()
}

/// A row for each side of a thread, and one for the moment of the exception.
fn rows(
    index: &UsageIndex<'_>,
    names: &Symbolizer<'_>,
    thread: &Thread,
    (exception, crash): (Option<&ExceptionRecord>, Option<&Registers>),
    visited: &str,
) -> Vec<[Cell; 13]> {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let is_crashed = exception.is_some_and(|exception| exception.thread == thread.id);
    let mark = |is_marked: bool| Cell::styled(if is_marked { "!" } else { "" }, red);
    let on_first = |number: usize, text: String| if number == 0 { text.into() } else { Cell::from("") };
    let mut rows = Vec::new();
    for (number, side) in thread.sides.iter().enumerate() {
        let width = side.machine.width().unwrap_or(index.process().width);
        let [pc, whereabouts, sp] = registers_cells(index, names, side.registers.as_ref(), width);
        let suspended = if thread.suspend_count == 0 { String::new() } else { thread.suspend_count.to_string() };
        rows.push([
            mark(number == 0 && is_crashed && crash.is_none()),
            on_first(number, thread.id.to_string()),
            if thread.sides.len() > 1 { side.machine.to_string() } else { String::new() }.into(),
            on_first(number, thread.name.clone().unwrap_or_default()),
            pc,
            whereabouts,
            sp,
            stack(&side.stack, width).into(),
            side.teb.map(|teb| teb.text(width)).unwrap_or_default().into(),
            on_first(number, suspended),
            on_first(number, thread.ce.map(|ce| format!("{:08x}", ce.access_mask)).unwrap_or_default()),
            on_first(number, thread.ce.map(|ce| ce.last_error.to_string()).unwrap_or_default()),
            on_first(number, visited.to_owned()),
        ]);
    }
    if let Some(registers) = crash {
        let width = registers.machine.width().unwrap_or(index.process().width);
        let [pc, whereabouts, sp] = registers_cells(index, names, Some(registers), width);
        let rest = || Cell::from("");
        rows.push([
            mark(true),
            rest(),
            rest(),
            "at the exception".into(),
            pc,
            whereabouts,
            sp,
            rest(),
            rest(),
            rest(),
            rest(),
            rest(),
            rest(),
        ]);
    }
    rows
}

/// Instruction pointer, what it points into, stack pointer.
fn registers_cells(
    index: &UsageIndex<'_>,
    names: &Symbolizer<'_>,
    registers: Option<&Registers>,
    width: PointerWidth,
) -> [Cell; 3] {
    let Some(registers) = registers else { return ["".into(), "".into(), "".into()] };
    [
        registers.pc.text(width).into(),
        named_whereabouts(index, names, registers.pc).into(),
        registers.sp.text(width).into(),
    ]
}

/// The bounds that the TEB tells, or what was captured.
fn stack(stack: &StackExtent, width: PointerWidth) -> String {
    let range = |first: Va, last: Va| format!("{}-{}", first.text(width), last.text(width));
    match (stack.limit, stack.base, stack.captured) {
        (Some(limit), Some(base), _) => range(limit, Va(base.0.saturating_sub(1))),
        (_, _, Some(captured)) => format!("{} captured", range(captured.first(), captured.last())),
        _ => String::new(),
    }
}

/// General registers of every side, then those of the exception, then wide ones.
fn registers(target: &dyn Target, index: &UsageIndex<'_>, thread: &Thread, wide: bool, output: &mut Output) {
    for side in &thread.sides {
        let Some(registers) = &side.registers else { continue };
        general(&format!("thread {}, {}", thread.id, side.machine), registers, index.process().width, output);
    }
    if let Some(registers) = at_exception(target, thread) {
        let heading = format!("thread {}, {}, at the exception", thread.id, registers.machine);
        general(&heading, registers, index.process().width, output);
    }
    let registers = if wide { target.wide_registers(index.process_index(), thread.id) } else { Vec::new() };
    if !registers.is_empty() {
        output.line("");
        output.heading(&format!("thread {}, wide registers", thread.id));
    }
    let (zero, set): (Vec<_>, Vec<_>) =
        registers.into_iter().partition(|register| register.bytes.iter().all(|byte| *byte == 0));
    for register in set {
        output.line(&format!("{:>6} {}", printable(&register.name), big_endian(&register.bytes)));
    }
    if !zero.is_empty() {
        let names: Vec<_> = zero.iter().map(|register| printable(&register.name)).collect();
        output.line(&format!("  zero: {}", names.join(" ")));
    }
}

/// Registers in rows of four.
fn general(heading: &str, registers: &Registers, width: PointerWidth, output: &mut Output) {
    output.line("");
    output.heading(heading);
    let digits = registers.machine.width().unwrap_or(width).digits();
    for row in registers.general.chunks(4) {
        let cells: Vec<_> =
            row.iter().map(|register| format!("{:>4} {:0digits$x}", register.name, register.value)).collect();
        output.line(&cells.join("  "));
    }
}

/// Digits of a wide register, highest byte first, as processors' manuals write them.
fn big_endian(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect()
}

fn thread_json(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    names: &Symbolizer<'_>,
    thread: &Thread,
    wide: bool,
) -> Value {
    let width = index.process().width;
    let va = |address: Option<Va>| address.map(|address| json::va(address, width));
    let sides = thread.sides.iter().map(|side| {
        let mut value = state_json(index, names, side.registers.as_ref(), side.machine);
        value["teb"] = va(side.teb).into();
        value["stack"] = json!({
            "captured": side.stack.captured.map(|captured| json::range(captured, width)),
            "base": va(side.stack.base),
            "limit": va(side.stack.limit),
            "reserve": va(side.stack.reserve),
        });
        value
    });
    let mut value = json!({
        "id": thread.id.0,
        "name": thread.name,
        "crashed": target.exception().is_some_and(|exception| exception.thread == thread.id),
        "suspend_count": thread.suspend_count,
        "priority_class": thread.priority_class,
        "priority": thread.priority,
        "windows_ce": thread.ce.map(|ce| json!({
            "owner_process": ce.owner.map(|id| id.0),
            "current_process": ce.current.map(|id| id.0),
            "access_mask": json::hex32(ce.access_mask),
            "last_error": ce.last_error,
            "thread_storage": va(ce.tls),
        })),
        "sides": sides.collect::<Value>(),
        "at_exception": at_exception(target, thread)
            .map(|registers| state_json(index, names, Some(registers), registers.machine)),
    });
    if wide {
        let registers = target.wide_registers(index.process_index(), thread.id);
        let registers = registers.into_iter().map(|register| (register.name, json!(big_endian(&register.bytes))));
        value["wide_registers"] = Value::Object(registers.collect());
    }
    value
}

/// Where a thread was, and its registers; nulls where they were not captured.
fn state_json(
    index: &UsageIndex<'_>,
    names: &Symbolizer<'_>,
    registers: Option<&Registers>,
    machine: Machine,
) -> Value {
    let width = machine.width().unwrap_or(index.process().width);
    let general = |registers: &Registers| {
        let general = registers.general.iter();
        let general = general.map(|register| (register.name.to_owned(), json::va(Va(register.value), width)));
        Value::Object(general.collect())
    };
    json!({
        "machine": machine.to_string(),
        "pc": registers.map(|registers| json::va(registers.pc, width)),
        "pc_in": registers.map(|registers| named_whereabouts(index, names, registers.pc)),
        "sp": registers.map(|registers| json::va(registers.sp, width)),
        "registers": registers.map(general),
    })
}
