/* Security identifiers, access lists and descriptors as Win32 has them. */

#include "advapi.h"

BOOL AdvapiCheck(NTSTATUS status)
{
    return NT_SUCCESS(status) || AdvapiFail(RtlNtStatusToDosError(status));
}

BOOL AdvapiFail(ULONG error)
{
    RtlSetLastWin32Error(error);
    return FALSE;
}

BOOL WINAPI IsValidSid(PSID sid) { return RtlValidSid(sid); }
DWORD WINAPI GetLengthSid(PSID sid) { return RtlLengthSid(sid); }
DWORD WINAPI GetSidLengthRequired(UCHAR count) { return RtlLengthRequiredSid(count); }
PSID_IDENTIFIER_AUTHORITY WINAPI GetSidIdentifierAuthority(PSID sid) { return RtlIdentifierAuthoritySid(sid); }
PDWORD WINAPI GetSidSubAuthority(PSID sid, DWORD index) { return RtlSubAuthoritySid(sid, index); }
PUCHAR WINAPI GetSidSubAuthorityCount(PSID sid) { return RtlSubAuthorityCountSid(sid); }
BOOL WINAPI EqualSid(PSID one, PSID other) { return RtlEqualSid(one, other); }
BOOL WINAPI EqualPrefixSid(PSID one, PSID other) { return RtlEqualPrefixSid(one, other); }
BOOL WINAPI CopySid(DWORD room, PSID to, PSID from) { return AdvapiCheck(RtlCopySid(room, to, from)); }
PVOID WINAPI FreeSid(PSID sid) { return RtlFreeSid(sid); }

BOOL WINAPI InitializeSid(PSID sid, PSID_IDENTIFIER_AUTHORITY authority, BYTE count)
{
    return AdvapiCheck(RtlInitializeSid(sid, authority, count));
}

BOOL WINAPI AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY authority, BYTE count, DWORD a, DWORD b, DWORD c, DWORD d,
                                     DWORD e, DWORD f, DWORD g, DWORD h, PSID *out)
{
    return AdvapiCheck(RtlAllocateAndInitializeSid(authority, count, a, b, c, d, e, f, g, h, out));
}

/* The caller releases the text with LocalFree. */
BOOL WINAPI ConvertSidToStringSidW(PSID sid, LPWSTR *out)
{
    UNICODE_STRING text;
    if (!AdvapiCheck(RtlConvertSidToUnicodeString(&text, sid, TRUE)))
        return FALSE;
    *out = LocalAlloc(LMEM_FIXED, text.Length + sizeof(WCHAR));
    if (*out != NULL)
        memcpy(*out, text.Buffer, text.Length + sizeof(WCHAR));
    RtlFreeUnicodeString(&text);
    return *out != NULL;
}

BOOL WINAPI ConvertSidToStringSidA(PSID sid, LPSTR *out)
{
    LPWSTR wide;
    if (!ConvertSidToStringSidW(sid, &wide))
        return FALSE;
    ULONG length = wcslen(wide) + 1;
    *out = LocalAlloc(LMEM_FIXED, length);
    if (*out != NULL)
        RtlUnicodeToMultiByteN(*out, length, NULL, wide, length * sizeof(WCHAR));
    LocalFree(wide);
    return *out != NULL;
}

static BOOL Number(PCWSTR *at, ULONGLONG most, ULONGLONG *value)
{
    BOOL is_hexadecimal = (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x', any = FALSE;
    *at += is_hexadecimal ? 2 : 0;
    for (*value = 0;; (*at)++, any = TRUE) {
        WCHAR digit = **at, lower = digit | 0x20;
        if (digit >= '0' && digit <= '9')
            *value = *value * (is_hexadecimal ? 16 : 10) + (digit - '0');
        else if (is_hexadecimal && lower >= 'a' && lower <= 'f')
            *value = *value * 16 + (lower - 'a' + 10u);
        else
            return any;
        if (*value > most)
            return FALSE;
    }
}

/* S-1-5-32-544. Abbreviations of two letters are not known. */
BOOL WINAPI ConvertStringSidToSidW(LPCWSTR text, PSID *out)
{
    ULONG numbers[SID_MAX_SUB_AUTHORITIES];
    ULONGLONG authority, number;
    UCHAR count = 0;
    SID_IDENTIFIER_AUTHORITY value;
    if (text == NULL || (text[0] | 0x20) != 's' || text[1] != '-' || text[2] != '1' || text[3] != '-')
        return AdvapiFail(ERROR_INVALID_SID);
    PCWSTR at = text + 4;
    BOOL is_good = Number(&at, 0xffffffffffffull, &authority);
    while (is_good && *at == '-' && count < SID_MAX_SUB_AUTHORITIES) {
        at++;
        is_good = Number(&at, MAXDWORD, &number);
        numbers[count++] = (ULONG)number;
    }
    if (!is_good || *at != 0 || count == 0)
        return AdvapiFail(ERROR_INVALID_SID);
    for (ULONG index = 0; index < 6; index++)
        value.Value[index] = (BYTE)(authority >> (8 * (5 - index)));
    *out = LocalAlloc(LMEM_FIXED, RtlLengthRequiredSid(count));
    if (*out == NULL)
        return FALSE;
    RtlInitializeSid(*out, &value, count);
    memcpy(RtlSubAuthoritySid(*out, 0), numbers, count * sizeof(ULONG));
    return TRUE;
}

BOOL WINAPI ConvertStringSidToSidA(LPCSTR text, PSID *out)
{
    WCHAR wide[256];
    ULONG length;
    if (text == NULL)
        return AdvapiFail(ERROR_INVALID_PARAMETER);
    RtlMultiByteToUnicodeN(wide, sizeof wide - sizeof(WCHAR), &length, text, strlen(text));
    wide[length / sizeof(WCHAR)] = 0;
    return ConvertStringSidToSidW(wide, out);
}

BOOL WINAPI InitializeAcl(PACL acl, DWORD size, DWORD revision) { return AdvapiCheck(RtlCreateAcl(acl, size, revision)); }
BOOL WINAPI IsValidAcl(PACL acl) { return RtlValidAcl(acl); }
BOOL WINAPI FindFirstFreeAce(PACL acl, LPVOID *out) { return RtlFirstFreeAce(acl, out); }
BOOL WINAPI GetAce(PACL acl, DWORD index, LPVOID *out) { return AdvapiCheck(RtlGetAce(acl, index, out)); }
BOOL WINAPI DeleteAce(PACL acl, DWORD index) { return AdvapiCheck(RtlDeleteAce(acl, index)); }

BOOL WINAPI AddAce(PACL acl, DWORD revision, DWORD index, LPVOID aces, DWORD size)
{
    return AdvapiCheck(RtlAddAce(acl, revision, index, aces, size));
}

BOOL WINAPI AddAccessAllowedAce(PACL acl, DWORD revision, DWORD access, PSID sid)
{
    return AdvapiCheck(RtlAddAccessAllowedAce(acl, revision, access, sid));
}

BOOL WINAPI AddAccessDeniedAce(PACL acl, DWORD revision, DWORD access, PSID sid)
{
    return AdvapiCheck(RtlAddAccessDeniedAce(acl, revision, access, sid));
}

BOOL WINAPI GetAclInformation(PACL acl, LPVOID out, DWORD size, ACL_INFORMATION_CLASS what)
{
    return AdvapiCheck(RtlQueryInformationAcl(acl, out, size, what));
}

BOOL WINAPI InitializeSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, DWORD revision)
{
    return AdvapiCheck(RtlCreateSecurityDescriptor(descriptor, revision));
}

BOOL WINAPI IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor) { return RtlValidSecurityDescriptor(descriptor); }
DWORD WINAPI GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR descriptor) { return RtlLengthSecurityDescriptor(descriptor); }

BOOL WINAPI GetSecurityDescriptorControl(PSECURITY_DESCRIPTOR descriptor, PSECURITY_DESCRIPTOR_CONTROL control,
                                         LPDWORD revision)
{
    return AdvapiCheck(RtlGetControlSecurityDescriptor(descriptor, control, revision));
}

BOOL WINAPI SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR descriptor, BOOL present, PACL acl, BOOL defaulted)
{
    return AdvapiCheck(RtlSetDaclSecurityDescriptor(descriptor, present != 0, acl, defaulted != 0));
}

BOOL WINAPI SetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR descriptor, BOOL present, PACL acl, BOOL defaulted)
{
    return AdvapiCheck(RtlSetSaclSecurityDescriptor(descriptor, present != 0, acl, defaulted != 0));
}

BOOL WINAPI SetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR descriptor, PSID owner, BOOL defaulted)
{
    return AdvapiCheck(RtlSetOwnerSecurityDescriptor(descriptor, owner, defaulted != 0));
}

BOOL WINAPI SetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR descriptor, PSID group, BOOL defaulted)
{
    return AdvapiCheck(RtlSetGroupSecurityDescriptor(descriptor, group, defaulted != 0));
}

BOOL WINAPI GetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR descriptor, LPBOOL present, PACL *acl, LPBOOL defaulted)
{
    BOOLEAN is_there, is_default = FALSE;
    if (!AdvapiCheck(RtlGetDaclSecurityDescriptor(descriptor, &is_there, acl, &is_default)))
        return FALSE;
    *present = is_there;
    if (is_there)
        *defaulted = is_default;
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorSacl(PSECURITY_DESCRIPTOR descriptor, LPBOOL present, PACL *acl, LPBOOL defaulted)
{
    BOOLEAN is_there, is_default = FALSE;
    if (!AdvapiCheck(RtlGetSaclSecurityDescriptor(descriptor, &is_there, acl, &is_default)))
        return FALSE;
    *present = is_there;
    if (is_there)
        *defaulted = is_default;
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR descriptor, PSID *owner, LPBOOL defaulted)
{
    BOOLEAN is_default;
    if (!AdvapiCheck(RtlGetOwnerSecurityDescriptor(descriptor, owner, &is_default)))
        return FALSE;
    *defaulted = is_default;
    return TRUE;
}

BOOL WINAPI GetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR descriptor, PSID *group, LPBOOL defaulted)
{
    BOOLEAN is_default;
    if (!AdvapiCheck(RtlGetGroupSecurityDescriptor(descriptor, group, &is_default)))
        return FALSE;
    *defaulted = is_default;
    return TRUE;
}

BOOL WINAPI MakeSelfRelativeSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR to, LPDWORD size)
{
    return AdvapiCheck(RtlMakeSelfRelativeSD(from, to, size));
}
