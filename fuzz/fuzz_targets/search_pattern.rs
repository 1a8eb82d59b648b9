//! Fuzz target: search patterns, as people type them, run over the memory of a fixture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{
    ops::ControlFlow,
    sync::{Arc, LazyLock},
};
use vatlas_debug::{
    search::{Pattern, SearchOptions, search},
    usage_index::UsageIndex,
};
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::{MinidumpTarget, NoImageFiles};

/// A dump of both widths.
static WOW64: LazyLock<Vec<u8>> = LazyLock::new(|| include_bytes!("../../fixtures/minidump/wow64.dmp").to_vec());

fuzz_target!(|text: &str| {
    if text.len() > 1000 {
        return;
    }
    let target = MinidumpTarget::open(Arc::new(&**WOW64), Box::new(NoImageFiles)).expect("a fixture opens");
    let index = UsageIndex::new(&target, ProcessIndex(0)).expect("a fixture has a process");
    let pattern = match Pattern::parse_for(text, &target.processes()[0]) {
        Ok(pattern) => pattern,
        Err(error) => return assert!(error.column <= text.chars().count() + 1, "{error}"),
    };
    let mut most = 200;
    let mut found = |found: &vatlas_debug::search::Match<'_>| {
        assert!(found.length > 0 && found.length <= pattern.longest());
        most -= 1;
        if most == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    search(&index, &pattern, &SearchOptions::default(), &mut found, &mut |_| {});
});
