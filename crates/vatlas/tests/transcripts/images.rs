//! `--images`: bytes of modules that the dump does not hold, from files that are the same images.

use crate::{
    json::document,
    run::{stderr, stdout, vatlas},
    world::{fixtures, world},
};
use serde_json::Value;
use std::path::Path;
use vatlas_fixtures::minidump::{Arch, Arm, Context, Minidump, Module, Thread};

/// Time stamp and size of `helpers.dll`, and where it wants to be.
const STAMP: u32 = 0x49f0_1000;
const SIZE: u32 = 0x5000;
const BASE: u64 = 0x1000_0000;
/// Where `.text` begins, in memory and in the file, and its bytes.
const TEXT: (u64, usize, usize) = (0x1000, 0x400, 0x3f);
/// Where `.text` holds the address of a variable, and that variable.
const FIXUP: (usize, u32) = (6, 0x3000);

/// Writes a dump that knows of `helpers.dll` and holds none of its bytes.
fn write(folder: &Path, base: u64, size: u32, stamp: u32) {
    let module = Module::new(base, size, "C:\\Program Files\\Greeter\\HELPERS.dll").timestamp(stamp);
    let dump = Minidump::new(Arch::X86).module(module).write();
    std::fs::write(folder.join("bare.dmp"), dump).expect("a written file");
}

/// `.text` as the loader would have it at a base.
fn text_at(base: u64) -> Vec<u8> {
    let (_, offset, size) = TEXT;
    let file = std::fs::read(fixtures().join("images/helpers.dll")).expect("the image");
    let mut text = file[offset..offset + size].to_vec();
    let (at, variable) = FIXUP;
    assert_eq!(text[at..at + 4], (BASE as u32 + variable).to_le_bytes(), "what the relocation corrects");
    text[at..at + 4].copy_from_slice(&(base as u32 + variable).to_le_bytes());
    text
}

#[test]
fn bytes_come_from_the_file_and_are_relocated() {
    for base in [BASE, 0x2345_0000] {
        let folder = world();
        write(folder.path(), base, SIZE, STAMP);
        let line = "read bare.dmp helpers+1000 0x3f --raw --images images";
        let output = vatlas(folder.path(), line);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(output.stdout, text_at(base), "base {base:#x}");
        let memory = &document(folder.path(), "memory bare.dmp helpers+1000 16 --images images")["answer"];
        let file = memory["from_image_files"][0]["file"].as_str().expect("a file");
        assert!(file.ends_with("helpers.dll"), "{file}");
        assert_eq!(memory["holes"], Value::Array(Vec::new()));
    }
}

#[test]
fn the_answer_says_where_the_bytes_come_from() {
    let folder = world();
    write(folder.path(), BASE, SIZE, STAMP);
    let text = stdout(&vatlas(folder.path(), "explain bare.dmp helpers+1019 --images images"));
    let path = Path::new("images").join("helpers.dll");
    let path = path.display();
    for phrase in [
        "helpers.dll+0x1019 (.text+0x19)".to_owned(),
        format!("not captured; read from {path} at 0x419, same time stamp and size"),
        "mov [eax], ecx".to_owned(),
        format!("its bytes: in the image file {path} at offset 0x419 [image file {path}]"),
    ] {
        assert!(text.to_lowercase().contains(&phrase.to_lowercase()), "{phrase}\n{text}");
    }
    let explanation = &document(folder.path(), "explain bare.dmp helpers+1019 --images images")["answer"][0];
    assert_eq!(explanation["bytes"]["store"], "image file");
    assert_eq!(explanation["bytes"]["file_offset"], 0x419);
    let sections = stdout(&vatlas(folder.path(), "modules bare.dmp --sections --images images"));
    assert!(sections.contains(&format!("image file {path}")), "{sections}");
}

#[test]
fn what_a_process_may_write_never_comes_from_a_file() {
    let folder = world();
    write(folder.path(), BASE, SIZE, STAMP);
    assert_eq!(vatlas(folder.path(), "read bare.dmp helpers+2000 16 --images images").status.code(), Some(0));
    let output = vatlas(folder.path(), "read bare.dmp helpers+3000 4 --images images");
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
}

#[test]
fn another_build_is_not_used() {
    for (size, stamp) in [(SIZE, STAMP + 1), (SIZE + 0x1000, STAMP)] {
        let folder = world();
        write(folder.path(), BASE, size, stamp);
        let output = vatlas(folder.path(), "read bare.dmp helpers+1000 16 --images images");
        assert_eq!(output.status.code(), Some(1), "{size:#x} {stamp:#x}: {}", stdout(&output));
        assert!(stderr(&output).contains("not captured"), "{}", stderr(&output));
    }
}

#[test]
fn without_the_option_there_is_a_hole_and_a_hint() {
    let folder = world();
    write(folder.path(), BASE, SIZE, STAMP);
    let text = stdout(&vatlas(folder.path(), "explain bare.dmp helpers+1000"));
    assert!(text.contains("--images with the folder of HELPERS.dll may add them"), "{text}");
    assert_eq!(vatlas(folder.path(), "memory bare.dmp helpers+1000 16").status.code(), Some(1));
}

#[test]
fn the_dump_goes_before_the_file() {
    let folder = world();
    let line = "memory no-memory-info.dmp helpers+11f8 16 --images images";
    let memory = &document(folder.path(), line)["answer"];
    let from: Vec<_> = memory["from_image_files"].as_array().expect("a list").iter().collect();
    assert!(from.iter().all(|one| one["range"]["first"] == "0x10001200"), "{memory}");
}

#[test]
fn folders_are_searched_deep_and_without_regard_to_case() {
    let folder = world();
    write(folder.path(), BASE, SIZE, STAMP);
    let deep = folder.path().join("store/x/y");
    std::fs::create_dir_all(&deep).expect("folders");
    std::fs::copy(folder.path().join("images/helpers.dll"), deep.join("Helpers.DLL")).expect("a copy");
    let output = vatlas(folder.path(), "read bare.dmp helpers+1000 16 --images folder --images store");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn bytes_come_from_a_rom_image() {
    let folder = world();
    // coredll.dll of `nk.bin`, by its base, size and time stamp.
    let module = Module::new(0x03f6_0000, 0x5000, "\\Windows\\coredll.dll").timestamp(0x4223_1df6);
    let dump = Minidump::new(Arch::Arm).module(module).write();
    std::fs::write(folder.path().join("bare.dmp"), dump).expect("a written file");
    let output = vatlas(folder.path(), "read bare.dmp coredll+1100 4 --raw --images nk.bin");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), [0x10, 0x40, 0x2d, 0xe9].as_slice()));
    let text = stdout(&vatlas(folder.path(), "explain bare.dmp coredll+1104 --images nk.bin --short"));
    assert!(text.contains("coredll!BeginPaint+0x4") && text.contains("coredll.dll in nk.bin"), "{text}");
    let output = vatlas(folder.path(), "info bare.dmp --images note.txt");
    assert_eq!(stderr(&output), "error: --images note.txt: neither a folder nor a ROM image\n");
}

#[test]
fn stacks_are_walked_by_the_function_tables_of_a_rom_image() {
    let folder = world();
    // In `BeginPaint`, behind its stmdb sp!,{r4,lr}; called by `EndPaint`, and that by `GetTickCount`.
    let module = Module::new(0x03f6_0000, 0x5000, "\\Windows\\coredll.dll").timestamp(0x4223_1df6);
    let registers = Arm { sp: 0x12_ff80, pc: 0x03f6_1110, cpsr: 0x10, ..Arm::default() };
    let words = [4, 0x03f6_1148, 5, 0x03f6_1008, 0, 0, 0, 0u32];
    let stack: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let thread = Thread::new(7).stack(0x12_ff80, 0x20).context(Context::Arm(registers));
    let dump = Minidump::new(Arch::Arm).module(module).thread(thread).memory(0x12_ff80, stack).write();
    std::fs::write(folder.path().join("bare.dmp"), dump).expect("a written file");
    let bare = stdout(&vatlas(folder.path(), "stack bare.dmp"));
    assert!(bare.contains("without unwind data"), "{bare}");
    let text = stdout(&vatlas(folder.path(), "stack bare.dmp --images nk.bin"));
    let frames: Vec<&str> = text.lines().filter(|line| line.contains("coredll!")).collect();
    assert_eq!(frames.len(), 3, "{text}");
    let expected =
        [("BeginPaint+0x10", "context"), ("EndPaint+0x8", "unwind data"), ("GetTickCount+0x8", "unwind data")];
    for (frame, (name, found_by)) in frames.iter().zip(expected) {
        assert!(frame.contains(name) && frame.contains(found_by), "{text}");
    }
    assert!(!text.contains("without unwind data"), "{text}");
}
