/* Numbers from text: strtol, strtod and their relatives, narrow and wide. */
#include "crt.h"

static int space_at(const void *text, int wide, size_t i)
{
    unsigned unit = crt_at(text, wide, i);
    return unit == ' ' || (unit >= '\t' && unit <= '\r');
}

static int digit_of(unsigned unit, int base)
{
    int digit = unit >= '0' && unit <= '9'   ? (int)(unit - '0')
                : unit >= 'a' && unit <= 'z' ? (int)(unit - 'a' + 10)
                : unit >= 'A' && unit <= 'Z' ? (int)(unit - 'A' + 10)
                                             : 99;
    return digit < base ? digit : -1;
}

struct integer crt_parse_integer(const void *text, int wide, int base)
{
    struct integer result = {0, 0, 0, 0};
    size_t i = 0;
    unsigned unit;
    int digit;
    if (base < 0 || base == 1 || base > 36)
        return result;
    while (space_at(text, wide, i))
        i++;
    unit = crt_at(text, wide, i);
    if (unit == '+' || unit == '-') {
        result.negative = unit == '-';
        i++;
    }
    if ((!base || base == 16) && crt_at(text, wide, i) == '0' && (crt_at(text, wide, i + 1) | 32) == 'x') {
        base = 16;
        /* "0x" without a digit is the number 0, and ends before the x. */
        if (digit_of(crt_at(text, wide, i + 2), 16) >= 0)
            i += 2;
    } else if (!base) {
        base = crt_at(text, wide, i) == '0' ? 8 : 10;
    }
    while ((digit = digit_of(crt_at(text, wide, i), base)) >= 0) {
        uint64_t limit = ~0ull / (unsigned)base;
        if (result.value > limit || (result.value == limit && ~0ull - limit * (unsigned)base < (unsigned)digit))
            result.overflow = 1;
        result.value = result.value * (unsigned)base + (unsigned)digit;
        result.used = ++i;
    }
    return result;
}

static void tell_end(const void *text, int wide, void *end, size_t used)
{
    if (end)
        *(const void **)end = (const char *)text + (wide ? used * 2 : used);
}

static int64_t to_signed(const void *text, int wide, void *end, int base, uint64_t most)
{
    struct integer number = crt_parse_integer(text, wide, base);
    tell_end(text, wide, end, number.used);
    if (number.overflow || number.value > most + (unsigned)number.negative) {
        errno = ERANGE;
        return number.negative ? -(int64_t)most - 1 : (int64_t)most;
    }
    return (int64_t)(number.negative ? 0 - number.value : number.value);
}

static uint64_t to_unsigned(const void *text, int wide, void *end, int base, uint64_t most)
{
    struct integer number = crt_parse_integer(text, wide, base);
    tell_end(text, wide, end, number.used);
    if (number.overflow || number.value > most) {
        errno = ERANGE;
        return most;
    }
    return number.negative ? 0 - number.value : number.value;
}

#define LONG_MOST 0x7FFFFFFFu
#define LONG64_MOST 0x7FFFFFFFFFFFFFFFull

long strtol(const char *text, char **end, int base)
{
    return (long)to_signed(text, 0, end, base, LONG_MOST);
}

unsigned long strtoul(const char *text, char **end, int base)
{
    return (unsigned long)to_unsigned(text, 0, end, base, 0xFFFFFFFFu);
}

int64_t _strtoi64(const char *text, char **end, int base)
{
    return to_signed(text, 0, end, base, LONG64_MOST);
}

uint64_t _strtoui64(const char *text, char **end, int base)
{
    return to_unsigned(text, 0, end, base, ~0ull);
}

long wcstol(const wchar_t *text, wchar_t **end, int base)
{
    return (long)to_signed(text, 1, end, base, LONG_MOST);
}

unsigned long wcstoul(const wchar_t *text, wchar_t **end, int base)
{
    return (unsigned long)to_unsigned(text, 1, end, base, 0xFFFFFFFFu);
}

int64_t _wcstoi64(const wchar_t *text, wchar_t **end, int base)
{
    return to_signed(text, 1, end, base, LONG64_MOST);
}

uint64_t _wcstoui64(const wchar_t *text, wchar_t **end, int base)
{
    return to_unsigned(text, 1, end, base, ~0ull);
}

/* ato... drop what does not fit, without a word. */
static uint64_t wrapped(const void *text, int wide)
{
    struct integer number = crt_parse_integer(text, wide, 10);
    return number.negative ? 0 - number.value : number.value;
}

int atoi(const char *text)
{
    return (int)wrapped(text, 0);
}

long atol(const char *text)
{
    return (long)wrapped(text, 0);
}

int64_t _atoi64(const char *text)
{
    return (int64_t)wrapped(text, 0);
}

int _wtoi(const wchar_t *text)
{
    return (int)wrapped(text, 1);
}

long _wtol(const wchar_t *text)
{
    return (long)wrapped(text, 1);
}

int64_t _wtoi64(const wchar_t *text)
{
    return (int64_t)wrapped(text, 1);
}

/* [sign] digits [. digits] [e|d [sign] digits]. Of more digits than a double can be told apart by, a 1 stands for the
 * rest: it only has to be known that something follows. */
enum { TELLING_DIGITS = 770 };

struct decimal_text {
    char digits[TELLING_DIGITS + 1];
    struct number_text number;
    int any;
};

static void take_digit(struct decimal_text *text, unsigned digit, int behind_point)
{
    struct number_text *number = &text->number;
    text->any = 1;
    if (digit == '0' && !number->count) {
        number->point -= behind_point;
        return;
    }
    if (number->count < TELLING_DIGITS)
        text->digits[number->count++] = (char)digit;
    else if (digit != '0' && number->count == TELLING_DIGITS)
        text->digits[number->count++] = '1';
    number->point += !behind_point;
}

static int exponent_of(const void *text, int wide, size_t *i)
{
    size_t place = *i + 1;
    unsigned sign = crt_at(text, wide, place), unit;
    int value = 0;
    place += sign == '+' || sign == '-';
    if (digit_of(crt_at(text, wide, place), 10) < 0)
        return 0;
    for (; (unit = crt_at(text, wide, place)) >= '0' && unit <= '9'; place++)
        if (value < 100000000)
            value = value * 10 + (int)(unit - '0');
    *i = place;
    return sign == '-' ? -value : value;
}

static double value_of(uint64_t bits)
{
    union {
        uint64_t bits;
        double value;
    } number = {bits};
    return number.value;
}

double crt_parse_double(const void *text, int wide, size_t *used, int *range)
{
    struct decimal_text decimal;
    size_t i = 0;
    unsigned unit;
    int negative, behind_point = 0;
    decimal.number = (struct number_text){decimal.digits, 0, 0};
    decimal.any = 0;
    *used = 0;
    *range = 0;
    while (space_at(text, wide, i))
        i++;
    unit = crt_at(text, wide, i);
    negative = unit == '-';
    i += unit == '+' || unit == '-';
    for (;; i++) {
        unit = crt_at(text, wide, i);
        if (unit >= '0' && unit <= '9')
            take_digit(&decimal, unit, behind_point);
        else if (unit == '.' && !behind_point)
            behind_point = 1;
        else
            break;
    }
    if (!decimal.any)
        return 0;
    if ((unit | 32) == 'e' || (unit | 32) == 'd')
        decimal.number.point += exponent_of(text, wide, &i);
    *used = i;
    return value_of(crt_double_of(decimal.number, range) | (uint64_t)negative << 63);
}

static double to_double(const void *text, int wide, void *end)
{
    size_t used;
    int range;
    double value = crt_parse_double(text, wide, &used, &range);
    tell_end(text, wide, end, used);
    if (range)
        errno = ERANGE;
    return value;
}

double strtod(const char *text, char **end)
{
    return to_double(text, 0, end);
}

double wcstod(const wchar_t *text, wchar_t **end)
{
    return to_double(text, 1, end);
}

double atof(const char *text)
{
    return to_double(text, 0, 0);
}

double _wtof(const wchar_t *text)
{
    return to_double(text, 1, 0);
}
