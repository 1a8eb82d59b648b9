/* printf for integers, characters and strings, narrow and wide: what ntdll and its callers write. */

#include "ntdll.h"

typedef struct {
    void *buffer;
    size_t size, length;
    BOOL is_wide;
} Output;

typedef struct {
    BOOL left, zero, plus, space, alternate, is_short, is_long, is_wide64;
    int width, precision;
} Directive;

static void Put(Output *out, unsigned character)
{
    if (out->length < out->size && out->is_wide)
        ((wchar_t *)out->buffer)[out->length] = (wchar_t)character;
    else if (out->length < out->size)
        ((char *)out->buffer)[out->length] = (char)character;
    out->length++;
}

static void Fill(Output *out, unsigned character, int count)
{
    while (count-- > 0)
        Put(out, character);
}

static void PutText(Output *out, const void *text, BOOL is_wide, int length, const Directive *how)
{
    if (!how->left)
        Fill(out, ' ', how->width - length);
    for (int index = 0; index < length; index++)
        Put(out, is_wide ? ((const wchar_t *)text)[index] : ((const unsigned char *)text)[index]);
    if (how->left)
        Fill(out, ' ', how->width - length);
}

static void PutString(Output *out, const void *text, BOOL is_wide, const Directive *how)
{
    int length = 0;
    if (text == NULL) {
        text = "(null)";
        is_wide = FALSE;
    }
    while ((how->precision < 0 || length < how->precision) &&
           (is_wide ? ((const wchar_t *)text)[length] != 0 : ((const char *)text)[length] != 0))
        length++;
    PutText(out, text, is_wide, length, how);
}

static void PutNumber(Output *out, unsigned long long value, unsigned base, BOOL upper, char sign, const Directive *how)
{
    char digits[24], *at = digits + sizeof digits;
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    BOOL has_prefix = how->alternate && base == 16 && value != 0;
    for (; value != 0; value /= base)
        *--at = set[value % base];
    int length = (int)(digits + sizeof digits - at), least = how->precision < 0 ? 1 : how->precision;
    int extra = (sign != 0) + (has_prefix ? 2 : 0), zeros = length < least ? least - length : 0;
    if (how->zero && !how->left && how->precision < 0 && how->width > length + zeros + extra)
        zeros = how->width - length - extra;
    if (!how->left)
        Fill(out, ' ', how->width - length - zeros - extra);
    if (sign != 0)
        Put(out, (unsigned char)sign);
    if (has_prefix) {
        Put(out, '0');
        Put(out, upper ? 'X' : 'x');
    }
    Fill(out, '0', zeros);
    for (int index = 0; index < length; index++)
        Put(out, (unsigned char)at[index]);
    if (how->left)
        Fill(out, ' ', how->width - length - zeros - extra);
}

static unsigned At(const void *format, size_t index, BOOL is_wide)
{
    return is_wide ? ((const wchar_t *)format)[index] : ((const unsigned char *)format)[index];
}

static size_t ReadFlags(const void *format, size_t at, BOOL is_wide, Directive *how)
{
    for (;; at++) {
        switch (At(format, at, is_wide)) {
        case '-': how->left = TRUE; break;
        case '0': how->zero = TRUE; break;
        case '+': how->plus = TRUE; break;
        case ' ': how->space = TRUE; break;
        case '#': how->alternate = TRUE; break;
        default: return at;
        }
    }
}

static size_t ReadCount(const void *format, size_t at, BOOL is_wide, int *count, __builtin_va_list *arguments)
{
    if (At(format, at, is_wide) == '*') {
        *count = __builtin_va_arg(*arguments, int);
        return at + 1;
    }
    for (*count = 0; At(format, at, is_wide) - '0' <= 9 && *count < 100000; at++)
        *count = *count * 10 + (int)(At(format, at, is_wide) - '0');
    return at;
}

/* h, l, ll, w and Microsoft's I64. */
static size_t ReadSize(const void *format, size_t at, BOOL is_wide, Directive *how)
{
    for (;; at++) {
        unsigned character = At(format, at, is_wide);
        if (character == 'h')
            how->is_short = TRUE;
        else if (character == 'l' && how->is_long)
            how->is_wide64 = TRUE;
        else if (character == 'l' || character == 'w')
            how->is_long = TRUE;
        else if (character == 'I' && At(format, at + 1, is_wide) == '6' && At(format, at + 2, is_wide) == '4') {
            how->is_wide64 = TRUE;
            at += 2;
        } else
            return at;
    }
}

static void PutSigned(Output *out, const Directive *how, __builtin_va_list *arguments)
{
    long long value = how->is_wide64 ? __builtin_va_arg(*arguments, long long) : __builtin_va_arg(*arguments, int);
    if (how->is_short && !how->is_wide64)
        value = (short)value;
    char sign = value < 0 ? '-' : how->plus ? '+' : how->space ? ' ' : 0;
    PutNumber(out, value < 0 ? -(unsigned long long)value : (unsigned long long)value, 10, FALSE, sign, how);
}

static void PutUnsigned(Output *out, unsigned base, BOOL upper, const Directive *how, __builtin_va_list *arguments)
{
    unsigned long long value =
        how->is_wide64 ? __builtin_va_arg(*arguments, unsigned long long) : __builtin_va_arg(*arguments, unsigned);
    if (how->is_short && !how->is_wide64)
        value = (unsigned short)value;
    PutNumber(out, value, base, upper, 0, how);
}

static void PutCharacter(Output *out, BOOL is_wide, const Directive *how, __builtin_va_list *arguments)
{
    wchar_t character = (wchar_t)__builtin_va_arg(*arguments, int);
    if (!is_wide)
        character &= 0xff;
    PutText(out, &character, TRUE, 1, how);
}

static void PutDirective(Output *out, unsigned kind, Directive *how, __builtin_va_list *arguments)
{
    BOOL is_wide = how->is_long || (out->is_wide && !how->is_short);
    BOOL is_other = how->is_long || (!out->is_wide && !how->is_short);
    switch (kind) {
    case 'd': case 'i': PutSigned(out, how, arguments); break;
    case 'u': PutUnsigned(out, 10, FALSE, how, arguments); break;
    case 'o': PutUnsigned(out, 8, FALSE, how, arguments); break;
    case 'x': PutUnsigned(out, 16, FALSE, how, arguments); break;
    case 'X': PutUnsigned(out, 16, TRUE, how, arguments); break;
    case 'p':
        how->precision = 8;
        PutUnsigned(out, 16, TRUE, how, arguments);
        break;
    case 's': PutString(out, __builtin_va_arg(*arguments, void *), is_wide, how); break;
    case 'S': PutString(out, __builtin_va_arg(*arguments, void *), is_other, how); break;
    case 'c': PutCharacter(out, is_wide, how, arguments); break;
    case 'C': PutCharacter(out, is_other, how, arguments); break;
    case 'Z': {
        const STRING *string = __builtin_va_arg(*arguments, const STRING *);
        PutText(out, string->Buffer, is_wide, is_wide ? string->Length / 2 : string->Length, how);
        break;
    }
    default: Put(out, kind); break;
    }
}

static int Format(Output *out, const void *format, __builtin_va_list *arguments)
{
    size_t at = 0;
    for (unsigned character; (character = At(format, at, out->is_wide)) != 0; at++) {
        Directive how = {.precision = -1};
        if (character != '%') {
            Put(out, character);
            continue;
        }
        at = ReadFlags(format, at + 1, out->is_wide, &how);
        at = ReadCount(format, at, out->is_wide, &how.width, arguments);
        if (how.width < 0) {
            how.left = TRUE;
            how.width = -how.width;
        }
        if (At(format, at, out->is_wide) == '.')
            at = ReadCount(format, at + 1, out->is_wide, &how.precision, arguments);
        at = ReadSize(format, at, out->is_wide, &how);
        if ((character = At(format, at, out->is_wide)) == 0)
            break;
        PutDirective(out, character, &how, arguments);
    }
    size_t length = out->length;
    if (length < out->size)
        Put(out, 0);
    return length > out->size ? -1 : (int)length;
}

/* As Microsoft's: -1 when it does not fit, and no terminator when it just fits. */
int __cdecl _vsnprintf(char *buffer, size_t size, const char *format, __builtin_va_list arguments)
{
    Output out = {buffer, size, 0, FALSE};
    __builtin_va_list copy;
    __builtin_va_copy(copy, arguments);
    return Format(&out, format, &copy);
}

int __cdecl _vsnwprintf(wchar_t *buffer, size_t size, const wchar_t *format, __builtin_va_list arguments)
{
    Output out = {buffer, size, 0, TRUE};
    __builtin_va_list copy;
    __builtin_va_copy(copy, arguments);
    return Format(&out, format, &copy);
}

int __cdecl _snprintf(char *buffer, size_t size, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    return _vsnprintf(buffer, size, format, arguments);
}

int __cdecl _snwprintf(wchar_t *buffer, size_t size, const wchar_t *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    return _vsnwprintf(buffer, size, format, arguments);
}

int __cdecl vsprintf(char *buffer, const char *format, __builtin_va_list arguments)
{
    return _vsnprintf(buffer, 0x7fffffff, format, arguments);
}

int __cdecl sprintf(char *buffer, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    return vsprintf(buffer, format, arguments);
}

int __cdecl swprintf(wchar_t *buffer, const wchar_t *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    return _vsnwprintf(buffer, 0x3fffffff, format, arguments);
}

#define DBG_PRINTEXCEPTION 0x40010006

/* What a program tells its debugger travels as an exception that nobody else has to handle: length and text. */
ULONG __cdecl DbgPrint(PCSTR format, ...)
{
    char text[512];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    int length = _vsnprintf(text, sizeof text, format, arguments);
    if (length < 0 || length == sizeof text)
        text[sizeof text - 1] = 0;
    if (!CurrentPeb()->BeingDebugged)
        return STATUS_SUCCESS;
    EXCEPTION_RECORD record = {.ExceptionCode = DBG_PRINTEXCEPTION, .NumberParameters = 2};
    record.ExceptionInformation[0] = strlen(text) + 1;
    record.ExceptionInformation[1] = (ULONG_PTR)text;
    RtlRaiseException(&record);
    return STATUS_SUCCESS;
}
