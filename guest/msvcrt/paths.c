/* Folders, names of files, and what a path is made of. */
#include "crt.h"

static int result_of(BOOL done)
{
    if (done)
        return 0;
    crt_set_os_error(GetLastError());
    return -1;
}

int remove(const char *path)
{
    return result_of(DeleteFileA(path));
}

int _unlink(const char *path)
{
    return result_of(DeleteFileA(path));
}

int _wremove(const wchar_t *path)
{
    return result_of(DeleteFileW(path));
}

int _wunlink(const wchar_t *path)
{
    return result_of(DeleteFileW(path));
}

int rename(const char *from, const char *to)
{
    return result_of(MoveFileA(from, to));
}

int _wrename(const wchar_t *from, const wchar_t *to)
{
    return result_of(MoveFileW(from, to));
}

int _mkdir(const char *path)
{
    return result_of(CreateDirectoryA(path, 0));
}

int _wmkdir(const wchar_t *path)
{
    return result_of(CreateDirectoryW(path, 0));
}

int _rmdir(const char *path)
{
    return result_of(RemoveDirectoryA(path));
}

int _wrmdir(const wchar_t *path)
{
    return result_of(RemoveDirectoryW(path));
}

int _chdir(const char *path)
{
    return result_of(SetCurrentDirectoryA(path));
}

int _wchdir(const wchar_t *path)
{
    return result_of(SetCurrentDirectoryW(path));
}

enum { WRITE_ACCESS = 2 };

static int access_by(DWORD attributes, int mode)
{
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return result_of(0);
    if (mode & WRITE_ACCESS && attributes & FILE_ATTRIBUTE_READONLY && !(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        *__doserrno() = 5;
        errno = EACCES;
        return -1;
    }
    return 0;
}

int _access(const char *path, int mode)
{
    return access_by(GetFileAttributesA(path), mode);
}

int _waccess(const wchar_t *path, int mode)
{
    return access_by(GetFileAttributesW(path), mode);
}

enum { MAY_WRITE = 0x80 };

static DWORD attributes_for(DWORD attributes, int mode)
{
    return mode & MAY_WRITE ? attributes & ~(DWORD)FILE_ATTRIBUTE_READONLY : attributes | FILE_ATTRIBUTE_READONLY;
}

int _chmod(const char *path, int mode)
{
    DWORD attributes = GetFileAttributesA(path);
    if (attributes != INVALID_FILE_ATTRIBUTES)
        return result_of(SetFileAttributesA(path, attributes_for(attributes, mode)));
    return result_of(0);
}

int _wchmod(const wchar_t *path, int mode)
{
    DWORD attributes = GetFileAttributesW(path);
    if (attributes != INVALID_FILE_ATTRIBUTES)
        return result_of(SetFileAttributesW(path, attributes_for(attributes, mode)));
    return result_of(0);
}

/* What getcwd and fullpath do with a result of the system: into the caller's room, or into new memory. */
static void *give(const void *result, size_t length, size_t width, void *room, int size)
{
    if (!length) {
        crt_set_os_error(GetLastError());
        return 0;
    }
    if (!room) {
        size_t units = size > (int)length ? (size_t)size : length + 1;
        room = malloc(units * width);
        if (!room)
            return 0;
    } else if (size <= (int)length) {
        errno = ERANGE;
        return 0;
    }
    return memcpy(room, result, (length + 1) * width);
}

enum { LONGEST = 260 };

char *_getcwd(char *path, int size)
{
    char current[LONGEST + 1];
    DWORD length = GetCurrentDirectoryA(LONGEST, current);
    return give(current, length < LONGEST ? length : 0, 1, path, size);
}

wchar_t *_wgetcwd(wchar_t *path, int size)
{
    wchar_t current[LONGEST + 1];
    DWORD length = GetCurrentDirectoryW(LONGEST, current);
    return give(current, length < LONGEST ? length : 0, 2, path, size);
}

char *_fullpath(char *full, const char *path, size_t size)
{
    char result[LONGEST + 1], *name;
    DWORD length;
    if (!path || !*path)
        return _getcwd(full, (int)size);
    length = GetFullPathNameA(path, LONGEST, result, &name);
    return give(result, length < LONGEST ? length : 0, 1, full, full ? (int)size : LONGEST);
}

wchar_t *_wfullpath(wchar_t *full, const wchar_t *path, size_t size)
{
    wchar_t result[LONGEST + 1], *name;
    DWORD length;
    if (!path || !*path)
        return _wgetcwd(full, (int)size);
    length = GetFullPathNameW(path, LONGEST, result, &name);
    return give(result, length < LONGEST ? length : 0, 2, full, full ? (int)size : LONGEST);
}

/* Drives are numbered from 1 for A. */
int _getdrive(void)
{
    char current[LONGEST + 1];
    return GetCurrentDirectoryA(LONGEST, current) && current[1] == ':' ? (current[0] | 32) - 'a' + 1 : 0;
}

int _chdrive(int drive)
{
    char root[3] = {(char)('A' + drive - 1), ':', 0};
    if (drive < 1 || drive > 26) {
        *__doserrno() = 15;
        errno = EACCES;
        return -1;
    }
    return result_of(SetCurrentDirectoryA(root));
}

#define UNIT char
#define NAME(x) _##x
#include "paths.inc"
#undef UNIT
#undef NAME
#define UNIT wchar_t
#define NAME(x) _w##x
#include "paths.inc"
