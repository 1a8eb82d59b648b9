/* File numbers over the system's handles; text files turn CR LF into LF when read, and back when written. */
#include "crt.h"

enum { OPEN = 1, AT_END = 2, PIPE = 8, NO_INHERIT = 0x10, APPEND = 0x20, DEVICE = 0x40, TEXT = 0x80 };
enum { FILES = 2048, CR = '\r', LF = '\n', CTRL_Z = 26 };

static struct file {
    HANDLE handle;
    int flags;
    int ahead;    /* a byte of a pipe or device that was read to look behind a CR; -1 if none */
    int last_raw; /* bytes of the file that the last read took */
} files[FILES];
static int umask_value;
extern int _fmode;

static struct file *file_of(int fd)
{
    if ((unsigned)fd < FILES && files[fd].flags & OPEN)
        return &files[fd];
    crt_fail(EBADF);
    return 0;
}

static int kind_of(HANDLE handle)
{
    DWORD kind = GetFileType(handle);
    return kind == FILE_TYPE_CHAR ? DEVICE : kind == FILE_TYPE_PIPE ? PIPE : 0;
}

static void enter(int fd, HANDLE handle, int flags)
{
    files[fd] = (struct file){handle, flags | OPEN, -1, 0};
}

/* A file number that has no handle behind it is open still, and fails at use: so it is when there is no console. */
void crt_files_start(void)
{
    for (int fd = 0; fd < 3; fd++) {
        HANDLE handle = GetStdHandle(STD_INPUT_HANDLE - (DWORD)fd);
        if (handle && handle != INVALID_HANDLE_VALUE)
            enter(fd, handle, TEXT | kind_of(handle));
        else
            enter(fd, INVALID_HANDLE_VALUE, TEXT | DEVICE);
    }
}

static int free_number(void)
{
    for (int fd = 0; fd < FILES; fd++)
        if (!(files[fd].flags & OPEN))
            return fd;
    return crt_fail(EMFILE);
}

static int text_flag(int flags)
{
    return flags & O_BINARY ? 0 : flags & O_TEXT ? TEXT : _fmode == O_BINARY ? 0 : TEXT;
}

int _open_osfhandle(intptr_t handle, int flags)
{
    int fd = free_number();
    if (fd >= 0)
        enter(fd, (HANDLE)handle,
              kind_of((HANDLE)handle) | (flags & O_TEXT ? TEXT : 0) | (flags & O_APPEND ? APPEND : 0) |
                  (flags & O_NOINHERIT ? NO_INHERIT : 0));
    return fd;
}

intptr_t _get_osfhandle(int fd)
{
    struct file *file = file_of(fd);
    return file ? (intptr_t)file->handle : -1;
}

static DWORD disposition_of(int flags)
{
    switch (flags & (O_CREAT | O_EXCL | O_TRUNC)) {
    case O_CREAT:
        return OPEN_ALWAYS;
    case O_CREAT | O_EXCL:
    case O_CREAT | O_EXCL | O_TRUNC:
        return CREATE_NEW;
    case O_CREAT | O_TRUNC:
        return CREATE_ALWAYS;
    case O_TRUNC:
    case O_TRUNC | O_EXCL:
        return TRUNCATE_EXISTING;
    default:
        return OPEN_EXISTING;
    }
}

static DWORD access_of(int flags)
{
    switch (flags & 3) {
    case O_RDONLY:
        return GENERIC_READ;
    case O_WRONLY:
        return GENERIC_WRITE;
    default:
        return GENERIC_READ | GENERIC_WRITE;
    }
}

static DWORD share_of(int share)
{
    switch (share) {
    case 0x10: /* deny both */
        return 0;
    case 0x20: /* deny writing */
        return FILE_SHARE_READ;
    case 0x30: /* deny reading */
        return FILE_SHARE_WRITE;
    default:
        return FILE_SHARE_READ | FILE_SHARE_WRITE;
    }
}

enum { WRITABLE = 0x80 };

static DWORD attributes_of(int flags, int mode)
{
    DWORD result = FILE_ATTRIBUTE_NORMAL;
    if (flags & O_CREAT && !(mode & ~umask_value & WRITABLE))
        result = FILE_ATTRIBUTE_READONLY;
    if (flags & O_TEMPORARY)
        result |= FILE_FLAG_DELETE_ON_CLOSE;
    if (flags & O_SHORT_LIVED)
        result |= FILE_ATTRIBUTE_TEMPORARY;
    if (flags & O_SEQUENTIAL)
        result |= FILE_FLAG_SEQUENTIAL_SCAN;
    if (flags & O_RANDOM)
        result |= FILE_FLAG_RANDOM_ACCESS;
    return result;
}

/* A text file opened for both loses the Ctrl-Z at its end, so that what is appended can be read. */
static void drop_ctrl_z(int fd)
{
    char last;
    int64_t end = _lseeki64(fd, 0, SEEK_END);
    if (end <= 0)
        return;
    end = _lseeki64(fd, -1, SEEK_CUR);
    if (_read(fd, &last, 1) == 0 && files[fd].last_raw == 1 && _lseeki64(fd, end, SEEK_SET) == end)
        SetEndOfFile(files[fd].handle);
    _lseeki64(fd, 0, SEEK_SET);
    files[fd].flags &= ~AT_END;
}

int crt_open(path_t path, int flags, int share, int mode)
{
    SECURITY_ATTRIBUTES security = {sizeof security, 0, !(flags & O_NOINHERIT)};
    int fd = free_number();
    HANDLE handle;
    if (fd < 0)
        return -1;
    handle = path.wide ? CreateFileW(path.text, access_of(flags), share_of(share), &security, disposition_of(flags),
                                     attributes_of(flags, mode), 0)
                       : CreateFileA(path.text, access_of(flags), share_of(share), &security, disposition_of(flags),
                                     attributes_of(flags, mode), 0);
    if (handle == INVALID_HANDLE_VALUE) {
        crt_set_os_error(GetLastError());
        return -1;
    }
    enter(fd, handle,
          kind_of(handle) | text_flag(flags) | (flags & O_APPEND ? APPEND : 0) |
              (flags & O_NOINHERIT ? NO_INHERIT : 0));
    if (files[fd].flags & TEXT && !(files[fd].flags & (DEVICE | PIPE)) && (flags & 3) == O_RDWR)
        drop_ctrl_z(fd);
    return fd;
}

int _sopen(const char *path, int flags, int share, ...)
{
    va_list rest;
    va_start(rest, share);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return crt_open((path_t){path, 0}, flags, share, mode);
}

int _wsopen(const wchar_t *path, int flags, int share, ...)
{
    va_list rest;
    va_start(rest, share);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return crt_open((path_t){path, 1}, flags, share, mode);
}

int _open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return crt_open((path_t){path, 0}, flags, 0x40, mode);
}

int _wopen(const wchar_t *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return crt_open((path_t){path, 1}, flags, 0x40, mode);
}

int _creat(const char *path, int mode)
{
    return crt_open((path_t){path, 0}, O_CREAT | O_TRUNC | O_RDWR, 0x40, mode);
}

int _wcreat(const wchar_t *path, int mode)
{
    return crt_open((path_t){path, 1}, O_CREAT | O_TRUNC | O_RDWR, 0x40, mode);
}

int _umask(int mask)
{
    int old = umask_value;
    umask_value = mask & 0x180;
    return old;
}

int _close(int fd)
{
    struct file *file = file_of(fd);
    HANDLE handle;
    if (!file)
        return -1;
    handle = file->handle;
    file->flags = 0;
    /* stdout and stderr may share one handle: the last of them closes it. */
    if ((fd == 1 && files[2].flags & OPEN && files[2].handle == handle) ||
        (fd == 2 && files[1].flags & OPEN && files[1].handle == handle) || handle == INVALID_HANDLE_VALUE)
        return 0;
    if (!CloseHandle(handle)) {
        crt_set_os_error(GetLastError());
        return -1;
    }
    return 0;
}

int64_t _lseeki64(int fd, int64_t offset, int from)
{
    struct file *file = file_of(fd);
    int32_t high = (int32_t)(offset >> 32);
    DWORD low;
    if (!file)
        return -1;
    if ((unsigned)from > SEEK_END)
        return crt_fail(EINVAL);
    if (file->flags & (DEVICE | PIPE)) {
        *__doserrno() = 0;
        return crt_fail(ESPIPE);
    }
    SetLastError(0);
    low = SetFilePointer(file->handle, (int32_t)offset, &high, (DWORD)from);
    if (low == (DWORD)-1 && GetLastError()) {
        crt_set_os_error(GetLastError());
        return -1;
    }
    file->flags &= ~AT_END;
    return (int64_t)((uint64_t)(uint32_t)high << 32 | low);
}

long _lseek(int fd, long offset, int from)
{
    return (long)_lseeki64(fd, offset, from);
}

int64_t _telli64(int fd)
{
    return _lseeki64(fd, 0, SEEK_CUR);
}

long _tell(int fd)
{
    return _lseek(fd, 0, SEEK_CUR);
}

int64_t _filelengthi64(int fd)
{
    int64_t here = _telli64(fd), end;
    if (here < 0)
        return -1;
    end = _lseeki64(fd, 0, SEEK_END);
    _lseeki64(fd, here, SEEK_SET);
    return end;
}

long _filelength(int fd)
{
    return (long)_filelengthi64(fd);
}

int _eof(int fd)
{
    int64_t here = _telli64(fd), end = _filelengthi64(fd);
    return here < 0 || end < 0 ? -1 : here >= end;
}

int _chsize(int fd, long size)
{
    struct file *file = file_of(fd);
    int64_t here = _telli64(fd);
    int failed;
    if (!file || here < 0 || _lseeki64(fd, size, SEEK_SET) < 0)
        return -1;
    failed = !SetEndOfFile(file->handle);
    if (failed)
        crt_set_os_error(GetLastError());
    _lseeki64(fd, here, SEEK_SET);
    return failed ? -1 : 0;
}

/* Reads up to `size` bytes as the system gives them; -1 with errno set on failure. */
static int read_raw(struct file *file, void *buffer, unsigned size)
{
    DWORD got = 0;
    if (ReadFile(file->handle, buffer, size, &got, 0))
        return (int)got;
    if (GetLastError() == 109) /* the writing end of a pipe is closed: the end of the file */
        return 0;
    crt_set_os_error(GetLastError());
    if (*__doserrno() == 5) /* no right to read: a bad file number, to C */
        errno = EBADF;
    return -1;
}

/* Whether a LF follows; the byte that was taken to see it is put back if it is another. */
static int lf_follows(int fd, struct file *file)
{
    char next;
    int got = read_raw(file, &next, 1);
    if (got != 1)
        return 0;
    if (next == LF) {
        file->last_raw++;
        return 1;
    }
    if (file->flags & (DEVICE | PIPE))
        file->ahead = (unsigned char)next;
    else
        _lseeki64(fd, -1, SEEK_CUR);
    return 0;
}

static int translate(int fd, struct file *file, char *buffer, int size)
{
    int to = 0;
    for (int from = 0; from < size; from++) {
        if (buffer[from] == CTRL_Z) {
            /* The end of a text file. What follows it stays to be read by who clears the end. */
            file->flags |= file->flags & DEVICE ? 0 : AT_END;
            break;
        }
        if (buffer[from] != CR)
            buffer[to++] = buffer[from];
        else if (from + 1 < size)
            buffer[to++] = buffer[from + 1] == LF ? buffer[++from] : CR;
        else
            buffer[to++] = lf_follows(fd, file) ? LF : CR;
    }
    return to;
}

int _read(int fd, void *buffer, unsigned size)
{
    struct file *file = file_of(fd);
    char *place = buffer;
    int got, had = 0;
    if (!file)
        return -1;
    file->last_raw = 0;
    if (!size || file->flags & AT_END)
        return 0;
    if (file->ahead >= 0) {
        *place = (char)file->ahead;
        file->ahead = -1;
        had = 1;
    }
    got = size > (unsigned)had && !(had && *place == LF) ? read_raw(file, place + had, size - (unsigned)had) : 0;
    if (got < 0)
        return -1;
    file->last_raw = had + got;
    return file->flags & TEXT ? translate(fd, file, place, had + got) : had + got;
}

/* Counts what of the program's bytes went out; the CRs are the run-time's own affair. */
static int write_text(struct file *file, const char *from, unsigned size)
{
    char buffer[1024];
    unsigned done = 0;
    while (done < size) {
        unsigned used = 0, filled = 0;
        DWORD written = 0;
        while (done + used < size && filled < sizeof buffer - 1) {
            if (from[done + used] == LF)
                buffer[filled++] = CR;
            buffer[filled++] = from[done + used++];
        }
        if (!WriteFile(file->handle, buffer, filled, &written, 0)) {
            crt_set_os_error(GetLastError());
            return done ? (int)done : -1;
        }
        if (written < filled) {
            for (unsigned raw = 0; raw < written; raw++)
                done += buffer[raw] != CR || raw + 1 >= written || buffer[raw + 1] != LF;
            return (int)done;
        }
        done += used;
    }
    return (int)done;
}

int _write(int fd, const void *buffer, unsigned size)
{
    struct file *file = file_of(fd);
    DWORD written = 0;
    int result;
    if (!file)
        return -1;
    if (!size)
        return 0;
    if (file->flags & APPEND)
        _lseeki64(fd, 0, SEEK_END);
    if (file->flags & TEXT) {
        result = write_text(file, buffer, size);
    } else if (WriteFile(file->handle, buffer, size, &written, 0)) {
        result = (int)written;
    } else {
        crt_set_os_error(GetLastError());
        result = -1;
    }
    if (result < 0 && *__doserrno() == 5)
        errno = EBADF;
    if (result == 0) {
        /* A device may swallow a Ctrl-Z; nothing written otherwise means that the disk is full. */
        if (file->flags & DEVICE && *(const char *)buffer == CTRL_Z)
            return 0;
        return crt_fail(ENOSPC);
    }
    return result;
}

int _isatty(int fd)
{
    return (unsigned)fd < FILES && files[fd].flags & OPEN ? files[fd].flags & DEVICE : 0;
}

int _setmode(int fd, int mode)
{
    struct file *file = file_of(fd);
    int old;
    if (!file)
        return -1;
    old = file->flags & TEXT ? O_TEXT : O_BINARY;
    if (mode == O_TEXT)
        file->flags |= TEXT;
    else if (mode == O_BINARY)
        file->flags &= ~TEXT;
    else
        return crt_fail(EINVAL);
    return old;
}

int _commit(int fd)
{
    struct file *file = file_of(fd);
    if (!file)
        return -1;
    if (FlushFileBuffers(file->handle))
        return 0;
    *__doserrno() = GetLastError();
    errno = EBADF;
    return -1;
}

static HANDLE copy_of(HANDLE handle)
{
    HANDLE copy = 0;
    if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, 1, DUPLICATE_SAME_ACCESS))
        return copy;
    crt_set_os_error(GetLastError());
    return INVALID_HANDLE_VALUE;
}

int _dup(int fd)
{
    struct file *file = file_of(fd);
    int number = file ? free_number() : -1;
    HANDLE copy;
    if (number < 0 || (copy = copy_of(file->handle)) == INVALID_HANDLE_VALUE)
        return -1;
    enter(number, copy, file->flags & ~NO_INHERIT);
    return number;
}

int _dup2(int from, int to)
{
    struct file *file = file_of(from);
    HANDLE copy;
    if (!file)
        return -1;
    if ((unsigned)to >= FILES)
        return crt_fail(EBADF);
    if (from == to)
        return 0;
    if ((copy = copy_of(file->handle)) == INVALID_HANDLE_VALUE)
        return -1;
    if (files[to].flags & OPEN)
        _close(to);
    enter(to, copy, file->flags & ~NO_INHERIT);
    return 0;
}

int crt_last_raw(int fd)
{
    return files[fd].last_raw;
}

int crt_is_text(int fd)
{
    return (unsigned)fd < FILES && files[fd].flags & TEXT;
}
