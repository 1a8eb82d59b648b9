/* Heaps: creating and destroying them, allocating and freeing blocks. */

#include "heap.h"

#define DEFAULT_RESERVE 0x100000u
#define DEFAULT_COMMIT 0x2000u
#define FIRST_ENTRY_OFFSET 0x5e0u
#define MAXIMUM_HEAPS 0x3f4u

static RTL_CRITICAL_SECTION ProcessHeapsLock;
static PVOID ProcessHeaps[MAXIMUM_HEAPS];

BOOL HeapIsValid(const HEAP *heap) { return heap != NULL && heap->Signature == HEAP_SIGNATURE; }

void RtlpLockHeap(PHEAP heap, ULONG flags)
{
    if (!((heap->Flags | flags) & HEAP_NO_SERIALIZE))
        RtlEnterCriticalSection(heap->LockVariable);
}

void RtlpUnlockHeap(PHEAP heap, ULONG flags)
{
    if (!((heap->Flags | flags) & HEAP_NO_SERIALIZE))
        RtlLeaveCriticalSection(heap->LockVariable);
}

static void AddProcessHeap(PHEAP heap)
{
    PPEB peb = CurrentPeb();
    RtlEnterCriticalSection(&ProcessHeapsLock);
    if (peb->NumberOfHeaps < MAXIMUM_HEAPS) {
        ProcessHeaps[peb->NumberOfHeaps++] = heap;
        heap->ProcessHeapsListIndex = (USHORT)peb->NumberOfHeaps;
    }
    RtlLeaveCriticalSection(&ProcessHeapsLock);
}

static void RemoveProcessHeap(PHEAP heap)
{
    PPEB peb = CurrentPeb();
    RtlEnterCriticalSection(&ProcessHeapsLock);
    ULONG kept = 0;
    for (ULONG index = 0; index < peb->NumberOfHeaps; index++) {
        PHEAP other = ProcessHeaps[index];
        if (other == heap)
            continue;
        ProcessHeaps[kept++] = other;
        other->ProcessHeapsListIndex = (USHORT)kept;
    }
    peb->NumberOfHeaps = kept;
    RtlLeaveCriticalSection(&ProcessHeapsLock);
}

static void FormatHeap(PHEAP heap, ULONG flags, SIZE_T reserve, SIZE_T commit)
{
    PRTL_CRITICAL_SECTION lock = (PRTL_CRITICAL_SECTION)(heap + 1);
    PHEAP_SEGMENT segment = (PHEAP_SEGMENT)(((ULONG_PTR)(lock + 1) + 7) & ~7u);
    heap->Signature = HEAP_SIGNATURE;
    heap->Flags = flags;
    heap->Entry.Size = FIRST_ENTRY_OFFSET / UNIT;
    heap->Entry.Flags = HEAP_ENTRY_BUSY;
    heap->VirtualMemoryThreshold = LARGEST_UNITS;
    heap->SegmentReserve = DEFAULT_RESERVE;
    heap->SegmentCommit = DEFAULT_COMMIT;
    heap->DeCommitFreeBlockThreshold = 0x1000 / UNIT;
    heap->DeCommitTotalFreeThreshold = 0x10000 / UNIT;
    heap->MaximumAllocationSize = 0x7ffdefff;
    heap->AlignRound = sizeof(HEAP_ENTRY) + UNIT - 1;
    heap->AlignMask = ~(UNIT - 1);
    ListInitialize(&heap->VirtualAllocdBlocks);
    for (ULONG list = 0; list < LISTS; list++)
        ListInitialize(&heap->FreeLists[list]);
    RtlInitializeCriticalSection(lock);
    heap->LockVariable = lock;
    segment->BaseAddress = heap;
    segment->NumberOfPages = reserve / PAGE_SIZE;
    heap->Segments[0] = segment;
    HeapFormatSegment(heap, segment, (PHEAP_ENTRY)((PCHAR)heap + FIRST_ENTRY_OFFSET), (PCHAR)heap + commit);
}

PVOID NTAPI RtlCreateHeap(ULONG flags, PVOID base, SIZE_T reserve, SIZE_T commit, PVOID lock, PVOID parameters)
{
    (void)lock, (void)parameters;
    if (commit == 0)
        commit = DEFAULT_COMMIT;
    if (commit > LARGEST_UNITS * UNIT)
        commit = LARGEST_UNITS * UNIT;
    if (reserve == 0)
        reserve = DEFAULT_RESERVE;
    commit = (commit + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    reserve = (max(reserve, commit) + ALLOCATION_UNIT - 1) & ~(ALLOCATION_UNIT - 1);
    if (reserve < commit)
        return NULL;
    NTSTATUS status = STATUS_SUCCESS;
    BOOL is_ours = base == NULL;
    if (is_ours)
        status = NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &reserve, MEM_RESERVE, PAGE_READWRITE);
    PVOID start = base;
    if (NT_SUCCESS(status))
        status = NtAllocateVirtualMemory(NtCurrentProcess(), &start, 0, &commit, MEM_COMMIT, PAGE_READWRITE);
    if (!NT_SUCCESS(status)) {
        reserve = 0;
        if (is_ours && base != NULL)
            NtFreeVirtualMemory(NtCurrentProcess(), &base, &reserve, MEM_RELEASE);
        return NULL;
    }
    FormatHeap(base, flags, reserve, commit);
    AddProcessHeap(base);
    return base;
}

static void ReleasePages(PVOID base)
{
    SIZE_T size = 0;
    NtFreeVirtualMemory(NtCurrentProcess(), &base, &size, MEM_RELEASE);
}

PVOID NTAPI RtlDestroyHeap(PVOID handle)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap) || heap == CurrentPeb()->ProcessHeap)
        return heap;
    RemoveProcessHeap(heap);
    RtlDeleteCriticalSection(heap->LockVariable);
    heap->Signature = 0;
    while (heap->VirtualAllocdBlocks.Flink != &heap->VirtualAllocdBlocks) {
        PLIST_ENTRY block = heap->VirtualAllocdBlocks.Flink;
        ListRemove(block);
        ReleasePages(block);
    }
    for (ULONG index = SEGMENTS; index-- > 0;)
        if (heap->Segments[index] != NULL)
            ReleasePages(heap->Segments[index]->BaseAddress);
    return NULL;
}

static PVOID AllocateOutside(PHEAP heap, SIZE_T size)
{
    SIZE_T bytes = (size + sizeof(HEAP_VIRTUAL_ALLOC_ENTRY) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    PVOID base = NULL;
    if (!(heap->Flags & HEAP_GROWABLE) || bytes < size)
        return NULL;
    if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &bytes, MEM_COMMIT, PAGE_READWRITE)))
        return NULL;
    PHEAP_VIRTUAL_ALLOC_ENTRY block = base;
    block->CommitSize = block->ReserveSize = bytes;
    block->BusyBlock.Size = (USHORT)(bytes - size);
    block->BusyBlock.Flags = HEAP_ENTRY_BUSY | HEAP_ENTRY_VIRTUAL_ALLOC;
    ListInsertBefore(&heap->VirtualAllocdBlocks, &block->Entry);
    return block + 1;
}

static PVOID AllocateLocked(PHEAP heap, ULONG flags, SIZE_T size)
{
    if (size > heap->MaximumAllocationSize)
        return NULL;
    SIZE_T units = UnitsFor(size);
    if (units > LARGEST_UNITS)
        return AllocateOutside(heap, size);
    PHEAP_ENTRY entry = HeapTake(heap, units);
    if (entry == NULL)
        return NULL;
    entry->UnusedBytes = (UCHAR)(entry->Size * UNIT - size);
    entry->SmallTagIndex = 0;
    if ((flags | heap->Flags) & HEAP_ZERO_MEMORY)
        memset(entry + 1, 0, (entry->Size - 1) * UNIT);
    return entry + 1;
}

PVOID NTAPI RtlAllocateHeap(PVOID handle, ULONG flags, SIZE_T size)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap))
        return NULL;
    RtlpLockHeap(heap, flags);
    PVOID memory = AllocateLocked(heap, flags, size);
    RtlpUnlockHeap(heap, flags);
    if (memory == NULL) {
        if ((flags | heap->Flags) & HEAP_GENERATE_EXCEPTIONS)
            RtlRaiseStatus(STATUS_NO_MEMORY);
        RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_NO_MEMORY);
    }
    return memory;
}

static BOOL IsOutside(PHEAP heap, const void *memory)
{
    if (((ULONG_PTR)memory & (PAGE_SIZE - 1)) != sizeof(HEAP_VIRTUAL_ALLOC_ENTRY))
        return FALSE;
    for (PLIST_ENTRY at = heap->VirtualAllocdBlocks.Flink; at != &heap->VirtualAllocdBlocks; at = at->Flink)
        if ((PHEAP_VIRTUAL_ALLOC_ENTRY)at + 1 == memory)
            return TRUE;
    return FALSE;
}

/* The header of a block that the program holds, or NULL when no such block is in the heap. */
PHEAP_ENTRY HeapCheckedEntry(PHEAP heap, const void *memory)
{
    if (!HeapIsValid(heap) || memory == NULL || ((ULONG_PTR)memory & (UNIT - 1)) != 0)
        return NULL;
    if (IsOutside(heap, memory))
        return Header(memory);
    for (ULONG index = 0; index < SEGMENTS; index++) {
        PHEAP_SEGMENT segment = heap->Segments[index];
        PHEAP_ENTRY entry = Header(memory);
        if (segment != NULL && entry >= segment->FirstEntry && entry <= segment->LastEntryInSegment)
            return IsBusy(entry) && entry->SegmentIndex == index && entry->Size >= 2 ? entry : NULL;
    }
    return NULL;
}

static BOOLEAN Refuse(void)
{
    RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_INVALID_PARAMETER);
    return FALSE;
}

BOOLEAN NTAPI RtlFreeHeap(PVOID handle, ULONG flags, PVOID memory)
{
    PHEAP heap = handle;
    if (memory == NULL)
        return TRUE;
    if (!HeapIsValid(heap))
        return Refuse();
    RtlpLockHeap(heap, flags);
    PHEAP_ENTRY entry = HeapCheckedEntry(heap, memory);
    if (entry != NULL && entry->Flags & HEAP_ENTRY_VIRTUAL_ALLOC) {
        PHEAP_VIRTUAL_ALLOC_ENTRY block = (PHEAP_VIRTUAL_ALLOC_ENTRY)memory - 1;
        ListRemove(&block->Entry);
        ReleasePages(block);
    } else if (entry != NULL) {
        HeapDecommit(heap, HeapGiveBack(heap, entry));
    }
    RtlpUnlockHeap(heap, flags);
    return entry != NULL ? TRUE : Refuse();
}

static SIZE_T BytesOf(const HEAP_ENTRY *entry)
{
    if (entry->Flags & HEAP_ENTRY_VIRTUAL_ALLOC)
        return ((const HEAP_VIRTUAL_ALLOC_ENTRY *)(entry + 1) - 1)->CommitSize - entry->Size;
    return entry->Size * UNIT - entry->UnusedBytes;
}

SIZE_T NTAPI RtlSizeHeap(PVOID handle, ULONG flags, PVOID memory)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap))
        return (SIZE_T)-1;
    RtlpLockHeap(heap, flags);
    PHEAP_ENTRY entry = HeapCheckedEntry(heap, memory);
    SIZE_T size = entry != NULL ? BytesOf(entry) : (SIZE_T)-1;
    RtlpUnlockHeap(heap, flags);
    return size;
}

static BOOL ResizeInPlace(PHEAP heap, PHEAP_ENTRY entry, SIZE_T size)
{
    SIZE_T units = UnitsFor(size);
    if (entry->Flags & HEAP_ENTRY_VIRTUAL_ALLOC || size > heap->MaximumAllocationSize || units > LARGEST_UNITS)
        return FALSE;
    if (units > entry->Size && !HeapExtend(heap, entry, units))
        return FALSE;
    HeapTrim(heap, entry, units);
    entry->UnusedBytes = (UCHAR)(entry->Size * UNIT - size);
    return TRUE;
}

static PVOID ReAllocateLocked(PHEAP heap, ULONG flags, PHEAP_ENTRY entry, SIZE_T size)
{
    SIZE_T old = BytesOf(entry);
    PVOID memory = entry + 1;
    if (!ResizeInPlace(heap, entry, size)) {
        if (flags & HEAP_REALLOC_IN_PLACE_ONLY)
            return NULL;
        memory = AllocateLocked(heap, flags & ~HEAP_ZERO_MEMORY, size);
        if (memory == NULL)
            return NULL;
        memcpy(memory, entry + 1, min(old, size));
        RtlFreeHeap(heap, flags | HEAP_NO_SERIALIZE, entry + 1);
    }
    if (flags & HEAP_ZERO_MEMORY && size > old)
        memset((PCHAR)memory + old, 0, size - old);
    return memory;
}

PVOID NTAPI RtlReAllocateHeap(PVOID handle, ULONG flags, PVOID memory, SIZE_T size)
{
    PHEAP heap = handle;
    if (memory == NULL || !HeapIsValid(heap)) {
        Refuse();
        return NULL;
    }
    RtlpLockHeap(heap, flags);
    PHEAP_ENTRY entry = HeapCheckedEntry(heap, memory);
    PVOID moved = entry != NULL ? ReAllocateLocked(heap, flags, entry, size) : NULL;
    RtlpUnlockHeap(heap, flags);
    if (entry == NULL)
        Refuse();
    else if (moved == NULL)
        RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_NO_MEMORY);
    if (moved == NULL && entry != NULL && (flags | heap->Flags) & HEAP_GENERATE_EXCEPTIONS)
        RtlRaiseStatus(STATUS_NO_MEMORY);
    return moved;
}

ULONG NTAPI RtlGetProcessHeaps(ULONG count, PVOID *heaps)
{
    RtlEnterCriticalSection(&ProcessHeapsLock);
    ULONG all = CurrentPeb()->NumberOfHeaps;
    memcpy(heaps, ProcessHeaps, min(count, all) * sizeof(PVOID));
    RtlLeaveCriticalSection(&ProcessHeapsLock);
    return all;
}

void RtlpInitializeHeaps(PPEB peb)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(peb->ImageBaseAddress);
    RtlInitializeCriticalSection(&ProcessHeapsLock);
    peb->ProcessHeaps = ProcessHeaps;
    peb->MaximumNumberOfHeaps = MAXIMUM_HEAPS;
    peb->NumberOfHeaps = 0;
    SIZE_T reserve = headers != NULL ? headers->OptionalHeader.SizeOfHeapReserve : 0;
    SIZE_T commit = headers != NULL ? headers->OptionalHeader.SizeOfHeapCommit : 0;
    peb->ProcessHeap = RtlCreateHeap(HEAP_GROWABLE, NULL, reserve, commit, NULL, NULL);
}
