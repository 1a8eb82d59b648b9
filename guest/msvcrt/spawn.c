/* Starting other programs: the _spawn and _exec families, and waiting for what they started. The child inherits the
   system's handles and the standard files; other file numbers are not handed down. */
#include "crt.h"

enum { WAIT, NO_WAIT, OVERLAY, NO_WAIT_NO_HANDLE, DETACH };
enum { DETACHED_PROCESS = 8, SEARCH_ROOM = 260 };
#define INFINITE 0xFFFFFFFFu

typedef struct {
    DWORD size;
    char *reserved, *desktop, *title;
    DWORD x, y, width, height, columns, rows, fill, flags;
    WORD show, reserved_size;
    unsigned char *reserved_bytes;
    HANDLE input, output, error;
} STARTUPINFOA;

typedef struct {
    HANDLE process, thread;
    DWORD process_id, thread_id;
} PROCESS_INFORMATION;

IMPORT BOOL WINAPI CreateProcessA(const char *image, char *line, SECURITY_ATTRIBUTES *process, SECURITY_ATTRIBUTES *thread,
                                  BOOL inherits, DWORD flags, void *environment, const char *directory,
                                  STARTUPINFOA *startup, PROCESS_INFORMATION *made);
IMPORT DWORD WINAPI SearchPathA(const char *path, const char *name, const char *extension, DWORD size, char *buffer,
                                char **part);
IMPORT DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds);
IMPORT BOOL WINAPI GetExitCodeProcess(HANDLE process, DWORD *code);

/* The texts of a list, each ended by a separator, the list by one more zero. */
static char *joined(const char *const *list, char separator)
{
    size_t length = 2, count;
    char *text, *to;
    for (count = 0; list[count]; count++)
        length += strlen(list[count]) + 1;
    to = text = malloc(length);
    if (!text)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t part = strlen(list[i]);
        memcpy(to, list[i], part);
        to += part;
        if (separator == 0 || i + 1 < count)
            *to++ = separator;
    }
    to[0] = to[1] = 0;
    return text;
}

/* The file itself, or with an extension of programs; the search goes along PATH only when it is asked for. */
static BOOL found(const char *name, BOOL along_path, char full[SEARCH_ROOM])
{
    static const char *const extensions[] = { ".com", ".exe", ".bat", ".cmd" };
    const char *folder = along_path ? 0 : ".";
    DWORD length = strrchr(name, '.') > strrchr(name, '\\') ? SearchPathA(folder, name, 0, SEARCH_ROOM, full, 0) : 0;
    for (size_t i = 0; length == 0 && i < sizeof extensions / sizeof *extensions; i++)
        length = SearchPathA(folder, name, extensions[i], SEARCH_ROOM, full, 0);
    return length > 0 && length < SEARCH_ROOM;
}

static intptr_t started(int mode, const char *full, char *line, char *environment)
{
    STARTUPINFOA startup = { .size = sizeof startup };
    PROCESS_INFORMATION made;
    DWORD code;
    fflush(0);
    if (!CreateProcessA(full, line, 0, 0, 1, mode == DETACH ? DETACHED_PROCESS : 0, environment, 0, &startup, &made)) {
        crt_set_os_error(GetLastError());
        return -1;
    }
    CloseHandle(made.thread);
    if (mode == NO_WAIT || mode == NO_WAIT_NO_HANDLE)
        return (intptr_t)made.process;
    if (mode == OVERLAY)
        _exit(0);
    if (mode == WAIT) {
        WaitForSingleObject(made.process, INFINITE);
        GetExitCodeProcess(made.process, &code);
    }
    CloseHandle(made.process);
    return mode == WAIT ? (intptr_t)code : 0;
}

static intptr_t spawn(int mode, const char *name, BOOL along_path, const char *const *arguments,
                      const char *const *environment)
{
    char full[SEARCH_ROOM], *line, *block = 0;
    intptr_t result = -1;
    if (!name || !arguments || !*arguments || (unsigned)mode > DETACH)
        return crt_fail(EINVAL);
    if (!found(name, along_path, full))
        return crt_fail(ENOENT);
    line = joined(arguments, ' ');
    if (environment)
        block = joined(environment, 0);
    if (line && (!environment || block))
        result = started(mode, full, line, block);
    else
        crt_fail(ENOMEM);
    free(block);
    free(line);
    return result;
}

intptr_t _spawnv(int mode, const char *name, const char *const *arguments)
{
    return spawn(mode, name, 0, arguments, 0);
}

intptr_t _spawnve(int mode, const char *name, const char *const *arguments, const char *const *environment)
{
    return spawn(mode, name, 0, arguments, environment);
}

intptr_t _spawnvp(int mode, const char *name, const char *const *arguments)
{
    return spawn(mode, name, 1, arguments, 0);
}

intptr_t _spawnvpe(int mode, const char *name, const char *const *arguments, const char *const *environment)
{
    return spawn(mode, name, 1, arguments, environment);
}

intptr_t _execv(const char *name, const char *const *arguments)
{
    return spawn(OVERLAY, name, 0, arguments, 0);
}

intptr_t _execve(const char *name, const char *const *arguments, const char *const *environment)
{
    return spawn(OVERLAY, name, 0, arguments, environment);
}

intptr_t _execvp(const char *name, const char *const *arguments)
{
    return spawn(OVERLAY, name, 1, arguments, 0);
}

intptr_t _execvpe(const char *name, const char *const *arguments, const char *const *environment)
{
    return spawn(OVERLAY, name, 1, arguments, environment);
}

/* The arguments of the calls with lists lie on the stack as an array does, the first before those that have no names;
   the environment, if there is one, lies behind their end. */
static const char *const *from_first(va_list rest) { return (const char *const *)rest - 1; }

static const char *const *behind(const char *const *arguments)
{
    while (*arguments++)
        ;
    return *(const char *const *const *)arguments;
}

intptr_t _spawnl(int mode, const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(mode, name, 0, from_first(rest), 0);
    va_end(rest);
    return result;
}

intptr_t _spawnle(int mode, const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(mode, name, 0, from_first(rest), behind(from_first(rest)));
    va_end(rest);
    return result;
}

intptr_t _spawnlp(int mode, const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(mode, name, 1, from_first(rest), 0);
    va_end(rest);
    return result;
}

intptr_t _spawnlpe(int mode, const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(mode, name, 1, from_first(rest), behind(from_first(rest)));
    va_end(rest);
    return result;
}

intptr_t _execl(const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(OVERLAY, name, 0, from_first(rest), 0);
    va_end(rest);
    return result;
}

intptr_t _execle(const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(OVERLAY, name, 0, from_first(rest), behind(from_first(rest)));
    va_end(rest);
    return result;
}

intptr_t _execlp(const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(OVERLAY, name, 1, from_first(rest), 0);
    va_end(rest);
    return result;
}

intptr_t _execlpe(const char *name, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    intptr_t result = spawn(OVERLAY, name, 1, from_first(rest), behind(from_first(rest)));
    va_end(rest);
    return result;
}

/* Waits for a child by its handle, and closes that. */
intptr_t _cwait(int *status, intptr_t process, int action)
{
    DWORD code;
    (void)action;
    if (WaitForSingleObject((HANDLE)process, INFINITE) != 0 || !GetExitCodeProcess((HANDLE)process, &code))
        return crt_fail(ECHILD);
    if (status)
        *status = (int)code;
    CloseHandle((HANDLE)process);
    return process;
}
