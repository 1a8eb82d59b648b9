/* Texts of bytes. */
#include "ce.h"

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

int strncmp(const char *one, const char *other, size_t size)
{
    for (; size > 0; size--, one++, other++)
        if (*one != *other || !*one)
            return (BYTE)*one - (BYTE)*other;
    return 0;
}

int strcmp(const char *one, const char *other)
{
    return strncmp(one, other, (size_t)-1);
}

char *strcpy(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char *strncpy(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i < size && from[i]; i++)
        to[i] = from[i];
    for (; i < size; i++)
        to[i] = 0;
    return to;
}

char *strcat(char *to, const char *from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *strchr(const char *text, int letter)
{
    return memchr(text, letter, strlen(text) + 1);
}

char *strrchr(const char *text, int letter)
{
    for (const char *at = text + strlen(text); at >= text; at--)
        if (*at == (char)letter)
            return (char *)at;
    return NULL;
}

char *strstr(const char *text, const char *part)
{
    size_t size = strlen(part);
    for (; *text || size == 0; text++) {
        if (strncmp(text, part, size) == 0)
            return (char *)text;
        if (!*text)
            break;
    }
    return NULL;
}

int atoi(const char *text)
{
    int value = 0, negative;
    while (*text == ' ' || (*text >= '\t' && *text <= '\r'))
        text++;
    negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

/* The ANSI code page is Latin-1: each unit below 256 is its byte. */
size_t mbstowcs(LPWSTR to, const char *from, size_t size)
{
    size_t length = strlen(from), i;
    if (!to)
        return length;
    for (i = 0; i < size && i <= length; i++)
        to[i] = (BYTE)from[i];
    return i > length ? length : i;
}

size_t wcstombs(char *to, LPCWSTR from, size_t size)
{
    size_t length = wcslen(from), i;
    if (!to)
        return length;
    for (i = 0; i < size && i <= length; i++)
        to[i] = (char)(from[i] < 256 ? from[i] : '?');
    return i > length ? length : i;
}
