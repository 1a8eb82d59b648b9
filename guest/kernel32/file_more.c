/* Calls about files that few programs make: routines at completion, device controls, extended locks, links. */

#include "base.h"

typedef NTSTATUS(NTAPI *Transfer)(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, PVOID, ULONG, PLARGE_INTEGER,
                                  PULONG);

/* Runs when the thread waits alertably: the routine gets the error, the number of bytes and the OVERLAPPED. */
static VOID NTAPI Complete(PVOID routine, PVOID value, PVOID unused)
{
    LPOVERLAPPED overlapped = value;
    NTSTATUS status = (NTSTATUS)overlapped->Internal;
    (void)unused;
    ((LPOVERLAPPED_COMPLETION_ROUTINE)routine)(NT_SUCCESS(status) ? 0 : RtlNtStatusToDosError(status),
                                               overlapped->InternalHigh, overlapped);
}

/* The kernel ends transfers before it returns, so the routine is queued here. */
static BOOL TransferEx(Transfer transfer, HANDLE file, PVOID buffer, DWORD size, LPOVERLAPPED overlapped,
                       LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
    LARGE_INTEGER offset = {.LowPart = overlapped->Offset, .HighPart = (LONG)overlapped->OffsetHigh};
    PIO_STATUS_BLOCK block = (PIO_STATUS_BLOCK)overlapped;
    block->Status = STATUS_PENDING;
    block->Information = 0;
    NTSTATUS status = transfer(file, NULL, NULL, NULL, block, buffer, size, &offset, NULL);
    if (status == STATUS_PENDING)
        status = NtWaitForSingleObject(file, FALSE, NULL);
    if (!NT_SUCCESS(status) && status != STATUS_END_OF_FILE)
        return BaseCheck(status);
    if (status == STATUS_END_OF_FILE)
        block->Status = status;
    return BaseCheck(NtQueueApcThread(NtCurrentThread(), Complete, (PVOID)routine, overlapped, NULL));
}

BOOL WINAPI ReadFileEx(HANDLE file, LPVOID buffer, DWORD size, LPOVERLAPPED overlapped,
                       LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return TransferEx((Transfer)NtReadFile, file, buffer, size, overlapped, routine);
}

BOOL WINAPI WriteFileEx(HANDLE file, LPCVOID buffer, DWORD size, LPOVERLAPPED overlapped,
                        LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
    return TransferEx((Transfer)NtWriteFile, file, (PVOID)buffer, size, overlapped, routine);
}

BOOL WINAPI CancelIo(HANDLE file)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(NtCancelIoFile(file, &block));
}

/* The device type in the code says which kind of control it is: file systems have their own. */
BOOL WINAPI DeviceIoControl(HANDLE device, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD done,
                            LPOVERLAPPED overlapped)
{
    IO_STATUS_BLOCK own;
    PIO_STATUS_BLOCK block = overlapped != NULL ? (PIO_STATUS_BLOCK)overlapped : &own;
    HANDLE event = overlapped != NULL ? overlapped->hEvent : NULL;
    BOOL is_file_system = code >> 16 == 0x09;
    block->Status = STATUS_PENDING;
    block->Information = 0;
    NTSTATUS status =
        is_file_system
            ? NtFsControlFile(device, event, NULL, overlapped, block, code, in, in_size, out, out_size)
            : NtDeviceIoControlFile(device, event, NULL, overlapped, block, code, in, in_size, out, out_size);
    if (status == STATUS_PENDING && overlapped != NULL)
        return BaseFail(ERROR_IO_PENDING);
    if (status == STATUS_PENDING && NT_SUCCESS(NtWaitForSingleObject(device, FALSE, NULL)))
        status = block->Status;
    if (done != NULL)
        *done = NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW ? block->Information : 0;
    return BaseCheck(status);
}

BOOL WINAPI LockFileEx(HANDLE file, DWORD flags, DWORD reserved, DWORD low, DWORD high, LPOVERLAPPED overlapped)
{
    LARGE_INTEGER offset = {.LowPart = overlapped->Offset, .HighPart = (LONG)overlapped->OffsetHigh};
    LARGE_INTEGER size = {.LowPart = low, .HighPart = (LONG)high};
    PIO_STATUS_BLOCK block = (PIO_STATUS_BLOCK)overlapped;
    if (reserved != 0)
        return BaseFail(ERROR_INVALID_PARAMETER);
    block->Status = STATUS_PENDING;
    NTSTATUS status = NtLockFile(file, overlapped->hEvent, NULL, NULL, block, &offset, &size, 0,
                                 (flags & LOCKFILE_FAIL_IMMEDIATELY) != 0, (flags & LOCKFILE_EXCLUSIVE_LOCK) != 0);
    return status == STATUS_PENDING ? BaseFail(ERROR_IO_PENDING) : BaseCheck(status);
}

BOOL WINAPI UnlockFileEx(HANDLE file, DWORD reserved, DWORD low, DWORD high, LPOVERLAPPED overlapped)
{
    IO_STATUS_BLOCK block;
    LARGE_INTEGER offset = {.LowPart = overlapped->Offset, .HighPart = (LONG)overlapped->OffsetHigh};
    LARGE_INTEGER size = {.LowPart = low, .HighPart = (LONG)high};
    return reserved == 0 ? BaseCheck(NtUnlockFile(file, &block, &offset, &size, 0)) : BaseFail(ERROR_INVALID_PARAMETER);
}

/* Files are not compressed: their size on disk is their size. */
DWORD WINAPI GetCompressedFileSizeW(LPCWSTR name, LPDWORD high)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    if (!GetFileAttributesExW(name, GetFileExInfoStandard, &data))
        return INVALID_FILE_SIZE;
    if (high != NULL)
        *high = data.nFileSizeHigh;
    return data.nFileSizeLow;
}

DWORD WINAPI GetCompressedFileSizeA(LPCSTR name, LPDWORD high)
{
    PWSTR wide = BaseWide(name);
    DWORD size = GetCompressedFileSizeW(wide, high);
    BaseRelease(wide);
    return size;
}

/* The template's attributes; a directory here has nothing else to copy. */
BOOL WINAPI CreateDirectoryExW(LPCWSTR template, LPCWSTR name, LPSECURITY_ATTRIBUTES security)
{
    DWORD attributes = GetFileAttributesW(template);
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return FALSE;
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return BaseFail(ERROR_DIRECTORY);
    DWORD kept = attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_READONLY);
    return CreateDirectoryW(name, security) && (kept == 0 || SetFileAttributesW(name, kept));
}

BOOL WINAPI CreateDirectoryExA(LPCSTR template, LPCSTR name, LPSECURITY_ATTRIBUTES security)
{
    PWSTR wide_template = BaseWide(template), wide_name = BaseWide(name);
    BOOL is_made = CreateDirectoryExW(wide_template, wide_name, security);
    BaseRelease(wide_name);
    BaseRelease(wide_template);
    return is_made;
}

/* The search knows no filters but the pattern; directories only is a wish that Windows does not fulfil either. */
HANDLE WINAPI FindFirstFileExW(LPCWSTR path, FINDEX_INFO_LEVELS level, LPVOID out, FINDEX_SEARCH_OPS operation,
                               LPVOID filter, DWORD flags)
{
    if (level != FindExInfoStandard || (DWORD)operation > FindExSearchLimitToDirectories || filter != NULL ||
        flags & (DWORD)~FIND_FIRST_EX_CASE_SENSITIVE) {
        BaseFail(ERROR_NOT_SUPPORTED);
        return INVALID_HANDLE_VALUE;
    }
    return FindFirstFileW(path, out);
}

HANDLE WINAPI FindFirstFileExA(LPCSTR path, FINDEX_INFO_LEVELS level, LPVOID out, FINDEX_SEARCH_OPS operation,
                               LPVOID filter, DWORD flags)
{
    if (level != FindExInfoStandard || (DWORD)operation > FindExSearchLimitToDirectories || filter != NULL ||
        flags & (DWORD)~FIND_FIRST_EX_CASE_SENSITIVE) {
        BaseFail(ERROR_NOT_SUPPORTED);
        return INVALID_HANDLE_VALUE;
    }
    return FindFirstFileA(path, out);
}

/* What kind of program a file is, by its headers. */
BOOL WINAPI GetBinaryTypeW(LPCWSTR name, LPDWORD type)
{
    IMAGE_DOS_HEADER dos;
    DWORD signature = 0, done;
    HANDLE file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    BOOL is_program = ReadFile(file, &dos, sizeof dos, &done, NULL) && done == sizeof dos && dos.e_magic == IMAGE_DOS_SIGNATURE;
    IMAGE_FILE_HEADER header = {0};
    if (is_program && SetFilePointer(file, dos.e_lfanew, NULL, FILE_BEGIN) != INVALID_SET_FILE_POINTER &&
        ReadFile(file, &signature, sizeof signature, &done, NULL) && signature == IMAGE_NT_SIGNATURE)
        ReadFile(file, &header, sizeof header, &done, NULL);
    CloseHandle(file);
    if (!is_program || (signature == IMAGE_NT_SIGNATURE && header.Characteristics & IMAGE_FILE_DLL))
        return BaseFail(ERROR_BAD_EXE_FORMAT);
    *type = signature != IMAGE_NT_SIGNATURE              ? SCS_DOS_BINARY
            : header.Machine == IMAGE_FILE_MACHINE_I386 ? SCS_32BIT_BINARY
                                                         : SCS_64BIT_BINARY;
    return TRUE;
}

BOOL WINAPI GetBinaryTypeA(LPCSTR name, LPDWORD type)
{
    PWSTR wide = BaseWide(name);
    BOOL is_program = GetBinaryTypeW(wide, type);
    BaseRelease(wide);
    return is_program;
}
