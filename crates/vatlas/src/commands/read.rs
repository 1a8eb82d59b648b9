//! `vatlas read FILE ADDRESS LENGTH --raw`: memory copied to a file or a pipe.

use crate::{
    commands::memory::length,
    draw::text::size,
    failure::{Exit, Failure},
    json,
    open::{TargetArgs, not_written, words},
    output::Output,
    progress::Progress,
    words::counted,
};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::{BufWriter, ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
};
use vatlas_space::{AddressSpace, Backing, Va, VaRange};

const EXAMPLES: &str = "\
Examples:
  vatlas read crash.dmp greeter 0x400 --raw -o header.bin
  vatlas read crash.dmp sp 64K --raw --fill 00 -o stack.bin
  vatlas read crash.dmp 0x00400000 256 --raw | xxd
  vatlas read crash.dmp pc 16                the digits alone

A hole ends the copy with exit code 3 and says where; --fill writes a byte for each one that is missing and
goes on. A file that exists already is left alone without --force.";

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
    #[arg(value_name = "LENGTH", value_parser = length)]
    length: u64,
    /// Write the bytes themselves instead of hexadecimal digits
    #[arg(long)]
    raw: bool,
    /// The file to write; it must not exist, unless --force is given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "output")]
    force: bool,
    /// Byte (two digits) for each one that is missing
    #[arg(long, value_name = "BYTE", value_parser = fill_byte)]
    fill: Option<u8>,
    /// Thread whose registers the address is taken from
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
}

fn fill_byte(text: &str) -> Result<u8, String> {
    u8::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| "two hexadecimal digits: 00, cc".to_owned())
}

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 16;

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let thread = crate::process_choice::thread(&*opened.target, index.process(), args.thread)?;
    let location = opened.locate(index.process(), thread, &args.address, output)?;
    let space = index.space();
    let last = Va(location.va.0.saturating_add(args.length - 1)).min(space.range().last());
    let range = VaRange::new(location.va, last)
        .ok_or_else(|| Failure::could_not(format!("{} lies outside the address space", location.va)))?;
    refuse_nothing(space, range, args.fill)?;
    let mut progress = Progress::new(output, range.size());
    let mut sink = Sink::new(args, output)?;
    let copied =
        copy(space, range, args.fill, &mut sink, &mut progress).and_then(|copied| Ok((copied, sink.finish()?)));
    drop(progress);
    let (copied, hex) = match copied {
        Ok(copied) => copied,
        // The reader has what it wants.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(opened.exit()),
        Err(error) => return Err(Failure::could_not(format!("writing: {}", words(&error)))),
    };
    if let Some(path) = &args.output {
        output.remark(&format!("written: {} ({})", path.display(), size(copied.written)));
    }
    if output.json && (args.output.is_some() || !args.raw) {
        let answer = json!({
            "range": json::range(range, index.process().width), "copied": copied.read, "missing": copied.missing,
            "file": args.output.as_ref().map(|path| path.display().to_string()), "hex": hex,
        });
        output.document(&json::document("read", opened.input(), answer));
    }
    let Some(hole) = &copied.hole else { return Ok(opened.exit()) };
    output.remark(&missing(&copied, hole, args.fill));
    Ok(Exit::Partial)
}

/// Fails before a file is made when there is nothing to put into it.
fn refuse_nothing(space: &dyn AddressSpace, range: VaRange, fill: Option<u8>) -> Result<(), Failure> {
    let mut backings = space.backings_in(range);
    let Some(first) = backings.next() else { return Ok(()) };
    if first.store.is_readable() || (fill.is_some() && backings.any(|backing| backing.store.is_readable())) {
        return Ok(());
    }
    let what = if fill.is_some() { "none of these bytes can be read" } else { "nothing can be read" };
    Err(Failure::could_not(format!("{what} at {}: {}", range.first(), first.store))
        .hint("'vatlas explain' says more; --images may add the bytes of modules"))
}

fn missing(copied: &Copied, hole: &Backing, fill: Option<u8>) -> String {
    let (missing, first) = (counted(usize::try_from(copied.missing).unwrap_or(usize::MAX), "byte"), hole.range.first());
    match fill {
        Some(fill) => {
            format!("warning: {missing} cannot be read and became {fill:02x}, the first at {first}: {}", hole.store)
        }
        None => format!("warning: stopped at {first}, {missing} short: {}; --fill goes on behind holes", hole.store),
    }
}

/// What became of a copy.
struct Copied {
    read: u64,
    missing: u64,
    written: u64,
    hole: Option<Backing>,
}

/// Copies up to the first hole, or all with holes filled.
fn copy(
    space: &dyn AddressSpace,
    range: VaRange,
    fill: Option<u8>,
    sink: &mut Sink<'_>,
    progress: &mut Progress,
) -> std::io::Result<Copied> {
    let mut copied = Copied { read: 0, missing: 0, written: 0, hole: None };
    let mut piece = vec![0; PIECE];
    for backing in space.backings_in(range) {
        let mut at = backing.range.first();
        while at <= backing.range.last() {
            let left = backing.range.last().0 - at.0;
            let size = usize::try_from(left).unwrap_or(PIECE).saturating_add(1).min(PIECE);
            let count = match space.read_within(at, &mut piece[..size]) {
                Ok(count) => {
                    copied.read += count as u64;
                    count
                }
                Err(_) => {
                    copied.hole.get_or_insert(Backing {
                        range: VaRange::new(at, range.last()).unwrap_or(range),
                        ..backing.clone()
                    });
                    let Some(byte) = fill else {
                        copied.missing = range.last().0 - at.0 + 1;
                        return Ok(copied);
                    };
                    piece[..size].fill(byte);
                    copied.missing += size as u64;
                    size
                }
            };
            copied.written += sink.write(&piece[..count])?;
            progress.at(copied.read + copied.missing);
            let Some(next) = at.checked_add(count as u64) else { return Ok(copied) };
            at = next;
        }
    }
    Ok(copied)
}

/// Where the bytes go.
enum Sink<'o> {
    File(BufWriter<std::fs::File>),
    Pipe(std::io::Stdout),
    DigitFile(BufWriter<std::fs::File>),
    Digits(&'o mut Output),
    Document(String),
}

impl<'o> Sink<'o> {
    fn new(args: &Args, output: &'o mut Output) -> Result<Self, Failure> {
        let file = args.output.as_ref().map(|path| create(path, args.force)).transpose()?;
        match (args.raw, file) {
            (true, Some(file)) => Ok(Self::File(file)),
            (true, None) if std::io::stdout().is_terminal() => {
                Err(Failure::usage("raw bytes are not written to a terminal").hint("give --output FILE, or pipe them"))
            }
            (true, None) => Ok(Self::Pipe(std::io::stdout())),
            (false, Some(file)) => Ok(Self::DigitFile(file)),
            (false, None) if output.json => Ok(Self::Document(String::new())),
            (false, None) => Ok(Self::Digits(output)),
        }
    }

    /// Returns how many bytes or digits were written.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<u64> {
        let digits = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match self {
            Self::File(file) => file.write_all(bytes).map(|()| bytes.len() as u64),
            Self::Pipe(pipe) => pipe.write_all(bytes).map(|()| bytes.len() as u64),
            Self::DigitFile(file) => file.write_all(digits().as_bytes()).map(|()| 2 * bytes.len() as u64),
            Self::Digits(output) if output.is_closed() => Err(ErrorKind::BrokenPipe.into()),
            Self::Digits(output) => {
                output.text(&digits());
                Ok(2 * bytes.len() as u64)
            }
            Self::Document(text) => {
                text.push_str(&digits());
                Ok(2 * bytes.len() as u64)
            }
        }
    }

    /// Ends the text; returns the digits that belong into a document.
    fn finish(self) -> std::io::Result<Option<String>> {
        match self {
            Self::File(mut file) => file.flush().map(|()| None),
            Self::Pipe(mut pipe) => pipe.flush().map(|()| None),
            Self::DigitFile(mut file) => file.write_all(b"\n").and_then(|()| file.flush()).map(|()| None),
            Self::Digits(output) => {
                output.text("\n");
                Ok(None)
            }
            Self::Document(text) => Ok(Some(text)),
        }
    }
}

fn create(path: &Path, force: bool) -> Result<BufWriter<std::fs::File>, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    options.open(path).map(BufWriter::new).map_err(|error| {
        let failure = not_written(path, &error);
        if error.kind() == ErrorKind::AlreadyExists { failure.hint("--force overwrites it") } else { failure }
    })
}
