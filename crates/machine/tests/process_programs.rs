//! Programs that make processes: children that come and go, a tree of them, instances that share code.
#![allow(clippy::unwrap_used, reason = "a test")]

mod guest_support;

use guest_support::{Guest, Machine};
use vatlas_machine::nt::SystemStop;

/// What a system has left when a parent waited for so many children.
fn after(children: u32) -> (u32, u32, u32, u32, usize, (u32, u32), usize) {
    let mut guest = Guest::new(Machine { processors: 2, ..Machine::default() }, "children.exe", &children.to_string());
    guest.run_to(2000, &SystemStop::Deadlock);
    let sum = children * (children + 1) / 2;
    assert_eq!(guest.output(), format!("{children} children, sum {sum}\n"));
    let report = guest.system.report();
    let parent = &report.processes[0];
    assert_eq!(report.processes.len(), children as usize + 1);
    let memory = guest.system.memory();
    (
        memory.frames().available(),
        memory.commit().charged(),
        memory.kernel_pages(),
        parent.handles,
        memory.spaces().count(),
        (parent.committed, parent.working_set),
        memory.areas().count(),
    )
}

#[test]
fn nothing_is_left_of_200_children() {
    assert_eq!(after(200), after(10));
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
    // In pieces, and from a kept state on: the same.
    let mut second = tree();
    assert_eq!(second.run(3), SystemStop::Budget);
    assert_eq!(second.run(5), SystemStop::Budget);
    let kept = second.system.checkpoint();
    assert_eq!(grown(&mut second), state);
    second.system.restore(&kept);
    assert_eq!(grown(&mut second), state);
}
