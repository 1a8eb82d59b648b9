//! `NtMapViewOfSection` and `NtUnmapViewOfSection`: NT's checks in NT's order, then a descriptor and no entries.

use crate::memory::allocate::{MEM_TOP_DOWN, is_write_copy, protection_mask};
use crate::memory::control_area::AreaKind;
use crate::memory::entries::tables_of;
use crate::memory::section::Section;
use crate::memory::space::SHARED_USER;
use crate::memory::{ControlAreaIndex, MEM_RESERVE, Memory, NtStatus, SpaceIndex, Vad, View};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::{Protection, Va};

/// `ViewShare`: a child process gets the view.
pub const VIEW_SHARE: u32 = 1;
/// `ViewUnmap`: it does not.
pub const VIEW_UNMAP: u32 = 2;
const MEM_LARGE_PAGES: u32 = 0x2000_0000;
const MEM_DOS_LIM: u32 = 0x4000_0000;
const KNOWN: u32 = MEM_TOP_DOWN | MEM_RESERVE | MEM_LARGE_PAGES | MEM_DOS_LIM;
const GRANULARITY: u64 = 0x1_0000;

/// The parameters of `NtMapViewOfSection`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewRequest {
    /// Where; 0 for anywhere, of an image for where it wants to be.
    pub base: Va,
    /// How many high bits of the address must be 0, at most 21.
    pub zero_bits: u32,
    /// Bytes to commit, of a section that is only reserved.
    pub commit: u32,
    /// Where in the section the view begins.
    pub offset: u64,
    /// Bytes; 0 for all that follow.
    pub size: u32,
    /// `ViewShare` or `ViewUnmap`.
    pub inherit: u32,
    /// `MEM_*` bits.
    pub kind: u32,
    /// `PAGE_*` value; of an image it must only be one.
    pub protection: Protection,
}

/// A view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MappedView {
    /// Where it is.
    pub base: Va,
    /// Bytes.
    pub size: u32,
    /// Success, or [`NtStatus::IMAGE_NOT_AT_BASE`].
    pub status: NtStatus,
}

/// Whether views of a section may have a protection: not more rights than the section has; a private copy needs the
/// right to read.
pub(crate) fn is_compatible(section: MmProtection, view: MmProtection) -> bool {
    const NONE: u8 = 1 << 0;
    const READ: u8 = NONE | 1 << 1 | 1 << 5;
    const READ_WRITE: u8 = READ | 1 << 4;
    const EXECUTE: u8 = NONE | 1 << 2;
    const EXECUTE_READ: u8 = READ | EXECUTE | 1 << 3 | 1 << 7;
    const ALLOWED: [u8; 8] =
        [NONE, READ, EXECUTE, EXECUTE_READ, READ_WRITE, READ, EXECUTE_READ | READ_WRITE | 1 << 6, EXECUTE_READ];
    ALLOWED[usize::from(section.0 & 7)] >> (view.0 & 7) & 1 != 0
}

/// The checks of the parameters alone.
fn check_parameters(request: &ViewRequest, highest: u64) -> Result<MmProtection, NtStatus> {
    let (base, size) = (request.base.0, u64::from(request.size));
    if request.inherit != VIEW_SHARE && request.inherit != VIEW_UNMAP {
        return Err(NtStatus::INVALID_PARAMETER_8);
    }
    if request.kind & !KNOWN != 0 {
        return Err(NtStatus::INVALID_PARAMETER_9);
    }
    if request.zero_bits > 21 {
        return Err(NtStatus::INVALID_PARAMETER_4);
    }
    let mask = protection_mask(request.protection).ok_or(NtStatus::INVALID_PAGE_PROTECTION)?;
    if base > highest {
        return Err(NtStatus::INVALID_PARAMETER_3);
    }
    if highest + 1 - base < size {
        return Err(NtStatus::INVALID_PARAMETER_5);
    }
    if base != 0 && request.zero_bits != 0 && base + size > u64::from(u32::MAX >> request.zero_bits) + 1 {
        return Err(NtStatus::INVALID_PARAMETER_4);
    }
    if request.kind & MEM_DOS_LIM == 0
        && (!base.is_multiple_of(GRANULARITY) || !request.offset.is_multiple_of(GRANULARITY))
    {
        return Err(NtStatus::MAPPED_ALIGNMENT);
    }
    Ok(mask)
}

/// What a view will be, but for its place.
#[derive(Clone, Copy)]
struct Extent {
    area: ControlAreaIndex,
    /// First page in the section.
    first: u32,
    pages: u32,
    protection: MmProtection,
    is_image: bool,
}

impl Memory {
    /// Maps a view of a section.
    ///
    /// # Errors
    /// The status of the first check that fails. Nothing is changed then.
    pub fn map_view(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        section: &Section,
        request: &ViewRequest,
    ) -> Result<MappedView, NtStatus> {
        let protection = check_parameters(request, self.space(space).limits().highest_vad.0)?;
        let extent = self.extent_of(section, request, protection)?;
        let (pages, status) = self.place_view(space, &extent, request)?;
        let commit = self.view_commit(&extent);
        self.charge(commit + self.uncharged_tables(space, &pages))?;
        self.mark_tables(space, &pages);
        self.count_committed(space, &pages, 1);
        let vad = self.view_vad(&extent, &pages, (commit, request));
        self.insert_charged(ram, space, vad)?;
        self.update_area(ram, extent.area, |area| area.views += 1);
        let base = Va(u64::from(*pages.start()) << 12);
        if request.commit > 0 && matches!(self.area_kind(extent.area), Some(AreaKind::PageFile { is_committed: false }))
        {
            let count = request.commit.div_ceil(0x1000).min(extent.pages);
            let fresh = *pages.start()..=pages.start() + count - 1;
            if let Err(status) = self.commit_section(ram, &vad, &fresh) {
                self.remove_view(ram, space, *pages.start());
                return Err(status);
            }
        }
        Ok(MappedView { base, size: extent.pages << 12, status })
    }

    pub(crate) fn area_kind(&self, area: ControlAreaIndex) -> Option<AreaKind> {
        self.area(area).map(|area| area.kind)
    }

    /// Which pages of the section, with which protection.
    fn extent_of(
        &self,
        section: &Section,
        request: &ViewRequest,
        protection: MmProtection,
    ) -> Result<Extent, NtStatus> {
        let area = self.area(section.area).ok_or(NtStatus::INVALID_PARAMETER_1)?;
        let is_image = area.kind == AreaKind::Image;
        if !is_image && !is_compatible(section.protection, protection) {
            return Err(NtStatus::SECTION_PROTECTION);
        }
        let whole = section.size.min(u64::from(area.pages) << 12);
        let offset = request.offset / 0x1000 * 0x1000;
        let rest = whole.checked_sub(offset).filter(|rest| *rest > 0).ok_or(NtStatus::INVALID_VIEW_SIZE)?;
        let bytes = if request.size == 0 { rest } else { u64::from(request.size) + (request.offset - offset) };
        if bytes > rest.next_multiple_of(0x1000) {
            return Err(NtStatus::INVALID_VIEW_SIZE);
        }
        let pages = u32::try_from(bytes.div_ceil(0x1000)).map_err(|_| NtStatus::INVALID_VIEW_SIZE)?;
        let first = u32::try_from(offset >> 12).map_err(|_| NtStatus::INVALID_VIEW_SIZE)?;
        let protection = if is_image { MmProtection::EXECUTE_WRITECOPY } else { protection };
        Ok(Extent { area: section.area, first, pages, protection, is_image })
    }

    /// Where the view goes. An image goes where it wants to be, if nobody said where and it is free there.
    fn place_view(
        &self,
        space: SpaceIndex,
        extent: &Extent,
        request: &ViewRequest,
    ) -> Result<(RangeInclusive<u32>, NtStatus), NtStatus> {
        let process = self.space(space);
        let allowed = u64::from(u32::MAX >> request.zero_bits);
        let highest = (process.limits().highest_vad.0.min(allowed) >> 12) as u32;
        let is_free = |first: u32| {
            let last = first.checked_add(extent.pages - 1).filter(|last| first >= 0x10 && *last <= highest)?;
            let is_shared_user = first <= *SHARED_USER.end() && last >= *SHARED_USER.start();
            (!is_shared_user && !process.vads().overlaps(&(first..=last))).then_some(first..=last)
        };
        let image = self.area(extent.area).and_then(|area| area.image).filter(|_| extent.is_image);
        let wanted = image.map(|image| (image.image_base >> 12).saturating_add(extent.first));
        let status = |first: u32| match wanted {
            Some(wanted) if wanted != first => NtStatus::IMAGE_NOT_AT_BASE,
            _ => NtStatus::SUCCESS,
        };
        if request.base.0 != 0 {
            let pages = is_free((request.base.0 >> 12) as u32).ok_or(NtStatus::CONFLICTING_ADDRESSES)?;
            let status = status(*pages.start());
            return Ok((pages, status));
        }
        if let Some(pages) = wanted.and_then(is_free) {
            return Ok((pages, NtStatus::SUCCESS));
        }
        let is_top_down = request.kind & MEM_TOP_DOWN != 0;
        let hole = process.vads().hole(extent.pages, highest, &SHARED_USER, is_top_down);
        let first = hole.ok_or(NtStatus::NO_MEMORY)?;
        Ok((first..=first + extent.pages - 1, status(first)))
    }

    /// Pages that a view charges: those of which a write makes a private copy.
    fn view_commit(&self, extent: &Extent) -> u32 {
        let Some(area) = self.area(extent.area) else { return 0 };
        if !extent.is_image {
            return if is_write_copy(extent.protection) { extent.pages } else { 0 };
        }
        let end = extent.first + extent.pages;
        let parts = area.subsections.iter().filter(|part| part.is_write_copy());
        parts.map(|part| end.min(part.first + part.pages).saturating_sub(part.first.max(extent.first))).sum()
    }

    /// What a view charges when it is mapped anew as a descriptor describes it.
    pub(crate) fn fresh_view_commit(&self, vad: &Vad) -> u32 {
        let Some((view, area)) = vad.view.and_then(|view| Some((view, self.area(view.area)?))) else { return 0 };
        let (first, pages) = (area.page_of(view.prototype), vad.last - vad.first + 1);
        let extent = Extent { area: view.area, first, pages, protection: vad.protection, is_image: view.is_image };
        self.view_commit(&extent)
    }

    fn view_vad(&self, extent: &Extent, pages: &RangeInclusive<u32>, (commit, request): (u32, &ViewRequest)) -> Vad {
        let view = View {
            area: extent.area,
            prototype: self.area(extent.area).map_or(Va(0), |area| area.prototype(extent.first)),
            is_image: extent.is_image,
            offset: (request.offset / GRANULARITY) as u32,
            is_inherited: request.inherit == VIEW_SHARE,
        };
        Vad { view: Some(view), commit, ..Vad::private(pages, extent.protection) }
    }

    /// Unmaps the view with an address.
    ///
    /// # Errors
    /// `STATUS_NOT_MAPPED_VIEW` where no view is; `STATUS_INVALID_PAGE_PROTECTION` for a secured one.
    pub fn unmap_view(&mut self, ram: &mut Ram, space: SpaceIndex, va: Va) -> Result<(), NtStatus> {
        let page =
            Some(va).filter(|va| va.0 <= self.space(space).limits().highest_user.0).map(|va| (va.0 >> 12) as u32);
        let vad = page.and_then(|page| self.space(space).vads().find(page)).filter(|vad| vad.view.is_some());
        let vad = vad.ok_or(NtStatus::NOT_MAPPED_VIEW)?;
        if vad.is_secured {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        self.remove_view(ram, space, vad.first);
        Ok(())
    }

    /// A view goes away; pages that it changed go to their lists.
    pub(crate) fn remove_view(&mut self, ram: &mut Ram, space: SpaceIndex, first: u32) {
        let Some(vad) = self.space(space).vads().find(first) else { return };
        let Some(view) = vad.view else { return };
        for page in vad.pages() {
            if self.entry(ram, space, page) != 0 {
                self.drop_page(ram, space, page);
                self.set_entry(ram, space, page, 0);
            }
        }
        self.count_committed(space, &vad.pages(), -1);
        tables_of(&vad.pages()).for_each(|table| self.settle_table(ram, space, table));
        self.commit.release(vad.commit);
        self.delete_vad(ram, space, &vad);
        self.update_area(ram, view.area, |area| area.views = area.views.saturating_sub(1));
        self.retire_area(ram, view.area);
    }

    /// Commits pages of a section that is only reserved, for all views.
    pub(crate) fn commit_section(
        &mut self,
        ram: &mut Ram,
        vad: &Vad,
        pages: &RangeInclusive<u32>,
    ) -> Result<(), NtStatus> {
        let Some(view) = vad.view else { return Err(NtStatus::CONFLICTING_ADDRESSES) };
        let prototypes = pages.clone().filter_map(|page| vad.prototype_of(page));
        let fresh: Vec<Va> = prototypes.filter(|at| self.prototype_entry(ram, *at) == 0).collect();
        self.charge(fresh.len() as u32)?;
        let template = self.area(view.area).and_then(|area| area.subsections.first()).map(|part| part.protection);
        let entry = crate::memory::demand_zero(template.unwrap_or(MmProtection::READWRITE));
        fresh.iter().for_each(|at| self.set_prototype(ram, *at, entry));
        self.update_area(ram, view.area, |area| area.committed += fresh.len() as u32);
        Ok(())
    }
}
