/* One-time initialization, Windows Vista's: the word is 0, then 1 while somebody initializes, then the context with 2
   in its low bits. */

#include "parking.h"

enum { Untouched, Running, Done };
#define STATE 3u

VOID NTAPI RtlRunOnceInitialize(PRTL_RUN_ONCE once) { once->Ptr = NULL; }

static ULONG StateOf(PRTL_RUN_ONCE once) { return (ULONG)(ULONG_PTR)once->Ptr & STATE; }

static NTSTATUS TellDone(PRTL_RUN_ONCE once, PVOID *context)
{
    if (context != NULL)
        *context = (PVOID)((ULONG_PTR)once->Ptr & ~STATE);
    return STATUS_SUCCESS;
}

/* STATUS_PENDING: the caller initializes. With RTL_RUN_ONCE_ASYNC every caller does until one has completed. */
NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE once, ULONG flags, PVOID *context)
{
    for (;;) {
        PARKED self;
        if (StateOf(once) == Done)
            return TellDone(once, context);
        if (flags & RTL_RUN_ONCE_CHECK_ONLY)
            return STATUS_UNSUCCESSFUL;
        if (flags & RTL_RUN_ONCE_ASYNC)
            return STATUS_PENDING;
        ParkingLock();
        BOOL must_wait = StateOf(once) == Running, is_ours = StateOf(once) == Untouched;
        if (is_ours)
            once->Ptr = (PVOID)Running;
        if (must_wait)
            ParkingAppend(&self, once, 0);
        ParkingUnlock();
        if (is_ours)
            return STATUS_PENDING;
        if (must_wait)
            ParkingWait(&self, NULL);
    }
}

NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE once, ULONG flags, PVOID context)
{
    BOOL has_failed = flags & RTL_RUN_ONCE_INIT_FAILED, is_async = flags & RTL_RUN_ONCE_ASYNC;
    if ((ULONG_PTR)context & STATE || (has_failed && context != NULL))
        return STATUS_INVALID_PARAMETER_3;
    ParkingLock();
    NTSTATUS status = StateOf(once) == (is_async ? Untouched : Running) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    if (NT_SUCCESS(status))
        once->Ptr = has_failed ? NULL : (PVOID)((ULONG_PTR)context | Done);
    PPARKED first = NULL;
    for (PPARKED at; NT_SUCCESS(status) && (at = ParkingFirst(once)) != NULL;) {
        ParkingRemove(at);
        at->next = first;
        first = at;
    }
    ParkingUnlock();
    while (first != NULL) {
        PPARKED next = first->next;
        ParkingRelease(first);
        first = next;
    }
    return status;
}
