//! Who shares the frames of an image: which pages of which process are the section's own, which became copies, and what
//! it cost that an image is not where it was linked for.
//!
//! ```text
//! shared   the process's entry leads to the frame of the prototype entry: one frame for all
//! copied   a write made a page of the process's own: by the program, or by the loader when it fixed addresses
//! not used the process has no entry for the page yet
//! ```

use std::collections::{BTreeMap, BTreeSet};
use vatlas_space::{Page, PageHome, Pfn, ProcessId, ProcessIndex, RegionKind, System, Target, Va, Vad};

/// Most pages of a view that are looked at: 256 MB.
const MOST_PAGES: u64 = 1 << 16;
const PAGE: u64 = 0x1000;

/// A section of an image file, as its headers tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageSection {
    /// `.text`.
    pub name: String,
    /// First page, counted from the front of the image.
    pub first: u32,
    /// Pages.
    pub pages: u32,
    /// Programs may write to it.
    pub is_writable: bool,
}

/// What the headers of an image tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImageFacts {
    /// Where it was linked for.
    pub preferred: Option<Va>,
    /// Pages with addresses that change with its place, and how many places in each.
    pub fixed: BTreeMap<u32, u32>,
    /// Its sections by address.
    pub sections: Vec<ImageSection>,
}

/// Reads the headers of an image that a process has at an address; nothing where they cannot be read.
pub type ReadFacts<'a> = &'a dyn Fn(ProcessIndex, Va) -> Option<ImageFacts>;

/// What a process has of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageUse {
    /// The section's own frame.
    Shared(Pfn),
    /// A copy, in a frame of this process's own, or away in the page file.
    Copied(Option<Pfn>),
    /// Nothing yet.
    NotUsed,
}

/// A view of an image in a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageView {
    /// Whose it is.
    pub process: ProcessIndex,
    /// Its id and name.
    pub id: Option<ProcessId>,
    /// File name of its program.
    pub name: Option<String>,
    /// Where it is.
    pub base: Va,
    /// What the process has of each page.
    pub pages: Vec<PageUse>,
}

impl ImageView {
    /// Pages that are shared.
    pub fn shared(&self) -> usize {
        self.pages.iter().filter(|page| matches!(page, PageUse::Shared(_))).count()
    }

    /// Pages that are copies.
    pub fn copied(&self) -> usize {
        self.pages.iter().filter(|page| matches!(page, PageUse::Copied(_))).count()
    }
}

/// An image that is mapped, and all who map it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedImage {
    /// Its file, where that is known.
    pub file: Option<String>,
    /// Its control area.
    pub control_area: Va,
    /// What its headers tell.
    pub facts: ImageFacts,
    /// Its views in order of process and address.
    pub views: Vec<ImageView>,
}

/// What relocation of a view cost, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RelocationCost {
    /// Pages with addresses to fix.
    pub fixed: usize,
    /// Of them, those that nobody would have written but for that: in sections that programs may not write.
    pub in_code: usize,
    /// Of `in_code`, those that are copies now.
    pub copied: usize,
}

impl SharedImage {
    /// Pages of the longest view.
    pub fn pages(&self) -> usize {
        self.views.iter().map(|view| view.pages.len()).max().unwrap_or(0)
    }

    /// Whether a view is elsewhere than the image was linked for.
    pub fn is_moved(&self, view: &ImageView) -> bool {
        self.facts.preferred.is_some_and(|preferred| preferred != view.base)
    }

    /// Frames that hold pages of the image now.
    pub fn frames(&self) -> usize {
        let frame = |page: &PageUse| match page {
            PageUse::Shared(frame) | PageUse::Copied(Some(frame)) => Some(*frame),
            _ => None,
        };
        self.views.iter().flat_map(|view| view.pages.iter().filter_map(frame)).collect::<BTreeSet<_>>().len()
    }

    /// Frames that it would take if no process shared with another.
    pub fn frames_unshared(&self) -> usize {
        let is_in_frame = |page: &&PageUse| matches!(page, PageUse::Shared(_) | PageUse::Copied(Some(_)));
        self.views.iter().map(|view| view.pages.iter().filter(is_in_frame).count()).sum()
    }

    /// How many views share the frame of a page.
    pub fn sharers(&self, page: usize) -> usize {
        let is_shared = |view: &&ImageView| matches!(view.pages.get(page), Some(PageUse::Shared(_)));
        self.views.iter().filter(is_shared).count()
    }

    /// The section that a page is in; the headers are in none.
    pub fn section_of(&self, page: u32) -> Option<&ImageSection> {
        self.facts.sections.iter().find(|part| page.checked_sub(part.first).is_some_and(|offset| offset < part.pages))
    }

    /// What it cost that a view was moved; nothing for one that was not.
    pub fn relocation(&self, view: &ImageView) -> Option<RelocationCost> {
        if !self.is_moved(view) {
            return None;
        }
        let is_code = |page: &&u32| self.section_of(**page).is_none_or(|section| !section.is_writable);
        let in_code: Vec<u32> = self.facts.fixed.keys().filter(is_code).copied().collect();
        let is_copied = |page: &&u32| matches!(view.pages.get(**page as usize), Some(PageUse::Copied(_)));
        let copied = in_code.iter().filter(is_copied).count();
        Some(RelocationCost { fixed: self.facts.fixed.len(), in_code: in_code.len(), copied })
    }
}

/// The images that the processes of a system map, by file name. `None` where the target is no system.
pub fn sharing(target: &dyn Target, read: ReadFacts<'_>) -> Option<Vec<SharedImage>> {
    let system = target.system()?;
    let mut images: BTreeMap<Va, SharedImage> = BTreeMap::new();
    for number in 0..target.processes().len() {
        let process = ProcessIndex(number);
        for vad in system.vads(process) {
            let Some(control_area) = vad.control_area.filter(|_| vad.kind == RegionKind::Image) else { continue };
            let view = view_of(target, system, process, &vad);
            let image = images.entry(control_area).or_insert_with(|| SharedImage {
                file: vad.file.clone(),
                control_area,
                facts: read(process, view.base).unwrap_or_default(),
                views: Vec::new(),
            });
            image.views.push(view);
        }
    }
    let mut images: Vec<SharedImage> = images.into_values().collect();
    images.sort_by(|one, other| (&one.file, one.control_area).cmp(&(&other.file, other.control_area)));
    Some(images)
}

fn view_of(target: &dyn Target, system: &dyn System, process: ProcessIndex, vad: &Vad) -> ImageView {
    let base = vad.range.first();
    let count = (vad.range.size() / PAGE).min(MOST_PAGES);
    let page = |number: u64| base.checked_add(number * PAGE).and_then(|va| system.page(process, va));
    let pages = (0..count).map(|number| page(number).map_or(PageUse::NotUsed, |page| use_of(&page))).collect();
    let owner = target.processes().get(process.0);
    let (id, name) = (owner.and_then(|owner| owner.id), owner.and_then(|owner| owner.name.clone()));
    ImageView { process, id, name, base, pages }
}

/// A page with its prototype entry in use is shared; one that is somewhere without it is a copy.
fn use_of(page: &Page) -> PageUse {
    match (&page.home, page.prototype) {
        (PageHome::Frame(frame), Some(_)) => PageUse::Shared(*frame),
        (_, Some(_)) => PageUse::NotUsed,
        (PageHome::Frame(frame) | PageHome::Transition(frame), None) => PageUse::Copied(Some(*frame)),
        (PageHome::PageFile { .. } | PageHome::DemandZero, None) => PageUse::Copied(None),
        _ => PageUse::NotUsed,
    }
}
