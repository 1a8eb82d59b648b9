//! Whether two targets show the same thing at two moments: what speaks against it, as remarks.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vatlas_space::{Host, Problem, Process, ProcessIndex, Target};

/// What the two targets are and where that differs, the weightiest first. Without a remark the two may well be one
/// process at two moments.
pub fn identity(a: (&dyn Target, ProcessIndex), b: (&dyn Target, ProcessIndex)) -> Vec<Problem> {
    let mut remarks = Vec::new();
    hosts(a.0.host(), b.0.host(), &mut remarks);
    if let (Some(a), Some(b)) = (a.0.processes().get(a.1.0), b.0.processes().get(b.1.0)) {
        processes(a, b, &mut remarks);
    }
    kinds(a.0, b.0, &mut remarks);
    remarks
}

/// A remark when both are known and they differ.
fn compare<T: PartialEq + ToString>(place: &str, a: Option<T>, b: Option<T>, hint: &str, remarks: &mut Vec<Problem>) {
    if let (Some(a), Some(b)) = (a, b)
        && a != b
    {
        let cause = format!("{} in A, {} in B", a.to_string(), b.to_string());
        remarks.push(Problem::note(place, cause).hint(hint));
    }
}

fn hosts(a: Option<&Host>, b: Option<&Host>, remarks: &mut Vec<Problem>) {
    let version = |host: &Host| host.version.map(|number| number.to_string()).join(".");
    let of = |host: Option<&Host>, what: fn(&Host) -> String| host.map(what);
    let hint = "addresses of different systems have different meanings";
    compare("operating system", of(a, |host| host.os.to_string()), of(b, |host| host.os.to_string()), hint, remarks);
    let machine: fn(&Host) -> String = |host| host.machine.to_string();
    compare("processor", of(a, machine), of(b, machine), "code and registers cannot be compared", remarks);
    let hint = "system modules and structures differ between builds";
    compare("system version", a.map(version), b.map(version), hint, remarks);
}

fn processes(a: &Process, b: &Process, remarks: &mut Vec<Problem>) {
    let bits = |process: &Process| Some(process.width.bytes() * 8);
    compare("bits of a pointer", bits(a), bits(b), "addresses above 4 GB exist in one only", remarks);
    let layout = |process: &Process| process.layout.map(|layout| layout.name);
    compare("layout", layout(a), layout(b), "the same address lies in different areas", remarks);
    let names = a.name.as_deref().zip(b.name.as_deref());
    let names = names.filter(|(a, b)| a.to_lowercase() != b.to_lowercase()).unzip();
    compare("process name", names.0, names.1, "these are two programs", remarks);
    let hint = "these are two processes: thread ids, stacks and heaps agree by accident only";
    compare("process id", a.id, b.id, hint, remarks);
    let hint = "these are two runs: thread ids, stacks and heaps agree by accident only";
    let start = |process: &Process| {
        let time = OffsetDateTime::from_unix_timestamp(process.create_time?.into()).ok()?;
        time.format(&Rfc3339).ok()
    };
    compare("process start", start(a), start(b), hint, remarks);
}

fn kinds(a: &dyn Target, b: &dyn Target, remarks: &mut Vec<Problem>) {
    let hint = "what one format does not keep is no difference of the process";
    compare("format", Some(a.kind().format), Some(b.kind().format), hint, remarks);
    if let (Some(a), Some(b)) = (a.kind().taken_at, b.kind().taken_at) {
        let is_backwards = a > b;
        let remark = || Problem::note("order", "B was taken before A").hint("swap the two to read it forwards");
        remarks.extend(is_backwards.then(remark));
    }
}
