/* CreateProcess: the program's name, the checks, RtlCreateUserProcess, and what Win32 adds to it. */

#include "create_process.h"

#define CLASSES                                                                                                        \
    (IDLE_PRIORITY_CLASS | BELOW_NORMAL_PRIORITY_CLASS | NORMAL_PRIORITY_CLASS | ABOVE_NORMAL_PRIORITY_CLASS |         \
     HIGH_PRIORITY_CLASS | REALTIME_PRIORITY_CLASS)

/* A name that is given is not searched for, and nothing is added to it. */
static BOOL ProgramName(LPCWSTR image, LPCWSTR line, PWSTR full)
{
    if (image == NULL)
        return line != NULL && *line != 0 ? BaseProgramOf(line, full) : BaseFail(ERROR_INVALID_PARAMETER);
    DWORD length = GetFullPathNameW(image, MAX_PATH, full, NULL);
    if (length == 0 || length >= MAX_PATH)
        return BaseFail(length == 0 ? ERROR_FILE_NOT_FOUND : ERROR_FILENAME_EXCED_RANGE);
    DWORD attributes = GetFileAttributesW(full);
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return FALSE;
    return !(attributes & FILE_ATTRIBUTE_DIRECTORY) || BaseFail(ERROR_ACCESS_DENIED);
}

/* The child's directory, with a backslash at its end. */
static BOOL DirectoryName(LPCWSTR wanted, PWSTR full)
{
    DWORD length = GetFullPathNameW(wanted, MAX_PATH - 1, full, NULL);
    DWORD attributes = length != 0 && length < MAX_PATH - 1 ? GetFileAttributesW(full) : INVALID_FILE_ATTRIBUTES;
    if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return BaseFail(ERROR_DIRECTORY);
    if (full[length - 1] != '\\')
        wcscat(full, L"\\");
    return TRUE;
}

/* A narrow environment as a wide one on the heap. */
static PWSTR WideEnvironment(LPCSTR block)
{
    LPCSTR at = block;
    while (*at != 0)
        at += strlen(at) + 1;
    SIZE_T length = (SIZE_T)(at - block) + 1;
    PWSTR wide = BaseAllocate((length + 1) * sizeof(WCHAR));
    if (wide == NULL) {
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    RtlMultiByteToUnicodeN(wide, length * sizeof(WCHAR), NULL, block, length);
    wide[length] = 0;
    return wide;
}

static BOOL IsProgram(const SECTION_IMAGE_INFORMATION *image)
{
    if (image->Machine != IMAGE_FILE_MACHINE_I386)
        return BaseFail(ERROR_EXE_MACHINE_TYPE_MISMATCH);
    if (image->ImageCharacteristics & IMAGE_FILE_DLL || !(image->ImageCharacteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        return BaseFail(ERROR_BAD_EXE_FORMAT);
    if (image->SubSystemType != IMAGE_SUBSYSTEM_WINDOWS_CUI && image->SubSystemType != IMAGE_SUBSYSTEM_WINDOWS_GUI)
        return BaseFail(ERROR_CHILD_NOT_COMPLETE);
    return TRUE;
}

/* One that is idle or below normal hands its class down; real time without the privilege is what XP turns into high,
   but here everybody has it. */
static BOOL GivePriority(HANDLE process, DWORD flags)
{
    DWORD own = GetPriorityClass(NtCurrentProcess());
    if (flags & CLASSES)
        return SetPriorityClass(process, flags & CLASSES);
    if (own == IDLE_PRIORITY_CLASS || own == BELOW_NORMAL_PRIORITY_CLASS)
        return SetPriorityClass(process, own);
    return TRUE;
}

static BOOL GiveErrorMode(HANDLE process, DWORD flags)
{
    ULONG mode = 1;
    if (!(flags & CREATE_DEFAULT_ERROR_MODE))
        NtQueryInformationProcess(NtCurrentProcess(), ProcessDefaultHardErrorMode, &mode, sizeof mode, NULL);
    return BaseCheck(NtSetInformationProcess(process, ProcessDefaultHardErrorMode, &mode, sizeof mode));
}

static BOOL MakeInheritable(HANDLE handle, const SECURITY_ATTRIBUTES *security)
{
    return security == NULL || !security->bInheritHandle ||
           SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

/* What is left to do while the child has not run. */
static BOOL Complete(const NewProcess *wanted, const RTL_USER_PROCESS_INFORMATION *made,
                     const SECURITY_ATTRIBUTES *process, const SECURITY_ATTRIBUTES *thread)
{
    return IsProgram(&made->ImageInformation) && BaseGiveStandardHandles(wanted, made->ProcessHandle) &&
           GivePriority(made->ProcessHandle, wanted->flags) && GiveErrorMode(made->ProcessHandle, wanted->flags) &&
           MakeInheritable(made->ProcessHandle, process) && MakeInheritable(made->ThreadHandle, thread) &&
           (wanted->flags & CREATE_SUSPENDED || BaseCheck(NtResumeThread(made->ThreadHandle, NULL)));
}

static PVOID DescriptorOf(const SECURITY_ATTRIBUTES *security)
{
    return security != NULL ? security->lpSecurityDescriptor : NULL;
}

static BOOL Start(const NewProcess *wanted, const SECURITY_ATTRIBUTES *process, const SECURITY_ATTRIBUTES *thread,
                  LPPROCESS_INFORMATION out)
{
    RTL_USER_PROCESS_INFORMATION made;
    UNICODE_STRING name;
    PRTL_USER_PROCESS_PARAMETERS block = BaseParameters(wanted);
    if (block == NULL || !RtlDosPathNameToNtPathName_U(wanted->image, &name, NULL, NULL)) {
        RtlDestroyProcessParameters(block);
        return FALSE;
    }
    NTSTATUS status = RtlCreateUserProcess(&name, OBJ_CASE_INSENSITIVE, block, DescriptorOf(process),
                                           DescriptorOf(thread), NULL, (BOOLEAN)wanted->inherits, NULL, NULL, &made);
    RtlFreeUnicodeString(&name);
    RtlDestroyProcessParameters(block);
    if (!BaseCheck(status))
        return FALSE;
    if (!Complete(wanted, &made, process, thread)) {
        NtTerminateProcess(made.ProcessHandle, STATUS_UNSUCCESSFUL);
        NtClose(made.ThreadHandle);
        NtClose(made.ProcessHandle);
        return FALSE;
    }
    out->hProcess = made.ProcessHandle;
    out->hThread = made.ThreadHandle;
    out->dwProcessId = (DWORD)(ULONG_PTR)made.ClientId.UniqueProcess;
    out->dwThreadId = (DWORD)(ULONG_PTR)made.ClientId.UniqueThread;
    return TRUE;
}

static BOOL FlagsAreGood(DWORD flags)
{
    DWORD classes = flags & CLASSES;
    if ((flags & (CREATE_NEW_CONSOLE | DETACHED_PROCESS)) == (CREATE_NEW_CONSOLE | DETACHED_PROCESS))
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (classes & (classes - 1))
        return BaseFail(ERROR_INVALID_PARAMETER);
    return !(flags & (DEBUG_PROCESS | DEBUG_ONLY_THIS_PROCESS)) || BaseFail(ERROR_NOT_SUPPORTED);
}

BOOL WINAPI CreateProcessW(LPCWSTR image, LPWSTR line, LPSECURITY_ATTRIBUTES process, LPSECURITY_ATTRIBUTES thread,
                           BOOL inherits, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup,
                           LPPROCESS_INFORMATION out)
{
    WCHAR full[MAX_PATH], where[MAX_PATH];
    memset(out, 0, sizeof *out);
    if (!FlagsAreGood(flags) || !ProgramName(image, line, full) || (directory != NULL && !DirectoryName(directory, where)))
        return FALSE;
    BOOL is_narrow = environment != NULL && !(flags & CREATE_UNICODE_ENVIRONMENT);
    PWSTR wide = is_narrow ? WideEnvironment(environment) : environment;
    if (is_narrow && wide == NULL)
        return FALSE;
    NewProcess wanted = {full, line != NULL ? line : image, directory != NULL ? where : NULL, wide, startup, inherits,
                         flags};
    BOOL is_started = Start(&wanted, process, thread, out);
    if (is_narrow)
        BaseRelease(wide);
    return is_started;
}

BOOL WINAPI CreateProcessA(LPCSTR image, LPSTR line, LPSECURITY_ATTRIBUTES process, LPSECURITY_ATTRIBUTES thread,
                           BOOL inherits, DWORD flags, LPVOID environment, LPCSTR directory, LPSTARTUPINFOA startup,
                           LPPROCESS_INFORMATION out)
{
    STARTUPINFOW wide = *(const STARTUPINFOW *)startup;
    PWSTR wide_image = BaseWide(image), wide_line = BaseWide(line), wide_directory = BaseWide(directory);
    wide.lpReserved = BaseWide(startup->lpReserved);
    wide.lpDesktop = BaseWide(startup->lpDesktop);
    wide.lpTitle = BaseWide(startup->lpTitle);
    BOOL is_started = CreateProcessW(wide_image, wide_line, process, thread, inherits, flags, environment,
                                     wide_directory, &wide, out);
    BaseRelease(wide.lpTitle);
    BaseRelease(wide.lpDesktop);
    BaseRelease(wide.lpReserved);
    BaseRelease(wide_directory);
    BaseRelease(wide_line);
    BaseRelease(wide_image);
    return is_started;
}

/* The call of 16-bit days: an error below 32, or 33 for a program that runs. */
UINT WINAPI WinExec(LPCSTR line, UINT show)
{
    STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESHOWWINDOW, .wShowWindow = (WORD)show};
    PROCESS_INFORMATION made;
    if (!CreateProcessA(NULL, (LPSTR)line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made)) {
        DWORD error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_BAD_FORMAT ? error : 0;
    }
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
    return 33;
}
