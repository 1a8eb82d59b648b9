/* How a program begins and ends: tables of initializers, what it runs at exit, and its last code. */
#include "crt.h"

typedef void (*procedure)(void);
typedef int (*function)(void);

int _fmode;
int _commode;
int _adjust_fdiv; /* no processor of this machine has the Pentium's division flaw */
int __app_type;
void *_aexit_rtn = (void *)_exit;
function crt_user_math_handler;

void __set_app_type(int type)
{
    __app_type = type;
}

void __setusermatherr(function handler)
{
    crt_user_math_handler = handler;
}

int *__p__fmode(void)
{
    return &_fmode;
}

int *__p__commode(void)
{
    return &_commode;
}

void _initterm(procedure *first, procedure *end)
{
    for (; first < end; first++)
        if (*first)
            (*first)();
}

int _initterm_e(function *first, function *end)
{
    int result = 0;
    for (; first < end && !result; first++)
        if (*first)
            result = (*first)();
    return result;
}

/* Functions to run at exit, last first. A DLL keeps a table of its own and passes it in. */
static procedure *exit_first, *exit_end;

static procedure append(procedure call, procedure **first, procedure **end)
{
    size_t count = *first ? (size_t)(*end - *first) : 0;
    /* Room grows by doubling: it is full when the count is a power of two from 32 on. */
    if (!*first || (count >= 32 && !(count & (count - 1)))) {
        procedure *grown = realloc(*first, (count ? count * 2 : 32) * sizeof **first);
        if (!grown)
            return 0;
        *first = grown;
    }
    (*first)[count] = call;
    *end = *first + count + 1;
    return call;
}

/* The table of the caller may have come from malloc with any size, so each call makes room. */
procedure __dllonexit(procedure call, procedure **first, procedure **end)
{
    size_t count = (size_t)(*end - *first);
    procedure *grown;
    _lock(EXIT_LOCK);
    grown = realloc(*first, (count + 1) * sizeof *grown);
    if (grown) {
        grown[count] = call;
        *first = grown;
        *end = grown + count + 1;
    }
    _unlock(EXIT_LOCK);
    return grown ? call : 0;
}

procedure _onexit(procedure call)
{
    procedure added;
    _lock(EXIT_LOCK);
    added = append(call, &exit_first, &exit_end);
    _unlock(EXIT_LOCK);
    return added;
}

int atexit(procedure call)
{
    return _onexit(call) ? 0 : -1;
}

static void run_exit_functions(void)
{
    while (exit_first && exit_end > exit_first) {
        procedure call = *--exit_end;
        if (call)
            call();
    }
    free(exit_first);
    exit_first = exit_end = 0;
}

void _cexit(void)
{
    _lock(EXIT_LOCK);
    run_exit_functions();
    crt_streams_end();
    _unlock(EXIT_LOCK);
}

void _c_exit(void)
{
}

void exit(int code)
{
    _cexit();
    ExitProcess((DWORD)code);
}

void _exit(int code)
{
    ExitProcess((DWORD)code);
}

static void say(const char *text)
{
    fputs(text, stderr);
    fflush(stderr);
}

void _amsg_exit(int error)
{
    char text[64];
    _snprintf(text, sizeof text, "\nruntime error R60%02d\n", error);
    say(text);
    _exit(255);
}

enum { SIGABRT = 22 };

void abort(void)
{
    say("\nThis application has requested the Runtime to terminate it in an unusual way.\n"
        "Please contact the application's support team for more information.\n");
    raise(SIGABRT);
    _exit(3);
}

void _assert(const char *expression, const char *file, unsigned line)
{
    fprintf(stderr, "Assertion failed: %s, file %s, line %u\n", expression, file, line);
    abort();
}

void _wassert(const wchar_t *expression, const wchar_t *file, unsigned line)
{
    fprintf(stderr, "Assertion failed: %S, file %S, line %u\n", expression, file, line);
    abort();
}

void _purecall(void)
{
    _amsg_exit(25);
}

void _set_error_mode(int mode)
{
    (void)mode;
}
