/* Names of files: attributes, removing, renaming, copying; directories and the search in them; paths. */

#include "base.h"

static NTSTATUS OpenByName(PCWSTR path, ACCESS_MASK access, ULONG options, PHANDLE file)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    if (path == NULL || !BaseNtPath(path, &name, &attributes))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    NTSTATUS status = NtOpenFile(file, access | SYNCHRONIZE, &attributes, &block,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                 options | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT);
    RtlFreeUnicodeString(&name);
    return status;
}

static NTSTATUS SetByName(PCWSTR path, ACCESS_MASK access, ULONG options, ULONG what, PVOID value, ULONG size)
{
    HANDLE file;
    IO_STATUS_BLOCK block;
    NTSTATUS status = OpenByName(path, access, options, &file);
    if (!NT_SUCCESS(status))
        return status;
    status = NtSetInformationFile(file, &block, value, size, what);
    NtClose(file);
    return status;
}

DWORD WINAPI GetFileAttributesW(LPCWSTR path)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    return GetFileAttributesExW(path, GetFileExInfoStandard, &data) ? data.dwFileAttributes : INVALID_FILE_ATTRIBUTES;
}

BOOL WINAPI GetFileAttributesExW(LPCWSTR path, GET_FILEEX_INFO_LEVELS level, LPVOID out)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    FILE_NETWORK_OPEN_INFORMATION all;
    WIN32_FILE_ATTRIBUTE_DATA *data = out;
    if (level != GetFileExInfoStandard)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (path == NULL || !BaseNtPath(path, &name, &attributes))
        return BaseFail(ERROR_PATH_NOT_FOUND);
    NTSTATUS status = NtQueryFullAttributesFile(&attributes, &all);
    RtlFreeUnicodeString(&name);
    if (!BaseCheck(status))
        return FALSE;
    data->dwFileAttributes = all.FileAttributes;
    memcpy(&data->ftCreationTime, &all.CreationTime, sizeof(FILETIME));
    memcpy(&data->ftLastAccessTime, &all.LastAccessTime, sizeof(FILETIME));
    memcpy(&data->ftLastWriteTime, &all.LastWriteTime, sizeof(FILETIME));
    data->nFileSizeHigh = (DWORD)all.EndOfFile.HighPart;
    data->nFileSizeLow = all.EndOfFile.LowPart;
    return TRUE;
}

BOOL WINAPI SetFileAttributesW(LPCWSTR path, DWORD value)
{
    FILE_BASIC_INFORMATION basic = {.FileAttributes = value | FILE_ATTRIBUTE_NORMAL};
    return BaseCheck(SetByName(path, FILE_WRITE_ATTRIBUTES, 0, FileBasicInformation, &basic, sizeof basic));
}

BOOL WINAPI DeleteFileW(LPCWSTR path)
{
    FILE_DISPOSITION_INFORMATION disposition = {TRUE};
    NTSTATUS status =
        SetByName(path, DELETE, FILE_NON_DIRECTORY_FILE, FileDispositionInformation, &disposition, sizeof disposition);
    return status == STATUS_FILE_IS_A_DIRECTORY ? BaseFail(ERROR_ACCESS_DENIED) : BaseCheck(status);
}

BOOL WINAPI RemoveDirectoryW(LPCWSTR path)
{
    FILE_DISPOSITION_INFORMATION disposition = {TRUE};
    return BaseCheck(
        SetByName(path, DELETE, FILE_DIRECTORY_FILE, FileDispositionInformation, &disposition, sizeof disposition));
}

BOOL WINAPI CreateDirectoryW(LPCWSTR path, LPSECURITY_ATTRIBUTES security)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE file;
    (void)security;
    if (path == NULL || !BaseNtPath(path, &name, &attributes))
        return BaseFail(ERROR_PATH_NOT_FOUND);
    NTSTATUS status = NtCreateFile(&file, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &block, NULL,
                                   FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE,
                                   FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    RtlFreeUnicodeString(&name);
    if (NT_SUCCESS(status))
        NtClose(file);
    return status == STATUS_OBJECT_NAME_COLLISION ? BaseFail(ERROR_ALREADY_EXISTS) : BaseCheck(status);
}

BOOL WINAPI MoveFileExW(LPCWSTR from, LPCWSTR to, DWORD flags)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    if (to == NULL || flags & MOVEFILE_DELAY_UNTIL_REBOOT)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!BaseNtPath(to, &name, &attributes))
        return BaseFail(ERROR_PATH_NOT_FOUND);
    ULONG size = sizeof(FILE_RENAME_INFORMATION) + name.Length;
    FILE_RENAME_INFORMATION *rename = BaseAllocate(size);
    NTSTATUS status = STATUS_NO_MEMORY;
    if (rename != NULL) {
        rename->ReplaceIfExists = (flags & MOVEFILE_REPLACE_EXISTING) != 0;
        rename->RootDirectory = NULL;
        rename->FileNameLength = name.Length;
        memcpy(rename->FileName, name.Buffer, name.Length);
        status = SetByName(from, DELETE, 0, FileRenameInformation, rename, size);
    }
    BaseRelease(rename);
    RtlFreeUnicodeString(&name);
    return BaseCheck(status);
}

BOOL WINAPI MoveFileW(LPCWSTR from, LPCWSTR to) { return MoveFileExW(from, to, MOVEFILE_COPY_ALLOWED); }

/* A search: the open directory, and whether the first entry was told. */
typedef struct {
    ULONG signature;
    HANDLE directory;
} Search;

#define SEARCH_SIGNATURE 0x53434946

static BOOL Tell(const Search *search, PUNICODE_STRING pattern, LPWIN32_FIND_DATAW out)
{
    struct {
        FILE_BOTH_DIR_INFORMATION entry;
        WCHAR rest[MAX_PATH];
    } found;
    IO_STATUS_BLOCK block;
    NTSTATUS status = NtQueryDirectoryFile(search->directory, NULL, NULL, NULL, &block, &found, sizeof found,
                                           FileBothDirectoryInformation, TRUE, pattern, pattern != NULL);
    if (!BaseCheck(status))
        return FALSE;
    const FILE_BOTH_DIR_INFORMATION *entry = &found.entry;
    memset(out, 0, sizeof *out);
    out->dwFileAttributes = entry->FileAttributes;
    memcpy(&out->ftCreationTime, &entry->CreationTime, sizeof(FILETIME));
    memcpy(&out->ftLastAccessTime, &entry->LastAccessTime, sizeof(FILETIME));
    memcpy(&out->ftLastWriteTime, &entry->LastWriteTime, sizeof(FILETIME));
    out->nFileSizeHigh = (DWORD)entry->EndOfFile.HighPart;
    out->nFileSizeLow = entry->EndOfFile.LowPart;
    memcpy(out->cFileName, entry->FileName, min(entry->FileNameLength, sizeof out->cFileName - sizeof(WCHAR)));
    memcpy(out->cAlternateFileName, entry->ShortName, min((ULONG)entry->ShortNameLength, 12 * sizeof(WCHAR)));
    return TRUE;
}

/* The directory part of a path and, behind its last slash, the pattern; `*.*` means every name. */
static NTSTATUS Begin(LPCWSTR path, Search *search, PUNICODE_STRING pattern)
{
    WCHAR directory[MAX_PATH];
    PCWSTR last = path;
    for (PCWSTR at = path; *at != 0; at++)
        if (*at == '\\' || *at == '/' || (*at == ':' && at == path + 1))
            last = at + 1;
    size_t length = (size_t)(last - path);
    if (length + 2 > MAX_PATH)
        return STATUS_NAME_TOO_LONG;
    if (*last == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    memcpy(directory, path, length * sizeof(WCHAR));
    directory[length] = 0;
    if (length == 0)
        wcscpy(directory, L".");
    RtlInitUnicodeString(pattern, wcscmp(last, L"*.*") == 0 ? L"*" : last);
    return OpenByName(directory, FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE, &search->directory);
}

HANDLE WINAPI FindFirstFileW(LPCWSTR path, LPWIN32_FIND_DATAW out)
{
    UNICODE_STRING pattern;
    Search *search = path != NULL ? BaseAllocate(sizeof *search) : NULL;
    if (search == NULL) {
        BaseFail(path == NULL ? ERROR_PATH_NOT_FOUND : ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    search->signature = SEARCH_SIGNATURE;
    NTSTATUS status = Begin(path, search, &pattern);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && pattern.Length > 0)
        status = STATUS_OBJECT_PATH_NOT_FOUND;
    if (BaseCheck(status)) {
        if (Tell(search, &pattern, out))
            return search;
        NtClose(search->directory);
        if (GetLastError() == ERROR_NO_MORE_FILES)
            BaseFail(ERROR_FILE_NOT_FOUND);
    }
    BaseRelease(search);
    return INVALID_HANDLE_VALUE;
}

static Search *SearchOf(HANDLE handle)
{
    Search *search = handle;
    if (handle != NULL && handle != INVALID_HANDLE_VALUE && search->signature == SEARCH_SIGNATURE)
        return search;
    BaseFail(ERROR_INVALID_HANDLE);
    return NULL;
}

BOOL WINAPI FindNextFileW(HANDLE handle, LPWIN32_FIND_DATAW out)
{
    const Search *search = SearchOf(handle);
    return search != NULL && Tell(search, NULL, out);
}

BOOL WINAPI FindClose(HANDLE handle)
{
    Search *search = SearchOf(handle);
    if (search == NULL)
        return FALSE;
    search->signature = 0;
    NtClose(search->directory);
    BaseRelease(search);
    return TRUE;
}

DWORD WINAPI GetFullPathNameW(LPCWSTR path, DWORD size, LPWSTR buffer, LPWSTR *file_part)
{
    return RtlGetFullPathName_U(path, min(size, 0x7fffu) * sizeof(WCHAR), buffer, file_part) / sizeof(WCHAR);
}

DWORD WINAPI GetCurrentDirectoryW(DWORD size, LPWSTR buffer)
{
    return RtlGetCurrentDirectory_U(min(size, 0x7fffu) * sizeof(WCHAR), buffer) / sizeof(WCHAR);
}

BOOL WINAPI SetCurrentDirectoryW(LPCWSTR path)
{
    UNICODE_STRING string;
    if (path == NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    RtlInitUnicodeString(&string, path);
    return BaseCheck(RtlSetCurrentDirectory_U(&string));
}

UINT WINAPI GetWindowsDirectoryW(LPWSTR buffer, UINT size) { return BaseCopyOut(SharedUserData->NtSystemRoot, buffer, size); }

UINT WINAPI GetSystemDirectoryW(LPWSTR buffer, UINT size)
{
    WCHAR path[MAX_PATH];
    _snwprintf(path, MAX_PATH, L"%s\\system32", SharedUserData->NtSystemRoot);
    return BaseCopyOut(path, buffer, size);
}

UINT WINAPI GetSystemWindowsDirectoryW(LPWSTR buffer, UINT size) { return GetWindowsDirectoryW(buffer, size); }

/* TMP, TEMP, USERPROFILE, else the Windows directory; with a slash behind. */
DWORD WINAPI GetTempPathW(DWORD size, LPWSTR buffer)
{
    static const PCWSTR Names[] = {L"TMP", L"TEMP", L"USERPROFILE"};
    WCHAR path[MAX_PATH];
    DWORD length = 0;
    for (ULONG index = 0; index < COUNT_OF(Names) && length == 0; index++) {
        length = GetEnvironmentVariableW(Names[index], path, MAX_PATH - 1);
        if (length >= MAX_PATH - 1)
            length = 0;
    }
    if (length == 0)
        length = GetWindowsDirectoryW(path, MAX_PATH - 1);
    if (path[length - 1] != '\\')
        wcscat(path, L"\\");
    return BaseCopyOut(path, buffer, size);
}

UINT WINAPI GetTempFileNameW(LPCWSTR path, LPCWSTR prefix, UINT unique, LPWSTR out)
{
    size_t length = wcslen(path);
    if (length > MAX_PATH - 14) {
        BaseFail(ERROR_BUFFER_OVERFLOW);
        return 0;
    }
    UINT number = unique != 0 ? unique & 0xffff : SharedUserData->TickCountLow & 0xffff;
    PCWSTR slash = length > 0 && path[length - 1] == '\\' ? L"" : L"\\";
    for (UINT tries = 0; tries < 0x10000; tries++, number = (number + 1) & 0xffff) {
        if (number == 0)
            continue;
        _snwprintf(out, MAX_PATH, L"%s%s%.3s%X.tmp", path, slash, prefix != NULL ? prefix : L"", number);
        if (unique != 0)
            return number;
        HANDLE file = CreateFileW(out, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file != INVALID_HANDLE_VALUE) {
            CloseHandle(file);
            return number;
        }
        if (GetLastError() != ERROR_FILE_EXISTS)
            return 0;
    }
    return 0;
}

/* Without a path: the program's directory, the system's, the current one, Windows', then PATH. */
DWORD WINAPI SearchPathW(LPCWSTR path, LPCWSTR name, LPCWSTR extension, DWORD size, LPWSTR buffer, LPWSTR *file_part)
{
    PWSTR list = path == NULL ? BaseSearchList(L";%s\\system32;.;%s;") : NULL;
    if (path == NULL && list == NULL)
        return 0;
    DWORD bytes = RtlDosSearchPath_U(path != NULL ? path : list, name, extension, size * sizeof(WCHAR), buffer, file_part);
    BaseRelease(list);
    return bytes != 0 ? bytes / sizeof(WCHAR) : (DWORD)BaseFail(ERROR_FILE_NOT_FOUND);
}

/* Names of this system are not shortened: the long form is the name's own, provided that it exists. */
DWORD WINAPI GetLongPathNameW(LPCWSTR path, LPWSTR buffer, DWORD size)
{
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES ? BaseCopyOut(path, buffer, size) : 0;
}

DWORD WINAPI GetShortPathNameW(LPCWSTR path, LPWSTR buffer, DWORD size) { return GetLongPathNameW(path, buffer, size); }
