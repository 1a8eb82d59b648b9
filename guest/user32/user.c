/* What programs without windows need of user32: its start, messages, metrics. */

#include "user.h"

PWSTR UserWide(LPCSTR text)
{
    if (text == NULL)
        return NULL;
    SIZE_T length = strlen(text) + 1;
    PWSTR wide = RtlAllocateHeap(CurrentPeb()->ProcessHeap, 0, length * sizeof(WCHAR));
    if (wide != NULL)
        RtlMultiByteToUnicodeN(wide, length * sizeof(WCHAR), NULL, text, length);
    return wide;
}

void UserRelease(PVOID memory)
{
    if (memory != NULL)
        RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, memory);
}

BOOL UserFail(ULONG error)
{
    RtlSetLastWin32Error(error);
    return FALSE;
}

/* The answers of a box with a row of buttons, first to last. */
static const UCHAR Buttons[][3] = {{IDOK},    {IDOK, IDCANCEL},   {IDABORT, IDRETRY, IDIGNORE}, {IDYES, IDNO, IDCANCEL},
                                   {IDYES, IDNO}, {IDRETRY, IDCANCEL}, {IDCANCEL, IDTRYAGAIN, IDCONTINUE}};

static int DefaultButton(UINT style)
{
    UINT kind = style & MB_TYPEMASK, index = (style & MB_DEFMASK) >> 8;
    if (kind >= COUNT_OF(Buttons) || index > 2)
        return UserFail(ERROR_INVALID_MSGBOX_STYLE);
    return Buttons[kind][index] != 0 ? Buttons[kind][index] : Buttons[kind][0];
}

/* Nobody sees a box here: the machine keeps its text and title in its report, and the default button answers. */
int WINAPI MessageBoxExW(HWND owner, LPCWSTR text, LPCWSTR title, UINT style, WORD language)
{
    UNICODE_STRING strings[2];
    ULONG_PTR parameters[2] = {(ULONG_PTR)&strings[0], (ULONG_PTR)&strings[1]};
    ULONG response;
    (void)language;
    int answer = DefaultButton(style);
    if (answer == 0 || owner != NULL)
        return owner != NULL ? UserFail(ERROR_INVALID_WINDOW_HANDLE) : 0;
    RtlInitUnicodeString(&strings[0], text != NULL ? text : L"");
    RtlInitUnicodeString(&strings[1], title != NULL ? title : L"Error");
    NtRaiseHardError(STATUS_SERVICE_NOTIFICATION, 2, 3, parameters, OptionOk, &response);
    return answer;
}

int WINAPI MessageBoxW(HWND owner, LPCWSTR text, LPCWSTR title, UINT style)
{
    return MessageBoxExW(owner, text, title, style, 0);
}

int WINAPI MessageBoxExA(HWND owner, LPCSTR text, LPCSTR title, UINT style, WORD language)
{
    PWSTR wide_text = UserWide(text), wide_title = UserWide(title);
    int answer = MessageBoxExW(owner, wide_text, wide_title, style, language);
    UserRelease(wide_title);
    UserRelease(wide_text);
    return answer;
}

int WINAPI MessageBoxA(HWND owner, LPCSTR text, LPCSTR title, UINT style) { return MessageBoxExA(owner, text, title, style, 0); }

/* A computer without a mouse, whose screen nobody sees. */
static const struct {
    int index, value;
} Metrics[] = {
    {SM_CXSCREEN, 800},        {SM_CYSCREEN, 600},       {SM_CXFULLSCREEN, 800}, {SM_CYFULLSCREEN, 572},
    {SM_CMONITORS, 1},         {SM_CXVIRTUALSCREEN, 800}, {SM_CYVIRTUALSCREEN, 600}, {SM_SAMEDISPLAYFORMAT, 1},
    {SM_CXBORDER, 1},          {SM_CYBORDER, 1},         {SM_CXICON, 32},        {SM_CYICON, 32},
    {SM_CXSMICON, 16},         {SM_CYSMICON, 16},        {SM_CXCURSOR, 32},      {SM_CYCURSOR, 32},
    {SM_CXDOUBLECLK, 4},       {SM_CYDOUBLECLK, 4},      {SM_CXVSCROLL, 16},     {SM_CYHSCROLL, 16},
};

int WINAPI GetSystemMetrics(int index)
{
    for (ULONG at = 0; at < COUNT_OF(Metrics); at++)
        if (Metrics[at].index == index)
            return Metrics[at].value;
    return 0;
}

BOOL WINAPI DllMain(HMODULE module, DWORD reason, PVOID context)
{
    (void)context;
    if (reason == DLL_PROCESS_ATTACH)
        LdrDisableThreadCalloutsForDll(module);
    return TRUE;
}
