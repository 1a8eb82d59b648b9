//! What a system is made of, and what it shall run.

use crate::files::GivenFile;
use crate::memory::PageFile;

/// Instructions in 100 ns when nothing else is said: 100 million in a second.
pub const DEFAULT_INSTRUCTIONS_PER_UNIT: u32 = 10;
/// 2004-08-04 12:00:00 UTC in units of 100 ns since 1601: when a system starts if nothing else is said.
pub const DEFAULT_BOOT_TIME: u64 = 127_360_944_000_000_000;

/// What a system is made of.
#[derive(Debug)]
pub struct Configuration {
    /// Frames of physical memory, 4 KB each.
    pub frames: u32,
    /// Processors, 1 to 32.
    pub processors: usize,
    /// Page files, at most 16.
    pub page_files: Vec<PageFile>,
    /// First address of the kernel for images that say they can use it: 80000000, or C0000000 with `/3GB`; `/USERVA`
    /// gives values between. Rounded down to 4 MB.
    pub user_limit: u32,
    /// When the system starts, in units of 100 ns since 1601-01-01 UTC.
    pub boot_time: u64,
    /// Instructions, of all processors together, that take 100 ns.
    pub instructions_per_unit: u32,
    /// Whether the kernel has addresses of its own: every system call changes CR3, in and out.
    pub has_separate_kernel: bool,
    /// What random numbers begin with.
    pub seed: u64,
    /// Files over those of the host, read only: the system's DLLs, the program. `WINDOWS\system32\ntdll.dll` must be
    /// among them before a program can start.
    pub given: Vec<GivenFile>,
}

impl Default for Configuration {
    /// 32 MB, one processor, no page file, 2 GB for programs.
    fn default() -> Self {
        Self {
            frames: 8192,
            processors: 1,
            page_files: Vec::new(),
            user_limit: 0x8000_0000,
            boot_time: DEFAULT_BOOT_TIME,
            instructions_per_unit: DEFAULT_INSTRUCTIONS_PER_UNIT,
            has_separate_kernel: false,
            seed: 0,
            given: Vec::new(),
        }
    }
}

/// What a program is started with.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its path in the guest: `C:\hello.exe`.
    pub path: String,
    /// The whole command line; the first word names the program.
    pub command_line: String,
    /// Current directory; empty for `C:\`.
    pub directory: String,
    /// Environment: names and values; empty for the few variables that every process has.
    pub environment: Vec<(String, String)>,
}
