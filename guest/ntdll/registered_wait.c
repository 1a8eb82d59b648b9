/* Registered waits: threads that wait for up to 63 objects each, and one event that says that the list has changed. */

#include "callback.h"

#define MOST_WAITS (MAXIMUM_WAIT_OBJECTS - 1)
#define NEVER MAXLONGLONG
#define UNITS_IN_MS 10000ll

typedef struct _WAIT_THREAD {
    LIST_ENTRY links;
    HANDLE changed;
    ULONG count;
    struct _WAIT *waits[MOST_WAITS];
} WAIT_THREAD, *PWAIT_THREAD;

typedef struct _WAIT {
    CALLBACK_STATE callback;
    PWAIT_THREAD thread;
    HANDLE object;
    LONGLONG due;
    ULONG timeout;
    BOOL is_waiting; /* in its thread's list */
} WAIT, *PWAIT;

static LIST_ENTRY WaitThreads = {&WaitThreads, &WaitThreads};

static LONGLONG DueOf(const WAIT *wait) { return wait->timeout == INFINITE ? NEVER : CallbackNow() + wait->timeout * UNITS_IN_MS; }

/* The lock is held. */
static void TakeOff(PWAIT wait)
{
    PWAIT_THREAD thread = wait->thread;
    for (ULONG index = 0; wait->is_waiting && index < thread->count; index++)
        if (thread->waits[index] == wait) {
            thread->waits[index] = thread->waits[--thread->count];
            wait->is_waiting = FALSE;
        }
}

/* The object was signalled, or its time is over. The lock is held; it is free while the callback runs here. */
static void Fire(PWAIT wait, BOOLEAN by_time)
{
    BOOL is_here = wait->callback.flags & WT_EXECUTEINWAITTHREAD;
    if (wait->callback.flags & WT_EXECUTEONLYONCE)
        TakeOff(wait);
    wait->due = DueOf(wait);
    wait->callback.running++;
    RtlLeaveCriticalSection(&CallbackLock);
    CallbackRun(&wait->callback, by_time, is_here);
    CallbackReturned(&wait->callback);
    RtlEnterCriticalSection(&CallbackLock);
}

/* Copies what is waited for, and says how long; the lock is held. */
static PLARGE_INTEGER Gather(PWAIT_THREAD thread, HANDLE *handles, PWAIT *waits, ULONG *count, PLARGE_INTEGER time)
{
    LONGLONG due = NEVER;
    handles[0] = thread->changed;
    *count = thread->count;
    for (ULONG index = 0; index < thread->count; index++) {
        waits[index] = thread->waits[index];
        handles[index + 1] = waits[index]->object;
        due = min(due, waits[index]->due);
    }
    time->QuadPart = due == NEVER ? 0 : min(CallbackNow() - due, 0ll);
    return due == NEVER ? NULL : time;
}

static BOOL StillWaits(PWAIT_THREAD thread, const WAIT *wait)
{
    for (ULONG index = 0; index < thread->count; index++)
        if (thread->waits[index] == wait)
            return TRUE;
    return FALSE;
}

static VOID NTAPI WaitThread(PVOID value)
{
    PWAIT_THREAD thread = value;
    HANDLE handles[MAXIMUM_WAIT_OBJECTS];
    PWAIT waits[MOST_WAITS];
    ULONG count;
    LARGE_INTEGER time;
    for (;;) {
        RtlEnterCriticalSection(&CallbackLock);
        PLARGE_INTEGER timeout = Gather(thread, handles, waits, &count, &time);
        RtlLeaveCriticalSection(&CallbackLock);
        NTSTATUS status = NtWaitForMultipleObjects(count + 1, handles, WaitAny, TRUE, timeout);
        ULONG index = (ULONG)(status & 0x3f) - 1;
        BOOL is_signalled = status > STATUS_WAIT_0 && status <= STATUS_WAIT_0 + (NTSTATUS)count;
        BOOL is_abandoned = status > STATUS_ABANDONED_WAIT_0 && status <= STATUS_ABANDONED_WAIT_0 + (NTSTATUS)count;
        RtlEnterCriticalSection(&CallbackLock);
        if ((is_signalled || is_abandoned) && StillWaits(thread, waits[index]))
            Fire(waits[index], FALSE);
        for (ULONG other = 0; status == STATUS_TIMEOUT && other < count; other++)
            if (StillWaits(thread, waits[other]) && waits[other]->due <= CallbackNow())
                Fire(waits[other], TRUE);
        /* A handle that was closed under its wait would make every wait fail: it is given up. */
        for (ULONG other = 0; !NT_SUCCESS(status) && other < count; other++) {
            LARGE_INTEGER none = {.QuadPart = 0};
            if (StillWaits(thread, waits[other]) && !NT_SUCCESS(NtWaitForSingleObject(waits[other]->object, FALSE, &none)))
                TakeOff(waits[other]);
        }
        RtlLeaveCriticalSection(&CallbackLock);
    }
}

/* A thread with room for one more; the lock is held. */
static PWAIT_THREAD ThreadWithRoom(void)
{
    for (PLIST_ENTRY at = WaitThreads.Flink; at != &WaitThreads; at = at->Flink)
        if (CONTAINING_RECORD(at, WAIT_THREAD, links)->count < MOST_WAITS)
            return CONTAINING_RECORD(at, WAIT_THREAD, links);
    PWAIT_THREAD thread = Allocate(sizeof *thread);
    if (thread == NULL)
        return NULL;
    if (NT_SUCCESS(NtCreateEvent(&thread->changed, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE))) {
        NTSTATUS status =
            RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, (PVOID)WaitThread, thread, NULL, NULL);
        if (NT_SUCCESS(status)) {
            ListInsertBefore(&WaitThreads, &thread->links);
            return thread;
        }
        NtClose(thread->changed);
    }
    Release(thread);
    return NULL;
}

NTSTATUS NTAPI RtlRegisterWait(PHANDLE out, HANDLE object, WAITORTIMERCALLBACKFUNC call, PVOID value, ULONG timeout,
                               ULONG flags)
{
    PWAIT wait = Allocate(sizeof *wait);
    if (wait == NULL)
        return STATUS_NO_MEMORY;
    wait->callback = (CALLBACK_STATE){call, value, flags, 0, FALSE, NULL, wait};
    wait->object = object;
    wait->timeout = timeout;
    wait->due = DueOf(wait);
    *out = wait;
    RtlEnterCriticalSection(&CallbackLock);
    wait->thread = ThreadWithRoom();
    if (wait->thread != NULL) {
        wait->thread->waits[wait->thread->count++] = wait;
        wait->is_waiting = TRUE;
        NtSetEvent(wait->thread->changed, NULL);
    }
    RtlLeaveCriticalSection(&CallbackLock);
    if (wait->thread != NULL)
        return STATUS_SUCCESS;
    Release(wait);
    *out = NULL;
    return STATUS_NO_MEMORY;
}

NTSTATUS NTAPI RtlDeregisterWaitEx(HANDLE handle, HANDLE completion)
{
    PWAIT wait = handle;
    if (wait == NULL)
        return STATUS_INVALID_HANDLE;
    RtlEnterCriticalSection(&CallbackLock);
    TakeOff(wait);
    NtSetEvent(wait->thread->changed, NULL);
    return CallbackEnd(&wait->callback, completion);
}

NTSTATUS NTAPI RtlDeregisterWait(HANDLE handle) { return RtlDeregisterWaitEx(handle, NULL); }
