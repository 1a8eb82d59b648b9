/* The layout of XP's heaps: 8-byte headers, 128 free lists, up to 64 segments, big blocks outside. */
#ifndef HEAP_H
#define HEAP_H

#include "ntdll.h"

#define UNIT 8u
#define SEGMENTS 64u
#define LISTS 128u
#define LARGEST_UNITS 0xfe00u /* more is allocated outside the segments */

typedef struct _HEAP_ENTRY {
    USHORT Size, PreviousSize; /* in units of 8 bytes, header included */
    UCHAR SmallTagIndex, Flags, UnusedBytes, SegmentIndex;
} HEAP_ENTRY, *PHEAP_ENTRY;

typedef struct _HEAP_FREE_ENTRY {
    HEAP_ENTRY Entry;
    LIST_ENTRY FreeList;
} HEAP_FREE_ENTRY, *PHEAP_FREE_ENTRY;

#define HEAP_ENTRY_BUSY 0x01
#define HEAP_ENTRY_VIRTUAL_ALLOC 0x08
#define HEAP_ENTRY_LAST_ENTRY 0x10

typedef struct _HEAP_SEGMENT {
    HEAP_ENTRY Entry;
    ULONG Signature, Flags;
    struct _HEAP *Heap;
    ULONG LargestUnCommittedRange;
    PVOID BaseAddress;
    ULONG NumberOfPages;
    PHEAP_ENTRY FirstEntry, LastValidEntry;
    ULONG NumberOfUnCommittedPages, NumberOfUnCommittedRanges;
    PVOID UnCommittedRanges;
    USHORT AllocatorBackTraceIndex, Reserved;
    PHEAP_ENTRY LastEntryInSegment;
} HEAP_SEGMENT, *PHEAP_SEGMENT;

typedef struct _HEAP {
    HEAP_ENTRY Entry;
    ULONG Signature, Flags, ForceFlags, VirtualMemoryThreshold, SegmentReserve, SegmentCommit;
    ULONG DeCommitFreeBlockThreshold, DeCommitTotalFreeThreshold, TotalFreeSize, MaximumAllocationSize;
    USHORT ProcessHeapsListIndex, HeaderValidateLength;
    PVOID HeaderValidateCopy;
    USHORT NextAvailableTagIndex, MaximumTagIndex;
    PVOID TagEntries, UCRSegments, UnusedUnCommittedRanges;
    ULONG AlignRound, AlignMask;
    LIST_ENTRY VirtualAllocdBlocks;
    PHEAP_SEGMENT Segments[SEGMENTS];
    ULONG FreeListsInUse[4];
    USHORT FreeListsInUseTerminate, AllocatorBackTraceIndex;
    ULONG NonDedicatedListLength;
    PVOID LargeBlocksIndex, PseudoTagEntries;
    LIST_ENTRY FreeLists[LISTS];
    PRTL_CRITICAL_SECTION LockVariable;
    PVOID CommitRoutine, FrontEndHeap;
    USHORT FrontHeapLockCount;
    UCHAR FrontEndHeapType, LastSegmentIndex;
} HEAP, *PHEAP;
OFFSET_IS(HEAP, VirtualAllocdBlocks, 0x50);
OFFSET_IS(HEAP, Segments, 0x58);
OFFSET_IS(HEAP, FreeListsInUse, 0x158);
OFFSET_IS(HEAP, FreeLists, 0x178);
OFFSET_IS(HEAP, LockVariable, 0x578);
_Static_assert(sizeof(HEAP) == 0x588, "the size of the heap");

typedef struct _HEAP_VIRTUAL_ALLOC_ENTRY {
    LIST_ENTRY Entry;
    ULONG ExtraStuff[2];
    SIZE_T CommitSize, ReserveSize;
    HEAP_ENTRY BusyBlock; /* Size: the bytes of CommitSize that are not the program's */
} HEAP_VIRTUAL_ALLOC_ENTRY, *PHEAP_VIRTUAL_ALLOC_ENTRY;
_Static_assert(sizeof(HEAP_VIRTUAL_ALLOC_ENTRY) == 0x20, "the size of a big block's header");

#define HEAP_SIGNATURE 0xeeffeeffu
#define HEAP_SEGMENT_SIGNATURE 0xffeeffeeu

static inline PHEAP_ENTRY Header(const void *memory) { return (PHEAP_ENTRY)memory - 1; }
static inline PHEAP_ENTRY Following(PHEAP_ENTRY entry) { return entry + entry->Size; }
static inline PHEAP_ENTRY Preceding(PHEAP_ENTRY entry) { return entry - entry->PreviousSize; }
static inline BOOL IsBusy(const HEAP_ENTRY *entry) { return entry->Flags & HEAP_ENTRY_BUSY; }
static inline BOOL IsLast(const HEAP_ENTRY *entry) { return entry->Flags & HEAP_ENTRY_LAST_ENTRY; }

/* One size of a block for the program's bytes: the header, rounded up to units, at least room for the free links. */
static inline SIZE_T UnitsFor(SIZE_T size)
{
    SIZE_T units = (size + sizeof(HEAP_ENTRY) + UNIT - 1) / UNIT;
    return units < 2 ? 2 : units;
}

BOOL HeapIsValid(const HEAP *heap);
PHEAP_ENTRY HeapCheckedEntry(PHEAP heap, const void *memory);
void RtlpLockHeap(PHEAP heap, ULONG flags);
void RtlpUnlockHeap(PHEAP heap, ULONG flags);
PHEAP_ENTRY HeapTake(PHEAP heap, SIZE_T units);
PHEAP_ENTRY HeapGiveBack(PHEAP heap, PHEAP_ENTRY entry);
void HeapDecommit(PHEAP heap, PHEAP_ENTRY entry);
void HeapTrim(PHEAP heap, PHEAP_ENTRY entry, SIZE_T units);
BOOL HeapExtend(PHEAP heap, PHEAP_ENTRY entry, SIZE_T units);
PHEAP_SEGMENT HeapNewSegment(PHEAP heap, SIZE_T units);
PHEAP_ENTRY HeapCommitMore(PHEAP heap, SIZE_T units);
PHEAP_ENTRY HeapFormatSegment(PHEAP heap, PHEAP_SEGMENT segment, PHEAP_ENTRY first, PVOID committed_end);

#endif
