//! Fuzz target: texts that people type or paste: addresses, module lists, names of places in a target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use vatlas_debug::location::locate;
use vatlas_rules::{PlaceFacts, module_list, parse_address, place};
use vatlas_space::{LayoutChoice, LayoutName, Process, Target};
use vatlas_targets::{MinidumpTarget, NoImageFiles};

/// A dump with modules, registers and a crash: one of the fixtures.
static DEMO: LazyLock<Vec<u8>> = LazyLock::new(|| include_bytes!("../../fixtures/minidump/demo.dmp").to_vec());

fuzz_target!(|text: &str| {
    if text.len() > 1000 {
        return;
    }
    for name in LayoutName::ALL {
        if let Ok(parsed) = parse_address(text, name) {
            let place = place(parsed.va, LayoutChoice::usual(name), &PlaceFacts::default());
            assert!(place.area.range.contains(parsed.va), "{name}: {} lies in {}", parsed.va, place.area.range);
        }
    }
    module_list::parse(text);
    let target = MinidumpTarget::open(Arc::new(&**DEMO), Box::new(NoImageFiles)).expect("a fixture opens");
    let process: &Process = &target.processes()[0];
    if let Err(error) = locate(&target, process, None, text) {
        assert!(!error.to_string().is_empty());
    }
});
