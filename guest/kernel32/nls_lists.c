/* What locales, code pages and formats there are: one of each, and UTF-8. */

#include "base.h"

#define ENGLISH_US 0x409

LANGID WINAPI GetSystemDefaultUILanguage(VOID) { return ENGLISH_US; }

/* The neutral and the default locales stand for the one that there is; others stay what they are. */
LCID WINAPI ConvertDefaultLocale(LCID locale)
{
    BOOL is_default = locale == LOCALE_USER_DEFAULT || locale == LOCALE_SYSTEM_DEFAULT || locale == LOCALE_NEUTRAL ||
                      locale == LANG_ENGLISH;
    return is_default ? ENGLISH_US : locale;
}

BOOL WINAPI IsValidLanguageGroup(LGRPID group, DWORD flags)
{
    return group == LGRPID_WESTERN_EUROPE && (flags == LGRPID_INSTALLED || flags == LGRPID_SUPPORTED);
}

static BOOL FillInfo(UINT page, CPINFOEXW *out)
{
    CPINFO plain;
    if (!GetCPInfo(page, &plain))
        return FALSE;
    BOOL is_utf8 = page == CP_UTF8;
    memset(out, 0, sizeof *out);
    out->MaxCharSize = plain.MaxCharSize;
    memcpy(out->DefaultChar, plain.DefaultChar, sizeof out->DefaultChar);
    memcpy(out->LeadByte, plain.LeadByte, sizeof out->LeadByte);
    out->UnicodeDefaultChar = is_utf8 ? 0xfffd : '?';
    out->CodePage = is_utf8 ? CP_UTF8 : GetACP();
    wcscpy(out->CodePageName, is_utf8 ? L"65001 (UTF-8)" : L"1252  (ANSI - Latin I)");
    return TRUE;
}

BOOL WINAPI GetCPInfoExW(UINT page, DWORD flags, LPCPINFOEXW out)
{
    return flags == 0 ? FillInfo(page, out) : BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI GetCPInfoExA(UINT page, DWORD flags, LPCPINFOEXA out)
{
    CPINFOEXW wide;
    if (!GetCPInfoExW(page, flags, &wide))
        return FALSE;
    memcpy(out, &wide, FIELD_OFFSET(CPINFOEXA, CodePageName));
    BaseNarrow(wide.CodePageName, out->CodePageName, sizeof out->CodePageName);
    return TRUE;
}

/* Each is told to the caller's function, until it says FALSE. */
BOOL WINAPI EnumSystemCodePagesW(CODEPAGE_ENUMPROCW call, DWORD flags)
{
    WCHAR own[] = L"1252", utf8[] = L"65001";
    (void)flags;
    return call(own) && (call(utf8), TRUE);
}

BOOL WINAPI EnumSystemCodePagesA(CODEPAGE_ENUMPROCA call, DWORD flags)
{
    CHAR own[] = "1252", utf8[] = "65001";
    (void)flags;
    return call(own) && (call(utf8), TRUE);
}

BOOL WINAPI EnumSystemLocalesW(LOCALE_ENUMPROCW call, DWORD flags)
{
    WCHAR own[] = L"00000409";
    (void)flags;
    call(own);
    return TRUE;
}

BOOL WINAPI EnumSystemLocalesA(LOCALE_ENUMPROCA call, DWORD flags)
{
    CHAR own[] = "00000409";
    (void)flags;
    call(own);
    return TRUE;
}

static BOOL TellFact(LCID locale, LCTYPE type, DATEFMT_ENUMPROCW wide, DATEFMT_ENUMPROCA narrow)
{
    WCHAR text[80];
    CHAR narrowed[80];
    if (GetLocaleInfoW(locale, type, text, COUNT_OF(text)) == 0)
        return FALSE;
    BaseNarrow(text, narrowed, sizeof narrowed);
    if (wide != NULL)
        wide(text);
    else
        narrow(narrowed);
    return TRUE;
}

static LCTYPE DateType(DWORD flags)
{
    return flags == DATE_LONGDATE ? LOCALE_SLONGDATE : flags == DATE_YEARMONTH ? LOCALE_SYEARMONTH : LOCALE_SSHORTDATE;
}

BOOL WINAPI EnumDateFormatsW(DATEFMT_ENUMPROCW call, LCID locale, DWORD flags)
{
    return TellFact(locale, DateType(flags), call, NULL);
}

BOOL WINAPI EnumDateFormatsA(DATEFMT_ENUMPROCA call, LCID locale, DWORD flags)
{
    return TellFact(locale, DateType(flags), NULL, call);
}

BOOL WINAPI EnumTimeFormatsW(TIMEFMT_ENUMPROCW call, LCID locale, DWORD flags)
{
    return flags == 0 ? TellFact(locale, LOCALE_STIMEFORMAT, call, NULL) : BaseFail(ERROR_INVALID_FLAGS);
}

BOOL WINAPI EnumTimeFormatsA(TIMEFMT_ENUMPROCA call, LCID locale, DWORD flags)
{
    return flags == 0 ? TellFact(locale, LOCALE_STIMEFORMAT, NULL, call) : BaseFail(ERROR_INVALID_FLAGS);
}

/* English names of languages, for the version resources that name theirs. */
static const struct {
    LANGID language;
    PCWSTR name;
} Languages[] = {
    {0x0000, L"Language Neutral"},    {0x0404, L"Chinese (Taiwan)"},      {0x0407, L"German (Germany)"},
    {0x0409, L"English (United States)"}, {0x040a, L"Spanish (Traditional Sort)"}, {0x040c, L"French (France)"},
    {0x0410, L"Italian (Italy)"},     {0x0411, L"Japanese"},              {0x0412, L"Korean"},
    {0x0413, L"Dutch (Netherlands)"}, {0x0416, L"Portuguese (Brazil)"},   {0x0419, L"Russian"},
    {0x0804, L"Chinese (PRC)"},       {0x0809, L"English (United Kingdom)"}, {0x0816, L"Portuguese (Portugal)"},
};

DWORD WINAPI VerLanguageNameW(DWORD language, LPWSTR buffer, DWORD size)
{
    PCWSTR name = L"Language Neutral";
    for (ULONG index = 0; index < COUNT_OF(Languages); index++)
        if (Languages[index].language == (LANGID)language)
            name = Languages[index].name;
    DWORD length = wcslen(name);
    if (size == 0)
        return length;
    DWORD copied = min(length, size - 1);
    memcpy(buffer, name, copied * sizeof(WCHAR));
    buffer[copied] = 0;
    return length;
}

DWORD WINAPI VerLanguageNameA(DWORD language, LPSTR buffer, DWORD size)
{
    WCHAR wide[64];
    DWORD length = VerLanguageNameW(language, wide, COUNT_OF(wide));
    if (size == 0)
        return length;
    DWORD copied = min(length, size - 1);
    RtlUnicodeToMultiByteN(buffer, copied, NULL, wide, copied * sizeof(WCHAR));
    buffer[copied] = 0;
    return length;
}
