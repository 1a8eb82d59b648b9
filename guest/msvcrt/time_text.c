/* Times as text: asctime, ctime and strftime in the C locale. */
#include "crt.h"

static const char weekdays[7][10] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char months[12][10] = {"January", "February", "March",     "April",   "May",      "June",
                                    "July",    "August",   "September", "October", "November", "December"};
struct tm *_gmtime64(const time64 *time);

static const char *name_of(const char names[][10], int count, int index)
{
    return (unsigned)index < (unsigned)count ? names[index] : "?";
}

char *asctime(const struct tm *tm)
{
    char *text = crt_thread()->time_text;
    if (_snprintf(text, 26, "%.3s %.3s %02d %02d:%02d:%02d %d\n", name_of(weekdays, 7, tm->tm_wday),
                  name_of(months, 12, tm->tm_mon), tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec,
                  1900 + tm->tm_year) < 0) {
        errno = EINVAL;
        return 0;
    }
    return text;
}

static wchar_t *widened(const char *text)
{
    wchar_t *wide = crt_thread()->wide_time_text;
    if (!text)
        return 0;
    for (size_t i = 0; i == 0 || text[i - 1]; i++)
        wide[i] = (unsigned char)text[i];
    return wide;
}

wchar_t *_wasctime(const struct tm *tm)
{
    return widened(asctime(tm));
}

char *_ctime64(const time64 *time)
{
    struct tm *tm = _gmtime64(time);
    return tm ? asctime(tm) : 0;
}

char *ctime(const time32 *time)
{
    time64 wide = time ? *time : -1;
    return _ctime64(&wide);
}

wchar_t *_wctime64(const time64 *time)
{
    return widened(_ctime64(time));
}

wchar_t *_wctime(const time32 *time)
{
    return widened(ctime(time));
}

char *_strdate(char *text)
{
    time64 now;
    time64 _time64(time64 * place);
    struct tm tm;
    _time64(&now);
    crt_break_down(now, &tm);
    _snprintf(text, 9, "%02d/%02d/%02d", tm.tm_mon + 1, tm.tm_mday, tm.tm_year % 100);
    return text;
}

char *_strtime(char *text)
{
    time64 now;
    time64 _time64(time64 * place);
    struct tm tm;
    _time64(&now);
    crt_break_down(now, &tm);
    _snprintf(text, 9, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    return text;
}

/* Output of strftime: `room` counts the end mark. */
struct output {
    void *text;
    int wide;
    size_t used, room;
};

static void put(struct output *output, unsigned unit)
{
    if (output->used < output->room) {
        if (output->wide)
            ((wchar_t *)output->text)[output->used] = (wchar_t)unit;
        else
            ((char *)output->text)[output->used] = (char)unit;
    }
    output->used++;
}

static void put_text(struct output *output, const char *text, size_t most)
{
    for (; *text && most; text++, most--)
        put(output, (unsigned char)*text);
}

static void put_number(struct output *output, int value, int width, int plain)
{
    char text[16];
    _snprintf(text, sizeof text, plain ? "%d" : "%0*d", plain ? value : width, value);
    put_text(output, text, sizeof text);
}

/* Weeks of the year that begin with this weekday; the days before the first of them are week 0. */
static int week_of(const struct tm *tm, int first_day)
{
    return (tm->tm_yday + 7 - (tm->tm_wday + 7 - first_day) % 7) / 7;
}

static void put_date(struct output *output, const struct tm *tm)
{
    put_number(output, tm->tm_mon + 1, 2, 0);
    put(output, '/');
    put_number(output, tm->tm_mday, 2, 0);
    put(output, '/');
    put_number(output, tm->tm_year % 100, 2, 0);
}

static void put_time(struct output *output, const struct tm *tm)
{
    put_number(output, tm->tm_hour, 2, 0);
    put(output, ':');
    put_number(output, tm->tm_min, 2, 0);
    put(output, ':');
    put_number(output, tm->tm_sec, 2, 0);
}

static void put_long_date(struct output *output, const struct tm *tm)
{
    put_text(output, name_of(weekdays, 7, tm->tm_wday), 10);
    put_text(output, ", ", 2);
    put_text(output, name_of(months, 12, tm->tm_mon), 10);
    put(output, ' ');
    put_number(output, tm->tm_mday, 2, 0);
    put_text(output, ", ", 2);
    put_number(output, tm->tm_year + 1900, 4, 0);
}

/* One conversion; `plain` is '#', which drops zeros in front and asks for long dates. */
static int convert(struct output *output, unsigned letter, int plain, const struct tm *tm)
{
    int hour = tm->tm_hour % 12;
    switch (letter) {
    case 'a': put_text(output, name_of(weekdays, 7, tm->tm_wday), 3); break;
    case 'A': put_text(output, name_of(weekdays, 7, tm->tm_wday), 10); break;
    case 'b': put_text(output, name_of(months, 12, tm->tm_mon), 3); break;
    case 'B': put_text(output, name_of(months, 12, tm->tm_mon), 10); break;
    case 'c':
        if (plain)
            put_long_date(output, tm);
        else
            put_date(output, tm);
        put(output, ' ');
        put_time(output, tm);
        break;
    case 'd': put_number(output, tm->tm_mday, 2, plain); break;
    case 'H': put_number(output, tm->tm_hour, 2, plain); break;
    case 'I': put_number(output, hour ? hour : 12, 2, plain); break;
    case 'j': put_number(output, tm->tm_yday + 1, 3, plain); break;
    case 'm': put_number(output, tm->tm_mon + 1, 2, plain); break;
    case 'M': put_number(output, tm->tm_min, 2, plain); break;
    case 'p': put_text(output, tm->tm_hour < 12 ? "AM" : "PM", 2); break;
    case 'S': put_number(output, tm->tm_sec, 2, plain); break;
    case 'U': put_number(output, week_of(tm, 0), 2, plain); break;
    case 'w': put_number(output, tm->tm_wday, 1, plain); break;
    case 'W': put_number(output, week_of(tm, 1), 2, plain); break;
    case 'x':
        if (plain)
            put_long_date(output, tm);
        else
            put_date(output, tm);
        break;
    case 'X': put_time(output, tm); break;
    case 'y': put_number(output, tm->tm_year % 100, 2, plain); break;
    case 'Y': put_number(output, tm->tm_year + 1900, 4, plain); break;
    case 'z': case 'Z': put_text(output, "UTC", 3); break;
    case '%': put(output, '%'); break;
    default: return -1;
    }
    return 0;
}

static size_t write_time(struct output *output, const void *format, const struct tm *tm)
{
    unsigned unit;
    for (size_t i = 0; (unit = crt_at(format, output->wide, i)); i++) {
        int plain = 0;
        if (unit != '%') {
            put(output, unit);
            continue;
        }
        unit = crt_at(format, output->wide, ++i);
        if (unit == '#') {
            plain = 1;
            unit = crt_at(format, output->wide, ++i);
        }
        if (!unit || convert(output, unit, plain, tm)) {
            errno = EINVAL;
            output->used = output->room;
            break;
        }
    }
    put(output, 0);
    if (output->used <= output->room)
        return output->used - 1;
    if (output->room) {
        output->used = 0;
        put(output, 0);
    }
    return 0;
}

size_t strftime(char *text, size_t room, const char *format, const struct tm *tm)
{
    struct output output = {text, 0, 0, room};
    return write_time(&output, format, tm);
}

size_t wcsftime(wchar_t *text, size_t room, const wchar_t *format, const struct tm *tm)
{
    struct output output = {text, 1, 0, room};
    return write_time(&output, format, tm);
}
