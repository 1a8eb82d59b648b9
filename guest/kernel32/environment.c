/* Environment variables. */

#include "base.h"

DWORD WINAPI GetEnvironmentVariableW(LPCWSTR name, LPWSTR buffer, DWORD size)
{
    UNICODE_STRING string, value = {0, (USHORT)(min(size, 0x7fffu) * sizeof(WCHAR)), buffer};
    RtlInitUnicodeString(&string, name);
    if (size > 0)
        value.MaximumLength -= sizeof(WCHAR);
    NTSTATUS status = RtlQueryEnvironmentVariable_U(NULL, &string, &value);
    DWORD length = value.Length / sizeof(WCHAR);
    if (status == STATUS_BUFFER_TOO_SMALL || (NT_SUCCESS(status) && size == 0))
        return length + 1;
    if (!NT_SUCCESS(status)) {
        BaseFail(ERROR_ENVVAR_NOT_FOUND);
        return 0;
    }
    buffer[length] = 0;
    return length;
}

DWORD WINAPI GetEnvironmentVariableA(LPCSTR name, LPSTR buffer, DWORD size)
{
    PWSTR wide = BaseWide(name), value = NULL;
    DWORD room = wide != NULL ? GetEnvironmentVariableW(wide, NULL, 0) : 0, length = 0;
    if (room > 0)
        value = BaseAllocate(room * sizeof(WCHAR));
    if (value != NULL) {
        GetEnvironmentVariableW(wide, value, room);
        length = BaseNarrow(value, buffer, size);
    }
    BaseRelease(value);
    BaseRelease(wide);
    return length;
}

BOOL WINAPI SetEnvironmentVariableW(LPCWSTR name, LPCWSTR value)
{
    UNICODE_STRING name_string, value_string;
    RtlInitUnicodeString(&name_string, name);
    RtlInitUnicodeString(&value_string, value);
    NTSTATUS status = RtlSetEnvironmentVariable(NULL, &name_string, value != NULL ? &value_string : NULL);
    return status == STATUS_VARIABLE_NOT_FOUND ? BaseFail(ERROR_ENVVAR_NOT_FOUND) : BaseCheck(status);
}

BOOL WINAPI SetEnvironmentVariableA(LPCSTR name, LPCSTR value)
{
    PWSTR wide_name = BaseWide(name), wide_value = BaseWide(value);
    BOOL is_set = wide_name != NULL ? SetEnvironmentVariableW(wide_name, wide_value) : BaseFail(ERROR_INVALID_PARAMETER);
    BaseRelease(wide_value);
    BaseRelease(wide_name);
    return is_set;
}

static SIZE_T BlockLength(PCWSTR block)
{
    PCWSTR at = block;
    while (*at != 0)
        at += wcslen(at) + 1;
    return (SIZE_T)(at - block) + 1;
}

LPWSTR WINAPI GetEnvironmentStringsW(VOID)
{
    RtlAcquirePebLock();
    PCWSTR block = CurrentPeb()->ProcessParameters->Environment;
    SIZE_T length = block != NULL ? BlockLength(block) : 0;
    PWSTR copy = BaseAllocate((length + 2) * sizeof(WCHAR));
    if (copy != NULL) {
        memset(copy, 0, 2 * sizeof(WCHAR));
        memcpy(copy, block, length * sizeof(WCHAR));
    }
    RtlReleasePebLock();
    return copy;
}

BOOL WINAPI FreeEnvironmentStringsW(LPWSTR block)
{
    BaseRelease(block);
    return TRUE;
}

LPCH WINAPI GetEnvironmentStringsAscii(VOID) __asm__("_GetEnvironmentStringsA@0");
LPCH WINAPI GetEnvironmentStringsAscii(VOID)
{
    PWSTR wide = GetEnvironmentStringsW();
    if (wide == NULL)
        return NULL;
    SIZE_T length = BlockLength(wide) + 1;
    LPSTR narrow = BaseAllocate(length);
    if (narrow != NULL)
        RtlUnicodeToMultiByteN(narrow, length, NULL, wide, length * sizeof(WCHAR));
    BaseRelease(wide);
    return narrow;
}

BOOL WINAPI FreeEnvironmentStringsA(LPCH block)
{
    BaseRelease(block);
    return TRUE;
}

DWORD WINAPI ExpandEnvironmentStringsW(LPCWSTR from, LPWSTR to, DWORD size)
{
    UNICODE_STRING source, target = {0, (USHORT)(min(size, 0x7fffu) * sizeof(WCHAR)), to};
    ULONG needed = 0;
    RtlInitUnicodeString(&source, from);
    NTSTATUS status = RtlExpandEnvironmentStrings_U(NULL, &source, &target, &needed);
    if (!NT_SUCCESS(status) && status != STATUS_BUFFER_TOO_SMALL) {
        BaseCheck(status);
        return 0;
    }
    return needed / sizeof(WCHAR);
}

DWORD WINAPI ExpandEnvironmentStringsA(LPCSTR from, LPSTR to, DWORD size)
{
    PWSTR wide = BaseWide(from);
    DWORD room = wide != NULL ? ExpandEnvironmentStringsW(wide, NULL, 0) : 0;
    PWSTR expanded = room > 0 ? BaseAllocate(room * sizeof(WCHAR)) : NULL;
    if (expanded != NULL) {
        ExpandEnvironmentStringsW(wide, expanded, room);
        BaseNarrow(expanded, to, size);
    }
    BaseRelease(expanded);
    BaseRelease(wide);
    return room;
}
