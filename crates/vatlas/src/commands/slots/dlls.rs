//! Who holds the addresses of DLLs: the same in every slot, so that one process's DLLs cost all others their room.

use crate::{
    draw::text::{printable, range, size},
    json,
    output::Output,
    process_choice::name,
    table::{Side, Table},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vatlas_rules::ce::slot::{Slot, slot_of};
use vatlas_space::{Module, PointerWidth, Target, VaRange};

const WIDTH: PointerWidth = PointerWidth::Bits32;
/// Bytes of a slot, and of a column of its picture.
const SLOT: u64 = 0x0200_0000;
const COLUMNS: u64 = 64;
/// Names of processes in a row.
const MOST_NAMES: usize = 4;

/// A range of slot 0 that a DLL has in every process.
pub struct DllRange {
    /// The DLL.
    pub name: String,
    /// Its addresses, in slot-0 form.
    pub range: VaRange,
    /// What is there: `image`, or `variables` of a DLL whose code is in slot 1.
    pub holds: &'static str,
    /// Processes that use it.
    pub users: Vec<String>,
}

/// All ranges of DLLs in slot 0, from the top down.
pub fn dlls(target: &dyn Target) -> Vec<DllRange> {
    let mut found: BTreeMap<(u64, String), DllRange> = BTreeMap::new();
    for process in target.processes().iter().filter(|process| process.home.is_some_and(|home| home.number != 0)) {
        for module in &process.modules {
            let Some((range, holds)) = in_slot_zero(module) else { continue };
            let entry = found.entry((range.first().0, module.name().to_lowercase()));
            let entry =
                entry.or_insert_with(|| DllRange { name: module.name().to_owned(), range, holds, users: Vec::new() });
            entry.users.push(name(process));
        }
    }
    found.into_values().rev().collect()
}

/// What a DLL takes of every slot.
fn in_slot_zero(module: &Module) -> Option<(VaRange, &'static str)> {
    let is_dll = module.name().to_ascii_lowercase().ends_with(".dll");
    let of_slot = |range: &VaRange| slot_of(range.first()) == Some(Slot::ZERO);
    let image = Some((module.range, "image")).filter(|(range, _)| of_slot(range));
    let data = module.data.filter(of_slot).map(|range| (range, "variables"));
    image.or(data).filter(|_| is_dll)
}

/// Prints the table and a picture of the upper half of a slot.
pub fn show(ranges: &[DllRange], output: &mut Output) {
    if ranges.is_empty() {
        return;
    }
    output.line("");
    output.heading("DLLs: addresses that they have in every slot, whether a process uses them or not");
    let columns = [
        ("ADDRESSES", Side::Left),
        ("SIZE", Side::Right),
        ("DLL", Side::Left),
        ("HOLDS", Side::Left),
        ("USED BY", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for dll in ranges {
        table.row([
            range(dll.range).into(),
            size(dll.range.size()).into(),
            printable(&dll.name).into(),
            dll.holds.into(),
            users(dll).into(),
        ]);
    }
    output.text(&table.render(output.colour));
    let lowest = ranges.iter().map(|dll| dll.range.first().0).min().unwrap_or(SLOT);
    output.line(&format!("lowest address of a DLL: {lowest:#010x}; below it {} are left in a slot", size(lowest)));
    output.line("");
    output.line(&format!("  0x00000000 [{}] 0x01ffffff", picture(ranges)));
    output.line(&format!("  # DLLs, . left for programs, heaps and stacks; {} a letter", size(SLOT / COLUMNS)));
}

/// Parts of a slot: those that DLLs have.
fn picture(ranges: &[DllRange]) -> String {
    let part = |column: u64| {
        let (first, end) = (column * SLOT / COLUMNS, (column + 1) * SLOT / COLUMNS);
        let is_taken = ranges.iter().any(|dll| dll.range.first().0 < end && dll.range.last().0 >= first);
        if is_taken { '#' } else { '.' }
    };
    (0..COLUMNS).map(part).collect()
}

fn users(dll: &DllRange) -> String {
    let more = dll.users.len().saturating_sub(MOST_NAMES);
    let names = dll.users.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(" ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// The same as JSON.
pub fn document(ranges: &[DllRange]) -> Value {
    let row = |dll: &DllRange| json!({ "range": json::range(dll.range, WIDTH), "name": dll.name, "holds": dll.holds, "users": dll.users });
    ranges.iter().map(row).collect()
}
