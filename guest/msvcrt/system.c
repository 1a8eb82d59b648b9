/* The system as the run-time describes it: Windows XP, and no command processor. */
#include "crt.h"

unsigned _osplatform = 2, _osver = 2600, _winver = 0x501, _winmajor = 5, _winminor = 1;
unsigned _amblksiz = 16;
int _fileinfo = -1;

unsigned *__p__osver(void)
{
    return &_osver;
}

unsigned *__p__winver(void)
{
    return &_winver;
}

unsigned *__p__winmajor(void)
{
    return &_winmajor;
}

unsigned *__p__winminor(void)
{
    return &_winminor;
}

unsigned *__p__amblksiz(void)
{
    return &_amblksiz;
}

int *__p__fileinfo(void)
{
    return &_fileinfo;
}

/* Whether there is a command processor: no; and so no command runs. */
int system(const char *command)
{
    if (!command)
        return 0;
    return crt_fail(ENOENT);
}

int _wsystem(const wchar_t *command)
{
    if (!command)
        return 0;
    return crt_fail(ENOENT);
}

void _seterrormode(int mode)
{
    (void)mode;
}

/* Debug builds of programs check with this that a call left the stack as it was. */
void crt_bad_stack(void)
{
    fputs("\nThe value of ESP was not properly saved across a function call.\n", stderr);
    abort();
}

__asm__(".globl __chkesp\n"
        "__chkesp:\n"
        "    jne _crt_bad_stack\n"
        "    ret\n");
