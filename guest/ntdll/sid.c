/* Security identifiers: a revision, an authority of six bytes, up to fifteen numbers. */

#include "ntdll.h"
#include "security.h"

BOOLEAN NTAPI RtlValidSid(PSID sid)
{
    const SID *own = sid;
    return own != NULL && own->Revision == SID_REVISION && own->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

ULONG NTAPI RtlLengthRequiredSid(ULONG count) { return FIELD_OFFSET(SID, SubAuthority) + count * sizeof(ULONG); }
ULONG NTAPI RtlLengthSid(PSID sid) { return RtlLengthRequiredSid(((SID *)sid)->SubAuthorityCount); }

NTSTATUS NTAPI RtlInitializeSid(PSID sid, PSID_IDENTIFIER_AUTHORITY authority, UCHAR count)
{
    SID *own = sid;
    if (count > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    own->Revision = SID_REVISION;
    own->SubAuthorityCount = count;
    own->IdentifierAuthority = *authority;
    return STATUS_SUCCESS;
}

PSID_IDENTIFIER_AUTHORITY NTAPI RtlIdentifierAuthoritySid(PSID sid) { return &((SID *)sid)->IdentifierAuthority; }
PULONG NTAPI RtlSubAuthoritySid(PSID sid, ULONG index) { return (PULONG)&((SID *)sid)->SubAuthority[index]; }
PUCHAR NTAPI RtlSubAuthorityCountSid(PSID sid) { return &((SID *)sid)->SubAuthorityCount; }

BOOLEAN NTAPI RtlEqualSid(PSID one, PSID other)
{
    return ((SID *)one)->SubAuthorityCount == ((SID *)other)->SubAuthorityCount && memcmp(one, other, RtlLengthSid(one)) == 0;
}

/* All but the last number. */
BOOLEAN NTAPI RtlEqualPrefixSid(PSID one, PSID other)
{
    UCHAR count = ((SID *)one)->SubAuthorityCount;
    return count == ((SID *)other)->SubAuthorityCount &&
           memcmp(one, other, RtlLengthRequiredSid(count > 0 ? count - 1u : 0)) == 0;
}

NTSTATUS NTAPI RtlCopySid(ULONG room, PSID to, PSID from)
{
    ULONG length = RtlLengthSid(from);
    if (length > room)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(to, from, length);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY authority, UCHAR count, ULONG a, ULONG b, ULONG c,
                                           ULONG d, ULONG e, ULONG f, ULONG g, ULONG h, PSID *out)
{
    const ULONG numbers[] = {a, b, c, d, e, f, g, h};
    if (count > COUNT_OF(numbers))
        return STATUS_INVALID_SID;
    PSID sid = Allocate(RtlLengthRequiredSid(count));
    if (sid == NULL)
        return STATUS_NO_MEMORY;
    RtlInitializeSid(sid, authority, count);
    for (ULONG index = 0; index < count; index++)
        *RtlSubAuthoritySid(sid, index) = numbers[index];
    *out = sid;
    return STATUS_SUCCESS;
}

PVOID NTAPI RtlFreeSid(PSID sid)
{
    Release(sid);
    return NULL;
}

/* S-1-5-32-544: revision, authority (in hexadecimal when it does not fit 32 bits), numbers. */
NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING out, PSID sid, BOOLEAN allocate)
{
    WCHAR text[256];
    if (!RtlValidSid(sid))
        return STATUS_INVALID_SID;
    const UCHAR *value = RtlIdentifierAuthoritySid(sid)->Value;
    int length = value[0] != 0 || value[1] != 0
                     ? _snwprintf(text, COUNT_OF(text), L"S-1-0x%02x%02x%02x%02x%02x%02x", value[0], value[1], value[2],
                                  value[3], value[4], value[5])
                     : _snwprintf(text, COUNT_OF(text), L"S-1-%u",
                                  (ULONG)value[2] << 24 | (ULONG)value[3] << 16 | (ULONG)value[4] << 8 | value[5]);
    for (ULONG index = 0; index < *RtlSubAuthorityCountSid(sid); index++)
        length += _snwprintf(text + length, COUNT_OF(text) - (size_t)length, L"-%u", *RtlSubAuthoritySid(sid, index));
    if (allocate)
        return RtlCreateUnicodeString(out, text) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if ((size_t)length * sizeof(WCHAR) + sizeof(WCHAR) > out->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    memcpy(out->Buffer, text, ((size_t)length + 1) * sizeof(WCHAR));
    out->Length = (USHORT)((size_t)length * sizeof(WCHAR));
    return STATUS_SUCCESS;
}
