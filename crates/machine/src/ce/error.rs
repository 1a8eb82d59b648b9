//! The errors of the kernel: the numbers that `GetLastError` gives (public headers of Win32).

/// An error.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct CeError(pub u32);

#[allow(missing_docs, reason = "the names are Win32's own")]
impl CeError {
    pub const FILE_NOT_FOUND: Self = Self(2);
    pub const PATH_NOT_FOUND: Self = Self(3);
    pub const ACCESS_DENIED: Self = Self(5);
    pub const INVALID_HANDLE: Self = Self(6);
    pub const NOT_ENOUGH_MEMORY: Self = Self(8);
    pub const BAD_FORMAT: Self = Self(11);
    pub const OUT_OF_MEMORY: Self = Self(14);
    pub const NO_MORE_FILES: Self = Self(18);
    pub const SHARING_VIOLATION: Self = Self(32);
    pub const NOT_SUPPORTED: Self = Self(50);
    pub const FILE_EXISTS: Self = Self(80);
    pub const INVALID_PARAMETER: Self = Self(87);
    pub const DISK_FULL: Self = Self(112);
    pub const INSUFFICIENT_BUFFER: Self = Self(122);
    pub const INVALID_NAME: Self = Self(123);
    pub const MOD_NOT_FOUND: Self = Self(126);
    pub const PROC_NOT_FOUND: Self = Self(127);
    pub const DIR_NOT_EMPTY: Self = Self(145);
    pub const BAD_EXE_FORMAT: Self = Self(193);
    pub const ALREADY_EXISTS: Self = Self(183);
    pub const NO_PROC_SLOTS: Self = Self(89);
    pub const INVALID_ADDRESS: Self = Self(487);
    pub const NOT_OWNER: Self = Self(288);
    pub const TOO_MANY_POSTS: Self = Self(298);
    pub const OPERATION_ABORTED: Self = Self(995);
    pub const FILE_INVALID: Self = Self(1006);
    pub const DLL_INIT_FAILED: Self = Self(1114);
    pub const SERVICE_NOT_ACTIVE: Self = Self(1062);
}
