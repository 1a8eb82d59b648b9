/* Blocks of bytes. The compiler must not turn these loops into calls of themselves. */
#include "crt.h"
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *to, const void *from, size_t size)
{
    void *result = to;
    size_t words = size >> 2, rest = size & 3;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t size)
{
    char *target = (char *)to + size - 1;
    const char *source = (const char *)from + size - 1;
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    __asm__ volatile("std; rep movsb; cld" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t size)
{
    void *place = to;
    size_t words = size >> 2, rest = size & 3;
    uint32_t word = (unsigned char)value * 0x01010101u;
    __asm__ volatile("rep stosl" : "+D"(place), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(place), "+c"(rest) : "a"(word) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    for (; size; size--, left++, right++)
        if (*left != *right)
            return *left < *right ? -1 : 1;
    return 0;
}

void *memchr(const void *block, int value, size_t size)
{
    const unsigned char *byte = block;
    for (; size; size--, byte++)
        if (*byte == (unsigned char)value)
            return (void *)byte;
    return 0;
}

void *_memccpy(void *to, const void *from, int value, size_t size)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    for (; size; size--)
        if ((*target++ = *source++) == (unsigned char)value)
            return target;
    return 0;
}

int _memicmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    for (; size; size--, left++, right++) {
        int difference = tolower(*left) - tolower(*right);
        if (difference)
            return difference;
    }
    return 0;
}

void _swab(char *from, char *to, int size)
{
    for (; size > 1; size -= 2, from += 2, to += 2) {
        char first = from[0];
        to[0] = from[1];
        to[1] = first;
    }
}
