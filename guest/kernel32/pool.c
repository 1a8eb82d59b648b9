/* Timer queues, work items and registered waits, as Win32 has them over ntdll's. */

#include "base.h"
#include "pool.h"

HANDLE WINAPI CreateTimerQueue(VOID)
{
    HANDLE queue;
    return BaseCheck(RtlCreateTimerQueue(&queue)) ? queue : NULL;
}

/* What still runs is an error for those who did not want to wait. */
static BOOL Ended(NTSTATUS status) { return status == STATUS_PENDING ? BaseFail(ERROR_IO_PENDING) : BaseCheck(status); }

BOOL WINAPI DeleteTimerQueueEx(HANDLE queue, HANDLE completion) { return Ended(RtlDeleteTimerQueueEx(queue, completion)); }

BOOL WINAPI DeleteTimerQueue(HANDLE queue)
{
    NTSTATUS status = RtlDeleteTimerQueueEx(queue, NULL);
    return status == STATUS_PENDING || BaseCheck(status);
}

BOOL WINAPI CreateTimerQueueTimer(PHANDLE timer, HANDLE queue, WAITORTIMERCALLBACK call, PVOID value, DWORD due,
                                  DWORD period, ULONG flags)
{
    *timer = NULL;
    return BaseCheck(RtlCreateTimer(queue, timer, call, value, due, period, flags));
}

HANDLE WINAPI SetTimerQueueTimer(HANDLE queue, WAITORTIMERCALLBACK call, PVOID value, DWORD due, DWORD period,
                                 BOOL prefers_io)
{
    HANDLE timer;
    NTSTATUS status = RtlCreateTimer(queue, &timer, call, value, due, period, prefers_io ? WT_EXECUTEINIOTHREAD : 0);
    return BaseCheck(status) ? timer : NULL;
}

BOOL WINAPI ChangeTimerQueueTimer(HANDLE queue, HANDLE timer, ULONG due, ULONG period)
{
    return BaseCheck(RtlUpdateTimer(queue, timer, due, period));
}

BOOL WINAPI DeleteTimerQueueTimer(HANDLE queue, HANDLE timer, HANDLE completion)
{
    return Ended(RtlDeleteTimer(queue, timer, completion));
}

BOOL WINAPI CancelTimerQueueTimer(HANDLE queue, HANDLE timer) { return Ended(RtlDeleteTimer(queue, timer, NULL)); }

/* The function has a result here, which nobody reads; the conventions are the same. */
BOOL WINAPI QueueUserWorkItem(LPTHREAD_START_ROUTINE call, PVOID value, ULONG flags)
{
    return BaseCheck(RtlQueueWorkItem((WORKERCALLBACKFUNC)(PVOID)call, value, flags));
}

BOOL WINAPI RegisterWaitForSingleObject(PHANDLE wait, HANDLE object, WAITORTIMERCALLBACK call, PVOID value,
                                        ULONG milliseconds, ULONG flags)
{
    return BaseCheck(RtlRegisterWait(wait, BaseFileHandle(object), call, value, milliseconds, flags));
}

HANDLE WINAPI RegisterWaitForSingleObjectEx(HANDLE object, WAITORTIMERCALLBACK call, PVOID value, ULONG milliseconds,
                                            ULONG flags)
{
    HANDLE wait;
    return RegisterWaitForSingleObject(&wait, object, call, value, milliseconds, flags) ? wait : NULL;
}

BOOL WINAPI UnregisterWaitEx(HANDLE wait, HANDLE completion) { return Ended(RtlDeregisterWaitEx(wait, completion)); }
BOOL WINAPI UnregisterWait(HANDLE wait) { return Ended(RtlDeregisterWaitEx(wait, NULL)); }
