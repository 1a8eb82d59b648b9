/* Numbers to text: itoa and its relatives, and ecvt, fcvt, gcvt. */
#include "crt.h"

#define UNIT char
#define NAME(x) narrow_##x
#include "text_of_number.inc"
#undef UNIT
#undef NAME
#define UNIT wchar_t
#define NAME(x) wide_##x
#include "text_of_number.inc"

char *_itoa(int value, char *text, int base)
{
    return narrow_text(value, text, base);
}

char *_ltoa(long value, char *text, int base)
{
    return narrow_text(value, text, base);
}

char *_ultoa(unsigned long value, char *text, int base)
{
    return narrow_write(value, text, base);
}

char *_i64toa(int64_t value, char *text, int base)
{
    return narrow_text64(value, text, base);
}

char *_ui64toa(uint64_t value, char *text, int base)
{
    return narrow_write(value, text, base);
}

wchar_t *_itow(int value, wchar_t *text, int base)
{
    return wide_text(value, text, base);
}

wchar_t *_ltow(long value, wchar_t *text, int base)
{
    return wide_text(value, text, base);
}

wchar_t *_ultow(unsigned long value, wchar_t *text, int base)
{
    return wide_write(value, text, base);
}

wchar_t *_i64tow(int64_t value, wchar_t *text, int base)
{
    return wide_text64(value, text, base);
}

wchar_t *_ui64tow(uint64_t value, wchar_t *text, int base)
{
    return wide_write(value, text, base);
}

/* Digits without a point: `keep` of them after rounding, for ecvt from the first, for fcvt from behind the point. */
static char *digits(double value, int keep, int from_point, int *point, int *negative)
{
    static char text[MOST_DIGITS + 2];
    union {
        double value;
        uint64_t bits;
    } number = {value};
    int count, wanted;
    *negative = (int)(number.bits >> 63);
    count = crt_digits_of(number.bits & ~(1ull << 63), text, point);
    wanted = from_point ? *point + keep : keep;
    count = crt_round_digits(text, count, wanted, point);
    wanted = from_point ? *point + keep : keep;
    if (wanted > MOST_DIGITS)
        wanted = MOST_DIGITS;
    for (; count < wanted; count++)
        text[count] = '0';
    text[count] = 0;
    return text;
}

char *_ecvt(double value, int count, int *point, int *negative)
{
    return digits(value, count, 0, point, negative);
}

char *_fcvt(double value, int count, int *point, int *negative)
{
    return digits(value, count, 1, point, negative);
}

char *_gcvt(double value, int count, char *text)
{
    char *end;
    if (_snprintf(text, 350, "%.*g", count, value) < 0)
        return 0;
    /* Unlike %g, a number without an exponent keeps its point. */
    for (end = text; *end && *end != '.' && *end != 'e'; end++)
        ;
    if (!*end)
        strcpy(end, ".");
    return text;
}
