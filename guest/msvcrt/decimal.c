/* Doubles and decimal digits, exactly: every double is a whole number times a power of 2 or of 1/10, so long integers
 * give all of its digits; the double nearest to a text is a quotient of long integers, rounded once.
 * The problem: Steele and White 1990, Clinger 1990. Long integers: Knuth, The Art of Computer Programming 2, 4.3.1. */
#include "crt.h"

enum { EXPONENT_BIAS = 1075, BILLION = 1000000000 };

/* Digits base 10^9, least significant first; 86 of them hold 2^53 * 5^1074. */
struct decimal {
    uint32_t part[88];
    int count;
};

static uint32_t step(uint64_t value, uint32_t by, uint32_t *rest)
{
    uint32_t quotient;
    /* The callers keep the high half below `by`, so the quotient fits. */
    __asm__("divl %4"
            : "=a"(quotient), "=d"(*rest)
            : "0"((uint32_t)value), "1"((uint32_t)(value >> 32)), "rm"(by)
            : "cc");
    return quotient;
}

/* By less than 10^9, so that what is carried is a digit. */
static void multiply(struct decimal *number, uint32_t by)
{
    uint32_t carry = 0;
    for (int i = 0; i < number->count; i++)
        carry = step((uint64_t)number->part[i] * by + carry, BILLION, &number->part[i]);
    if (carry)
        number->part[number->count++] = carry;
}

static struct decimal decimal_of(uint64_t value)
{
    struct decimal number = {.count = 0};
    while (value) {
        number.part[number.count++] = (uint32_t)(value % BILLION);
        value /= BILLION;
    }
    return number;
}

/* Writes the digits of a number, without zeros in front or behind; returns how many there were with those behind. */
static int write_digits(const struct decimal *number, char *digits, int *count)
{
    int length = 0, zeros = 0;
    for (int i = number->count - 1; i >= 0; i--) {
        uint32_t part = number->part[i];
        for (uint32_t unit = BILLION / 10; unit; unit /= 10) {
            uint32_t digit = part / unit;
            part -= digit * unit;
            if (digit || length)
                digits[length++] = (char)('0' + digit);
        }
    }
    while (zeros < length && digits[length - 1 - zeros] == '0')
        zeros++;
    *count = length - zeros;
    return length;
}

int crt_digits_of(uint64_t bits, char *digits, int *point)
{
    int power = (int)(bits >> 52 & 0x7FF), count;
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFFull;
    struct decimal number;
    if (power)
        mantissa |= 1ull << 52;
    else
        power = 1;
    power -= EXPONENT_BIAS;
    if (!mantissa) {
        *point = 0;
        return 0;
    }
    while (!(mantissa & 1)) {
        mantissa >>= 1;
        power++;
    }
    number = decimal_of(mantissa);
    if (power >= 0) {
        for (int left = power; left > 0; left -= 29)
            multiply(&number, 1u << (left < 29 ? left : 29));
        *point = write_digits(&number, digits, &count);
    } else {
        /* m / 2^k = m * 5^k / 10^k */
        int left = -power;
        for (; left >= 12; left -= 12)
            multiply(&number, 244140625);
        for (; left; left--)
            multiply(&number, 5);
        *point = write_digits(&number, digits, &count) + power;
    }
    return count;
}

/* Rounds to the first `keep` digits, halves away from zero; returns how many remain, without zeros at the end. */
int crt_round_digits(char *digits, int count, int keep, int *point)
{
    if (keep >= count)
        return count;
    if (keep < 0 || digits[keep] < '5') {
        count = keep < 0 ? 0 : keep;
    } else {
        while (keep && digits[keep - 1] == '9')
            keep--;
        count = keep;
        if (keep) {
            digits[keep - 1]++;
        } else {
            digits[0] = '1';
            ++*point;
            count = 1;
        }
    }
    while (count && digits[count - 1] == '0')
        count--;
    return count;
}

/* Binary long integers, least significant word first. 10^1100 has 3655 bits. */
struct binary {
    uint32_t word[124];
    int count;
};

static void multiply_add(struct binary *number, uint32_t by, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < number->count; i++) {
        carry += (uint64_t)number->word[i] * by;
        number->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        number->word[number->count++] = (uint32_t)carry;
}

static void multiply_by_power(struct binary *number, int of_ten)
{
    for (; of_ten >= 9; of_ten -= 9)
        multiply_add(number, BILLION, 0);
    for (; of_ten; of_ten--)
        multiply_add(number, 10, 0);
}

static int bits_of(const struct binary *number)
{
    return number->count ? number->count * 32 - __builtin_clz(number->word[number->count - 1]) : 0;
}

static void shift_left(struct binary *number, int bits)
{
    int words = bits / 32, rest = bits % 32;
    uint32_t carry = 0;
    for (int i = 0; rest && i < number->count; i++) {
        uint32_t word = number->word[i];
        number->word[i] = word << rest | carry;
        carry = word >> (32 - rest);
    }
    if (carry)
        number->word[number->count++] = carry;
    if (!words || !number->count)
        return;
    memmove(number->word + words, number->word, (size_t)number->count * 4);
    memset(number->word, 0, (size_t)words * 4);
    number->count += words;
}

static int compare(const struct binary *a, const struct binary *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

static void subtract(struct binary *from, const struct binary *number)
{
    uint64_t borrow = 0;
    for (int i = 0; i < from->count; i++) {
        uint64_t difference = (uint64_t)from->word[i] - (i < number->count ? number->word[i] : 0) - borrow;
        from->word[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    while (from->count && !from->word[from->count - 1])
        from->count--;
}

/* Rounds mantissa * 2^power (and a little more, if `more`) to the nearest double, halves to even. */
static uint64_t assemble(uint64_t mantissa, int power, int more, int *range)
{
    int drop = 11; /* of 64 bits, with the top one set, 53 stay */
    uint64_t kept, half, rest;
    if (power < -1074 - 11)
        drop = -1074 - power;
    if (drop > 64) {
        *range = -1;
        return 0;
    }
    kept = drop > 63 ? 0 : mantissa >> drop;
    half = 1ull << (drop - 1);
    rest = mantissa & (half | (half - 1));
    if (rest > half || (rest == half && (more || kept & 1)))
        kept++;
    if (drop > 11) { /* denormal, or just grown out of it */
        *range = kept ? 0 : -1;
        return kept;
    }
    /* A carry out of 53 bits moves into the exponent, which is what it should do. */
    kept += (uint64_t)(power + drop + EXPONENT_BIAS - 1) << 52;
    if (kept >= 0x7FFull << 52) {
        *range = 1;
        return 0x7FFull << 52;
    }
    return kept;
}

/* The first 64 bits of number / by, whose top bit is set, by long division bit by bit; `power` gets the place. */
static uint64_t first_bits(struct binary *number, struct binary *by, int *power, int *more)
{
    uint64_t quotient = 0;
    int shift = bits_of(number) - bits_of(by);
    shift_left(shift > 0 ? by : number, shift > 0 ? shift : -shift);
    if (compare(number, by) < 0) {
        shift_left(number, 1);
        shift--;
    }
    *power = shift - 63;
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (compare(number, by) >= 0) {
            subtract(number, by);
            quotient |= 1;
        }
        shift_left(number, 1);
    }
    *more = number->count != 0;
    return quotient;
}

uint64_t crt_double_of(struct number_text text, int *range)
{
    struct binary number = {.count = 0}, by = {.word = {1}, .count = 1};
    int power, more, ten = text.point - text.count;
    uint64_t mantissa;
    *range = 0;
    if (!text.count)
        return 0;
    if (text.point > 310 || text.point < -330) {
        *range = text.point > 0 ? 1 : -1;
        return text.point > 0 ? 0x7FFull << 52 : 0;
    }
    for (int i = 0; i < text.count; i++) {
        if (!number.count && text.digits[i] != '0')
            number.word[number.count++] = (uint32_t)(text.digits[i] - '0');
        else
            multiply_add(&number, 10, (uint32_t)(text.digits[i] - '0'));
    }
    multiply_by_power(ten > 0 ? &number : &by, ten > 0 ? ten : -ten);
    mantissa = first_bits(&number, &by, &power, &more);
    return assemble(mantissa, power, more, range);
}
