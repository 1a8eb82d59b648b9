/* Blocks inside the segments of a heap: free lists, splitting, coalescing. */

#include "heap.h"

static PHEAP_FREE_ENTRY FreeEntry(PLIST_ENTRY links) { return CONTAINING_RECORD(links, HEAP_FREE_ENTRY, FreeList); }

static void RemoveFree(PHEAP heap, PHEAP_ENTRY entry)
{
    PHEAP_FREE_ENTRY freed = (PHEAP_FREE_ENTRY)entry;
    ListRemove(&freed->FreeList);
    heap->TotalFreeSize -= entry->Size;
    ULONG list = entry->Size < LISTS ? entry->Size : 0;
    if (heap->FreeLists[list].Flink == &heap->FreeLists[list])
        heap->FreeListsInUse[list / 32] &= ~(1u << (list % 32));
}

/* Dedicated lists hold one size each; list 0 holds the rest in ascending order, so that first fit is best fit. */
static void InsertFree(PHEAP heap, PHEAP_ENTRY entry)
{
    ULONG list = entry->Size < LISTS ? entry->Size : 0;
    PLIST_ENTRY head = &heap->FreeLists[list], place = head->Flink;
    while (list == 0 && place != head && FreeEntry(place)->Entry.Size < entry->Size)
        place = place->Flink;
    entry->Flags &= HEAP_ENTRY_LAST_ENTRY;
    entry->UnusedBytes = 0;
    ListInsertBefore(place, &((PHEAP_FREE_ENTRY)entry)->FreeList);
    heap->FreeListsInUse[list / 32] |= 1u << (list % 32);
    heap->TotalFreeSize += entry->Size;
}

/* Whoever follows, or the segment if nobody does, learns where the block before it starts. */
static void SetSize(PHEAP heap, PHEAP_ENTRY entry, SIZE_T units)
{
    entry->Size = (USHORT)units;
    if (IsLast(entry))
        heap->Segments[entry->SegmentIndex]->LastEntryInSegment = entry;
    else
        Following(entry)->PreviousSize = entry->Size;
}

static void Absorb(PHEAP heap, PHEAP_ENTRY entry, PHEAP_ENTRY next)
{
    entry->Flags |= next->Flags & HEAP_ENTRY_LAST_ENTRY;
    SetSize(heap, entry, (SIZE_T)entry->Size + next->Size);
}

static BOOL MayJoin(PHEAP_ENTRY one, PHEAP_ENTRY other)
{
    return !IsBusy(other) && (SIZE_T)one->Size + other->Size <= LARGEST_UNITS;
}

/* Frees a block and joins it with free neighbours; the whole is the result. */
PHEAP_ENTRY HeapGiveBack(PHEAP heap, PHEAP_ENTRY entry)
{
    PHEAP_SEGMENT segment = heap->Segments[entry->SegmentIndex];
    if (!IsLast(entry) && MayJoin(entry, Following(entry))) {
        PHEAP_ENTRY next = Following(entry);
        RemoveFree(heap, next);
        Absorb(heap, entry, next);
    }
    if (entry != segment->FirstEntry && MayJoin(entry, Preceding(entry))) {
        PHEAP_ENTRY previous = Preceding(entry);
        RemoveFree(heap, previous);
        Absorb(heap, previous, entry);
        entry = previous;
    }
    InsertFree(heap, entry);
    return entry;
}

/* The pages at the end of a segment go back to the system when the heap has plenty. */
void HeapDecommit(PHEAP heap, PHEAP_ENTRY entry)
{
    PHEAP_SEGMENT segment = heap->Segments[entry->SegmentIndex];
    ULONG_PTR end = (ULONG_PTR)Following(entry);
    ULONG_PTR start = ((ULONG_PTR)(entry + 2) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (!IsLast(entry) || start >= end || heap->TotalFreeSize < heap->DeCommitTotalFreeThreshold ||
        entry->Size < heap->DeCommitFreeBlockThreshold)
        return;
    PVOID base = (PVOID)start;
    SIZE_T size = end - start;
    if (!NT_SUCCESS(NtFreeVirtualMemory(NtCurrentProcess(), &base, &size, MEM_DECOMMIT)))
        return;
    RemoveFree(heap, entry);
    SetSize(heap, entry, (start - (ULONG_PTR)entry) / UNIT);
    InsertFree(heap, entry);
    segment->NumberOfUnCommittedPages += size / PAGE_SIZE;
    segment->NumberOfUnCommittedRanges = 1;
    segment->LargestUnCommittedRange = segment->NumberOfUnCommittedPages * PAGE_SIZE;
}

/* Cuts what a block has beyond the units asked for, if that is enough for a block. */
void HeapTrim(PHEAP heap, PHEAP_ENTRY entry, SIZE_T units)
{
    SIZE_T rest = entry->Size - units;
    if (rest < 2)
        return;
    PHEAP_ENTRY tail = entry + units;
    tail->Flags = HEAP_ENTRY_BUSY | (entry->Flags & HEAP_ENTRY_LAST_ENTRY);
    tail->SegmentIndex = entry->SegmentIndex;
    tail->SmallTagIndex = tail->UnusedBytes = 0;
    entry->Flags &= (UCHAR)~HEAP_ENTRY_LAST_ENTRY;
    SetSize(heap, tail, rest);
    SetSize(heap, entry, units);
    HeapGiveBack(heap, tail);
}

static PHEAP_ENTRY FindFree(PHEAP heap, SIZE_T units)
{
    for (SIZE_T list = units; list < LISTS; list++) {
        ULONG above = heap->FreeListsInUse[list / 32] >> (list % 32);
        if (above == 0)
            list |= 31;
        else if (above & 1)
            return &FreeEntry(heap->FreeLists[list].Flink)->Entry;
    }
    PLIST_ENTRY head = &heap->FreeLists[0];
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink)
        if (FreeEntry(at)->Entry.Size >= units)
            return &FreeEntry(at)->Entry;
    return NULL;
}

PHEAP_ENTRY HeapTake(PHEAP heap, SIZE_T units)
{
    PHEAP_ENTRY entry = FindFree(heap, units);
    if (entry == NULL)
        entry = HeapCommitMore(heap, units) ? FindFree(heap, units) : NULL;
    if (entry == NULL)
        return NULL;
    RemoveFree(heap, entry);
    entry->Flags |= HEAP_ENTRY_BUSY;
    HeapTrim(heap, entry, units);
    return entry;
}

/* Grows a busy block into the free one after it. */
BOOL HeapExtend(PHEAP heap, PHEAP_ENTRY entry, SIZE_T units)
{
    if (IsLast(entry))
        return FALSE;
    PHEAP_ENTRY next = Following(entry);
    if (!MayJoin(entry, next) || (SIZE_T)entry->Size + next->Size < units)
        return FALSE;
    RemoveFree(heap, next);
    Absorb(heap, entry, next);
    HeapTrim(heap, entry, units);
    return TRUE;
}
