/* battery.exe: counts down, a percent each minute. */
#include "ce.h"

static DWORD percent = 100;

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    while (percent > 0) {
        Sleep(60000);
        percent--;
    }
    return 0;
}
