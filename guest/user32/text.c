/* Texts: case, kinds of characters, steps along them, the OEM code page, wsprintf, strings of resources. */

#include "user.h"

#define PRINT_ROOM 1024

static WCHAR Widen(CHAR character)
{
    WCHAR wide = 0;
    RtlMultiByteToUnicodeN(&wide, sizeof wide, NULL, &character, 1);
    return wide;
}

static CHAR Narrow(WCHAR wide)
{
    CHAR character = 0;
    RtlUnicodeToMultiByteN(&character, 1, NULL, &wide, sizeof wide);
    return character;
}

typedef WCHAR(NTAPI *Mapping)(WCHAR);

static DWORD MapWide(LPWSTR text, DWORD length, Mapping map)
{
    for (DWORD index = 0; index < length; index++)
        text[index] = map(text[index]);
    return length;
}

static DWORD MapNarrow(LPSTR text, DWORD length, Mapping map)
{
    for (DWORD index = 0; index < length; index++)
        text[index] = Narrow(map(Widen(text[index])));
    return length;
}

DWORD WINAPI CharUpperBuffW(LPWSTR text, DWORD length) { return MapWide(text, length, RtlUpcaseUnicodeChar); }
DWORD WINAPI CharLowerBuffW(LPWSTR text, DWORD length) { return MapWide(text, length, RtlDowncaseUnicodeChar); }
DWORD WINAPI CharUpperBuffA(LPSTR text, DWORD length) { return MapNarrow(text, length, RtlUpcaseUnicodeChar); }
DWORD WINAPI CharLowerBuffA(LPSTR text, DWORD length) { return MapNarrow(text, length, RtlDowncaseUnicodeChar); }

/* A pointer below 64 KB is a character itself. */
static LPWSTR CaseWide(LPWSTR text, Mapping map)
{
    if ((ULONG_PTR)text < 0x10000)
        return (LPWSTR)(ULONG_PTR)map((WCHAR)(ULONG_PTR)text);
    MapWide(text, wcslen(text), map);
    return text;
}

static LPSTR CaseNarrow(LPSTR text, Mapping map)
{
    if ((ULONG_PTR)text < 0x10000)
        return (LPSTR)(ULONG_PTR)(UCHAR)Narrow(map(Widen((CHAR)(ULONG_PTR)text)));
    MapNarrow(text, strlen(text), map);
    return text;
}

LPWSTR WINAPI CharUpperW(LPWSTR text) { return CaseWide(text, RtlUpcaseUnicodeChar); }
LPWSTR WINAPI CharLowerW(LPWSTR text) { return CaseWide(text, RtlDowncaseUnicodeChar); }
LPSTR WINAPI CharUpperA(LPSTR text) { return CaseNarrow(text, RtlUpcaseUnicodeChar); }
LPSTR WINAPI CharLowerA(LPSTR text) { return CaseNarrow(text, RtlDowncaseUnicodeChar); }

LPWSTR WINAPI CharNextW(LPCWSTR text) { return (LPWSTR)(*text != 0 ? text + 1 : text); }
LPWSTR WINAPI CharPrevW(LPCWSTR start, LPCWSTR text) { return (LPWSTR)(text > start ? text - 1 : start); }
LPSTR WINAPI CharNextA(LPCSTR text) { return (LPSTR)(*text != 0 ? text + 1 : text); }
LPSTR WINAPI CharPrevA(LPCSTR start, LPCSTR text) { return (LPSTR)(text > start ? text - 1 : start); }

LPSTR WINAPI CharNextExA(WORD page, LPCSTR text, DWORD flags)
{
    (void)page, (void)flags;
    return CharNextA(text);
}

LPSTR WINAPI CharPrevExA(WORD page, LPCSTR start, LPCSTR text, DWORD flags)
{
    (void)page, (void)flags;
    return CharPrevA(start, text);
}

static WORD KindOf(WCHAR character)
{
    WORD kind = 0;
    GetStringTypeW(CT_CTYPE1, &character, 1, &kind);
    return kind;
}

BOOL WINAPI IsCharAlphaW(WCHAR character) { return (KindOf(character) & C1_ALPHA) != 0; }
BOOL WINAPI IsCharAlphaNumericW(WCHAR character) { return (KindOf(character) & (C1_ALPHA | C1_DIGIT)) != 0; }
BOOL WINAPI IsCharUpperW(WCHAR character) { return (KindOf(character) & C1_UPPER) != 0; }
BOOL WINAPI IsCharLowerW(WCHAR character) { return (KindOf(character) & C1_LOWER) != 0; }
BOOL WINAPI IsCharAlphaA(CHAR character) { return IsCharAlphaW(Widen(character)); }
BOOL WINAPI IsCharAlphaNumericA(CHAR character) { return IsCharAlphaNumericW(Widen(character)); }
BOOL WINAPI IsCharUpperA(CHAR character) { return IsCharUpperW(Widen(character)); }
BOOL WINAPI IsCharLowerA(CHAR character) { return IsCharLowerW(Widen(character)); }

/* The OEM code page is the ANSI one in this system. */
BOOL WINAPI CharToOemBuffA(LPCSTR from, LPSTR to, DWORD length)
{
    memmove(to, from, length);
    return TRUE;
}

BOOL WINAPI OemToCharBuffA(LPCSTR from, LPSTR to, DWORD length) { return CharToOemBuffA(from, to, length); }

BOOL WINAPI CharToOemBuffW(LPCWSTR from, LPSTR to, DWORD length)
{
    return NT_SUCCESS(RtlUnicodeToMultiByteN(to, length, NULL, from, length * sizeof(WCHAR)));
}

BOOL WINAPI OemToCharBuffW(LPCSTR from, LPWSTR to, DWORD length)
{
    return NT_SUCCESS(RtlMultiByteToUnicodeN(to, length * sizeof(WCHAR), NULL, from, length));
}

BOOL WINAPI CharToOemA(LPCSTR from, LPSTR to) { return CharToOemBuffA(from, to, strlen(from) + 1); }
BOOL WINAPI OemToCharA(LPCSTR from, LPSTR to) { return OemToCharBuffA(from, to, strlen(from) + 1); }
BOOL WINAPI CharToOemW(LPCWSTR from, LPSTR to) { return CharToOemBuffW(from, to, wcslen(from) + 1); }
BOOL WINAPI OemToCharW(LPCSTR from, LPWSTR to) { return OemToCharBuffW(from, to, strlen(from) + 1); }

/* At most 1024 characters with the zero, which is always there. */
int WINAPI wvsprintfA(LPSTR out, LPCSTR format, va_list arguments)
{
    int length = _vsnprintf(out, PRINT_ROOM, format, arguments);
    if (length < 0 || length >= PRINT_ROOM)
        out[length = PRINT_ROOM - 1] = 0;
    return length;
}

int WINAPI wvsprintfW(LPWSTR out, LPCWSTR format, va_list arguments)
{
    int length = _vsnwprintf(out, PRINT_ROOM, format, arguments);
    if (length < 0 || length >= PRINT_ROOM)
        out[length = PRINT_ROOM - 1] = 0;
    return length;
}

int __cdecl wsprintfA(LPSTR out, LPCSTR format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = wvsprintfA(out, format, arguments);
    va_end(arguments);
    return length;
}

int __cdecl wsprintfW(LPWSTR out, LPCWSTR format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = wvsprintfW(out, format, arguments);
    va_end(arguments);
    return length;
}

/* Strings come in blocks of sixteen, each a length and its characters. */
static PCWSTR StringOf(HINSTANCE module, UINT id, WORD *length)
{
    HRSRC found = FindResourceW(module, MAKEINTRESOURCEW((id >> 4) + 1), (LPCWSTR)RT_STRING);
    const WCHAR *at = found != NULL ? LockResource(LoadResource(module, found)) : NULL;
    const WCHAR *end = at != NULL ? at + SizeofResource(module, found) / sizeof(WCHAR) : NULL;
    for (UINT index = id & 15; at != NULL && index > 0 && at < end; index--)
        at += *at + 1;
    if (at == NULL || at >= end || *at > end - at - 1)
        return NULL;
    *length = *at;
    return at + 1;
}

/* Without room for anything, the buffer gets the address of the string in the resource. */
int WINAPI LoadStringW(HINSTANCE module, UINT id, LPWSTR buffer, int size)
{
    WORD length;
    PCWSTR text = StringOf(module, id, &length);
    if (text == NULL || buffer == NULL)
        return 0;
    if (size == 0) {
        *(PCWSTR *)buffer = text;
        return length;
    }
    int copied = min((int)length, size - 1);
    memcpy(buffer, text, (size_t)copied * sizeof(WCHAR));
    buffer[copied] = 0;
    return copied;
}

int WINAPI LoadStringA(HINSTANCE module, UINT id, LPSTR buffer, int size)
{
    WORD length;
    ULONG copied = 0;
    PCWSTR text = StringOf(module, id, &length);
    if (text == NULL || buffer == NULL || size <= 0)
        return 0;
    RtlUnicodeToMultiByteN(buffer, (ULONG)size - 1, &copied, text, length * sizeof(WCHAR));
    buffer[copied] = 0;
    return (int)copied;
}
