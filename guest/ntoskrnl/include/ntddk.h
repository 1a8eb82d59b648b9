/* What a driver of this machine's kernel is written against: the structures of Windows XP (32-bit) that drivers see,
   as far as the kernel has them, and the exports of ntoskrnl.exe. */
#ifndef GUEST_NTDDK_H
#define GUEST_NTDDK_H

#ifndef WIN32_NO_STATUS
#define WIN32_NO_STATUS
#endif
#include <windef.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#ifndef FASTCALL
#define FASTCALL __fastcall
#endif
#ifdef GUEST_KERNEL
#define NTKERNELAPI
#else
#define NTKERNELAPI __declspec(dllimport)
#endif
#define OFFSET_IS(type, field, offset) _Static_assert(__builtin_offsetof(type, field) == (offset), #type "." #field)
#define SIZE_IS(type, size) _Static_assert(sizeof(type) == (size), #type)

typedef LONG NTSTATUS;
typedef UCHAR KIRQL, *PKIRQL;
typedef CHAR KPROCESSOR_MODE;
typedef LONG KPRIORITY;
typedef ULONG KSPIN_LOCK, *PKSPIN_LOCK;
typedef ULONG_PTR KAFFINITY;
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

#define PASSIVE_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define HIGH_LEVEL 31
enum { KernelMode, UserMode };

typedef struct _UNICODE_STRING {
    USHORT Length, MaximumLength;
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length, MaximumLength;
    PCHAR Buffer;
} STRING, ANSI_STRING, *PANSI_STRING;
typedef const STRING *PCANSI_STRING;

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor, SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
#define OBJ_CASE_INSENSITIVE 0x40
#define OBJ_KERNEL_HANDLE 0x200
#define InitializeObjectAttributes(at, name, attributes, root, security) \
    (*(at) = (OBJECT_ATTRIBUTES){sizeof(OBJECT_ATTRIBUTES), root, name, attributes, security, NULL})

typedef struct _CLIENT_ID {
    HANDLE UniqueProcess, UniqueThread;
} CLIENT_ID, *PCLIENT_ID;

typedef struct _IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

/* Dispatcher objects. */
typedef struct _DISPATCHER_HEADER {
    UCHAR Type, Absolute, Size, Inserted;
    LONG SignalState;
    LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

typedef struct _KEVENT {
    DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT;
typedef struct _KSEMAPHORE {
    DISPATCHER_HEADER Header;
    LONG Limit;
} KSEMAPHORE, *PKSEMAPHORE;
typedef struct _KMUTANT {
    DISPATCHER_HEADER Header;
    LIST_ENTRY MutantListEntry;
    PVOID OwnerThread;
    BOOLEAN Abandoned;
    UCHAR ApcDisable;
} KMUTEX, *PKMUTEX;
SIZE_IS(KEVENT, 0x10);
SIZE_IS(KSEMAPHORE, 0x14);
SIZE_IS(KMUTEX, 0x20);

typedef enum { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum { WaitAll, WaitAny } WAIT_TYPE;
typedef enum { Executive, FreePage, PageIn, PoolAllocation, DelayExecution, Suspended, UserRequest } KWAIT_REASON;

typedef struct _KDEVICE_QUEUE {
    USHORT Type, Size;
    LIST_ENTRY DeviceListHead;
    KSPIN_LOCK Lock;
    BOOLEAN Busy;
} KDEVICE_QUEUE;
typedef struct _KDPC {
    SHORT Type;
    UCHAR Number, Importance;
    LIST_ENTRY DpcListEntry;
    PVOID DeferredRoutine, DeferredContext, SystemArgument1, SystemArgument2, Lock;
} KDPC;

/* The I/O system. */
typedef struct _DRIVER_OBJECT DRIVER_OBJECT, *PDRIVER_OBJECT;
typedef struct _DEVICE_OBJECT DEVICE_OBJECT, *PDEVICE_OBJECT;
typedef struct _FILE_OBJECT FILE_OBJECT, *PFILE_OBJECT;
typedef struct _IRP IRP, *PIRP;
typedef struct _EPROCESS *PEPROCESS;
typedef struct _ETHREAD *PETHREAD, *PKTHREAD;
typedef struct _MDL *PMDL;
typedef NTSTATUS(NTAPI DRIVER_INITIALIZE)(PDRIVER_OBJECT driver, PUNICODE_STRING path);
typedef NTSTATUS(NTAPI DRIVER_DISPATCH)(PDEVICE_OBJECT device, PIRP irp);
typedef VOID(NTAPI DRIVER_UNLOAD)(PDRIVER_OBJECT driver);
typedef VOID(NTAPI DRIVER_CANCEL)(PDEVICE_OBJECT device, PIRP irp);
typedef NTSTATUS(NTAPI IO_COMPLETION_ROUTINE)(PDEVICE_OBJECT device, PIRP irp, PVOID context);
typedef VOID(NTAPI KSTART_ROUTINE)(PVOID context);

#define IRP_MJ_CREATE 0x00
#define IRP_MJ_CLOSE 0x02
#define IRP_MJ_READ 0x03
#define IRP_MJ_WRITE 0x04
#define IRP_MJ_DEVICE_CONTROL 0x0e
#define IRP_MJ_CLEANUP 0x12
#define IRP_MJ_MAXIMUM_FUNCTION 0x1b

struct _DRIVER_OBJECT {
    SHORT Type, Size;
    PDEVICE_OBJECT DeviceObject;
    ULONG Flags;
    PVOID DriverStart;
    ULONG DriverSize;
    PVOID DriverSection, DriverExtension;
    UNICODE_STRING DriverName;
    PUNICODE_STRING HardwareDatabase;
    PVOID FastIoDispatch;
    DRIVER_INITIALIZE *DriverInit;
    PVOID DriverStartIo;
    DRIVER_UNLOAD *DriverUnload;
    DRIVER_DISPATCH *MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
};
SIZE_IS(DRIVER_OBJECT, 0xa8);
OFFSET_IS(DRIVER_OBJECT, DriverUnload, 0x34);

#define DO_BUFFERED_IO 0x4
#define DO_EXCLUSIVE 0x8
#define DO_DIRECT_IO 0x10
#define DO_DEVICE_INITIALIZING 0x80
#define FILE_DEVICE_UNKNOWN 0x22
#define FILE_DEVICE_SECURE_OPEN 0x100

struct _DEVICE_OBJECT {
    SHORT Type;
    USHORT Size;
    LONG ReferenceCount;
    PDRIVER_OBJECT DriverObject;
    PDEVICE_OBJECT NextDevice, AttachedDevice;
    PIRP CurrentIrp;
    PVOID Timer;
    ULONG Flags, Characteristics;
    PVOID Vpb, DeviceExtension;
    ULONG DeviceType;
    CHAR StackSize;
    UCHAR Queue[0x28] __attribute__((aligned(4)));
    ULONG AlignmentRequirement;
    KDEVICE_QUEUE DeviceQueue;
    KDPC Dpc;
    ULONG ActiveThreadCount;
    PVOID SecurityDescriptor;
    KEVENT DeviceLock;
    USHORT SectorSize, Spare1;
    PVOID DeviceObjectExtension, Reserved;
};
SIZE_IS(DEVICE_OBJECT, 0xb8);
OFFSET_IS(DEVICE_OBJECT, DeviceExtension, 0x28);
OFFSET_IS(DEVICE_OBJECT, Dpc, 0x74);

struct _FILE_OBJECT {
    SHORT Type, Size;
    PDEVICE_OBJECT DeviceObject;
    PVOID Vpb, FsContext, FsContext2, SectionObjectPointer, PrivateCacheMap;
    NTSTATUS FinalStatus;
    PFILE_OBJECT RelatedFileObject;
    BOOLEAN LockOperation, DeletePending, ReadAccess, WriteAccess, DeleteAccess, SharedRead, SharedWrite, SharedDelete;
    ULONG Flags;
    UNICODE_STRING FileName;
    LARGE_INTEGER CurrentByteOffset;
    ULONG Waiters, Busy;
    PVOID LastLock;
    KEVENT Lock, Event;
    PVOID CompletionContext;
};
SIZE_IS(FILE_OBJECT, 0x70);

typedef struct _IO_STACK_LOCATION {
    UCHAR MajorFunction, MinorFunction, Flags, Control;
    union {
        struct {
            PVOID SecurityContext;
            ULONG Options;
            USHORT FileAttributes, ShareAccess;
            ULONG EaLength;
        } Create;
        struct {
            ULONG Length, Key;
            LARGE_INTEGER ByteOffset __attribute__((aligned(4)));
        } __attribute__((packed, aligned(4))) Read, Write;
        struct {
            ULONG OutputBufferLength, InputBufferLength, IoControlCode;
            PVOID Type3InputBuffer;
        } DeviceIoControl;
        struct {
            PVOID Argument1, Argument2, Argument3, Argument4;
        } Others;
    } __attribute__((packed, aligned(4))) Parameters;
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT FileObject;
    IO_COMPLETION_ROUTINE *CompletionRoutine;
    PVOID Context;
} IO_STACK_LOCATION, *PIO_STACK_LOCATION;
SIZE_IS(IO_STACK_LOCATION, 0x24);
#define SL_PENDING_RETURNED 1
#define SL_INVOKE_ON_SUCCESS 0x40
#define SL_INVOKE_ON_ERROR 0x80

struct _IRP {
    SHORT Type;
    USHORT Size;
    PMDL MdlAddress;
    ULONG Flags;
    union {
        PIRP MasterIrp;
        LONG IrpCount;
        PVOID SystemBuffer;
    } AssociatedIrp;
    LIST_ENTRY ThreadListEntry;
    IO_STATUS_BLOCK IoStatus;
    KPROCESSOR_MODE RequestorMode;
    BOOLEAN PendingReturned;
    CHAR StackCount, CurrentLocation;
    BOOLEAN Cancel;
    KIRQL CancelIrql;
    CHAR ApcEnvironment;
    UCHAR AllocationFlags;
    PIO_STATUS_BLOCK UserIosb;
    PKEVENT UserEvent;
    ULONG Overlay[2];
    DRIVER_CANCEL *CancelRoutine;
    PVOID UserBuffer;
    union {
        struct {
            PVOID DriverContext[4];
            PETHREAD Thread;
            PCHAR AuxiliaryBuffer;
            LIST_ENTRY ListEntry;
            PIO_STACK_LOCATION CurrentStackLocation;
            PFILE_OBJECT OriginalFileObject;
        } Overlay;
        UCHAR Apc[0x30];
    } Tail;
};
SIZE_IS(IRP, 0x70);
OFFSET_IS(IRP, Tail.Overlay.CurrentStackLocation, 0x60);

static inline PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP irp)
{
    return irp->Tail.Overlay.CurrentStackLocation;
}
static inline PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP irp)
{
    return irp->Tail.Overlay.CurrentStackLocation - 1;
}
static inline void IoMarkIrpPending(PIRP irp)
{
    IoGetCurrentIrpStackLocation(irp)->Control |= SL_PENDING_RETURNED;
}

#define CTL_CODE(type, function, method, access) ((type) << 16 | (access) << 14 | (function) << 2 | (method))
#define METHOD_BUFFERED 0
#define METHOD_IN_DIRECT 1
#define METHOD_OUT_DIRECT 2
#define METHOD_NEITHER 3
#define FILE_ANY_ACCESS 0
#define IO_NO_INCREMENT 0

typedef enum { NonPagedPool, PagedPool } POOL_TYPE;

/* Exports. */
#define KERNEL(type) NTKERNELAPI type NTAPI
KERNEL(PVOID) ExAllocatePool(POOL_TYPE type, SIZE_T bytes);
KERNEL(PVOID) ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag);
KERNEL(PVOID) ExAllocatePoolWithQuotaTag(POOL_TYPE type, SIZE_T bytes, ULONG tag);
KERNEL(VOID) ExFreePool(PVOID block);
KERNEL(VOID) ExFreePoolWithTag(PVOID block, ULONG tag);

KERNEL(NTSTATUS) IoCreateDevice(PDRIVER_OBJECT driver, ULONG extension, PUNICODE_STRING name, ULONG type,
                                ULONG characteristics, BOOLEAN exclusive, PDEVICE_OBJECT *device);
KERNEL(VOID) IoDeleteDevice(PDEVICE_OBJECT device);
KERNEL(NTSTATUS) IoCreateSymbolicLink(PUNICODE_STRING link, PUNICODE_STRING target);
KERNEL(NTSTATUS) IoDeleteSymbolicLink(PUNICODE_STRING link);
NTKERNELAPI NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT device, PIRP irp);
NTKERNELAPI VOID FASTCALL IofCompleteRequest(PIRP irp, CHAR boost);
KERNEL(PEPROCESS) IoGetCurrentProcess(void);
#define IoCallDriver IofCallDriver
#define IoCompleteRequest IofCompleteRequest

KERNEL(VOID) KeInitializeEvent(PKEVENT event, EVENT_TYPE type, BOOLEAN state);
KERNEL(LONG) KeSetEvent(PKEVENT event, KPRIORITY increment, BOOLEAN wait);
KERNEL(LONG) KeResetEvent(PKEVENT event);
KERNEL(VOID) KeClearEvent(PKEVENT event);
KERNEL(LONG) KeReadStateEvent(PKEVENT event);
KERNEL(VOID) KeInitializeSemaphore(PKSEMAPHORE semaphore, LONG count, LONG limit);
KERNEL(LONG) KeReleaseSemaphore(PKSEMAPHORE semaphore, KPRIORITY increment, LONG adjustment, BOOLEAN wait);
KERNEL(VOID) KeInitializeMutex(PKMUTEX mutex, ULONG level);
KERNEL(LONG) KeReleaseMutex(PKMUTEX mutex, BOOLEAN wait);
KERNEL(NTSTATUS) KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
                                       PLARGE_INTEGER timeout);
KERNEL(NTSTATUS) KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER interval);
NTKERNELAPI KIRQL FASTCALL KfRaiseIrql(KIRQL irql);
NTKERNELAPI VOID FASTCALL KfLowerIrql(KIRQL irql);
KERNEL(KIRQL) KeGetCurrentIrql(void);
#define KeRaiseIrql(irql, old) (*(old) = KfRaiseIrql(irql))
#define KeLowerIrql(irql) KfLowerIrql(irql)
KERNEL(VOID) KeInitializeSpinLock(PKSPIN_LOCK lock);
NTKERNELAPI KIRQL FASTCALL KfAcquireSpinLock(PKSPIN_LOCK lock);
NTKERNELAPI VOID FASTCALL KfReleaseSpinLock(PKSPIN_LOCK lock, KIRQL irql);
#define KeAcquireSpinLock(lock, old) (*(old) = KfAcquireSpinLock(lock))
#define KeReleaseSpinLock(lock, old) KfReleaseSpinLock(lock, old)
KERNEL(VOID) KeQuerySystemTime(PLARGE_INTEGER time);
KERNEL(VOID) KeQueryTickCount(PLARGE_INTEGER ticks);
KERNEL(PKTHREAD) KeGetCurrentThread(void);
__attribute__((noreturn)) KERNEL(VOID) KeBugCheck(ULONG code);
__attribute__((noreturn)) KERNEL(VOID) KeBugCheckEx(ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4);
NTKERNELAPI ULONG __cdecl DbgPrint(PCSTR format, ...);

KERNEL(PVOID) MmGetSystemRoutineAddress(PUNICODE_STRING name);
KERNEL(BOOLEAN) MmIsAddressValid(PVOID address);
KERNEL(PVOID) MmLockPagableDataSection(PVOID address);
KERNEL(VOID) MmUnlockPagableImageSection(PVOID section);
KERNEL(HANDLE) PsGetCurrentProcessId(void);
KERNEL(HANDLE) PsGetCurrentThreadId(void);
KERNEL(NTSTATUS) PsCreateSystemThread(PHANDLE handle, ULONG access, POBJECT_ATTRIBUTES attributes, HANDLE process,
                                      PCLIENT_ID id, KSTART_ROUTINE *routine, PVOID context);
KERNEL(NTSTATUS) PsTerminateSystemThread(NTSTATUS status);
KERNEL(NTSTATUS) ObReferenceObjectByHandle(HANDLE handle, ULONG access, PVOID type, KPROCESSOR_MODE mode, PVOID *object,
                                           PVOID information);
NTKERNELAPI LONG FASTCALL ObfDereferenceObject(PVOID object);
#define ObDereferenceObject(object) ObfDereferenceObject(object)
KERNEL(NTSTATUS) ZwClose(HANDLE handle);

KERNEL(VOID) RtlInitUnicodeString(PUNICODE_STRING string, PCWSTR text);
KERNEL(VOID) RtlInitAnsiString(PANSI_STRING string, PCSTR text);
KERNEL(VOID) RtlCopyUnicodeString(PUNICODE_STRING to, PCUNICODE_STRING from);
KERNEL(LONG) RtlCompareUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case);
KERNEL(BOOLEAN) RtlEqualUnicodeString(PCUNICODE_STRING one, PCUNICODE_STRING other, BOOLEAN ignore_case);
KERNEL(NTSTATUS) RtlAppendUnicodeToString(PUNICODE_STRING to, PCWSTR text);
NTKERNELAPI void *__cdecl memcpy(void *to, const void *from, size_t count);
NTKERNELAPI void *__cdecl memset(void *to, int value, size_t count);
NTKERNELAPI int __cdecl memcmp(const void *one, const void *other, size_t count);
NTKERNELAPI size_t __cdecl strlen(const char *text);
NTKERNELAPI size_t __cdecl wcslen(const wchar_t *text);
NTKERNELAPI int __cdecl _snprintf(char *buffer, size_t size, const char *format, ...);
#endif
