//! The layouts of Windows Embedded CE 6.0 and Compact 7: 2 GB for each process, no slots.

use crate::{
    area::{Row, rows},
    statement::Support::{Documented, Observed},
};
use vatlas_space::LayoutName;

const USER: &[Row] = rows! {
    0x0000_0000 NullPartition "null area"
        for "catches null pointers; the processor's user-visible kernel data, read-only"
        holds "kernel data that user code may read"
        never "memory that a program allocated"
        because "the bottom 64 KB are never free memory"
        &[Documented];
    0x0001_0000 User "process: EXE, heap, stacks"
        for "code, data, heaps and stacks of the process, from the bottom up"
        holds "the EXE, heaps, thread stacks, VirtualAllocs"
        never "DLLs; the same address means another byte in another process"
        because "each process has the lower 2 GB for itself; its own memory fills the first of them"
        &[Documented];
    0x4000_0000 SharedDlls "DLLs"
        for "DLLs, and the writable sections of ROM DLLs"
        holds "DLL code, the same for every process; DLL data, of the process"
        never "EXEs, heaps, stacks"
        because "a DLL has the same address in every process"
        &[Documented, Observed];
    0x6000_0000 SharedArea "RAM-backed mappings"
        for "memory-mapped objects without a file behind them"
        holds "shared memory of processes"
        never "modules, stacks; no symbol"
        because "such objects are kept apart from private memory (training kit, table 5-10)"
        &[Documented];
    0x7000_0000 SharedHeap "shared heap"
        for "memory that the kernel writes and every process may read"
        holds "data of kernel servers"
        never "modules, stacks, anything that user code may write; no symbol"
        because "read/write for the kernel, read-only for processes (training kit, table 5-10)"
        &[Documented];
    0x7ff0_0000 Guard "guard"
        for "keeps user and kernel addresses apart"
        holds "nothing"
        never "memory of any kind"
        because "1 MB stays unmapped (training kit, table 5-10)"
        &[Documented];
    0x8000_0000 PhysicalCached "physical memory, cached"
        for "physical memory at fixed addresses, seen through the cache"
        holds "the kernel image, ROM, RAM"
        never "memory that user code can touch"
        because "512 MB are mapped statically"
        &[Documented];
};

const UNCACHED_CE6: &[Row] = rows! {
    0xa000_0000 PhysicalUncached "physical memory, uncached"
        for "the same physical memory, seen past the cache"
        holds "device registers, and every byte of 80000000-9FFFFFFF once more"
        never "memory that user code can touch"
        because "512 MB are mapped statically a second time, 20000000 higher"
        &[Documented];
};

const UNCACHED_CE7: &[Row] = rows! {
    0xa000_0000 PhysicalUncached "physical memory, uncached"
        for "the same physical memory, seen past the cache; not on Compact 2013"
        holds "device registers, and every byte of 80000000-9FFFFFFF once more"
        never "memory that user code can touch"
        because "mapped statically a second time, 20000000 higher; Compact 2013 keeps only the cached mapping"
        &[Documented];
};

const KERNEL: &[Row] = rows! {
    0xc000_0000 KernelDlls "kernel DLLs in ROM"
        for "DLLs of the kernel that run in place"
        holds "code and data of kernel-mode DLLs and drivers"
        never "memory that user code can touch"
        because "the training kit's table 5-10 says so, and kernel DLLs of CE 6 devices were seen at C0xxxxxx"
        &[Documented, Observed];
    0xc800_0000 ObjectStore "object store"
        for "registry, databases and files kept in RAM"
        holds "the object store"
        never "memory that user code can touch; no symbol"
        because "128 MB are kept for it"
        &[Documented];
    0xd000_0000 KernelVirtual "kernel virtual memory"
        for "memory of the kernel, its servers and drivers"
        holds "kernel heap, kernel stacks, DLLs that are not in ROM"
        never "memory that user code can touch"
        because "all servers and drivers of the kernel share it; kernel stacks were seen at D0xxxxxx to DAxxxxxx"
        &[Documented, Observed];
};

const MORE_CE6: &[Row] = rows! {
    0xe000_0000 KernelVirtual "kernel virtual memory 2"
        for "more kernel virtual memory, where the processor allows it (not on SHx)"
        holds "kernel heap, kernel stacks, DLLs that are not in ROM"
        never "memory that user code can touch"
        because "the second 256 MB of kernel virtual memory"
        &[Documented];
};

const MORE_CE7: &[Row] = rows! {
    0xe000_0000 KernelVirtual "kernel virtual memory 2"
        for "more kernel virtual memory, where the processor allows it (not on SHx)"
        holds "kernel heap, kernel stacks, kernel DLLs"
        never "memory that user code can touch"
        because "the second 256 MB of kernel virtual memory; kernel DLLs of CE 7 were seen at EF99xxxx"
        &[Documented, Observed];
};

const TOP: &[Row] = rows! {
    0xf000_0000 ProcessorSpecific "processor-specific"
        for "system call traps and the kernel data page"
        holds "trap addresses without memory behind them; the kernel data page"
        never "memory that user code can touch"
        because "what lies where depends on the processor"
        &[Documented];
};

/// The rows of a flat layout, in rising order.
pub(crate) fn rows(name: LayoutName) -> Vec<Row> {
    match name {
        LayoutName::Ce7 => [USER, UNCACHED_CE7, KERNEL, MORE_CE7, TOP].concat(),
        _ => [USER, UNCACHED_CE6, KERNEL, MORE_CE6, TOP].concat(),
    }
}
