//! What a kernel keeps for whoever controls it: where to stop, what to tell, what was told.

use super::data_places::DataPlaces;
use crate::cpu::Event;
use std::collections::BTreeMap;
use vatlas_space::control::{CodePlace, EventKind, EventMask, KernelEvent, Occurrence, Position, Stops, What, Who};

/// Control over one kernel. It is no part of the machine's state.
#[derive(Debug, Default)]
pub struct Control {
    /// By linear address.
    pub(super) code: BTreeMap<u32, Vec<CodePlace>>,
    pub(super) data: DataPlaces,
    pub(super) events: EventMask,
    is_on: bool,
    /// Told since the kernel was entered, not judged yet.
    pub(super) noted: Vec<KernelEvent>,
    /// What the run stopped for.
    pub(super) occurrences: Vec<Occurrence>,
    /// How often the kernel was entered.
    pub(super) entries: u64,
    /// Why the kernel is about to be entered, where the run stopped before that.
    pub(super) pending: Option<(usize, Event)>,
    /// By thread: the breakpoint that was reported, as the instructions that it had executed and where it was.
    pub(super) reported: BTreeMap<u32, (u64, u32)>,
    /// Everything that it stops for, to be set again.
    pub(super) stops: Stops,
    /// A run ends when [`Position::entry`] is this.
    target: Option<u64>,
    /// The processor that stopped.
    pub(super) stopped: Option<usize>,
    /// A run ends when this thread gets a processor.
    pub(super) awaited: Option<u32>,
    is_awaited_there: bool,
}

impl Control {
    /// Stops for these and nothing else.
    pub(super) fn set(&mut self, stops: &Stops) {
        self.code.clear();
        for place in &stops.code {
            if let Ok(va) = u32::try_from(place.va.0) {
                self.code.entry(va).or_default().push(*place);
            }
        }
        self.data.set(&stops.data);
        self.events = stops.events;
        self.stops = stops.clone();
        self.noted.clear();
        self.decide();
    }

    /// Whether anything is wanted that costs more than a look at this.
    fn decide(&mut self) {
        let has_places = !self.code.is_empty() || !self.data.is_empty();
        self.is_on = has_places || !self.events.is_empty() || self.awaited.is_some() || self.target.is_some();
    }

    /// Ends runs when the kernel was entered so often, or is about to be.
    pub(super) fn set_target(&mut self, target: Option<u64>) {
        self.target = target;
        self.decide();
    }

    /// Whether a run ends because the kernel is about to be entered.
    pub(super) fn is_target_before(&self) -> bool {
        self.target == Some(2 * self.entries + 1)
    }

    /// Whether a run ends because the kernel was entered.
    pub(super) fn is_target_behind(&self) -> bool {
        self.target == Some(2 * self.entries)
    }

    /// Ends runs when a thread gets a processor.
    pub(super) fn wait_for(&mut self, thread: Option<u32>) {
        self.awaited = thread;
        self.is_awaited_there = false;
        self.decide();
    }

    /// Whether the thread that is waited for got a processor since this was asked last.
    pub(super) fn take_awaited(&mut self) -> bool {
        std::mem::take(&mut self.is_awaited_there)
    }

    /// Forgets what the run before stopped for.
    pub(crate) fn begin_run(&mut self) {
        self.occurrences.clear();
        self.stopped = None;
    }

    /// Whether the run stopped for something.
    pub(crate) const fn has_stopped(&self) -> bool {
        !self.occurrences.is_empty()
    }

    /// Whether anything has to be asked at all.
    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether data are watched whose pages move when the kernel works.
    #[inline]
    pub(crate) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }

    /// Whether somebody wants to be told about events of a kind.
    #[inline]
    pub(crate) const fn wants(&self, kind: EventKind) -> bool {
        self.is_on && (self.events.has(kind) || self.awaited.is_some() && matches!(kind, EventKind::ContextSwitch))
    }

    /// Tells what happened.
    pub(crate) fn note(&mut self, who: Who, what: What) {
        if let What::ContextSwitch { to, .. } = &what
            && self.awaited == Some(to.thread)
        {
            self.is_awaited_there = true;
        }
        if self.events.has(what.kind()) {
            self.noted.push(KernelEvent { who, what });
        }
    }

    /// The kernel is entered.
    #[inline]
    pub(crate) const fn count_entry(&mut self) {
        self.entries += 1;
    }

    /// The moment, of which the kernel knows how many instructions were executed.
    pub(crate) const fn position(&self, instructions: u64) -> Position {
        Position { instructions, entry: 2 * self.entries + self.pending.is_some() as u64 }
    }

    /// The entry that a run stopped before.
    pub(crate) const fn take_pending(&mut self) -> Option<(usize, Event)> {
        self.pending.take()
    }

    /// Goes with the kernel to another moment.
    pub(super) fn move_to(&mut self, entry: u64) {
        self.entries = entry / 2;
        self.pending = None;
        self.noted.clear();
        self.occurrences.clear();
        self.reported.clear();
        self.stopped = None;
        self.data.forget();
    }
}
