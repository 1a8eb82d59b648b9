//! A page fault from top to bottom: access, walk, reason, handler, then retry or exception.
//!
//! ```text
//! 1 kernel address from user mode             access violation
//! 2 no page table                             the descriptor: nothing committed -> access violation, else build it
//! 3 valid entry                               first write to a clean page, private copy of a shared page,
//!                                             a stale translation, or access violation
//! 4 zero entry                                the descriptor's protection stands for the page's
//! 5 software protection does not allow it     access violation
//! 6 guard page                                not a guard page any more; guard page violation
//! 7 transition, page file, prototype,         the handler; a page that cannot be had is an in-page error
//!   demand zero
//! ```

use crate::cpu::Exception;
use crate::memory::{Arrival, FrameState, Memory, NtStatus, PageFileError, RULES, SHARED_USER, SpaceIndex, Vad};
use crate::memory::{demand_zero, is_guard, private_protection, protection_in};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::pte::{COPY_ON_WRITE, MmProtection, NtPte, PteHome, SOFTWARE_WRITE, decode_pte};
use vatlas_rules::walk::{X86, walk};
use vatlas_space::{Mapping, Pa, PageTableEntry, Pfn, Va, Walk, WalkEnd};

/// What the processor wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FaultAccess {
    /// The address.
    pub va: Va,
    /// A write; otherwise a read or a fetch.
    pub is_write: bool,
    /// From ring 3.
    pub is_user: bool,
}

impl FaultAccess {
    /// What a page fault of the processor says; `None` for another exception.
    pub fn from_exception(exception: &Exception) -> Option<Self> {
        let (va, error) = (exception.address?, exception.error?);
        let has = |bit| error & bit != 0;
        Some(Self { va, is_write: has(Exception::WRITE), is_user: has(Exception::USER) })
    }
}

/// An exception for the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FaultException {
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_GUARD_PAGE_VIOLATION`, `STATUS_STACK_OVERFLOW` or `STATUS_IN_PAGE_ERROR`.
    pub status: NtStatus,
    /// The access: whether it was a write and its address are the first two parameters of the exception record.
    pub access: FaultAccess,
    /// The third parameter of an in-page error: what went wrong underneath.
    pub cause: Option<NtStatus>,
}

/// What the fault was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// A page of zeroes.
    DemandZero,
    /// The page was still in a frame.
    Transition,
    /// The page was read from a page file.
    PageFile,
    /// The page was read from the file of a section.
    File,
    /// The process got its own copy of a shared page.
    CopyOnWrite,
    /// The page is shared, and was in memory for another process.
    Shared,
    /// The guard page of the thread's stack was touched: the stack has grown by a page.
    StackGrowth,
    /// The first write to a clean page.
    FirstWrite,
    /// The entry allows the access: the translation was older than the entry.
    Spurious,
}

impl Resolution {
    /// The success code a tracer shows; none for faults that only change a valid entry.
    pub const fn status(self) -> Option<NtStatus> {
        match self {
            Self::DemandZero => Some(NtStatus::PAGE_FAULT_DEMAND_ZERO),
            Self::Transition => Some(NtStatus::PAGE_FAULT_TRANSITION),
            Self::PageFile | Self::File => Some(NtStatus::PAGE_FAULT_PAGING_FILE),
            Self::CopyOnWrite => Some(NtStatus::PAGE_FAULT_COPY_ON_WRITE),
            Self::StackGrowth => Some(NtStatus::PAGE_FAULT_GUARD_PAGE),
            Self::Shared | Self::FirstWrite | Self::Spurious => None,
        }
    }
}

/// A fault on its way: which page of which space.
#[derive(Clone, Copy)]
struct Fault {
    space: SpaceIndex,
    page: u32,
    access: FaultAccess,
}

impl Fault {
    const fn raise(&self, status: NtStatus, cause: Option<NtStatus>) -> FaultException {
        FaultException { status, access: self.access, cause }
    }

    const fn violation(&self) -> FaultException {
        self.raise(NtStatus::ACCESS_VIOLATION, None)
    }

    const fn in_page_error(&self, error: PageFileError) -> FaultException {
        self.raise(NtStatus::IN_PAGE_ERROR, Some(error.0))
    }
}

impl Memory {
    /// Walks the tables of an address space.
    pub fn walk(&self, ram: &Ram, space: SpaceIndex, va: Va) -> Walk {
        walk::<X86>(self.space(space).cr3().into(), va, |at| ram.read_u32(at).map(u64::from))
    }

    /// Resolves a page fault: the access may be tried again, after [`Self::take_flush`] was obeyed.
    ///
    /// # Errors
    /// The exception that the program gets.
    pub fn fault(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        access: FaultAccess,
    ) -> Result<Resolution, FaultException> {
        let fault = Fault { space, page: (access.va.0 >> 12) as u32 & 0xf_ffff, access };
        if access.va.0 > self.space(space).limits().highest_user.0 {
            return Err(fault.violation());
        }
        match self.walk(ram, space, access.va).end {
            WalkEnd::Invalid { .. } if fault.page == *SHARED_USER.start() => self.fault_on_shared_user(ram, &fault),
            WalkEnd::Mapped(mapping) => self.fault_on_valid(ram, &fault, mapping),
            WalkEnd::Invalid { .. } => self.fault_on_invalid(ram, &fault),
            WalkEnd::NotCaptured { .. } | WalkEnd::NotCanonical => Err(fault.violation()),
        }
    }

    /// The shared user page: mapped for reading by the first access.
    fn fault_on_shared_user(&mut self, ram: &mut Ram, fault: &Fault) -> Result<Resolution, FaultException> {
        if fault.access.is_write {
            return Err(fault.violation());
        }
        let mapped = self.map_shared_user(ram, fault.space);
        mapped.map_err(|status| fault.in_page_error(PageFileError(status)))?;
        Ok(Resolution::Shared)
    }

    /// The entry is valid: a first write, a stale translation, or not allowed.
    fn fault_on_valid(&mut self, ram: &mut Ram, fault: &Fault, mapping: Mapping) -> Result<Resolution, FaultException> {
        let entry = self.entry(ram, fault.space, fault.page);
        match fault.access {
            FaultAccess { is_user: true, .. } if !mapping.is_user => Err(fault.violation()),
            FaultAccess { is_write: true, .. } if !mapping.is_writable => {
                if entry & COPY_ON_WRITE as u32 != 0 {
                    return self.copy_on_write(ram, fault);
                }
                if entry & SOFTWARE_WRITE as u32 == 0 {
                    return Err(fault.violation());
                }
                self.make_dirty(ram, fault.space, fault.page, true);
                self.counters.first_writes += 1;
                Ok(Resolution::FirstWrite)
            }
            _ => {
                self.need_flush();
                Ok(Resolution::Spurious)
            }
        }
    }

    /// The entry is not valid, or there is no table for it: which protection counts, and does it allow the access?
    fn fault_on_invalid(&mut self, ram: &mut Ram, fault: &Fault) -> Result<Resolution, FaultException> {
        let vad = self.space(fault.space).vads().find(fault.page).ok_or_else(|| fault.violation())?;
        let protection = self.protection_of(ram, fault.space, &vad, fault.page).ok_or_else(|| fault.violation())?;
        let is_allowed = if fault.access.is_write { protection.is_writable() } else { protection.is_readable() };
        if !is_allowed {
            return Err(fault.violation());
        }
        let pages = fault.page..=fault.page;
        self.build_tables(ram, fault.space, &pages).map_err(|error| fault.in_page_error(error))?;
        if is_guard(protection) {
            let plain = MmProtection(protection.0 & !MmProtection::GUARD);
            self.protect_page(ram, fault.space, &vad, fault.page, plain);
            return Err(fault.raise(NtStatus::GUARD_PAGE_VIOLATION, None));
        }
        self.make_room(ram, fault.space);
        let entry = self.entry(ram, fault.space, fault.page);
        if let (Some(at), false) = (vad.prototype_of(fault.page), self.is_private(ram, fault.space, &vad, fault.page)) {
            return self.resolve_prototype(ram, fault, &vad, (at, protection));
        }
        match decode_pte(entry.into(), PteHome::PageTable, &RULES) {
            NtPte::Transition { frame, .. } => Ok(self.resolve_transition(ram, fault, frame)),
            NtPte::PageFile { file, page, .. } => self.resolve_page_file(ram, fault, entry, (file, page)),
            _ => self.resolve_demand_zero(ram, fault, protection),
        }
    }

    /// The page is on the standby or the modified list: it comes back as it is.
    fn resolve_transition(&mut self, ram: &mut Ram, fault: &Fault, frame: Pfn) -> Resolution {
        self.frames.unlink(ram, frame);
        let record = self.frames.record(ram, frame);
        let is_dirty = record.is_modified || fault.access.is_write;
        self.map_page(ram, fault.space, fault.page, frame, (record.original, is_dirty));
        self.counters.transition += 1;
        Resolution::Transition
    }

    /// The page is in a page file. Its place there stays taken until the page is written to.
    fn resolve_page_file(
        &mut self,
        ram: &mut Ram,
        fault: &Fault,
        entry: u32,
        place: (u8, u32),
    ) -> Result<Resolution, FaultException> {
        let frame = self.read_page_file(ram, place).map_err(|error| fault.in_page_error(error))?;
        self.map_page(ram, fault.space, fault.page, frame, (entry, fault.access.is_write));
        Ok(Resolution::PageFile)
    }

    /// Reads a page of a page file into a fresh frame.
    pub(crate) fn read_page_file(&mut self, ram: &mut Ram, (file, page): (u8, u32)) -> Result<Pfn, PageFileError> {
        let frame = self.obtain_frame(ram)?;
        let mut bytes = [0; FRAME_BYTES];
        let read = match self.page_files.get_mut(usize::from(file)) {
            Some(file) => file.read(page, &mut bytes),
            None => Err(PageFileError(NtStatus::DEVICE_DATA_ERROR)),
        };
        if let Err(error) = read {
            self.frames.push(ram, frame, FrameState::Free);
            return Err(error);
        }
        ram.write(Pa(frame.0 << 12), &bytes);
        self.counters.page_ins += 1;
        Ok(frame)
    }

    /// The page is shared, through the prototype entry at `at`. A write to write-copy memory makes a private page:
    /// of zeroes at once, or a copy of what was brought in.
    fn resolve_prototype(
        &mut self,
        ram: &mut Ram,
        fault: &Fault,
        vad: &Vad,
        (at, protection): (Va, MmProtection),
    ) -> Result<Resolution, FaultException> {
        let is_write_copy = protection.0 & 5 == 5;
        let form = self.prototype_form(ram, at);
        if is_write_copy && fault.access.is_write && matches!(form, NtPte::DemandZero(_)) {
            return self.resolve_demand_zero(ram, fault, private_protection(protection));
        }
        let (frame, arrival) = self.bring_in(ram, at).map_err(|error| fault.in_page_error(error))?;
        let is_own =
            vad.view.is_some_and(|view| view.is_image) && self.prototype_protection(ram, at) == Some(protection);
        let own = (!is_own).then_some(protection);
        let is_dirty = fault.access.is_write && !is_write_copy;
        self.map_shared(ram, fault.space, fault.page, frame, (own, is_dirty));
        if fault.access.is_write && is_write_copy {
            return self.copy_on_write(ram, fault);
        }
        Ok(match arrival {
            Arrival::Present => Resolution::Shared,
            Arrival::Transition => Resolution::Transition,
            Arrival::Zero => Resolution::DemandZero,
            Arrival::PageFile => Resolution::PageFile,
            Arrival::File => Resolution::File,
        })
    }

    /// A write to a shared page of write-copy memory: the process gets a copy, which is dirty and belongs to the page
    /// file. When the page itself goes away to make room for the copy, the access is tried again.
    fn copy_on_write(&mut self, ram: &mut Ram, fault: &Fault) -> Result<Resolution, FaultException> {
        let copy = self.obtain_frame(ram).map_err(|error| fault.in_page_error(error))?;
        let NtPte::Valid(entry) = self.form(ram, fault.space, fault.page) else {
            self.frames.push(ram, copy, FrameState::Free);
            return Ok(Resolution::Spurious);
        };
        let frame = Pfn((entry.0 & 0xffff_f000) >> 12);
        let own = self.own_protection(fault.space, fault.page);
        let shared = own.unwrap_or(protection_in(self.frames.record(ram, frame).original));
        let mut bytes = [0; FRAME_BYTES];
        ram.read(Pa(frame.0 << 12), &mut bytes);
        ram.write(Pa(copy.0 << 12), &bytes);
        let was_locked = self.is_locked(ram, fault.space, fault.page);
        self.unmap_shared(ram, fault.space, fault.page);
        let original = demand_zero(private_protection(shared));
        self.map_page(ram, fault.space, fault.page, copy, (original, true));
        self.set_locked(ram, fault.space, fault.page, was_locked);
        self.counters.copy_on_write += 1;
        Ok(Resolution::CopyOnWrite)
    }

    /// The page was never touched.
    fn resolve_demand_zero(
        &mut self,
        ram: &mut Ram,
        fault: &Fault,
        protection: MmProtection,
    ) -> Result<Resolution, FaultException> {
        let frame = self.obtain_frame(ram).map_err(|error| fault.in_page_error(error))?;
        let original = demand_zero(protection);
        self.map_page(ram, fault.space, fault.page, frame, (original, fault.access.is_write));
        self.counters.demand_zero += 1;
        Ok(Resolution::DemandZero)
    }

    /// The physical address of a user byte, for an access by the kernel on a program's behalf: with the program's
    /// rights, with faults resolved, and with the bits set that the processor would set.
    pub(crate) fn translate(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        access: FaultAccess,
    ) -> Result<Pa, FaultException> {
        let page = (access.va.0 >> 12) as u32 & 0xf_ffff;
        // A fault leaves a valid entry; a first write to a page that is mapped for reading takes a second one, and a
        // page that was taken away to make room for its copy two more.
        for _ in 0..5 {
            match self.walk(ram, space, access.va).mapping() {
                Some(mapping) if mapping.is_user && (mapping.is_writable || !access.is_write) => {
                    let dirty = if access.is_write { PageTableEntry::DIRTY } else { 0 };
                    let entry = self.entry(ram, space, page) | (PageTableEntry::ACCESSED | dirty) as u32;
                    self.set_entry(ram, space, page, entry);
                    return Ok(mapping.pa);
                }
                _ => self.fault(ram, space, access)?,
            };
        }
        Err(Fault { space, page, access }.violation())
    }
}
