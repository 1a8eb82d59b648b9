/* Process parameters: one block of a structure and its strings, which a parent makes and writes into its child. */

#include "ntdll.h"

#define NORMALIZED 1
#define STRING_COUNT 7

static SIZE_T Aligned(SIZE_T size) { return (size + 3) & ~(SIZE_T)3; }

/* The strings that lie behind the structure; all are divided into an offset from the block and a size. */
static void AllStrings(PRTL_USER_PROCESS_PARAMETERS block, PUNICODE_STRING strings[STRING_COUNT + 1])
{
    PUNICODE_STRING all[STRING_COUNT + 1] = {
        &block->CurrentDirectory.DosPath, &block->ImagePathName, &block->CommandLine, &block->WindowTitle,
        &block->DesktopInfo,              &block->ShellInfo,     &block->RuntimeData, &block->DllPath};
    memcpy(strings, all, sizeof all);
}

/* Offsets from the block become addresses, in the process that has it. */
PRTL_USER_PROCESS_PARAMETERS NTAPI RtlNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS block)
{
    PUNICODE_STRING strings[STRING_COUNT + 1];
    if (block == NULL || block->Flags & NORMALIZED)
        return block;
    AllStrings(block, strings);
    for (ULONG index = 0; index < COUNT_OF(strings); index++)
        if (strings[index]->Buffer != NULL)
            strings[index]->Buffer = (PWSTR)((PCHAR)block + (ULONG_PTR)strings[index]->Buffer);
    block->Flags |= NORMALIZED;
    return block;
}

/* Addresses become offsets from the block, so that it can lie anywhere. */
PRTL_USER_PROCESS_PARAMETERS NTAPI RtlDeNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS block)
{
    PUNICODE_STRING strings[STRING_COUNT + 1];
    if (block == NULL || !(block->Flags & NORMALIZED))
        return block;
    AllStrings(block, strings);
    for (ULONG index = 0; index < COUNT_OF(strings); index++)
        if (strings[index]->Buffer != NULL)
            strings[index]->Buffer = (PWSTR)((PCHAR)strings[index]->Buffer - (PCHAR)block);
    block->Flags &= ~(ULONG)NORMALIZED;
    return block;
}

/* A copy of a string at a place of the block, and the next place. */
static PCHAR Append(PUNICODE_STRING to, PCUNICODE_STRING from, USHORT room, PCHAR place)
{
    USHORT length = from != NULL ? from->Length : 0;
    if (room < length + sizeof(WCHAR))
        room = (USHORT)min(length + sizeof(WCHAR), (SIZE_T)0xfffe);
    *to = (UNICODE_STRING){length, room, (PWSTR)place};
    if (length > 0)
        memcpy(place, from->Buffer, length);
    return place + Aligned(room);
}

static SIZE_T RoomFor(PCUNICODE_STRING string)
{
    return Aligned((string != NULL ? string->Length : 0) + sizeof(WCHAR));
}

/* What is not given comes from the caller's own process; titles and the like are empty then. The block has offsets. */
NTSTATUS NTAPI RtlCreateProcessParameters(PRTL_USER_PROCESS_PARAMETERS *out, PCUNICODE_STRING image,
                                          PCUNICODE_STRING dll_path, PCUNICODE_STRING directory, PCUNICODE_STRING line,
                                          PVOID environment, PCUNICODE_STRING title, PCUNICODE_STRING desktop,
                                          PCUNICODE_STRING shell, PCUNICODE_STRING runtime)
{
    const SIZE_T directory_room = MAX_PATH * sizeof(WCHAR);
    RtlAcquirePebLock();
    const RTL_USER_PROCESS_PARAMETERS *own = CurrentPeb()->ProcessParameters;
    dll_path = dll_path != NULL ? dll_path : &own->DllPath;
    directory = directory != NULL ? directory : &own->CurrentDirectory.DosPath;
    line = line != NULL ? line : image;
    SIZE_T size = Aligned(sizeof *own) + max(RoomFor(directory), directory_room) + RoomFor(dll_path) + RoomFor(image) +
                  RoomFor(line) + RoomFor(title) + RoomFor(desktop) + RoomFor(shell) + RoomFor(runtime);
    PRTL_USER_PROCESS_PARAMETERS block = Allocate(size);
    if (block != NULL) {
        PCHAR place = (PCHAR)block + Aligned(sizeof *block);
        block->MaximumLength = block->Length = size;
        block->Flags = NORMALIZED;
        block->Environment = environment != NULL ? environment : own->Environment;
        block->ConsoleFlags = own->ConsoleFlags;
        place = Append(&block->CurrentDirectory.DosPath, directory, (USHORT)directory_room, place);
        place = Append(&block->DllPath, dll_path, 0, place);
        place = Append(&block->ImagePathName, image, 0, place);
        place = Append(&block->CommandLine, line, 0, place);
        place = Append(&block->WindowTitle, title, 0, place);
        place = Append(&block->DesktopInfo, desktop, 0, place);
        place = Append(&block->ShellInfo, shell, 0, place);
        Append(&block->RuntimeData, runtime, 0, place);
    }
    RtlReleasePebLock();
    *out = RtlDeNormalizeProcessParams(block);
    return block != NULL ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS NTAPI RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS block)
{
    Release(block);
    return STATUS_SUCCESS;
}
