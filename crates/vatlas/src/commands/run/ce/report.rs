//! What a device did, at the end of a run.

use crate::{draw::text::size, json, output::Output};
use serde_json::{Value, json};
use vatlas_machine::ce::{Device, Report, Stop};

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Prints the report: on standard output as JSON, else where remarks go, for standard output is the device's.
pub fn show(device: &Device, stop: &Stop, output: &mut Output) {
    let report = device.report();
    if output.json {
        output.document(&json::document("run", Value::Null, answer(&report, stop)));
        return;
    }
    for (label, text) in rows(&report, stop) {
        output.remark(&format!("{label:<20}{text}"));
    }
}

fn rows(report: &Report, stop: &Stop) -> Vec<(&'static str, String)> {
    let pages = |count: u32| format!("{count} pages ({})", size(u64::from(count) * PAGE));
    let (counters, switches) = (&report.counters, &report.switches);
    vec![
        ("ended", ended(stop)),
        ("instructions", report.instructions.to_string()),
        ("time on the device", format!("{} ms", report.milliseconds)),
        ("page faults", format!("{}, {} filled from images", counters.page_faults, counters.filled_pages)),
        (
            "memory",
            format!(
                "{}, {} free now, {} at the worst",
                pages(report.pages),
                report.free_pages,
                report.fewest_free_pages
            ),
        ),
        (
            "committed",
            format!(
                "{}, {} of page tables, {} of the kernel",
                pages(report.committed_pages),
                report.table_pages,
                report.kernel_pages
            ),
        ),
        (
            "context switches",
            format!("{}, {} at the end of a quantum", counters.context_switches, counters.quantum_ends),
        ),
        (
            "slot 0",
            format!(
                "{} times another process, {} entries copied, {} slots let in, {} entries dropped",
                switches.switches, switches.copied, switches.entered, switches.dropped
            ),
        ),
        ("calls", format!("{} of the kernel, {} of servers", counters.api_calls, counters.server_calls)),
        (
            "waits",
            format!(
                "{} for critical sections, {} priorities inherited",
                counters.critical_waits, counters.inherited_priorities
            ),
        ),
        ("exceptions", format!("{}, {} nobody handled", counters.exceptions, report.crashes.len())),
        ("made", format!("{} processes, {} threads", counters.processes_created, counters.threads_created)),
    ]
}

fn ended(stop: &Stop) -> String {
    match stop {
        Stop::Budget => "the count of instructions was reached".to_owned(),
        Stop::Idle => "the device is at rest".to_owned(),
        Stop::Ended { name, code } => format!("{name} with exit code {code} ({code:#x})"),
    }
}

fn answer(report: &Report, stop: &Stop) -> Value {
    let (counters, switches) = (&report.counters, &report.switches);
    json!({
        "ended": ended(stop),
        "exit_code": match stop { Stop::Ended { code, .. } => Some(*code), _ => None },
        "instructions": report.instructions,
        "milliseconds": report.milliseconds,
        "page_faults": counters.page_faults,
        "filled_pages": counters.filled_pages,
        "pages": { "all": report.pages, "free": report.free_pages, "fewest_free": report.fewest_free_pages,
            "committed": report.committed_pages, "tables": report.table_pages, "kernel": report.kernel_pages },
        "context_switches": counters.context_switches,
        "quantum_ends": counters.quantum_ends,
        "slot_0": { "switches": switches.switches, "entries_copied": switches.copied, "slots_entered": switches.entered, "entries_dropped": switches.dropped },
        "api_calls": counters.api_calls,
        "server_calls": counters.server_calls,
        "critical_waits": counters.critical_waits,
        "inherited_priorities": counters.inherited_priorities,
        "exceptions": counters.exceptions,
        "processes_created": counters.processes_created,
        "threads_created": counters.threads_created,
        "crashes": report.crashes.iter().map(|crash| json!({
            "process": crash.process, "number": crash.process_number, "code": json::hex32(crash.record.code),
            "pc": json::hex32(crash.pc), "text": crash.text,
        })).collect::<Value>(),
    })
}
