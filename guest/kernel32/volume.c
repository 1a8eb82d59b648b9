/* Volumes: drives, their kinds, free space, labels. */

#include "base.h"

/* The root of a path's volume, or of the current one. */
static NTSTATUS OpenVolume(PCWSTR root, PHANDLE volume)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    if (!BaseNtPath(root != NULL ? root : L"\\", &name, &attributes))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    NTSTATUS status = NtOpenFile(volume, SYNCHRONIZE | FILE_READ_ATTRIBUTES, &attributes, &block,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    RtlFreeUnicodeString(&name);
    return status;
}

static BOOL QueryVolume(PCWSTR root, ULONG what, PVOID out, ULONG size)
{
    HANDLE volume;
    IO_STATUS_BLOCK block;
    NTSTATUS status = OpenVolume(root, &volume);
    if (NT_SUCCESS(status)) {
        status = NtQueryVolumeInformationFile(volume, &block, out, size, what);
        NtClose(volume);
    }
    return BaseCheck(status);
}

UINT WINAPI GetDriveTypeW(LPCWSTR root)
{
    FILE_FS_DEVICE_INFORMATION device;
    if (!QueryVolume(root, FileFsDeviceInformation, &device, sizeof device))
        return DRIVE_NO_ROOT_DIR;
    return device.DeviceType == FILE_DEVICE_DISK ? DRIVE_FIXED : DRIVE_UNKNOWN;
}

/* A drive is there when its root can be opened. */
DWORD WINAPI GetLogicalDrives(VOID)
{
    DWORD drives = 0, error = GetLastError();
    WCHAR root[] = L"A:\\";
    for (DWORD index = 0; index < 26; index++, root[0]++) {
        HANDLE volume;
        if (NT_SUCCESS(OpenVolume(root, &volume))) {
            NtClose(volume);
            drives |= 1u << index;
        }
    }
    SetLastError(error);
    return drives;
}

BOOL WINAPI GetDiskFreeSpaceExW(LPCWSTR path, PULARGE_INTEGER available, PULARGE_INTEGER total, PULARGE_INTEGER free)
{
    FILE_FS_SIZE_INFORMATION size;
    if (!QueryVolume(path, FileFsSizeInformation, &size, sizeof size))
        return FALSE;
    ULONGLONG unit = (ULONGLONG)size.SectorsPerAllocationUnit * size.BytesPerSector;
    if (available != NULL)
        available->QuadPart = (ULONGLONG)size.AvailableAllocationUnits.QuadPart * unit;
    if (total != NULL)
        total->QuadPart = (ULONGLONG)size.TotalAllocationUnits.QuadPart * unit;
    if (free != NULL)
        free->QuadPart = (ULONGLONG)size.AvailableAllocationUnits.QuadPart * unit;
    return TRUE;
}

BOOL WINAPI GetDiskFreeSpaceW(LPCWSTR root, LPDWORD sectors, LPDWORD bytes, LPDWORD free, LPDWORD total)
{
    FILE_FS_SIZE_INFORMATION size;
    if (!QueryVolume(root, FileFsSizeInformation, &size, sizeof size))
        return FALSE;
    *sectors = size.SectorsPerAllocationUnit;
    *bytes = size.BytesPerSector;
    *free = size.AvailableAllocationUnits.HighPart != 0 ? MAXDWORD : size.AvailableAllocationUnits.LowPart;
    *total = size.TotalAllocationUnits.HighPart != 0 ? MAXDWORD : size.TotalAllocationUnits.LowPart;
    return TRUE;
}

static void CopyName(PWSTR out, DWORD size, PCWSTR name, ULONG bytes)
{
    if (out == NULL || size == 0)
        return;
    DWORD count = min(bytes / (DWORD)sizeof(WCHAR), size - 1);
    memcpy(out, name, count * sizeof(WCHAR));
    out[count] = 0;
}

BOOL WINAPI GetVolumeInformationW(LPCWSTR root, LPWSTR label, DWORD label_size, LPDWORD serial, LPDWORD component,
                                  LPDWORD flags, LPWSTR system, DWORD system_size)
{
    struct {
        FILE_FS_VOLUME_INFORMATION volume;
        WCHAR rest[MAX_PATH];
    } named;
    struct {
        FILE_FS_ATTRIBUTE_INFORMATION attributes;
        WCHAR rest[MAX_PATH];
    } kind;
    if (!QueryVolume(root, FileFsVolumeInformation, &named, sizeof named) ||
        !QueryVolume(root, FileFsAttributeInformation, &kind, sizeof kind))
        return FALSE;
    CopyName(label, label_size, named.volume.VolumeLabel, named.volume.VolumeLabelLength);
    CopyName(system, system_size, kind.attributes.FileSystemName, kind.attributes.FileSystemNameLength);
    if (serial != NULL)
        *serial = named.volume.VolumeSerialNumber;
    if (component != NULL)
        *component = (DWORD)kind.attributes.MaximumComponentNameLength;
    if (flags != NULL)
        *flags = kind.attributes.FileSystemAttributes;
    return TRUE;
}
