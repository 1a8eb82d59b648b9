/* The entry point of every EXE: what the kernel calls. When it returns, the process ends with its result. */
#include "ce.h"

int WinMainCRTStartup(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    return WinMain(instance, previous, command_line, show);
}
