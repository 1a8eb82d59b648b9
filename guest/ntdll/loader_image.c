/* Mapped PE images: headers, directories, sections, relocations, exports. */

#include "ntdll.h"

PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID base)
{
    PIMAGE_DOS_HEADER dos = (PIMAGE_DOS_HEADER)((ULONG_PTR)base & ~1u);
    if (dos == NULL || dos == (PVOID)-2 || dos->e_magic != IMAGE_DOS_SIGNATURE || dos->e_lfanew >= 0x10000000)
        return NULL;
    PIMAGE_NT_HEADERS headers = (PIMAGE_NT_HEADERS)((PCHAR)dos + dos->e_lfanew);
    return headers->Signature == IMAGE_NT_SIGNATURE ? headers : NULL;
}

PIMAGE_SECTION_HEADER NTAPI RtlImageRvaToSection(PIMAGE_NT_HEADERS headers, PVOID base, ULONG rva)
{
    PIMAGE_SECTION_HEADER section = IMAGE_FIRST_SECTION(headers);
    (void)base;
    for (ULONG count = headers->FileHeader.NumberOfSections; count > 0; count--, section++)
        if (rva - section->VirtualAddress < max(section->SizeOfRawData, section->Misc.VirtualSize))
            return section;
    return NULL;
}

PVOID NTAPI RtlImageRvaToVa(PIMAGE_NT_HEADERS headers, PVOID base, ULONG rva, PIMAGE_SECTION_HEADER *last)
{
    PIMAGE_SECTION_HEADER section = RtlImageRvaToSection(headers, base, rva);
    if (last != NULL)
        *last = section;
    return section != NULL ? (PCHAR)base + section->PointerToRawData + (rva - section->VirtualAddress) : NULL;
}

/* Bit 0 of the base, or is_image FALSE, say that the file is mapped flat, as a data file. */
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID base, BOOLEAN is_image, USHORT index, PULONG size)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(base);
    is_image = is_image && !((ULONG_PTR)base & 1);
    base = (PVOID)((ULONG_PTR)base & ~1u);
    *size = 0;
    if (headers == NULL || index >= headers->OptionalHeader.NumberOfRvaAndSizes)
        return NULL;
    IMAGE_DATA_DIRECTORY directory = headers->OptionalHeader.DataDirectory[index];
    if (directory.VirtualAddress == 0)
        return NULL;
    *size = directory.Size;
    if (is_image || directory.VirtualAddress < headers->OptionalHeader.SizeOfHeaders)
        return (PCHAR)base + directory.VirtualAddress;
    return RtlImageRvaToVa(headers, base, directory.VirtualAddress, NULL);
}

/* Sections that cannot be written are opened for the patches and closed again: each copied page is the process's own. */
static NTSTATUS Reprotect(PVOID base, PIMAGE_NT_HEADERS headers, BOOL open)
{
    PIMAGE_SECTION_HEADER section = IMAGE_FIRST_SECTION(headers);
    for (ULONG count = headers->FileHeader.NumberOfSections; count > 0; count--, section++) {
        PVOID start = (PCHAR)base + section->VirtualAddress;
        SIZE_T size = section->Misc.VirtualSize != 0 ? section->Misc.VirtualSize : section->SizeOfRawData;
        ULONG flags = section->Characteristics, old, usual = flags & IMAGE_SCN_MEM_EXECUTE ? PAGE_EXECUTE : PAGE_READONLY;
        if (flags & IMAGE_SCN_MEM_WRITE || size == 0)
            continue;
        if (flags & IMAGE_SCN_MEM_EXECUTE && flags & IMAGE_SCN_MEM_READ)
            usual = PAGE_EXECUTE_READ;
        NTSTATUS status = NtProtectVirtualMemory(NtCurrentProcess(), &start, &size, open ? PAGE_READWRITE : usual, &old);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

static void PatchBlock(PCHAR page, const USHORT *entry, ULONG count, LONG_PTR delta)
{
    for (; count > 0; count--, entry++) {
        PCHAR place = page + (*entry & 0xfff);
        switch (*entry >> 12) {
        case IMAGE_REL_BASED_HIGHLOW: *(LONG_PTR UNALIGNED *)place += delta; break;
        case IMAGE_REL_BASED_HIGH: *(USHORT UNALIGNED *)place += (USHORT)(delta >> 16); break;
        case IMAGE_REL_BASED_LOW: *(USHORT UNALIGNED *)place += (USHORT)delta; break;
        default: break;
        }
    }
}

NTSTATUS LdrpRelocate(PVOID base)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(base);
    ULONG size;
    PIMAGE_BASE_RELOCATION block = RtlImageDirectoryEntryToData(base, TRUE, IMAGE_DIRECTORY_ENTRY_BASERELOC, &size);
    LONG_PTR delta = (LONG_PTR)base - (LONG_PTR)headers->OptionalHeader.ImageBase;
    if (delta == 0)
        return STATUS_SUCCESS;
    if (headers->FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED || block == NULL)
        return STATUS_CONFLICTING_ADDRESSES;
    NTSTATUS status = Reprotect(base, headers, TRUE);
    if (!NT_SUCCESS(status))
        return status;
    for (PCHAR end = (PCHAR)block + size; (PCHAR)(block + 1) <= end && block->SizeOfBlock >= sizeof *block;
         block = (PIMAGE_BASE_RELOCATION)((PCHAR)block + block->SizeOfBlock))
        PatchBlock((PCHAR)base + block->VirtualAddress, (const USHORT *)(block + 1),
                   (block->SizeOfBlock - sizeof *block) / sizeof(USHORT), delta);
    return Reprotect(base, headers, FALSE);
}

/* Index into the addresses: by the hint, if it is right, else by bisection, as names are sorted. */
static ULONG IndexOfName(PCHAR base, PIMAGE_EXPORT_DIRECTORY exports, const char *name, ULONG hint)
{
    const ULONG *names = (const ULONG *)(base + exports->AddressOfNames);
    const USHORT *indices = (const USHORT *)(base + exports->AddressOfNameOrdinals);
    if (hint < exports->NumberOfNames && strcmp(name, base + names[hint]) == 0)
        return indices[hint];
    ULONG low = 0, high = exports->NumberOfNames;
    while (low < high) {
        ULONG middle = (low + high) / 2;
        int order = strcmp(name, base + names[middle]);
        if (order == 0)
            return indices[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (ULONG)-1;
}

/* `MODULE.Name` or `MODULE.#ordinal`: the module is loaded and stays. */
static NTSTATUS Forward(const char *forwarder, PVOID *address)
{
    char module[64];
    const char *dot = strchr(forwarder, '.');
    UNICODE_STRING name;
    PLDR_DATA_TABLE_ENTRY entry;
    static ULONG Depth;
    if (dot == NULL || (size_t)(dot - forwarder) + 5 > sizeof module || Depth > 16)
        return STATUS_INVALID_IMAGE_FORMAT;
    memcpy(module, forwarder, (size_t)(dot - forwarder));
    memcpy(module + (dot - forwarder), ".dll", 5);
    if (!RtlCreateUnicodeStringFromAsciiz(&name, module))
        return STATUS_NO_MEMORY;
    Depth++;
    NTSTATUS status = LdrpLoad(&name, NULL, TRUE, &entry);
    RtlFreeUnicodeString(&name);
    if (NT_SUCCESS(status)) {
        LdrpAddReference(entry);
        BOOL by_ordinal = dot[1] == '#';
        status = LdrpResolve(entry, by_ordinal ? NULL : dot + 1, by_ordinal ? (ULONG)atoi(dot + 2) : 0, address);
    }
    Depth--;
    return status;
}

/* The address of an export by name (with a hint) or, without a name, by ordinal. */
NTSTATUS LdrpResolve(PLDR_DATA_TABLE_ENTRY entry, const char *name, ULONG hint_or_ordinal, PVOID *address)
{
    ULONG size;
    PCHAR base = entry->DllBase;
    PIMAGE_EXPORT_DIRECTORY exports = RtlImageDirectoryEntryToData(base, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT, &size);
    NTSTATUS missing = name != NULL ? STATUS_ENTRYPOINT_NOT_FOUND : STATUS_ORDINAL_NOT_FOUND;
    if (exports == NULL)
        return missing;
    ULONG index = name != NULL ? IndexOfName(base, exports, name, hint_or_ordinal) : hint_or_ordinal - exports->Base;
    if (index >= exports->NumberOfFunctions)
        return missing;
    ULONG rva = ((const ULONG *)(base + exports->AddressOfFunctions))[index];
    if (rva == 0)
        return missing;
    *address = base + rva;
    if (base + rva >= (PCHAR)exports && base + rva < (PCHAR)exports + size)
        return Forward(base + rva, address);
    return STATUS_SUCCESS;
}
