//! A folder of a device as JSON.

use super::Shown;
use crate::device_folder::{Belonging, DeviceFile};
use serde_json::{Value, json};

/// Names of modules that are written out.
const MOST_NAMES: usize = 1000;

/// The whole answer.
pub fn whole(shown: &Shown<'_>) -> Value {
    let (folder, choice) = (shown.folder, shown.choice);
    let path = |number: usize| folder.files.get(number).map(|file| file.path.display().to_string());
    let chosen = |number: Option<usize>| number.and_then(path);
    let (all, without) = folder.modules_without_symbols(choice);
    let doubt = |files: &[usize]| files.iter().filter_map(|number| path(*number)).collect::<Vec<_>>();
    json!({
        "files": shown.rows.iter().filter_map(|(number, used, why)| {
            let file = folder.files.get(*number)?;
            Some(json!({
                "file": file.path.display().to_string(),
                "size": file.size,
                "sort": file.sort.word(),
                "description": folder.description(file),
                "use": used.word(),
                "why": why,
                "belongs": belongs(shown, file),
            }))
        }).collect::<Value>(),
        "asked": {
            "target": chosen(choice.target),
            "log": chosen(choice.log),
            "rom": chosen(choice.rom),
            "module_list": chosen(choice.modules),
        },
        "doubts": choice.doubts.iter().map(|found| json!({ "what": found.what, "candidates": doubt(&found.files) })).collect::<Value>(),
        "modules": all,
        "without_symbols": without.iter().take(MOST_NAMES).collect::<Vec<_>>(),
        "commands": shown.commands,
        "other_files": folder.others,
        "left_out": shown.left_out,
        "complete": !folder.is_cut,
    })
}

fn belongs(shown: &Shown<'_>, file: &DeviceFile) -> Value {
    let belonging = |found: &Belonging| {
        let owner = shown.folder.files.get(found.owner).map(|owner| owner.path.display().to_string());
        json!({ "owner": owner, "module": found.module, "by": found.sureness.word(), "why": found.why })
    };
    file.belongs.iter().map(belonging).collect()
}
