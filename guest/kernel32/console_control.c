/* The console's title, and control events: handlers are asked, the last one added first, in a thread of their own. */

#include "base.h"

#define COLUMNS 80
#define ROWS 25
/* Bit of the parameters' console flags: Control-C is not for this process. Children inherit it. */
#define IGNORES_CONTROL_C 1

BOOL WINAPI SetConsoleTitleW(LPCWSTR title)
{
    UNICODE_STRING made;
    if (title == NULL || !RtlCreateUnicodeString(&made, title))
        return BaseFail(title == NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_ENOUGH_MEMORY);
    RtlAcquirePebLock();
    CurrentPeb()->ProcessParameters->WindowTitle = made; /* the old one may be part of the parameters; it is kept */
    RtlReleasePebLock();
    return TRUE;
}

BOOL WINAPI SetConsoleTitleA(LPCSTR title)
{
    PWSTR wide = BaseWide(title);
    BOOL is_set = SetConsoleTitleW(wide);
    BaseRelease(wide);
    return is_set;
}

DWORD WINAPI GetConsoleTitleW(LPWSTR buffer, DWORD size)
{
    if (size == 0)
        return 0;
    RtlAcquirePebLock();
    const UNICODE_STRING *title = &CurrentPeb()->ProcessParameters->WindowTitle;
    DWORD length = min(title->Length / (DWORD)sizeof(WCHAR), size - 1);
    memcpy(buffer, title->Buffer, length * sizeof(WCHAR));
    RtlReleasePebLock();
    buffer[length] = 0;
    return length;
}

DWORD WINAPI GetConsoleTitleA(LPSTR buffer, DWORD size)
{
    WCHAR wide[512];
    ULONG length = 0;
    DWORD characters = GetConsoleTitleW(wide, COUNT_OF(wide));
    if (size == 0)
        return 0;
    RtlUnicodeToMultiByteN(buffer, size - 1, &length, wide, characters * sizeof(WCHAR));
    buffer[length] = 0;
    return length;
}

/* The console is the host's terminal: no window of this system. */
HWND WINAPI GetConsoleWindow(VOID) { return NULL; }

/* Every process has the one console. */
BOOL WINAPI AllocConsole(VOID) { return BaseFail(ERROR_ACCESS_DENIED); }

BOOL WINAPI AttachConsole(DWORD process)
{
    (void)process;
    return BaseFail(ERROR_ACCESS_DENIED);
}

COORD WINAPI GetLargestConsoleWindowSize(HANDLE console)
{
    (void)console;
    return (COORD){COLUMNS, ROWS};
}

static PHANDLER_ROUTINE Handlers[32];
static ULONG HandlerCount;

static BOOL Change(PHANDLER_ROUTINE handler, BOOL add)
{
    if (add && HandlerCount < COUNT_OF(Handlers)) {
        Handlers[HandlerCount++] = handler;
        return TRUE;
    }
    for (ULONG index = HandlerCount; !add && index-- > 0;)
        if (Handlers[index] == handler) {
            memmove(&Handlers[index], &Handlers[index + 1], (--HandlerCount - index) * sizeof Handlers[0]);
            return TRUE;
        }
    return FALSE;
}

/* Without a handler: whether Control-C is ignored. */
BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
{
    ULONG *flags = &CurrentPeb()->ProcessParameters->ConsoleFlags;
    BOOL is_good = TRUE;
    RtlAcquirePebLock();
    if (handler != NULL)
        is_good = Change(handler, add);
    else
        *flags = add ? *flags | IGNORES_CONTROL_C : *flags & ~(ULONG)IGNORES_CONTROL_C;
    RtlReleasePebLock();
    return is_good || BaseFail(ERROR_INVALID_PARAMETER);
}

/* The handler of last resort ends the process. */
static DWORD WINAPI Ask(LPVOID event)
{
    PHANDLER_ROUTINE handlers[COUNT_OF(Handlers)];
    RtlAcquirePebLock();
    ULONG count = HandlerCount;
    memcpy(handlers, Handlers, sizeof handlers);
    RtlReleasePebLock();
    while (count-- > 0)
        if (handlers[count]((DWORD)(ULONG_PTR)event))
            return 0;
    RtlExitUserProcess(STATUS_CONTROL_C_EXIT);
}

BOOL WINAPI GenerateConsoleCtrlEvent(DWORD event, DWORD group)
{
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (group != 0 && group != GetCurrentProcessId())
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (event == CTRL_C_EVENT && CurrentPeb()->ProcessParameters->ConsoleFlags & IGNORES_CONTROL_C)
        return TRUE;
    HANDLE thread = CreateThread(NULL, 0, Ask, (LPVOID)(ULONG_PTR)event, 0, NULL);
    return thread != NULL && CloseHandle(thread);
}
