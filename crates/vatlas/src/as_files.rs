//! The founding analogy, told of a live page: physical memory is the disk, processes are its files, page tables are the
//! file system's own data, and the mapping is a compression that stores no zeroes.

use crate::draw::text::size;
use vatlas_debug::system_page::SystemPage;
use vatlas_space::{Frame, FrameState, PageHome, Process, ProcessIndex, System, Va};

/// Bytes of a page, and of a block of the disk.
const PAGE: u64 = 4096;

/// Sentences about an address, in the words of files.
pub fn sentences(answer: &SystemPage, process: &Process, va: Va) -> Vec<String> {
    let file = process.name.as_deref().unwrap_or("the process");
    let (block, byte) = (va.0 / PAGE, va.0 % PAGE);
    let mut told = vec![format!("the file is {file}: byte {byte:#x} of its block {block:#x}")];
    told.extend(tables(answer));
    told.push(content(answer));
    let others = answer.mapped_at.len().saturating_sub(1);
    if others > 0 {
        told.push(format!("{others} more places lead to this disk block, as hard links lead to one file"));
    }
    told
}

/// The file system's own data: two tables, or fewer where the file has nothing.
fn tables(answer: &SystemPage) -> Vec<String> {
    let steps = answer.page.walk.steps();
    let entry = |number: usize| steps.get(number).map(|step| step.entry.0);
    match (entry(0), entry(1)) {
        (Some(directory), Some(table)) => vec![format!(
            "the file system's data: its directory says {directory:08x}, the table of this part of the file {table:08x}"
        )],
        (Some(directory), None) => vec![format!(
            "the file system's data: its directory says {directory:08x}; there is no table, for nothing of this part of \
             the file was ever stored"
        )],
        _ => Vec::new(),
    }
}

fn content(answer: &SystemPage) -> String {
    match &answer.page.home {
        PageHome::Frame(pfn) => format!("the block is on the disk, at disk block {:#x}", pfn.0),
        PageHome::FrameOfOthers(pfn) => {
            format!("another file has the block on the disk already, at {:#x}; the first use makes a link to it", pfn.0)
        }
        PageHome::Transition(pfn) => {
            let state = answer.page.frame.as_ref().map(state).unwrap_or_default();
            format!("the block was deleted, and is still on the disk, at {:#x}{state}: it can be undeleted", pfn.0)
        }
        PageHome::PageFile { file, page } => format!(
            "the block was moved to an archive, page file {file}, place {page:#x}, to make room on the disk; using it \
             brings it back"
        ),
        PageHome::DemandZero => {
            "the file is sparse here: the block is promised, nothing is stored, and it reads as zeroes".to_owned()
        }
        PageHome::File { name, .. } => format!(
            "the block was never copied to the disk; the original is {}",
            name.as_deref().unwrap_or("another file")
        ),
        PageHome::Reserved => {
            "the file has numbers for these blocks and no promise of any: using one is an error".to_owned()
        }
        PageHome::Free => "the file has a hole here: it has no such block".to_owned(),
        PageHome::Unknown => "what the file system says of the block is not known".to_owned(),
    }
}

fn state(frame: &Frame) -> String {
    match frame.state {
        FrameState::Standby => " (a copy is in the archive too)".to_owned(),
        FrameState::Modified => " (not archived yet)".to_owned(),
        other => format!(" ({other})"),
    }
}

/// The compression: how long the file is, and how much of the disk it takes.
pub fn compression(system: &dyn System, index: ProcessIndex, process: &Process) -> String {
    let vads = system.vads(index);
    let length: u64 = vads.iter().map(|vad| vad.range.size()).sum();
    let on_disk = system.resident_pages(index);
    let name = process.name.as_deref().unwrap_or("the process");
    format!("compression: {name} is {} long and takes {} of the disk", size(length), size(on_disk * PAGE))
}
