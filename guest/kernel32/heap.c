/* Heaps of Win32 over those of ntdll, and the global and local memory of 16-bit Windows over the process's heap. */

#include "base.h"

HANDLE WINAPI HeapCreate(DWORD flags, SIZE_T initial, SIZE_T maximum)
{
    ULONG nt_flags = (flags & (HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS)) | (maximum == 0 ? HEAP_GROWABLE : 0);
    HANDLE heap = RtlCreateHeap(nt_flags, NULL, max(maximum, initial), initial, NULL, NULL);
    if (heap == NULL)
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    return heap;
}

BOOL WINAPI HeapDestroy(HANDLE heap) { return RtlDestroyHeap(heap) == NULL || BaseFail(ERROR_INVALID_HANDLE); }
HANDLE WINAPI GetProcessHeap(VOID) { return CurrentPeb()->ProcessHeap; }
DWORD WINAPI GetProcessHeaps(DWORD count, PHANDLE heaps) { return RtlGetProcessHeaps(count, heaps); }
BOOL WINAPI HeapValidate(HANDLE heap, DWORD flags, LPCVOID memory) { return RtlValidateHeap(heap, flags, (PVOID)memory); }
BOOL WINAPI HeapLock(HANDLE heap) { return RtlLockHeap(heap); }
BOOL WINAPI HeapUnlock(HANDLE heap) { return RtlUnlockHeap(heap); }
SIZE_T WINAPI HeapCompact(HANDLE heap, DWORD flags) { return RtlCompactHeap(heap, flags); }

/* Class 0, the kind of front end: 0, none. */
BOOL WINAPI HeapQueryInformation(HANDLE heap, HEAP_INFORMATION_CLASS what, PVOID out, SIZE_T size, PSIZE_T needed)
{
    (void)heap;
    if (needed != NULL)
        *needed = sizeof(ULONG);
    if (what != HeapCompatibilityInformation)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (size < sizeof(ULONG))
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    *(PULONG)out = 0;
    return TRUE;
}

BOOL WINAPI HeapSetInformation(HANDLE heap, HEAP_INFORMATION_CLASS what, PVOID value, SIZE_T size)
{
    (void)heap;
    if (what == HeapEnableTerminationOnCorruption)
        return TRUE;
    if (what == HeapCompatibilityInformation && size >= sizeof(ULONG) && *(PULONG)value == 0)
        return TRUE;
    return BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI HeapWalk(HANDLE heap, LPPROCESS_HEAP_ENTRY entry)
{
    RTL_HEAP_WALK_ENTRY walk = {0};
    static const WORD Region = PROCESS_HEAP_REGION, Hole = PROCESS_HEAP_UNCOMMITTED_RANGE;
    walk.DataAddress = entry->lpData;
    walk.SegmentIndex = entry->iRegionIndex;
    walk.Flags = entry->wFlags & Region ? 2 : entry->wFlags & Hole ? 0x100 : entry->wFlags & PROCESS_HEAP_ENTRY_BUSY;
    NTSTATUS status = RtlWalkHeap(heap, &walk);
    if (!BaseCheck(status))
        return FALSE;
    entry->lpData = walk.DataAddress;
    entry->cbData = walk.DataSize;
    entry->cbOverhead = walk.OverheadBytes;
    entry->iRegionIndex = walk.SegmentIndex;
    entry->wFlags = walk.Flags & 2 ? Region : walk.Flags & 0x100 ? Hole : walk.Flags & 1 ? PROCESS_HEAP_ENTRY_BUSY : 0;
    if (walk.Flags & 2) {
        entry->Region.dwCommittedSize = walk.Value[0];
        entry->Region.dwUnCommittedSize = walk.Value[1];
        entry->Region.lpFirstBlock = (LPVOID)walk.Value[2];
        entry->Region.lpLastBlock = (LPVOID)walk.Value[3];
    }
    return TRUE;
}

/* A movable block is named by a handle: an entry on the heap, 4 bytes in, so that no block's address looks like one. */
typedef struct {
    PVOID memory;
    USHORT locks, flags;
} Movable;

static Movable *MovableOf(HANDLE handle)
{
    return (ULONG_PTR)handle & 4 ? (Movable *)((ULONG_PTR)handle & ~7u) : NULL;
}

static HANDLE Heap(void) { return CurrentPeb()->ProcessHeap; }

HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T size)
{
    ULONG heap_flags = flags & GMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0;
    if (!(flags & GMEM_MOVEABLE)) {
        PVOID memory = RtlAllocateHeap(Heap(), heap_flags, size);
        if (memory == NULL)
            BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        return memory;
    }
    Movable *entry = RtlAllocateHeap(Heap(), HEAP_ZERO_MEMORY, sizeof *entry);
    if (entry != NULL && size > 0)
        entry->memory = RtlAllocateHeap(Heap(), heap_flags, size);
    if (entry == NULL || (size > 0 && entry->memory == NULL)) {
        BaseRelease(entry);
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    entry->flags = flags & GMEM_DISCARDABLE;
    return (PCHAR)entry + 4;
}

LPVOID WINAPI GlobalLock(HGLOBAL handle)
{
    Movable *entry = MovableOf(handle);
    if (entry == NULL)
        return handle;
    if (entry->memory == NULL)
        BaseFail(ERROR_DISCARDED);
    else if (entry->locks < GMEM_LOCKCOUNT)
        entry->locks++;
    return entry->memory;
}

BOOL WINAPI GlobalUnlock(HGLOBAL handle)
{
    Movable *entry = MovableOf(handle);
    if (entry == NULL)
        return TRUE;
    if (entry->locks == 0)
        return BaseFail(ERROR_NOT_LOCKED);
    if (--entry->locks > 0)
        return TRUE;
    return BaseFail(ERROR_SUCCESS);
}

HGLOBAL WINAPI GlobalFree(HGLOBAL handle)
{
    Movable *entry = MovableOf(handle);
    PVOID memory = entry != NULL ? entry->memory : handle;
    if (memory != NULL && !RtlFreeHeap(Heap(), 0, memory)) {
        BaseFail(ERROR_INVALID_HANDLE);
        return handle;
    }
    BaseRelease(entry);
    return NULL;
}

SIZE_T WINAPI GlobalSize(HGLOBAL handle)
{
    Movable *entry = MovableOf(handle);
    PVOID memory = entry != NULL ? entry->memory : handle;
    SIZE_T size = memory != NULL ? RtlSizeHeap(Heap(), 0, memory) : 0;
    if (size == (SIZE_T)-1) {
        BaseFail(ERROR_INVALID_HANDLE);
        return 0;
    }
    return size;
}

HGLOBAL WINAPI GlobalReAlloc(HGLOBAL handle, SIZE_T size, UINT flags)
{
    Movable *entry = MovableOf(handle);
    ULONG heap_flags = flags & GMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0;
    PVOID memory = entry != NULL ? entry->memory : handle, moved;
    if (flags & GMEM_MODIFY)
        return handle;
    if (entry == NULL && !(flags & GMEM_MOVEABLE))
        heap_flags |= HEAP_REALLOC_IN_PLACE_ONLY;
    moved = memory != NULL ? RtlReAllocateHeap(Heap(), heap_flags, memory, size) : RtlAllocateHeap(Heap(), heap_flags, size);
    if (moved == NULL) {
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    if (entry == NULL)
        return moved;
    entry->memory = moved;
    return handle;
}

UINT WINAPI GlobalFlags(HGLOBAL handle)
{
    Movable *entry = MovableOf(handle);
    return entry != NULL ? entry->locks | entry->flags : 0;
}

/* The handle of a block: the block itself when it is fixed. A movable one is found by walking the heap's entries. */
HGLOBAL WINAPI GlobalHandle(LPCVOID memory)
{
    PROCESS_HEAP_ENTRY entry = {0};
    HGLOBAL found = (HGLOBAL)memory;
    RtlLockHeap(Heap());
    while (HeapWalk(Heap(), &entry))
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY && entry.cbData == sizeof(Movable) &&
            ((Movable *)entry.lpData)->memory == memory)
            found = (PCHAR)entry.lpData + 4;
    RtlUnlockHeap(Heap());
    return found;
}

HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size) { return GlobalAlloc(flags, size); }
LPVOID WINAPI LocalLock(HLOCAL handle) { return GlobalLock(handle); }
BOOL WINAPI LocalUnlock(HLOCAL handle) { return GlobalUnlock(handle); }
HLOCAL WINAPI LocalFree(HLOCAL handle) { return GlobalFree(handle); }
SIZE_T WINAPI LocalSize(HLOCAL handle) { return GlobalSize(handle); }
HLOCAL WINAPI LocalReAlloc(HLOCAL handle, SIZE_T size, UINT flags) { return GlobalReAlloc(handle, size, flags); }
UINT WINAPI LocalFlags(HLOCAL handle) { return GlobalFlags(handle); }
HLOCAL WINAPI LocalHandle(LPCVOID memory) { return GlobalHandle(memory); }
