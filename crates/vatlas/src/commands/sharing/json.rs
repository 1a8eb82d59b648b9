//! Who shares what, as JSON.

use serde_json::{Value, json};
use vatlas_debug::sharing::{ImageView, PageUse, RelocationCost, SharedImage};

/// An image with its views.
pub fn image(image: &SharedImage) -> Value {
    let fixed: Value = image.facts.fixed.iter().map(|(page, places)| json!([page, places])).collect();
    let sections: Value = image.facts.sections.iter().map(|section| {
        json!({ "name": section.name, "first": section.first, "pages": section.pages, "writable": section.is_writable })
    }).collect();
    json!({
        "file": image.file,
        "control_area": image.control_area.to_string(),
        "preferred_base": image.facts.preferred.map(|at| at.to_string()),
        "pages": image.pages(),
        "frames": image.frames(),
        "frames_unshared": image.frames_unshared(),
        "pages_with_addresses": fixed,
        "sections": sections,
        "views": image.views.iter().map(|one| view(image, one)).collect::<Value>(),
    })
}

fn view(image: &SharedImage, view: &ImageView) -> Value {
    let relocation = image.relocation(view).map(|RelocationCost { fixed, in_code, copied }| {
        json!({ "pages_with_addresses": fixed, "shared_otherwise": in_code, "copied": copied })
    });
    json!({
        "process": view.id.map(|id| id.0),
        "name": view.name,
        "base": view.base.to_string(),
        "shared": view.shared(),
        "copied": view.copied(),
        "relocation": relocation,
        "pages": view.pages.iter().map(page).collect::<Value>(),
    })
}

fn page(page: &PageUse) -> Value {
    match page {
        PageUse::Shared(frame) => json!({ "shared": frame.0 }),
        PageUse::Copied(Some(frame)) => json!({ "copied": frame.0 }),
        PageUse::Copied(None) => json!({ "copied": null }),
        PageUse::NotUsed => Value::Null,
    }
}
