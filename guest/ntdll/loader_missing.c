/* Imports that no module exports: each is bound to an address of its own that nothing is mapped at. Whoever calls it, or
   reads data there, faults, and the fault is told as DLL!name and who needed it. */

#include "ntdll.h"

#define SPACING 0x100u
#define CAPACITY 0x1000u

typedef struct {
    const char *dll, *name;
    ULONG ordinal;
} Missing;

static PCHAR Region;
static Missing *Names;
static ULONG Count;

PVOID LdrpMissing(const char *dll, const char *name, ULONG ordinal)
{
    SIZE_T size = CAPACITY * SPACING;
    PVOID region = NULL;
    if (Names == NULL) {
        Names = Allocate(CAPACITY * sizeof *Names);
        if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &region, 0, &size, MEM_RESERVE | MEM_TOP_DOWN,
                                                PAGE_NOACCESS)))
            return NULL;
        Region = region;
    }
    if (Names == NULL || Region == NULL || Count == CAPACITY)
        return NULL;
    Names[Count] = (Missing){dll, name, ordinal};
    return Region + SPACING * Count++;
}

void LdrpStop(NTSTATUS status, const WCHAR *first, const WCHAR *second, const WCHAR *third)
{
    const WCHAR *texts[3] = {first, second, third};
    UNICODE_STRING strings[3];
    ULONG_PTR parameters[3];
    ULONG count = 0, response;
    for (; count < COUNT_OF(texts) && texts[count] != NULL; count++) {
        RtlInitUnicodeString(&strings[count], texts[count]);
        parameters[count] = (ULONG_PTR)&strings[count];
    }
    NtRaiseHardError(status, count, (1u << count) - 1, parameters, OptionOk, &response);
    for (;;)
        NtTerminateProcess(NtCurrentProcess(), status);
}

static void DescribePlace(const void *address, PWSTR text, size_t size)
{
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByAddress(address);
    if (entry != NULL)
        _snwprintf(text, size, L"%s+0x%x", entry->BaseDllName.Buffer, (ULONG)((PCHAR)address - (PCHAR)entry->DllBase));
    else
        _snwprintf(text, size, L"0x%x", (ULONG_PTR)address);
}

/* A call has put the place behind it on the stack; an access to data comes from the place itself. */
void LdrpReportIfMissing(const EXCEPTION_RECORD *record, const CONTEXT *context)
{
    WCHAR name[160], dll[64], caller[96];
    if ((NTSTATUS)record->ExceptionCode != STATUS_ACCESS_VIOLATION || record->NumberParameters < 2)
        return;
    ULONG_PTR offset = record->ExceptionInformation[1] - (ULONG_PTR)Region;
    if (Region == NULL || offset >= Count * SPACING)
        return;
    const Missing *missing = &Names[offset / SPACING];
    BOOL is_call = context->Eip - (ULONG_PTR)Region < Count * SPACING;
    const void *place = is_call ? *(const void **)context->Esp : (const void *)context->Eip;
    if (missing->name != NULL)
        _snwprintf(name, COUNT_OF(name), L"%S", missing->name);
    else
        _snwprintf(name, COUNT_OF(name), L"#%u", missing->ordinal);
    _snwprintf(dll, COUNT_OF(dll), L"%S", missing->dll);
    name[COUNT_OF(name) - 1] = dll[COUNT_OF(dll) - 1] = 0;
    DescribePlace(place, caller, COUNT_OF(caller));
    caller[COUNT_OF(caller) - 1] = 0;
    LdrpStop(missing->name != NULL ? STATUS_ENTRYPOINT_NOT_FOUND : STATUS_ORDINAL_NOT_FOUND, name, dll, caller);
}
