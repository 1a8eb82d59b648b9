//! The scheduler: turns, priorities, processors; and the same turns every time.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::{At, N};
use kernel_support::{Bench, Code, DATA, code};
use vatlas_machine::nt::{SystemStop, UserEntries};

const fn slot(number: u32) -> u32 {
    DATA + 4 * number
}

const THREAD: u32 = 0xffff_fffe;

/// Counts for ever.
fn counter(at: u32) -> Code {
    code(|c| {
        // again: inc dword [at]; jmp again
        c.count(at).raw(&[0xeb, 0xf8]);
    })
}

impl Code {
    fn priority(&mut self, increment: i32) -> &mut Self {
        self.store(slot(60), increment as u32);
        self.call("NtSetInformationThread", &[N(THREAD), N(3), N(slot(60)), N(4)])
    }
}

#[test]
fn equals_take_turns() {
    let mut bench = Bench::new(&[counter(slot(0)), counter(slot(1)), counter(slot(2))]);
    bench.run_to(&SystemStop::Budget);
    let counts = [0, 1, 2].map(|number| bench.get(slot(number)));
    // 5 million instructions are 31 ticks and a bit; a quantum is six.
    assert!(counts.iter().all(|count| *count > 500_000), "{counts:?}");
    assert_eq!(counts.iter().sum::<u32>(), 2_500_000);
    let report = bench.system.report();
    assert_eq!((report.ticks, report.context_switches), (31, 6));
    let threads = bench.system.threads();
    assert_eq!(threads.iter().map(|thread| thread.switches).sum::<u32>(), 6);
}

#[test]
fn the_higher_priority_runs() {
    let high = code(|c| {
        c.priority(1).raw(&counter(slot(0)).bytes);
    });
    let mut bench = Bench::new(&[counter(slot(1)), high]);
    bench.run_to(&SystemStop::Budget);
    // The first one has its first quantum, then no more: nobody starves before 4 s.
    assert!(bench.get(slot(1)) < 500_000 && bench.get(slot(0)) > 1_500_000);
    let before = bench.get(slot(1));
    bench.run_for(50_000_000);
    assert!(bench.get(slot(1)) > before + 400_000, "the balance set manager helps it");
}

#[test]
fn a_woken_thread_preempts() {
    // It sleeps for 20 ms, thirty times, beside one that counts.
    let sleeper = code(|c| {
        c.store(slot(8), (-200_000_i32) as u32).store(slot(9), u32::MAX).priority(2);
        c.repeat(30, |c| {
            c.call("NtDelayExecution", &[N(0), N(slot(8))]).count(slot(0));
        });
        c.exit(0);
    });
    let mut bench = Bench::new(&[sleeper, counter(slot(1))]);
    assert_eq!(bench.system.run(20_000_000), SystemStop::Exited { status: 0 });
    assert_eq!(bench.get_gone(), 30);
    let report = bench.system.report();
    // Two ticks a turn.
    assert!((58..=62).contains(&report.ticks), "{}", report.ticks);
    assert!(report.context_switches >= 60);
}

impl Bench {
    /// How often `NtDelayExecution` was called, when memory is gone with the process.
    fn get_gone(&self) -> u64 {
        let services = self.system.report().services;
        services.iter().find(|(name, _)| *name == "NtDelayExecution").map_or(0, |(_, count)| *count)
    }
}

#[test]
fn two_processors_run_two_threads() {
    let mut bench = Bench::on(2, &[counter(slot(0)), counter(slot(1))], UserEntries::default());
    bench.run_to(&SystemStop::Budget);
    let counts = [0, 1].map(|number| bench.get(slot(number)));
    assert_eq!(counts, [1_250_000, 1_250_000]);
    assert_eq!(bench.system.report().context_switches, 2);
    // A thread that may run on one processor only stays there.
    let bound = code(|c| {
        c.store(slot(60), 1).call_to(slot(61), "NtSetInformationThread", &[N(THREAD), N(4), N(slot(60)), N(4)]);
        c.raw(&counter(slot(0)).bytes);
    });
    let also = code(|c| {
        c.store(slot(62), 1).call_to(slot(61), "NtSetInformationThread", &[N(THREAD), N(4), N(slot(62)), N(4)]);
        c.raw(&counter(slot(1)).bytes);
    });
    let mut bench = Bench::on(2, &[bound, also], UserEntries::default());
    bench.run_to(&SystemStop::Budget);
    assert!([0, 1].iter().all(|number| bench.get(slot(*number)) > 800_000));
    assert_eq!(bench.get(slot(61)), 0);
    assert!(bench.system.report().context_switches >= 5);
}

#[test]
fn suspended_threads_wait() {
    let main = code(|c| {
        c.store(slot(8), (-1_000_000_i32) as u32).store(slot(9), u32::MAX);
        c.call("NtDelayExecution", &[N(0), N(slot(8))]);
        c.call_to(slot(10), "NtSuspendThread", &[At(slot(0)), N(slot(11))]);
        // mov eax, [slot 1]; mov [slot 12], eax
        c.raw(&[0xa1]).raw(&slot(1).to_le_bytes()).raw(&[0xa3]).raw(&slot(12).to_le_bytes());
        c.call("NtDelayExecution", &[N(0), N(slot(8))]);
        c.raw(&[0xa1]).raw(&slot(1).to_le_bytes()).raw(&[0xa3]).raw(&slot(13).to_le_bytes());
        c.call_to(slot(14), "NtResumeThread", &[At(slot(0)), N(slot(15))]);
        c.call("NtDelayExecution", &[N(0), N(slot(8))]);
        c.raw(&[0xa1]).raw(&slot(1).to_le_bytes()).raw(&[0xa3]).raw(&slot(16).to_le_bytes());
        // For ever, so that memory can be looked at.
        c.raw(&[0xeb, 0xfe]);
    });
    let other = code(|c| {
        let all = [N(u32::MAX), N(THREAD), N(u32::MAX), N(slot(0)), N(0), N(0), N(2)];
        c.call("NtDuplicateObject", &all).raw(&counter(slot(1)).bytes);
    });
    let mut bench = Bench::new(&[main, other]);
    bench.run_to(&SystemStop::Budget);
    assert_eq!([10, 11, 14, 15].map(|number| bench.get(slot(number))), [0, 0, 0, 1]);
    let counts = [12, 13, 16].map(|number| bench.get(slot(number)));
    assert!(counts[0] > 0 && counts[0] == counts[1] && counts[2] > counts[1], "{counts:?}");
}

#[test]
fn floating_point_belongs_to_the_thread() {
    // fld1 or fldz, then for ever: fld st(0); fistp dword [at]; compared with what it must be.
    let thread = |load: u8, expected: u8, at: u32| {
        code(|c| {
            c.raw(&[0xd9, load]);
            let start = c.bytes.len();
            c.raw(&[0xd9, 0xc0, 0xdb, 0x1d]).raw(&at.to_le_bytes());
            c.raw(&[0x83, 0x3d]).raw(&at.to_le_bytes()).raw(&[expected]);
            // je again; int3
            let back = start as i32 - (c.bytes.len() as i32 + 2);
            c.raw(&[0x74, back as u8, 0xcc]);
        })
    };
    let mut bench = Bench::new(&[thread(0xe8, 1, slot(0)), thread(0xee, 0, slot(1))]);
    bench.run_to(&SystemStop::Budget);
    assert!(bench.system.report().context_switches > 4);
}

#[test]
fn the_same_state_every_time_and_in_any_pieces() {
    let program = |processors| {
        let main = code(|c| {
            c.store(slot(8), (-200_000_i32) as u32).store(slot(9), u32::MAX);
            c.call("NtCreateSemaphore", &[N(slot(0)), N(0x1f_0003), N(0), N(0), N(1000)]);
            c.repeat(40, |c| {
                c.call("NtDelayExecution", &[N(0), N(slot(8))]);
                c.call("NtReleaseSemaphore", &[At(slot(0)), N(2), N(0)]);
            });
            c.raw(&[0xeb, 0xfe]);
        });
        let taker = |at| {
            code(|c| {
                c.call("NtYieldExecution", &[]);
                let body = code(|c| {
                    c.call("NtWaitForSingleObject", &[At(slot(0)), N(0), N(0)]).count(at);
                });
                c.raw(&body.bytes);
                c.raw(&[0xe9]).raw(&(-(body.bytes.len() as i32) - 5).to_le_bytes());
            })
        };
        Bench::on(processors, &[main, taker(slot(1)), taker(slot(2)), counter(slot(3))], UserEntries::default())
    };
    for processors in [1, 3] {
        let whole = {
            let mut bench = program(processors);
            assert_eq!(bench.system.run(6_000_000), SystemStop::Budget);
            assert_eq!(bench.system.instructions(), 6_000_000);
            assert!(bench.get(slot(1)) > 0 && bench.get(slot(2)) > 0);
            bench.system.state_hash()
        };
        let mut bench = program(processors);
        for piece in [1, 2, 3, 999, 1_000_000, 1_234_567, 6_000_000] {
            let left = 6_000_000 - bench.system.instructions();
            assert_eq!(bench.system.run(piece.min(left)), SystemStop::Budget);
        }
        assert_eq!(bench.system.state_hash(), whole, "{processors} processors");
        bench.system.run(1);
        assert_ne!(bench.system.state_hash(), whole);
    }
}

#[test]
fn a_thread_made_by_the_program_runs_when_it_is_resumed() {
    // CONTEXT at slot 100, INITIAL_TEB at slot 80, the new thread's code behind the first.
    let (context, stack, start) = (slot(100), DATA + 0x1800, 0x0041_0000);
    let main = code(|c| {
        c.store(context, 0x1_0007).store(context + 0xb8, start).store(context + 0xc4, stack).store(context + 0xa4, 77);
        c.store(context + 0x98, 0x23).store(context + 0x94, 0x23).store(context + 0x90, 0x3b);
        c.store(slot(82), stack).store(slot(83), DATA).store(slot(84), DATA);
        let arguments = [N(slot(0)), N(0x1f_03ff), N(0), N(u32::MAX), N(slot(2)), N(context), N(slot(80)), N(1)];
        c.call_to(slot(1), "NtCreateThread", &arguments);
        c.store(slot(8), (-1_000_000_i32) as u32).store(slot(9), u32::MAX);
        c.call("NtDelayExecution", &[N(0), N(slot(8))]);
        c.raw(&[0xa1]).raw(&slot(20).to_le_bytes()).raw(&[0xa3]).raw(&slot(21).to_le_bytes());
        c.call_to(slot(4), "NtResumeThread", &[At(slot(0)), N(slot(5))]);
        c.call_to(slot(6), "NtWaitForSingleObject", &[At(slot(0)), N(0), N(0)]);
        c.call("NtQueryInformationThread", &[At(slot(0)), N(0), N(slot(40)), N(28), N(0)]);
        c.call("NtWaitForSingleObject", &[N(THREAD), N(0), N(0)]);
    });
    let other = code(|c| {
        // mov [slot 20], ebx; mov eax, fs:[24h]; mov [slot 22], eax
        c.raw(&[0x89, 0x1d]).raw(&slot(20).to_le_bytes());
        c.raw(&[0x64, 0xa1, 0x24, 0, 0, 0, 0xa3]).raw(&slot(22).to_le_bytes()).exit_thread(5);
    });
    let mut bench = Bench::new(&[main]);
    bench.add_code(start, &other);
    bench.run_to(&SystemStop::Deadlock);
    assert_eq!([1, 4, 5, 6].map(|number| bench.get(slot(number))), [0, 0, 1, 0]);
    assert_eq!((bench.get(slot(21)), bench.get(slot(20))), (0, 77), "only after it was resumed");
    assert_eq!(bench.get(slot(22)), bench.get(slot(3)), "its id in the TEB and for the maker");
    assert_eq!(bench.get(slot(40)), 5);
}
