/* main's arguments: the command line cut by Microsoft's published rules, with wildcards expanded if asked.
 * Rules: blanks separate; quotes join; 2n backslashes before a quote are n, and one more makes the quote literal. */
#include "crt.h"

char *_acmdln;
wchar_t *_wcmdln;
int __argc;
char **__argv;
wchar_t **__wargv;
char *_pgmptr;
wchar_t *_wpgmptr;
extern char **_environ, **__initenv;
extern wchar_t **_wenviron, **__winitenv;
void crt_wide_environment_start(void);
void _amsg_exit(int error);
int crt_set_new_mode(int mode);

typedef struct {
    int new_mode;
} STARTUP;

char **__p__acmdln(void)
{
    return &_acmdln;
}

wchar_t **__p__wcmdln(void)
{
    return &_wcmdln;
}

int *__p___argc(void)
{
    return &__argc;
}

char ***__p___argv(void)
{
    return &__argv;
}

wchar_t ***__p___wargv(void)
{
    return &__wargv;
}

char **__p__pgmptr(void)
{
    return &_pgmptr;
}

wchar_t **__p__wpgmptr(void)
{
    return &_wpgmptr;
}

/* A growing list of texts, ended by a null pointer. */
struct list {
    void **items;
    int count, room;
};

static void add(struct list *list, void *item)
{
    if (list->count + 1 >= list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->items = realloc(list->items, (size_t)list->room * sizeof *list->items);
        if (!list->items)
            _amsg_exit(8);
    }
    list->items[list->count++] = item;
    list->items[list->count] = 0;
}

#define UNIT char
#define WIDE 0
#define NAME(x) narrow_##x
#define DUPLICATE _strdup
#define LENGTH strlen
#define COMPARE _stricmp
#define FIND_DATA WIN32_FIND_DATAA
#define FIND_FIRST FindFirstFileA
#define FIND_NEXT FindNextFileA
#include "arguments.inc"

#define UNIT wchar_t
#define WIDE 1
#define NAME(x) wide_##x
#define DUPLICATE _wcsdup
#define LENGTH wcslen
#define COMPARE _wcsicmp
#define FIND_DATA WIN32_FIND_DATAW
#define FIND_FIRST FindFirstFileW
#define FIND_NEXT FindNextFileW
#include "arguments.inc"

void __getmainargs(int *count, char ***arguments, char ***environment, int wildcards, STARTUP *startup)
{
    struct list list = narrow_split(_acmdln, wildcards);
    __argc = *count = list.count;
    __argv = *arguments = (char **)list.items;
    *environment = __initenv = _environ;
    if (startup)
        crt_set_new_mode(startup->new_mode);
}

void __wgetmainargs(int *count, wchar_t ***arguments, wchar_t ***environment, int wildcards, STARTUP *startup)
{
    struct list list = wide_split(_wcmdln, wildcards);
    crt_wide_environment_start();
    __argc = *count = list.count;
    __wargv = *arguments = (wchar_t **)list.items;
    *environment = __winitenv = _wenviron;
    if (startup)
        crt_set_new_mode(startup->new_mode);
}
