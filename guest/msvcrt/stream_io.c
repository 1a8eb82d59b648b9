/* Reading and writing streams by bytes, lines and blocks, narrow and wide. */
#include "crt.h"

static int get(FILE *file)
{
    return --file->count >= 0 ? (unsigned char)*file->ptr++ : _filbuf(file);
}

static int put(int unit, FILE *file)
{
    return --file->count >= 0 ? (unsigned char)(*file->ptr++ = (char)unit) : _flsbuf(unit, file);
}

int fgetc(FILE *file)
{
    int unit;
    _lock_file(file);
    unit = get(file);
    _unlock_file(file);
    return unit;
}

int getc(FILE *file)
{
    return fgetc(file);
}

int getchar(void)
{
    return fgetc(stdin);
}

int _fgetchar(void)
{
    return fgetc(stdin);
}

int fputc(int unit, FILE *file)
{
    _lock_file(file);
    unit = put(unit, file);
    _unlock_file(file);
    return unit;
}

int putc(int unit, FILE *file)
{
    return fputc(unit, file);
}

int putchar(int unit)
{
    return fputc(unit, stdout);
}

int _fputchar(int unit)
{
    return fputc(unit, stdout);
}

static int unget(int unit, FILE *file)
{
    if (unit == EOF || (file->flags & STREAM_STRING) ||
        !(file->flags & STREAM_READ || (file->flags & STREAM_BOTH && !(file->flags & STREAM_WRITE))))
        return EOF;
    crt_get_buffer(file);
    if (file->ptr == file->base) {
        if (file->count > 0)
            return EOF;
        file->ptr++;
    }
    *--file->ptr = (char)unit;
    file->count = file->count < 0 ? 1 : file->count + 1;
    file->flags = (file->flags & ~STREAM_EOF) | STREAM_READ;
    return (unsigned char)unit;
}

int ungetc(int unit, FILE *file)
{
    _lock_file(file);
    unit = unget(unit, file);
    _unlock_file(file);
    return unit;
}

/* Returns how many bytes did not get out: 0 if all went well. */
size_t crt_write_stream(FILE *file, const void *data, size_t size)
{
    const char *from = data;
    while (size) {
        if (file->count > 0) {
            size_t part = (size_t)file->count < size ? (size_t)file->count : size;
            memcpy(file->ptr, from, part);
            file->ptr += part;
            file->count -= (int)part;
            from += part;
            size -= part;
        } else if (file->base && file->flags & STREAM_WRITE && !(file->flags & STREAM_UNBUFFERED) &&
                   size >= (size_t)file->size) {
            /* Whole buffers go out without being copied. */
            int part = (int)(size - size % (size_t)file->size);
            if (fflush(file) || (file->flags |= STREAM_WRITE, _write(file->fd, from, (unsigned)part) != part)) {
                file->flags |= STREAM_ERROR;
                return size;
            }
            from += part;
            size -= (size_t)part;
        } else {
            if (_flsbuf(*from, file) == EOF)
                return size;
            from++;
            size--;
        }
    }
    return 0;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
    size_t left, total;
    int burst;
    if (!size || !count)
        return 0;
    total = size * count;
    _lock_file(file);
    burst = crt_begin_burst(file);
    left = crt_write_stream(file, data, total);
    crt_end_burst(file, burst);
    _unlock_file(file);
    return (total - left) / size;
}

static size_t read_stream(FILE *file, char *to, size_t size)
{
    size_t left = size;
    while (left) {
        if (file->count > 0) {
            size_t part = (size_t)file->count < left ? (size_t)file->count : left;
            memcpy(to, file->ptr, part);
            file->ptr += part;
            file->count -= (int)part;
            to += part;
            left -= part;
        } else if (file->base && left >= (size_t)file->size && file->flags & STREAM_READ &&
                   !(file->flags & (STREAM_UNBUFFERED | STREAM_WRITE))) {
            unsigned part = (unsigned)(left - left % (size_t)file->size);
            int got = _read(file->fd, to, part);
            file->ptr = file->base;
            file->count = 0;
            if (got <= 0) {
                file->flags |= got ? STREAM_ERROR : STREAM_EOF;
                break;
            }
            to += got;
            left -= (size_t)got;
        } else {
            int unit = _filbuf(file);
            if (unit == EOF)
                break;
            *to++ = (char)unit;
            left--;
        }
    }
    return size - left;
}

size_t fread(void *data, size_t size, size_t count, FILE *file)
{
    size_t got;
    if (!size || !count)
        return 0;
    _lock_file(file);
    got = read_stream(file, data, size * count);
    _unlock_file(file);
    return got / size;
}

char *fgets(char *line, int size, FILE *file)
{
    char *place = line;
    int unit = 0;
    if (size <= 0)
        return 0;
    _lock_file(file);
    while (--size > 0 && (unit = get(file)) != EOF)
        if ((*place++ = (char)unit) == '\n')
            break;
    _unlock_file(file);
    if (unit == EOF && place == line)
        return 0;
    *place = 0;
    return line;
}

char *gets(char *line)
{
    char *place = line;
    int unit;
    _lock_file(stdin);
    while ((unit = get(stdin)) != EOF && unit != '\n')
        *place++ = (char)unit;
    _unlock_file(stdin);
    if (unit == EOF && place == line)
        return 0;
    *place = 0;
    return line;
}

int fputs(const char *text, FILE *file)
{
    int burst, failed;
    _lock_file(file);
    burst = crt_begin_burst(file);
    failed = 0 != crt_write_stream(file, text, strlen(text));
    crt_end_burst(file, burst);
    _unlock_file(file);
    return failed ? EOF : 0;
}

int puts(const char *text)
{
    int burst, failed;
    _lock_file(stdout);
    burst = crt_begin_burst(stdout);
    failed = crt_write_stream(stdout, text, strlen(text)) || put('\n', stdout) == EOF;
    crt_end_burst(stdout, burst);
    _unlock_file(stdout);
    return failed ? EOF : 0;
}

int _getw(FILE *file)
{
    int value;
    return fread(&value, sizeof value, 1, file) == 1 ? value : EOF;
}

int _putw(int value, FILE *file)
{
    return fwrite(&value, sizeof value, 1, file) == 1 ? value : EOF;
}

/* Wide streams: a text file holds narrow characters, a binary file the units themselves. */
enum { WEOF = 0xFFFF };

static unsigned short get_wide(FILE *file)
{
    int low = get(file), high;
    if (low == EOF || crt_is_text(file->fd))
        return (unsigned short)low;
    high = get(file);
    return high == EOF ? WEOF : (unsigned short)(low | high << 8);
}

static unsigned short put_wide(wchar_t unit, FILE *file)
{
    if (!crt_is_text(file->fd))
        return put(unit & 0xFF, file) == EOF || put(unit >> 8, file) == EOF ? WEOF : unit;
    if (unit > 255) {
        errno = EILSEQ;
        return WEOF;
    }
    return put(unit, file) == EOF ? WEOF : unit;
}

unsigned short fgetwc(FILE *file)
{
    unsigned short unit;
    _lock_file(file);
    unit = get_wide(file);
    _unlock_file(file);
    return unit;
}

unsigned short getwc(FILE *file)
{
    return fgetwc(file);
}

unsigned short getwchar(void)
{
    return fgetwc(stdin);
}

unsigned short _fgetwchar(void)
{
    return fgetwc(stdin);
}

unsigned short fputwc(wchar_t unit, FILE *file)
{
    unsigned short result;
    _lock_file(file);
    result = put_wide(unit, file);
    _unlock_file(file);
    return result;
}

unsigned short putwc(wchar_t unit, FILE *file)
{
    return fputwc(unit, file);
}

unsigned short putwchar(wchar_t unit)
{
    return fputwc(unit, stdout);
}

unsigned short _fputwchar(wchar_t unit)
{
    return fputwc(unit, stdout);
}

unsigned short ungetwc(unsigned short unit, FILE *file)
{
    if (unit == WEOF)
        return WEOF;
    _lock_file(file);
    if (crt_is_text(file->fd))
        unit = unit > 255 || unget(unit, file) == EOF ? WEOF : unit;
    else
        unit = unget(unit >> 8, file) == EOF || unget(unit & 0xFF, file) == EOF ? WEOF : unit;
    _unlock_file(file);
    return unit;
}

wchar_t *fgetws(wchar_t *line, int size, FILE *file)
{
    wchar_t *place = line;
    unsigned short unit = 0;
    if (size <= 0)
        return 0;
    _lock_file(file);
    while (--size > 0 && (unit = get_wide(file)) != WEOF)
        if ((*place++ = unit) == '\n')
            break;
    _unlock_file(file);
    if (unit == WEOF && place == line)
        return 0;
    *place = 0;
    return line;
}

wchar_t *_getws(wchar_t *line)
{
    wchar_t *place = line;
    unsigned short unit;
    while ((unit = fgetwc(stdin)) != WEOF && unit != '\n')
        *place++ = unit;
    if (unit == WEOF && place == line)
        return 0;
    *place = 0;
    return line;
}

int fputws(const wchar_t *text, FILE *file)
{
    int burst, failed = 0;
    _lock_file(file);
    burst = crt_begin_burst(file);
    for (; *text && !failed; text++)
        failed = put_wide(*text, file) == WEOF;
    crt_end_burst(file, burst);
    _unlock_file(file);
    return failed ? EOF : 0;
}

int _putws(const wchar_t *text)
{
    return fputws(text, stdout) == EOF || fputwc('\n', stdout) == WEOF ? EOF : 0;
}
