//! An explanation for people and as JSON.

use crate::{
    ce_words,
    commands::{headline, module_offset},
    draw::text::{printable, range, size},
    json,
    output::{Output, sized_range},
    symbol_words::{answer_json, convention_words},
    system_page,
    words::{usage_words, version},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use vatlas_debug::{
    explain::{Explanation, ModulePlace, Neighbour, RegisterHolder},
    looks::Look,
    symbolize::SymbolAnswer,
    usage::Usage,
};
use vatlas_rules::place::{Form, OtherForm};
use vatlas_space::{PointerWidth, Region, Store, Va};

/// What lies farther away is no neighbour: 64-bit processes have gaps of terabytes.
const FARTHEST: u64 = 1 << 32;
/// Other addresses of one byte that are listed one by one.
const MOST_FORMS: usize = 4;
/// Column where answers begin.
const LABEL: usize = 12;

/// Writes an explanation as text; `short` leaves out how it was found.
pub fn human(asked: &str, explanation: &Explanation, short: bool, output: &mut Output) {
    let va = explanation.va.to_string();
    let name = if is_plain(asked) { String::new() } else { format!(" ({})", printable(asked)) };
    let title = output.paint(Style::new().bold().fg_color(Some(AnsiColor::Cyan.into())), &va);
    output.line(&format!("{title}{name}  {}", printable(&headline(explanation))));
    for (label, text) in rows(explanation) {
        output.line(&format!("  {label:<LABEL$}{}", printable(&text)));
    }
    list(output, "not known", explanation.unknown.iter().map(|text| printable(text).into_owned()));
    if !short {
        let dim = Style::new().dimmed();
        let steps: Vec<String> = explanation
            .steps
            .iter()
            .map(|step| {
                let source = output.paint(dim, &format!("[{}]", printable(&step.source.to_string())));
                format!("{} {source}", printable(&step.finding))
            })
            .collect();
        list(output, "why", steps.into_iter());
    }
}

fn list(output: &mut Output, heading: &str, lines: impl Iterator<Item = String>) {
    for (number, line) in lines.enumerate() {
        if number == 0 {
            output.line(&format!("  {heading}"));
        }
        output.line(&format!("    - {line}"));
    }
}

/// Whether the text was an address already.
fn is_plain(asked: &str) -> bool {
    asked
        .trim_start_matches("0x")
        .trim_end_matches('h')
        .chars()
        .all(|letter| letter.is_ascii_hexdigit() || "`'_".contains(letter))
}

/// Label and text of every line between the headline and the lists.
fn rows(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let words = |usage: &Usage| usage_words(usage, explanation.width);
    let mut rows = Vec::new();
    if let Some(place) = &explanation.place {
        let area = &place.area;
        rows.push(("area", format!("{} ({}): {}", area.name, range(area.range), area.purpose)));
    }
    rows.extend(ce_words::rows(explanation));
    rows.push(("region", region(&explanation.region)));
    if let (Some(base), Some(protection)) =
        (explanation.region.allocation_base, explanation.region.allocation_protection)
    {
        rows.push(("allocation", format!("from {base}, asked for as {protection}")));
    }
    if explanation.usage_range != explanation.region.range {
        rows.push(("use", format!("{} ({})", words(&explanation.usage), sized_range(explanation.usage_range))));
    }
    rows.extend(explanation.module.as_ref().map(|place| ("module", module(place))));
    if explanation.symbol.as_ref().is_some_and(|symbol| symbol.lookup.is_inside) {
        // The headline has the symbol instead.
        rows.extend(explanation.module.as_ref().map(|place| ("offset", module_offset(place))));
    }
    rows.extend(explanation.symbol.iter().flat_map(symbol));
    rows.extend(
        explanation
            .unloaded
            .iter()
            .map(|module| ("unloaded", format!("{} was loaded here earlier ({})", module.name(), range(module.range)))),
    );
    rows.push(("bytes", bytes(explanation)));
    rows.extend(explanation.system.iter().flat_map(system_page::rows));
    rows.extend(explanation.looks.iter().flat_map(|look| looks(look, explanation)));
    rows.extend(holders(&explanation.holders).into_iter().map(|text| ("held by", text)));
    let near = explanation.neighbours.iter().filter(|neighbour| neighbour.distance <= FARTHEST);
    rows.extend(near.map(|neighbour| ("next to", self::neighbour(neighbour, explanation.width))));
    rows.extend(explanation.number.iter().map(|text| ("the number", text.clone())));
    if let Some(place) = &explanation.place {
        let twins = place.other_forms.iter().filter(|form| form.form.is_same_byte());
        // Windows CE's forms stand with the slot.
        let twins =
            twins.filter(|form| explanation.ce.is_none() || !matches!(form.form, Form::SlotZero | Form::InSlot(_)));
        let twins: Vec<_> = twins.collect();
        match twins.as_slice() {
            // An address of slot 0 of no process in particular: one form for every slot.
            [first, .., last] if twins.len() > MOST_FORMS => {
                let (name, count) = (first.form.as_str(), twins.len());
                let text =
                    format!("{name} {} to {}, {count} of them: that of the process which runs", first.va, last.va);
                rows.push(("also", text));
            }
            few => {
                let text = |form: &&OtherForm| format!("{} {}: {}", form.form.as_str(), form.va, form.because);
                rows.extend(few.iter().map(|form| ("also", text(form))));
            }
        }
        if !is_code(explanation) {
            rows.push(("alignment", place.alignment.statement.text.to_string()));
        }
    }
    rows
}

/// Whether instructions are here, captured or not: they need no alignment.
fn is_code(explanation: &Explanation) -> bool {
    const PROGRAM_COUNTERS: [&str; 3] = ["eip", "rip", "pc"];
    explanation.looks.iter().any(|look| matches!(look, Look::Code { .. }))
        || explanation.region.protection.is_some_and(|protection| protection.is_executable())
        || explanation.holders.iter().any(|holder| PROGRAM_COUNTERS.contains(&holder.register))
}

fn region(region: &Region) -> String {
    let kind = region.kind.map(|kind| format!(" {kind}")).unwrap_or_default();
    let protection = region.protection.map(|protection| format!(", {protection}")).unwrap_or_default();
    format!("{}{kind}{protection} ({})", region.state, sized_range(region.range))
}

fn module(place: &ModulePlace) -> String {
    let module = &place.module;
    let version = version(module).map(|version| format!(", version {version}")).unwrap_or_default();
    format!("{} at {}{version}", module.path, range(module.range))
}

fn bytes(explanation: &Explanation) -> String {
    let skipped = explanation.va.0 - explanation.backing.range.first().0;
    match &explanation.backing.store {
        Store::Captured(offset) => format!("captured, at file offset {:#x}", offset.0 + skipped),
        Store::ImageFile { name, offset } if explanation.system.is_some() => {
            format!("in {name} at {:#x}: nobody has touched the page since it was mapped", offset.0 + skipped)
        }
        Store::ImageFile { name, offset } => {
            format!("not captured; read from {name} at {:#x}, same time stamp and size", offset.0 + skipped)
        }
        Store::Frame(pa) => format!("in physical memory at {:#x}", pa.0 + skipped),
        Store::PageFile { file, offset } => format!("in page file {file} at offset {:#x}", offset.0 + skipped),
        Store::OnDemand { name, rva } => {
            format!("{}+{:#x}, in no frame yet: the first touch brings it there", name, u64::from(rva.0) + skipped)
        }
        other => other.to_string(),
    }
}

/// The symbol with what its file tells, then the functions and lines, innermost first.
fn symbol(answer: &SymbolAnswer) -> Vec<(&'static str, String)> {
    let lookup = &answer.lookup;
    if !lookup.is_inside {
        let distance = size(lookup.offset.into());
        return vec![("symbol", format!("none; the nearest below is {}, {distance} away", answer.name.plain))];
    }
    let type_name = answer.type_name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let size = lookup.symbol.size.map(|bytes| format!(" of {}", size(bytes.into()))).unwrap_or_default();
    let (name, kind) = (&answer.name.full, lookup.symbol.kind);
    let called = convention_words(&answer.name).map(|words| format!(", {words}")).unwrap_or_default();
    let mut rows = vec![("symbol", format!("{kind} {name}{type_name}{size}{called}, from {}", lookup.origin))];
    for frame in &lookup.frames {
        let inlined = if frame.is_inline { ", inlined" } else { "" };
        let line = frame.line.as_ref().map_or("no line".to_owned(), |line| format!("{}:{}", line.file, line.line));
        rows.push(("line", format!("{line} in {}{inlined}", frame.function)));
    }
    rows
}

/// A name in parentheses, for an address that has one.
fn named(explanation: &Explanation, va: Va) -> String {
    explanation.names.get(&va).map(|name| format!(" {name}")).unwrap_or_default()
}

fn looks(look: &Look, explanation: &Explanation) -> Vec<(&'static str, String)> {
    let width = explanation.width;
    match look {
        Look::Code { instructions } => {
            let digits = 2 * instructions.iter().map(|instruction| instruction.bytes.len()).max().unwrap_or(0);
            let line = |instruction: &vatlas_debug::disassembly::Instruction| {
                let bytes: String = instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let target = instruction.goes_to.map(|va| named(explanation, va)).filter(|name| !name.is_empty());
                let target = target.map(|name| format!("  ;{name}")).unwrap_or_default();
                format!("{}  {bytes:<digits$}  {}{target}", instruction.va, instruction.text)
            };
            let labels = std::iter::once("code").chain(std::iter::repeat(""));
            labels.zip(instructions.iter().map(line)).collect()
        }
        Look::Pointer { to, usage, .. } => {
            vec![("points to", format!("{to}{}: {}", named(explanation, *to), usage_words(usage, width)))]
        }
        Look::CodePointers { count, first } => {
            let to: Vec<_> =
                first.iter().map(|(va, usage)| format!("{va}{} {usage}", named(explanation, *va))).collect();
            vec![("looks like", format!("a table of {count} pointers to code, as a vtable is: {}", to.join("; ")))]
        }
        Look::Text(text) => vec![("text", format!("{text:?}"))],
        Look::WideText(text) => vec![("text", format!("{text:?} (UTF-16)"))],
        Look::Zeros { count, open } => {
            vec![("zeros", format!("{count} bytes{}", if *open { " and perhaps more" } else { "" }))]
        }
        Look::Pattern { value, meaning } => vec![("pattern", format!("{value}: {meaning}"))],
    }
}

/// One line for each thread: `eax, esi of thread 12 at the exception`.
fn holders(holders: &[RegisterHolder]) -> Vec<String> {
    holders
        .chunk_by(|a, b| a.thread == b.thread && a.machine == b.machine)
        .filter_map(|group| {
            let first = group.first()?;
            let moment = if first.at_exception { " at the exception" } else { "" };
            let names: Vec<_> = group.iter().map(|holder| holder.register).collect();
            Some(format!("{} of thread {}{moment}", names.join(", "), first.thread))
        })
        .collect()
}

fn neighbour(neighbour: &Neighbour, width: PointerWidth) -> String {
    let side = if neighbour.is_below { "below" } else { "above" };
    let distance = match neighbour.distance {
        1 => "directly".to_owned(),
        distance => size(distance),
    };
    format!("{} ({}), {distance} {side}", usage_words(&neighbour.usage, width), range(neighbour.range))
}

/// An explanation as JSON.
pub fn json(asked: &str, explanation: &Explanation) -> Value {
    let width = explanation.width;
    let region = &explanation.region;
    json!({
        "asked": asked,
        "address": json::va(explanation.va, width),
        "headline": headline(explanation),
        "area": explanation.place.as_ref().map(|place| json!({
            "layout": place.choice.name.as_str(),
            "kind": place.area.kind.as_str(),
            "name": place.area.name,
            "range": json::range(place.area.range, width),
            "purpose": place.area.purpose,
        })),
        "region": {
            "range": json::range(region.range, width),
            "state": region.state.to_string(),
            "kind": region.kind.map(|kind| kind.to_string()),
            "protection": region.protection.map(|protection| protection.to_string()),
            "allocation_base": region.allocation_base.map(|base| json::va(base, width)),
            "allocation_protection": region.allocation_protection.map(|protection| protection.to_string()),
            "source": region.source.to_string(),
        },
        "usage": usage_json(&explanation.usage, width),
        "usage_range": json::range(explanation.usage_range, width),
        "module": explanation.module.as_ref().map(|place| json!({
            "name": place.module.name(),
            "path": place.module.path,
            "base": json::va(place.module.range.first(), width),
            "offset": place.offset,
            "section": place.section.as_ref().map(|(name, offset)| json!({ "name": name, "offset": offset })),
            "version": version(&place.module).map(|version| version.to_string()),
        })),
        "windows_ce": explanation.ce.as_ref().map(|place| ce_words::json(place, width)),
        "system": explanation.system.as_ref().map(system_page::json),
        "symbol": explanation.symbol.as_ref().map(answer_json),
        "names": explanation.names.iter().map(|(va, name)| json!({
            "address": json::va(*va, width), "name": name,
        })).collect::<Value>(),
        "unloaded_modules": explanation.unloaded.iter().map(|module| json!({
            "name": module.name(), "range": json::range(module.range, width),
        })).collect::<Value>(),
        "bytes": bytes_json(explanation),
        "looks": explanation.looks.iter().map(|look| look_json(look, width)).collect::<Value>(),
        "looked_at": explanation.looked_at,
        "registers": explanation.holders.iter().map(|holder| json!({
            "thread": holder.thread.0,
            "register": holder.register,
            "machine": holder.machine.to_string(),
            "at_exception": holder.at_exception,
        })).collect::<Value>(),
        "neighbours": explanation.neighbours.iter().map(|neighbour| json!({
            "usage": usage_json(&neighbour.usage, width),
            "range": json::range(neighbour.range, width),
            "distance": neighbour.distance,
            "side": if neighbour.is_below { "below" } else { "above" },
        })).collect::<Value>(),
        "other_forms": explanation.place.iter().flat_map(|place| &place.other_forms).map(|form| json!({
            "form": form.form.as_str(), "address": json::va(form.va, width), "reason": form.because,
        })).collect::<Value>(),
        "alignment": explanation.place.as_ref().map(|place| place.alignment.bytes),
        "number": explanation.number,
        "unknown": explanation.unknown,
        "steps": json::steps(&explanation.steps),
    })
}

fn bytes_json(explanation: &Explanation) -> Value {
    let skipped = explanation.va.0 - explanation.backing.range.first().0;
    match &explanation.backing.store {
        Store::Captured(offset) => json!({ "store": "captured", "file_offset": offset.0 + skipped }),
        Store::ImageFile { name, offset } => {
            json!({ "store": "image file", "file": name, "file_offset": offset.0 + skipped })
        }
        Store::Frame(pa) => json!({ "store": "frame", "physical_address": (pa.0 + skipped) }),
        Store::PageFile { file, offset } => {
            json!({ "store": "page file", "page_file": file, "file_offset": offset.0 + skipped })
        }
        Store::OnDemand { name, rva } => {
            json!({ "store": "on demand", "file": name, "rva": u64::from(rva.0) + skipped })
        }
        Store::Zero => json!({ "store": "zero" }),
        Store::NotCaptured => json!({ "store": "not captured" }),
        Store::Reserved => json!({ "store": "reserved" }),
        Store::Free => json!({ "store": "free" }),
        Store::Unknown => json!({ "store": "unknown" }),
    }
}

/// A use as JSON: its sort, its words, and the names in it.
pub fn usage_json(usage: &Usage, width: PointerWidth) -> Value {
    let mut value = json!({ "kind": usage.kind().word(), "text": usage_words(usage, width) });
    match usage {
        Usage::Image { module, section } => {
            value["module"] = json!(module);
            value["section"] = json!(section);
        }
        Usage::Stack { thread, machine, part } => {
            value["thread"] = json!(thread.0);
            value["machine"] = json!(machine.to_string());
            value["part"] = json!(part.to_string());
        }
        Usage::Teb { thread, machine } => {
            value["thread"] = json!(thread.0);
            value["machine"] = json!(machine.to_string());
        }
        Usage::Peb { machine } => value["machine"] = json!(machine.to_string()),
        Usage::Heap { heap } => value["heap"] = json::va(*heap, width),
        Usage::System { area } => value["area"] = json!(area),
        Usage::SharedUserData | Usage::Mapped | Usage::Private | Usage::Free | Usage::Unknown => {}
    }
    value
}

fn look_json(look: &Look, width: PointerWidth) -> Value {
    match look {
        Look::Code { instructions } => json!({
            "look": "code",
            "instructions": instructions.iter().map(|instruction| json!({
                "address": json::va(instruction.va, width),
                "bytes": instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                "text": instruction.text,
                "goes_to": instruction.goes_to.map(|to| json::va(to, width)),
            })).collect::<Value>(),
        }),
        Look::Pointer { to, usage, width: own } => json!({
            "look": "pointer", "to": json::va(*to, *own), "usage": usage_json(usage, width),
        }),
        Look::CodePointers { count, first } => json!({
            "look": "code pointers",
            "count": count,
            "first": first.iter().map(|(va, usage)| json!({
                "to": json::va(*va, width), "usage": usage_json(usage, width),
            })).collect::<Value>(),
        }),
        Look::Text(text) => json!({ "look": "text", "text": text }),
        Look::WideText(text) => json!({ "look": "wide text", "text": text }),
        Look::Zeros { count, open } => json!({ "look": "zeros", "count": count, "open": open }),
        Look::Pattern { value, meaning } => {
            json!({ "look": "pattern", "value": json::va(*value, width), "meaning": meaning })
        }
    }
}
