/* Security descriptors: with pointers, or with offsets from themselves. */

#include "ntdll.h"
#include "security.h"

typedef SECURITY_DESCRIPTOR *Absolute;
typedef SECURITY_DESCRIPTOR_RELATIVE *Relative;

static BOOL IsRelative(PSECURITY_DESCRIPTOR descriptor) { return ((Absolute)descriptor)->Control & SE_SELF_RELATIVE; }

static PVOID Part(PSECURITY_DESCRIPTOR descriptor, ULONG offset, PVOID pointer)
{
    if (!IsRelative(descriptor))
        return pointer;
    return offset != 0 ? (PCHAR)descriptor + offset : NULL;
}

static PSID OwnerOf(PSECURITY_DESCRIPTOR d) { return Part(d, ((Relative)d)->Owner, ((Absolute)d)->Owner); }
static PSID GroupOf(PSECURITY_DESCRIPTOR d) { return Part(d, ((Relative)d)->Group, ((Absolute)d)->Group); }

static PACL DaclOf(PSECURITY_DESCRIPTOR d)
{
    BOOL is_there = ((Absolute)d)->Control & SE_DACL_PRESENT;
    return is_there ? Part(d, ((Relative)d)->Dacl, ((Absolute)d)->Dacl) : NULL;
}

static PACL SaclOf(PSECURITY_DESCRIPTOR d)
{
    BOOL is_there = ((Absolute)d)->Control & SE_SACL_PRESENT;
    return is_there ? Part(d, ((Relative)d)->Sacl, ((Absolute)d)->Sacl) : NULL;
}

NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, ULONG revision)
{
    if (revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *(Absolute)descriptor = (SECURITY_DESCRIPTOR){.Revision = (BYTE)revision};
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor)
{
    if (descriptor == NULL || ((Absolute)descriptor)->Revision != SECURITY_DESCRIPTOR_REVISION)
        return FALSE;
    PSID owner = OwnerOf(descriptor), group = GroupOf(descriptor);
    PACL dacl = DaclOf(descriptor), sacl = SaclOf(descriptor);
    return (owner == NULL || RtlValidSid(owner)) && (group == NULL || RtlValidSid(group)) &&
           (dacl == NULL || RtlValidAcl(dacl)) && (sacl == NULL || RtlValidAcl(sacl));
}

static ULONG Aligned(ULONG size) { return (size + 3) & ~3u; }
static ULONG SidBytes(PSID sid) { return sid != NULL ? Aligned(RtlLengthSid(sid)) : 0; }
static ULONG AclBytes(PACL acl) { return acl != NULL ? Aligned(acl->AclSize) : 0; }

ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor)
{
    ULONG size = IsRelative(descriptor) ? sizeof(SECURITY_DESCRIPTOR_RELATIVE) : sizeof(SECURITY_DESCRIPTOR);
    return size + SidBytes(OwnerOf(descriptor)) + SidBytes(GroupOf(descriptor)) + AclBytes(DaclOf(descriptor)) +
           AclBytes(SaclOf(descriptor));
}

/* Setting needs pointers: what has offsets cannot grow. */
static NTSTATUS MayChange(PSECURITY_DESCRIPTOR descriptor)
{
    if (((Absolute)descriptor)->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    return IsRelative(descriptor) ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static void SetControl(PSECURITY_DESCRIPTOR descriptor, WORD mask, WORD value)
{
    Absolute own = descriptor;
    own->Control = (WORD)((own->Control & ~mask) | value);
}

NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, BOOLEAN present, PACL acl, BOOLEAN defaulted)
{
    NTSTATUS status = MayChange(descriptor);
    if (!NT_SUCCESS(status))
        return status;
    SetControl(descriptor, SE_DACL_PRESENT | SE_DACL_DEFAULTED,
               (present ? SE_DACL_PRESENT : 0) | (present && defaulted ? SE_DACL_DEFAULTED : 0));
    ((Absolute)descriptor)->Dacl = present ? acl : NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, BOOLEAN present, PACL acl, BOOLEAN defaulted)
{
    NTSTATUS status = MayChange(descriptor);
    if (!NT_SUCCESS(status))
        return status;
    SetControl(descriptor, SE_SACL_PRESENT | SE_SACL_DEFAULTED,
               (present ? SE_SACL_PRESENT : 0) | (present && defaulted ? SE_SACL_DEFAULTED : 0));
    ((Absolute)descriptor)->Sacl = present ? acl : NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PBOOLEAN present, PACL *acl, PBOOLEAN defaulted)
{
    WORD control = ((Absolute)descriptor)->Control;
    *present = (control & SE_DACL_PRESENT) != 0;
    if (*present) {
        *acl = DaclOf(descriptor);
        *defaulted = (control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PBOOLEAN present, PACL *acl, PBOOLEAN defaulted)
{
    WORD control = ((Absolute)descriptor)->Control;
    *present = (control & SE_SACL_PRESENT) != 0;
    if (*present) {
        *acl = SaclOf(descriptor);
        *defaulted = (control & SE_SACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PSID owner, BOOLEAN defaulted)
{
    NTSTATUS status = MayChange(descriptor);
    if (!NT_SUCCESS(status))
        return status;
    ((Absolute)descriptor)->Owner = owner;
    SetControl(descriptor, SE_OWNER_DEFAULTED, defaulted ? SE_OWNER_DEFAULTED : 0);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PSID group, BOOLEAN defaulted)
{
    NTSTATUS status = MayChange(descriptor);
    if (!NT_SUCCESS(status))
        return status;
    ((Absolute)descriptor)->Group = group;
    SetControl(descriptor, SE_GROUP_DEFAULTED, defaulted ? SE_GROUP_DEFAULTED : 0);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PSID *owner, PBOOLEAN defaulted)
{
    *owner = OwnerOf(descriptor);
    *defaulted = (((Absolute)descriptor)->Control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PSID *group, PBOOLEAN defaulted)
{
    *group = GroupOf(descriptor);
    *defaulted = (((Absolute)descriptor)->Control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor, PSECURITY_DESCRIPTOR_CONTROL control,
                                               PULONG revision)
{
    *control = ((Absolute)descriptor)->Control;
    *revision = ((Absolute)descriptor)->Revision;
    return STATUS_SUCCESS;
}

/* Copies a part behind the others; its offset, or 0 for one that is not there. */
static ULONG Place(Relative to, ULONG *used, const void *part, ULONG size, ULONG room)
{
    if (part == NULL)
        return 0;
    ULONG offset = *used;
    memcpy((PCHAR)to + offset, part, size);
    *used += room;
    return offset;
}

NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR out, PULONG size)
{
    PSID owner = OwnerOf(from), group = GroupOf(from);
    PACL dacl = DaclOf(from), sacl = SaclOf(from);
    ULONG used = sizeof(SECURITY_DESCRIPTOR_RELATIVE), room = *size;
    *size = used + SidBytes(owner) + SidBytes(group) + AclBytes(dacl) + AclBytes(sacl);
    if (room < *size)
        return STATUS_BUFFER_TOO_SMALL;
    Relative to = out;
    memset(to, 0, *size);
    to->Revision = ((Absolute)from)->Revision;
    to->Sbz1 = ((Absolute)from)->Sbz1;
    to->Control = (WORD)(((Absolute)from)->Control | SE_SELF_RELATIVE);
    to->Sacl = Place(to, &used, sacl, sacl != NULL ? sacl->AclSize : 0, AclBytes(sacl));
    to->Dacl = Place(to, &used, dacl, dacl != NULL ? dacl->AclSize : 0, AclBytes(dacl));
    to->Owner = Place(to, &used, owner, owner != NULL ? RtlLengthSid(owner) : 0, SidBytes(owner));
    to->Group = Place(to, &used, group, group != NULL ? RtlLengthSid(group) : 0, SidBytes(group));
    return STATUS_SUCCESS;
}
