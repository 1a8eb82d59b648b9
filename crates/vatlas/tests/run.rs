//! Real programs on the machine, from their sources in `fixtures/machine/programs`: what they print, how they end, what
//! the machine says of it, and that all of it is the same every time.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod run_support;

use run_support::{check, state, vatlas};

#[test]
fn arguments_and_exit_code_pass_through() {
    check(
        &[],
        "hello.exe",
        &["one", "two words", "-x"],
        ("hello, world\nargument 1: one\nargument 2: two words\nargument 3: -x\n", 3),
    );
}

#[test]
fn a_fault_has_the_address_of_its_instruction_and_of_its_access() {
    check(&[], "fault.exe", &[], ("1 fault, at the right place, pushed 12345678\n", 0));
}

#[test]
fn a_stack_grows_to_its_end_and_recovers() {
    let expected = "exception c00000fd, after about a megabyte\nexception c00000fd again, at the same depth\n";
    check(&[], "overflow.exe", &[], (expected, 0));
}

#[test]
fn a_sparse_matrix_costs_what_is_touched() {
    let expected = "reserved 1600000000 bytes, committed 20000 pages (80000 KB), 0 elements wrong\n\
                    40000 by 40000: asks for 2105032704 bytes, gets nothing, error 8\n";
    check(&["--pagefile", "128M"], "sparse.exe", &[], (expected, 0));
}

#[test]
fn more_memory_than_the_computer_has() {
    let expected = "100 MB written, 0 words wrong\nsome MB more promised, then error 1455\n0 words wrong\n";
    check(&["--ram", "16M", "--pagefile", "128M..256M"], "swap.exe", &[], (expected, 0));
}

#[test]
fn without_a_page_file_the_limit_is_the_memory() {
    check(&["--ram", "16M"], "swap.exe", &["100"], ("cannot commit 100 MB: error 1455\n", 1));
}

#[test]
fn threads_on_one_and_on_four_processors() {
    let expected = "0, 8000 in the section, 8000 interlocked, 80 in the mutex, 4 tickets, codes 30, 0 slots wrong\n\
                    a wait of 50 ms ends with 258, in time\n";
    check(&[], "threads.exe", &[], (expected, 0));
    check(&["--cpus", "4"], "threads.exe", &[], (expected, 0));
}

#[test]
fn conventions_and_layouts() {
    let expected = "321 654 987, the stack is as it was\nfirst has 5 letters\nsecond has 6 letters\n\
                    triangle: colour 6, corner 11,12, layer 3, weight 7, number -1, 44 bytes\n\
                    square: colour 5, corner -5,6, layer 9, weight 200, number 1078530011, 44 bytes\n";
    check(&[], "layout.exe", &[], (expected, 0));
}

#[test]
fn files_lie_in_the_granted_folder_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    for options in [&[][..], &["--root", root]] {
        let output = vatlas(options, "library.exe", &[]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("100 lines, sum 5050, 892 bytes") && text.contains("gone"), "{text}");
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the program removed its file");
}

#[test]
fn every_run_ends_in_the_same_state() {
    for name in ["hello.exe", "fault.exe", "overflow.exe", "threads.exe", "layout.exe", "library.exe"] {
        assert_eq!(state(&[], name, &[]), state(&[], name, &[]), "{name}");
    }
    let sparse = ["--pagefile", "128M"];
    assert_eq!(state(&sparse, "sparse.exe", &[]), state(&sparse, "sparse.exe", &[]));
    let small = ["--ram", "8M", "--pagefile", "64M"];
    assert_eq!(state(&small, "swap.exe", &["24"]), state(&small, "swap.exe", &["24"]));
    assert_eq!(state(&small, "paging.exe", &[]), state(&small, "paging.exe", &[]));
    assert_eq!(state(&["--cpus", "3"], "threads.exe", &[]), state(&["--cpus", "3"], "threads.exe", &[]));
    assert_ne!(state(&[], "hello.exe", &[]), state(&["--ram", "64M"], "hello.exe", &[]));
}

#[test]
fn a_stopped_machine_answers_as_a_dump() {
    let questions = ["--stop-at", "60K", "--then", "modules", "--then", "explain 0x7c900000", "--then", "stack"];
    let output = vatlas(&questions, "hello.exe", &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in
        ["C:\\WINDOWS\\system32\\ntdll.dll", "hello.exe", "frame ", "prototype", "VAD ", "LdrInitializeThunk"]
    {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cannot_run_is_said() {
    let check = |options: &[&str], name: &str, expected: &str, code: i32| {
        let output = vatlas(options, name, &[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(expected), "{errors}");
        assert_eq!(output.status.code(), Some(code));
    };
    check(&[], "no-such.exe", "no such file", 1);
    check(&[], "hello.c", "hello.c", 1);
    check(&["--ram", "1M"], "hello.exe", "4 MB to 3 GB", 2);
    check(&["--budget", "10K"], "hello.exe", "budget", 1);
    check(&["--then", "place 1"], "hello.exe", "is nothing that a machine is asked", 2);
}
