/* Modules: loading them, finding them, their names and exports. */

#include "module_search.h"

#define DATAFILE LOAD_LIBRARY_AS_DATAFILE

/* A file mapped as data: the handle's bit 0 says so. */
static HMODULE LoadAsData(PCWSTR name)
{
    WCHAR full[MAX_PATH];
    if (SearchPathW(NULL, name, L".dll", MAX_PATH, full, NULL) == 0)
        return NULL;
    HANDLE file = CreateFileW(full, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    HANDLE section = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    CloseHandle(file);
    PVOID base = section != NULL ? MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0) : NULL;
    if (section != NULL)
        CloseHandle(section);
    if (base != NULL && RtlImageNtHeader(base) == NULL) {
        UnmapViewOfFile(base);
        BaseFail(ERROR_BAD_EXE_FORMAT);
        return NULL;
    }
    return base != NULL ? (HMODULE)((ULONG_PTR)base | 1) : NULL;
}

HMODULE WINAPI LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags)
{
    UNICODE_STRING string;
    PVOID base;
    if (name == NULL || *name == 0 || file != NULL) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    RtlInitUnicodeString(&string, name);
    if (flags & DATAFILE && !NT_SUCCESS(LdrGetDllHandle(NULL, NULL, &string, &base)))
        return LoadAsData(name);
    ULONG nt_flags = flags & DONT_RESOLVE_DLL_REFERENCES;
    PWSTR list = BaseDllSearchList(name, flags);
    NTSTATUS status = LdrLoadDll(list, &nt_flags, &string, &base);
    BaseRelease(list);
    return BaseCheck(status) ? base : NULL;
}

HMODULE WINAPI LoadLibraryW(LPCWSTR name) { return LoadLibraryExW(name, NULL, 0); }

HMODULE WINAPI LoadLibraryExA(LPCSTR name, HANDLE file, DWORD flags)
{
    PWSTR wide = BaseWide(name);
    HMODULE module = LoadLibraryExW(wide, file, flags);
    BaseRelease(wide);
    return module;
}

HMODULE WINAPI LoadLibraryA(LPCSTR name) { return LoadLibraryExA(name, NULL, 0); }

BOOL WINAPI FreeLibrary(HMODULE module)
{
    if ((ULONG_PTR)module & 1)
        return UnmapViewOfFile((PCHAR)module - 1);
    return BaseCheck(LdrUnloadDll(module));
}

VOID WINAPI FreeLibraryAndExitThread(HMODULE module, DWORD code)
{
    LdrUnloadDll(module);
    RtlExitUserThread(code);
}

BOOL WINAPI DisableThreadLibraryCalls(HMODULE module) { return BaseCheck(LdrDisableThreadCalloutsForDll(module)); }

HMODULE WINAPI GetModuleHandleW(LPCWSTR name)
{
    UNICODE_STRING string;
    PVOID base;
    if (name == NULL)
        return CurrentPeb()->ImageBaseAddress;
    RtlInitUnicodeString(&string, name);
    return BaseCheck(LdrGetDllHandle(NULL, NULL, &string, &base)) ? base : NULL;
}

HMODULE WINAPI GetModuleHandleA(LPCSTR name)
{
    PWSTR wide = BaseWide(name);
    HMODULE module = name == NULL || wide != NULL ? GetModuleHandleW(wide) : NULL;
    BaseRelease(wide);
    return module;
}

BOOL WINAPI GetModuleHandleExW(DWORD flags, LPCWSTR name, HMODULE *module)
{
    PLDR_DATA_TABLE_ENTRY entry;
    *module = NULL;
    if (flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) {
        if (!NT_SUCCESS(LdrFindEntryForAddress((PVOID)name, &entry)))
            return BaseFail(ERROR_MOD_NOT_FOUND);
        *module = entry->DllBase;
    } else {
        *module = GetModuleHandleW(name);
    }
    if (*module == NULL)
        return FALSE;
    if (!(flags & GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT))
        LdrAddRefDll(flags & GET_MODULE_HANDLE_EX_FLAG_PIN, *module);
    return TRUE;
}

BOOL WINAPI GetModuleHandleExA(DWORD flags, LPCSTR name, HMODULE *module)
{
    if (flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS)
        return GetModuleHandleExW(flags, (LPCWSTR)name, module);
    PWSTR wide = BaseWide(name);
    BOOL is_found = GetModuleHandleExW(flags, wide, module);
    BaseRelease(wide);
    return is_found;
}

static const UNICODE_STRING *FullNameOf(HMODULE module)
{
    PLDR_DATA_TABLE_ENTRY entry;
    if (module == NULL)
        module = CurrentPeb()->ImageBaseAddress;
    if (!NT_SUCCESS(LdrFindEntryForAddress(module, &entry)) || entry->DllBase != module) {
        BaseFail(ERROR_MOD_NOT_FOUND);
        return NULL;
    }
    return &entry->FullDllName;
}

/* As on XP: a name that does not fit is cut, without a terminator and without an error. */
DWORD WINAPI GetModuleFileNameW(HMODULE module, LPWSTR buffer, DWORD size)
{
    const UNICODE_STRING *name = FullNameOf(module);
    if (name == NULL || size == 0)
        return 0;
    DWORD length = min(name->Length / (DWORD)sizeof(WCHAR), size);
    memcpy(buffer, name->Buffer, length * sizeof(WCHAR));
    if (length < size)
        buffer[length] = 0;
    return length;
}

DWORD WINAPI GetModuleFileNameA(HMODULE module, LPSTR buffer, DWORD size)
{
    const UNICODE_STRING *name = FullNameOf(module);
    ULONG length;
    if (name == NULL || size == 0)
        return 0;
    RtlUnicodeToMultiByteN(buffer, size, &length, name->Buffer, name->Length);
    if (length < size)
        buffer[length] = 0;
    return length;
}

FARPROC WINAPI GetProcAddress(HMODULE module, LPCSTR name)
{
    ANSI_STRING string;
    PVOID address;
    BOOL by_ordinal = (ULONG_PTR)name < 0x10000;
    RtlInitAnsiString(&string, by_ordinal ? NULL : name);
    if (module == NULL)
        module = CurrentPeb()->ImageBaseAddress;
    ULONG ordinal = by_ordinal ? (ULONG)(ULONG_PTR)name : 0;
    return BaseCheck(LdrGetProcedureAddress(module, by_ordinal ? NULL : &string, ordinal, &address)) ? address : NULL;
}
