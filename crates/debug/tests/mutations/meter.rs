//! The memory that a piece of code asks for: an allocator that counts, for the thread that is measured.
//!
//! Counters belong to a thread, so that tests which run at the same time do not disturb one another.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// What one piece of code asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// Most bytes in use at one moment, beyond those in use before.
    pub peak: usize,
    /// Bytes of the largest single request.
    pub largest: usize,
}

#[derive(Clone, Copy)]
struct Counters {
    /// May fall below zero: what another thread allocated is freed here.
    live: isize,
    peak: isize,
    largest: usize,
}

thread_local! {
    static COUNTERS: Cell<Counters> = const { Cell::new(Counters { live: 0, peak: 0, largest: 0 }) };
}

/// Runs `work` and tells what memory it took.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Memory) {
    let before = COUNTERS.get().live;
    COUNTERS.set(Counters { live: before, peak: before, largest: 0 });
    let result = work();
    let after = COUNTERS.get();
    (result, Memory { peak: usize::try_from(after.peak - before).unwrap_or(0), largest: after.largest })
}

struct Meter;

#[global_allocator]
static METER: Meter = Meter;

fn count(allocated: usize, freed: usize) {
    // During the end of a thread its counters may be gone; nobody asks for them any more.
    let _ = COUNTERS.try_with(|counters| {
        let mut now = counters.get();
        // While a block moves, the old and the new one both exist.
        now.live += allocated as isize;
        now.peak = now.peak.max(now.live);
        now.live -= freed as isize;
        now.largest = now.largest.max(allocated);
        counters.set(now);
    });
}

// SAFETY: every call is handed to the system's allocator unchanged, and its answer handed back. Counting allocates
// nothing (the counters are plain numbers in static thread-local storage without a destructor) and cannot panic.
// An allocator is the only way to see what is asked for and given back before the code under test returns.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above; `block` came from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as above; `block` came from `System`.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[test]
fn the_meter_sees_peaks_and_requests() {
    let (kept, memory) = measure(|| {
        drop(vec![0_u8; 3000]);
        let mut kept = vec![1_u8; 1000];
        kept.reserve_exact(1500);
        kept
    });
    assert_eq!(memory, Memory { peak: 1000 + 2500, largest: 3000 });
    assert_eq!(measure(|| drop(kept)).1, Memory::default());
}
