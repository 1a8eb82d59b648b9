//! The formats of page tables, each a table of its levels.

use super::{Format, Level};
use vatlas_space::TableLevel::{Pde, Pml5e, Ppe, Pte, Pxe};

const fn level(name: vatlas_space::TableLevel, shift: u32, bits: u32) -> Level {
    Level { name, shift, bits, has_large_pages: false, has_rights: true }
}

const fn with_large_pages(level: Level) -> Level {
    Level { has_large_pages: true, ..level }
}

/// x86 with 4-byte entries: two levels, pages of 4 KB and 4 MB.
#[derive(Clone, Copy, Debug)]
pub struct X86;

impl Format for X86 {
    const LEVELS: &'static [Level] = &[with_large_pages(level(Pde, 22, 10)), level(Pte, 12, 10)];
    const ENTRY_BYTES: u32 = 4;
    const ROOT_MASK: u64 = 0xffff_f000;
    const FRAME_MASK: u64 = 0xffff_f000;
    const ADDRESS_BITS: u32 = 32;

    /// PSE-36: bits 13-20 of the entry are bits 32-39 of the address.
    fn large_frame(entry: u64, _size: u64) -> u64 {
        (entry & 0xffc0_0000) | ((entry & 0x001f_e000) << 19)
    }
}

/// x86 with 4-byte entries while CR4.PSE is clear: bit 7 of a directory entry means nothing.
#[derive(Clone, Copy, Debug)]
pub struct X86Small;

impl Format for X86Small {
    const LEVELS: &'static [Level] = &[level(Pde, 22, 10), level(Pte, 12, 10)];
    const ENTRY_BYTES: u32 = 4;
    const ROOT_MASK: u64 = 0xffff_f000;
    const FRAME_MASK: u64 = 0xffff_f000;
    const ADDRESS_BITS: u32 = 32;
}

/// x86 with physical address extension: a table of four pointers, pages of 4 KB and 2 MB, 8-byte entries.
#[derive(Clone, Copy, Debug)]
pub struct Pae;

impl Format for Pae {
    const LEVELS: &'static [Level] =
        &[Level { has_rights: false, ..level(Ppe, 30, 2) }, with_large_pages(level(Pde, 21, 9)), level(Pte, 12, 9)];
    const ENTRY_BYTES: u32 = 8;
    const ROOT_MASK: u64 = 0xffff_ffe0;
    const FRAME_MASK: u64 = 0x000f_ffff_ffff_f000;
    const ADDRESS_BITS: u32 = 32;
}

/// x64 with four levels: pages of 4 KB, 2 MB and 1 GB.
#[derive(Clone, Copy, Debug)]
pub struct X64;

impl Format for X64 {
    const LEVELS: &'static [Level] = &[
        level(Pxe, 39, 9),
        with_large_pages(level(Ppe, 30, 9)),
        with_large_pages(level(Pde, 21, 9)),
        level(Pte, 12, 9),
    ];
    const ENTRY_BYTES: u32 = 8;
    const ROOT_MASK: u64 = 0x000f_ffff_ffff_f000;
    const FRAME_MASK: u64 = 0x000f_ffff_ffff_f000;
    const ADDRESS_BITS: u32 = 48;
}

/// x64 with five levels (LA57).
#[derive(Clone, Copy, Debug)]
pub struct X64La57;

impl Format for X64La57 {
    const LEVELS: &'static [Level] = &[
        level(Pml5e, 48, 9),
        level(Pxe, 39, 9),
        with_large_pages(level(Ppe, 30, 9)),
        with_large_pages(level(Pde, 21, 9)),
        level(Pte, 12, 9),
    ];
    const ENTRY_BYTES: u32 = 8;
    const ROOT_MASK: u64 = 0x000f_ffff_ffff_f000;
    const FRAME_MASK: u64 = 0x000f_ffff_ffff_f000;
    const ADDRESS_BITS: u32 = 57;
}
