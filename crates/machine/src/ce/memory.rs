//! Frames, the kernel's heap, and the kernel's view of guest memory.
//!
//! Physical memory is mapped statically: what is at 80000000 and at A0000000 (uncached) + n is at n, for all of RAM and
//! ROM (one row of the OEMAddressTable, our choice).

use super::error::CeError;
use crate::ce::Device;
use crate::ram::{FRAME_BYTES, Ram};
use std::collections::BTreeMap;
use vatlas_space::{Pa, Pfn};

/// First address of the cached window.
pub(crate) const CACHED: u32 = 0x8000_0000;
/// First address of the uncached window.
pub(crate) const UNCACHED_WINDOW: u32 = 0xa000_0000;
/// Bytes of a window.
pub(crate) const WINDOW: u32 = 0x2000_0000;
/// Bytes of a page.
pub(crate) const PAGE: u32 = FRAME_BYTES as u32;

/// Physical address of a statically mapped one.
pub(crate) const fn physical(va: u32) -> Pa {
    Pa((va & (WINDOW - 1)) as u64)
}

/// Frames of RAM that nothing uses.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Frames {
    /// The one on top is taken next.
    free: Vec<u32>,
    /// Frames that programs and kernel share.
    pub total: u32,
    /// Fewest that were free so far.
    pub fewest: u32,
}

impl Frames {
    /// The frames between two physical addresses.
    pub(crate) fn new(first: u32, end: u32) -> Self {
        let free: Vec<u32> = (first.div_ceil(PAGE)..end / PAGE).rev().collect();
        let total = free.len() as u32;
        Self { free, total, fewest: total }
    }

    /// How many are free.
    pub(crate) fn free(&self) -> u32 {
        self.free.len() as u32
    }

    /// Takes a frame of zeroes: its physical address.
    pub(crate) fn take(&mut self, ram: &mut Ram) -> Result<u32, CeError> {
        let frame = self.free.pop().ok_or(CeError::NOT_ENOUGH_MEMORY)?;
        self.fewest = self.fewest.min(self.free.len() as u32);
        ram.clear(Pfn(frame.into()));
        Ok(frame * PAGE)
    }

    /// Gives a frame back.
    pub(crate) fn give(&mut self, at: u32) {
        self.free.push(at / PAGE);
    }
}

/// Small blocks of kernel memory, by size; at most a page each.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct KernelHeap {
    free: BTreeMap<u32, Vec<u32>>,
    next: u32,
    end: u32,
    /// Pages that it has.
    pub pages: u32,
}

const GRAIN: u32 = 16;

impl Device {
    /// A block of zeroes at a kernel address.
    pub(crate) fn allocate(&mut self, bytes: u32) -> Result<u32, CeError> {
        let size = bytes.clamp(1, PAGE).next_multiple_of(GRAIN);
        if let Some(at) = self.state.heap.free.get_mut(&size).and_then(Vec::pop) {
            self.fill(at, size);
            return Ok(at);
        }
        if self.state.heap.end - self.state.heap.next < size {
            let frame = self.state.frames.take(&mut self.computer.board.ram)?;
            let heap = &mut self.state.heap;
            (heap.next, heap.end) = (CACHED + frame, CACHED + frame + PAGE);
            heap.pages += 1;
        }
        let at = self.state.heap.next;
        self.state.heap.next += size;
        Ok(at)
    }

    /// Gives a block back.
    pub(crate) fn release(&mut self, at: u32, bytes: u32) {
        let size = bytes.clamp(1, PAGE).next_multiple_of(GRAIN);
        if at != 0 {
            self.state.heap.free.entry(size).or_default().push(at);
        }
    }

    fn fill(&mut self, at: u32, bytes: u32) {
        self.computer.board.ram.write(physical(at), &vec![0; bytes as usize]);
    }

    /// A UTF-16 text with its zero in kernel memory.
    pub(crate) fn allocate_text(&mut self, text: &str) -> Result<u32, CeError> {
        let bytes = utf16(text);
        let at = self.allocate(bytes.len() as u32)?;
        self.put(at, &bytes[..bytes.len().min(PAGE as usize)]);
        Ok(at)
    }

    /// Reads a word of kernel memory.
    #[inline]
    pub(crate) fn word(&self, at: u32) -> u32 {
        self.computer.board.ram.read_u32(physical(at)).unwrap_or_default()
    }

    /// Writes a word of kernel memory.
    #[inline]
    pub(crate) fn set_word(&mut self, at: u32, value: u32) {
        self.computer.board.ram.write_u32(physical(at), value);
    }

    /// Writes 16 bits of kernel memory.
    pub(crate) fn set_half(&mut self, at: u32, value: u16) {
        self.computer.board.ram.write_array(physical(at), &value.to_le_bytes());
    }

    /// Writes a byte of kernel memory.
    pub(crate) fn set_byte(&mut self, at: u32, value: u8) {
        self.computer.board.ram.write_array(physical(at), &[value]);
    }

    /// Writes bytes of kernel memory.
    pub(crate) fn put(&mut self, at: u32, bytes: &[u8]) {
        self.computer.board.ram.write(physical(at), bytes);
    }
}

/// A text as UTF-16 with its zero.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
