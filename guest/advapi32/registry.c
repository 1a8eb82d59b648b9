/* The registry: there is none. The predefined keys are there, empty, and nothing can be made below them. */

#include "advapi.h"

static BOOL IsPredefined(HKEY key)
{
    return key >= HKEY_CLASSES_ROOT && key <= HKEY_DYN_DATA;
}

static LONG Checked(HKEY key, LONG otherwise) { return IsPredefined(key) ? otherwise : ERROR_INVALID_HANDLE; }

/* An empty name is the key itself. */
LONG WINAPI RegOpenKeyExW(HKEY key, LPCWSTR name, DWORD options, REGSAM access, PHKEY out)
{
    (void)options, (void)access;
    *out = NULL;
    if (!IsPredefined(key))
        return ERROR_INVALID_HANDLE;
    if (name != NULL && *name != 0)
        return ERROR_FILE_NOT_FOUND;
    *out = key;
    return ERROR_SUCCESS;
}

LONG WINAPI RegOpenKeyExA(HKEY key, LPCSTR name, DWORD options, REGSAM access, PHKEY out)
{
    return RegOpenKeyExW(key, name != NULL && *name != 0 ? L"x" : NULL, options, access, out);
}

LONG WINAPI RegOpenKeyW(HKEY key, LPCWSTR name, PHKEY out) { return RegOpenKeyExW(key, name, 0, MAXIMUM_ALLOWED, out); }
LONG WINAPI RegOpenKeyA(HKEY key, LPCSTR name, PHKEY out) { return RegOpenKeyExA(key, name, 0, MAXIMUM_ALLOWED, out); }

LONG WINAPI RegCreateKeyExW(HKEY key, LPCWSTR name, DWORD reserved, LPWSTR class, DWORD options, REGSAM access,
                            const LPSECURITY_ATTRIBUTES security, PHKEY out, LPDWORD disposition)
{
    (void)reserved, (void)class, (void)security;
    LONG error = RegOpenKeyExW(key, name, options, access, out);
    if (error == ERROR_SUCCESS && disposition != NULL)
        *disposition = REG_OPENED_EXISTING_KEY;
    return error == ERROR_FILE_NOT_FOUND ? ERROR_ACCESS_DENIED : error;
}

LONG WINAPI RegCreateKeyExA(HKEY key, LPCSTR name, DWORD reserved, LPSTR class, DWORD options, REGSAM access,
                            const LPSECURITY_ATTRIBUTES security, PHKEY out, LPDWORD disposition)
{
    (void)class;
    return RegCreateKeyExW(key, name != NULL && *name != 0 ? L"x" : NULL, reserved, NULL, options, access, security, out,
                           disposition);
}

LONG WINAPI RegCreateKeyW(HKEY key, LPCWSTR name, PHKEY out)
{
    return RegCreateKeyExW(key, name, 0, NULL, 0, MAXIMUM_ALLOWED, NULL, out, NULL);
}

LONG WINAPI RegCreateKeyA(HKEY key, LPCSTR name, PHKEY out)
{
    return RegCreateKeyExA(key, name, 0, NULL, 0, MAXIMUM_ALLOWED, NULL, out, NULL);
}

LONG WINAPI RegCloseKey(HKEY key) { return Checked(key, ERROR_SUCCESS); }
LONG WINAPI RegFlushKey(HKEY key) { return Checked(key, ERROR_SUCCESS); }

LONG WINAPI RegQueryValueExW(HKEY key, LPCWSTR name, LPDWORD reserved, LPDWORD type, LPBYTE data, LPDWORD size)
{
    (void)name, (void)reserved, (void)type, (void)data, (void)size;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegQueryValueExA(HKEY key, LPCSTR name, LPDWORD reserved, LPDWORD type, LPBYTE data, LPDWORD size)
{
    (void)name, (void)reserved, (void)type, (void)data, (void)size;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegQueryValueW(HKEY key, LPCWSTR name, LPWSTR data, PLONG size)
{
    (void)name, (void)data, (void)size;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegQueryValueA(HKEY key, LPCSTR name, LPSTR data, PLONG size)
{
    (void)name, (void)data, (void)size;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegSetValueExW(HKEY key, LPCWSTR name, DWORD reserved, DWORD type, const BYTE *data, DWORD size)
{
    (void)name, (void)reserved, (void)type, (void)data, (void)size;
    return Checked(key, ERROR_ACCESS_DENIED);
}

LONG WINAPI RegSetValueExA(HKEY key, LPCSTR name, DWORD reserved, DWORD type, const BYTE *data, DWORD size)
{
    (void)name, (void)reserved, (void)type, (void)data, (void)size;
    return Checked(key, ERROR_ACCESS_DENIED);
}

LONG WINAPI RegDeleteKeyW(HKEY key, LPCWSTR name)
{
    (void)name;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegDeleteKeyA(HKEY key, LPCSTR name)
{
    (void)name;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegDeleteValueW(HKEY key, LPCWSTR name)
{
    (void)name;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegDeleteValueA(HKEY key, LPCSTR name)
{
    (void)name;
    return Checked(key, ERROR_FILE_NOT_FOUND);
}

LONG WINAPI RegEnumKeyExW(HKEY key, DWORD index, LPWSTR name, LPDWORD size, LPDWORD reserved, LPWSTR class,
                          LPDWORD class_size, PFILETIME written)
{
    (void)index, (void)name, (void)size, (void)reserved, (void)class, (void)class_size, (void)written;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

LONG WINAPI RegEnumKeyExA(HKEY key, DWORD index, LPSTR name, LPDWORD size, LPDWORD reserved, LPSTR class,
                          LPDWORD class_size, PFILETIME written)
{
    (void)index, (void)name, (void)size, (void)reserved, (void)class, (void)class_size, (void)written;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

LONG WINAPI RegEnumKeyW(HKEY key, DWORD index, LPWSTR name, DWORD size)
{
    (void)index, (void)name, (void)size;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

LONG WINAPI RegEnumKeyA(HKEY key, DWORD index, LPSTR name, DWORD size)
{
    (void)index, (void)name, (void)size;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

LONG WINAPI RegEnumValueW(HKEY key, DWORD index, LPWSTR name, LPDWORD size, LPDWORD reserved, LPDWORD type, LPBYTE data,
                          LPDWORD data_size)
{
    (void)index, (void)name, (void)size, (void)reserved, (void)type, (void)data, (void)data_size;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

LONG WINAPI RegEnumValueA(HKEY key, DWORD index, LPSTR name, LPDWORD size, LPDWORD reserved, LPDWORD type, LPBYTE data,
                          LPDWORD data_size)
{
    (void)index, (void)name, (void)size, (void)reserved, (void)type, (void)data, (void)data_size;
    return Checked(key, ERROR_NO_MORE_ITEMS);
}

/* Everything about an empty key is zero. */
static LONG Nothing(HKEY key, LPDWORD counts[], ULONG count, PFILETIME written)
{
    if (!IsPredefined(key))
        return ERROR_INVALID_HANDLE;
    for (ULONG index = 0; index < count; index++)
        if (counts[index] != NULL)
            *counts[index] = 0;
    if (written != NULL)
        *written = (FILETIME){0, 0};
    return ERROR_SUCCESS;
}

LONG WINAPI RegQueryInfoKeyW(HKEY key, LPWSTR class, LPDWORD class_size, LPDWORD reserved, LPDWORD keys, LPDWORD key_size,
                             LPDWORD longest_class, LPDWORD values, LPDWORD name_size, LPDWORD value_size,
                             LPDWORD security, PFILETIME written)
{
    LPDWORD counts[] = {class_size, keys, key_size, longest_class, values, name_size, value_size, security};
    (void)reserved;
    if (class != NULL && class_size != NULL && *class_size > 0)
        *class = 0;
    return Nothing(key, counts, COUNT_OF(counts), written);
}

LONG WINAPI RegQueryInfoKeyA(HKEY key, LPSTR class, LPDWORD class_size, LPDWORD reserved, LPDWORD keys, LPDWORD key_size,
                             LPDWORD longest_class, LPDWORD values, LPDWORD name_size, LPDWORD value_size,
                             LPDWORD security, PFILETIME written)
{
    LPDWORD counts[] = {class_size, keys, key_size, longest_class, values, name_size, value_size, security};
    (void)reserved;
    if (class != NULL && class_size != NULL && *class_size > 0)
        *class = 0;
    return Nothing(key, counts, COUNT_OF(counts), written);
}
