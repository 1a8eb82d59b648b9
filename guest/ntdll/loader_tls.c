/* Static thread-local storage: one vector a thread, one block for each module that came with the program. */

#include "ntdll.h"

#define TLS_MODULES 64

static PLDR_DATA_TABLE_ENTRY Modules[TLS_MODULES];
static ULONG ModuleCount;

static PIMAGE_TLS_DIRECTORY Directory(PLDR_DATA_TABLE_ENTRY entry)
{
    ULONG size;
    return RtlImageDirectoryEntryToData(entry->DllBase, TRUE, IMAGE_DIRECTORY_ENTRY_TLS, &size);
}

NTSTATUS LdrpInitializeTls(void)
{
    PLIST_ENTRY head = &CurrentPeb()->Ldr->InLoadOrderModuleList;
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
        PLDR_DATA_TABLE_ENTRY entry = CONTAINING_RECORD(at, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
        PIMAGE_TLS_DIRECTORY directory = Directory(entry);
        if (directory == NULL)
            continue;
        if (ModuleCount == TLS_MODULES)
            return STATUS_INSUFFICIENT_RESOURCES;
        *(PULONG)directory->AddressOfIndex = ModuleCount;
        entry->TlsIndex = (USHORT)-1;
        Modules[ModuleCount++] = entry;
    }
    return LdrpAllocateThreadTls();
}

NTSTATUS LdrpAllocateThreadTls(void)
{
    if (ModuleCount == 0)
        return STATUS_SUCCESS;
    PVOID *vector = Allocate(ModuleCount * sizeof(PVOID));
    CurrentTeb()->ThreadLocalStoragePointer = vector;
    for (ULONG index = 0; vector != NULL && index < ModuleCount; index++) {
        PIMAGE_TLS_DIRECTORY directory = Directory(Modules[index]);
        SIZE_T size = directory->EndAddressOfRawData - directory->StartAddressOfRawData;
        vector[index] = Allocate(size + directory->SizeOfZeroFill);
        if (vector[index] == NULL)
            return STATUS_NO_MEMORY;
        memcpy(vector[index], (const void *)directory->StartAddressOfRawData, size);
    }
    return vector != NULL ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

void LdrpFreeThreadTls(void)
{
    PVOID *vector = CurrentTeb()->ThreadLocalStoragePointer;
    CurrentTeb()->ThreadLocalStoragePointer = NULL;
    for (ULONG index = 0; vector != NULL && index < ModuleCount; index++)
        if (vector[index] != NULL)
            Release(vector[index]);
    if (vector != NULL)
        Release(vector);
}

/* Only modules that came with the program have an index, and as on XP only their callbacks are called. */
void LdrpCallTlsCallbacks(PLDR_DATA_TABLE_ENTRY entry, ULONG reason)
{
    PIMAGE_TLS_DIRECTORY directory = entry->TlsIndex != 0 ? Directory(entry) : NULL;
    if (directory == NULL || directory->AddressOfCallBacks == 0)
        return;
    for (PIMAGE_TLS_CALLBACK *callback = (PIMAGE_TLS_CALLBACK *)directory->AddressOfCallBacks; *callback != NULL; callback++)
        (*callback)(entry->DllBase, reason, NULL);
}
