//! Every type of every PDB of the sample data.

use super::open;
use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use vatlas_symbols::{
    SymbolFile, Type, TypeId, Types,
    type_text::{size_of, type_name},
    types::Record,
};

/// The PDBs of the sample data; nothing, and a remark, where there are none.
fn pdbs() -> Option<Vec<PathBuf>> {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS") else {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
        return None;
    };
    let mut found = Vec::new();
    let mut folders = vec![Path::new(&corpus).join("nt-pe-pdb")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "pdb" && !path.ends_with("bad-block-size.pdb") => found.push(path),
                _ => {}
            }
        }
    }
    Some(found)
}

/// What a type is, in one word.
fn word(found: &Type) -> &str {
    match found {
        Type::Basic { .. } => "basic",
        Type::Pointer { .. } => "pointer",
        Type::Modified { .. } => "modified",
        Type::Array { count: None, .. } => "array without a count",
        Type::Array { .. } => "array",
        Type::BitField { .. } => "bit field",
        Type::Record(record) if record.is_forward => "record without a body",
        Type::Record(_) => "record",
        Type::Enumeration(enumeration) if enumeration.is_forward => "enumeration without a body",
        Type::Enumeration(_) => "enumeration",
        Type::Function(_) => "function",
        Type::Alias { .. } => "alias",
        Type::VtableShape { .. } => "table",
        Type::Other(what) => what,
    }
}

/// Every member lies in its record.
fn check_members(types: &dyn Types, record: &Record) {
    for member in &record.members {
        let size = size_of(types, member.type_id).unwrap_or(0);
        assert!(member.offset + size <= record.size, "{} of {}", member.name, record.name);
    }
}

/// Counts of every kind of type of all files.
#[test]
fn every_type_is_read() {
    let Some(paths) = pdbs() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in &paths {
        let file = open(fs::read(path).unwrap());
        let Some(types) = file.types() else { continue };
        for number in 0x1000.. {
            let found = match types.get(TypeId(number)) {
                Ok(found) => found,
                Err(problem) => {
                    assert!(problem.to_string().contains("there is no type"), "{}: {problem}", path.display());
                    break;
                }
            };
            if let Type::Record(record) = &found {
                check_members(types, record);
            }
            assert!(!type_name(types, TypeId(number)).is_empty());
            *counts.entry(word(&found).to_owned()).or_default() += 1;
        }
        assert_eq!(file.later_problems(), [], "{}", path.display());
    }
    let counts: Vec<(&str, usize)> = counts.iter().map(|(word, count)| (&**word, *count)).collect();
    // 110 of the arrays were declared without a count; the element of the last has no body. Declarations have no body
    // where no object file of the program has one (`_TEB`, `_TP_POOL`), as other tools say too.
    let expected = [
        ("a list of arguments", 5604),
        ("a list of fields", 3756),
        ("a list of methods", 1958),
        ("array", 1183),
        ("array without a count", 111),
        ("bit field", 214),
        ("enumeration", 793),
        ("enumeration without a body", 5),
        ("function", 13473),
        ("modified", 1483),
        ("pointer", 6561),
        ("record", 5852),
        ("record without a body", 202),
        ("table", 83),
    ];
    assert_eq!(counts, expected);
}

/// A name that is visited is found, and what has a body has it under its name.
#[test]
fn every_name_is_found() {
    let Some(paths) = pdbs() else { return };
    let (mut names, mut typedefs) = (0, 0);
    for path in &paths {
        let file = open(fs::read(path).unwrap());
        let Some(types) = file.types() else { continue };
        types.visit_names(&mut |name, id| {
            let found = types.find(name).unwrap_or_else(|| panic!("{name} of {}", path.display()));
            let (found, visited) = (types.get(found).unwrap(), types.get(id).unwrap());
            let has_body = |found: &Type| match found {
                Type::Record(record) => !record.is_forward,
                Type::Enumeration(enumeration) => !enumeration.is_forward,
                _ => true,
            };
            assert!(has_body(&found) || !has_body(&visited), "{name} of {}", path.display());
            names += 1;
            typedefs += usize::from(id.0 > u32::MAX.into());
            ControlFlow::Continue(())
        });
    }
    assert_eq!((names, typedefs), (11_966, 3_049));
}
