//! `vatlas threads FILE`: threads with stacks and registers.

use crate::{
    draw::text::{printable, range},
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Side, Table},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use vatlas_debug::usage_index::UsageIndex;
use vatlas_space::{Registers, StackExtent, Target, Thread, Va, VaRange};

const EXAMPLES: &str = "\
Examples:
  vatlas threads crash.dmp
  vatlas threads crash.dmp --thread 4204 --registers
  vatlas threads crash.dmp --wide            SSE, AVX, NEON and shadow-stack registers too
  vatlas threads crash.dmp --json | jq '.answer[] | {id, name}'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only this thread
    #[arg(long, value_name = "ID")]
    thread: Option<u32>,
    /// Show general registers
    #[arg(long, short)]
    registers: bool,
    /// Show wide registers too
    #[arg(long)]
    wide: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let target = &*opened.target;
    let only = super::explain::thread(index.process(), args.thread)?;
    let threads: Vec<&Thread> =
        index.process().threads.iter().filter(|thread| only.is_none_or(|id| thread.id == id)).collect();
    if output.json {
        let rows = threads.iter().map(|thread| thread_json(target, &index, thread, args.wide));
        output.document(&json::document("threads", opened.input(), rows.collect()));
    } else {
        table(target, &index, &threads, output);
        for thread in threads.iter().filter(|_| args.registers || args.wide) {
            registers(target, &index, thread, args.wide, output);
        }
    }
    if threads.is_empty() {
        return Err(Failure::could_not("the dump lists no thread"));
    }
    Ok(opened.exit())
}

fn table(target: &dyn Target, index: &UsageIndex<'_>, threads: &[&Thread], output: &mut Output) {
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
    ];
    let mut table = Table::new(&columns);
    let crashed = target.exception().map(|exception| exception.thread);
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let width = index.process().width;
    for thread in threads {
        for (number, side) in thread.sides.iter().enumerate() {
            let mark = if number == 0 && crashed == Some(thread.id) { "!" } else { "" };
            let place = |of: fn(&Registers) -> Va| {
                side.registers.as_ref().map(|registers| of(registers).text(width)).unwrap_or_default()
            };
            let suspended = if thread.suspend_count == 0 { String::new() } else { thread.suspend_count.to_string() };
            table.row([
                crate::table::Cell::styled(mark, red),
                if number == 0 { thread.id.to_string() } else { String::new() }.into(),
                if thread.sides.len() > 1 { side.machine.to_string() } else { String::new() }.into(),
                if number == 0 { thread.name.clone().unwrap_or_default() } else { String::new() }.into(),
                place(|registers| registers.pc).into(),
                side.registers.as_ref().map(|registers| whereabouts(index, registers.pc)).unwrap_or_default().into(),
                place(|registers| registers.sp).into(),
                stack(&side.stack).into(),
                side.teb.map(|teb| teb.text(width)).unwrap_or_default().into(),
                suspended.into(),
            ]);
        }
    }
    if !table.is_empty() {
        output.text(&table.render(output.colour));
    }
}

/// Module and offset, or what else the address is.
fn whereabouts(index: &UsageIndex<'_>, va: Va) -> String {
    match index.module_at(va) {
        Some(module) => format!("{}+{:#x}", module.name(), va.0 - module.range.first().0),
        None => index.at(va).usage.to_string(),
    }
}

/// The bounds that the TEB tells, or what was captured.
fn stack(stack: &StackExtent) -> String {
    match (stack.limit, stack.base, stack.captured) {
        (Some(limit), Some(base), _) => VaRange::new(limit, Va(base.0 - 1)).map(range).unwrap_or_default(),
        (_, _, Some(captured)) => format!("{} captured", range(captured)),
        _ => String::new(),
    }
}

/// Registers in rows of four.
fn registers(target: &dyn Target, index: &UsageIndex<'_>, thread: &Thread, wide: bool, output: &mut Output) {
    for side in &thread.sides {
        let Some(registers) = &side.registers else { continue };
        output.line("");
        output.heading(&format!("thread {}, {}", thread.id, side.machine));
        let digits = side.machine.width().unwrap_or(index.process().width).digits();
        for row in registers.general.chunks(4) {
            let cells: Vec<_> =
                row.iter().map(|register| format!("{:>4} {:0digits$x}", register.name, register.value)).collect();
            output.line(&cells.join("  "));
        }
    }
    if wide {
        for register in target.wide_registers(index.process_index(), thread.id) {
            output.line(&format!("{:>6} {}", printable(&register.name), big_endian(&register.bytes)));
        }
    }
}

/// Digits of a wide register, highest byte first, as processors' manuals write them.
fn big_endian(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect()
}

fn thread_json(target: &dyn Target, index: &UsageIndex<'_>, thread: &Thread, wide: bool) -> Value {
    let width = index.process().width;
    let va = |address: Option<Va>| address.map(|address| json::va(address, width));
    let sides = thread.sides.iter().map(|side| {
        let digits = side.machine.width().unwrap_or(width);
        json!({
            "machine": side.machine.to_string(),
            "teb": va(side.teb),
            "stack": {
                "captured": side.stack.captured.map(|captured| json::range(captured, width)),
                "base": va(side.stack.base),
                "limit": va(side.stack.limit),
                "reserve": va(side.stack.reserve),
            },
            "pc": va(side.registers.as_ref().map(|registers| registers.pc)),
            "pc_in": side.registers.as_ref().map(|registers| whereabouts(index, registers.pc)),
            "sp": va(side.registers.as_ref().map(|registers| registers.sp)),
            "registers": side.registers.as_ref().map(|registers| {
                let values = registers.general.iter();
                values
                    .map(|register| (register.name.to_owned(), json::va(Va(register.value), digits)))
                    .collect::<serde_json::Map<_, _>>()
            }),
        })
    });
    let mut value = json!({
        "id": thread.id.0,
        "name": thread.name,
        "crashed": target.exception().is_some_and(|exception| exception.thread == thread.id),
        "suspend_count": thread.suspend_count,
        "priority_class": thread.priority_class,
        "priority": thread.priority,
        "sides": sides.collect::<Value>(),
    });
    if wide {
        let registers = target.wide_registers(index.process_index(), thread.id);
        let registers = registers.into_iter().map(|register| (register.name, json!(big_endian(&register.bytes))));
        value["wide_registers"] = Value::Object(registers.collect());
    }
    value
}
