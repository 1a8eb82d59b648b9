//! Where a page is, in the order in which NT's fault handler looks: the page tables, the software form of an invalid
//! entry, the descriptor, the prototype entry, the subsection.

use super::memory::{KernelMemory, PAGE, Reader, field};
use vatlas_rules::nt::pte::{COPY_ON_WRITE, MmProtection, NtPte, PteHome, SOFTWARE_WRITE, decode_pte, pte_letters};
use vatlas_rules::nt::structures::subsection::{BASE, CONTROL_AREA, FLAGS, FULL_SECTORS, STARTING_SECTOR};
use vatlas_space::{
    Frame, Mapping, Pa, Page, PageHome, PageTableEntry, Pfn, Protection, RegionKind, Source, Step, TableLevel, Va, Vad,
    WalkEnd,
};

/// Bytes of a sector, which subsections count by.
const SECTOR: u64 = 512;

/// Whose page it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owner {
    /// Its `EPROCESS`.
    pub(super) object: Va,
    /// The page directory.
    pub(super) directory: Pa,
    /// The root of its descriptors.
    pub(super) vads: Option<Va>,
    /// The last address of programs.
    pub(super) highest_user: Va,
}

/// A page on the way to an answer.
struct Answer {
    page: Page,
    /// Whether anybody wants to know how.
    is_told: bool,
}

impl Answer {
    fn step(&mut self, source: Source, finding: impl FnOnce() -> String) {
        if self.is_told {
            self.page.steps.push(Step::new(finding(), source));
        }
    }

    fn protect(&mut self, protection: MmProtection) {
        self.page.protection = Some(protection.protection());
    }
}

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// All about the page of an address.
    pub(super) fn page(self, owner: &Owner, va: Va) -> Page {
        let vad = (va <= owner.highest_user).then(|| self.vad_of(owner.vads, va)).flatten();
        self.page_within(owner, va, vad, true)
    }

    /// The same where the descriptor is known; `is_told`: with the steps.
    pub(super) fn page_within(self, owner: &Owner, va: Va, vad: Option<Vad>, is_told: bool) -> Page {
        let walk = self.walk(owner.directory, va);
        let (home, steps) = (PageHome::Unknown, Vec::new());
        let page = Page { walk, home, protection: None, prototype: None, frame: None, vad, steps };
        let mut answer = Answer { page, is_told };
        self.tell_walk(&mut answer, va);
        match walk.end {
            WalkEnd::Mapped(mapping) => self.mapped(&mut answer, va, mapping),
            WalkEnd::Invalid { level: TableLevel::Pte, entry } => {
                self.invalid(&mut answer, va, decode_pte(entry.0, PteHome::PageTable, &self.roots.rules));
            }
            WalkEnd::Invalid { .. } => self.ask_vad(&mut answer, va),
            WalkEnd::NotCaptured { .. } | WalkEnd::NotCanonical => {}
        }
        let frame = match answer.page.home {
            PageHome::Frame(_) => answer.page.frame,
            PageHome::FrameOfOthers(pfn) | PageHome::Transition(pfn) => self.frame(pfn),
            _ => None,
        };
        if let Some(frame) = &frame {
            answer.step(Source::Stream("frame database"), || frame_words(frame));
        }
        Page { frame, ..answer.page }
    }

    fn tell_walk(self, answer: &mut Answer, va: Va) {
        if !answer.is_told {
            return;
        }
        let tables = [(TableLevel::Pde, 0xc030_0000, 22), (TableLevel::Pte, 0xc000_0000, 12)];
        for step in answer.page.walk.steps().to_vec() {
            // Where the entry is seen: the self-map.
            let seen = tables.iter().find(|(level, ..)| *level == step.level);
            let at = seen.map_or(Va(step.at.0), |(_, base, shift)| Va(base + (va.0 >> shift) * 4));
            answer.step(Source::Stream("page tables"), || {
                format!("{} at {at} is {:08x} ({})", step.level, step.entry.0, letters(step.entry))
            });
        }
    }

    fn mapped(self, answer: &mut Answer, va: Va, mapping: Mapping) {
        answer.page.home = PageHome::Frame(Pfn(mapping.pa.0 >> 12));
        answer.step(Source::Stream("page tables"), || format!("physical address {}", mapping.pa));
        let entry = answer.page.walk.steps().last().map(|step| step.entry).unwrap_or_default();
        answer.page.frame = self.frame(Pfn(mapping.pa.0 >> 12));
        answer.page.protection = Some(valid_protection(entry, mapping, answer.page.frame.as_ref()));
        self.find_prototype(answer, va);
    }

    /// A page of a view that is still shared has its prototype entry beside it.
    fn find_prototype(self, answer: &mut Answer, va: Va) {
        let Some(at) = answer.page.vad.as_ref().and_then(|vad| prototype_of(vad, va)) else { return };
        let Some(raw) = self.kernel_u32(at) else { return };
        let leads_to = match decode_pte(raw.into(), PteHome::Prototype, &self.roots.rules) {
            NtPte::Valid(entry) => Some(Pfn(entry.0 >> 12 & 0xf_ffff)),
            _ => None,
        };
        if matches!(answer.page.home, PageHome::Frame(pfn) if Some(pfn) == leads_to) {
            answer.page.prototype = Some((at, raw.into()));
            answer.step(Source::Memory(at), || format!("shared through the prototype entry at {at}: {raw:08x}"));
        } else {
            answer.step(Source::Memory(at), || "a private copy: the prototype entry leads elsewhere".to_owned());
        }
    }

    fn invalid(self, answer: &mut Answer, va: Va, form: NtPte) {
        let source = Source::Stream("page tables");
        match form {
            NtPte::AskVad => self.ask_vad(answer, va),
            NtPte::Prototype { at, .. } => self.prototype(answer, at),
            NtPte::PrototypeByVad(protection) => {
                answer
                    .step(source, || "the entry says: shared, the descriptor leads to the prototype entry".to_owned());
                if let Some(at) = answer.page.vad.as_ref().and_then(|vad| prototype_of(vad, va)) {
                    self.prototype(answer, at);
                }
                answer.protect(protection);
            }
            private => self.private(answer, private, source),
        }
    }

    /// A software form that needs no other entry, in a page table or among prototype entries.
    fn private(self, answer: &mut Answer, form: NtPte, source: Source) {
        let home = match form {
            NtPte::DemandZero(_) => PageHome::DemandZero,
            NtPte::Decommitted => PageHome::Reserved,
            NtPte::PageFile { file, page, .. } => PageHome::PageFile { file, page },
            NtPte::Transition { frame, .. } => PageHome::Transition(frame),
            _ => return,
        };
        if let NtPte::DemandZero(mask)
        | NtPte::PageFile { protection: mask, .. }
        | NtPte::Transition { protection: mask, .. } = form
        {
            answer.protect(mask);
        }
        answer.step(source, || match form {
            NtPte::Decommitted => "the entry says: decommitted".to_owned(),
            _ => format!("the entry says: {home}"),
        });
        answer.page.home = home;
    }

    /// A zero entry, or no table at all.
    fn ask_vad(self, answer: &mut Answer, va: Va) {
        let Some(vad) = answer.page.vad.clone() else {
            answer.page.home = PageHome::Free;
            return answer.step(Source::Stream("VADs"), || "no descriptor has this address".to_owned());
        };
        if let Some(at) = prototype_of(&vad, va) {
            answer.page.protection = Some(vad.protection);
            return self.prototype(answer, at);
        }
        let (home, says) = match (vad.kind, vad.is_committed) {
            (RegionKind::Private, true) => (PageHome::DemandZero, "committed: zeroes, at the first touch"),
            (RegionKind::Private, false) => (PageHome::Reserved, "reserved, and not committed"),
            _ => (PageHome::Unknown, "a view without prototype entries"),
        };
        answer.page.protection = (home == PageHome::DemandZero).then_some(vad.protection);
        answer.page.home = home;
        answer.step(Source::Stream("VADs"), || format!("the descriptor at {} says: {says}", vad.at));
    }

    /// The page is shared: its prototype entry has the truth.
    fn prototype(self, answer: &mut Answer, at: Va) {
        let source = Source::Memory(at);
        let Some(raw) = self.kernel_u32(at) else { return };
        answer.page.prototype = Some((at, raw.into()));
        answer.step(source.clone(), || format!("the prototype entry at {at} is {raw:08x}"));
        match decode_pte(raw.into(), PteHome::Prototype, &self.roots.rules) {
            NtPte::Valid(entry) => {
                let pfn = Pfn(entry.0 >> 12 & 0xf_ffff);
                answer.page.home = PageHome::FrameOfOthers(pfn);
                answer.step(source, || format!("it is valid: others have the page in frame {:#x}", pfn.0));
            }
            NtPte::Subsection { at: subsection, protection } => {
                let home = self.in_file(at, subsection);
                answer.step(source, || format!("it leads to the subsection at {subsection}: {home}"));
                answer.page.home = home;
                answer.protect(protection);
            }
            NtPte::AskVad => answer.page.home = PageHome::Reserved,
            other => self.private(answer, other, source),
        }
    }

    /// The place in a file of a page with a prototype entry.
    fn in_file(self, prototype: Va, subsection: Va) -> PageHome {
        let word = |offset| self.kernel_u32(field(subsection, offset)?).map(u64::from);
        let read = || {
            let page = prototype.offset_from(Va(word(BASE)?))? / 4;
            let bytes = word(FULL_SECTORS)? * SECTOR + (word(FLAGS)? >> 20 & 0xfff);
            let offset = (page * PAGE < bytes).then_some(word(STARTING_SECTOR)? * SECTOR + page * PAGE);
            let name = self.control_area_file(Va(word(CONTROL_AREA)?));
            Some(PageHome::File { name, offset })
        };
        read().unwrap_or(PageHome::Unknown)
    }

    /// Reads from a page; how many bytes are there. A page of zeroes on demand has them all.
    pub(super) fn read_page(self, page: &Page, va: Va, buffer: &mut [u8]) -> usize {
        let within = va.0 % PAGE;
        let count = buffer.len().min((PAGE - within) as usize);
        let buffer = &mut buffer[..count];
        let is_read = match &page.home {
            PageHome::Frame(pfn) | PageHome::FrameOfOthers(pfn) | PageHome::Transition(pfn) => {
                let large = page.walk.mapping().map(|mapping| mapping.pa);
                let at = large.unwrap_or(Pa((pfn.0 << 12) | within));
                self.memory.read_physical(at, buffer)
            }
            PageHome::PageFile { file, page } => {
                let mut bytes = [0; PAGE as usize];
                let is_read = self.memory.read_page_file(*file, *page, &mut bytes);
                buffer.copy_from_slice(&bytes[within as usize..within as usize + count]);
                is_read
            }
            PageHome::DemandZero | PageHome::File { offset: None, .. } => {
                buffer.fill(0);
                true
            }
            PageHome::File { offset: Some(offset), .. } => {
                buffer.fill(0);
                let area = page.vad.as_ref().and_then(|vad| vad.control_area);
                // What is behind the end of a section's bytes are zeroes.
                area.is_some_and(|area| self.memory.read_file(area, offset + within, buffer) > 0)
            }
            PageHome::Reserved | PageHome::Free | PageHome::Unknown => false,
        };
        if is_read { count } else { 0 }
    }
}

/// The prototype entry of an address by its descriptor.
fn prototype_of(vad: &Vad, va: Va) -> Option<Va> {
    let page = vad.range.offset_of(va)? / PAGE;
    vad.first_prototype?.checked_add(page * 4)
}

fn frame_words(frame: &Frame) -> String {
    let whose = if frame.is_shared { "a shared page" } else { "a page of one owner" };
    let (state, shares, references) = (frame.state, frame.share_count, frame.reference_count);
    format!("frame {:#x} is {state}, holds {whose}, share count {shares}, reference count {references}", frame.pfn.0)
}

/// Flags of a valid entry as a debugger prints them, or the raw word for what it is.
fn letters(entry: PageTableEntry) -> String {
    match (entry.0, entry.has(PageTableEntry::VALID)) {
        (_, true) => pte_letters(entry),
        (0, _) => "nothing".to_owned(),
        _ => "not valid".to_owned(),
    }
}

/// Protection of a page that the processor can use: what the frame's record would put back into the entry, cut down to
/// what the entry allows now.
fn valid_protection(entry: PageTableEntry, mapping: Mapping, frame: Option<&Frame>) -> Protection {
    let recorded = frame.map(|frame| MmProtection((frame.original >> 5 & 0x1f) as u8).protection());
    let is_code = recorded.is_some_and(Protection::is_executable);
    let is_writable = mapping.is_writable || entry.has(SOFTWARE_WRITE);
    match (entry.has(COPY_ON_WRITE), is_writable, is_code) {
        (true, _, false) => Protection::WRITECOPY,
        (true, _, true) => Protection::EXECUTE_WRITECOPY,
        (_, true, false) => Protection::READWRITE,
        (_, true, true) => Protection::EXECUTE_READWRITE,
        (_, false, false) => Protection::READONLY,
        (_, false, true) => Protection::EXECUTE_READ,
    }
}
