//! `--process` and `--thread`: the process and the thread that a question is about.

use crate::failure::Failure;
use vatlas_debug::process_choice::{parse_id, process_of_thread, processes_called};
use vatlas_space::{Process, ProcessIndex, Target, ThreadId};

/// Reads an id for the command line.
///
/// # Errors
/// The text is no id.
pub fn id(text: &str) -> Result<u32, String> {
    parse_id(text).ok_or_else(|| format!("'{text}' is no id: write 1704, 0x6a8 or a handle in eight digits, a71e4f0a"))
}

/// The process that is asked for; without a wish the one that the target is about, or that of the thread.
///
/// # Errors
/// There is no such process, or there are several of the name.
pub fn choose(target: &dyn Target, wanted: Option<&str>) -> Result<ProcessIndex, Failure> {
    let Some(wanted) = wanted else { return Ok(target.current()) };
    match *processes_called(target, wanted) {
        [process] => Ok(process),
        [] => Err(unknown(target, wanted)),
        ref several => {
            let corrections = several.iter().filter_map(|index| target.processes().get(index.0)).filter_map(id_of);
            let message = format!("{} processes are called '{wanted}'", several.len());
            Err(Failure::usage(message).corrections(corrections.collect()))
        }
    }
}

fn unknown(target: &dyn Target, wanted: &str) -> Failure {
    let failure = Failure::could_not(format!("there is no process '{wanted}'"));
    match target.processes() {
        [] | [_] => failure.hint("the file has one process; leave --process out"),
        _ => failure.hint("'vatlas processes' lists them; --process takes an id, a name or a slot"),
    }
}

fn id_of(process: &Process) -> Option<(String, String)> {
    Some((process.id?.to_string(), name(process)))
}

/// The name of a process, or `?`.
pub fn name(process: &Process) -> String {
    process.name.clone().unwrap_or_else(|| "?".to_owned())
}

/// Name, and where there are several processes id and slot: `scale.exe (0xa71e3c42, slot 5)`.
pub fn title(target: &dyn Target, process: &Process) -> String {
    let id = process.id.map(|id| id.to_string());
    let slot = process.home.filter(|home| home.number != 0).map(|home| format!("slot {}", home.slot()));
    let details: Vec<_> = id.into_iter().chain(slot).collect();
    match target.processes() {
        [_, _, ..] if !details.is_empty() => format!("{} ({})", name(process), details.join(", ")),
        _ => name(process),
    }
}

/// The thread that the user named.
///
/// # Errors
/// The process has no such thread.
pub fn thread(target: &dyn Target, process: &Process, wanted: Option<u32>) -> Result<Option<ThreadId>, Failure> {
    let Some(id) = wanted.map(ThreadId) else { return Ok(None) };
    if process.thread(id).is_some() {
        return Ok(Some(id));
    }
    let failure = Failure::could_not(format!("there is no thread {id}"));
    let owner = process_of_thread(target, id).and_then(|index| target.processes().get(index.0));
    Err(match owner {
        Some(owner) => {
            let message = format!("thread {id} belongs to {}, not to {}", title(target, owner), title(target, process));
            Failure::could_not(message).hint(format!("--process {}", owner.id.map_or(name(owner), |id| id.to_string())))
        }
        None => failure.hint("'vatlas threads' lists them"),
    })
}
