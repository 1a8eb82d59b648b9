/* Bytes: what the compiler calls, and the rest of the C library's memory functions. */
#include "ce.h"

void *memcpy(void *to, const void *from, size_t size)
{
    void *result = to;
    size_t words = size / 4, rest = size % 4;
    __asm__ volatile("cld; rep movsl; mov %3, %%ecx; rep movsb" : "+D"(to), "+S"(from), "+c"(words) : "r"(rest) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t size)
{
    BYTE *target = to;
    const BYTE *source = from;
    if (target <= source || target >= source + size)
        return memcpy(to, from, size);
    while (size-- > 0)
        target[size] = source[size];
    return to;
}

void *memset(void *to, int value, size_t size)
{
    void *place = to;
    __asm__ volatile("cld; rep stosb" : "+D"(place), "+c"(size) : "a"(value) : "memory");
    return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
    const BYTE *left = one, *right = other;
    for (; size > 0; size--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}

void *memchr(const void *bytes, int value, size_t size)
{
    for (const BYTE *at = bytes; size > 0; size--, at++)
        if (*at == (BYTE)value)
            return (void *)at;
    return NULL;
}

/* A pivot in the middle; the larger part is left to the loop, so that the depth is logarithmic. */
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    BYTE *first = base;
    while (count > 1) {
        BYTE *last = first + (count - 1) * size, *store = first;
        BYTE *middle = first + count / 2 * size;
        for (size_t i = 0; i < size; i++) {
            BYTE byte = middle[i];
            middle[i] = last[i];
            last[i] = byte;
        }
        for (BYTE *at = first; at < last; at += size) {
            if (compare(at, last) >= 0)
                continue;
            for (size_t i = 0; i < size; i++) {
                BYTE byte = at[i];
                at[i] = store[i];
                store[i] = byte;
            }
            store += size;
        }
        for (size_t i = 0; i < size; i++) {
            BYTE byte = store[i];
            store[i] = last[i];
            last[i] = byte;
        }
        size_t left = (size_t)(store - first) / size, right = count - left - 1;
        if (left < right) {
            qsort(first, left, size, compare);
            first = store + size;
            count = right;
        } else {
            qsort(store + size, right, size, compare);
            count = left;
        }
    }
}

static unsigned random_state = 1;

void srand(unsigned seed)
{
    random_state = seed;
}

int rand(void)
{
    random_state = random_state * 1103515245u + 12345u;
    return (int)(random_state >> 16 & 0x7fff);
}
