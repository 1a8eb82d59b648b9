/* The API sets. Made by `cargo xtask guest` from crates/rules/src/ce/api_sets.rs. */
#pragma once

#define SET_WIN32 0
#define COUNT_WIN32 171
#define METHOD_WIN32_CreateAPISet 2
#define METHOD_WIN32_VirtualAlloc 3
#define METHOD_WIN32_VirtualFree 4
#define METHOD_WIN32_VirtualProtect 5
#define METHOD_WIN32_VirtualQuery 6
#define METHOD_WIN32_VirtualCopy 7
#define METHOD_WIN32_LoadLibraryW 8
#define METHOD_WIN32_LoadLibraryExW 9
#define METHOD_WIN32_FreeLibrary 10
#define METHOD_WIN32_GetProcAddressW 11
#define METHOD_WIN32_GetProcAddressA 12
#define METHOD_WIN32_GetModuleHandleW 13
#define METHOD_WIN32_GetModuleFileNameW 14
#define METHOD_WIN32_DisableThreadLibraryCalls 15
#define METHOD_WIN32_LoadKernelLibrary 16
#define METHOD_WIN32_CreateProcessW 17
#define METHOD_WIN32_CreateThread 18
#define METHOD_WIN32_ExitThread 19
#define METHOD_WIN32_Sleep 20
#define METHOD_WIN32_SleepTillTick 21
#define METHOD_WIN32_WaitForMultipleObjects 22
#define METHOD_WIN32_CreateEventW 23
#define METHOD_WIN32_CreateMutexW 24
#define METHOD_WIN32_CreateSemaphoreW 25
#define METHOD_WIN32_CloseHandle 26
#define METHOD_WIN32_DuplicateHandle 27
#define METHOD_WIN32_EnterCriticalSection 28
#define METHOD_WIN32_LeaveCriticalSection 29
#define METHOD_WIN32_DeleteCriticalSection 30
#define METHOD_WIN32_TlsCall 31
#define METHOD_WIN32_GetTickCount 32
#define METHOD_WIN32_QueryPerformanceCounter 33
#define METHOD_WIN32_QueryPerformanceFrequency 34
#define METHOD_WIN32_GetSystemTimeAsFileTime 35
#define METHOD_WIN32_OutputDebugStringW 36
#define METHOD_WIN32_NKvDbgPrintfW 37
#define METHOD_WIN32_RaiseException 38
#define METHOD_WIN32_SetLastError 39
#define METHOD_WIN32_GetLastError 40
#define METHOD_WIN32_GetSystemInfo 41
#define METHOD_WIN32_GlobalMemoryStatus 42
#define METHOD_WIN32_GetStoreInformation 43
#define METHOD_WIN32_GetCommandLineW 44
#define METHOD_WIN32_OpenProcess 45
#define METHOD_WIN32_FlushInstructionCache 46
#define METHOD_WIN32_CacheSync 47
#define METHOD_WIN32_CeVirtualSharedAlloc 48
#define METHOD_WIN32_CreateFileMappingW 49
#define METHOD_WIN32_UnmapViewOfFile 50
#define METHOD_WIN32_GetProcessIndexFromID 51
#define METHOD_WIN32_GetProcessVersion 52
#define METHOD_WIN32_ReadProcessMemory 53
#define METHOD_WIN32_WriteProcessMemory 54
#define METHOD_WIN32_CreateToolhelp32Snapshot 55
#define METHOD_WIN32_Process32Next 56
#define METHOD_WIN32_Module32Next 57
#define METHOD_WIN32_Thread32Next 58
#define METHOD_WIN32_IsBadPtr 59
#define METHOD_WIN32_FindResourceW 60
#define METHOD_WIN32_LoadResource 61
#define METHOD_WIN32_SizeofResource 62
#define METHOD_WIN32_IsProcessDying 63
#define METHOD_WIN32_NKContinue 64
#define METHOD_WIN32_GetVersionExW 65
#define METHOD_WIN32_TerminateProcess 66
#define METHOD_WIN32_SetStackGuarantee 67
#define METHOD_WIN32_GetCallStackSnapshot 68
#define METHOD_WIN32_WaitForAPIReady 69
#define METHOD_WIN32_QueryAPISetID 70
#define METHOD_WIN32_FlushViewOfFile 71
#define METHOD_WIN32_NKTerminateThread 87
#define METHOD_WIN32_KernelIoControl 99
#define METHOD_WIN32_GetCurrentPermissions 100
#define METHOD_WIN32_SetProcPermissions 101
#define METHOD_WIN32_MapPtrToProcess 102
#define METHOD_WIN32_UnMapPtr 103
#define METHOD_WIN32_CeZeroPointer 104
#define METHOD_WIN32_MapCallerPtr 105
#define METHOD_WIN32_GetCallerProcess 106
#define METHOD_WIN32_GetOwnerProcess 107
#define METHOD_WIN32_SetKMode 108
#define METHOD_WIN32_GetCallerProcessIndex 109
#define METHOD_WIN32_CeGetCurrentTrust 110
#define METHOD_WIN32_InterruptInitialize 111
#define METHOD_WIN32_LoadIntChainHandler 112
#define METHOD_WIN32_KernelLibIoControl 170
#define SIGNATURES_WIN32 {[2] = 0x51, [3] = 0x1, [4] = 0x1, [5] = 0x41, [6] = 0x5, [7] = 0x5, [8] = 0x1, [9] = 0x1, [10] = 0x0, [11] = 0x4, [12] = 0x4, [13] = 0x1, [14] = 0x4, [15] = 0x0, [16] = 0x1, [17] = 0x55055, [18] = 0x451, [19] = 0x0, [20] = 0x0, [21] = 0x0, [22] = 0x4, [23] = 0x41, [24] = 0x11, [25] = 0x41, [26] = 0x0, [27] = 0x40, [28] = 0x1, [29] = 0x1, [30] = 0x1, [31] = 0x0, [32] = 0x0, [33] = 0x1, [34] = 0x1, [35] = 0x1, [36] = 0x1, [37] = 0x5, [38] = 0x40, [39] = 0x0, [40] = 0x0, [41] = 0x1, [42] = 0x1, [43] = 0x1, [44] = 0x0, [45] = 0x0, [46] = 0x4, [47] = 0x0, [48] = 0x1, [49] = 0x404, [50] = 0x1, [51] = 0x0, [52] = 0x0, [53] = 0x114, [54] = 0x114, [55] = 0x0, [56] = 0x4, [57] = 0x4, [58] = 0x4, [59] = 0x4, [60] = 0x14, [61] = 0x0, [62] = 0x0, [63] = 0x0, [64] = 0x1, [65] = 0x1, [66] = 0x0, [67] = 0x0, [68] = 0x1, [69] = 0x0, [70] = 0x1, [71] = 0x1, [87] = 0x0, [99] = 0x444, [100] = 0x0, [101] = 0x0, [102] = 0x1, [103] = 0x1, [104] = 0x1, [105] = 0x1, [106] = 0x0, [107] = 0x0, [108] = 0x0, [109] = 0x0, [110] = 0x0, [111] = 0x10, [112] = 0x5, [170] = 0x1110}

#define SET_CURTHREAD 1
#define COUNT_CURTHREAD 15
#define METHOD_CURTHREAD_CloseThreadHandle 0
#define METHOD_CURTHREAD_SuspendThread 2
#define METHOD_CURTHREAD_ResumeThread 3
#define METHOD_CURTHREAD_SetThreadPriority 4
#define METHOD_CURTHREAD_GetThreadPriority 5
#define METHOD_CURTHREAD_CeSetThreadPriority 6
#define METHOD_CURTHREAD_CeGetThreadPriority 7
#define METHOD_CURTHREAD_CeSetThreadQuantum 8
#define METHOD_CURTHREAD_CeGetThreadQuantum 9
#define METHOD_CURTHREAD_GetExitCodeThread 10
#define METHOD_CURTHREAD_TerminateThread 11
#define METHOD_CURTHREAD_GetThreadContext 12
#define METHOD_CURTHREAD_SetThreadContext 13
#define METHOD_CURTHREAD_GetThreadTimes 14
#define SIGNATURES_CURTHREAD {[0] = 0x0, [2] = 0x0, [3] = 0x0, [4] = 0x0, [5] = 0x0, [6] = 0x0, [7] = 0x0, [8] = 0x0, [9] = 0x0, [10] = 0x4, [11] = 0x0, [12] = 0x4, [13] = 0x4, [14] = 0x154}

#define SET_CURPROC 2
#define COUNT_CURPROC 5
#define METHOD_CURPROC_CloseProcessHandle 0
#define METHOD_CURPROC_GetExitCodeProcess 3
#define METHOD_CURPROC_CeGetProcessTrust 4
#define SIGNATURES_CURPROC {[0] = 0x0, [3] = 0x4, [4] = 0x0}

#define SET_KWIN32 3
#define COUNT_KWIN32 17
#define METHOD_KWIN32_StoreOpen 2
#define METHOD_KWIN32_StoreClose 3
#define METHOD_KWIN32_StoreRead 4
#define METHOD_KWIN32_StoreWrite 5
#define METHOD_KWIN32_StoreGetSize 6
#define METHOD_KWIN32_StoreSetSize 7
#define METHOD_KWIN32_StoreDelete 8
#define METHOD_KWIN32_StoreCreateDirectory 9
#define METHOD_KWIN32_StoreRemoveDirectory 10
#define METHOD_KWIN32_StoreMove 11
#define METHOD_KWIN32_StoreGetAttributes 12
#define METHOD_KWIN32_StoreSetAttributes 13
#define METHOD_KWIN32_StoreFind 14
#define METHOD_KWIN32_StoreGetTimes 15
#define METHOD_KWIN32_StoreSetTimes 16
#define SIGNATURES_KWIN32 {[2] = 0x1, [3] = 0x0, [4] = 0x4, [5] = 0x4, [6] = 0x0, [7] = 0x0, [8] = 0x1, [9] = 0x1, [10] = 0x1, [11] = 0x5, [12] = 0x1, [13] = 0x1, [14] = 0x11, [15] = 0x4, [16] = 0x4}

#define SET_HT_EVENT 4
#define COUNT_HT_EVENT 5
#define METHOD_HT_EVENT_CloseEventHandle 0
#define METHOD_HT_EVENT_EventModify 2
#define METHOD_HT_EVENT_GetEventData 3
#define METHOD_HT_EVENT_SetEventData 4
#define SIGNATURES_HT_EVENT {[0] = 0x0, [2] = 0x0, [3] = 0x0, [4] = 0x0}

#define SET_HT_MUTEX 5
#define COUNT_HT_MUTEX 3
#define METHOD_HT_MUTEX_CloseMutexHandle 0
#define METHOD_HT_MUTEX_ReleaseMutex 2
#define SIGNATURES_HT_MUTEX {[0] = 0x0, [2] = 0x0}

#define SET_HT_APISET 6
#define COUNT_HT_APISET 5
#define METHOD_HT_APISET_CloseAPISet 0
#define METHOD_HT_APISET_RegisterAPISet 2
#define METHOD_HT_APISET_CreateAPIHandle 3
#define METHOD_HT_APISET_VerifyAPIHandle 4
#define SIGNATURES_HT_APISET {[0] = 0x0, [2] = 0x0, [3] = 0x4, [4] = 0x0}

#define SET_HT_FILE 7
#define COUNT_HT_FILE 12
#define METHOD_HT_FILE_CloseFileHandle 0
#define METHOD_HT_FILE_ReadFile 2
#define METHOD_HT_FILE_WriteFile 3
#define METHOD_HT_FILE_GetFileSize 4
#define METHOD_HT_FILE_SetFilePointer 5
#define METHOD_HT_FILE_GetFileInformationByHandle 6
#define METHOD_HT_FILE_FlushFileBuffers 7
#define METHOD_HT_FILE_GetFileTime 8
#define METHOD_HT_FILE_SetFileTime 9
#define METHOD_HT_FILE_SetEndOfFile 10
#define METHOD_HT_FILE_DeviceIoControl 11
#define SIGNATURES_HT_FILE {[0] = 0x0, [2] = 0x144, [3] = 0x144, [4] = 0x4, [5] = 0x10, [6] = 0x4, [7] = 0x0, [8] = 0x54, [9] = 0x54, [10] = 0x0, [11] = 0x5110}

#define SET_HT_FIND 8
#define COUNT_HT_FIND 3
#define METHOD_HT_FIND_FindClose 0
#define METHOD_HT_FIND_FindNextFileW 2
#define SIGNATURES_HT_FIND {[0] = 0x0, [2] = 0x4}

#define SET_HT_SEMAPHORE 13
#define COUNT_HT_SEMAPHORE 3
#define METHOD_HT_SEMAPHORE_CloseSemaphoreHandle 0
#define METHOD_HT_SEMAPHORE_ReleaseSemaphore 2
#define SIGNATURES_HT_SEMAPHORE {[0] = 0x0, [2] = 0x10}

#define SET_HT_FSMAP 14
#define COUNT_HT_FSMAP 3
#define METHOD_HT_FSMAP_CloseMappingHandle 0
#define METHOD_HT_FSMAP_MapViewOfFile 2
#define SIGNATURES_HT_FSMAP {[0] = 0x0, [2] = 0x0}

#define SET_WMGR 17
#define COUNT_WMGR 9
#define METHOD_WMGR_MessageBoxW 2
#define METHOD_WMGR_MessageBeep 3
#define METHOD_WMGR_GetSystemMetrics 4
#define METHOD_WMGR_SystemParametersInfo 5
#define METHOD_WMGR_ExtEscape 6
#define METHOD_WMGR_GetForegroundWindow 7
#define METHOD_WMGR_GetTimeFormatW 8
#define SIGNATURES_WMGR {[2] = 0x14, [3] = 0x0, [4] = 0x0, [5] = 0x10, [6] = 0x110, [7] = 0x0, [8] = 0x154}

#define SET_FILESYS_APIS 20
#define COUNT_FILESYS_APIS 31
#define METHOD_FILESYS_APIS_CreateDirectoryW 2
#define METHOD_FILESYS_APIS_RemoveDirectoryW 3
#define METHOD_FILESYS_APIS_MoveFileW 4
#define METHOD_FILESYS_APIS_CopyFileW 5
#define METHOD_FILESYS_APIS_DeleteFileW 6
#define METHOD_FILESYS_APIS_GetFileAttributesW 7
#define METHOD_FILESYS_APIS_FindFirstFileW 8
#define METHOD_FILESYS_APIS_CreateFileW 9
#define METHOD_FILESYS_APIS_SetFileAttributesW 10
#define METHOD_FILESYS_APIS_RegCloseKey 21
#define METHOD_FILESYS_APIS_RegCreateKeyExW 22
#define METHOD_FILESYS_APIS_RegOpenKeyExW 23
#define METHOD_FILESYS_APIS_RegQueryValueExW 24
#define METHOD_FILESYS_APIS_RegSetValueExW 25
#define METHOD_FILESYS_APIS_RegDeleteValueW 26
#define METHOD_FILESYS_APIS_RegDeleteKeyW 27
#define METHOD_FILESYS_APIS_RegEnumKeyExW 28
#define METHOD_FILESYS_APIS_RegEnumValueW 29
#define METHOD_FILESYS_APIS_GetTempPathW 30
#define SIGNATURES_FILESYS_APIS {[2] = 0x5, [3] = 0x1, [4] = 0x5, [5] = 0x5, [6] = 0x1, [7] = 0x1, [8] = 0x5, [9] = 0x41, [10] = 0x1, [21] = 0x0, [22] = 0x15044, [23] = 0x104, [24] = 0x554, [25] = 0x104, [26] = 0x4, [27] = 0x4, [28] = 0x5550, [29] = 0x5550, [30] = 0x4}

#define SET_DEVMGR_APIS 22
#define COUNT_DEVMGR_APIS 7
#define METHOD_DEVMGR_APIS_RegisterDevice 2
#define METHOD_DEVMGR_APIS_DeregisterDevice 3
#define METHOD_DEVMGR_APIS_ActivateDeviceEx 4
#define METHOD_DEVMGR_APIS_DeactivateDevice 5
#define METHOD_DEVMGR_APIS_OpenDevice 6
#define SIGNATURES_DEVMGR_APIS {[2] = 0x11, [3] = 0x0, [4] = 0x41, [5] = 0x0, [6] = 0x1}
