/* NT time (100 ns since 1601-01-01 UTC) and the calendar. */

#include "ntdll.h"

#define SECOND 10000000LL
#define DAY (86400 * SECOND)
#define SECONDS_1601_TO_1970 11644473600LL
#define SECONDS_1601_TO_1980 11960006400LL

/* Days from 1601-01-01, a Monday, which starts a 400-year cycle, with March as the first month: then the leap day is
   the last day of its year, and day of year = (153 m + 2) / 5. */
static LONG DaysOf(LONG year, LONG month, LONG day)
{
    LONG shifted = month > 2 ? year : year - 1, of_month = month > 2 ? month - 3 : month + 9;
    LONG since = shifted - 1600;
    return since * 365 + since / 4 - since / 100 + since / 400 + (153 * of_month + 2) / 5 + day - 1 - 306;
}

VOID NTAPI RtlTimeToTimeFields(const LARGE_INTEGER *time, PTIME_FIELDS fields)
{
    LONG days = (LONG)(time->QuadPart / DAY);
    LONG milliseconds = (LONG)(time->QuadPart % DAY / 10000);
    LONG since = days + 306; /* since 1600-03-01 */
    LONG cycle = since / 146097, of_cycle = since % 146097;
    LONG year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    LONG of_year = of_cycle - (365 * year + year / 4 - year / 100);
    LONG month = (5 * of_year + 2) / 153;
    fields->Day = (SHORT)(of_year - (153 * month + 2) / 5 + 1);
    fields->Month = (SHORT)(month < 10 ? month + 3 : month - 9);
    fields->Year = (SHORT)(1600 + cycle * 400 + year + (month >= 10));
    fields->Weekday = (SHORT)((days + 1) % 7);
    fields->Milliseconds = (SHORT)(milliseconds % 1000);
    fields->Second = (SHORT)(milliseconds / 1000 % 60);
    fields->Minute = (SHORT)(milliseconds / 60000 % 60);
    fields->Hour = (SHORT)(milliseconds / 3600000);
}

static LONG DaysInMonth(LONG year, LONG month)
{
    static const CHAR Days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    BOOL is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return Days[month - 1] + (month == 2 && is_leap);
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS fields, PLARGE_INTEGER time)
{
    if (fields->Year < 1601 || fields->Month < 1 || fields->Month > 12 || fields->Day < 1 ||
        fields->Day > DaysInMonth(fields->Year, fields->Month) || fields->Hour < 0 || fields->Hour > 23 ||
        fields->Minute < 0 || fields->Minute > 59 || fields->Second < 0 || fields->Second > 59 ||
        fields->Milliseconds < 0 || fields->Milliseconds > 999)
        return FALSE;
    LONGLONG seconds = (fields->Hour * 60LL + fields->Minute) * 60 + fields->Second;
    time->QuadPart = DaysOf(fields->Year, fields->Month, fields->Day) * DAY + seconds * SECOND +
                     fields->Milliseconds * 10000LL;
    return TRUE;
}

static BOOLEAN ToSeconds(const LARGE_INTEGER *time, LONGLONG epoch, PULONG seconds)
{
    LONGLONG since = time->QuadPart / SECOND - epoch;
    if (since < 0 || since > 0xffffffffLL)
        return FALSE;
    *seconds = (ULONG)since;
    return TRUE;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER *time, PULONG seconds)
{
    return ToSeconds(time, SECONDS_1601_TO_1970, seconds);
}

BOOLEAN NTAPI RtlTimeToSecondsSince1980(const LARGE_INTEGER *time, PULONG seconds)
{
    return ToSeconds(time, SECONDS_1601_TO_1980, seconds);
}

VOID NTAPI RtlSecondsSince1970ToTime(ULONG seconds, PLARGE_INTEGER time)
{
    time->QuadPart = (seconds + SECONDS_1601_TO_1970) * SECOND;
}

VOID NTAPI RtlSecondsSince1980ToTime(ULONG seconds, PLARGE_INTEGER time)
{
    time->QuadPart = (seconds + SECONDS_1601_TO_1980) * SECOND;
}

static LONGLONG Bias(void)
{
    ULONG low;
    LONG high;
    do {
        high = SharedUserData->TimeZoneBias.High1Time;
        low = SharedUserData->TimeZoneBias.LowPart;
    } while (high != SharedUserData->TimeZoneBias.High2Time);
    return (LONGLONG)high << 32 | low;
}

NTSTATUS NTAPI RtlSystemTimeToLocalTime(const LARGE_INTEGER *system, PLARGE_INTEGER local)
{
    local->QuadPart = system->QuadPart - Bias();
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlLocalTimeToSystemTime(const LARGE_INTEGER *local, PLARGE_INTEGER system)
{
    system->QuadPart = local->QuadPart + Bias();
    return STATUS_SUCCESS;
}
