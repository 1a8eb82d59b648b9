//! An address in a few words: the area, and what is most likely there.

use vatlas_rules::{
    Place,
    place::{Confidence, Likely, LikelyKind, ListedHit, Part},
};

/// The area and the best guess: `slot 1: ROM DLL code; coredll.dll+0x1000`. What the area's name says already is
/// not said again.
pub fn headline(place: &Place) -> String {
    let name = &place.area.name;
    match best(place) {
        Some(best) => format!("{name}; {best}"),
        None => name.to_string(),
    }
}

/// What is most likely there; `None` when the area's name says all.
fn best(place: &Place) -> Option<String> {
    if let Some(hit) = place.listed.iter().find(|hit| hit.condition.is_none()) {
        return Some(listed(hit));
    }
    let first = place.likely.first()?;
    let adverb = adverb(first.confidence);
    if let Some(call) = &place.api_call {
        return Some(format!("{adverb}{call}"));
    }
    if let Some(field) = &place.kdata {
        let offset = if field.offset == 0 { String::new() } else { format!("+{:#x}", field.offset) };
        return Some(format!("{adverb}{}{offset}", field.name));
    }
    match (first.kind, place.null_offset) {
        (LikelyKind::NullPointer, Some(0)) => Some(format!("{adverb}null pointer")),
        (LikelyKind::NullPointer, Some(offset)) => Some(format!("{adverb}null pointer + {offset:#x}")),
        (LikelyKind::Nothing, _) => Some("nothing can be here".to_owned()),
        (LikelyKind::Kernel, _) if place.area.name.contains("kernel") => None,
        (LikelyKind::Kernel, _) if first.confidence == Confidence::Certain => Some("the kernel's".to_owned()),
        (kind, _) if place.area.name.contains(kind.as_str()) => None,
        _ => Some(format!("{adverb}{}", guesses(place, first))),
    }
}

const fn adverb(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "",
        Confidence::Likely => "likely ",
        Confidence::Possible => "possibly ",
        Confidence::Unlikely => "hardly ",
    }
}

/// A module of the list and the offset in it.
fn listed(hit: &ListedHit) -> String {
    let part = if hit.part == Part::Data { "data of " } else { "" };
    format!("{part}{}+{:#x}", hit.module, hit.offset)
}

/// All guesses that are as good as the first.
fn guesses(place: &Place, first: &Likely) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    let mut symbol = "";
    for guess in place.likely.iter().filter(|guess| guess.confidence == first.confidence) {
        match guess.kind {
            LikelyKind::NeverSymbol => symbol = ", no symbol expected",
            kind if !kinds.contains(&kind.as_str()) => kinds.push(kind.as_str()),
            _ => {}
        }
    }
    format!("{}{symbol}", kinds.join(", or "))
}
