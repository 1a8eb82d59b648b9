//! What an idle process keeps of the host's memory.
#![allow(clippy::unwrap_used, reason = "tests may fail by panic")]

mod guest_support;

use guest_support::{Guest, Machine};
use vatlas_fixtures::meter::Meter;

#[global_allocator]
static METER: Meter = Meter;

#[test]
fn an_idle_process_takes_less_than_100_kb_beside_its_pages() {
    let mut guest = Guest::new(Machine { megabytes: 128, ..Machine::default() }, "instances.exe", "2");
    let bytes = guest.bytes_of_idle_processes(16) / 16;
    assert!((1_000..100_000).contains(&bytes), "{bytes} bytes");
}
