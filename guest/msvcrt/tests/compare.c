/* Random values through our functions (with the prefix our_) and the host's; what differs is printed and counted.
 * Differences by design are left out: three digits of exponent, and halves, which Microsoft rounds away from zero. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int our_sprintf(char *, const char *, ...);
int our_sscanf(const char *, const char *, ...);
double our_strtod(const char *, char **);
long our_strtol(const char *, char **, int);
unsigned long long our__strtoui64(const char *, char **, int);
void our_qsort(void *, size_t, size_t, int (*)(const void *, const void *));
uint64_t our___udivdi3(uint64_t, uint64_t), our___umoddi3(uint64_t, uint64_t);
struct tm *our__gmtime64(const int64_t *);
int64_t our__mktime64(void *);
size_t our_strftime(char *, size_t, const char *, const void *);
double our_sin(double), our_cos(double), our_tan(double), our_exp(double), our_log(double), our_asin(double);
double our_atan(double), our_sinh(double), our_tanh(double), our_pow(double, double), our_fmod(double, double);
double our_floor(double), our_ceil(double), our_ldexp(double, int), our_frexp(double, int *);

/* What the parts need of those that are not here. */
static char thread[4096];
static int error;
int (*our_crt_user_math_handler)(void *);
void *our_crt_thread(void) { return thread; }
int *our__errno(void) { return &error; }
int our_crt_fail(int number) { error = number; return -1; }
void *our_malloc(size_t size) { return malloc(size); }

static long differences;

static void check(int same, const char *what, const char *input, const char *ours, const char *theirs)
{
    if (!same && differences++ < 20)
        printf("%s %s: ours %s, host %s\n", what, input, ours, theirs);
}

/* Marsaglia's xorshift. */
static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
}

static double random_double(void)
{
    double value;
    uint64_t bits;
    if (random_bits() & 1) {
        value = (double)(int64_t)(random_bits() >> random_bits() % 60) / pow(10, (int)(random_bits() % 12));
        return random_bits() & 1 ? -value : value;
    }
    do
        bits = random_bits();
    while ((bits >> 52 & 0x7FF) == 0x7FF);
    memcpy(&value, &bits, 8);
    return value;
}

/* "e+05" becomes "e+005". */
static void widen_exponent(char *text)
{
    char *exponent = strpbrk(text, "eE");
    if (exponent && strspn(exponent + 2, "0123456789") == 2) {
        memmove(exponent + 3, exponent + 2, strlen(exponent + 2) + 1);
        exponent[2] = '0';
    }
}

/* Whether a rounding was a tie: the digit behind the last one shown is a 5, and nothing follows. */
static int is_tie(double value, char conversion, int precision)
{
    char text[1600], *place;
    snprintf(text, sizeof text, conversion == 'f' ? "%.1100f" : "%.1100e", value);
    place = strchr(text, '.') + 1 + precision - ((conversion | 32) == 'g');
    if (*place == '.')
        place++;
    if (*place != '5')
        return 0;
    for (place++; *place == '0'; place++)
        ;
    return !*place || *place == 'e';
}

static void doubles(void)
{
    static const char *const flags[] = {"", "+", "-", " ", "#", "+#", "- "};
    char format[32], ours[1600], theirs[1600], *our_end, *their_end;
    double value = random_double(), read;
    int precision = (int)(random_bits() % 20);
    char conversion = "feEgG"[random_bits() % 5];
    sprintf(format, "%%%s.%d%c", flags[random_bits() % 7], precision, conversion);
    our_sprintf(ours, format, value);
    snprintf(theirs, sizeof theirs, format, value);
    widen_exponent(theirs);
    if ((conversion | 32) == 'g' && !precision)
        precision = 1;
    check(!strcmp(ours, theirs) || is_tie(value, conversion, precision), "printf", format, ours, theirs);
    check(our_strtod(theirs, &our_end) == strtod(theirs, &their_end) && our_end == their_end, "strtod", theirs, "", "");
    snprintf(theirs, sizeof theirs, "%.*e", (int)(random_bits() % 1000), value);
    check(bits_of(our_strtod(theirs, 0)) == bits_of(strtod(theirs, 0)), "strtod", theirs, "", "");
    check(our_sscanf(theirs, "%lf", &read) == 1 && bits_of(read) == bits_of(strtod(theirs, 0)), "scanf", theirs, "",
          "");
}

static void integers(void)
{
    static const char *const flags[] = {"", "+", "-", " ", "0", "#", "#0", "-+"};
    char tail[24], format[48], ours[80], theirs[80], *our_end, *their_end;
    long long value = (long long)(random_bits() >> random_bits() % 64) * (random_bits() & 1 ? 1 : -1);
    char conversion = "diuoxX"[random_bits() % 6];
    int base = (int)(random_bits() % 36) + 1;
    uint64_t by = (random_bits() >> random_bits() % 64) | 1;
    sprintf(tail, random_bits() & 1 ? "%s%d" : "%s%d.%d", flags[random_bits() % 8], (int)(random_bits() % 25),
            (int)(random_bits() % 25));
    sprintf(format, "%%%sI64%c", tail, conversion);
    our_sprintf(ours, format, value);
    sprintf(format, "%%%sll%c", tail, conversion);
    sprintf(theirs, format, value);
    check(!strcmp(ours, theirs), "printf", format, ours, theirs);
    sprintf(theirs, random_bits() & 1 ? "%lld" : " %#llx", value);
    base = base == 1 ? 0 : base;
    check(our_strtol(theirs, &our_end, base) == strtol(theirs, &their_end, base) && our_end == their_end, "strtol",
          theirs, "", "");
    check(our__strtoui64(theirs, &our_end, base) == strtoull(theirs, &their_end, base) && our_end == their_end,
          "strtoui64", theirs, "", "");
    check(our___udivdi3((uint64_t)value, by) == (uint64_t)value / by &&
              our___umoddi3((uint64_t)value, by) == (uint64_t)value % by, "division", theirs, "", "");
}

static int by_value(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

static void sorting(void)
{
    int ours[300], theirs[300], count = (int)(random_bits() % 300), range = 1 << random_bits() % 20;
    for (int i = 0; i < count; i++)
        ours[i] = theirs[i] = (int)(random_bits() % (unsigned)range);
    our_qsort(ours, (size_t)count, sizeof *ours, by_value);
    qsort(theirs, (size_t)count, sizeof *theirs, by_value);
    check(!memcmp(ours, theirs, (size_t)count * sizeof *ours), "qsort", "", "", "");
}

static void times(void)
{
    static const char format[] = "%a %A %b %B %d %H %I %j %m %M %p %S %U %w %W %y %Y";
    int64_t time = (int64_t)(random_bits() % 0x7FFFFFFF);
    time_t host_time = (time_t)time;
    char ours[200], theirs[200];
    struct tm *our_tm = our__gmtime64(&time), copy;
    memcpy(&copy, our_tm, 36);
    our_strftime(ours, sizeof ours, format, our_tm);
    strftime(theirs, sizeof theirs, format, gmtime(&host_time));
    check(!strcmp(ours, theirs), "time", "", ours, theirs);
    check(our__mktime64(&copy) == time, "mktime", theirs, "", "");
}

static double worst;

/* How far from the truth, in units of the last place. */
static void near(const char *what, double ours, long double truth)
{
    double nearest = (double)truth, unit, distance;
    char text[40];
    if (!isfinite(nearest) || fabs(nearest) < 1e-300)
        return;
    unit = nextafter(fabs(nearest), INFINITY) - fabs(nearest);
    distance = (double)fabsl(ours - truth) / unit;
    worst = distance > worst ? distance : worst;
    snprintf(text, sizeof text, "%.17g", ours);
    check(distance < 1, what, "", text, "");
}

static void reals(void)
{
    /* Volatile: the x87 would hand the host's functions more digits than ours are given. */
    volatile double small = (double)(int64_t)random_bits() / 0x1p63, angle = small * 1000, power_of_e = small * 700;
    volatile double few = small * 5, exponent = small * 30, x = random_double(), y = random_double();
    int our_power, power;
    near("sin", our_sin(angle), sinl(angle));
    near("cos", our_cos(angle), cosl(angle));
    near("tan", our_tan(angle), tanl(angle));
    near("exp", our_exp(power_of_e), expl(power_of_e));
    near("log", our_log(fabs(x)), logl(fabs(x)));
    near("asin", our_asin(small), asinl(small));
    near("atan", our_atan(angle), atanl(angle));
    near("sinh", our_sinh(few), sinhl(few));
    near("tanh", our_tanh(few), tanhl(few));
    near("pow", our_pow(fabs(angle), exponent), powl(fabs(angle), exponent));
    check(our_floor(x) == floor(x) && our_ceil(x) == ceil(x), "floor", "", "", "");
    check(y == 0 || bits_of(our_fmod(x, y)) == bits_of(fmod(x, y)), "fmod", "", "", "");
    check(our_frexp(x, &our_power) == frexp(x, &power) && our_power == power, "frexp", "", "", "");
    check(our_ldexp(x, (int)(y < 0) * -1060) == ldexp(x, (int)(y < 0) * -1060), "ldexp", "", "", "");
}

int main(int count, char **arguments)
{
    long rounds = count > 1 ? atol(arguments[1]) : 100000;
    for (long i = 0; i < rounds; i++) {
        doubles();
        integers();
        times();
        reals();
        if (i % 100 == 0)
            sorting();
    }
    printf("%ld rounds, %ld differences; functions of reals within %.3f units of the last place\n", rounds, differences,
           worst);
    return differences != 0;
}
