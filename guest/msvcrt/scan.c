/* scanf's formats: the input is taken unit by unit, with at most one unit given back. */
#include "crt.h"

enum size { PLAIN, SHORT, LONG, BITS64, WIDE };

struct scan {
    struct source *source;
    const void *format;
    size_t place;
    va_list *arguments;
    int taken; /* units of input */
    int assigned, suppressed, width;
    enum size size;
    int ended; /* the input ended before something was found */
};

static unsigned peek(const struct scan *scan, size_t ahead)
{
    return crt_at(scan->format, scan->source->wide, scan->place + ahead);
}

static int get(struct scan *scan)
{
    int unit = scan->source->get(scan->source);
    scan->taken++;
    return unit;
}

static void unget(struct scan *scan, int unit)
{
    scan->taken--;
    if (unit != EOF)
        scan->source->unget(scan->source, unit);
}

static int is_space(int unit)
{
    return unit == ' ' || (unit >= '\t' && unit <= '\r');
}

static void skip_spaces(struct scan *scan)
{
    int unit;
    do
        unit = get(scan);
    while (is_space(unit));
    unget(scan, unit);
}

static int digit_of(int unit, int base)
{
    int digit = unit >= '0' && unit <= '9'   ? unit - '0'
                : unit >= 'a' && unit <= 'f' ? unit - 'a' + 10
                : unit >= 'A' && unit <= 'F' ? unit - 'A' + 10
                                             : 99;
    return digit < base ? digit : -1;
}

static void store(struct scan *scan, uint64_t value)
{
    void *place;
    if (scan->suppressed)
        return;
    place = va_arg(*scan->arguments, void *);
    if (scan->size == BITS64)
        *(uint64_t *)place = value;
    else if (scan->size == SHORT)
        *(unsigned short *)place = (unsigned short)value;
    else
        *(unsigned *)place = (unsigned)value;
}

/* Base 0: by the prefix. What does not fit wraps, as in msvcrt. */
static int scan_integer(struct scan *scan, int base)
{
    uint64_t value = 0;
    int digits = 0, digit, negative = 0, left = scan->width ? scan->width : 0x7FFFFFFF, unit;
    skip_spaces(scan);
    unit = get(scan);
    if (unit == EOF) {
        scan->ended = 1;
        unget(scan, unit);
        return 0;
    }
    if ((unit == '-' || unit == '+') && --left > 0) {
        negative = unit == '-';
        unit = get(scan);
    }
    if ((!base || base == 16) && unit == '0') {
        digits = 1;
        unit = --left > 0 ? get(scan) : 0;
        if (left > 0 && (unit | 32) == 'x') {
            base = 16;
            digits = 0;
            unit = --left > 0 ? get(scan) : 0;
        } else if (!base) {
            base = 8;
        }
    }
    if (!base)
        base = 10;
    while (left > 0 && (digit = digit_of(unit, base)) >= 0) {
        value = value * (unsigned)base + (unsigned)digit;
        digits++;
        unit = --left > 0 ? get(scan) : 0;
    }
    if (left > 0)
        unget(scan, unit);
    if (!digits)
        return 0;
    store(scan, negative ? 0 - value : value);
    return 1;
}

/* The text of a number, in a buffer; the digits that do not find room there are few and far behind the point. */
struct number {
    char text[1024];
    int length, left;
};

static int take(struct scan *scan, struct number *number, int unit)
{
    if (number->length < (int)sizeof number->text - 1)
        number->text[number->length++] = (char)unit;
    return --number->left > 0 ? get(scan) : 0;
}

static int take_digits(struct scan *scan, struct number *number, int unit, int *any)
{
    while (number->left > 0 && unit >= '0' && unit <= '9') {
        unit = take(scan, number, unit);
        *any = 1;
    }
    return unit;
}

static int scan_double(struct scan *scan)
{
    struct number number = {.length = 0, .left = scan->width ? scan->width : 0x7FFFFFFF};
    int any = 0, unit, range;
    size_t used;
    double value;
    skip_spaces(scan);
    unit = get(scan);
    if (unit == EOF)
        scan->ended = 1;
    if (unit == '-' || unit == '+')
        unit = take(scan, &number, unit);
    unit = take_digits(scan, &number, unit, &any);
    if (number.left > 0 && unit == '.')
        unit = take_digits(scan, &number, take(scan, &number, unit), &any);
    if (any && number.left > 0 && (unit | 32) == 'e') {
        int exponent = 0;
        unit = take(scan, &number, unit);
        if (number.left > 0 && (unit == '-' || unit == '+'))
            unit = take(scan, &number, unit);
        unit = take_digits(scan, &number, unit, &exponent);
    }
    if (number.left > 0)
        unget(scan, unit);
    if (!any)
        return 0;
    number.text[number.length] = 0;
    value = crt_parse_double(number.text, 0, &used, &range);
    if (!scan->suppressed) {
        void *place = va_arg(*scan->arguments, void *);
        if (scan->size == LONG || scan->size == BITS64)
            *(double *)place = value;
        else
            *(float *)place = (float)value;
    }
    return 1;
}

/* Where %c, %s and %[ put what they take: narrow or wide, or nowhere. */
struct target {
    void *next;
    int wide;
};

static struct target target_of(struct scan *scan, unsigned letter)
{
    struct target target = {0, 0};
    if (scan->size == SHORT)
        target.wide = 0;
    else if (scan->size == LONG || scan->size == WIDE)
        target.wide = 1;
    else
        target.wide = scan->source->wide ? (letter | 32) == letter : (letter | 32) != letter;
    if (!scan->suppressed)
        target.next = va_arg(*scan->arguments, void *);
    return target;
}

static void put(struct target *target, int unit)
{
    if (!target->next)
        return;
    if (target->wide) {
        *(wchar_t *)target->next = (wchar_t)unit;
        target->next = (wchar_t *)target->next + 1;
    } else {
        *(char *)target->next = unit > 255 ? '?' : (char)unit;
        target->next = (char *)target->next + 1;
    }
}

static int scan_units(struct scan *scan, unsigned letter)
{
    struct target target = target_of(scan, letter);
    int width = scan->width ? scan->width : 1, left = width;
    while (left) {
        int unit = get(scan);
        if (unit == EOF) {
            unget(scan, unit);
            break;
        }
        put(&target, unit);
        left--;
    }
    /* Fewer units than the width are taken too, if there was one. */
    scan->ended = left == width;
    return left < width;
}

/* Whether the set of %[...], written from `from` to `to` in the format, has the unit. */
static int in_set(const struct scan *scan, size_t from, size_t to, unsigned unit)
{
    int wide = scan->source->wide, inverted = crt_at(scan->format, wide, from) == '^';
    for (size_t i = from + (size_t)inverted; i < to; i++) {
        unsigned low = crt_at(scan->format, wide, i), high = low;
        if (i + 2 < to && crt_at(scan->format, wide, i + 1) == '-') {
            high = crt_at(scan->format, wide, i + 2);
            i += 2;
        }
        if (low > high) {
            unsigned other = low;
            low = high;
            high = other;
        }
        if (unit >= low && unit <= high)
            return !inverted;
    }
    return inverted;
}

/* %s, or %[ with its set; `to` is 0 for %s. */
static int scan_text(struct scan *scan, unsigned letter, size_t from, size_t to)
{
    struct target target = target_of(scan, letter);
    int left = scan->width ? scan->width : 0x7FFFFFFF, count = 0, unit = 0;
    if (!to)
        skip_spaces(scan);
    for (; left; left--, count++) {
        unit = get(scan);
        if (unit == EOF || (to ? !in_set(scan, from, to, (unsigned)unit) : is_space(unit))) {
            unget(scan, unit);
            break;
        }
        put(&target, unit);
    }
    if (!count) {
        scan->ended = unit == EOF;
        return 0;
    }
    put(&target, 0);
    return 1;
}

/* Finds the end of a set and leaves the format on its bracket. */
static int scan_set(struct scan *scan)
{
    size_t from = scan->place + 1, end = from;
    int wide = scan->source->wide;
    end += crt_at(scan->format, wide, end) == '^';
    end += crt_at(scan->format, wide, end) == ']';
    while (crt_at(scan->format, wide, end) && crt_at(scan->format, wide, end) != ']')
        end++;
    if (!crt_at(scan->format, wide, end))
        return 0;
    scan->place = end;
    return scan_text(scan, 's', from, end);
}

static void read_size(struct scan *scan)
{
    for (scan->size = PLAIN;; scan->place++) {
        unsigned unit = peek(scan, 0);
        if (unit == 'h') {
            scan->size = SHORT;
        } else if (unit == 'l' || unit == 'L') {
            scan->size = scan->size == LONG ? BITS64 : LONG;
        } else if (unit == 'w') {
            scan->size = WIDE;
        } else if (unit == 'I' && peek(scan, 1) == '6' && peek(scan, 2) == '4') {
            scan->size = BITS64;
            scan->place += 2;
        } else if (unit == 'I' && peek(scan, 1) == '3' && peek(scan, 2) == '2') {
            scan->place += 2;
        } else if (unit != 'I' && unit != 'F' && unit != 'N') {
            return;
        }
    }
}

static int literal(struct scan *scan, unsigned wanted)
{
    int unit = get(scan);
    if (unit == (int)wanted)
        return 1;
    scan->ended = unit == EOF;
    unget(scan, unit);
    return 0;
}

/* One conversion: whether to go on. */
static int convert(struct scan *scan)
{
    unsigned letter = peek(scan, 0);
    switch (letter) {
    case 'd': case 'u':
        return scan_integer(scan, 10);
    case 'i':
        return scan_integer(scan, 0);
    case 'o':
        return scan_integer(scan, 8);
    case 'x': case 'X': case 'p':
        return scan_integer(scan, 16);
    case 'e': case 'E': case 'f': case 'g': case 'G':
        return scan_double(scan);
    case 'c': case 'C':
        return scan_units(scan, letter);
    case 's': case 'S':
        return scan_text(scan, letter, 0, 0);
    case '[':
        return scan_set(scan);
    default:
        return 0;
    }
}

/* What follows a '%': whether to go on. */
static int directive(struct scan *scan)
{
    scan->suppressed = peek(scan, 0) == '*';
    scan->place += (size_t)scan->suppressed;
    for (scan->width = 0; peek(scan, 0) >= '0' && peek(scan, 0) <= '9'; scan->place++)
        if (scan->width < 100000000)
            scan->width = scan->width * 10 + (int)(peek(scan, 0) - '0');
    read_size(scan);
    if (peek(scan, 0) == 'n') {
        store(scan, (uint64_t)scan->taken);
        return 1;
    }
    if (peek(scan, 0) == '%')
        return literal(scan, '%');
    if (!convert(scan))
        return 0;
    scan->assigned += !scan->suppressed;
    return 1;
}

int crt_scan(struct source *source, const void *format, va_list arguments)
{
    struct scan scan = {.source = source, .format = format};
    va_list copy;
    va_copy(copy, arguments);
    scan.arguments = &copy;
    for (; peek(&scan, 0); scan.place++) {
        unsigned unit = peek(&scan, 0);
        if (is_space((int)unit)) {
            skip_spaces(&scan);
        } else if (unit != '%') {
            if (!literal(&scan, unit))
                break;
        } else {
            scan.place++;
            if (!directive(&scan))
                break;
        }
    }
    va_end(copy);
    return scan.assigned || !scan.ended ? scan.assigned : EOF;
}
