/* Division of 64-bit integers, under the names by which GCC calls it; shift and subtract where 32 bits do not do. */

typedef unsigned long long Wide;

static Wide divide(Wide dividend, Wide divisor, Wide *remainder)
{
    unsigned high = (unsigned)(dividend >> 32), low = (unsigned)dividend, rest;
    if ((divisor >> 32) == 0) {
        unsigned by = (unsigned)divisor, quotient_high = high / by, quotient_low;
        __asm__("divl %4" : "=a"(quotient_low), "=d"(rest) : "a"(low), "d"(high % by), "r"(by));
        *remainder = rest;
        return ((Wide)quotient_high << 32) | quotient_low;
    }
    Wide quotient = 0, left = high;
    for (int bit = 31; bit >= 0; bit--) {
        left = (left << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if (left >= divisor) {
            left -= divisor;
            quotient |= 1;
        }
    }
    *remainder = left;
    return quotient;
}

Wide __udivdi3(Wide dividend, Wide divisor)
{
    Wide remainder;
    return divide(dividend, divisor, &remainder);
}

Wide __umoddi3(Wide dividend, Wide divisor)
{
    Wide remainder;
    divide(dividend, divisor, &remainder);
    return remainder;
}

static Wide magnitude(long long value) { return value < 0 ? -(Wide)value : (Wide)value; }

long long __divdi3(long long dividend, long long divisor)
{
    Wide quotient = __udivdi3(magnitude(dividend), magnitude(divisor));
    return (long long)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

long long __moddi3(long long dividend, long long divisor)
{
    Wide remainder = __umoddi3(magnitude(dividend), magnitude(divisor));
    return (long long)(dividend < 0 ? -remainder : remainder);
}

Wide __udivmoddi4(Wide dividend, Wide divisor, Wide *remainder) { return divide(dividend, divisor, remainder); }

long long __divmoddi4(long long dividend, long long divisor, long long *remainder)
{
    *remainder = __moddi3(dividend, divisor);
    return __divdi3(dividend, divisor);
}
