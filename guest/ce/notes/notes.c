/* notes.exe: keeps a note in the object store. */
#include "ce.h"

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    static const char text[] = "Buy milk.\r\n";
    DWORD written;
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    CreateDirectoryW(L"\\My Documents", NULL);
    HANDLE file = CreateFileW(L"\\My Documents\\note.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        WriteFile(file, text, sizeof text - 1, &written, NULL);
        CloseHandle(file);
    }
    for (;;)
        Sleep(INFINITE);
}
