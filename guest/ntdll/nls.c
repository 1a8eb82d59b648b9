/* Characters: code page 1252 to Unicode and back, and upper and lower case of the European alphabets. */

#include "ntdll.h"

/* 80h to 9Fh of Windows-1252; the rest is Latin-1. Bytes without a character keep their value, as on Windows. */
static const WCHAR Upper1252[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
                                    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static WCHAR WideOf(CHAR character)
{
    UCHAR byte = (UCHAR)character;
    return byte >= 0x80 && byte < 0xa0 ? Upper1252[byte - 0x80] : byte;
}

static CHAR ByteOf(WCHAR character)
{
    if (character < 0x80 || (character >= 0xa0 && character < 0x100))
        return (CHAR)character;
    for (ULONG index = 0; index < COUNT_OF(Upper1252); index++)
        if (Upper1252[index] == character)
            return (CHAR)(0x80 + index);
    return '?';
}

NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWSTR to, ULONG size, PULONG written, PCSTR from, ULONG length)
{
    ULONG count = min(length, size / (ULONG)sizeof(WCHAR));
    for (ULONG index = 0; index < count; index++)
        to[index] = WideOf(from[index]);
    if (written != NULL)
        *written = count * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteN(PSTR to, ULONG size, PULONG written, PCWSTR from, ULONG bytes)
{
    ULONG count = min(bytes / (ULONG)sizeof(WCHAR), size);
    for (ULONG index = 0; index < count; index++)
        to[index] = ByteOf(from[index]);
    if (written != NULL)
        *written = count;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG size, PCSTR from, ULONG length)
{
    (void)from;
    *size = length * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG size, PCWSTR from, ULONG bytes)
{
    (void)from;
    *size = bytes / sizeof(WCHAR);
    return STATUS_SUCCESS;
}

/* Ranges of lower-case letters. Step 1: all of them, the capital is `distance` below. Step 2: every second one, the odd
   or the even ones as the first, each behind its capital. */
typedef struct {
    WCHAR first, last;
    USHORT step, distance;
} CaseRange;

static const CaseRange Cases[] = {
    {'a', 'z', 1, 32},          {0xe0, 0xf6, 1, 32},      {0xf8, 0xfe, 1, 32},       {0x101, 0x12f, 2, 1},
    {0x133, 0x137, 2, 1},       {0x13a, 0x148, 2, 1},     {0x14b, 0x177, 2, 1},      {0x17a, 0x17e, 2, 1},
    {0x3ac, 0x3ac, 1, 38},      {0x3ad, 0x3af, 1, 37},    {0x3b1, 0x3c1, 1, 32},     {0x3c3, 0x3cb, 1, 32},
    {0x3cc, 0x3cc, 1, 64},      {0x3cd, 0x3ce, 1, 63},    {0x430, 0x44f, 1, 32},     {0x450, 0x45f, 1, 80},
    {0x461, 0x481, 2, 1},       {0x491, 0x4bf, 2, 1},     {0x561, 0x586, 1, 48},     {0x1e01, 0x1e95, 2, 1},
    {0x1ea1, 0x1ef9, 2, 1},     {0x24d0, 0x24e9, 1, 26},  {0xff41, 0xff5a, 1, 32},
};

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR character)
{
    if (character == 0xff)
        return 0x178;
    for (ULONG index = 0; index < COUNT_OF(Cases); index++) {
        const CaseRange *range = &Cases[index];
        if (character < range->first)
            return character;
        if (character <= range->last)
            return (character - range->first) % range->step ? character : (WCHAR)(character - range->distance);
    }
    return character;
}

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR character)
{
    if (character == 0x178)
        return 0xff;
    for (ULONG index = 0; index < COUNT_OF(Cases); index++) {
        const CaseRange *range = &Cases[index];
        WCHAR lower = (WCHAR)(character + range->distance);
        if (lower >= range->first && lower <= range->last && (lower - range->first) % range->step == 0)
            return lower;
    }
    return character;
}

CHAR NTAPI RtlUpperChar(CHAR character) { return ByteOf(RtlUpcaseUnicodeChar(WideOf(character))); }
