/* Statuses and last errors, narrow and wide strings, names of objects: what every part of kernel32 needs. */

#include "base.h"

BOOL BaseCheck(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        return TRUE;
    RtlSetLastWin32Error(RtlNtStatusToDosError(status));
    return FALSE;
}

BOOL BaseFail(ULONG error)
{
    RtlSetLastWin32Error(error);
    return FALSE;
}

PWSTR BaseWide(LPCSTR text)
{
    if (text == NULL)
        return NULL;
    SIZE_T length = strlen(text) + 1;
    PWSTR wide = BaseAllocate(length * sizeof(WCHAR));
    if (wide == NULL)
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    else
        RtlMultiByteToUnicodeN(wide, length * sizeof(WCHAR), NULL, text, length);
    return wide;
}

void BaseRelease(PVOID memory)
{
    if (memory != NULL)
        RtlFreeHeap(CurrentPeb()->ProcessHeap, 0, memory);
}

DWORD BaseNarrow(PCWSTR text, LPSTR buffer, DWORD size)
{
    DWORD length = wcslen(text);
    if (length + 1 > size)
        return length + 1;
    RtlUnicodeToMultiByteN(buffer, size, NULL, text, (length + 1) * sizeof(WCHAR));
    return length;
}

DWORD BaseCopyOut(PCWSTR text, LPWSTR buffer, DWORD size)
{
    DWORD length = wcslen(text);
    if (length + 1 > size)
        return length + 1;
    memcpy(buffer, text, (length + 1) * sizeof(WCHAR));
    return length;
}

/* "Local\" names this session's objects and "Global\" all sessions'; there is one session. */
POBJECT_ATTRIBUTES BaseNamed(BaseObject *object, PCWSTR name, const SECURITY_ATTRIBUTES *security, BOOL inherits)
{
    static const WCHAR Directory[] = L"\\BaseNamedObjects\\";
    POBJECT_ATTRIBUTES attributes = &object->attributes;
    memset(attributes, 0, sizeof *attributes);
    attributes->Length = sizeof *attributes;
    inherits = inherits || (security != NULL && security->bInheritHandle);
    attributes->Attributes = inherits ? OBJ_INHERIT : 0;
    attributes->SecurityDescriptor = security != NULL ? security->lpSecurityDescriptor : NULL;
    if (name == NULL)
        return attributes;
    if (_wcsnicmp(name, L"Local\\", 6) == 0)
        name += 6;
    else if (_wcsnicmp(name, L"Global\\", 7) == 0)
        name += 7;
    object->name = (UNICODE_STRING){0, sizeof object->buffer, object->buffer};
    RtlAppendUnicodeToString(&object->name, Directory);
    if (!NT_SUCCESS(RtlAppendUnicodeToString(&object->name, name)))
        object->name.Length = 0; /* too long: the kernel refuses an empty name */
    attributes->ObjectName = &object->name;
    attributes->Attributes |= OBJ_OPENIF;
    return attributes;
}

HANDLE BaseCreated(NTSTATUS status, HANDLE handle)
{
    if (!BaseCheck(status))
        return NULL;
    RtlSetLastWin32Error(status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
    return handle;
}

PLARGE_INTEGER BaseTimeout(DWORD milliseconds, PLARGE_INTEGER time)
{
    if (milliseconds == INFINITE)
        return NULL;
    time->QuadPart = -10000LL * milliseconds;
    return time;
}

HANDLE BaseFileHandle(HANDLE handle)
{
    const RTL_USER_PROCESS_PARAMETERS *parameters = CurrentPeb()->ProcessParameters;
    switch ((ULONG_PTR)handle) {
    case STD_INPUT_HANDLE: return parameters->StandardInput;
    case STD_OUTPUT_HANDLE: return parameters->StandardOutput;
    case STD_ERROR_HANDLE: return parameters->StandardError;
    default: return handle;
    }
}

BOOL BaseNtPath(PCWSTR path, PUNICODE_STRING name, POBJECT_ATTRIBUTES attributes)
{
    if (!RtlDosPathNameToNtPathName_U(path, name, NULL, NULL))
        return BaseFail(ERROR_PATH_NOT_FOUND);
    memset(attributes, 0, sizeof *attributes);
    attributes->Length = sizeof *attributes;
    attributes->ObjectName = name;
    attributes->Attributes = OBJ_CASE_INSENSITIVE;
    return TRUE;
}

/* The library's entry point. */
BOOL WINAPI BaseDllInitialize(HMODULE module, DWORD reason, PVOID context)
{
    (void)context;
    if (reason == DLL_PROCESS_ATTACH) {
        LdrDisableThreadCalloutsForDll(module);
        RtlSetUnhandledExceptionFilter(UnhandledExceptionFilter);
    }
    return TRUE;
}
