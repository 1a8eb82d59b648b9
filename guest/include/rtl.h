/* What ntdll exports besides the Nt services: run-time library, loader, heap, exceptions. */
#ifndef GUEST_RTL_H
#define GUEST_RTL_H

#include "ntapi.h"

#undef RtlMoveMemory
#undef RtlFillMemory
#undef RtlZeroMemory
VOID NTAPI RtlMoveMemory(PVOID, const VOID *, SIZE_T);
VOID NTAPI RtlFillMemory(PVOID, SIZE_T, UCHAR);
VOID NTAPI RtlZeroMemory(PVOID, SIZE_T);
VOID NTAPI RtlFillMemoryUlong(PVOID, SIZE_T, ULONG);
#undef RtlCompareMemory
SIZE_T NTAPI RtlCompareMemory(const VOID *, const VOID *, SIZE_T);

/* errors */
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS);
ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS);
VOID NTAPI RtlSetLastWin32Error(ULONG);
ULONG NTAPI RtlGetLastWin32Error(VOID);
VOID NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS);

/* heap */
typedef struct _RTL_HEAP_WALK_ENTRY {
    PVOID DataAddress;
    SIZE_T DataSize;
    UCHAR OverheadBytes, SegmentIndex;
    USHORT Flags;
    ULONG Value[4];
} RTL_HEAP_WALK_ENTRY, *PRTL_HEAP_WALK_ENTRY;

PVOID NTAPI RtlCreateHeap(ULONG, PVOID, SIZE_T, SIZE_T, PVOID, PVOID);
PVOID NTAPI RtlDestroyHeap(PVOID);
PVOID NTAPI RtlAllocateHeap(PVOID, ULONG, SIZE_T);
BOOLEAN NTAPI RtlFreeHeap(PVOID, ULONG, PVOID);
PVOID NTAPI RtlReAllocateHeap(PVOID, ULONG, PVOID, SIZE_T);
SIZE_T NTAPI RtlSizeHeap(PVOID, ULONG, PVOID);
BOOLEAN NTAPI RtlValidateHeap(PVOID, ULONG, PVOID);
BOOLEAN NTAPI RtlLockHeap(PVOID);
BOOLEAN NTAPI RtlUnlockHeap(PVOID);
SIZE_T NTAPI RtlCompactHeap(PVOID, ULONG);
NTSTATUS NTAPI RtlWalkHeap(PVOID, PRTL_HEAP_WALK_ENTRY);
ULONG NTAPI RtlGetProcessHeaps(ULONG, PVOID *);

/* critical sections */
NTSTATUS NTAPI RtlInitializeCriticalSection(PRTL_CRITICAL_SECTION);
NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(PRTL_CRITICAL_SECTION, ULONG);
ULONG NTAPI RtlSetCriticalSectionSpinCount(PRTL_CRITICAL_SECTION, ULONG);
NTSTATUS NTAPI RtlDeleteCriticalSection(PRTL_CRITICAL_SECTION);
NTSTATUS NTAPI RtlEnterCriticalSection(PRTL_CRITICAL_SECTION);
NTSTATUS NTAPI RtlLeaveCriticalSection(PRTL_CRITICAL_SECTION);
BOOLEAN NTAPI RtlTryEnterCriticalSection(PRTL_CRITICAL_SECTION);

/* strings */
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING, PCWSTR);
NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING, PCWSTR);
VOID NTAPI RtlInitAnsiString(PANSI_STRING, PCSTR);
VOID NTAPI RtlInitString(PSTRING, PCSTR);
BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING, PCWSTR);
BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(PUNICODE_STRING, PCSTR);
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING);
VOID NTAPI RtlFreeAnsiString(PANSI_STRING);
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING, PCUNICODE_STRING);
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG, PCUNICODE_STRING, PUNICODE_STRING);
NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING, PCWSTR);
NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING, PCUNICODE_STRING);
LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING, PCUNICODE_STRING, BOOLEAN);
BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING, PCUNICODE_STRING, BOOLEAN);
BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING, PCUNICODE_STRING, BOOLEAN);
LONG NTAPI RtlCompareString(const STRING *, const STRING *, BOOLEAN);
BOOLEAN NTAPI RtlEqualString(const STRING *, const STRING *, BOOLEAN);
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING, PCUNICODE_STRING, BOOLEAN);
NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING, PCUNICODE_STRING, BOOLEAN);
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR);
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR);
CHAR NTAPI RtlUpperChar(CHAR);
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING, PCANSI_STRING, BOOLEAN);
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING, PCUNICODE_STRING, BOOLEAN);
NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWSTR, ULONG, PULONG, PCSTR, ULONG);
NTSTATUS NTAPI RtlUnicodeToMultiByteN(PSTR, ULONG, PULONG, PCWSTR, ULONG);
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG, PCSTR, ULONG);
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG, PCWSTR, ULONG);
ULONG NTAPI RtlAnsiStringToUnicodeSize(PCANSI_STRING);
ULONG NTAPI RtlUnicodeStringToAnsiSize(PCUNICODE_STRING);
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING, ULONG, PULONG);
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG, ULONG, PUNICODE_STRING);

/* environment, process parameters and paths */
VOID NTAPI RtlAcquirePebLock(VOID);
VOID NTAPI RtlReleasePebLock(VOID);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR, PCUNICODE_STRING, PUNICODE_STRING);
NTSTATUS NTAPI RtlSetEnvironmentVariable(PWSTR *, PCUNICODE_STRING, PCUNICODE_STRING);
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(PWSTR, PCUNICODE_STRING, PUNICODE_STRING, PULONG);
typedef enum _RTL_PATH_TYPE {
    RtlPathTypeUnknown,
    RtlPathTypeUncAbsolute,
    RtlPathTypeDriveAbsolute,
    RtlPathTypeDriveRelative,
    RtlPathTypeRooted,
    RtlPathTypeRelative,
    RtlPathTypeLocalDevice,
    RtlPathTypeRootLocalDevice
} RTL_PATH_TYPE;
RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_U(PCWSTR);
ULONG NTAPI RtlGetFullPathName_U(PCWSTR, ULONG, PWSTR, PWSTR *);
ULONG NTAPI RtlGetCurrentDirectory_U(ULONG, PWSTR);
NTSTATUS NTAPI RtlSetCurrentDirectory_U(PCUNICODE_STRING);
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(PCWSTR, PUNICODE_STRING, PWSTR *, PVOID);
ULONG NTAPI RtlIsDosDeviceName_U(PCWSTR);
BOOLEAN NTAPI RtlDoesFileExists_U(PCWSTR);
ULONG NTAPI RtlDosSearchPath_U(PCWSTR, PCWSTR, PCWSTR, ULONG, PWSTR, PWSTR *);

/* loader */
NTSTATUS NTAPI LdrLoadDll(PCWSTR, PULONG, PCUNICODE_STRING, PVOID *);
NTSTATUS NTAPI LdrUnloadDll(PVOID);
NTSTATUS NTAPI LdrGetDllHandle(PCWSTR, PULONG, PCUNICODE_STRING, PVOID *);
NTSTATUS NTAPI LdrGetProcedureAddress(PVOID, const ANSI_STRING *, ULONG, PVOID *);
NTSTATUS NTAPI LdrFindEntryForAddress(PVOID, PLDR_DATA_TABLE_ENTRY *);
NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(PVOID);
NTSTATUS NTAPI LdrAddRefDll(ULONG, PVOID);
NTSTATUS NTAPI LdrLockLoaderLock(ULONG, PULONG, PULONG_PTR);
NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG, ULONG_PTR);
NTSTATUS NTAPI LdrShutdownThread(VOID);
NTSTATUS NTAPI LdrShutdownProcess(VOID);
PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID);
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID, BOOLEAN, USHORT, PULONG);
PVOID NTAPI RtlImageRvaToVa(PIMAGE_NT_HEADERS, PVOID, ULONG, PIMAGE_SECTION_HEADER *);
PIMAGE_SECTION_HEADER NTAPI RtlImageRvaToSection(PIMAGE_NT_HEADERS, PVOID, ULONG);

NTSTATUS NTAPI LdrFindResource_U(PVOID, const ULONG_PTR *, ULONG, PIMAGE_RESOURCE_DATA_ENTRY *);
NTSTATUS NTAPI LdrFindResourceDirectory_U(PVOID, const ULONG_PTR *, ULONG, PIMAGE_RESOURCE_DIRECTORY *);
NTSTATUS NTAPI LdrAccessResource(PVOID, const IMAGE_RESOURCE_DATA_ENTRY *, PVOID *, PULONG);

/* processes */
typedef struct _RTL_USER_PROCESS_INFORMATION {
    ULONG Length;
    HANDLE ProcessHandle, ThreadHandle;
    CLIENT_ID ClientId;
    SECTION_IMAGE_INFORMATION ImageInformation;
} RTL_USER_PROCESS_INFORMATION, *PRTL_USER_PROCESS_INFORMATION;
NTSTATUS NTAPI RtlCreateProcessParameters(PRTL_USER_PROCESS_PARAMETERS *, PCUNICODE_STRING, PCUNICODE_STRING,
                                          PCUNICODE_STRING, PCUNICODE_STRING, PVOID, PCUNICODE_STRING, PCUNICODE_STRING,
                                          PCUNICODE_STRING, PCUNICODE_STRING);
NTSTATUS NTAPI RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS);
PRTL_USER_PROCESS_PARAMETERS NTAPI RtlNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS);
PRTL_USER_PROCESS_PARAMETERS NTAPI RtlDeNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS);
NTSTATUS NTAPI RtlCreateUserProcess(PUNICODE_STRING, ULONG, PRTL_USER_PROCESS_PARAMETERS, PVOID, PVOID, HANDLE, BOOLEAN,
                                    HANDLE, HANDLE, PRTL_USER_PROCESS_INFORMATION);

/* threads and exceptions */
typedef NTSTATUS(NTAPI *PUSER_THREAD_START_ROUTINE)(PVOID);
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T, SIZE_T, ULONG, SIZE_T, SIZE_T, PINITIAL_TEB);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID, PVOID, PHANDLE, PCLIENT_ID);
VOID NTAPI RtlUserThreadStart(VOID);
VOID NTAPI RtlRunThread(PUSER_THREAD_START_ROUTINE, PVOID); /* does not return; exported for fibers, our own */
VOID NTAPI RtlExitUserThread(NTSTATUS) __attribute__((noreturn));
VOID NTAPI RtlExitUserProcess(NTSTATUS) __attribute__((noreturn));
VOID NTAPI RtlSetUnhandledExceptionFilter(PTOP_LEVEL_EXCEPTION_FILTER);
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD);
VOID NTAPI RtlRaiseStatus(NTSTATUS);
BOOLEAN NTAPI RtlDispatchException(PEXCEPTION_RECORD, PCONTEXT);
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG, PVECTORED_EXCEPTION_HANDLER);
ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID);

/* time */
typedef struct _TIME_FIELDS {
    SHORT Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
} TIME_FIELDS, *PTIME_FIELDS;
VOID NTAPI RtlTimeToTimeFields(const LARGE_INTEGER *, PTIME_FIELDS);
BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS, PLARGE_INTEGER);
BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER *, PULONG);
VOID NTAPI RtlSecondsSince1970ToTime(ULONG, PLARGE_INTEGER);
NTSTATUS NTAPI RtlSystemTimeToLocalTime(const LARGE_INTEGER *, PLARGE_INTEGER);
NTSTATUS NTAPI RtlLocalTimeToSystemTime(const LARGE_INTEGER *, PLARGE_INTEGER);

/* bits, numbers, debug output */
VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP, PULONG, ULONG);
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP, ULONG, ULONG);
VOID NTAPI RtlSetBits(PRTL_BITMAP, ULONG, ULONG);
VOID NTAPI RtlClearBits(PRTL_BITMAP, ULONG, ULONG);
BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP, ULONG, ULONG);
ULONG NTAPI RtlUniform(PULONG);
ULONG __cdecl DbgPrint(PCSTR, ...);

/* C */
void *__cdecl memcpy(void *, const void *, size_t);
void *__cdecl memmove(void *, const void *, size_t);
void *__cdecl memset(void *, int, size_t);
int __cdecl memcmp(const void *, const void *, size_t);
size_t __cdecl strlen(const char *);
int __cdecl strcmp(const char *, const char *);
int __cdecl strncmp(const char *, const char *, size_t);
int __cdecl _stricmp(const char *, const char *);
char *__cdecl strchr(const char *, int);
size_t __cdecl wcslen(const wchar_t *);
int __cdecl wcscmp(const wchar_t *, const wchar_t *);
int __cdecl _wcsicmp(const wchar_t *, const wchar_t *);
int __cdecl _wcsnicmp(const wchar_t *, const wchar_t *, size_t);
wchar_t *__cdecl wcschr(const wchar_t *, wchar_t);
wchar_t *__cdecl wcsrchr(const wchar_t *, wchar_t);
wchar_t *__cdecl wcscpy(wchar_t *, const wchar_t *);
wchar_t *__cdecl wcscat(wchar_t *, const wchar_t *);
int __cdecl _snprintf(char *, size_t, const char *, ...);
int __cdecl _snwprintf(wchar_t *, size_t, const wchar_t *, ...);

#endif
