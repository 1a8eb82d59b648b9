//! The layouts of 64-bit Windows on x64: a native process, and a 32-bit process under WOW64.

use crate::{
    area::{Row, rows},
    nt::user_half::UserHalf,
    statement::Support::{Arithmetic, Documented, Unverified},
};

/// First address behind the user half of the processor (48-bit addresses).
const USER_END: u64 = 0x8000_0000_0000;

const USER_64: &[Row] = rows! {
    0x0000_0001_0000_0000 User64 "64-bit side"
        for "the 64-bit half of the process: 64-bit ntdll, wow64 DLLs, 64-bit stacks and TEBs where the system puts them high"
        holds "64-bit modules, stacks and heaps of the system's own code"
        never "anything that a 32-bit pointer can name"
        because "a 32-bit process has a 64-bit half too; a 32-bit pointer ends at FFFFFFFF"
        &[Documented];
    0x7fff_ffff_0000 Guard "64 KB guard"
        for "keeps user and kernel addresses apart"
        holds "nothing"
        never "memory of any kind"
        because "no address of the process reaches into it"
        &[Documented];
};

const KERNEL: &[Row] = rows! {
    0x8000_0000_0000 NonCanonical "non-canonical"
        for "nothing: the processor accepts no such address"
        holds "nothing"
        never "memory of any kind; no pointer can be valid"
        because "bits 48 to 63 must repeat bit 47; a fault on such an address is reported without the address"
        &[Arithmetic];
    0xffff_8000_0000_0000 KernelOther "kernel"
        for "kernel memory; from Windows 10 1607 on everything in the kernel half is placed at random"
        holds "not established"
        never "memory that user code can touch"
        because "the upper canonical half is the kernel's"
        &[Documented];
    0xffff_f680_0000_0000 PageTables "page tables"
        for "page tables seen through self-map entry 1ED; elsewhere, at random, from Windows 10 1607 on"
        holds "page-table entries, 8 bytes each"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_f700_0000_0000 Hyperspace "hyperspace"
        for "per-process mappings of the memory manager; at random from Windows 10 1607 on"
        holds "another view in each process"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_f780_0000_0000 SharedUserData "shared user data, writable"
        for "the kernel's view of the page that user code reads at 7FFE0000"
        holds "KUSER_SHARED_DATA"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607; later versions are not established here"
        &[Unverified];
    0xffff_f780_0000_1000 KernelOther "kernel"
        for "kernel memory"
        holds "not established"
        never "memory that user code can touch"
        because "the upper canonical half is the kernel's"
        &[Documented];
    0xffff_f800_0000_0000 KernelImages "kernel images"
        for "ntoskrnl, HAL and drivers, system PTEs; at random from Windows 10 1607 on, but often still here"
        holds "code and data of the kernel and of drivers"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_f8a0_0000_0000 PagedPool "paged pool"
        for "kernel allocations that may be paged out; at random from Windows 10 1607 on"
        holds "object names, registry data, file-system structures"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_f900_0000_0000 Session "session space"
        for "win32k and its data, one view for each session; at random from Windows 10 1607 on"
        holds "win32k images and session pool; where it ends is not established here"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_fa80_0000_0000 NonpagedPool "nonpaged pool"
        for "page-frame database and kernel allocations that stay in memory; at random from Windows 10 1607 on"
        holds "driver structures, process and thread objects; where it ends is not established here"
        never "memory that user code can touch"
        because "fixed before Windows 10 1607"
        &[Unverified];
    0xffff_ffff_ffc0_0000 Hal "HAL"
        for "hardware abstraction layer: devices and low-level mappings"
        holds "device registers"
        never "memory that user code can touch"
        because "the last 4 MB are the HAL's"
        &[Unverified];
};

const BEYOND_WOW64: &str = "the image is not large-address-aware, so the process keeps 2 GB; there is no kernel half at \
                            80000000 on 64-bit Windows";
const BEYOND_X64: &str =
    "this version of Windows, or this image, gives a process less than the 128 TB of the processor";

/// The rows of a native 64-bit process.
pub(crate) fn native_rows(highest_user: u64) -> Vec<Row> {
    let mut rows = UserHalf { highest_user, end: USER_END, closed_top: false, beyond: BEYOND_X64 }.rows();
    rows.extend_from_slice(KERNEL);
    rows
}

/// The rows of a 32-bit process: its own 4 GB first, then its 64-bit half and the kernel.
pub(crate) fn wow64_rows(highest_user: u64) -> Vec<Row> {
    let mut rows = UserHalf { highest_user, end: 1 << 32, closed_top: false, beyond: BEYOND_WOW64 }.rows();
    rows.extend([USER_64, KERNEL].concat());
    rows
}
