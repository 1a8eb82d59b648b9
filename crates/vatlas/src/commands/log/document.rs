//! The crashes of a log as JSON.

use super::{found::Found, screen::chance};
use crate::{json, symbol_words::answer_json};
use serde_json::{Value, json};
use vatlas_debug::ce_crash::{BadAddress, CodePlace, CrashGroup, ModuleAt, ModuleSource, Owner};
use vatlas_images::ce_log::MemoryItem;
use vatlas_space::{CrashField, CrashText, LogNote, PointerWidth, PrintedModule, TextPlace, Va};

const WIDTH: PointerWidth = PointerWidth::Bits32;

/// The whole answer.
pub fn whole(name: &str, found: &Found) -> Value {
    let groups: Value = found.groups.groups().iter().map(group).collect();
    let answer = json!({
        "crashes": found.groups.count(),
        "groups": groups,
        "notes": found.notes.iter().map(|(note, at)| note_json(note, *at)).collect::<Value>(),
        "memory": found.memory.iter().map(memory).collect::<Value>(),
        "problems": json::problems(&found.problems),
        "left_out": found.left_out,
    });
    let encoding = found.parser.encoding().map(|encoding| encoding.to_string());
    json::document("log", json!({ "file": name, "size": found.parser.bytes(), "encoding": encoding }), answer)
}

/// A crash of a log that is followed, in one line.
pub fn follow(index: usize, is_new: bool, at: TextPlace, shown: &CrashGroup) -> Value {
    json!({ "group": index + 1, "new": is_new, "place": place(at), "crash": if is_new { group(shown) } else { Value::Null } })
}

fn group(group: &CrashGroup) -> Value {
    let explanation = &group.explanation;
    json!({
        "headline": explanation.headline,
        "count": group.count,
        "not_handled": group.not_handled,
        "raised_again": group.raised_again,
        "repeats": group.repeats,
        "chance": chance(group),
        "layout": explanation.layout.as_str(),
        "machine": explanation.machine.map(|machine| machine.to_string()),
        "exception": explanation.exception.word(),
        "owner": owner(&explanation.owner),
        "status": explanation.status.map(|status| json!({
            "raw": json::hex32(status.raw),
            "reason": status.reason.word(),
            "text": status.words(),
            "at_page": status.at_page,
            "domain": status.domain,
            "write": status.is_write,
        })),
        "code": explanation.code.iter().map(code).collect::<Value>(),
        "bad_address": explanation.bad_address.as_ref().map(bad_address),
        "advice": explanation.advice,
        "steps": json::steps(&explanation.steps),
        "bad_addresses": group.bad_addresses.iter().map(|va| json::hex32(*va)).collect::<Value>(),
        "threads": group.threads.iter().map(|thread| json::hex32(*thread)).collect::<Value>(),
        "places": group.places.iter().map(|at| place(*at)).collect::<Value>(),
        "text": text(&group.first),
    })
}

fn owner(owner: &Owner) -> Value {
    json!({
        "process": owner.name,
        "vm_active": owner.vm_active,
        "slot": owner.slot.map(|slot| slot.number()),
        "access_key": owner.access_key.map(json::hex32),
        "opened": owner.opened.iter().map(|process| process.number()).collect::<Vec<_>>(),
    })
}

fn code(place: &CodePlace) -> Value {
    json!({
        "register": place.register,
        "address": json::va(place.va, WIDTH),
        "module": place.module.as_ref().map(module),
        "symbol": place.symbol.as_ref().map(answer_json),
        "remark": place.remark,
    })
}

fn module(module: &ModuleAt) -> Value {
    json!({
        "name": module.name,
        "base": json::va(module.base, WIDTH),
        "offset": module.offset,
        "printed": module.source == ModuleSource::Printed,
        "from": module.source.word(),
    })
}

fn bad_address(bad: &BadAddress) -> Value {
    json!({
        "address": json::va(bad.va, WIDTH),
        "kind": bad.kind.word(),
        "text": bad.text,
        "null_offset": bad.null_offset,
        "slot": bad.slot.map(|slot| slot.number()),
        "module": bad.module.as_ref().map(module),
        "area": bad.place.area.kind.as_str(),
    })
}

/// The first crash of a group as it is printed.
fn text(crash: &CrashText) -> Value {
    json!({
        "form": crash.form.word(),
        "kind": crash.kind,
        "number": crash.number,
        "prefix": crash.prefix.map(|prefix| json!({
            "ticks": prefix.ticks,
            "process": json::hex32(prefix.process),
            "thread": json::hex32(prefix.thread),
        })),
        "fields": crash.fields.iter().map(field).collect::<Value>(),
    })
}

fn field(field: &CrashField) -> Value {
    let module = match &field.module {
        None => Value::Null,
        Some(PrintedModule::Outside) => json!({ "name": null, "offset": null }),
        Some(PrintedModule::Inside { module, offset }) => json!({ "name": module, "offset": offset }),
    };
    json!({
        "name": field.name,
        "value": json::hex32(field.value),
        "module": module,
        "structure": field.structure.map(json::hex32),
        "process": field.process,
        "place": place(field.place),
    })
}

fn place(place: TextPlace) -> Value {
    json!({ "line": place.line, "column": place.column, "first_byte": place.first.0, "end_byte": place.end.0 })
}

fn note_json(note: &LogNote, at: TextPlace) -> Value {
    let mut value = match note {
        LogNote::Boot { version, processor } => json!({ "note": "boot", "version": version, "processor": processor }),
        LogNote::TerminatingThread { thread } => {
            json!({ "note": "terminating-thread", "thread": json::hex32(*thread) })
        }
        LogNote::SecondaryThread { process, code, address } => json!({
            "note": "secondary-thread",
            "process": json::hex32(*process),
            "exception_code": json::hex32(*code),
            "address": json::va(Va((*address).into()), WIDTH),
        }),
        LogNote::NotHandled => json!({ "note": "not-handled" }),
    };
    value["place"] = place(at);
    value
}

fn memory(item: &MemoryItem) -> Value {
    match item {
        MemoryItem::Totals { page_size, pages, free, place: at } => {
            json!({ "listing": "totals", "page_size": page_size, "pages": pages, "free": free, "place": place(*at) })
        }
        MemoryItem::Process(process) => json!({
            "listing": "process",
            "name": process.name,
            "pid": process.pid,
            "structure": process.structure.map(json::hex32),
            "slot_base": process.base.map(json::hex32),
            "section": process.section.map(json::hex32),
            "counts": process.counts.iter().map(|count| json!({
                "what": count.what, "pages": count.pages, "in_brackets": count.in_brackets,
            })).collect::<Value>(),
            "blocks": process.blocks.iter().map(|block| json!({
                "block": json::hex32(block.address), "in_brackets": block.number, "letters": block.pages,
            })).collect::<Value>(),
            "place": place(process.place),
        }),
    }
}
