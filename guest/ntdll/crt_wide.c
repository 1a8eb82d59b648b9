/* Wide strings of the C library, as ntdll exports them. */

#include "ntdll.h"

int __cdecl tolower(int character);

size_t __cdecl wcslen(const wchar_t *text)
{
    const wchar_t *end = text;
    while (*end != 0)
        end++;
    return (size_t)(end - text);
}

wchar_t *__cdecl wcscpy(wchar_t *to, const wchar_t *from)
{
    memcpy(to, from, (wcslen(from) + 1) * sizeof *from);
    return to;
}

wchar_t *__cdecl wcscat(wchar_t *to, const wchar_t *from)
{
    wcscpy(to + wcslen(to), from);
    return to;
}

wchar_t *__cdecl wcsncpy(wchar_t *to, const wchar_t *from, size_t count)
{
    size_t index = 0;
    for (; index < count && from[index] != 0; index++)
        to[index] = from[index];
    for (; index < count; index++)
        to[index] = 0;
    return to;
}

wchar_t *__cdecl wcsncat(wchar_t *to, const wchar_t *from, size_t count)
{
    wchar_t *end = to + wcslen(to);
    for (; count > 0 && *from != 0; count--)
        *end++ = *from++;
    *end = 0;
    return to;
}

int __cdecl wcsncmp(const wchar_t *one, const wchar_t *other, size_t count)
{
    for (; count > 0; count--, one++, other++) {
        int left = *one, right = *other;
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            break;
    }
    return 0;
}

int __cdecl wcscmp(const wchar_t *one, const wchar_t *other) { return wcsncmp(one, other, (size_t)-1); }

int __cdecl _wcsnicmp(const wchar_t *one, const wchar_t *other, size_t count)
{
    for (; count > 0; count--, one++, other++) {
        int left = tolower(*one), right = tolower(*other);
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            break;
    }
    return 0;
}

int __cdecl _wcsicmp(const wchar_t *one, const wchar_t *other) { return _wcsnicmp(one, other, (size_t)-1); }

wchar_t *__cdecl wcschr(const wchar_t *text, wchar_t character)
{
    for (;; text++) {
        if (*text == (wchar_t)character)
            return (wchar_t *)text;
        if (*text == 0)
            return NULL;
    }
}

wchar_t *__cdecl wcsrchr(const wchar_t *text, wchar_t character)
{
    const wchar_t *found = NULL;
    do
        if (*text == (wchar_t)character)
            found = text;
    while (*text++ != 0);
    return (wchar_t *)found;
}

wchar_t *__cdecl wcsstr(const wchar_t *text, const wchar_t *part)
{
    size_t length = wcslen(part);
    for (; wcsncmp(text, part, length) != 0; text++)
        if (*text == 0)
            return NULL;
    return (wchar_t *)text;
}

size_t __cdecl wcsspn(const wchar_t *text, const wchar_t *set)
{
    size_t count = 0;
    while (text[count] != 0 && wcschr(set, text[count]) != NULL)
        count++;
    return count;
}

size_t __cdecl wcscspn(const wchar_t *text, const wchar_t *set)
{
    size_t count = 0;
    while (text[count] != 0 && wcschr(set, text[count]) == NULL)
        count++;
    return count;
}
