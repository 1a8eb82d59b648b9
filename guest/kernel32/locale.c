/* The one locale, English (United States): mapping strings, and facts about it. */

#include "base.h"

#define ENGLISH_US 0x409

LCID WINAPI GetUserDefaultLCID(VOID) { return ENGLISH_US; }
LCID WINAPI GetSystemDefaultLCID(VOID) { return ENGLISH_US; }
LCID WINAPI GetThreadLocale(VOID) { return ENGLISH_US; }
LANGID WINAPI GetUserDefaultLangID(VOID) { return ENGLISH_US; }
LANGID WINAPI GetSystemDefaultLangID(VOID) { return ENGLISH_US; }
LANGID WINAPI GetUserDefaultUILanguage(VOID) { return ENGLISH_US; }
BOOL WINAPI SetThreadLocale(LCID locale) { return locale == ENGLISH_US || BaseFail(ERROR_INVALID_PARAMETER); }

BOOL WINAPI IsValidLocale(LCID locale, DWORD flags)
{
    (void)flags;
    return locale == ENGLISH_US || locale == LOCALE_USER_DEFAULT || locale == LOCALE_SYSTEM_DEFAULT;
}

#define MAPPINGS (LCMAP_LOWERCASE | LCMAP_UPPERCASE | LCMAP_LINGUISTIC_CASING)

int WINAPI LCMapStringW(LCID locale, DWORD flags, LPCWSTR from, int length, LPWSTR to, int size)
{
    (void)locale;
    if (flags & ~MAPPINGS || from == NULL || length == 0 || size < 0)
        return BaseFail(flags & ~MAPPINGS ? ERROR_INVALID_FLAGS : ERROR_INVALID_PARAMETER);
    if (length < 0)
        length = (int)wcslen(from) + 1;
    if (size == 0)
        return length;
    if (length > size)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    for (int index = 0; index < length; index++) {
        WCHAR character = from[index];
        if (flags & LCMAP_UPPERCASE)
            character = RtlUpcaseUnicodeChar(character);
        else if (flags & LCMAP_LOWERCASE)
            character = RtlDowncaseUnicodeChar(character);
        to[index] = character;
    }
    return length;
}

int WINAPI LCMapStringA(LCID locale, DWORD flags, LPCSTR from, int length, LPSTR to, int size)
{
    if (from == NULL || length == 0 || size < 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (length < 0)
        length = (int)strlen(from) + 1;
    if (size != 0 && length > size)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    for (int index = 0; index < length; index++) {
        WCHAR wide;
        RtlMultiByteToUnicodeN(&wide, sizeof wide, NULL, from + index, 1);
        if (LCMapStringW(locale, flags, &wide, 1, &wide, 1) == 0)
            return 0;
        if (size != 0)
            RtlUnicodeToMultiByteN(to + index, 1, NULL, &wide, sizeof wide);
    }
    return length;
}

/* Facts of the locale by their LCTYPE. */
static const struct {
    LCTYPE type;
    PCWSTR text;
} Facts[] = {
    {LOCALE_ILANGUAGE, L"0409"},        {LOCALE_SLANGUAGE, L"English (United States)"},
    {LOCALE_SENGLANGUAGE, L"English"},  {LOCALE_SABBREVLANGNAME, L"ENU"},
    {LOCALE_ICOUNTRY, L"1"},            {LOCALE_SCOUNTRY, L"United States"},
    {LOCALE_SENGCOUNTRY, L"United States"}, {LOCALE_SABBREVCTRYNAME, L"USA"},
    {LOCALE_IDEFAULTANSICODEPAGE, L"1252"}, {LOCALE_IDEFAULTCODEPAGE, L"1252"},
    {LOCALE_SLIST, L","},               {LOCALE_SDECIMAL, L"."},
    {LOCALE_STHOUSAND, L","},           {LOCALE_SGROUPING, L"3;0"},
    {LOCALE_SCURRENCY, L"$"},           {LOCALE_SDATE, L"/"},
    {LOCALE_STIME, L":"},               {LOCALE_SSHORTDATE, L"M/d/yyyy"},
    {LOCALE_SLONGDATE, L"dddd, MMMM dd, yyyy"}, {LOCALE_STIMEFORMAT, L"h:mm:ss tt"},
    {LOCALE_S1159, L"AM"},              {LOCALE_S2359, L"PM"},
    {LOCALE_SISO639LANGNAME, L"en"},    {LOCALE_SISO3166CTRYNAME, L"US"},
    {LOCALE_SNEGATIVESIGN, L"-"},       {LOCALE_SPOSITIVESIGN, L""},
    {LOCALE_SNATIVELANGNAME, L"English"}, {LOCALE_SNATIVECTRYNAME, L"United States"},
    {LOCALE_IDEFAULTLANGUAGE, L"0409"}, {LOCALE_IDEFAULTCOUNTRY, L"1"},
    {LOCALE_IDEFAULTMACCODEPAGE, L"10000"}, {LOCALE_IMEASURE, L"1"},
    {LOCALE_IDIGITS, L"2"},             {LOCALE_ILZERO, L"1"},
    {LOCALE_INEGNUMBER, L"1"},          {LOCALE_SNATIVEDIGITS, L"0123456789"},
    {LOCALE_SINTLSYMBOL, L"USD"},       {LOCALE_SMONDECIMALSEP, L"."},
    {LOCALE_SMONTHOUSANDSEP, L","},     {LOCALE_SMONGROUPING, L"3;0"},
    {LOCALE_ICURRDIGITS, L"2"},         {LOCALE_IINTLCURRDIGITS, L"2"},
    {LOCALE_ICURRENCY, L"0"},           {LOCALE_INEGCURR, L"0"},
    {LOCALE_SENGCURRNAME, L"US Dollar"}, {LOCALE_SNATIVECURRNAME, L"US Dollar"},
    {LOCALE_SYEARMONTH, L"MMMM, yyyy"}, {LOCALE_ICALENDARTYPE, L"1"},
    {LOCALE_IDATE, L"0"},               {LOCALE_ILDATE, L"0"},
    {LOCALE_ITIME, L"0"},               {LOCALE_ICENTURY, L"1"},
    {LOCALE_ITLZERO, L"0"},             {LOCALE_IDAYLZERO, L"0"},
    {LOCALE_IMONLZERO, L"0"},           {LOCALE_ITIMEMARKPOSN, L"0"},
    {LOCALE_IFIRSTDAYOFWEEK, L"6"},     {LOCALE_IFIRSTWEEKOFYEAR, L"0"},
    {LOCALE_IPAPERSIZE, L"1"},          {LOCALE_SSORTNAME, L"Default"},
    {LOCALE_SDAYNAME1, L"Monday"}, {LOCALE_SDAYNAME2, L"Tuesday"}, {LOCALE_SDAYNAME3, L"Wednesday"},
    {LOCALE_SDAYNAME4, L"Thursday"}, {LOCALE_SDAYNAME5, L"Friday"}, {LOCALE_SDAYNAME6, L"Saturday"},
    {LOCALE_SDAYNAME7, L"Sunday"},
    {LOCALE_SABBREVDAYNAME1, L"Mon"}, {LOCALE_SABBREVDAYNAME2, L"Tue"}, {LOCALE_SABBREVDAYNAME3, L"Wed"},
    {LOCALE_SABBREVDAYNAME4, L"Thu"}, {LOCALE_SABBREVDAYNAME5, L"Fri"}, {LOCALE_SABBREVDAYNAME6, L"Sat"},
    {LOCALE_SABBREVDAYNAME7, L"Sun"},
    {LOCALE_SMONTHNAME1, L"January"}, {LOCALE_SMONTHNAME2, L"February"}, {LOCALE_SMONTHNAME3, L"March"},
    {LOCALE_SMONTHNAME4, L"April"}, {LOCALE_SMONTHNAME5, L"May"}, {LOCALE_SMONTHNAME6, L"June"},
    {LOCALE_SMONTHNAME7, L"July"}, {LOCALE_SMONTHNAME8, L"August"}, {LOCALE_SMONTHNAME9, L"September"},
    {LOCALE_SMONTHNAME10, L"October"}, {LOCALE_SMONTHNAME11, L"November"}, {LOCALE_SMONTHNAME12, L"December"},
    {LOCALE_SABBREVMONTHNAME1, L"Jan"}, {LOCALE_SABBREVMONTHNAME2, L"Feb"}, {LOCALE_SABBREVMONTHNAME3, L"Mar"},
    {LOCALE_SABBREVMONTHNAME4, L"Apr"}, {LOCALE_SABBREVMONTHNAME5, L"May"}, {LOCALE_SABBREVMONTHNAME6, L"Jun"},
    {LOCALE_SABBREVMONTHNAME7, L"Jul"}, {LOCALE_SABBREVMONTHNAME8, L"Aug"}, {LOCALE_SABBREVMONTHNAME9, L"Sep"},
    {LOCALE_SABBREVMONTHNAME10, L"Oct"}, {LOCALE_SABBREVMONTHNAME11, L"Nov"}, {LOCALE_SABBREVMONTHNAME12, L"Dec"},
};

static PCWSTR FactOf(LCTYPE type)
{
    for (ULONG index = 0; index < COUNT_OF(Facts); index++)
        if (Facts[index].type == (type & 0xffff))
            return Facts[index].text;
    return NULL;
}

static BOOL IsHexadecimal(LCTYPE type)
{
    return (type & 0xffff) == LOCALE_ILANGUAGE || (type & 0xffff) == LOCALE_IDEFAULTLANGUAGE;
}

int WINAPI GetLocaleInfoW(LCID locale, LCTYPE type, LPWSTR buffer, int size)
{
    PCWSTR fact = FactOf(type);
    if (!IsValidLocale(locale, 0) || fact == NULL)
        return BaseFail(fact == NULL ? ERROR_INVALID_FLAGS : ERROR_INVALID_PARAMETER);
    if (type & LOCALE_RETURN_NUMBER) {
        UNICODE_STRING text;
        ULONG value = 0;
        RtlInitUnicodeString(&text, fact);
        RtlUnicodeStringToInteger(&text, IsHexadecimal(type) ? 16 : 10, &value);
        if (size >= 2)
            memcpy(buffer, &value, sizeof value);
        return size == 0 || size >= 2 ? 2 : BaseFail(ERROR_INSUFFICIENT_BUFFER);
    }
    int needed = (int)wcslen(fact) + 1;
    if (size == 0)
        return needed;
    if (size < needed)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    memcpy(buffer, fact, (size_t)needed * sizeof(WCHAR));
    return needed;
}

int WINAPI GetLocaleInfoA(LCID locale, LCTYPE type, LPSTR buffer, int size)
{
    WCHAR wide[64];
    if (type & LOCALE_RETURN_NUMBER)
        return GetLocaleInfoW(locale, type, (LPWSTR)buffer, size / (int)sizeof(WCHAR)) * (int)sizeof(WCHAR);
    int needed = GetLocaleInfoW(locale, type, wide, COUNT_OF(wide));
    if (needed == 0 || size == 0)
        return needed;
    if (size < needed)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    BaseNarrow(wide, buffer, (DWORD)size);
    return needed;
}
