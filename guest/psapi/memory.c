/* What processes use: counters, working sets, mapped files, the whole system. */

#include "ps.h"

BOOL PsCheck(NTSTATUS status) { return NT_SUCCESS(status) || PsFail(status); }

BOOL PsFail(NTSTATUS status)
{
    RtlSetLastWin32Error(RtlNtStatusToDosError(status));
    return FALSE;
}

DWORD PsNarrow(PCWSTR text, LPSTR buffer, DWORD size)
{
    ULONG length = 0;
    if (size == 0)
        return 0;
    RtlUnicodeToMultiByteN(buffer, size - 1, &length, text, wcslen(text) * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

BOOL WINAPI GetProcessMemoryInfo(HANDLE process, PPROCESS_MEMORY_COUNTERS out, DWORD size)
{
    VM_COUNTERS counters;
    if (size < sizeof *out)
        return PsFail(STATUS_BUFFER_TOO_SMALL);
    NTSTATUS status = NtQueryInformationProcess(process, ProcessVmCounters, &counters, sizeof counters, NULL);
    if (!NT_SUCCESS(status))
        return PsFail(status);
    out->cb = sizeof *out;
    out->PageFaultCount = counters.PageFaultCount;
    out->PeakWorkingSetSize = counters.PeakWorkingSetSize;
    out->WorkingSetSize = counters.WorkingSetSize;
    out->QuotaPeakPagedPoolUsage = counters.QuotaPeakPagedPoolUsage;
    out->QuotaPagedPoolUsage = counters.QuotaPagedPoolUsage;
    out->QuotaPeakNonPagedPoolUsage = counters.QuotaPeakNonPagedPoolUsage;
    out->QuotaNonPagedPoolUsage = counters.QuotaNonPagedPoolUsage;
    out->PagefileUsage = counters.PagefileUsage;
    out->PeakPagefileUsage = counters.PeakPagefileUsage;
    if (size >= sizeof(PROCESS_MEMORY_COUNTERS_EX)) {
        out->cb = sizeof(PROCESS_MEMORY_COUNTERS_EX);
        ((PPROCESS_MEMORY_COUNTERS_EX)out)->PrivateUsage = counters.PagefileUsage;
    }
    return TRUE;
}

/* A count, then a word for each page. What has no room is ERROR_BAD_LENGTH, the count told nevertheless. */
BOOL WINAPI QueryWorkingSet(HANDLE process, PVOID out, DWORD size)
{
    return PsCheck(NtQueryVirtualMemory(process, NULL, MemoryWorkingSetList, out, size, NULL));
}

BOOL WINAPI EmptyWorkingSet(HANDLE process)
{
    QUOTA_LIMITS_XP limits = {0};
    limits.MinimumWorkingSetSize = limits.MaximumWorkingSetSize = (SIZE_T)-1;
    return PsCheck(NtSetInformationProcess(process, ProcessQuotaLimits, &limits, sizeof limits));
}

typedef struct {
    UNICODE_STRING name;
    WCHAR text[MAX_PATH * 2];
} NameBuffer;

static DWORD CopyName(NTSTATUS status, const UNICODE_STRING *name, LPWSTR buffer, DWORD size)
{
    if (!PsCheck(status) || size == 0)
        return 0;
    DWORD length = min(name->Length / (DWORD)sizeof(WCHAR), size - 1);
    memcpy(buffer, name->Buffer, length * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

DWORD WINAPI GetMappedFileNameW(HANDLE process, LPVOID address, LPWSTR buffer, DWORD size)
{
    NameBuffer answer = {0};
    NTSTATUS status = NtQueryVirtualMemory(process, address, MemorySectionName, &answer, sizeof answer, NULL);
    return CopyName(status, &answer.name, buffer, size);
}

DWORD WINAPI GetMappedFileNameA(HANDLE process, LPVOID address, LPSTR buffer, DWORD size)
{
    WCHAR wide[MAX_PATH];
    return GetMappedFileNameW(process, address, wide, MAX_PATH) != 0 ? PsNarrow(wide, buffer, size) : 0;
}

/* The name of the program's file as the object manager knows it. */
DWORD WINAPI GetProcessImageFileNameW(HANDLE process, LPWSTR buffer, DWORD size)
{
    NameBuffer answer = {0};
    NTSTATUS status = NtQueryInformationProcess(process, ProcessImageFileName, &answer, sizeof answer, NULL);
    return CopyName(status, &answer.name, buffer, size);
}

DWORD WINAPI GetProcessImageFileNameA(HANDLE process, LPSTR buffer, DWORD size)
{
    WCHAR wide[MAX_PATH];
    return GetProcessImageFileNameW(process, wide, MAX_PATH) != 0 ? PsNarrow(wide, buffer, size) : 0;
}

static void CountProcesses(PPERFORMANCE_INFORMATION out)
{
    ULONG room = 0x40000;
    PVOID list = RtlAllocateHeap(CurrentPeb()->ProcessHeap, 0, room);
    if (list == NULL)
        return;
    NTSTATUS status = NtQuerySystemInformation(SystemProcessInformation, list, room, NULL);
    for (const SYSTEM_PROCESS_INFORMATION *at = list; NT_SUCCESS(status);) {
        out->ProcessCount++;
        out->ThreadCount += at->NumberOfThreads;
        out->HandleCount += at->HandleCount;
        if (at->NextEntryOffset == 0)
            break;
        at = (const SYSTEM_PROCESS_INFORMATION *)((const CHAR *)at + at->NextEntryOffset);
    }
    RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, list);
}

BOOL WINAPI GetPerformanceInfo(PPERFORMANCE_INFORMATION out, DWORD size)
{
    SYSTEM_BASIC_INFORMATION basic;
    SYSTEM_PERFORMANCE_INFORMATION performance;
    if (size < sizeof *out)
        return PsFail(STATUS_BUFFER_TOO_SMALL);
    NTSTATUS status = NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof basic, NULL);
    if (NT_SUCCESS(status))
        status = NtQuerySystemInformation(SystemPerformanceInformation, &performance, sizeof performance, NULL);
    if (!NT_SUCCESS(status))
        return PsFail(status);
    memset(out, 0, sizeof *out);
    out->cb = sizeof *out;
    out->CommitTotal = performance.CommittedPages;
    out->CommitLimit = performance.CommitLimit;
    out->CommitPeak = performance.PeakCommitment;
    out->PhysicalTotal = basic.NumberOfPhysicalPages;
    out->PhysicalAvailable = performance.AvailablePages;
    out->PageSize = basic.PageSize;
    CountProcesses(out);
    return TRUE;
}

BOOL WINAPI DllMain(HMODULE module, DWORD reason, PVOID context)
{
    (void)context;
    if (reason == DLL_PROCESS_ATTACH)
        LdrDisableThreadCalloutsForDll(module);
    return TRUE;
}
