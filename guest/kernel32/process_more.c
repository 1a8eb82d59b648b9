/* Questions about processes and threads that few programs ask. */

#include "base.h"

static BOOL Query(HANDLE process, ULONG what, PVOID out, ULONG size)
{
    return BaseCheck(NtQueryInformationProcess(process, what, out, size, NULL));
}

BOOL WINAPI GetProcessHandleCount(HANDLE process, PDWORD count)
{
    return Query(process, ProcessHandleCount, count, sizeof *count);
}

BOOL WINAPI GetProcessIoCounters(HANDLE process, PIO_COUNTERS out)
{
    return Query(process, ProcessIoCounters, out, sizeof *out);
}

BOOL WINAPI GetProcessPriorityBoost(HANDLE process, PBOOL disabled)
{
    return Query(process, ProcessPriorityBoost, disabled, sizeof *disabled);
}

BOOL WINAPI SetProcessPriorityBoost(HANDLE process, BOOL disabled)
{
    ULONG value = disabled != 0;
    return BaseCheck(NtSetInformationProcess(process, ProcessPriorityBoost, &value, sizeof value));
}

BOOL WINAPI IsWow64Process(HANDLE process, PBOOL is_wow64)
{
    ULONG value;
    if (!Query(process, ProcessWow64Information, &value, sizeof value))
        return FALSE;
    *is_wow64 = value != 0;
    return TRUE;
}

BOOL WINAPI CheckRemoteDebuggerPresent(HANDLE process, PBOOL is_there)
{
    ULONG port;
    if (process == NULL || is_there == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!Query(process, ProcessDebugPort, &port, sizeof port))
        return FALSE;
    *is_there = port != 0;
    return TRUE;
}

BOOL WINAPI IsProcessInJob(HANDLE process, HANDLE job, PBOOL is_in_job)
{
    NTSTATUS NTAPI NtIsProcessInJob(HANDLE, HANDLE);
    NTSTATUS status = NtIsProcessInJob(process, job);
    *is_in_job = status == STATUS_PROCESS_IN_JOB;
    return NT_SUCCESS(status) || BaseCheck(status);
}

static HANDLE ById(DWORD id)
{
    return id == 0 || id == GetCurrentProcessId() ? NtCurrentProcess() : OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, id);
}

static void Close(HANDLE process)
{
    if (process != NtCurrentProcess())
        NtClose(process);
}

BOOL WINAPI ProcessIdToSessionId(DWORD id, DWORD *session)
{
    HANDLE process = ById(id);
    if (process == NULL)
        return FALSE;
    BOOL is_known = Query(process, ProcessSessionInformation, session, sizeof *session);
    Close(process);
    return is_known;
}

/* The version of the subsystem that the program wants, from its headers. */
DWORD WINAPI GetProcessVersion(DWORD id)
{
    PROCESS_BASIC_INFORMATION basic;
    PVOID base;
    IMAGE_DOS_HEADER dos;
    IMAGE_NT_HEADERS headers;
    HANDLE process = ById(id);
    if (process == NULL)
        return 0;
    BOOL is_read = Query(process, ProcessBasicInformation, &basic, sizeof basic) &&
                   ReadProcessMemory(process, &basic.PebBaseAddress->ImageBaseAddress, &base, sizeof base, NULL) &&
                   ReadProcessMemory(process, base, &dos, sizeof dos, NULL) &&
                   ReadProcessMemory(process, (PCHAR)base + dos.e_lfanew, &headers, sizeof headers, NULL);
    Close(process);
    return is_read ? MAKELONG(headers.OptionalHeader.MinorSubsystemVersion, headers.OptionalHeader.MajorSubsystemVersion)
                   : 0;
}

/* The order in which processes would be told of a shutdown; nobody asks for it here. */
static DWORD ShutdownLevel = 0x280, ShutdownFlags;

BOOL WINAPI GetProcessShutdownParameters(LPDWORD level, LPDWORD flags)
{
    *level = ShutdownLevel;
    *flags = ShutdownFlags;
    return TRUE;
}

BOOL WINAPI SetProcessShutdownParameters(DWORD level, DWORD flags)
{
    if (level > 0x4ff || flags & (DWORD)~SHUTDOWN_NORETRY)
        return BaseFail(ERROR_INVALID_PARAMETER);
    ShutdownLevel = level;
    ShutdownFlags = flags;
    return TRUE;
}

DWORD WINAPI GetThreadId(HANDLE thread)
{
    THREAD_BASIC_INFORMATION basic;
    NTSTATUS status = NtQueryInformationThread(thread, ThreadBasicInformation, &basic, sizeof basic, NULL);
    return BaseCheck(status) ? (DWORD)(ULONG_PTR)basic.ClientId.UniqueThread : 0;
}

DWORD WINAPI GetProcessIdOfThread(HANDLE thread)
{
    THREAD_BASIC_INFORMATION basic;
    NTSTATUS status = NtQueryInformationThread(thread, ThreadBasicInformation, &basic, sizeof basic, NULL);
    return BaseCheck(status) ? (DWORD)(ULONG_PTR)basic.ClientId.UniqueProcess : 0;
}

BOOL WINAPI GetThreadIOPendingFlag(HANDLE thread, PBOOL is_pending)
{
    ULONG value;
    if (!BaseCheck(NtQueryInformationThread(thread, ThreadIsIoPending, &value, sizeof value, NULL)))
        return FALSE;
    *is_pending = value != 0;
    return TRUE;
}

BOOL WINAPI DebugBreakProcess(HANDLE process)
{
    PVOID start = (PVOID)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "DbgUiRemoteBreakin");
    HANDLE thread;
    if (start == NULL)
        return BaseFail(ERROR_PROC_NOT_FOUND);
    if (!BaseCheck(RtlCreateUserThread(process, NULL, FALSE, 0, 0, 0, start, NULL, &thread, NULL)))
        return FALSE;
    NtClose(thread);
    return TRUE;
}

/* XP hides pointers by a number of the process, so that who overwrites one does not know what it becomes. */
static ULONG_PTR Cookie(void)
{
    static ULONG_PTR Made;
    if (Made == 0) {
        LARGE_INTEGER counter;
        NtQueryPerformanceCounter(&counter, NULL);
        ULONG_PTR value = counter.LowPart * 0x9e3779b1u ^ (ULONG_PTR)CurrentTeb()->ClientId.UniqueProcess << 16;
        __sync_val_compare_and_swap(&Made, 0, value | 1);
    }
    return Made;
}

PVOID WINAPI EncodePointer(PVOID pointer) { return (PVOID)((ULONG_PTR)pointer ^ Cookie()); }
PVOID WINAPI DecodePointer(PVOID pointer) { return (PVOID)((ULONG_PTR)pointer ^ Cookie()); }

/* The same in every process: a number of the system. */
static ULONG_PTR SystemCookie(void) { return SharedUserData->CryptoExponent ^ 0x5bd1e995u; }

PVOID WINAPI EncodeSystemPointer(PVOID pointer) { return (PVOID)((ULONG_PTR)pointer ^ SystemCookie()); }
PVOID WINAPI DecodeSystemPointer(PVOID pointer) { return (PVOID)((ULONG_PTR)pointer ^ SystemCookie()); }
