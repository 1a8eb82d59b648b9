/* Where a stream stands, its flags, and files made for a while. */
#include "crt.h"

int feof(FILE *file)
{
    return file->flags & STREAM_EOF;
}

int ferror(FILE *file)
{
    return file->flags & STREAM_ERROR;
}

void clearerr(FILE *file)
{
    file->flags &= ~(STREAM_EOF | STREAM_ERROR);
}

int _fileno(FILE *file)
{
    return file->fd;
}

/* How many bytes of a text file gave the first `wanted` bytes of the buffer that was read at `start`: the file is read
 * again, because the buffer no longer shows which line ends had a CR. */
static int64_t raw_size(FILE *file, int64_t start, int64_t end, int wanted)
{
    char raw[512];
    int64_t place = start;
    int cr = 0;
    HANDLE handle = (HANDLE)_get_osfhandle(file->fd);
    _lseeki64(file->fd, start, SEEK_SET);
    while (wanted > 0 && place < end) {
        DWORD got = 0;
        if (!ReadFile(handle, raw, sizeof raw, &got, 0) || !got)
            break;
        for (DWORD i = 0; i < got && wanted > 0; i++, place++) {
            /* A CR counts by itself only if no LF follows. */
            if (cr && raw[i] != '\n' && --wanted == 0)
                break;
            cr = raw[i] == '\r';
            wanted -= !cr;
        }
    }
    _lseeki64(file->fd, end, SEEK_SET);
    return place - start;
}

static int64_t tell(FILE *file)
{
    int64_t place = _lseeki64(file->fd, 0, SEEK_CUR);
    int used = (int)(file->ptr - file->base), left = file->count > 0 ? file->count : 0;
    if (place < 0 || !file->base)
        return place;
    if (file->flags & STREAM_WRITE) {
        place += used;
        for (int i = 0; i < used && crt_is_text(file->fd); i++)
            place += file->base[i] == '\n';
        return place;
    }
    if (!(file->flags & STREAM_READ) || !left)
        return place;
    if (!crt_is_text(file->fd))
        return place - left;
    return place - crt_last_raw(file->fd) + raw_size(file, place - crt_last_raw(file->fd), place, used);
}

int64_t _ftelli64(FILE *file)
{
    int64_t place;
    _lock_file(file);
    place = tell(file);
    _unlock_file(file);
    return place;
}

long ftell(FILE *file)
{
    return (long)_ftelli64(file);
}

int _fseeki64(FILE *file, int64_t offset, int from)
{
    int failed;
    if ((unsigned)from > SEEK_END || !(file->flags & (STREAM_READ | STREAM_WRITE | STREAM_BOTH)))
        return crt_fail(EINVAL);
    _lock_file(file);
    file->flags &= ~STREAM_EOF;
    if (from == SEEK_CUR) {
        offset += tell(file);
        from = SEEK_SET;
    }
    fflush(file);
    if (file->flags & STREAM_BOTH)
        file->flags &= ~(STREAM_READ | STREAM_WRITE);
    failed = _lseeki64(file->fd, offset, from) < 0;
    _unlock_file(file);
    return failed ? -1 : 0;
}

int fseek(FILE *file, long offset, int from)
{
    return _fseeki64(file, offset, from);
}

void rewind(FILE *file)
{
    _fseeki64(file, 0, SEEK_SET);
    file->flags &= ~(STREAM_EOF | STREAM_ERROR);
}

int fgetpos(FILE *file, int64_t *place)
{
    *place = _ftelli64(file);
    return *place < 0 ? -1 : 0;
}

int fsetpos(FILE *file, const int64_t *place)
{
    return _fseeki64(file, *place, SEEK_SET);
}

/* "\s<process>.<number>", both in base 32. */
char *tmpnam(char *name)
{
    static char own[16];
    static unsigned number;
    if (!name)
        name = own;
    do {
        unsigned parts[2] = {(unsigned)GetCurrentProcessId(), number++};
        char *place = name;
        *place++ = '\\';
        *place++ = 's';
        for (int i = 0; i < 2; i++) {
            char digits[8];
            int count = 0;
            for (unsigned value = parts[i]; value || (!count && !i); value >>= 5)
                digits[count++] = "0123456789abcdefghijklmnopqrstuv"[value & 31];
            while (count)
                *place++ = digits[--count];
            if (!i)
                *place++ = '.';
        }
        *place = 0;
    } while (GetFileAttributesA(name) != INVALID_FILE_ATTRIBUTES);
    return name;
}

wchar_t *_wtmpnam(wchar_t *name)
{
    static wchar_t own[16];
    char narrow[16];
    wchar_t *place = name ? name : own;
    tmpnam(narrow);
    for (size_t i = 0; i == 0 || narrow[i - 1]; i++)
        place[i] = (unsigned char)narrow[i];
    return place;
}

FILE *tmpfile(void)
{
    char name[16];
    FILE *fopen(const char *path, const char *mode);
    FILE *file = fopen(tmpnam(name), "w+b");
    if (file)
        file->name = _strdup(name);
    return file;
}

char *_tempnam(const char *folder, const char *prefix)
{
    static unsigned number;
    char *name;
    const char *tmp = getenv("TMP");
    if (tmp && GetFileAttributesA(tmp) != INVALID_FILE_ATTRIBUTES)
        folder = tmp;
    else if (!folder || GetFileAttributesA(folder) == INVALID_FILE_ATTRIBUTES)
        folder = "\\";
    name = malloc(strlen(folder) + (prefix ? strlen(prefix) : 0) + 12);
    if (!name)
        return 0;
    do {
        size_t length = strlen(folder);
        const char *separator = length && (folder[length - 1] == '\\' || folder[length - 1] == '/') ? "" : "\\";
        _snprintf(name, 260, "%s%s%s%u", folder, separator, prefix ? prefix : "", ++number);
    } while (GetFileAttributesA(name) != INVALID_FILE_ATTRIBUTES);
    return name;
}

char *_mktemp(char *pattern)
{
    size_t length = strlen(pattern);
    unsigned id = (unsigned)GetCurrentThreadId();
    if (length < 6 || strcmp(pattern + length - 6, "XXXXXX")) {
        errno = EINVAL;
        return 0;
    }
    for (int i = 0; i < 5; i++, id /= 10)
        pattern[length - 1 - (size_t)i] = (char)('0' + id % 10);
    for (char first = 'a'; first <= 'z'; first++) {
        pattern[length - 6] = first;
        if (GetFileAttributesA(pattern) == INVALID_FILE_ATTRIBUTES)
            return pattern;
    }
    errno = EEXIST;
    return 0;
}
