/* Making a process: its image as a section, the process, its parameters and environment, its first thread. */

#include "ntdll.h"

#define PROCESS_INHERIT_HANDLES 4

static NTSTATUS OpenImage(PUNICODE_STRING path, ULONG attributes, PHANDLE section)
{
    OBJECT_ATTRIBUTES object = {.Length = sizeof object, .ObjectName = path};
    IO_STATUS_BLOCK block;
    HANDLE file;
    object.Attributes = attributes & OBJ_CASE_INSENSITIVE ? OBJ_CASE_INSENSITIVE : 0;
    NTSTATUS status = NtOpenFile(&file, SYNCHRONIZE | FILE_EXECUTE | FILE_READ_DATA, &object, &block,
                                 FILE_SHARE_READ | FILE_SHARE_DELETE,
                                 FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(status))
        return status;
    status = NtCreateSection(section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, file);
    NtClose(file);
    return status;
}

static SIZE_T EnvironmentBytes(PCWSTR block)
{
    PCWSTR at = block;
    while (*at != 0)
        at += wcslen(at) + 1;
    return (SIZE_T)(at - block + 1) * sizeof(WCHAR);
}

/* Memory of another process with these bytes in it. */
static NTSTATUS Place(HANDLE process, const void *bytes, SIZE_T size, PVOID *base)
{
    SIZE_T room = size;
    *base = NULL;
    NTSTATUS status = NtAllocateVirtualMemory(process, base, 0, &room, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!NT_SUCCESS(status))
        return status;
    return NtWriteVirtualMemory(process, *base, (PVOID)bytes, size, NULL);
}

/* Environment and parameters go into the new process, which finds them by its PEB. */
static NTSTATUS PushParameters(HANDLE process, PPEB peb, PRTL_USER_PROCESS_PARAMETERS block)
{
    PVOID environment = NULL, parameters;
    PWSTR own = block->Environment;
    NTSTATUS status = own != NULL ? Place(process, own, EnvironmentBytes(own), &environment) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    block->Environment = environment;
    status = Place(process, block, block->Length, &parameters);
    block->Environment = own;
    if (!NT_SUCCESS(status))
        return status;
    return NtWriteVirtualMemory(process, &peb->ProcessParameters, &parameters, sizeof parameters, NULL);
}

static NTSTATUS FirstThread(PRTL_USER_PROCESS_INFORMATION out, PVOID security, PVOID peb)
{
    const SECTION_IMAGE_INFORMATION *image = &out->ImageInformation;
    INITIAL_TEB stack;
    CONTEXT context;
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .SecurityDescriptor = security};
    NTSTATUS status = RtlpCreateStack(out->ProcessHandle, image->CommittedStackSize, image->MaximumStackSize, &stack);
    if (!NT_SUCCESS(status))
        return status;
    RtlpStartContext(&context, image->TransferAddress, peb, stack.StackBase);
    return NtCreateThread(&out->ThreadHandle, THREAD_ALL_ACCESS, &attributes, out->ProcessHandle, &out->ClientId,
                          &context, &stack, TRUE);
}

static NTSTATUS FillProcess(PRTL_USER_PROCESS_INFORMATION out, PRTL_USER_PROCESS_PARAMETERS block, PVOID thread_security)
{
    PROCESS_BASIC_INFORMATION basic;
    NTSTATUS status =
        NtQueryInformationProcess(out->ProcessHandle, ProcessBasicInformation, &basic, sizeof basic, NULL);
    if (NT_SUCCESS(status))
        status = PushParameters(out->ProcessHandle, basic.PebBaseAddress, block);
    if (NT_SUCCESS(status))
        status = FirstThread(out, thread_security, basic.PebBaseAddress);
    return status;
}

/* A process whose first thread is suspended. `attributes` holds OBJ_CASE_INSENSITIVE for the image's name. */
NTSTATUS NTAPI RtlCreateUserProcess(PUNICODE_STRING image, ULONG attributes, PRTL_USER_PROCESS_PARAMETERS block,
                                    PVOID process_security, PVOID thread_security, HANDLE parent, BOOLEAN inherits,
                                    HANDLE debug_port, HANDLE exception_port, PRTL_USER_PROCESS_INFORMATION out)
{
    HANDLE section;
    OBJECT_ATTRIBUTES object = {.Length = sizeof object, .SecurityDescriptor = process_security};
    memset(out, 0, sizeof *out);
    out->Length = sizeof *out;
    RtlDeNormalizeProcessParams(block);
    NTSTATUS status = OpenImage(image, attributes, &section);
    if (!NT_SUCCESS(status))
        return status;
    status = NtQuerySection(section, SectionImageInformation, &out->ImageInformation, sizeof out->ImageInformation, NULL);
    if (NT_SUCCESS(status))
        status = NtCreateProcessEx(&out->ProcessHandle, PROCESS_ALL_ACCESS, &object,
                                   parent != NULL ? parent : NtCurrentProcess(),
                                   inherits ? PROCESS_INHERIT_HANDLES : 0, section, debug_port, exception_port, 0);
    NtClose(section);
    if (!NT_SUCCESS(status))
        return status;
    status = FillProcess(out, block, thread_security);
    if (!NT_SUCCESS(status)) {
        NtTerminateProcess(out->ProcessHandle, status);
        NtClose(out->ProcessHandle);
        out->ProcessHandle = NULL;
    }
    return status;
}
