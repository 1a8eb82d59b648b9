//! Words for what only a whole system knows of an address.

use crate::draw::text::range;
use serde_json::{Value, json};
use vatlas_debug::system_page::{Sharer, SystemPage};
use vatlas_space::{PageHome, RegionKind, Vad};

/// Label and text of every line.
pub fn rows(answer: &SystemPage) -> Vec<(&'static str, String)> {
    let page = &answer.page;
    let mut rows = vec![("page", page.home.to_string())];
    rows.extend(page.frame.as_ref().map(|frame| {
        let changed = if frame.is_modified { ", changed since it was read" } else { "" };
        let shared = if frame.is_shared { "shared" } else { "private" };
        let (state, shares, references) = (frame.state, frame.share_count, frame.reference_count);
        let counts = format!("share count {shares}, reference count {references}");
        ("frame", format!("{:#x}: {state}, {shared}, {counts}{changed}", frame.pfn.0))
    }));
    if answer.mapped_at.len() > 1 {
        let places: Vec<_> = answer.mapped_at.iter().map(sharer).collect();
        rows.push(("shared by", places.join("; ")));
    }
    rows.extend(page.prototype.map(|(at, raw)| ("prototype", format!("entry at {at}: {raw:08x}"))));
    rows.extend(page.vad.as_ref().map(|vad| ("VAD", self::vad(vad))));
    rows.extend(answer.commit.map(|commit| {
        let (charged, limit) = (commit.charged, commit.limit);
        ("commit", format!("{charged} of {limit} pages of the system are promised"))
    }));
    rows
}

fn sharer(sharer: &Sharer) -> String {
    let name = sharer.name.as_deref().unwrap_or("a process");
    let id = sharer.id.map(|id| format!(" ({id})")).unwrap_or_default();
    format!("{name}{id} at {}", sharer.va)
}

fn vad(vad: &Vad) -> String {
    let kind = match vad.kind {
        RegionKind::Private => "private",
        RegionKind::Image => "image",
        RegionKind::Mapped => "mapped",
    };
    let file = vad.file.as_ref().map(|file| format!(" of {file}")).unwrap_or_default();
    let commit = vad.commit.map(|pages| format!(", {pages} pages charged")).unwrap_or_default();
    let secured = if vad.is_secured { ", secured" } else { "" };
    format!("at {}: {}, {kind}{file}, {}{commit}{secured}", vad.at, range(vad.range), vad.protection)
}

/// As JSON.
pub fn json(answer: &SystemPage) -> Value {
    let page = &answer.page;
    let steps = page.walk.steps().iter();
    json!({
        "home": page.home.to_string(),
        "kind": home_word(&page.home),
        "entries": steps.map(|step| json!({
            "level": step.level.to_string(),
            "physical_address": step.at.to_string(),
            "value": format!("{:#010x}", step.entry.0),
        })).collect::<Value>(),
        "protection": page.protection.map(|protection| protection.to_string()),
        "prototype": page.prototype.map(|(at, raw)| json!({
            "address": at.to_string(), "value": format!("{raw:#010x}"),
        })),
        "frame": page.frame.map(|frame| json!({
            "number": frame.pfn.0,
            "state": frame.state.to_string(),
            "shares": frame.share_count,
            "references": frame.reference_count,
            "entry": frame.entry.to_string(),
            "modified": frame.is_modified,
            "shared": frame.is_shared,
        })),
        "mapped_at": answer.mapped_at.iter().map(|sharer| json!({
            "process": sharer.id.map(|id| id.0), "name": sharer.name, "address": sharer.va.to_string(),
        })).collect::<Value>(),
        "vad": page.vad.as_ref().map(|vad| json!({
            "address": vad.at.to_string(),
            "first": vad.range.first().to_string(),
            "last": vad.range.last().to_string(),
            "kind": vad.kind.to_string(),
            "protection": vad.protection.to_string(),
            "commit": vad.commit,
            "file": vad.file,
        })),
        "commit": answer.commit.map(|commit| json!({ "charged": commit.charged, "limit": commit.limit })),
    })
}

/// One word for programs.
const fn home_word(home: &PageHome) -> &'static str {
    match home {
        PageHome::Frame(_) => "frame",
        PageHome::FrameOfOthers(_) => "frame of others",
        PageHome::Transition(_) => "transition",
        PageHome::PageFile { .. } => "page file",
        PageHome::DemandZero => "demand zero",
        PageHome::File { .. } => "file",
        PageHome::Reserved => "reserved",
        PageHome::Free => "free",
        PageHome::Unknown => "unknown",
    }
}
