/* The lists of processes and of their modules. */

#include "ps.h"

BOOL WINAPI EnumProcesses(DWORD *ids, DWORD size, DWORD *needed)
{
    ULONG room = 0x4000;
    PVOID list = NULL;
    NTSTATUS status;
    do {
        if (list != NULL)
            RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, list);
        room *= 2;
        list = RtlAllocateHeap(CurrentPeb()->ProcessHeap, 0, room);
        if (list == NULL)
            return PsFail(STATUS_NO_MEMORY);
        status = NtQuerySystemInformation(SystemProcessInformation, list, room, NULL);
    } while (status == STATUS_INFO_LENGTH_MISMATCH && room < 0x4000000);
    DWORD count = 0;
    for (const SYSTEM_PROCESS_INFORMATION *at = list; NT_SUCCESS(status) && count < size / sizeof *ids;) {
        ids[count++] = (DWORD)at->UniqueProcessId;
        if (at->NextEntryOffset == 0)
            break;
        at = (const SYSTEM_PROCESS_INFORMATION *)((const CHAR *)at + at->NextEntryOffset);
    }
    *needed = count * sizeof *ids;
    RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, list);
    return PsCheck(status);
}

/* All bases are counted, and as many told as have room. */
BOOL WINAPI EnumProcessModules(HANDLE process, HMODULE *modules, DWORD size, DWORD *needed)
{
    ModuleWalk walk;
    LDR_DATA_TABLE_ENTRY module;
    DWORD count = 0;
    NTSTATUS status = ModuleWalkBegin(&walk, process);
    while (NT_SUCCESS(status)) {
        status = ModuleWalkNext(&walk, &module);
        if (NT_SUCCESS(status) && count < size / sizeof *modules)
            modules[count] = module.DllBase;
        count += NT_SUCCESS(status);
    }
    if (status != STATUS_NO_MORE_ENTRIES)
        return PsFail(status);
    *needed = count * sizeof *modules;
    return TRUE;
}

BOOL WINAPI GetModuleInformation(HANDLE process, HMODULE module, LPMODULEINFO out, DWORD size)
{
    LDR_DATA_TABLE_ENTRY entry;
    if (size < sizeof *out)
        return PsFail(STATUS_BUFFER_TOO_SMALL);
    NTSTATUS status = ModuleFind(process, module, &entry);
    if (!NT_SUCCESS(status))
        return PsFail(status);
    *out = (MODULEINFO){entry.DllBase, entry.SizeOfImage, entry.EntryPoint};
    return TRUE;
}

static DWORD NameOf(HANDLE process, HMODULE module, BOOL is_full, LPWSTR buffer, DWORD size)
{
    LDR_DATA_TABLE_ENTRY entry;
    ULONG length = 0;
    NTSTATUS status = ModuleFind(process, module, &entry);
    if (NT_SUCCESS(status))
        status = ModuleText(process, is_full ? &entry.FullDllName : &entry.BaseDllName, buffer, size, &length);
    return PsCheck(status) ? length : 0;
}

DWORD WINAPI GetModuleBaseNameW(HANDLE process, HMODULE module, LPWSTR buffer, DWORD size)
{
    return NameOf(process, module, FALSE, buffer, size);
}

DWORD WINAPI GetModuleFileNameExW(HANDLE process, HMODULE module, LPWSTR buffer, DWORD size)
{
    return NameOf(process, module, TRUE, buffer, size);
}

static DWORD NarrowName(HANDLE process, HMODULE module, BOOL is_full, LPSTR buffer, DWORD size)
{
    WCHAR wide[MAX_PATH];
    DWORD length = NameOf(process, module, is_full, wide, MAX_PATH);
    return length != 0 ? PsNarrow(wide, buffer, size) : 0;
}

DWORD WINAPI GetModuleBaseNameA(HANDLE process, HMODULE module, LPSTR buffer, DWORD size)
{
    return NarrowName(process, module, FALSE, buffer, size);
}

DWORD WINAPI GetModuleFileNameExA(HANDLE process, HMODULE module, LPSTR buffer, DWORD size)
{
    return NarrowName(process, module, TRUE, buffer, size);
}
