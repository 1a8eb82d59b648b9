/* Variables of the kernel that debuggers know by name, the block in which they find them, and the table by which the
   machine's kernel finds its routines here. The machine fills what is not known before a system starts. */

#include "ki.h"

LIST_ENTRY PsActiveProcessHead = {&PsActiveProcessHead, &PsActiveProcessHead};
LIST_ENTRY PsLoadedModuleList = {&PsLoadedModuleList, &PsLoadedModuleList};
PVOID PsInitialSystemProcess, PsIdleProcess;
PVOID MmPfnDatabase, MmSystemRangeStart, MmHighestUserAddress, MmUserProbeAddress;
PVOID MmSubsectionBase, MmNonPagedPoolStart, MmNonPagedPoolEnd, MmPagedPoolStart, MmPagedPoolEnd;
ULONG MmNumberOfPhysicalPages, MmHighestPhysicalPage;
PVOID KiProcessorBlock[32];
CHAR KeNumberProcessors;
ULONG NtBuildNumber = 0xf0000a28;
ULONG KiBugCheckData[5];

/* KDDEBUGGER_DATA: every address in 64 bits, sign extended. Behind the last field here XP's goes on with zeroes. */
typedef struct {
    ULONGLONG List[2];
    ULONG OwnerTag, Size;
    ULONGLONG KernBase, BreakpointWithStatus, SavedContext;
    USHORT ThCallbackStack, NextCallback, FramePointer, PaeEnabled;
    ULONGLONG KiCallUserMode, KeUserCallbackDispatcher, PsLoadedModuleList, PsActiveProcessHead, PspCidTable;
    ULONGLONG ExpSystemResourcesList, ExpPagedPoolDescriptor, ExpNumberOfPagedPools, KeTimeIncrement;
    ULONGLONG KeBugCheckCallbackListHead, KiBugcheckData, IopErrorLogListHead, ObpRootDirectoryObject;
    ULONGLONG ObpTypeObjectType, MmSystemCacheStart, MmSystemCacheEnd, MmSystemCacheWs, MmPfnDatabase;
    ULONGLONG MmSystemPtesStart, MmSystemPtesEnd, MmSubsectionBase, MmNumberOfPagingFiles, MmLowestPhysicalPage;
    ULONGLONG MmHighestPhysicalPage, MmNumberOfPhysicalPages, MmMaximumNonPagedPoolInBytes, MmNonPagedSystemStart;
    ULONGLONG MmNonPagedPoolStart, MmNonPagedPoolEnd, MmPagedPoolStart, MmPagedPoolEnd, MmPagedPoolInformation;
    ULONGLONG MmPageSize, MmSizeOfPagedPoolInBytes, Rest[41];
} DEBUGGER_DATA;
SIZE_IS(DEBUGGER_DATA, 0x290);
OFFSET_IS(DEBUGGER_DATA, PsActiveProcessHead, 0x50);
OFFSET_IS(DEBUGGER_DATA, MmPfnDatabase, 0xc0);
OFFSET_IS(DEBUGGER_DATA, MmNonPagedPoolStart, 0x110);

typedef struct {
    USHORT MajorVersion, MinorVersion, ProtocolVersion, Flags, MachineType;
    UCHAR MaxPacketType, MaxStateChange, MaxManipulate, Simulation;
    USHORT Unused;
    ULONGLONG KernBase, PsLoadedModuleList, DebuggerDataList;
} VERSION_BLOCK;
SIZE_IS(VERSION_BLOCK, 0x28);

DEBUGGER_DATA KdDebuggerDataBlock = {.OwnerTag = 0x4742444b, .Size = sizeof(DEBUGGER_DATA), .MmPageSize = 0x1000};
/* Major version 15: a free multiprocessor build; build 2600; i386; pointers of 32 bits. */
VERSION_BLOCK KdVersionBlock = {.MajorVersion = 15, .MinorVersion = 2600, .ProtocolVersion = 6, .Flags = 3,
                                .MachineType = 0x14c};
LIST_ENTRY KdpDebuggerDataListHead = {(PLIST_ENTRY)&KdDebuggerDataBlock, (PLIST_ENTRY)&KdDebuggerDataBlock};

void HostReturn(void);
ULONGLONG NTAPI IopInitializeDriver(PVOID, PVOID, ULONG, DRIVER_INITIALIZE *, PCWSTR, PCWSTR);
NTSTATUS NTAPI IopUnloadDriver(PDRIVER_OBJECT);
ULONGLONG NTAPI IopOpenDevice(PDEVICE_OBJECT, PCWSTR, ULONG, ULONG, ULONG);
NTSTATUS NTAPI IopCloseDevice(PFILE_OBJECT);
ULONGLONG NTAPI IopDriverRequest(PFILE_OBJECT, ULONG, PVOID, ULONG, ULONG, ULONG, PVOID, PVOID, ULONG, LONG);
VOID NTAPI KiSystemThreadStartup(KSTART_ROUTINE *, PVOID);

/* The order is that of the machine's HostTable. */
PVOID KiHostTable[] = {
    HostReturn, IopInitializeDriver, IopUnloadDriver, IopOpenDevice, IopCloseDevice, IopDriverRequest,
    KiSystemThreadStartup, &PsActiveProcessHead, &PsLoadedModuleList, &PsInitialSystemProcess, &PsIdleProcess,
    &MmPfnDatabase, &MmSystemRangeStart, &MmHighestUserAddress, &MmUserProbeAddress, &MmNonPagedPoolStart,
    &MmNonPagedPoolEnd, &MmPagedPoolStart, &MmPagedPoolEnd, &MmNumberOfPhysicalPages, &MmHighestPhysicalPage,
    KiProcessorBlock, &KeNumberProcessors, KiBugCheckData, &KdDebuggerDataBlock, &KdVersionBlock,
    &KdpDebuggerDataListHead, &MmSubsectionBase,
};
