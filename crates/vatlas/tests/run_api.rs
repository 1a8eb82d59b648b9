//! What Windows promises programs, part by part: the calls of Win32, the loader, exceptions that nobody handles, calls
//! that are not there, input, the split of the address space.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod run_support;

use run_support::{check, printed, program, state, vatlas, vatlas_with_input};

/// The parts of `api.exe`, and how many checks each makes.
const PARTS: [(&str, u32); 14] = [
    ("memory", 63),
    ("sections", 35),
    ("heap", 13450),
    ("exceptions", 9),
    ("files", 66),
    ("directories", 41),
    ("waits", 33),
    ("threads", 131),
    ("texts", 25),
    ("system", 259),
    ("processes", 150),
    ("synchronization", 39),
    ("named", 96),
    ("formats", 63),
];

#[test]
fn the_calls_of_win32() {
    // One of its children crashes, which is said; it expects that.
    for (part, checks) in PARTS {
        check(&[], "api.exe", &[part], (&format!("{checks} checks, 0 failed\n"), 0));
    }
}

#[test]
fn the_calls_on_several_processors_and_in_little_memory() {
    for (options, part) in [
        (&["--cpus", "4"][..], "threads"),
        (&["--cpus", "2"], "waits"),
        (&["--cpus", "2"], "processes"),
        (&["--cpus", "4"], "synchronization"),
        (&["--ram", "8M", "--pagefile", "64M"], "heap"),
        (&["--ram", "8M", "--pagefile", "64M"], "sections"),
    ] {
        let checks = PARTS.iter().find(|(name, _)| *name == part).unwrap().1;
        check(options, "api.exe", &[part], (&format!("{checks} checks, 0 failed\n"), 0));
    }
}

#[test]
fn files_are_those_of_the_granted_folder() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["files", "directories", "sections"] {
        let checks = PARTS.iter().find(|(name, _)| *name == part).unwrap().1;
        let options = ["--root", folder.path().to_str().unwrap()];
        check(&options, "api.exe", &[part], (&format!("{checks} checks, 0 failed\n"), 0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{part} removes what it made");
    }
}

#[test]
fn libraries_of_the_user_take_the_place_of_the_systems() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = std::fs::read(program("modules/numbers.dll")).unwrap();
    std::fs::write(folder.path().join("Numbers.DLL"), numbers).unwrap();
    std::fs::write(folder.path().join("ntdll.dll"), "whatever").unwrap();
    let output = vatlas(&["--system-dlls", folder.path().to_str().unwrap()], "modules/missing.exe", &[]);
    let expected = "numbers.dll: reason 1, static, at its place\nbefore the call\nnothing is called\n\
                    numbers.dll: reason 0, static, at its place\n";
    assert_eq!((printed(&output).as_str(), output.status.code()), (expected, Some(0)));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("warning: --system-dlls: ntdll.dll is not used: it belongs to the kernel"), "{said}");
}

#[test]
fn a_message_box_is_in_the_report() {
    let output = vatlas(&[], "box.exe", &[]);
    assert_eq!((printed(&output).as_str(), output.status.code()), ("1 6 2\n", Some(0)));
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].contains("box.exe") && lines[0].ends_with("a text, a title"), "{said}");
}

/// A program in its own folder, which it sees.
#[track_caller]
fn check_in_folder(name: &str, arguments: &[&str], expected: (&str, i32), errors: &str) {
    let root = program("modules");
    let output = vatlas(&["--root", root.to_str().unwrap()], &format!("modules/{name}"), arguments);
    assert_eq!((printed(&output).as_str(), output.status.code()), (expected.0, Some(expected.1)));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(errors), "{errors:?} is not in {said:?}");
}

#[test]
fn libraries_callbacks_and_storage_of_threads() {
    let expected = "\
numbers.dll: reason 1, static, at its place
callback: reason 1, own 5
imports: 42 4
by ordinal the same, forwarded the same
moved.dll: reason 1, dynamic, moved
moved.dll: 142, loaded again it is the same
numbers.dll: reason 2, dynamic, at its place
moved.dll: reason 2, dynamic, moved
callback: reason 2, own 5
thread: own 8
moved.dll: reason 3, dynamic, moved
numbers.dll: reason 3, dynamic, at its place
callback: reason 3, own 8
first thread: own 10
freed 1: loaded
moved.dll: reason 0, dynamic, moved
freed 1: not loaded
refuses.dll: not loaded, error 1114
numbers.dll: reason 0, static, at its place
callback: reason 0, own 10
";
    check_in_folder("modules.exe", &[], (expected, 3), "");
}

#[test]
fn a_missing_import_is_named_with_its_caller() {
    let begins = "numbers.dll: reason 1, static, at its place\nbefore the call\n";
    let ends = format!("{begins}nothing is called\nnumbers.dll: reason 0, static, at its place\n");
    check_in_folder("missing.exe", &[], (&ends, 0), "");
    // Of C0000139h and C0000138h, a host's exit code has the last byte.
    let named = "warning: numbers.dll!numbers_subtract is missing; called from missing.exe+";
    check_in_folder("missing.exe", &["name"], (begins, 0x39), named);
    let numbered = "warning: numbers.dll!#99 is missing; called from missing.exe+";
    check_in_folder("missing.exe", &["ordinal"], (begins, 0x38), numbered);
    check_in_folder("absent.exe", &[], ("", 0x35), "(c0000135) absent.dll, absent.exe");
}

#[test]
fn a_missing_system_call_is_named_with_its_caller() {
    let output = vatlas(&[], "service.exe", &[]);
    let expected = "NtTranslateFilePath: c0000002\nbeyond the table: c000001c c000001c\n";
    assert_eq!((printed(&output).as_str(), output.status.code()), (expected, Some(0)));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("warning: NtTranslateFilePath is missing; called from service.exe+"), "{said}");
}

#[test]
fn an_exception_that_nobody_handles_ends_the_program() {
    let check = |how: &str, expected: (&str, i32), errors: &[&str]| {
        let output = vatlas(&[], "crash.exe", &[how]);
        assert_eq!((printed(&output).as_str(), output.status.code()), (expected.0, Some(expected.1)), "{how}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.lines().count(), usize::from(!errors.is_empty()), "{said}");
        errors.iter().for_each(|error| assert!(said.contains(error), "{error:?} is not in {said:?}"));
    };
    check("", ("", 5), &["error: crash.exe: ", "c0000005", " at crash.exe+", "writing 00000044"]);
    check("raise", ("", 0x67), &["error: crash.exe: ", "e1234567", " at kernel32.dll+"]);
    check("break", ("", 3), &["error: crash.exe: ", "80000003", " at kernel32.dll+"]);
    check("filter", ("the last filter sees c0000005 for 00000044\n", 5), &[]);
}

#[test]
fn handlers_that_a_compiler_made() {
    let expected = "finally, as usual\n1\n\
                    filter e0000009\nfinally, by an exception\ncaught e0000009\n-1\n\
                    filter e0000001\nfilter e0000001\noutside\n\
                    filter e0000002\ncontinued\n\
                    round 0\nskipped 1\nround 2\n\
                    finally, by a jump\ncame by 5\n";
    check(&[], "tries.exe", &[], (expected, 0));
}

#[test]
fn a_program_reads_what_it_is_told() {
    let check = |input: &'static str, expected: (&str, i32)| {
        let output = vatlas_with_input(&[], "lines.exe", &[], input);
        assert_eq!((printed(&output).as_str(), output.status.code()), (expected.0, Some(expected.1)), "{input:?}");
    };
    let lines =
        "name and number? apples, 7\n1: 2 letters, sum 12\n2: 10 letters, sum 12\n3: 11 letters, sum 42\nthe end\n";
    check("apples 7\n12\nsome words\n30 and more", (lines, 3));
    check("apples 7\r\n12\r\nsome words\r\n30 and more", (lines, 3));
    check("pears\n 8\n", ("name and number? pears, 8\nthe end\n", 0));
    check("", ("name and number? the end\n", 0));
}

#[test]
fn three_gigabytes_are_for_those_who_say_so() {
    let check = |options: &[&str], name: &str, expected: [&str; 3]| {
        let [last, top, total] = expected;
        let text =
            format!("addresses to {last}\ntopmost memory {top} 80000000: 12345678\n{total} 2 GB can be reserved\n");
        check(options, name, &[], (&text, 0));
    };
    for name in ["large.exe", "large-aware.exe"] {
        check(&[], name, ["7ffeffff", "below", "less than"]);
    }
    check(&["--3gb"], "large.exe", ["bffeffff", "below", "less than"]);
    check(&["--3gb"], "large-aware.exe", ["bffeffff", "above", "more than"]);
    check(&["--3gb", "--userva", "2560"], "large-aware.exe", ["9ffeffff", "above", "more than"]);
}

#[test]
fn every_run_ends_in_the_same_state() {
    for (part, _) in PARTS {
        assert_eq!(state(&[], "api.exe", &[part]), state(&[], "api.exe", &[part]), "{part}");
    }
    for name in ["crash.exe", "service.exe", "lines.exe", "tries.exe", "large.exe", "large-aware.exe"] {
        assert_eq!(state(&[], name, &[]), state(&[], name, &[]), "{name}");
    }
    let root = program("modules");
    let options = ["--root", root.to_str().unwrap()];
    for name in ["modules/modules.exe", "modules/missing.exe", "modules/absent.exe"] {
        assert_eq!(state(&options, name, &[]), state(&options, name, &[]), "{name}");
    }
}
