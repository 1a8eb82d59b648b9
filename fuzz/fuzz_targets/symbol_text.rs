//! Fuzz target: symbol paths, decorated names, and patterns of names, as people and linkers write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_space::Machine;
use vatlas_symbols::{
    Name, NamePattern,
    store_key::{StoreKey, safe_file_name},
    symbol_path::{PathStyle, is_symbol_path, local_path, parse},
};

fuzz_target!(|text: &str| {
    if text.len() > 5000 {
        return;
    }
    for style in [PathStyle::Windows, PathStyle::Unix] {
        let path = parse("fuzz", text, style);
        assert!(path.problems.iter().all(|problem| !problem.to_string().is_empty()));
        assert!(path.servers().len() <= text.len());
        let _ = local_path(text, style);
    }
    is_symbol_path(text);
    if let Some(name) = safe_file_name(text) {
        assert!(!name.contains(['/', '\\', '\0']) && name != "..", "{name:?} is no name of a file");
    }
    if let Some(key) = StoreKey::of_image(text, 0x49f0_0000, 0x5000) {
        assert!(
            key.parts(true).iter().chain(&key.parts(false)).all(|part| !part.contains(['/', '\\']) && *part != "..")
        );
        key.url("https://symbols.test");
    }
    for machine in [Machine::X86, Machine::X64, Machine::Arm] {
        let name = Name::read(text, machine);
        assert_eq!(name.decorated, text);
        assert!(name.full.len() <= text.len().max(70_000) && !(name.plain.is_empty() && !text.is_empty()), "{name:?}");
        if let Ok(pattern) = NamePattern::parse(text, false) {
            pattern.fits(&name);
            pattern.is_for_module(text);
        }
    }
});
