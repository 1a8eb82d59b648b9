/* Loading and unloading modules while the program runs, and asking for them. */

#include "ntdll.h"

#define NAME_SIZE (MAX_PATH * sizeof(WCHAR))

/* A name without an extension means a DLL; a dot at its end says that it has none. */
static NTSTATUS Completed(const UNICODE_STRING *name, PUNICODE_STRING out, WCHAR buffer[MAX_PATH])
{
    BOOL has_dot = FALSE;
    ULONG count = name->Length / sizeof(WCHAR);
    for (ULONG index = 0; index < count; index++) {
        WCHAR character = name->Buffer[index];
        has_dot = character == '.' || (has_dot && character != '\\' && character != '/');
    }
    if (name->Length + sizeof L".dll" > NAME_SIZE)
        return STATUS_DLL_NOT_FOUND;
    *out = (UNICODE_STRING){0, NAME_SIZE, buffer};
    RtlCopyUnicodeString(out, name);
    if (!has_dot)
        return RtlAppendUnicodeToString(out, L".dll");
    if (count > 0 && buffer[count - 1] == '.') {
        buffer[count - 1] = 0;
        out->Length -= sizeof(WCHAR);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MapFile(HANDLE file, PVOID *base)
{
    HANDLE section;
    SIZE_T size = 0;
    *base = NULL;
    NTSTATUS status = NtCreateSection(&section, SECTION_MAP_READ | SECTION_MAP_WRITE | SECTION_MAP_EXECUTE, NULL, NULL,
                                      PAGE_EXECUTE, SEC_IMAGE, file);
    if (!NT_SUCCESS(status))
        return status;
    status = NtMapViewOfSection(section, NtCurrentProcess(), base, 0, 0, NULL, &size, ViewShare, 0, PAGE_READWRITE);
    NtClose(section);
    if (NT_SUCCESS(status)) {
        NTSTATUS moved = LdrpRelocate(*base);
        if (NT_SUCCESS(moved))
            return STATUS_SUCCESS;
        NtUnmapViewOfSection(NtCurrentProcess(), *base);
        return moved;
    }
    return status;
}

static PLDR_DATA_TABLE_ENTRY FindByFullName(const WCHAR *full)
{
    PLIST_ENTRY head = &CurrentPeb()->Ldr->InLoadOrderModuleList;
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, full);
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
        PLDR_DATA_TABLE_ENTRY entry = CONTAINING_RECORD(at, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
        if (RtlEqualUnicodeString(&entry->FullDllName, &name, TRUE))
            return entry;
    }
    return NULL;
}

/* Maps a module that is not there yet, with all that it imports. Nothing of it has run when this returns. */
NTSTATUS LdrpLoad(const UNICODE_STRING *name, const UNICODE_STRING *path, BOOLEAN is_static, PLDR_DATA_TABLE_ENTRY *out)
{
    WCHAR full[MAX_PATH];
    HANDLE file;
    PVOID base;
    *out = LdrpFindByName(name);
    if (*out != NULL)
        return STATUS_SUCCESS;
    NTSTATUS status = LdrpOpenModule(name, path, full, &file);
    if (!NT_SUCCESS(status))
        return status;
    *out = FindByFullName(full);
    if (*out == NULL)
        status = MapFile(file, &base);
    NtClose(file);
    if (*out != NULL || !NT_SUCCESS(status))
        return status;
    *out = LdrpNewEntry(base, full);
    if (*out == NULL) {
        NtUnmapViewOfSection(NtCurrentProcess(), base);
        return STATUS_NO_MEMORY;
    }
    return LdrpSnapModule(*out, path, is_static);
}

/* Changes the count of a module and of those that it imports, each once; those of the program's start stay for ever. */
static void ChangeCount(PLDR_DATA_TABLE_ENTRY entry, int change)
{
    ULONG size;
    if (entry->LoadCount == LDRP_PINNED || entry->Flags & LDRP_LOAD_IN_PROGRESS)
        return;
    entry->Flags |= LDRP_LOAD_IN_PROGRESS;
    entry->LoadCount = (USHORT)(entry->LoadCount + change);
    PIMAGE_IMPORT_DESCRIPTOR descriptor =
        RtlImageDirectoryEntryToData(entry->DllBase, TRUE, IMAGE_DIRECTORY_ENTRY_IMPORT, &size);
    for (; descriptor != NULL && descriptor->Name != 0 && descriptor->FirstThunk != 0; descriptor++) {
        UNICODE_STRING name;
        if (!RtlCreateUnicodeStringFromAsciiz(&name, (PCHAR)entry->DllBase + descriptor->Name))
            continue;
        PLDR_DATA_TABLE_ENTRY from = LdrpFindByName(&name);
        RtlFreeUnicodeString(&name);
        if (from != NULL)
            ChangeCount(from, change);
    }
}

static PLDR_DATA_TABLE_ENTRY Next(PLIST_ENTRY at)
{
    return CONTAINING_RECORD(at, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
}

static void CountAll(PLDR_DATA_TABLE_ENTRY entry, int change)
{
    PLIST_ENTRY head = &CurrentPeb()->Ldr->InLoadOrderModuleList;
    ChangeCount(entry, change);
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink)
        Next(at)->Flags &= ~LDRP_LOAD_IN_PROGRESS;
}

/* A count that reaches the mark of pinned modules stays there. */
void LdrpAddReference(PLDR_DATA_TABLE_ENTRY entry) { CountAll(entry, 1); }

/* Takes leave of every module that nobody holds: first all are told, in reverse order of their start, then they go. */
static void Sweep(void)
{
    PPEB_LDR_DATA ldr = CurrentPeb()->Ldr;
    PLIST_ENTRY head = &ldr->InInitializationOrderModuleList;
    for (PLIST_ENTRY at = head->Blink, before; at != head; at = before) {
        PLDR_DATA_TABLE_ENTRY entry = CONTAINING_RECORD(at, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks);
        before = at->Blink;
        if (entry->LoadCount != 0 || !(entry->Flags & LDRP_PROCESS_ATTACH_CALLED))
            continue;
        entry->Flags &= ~LDRP_PROCESS_ATTACH_CALLED;
        entry->Flags |= LDRP_UNLOAD_IN_PROGRESS;
        LdrpCallEntry(entry, DLL_PROCESS_DETACH, NULL);
    }
    head = &ldr->InLoadOrderModuleList;
    for (PLIST_ENTRY at = head->Flink, next; at != head; at = next) {
        next = at->Flink;
        if (Next(at)->LoadCount == 0) {
            PVOID base = Next(at)->DllBase;
            LdrpForget(Next(at));
            NtUnmapViewOfSection(NtCurrentProcess(), base);
        }
    }
}

NTSTATUS NTAPI LdrLoadDll(PCWSTR path, PULONG flags, PCUNICODE_STRING name, PVOID *base)
{
    UNICODE_STRING completed, list;
    WCHAR buffer[MAX_PATH];
    PLDR_DATA_TABLE_ENTRY entry;
    BOOL is_data = flags != NULL && *flags & DONT_RESOLVE_DLL_REFERENCES;
    RtlInitUnicodeString(&list, path);
    NTSTATUS status = Completed(name, &completed, buffer);
    if (!NT_SUCCESS(status))
        return status;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    status = LdrpLoad(&completed, path != NULL ? &list : NULL, FALSE, &entry);
    if (NT_SUCCESS(status)) {
        *base = entry->DllBase;
        CountAll(entry, 1);
        if (!is_data)
            status = LdrpRunInitializers(NULL);
        if (!NT_SUCCESS(status))
            CountAll(entry, -1);
    }
    if (!NT_SUCCESS(status))
        Sweep();
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return status;
}

NTSTATUS NTAPI LdrUnloadDll(PVOID base)
{
    RtlEnterCriticalSection(&LdrpLoaderLock);
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByBase(base);
    if (entry != NULL && entry->LoadCount != LDRP_PINNED && !(entry->Flags & LDRP_UNLOAD_IN_PROGRESS)) {
        CountAll(entry, -1);
        Sweep();
    }
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

NTSTATUS NTAPI LdrGetDllHandle(PCWSTR path, PULONG flags, PCUNICODE_STRING name, PVOID *base)
{
    UNICODE_STRING completed;
    WCHAR buffer[MAX_PATH], full[MAX_PATH];
    (void)path, (void)flags;
    NTSTATUS status = Completed(name, &completed, buffer);
    if (!NT_SUCCESS(status))
        return status;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByName(&completed);
    if (entry == NULL && (wcschr(buffer, '\\') != NULL || wcschr(buffer, '/') != NULL) &&
        RtlGetFullPathName_U(buffer, sizeof full, full, NULL) < sizeof full)
        entry = FindByFullName(full);
    if (entry != NULL)
        *base = entry->DllBase;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

NTSTATUS NTAPI LdrGetProcedureAddress(PVOID base, const ANSI_STRING *name, ULONG ordinal, PVOID *address)
{
    char text[512];
    BOOL has_name = name != NULL && name->Length > 0;
    if (has_name && name->Length >= sizeof text)
        return STATUS_PROCEDURE_NOT_FOUND;
    if (has_name) {
        memcpy(text, name->Buffer, name->Length);
        text[name->Length] = 0;
    }
    RtlEnterCriticalSection(&LdrpLoaderLock);
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByBase(base);
    NTSTATUS status = entry != NULL ? LdrpResolve(entry, has_name ? text : NULL, has_name ? (ULONG)-1 : ordinal, address)
                                    : STATUS_DLL_NOT_FOUND;
    if (NT_SUCCESS(status))
        status = LdrpRunInitializers(NULL); /* a forwarder may have brought a module in */
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return status;
}

NTSTATUS NTAPI LdrAddRefDll(ULONG flags, PVOID base)
{
    RtlEnterCriticalSection(&LdrpLoaderLock);
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByBase(base);
    if (entry != NULL && flags & 1)
        entry->LoadCount = LDRP_PINNED;
    else if (entry != NULL)
        CountAll(entry, 1);
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(PVOID base)
{
    RtlEnterCriticalSection(&LdrpLoaderLock);
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByBase(base);
    if (entry != NULL)
        entry->Flags |= LDRP_DONT_CALL_FOR_THREADS;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return entry != NULL ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

NTSTATUS NTAPI LdrFindEntryForAddress(PVOID address, PLDR_DATA_TABLE_ENTRY *entry)
{
    RtlEnterCriticalSection(&LdrpLoaderLock);
    *entry = LdrpFindByAddress(address);
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return *entry != NULL ? STATUS_SUCCESS : STATUS_NO_MORE_ENTRIES;
}

PVOID NTAPI RtlPcToFileHeader(PVOID address, PVOID *base)
{
    PLDR_DATA_TABLE_ENTRY entry;
    LdrFindEntryForAddress(address, &entry);
    *base = entry != NULL ? entry->DllBase : NULL;
    return *base;
}
