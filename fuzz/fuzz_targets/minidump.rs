//! Fuzz target: the reader of minidumps, with the lists that are read on demand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_images::minidump::Minidump;

fuzz_target!(|bytes: &[u8]| {
    let Ok(dump) = Minidump::read(bytes) else { return };
    dump.handles(bytes);
    for thread in &dump.threads {
        dump.wide_registers(bytes, thread.id);
    }
    for memory in &dump.memory {
        let end = memory.offset.0 + memory.range.size();
        assert!(end <= bytes.len() as u64, "memory at {} is past the end of the file", memory.range);
    }
});
