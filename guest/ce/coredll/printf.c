/* printf and wsprintf: flags, width, precision, d i u x X o c C s S p %, sizes h l w I64 ll. Floating point is not
 * there. A format is read as units of 16 bits or bytes by its function; %s is of the function's own width. */
#include "ce.h"

struct sink {
    void *to;
    size_t room; /* units, the end not counted */
    size_t written;
    int is_wide;
};

struct field {
    int is_left, is_zero, has_sign, has_blank, is_alternate;
    int width, precision; /* precision -1: none */
    int size;             /* 0 plain, 1 short, 2 long, 3 64 bits */
};

static unsigned unit_at(const void *text, size_t index, int is_wide)
{
    return is_wide ? ((LPCWSTR)text)[index] : ((const BYTE *)text)[index];
}

static void put(struct sink *sink, unsigned unit)
{
    if (sink->written < sink->room) {
        if (sink->is_wide)
            ((LPWSTR)sink->to)[sink->written] = (WCHAR)unit;
        else
            ((char *)sink->to)[sink->written] = (char)(unit < 256 ? unit : '?');
    }
    sink->written++;
}

static void pad(struct sink *sink, unsigned unit, int count)
{
    while (count-- > 0)
        put(sink, unit);
}

static void put_text(struct sink *sink, const struct field *field, const void *text, int is_wide)
{
    int length = 0;
    if (!text) {
        text = "(null)";
        is_wide = FALSE;
    }
    while ((field->precision < 0 || length < field->precision) && unit_at(text, (size_t)length, is_wide))
        length++;
    if (!field->is_left)
        pad(sink, ' ', field->width - length);
    for (int i = 0; i < length; i++)
        put(sink, unit_at(text, (size_t)i, is_wide));
    if (field->is_left)
        pad(sink, ' ', field->width - length);
}

static void put_number(struct sink *sink, const struct field *field, ULONGLONG value, const char *sign, unsigned base,
                       const char *digits)
{
    char text[24];
    int length = 0, zeros;
    do {
        text[length++] = digits[value % base];
        value /= base;
    } while (value > 0);
    int signs = (int)strlen(sign);
    zeros = field->precision - length;
    if (field->precision < 0 && field->is_zero && !field->is_left)
        zeros = field->width - signs - length;
    if (zeros < 0)
        zeros = 0;
    int padding = field->width - signs - zeros - length;
    if (!field->is_left)
        pad(sink, ' ', padding);
    for (int i = 0; i < signs; i++)
        put(sink, (BYTE)sign[i]);
    pad(sink, '0', zeros);
    while (length > 0)
        put(sink, (BYTE)text[--length]);
    if (field->is_left)
        pad(sink, ' ', padding);
}

static LONGLONG signed_argument(const struct field *field, va_list *arguments)
{
    if (field->size == 3)
        return va_arg(*arguments, LONGLONG);
    int value = va_arg(*arguments, int);
    return field->size == 1 ? (short)value : value;
}

static ULONGLONG unsigned_argument(const struct field *field, va_list *arguments)
{
    if (field->size == 3)
        return va_arg(*arguments, ULONGLONG);
    unsigned value = va_arg(*arguments, unsigned);
    return field->size == 1 ? (WORD)value : value;
}

static void put_signed(struct sink *sink, const struct field *field, va_list *arguments)
{
    LONGLONG value = signed_argument(field, arguments);
    const char *sign = value < 0 ? "-" : field->has_sign ? "+" : field->has_blank ? " " : "";
    put_number(sink, field, value < 0 ? 0 - (ULONGLONG)value : (ULONGLONG)value, sign, 10, "0123456789");
}

static void convert(struct sink *sink, struct field *field, unsigned letter, va_list *arguments)
{
    static const char small[] = "0123456789abcdef", capital[] = "0123456789ABCDEF";
    int is_other = letter == 'S' || letter == 'C';
    int is_wide = field->size == 1 ? FALSE : field->size == 2 ? TRUE : is_other ? !sink->is_wide : sink->is_wide;
    WCHAR one[2] = {0, 0};
    switch (letter) {
    case 'd':
    case 'i':
        return put_signed(sink, field, arguments);
    case 'u':
        return put_number(sink, field, unsigned_argument(field, arguments), "", 10, small);
    case 'o':
        return put_number(sink, field, unsigned_argument(field, arguments), field->is_alternate ? "0" : "", 8, small);
    case 'x':
        return put_number(sink, field, unsigned_argument(field, arguments), field->is_alternate ? "0x" : "", 16, small);
    case 'X':
        return put_number(sink, field, unsigned_argument(field, arguments), field->is_alternate ? "0X" : "", 16, capital);
    case 'p':
        field->precision = 8;
        return put_number(sink, field, va_arg(*arguments, DWORD), "", 16, capital);
    case 'c':
    case 'C':
        one[0] = (WCHAR)va_arg(*arguments, int);
        field->precision = 1;
        return put_text(sink, field, one, TRUE);
    case 's':
    case 'S':
        return put_text(sink, field, va_arg(*arguments, const void *), is_wide);
    default:
        put(sink, letter);
    }
}

static size_t flags(struct field *field, const void *format, size_t at, int is_wide)
{
    for (;; at++) {
        switch (unit_at(format, at, is_wide)) {
        case '-': field->is_left = TRUE; break;
        case '0': field->is_zero = TRUE; break;
        case '+': field->has_sign = TRUE; break;
        case ' ': field->has_blank = TRUE; break;
        case '#': field->is_alternate = TRUE; break;
        default: return at;
        }
    }
}

static size_t number(int *value, const void *format, size_t at, int is_wide, va_list *arguments)
{
    if (unit_at(format, at, is_wide) == '*') {
        *value = va_arg(*arguments, int);
        return at + 1;
    }
    for (*value = 0; unit_at(format, at, is_wide) >= '0' && unit_at(format, at, is_wide) <= '9'; at++)
        *value = *value * 10 + (int)unit_at(format, at, is_wide) - '0';
    return at;
}

static size_t size_of(struct field *field, const void *format, size_t at, int is_wide)
{
    unsigned first = unit_at(format, at, is_wide), second = first ? unit_at(format, at + 1, is_wide) : 0;
    if (first == 'I' && second == '6' && unit_at(format, at + 2, is_wide) == '4') {
        field->size = 3;
        return at + 3;
    }
    if (first == 'l' && second == 'l') {
        field->size = 3;
        return at + 2;
    }
    if (first == 'h' || first == 'l' || first == 'w') {
        field->size = first == 'h' ? 1 : 2;
        return at + 1;
    }
    return at;
}

static void format_all(struct sink *sink, const void *format, int is_wide, va_list arguments)
{
    va_list rest;
    va_copy(rest, arguments);
    for (size_t at = 0; unit_at(format, at, is_wide); at++) {
        struct field field = {0, 0, 0, 0, 0, 0, -1, 0};
        if (unit_at(format, at, is_wide) != '%') {
            put(sink, unit_at(format, at, is_wide));
            continue;
        }
        at = flags(&field, format, at + 1, is_wide);
        at = number(&field.width, format, at, is_wide, &rest);
        if (field.width < 0) {
            field.is_left = TRUE;
            field.width = -field.width;
        }
        if (unit_at(format, at, is_wide) == '.')
            at = number(&field.precision, format, at + 1, is_wide, &rest);
        at = size_of(&field, format, at, is_wide);
        if (!unit_at(format, at, is_wide))
            break;
        convert(sink, &field, unit_at(format, at, is_wide), &rest);
    }
    va_end(rest);
}

/* Units written, without the end; -1 when they did not fit. */
static int finish(struct sink *sink)
{
    size_t end = sink->written < sink->room ? sink->written : sink->room;
    if (sink->is_wide)
        ((LPWSTR)sink->to)[end] = 0;
    else
        ((char *)sink->to)[end] = 0;
    return sink->written <= sink->room ? (int)sink->written : -1;
}

int _vsnwprintf(LPWSTR to, size_t size, LPCWSTR format, va_list arguments)
{
    if (size == 0)
        return -1;
    struct sink sink = {to, size - 1, 0, TRUE};
    format_all(&sink, format, TRUE, arguments);
    return finish(&sink);
}

int _vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    if (size == 0)
        return -1;
    struct sink sink = {to, size - 1, 0, FALSE};
    format_all(&sink, format, FALSE, arguments);
    return finish(&sink);
}

/* wsprintf writes 1024 units at most. */
int wvsprintfW(LPWSTR to, LPCWSTR format, va_list arguments)
{
    return _vsnwprintf(to, 1024, format, arguments);
}

#define WITH_ARGUMENTS(call)          \
    va_list arguments;                \
    va_start(arguments, format);      \
    int result = call;                \
    va_end(arguments);                \
    return result

int wsprintfW(LPWSTR to, LPCWSTR format, ...)
{
    WITH_ARGUMENTS(wvsprintfW(to, format, arguments));
}

int _snwprintf(LPWSTR to, size_t size, LPCWSTR format, ...)
{
    WITH_ARGUMENTS(_vsnwprintf(to, size, format, arguments));
}

int swprintf(LPWSTR to, LPCWSTR format, ...)
{
    WITH_ARGUMENTS(_vsnwprintf(to, 0x7fffffff, format, arguments));
}

int sprintf(char *to, const char *format, ...)
{
    WITH_ARGUMENTS(_vsnprintf(to, 0x7fffffff, format, arguments));
}

int _snprintf(char *to, size_t size, const char *format, ...)
{
    WITH_ARGUMENTS(_vsnprintf(to, size, format, arguments));
}

enum { LINE = 512 };

void CoreDbgPrintV(LPCWSTR format, va_list arguments)
{
    WCHAR line[LINE];
    _vsnwprintf(line, LINE, format, arguments);
    OutputDebugStringW(line);
}

void CoreDbgPrintf(LPCWSTR format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    CoreDbgPrintV(format, arguments);
    va_end(arguments);
}

/* There is no console: standard output is the debug output. */
int wprintf(LPCWSTR format, ...)
{
    WCHAR line[LINE];
    va_list arguments;
    va_start(arguments, format);
    int result = _vsnwprintf(line, LINE, format, arguments);
    va_end(arguments);
    OutputDebugStringW(line);
    return result;
}

int printf(const char *format, ...)
{
    WCHAR line[LINE];
    struct sink sink = {line, LINE - 1, 0, FALSE};
    char text[LINE];
    va_list arguments;
    sink.to = text;
    va_start(arguments, format);
    format_all(&sink, format, FALSE, arguments);
    va_end(arguments);
    int result = finish(&sink);
    mbstowcs(line, text, LINE);
    OutputDebugStringW(line);
    return result;
}

int puts(const char *text)
{
    return printf("%s\n", text);
}
