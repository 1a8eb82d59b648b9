/* Pipes without a name, which have one nevertheless: the reading end serves it, the writing end is its only client. */

#include "base.h"

#define USUAL_SIZE 4096

static LONG Serial;

static NTSTATUS Serve(PHANDLE reader, POBJECT_ATTRIBUTES attributes, DWORD size)
{
    IO_STATUS_BLOCK block;
    LARGE_INTEGER timeout = {.QuadPart = -120 * 10000000LL};
    return NtCreateNamedPipeFile(reader, GENERIC_READ | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, attributes, &block,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0,
                                 1, size, size, &timeout);
}

BOOL WINAPI CreatePipe(PHANDLE reader, PHANDLE writer, LPSECURITY_ATTRIBUTES security, DWORD size)
{
    WCHAR text[64];
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    IO_STATUS_BLOCK block;
    _snwprintf(text, COUNT_OF(text), L"\\Device\\NamedPipe\\Win32Pipes.%08x.%08x", GetCurrentProcessId(),
               __sync_add_and_fetch(&Serial, 1));
    RtlInitUnicodeString(&name, text);
    attributes.Attributes = OBJ_CASE_INSENSITIVE | (security != NULL && security->bInheritHandle ? OBJ_INHERIT : 0);
    if (!BaseCheck(Serve(reader, &attributes, size != 0 ? size : USUAL_SIZE)))
        return FALSE;
    NTSTATUS status = NtOpenFile(writer, GENERIC_WRITE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &block,
                                 FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(status))
        NtClose(*reader);
    return BaseCheck(status);
}
