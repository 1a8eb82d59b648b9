/* The environment: the program's own copy of the system's block, kept in step with it by putenv. */
#include "crt.h"

char **_environ, **__initenv;
wchar_t **_wenviron, **__winitenv;
extern char *_acmdln, *_pgmptr;
extern wchar_t *_wcmdln, *_wpgmptr;
void crt_wide_environment_start(void);

char ***__p__environ(void)
{
    return &_environ;
}

wchar_t ***__p__wenviron(void)
{
    return &_wenviron;
}

char ***__p___initenv(void)
{
    return &__initenv;
}

wchar_t ***__p___winitenv(void)
{
    return &__winitenv;
}

#define UNIT char
#define NAME(x) narrow_##x
#define DUPLICATE _strdup
#define LENGTH strlen
#define SAME _strnicmp
#define VARIABLES _environ
#define SET SetEnvironmentVariableA
#include "environment.inc"

#define UNIT wchar_t
#define NAME(x) wide_##x
#define DUPLICATE _wcsdup
#define LENGTH wcslen
#define SAME _wcsnicmp
#define VARIABLES _wenviron
#define SET SetEnvironmentVariableW
#include "environment.inc"

void crt_environment_start(void)
{
    static char program[261];
    static wchar_t wide_program[261];
    char *block = GetEnvironmentStringsA();
    _acmdln = GetCommandLineA();
    _wcmdln = GetCommandLineW();
    GetModuleFileNameA(0, program, 260);
    GetModuleFileNameW(0, wide_program, 260);
    _pgmptr = program;
    _wpgmptr = wide_program;
    if (block) {
        _environ = narrow_copy(block);
        FreeEnvironmentStringsA(block);
    }
}

/* Wide variables are copied when first asked for: most programs never do. */
void crt_wide_environment_start(void)
{
    wchar_t *block;
    if (_wenviron || !(block = GetEnvironmentStringsW()))
        return;
    _wenviron = wide_copy(block);
    FreeEnvironmentStringsW(block);
}

char *getenv(const char *name)
{
    return narrow_find(name);
}

wchar_t *_wgetenv(const wchar_t *name)
{
    crt_wide_environment_start();
    return wide_find(name);
}

int _putenv(const char *text)
{
    int result = narrow_put(text);
    if (!result && _wenviron) {
        wchar_t **old = _wenviron;
        _wenviron = 0;
        crt_wide_environment_start();
        if (!_wenviron)
            _wenviron = old;
    }
    return result;
}

int _wputenv(const wchar_t *text)
{
    int result;
    char *block;
    crt_wide_environment_start();
    result = wide_put(text);
    if (!result && (block = GetEnvironmentStringsA())) {
        _environ = narrow_copy(block);
        FreeEnvironmentStringsA(block);
    }
    return result;
}

/* Looks for a file in the current directory, then in the folders that a variable lists. */
void _searchenv(const char *file, const char *variable, char *path)
{
    const char *folders = getenv(variable);
    if (GetFileAttributesA(file) != INVALID_FILE_ATTRIBUTES) {
        _fullpath(path, file, 260);
        return;
    }
    for (; folders && *folders;) {
        size_t length = 0;
        for (; *folders && *folders != ';'; folders++)
            if (length + strlen(file) + 2 < 260)
                path[length++] = *folders;
        folders += *folders == ';';
        if (length && path[length - 1] != '\\' && path[length - 1] != '/' && path[length - 1] != ':')
            path[length++] = '\\';
        strcpy(path + length, file);
        if (length && GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES)
            return;
    }
    *path = 0;
    errno = ENOENT;
}
