/* 64-bit multiplication's missing partners: the divisions that the compiler calls on 32-bit x86.
 * Method: schoolbook with 32-bit digits (Knuth, The Art of Computer Programming 2, 4.3.1) by the `div` instruction; the
 * estimate of a one-digit quotient is that of Warren, "Hacker's Delight", 9-5. */
#include "crt.h"

static uint32_t divide_step(uint32_t high, uint32_t low, uint32_t by, uint32_t *rest)
{
    uint32_t quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "rm"(by) : "cc");
    return quotient;
}

static uint64_t divide(uint64_t value, uint64_t by, uint64_t *rest)
{
    uint32_t high = (uint32_t)(value >> 32), by_high = (uint32_t)(by >> 32), remainder;
    if (!by_high) {
        uint32_t first = divide_step(0, high, (uint32_t)by, &remainder);
        uint32_t second = divide_step(remainder, (uint32_t)value, (uint32_t)by, &remainder);
        *rest = remainder;
        return (uint64_t)first << 32 | second;
    }
    /* The quotient has one digit: estimate it from the divisor's top 32 bits; it is right or one too large. */
    int shift = __builtin_clz(by_high);
    uint32_t top = shift ? (uint32_t)(by << shift >> 32) : by_high;
    uint32_t unused, quotient = divide_step((uint32_t)(value >> 33), (uint32_t)(value >> 1), top, &unused);
    quotient >>= 31 - shift;
    if (quotient)
        quotient--;
    *rest = value - quotient * by;
    if (*rest >= by) {
        quotient++;
        *rest -= by;
    }
    return quotient;
}

uint64_t __udivdi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    return divide(value, by, &rest);
}

uint64_t __umoddi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    divide(value, by, &rest);
    return rest;
}

uint64_t __udivmoddi4(uint64_t value, uint64_t by, uint64_t *rest)
{
    return divide(value, by, rest);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

int64_t __divmoddi4(int64_t value, int64_t by, int64_t *rest)
{
    uint64_t remainder, quotient = divide(magnitude(value), magnitude(by), &remainder);
    *rest = (int64_t)(value < 0 ? 0 - remainder : remainder);
    return (int64_t)((value < 0) != (by < 0) ? 0 - quotient : quotient);
}

int64_t __divdi3(int64_t value, int64_t by)
{
    int64_t rest;
    return __divmoddi4(value, by, &rest);
}

int64_t __moddi3(int64_t value, int64_t by)
{
    int64_t rest;
    __divmoddi4(value, by, &rest);
    return rest;
}
