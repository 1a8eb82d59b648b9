/* Tool help's walk over the blocks of any process's heap, read from its memory; the entry itself says how far it is. */

#include "toolhelp.h"
#include "../ntdll/heap.h"

/* dwResvd: the segment, or this for blocks outside the segments. */
#define OUTSIDE SEGMENTS

typedef struct {
    HANDLE process;
    PHEAP heap;
    LPHEAPENTRY32 out;
} HeapReader;

static BOOL Read(const HeapReader *reader, const void *from, void *to, SIZE_T size)
{
    return NT_SUCCESS(NtReadVirtualMemory(reader->process, (PVOID)from, to, size, NULL));
}

static BOOL Tell(const HeapReader *reader, PHEAP_ENTRY at, const HEAP_ENTRY *entry)
{
    BOOL is_busy = IsBusy(entry);
    reader->out->dwAddress = (ULONG_PTR)(at + 1);
    reader->out->dwBlockSize = entry->Size * UNIT - (is_busy ? entry->UnusedBytes : sizeof *entry);
    reader->out->dwFlags = is_busy ? LF32_FIXED : LF32_FREE;
    return TRUE;
}

/* A block outside the segments: its header says how much of its committed memory is not the program's. */
static BOOL TellOutside(const HeapReader *reader, PLIST_ENTRY at)
{
    HEAP_VIRTUAL_ALLOC_ENTRY block;
    PLIST_ENTRY head = &reader->heap->VirtualAllocdBlocks;
    if (at == head || at == NULL || !Read(reader, at, &block, sizeof block))
        return BaseFail(ERROR_NO_MORE_FILES);
    reader->out->dwResvd = OUTSIDE;
    reader->out->dwAddress = (ULONG_PTR)((PHEAP_VIRTUAL_ALLOC_ENTRY)at + 1);
    reader->out->dwBlockSize = block.CommitSize - block.BusyBlock.Size;
    reader->out->dwFlags = LF32_FIXED;
    return TRUE;
}

/* The first block of a segment, or of the next one that there is. */
static BOOL TellSegment(const HeapReader *reader, ULONG index)
{
    PLIST_ENTRY first = NULL;
    for (; index < SEGMENTS; index++) {
        PHEAP_SEGMENT segment;
        HEAP_SEGMENT copy;
        HEAP_ENTRY entry;
        if (!Read(reader, &reader->heap->Segments[index], &segment, sizeof segment))
            return BaseFail(ERROR_NO_MORE_FILES);
        if (segment == NULL || !Read(reader, segment, &copy, sizeof copy) ||
            !Read(reader, copy.FirstEntry, &entry, sizeof entry))
            continue;
        reader->out->dwResvd = index;
        return Tell(reader, copy.FirstEntry, &entry);
    }
    Read(reader, &reader->heap->VirtualAllocdBlocks.Flink, &first, sizeof first);
    return TellOutside(reader, first);
}

static BOOL TellNext(const HeapReader *reader)
{
    PHEAP_ENTRY at = (PHEAP_ENTRY)reader->out->dwAddress - 1;
    HEAP_ENTRY entry;
    if (reader->out->dwResvd == OUTSIDE) {
        PLIST_ENTRY next = NULL;
        Read(reader, (PHEAP_VIRTUAL_ALLOC_ENTRY)reader->out->dwAddress - 1, &next, sizeof next);
        return TellOutside(reader, next);
    }
    if (!Read(reader, at, &entry, sizeof entry) || entry.Size == 0)
        return BaseFail(ERROR_NO_MORE_FILES);
    if (IsLast(&entry))
        return TellSegment(reader, reader->out->dwResvd + 1);
    at += entry.Size;
    return Read(reader, at, &entry, sizeof entry) ? Tell(reader, at, &entry) : BaseFail(ERROR_NO_MORE_FILES);
}

static BOOL Walk(LPHEAPENTRY32 out, BOOL is_first)
{
    HEAP header;
    HeapReader reader = {NULL, (PHEAP)out->th32HeapID, out};
    if (out->dwSize != sizeof *out)
        return BaseFail(ERROR_INVALID_PARAMETER);
    reader.process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, out->th32ProcessID);
    if (reader.process == NULL)
        return FALSE;
    BOOL is_heap = Read(&reader, reader.heap, &header, sizeof header) && header.Signature == HEAP_SIGNATURE;
    BOOL is_there = is_heap ? (is_first ? TellSegment(&reader, 0) : TellNext(&reader)) : BaseFail(ERROR_INVALID_PARAMETER);
    NtClose(reader.process);
    out->hHandle = (HANDLE)out->dwAddress;
    return is_there;
}

BOOL WINAPI Heap32First(LPHEAPENTRY32 out, DWORD process, ULONG_PTR heap)
{
    out->th32ProcessID = process != 0 ? process : GetCurrentProcessId();
    out->th32HeapID = heap;
    out->dwLockCount = out->dwResvd = 0;
    return Walk(out, TRUE);
}

BOOL WINAPI Heap32Next(LPHEAPENTRY32 out) { return Walk(out, FALSE); }
