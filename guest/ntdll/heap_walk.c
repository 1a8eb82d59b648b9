/* Looking at a heap: validation and the walk over all its blocks. */

#include "heap.h"

#define WALK_BUSY 0x01
#define WALK_SEGMENT 0x02
#define WALK_UNCOMMITTED 0x100

static BOOL SegmentIsValid(PHEAP heap, PHEAP_SEGMENT segment)
{
    USHORT previous = segment->FirstEntry->PreviousSize;
    for (PHEAP_ENTRY entry = segment->FirstEntry;; entry = Following(entry)) {
        if (entry->Size == 0 || entry->PreviousSize != previous || heap->Segments[entry->SegmentIndex] != segment)
            return FALSE;
        if (IsLast(entry))
            return entry == segment->LastEntryInSegment && Following(entry) <= segment->LastValidEntry;
        previous = entry->Size;
        if (Following(entry) >= segment->LastValidEntry)
            return FALSE;
    }
}

static BOOL FreeListsAreValid(PHEAP heap)
{
    ULONG total = 0;
    for (ULONG list = 0; list < LISTS; list++) {
        PLIST_ENTRY head = &heap->FreeLists[list];
        for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
            PHEAP_ENTRY entry = &CONTAINING_RECORD(at, HEAP_FREE_ENTRY, FreeList)->Entry;
            if (IsBusy(entry) || at->Flink->Blink != at || (list != 0 ? entry->Size != list : entry->Size < LISTS))
                return FALSE;
            total += entry->Size;
        }
    }
    return total == heap->TotalFreeSize;
}

static BOOL HeapHolds(PHEAP heap)
{
    for (ULONG index = 0; index < SEGMENTS; index++)
        if (heap->Segments[index] != NULL && !SegmentIsValid(heap, heap->Segments[index]))
            return FALSE;
    return FreeListsAreValid(heap);
}

BOOLEAN NTAPI RtlValidateHeap(PVOID handle, ULONG flags, PVOID memory)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap))
        return FALSE;
    RtlpLockHeap(heap, flags);
    BOOL is_valid = memory != NULL ? HeapCheckedEntry(heap, memory) != NULL : HeapHolds(heap);
    RtlpUnlockHeap(heap, flags);
    return (BOOLEAN)is_valid;
}

BOOLEAN NTAPI RtlLockHeap(PVOID heap)
{
    if (!HeapIsValid(heap))
        return FALSE;
    RtlpLockHeap(heap, 0);
    return TRUE;
}

BOOLEAN NTAPI RtlUnlockHeap(PVOID heap)
{
    if (!HeapIsValid(heap))
        return FALSE;
    RtlpUnlockHeap(heap, 0);
    return TRUE;
}

/* Free blocks are always coalesced; what remains to tell is the largest. */
SIZE_T NTAPI RtlCompactHeap(PVOID handle, ULONG flags)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap))
        return 0;
    RtlpLockHeap(heap, flags);
    SIZE_T largest = 0;
    for (ULONG list = 0; list < LISTS; list++) {
        PLIST_ENTRY head = &heap->FreeLists[list];
        if (head->Blink != head)
            largest = max(largest, (SIZE_T)CONTAINING_RECORD(head->Blink, HEAP_FREE_ENTRY, FreeList)->Entry.Size);
    }
    RtlpUnlockHeap(heap, flags);
    return largest * UNIT;
}

static NTSTATUS TellSegment(PHEAP heap, ULONG index, PRTL_HEAP_WALK_ENTRY out)
{
    while (index < SEGMENTS && heap->Segments[index] == NULL)
        index++;
    if (index == SEGMENTS)
        return STATUS_NO_MORE_ENTRIES;
    PHEAP_SEGMENT segment = heap->Segments[index];
    ULONG committed = (segment->NumberOfPages - segment->NumberOfUnCommittedPages) * PAGE_SIZE;
    out->DataAddress = segment->BaseAddress;
    out->DataSize = (PCHAR)segment->FirstEntry - (PCHAR)segment->BaseAddress;
    out->OverheadBytes = 0;
    out->SegmentIndex = (UCHAR)index;
    out->Flags = WALK_SEGMENT;
    out->Value[0] = committed;
    out->Value[1] = segment->NumberOfUnCommittedPages * PAGE_SIZE;
    out->Value[2] = (ULONG_PTR)segment->FirstEntry;
    out->Value[3] = (ULONG_PTR)segment->LastValidEntry;
    return STATUS_SUCCESS;
}

static NTSTATUS TellBlock(PHEAP_ENTRY entry, PRTL_HEAP_WALK_ENTRY out)
{
    out->DataAddress = entry + 1;
    out->OverheadBytes = IsBusy(entry) ? entry->UnusedBytes : sizeof(HEAP_ENTRY);
    out->DataSize = entry->Size * UNIT - out->OverheadBytes;
    out->SegmentIndex = entry->SegmentIndex;
    out->Flags = IsBusy(entry) ? WALK_BUSY : 0;
    return STATUS_SUCCESS;
}

static NTSTATUS TellUncommitted(PHEAP_SEGMENT segment, PRTL_HEAP_WALK_ENTRY out)
{
    out->DataAddress = Following(segment->LastEntryInSegment);
    out->DataSize = segment->NumberOfUnCommittedPages * PAGE_SIZE;
    out->OverheadBytes = 0;
    out->SegmentIndex = segment->Entry.SegmentIndex;
    out->Flags = WALK_UNCOMMITTED;
    return STATUS_SUCCESS;
}

/* The entry tells the walk where it is: a segment's start is followed by its blocks, they by what is not committed. */
NTSTATUS NTAPI RtlWalkHeap(PVOID handle, PRTL_HEAP_WALK_ENTRY out)
{
    PHEAP heap = handle;
    if (!HeapIsValid(heap))
        return STATUS_INVALID_PARAMETER;
    if (out->DataAddress == NULL)
        return TellSegment(heap, 0, out);
    PHEAP_SEGMENT segment = out->SegmentIndex < SEGMENTS ? heap->Segments[out->SegmentIndex] : NULL;
    if (segment == NULL)
        return STATUS_INVALID_PARAMETER;
    if (out->Flags & WALK_SEGMENT)
        return TellBlock(segment->FirstEntry, out);
    if (!(out->Flags & WALK_UNCOMMITTED)) {
        PHEAP_ENTRY entry = Header(out->DataAddress);
        if (entry < segment->FirstEntry || entry > segment->LastEntryInSegment || entry->Size == 0)
            return STATUS_INVALID_PARAMETER;
        if (!IsLast(entry))
            return TellBlock(Following(entry), out);
        if (segment->NumberOfUnCommittedPages != 0)
            return TellUncommitted(segment, out);
    }
    return TellSegment(heap, out->SegmentIndex + 1u, out);
}
