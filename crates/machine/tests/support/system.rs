//! A memory manager with one process and a page file kept in memory, whose disk fails when a test says so; and a
//! check that the tables in guest memory, the frame database and the counts agree.

#![allow(dead_code, reason = "not every test uses all of it")]

#[path = "census.rs"]
mod census;

use census::Census;
use std::cell::RefCell;
use std::rc::Rc;
use vatlas_machine::memory::{AddressLimits, AllocationRequest, PageFile, PageFileError, PageFileStore};
use vatlas_machine::{FaultAccess, FaultException, Memory, NtStatus, Ram, Resolution, SpaceIndex};
use vatlas_space::{Pfn, Protection, Va};

pub const RESERVE: u32 = 0x2000;
pub const COMMIT: u32 = 0x1000;
pub const BOTH: u32 = RESERVE | COMMIT;
pub const PAGE: u64 = 0x1000;

/// The disk under a page file.
#[derive(Default)]
pub struct Disk {
    pub bytes: Vec<u8>,
    pub write_error: Option<NtStatus>,
    pub read_error: Option<NtStatus>,
    pub grow_error: Option<NtStatus>,
}

struct Store(Rc<RefCell<Disk>>);

impl PageFileStore for Store {
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError> {
        let mut disk = self.0.borrow_mut();
        disk.bytes.resize(pages as usize * 4096, 0xee);
        disk.grow_error.map_or(Ok(()), |error| Err(PageFileError(error)))
    }

    fn read(&self, page: u32, bytes: &mut [u8; 4096]) -> Result<(), PageFileError> {
        let disk = self.0.borrow();
        bytes.copy_from_slice(&disk.bytes[page as usize * 4096..][..4096]);
        disk.read_error.map_or(Ok(()), |error| Err(PageFileError(error)))
    }

    fn write(&mut self, page: u32, bytes: &[u8; 4096]) -> Result<(), PageFileError> {
        let mut disk = self.0.borrow_mut();
        if let Some(error) = disk.write_error {
            return Err(PageFileError(error));
        }
        disk.bytes[page as usize * 4096..][..4096].copy_from_slice(bytes);
        Ok(())
    }
}

/// A computer's memory with one process.
pub struct System {
    pub ram: Ram,
    pub memory: Memory,
    pub space: SpaceIndex,
    pub disk: Rc<RefCell<Disk>>,
}

impl System {
    /// So many frames, and a page file of so many pages, that may grow.
    pub fn new(frames: u32, (pages, maximum): (u32, u32)) -> Self {
        Self::on(Ram::new(frames), (pages, maximum), AddressLimits::TWO_GB)
    }

    pub fn on(mut ram: Ram, (pages, maximum): (u32, u32), limits: AddressLimits) -> Self {
        let disk = Rc::new(RefCell::new(Disk::default()));
        let file = PageFile::new(Box::new(Store(Rc::clone(&disk))), pages, maximum).unwrap();
        let mut memory = Memory::new(&mut ram, Pfn(16), vec![file]);
        if limits.highest_user > AddressLimits::TWO_GB.highest_user {
            memory.start_with_three_gigabytes();
        }
        let space = memory.create_space(&mut ram, limits).unwrap();
        Self { ram, memory, space, disk }
    }

    /// Calls are for another process from now on.
    pub fn switch_to(&mut self, space: SpaceIndex) {
        self.space = space;
    }

    pub fn allocate(&mut self, base: u64, size: u32, kind: u32, protection: u32) -> Result<(u64, u32), NtStatus> {
        let protection = Protection(protection);
        let request = AllocationRequest { base: Va(base), zero_bits: 0, size, kind, protection };
        self.memory.allocate(&mut self.ram, self.space, &request).map(|(base, size)| (base.0, size))
    }

    pub fn free(&mut self, base: u64, size: u32, kind: u32) -> Result<(u64, u32), NtStatus> {
        self.memory.free(&mut self.ram, self.space, (Va(base), size), kind).map(|(base, size)| (base.0, size))
    }

    pub fn protect(&mut self, base: u64, size: u32, protection: u32) -> Result<u32, NtStatus> {
        let protection = Protection(protection);
        self.memory.protect(&mut self.ram, self.space, (Va(base), size), protection).map(|old| old.0)
    }

    pub fn lock(&mut self, base: u64, size: u32) -> Result<(), NtStatus> {
        self.memory.lock(&mut self.ram, self.space, (Va(base), size))
    }

    pub fn unlock(&mut self, base: u64, size: u32) -> Result<(), NtStatus> {
        self.memory.unlock(&mut self.ram, self.space, (Va(base), size))
    }

    pub fn write(&mut self, va: u64, bytes: &[u8]) -> Result<(), FaultException> {
        self.memory.write_user(&mut self.ram, self.space, Va(va), bytes)
    }

    pub fn read(&mut self, va: u64, count: usize) -> Result<Vec<u8>, FaultException> {
        let mut buffer = vec![0xcc; count];
        self.memory.read_user(&mut self.ram, self.space, Va(va), &mut buffer).map(|()| buffer)
    }

    pub fn fault(&mut self, va: u64, is_write: bool) -> Result<Resolution, FaultException> {
        self.memory.fault(&mut self.ram, self.space, FaultAccess { va: Va(va), is_write, is_user: true })
    }

    /// The raw entry of an address, read through the directory; 0 where there is no table.
    pub fn entry(&self, va: u64) -> u32 {
        let steps = self.memory.walk(&self.ram, self.space, Va(va));
        steps.steps().get(1).map_or(0, |step| step.entry.0 as u32)
    }

    /// Trims everything and, when asked, writes it to the page file and takes the frames away.
    pub fn trim(&mut self) {
        while self.memory.trim_working_set(&mut self.ram, self.space, u32::MAX) > 0 {}
    }

    /// Every count agrees with what is in guest memory.
    #[track_caller]
    pub fn check(&self) {
        Census::of(self).check(self);
    }
}
