//! The account of frames and of the commit charge, with sums.

use crate::process_choice::title;
use vatlas_space::{CommitUse, FrameState, FrameUse, ProcessIndex, System, Target};

/// A line of the account. A difference may be negative.
pub struct Line {
    /// What has the pages.
    pub what: String,
    /// How many.
    pub pages: i64,
}

impl Line {
    fn new(what: impl Into<String>, pages: u64) -> Self {
        Self { what: what.into(), pages: i64::try_from(pages).unwrap_or(i64::MAX) }
    }
}

/// The account of a system.
pub struct Account {
    states: (Vec<Line>, Line),
    in_use: (Vec<Line>, Line),
    commit: (Vec<Line>, Line),
    /// Pages that can be promised.
    pub limit: Option<u64>,
}

impl Account {
    /// Adds everything up.
    pub fn of(target: &dyn Target, system: &dyn System) -> Self {
        let counts = system.frame_counts();
        let states = (0..8).map(FrameState::of_number).zip(counts.by_state).filter(|(_, pages)| *pages > 0);
        let states = states.map(|(state, pages)| Line::new(state.to_string(), pages)).collect();
        let in_use = system.frame_parts().into_iter().filter(|part| part.pages > 0);
        let in_use = in_use.map(|part| Line::new(frame_use(target, part.owner), part.pages)).collect();
        let commit = system.commit_parts().into_iter().filter(|part| part.pages > 0);
        let commit: Vec<Line> = commit.map(|part| Line::new(commit_use(target, &part.owner), part.pages)).collect();
        let charge = system.commit();
        let charged = if commit.is_empty() { 0 } else { charge.map_or(0, |charge| charge.charged) };
        Self {
            states: with_total(states, "all frames", counts.total),
            in_use: with_total(in_use, "frames in use", counts.by_state[FrameState::Active as usize]),
            commit: with_total(commit, "commit charge", charged),
            limit: charge.map(|charge| charge.limit),
        }
    }

    /// Title, lines and sum of each part.
    pub fn parts(&self) -> [(&'static str, &[Line], &Line); 3] {
        [
            ("frames by state", &self.states.0, &self.states.1),
            ("frames in use", &self.in_use.0, &self.in_use.1),
            ("commit charge", &self.commit.0, &self.commit.1),
        ]
    }
}

/// What the lines do not explain is a line of its own.
fn with_total(mut lines: Vec<Line>, what: &'static str, total: u64) -> (Vec<Line>, Line) {
    let total = Line::new(what, total);
    let difference = total.pages - lines.iter().map(|line| line.pages).sum::<i64>();
    if difference != 0 && !lines.is_empty() {
        lines.push(Line { what: "not accounted for".to_owned(), pages: difference });
    }
    (lines, total)
}

fn process(target: &dyn Target, index: ProcessIndex) -> String {
    target.processes().get(index.0).map_or_else(|| "a process".to_owned(), |process| title(target, process))
}

fn frame_use(target: &dyn Target, owner: FrameUse) -> String {
    match owner {
        FrameUse::Private(index) => format!("{}: private pages", process(target, index)),
        FrameUse::PageTables(index) => format!("{}: page tables", process(target, index)),
        FrameUse::Shared => "pages of images and sections that processes share".to_owned(),
        FrameUse::Kernel => "kernel: pages and page tables".to_owned(),
        FrameUse::Unmapped => "in use, and in no page table: not for programs, or in use for a moment".to_owned(),
    }
}

fn commit_use(target: &dyn Target, owner: &CommitUse) -> String {
    let named = |id: &u32| {
        let found = target.processes().iter().find(|process| process.id.is_some_and(|known| known.0 == *id));
        let unnamed = || if *id == 0 { "Idle (0)".to_owned() } else { format!("process {id}") };
        found.map_or_else(unnamed, |process| title(target, process))
    };
    match owner {
        CommitUse::Memory(id) => format!("{}: memory", named(id)),
        CommitUse::PageTables(id) => format!("{}: page tables", named(id)),
        CommitUse::Ended => "processes that ended and whose memory is not gone".to_owned(),
        CommitUse::Sections => "sections".to_owned(),
        CommitUse::Kernel => "kernel: pools, stacks, tables".to_owned(),
    }
}
