//! A place as JSON: every statement with its reason, source and marks.

use super::{Answer, headline};
use crate::json;
use serde_json::{Value, json};
use vatlas_rules::{
    Area, Layout, Place, Statement, Support,
    area::Owner,
    ce::slot::Half,
    place::{Form, Likely, ListedHit, OtherForm, Part, SlotFacts},
};
use vatlas_space::PointerWidth;

/// The answer.
pub fn of(answer: &Answer<'_>, layout: &Layout) -> Value {
    let place = &answer.place;
    let width = place.width();
    json!({
        "asked": answer.asked,
        "address": json::va(place.va, width),
        "headline": headline::headline(place),
        "warning": answer.parsed.warning,
        "alternatives": answer.parsed.alternatives.iter().map(|other| json!({
            "address": json::va(other.va, width), "reason": other.reason,
        })).collect::<Value>(),
        "layout": layout_json(layout),
        "area": area(&place.area, width),
        "slot": place.slot.as_ref().map(|slot| slot_json(slot, width)),
        "null_offset": place.null_offset,
        "api_call": place.api_call.map(|call| json!({
            "set": call.set, "method": call.method, "set_name": call.set_name, "method_name": call.method_name,
        })),
        "kdata": place.kdata.as_ref().map(|field| json!({
            "field": field.name, "offset": field.offset, "meaning": field.meaning,
        })),
        "modules": place.listed.iter().map(listed).collect::<Value>(),
        "likely": place.likely.iter().map(likely).collect::<Value>(),
        "other_forms": place.other_forms.iter().map(|form| other_form(form, width)).collect::<Value>(),
        "alignment": alignment(place),
        "remarks": place.remarks.iter().map(statement).collect::<Value>(),
        "elsewhere": answer.elsewhere.iter().map(|place| json!({
            "layout": place.choice.name.as_str(),
            "headline": headline::headline(place),
            "area": area(&place.area, place.width()),
        })).collect::<Value>(),
    })
}

/// A layout: name, title, highest user address.
pub fn layout_json(layout: &Layout) -> Value {
    json!({
        "name": layout.name.as_str(),
        "title": layout.title(),
        "bits": layout.name.width().bytes() * 8,
        "highest_user": json::va(layout.highest_user, layout.name.width()),
    })
}

/// An area with everything that the rules say about it.
pub fn area(area: &Area, width: PointerWidth) -> Value {
    json!({
        "kind": area.kind.as_str(),
        "name": area.name,
        "range": json::range(area.range, width),
        "owner": owner(area.kind.owner()),
        "purpose": area.purpose,
        "holds": area.holds,
        "never_holds": area.never_holds,
        "reason": area.because,
        "support": support(area.support),
    })
}

const fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Process => "process",
        Owner::EveryProcess => "every process",
        Owner::Kernel => "kernel",
        Owner::Nobody => "nobody",
        Owner::NotEstablished => "not established",
    }
}

fn slot_json(slot: &SlotFacts, width: PointerWidth) -> Value {
    let half = slot.half.map(|half| match half {
        Half::Lower => "lower",
        Half::Upper => "upper",
    });
    json!({
        "number": slot.slot.number(),
        "range": json::range(slot.slot.range(), width),
        "offset": slot.offset,
        "block": slot.block,
        "page": slot.page,
        "half": half,
        "process": slot.process.map(|process| json!({
            "number": process.number(), "access_key": json::hex32(process.access_key()), "name": slot.process_name,
        })),
    })
}

fn listed(hit: &ListedHit) -> Value {
    let part = match hit.part {
        Part::Image => "image",
        Part::Data => "data",
    };
    json!({ "module": hit.module, "part": part, "offset": hit.offset, "condition": hit.condition })
}

fn likely(guess: &Likely) -> Value {
    json!({
        "kind": guess.kind.as_str(),
        "confidence": guess.confidence.to_string(),
        "reason": guess.because,
        "source": guess.source.to_string(),
        "support": support(guess.support),
    })
}

fn other_form(form: &OtherForm, width: PointerWidth) -> Value {
    let slot = match form.form {
        Form::InSlot(slot) => Some(slot.number()),
        _ => None,
    };
    json!({
        "form": form.form.as_str(),
        "slot": slot,
        "address": json::va(form.va, width),
        "same_byte": form.form.is_same_byte(),
        "reason": form.because,
        "support": support(form.support),
    })
}

fn alignment(place: &Place) -> Value {
    let mut value = statement(&place.alignment.statement);
    value["bytes"] = json!(place.alignment.bytes);
    value["dword"] = json!(place.alignment.is_dword());
    value
}

fn statement(statement: &Statement) -> Value {
    json!({
        "text": statement.text,
        "reason": statement.because,
        "source": statement.source.to_string(),
        "support": support(statement.support),
    })
}

fn support(support: &[Support]) -> Value {
    support.iter().map(|mark| mark.as_str()).collect()
}
