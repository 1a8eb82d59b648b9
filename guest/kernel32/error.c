/* The last error, the error mode, exceptions. */

#include "base.h"

DWORD WINAPI GetLastError(VOID) { return CurrentTeb()->LastErrorValue; }
VOID WINAPI SetLastError(DWORD error) { CurrentTeb()->LastErrorValue = error; }

/* The kernel keeps the mode with SEM_FAILCRITICALERRORS turned round: set means that errors are shown. */
UINT WINAPI GetErrorMode(VOID)
{
    ULONG mode = SEM_FAILCRITICALERRORS;
    NtQueryInformationProcess(NtCurrentProcess(), ProcessDefaultHardErrorMode, &mode, sizeof mode, NULL);
    return mode ^ SEM_FAILCRITICALERRORS;
}

UINT WINAPI SetErrorMode(UINT mode)
{
    UINT old = GetErrorMode();
    ULONG kept = (mode | (old & SEM_NOALIGNMENTFAULTEXCEPT)) ^ SEM_FAILCRITICALERRORS;
    NtSetInformationProcess(NtCurrentProcess(), ProcessDefaultHardErrorMode, &kept, sizeof kept);
    return old;
}

static LPTOP_LEVEL_EXCEPTION_FILTER TopLevelFilter;

LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter)
{
    return (LPTOP_LEVEL_EXCEPTION_FILTER)InterlockedExchangePointer((PVOID *)&TopLevelFilter, (PVOID)filter);
}

/* The program's filter decides; without one, and where it wants the search to go on, the kernel gets the second chance:
   it ends the process with the exception's code and reports the crash. A debugger sees the exception before the filter. */
LONG WINAPI UnhandledExceptionFilter(LPEXCEPTION_POINTERS pointers)
{
    if (CurrentPeb()->BeingDebugged || TopLevelFilter == NULL)
        return EXCEPTION_CONTINUE_SEARCH;
    return TopLevelFilter(pointers);
}

VOID WINAPI RaiseException(DWORD code, DWORD flags, DWORD count, const ULONG_PTR *arguments)
{
    EXCEPTION_RECORD record = {.ExceptionCode = code & 0xefffffff};
    record.ExceptionFlags = flags & EXCEPTION_NONCONTINUABLE;
    record.ExceptionAddress = (PVOID)RaiseException;
    if (arguments != NULL)
        record.NumberParameters = min(count, (DWORD)EXCEPTION_MAXIMUM_PARAMETERS);
    for (DWORD index = 0; index < record.NumberParameters; index++)
        record.ExceptionInformation[index] = arguments[index];
    RtlRaiseException(&record);
}

#define DBG_PRINTEXCEPTION_C_CODE 0x40010006

VOID WINAPI OutputDebugStringA(LPCSTR text)
{
    if (text != NULL && CurrentPeb()->BeingDebugged) {
        ULONG_PTR arguments[2] = {strlen(text) + 1, (ULONG_PTR)text};
        RaiseException(DBG_PRINTEXCEPTION_C_CODE, 0, 2, arguments);
    }
}

VOID WINAPI OutputDebugStringW(LPCWSTR text)
{
    UNICODE_STRING wide;
    ANSI_STRING narrow;
    RtlInitUnicodeString(&wide, text);
    if (NT_SUCCESS(RtlUnicodeStringToAnsiString(&narrow, &wide, TRUE))) {
        OutputDebugStringA(narrow.Buffer);
        RtlFreeAnsiString(&narrow);
    }
}

BOOL WINAPI IsDebuggerPresent(VOID) { return CurrentPeb()->BeingDebugged; }
VOID WINAPI DebugBreak(VOID) { __asm__ volatile("int3"); }

VOID WINAPI FatalAppExitA(UINT action, LPCSTR text)
{
    (void)action;
    OutputDebugStringA(text);
    RtlExitUserProcess(0);
}

VOID WINAPI FatalExit(int code) { RtlExitUserProcess(code); }
