//! Fuzz target: crash text of Windows CE, in pieces of any size, and the explanation of every crash in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_debug::{
    ce_crash::{CrashContext, CrashGroups},
    symbol_provider::NoSymbols,
};
use vatlas_images::ce_log::{LogItem, LogParser};
use vatlas_rules::ModuleList;

fuzz_target!(|bytes: &[u8]| {
    let (size, text) = bytes.split_first().map_or((&0, bytes), |(size, text)| (size, text));
    let mut parser = LogParser::new();
    let mut groups = CrashGroups::default();
    let list = ModuleList::default();
    let context = CrashContext { layout: None, list: &list, rom: None, symbols: &NoSymbols };
    let mut take = |parser: &mut LogParser| {
        for item in parser.take() {
            match item {
                LogItem::Crash(crash) => {
                    assert!(crash.place.first <= crash.place.end);
                    groups.add(&crash, &context);
                }
                LogItem::Note(note, _) => groups.note(&note),
                _ => {}
            }
        }
    };
    for piece in text.chunks(usize::from(*size) + 1) {
        parser.push(piece);
        if piece.len() % 5 == 0 {
            parser.settle();
        }
        take(&mut parser);
    }
    parser.finish();
    take(&mut parser);
    groups.explain_again(&context);
});
