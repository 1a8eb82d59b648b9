//! Names of stop codes, as Microsoft documents them for Windows XP.

/// Codes and names of those that are met most.
const NAMES: &[(u32, &str)] = &[
    (0x01, "APC_INDEX_MISMATCH"),
    (0x09, "IRQL_NOT_GREATER_OR_EQUAL"),
    (0x0a, "IRQL_NOT_LESS_OR_EQUAL"),
    (0x18, "REFERENCE_BY_POINTER"),
    (0x19, "BAD_POOL_HEADER"),
    (0x1a, "MEMORY_MANAGEMENT"),
    (0x1e, "KMODE_EXCEPTION_NOT_HANDLED"),
    (0x23, "FAT_FILE_SYSTEM"),
    (0x24, "NTFS_FILE_SYSTEM"),
    (0x2e, "DATA_BUS_ERROR"),
    (0x35, "NO_MORE_IRP_STACK_LOCATIONS"),
    (0x3f, "NO_MORE_SYSTEM_PTES"),
    (0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS"),
    (0x4a, "IRQL_GT_ZERO_AT_SYSTEM_SERVICE"),
    (0x4e, "PFN_LIST_CORRUPT"),
    (0x50, "PAGE_FAULT_IN_NONPAGED_AREA"),
    (0x77, "KERNEL_STACK_INPAGE_ERROR"),
    (0x7a, "KERNEL_DATA_INPAGE_ERROR"),
    (0x7b, "INACCESSIBLE_BOOT_DEVICE"),
    (0x7e, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"),
    (0x7f, "UNEXPECTED_KERNEL_MODE_TRAP"),
    (0x8e, "KERNEL_MODE_EXCEPTION_NOT_HANDLED"),
    (0x9f, "DRIVER_POWER_STATE_FAILURE"),
    (0xb8, "ATTEMPTED_SWITCH_FROM_DPC"),
    (0xbe, "ATTEMPTED_WRITE_TO_READONLY_MEMORY"),
    (0xc2, "BAD_POOL_CALLER"),
    (0xc4, "DRIVER_VERIFIER_DETECTED_VIOLATION"),
    (0xc5, "DRIVER_CORRUPTED_EXPOOL"),
    (0xd1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"),
    (0xe2, "MANUALLY_INITIATED_CRASH"),
    (0xea, "THREAD_STUCK_IN_DEVICE_DRIVER"),
    (0xf4, "CRITICAL_OBJECT_TERMINATION"),
    (0xfc, "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY"),
];

/// The name of a stop code, where it is one of those listed here.
pub fn name(code: u32) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}
