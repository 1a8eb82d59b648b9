//! Programs that make processes: children that come and go, a tree of them, instances that share code.
#![allow(clippy::unwrap_used, reason = "a test")]

mod guest_support;

use guest_support::{Guest, Machine};
use vatlas_machine::nt::SystemStop;

/// What a system has left when a parent waited for so many children.
fn after(children: u32) -> (Guest, Vec<(&'static str, u64)>) {
    let mut guest = Guest::new(Machine { processors: 2, ..Machine::default() }, "children.exe", &children.to_string());
    guest.run_to(2000, &SystemStop::Deadlock);
    let sum = children * (children + 1) / 2;
    assert_eq!(guest.output(), format!("{children} children, sum {sum}\n"));
    let report = guest.system.report();
    let parent = &report.processes[0];
    assert_eq!(report.processes.len(), children as usize + 1);
    let memory = guest.system.memory();
    let descriptors = memory.spaces().map(|space| memory.space(space).vads().iter().count() as u64).sum();
    let left = vec![
        ("commit charge", memory.commit().charged().into()),
        ("pages of the kernel", memory.kernel_pages().into()),
        ("handles", parent.handles.into()),
        ("address spaces", memory.spaces().count() as u64),
        ("address descriptors", descriptors),
        ("pages of the parent", parent.committed.into()),
        ("control areas", memory.areas().count() as u64),
    ];
    (guest, left)
}

#[test]
fn nothing_is_left_of_200_children() {
    let ((many, left_of_many), (few, left_of_few)) = (after(200), after(10));
    assert_eq!(left_of_many, left_of_few);
    assert_eq!(many.system.memory().frames().available(), few.system.memory().frames().available());
    let working_set = |guest: &Guest| guest.system.report().processes[0].working_set;
    assert_eq!(working_set(&many), working_set(&few));
}

/// A tree in 64 MB and a page file, on two processors.
fn tree() -> Guest {
    Guest::new(Machine { megabytes: 64, processors: 2, page_file: 32768 }, "tree.exe", "64")
}

/// Runs it to its end: its state then.
#[track_caller]
fn grown(guest: &mut Guest) -> u64 {
    guest.run_to(5000, &SystemStop::Exited { status: 0 });
    assert_eq!(guest.system.report().processes.len(), 64);
    // The sum over all n of 512 pages that hold page + n.
    assert!(guest.output().ends_with(&format!("{}\n", 64 * 130_816 + 512 * 2080)), "{}", guest.output());
    guest.system.state_hash()
}

#[test]
fn a_tree_of_64_processes_that_does_not_fit_into_memory() {
    let mut first = tree();
    let state = grown(&mut first);
    assert!(first.system.report().memory.page_outs > 1000, "the page file was needed");
    // Of what 64 processes had there nothing is left that nobody was promised.
    let memory = first.system.memory();
    let (used, promised) = (memory.page_files()[0].used(), memory.commit().charged());
    assert!(used <= promised && promised < 1000, "{used} places for {promised} pages");
    // In pieces, and from a kept state on: the same.
    let mut second = tree();
    assert_eq!(second.run(3), SystemStop::Budget);
    assert_eq!(second.run(5), SystemStop::Budget);
    let kept = second.system.checkpoint();
    assert_eq!(grown(&mut second), state);
    second.system.restore(&kept);
    assert_eq!(grown(&mut second), state);
}
