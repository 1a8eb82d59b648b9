/* The files of a folder: _findfirst and _findnext, whose results differ in the widths of times, size and name. */
#include "crt.h"

#define RESULT(structure, time_type, size_type, unit)                                                                 \
    struct structure {                                                                                                \
        unsigned attributes;                                                                                          \
        time_type created, accessed, written;                                                                         \
        size_type size;                                                                                               \
        unit name[260];                                                                                               \
    }

RESULT(found32, time32, unsigned, char);
RESULT(foundi64, time32, int64_t, char);
RESULT(found64, time64, int64_t, char);
RESULT(wide_found32, time32, unsigned, wchar_t);
RESULT(wide_foundi64, time32, int64_t, wchar_t);
RESULT(wide_found64, time64, int64_t, wchar_t);

/* A time that the file system does not keep is -1. */
static time64 time_or_none(const FILETIME *time)
{
    return time->low | time->high ? crt_time_of(time) : -1;
}

static int fail(void)
{
    DWORD error = GetLastError();
    *__doserrno() = error;
    errno = error == 2 || error == 3 || error == 18 ? ENOENT : error == 8 ? ENOMEM : EINVAL;
    return -1;
}

#define FILL(result, found)                                                                                           \
    do {                                                                                                              \
        (result)->attributes = (found).attributes == FILE_ATTRIBUTE_NORMAL ? 0 : (found).attributes;                  \
        (result)->created = (__typeof__((result)->created))time_or_none(&(found).created);                            \
        (result)->accessed = (__typeof__((result)->created))time_or_none(&(found).accessed);                          \
        (result)->written = (__typeof__((result)->created))time_or_none(&(found).written);                            \
        (result)->size = (__typeof__((result)->size))((uint64_t)(found).size_high << 32 | (found).size_low);          \
        memcpy((result)->name, (found).name, sizeof (found).name);                                                    \
    } while (0)

#define VARIANT(prefix, suffix, structure, unit, letter)                                                              \
    intptr_t _##prefix##findfirst##suffix(const unit *pattern, struct structure *result)                              \
    {                                                                                                                 \
        WIN32_FIND_DATA##letter found;                                                                                \
        HANDLE find = FindFirstFile##letter(pattern, &found);                                                         \
        if (find == INVALID_HANDLE_VALUE)                                                                             \
            return fail();                                                                                            \
        FILL(result, found);                                                                                          \
        return (intptr_t)find;                                                                                        \
    }                                                                                                                 \
    int _##prefix##findnext##suffix(intptr_t find, struct structure *result)                                          \
    {                                                                                                                 \
        WIN32_FIND_DATA##letter found;                                                                                \
        if (!FindNextFile##letter((HANDLE)find, &found))                                                              \
            return fail();                                                                                            \
        FILL(result, found);                                                                                          \
        return 0;                                                                                                     \
    }

VARIANT(, , found32, char, A)
VARIANT(, i64, foundi64, char, A)
VARIANT(, 64, found64, char, A)
VARIANT(w, , wide_found32, wchar_t, W)
VARIANT(w, i64, wide_foundi64, wchar_t, W)
VARIANT(w, 64, wide_found64, wchar_t, W)

int _findclose(intptr_t find)
{
    if (FindClose((HANDLE)find))
        return 0;
    errno = EINVAL;
    return -1;
}
