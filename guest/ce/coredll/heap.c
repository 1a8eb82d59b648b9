/* Heaps over VirtualAlloc. A heap is a list of regions of the process's slot; a region is a row of blocks, each with
 * its size and that of the block before it. The first block that is large enough is taken; free neighbours join.
 *
 *     region  next, size | block, block, ..., end (size 0, used)
 *     block   size with bit 0 = used, size of the block before | bytes
 */
#include "ce.h"

struct block {
    DWORD size; /* with this header, a multiple of 8; bit 0: used */
    DWORD before;
};

struct region {
    struct region *next;
    DWORD size;
    struct heap *heap; /* of the first region */
    DWORD unused;
};

struct heap {
    DWORD signature;
    struct region *regions;
    CRITICAL_SECTION lock;
};

enum { SIGNATURE = 0x50616548, /* "HeaP" */ USED = 1, GRANULE = 0x10000, LEAST = 16 };

static struct heap *process_heap;

static struct block *behind(struct block *block)
{
    return (struct block *)((BYTE *)block + (block->size & ~(DWORD)USED));
}

static struct block *first_of(struct region *region)
{
    return (struct block *)(region + 1);
}

static struct region *add_region(DWORD bytes)
{
    DWORD size = bytes + sizeof(struct region) + 2 * sizeof(struct block);
    size = (size + GRANULE - 1) & ~(DWORD)(GRANULE - 1);
    if (size < bytes)
        return NULL;
    struct region *region = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!region)
        return NULL;
    struct block *first = first_of(region);
    region->next = NULL;
    region->size = size;
    first->size = size - sizeof(struct region) - sizeof(struct block);
    first->before = 0;
    struct block *end = behind(first);
    end->size = USED;
    end->before = first->size;
    return region;
}

/* A heap lives at the front of its first region. */
HANDLE HeapCreate(DWORD flags, DWORD initial, DWORD maximum)
{
    (void)flags;
    (void)maximum;
    struct region *region = add_region(initial + sizeof(struct heap) + LEAST);
    if (!region)
        return NULL;
    struct block *own = first_of(region);
    DWORD whole = own->size, size = (sizeof(struct block) + sizeof(struct heap) + 7) & ~7u;
    own->size = size | USED;
    struct block *rest = behind(own);
    rest->size = whole - size;
    rest->before = size;
    behind(rest)->before = rest->size;
    struct heap *heap = (struct heap *)(own + 1);
    heap->signature = SIGNATURE;
    heap->regions = region;
    region->heap = heap;
    InitializeCriticalSection(&heap->lock);
    return heap;
}

BOOL HeapDestroy(HANDLE handle)
{
    struct heap *heap = handle;
    if (!heap || heap->signature != SIGNATURE || heap == process_heap) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    heap->signature = 0;
    DeleteCriticalSection(&heap->lock);
    for (struct region *region = heap->regions, *next; region; region = next) {
        next = region->next;
        VirtualFree(region, 0, MEM_RELEASE);
    }
    return TRUE;
}

HANDLE GetProcessHeap(void)
{
    if (!process_heap)
        process_heap = HeapCreate(0, 0, 0);
    return process_heap;
}

static struct block *take(struct block *block, DWORD size)
{
    DWORD whole = block->size;
    if (whole - size >= LEAST) {
        block->size = size;
        struct block *rest = behind(block);
        rest->size = whole - size;
        rest->before = size;
        behind(rest)->before = rest->size;
    }
    block->size |= USED;
    return block;
}

static struct block *find(struct heap *heap, DWORD size)
{
    for (struct region *region = heap->regions; region; region = region->next)
        for (struct block *block = first_of(region); block->size != USED; block = behind(block))
            if (!(block->size & USED) && block->size >= size)
                return take(block, size);
    struct region *added = add_region(size);
    if (!added)
        return NULL;
    added->next = heap->regions->next;
    heap->regions->next = added;
    return take(first_of(added), size);
}

LPVOID HeapAlloc(HANDLE handle, DWORD flags, DWORD size)
{
    struct heap *heap = handle;
    if (size > 0x01f00000) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    DWORD whole = (size + sizeof(struct block) + 7) & ~7u;
    EnterCriticalSection(&heap->lock);
    struct block *block = find(heap, whole < LEAST ? LEAST : whole);
    LeaveCriticalSection(&heap->lock);
    if (!block) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    if (flags & HEAP_ZERO_MEMORY)
        memset(block + 1, 0, size);
    return block + 1;
}

/* The region that a block lies in; NULL for a stray pointer. */
static struct region *region_of(struct heap *heap, const void *bytes)
{
    for (struct region *region = heap->regions; region; region = region->next)
        if ((BYTE *)bytes > (BYTE *)region && (BYTE *)bytes < (BYTE *)region + region->size)
            return region;
    return NULL;
}

static struct block *used_block(struct heap *heap, const void *bytes)
{
    struct block *block = (struct block *)bytes - 1;
    int is_good = bytes && ((DWORD)bytes & 7) == 0 && region_of(heap, bytes) && (block->size & USED);
    if (!is_good)
        SetLastError(ERROR_INVALID_PARAMETER);
    return is_good ? block : NULL;
}

static void join(struct block *block)
{
    struct block *next = behind(block);
    if (!(next->size & USED)) {
        block->size += next->size;
        behind(block)->before = block->size;
    }
}

BOOL HeapFree(HANDLE handle, DWORD flags, LPVOID bytes)
{
    struct heap *heap = handle;
    (void)flags;
    EnterCriticalSection(&heap->lock);
    struct block *block = used_block(heap, bytes);
    if (block) {
        block->size &= ~(DWORD)USED;
        join(block);
        struct block *before = (struct block *)((BYTE *)block - block->before);
        if (block->before && !(before->size & USED))
            join(before);
    }
    LeaveCriticalSection(&heap->lock);
    return block != NULL;
}

DWORD HeapSize(HANDLE handle, DWORD flags, LPCVOID bytes)
{
    (void)flags;
    struct block *block = used_block(handle, bytes);
    return block ? (block->size & ~(DWORD)USED) - sizeof(struct block) : (DWORD)-1;
}

LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID bytes, DWORD size)
{
    DWORD old = HeapSize(heap, 0, bytes);
    if (old == (DWORD)-1)
        return NULL;
    if (size <= old)
        return bytes;
    LPVOID made = HeapAlloc(heap, flags, size);
    if (!made)
        return NULL;
    memcpy(made, bytes, old);
    HeapFree(heap, 0, bytes);
    return made;
}

BOOL HeapValidate(HANDLE handle, DWORD flags, LPCVOID bytes)
{
    struct heap *heap = handle;
    (void)flags;
    if (heap->signature != SIGNATURE)
        return FALSE;
    if (bytes)
        return used_block(heap, bytes) != NULL;
    for (struct region *region = heap->regions; region; region = region->next) {
        DWORD before = 0;
        for (struct block *block = first_of(region); block->size != USED; block = behind(block)) {
            if (block->before != before || behind(block) > (struct block *)((BYTE *)region + region->size))
                return FALSE;
            before = block->size & ~(DWORD)USED;
        }
    }
    return TRUE;
}

LPVOID LocalAlloc(DWORD flags, DWORD size)
{
    return HeapAlloc(GetProcessHeap(), flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0, size);
}

LPVOID LocalReAlloc(LPVOID block, DWORD size, DWORD flags)
{
    return HeapReAlloc(GetProcessHeap(), flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0, block, size);
}

LPVOID LocalFree(LPVOID block)
{
    return !block || HeapFree(GetProcessHeap(), 0, block) ? NULL : block;
}

DWORD LocalSize(LPVOID block)
{
    DWORD size = HeapSize(GetProcessHeap(), 0, block);
    return size == (DWORD)-1 ? 0 : size;
}

void *malloc(size_t size)
{
    return LocalAlloc(0, size);
}

void *calloc(size_t count, size_t size)
{
    if (size && count > 0x7fffffffu / size)
        return NULL;
    return LocalAlloc(LMEM_ZEROINIT, count * size);
}

void *realloc(void *block, size_t size)
{
    return block ? LocalReAlloc(block, size, 0) : malloc(size);
}

void free(void *block)
{
    LocalFree(block);
}
