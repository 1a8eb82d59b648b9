/* Virtual memory: the calls of Win32 over NT's, with the checks that Win32 makes before them. */

#include "base.h"

LPVOID WINAPI VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type, DWORD protect)
{
    if (address != NULL && (ULONG_PTR)address < ALLOCATION_UNIT) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    return BaseCheck(NtAllocateVirtualMemory(process, &address, 0, &size, type, protect)) ? address : NULL;
}

LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protect)
{
    return VirtualAllocEx(NtCurrentProcess(), address, size, type, protect);
}

BOOL WINAPI VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type)
{
    if (type & MEM_RELEASE && size != 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    return BaseCheck(NtFreeVirtualMemory(process, &address, &size, type));
}

BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type)
{
    return VirtualFreeEx(NtCurrentProcess(), address, size, type);
}

BOOL WINAPI VirtualProtectEx(HANDLE process, LPVOID address, SIZE_T size, DWORD protect, PDWORD old)
{
    return BaseCheck(NtProtectVirtualMemory(process, &address, &size, protect, old));
}

BOOL WINAPI VirtualProtect(LPVOID address, SIZE_T size, DWORD protect, PDWORD old)
{
    return VirtualProtectEx(NtCurrentProcess(), address, size, protect, old);
}

SIZE_T WINAPI VirtualQueryEx(HANDLE process, LPCVOID address, PMEMORY_BASIC_INFORMATION out, SIZE_T size)
{
    SIZE_T length = 0;
    NTSTATUS status =
        NtQueryVirtualMemory(process, (PVOID)address, MemoryBasicInformation, out, size, &length);
    return BaseCheck(status) ? length : 0;
}

SIZE_T WINAPI VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION out, SIZE_T size)
{
    return VirtualQueryEx(NtCurrentProcess(), address, out, size);
}

#define LOCK_IN_MEMORY 1

BOOL WINAPI VirtualLock(LPVOID address, SIZE_T size)
{
    return BaseCheck(NtLockVirtualMemory(NtCurrentProcess(), &address, &size, LOCK_IN_MEMORY));
}

BOOL WINAPI VirtualUnlock(LPVOID address, SIZE_T size)
{
    return BaseCheck(NtUnlockVirtualMemory(NtCurrentProcess(), &address, &size, LOCK_IN_MEMORY));
}

UINT WINAPI GetWriteWatch(DWORD flags, PVOID base, SIZE_T size, PVOID *addresses, ULONG_PTR *count, LPDWORD granularity)
{
    return BaseCheck(NtGetWriteWatch(NtCurrentProcess(), flags, base, size, addresses, count, granularity)) ? 0
                                                                                                         : (UINT)-1;
}

UINT WINAPI ResetWriteWatch(LPVOID base, SIZE_T size)
{
    return BaseCheck(NtResetWriteWatch(NtCurrentProcess(), base, size)) ? 0 : (UINT)-1;
}

BOOL WINAPI AllocateUserPhysicalPages(HANDLE process, PULONG_PTR count, PULONG_PTR pages)
{
    return BaseCheck(NtAllocateUserPhysicalPages(process, count, pages));
}

BOOL WINAPI FreeUserPhysicalPages(HANDLE process, PULONG_PTR count, PULONG_PTR pages)
{
    return BaseCheck(NtFreeUserPhysicalPages(process, count, pages));
}

BOOL WINAPI MapUserPhysicalPages(PVOID address, ULONG_PTR count, PULONG_PTR pages)
{
    return BaseCheck(NtMapUserPhysicalPages(address, count, pages));
}

BOOL WINAPI ReadProcessMemory(HANDLE process, LPCVOID from, LPVOID to, SIZE_T size, SIZE_T *done)
{
    SIZE_T count = 0;
    NTSTATUS status = NtReadVirtualMemory(process, (PVOID)from, to, size, &count);
    if (done != NULL)
        *done = count;
    return BaseCheck(status);
}

BOOL WINAPI WriteProcessMemory(HANDLE process, LPVOID to, LPCVOID from, SIZE_T size, SIZE_T *done)
{
    SIZE_T count = 0, range = size;
    PVOID base = to;
    ULONG old;
    NTSTATUS status = NtWriteVirtualMemory(process, to, (PVOID)from, size, &count);
    if (!NT_SUCCESS(status) && NT_SUCCESS(NtProtectVirtualMemory(process, &base, &range, PAGE_EXECUTE_READWRITE, &old))) {
        status = NtWriteVirtualMemory(process, to, (PVOID)from, size, &count);
        NtProtectVirtualMemory(process, &base, &range, old, &old);
    }
    NtFlushInstructionCache(process, to, size);
    if (done != NULL)
        *done = count;
    return BaseCheck(status);
}

BOOL WINAPI FlushInstructionCache(HANDLE process, LPCVOID base, SIZE_T size)
{
    return BaseCheck(NtFlushInstructionCache(process, (PVOID)base, size));
}

/* Touches one byte, in probe.S: FALSE when that faults. */
BOOL WINAPI BasepProbe(const volatile void *address, BOOL writes);

static BOOL IsBad(const void *address, UINT_PTR size, BOOL writes)
{
    ULONG_PTR at = (ULONG_PTR)address, last = at + size - 1;
    if (size == 0)
        return FALSE;
    if (last < at || address == NULL)
        return TRUE;
    for (;; at = (at & ~(PAGE_SIZE - 1)) + PAGE_SIZE) {
        if (!BasepProbe((const void *)at, writes))
            return TRUE;
        if ((at | (PAGE_SIZE - 1)) >= (last | (PAGE_SIZE - 1)))
            return FALSE;
    }
}

BOOL WINAPI IsBadReadPtr(LPCVOID address, UINT_PTR size) { return IsBad(address, size, FALSE); }
BOOL WINAPI IsBadHugeReadPtr(LPCVOID address, UINT_PTR size) { return IsBad(address, size, FALSE); }
BOOL WINAPI IsBadWritePtr(LPVOID address, UINT_PTR size) { return IsBad(address, size, TRUE); }
BOOL WINAPI IsBadHugeWritePtr(LPVOID address, UINT_PTR size) { return IsBad(address, size, TRUE); }
BOOL WINAPI IsBadCodePtr(FARPROC address) { return IsBad((const void *)address, 1, FALSE); }

BOOL WINAPI IsBadStringPtrA(LPCSTR text, UINT_PTR size)
{
    for (; size > 0; size--, text++) {
        if (IsBad(text, 1, FALSE))
            return TRUE;
        if (*text == 0)
            break;
    }
    return FALSE;
}

BOOL WINAPI IsBadStringPtrW(LPCWSTR text, UINT_PTR size)
{
    for (; size > 0; size--, text++) {
        if (IsBad(text, sizeof *text, FALSE))
            return TRUE;
        if (*text == 0)
            break;
    }
    return FALSE;
}
