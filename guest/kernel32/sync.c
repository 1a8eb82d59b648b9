/* Waiting, and what can be waited for: events, mutexes, semaphores, timers. */

#include "base.h"

static DWORD Wait(NTSTATUS status)
{
    return BaseCheck(status) ? (DWORD)status : WAIT_FAILED;
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
    LARGE_INTEGER time;
    NTSTATUS status;
    do
        status = NtWaitForSingleObject(BaseFileHandle(handle), (BOOLEAN)alertable, BaseTimeout(milliseconds, &time));
    while (alertable && status == STATUS_ALERTED);
    return Wait(status);
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
    return WaitForSingleObjectEx(handle, milliseconds, FALSE);
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds, BOOL alertable)
{
    LARGE_INTEGER time;
    NTSTATUS status;
    do
        status = NtWaitForMultipleObjects(count, handles, all ? WaitAll : WaitAny, (BOOLEAN)alertable,
                                          BaseTimeout(milliseconds, &time));
    while (alertable && status == STATUS_ALERTED);
    return Wait(status);
}

DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds)
{
    return WaitForMultipleObjectsEx(count, handles, all, milliseconds, FALSE);
}

DWORD WINAPI SignalObjectAndWait(HANDLE signalled, HANDLE awaited, DWORD milliseconds, BOOL alertable)
{
    LARGE_INTEGER time;
    return Wait(NtSignalAndWaitForSingleObject(signalled, awaited, (BOOLEAN)alertable, BaseTimeout(milliseconds, &time)));
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual, BOOL signalled, LPCWSTR name)
{
    BaseObject object;
    HANDLE event;
    NTSTATUS status = NtCreateEvent(&event, EVENT_ALL_ACCESS, BaseNamed(&object, name, security, FALSE),
                                    manual ? NotificationEvent : SynchronizationEvent, signalled != 0);
    return BaseCreated(status, event);
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES security, BOOL owned, LPCWSTR name)
{
    BaseObject object;
    HANDLE mutex;
    NTSTATUS status = NtCreateMutant(&mutex, MUTEX_ALL_ACCESS, BaseNamed(&object, name, security, FALSE), owned != 0);
    return BaseCreated(status, mutex);
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCWSTR name)
{
    BaseObject object;
    HANDLE semaphore;
    NTSTATUS status = NtCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, BaseNamed(&object, name, security, FALSE),
                                        initial, maximum);
    return BaseCreated(status, semaphore);
}

HANDLE WINAPI CreateWaitableTimerW(LPSECURITY_ATTRIBUTES security, BOOL manual, LPCWSTR name)
{
    BaseObject object;
    HANDLE timer;
    NTSTATUS status = NtCreateTimer(&timer, TIMER_ALL_ACCESS, BaseNamed(&object, name, security, FALSE),
                                    manual ? NotificationTimer : SynchronizationTimer);
    return BaseCreated(status, timer);
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual, BOOL signalled, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE event = CreateEventW(security, manual, signalled, wide);
    BaseRelease(wide);
    return event;
}

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES security, BOOL owned, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE mutex = CreateMutexW(security, owned, wide);
    BaseRelease(wide);
    return mutex;
}

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE semaphore = CreateSemaphoreW(security, initial, maximum, wide);
    BaseRelease(wide);
    return semaphore;
}

HANDLE WINAPI CreateWaitableTimerA(LPSECURITY_ATTRIBUTES security, BOOL manual, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE timer = CreateWaitableTimerW(security, manual, wide);
    BaseRelease(wide);
    return timer;
}

typedef NTSTATUS(NTAPI *Opener)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);

static HANDLE Open(Opener open, DWORD access, BOOL inherits, LPCWSTR name)
{
    BaseObject object;
    HANDLE handle;
    if (name == NULL) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    return BaseCheck(open(&handle, access, BaseNamed(&object, name, NULL, inherits))) ? handle : NULL;
}

static HANDLE OpenNarrow(Opener open, DWORD access, BOOL inherits, LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HANDLE handle = Open(open, access, inherits, wide);
    BaseRelease(wide);
    return handle;
}

HANDLE WINAPI OpenEventW(DWORD access, BOOL inherits, LPCWSTR name) { return Open(NtOpenEvent, access, inherits, name); }
HANDLE WINAPI OpenEventA(DWORD access, BOOL inherits, LPCSTR name)
{
    return OpenNarrow(NtOpenEvent, access, inherits, name);
}
HANDLE WINAPI OpenMutexW(DWORD access, BOOL inherits, LPCWSTR name) { return Open(NtOpenMutant, access, inherits, name); }
HANDLE WINAPI OpenMutexA(DWORD access, BOOL inherits, LPCSTR name)
{
    return OpenNarrow(NtOpenMutant, access, inherits, name);
}
HANDLE WINAPI OpenSemaphoreW(DWORD access, BOOL inherits, LPCWSTR name)
{
    return Open(NtOpenSemaphore, access, inherits, name);
}
HANDLE WINAPI OpenSemaphoreA(DWORD access, BOOL inherits, LPCSTR name)
{
    return OpenNarrow(NtOpenSemaphore, access, inherits, name);
}
HANDLE WINAPI OpenWaitableTimerW(DWORD access, BOOL inherits, LPCWSTR name)
{
    return Open(NtOpenTimer, access, inherits, name);
}
HANDLE WINAPI OpenWaitableTimerA(DWORD access, BOOL inherits, LPCSTR name)
{
    return OpenNarrow(NtOpenTimer, access, inherits, name);
}

BOOL WINAPI SetEvent(HANDLE event) { return BaseCheck(NtSetEvent(event, NULL)); }
BOOL WINAPI ResetEvent(HANDLE event) { return BaseCheck(NtClearEvent(event)); }
BOOL WINAPI PulseEvent(HANDLE event) { return BaseCheck(NtPulseEvent(event, NULL)); }
BOOL WINAPI ReleaseMutex(HANDLE mutex) { return BaseCheck(NtReleaseMutant(mutex, NULL)); }

BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LPLONG previous)
{
    return BaseCheck(NtReleaseSemaphore(semaphore, count, previous));
}

BOOL WINAPI SetWaitableTimer(HANDLE timer, const LARGE_INTEGER *due, LONG period, PTIMERAPCROUTINE routine,
                             LPVOID argument, BOOL resume)
{
    return BaseCheck(NtSetTimer(timer, (PLARGE_INTEGER)due, (PTIMER_APC_ROUTINE)routine, argument, resume != 0, period, NULL));
}

BOOL WINAPI CancelWaitableTimer(HANDLE timer) { return BaseCheck(NtCancelTimer(timer, NULL)); }

/* The one initialization that has a result in Win32 and none in ntdll. */
VOID WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section) { RtlInitializeCriticalSection(section); }

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spin)
{
    return BaseCheck(RtlInitializeCriticalSectionAndSpinCount(section, spin));
}
