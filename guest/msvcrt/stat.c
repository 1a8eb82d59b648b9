/* What is known about a file: stat and the setting of its times. The three layouts differ in the width of the size and
 * of the times. */
#include "crt.h"

enum { DIRECTORY = 0x4000, CHARACTERS = 0x2000, FIFO = 0x1000, REGULAR = 0x8000, READ = 0x124, WRITE = 0x92,
       EXECUTE = 0x49 };

#define HEAD                                                                                                          \
    unsigned device;                                                                                                  \
    unsigned short node, mode;                                                                                        \
    short links, user, group;                                                                                         \
    unsigned real_device

struct stat32 {
    HEAD;
    int32_t size;
    time32 accessed, modified, created;
};
struct stati64 {
    HEAD;
    int64_t size;
    time32 accessed, modified, created;
};
struct stat64 {
    HEAD;
    int64_t size;
    time64 accessed, modified, created;
};

static int has_extension(path_t path, size_t end, const char *extension)
{
    for (size_t i = 0; i < 4; i++)
        if (end < 4 || (crt_at(path.text, path.wide, end - 4 + i) | (i ? 32 : 0)) != (unsigned char)extension[i])
            return 0;
    return 1;
}

static int is_program(path_t path)
{
    size_t end = 0;
    while (crt_at(path.text, path.wide, end))
        end++;
    return has_extension(path, end, ".exe") || has_extension(path, end, ".com") || has_extension(path, end, ".bat") ||
           has_extension(path, end, ".cmd");
}

/* Drive A is 0; a path without a drive is on the current one. */
static unsigned drive_of(path_t path)
{
    int _getdrive(void);
    unsigned letter = crt_at(path.text, path.wide, 0);
    if (letter && crt_at(path.text, path.wide, 1) == ':')
        return (letter | 32) - 'a';
    return (unsigned)_getdrive() - 1;
}

static void fill(struct stat64 *result, DWORD attributes, const FILETIME times[3], uint64_t size)
{
    int directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    result->mode = (unsigned short)((directory ? DIRECTORY | EXECUTE : REGULAR) | READ |
                                    (attributes & FILE_ATTRIBUTE_READONLY && !directory ? 0 : WRITE));
    result->links = 1;
    result->size = (int64_t)size;
    result->modified = crt_time_of(&times[2]);
    result->accessed = times[1].low | times[1].high ? crt_time_of(&times[1]) : result->modified;
    result->created = times[0].low | times[0].high ? crt_time_of(&times[0]) : result->modified;
}

/* A root has no entry in a folder. */
static int stat_root(path_t path, struct stat64 *result)
{
    static const FILETIME times[3] = {{0xE1D58000, 0x01A8E79F}, {0xE1D58000, 0x01A8E79F}, {0xE1D58000, 0x01A8E79F}};
    DWORD attributes = path.wide ? GetFileAttributesW(path.text) : GetFileAttributesA(path.text);
    if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return -1;
    fill(result, attributes, times, 0);
    return 0;
}

static int stat_path(path_t path, struct stat64 *result)
{
    WIN32_FIND_DATAA narrow;
    WIN32_FIND_DATAW wide;
    HANDLE find;
    for (size_t i = 0; crt_at(path.text, path.wide, i); i++) {
        unsigned unit = crt_at(path.text, path.wide, i);
        if (unit == '*' || unit == '?')
            return crt_fail(ENOENT);
    }
    memset(result, 0, sizeof *result);
    result->device = result->real_device = drive_of(path);
    find = path.wide ? FindFirstFileW(path.text, &wide) : FindFirstFileA(path.text, &narrow);
    if (find == INVALID_HANDLE_VALUE) {
        if (!stat_root(path, result))
            return 0;
        *__doserrno() = 2;
        errno = ENOENT;
        return -1;
    }
    FindClose(find);
    /* Both structures begin alike; the names come behind. */
    const WIN32_FIND_DATAA *found = path.wide ? (const void *)&wide : &narrow;
    const FILETIME times[3] = {found->created, found->accessed, found->written};
    fill(result, found->attributes, times, (uint64_t)found->size_high << 32 | found->size_low);
    if (result->mode & REGULAR && is_program(path))
        result->mode |= EXECUTE;
    return 0;
}

static int stat_file(int fd, struct stat64 *result)
{
    BY_HANDLE_FILE_INFORMATION information;
    HANDLE handle = (HANDLE)_get_osfhandle(fd);
    DWORD kind;
    memset(result, 0, sizeof *result);
    if (handle == INVALID_HANDLE_VALUE)
        return -1;
    kind = GetFileType(handle);
    if (kind == FILE_TYPE_CHAR || kind == FILE_TYPE_PIPE) {
        result->mode = kind == FILE_TYPE_CHAR ? CHARACTERS : FIFO;
        result->links = 1;
        result->device = result->real_device = (unsigned)fd;
        return 0;
    }
    if (!GetFileInformationByHandle(handle, &information)) {
        crt_set_os_error(GetLastError());
        return -1;
    }
    const FILETIME times[3] = {information.created, information.accessed, information.written};
    fill(result, information.attributes, times, (uint64_t)information.size_high << 32 | information.size_low);
    return 0;
}

#define GIVE(result, call)                                                                                            \
    struct stat64 full;                                                                                               \
    if (call)                                                                                                         \
        return -1;                                                                                                    \
    *(result) = (__typeof__(*(result))){                                                                              \
        full.device,      full.node, full.mode, full.links, full.user, full.group,                                    \
        full.real_device, (__typeof__((result)->size))full.size, (__typeof__((result)->accessed))full.accessed,       \
        (__typeof__((result)->accessed))full.modified, (__typeof__((result)->accessed))full.created};                 \
    return 0

#define VARIANT(suffix, structure)                                                                                    \
    int _stat##suffix(const char *path, struct structure *result)                                                     \
    {                                                                                                                 \
        GIVE(result, stat_path((path_t){path, 0}, &full));                                                            \
    }                                                                                                                 \
    int _wstat##suffix(const wchar_t *path, struct structure *result)                                                 \
    {                                                                                                                 \
        GIVE(result, stat_path((path_t){path, 1}, &full));                                                            \
    }                                                                                                                 \
    int _fstat##suffix(int fd, struct structure *result)                                                              \
    {                                                                                                                 \
        GIVE(result, stat_file(fd, &full));                                                                           \
    }

VARIANT(, stat32)
VARIANT(i64, stati64)
VARIANT(64, stat64)

static int set_times(int fd, time64 accessed, time64 modified)
{
    FILETIME times[2] = {crt_filetime_of(accessed), crt_filetime_of(modified)};
    HANDLE handle = (HANDLE)_get_osfhandle(fd);
    if (handle == INVALID_HANDLE_VALUE)
        return -1;
    if (SetFileTime(handle, 0, &times[0], &times[1]))
        return 0;
    crt_set_os_error(GetLastError());
    return -1;
}

time64 _time64(time64 *place);

struct times32 {
    time32 accessed, modified;
};
struct times64 {
    time64 accessed, modified;
};

int _futime(int fd, const struct times32 *times)
{
    time64 now = _time64(0);
    return set_times(fd, times ? times->accessed : now, times ? times->modified : now);
}

int _futime64(int fd, const struct times64 *times)
{
    time64 now = _time64(0);
    return set_times(fd, times ? times->accessed : now, times ? times->modified : now);
}

static int open_to_set(path_t path)
{
    return crt_open(path, O_RDWR | O_BINARY, 0x40, 0);
}

static int closed(int fd, int result)
{
    _close(fd);
    return result;
}

int _utime(const char *path, const struct times32 *times)
{
    int fd = open_to_set((path_t){path, 0});
    return fd < 0 ? -1 : closed(fd, _futime(fd, times));
}

int _utime64(const char *path, const struct times64 *times)
{
    int fd = open_to_set((path_t){path, 0});
    return fd < 0 ? -1 : closed(fd, _futime64(fd, times));
}

int _wutime(const wchar_t *path, const struct times32 *times)
{
    int fd = open_to_set((path_t){path, 1});
    return fd < 0 ? -1 : closed(fd, _futime(fd, times));
}

int _wutime64(const wchar_t *path, const struct times64 *times)
{
    int fd = open_to_set((path_t){path, 1});
    return fd < 0 ? -1 : closed(fd, _futime64(fd, times));
}
