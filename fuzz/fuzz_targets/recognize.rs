//! Fuzz target: telling the format of a file, and the polite refusal of all that cannot be opened.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use vatlas_targets::{Format, NoImageFiles, open, recognize};

fuzz_target!(|bytes: &[u8]| {
    let format = recognize(bytes);
    if !matches!(format, Format::Minidump | Format::CeDump | Format::RomBin | Format::RomRaw) {
        let opened = open(Arc::new(bytes.to_vec()), Box::new(NoImageFiles));
        assert!(opened.is_err_and(|problem| !problem.cause.is_empty()), "{format} was opened");
    }
});
