//! Subcodes of `STATUS_STACK_BUFFER_OVERRUN` (C0000409): what `__fastfail` was called for.
//!
//! Names as in `winnt.h` (`FAST_FAIL_*`, public Windows SDK header).

/// Name without the prefix `FAST_FAIL_`, by number from 0 on.
const NAMES: &[&str] = &[
    "LEGACY_GS_VIOLATION",
    "VTGUARD_CHECK_FAILURE",
    "STACK_COOKIE_CHECK_FAILURE",
    "CORRUPT_LIST_ENTRY",
    "INCORRECT_STACK",
    "INVALID_ARG",
    "GS_COOKIE_INIT",
    "FATAL_APP_EXIT",
    "RANGE_CHECK_FAILURE",
    "UNSAFE_REGISTRY_ACCESS",
    "GUARD_ICALL_CHECK_FAILURE",
    "GUARD_WRITE_CHECK_FAILURE",
    "INVALID_FIBER_SWITCH",
    "INVALID_SET_OF_CONTEXT",
    "INVALID_REFERENCE_COUNT",
];

/// Numbers behind the gap at 15 to 17.
const LATER_NAMES: &[(u64, &str)] = &[
    (18, "INVALID_JUMP_BUFFER"),
    (19, "MRDATA_MODIFIED"),
    (20, "CERTIFICATION_FAILURE"),
    (21, "INVALID_EXCEPTION_CHAIN"),
    (22, "CRYPTO_LIBRARY"),
    (23, "INVALID_CALL_IN_DLL_CALLOUT"),
    (24, "INVALID_IMAGE_BASE"),
    (25, "DLOAD_PROTECTION_FAILURE"),
    (26, "UNSAFE_EXTENSION_CALL"),
    (27, "DEPRECATED_SERVICE_INVOKED"),
    (28, "INVALID_BUFFER_ACCESS"),
    (29, "INVALID_BALANCED_TREE"),
    (30, "INVALID_NEXT_THREAD"),
    (31, "GUARD_ICALL_CHECK_SUPPRESSED"),
    (32, "APCS_DISABLED"),
    (33, "INVALID_IDLE_STATE"),
    (34, "MRDATA_PROTECTION_FAILURE"),
    (35, "UNEXPECTED_HEAP_EXCEPTION"),
    (36, "INVALID_LOCK_STATE"),
    (37, "GUARD_JUMPTABLE"),
    (38, "INVALID_LONGJUMP_TARGET"),
    (39, "INVALID_DISPATCH_CONTEXT"),
    (40, "INVALID_THREAD"),
    (41, "INVALID_SYSCALL_NUMBER"),
    (42, "INVALID_FILE_OPERATION"),
    (43, "LPAC_ACCESS_DENIED"),
    (44, "GUARD_SS_FAILURE"),
    (45, "LOADER_CONTINUITY_FAILURE"),
    (46, "GUARD_EXPORT_SUPPRESSION_FAILURE"),
    (47, "INVALID_CONTROL_STACK"),
    (48, "SET_CONTEXT_DENIED"),
    (49, "INVALID_IAT"),
    (50, "HEAP_METADATA_CORRUPTION"),
    (51, "PAYLOAD_RESTRICTION_VIOLATION"),
    (52, "LOW_LABEL_ACCESS_DENIED"),
    (53, "ENCLAVE_CALL_FAILURE"),
    (54, "UNHANDLED_LSS_EXCEPTON"),
    (55, "ADMINLESS_ACCESS_DENIED"),
    (56, "UNEXPECTED_CALL"),
    (57, "CONTROL_INVALID_RETURN_ADDRESS"),
    (58, "UNEXPECTED_HOST_BEHAVIOR"),
    (59, "FLAGS_CORRUPTION"),
    (60, "VEH_CORRUPTION"),
    (61, "ETW_CORRUPTION"),
    (62, "RIO_ABORT"),
    (63, "INVALID_PFN"),
    (64, "GUARD_ICALL_CHECK_FAILURE_XFG"),
    (65, "CAST_GUARD"),
    (66, "HOST_VISIBILITY_CHANGE"),
    (67, "KERNEL_CET_SHADOW_STACK_ASSIST"),
    (68, "PATCH_CALLBACK_FAILED"),
    (69, "NTDLL_PATCH_FAILED"),
    (70, "INVALID_FLS_DATA"),
    (71, "ASAN_ERROR"),
    (72, "CLR_EXCEPTION_AOT"),
    (73, "POINTER_AUTH_INVALID_RETURN_ADDRESS"),
    (74, "INVALID_THREAD_STATE"),
    (75, "CORRUPT_WOW64_STATE"),
    (76, "INVALID_EXTENDED_STATE"),
];

/// The name of a subcode without `FAST_FAIL_`; `None` when the header has none.
pub fn fast_fail_name(subcode: u64) -> Option<&'static str> {
    let early = usize::try_from(subcode).ok().and_then(|index| NAMES.get(index));
    early.copied().or_else(|| LATER_NAMES.iter().find(|(number, _)| *number == subcode).map(|(_, name)| *name))
}

/// What a subcode means, where more can be said than the name does.
pub fn fast_fail_meaning(subcode: u64) -> Option<&'static str> {
    Some(match subcode {
        0 | 2 => "a function found its stack cookie overwritten: a buffer on the stack was overrun",
        1 => "a C++ object's virtual function table pointer was overwritten",
        3 => "a doubly linked list is corrupted",
        5 => "a C run-time function was called with an invalid parameter",
        7 => "the program ended itself: abort, std::terminate or an unhandled C++ exception",
        8 => "an index lay outside its array",
        10 => "an indirect call went to an address that is no valid target (control flow guard)",
        11 => "a write went to memory that control flow guard keeps read-only",
        35 => "an exception was raised inside the heap",
        21 => "the chain of exception handlers is corrupted",
        50 => "the heap's own data are corrupted",
        _ => return None,
    })
}
