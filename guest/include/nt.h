/* The structures of Windows XP SP3 (32-bit) that user mode and kernel share; offsets as in the machine's reference. */
#ifndef GUEST_NT_H
#define GUEST_NT_H

#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0501
#endif
#ifndef WINVER
#define WINVER 0x0501
#endif
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

typedef LONG NTSTATUS;

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)
#define OFFSET_IS(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#ifndef offsetof
#define offsetof(type, field) __builtin_offsetof(type, field)
#endif
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define PAGE_SIZE 0x1000u
#define ALLOCATION_UNIT 0x10000u
#define NtCurrentProcess() ((HANDLE)-1)
#define NtCurrentThread() ((HANDLE)-2)

typedef struct _UNICODE_STRING {
    USHORT Length, MaximumLength;
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length, MaximumLength;
    PCHAR Buffer;
} STRING, ANSI_STRING, OEM_STRING, *PSTRING, *PANSI_STRING, *POEM_STRING;
typedef const STRING *PCANSI_STRING;

typedef struct _CLIENT_ID {
    HANDLE UniqueProcess, UniqueThread;
} CLIENT_ID, *PCLIENT_ID;

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor, SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

#define OBJ_INHERIT 0x2
#define OBJ_CASE_INSENSITIVE 0x40
#define OBJ_OPENIF 0x80

typedef struct _IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef VOID(NTAPI *PIO_APC_ROUTINE)(PVOID context, PIO_STATUS_BLOCK block, ULONG reserved);
typedef VOID(NTAPI *PTIMER_APC_ROUTINE)(PVOID context, ULONG low, LONG high);
typedef VOID(NTAPI *PKNORMAL_ROUTINE)(PVOID context, PVOID first, PVOID second);

typedef struct _CURDIR {
    UNICODE_STRING DosPath;
    HANDLE Handle;
} CURDIR;

typedef struct _RTL_USER_PROCESS_PARAMETERS {
    ULONG MaximumLength, Length, Flags, DebugFlags;
    HANDLE ConsoleHandle;
    ULONG ConsoleFlags;
    HANDLE StandardInput, StandardOutput, StandardError;
    CURDIR CurrentDirectory;
    UNICODE_STRING DllPath, ImagePathName, CommandLine;
    PWSTR Environment;
    ULONG StartingX, StartingY, CountX, CountY, CountCharsX, CountCharsY, FillAttribute, WindowFlags, ShowWindowFlags;
    UNICODE_STRING WindowTitle, DesktopInfo, ShellInfo, RuntimeData;
} RTL_USER_PROCESS_PARAMETERS, *PRTL_USER_PROCESS_PARAMETERS;
OFFSET_IS(RTL_USER_PROCESS_PARAMETERS, StandardInput, 0x18);
OFFSET_IS(RTL_USER_PROCESS_PARAMETERS, CurrentDirectory, 0x24);
OFFSET_IS(RTL_USER_PROCESS_PARAMETERS, DllPath, 0x30);
OFFSET_IS(RTL_USER_PROCESS_PARAMETERS, Environment, 0x48);
OFFSET_IS(RTL_USER_PROCESS_PARAMETERS, WindowTitle, 0x70);

typedef struct _PEB_LDR_DATA {
    ULONG Length;
    ULONG Initialized;
    PVOID SsHandle;
    LIST_ENTRY InLoadOrderModuleList, InMemoryOrderModuleList, InInitializationOrderModuleList;
    PVOID EntryInProgress;
} PEB_LDR_DATA, *PPEB_LDR_DATA;
OFFSET_IS(PEB_LDR_DATA, InLoadOrderModuleList, 0x0c);

typedef struct _LDR_DATA_TABLE_ENTRY {
    LIST_ENTRY InLoadOrderLinks, InMemoryOrderLinks, InInitializationOrderLinks;
    PVOID DllBase, EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName, BaseDllName;
    ULONG Flags;
    USHORT LoadCount, TlsIndex;
    LIST_ENTRY HashLinks;
    ULONG TimeDateStamp;
    PVOID EntryPointActivationContext, PatchInformation;
} LDR_DATA_TABLE_ENTRY, *PLDR_DATA_TABLE_ENTRY;
OFFSET_IS(LDR_DATA_TABLE_ENTRY, DllBase, 0x18);
OFFSET_IS(LDR_DATA_TABLE_ENTRY, FullDllName, 0x24);
OFFSET_IS(LDR_DATA_TABLE_ENTRY, LoadCount, 0x38);
OFFSET_IS(LDR_DATA_TABLE_ENTRY, TimeDateStamp, 0x44);

#define LDRP_STATIC_LINK 0x2
#define LDRP_IMAGE_DLL 0x4
#define LDRP_LOAD_IN_PROGRESS 0x1000
#define LDRP_UNLOAD_IN_PROGRESS 0x2000
#define LDRP_ENTRY_PROCESSED 0x4000
#define LDRP_DONT_CALL_FOR_THREADS 0x40000
#define LDRP_PROCESS_ATTACH_CALLED 0x80000
#define LDRP_PINNED 0xffff

typedef struct _RTL_BITMAP {
    ULONG SizeOfBitMap;
    PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;

typedef struct _PEB {
    BYTE InheritedAddressSpace, ReadImageFileExecOptions, BeingDebugged, SpareBool;
    HANDLE Mutant;
    PVOID ImageBaseAddress;
    PPEB_LDR_DATA Ldr;
    PRTL_USER_PROCESS_PARAMETERS ProcessParameters;
    PVOID SubSystemData, ProcessHeap;
    PRTL_CRITICAL_SECTION FastPebLock;
    PVOID FastPebLockRoutine, FastPebUnlockRoutine;
    ULONG EnvironmentUpdateCount;
    PVOID KernelCallbackTable;
    ULONG SystemReserved[2];
    PVOID FreeList;
    ULONG TlsExpansionCounter;
    PRTL_BITMAP TlsBitmap;
    ULONG TlsBitmapBits[2];
    PVOID ReadOnlySharedMemoryBase, ReadOnlySharedMemoryHeap, ReadOnlyStaticServerData;
    PVOID AnsiCodePageData, OemCodePageData, UnicodeCaseTableData;
    ULONG NumberOfProcessors, NtGlobalFlag;
    LARGE_INTEGER CriticalSectionTimeout;
    ULONG HeapSegmentReserve, HeapSegmentCommit, HeapDeCommitTotalFreeThreshold, HeapDeCommitFreeBlockThreshold;
    ULONG NumberOfHeaps, MaximumNumberOfHeaps;
    PVOID *ProcessHeaps;
    PVOID GdiSharedHandleTable, ProcessStarterHelper;
    ULONG GdiDCAttributeList;
    PRTL_CRITICAL_SECTION LoaderLock;
    ULONG OSMajorVersion, OSMinorVersion;
    USHORT OSBuildNumber, OSCSDVersion;
    ULONG OSPlatformId, ImageSubsystem, ImageSubsystemMajorVersion, ImageSubsystemMinorVersion;
    ULONG ImageProcessAffinityMask;
    ULONG GdiHandleBuffer[34];
    PVOID PostProcessInitRoutine;
    PRTL_BITMAP TlsExpansionBitmap;
    ULONG TlsExpansionBitmapBits[32];
    ULONG SessionId;
    ULARGE_INTEGER AppCompatFlags, AppCompatFlagsUser;
    PVOID pShimData, AppCompatInfo;
    UNICODE_STRING CSDVersion;
} PEB, *PPEB;
OFFSET_IS(PEB, ProcessHeap, 0x18);
OFFSET_IS(PEB, TlsBitmap, 0x40);
OFFSET_IS(PEB, NumberOfProcessors, 0x64);
OFFSET_IS(PEB, CriticalSectionTimeout, 0x70);
OFFSET_IS(PEB, NumberOfHeaps, 0x88);
OFFSET_IS(PEB, LoaderLock, 0xa0);
OFFSET_IS(PEB, ImageSubsystem, 0xb4);
OFFSET_IS(PEB, PostProcessInitRoutine, 0x14c);
OFFSET_IS(PEB, SessionId, 0x1d4);

#define TLS_EXPANSION_SLOTS 1024

typedef struct _TEB {
    NT_TIB NtTib;
    PVOID EnvironmentPointer;
    CLIENT_ID ClientId;
    PVOID ActiveRpcHandle;
    PVOID *ThreadLocalStoragePointer;
    PPEB ProcessEnvironmentBlock;
    ULONG LastErrorValue, CountOfOwnedCriticalSections;
    PVOID CsrClientThread, Win32ThreadInfo;
    ULONG User32Reserved[26], UserReserved[5];
    PVOID WOW32Reserved;
    ULONG CurrentLocale, FpSoftwareStatusRegister;
    PVOID SystemReserved1[54];
    ULONG ExceptionCode;
    BYTE SpareBytes[0xbf4 - 0x1a8];
    ULONG LastStatusValue;
    UNICODE_STRING StaticUnicodeString;
    WCHAR StaticUnicodeBuffer[262];
    PVOID DeallocationStack;
    PVOID TlsSlots[64];
    LIST_ENTRY TlsLinks;
    PVOID Vdm, ReservedForNtRpc, DbgSsReserved[2];
    ULONG HardErrorMode;
    PVOID Instrumentation[16];
    PVOID WinSockData;
    ULONG GdiBatchCount;
    BYTE InDbgPrint, FreeStackOnTermination, HasFiberData, IdealProcessor;
    ULONG GuaranteedStackBytes;
    PVOID ReservedForPerf, ReservedForOle;
    ULONG WaitingOnLoaderLock;
    PVOID Wx86Thread[3];
    PVOID *TlsExpansionSlots;
    ULONG ImpersonationLocale, IsImpersonating;
    PVOID NlsCache, pShimData;
    ULONG HeapVirtualAffinity;
    HANDLE CurrentTransactionHandle;
    PVOID ActiveFrame, FlsData;
} TEB, *PTEB;
OFFSET_IS(TEB, LastErrorValue, 0x34);
OFFSET_IS(TEB, CurrentLocale, 0xc4);
OFFSET_IS(TEB, ExceptionCode, 0x1a4);
OFFSET_IS(TEB, LastStatusValue, 0xbf4);
OFFSET_IS(TEB, DeallocationStack, 0xe0c);
OFFSET_IS(TEB, TlsSlots, 0xe10);
OFFSET_IS(TEB, TlsLinks, 0xf10);
OFFSET_IS(TEB, GuaranteedStackBytes, 0xf78);
OFFSET_IS(TEB, TlsExpansionSlots, 0xf94);
_Static_assert(sizeof(TEB) == 0xfb8, "the size of the TEB");
OFFSET_IS(CONTEXT, Eip, 0xb8);
_Static_assert(sizeof(CONTEXT) == 0x2cc, "the size of the CONTEXT");

typedef struct _INITIAL_TEB {
    PVOID OldStackBase, OldStackLimit;
    PVOID StackBase, StackLimit, StackAllocationBase;
} INITIAL_TEB, *PINITIAL_TEB;

typedef struct _KSYSTEM_TIME {
    ULONG LowPart;
    LONG High1Time, High2Time;
} KSYSTEM_TIME;

typedef struct _KUSER_SHARED_DATA {
    ULONG TickCountLow, TickCountMultiplier;
    volatile KSYSTEM_TIME InterruptTime, SystemTime, TimeZoneBias;
    USHORT ImageNumberLow, ImageNumberHigh;
    WCHAR NtSystemRoot[260];
    ULONG MaxStackTraceDepth, CryptoExponent, TimeZoneId, Reserved2[8], NtProductType;
    BYTE ProductTypeIsValid, Padding[3];
    ULONG NtMajorVersion, NtMinorVersion;
    BYTE ProcessorFeatures[64];
} KUSER_SHARED_DATA;
OFFSET_IS(KUSER_SHARED_DATA, NtProductType, 0x264);
OFFSET_IS(KUSER_SHARED_DATA, ProcessorFeatures, 0x274);
#define SharedUserData ((const KUSER_SHARED_DATA *)0x7ffe0000)

static inline PTEB CurrentTeb(void) { return (PTEB)NtCurrentTeb(); }
static inline PPEB CurrentPeb(void) { return CurrentTeb()->ProcessEnvironmentBlock; }

#endif
