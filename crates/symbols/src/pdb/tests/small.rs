//! A PDB 2.0 with the records of old compilers. No sample of one may be shipped, so a writer makes it here from the
//! layouts: the multi-stream file of 512-byte blocks, one section at 0x1000, one module.

use super::{check, check_problem};
use crate::symbol_file::SymbolFile as _;
use crate::{PdbFile, symbol_file::Identity};
use std::sync::Arc;

const BLOCK: usize = 512;

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16s(mut self, numbers: &[u16]) -> Self {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        self
    }

    fn u32s(mut self, numbers: &[u32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// A name with its length before it.
    fn counted(self, name: &str) -> Self {
        self.bytes(&[u8::try_from(name.len()).unwrap()]).bytes(name.as_bytes())
    }

    /// With the length of the record, and its kind, before it.
    fn record(self, kind: u16) -> Vec<u8> {
        let length = u16::try_from(self.0.len() + 2).unwrap();
        Self::default().u16s(&[length, kind]).bytes(&self.0).0
    }
}

fn bytes() -> Bytes {
    Bytes::default()
}

/// A multi-stream file of the old kind.
fn file(streams: &[Vec<u8>]) -> Vec<u8> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut place = |stream: &[u8]| -> Vec<u16> {
        let first = blocks.len() + 2;
        blocks.extend(stream.chunks(BLOCK).map(<[u8]>::to_vec));
        (first..blocks.len() + 2).map(|block| u16::try_from(block).unwrap()).collect()
    };
    let mut directory = bytes().u16s(&[u16::try_from(streams.len()).unwrap(), 0]);
    for stream in streams {
        directory = directory.u32s(&[u32::try_from(stream.len()).unwrap(), 0]);
    }
    for stream in streams {
        directory = directory.u16s(&place(stream));
    }
    let directory_blocks = place(&directory.0);
    let header = bytes().bytes(b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0").u32s(&[512]);
    let header = header.u16s(&[1, u16::try_from(blocks.len() + 2).unwrap()]);
    let header = header.u32s(&[u32::try_from(directory.0.len()).unwrap(), 0]).u16s(&directory_blocks).0;
    let mut file = header;
    file.resize(2 * BLOCK, 0);
    for block in blocks {
        file.extend(&block);
        file.resize(file.len().next_multiple_of(BLOCK), 0);
    }
    file
}

fn dbi(symbols_size: usize) -> Vec<u8> {
    let contribution = || bytes().u16s(&[1, 0]).u32s(&[0, 0x200, 0x6000_0020]).u16s(&[0, 0]).u32s(&[0, 0]).0;
    let module = bytes().u32s(&[0]).bytes(&contribution()).u16s(&[0, 5]);
    let module = module.u32s(&[u32::try_from(symbols_size).unwrap(), 0, 0, 0, 0, 0, 0]).bytes(b"a.obj\0a.obj\0").0;
    let contributions = bytes().u32s(&[0xeffe_0000 + 19_970_605]).bytes(&contribution()).0;
    let streams = bytes().u16s(&[0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 6]).0;
    let size = |part: &Vec<u8>| u32::try_from(part.len()).unwrap();
    let header = bytes().u32s(&[u32::MAX, 19_970_606, 3]).u16s(&[0xffff, 0, 0xffff, 0, 4, 0]);
    let header = header.u32s(&[size(&module), size(&contributions), 0, 0, 0, 0, size(&streams), 0]);
    header.u16s(&[0, 0x14c]).u32s(&[0]).bytes(&module).bytes(&contributions).bytes(&streams).0
}

fn sample(signature: u32, records: &[Vec<u8>]) -> Vec<u8> {
    let info = bytes().u32s(&[19_970_604, 0x3700_1234, 2, 0, 0, 0, 0, 0]).0;
    let symbols = bytes().u32s(&[signature]).bytes(&records.concat()).0;
    let publics = [
        bytes().u32s(&[2, 0x10]).u16s(&[1]).counted("_first@4").record(0x1009),
        bytes().u32s(&[0, 0x150]).u16s(&[1]).counted("_table").record(0x1009),
        bytes().u32s(&[0x160]).u16s(&[1, 0x74]).counted("_older").record(0x0203),
        // A constant: no section has number 9.
        bytes().u32s(&[0, 0x20]).u16s(&[9]).counted("__constant").record(0x1009),
    ];
    let sections = bytes().bytes(b".text\0\0\0").u32s(&[0x200, 0x1000, 0x200, 0x400, 0, 0, 0, 0x6000_0020]).0;
    file(&[Vec::new(), info, Vec::new(), dbi(symbols.len()), publics.concat(), symbols, sections])
}

/// parent, end, next, size, start and end of the body
fn procedure(size: u32) -> Bytes {
    bytes().u32s(&[0, 0, 0, size, 0, 0])
}

fn records() -> Vec<Vec<u8>> {
    let end = || bytes().record(6);
    vec![
        procedure(0x20).u32s(&[0x1000, 0x10]).u16s(&[1]).bytes(&[0]).counted("first").record(0x100b),
        end(),
        procedure(0x20).u32s(&[0x40]).u16s(&[1, 0x1000]).bytes(&[0]).counted("older").record(0x0204),
        end(),
        procedure(0x20).u32s(&[0, 0, 0, 0, 0x1000, 0x60]).u16s(&[1]).bytes(&[0, 0]).counted("on_mips").record(0x1011),
        end(),
        bytes().u32s(&[0, 0, 0, 0x80]).u16s(&[1, 6]).bytes(&[0]).counted("thunk").record(0x0206),
        end(),
        bytes().u32s(&[0x90]).u16s(&[1]).bytes(&[0]).counted("label").record(0x0209),
        // A piece of the first function, whose record is behind the signature.
        bytes().u32s(&[4, 0, 0x10, 0, 0xa0, 0x10]).u16s(&[1, 1]).record(0x1132),
        end(),
        bytes().u32s(&[0x74, 0x140]).u16s(&[1]).counted("counter").record(0x1007),
    ]
}

fn open(signature: u32, records: &[Vec<u8>]) -> PdbFile {
    PdbFile::open("old.pdb", Arc::new(sample(signature, records))).unwrap()
}

#[test]
fn names_of_a_pdb_2() {
    for signature in [1, 2, 4] {
        let pdb = open(signature, &records());
        assert_eq!(pdb.origin.identity, Some(Identity::Signature { signature: 0x3700_1234, age: 3 }));
        check(&pdb, 0x100f, "nothing");
        check(&pdb, 0x1010, "function first+0x0");
        check(&pdb, 0x102f, "function first+0x1f");
        check(&pdb, 0x1030, "function first+0x20 (past its end)");
        check(&pdb, 0x1045, "function older+0x5");
        check(&pdb, 0x1060, "function on_mips+0x0");
        check(&pdb, 0x1085, "label thunk+0x5");
        check(&pdb, 0x1086, "label thunk+0x6 (past its end)");
        check(&pdb, 0x1095, "label label+0x5");
        check(&pdb, 0x10a8, "function first+0x8");
        check(&pdb, 0x1141, "data counter+0x1");
        check(&pdb, 0x1150, "public _table+0x0");
        check(&pdb, 0x1164, "public _older+0x4");
        check(&pdb, 0x1200, "nothing");
        assert_eq!(pdb.problems(), []);
        assert_eq!(pdb.later_problems(), []);
    }
}

#[test]
fn a_damaged_module_costs_its_own_names() {
    let pdb = open(7, &records());
    check(&pdb, 0x1010, "public function _first@4+0x0");
    let problem = pdb.later_problems()[0].to_string();
    assert_eq!(problem, "old.pdb: stream 5 (module 0), offset 0x0: symbols of the unknown form 7");

    let mut cut = records();
    cut.insert(2, vec![0, 0, 0, 0]);
    let pdb = open(2, &cut);
    check(&pdb, 0x1010, "function first+0x0");
    check(&pdb, 0x1150, "public _table+0x0");
    let problem = pdb.later_problems()[0].to_string();
    assert_eq!(problem, "old.pdb: stream 5 (module 0), offset 0x35: is no symbol record");
}

#[test]
fn a_pdb_without_modules_has_public_names_only() {
    let pdb = open(2, &[]);
    check(&pdb, 0x1012, "public function _first@4+0x2");
    check_problem(&pdb, "private symbols are stripped");
}
