/* Sorting and searching tables. */
#include "crt.h"

typedef int (*comparison)(const void *, const void *);

static void swap(char *a, char *b, size_t size)
{
    if (a == b)
        return;
    for (; size >= 4; size -= 4, a += 4, b += 4) {
        uint32_t word = *(uint32_t *)a;
        *(uint32_t *)a = *(uint32_t *)b;
        *(uint32_t *)b = word;
    }
    for (; size; size--, a++, b++) {
        char byte = *a;
        *a = *b;
        *b = byte;
    }
}

static void insertion_sort(char *low, char *high, size_t size, comparison compare)
{
    for (char *end = low + size; end <= high; end += size)
        for (char *place = end; place > low && compare(place - size, place) > 0; place -= size)
            swap(place - size, place, size);
}

static void sift(char *base, size_t root, size_t count, size_t size, comparison compare)
{
    for (;;) {
        size_t child = root * 2 + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
        root = child;
    }
}

static void heap_sort(char *base, size_t count, size_t size, comparison compare)
{
    for (size_t root = count / 2; root-- > 0;)
        sift(base, root, count, size, compare);
    while (count > 1) {
        count--;
        swap(base, base + count * size, size);
        sift(base, 0, count, size, compare);
    }
}

/* Quicksort with the median of three (Hoare 1962, Singleton 1969), which turns to heap sort when it goes too deep
 * (Musser 1997): never quadratic, and its stack is bounded. */
static void sort(char *base, size_t count, size_t size, comparison compare, int depth)
{
    while (count > 8) {
        char *low = base, *high = base + (count - 1) * size, *middle = base + count / 2 * size;
        size_t left;
        if (!depth--) {
            heap_sort(base, count, size, compare);
            return;
        }
        if (compare(low, middle) > 0)
            swap(low, middle, size);
        if (compare(middle, high) > 0) {
            swap(middle, high, size);
            if (compare(low, middle) > 0)
                swap(low, middle, size);
        }
        /* The pivot waits in the first place; the ends stop both searches. */
        swap(base, middle, size);
        for (;;) {
            do
                low += size;
            while (low < high && compare(low, base) < 0);
            while (high > base && compare(high, base) > 0)
                high -= size;
            if (low >= high)
                break;
            swap(low, high, size);
            high -= size;
        }
        swap(base, high, size);
        left = (size_t)(high - base) / size;
        if (left < count - left - 1) {
            sort(base, left, size, compare, depth);
            base = high + size;
            count -= left + 1;
        } else {
            sort(high + size, count - left - 1, size, compare, depth);
            count = left;
        }
    }
    if (count > 1)
        insertion_sort(base, base + (count - 1) * size, size, compare);
}

void qsort(void *base, size_t count, size_t size, comparison compare)
{
    int depth = 0;
    if (!size)
        return;
    for (size_t rest = count; rest; rest >>= 1)
        depth += 2;
    sort(base, count, size, compare, depth);
}

void *bsearch(const void *key, const void *base, size_t count, size_t size, comparison compare)
{
    const char *low = base;
    while (count) {
        const char *middle = low + count / 2 * size;
        int order = compare(key, middle);
        if (!order)
            return (void *)middle;
        if (order > 0) {
            low = middle + size;
            count--;
        }
        count /= 2;
    }
    return 0;
}

void *_lfind(const void *key, const void *base, unsigned *count, unsigned size, comparison compare)
{
    const char *item = base;
    for (unsigned i = 0; i < *count; i++, item += size)
        if (!compare(key, item))
            return (void *)item;
    return 0;
}

void *_lsearch(const void *key, void *base, unsigned *count, unsigned size, comparison compare)
{
    void *found = _lfind(key, base, count, size, compare);
    return found ? found : memcpy((char *)base + (size_t)size * (*count)++, key, size);
}
