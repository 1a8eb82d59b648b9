/* Imports of a module: the modules they come from are loaded, then every thunk is bound. */

#include "ntdll.h"

static BOOL CanBeWritten(PVOID base, PVOID address)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(base);
    PIMAGE_SECTION_HEADER section = RtlImageRvaToSection(headers, base, (ULONG)((PCHAR)address - (PCHAR)base));
    return section != NULL && section->Characteristics & IMAGE_SCN_MEM_WRITE;
}

static NTSTATUS BindThunk(PCHAR base, PLDR_DATA_TABLE_ENTRY from, const char *dll, ULONG_PTR name, PULONG_PTR thunk)
{
    PIMAGE_IMPORT_BY_NAME by_name = (PIMAGE_IMPORT_BY_NAME)(base + name);
    PVOID address;
    BOOL is_ordinal = IMAGE_SNAP_BY_ORDINAL(name);
    const char *text = is_ordinal ? NULL : (const char *)by_name->Name;
    NTSTATUS status = LdrpResolve(from, text, is_ordinal ? IMAGE_ORDINAL(name) : by_name->Hint, &address);
    if (!NT_SUCCESS(status))
        address = LdrpMissing(dll, text, is_ordinal ? IMAGE_ORDINAL(name) : 0);
    if (address == NULL)
        return status;
    *thunk = (ULONG_PTR)address;
    return STATUS_SUCCESS;
}

static NTSTATUS BindModule(PCHAR base, PIMAGE_IMPORT_DESCRIPTOR descriptor, PLDR_DATA_TABLE_ENTRY from)
{
    PULONG_PTR thunk = (PULONG_PTR)(base + descriptor->FirstThunk), end = thunk;
    ULONG_PTR names = descriptor->OriginalFirstThunk != 0 ? descriptor->OriginalFirstThunk : descriptor->FirstThunk;
    const ULONG_PTR *name = (const ULONG_PTR *)(base + names);
    while (name[end - thunk] != 0)
        end++;
    PVOID start = thunk;
    SIZE_T size = (SIZE_T)((PCHAR)end - (PCHAR)thunk);
    ULONG old;
    BOOL opened = size > 0 && !CanBeWritten(base, thunk);
    NTSTATUS status = STATUS_SUCCESS;
    if (opened)
        status = NtProtectVirtualMemory(NtCurrentProcess(), &start, &size, PAGE_READWRITE, &old);
    for (; NT_SUCCESS(status) && thunk < end; thunk++, name++)
        status = BindThunk(base, from, base + descriptor->Name, *name, thunk);
    if (opened)
        NtProtectVirtualMemory(NtCurrentProcess(), &start, &size, old, &old);
    return status;
}

static NTSTATUS SnapDescriptor(PLDR_DATA_TABLE_ENTRY entry, PIMAGE_IMPORT_DESCRIPTOR descriptor,
                               const UNICODE_STRING *path, BOOLEAN is_static)
{
    PCHAR base = entry->DllBase;
    UNICODE_STRING name;
    PLDR_DATA_TABLE_ENTRY from;
    if (!RtlCreateUnicodeStringFromAsciiz(&name, base + descriptor->Name))
        return STATUS_NO_MEMORY;
    NTSTATUS status = LdrpLoad(&name, path, is_static, &from);
    if (NT_SUCCESS(status))
        status = BindModule(base, descriptor, from);
    else if (is_static)
        LdrpStop(status, name.Buffer, entry->BaseDllName.Buffer, NULL);
    RtlFreeUnicodeString(&name);
    return status;
}

/* Binds the imports of a module; behind those that it needs, it takes its place in the order of initialization. */
NTSTATUS LdrpSnapModule(PLDR_DATA_TABLE_ENTRY entry, const UNICODE_STRING *path, BOOLEAN is_static)
{
    ULONG size;
    PIMAGE_IMPORT_DESCRIPTOR descriptor =
        RtlImageDirectoryEntryToData(entry->DllBase, TRUE, IMAGE_DIRECTORY_ENTRY_IMPORT, &size);
    NTSTATUS status = STATUS_SUCCESS;
    for (; descriptor != NULL && descriptor->Name != 0 && descriptor->FirstThunk != 0 && NT_SUCCESS(status); descriptor++)
        status = SnapDescriptor(entry, descriptor, path, is_static);
    if (NT_SUCCESS(status) && entry->Flags & LDRP_IMAGE_DLL)
        ListInsertBefore(&CurrentPeb()->Ldr->InInitializationOrderModuleList, &entry->InInitializationOrderLinks);
    return status;
}
