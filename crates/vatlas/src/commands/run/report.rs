//! What the machine did, at the end of a run.

use crate::{draw::text::size, json, output::Output};
use serde_json::{Value, json};
use vatlas_machine::nt::{Report, System, SystemStop};
use vatlas_space::FrameState;

/// Bytes of a page.
const PAGE: u64 = 4096;
/// Services that are named.
const SERVICES: usize = 8;

/// Prints the report: on standard output as JSON, else where remarks go, for standard output is the program's.
pub fn show(system: &System, stop: &SystemStop, output: &mut Output) {
    let report = system.report();
    if output.json {
        output.document(&json::document("run", Value::Null, answer(system, &report, stop)));
        return;
    }
    for (label, text) in rows(system, &report, stop) {
        output.remark(&format!("{label:<20}{text}"));
    }
}

fn rows(system: &System, report: &Report, stop: &SystemStop) -> Vec<(&'static str, String)> {
    let pages = |count: u64| format!("{count} pages ({})", size(count * PAGE));
    let (charged, peak, limit) = report.commit;
    let faults = &report.memory;
    let called: Vec<String> =
        report.services.iter().take(SERVICES).map(|(name, count)| format!("{name} {count}")).collect();
    let (private, shared) = frames(system);
    let mut rows = vec![
        ("ended", ended(stop)),
        ("instructions", report.instructions.to_string()),
        ("page faults", format!("{}, of them exceptions {}", report.page_faults, report.access_violations)),
        ("  demand zero", faults.demand_zero.to_string()),
        ("  soft", faults.transition.to_string()),
        ("  copy on write", faults.copy_on_write.to_string()),
        ("  first write", faults.first_writes.to_string()),
        (
            "page-ins",
            format!(
                "{} from page files, {} from images, {} from files",
                faults.page_ins, faults.image_page_ins, faults.file_page_ins
            ),
        ),
        (
            "page-outs",
            format!(
                "{} to page files, {} to files, {} failed",
                faults.page_outs, faults.file_page_outs, faults.failed_writes
            ),
        ),
        (
            "commit",
            format!("{} now, {} at most, limit {}", pages(charged.into()), pages(peak.into()), pages(limit.into())),
        ),
        ("frames", format!("{} private, {} shared", pages(private), pages(shared))),
        ("context switches", report.context_switches.to_string()),
        ("kernel space", kernel_space(system, report)),
        ("system calls", format!("{}: {}", report.system_calls, called.join(", "))),
        ("exceptions", report.exceptions.to_string()),
    ];
    for process in &report.processes {
        let peak = pages(process.working_set_peak.into());
        rows.push(("working set peak", format!("{} of {} ({})", peak, process.name, process.id)));
    }
    rows
}

/// Who has the kernel half, and what that costs.
fn kernel_space(system: &System, report: &Report) -> String {
    let walks = report.table_walks;
    if !system.memory().has_separate_kernel() {
        return format!("in every process; {walks} walks of page tables");
    }
    let loads = report.kernel_space_switches;
    format!("of the kernel alone; {loads} loads of CR3 to enter and leave it, {walks} walks of page tables")
}

fn ended(stop: &SystemStop) -> String {
    match stop {
        SystemStop::Budget => "the count of instructions was reached".to_owned(),
        SystemStop::Exited { status } => format!("exit status {status} ({status:#x})"),
        SystemStop::Deadlock => "every thread waits".to_owned(),
        SystemStop::NeedsInput => "the program waits for input".to_owned(),
        SystemStop::BugCheck(check) => {
            format!("bug check {:#x} {}", check.code, check.name().unwrap_or_default()).trim_end().to_owned()
        }
        SystemStop::Broken(what) => what.clone(),
    }
}

/// Frames in use that belong to one page table, and those that belong to prototype entries.
fn frames(system: &System) -> (u64, u64) {
    let database = system.memory().frames();
    let mut counts = (0, 0);
    for frame in 0..u64::from(system.ram().frames()) {
        let record = database.record(system.ram(), vatlas_space::Pfn(frame));
        if record.state == FrameState::Active {
            *(if record.is_prototype { &mut counts.1 } else { &mut counts.0 }) += 1;
        }
    }
    counts
}

fn answer(system: &System, report: &Report, stop: &SystemStop) -> Value {
    let faults = &report.memory;
    let (charged, peak, limit) = report.commit;
    let (private, shared) = frames(system);
    json!({
        "ended": ended(stop),
        "exit_status": match stop { SystemStop::Exited { status } => Some(*status), _ => None },
        "instructions": report.instructions,
        "page_faults": report.page_faults,
        "access_violations": report.access_violations,
        "demand_zero": faults.demand_zero,
        "soft_faults": faults.transition,
        "copy_on_write": faults.copy_on_write,
        "first_writes": faults.first_writes,
        "page_ins": { "page_files": faults.page_ins, "images": faults.image_page_ins, "files": faults.file_page_ins },
        "page_outs": { "page_files": faults.page_outs, "files": faults.file_page_outs, "failed": faults.failed_writes },
        "commit": { "charged": charged, "peak": peak, "limit": limit },
        "frames": { "private": private, "shared": shared },
        "context_switches": report.context_switches,
        "kernel_space": {
            "is_separate": system.memory().has_separate_kernel(),
            "loads_of_cr3": report.kernel_space_switches,
            "table_walks": report.table_walks,
        },
        "system_calls": report.system_calls,
        "services": report.services.iter().map(|(name, count)| json!({ "name": name, "count": count })).collect::<Value>(),
        "exceptions": report.exceptions,
        "state_hash": format!("{:016x}", system.state_hash()),
        "processes": report.processes.iter().map(|process| json!({
            "id": process.id,
            "name": process.name,
            "exit_status": process.exit_status,
            "committed": process.committed,
            "working_set": process.working_set,
            "working_set_peak": process.working_set_peak,
        })).collect::<Value>(),
    })
}
