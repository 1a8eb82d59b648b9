/* Questions about the system's version, compared as the caller's mask says: three bits for each field. */

#include "base.h"

enum { MaskBits = 3 };

/* The order of the fields in the mask. */
static const DWORD Fields[] = {VER_MINORVERSION,     VER_MAJORVERSION,     VER_BUILDNUMBER, VER_PLATFORMID,
                               VER_SERVICEPACKMINOR, VER_SERVICEPACKMAJOR, VER_SUITENAME,   VER_PRODUCT_TYPE};

ULONGLONG WINAPI VerSetConditionMask(ULONGLONG mask, DWORD type, BYTE condition)
{
    for (ULONG index = COUNT_OF(Fields); index-- > 0;)
        if (type & Fields[index])
            return mask | (ULONGLONG)(condition & 7) << (index * MaskBits);
    return mask;
}

static DWORD ConditionOf(ULONGLONG mask, DWORD field)
{
    for (ULONG index = 0; index < COUNT_OF(Fields); index++)
        if (Fields[index] == field)
            return (DWORD)(mask >> (index * MaskBits)) & 7;
    return 0;
}

static BOOL Holds(DWORD condition, DWORD own, DWORD wanted)
{
    switch (condition) {
    case VER_EQUAL: return own == wanted;
    case VER_GREATER: return own > wanted;
    case VER_GREATER_EQUAL: return own >= wanted;
    case VER_LESS: return own < wanted;
    case VER_LESS_EQUAL: return own <= wanted;
    default: return FALSE;
    }
}

static BOOL SuitesHold(DWORD condition, WORD own, WORD wanted)
{
    return condition == VER_AND ? (own & wanted) == wanted : condition == VER_OR && (own & wanted) != 0;
}

/* Major, minor and service pack are one number: the first that differs decides, by the condition of the first asked. */
static BOOL VersionHolds(const OSVERSIONINFOEXW *own, const OSVERSIONINFOEXW *wanted, DWORD types, ULONGLONG mask)
{
    const struct {
        DWORD field, own, wanted;
    } parts[] = {{VER_MAJORVERSION, own->dwMajorVersion, wanted->dwMajorVersion},
                 {VER_MINORVERSION, own->dwMinorVersion, wanted->dwMinorVersion},
                 {VER_SERVICEPACKMAJOR, own->wServicePackMajor, wanted->wServicePackMajor},
                 {VER_SERVICEPACKMINOR, own->wServicePackMinor, wanted->wServicePackMinor}};
    DWORD condition = 0, left = 0, right = 0;
    for (ULONG index = 0; index < COUNT_OF(parts) && left == right; index++) {
        if (!(types & parts[index].field))
            continue;
        if (condition == 0)
            condition = ConditionOf(mask, parts[index].field);
        left = parts[index].own;
        right = parts[index].wanted;
    }
    return condition == 0 || Holds(condition, left, right);
}

BOOL WINAPI VerifyVersionInfoW(LPOSVERSIONINFOEXW wanted, DWORD types, DWORDLONG mask)
{
    OSVERSIONINFOEXW own = {.dwOSVersionInfoSize = sizeof own};
    if (types == 0 || mask == 0)
        return BaseFail(ERROR_BAD_ARGUMENTS);
    if (!GetVersionExW((LPOSVERSIONINFOW)&own))
        return FALSE;
    BOOL holds = VersionHolds(&own, wanted, types, mask);
    if (types & VER_BUILDNUMBER)
        holds = holds && Holds(ConditionOf(mask, VER_BUILDNUMBER), own.dwBuildNumber, wanted->dwBuildNumber);
    if (types & VER_PLATFORMID)
        holds = holds && Holds(ConditionOf(mask, VER_PLATFORMID), own.dwPlatformId, wanted->dwPlatformId);
    if (types & VER_PRODUCT_TYPE)
        holds = holds && Holds(ConditionOf(mask, VER_PRODUCT_TYPE), own.wProductType, wanted->wProductType);
    if (types & VER_SUITENAME)
        holds = holds && SuitesHold(ConditionOf(mask, VER_SUITENAME), own.wSuiteMask, wanted->wSuiteMask);
    return holds || BaseFail(ERROR_OLD_WIN_VERSION);
}

/* The text of the service pack is not compared; the fields behind it are moved. */
BOOL WINAPI VerifyVersionInfoA(LPOSVERSIONINFOEXA wanted, DWORD types, DWORDLONG mask)
{
    OSVERSIONINFOEXW wide = {.dwOSVersionInfoSize = sizeof wide};
    wide.dwMajorVersion = wanted->dwMajorVersion;
    wide.dwMinorVersion = wanted->dwMinorVersion;
    wide.dwBuildNumber = wanted->dwBuildNumber;
    wide.dwPlatformId = wanted->dwPlatformId;
    wide.wServicePackMajor = wanted->wServicePackMajor;
    wide.wServicePackMinor = wanted->wServicePackMinor;
    wide.wSuiteMask = wanted->wSuiteMask;
    wide.wProductType = wanted->wProductType;
    return VerifyVersionInfoW(&wide, types, mask);
}
