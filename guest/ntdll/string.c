/* Counted strings: making, copying, comparing and converting them. */

#include "ntdll.h"

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING string, PCWSTR text)
{
    size_t bytes = text != NULL ? min(wcslen(text), (size_t)0x7ffe) * sizeof(WCHAR) : 0;
    string->Length = (USHORT)bytes;
    string->MaximumLength = text != NULL ? (USHORT)(bytes + sizeof(WCHAR)) : 0;
    string->Buffer = (PWSTR)text;
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING string, PCWSTR text)
{
    if (text != NULL && wcslen(text) > 0x7ffe)
        return STATUS_NAME_TOO_LONG;
    RtlInitUnicodeString(string, text);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlInitAnsiString(PANSI_STRING string, PCSTR text)
{
    size_t length = text != NULL ? min(strlen(text), (size_t)0xfffe) : 0;
    string->Length = (USHORT)length;
    string->MaximumLength = text != NULL ? (USHORT)(length + 1) : 0;
    string->Buffer = (PCHAR)text;
}

VOID NTAPI RtlInitString(PSTRING string, PCSTR text) { RtlInitAnsiString(string, text); }

static NTSTATUS MakeRoom(PUNICODE_STRING string, SIZE_T bytes)
{
    string->Length = 0;
    string->MaximumLength = 0;
    string->Buffer = NULL;
    if (bytes > 0xfffe)
        return STATUS_NAME_TOO_LONG;
    string->Buffer = Allocate(bytes);
    if (string->Buffer == NULL)
        return STATUS_NO_MEMORY;
    string->MaximumLength = (USHORT)bytes;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG flags, PCUNICODE_STRING from, PUNICODE_STRING to)
{
    NTSTATUS status = MakeRoom(to, (SIZE_T)from->Length + (flags & 1 ? sizeof(WCHAR) : 0));
    if (!NT_SUCCESS(status))
        return status;
    memcpy(to->Buffer, from->Buffer, from->Length);
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING string, PCWSTR text)
{
    UNICODE_STRING from;
    return NT_SUCCESS(RtlInitUnicodeStringEx(&from, text)) && NT_SUCCESS(RtlDuplicateUnicodeString(1, &from, string));
}

BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(PUNICODE_STRING string, PCSTR text)
{
    ANSI_STRING from;
    RtlInitAnsiString(&from, text);
    return NT_SUCCESS(RtlAnsiStringToUnicodeString(string, &from, TRUE));
}

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING string)
{
    if (string->Buffer != NULL)
        Release(string->Buffer);
    memset(string, 0, sizeof *string);
}

VOID NTAPI RtlFreeAnsiString(PANSI_STRING string) { RtlFreeUnicodeString((PUNICODE_STRING)string); }

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from)
{
    to->Length = from != NULL ? min(from->Length, to->MaximumLength) : 0;
    if (from == NULL)
        return;
    memmove(to->Buffer, from->Buffer, to->Length);
    if (to->Length + sizeof(WCHAR) <= to->MaximumLength)
        to->Buffer[to->Length / 2] = 0;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING to, PCUNICODE_STRING from)
{
    if ((ULONG)to->Length + from->Length > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    memmove((PCHAR)to->Buffer + to->Length, from->Buffer, from->Length);
    to->Length += from->Length;
    if (to->Length + sizeof(WCHAR) <= to->MaximumLength)
        to->Buffer[to->Length / 2] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING to, PCWSTR text)
{
    UNICODE_STRING from;
    if (text == NULL)
        return STATUS_SUCCESS;
    NTSTATUS status = RtlInitUnicodeStringEx(&from, text);
    return NT_SUCCESS(status) ? RtlAppendUnicodeStringToString(to, &from) : status;
}

static LONG CompareWide(PCWSTR one, PCWSTR other, ULONG count, BOOLEAN ignore_case)
{
    for (ULONG index = 0; index < count; index++) {
        WCHAR left = one[index], right = other[index];
        if (ignore_case && left != right) {
            left = RtlUpcaseUnicodeChar(left);
            right = RtlUpcaseUnicodeChar(right);
        }
        if (left != right)
            return (LONG)left - (LONG)right;
    }
    return 0;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case)
{
    ULONG common = min(one->Length, other->Length) / sizeof(WCHAR);
    LONG order = CompareWide(one->Buffer, other->Buffer, common, ignore_case);
    return order != 0 ? order : (LONG)one->Length - (LONG)other->Length;
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case)
{
    return one->Length == other->Length && RtlCompareUnicodeString(one, other, ignore_case) == 0;
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING start, PCUNICODE_STRING whole, BOOLEAN ignore_case)
{
    return start->Length <= whole->Length &&
           CompareWide(start->Buffer, whole->Buffer, start->Length / sizeof(WCHAR), ignore_case) == 0;
}

LONG NTAPI RtlCompareString(const STRING *one, const STRING *other, BOOLEAN ignore_case)
{
    ULONG common = min(one->Length, other->Length);
    for (ULONG index = 0; index < common; index++) {
        UCHAR left = (UCHAR)one->Buffer[index], right = (UCHAR)other->Buffer[index];
        if (ignore_case) {
            left = (UCHAR)RtlUpperChar((CHAR)left);
            right = (UCHAR)RtlUpperChar((CHAR)right);
        }
        if (left != right)
            return (LONG)left - (LONG)right;
    }
    return (LONG)one->Length - (LONG)other->Length;
}

BOOLEAN NTAPI RtlEqualString(const STRING *one, const STRING *other, BOOLEAN ignore_case)
{
    return one->Length == other->Length && RtlCompareString(one, other, ignore_case) == 0;
}

static NTSTATUS ChangeCase(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate, WCHAR(NTAPI *change)(WCHAR))
{
    NTSTATUS status = STATUS_SUCCESS;
    if (allocate)
        status = MakeRoom(to, from->Length);
    else if (from->Length > to->MaximumLength)
        status = STATUS_BUFFER_OVERFLOW;
    if (!NT_SUCCESS(status))
        return status;
    for (ULONG index = 0; index < from->Length / sizeof(WCHAR); index++)
        to->Buffer[index] = change(from->Buffer[index]);
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
    return ChangeCase(to, from, allocate, RtlUpcaseUnicodeChar);
}

NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
    return ChangeCase(to, from, allocate, RtlDowncaseUnicodeChar);
}

ULONG NTAPI RtlAnsiStringToUnicodeSize(PCANSI_STRING string) { return (string->Length + 1u) * sizeof(WCHAR); }
ULONG NTAPI RtlUnicodeStringToAnsiSize(PCUNICODE_STRING string) { return string->Length / sizeof(WCHAR) + 1; }

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING to, PCANSI_STRING from, BOOLEAN allocate)
{
    ULONG needed = RtlAnsiStringToUnicodeSize(from), written;
    NTSTATUS status = STATUS_SUCCESS;
    if (needed > 0xfffe)
        return STATUS_INVALID_PARAMETER_2;
    if (allocate)
        status = MakeRoom(to, needed);
    else if (needed > to->MaximumLength)
        status = STATUS_BUFFER_OVERFLOW;
    if (!NT_SUCCESS(status))
        return status;
    RtlMultiByteToUnicodeN(to->Buffer, needed, &written, from->Buffer, from->Length);
    to->Length = (USHORT)written;
    to->Buffer[written / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
    ULONG needed = RtlUnicodeStringToAnsiSize(from), written;
    NTSTATUS status = STATUS_SUCCESS;
    if (allocate) {
        status = MakeRoom((PUNICODE_STRING)to, needed);
        if (!NT_SUCCESS(status))
            return status;
    } else if (needed > to->MaximumLength) {
        status = STATUS_BUFFER_OVERFLOW;
    }
    if (to->MaximumLength == 0)
        return STATUS_BUFFER_OVERFLOW;
    RtlUnicodeToMultiByteN(to->Buffer, to->MaximumLength - 1u, &written, from->Buffer, from->Length);
    to->Length = (USHORT)written;
    to->Buffer[written] = 0;
    return status;
}

static ULONG DigitOf(WCHAR character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'z' ? character - 'a' + 10u : 36;
}

/* Base 0: 0x, 0o and 0b say the base, else 10. */
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING string, ULONG base, PULONG value)
{
    PCWSTR at = string->Buffer, end = at + string->Length / sizeof(WCHAR);
    while (at < end && *at <= ' ')
        at++;
    BOOL is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (base == 0) {
        base = 10;
        WCHAR mark = end - at > 1 && *at == '0' ? at[1] : 0;
        if (mark == 'x' || mark == 'o' || mark == 'b') {
            base = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
            at += 2;
        }
    } else if (base != 2 && base != 8 && base != 10 && base != 16) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG total = 0;
    for (; at < end && DigitOf(*at) < base; at++)
        total = total * base + DigitOf(*at);
    *value = is_negative ? 0 - total : total;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG value, ULONG base, PUNICODE_STRING string)
{
    WCHAR digits[33], *at = digits + 33;
    if (base == 0)
        base = 10;
    if (base != 2 && base != 8 && base != 10 && base != 16)
        return STATUS_INVALID_PARAMETER;
    do {
        *--at = L"0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    UNICODE_STRING made = {(USHORT)((digits + 33 - at) * sizeof(WCHAR)), sizeof digits, at};
    if (made.Length > string->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    RtlCopyUnicodeString(string, &made);
    return STATUS_SUCCESS;
}
