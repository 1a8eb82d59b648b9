/* What the parts of this C run-time share: the layouts that programs see, and the inner functions (crt_...). */
#ifndef CRT_H
#define CRT_H

#include "win32.h"

#define EOF (-1)

enum {
    EPERM = 1, ENOENT = 2, EINTR = 4, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10, EAGAIN = 11, ENOMEM = 12,
    EACCES = 13, EEXIST = 17, EXDEV = 18, EINVAL = 22, EMFILE = 24, ENOSPC = 28, ESPIPE = 29, EPIPE = 32, EDOM = 33,
    ERANGE = 34, ENOTEMPTY = 41, EILSEQ = 42
};

/* Bits of FILE.flags (_IOREAD ... in public headers, whose macros read them). */
enum {
    STREAM_READ = 1, STREAM_WRITE = 2, STREAM_UNBUFFERED = 4, STREAM_OUR_BUFFER = 8, STREAM_EOF = 0x10,
    STREAM_ERROR = 0x20, STREAM_STRING = 0x40, STREAM_BOTH = 0x80, STREAM_USER_BUFFER = 0x100,
    STREAM_COMMIT = 0x4000
};

/* The 32 bytes of a stream, seen by every program through _iob and inline getc/putc. */
typedef struct {
    char *ptr;
    int count;
    char *base;
    int flags;
    int fd;
    int charbuf;
    int size;
    char *name;
} FILE;

enum { STREAMS = 20, FIRST_STREAM_LOCK = 16, EXIT_LOCK = 8, LOCKS = FIRST_STREAM_LOCK + STREAMS };
enum { STREAM_BUFFER = 4096 };
extern FILE _iob[STREAMS];
#define stdin (&_iob[0])
#define stdout (&_iob[1])
#define stderr (&_iob[2])

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_APPEND = 8, O_RANDOM = 0x10, O_SEQUENTIAL = 0x20,
       O_TEMPORARY = 0x40, O_NOINHERIT = 0x80, O_CREAT = 0x100, O_TRUNC = 0x200, O_EXCL = 0x400,
       O_SHORT_LIVED = 0x1000, O_TEXT = 0x4000, O_BINARY = 0x8000 };
enum { SEEK_SET, SEEK_CUR, SEEK_END };

typedef int64_t time64;
typedef int32_t time32;

struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

typedef void (*signal_handler)(int);

/* What every thread has of its own. */
struct thread_data {
    int error;
    unsigned long os_error;
    unsigned seed;
    char *token;
    unsigned char *mbs_token;
    wchar_t *wide_token;
    struct tm tm;
    char time_text[26];
    wchar_t wide_time_text[26];
    char error_text[192];
    wchar_t wide_error_text[192];
    signal_handler faults[3]; /* SIGILL, SIGFPE, SIGSEGV */
    void *exception_pointers;
    int fpe_code;
    HANDLE handle;
    void *unwinding; /* ebp of the frame whose __finally block runs because of an exception */
};

struct thread_data *crt_thread(void);
BOOL crt_threads_start(void);
void crt_thread_end(void);
void crt_set_os_error(DWORD error);
int crt_fail(int error);
void crt_locks_start(void);
BOOL crt_heap_start(void);
void crt_files_start(void);
void crt_time_start(void);
void crt_streams_start(void);
void crt_streams_end(void);
void crt_environment_start(void);

/* Narrow and wide text behind one reading function: `wide` says which. */
static inline unsigned crt_at(const void *text, int wide, size_t index)
{
    return wide ? ((const wchar_t *)text)[index] : ((const unsigned char *)text)[index];
}

/* A path is narrow or wide; the system has a function for each. */
typedef struct {
    const void *text;
    int wide;
} path_t;

int crt_open(path_t path, int flags, int share, int mode);
FILE *crt_new_stream(void);
void crt_get_buffer(FILE *file);
size_t crt_write_stream(FILE *file, const void *data, size_t size);
int crt_begin_burst(FILE *file);
void crt_end_burst(FILE *file, int burst);
int crt_last_raw(int fd);
int crt_is_text(int fd);

/* Receives formatted output unit by unit; `put` returns a negative number on failure. */
struct sink {
    int (*put)(struct sink *sink, unsigned unit);
    int wide;
    void *next;
    size_t left;
};
int crt_format(struct sink *sink, const void *format, va_list arguments);

/* Gives input unit by unit; `get` returns EOF at the end. */
struct source {
    int (*get)(struct source *source);
    void (*unget)(struct source *source, int unit);
    int wide;
    const void *next;
    size_t left;
};
int crt_scan(struct source *source, const void *format, va_list arguments);

/* Decimal digits of a finite double, all of them: value = 0.DIGITS * 10^point. */
enum { MOST_DIGITS = 800 };
int crt_digits_of(uint64_t bits, char *digits, int *point);
int crt_round_digits(char *digits, int count, int keep, int *point);
double crt_parse_double(const void *text, int wide, size_t *used, int *range);
struct number_text {
    const char *digits;
    int count, point;
};
uint64_t crt_double_of(struct number_text text, int *range);

/* The value of a number's text. `used` is 0 if there is none; `overflow` if it does not fit 64 bits. */
struct integer {
    uint64_t value;
    int negative, overflow;
    size_t used;
};
struct integer crt_parse_integer(const void *text, int wide, int base);

time64 crt_time_of(const FILETIME *time);
FILETIME crt_filetime_of(time64 time);
struct tm *crt_break_down(time64 time, struct tm *tm);

/* C functions that the parts use of each other, by their standard declarations. */
int *_errno(void);
unsigned long *__doserrno(void);
#define errno (*_errno())
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *block, int value, size_t size);
size_t strlen(const char *text);
char *strcpy(char *to, const char *from);
char *strcat(char *to, const char *from);
char *strchr(const char *text, int unit);
char *strrchr(const char *text, int unit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t count);
int _stricmp(const char *a, const char *b);
int _strnicmp(const char *a, const char *b, size_t count);
char *_strdup(const char *text);
size_t wcslen(const wchar_t *text);
wchar_t *wcscpy(wchar_t *to, const wchar_t *from);
wchar_t *wcschr(const wchar_t *text, wchar_t unit);
int wcscmp(const wchar_t *a, const wchar_t *b);
int _wcsicmp(const wchar_t *a, const wchar_t *b);
int _wcsnicmp(const wchar_t *a, const wchar_t *b, size_t count);
wchar_t *_wcsdup(const wchar_t *text);
int isspace(int unit);
int isdigit(int unit);
int isalpha(int unit);
int tolower(int unit);
int toupper(int unit);
wchar_t towlower(wchar_t unit);
wchar_t towupper(wchar_t unit);
int iswspace(wchar_t unit);
void _lock(int lock);
void _unlock(int lock);
void _lock_file(FILE *file);
void _unlock_file(FILE *file);
int _read(int fd, void *buffer, unsigned size);
int _write(int fd, const void *buffer, unsigned size);
int _close(int fd);
int _isatty(int fd);
long _lseek(int fd, long offset, int from);
int64_t _lseeki64(int fd, int64_t offset, int from);
intptr_t _get_osfhandle(int fd);
int _commit(int fd);
int _filbuf(FILE *file);
int _flsbuf(int unit, FILE *file);
int fflush(FILE *file);
int fclose(FILE *file);
int fputs(const char *text, FILE *file);
int fprintf(FILE *file, const char *format, ...);
int _snprintf(char *buffer, size_t size, const char *format, ...);
int _flushall(void);
int fputc(int unit, FILE *file);
int fgetc(FILE *file);
int ungetc(int unit, FILE *file);
unsigned short fputwc(wchar_t unit, FILE *file);
unsigned short fgetwc(FILE *file);
unsigned short ungetwc(unsigned short unit, FILE *file);
char *getenv(const char *name);
char *_getcwd(char *path, int size);
int raise(int signal);
void _exit(int code) __attribute__((noreturn));
void exit(int code) __attribute__((noreturn));
void abort(void) __attribute__((noreturn));
char *strerror(int error);
char *_fullpath(char *full, const char *path, size_t size);

#endif
