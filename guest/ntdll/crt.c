/* The part of the C library that ntdll exports: memory, characters, sorting, numbers. */

#include "ntdll.h"

void *__cdecl memcpy(void *to, const void *from, size_t count)
{
    void *start = to;
    size_t words = count / 4, bytes = count % 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *__cdecl memmove(void *to, const void *from, size_t count)
{
    if ((size_t)to - (size_t)from >= count)
        return memcpy(to, from, count);
    char *into = (char *)to + count;
    const char *out = (const char *)from + count;
    while (count-- > 0)
        *--into = *--out;
    return to;
}

void *__cdecl memset(void *to, int value, size_t count)
{
    void *start = to;
    size_t words = count / 4, bytes = count % 4;
    unsigned pattern = (unsigned char)value * 0x01010101u;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
    return start;
}

int __cdecl memcmp(const void *one, const void *other, size_t count)
{
    const unsigned char *left = one, *right = other;
    for (; count > 0; count--, left++, right++)
        if (*left != *right)
            return *left < *right ? -1 : 1;
    return 0;
}

void *__cdecl memchr(const void *memory, int value, size_t count)
{
    const unsigned char *at = memory;
    for (; count > 0; count--, at++)
        if (*at == (unsigned char)value)
            return (void *)at;
    return NULL;
}

int __cdecl tolower(int character)
{
    return character >= 'A' && character <= 'Z' ? character + 32 : character;
}

int __cdecl toupper(int character)
{
    return character >= 'a' && character <= 'z' ? character - 32 : character;
}

int __cdecl isdigit(int character) { return character >= '0' && character <= '9'; }
int __cdecl isspace(int character) { return character == ' ' || (character >= 9 && character <= 13); }
int __cdecl islower(int character) { return character >= 'a' && character <= 'z'; }
int __cdecl isupper(int character) { return character >= 'A' && character <= 'Z'; }
int __cdecl isalpha(int character) { return islower(character) || isupper(character); }
int __cdecl isalnum(int character) { return isalpha(character) || isdigit(character); }
int __cdecl isprint(int character) { return character >= 0x20 && character < 0x7f; }

static void Swap(char *one, char *other, size_t size)
{
    for (; size > 0; size--, one++, other++) {
        char kept = *one;
        *one = *other;
        *other = kept;
    }
}

typedef int(__cdecl *Compare)(const void *, const void *);

static void SiftDown(char *base, size_t root, size_t count, size_t size, Compare compare)
{
    for (size_t child = 2 * root + 1; child < count; root = child, child = 2 * root + 1) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        Swap(base + root * size, base + child * size, size);
    }
}

/* A heap sort: no recursion, no bad case. */
void __cdecl qsort(void *memory, size_t count, size_t size, Compare compare)
{
    char *base = memory;
    for (size_t root = count / 2; root-- > 0;)
        SiftDown(base, root, count, size, compare);
    for (size_t end = count; end-- > 1;) {
        Swap(base, base + end * size, size);
        SiftDown(base, 0, end, size, compare);
    }
}

void *__cdecl bsearch(const void *key, const void *memory, size_t count, size_t size, Compare compare)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *at = (const char *)memory + middle * size;
        int order = compare(key, at);
        if (order == 0)
            return (void *)at;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int __cdecl abs(int value) { return value < 0 ? -value : value; }
long __cdecl labs(long value) { return value < 0 ? -value : value; }

long __cdecl atol(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    BOOL is_negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    unsigned long value = 0;
    for (; isdigit((unsigned char)*text); text++)
        value = value * 10 + (unsigned long)(*text - '0');
    return (long)(is_negative ? -value : value);
}

int __cdecl atoi(const char *text) { return atol(text); }
