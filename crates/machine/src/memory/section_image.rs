//! What an image section is: which pages of the file go where, with which protection.
//!
//! ```text
//! header            read only                  .text  execute, read      .data  write-copy
//! no X, W, R        no access                  X, W   execute, write-copy
//! W and SHARED      read and write, one copy for all processes
//! ```
//!
//! Offsets in the file are rounded down to sectors of 512 bytes. An image whose sections are not aligned to pages is
//! mapped as one run of its file, all of it write-copy.

use crate::memory::NtStatus;
use crate::memory::control_area::{Plan, Source, Subsection};
use crate::memory::section::SectionFile;
use vatlas_images::pe_load::{PeLoad, PeLoadSection};
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::Rva;

/// Bytes in which headers must be.
const HEADER_BYTES: usize = 0x1_0000;
/// Most sections of an image that XP loads.
const MOST_SECTIONS: usize = 96;
const SECTOR: u64 = 512;
const SHARED: u32 = 0x1000_0000;
const EXECUTE: u32 = 0x2000_0000;
const READ: u32 = 0x4000_0000;
const WRITE: u32 = 0x8000_0000;
/// `IMAGE_FILE_LARGE_ADDRESS_AWARE`.
const LARGE_ADDRESS_AWARE: u16 = 0x20;
/// `IMAGE_FILE_EXECUTABLE_IMAGE`.
const EXECUTABLE: u16 = 2;
const I386: u16 = 0x14c;

/// What `SectionImageInformation` tells, and where the image wants to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ImageInformation {
    /// `AddressOfEntryPoint`; 0 when there is none.
    pub entry_point: Rva,
    /// `ImageBase`.
    pub image_base: u32,
    /// `SizeOfImage`, bytes.
    pub size_of_image: u32,
    /// `SizeOfStackReserve`, bytes.
    pub stack_reserve: u32,
    /// `SizeOfStackCommit`, bytes.
    pub stack_commit: u32,
    /// `Subsystem`.
    pub subsystem: u16,
    /// Major and minor version of the subsystem.
    pub subsystem_version: (u16, u16),
    /// `Characteristics` of the file header.
    pub characteristics: u16,
    /// `DllCharacteristics`.
    pub dll_characteristics: u16,
    /// `Machine`.
    pub machine: u16,
    /// Whether it has code.
    pub has_code: bool,
    /// Bytes of the file.
    pub file_size: u32,
}

impl ImageInformation {
    /// Whether a process of it may use more than 2 GB.
    pub const fn is_large_address_aware(&self) -> bool {
        self.characteristics & LARGE_ADDRESS_AWARE != 0
    }

    /// `SECTION_IMAGE_INFORMATION` of a 32-bit system; the entry point as if at the preferred base.
    pub fn to_bytes(&self) -> [u8; 0x30] {
        let entry = if self.entry_point.0 == 0 { 0 } else { self.image_base.wrapping_add(self.entry_point.0) };
        let (major, minor) = self.subsystem_version;
        let words = [
            entry,
            0,
            self.stack_reserve,
            self.stack_commit,
            self.subsystem.into(),
            u32::from(major) << 16 | u32::from(minor),
            0,
            u32::from(self.dll_characteristics) << 16 | u32::from(self.characteristics),
            u32::from(self.has_code) << 16 | u32::from(self.machine),
            0,
            self.file_size,
            0,
        ];
        let mut bytes = [0; 0x30];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The protection of a section of an image.
fn protection(characteristics: u32) -> MmProtection {
    let has = |bit| characteristics & bit != 0;
    match (has(EXECUTE), has(WRITE), has(READ)) {
        (true, true, _) if has(SHARED) => MmProtection(6),
        (false, true, _) if has(SHARED) => MmProtection::READWRITE,
        (true, true, _) => MmProtection::EXECUTE_WRITECOPY,
        (false, true, _) => MmProtection::WRITECOPY,
        (true, false, true) => MmProtection(3),
        (true, false, false) => MmProtection(2),
        (false, false, true) => MmProtection::READONLY,
        (false, false, false) => MmProtection::NOACCESS,
    }
}

/// Reads the headers of an image, in NT's order of checks.
fn read_headers(file: &mut dyn SectionFile) -> Result<PeLoad, NtStatus> {
    let mut bytes = vec![0; HEADER_BYTES.min(usize::try_from(file.size()).unwrap_or(HEADER_BYTES))];
    let count = file.read(0, &mut bytes)?;
    bytes.truncate(count);
    if !bytes.starts_with(b"MZ") || bytes.len() < 0x40 {
        return Err(NtStatus::INVALID_IMAGE_NOT_MZ);
    }
    let header = bytes.get(0x3c..).and_then(<[u8]>::first_chunk).map_or(0, |at| u32::from_le_bytes(*at));
    let signature = usize::try_from(header).ok().and_then(|at| bytes.get(at..)?.first_chunk::<4>().copied());
    if signature != Some(*b"PE\0\0") {
        return Err(NtStatus::INVALID_IMAGE_PROTECT);
    }
    let load = PeLoad::read(&bytes).map_err(|_| NtStatus::INVALID_IMAGE_FORMAT)?;
    let is_right = load.machine == I386
        && load.is_32_bit
        && load.characteristics & EXECUTABLE != 0
        && load.size_of_image != 0
        && load.size_of_headers != 0
        && load.size_of_headers <= load.size_of_image
        && load.section_alignment.is_power_of_two()
        && load.sections.len() <= MOST_SECTIONS
        && load.image_base.is_multiple_of(0x1_0000);
    is_right.then_some(load).ok_or(NtStatus::INVALID_IMAGE_FORMAT)
}

/// Pages of a section of an image: those of its bytes in memory.
fn pages_of(section: &PeLoadSection) -> u32 {
    let bytes = if section.virtual_size == 0 { section.file_size } else { section.virtual_size };
    bytes.div_ceil(0x1000)
}

/// What is between two sections: addresses without anything.
const fn gap(first: u32, end: u32) -> Subsection {
    Subsection {
        first,
        pages: end - first,
        offset: 0,
        bytes: 0,
        protection: MmProtection::NOACCESS,
        rest: Source::Nothing,
    }
}

/// The pages of a section; `None` where it is not aligned, out of order, behind the image or behind the file.
fn plan_section(section: &PeLoadSection, from: u32, end: u32, file_size: u64) -> Option<Subsection> {
    let (first, pages) = (section.rva.0 >> 12, pages_of(section));
    let offset = section.file_offset.0 / SECTOR * SECTOR;
    let bytes = if section.file_offset.0 == 0 { 0 } else { u64::from(section.file_size).min(u64::from(pages) << 12) };
    let is_right = section.rva.0.is_multiple_of(0x1000)
        && first >= from
        && first.checked_add(pages)? <= end
        && (bytes == 0 || offset + bytes <= file_size);
    let protection = protection(section.characteristics);
    is_right.then_some(Subsection { first, pages, offset, bytes, protection, rest: Source::Zero })
}

fn plan_pages(load: &PeLoad, file_size: u64) -> Option<Plan> {
    let end = load.size_of_image.div_ceil(0x1000);
    let bytes = u64::from(load.size_of_headers).min(file_size);
    let plain =
        |pages, bytes, protection| Subsection { first: 0, pages, offset: 0, bytes, protection, rest: Source::Zero };
    if load.section_alignment < 0x1000 {
        let bytes = file_size.min(u64::from(load.size_of_image));
        return Some(Plan { subsections: vec![plain(end, bytes, MmProtection::EXECUTE_WRITECOPY)] });
    }
    let headers = load.size_of_headers.div_ceil(0x1000);
    let mut subsections = vec![plain(headers, bytes, MmProtection::READONLY)];
    let mut next = headers;
    for section in load.sections.iter().filter(|section| pages_of(section) > 0) {
        let planned = plan_section(section, next, end, file_size)?;
        if planned.first > next {
            subsections.push(gap(next, planned.first));
        }
        next = planned.first + planned.pages;
        subsections.push(planned);
    }
    if next < end {
        subsections.push(gap(next, end));
    }
    Some(Plan { subsections })
}

/// The pages of an image, and what is known of it.
pub(crate) fn plan_image(file: &mut dyn SectionFile) -> Result<(Plan, ImageInformation), NtStatus> {
    let load = read_headers(file)?;
    let plan = plan_pages(&load, file.size()).ok_or(NtStatus::INVALID_IMAGE_FORMAT)?;
    let clip = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    let information = ImageInformation {
        entry_point: load.entry_point,
        image_base: u32::try_from(load.image_base).map_err(|_| NtStatus::INVALID_IMAGE_FORMAT)?,
        size_of_image: load.size_of_image,
        stack_reserve: clip(load.stack_reserve),
        stack_commit: clip(load.stack_commit),
        subsystem: load.subsystem,
        subsystem_version: load.subsystem_version,
        characteristics: load.characteristics,
        dll_characteristics: load.dll_characteristics,
        machine: load.machine,
        has_code: load.size_of_code != 0,
        file_size: clip(file.size()),
    };
    Ok((plan, information))
}
