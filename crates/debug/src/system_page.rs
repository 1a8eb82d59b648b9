//! What only a whole system knows of an address: its page's entries, frame, backing and descriptor, and who shares it.

use vatlas_space::{Commit, Page, PageHome, ProcessId, ProcessIndex, Target, Va};

/// Most places that are listed of a frame.
const MOST: usize = 64;

/// Where a frame is mapped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sharer {
    /// Whose address space.
    pub process: ProcessIndex,
    /// Its id.
    pub id: Option<ProcessId>,
    /// Its name.
    pub name: Option<String>,
    /// The page.
    pub va: Va,
}

/// The page of an address in a whole system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SystemPage {
    /// Entries, frame, descriptor.
    pub page: Page,
    /// Every place where its frame is mapped in the user half now, this one among them; at most 64.
    pub mapped_at: Vec<Sharer>,
    /// The commit charge of the system.
    pub commit: Option<Commit>,
}

/// Asks a whole system; `None` where the target is none.
pub fn system_page(target: &dyn Target, process: ProcessIndex, va: Va) -> Option<SystemPage> {
    let system = target.system()?;
    let page = system.page(process, va)?;
    let frame = match page.home {
        PageHome::Frame(pfn) | PageHome::FrameOfOthers(pfn) => Some(pfn),
        _ => None,
    };
    let places = frame.map(|pfn| system.mapped_at(pfn, MOST)).unwrap_or_default();
    let sharer = |(index, va): (ProcessIndex, Va)| {
        let process = target.processes().get(index.0);
        let (id, name) = (process.and_then(|process| process.id), process.and_then(|process| process.name.clone()));
        Sharer { process: index, id, name, va }
    };
    Some(SystemPage { mapped_at: places.into_iter().map(sharer).collect(), commit: system.commit(), page })
}
