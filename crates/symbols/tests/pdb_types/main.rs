//! Every kind of type record, written by the fixtures' own writer and read again.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod basic;
mod bodies;
mod corpus;
mod damage;
mod found;
mod plain;

use std::sync::Arc;
use vatlas_fixtures::{
    pdb::Pdb,
    type_records::{GENERATIONS, Generation, TypeStream},
};
use vatlas_symbols::{PdbFile, SymbolFile, Type, TypeId};

const X86: u16 = 0x14c;
const X64: u16 = 0x8664;

/// A PDB with these records from number 0x1000 on.
fn pdb(records: &[Vec<u8>]) -> Pdb {
    let mut types = TypeStream::default();
    for record in records {
        types.push(record.clone());
    }
    Pdb { machine: X86, types: types.bytes(), ..Pdb::default() }
}

fn open(file: Vec<u8>) -> PdbFile {
    PdbFile::open("types.pdb", Arc::new(file)).unwrap()
}

/// The type of the last of some records.
fn last(file: &PdbFile, records: &[Vec<u8>]) -> Result<Type, String> {
    let id = TypeId(0xfff + records.len() as u64);
    file.types().unwrap().get(id).map_err(|problem| problem.to_string())
}

/// The last of the records is this type.
#[track_caller]
fn check(records: &[Vec<u8>], expected: &Type) {
    assert_eq!(last(&open(pdb(records).version_7()), records).as_ref(), Ok(expected));
}

/// The last record of every generation is this type; those of old compilers in a PDB 2.0 too.
#[track_caller]
fn check_all(records: impl Fn(Generation) -> Vec<Vec<u8>>, expected: &Type) {
    for generation in GENERATIONS {
        let records = records(generation);
        let pdb = pdb(&records);
        assert_eq!(last(&open(pdb.version_7()), &records).as_ref(), Ok(expected), "{generation:?}");
        if generation != Generation::ZeroTerminated {
            assert_eq!(last(&open(pdb.version_2()), &records).as_ref(), Ok(expected), "{generation:?}, PDB 2.0");
        }
    }
}

/// The last record cannot be read, and the problem says this.
#[track_caller]
fn check_damaged(records: &[Vec<u8>], expected: &str) {
    let problem = last(&open(pdb(records).version_7()), records).unwrap_err();
    assert!(problem.contains(expected), "{problem:?} lacks {expected:?}");
}
