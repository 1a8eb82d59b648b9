//! Counts everything that the memory manager has in guest memory, and compares it with its lists and charges.

use crate::system::System;
use std::collections::{BTreeMap, BTreeSet};
use vatlas_machine::SpaceIndex;
use vatlas_machine::memory::{ControlArea, FrameRecord, FrameState, Vad};
use vatlas_space::{Pa, Pfn, Va};

const SHARED_USER: u64 = 0x7ffe0;

/// What was found.
#[derive(Default)]
pub struct Census {
    /// Places in the page file.
    slots: BTreeSet<u32>,
    /// Frames that one process maps.
    private: u32,
    /// How many entries map a shared frame.
    shares: BTreeMap<Pfn, u32>,
    /// Frames on the standby and the modified list.
    waiting: u32,
    /// Page tables and directories.
    tables: u32,
    /// Commit charge of processes and sections.
    charged: u32,
}

impl Census {
    pub fn of(system: &System) -> Self {
        let mut census = Self::default();
        for space in system.memory.spaces() {
            census.add_space(system, space);
            check_descriptors(system, space);
        }
        system.memory.areas().for_each(|(_, area)| census.add_area(system, area));
        census
    }

    fn add_slot(&mut self, entry: u32) {
        if entry & 0xc01 == 0 && entry >> 12 != 0 {
            assert!(self.slots.insert(entry >> 12 << 4 | entry >> 1 & 15), "two pages in one place of the page file");
        }
    }

    fn add_waiting(&mut self, record: &FrameRecord, at: Pa, entry: u32) {
        assert!(matches!(record.state, FrameState::Standby | FrameState::Modified), "{record:?}");
        assert_eq!(record.entry_at(), at);
        assert_eq!(record.original & 0x3e0, entry & 0x3e0, "protections");
        self.waiting += 1;
    }

    fn add_space(&mut self, system: &System, space: SpaceIndex) {
        let (memory, process) = (&system.memory, system.memory.space(space));
        self.tables += 1;
        let mut members = 0;
        let before = self.tables;
        for table in 0..768_u64 {
            let pde = system.ram.read_u32(Pa(u64::from(process.cr3()) + table * 4)).unwrap();
            if pde & 1 == 0 || pde & 4 == 0 {
                continue;
            }
            self.tables += 1;
            let mut shares = 1;
            for index in 0..1024_u64 {
                let at = Pa(u64::from(pde & !0xfff) + index * 4);
                let counts = self.add_entry(system, space, at, table << 10 | index);
                (members, shares) = (members + counts.0, shares + counts.1);
            }
            let record = memory.frames().record(&system.ram, Pfn((pde >> 12).into()));
            assert_eq!(record.shares, shares, "shares of table {table:x}");
        }
        assert_eq!(members, process.working_set().size());
        assert!(self.tables - before <= process.charged_tables(), "a table that is not charged");
        self.charged += 1 + process.committed_pages() + process.charged_tables();
    }

    /// Whether the page is in the working set, and whether it counts for its table.
    fn add_entry(&mut self, system: &System, space: SpaceIndex, at: Pa, page: u64) -> (u32, u32) {
        let (memory, process) = (&system.memory, system.memory.space(space));
        let pte = system.ram.read_u32(at).unwrap();
        let frame = Pfn((pte >> 12).into());
        let record = memory.frames().record(&system.ram, frame);
        match pte {
            _ if page == SHARED_USER => (0, 0),
            _ if pte & 1 != 0 && record.is_prototype => {
                let vad = process.vads().find(page as u32).unwrap();
                let first = vad.view.unwrap().prototype.0;
                assert_eq!(
                    (record.state, record.entry),
                    (FrameState::Active, Va(first + (page - u64::from(vad.first)) * 4))
                );
                assert!(process.working_set().members().iter().any(|m| (u64::from(m.page), m.frame) == (page, frame)));
                assert_eq!(pte & 0x600 != 0 && pte & 2 != 0, pte & 0x200 == 0 && pte & 2 != 0, "copies are made");
                *self.shares.entry(frame).or_default() += 1;
                (1, 1)
            }
            _ if pte & 1 != 0 => {
                assert_eq!((record.state, record.entry_at(), record.shares), (FrameState::Active, at, 1));
                let member = process.working_set().members()[record.link as usize];
                assert_eq!((u64::from(member.page), member.frame), (page, frame));
                self.private += 1;
                self.add_slot(record.original);
                (1, 1)
            }
            _ if pte & 0x400 != 0 => (0, 0),
            _ if pte & 0x800 != 0 => {
                self.add_waiting(&record, at, pte);
                self.add_slot(record.original);
                (0, 1)
            }
            _ => {
                self.add_slot(pte);
                (0, 0)
            }
        }
    }

    fn add_area(&mut self, system: &System, area: &ControlArea) {
        let (memory, ram) = (&system.memory, &system.ram);
        let (first, count) = area.prototypes();
        for at in (0..u64::from(count)).map(|page| Va(first.0 + page * 4)) {
            let pa = memory.kernel_address(ram, at).unwrap();
            let pte = ram.read_u32(pa).unwrap();
            let frame = Pfn((pte >> 12).into());
            let record = memory.frames().record(ram, frame);
            if pte & 1 != 0 {
                assert!(record.is_prototype && record.entry == at && record.state == FrameState::Active);
                assert_eq!(self.shares.get(&frame), Some(&record.shares), "share count");
                self.add_slot(record.original);
            } else if pte & 0xc00 == 0x800 {
                self.add_waiting(&record, pa, pte);
                self.add_slot(record.original);
            } else {
                self.add_slot(pte);
            }
        }
        self.charged += area.committed();
        let word = |at| memory.read_kernel_u32(ram, Va(area.address().0 + at)).unwrap();
        assert_eq!((word(0), word(0xc), word(0x14)), (area.segment().0 as u32, area.users().0, area.users().1));
    }

    #[track_caller]
    pub fn check(&self, system: &System) {
        let (memory, frames) = (&system.memory, system.memory.frames());
        assert_eq!(self.waiting, frames.count(FrameState::Standby) + frames.count(FrameState::Modified));
        assert_eq!(self.slots.len() as u32, memory.page_files()[0].used());
        let free = frames.count(FrameState::Free) + frames.count(FrameState::Zeroed);
        let used = self.waiting + self.private + self.shares.len() as u32 + self.tables + memory.kernel_pages();
        assert_eq!(free + used, frames.usable(), "frames");
        assert_eq!(memory.commit().charged(), self.charged + memory.kernel_pages(), "commit");
    }
}

/// The tree in guest memory has what the index has, in order, and descriptors of views charge what they must.
fn check_descriptors(system: &System, space: SpaceIndex) {
    let process = system.memory.space(space);
    let mut found = Vec::new();
    let mut open = Vec::new();
    let word = |at: Va, offset: u64| system.memory.read_kernel_u32(&system.ram, Va(at.0 + offset)).unwrap();
    let child = |at: Va, offset: u64| Some(Va(word(at, offset).into())).filter(|child| *child != Va(0));
    let mut next = Some(process.vad_root()).filter(|root| *root != Va(0));
    while next.is_some() || !open.is_empty() {
        if let Some(node) = next {
            [8_u64 + 4, 8 + 8].iter().filter_map(|side| child(node, *side)).for_each(|below| {
                assert_eq!(Va(word(below, 8).into()), node, "parent");
            });
            open.push(node);
            next = child(node, 0xc);
        } else if let Some(node) = open.pop() {
            found.push((word(node, 0), word(node, 4), node));
            next = child(node, 0x10);
        }
        assert!(open.len() < 64, "depth");
    }
    let index: Vec<_> = process.vads().iter().map(|vad| (vad.first, vad.last, vad.node)).collect();
    assert_eq!(found, index);
    for vad in process.vads().iter() {
        let tag = word(Va(vad.node.0 - 4), 0).to_le_bytes();
        assert_eq!(&tag[..3], b"Vad");
        assert_eq!(word(vad.node, 0x14) & 0x7_ffff, vad.commit);
        if vad.view.is_some() {
            assert_eq!(charged(system, space, vad), vad.commit, "commit of a view at {:x}", vad.first);
        }
    }
}

/// Pages of a view that are private or would be.
fn charged(system: &System, space: SpaceIndex, vad: &Vad) -> u32 {
    let is_charged = |page: &u32| {
        let va = Va(u64::from(*page) << 12);
        let steps = system.memory.walk(&system.ram, space, va);
        let pte = steps.steps().get(1).map_or(0, |step| step.entry.0 as u32);
        let frame = system.memory.frames().record(&system.ram, Pfn((pte >> 12).into()));
        let is_private = if pte & 1 != 0 { !frame.is_prototype } else { pte != 0 && pte & 0x400 == 0 };
        let protect = system.memory.query(&system.ram, space, va).unwrap().protect.0 & 0xff;
        is_private || protect == 8 || protect == 0x80
    };
    vad.pages().filter(is_charged).count() as u32
}
