/* Texts of 16-bit units. Letters with two cases are those of ASCII and Latin-1. */
#include "ce.h"

unsigned towlower(unsigned letter)
{
    int has_case = (letter >= 'A' && letter <= 'Z') || (letter >= 0xc0 && letter <= 0xde && letter != 0xd7);
    return has_case ? letter + 32 : letter;
}

unsigned towupper(unsigned letter)
{
    int has_case = (letter >= 'a' && letter <= 'z') || (letter >= 0xe0 && letter <= 0xfe && letter != 0xf7);
    return has_case ? letter - 32 : letter;
}

size_t wcslen(LPCWSTR text)
{
    LPCWSTR end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

int wcsncmp(LPCWSTR one, LPCWSTR other, size_t size)
{
    for (; size > 0; size--, one++, other++)
        if (*one != *other || !*one)
            return *one - *other;
    return 0;
}

int wcscmp(LPCWSTR one, LPCWSTR other)
{
    return wcsncmp(one, other, (size_t)-1);
}

int _wcsnicmp(LPCWSTR one, LPCWSTR other, size_t size)
{
    for (; size > 0; size--, one++, other++) {
        int difference = (int)towlower(*one) - (int)towlower(*other);
        if (difference || !*one)
            return difference;
    }
    return 0;
}

int _wcsicmp(LPCWSTR one, LPCWSTR other)
{
    return _wcsnicmp(one, other, (size_t)-1);
}

LPWSTR wcscpy(LPWSTR to, LPCWSTR from)
{
    memcpy(to, from, 2 * (wcslen(from) + 1));
    return to;
}

LPWSTR wcsncpy(LPWSTR to, LPCWSTR from, size_t size)
{
    size_t i = 0;
    for (; i < size && from[i]; i++)
        to[i] = from[i];
    for (; i < size; i++)
        to[i] = 0;
    return to;
}

LPWSTR wcscat(LPWSTR to, LPCWSTR from)
{
    wcscpy(to + wcslen(to), from);
    return to;
}

LPWSTR wcschr(LPCWSTR text, unsigned letter)
{
    for (;; text++) {
        if (*text == (WCHAR)letter)
            return (LPWSTR)text;
        if (!*text)
            return NULL;
    }
}

LPWSTR wcsrchr(LPCWSTR text, unsigned letter)
{
    for (LPCWSTR at = text + wcslen(text); at >= text; at--)
        if (*at == (WCHAR)letter)
            return (LPWSTR)at;
    return NULL;
}

LPWSTR wcsstr(LPCWSTR text, LPCWSTR part)
{
    size_t size = wcslen(part);
    for (; *text || size == 0; text++) {
        if (wcsncmp(text, part, size) == 0)
            return (LPWSTR)text;
        if (!*text)
            break;
    }
    return NULL;
}

static int digit_of(unsigned letter)
{
    if (letter >= '0' && letter <= '9')
        return (int)letter - '0';
    letter = towlower(letter);
    return letter >= 'a' && letter <= 'z' ? (int)letter - 'a' + 10 : 99;
}

LONG wcstol(LPCWSTR text, LPWSTR *end, int base)
{
    LPCWSTR at = text;
    DWORD value = 0;
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    int negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    int is_hexadecimal = at[0] == '0' && (at[1] | 32) == 'x' && digit_of(at[2]) < 16;
    if ((base == 0 || base == 16) && is_hexadecimal) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = *at == '0' ? 8 : 10;
    }
    for (; digit_of(*at) < base; at++)
        value = value * (DWORD)base + (DWORD)digit_of(*at);
    if (end)
        *end = (LPWSTR)at;
    return negative ? -(LONG)value : (LONG)value;
}

int _wtoi(LPCWSTR text)
{
    return (int)wcstol(text, NULL, 10);
}
