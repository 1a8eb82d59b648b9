//! Fuzz target: the reader of Windows CE dumps, with every field that is read on demand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_images::kdmp::Kdmp;

fuzz_target!(|bytes: &[u8]| {
    let Ok(dump) = Kdmp::read(bytes) else { return };
    for table in [&dump.modules.table, &dump.processes.table, &dump.threads.table, &dump.context_table] {
        for element in table.elements(bytes).take(100) {
            element.facts();
        }
    }
    for contexts in dump.contexts.values() {
        contexts.wide(bytes);
    }
    for memory in &dump.memory {
        let end = memory.offset.0 + memory.range.size();
        assert!(end <= bytes.len() as u64, "memory at {} is past the end of the file", memory.range);
    }
});
