/* Time of day, the calendar, counters. */

#include "base.h"

static LONGLONG SystemTime(void)
{
    ULONG low;
    LONG high;
    do {
        high = SharedUserData->SystemTime.High1Time;
        low = SharedUserData->SystemTime.LowPart;
    } while (high != SharedUserData->SystemTime.High2Time);
    return (LONGLONG)high << 32 | low;
}

static LONGLONG ToNumber(const FILETIME *time) { return (LONGLONG)time->dwHighDateTime << 32 | time->dwLowDateTime; }

static void FromNumber(LONGLONG value, LPFILETIME time)
{
    time->dwLowDateTime = (DWORD)value;
    time->dwHighDateTime = (DWORD)(value >> 32);
}

/* Ticks times the multiplier, a fixed-point number with 24 bits behind the point, are milliseconds. */
DWORD WINAPI GetTickCount(VOID)
{
    return (DWORD)((ULONGLONG)SharedUserData->TickCountLow * SharedUserData->TickCountMultiplier >> 24);
}

BOOL WINAPI QueryPerformanceCounter(PLARGE_INTEGER count) { return BaseCheck(NtQueryPerformanceCounter(count, NULL)); }

BOOL WINAPI QueryPerformanceFrequency(PLARGE_INTEGER frequency)
{
    LARGE_INTEGER count;
    return BaseCheck(NtQueryPerformanceCounter(&count, frequency));
}

VOID WINAPI GetSystemTimeAsFileTime(LPFILETIME time) { FromNumber(SystemTime(), time); }

BOOL WINAPI FileTimeToSystemTime(const FILETIME *time, LPSYSTEMTIME out)
{
    LARGE_INTEGER number = {.QuadPart = ToNumber(time)};
    TIME_FIELDS fields;
    if (number.QuadPart < 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    RtlTimeToTimeFields(&number, &fields);
    *out = (SYSTEMTIME){(WORD)fields.Year, (WORD)fields.Month, (WORD)fields.Weekday, (WORD)fields.Day,
                        (WORD)fields.Hour, (WORD)fields.Minute, (WORD)fields.Second, (WORD)fields.Milliseconds};
    return TRUE;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME out)
{
    TIME_FIELDS fields = {(SHORT)time->wYear,   (SHORT)time->wMonth,  (SHORT)time->wDay,          (SHORT)time->wHour,
                          (SHORT)time->wMinute, (SHORT)time->wSecond, (SHORT)time->wMilliseconds, 0};
    LARGE_INTEGER number;
    if (!RtlTimeFieldsToTime(&fields, &number))
        return BaseFail(ERROR_INVALID_PARAMETER);
    FromNumber(number.QuadPart, out);
    return TRUE;
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *time, LPFILETIME local)
{
    LARGE_INTEGER number = {.QuadPart = ToNumber(time)};
    RtlSystemTimeToLocalTime(&number, &number);
    FromNumber(number.QuadPart, local);
    return TRUE;
}

BOOL WINAPI LocalFileTimeToFileTime(const FILETIME *local, LPFILETIME time)
{
    LARGE_INTEGER number = {.QuadPart = ToNumber(local)};
    RtlLocalTimeToSystemTime(&number, &number);
    FromNumber(number.QuadPart, time);
    return TRUE;
}

LONG WINAPI CompareFileTime(const FILETIME *one, const FILETIME *other)
{
    ULONGLONG left = (ULONGLONG)ToNumber(one), right = (ULONGLONG)ToNumber(other);
    return left < right ? -1 : left > right;
}

VOID WINAPI GetSystemTime(LPSYSTEMTIME out)
{
    FILETIME time;
    GetSystemTimeAsFileTime(&time);
    FileTimeToSystemTime(&time, out);
}

VOID WINAPI GetLocalTime(LPSYSTEMTIME out)
{
    FILETIME time;
    GetSystemTimeAsFileTime(&time);
    FileTimeToLocalFileTime(&time, &time);
    FileTimeToSystemTime(&time, out);
}

BOOL WINAPI SetSystemTime(const SYSTEMTIME *time)
{
    LARGE_INTEGER number;
    FILETIME file_time;
    if (!SystemTimeToFileTime(time, &file_time))
        return FALSE;
    number.QuadPart = ToNumber(&file_time);
    return BaseCheck(NtSetSystemTime(&number, NULL));
}

/* The bias in minutes is the shared page's; the machine has no daylight saving time. */
DWORD WINAPI GetTimeZoneInformation(LPTIME_ZONE_INFORMATION out)
{
    LARGE_INTEGER none = {.QuadPart = 0}, bias;
    memset(out, 0, sizeof *out);
    RtlLocalTimeToSystemTime(&none, &bias);
    out->Bias = (LONG)(bias.QuadPart / 600000000);
    if (out->Bias == 0) {
        wcscpy(out->StandardName, L"UTC");
        wcscpy(out->DaylightName, L"UTC");
    }
    return TIME_ZONE_ID_UNKNOWN;
}

BOOL WINAPI FileTimeToDosDateTime(const FILETIME *time, LPWORD date, LPWORD clock)
{
    SYSTEMTIME parts;
    if (!FileTimeToSystemTime(time, &parts) || parts.wYear < 1980 || parts.wYear > 2107)
        return BaseFail(ERROR_INVALID_PARAMETER);
    *date = (WORD)((parts.wYear - 1980) << 9 | parts.wMonth << 5 | parts.wDay);
    *clock = (WORD)(parts.wHour << 11 | parts.wMinute << 5 | parts.wSecond / 2);
    return TRUE;
}

BOOL WINAPI DosDateTimeToFileTime(WORD date, WORD clock, LPFILETIME time)
{
    SYSTEMTIME parts = {(WORD)(1980 + (date >> 9)), date >> 5 & 15, 0, date & 31, (WORD)(clock >> 11), clock >> 5 & 63,
                        (WORD)((clock & 31) * 2), 0};
    return SystemTimeToFileTime(&parts, time);
}
