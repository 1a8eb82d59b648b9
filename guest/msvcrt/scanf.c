/* The scanf functions: formatted input from streams and from memory, narrow and wide. */
#include "crt.h"

static int get_stream(struct source *source)
{
    return fgetc((FILE *)source->next);
}

static void unget_stream(struct source *source, int unit)
{
    ungetc(unit, (FILE *)source->next);
}

static int get_wide_stream(struct source *source)
{
    unsigned short unit = fgetwc((FILE *)source->next);
    return unit == 0xFFFF ? EOF : unit;
}

static void unget_wide_stream(struct source *source, int unit)
{
    ungetwc((unsigned short)unit, (FILE *)source->next);
}

static int get_memory(struct source *source)
{
    const unsigned char *next = source->next;
    if (!source->left || !*next)
        return EOF;
    source->left--;
    source->next = next + 1;
    return *next;
}

static int get_wide_memory(struct source *source)
{
    const wchar_t *next = source->next;
    if (!source->left || !*next)
        return EOF;
    source->left--;
    source->next = next + 1;
    return *next;
}

static void unget_memory(struct source *source, int unit)
{
    (void)unit;
    source->left++;
    source->next = (const char *)source->next - (source->wide ? 2 : 1);
}

static int scan_stream(FILE *file, const char *format, va_list arguments)
{
    struct source source = {get_stream, unget_stream, 0, file, 0};
    int result;
    _lock_file(file);
    result = crt_scan(&source, format, arguments);
    _unlock_file(file);
    return result;
}

static int scan_wide_stream(FILE *file, const wchar_t *format, va_list arguments)
{
    struct source source = {get_wide_stream, unget_wide_stream, 1, file, 0};
    int result;
    _lock_file(file);
    result = crt_scan(&source, format, arguments);
    _unlock_file(file);
    return result;
}

static int scan_memory(const char *text, size_t size, const char *format, va_list arguments)
{
    struct source source = {get_memory, unget_memory, 0, text, size};
    return crt_scan(&source, format, arguments);
}

static int scan_wide_memory(const wchar_t *text, size_t size, const wchar_t *format, va_list arguments)
{
    struct source source = {get_wide_memory, unget_memory, 1, text, size};
    return crt_scan(&source, format, arguments);
}

#define WITH_ARGUMENTS(call)                                                                                          \
    va_list arguments;                                                                                                \
    int result;                                                                                                       \
    va_start(arguments, format);                                                                                      \
    result = call;                                                                                                    \
    va_end(arguments);                                                                                                \
    return result

int scanf(const char *format, ...)
{
    WITH_ARGUMENTS(scan_stream(stdin, format, arguments));
}

int fscanf(FILE *file, const char *format, ...)
{
    WITH_ARGUMENTS(scan_stream(file, format, arguments));
}

int sscanf(const char *text, const char *format, ...)
{
    WITH_ARGUMENTS(scan_memory(text, (size_t)-1, format, arguments));
}

int _snscanf(const char *text, size_t size, const char *format, ...)
{
    WITH_ARGUMENTS(scan_memory(text, size, format, arguments));
}

int wscanf(const wchar_t *format, ...)
{
    WITH_ARGUMENTS(scan_wide_stream(stdin, format, arguments));
}

int fwscanf(FILE *file, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(scan_wide_stream(file, format, arguments));
}

int swscanf(const wchar_t *text, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(scan_wide_memory(text, (size_t)-1, format, arguments));
}

int _snwscanf(const wchar_t *text, size_t size, const wchar_t *format, ...)
{
    WITH_ARGUMENTS(scan_wide_memory(text, size, format, arguments));
}
