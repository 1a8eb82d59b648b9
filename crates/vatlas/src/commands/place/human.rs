//! A place for people: headline, aligned rows, each statement with its reason and how well it is supported.

use super::{Answer, forms, headline};
use crate::{
    commands::paragraph::Paragraph,
    draw::text::printable,
    output::{Output, sized_range},
};
use anstyle::{AnsiColor, Style};
use vatlas_rules::{
    Layout, Place, PlaceFacts, Statement,
    ce::slot::Half,
    place::{Likely, SlotFacts},
    statement::support_text,
};
use vatlas_space::Source;

/// Column where answers begin.
const LABEL: usize = 14;

/// Writes the answer.
pub fn write(answer: &Answer<'_>, layout: &Layout, facts: &PlaceFacts, all_forms: bool, output: &mut Output) {
    let place = &answer.place;
    let va = place.va.text(place.width());
    let bold = Style::new().bold();
    let title = output.paint(bold.fg_color(Some(AnsiColor::Cyan.into())), &va);
    Paragraph::new(output, format!("{title}  "), va.len() + 2)
        .words(Style::new(), &printable(&headline::headline(place)))
        .write(output);
    row(output, "layout", &format!("{}: {}", layout.name, layout.title()), "");
    area(place, output);
    if let Some(slot) = &place.slot {
        row(output, "slot", &slot_text(slot), "");
    }
    guesses(&place.likely, output);
    for (label, text, support) in forms::rows(place, facts, all_forms) {
        row(output, label, &text, &support);
    }
    let alignment = &place.alignment.statement;
    row(output, "alignment", &sentence(alignment), &support_text(alignment.support));
    remarks(place, output);
    elsewhere(answer, output);
}

fn area(place: &Place, output: &mut Output) {
    let area = &place.area;
    row(output, "area", &format!("{} ({})", area.name, sized_range(area.range)), "");
    row(output, "  for", &area.purpose, "");
    row(output, "  holds", area.holds, "");
    row(output, "  never", area.never_holds, "");
    row(output, "  because", &area.because, &support_text(area.support));
}

/// `9, process number 8, offset 0x0012345: 64 KB block 1, page 2; lower half`.
fn slot_text(slot: &SlotFacts) -> String {
    let process = match (slot.process, &slot.process_name) {
        (Some(process), Some(name)) => format!(", process number {process}, {name}"),
        (Some(process), None) => format!(", process number {process}"),
        (None, _) => String::new(),
    };
    let half = match slot.half {
        Some(Half::Lower) => ", lower half",
        Some(Half::Upper) => ", upper half",
        None => "",
    };
    format!(
        "{}{process}; offset {:#09x}{half} (64 KB block {}, page {} of it)",
        slot.slot, slot.offset, slot.block, slot.page
    )
}

/// Guesses that share their reason share a row.
fn guesses(likely: &[Likely], output: &mut Output) {
    for group in likely.chunk_by(|a, b| a.confidence == b.confidence && a.because == b.because) {
        let Some(first) = group.first() else { continue };
        let kinds: Vec<&str> = group.iter().map(|guess| guess.kind.as_str()).collect();
        let text = format!("{}: {}", kinds.join(", or "), first.because);
        row(output, &first.confidence.to_string(), &text, &marks(&first.source, &support_text(first.support)));
    }
}

fn remarks(place: &Place, output: &mut Output) {
    for (number, remark) in place.remarks.iter().enumerate() {
        let label = if number == 0 { "also" } else { "" };
        Paragraph::new(output, format!("  {label:<LABEL$}- "), LABEL + 4)
            .words(Style::new(), &printable(&sentence(remark)))
            .marks(&printable(&marks(&remark.source, &support_text(remark.support))))
            .write(output);
    }
}

fn sentence(statement: &Statement) -> String {
    format!("{}, because {}", statement.text, statement.because)
}

/// What a statement rests on, when it is not the layout that the answer is about.
fn marks(source: &Source, support: &str) -> String {
    match source {
        Source::Layout(_) => support.to_owned(),
        other if support.is_empty() => other.to_string(),
        other => format!("{other}, {support}"),
    }
}

fn row(output: &mut Output, label: &str, text: &str, marks: &str) {
    let paragraph = Paragraph::new(output, format!("  {label:<LABEL$}"), LABEL + 2);
    paragraph.words(Style::new(), &printable(text)).marks(&printable(marks)).write(output);
}

/// What the same number is under other rules, when the user named none.
fn elsewhere(answer: &Answer<'_>, output: &mut Output) {
    for place in &answer.elsewhere {
        row(output, &format!("on {}", place.choice.name), &headline::headline(place), "");
    }
}
