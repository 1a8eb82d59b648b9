//! The slots of a device that a dump shows: who lives where, what is used, what was captured.

use super::dlls;
use crate::{
    ce_words::kdata_words,
    draw::text::size,
    failure::Failure,
    json,
    open::Opened,
    output::Output,
    process_choice::name,
    table::{Side, Table},
};
use serde_json::{Value, json};
use vatlas_debug::ce_place::{KDataWord, SlotRow, kdata_words as words_of, slots};
use vatlas_rules::{Layout, ce::slot::Slot};
use vatlas_space::{PointerWidth, Target};

const WIDTH: PointerWidth = PointerWidth::Bits32;
/// Names of modules in a row.
const MOST_NAMES: usize = 4;

/// Writes the slots of a target.
///
/// # Errors
/// Its processes do not live in slots.
pub fn write(opened: &Opened, all: bool, with_kdata: bool, output: &mut Output) -> Result<(), Failure> {
    let target = &*opened.target;
    let rows = slots(target);
    if rows.is_empty() {
        return Err(Failure::could_not("the processes of this file do not live in slots")
            .hint("Windows CE up to 5.x has slots; 'vatlas map' shows any address space"));
    }
    let layout = target.processes().iter().find_map(|process| process.layout).map(vatlas_rules::layout::layout);
    let words = words_of(target);
    if output.json {
        let answer = json!({
            "layout": layout.as_ref().map(|layout| layout.name.as_str()),
            "slots": rows.iter().map(|row| row_json(target, row, layout.as_ref())).collect::<Value>(),
            "dlls": dlls::document(&dlls::dlls(target)),
            "kdata": words.iter().map(word_json).collect::<Value>(),
        });
        output.document(&json::document("slots", opened.input(), answer));
        return Ok(());
    }
    let shown = rows.iter().filter(|row| all || is_shown(row));
    output.text(&table(target, shown, layout.as_ref()).render(output.colour));
    if !all {
        output.line("slots of which nothing is known, and those that are not used, are left out; --all shows them");
    }
    dlls::show(&dlls::dlls(target), output);
    if with_kdata {
        kdata(&words, output);
    }
    Ok(())
}

fn is_shown(row: &SlotRow) -> bool {
    row.process.is_some() || row.is_used == Some(true) || !row.modules.is_empty() || row.captured > 0
}

fn table<'r>(target: &dyn Target, rows: impl Iterator<Item = &'r SlotRow>, layout: Option<&Layout>) -> Table {
    let mut table = Table::new(&[
        ("SLOT", Side::Right),
        ("FROM", Side::Left),
        ("WHOSE", Side::Left),
        ("USED", Side::Left),
        ("BLOCK TABLE", Side::Left),
        ("CAPTURED", Side::Right),
        ("MODULES", Side::Left),
    ]);
    for row in rows {
        table.row([
            row.slot.to_string().into(),
            row.slot.base().text(WIDTH).into(),
            whose(target, row, layout).into(),
            used(row).into(),
            row.section.map(|section| section.text(WIDTH)).unwrap_or_default().into(),
            if row.captured == 0 { String::new() } else { size(row.captured) }.into(),
            modules(row).into(),
        ]);
    }
    table
}

/// The process, or what the layout says of the slot.
fn whose(target: &dyn Target, row: &SlotRow, layout: Option<&Layout>) -> String {
    let process = row.process.and_then(|index| target.processes().get(index.0));
    match (process, row.slot) {
        (Some(process), Slot::ZERO) => {
            let slot = process.home.map(|home| format!(", slot {}", home.slot())).unwrap_or_default();
            format!("shows {}{slot}", name(process))
        }
        (Some(process), _) => name(process),
        (None, Slot::ZERO) => "shows the process that runs".to_owned(),
        (None, slot) if slot.process().is_some() => "no process is listed".to_owned(),
        (None, slot) => layout
            .and_then(|layout| layout.area_at(slot.base()))
            .map(|area| area.name.rsplit(": ").next().unwrap_or(&area.name).to_owned())
            .unwrap_or_default(),
    }
}

const fn used(row: &SlotRow) -> &'static str {
    match row.is_used {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

fn modules(row: &SlotRow) -> String {
    let more = row.modules.len().saturating_sub(MOST_NAMES);
    let names = row.modules.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(" ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn kdata(words: &[KDataWord], output: &mut Output) {
    output.line("");
    if words.is_empty() {
        return output.line("the kernel data page is not in the dump");
    }
    output.heading("kernel data page");
    let mut table =
        Table::new(&[("ADDRESS", Side::Left), ("FIELD", Side::Left), ("VALUE", Side::Left), ("MEANING", Side::Left)]);
    for word in words {
        let [field, value, meaning] = kdata_words(word);
        table.row([word.va.text(WIDTH).into(), field.into(), value.into(), meaning.into()]);
    }
    output.text(&table.render(output.colour));
}

fn row_json(target: &dyn Target, row: &SlotRow, layout: Option<&Layout>) -> Value {
    let process = row.process.and_then(|index| target.processes().get(index.0));
    json!({
        "slot": row.slot.number(),
        "range": json::range(row.slot.range(), WIDTH),
        "whose": whose(target, row, layout),
        "process": process.map(|process| json!({ "id": process.id.map(|id| id.0), "name": process.name })),
        "used": row.is_used,
        "block_table": row.section.map(|section| json::va(section, WIDTH)),
        "captured_bytes": row.captured,
        "modules": row.modules,
    })
}

fn word_json(word: &KDataWord) -> Value {
    json!({
        "address": json::va(word.va, WIDTH),
        "field": word.field.name,
        "value": json::hex32(word.value),
        "meaning": word.field.meaning,
        "is": word.is,
    })
}
