/* Segments of a heap: reserved at once, committed from the bottom as blocks need room. */

#include "heap.h"

static PCHAR CommittedEnd(const HEAP_SEGMENT *segment)
{
    return (PCHAR)segment->BaseAddress + (segment->NumberOfPages - segment->NumberOfUnCommittedPages) * PAGE_SIZE;
}

/* A free block over [entry, end), last of its segment. */
static PHEAP_ENTRY FormatTail(PHEAP heap, PHEAP_SEGMENT segment, PHEAP_ENTRY entry, PVOID end, USHORT previous)
{
    entry->Size = (USHORT)(((PCHAR)end - (PCHAR)entry) / UNIT);
    entry->PreviousSize = previous;
    entry->SmallTagIndex = entry->UnusedBytes = 0;
    entry->Flags = HEAP_ENTRY_BUSY | HEAP_ENTRY_LAST_ENTRY;
    entry->SegmentIndex = segment->Entry.SegmentIndex;
    segment->LastEntryInSegment = entry;
    HeapGiveBack(heap, entry);
    return entry;
}

PHEAP_ENTRY HeapFormatSegment(PHEAP heap, PHEAP_SEGMENT segment, PHEAP_ENTRY first, PVOID committed_end)
{
    PCHAR base = segment->BaseAddress;
    segment->Signature = HEAP_SEGMENT_SIGNATURE;
    segment->Heap = heap;
    segment->FirstEntry = first;
    segment->LastValidEntry = (PHEAP_ENTRY)(base + segment->NumberOfPages * PAGE_SIZE);
    segment->NumberOfUnCommittedPages = segment->NumberOfPages - ((PCHAR)committed_end - base) / PAGE_SIZE;
    segment->NumberOfUnCommittedRanges = segment->NumberOfUnCommittedPages != 0;
    segment->LargestUnCommittedRange = segment->NumberOfUnCommittedPages * PAGE_SIZE;
    segment->Entry.Size = (USHORT)(((PCHAR)first - (PCHAR)segment) / UNIT);
    segment->Entry.Flags = HEAP_ENTRY_BUSY;
    return FormatTail(heap, segment, first, committed_end, segment->Entry.Size);
}

PHEAP_SEGMENT HeapNewSegment(PHEAP heap, SIZE_T units)
{
    UCHAR index = 1;
    while (index < SEGMENTS && heap->Segments[index] != NULL)
        index++;
    if (index == SEGMENTS || !(heap->Flags & HEAP_GROWABLE))
        return NULL;
    SIZE_T needed = (units * UNIT + sizeof(HEAP_SEGMENT) + 2 * PAGE_SIZE) & ~(PAGE_SIZE - 1);
    SIZE_T reserve = max((SIZE_T)heap->SegmentReserve, needed), commit = PAGE_SIZE;
    PVOID base = NULL;
    NTSTATUS status = NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &reserve, MEM_RESERVE, PAGE_READWRITE);
    if (!NT_SUCCESS(status)) {
        reserve = needed;
        base = NULL;
        status = NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &reserve, MEM_RESERVE, PAGE_READWRITE);
    }
    if (!NT_SUCCESS(status))
        return NULL;
    PVOID start = base;
    if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &start, 0, &commit, MEM_COMMIT, PAGE_READWRITE))) {
        reserve = 0;
        NtFreeVirtualMemory(NtCurrentProcess(), &base, &reserve, MEM_RELEASE);
        return NULL;
    }
    if (heap->SegmentReserve < 0x4000000)
        heap->SegmentReserve *= 2;
    PHEAP_SEGMENT segment = base;
    segment->BaseAddress = base;
    segment->NumberOfPages = reserve / PAGE_SIZE;
    segment->Entry.SegmentIndex = index;
    heap->Segments[index] = segment;
    HeapFormatSegment(heap, segment, (PHEAP_ENTRY)((PCHAR)base + 0x40), (PCHAR)base + PAGE_SIZE);
    return segment;
}

/* Commits pages behind the last block so that a free block of the units arises. */
static PHEAP_ENTRY CommitInSegment(PHEAP heap, PHEAP_SEGMENT segment, SIZE_T units)
{
    PHEAP_ENTRY last = segment->LastEntryInSegment;
    SIZE_T joined = !IsBusy(last) && last->Size < units ? last->Size : 0;
    SIZE_T size = ((units - joined) * UNIT + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (joined + size / UNIT > LARGEST_UNITS)
        size = (units * UNIT + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    SIZE_T available = segment->NumberOfUnCommittedPages * PAGE_SIZE, usual = heap->SegmentCommit;
    if (size > available)
        return NULL;
    if (size < usual && usual <= available)
        size = usual;
    PVOID base = CommittedEnd(segment);
    if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_COMMIT, PAGE_READWRITE)))
        return NULL;
    segment->NumberOfUnCommittedPages -= size / PAGE_SIZE;
    segment->NumberOfUnCommittedRanges = segment->NumberOfUnCommittedPages != 0;
    segment->LargestUnCommittedRange = segment->NumberOfUnCommittedPages * PAGE_SIZE;
    last->Flags &= (UCHAR)~HEAP_ENTRY_LAST_ENTRY;
    return FormatTail(heap, segment, base, (PCHAR)base + size, last->Size);
}

PHEAP_ENTRY HeapCommitMore(PHEAP heap, SIZE_T units)
{
    for (ULONG index = 0; index < SEGMENTS; index++) {
        PHEAP_SEGMENT segment = heap->Segments[index];
        PHEAP_ENTRY entry = segment != NULL ? CommitInSegment(heap, segment, units) : NULL;
        if (entry != NULL)
            return entry;
    }
    PHEAP_SEGMENT segment = HeapNewSegment(heap, units);
    return segment != NULL ? CommitInSegment(heap, segment, units) : NULL;
}
