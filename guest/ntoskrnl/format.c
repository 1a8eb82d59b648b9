/* printf of the kernel: that of ntdll, with another place for what drivers say. */

#include "../ntdll/ntdll.h"

#define DbgPrint UserDbgPrint
#define RtlRaiseException(record) ((void)(record))
#include "../ntdll/format.c"
#undef DbgPrint

VOID NTAPI HostDebugText(const char *text, ULONG length);

/* What a driver tells a debugger: kept by the machine. */
ULONG __cdecl DbgPrint(PCSTR format, ...)
{
    char text[512];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    int length = _vsnprintf(text, sizeof text, format, arguments);
    if (length < 0 || length > (int)sizeof text)
        length = sizeof text;
    HostDebugText(text, (ULONG)length);
    return STATUS_SUCCESS;
}
