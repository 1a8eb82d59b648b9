/* The console functions, which here go where the standard streams lead: a console of this machine gives whole lines. */
#include "crt.h"

static int pushed = EOF;
int vfprintf(FILE *file, const char *format, va_list arguments);

/* One byte, past the buffer of stdin. */
int _getch(void)
{
    unsigned char byte;
    int unit = pushed;
    pushed = EOF;
    if (unit != EOF)
        return unit;
    return _read(0, &byte, 1) == 1 ? byte : EOF;
}

/* The terminal shows what is typed by itself. */
int _getche(void)
{
    return _getch();
}

int _ungetch(int unit)
{
    if (unit == EOF || pushed != EOF)
        return EOF;
    return pushed = unit & 0xFF;
}

int _putch(int unit)
{
    if (fputc(unit, stdout) == EOF)
        return EOF;
    return fflush(stdout) == EOF ? EOF : unit & 0xFF;
}

int _cputs(const char *text)
{
    return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? -1 : 0;
}

int _cprintf(const char *format, ...)
{
    va_list arguments;
    int result;
    va_start(arguments, format);
    result = vfprintf(stdout, format, arguments);
    va_end(arguments);
    fflush(stdout);
    return result;
}
