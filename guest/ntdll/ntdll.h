/* What the files of ntdll share among themselves. */
#ifndef NTDLL_H
#define NTDLL_H

#include "rtl.h"

/* loader */
int __cdecl atoi(const char *text);
PLDR_DATA_TABLE_ENTRY LdrpFindByBase(const void *base);
PLDR_DATA_TABLE_ENTRY LdrpFindByAddress(const void *address);
PLDR_DATA_TABLE_ENTRY LdrpFindByName(const UNICODE_STRING *name);
NTSTATUS LdrpLoad(const UNICODE_STRING *name, const UNICODE_STRING *path, BOOLEAN is_static, PLDR_DATA_TABLE_ENTRY *out);
PLDR_DATA_TABLE_ENTRY LdrpNewEntry(PVOID base, const WCHAR *full_name);
void LdrpForget(PLDR_DATA_TABLE_ENTRY entry);
void LdrpAddReference(PLDR_DATA_TABLE_ENTRY entry);
NTSTATUS LdrpSnapModule(PLDR_DATA_TABLE_ENTRY entry, const UNICODE_STRING *path, BOOLEAN is_static);
NTSTATUS LdrpResolve(PLDR_DATA_TABLE_ENTRY entry, const char *name, ULONG hint_or_ordinal, PVOID *address);
NTSTATUS LdrpOpenModule(const UNICODE_STRING *name, const UNICODE_STRING *path, WCHAR full[MAX_PATH], PHANDLE file);
NTSTATUS LdrpRelocate(PVOID base);
PVOID LdrpMissing(const char *dll, const char *name, ULONG ordinal);
void LdrpReportIfMissing(const EXCEPTION_RECORD *record, const CONTEXT *context);
void LdrpStop(NTSTATUS status, const WCHAR *first, const WCHAR *second, const WCHAR *third);
NTSTATUS LdrpInitializeTls(void);
NTSTATUS LdrpAllocateThreadTls(void);
void LdrpFreeThreadTls(void);
void LdrpCallTlsCallbacks(PLDR_DATA_TABLE_ENTRY entry, ULONG reason);
NTSTATUS LdrpRunInitializers(PCONTEXT context);
BOOLEAN LdrpCallEntry(PLDR_DATA_TABLE_ENTRY entry, ULONG reason, PVOID context);
extern RTL_CRITICAL_SECTION LdrpLoaderLock;

/* the run-time library */
void RtlpInitializeHeaps(PPEB peb);
void RtlpInitializeCriticalSections(void);
BOOLEAN RtlpCallVectoredHandlers(PEXCEPTION_RECORD record, PCONTEXT context);
LONG RtlpCallUnhandledFilter(PEXCEPTION_RECORD record, PCONTEXT context);
NTSTATUS RtlpCreateStack(HANDLE process, SIZE_T commit, SIZE_T reserve, PINITIAL_TEB out);
void RtlpStartContext(PCONTEXT context, PVOID start, PVOID argument, PVOID stack);

static inline PVOID Allocate(SIZE_T size) { return RtlAllocateHeap(CurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, size); }
static inline void Release(PVOID memory) { RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, memory); }

static inline void ListInitialize(PLIST_ENTRY head) { head->Flink = head->Blink = head; }
static inline void ListRemove(PLIST_ENTRY entry)
{
    entry->Blink->Flink = entry->Flink;
    entry->Flink->Blink = entry->Blink;
}
static inline void ListInsertBefore(PLIST_ENTRY place, PLIST_ENTRY entry)
{
    entry->Flink = place;
    entry->Blink = place->Blink;
    place->Blink->Flink = entry;
    place->Blink = entry;
}

#endif
