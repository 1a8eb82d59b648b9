//! The layouts of 32-bit Windows NT on x86: 2 GB, 3 GB and with physical address extension.

use crate::{
    area::{Row, rows},
    nt::user_half::UserHalf,
    statement::Support::{Documented, Reimplementation, Unverified},
};
use vatlas_space::LayoutName;

const KERNEL_2GB: &[Row] = rows! {
    0x8000_0000 KernelImages "kernel and boot drivers"
        for "ntoskrnl, HAL and boot drivers; then page-frame database and first nonpaged pool"
        holds "code and data of the kernel and of drivers that were loaded at boot"
        never "memory that user code can touch"
        because "the system range begins here and is mapped alike in every process"
        &[Documented];
    0xa400_0000 SystemPtes "system mapped views"
        for "additional system page-table entries and views that the system maps; the boundaries vary"
        holds "kernel stacks, drivers, mapped buffers, views"
        never "memory that user code can touch"
        because "the range between kernel images and session space"
        &[Documented];
    0xbd00_0000 Session "session space"
        for "session paged pool at the bottom, views and the session's working-set list; begins at BD000000 or BE000000"
        holds "win32k's data: windows, menus, GDI objects of one session"
        never "the same bytes for processes of different sessions"
        because "each session has its own"
        &[Reimplementation];
    0xbf80_0000 Session "session images"
        for "win32k.sys and display drivers of the session"
        holds "code and data of win32k.sys and display drivers"
        never "the same data for processes of different sessions"
        because "8 MB at the top of session space are kept for images"
        &[Reimplementation];
};

const TABLES: &[Row] = rows! {
    0xc000_0000 PageTables "page tables"
        for "the page tables of the current process, seen through the self-map"
        holds "page-table entries, 4 bytes each"
        never "memory that user code can touch"
        because "one entry of the page directory points to the page directory itself"
        &[Documented];
    0xc030_0000 PageTables "page directory"
        for "the page directory of the current process, seen through the self-map"
        holds "1024 page-directory entries"
        never "memory that user code can touch"
        because "it is the page table that maps the page tables"
        &[Documented];
    0xc030_1000 PageTables "page tables"
        for "the page tables of the current process, seen through the self-map"
        holds "page-table entries, 4 bytes each"
        never "memory that user code can touch"
        because "one entry of the page directory points to the page directory itself"
        &[Documented];
    0xc040_0000 Hyperspace "hyperspace"
        for "temporary mappings, the process's VAD bitmap and working-set list"
        holds "another view in each process"
        never "memory that user code can touch"
        because "it follows the page tables: PTE_TOP + 1"
        &[Reimplementation];
    0xc080_0000 KernelOther "kernel"
        for "not established"
        holds "not established"
        never "memory that user code can touch"
        because "it lies in the system range"
        &[Documented];
};

const TABLES_PAE: &[Row] = rows! {
    0xc000_0000 PageTables "page tables"
        for "the page tables of the current process, seen through the self-map"
        holds "page-table entries, 8 bytes each"
        never "memory that user code can touch"
        because "four entries of the page directories point to the page directories themselves"
        &[Documented];
    0xc060_0000 PageTables "page directories"
        for "the four page directories of the current process, seen through the self-map"
        holds "4 times 512 page-directory entries"
        never "memory that user code can touch"
        because "they are the page tables that map the page tables"
        &[Documented];
    0xc060_4000 PageTables "page tables"
        for "the page tables of the current process, seen through the self-map"
        holds "page-table entries, 8 bytes each"
        never "memory that user code can touch"
        because "four entries of the page directories point to the page directories themselves"
        &[Documented];
    0xc080_0000 Hyperspace "hyperspace"
        for "temporary mappings, the process's VAD bitmap and working-set list"
        holds "another view in each process"
        never "memory that user code can touch"
        because "it follows the page tables, which take twice the room with 8-byte entries: PTE_TOP + 1"
        &[Reimplementation];
};

const POOLS: &[Row] = rows! {
    0xc0c0_0000 SystemWorkingSet "system working set"
        for "the working-set list of the system cache and paged pool"
        holds "working-set entries"
        never "memory that user code can touch"
        because "it lies between hyperspace and the system cache"
        &[Reimplementation];
    0xc100_0000 SystemCache "system cache"
        for "views of files that the cache manager holds"
        holds "file contents"
        never "modules, stacks; no symbol"
        because "512 MB are kept for the file cache"
        &[Documented];
    0xe100_0000 PagedPool "paged pool"
        for "kernel allocations that may be paged out; prototype page-table entries"
        holds "object names, registry data, file-system structures"
        never "stacks, nonpaged allocations"
        because "the pool begins behind the system cache; its size is set at boot"
        &[Reimplementation];
    0xeb00_0000 SystemPtes "system PTEs"
        for "kernel stacks and mapped buffers; paged pool may reach in from below, nonpaged pool from above"
        holds "kernel stacks, drivers, mapped buffers"
        never "memory that user code can touch"
        because "system page-table entries are never lower"
        &[Reimplementation];
    0xefbe_0000 NonpagedPool "nonpaged pool expansion"
        for "kernel allocations that stay in memory; at most 256 MB, below that system PTEs"
        holds "driver structures, process and thread objects"
        never "memory that user code can touch"
        because "the pool ends at FFBE0000 and its size is set at boot"
        &[Documented];
};

const KERNEL_1GB: &[Row] = rows! {
    0xc0c0_0000 KernelOther "kernel"
        for "working-set list, kernel and drivers, session space, file cache, pools, system PTEs, squeezed into 1 GB"
        holds "what the 2 GB layout spreads from 80000000 to FFBDFFFF; the boundaries are not established"
        never "memory that user code can touch"
        because "/3GB leaves the kernel the last gigabyte only"
        &[Documented];
    0xf7be_0000 NonpagedPool "nonpaged pool expansion"
        for "kernel allocations that stay in memory; at most 128 MB with /3GB, below that other kernel memory"
        holds "driver structures, process and thread objects"
        never "memory that user code can touch"
        because "the pool ends at FFBE0000 and its size is set at boot"
        &[Documented];
};

const TOP: &[Row] = rows! {
    0xffbe_0000 Hal "crash-dump driver"
        for "driver that writes a crash dump"
        holds "code and data of the dump driver"
        never "memory that user code can touch"
        because "it begins where nonpaged pool ends"
        &[Unverified];
    0xffc0_0000 Hal "HAL"
        for "hardware abstraction layer: devices and low-level mappings"
        holds "device registers"
        never "memory that user code can touch"
        because "the last 4 MB are the HAL's"
        &[Reimplementation];
    0xffdf_0000 SharedUserData "shared user data, writable"
        for "the kernel's writable view of the page that user code reads at 7FFE0000"
        holds "KUSER_SHARED_DATA"
        never "memory that user code can touch"
        because "the kernel updates time and tick count here"
        &[Unverified];
    0xffdf_1000 Hal "HAL"
        for "hardware abstraction layer: devices and low-level mappings"
        holds "device registers"
        never "memory that user code can touch"
        because "the last 4 MB are the HAL's"
        &[Reimplementation];
    0xffdf_f000 KernelData "KPCR of processor 0"
        for "processor control region: current thread, IRQL, IDT, GDT; other processors have theirs elsewhere"
        holds "KPCR and KPRCB"
        never "memory that user code can touch"
        because "fs points here in kernel mode on processor 0"
        &[Unverified];
    0xffe0_0000 Hal "HAL"
        for "hardware abstraction layer; the local APIC is at FFFE0000"
        holds "device registers"
        never "memory that user code can touch"
        because "the last 4 MB are the HAL's"
        &[Reimplementation];
};

const BEYOND_3GB: &str = "only a large-address-aware image gets addresses from 80000000 up, and /USERVA may give the \
                          upper part back to the kernel; every other process keeps 2 GB";

/// The rows of a 32-bit NT layout, in rising order.
pub(crate) fn rows(name: LayoutName, highest_user: u64) -> Vec<Row> {
    let end = if name == LayoutName::Nt32ThreeGb { 0xc000_0000 } else { 0x8000_0000 };
    let mut rows = UserHalf { highest_user, end, closed_top: true, beyond: BEYOND_3GB }.rows();
    rows.extend(match name {
        LayoutName::Nt32ThreeGb => [TABLES, KERNEL_1GB, TOP].concat(),
        LayoutName::Nt32Pae => [KERNEL_2GB, TABLES_PAE, POOLS, TOP].concat(),
        _ => [KERNEL_2GB, TABLES, POOLS, TOP].concat(),
    });
    rows
}
