/* Time zones that the caller describes: bias, and the dates when daylight saving time begins and ends. */

#include "base.h"

#define UNITS_IN_MINUTE 600000000LL
#define LAST_WEEK 5

static LONGLONG NumberOf(const SYSTEMTIME *time)
{
    FILETIME number;
    if (!SystemTimeToFileTime(time, &number))
        return -1;
    return (LONGLONG)number.dwHighDateTime << 32 | number.dwLowDateTime;
}

static BOOL TimeOf(LONGLONG number, LPSYSTEMTIME out)
{
    FILETIME time = {(DWORD)number, (DWORD)(number >> 32)};
    return FileTimeToSystemTime(&time, out);
}

/* When a change happens in a year: a date, or the n-th such day of a month (5: the last). -1 for a bad rule. */
static LONGLONG ChangeIn(WORD year, const SYSTEMTIME *rule)
{
    SYSTEMTIME date = *rule, first;
    if (rule->wYear != 0)
        return rule->wYear == year ? NumberOf(rule) : -1;
    date.wYear = year;
    date.wDay = 1;
    LONGLONG number = NumberOf(&date);
    if (number < 0 || rule->wDay < 1 || rule->wDay > LAST_WEEK || !TimeOf(number, &first))
        return -1;
    WORD day = (WORD)(1 + (rule->wDayOfWeek + 7 - first.wDayOfWeek) % 7 + 7 * (rule->wDay - 1));
    do {
        date.wDay = day;
        number = NumberOf(&date);
        day -= 7;
    } while (number < 0 && day > 21);
    return number;
}

/* The minutes to be added to a local time to make it universal. `time` is local when `is_local`, else universal. */
static BOOL BiasAt(const TIME_ZONE_INFORMATION *zone, LONGLONG time, BOOL is_local, LONG *bias)
{
    SYSTEMTIME date;
    LONG standard = zone->Bias + zone->StandardBias, daylight = zone->Bias + zone->DaylightBias;
    *bias = zone->Bias;
    if (zone->StandardDate.wMonth == 0 || zone->DaylightDate.wMonth == 0)
        return TRUE;
    if (!TimeOf(is_local ? time : time - zone->Bias * UNITS_IN_MINUTE, &date))
        return FALSE;
    /* The rules are local times: the day's begin in standard time, the end in daylight time. */
    LONGLONG begin = ChangeIn(date.wYear, &zone->DaylightDate), end = ChangeIn(date.wYear, &zone->StandardDate);
    if (begin < 0 || end < 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!is_local) {
        begin += standard * UNITS_IN_MINUTE;
        end += daylight * UNITS_IN_MINUTE;
    }
    BOOL is_daylight = begin < end ? time >= begin && time < end : time >= begin || time < end;
    *bias = is_daylight ? daylight : standard;
    return TRUE;
}

static BOOL Convert(const TIME_ZONE_INFORMATION *zone, const SYSTEMTIME *from, BOOL is_local, LPSYSTEMTIME to)
{
    TIME_ZONE_INFORMATION own;
    LONG bias;
    if (zone == NULL) {
        GetTimeZoneInformation(&own);
        zone = &own;
    }
    LONGLONG number = NumberOf(from);
    if (number < 0 || !BiasAt(zone, number, is_local, &bias))
        return FALSE;
    return TimeOf(number + (is_local ? bias : -bias) * UNITS_IN_MINUTE, to);
}

BOOL WINAPI SystemTimeToTzSpecificLocalTime(const TIME_ZONE_INFORMATION *zone, const SYSTEMTIME *time, LPSYSTEMTIME local)
{
    return Convert(zone, time, FALSE, local);
}

BOOL WINAPI TzSpecificLocalTimeToSystemTime(const TIME_ZONE_INFORMATION *zone, const SYSTEMTIME *local, LPSYSTEMTIME time)
{
    return Convert(zone, local, TRUE, time);
}

BOOL WINAPI SetLocalTime(const SYSTEMTIME *local)
{
    SYSTEMTIME time;
    return Convert(NULL, local, TRUE, &time) && SetSystemTime(&time);
}

/* The clock is not slewed. */
BOOL WINAPI GetSystemTimeAdjustment(PDWORD adjustment, PDWORD increment, PBOOL disabled)
{
    SYSTEM_BASIC_INFORMATION basic;
    if (!BaseCheck(NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof basic, NULL)))
        return FALSE;
    *adjustment = *increment = basic.TimerResolution;
    *disabled = TRUE;
    return TRUE;
}
