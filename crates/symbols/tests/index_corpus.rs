//! Tables of real text files say the same when they were kept and opened again. The corpus is that of `VATLAS_CORPUS`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_space::Rva;
use vatlas_symbols::{Symbol, SymbolFile, SymbolTable, open};

fn symbols(file: &dyn SymbolFile) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    file.visit(&mut |symbol| {
        symbols.push(symbol.clone());
        ControlFlow::Continue(())
    });
    symbols
}

/// Whether a file has a table that can be kept, which then says the same.
fn is_kept(path: &Path) -> bool {
    let Ok(file) = open("a", Arc::new(std::fs::read(path).unwrap())) else { return false };
    let Some(table) = file.table() else {
        return false;
    };
    let kept = SymbolTable::open("a", Arc::new(table.write(b"k").unwrap()), b"k").unwrap();
    let all = symbols(&*file);
    assert!(all == symbols(&kept) && file.origin() == kept.origin() && file.problems() == kept.problems());
    assert_eq!((file.machine(), file.image_base()), (kept.machine(), kept.image_base()));
    for symbol in &all {
        for rva in [symbol.rva.0, symbol.rva.0.saturating_add(5), symbol.rva.0.wrapping_sub(1)].map(Rva) {
            assert_eq!(file.lookup(rva), kept.lookup(rva));
            assert_eq!(file.frame_rule_at(rva), kept.frame_rule_at(rva));
            assert_eq!(file.unwind_row_at(rva), kept.unwind_row_at(rva));
        }
        assert_eq!(file.lines_of(symbol), kept.lines_of(symbol));
    }
    !all.is_empty()
}

fn texts_in(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut texts) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_text = path.extension().is_some_and(|extension| extension == "sym" || extension == "map");
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() && is_text => texts.push(path),
                _ => {}
            }
        }
    }
    texts
}

#[test]
fn fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    assert!(texts_in(&folder).iter().filter(|path| is_kept(path)).count() >= 1);
}

#[test]
fn corpus() {
    let Some(folder) = std::env::var_os("VATLAS_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: VATLAS_CORPUS is not set");
        return;
    };
    let kept = texts_in(&folder).iter().filter(|path| is_kept(path)).count();
    eprintln!("{kept} tables");
    assert!(kept >= 10, "{kept}");
}
