/* Tool help: a snapshot is a section, as on XP, and its handle a section's; First and Next read from a view of it. */

#include "toolhelp.h"

static const ULONG EntrySizes[ListCount] = {sizeof(PROCESSENTRY32W), sizeof(THREADENTRY32), sizeof(MODULEENTRY32W),
                                            sizeof(HEAPLIST32)};

BOOL SnapshotAppend(Gathered *list, const void *entry, ULONG size)
{
    if ((list->count + 1) * size > list->room) {
        ULONG room = max(list->room * 2, 16 * size);
        PCHAR bytes = BaseAllocate(room);
        if (bytes == NULL)
            return FALSE;
        memcpy(bytes, list->bytes, list->count * size);
        BaseRelease(list->bytes);
        list->bytes = bytes;
        list->room = room;
    }
    memcpy(list->bytes + list->count++ * size, entry, size);
    return TRUE;
}

static NTSTATUS Gather(Gathered lists[ListCount], DWORD what, DWORD id)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (id == 0)
        id = GetCurrentProcessId();
    if (what & (TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD))
        status = SnapshotProcesses(&lists[ListOfProcesses], &lists[ListOfThreads]);
    if (!(what & TH32CS_SNAPPROCESS))
        lists[ListOfProcesses].count = 0;
    if (!(what & TH32CS_SNAPTHREAD))
        lists[ListOfThreads].count = 0;
    if (NT_SUCCESS(status) && what & TH32CS_SNAPMODULE)
        status = SnapshotModules(&lists[ListOfModules], id);
    if (NT_SUCCESS(status) && what & TH32CS_SNAPHEAPLIST)
        status = SnapshotHeaps(&lists[ListOfHeaps], id);
    return status;
}

static NTSTATUS Store(HANDLE section, SIZE_T size, const Gathered lists[ListCount])
{
    PVOID view = NULL;
    NTSTATUS status =
        NtMapViewOfSection(section, NtCurrentProcess(), &view, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READWRITE);
    if (!NT_SUCCESS(status))
        return status;
    Snapshot *snapshot = view;
    ULONG offset = sizeof *snapshot;
    for (ULONG list = 0; list < ListCount; list++) {
        snapshot->lists[list] = (SnapshotList){offset, lists[list].count, 0};
        memcpy((PCHAR)view + offset, lists[list].bytes, lists[list].count * EntrySizes[list]);
        offset += lists[list].count * EntrySizes[list];
    }
    return NtUnmapViewOfSection(NtCurrentProcess(), view);
}

static NTSTATUS MakeSnapshot(const Gathered lists[ListCount], BOOL inherits, PHANDLE section)
{
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .Attributes = inherits ? OBJ_INHERIT : 0};
    LARGE_INTEGER size = {.QuadPart = sizeof(Snapshot)};
    for (ULONG list = 0; list < ListCount; list++)
        size.QuadPart += lists[list].count * EntrySizes[list];
    NTSTATUS status =
        NtCreateSection(section, SECTION_ALL_ACCESS, &attributes, &size, PAGE_READWRITE, SEC_COMMIT, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = Store(*section, 0, lists);
    if (!NT_SUCCESS(status))
        NtClose(*section);
    return status;
}

HANDLE WINAPI CreateToolhelp32Snapshot(DWORD what, DWORD id)
{
    Gathered lists[ListCount] = {0};
    HANDLE section = NULL;
    NTSTATUS status = Gather(lists, what, id);
    if (NT_SUCCESS(status))
        status = MakeSnapshot(lists, (what & TH32CS_INHERIT) != 0, &section);
    for (ULONG list = 0; list < ListCount; list++)
        BaseRelease(lists[list].bytes);
    return BaseCheck(status) ? section : INVALID_HANDLE_VALUE;
}

/* Copies the list's next entry, or its first; the caller has said how long the entry is that it knows. */
static BOOL Step(HANDLE section, ULONG list, BOOL is_first, void *out)
{
    PVOID view = NULL;
    SIZE_T size = 0;
    NTSTATUS status =
        NtMapViewOfSection(section, NtCurrentProcess(), &view, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READWRITE);
    if (!BaseCheck(status))
        return FALSE;
    SnapshotList *head = &((Snapshot *)view)->lists[list];
    if (is_first)
        head->next = 0;
    BOOL is_there = head->next < head->count;
    if (is_there)
        memcpy(out, (PCHAR)view + head->offset + head->next++ * EntrySizes[list], EntrySizes[list]);
    NtUnmapViewOfSection(NtCurrentProcess(), view);
    return is_there || BaseFail(ERROR_NO_MORE_FILES);
}

static BOOL StepSized(HANDLE section, ULONG list, BOOL is_first, void *out)
{
    if (*(const DWORD *)out < EntrySizes[list])
        return BaseFail(ERROR_BAD_LENGTH);
    return Step(section, list, is_first, out);
}

BOOL WINAPI Process32FirstW(HANDLE snapshot, LPPROCESSENTRY32W out) { return StepSized(snapshot, ListOfProcesses, TRUE, out); }
BOOL WINAPI Process32NextW(HANDLE snapshot, LPPROCESSENTRY32W out) { return StepSized(snapshot, ListOfProcesses, FALSE, out); }
BOOL WINAPI Thread32First(HANDLE snapshot, LPTHREADENTRY32 out) { return StepSized(snapshot, ListOfThreads, TRUE, out); }
BOOL WINAPI Thread32Next(HANDLE snapshot, LPTHREADENTRY32 out) { return StepSized(snapshot, ListOfThreads, FALSE, out); }
BOOL WINAPI Module32FirstW(HANDLE snapshot, LPMODULEENTRY32W out) { return StepSized(snapshot, ListOfModules, TRUE, out); }
BOOL WINAPI Module32NextW(HANDLE snapshot, LPMODULEENTRY32W out) { return StepSized(snapshot, ListOfModules, FALSE, out); }
BOOL WINAPI Heap32ListFirst(HANDLE snapshot, LPHEAPLIST32 out) { return StepSized(snapshot, ListOfHeaps, TRUE, out); }
BOOL WINAPI Heap32ListNext(HANDLE snapshot, LPHEAPLIST32 out) { return StepSized(snapshot, ListOfHeaps, FALSE, out); }

/* The narrow entries have the wide ones' fields before the names. */
static BOOL NarrowProcess(HANDLE snapshot, BOOL is_first, LPPROCESSENTRY32 out)
{
    PROCESSENTRY32W wide;
    if (out->dwSize < sizeof *out)
        return BaseFail(ERROR_BAD_LENGTH);
    if (!Step(snapshot, ListOfProcesses, is_first, &wide))
        return FALSE;
    memcpy(out, &wide, FIELD_OFFSET(PROCESSENTRY32W, szExeFile));
    out->dwSize = sizeof *out;
    BaseNarrow(wide.szExeFile, out->szExeFile, sizeof out->szExeFile);
    return TRUE;
}

static BOOL NarrowModule(HANDLE snapshot, BOOL is_first, LPMODULEENTRY32 out)
{
    MODULEENTRY32W wide;
    if (out->dwSize < sizeof *out)
        return BaseFail(ERROR_BAD_LENGTH);
    if (!Step(snapshot, ListOfModules, is_first, &wide))
        return FALSE;
    memcpy(out, &wide, FIELD_OFFSET(MODULEENTRY32W, szModule));
    out->dwSize = sizeof *out;
    BaseNarrow(wide.szModule, out->szModule, sizeof out->szModule);
    BaseNarrow(wide.szExePath, out->szExePath, sizeof out->szExePath);
    return TRUE;
}

BOOL WINAPI Process32First(HANDLE snapshot, LPPROCESSENTRY32 out) { return NarrowProcess(snapshot, TRUE, out); }
BOOL WINAPI Process32Next(HANDLE snapshot, LPPROCESSENTRY32 out) { return NarrowProcess(snapshot, FALSE, out); }
BOOL WINAPI Module32First(HANDLE snapshot, LPMODULEENTRY32 out) { return NarrowModule(snapshot, TRUE, out); }
BOOL WINAPI Module32Next(HANDLE snapshot, LPMODULEENTRY32 out) { return NarrowModule(snapshot, FALSE, out); }

BOOL WINAPI Toolhelp32ReadProcessMemory(DWORD id, LPCVOID from, LPVOID to, SIZE_T size, SIZE_T *done)
{
    HANDLE process = id == 0 ? NtCurrentProcess() : OpenProcess(PROCESS_VM_READ, FALSE, id);
    BOOL is_read = process != NULL && ReadProcessMemory(process, from, to, size, done);
    if (process != NULL && id != 0)
        NtClose(process);
    return is_read;
}
