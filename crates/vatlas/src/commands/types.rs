//! `vatlas type FILE NAME [ADDRESS]`: the layout of a type, and its values at an address.

mod layout;

use crate::{
    failure::{Exit, Failure},
    json,
    output::Output,
    subject::{Provider, Subject, SubjectArgs, module_offset},
    symbol_words::origin_json,
    table::{Cell, Side, Table},
    value_words::{value_json, value_rows, value_table},
    words::counted,
};
use anstyle::Style;
use serde_json::{Value as Json, json};
use vatlas_debug::{
    symbolize::{Symbolizer, stem},
    type_layout::{FoundType, LayoutLimits, TypeQuestion, find_types, nearby_types, type_layout},
    value::{Place, Value, ValueKind, ValueLimits, ValueReader, WordStyle},
};
use vatlas_space::{Process, Va};
use vatlas_symbols::{NamePattern, find, type_text::size_of};

const EXAMPLES: &str = "\
Names:
  counter, 'unsigned long'      a type; 'struct' and the like may stand before it
  app!counter                   only in this module
  '_PEB*', 'c?unter'            every name that fits, as a list
The address is one as 'vatlas explain' takes it, or the name of a variable.

Examples:
  vatlas type app.pdb counter
  vatlas type app.pdb 'c*'
  vatlas type app.exe counter counters
  vatlas type counters.dmp counters!counter 0x403000 --symbols symbols/ --expand
  vatlas type app.pdb 'unsigned long'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Name of a type; with * and ? a list of names
    #[arg(value_name = "NAME")]
    name: String,
    /// Show the values there
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
    /// Levels of members that are shown [default: 1, of values 4]
    #[arg(long, value_name = "LEVELS")]
    depth: Option<usize>,
    /// All levels of a layout; of values what pointers lead to as well
    #[arg(long)]
    expand: bool,
    /// Methods, shared members and types declared inside, too
    #[arg(long)]
    methods: bool,
    /// Names of a list, elements of an array
    #[arg(long, value_name = "COUNT", default_value = "100")]
    limit: usize,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let subject = args.subject.open(output)?;
    let process = subject.process()?;
    let provider = subject.provider()?;
    let asked = Asked { args, subject: &subject, process, symbolizer: subject.symbolizer(&provider, process), output };
    asked.answer(&provider)
}

struct Asked<'a> {
    args: &'a Args,
    subject: &'a Subject,
    process: &'a Process,
    symbolizer: Symbolizer<'a>,
    output: &'a mut Output,
}

impl Asked<'_> {
    fn answer(mut self, provider: &Provider<'_>) -> Result<Exit, Failure> {
        let question = TypeQuestion::parse(&self.args.name);
        let limit = if question.is_pattern() { self.args.limit.max(1) } else { 1 };
        let (found, typed_modules) = find_types(&self.symbolizer, self.process, &question, limit);
        provider.warn(self.output);
        match (question.is_pattern(), found.as_slice(), &self.args.address) {
            (_, [], _) => Err(self.missed(&question, typed_modules)),
            (true, _, Some(_)) => Err(Failure::usage("a list of names has no values at an address")
                .hint("name one type; without an address the list is shown")),
            (true, found, None) => Ok(self.names(found)),
            (false, [found, ..], None) => self.layout(found),
            (false, [found, ..], Some(text)) => self.value(found, text),
        }
    }

    fn missed(&self, question: &TypeQuestion, typed_modules: usize) -> Failure {
        if typed_modules == 0 {
            return Failure::could_not("no symbols with types were found")
                .hint("PDB files and DWARF have them; --symbols says where they are, 'vatlas symbols' what was tried");
        }
        if question.is_pattern() {
            return Failure::could_not(format!("the name of no type fits '{}'", question.name()));
        }
        let message = format!("there is no type '{}'", question.name());
        let near = nearby_types(&self.symbolizer, self.process, question, 5);
        if near.is_empty() {
            return Failure::could_not(message).hint("'vatlas type FILE '*name*'' lists the types with name in theirs");
        }
        let corrections = near.into_iter().map(|name| (name, "there is such a type".to_owned()));
        Failure::could_not(message).corrections(corrections.collect())
    }

    fn names(&mut self, found: &[FoundType]) -> Exit {
        if self.output.json {
            let rows: Json = found.iter().map(name_json).collect();
            let is_complete = found.len() < self.args.limit;
            self.document(json!({ "types": rows, "complete": is_complete }));
            return self.subject.opened().exit();
        }
        let mut table = Table::new(&[("SIZE", Side::Right), ("NAME", Side::Left), ("FROM", Side::Left)]);
        for found in found {
            let size = found.types().and_then(|types| size_of(types, found.id));
            let size = size.map(|size| size.to_string()).unwrap_or_default();
            let name = format!("{}!{}", stem(found.module.name()), found.name);
            table.row([size.into(), name.into(), Cell::styled(found.origin.to_string(), Style::new().dimmed())]);
        }
        self.output.text(&table.render(self.output.colour));
        if found.len() >= self.args.limit {
            let shown = counted(found.len(), "type");
            self.output.remark(&format!("{shown} shown, there may be more: --limit COUNT shows them"));
        }
        self.subject.opened().exit()
    }

    fn layout(&mut self, found: &FoundType) -> Result<Exit, Failure> {
        let types = found.types().ok_or_else(no_types)?;
        let usual = LayoutLimits::default();
        let depth = if self.args.expand { usize::MAX } else { self.args.depth.unwrap_or(usual.depth) };
        let limits = LayoutLimits { depth, with_methods: self.args.methods, ..usual };
        let layout = type_layout(types, found.id, limits);
        if self.output.json {
            let mut answer = layout::json(&layout);
            about(&mut answer, found);
            self.document(answer);
        } else {
            self.output.line(&layout::headline(&layout, found));
            self.output.text(&layout::table(&layout).render(self.output.colour));
        }
        if !layout.is_complete {
            self.output.remark(&format!("the first {} are shown", counted(layout.rows.len(), "row")));
        }
        for problem in &layout.problems {
            self.output.remark(&format!("warning: {problem}"));
        }
        let is_whole = layout.is_complete && layout.problems.is_empty();
        Ok(if is_whole { self.subject.opened().exit() } else { Exit::Partial })
    }

    fn value(&mut self, found: &FoundType, text: &str) -> Result<Exit, Failure> {
        let types = found.types().ok_or_else(no_types)?;
        let va = self.locate(text)?;
        let usual = ValueLimits::default();
        let limits = ValueLimits {
            depth: self.args.depth.unwrap_or(usual.depth),
            pointers: if self.args.expand { 3 } else { 0 },
            elements: self.args.limit,
            ..usual
        };
        let space = self.subject.target().space(self.subject.opened().process);
        let reader = ValueReader::with_limits(types, space, Some(self.symbolizer), limits);
        let value = reader.read(found.id, &Place::Memory(va));
        let style = WordStyle::new(self.process.width);
        if self.output.json {
            let mut answer = value_json(&value, style);
            about(&mut answer, found);
            self.document(answer);
        } else {
            let name = self.symbolizer.text(va).map(|name| format!(" ({name})")).unwrap_or_default();
            self.output.line(&crate::draw::text::printable(&format!(
                "{} at {}{name}, type from {}",
                value.type_name,
                va.text(self.process.width),
                found.origin
            )));
            let mut table = value_table();
            value_rows(&mut table, &found.name, &value, style);
            self.output.text(&table.render(self.output.colour));
        }
        Ok(match availability(&value) {
            (_, false) => self.subject.opened().exit(),
            (true, true) => Exit::Partial,
            (false, true) => Exit::CouldNot,
        })
    }

    /// An address, an offset in the only module, or the name of a variable.
    fn locate(&self, text: &str) -> Result<Va, Failure> {
        if let Some(va) = module_offset(self.process, text) {
            return Ok(va);
        }
        match self.symbol(text) {
            Some(va) => Ok(va),
            None => Ok(self.subject.opened().locate(self.process, None, text, self.output)?.va),
        }
    }

    /// The address of a symbol; what reads as a number is none.
    fn symbol(&self, text: &str) -> Option<Va> {
        let is_name = text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_' || letter == '?');
        if !is_name || text.contains(['*', '+']) || u64::from_str_radix(text, 16).is_ok() {
            return None;
        }
        let pattern = NamePattern::parse(text, false).ok()?;
        self.process.modules.iter().filter(|module| pattern.is_for_module(module.name())).find_map(|module| {
            let symbols = self.symbolizer.symbols(module);
            let findings = find(&symbols, self.symbolizer.machine_of(&symbols), &pattern, 1);
            self.symbolizer.va_of_symbol(module, &findings.found.first()?.symbol)
        })
    }

    fn document(&mut self, answer: Json) {
        self.output.document(&json::document("type", self.subject.opened().input(), answer));
    }
}

fn no_types() -> Failure {
    Failure::could_not("the symbol file lost its types")
}

fn name_json(found: &FoundType) -> Json {
    let size = found.types().and_then(|types| size_of(types, found.id));
    json!({ "name": found.name, "size": size, "module": found.module.name(), "source": origin_json(&found.origin) })
}

/// Which type, and where it comes from.
fn about(answer: &mut Json, found: &FoundType) {
    answer["name"] = json!(found.name);
    answer["module"] = json!(found.module.name());
    answer["source"] = origin_json(&found.origin);
}

/// Whether any byte of a value is at hand, and whether any is missing.
pub fn availability(value: &Value) -> (bool, bool) {
    let parts: Vec<&Value> = match &value.kind {
        ValueKind::Missing(bytes) => {
            return (bytes.bytes.iter().any(Option::is_some), true);
        }
        ValueKind::Record { fields, .. } => fields.iter().map(|field| &field.value).collect(),
        ValueKind::Array { elements, .. } => elements.iter().collect(),
        _ => return (true, false),
    };
    let known = parts.iter().map(|part| availability(part));
    known.fold((parts.is_empty(), false), |all, part| (all.0 || part.0, all.1 || part.1))
}
