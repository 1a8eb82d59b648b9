//! The status codes of NT that memory calls and page faults end in, and what `GetLastError` says for each.

use std::fmt;

/// An `NTSTATUS`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct NtStatus(pub u32);

/// Code, name, last error (0: none is established).
const TABLE: &[(u32, &str, u32)] = &[
    (0, "STATUS_SUCCESS", 0),
    (0x110, "STATUS_PAGE_FAULT_TRANSITION", 0),
    (0x111, "STATUS_PAGE_FAULT_DEMAND_ZERO", 0),
    (0x112, "STATUS_PAGE_FAULT_COPY_ON_WRITE", 0),
    (0x113, "STATUS_PAGE_FAULT_GUARD_PAGE", 0),
    (0x114, "STATUS_PAGE_FAULT_PAGING_FILE", 0),
    (0x4000_0003, "STATUS_IMAGE_NOT_AT_BASE", 0),
    (0x8000_0001, "STATUS_GUARD_PAGE_VIOLATION", 0x8000_0001),
    (0xc000_0005, "STATUS_ACCESS_VIOLATION", 998),
    (0xc000_0006, "STATUS_IN_PAGE_ERROR", 999),
    (0xc000_000d, "STATUS_INVALID_PARAMETER", 87),
    (0xc000_0017, "STATUS_NO_MEMORY", 8),
    (0xc000_0018, "STATUS_CONFLICTING_ADDRESSES", 487),
    (0xc000_0019, "STATUS_NOT_MAPPED_VIEW", 487),
    (0xc000_001a, "STATUS_UNABLE_TO_FREE_VM", 87),
    (0xc000_001b, "STATUS_UNABLE_TO_DELETE_SECTION", 87),
    (0xc000_001f, "STATUS_INVALID_VIEW_SIZE", 5),
    (0xc000_0020, "STATUS_INVALID_FILE_FOR_SECTION", 193),
    (0xc000_0021, "STATUS_ALREADY_COMMITTED", 5),
    (0xc000_002a, "STATUS_NOT_LOCKED", 158),
    (0xc000_002d, "STATUS_NOT_COMMITTED", 487),
    (0xc000_0040, "STATUS_SECTION_TOO_BIG", 8),
    (0xc000_0045, "STATUS_INVALID_PAGE_PROTECTION", 87),
    (0xc000_004d, "STATUS_INCOMPATIBLE_FILE_MAP", 87),
    (0xc000_004e, "STATUS_SECTION_PROTECTION", 87),
    (0xc000_0061, "STATUS_PRIVILEGE_NOT_HELD", 1314),
    (0xc000_007b, "STATUS_INVALID_IMAGE_FORMAT", 193),
    (0xc000_007f, "STATUS_DISK_FULL", 112),
    (0xc000_009a, "STATUS_INSUFFICIENT_RESOURCES", 1450),
    (0xc000_009c, "STATUS_DEVICE_DATA_ERROR", 23),
    (0xc000_009f, "STATUS_FREE_VM_NOT_AT_BASE", 487),
    (0xc000_00a0, "STATUS_MEMORY_NOT_ALLOCATED", 487),
    (0xc000_00a1, "STATUS_WORKING_SET_QUOTA", 1453),
    (0xc000_00bb, "STATUS_NOT_SUPPORTED", 50),
    (0xc000_00ef, "STATUS_INVALID_PARAMETER_1", 87),
    (0xc000_00f0, "STATUS_INVALID_PARAMETER_2", 87),
    (0xc000_00f1, "STATUS_INVALID_PARAMETER_3", 87),
    (0xc000_00f2, "STATUS_INVALID_PARAMETER_4", 87),
    (0xc000_00f3, "STATUS_INVALID_PARAMETER_5", 87),
    (0xc000_00f4, "STATUS_INVALID_PARAMETER_6", 87),
    (0xc000_00f5, "STATUS_INVALID_PARAMETER_7", 87),
    (0xc000_00f6, "STATUS_INVALID_PARAMETER_8", 87),
    (0xc000_00f7, "STATUS_INVALID_PARAMETER_9", 87),
    (0xc000_00fd, "STATUS_STACK_OVERFLOW", 1001),
    (0xc000_011e, "STATUS_MAPPED_FILE_SIZE_ZERO", 1006),
    (0xc000_012d, "STATUS_COMMITMENT_LIMIT", 1455),
    (0xc000_012f, "STATUS_INVALID_IMAGE_NOT_MZ", 193),
    (0xc000_0130, "STATUS_INVALID_IMAGE_PROTECT", 193),
    (0xc000_0220, "STATUS_MAPPED_ALIGNMENT", 1132),
    (0xc000_0243, "STATUS_USER_MAPPED_FILE", 1224),
];

impl NtStatus {
    /// It worked.
    pub const SUCCESS: Self = Self(0);
    /// A fault was resolved with a page on the standby or modified list.
    pub const PAGE_FAULT_TRANSITION: Self = Self(0x110);
    /// A fault was resolved with a page of zeroes.
    pub const PAGE_FAULT_DEMAND_ZERO: Self = Self(0x111);
    /// A fault was resolved with a private copy of the page.
    pub const PAGE_FAULT_COPY_ON_WRITE: Self = Self(0x112);
    /// A fault was resolved by the growth of a stack.
    pub const PAGE_FAULT_GUARD_PAGE: Self = Self(0x113);
    /// A fault was resolved by reading a page file.
    pub const PAGE_FAULT_PAGING_FILE: Self = Self(0x114);
    /// Success: the image is mapped, but not where it was linked for.
    pub const IMAGE_NOT_AT_BASE: Self = Self(0x4000_0003);
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
    /// No view of a section is there.
    pub const NOT_MAPPED_VIEW: Self = Self(0xc000_0019);
    /// The range reaches past the allocation.
    pub const UNABLE_TO_FREE_VM: Self = Self(0xc000_001a);
    /// The memory is a view of a section.
    pub const UNABLE_TO_DELETE_SECTION: Self = Self(0xc000_001b);
    /// The view reaches past the section.
    pub const INVALID_VIEW_SIZE: Self = Self(0xc000_001f);
    /// An image section needs a file.
    pub const INVALID_FILE_FOR_SECTION: Self = Self(0xc000_0020);
    /// The pages are those of a file.
    pub const ALREADY_COMMITTED: Self = Self(0xc000_0021);
    /// A page is not locked.
    pub const NOT_LOCKED: Self = Self(0xc000_002a);
    /// A page is not committed.
    pub const NOT_COMMITTED: Self = Self(0xc000_002d);
    /// The section is larger than its file, or than anything can be.
    pub const SECTION_TOO_BIG: Self = Self(0xc000_0040);
    /// The protection does not exist, or not for this memory.
    pub const INVALID_PAGE_PROTECTION: Self = Self(0xc000_0045);
    /// Not for memory of this kind.
    pub const INCOMPATIBLE_FILE_MAP: Self = Self(0xc000_004d);
    /// The section does not allow this protection.
    pub const SECTION_PROTECTION: Self = Self(0xc000_004e);
    /// The process may not do this.
    pub const PRIVILEGE_NOT_HELD: Self = Self(0xc000_0061);
    /// The file is no image for this machine.
    pub const INVALID_IMAGE_FORMAT: Self = Self(0xc000_007b);
    /// The host's disk, or every page file, is full.
    pub const DISK_FULL: Self = Self(0xc000_007f);
    /// A pool of the kernel is full.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xc000_009a);
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
    /// The first parameter is wrong.
    pub const INVALID_PARAMETER_1: Self = Self(0xc000_00ef);
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
    /// The seventh parameter is wrong.
    pub const INVALID_PARAMETER_7: Self = Self(0xc000_00f5);
    /// The eighth parameter is wrong.
    pub const INVALID_PARAMETER_8: Self = Self(0xc000_00f6);
    /// The ninth parameter is wrong.
    pub const INVALID_PARAMETER_9: Self = Self(0xc000_00f7);
    /// A stack cannot grow any more.
    pub const STACK_OVERFLOW: Self = Self(0xc000_00fd);
    /// An empty file cannot be mapped.
    pub const MAPPED_FILE_SIZE_ZERO: Self = Self(0xc000_011e);
    /// The commit limit is reached.
    pub const COMMITMENT_LIMIT: Self = Self(0xc000_012d);
    /// The file does not begin as a program does.
    pub const INVALID_IMAGE_NOT_MZ: Self = Self(0xc000_012f);
    /// The file is a program for DOS.
    pub const INVALID_IMAGE_PROTECT: Self = Self(0xc000_0130);
    /// The base or the offset is no multiple of 64 KB.
    pub const MAPPED_ALIGNMENT: Self = Self(0xc000_0220);
    /// The memory is a view of a file.
    pub const USER_MAPPED_FILE: Self = Self(0xc000_0243);

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
