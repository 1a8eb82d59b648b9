//! A symbol file on its own: kind, identity, how much of what it holds, and what is odd about it.

use crate::{
    draw::text::printable,
    failure::Exit,
    json,
    output::Output,
    symbol_finder::{
        content::{Content, load},
        search::reason_of,
    },
    words::counted,
};
use serde_json::{Value, json};
use std::{ops::ControlFlow, path::Path};
use vatlas_space::{DebugRecord, Problem, Rva, Severity};
use vatlas_symbols::{
    Origin, SymbolFile, SymbolKind,
    identity::{FileIdentity, wanted_by},
    store_key::pdb_name,
};

/// What a file holds.
pub struct FileSummary {
    identity: FileIdentity,
    /// The PDB that an image names.
    debug_record: Option<DebugRecord>,
    tables: Vec<Table>,
}

/// What one table of a file holds; all files but images have one.
struct Table {
    origin: Origin,
    /// Where the linker expected the module, and its processor, as far as the file tells.
    facts: Vec<(&'static str, String)>,
    counts: Vec<(&'static str, usize)>,
    /// Names that are no addresses, with their values.
    absolutes: Vec<(String, u64)>,
    problems: Vec<Problem>,
}

impl FileSummary {
    /// Reads a file whole, unpacked if it is packed: that takes longer than to ask it something.
    ///
    /// # Errors
    /// It holds no symbols that can be read, and is no image.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let (bytes, _) = load(path).map_err(|reason| Problem::damage(&*name, reason))?;
        let content = Content::read(&name, &bytes)?;
        let tables = content.files.iter().map(|file| Table::of(&**file)).collect();
        Ok(Self { identity: content.identity, debug_record: content.debug_record, tables })
    }

    /// Partial, when something of it cannot be read.
    pub fn exit(&self) -> Exit {
        let mut problems = self.tables.iter().flat_map(|table| &table.problems);
        if problems.any(|problem| problem.severity == Severity::Damage) { Exit::Partial } else { Exit::Done }
    }

    /// For people.
    pub fn human(&self, output: &mut Output) {
        let mut facts: Vec<(&str, String)> = Vec::new();
        if let Some(identity) = self.identity.identity {
            let size = self.identity.size_of_image.map(|size| format!(", size {size:#x}")).unwrap_or_default();
            facts.push(("identity", format!("{identity}{size}")));
        }
        facts.extend(self.debug_record.as_ref().map(|record| ("wants", record_words(record))));
        for table in &self.tables {
            let counts: Vec<_> = table.counts.iter().map(|(name, count)| counted(*count, name)).collect();
            let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
            facts.push(("symbols", format!("{}: {counts}", table.origin.kind)));
            facts.extend(table.facts.iter().cloned());
            facts.extend(table.absolutes.iter().map(|(name, value)| ("absolute", format!("{name} = {value:#x}"))));
            let told = |problem: &Problem| (severity(problem), reason_of(&table.origin.file, problem.clone()));
            facts.extend(table.problems.iter().map(told));
        }
        if self.tables.is_empty() {
            facts.push(("symbols", "none: this image names nothing".to_owned()));
        }
        for (name, value) in facts {
            output.line(&format!("{name:<10}{}", printable(&value)));
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let tables = self.tables.iter().map(|table| {
            let counts: serde_json::Map<String, Value> = table
                .counts
                .iter()
                .map(|(name, count)| (format!("{}s", name.replace(' ', "_")), json!(count)))
                .collect();
            let absolutes: Value = table
                .absolutes
                .iter()
                .map(|(name, value)| json!({ "name": name, "value": format!("{value:#x}") }))
                .collect();
            json!({
                "kind": table.origin.kind.to_string(),
                "machine": table.fact("machine"),
                "base": table.fact("base"),
                "entry": table.fact("entry"),
                "absolutes": absolutes,
                "counts": counts,
                "problems": json::problems(&table.problems),
            })
        });
        json!({
            "identity": self.identity.identity.map(|identity| identity.to_string()),
            "image_size": self.identity.size_of_image,
            "wants": self.debug_record.as_ref().map(record_words),
            "tables": tables.collect::<Value>(),
        })
    }
}

/// Prints every record of lines as the file has it: section and offset, line, source file; as JSON an object a line.
/// Whether there was any.
///
/// # Errors
/// The file cannot be read.
pub fn line_records(path: &Path, output: &mut Output) -> Result<bool, Problem> {
    let name = path.display().to_string();
    let (bytes, _) = load(path).map_err(|reason| Problem::damage(&*name, reason))?;
    let content = Content::read(&name, &bytes)?;
    let mut has_any = false;
    for file in &content.files {
        file.visit_line_records(&mut |record| {
            has_any = true;
            let place = format!("{:04x}:{:08x}", record.section, record.offset);
            if output.json {
                let row = json!({ "place": place, "line": record.line, "file": record.file, "module": record.module });
                output.line(&json::line(&row));
            } else {
                output.line(&printable(&format!("{place}  {:>6}  {}", record.line, record.file)));
            }
            if output.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    Ok(has_any)
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Note => "note",
        Severity::Damage => "damage",
    }
}

/// `app.pdb 0123... age 1`
pub fn record_words(record: &DebugRecord) -> String {
    let identity = match (record, wanted_by(record)) {
        (DebugRecord::ElfBuildId(id), _) => {
            Some(format!("build id {}", id.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        (_, identity) => identity.map(|identity| identity.to_string()),
    };
    // The linker wrote the path on its own computer.
    let name = pdb_name(record).and_then(|path| path.rsplit(['\\', '/']).next());
    let words: Vec<_> = [name.map(str::to_owned), identity].into_iter().flatten().collect();
    if words.is_empty() { "a file of an unknown kind".to_owned() } else { words.join(" ") }
}

impl Table {
    fn of(file: &dyn SymbolFile) -> Self {
        const KINDS: [(SymbolKind, &str); 6] = [
            (SymbolKind::Function, "function"),
            (SymbolKind::Data, "variable"),
            (SymbolKind::Label, "label"),
            (SymbolKind::PublicFunction, "public function"),
            (SymbolKind::Public, "public name"),
            (SymbolKind::Export, "export"),
        ];
        let mut symbols = [0; KINDS.len()];
        let mut functions = Vec::new();
        file.visit(&mut |symbol| {
            if let Some(place) = KINDS.iter().position(|(kind, _)| *kind == symbol.kind) {
                symbols[place] += 1;
            }
            if symbol.kind == SymbolKind::Function {
                functions.push(symbol.clone());
            }
            ControlFlow::Continue(())
        });
        let lines = functions.iter().map(|function| file.lines_of(function).len()).sum();
        let mut records = 0;
        file.visit_line_records(&mut |_| {
            records += 1;
            ControlFlow::Continue(())
        });
        let counts = KINDS.iter().map(|(_, name)| *name).zip(symbols);
        let counts = counts
            .chain([("line", lines), ("line record", records), ("type", types(file))])
            .chain([("absolute name", file.absolutes().len())])
            .filter(|(_, count)| *count != 0);
        let base = file.image_base().map(|base| ("base", base.to_string()));
        let facts = file.machine().map(|machine| ("machine", machine.to_string())).into_iter().chain(base);
        let facts = facts.chain(file.entry().map(|entry| ("entry", entry_words(file, entry))));
        Self {
            origin: file.origin().clone(),
            facts: facts.collect(),
            counts: counts.collect(),
            absolutes: file.absolutes().iter().map(|absolute| (absolute.name.clone(), absolute.value)).collect(),
            problems: file.problems().to_vec(),
        }
    }

    fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }
}

/// `+0x1000, _mainCRTStartup`
fn entry_words(file: &dyn SymbolFile, entry: Rva) -> String {
    let at_entry = file.symbol_at(entry).filter(|symbol| symbol.rva == entry);
    at_entry.map_or_else(|| format!("+{entry}"), |symbol| format!("+{entry}, {}", symbol.name))
}

/// Names of types, each type once.
fn types(file: &dyn SymbolFile) -> usize {
    let mut ids = std::collections::HashSet::new();
    if let Some(types) = file.types() {
        types.visit_names(&mut |_, id| {
            ids.insert(id);
            ControlFlow::Continue(())
        });
    }
    ids.len()
}
