//! The one table of system services: Windows XP SP3's numbers, names and argument counts.
//!
//! The first 279 numbers follow the alphabet; the five behind them were added later. The numbers of 26 services are
//! published one by one and agree with the order; argument counts are those of the decorated names in import libraries
//! (`NtClose@4` takes one).

/// One system service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    /// What a program loads into EAX.
    pub number: u16,
    /// The name that ntdll exports.
    pub name: &'static str,
    /// Arguments of four bytes each; the stub ends in `ret 4 * arguments`.
    pub arguments: u8,
}

const fn service(number: u16, name: &'static str, arguments: u8) -> Service {
    Service { number, name, arguments }
}

/// All services, by number.
#[rustfmt::skip]
pub const SERVICES: [Service; 284] = [
    service(0x000, "NtAcceptConnectPort", 6),
    service(0x001, "NtAccessCheck", 8),
    service(0x002, "NtAccessCheckAndAuditAlarm", 11),
    service(0x003, "NtAccessCheckByType", 11),
    service(0x004, "NtAccessCheckByTypeAndAuditAlarm", 16),
    service(0x005, "NtAccessCheckByTypeResultList", 11),
    service(0x006, "NtAccessCheckByTypeResultListAndAuditAlarm", 16),
    service(0x007, "NtAccessCheckByTypeResultListAndAuditAlarmByHandle", 17),
    service(0x008, "NtAddAtom", 3),
    service(0x009, "NtAddBootEntry", 2),
    service(0x00a, "NtAdjustGroupsToken", 6),
    service(0x00b, "NtAdjustPrivilegesToken", 6),
    service(0x00c, "NtAlertResumeThread", 2),
    service(0x00d, "NtAlertThread", 1),
    service(0x00e, "NtAllocateLocallyUniqueId", 1),
    service(0x00f, "NtAllocateUserPhysicalPages", 3),
    service(0x010, "NtAllocateUuids", 4),
    service(0x011, "NtAllocateVirtualMemory", 6),
    service(0x012, "NtAreMappedFilesTheSame", 2),
    service(0x013, "NtAssignProcessToJobObject", 2),
    service(0x014, "NtCallbackReturn", 3),
    service(0x015, "NtCancelDeviceWakeupRequest", 1),
    service(0x016, "NtCancelIoFile", 2),
    service(0x017, "NtCancelTimer", 2),
    service(0x018, "NtClearEvent", 1),
    service(0x019, "NtClose", 1),
    service(0x01a, "NtCloseObjectAuditAlarm", 3),
    service(0x01b, "NtCompactKeys", 2),
    service(0x01c, "NtCompareTokens", 3),
    service(0x01d, "NtCompleteConnectPort", 1),
    service(0x01e, "NtCompressKey", 1),
    service(0x01f, "NtConnectPort", 8),
    service(0x020, "NtContinue", 2),
    service(0x021, "NtCreateDebugObject", 4),
    service(0x022, "NtCreateDirectoryObject", 3),
    service(0x023, "NtCreateEvent", 5),
    service(0x024, "NtCreateEventPair", 3),
    service(0x025, "NtCreateFile", 11),
    service(0x026, "NtCreateIoCompletion", 4),
    service(0x027, "NtCreateJobObject", 3),
    service(0x028, "NtCreateJobSet", 3),
    service(0x029, "NtCreateKey", 7),
    service(0x02a, "NtCreateMailslotFile", 8),
    service(0x02b, "NtCreateMutant", 4),
    service(0x02c, "NtCreateNamedPipeFile", 14),
    service(0x02d, "NtCreatePagingFile", 4),
    service(0x02e, "NtCreatePort", 5),
    service(0x02f, "NtCreateProcess", 8),
    service(0x030, "NtCreateProcessEx", 9),
    service(0x031, "NtCreateProfile", 9),
    service(0x032, "NtCreateSection", 7),
    service(0x033, "NtCreateSemaphore", 5),
    service(0x034, "NtCreateSymbolicLinkObject", 4),
    service(0x035, "NtCreateThread", 8),
    service(0x036, "NtCreateTimer", 4),
    service(0x037, "NtCreateToken", 13),
    service(0x038, "NtCreateWaitablePort", 5),
    service(0x039, "NtDebugActiveProcess", 2),
    service(0x03a, "NtDebugContinue", 3),
    service(0x03b, "NtDelayExecution", 2),
    service(0x03c, "NtDeleteAtom", 1),
    service(0x03d, "NtDeleteBootEntry", 1),
    service(0x03e, "NtDeleteFile", 1),
    service(0x03f, "NtDeleteKey", 1),
    service(0x040, "NtDeleteObjectAuditAlarm", 3),
    service(0x041, "NtDeleteValueKey", 2),
    service(0x042, "NtDeviceIoControlFile", 10),
    service(0x043, "NtDisplayString", 1),
    service(0x044, "NtDuplicateObject", 7),
    service(0x045, "NtDuplicateToken", 6),
    service(0x046, "NtEnumerateBootEntries", 2),
    service(0x047, "NtEnumerateKey", 6),
    service(0x048, "NtEnumerateSystemEnvironmentValuesEx", 3),
    service(0x049, "NtEnumerateValueKey", 6),
    service(0x04a, "NtExtendSection", 2),
    service(0x04b, "NtFilterToken", 6),
    service(0x04c, "NtFindAtom", 3),
    service(0x04d, "NtFlushBuffersFile", 2),
    service(0x04e, "NtFlushInstructionCache", 3),
    service(0x04f, "NtFlushKey", 1),
    service(0x050, "NtFlushVirtualMemory", 4),
    service(0x051, "NtFlushWriteBuffer", 0),
    service(0x052, "NtFreeUserPhysicalPages", 3),
    service(0x053, "NtFreeVirtualMemory", 4),
    service(0x054, "NtFsControlFile", 10),
    service(0x055, "NtGetContextThread", 2),
    service(0x056, "NtGetDevicePowerState", 2),
    service(0x057, "NtGetPlugPlayEvent", 4),
    service(0x058, "NtGetWriteWatch", 7),
    service(0x059, "NtImpersonateAnonymousToken", 1),
    service(0x05a, "NtImpersonateClientOfPort", 2),
    service(0x05b, "NtImpersonateThread", 3),
    service(0x05c, "NtInitializeRegistry", 1),
    service(0x05d, "NtInitiatePowerAction", 4),
    service(0x05e, "NtIsProcessInJob", 2),
    service(0x05f, "NtIsSystemResumeAutomatic", 0),
    service(0x060, "NtListenPort", 2),
    service(0x061, "NtLoadDriver", 1),
    service(0x062, "NtLoadKey", 2),
    service(0x063, "NtLoadKey2", 3),
    service(0x064, "NtLockFile", 10),
    service(0x065, "NtLockProductActivationKeys", 2),
    service(0x066, "NtLockRegistryKey", 1),
    service(0x067, "NtLockVirtualMemory", 4),
    service(0x068, "NtMakePermanentObject", 1),
    service(0x069, "NtMakeTemporaryObject", 1),
    service(0x06a, "NtMapUserPhysicalPages", 3),
    service(0x06b, "NtMapUserPhysicalPagesScatter", 3),
    service(0x06c, "NtMapViewOfSection", 10),
    service(0x06d, "NtModifyBootEntry", 1),
    service(0x06e, "NtNotifyChangeDirectoryFile", 9),
    service(0x06f, "NtNotifyChangeKey", 10),
    service(0x070, "NtNotifyChangeMultipleKeys", 12),
    service(0x071, "NtOpenDirectoryObject", 3),
    service(0x072, "NtOpenEvent", 3),
    service(0x073, "NtOpenEventPair", 3),
    service(0x074, "NtOpenFile", 6),
    service(0x075, "NtOpenIoCompletion", 3),
    service(0x076, "NtOpenJobObject", 3),
    service(0x077, "NtOpenKey", 3),
    service(0x078, "NtOpenMutant", 3),
    service(0x079, "NtOpenObjectAuditAlarm", 12),
    service(0x07a, "NtOpenProcess", 4),
    service(0x07b, "NtOpenProcessToken", 3),
    service(0x07c, "NtOpenProcessTokenEx", 4),
    service(0x07d, "NtOpenSection", 3),
    service(0x07e, "NtOpenSemaphore", 3),
    service(0x07f, "NtOpenSymbolicLinkObject", 3),
    service(0x080, "NtOpenThread", 4),
    service(0x081, "NtOpenThreadToken", 4),
    service(0x082, "NtOpenThreadTokenEx", 5),
    service(0x083, "NtOpenTimer", 3),
    service(0x084, "NtPlugPlayControl", 3),
    service(0x085, "NtPowerInformation", 5),
    service(0x086, "NtPrivilegeCheck", 3),
    service(0x087, "NtPrivilegeObjectAuditAlarm", 6),
    service(0x088, "NtPrivilegedServiceAuditAlarm", 5),
    service(0x089, "NtProtectVirtualMemory", 5),
    service(0x08a, "NtPulseEvent", 2),
    service(0x08b, "NtQueryAttributesFile", 2),
    service(0x08c, "NtQueryBootEntryOrder", 2),
    service(0x08d, "NtQueryBootOptions", 2),
    service(0x08e, "NtQueryDebugFilterState", 2),
    service(0x08f, "NtQueryDefaultLocale", 2),
    service(0x090, "NtQueryDefaultUILanguage", 1),
    service(0x091, "NtQueryDirectoryFile", 11),
    service(0x092, "NtQueryDirectoryObject", 7),
    service(0x093, "NtQueryEaFile", 9),
    service(0x094, "NtQueryEvent", 5),
    service(0x095, "NtQueryFullAttributesFile", 2),
    service(0x096, "NtQueryInformationAtom", 5),
    service(0x097, "NtQueryInformationFile", 5),
    service(0x098, "NtQueryInformationJobObject", 5),
    service(0x099, "NtQueryInformationPort", 5),
    service(0x09a, "NtQueryInformationProcess", 5),
    service(0x09b, "NtQueryInformationThread", 5),
    service(0x09c, "NtQueryInformationToken", 5),
    service(0x09d, "NtQueryInstallUILanguage", 1),
    service(0x09e, "NtQueryIntervalProfile", 2),
    service(0x09f, "NtQueryIoCompletion", 5),
    service(0x0a0, "NtQueryKey", 5),
    service(0x0a1, "NtQueryMultipleValueKey", 6),
    service(0x0a2, "NtQueryMutant", 5),
    service(0x0a3, "NtQueryObject", 5),
    service(0x0a4, "NtQueryOpenSubKeys", 2),
    service(0x0a5, "NtQueryPerformanceCounter", 2),
    service(0x0a6, "NtQueryQuotaInformationFile", 9),
    service(0x0a7, "NtQuerySection", 5),
    service(0x0a8, "NtQuerySecurityObject", 5),
    service(0x0a9, "NtQuerySemaphore", 5),
    service(0x0aa, "NtQuerySymbolicLinkObject", 3),
    service(0x0ab, "NtQuerySystemEnvironmentValue", 4),
    service(0x0ac, "NtQuerySystemEnvironmentValueEx", 5),
    service(0x0ad, "NtQuerySystemInformation", 4),
    service(0x0ae, "NtQuerySystemTime", 1),
    service(0x0af, "NtQueryTimer", 5),
    service(0x0b0, "NtQueryTimerResolution", 3),
    service(0x0b1, "NtQueryValueKey", 6),
    service(0x0b2, "NtQueryVirtualMemory", 6),
    service(0x0b3, "NtQueryVolumeInformationFile", 5),
    service(0x0b4, "NtQueueApcThread", 5),
    service(0x0b5, "NtRaiseException", 3),
    service(0x0b6, "NtRaiseHardError", 6),
    service(0x0b7, "NtReadFile", 9),
    service(0x0b8, "NtReadFileScatter", 9),
    service(0x0b9, "NtReadRequestData", 6),
    service(0x0ba, "NtReadVirtualMemory", 5),
    service(0x0bb, "NtRegisterThreadTerminatePort", 1),
    service(0x0bc, "NtReleaseMutant", 2),
    service(0x0bd, "NtReleaseSemaphore", 3),
    service(0x0be, "NtRemoveIoCompletion", 5),
    service(0x0bf, "NtRemoveProcessDebug", 2),
    service(0x0c0, "NtRenameKey", 2),
    service(0x0c1, "NtReplaceKey", 3),
    service(0x0c2, "NtReplyPort", 2),
    service(0x0c3, "NtReplyWaitReceivePort", 4),
    service(0x0c4, "NtReplyWaitReceivePortEx", 5),
    service(0x0c5, "NtReplyWaitReplyPort", 2),
    service(0x0c6, "NtRequestDeviceWakeup", 1),
    service(0x0c7, "NtRequestPort", 2),
    service(0x0c8, "NtRequestWaitReplyPort", 3),
    service(0x0c9, "NtRequestWakeupLatency", 1),
    service(0x0ca, "NtResetEvent", 2),
    service(0x0cb, "NtResetWriteWatch", 3),
    service(0x0cc, "NtRestoreKey", 3),
    service(0x0cd, "NtResumeProcess", 1),
    service(0x0ce, "NtResumeThread", 2),
    service(0x0cf, "NtSaveKey", 2),
    service(0x0d0, "NtSaveKeyEx", 3),
    service(0x0d1, "NtSaveMergedKeys", 3),
    service(0x0d2, "NtSecureConnectPort", 9),
    service(0x0d3, "NtSetBootEntryOrder", 2),
    service(0x0d4, "NtSetBootOptions", 2),
    service(0x0d5, "NtSetContextThread", 2),
    service(0x0d6, "NtSetDebugFilterState", 3),
    service(0x0d7, "NtSetDefaultHardErrorPort", 1),
    service(0x0d8, "NtSetDefaultLocale", 2),
    service(0x0d9, "NtSetDefaultUILanguage", 1),
    service(0x0da, "NtSetEaFile", 4),
    service(0x0db, "NtSetEvent", 2),
    service(0x0dc, "NtSetEventBoostPriority", 1),
    service(0x0dd, "NtSetHighEventPair", 1),
    service(0x0de, "NtSetHighWaitLowEventPair", 1),
    service(0x0df, "NtSetInformationDebugObject", 5),
    service(0x0e0, "NtSetInformationFile", 5),
    service(0x0e1, "NtSetInformationJobObject", 4),
    service(0x0e2, "NtSetInformationKey", 4),
    service(0x0e3, "NtSetInformationObject", 4),
    service(0x0e4, "NtSetInformationProcess", 4),
    service(0x0e5, "NtSetInformationThread", 4),
    service(0x0e6, "NtSetInformationToken", 4),
    service(0x0e7, "NtSetIntervalProfile", 2),
    service(0x0e8, "NtSetIoCompletion", 5),
    service(0x0e9, "NtSetLdtEntries", 6),
    service(0x0ea, "NtSetLowEventPair", 1),
    service(0x0eb, "NtSetLowWaitHighEventPair", 1),
    service(0x0ec, "NtSetQuotaInformationFile", 4),
    service(0x0ed, "NtSetSecurityObject", 3),
    service(0x0ee, "NtSetSystemEnvironmentValue", 2),
    service(0x0ef, "NtSetSystemEnvironmentValueEx", 5),
    service(0x0f0, "NtSetSystemInformation", 3),
    service(0x0f1, "NtSetSystemPowerState", 3),
    service(0x0f2, "NtSetSystemTime", 2),
    service(0x0f3, "NtSetThreadExecutionState", 2),
    service(0x0f4, "NtSetTimer", 7),
    service(0x0f5, "NtSetTimerResolution", 3),
    service(0x0f6, "NtSetUuidSeed", 1),
    service(0x0f7, "NtSetValueKey", 6),
    service(0x0f8, "NtSetVolumeInformationFile", 5),
    service(0x0f9, "NtShutdownSystem", 1),
    service(0x0fa, "NtSignalAndWaitForSingleObject", 4),
    service(0x0fb, "NtStartProfile", 1),
    service(0x0fc, "NtStopProfile", 1),
    service(0x0fd, "NtSuspendProcess", 1),
    service(0x0fe, "NtSuspendThread", 2),
    service(0x0ff, "NtSystemDebugControl", 6),
    service(0x100, "NtTerminateJobObject", 2),
    service(0x101, "NtTerminateProcess", 2),
    service(0x102, "NtTerminateThread", 2),
    service(0x103, "NtTestAlert", 0),
    service(0x104, "NtTraceEvent", 4),
    service(0x105, "NtTranslateFilePath", 4),
    service(0x106, "NtUnloadDriver", 1),
    service(0x107, "NtUnloadKey", 1),
    service(0x108, "NtUnloadKeyEx", 2),
    service(0x109, "NtUnlockFile", 5),
    service(0x10a, "NtUnlockVirtualMemory", 4),
    service(0x10b, "NtUnmapViewOfSection", 2),
    service(0x10c, "NtVdmControl", 2),
    service(0x10d, "NtWaitForDebugEvent", 4),
    service(0x10e, "NtWaitForMultipleObjects", 5),
    service(0x10f, "NtWaitForSingleObject", 3),
    service(0x110, "NtWaitHighEventPair", 1),
    service(0x111, "NtWaitLowEventPair", 1),
    service(0x112, "NtWriteFile", 9),
    service(0x113, "NtWriteFileGather", 9),
    service(0x114, "NtWriteRequestData", 6),
    service(0x115, "NtWriteVirtualMemory", 5),
    service(0x116, "NtYieldExecution", 0),
    service(0x117, "NtCreateKeyedEvent", 4),
    service(0x118, "NtOpenKeyedEvent", 3),
    service(0x119, "NtReleaseKeyedEvent", 4),
    service(0x11a, "NtWaitForKeyedEvent", 4),
    service(0x11b, "NtQueryPortInformationProcess", 0),
];

/// The service with a number; `None` for a number that is not in the table.
pub fn service_by_number(number: u32) -> Option<&'static Service> {
    SERVICES.get(usize::try_from(number).ok()?)
}

/// The service with a name.
pub fn service_by_name(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_names_follow_the_alphabet() {
        assert!((0..).zip(SERVICES).all(|(number, service)| service.number == number));
        assert!(SERVICES[..0x117].is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn published_numbers() {
        let check = |name: &str, number: u16, arguments: u8| {
            let found = service_by_name(name).expect(name);
            assert_eq!((found.number, found.arguments), (number, arguments), "{name}");
            assert_eq!(service_by_number(number.into()), Some(found));
        };
        check("NtAllocateVirtualMemory", 0x11, 6);
        check("NtClose", 0x19, 1);
        check("NtContinue", 0x20, 2);
        check("NtCreateFile", 0x25, 11);
        check("NtCreateProcessEx", 0x30, 9);
        check("NtCreateSection", 0x32, 7);
        check("NtCreateThread", 0x35, 8);
        check("NtDelayExecution", 0x3b, 2);
        check("NtFreeVirtualMemory", 0x53, 4);
        check("NtMapViewOfSection", 0x6c, 10);
        check("NtProtectVirtualMemory", 0x89, 5);
        check("NtQueryInformationFile", 0x97, 5);
        check("NtQueryVirtualMemory", 0xb2, 6);
        check("NtRaiseException", 0xb5, 3);
        check("NtReadFile", 0xb7, 9);
        check("NtSetEvent", 0xdb, 2);
        check("NtTerminateProcess", 0x101, 2);
        check("NtUnmapViewOfSection", 0x10b, 2);
        check("NtWaitForMultipleObjects", 0x10e, 5);
        check("NtWaitForSingleObject", 0x10f, 3);
        check("NtWriteFile", 0x112, 9);
        check("NtWaitForKeyedEvent", 0x11a, 4);
        assert_eq!(service_by_number(0x11c), None);
    }
}
