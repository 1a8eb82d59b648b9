//! Where answers go: pipes that close, files that are written.

use crate::{
    run::{program, stderr, vatlas},
    world::world,
};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::Stdio,
};

/// Starts a command, reads the first `bytes` of it, and goes away.
fn leave_early(folder: &Path, line: &str, bytes: usize) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(program(folder).get_program());
    command.args(line.split(' ')).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut vec![0; bytes]).expect("so many bytes");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), stderr(&output))
}

#[test]
fn a_reader_may_leave() {
    let folder = world();
    std::fs::write(folder.path().join("many.dmp"), vatlas_fixtures::many_regions(20_000)).expect("a written file");
    for (line, bytes) in [
        ("map many.dmp", 64),
        ("map many.dmp --json", 64),
        ("read many.dmp 0x10000 64M --fill 00", 64),
        ("read many.dmp 0x10000 64M --fill 00 --raw", 64),
        ("memory crash.dmp sp 1M", 64),
        ("map crash.dmp", 0),
        ("man", 0),
        ("completions zsh", 0),
    ] {
        let (code, errors) = leave_early(folder.path(), line, bytes);
        assert!(matches!(code, Some(0 | 3)), "vatlas {line}: {code:?} {errors}");
        assert!(!errors.contains("panicked") && !errors.contains("error"), "vatlas {line}: {errors}");
    }
}

#[test]
fn the_first_line_is_enough() {
    let folder = world();
    let mut command = std::process::Command::new(program(folder.path()).get_program());
    command.args(["map", "crash.dmp"]).current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("FIRST"), "{line}");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn drawings_are_complete_files() {
    let folder = world();
    let output = vatlas(folder.path(), "map crash.dmp --svg map.svg --html map.html");
    let errors = stderr(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert!(errors.contains("written: map.svg (") && errors.contains("written: map.html ("), "{errors}");
    let [svg, html] =
        ["map.svg", "map.html"].map(|name| std::fs::read_to_string(folder.path().join(name)).expect("the file"));
    assert!(svg.trim_start().starts_with("<svg") || svg.starts_with("<?xml"), "{svg:.80}");
    assert!(svg.trim_end().ends_with("</svg>"));
    assert!(html.to_lowercase().starts_with("<!doctype html>"), "{html:.80}");
    assert!(html.trim_end().ends_with("</html>"));
    for (name, text) in [("svg", &svg), ("html", &html)] {
        for name_in_it in ["greeter.exe", "helpers.dll", "ntdll.dll"] {
            assert!(text.contains(name_in_it), "{name}: {name_in_it}");
        }
    }
}

#[test]
fn a_name_cannot_break_out_of_a_drawing() {
    let folder = world();
    let dump = vatlas_fixtures::minidump::Minidump::new(vatlas_fixtures::minidump::Arch::X86)
        .module(vatlas_fixtures::minidump::Module::new(0x40_0000, 0x1000, "C:\\</script><script>alert(1)</script>.exe"))
        .write();
    std::fs::write(folder.path().join("script.dmp"), dump).expect("a written file");
    assert_eq!(vatlas(folder.path(), "map script.dmp --svg s.svg --html s.html -q").status.code(), Some(0));
    for name in ["s.svg", "s.html"] {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("the file");
        assert!(!text.contains("<script>alert"), "{name}");
    }
}

#[test]
fn a_demo_that_is_kept_is_the_dump() {
    let folder = world();
    assert_eq!(vatlas(folder.path(), "demo dump --write kept.dmp").status.code(), Some(0));
    let [kept, fixture] =
        ["kept.dmp", "crash.dmp"].map(|name| std::fs::read(folder.path().join(name)).expect("a dump"));
    assert_eq!(kept, fixture);
    assert_eq!(vatlas(folder.path(), "demo --write note.txt").status.code(), Some(1));
    assert!(std::fs::read_to_string(folder.path().join("note.txt")).expect("the note").starts_with("The device"));
}

#[test]
fn raw_bytes_to_a_pipe() {
    let folder = world();
    let output = vatlas(folder.path(), "read crash.dmp greeter 0x40 --raw");
    assert_eq!((output.status.code(), &output.stdout[..2], output.stdout.len()), (Some(0), &b"MZ"[..], 0x40));
    let filled = vatlas(folder.path(), "read crash.dmp 0012fffc 8 --raw --fill 41");
    assert_eq!((filled.status.code(), filled.stdout.as_slice()), (Some(3), &b"\0\0\0\0AAAA"[..]));
    let nothing = vatlas(folder.path(), "read crash.dmp crash 16 --raw -o nothing.bin");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(!folder.path().join("nothing.bin").exists());
}
