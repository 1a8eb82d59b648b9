/* Where a module's file is looked for. */

#include "ntdll.h"

static BOOL HasPath(const UNICODE_STRING *name)
{
    for (ULONG index = 0; index < name->Length / sizeof(WCHAR); index++)
        if (name->Buffer[index] == '\\' || name->Buffer[index] == '/')
            return TRUE;
    return FALSE;
}

static NTSTATUS OpenAt(PCWSTR path, PHANDLE file)
{
    UNICODE_STRING nt;
    IO_STATUS_BLOCK block;
    if (!RtlDosPathNameToNtPathName_U(path, &nt, NULL, NULL))
        return STATUS_OBJECT_NAME_INVALID;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &nt};
    attributes.Attributes = OBJ_CASE_INSENSITIVE;
    NTSTATUS status = NtOpenFile(file, FILE_EXECUTE | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ | FILE_SHARE_DELETE,
                                 FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    RtlFreeUnicodeString(&nt);
    return status;
}

/* Only a file that is not there lets the search go on. */
static BOOL IsAbsent(NTSTATUS status)
{
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ||
           status == STATUS_NO_SUCH_FILE || status == STATUS_FILE_IS_A_DIRECTORY || status == STATUS_OBJECT_NAME_INVALID;
}

static NTSTATUS TryDirectory(PCWSTR directory, size_t length, const UNICODE_STRING *name, WCHAR full[MAX_PATH],
                             PHANDLE file)
{
    WCHAR candidate[MAX_PATH];
    size_t characters = name->Length / sizeof(WCHAR);
    if (length + characters + 2 > MAX_PATH)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    memcpy(candidate, directory, length * sizeof(WCHAR));
    if (length > 0 && candidate[length - 1] != '\\')
        candidate[length++] = '\\';
    memcpy(candidate + length, name->Buffer, name->Length);
    candidate[length + characters] = 0;
    ULONG bytes = RtlGetFullPathName_U(candidate, MAX_PATH * sizeof(WCHAR), full, NULL);
    if (bytes == 0 || bytes >= MAX_PATH * sizeof(WCHAR))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return OpenAt(full, file);
}

/* A list of directories divided by semicolons; an empty one is the current directory. */
static NTSTATUS TryList(PCWSTR list, size_t length, const UNICODE_STRING *name, WCHAR full[MAX_PATH], PHANDLE file)
{
    NTSTATUS status = STATUS_DLL_NOT_FOUND;
    for (size_t start = 0, end; start <= length; start = end + 1) {
        for (end = start; end < length && list[end] != ';'; end++)
            ;
        status = TryDirectory(list + start, end - start, name, full, file);
        if (!IsAbsent(status))
            return status;
    }
    return STATUS_DLL_NOT_FOUND;
}

/* The program's directory, the system's, the current one, then the variable PATH. */
static NTSTATUS TryUsual(const UNICODE_STRING *name, WCHAR full[MAX_PATH], PHANDLE file)
{
    const UNICODE_STRING *image = &CurrentPeb()->ProcessParameters->ImagePathName;
    size_t length = image->Length / sizeof(WCHAR);
    WCHAR system[MAX_PATH], variable[1024];
    UNICODE_STRING path_name, path = {0, sizeof variable, variable};
    while (length > 0 && image->Buffer[length - 1] != '\\')
        length--;
    NTSTATUS status = TryDirectory(image->Buffer, length, name, full, file);
    _snwprintf(system, MAX_PATH, L"%s\\system32", SharedUserData->NtSystemRoot);
    if (IsAbsent(status))
        status = TryDirectory(system, wcslen(system), name, full, file);
    if (IsAbsent(status))
        status = TryDirectory(L"", 0, name, full, file);
    RtlInitUnicodeString(&path_name, L"PATH");
    if (IsAbsent(status) && NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &path_name, &path)))
        status = TryList(variable, path.Length / sizeof(WCHAR), name, full, file);
    return IsAbsent(status) ? STATUS_DLL_NOT_FOUND : status;
}

/* Opens the module's file; `full` is its whole DOS path. */
NTSTATUS LdrpOpenModule(const UNICODE_STRING *name, const UNICODE_STRING *path, WCHAR full[MAX_PATH], PHANDLE file)
{
    if (name->Length == 0 || name->Length >= MAX_PATH * sizeof(WCHAR))
        return STATUS_DLL_NOT_FOUND;
    if (HasPath(name) || (name->Length > 2 && name->Buffer[1] == ':')) {
        NTSTATUS status = TryDirectory(L"", 0, name, full, file);
        return IsAbsent(status) ? STATUS_DLL_NOT_FOUND : status;
    }
    if (path != NULL && path->Length > 0)
        return TryList(path->Buffer, path->Length / sizeof(WCHAR), name, full, file);
    return TryUsual(name, full, file);
}
