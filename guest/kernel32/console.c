/* The console: a device that is read and written; its settings are the kernel's answers to device controls. */

#include "base.h"
#include <winioctl.h>

/* Controls of the machine's console device (our own; XP's console lives in CSRSS). */
#define CONSOLE_GET_MODE CTL_CODE(FILE_DEVICE_CONSOLE, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CONSOLE_SET_MODE CTL_CODE(FILE_DEVICE_CONSOLE, 2, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define CODE_PAGE 1252
#define COLUMNS 80
#define ROWS 25

static NTSTATUS Control(HANDLE handle, ULONG code, PVOID in, ULONG in_size, PVOID out, ULONG out_size)
{
    IO_STATUS_BLOCK block;
    return NtDeviceIoControlFile(BaseFileHandle(handle), NULL, NULL, NULL, &block, code, in, in_size, out, out_size);
}

/* A handle that is no console's is an invalid one here. */
BOOL WINAPI GetConsoleMode(HANDLE handle, LPDWORD mode)
{
    NTSTATUS status = Control(handle, CONSOLE_GET_MODE, NULL, 0, mode, sizeof *mode);
    return NT_SUCCESS(status) || BaseFail(ERROR_INVALID_HANDLE);
}

BOOL WINAPI SetConsoleMode(HANDLE handle, DWORD mode)
{
    NTSTATUS status = Control(handle, CONSOLE_SET_MODE, &mode, sizeof mode, NULL, 0);
    return NT_SUCCESS(status)
           || BaseFail(status == STATUS_INVALID_PARAMETER ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE);
}

HANDLE WINAPI GetStdHandle(DWORD which)
{
    HANDLE handle = BaseFileHandle((HANDLE)(ULONG_PTR)which);
    if (handle != (HANDLE)(ULONG_PTR)which)
        return handle;
    BaseFail(ERROR_INVALID_HANDLE);
    return INVALID_HANDLE_VALUE;
}

BOOL WINAPI SetStdHandle(DWORD which, HANDLE handle)
{
    PRTL_USER_PROCESS_PARAMETERS parameters = CurrentPeb()->ProcessParameters;
    switch (which) {
    case STD_INPUT_HANDLE: parameters->StandardInput = handle; return TRUE;
    case STD_OUTPUT_HANDLE: parameters->StandardOutput = handle; return TRUE;
    case STD_ERROR_HANDLE: parameters->StandardError = handle; return TRUE;
    default: return BaseFail(ERROR_INVALID_HANDLE);
    }
}

BOOL WINAPI WriteConsoleA(HANDLE handle, const VOID *text, DWORD count, LPDWORD written, LPVOID reserved)
{
    (void)reserved;
    DWORD mode;
    return GetConsoleMode(handle, &mode) && WriteFile(handle, text, count, written, NULL);
}

BOOL WINAPI WriteConsoleW(HANDLE handle, const VOID *text, DWORD count, LPDWORD written, LPVOID reserved)
{
    CHAR narrow[256];
    DWORD mode, done = 0, bytes;
    (void)reserved;
    if (!GetConsoleMode(handle, &mode))
        return FALSE;
    while (done < count) {
        DWORD part = min(count - done, (DWORD)sizeof narrow);
        RtlUnicodeToMultiByteN(narrow, sizeof narrow, &bytes, (const WCHAR *)text + done, part * sizeof(WCHAR));
        if (!WriteFile(handle, narrow, bytes, &bytes, NULL))
            return FALSE;
        done += part;
    }
    if (written != NULL)
        *written = done;
    return TRUE;
}

BOOL WINAPI ReadConsoleA(HANDLE handle, LPVOID buffer, DWORD count, LPDWORD done, LPVOID control)
{
    DWORD mode;
    (void)control;
    return GetConsoleMode(handle, &mode) && ReadFile(handle, buffer, count, done, NULL);
}

BOOL WINAPI ReadConsoleW(HANDLE handle, LPVOID buffer, DWORD count, LPDWORD done, LPVOID control)
{
    CHAR narrow[256];
    DWORD mode, read = 0;
    (void)control;
    if (!GetConsoleMode(handle, &mode) || !ReadFile(handle, narrow, min(count, (DWORD)sizeof narrow), &read, NULL))
        return FALSE;
    RtlMultiByteToUnicodeN(buffer, count * sizeof(WCHAR), NULL, narrow, read);
    *done = read;
    return TRUE;
}

UINT WINAPI GetConsoleCP(VOID) { return CODE_PAGE; }
UINT WINAPI GetConsoleOutputCP(VOID) { return CODE_PAGE; }
BOOL WINAPI SetConsoleCP(UINT page) { return page == CODE_PAGE || BaseFail(ERROR_INVALID_PARAMETER); }
BOOL WINAPI SetConsoleOutputCP(UINT page) { return page == CODE_PAGE || BaseFail(ERROR_INVALID_PARAMETER); }

/* The screen's size is fixed; where the cursor stands is the host's knowledge. */
BOOL WINAPI GetConsoleScreenBufferInfo(HANDLE handle, PCONSOLE_SCREEN_BUFFER_INFO out)
{
    DWORD mode;
    if (!GetConsoleMode(handle, &mode))
        return FALSE;
    memset(out, 0, sizeof *out);
    out->dwSize = (COORD){COLUMNS, ROWS};
    out->wAttributes = FOREGROUND_RED | FOREGROUND_GREEN | FOREGROUND_BLUE;
    out->srWindow = (SMALL_RECT){0, 0, COLUMNS - 1, ROWS - 1};
    out->dwMaximumWindowSize = out->dwSize;
    return TRUE;
}

BOOL WINAPI SetConsoleTextAttribute(HANDLE handle, WORD attributes)
{
    DWORD mode;
    (void)attributes;
    if (!GetConsoleMode(handle, &mode))
        return FALSE;
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED); /* There is no screen buffer whose cells could have a colour. */
    return FALSE;
}
