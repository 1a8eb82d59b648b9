/* gwes.exe without a screen: what it would show goes to the debug output. ExtEscape passes on to a driver in device.exe,
 * so that one call of a program goes through two servers. */
#include "ce.h"
#include "api_calls.h"

enum { SCREEN_WIDTH = 240, SCREEN_HEIGHT = 320, SM_CXSCREEN = 0, SM_CYSCREEN = 1, ID_OK = 1 };

static int message_box(HWND window, LPCWSTR text, LPCWSTR caption, DWORD type)
{
    (void)window;
    (void)type;
    NKDbgPrintfW(L"[%s] %s\r\n", caption, text);
    return ID_OK;
}

static BOOL message_beep(DWORD type)
{
    NKDbgPrintfW(L"beep %u\r\n", type);
    return TRUE;
}

static int system_metrics(int index)
{
    return index == SM_CXSCREEN ? SCREEN_WIDTH : index == SM_CYSCREEN ? SCREEN_HEIGHT : 0;
}

static int ext_escape(HANDLE context, int escape, int in_size, char *in, int out_size, char *out)
{
    DWORD returned = 0;
    (void)context;
    HANDLE display = CreateFileW(L"ECH1:", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (display == INVALID_HANDLE_VALUE)
        return 0;
    BOOL is_done = DeviceIoControl(display, (DWORD)escape, in, (DWORD)in_size, out, (DWORD)out_size, &returned, NULL);
    CloseHandle(display);
    return is_done ? (int)returned : -1;
}

static void notified(DWORD cause, HANDLE process, HANDLE thread)
{
    (void)cause;
    (void)process;
    (void)thread;
}

static BOOL not_implemented(void)
{
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return FALSE;
}

#define METHOD(name) [METHOD_WMGR_##name]
static const PFNVOID methods[COUNT_WMGR] = {
    [0 ... COUNT_WMGR - 1] = (PFNVOID)not_implemented,
    [0] = (PFNVOID)notified,
    METHOD(MessageBoxW) = (PFNVOID)message_box,
    METHOD(MessageBeep) = (PFNVOID)message_beep,
    METHOD(GetSystemMetrics) = (PFNVOID)system_metrics,
    METHOD(ExtEscape) = (PFNVOID)ext_escape,
};
static const DWORD signatures[COUNT_WMGR] = SIGNATURES_WMGR;

int WinMain(HINSTANCE instance, HINSTANCE previous, LPWSTR command_line, int show)
{
    (void)instance;
    (void)previous;
    (void)command_line;
    (void)show;
    RegisterAPISet(CreateAPISet("WMGR", COUNT_WMGR, methods, signatures), SET_WMGR);
    for (;;)
        Sleep(INFINITE);
}
