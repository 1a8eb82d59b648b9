//! Letters and colours for the areas of a layout, the same in the table and in the picture.

use crate::{
    draw::{
        palette,
        terminal::{self, Look},
    },
    output::Output,
};
use anstyle::{Ansi256Color, Style};
use std::borrow::Cow;
use vatlas_rules::{
    Area, AreaKind, Layout,
    area::Owner,
    ce::slot::{Slot, slot_of},
};
use vatlas_space::VaRange;

/// A row of the table: an area, or several process slots as one.
pub struct Shown<'a> {
    /// All its addresses.
    pub range: VaRange,
    /// The first area.
    pub area: &'a Area,
    /// Name for people.
    pub name: Cow<'a, str>,
    /// What it is for.
    pub purpose: Cow<'a, str>,
    /// The letter that stands for it.
    pub letter: char,
    /// Number of its colour.
    pub tint: usize,
}

/// The rows of the table; `folded` makes one of all process slots.
pub fn shown(layout: &Layout, folded: bool) -> Vec<Shown<'_>> {
    let tints = tints(&layout.areas);
    let is_slot = |area: &Area| area.kind == AreaKind::ProcessSlot;
    let mut rows: Vec<Shown<'_>> = Vec::new();
    for (area, tint) in layout.areas.iter().zip(tints) {
        if let Some(last) = rows.last_mut()
            && folded
            && is_slot(area)
            && is_slot(last.area)
            && let Some(range) = VaRange::new(last.range.first(), area.range.last())
        {
            last.range = range;
            continue;
        }
        rows.push(Shown {
            range: area.range,
            area,
            name: area.name.as_ref().into(),
            purpose: area.purpose.as_ref().into(),
            letter: letter(area.kind),
            tint,
        });
    }
    for row in rows.iter_mut().filter(|row| row.range != row.area.range) {
        row.name = folded_name(row.range).into();
        row.purpose = "one process each, visible also while it does not run; process number = slot - 1, access key = 1 << process \
                       number"
            .into();
    }
    rows
}

fn folded_name(range: VaRange) -> String {
    let ends = slot_of(range.first()).zip(slot_of(range.last()));
    let processes = ends.and_then(|(first, last)| first.process().zip(last.process()));
    match (ends, processes) {
        (Some((first, last)), Some((low, high))) => format!("slots {first}-{last}: processes {low}-{high}"),
        _ => "process slots".to_owned(),
    }
}

/// Columns that a wide picture and names beside it need.
const ROOM_FOR_BOTH: usize = 125;

/// Draws the layout.
pub fn write(layout: &Layout, output: &mut Output) {
    let names: Vec<Cow<'_, str>> = layout.areas.iter().map(short_name).collect();
    let areas: Vec<terminal::Area<'_>> = layout
        .areas
        .iter()
        .zip(tints(&layout.areas))
        .zip(&names)
        .map(|((area, tint), name)| terminal::Area { range: area.range, letter: letter(area.kind), tint, name })
        .collect();
    let (columns, lines) = output.columns_and_lines();
    // The map scrolls: 32 lines tell more than 16, even where the terminal has fewer. From 100 columns on it takes 64
    // of them for itself, which leaves no room for names unless there are more.
    let width = if columns < ROOM_FOR_BOTH { columns.min(99) } else { columns };
    let look = Look { colours: output.colours(), width, height: lines.max(32) };
    output.text(&terminal::areas(&areas, look));
}

/// In the picture four slots share a line.
fn short_name(area: &Area) -> Cow<'_, str> {
    process_slot(area).map_or_else(|| area.name.as_ref().into(), |slot| format!("slot {slot}").into())
}

/// The style of a letter in the table.
pub fn badge_style(tint: usize) -> Style {
    let ground = palette::tint(tint);
    let colour = |colour: palette::Rgb| Some(Ansi256Color(colour.xterm()).into());
    Style::new().fg_color(colour(ground.ink())).bg_color(colour(ground))
}

/// The slot of one process.
fn process_slot(area: &Area) -> Option<Slot> {
    slot_of(area.range.first()).filter(|_| area.kind == AreaKind::ProcessSlot)
}

/// A row of the picture shows two slots, so that those above each other are two apart: the colours of a chessboard.
fn board(slot: Slot) -> usize {
    let number = usize::from(slot.number());
    (number + number / 2) % 2
}

/// Colours tell whose an area is; each owner has several, so that neighbours differ.
fn tints(areas: &[Area]) -> Vec<usize> {
    let mut tints: Vec<usize> = Vec::with_capacity(areas.len());
    for area in areas {
        if let Some(slot) = process_slot(area) {
            tints.push(board(slot));
            continue;
        }
        let own: &[usize] = match area.kind.owner() {
            Owner::Process => &[0, 1],
            Owner::EveryProcess => &[2, 3],
            Owner::Kernel => &[4, 6, 5],
            Owner::Nobody | Owner::NotEstablished => &[7],
        };
        let before = tints.last().and_then(|last| own.iter().position(|tint| tint == last));
        tints.push(own[before.map_or(0, |index| (index + 1) % own.len())]);
    }
    tints
}

/// The letter of a kind: no two kinds of one layout share one.
const fn letter(kind: AreaKind) -> char {
    match kind {
        AreaKind::NullPartition => '0',
        AreaKind::Guard => '=',
        AreaKind::BeyondProcess | AreaKind::NonCanonical | AreaKind::OutsideSpace => '-',
        AreaKind::CurrentProcess => 'A',
        AreaKind::ProcessSlot | AreaKind::User => 'P',
        AreaKind::RomDllCode => 'R',
        AreaKind::SharedDlls => 'L',
        AreaKind::ResourceDlls => 'M',
        AreaKind::SharedArea | AreaKind::Session => 'S',
        AreaKind::SharedHeap | AreaKind::Hal => 'H',
        AreaKind::User64 | AreaKind::SystemWorkingSet => 'W',
        AreaKind::SharedUserData | AreaKind::PhysicalUncached => 'U',
        AreaKind::SharedBlock | AreaKind::KernelVirtual => 'V',
        AreaKind::KernelData => 'D',
        AreaKind::KernelSlot | AreaKind::KernelImages | AreaKind::KernelDlls => 'K',
        AreaKind::PhysicalCached => 'C',
        AreaKind::ApiCalls => 'I',
        AreaKind::ObjectStore => 'B',
        AreaKind::PageTables => 'T',
        AreaKind::Hyperspace => 'Y',
        AreaKind::SystemCache => 'F',
        AreaKind::PagedPool => 'G',
        AreaKind::SystemPtes => 'E',
        AreaKind::NonpagedPool => 'N',
        AreaKind::ProcessorSpecific => 'X',
        AreaKind::KernelOther => 'O',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_rules::layout::layout;
    use vatlas_space::{LayoutChoice, LayoutName, Va};

    /// Every layout, with the least and the most that a process may use.
    fn layouts() -> impl Iterator<Item = Layout> {
        LayoutName::ALL.into_iter().flat_map(|name| {
            [None, Some(Va(0x7ffe_ffff)), Some(Va(u64::MAX))]
                .map(|highest_user| layout(LayoutChoice { name, highest_user }))
        })
    }

    #[test]
    fn kinds_of_a_layout_have_letters_of_their_own() {
        let empty = [AreaKind::BeyondProcess, AreaKind::NonCanonical];
        for layout in layouts() {
            for area in &layout.areas {
                for other in layout.areas.iter().filter(|other| letter(other.kind) == letter(area.kind)) {
                    let both_empty = empty.contains(&area.kind) && empty.contains(&other.kind);
                    assert!(area.kind == other.kind || both_empty, "{}: {}, {}", layout.name, area.kind, other.kind);
                }
            }
        }
    }

    #[test]
    fn neighbours_differ_in_colour() {
        for layout in layouts() {
            let tints = tints(&layout.areas);
            for (index, pair) in tints.windows(2).enumerate() {
                let area = &layout.areas[index];
                let may_agree = area.kind.owner() == Owner::Nobody || area.kind == AreaKind::ProcessSlot;
                assert!(pair[0] != pair[1] || may_agree, "{}: {}", layout.name, area.name);
            }
        }
    }

    #[test]
    fn slots_beside_and_above_each_other_differ_in_colour() {
        let tint = |number| board(Slot::new(number).unwrap());
        for number in (2..=30).step_by(2) {
            assert_ne!(tint(number), tint(number + 1));
            assert_ne!(tint(number), tint(number + 2));
            assert_ne!(tint(number + 1), tint(number + 3));
        }
    }

    #[test]
    fn folded_rows_still_tile_the_space() {
        for layout in layouts() {
            let rows = shown(&layout, true);
            assert_eq!(rows[0].range.first(), Va(0));
            assert_eq!(rows.last().map(|row| row.range.last()), Some(layout.name.width().last()));
            for pair in rows.windows(2) {
                assert_eq!(pair[0].range.next(), Some(pair[1].range.first()));
            }
            let slots = rows.iter().filter(|row| row.area.kind == AreaKind::ProcessSlot);
            assert_eq!(slots.count(), usize::from(layout.name.has_slots()));
        }
    }
}
