/* Signals: raised by the program, by Ctrl-C, or made of exceptions by the filter of a program's start-up code. */
#include "crt.h"

enum { SIGINT = 2, SIGILL = 4, SIGFPE = 8, SIGSEGV = 11, SIGTERM = 15, SIGBREAK = 21, SIGABRT = 22 };
#define DEFAULT ((signal_handler)0)
#define IGNORE ((signal_handler)1)
#define GET ((signal_handler)2)
#define FAILED ((signal_handler)-1)

static signal_handler on_interrupt, on_break, on_terminate, on_abort;
static int watches_console;

/* Where a signal's handler stands: those of faults belong to the thread. */
static signal_handler *handler_of(int signal)
{
    switch (signal) {
    case SIGINT:
        return &on_interrupt;
    case SIGBREAK:
        return &on_break;
    case SIGTERM:
        return &on_terminate;
    case SIGABRT:
    case 6: /* its number in other systems */
        return &on_abort;
    case SIGILL:
        return &crt_thread()->faults[0];
    case SIGFPE:
        return &crt_thread()->faults[1];
    case SIGSEGV:
        return &crt_thread()->faults[2];
    default:
        return 0;
    }
}

static BOOL WINAPI on_console_event(DWORD event)
{
    int number = event == 0 ? SIGINT : event == 1 ? SIGBREAK : 0;
    signal_handler *place = number ? handler_of(number) : 0, handler;
    if (!place || *place == DEFAULT)
        return 0;
    handler = *place;
    if (handler != IGNORE) {
        *place = DEFAULT;
        handler(number);
    }
    return 1;
}

signal_handler signal(int number, signal_handler handler)
{
    signal_handler *place = handler_of(number), old;
    if (!place || handler == FAILED) {
        errno = EINVAL;
        return FAILED;
    }
    old = *place;
    if (handler == GET)
        return old;
    if ((number == SIGINT || number == SIGBREAK) && !watches_console)
        watches_console = SetConsoleCtrlHandler(on_console_event, 1);
    *place = handler;
    return old;
}

int raise(int number)
{
    signal_handler *place = handler_of(number), handler;
    if (!place)
        return crt_fail(EINVAL);
    handler = *place;
    if (handler == IGNORE)
        return 0;
    if (handler == DEFAULT)
        _exit(3);
    *place = DEFAULT;
    if (number == SIGFPE)
        ((void (*)(int, int))(uintptr_t)handler)(number, 0x8C); /* _FPE_EXPLICITGEN */
    else
        handler(number);
    return 0;
}

/* Exceptions that are signals, with the code that SIGFPE's handler gets besides. */
static const struct {
    DWORD exception;
    int signal, code;
} faults[] = {
    {0xC0000005, SIGSEGV, 0},   {0xC000001D, SIGILL, 0},    {0xC0000096, SIGILL, 0},    {0xC000008D, SIGFPE, 0x82},
    {0xC000008E, SIGFPE, 0x83}, {0xC000008F, SIGFPE, 0x86}, {0xC0000090, SIGFPE, 0x81}, {0xC0000091, SIGFPE, 0x84},
    {0xC0000092, SIGFPE, 0x8A}, {0xC0000093, SIGFPE, 0x85},
};

/* The filter around main: gives a fault to the handler that signal() set; else to the system. */
int _XcptFilter(DWORD exception, EXCEPTION_POINTERS *pointers)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        signal_handler *place, handler;
        void *outer;
        if (faults[i].exception != exception)
            continue;
        place = handler_of(faults[i].signal);
        handler = *place;
        if (handler == DEFAULT)
            break;
        if (handler == IGNORE)
            return -1;
        outer = crt_thread()->exception_pointers;
        crt_thread()->exception_pointers = pointers;
        *place = DEFAULT;
        crt_thread()->fpe_code = faults[i].code;
        ((void (*)(int, int))(uintptr_t)handler)(faults[i].signal, faults[i].code);
        crt_thread()->exception_pointers = outer;
        return -1;
    }
    return UnhandledExceptionFilter(pointers);
}

int __CppXcptFilter(DWORD exception, EXCEPTION_POINTERS *pointers)
{
    return exception == 0xE06D7363 ? _XcptFilter(exception, pointers) : 0;
}
