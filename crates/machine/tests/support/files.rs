//! Files in memory, and sections of them.

#![allow(dead_code, reason = "not every test uses all of it")]

use crate::system::System;
use std::cell::RefCell;
use std::rc::Rc;
use vatlas_fixtures::pe::{Image, Machine, section};
use vatlas_machine::memory::{
    FileIdentity, MappedView, SEC_COMMIT, SEC_IMAGE, Section, SectionFile, SectionRequest, ViewRequest,
};
use vatlas_machine::{NtStatus, SpaceIndex};
use vatlas_space::{Protection, Va};

/// A file that a test can look into, and break.
#[derive(Default)]
pub struct Contents {
    pub bytes: Vec<u8>,
    pub reads: Vec<u64>,
    pub write_error: Option<NtStatus>,
    pub read_error: Option<NtStatus>,
}

/// A file and its identity.
#[derive(Clone)]
pub struct TestFile {
    pub contents: Rc<RefCell<Contents>>,
    pub identity: u64,
}

impl TestFile {
    pub fn new(identity: u64, bytes: Vec<u8>) -> Self {
        Self { contents: Rc::new(RefCell::new(Contents { bytes, ..Contents::default() })), identity }
    }

    pub fn open(&self) -> Option<(FileIdentity, Box<dyn SectionFile>)> {
        Some((FileIdentity(self.identity), Box::new(self.clone())))
    }

    pub fn reads(&self) -> usize {
        self.contents.borrow().reads.len()
    }
}

impl SectionFile for TestFile {
    fn size(&self) -> u64 {
        self.contents.borrow().bytes.len() as u64
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, NtStatus> {
        let mut contents = self.contents.borrow_mut();
        contents.reads.push(offset);
        if let Some(error) = contents.read_error {
            return Err(error);
        }
        let rest = &contents.bytes[contents.bytes.len().min(offset as usize)..];
        let count = bytes.len().min(rest.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), NtStatus> {
        let mut contents = self.contents.borrow_mut();
        if let Some(error) = contents.write_error {
            return Err(error);
        }
        contents.bytes[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn extend(&mut self, size: u64) -> Result<(), NtStatus> {
        self.contents.borrow_mut().bytes.resize(size as usize, 0);
        Ok(())
    }
}

/// A program at 400000: header page, two pages of code at 1000, a page of constants at 3000, of variables one page
/// from the file and two of zeroes at 4000, a page of shared variables at 7000.
pub fn program() -> Vec<u8> {
    let bytes = |seed: u8, count: usize| (0..count).map(|at| seed ^ at as u8 ^ (at >> 8) as u8).collect::<Vec<_>>();
    Image::new(Machine::I386, 0x40_0000)
        .section(".text", section::CODE, bytes(1, 0x1800), 0x1800)
        .section(".rdata", section::CONSTANTS, bytes(2, 0x200), 0x200)
        .section(".data", section::DATA, bytes(3, 0x1000), 0x2800)
        .section(".shared", section::DATA | 0x1000_0000, bytes(4, 0x200), 0x200)
        .entry(0x1000)
        .file()
}

pub fn view(base: u64, protection: u32) -> ViewRequest {
    let protection = Protection(protection);
    ViewRequest { base: Va(base), zero_bits: 0, commit: 0, offset: 0, size: 0, inherit: 2, kind: 0, protection }
}

impl System {
    pub fn section(
        &mut self,
        file: Option<&TestFile>,
        (size, protection, attributes): (u64, u32, u32),
    ) -> Result<Section, NtStatus> {
        let request = SectionRequest { size, protection: Protection(protection), attributes };
        self.memory.create_section(&mut self.ram, file.and_then(TestFile::open), &request)
    }

    pub fn image(&mut self, file: &TestFile) -> Section {
        self.section(Some(file), (0, 0x20, SEC_IMAGE)).unwrap()
    }

    pub fn data(&mut self, file: &TestFile, protection: u32) -> Section {
        self.section(Some(file), (0, protection, SEC_COMMIT)).unwrap()
    }

    pub fn map(&mut self, section: &Section, request: &ViewRequest) -> Result<MappedView, NtStatus> {
        self.memory.map_view(&mut self.ram, self.space, section, request)
    }

    pub fn unmap(&mut self, va: u64) -> Result<(), NtStatus> {
        self.memory.unmap_view(&mut self.ram, self.space, Va(va))
    }

    /// Another process, which is the one that calls are for from now on; the one before.
    pub fn switch(&mut self, space: SpaceIndex) -> SpaceIndex {
        std::mem::replace(&mut self.space, space)
    }
}
