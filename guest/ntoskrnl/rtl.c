/* Strings of the run-time library. */

#include "ki.h"

static const USHORT LongestString = 0xfffc;

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING string, PCWSTR text)
{
    SIZE_T bytes = text == NULL ? 0 : wcslen(text) * sizeof *text;
    string->Length = bytes > LongestString ? LongestString : (USHORT)bytes;
    string->MaximumLength = text == NULL ? 0 : (USHORT)(string->Length + sizeof *text);
    string->Buffer = (PWSTR)text;
}

VOID NTAPI RtlInitAnsiString(PANSI_STRING string, PCSTR text)
{
    SIZE_T bytes = text == NULL ? 0 : strlen(text);
    string->Length = bytes > LongestString ? LongestString : (USHORT)bytes;
    string->MaximumLength = text == NULL ? 0 : (USHORT)(string->Length + 1);
    string->Buffer = (PCHAR)text;
}

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from)
{
    to->Length = from == NULL ? 0 : from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    if (from != NULL)
        memcpy(to->Buffer, from->Buffer, to->Length);
    if (to->Length < to->MaximumLength)
        to->Buffer[to->Length / sizeof(WCHAR)] = 0;
}

static WCHAR Upper(WCHAR character)
{
    BOOL is_lower = (character >= L'a' && character <= L'z') || (character >= 0xe0 && character <= 0xfe && character != 0xf7);
    return is_lower ? character - 0x20 : character;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case)
{
    USHORT shorter = one->Length < other->Length ? one->Length : other->Length;
    for (ULONG index = 0; index < shorter / sizeof(WCHAR); index++) {
        WCHAR left = one->Buffer[index], right = other->Buffer[index];
        LONG difference = ignore_case ? Upper(left) - Upper(right) : left - right;
        if (difference != 0)
            return difference;
    }
    return one->Length - other->Length;
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case)
{
    return one->Length == other->Length && RtlCompareUnicodeString(one, other, ignore_case) == 0;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING to, PCWSTR text)
{
    SIZE_T bytes = text == NULL ? 0 : wcslen(text) * sizeof *text;
    if (to->Length + bytes > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy((PUCHAR)to->Buffer + to->Length, text, bytes);
    to->Length += (USHORT)bytes;
    if (to->Length + sizeof *text <= to->MaximumLength)
        to->Buffer[to->Length / sizeof *text] = 0;
    return STATUS_SUCCESS;
}
