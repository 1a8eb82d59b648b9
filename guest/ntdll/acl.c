/* Access control lists: a header, then entries that each say their length. */

#include "ntdll.h"
#include "security.h"

static BOOL RevisionIsKnown(ULONG revision) { return revision >= MIN_ACL_REVISION && revision <= MAX_ACL_REVISION; }

NTSTATUS NTAPI RtlCreateAcl(PACL acl, ULONG size, ULONG revision)
{
    if (size < sizeof *acl)
        return STATUS_BUFFER_TOO_SMALL;
    if (!RevisionIsKnown(revision) || size > MAXWORD)
        return STATUS_INVALID_PARAMETER;
    *acl = (ACL){.AclRevision = (BYTE)revision, .AclSize = (WORD)(size & ~3u)};
    return STATUS_SUCCESS;
}

static PACE_HEADER Next(PACE_HEADER ace) { return (PACE_HEADER)((PCHAR)ace + ace->AceSize); }
static PCHAR EndOf(PACL acl) { return (PCHAR)acl + acl->AclSize; }

/* The place behind the last entry; NULL when the list is full to the byte. FALSE when entries leave it. */
BOOLEAN NTAPI RtlFirstFreeAce(PACL acl, PVOID *out)
{
    PACE_HEADER at = (PACE_HEADER)(acl + 1);
    *out = NULL;
    for (ULONG index = 0; index < acl->AceCount; index++) {
        if ((PCHAR)(at + 1) > EndOf(acl) || at->AceSize < sizeof *at)
            return FALSE;
        at = Next(at);
    }
    if ((PCHAR)at < EndOf(acl))
        *out = at;
    return (PCHAR)at <= EndOf(acl);
}

BOOLEAN NTAPI RtlValidAcl(PACL acl)
{
    PVOID free;
    return acl != NULL && RevisionIsKnown(acl->AclRevision) && acl->AclSize >= sizeof *acl && RtlFirstFreeAce(acl, &free);
}

NTSTATUS NTAPI RtlGetAce(PACL acl, ULONG index, PVOID *out)
{
    PACE_HEADER at = (PACE_HEADER)(acl + 1);
    if (!RtlValidAcl(acl) || index >= acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    while (index-- > 0)
        at = Next(at);
    *out = at;
    return STATUS_SUCCESS;
}

/* Entries, one or more, before the one with an index; MAXDWORD is the end. */
NTSTATUS NTAPI RtlAddAce(PACL acl, ULONG revision, ULONG index, PVOID aces, ULONG size)
{
    PVOID free, place;
    ULONG count = 0;
    if (!RtlValidAcl(acl) || !RtlFirstFreeAce(acl, &free) || !RevisionIsKnown(revision))
        return STATUS_INVALID_PARAMETER;
    for (PACE_HEADER at = aces; (PCHAR)at < (PCHAR)aces + size; at = Next(at), count++)
        if (at->AceSize < sizeof *at || (PCHAR)Next(at) > (PCHAR)aces + size)
            return STATUS_INVALID_PARAMETER;
    if (free == NULL || (PCHAR)free + size > EndOf(acl))
        return STATUS_BUFFER_TOO_SMALL;
    if (!NT_SUCCESS(RtlGetAce(acl, index, &place)))
        place = free;
    memmove((PCHAR)place + size, place, (SIZE_T)((PCHAR)free - (PCHAR)place));
    memcpy(place, aces, size);
    acl->AceCount = (WORD)(acl->AceCount + count);
    acl->AclRevision = (BYTE)max((ULONG)acl->AclRevision, revision);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDeleteAce(PACL acl, ULONG index)
{
    PVOID place, free;
    NTSTATUS status = RtlGetAce(acl, index, &place);
    if (!NT_SUCCESS(status))
        return status;
    RtlFirstFreeAce(acl, &free);
    PCHAR end = free != NULL ? free : EndOf(acl), next = (PCHAR)Next(place);
    memmove(place, next, (SIZE_T)(end - next));
    acl->AceCount--;
    return STATUS_SUCCESS;
}

static NTSTATUS AddKnown(PACL acl, ULONG revision, ACCESS_MASK access, PSID sid, BYTE type)
{
    ACCESS_ALLOWED_ACE *ace;
    if (!RtlValidSid(sid))
        return STATUS_INVALID_SID;
    ULONG size = FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + RtlLengthSid(sid);
    ace = Allocate(size);
    if (ace == NULL)
        return STATUS_NO_MEMORY;
    ace->Header = (ACE_HEADER){type, 0, (WORD)size};
    ace->Mask = access;
    RtlCopySid(RtlLengthSid(sid), &ace->SidStart, sid);
    NTSTATUS status = RtlAddAce(acl, revision, MAXDWORD, ace, size);
    Release(ace);
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_ALLOTTED_SPACE_EXCEEDED : status;
}

NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL acl, ULONG revision, ACCESS_MASK access, PSID sid)
{
    return AddKnown(acl, revision, access, sid, ACCESS_ALLOWED_ACE_TYPE);
}

NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL acl, ULONG revision, ACCESS_MASK access, PSID sid)
{
    return AddKnown(acl, revision, access, sid, ACCESS_DENIED_ACE_TYPE);
}

NTSTATUS NTAPI RtlQueryInformationAcl(PACL acl, PVOID out, ULONG size, ACL_INFORMATION_CLASS what)
{
    PVOID free;
    if (what == AclRevisionInformation && size >= sizeof(ACL_REVISION_INFORMATION)) {
        ((PACL_REVISION_INFORMATION)out)->AclRevision = acl->AclRevision;
        return STATUS_SUCCESS;
    }
    if (what != AclSizeInformation || !RtlFirstFreeAce(acl, &free))
        return STATUS_INVALID_PARAMETER;
    if (size < sizeof(ACL_SIZE_INFORMATION))
        return STATUS_BUFFER_TOO_SMALL;
    ULONG used = free != NULL ? (ULONG)((PCHAR)free - (PCHAR)acl) : acl->AclSize;
    *(PACL_SIZE_INFORMATION)out = (ACL_SIZE_INFORMATION){acl->AceCount, used, acl->AclSize - used};
    return STATUS_SUCCESS;
}
