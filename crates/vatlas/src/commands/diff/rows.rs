//! One change each, as a row of a table and as JSON.

use crate::{
    draw::text::size,
    explanation::usage_json,
    json,
    table::{Side, Table},
    words::{usage_words, whereabouts},
};
use serde_json::{Value, json};
use vatlas_debug::{
    diff::{MemoryChange, ModuleChange, ModuleDifference, RegionChange, RegionDifference, RegionFacts, ThreadChange},
    usage_index::UsageIndex,
};
use vatlas_space::{Module, PointerWidth, Va};

pub fn module_table() -> Table {
    Table::new(&[("CHANGE", Side::Left), ("NAME", Side::Left), ("IN A", Side::Left), ("IN B", Side::Left)])
}

/// `moved, other build`
fn module_words(difference: ModuleDifference) -> String {
    let parts = [
        (difference.moved, "moved"),
        (difference.other_version, "other build"),
        (difference.other_path, "other folder"),
    ];
    parts.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

fn module_place(module: &Module, width: PointerWidth) -> String {
    let version = module.version.map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version}", module.range.first().text(width))
}

pub fn module_row(table: &mut Table, change: &ModuleChange<'_>, width: PointerWidth) {
    let name = change.module().name();
    match change {
        ModuleChange::OnlyInA(module) => {
            table.row(["unloaded".into(), name.into(), module_place(module, width).into(), "".into()]);
        }
        ModuleChange::OnlyInB(module) => {
            table.row(["loaded".into(), name.into(), "".into(), module_place(module, width).into()]);
        }
        ModuleChange::Changed { a, b, difference } => {
            let (a, b) = (module_place(a, width), module_place(b, width));
            table.row([module_words(*difference).into(), name.into(), a.into(), b.into()]);
        }
    }
}

pub fn module_json(change: &ModuleChange<'_>, width: PointerWidth) -> Value {
    let side = |module: &Module| {
        json!({
            "range": json::range(module.range, width), "path": module.path,
            "version": module.version.map(|version| version.to_string()),
            "time_date_stamp": json::hex32(module.time_date_stamp),
        })
    };
    let (word, a, b) = match change {
        ModuleChange::OnlyInA(module) => ("unloaded".to_owned(), Some(side(module)), None),
        ModuleChange::OnlyInB(module) => ("loaded".to_owned(), None, Some(side(module))),
        ModuleChange::Changed { a, b, difference } => (module_words(*difference), Some(side(a)), Some(side(b))),
    };
    json!({ "change": word, "name": change.module().name(), "a": a, "b": b })
}

pub fn thread_table() -> Table {
    Table::new(&[("CHANGE", Side::Left), ("THREAD", Side::Right), ("PC IN A", Side::Left), ("PC IN B", Side::Left)])
}

/// One row for a thread that ended or began, one for each side that moved.
pub fn thread_rows(table: &mut Table, change: &ThreadChange<'_>, (a, b): (&UsageIndex<'_>, &UsageIndex<'_>)) {
    let place =
        |index: &UsageIndex<'_>, va: Va| format!("{} {}", va.text(index.process().width), whereabouts(index, va));
    match change {
        ThreadChange::OnlyInA(thread) => {
            let pc = thread.registers().map(|registers| place(a, registers.pc)).unwrap_or_default();
            table.row(["ended".into(), thread.id.to_string().into(), pc.into(), "".into()]);
        }
        ThreadChange::OnlyInB(thread) => {
            let pc = thread.registers().map(|registers| place(b, registers.pc)).unwrap_or_default();
            table.row(["began".into(), thread.id.to_string().into(), "".into(), pc.into()]);
        }
        ThreadChange::Moved { a: thread, sides, .. } => {
            for side in sides {
                let (from, to) = (place(a, side.pc.0), place(b, side.pc.1));
                table.row(["moved".into(), thread.id.to_string().into(), from.into(), to.into()]);
            }
        }
    }
}

pub fn thread_json(change: &ThreadChange<'_>, width: PointerWidth) -> Value {
    match change {
        ThreadChange::OnlyInA(thread) => json!({ "change": "ended", "thread": thread.id.0 }),
        ThreadChange::OnlyInB(thread) => json!({ "change": "began", "thread": thread.id.0 }),
        ThreadChange::Moved { a, sides, .. } => json!({
            "change": "moved",
            "thread": a.id.0,
            "sides": sides.iter().map(|side| json!({
                "machine": side.machine.to_string(),
                "pc": { "a": json::va(side.pc.0, width), "b": json::va(side.pc.1, width) },
                "sp": { "a": json::va(side.sp.0, width), "b": json::va(side.sp.1, width) },
            })).collect::<Value>(),
        }),
    }
}

pub fn region_table() -> Table {
    Table::new(&[
        ("CHANGE", Side::Left),
        ("FIRST", Side::Left),
        ("LAST", Side::Left),
        ("SIZE", Side::Right),
        ("IN A", Side::Left),
        ("IN B", Side::Left),
    ])
}

/// `added`, `removed`, or what changed: `protection, use`
fn region_word(difference: RegionDifference) -> String {
    match difference {
        RegionDifference::Added => "added".to_owned(),
        RegionDifference::Removed => "removed".to_owned(),
        RegionDifference::Changed(aspects) => {
            let parts = [
                (aspects.state, "state"),
                (aspects.protection, "protection"),
                (aspects.kind, "kind"),
                (aspects.usage, "use"),
            ];
            parts.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
        }
    }
}

fn facts_words(facts: &RegionFacts, width: PointerWidth) -> String {
    let kind = facts.kind.map(|kind| format!(" {kind}")).unwrap_or_default();
    let protection = facts.protection.map(|protection| format!(" {}", protection.letters())).unwrap_or_default();
    let usage = usage_words(&facts.usage, width);
    let state = facts.state.to_string();
    if usage == state { state } else { format!("{state}{kind}{protection}, {usage}") }
}

pub fn region_row(table: &mut Table, change: &RegionChange, width: PointerWidth) {
    table.row([
        region_word(change.difference).into(),
        change.range.first().text(width).into(),
        change.range.last().text(width).into(),
        size(change.range.size()).into(),
        facts_words(&change.a, width).into(),
        facts_words(&change.b, width).into(),
    ]);
}

pub fn region_json(change: &RegionChange, width: PointerWidth) -> Value {
    let side = |facts: &RegionFacts| {
        json!({
            "state": facts.state.to_string(),
            "kind": facts.kind.map(|kind| kind.to_string()),
            "protection": facts.protection.map(|protection| protection.to_string()),
            "usage": usage_json(&facts.usage, width),
        })
    };
    json!({
        "change": region_word(change.difference),
        "range": json::range(change.range, width),
        "a": side(&change.a),
        "b": side(&change.b),
    })
}

pub fn memory_table() -> Table {
    Table::new(&[
        ("FIRST", Side::Left),
        ("LAST", Side::Left),
        ("SIZE", Side::Right),
        ("DIFFERING", Side::Right),
        ("USE", Side::Left),
    ])
}

pub fn memory_row(table: &mut Table, change: &MemoryChange<'_>, width: PointerWidth) {
    table.row([
        change.range.first().text(width).into(),
        change.range.last().text(width).into(),
        size(change.range.size()).into(),
        change.differing.to_string().into(),
        usage_words(&change.owners.1.usage, width).into(),
    ]);
}

pub fn memory_json(change: &MemoryChange<'_>, width: PointerWidth) -> Value {
    json!({
        "range": json::range(change.range, width),
        "differing": change.differing,
        "usage": { "a": usage_json(&change.owners.0.usage, width), "b": usage_json(&change.owners.1.usage, width) },
    })
}
