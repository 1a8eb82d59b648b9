/* What this C run-time uses of kernel32.dll: types, constants and functions, by their documented declarations. */
#ifndef WIN32_H
#define WIN32_H

/* The compiler's own names, because the headers of its C library would declare that library. */
typedef __SIZE_TYPE__ size_t;
typedef __WCHAR_TYPE__ wchar_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __builtin_va_list va_list;
#define va_start __builtin_va_start
#define va_arg __builtin_va_arg
#define va_end __builtin_va_end
#define va_copy __builtin_va_copy

#define WINAPI __attribute__((stdcall))
#define IMPORT __declspec(dllimport)

typedef void *HANDLE;
typedef int BOOL;
typedef uint32_t DWORD;
typedef uint16_t WORD;

#define INVALID_HANDLE_VALUE ((HANDLE)(intptr_t)-1)
#define STD_INPUT_HANDLE ((DWORD)-10)

typedef struct {
    DWORD low, high;
} FILETIME;

typedef struct {
    void *debug;
    int32_t lock_count, recursion_count;
    HANDLE owning_thread, lock_semaphore;
    uintptr_t spin_count;
} CRITICAL_SECTION;

typedef struct {
    DWORD attributes;
    FILETIME created, accessed, written;
    DWORD volume, size_high, size_low, links, index_high, index_low;
} BY_HANDLE_FILE_INFORMATION;

typedef struct {
    DWORD attributes;
    FILETIME created, accessed, written;
    DWORD size_high, size_low, reserved0, reserved1;
    char name[260], short_name[14];
} WIN32_FIND_DATAA;

typedef struct {
    DWORD attributes;
    FILETIME created, accessed, written;
    DWORD size_high, size_low, reserved0, reserved1;
    wchar_t name[260], short_name[14];
} WIN32_FIND_DATAW;

typedef struct {
    void *base, *allocation;
    DWORD allocation_protection;
    size_t size;
    DWORD state, protection, kind;
} MEMORY_BASIC_INFORMATION;

typedef struct {
    DWORD length;
    void *descriptor;
    BOOL inherit;
} SECURITY_ATTRIBUTES;

typedef struct EXCEPTION_RECORD {
    DWORD code, flags;
    struct EXCEPTION_RECORD *next;
    void *address;
    DWORD parameters;
    uintptr_t information[15];
} EXCEPTION_RECORD;

typedef struct {
    EXCEPTION_RECORD *record;
    void *context;
} EXCEPTION_POINTERS;

enum {
    FILE_SHARE_READ = 1,
    FILE_SHARE_WRITE = 2,
    CREATE_NEW = 1,
    CREATE_ALWAYS = 2,
    OPEN_EXISTING = 3,
    OPEN_ALWAYS = 4,
    TRUNCATE_EXISTING = 5,
    FILE_ATTRIBUTE_READONLY = 1,
    FILE_ATTRIBUTE_DIRECTORY = 0x10,
    FILE_ATTRIBUTE_NORMAL = 0x80,
    FILE_ATTRIBUTE_TEMPORARY = 0x100,
    FILE_TYPE_CHAR = 2,
    FILE_TYPE_PIPE = 3,
    CREATE_SUSPENDED = 4,
    DUPLICATE_SAME_ACCESS = 2,
    HEAP_ZERO_MEMORY = 8,
    HEAP_REALLOC_IN_PLACE_ONLY = 0x10
};
#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define FILE_FLAG_DELETE_ON_CLOSE 0x04000000u
#define FILE_FLAG_SEQUENTIAL_SCAN 0x08000000u
#define FILE_FLAG_RANDOM_ACCESS 0x10000000u
#define INVALID_FILE_ATTRIBUTES 0xFFFFFFFFu

typedef DWORD(WINAPI *THREAD_START)(void *);

IMPORT BOOL WINAPI Beep(DWORD frequency, DWORD milliseconds);
IMPORT BOOL WINAPI CloseHandle(HANDLE handle);
IMPORT BOOL WINAPI CreateDirectoryA(const char *path, SECURITY_ATTRIBUTES *security);
IMPORT BOOL WINAPI CreateDirectoryW(const wchar_t *path, SECURITY_ATTRIBUTES *security);
IMPORT HANDLE WINAPI CreateFileA(const char *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                 DWORD disposition, DWORD flags, HANDLE template);
IMPORT HANDLE WINAPI CreateFileW(const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                 DWORD disposition, DWORD flags, HANDLE template);
IMPORT HANDLE WINAPI CreateThread(SECURITY_ATTRIBUTES *security, size_t stack, THREAD_START start, void *argument,
                                  DWORD flags, DWORD *id);
IMPORT BOOL WINAPI DeleteFileA(const char *path);
IMPORT BOOL WINAPI DeleteFileW(const wchar_t *path);
IMPORT BOOL WINAPI DuplicateHandle(HANDLE from, HANDLE source, HANDLE to, HANDLE *target, DWORD access, BOOL inherit,
                                   DWORD options);
IMPORT void WINAPI EnterCriticalSection(CRITICAL_SECTION *section);
IMPORT void WINAPI ExitProcess(DWORD code) __attribute__((noreturn));
IMPORT void WINAPI ExitThread(DWORD code) __attribute__((noreturn));
IMPORT BOOL WINAPI FindClose(HANDLE find);
IMPORT HANDLE WINAPI FindFirstFileA(const char *pattern, WIN32_FIND_DATAA *data);
IMPORT HANDLE WINAPI FindFirstFileW(const wchar_t *pattern, WIN32_FIND_DATAW *data);
IMPORT BOOL WINAPI FindNextFileA(HANDLE find, WIN32_FIND_DATAA *data);
IMPORT BOOL WINAPI FindNextFileW(HANDLE find, WIN32_FIND_DATAW *data);
IMPORT BOOL WINAPI FlushFileBuffers(HANDLE file);
IMPORT BOOL WINAPI FreeEnvironmentStringsA(char *block);
IMPORT BOOL WINAPI FreeEnvironmentStringsW(wchar_t *block);
IMPORT char *WINAPI GetCommandLineA(void);
IMPORT wchar_t *WINAPI GetCommandLineW(void);
IMPORT DWORD WINAPI GetCurrentDirectoryA(DWORD size, char *path);
IMPORT DWORD WINAPI GetCurrentDirectoryW(DWORD size, wchar_t *path);
IMPORT HANDLE WINAPI GetCurrentProcess(void);
IMPORT DWORD WINAPI GetCurrentProcessId(void);
IMPORT DWORD WINAPI GetCurrentThreadId(void);
IMPORT char *WINAPI GetEnvironmentStringsA(void);
IMPORT wchar_t *WINAPI GetEnvironmentStringsW(void);
IMPORT DWORD WINAPI GetFileAttributesA(const char *path);
IMPORT DWORD WINAPI GetFileAttributesW(const wchar_t *path);
IMPORT BOOL WINAPI GetFileInformationByHandle(HANDLE file, BY_HANDLE_FILE_INFORMATION *information);
IMPORT DWORD WINAPI GetFileType(HANDLE file);
IMPORT DWORD WINAPI GetFullPathNameA(const char *path, DWORD size, char *full, char **name);
IMPORT DWORD WINAPI GetFullPathNameW(const wchar_t *path, DWORD size, wchar_t *full, wchar_t **name);
IMPORT DWORD WINAPI GetLastError(void);
IMPORT DWORD WINAPI GetModuleFileNameA(void *module, char *path, DWORD size);
IMPORT DWORD WINAPI GetModuleFileNameW(void *module, wchar_t *path, DWORD size);
IMPORT HANDLE WINAPI GetProcessHeap(void);
IMPORT HANDLE WINAPI GetStdHandle(DWORD which);
IMPORT void WINAPI GetSystemTimeAsFileTime(FILETIME *time);
IMPORT DWORD WINAPI GetVersion(void);
IMPORT void *WINAPI HeapAlloc(HANDLE heap, DWORD flags, size_t size);
IMPORT HANDLE WINAPI HeapCreate(DWORD flags, size_t initial, size_t maximum);
IMPORT BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, void *block);
IMPORT void *WINAPI HeapReAlloc(HANDLE heap, DWORD flags, void *block, size_t size);
IMPORT size_t WINAPI HeapSize(HANDLE heap, DWORD flags, const void *block);
IMPORT BOOL WINAPI HeapValidate(HANDLE heap, DWORD flags, const void *block);
IMPORT void WINAPI InitializeCriticalSection(CRITICAL_SECTION *section);
IMPORT void WINAPI LeaveCriticalSection(CRITICAL_SECTION *section);
IMPORT BOOL WINAPI MoveFileA(const char *from, const char *to);
IMPORT BOOL WINAPI MoveFileW(const wchar_t *from, const wchar_t *to);
IMPORT BOOL WINAPI ReadFile(HANDLE file, void *buffer, DWORD size, DWORD *read, void *overlapped);
IMPORT BOOL WINAPI RemoveDirectoryA(const char *path);
IMPORT BOOL WINAPI RemoveDirectoryW(const wchar_t *path);
IMPORT DWORD WINAPI ResumeThread(HANDLE thread);
IMPORT void WINAPI RtlUnwind(void *frame, void *target, EXCEPTION_RECORD *record, void *value);
IMPORT BOOL WINAPI SetConsoleCtrlHandler(BOOL(WINAPI *handler)(DWORD), BOOL add);
IMPORT BOOL WINAPI SetCurrentDirectoryA(const char *path);
IMPORT BOOL WINAPI SetCurrentDirectoryW(const wchar_t *path);
IMPORT BOOL WINAPI SetEndOfFile(HANDLE file);
IMPORT BOOL WINAPI SetEnvironmentVariableA(const char *name, const char *value);
IMPORT BOOL WINAPI SetEnvironmentVariableW(const wchar_t *name, const wchar_t *value);
IMPORT BOOL WINAPI SetFileAttributesA(const char *path, DWORD attributes);
IMPORT BOOL WINAPI SetFileAttributesW(const wchar_t *path, DWORD attributes);
IMPORT DWORD WINAPI SetFilePointer(HANDLE file, int32_t low, int32_t *high, DWORD from);
IMPORT BOOL WINAPI SetFileTime(HANDLE file, const FILETIME *created, const FILETIME *accessed, const FILETIME *written);
IMPORT void WINAPI SetLastError(DWORD error);
IMPORT void WINAPI Sleep(DWORD milliseconds);
IMPORT DWORD WINAPI TlsAlloc(void);
IMPORT void *WINAPI TlsGetValue(DWORD index);
IMPORT BOOL WINAPI TlsSetValue(DWORD index, void *value);
IMPORT int32_t WINAPI UnhandledExceptionFilter(EXCEPTION_POINTERS *pointers);
IMPORT BOOL WINAPI VirtualProtect(void *address, size_t size, DWORD protection, DWORD *old);
IMPORT size_t WINAPI VirtualQuery(const void *address, MEMORY_BASIC_INFORMATION *information, size_t size);
IMPORT BOOL WINAPI WriteFile(HANDLE file, const void *buffer, DWORD size, DWORD *written, void *overlapped);

#endif
