/* Timer queues: one thread sleeps until the next timer of any queue is due. */

#include "callback.h"

#define UNITS_IN_MS 10000ll
#define NEVER MAXLONGLONG

typedef struct _TIMER_QUEUE {
    LIST_ENTRY links, timers;
    BOOL is_usual;
} TIMER_QUEUE, *PTIMER_QUEUE;

typedef struct {
    LIST_ENTRY links;
    CALLBACK_STATE callback;
    LONGLONG due; /* in the interrupt time's units of 100 ns */
    ULONG period;
} QUEUE_TIMER, *PQUEUE_TIMER;

static LIST_ENTRY Queues = {&Queues, &Queues};
static TIMER_QUEUE Usual = {.is_usual = TRUE};
static HANDLE Changed;

/* The timer that is due first; the lock is held. */
static PQUEUE_TIMER Next(void)
{
    PQUEUE_TIMER next = NULL;
    for (PLIST_ENTRY queue = Queues.Flink; queue != &Queues; queue = queue->Flink) {
        PLIST_ENTRY head = &CONTAINING_RECORD(queue, TIMER_QUEUE, links)->timers;
        for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
            PQUEUE_TIMER timer = CONTAINING_RECORD(at, QUEUE_TIMER, links);
            if (timer->due != NEVER && (next == NULL || timer->due < next->due))
                next = timer;
        }
    }
    return next;
}

static VOID NTAPI TimerThread(PVOID unused)
{
    (void)unused;
    for (;;) {
        LARGE_INTEGER wait, *timeout = NULL;
        RtlEnterCriticalSection(&CallbackLock);
        PQUEUE_TIMER timer = Next();
        LONGLONG left = timer != NULL ? timer->due - CallbackNow() : 0;
        BOOL is_due = timer != NULL && left <= 0;
        if (is_due) {
            timer->due = timer->period != 0 ? timer->due + timer->period * UNITS_IN_MS : NEVER;
            timer->callback.running++; /* keeps it alive until it has been run */
        }
        RtlLeaveCriticalSection(&CallbackLock);
        if (is_due) {
            CallbackRun(&timer->callback, TRUE, (timer->callback.flags & WT_EXECUTEINTIMERTHREAD) != 0);
            CallbackReturned(&timer->callback);
            continue;
        }
        if (timer != NULL) {
            wait.QuadPart = -left;
            timeout = &wait;
        }
        NtWaitForSingleObject(Changed, TRUE, timeout);
    }
}

/* The usual queue and the thread, when the first timer is made; the lock is held. */
static NTSTATUS Begin(void)
{
    if (Changed != NULL)
        return STATUS_SUCCESS;
    NTSTATUS status = NtCreateEvent(&Changed, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
    if (!NT_SUCCESS(status))
        return status;
    ListInitialize(&Usual.timers);
    ListInsertBefore(&Queues, &Usual.links);
    status = RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, (PVOID)TimerThread, NULL, NULL, NULL);
    if (!NT_SUCCESS(status)) {
        ListRemove(&Usual.links);
        NtClose(Changed);
        Changed = NULL;
    }
    return status;
}

NTSTATUS NTAPI RtlCreateTimerQueue(PHANDLE out)
{
    PTIMER_QUEUE queue = Allocate(sizeof *queue);
    if (queue == NULL)
        return STATUS_NO_MEMORY;
    ListInitialize(&queue->timers);
    RtlEnterCriticalSection(&CallbackLock);
    NTSTATUS status = Begin();
    if (NT_SUCCESS(status))
        ListInsertBefore(&Queues, &queue->links);
    RtlLeaveCriticalSection(&CallbackLock);
    if (!NT_SUCCESS(status))
        Release(queue);
    else
        *out = queue;
    return status;
}

NTSTATUS NTAPI RtlCreateTimer(HANDLE queue, PHANDLE out, WAITORTIMERCALLBACKFUNC call, PVOID value, ULONG due,
                              ULONG period, ULONG flags)
{
    PQUEUE_TIMER timer = Allocate(sizeof *timer);
    if (timer == NULL)
        return STATUS_NO_MEMORY;
    timer->callback = (CALLBACK_STATE){call, value, flags, 0, FALSE, NULL, timer};
    timer->period = flags & WT_EXECUTEONLYONCE ? 0 : period;
    RtlEnterCriticalSection(&CallbackLock);
    NTSTATUS status = Begin();
    if (NT_SUCCESS(status)) {
        timer->due = CallbackNow() + due * UNITS_IN_MS;
        ListInsertBefore(queue != NULL ? &((PTIMER_QUEUE)queue)->timers : &Usual.timers, &timer->links);
        *out = timer;
        NtSetEvent(Changed, NULL);
    }
    RtlLeaveCriticalSection(&CallbackLock);
    if (!NT_SUCCESS(status))
        Release(timer);
    return status;
}

NTSTATUS NTAPI RtlUpdateTimer(HANDLE queue, HANDLE handle, ULONG due, ULONG period)
{
    PQUEUE_TIMER timer = handle;
    (void)queue;
    if (timer == NULL)
        return STATUS_INVALID_PARAMETER_2;
    RtlEnterCriticalSection(&CallbackLock);
    timer->due = CallbackNow() + due * UNITS_IN_MS;
    timer->period = timer->callback.flags & WT_EXECUTEONLYONCE ? 0 : period;
    NtSetEvent(Changed, NULL);
    RtlLeaveCriticalSection(&CallbackLock);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDeleteTimer(HANDLE queue, HANDLE handle, HANDLE completion)
{
    PQUEUE_TIMER timer = handle;
    (void)queue;
    if (timer == NULL)
        return STATUS_INVALID_PARAMETER_1;
    RtlEnterCriticalSection(&CallbackLock);
    ListRemove(&timer->links);
    return CallbackEnd(&timer->callback, completion);
}

/* Ends every timer of the queue. An event is signalled when all have ended. */
NTSTATUS NTAPI RtlDeleteTimerQueueEx(HANDLE handle, HANDLE completion)
{
    PTIMER_QUEUE queue = handle;
    NTSTATUS status = STATUS_SUCCESS;
    if (queue == NULL || queue->is_usual)
        return STATUS_INVALID_PARAMETER_1;
    for (;;) {
        RtlEnterCriticalSection(&CallbackLock);
        if (queue->timers.Flink == &queue->timers)
            break;
        PQUEUE_TIMER timer = CONTAINING_RECORD(queue->timers.Flink, QUEUE_TIMER, links);
        ListRemove(&timer->links);
        NTSTATUS ended = CallbackEnd(&timer->callback, completion != NULL ? INVALID_HANDLE_VALUE : NULL);
        if (ended != STATUS_SUCCESS)
            status = ended;
    }
    ListRemove(&queue->links);
    RtlLeaveCriticalSection(&CallbackLock);
    Release(queue);
    if (completion != NULL && completion != INVALID_HANDLE_VALUE)
        NtSetEvent(completion, NULL);
    return status;
}
