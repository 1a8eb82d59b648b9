/* Windows Vista's condition variables, slim locks and one-time initialization, as Win32 has them. */

#include "base.h"

NTSTATUS NTAPI RtlSleepConditionVariableCS(PRTL_CONDITION_VARIABLE, PRTL_CRITICAL_SECTION, PLARGE_INTEGER);
NTSTATUS NTAPI RtlSleepConditionVariableSRW(PRTL_CONDITION_VARIABLE, PRTL_SRWLOCK, PLARGE_INTEGER, ULONG);
NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE, ULONG, PVOID *);
NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE, ULONG, PVOID);

static BOOL Slept(NTSTATUS status) { return status == STATUS_TIMEOUT ? BaseFail(ERROR_TIMEOUT) : BaseCheck(status); }

BOOL WINAPI SleepConditionVariableCS(PRTL_CONDITION_VARIABLE condition, PRTL_CRITICAL_SECTION section, DWORD milliseconds)
{
    LARGE_INTEGER time;
    return Slept(RtlSleepConditionVariableCS(condition, section, BaseTimeout(milliseconds, &time)));
}

BOOL WINAPI SleepConditionVariableSRW(PRTL_CONDITION_VARIABLE condition, PRTL_SRWLOCK lock, DWORD milliseconds,
                                      ULONG flags)
{
    LARGE_INTEGER time;
    return Slept(RtlSleepConditionVariableSRW(condition, lock, BaseTimeout(milliseconds, &time), flags));
}

BOOL WINAPI InitOnceBeginInitialize(PRTL_RUN_ONCE once, DWORD flags, PBOOL pending, PVOID *context)
{
    NTSTATUS status = RtlRunOnceBeginInitialize(once, flags, context);
    *pending = status == STATUS_PENDING;
    return BaseCheck(status);
}

BOOL WINAPI InitOnceComplete(PRTL_RUN_ONCE once, DWORD flags, PVOID context)
{
    return BaseCheck(RtlRunOnceComplete(once, flags, context));
}

typedef BOOL(WINAPI *Initializer)(PRTL_RUN_ONCE once, PVOID parameter, PVOID *context);

BOOL WINAPI InitOnceExecuteOnce(PRTL_RUN_ONCE once, Initializer call, PVOID parameter, PVOID *context)
{
    PVOID made = NULL;
    NTSTATUS status = RtlRunOnceBeginInitialize(once, 0, context);
    if (status != STATUS_PENDING)
        return BaseCheck(status);
    if (!call(once, parameter, &made)) {
        RtlRunOnceComplete(once, RTL_RUN_ONCE_INIT_FAILED, NULL);
        return FALSE;
    }
    if (context != NULL)
        *context = made;
    return BaseCheck(RtlRunOnceComplete(once, 0, made));
}
