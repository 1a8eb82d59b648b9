/* Memory primitives, bit maps, random numbers. */

#include "ntdll.h"

VOID NTAPI RtlMoveMemory(PVOID to, const VOID *from, SIZE_T size) { memmove(to, from, size); }
VOID NTAPI RtlFillMemory(PVOID to, SIZE_T size, UCHAR value) { memset(to, value, size); }
VOID NTAPI RtlZeroMemory(PVOID to, SIZE_T size) { memset(to, 0, size); }

VOID NTAPI RtlFillMemoryUlong(PVOID to, SIZE_T size, ULONG value)
{
    PULONG at = to;
    for (SIZE_T count = size / sizeof(ULONG); count > 0; count--)
        *at++ = value;
}

/* The number of equal bytes at the start. */
SIZE_T NTAPI RtlCompareMemory(const VOID *one, const VOID *other, SIZE_T size)
{
    const UCHAR *left = one, *right = other;
    SIZE_T index = 0;
    while (index < size && left[index] == right[index])
        index++;
    return index;
}

SIZE_T NTAPI RtlCompareMemoryUlong(PVOID memory, SIZE_T size, ULONG value)
{
    PULONG at = memory;
    SIZE_T index = 0;
    while (index < size / sizeof(ULONG) && at[index] == value)
        index++;
    return index * sizeof(ULONG);
}

VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP map, PULONG buffer, ULONG size)
{
    map->SizeOfBitMap = size;
    map->Buffer = buffer;
}

static BOOL TestBit(const RTL_BITMAP *map, ULONG bit) { return map->Buffer[bit / 32] >> (bit % 32) & 1; }

VOID NTAPI RtlSetBits(PRTL_BITMAP map, ULONG start, ULONG count)
{
    for (ULONG bit = start; bit - start < count; bit++)
        map->Buffer[bit / 32] |= 1u << (bit % 32);
}

VOID NTAPI RtlClearBits(PRTL_BITMAP map, ULONG start, ULONG count)
{
    for (ULONG bit = start; bit - start < count; bit++)
        map->Buffer[bit / 32] &= ~(1u << (bit % 32));
}

VOID NTAPI RtlSetAllBits(PRTL_BITMAP map) { memset(map->Buffer, 0xff, (map->SizeOfBitMap + 31) / 32 * 4); }
VOID NTAPI RtlClearAllBits(PRTL_BITMAP map) { memset(map->Buffer, 0, (map->SizeOfBitMap + 31) / 32 * 4); }

static BOOL AllAre(const RTL_BITMAP *map, ULONG start, ULONG count, BOOL value)
{
    if (count == 0 || start > map->SizeOfBitMap || count > map->SizeOfBitMap - start)
        return FALSE;
    for (ULONG bit = start; bit - start < count; bit++)
        if (TestBit(map, bit) != value)
            return FALSE;
    return TRUE;
}

BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP map, ULONG start, ULONG count) { return (BOOLEAN)AllAre(map, start, count, TRUE); }
BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP map, ULONG start, ULONG count)
{
    return (BOOLEAN)AllAre(map, start, count, FALSE);
}

/* From the hint upward, then from the start. */
ULONG NTAPI RtlFindClearBits(PRTL_BITMAP map, ULONG count, ULONG hint)
{
    for (ULONG bit = hint; bit < map->SizeOfBitMap; bit++)
        if (AllAre(map, bit, count, FALSE))
            return bit;
    for (ULONG bit = 0; bit < hint && bit < map->SizeOfBitMap; bit++)
        if (AllAre(map, bit, count, FALSE))
            return bit;
    return (ULONG)-1;
}

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP map, ULONG count, ULONG hint)
{
    ULONG found = RtlFindClearBits(map, count, hint);
    if (found != (ULONG)-1)
        RtlSetBits(map, found, count);
    return found;
}

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP map)
{
    ULONG count = 0;
    for (ULONG bit = 0; bit < map->SizeOfBitMap; bit++)
        count += (ULONG)TestBit(map, bit);
    return count;
}

/* D. H. Lehmer's generator with the constants that the DDK documents. */
ULONG NTAPI RtlUniform(PULONG seed)
{
    *seed = (ULONG)((0x7fffffedULL * *seed + 0x7fffffc3) % 0x7fffffff);
    return *seed;
}

ULONG NTAPI RtlRandom(PULONG seed)
{
    static ULONG Shuffled[128], State = 0x7fffffc3;
    if (Shuffled[0] == 0)
        for (ULONG index = 0; index < COUNT_OF(Shuffled); index++)
            Shuffled[index] = RtlUniform(&State);
    ULONG at = RtlUniform(seed) % COUNT_OF(Shuffled), result = Shuffled[at];
    Shuffled[at] = RtlUniform(seed);
    return result;
}
