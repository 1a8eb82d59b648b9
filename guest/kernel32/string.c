/* Strings and code pages: conversion, comparison, case, kinds of characters. The ANSI and OEM code page is 1252. */

#include "base.h"

#define CODE_PAGE 1252

static BOOL IsOurs(UINT page)
{
    return page == CP_ACP || page == CP_OEMCP || page == CP_THREAD_ACP || page == CP_MACCP || page == CODE_PAGE;
}

/* One character of UTF-8: its length, 0 when it is damaged. Overlong forms and surrogates are damage. */
static int DecodeUtf8(const UCHAR *at, int left, ULONG *character)
{
    static const ULONG Least[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    *character = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (int index = 1; index < length; index++) {
        if ((at[index] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (at[index] & 0x3f);
    }
    BOOL is_surrogate = *character >= 0xd800 && *character < 0xe000;
    return *character < Least[length] || *character > 0x10ffff || is_surrogate ? 0 : length;
}

/* XP leaves damaged bytes out, or fails when the caller asks for that. -1: damaged; -2: no room. */
static int WidenUtf8(DWORD flags, const UCHAR *from, int length, PWSTR to, int size)
{
    int count = 0;
    while (length > 0) {
        ULONG character = 0;
        int used = DecodeUtf8(from, length, &character), needed = character >= 0x10000 ? 2 : 1;
        if (used == 0 && flags & MB_ERR_INVALID_CHARS)
            return -1;
        from += used != 0 ? used : 1;
        length -= used != 0 ? used : 1;
        if (used == 0)
            continue;
        if (size != 0 && count + needed > size)
            return -2;
        if (size != 0 && needed == 2) {
            to[count] = (WCHAR)(0xd7c0 + (character >> 10));
            to[count + 1] = (WCHAR)(0xdc00 | (character & 0x3ff));
        } else if (size != 0) {
            to[count] = (WCHAR)character;
        }
        count += needed;
    }
    return count;
}

static int EncodeUtf8(ULONG character, UCHAR out[4])
{
    int length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (int index = length; index-- > 1; character >>= 6)
        out[index] = (UCHAR)(0x80 | (character & 0x3f));
    static const UCHAR Marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (UCHAR)(Marks[length] | character);
    return length;
}

static int NarrowUtf8(const WCHAR *from, int length, PUCHAR to, int size)
{
    int count = 0;
    for (int index = 0; index < length; index++) {
        UCHAR bytes[4];
        ULONG character = from[index];
        BOOL is_pair = character >= 0xd800 && character < 0xdc00 && index + 1 < length && from[index + 1] >= 0xdc00 &&
                       from[index + 1] < 0xe000;
        if (is_pair)
            character = 0x10000 + ((character & 0x3ff) << 10) + (from[++index] & 0x3ff);
        int used = EncodeUtf8(character, bytes);
        if (size != 0 && count + used > size)
            return -2;
        if (size != 0)
            memcpy(to + count, bytes, (size_t)used);
        count += used;
    }
    return count;
}

static int Converted(int count)
{
    if (count >= 0)
        return count;
    return BaseFail(count == -1 ? ERROR_NO_UNICODE_TRANSLATION : ERROR_INSUFFICIENT_BUFFER);
}

int WINAPI MultiByteToWideChar(UINT page, DWORD flags, LPCCH from, int length, LPWSTR to, int size)
{
    if (from == NULL || length == 0 || size < 0 || (size > 0 && to == NULL) || (LPCVOID)from == to)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (length < 0)
        length = (int)strlen(from) + 1;
    if (page == CP_UTF8)
        return Converted(WidenUtf8(flags, (const UCHAR *)from, length, to, size));
    if (!IsOurs(page))
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (size == 0)
        return length;
    RtlMultiByteToUnicodeN(to, (ULONG)size * sizeof(WCHAR), NULL, from, (ULONG)length);
    return length <= size ? length : BaseFail(ERROR_INSUFFICIENT_BUFFER);
}

/* Characters without a place in the code page become the caller's, or a question mark. */
static int Narrow1252(const WCHAR *from, int length, LPSTR to, int size, LPCCH replacement, LPBOOL used)
{
    for (int index = 0; index < length && index < size; index++) {
        RtlUnicodeToMultiByteN(to + index, 1, NULL, from + index, sizeof(WCHAR));
        if (to[index] != '?' || from[index] == '?')
            continue;
        if (replacement != NULL)
            to[index] = *replacement;
        if (used != NULL)
            *used = TRUE;
    }
    return length <= size ? length : -2;
}

int WINAPI WideCharToMultiByte(UINT page, DWORD flags, LPCWCH from, int length, LPSTR to, int size, LPCCH replacement,
                               LPBOOL used)
{
    (void)flags;
    if (from == NULL || length == 0 || size < 0 || (size > 0 && to == NULL) || (LPCVOID)from == to)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (length < 0)
        length = (int)wcslen(from) + 1;
    if (page == CP_UTF8 && (replacement != NULL || used != NULL))
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (page == CP_UTF8)
        return Converted(NarrowUtf8(from, length, (PUCHAR)to, size));
    if (!IsOurs(page))
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (used != NULL)
        *used = FALSE;
    return size == 0 ? length : Converted(Narrow1252(from, length, to, size, replacement, used));
}

UINT WINAPI GetACP(VOID) { return CODE_PAGE; }
UINT WINAPI GetOEMCP(VOID) { return CODE_PAGE; }
BOOL WINAPI IsValidCodePage(UINT page) { return page == CODE_PAGE || page == CP_UTF8; }

BOOL WINAPI GetCPInfo(UINT page, LPCPINFO out)
{
    if (!IsOurs(page) && page != CP_UTF8)
        return BaseFail(ERROR_INVALID_PARAMETER);
    memset(out, 0, sizeof *out);
    out->MaxCharSize = page == CP_UTF8 ? 4 : 1;
    out->DefaultChar[0] = '?';
    return TRUE;
}

BOOL WINAPI IsDBCSLeadByte(BYTE byte)
{
    (void)byte;
    return FALSE;
}

BOOL WINAPI IsDBCSLeadByteEx(UINT page, BYTE byte)
{
    (void)byte;
    return (IsOurs(page) || page == CP_UTF8) ? FALSE : BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI AreFileApisANSI(VOID) { return TRUE; }
VOID WINAPI SetFileApisToANSI(VOID) {}
VOID WINAPI SetFileApisToOEM(VOID) {}

/* Letters first, then case: small before capital. */
static int Compare(const WCHAR *one, int one_length, const WCHAR *other, int other_length, DWORD flags)
{
    int common = min(one_length, other_length), by_case = 0;
    for (int index = 0; index < common; index++) {
        WCHAR left = RtlUpcaseUnicodeChar(one[index]), right = RtlUpcaseUnicodeChar(other[index]);
        if (left != right)
            return left < right ? CSTR_LESS_THAN : CSTR_GREATER_THAN;
        if (by_case == 0 && one[index] != other[index])
            by_case = one[index] == left ? CSTR_GREATER_THAN : CSTR_LESS_THAN;
    }
    if (one_length != other_length)
        return one_length < other_length ? CSTR_LESS_THAN : CSTR_GREATER_THAN;
    return by_case == 0 || flags & NORM_IGNORECASE ? CSTR_EQUAL : by_case;
}

int WINAPI CompareStringW(LCID locale, DWORD flags, LPCWCH one, int one_length, LPCWCH other, int other_length)
{
    (void)locale;
    if (one == NULL || other == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    return Compare(one, one_length < 0 ? (int)wcslen(one) : one_length, other,
                   other_length < 0 ? (int)wcslen(other) : other_length, flags);
}

int WINAPI CompareStringA(LCID locale, DWORD flags, LPCCH one, int one_length, LPCCH other, int other_length)
{
    (void)locale;
    if (one == NULL || other == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    ANSI_STRING left, right;
    UNICODE_STRING wide_left, wide_right;
    left.Length = (USHORT)(one_length < 0 ? (int)strlen(one) : one_length);
    left.Buffer = (PCHAR)one;
    right.Length = (USHORT)(other_length < 0 ? (int)strlen(other) : other_length);
    right.Buffer = (PCHAR)other;
    if (!BaseCheck(RtlAnsiStringToUnicodeString(&wide_left, &left, TRUE)))
        return 0;
    int order = 0;
    if (BaseCheck(RtlAnsiStringToUnicodeString(&wide_right, &right, TRUE))) {
        order = Compare(wide_left.Buffer, left.Length, wide_right.Buffer, right.Length, flags);
        RtlFreeUnicodeString(&wide_right);
    }
    RtlFreeUnicodeString(&wide_left);
    return order;
}

int WINAPI lstrcmpW(LPCWSTR one, LPCWSTR other) { return CompareStringW(0, 0, one, -1, other, -1) - CSTR_EQUAL; }
int WINAPI lstrcmpA(LPCSTR one, LPCSTR other) { return CompareStringA(0, 0, one, -1, other, -1) - CSTR_EQUAL; }
int WINAPI lstrcmpiW(LPCWSTR one, LPCWSTR other)
{
    return CompareStringW(0, NORM_IGNORECASE, one, -1, other, -1) - CSTR_EQUAL;
}
int WINAPI lstrcmpiA(LPCSTR one, LPCSTR other)
{
    return CompareStringA(0, NORM_IGNORECASE, one, -1, other, -1) - CSTR_EQUAL;
}

int WINAPI lstrlenW(LPCWSTR text) { return text != NULL ? (int)wcslen(text) : 0; }
int WINAPI lstrlenA(LPCSTR text) { return text != NULL ? (int)strlen(text) : 0; }
LPWSTR WINAPI lstrcpyW(LPWSTR to, LPCWSTR from) { return memcpy(to, from, (wcslen(from) + 1) * sizeof(WCHAR)); }
LPSTR WINAPI lstrcpyA(LPSTR to, LPCSTR from) { return memcpy(to, from, strlen(from) + 1); }

LPWSTR WINAPI lstrcatW(LPWSTR to, LPCWSTR from)
{
    lstrcpyW(to + wcslen(to), from);
    return to;
}

LPSTR WINAPI lstrcatA(LPSTR to, LPCSTR from)
{
    lstrcpyA(to + strlen(to), from);
    return to;
}

LPWSTR WINAPI lstrcpynW(LPWSTR to, LPCWSTR from, int size)
{
    int index = 0;
    for (; index < size - 1 && from[index] != 0; index++)
        to[index] = from[index];
    if (size > 0)
        to[index] = 0;
    return to;
}

LPSTR WINAPI lstrcpynA(LPSTR to, LPCSTR from, int size)
{
    int index = 0;
    for (; index < size - 1 && from[index] != 0; index++)
        to[index] = from[index];
    if (size > 0)
        to[index] = 0;
    return to;
}

static WORD KindOf(WCHAR character)
{
    WORD kind = C1_DEFINED;
    if (character < 0x20 || (character >= 0x7f && character < 0xa0))
        kind |= C1_CNTRL | (character >= 9 && character <= 13 ? C1_SPACE : 0) | (character == 9 ? C1_BLANK : 0);
    else if (character == ' ' || character == 0xa0)
        kind |= C1_SPACE | C1_BLANK;
    else if (character >= '0' && character <= '9')
        kind |= C1_DIGIT | C1_XDIGIT;
    else if (RtlUpcaseUnicodeChar(character) != character || character == 0xdf)
        kind |= C1_LOWER | C1_ALPHA;
    else if (RtlDowncaseUnicodeChar(character) != character)
        kind |= C1_UPPER | C1_ALPHA;
    else if (character < 0xc0 || (character >= 0x2000 && character < 0x2070) || character == 0xd7 || character == 0xf7)
        kind |= C1_PUNCT;
    else
        kind |= C1_ALPHA;
    if ((character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F'))
        kind |= C1_XDIGIT;
    return kind;
}

BOOL WINAPI GetStringTypeW(DWORD type, LPCWCH text, int length, LPWORD out)
{
    if (type != CT_CTYPE1 || text == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (length < 0)
        length = (int)wcslen(text) + 1;
    for (int index = 0; index < length; index++)
        out[index] = KindOf(text[index]);
    return TRUE;
}

BOOL WINAPI GetStringTypeExW(LCID locale, DWORD type, LPCWCH text, int length, LPWORD out)
{
    (void)locale;
    return GetStringTypeW(type, text, length, out);
}

BOOL WINAPI GetStringTypeExA(LCID locale, DWORD type, LPCSTR text, int length, LPWORD out)
{
    WCHAR wide;
    if (type != CT_CTYPE1 || text == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    (void)locale;
    if (length < 0)
        length = (int)strlen(text) + 1;
    for (int index = 0; index < length; index++) {
        RtlMultiByteToUnicodeN(&wide, sizeof wide, NULL, text + index, 1);
        out[index] = KindOf(wide);
    }
    return TRUE;
}

BOOL WINAPI GetStringTypeA(LCID locale, DWORD type, LPCSTR text, int length, LPWORD out)
{
    return GetStringTypeExA(locale, type, text, length, out);
}
