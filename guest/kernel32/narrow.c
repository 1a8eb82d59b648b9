/* The narrow forms of the calls about files: the name is widened, the wide call made, the answer narrowed. */

#include "base.h"

typedef DWORD(WINAPI *OnePath)(LPCWSTR);
typedef DWORD(WINAPI *IntoBuffer)(DWORD, LPWSTR);

static DWORD WithPath(OnePath call, LPCSTR path)
{
    PWSTR wide = BaseWide(path);
    DWORD result = call(wide);
    BaseRelease(wide);
    return result;
}

/* A call that fills a buffer of MAX_PATH characters at most. */
static DWORD NarrowBuffer(IntoBuffer call, DWORD size, LPSTR buffer)
{
    WCHAR wide[MAX_PATH];
    DWORD length = call(MAX_PATH, wide);
    return length != 0 && length < MAX_PATH ? BaseNarrow(wide, buffer, size) : length;
}

DWORD WINAPI GetFileAttributesA(LPCSTR path) { return WithPath(GetFileAttributesW, path); }
BOOL WINAPI DeleteFileA(LPCSTR path) { return (BOOL)WithPath((OnePath)DeleteFileW, path); }
BOOL WINAPI RemoveDirectoryA(LPCSTR path) { return (BOOL)WithPath((OnePath)RemoveDirectoryW, path); }
BOOL WINAPI SetCurrentDirectoryA(LPCSTR path) { return (BOOL)WithPath((OnePath)SetCurrentDirectoryW, path); }
UINT WINAPI GetDriveTypeA(LPCSTR path) { return WithPath((OnePath)GetDriveTypeW, path); }

BOOL WINAPI GetFileAttributesExA(LPCSTR path, GET_FILEEX_INFO_LEVELS level, LPVOID out)
{
    PWSTR wide = BaseWide(path);
    BOOL is_good = GetFileAttributesExW(wide, level, out);
    BaseRelease(wide);
    return is_good;
}

BOOL WINAPI SetFileAttributesA(LPCSTR path, DWORD value)
{
    PWSTR wide = BaseWide(path);
    BOOL is_good = SetFileAttributesW(wide, value);
    BaseRelease(wide);
    return is_good;
}

BOOL WINAPI CreateDirectoryA(LPCSTR path, LPSECURITY_ATTRIBUTES security)
{
    PWSTR wide = BaseWide(path);
    BOOL is_good = CreateDirectoryW(wide, security);
    BaseRelease(wide);
    return is_good;
}

BOOL WINAPI MoveFileExA(LPCSTR from, LPCSTR to, DWORD flags)
{
    PWSTR wide_from = BaseWide(from), wide_to = BaseWide(to);
    BOOL is_good = MoveFileExW(wide_from, wide_to, flags);
    BaseRelease(wide_to);
    BaseRelease(wide_from);
    return is_good;
}

BOOL WINAPI MoveFileA(LPCSTR from, LPCSTR to) { return MoveFileExA(from, to, MOVEFILE_COPY_ALLOWED); }

BOOL WINAPI CopyFileA(LPCSTR from, LPCSTR to, BOOL must_be_new)
{
    PWSTR wide_from = BaseWide(from), wide_to = BaseWide(to);
    BOOL is_good = CopyFileW(wide_from, wide_to, must_be_new);
    BaseRelease(wide_to);
    BaseRelease(wide_from);
    return is_good;
}

/* The fields before the names are the same in both forms. */
static void NarrowFound(const WIN32_FIND_DATAW *wide, LPWIN32_FIND_DATAA narrow)
{
    memcpy(narrow, wide, FIELD_OFFSET(WIN32_FIND_DATAW, cFileName));
    BaseNarrow(wide->cFileName, narrow->cFileName, MAX_PATH);
    BaseNarrow(wide->cAlternateFileName, narrow->cAlternateFileName, 14);
}

HANDLE WINAPI FindFirstFileA(LPCSTR path, LPWIN32_FIND_DATAA out)
{
    WIN32_FIND_DATAW found;
    PWSTR wide = BaseWide(path);
    HANDLE search = FindFirstFileW(wide, &found);
    if (search != INVALID_HANDLE_VALUE)
        NarrowFound(&found, out);
    BaseRelease(wide);
    return search;
}

BOOL WINAPI FindNextFileA(HANDLE search, LPWIN32_FIND_DATAA out)
{
    WIN32_FIND_DATAW found;
    if (!FindNextFileW(search, &found))
        return FALSE;
    NarrowFound(&found, out);
    return TRUE;
}

DWORD WINAPI GetFullPathNameA(LPCSTR path, DWORD size, LPSTR buffer, LPSTR *file_part)
{
    WCHAR full[MAX_PATH];
    PWSTR wide = BaseWide(path), part = NULL;
    DWORD length = GetFullPathNameW(wide, MAX_PATH, full, &part);
    BaseRelease(wide);
    if (length == 0 || length >= MAX_PATH)
        return length;
    length = BaseNarrow(full, buffer, size);
    if (file_part != NULL)
        *file_part = part != NULL && length < size ? buffer + (part - full) : NULL;
    return length;
}

DWORD WINAPI GetCurrentDirectoryA(DWORD size, LPSTR buffer) { return NarrowBuffer(GetCurrentDirectoryW, size, buffer); }
DWORD WINAPI GetTempPathA(DWORD size, LPSTR buffer) { return NarrowBuffer(GetTempPathW, size, buffer); }

UINT WINAPI GetWindowsDirectoryA(LPSTR buffer, UINT size)
{
    WCHAR wide[MAX_PATH];
    GetWindowsDirectoryW(wide, MAX_PATH);
    return BaseNarrow(wide, buffer, size);
}

UINT WINAPI GetSystemWindowsDirectoryA(LPSTR buffer, UINT size) { return GetWindowsDirectoryA(buffer, size); }

UINT WINAPI GetSystemDirectoryA(LPSTR buffer, UINT size)
{
    WCHAR wide[MAX_PATH];
    GetSystemDirectoryW(wide, MAX_PATH);
    return BaseNarrow(wide, buffer, size);
}

UINT WINAPI GetTempFileNameA(LPCSTR path, LPCSTR prefix, UINT unique, LPSTR out)
{
    WCHAR name[MAX_PATH];
    PWSTR wide = BaseWide(path), wide_prefix = BaseWide(prefix);
    UINT number = wide != NULL ? GetTempFileNameW(wide, wide_prefix, unique, name) : 0;
    if (number != 0)
        BaseNarrow(name, out, MAX_PATH);
    BaseRelease(wide_prefix);
    BaseRelease(wide);
    return number;
}

DWORD WINAPI SearchPathA(LPCSTR path, LPCSTR name, LPCSTR extension, DWORD size, LPSTR buffer, LPSTR *file_part)
{
    WCHAR full[MAX_PATH];
    PWSTR wide_path = BaseWide(path), wide_name = BaseWide(name), wide_extension = BaseWide(extension), part = NULL;
    DWORD length = SearchPathW(wide_path, wide_name, wide_extension, MAX_PATH, full, &part);
    BaseRelease(wide_extension);
    BaseRelease(wide_name);
    BaseRelease(wide_path);
    if (length == 0 || length >= MAX_PATH)
        return length;
    length = BaseNarrow(full, buffer, size);
    if (file_part != NULL)
        *file_part = part != NULL && length < size ? buffer + (part - full) : NULL;
    return length;
}

static DWORD NarrowName(DWORD(WINAPI *call)(LPCWSTR, LPWSTR, DWORD), LPCSTR path, LPSTR buffer, DWORD size)
{
    WCHAR name[MAX_PATH];
    PWSTR wide = BaseWide(path);
    DWORD length = call(wide, name, MAX_PATH);
    BaseRelease(wide);
    return length != 0 && length < MAX_PATH ? BaseNarrow(name, buffer, size) : length;
}

DWORD WINAPI GetLongPathNameA(LPCSTR path, LPSTR buffer, DWORD size)
{
    return NarrowName(GetLongPathNameW, path, buffer, size);
}

DWORD WINAPI GetShortPathNameA(LPCSTR path, LPSTR buffer, DWORD size)
{
    return NarrowName(GetShortPathNameW, path, buffer, size);
}

BOOL WINAPI GetDiskFreeSpaceA(LPCSTR root, LPDWORD sectors, LPDWORD bytes, LPDWORD free, LPDWORD total)
{
    PWSTR wide = BaseWide(root);
    BOOL is_good = GetDiskFreeSpaceW(wide, sectors, bytes, free, total);
    BaseRelease(wide);
    return is_good;
}

BOOL WINAPI GetDiskFreeSpaceExA(LPCSTR path, PULARGE_INTEGER available, PULARGE_INTEGER total, PULARGE_INTEGER free)
{
    PWSTR wide = BaseWide(path);
    BOOL is_good = GetDiskFreeSpaceExW(wide, available, total, free);
    BaseRelease(wide);
    return is_good;
}

BOOL WINAPI GetVolumeInformationA(LPCSTR root, LPSTR label, DWORD label_size, LPDWORD serial, LPDWORD component,
                                  LPDWORD flags, LPSTR system, DWORD system_size)
{
    WCHAR wide_label[MAX_PATH], wide_system[MAX_PATH];
    PWSTR wide = BaseWide(root);
    BOOL is_good =
        GetVolumeInformationW(wide, wide_label, MAX_PATH, serial, component, flags, wide_system, MAX_PATH);
    BaseRelease(wide);
    if (is_good && label != NULL)
        BaseNarrow(wide_label, label, label_size);
    if (is_good && system != NULL)
        BaseNarrow(wide_system, system, system_size);
    return is_good;
}
