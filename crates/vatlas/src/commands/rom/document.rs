//! A ROM image as JSON.

use super::{
    Shown,
    extract::Extracted,
    screen::{coding, file_coding, is_here},
};
use crate::{
    json::{hex32, problems, va},
    words::utc,
};
use serde_json::{Value, json};
use vatlas_images::rom::{Container, RomFile, RomModule, RomRegion, kernel_flags, section_names};
use vatlas_space::{PointerWidth, Va};

const WIDTH: PointerWidth = PointerWidth::Bits32;

/// The whole answer.
pub fn whole(shown: &Shown<'_>, extracted: Option<&[Extracted]>) -> Value {
    let image = &shown.image;
    let container = match image.container {
        Container::Raw => json!({ "kind": "raw" }),
        Container::Records(file) => json!({
            "kind": "records",
            "start": va(file.start, WIDTH),
            "length": file.length,
            "records": file.records,
            "entry": file.entry.map(|entry| va(entry, WIDTH)),
        }),
    };
    json!({
        "container": container,
        "regions": image.regions.iter().map(|region| region_json(shown, region)).collect::<Value>(),
        "chain": image.chain.iter().map(|entry| json!({
            "name": entry.name,
            "address": va(entry.va, WIDTH),
            "length": entry.length,
            "room": entry.room,
            "order": entry.order,
            "flags": entry.flags,
            "version": entry.version,
            "here": is_here(shown, entry),
        })).collect::<Value>(),
        "extracted": extracted.map(|files| files.iter().map(|file| json!({
            "name": file.name,
            "path": file.path.display().to_string(),
            "size": file.size,
        })).collect::<Value>()),
        "problems": problems(&shown.problems),
    })
}

fn region_json(shown: &Shown<'_>, region: &RomRegion) -> Value {
    let header = &region.header;
    let number = |number: u32| va(Va(number.into()), WIDTH);
    let modules = region.modules.iter().filter(|module| shown.is_wanted(&module.name));
    let files = region.files.iter().filter(|file| shown.is_wanted(&file.name));
    json!({
        "address": va(region.va, WIDTH),
        "marked": region.is_marked,
        "moved_by": hex32(region.moved_by),
        "header": {
            "address": va(region.header_va, WIDTH),
            "dll_first": hex32(header.dll_first),
            "dll_last": hex32(header.dll_last),
            "rom_first": number(header.phys_first),
            "rom_end": number(header.phys_last),
            "ram_first": number(header.ram_start),
            "ram_free": number(header.ram_free),
            "ram_end": number(header.ram_end),
            "kernel_flags": hex32(header.kernel_flags),
            "kernel_flag_words": kernel_flags(header.kernel_flags),
            "processor": vatlas_images::pe::machine(header.cpu).to_string(),
        },
        "modules": modules.map(|module| module_json(shown, module)).collect::<Value>(),
        "files": files.map(|file| file_json(shown, file)).collect::<Value>(),
        "copies": region.copies.iter().map(|copy| json!({
            "from": va(copy.from, WIDTH), "to": va(copy.to, WIDTH), "length": copy.length, "room": copy.room,
        })).collect::<Value>(),
        "extensions": region.extensions.iter().map(|extension| json!({
            "name": extension.name, "type": extension.kind, "data": va(extension.data, WIDTH),
            "length": extension.length,
        })).collect::<Value>(),
    })
}

fn module_json(shown: &Shown<'_>, module: &RomModule) -> Value {
    let sections = module.sections.iter().zip(section_names(module)).map(|(section, name)| {
        let coding = coding(shown, section);
        json!({
            "name": name,
            "rva": section.rva.0,
            "size": section.size,
            "rom": va(section.data, WIDTH),
            "rom_bytes": section.packed_size,
            "run_time": va(section.real, WIDTH),
            "flags": hex32(section.flags),
            "coding": (!coding.is_empty()).then_some(coding),
        })
    });
    let e32 = module.e32.as_ref();
    json!({
        "name": module.name,
        "attributes": hex32(module.attributes),
        "written": written(module.file_time),
        "file_size": module.file_size,
        "rom": va(module.load, WIDTH),
        "base": e32.map(|e32| va(e32.base, WIDTH)),
        "size": e32.map(|e32| e32.size),
        "entry": e32.map(|e32| e32.entry.0),
        "image_flags": e32.map(|e32| hex32(e32.flags.into())),
        "version": e32.map(|e32| format!("{}.{}", e32.version.0, e32.version.1)),
        "subsystem": e32.map(|e32| e32.subsystem),
        "stack": e32.map(|e32| e32.stack),
        "time_date_stamp": e32.and_then(|e32| e32.time_date_stamp).map(hex32),
        "sections": sections.collect::<Value>(),
    })
}

fn file_json(shown: &Shown<'_>, file: &RomFile) -> Value {
    let coding = file_coding(shown, file);
    json!({
        "name": file.name,
        "attributes": hex32(file.attributes),
        "written": written(file.file_time),
        "size": file.size,
        "rom": va(file.data, WIDTH),
        "rom_bytes": file.packed_size,
        "coding": (!coding.is_empty()).then_some(coding),
    })
}

/// A FILETIME as a date.
fn written(file_time: u64) -> Option<String> {
    const BEFORE_1970: u64 = 11_644_473_600;
    let seconds = (file_time / 10_000_000).checked_sub(BEFORE_1970)?;
    u32::try_from(seconds).ok().map(utc)
}
