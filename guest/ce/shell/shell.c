/* shell.exe: says that it is there, and waits. */
#include "ce.h"

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    NKDbgPrintfW(L"shell: %d x %d\r\n", GetSystemMetrics(0), GetSystemMetrics(1));
    for (;;)
        Sleep(INFINITE);
}
