/* What each thread has of its own, threads of C programs, and the locks of the run-time. */
#include "crt.h"

static DWORD slot;
static CRITICAL_SECTION locks[LOCKS];

void crt_locks_start(void)
{
    for (int i = 0; i < LOCKS; i++)
        InitializeCriticalSection(&locks[i]);
}

void _lock(int lock)
{
    EnterCriticalSection(&locks[lock]);
}

void _unlock(int lock)
{
    LeaveCriticalSection(&locks[lock]);
}

BOOL crt_threads_start(void)
{
    slot = TlsAlloc();
    return slot != (DWORD)-1;
}

/* Reading a slot sets the last error; a program must not see that. */
struct thread_data *crt_thread(void)
{
    DWORD error = GetLastError();
    struct thread_data *thread = TlsGetValue(slot);
    if (!thread) {
        thread = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *thread);
        if (!thread)
            ExitProcess(255);
        thread->seed = 1;
        TlsSetValue(slot, thread);
    }
    SetLastError(error);
    return thread;
}

void crt_thread_end(void)
{
    struct thread_data *thread = TlsGetValue(slot);
    if (thread) {
        TlsSetValue(slot, 0);
        HeapFree(GetProcessHeap(), 0, thread);
    }
}

int *_errno(void)
{
    return &crt_thread()->error;
}

unsigned long *__doserrno(void)
{
    return &crt_thread()->os_error;
}

uintptr_t __threadhandle(void)
{
    return (uintptr_t)crt_thread()->handle;
}

uintptr_t __threadid(void)
{
    return GetCurrentThreadId();
}

void **__pxcptinfoptrs(void)
{
    return &crt_thread()->exception_pointers;
}

int *__fpecode(void)
{
    return &crt_thread()->fpe_code;
}

struct start {
    void(__attribute__((cdecl)) * plain)(void *);
    unsigned(WINAPI *extended)(void *);
    void *argument;
    HANDLE handle;
};

void _endthreadex(unsigned code)
{
    ExitThread(code);
}

/* A thread of _beginthread owns its handle, and closes it at its end. */
void _endthread(void)
{
    HANDLE handle = crt_thread()->handle;
    if (handle)
        CloseHandle(handle);
    ExitThread(0);
}

static DWORD WINAPI run(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    crt_thread()->handle = start.handle;
    if (start.extended)
        return start.extended(start.argument);
    start.plain(start.argument);
    _endthread();
    return 0;
}

static HANDLE begin(const struct start *start, void *security, unsigned stack, unsigned flags, unsigned *id)
{
    struct start *copy = malloc(sizeof *copy);
    DWORD number = 0;
    HANDLE handle;
    if (!copy)
        return 0;
    *copy = *start;
    handle = CreateThread(security, stack, run, copy, flags | (start->plain ? CREATE_SUSPENDED : 0), &number);
    if (!handle) {
        crt_set_os_error(GetLastError());
        free(copy);
        return 0;
    }
    if (id)
        *id = number;
    if (start->plain) {
        copy->handle = handle;
        ResumeThread(handle);
    }
    return handle;
}

uintptr_t _beginthread(void(__attribute__((cdecl)) * function)(void *), unsigned stack, void *argument)
{
    struct start start = {function, 0, argument, 0};
    HANDLE handle;
    if (!function) {
        errno = EINVAL;
        return (uintptr_t)-1;
    }
    handle = begin(&start, 0, stack, 0, 0);
    return handle ? (uintptr_t)handle : (uintptr_t)-1;
}

uintptr_t _beginthreadex(void *security, unsigned stack, unsigned(WINAPI *function)(void *), void *argument,
                         unsigned flags, unsigned *id)
{
    struct start start = {0, function, argument, 0};
    if (!function) {
        errno = EINVAL;
        return 0;
    }
    return (uintptr_t)begin(&start, security, stack, flags, id);
}

int _getpid(void)
{
    return (int)GetCurrentProcessId();
}

void _sleep(unsigned long milliseconds)
{
    Sleep(milliseconds);
}

void _beep(unsigned frequency, unsigned milliseconds)
{
    Beep(frequency, milliseconds);
}
