//! `vatlas memory FILE ADDRESS [LENGTH]`: hexadecimal digits and text, holes as `??`.

use crate::{
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Side, Table},
    words::{counted, named_whereabouts, whereabouts},
};
use anstyle::Style;
use serde_json::{Value, json};
use vatlas_debug::symbolize::Symbolizer;
use vatlas_debug::usage_index::UsageIndex;
use vatlas_space::{AddressSpace, Backing, PointerWidth, Store, Va, VaRange};

const EXAMPLES: &str = "\
Examples:
  vatlas memory crash.dmp sp 0x80
  vatlas memory crash.dmp esp 64 --as words
  vatlas memory crash.dmp helpers+0x1000 --json | jq -r .answer.hex

Bytes that the dump does not hold are shown as ??, never as zeros.";

/// Bytes that one call shows at most; 'vatlas read' copies more.
const MOST: u64 = 1 << 20;

/// How memory is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Form {
    /// Bytes and text, sixteen in a row.
    Bytes,
    /// Pointer-sized numbers, one in a row, with what each points to.
    Words,
}

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Address, or name of one
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// How many bytes: decimal, or hexadecimal after 0x; K and M are units
    #[arg(value_name = "LENGTH", default_value = "256", value_parser = length)]
    length: u64,
    /// How to show them
    #[arg(long = "as", value_name = "FORM", default_value = "bytes")]
    form: Form,
    /// Thread whose registers the address is taken from
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
}

/// A number of bytes: decimal, or hexadecimal after `0x`, with an optional `K` or `M`.
pub fn length(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1 << 20),
            None => (text, 1),
        },
    };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    let bytes = number.ok().and_then(|number| number.checked_mul(unit)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "a number of bytes above zero: 256, 0x100, 64K".to_owned())
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if args.length > MOST {
        return Err(Failure::usage(format!("{} bytes are too many to show; {MOST} is the most", args.length))
            .hint("'vatlas read --raw' copies any amount to a file"));
    }
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let thread = crate::process_choice::thread(&*opened.target, index.process(), args.thread)?;
    let location = opened.locate(index.process(), thread, &args.address, output)?;
    let space = index.space();
    let length = match args.form {
        Form::Bytes => args.length,
        Form::Words => args.length.next_multiple_of(index.process().width.bytes() as u64),
    };
    let bytes = bytes(space, location.va, length);
    let holes = bytes.iter().filter(|byte| byte.is_none()).count();
    if output.json {
        let answer = answer(&index, location.va, &bytes);
        output.document(&json::document("memory", opened.input(), answer));
    } else {
        match args.form {
            Form::Bytes => byte_rows(location.va, &bytes, index.process().width, output),
            Form::Words => {
                let finder = opened.finder()?;
                let names = Symbolizer::new(&finder, &*opened.target, index.process());
                words(&index, &names, location.va, &bytes, output);
                finder.warn(output);
            }
        }
    }
    if holes == bytes.len() {
        let store = space.backing(location.va).store;
        return Err(Failure::could_not(format!("none of these bytes can be read: {store}"))
            .hint("'vatlas explain' says more; --images may add the bytes of modules"));
    }
    if holes > 0 {
        output.remark(&format!("warning: {} shown as ?? cannot be read", counted(holes, "byte")));
        return Ok(Exit::Partial);
    }
    Ok(opened.exit())
}

/// The bytes from `va` on, `None` for each that cannot be read; fewer at the end of the space.
pub fn bytes(space: &dyn AddressSpace, va: Va, length: u64) -> Vec<Option<u8>> {
    let last = Va(va.0.saturating_add(length - 1)).min(space.range().last());
    let Some(range) = VaRange::new(va, last) else { return Vec::new() };
    let mut bytes = Vec::with_capacity(usize::try_from(range.size()).unwrap_or(0));
    for Backing { range, .. } in space.backings_in(range) {
        let mut piece = vec![0; usize::try_from(range.size()).unwrap_or(0)];
        let read = space.read_available(range.first(), &mut piece);
        bytes.extend(piece.iter().enumerate().map(|(index, byte)| (index < read).then_some(*byte)));
    }
    bytes
}

const IN_A_ROW: u64 = 16;

/// Shows `length` bytes from `va` on.
pub fn rows(index: &UsageIndex<'_>, va: Va, length: u64, output: &mut Output) {
    byte_rows(va, &bytes(index.space(), va, length), index.process().width, output);
}

/// Rows of sixteen, aligned to sixteen.
fn byte_rows(va: Va, bytes: &[Option<u8>], width: PointerWidth, output: &mut Output) {
    let dim = Style::new().dimmed();
    let before = va.0 % IN_A_ROW;
    let mut cells: Vec<Option<Option<u8>>> = vec![None; usize::try_from(before).unwrap_or(0)];
    cells.extend(bytes.iter().map(|byte| Some(*byte)));
    for (number, row) in cells.chunks(16).enumerate() {
        let first = Va((va.0 - before).saturating_add(number as u64 * IN_A_ROW));
        let mut digits = String::new();
        let mut text = String::new();
        for index in 0..16 {
            let gap = if index == 8 { "  " } else { " " };
            let cell = row.get(index).copied().flatten();
            digits += gap;
            digits += &match cell {
                Some(Some(byte)) => format!("{byte:02x}"),
                Some(None) => "??".to_owned(),
                None => "  ".to_owned(),
            };
            text.push(match cell {
                Some(Some(byte @ 0x20..=0x7e)) => char::from(byte),
                Some(Some(_)) => '.',
                Some(None) => '?',
                None => ' ',
            });
        }
        let address = output.paint(dim, &first.text(width));
        output.line(format!("{address} {digits}  {text}").trim_end());
    }
}

/// Pointer-sized numbers with their uses.
fn words(index: &UsageIndex<'_>, names: &Symbolizer<'_>, va: Va, bytes: &[Option<u8>], output: &mut Output) {
    let width = index.process().width;
    let mut table = Table::new(&[("ADDRESS", Side::Left), ("VALUE", Side::Left), ("POINTS TO", Side::Left)]);
    for (number, word) in bytes.chunks_exact(width.bytes()).enumerate() {
        let at = Va(va.0 + (number * width.bytes()) as u64).text(width);
        let known: Option<Vec<u8>> = word.iter().copied().collect();
        let value = known.and_then(|bytes| width.pointer(&bytes));
        let Some(value) = value else {
            table.row([at.into(), "?".repeat(width.digits() + 2).into(), "".into()]);
            continue;
        };
        let usage = if value.0 < 0x1_0000 { String::new() } else { points_to(index, names, value) };
        table.row([at.into(), value.text(width).into(), usage.into()]);
    }
    output.text(&table.render(output.colour));
}

fn points_to(index: &UsageIndex<'_>, names: &Symbolizer<'_>, va: Va) -> String {
    use vatlas_debug::usage::Usage;
    match index.at(va).usage {
        Usage::System { .. } if index.api_call(va).is_some() => whereabouts(index, va),
        Usage::Free | Usage::Unknown | Usage::System { .. } => String::new(),
        _ => named_whereabouts(index, names, va),
    }
}

fn answer(index: &UsageIndex<'_>, va: Va, bytes: &[Option<u8>]) -> Value {
    let width = index.process().width;
    let hex: String = bytes.iter().map(|byte| byte.map_or("??".to_owned(), |byte| format!("{byte:02x}"))).collect();
    let range = VaRange::sized(va, bytes.len() as u64);
    let holes: Value = range
        .into_iter()
        .flat_map(|range| index.space().backings_in(range))
        .filter(|backing| !backing.store.is_readable())
        .map(|backing| json!({ "range": json::range(backing.range, width), "why": backing.store.to_string() }))
        .collect();
    let from_files: Value = range
        .into_iter()
        .flat_map(|range| index.space().backings_in(range))
        .filter_map(|backing| match backing.store {
            Store::ImageFile { name, .. } => Some(json!({ "range": json::range(backing.range, width), "file": name })),
            _ => None,
        })
        .collect();
    json!({
        "address": json::va(va, width), "length": bytes.len(), "hex": hex, "holes": holes, "from_image_files": from_files,
    })
}
