/* Walking the list of modules that a process's loader keeps in its memory. */

#include "modules.h"

#define MOST_MODULES 10000

static NTSTATUS Read(HANDLE process, const void *from, void *to, SIZE_T size)
{
    return NtReadVirtualMemory(process, (PVOID)from, to, size, NULL);
}

NTSTATUS ModuleWalkBegin(ModuleWalk *walk, HANDLE process)
{
    PROCESS_BASIC_INFORMATION basic;
    PPEB_LDR_DATA loader = NULL;
    NTSTATUS status = NtQueryInformationProcess(process, ProcessBasicInformation, &basic, sizeof basic, NULL);
    if (NT_SUCCESS(status) && basic.PebBaseAddress == NULL)
        return STATUS_PARTIAL_COPY;
    if (NT_SUCCESS(status))
        status = Read(process, &basic.PebBaseAddress->Ldr, &loader, sizeof loader);
    if (NT_SUCCESS(status) && loader == NULL)
        return STATUS_PARTIAL_COPY;
    *walk = (ModuleWalk){process, &loader->InLoadOrderModuleList, NULL, MOST_MODULES};
    return NT_SUCCESS(status) ? Read(process, &walk->head->Flink, &walk->next, sizeof walk->next) : status;
}

NTSTATUS ModuleWalkNext(ModuleWalk *walk, PLDR_DATA_TABLE_ENTRY out)
{
    if (walk->next == walk->head || walk->next == NULL || walk->left == 0)
        return STATUS_NO_MORE_ENTRIES;
    walk->left--;
    PLDR_DATA_TABLE_ENTRY at = CONTAINING_RECORD(walk->next, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
    NTSTATUS status = Read(walk->process, at, out, sizeof *out);
    walk->next = out->InLoadOrderLinks.Flink;
    return status;
}

NTSTATUS ModuleFind(HANDLE process, PVOID base, PLDR_DATA_TABLE_ENTRY out)
{
    ModuleWalk walk;
    NTSTATUS status = ModuleWalkBegin(&walk, process);
    while (NT_SUCCESS(status)) {
        status = ModuleWalkNext(&walk, out);
        if (NT_SUCCESS(status) && (base == NULL || out->DllBase == base))
            return STATUS_SUCCESS;
    }
    return status == STATUS_NO_MORE_ENTRIES ? STATUS_INVALID_HANDLE : status;
}

NTSTATUS ModuleText(HANDLE process, const UNICODE_STRING *string, PWSTR buffer, ULONG size, PULONG length)
{
    if (size == 0)
        return STATUS_BUFFER_TOO_SMALL;
    *length = min(string->Length / (ULONG)sizeof(WCHAR), size - 1);
    buffer[*length] = 0;
    return Read(process, string->Buffer, buffer, *length * sizeof(WCHAR));
}
