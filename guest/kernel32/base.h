/* What the files of kernel32 share: from statuses to last errors, from narrow to wide strings. */
#ifndef BASE_H
#define BASE_H

#include "rtl.h"

#undef InterlockedExchange
#undef InterlockedCompareExchange
#undef InterlockedIncrement
#undef InterlockedDecrement
#undef InterlockedExchangeAdd

/* Whether the status is a success; if not, the last error says which Win32 error it is. */
BOOL BaseCheck(NTSTATUS status);
/* FALSE, with a last error. */
BOOL BaseFail(ULONG error);

/* A narrow string as a wide one on the heap; NULL for NULL or with a last error. The caller releases it. */
PWSTR BaseWide(LPCSTR text);
void BaseRelease(PVOID memory);
/* A wide string into a narrow buffer: the characters written without the terminator, or the room needed with it. */
DWORD BaseNarrow(PCWSTR text, LPSTR buffer, DWORD size);
/* The same for the wide calls that share this rule. */
DWORD BaseCopyOut(PCWSTR text, LPWSTR buffer, DWORD size);

/* Attributes of an object in \BaseNamedObjects, or of none when the name is NULL. */
typedef struct {
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    WCHAR buffer[MAX_PATH + 24];
} BaseObject;
POBJECT_ATTRIBUTES BaseNamed(BaseObject *object, PCWSTR name, const SECURITY_ATTRIBUTES *security, BOOL inherits);
/* What the creation of a named object returns: the handle, with last error 183 when it was there, else 0. */
HANDLE BaseCreated(NTSTATUS status, HANDLE handle);

/* Milliseconds as a relative NT time; NULL for INFINITE. */
PLARGE_INTEGER BaseTimeout(DWORD milliseconds, PLARGE_INTEGER time);
/* The handle behind the pseudo handles STD_INPUT_HANDLE and so on. */
HANDLE BaseFileHandle(HANDLE handle);
/* The program's directory, then `middle` with the system's root for each %s, then PATH; on the heap. */
PWSTR BaseSearchList(PCWSTR middle);
/* Unmaps a path's DOS form into attributes to open it by. */
BOOL BaseNtPath(PCWSTR path, PUNICODE_STRING name, POBJECT_ATTRIBUTES attributes);

static inline PVOID BaseAllocate(SIZE_T size) { return RtlAllocateHeap(CurrentPeb()->ProcessHeap, 0, size); }

#endif
