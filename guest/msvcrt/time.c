/* Times: seconds since 1970 and calendar dates, in the one time zone there is, UTC.
 * Days and dates by counting years from March, as in E. G. Richards, "Mapping Time" (1998). */
#include "crt.h"

enum { DAY = 86400, TICKS = 10000000 };
#define EPOCH 116444736000000000ll /* 1970 in the system's 100 ns since 1601 */
#define LAST_TIME 32535215999ll     /* the end of the year 3000, where msvcrt's calendar ends */

long _timezone;
int _daylight;
long _dstbias;
static char zone_name[64] = "UTC", summer_name[64] = "UTC";
char *_tzname[2] = {zone_name, summer_name};

long *__p__timezone(void)
{
    return &_timezone;
}

int *__p__daylight(void)
{
    return &_daylight;
}

long *__p__dstbias(void)
{
    return &_dstbias;
}

char **__p__tzname(void)
{
    return _tzname;
}

void _tzset(void)
{
}

static int64_t ticks_of(const FILETIME *time)
{
    return (int64_t)((uint64_t)time->high << 32 | time->low);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

time64 crt_time_of(const FILETIME *time)
{
    return ticks_of(time) ? floor_divide(ticks_of(time) - EPOCH, TICKS) : 0;
}

FILETIME crt_filetime_of(time64 time)
{
    uint64_t ticks = (uint64_t)(time * TICKS + EPOCH);
    return (FILETIME){(DWORD)ticks, (DWORD)(ticks >> 32)};
}

time64 _time64(time64 *place)
{
    FILETIME now;
    time64 time;
    GetSystemTimeAsFileTime(&now);
    time = crt_time_of(&now);
    if (place)
        *place = time;
    return time;
}

time32 time(time32 *place)
{
    time32 now = (time32)_time64(0);
    if (place)
        *place = now;
    return now;
}

static int64_t start_ticks;

void crt_time_start(void)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    start_ticks = ticks_of(&now);
}

/* Milliseconds since the process began. */
long clock(void)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    return (long)((ticks_of(&now) - start_ticks) / 10000);
}

double difftime(time32 end, time32 start)
{
    return (double)end - (double)start;
}

double _difftime64(time64 end, time64 start)
{
    return (double)(end - start);
}

/* Days since 1970 of a date; the month is 0 to 11, and any day is counted on from the month's first. */
static int64_t days_of(int64_t year, int month, int64_t day)
{
    int64_t from_march = month < 2 ? month + 10 : month - 2, era, in_era;
    year -= month < 2;
    era = floor_divide(year, 400);
    in_era = year - era * 400;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

struct tm *crt_break_down(time64 time, struct tm *tm)
{
    int64_t days = floor_divide(time, DAY), from_era, era, year, from_march, month;
    int second = (int)(time - days * DAY);
    if (time < 0 || time > LAST_TIME)
        return 0;
    era = (days + 719468) / 146097;
    from_era = days + 719468 - era * 146097;
    year = (from_era - from_era / 1460 + from_era / 36524 - from_era / 146096) / 365;
    from_march = from_era - (365 * year + year / 4 - year / 100);
    month = (5 * from_march + 2) / 153;
    tm->tm_mday = (int)(from_march - (153 * month + 2) / 5 + 1);
    tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    year += era * 400 + (tm->tm_mon < 2);
    tm->tm_year = (int)(year - 1900);
    tm->tm_wday = (int)((days + 4) % 7);
    tm->tm_yday = (int)(days - days_of(year, 0, 1));
    tm->tm_hour = second / 3600;
    tm->tm_min = second / 60 % 60;
    tm->tm_sec = second % 60;
    tm->tm_isdst = 0;
    return tm;
}

struct tm *_gmtime64(const time64 *time)
{
    struct tm *tm = time ? crt_break_down(*time, &crt_thread()->tm) : 0;
    if (!tm)
        errno = EINVAL;
    return tm;
}

struct tm *gmtime(const time32 *time)
{
    time64 wide = time ? *time : -1;
    return _gmtime64(&wide);
}

struct tm *_localtime64(const time64 *time)
{
    return _gmtime64(time);
}

struct tm *localtime(const time32 *time)
{
    return gmtime(time);
}

/* Any values are taken, and brought into their ranges. */
time64 _mktime64(struct tm *tm)
{
    int64_t months = (int64_t)tm->tm_year * 12 + tm->tm_mon, year = floor_divide(months, 12);
    int64_t days = days_of(1900 + year, (int)(months - year * 12), tm->tm_mday);
    time64 time = days * DAY + (int64_t)tm->tm_hour * 3600 + (int64_t)tm->tm_min * 60 + tm->tm_sec;
    struct tm result;
    if (!crt_break_down(time, &result)) {
        errno = EINVAL;
        return -1;
    }
    *tm = result;
    return time;
}

time64 _mkgmtime64(struct tm *tm)
{
    return _mktime64(tm);
}

time32 mktime(struct tm *tm)
{
    struct tm copy = *tm;
    time64 time = _mktime64(&copy);
    if (time != (time32)time) {
        errno = EINVAL;
        return -1;
    }
    *tm = copy;
    return (time32)time;
}

time32 _mkgmtime(struct tm *tm)
{
    return mktime(tm);
}

struct timeb64 {
    time64 time;
    unsigned short milliseconds;
    short zone, summer;
};
struct timeb32 {
    time32 time;
    unsigned short milliseconds;
    short zone, summer;
};

void _ftime64(struct timeb64 *result)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    *result = (struct timeb64){crt_time_of(&now), (unsigned short)(ticks_of(&now) / 10000 % 1000), 0, 0};
}

void _ftime(struct timeb32 *result)
{
    struct timeb64 now;
    _ftime64(&now);
    *result = (struct timeb32){(time32)now.time, now.milliseconds, 0, 0};
}
