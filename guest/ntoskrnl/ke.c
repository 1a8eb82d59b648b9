/* Dispatcher objects, time, and what the kernel says of itself. */

#include "ki.h"

static void Initialize(DISPATCHER_HEADER *header, UCHAR type, ULONG bytes, LONG state)
{
    header->Type = type;
    header->Absolute = header->Inserted = 0;
    header->Size = (UCHAR)(bytes / sizeof(ULONG));
    header->SignalState = state;
    InitializeListHead(&header->WaitListHead);
}

VOID NTAPI KeInitializeEvent(PKEVENT event, EVENT_TYPE type, BOOLEAN state)
{
    UCHAR kind = type == NotificationEvent ? EventNotificationObject : EventSynchronizationObject;
    Initialize(&event->Header, kind, sizeof *event, state != FALSE);
}

LONG NTAPI KeResetEvent(PKEVENT event) { return InterlockedExchange(&event->Header.SignalState, 0); }
VOID NTAPI KeClearEvent(PKEVENT event) { event->Header.SignalState = 0; }
LONG NTAPI KeReadStateEvent(PKEVENT event) { return event->Header.SignalState; }

VOID NTAPI KeInitializeSemaphore(PKSEMAPHORE semaphore, LONG count, LONG limit)
{
    Initialize(&semaphore->Header, SemaphoreObject, sizeof *semaphore, count);
    semaphore->Limit = limit;
}

VOID NTAPI KeInitializeMutex(PKMUTEX mutex, ULONG level)
{
    (void)level;
    Initialize(&mutex->Header, MutantObject, sizeof *mutex, 1);
    mutex->OwnerThread = NULL;
    mutex->Abandoned = FALSE;
    mutex->ApcDisable = 1;
}

VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK lock) { *lock = 0; }

/* KUSER_SHARED_DATA as the kernel writes it. */
#define SHARED(type, offset) (*(volatile type *)(0xffdf0000 + (offset)))

static void ReadTime(ULONG offset, PLARGE_INTEGER time)
{
    do {
        time->HighPart = SHARED(LONG, offset + 4);
        time->LowPart = SHARED(ULONG, offset);
    } while (time->HighPart != SHARED(LONG, offset + 8));
}

VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER time) { ReadTime(0x14, time); }
ULONGLONG NTAPI KeQueryInterruptTime(void)
{
    LARGE_INTEGER time;
    ReadTime(0x8, &time);
    return time.QuadPart;
}
VOID NTAPI KeQueryTickCount(PLARGE_INTEGER ticks) { ReadTime(0x320, ticks); }
ULONG NTAPI KeQueryTimeIncrement(void) { return 156250; }

__attribute__((noreturn)) VOID NTAPI KeBugCheck(ULONG code) { KeBugCheckEx(code, 0, 0, 0, 0); }

/* Offsets in ETHREAD. */
#define THREAD_FIELD(offset) (*(PVOID *)((PUCHAR)KeGetCurrentThread() + (offset)))
HANDLE NTAPI PsGetCurrentProcessId(void) { return THREAD_FIELD(0x1ec); }
HANDLE NTAPI PsGetCurrentThreadId(void) { return THREAD_FIELD(0x1f0); }
PEPROCESS NTAPI IoGetCurrentProcess(void) { return THREAD_FIELD(0x44); }

PVOID NTAPI ExAllocatePool(POOL_TYPE type, SIZE_T bytes) { return ExAllocatePoolWithTag(type, bytes, 0x656e6f4e); }
VOID NTAPI ExFreePool(PVOID block) { ExFreePoolWithTag(block, 0); }

/* Where a system thread begins: it also ends when its routine returns. */
VOID NTAPI KiSystemThreadStartup(KSTART_ROUTINE *routine, PVOID context)
{
    routine(context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}
