/* Numbers and amounts of money as text: digits rounded and grouped. */

#include "base.h"

#define MOST_DIGITS 300

/* A number's digits in front of the point and behind it. */
typedef struct {
    WCHAR whole[MOST_DIGITS], fraction[MOST_DIGITS];
    int whole_count, fraction_count;
    BOOL is_negative;
} Digits;

static BOOL Parse(PCWSTR text, Digits *out)
{
    memset(out, 0, sizeof *out);
    out->is_negative = *text == '-';
    text += out->is_negative;
    BOOL is_fraction = FALSE;
    for (; *text != 0; text++) {
        if (*text == '.' && !is_fraction)
            is_fraction = TRUE;
        else if (*text < '0' || *text > '9' || out->whole_count == MOST_DIGITS - 1 || out->fraction_count == MOST_DIGITS - 1)
            return BaseFail(ERROR_INVALID_PARAMETER);
        else if (is_fraction)
            out->fraction[out->fraction_count++] = *text;
        else if (out->whole_count > 0 || *text != '0')
            out->whole[out->whole_count++] = *text;
    }
    return TRUE;
}

/* Half is rounded up. Fewer digits than wanted are filled with zeros. */
static void Round(Digits *digits, int wanted)
{
    BOOL carries = wanted < digits->fraction_count && digits->fraction[wanted] >= '5';
    while (digits->fraction_count < wanted)
        digits->fraction[digits->fraction_count++] = '0';
    digits->fraction_count = wanted;
    for (int index = wanted; carries && index-- > 0;) {
        carries = digits->fraction[index] == '9';
        digits->fraction[index] = carries ? '0' : digits->fraction[index] + 1;
    }
    for (int index = digits->whole_count; carries && index-- > 0;) {
        carries = digits->whole[index] == '9';
        digits->whole[index] = carries ? '0' : digits->whole[index] + 1;
    }
    if (carries) {
        memmove(digits->whole + 1, digits->whole, (size_t)digits->whole_count * sizeof(WCHAR));
        digits->whole[0] = '1';
        digits->whole_count++;
    }
    BOOL is_zero = digits->whole_count == 0;
    for (int index = 0; is_zero && index < digits->fraction_count; index++)
        is_zero = digits->fraction[index] == '0';
    digits->is_negative = digits->is_negative && !is_zero;
}

static PWSTR Append(PWSTR to, PCWSTR text)
{
    while (*text != 0)
        *to++ = *text++;
    return to;
}

/* A grouping is decimal digits, the group next to the point first: 3 for thousands, 32 for the Indian way; 30 does not
   repeat its group of three. */
static BOOL EndsGroup(UINT grouping, int from_right)
{
    UINT groups[8], count = 0;
    for (; grouping != 0 && count < COUNT_OF(groups); grouping /= 10)
        groups[count++] = grouping % 10;
    int left = from_right;
    for (UINT index = count; index-- > 0;) {
        BOOL repeats = index == 0 && groups[0] != 0;
        if (groups[index] == 0)
            return FALSE;
        if (repeats)
            return left > 0 && left % (int)groups[index] == 0;
        left -= (int)groups[index];
        if (left <= 0)
            return left == 0;
    }
    return FALSE;
}

static PWSTR AppendDigits(PWSTR to, const Digits *digits, UINT grouping, BOOL leading_zero, PCWSTR point, PCWSTR thousands)
{
    if (digits->whole_count == 0 && (leading_zero || digits->fraction_count == 0))
        *to++ = '0';
    for (int index = 0; index < digits->whole_count; index++) {
        if (index > 0 && EndsGroup(grouping, digits->whole_count - index))
            to = Append(to, thousands);
        *to++ = digits->whole[index];
    }
    if (digits->fraction_count > 0)
        to = Append(to, point);
    for (int index = 0; index < digits->fraction_count; index++)
        *to++ = digits->fraction[index];
    return to;
}

static int CopyOut(PCWSTR text, PWSTR buffer, int size)
{
    int length = (int)wcslen(text) + 1;
    if (size != 0 && length > size)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    if (size != 0)
        memcpy(buffer, text, (size_t)length * sizeof(WCHAR));
    return length;
}

/* Signs as in the order of LOCALE_INEGNUMBER: (1) -1 "- 1" 1- "1 -". */
static const PCWSTR NegativeNumbers[] = {L"(#)", L"-#", L"- #", L"#-", L"# -"};
/* LOCALE_ICURRENCY and LOCALE_INEGCURR. */
static const PCWSTR Amounts[] = {L"$#", L"#$", L"$ #", L"# $"};
static const PCWSTR NegativeAmounts[] = {L"($#)", L"-$#",  L"$-#",  L"$#-",  L"(#$)", L"-#$",  L"#-$",  L"#$-",
                                         L"-# $", L"-$ #", L"# $-", L"$ #-", L"$ -#", L"#- $", L"($ #)", L"(# $)"};

/* The caller's own way, or the locale's: two digits, groups of three. */
static NUMBERFMTW WayOf(const NUMBERFMTW *format)
{
    static const NUMBERFMTW Usual = {2, 1, 3, (PWSTR)L".", (PWSTR)L",", 1};
    return format != NULL ? *format : Usual;
}

static PWSTR Formatted(LCID locale, PCWSTR value, const NUMBERFMTW *way, PCWSTR symbol, UINT positive)
{
    Digits *digits = BaseAllocate(sizeof *digits);
    SIZE_T separators = wcslen(way->lpThousandSep) * MOST_DIGITS + wcslen(way->lpDecimalSep) + wcslen(symbol);
    PWSTR text = BaseAllocate((2 * MOST_DIGITS + 8 + separators) * sizeof(WCHAR)), to = text;
    BOOL is_good = digits != NULL && text != NULL && IsValidLocale(locale, 0) && way->NumDigits <= 9 && Parse(value, digits);
    if (!is_good && digits != NULL && text != NULL)
        BaseFail(ERROR_INVALID_PARAMETER);
    if (is_good) {
        Round(digits, (int)way->NumDigits);
        PCWSTR picture = !digits->is_negative ? (*symbol != 0 ? Amounts[positive & 3] : L"#")
                         : *symbol != 0       ? NegativeAmounts[way->NegativeOrder & 15]
                                              : NegativeNumbers[min(way->NegativeOrder, 4u)];
        for (; *picture != 0; picture++) {
            if (*picture == '#')
                to = AppendDigits(to, digits, way->Grouping, way->LeadingZero != 0, way->lpDecimalSep, way->lpThousandSep);
            else if (*picture == '$')
                to = Append(to, symbol);
            else
                *to++ = *picture;
        }
        *to = 0;
    }
    BaseRelease(digits);
    if (is_good)
        return text;
    BaseRelease(text);
    return NULL;
}

int WINAPI GetNumberFormatW(LCID locale, DWORD flags, LPCWSTR value, const NUMBERFMTW *format, LPWSTR buffer, int size)
{
    NUMBERFMTW way = WayOf(format);
    if (format != NULL && flags != 0)
        return BaseFail(ERROR_INVALID_FLAGS);
    PWSTR text = Formatted(locale, value, &way, L"", 0);
    int length = text != NULL ? CopyOut(text, buffer, size) : 0;
    BaseRelease(text);
    return length;
}

int WINAPI GetCurrencyFormatW(LCID locale, DWORD flags, LPCWSTR value, const CURRENCYFMTW *format, LPWSTR buffer, int size)
{
    NUMBERFMTW way = WayOf(NULL);
    way.NegativeOrder = 0;
    if (format != NULL && flags != 0)
        return BaseFail(ERROR_INVALID_FLAGS);
    if (format != NULL)
        way = (NUMBERFMTW){format->NumDigits,    format->LeadingZero,   format->Grouping,
                           format->lpDecimalSep, format->lpThousandSep, format->NegativeOrder};
    PWSTR text = Formatted(locale, value, &way, format != NULL ? format->lpCurrencySymbol : L"$",
                           format != NULL ? format->PositiveOrder : 0);
    int length = text != NULL ? CopyOut(text, buffer, size) : 0;
    BaseRelease(text);
    return length;
}

static int NarrowOut(PCWSTR wide, int length, LPSTR buffer, int size)
{
    if (length == 0 || size == 0)
        return length;
    if (length > size)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    RtlUnicodeToMultiByteN(buffer, (ULONG)size, NULL, wide, (ULONG)length * sizeof(WCHAR));
    return length;
}

int WINAPI GetNumberFormatA(LCID locale, DWORD flags, LPCSTR value, const NUMBERFMTA *format, LPSTR buffer, int size)
{
    WCHAR wide[512];
    NUMBERFMTW way;
    PWSTR text = BaseWide(value), point = NULL, thousands = NULL;
    if (format != NULL) {
        point = BaseWide(format->lpDecimalSep);
        thousands = BaseWide(format->lpThousandSep);
        way = (NUMBERFMTW){format->NumDigits, format->LeadingZero, format->Grouping, point, thousands, format->NegativeOrder};
    }
    int length = text != NULL ? GetNumberFormatW(locale, flags, text, format != NULL ? &way : NULL, wide, COUNT_OF(wide)) : 0;
    BaseRelease(thousands);
    BaseRelease(point);
    BaseRelease(text);
    return NarrowOut(wide, length, buffer, size);
}

int WINAPI GetCurrencyFormatA(LCID locale, DWORD flags, LPCSTR value, const CURRENCYFMTA *format, LPSTR buffer, int size)
{
    WCHAR wide[512];
    CURRENCYFMTW way;
    PWSTR text = BaseWide(value), point = NULL, thousands = NULL, symbol = NULL;
    if (format != NULL) {
        point = BaseWide(format->lpDecimalSep);
        thousands = BaseWide(format->lpThousandSep);
        symbol = BaseWide(format->lpCurrencySymbol);
        way = (CURRENCYFMTW){format->NumDigits, format->LeadingZero,   format->Grouping,      point,
                             thousands,         format->NegativeOrder, format->PositiveOrder, symbol};
    }
    int length = text != NULL ? GetCurrencyFormatW(locale, flags, text, format != NULL ? &way : NULL, wide, COUNT_OF(wide)) : 0;
    BaseRelease(symbol);
    BaseRelease(thousands);
    BaseRelease(point);
    BaseRelease(text);
    return NarrowOut(wide, length, buffer, size);
}
