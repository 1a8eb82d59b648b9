/* What the computer and the system are: processors, memory, version, names. */

#include "base.h"

VOID WINAPI GetSystemInfo(LPSYSTEM_INFO out)
{
    SYSTEM_BASIC_INFORMATION basic = {0};
    SYSTEM_PROCESSOR_INFORMATION processor = {0};
    memset(out, 0, sizeof *out);
    NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof basic, NULL);
    NtQuerySystemInformation(SystemProcessorInformation, &processor, sizeof processor, NULL);
    out->wProcessorArchitecture = processor.ProcessorArchitecture;
    out->dwPageSize = basic.PageSize;
    out->lpMinimumApplicationAddress = (LPVOID)basic.MinimumUserModeAddress;
    out->lpMaximumApplicationAddress = (LPVOID)basic.MaximumUserModeAddress;
    out->dwActiveProcessorMask = basic.ActiveProcessorsAffinityMask;
    out->dwNumberOfProcessors = (DWORD)basic.NumberOfProcessors;
    out->dwAllocationGranularity = basic.AllocationGranularity;
    out->wProcessorLevel = processor.ProcessorLevel;
    out->wProcessorRevision = processor.ProcessorRevision;
    out->dwProcessorType = processor.ProcessorLevel == 4 ? PROCESSOR_INTEL_486 : PROCESSOR_INTEL_PENTIUM;
}

VOID WINAPI GetNativeSystemInfo(LPSYSTEM_INFO out) { GetSystemInfo(out); }

BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX out)
{
    SYSTEM_BASIC_INFORMATION basic;
    SYSTEM_PERFORMANCE_INFORMATION performance;
    VM_COUNTERS counters;
    if (out->dwLength != sizeof *out)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!BaseCheck(NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof basic, NULL)) ||
        !BaseCheck(NtQuerySystemInformation(SystemPerformanceInformation, &performance, sizeof performance, NULL)) ||
        !BaseCheck(NtQueryInformationProcess(NtCurrentProcess(), ProcessVmCounters, &counters, sizeof counters, NULL)))
        return FALSE;
    ULONGLONG page = basic.PageSize;
    out->ullTotalPhys = basic.NumberOfPhysicalPages * page;
    out->ullAvailPhys = performance.AvailablePages * page;
    out->ullTotalPageFile = performance.CommitLimit * page;
    out->ullAvailPageFile = (performance.CommitLimit - performance.CommittedPages) * page;
    out->ullTotalVirtual = basic.MaximumUserModeAddress - basic.MinimumUserModeAddress + 1;
    out->ullAvailVirtual = out->ullTotalVirtual - counters.VirtualSize;
    out->ullAvailExtendedVirtual = 0;
    ULONG used = basic.NumberOfPhysicalPages - min(performance.AvailablePages, basic.NumberOfPhysicalPages);
    out->dwMemoryLoad = used * 100 / max(basic.NumberOfPhysicalPages, 1ul);
    return TRUE;
}

static SIZE_T Clamped(ULONGLONG value) { return value > MAXDWORD ? MAXDWORD : (SIZE_T)value; }

VOID WINAPI GlobalMemoryStatus(LPMEMORYSTATUS out)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    memset(out, 0, sizeof *out);
    out->dwLength = sizeof *out;
    if (!GlobalMemoryStatusEx(&status))
        return;
    out->dwMemoryLoad = status.dwMemoryLoad;
    out->dwTotalPhys = Clamped(status.ullTotalPhys);
    out->dwAvailPhys = Clamped(status.ullAvailPhys);
    out->dwTotalPageFile = Clamped(status.ullTotalPageFile);
    out->dwAvailPageFile = Clamped(status.ullAvailPageFile);
    out->dwTotalVirtual = Clamped(status.ullTotalVirtual);
    out->dwAvailVirtual = Clamped(status.ullAvailVirtual);
}

DWORD WINAPI GetVersion(VOID)
{
    const PEB *peb = CurrentPeb();
    return (peb->OSPlatformId ^ 2) << 30 | (DWORD)peb->OSBuildNumber << 16 | peb->OSMinorVersion << 8 | peb->OSMajorVersion;
}

/* What both forms have before and behind the text: the sizes tell whether the longer form is wanted. */
static void TellVersion(LPOSVERSIONINFOEXW out, BOOL is_long)
{
    const PEB *peb = CurrentPeb();
    out->dwMajorVersion = peb->OSMajorVersion;
    out->dwMinorVersion = peb->OSMinorVersion;
    out->dwBuildNumber = peb->OSBuildNumber;
    out->dwPlatformId = peb->OSPlatformId;
    if (peb->OSCSDVersion >> 8 != 0)
        _snwprintf(out->szCSDVersion, COUNT_OF(out->szCSDVersion), L"Service Pack %u", peb->OSCSDVersion >> 8);
    else
        out->szCSDVersion[0] = 0;
    if (is_long) {
        out->wServicePackMajor = peb->OSCSDVersion >> 8;
        out->wServicePackMinor = peb->OSCSDVersion & 0xff;
        out->wSuiteMask = 0;
        out->wProductType = (BYTE)SharedUserData->NtProductType;
        out->wReserved = 0;
    }
}

BOOL WINAPI GetVersionExW(LPOSVERSIONINFOW out)
{
    BOOL is_long = out->dwOSVersionInfoSize == sizeof(OSVERSIONINFOEXW);
    if (!is_long && out->dwOSVersionInfoSize != sizeof(OSVERSIONINFOW))
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    TellVersion((LPOSVERSIONINFOEXW)out, is_long);
    return TRUE;
}

BOOL WINAPI GetVersionExA(LPOSVERSIONINFOA out)
{
    LPOSVERSIONINFOEXA narrow = (LPOSVERSIONINFOEXA)out;
    OSVERSIONINFOEXW wide;
    BOOL is_long = out->dwOSVersionInfoSize == sizeof(OSVERSIONINFOEXA);
    if (!is_long && out->dwOSVersionInfoSize != sizeof(OSVERSIONINFOA))
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    TellVersion(&wide, TRUE);
    memcpy(&narrow->dwMajorVersion, &wide.dwMajorVersion, 4 * sizeof(DWORD));
    BaseNarrow(wide.szCSDVersion, narrow->szCSDVersion, sizeof narrow->szCSDVersion);
    if (is_long)
        memcpy(&narrow->wServicePackMajor, &wide.wServicePackMajor, 8);
    return TRUE;
}

BOOL WINAPI IsProcessorFeaturePresent(DWORD feature)
{
    return feature < COUNT_OF(SharedUserData->ProcessorFeatures) && SharedUserData->ProcessorFeatures[feature];
}

static const WCHAR ComputerName[] = L"VATLAS";

BOOL WINAPI GetComputerNameW(LPWSTR buffer, LPDWORD size)
{
    DWORD room = *size;
    *size = BaseCopyOut(ComputerName, buffer, room);
    return *size < room || BaseFail(ERROR_BUFFER_OVERFLOW);
}

BOOL WINAPI GetComputerNameA(LPSTR buffer, LPDWORD size)
{
    DWORD room = *size;
    *size = BaseNarrow(ComputerName, buffer, room);
    return *size < room || BaseFail(ERROR_BUFFER_OVERFLOW);
}

BOOL WINAPI Beep(DWORD frequency, DWORD duration)
{
    (void)frequency;
    Sleep(duration);
    return TRUE;
}

int WINAPI MulDiv(int number, int numerator, int denominator)
{
    if (denominator == 0)
        return -1;
    LONGLONG product = (LONGLONG)number * numerator, half = (denominator < 0 ? -(LONGLONG)denominator : denominator) / 2;
    LONGLONG result = (product + (product < 0 ? -half : half)) / denominator;
    return result == (int)result ? (int)result : -1;
}
