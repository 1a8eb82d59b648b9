//! Snapshots that somebody made by hand: their checksums fit, their contents do not. They are refused, or are a state
//! that can be asked and run; nothing ends the program.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../machine/tests/guest_support/mod.rs"]
mod guest_support;

use guest_support::{Guest, Machine, TestHost, given};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use vatlas_machine::memory::{PageFileError, PageFileStore};
use vatlas_machine::nt::{System, SystemStop};
use vatlas_machine::state::{Container, SectionKind, SnapshotSystem, write_container};
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::machine_target;

const DATA: [SectionKind; 4] = [SectionKind::About, SectionKind::Computer, SectionKind::Kernel, SectionKind::Files];
const REST: [SectionKind; 3] = [SectionKind::Shape, SectionKind::Memory, SectionKind::PageFiles];

fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

/// A page file that keeps nothing.
struct Nowhere;

impl PageFileStore for Nowhere {
    fn grow(&mut self, _: u32) -> Result<(), PageFileError> {
        Ok(())
    }

    fn read(&self, _: u32, bytes: &mut [u8; 4096]) -> Result<(), PageFileError> {
        bytes.fill(0);
        Ok(())
    }

    fn write(&mut self, _: u32, _: &[u8; 4096]) -> Result<(), PageFileError> {
        Ok(())
    }
}

/// Looks at a system from a snapshot, and runs it. Whether it was refused.
fn use_snapshot(bytes: &[u8]) -> bool {
    let Ok(system) = System::look_at_snapshot(bytes) else { return true };
    let target = machine_target(&Rc::new(system), "test");
    for number in (0..target.processes().len().min(8)).map(ProcessIndex) {
        target.handles(number);
        target.system().unwrap().vads(number);
        target.system().unwrap().resident_pages(number);
    }
    target.system().unwrap().objects();
    let mut make_store = |_| Ok(Box::new(Nowhere) as Box<dyn PageFileStore>);
    let Ok(mut system) = System::resume(bytes, Box::new(TestHost::default()), &mut make_store) else { return true };
    system.run(100_000);
    system.report();
    false
}

/// Panics, refusals and rounds.
fn rounds(count: usize, mut seed: u64) -> (Vec<String>, usize) {
    let programs = given("fixtures/machine/programs", "");
    let machine = Machine { megabytes: 8, processors: 2, page_file: 512 };
    let mut guest = Guest::on(TestHost::default(), programs, machine, ("threads.exe", ""));
    assert_eq!(guest.system.run(350_000), SystemStop::Budget);
    let whole = guest.system.snapshot("threads.exe").unwrap();
    assert!(!use_snapshot(&whole), "as it was written");
    let container = Container::open(&whole).unwrap();
    let all = DATA.into_iter().chain(REST);
    let sections: Vec<_> = all.map(|kind| (kind, container.section(kind).unwrap())).collect();
    let (mut panics, mut refused) = (Vec::new(), 0);
    for round in 0..count {
        let mut sections = sections.clone();
        // Most of what can be wrong is in the kernel's section.
        let section = &mut sections[if round % 2 == 0 { 2 } else { round / 2 % 4 }].1;
        for _ in 0..=next(&mut seed) % 3 {
            let at = next(&mut seed) % section.len();
            match next(&mut seed) % 4 {
                0 => section[at] = next(&mut seed) as u8,
                1 => section[at] ^= 1 << (next(&mut seed) % 8),
                2 => section[at] = section[at].wrapping_add(1),
                _ => section[at] = 0,
            }
        }
        let bytes = write_container(SnapshotSystem::Nt, &sections);
        match catch_unwind(AssertUnwindSafe(|| use_snapshot(&bytes))) {
            Ok(is_refused) => refused += usize::from(is_refused),
            Err(_) => panics.push(format!("round {round}")),
        }
    }
    (panics, refused)
}

#[test]
fn a_snapshot_made_by_hand_never_ends_the_program() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let count = number("VATLAS_CRAFTED", 30) as usize;
    let (panics, refused) = rounds(count, number("VATLAS_CRAFTED_SEED", 11));
    assert!(panics.is_empty(), "{} of {count}: {panics:?}", panics.len());
    assert!(refused > 0 && refused < count, "{refused} of {count} are refused");
}
