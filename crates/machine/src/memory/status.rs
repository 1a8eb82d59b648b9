//! The status codes of NT that memory calls and page faults end in, and what `GetLastError` says for each.

use std::fmt;

/// An `NTSTATUS`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NtStatus(pub u32);

/// Code, name, last error (0: none is established).
const TABLE: &[(u32, &str, u32)] = &[
    (0x110, "STATUS_PAGE_FAULT_TRANSITION", 0),
    (0x111, "STATUS_PAGE_FAULT_DEMAND_ZERO", 0),
    (0x113, "STATUS_PAGE_FAULT_GUARD_PAGE", 0),
    (0x114, "STATUS_PAGE_FAULT_PAGING_FILE", 0),
    (0x8000_0001, "STATUS_GUARD_PAGE_VIOLATION", 0x8000_0001),
    (0xc000_0005, "STATUS_ACCESS_VIOLATION", 998),
    (0xc000_0006, "STATUS_IN_PAGE_ERROR", 999),
    (0xc000_000d, "STATUS_INVALID_PARAMETER", 87),
    (0xc000_0017, "STATUS_NO_MEMORY", 8),
    (0xc000_0018, "STATUS_CONFLICTING_ADDRESSES", 487),
    (0xc000_001a, "STATUS_UNABLE_TO_FREE_VM", 87),
    (0xc000_002a, "STATUS_NOT_LOCKED", 158),
    (0xc000_002d, "STATUS_NOT_COMMITTED", 487),
    (0xc000_0045, "STATUS_INVALID_PAGE_PROTECTION", 87),
    (0xc000_0061, "STATUS_PRIVILEGE_NOT_HELD", 1314),
    (0xc000_007f, "STATUS_DISK_FULL", 112),
    (0xc000_009c, "STATUS_DEVICE_DATA_ERROR", 23),
    (0xc000_009f, "STATUS_FREE_VM_NOT_AT_BASE", 487),
    (0xc000_00a0, "STATUS_MEMORY_NOT_ALLOCATED", 487),
    (0xc000_00a1, "STATUS_WORKING_SET_QUOTA", 1453),
    (0xc000_00bb, "STATUS_NOT_SUPPORTED", 50),
    (0xc000_00f0, "STATUS_INVALID_PARAMETER_2", 87),
    (0xc000_00f1, "STATUS_INVALID_PARAMETER_3", 87),
    (0xc000_00f2, "STATUS_INVALID_PARAMETER_4", 87),
    (0xc000_00f3, "STATUS_INVALID_PARAMETER_5", 87),
    (0xc000_00f4, "STATUS_INVALID_PARAMETER_6", 87),
    (0xc000_012d, "STATUS_COMMITMENT_LIMIT", 1455),
];

impl NtStatus {
    /// A fault was resolved with a page on the standby or modified list.
    pub const PAGE_FAULT_TRANSITION: Self = Self(0x110);
    /// A fault was resolved with a page of zeroes.
    pub const PAGE_FAULT_DEMAND_ZERO: Self = Self(0x111);
    /// A fault was resolved by reading a page file.
    pub const PAGE_FAULT_PAGING_FILE: Self = Self(0x114);
    /// A guard page was touched; it is none any more.
    pub const GUARD_PAGE_VIOLATION: Self = Self(0x8000_0001);
    /// The access is not allowed.
    pub const ACCESS_VIOLATION: Self = Self(0xc000_0005);
    /// A page could not be brought in.
    pub const IN_PAGE_ERROR: Self = Self(0xc000_0006);
    /// A parameter is wrong.
    pub const INVALID_PARAMETER: Self = Self(0xc000_000d);
    /// No hole in the address space, or no frame.
    pub const NO_MEMORY: Self = Self(0xc000_0017);
    /// The range is not where it must be: it overlaps an allocation, or is not inside one.
    pub const CONFLICTING_ADDRESSES: Self = Self(0xc000_0018);
    /// The range reaches past the allocation.
    pub const UNABLE_TO_FREE_VM: Self = Self(0xc000_001a);
    /// A page is not locked.
    pub const NOT_LOCKED: Self = Self(0xc000_002a);
    /// A page is not committed.
    pub const NOT_COMMITTED: Self = Self(0xc000_002d);
    /// The protection does not exist, or not for this memory.
    pub const INVALID_PAGE_PROTECTION: Self = Self(0xc000_0045);
    /// The process may not do this.
    pub const PRIVILEGE_NOT_HELD: Self = Self(0xc000_0061);
    /// The host's disk, or every page file, is full.
    pub const DISK_FULL: Self = Self(0xc000_007f);
    /// The host could not read or write.
    pub const DEVICE_DATA_ERROR: Self = Self(0xc000_009c);
    /// The address is not the base of the allocation.
    pub const FREE_VM_NOT_AT_BASE: Self = Self(0xc000_009f);
    /// Nothing is allocated there.
    pub const MEMORY_NOT_ALLOCATED: Self = Self(0xc000_00a0);
    /// More pages would be locked than the minimum working set has room for.
    pub const WORKING_SET_QUOTA: Self = Self(0xc000_00a1);
    /// This machine does not have it.
    pub const NOT_SUPPORTED: Self = Self(0xc000_00bb);
    /// The second parameter is wrong.
    pub const INVALID_PARAMETER_2: Self = Self(0xc000_00f0);
    /// The third parameter is wrong.
    pub const INVALID_PARAMETER_3: Self = Self(0xc000_00f1);
    /// The fourth parameter is wrong.
    pub const INVALID_PARAMETER_4: Self = Self(0xc000_00f2);
    /// The fifth parameter is wrong.
    pub const INVALID_PARAMETER_5: Self = Self(0xc000_00f3);
    /// The sixth parameter is wrong.
    pub const INVALID_PARAMETER_6: Self = Self(0xc000_00f4);
    /// The commit limit is reached.
    pub const COMMITMENT_LIMIT: Self = Self(0xc000_012d);

    /// Its name, when it is one of those that memory ends in.
    pub fn name(self) -> Option<&'static str> {
        TABLE.iter().find(|(code, ..)| *code == self.0).map(|(_, name, _)| *name)
    }

    /// What `RtlNtStatusToDosError` makes of it; `None` for a code that is not in the table, or has no error.
    pub fn win32_error(self) -> Option<u32> {
        TABLE.iter().find(|(code, ..)| *code == self.0).map(|(_, _, error)| *error).filter(|error| *error != 0)
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "NTSTATUS {:08x}", self.0),
        }
    }
}
