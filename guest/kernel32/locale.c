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
};

static PCWSTR FactOf(LCTYPE type)
{
    for (ULONG index = 0; index < COUNT_OF(Facts); index++)
        if (Facts[index].type == (type & 0xffff))
            return Facts[index].text;
    return NULL;
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
        RtlUnicodeStringToInteger(&text, type == (LOCALE_ILANGUAGE | LOCALE_RETURN_NUMBER) ? 16 : 10, &value);
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
