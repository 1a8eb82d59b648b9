/* Whole numbers: absolute values, divisions, rotations, random numbers. */
#include "crt.h"

typedef struct {
    int quotient, rest;
} division;

int abs(int value)
{
    return value < 0 ? (int)(0 - (unsigned)value) : value;
}

long labs(long value)
{
    return value < 0 ? (long)(0 - (unsigned long)value) : value;
}

int64_t _abs64(int64_t value)
{
    return value < 0 ? (int64_t)(0 - (uint64_t)value) : value;
}

/* Eight bytes come back in edx:eax, as Microsoft's compiler returns them; gcc's Windows convention does the same. */
division div(int value, int by)
{
    return (division){value / by, value % by};
}

division ldiv(int value, int by)
{
    return (division){value / by, value % by};
}

unsigned _rotl(unsigned value, int by)
{
    return value << (by & 31) | value >> (-by & 31);
}

unsigned _rotr(unsigned value, int by)
{
    return value >> (by & 31) | value << (-by & 31);
}

unsigned long _lrotl(unsigned long value, int by)
{
    return _rotl(value, by);
}

unsigned long _lrotr(unsigned long value, int by)
{
    return _rotr(value, by);
}

uint64_t _rotl64(uint64_t value, int by)
{
    return value << (by & 63) | value >> (-by & 63);
}

uint64_t _rotr64(uint64_t value, int by)
{
    return value >> (by & 63) | value << (-by & 63);
}

unsigned short _byteswap_ushort(unsigned short value)
{
    return (unsigned short)(value << 8 | value >> 8);
}

unsigned long _byteswap_ulong(unsigned long value)
{
    return __builtin_bswap32(value);
}

uint64_t _byteswap_uint64(uint64_t value)
{
    return __builtin_bswap64(value);
}

/* Microsoft's linear congruential generator: the seed is the thread's own. */
void srand(unsigned seed)
{
    crt_thread()->seed = seed;
}

int rand(void)
{
    struct thread_data *thread = crt_thread();
    thread->seed = thread->seed * 214013 + 2531011;
    return (int)(thread->seed >> 16 & 0x7FFF);
}
