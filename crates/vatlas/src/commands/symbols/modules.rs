//! The modules of a dump with the symbols that they have, and the trail of the search.

use super::{fetch, file::record_words};
use crate::{
    draw::text::printable,
    output::Output,
    symbol_finder::{
        Found,
        trail::{Attempt, Outcome, Trail},
    },
    symbol_words::origin_json,
    table::{Cell, Side, Table},
    words::counted,
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::rc::Rc;
use vatlas_space::Module;
use vatlas_symbols::FileKind;

/// A module, and what was found for it.
pub struct ModuleRow(Rc<Found>);

impl ModuleRow {
    /// A row.
    pub fn new(found: Rc<Found>) -> Self {
        Self(found)
    }

    /// The module, with all that is known of its identity.
    pub fn module(&self) -> &Module {
        &self.0.module
    }

    /// Whether more has a name than what is exported.
    pub fn is_named(&self) -> bool {
        self.0.is_named
    }

    fn wanted(&self) -> String {
        let module = self.module();
        match &module.debug_record {
            Some(record) => record_words(record),
            None if module.time_date_stamp != 0 => fetch::image_identity(module),
            None => "not told".to_owned(),
        }
    }

    fn status(&self) -> String {
        let (listings, files): (Vec<_>, Vec<_>) = self
            .0
            .symbols
            .files()
            .iter()
            .map(|file| file.origin())
            .partition(|origin| origin.kind == FileKind::Listing);
        let mut files: Vec<_> = files.into_iter().map(ToString::to_string).collect();
        // A compiler writes one for each source file.
        match listings.len() {
            0 => {}
            1 => files.push(listings[0].to_string()),
            count => files.push(counted(count, "listing")),
        }
        let refused = self.0.trail.refusals().count();
        let doubt = self.0.trail.attempts().find_map(|attempt| match attempt.outcome {
            Outcome::Forced(_) => Some(", by force"),
            Outcome::Unchecked(_) => Some(", not checked"),
            _ => None,
        });
        match (files.is_empty(), refused) {
            (false, _) => files.join(", ") + doubt.unwrap_or_default(),
            (true, 0) => "none".to_owned(),
            (true, count) => format!("none; {count} refused"),
        }
    }

    /// One word for programs.
    fn status_word(&self) -> &'static str {
        match self.0.symbols.files() {
            [] => "none",
            _ if self.is_named() => "found",
            files if files.iter().any(|file| file.origin().kind == FileKind::Exports) => "exports",
            _ => "functions without names",
        }
    }

    /// For programs.
    pub fn json(&self, servers: &[String]) -> Value {
        let module = self.module();
        let wanted = fetch::Wanted::of(module);
        json!({
            "module": module.name(),
            "path": module.path,
            "wanted": self.wanted(),
            "status": self.status_word(),
            "files": self.0.symbols.files().iter().map(|file| origin_json(file.origin())).collect::<Value>(),
            "store_path": wanted.as_ref().map(|wanted| wanted.key.path()),
            "urls": wanted.iter().flat_map(|wanted| wanted.urls(servers)).collect::<Value>(),
            "looked_for": self.0.trail.names,
            "trail": trail_json(&self.0.trail),
            "left_out": self.0.trail.left_out,
        })
    }
}

fn trail_json(trail: &Trail) -> Value {
    let attempt = |attempt: &Attempt| json!({ "file": attempt.path, "outcome": attempt.outcome.word(), "reason": attempt.outcome.reason() });
    trail
        .steps
        .iter()
        .map(|step| json!({ "place": step.place, "candidates": step.attempts.iter().map(attempt).collect::<Value>() }))
        .collect()
}

/// Prints the modules, then the refused files, or with `trail` everything that was tried.
pub fn print(rows: &[ModuleRow], trail: bool, output: &mut Output) {
    let mut table = Table::new(&[("MODULE", Side::Left), ("WANTED", Side::Left), ("SYMBOLS", Side::Left)]);
    for row in rows {
        let style = if row.is_named() { Style::new() } else { Style::new().fg_color(Some(AnsiColor::Yellow.into())) };
        table.row([row.module().name().into(), row.wanted().into(), Cell::styled(row.status(), style)]);
    }
    output.text(&table.render(output.colour));
    if trail {
        rows.iter().for_each(|row| print_trail(row, output));
    } else {
        print_refusals(rows, output);
    }
}

fn print_refusals(rows: &[ModuleRow], output: &mut Output) {
    let mut is_first = true;
    for row in rows.iter().filter(|row| !row.is_named()) {
        for attempt in row.0.trail.refusals() {
            if std::mem::take(&mut is_first) {
                output.line("");
                output.heading("refused");
            }
            let text = format!("{}: {}", attempt.path, attempt.outcome.reason());
            output.line(&format!("  {}", printable(&text)));
        }
    }
}

fn print_trail(row: &ModuleRow, output: &mut Output) {
    let trail = &row.0.trail;
    output.line("");
    output.heading(&printable(row.module().name()));
    output.line(&format!("  looked for {}", printable(&trail.names.join(", "))));
    for step in &trail.steps {
        if step.attempts.is_empty() {
            output.line(&format!("  {}: nothing that could be it", printable(&step.place)));
            continue;
        }
        output.line(&format!("  {}:", printable(&step.place)));
        for Attempt { path, outcome } in &step.attempts {
            let text = format!("{path}: {}: {}", outcome.word(), outcome.reason());
            output.line(&format!("    {}", printable(&text)));
        }
    }
    if !trail.left_out.is_empty() {
        output.line(&format!("  not needed any more: {}", printable(&trail.left_out.join(", "))));
    }
}
