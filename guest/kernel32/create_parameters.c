/* What a new process is told: directory, command line, environment, window, standard handles. */

#include "create_process.h"

static PUNICODE_STRING Text(PUNICODE_STRING string, PCWSTR text)
{
    RtlInitUnicodeString(string, text);
    return text != NULL ? string : NULL;
}

static void FillWindow(PRTL_USER_PROCESS_PARAMETERS block, const STARTUPINFOW *startup)
{
    block->StartingX = startup->dwX;
    block->StartingY = startup->dwY;
    block->CountX = startup->dwXSize;
    block->CountY = startup->dwYSize;
    block->CountCharsX = startup->dwXCountChars;
    block->CountCharsY = startup->dwYCountChars;
    block->FillAttribute = startup->dwFillAttribute;
    block->WindowFlags = startup->dwFlags;
    block->ShowWindowFlags = startup->wShowWindow;
}

/* A program finds its DLLs in its own directory, the system's, Windows', the current one, then PATH. */
static PWSTR DllPath(PCWSTR image)
{
    const WCHAR *slash = wcsrchr(image, '\\');
    int length = slash != NULL ? (int)(slash - image) : 0;
    PCWSTR root = SharedUserData->NtSystemRoot;
    SIZE_T room = (SIZE_T)length + 3 * wcslen(root) + 40;
    PWSTR path = BaseAllocate(room * sizeof(WCHAR));
    if (path != NULL) {
        memcpy(path, image, (SIZE_T)length * sizeof(WCHAR));
        _snwprintf(path + length, room - (SIZE_T)length, L";%s\\system32;%s\\system;%s;.", root, root, root);
    }
    return path;
}

PRTL_USER_PROCESS_PARAMETERS BaseParameters(const NewProcess *wanted)
{
    const STARTUPINFOW *startup = wanted->startup;
    const RTL_USER_PROCESS_PARAMETERS *own = CurrentPeb()->ProcessParameters;
    UNICODE_STRING image, dlls, directory, line, title, desktop, shell;
    PRTL_USER_PROCESS_PARAMETERS block = NULL;
    UNICODE_STRING runtime = {startup->cbReserved2, startup->cbReserved2, (PWSTR)startup->lpReserved2};
    BOOL has_runtime = startup->lpReserved2 != NULL && startup->cbReserved2 != 0;
    PWSTR path = DllPath(wanted->image);
    RtlInitUnicodeString(&image, wanted->image);
    NTSTATUS status = RtlCreateProcessParameters(
        &block, &image, Text(&dlls, path), Text(&directory, wanted->directory), Text(&line, wanted->line),
        wanted->environment, Text(&title, startup->lpTitle != NULL ? startup->lpTitle : wanted->image),
        startup->lpDesktop != NULL ? Text(&desktop, startup->lpDesktop) : (PUNICODE_STRING)&own->DesktopInfo,
        Text(&shell, startup->lpReserved), has_runtime ? &runtime : NULL);
    BaseRelease(path);
    if (!BaseCheck(status))
        return NULL;
    FillWindow(block, startup);
    return block;
}

static BOOL IsOwnStandard(HANDLE handle)
{
    const RTL_USER_PROCESS_PARAMETERS *own = CurrentPeb()->ProcessParameters;
    return handle == own->StandardInput || handle == own->StandardOutput || handle == own->StandardError;
}

static BOOL IsInherited(const NewProcess *wanted, HANDLE handle)
{
    DWORD flags;
    return wanted->inherits && GetHandleInformation(handle, &flags) && flags & HANDLE_FLAG_INHERIT;
}

/* A handle that the child inherits has the same value there. One that was not asked for by STARTF_USESTDHANDLES is
   duplicated into it, and so is one of the parent's own: on XP the console's handles are always inherited. */
static HANDLE ForChild(const NewProcess *wanted, HANDLE process, HANDLE handle)
{
    BOOL is_given = wanted->startup->dwFlags & STARTF_USESTDHANDLES;
    HANDLE copy = NULL;
    if (handle == NULL || handle == INVALID_HANDLE_VALUE || IsInherited(wanted, handle))
        return handle;
    if (is_given && !IsOwnStandard(handle))
        return handle;
    NTSTATUS status = NtDuplicateObject(NtCurrentProcess(), handle, process, &copy, 0, OBJ_INHERIT, DUPLICATE_SAME_ACCESS);
    return NT_SUCCESS(status) ? copy : NULL;
}

BOOL BaseGiveStandardHandles(const NewProcess *wanted, HANDLE process)
{
    const RTL_USER_PROCESS_PARAMETERS *own = CurrentPeb()->ProcessParameters;
    const STARTUPINFOW *startup = wanted->startup;
    BOOL is_given = startup->dwFlags & STARTF_USESTDHANDLES;
    PRTL_USER_PROCESS_PARAMETERS block;
    PROCESS_BASIC_INFORMATION basic;
    if (!is_given && wanted->flags & DETACHED_PROCESS)
        return TRUE;
    HANDLE handles[3] = {is_given ? startup->hStdInput : own->StandardInput,
                         is_given ? startup->hStdOutput : own->StandardOutput,
                         is_given ? startup->hStdError : own->StandardError};
    for (ULONG index = 0; index < COUNT_OF(handles); index++)
        handles[index] = ForChild(wanted, process, handles[index]);
    NTSTATUS status = NtQueryInformationProcess(process, ProcessBasicInformation, &basic, sizeof basic, NULL);
    if (NT_SUCCESS(status))
        status = NtReadVirtualMemory(process, &basic.PebBaseAddress->ProcessParameters, &block, sizeof block, NULL);
    if (NT_SUCCESS(status))
        status = NtWriteVirtualMemory(process, &block->StandardInput, handles, sizeof handles, NULL);
    return BaseCheck(status);
}
