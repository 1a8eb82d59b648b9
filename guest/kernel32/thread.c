/* Threads: making, ending, suspending them, their priorities and contexts. */

#include "base.h"

HANDLE WINAPI CreateRemoteThread(HANDLE process, LPSECURITY_ATTRIBUTES security, SIZE_T stack,
                                 LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags, LPDWORD id)
{
    HANDLE thread;
    CLIENT_ID client;
    BOOL is_reserve = flags & STACK_SIZE_PARAM_IS_A_RESERVATION;
    NTSTATUS status = RtlCreateUserThread(process, security != NULL ? security->lpSecurityDescriptor : NULL,
                                          (flags & CREATE_SUSPENDED) != 0, 0, is_reserve ? stack : 0,
                                          is_reserve ? 0 : stack, (PVOID)start, argument, &thread, &client);
    if (!BaseCheck(status))
        return NULL;
    if (id != NULL)
        *id = (DWORD)(ULONG_PTR)client.UniqueThread;
    return thread;
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack, LPTHREAD_START_ROUTINE start, LPVOID argument,
                           DWORD flags, LPDWORD id)
{
    return CreateRemoteThread(NtCurrentProcess(), security, stack, start, argument, flags, id);
}

VOID WINAPI ExitThread(DWORD code) { RtlExitUserThread(code); }
BOOL WINAPI TerminateThread(HANDLE thread, DWORD code) { return BaseCheck(NtTerminateThread(thread, code)); }
HANDLE WINAPI GetCurrentThread(VOID) { return NtCurrentThread(); }
DWORD WINAPI GetCurrentThreadId(VOID) { return (DWORD)(ULONG_PTR)CurrentTeb()->ClientId.UniqueThread; }

DWORD WINAPI SuspendThread(HANDLE thread)
{
    ULONG count;
    return BaseCheck(NtSuspendThread(thread, &count)) ? count : (DWORD)-1;
}

DWORD WINAPI ResumeThread(HANDLE thread)
{
    ULONG count;
    return BaseCheck(NtResumeThread(thread, &count)) ? count : (DWORD)-1;
}

static BOOL Query(HANDLE thread, ULONG what, PVOID out, ULONG size)
{
    return BaseCheck(NtQueryInformationThread(thread, what, out, size, NULL));
}

static BOOL Set(HANDLE thread, ULONG what, PVOID value, ULONG size)
{
    return BaseCheck(NtSetInformationThread(thread, what, value, size));
}

BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD code)
{
    THREAD_BASIC_INFORMATION basic;
    if (!Query(thread, ThreadBasicInformation, &basic, sizeof basic))
        return FALSE;
    *code = basic.ExitStatus;
    return TRUE;
}

/* Idle and time critical are saturation: 16 beyond the base, in which the kernel stops at the ends of the class. */
BOOL WINAPI SetThreadPriority(HANDLE thread, int priority)
{
    LONG base = priority;
    if (priority == THREAD_PRIORITY_TIME_CRITICAL)
        base = 16;
    else if (priority == THREAD_PRIORITY_IDLE)
        base = -16;
    return Set(thread, ThreadBasePriority, &base, sizeof base);
}

int WINAPI GetThreadPriority(HANDLE thread)
{
    THREAD_BASIC_INFORMATION basic;
    if (!Query(thread, ThreadBasicInformation, &basic, sizeof basic))
        return THREAD_PRIORITY_ERROR_RETURN;
    if (basic.BasePriority == 16)
        return THREAD_PRIORITY_TIME_CRITICAL;
    return basic.BasePriority == -16 ? THREAD_PRIORITY_IDLE : basic.BasePriority;
}

BOOL WINAPI SetThreadPriorityBoost(HANDLE thread, BOOL disabled)
{
    ULONG value = disabled != 0;
    return Set(thread, ThreadPriorityBoost, &value, sizeof value);
}

BOOL WINAPI GetThreadPriorityBoost(HANDLE thread, PBOOL disabled)
{
    return Query(thread, ThreadPriorityBoost, disabled, sizeof *disabled);
}

DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask)
{
    THREAD_BASIC_INFORMATION basic;
    if (!Query(thread, ThreadBasicInformation, &basic, sizeof basic) ||
        !Set(thread, ThreadAffinityMask, &mask, sizeof mask))
        return 0;
    return basic.AffinityMask;
}

DWORD WINAPI SetThreadIdealProcessor(HANDLE thread, DWORD processor)
{
    NTSTATUS status = NtSetInformationThread(thread, ThreadIdealProcessor, &processor, sizeof processor);
    return BaseCheck(status) ? (DWORD)status : (DWORD)-1;
}

BOOL WINAPI GetThreadContext(HANDLE thread, LPCONTEXT context) { return BaseCheck(NtGetContextThread(thread, context)); }

BOOL WINAPI SetThreadContext(HANDLE thread, const CONTEXT *context)
{
    return BaseCheck(NtSetContextThread(thread, (PCONTEXT)context));
}

BOOL WINAPI GetThreadTimes(HANDLE thread, LPFILETIME created, LPFILETIME ended, LPFILETIME kernel, LPFILETIME user)
{
    KERNEL_USER_TIMES times;
    if (!Query(thread, ThreadTimes, &times, sizeof times))
        return FALSE;
    memcpy(created, &times.CreateTime, sizeof *created);
    memcpy(ended, &times.ExitTime, sizeof *ended);
    memcpy(kernel, &times.KernelTime, sizeof *kernel);
    memcpy(user, &times.UserTime, sizeof *user);
    return TRUE;
}

HANDLE WINAPI OpenThread(DWORD access, BOOL inherits, DWORD id)
{
    CLIENT_ID client = {NULL, (HANDLE)(ULONG_PTR)id};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .Attributes = inherits ? OBJ_INHERIT : 0};
    HANDLE thread;
    return BaseCheck(NtOpenThread(&thread, access, &attributes, &client)) ? thread : NULL;
}

/* An APC of NT has three arguments; the first is the program's routine, the second its value. */
static VOID NTAPI CallApc(PVOID routine, PVOID value, PVOID unused)
{
    (void)unused;
    ((PAPCFUNC)routine)((ULONG_PTR)value);
}

DWORD WINAPI QueueUserAPC(PAPCFUNC routine, HANDLE thread, ULONG_PTR value)
{
    return BaseCheck(NtQueueApcThread(thread, CallApc, (PVOID)routine, (PVOID)value, NULL));
}

BOOL WINAPI SwitchToThread(VOID) { return NtYieldExecution() != STATUS_NO_YIELD_PERFORMED; }

DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
    LARGE_INTEGER time, *timeout = BaseTimeout(milliseconds, &time);
    if (timeout == NULL) {
        time.QuadPart = (LONGLONG)(1ULL << 63);
        timeout = &time;
    }
    NTSTATUS status;
    do
        status = NtDelayExecution((BOOLEAN)alertable, timeout);
    while (alertable && status == STATUS_ALERTED);
    return status == STATUS_USER_APC ? WAIT_IO_COMPLETION : 0;
}

VOID WINAPI Sleep(DWORD milliseconds) { SleepEx(milliseconds, FALSE); }
