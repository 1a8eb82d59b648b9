/* Critical sections: a count that the first owner takes alone, and an event, made when somebody has to wait. */

#include "ntdll.h"

static HANDLE CurrentThreadId(void) { return CurrentTeb()->ClientId.UniqueThread; }

NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(PRTL_CRITICAL_SECTION section, ULONG spin)
{
    section->DebugInfo = NULL;
    section->LockCount = -1;
    section->RecursionCount = 0;
    section->OwningThread = section->LockSemaphore = NULL;
    section->SpinCount = CurrentPeb()->NumberOfProcessors > 1 ? spin & 0xffffff : 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlInitializeCriticalSection(PRTL_CRITICAL_SECTION section)
{
    return RtlInitializeCriticalSectionAndSpinCount(section, 0);
}

ULONG NTAPI RtlSetCriticalSectionSpinCount(PRTL_CRITICAL_SECTION section, ULONG spin)
{
    ULONG old = section->SpinCount;
    section->SpinCount = CurrentPeb()->NumberOfProcessors > 1 ? spin : 0;
    return old;
}

NTSTATUS NTAPI RtlDeleteCriticalSection(PRTL_CRITICAL_SECTION section)
{
    NTSTATUS status = section->LockSemaphore != NULL ? NtClose(section->LockSemaphore) : STATUS_SUCCESS;
    memset(section, 0, sizeof *section);
    return status;
}

/* The section's event; of two that make it at once, one closes its own. */
static HANDLE EventOf(PRTL_CRITICAL_SECTION section)
{
    HANDLE made;
    if (section->LockSemaphore != NULL)
        return section->LockSemaphore;
    NTSTATUS status = NtCreateEvent(&made, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
    if (!NT_SUCCESS(status))
        RtlRaiseStatus(status);
    if (InterlockedCompareExchangePointer(&section->LockSemaphore, made, NULL) != NULL)
        NtClose(made);
    return section->LockSemaphore;
}

static NTSTATUS Own(PRTL_CRITICAL_SECTION section)
{
    section->OwningThread = CurrentThreadId();
    section->RecursionCount = 1;
    return STATUS_SUCCESS;
}

static BOOL TakeFree(PRTL_CRITICAL_SECTION section)
{
    return InterlockedCompareExchange(&section->LockCount, 0, -1) == -1;
}

BOOLEAN NTAPI RtlTryEnterCriticalSection(PRTL_CRITICAL_SECTION section)
{
    if (TakeFree(section)) {
        Own(section);
        return TRUE;
    }
    if (section->OwningThread != CurrentThreadId())
        return FALSE;
    InterlockedIncrement(&section->LockCount);
    section->RecursionCount++;
    return TRUE;
}

NTSTATUS NTAPI RtlEnterCriticalSection(PRTL_CRITICAL_SECTION section)
{
    if (RtlTryEnterCriticalSection(section))
        return STATUS_SUCCESS;
    for (ULONG spins = section->SpinCount; spins > 0; spins--) {
        if (TakeFree(section))
            return Own(section);
        __asm__ volatile("pause");
    }
    if (InterlockedIncrement(&section->LockCount) == 0)
        return Own(section);
    NTSTATUS status = NtWaitForSingleObject(EventOf(section), FALSE, NULL);
    if (!NT_SUCCESS(status))
        RtlRaiseStatus(status);
    return Own(section);
}

NTSTATUS NTAPI RtlLeaveCriticalSection(PRTL_CRITICAL_SECTION section)
{
    if (--section->RecursionCount > 0) {
        InterlockedDecrement(&section->LockCount);
        return STATUS_SUCCESS;
    }
    section->OwningThread = NULL;
    if (InterlockedDecrement(&section->LockCount) >= 0)
        return NtSetEvent(EventOf(section), NULL);
    return STATUS_SUCCESS;
}

static RTL_CRITICAL_SECTION FastPebLock;

void RtlpInitializeCriticalSections(void)
{
    RtlInitializeCriticalSection(&FastPebLock);
    RtlInitializeCriticalSection(&LdrpLoaderLock);
    CurrentPeb()->FastPebLock = &FastPebLock;
    CurrentPeb()->LoaderLock = &LdrpLoaderLock;
}

VOID NTAPI RtlAcquirePebLock(VOID) { RtlEnterCriticalSection(&FastPebLock); }
VOID NTAPI RtlReleasePebLock(VOID) { RtlLeaveCriticalSection(&FastPebLock); }
