/* What a snapshot of tool help holds: processes and threads as the kernel tells them, modules as loaders keep them. */

#include "toolhelp.h"
#include "../modules/modules.h"

/* The whole of a list that the kernel keeps, on the heap. */
static NTSTATUS QueryGrowing(ULONG what, PVOID *out)
{
    ULONG room = 0x4000;
    for (;;) {
        ULONG needed = 0;
        PVOID buffer = BaseAllocate(room);
        if (buffer == NULL)
            return STATUS_NO_MEMORY;
        NTSTATUS status = NtQuerySystemInformation(what, buffer, room, &needed);
        if (NT_SUCCESS(status)) {
            *out = buffer;
            return status;
        }
        BaseRelease(buffer);
        if (status != STATUS_INFO_LENGTH_MISMATCH || room > 0x4000000)
            return status;
        room = max(room * 2, needed + 0x1000);
    }
}

static BOOL AppendThreads(Gathered *threads, const SYSTEM_PROCESS_INFORMATION *process)
{
    for (ULONG index = 0; index < process->NumberOfThreads; index++) {
        const SYSTEM_THREAD_INFORMATION *from = &process->Threads[index];
        THREADENTRY32 entry = {.dwSize = sizeof entry, .tpBasePri = from->BasePriority};
        entry.th32ThreadID = (DWORD)(ULONG_PTR)from->ClientId.UniqueThread;
        entry.th32OwnerProcessID = (DWORD)process->UniqueProcessId;
        if (!SnapshotAppend(threads, &entry, sizeof entry))
            return FALSE;
    }
    return TRUE;
}

/* The idle process has no name; XP's tool help gives it this one. */
static BOOL AppendProcess(Gathered *processes, const SYSTEM_PROCESS_INFORMATION *from)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry, .cntThreads = from->NumberOfThreads};
    entry.th32ProcessID = (DWORD)from->UniqueProcessId;
    entry.th32ParentProcessID = (DWORD)from->InheritedFromUniqueProcessId;
    entry.pcPriClassBase = from->BasePriority;
    SIZE_T length = min(from->ImageName.Length / sizeof(WCHAR), (SIZE_T)MAX_PATH - 1);
    if (from->ImageName.Buffer == NULL)
        lstrcpyW(entry.szExeFile, L"[System Process]");
    else
        memcpy(entry.szExeFile, from->ImageName.Buffer, length * sizeof(WCHAR));
    return SnapshotAppend(processes, &entry, sizeof entry);
}

NTSTATUS SnapshotProcesses(Gathered *processes, Gathered *threads)
{
    PVOID list;
    NTSTATUS status = QueryGrowing(SystemProcessInformation, &list);
    if (!NT_SUCCESS(status))
        return status;
    BOOL is_kept = TRUE;
    for (const SYSTEM_PROCESS_INFORMATION *at = list; is_kept;) {
        is_kept = AppendProcess(processes, at) && AppendThreads(threads, at);
        if (at->NextEntryOffset == 0)
            break;
        at = (const SYSTEM_PROCESS_INFORMATION *)((PCHAR)at + at->NextEntryOffset);
    }
    BaseRelease(list);
    return is_kept ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS OpenById(DWORD id, PHANDLE process)
{
    CLIENT_ID client = {(HANDLE)(ULONG_PTR)id, NULL};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes};
    return NtOpenProcess(process, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, &attributes, &client);
}

static NTSTATUS AppendModule(Gathered *modules, HANDLE process, DWORD id, const LDR_DATA_TABLE_ENTRY *from)
{
    MODULEENTRY32W entry = {.dwSize = sizeof entry, .th32ModuleID = 1, .th32ProcessID = id};
    ULONG length;
    entry.GlblcntUsage = entry.ProccntUsage = from->LoadCount;
    entry.modBaseAddr = from->DllBase;
    entry.modBaseSize = from->SizeOfImage;
    entry.hModule = from->DllBase;
    NTSTATUS status = ModuleText(process, &from->BaseDllName, entry.szModule, COUNT_OF(entry.szModule), &length);
    if (NT_SUCCESS(status))
        status = ModuleText(process, &from->FullDllName, entry.szExePath, COUNT_OF(entry.szExePath), &length);
    if (!NT_SUCCESS(status))
        return status;
    return SnapshotAppend(modules, &entry, sizeof entry) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS SnapshotModules(Gathered *modules, DWORD id)
{
    HANDLE process;
    ModuleWalk walk;
    LDR_DATA_TABLE_ENTRY module;
    NTSTATUS status = OpenById(id, &process);
    if (!NT_SUCCESS(status))
        return status;
    status = ModuleWalkBegin(&walk, process);
    while (NT_SUCCESS(status)) {
        status = ModuleWalkNext(&walk, &module);
        if (NT_SUCCESS(status))
            status = AppendModule(modules, process, id, &module);
    }
    NtClose(process);
    return status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : status;
}

static NTSTATUS AppendHeaps(Gathered *heaps, HANDLE process, DWORD id)
{
    PROCESS_BASIC_INFORMATION basic;
    PEB peb;
    NTSTATUS status = NtQueryInformationProcess(process, ProcessBasicInformation, &basic, sizeof basic, NULL);
    if (NT_SUCCESS(status))
        status = NtReadVirtualMemory(process, basic.PebBaseAddress, &peb, sizeof peb, NULL);
    for (ULONG index = 0; NT_SUCCESS(status) && index < peb.NumberOfHeaps; index++) {
        PVOID heap;
        status = NtReadVirtualMemory(process, &peb.ProcessHeaps[index], &heap, sizeof heap, NULL);
        HEAPLIST32 entry = {sizeof entry, id, (ULONG_PTR)heap, heap == peb.ProcessHeap ? HF32_DEFAULT : 0};
        if (NT_SUCCESS(status) && !SnapshotAppend(heaps, &entry, sizeof entry))
            status = STATUS_NO_MEMORY;
    }
    return status;
}

NTSTATUS SnapshotHeaps(Gathered *heaps, DWORD id)
{
    HANDLE process;
    NTSTATUS status = OpenById(id, &process);
    if (!NT_SUCCESS(status))
        return status;
    status = AppendHeaps(heaps, process, id);
    NtClose(process);
    return status;
}
