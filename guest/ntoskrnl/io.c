/* The I/O system: driver and device objects, requests on their way to a driver and back. */

#include "ki.h"

KSPIN_LOCK IopDatabaseLock;

#define TAG(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)
#define FO_SYNCHRONOUS_IO 0x2

/* What the machine's kernel writes before the body of an object: OBJECT_HEADER_NAME_INFO and OBJECT_HEADER. */
#define OBJECT_ROOM 0x28

static PVOID NewObject(SIZE_T size, ULONG tag)
{
    PUCHAR room = ExAllocatePoolWithTag(NonPagedPool, OBJECT_ROOM + size, tag);
    if (room == NULL)
        return NULL;
    memset(room, 0, OBJECT_ROOM + size);
    return room + OBJECT_ROOM;
}

static VOID FreeObject(PVOID body)
{
    ExFreePoolWithTag((PUCHAR)body - OBJECT_ROOM, 0);
}

static NTSTATUS NTAPI IopInvalidDeviceRequest(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/* Makes the object of a driver that was mapped and calls its DriverEntry. The name is \Driver\NAME; `path` the key of
   its service. In EDX the object, when it lives. */
ULONGLONG NTAPI IopInitializeDriver(PVOID section, PVOID base, ULONG size, DRIVER_INITIALIZE *entry, PCWSTR name,
                                    PCWSTR path)
{
    UNICODE_STRING path_string;
    PDRIVER_OBJECT driver = NewObject(sizeof *driver, TAG('D', 'r', 'i', 'v'));
    SIZE_T name_bytes = (wcslen(name) + 1) * sizeof *name;
    PWSTR own_name = ExAllocatePoolWithTag(NonPagedPool, name_bytes, TAG('D', 'r', 'v', 'N'));
    if (driver == NULL || own_name == NULL)
        return (ULONG)STATUS_INSUFFICIENT_RESOURCES;
    memcpy(own_name, name, name_bytes);
    driver->Type = IO_TYPE_DRIVER;
    driver->Size = sizeof *driver;
    driver->DriverStart = base;
    driver->DriverSize = size;
    driver->DriverSection = section;
    driver->DriverInit = entry;
    RtlInitUnicodeString(&driver->DriverName, own_name);
    for (int function = 0; function <= IRP_MJ_MAXIMUM_FUNCTION; function++)
        driver->MajorFunction[function] = IopInvalidDeviceRequest;
    NTSTATUS status = HostInsertObject(INSERT_DRIVER, driver, &driver->DriverName);
    if (NT_SUCCESS(status)) {
        RtlInitUnicodeString(&path_string, path);
        status = entry(driver, &path_string);
        if (!NT_SUCCESS(status))
            HostRemoveObject(driver);
    }
    if (!NT_SUCCESS(status)) {
        ExFreePoolWithTag(own_name, 0);
        FreeObject(driver);
        return (ULONG)status;
    }
    for (PDEVICE_OBJECT device = driver->DeviceObject; device != NULL; device = device->NextDevice)
        device->Flags &= ~DO_DEVICE_INITIALIZING;
    return (ULONGLONG)(ULONG_PTR)driver << 32 | (ULONG)status;
}

/* A driver that can be unloaded is told, and its object goes. */
NTSTATUS NTAPI IopUnloadDriver(PDRIVER_OBJECT driver)
{
    if (driver->DriverUnload == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    driver->DriverUnload(driver);
    HostRemoveObject(driver);
    ExFreePoolWithTag(driver->DriverName.Buffer, 0);
    FreeObject(driver);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT driver, ULONG extension, PUNICODE_STRING name, ULONG type,
                              ULONG characteristics, BOOLEAN exclusive, PDEVICE_OBJECT *out)
{
    SIZE_T size = sizeof(DEVICE_OBJECT) + ((extension + 7) & ~7u);
    PDEVICE_OBJECT device = NewObject(size, TAG('D', 'e', 'v', 'i'));
    *out = NULL;
    if (device == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    device->Type = IO_TYPE_DEVICE;
    device->Size = (USHORT)(sizeof(DEVICE_OBJECT) + extension);
    device->DriverObject = driver;
    device->Flags = DO_DEVICE_INITIALIZING | (exclusive ? DO_EXCLUSIVE : 0);
    device->Characteristics = characteristics;
    device->DeviceType = type;
    device->StackSize = 1;
    device->DeviceExtension = extension != 0 ? device + 1 : NULL;
    InitializeListHead(&device->DeviceQueue.DeviceListHead);
    KeInitializeEvent(&device->DeviceLock, SynchronizationEvent, TRUE);
    NTSTATUS status = HostInsertObject(INSERT_DEVICE, device, name);
    if (!NT_SUCCESS(status)) {
        FreeObject(device);
        return status;
    }
    KIRQL irql = KfAcquireSpinLock(&IopDatabaseLock);
    device->NextDevice = driver->DeviceObject;
    driver->DeviceObject = device;
    KfReleaseSpinLock(&IopDatabaseLock, irql);
    *out = device;
    return STATUS_SUCCESS;
}

VOID NTAPI IoDeleteDevice(PDEVICE_OBJECT device)
{
    KIRQL irql = KfAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT *link = &device->DriverObject->DeviceObject;
    while (*link != NULL && *link != device)
        link = &(*link)->NextDevice;
    if (*link != NULL)
        *link = device->NextDevice;
    KfReleaseSpinLock(&IopDatabaseLock, irql);
    HostRemoveObject(device);
    FreeObject(device);
}

NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT device, PIRP irp)
{
    if (--irp->CurrentLocation <= 0)
        KeBugCheckEx(0x35, (ULONG_PTR)irp, 0, 0, 0); /* NO_MORE_IRP_STACK_LOCATIONS */
    PIO_STACK_LOCATION location = --irp->Tail.Overlay.CurrentStackLocation;
    location->DeviceObject = device;
    return device->DriverObject->MajorFunction[location->MajorFunction & 0x1f](device, irp);
}

/* Back through the completion routines; at the end whoever made the request is told. */
VOID FASTCALL IofCompleteRequest(PIRP irp, CHAR boost)
{
    if (irp->CurrentLocation > irp->StackCount + 1 || irp->Type != IO_TYPE_IRP)
        KeBugCheckEx(0x44, (ULONG_PTR)irp, 0, 0, 0); /* MULTIPLE_IRP_COMPLETE_REQUESTS */
    while (irp->CurrentLocation <= irp->StackCount) {
        PIO_STACK_LOCATION location = irp->Tail.Overlay.CurrentStackLocation;
        irp->PendingReturned = location->Control & SL_PENDING_RETURNED;
        irp->CurrentLocation++;
        irp->Tail.Overlay.CurrentStackLocation++;
        UCHAR wanted = NT_SUCCESS(irp->IoStatus.Status) ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR;
        PDEVICE_OBJECT device = irp->CurrentLocation <= irp->StackCount ? location[1].DeviceObject : NULL;
        if ((location->Control & wanted) != 0 && location->CompletionRoutine != NULL &&
            location->CompletionRoutine(device, irp, location->Context) == STATUS_MORE_PROCESSING_REQUIRED)
            return;
    }
    irp->CurrentLocation++;
    *irp->UserIosb = irp->IoStatus;
    KeSetEvent(irp->UserEvent, boost, FALSE);
}

static PIRP NewIrp(PFILE_OBJECT file, UCHAR function, PIO_STATUS_BLOCK block, PKEVENT event)
{
    CHAR locations = file->DeviceObject->StackSize;
    SIZE_T size = sizeof(IRP) + locations * sizeof(IO_STACK_LOCATION);
    PIRP irp = ExAllocatePoolWithTag(NonPagedPool, size, TAG('I', 'r', 'p', ' '));
    if (irp == NULL)
        return NULL;
    memset(irp, 0, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = (USHORT)size;
    irp->RequestorMode = UserMode;
    irp->StackCount = locations;
    irp->CurrentLocation = locations + 1;
    irp->UserIosb = block;
    irp->UserEvent = event;
    irp->Tail.Overlay.Thread = (PETHREAD)KeGetCurrentThread();
    irp->Tail.Overlay.OriginalFileObject = file;
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + locations;
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = function;
    location->FileObject = file;
    return irp;
}

/* Gives a request to the driver and waits for its end. */
static ULONGLONG Send(PFILE_OBJECT file, PIRP irp, PIO_STATUS_BLOCK block, PKEVENT event)
{
    NTSTATUS status = IofCallDriver(file->DeviceObject, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(event, Executive, KernelMode, FALSE, NULL);
        status = block->Status;
    } else if (KeReadStateEvent(event) == 0) {
        return (ULONG)status; /* The driver has lost the request: it stays. */
    }
    ExFreePoolWithTag(irp, 0);
    return (ULONGLONG)block->Information << 32 | (ULONG)status;
}

/* A request for reading, writing or control: EAX its status, EDX how many bytes. */
ULONGLONG NTAPI IopDriverRequest(PFILE_OBJECT file, ULONG function, PVOID system_buffer, ULONG input_length,
                                 ULONG output_length, ULONG code, PVOID input, PVOID output, ULONG offset_low,
                                 LONG offset_high)
{
    IO_STATUS_BLOCK block = {.Status = STATUS_PENDING};
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = NewIrp(file, (UCHAR)function, &block, &event);
    if (irp == NULL)
        return (ULONG)STATUS_INSUFFICIENT_RESOURCES;
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);
    irp->AssociatedIrp.SystemBuffer = system_buffer;
    irp->UserBuffer = output;
    if (function == IRP_MJ_DEVICE_CONTROL) {
        location->Parameters.DeviceIoControl.InputBufferLength = input_length;
        location->Parameters.DeviceIoControl.OutputBufferLength = output_length;
        location->Parameters.DeviceIoControl.IoControlCode = code;
        location->Parameters.DeviceIoControl.Type3InputBuffer = input;
    } else {
        location->Parameters.Read.Length = function == IRP_MJ_READ ? output_length : input_length;
        location->Parameters.Read.ByteOffset.LowPart = offset_low;
        location->Parameters.Read.ByteOffset.HighPart = offset_high;
        if (function == IRP_MJ_WRITE)
            irp->UserBuffer = input;
    }
    return Send(file, irp, &block, &event);
}

/* Opens a device: EAX the status, EDX the file object. */
ULONGLONG NTAPI IopOpenDevice(PDEVICE_OBJECT device, PCWSTR name, ULONG access, ULONG share, ULONG options)
{
    IO_STATUS_BLOCK block = {.Status = STATUS_PENDING};
    KEVENT event;
    SIZE_T length = wcslen(name) * sizeof *name;
    PFILE_OBJECT file = NewObject(sizeof *file + length + sizeof *name, TAG('F', 'i', 'l', 'e'));
    if (file == NULL)
        return (ULONG)STATUS_INSUFFICIENT_RESOURCES;
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof *file;
    file->DeviceObject = device;
    file->ReadAccess = (access & 0x1) != 0;
    file->WriteAccess = (access & 0x2) != 0;
    file->SharedRead = (share & 0x1) != 0;
    file->SharedWrite = (share & 0x2) != 0;
    file->Flags = options & 0x30 ? FO_SYNCHRONOUS_IO : 0;
    file->FileName.Buffer = (PWSTR)(file + 1);
    file->FileName.Length = (USHORT)length;
    file->FileName.MaximumLength = (USHORT)(length + sizeof *name);
    memcpy(file->FileName.Buffer, name, length + sizeof *name);
    KeInitializeEvent(&file->Lock, SynchronizationEvent, TRUE);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    if ((device->Flags & DO_EXCLUSIVE) != 0 && device->ReferenceCount != 0) {
        FreeObject(file);
        return (ULONG)STATUS_ACCESS_DENIED;
    }
    PIRP irp = NewIrp(file, IRP_MJ_CREATE, &block, &event);
    if (irp == NULL) {
        FreeObject(file);
        return (ULONG)STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);
    location->Parameters.Create.Options = options;
    location->Parameters.Create.ShareAccess = (USHORT)share;
    InterlockedIncrement(&device->ReferenceCount);
    NTSTATUS status = (NTSTATUS)Send(file, irp, &block, &event);
    if (!NT_SUCCESS(status)) {
        InterlockedDecrement(&device->ReferenceCount);
        FreeObject(file);
        file = NULL;
    }
    return (ULONGLONG)(ULONG_PTR)file << 32 | (ULONG)status;
}

static void Notify(PFILE_OBJECT file, UCHAR function)
{
    IO_STATUS_BLOCK block = {.Status = STATUS_PENDING};
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = NewIrp(file, function, &block, &event);
    if (irp != NULL)
        Send(file, irp, &block, &event);
}

/* The last handle of a file object was closed. */
NTSTATUS NTAPI IopCloseDevice(PFILE_OBJECT file)
{
    Notify(file, IRP_MJ_CLEANUP);
    Notify(file, IRP_MJ_CLOSE);
    InterlockedDecrement(&file->DeviceObject->ReferenceCount);
    FreeObject(file);
    return STATUS_SUCCESS;
}
