//! `vatlas lookup FILE ADDRESS...`: module, function, line and inlined functions of addresses, and which file says so.

use crate::{
    failure::{Exit, Failure},
    json,
    output::Output,
    subject::{Subject, SubjectArgs, module_offset},
    symbol_words::{answer_json, place_words},
    table::{Cell, Side, Table},
};
use anstyle::Style;
use serde_json::{Value, json};
use std::io::BufRead;
use vatlas_debug::symbolize::{SymbolAnswer, Symbolizer};
use vatlas_space::{Process, Va};
use vatlas_symbols::SymbolKind;

const EXAMPLES: &str = "\
Addresses are hexadecimal; module+offset, register names and 'crash' work as in 'vatlas explain'. For an image or a
symbol file they count from the base that its linker expected (a PDB has none: from 0); +0x1008 counts from the front.

Examples:
  vatlas lookup counters.dmp crash --symbols symbols/
  vatlas lookup app.map 0x11008
  vatlas lookup app.map 0x04011008 --layout ce5       the slot of a process is taken off first
  vatlas lookup app.pdb 0x401012 --base 0x400000
  grep -o '0x[0-9a-f]*' trace.txt | vatlas lookup app.exe -";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Addresses; '-' reads them from standard input, one a line, and answers each in a line
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let subject = args.subject.open(output)?;
    let process = subject.process()?;
    let provider = subject.provider()?;
    let asked = Asked { subject: &subject, process, symbolizer: subject.symbolizer(&provider, process) };
    if args.addresses == ["-"] {
        return asked.stream(std::io::stdin().lock(), output);
    }
    let addresses = args.addresses.iter().map(|text| asked.locate(text, output)).collect::<Result<Vec<_>, _>>()?;
    let answers: Vec<_> = addresses.iter().map(|va| (*va, asked.symbolizer.at(*va))).collect();
    provider.warn(output);
    if output.json {
        let rows =
            args.addresses.iter().zip(&answers).map(|(text, (va, answer))| asked.json(text, *va, answer.as_ref()));
        output.document(&json::document("lookup", subject.opened().input(), rows.collect()));
    } else {
        output.text(&asked.table(&answers).render(output.colour));
    }
    let is_named = |answer: &Option<SymbolAnswer>| answer.as_ref().is_some_and(|answer| answer.lookup.is_inside);
    match answers.iter().any(|(_, answer)| is_named(answer)) {
        true => Ok(subject.opened().exit()),
        false => Ok(Exit::CouldNot),
    }
}

/// What every address is asked of.
struct Asked<'a> {
    subject: &'a Subject,
    process: &'a Process,
    symbolizer: Symbolizer<'a>,
}

impl Asked<'_> {
    fn locate(&self, text: &str, output: &Output) -> Result<Va, Failure> {
        if let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.len() <= 16)
            && let Ok(number) = u64::from_str_radix(digits, 16)
        {
            return Ok(Va(number));
        }
        if let Some(va) = module_offset(self.process, text) {
            return Ok(va);
        }
        Ok(self.subject.opened().locate(self.process, None, text, output)?.va)
    }

    fn table(&self, answers: &[(Va, Option<SymbolAnswer>)]) -> Table {
        let columns = [
            ("ADDRESS", Side::Left),
            ("SYMBOL", Side::Left),
            ("LINE", Side::Left),
            ("TYPE", Side::Left),
            ("FROM", Side::Left),
        ];
        let mut table = Table::new(&columns);
        for (va, answer) in answers {
            let address = va.text(self.process.width);
            match answer {
                Some(answer) => rows(&mut table, address, answer),
                None => {
                    let words = self.nothing(*va);
                    table.row([
                        address.into(),
                        Cell::styled(words, Style::new().dimmed()),
                        "".into(),
                        "".into(),
                        "".into(),
                    ]);
                }
            }
        }
        table
    }

    /// Why an address has no name.
    fn nothing(&self, va: Va) -> String {
        let va = self.process.own_form(va);
        match self.process.module_at(va) {
            None => "in no module".to_owned(),
            Some(module) => match self.symbolizer.symbols(module).files().is_empty() {
                true => {
                    format!("{}: no symbols were found; 'vatlas symbols' says where it looked", place_words(module, va))
                }
                false => format!("{}: below every symbol", place_words(module, va)),
            },
        }
    }

    fn json(&self, text: &str, va: Va, answer: Option<&SymbolAnswer>) -> Value {
        json!({
            "asked": text,
            "address": json::va(va, self.process.width),
            "symbol": answer.map(answer_json),
            "remark": answer.map_or_else(|| Some(self.nothing(va)), remark),
        })
    }

    /// Answers line by line, so that a pipe can be as long as it likes. What is no address is said in its line.
    fn stream(&self, input: impl BufRead, output: &mut Output) -> Result<Exit, Failure> {
        let mut exit = self.subject.opened().exit();
        for line in input.lines() {
            let line = line.map_err(|error| Failure::could_not(format!("standard input: {error}")))?;
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            match self.locate(text, output) {
                Ok(va) => self.line(text, va, output),
                Err(failure) => {
                    exit = Exit::Partial;
                    self.wrong(text, &failure, output);
                }
            }
            if output.is_closed() {
                break;
            }
        }
        Ok(exit)
    }

    fn line(&self, text: &str, va: Va, output: &mut Output) {
        if output.json {
            let row = self.json(text, va, self.symbolizer.at(va).as_ref());
            return output.line(&json::line(&row));
        }
        let answer = self.symbolizer.named(va);
        let words = match &answer {
            Some(answer) => answer.text() + &answer.line().map(|line| format!("  {line}")).unwrap_or_default(),
            None => self.nothing(va),
        };
        let line = format!("{}  {words}", va.text(self.process.width));
        output.line(&crate::draw::text::printable(&line));
    }

    fn wrong(&self, text: &str, failure: &Failure, output: &mut Output) {
        if output.json {
            output.line(&json::line(&json!({ "asked": text, "error": failure.message() })));
        } else {
            output.line(&crate::draw::text::printable(&format!("{text}  ?  {}", failure.message())));
        }
    }
}

/// A row for the address, and one for each function that another one was put into.
fn rows(table: &mut Table, address: String, answer: &SymbolAnswer) {
    let dim = Style::new().dimmed();
    let lookup = &answer.lookup;
    let is_data = matches!(lookup.symbol.kind, SymbolKind::Data | SymbolKind::Public);
    let type_name = answer.type_name.clone().filter(|_| is_data).unwrap_or_default();
    let origin = Cell::styled(lookup.origin.to_string(), dim);
    if let Some(remark) = remark(answer) {
        let symbol = Cell::styled(format!("{}: {remark}", answer.text()), dim);
        return table.row([address.into(), symbol, "".into(), "".into(), origin]);
    }
    let mut frames = lookup.frames.iter().filter(|frame| frame.is_inline);
    let Some(innermost) = frames.next() else {
        let line = answer.line().unwrap_or_default();
        return table.row([address.into(), answer.text().into(), line.into(), type_name.into(), origin]);
    };
    let module = vatlas_debug::symbolize::stem(answer.module.name());
    let line =
        |frame: &vatlas_symbols::Frame| frame.line.as_ref().map(crate::symbol_words::short_line).unwrap_or_default();
    let first = format!("{module}!{} (inlined)", innermost.function);
    table.row([address.into(), first.into(), line(innermost).into(), "".into(), origin]);
    for frame in frames {
        table.row([
            "".into(),
            format!("  in {} (inlined)", frame.function).into(),
            line(frame).into(),
            "".into(),
            "".into(),
        ]);
    }
    let outer = lookup.frames.last().map(line).unwrap_or_default();
    table.row(["".into(), format!("  in {}", answer.text()).into(), outer.into(), "".into(), "".into()]);
}

/// What is to be said of an answer that is none.
fn remark(answer: &SymbolAnswer) -> Option<String> {
    let lookup = &answer.lookup;
    (!lookup.is_inside).then(|| {
        let size = crate::draw::text::size(lookup.offset.into());
        format!("no symbol here; the nearest below is {}, {size} away", answer.name.plain)
    })
}
