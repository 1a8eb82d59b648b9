/* Thread-local and fiber-local slots. */

#include "base.h"

#define DIRECT_SLOTS 64

static PVOID *Slot(DWORD index)
{
    PTEB teb = CurrentTeb();
    if (index < DIRECT_SLOTS)
        return &teb->TlsSlots[index];
    if (index - DIRECT_SLOTS >= TLS_EXPANSION_SLOTS || teb->TlsExpansionSlots == NULL)
        return NULL;
    return &teb->TlsExpansionSlots[index - DIRECT_SLOTS];
}

DWORD WINAPI TlsAlloc(VOID)
{
    PPEB peb = CurrentPeb();
    RtlAcquirePebLock();
    ULONG index = RtlFindClearBitsAndSet(peb->TlsBitmap, 1, 0);
    if (index == (ULONG)-1) {
        index = RtlFindClearBitsAndSet(peb->TlsExpansionBitmap, 1, 0);
        if (index != (ULONG)-1)
            index += DIRECT_SLOTS;
    }
    RtlReleasePebLock();
    if (index == (ULONG)-1)
        BaseFail(ERROR_NO_MORE_ITEMS);
    else if (index < DIRECT_SLOTS || Slot(index) != NULL)
        *Slot(index) = NULL;
    return index;
}

/* The kernel clears the slot in all threads of the process. */
BOOL WINAPI TlsFree(DWORD index)
{
    PPEB peb = CurrentPeb();
    PRTL_BITMAP map = index < DIRECT_SLOTS ? peb->TlsBitmap : peb->TlsExpansionBitmap;
    ULONG bit = index < DIRECT_SLOTS ? index : index - DIRECT_SLOTS;
    RtlAcquirePebLock();
    BOOL is_used = RtlAreBitsSet(map, bit, 1);
    if (is_used) {
        RtlClearBits(map, bit, 1);
        NtSetInformationThread(NtCurrentThread(), ThreadZeroTlsCell, &index, sizeof index);
    }
    RtlReleasePebLock();
    return is_used || BaseFail(ERROR_INVALID_PARAMETER);
}

LPVOID WINAPI TlsGetValue(DWORD index)
{
    if (index < DIRECT_SLOTS) {
        CurrentTeb()->LastErrorValue = ERROR_SUCCESS;
        return CurrentTeb()->TlsSlots[index];
    }
    if (index >= DIRECT_SLOTS + TLS_EXPANSION_SLOTS) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    CurrentTeb()->LastErrorValue = ERROR_SUCCESS;
    return Slot(index) != NULL ? *Slot(index) : NULL;
}

BOOL WINAPI TlsSetValue(DWORD index, LPVOID value)
{
    PTEB teb = CurrentTeb();
    if (index >= DIRECT_SLOTS + TLS_EXPANSION_SLOTS)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (index >= DIRECT_SLOTS && teb->TlsExpansionSlots == NULL) {
        SIZE_T size = TLS_EXPANSION_SLOTS * sizeof(PVOID);
        teb->TlsExpansionSlots = RtlAllocateHeap(CurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, size);
        if (teb->TlsExpansionSlots == NULL)
            return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    }
    *Slot(index) = value;
    return TRUE;
}
