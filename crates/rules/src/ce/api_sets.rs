//! The API sets of the machine's Windows CE: number, name, server, and for each method number, name and arguments.
//!
//! Every export of `coredll.dll` that is a system call jumps to the address of its set and method ([`super::api_call`]);
//! servers register the methods of their sets in this order. Numbers marked [`Known`] are those that public code
//! confirms for CE 4.2 and 5 (`wince.md` 5.2); all others are **our choice**, since no public source gives them.
//!
//! On x86 a call looks as if the caller had called a C function at that address (`__cdecl`, our choice):
//!
//! ```text
//! ESP      return address         EAX  the result, EDX its upper half where it has 64 bits
//! ESP + 4  first argument         the caller takes the arguments from the stack
//! ```
//!
//! Methods of a set that stands for a kind of handle get the handle as their first argument; in a server it is replaced
//! by the word that the server gave to `CreateAPIHandle`. Method 0 of such a set closes the handle. Method 0 of any
//! other set of a server, where there is one, is told about processes that end: `(cause, process, thread)`.

use super::api_call::BASE_CE5;
use vatlas_space::Va;

/// Who answers the calls of a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApiServer {
    /// The kernel.
    Kernel,
    /// `filesys.exe`.
    FileSystem,
    /// `device.exe`.
    Devices,
    /// `gwes.exe`.
    Graphics,
}

/// Where the number of a method comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberSource {
    /// Public code confirms it.
    Known,
    /// Our choice.
    Ours,
}
use NumberSource::{Known, Ours};

/// A method of an API set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiMethod {
    /// Its number, 0 to 255.
    pub number: u8,
    /// Its name: that of the export of `coredll.dll` wherever there is one of this name.
    pub name: &'static str,
    /// A letter for each argument: `d` a number or handle, `p` a pointer. A call into a server maps pointers to the
    /// caller; pointers inside of structures are left to the server.
    pub arguments: &'static str,
    /// Where the number comes from.
    pub source: NumberSource,
}

impl ApiMethod {
    /// Two bits for each argument, the first lowest: 0 a number, 1 a pointer. What `CreateAPISet` takes.
    pub fn signature(&self) -> u32 {
        let bits = self.arguments.bytes().take(16).enumerate();
        bits.fold(0, |signature, (index, letter)| signature | u32::from(letter == b'p') << (2 * index))
    }
}

/// An API set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiSet {
    /// Its number, 0 to 31.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// The four letters that a server gives it.
    pub tag: &'static str,
    /// Who answers.
    pub server: ApiServer,
    /// Whether its methods take a handle of its kind first.
    pub is_handle: bool,
    /// Its methods in order of their numbers.
    pub methods: &'static [ApiMethod],
}

impl ApiSet {
    /// A method by number.
    pub fn method(&self, number: u8) -> Option<&'static ApiMethod> {
        self.methods.iter().find(|method| method.number == number)
    }
}

/// Where API calls return to: the address that the kernel puts on the stack of a thread that it sends into a server or
/// into `DllMain` (KData + 2A0, `pAPIReturn`). Our choice: one below the lowest call.
pub const API_RETURN: Va = Va(BASE_CE5.0 - 4 * 0x4000);

/// Sets of a system, at most.
pub const API_SETS: u8 = 32;

/// The address to which a program jumps for a call.
pub const fn call_address(set: u8, method: u8) -> Va {
    Va(BASE_CE5.0 - (((set as u64) << 8) | method as u64) * 4)
}

/// A set by number.
pub fn api_set(number: u8) -> Option<&'static ApiSet> {
    SETS.iter().find(|set| set.number == number)
}

/// Set and method of a name, for calls of the kernel and its servers.
pub fn find(name: &str) -> Option<(&'static ApiSet, &'static ApiMethod)> {
    SETS.iter().find_map(|set| Some((set, set.methods.iter().find(|method| method.name == name)?)))
}

macro_rules! methods {
    ($($number:literal $name:ident $arguments:literal $source:ident;)*) => {
        &[$(ApiMethod { number: $number, name: stringify!($name), arguments: $arguments, source: $source }),*]
    };
}

/// All sets.
pub static SETS: &[ApiSet] = &[
    ApiSet { number: 0, name: "WIN32", tag: "Wn32", server: ApiServer::Kernel, is_handle: false, methods: WIN32 },
    ApiSet { number: 1, name: "CURTHREAD", tag: "THRD", server: ApiServer::Kernel, is_handle: true, methods: THREAD },
    ApiSet { number: 2, name: "CURPROC", tag: "PROC", server: ApiServer::Kernel, is_handle: true, methods: PROCESS },
    ApiSet { number: 3, name: "KWIN32", tag: "KW32", server: ApiServer::Kernel, is_handle: false, methods: STORE },
    ApiSet { number: 4, name: "HT_EVENT", tag: "EVNT", server: ApiServer::Kernel, is_handle: true, methods: EVENT },
    ApiSet { number: 5, name: "HT_MUTEX", tag: "MUTX", server: ApiServer::Kernel, is_handle: true, methods: MUTEX },
    ApiSet { number: 6, name: "HT_APISET", tag: "APIS", server: ApiServer::Kernel, is_handle: true, methods: APISET },
    ApiSet { number: 7, name: "HT_FILE", tag: "FILE", server: ApiServer::FileSystem, is_handle: true, methods: FILE },
    ApiSet { number: 8, name: "HT_FIND", tag: "FFHN", server: ApiServer::FileSystem, is_handle: true, methods: FIND },
    ApiSet {
        number: 13,
        name: "HT_SEMAPHORE",
        tag: "SEMP",
        server: ApiServer::Kernel,
        is_handle: true,
        methods: SEMAPHORE,
    },
    ApiSet { number: 14, name: "HT_FSMAP", tag: "FMAP", server: ApiServer::Kernel, is_handle: true, methods: MAPPING },
    ApiSet { number: 17, name: "WMGR", tag: "WMGR", server: ApiServer::Graphics, is_handle: false, methods: WINDOWS },
    ApiSet {
        number: 20,
        name: "FILESYS_APIS",
        tag: "FSYS",
        server: ApiServer::FileSystem,
        is_handle: false,
        methods: FILESYS,
    },
    ApiSet {
        number: 22,
        name: "DEVMGR_APIS",
        tag: "DEVM",
        server: ApiServer::Devices,
        is_handle: false,
        methods: DEVICES,
    },
];

/// The kernel's calls.
#[rustfmt::skip]
const WIN32: &[ApiMethod] = methods! {
    2 CreateAPISet "pdpp" Ours;
    3 VirtualAlloc "pddd" Known;
    4 VirtualFree "pdd" Known;
    5 VirtualProtect "pddp" Known;
    6 VirtualQuery "ppd" Ours;
    7 VirtualCopy "ppdd" Ours;
    8 LoadLibraryW "p" Ours;
    9 LoadLibraryExW "pdd" Ours;
    10 FreeLibrary "d" Ours;
    11 GetProcAddressW "dp" Ours;
    12 GetProcAddressA "dp" Ours;
    13 GetModuleHandleW "p" Ours;
    14 GetModuleFileNameW "dpd" Ours;
    15 DisableThreadLibraryCalls "d" Ours;
    16 LoadKernelLibrary "p" Ours;
    17 CreateProcessW "ppppddpppp" Ours;
    18 CreateThread "pdppdp" Ours;
    19 ExitThread "d" Ours;
    20 Sleep "d" Ours;
    21 SleepTillTick "" Ours;
    22 WaitForMultipleObjects "dpdd" Ours;
    23 CreateEventW "pddp" Ours;
    24 CreateMutexW "pdp" Ours;
    25 CreateSemaphoreW "pddp" Ours;
    26 CloseHandle "d" Ours;
    27 DuplicateHandle "dddpddd" Ours;
    28 EnterCriticalSection "p" Ours;
    29 LeaveCriticalSection "p" Ours;
    30 DeleteCriticalSection "p" Ours;
    31 TlsCall "dd" Ours;
    32 GetTickCount "" Ours;
    33 QueryPerformanceCounter "p" Ours;
    34 QueryPerformanceFrequency "p" Ours;
    35 GetSystemTimeAsFileTime "p" Ours;
    36 OutputDebugStringW "p" Ours;
    37 NKvDbgPrintfW "pp" Ours;
    38 RaiseException "dddp" Ours;
    39 SetLastError "d" Ours;
    40 GetLastError "" Ours;
    41 GetSystemInfo "p" Ours;
    42 GlobalMemoryStatus "p" Ours;
    43 GetStoreInformation "p" Ours;
    44 GetCommandLineW "" Ours;
    45 OpenProcess "ddd" Ours;
    46 FlushInstructionCache "dpd" Ours;
    47 CacheSync "d" Ours;
    48 CeVirtualSharedAlloc "pdd" Ours;
    49 CreateFileMappingW "dpdddp" Ours;
    50 UnmapViewOfFile "p" Ours;
    51 GetProcessIndexFromID "d" Ours;
    52 GetProcessVersion "d" Ours;
    53 ReadProcessMemory "dppdp" Ours;
    54 WriteProcessMemory "dppdp" Ours;
    55 CreateToolhelp32Snapshot "dd" Ours;
    56 Process32Next "dpd" Ours;
    57 Module32Next "dpd" Ours;
    58 Thread32Next "dpd" Ours;
    59 IsBadPtr "dpd" Ours;
    60 FindResourceW "dpp" Ours;
    61 LoadResource "dd" Ours;
    62 SizeofResource "dd" Ours;
    63 IsProcessDying "" Ours;
    64 NKContinue "p" Ours;
    65 GetVersionExW "p" Ours;
    66 TerminateProcess "dd" Ours;
    67 SetStackGuarantee "d" Ours;
    68 GetCallStackSnapshot "pdd" Ours;
    69 WaitForAPIReady "dd" Ours;
    70 QueryAPISetID "p" Ours;
    71 FlushViewOfFile "pd" Ours;
    87 NKTerminateThread "d" Known;
    99 KernelIoControl "dpdpdp" Known;
    100 GetCurrentPermissions "" Ours;
    101 SetProcPermissions "d" Ours;
    102 MapPtrToProcess "pd" Ours;
    103 UnMapPtr "p" Ours;
    104 CeZeroPointer "p" Ours;
    105 MapCallerPtr "pd" Ours;
    106 GetCallerProcess "" Ours;
    107 GetOwnerProcess "" Ours;
    108 SetKMode "d" Known;
    109 GetCallerProcessIndex "" Ours;
    110 CeGetCurrentTrust "" Ours;
    111 InterruptInitialize "ddpd" Ours;
    112 LoadIntChainHandler "ppd" Ours;
    170 KernelLibIoControl "ddpdpdp" Known;
};

/// Calls with a thread handle first.
#[rustfmt::skip]
const THREAD: &[ApiMethod] = methods! {
    0 CloseThreadHandle "d" Ours;
    2 SuspendThread "d" Ours;
    3 ResumeThread "d" Ours;
    4 SetThreadPriority "dd" Ours;
    5 GetThreadPriority "d" Ours;
    6 CeSetThreadPriority "dd" Ours;
    7 CeGetThreadPriority "d" Ours;
    8 CeSetThreadQuantum "dd" Ours;
    9 CeGetThreadQuantum "d" Ours;
    10 GetExitCodeThread "dp" Ours;
    11 TerminateThread "dd" Ours;
    12 GetThreadContext "dp" Ours;
    13 SetThreadContext "dp" Ours;
    14 GetThreadTimes "dpppp" Ours;
};

/// Calls with a process handle first.
#[rustfmt::skip]
const PROCESS: &[ApiMethod] = methods! {
    0 CloseProcessHandle "d" Ours;
    3 GetExitCodeProcess "dp" Ours;
    4 CeGetProcessTrust "d" Ours;
};

/// Calls by which `filesys.exe` reaches ROM files and the object store. Set 3 is obsolete on real devices.
#[rustfmt::skip]
const STORE: &[ApiMethod] = methods! {
    2 StoreOpen "pddd" Ours;
    3 StoreClose "d" Ours;
    4 StoreRead "dpdd" Ours;
    5 StoreWrite "dpdd" Ours;
    6 StoreGetSize "d" Ours;
    7 StoreSetSize "dd" Ours;
    8 StoreDelete "p" Ours;
    9 StoreCreateDirectory "p" Ours;
    10 StoreRemoveDirectory "p" Ours;
    11 StoreMove "pp" Ours;
    12 StoreGetAttributes "p" Ours;
    13 StoreSetAttributes "pd" Ours;
    14 StoreFind "pdp" Ours;
    15 StoreGetTimes "dp" Ours;
    16 StoreSetTimes "dp" Ours;
};

/// Calls with an event first.
#[rustfmt::skip]
const EVENT: &[ApiMethod] = methods! {
    0 CloseEventHandle "d" Ours;
    2 EventModify "dd" Ours;
    3 GetEventData "d" Ours;
    4 SetEventData "dd" Ours;
};

/// Calls with a mutex first.
#[rustfmt::skip]
const MUTEX: &[ApiMethod] = methods! {
    0 CloseMutexHandle "d" Ours;
    2 ReleaseMutex "d" Ours;
};

/// Calls with a semaphore first.
#[rustfmt::skip]
const SEMAPHORE: &[ApiMethod] = methods! {
    0 CloseSemaphoreHandle "d" Ours;
    2 ReleaseSemaphore "ddp" Ours;
};

/// Calls with an API set first.
#[rustfmt::skip]
const APISET: &[ApiMethod] = methods! {
    0 CloseAPISet "d" Ours;
    2 RegisterAPISet "dd" Ours;
    3 CreateAPIHandle "dp" Ours;
    4 VerifyAPIHandle "dd" Ours;
};

/// Calls with a mapped file first.
#[rustfmt::skip]
const MAPPING: &[ApiMethod] = methods! {
    0 CloseMappingHandle "d" Ours;
    2 MapViewOfFile "ddddd" Ours;
};

/// Calls with a file or device first.
#[rustfmt::skip]
const FILE: &[ApiMethod] = methods! {
    0 CloseFileHandle "d" Ours;
    2 ReadFile "dpdpp" Ours;
    3 WriteFile "dpdpp" Ours;
    4 GetFileSize "dp" Ours;
    5 SetFilePointer "ddpd" Ours;
    6 GetFileInformationByHandle "dp" Ours;
    7 FlushFileBuffers "d" Ours;
    8 GetFileTime "dppp" Ours;
    9 SetFileTime "dppp" Ours;
    10 SetEndOfFile "d" Ours;
    11 DeviceIoControl "ddpdpdpp" Ours;
};

/// Calls with a search first.
#[rustfmt::skip]
const FIND: &[ApiMethod] = methods! {
    0 FindClose "d" Ours;
    2 FindNextFileW "dp" Ours;
};

/// Calls of `filesys.exe`.
#[rustfmt::skip]
const FILESYS: &[ApiMethod] = methods! {
    2 CreateDirectoryW "pp" Ours;
    3 RemoveDirectoryW "p" Ours;
    4 MoveFileW "pp" Ours;
    5 CopyFileW "ppd" Ours;
    6 DeleteFileW "p" Ours;
    7 GetFileAttributesW "p" Ours;
    8 FindFirstFileW "pp" Ours;
    9 CreateFileW "pddpddd" Known;
    10 SetFileAttributesW "pd" Ours;
    21 RegCloseKey "d" Ours;
    22 RegCreateKeyExW "dpdpddppp" Ours;
    23 RegOpenKeyExW "dpddp" Known;
    24 RegQueryValueExW "dppppp" Ours;
    25 RegSetValueExW "dpddpd" Ours;
    26 RegDeleteValueW "dp" Ours;
    27 RegDeleteKeyW "dp" Ours;
    28 RegEnumKeyExW "ddpppppp" Ours;
    29 RegEnumValueW "ddpppppp" Ours;
    30 GetTempPathW "dp" Ours;
};

/// Calls of `device.exe`.
#[rustfmt::skip]
const DEVICES: &[ApiMethod] = methods! {
    2 RegisterDevice "pdpd" Ours;
    3 DeregisterDevice "d" Ours;
    4 ActivateDeviceEx "pddp" Ours;
    5 DeactivateDevice "d" Ours;
    6 OpenDevice "pdd" Ours;
};

/// Calls of `gwes.exe`.
#[rustfmt::skip]
const WINDOWS: &[ApiMethod] = methods! {
    2 MessageBoxW "dppd" Ours;
    3 MessageBeep "d" Ours;
    4 GetSystemMetrics "d" Ours;
    5 SystemParametersInfo "ddpd" Ours;
    6 ExtEscape "ddpdp" Ours;
    7 GetForegroundWindow "" Ours;
    8 GetTimeFormatW "dppppd" Ours;
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ce::api_call;
    use vatlas_space::LayoutName;

    #[test]
    fn numbers_rise_and_names_are_single() {
        let mut names = Vec::new();
        for set in SETS {
            assert!(set.methods.windows(2).all(|pair| pair[0].number < pair[1].number), "{}", set.name);
            assert_eq!(set.tag.len(), 4);
            names.extend(set.methods.iter().map(|method| method.name));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn addresses_are_those_of_the_calls() {
        for set in SETS {
            for method in set.methods {
                let call = api_call::decode(call_address(set.number, method.number), LayoutName::Ce5).unwrap();
                assert_eq!((call.set, call.method, call.set_name), (set.number, method.number, Some(set.name)));
                if let Some(name) = call.method_name {
                    assert_eq!((name, method.source), (method.name, Known));
                }
                assert_eq!(call.method_name.is_some(), method.source == Known, "{}", method.name);
            }
        }
        assert_eq!(api_call::decode(API_RETURN, LayoutName::Ce5), None);
        assert_eq!(call_address(20, 9), Va(0xf000_afdc));
    }

    #[test]
    fn signatures_name_the_pointers() {
        let (set, method) = find("CreateFileW").unwrap();
        assert_eq!((set.number, method.number, method.signature()), (20, 9, 0b100_0001));
        assert_eq!(find("Nothing"), None);
    }
}
