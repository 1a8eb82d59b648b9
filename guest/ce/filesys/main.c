/* Registers the sets, makes the folder for temporary files, then starts what the ROM file launch.txt lists: a program a line, with its arguments; a line
 * `?20` waits until an API set is registered. Lines that begin with # are remarks. On devices the registry has the
 * list (HKLM\init). */
#include "filesys.h"

enum { LINE = 260, LONGEST_WAIT = 10000 };

static void line(LPCWSTR text)
{
    WCHAR image[LINE];
    PROCESS_INFORMATION made;
    if (text[0] == 0 || text[0] == '#')
        return;
    if (text[0] == '?') {
        WaitForAPIReady((DWORD)_wtoi(text + 1), LONGEST_WAIT);
        return;
    }
    LPCWSTR blank = wcschr(text, ' ');
    size_t length = blank ? (size_t)(blank - text) : wcslen(text);
    wcsncpy(image, text, length);
    image[length] = 0;
    if (!CreateProcessW(image, blank ? blank + 1 : NULL, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &made)) {
        NKDbgPrintfW(L"filesys: cannot start %s: error %u\r\n", image, GetLastError());
        return;
    }
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
}

void launch(void)
{
    WCHAR text[LINE];
    size_t length = 0;
    LONG file = StoreOpen(L"\\Windows\\launch.txt", GENERIC_READ, OPEN_EXISTING, 0);
    if (file < 0)
        return;
    DWORD size = StoreGetSize(file);
    char *bytes = LocalAlloc(0, size + 1);
    LONG count = bytes ? StoreRead(file, bytes, size, 0) : 0;
    StoreClose(file);
    for (LONG at = 0; at <= count; at++) {
        char letter = at < count ? bytes[at] : '\n';
        if (letter == '\n') {
            text[length] = 0;
            length = 0;
            line(text);
        } else if (letter != '\r' && length < LINE - 1) {
            text[length++] = (BYTE)letter;
        }
    }
    LocalFree(bytes);
}

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    start_registry();
    register_files();
    register_names();
    /* Where GetTempPath leads. */
    StoreCreateDirectory(L"\\Temp");
    launch();
    for (;;)
        Sleep(INFINITE);
}
