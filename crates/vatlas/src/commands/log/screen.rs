//! The crashes of a log for people: one section a group.

use super::found::Found;
use crate::{commands::paragraph::Paragraph, draw::text::printable, output::Output, words::counted};
use anstyle::{AnsiColor, Style};
use vatlas_debug::ce_crash::{CodePlace, CrashGroup};
use vatlas_images::ce_log::MemoryItem;
use vatlas_space::{LogNote, TextPlace};

/// Columns of the labels.
const LABEL: usize = 12;

/// The whole answer.
pub fn whole(name: &str, found: &Found, output: &mut Output) {
    let groups = found.groups.groups();
    let crashes = counted(found.groups.count() as usize, "crash").replace("crashs", "crashes");
    let of_groups = if groups.len() > 1 { format!(" in {}", counted(groups.len(), "group")) } else { String::new() };
    let none = if groups.is_empty() { "no crash".to_owned() } else { crashes + &of_groups };
    output.heading(&printable(&format!("{name}: {none}")));
    for (index, crash) in groups.iter().enumerate() {
        output.line("");
        group(index, crash, output);
    }
    memory(found, output);
    notes(found, output);
    problems(found, output);
}

/// A group.
pub fn group(index: usize, group: &CrashGroup, output: &mut Output) {
    let explanation = &group.explanation;
    let number = format!("{:<4}", index + 1);
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let painted = output.paint(red, &number);
    Paragraph::new(output, painted, number.len())
        .words(Style::new().bold(), &printable(&explanation.headline))
        .write(output);
    row("seen", &seen(group), output);
    let owner = owner(group);
    if !owner.is_empty() {
        row("process", &owner, output);
    }
    explanation.code.iter().for_each(|place| row(place.register, &code(place), output));
    if let Some(bad) = &explanation.bad_address {
        let module = bad.module.as_ref();
        let module = module.map(|at| format!("; {}+{:#x} by the ROM image", at.name, at.offset)).unwrap_or_default();
        row("BVA", &format!("{}: {}{module}", bad.va, bad.text), output);
    }
    if let Some(status) = &explanation.status {
        row("FSR", &format!("{:08x}: {}", status.raw, status.words()), output);
    }
    row("chance", chance(group), output);
    explanation.advice.iter().enumerate().for_each(|(at, text)| row(if at == 0 { "next" } else { "" }, text, output));
    for (at, step) in explanation.steps.iter().enumerate() {
        let label = label(if at == 0 { "because" } else { "" });
        let text = format!("{} [{}]", step.finding, step.source);
        Paragraph::new(output, label, LABEL).words(Style::new().dimmed(), &printable(&text)).write(output);
    }
}

/// A crash of a group that was told before.
pub fn again(index: usize, place: TextPlace, group: &CrashGroup, output: &mut Output) {
    let text = format!("again {}, line {}: {}", index + 1, place.line, group.explanation.headline);
    output.line(&printable(&text));
}

fn label(word: &str) -> String {
    format!("    {word:<width$}", width = LABEL - 4)
}

fn row(word: &str, text: &str, output: &mut Output) {
    Paragraph::new(output, label(word), LABEL).words(Style::new(), &printable(text)).write(output);
}

fn seen(group: &CrashGroup) -> String {
    let times = if group.count == 1 { "once".to_owned() } else { format!("{} times", group.count) };
    let lines: Vec<String> = group.places.iter().map(|place| place.line.to_string()).collect();
    let more = if group.count as usize > lines.len() { ", ..." } else { "" };
    let line = if lines.len() == 1 { "line" } else { "lines" };
    let threads = match group.threads.len() {
        0 | 1 => String::new(),
        count => format!(", {count} threads"),
    };
    let addresses = match group.bad_addresses.len() {
        count if count > 1 && group.explanation.bad_address.is_some() => {
            let list: Vec<String> = group.bad_addresses.iter().map(|va| format!("{va:08x}")).collect();
            format!(", BVA {}", list.join(" "))
        }
        _ => String::new(),
    };
    format!("{times}, {line} {}{more}{threads}{addresses}", lines.join(", "))
}

fn owner(group: &CrashGroup) -> String {
    let owner = &group.explanation.owner;
    let mut parts: Vec<String> = owner.name.iter().cloned().collect();
    if let Some(slot) = owner.slot {
        parts.push(format!("slot {slot} at {}", slot.base()));
    }
    if let Some(mask) = owner.access_key {
        let opened: Vec<String> = owner.opened.iter().map(ToString::to_string).collect();
        let processes = if opened.is_empty() { String::new() } else { format!(" (processes {})", opened.join(", ")) };
        parts.push(format!("access key {mask:08x}{processes}"));
    }
    if let Some(active) = &owner.vm_active {
        parts.push(format!("memory of {active}"));
    }
    parts.join(", ")
}

fn code(place: &CodePlace) -> String {
    let mut text = place.va.to_string();
    if place.module.is_some() || place.symbol.is_some() {
        text = format!("{text}  {}", place.text());
    }
    if let Some(line) = place.line() {
        text = format!("{text} ({line})");
    }
    if let Some(module) = &place.module {
        text = format!("{text}; {} at {} + {:#x}", module.name, module.base, module.offset);
    }
    match &place.remark {
        Some(remark) => format!("{text}; {remark}"),
        None => text,
    }
}

/// What the log says about how it went on.
pub fn chance(group: &CrashGroup) -> &'static str {
    if group.repeats > 0 {
        "a second report: the kernel raised the exception before it again"
    } else if group.not_handled > 0 {
        "not handled: the log says that the thread was ended"
    } else if group.raised_again > 0 {
        "raised again in the kernel right behind; nothing in the log says whether that was handled"
    } else {
        "not told: exceptions that a handler takes later are printed too, and nothing in the log says how this one ended"
    }
}

fn memory(found: &Found, output: &mut Output) {
    if found.memory.is_empty() {
        return;
    }
    output.line("");
    output.heading("memory listings");
    for item in &found.memory {
        let text = match item {
            MemoryItem::Totals { page_size, pages, free, place } => {
                format!("line {}: pages of {page_size} bytes: {pages}, {free} free", place.line)
            }
            MemoryItem::Process(process) => {
                let base = process.base.map(|base| format!(" at {base:08x}")).unwrap_or_default();
                let counts: Vec<String> =
                    process.counts.iter().map(|count| format!("{} {}", count.what, count.pages)).collect();
                let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
                format!("line {}: {}{base}{counts}", process.place.line, process.name)
            }
        };
        output.line(&printable(&format!("    {text}")));
    }
}

fn notes(found: &Found, output: &mut Output) {
    for (note, place) in &found.notes {
        if let LogNote::Boot { version, processor } = note {
            let text = format!("line {}: the device starts: Windows CE {version}, {processor}", place.line);
            output.line("");
            output.line(&printable(&text));
        }
    }
}

fn problems(found: &Found, output: &Output) {
    const SHOWN: usize = 10;
    for problem in found.problems.iter().take(SHOWN) {
        output.remark(&format!("warning: {problem}"));
    }
    let more = found.problems.len().saturating_sub(SHOWN);
    if more > 0 {
        output.remark(&format!("warning: {more} more; --json has them all"));
    }
}
