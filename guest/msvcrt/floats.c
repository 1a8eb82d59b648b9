/* The floating-point unit's control and status, in the abstract bits of _control87. */
#include "crt.h"

enum { DEFAULT_CONTROL = 0x27F, DENORMAL = 0x80000 };

/* Abstract bit, and that of the unit's words. Exceptions have the same place in the control and the status word. */
static const struct {
    unsigned abstract;
    unsigned short real;
} exceptions[] = {{1, 0x20}, {2, 0x10}, {4, 8}, {8, 4}, {0x10, 1}, {DENORMAL, 2}};

static unsigned short control(void)
{
    unsigned short word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static unsigned to_abstract(unsigned word)
{
    unsigned result = 0;
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (word & exceptions[i].real)
            result |= exceptions[i].abstract;
    return result;
}

static unsigned abstract_control(unsigned word)
{
    static const unsigned precision[4] = {0x20000, 0, 0x10000, 0};
    return to_abstract(word) | (word >> 10 & 3) << 8 | precision[word >> 8 & 3] | (word & 0x1000) << 6;
}

static unsigned short real_control(unsigned abstract)
{
    unsigned word = (abstract >> 8 & 3) << 10 | (abstract & 0x40000) >> 6;
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (abstract & exceptions[i].abstract)
            word |= exceptions[i].real;
    word |= (abstract & 0x30000) == 0x20000 ? 0 : (abstract & 0x30000) == 0x10000 ? 0x200 : 0x300;
    return (unsigned short)word;
}

unsigned _control87(unsigned value, unsigned mask)
{
    unsigned old = abstract_control(control()), wanted = (old & ~mask) | (value & mask);
    if (wanted != old) {
        unsigned short word = real_control(wanted);
        __asm__ volatile("fnclex; fldcw %0" : : "m"(word));
    }
    return wanted;
}

/* Leaves the denormal exception as it is. */
unsigned _controlfp(unsigned value, unsigned mask)
{
    return _control87(value, mask & ~(unsigned)DENORMAL);
}

static unsigned status(void)
{
    unsigned short word;
    __asm__ volatile("fnstsw %0" : "=m"(word));
    return to_abstract(word);
}

unsigned _statusfp(void)
{
    return status();
}

unsigned _clearfp(void)
{
    unsigned old = status();
    __asm__ volatile("fnclex");
    return old;
}

void _fpreset(void)
{
    unsigned short word = DEFAULT_CONTROL;
    __asm__ volatile("fninit; fldcw %0" : : "m"(word));
}

/* The parts of a double. */
union number {
    double value;
    uint64_t bits;
    struct {
        uint32_t low, high;
    };
};
#define SIGN (1ull << 63)
#define INFINITE (0x7FFull << 52)

double _HUGE = __builtin_huge_val();

int _finite(double value)
{
    union number number = {value};
    return (number.high >> 20 & 0x7FF) != 0x7FF;
}

int _isnan(double value)
{
    union number number = {value};
    return (number.bits & ~SIGN) > INFINITE;
}

double _copysign(double value, double sign)
{
    union number number = {value}, other = {sign};
    number.bits = (number.bits & ~SIGN) | (other.bits & SIGN);
    return number.value;
}

double _chgsign(double value)
{
    union number number = {value};
    number.bits ^= SIGN;
    return number.value;
}

double fabs(double value)
{
    union number number = {value};
    number.bits &= ~SIGN;
    return number.value;
}

enum { CLASS_SNAN = 1, CLASS_QNAN = 2, NEGATIVE_INFINITE = 4, POSITIVE_INFINITE = 0x200 };

int _fpclass(double value)
{
    union number number = {value};
    uint64_t size = number.bits & ~SIGN;
    int negative = number.bits >> 63, kind;
    if (size > INFINITE)
        return size >> 51 & 1 ? CLASS_QNAN : CLASS_SNAN;
    /* From infinite over normal and denormal to zero, and back with the other sign. */
    kind = size == INFINITE ? 0 : size >> 52 ? 1 : size ? 2 : 3;
    return negative ? NEGATIVE_INFINITE << kind : POSITIVE_INFINITE >> kind;
}

double _nextafter(double from, double to)
{
    union number number = {from};
    if (_isnan(from) || _isnan(to))
        return from + to;
    if (from == to)
        return to;
    if (from == 0) {
        number.bits = 1;
        return _copysign(number.value, to);
    }
    number.bits += (to > from) == (from > 0) ? 1 : -1ull;
    return number.value;
}

double frexp(double value, int *power)
{
    union number number = {value};
    int exponent = (int)(number.bits >> 52 & 0x7FF);
    *power = 0;
    if (value == 0 || exponent == 0x7FF)
        return value;
    if (!exponent) {
        number.value *= 18014398509481984.0; /* 2^54: a denormal has too few bits */
        exponent = (int)(number.bits >> 52 & 0x7FF) - 54;
    }
    *power = exponent - 1022;
    number.bits = (number.bits & ~INFINITE) | 1022ull << 52;
    return number.value;
}

double ldexp(double value, int power)
{
    double result;
    long double scale = power > 20000 ? 20000 : power < -20000 ? -20000 : power;
    __asm__("fscale" : "=t"(result) : "0"((long double)value), "u"(scale));
    if (value != 0 && _finite(value) && (!_finite(result) || result == 0))
        errno = ERANGE;
    return result;
}

double _scalb(double value, long power)
{
    return ldexp(value, (int)power);
}

double _logb(double value)
{
    int power;
    if (value == 0)
        return -_HUGE;
    if (!_finite(value))
        return value * value;
    frexp(value, &power);
    return power - 1;
}

/* Cuts the bits behind the point. */
static double whole_part(double value)
{
    union number number = {value};
    int exponent = (int)(number.bits >> 52 & 0x7FF) - 1023;
    if (exponent < 0)
        number.bits &= SIGN;
    else if (exponent < 52)
        number.bits &= ~((1ull << (52 - exponent)) - 1);
    return number.value;
}

double modf(double value, double *whole)
{
    *whole = whole_part(value);
    return _finite(value) ? _copysign(value - *whole, value) : _isnan(value) ? value : _copysign(0, value);
}

double floor(double value)
{
    double whole = whole_part(value);
    return value < whole ? whole - 1 : whole;
}

double ceil(double value)
{
    double whole = whole_part(value);
    /* -0.5 gives -0. */
    return whole < value ? _copysign(whole + 1, value) : whole;
}
