//! A ROM image for people: its regions, modules and files as tables.

use super::{Shown, extract::Extracted};
use crate::{
    draw::text::{printable, size},
    output::Output,
    table::{Cell, Side, Table},
    words::counted,
};
use anstyle::Style;
use vatlas_images::rom::{
    ChainEntry, Container, DIRECTORIES, RomFile, RomModule, RomRegion, RomSection, kernel_flags, section_names,
};
use vatlas_space::{PointerWidth, Va};

const WIDTH: PointerWidth = PointerWidth::Bits32;

/// The whole answer.
pub fn whole(shown: &Shown<'_>, extracted: Option<&[Extracted]>, output: &mut Output) {
    container(shown, output);
    for region in &shown.image.regions {
        output.line("");
        output.heading(&printable(&heading(region)));
        front(region, output);
        let modules: Vec<_> = region.modules.iter().filter(|module| shown.is_wanted(&module.name)).collect();
        if !modules.is_empty() {
            output.line("");
            output.text(&modules_table(shown, &modules).render(output.colour));
        }
        let files: Vec<_> = region.files.iter().filter(|file| shown.is_wanted(&file.name)).collect();
        if !files.is_empty() {
            output.line("");
            output.text(&files_table(shown, &files).render(output.colour));
        }
    }
    chain(shown, output);
    if let Some(extracted) = extracted {
        output.line("");
        output.line(&format!("{} written", counted(extracted.len(), "file")));
    }
}

fn container(shown: &Shown<'_>, output: &mut Output) {
    let name = shown.args.file.display();
    let held = size(shown.image.memory.size());
    let text = match shown.image.container {
        Container::Raw => format!("{name}: {held} of ROM, as raw bytes"),
        Container::Records(file) => {
            let entry = file.entry.map(|entry| format!(", starts at {entry}")).unwrap_or_default();
            format!("{name}: {held} of ROM in {}{entry}", counted(file.records, "record"))
        }
    };
    output.line(&printable(&text));
}

fn heading(region: &RomRegion) -> String {
    let mark = if region.is_marked { "" } else { ", found without a mark" };
    let moved = match region.moved_by {
        by if by == 0 || region.va.0 == u64::from(by) => String::new(),
        by => format!(", {by:#x} above the addresses of its records"),
    };
    format!("region at {}: table of contents at {}{mark}{moved}", region.va, region.header_va)
}

fn front(region: &RomRegion, output: &mut Output) {
    let header = &region.header;
    let end = u64::from(header.phys_first) + u64::from(header.image_size());
    let mut facts = vec![
        ("ROM", format!("{} up to {} ({})", va(header.phys_first), Va(end), size(header.image_size().into()))),
        ("RAM", format!("{} up to {}, free from {} on", va(header.ram_start), va(header.ram_end), va(header.ram_free))),
        ("DLLs", format!("{} up to {}, as the header has them", va(header.dll_first), va(header.dll_last))),
        ("processor", vatlas_images::pe::machine(header.cpu).to_string()),
    ];
    let flags = kernel_flags(header.kernel_flags);
    if !flags.is_empty() {
        facts.push(("flags", format!("{:#x}: {}", header.kernel_flags, flags.join(", "))));
    }
    for copy in &region.copies {
        let rest = copy.room.saturating_sub(copy.length);
        let zeros = if rest > 0 { format!(", then {} of zeros", size(rest.into())) } else { String::new() };
        facts.push(("copy", format!("{} from {} to {}{zeros}", size(copy.length.into()), copy.from, copy.to)));
    }
    for extension in &region.extensions {
        facts.push(("extension", format!("{} at {}, {} bytes", extension.name, extension.data, extension.length)));
    }
    for (name, value) in facts {
        output.line(&printable(&format!("  {name:<11}{value}")));
    }
}

fn modules_table(shown: &Shown<'_>, modules: &[&RomModule]) -> Table {
    let columns = [
        ("MODULE", Side::Left),
        ("BASE", Side::Left),
        ("SIZE", Side::Right),
        ("VERSION", Side::Left),
        ("IN ROM", Side::Left),
        ("BYTES", Side::Right),
        ("AT RUN TIME", Side::Left),
        ("ACCESS", Side::Left),
        ("CODING", Side::Left),
        ("HOLDS", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for module in modules {
        let e32 = module.e32.as_ref();
        let bytes: u64 = module.sections.iter().map(|section| u64::from(section.packed_size)).sum();
        let packed = module.sections.iter().filter(|section| section.is_compressed()).count();
        let coding = match packed {
            0 => String::new(),
            count => format!("{count} of {} packed", module.sections.len()),
        };
        let whole = if shown.args.sections { String::new() } else { size(bytes) };
        let apart = module.sections.iter().find(|section| section.is_writable()).filter(|section| {
            !e32.is_some_and(|e32| (e32.base.0..e32.base.0 + u64::from(e32.size)).contains(&section.real.0))
        });
        table.row([
            module.name.as_str().into(),
            e32.map_or("?".to_owned(), |e32| e32.base.text(WIDTH)).into(),
            e32.map_or(String::new(), |e32| size(e32.size.into())).into(),
            e32.map_or(String::new(), |e32| format!("{}.{}", e32.version.0, e32.version.1)).into(),
            module.load.text(WIDTH).into(),
            whole.into(),
            apart.map(|section| format!("data at {}", section.real.text(WIDTH))).unwrap_or_default().into(),
            "".into(),
            coding.into(),
            "".into(),
        ]);
        if shown.args.sections {
            section_rows(shown, module, &mut table);
        }
    }
    table
}

fn section_rows(shown: &Shown<'_>, module: &RomModule, table: &mut Table) {
    for (section, name) in module.sections.iter().zip(section_names(module)) {
        table.row([
            format!("  {name}").into(),
            format!("  +{:#x}", section.rva.0).into(),
            size(section.size.into()).into(),
            "".into(),
            section.data.text(WIDTH).into(),
            size(section.packed_size.into()).into(),
            section.real.text(WIDTH).into(),
            access(section).into(),
            coding(shown, section).into(),
            Cell::styled(holds(module, section), Style::new().dimmed()),
        ]);
    }
}

fn access(section: &RomSection) -> &'static str {
    match (section.is_executable(), section.is_writable()) {
        (true, true) => "rwx",
        (true, false) => "r-x",
        (false, true) => "rw-",
        (false, false) => "r--",
    }
}

/// How a section is packed.
pub fn coding(shown: &Shown<'_>, section: &RomSection) -> String {
    if !section.is_compressed() {
        return String::new();
    }
    coding_at(shown, section.data, section.packed_size)
}

/// The directories of the image that lie in a section.
fn holds(module: &RomModule, section: &RomSection) -> String {
    let Some(e32) = &module.e32 else { return String::new() };
    let inside = e32.directories.iter().zip(DIRECTORIES).filter(|((rva, length), _)| {
        *length > 0 && rva.offset_from(section.rva).is_some_and(|offset| offset < section.size)
    });
    inside.map(|(_, name)| name).collect::<Vec<_>>().join(" ")
}

fn files_table(shown: &Shown<'_>, files: &[&RomFile]) -> Table {
    let columns = [
        ("FILE", Side::Left),
        ("SIZE", Side::Right),
        ("IN ROM", Side::Left),
        ("BYTES", Side::Right),
        ("CODING", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for file in files {
        table.row([
            file.name.as_str().into(),
            size(file.size.into()).into(),
            file.data.text(WIDTH).into(),
            size(file.packed_size.into()).into(),
            file_coding(shown, file).into(),
        ]);
    }
    table
}

/// How a file is packed.
pub fn file_coding(shown: &Shown<'_>, file: &RomFile) -> String {
    if !file.is_compressed() {
        return String::new();
    }
    coding_at(shown, file.data, file.packed_size)
}

fn coding_at(shown: &Shown<'_>, data: Va, length: u32) -> String {
    match shown.image.coding(shown.file(), data, length) {
        Ok(coding) => coding.map_or("packed".to_owned(), |coding| coding.to_string()),
        Err(_) => "damaged".to_owned(),
    }
}

fn chain(shown: &Shown<'_>, output: &mut Output) {
    if shown.image.chain.is_empty() {
        return;
    }
    let columns = [("CHAIN", Side::Left), ("ADDRESS", Side::Left), ("SIZE", Side::Right), ("HERE", Side::Left)];
    let mut table = Table::new(&columns);
    for entry in &shown.image.chain {
        table.row([
            entry.name.as_str().into(),
            entry.va.text(WIDTH).into(),
            size(entry.length.into()).into(),
            if is_here(shown, entry) { "yes" } else { "in another file" }.into(),
        ]);
    }
    output.line("");
    output.text(&table.render(output.colour));
}

/// Whether a region of the chain is in this file.
pub fn is_here(shown: &Shown<'_>, entry: &ChainEntry) -> bool {
    shown.image.regions.iter().any(|region| region.va == entry.va)
}

fn va(number: u32) -> Va {
    Va(number.into())
}
