/* Threads: the end of a process, waits for one object, slots of thread-local storage, critical sections, interlocked
 * words. */
#include "ce.h"

void exit(int code)
{
    TerminateProcess(GetCurrentProcess(), (DWORD)code);
    for (;;)
        ExitThread((DWORD)code);
}

DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
    return WaitForMultipleObjects(1, &handle, FALSE, milliseconds);
}

enum { TLS_TAKE = 0, TLS_GIVE = 1 };

DWORD TlsAlloc(void)
{
    return TlsCall(TLS_TAKE, 0);
}

BOOL TlsFree(DWORD slot)
{
    return TlsCall(TLS_GIVE, slot) != 0;
}

LPVOID TlsGetValue(DWORD slot)
{
    if (slot >= TLS_SLOTS) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    SetLastError(ERROR_SUCCESS);
    return (LPVOID)KDATA_TLS[slot];
}

BOOL TlsSetValue(DWORD slot, LPVOID value)
{
    if (slot >= TLS_SLOTS) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    KDATA_TLS[slot] = (DWORD)value;
    return TRUE;
}

void InitializeCriticalSection(CRITICAL_SECTION *section)
{
    memset(section, 0, sizeof *section);
    section->hCrit = section;
}

BOOL TryEnterCriticalSection(CRITICAL_SECTION *section)
{
    if (section->LockCount && section->OwnerThread != (HANDLE)GetCurrentThreadId())
        return FALSE;
    EnterCriticalSection(section);
    return TRUE;
}

LONG InterlockedExchangeAdd(volatile LONG *target, LONG value)
{
    return __sync_fetch_and_add(target, value);
}

LONG InterlockedIncrement(volatile LONG *target)
{
    return __sync_add_and_fetch(target, 1);
}

LONG InterlockedDecrement(volatile LONG *target)
{
    return __sync_sub_and_fetch(target, 1);
}

LONG InterlockedExchange(volatile LONG *target, LONG value)
{
    return __sync_lock_test_and_set(target, value);
}

LONG InterlockedCompareExchange(volatile LONG *target, LONG value, LONG comparand)
{
    return __sync_val_compare_and_swap(target, comparand, value);
}

LONG InterlockedTestExchange(volatile LONG *target, LONG old, LONG value)
{
    return __sync_val_compare_and_swap(target, old, value);
}
