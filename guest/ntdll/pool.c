/* The pool's threads: work items in order of arrival, threads made when nobody is free and gone when nothing comes. */

#include "ntdll.h"
#include "pool.h"

/* As many as XP allows unless a program says otherwise; the wait after which a free thread ends, in units of 100 ns. */
#define MOST_THREADS 500
#define IDLE_TIME (-5 * 10000000LL)

typedef struct _WORK {
    struct _WORK *next;
    WORKERCALLBACKFUNC call;
    PVOID value;
} WORK;

static RTL_CRITICAL_SECTION Lock = {.LockCount = -1};
static WORK *First, **Last = &First;
static ULONG Threads, Idle, Waiting;
static HANDLE Arrived;

static WORK *Take(void)
{
    RtlEnterCriticalSection(&Lock);
    WORK *work = First;
    if (work != NULL) {
        First = work->next;
        Waiting--;
        if (First == NULL)
            Last = &First;
    }
    RtlLeaveCriticalSection(&Lock);
    return work;
}

static void Count(PULONG counter, LONG change)
{
    RtlEnterCriticalSection(&Lock);
    *counter += (ULONG)change;
    RtlLeaveCriticalSection(&Lock);
}

/* Waits alertably, so that calls queued to it run between items: what WT_EXECUTEINIOTHREAD promises. */
static NTSTATUS NTAPI Worker(PVOID unused)
{
    LARGE_INTEGER idle = {.QuadPart = IDLE_TIME};
    (void)unused;
    for (;;) {
        Count(&Idle, 1);
        NTSTATUS status;
        do
            status = NtWaitForSingleObject(Arrived, TRUE, &idle);
        while (status == STATUS_USER_APC || status == STATUS_ALERTED);
        Count(&Idle, -1);
        WORK *work = Take();
        if (work == NULL && status == STATUS_TIMEOUT)
            break;
        if (work != NULL) {
            WORK item = *work;
            Release(work);
            item.call(item.value);
        }
    }
    Count(&Threads, -1);
    return STATUS_SUCCESS;
}

static NTSTATUS Start(void)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (Arrived == NULL)
        status = NtCreateSemaphore(&Arrived, SEMAPHORE_ALL_ACCESS, NULL, 0, MAXLONG);
    /* A thread that was made but has not begun to wait is not idle yet. */
    if (NT_SUCCESS(status) && Waiting > Idle && Threads < MOST_THREADS) {
        status = RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, (PVOID)Worker, NULL, NULL, NULL);
        Threads += NT_SUCCESS(status);
        if (!NT_SUCCESS(status) && Threads > 0)
            status = STATUS_SUCCESS;
    }
    return status;
}

NTSTATUS NTAPI RtlQueueWorkItem(WORKERCALLBACKFUNC call, PVOID value, ULONG flags)
{
    (void)flags;
    WORK *work = Allocate(sizeof *work);
    if (work == NULL)
        return STATUS_NO_MEMORY;
    *work = (WORK){NULL, call, value};
    RtlEnterCriticalSection(&Lock);
    WORK **link = Last;
    *Last = work;
    Last = &work->next;
    Waiting++;
    NTSTATUS status = Start();
    if (NT_SUCCESS(status)) {
        NtReleaseSemaphore(Arrived, 1, NULL);
    } else {
        *link = NULL;
        Last = link;
        Waiting--;
        Release(work);
    }
    RtlLeaveCriticalSection(&Lock);
    return status;
}
