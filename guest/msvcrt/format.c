/* printf's formats by Microsoft's rules: sizes h l I32 I64 w, %S and %C for text of the other width, three digits of
 * exponent, "1.#INF" and its kin, and halves rounded away from zero. */
#include "crt.h"

enum { MINUS = 1, PLUS = 2, SPACE = 4, ZERO = 8, ALTERNATE = 0x10 };
enum size { PLAIN, SHORT, LONG, BITS64, WIDE };

struct format {
    struct sink *sink;
    va_list *arguments;
    int flags, width, precision; /* precision is -1 if not given */
    enum size size;
    int written; /* units so far; -1 after a failure */
};

static void emit(struct format *format, unsigned unit)
{
    if (format->written < 0)
        return;
    format->written = format->sink->put(format->sink, unit) < 0 ? -1 : format->written + 1;
}

static void fill(struct format *format, unsigned unit, int count)
{
    while (count-- > 0 && format->written >= 0)
        emit(format, unit);
}

/* What stands in a field: a sign or 0x, zeros, then text and zeros by the callback's hand. */
struct field {
    const char *prefix;
    int prefix_length, length;
};

static void begin(struct format *format, struct field field)
{
    int padding = format->width - field.prefix_length - field.length;
    if (!(format->flags & (MINUS | ZERO)))
        fill(format, ' ', padding);
    for (int i = 0; i < field.prefix_length; i++)
        emit(format, (unsigned char)field.prefix[i]);
    if ((format->flags & (MINUS | ZERO)) == ZERO)
        fill(format, '0', padding);
}

static void end(struct format *format, struct field field)
{
    if (format->flags & MINUS)
        fill(format, ' ', format->width - field.prefix_length - field.length);
}

/* Text of either width into a sink of either width. In the C locale a wide unit over 255 has no narrow form. */
static void put_text(struct format *format, const void *text, int wide, int length)
{
    struct field field = {"", 0, length};
    begin(format, field);
    for (int i = 0; i < length; i++) {
        unsigned unit = crt_at(text, wide, (size_t)i);
        if (!format->sink->wide && unit > 255) {
            errno = EILSEQ;
            format->written = -1;
            return;
        }
        emit(format, unit);
    }
    end(format, field);
}

/* Whether the argument of a text conversion is wide: h and l say so; else the letter's case and the function. */
static int argument_is_wide(const struct format *format, unsigned letter)
{
    if (format->size == SHORT)
        return 0;
    if (format->size == LONG || format->size == WIDE)
        return 1;
    return format->sink->wide ? (letter | 32) == letter : (letter | 32) != letter;
}

static void put_string(struct format *format, unsigned letter)
{
    const void *text = va_arg(*format->arguments, const void *);
    int wide = argument_is_wide(format, letter), length = 0;
    if (!text) {
        text = "(null)";
        wide = 0;
    }
    while ((format->precision < 0 || length < format->precision) && crt_at(text, wide, (size_t)length))
        length++;
    put_text(format, text, wide, length);
}

static void put_unit(struct format *format, unsigned letter)
{
    int wide = argument_is_wide(format, letter);
    wchar_t unit = (wchar_t)va_arg(*format->arguments, int);
    if (!wide)
        unit &= 0xFF;
    put_text(format, &unit, 1, 1);
}

/* %Z: a counted string, ANSI or (with w or l) Unicode. */
static void put_counted(struct format *format)
{
    const struct {
        unsigned short length, room;
        const void *text;
    } *counted = va_arg(*format->arguments, const void *);
    int wide = format->size == LONG || format->size == WIDE;
    if (!counted || !counted->text)
        put_text(format, "(null)", 0, 6);
    else
        put_text(format, counted->text, wide, wide ? counted->length / 2 : counted->length);
}

static uint64_t integer_argument(struct format *format, int is_signed)
{
    if (format->size == BITS64)
        return va_arg(*format->arguments, uint64_t);
    if (format->size == SHORT) {
        int value = va_arg(*format->arguments, int);
        return is_signed ? (uint64_t)(int64_t)(short)value : (unsigned short)value;
    }
    if (is_signed)
        return (uint64_t)(int64_t)va_arg(*format->arguments, int);
    return va_arg(*format->arguments, unsigned);
}

static void put_digits(struct format *format, uint64_t value, unsigned base, int upper, struct field field)
{
    char digits[24];
    int count = 0, zeros;
    const char *letters = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value; value /= base)
        digits[count++] = letters[value % base];
    if (format->precision >= 0)
        format->flags &= ~ZERO;
    zeros = (format->precision < 0 ? 1 : format->precision) - count;
    if (zeros < 0)
        zeros = 0;
    if (base == 8 && format->flags & ALTERNATE && !zeros)
        zeros = 1;
    field.length = zeros + count;
    begin(format, field);
    fill(format, '0', zeros);
    while (count)
        emit(format, (unsigned char)digits[--count]);
    end(format, field);
}

static struct field sign_of(const struct format *format, int negative)
{
    if (negative)
        return (struct field){"-", 1, 0};
    if (format->flags & PLUS)
        return (struct field){"+", 1, 0};
    return (struct field){" ", (format->flags & SPACE) != 0, 0};
}

static void put_integer(struct format *format, unsigned letter)
{
    int is_signed = letter == 'd' || letter == 'i', negative;
    uint64_t value = integer_argument(format, is_signed);
    if (is_signed) {
        negative = (int64_t)value < 0;
        put_digits(format, negative ? 0 - value : value, 10, 0, sign_of(format, negative));
    } else if ((letter | 32) == 'x') {
        struct field field = {letter == 'X' ? "0X" : "0x", value && format->flags & ALTERNATE ? 2 : 0, 0};
        put_digits(format, value, 16, letter == 'X', field);
    } else {
        put_digits(format, value, letter == 'o' ? 8 : 10, 0, (struct field){"", 0, 0});
    }
}

static void put_pointer(struct format *format)
{
    uintptr_t value = va_arg(*format->arguments, uintptr_t);
    format->precision = (int)sizeof(void *) * 2;
    put_digits(format, value, 16, 1, (struct field){"0X", format->flags & ALTERNATE && value ? 2 : 0, 0});
}

/* A double in digits: value = 0.DIGITS * 10^point. What is no number has "digits" too, and is rounded like one:
 * that is how "1.#J" comes about. */
struct digits {
    char text[MOST_DIGITS];
    int count, point, negative;
};

static void take_digits(struct digits *digits, uint64_t bits)
{
    const char *name;
    digits->negative = (int)(bits >> 63);
    bits &= ~(1ull << 63);
    if (bits < 0x7FFull << 52) {
        digits->count = crt_digits_of(bits, digits->text, &digits->point);
        return;
    }
    if (bits == 0x7FFull << 52)
        name = "1#INF";
    else if (!(bits >> 51 & 1))
        name = "1#SNAN";
    else if (digits->negative && bits == 0xFFFull << 51)
        name = "1#IND";
    else
        name = "1#QNAN";
    digits->point = 1;
    digits->count = (int)strlen(name);
    memcpy(digits->text, name, (size_t)digits->count);
}

static unsigned digit_at(const struct digits *digits, int i)
{
    return i >= 0 && i < digits->count ? (unsigned char)digits->text[i] : '0';
}

/* `before` digits from index `from`, a point, then `behind` more. */
static void emit_digits(struct format *format, const struct digits *digits, int from, int before, int behind)
{
    for (int i = 0; i < before; i++)
        emit(format, digit_at(digits, from + i));
    if (behind || format->flags & ALTERNATE)
        emit(format, '.');
    for (int i = 0; i < behind && format->written >= 0; i++)
        emit(format, digit_at(digits, from + before + i));
}

static void put_fixed(struct format *format, const struct digits *digits, int behind)
{
    int before = digits->count && digits->point > 0 ? digits->point : 1;
    int from = digits->count && digits->point > 0 ? 0 : digits->point - 1;
    struct field field = sign_of(format, digits->negative);
    field.length = before + behind + (behind || format->flags & ALTERNATE);
    begin(format, field);
    emit_digits(format, digits, digits->count ? from : 0, before, behind);
    end(format, field);
}

static void put_exponent(struct format *format, const struct digits *digits, int behind, unsigned letter)
{
    int power = digits->count ? digits->point - 1 : 0, size = power < 0 ? -power : power;
    struct field field = sign_of(format, digits->negative);
    field.length = 1 + behind + (behind || format->flags & ALTERNATE) + 5;
    begin(format, field);
    emit_digits(format, digits, 0, 1, behind);
    emit(format, letter);
    emit(format, power < 0 ? '-' : '+');
    emit(format, (unsigned)('0' + size / 100));
    emit(format, (unsigned)('0' + size / 10 % 10));
    emit(format, (unsigned)('0' + size % 10));
    end(format, field);
}

static void round_to(struct digits *digits, int keep)
{
    digits->count = crt_round_digits(digits->text, digits->count, keep, &digits->point);
}

static void put_general(struct format *format, struct digits *digits, int precision, unsigned letter)
{
    int power, behind;
    if (!precision)
        precision = 1;
    round_to(digits, precision);
    power = digits->count ? digits->point - 1 : 0;
    behind = format->flags & ALTERNATE ? precision - 1 : digits->count ? digits->count - 1 : 0;
    if (power < -4 || power >= precision) {
        put_exponent(format, digits, behind, letter - 2);
    } else {
        behind -= power;
        put_fixed(format, digits, behind < 0 ? 0 : behind);
    }
}

/* 2^n with a hexadecimal mantissa; thirteen digits hold all of it. */
static void put_hexadecimal(struct format *format, uint64_t bits, int upper)
{
    char digits[40];
    const char *letters = upper ? "0123456789ABCDEFXP" : "0123456789abcdefxp";
    int power = (int)(bits >> 52 & 0x7FF), size, count = 0;
    int behind = format->precision < 0 ? 13 : format->precision;
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFFull;
    struct field field = sign_of(format, (int)(bits >> 63));
    if (power)
        mantissa |= 1ull << 52;
    else if (mantissa)
        power = 1;
    power = mantissa ? power - 1023 : 0;
    if (behind < 13)
        mantissa = (mantissa + (1ull << (51 - behind * 4))) & ~((1ull << (52 - behind * 4)) - 1);
    size = power < 0 ? -power : power;
    field.length = 2 + 1 + (behind || format->flags & ALTERNATE) + behind + 3;
    field.length += size >= 1000 ? 3 : size >= 100 ? 2 : size >= 10;
    begin(format, field);
    emit(format, '0');
    emit(format, (unsigned char)letters[16]);
    emit(format, (unsigned)('0' + (mantissa >> 52)));
    if (behind || format->flags & ALTERNATE)
        emit(format, '.');
    for (int i = 0; i < behind; i++)
        emit(format, i < 13 ? (unsigned char)letters[mantissa >> (48 - i * 4) & 15] : '0');
    emit(format, (unsigned char)letters[17]);
    emit(format, power < 0 ? '-' : '+');
    do
        digits[count++] = (char)('0' + size % 10);
    while ((size /= 10));
    while (count)
        emit(format, (unsigned char)digits[--count]);
    end(format, field);
}

static void put_double(struct format *format, unsigned letter)
{
    union {
        double value;
        uint64_t bits;
    } number = {va_arg(*format->arguments, double)};
    struct digits digits;
    int precision = format->precision < 0 ? 6 : format->precision;
    int finite = (number.bits >> 52 & 0x7FF) != 0x7FF;
    if ((letter | 32) == 'a' && finite) {
        put_hexadecimal(format, number.bits, letter == 'A');
        return;
    }
    take_digits(&digits, number.bits);
    if ((letter | 32) == 'f' || (letter | 32) == 'a') {
        round_to(&digits, digits.point + precision);
        put_fixed(format, &digits, precision);
    } else if ((letter | 32) == 'e') {
        round_to(&digits, precision + 1);
        put_exponent(format, &digits, precision, letter);
    } else {
        put_general(format, &digits, precision, letter);
    }
}

static void store_count(struct format *format)
{
    void *place = va_arg(*format->arguments, void *);
    if (format->size == SHORT)
        *(short *)place = (short)format->written;
    else if (format->size == BITS64)
        *(int64_t *)place = format->written;
    else
        *(int *)place = format->written;
}

static void convert(struct format *format, unsigned letter)
{
    switch (letter) {
    case 'c': case 'C':
        put_unit(format, letter);
        break;
    case 's': case 'S':
        put_string(format, letter);
        break;
    case 'Z':
        put_counted(format);
        break;
    case 'd': case 'i': case 'o': case 'u': case 'x': case 'X':
        put_integer(format, letter);
        break;
    case 'p':
        put_pointer(format);
        break;
    case 'e': case 'E': case 'f': case 'g': case 'G': case 'a': case 'A':
        put_double(format, letter);
        break;
    case 'n':
        store_count(format);
        break;
    default: /* not a conversion: the unit stands for itself */
        emit(format, letter);
    }
}

/* Reading the format. */
struct reader {
    const void *text;
    int wide;
    size_t place;
};

static unsigned peek(const struct reader *reader, size_t ahead)
{
    return crt_at(reader->text, reader->wide, reader->place + ahead);
}

static int number(struct reader *reader, struct format *format)
{
    int value = 0;
    if (peek(reader, 0) == '*') {
        reader->place++;
        return va_arg(*format->arguments, int);
    }
    for (; peek(reader, 0) >= '0' && peek(reader, 0) <= '9'; reader->place++)
        if (value < 100000000)
            value = value * 10 + (int)(peek(reader, 0) - '0');
    return value;
}

static int flag_of(unsigned unit)
{
    switch (unit) {
    case '-':
        return MINUS;
    case '+':
        return PLUS;
    case ' ':
        return SPACE;
    case '0':
        return ZERO;
    case '#':
        return ALTERNATE;
    default:
        return 0;
    }
}

static void read_size(struct reader *reader, struct format *format)
{
    for (;; reader->place++) {
        unsigned unit = peek(reader, 0);
        if (unit == 'h') {
            format->size = SHORT;
        } else if (unit == 'l') {
            format->size = format->size == LONG ? BITS64 : LONG;
        } else if (unit == 'w') {
            format->size = WIDE;
        } else if (unit == 'I' && peek(reader, 1) == '6' && peek(reader, 2) == '4') {
            format->size = BITS64;
            reader->place += 2;
        } else if (unit == 'I' && peek(reader, 1) == '3' && peek(reader, 2) == '2') {
            format->size = PLAIN;
            reader->place += 2;
        } else if (unit == 'I') {
            format->size = sizeof(void *) == 8 ? BITS64 : PLAIN;
        } else if (unit != 'L' && unit != 'F' && unit != 'N') {
            return;
        }
    }
}

static void directive(struct reader *reader, struct format *format)
{
    int flag;
    format->flags = 0;
    format->precision = -1;
    format->size = PLAIN;
    for (; (flag = flag_of(peek(reader, 0))); reader->place++)
        format->flags |= flag;
    format->width = number(reader, format);
    if (format->width < 0) {
        format->flags |= MINUS;
        format->width = -format->width;
    }
    if (peek(reader, 0) == '.') {
        reader->place++;
        format->precision = number(reader, format);
        if (format->precision < 0)
            format->precision = -1;
    }
    read_size(reader, format);
    if (peek(reader, 0))
        convert(format, peek(reader, 0));
}

int crt_format(struct sink *sink, const void *text, va_list arguments)
{
    struct reader reader = {text, sink->wide, 0};
    struct format format = {.sink = sink};
    va_list copy;
    unsigned unit;
    va_copy(copy, arguments);
    format.arguments = &copy;
    for (; format.written >= 0 && (unit = peek(&reader, 0)); reader.place++) {
        if (unit != '%') {
            emit(&format, unit);
            continue;
        }
        reader.place++;
        directive(&reader, &format);
        if (!peek(&reader, 0))
            break;
    }
    va_end(copy);
    return format.written;
}
