//! `vatlas find FILE PATTERN`: names to addresses, in every module and process.

use crate::{
    draw::text::size,
    failure::{Exit, Failure},
    json,
    output::Output,
    subject::{Provider, Subject, SubjectArgs},
    symbol_words::{convention_words, symbol_json},
    table::{Cell, Side, Table},
    words::counted,
};
use anstyle::Style;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use vatlas_debug::symbolize::{Symbolizer, stem};
use vatlas_space::{Machine, Module, Process, Va};
use vatlas_symbols::{Found, NamePattern, SymbolKind, find, suggestions};

const EXAMPLES: &str = "\
Patterns:
  Heap*, ?ain                   * is any text, ? any character; all of a name must fit
  coredll!Heap*, ntdll!*        only in this module
  /^(Rtl|Nt).*Heap/             a regular expression; anywhere in a name
A name fits when its plain, full or decorated form does.

Examples:
  vatlas find coredll.pdb 'Heap*'
  vatlas find counters.dmp 'counters!*' --symbols symbols/ --kind data
  vatlas find app.map WinMain --json | jq -r '.answer.symbols[].address'";

/// What sort of names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    /// Functions, also exported ones and public ones in code
    Function,
    /// Variables
    Data,
    /// What the linker published
    Public,
    /// What the image exports
    Export,
}

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Name with wildcards, or /regular expression/
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// Capital and small letters are the same
    #[arg(long, short)]
    ignore_case: bool,
    /// Only names of this sort
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Stop after so many names
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    limit: usize,
}

/// A name and where it is.
struct Hit {
    process: usize,
    module: Module,
    va: Va,
    found: Found,
}

/// What was found, and what was looked at.
struct Search {
    hits: Vec<Hit>,
    is_complete: bool,
    modules: usize,
    named_modules: usize,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let pattern = NamePattern::parse(&args.pattern, args.ignore_case).map_err(|problem| {
        let failure = Failure::usage(format!("{}: {}", problem.place, problem.cause));
        problem.hint.into_iter().fold(failure, Failure::hint)
    })?;
    let subject = args.subject.open(output)?;
    let provider = subject.provider()?;
    let search = search(&subject, &provider, &pattern, args);
    provider.warn(output);
    if search.hits.is_empty() {
        return Err(missed(&subject, &provider, &pattern, args, &search));
    }
    if output.json {
        let symbols: Value = search.hits.iter().map(|hit| hit_json(&subject, hit)).collect();
        let answer = json!({ "pattern": args.pattern, "symbols": symbols, "complete": search.is_complete });
        output.document(&json::document("find", subject.opened().input(), answer));
    } else {
        output.text(&table(&subject, &search.hits).render(output.colour));
        remarks(&search, args, output);
    }
    Ok(subject.opened().exit())
}

fn search(subject: &Subject, provider: &Provider<'_>, pattern: &NamePattern, args: &Args) -> Search {
    let mut search = Search { hits: Vec::new(), is_complete: true, modules: 0, named_modules: 0 };
    let wanted = args.subject.target.process.as_ref().map(|_| subject.opened().process.0);
    let processes = subject.target().processes().iter().enumerate();
    let processes = processes.filter(|(number, _)| wanted.is_none_or(|wanted| *number == wanted));
    // A module that several processes have at one place has its names there in all of them.
    let mut seen: HashSet<(Va, &str)> = HashSet::new();
    for (number, process) in processes {
        let symbolizer = subject.symbolizer(provider, process);
        for module in process.modules.iter().filter(|module| pattern.is_for_module(module.name())) {
            if !seen.insert((module.range.first(), &module.path)) {
                continue;
            }
            search.modules += 1;
            let symbols = symbolizer.symbols(module);
            search.named_modules += usize::from(!symbols.files().is_empty());
            let machine = symbolizer.machine_of(&symbols);
            let findings = find(&symbols, machine, pattern, args.limit.saturating_sub(search.hits.len()));
            search.is_complete &= findings.is_complete;
            let wanted = findings.found.into_iter().filter(|found| is_of(args.kind, found.symbol.kind));
            search.hits.extend(wanted.filter_map(|found| {
                let va = symbolizer.va_of_symbol(module, &found.symbol)?;
                Some(Hit { process: number, module: module.clone(), va, found })
            }));
        }
    }
    search
}

fn is_of(wanted: Option<Kind>, kind: SymbolKind) -> bool {
    match wanted {
        None => true,
        Some(Kind::Function) => {
            matches!(kind, SymbolKind::Function | SymbolKind::PublicFunction | SymbolKind::Label | SymbolKind::Export)
        }
        Some(Kind::Data) => kind == SymbolKind::Data,
        Some(Kind::Public) => matches!(kind, SymbolKind::Public | SymbolKind::PublicFunction),
        Some(Kind::Export) => kind == SymbolKind::Export,
    }
}

fn table(subject: &Subject, hits: &[Hit]) -> Table {
    let columns = [
        ("ADDRESS", Side::Left),
        ("SYMBOL", Side::Left),
        ("KIND", Side::Left),
        ("SIZE", Side::Right),
        ("CALLED", Side::Left),
        ("PROCESS", Side::Left),
        ("FROM", Side::Left),
    ];
    let mut table = Table::new(&columns);
    let processes = subject.target().processes();
    for hit in hits {
        let process = &processes[hit.process];
        let name = &hit.found.name;
        // A full name says more than the plain one where it was decorated.
        let shown = if name.full.is_empty() { &name.plain } else { &name.full };
        table.row([
            hit.va.text(process.width).into(),
            format!("{}!{shown}", stem(hit.module.name())).into(),
            hit.found.symbol.kind.to_string().into(),
            hit.found.symbol.size.map(|bytes| size(bytes.into())).unwrap_or_default().into(),
            convention_words(name).unwrap_or_default().into(),
            if processes.len() > 1 { process.name.clone().unwrap_or_default() } else { String::new() }.into(),
            Cell::styled(hit.found.origin.to_string(), Style::new().dimmed()),
        ]);
    }
    table
}

/// What is said beside the table: names that stand for several addresses, and names left out.
fn remarks(search: &Search, args: &Args, output: &Output) {
    let mut places: BTreeMap<&str, Vec<Va>> = BTreeMap::new();
    for hit in &search.hits {
        places.entry(&hit.found.name.plain).or_default().push(hit.va);
    }
    let several: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
    if let [(name, places)] = several.as_slice() {
        output.remark(&format!("{name} is the name of {} symbols", places.len()));
    } else if several.len() > 1 {
        output.remark(&format!("{} names stand for more than one symbol", several.len()));
    }
    if !search.is_complete {
        output.remark(&format!("there are more: --limit is {}", args.limit));
    }
}

/// Nothing fits: what nearly does.
fn missed(subject: &Subject, provider: &Provider<'_>, pattern: &NamePattern, args: &Args, search: &Search) -> Failure {
    if search.modules == 0 {
        let failure = Failure::could_not(format!("no module fits '{}'", args.pattern));
        return failure.hint("'vatlas modules' lists the modules; the part before '!' is the module's name");
    }
    if search.named_modules == 0 {
        let failure = Failure::could_not(format!("no symbols were found for {}", counted(search.modules, "module")));
        return failure.hint("'vatlas symbols' says where it looked; --symbols names a file or folder");
    }
    let failure = Failure::could_not(format!("no name fits '{}'", args.pattern));
    let near = near(subject, provider, pattern);
    match near.is_empty() {
        true if !args.ignore_case => failure.hint("--ignore-case takes capital and small letters for the same"),
        true => failure,
        false => failure.corrections(near),
    }
}

fn near(subject: &Subject, provider: &Provider<'_>, pattern: &NamePattern) -> Vec<(String, String)> {
    const MOST: usize = 5;
    let mut near = Vec::new();
    for process in subject.target().processes() {
        let symbolizer: Symbolizer<'_> = subject.symbolizer(provider, process);
        for module in process.modules.iter().filter(|module| pattern.is_for_module(module.name())) {
            let symbols = symbolizer.symbols(module);
            let machine: Machine = symbolizer.machine_of(&symbols);
            let names = suggestions(&symbols, machine, pattern.literal(), MOST);
            near.extend(names.into_iter().map(|name| (name, format!("in {}", module.name()))));
        }
    }
    let mut known = HashMap::new();
    near.retain(|(name, _)| known.insert(name.clone(), ()).is_none());
    near.truncate(MOST);
    near
}

fn hit_json(subject: &Subject, hit: &Hit) -> Value {
    let process: &Process = &subject.target().processes()[hit.process];
    let mut value = symbol_json(&hit.found.symbol, &hit.found.name, &hit.found.origin);
    value["address"] = json::va(hit.va, process.width);
    value["module"] = json!(hit.module.name());
    value["module_offset"] = json!(hit.found.symbol.rva.0);
    value["process"] = json!({ "id": process.id.map(|id| id.0), "name": process.name });
    value
}
