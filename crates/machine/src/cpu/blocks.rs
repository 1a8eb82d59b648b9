//! Decoded blocks by physical address, shared by all processors and all address spaces.

use super::decode::Decoded;
use super::op::Op;
use crate::control::Breaks;
use std::collections::BTreeMap;

/// Operations that are kept at most; beyond it everything is forgotten and decoded again.
const MOST_OPS: usize = 1 << 20;

/// Where a block's operations are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    pub first: u32,
    pub length: u32,
    /// Instructions in it.
    pub count: u32,
    /// Frame in which its only instruction ends, when that is another one; else `u32::MAX`.
    pub second: u32,
}

/// All decoded blocks.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    ops: Vec<Op>,
    by_address: BTreeMap<u32, Block>,
    /// Where runs end before the instruction.
    pub breaks: Breaks,
    /// Changes whenever a block may have gone.
    pub generation: u32,
}

impl Blocks {
    /// These breakpoints and no others.
    pub fn set_breaks(&mut self, all: impl Iterator<Item = (u32, Option<u32>)>) {
        self.breaks.set(all);
        self.generation = self.generation.wrapping_add(1);
    }

    /// The block at a physical address.
    pub fn find(&self, pa: u32) -> Option<Block> {
        self.by_address.get(&pa).copied()
    }

    /// The operations of a block.
    #[inline(always)]
    pub fn ops(&self, block: Block) -> &[Op] {
        let first = block.first as usize;
        self.ops.get(first..first + block.length as usize).unwrap_or_default()
    }

    /// Keeps a block.
    pub fn insert(&mut self, pa: u32, decoded: &Decoded) -> Block {
        if self.ops.len() + decoded.ops.len() > MOST_OPS {
            self.ops.clear();
            self.by_address.clear();
            self.generation = self.generation.wrapping_add(1);
        }
        let block = Block {
            first: self.ops.len() as u32,
            length: decoded.ops.len() as u32,
            count: decoded.count,
            second: decoded.second.unwrap_or(u32::MAX),
        };
        self.ops.extend_from_slice(&decoded.ops);
        self.by_address.insert(pa, block);
        block
    }

    /// Forgets what was decoded from these frames.
    pub fn forget(&mut self, frames: &[u32]) {
        for &frame in frames {
            let first = frame << 12;
            let inside: Vec<u32> = self.by_address.range(first..=first | 0xfff).map(|entry| *entry.0).collect();
            for pa in inside {
                self.by_address.remove(&pa);
            }
        }
        self.by_address.retain(|_, block| block.second == u32::MAX || !frames.contains(&block.second));
        self.generation = self.generation.wrapping_add(1);
    }
}
