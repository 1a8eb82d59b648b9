/* Callbacks of timers and registered waits: counting those that run, so that an end can wait for them. */

#include "callback.h"

RTL_CRITICAL_SECTION CallbackLock = {.LockCount = -1};

LONGLONG CallbackNow(void)
{
    ULONG low;
    LONG high;
    do {
        high = SharedUserData->InterruptTime.High1Time;
        low = SharedUserData->InterruptTime.LowPart;
    } while (high != SharedUserData->InterruptTime.High2Time);
    return (LONGLONG)high << 32 | low;
}

typedef struct {
    PCALLBACK_STATE state;
    BOOLEAN fired;
} CALL;

void CallbackReturned(PCALLBACK_STATE state)
{
    RtlEnterCriticalSection(&CallbackLock);
    BOOL is_last = --state->running == 0 && state->is_ending;
    RtlLeaveCriticalSection(&CallbackLock);
    if (!is_last)
        return;
    if (state->finished != NULL)
        NtSetEvent(state->finished, NULL);
    Release(state->memory);
}

static VOID NTAPI InPool(PVOID value)
{
    CALL call = *(CALL *)value;
    Release(value);
    call.state->call(call.state->value, call.fired);
    CallbackReturned(call.state);
}

void CallbackRun(PCALLBACK_STATE state, BOOLEAN fired, BOOL is_here)
{
    RtlEnterCriticalSection(&CallbackLock);
    BOOL is_ending = state->is_ending;
    state->running += !is_ending;
    RtlLeaveCriticalSection(&CallbackLock);
    if (is_ending)
        return;
    CALL *call = is_here ? NULL : Allocate(sizeof *call);
    if (call != NULL) {
        *call = (CALL){state, fired};
        if (NT_SUCCESS(RtlQueueWorkItem(InPool, call, state->flags)))
            return;
        Release(call);
    }
    state->call(state->value, fired);
    CallbackReturned(state);
}

NTSTATUS CallbackEnd(PCALLBACK_STATE state, HANDLE completion)
{
    HANDLE own = NULL;
    NTSTATUS status = STATUS_SUCCESS;
    if (completion == INVALID_HANDLE_VALUE)
        status = NtCreateEvent(&own, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    BOOL still_runs = state->running > 0;
    state->is_ending = TRUE;
    state->finished = own != NULL ? own : completion != INVALID_HANDLE_VALUE ? completion : NULL;
    RtlLeaveCriticalSection(&CallbackLock);
    if (!still_runs) {
        if (completion != NULL && own == NULL && completion != INVALID_HANDLE_VALUE)
            NtSetEvent(completion, NULL);
        Release(state->memory);
    } else if (own != NULL) {
        status = NtWaitForSingleObject(own, FALSE, NULL);
    } else {
        status = STATUS_PENDING;
    }
    if (own != NULL)
        NtClose(own);
    return status;
}
