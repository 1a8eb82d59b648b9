/* The environment block: NAME=value strings, each ended by a zero, the block by another. */

#include "ntdll.h"

static PWSTR Block(PWSTR environment)
{
    return environment != NULL ? environment : CurrentPeb()->ProcessParameters->Environment;
}

static SIZE_T CharactersOf(PCWSTR block)
{
    PCWSTR at = block;
    while (*at != 0)
        at += wcslen(at) + 1;
    return (SIZE_T)(at - block) + 1;
}

/* A name may start with `=` (the current directories of drives). */
static PWSTR Find(PWSTR block, PCUNICODE_STRING name)
{
    size_t length = name->Length / sizeof(WCHAR);
    for (PWSTR at = block; *at != 0; at += wcslen(at) + 1) {
        PCWSTR equals = wcschr(at + 1, '=');
        UNICODE_STRING other = {(USHORT)((equals != NULL ? equals - at : 0) * sizeof(WCHAR)), 0, at};
        if (equals != NULL && (size_t)(equals - at) == length && RtlEqualUnicodeString(&other, name, TRUE))
            return at;
    }
    return NULL;
}

NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR environment, PCUNICODE_STRING name, PUNICODE_STRING value)
{
    NTSTATUS status = STATUS_VARIABLE_NOT_FOUND;
    RtlAcquirePebLock();
    PWSTR found = Block(environment) != NULL ? Find(Block(environment), name) : NULL;
    if (found != NULL) {
        UNICODE_STRING text;
        RtlInitUnicodeString(&text, found + name->Length / sizeof(WCHAR) + 1);
        status = text.Length > value->MaximumLength ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(status))
            RtlCopyUnicodeString(value, &text);
        value->Length = text.Length;
    }
    RtlReleasePebLock();
    return status;
}

/* A new block without the variable, and with it in its place of the alphabet if it has a value. */
static PWSTR Rebuilt(PWSTR block, PCUNICODE_STRING name, PCUNICODE_STRING value)
{
    SIZE_T characters = CharactersOf(block), added = value != NULL ? (name->Length + value->Length) / 2 + 2 : 0;
    PWSTR made = Allocate((characters + added) * sizeof(WCHAR)), to = made;
    BOOL is_written = value == NULL;
    if (made == NULL)
        return NULL;
    PWSTR old = Find(block, name);
    for (PWSTR at = block; *at != 0 || !is_written; at += wcslen(at) + 1) {
        UNICODE_STRING other;
        RtlInitUnicodeString(&other, at);
        if (!is_written && (*at == 0 || (at[0] != '=' && RtlCompareUnicodeString(name, &other, TRUE) < 0))) {
            memcpy(to, name->Buffer, name->Length);
            to += name->Length / sizeof(WCHAR);
            *to++ = '=';
            memcpy(to, value->Buffer, value->Length);
            to += value->Length / sizeof(WCHAR);
            *to++ = 0;
            is_written = TRUE;
        }
        if (*at == 0)
            break;
        if (at != old) {
            wcscpy(to, at);
            to += wcslen(at) + 1;
        }
    }
    *to = 0;
    return made;
}

static PWSTR OwnBlock; /* the process's block, once it was rebuilt */

NTSTATUS NTAPI RtlSetEnvironmentVariable(PWSTR *environment, PCUNICODE_STRING name, PCUNICODE_STRING value)
{
    PWSTR *place = environment != NULL ? environment : &CurrentPeb()->ProcessParameters->Environment;
    static WCHAR Empty[2];
    for (ULONG index = 1; index < name->Length / sizeof(WCHAR); index++)
        if (name->Buffer[index] == '=')
            return STATUS_INVALID_PARAMETER;
    if (name->Length == 0)
        return STATUS_INVALID_PARAMETER;
    RtlAcquirePebLock();
    PWSTR old = *place != NULL ? *place : Empty;
    NTSTATUS status = value == NULL && Find(old, name) == NULL ? STATUS_VARIABLE_NOT_FOUND : STATUS_SUCCESS;
    PWSTR made = NT_SUCCESS(status) ? Rebuilt(old, name, value) : NULL;
    if (NT_SUCCESS(status) && made == NULL)
        status = STATUS_NO_MEMORY;
    if (made != NULL) {
        *place = made;
        if (environment != NULL || old == OwnBlock)
            Release(old);
        if (environment == NULL)
            OwnBlock = made;
    }
    RtlReleasePebLock();
    return status;
}

/* Replaces %NAME% by its value; unknown names stay. The needed size, terminator included, is told in any case. */
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(PWSTR environment, PCUNICODE_STRING from, PUNICODE_STRING to, PULONG needed)
{
    ULONG length = 0, room = to->MaximumLength / sizeof(WCHAR), count = from->Length / sizeof(WCHAR);
    RtlAcquirePebLock();
    for (ULONG at = 0; at < count;) {
        ULONG end = at + 1;
        while (from->Buffer[at] == '%' && end < count && from->Buffer[end] != '%')
            end++;
        PCWSTR part = from->Buffer + at;
        ULONG size = 1;
        UNICODE_STRING name = {(USHORT)((end - at - 1) * sizeof(WCHAR)), 0, from->Buffer + at + 1};
        PWSTR found = from->Buffer[at] == '%' && end < count && name.Length > 0 && Block(environment) != NULL
                          ? Find(Block(environment), &name)
                          : NULL;
        if (found != NULL) {
            part = found + name.Length / sizeof(WCHAR) + 1;
            size = wcslen(part);
            at = end;
        }
        for (ULONG index = 0; index < size; index++, length++)
            if (length < room)
                to->Buffer[length] = part[index];
        at++;
    }
    RtlReleasePebLock();
    if (length < room)
        to->Buffer[length] = 0;
    to->Length = (USHORT)(min(length, room) * sizeof(WCHAR));
    if (needed != NULL)
        *needed = (length + 1) * sizeof(WCHAR);
    return length < room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}
