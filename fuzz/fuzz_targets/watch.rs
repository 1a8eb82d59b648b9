//! Fuzz target: watch expressions: what was read is written again, and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_debug::watch::parse;

/// Names that are those of types: the grammar has to ask.
fn is_type(name: &str) -> bool {
    name.starts_with(['T', '_'])
}

fuzz_target!(|text: &str| {
    let watch = match parse(text, &is_type) {
        Ok(watch) => watch,
        Err(error) => {
            assert!(!error.message.is_empty() && error.column(text) <= text.chars().count() + 1, "{error:?}");
            // What is missing at the end is one place behind it.
            return assert!(error.span.start <= error.span.end && error.span.end <= text.len() + 1, "{error:?}");
        }
    };
    let written = watch.to_string();
    match parse(&written, &is_type) {
        Ok(again) => assert_eq!(again.to_string(), written, "{text:?}"),
        // Brackets that say what binds first make it longer and deeper than what was typed, maybe beyond the limits.
        Err(error) if ["nested deeper than", "longer than"].iter().any(|limit| error.message.contains(limit)) => {}
        Err(error) => panic!("{text:?} is written as {written:?}, which is no expression: {error}"),
    }
});
