/* malloc and its family over one heap of the system. */
#include "crt.h"

static HANDLE heap;
static int (*new_handler)(size_t);
static int new_mode;

BOOL crt_heap_start(void)
{
    heap = HeapCreate(0, 0x1000, 0);
    if (!heap)
        heap = GetProcessHeap();
    return heap != 0;
}

void *_get_heap_handle(void)
{
    return heap;
}

int _callnewh(size_t size)
{
    return new_handler && new_handler(size);
}

/* Exported by the names that C++ gives them, as are the operators below: msvcrt.def has them. */
void *crt_set_new_handler(int (*handler)(size_t))
{
    void *old = (void *)new_handler;
    new_handler = handler;
    return old;
}

int crt_set_new_mode(int mode)
{
    int old = new_mode;
    new_mode = mode;
    return old;
}

static void *allocate(DWORD flags, size_t size, int use_handler)
{
    for (;;) {
        /* A size so large that rounding wraps must fail, as it does in the system's heap. */
        void *block = size <= 0xFFFFFFE0u ? HeapAlloc(heap, flags, size ? size : 1) : 0;
        if (block)
            return block;
        if (!use_handler || !_callnewh(size)) {
            errno = ENOMEM;
            return 0;
        }
    }
}

void *malloc(size_t size)
{
    return allocate(0, size, new_mode);
}

void *calloc(size_t count, size_t size)
{
    if (size && count > (size_t)-1 / size) {
        errno = ENOMEM;
        return 0;
    }
    return allocate(HEAP_ZERO_MEMORY, count * size, new_mode);
}

void free(void *block)
{
    if (block)
        HeapFree(heap, 0, block);
}

/* As in msvcrt, a size of 0 frees the block. */
void *realloc(void *block, size_t size)
{
    void *grown;
    if (!block)
        return malloc(size);
    if (!size) {
        free(block);
        return 0;
    }
    grown = size <= 0xFFFFFFE0u ? HeapReAlloc(heap, 0, block, size) : 0;
    if (!grown)
        errno = ENOMEM;
    return grown;
}

void *_recalloc(void *block, size_t count, size_t size)
{
    size_t old = block ? HeapSize(heap, 0, block) : 0, wanted = count * size;
    char *grown;
    if (size && count > (size_t)-1 / size) {
        errno = ENOMEM;
        return 0;
    }
    grown = realloc(block, wanted);
    if (grown && wanted > old)
        memset(grown + old, 0, wanted - old);
    return grown;
}

size_t _msize(void *block)
{
    return HeapSize(heap, 0, block);
}

void *_expand(void *block, size_t size)
{
    return HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, block, size ? size : 1);
}

/* An aligned block keeps the address of the block that holds it in the word before it. */
void *_aligned_offset_malloc(size_t size, size_t alignment, size_t offset)
{
    uintptr_t block, place;
    size_t room;
    if (!alignment || (alignment & (alignment - 1)) || (offset && offset >= size)) {
        errno = EINVAL;
        return 0;
    }
    if (alignment < sizeof(void *))
        alignment = sizeof(void *);
    room = alignment - 1 + sizeof(void *);
    if (size > (size_t)-1 - room) {
        errno = ENOMEM;
        return 0;
    }
    block = (uintptr_t)malloc(size + room);
    if (!block)
        return 0;
    place = ((block + room + offset) & ~(uintptr_t)(alignment - 1)) - offset;
    /* An odd offset leaves the word unaligned; x86 does not mind. */
    memcpy((void *)(place - sizeof(void *)), &block, sizeof block);
    return (void *)place;
}

void *_aligned_malloc(size_t size, size_t alignment)
{
    return _aligned_offset_malloc(size, alignment, 0);
}

static char *block_of(void *aligned)
{
    char *block;
    memcpy(&block, (char *)aligned - sizeof(void *), sizeof block);
    return block;
}

void _aligned_free(void *aligned)
{
    if (aligned)
        free(block_of(aligned));
}

void *_aligned_offset_realloc(void *aligned, size_t size, size_t alignment, size_t offset)
{
    void *moved;
    size_t old;
    if (!aligned)
        return _aligned_offset_malloc(size, alignment, offset);
    if (!size) {
        _aligned_free(aligned);
        return 0;
    }
    moved = _aligned_offset_malloc(size, alignment, offset);
    if (!moved)
        return 0;
    old = _msize(block_of(aligned)) - (size_t)((char *)aligned - block_of(aligned));
    memcpy(moved, aligned, old < size ? old : size);
    _aligned_free(aligned);
    return moved;
}

void *_aligned_realloc(void *aligned, size_t size, size_t alignment)
{
    return _aligned_offset_realloc(aligned, size, alignment, 0);
}

enum { HEAP_OK = -2, HEAP_BAD_NODE = -4 };

int _heapchk(void)
{
    return HeapValidate(heap, 0, 0) ? HEAP_OK : HEAP_BAD_NODE;
}

int _heapmin(void)
{
    return 0;
}

int _heapset(unsigned fill)
{
    (void)fill;
    return _heapchk();
}

/* operator new, delete, new[] and delete[] of C++ programs. */
void *crt_new(size_t size)
{
    return allocate(0, size, 1);
}

void *crt_new_array(size_t size)
{
    return allocate(0, size, 1);
}

void crt_delete(void *block)
{
    free(block);
}

void crt_delete_array(void *block)
{
    free(block);
}
