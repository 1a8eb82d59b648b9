//! Fuzz target: a dump opened as a target, and the questions that people ask about it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{ops::ControlFlow, sync::Arc};
use vatlas_debug::{
    crash::crash,
    explain::explain,
    location::{Location, locate},
    map::{map, summary},
    picture::{square::Square, strip::Strip},
    refs::{Around, Pointee, RefsOptions, references},
    usage_index::UsageIndex,
};
use vatlas_space::{Module, ProcessIndex, Target, Va};
use vatlas_targets::{FileBytes, ImageFile, ImageFiles, open};

/// The front of the input is offered as the image of every module.
struct Offered(FileBytes);

impl ImageFiles for Offered {
    fn candidates(&self, _module: &Module) -> Vec<ImageFile> {
        vec![ImageFile { name: "offered".to_owned(), bytes: FileBytes::clone(&self.0) }]
    }
}

fuzz_target!(|input: &[u8]| {
    let bytes: FileBytes = Arc::new(input.to_vec());
    let image: FileBytes = Arc::new(image(input).to_vec());
    let Ok(target) = open(bytes, Box::new(Offered(image))) else { return };
    crash(&*target);
    let Some(index) = UsageIndex::new(&*target, ProcessIndex(0)) else { return };
    ask(&*target, &index);
});

/// Bytes from the first `MZ` on: a dump with images in its memory brings some along.
fn image(input: &[u8]) -> &[u8] {
    input.windows(2).position(|pair| pair == b"MZ").map_or(&[], |at| &input[at..])
}

fn ask(target: &dyn Target, index: &UsageIndex<'_>) {
    let rows = map(index);
    summary(&rows);
    Strip::new(&rows, index.space().range(), 32, 4);
    Square::new(&rows, index.space().range(), 4);
    let named = ["crash", "pc", "sp", "greeter.exe+10"];
    let named = named.iter().filter_map(|name| locate(target, index.process(), None, name).ok());
    let ends = rows.iter().take(64).flat_map(|row| [row.range.first(), row.range.last()]);
    let plain = ends.chain([Va(u64::MAX), Va(0x7ffe_0000)]);
    let plain = plain.map(|va| Location { va, steps: Vec::new(), warning: None });
    for location in named.chain(plain) {
        let answer = explain(target, index, &location);
        assert!(answer.region.range.contains(location.va) && answer.backing.range.contains(location.va));
        assert!(answer.usage_range.contains(location.va), "{} {}", location.va, answer.usage_range);
    }
    let pointee = Pointee::around(index, rows[rows.len() / 2].range.first(), Around::Usage);
    let options = RefsOptions { unaligned: true, image_files: true };
    references(target, index, &pointee, &options, &mut |_| ControlFlow::Continue(()), &mut |_| {});
}
