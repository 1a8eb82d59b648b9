/* Streams: opening, closing, their buffers and their locks. */
#include "crt.h"

FILE _iob[STREAMS];

/* A stream beyond the first twenty has its lock behind it; programs with inline locking know that. */
struct locked_stream {
    FILE file;
    CRITICAL_SECTION lock;
};
enum { MORE_STREAMS = 492 };
static struct locked_stream *more[MORE_STREAMS];
static char burst_buffers[2][STREAM_BUFFER];
static int most_streams = STREAMS + MORE_STREAMS;

FILE *__iob_func(void)
{
    return _iob;
}

FILE *__p__iob(void)
{
    return _iob;
}

void crt_streams_start(void)
{
    static const int flags[3] = {STREAM_READ, STREAM_WRITE, STREAM_WRITE | STREAM_UNBUFFERED};
    for (int i = 0; i < STREAMS; i++)
        _iob[i].fd = i < 3 ? i : -1;
    for (int i = 0; i < 3; i++)
        _iob[i].flags = flags[i];
}

static int in_use(const FILE *file)
{
    return file->flags & (STREAM_READ | STREAM_WRITE | STREAM_BOTH);
}

/* The stream with this number, or null: for walks over all of them. */
static FILE *stream_at(int index)
{
    if (index < STREAMS)
        return &_iob[index];
    return more[index - STREAMS] ? &more[index - STREAMS]->file : 0;
}

void _lock_file(FILE *file)
{
    if (file >= _iob && file < _iob + STREAMS)
        _lock(FIRST_STREAM_LOCK + (int)(file - _iob));
    else
        EnterCriticalSection(&((struct locked_stream *)file)->lock);
}

void _unlock_file(FILE *file)
{
    if (file >= _iob && file < _iob + STREAMS)
        _unlock(FIRST_STREAM_LOCK + (int)(file - _iob));
    else
        LeaveCriticalSection(&((struct locked_stream *)file)->lock);
}

/* A free stream, marked as in use; the caller sets its flags. */
FILE *crt_new_stream(void)
{
    FILE *file = 0;
    _lock(1);
    for (int i = 3; i < most_streams && !file; i++) {
        FILE *candidate = stream_at(i);
        if (candidate && !in_use(candidate)) {
            file = candidate;
        } else if (!candidate) {
            struct locked_stream *made = calloc(1, sizeof *made);
            if (!made)
                break;
            InitializeCriticalSection(&made->lock);
            more[i - STREAMS] = made;
            file = &made->file;
        }
    }
    if (file)
        *file = (FILE){0, 0, 0, STREAM_BOTH, -1, 0, 0, 0};
    _unlock(1);
    if (!file)
        errno = EMFILE;
    return file;
}

/* "r", "w", "a", then any of + b t c n S R T D; what follows a comma is not for us. */
static int parse_mode(path_t mode, int *flags, int *stream)
{
    static const struct {
        char unit;
        int flag;
    } letters[] = {{'b', O_BINARY},     {'t', O_TEXT},        {'S', O_SEQUENTIAL}, {'R', O_RANDOM},
                   {'T', O_SHORT_LIVED}, {'D', O_TEMPORARY}, {'N', O_NOINHERIT}};
    unsigned unit = crt_at(mode.text, mode.wide, 0);
    *stream = unit == 'r' ? STREAM_READ : STREAM_WRITE;
    if (unit == 'r')
        *flags = O_RDONLY;
    else if (unit == 'w')
        *flags = O_WRONLY | O_CREAT | O_TRUNC;
    else if (unit == 'a')
        *flags = O_WRONLY | O_CREAT | O_APPEND;
    else
        return crt_fail(EINVAL);
    for (size_t i = 1; (unit = crt_at(mode.text, mode.wide, i)) && unit != ','; i++) {
        if (unit == '+') {
            *flags = (*flags & ~3) | O_RDWR;
            *stream = STREAM_BOTH;
        } else if (unit == 'c') {
            *stream |= STREAM_COMMIT;
        } else if (unit == 'n') {
            *stream &= ~STREAM_COMMIT;
        }
        for (size_t l = 0; l < sizeof letters / sizeof *letters; l++)
            if ((unsigned)letters[l].unit == unit)
                *flags |= letters[l].flag;
    }
    return 0;
}

static FILE *open_into(FILE *file, path_t path, path_t mode, int share)
{
    extern int _commode;
    int flags, stream, fd = -1;
    if (!parse_mode(mode, &flags, &stream))
        fd = crt_open(path, flags, share, 0x180);
    if (fd < 0) {
        file->flags = 0;
        return 0;
    }
    *file = (FILE){0, 0, 0, stream | (_commode & STREAM_COMMIT), fd, 0, 0, 0};
    return file;
}

static FILE *open_new(path_t path, path_t mode, int share)
{
    FILE *file = crt_new_stream();
    return file ? open_into(file, path, mode, share) : 0;
}

FILE *fopen(const char *path, const char *mode)
{
    return open_new((path_t){path, 0}, (path_t){mode, 0}, 0x40);
}

FILE *_fsopen(const char *path, const char *mode, int share)
{
    return open_new((path_t){path, 0}, (path_t){mode, 0}, share);
}

FILE *_wfopen(const wchar_t *path, const wchar_t *mode)
{
    return open_new((path_t){path, 1}, (path_t){mode, 1}, 0x40);
}

FILE *_wfsopen(const wchar_t *path, const wchar_t *mode, int share)
{
    return open_new((path_t){path, 1}, (path_t){mode, 1}, share);
}

static FILE *open_number(int fd, path_t mode)
{
    int flags, stream;
    FILE *file;
    if (_get_osfhandle(fd) == -1 || parse_mode(mode, &flags, &stream))
        return 0;
    file = crt_new_stream();
    if (file) {
        file->flags = stream;
        file->fd = fd;
    }
    return file;
}

FILE *_fdopen(int fd, const char *mode)
{
    return open_number(fd, (path_t){mode, 0});
}

FILE *_wfdopen(int fd, const wchar_t *mode)
{
    return open_number(fd, (path_t){mode, 1});
}

static void drop_buffer(FILE *file)
{
    if (file->flags & STREAM_OUR_BUFFER)
        free(file->base);
    file->flags &= ~(STREAM_OUR_BUFFER | STREAM_USER_BUFFER | STREAM_UNBUFFERED);
    file->base = file->ptr = 0;
    file->count = 0;
}

int fclose(FILE *file)
{
    int result = -1;
    char *name;
    if (!in_use(file))
        return EOF;
    _lock_file(file);
    result = fflush(file);
    drop_buffer(file);
    if (_close(file->fd) < 0)
        result = EOF;
    name = file->name;
    file->name = 0;
    file->flags = 0;
    file->fd = -1;
    _unlock_file(file);
    if (name) { /* of tmpfile */
        DeleteFileA(name);
        free(name);
    }
    return result;
}

static FILE *reopen(path_t path, path_t mode, FILE *file)
{
    FILE *result;
    _lock_file(file);
    if (in_use(file)) {
        int fd = file->fd;
        fflush(file);
        drop_buffer(file);
        _close(fd);
    }
    result = open_into(file, path, mode, 0x40);
    _unlock_file(file);
    return result;
}

FILE *freopen(const char *path, const char *mode, FILE *file)
{
    return reopen((path_t){path, 0}, (path_t){mode, 0}, file);
}

FILE *_wfreopen(const wchar_t *path, const wchar_t *mode, FILE *file)
{
    return reopen((path_t){path, 1}, (path_t){mode, 1}, file);
}

static int flush(FILE *file)
{
    int result = 0;
    if ((file->flags & (STREAM_READ | STREAM_WRITE)) == STREAM_WRITE && file->base) {
        int size = (int)(file->ptr - file->base);
        if (size > 0 && _write(file->fd, file->base, (unsigned)size) != size) {
            file->flags |= STREAM_ERROR;
            result = EOF;
        } else if (file->flags & STREAM_BOTH) {
            file->flags &= ~STREAM_WRITE;
        }
    }
    file->ptr = file->base;
    file->count = 0;
    return result;
}

int fflush(FILE *file)
{
    int result;
    if (!file)
        return _flushall() < 0 ? EOF : 0;
    _lock_file(file);
    result = flush(file);
    if (!result && file->flags & STREAM_COMMIT)
        result = _commit(file->fd) ? EOF : 0;
    _unlock_file(file);
    return result;
}

int _flushall(void)
{
    int count = 0;
    for (int i = 0; i < most_streams; i++) {
        FILE *file = stream_at(i);
        if (file && in_use(file)) {
            count++;
            if (file->flags & (STREAM_WRITE | STREAM_BOTH))
                fflush(file);
        }
    }
    return count;
}

int _fcloseall(void)
{
    int count = 0;
    for (int i = 3; i < most_streams; i++) {
        FILE *file = stream_at(i);
        if (file && in_use(file) && fclose(file) != EOF)
            count++;
    }
    return count;
}

/* Closes the files of tmpfile, which deletes them. */
int _rmtmp(void)
{
    int count = 0;
    for (int i = 3; i < most_streams; i++) {
        FILE *file = stream_at(i);
        if (file && in_use(file) && file->name && fclose(file) != EOF)
            count++;
    }
    return count;
}

/* At exit; and when the DLL goes, if the program ended without exit. By then other threads may have been stopped with a
 * lock in their hands, so it is not done twice. */
void crt_streams_end(void)
{
    static int done;
    if (done)
        return;
    done = 1;
    _flushall();
    _rmtmp();
}

int _getmaxstdio(void)
{
    return most_streams;
}

int _setmaxstdio(int most)
{
    if (most < STREAMS || most > 2048)
        return crt_fail(EINVAL);
    if (most < STREAMS + MORE_STREAMS)
        most_streams = most;
    return most;
}

enum { FULL = 0, LINE = 0x40, NONE = 4 };

int setvbuf(FILE *file, char *buffer, int mode, size_t size)
{
    if (mode != NONE && ((mode != FULL && mode != LINE) || size < 2 || size > 0x7FFFFFFF))
        return -1;
    _lock_file(file);
    fflush(file);
    drop_buffer(file);
    if (mode == NONE) {
        file->flags |= STREAM_UNBUFFERED;
        file->base = (char *)&file->charbuf;
        file->size = 2;
    } else if (buffer) {
        file->flags |= STREAM_USER_BUFFER;
        file->base = buffer;
        file->size = (int)(size & ~(size_t)1);
    } else if ((file->base = malloc(size))) {
        file->flags |= STREAM_OUR_BUFFER;
        file->size = (int)(size & ~(size_t)1);
    }
    file->ptr = file->base;
    file->count = 0;
    _unlock_file(file);
    return file->base ? 0 : -1;
}

void setbuf(FILE *file, char *buffer)
{
    setvbuf(file, buffer, buffer ? FULL : NONE, 512);
}

void crt_get_buffer(FILE *file)
{
    if (file->base)
        return;
    if (!(file->flags & STREAM_UNBUFFERED) && (file->base = malloc(STREAM_BUFFER))) {
        file->flags |= STREAM_OUR_BUFFER;
        file->size = STREAM_BUFFER;
    } else {
        file->flags |= STREAM_UNBUFFERED;
        file->base = (char *)&file->charbuf;
        file->size = 2;
    }
    file->ptr = file->base;
    file->count = 0;
}

/* Fills the buffer and takes its first byte: what inline getc calls when the count runs out. */
int _filbuf(FILE *file)
{
    if (!in_use(file) || file->flags & STREAM_STRING)
        return EOF;
    if (file->flags & STREAM_WRITE) {
        file->flags |= STREAM_ERROR;
        return EOF;
    }
    file->flags |= STREAM_READ;
    crt_get_buffer(file);
    file->ptr = file->base;
    file->count = _read(file->fd, file->base, (unsigned)file->size);
    if (file->count <= 0) {
        file->flags |= file->count ? STREAM_ERROR : STREAM_EOF;
        file->count = 0;
        return EOF;
    }
    file->count--;
    return (unsigned char)*file->ptr++;
}

/* Makes a stream ready to write; EOF if it may not be. */
static int turn_to_writing(FILE *file)
{
    if (!(file->flags & (STREAM_WRITE | STREAM_BOTH)) || file->flags & STREAM_STRING) {
        errno = EBADF;
        file->flags |= STREAM_ERROR;
        return EOF;
    }
    if (file->flags & STREAM_READ) {
        /* From reading to writing only at the end of the file, or over fseek. */
        file->count = 0;
        if (!(file->flags & STREAM_EOF)) {
            file->flags |= STREAM_ERROR;
            return EOF;
        }
        file->ptr = file->base;
        file->flags &= ~STREAM_READ;
    }
    file->flags = (file->flags | STREAM_WRITE) & ~STREAM_EOF;
    file->count = 0;
    return 0;
}

/* Output to a terminal has no buffer, so that what is written is seen at once. */
static int shows_at_once(const FILE *file)
{
    return (file == stdout || file == stderr) && _isatty(file->fd);
}

/* Writes the full buffer and puts one byte: what inline putc calls when there is no room. */
int _flsbuf(int unit, FILE *file)
{
    char byte = (char)unit;
    int size = 1, written = 1;
    if (turn_to_writing(file))
        return EOF;
    if (!file->base && !shows_at_once(file))
        crt_get_buffer(file);
    if (file->base && !(file->flags & STREAM_UNBUFFERED)) {
        size = written = (int)(file->ptr - file->base);
        if (size > 0)
            written = _write(file->fd, file->base, (unsigned)size);
        *file->base = byte;
        file->ptr = file->base + 1;
        file->count = file->size - 1;
    } else {
        written = _write(file->fd, &byte, 1);
        file->ptr = file->base;
    }
    if (written != size) {
        file->flags |= STREAM_ERROR;
        return EOF;
    }
    return (unsigned char)byte;
}

int crt_begin_burst(FILE *file)
{
    char *buffer;
    if (file->base || !shows_at_once(file) || !(file->flags & STREAM_WRITE))
        return 0;
    buffer = burst_buffers[file - stdout];
    file->base = file->ptr = buffer;
    file->size = file->count = STREAM_BUFFER;
    return 1;
}

void crt_end_burst(FILE *file, int burst)
{
    if (!burst)
        return;
    flush(file);
    file->base = file->ptr = 0;
    file->size = file->count = 0;
}
