//! What was probably meant by a text that is no address: candidates, best first, each with its reason.

use super::number;
use crate::{
    ce::slot::{Slot, offset_of, slot_of, zero_based},
    layout::layout,
};
use vatlas_space::{LayoutChoice, LayoutName, PointerWidth, Va};

/// An address that may have been meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correction {
    /// The address as digits, without `0x`.
    pub text: String,
    /// The address.
    pub va: Va,
    /// Why it is offered, and where it would lie.
    pub reason: String,
}

/// Where an address would lie: the name of its area, and in a slot layout its offset.
pub(super) fn describe(value: u64, name: LayoutName) -> String {
    let va = Va(value);
    let layout = layout(LayoutChoice::usual(name));
    let area = layout.area_at(va).map_or("outside this space", |area| &area.name);
    match slot_of(va) {
        Some(slot) if name.has_slots() && slot.number() < 64 => {
            let named = area.split(':').next() == Some(format!("slot {slot}").as_str());
            let place = if named { area.to_owned() } else { format!("slot {slot} ({area})") };
            format!("{place}, offset {:07X}", offset_of(va))
        }
        _ => format!("in the area '{area}'"),
    }
}

/// Corrections for too many digits, best first.
///
/// 1. a slot base joined with a whole seven-digit offset, its first digit counted twice: `3519ABCDE` is
///    `34000000 + 019ABCDE = 359ABCDE` (slot layouts, nine digits);
/// 2. a 64-bit number that repeats the highest bit of a 32-bit address;
/// 3. the last digit is one too many;
/// 4. any other single digit is one too many, from the first on;
/// 5. far too many digits: the front or the end of them.
pub(super) fn of_digits(digits: &str, layout: LayoutName) -> Vec<Correction> {
    let most = layout.width().digits();
    let mut found = Found { layout, list: Vec::new() };
    if digits.len() == most + 1 {
        if layout.has_slots() {
            found.add_joined(digits);
        }
        found.add(&digits[..most], "the last digit dropped");
        for index in 0..most {
            let reason = format!("without the digit {} at place {}", &digits[index..=index], index + 1);
            found.add(&[&digits[..index], &digits[index + 1..]].concat(), &reason);
        }
    } else if digits.len() > most {
        let end = &digits[digits.len() - most..];
        if layout.width() == PointerWidth::Bits32 && is_sign_extended(digits, end) {
            found.add(end, "a 32-bit address with its sign bit repeated");
        } else {
            found.add(&digits[..most], "the first digits");
            found.add(end, "the last digits");
        }
    }
    found.list
}

fn is_sign_extended(digits: &str, end: &str) -> bool {
    digits.len() == 16 && digits.starts_with("FFFFFFFF") && end >= "80000000"
}

/// Look-alikes that are typed for digits.
const LOOK_ALIKES: &[(char, char)] = &[('o', '0'), ('O', '0'), ('l', '1'), ('I', '1'), ('i', '1')];

/// Corrections for a text with a character that is no digit: the look-alikes replaced.
pub(super) fn of_letters(text: &str, layout: LayoutName) -> Vec<Correction> {
    // More letters than digits and separators of an address have cannot become one.
    if text.len() > 2 * layout.width().digits() + 2 {
        return Vec::new();
    }
    let replaced: String = text
        .chars()
        .map(|letter| LOOK_ALIKES.iter().find(|(typed, _)| *typed == letter).map_or(letter, |(_, digit)| *digit))
        .collect();
    let mut found = Found { layout, list: Vec::new() };
    if replaced != text
        && let Ok(digits) = super::digits_of(&replaced)
        && digits.len() <= layout.width().digits()
    {
        found.add(&digits, "a letter was typed for a digit that looks like it");
    }
    found.list
}

/// Corrections found so far, without repetitions.
struct Found {
    layout: LayoutName,
    list: Vec<Correction>,
}

impl Found {
    fn add(&mut self, digits: &str, reason: &str) {
        let Some(value) = number(digits) else { return };
        if self.list.iter().all(|other| other.va.0 != value) {
            let reason = format!("{reason}; {}", describe(value, self.layout));
            self.list.push(Correction { text: digits.to_owned(), va: Va(value), reason });
        }
    }

    /// Nine digits: two that name a slot's half, then an offset of seven digits whose first digit agrees with that half.
    fn add_joined(&mut self, digits: &str) {
        let doubled = &digits[2..3];
        let Some(value) = number(&[&digits[..2], &digits[3..]].concat()) else { return };
        let Some(slot) = slot_of(Va(value)).filter(|slot| slot.process().is_some()) else { return };
        let offset = number(&digits[2..]).filter(|offset| *offset == u64::from(offset_of(Va(value))));
        if offset.is_some() {
            self.add(&[&digits[..2], &digits[3..]].concat(), &joined_reason(slot, Va(value), doubled));
        }
    }
}

fn joined_reason(slot: Slot, va: Va, doubled: &str) -> String {
    let (base, offset) = (slot.base().0, zero_based(va).0);
    format!(
        "{base:08X} + {offset:08X}, the slot form of {offset:08X}; the {doubled} was written both in the second digit and \
         before the rest of the offset"
    )
}
