/* Facts about the system: power, processors, times of all processes, names of the computer, strings of the environment. */

#include "base.h"

/* A computer on the mains, without a battery. */
BOOL WINAPI GetSystemPowerStatus(LPSYSTEM_POWER_STATUS out)
{
    *out = (SYSTEM_POWER_STATUS){.ACLineStatus = 1, .BatteryFlag = 128, .BatteryLifePercent = 255,
                                 .BatteryLifeTime = MAXDWORD, .BatteryFullLifeTime = MAXDWORD};
    return TRUE;
}

/* Every processor is a core of its own, and all are one node. */
BOOL WINAPI GetNumaHighestNodeNumber(PULONG number)
{
    *number = 0;
    return TRUE;
}

static ULONG_PTR AllProcessors(void)
{
    SYSTEM_BASIC_INFORMATION basic = {0};
    NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof basic, NULL);
    return basic.ActiveProcessorsAffinityMask;
}

BOOL WINAPI GetNumaNodeProcessorMask(UCHAR node, PULONGLONG mask)
{
    *mask = node == 0 ? AllProcessors() : 0;
    return node == 0 || BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI GetNumaProcessorNode(UCHAR processor, PUCHAR node)
{
    BOOL is_there = processor < 32 && AllProcessors() >> processor & 1;
    *node = is_there ? 0 : 0xff;
    return is_there || BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI GetLogicalProcessorInformation(PSYSTEM_LOGICAL_PROCESSOR_INFORMATION out, PDWORD size)
{
    ULONG_PTR all = AllProcessors();
    DWORD needed = sizeof *out;
    for (ULONG index = 0; index < 32; index++)
        needed += all >> index & 1 ? sizeof *out : 0;
    BOOL fits = *size >= needed;
    *size = needed;
    if (!fits)
        return BaseFail(ERROR_INSUFFICIENT_BUFFER);
    memset(out, 0, needed);
    for (ULONG index = 0; index < 32; index++)
        if (all >> index & 1) {
            out->ProcessorMask = 1u << index;
            out->Relationship = RelationProcessorCore;
            out++;
        }
    out->ProcessorMask = all;
    out->Relationship = RelationNumaNode;
    return TRUE;
}

BOOL WINAPI GetComputerNameExW(COMPUTER_NAME_FORMAT which, LPWSTR buffer, LPDWORD size)
{
    WCHAR name[MAX_COMPUTERNAME_LENGTH + 1] = L"";
    DWORD room = COUNT_OF(name);
    BOOL is_domain = which == ComputerNameDnsDomain || which == ComputerNamePhysicalDnsDomain;
    if ((DWORD)which >= ComputerNameMax || size == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!is_domain)
        GetComputerNameW(name, &room);
    room = *size;
    *size = BaseCopyOut(name, buffer, room);
    return *size < room || BaseFail(ERROR_MORE_DATA);
}

BOOL WINAPI GetComputerNameExA(COMPUTER_NAME_FORMAT which, LPSTR buffer, LPDWORD size)
{
    WCHAR name[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD room = COUNT_OF(name);
    if (!GetComputerNameExW(which, name, &room))
        return FALSE;
    room = *size;
    *size = BaseNarrow(name, buffer, room);
    return *size < room || BaseFail(ERROR_MORE_DATA);
}

/* The time of all processors: idle, kernel (which has the idle time in it) and user. */
BOOL WINAPI GetSystemTimes(LPFILETIME idle, LPFILETIME kernel, LPFILETIME user)
{
    PVOID list = BaseAllocate(0x20000);
    LARGE_INTEGER in_user = {.QuadPart = 0}, unused;
    SYSTEM_PERFORMANCE_INFORMATION performance;
    if (list == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    NTSTATUS status = NtQuerySystemInformation(SystemProcessInformation, list, 0x20000, NULL);
    for (const SYSTEM_PROCESS_INFORMATION *at = list; NT_SUCCESS(status);) {
        in_user.QuadPart += at->UserTime.QuadPart;
        if (at->NextEntryOffset == 0)
            break;
        at = (const SYSTEM_PROCESS_INFORMATION *)((PCHAR)at + at->NextEntryOffset);
    }
    if (NT_SUCCESS(status))
        status = NtQuerySystemInformation(SystemPerformanceInformation, &performance, sizeof performance, NULL);
    BaseRelease(list);
    if (!BaseCheck(status))
        return FALSE;
    unused = performance.IdleProcessTime;
    if (idle != NULL)
        memcpy(idle, &unused, sizeof *idle);
    if (kernel != NULL)
        memcpy(kernel, &unused, sizeof *kernel);
    if (user != NULL)
        memcpy(user, &in_user, sizeof *user);
    return TRUE;
}

/* There is no 64-bit system around this one. */
UINT WINAPI GetSystemWow64DirectoryW(LPWSTR buffer, UINT size)
{
    (void)buffer, (void)size;
    return (UINT)BaseFail(ERROR_CALL_NOT_IMPLEMENTED);
}

UINT WINAPI GetSystemWow64DirectoryA(LPSTR buffer, UINT size)
{
    (void)buffer, (void)size;
    return (UINT)BaseFail(ERROR_CALL_NOT_IMPLEMENTED);
}

VOID WINAPI FatalAppExitW(UINT action, LPCWSTR text)
{
    (void)action;
    OutputDebugStringW(text);
    RtlExitUserProcess(0);
}

SIZE_T WINAPI GlobalCompact(DWORD size)
{
    (void)size;
    return RtlCompactHeap(CurrentPeb()->ProcessHeap, 0);
}

SIZE_T WINAPI LocalCompact(UINT size) { return GlobalCompact(size); }

/* A handle of memory cannot shrink below what it holds; what it is, is told. */
SIZE_T WINAPI LocalShrink(HLOCAL memory, UINT size)
{
    (void)size;
    return LocalSize(memory);
}

/* Memory that is locked does not move, which is all that fixing wants. */
VOID WINAPI GlobalFix(HGLOBAL memory) { GlobalLock(memory); }
VOID WINAPI GlobalUnfix(HGLOBAL memory) { GlobalUnlock(memory); }
LPVOID WINAPI GlobalWire(HGLOBAL memory) { return GlobalLock(memory); }
BOOL WINAPI GlobalUnWire(HGLOBAL memory) { return GlobalUnlock(memory); }
