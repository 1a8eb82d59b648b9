/* The printf functions: formatted output to streams and to memory, narrow and wide. */
#include "crt.h"

static int put_stream(struct sink *sink, unsigned unit)
{
    FILE *file = sink->next;
    if (--file->count >= 0) {
        *file->ptr++ = (char)unit;
        return 0;
    }
    return _flsbuf((int)unit, file) == EOF ? -1 : 0;
}

static int put_wide_stream(struct sink *sink, unsigned unit)
{
    return fputwc((wchar_t)unit, sink->next) == 0xFFFF ? -1 : 0;
}

int vfprintf(FILE *file, const char *format, va_list arguments)
{
    struct sink sink = {put_stream, 0, file, 0};
    int burst, result;
    _lock_file(file);
    burst = crt_begin_burst(file);
    result = crt_format(&sink, format, arguments);
    crt_end_burst(file, burst);
    _unlock_file(file);
    return result;
}

int vfwprintf(FILE *file, const wchar_t *format, va_list arguments)
{
    struct sink sink = {put_wide_stream, 1, file, 0};
    int burst, result;
    _lock_file(file);
    burst = crt_begin_burst(file);
    result = crt_format(&sink, format, arguments);
    crt_end_burst(file, burst);
    _unlock_file(file);
    return result;
}

static int put_memory(struct sink *sink, unsigned unit)
{
    char *next = sink->next;
    if (!sink->left)
        return -1;
    sink->left--;
    *next = (char)unit;
    sink->next = next + 1;
    return 0;
}

static int put_wide_memory(struct sink *sink, unsigned unit)
{
    wchar_t *next = sink->next;
    if (!sink->left)
        return -1;
    sink->left--;
    *next = (wchar_t)unit;
    sink->next = next + 1;
    return 0;
}

static int put_nowhere(struct sink *sink, unsigned unit)
{
    (void)sink;
    (void)unit;
    return 0;
}

/* Microsoft's rule: -1 if it does not fit, and no end mark if it just fits. Without a buffer, only the length. */
int _vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct sink sink = {buffer || size ? put_memory : put_nowhere, 0, buffer, size};
    int result = crt_format(&sink, format, arguments);
    if (sink.left)
        *(char *)sink.next = 0;
    return result;
}

int _vsnwprintf(wchar_t *buffer, size_t size, const wchar_t *format, va_list arguments)
{
    struct sink sink = {buffer || size ? put_wide_memory : put_nowhere, 1, buffer, size};
    int result = crt_format(&sink, format, arguments);
    if (sink.left)
        *(wchar_t *)sink.next = 0;
    return result;
}

int vsprintf(char *buffer, const char *format, va_list arguments)
{
    return _vsnprintf(buffer, (size_t)-1, format, arguments);
}

/* msvcrt's vswprintf has no size: that is the older form. */
int vswprintf(wchar_t *buffer, const wchar_t *format, va_list arguments)
{
    return _vsnwprintf(buffer, (size_t)-1, format, arguments);
}

int _vscprintf(const char *format, va_list arguments)
{
    struct sink sink = {put_nowhere, 0, 0, 0};
    return crt_format(&sink, format, arguments);
}

int _vscwprintf(const wchar_t *format, va_list arguments)
{
    struct sink sink = {put_nowhere, 1, 0, 0};
    return crt_format(&sink, format, arguments);
}

int vprintf(const char *format, va_list arguments)
{
    return vfprintf(stdout, format, arguments);
}

int vwprintf(const wchar_t *format, va_list arguments)
{
    return vfwprintf(stdout, format, arguments);
}

#define WITH_ARGUMENTS(call)                                                                                          \
    va_list arguments;                                                                                                \
    int result;                                                                                                       \
    va_start(arguments, format);                                                                                      \
    result = call;                                                                                                    \
    va_end(arguments);                                                                                                \
    return result

int printf(const char *format, ...)
{
    WITH_ARGUMENTS(vfprintf(stdout, format, arguments));
}

int wprintf(const wchar_t *format, ...)
{
    WITH_ARGUMENTS(vfwprintf(stdout, format, arguments));
}

int fprintf(FILE *file, const char *format, ...)
{
    WITH_ARGUMENTS(vfprintf(file, format, arguments));
}

int fwprintf(FILE *file, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(vfwprintf(file, format, arguments));
}

int sprintf(char *buffer, const char *format, ...)
{
    WITH_ARGUMENTS(vsprintf(buffer, format, arguments));
}

int swprintf(wchar_t *buffer, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(vswprintf(buffer, format, arguments));
}

int _snprintf(char *buffer, size_t size, const char *format, ...)
{
    WITH_ARGUMENTS(_vsnprintf(buffer, size, format, arguments));
}

int _snwprintf(wchar_t *buffer, size_t size, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(_vsnwprintf(buffer, size, format, arguments));
}

int _scprintf(const char *format, ...)
{
    WITH_ARGUMENTS(_vscprintf(format, arguments));
}

int _scwprintf(const wchar_t *format, ...)
{
    WITH_ARGUMENTS(_vscwprintf(format, arguments));
}
