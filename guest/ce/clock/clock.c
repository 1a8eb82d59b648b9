/* clock.exe: keeps the time of day, and computes while nobody else does. */
#include "ce.h"

static DWORD seconds, turns;

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    for (;;) {
        DWORD now = GetTickCount();
        seconds = now / 1000;
        for (volatile DWORD i = 0; i < 2000; i++)
            turns++;
        if (turns % 200000 == 0)
            Sleep(1);
    }
}
