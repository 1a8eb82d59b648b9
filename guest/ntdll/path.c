/* DOS paths: their kinds, full names, NT names, and the search along a path. */

#include "ntdll.h"

#define MAX_NT_PATH 0x7ffe

static BOOL IsSlash(WCHAR character) { return character == '\\' || character == '/'; }

RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_U(PCWSTR path)
{
    if (IsSlash(path[0]) && IsSlash(path[1])) {
        if (path[2] != '.' && path[2] != '?')
            return RtlPathTypeUncAbsolute;
        if (IsSlash(path[3]))
            return RtlPathTypeLocalDevice;
        return path[3] == 0 ? RtlPathTypeRootLocalDevice : RtlPathTypeUncAbsolute;
    }
    if (IsSlash(path[0]))
        return RtlPathTypeRooted;
    if (path[0] == 0 || path[1] != ':')
        return RtlPathTypeRelative;
    return IsSlash(path[2]) ? RtlPathTypeDriveAbsolute : RtlPathTypeDriveRelative;
}

static BOOL NameIs(PCWSTR name, ULONG length, PCWSTR device)
{
    return length == wcslen(device) && _wcsnicmp(name, device, length) == 0;
}

/* A reserved device name as the last part of a path: (offset in bytes) << 16 | length in bytes; 0 if there is none.
   What follows a dot or a colon does not matter. */
ULONG NTAPI RtlIsDosDeviceName_U(PCWSTR path)
{
    PCWSTR name = path;
    for (PCWSTR at = path; *at != 0; at++)
        if (IsSlash(*at) || (*at == ':' && at == path + 1))
            name = at + 1;
    ULONG length = 0;
    while (name[length] != 0 && name[length] != '.' && name[length] != ':')
        length++;
    while (length > 0 && name[length - 1] == ' ')
        length--;
    BOOL is_numbered = length == 4 && name[3] >= '1' && name[3] <= '9' &&
                       (NameIs(name, 3, L"COM") || NameIs(name, 3, L"LPT"));
    if (!is_numbered && !NameIs(name, length, L"CON") && !NameIs(name, length, L"NUL") &&
        !NameIs(name, length, L"PRN") && !NameIs(name, length, L"AUX") && !NameIs(name, length, L"CONIN$") &&
        !NameIs(name, length, L"CONOUT$"))
        return 0;
    return (ULONG)(name - path) * sizeof(WCHAR) << 16 | length * sizeof(WCHAR);
}

/* Appends the parts of a path behind its root; `.` and `..` are resolved, trailing dots and blanks dropped. */
static ULONG AppendParts(PWSTR out, ULONG length, ULONG root, PCWSTR path)
{
    while (*path != 0 && length < MAX_NT_PATH - 1) {
        ULONG part = 0;
        while (path[part] != 0 && !IsSlash(path[part]))
            part++;
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            while (length > root && out[length - 1] != '\\')
                length--;
            if (length > root)
                length--;
        } else if (part > 0 && !(part == 1 && path[0] == '.')) {
            if (length > root || out[length - 1] != '\\')
                out[length++] = '\\';
            for (ULONG index = 0; index < part && length < MAX_NT_PATH; index++)
                out[length++] = path[index];
        }
        path += part;
        BOOL is_last = *path == 0;
        while (IsSlash(*path))
            path++;
        if (*path == 0 && !is_last && length < MAX_NT_PATH && out[length - 1] != '\\')
            out[length++] = '\\';
        else if (*path == 0)
            while (length > root && (out[length - 1] == '.' || out[length - 1] == ' '))
                length--;
    }
    out[length] = 0;
    return length;
}

/* The start of the full name, and where `..` stops. */
static ULONG Root(PWSTR out, PCWSTR *path, RTL_PATH_TYPE type, ULONG *root)
{
    const UNICODE_STRING *current = &CurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
    ULONG length = 0;
    switch (type) {
    case RtlPathTypeDriveAbsolute:
    case RtlPathTypeDriveRelative:
        out[0] = RtlUpcaseUnicodeChar((*path)[0]);
        out[1] = ':';
        out[2] = '\\';
        *root = length = 3;
        if (type == RtlPathTypeDriveRelative && current->Length >= 6 &&
            RtlUpcaseUnicodeChar(current->Buffer[0]) == out[0]) {
            length = current->Length / sizeof(WCHAR);
            memcpy(out, current->Buffer, current->Length);
        }
        *path += 2;
        break;
    case RtlPathTypeRooted:
        memcpy(out, current->Buffer, 3 * sizeof(WCHAR));
        *root = length = 3;
        break;
    case RtlPathTypeRelative:
        length = current->Length / sizeof(WCHAR);
        memcpy(out, current->Buffer, current->Length);
        *root = 3;
        break;
    default: /* two slashes, and for devices the dot */
        out[0] = out[1] = '\\';
        length = 2;
        *path += 2;
        if (type == RtlPathTypeLocalDevice || type == RtlPathTypeRootLocalDevice) {
            out[length++] = *(*path)++;
            out[length++] = '\\';
        }
        *root = length;
        break;
    }
    while (length > *root && out[length - 1] == '\\')
        length--;
    while (IsSlash(**path))
        (*path)++;
    return length;
}

static ULONG FullName(PCWSTR path, PWSTR out)
{
    ULONG root, device = RtlIsDosDeviceName_U(path);
    if (device != 0) {
        wcscpy(out, L"\\\\.\\");
        memcpy(out + 4, (const CHAR *)path + (device >> 16), device & 0xffff);
        out[4 + (device & 0xffff) / sizeof(WCHAR)] = 0;
        return 4 + (device & 0xffff) / sizeof(WCHAR);
    }
    ULONG length = Root(out, &path, RtlDetermineDosPathNameType_U(path), &root);
    return AppendParts(out, length, root, path);
}

/* Room for the longest name that a path can become, on the heap. */
static PWSTR RoomFor(PCWSTR path)
{
    SIZE_T current = CurrentPeb()->ProcessParameters->CurrentDirectory.DosPath.Length;
    return Allocate(current + (wcslen(path) + 16) * sizeof(WCHAR));
}

static PWSTR FilePart(PWSTR full)
{
    PWSTR last = wcsrchr(full, '\\');
    return last != NULL && last[1] != 0 ? last + 1 : NULL;
}

/* Sizes and results in bytes; a result above the size is what is needed, terminator included. */
ULONG NTAPI RtlGetFullPathName_U(PCWSTR path, ULONG size, PWSTR buffer, PWSTR *file_part)
{
    if (path == NULL || *path == 0 || wcslen(path) > MAX_PATH * 8)
        return 0;
    PWSTR full = RoomFor(path);
    if (full == NULL)
        return 0;
    ULONG bytes = FullName(path, full) * sizeof(WCHAR);
    if (file_part != NULL)
        *file_part = NULL;
    if (bytes + sizeof(WCHAR) <= size) {
        memcpy(buffer, full, bytes + sizeof(WCHAR));
        if (file_part != NULL)
            *file_part = FilePart(buffer);
    } else {
        bytes += sizeof(WCHAR);
    }
    Release(full);
    return bytes;
}

/* C:\x -> \??\C:\x, \\server\x -> \??\UNC\server\x, \\.\x -> \??\x, and \\?\ as it stands. */
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(PCWSTR path, PUNICODE_STRING nt, PWSTR *file_part, PVOID relative)
{
    if (relative != NULL)
        memset(relative, 0, 16);
    if (path == NULL || *path == 0)
        return FALSE;
    PWSTR full = RoomFor(path), start = full;
    if (full == NULL)
        return FALSE;
    if (wcsncmp(path, L"\\\\?\\", 4) == 0 && wcslen(path) < MAX_NT_PATH)
        wcscpy(full, path);
    else if (wcslen(path) <= MAX_PATH * 8)
        FullName(path, full);
    WCHAR prefix[12] = L"\\??\\";
    if (full[0] == '\\' && full[1] == '\\' && (full[2] == '.' || full[2] == '?'))
        start = full + min(wcslen(full), (size_t)4);
    else if (full[0] == '\\') {
        wcscat(prefix, L"UNC");
        start = full + 1;
    }
    SIZE_T bytes = (wcslen(prefix) + wcslen(start)) * sizeof(WCHAR);
    nt->Buffer = full[0] != 0 && bytes < 0xfffc ? Allocate(bytes + sizeof(WCHAR)) : NULL;
    if (nt->Buffer != NULL) {
        nt->Length = (USHORT)bytes;
        nt->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
        wcscat(wcscpy(nt->Buffer, prefix), start);
        if (file_part != NULL)
            *file_part = FilePart(nt->Buffer);
    }
    Release(full);
    return nt->Buffer != NULL;
}

BOOLEAN NTAPI RtlDoesFileExists_U(PCWSTR path)
{
    UNICODE_STRING name;
    FILE_BASIC_INFORMATION basic;
    if (!RtlDosPathNameToNtPathName_U(path, &name, NULL, NULL))
        return FALSE;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    attributes.Attributes = OBJ_CASE_INSENSITIVE;
    NTSTATUS status = NtQueryAttributesFile(&attributes, &basic);
    RtlFreeUnicodeString(&name);
    return NT_SUCCESS(status) || status == STATUS_SHARING_VIOLATION || status == STATUS_ACCESS_DENIED;
}

ULONG NTAPI RtlGetCurrentDirectory_U(ULONG size, PWSTR buffer)
{
    RtlAcquirePebLock();
    const UNICODE_STRING *current = &CurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
    ULONG bytes = current->Length;
    if (bytes > 6 && current->Buffer[bytes / sizeof(WCHAR) - 1] == '\\')
        bytes -= sizeof(WCHAR);
    BOOL fits = bytes + sizeof(WCHAR) <= size;
    if (fits) {
        memcpy(buffer, current->Buffer, bytes);
        buffer[bytes / sizeof(WCHAR)] = 0;
    }
    RtlReleasePebLock();
    return fits ? bytes : bytes + sizeof(WCHAR);
}

static NTSTATUS OpenDirectory(PCWSTR path, PHANDLE handle)
{
    UNICODE_STRING name;
    IO_STATUS_BLOCK block;
    if (!RtlDosPathNameToNtPathName_U(path, &name, NULL, NULL))
        return STATUS_OBJECT_NAME_INVALID;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    attributes.Attributes = OBJ_CASE_INSENSITIVE;
    NTSTATUS status = NtOpenFile(handle, FILE_TRAVERSE | SYNCHRONIZE, &attributes, &block,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    RtlFreeUnicodeString(&name);
    return status;
}

/* The directory stays open, so that nobody removes it. */
NTSTATUS NTAPI RtlSetCurrentDirectory_U(PCUNICODE_STRING path)
{
    CURDIR *current = &CurrentPeb()->ProcessParameters->CurrentDirectory;
    UNICODE_STRING wanted;
    WCHAR full[MAX_PATH + 2];
    HANDLE handle;
    NTSTATUS status = RtlDuplicateUnicodeString(1, path, &wanted);
    if (!NT_SUCCESS(status))
        return status;
    ULONG bytes = RtlGetFullPathName_U(wanted.Buffer, MAX_PATH * sizeof(WCHAR), full, NULL);
    RtlFreeUnicodeString(&wanted);
    if (bytes == 0 || bytes >= MAX_PATH * sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    if (full[bytes / sizeof(WCHAR) - 1] != '\\')
        wcscat(full, L"\\");
    status = OpenDirectory(full, &handle);
    if (!NT_SUCCESS(status))
        return status;
    UNICODE_STRING made;
    if (!RtlCreateUnicodeString(&made, full)) {
        NtClose(handle);
        return STATUS_NO_MEMORY;
    }
    RtlAcquirePebLock();
    HANDLE old = current->Handle;
    current->DosPath = made; /* the old buffer may be part of the process parameters; it is kept */
    current->Handle = handle;
    RtlReleasePebLock();
    if (old != NULL)
        NtClose(old);
    return STATUS_SUCCESS;
}

/* Looks for a file, with the extension if the name has none, in each directory of a list divided by semicolons. */
ULONG NTAPI RtlDosSearchPath_U(PCWSTR path, PCWSTR name, PCWSTR extension, ULONG size, PWSTR buffer, PWSTR *file_part)
{
    WCHAR candidate[MAX_PATH * 2];
    PCWSTR last = wcsrchr(name, '\\');
    BOOL needs_extension = extension != NULL && wcschr(last != NULL ? last : name, '.') == NULL;
    size_t tail = wcslen(name) + (needs_extension ? wcslen(extension) : 0) + 2;
    BOOL is_here = name[0] == '.' && (IsSlash(name[1]) || (name[1] == '.' && IsSlash(name[2])));
    BOOL is_alone = is_here || RtlDetermineDosPathNameType_U(name) != RtlPathTypeRelative;
    while (is_alone || *path != 0) {
        size_t length = 0;
        while (!is_alone && path[length] != 0 && path[length] != ';')
            length++;
        if (length + tail <= COUNT_OF(candidate)) {
            memcpy(candidate, path, length * sizeof(WCHAR));
            candidate[length] = 0;
            if (length > 0 && !IsSlash(candidate[length - 1]))
                wcscat(candidate, L"\\");
            wcscat(candidate, name);
            if (needs_extension)
                wcscat(candidate, extension);
            if (RtlDoesFileExists_U(candidate))
                return RtlGetFullPathName_U(candidate, size, buffer, file_part);
        }
        if (is_alone)
            break;
        path += length + (path[length] == ';');
    }
    return 0;
}
