/* Dates and times as text, by the pictures of the one locale or of the caller. */

#include "base.h"

typedef struct {
    PWSTR buffer;
    int size, used;
} Out;

static void Put(Out *out, WCHAR character)
{
    if (out->used < out->size)
        out->buffer[out->used] = character;
    out->used++;
}

static void PutText(Out *out, PCWSTR text)
{
    while (*text != 0)
        Put(out, *text++);
}

static void PutNumber(Out *out, int value, int digits)
{
    WCHAR text[12];
    _snwprintf(text, COUNT_OF(text), digits >= 2 ? L"%02d" : L"%d", value);
    PutText(out, text);
}

static void PutFact(Out *out, LCTYPE type)
{
    WCHAR text[80];
    if (GetLocaleInfoW(LOCALE_USER_DEFAULT, type, text, COUNT_OF(text)) != 0)
        PutText(out, text);
}

/* A piece in quotation marks stands for itself; two of them for one. Returns what was read. */
static int PutQuoted(Out *out, PCWSTR picture)
{
    int at = 1;
    for (; picture[at] != 0; at++) {
        if (picture[at] == '\'' && picture[at + 1] != '\'')
            return at + 1;
        at += picture[at] == '\'';
        Put(out, picture[at]);
    }
    return at;
}

static int RunOf(PCWSTR picture)
{
    int length = 1;
    while (picture[length] == picture[0])
        length++;
    return length;
}

static void PutDatePart(Out *out, WCHAR letter, int count, const SYSTEMTIME *time)
{
    /* The names of days begin with Monday. */
    LCTYPE day = (LCTYPE)(time->wDayOfWeek + 6) % 7, month = time->wMonth - 1u;
    switch (letter) {
    case 'd':
        if (count <= 2)
            PutNumber(out, time->wDay, count);
        else
            PutFact(out, (count == 3 ? LOCALE_SABBREVDAYNAME1 : LOCALE_SDAYNAME1) + day);
        break;
    case 'M':
        if (count <= 2)
            PutNumber(out, time->wMonth, count);
        else
            PutFact(out, (count == 3 ? LOCALE_SABBREVMONTHNAME1 : LOCALE_SMONTHNAME1) + month);
        break;
    case 'y':
        if (count <= 2)
            PutNumber(out, time->wYear % 100, count);
        else
            PutNumber(out, time->wYear, 4);
        break;
    default:
        PutText(out, L"A.D.");
        break;
    }
}

static void PutTimePart(Out *out, WCHAR letter, int count, const SYSTEMTIME *time)
{
    int hour = time->wHour % 12 == 0 ? 12 : time->wHour % 12;
    switch (letter) {
    case 'h': PutNumber(out, hour, count); break;
    case 'H': PutNumber(out, time->wHour, count); break;
    case 'm': PutNumber(out, time->wMinute, count); break;
    case 's': PutNumber(out, time->wSecond, count); break;
    default:
        Put(out, time->wHour < 12 ? 'A' : 'P');
        if (count > 1)
            Put(out, 'M');
        break;
    }
}

static int Format(PCWSTR picture, PCWSTR letters, BOOL is_date, const SYSTEMTIME *time, PWSTR buffer, int size)
{
    Out out = {buffer, size, 0};
    while (*picture != 0) {
        int length = 1;
        if (*picture == '\'')
            length = PutQuoted(&out, picture);
        else if (wcschr(letters, *picture) == NULL)
            Put(&out, *picture);
        else if (length = RunOf(picture), is_date)
            PutDatePart(&out, *picture, length, time);
        else
            PutTimePart(&out, *picture, length, time);
        picture += length;
    }
    Put(&out, 0);
    return size != 0 && out.used > size ? BaseFail(ERROR_INSUFFICIENT_BUFFER) : out.used;
}

/* The date of a time with the right day of the week; the caller's own day does not count. */
static BOOL Checked(const SYSTEMTIME *from, BOOL is_date, SYSTEMTIME *out)
{
    FILETIME number;
    if (from == NULL) {
        GetLocalTime(out);
        return TRUE;
    }
    SYSTEMTIME time = *from;
    if (!is_date)
        time.wYear = 2000, time.wMonth = time.wDay = 1;
    else
        time.wHour = time.wMinute = time.wSecond = time.wMilliseconds = 0;
    return (SystemTimeToFileTime(&time, &number) && FileTimeToSystemTime(&number, out)) ||
           BaseFail(ERROR_INVALID_PARAMETER);
}

int WINAPI GetDateFormatW(LCID locale, DWORD flags, const SYSTEMTIME *date, LPCWSTR picture, LPWSTR buffer, int size)
{
    WCHAR usual[80];
    SYSTEMTIME time;
    LCTYPE type = flags & DATE_LONGDATE ? LOCALE_SLONGDATE : flags & DATE_YEARMONTH ? LOCALE_SYEARMONTH : LOCALE_SSHORTDATE;
    if (!IsValidLocale(locale, 0) || size < 0 || (picture != NULL && flags & (DATE_LONGDATE | DATE_SHORTDATE | DATE_YEARMONTH)))
        return BaseFail(picture != NULL && size >= 0 ? ERROR_INVALID_FLAGS : ERROR_INVALID_PARAMETER);
    if (!Checked(date, TRUE, &time))
        return 0;
    if (picture == NULL)
        GetLocaleInfoW(locale, type, usual, COUNT_OF(usual));
    return Format(picture != NULL ? picture : usual, L"dMyg", TRUE, &time, buffer, size);
}

/* Leaves out of a picture the parts that the flags do not want, with the separator before them. */
static void Without(PWSTR picture, PCWSTR letters)
{
    PWSTR to = picture;
    for (PCWSTR from = picture; *from != 0; from++) {
        if (wcschr(letters, *from) == NULL) {
            *to++ = *from;
            continue;
        }
        while (to > picture && (to[-1] == ':' || to[-1] == ' '))
            to--;
    }
    *to = 0;
}

int WINAPI GetTimeFormatW(LCID locale, DWORD flags, const SYSTEMTIME *clock, LPCWSTR picture, LPWSTR buffer, int size)
{
    WCHAR usual[80];
    SYSTEMTIME time;
    if (!IsValidLocale(locale, 0) || size < 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!Checked(clock, FALSE, &time))
        return 0;
    if (picture == NULL)
        GetLocaleInfoW(locale, LOCALE_STIMEFORMAT, usual, COUNT_OF(usual));
    else if (wcslen(picture) < COUNT_OF(usual))
        wcscpy(usual, picture);
    else
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (flags & TIME_NOMINUTESORSECONDS)
        Without(usual, L"ms");
    else if (flags & TIME_NOSECONDS)
        Without(usual, L"s");
    if (flags & TIME_NOTIMEMARKER)
        Without(usual, L"t");
    for (PWSTR at = usual; flags & TIME_FORCE24HOURFORMAT && *at != 0; at++)
        if (*at == 'h')
            *at = 'H';
    return Format(usual, L"hHmst", FALSE, &time, buffer, size);
}

typedef int(WINAPI *WideFormat)(LCID, DWORD, const SYSTEMTIME *, LPCWSTR, LPWSTR, int);

static int Narrowed(WideFormat call, LCID locale, DWORD flags, const SYSTEMTIME *time, LPCSTR picture, LPSTR buffer, int size)
{
    WCHAR wide[256];
    PWSTR wide_picture = BaseWide(picture);
    int length = call(locale, flags, time, wide_picture, wide, COUNT_OF(wide));
    BaseRelease(wide_picture);
    if (length == 0 || size == 0)
        return length;
    if (length > size)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    RtlUnicodeToMultiByteN(buffer, (ULONG)size, NULL, wide, (ULONG)length * sizeof(WCHAR));
    return length;
}

int WINAPI GetDateFormatA(LCID locale, DWORD flags, const SYSTEMTIME *date, LPCSTR picture, LPSTR buffer, int size)
{
    return Narrowed(GetDateFormatW, locale, flags, date, picture, buffer, size);
}

int WINAPI GetTimeFormatA(LCID locale, DWORD flags, const SYSTEMTIME *clock, LPCSTR picture, LPSTR buffer, int size)
{
    return Narrowed(GetTimeFormatW, locale, flags, clock, picture, buffer, size);
}
