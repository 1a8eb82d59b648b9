/* Functions of real numbers, by the x87's instructions in its full 64 bits of precision. */
#include "crt.h"

typedef long double extended;
enum { DOMAIN = 1, SINGULAR, OVERFLOW, UNDERFLOW };
int _finite(double value);
int _isnan(double value);
double _copysign(double value, double sign);
extern double _HUGE;

/* What a program's _matherr is given. */
struct math_error {
    int type;
    const char *name;
    double first, second, result;
};
extern int (*crt_user_math_handler)(struct math_error *);

static double fail(int type, const char *name, double first, double second, double result)
{
    struct math_error error = {type, name, first, second, result};
    if (crt_user_math_handler && crt_user_math_handler(&error))
        return error.result;
    errno = type == DOMAIN ? EDOM : ERANGE;
    return result;
}

static double not_a_number(void)
{
    union {
        uint64_t bits;
        double value;
    } indefinite = {0xFFFull << 51};
    return indefinite.value;
}

/* Programs mostly run with 53 bits of precision; these functions need 64 to be right in the last of 53. */
static unsigned short enter(void)
{
    unsigned short old, full;
    __asm__ volatile("fnstcw %0" : "=m"(old));
    full = (unsigned short)((old & 0xF0C0) | 0x33F);
    __asm__ volatile("fldcw %0" : : "m"(full));
    return old;
}

static double leave(unsigned short old, extended value)
{
    volatile double result = (double)value;
    __asm__ volatile("fldcw %0" : : "m"(old));
    return result;
}

static extended x87_log2(extended value, extended factor)
{
    extended result;
    __asm__("fyl2x" : "=t"(result) : "0"(value), "u"(factor) : "st(1)");
    return result;
}

static extended x87_atan2(extended y, extended x)
{
    extended result;
    __asm__("fpatan" : "=t"(result) : "0"(x), "u"(y) : "st(1)");
    return result;
}

static extended x87_sqrt(extended value)
{
    __asm__("fsqrt" : "+t"(value));
    return value;
}

static extended x87_round(extended value)
{
    __asm__("frndint" : "+t"(value));
    return value;
}

/* 2^power - 1 for |power| <= 1 */
static extended x87_power_of_2_less_1(extended power)
{
    __asm__("f2xm1" : "+t"(power));
    return power;
}

static extended x87_scale(extended value, extended power)
{
    __asm__("fscale" : "+t"(value) : "u"(power));
    return value;
}

static const extended ln2 = 0.693147180559945309417232121458176568L, log2e = 1.442695040888963407359924681001892137L;

/* 2^power; the whole part goes into the exponent. */
static extended power_of_2(extended power)
{
    extended whole = x87_round(power);
    return x87_scale(x87_power_of_2_less_1(power - whole) + 1, whole);
}

/* e^x = 2^n * e^(x - n ln 2); ln 2 in two parts, the first with so few bits that n times it is exact. */
static extended exponential(extended value)
{
    static const extended high = 0x1.62e42fefa38p-1L, low = 0x1.ef35793c7673007ep-45L;
    extended whole = x87_round(value * log2e), rest;
    if (whole > 20000 || whole < -20000)
        return x87_scale(1, whole > 0 ? 20000 : -20000);
    rest = (value - whole * high) - whole * low;
    return x87_scale(x87_power_of_2_less_1(rest * log2e) + 1, whole);
}

/* e^x - 1 without loss near 0 */
static extended exponential_less_1(extended value)
{
    if (value < ln2 && value > -ln2)
        return x87_power_of_2_less_1(value * log2e);
    return exponential(value) - 1;
}

double sqrt(double value)
{
    unsigned short old;
    if (value < 0)
        return fail(DOMAIN, "sqrt", value, 0, not_a_number());
    old = enter();
    return leave(old, x87_sqrt(value));
}

double exp(double value)
{
    unsigned short old;
    double result;
    if (_isnan(value))
        return value;
    if (!_finite(value))
        return value > 0 ? value : 0;
    old = enter();
    result = leave(old, exponential(value));
    if (!_finite(result))
        return fail(OVERFLOW, "exp", value, 0, _HUGE);
    if (result == 0)
        return fail(UNDERFLOW, "exp", value, 0, 0);
    return result;
}

static double logarithm(double value, extended factor, const char *name)
{
    unsigned short old;
    if (_isnan(value))
        return value;
    if (value == 0)
        return fail(SINGULAR, name, value, 0, -_HUGE);
    if (value < 0)
        return fail(DOMAIN, name, value, 0, not_a_number());
    old = enter();
    return leave(old, x87_log2(value, factor));
}

double log(double value)
{
    return logarithm(value, ln2, "log");
}

double log10(double value)
{
    return logarithm(value, 0.301029995663981195213738894724493027L, "log10");
}

static int is_whole(double value, int *odd)
{
    extended half = (extended)value / 2;
    *odd = half != x87_round(half);
    return x87_round(value) == (extended)value;
}

/* The cases in which an argument is zero, infinite or not a number; by the C standard's annex F. */
static int special_power(double base, double power, int whole, int odd, double *result)
{
    double size = base < 0 ? -base : base;
    if (power == 0 || base == 1) {
        *result = 1;
    } else if (_isnan(base) || _isnan(power)) {
        *result = base + power;
    } else if (!_finite(power)) {
        *result = size == 1 ? 1 : (size > 1) == (power > 0) ? _HUGE : 0;
    } else if (base == 0 || !_finite(base)) {
        double one = whole && odd ? _copysign(1, base) : 1;
        *result = one * ((base == 0) == (power < 0) ? _HUGE : 0);
        if (base == 0 && power < 0)
            *result = fail(SINGULAR, "pow", base, power, *result);
    } else if (base < 0 && !whole) {
        *result = fail(DOMAIN, "pow", base, power, not_a_number());
    } else {
        return 0;
    }
    return 1;
}

double pow(double base, double power)
{
    int odd = 0, whole = _finite(power) && is_whole(power, &odd);
    unsigned short old;
    extended exponent;
    double result;
    if (special_power(base, power, whole, odd, &result))
        return result;
    old = enter();
    exponent = x87_log2(base < 0 ? -(extended)base : base, power);
    exponent = exponent > 20000 ? 20000 : exponent < -20000 ? -20000 : exponent;
    result = leave(old, power_of_2(exponent));
    if (base < 0 && odd)
        result = -result;
    if (!_finite(result))
        return fail(OVERFLOW, "pow", base, power, result);
    if (result == 0)
        return fail(UNDERFLOW, "pow", base, power, result);
    return result;
}

enum turning { SIN, COS, TAN };

/* The instructions know pi to 66 bits, which is too few close to its multiples. So whole quarter turns are taken off
 * first, with pi/2 in three parts of which the first two leave exact products (Cody and Waite, 1980). Returns the
 * quarter turns modulo 4; numbers over 2^30 are left to the instructions. */
static int take_quarters(extended *value)
{
    static const extended first = 0x1.921fb544p0L, second = 0x42d18469p-64L, third = 0x0.898cc51701b839a252p-64L;
    extended turns;
    if (*value > 0x1p30L || *value < -0x1p30L)
        return 0;
    turns = x87_round(*value * 0.636619772367581343075535053490057448L);
    *value = ((*value - turns * first) - turns * second) - turns * third;
    return (int)turns & 3;
}

/* What the instructions do not take, 2^63 and beyond, is brought down by whole turns. */
static extended within_reach(extended value)
{
    extended turn = 6.283185307179586476925286766559005768L;
    unsigned short status;
    if (value < 9.2e18L && value > -9.2e18L)
        return value;
    do
        __asm__("fprem; fnstsw %1" : "+t"(value), "=a"(status) : "u"(turn));
    while (status & 0x400);
    return value;
}

static extended x87_sine(extended value)
{
    __asm__("fsin" : "+t"(value));
    return value;
}

static extended x87_cosine(extended value)
{
    __asm__("fcos" : "+t"(value));
    return value;
}

static double turning(double value, enum turning function, const char *name)
{
    unsigned short old;
    extended rest, result;
    int quarters;
    if (_isnan(value) || (value == 0 && function != COS))
        return value;
    if (!_finite(value))
        return fail(DOMAIN, name, value, 0, not_a_number());
    old = enter();
    rest = within_reach(value);
    quarters = take_quarters(&rest);
    if (function == TAN) {
        result = quarters & 1 ? -x87_cosine(rest) / x87_sine(rest) : x87_sine(rest) / x87_cosine(rest);
    } else {
        quarters += function == COS;
        result = quarters & 1 ? x87_cosine(rest) : x87_sine(rest);
        if (quarters & 2)
            result = -result;
    }
    return leave(old, result);
}

double sin(double value)
{
    return turning(value, SIN, "sin");
}

double cos(double value)
{
    return turning(value, COS, "cos");
}

double tan(double value)
{
    return turning(value, TAN, "tan");
}

double atan2(double y, double x)
{
    unsigned short old;
    if (_isnan(x) || _isnan(y))
        return x + y;
    old = enter();
    return leave(old, x87_atan2(y, x));
}

double atan(double value)
{
    return atan2(value, 1);
}

double asin(double value)
{
    unsigned short old;
    if (_isnan(value))
        return value;
    if (value > 1 || value < -1)
        return fail(DOMAIN, "asin", value, 0, not_a_number());
    old = enter();
    return leave(old, x87_atan2(value, x87_sqrt((1 - (extended)value) * (1 + (extended)value))));
}

double acos(double value)
{
    unsigned short old;
    if (_isnan(value))
        return value;
    if (value > 1 || value < -1)
        return fail(DOMAIN, "acos", value, 0, not_a_number());
    old = enter();
    return leave(old, x87_atan2(x87_sqrt((1 - (extended)value) * (1 + (extended)value)), value));
}

double sinh(double value)
{
    unsigned short old;
    extended less_1;
    double result;
    if (!_finite(value) || value == 0)
        return value;
    old = enter();
    less_1 = exponential_less_1(value);
    result = leave(old, (less_1 + less_1 / (less_1 + 1)) / 2);
    return _finite(result) ? result : fail(OVERFLOW, "sinh", value, 0, result);
}

double cosh(double value)
{
    unsigned short old;
    extended e;
    double result;
    if (!_finite(value))
        return value * value;
    old = enter();
    e = exponential(value < 0 ? -value : value);
    result = leave(old, (e + 1 / e) / 2);
    return _finite(result) ? result : fail(OVERFLOW, "cosh", value, 0, result);
}

double tanh(double value)
{
    unsigned short old;
    extended less_1;
    if (_isnan(value) || value == 0)
        return value;
    if (value > 25 || value < -25)
        return value > 0 ? 1 : -1;
    old = enter();
    less_1 = exponential_less_1(2 * (extended)value);
    return leave(old, less_1 / (less_1 + 2));
}

double fmod(double value, double by)
{
    unsigned short status, old;
    extended result = value, divisor = by;
    if (_isnan(value) || _isnan(by))
        return value + by;
    if (!_finite(value) || by == 0)
        return fail(DOMAIN, "fmod", value, by, not_a_number());
    old = enter();
    do
        __asm__("fprem; fnstsw %1" : "+t"(result), "=a"(status) : "u"(divisor));
    while (status & 0x400);
    return leave(old, result);
}

double _hypot(double x, double y)
{
    unsigned short old;
    double result;
    if (!_finite(x) || !_finite(y))
        return _finite(x) ? y * y : _finite(y) || !_isnan(x) ? x * x : y * y;
    old = enter();
    result = leave(old, x87_sqrt((extended)x * x + (extended)y * y));
    return _finite(result) ? result : fail(OVERFLOW, "_hypot", x, y, result);
}

struct complex {
    double x, y;
};

double _cabs(struct complex number)
{
    return _hypot(number.x, number.y);
}

/* What Microsoft's compiler calls with arguments in registers: the last one on top. */
#define ONE(name)                                                                                                     \
    __asm__(".globl __CI" #name "\n__CI" #name ":\n subl $8, %esp\n fstpl (%esp)\n call _" #name                      \
            "\n addl $8, %esp\n ret\n");
#define TWO(name)                                                                                                     \
    __asm__(".globl __CI" #name "\n__CI" #name ":\n subl $16, %esp\n fstpl 8(%esp)\n fstpl (%esp)\n call _" #name     \
            "\n addl $16, %esp\n ret\n");

ONE(sin)
ONE(cos)
ONE(tan)
ONE(asin)
ONE(acos)
ONE(atan)
ONE(sinh)
ONE(cosh)
ONE(tanh)
ONE(exp)
ONE(log)
ONE(log10)
ONE(sqrt)
TWO(pow)
TWO(fmod)
TWO(atan2)

/* st(0) to edx:eax, cut at the point whatever the rounding is set to. */
__asm__(".globl __ftol\n"
        "__ftol:\n"
        "    subl $12, %esp\n"
        "    fnstcw 8(%esp)\n"
        "    movw 8(%esp), %ax\n"
        "    orw $0x0C00, %ax\n"
        "    movw %ax, 10(%esp)\n"
        "    fldcw 10(%esp)\n"
        "    fistpll (%esp)\n"
        "    fldcw 8(%esp)\n"
        "    popl %eax\n"
        "    popl %edx\n"
        "    addl $4, %esp\n"
        "    ret\n");
