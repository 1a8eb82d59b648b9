//! Where `DUMP_HEADER32` keeps what, in bytes.

#![allow(missing_docs, reason = "the names are Microsoft's own")]

/// `PAGE` and `DUMP`.
pub const SIGNATURE: &[u8] = b"PAGEDUMP";
pub const HEADER_BYTES: usize = 0x1000;
pub const PAGE_BYTES: u64 = 0x1000;
pub const MAJOR_VERSION: usize = 0x008;
pub const MINOR_VERSION: usize = 0x00c;
pub const DIRECTORY_TABLE_BASE: usize = 0x010;
pub const PFN_DATABASE: usize = 0x014;
pub const PS_LOADED_MODULE_LIST: usize = 0x018;
pub const PS_ACTIVE_PROCESS_HEAD: usize = 0x01c;
pub const MACHINE_IMAGE_TYPE: usize = 0x020;
pub const NUMBER_OF_PROCESSORS: usize = 0x024;
pub const BUG_CHECK_CODE: usize = 0x028;
pub const BUG_CHECK_PARAMETERS: usize = 0x02c;
pub const PAE_ENABLED: usize = 0x05c;
pub const KD_DEBUGGER_DATA_BLOCK: usize = 0x060;
pub const NUMBER_OF_RUNS: usize = 0x064;
pub const NUMBER_OF_PAGES: usize = 0x068;
pub const RUNS: usize = 0x06c;
/// The buffer of the runs has 700 bytes.
pub const MOST_RUNS: u32 = (700 - 8) / 8;
pub const CONTEXT: usize = 0x320;
pub const CONTEXT_BYTES: usize = 0x4b0;
pub const EXCEPTION: usize = 0x7d0;
pub const COMMENT: usize = 0x820;
pub const DUMP_TYPE: usize = 0xf88;
/// A dump of all physical memory.
pub const FULL_DUMP: u32 = 1;
pub const PRODUCT_TYPE: usize = 0xf94;
pub const SUITE_MASK: usize = 0xf98;
pub const REQUIRED_DUMP_SPACE: usize = 0xfa0;
pub const SYSTEM_UP_TIME: usize = 0xfb8;
pub const SYSTEM_TIME: usize = 0xfc0;
