/* Named pipes: the server's end, the client's calls, and what both ask. */

#include "base.h"
#include <winioctl.h>

#define PIPE_DISCONNECT CTL_CODE(FILE_DEVICE_NAMED_PIPE, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define PIPE_LISTEN CTL_CODE(FILE_DEVICE_NAMED_PIPE, 2, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define PIPE_PEEK CTL_CODE(FILE_DEVICE_NAMED_PIPE, 3, METHOD_BUFFERED, FILE_READ_DATA)
#define PIPE_WAIT_FOR CTL_CODE(FILE_DEVICE_NAMED_PIPE, 6, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define DEFAULT_TIMEOUT_MS 50

typedef struct {
    ULONG ReadMode, CompletionMode;
} PipeInformation;

typedef struct {
    ULONG NamedPipeState, ReadDataAvailable, NumberOfMessages, MessageLength;
    CHAR Data[];
} PipePeek;

typedef struct {
    LARGE_INTEGER Timeout;
    ULONG NameLength;
    BOOLEAN TimeoutSpecified;
    WCHAR Name[MAX_PATH];
} PipeWaitFor;

static NTSTATUS Control(HANDLE pipe, ULONG code, PVOID in, ULONG in_size, PVOID out, ULONG out_size,
                        PIO_STATUS_BLOCK block)
{
    block->Status = STATUS_PENDING;
    NTSTATUS status = NtFsControlFile(pipe, NULL, NULL, NULL, block, code, in, in_size, out, out_size);
    if (status == STATUS_PENDING && NT_SUCCESS(NtWaitForSingleObject(pipe, FALSE, NULL)))
        status = block->Status;
    return status;
}

static NTSTATUS CreateNamed(PHANDLE pipe, POBJECT_ATTRIBUTES attributes, DWORD open, DWORD mode, DWORD instances,
                            DWORD out_size, DWORD in_size, DWORD timeout)
{
    IO_STATUS_BLOCK block;
    LARGE_INTEGER time = {.QuadPart = -10000LL * (timeout != 0 ? timeout : DEFAULT_TIMEOUT_MS)};
    DWORD kind = open & PIPE_ACCESS_DUPLEX, share = 0;
    ACCESS_MASK access = SYNCHRONIZE | (open & (WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY));
    access |= kind & PIPE_ACCESS_INBOUND ? GENERIC_READ : 0;
    access |= kind & PIPE_ACCESS_OUTBOUND ? GENERIC_WRITE : 0;
    share |= kind & PIPE_ACCESS_INBOUND ? FILE_SHARE_WRITE : 0;
    share |= kind & PIPE_ACCESS_OUTBOUND ? FILE_SHARE_READ : 0;
    ULONG options = open & FILE_FLAG_OVERLAPPED ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
    options |= open & FILE_FLAG_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0;
    ULONG disposition = open & FILE_FLAG_FIRST_PIPE_INSTANCE ? FILE_CREATE : FILE_OPEN_IF;
    return NtCreateNamedPipeFile(pipe, access, attributes, &block, share, disposition, options,
                                 (mode & PIPE_TYPE_MESSAGE) != 0, (mode & PIPE_READMODE_MESSAGE) != 0,
                                 (mode & PIPE_NOWAIT) != 0, instances == PIPE_UNLIMITED_INSTANCES ? MAXDWORD : instances,
                                 in_size, out_size, &time);
}

HANDLE WINAPI CreateNamedPipeW(LPCWSTR name, DWORD open, DWORD mode, DWORD instances, DWORD out_size, DWORD in_size,
                               DWORD timeout, LPSECURITY_ATTRIBUTES security)
{
    UNICODE_STRING nt;
    OBJECT_ATTRIBUTES attributes;
    HANDLE pipe = INVALID_HANDLE_VALUE;
    BOOL is_message = mode & PIPE_TYPE_MESSAGE;
    if (instances == 0 || instances > PIPE_UNLIMITED_INSTANCES || (open & PIPE_ACCESS_DUPLEX) == 0 ||
        (mode & PIPE_READMODE_MESSAGE && !is_message)) {
        BaseFail(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    if (!BaseNtPath(name, &nt, &attributes))
        return INVALID_HANDLE_VALUE;
    attributes.Attributes |= security != NULL && security->bInheritHandle ? OBJ_INHERIT : 0;
    NTSTATUS status = CreateNamed(&pipe, &attributes, open, mode, instances, out_size, in_size, timeout);
    RtlFreeUnicodeString(&nt);
    return BaseCheck(status) ? pipe : INVALID_HANDLE_VALUE;
}

HANDLE WINAPI CreateNamedPipeA(LPCSTR name, DWORD open, DWORD mode, DWORD instances, DWORD out_size, DWORD in_size,
                               DWORD timeout, LPSECURITY_ATTRIBUTES security)
{
    PWSTR wide = BaseWide(name);
    HANDLE pipe = CreateNamedPipeW(wide, open, mode, instances, out_size, in_size, timeout, security);
    BaseRelease(wide);
    return pipe;
}

/* A client that came before is an error of its own; in the mode without waiting, so is that none has come. */
BOOL WINAPI ConnectNamedPipe(HANDLE pipe, LPOVERLAPPED overlapped)
{
    IO_STATUS_BLOCK block;
    if (overlapped == NULL)
        return BaseCheck(Control(pipe, PIPE_LISTEN, NULL, 0, NULL, 0, &block));
    overlapped->Internal = STATUS_PENDING;
    NTSTATUS status = NtFsControlFile(pipe, overlapped->hEvent, NULL, overlapped, (PIO_STATUS_BLOCK)overlapped,
                                      PIPE_LISTEN, NULL, 0, NULL, 0);
    return status == STATUS_PENDING ? BaseFail(ERROR_IO_PENDING) : BaseCheck(status);
}

BOOL WINAPI DisconnectNamedPipe(HANDLE pipe)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(Control(pipe, PIPE_DISCONNECT, NULL, 0, NULL, 0, &block));
}

BOOL WINAPI PeekNamedPipe(HANDLE pipe, LPVOID buffer, DWORD size, LPDWORD read, LPDWORD available, LPDWORD left)
{
    IO_STATUS_BLOCK block;
    DWORD room = FIELD_OFFSET(PipePeek, Data) + size;
    PipePeek *peek = BaseAllocate(room);
    if (peek == NULL)
        return BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    NTSTATUS status = Control(pipe, PIPE_PEEK, NULL, 0, peek, room, &block);
    if (status == STATUS_BUFFER_OVERFLOW)
        status = STATUS_SUCCESS;
    DWORD got = NT_SUCCESS(status) ? (DWORD)block.Information - FIELD_OFFSET(PipePeek, Data) : 0;
    if (NT_SUCCESS(status) && buffer != NULL)
        memcpy(buffer, peek->Data, got);
    if (NT_SUCCESS(status) && read != NULL)
        *read = got;
    if (NT_SUCCESS(status) && available != NULL)
        *available = peek->ReadDataAvailable;
    if (NT_SUCCESS(status) && left != NULL)
        *left = peek->MessageLength > got ? peek->MessageLength - got : 0;
    BaseRelease(peek);
    return BaseCheck(status);
}

static BOOL QueryLocal(HANDLE pipe, PIPE_LOCAL_INFORMATION *local)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(NtQueryInformationFile(pipe, &block, local, sizeof *local, FilePipeLocalInformation));
}

static BOOL QueryMode(HANDLE pipe, PipeInformation *mode)
{
    IO_STATUS_BLOCK block;
    return BaseCheck(NtQueryInformationFile(pipe, &block, mode, sizeof *mode, FilePipeInformation));
}

BOOL WINAPI GetNamedPipeInfo(HANDLE pipe, LPDWORD flags, LPDWORD out_size, LPDWORD in_size, LPDWORD instances)
{
    PIPE_LOCAL_INFORMATION local;
    if (!QueryLocal(pipe, &local))
        return FALSE;
    if (flags != NULL)
        *flags = (local.NamedPipeEnd ? PIPE_SERVER_END : PIPE_CLIENT_END) |
                 (local.NamedPipeType ? PIPE_TYPE_MESSAGE : PIPE_TYPE_BYTE);
    if (out_size != NULL)
        *out_size = local.OutboundQuota;
    if (in_size != NULL)
        *in_size = local.InboundQuota;
    if (instances != NULL)
        *instances = min(local.MaximumInstances, (ULONG)PIPE_UNLIMITED_INSTANCES);
    return TRUE;
}

/* Nothing is collected and nobody is impersonated here: those questions fail. */
BOOL WINAPI GetNamedPipeHandleStateW(HANDLE pipe, LPDWORD state, LPDWORD instances, LPDWORD collect, LPDWORD timeout,
                                     LPWSTR user, DWORD size)
{
    PIPE_LOCAL_INFORMATION local;
    PipeInformation mode;
    (void)size;
    if (collect != NULL || timeout != NULL || user != NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (!QueryMode(pipe, &mode) || !QueryLocal(pipe, &local))
        return FALSE;
    if (state != NULL)
        *state = (mode.CompletionMode ? PIPE_NOWAIT : 0) | (mode.ReadMode ? PIPE_READMODE_MESSAGE : 0);
    if (instances != NULL)
        *instances = min(local.CurrentInstances, (ULONG)PIPE_UNLIMITED_INSTANCES);
    return TRUE;
}

BOOL WINAPI GetNamedPipeHandleStateA(HANDLE pipe, LPDWORD state, LPDWORD instances, LPDWORD collect, LPDWORD timeout,
                                     LPSTR user, DWORD size)
{
    return GetNamedPipeHandleStateW(pipe, state, instances, collect, timeout, (LPWSTR)user, size);
}

BOOL WINAPI SetNamedPipeHandleState(HANDLE pipe, LPDWORD state, LPDWORD collect, LPDWORD timeout)
{
    IO_STATUS_BLOCK block;
    if (collect != NULL || timeout != NULL)
        return BaseFail(ERROR_INVALID_PARAMETER);
    if (state == NULL)
        return TRUE;
    if (*state & (DWORD) ~(PIPE_NOWAIT | PIPE_READMODE_MESSAGE))
        return BaseFail(ERROR_INVALID_PARAMETER);
    PipeInformation mode = {(*state & PIPE_READMODE_MESSAGE) != 0, (*state & PIPE_NOWAIT) != 0};
    return BaseCheck(NtSetInformationFile(pipe, &block, &mode, sizeof mode, FilePipeInformation));
}

/* The part of a name behind \\.\pipe\. */
static PCWSTR NameOfPipe(PCWSTR name)
{
    static const WCHAR Prefix[] = L"\\\\.\\pipe\\";
    return _wcsnicmp(name, Prefix, COUNT_OF(Prefix) - 1) == 0 ? name + COUNT_OF(Prefix) - 1 : NULL;
}

BOOL WINAPI WaitNamedPipeW(LPCWSTR name, DWORD timeout)
{
    PCWSTR part = NameOfPipe(name);
    PipeWaitFor wait = {.TimeoutSpecified = timeout != NMPWAIT_USE_DEFAULT_WAIT};
    UNICODE_STRING root = {22, 24, (PWSTR)L"\\??\\PIPE\\"};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &root};
    IO_STATUS_BLOCK block;
    HANDLE device;
    root.Length = (USHORT)(wcslen(root.Buffer) * sizeof(WCHAR));
    attributes.Attributes = OBJ_CASE_INSENSITIVE;
    if (part == NULL || *part == 0 || wcslen(part) >= COUNT_OF(wait.Name))
        return BaseFail(part == NULL ? ERROR_INVALID_NAME : ERROR_FILE_NOT_FOUND);
    NTSTATUS status = NtOpenFile(&device, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &block,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    if (!BaseCheck(status))
        return FALSE;
    wait.NameLength = wcslen(part) * sizeof(WCHAR);
    memcpy(wait.Name, part, wait.NameLength);
    wait.Timeout.QuadPart = timeout == NMPWAIT_WAIT_FOREVER ? (LONGLONG)(1ULL << 63) : -10000LL * timeout;
    ULONG size = FIELD_OFFSET(PipeWaitFor, Name) + wait.NameLength;
    status = Control(device, PIPE_WAIT_FOR, &wait, size, NULL, 0, &block);
    NtClose(device);
    return status == STATUS_IO_TIMEOUT ? BaseFail(ERROR_SEM_TIMEOUT) : BaseCheck(status);
}

BOOL WINAPI WaitNamedPipeA(LPCSTR name, DWORD timeout)
{
    PWSTR wide = BaseWide(name);
    BOOL is_there = wide != NULL && WaitNamedPipeW(wide, timeout);
    BaseRelease(wide);
    return is_there;
}

/* One message out, one back. The pipe must give whole messages. */
BOOL WINAPI TransactNamedPipe(HANDLE pipe, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD read,
                              LPOVERLAPPED overlapped)
{
    PipeInformation mode;
    DWORD written;
    if (!QueryMode(pipe, &mode))
        return FALSE;
    if (mode.ReadMode == 0)
        return BaseFail(ERROR_BAD_PIPE);
    return WriteFile(pipe, in, in_size, &written, NULL) && ReadFile(pipe, out, out_size, read, overlapped);
}

BOOL WINAPI CallNamedPipeW(LPCWSTR name, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD read,
                           DWORD timeout)
{
    DWORD mode = PIPE_READMODE_MESSAGE | PIPE_WAIT;
    HANDLE pipe;
    for (;;) {
        pipe = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                           FILE_ATTRIBUTE_NORMAL, NULL);
        if (pipe != INVALID_HANDLE_VALUE)
            break;
        if (GetLastError() != ERROR_PIPE_BUSY || timeout == NMPWAIT_NOWAIT || !WaitNamedPipeW(name, timeout))
            return FALSE;
    }
    BOOL is_done = SetNamedPipeHandleState(pipe, &mode, NULL, NULL) &&
                   TransactNamedPipe(pipe, in, in_size, out, out_size, read, NULL);
    DWORD error = GetLastError();
    NtClose(pipe);
    SetLastError(error);
    return is_done;
}

BOOL WINAPI CallNamedPipeA(LPCSTR name, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD read,
                           DWORD timeout)
{
    PWSTR wide = BaseWide(name);
    BOOL is_done = wide != NULL && CallNamedPipeW(wide, in, in_size, out, out_size, read, timeout);
    BaseRelease(wide);
    return is_done;
}
