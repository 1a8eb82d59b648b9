/* Names of volumes: drives as a list, the root of a path, what a drive letter means to the object manager. */

#include "base.h"

/* "A:\", "B:\" and so on, each ended by a zero, the list by another. */
DWORD WINAPI GetLogicalDriveStringsW(DWORD size, LPWSTR buffer)
{
    DWORD drives = GetLogicalDrives(), needed = 0;
    for (DWORD index = 0; index < 26; index++)
        needed += drives >> index & 1 ? 4 : 0;
    if (size < needed + 1)
        return needed + 1;
    for (DWORD index = 0; index < 26; index++)
        if (drives >> index & 1) {
            memcpy(buffer, (WCHAR[]){(WCHAR)('A' + index), ':', '\\', 0}, 4 * sizeof(WCHAR));
            buffer += 4;
        }
    *buffer = 0;
    return needed;
}

DWORD WINAPI GetLogicalDriveStringsA(DWORD size, LPSTR buffer)
{
    WCHAR wide[26 * 4 + 1];
    DWORD length = GetLogicalDriveStringsW(COUNT_OF(wide), wide);
    if (size < length + 1)
        return length + 1;
    RtlUnicodeToMultiByteN(buffer, size, NULL, wide, (length + 1) * sizeof(WCHAR));
    return length;
}

/* A drive's root is where a path's volume begins: nothing is mounted below it. */
BOOL WINAPI GetVolumePathNameW(LPCWSTR path, LPWSTR buffer, DWORD size)
{
    WCHAR full[MAX_PATH];
    DWORD length = GetFullPathNameW(path, MAX_PATH, full, NULL);
    if (length == 0 || length >= MAX_PATH || full[1] != ':')
        return BaseFail(ERROR_INVALID_NAME);
    full[2] = '\\';
    full[3] = 0;
    if (size < 4)
        return BaseFail(ERROR_FILENAME_EXCED_RANGE);
    memcpy(buffer, full, 4 * sizeof(WCHAR));
    return TRUE;
}

BOOL WINAPI GetVolumePathNameA(LPCSTR path, LPSTR buffer, DWORD size)
{
    WCHAR root[4];
    PWSTR wide = BaseWide(path);
    BOOL is_found = GetVolumePathNameW(wide, root, COUNT_OF(root));
    BaseRelease(wide);
    if (is_found && size < 4)
        return BaseFail(ERROR_FILENAME_EXCED_RANGE);
    if (is_found)
        BaseNarrow(root, buffer, size);
    return is_found;
}

static const struct {
    PCWSTR name, target;
} Devices[] = {
    {L"C:", L"\\Device\\HarddiskVolume1"}, {L"NUL", L"\\Device\\Null"},    {L"PIPE", L"\\Device\\NamedPipe"},
    {L"CON", L"\\Device\\Console"},        {L"CONIN$", L"\\Device\\Console"}, {L"CONOUT$", L"\\Device\\Console"},
};

/* The targets of the names below \??, which the machine's kernel resolves by itself. Without a name: all names. */
DWORD WINAPI QueryDosDeviceW(LPCWSTR name, LPWSTR buffer, DWORD size)
{
    DWORD used = 0;
    for (ULONG index = 0; index < COUNT_OF(Devices); index++) {
        if (name != NULL && _wcsicmp(name, Devices[index].name) != 0)
            continue;
        PCWSTR text = name != NULL ? Devices[index].target : Devices[index].name;
        DWORD length = wcslen(text) + 1;
        if (used + length + 1 > size)
            return (DWORD)BaseFail(ERROR_INSUFFICIENT_BUFFER);
        memcpy(buffer + used, text, length * sizeof(WCHAR));
        used += length;
    }
    if (used == 0)
        return (DWORD)BaseFail(ERROR_FILE_NOT_FOUND);
    buffer[used++] = 0;
    return used;
}

DWORD WINAPI QueryDosDeviceA(LPCSTR name, LPSTR buffer, DWORD size)
{
    WCHAR wide[512];
    PWSTR wide_name = BaseWide(name);
    DWORD length = QueryDosDeviceW(wide_name, wide, COUNT_OF(wide));
    BaseRelease(wide_name);
    if (length > size)
        return (DWORD)BaseFail(ERROR_INSUFFICIENT_BUFFER);
    RtlUnicodeToMultiByteN(buffer, size, NULL, wide, length * sizeof(WCHAR));
    return length;
}
