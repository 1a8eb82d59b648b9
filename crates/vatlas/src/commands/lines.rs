//! `vatlas lines FILE FUNCTION`: a function line by line, with its source text and its instructions.

use crate::{
    draw::text::{printable, size},
    failure::{Exit, Failure},
    json,
    output::Output,
    source_text::SourceText,
    subject::{Subject, SubjectArgs},
    symbol_words::symbol_json,
    words::counted,
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use vatlas_debug::{
    listing::{Function, Listing, Piece, function_at, functions, listing},
    symbolize::{Symbolizer, stem},
};
use vatlas_space::PointerWidth;
use vatlas_symbols::NamePattern;

const EXAMPLES: &str = "\
FUNCTION is a name, with wildcards or 'module!' before it as in 'vatlas find', or an address inside of the function.
Source text is read where the compiler found it, or where --source says that it is now; instructions come from the
image or the dump, so a symbol file on its own has lines only.

Examples:
  vatlas lines app.exe entry
  vatlas lines counters.dmp 'counters!adv*' --symbols symbols/
  vatlas lines app.exe 0x00401012 --source source
  vatlas lines app.pdb entry --no-code --source 'C:\\build\\src=source'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Name of a function, or an address in it
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// Where source files are: FOLDER, or THEN=NOW for a folder that moved; may be given several times
    #[arg(long, value_name = "MAP")]
    source: Vec<String>,
    /// Lines only, without instructions
    #[arg(long)]
    no_code: bool,
    /// Stop after so many functions
    #[arg(long, value_name = "COUNT", default_value = "10")]
    limit: usize,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let subject = args.subject.open(output)?;
    let provider = subject.provider()?;
    let sources = SourceText::new(&args.source)?;
    let process = subject.process()?;
    let symbolizer = subject.symbolizer(&provider, process);
    let found = found(args, &subject, &symbolizer)?;
    provider.warn(output);
    let space = subject.target().space(subject.opened().process).filter(|_| !args.no_code);
    let listings: Vec<Listing> =
        found.iter().take(args.limit).map(|function| listing(&symbolizer, function, space)).collect();
    if output.json {
        let answer: Value = listings.iter().map(|listing| listing_json(listing, process.width, &sources)).collect();
        output.document(&json::document("lines", subject.opened().input(), answer));
    } else {
        for (number, listing) in listings.iter().enumerate() {
            if number > 0 {
                output.line("");
            }
            human(listing, process.width, &sources, output);
        }
    }
    if found.len() > args.limit {
        let words = counted(found.len() - args.limit, "more function");
        output.remark(&format!("{words} fit: --limit is {}", args.limit));
    }
    match listings.iter().any(|listing| listing.pieces.iter().any(|piece| piece.line.is_some())) {
        true => Ok(subject.opened().exit()),
        false => {
            output.remark("no line is known of it: the symbols have none, or none were found");
            Ok(Exit::CouldNot)
        }
    }
}

/// The functions that the user named.
fn found(args: &Args, subject: &Subject, symbolizer: &Symbolizer<'_>) -> Result<Vec<Function>, Failure> {
    let process = subject.process()?;
    let text = args.function.as_str();
    let pattern = NamePattern::parse(text, false).map_err(Failure::from)?;
    let by_name = functions(symbolizer, process, &pattern);
    if !by_name.is_empty() {
        return Ok(by_name);
    }
    let va = crate::subject::module_offset(process, text);
    let va = match va {
        Some(va) => Some(va),
        None => vatlas_debug::location::locate(subject.target(), process, None, text).ok().map(|found| found.va),
    };
    let at = va.and_then(|va| function_at(symbolizer, va));
    match (at, va) {
        (Some(function), _) => Ok(vec![function]),
        (None, Some(va)) => Err(Failure::could_not(format!("no function is known at {}", va.text(process.width)))),
        (None, None) => {
            let failure = Failure::could_not(format!("no function is called '{text}', and it is no address"));
            Err(failure.hint("'vatlas find' looks for names; --symbols names a file or folder with symbols"))
        }
    }
}

fn human(listing: &Listing, width: PointerWidth, sources: &SourceText, output: &mut Output) {
    let bold = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    let function = &listing.function;
    let name = format!("{}!{}", stem(function.module.name()), function.name.full);
    let title = output.paint(bold, &printable(&name));
    let bytes = function.symbol.size.map(|bytes| format!(", {}", size(bytes.into()))).unwrap_or_default();
    output.line(&format!("{title}  {}{bytes}, {}", function.va.text(width), printable(&function.origin.to_string())));
    let mut last_file = None;
    for piece in &listing.pieces {
        if let Some(line) = &piece.line
            && last_file != Some(&line.file)
        {
            output.line(&format!("  {}", printable(&line.file)));
            last_file = Some(&line.file);
        }
        heading(piece, sources, output);
        code(piece, width, output);
    }
}

/// `   26  total += weights[i];`
fn heading(piece: &Piece, sources: &SourceText, output: &mut Output) {
    let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let Some(line) = &piece.line else {
        return output.line("      ?  no line is known");
    };
    let text = sources.line(&line.file, line.line).unwrap_or_default();
    let inlined = piece.inlined.as_ref().map(|name| format!("  (inlined {name})")).unwrap_or_default();
    let text = output.paint(green, &printable(&format!("{text}{inlined}")));
    output.line(format!("  {:>5}  {text}", line.line).trim_end());
}

fn code(piece: &Piece, width: PointerWidth, output: &mut Output) {
    let dim = Style::new().dimmed();
    if piece.instructions.is_empty() {
        let last = piece.va.0 + u64::from(piece.size.saturating_sub(1));
        let text =
            format!("{}-{}  {}", piece.va.text(width), vatlas_space::Va(last).text(width), size(piece.size.into()));
        let text = output.paint(dim, &text);
        return output.line(&format!("         {text}"));
    }
    let digits = 2 * piece.instructions.iter().map(|instruction| instruction.bytes.len()).max().unwrap_or(0);
    for (instruction, target) in piece.instructions.iter().zip(&piece.targets) {
        let bytes: String = instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = output.paint(dim, &format!("{bytes:<digits$}"));
        let target = target.as_ref().map(|name| format!("  ; {}", printable(name))).unwrap_or_default();
        output.line(&format!("         {}  {bytes}  {}{target}", instruction.va.text(width), instruction.text));
    }
}

fn listing_json(listing: &Listing, width: PointerWidth, sources: &SourceText) -> Value {
    let function = &listing.function;
    let mut value = symbol_json(&function.symbol, &function.name, &function.origin);
    value["address"] = json::va(function.va, width);
    value["module"] = json!(function.module.name());
    value["lines"] = listing
        .pieces
        .iter()
        .map(|piece| {
            let line = piece.line.as_ref();
            let instructions = piece.instructions.iter().zip(&piece.targets).map(|(instruction, target)| {
                json!({
                    "address": json::va(instruction.va, width),
                    "bytes": instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                    "text": instruction.text,
                    "goes_to": target,
                })
            });
            json!({
                "address": json::va(piece.va, width),
                "size": piece.size,
                "file": line.map(|line| &*line.file),
                "line": line.map(|line| line.line),
                "inlined": piece.inlined,
                "source_text": line.and_then(|line| sources.line(&line.file, line.line)),
                "instructions": instructions.collect::<Value>(),
            })
        })
        .collect();
    value
}
