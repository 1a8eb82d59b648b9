//! The slot layouts: Windows CE 3.0, .NET 4.x, 5.x and Windows Mobile 6.x.

use crate::{
    area::{AreaKind, Row, rows},
    ce::slot::Slot,
    statement::Support::{self, Arithmetic, Community, Documented, Founding, Observed, PublicSource, Unverified},
};
use std::borrow::Cow;
use vatlas_space::LayoutName;

const BOTTOM: &[Row] = rows! {
    0x0000_0000 NullPartition "null area"
        for "catches null pointers"
        holds "nothing"
        never "memory of any kind"
        because "the bottom 64 KB of a slot stay free"
        &[Documented];
    0x0000_5800 KernelData "KData (not ARM)"
        for "kernel data page as user code sees it on x86, MIPS and SH: current thread, process, slot table"
        holds "KData fields; on ARM nothing, KData is at FFFFC800 there"
        never "memory of a process"
        because "user code finds the current thread and process here without a call"
        &[PublicSource];
    0x0000_5c00 NullPartition "null area"
        for "catches null pointers"
        holds "nothing"
        never "memory of any kind"
        because "the bottom 64 KB of a slot stay free"
        &[Documented];
    0x0001_0000 CurrentProcess "slot 0: current process"
        for "alias of the process that runs now; most pointers of a program look like this"
        holds "EXE at the bottom, heap and stacks above it, DLL code and data from the top down"
        never "a byte of its own: the memory belongs to the slot of the process that runs"
        because "the running process is mapped here besides its own slot"
        &[Founding];
};

const SLOT_1_CE3: &[Row] = rows! {
    0x0200_0000 KernelSlot "slot 1: kernel"
        for "the kernel's own slot up to CE 3.0"
        holds "NK.EXE"
        never "memory of an application"
        because "the kernel ran in slot 1 up to CE 3.0; one Microsoft article calls the area one for ROM DLLs instead"
        &[Founding, Documented];
};

const SLOT_1: &[Row] = rows! {
    0x0200_0000 RomDllCode "slot 1: ROM DLL code"
        for "code of DLLs of the ROM's MODULES section"
        holds "code and constant data of ROM DLLs, the same for every process"
        never "writable data, heaps, stacks, EXEs, or a DLL that is not in the ROM, even a newer copy of a ROM DLL"
        because "slot 1 does not change when another process runs, so nothing that differs between processes fits"
        &[Founding, Documented];
};

const SHARED_ALL: &[Row] = rows! {
    0x4200_0000 SharedArea "shared area"
        for "large VirtualAllocs, memory-mapped files, object store"
        holds "reservations of 2 MB and more, mapped files, the object store"
        never "EXE code or data, small allocations, stacks; as a rule no symbol"
        because "memory here is the same in every process"
        &[Founding, Community];
};

const SHARED_CE5: &[Row] = rows! {
    0x4200_0000 SharedArea "slots 33-61: shared area"
        for "large VirtualAllocs, memory-mapped files, object store"
        holds "reservations of 2 MB and more, mapped files, the object store"
        never "EXE code or data, small allocations, stacks; as a rule no symbol"
        because "memory here is the same in every process"
        &[Founding, Community];
    0x7c00_0000 SharedArea "slot 62"
        for "part of the shared area; in use on CE 5.2 devices, for what is not established"
        holds "shared memory of unknown purpose"
        never "EXE code or data, stacks"
        because "its slot entry was set in both dumps that were looked at"
        &[Observed, Unverified];
    0x7e00_0000 ResourceDlls "slot 63: resource DLLs"
        for "DLLs that hold resources only, and .mui files"
        holds "dialogs, strings and bitmaps of resource-only modules"
        never "code; hardly ever a symbol"
        because "resource-only modules of CE 5.2 devices all lie between 7F8F0000 and 7FFF5000"
        &[Observed];
};

const SHARED_WM6: &[Row] = rows! {
    0x4200_0000 SharedArea "slots 33-59: shared area"
        for "large VirtualAllocs, memory-mapped files, object store"
        holds "reservations of 2 MB and more, mapped files, the object store"
        never "EXE code or data, small allocations, stacks; as a rule no symbol"
        because "memory here is the same in every process"
        &[Founding, Community];
    0x7800_0000 SharedDlls "slot 60: more DLLs"
        for "DLLs of the FILES and MODULES sections (Windows Mobile 6.5); before that part of the shared area"
        holds "DLL code and data, with symbols; or shared memory"
        never "EXE code or data, stacks"
        because "Windows Mobile 6.5 may move DLLs out of the process slots to here"
        &[Documented];
    0x7a00_0000 SharedDlls "slot 61: more DLLs"
        for "DLLs of the FILES and MODULES sections (Windows Mobile 6.5); before that part of the shared area"
        holds "DLL code and data, with symbols; or shared memory"
        never "EXE code or data, stacks"
        because "Windows Mobile 6.5 may move DLLs out of the process slots to here"
        &[Documented];
};

const PHYSICAL: &[Row] = rows! {
    0x8000_0000 PhysicalCached "physical memory, cached"
        for "physical memory at fixed addresses, seen through the cache; kernel mode only"
        holds "NK.EXE, the ROM image, RAM, kernel structures, DLLs that load into the kernel"
        never "memory that a thread in user mode can touch"
        because "512 MB are mapped once and for all; the device's OEMAddressTable says which physical address is where"
        &[Founding, Documented];
    0xa000_0000 PhysicalUncached "physical memory, uncached"
        for "the same physical memory, seen past the cache; kernel mode only"
        holds "device registers, and every byte of 80000000-9FFFFFFF once more"
        never "memory that a thread in user mode can touch"
        because "each row of the OEMAddressTable is mapped twice, the second time 20000000 higher"
        &[Documented];
    0xc000_0000 KernelOther "kernel half"
        for "not established"
        holds "not established"
        never "memory of an application"
        because "everything above 80000000 is the kernel's"
        &[Founding];
};

const NK_SLOT: &[Row] = rows! {
    0xc200_0000 KernelSlot "slot 97: NK.EXE"
        for "virtual memory of the kernel process"
        holds "heap and other memory of NK.EXE"
        never "memory of an application"
        because "NK.EXE is process 0 and its VMBase is C2000000 on CE 5.x"
        &[Observed, Documented];
    0xc400_0000 KernelOther "kernel half"
        for "not established"
        holds "not established"
        never "memory of an application"
        because "everything above 80000000 is the kernel's"
        &[Founding];
};

const TOP: &[Row] = rows! {
    0xf000_0000 ApiCalls "API calls (ARM)"
        for "an address for each API call: the jump to it fails and the kernel decodes where it wanted to go"
        holds "nothing: each word-aligned address up to F0010000 stands for an API set and a method"
        never "memory of any kind"
        because "the prefetch abort handler turns the address into a call"
        &[PublicSource, Community, Observed];
    0xf001_0004 KernelOther "kernel half"
        for "not established"
        holds "not established"
        never "memory of an application"
        because "everything above 80000000 is the kernel's"
        &[Founding];
    0xffff_c800 KernelData "KData (ARM)"
        for "kernel data page: current thread, process, slot table"
        holds "KData fields; on other processors they are at 00005800"
        never "memory of a process"
        because "user code finds the current thread and process here without a call"
        &[PublicSource, Observed];
    0xffff_cc00 KernelOther "kernel half"
        for "not established"
        holds "not established"
        never "memory of an application"
        because "everything above 80000000 is the kernel's"
        &[Founding];
};

/// The rows of a slot layout, in rising order.
pub(crate) fn rows(name: LayoutName) -> Vec<Row> {
    let slot_1 = if name == LayoutName::Ce3 { SLOT_1_CE3 } else { SLOT_1 };
    let (shared, nk): (&[&[Row]], &[Row]) = match name {
        LayoutName::Ce5 => (&[SHARED_CE5], NK_SLOT),
        // Windows Mobile 6 differs from CE 5 only below slot 62.
        LayoutName::Wm6 => (&[SHARED_WM6, SHARED_CE5.split_at(1).1], NK_SLOT),
        _ => (&[SHARED_ALL], &[]),
    };
    let mut rows = [BOTTOM, slot_1].concat();
    rows.extend(Slot::of_processes().map(process_row));
    rows.extend(shared.concat());
    rows.extend([PHYSICAL, nk, TOP].concat());
    rows
}

const PROCESS_SUPPORT: &[Support] = &[Founding, Observed, Arithmetic];

fn process_row(slot: Slot) -> Row {
    let (number, key) = slot.process().map_or((0, 0), |process| (process.number(), process.access_key()));
    Row {
        first: slot.base().0,
        kind: AreaKind::ProcessSlot,
        name: format!("slot {slot}: process {number}").into(),
        purpose: format!("process number {number}, access key {key:08X}; visible also while it does not run").into(),
        holds: "nothing in the lowest 64 KB, then the EXE, heap and stacks above it, DLLs from the top down",
        never: "memory of another process, or more than 32 MB for this one",
        because: Cow::Borrowed("slots 2 to 32 are processes; process number = slot - 1, access key = 1 << number"),
        support: PROCESS_SUPPORT,
    }
}
