/* Narrow strings of the C library, as ntdll exports them. */

#include "ntdll.h"

int __cdecl tolower(int character);

size_t __cdecl strlen(const char *text)
{
    const char *end = text;
    while (*end != 0)
        end++;
    return (size_t)(end - text);
}

char *__cdecl strcpy(char *to, const char *from)
{
    memcpy(to, from, (strlen(from) + 1) * sizeof *from);
    return to;
}

char *__cdecl strcat(char *to, const char *from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *__cdecl strncpy(char *to, const char *from, size_t count)
{
    size_t index = 0;
    for (; index < count && from[index] != 0; index++)
        to[index] = from[index];
    for (; index < count; index++)
        to[index] = 0;
    return to;
}

char *__cdecl strncat(char *to, const char *from, size_t count)
{
    char *end = to + strlen(to);
    for (; count > 0 && *from != 0; count--)
        *end++ = *from++;
    *end = 0;
    return to;
}

int __cdecl strncmp(const char *one, const char *other, size_t count)
{
    for (; count > 0; count--, one++, other++) {
        int left = (unsigned char)*one, right = (unsigned char)*other;
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            break;
    }
    return 0;
}

int __cdecl strcmp(const char *one, const char *other) { return strncmp(one, other, (size_t)-1); }

int __cdecl _strnicmp(const char *one, const char *other, size_t count)
{
    for (; count > 0; count--, one++, other++) {
        int left = tolower((unsigned char)*one), right = tolower((unsigned char)*other);
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            break;
    }
    return 0;
}

int __cdecl _stricmp(const char *one, const char *other) { return _strnicmp(one, other, (size_t)-1); }

char *__cdecl strchr(const char *text, int character)
{
    for (;; text++) {
        if (*text == (char)character)
            return (char *)text;
        if (*text == 0)
            return NULL;
    }
}

char *__cdecl strrchr(const char *text, int character)
{
    const char *found = NULL;
    do
        if (*text == (char)character)
            found = text;
    while (*text++ != 0);
    return (char *)found;
}

char *__cdecl strstr(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; strncmp(text, part, length) != 0; text++)
        if (*text == 0)
            return NULL;
    return (char *)text;
}

size_t __cdecl strspn(const char *text, const char *set)
{
    size_t count = 0;
    while (text[count] != 0 && strchr(set, text[count]) != NULL)
        count++;
    return count;
}

size_t __cdecl strcspn(const char *text, const char *set)
{
    size_t count = 0;
    while (text[count] != 0 && strchr(set, text[count]) == NULL)
        count++;
    return count;
}
