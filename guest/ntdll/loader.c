/* The loader's records of modules, and what runs when a process or a thread starts and ends. */

#include "ntdll.h"

#define HASH_SIZE 32

RTL_CRITICAL_SECTION LdrpLoaderLock;
static PEB_LDR_DATA Ldr = {.Length = sizeof Ldr};
static LIST_ENTRY HashTable[HASH_SIZE];
static PLDR_DATA_TABLE_ENTRY Program;

static PLDR_DATA_TABLE_ENTRY InLoadOrder(PLIST_ENTRY links)
{
    return CONTAINING_RECORD(links, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
}

static PLDR_DATA_TABLE_ENTRY InInitializationOrder(PLIST_ENTRY links)
{
    return CONTAINING_RECORD(links, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks);
}

static PLIST_ENTRY Bucket(const UNICODE_STRING *name)
{
    WCHAR first = name->Length > 0 ? RtlUpcaseUnicodeChar(name->Buffer[0]) : 0;
    return &HashTable[(first - 'A') & (HASH_SIZE - 1)];
}

PLDR_DATA_TABLE_ENTRY LdrpFindByName(const UNICODE_STRING *name)
{
    PLIST_ENTRY head = Bucket(name);
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
        PLDR_DATA_TABLE_ENTRY entry = CONTAINING_RECORD(at, LDR_DATA_TABLE_ENTRY, HashLinks);
        if (RtlEqualUnicodeString(&entry->BaseDllName, name, TRUE))
            return entry;
    }
    return NULL;
}

PLDR_DATA_TABLE_ENTRY LdrpFindByAddress(const void *address)
{
    PLIST_ENTRY head = &Ldr.InLoadOrderModuleList;
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink)
        if ((ULONG_PTR)address - (ULONG_PTR)InLoadOrder(at)->DllBase < InLoadOrder(at)->SizeOfImage)
            return InLoadOrder(at);
    return NULL;
}

PLDR_DATA_TABLE_ENTRY LdrpFindByBase(const void *base)
{
    PLDR_DATA_TABLE_ENTRY entry = LdrpFindByAddress(base);
    return entry != NULL && entry->DllBase == base ? entry : NULL;
}

PLDR_DATA_TABLE_ENTRY LdrpNewEntry(PVOID base, const WCHAR *full_name)
{
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(base);
    PLDR_DATA_TABLE_ENTRY entry = Allocate(sizeof *entry);
    if (entry == NULL || !RtlCreateUnicodeString(&entry->FullDllName, full_name))
        return NULL;
    PWSTR file = wcsrchr(entry->FullDllName.Buffer, '\\');
    RtlInitUnicodeString(&entry->BaseDllName, file != NULL ? file + 1 : entry->FullDllName.Buffer);
    entry->DllBase = base;
    entry->SizeOfImage = headers->OptionalHeader.SizeOfImage;
    entry->TimeDateStamp = headers->FileHeader.TimeDateStamp;
    if (headers->OptionalHeader.AddressOfEntryPoint != 0)
        entry->EntryPoint = (PCHAR)base + headers->OptionalHeader.AddressOfEntryPoint;
    entry->Flags = headers->FileHeader.Characteristics & IMAGE_FILE_DLL ? LDRP_IMAGE_DLL : 0;
    ListInitialize(&entry->InInitializationOrderLinks);
    ListInsertBefore(&Ldr.InLoadOrderModuleList, &entry->InLoadOrderLinks);
    ListInsertBefore(&Ldr.InMemoryOrderModuleList, &entry->InMemoryOrderLinks);
    ListInsertBefore(Bucket(&entry->BaseDllName), &entry->HashLinks);
    return entry;
}

void LdrpForget(PLDR_DATA_TABLE_ENTRY entry)
{
    ListRemove(&entry->InLoadOrderLinks);
    ListRemove(&entry->InMemoryOrderLinks);
    ListRemove(&entry->InInitializationOrderLinks);
    ListRemove(&entry->HashLinks);
    RtlFreeUnicodeString(&entry->FullDllName);
    Release(entry);
}

typedef BOOL(WINAPI *DllMain)(PVOID base, ULONG reason, PVOID context);

BOOLEAN LdrpCallEntry(PLDR_DATA_TABLE_ENTRY entry, ULONG reason, PVOID context)
{
    LdrpCallTlsCallbacks(entry, reason);
    return entry->EntryPoint == NULL || ((DllMain)entry->EntryPoint)(entry->DllBase, reason, context);
}

/* Every module that has not been told yet, those first that others need. A context says that the process starts. */
NTSTATUS LdrpRunInitializers(PCONTEXT context)
{
    PLIST_ENTRY head = &Ldr.InInitializationOrderModuleList;
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink) {
        PLDR_DATA_TABLE_ENTRY entry = InInitializationOrder(at);
        if (entry->Flags & LDRP_ENTRY_PROCESSED)
            continue;
        entry->Flags |= LDRP_ENTRY_PROCESSED;
        BOOLEAN is_ready = LdrpCallEntry(entry, DLL_PROCESS_ATTACH, context);
        entry->Flags |= LDRP_PROCESS_ATTACH_CALLED;
        if (!is_ready && context != NULL)
            LdrpStop(STATUS_DLL_INIT_FAILED, entry->BaseDllName.Buffer, NULL, NULL);
        if (!is_ready)
            return STATUS_DLL_INIT_FAILED;
    }
    return STATUS_SUCCESS;
}

static PLDR_DATA_TABLE_ENTRY NtdllEntry(PVOID base)
{
    WCHAR path[MAX_PATH];
    _snwprintf(path, MAX_PATH, L"%s\\system32\\ntdll.dll", SharedUserData->NtSystemRoot);
    PLDR_DATA_TABLE_ENTRY entry = LdrpNewEntry(base, path);
    if (entry != NULL)
        ListInsertBefore(&Ldr.InInitializationOrderModuleList, &entry->InInitializationOrderLinks);
    return entry;
}

static NTSTATUS LoadProgram(PPEB peb, PVOID ntdll)
{
    PLDR_DATA_TABLE_ENTRY kernel32;
    UNICODE_STRING name;
    Program = LdrpNewEntry(peb->ImageBaseAddress, peb->ProcessParameters->ImagePathName.Buffer);
    if (Program == NULL || NtdllEntry(ntdll) == NULL)
        return STATUS_NO_MEMORY;
    NTSTATUS status = LdrpRelocate(peb->ImageBaseAddress);
    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, L"kernel32.dll");
    status = LdrpLoad(&name, NULL, TRUE, &kernel32);
    if (!NT_SUCCESS(status))
        LdrpStop(status, name.Buffer, Program->BaseDllName.Buffer, NULL);
    status = LdrpSnapModule(Program, NULL, TRUE);
    for (PLIST_ENTRY at = Ldr.InLoadOrderModuleList.Flink; at != &Ldr.InLoadOrderModuleList; at = at->Flink) {
        InLoadOrder(at)->LoadCount = LDRP_PINNED;
        InLoadOrder(at)->Flags |= LDRP_STATIC_LINK;
    }
    return status;
}

static void InitializePeb(PPEB peb)
{
    static RTL_BITMAP TlsBitmap, TlsExpansionBitmap;
    RtlInitializeBitMap(&TlsBitmap, peb->TlsBitmapBits, 64);
    RtlInitializeBitMap(&TlsExpansionBitmap, peb->TlsExpansionBitmapBits, 1024);
    peb->TlsBitmap = &TlsBitmap;
    peb->TlsExpansionBitmap = &TlsExpansionBitmap;
    ListInitialize(&Ldr.InLoadOrderModuleList);
    ListInitialize(&Ldr.InMemoryOrderModuleList);
    ListInitialize(&Ldr.InInitializationOrderModuleList);
    for (ULONG index = 0; index < HASH_SIZE; index++)
        ListInitialize(&HashTable[index]);
    RtlpInitializeCriticalSections();
    RtlpInitializeHeaps(peb);
}

static void InitializeProcess(PPEB peb, PCONTEXT context, PVOID ntdll)
{
    RtlNormalizeProcessParams(peb->ProcessParameters);
    InitializePeb(peb);
    RtlEnterCriticalSection(&LdrpLoaderLock);
    peb->Ldr = &Ldr;
    NTSTATUS status = peb->ProcessHeap != NULL ? LoadProgram(peb, ntdll) : STATUS_NO_MEMORY;
    if (NT_SUCCESS(status))
        status = LdrpInitializeTls();
    if (NT_SUCCESS(status) && peb->BeingDebugged)
        __asm__ volatile("int3");
    if (NT_SUCCESS(status))
        status = LdrpRunInitializers(context);
    if (!NT_SUCCESS(status))
        LdrpStop(status, Program != NULL ? Program->BaseDllName.Buffer : NULL, NULL, NULL);
    LdrpCallTlsCallbacks(Program, DLL_PROCESS_ATTACH);
    Ldr.Initialized = TRUE;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
}

static BOOL WantsThreads(PLDR_DATA_TABLE_ENTRY entry)
{
    return entry->Flags & LDRP_PROCESS_ATTACH_CALLED && !(entry->Flags & LDRP_DONT_CALL_FOR_THREADS);
}

static void InitializeThread(void)
{
    PLIST_ENTRY head = &Ldr.InInitializationOrderModuleList;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    NTSTATUS status = LdrpAllocateThreadTls();
    if (!NT_SUCCESS(status))
        RtlRaiseStatus(status);
    for (PLIST_ENTRY at = head->Flink; at != head; at = at->Flink)
        if (WantsThreads(InInitializationOrder(at)))
            LdrpCallEntry(InInitializationOrder(at), DLL_THREAD_ATTACH, NULL);
    LdrpCallTlsCallbacks(Program, DLL_THREAD_ATTACH);
    RtlLeaveCriticalSection(&LdrpLoaderLock);
}

/* The first user code of every thread, called as an APC before the thread's own start. */
VOID NTAPI LdrInitializeThunk(PCONTEXT context, PVOID ntdll, PVOID unused)
{
    PPEB peb = CurrentPeb();
    (void)unused;
    if (peb->Ldr == NULL)
        InitializeProcess(peb, context, ntdll);
    else
        InitializeThread();
}

NTSTATUS NTAPI LdrShutdownThread(VOID)
{
    PLIST_ENTRY head = &Ldr.InInitializationOrderModuleList;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    for (PLIST_ENTRY at = head->Blink; at != head; at = at->Blink)
        if (WantsThreads(InInitializationOrder(at)))
            LdrpCallEntry(InInitializationOrder(at), DLL_THREAD_DETACH, NULL);
    LdrpCallTlsCallbacks(Program, DLL_THREAD_DETACH);
    LdrpFreeThreadTls();
    if (CurrentTeb()->TlsExpansionSlots != NULL)
        Release(CurrentTeb()->TlsExpansionSlots);
    CurrentTeb()->TlsExpansionSlots = NULL;
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return STATUS_SUCCESS;
}

/* Locks that a killed thread held stay with it: this thread takes the loader's lock over. */
NTSTATUS NTAPI LdrShutdownProcess(VOID)
{
    static BOOL IsDone;
    PLIST_ENTRY head = &Ldr.InInitializationOrderModuleList;
    if (IsDone || CurrentPeb()->Ldr == NULL)
        return STATUS_SUCCESS;
    IsDone = TRUE;
    if (LdrpLoaderLock.OwningThread != CurrentTeb()->ClientId.UniqueThread)
        RtlInitializeCriticalSection(&LdrpLoaderLock);
    RtlEnterCriticalSection(&LdrpLoaderLock);
    for (PLIST_ENTRY at = head->Blink; at != head; at = at->Blink)
        if (InInitializationOrder(at)->Flags & LDRP_PROCESS_ATTACH_CALLED)
            LdrpCallEntry(InInitializationOrder(at), DLL_PROCESS_DETACH, (PVOID)1);
    LdrpCallTlsCallbacks(Program, DLL_PROCESS_DETACH);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrLockLoaderLock(ULONG flags, PULONG disposition, PULONG_PTR cookie)
{
    (void)flags;
    if (disposition != NULL)
        *disposition = 1;
    RtlEnterCriticalSection(&LdrpLoaderLock);
    *cookie = (ULONG_PTR)CurrentTeb()->ClientId.UniqueThread;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG flags, ULONG_PTR cookie)
{
    (void)flags;
    if (cookie != (ULONG_PTR)CurrentTeb()->ClientId.UniqueThread)
        return STATUS_INVALID_PARAMETER_2;
    return RtlLeaveCriticalSection(&LdrpLoaderLock);
}
