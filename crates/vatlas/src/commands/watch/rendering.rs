//! Values of expressions as a table and as JSON.

use super::Answer;
use crate::{
    draw::text::printable,
    json,
    output::Output,
    table::{Cell, Table},
    value_words::{placed_rows, placed_table, value_json},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};
use vatlas_debug::{
    value::{WordStyle, words},
    watch::{Home, Local, WatchError, Watched},
};
use vatlas_space::{PointerWidth, ProcessIndex, Target};
use vatlas_symbols::variable::VariableKind;

/// `column 13: counters[0].valu`, cut before the place where it goes wrong.
pub fn place(asked: &str, error: &WatchError) -> String {
    let wrong = asked.get(error.span.start..error.span.end).filter(|wrong| !wrong.is_empty());
    let column = error.column(asked);
    match wrong {
        Some(wrong) => format!("in '{asked}' at column {column}: {wrong}"),
        None => format!("in '{asked}' at column {column}"),
    }
}

/// What values are shown of.
pub struct Rendering<'a> {
    pub target: &'a dyn Target,
    pub is_one_process: bool,
}

impl Rendering<'_> {
    fn style(&self, process: ProcessIndex) -> WordStyle {
        let width = self.target.processes().get(process.0).map(|process| process.width);
        WordStyle::new(width.unwrap_or(PointerWidth::Bits64))
    }

    /// The name of a process, where there are several.
    fn process_name(&self, process: ProcessIndex) -> String {
        let process = self.target.processes().get(process.0);
        let name = process.and_then(|process| process.name.clone());
        let id = process.and_then(|process| process.id).map(|id| id.to_string());
        match (name, id) {
            (Some(name), Some(id)) => format!("{name} ({id})"),
            (Some(name), None) => name,
            (None, id) => id.unwrap_or_else(|| "?".to_owned()),
        }
    }

    /// A table of all values, then remarks.
    pub fn show(&self, answers: &[Answer<'_>], locals: Option<&[Local]>, output: &mut Output) {
        let mut table = placed_table();
        for answer in answers {
            let name = match self.is_one_process {
                true => answer.asked.to_owned(),
                false => format!("{}  {}", self.process_name(answer.process), answer.asked),
            };
            match &answer.result {
                Ok(watched) => self.rows(&mut table, &name, watched),
                Err(error) => {
                    let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
                    let text = format!("{} (column {})", error.message, error.column(answer.asked));
                    table.row([name.into(), Cell::styled(text, yellow), "".into(), "".into()]);
                }
            }
        }
        for local in locals.unwrap_or_default() {
            let kind = match local.kind {
                VariableKind::Parameter => "argument ",
                VariableKind::Local => "",
                VariableKind::Static => "static ",
            };
            let inline = if local.function == 0 { String::new() } else { format!(" (of caller {})", local.function) };
            self.rows(&mut table, &format!("{kind}{}{inline}", local.name), &local.watched);
        }
        output.text(&table.render(output.colour));
        for watched in answers.iter().filter_map(|answer| answer.result.as_ref().ok()) {
            for remark in &watched.remarks {
                output.remark(&format!("remark: {}: {remark}", watched.expression));
            }
        }
    }

    fn rows(&self, table: &mut Table, name: &str, watched: &Watched) {
        let style = self.style(watched.process);
        let at = self.at(watched);
        if watched.text == words(&watched.value, style) {
            return placed_rows(table, &at, name, &watched.value, style);
        }
        let dim = Style::new().dimmed();
        let type_name = Cell::styled(&watched.value.type_name, dim);
        let text = printable(&watched.text).into_owned();
        table.row([name.into(), text.into(), type_name, Cell::styled(at, dim)]);
    }

    /// Where a value lives: its address, on Windows CE also in slot 0, or a register.
    fn at(&self, watched: &Watched) -> String {
        let style = self.style(watched.process);
        match (&watched.home, watched.value.va) {
            (Home::Register(name), _) => name.clone(),
            (_, Some(va)) => {
                let slot_zero = watched.slot_zero.map(|va| format!(" (slot 0: {})", va.text(style.width)));
                let slot_form = watched.slot_form.map(|va| format!(" (in its slot: {})", va.text(style.width)));
                va.text(style.width) + &slot_zero.or(slot_form).unwrap_or_default()
            }
            (Home::Constant, None) => "constant".to_owned(),
            _ => String::new(),
        }
    }

    /// An expression and its value, or why it has none.
    pub fn answer_json(&self, answer: &Answer<'_>) -> Json {
        let mut object = json!({ "asked": answer.asked, "process": self.process_json(answer.process) });
        match &answer.result {
            Ok(watched) => {
                extend(&mut object, self.watched_json(watched));
                object["error"] = Json::Null;
            }
            Err(error) => {
                object["error"] = json!({
                    "message": error.message,
                    "column": error.column(answer.asked),
                    "suggestions": error.suggestions,
                });
            }
        }
        object
    }

    fn process_json(&self, process: ProcessIndex) -> Json {
        let process = self.target.processes().get(process.0);
        json!({
            "id": process.and_then(|process| process.id).map(|id| id.0),
            "name": process.and_then(|process| process.name.as_ref()),
        })
    }

    fn watched_json(&self, watched: &Watched) -> Json {
        let style = self.style(watched.process);
        let (home, register) = match &watched.home {
            Home::Memory => ("memory", None),
            Home::Register(name) => ("register", Some(name)),
            Home::Constant => ("constant", None),
            Home::Computed => ("computed", None),
        };
        json!({
            "expression": watched.expression,
            "shown": watched.text,
            "home": home,
            "register": register,
            "slot_address": watched.slot_form.map(|va| json::va(va, style.width)),
            "slot_zero_address": watched.slot_zero.map(|va| json::va(va, style.width)),
            "source": watched.origin,
            "result": value_json(&watched.value, style),
            "steps": json::steps(&watched.steps),
            "remarks": watched.remarks,
        })
    }

    /// A variable of the frame.
    pub fn local_json(&self, local: &Local) -> Json {
        let kind = match local.kind {
            VariableKind::Parameter => "argument",
            VariableKind::Local => "variable",
            VariableKind::Static => "static",
        };
        let mut object = json!({ "name": local.name, "local_kind": kind, "function": local.function });
        extend(&mut object, self.watched_json(&local.watched));
        object
    }
}

fn extend(object: &mut Json, other: Json) {
    if let (Json::Object(object), Json::Object(other)) = (object, other) {
        object.extend(other);
    }
}
