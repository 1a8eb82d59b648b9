//! Blocks of guest memory that the kernel writes to all the time, and NT's lists that run through them.

use crate::memory::{NtStatus, PoolKind};
use crate::nt::System;
use vatlas_space::{Pa, Va};

/// A block that lies in one page of the kernel half: its address, and where that is in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct GuestBlock {
    va: u32,
    pa: u32,
}

impl GuestBlock {
    pub(crate) const fn new(va: u32, pa: u32) -> Self {
        Self { va, pa }
    }

    /// What lies behind the first bytes of the block; before it when they are negative.
    pub(crate) const fn moved(self, bytes: u32) -> Self {
        Self { va: self.va.wrapping_add(bytes), pa: self.pa.wrapping_add(bytes) }
    }

    /// Address of a field.
    pub(crate) const fn va(self, offset: u32) -> u32 {
        self.va.wrapping_add(offset)
    }

    /// Where a field is in physical memory.
    pub(crate) const fn pa(self, offset: u32) -> Pa {
        Pa(self.pa.wrapping_add(offset) as u64)
    }
}

impl System {
    /// A block of zeroes of a pool, in one page.
    pub(crate) fn pool_block(&mut self, kind: PoolKind, tag: [u8; 4], bytes: u32) -> Result<GuestBlock, NtStatus> {
        let ram = &mut self.computer.board.ram;
        let va = self.memory.pool_allocate(ram, kind, tag, bytes)?;
        self.kernel_block(va.0 as u32).ok_or(NtStatus::INSUFFICIENT_RESOURCES)
    }

    /// Gives a block back to its pool.
    pub(crate) fn free_block(&mut self, block: GuestBlock) {
        self.memory.pool_free(&mut self.computer.board.ram, Va(block.va.into()));
        self.obey_flush();
    }

    /// A block of the kernel half that is mapped.
    pub(crate) fn kernel_block(&self, va: u32) -> Option<GuestBlock> {
        let pa = self.memory.kernel_address(&self.computer.board.ram, Va(va.into()))?;
        Some(GuestBlock::new(va, u32::try_from(pa.0).ok()?))
    }

    pub(crate) fn put(&mut self, block: GuestBlock, offset: u32, bytes: &[u8]) {
        self.computer.board.ram.write(block.pa(offset), bytes);
    }

    /// Writes bytes whose number is known beforehand.
    #[inline]
    pub(crate) fn put_array<const N: usize>(&mut self, block: GuestBlock, offset: u32, bytes: &[u8; N]) {
        self.computer.board.ram.write_array(block.pa(offset), bytes);
    }

    pub(crate) fn put_u8(&mut self, block: GuestBlock, offset: u32, value: u8) {
        self.computer.board.ram.write_array(block.pa(offset), &[value]);
    }

    pub(crate) fn put_u32(&mut self, block: GuestBlock, offset: u32, value: u32) {
        self.computer.board.ram.write_u32(block.pa(offset), value);
    }

    pub(crate) fn get_u32(&self, block: GuestBlock, offset: u32) -> u32 {
        self.computer.board.ram.read_u32(block.pa(offset)).unwrap_or_default()
    }

    /// Adds to a count.
    pub(crate) fn count_up(&mut self, block: GuestBlock, offset: u32) {
        let value = self.get_u32(block, offset);
        self.put_u32(block, offset, value.wrapping_add(1));
    }

    fn link(&self, va: u32) -> u32 {
        self.memory.read_kernel_u32(&self.computer.board.ram, Va(va.into())).unwrap_or_default()
    }

    fn set_link(&mut self, va: u32, value: u32) {
        self.memory.write_kernel_u32(&mut self.computer.board.ram, Va(va.into()), value);
    }

    /// An empty `LIST_ENTRY`: it leads to itself.
    pub(crate) fn init_list(&mut self, head: u32) {
        self.set_link(head, head);
        self.set_link(head.wrapping_add(4), head);
    }

    /// Puts an entry at the end of a list.
    pub(crate) fn link_last(&mut self, head: u32, entry: u32) {
        let last = self.link(head.wrapping_add(4));
        self.set_link(entry, head);
        self.set_link(entry.wrapping_add(4), last);
        self.set_link(last, entry);
        self.set_link(head.wrapping_add(4), entry);
    }

    /// Takes an entry out of its list.
    pub(crate) fn unlink(&mut self, entry: u32) {
        let (next, last) = (self.link(entry), self.link(entry.wrapping_add(4)));
        self.set_link(last, next);
        self.set_link(next.wrapping_add(4), last);
    }
}
