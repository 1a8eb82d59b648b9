//! Threads that wait for each other: events, mutants, semaphores, timers, time.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::{At, N};
use kernel_support::{Bench, Code, DATA, code};
use vatlas_machine::nt::SystemStop;

/// Double words of the test, by number: handles and results below 64, times above.
const fn slot(number: u32) -> u32 {
    DATA + 4 * number
}

const TIMEOUT: u32 = 0x102;
const ABANDONED: u32 = 0x80;
/// Where a relative time of so many milliseconds is put.
const TIME: u32 = DATA + 0x100;

impl Code {
    /// Puts a time from now on to [`TIME`] plus an offset.
    fn time(&mut self, offset: u32, milliseconds: i64) -> &mut Self {
        let units = (-milliseconds * 10_000) as u64;
        self.store(TIME + offset, units as u32).store(TIME + offset + 4, (units >> 32) as u32)
    }

    fn sleep(&mut self, milliseconds: i64) -> &mut Self {
        self.time(0x80, milliseconds).call("NtDelayExecution", &[N(0), N(TIME + 0x80)])
    }

    fn wait(&mut self, to: u32, handle: u32) -> &mut Self {
        self.call_to(to, "NtWaitForSingleObject", &[At(handle), N(0), N(0)])
    }

    /// Waits for itself, for ever.
    fn park(&mut self) -> &mut Self {
        self.call("NtWaitForSingleObject", &[N(0xffff_fffe), N(0), N(0)])
    }

    fn event(&mut self, to: u32, kind: u32) -> &mut Self {
        self.call("NtCreateEvent", &[N(to), N(0x1f_0003), N(0), N(kind), N(0)])
    }
}

#[test]
fn a_program_ends_with_its_status() {
    let mut bench = Bench::new(&[code(|c| {
        c.exit(42);
    })]);
    assert_eq!(bench.run(), 42);
    let report = bench.system.report();
    assert_eq!(report.services, [("NtTerminateProcess", 1)]);
    assert!(report.processes[0].is_gone);
    bench.run_to(&SystemStop::Deadlock);
}

#[test]
fn events() {
    let waiter = |done: u32| {
        code(|c| {
            c.sleep(1).wait(slot(10 + done), slot(0)).store(slot(20 + done), 1).exit_thread(0);
        })
    };
    // A notification event wakes both, a synchronization event one.
    for (kind, woken) in [(0, [1, 1]), (1, [1, 0])] {
        let setter = code(|c| {
            c.event(slot(0), kind).sleep(100);
            c.call_to(slot(1), "NtSetEvent", &[At(slot(0)), N(slot(2))]).sleep(100);
            c.call("NtQueryEvent", &[At(slot(0)), N(0), N(slot(4)), N(8), N(0)]).park();
        });
        let mut bench = Bench::new(&[setter, waiter(0), waiter(1)]);
        bench.run_to(&SystemStop::Deadlock);
        assert_eq!([bench.get(slot(20)), bench.get(slot(21))], woken);
        assert_eq!((bench.get(slot(1)), bench.get(slot(2)), bench.get(slot(10))), (0, 0, 0));
        assert_eq!((bench.get(slot(4)), bench.get(slot(5))), (kind, 1 - kind));
    }
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let mut bench = Bench::new(&[code(|c| {
        c.event(slot(0), 0).time(0, 1000);
        c.call_to(slot(1), "NtWaitForSingleObject", &[At(slot(0)), N(0), N(TIME)]).park();
    })]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!(bench.get(slot(1)), TIMEOUT);
    // Nobody worked meanwhile: the clock jumped.
    let report = bench.system.report();
    assert!((10_000_000..10_300_000).contains(&report.idle), "{}", report.idle);
    assert!(report.instructions < 1000);
    // 64 ticks are a second; it began a little after one.
    assert_eq!(report.ticks, 65);
}

#[test]
fn a_mutant_has_one_owner_and_can_be_abandoned() {
    let owner = code(|c| {
        c.call("NtCreateMutant", &[N(slot(0)), N(0x1f_0001), N(0), N(1)]);
        c.wait(slot(1), slot(0)).sleep(100);
        c.call_to(slot(2), "NtReleaseMutant", &[At(slot(0)), N(slot(3))]);
        c.sleep(50).exit_thread(0);
    });
    let other = code(|c| {
        c.sleep(50).call_to(slot(4), "NtReleaseMutant", &[At(slot(0)), N(0)]);
        c.wait(slot(5), slot(0)).park();
    });
    let mut bench = Bench::new(&[owner, other]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!((bench.get(slot(1)), bench.get(slot(2))), (0, 0));
    assert_eq!(bench.get(slot(3)) as i32, -1, "it was taken twice");
    assert_eq!(bench.get(slot(4)), 0xc000_0046);
    assert_eq!(bench.get(slot(5)), ABANDONED);
}

#[test]
fn a_semaphore_lets_so_many_pass() {
    let main = code(|c| {
        c.call("NtCreateSemaphore", &[N(slot(0)), N(0x1f_0003), N(0), N(2), N(3)]);
        c.sleep(100);
        c.call_to(slot(1), "NtReleaseSemaphore", &[At(slot(0)), N(4), N(0)]);
        c.call_to(slot(2), "NtReleaseSemaphore", &[At(slot(0)), N(1), N(slot(3))]);
        c.sleep(100).park();
    });
    let passing = code(|c| {
        c.sleep(1).wait(slot(10), slot(0)).count(slot(11)).exit_thread(0);
    });
    let mut bench = Bench::new(&[main, passing.clone(), passing.clone(), passing.clone(), passing]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!((bench.get(slot(1)), bench.get(slot(2)), bench.get(slot(3))), (0xc000_0047, 0, 0));
    assert_eq!(bench.get(slot(11)), 3);
}

#[test]
fn waits_for_any_and_for_all() {
    let main = code(|c| {
        c.event(slot(0), 1).event(slot(1), 1).event(slot(2), 1);
        c.call_to(slot(10), "NtWaitForMultipleObjects", &[N(3), N(slot(0)), N(1), N(0), N(0)]);
        c.call_to(slot(11), "NtWaitForMultipleObjects", &[N(3), N(slot(0)), N(0), N(0), N(0)]);
        c.time(0, 10);
        c.call_to(slot(12), "NtWaitForMultipleObjects", &[N(3), N(slot(0)), N(0), N(0), N(TIME)]);
        c.call_to(slot(13), "NtWaitForMultipleObjects", &[N(65), N(slot(0)), N(0), N(0), N(0)]);
        c.call_to(slot(14), "NtWaitForMultipleObjects", &[N(2), N(0x10), N(0), N(0), N(0)]).park();
    });
    let setter = code(|c| {
        for number in [2, 0, 1, 2] {
            c.sleep(50).call("NtSetEvent", &[At(slot(number)), N(0)]).count(slot(20));
        }
        c.exit_thread(0);
    });
    let mut bench = Bench::new(&[main, setter]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!((bench.get(slot(10)), bench.get(slot(11)), bench.get(slot(12))), (2, 0, TIMEOUT));
    assert_eq!((bench.get(slot(13)), bench.get(slot(14))), (0xc000_00ef, 0xc000_0005));
    assert_eq!(bench.get(slot(20)), 4, "all four were needed");
}

#[test]
fn timers_fire_once_or_again_and_again() {
    let main = code(|c| {
        c.call("NtCreateTimer", &[N(slot(0)), N(0x1f_0003), N(0), N(1)]).time(0, 20);
        c.call_to(slot(1), "NtSetTimer", &[At(slot(0)), N(TIME), N(0), N(0), N(0), N(30), N(0)]);
        c.repeat(4, |c| {
            c.wait(slot(2), slot(0)).count(slot(3));
        });
        c.call_to(slot(4), "NtCancelTimer", &[At(slot(0)), N(0)]).time(0, 500);
        c.call_to(slot(5), "NtWaitForSingleObject", &[At(slot(0)), N(0), N(TIME)]).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!([1, 2, 3, 4, 5].map(|number| bench.get(slot(number))), [0, 0, 4, 0, TIMEOUT]);
}

#[test]
fn a_thread_and_a_process_are_waited_for() {
    let main = code(|c| {
        // The other thread's handle comes from itself.
        c.sleep(1).wait(slot(1), slot(0));
        c.call_to(slot(3), "NtQueryInformationThread", &[At(slot(0)), N(0), N(slot(40)), N(28), N(0)]);
        c.park();
    });
    let other = code(|c| {
        let current = N(0xffff_fffe);
        c.call("NtDuplicateObject", &[N(u32::MAX), current, N(u32::MAX), N(slot(0)), N(0), N(0), N(2)]);
        c.sleep(500).exit_thread(77);
    });
    let mut bench = Bench::new(&[main, other]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!((bench.get(slot(1)), bench.get(slot(3)), bench.get(slot(40))), (0, 0, 77));
}

#[test]
fn keyed_events_bring_two_together() {
    let main = code(|c| {
        c.call("NtCreateKeyedEvent", &[N(slot(0)), N(0xf_0003), N(0), N(0)]);
        c.call_to(slot(1), "NtWaitForKeyedEvent", &[At(slot(0)), N(0x1000), N(0), N(0)]);
        c.call_to(slot(2), "NtReleaseKeyedEvent", &[At(slot(0)), N(0x2000), N(0), N(0)]);
        c.time(0, 10).call_to(slot(3), "NtWaitForKeyedEvent", &[At(slot(0)), N(0x1000), N(0), N(TIME)]);
        c.call_to(slot(4), "NtWaitForKeyedEvent", &[At(slot(0)), N(0x1001), N(0), N(0)]).park();
    });
    let other = code(|c| {
        c.sleep(50).call_to(slot(5), "NtReleaseKeyedEvent", &[At(slot(0)), N(0x1000), N(0), N(0)]);
        c.call_to(slot(6), "NtWaitForKeyedEvent", &[At(slot(0)), N(0x2000), N(0), N(0)]).exit_thread(0);
    });
    let mut bench = Bench::new(&[main, other]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!([1, 2, 3, 4, 5, 6].map(|number| bench.get(slot(number))), [0, 0, TIMEOUT, 0xc000_00ef, 0, 0]);
}

#[test]
fn named_objects_are_found_by_name() {
    let name: Vec<u8> = "\\BaseNamedObjects\\Bell".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let main = code(|c| {
        for (place, bytes) in (DATA + 0x300..).step_by(4).zip(name.chunks(4)) {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            c.store(place, u32::from_le_bytes(word));
        }
        c.store(DATA + 0x200, name.len() as u32 | 0x100 << 16).store(DATA + 0x204, DATA + 0x300);
        c.store(DATA + 0x210, 0x18).store(DATA + 0x218, DATA + 0x200);
        let attributes = N(DATA + 0x210);
        c.call_to(slot(10), "NtOpenEvent", &[N(slot(0)), N(3), attributes]);
        c.call_to(slot(11), "NtCreateEvent", &[N(slot(0)), N(3), attributes, N(0), N(0)]);
        c.call_to(slot(12), "NtCreateEvent", &[N(slot(1)), N(3), attributes, N(0), N(0)]);
        c.call_to(slot(13), "NtOpenMutant", &[N(slot(1)), N(3), attributes]);
        c.call_to(slot(14), "NtOpenEvent", &[N(slot(1)), N(3), attributes]);
        c.call("NtSetEvent", &[At(slot(1)), N(0)]).wait(slot(15), slot(0));
        c.store(DATA + 0x21c, 0x80);
        c.call_to(slot(16), "NtCreateEvent", &[N(slot(2)), N(3), attributes, N(0), N(0)]);
        for handle in 0..3 {
            c.call("NtClose", &[At(slot(handle))]);
        }
        c.call_to(slot(17), "NtOpenEvent", &[N(slot(0)), N(3), attributes]);
        c.call_to(slot(18), "NtClose", &[N(0x1230)]).park();
    });
    let mut bench = Bench::new(&[main]);
    bench.run_to(&SystemStop::Deadlock);
    let results = std::array::from_fn(|number| bench.get(slot(10 + number as u32)));
    let expected = [0xc000_0034, 0, 0xc000_0035, 0xc000_0024, 0, 0, 0x4000_0000, 0xc000_0034, 0xc000_0008];
    assert_eq!(results, expected, "{results:x?}");
}

#[test]
fn everybody_waits_for_ever() {
    let mut bench = Bench::new(&[code(|c| {
        c.event(slot(0), 0).wait(slot(1), slot(0));
    })]);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!(bench.system.threads()[0].state, vatlas_machine::nt::ThreadState::Waiting);
}
