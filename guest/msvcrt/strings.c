/* str... and wcs...: the same code in two widths. */
#include "crt.h"
#pragma GCC optimize("no-tree-loop-distribute-patterns")

/* Case by the C locale's rule: only A to Z have another case. Faster here than a call for each unit. */
#define LOWER(unit) ((unit) >= 'A' && (unit) <= 'Z' ? (unit) + 32 : (unit))
#define UPPER(unit) ((unit) >= 'a' && (unit) <= 'z' ? (unit)-32 : (unit))

#define UNIT char
#define ORDER unsigned char
#define NEEDLE int
#define NAME(x) str##x
#define INNER(x) _str##x
#define TOKEN token
#include "strings.inc"
#undef UNIT
#undef ORDER
#undef NEEDLE
#undef NAME
#undef INNER
#undef TOKEN

#define UNIT wchar_t
#define ORDER wchar_t
#define NEEDLE wchar_t
#define NAME(x) wcs##x
#define INNER(x) _wcs##x
#define TOKEN wide_token
#include "strings.inc"

size_t strnlen(const char *text, size_t most)
{
    size_t i = 0;
    while (i < most && text[i])
        i++;
    return i;
}

size_t wcsnlen(const wchar_t *text, size_t most)
{
    size_t i = 0;
    while (i < most && text[i])
        i++;
    return i;
}
