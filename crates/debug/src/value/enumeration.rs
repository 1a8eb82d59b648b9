//! Names for the numbers of an enumeration: one name, or the flags that make the number up.

use super::Integer;
use vatlas_symbols::types::{ConstantValue, Enumeration};

/// The name of a number: the first that has exactly this value; of flags all that make it up, and what is left over in
/// hexadecimal.
pub(super) fn name(enumeration: &Enumeration, number: Integer) -> Option<String> {
    let values = || {
        enumeration.values.iter().filter_map(|named| match named.value {
            ConstantValue::Integer(value) => Some((named.name.as_str(), value)),
            _ => None,
        })
    };
    // Compilers write the values of unsigned enumerations with and without a sign.
    let of_width = |value| Integer::new(value, number.width, number.is_signed);
    if let Some((name, _)) = values().find(|(_, value)| of_width(*value).bits == number.bits) {
        return Some(name.to_owned());
    }
    let masks: Vec<_> = values().map(|(name, value)| (name, of_width(value).bits)).collect();
    if number.bits == 0 || !are_flags(&masks) {
        return None;
    }
    combination(&masks, number.bits)
}

/// Whether values are made to be added: single bits, the highest at least 4, and others that are made of them; and not
/// simply numbered through.
fn are_flags(values: &[(&str, u128)]) -> bool {
    let bits = values.iter().filter(|(_, value)| value.is_power_of_two()).fold(0, |bits, (_, value)| bits | value);
    let highest = values.iter().map(|(_, value)| *value).max().unwrap_or_default();
    let is_numbered = (1..=highest.min(64)).all(|number| values.iter().any(|(_, value)| *value == number));
    bits >= 4 && !is_numbered && values.iter().all(|(_, value)| value & !bits == 0)
}

/// The values that cover the bits of a number, those with most bits first.
fn combination(values: &[(&str, u128)], number: u128) -> Option<String> {
    let mut inside: Vec<_> = values.iter().filter(|(_, value)| *value != 0 && value & !number == 0).collect();
    inside.sort_by_key(|(_, value)| std::cmp::Reverse(value.count_ones()));
    let (mut left, mut taken) = (number, Vec::new());
    for (name, value) in inside {
        if value & left == *value {
            left &= !value;
            taken.push((*value, (*name).to_owned()));
        }
    }
    taken.sort_by_key(|(value, _)| *value);
    let mut names: Vec<_> = taken.into_iter().map(|(_, name)| name).collect();
    if names.is_empty() {
        return None;
    }
    if left != 0 {
        names.push(format!("{left:#x}"));
    }
    Some(names.join(" | "))
}
