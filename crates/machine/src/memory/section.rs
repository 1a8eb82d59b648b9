//! Sections: what `NtCreateSection` makes, of an image, of a data file or of the page file.
//!
//! A section object leads to a control area, which all sections of one file and one kind share, and which lives until
//! neither a section object nor a view needs it.

use crate::memory::allocate::protection_mask;
use crate::memory::control_area::{AreaKind, ControlArea, Plan};
use crate::memory::section_image::{ImageInformation, plan_image};
use crate::memory::{ControlAreaIndex, Memory, NtStatus};
use crate::ram::Ram;
use std::fmt;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::Protection;

/// Pages are reserved; committing them in a view commits them for all.
pub const SEC_RESERVE: u32 = 0x400_0000;
/// Pages are committed.
pub const SEC_COMMIT: u32 = 0x800_0000;
/// The file is an image.
pub const SEC_IMAGE: u32 = 0x100_0000;
const SEC_BASED: u32 = 0x20_0000;
const SEC_NO_CHANGE: u32 = 0x40_0000;
const SEC_NOCACHE: u32 = 0x1000_0000;
const KNOWN: u32 = SEC_RESERVE | SEC_COMMIT | SEC_IMAGE | SEC_BASED | SEC_NO_CHANGE | SEC_NOCACHE;
/// Most pages of a section: 4 GB.
const MOST_PAGES: u64 = 1 << 20;

/// What a section reads and writes: a file of the owner. The machine opens none.
pub trait SectionFile {
    /// Bytes of the file now.
    fn size(&self) -> u64;

    /// Reads bytes; fewer than asked only at the end of the file.
    ///
    /// # Errors
    /// What goes under the in-page error of the program that needed the page.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, NtStatus>;

    /// Writes bytes inside the file.
    ///
    /// # Errors
    /// Why not; the page stays in memory, and is written again later.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), NtStatus>;

    /// Makes the file longer; the new bytes are zeroes.
    ///
    /// # Errors
    /// Why not; then there is no section.
    fn extend(&mut self, size: u64) -> Result<(), NtStatus>;
}

/// Equal for all opens of one file, and different for different files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct FileIdentity(pub u64);

/// A file, and which it is.
pub type IdentifiedFile = (FileIdentity, Box<dyn SectionFile>);

/// The parameters of `NtCreateSection`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SectionRequest {
    /// `MaximumSize`, bytes; 0 for the size of the file.
    pub size: u64,
    /// `SectionPageProtection`: the most that views may do.
    pub protection: Protection,
    /// `AllocationAttributes`: `SEC_*` bits.
    pub attributes: u32,
}

/// The body of a section object. It holds a reference: give it to [`Memory::close_section`] in the end.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Section {
    pub(crate) area: ControlAreaIndex,
    pub(crate) protection: MmProtection,
    pub(crate) size: u64,
}

impl Section {
    /// Its control area.
    pub const fn control_area(&self) -> ControlAreaIndex {
        self.area
    }

    /// Bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What it was made with.
    pub const fn protection(&self) -> Protection {
        self.protection.protection()
    }
}

impl fmt::Debug for dyn SectionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file of {} bytes", self.size())
    }
}

/// The parameters alone.
fn check_request(request: &SectionRequest, has_file: bool) -> Result<MmProtection, NtStatus> {
    let has = |bits| request.attributes & bits != 0;
    let kinds = (request.attributes & (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE)).count_ones();
    if has(!KNOWN) || kinds != 1 || has(SEC_IMAGE) && has(SEC_NOCACHE | SEC_NO_CHANGE) {
        return Err(NtStatus::INVALID_PARAMETER_6);
    }
    let mask = protection_mask(request.protection).ok_or(NtStatus::INVALID_PAGE_PROTECTION)?;
    if mask.0 > 7 || !mask.is_readable() {
        return Err(NtStatus::INVALID_PAGE_PROTECTION);
    }
    if has(SEC_IMAGE) && !has_file {
        return Err(NtStatus::INVALID_FILE_FOR_SECTION);
    }
    if has(SEC_BASED | SEC_NO_CHANGE | SEC_NOCACHE) {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    Ok(mask)
}

/// Pages of so many bytes.
fn pages_for(bytes: u64) -> Result<u32, NtStatus> {
    let pages = Some(bytes.div_ceil(0x1000)).filter(|pages| *pages <= MOST_PAGES);
    pages.and_then(|pages| u32::try_from(pages).ok()).ok_or(NtStatus::SECTION_TOO_BIG)
}

impl Memory {
    /// `NtCreateSection`: without a file, of the page file. A file whose control area of this kind is there is shared.
    ///
    /// # Errors
    /// The status of the first check that fails; what reading the file, the commit limit or the pools end in.
    pub fn create_section(
        &mut self,
        ram: &mut Ram,
        file: Option<IdentifiedFile>,
        request: &SectionRequest,
    ) -> Result<Section, NtStatus> {
        let protection = check_request(request, file.is_some())?;
        let (area, size) = match file {
            None => self.page_file_area(ram, request, protection)?,
            Some(file) if request.attributes & SEC_IMAGE != 0 => self.image_area(ram, file)?,
            Some(file) => self.data_area(ram, file, request.size, protection)?,
        };
        self.update_area(ram, area, |area| area.references += 1);
        Ok(Section { area, protection, size })
    }

    /// The section object goes away. Views of it stay.
    #[expect(clippy::needless_pass_by_value, reason = "the reference that it holds is given back")]
    pub fn close_section(&mut self, ram: &mut Ram, section: Section) {
        let area = section.area;
        self.update_area(ram, area, |area| area.references = area.references.saturating_sub(1));
        self.retire_area(ram, area);
    }

    /// `SectionImageInformation`, of an image section.
    pub fn image_information(&self, section: &Section) -> Option<ImageInformation> {
        self.area(section.area)?.image
    }

    /// Whether sections or views of a file are there: as an image, or as data.
    pub fn is_mapped(&self, file: FileIdentity, is_image: bool) -> bool {
        self.area_by_file.contains_key(&(file, is_image))
    }

    fn page_file_area(
        &mut self,
        ram: &mut Ram,
        request: &SectionRequest,
        protection: MmProtection,
    ) -> Result<(ControlAreaIndex, u64), NtStatus> {
        let count = pages_for(request.size)?;
        if count == 0 {
            return Err(NtStatus::INVALID_PARAMETER_4);
        }
        let is_committed = request.attributes & SEC_COMMIT != 0;
        let plan = Plan::of_page_file(count, protection, is_committed);
        Ok((self.build_area(ram, AreaKind::PageFile { is_committed }, plan, None, request.size)?, request.size))
    }

    fn image_area(
        &mut self,
        ram: &mut Ram,
        (identity, mut file): IdentifiedFile,
    ) -> Result<(ControlAreaIndex, u64), NtStatus> {
        if let Some(area) = self.area_by_file.get(&(identity, true)).copied() {
            return Ok((area, self.area(area).map_or(0, |area| area.size)));
        }
        let (plan, information) = plan_image(file.as_mut())?;
        let size = u64::from(information.size_of_image);
        let area = self.build_area(ram, AreaKind::Image, plan, Some((identity, file)), size)?;
        self.update_area(ram, area, |area| area.image = Some(information));
        Ok((area, size))
    }

    /// A data file: read-only sections are not longer than the file, others make it longer.
    fn data_area(
        &mut self,
        ram: &mut Ram,
        (identity, mut file): IdentifiedFile,
        size: u64,
        protection: MmProtection,
    ) -> Result<(ControlAreaIndex, u64), NtStatus> {
        let size = if size == 0 { file.size() } else { size };
        if size == 0 {
            return Err(NtStatus::MAPPED_FILE_SIZE_ZERO);
        }
        pages_for(size)?;
        if size > file.size() {
            if !protection.is_writable() || protection.0 & 5 == 5 {
                return Err(NtStatus::SECTION_TOO_BIG);
            }
            file.extend(size)?;
        }
        let whole = file.size();
        if let Some(index) = self.area_by_file.get(&(identity, false)).copied() {
            if self.area(index).is_some_and(|area| area.covers(size)) {
                self.update_area(ram, index, |area| area.grow_last(whole));
                return Ok((index, size));
            }
            // It is too short. While it is in use it cannot grow.
            self.flush_area(ram, index)?;
            self.retire_area(ram, index);
            if self.area(index).is_some() {
                return Err(NtStatus::USER_MAPPED_FILE);
            }
        }
        let plan = Plan::of_data_file(whole)?;
        Ok((self.build_area(ram, AreaKind::Data, plan, Some((identity, file)), whole)?, size))
    }
}

impl ControlArea {
    /// Whether its prototype entries reach so far.
    fn covers(&self, size: u64) -> bool {
        u64::from(self.pages) << 12 >= size
    }

    /// The file became longer within its last page.
    fn grow_last(&mut self, size: u64) {
        self.size = self.size.max(size.min(u64::from(self.pages) << 12));
        let whole = self.size;
        if let Some(last) = self.subsections.last_mut() {
            last.bytes = whole.saturating_sub(last.offset);
        }
    }
}
