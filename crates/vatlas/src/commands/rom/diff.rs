//! `vatlas rom diff`: what two images have of different modules and files, by their names.

use crate::{
    draw::text::{printable, size},
    failure::{Exit, Failure},
    json,
    output::Output,
    table::{Side, Table},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};
use vatlas_images::rom::{RomFile, RomImage, RomModule, section_names};
use vatlas_space::PointerWidth;
use vatlas_targets::FileBytes;

const WIDTH: PointerWidth = PointerWidth::Bits32;

/// Arguments.
#[derive(clap::Args, Debug)]
pub struct DiffArgs {
    /// The first image
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The second image
    #[arg(value_name = "AFTER")]
    after: PathBuf,
}

/// An image with its bytes.
struct Image {
    bytes: FileBytes,
    image: RomImage,
}

/// A name that is not the same in both.
struct Row {
    kind: &'static str,
    name: String,
    change: &'static str,
    what: Vec<String>,
}

/// Answers: like `diff`, another exit code when there is a difference would hide damage, so both are 0.
pub fn run(args: &DiffArgs, output: &mut Output) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| super::read(path).map(|(bytes, image)| Image { bytes, image });
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let mut rows = headers(&before.image, &after.image);
    rows.extend(compare("module", &modules(&before.image), &modules(&after.image), |one, other| {
        module(&before, one, &after, other)
    }));
    rows.extend(compare("file", &files(&before.image), &files(&after.image), |one, other| {
        file(&before, one, &after, other)
    }));
    output.warn(&before.image.problems);
    output.warn(&after.image.problems);
    if output.json {
        let input = json!({ "before": args.before.display().to_string(), "after": args.after.display().to_string() });
        let answer: Value = rows.iter().map(row_json).collect();
        output.document(&json::document("rom", input, answer));
    } else if rows.is_empty() {
        output.line("both images hold the same");
    } else {
        output.text(&table(&rows).render(output.colour));
    }
    let is_damaged = !(before.image.problems.is_empty() && after.image.problems.is_empty());
    Ok(if is_damaged { Exit::Partial } else { Exit::Done })
}

/// Names without regard to case, since a device has none either; the first of a name counts.
type Named<'a, T> = BTreeMap<String, &'a T>;

fn modules(image: &RomImage) -> Named<'_, RomModule> {
    let mut named = BTreeMap::new();
    for (_, module) in image.modules() {
        named.entry(module.name.to_lowercase()).or_insert(module);
    }
    named
}

fn files(image: &RomImage) -> Named<'_, RomFile> {
    let mut named = BTreeMap::new();
    for file in image.files() {
        named.entry(file.name.to_lowercase()).or_insert(file);
    }
    named
}

fn compare<T>(
    kind: &'static str,
    before: &Named<'_, T>,
    after: &Named<'_, T>,
    differences: impl Fn(&T, &T) -> Vec<String>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, one) in before {
        match after.get(name) {
            None => rows.push(Row { kind, name: name.clone(), change: "gone", what: Vec::new() }),
            Some(other) => {
                let what = differences(one, other);
                if !what.is_empty() {
                    rows.push(Row { kind, name: name.clone(), change: "changed", what });
                }
            }
        }
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    rows.extend(new.map(|name| Row { kind, name: name.clone(), change: "new", what: Vec::new() }));
    rows
}

/// Numbers of a region's header that say how the device runs.
fn headers(before: &RomImage, after: &RomImage) -> Vec<Row> {
    let facts = |image: &RomImage| {
        let region = image.regions.first();
        let header = region.map(|region| region.header).unwrap_or_default();
        [
            ("first address", header.phys_first),
            ("RAM from", header.ram_start),
            ("RAM to", header.ram_end),
            ("kernel flags", header.kernel_flags),
            ("processor", header.cpu.into()),
        ]
    };
    let both = facts(before).into_iter().zip(facts(after));
    let what: Vec<_> =
        both.filter(|(one, other)| one != other).map(|(one, other)| changed(one.0, one.1, other.1)).collect();
    if what.is_empty() {
        return Vec::new();
    }
    vec![Row { kind: "header", name: String::new(), change: "changed", what }]
}

fn changed(what: &str, before: u32, after: u32) -> String {
    format!("{what} {before:#x} -> {after:#x}")
}

fn module(before: &Image, one: &RomModule, after: &Image, other: &RomModule) -> Vec<String> {
    let mut what = Vec::new();
    let mut number = |name: &str, one: Option<u32>, other: Option<u32>| match (one, other) {
        (Some(one), Some(other)) if one != other => what.push(changed(name, one, other)),
        _ => {}
    };
    let e32 = |module: &RomModule| module.e32;
    number("base", e32(one).map(|e32| e32.base.0 as u32), e32(other).map(|e32| e32.base.0 as u32));
    number("size", e32(one).map(|e32| e32.size), e32(other).map(|e32| e32.size));
    number("entry", e32(one).map(|e32| e32.entry.0), e32(other).map(|e32| e32.entry.0));
    number("time stamp", e32(one).and_then(|e32| e32.time_date_stamp), e32(other).and_then(|e32| e32.time_date_stamp));
    if one.sections.len() != other.sections.len() {
        what.push(format!("{} sections -> {}", one.sections.len(), other.sections.len()));
        return what;
    }
    for ((section, twin), name) in one.sections.iter().zip(&other.sections).zip(section_names(one)) {
        if section.real != twin.real {
            what.push(format!("{name} from {} -> {}", section.real.text(WIDTH), twin.real.text(WIDTH)));
        }
        let held = before.image.section_data((*before.bytes).as_ref(), section);
        let held_after = after.image.section_data((*after.bytes).as_ref(), twin);
        if held != held_after {
            let differ = held.iter().zip(held_after.iter()).filter(|(one, other)| one != other).count();
            let longer = held.len().abs_diff(held_after.len());
            what.push(format!("{name}: {} bytes differ", differ + longer));
        }
    }
    what
}

fn file(before: &Image, one: &RomFile, after: &Image, other: &RomFile) -> Vec<String> {
    let (contents, _) = before.image.file_contents((*before.bytes).as_ref(), one);
    let (contents_after, _) = after.image.file_contents((*after.bytes).as_ref(), other);
    if contents == contents_after {
        return Vec::new();
    }
    match contents.len() == contents_after.len() {
        true => vec!["other contents".to_owned()],
        false => vec![format!("{} -> {}", size(contents.len() as u64), size(contents_after.len() as u64))],
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&[("", Side::Left), ("NAME", Side::Left), ("CHANGE", Side::Left), ("WHAT", Side::Left)]);
    for row in rows {
        table.row([
            row.kind.into(),
            printable(&row.name).into(),
            row.change.into(),
            printable(&row.what.join(", ")).into(),
        ]);
    }
    table
}

fn row_json(row: &Row) -> Value {
    json!({ "kind": row.kind, "name": row.name, "change": row.change, "what": row.what })
}
