/* Files: opening, reading, writing, positions, sizes and times. */

#include "base.h"

/* The console's names open the device; CON is its input or its output, as the access says. */
static PCWSTR ConsoleName(PCWSTR name, DWORD access)
{
    if (_wcsicmp(name, L"CON") != 0)
        return name;
    return access & GENERIC_WRITE ? L"CONOUT$" : L"CONIN$";
}

static ULONG OptionsFor(DWORD flags)
{
    ULONG options = flags & FILE_FLAG_BACKUP_SEMANTICS ? FILE_OPEN_FOR_BACKUP_INTENT : FILE_NON_DIRECTORY_FILE;
    if (!(flags & FILE_FLAG_OVERLAPPED))
        options |= FILE_SYNCHRONOUS_IO_NONALERT;
    if (flags & FILE_FLAG_WRITE_THROUGH)
        options |= FILE_WRITE_THROUGH;
    if (flags & FILE_FLAG_NO_BUFFERING)
        options |= FILE_NO_INTERMEDIATE_BUFFERING;
    if (flags & FILE_FLAG_RANDOM_ACCESS)
        options |= FILE_RANDOM_ACCESS;
    if (flags & FILE_FLAG_SEQUENTIAL_SCAN)
        options |= FILE_SEQUENTIAL_ONLY;
    if (flags & FILE_FLAG_DELETE_ON_CLOSE)
        options |= FILE_DELETE_ON_CLOSE;
    return options;
}

static HANDLE NotOpened(NTSTATUS status, PCWSTR name, DWORD disposition)
{
    size_t length = wcslen(name);
    BOOL names_directory = length > 0 && (name[length - 1] == '\\' || name[length - 1] == '/');
    BaseCheck(status);
    if (status == STATUS_OBJECT_NAME_COLLISION && disposition == CREATE_NEW)
        BaseFail(ERROR_FILE_EXISTS);
    else if (status == STATUS_FILE_IS_A_DIRECTORY)
        BaseFail(names_directory ? ERROR_PATH_NOT_FOUND : ERROR_ACCESS_DENIED);
    return INVALID_HANDLE_VALUE;
}

HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security, DWORD disposition,
                          DWORD flags, HANDLE template)
{
    static const ULONG Dispositions[] = {0, FILE_CREATE, FILE_OVERWRITE_IF, FILE_OPEN, FILE_OPEN_IF, FILE_OVERWRITE};
    UNICODE_STRING nt;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE file;
    (void)template;
    BOOL is_bad = disposition < CREATE_NEW || disposition > TRUNCATE_EXISTING;
    if (is_bad || (disposition == TRUNCATE_EXISTING && !(access & GENERIC_WRITE))) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    if (name == NULL || *name == 0 || !BaseNtPath(ConsoleName(name, access), &nt, &attributes)) {
        BaseFail(ERROR_PATH_NOT_FOUND);
        return INVALID_HANDLE_VALUE;
    }
    if (security != NULL && security->bInheritHandle)
        attributes.Attributes |= OBJ_INHERIT;
    access |= SYNCHRONIZE | FILE_READ_ATTRIBUTES | (flags & FILE_FLAG_DELETE_ON_CLOSE ? DELETE : 0);
    NTSTATUS status = NtCreateFile(&file, access, &attributes, &block, NULL, flags & 0x7fa7 & ~FILE_ATTRIBUTE_DIRECTORY,
                                   share, Dispositions[disposition], OptionsFor(flags), NULL, 0);
    RtlFreeUnicodeString(&nt);
    if (!NT_SUCCESS(status))
        return NotOpened(status, name, disposition);
    BOOL was_there = (disposition == CREATE_ALWAYS && block.Information == FILE_OVERWRITTEN) ||
                     (disposition == OPEN_ALWAYS && block.Information == FILE_OPENED);
    BaseFail(was_there ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
    return file;
}

HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security, DWORD disposition,
                          DWORD flags, HANDLE template)
{
    PWSTR wide = BaseWide(name);
    HANDLE file = CreateFileW(wide, access, share, security, disposition, flags, template);
    BaseRelease(wide);
    return file;
}

HFILE WINAPI _lopen(LPCSTR name, int mode)
{
    DWORD access = (mode & 3) == 0 ? GENERIC_READ : (mode & 3) == 1 ? GENERIC_WRITE : GENERIC_READ | GENERIC_WRITE;
    return (HFILE)(LONG_PTR)CreateFileA(name, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

BOOL WINAPI CloseHandle(HANDLE handle) { return BaseCheck(NtClose(BaseFileHandle(handle))); }

/* The file's own event or, without one, the file itself is awaited when the kernel did not finish at once. */
static NTSTATUS Finished(NTSTATUS status, HANDLE file, PIO_STATUS_BLOCK block)
{
    if (status == STATUS_PENDING) {
        status = NtWaitForSingleObject(file, FALSE, NULL);
        if (NT_SUCCESS(status))
            status = block->Status;
    }
    return status;
}

typedef NTSTATUS(NTAPI *Transfer)(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, PVOID, ULONG, PLARGE_INTEGER,
                                  PULONG);

/* An OVERLAPPED starts with the two words of an IO_STATUS_BLOCK; a low bit in its event keeps ports out. */
static BOOL TransferAt(Transfer transfer, HANDLE file, PVOID buffer, DWORD size, LPDWORD done, LPOVERLAPPED overlapped)
{
    LARGE_INTEGER offset = {.LowPart = overlapped->Offset, .HighPart = (LONG)overlapped->OffsetHigh};
    PIO_STATUS_BLOCK block = (PIO_STATUS_BLOCK)overlapped;
    HANDLE event = overlapped->hEvent;
    PVOID context = (ULONG_PTR)event & 1 ? NULL : overlapped;
    block->Status = STATUS_PENDING;
    NTSTATUS status = transfer(file, event, NULL, context, block, buffer, size, &offset, NULL);
    if (done != NULL)
        *done = NT_SUCCESS(status) && status != STATUS_PENDING ? block->Information : 0;
    return status == STATUS_PENDING ? BaseFail(ERROR_IO_PENDING) : BaseCheck(status);
}

BOOL WINAPI ReadFile(HANDLE file, LPVOID buffer, DWORD size, LPDWORD done, LPOVERLAPPED overlapped)
{
    IO_STATUS_BLOCK block = {0};
    file = BaseFileHandle(file);
    if (done != NULL)
        *done = 0;
    if (overlapped != NULL)
        return TransferAt((Transfer)NtReadFile, file, buffer, size, done, overlapped);
    NTSTATUS status = NtReadFile(file, NULL, NULL, NULL, &block, buffer, size, NULL, NULL);
    status = Finished(status, file, &block);
    if (status == STATUS_END_OF_FILE)
        return TRUE;
    if (NT_SUCCESS(status) && done != NULL)
        *done = block.Information;
    return BaseCheck(status);
}

BOOL WINAPI WriteFile(HANDLE file, LPCVOID buffer, DWORD size, LPDWORD done, LPOVERLAPPED overlapped)
{
    IO_STATUS_BLOCK block = {0};
    file = BaseFileHandle(file);
    if (done != NULL)
        *done = 0;
    if (overlapped != NULL)
        return TransferAt((Transfer)NtWriteFile, file, (PVOID)buffer, size, done, overlapped);
    NTSTATUS status = NtWriteFile(file, NULL, NULL, NULL, &block, (PVOID)buffer, size, NULL, NULL);
    status = Finished(status, file, &block);
    if (NT_SUCCESS(status) && done != NULL)
        *done = block.Information;
    return BaseCheck(status);
}

BOOL WINAPI GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD done, BOOL wait)
{
    if ((NTSTATUS)overlapped->Internal == STATUS_PENDING) {
        if (!wait)
            return BaseFail(ERROR_IO_INCOMPLETE);
        HANDLE event = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~1u);
        if (WaitForSingleObject(event != NULL ? event : file, INFINITE) != WAIT_OBJECT_0)
            return FALSE;
    }
    *done = overlapped->InternalHigh;
    return BaseCheck((NTSTATUS)overlapped->Internal);
}

/* Whether the other end of a pipe has not yet read all that was written to this one. */
static BOOL HasUnread(HANDLE file)
{
    PIPE_LOCAL_INFORMATION local;
    IO_STATUS_BLOCK block;
    NTSTATUS status = NtQueryInformationFile(file, &block, &local, sizeof local, FilePipeLocalInformation);
    return NT_SUCCESS(status) && local.NamedPipeState == PIPE_CONNECTED && local.WriteQuotaAvailable < local.OutboundQuota;
}

/* A pipe is flushed when everything was read. The kernel does not wait for that, so it is asked again and again. */
BOOL WINAPI FlushFileBuffers(HANDLE handle)
{
    IO_STATUS_BLOCK block;
    HANDLE file = BaseFileHandle(handle);
    if (!BaseCheck(NtFlushBuffersFile(file, &block)))
        return FALSE;
    while (HasUnread(file))
        Sleep(1);
    return TRUE;
}

static BOOL Query(HANDLE file, ULONG what, PVOID out, ULONG size)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(NtQueryInformationFile(BaseFileHandle(file), &block, out, size, what));
}

static BOOL Set(HANDLE file, ULONG what, PVOID value, ULONG size)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(NtSetInformationFile(BaseFileHandle(file), &block, value, size, what));
}

BOOL WINAPI GetFileSizeEx(HANDLE file, PLARGE_INTEGER size)
{
    FILE_STANDARD_INFORMATION standard;
    if (!Query(file, FileStandardInformation, &standard, sizeof standard))
        return FALSE;
    *size = standard.EndOfFile;
    return TRUE;
}

DWORD WINAPI GetFileSize(HANDLE file, LPDWORD high)
{
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file, &size))
        return INVALID_FILE_SIZE;
    if (high != NULL)
        *high = (DWORD)size.HighPart;
    if (size.LowPart == INVALID_FILE_SIZE)
        BaseFail(ERROR_SUCCESS);
    return size.LowPart;
}

BOOL WINAPI SetFilePointerEx(HANDLE file, LARGE_INTEGER distance, PLARGE_INTEGER place, DWORD method)
{
    FILE_POSITION_INFORMATION position = {{.QuadPart = 0}};
    LARGE_INTEGER size;
    if (method == FILE_CURRENT && !Query(file, FilePositionInformation, &position, sizeof position))
        return FALSE;
    if (method == FILE_END) {
        if (!GetFileSizeEx(file, &size))
            return FALSE;
        position.CurrentByteOffset = size;
    } else if (method != FILE_CURRENT && method != FILE_BEGIN) {
        return BaseFail(ERROR_INVALID_PARAMETER);
    }
    position.CurrentByteOffset.QuadPart += distance.QuadPart;
    if (position.CurrentByteOffset.QuadPart < 0)
        return BaseFail(ERROR_NEGATIVE_SEEK);
    if (!Set(file, FilePositionInformation, &position, sizeof position))
        return FALSE;
    if (place != NULL)
        *place = position.CurrentByteOffset;
    return TRUE;
}

DWORD WINAPI SetFilePointer(HANDLE file, LONG low, PLONG high, DWORD method)
{
    LARGE_INTEGER distance = {.QuadPart = low}, place;
    if (high != NULL) {
        distance.LowPart = (DWORD)low;
        distance.HighPart = *high;
    }
    if (!SetFilePointerEx(file, distance, &place, method))
        return INVALID_SET_FILE_POINTER;
    if (high == NULL && place.HighPart != 0) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return INVALID_SET_FILE_POINTER;
    }
    if (high != NULL)
        *high = place.HighPart;
    if (place.LowPart == INVALID_SET_FILE_POINTER)
        BaseFail(ERROR_SUCCESS);
    return place.LowPart;
}

BOOL WINAPI SetEndOfFile(HANDLE file)
{
    FILE_POSITION_INFORMATION position;
    return Query(file, FilePositionInformation, &position, sizeof position) &&
           Set(file, FileEndOfFileInformation, &position, sizeof position) &&
           Set(file, FileAllocationInformation, &position, sizeof position);
}

DWORD WINAPI GetFileType(HANDLE file)
{
    FILE_FS_DEVICE_INFORMATION device;
    IO_STATUS_BLOCK block;
    NTSTATUS status =
        NtQueryVolumeInformationFile(BaseFileHandle(file), &block, &device, sizeof device, FileFsDeviceInformation);
    if (!BaseCheck(status))
        return FILE_TYPE_UNKNOWN;
    BaseFail(ERROR_SUCCESS);
    switch (device.DeviceType) {
    case FILE_DEVICE_DISK:
    case FILE_DEVICE_FILE_SYSTEM: return FILE_TYPE_DISK;
    case FILE_DEVICE_NAMED_PIPE: return FILE_TYPE_PIPE;
    default: return FILE_TYPE_CHAR;
    }
}

BOOL WINAPI GetFileTime(HANDLE file, LPFILETIME created, LPFILETIME accessed, LPFILETIME written)
{
    FILE_BASIC_INFORMATION basic;
    if (!Query(file, FileBasicInformation, &basic, sizeof basic))
        return FALSE;
    if (created != NULL)
        memcpy(created, &basic.CreationTime, sizeof *created);
    if (accessed != NULL)
        memcpy(accessed, &basic.LastAccessTime, sizeof *accessed);
    if (written != NULL)
        memcpy(written, &basic.LastWriteTime, sizeof *written);
    return TRUE;
}

BOOL WINAPI SetFileTime(HANDLE file, const FILETIME *created, const FILETIME *accessed, const FILETIME *written)
{
    FILE_BASIC_INFORMATION basic = {.FileAttributes = 0};
    if (created != NULL)
        memcpy(&basic.CreationTime, created, sizeof *created);
    if (accessed != NULL)
        memcpy(&basic.LastAccessTime, accessed, sizeof *accessed);
    if (written != NULL)
        memcpy(&basic.LastWriteTime, written, sizeof *written);
    return Set(file, FileBasicInformation, &basic, sizeof basic);
}

BOOL WINAPI GetFileInformationByHandle(HANDLE file, LPBY_HANDLE_FILE_INFORMATION out)
{
    FILE_BASIC_INFORMATION basic;
    FILE_STANDARD_INFORMATION standard;
    FILE_INTERNAL_INFORMATION internal = {{.QuadPart = 0}};
    struct {
        FILE_FS_VOLUME_INFORMATION volume;
        WCHAR label[64];
    } named;
    IO_STATUS_BLOCK block;
    if (!Query(file, FileBasicInformation, &basic, sizeof basic) ||
        !Query(file, FileStandardInformation, &standard, sizeof standard))
        return FALSE;
    Query(file, FileInternalInformation, &internal, sizeof internal);
    named.volume.VolumeSerialNumber = 0;
    NtQueryVolumeInformationFile(file, &block, &named, sizeof named, FileFsVolumeInformation);
    out->dwFileAttributes = basic.FileAttributes;
    memcpy(&out->ftCreationTime, &basic.CreationTime, sizeof(FILETIME));
    memcpy(&out->ftLastAccessTime, &basic.LastAccessTime, sizeof(FILETIME));
    memcpy(&out->ftLastWriteTime, &basic.LastWriteTime, sizeof(FILETIME));
    out->dwVolumeSerialNumber = named.volume.VolumeSerialNumber;
    out->nFileSizeHigh = (DWORD)standard.EndOfFile.HighPart;
    out->nFileSizeLow = standard.EndOfFile.LowPart;
    out->nNumberOfLinks = standard.NumberOfLinks;
    out->nFileIndexHigh = (DWORD)internal.IndexNumber.HighPart;
    out->nFileIndexLow = internal.IndexNumber.LowPart;
    return TRUE;
}

BOOL WINAPI LockFile(HANDLE file, DWORD low, DWORD high, DWORD size_low, DWORD size_high)
{
    IO_STATUS_BLOCK block;
    LARGE_INTEGER offset = {.LowPart = low, .HighPart = (LONG)high}, size = {.LowPart = size_low, .HighPart = (LONG)size_high};
    return BaseCheck(NtLockFile(file, NULL, NULL, NULL, &block, &offset, &size, 0, TRUE, TRUE));
}

BOOL WINAPI UnlockFile(HANDLE file, DWORD low, DWORD high, DWORD size_low, DWORD size_high)
{
    IO_STATUS_BLOCK block;
    LARGE_INTEGER offset = {.LowPart = low, .HighPart = (LONG)high}, size = {.LowPart = size_low, .HighPart = (LONG)size_high};
    return BaseCheck(NtUnlockFile(file, &block, &offset, &size, 0));
}

/* NT's options are Win32's. */
BOOL WINAPI DuplicateHandle(HANDLE from, HANDLE handle, HANDLE to, LPHANDLE out, DWORD access, BOOL inherits, DWORD options)
{
    return BaseCheck(NtDuplicateObject(from, BaseFileHandle(handle), to, out, access, inherits ? OBJ_INHERIT : 0, options));
}

/* ObjectHandleFlagInformation: inherit, protect from close. */
#define HANDLE_FLAGS_CLASS 4

BOOL WINAPI GetHandleInformation(HANDLE handle, LPDWORD flags)
{
    BOOLEAN values[2];
    if (!BaseCheck(NtQueryObject(handle, HANDLE_FLAGS_CLASS, values, sizeof values, NULL)))
        return FALSE;
    *flags = (values[0] ? HANDLE_FLAG_INHERIT : 0) | (values[1] ? HANDLE_FLAG_PROTECT_FROM_CLOSE : 0);
    return TRUE;
}

BOOL WINAPI SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
    DWORD now;
    if (!GetHandleInformation(handle, &now))
        return FALSE;
    now = (now & ~mask) | (flags & mask);
    BOOLEAN values[2] = {(now & HANDLE_FLAG_INHERIT) != 0, (now & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0};
    return BaseCheck(NtSetInformationObject(handle, HANDLE_FLAGS_CLASS, values, sizeof values));
}

UINT WINAPI SetHandleCount(UINT count) { return count; }
