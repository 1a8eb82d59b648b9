/* The process: its end, its priority, its parameters and environment. */

#include "base.h"

HANDLE WINAPI GetCurrentProcess(VOID) { return NtCurrentProcess(); }
DWORD WINAPI GetCurrentProcessId(VOID) { return (DWORD)(ULONG_PTR)CurrentTeb()->ClientId.UniqueProcess; }
VOID WINAPI ExitProcess(UINT code) { RtlExitUserProcess(code); }

BOOL WINAPI TerminateProcess(HANDLE process, UINT code)
{
    if (process == NULL)
        return BaseFail(ERROR_INVALID_HANDLE);
    return BaseCheck(NtTerminateProcess(process, code));
}

static BOOL Query(HANDLE process, ULONG what, PVOID out, ULONG size)
{
    return BaseCheck(NtQueryInformationProcess(process, what, out, size, NULL));
}

BOOL WINAPI GetExitCodeProcess(HANDLE process, LPDWORD code)
{
    PROCESS_BASIC_INFORMATION basic;
    if (!Query(process, ProcessBasicInformation, &basic, sizeof basic))
        return FALSE;
    *code = basic.ExitStatus;
    return TRUE;
}

DWORD WINAPI GetProcessId(HANDLE process)
{
    PROCESS_BASIC_INFORMATION basic;
    return Query(process, ProcessBasicInformation, &basic, sizeof basic) ? basic.UniqueProcessId : 0;
}

HANDLE WINAPI OpenProcess(DWORD access, BOOL inherits, DWORD id)
{
    CLIENT_ID client = {(HANDLE)(ULONG_PTR)id, NULL};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .Attributes = inherits ? OBJ_INHERIT : 0};
    HANDLE process;
    return BaseCheck(NtOpenProcess(&process, access, &attributes, &client)) ? process : NULL;
}

/* NT's classes 1 to 6 by their Win32 flags. */
static const DWORD PriorityClasses[] = {0, IDLE_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS, HIGH_PRIORITY_CLASS,
                                        REALTIME_PRIORITY_CLASS, BELOW_NORMAL_PRIORITY_CLASS,
                                        ABOVE_NORMAL_PRIORITY_CLASS};

DWORD WINAPI GetPriorityClass(HANDLE process)
{
    PROCESS_PRIORITY_CLASS value;
    if (!Query(process, ProcessPriorityClass, &value, sizeof value))
        return 0;
    return value.PriorityClass < COUNT_OF(PriorityClasses) ? PriorityClasses[value.PriorityClass] : NORMAL_PRIORITY_CLASS;
}

BOOL WINAPI SetPriorityClass(HANDLE process, DWORD wanted)
{
    for (UCHAR index = 1; index < COUNT_OF(PriorityClasses); index++) {
        PROCESS_PRIORITY_CLASS value = {FALSE, index};
        if (PriorityClasses[index] == wanted)
            return BaseCheck(NtSetInformationProcess(process, ProcessPriorityClass, &value, sizeof value));
    }
    return BaseFail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI GetProcessAffinityMask(HANDLE process, PDWORD_PTR own, PDWORD_PTR system)
{
    PROCESS_BASIC_INFORMATION basic;
    SYSTEM_BASIC_INFORMATION information;
    if (!Query(process, ProcessBasicInformation, &basic, sizeof basic) ||
        !BaseCheck(NtQuerySystemInformation(SystemBasicInformation, &information, sizeof information, NULL)))
        return FALSE;
    *own = basic.AffinityMask;
    *system = information.ActiveProcessorsAffinityMask;
    return TRUE;
}

BOOL WINAPI SetProcessAffinityMask(HANDLE process, DWORD_PTR mask)
{
    return BaseCheck(NtSetInformationProcess(process, ProcessAffinityMask, &mask, sizeof mask));
}

BOOL WINAPI GetProcessTimes(HANDLE process, LPFILETIME created, LPFILETIME ended, LPFILETIME kernel, LPFILETIME user)
{
    KERNEL_USER_TIMES times;
    if (!Query(process, ProcessTimes, &times, sizeof times))
        return FALSE;
    memcpy(created, &times.CreateTime, sizeof *created);
    memcpy(ended, &times.ExitTime, sizeof *ended);
    memcpy(kernel, &times.KernelTime, sizeof *kernel);
    memcpy(user, &times.UserTime, sizeof *user);
    return TRUE;
}

BOOL WINAPI GetProcessWorkingSetSize(HANDLE process, PSIZE_T minimum, PSIZE_T maximum)
{
    QUOTA_LIMITS_XP limits;
    if (!Query(process, ProcessQuotaLimits, &limits, sizeof limits))
        return FALSE;
    *minimum = limits.MinimumWorkingSetSize;
    *maximum = limits.MaximumWorkingSetSize;
    return TRUE;
}

BOOL WINAPI SetProcessWorkingSetSize(HANDLE process, SIZE_T minimum, SIZE_T maximum)
{
    QUOTA_LIMITS_XP limits = {0};
    limits.MinimumWorkingSetSize = minimum;
    limits.MaximumWorkingSetSize = maximum;
    return BaseCheck(NtSetInformationProcess(process, ProcessQuotaLimits, &limits, sizeof limits));
}

static LPSTR NarrowCopy(PCUNICODE_STRING wide)
{
    ANSI_STRING narrow;
    return NT_SUCCESS(RtlUnicodeStringToAnsiString(&narrow, wide, TRUE)) ? narrow.Buffer : NULL;
}

LPWSTR WINAPI GetCommandLineW(VOID) { return CurrentPeb()->ProcessParameters->CommandLine.Buffer; }

LPSTR WINAPI GetCommandLineA(VOID)
{
    static LPSTR Line;
    if (Line == NULL)
        Line = NarrowCopy(&CurrentPeb()->ProcessParameters->CommandLine);
    return Line;
}

VOID WINAPI GetStartupInfoW(LPSTARTUPINFOW out)
{
    const RTL_USER_PROCESS_PARAMETERS *parameters = CurrentPeb()->ProcessParameters;
    memset(out, 0, sizeof *out);
    out->cb = sizeof *out;
    out->lpDesktop = parameters->DesktopInfo.Buffer;
    out->lpTitle = parameters->WindowTitle.Buffer;
    out->dwX = parameters->StartingX;
    out->dwY = parameters->StartingY;
    out->dwXSize = parameters->CountX;
    out->dwYSize = parameters->CountY;
    out->dwXCountChars = parameters->CountCharsX;
    out->dwYCountChars = parameters->CountCharsY;
    out->dwFillAttribute = parameters->FillAttribute;
    out->dwFlags = parameters->WindowFlags;
    out->wShowWindow = (WORD)parameters->ShowWindowFlags;
    out->cbReserved2 = parameters->RuntimeData.Length;
    out->lpReserved2 = (LPBYTE)parameters->RuntimeData.Buffer;
    if (out->dwFlags & STARTF_USESTDHANDLES) {
        out->hStdInput = parameters->StandardInput;
        out->hStdOutput = parameters->StandardOutput;
        out->hStdError = parameters->StandardError;
    }
}

VOID WINAPI GetStartupInfoA(LPSTARTUPINFOA out)
{
    static LPSTR Title, Desktop;
    const RTL_USER_PROCESS_PARAMETERS *parameters = CurrentPeb()->ProcessParameters;
    GetStartupInfoW((LPSTARTUPINFOW)out);
    if (Title == NULL)
        Title = NarrowCopy(&parameters->WindowTitle);
    if (Desktop == NULL)
        Desktop = NarrowCopy(&parameters->DesktopInfo);
    out->lpTitle = Title;
    out->lpDesktop = Desktop;
}
