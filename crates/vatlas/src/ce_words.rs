//! What Windows CE adds to an address, in words and as JSON.

use crate::{
    draw::text::printable,
    json,
    process_choice::{name, title},
};
use serde_json::{Value, json};
use vatlas_debug::{
    ce_place::{CePlace, KDataWord, SlotOwner},
    explain::Explanation,
};
use vatlas_rules::ce::{api_call::ApiCall, kdata::KDataField};
use vatlas_space::{PointerWidth, Target};

/// Lines of an explanation.
pub fn rows(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let Some(place) = &explanation.ce else { return Vec::new() };
    let mut rows = Vec::new();
    rows.extend(place.null_offset.map(|offset| ("null", null_words(place, offset))));
    rows.extend(place.owner.as_ref().map(|owner| ("slot", owner_words(place, owner))));
    rows.extend(place.kdata.as_ref().map(|(field, value)| ("field", field_words(field, *value))));
    rows.extend(place.api_call.map(|call| ("api call", api_call_words(call))));
    if !place.visitors.is_empty() {
        let threads: Vec<_> = place.visitors.iter().map(ToString::to_string).collect();
        rows.push(("open to", format!("threads of other processes: {}", threads.join(", "))));
    }
    rows
}

fn null_words(place: &CePlace, offset: u64) -> String {
    let whose = place.owner.as_ref().map(|owner| format!(" in {}", owner.name)).unwrap_or_default();
    match offset {
        0 => format!("a null pointer{whose}"),
        offset => format!("a null pointer{whose}, {offset:#x} above"),
    }
}

/// `12: null2.exe, process number 11; slot form 0x1801117c`
fn owner_words(place: &CePlace, owner: &SlotOwner) -> String {
    let other = match (place.slot_form, place.slot_zero) {
        (Some(va), _) => format!("; slot form {va}"),
        (_, Some(va)) => format!("; slot-0 form {va}"),
        _ => String::new(),
    };
    let (slot, name, number) = (owner.home.slot(), &owner.name, owner.home.number);
    format!("{slot}: {name}, process number {number}, offset {:#x}{other}", place.offset)
}

fn field_words(field: &KDataField, value: Option<u32>) -> String {
    let offset = if field.offset == 0 { String::new() } else { format!("+{:#x}", field.offset) };
    let meaning = if field.meaning.is_empty() { String::new() } else { format!(", {}", field.meaning) };
    let value = value.map(|value| format!(": {value:#010x}")).unwrap_or_default();
    format!("{}{offset}{meaning}{value}", field.name)
}

/// `WIN32 SetKMode (set 0, method 108)`
pub fn api_call_words(call: ApiCall) -> String {
    let numbers = format!("set {}, method {}", call.set, call.method);
    match (call.set_name, call.method_name) {
        (Some(set), Some(method)) => format!("{set} {method} ({numbers})"),
        (Some(set), None) => format!("{set} ({numbers})"),
        _ => numbers,
    }
}

/// The same as JSON.
pub fn json(place: &CePlace, width: PointerWidth) -> Value {
    json!({
        "slot": place.owner.as_ref().map(|owner| json!({
            "number": owner.home.slot(),
            "process": owner.name,
            "process_number": owner.home.number,
            "access_key": json::hex32(owner.home.access_key),
        })),
        "offset": place.offset,
        "slot_address": place.slot_form.map(|va| json::va(va, width)),
        "slot_zero_address": place.slot_zero.map(|va| json::va(va, width)),
        "null_offset": place.null_offset,
        "open_to_threads": place.visitors.iter().map(|thread| thread.0).collect::<Vec<_>>(),
        "kdata": place.kdata.as_ref().map(|(field, value)| json!({
            "field": field.name, "offset": field.offset, "meaning": field.meaning, "value": value.map(json::hex32),
        })),
        "api_call": place.api_call.map(api_call_json),
    })
}

/// An API call as JSON.
pub fn api_call_json(call: ApiCall) -> Value {
    json!({ "set": call.set, "method": call.method, "set_name": call.set_name, "method_name": call.method_name })
}

/// A word of the kernel data page in one line without its address.
pub fn kdata_words(word: &KDataWord) -> [String; 3] {
    let is = word.is.as_deref().map(|is| printable(is).into_owned());
    let meaning = match (is, word.field.meaning) {
        (Some(is), "") => is,
        (Some(is), meaning) => format!("{meaning}: {is}"),
        (None, meaning) => meaning.to_owned(),
    };
    [word.field.name.clone(), format!("{:#010x}", word.value), meaning]
}

/// Names of processes in a line.
const MOST_NAMES: usize = 8;

/// Lines of `info` about a whole device.
pub fn device_facts(target: &dyn Target) -> Vec<(&'static str, String)> {
    let Some(ce) = target.ce() else { return Vec::new() };
    let processes = target.processes();
    let names: Vec<_> = processes.iter().take(MOST_NAMES).map(name).collect();
    let more = if processes.len() > MOST_NAMES { ", ..." } else { "" };
    let mut facts = vec![("processes", format!("{}: {}{more}", processes.len(), names.join(", ")))];
    let ran = ce.current_process.and_then(|index| processes.get(index.0));
    let by = if ce.kdata.is_some() { "as the kernel data page says" } else { "as the exception says" };
    facts.extend(
        ran.zip(ce.current_thread)
            .map(|(process, thread)| ("ran", format!("thread {thread} in {}, {by}", title(target, process)))),
    );
    facts
}
