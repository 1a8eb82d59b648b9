/* errno for the system's errors, and the texts of errno. */
#include "crt.h"

/* System error -> errno, as documented for the C run-time ("_doserrno"). */
static const struct {
    unsigned short system;
    unsigned char number;
} numbers[] = {
    {1, EINVAL},    {2, ENOENT},    {3, ENOENT},    {4, EMFILE},    {5, EACCES},    {6, EBADF},     {7, ENOMEM},
    {8, ENOMEM},    {9, ENOMEM},    {10, E2BIG},    {11, ENOEXEC},  {12, EINVAL},   {13, EINVAL},   {15, ENOENT},
    {16, EACCES},   {17, EXDEV},    {18, ENOENT},   {33, EACCES},   {53, ENOENT},   {65, EACCES},   {67, ENOENT},
    {80, EEXIST},   {82, EACCES},   {83, EACCES},   {87, EINVAL},   {89, EAGAIN},   {108, EACCES},  {109, EPIPE},
    {112, ENOSPC},  {114, EBADF},   {128, ECHILD},  {129, ECHILD},  {130, EBADF},   {131, EINVAL},  {132, EACCES},
    {145, ENOTEMPTY}, {158, EACCES}, {161, ENOENT}, {164, EAGAIN},  {167, EACCES},  {183, EEXIST},  {206, ENOENT},
    {215, EAGAIN},  {1816, ENOMEM},
};

static int number_of(DWORD error)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].system == error)
            return numbers[i].number;
    if (error >= 19 && error <= 36) /* from write-protected to sharing buffer exceeded */
        return EACCES;
    if (error >= 188 && error <= 202) /* damaged executables */
        return ENOEXEC;
    return EINVAL;
}

void crt_set_os_error(DWORD error)
{
    *__doserrno() = error;
    errno = number_of(error);
}

void _dosmaperr(unsigned long error)
{
    crt_set_os_error(error);
}

int crt_fail(int error)
{
    *__doserrno() = 0;
    errno = error;
    return -1;
}

char *_sys_errlist[] = {
    "No error", "Operation not permitted", "No such file or directory", "No such process",
    "Interrupted function call", "Input/output error", "No such device or address", "Arg list too long",
    "Exec format error", "Bad file descriptor", "No child processes", "Resource temporarily unavailable",
    "Not enough space", "Permission denied", "Bad address", "Unknown error", "Resource device", "File exists",
    "Improper link", "No such device", "Not a directory", "Is a directory", "Invalid argument",
    "Too many open files in system", "Too many open files", "Inappropriate I/O control operation", "Unknown error",
    "File too large", "No space left on device", "Invalid seek", "Read-only file system", "Too many links",
    "Broken pipe", "Domain error", "Result too large", "Unknown error", "Resource deadlock avoided", "Unknown error",
    "Filename too long", "No locks available", "Function not implemented", "Directory not empty",
    "Illegal byte sequence", "Unknown error",
};
int _sys_nerr = sizeof _sys_errlist / sizeof *_sys_errlist - 1;

char *strerror(int error)
{
    char *text = crt_thread()->error_text;
    return strcpy(text, _sys_errlist[(unsigned)error < (unsigned)_sys_nerr ? error : _sys_nerr]);
}

static wchar_t *widened(const char *text)
{
    wchar_t *wide = crt_thread()->wide_error_text;
    size_t i = 0;
    do
        wide[i] = (unsigned char)text[i];
    while (text[i++]);
    return wide;
}

wchar_t *_wcserror(int error)
{
    return widened(strerror(error));
}

/* "<message>: <errno's text>\n" */
char *_strerror(const char *message)
{
    struct thread_data *thread = crt_thread();
    const char *text = _sys_errlist[(unsigned)thread->error < (unsigned)_sys_nerr ? thread->error : _sys_nerr];
    if (message && *message)
        _snprintf(thread->error_text, sizeof thread->error_text - 1, "%.94s: %s\n", message, text);
    else
        _snprintf(thread->error_text, sizeof thread->error_text - 1, "%s\n", text);
    return thread->error_text;
}

wchar_t *__wcserror(const wchar_t *message)
{
    char narrow[96];
    size_t i = 0;
    for (; message && message[i] && i < sizeof narrow - 1; i++)
        narrow[i] = message[i] < 256 ? (char)message[i] : '?';
    narrow[i] = 0;
    return widened(_strerror(narrow));
}

void perror(const char *message)
{
    const char *text = strerror(errno);
    if (message && *message)
        fprintf(stderr, "%s: %s\n", message, text);
    else
        fprintf(stderr, "%s\n", text);
}

void _wperror(const wchar_t *message)
{
    const char *text = strerror(errno);
    if (message && *message)
        fprintf(stderr, "%S: %s\n", message, text);
    else
        fprintf(stderr, "%s\n", text);
}
