//! The kernel's pools in guest memory: blocks with XP's `POOL_HEADER` in front, the tag 4 bytes before the block.
//!
//! ```text
//! -8  PreviousSize:9 | PoolIndex:7 | BlockSize:9 | PoolType:7      in units of 8 bytes; type 0 is a free block
//! -4  PoolTag
//! ```
//!
//! Blocks of more than a page less a header are whole pages without a header. Which blocks are free is known in Rust;
//! the headers are written for whoever reads the memory. Values of `PoolType` are unverified.

use crate::memory::address_runs::AddressRuns;
use crate::memory::{Memory, NtStatus};
use crate::ram::{FRAME_BYTES, Ram};
use std::collections::{BTreeMap, BTreeSet};
use vatlas_space::Va;

/// Bytes of a header, and what sizes are rounded to.
const UNIT: u32 = 8;
const PAGE: u32 = FRAME_BYTES as u32;
/// Where the pageable part of paged pool begins.
const PAGEABLE: u32 = 0xe600_0000;

/// Which pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum PoolKind {
    /// Processes, threads, descriptors, control areas: from 83000000, or F8000000.
    NonPaged = 0,
    /// Prototype entries, names: from E1000000. Its pages stay in memory.
    Paged = 1,
    /// Paged pool of drivers, whose pages go to the page file: from E6000000.
    Pageable = 2,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Block {
    /// With its header.
    bytes: u32,
    tag: [u8; 4],
    is_free: bool,
}

/// One pool.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Pool {
    kind: PoolKind,
    runs: AddressRuns,
    /// Small blocks by the address of their header.
    blocks: BTreeMap<u32, Block>,
    /// Free ones by size, then address.
    free: BTreeSet<(u32, u32)>,
    /// Whole pages by address.
    big: BTreeMap<u32, u32>,
}

impl Pool {
    fn new(kind: PoolKind, first: u32, end: u32) -> Self {
        let runs = AddressRuns::new(first >> 12, end >> 12);
        Self { kind, runs, blocks: BTreeMap::new(), free: BTreeSet::new(), big: BTreeMap::new() }
    }

    /// Nonpaged pool where entries can name its subsections: up to 88000000, or below FFBE0000; paged pool up to the
    /// kernel stacks.
    pub(crate) fn all(is_high: bool) -> [Self; 3] {
        let (first, end) = if is_high { (0xf800_0000, 0xffbe_0000) } else { (0x8300_0000, 0x8800_0000) };
        [
            Self::new(PoolKind::NonPaged, first, end),
            Self::new(PoolKind::Paged, 0xe100_0000, PAGEABLE),
            Self::new(PoolKind::Pageable, PAGEABLE, 0xeb00_0000),
        ]
    }

    /// A new page is one free block.
    fn add_page(&mut self, at: u32) {
        self.blocks.insert(at, Block { bytes: PAGE, tag: *b"Free", is_free: true });
        self.free.insert((PAGE, at));
    }

    /// Best fit; the address of the header.
    fn take(&mut self, bytes: u32, tag: [u8; 4]) -> Option<u32> {
        let (room, at) = self.free.range((bytes, 0)..).next().copied()?;
        self.free.remove(&(room, at));
        self.blocks.insert(at, Block { bytes, tag, is_free: false });
        if room > bytes {
            self.blocks.insert(at + bytes, Block { bytes: room - bytes, tag: *b"Free", is_free: true });
            self.free.insert((room - bytes, at + bytes));
        }
        Some(at)
    }

    /// The neighbour of a block in its page, when it is free.
    fn free_neighbour(&self, page: u32, neighbour: Option<(&u32, &Block)>) -> Option<(u32, u32)> {
        let (at, block) = neighbour?;
        (block.is_free && at & !(PAGE - 1) == page).then_some((*at, block.bytes))
    }

    /// Frees a block together with free neighbours. The block that it became.
    fn give(&mut self, at: u32) -> Option<(u32, u32)> {
        let mut bytes = self.blocks.get(&at).filter(|block| !block.is_free)?.bytes;
        let page = at & !(PAGE - 1);
        let mut first = at;
        if let Some((next, more)) = self.free_neighbour(page, self.blocks.range(at + 1..).next()) {
            self.blocks.remove(&next);
            self.free.remove(&(more, next));
            bytes += more;
        }
        if let Some((before, more)) = self.free_neighbour(page, self.blocks.range(..at).next_back()) {
            self.blocks.remove(&at);
            self.free.remove(&(more, before));
            (first, bytes) = (before, bytes + more);
        }
        self.blocks.insert(first, Block { bytes, tag: *b"Free", is_free: true });
        self.free.insert((bytes, first));
        Some((first, bytes))
    }

    /// The header of a block as guest memory has it.
    fn header(&self, at: u32) -> Option<[u8; 8]> {
        let block = self.blocks.get(&at)?;
        let before =
            self.blocks.range(..at).next_back().filter(|(before, _)| *before & !(PAGE - 1) == at & !(PAGE - 1));
        let previous = before.map_or(0, |(_, block)| block.bytes / UNIT);
        let kind = if block.is_free { 0 } else { ((self.kind as u32).min(1) + 1) | 4 };
        let sizes = (previous & 0x1ff) | ((block.bytes / UNIT) & 0x1ff) << 16 | kind << 25;
        let [a, b, c, d] = sizes.to_le_bytes();
        let [e, f, g, h] = block.tag;
        Some([a, b, c, d, e, f, g, h])
    }
}

/// The pool of an address.
fn pool_of(va: Va) -> PoolKind {
    match va.0 {
        0xe100_0000..0xe600_0000 => PoolKind::Paged,
        0xe600_0000..0xeb00_0000 => PoolKind::Pageable,
        _ => PoolKind::NonPaged,
    }
}

impl Memory {
    /// A block of zeroes in a pool, at a multiple of 8; of more than FF0h bytes: at a multiple of 4096.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES` when the pool or physical memory is full; `STATUS_COMMITMENT_LIMIT`.
    pub fn pool_allocate(&mut self, ram: &mut Ram, kind: PoolKind, tag: [u8; 4], bytes: u32) -> Result<Va, NtStatus> {
        if bytes > PAGE - 2 * UNIT {
            return self.allocate_big(ram, kind, bytes);
        }
        let size = bytes.max(1).next_multiple_of(UNIT) + UNIT;
        let at = match self.pools[kind as usize].take(size, tag) {
            Some(at) => at,
            None => {
                let page = self.allocate_run(ram, kind, 1)?;
                self.pools[kind as usize].add_page(page);
                self.pools[kind as usize].take(size, tag).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?
            }
        };
        self.write_headers(ram, kind, at);
        let block = Va(u64::from(at + UNIT));
        self.write_pool(ram, kind, block, &vec![0; (size - UNIT) as usize]);
        Ok(block)
    }

    fn allocate_big(&mut self, ram: &mut Ram, kind: PoolKind, bytes: u32) -> Result<Va, NtStatus> {
        let pages = bytes.div_ceil(PAGE);
        let at = self.allocate_run(ram, kind, pages)?;
        self.pools[kind as usize].big.insert(at, pages);
        Ok(Va(at.into()))
    }

    /// Pages of a pool, in memory; the address of the first.
    fn allocate_run(&mut self, ram: &mut Ram, kind: PoolKind, pages: u32) -> Result<u32, NtStatus> {
        let first = self.pools[kind as usize].runs.take(pages).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let at = Va(u64::from(first) << 12);
        let allocated = match kind {
            PoolKind::Pageable => self.commit_system_pages(ram, at, pages),
            PoolKind::NonPaged | PoolKind::Paged => self.allocate_kernel_pages(ram, at, pages),
        };
        if let Err(status) = allocated {
            self.pools[kind as usize].runs.give(first, pages);
            return Err(status);
        }
        Ok(first << 12)
    }

    fn free_run(&mut self, ram: &mut Ram, kind: PoolKind, at: u32, pages: u32) {
        (0..pages).for_each(|page| self.free_system_page(ram, Va(u64::from(at) + u64::from(page * PAGE))));
        self.pools[kind as usize].runs.give(at >> 12, pages);
    }

    /// Writes the headers of a block and of the one behind it in the same page.
    fn write_headers(&mut self, ram: &mut Ram, kind: PoolKind, at: u32) {
        let pool = &self.pools[kind as usize];
        let page_end = (at & !(PAGE - 1)).wrapping_add(PAGE);
        let blocks: Vec<u32> = pool.blocks.range(at..page_end).take(2).map(|(at, _)| *at).collect();
        for at in &blocks {
            if let Some(header) = self.pools[kind as usize].header(*at) {
                self.write_pool(ram, kind, Va((*at).into()), &header);
            }
        }
    }

    /// Writes to a pool; a page that can be paged out comes in first.
    fn write_pool(&mut self, ram: &mut Ram, kind: PoolKind, va: Va, bytes: &[u8]) {
        if kind == PoolKind::Pageable {
            self.touch_system(ram, va, bytes.len(), true);
        }
        self.write_kernel(ram, va, bytes);
    }

    /// Whether a block begins there that somebody has.
    pub(crate) fn is_pool_block(&self, va: Va) -> bool {
        let pool = &self.pools[pool_of(va) as usize];
        let Ok(at) = u32::try_from(va.0) else { return false };
        let small = at.checked_sub(UNIT).and_then(|header| pool.blocks.get(&header));
        small.is_some_and(|block| !block.is_free) || pool.big.contains_key(&at)
    }

    /// The first page of nonpaged pool, so that small blocks cost nothing at first.
    pub(crate) fn prepare_pool(&mut self, ram: &mut Ram) -> Result<(), NtStatus> {
        if self.pools[PoolKind::NonPaged as usize].blocks.is_empty() {
            let page = self.allocate_run(ram, PoolKind::NonPaged, 1)?;
            self.pools[PoolKind::NonPaged as usize].add_page(page);
        }
        Ok(())
    }

    /// Gives a block back. Its page goes back when nothing else is in it, except the last page of nonpaged pool.
    pub fn pool_free(&mut self, ram: &mut Ram, va: Va) {
        let kind = pool_of(va);
        let Ok(at) = u32::try_from(va.0) else { return };
        if let Some(pages) = self.pools[kind as usize].big.remove(&at) {
            return self.free_run(ram, kind, at, pages);
        }
        let Some((first, bytes)) = at.checked_sub(UNIT).and_then(|at| self.pools[kind as usize].give(at)) else {
            return;
        };
        let is_last = kind == PoolKind::NonPaged && self.pools[kind as usize].blocks.len() == 1;
        if bytes < PAGE || is_last {
            return self.write_headers(ram, kind, first);
        }
        self.pools[kind as usize].blocks.remove(&first);
        self.pools[kind as usize].free.remove(&(bytes, first));
        self.free_run(ram, kind, first, 1);
    }
}
