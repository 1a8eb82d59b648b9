//! Stacks of every minidump of the sample data, against a table of what was established once, and against Breakpad.

use crate::folder_symbols::{FolderSymbols, files_below};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_debug::{
    stack::{Stack, StackFrame, USUAL_LIMIT, stack_starts, walk},
    usage_index::UsageIndex,
};
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::{NoImageFiles, open};

/// Where the table is; `VATLAS_ESTABLISH=1` writes it anew, to be read before it is committed.
const TABLE: &str = "tests/stack/established.txt";

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("VATLAS_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
    }
    corpus
}

fn target(path: &Path) -> Option<Box<dyn Target>> {
    open(Arc::new(fs::read(path).unwrap()), Box::new(NoImageFiles)).ok()
}

/// The stacks of a target, a line for each frame.
fn stacks(target: &dyn Target, symbols: &FolderSymbols) -> String {
    let mut text = String::new();
    let Some(index) = UsageIndex::new(target, ProcessIndex(0)) else { return text };
    for thread in &index.process().threads {
        for start in stack_starts(target, index.process(), thread) {
            let stack = walk(&index, symbols, &start, USUAL_LIMIT);
            check_invariants(&stack);
            let at = if start.is_at_exception { ", at the exception" } else { "" };
            writeln!(text, "thread {} {}{at}: {} frames, {}", thread.id, stack.machine, stack.frames.len(), stack.end)
                .unwrap();
            for (number, frame) in stack.frames.iter().enumerate() {
                writeln!(text, "{number:3} {}", line(frame)).unwrap();
            }
        }
    }
    text
}

fn line(frame: &StackFrame) -> String {
    let module = frame.module.as_ref().map_or("?".to_owned(), |module| format!("{}+{}", module.name, module.rva));
    let check = frame.return_address.map_or("-".to_owned(), |address| address.check.to_string());
    format!("{:x} {:x} {}, {}, returns: {check}; {module}", frame.pc, frame.sp, frame.found_by, frame.trust)
}

/// What holds for every stack.
fn check_invariants(stack: &Stack) {
    for pair in stack.frames.windows(2) {
        assert!(pair[0].sp <= pair[1].sp, "stack pointers go up");
        assert!(pair[0].trust >= pair[1].trust, "trust does not grow");
    }
    assert!(stack.frames.len() <= USUAL_LIMIT);
}

#[test]
fn stacks_are_those_that_were_established() {
    let Some(corpus) = corpus() else { return };
    let symbols = FolderSymbols::new(&corpus.join("minidump"));
    let mut text = String::new();
    for path in files_below(&corpus.join("minidump")) {
        if path.extension().is_some_and(|extension| extension == "dmp")
            && let Some(target) = target(&path)
        {
            let name = path.strip_prefix(&corpus).unwrap().to_string_lossy().replace('\\', "/");
            write!(text, "== {name}\n{}", stacks(&*target, &symbols)).unwrap();
        }
    }
    if std::env::var_os("VATLAS_ESTABLISH").is_some() {
        fs::write(TABLE, &text).unwrap();
    }
    let established = fs::read_to_string(TABLE).unwrap();
    for (number, (line, expected)) in text.lines().zip(established.lines()).enumerate() {
        assert_eq!(line, expected, "line {} of {TABLE}", number + 1);
    }
    assert_eq!(text.lines().count(), established.lines().count());
}

/// Breakpad's stack walk of `minidump2.dmp`, with the same symbols: `thread|frame|module|function|file|line|offset`.
#[test]
fn breakpad_finds_the_same_functions_and_lines() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("minidump/breakpad");
    let expected = fs::read_to_string(folder.join("expected/minidump2.stackwalk.machine_readable.out")).unwrap();
    let expected = expected.lines().filter(|line| line.starts_with("0|")).map(|line| {
        let fields: Vec<&str> = line.split('|').collect();
        (fields[2].to_owned(), fields[3].to_owned(), fields[5].to_owned())
    });
    let symbols = FolderSymbols::new(&folder.join("symbols"));
    let target = target(&folder.join("minidump2.dmp")).unwrap();
    let index = UsageIndex::new(&*target, ProcessIndex(0)).unwrap();
    let start = &stack_starts(&*target, index.process(), &index.process().threads[0])[0];
    let stack = walk(&index, &symbols, start, USUAL_LIMIT);
    let found = stack.frames.iter().map(|frame| {
        let lookup = frame.lookup.as_ref().unwrap();
        let line = lookup.frames.first().and_then(|inner| inner.line.as_ref());
        let line = line.map_or(String::new(), |line| line.line.to_string());
        (frame.module.as_ref().unwrap().name.clone(), lookup.symbol.name.to_string(), line)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(stack.end.is_bottom());
}
