/* Windows CE for programs of the guest: types, constants and calls, as far as the system has them. Every function is
 * __cdecl, as on devices. Declarations are our own; names and values are those of the documentation. */
#ifndef CE_H
#define CE_H

#include <stdarg.h>
#include <stddef.h>

typedef unsigned char BYTE;
typedef unsigned short WORD, WCHAR;
typedef unsigned long DWORD, ULONG;
typedef long LONG;
typedef int BOOL;
typedef void *HANDLE, *LPVOID, *HINSTANCE, *HMODULE, *HWND, *HKEY;
typedef const void *LPCVOID;
typedef unsigned short *LPWSTR;
typedef const unsigned short *LPCWSTR;
typedef unsigned long long ULONGLONG;
typedef long long LONGLONG;
typedef int (*FARPROC)(void);
typedef DWORD (*LPTHREAD_START_ROUTINE)(LPVOID);
typedef void (*PFNVOID)(void);

#define TRUE 1
#define FALSE 0
#define INVALID_HANDLE_VALUE ((HANDLE)-1)
#define INFINITE 0xffffffffu
#define WAIT_OBJECT_0 0u
#define WAIT_TIMEOUT 258u
#define WAIT_FAILED 0xffffffffu

#define MEM_COMMIT 0x1000u
#define MEM_RESERVE 0x2000u
#define MEM_DECOMMIT 0x4000u
#define MEM_RELEASE 0x8000u
#define MEM_FREE 0x10000u
#define PAGE_NOACCESS 1u
#define PAGE_READONLY 2u
#define PAGE_READWRITE 4u
#define PAGE_EXECUTE_READWRITE 0x40u

#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define CREATE_NEW 1u
#define CREATE_ALWAYS 2u
#define OPEN_EXISTING 3u
#define OPEN_ALWAYS 4u
#define TRUNCATE_EXISTING 5u
#define FILE_BEGIN 0u
#define FILE_CURRENT 1u
#define FILE_END 2u
#define FILE_ATTRIBUTE_DIRECTORY 0x10u

#define ERROR_SUCCESS 0u
#define ERROR_FILE_NOT_FOUND 2u
#define ERROR_ACCESS_DENIED 5u
#define ERROR_INVALID_HANDLE 6u
#define ERROR_NOT_ENOUGH_MEMORY 8u
#define ERROR_NO_MORE_FILES 18u
#define ERROR_DEV_NOT_EXIST 55u
#define ERROR_INVALID_PARAMETER 87u
#define ERROR_CALL_NOT_IMPLEMENTED 120u
#define ERROR_INSUFFICIENT_BUFFER 122u
#define ERROR_MOD_NOT_FOUND 126u
#define ERROR_ALREADY_EXISTS 183u
#define ERROR_MORE_DATA 234u
#define ERROR_NO_MORE_ITEMS 259u
#define ERROR_INVALID_ADDRESS 487u

#define DLL_PROCESS_DETACH 0u
#define DLL_PROCESS_ATTACH 1u
#define DLL_THREAD_ATTACH 2u
#define DLL_THREAD_DETACH 3u

/* KData, at the address where every process may read it: wince.md 4.1. */
#define KDATA 0x5800u
#define KDATA_TLS (*(DWORD *volatile *)KDATA)
#define SYS_HANDLE_BASE 64u
#define SH_CURTHREAD 1u
#define SH_CURPROC 2u
#define GetCurrentThread() ((HANDLE)(SYS_HANDLE_BASE + SH_CURTHREAD))
#define GetCurrentProcess() ((HANDLE)(SYS_HANDLE_BASE + SH_CURPROC))
#define GetCurrentThreadId() (*(volatile DWORD *)(KDATA + 4 + 4 * SH_CURTHREAD))
#define GetCurrentProcessId() (*(volatile DWORD *)(KDATA + 4 + 4 * SH_CURPROC))
#define TLS_SLOTS 64u
#define TLSSLOT_KERNEL 2u
#define TLSKERN_NOFAULT 2u
#define TLSKERN_NOFAULTMSG 0x10u

typedef struct _FILETIME { DWORD dwLowDateTime, dwHighDateTime; } FILETIME;
typedef struct _SYSTEMTIME { WORD wYear, wMonth, wDayOfWeek, wDay, wHour, wMinute, wSecond, wMilliseconds; } SYSTEMTIME;
typedef struct _LIST_ENTRY { struct _LIST_ENTRY *Flink, *Blink; } LIST_ENTRY;
typedef struct _CRITICAL_SECTION {
    LONG LockCount;
    HANDLE OwnerThread, hCrit;
    DWORD needtrap, dwContentions;
} CRITICAL_SECTION;
typedef struct _PROCESS_INFORMATION {
    HANDLE hProcess, hThread;
    DWORD dwProcessId, dwThreadId;
} PROCESS_INFORMATION;
typedef struct _MEMORY_BASIC_INFORMATION {
    LPVOID BaseAddress, AllocationBase;
    DWORD AllocationProtect, RegionSize, State, Protect, Type;
} MEMORY_BASIC_INFORMATION;
typedef struct _SYSTEM_INFO {
    WORD wProcessorArchitecture, wReserved;
    DWORD dwPageSize;
    LPVOID lpMinimumApplicationAddress, lpMaximumApplicationAddress;
    DWORD dwActiveProcessorMask, dwNumberOfProcessors, dwProcessorType, dwAllocationGranularity;
    WORD wProcessorLevel, wProcessorRevision;
} SYSTEM_INFO;
typedef struct _MEMORYSTATUS {
    DWORD dwLength, dwMemoryLoad, dwTotalPhys, dwAvailPhys, dwTotalPageFile, dwAvailPageFile, dwTotalVirtual, dwAvailVirtual;
} MEMORYSTATUS;
typedef struct _WIN32_FIND_DATAW {
    DWORD dwFileAttributes;
    FILETIME ftCreationTime, ftLastAccessTime, ftLastWriteTime;
    DWORD nFileSizeHigh, nFileSizeLow, dwOID;
    WCHAR cFileName[260];
} WIN32_FIND_DATAW;
typedef struct _EXCEPTION_RECORD {
    DWORD ExceptionCode, ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    LPVOID ExceptionAddress;
    DWORD NumberParameters, ExceptionInformation[15];
} EXCEPTION_RECORD;
typedef struct _CONTEXT {
    DWORD ContextFlags, Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    BYTE FloatSave[112];
    DWORD SegGs, SegFs, SegEs, SegDs, Edi, Esi, Ebx, Edx, Ecx, Eax, Ebp, Eip, SegCs, EFlags, Esp, SegSs;
    BYTE ExtendedRegisters[512];
} CONTEXT;

#define EXCEPTION_ACCESS_VIOLATION 0xc0000005u
#define EXCEPTION_NONCONTINUABLE 1u
#define EXCEPTION_UNWINDING 2u
#define EXCEPTION_EXIT_UNWIND 4u
/* What a handler answers. */
enum disposition { ExceptionContinueExecution, ExceptionContinueSearch, ExceptionNestedException, ExceptionCollidedUnwind };
struct registration;
typedef enum disposition (*handler_routine)(EXCEPTION_RECORD *, struct registration *, CONTEXT *, void *);
/* An entry of the chain that starts at fs:[0]. */
struct registration {
    struct registration *next;
    handler_routine handler;
};

#define EVENT_PULSE 1u
#define EVENT_RESET 2u
#define EVENT_SET 3u

/* The kernel and its servers: crates/rules/src/ce/api_sets.rs has the numbers. */
LPVOID VirtualAlloc(LPVOID address, DWORD size, DWORD type, DWORD protection);
BOOL VirtualFree(LPVOID address, DWORD size, DWORD type);
BOOL VirtualProtect(LPVOID address, DWORD size, DWORD protection, DWORD *old);
DWORD VirtualQuery(LPCVOID address, MEMORY_BASIC_INFORMATION *information, DWORD size);
BOOL VirtualCopy(LPVOID destination, LPVOID source, DWORD size, DWORD protection);
HMODULE LoadLibraryW(LPCWSTR name);
HMODULE LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags);
BOOL FreeLibrary(HMODULE module);
FARPROC GetProcAddressW(HMODULE module, LPCWSTR name);
FARPROC GetProcAddressA(HMODULE module, const char *name);
HMODULE GetModuleHandleW(LPCWSTR name);
DWORD GetModuleFileNameW(HMODULE module, LPWSTR name, DWORD size);
BOOL CreateProcessW(LPCWSTR image, LPCWSTR command_line, LPVOID a, LPVOID b, BOOL inherit, DWORD flags, LPVOID environment,
                    LPVOID directory, LPVOID startup, PROCESS_INFORMATION *information);
HANDLE CreateThread(LPVOID attributes, DWORD stack, LPTHREAD_START_ROUTINE start, LPVOID parameter, DWORD flags, DWORD *id);
void ExitThread(DWORD code) __attribute__((noreturn));
void Sleep(DWORD milliseconds);
DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds);
DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds);
HANDLE CreateEventW(LPVOID attributes, BOOL manual, BOOL signalled, LPCWSTR name);
BOOL EventModify(HANDLE event, DWORD how);
#define SetEvent(event) EventModify(event, EVENT_SET)
#define ResetEvent(event) EventModify(event, EVENT_RESET)
#define PulseEvent(event) EventModify(event, EVENT_PULSE)
BOOL SetEventData(HANDLE event, DWORD data);
DWORD GetEventData(HANDLE event);
HANDLE CreateMutexW(LPVOID attributes, BOOL owned, LPCWSTR name);
BOOL ReleaseMutex(HANDLE mutex);
HANDLE CreateSemaphoreW(LPVOID attributes, LONG initial, LONG maximum, LPCWSTR name);
BOOL ReleaseSemaphore(HANDLE semaphore, LONG count, LONG *previous);
BOOL CloseHandle(HANDLE handle);
void InitializeCriticalSection(CRITICAL_SECTION *section);
void EnterCriticalSection(CRITICAL_SECTION *section);
BOOL TryEnterCriticalSection(CRITICAL_SECTION *section);
void LeaveCriticalSection(CRITICAL_SECTION *section);
void DeleteCriticalSection(CRITICAL_SECTION *section);
DWORD TlsCall(DWORD operation, DWORD slot);
DWORD TlsAlloc(void);
BOOL TlsFree(DWORD slot);
LPVOID TlsGetValue(DWORD slot);
BOOL TlsSetValue(DWORD slot, LPVOID value);
DWORD GetTickCount(void);
BOOL QueryPerformanceCounter(LONGLONG *counter);
BOOL QueryPerformanceFrequency(LONGLONG *frequency);
void GetSystemTimeAsFileTime(FILETIME *time);
void OutputDebugStringW(LPCWSTR text);
void NKDbgPrintfW(LPCWSTR format, ...);
void NKvDbgPrintfW(LPCWSTR format, va_list arguments);
void RaiseException(DWORD code, DWORD flags, DWORD count, const DWORD *arguments);
BOOL NKContinue(const CONTEXT *context);
void SetLastError(DWORD error);
DWORD GetLastError(void);
void GetSystemInfo(SYSTEM_INFO *information);
void GlobalMemoryStatus(MEMORYSTATUS *status);
LPWSTR GetCommandLineW(void);
BOOL TerminateProcess(HANDLE process, DWORD code);
BOOL TerminateThread(HANDLE thread, DWORD code);
HANDLE OpenProcess(DWORD access, BOOL inherit, DWORD id);
BOOL GetExitCodeProcess(HANDLE process, DWORD *code);
BOOL GetExitCodeThread(HANDLE thread, DWORD *code);
DWORD SuspendThread(HANDLE thread);
DWORD ResumeThread(HANDLE thread);
BOOL SetThreadPriority(HANDLE thread, int priority);
int GetThreadPriority(HANDLE thread);
BOOL CeSetThreadPriority(HANDLE thread, int priority);
int CeGetThreadPriority(HANDLE thread);
BOOL CeSetThreadQuantum(HANDLE thread, DWORD quantum);
DWORD CeGetThreadQuantum(HANDLE thread);
HANDLE CreateFileMappingW(HANDLE file, LPVOID attributes, DWORD protection, DWORD high, DWORD low, LPCWSTR name);
LPVOID MapViewOfFile(HANDLE mapping, DWORD access, DWORD high, DWORD low, DWORD size);
#define HKEY_CLASSES_ROOT ((HKEY)0x80000000u)
#define HKEY_CURRENT_USER ((HKEY)0x80000001u)
#define HKEY_LOCAL_MACHINE ((HKEY)0x80000002u)
#define HKEY_USERS ((HKEY)0x80000003u)
#define REG_SZ 1u
#define REG_BINARY 3u
#define REG_DWORD 4u
#define REG_CREATED_NEW_KEY 1u
#define REG_OPENED_EXISTING_KEY 2u
DWORD RegCloseKey(HKEY key);
DWORD RegCreateKeyExW(HKEY parent, LPCWSTR path, DWORD reserved, LPWSTR class, DWORD options, DWORD access,
                      LPVOID security, HKEY *key, DWORD *disposition);
DWORD RegOpenKeyExW(HKEY parent, LPCWSTR path, DWORD options, DWORD access, HKEY *key);
DWORD RegQueryValueExW(HKEY key, LPCWSTR name, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size);
DWORD RegSetValueExW(HKEY key, LPCWSTR name, DWORD reserved, DWORD type, const BYTE *data, DWORD size);
DWORD RegDeleteValueW(HKEY key, LPCWSTR name);
DWORD RegDeleteKeyW(HKEY parent, LPCWSTR path);
DWORD RegEnumKeyExW(HKEY key, DWORD index, LPWSTR name, DWORD *size, DWORD *reserved, LPWSTR class, DWORD *class_size,
                   LPVOID written);
DWORD RegEnumValueW(HKEY key, DWORD index, LPWSTR name, DWORD *size, DWORD *reserved, DWORD *type, BYTE *data,
                   DWORD *data_size);
HANDLE FindResourceW(HMODULE module, LPCWSTR name, LPCWSTR type);
LPVOID LoadResource(HMODULE module, HANDLE resource);
DWORD SizeofResource(HMODULE module, HANDLE resource);
BOOL FlushViewOfFile(LPCVOID address, DWORD size);
BOOL UnmapViewOfFile(LPCVOID address);
BOOL KernelIoControl(DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, DWORD *returned);
DWORD GetCurrentPermissions(void);
DWORD SetProcPermissions(DWORD mask);
LPVOID MapPtrToProcess(LPVOID pointer, HANDLE process);
LPVOID MapCallerPtr(LPVOID pointer, DWORD size);
LPVOID UnMapPtr(LPVOID pointer);
LPVOID CeZeroPointer(LPVOID pointer);
HANDLE GetCallerProcess(void);
HANDLE GetOwnerProcess(void);
BOOL SetKMode(BOOL kernel);
LPVOID CeVirtualSharedAlloc(LPVOID address, DWORD size, DWORD action);
HANDLE LoadIntChainHandler(LPCWSTR dll, LPCWSTR handler, DWORD irq);
BOOL ReadProcessMemory(HANDLE process, LPCVOID address, LPVOID buffer, DWORD size, DWORD *read);

HANDLE CreateAPISet(const char name[4], DWORD count, const PFNVOID *methods, const DWORD *signatures);
BOOL RegisterAPISet(HANDLE set, DWORD number);
HANDLE CreateAPIHandle(HANDLE set, LPVOID data);
LPVOID VerifyAPIHandle(HANDLE set, HANDLE handle);
BOOL WaitForAPIReady(DWORD set, DWORD milliseconds);

HANDLE CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPVOID attributes, DWORD disposition, DWORD flags, HANDLE like);
HANDLE CreateFileForMappingW(LPCWSTR name, DWORD access, DWORD share, LPVOID attributes, DWORD disposition, DWORD flags,
                             HANDLE like);
BOOL ReadFile(HANDLE file, LPVOID buffer, DWORD size, DWORD *read, LPVOID overlapped);
BOOL WriteFile(HANDLE file, LPCVOID buffer, DWORD size, DWORD *written, LPVOID overlapped);
DWORD GetFileSize(HANDLE file, DWORD *high);
DWORD SetFilePointer(HANDLE file, LONG distance, LONG *high, DWORD from);
BOOL SetEndOfFile(HANDLE file);
BOOL DeviceIoControl(HANDLE file, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, DWORD *returned,
                     LPVOID overlapped);
BOOL CreateDirectoryW(LPCWSTR name, LPVOID attributes);
BOOL RemoveDirectoryW(LPCWSTR name);
BOOL MoveFileW(LPCWSTR from, LPCWSTR to);
BOOL CopyFileW(LPCWSTR from, LPCWSTR to, BOOL fail_if_there);
BOOL DeleteFileW(LPCWSTR name);
DWORD GetFileAttributesW(LPCWSTR name);
BOOL SetFileAttributesW(LPCWSTR name, DWORD attributes);
HANDLE FindFirstFileW(LPCWSTR pattern, WIN32_FIND_DATAW *found);
BOOL FindNextFileW(HANDLE search, WIN32_FIND_DATAW *found);
BOOL FindClose(HANDLE search);
HANDLE ActivateDeviceEx(LPCWSTR key, LPCVOID values, DWORD count, LPVOID parameter);
BOOL DeactivateDevice(HANDLE device);
HANDLE RegisterDevice(LPCWSTR type, DWORD index, LPCWSTR dll, DWORD parameter);
BOOL DeregisterDevice(HANDLE device);
int MessageBoxW(HWND window, LPCWSTR text, LPCWSTR caption, DWORD type);
int GetSystemMetrics(int index);
int ExtEscape(HANDLE device, int escape, int in_size, const char *in, int out_size, char *out);

/* coredll's own. */
HANDLE HeapCreate(DWORD flags, DWORD initial, DWORD maximum);
BOOL HeapDestroy(HANDLE heap);
LPVOID HeapAlloc(HANDLE heap, DWORD flags, DWORD size);
LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID block, DWORD size);
DWORD HeapSize(HANDLE heap, DWORD flags, LPCVOID block);
BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID block);
BOOL HeapValidate(HANDLE heap, DWORD flags, LPCVOID block);
HANDLE GetProcessHeap(void);
#define HEAP_ZERO_MEMORY 8u
LPVOID LocalAlloc(DWORD flags, DWORD size);
LPVOID LocalReAlloc(LPVOID block, DWORD size, DWORD flags);
LPVOID LocalFree(LPVOID block);
DWORD LocalSize(LPVOID block);
#define LMEM_ZEROINIT 0x40u
LONG InterlockedIncrement(volatile LONG *target);
LONG InterlockedDecrement(volatile LONG *target);
LONG InterlockedExchange(volatile LONG *target, LONG value);
LONG InterlockedExchangeAdd(volatile LONG *target, LONG value);
LONG InterlockedCompareExchange(volatile LONG *target, LONG value, LONG comparand);
LONG InterlockedTestExchange(volatile LONG *target, LONG old, LONG value);
BOOL IsBadReadPtr(LPCVOID pointer, DWORD size);
BOOL IsBadWritePtr(LPVOID pointer, DWORD size);
void RtlUnwind(struct registration *target, LPVOID ip, EXCEPTION_RECORD *record, DWORD result);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *one, const void *other, size_t size);
void *memchr(const void *bytes, int value, size_t size);
size_t strlen(const char *text);
int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t size);
char *strcpy(char *to, const char *from);
char *strncpy(char *to, const char *from, size_t size);
char *strcat(char *to, const char *from);
char *strchr(const char *text, int letter);
char *strrchr(const char *text, int letter);
char *strstr(const char *text, const char *part);
int atoi(const char *text);
size_t wcslen(LPCWSTR text);
int wcscmp(LPCWSTR one, LPCWSTR other);
int _wcsicmp(LPCWSTR one, LPCWSTR other);
int _wcsnicmp(LPCWSTR one, LPCWSTR other, size_t size);
int wcsncmp(LPCWSTR one, LPCWSTR other, size_t size);
LPWSTR wcscpy(LPWSTR to, LPCWSTR from);
LPWSTR wcsncpy(LPWSTR to, LPCWSTR from, size_t size);
LPWSTR wcscat(LPWSTR to, LPCWSTR from);
LPWSTR wcschr(LPCWSTR text, unsigned letter);
LPWSTR wcsrchr(LPCWSTR text, unsigned letter);
LPWSTR wcsstr(LPCWSTR text, LPCWSTR part);
int _wtoi(LPCWSTR text);
LONG wcstol(LPCWSTR text, LPWSTR *end, int base);
unsigned towlower(unsigned letter);
unsigned towupper(unsigned letter);
size_t mbstowcs(LPWSTR to, const char *from, size_t size);
size_t wcstombs(char *to, LPCWSTR from, size_t size);
int wsprintfW(LPWSTR to, LPCWSTR format, ...);
int wvsprintfW(LPWSTR to, LPCWSTR format, va_list arguments);
int _snwprintf(LPWSTR to, size_t size, LPCWSTR format, ...);
int _vsnwprintf(LPWSTR to, size_t size, LPCWSTR format, va_list arguments);
int swprintf(LPWSTR to, LPCWSTR format, ...);
int sprintf(char *to, const char *format, ...);
int _snprintf(char *to, size_t size, const char *format, ...);
int _vsnprintf(char *to, size_t size, const char *format, va_list arguments);
int printf(const char *format, ...);
int wprintf(LPCWSTR format, ...);
int puts(const char *text);
void exit(int code) __attribute__((noreturn));
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
int rand(void);
void srand(unsigned seed);

/* What RETAILMSG does on devices. */
#define RETAILMSG(condition, arguments) ((condition) ? (NKDbgPrintfW arguments, 1) : 0)

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show);

#endif
