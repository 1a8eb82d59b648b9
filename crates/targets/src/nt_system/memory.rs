//! Physical memory as the reader asks for it, and virtual memory of the kernel through the page tables.

use super::NtRoots;
use vatlas_images::fx_image::FX_BYTES;
use vatlas_rules::walk::{X86, walk};
use vatlas_space::{Commit, CommitPart, Pa, Registers, Va, Walk};

/// Bytes of a page.
pub(super) const PAGE: u64 = 4096;

/// What a system's memory consists of. Looking never changes it.
pub trait KernelMemory {
    /// Reads physical memory; `false` when some of it is not there.
    fn read_physical(&self, at: Pa, buffer: &mut [u8]) -> bool;

    /// Reads a page of a page file; `false` when the page file is not at hand.
    fn read_page_file(&self, file: u8, page: u32, bytes: &mut [u8; PAGE as usize]) -> bool;

    /// The name of the file behind a control area that has no file object, where it is known.
    fn file_name(&self, _control_area: Va) -> Option<String> {
        None
    }

    /// Reads the file behind a control area from an offset on; how many bytes were there.
    fn read_file(&self, control_area: Va, offset: u64, buffer: &mut [u8]) -> usize;

    /// The registers of a thread that a processor runs now, by the address of its `ETHREAD`: its trap frame is older.
    fn running_registers(&self, _thread: Va) -> Option<Registers> {
        None
    }

    /// The x87 and SSE registers of such a thread, as `fxsave` writes them.
    fn running_floats(&self, _thread: Va) -> Option<[u8; FX_BYTES]> {
        None
    }

    /// The commit charge, where it is known.
    fn commit(&self) -> Option<Commit> {
        None
    }

    /// The commit charge by owner, where it is known.
    fn commit_parts(&self) -> Vec<CommitPart> {
        Vec::new()
    }
}

/// The address of a field of a structure.
pub(super) const fn field(at: Va, offset: u32) -> Option<Va> {
    at.checked_add(offset as u64)
}

/// Memory with the page tables that lead to it.
pub(super) struct Reader<'m, M: ?Sized> {
    pub(super) memory: &'m M,
    pub(super) roots: &'m NtRoots,
}

impl<M: ?Sized> Clone for Reader<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: ?Sized> Copy for Reader<'_, M> {}

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// A double word of physical memory.
    pub(super) fn physical_u32(self, at: Pa) -> Option<u32> {
        let mut bytes = [0; 4];
        self.memory.read_physical(at, &mut bytes).then(|| u32::from_le_bytes(bytes))
    }

    /// Walks the tables of a directory.
    pub(super) fn walk(self, directory: Pa, va: Va) -> Walk {
        walk::<X86>(directory.0, va, |at| self.physical_u32(at).map(u64::from))
    }

    /// Reads memory that is mapped now in the address space of a directory.
    pub(super) fn read_mapped(self, directory: Pa, va: Va, buffer: &mut [u8]) -> Option<()> {
        let mut done = 0;
        while done < buffer.len() {
            let at = va.checked_add(done as u64)?;
            let end = buffer.len().min(done + (PAGE - at.0 % PAGE) as usize);
            let mapping = self.walk(directory, at).mapping()?;
            if !self.memory.read_physical(mapping.pa, &mut buffer[done..end]) {
                return None;
            }
            done = end;
        }
        Some(())
    }

    /// Reads memory of the kernel.
    pub(super) fn kernel<const N: usize>(self, va: Va) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read_mapped(self.roots.directory, va, &mut bytes)?;
        Some(bytes)
    }

    /// A double word of the kernel.
    pub(super) fn kernel_u32(self, va: Va) -> Option<u32> {
        self.kernel(va).map(u32::from_le_bytes)
    }

    /// A pointer of the kernel; `None` for a null one.
    pub(super) fn kernel_pointer(self, va: Va) -> Option<Va> {
        self.kernel_u32(va).filter(|pointer| *pointer != 0).map(|pointer| Va(pointer.into()))
    }

    /// The structures of a doubly linked list of the kernel: where each has its links, and where it begins. At most
    /// `limit`.
    pub(super) fn list(self, head: Va, links: u32, limit: usize) -> Vec<Va> {
        let mut found = Vec::new();
        let mut next = self.kernel_pointer(head);
        while let Some(at) = next.filter(|at| *at != head && found.len() < limit) {
            found.extend(at.checked_sub(links.into()));
            next = self.kernel_pointer(at);
        }
        found
    }
}
