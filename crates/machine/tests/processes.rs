//! Several processes: copies of one, their handles, views and memory; what crosses between them, and what is left when
//! they end.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::{At, N};
use kernel_support::{Bench, CODE, Code, DATA, code};
use vatlas_machine::nt::{SystemStop, UserEntries};

const fn slot(number: u32) -> u32 {
    DATA + 4 * number
}

const SELF: u32 = u32::MAX;
/// Where the child begins.
const CHILD: u32 = CODE + 0x1_0000;
/// Stack of the child's thread: in the data of the program.
const STACK: u32 = DATA + 0x1f00;
/// A `CONTEXT` and an `INITIAL_TEB`.
const CONTEXT: u32 = DATA + 0x1000;
const INITIAL: u32 = DATA + 0x1300;
/// Handles of the child and its thread.
const PROCESS: u32 = slot(1);
const THREAD: u32 = slot(2);
/// `PROCESS_BASIC_INFORMATION`.
const BASIC: u32 = slot(20);
const ALL: u32 = 0x1f_0fff;

impl Code {
    /// Makes a copy of this process, and its first thread at [`CHILD`].
    fn fork(&mut self, inherits: u32, is_suspended: u32) -> &mut Self {
        let zero = N(0);
        self.call_to(slot(9), "NtCreateProcess", &[N(PROCESS), N(ALL), zero, N(SELF), N(inherits), zero, zero, zero]);
        self.start_child(is_suspended)
    }

    fn start_child(&mut self, is_suspended: u32) -> &mut Self {
        // CONTEXT_FULL, the selectors of user mode, EIP and ESP.
        for (offset, value) in
            [(0, 0x1_0007), (0x90, 0x3b), (0x94, 0x23), (0x98, 0x23), (0xbc, 0x1b), (0xc0, 0x202), (0xc8, 0x23)]
        {
            self.store(CONTEXT + offset, value);
        }
        self.store(CONTEXT + 0xb8, CHILD).store(CONTEXT + 0xc4, STACK);
        self.store(INITIAL + 8, STACK).store(INITIAL + 12, DATA).store(INITIAL + 16, DATA);
        let arguments = [N(THREAD), N(ALL), N(0), At(PROCESS), N(slot(5)), N(CONTEXT), N(INITIAL), N(is_suspended)];
        self.call_to(slot(10), "NtCreateThread", &arguments)
    }

    fn wait(&mut self, handle: u32) -> &mut Self {
        self.call_to(slot(11), "NtWaitForSingleObject", &[At(handle), N(0), N(0)])
    }

    /// Ends with the status that is at an address.
    fn exit_with(&mut self, at: u32) -> &mut Self {
        self.call("NtTerminateProcess", &[N(SELF), At(at)])
    }

    /// Waits for the child and asks how it ended.
    fn child_status(&mut self) -> &mut Self {
        self.wait(PROCESS);
        self.call_to(slot(12), "NtQueryInformationProcess", &[At(PROCESS), N(0), N(BASIC), N(24), N(0)])
    }
}

/// Runs a parent with a child; the parent's exit status.
#[track_caller]
fn check(parent: impl FnOnce(&mut Code), child: impl FnOnce(&mut Code), expected: u32) {
    let (parent, child) = (code(parent), code(child));
    for processors in [1, 2] {
        let mut bench = Bench::on(processors, std::slice::from_ref(&parent), UserEntries::default());
        bench.add_code(CHILD, &child);
        assert_eq!(bench.run(), expected, "on {processors} processors");
    }
}

#[test]
fn a_copy_has_its_own_memory_and_an_exit_status() {
    check(
        |c| {
            c.store(slot(0), 11).fork(0, 0).child_status();
            // What the child wrote is not here: exit status + slot 0 = 7 + 11.
            c.raw(&[0xa1]).raw(&BASIC.to_le_bytes()).raw(&[0x03, 0x05]).raw(&slot(0).to_le_bytes());
            c.raw(&[0xa3]).raw(&slot(0).to_le_bytes()).exit_with(slot(0));
        },
        |c| {
            c.store(slot(0), 22).exit(7);
        },
        18,
    );
}

#[test]
fn a_suspended_thread_waits_to_be_resumed() {
    check(
        |c| {
            c.fork(0, 1).call("NtResumeThread", &[At(THREAD), N(slot(3))]).child_status();
            // Suspended once: 5 + 1.
            c.raw(&[0xa1]).raw(&BASIC.to_le_bytes()).raw(&[0x03, 0x05]).raw(&slot(3).to_le_bytes());
            c.raw(&[0xa3]).raw(&slot(0).to_le_bytes()).exit_with(slot(0));
        },
        |c| {
            c.exit(5);
        },
        6,
    );
}

/// `OBJECT_ATTRIBUTES` without name, with flags.
fn attributes(c: &mut Code, at: u32, flags: u32) {
    c.store(at, 0x18).store(at + 4, 0).store(at + 8, 0).store(at + 12, flags).store(at + 16, 0).store(at + 20, 0);
}

#[test]
fn handles_are_inherited_with_their_numbers() {
    let parent = |inherits: u32| {
        move |c: &mut Code| {
            attributes(c, slot(40), 2);
            attributes(c, slot(48), 0);
            c.call("NtCreateEvent", &[N(slot(6)), N(ALL), N(slot(48)), N(1), N(0)]);
            c.call("NtCreateEvent", &[N(slot(7)), N(ALL), N(slot(40)), N(1), N(0)]);
            c.fork(inherits, 0).child_status().exit_with(BASIC);
        }
    };
    // The second event is inherited, the first is not; the child sets it and tells what it got.
    let second = |c: &mut Code| {
        c.call_to(slot(0), "NtSetEvent", &[At(slot(7)), N(0)]).exit_with(slot(0));
    };
    let first = |c: &mut Code| {
        c.call_to(slot(0), "NtSetEvent", &[At(slot(6)), N(0)]).exit_with(slot(0));
    };
    check(parent(1), second, 0);
    check(parent(1), first, 0xc000_0008);
    check(parent(0), second, 0xc000_0008);
}

#[test]
fn an_inherited_event_is_one_object() {
    check(
        |c| {
            attributes(c, slot(40), 2);
            c.call("NtCreateEvent", &[N(slot(7)), N(ALL), N(slot(40)), N(1), N(0)]).fork(1, 0).wait(slot(7));
            c.exit_with(slot(11));
        },
        |c| {
            c.call("NtSetEvent", &[At(slot(7)), N(0)]).exit(0);
        },
        0,
    );
}

#[test]
fn memory_of_another_process() {
    check(
        |c| {
            c.store(slot(0), 1).fork(0, 1).store(slot(30), 0x1234_5678);
            // Written into the child, which was not there yet; the child's word comes back when it waits.
            let zero = N(0);
            c.call("NtWriteVirtualMemory", &[At(PROCESS), N(slot(0)), N(slot(30)), N(4), zero]);
            c.call("NtReadVirtualMemory", &[At(PROCESS), N(slot(0)), N(slot(31)), N(4), N(slot(32))]);
            // Memory of its own, where it says.
            c.store(slot(33), 0x0700_0000).store(slot(34), 0x1000);
            let protect = N(4);
            c.call("NtAllocateVirtualMemory", &[At(PROCESS), N(slot(33)), zero, N(slot(34)), N(0x3000), protect]);
            c.call("NtWriteVirtualMemory", &[At(PROCESS), N(0x0700_0000), N(slot(31)), N(4), zero]);
            c.call("NtResumeThread", &[At(THREAD), zero]).child_status().exit_with(BASIC);
        },
        |c| {
            // mov eax, [7000000h]; mov [slot 3], eax
            c.raw(&[0xa1, 0, 0, 0, 7, 0xa3]).raw(&slot(3).to_le_bytes()).exit_with(slot(3));
        },
        0x1234_5678,
    );
}

#[test]
fn rights_of_a_handle_count() {
    // Opened for queries only: no writing, no ending.
    let parent = |service: &'static str| {
        move |c: &mut Code| {
            c.fork(0, 1);
            c.store(slot(50), 0).store(slot(51), 0);
            // The ids of the child are at slot 5 and 6.
            c.raw(&[0xa1]).raw(&slot(5).to_le_bytes()).raw(&[0xa3]).raw(&slot(50).to_le_bytes());
            attributes(c, slot(40), 0);
            c.call("NtOpenProcess", &[N(slot(8)), N(0x400), N(slot(40)), N(slot(50))]);
            match service {
                "NtTerminateProcess" => c.call_to(slot(0), service, &[At(slot(8)), N(1)]),
                "NtWriteVirtualMemory" => {
                    c.call_to(slot(0), service, &[At(slot(8)), N(slot(0)), N(slot(1)), N(4), N(0)])
                }
                _ => c.call_to(slot(0), service, &[At(slot(8)), N(0), N(BASIC), N(24), N(0)]),
            };
            c.call("NtTerminateProcess", &[At(PROCESS), N(3)]).exit_with(slot(0));
        }
    };
    let child = |c: &mut Code| {
        c.exit(0);
    };
    check(parent("NtTerminateProcess"), child, 0xc000_0022);
    check(parent("NtWriteVirtualMemory"), child, 0xc000_0022);
    check(parent("NtQueryInformationProcess"), child, 0);
}

#[test]
fn handles_go_into_another_process_and_come_from_there() {
    check(
        |c| {
            attributes(c, slot(40), 0);
            c.call("NtCreateEvent", &[N(slot(7)), N(ALL), N(slot(40)), N(1), N(0)]).fork(0, 1);
            // Into the child: its number goes to the child's slot 3.
            let zero = N(0);
            c.call("NtDuplicateObject", &[N(SELF), At(slot(7)), At(PROCESS), N(slot(30)), zero, zero, N(2)]);
            c.call("NtWriteVirtualMemory", &[At(PROCESS), N(slot(3)), N(slot(30)), N(4), zero]);
            c.call("NtResumeThread", &[At(THREAD), zero]).wait(slot(7));
            c.raw(&[0x83, 0x3d]).raw(&slot(11).to_le_bytes()).raw(&[0]);
            c.child_status().exit_with(BASIC);
        },
        |c| {
            c.call_to(slot(0), "NtSetEvent", &[At(slot(3)), N(0)]).exit_with(slot(0));
        },
        0,
    );
}

/// Maps a section of the page file at 8000000h with an inherit disposition, writes 5, and lets a child write 6 there.
fn with_view(inherit: u32, expected: u32) {
    check(
        move |c| {
            let zero = N(0);
            c.store(slot(30), 0x1000).store(slot(31), 0);
            c.call("NtCreateSection", &[N(slot(7)), N(ALL), zero, N(slot(30)), N(4), N(0x800_0000), zero]);
            c.store(slot(32), 0x0800_0000).store(slot(33), 0x1000);
            let all = [At(slot(7)), N(SELF), N(slot(32)), zero, zero, zero, N(slot(33)), N(inherit), zero, N(4)];
            c.call("NtMapViewOfSection", &all).store(0x0800_0000, 5).fork(0, 0).child_status();
            // mov eax, [8000000h]; the exit status of a child that has no view is C0000005h.
            c.raw(&[0xa1, 0, 0, 0, 8, 0x03, 0x05]).raw(&BASIC.to_le_bytes());
            c.raw(&[0xa3]).raw(&slot(0).to_le_bytes()).exit_with(slot(0));
        },
        |c| {
            c.store(0x0800_0000, 6).exit(0);
        },
        expected,
    );
}

#[test]
fn views_are_shared_or_left_out() {
    with_view(1, 6);
    with_view(2, 0xc000_000a);
}

/// What `NtCreateProcessEx` says to flags, a section and a debug port; slot 7 is a section of the page file.
#[track_caller]
fn check_refused(flags: u32, section: kernel_support::Arg, port: u32, expected: u32) {
    let zero = N(0);
    let parent = |c: &mut Code| {
        c.store(slot(30), 0x1000).store(slot(31), 0);
        c.call("NtCreateSection", &[N(slot(7)), N(ALL), zero, N(slot(30)), N(4), N(0x800_0000), zero]);
        let all = [N(PROCESS), N(ALL), zero, N(SELF), N(flags), section, N(port), zero, zero];
        c.call_to(slot(0), "NtCreateProcessEx", &all).exit_with(slot(0));
    };
    let child = |c: &mut Code| {
        c.exit(0);
    };
    check(parent, child, expected);
}

#[test]
fn what_cannot_be_made_is_said() {
    check_refused(4, At(slot(7)), 0, 0xc000_0049);
    check_refused(0, N(0x1234), 0, 0xc000_0008);
    check_refused(0, N(SELF), 0, 0xc000_0024);
    check_refused(0, N(0), 0x44, 0xc000_0008);
    check_refused(0x10, N(0), 0, 0xc000_000d);
    check_refused(0, N(0), 0, 0);
}

/// What the system has when a parent waited for so many children, one after the other.
fn after(children: u32) -> (u32, u32, u32, usize, u32, u32) {
    let parent = code(|c| {
        attributes(c, slot(40), 2);
        c.call("NtCreateEvent", &[N(slot(7)), N(ALL), N(slot(40)), N(1), N(0)]);
        c.repeat(children, |c| {
            c.fork(1, 0).child_status().call("NtClose", &[At(PROCESS)]).call("NtClose", &[At(THREAD)]);
        });
        c.wait(slot(7));
    });
    let mut bench = Bench::on(2, &[parent], UserEntries::default());
    let child = code(|c| {
        c.store(slot(100), 1).exit(0);
    });
    bench.add_code(CHILD, &child);
    bench.run_to(&SystemStop::Deadlock);
    let report = bench.system.report();
    assert_eq!(report.processes.len(), children as usize + 1);
    assert!(report.processes[1..].iter().all(|child| child.is_gone && child.exit_status == Some(0)));
    let memory = bench.system.memory();
    (
        memory.frames().available(),
        memory.commit().charged(),
        memory.kernel_pages(),
        memory.spaces().count(),
        report.processes[0].handles,
        report.processes[0].committed,
    )
}

#[test]
fn nothing_is_left_of_children() {
    assert_eq!(after(200), after(1));
}
