//! Other addresses of the same byte: one line for the slot forms, unless all are wanted.

use vatlas_rules::{
    Place, PlaceFacts,
    place::{Form, OtherForm},
    statement::support_text,
};

/// A row: label, text, marks.
pub type Row = (&'static str, String, String);

/// Rows of the other forms; `all` gives each slot form its own.
pub fn rows(place: &Place, facts: &PlaceFacts, all: bool) -> Vec<Row> {
    let in_slots = place.other_forms.iter().filter(|form| matches!(form.form, Form::InSlot(_))).count();
    let folds = in_slots > 1 && !all;
    let single = place.other_forms.iter().filter(|form| !(folds && matches!(form.form, Form::InSlot(_))));
    let mut rows: Vec<Row> = if folds { vec![folded(place, facts, in_slots)] } else { Vec::new() };
    rows.extend(single.map(|form| row(place, form)));
    rows
}

fn row(place: &Place, form: &OtherForm) -> Row {
    let text = format!("{}: {}", form.va.text(place.width()), form.because);
    (form.form.as_str(), text, support_text(form.support))
}

/// The slot forms in one line: those of the list's processes, or the first two and the last.
fn folded(place: &Place, facts: &PlaceFacts, count: usize) -> Row {
    let mut shown = Vec::new();
    let mut support = String::new();
    for form in &place.other_forms {
        let Form::InSlot(slot) = form.form else { continue };
        support = support_text(form.support);
        let address = form.va.text(place.width());
        let number = slot.number();
        match facts.list.process_in(slot) {
            Some(process) => shown.push(format!("{address} ({}, slot {number})", process.name)),
            None if facts.list.processes.is_empty() && matches!(number, 2 | 3) => {
                shown.push(format!("{address} (slot {number})"));
            }
            None if facts.list.processes.is_empty() && number == 32 => {
                shown.push(format!("... {address} (slot {number})"));
            }
            None => {}
        }
    }
    let text = format!(
        "{}; {count} in all, and the one of the process that runs is the same byte (--process names it, --all-forms lists \
         them)",
        shown.join(", ").replace(", ...", " ...")
    );
    (Form::InSlot(vatlas_rules::ce::slot::Slot::ZERO).as_str(), text, support)
}
