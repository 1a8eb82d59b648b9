//! Where fields lie in the structures of a Windows CE kernel: KData, PROCESS, THREAD, MODULE, SECTION, handles.
//!
//! Layouts of CE 5.x on ARM as published in open tools and observed in dumps; those marked as ours are not published.
//! Fields of THREAD from 60 on are the registers of the processor.

/// KData: what user code reads at 5800, from the start of its frame's use.
pub mod kdata {
    /// TLS area of the thread that runs.
    pub const TLS: u32 = 0x000;
    /// Its handle.
    pub const THREAD: u32 = 0x008;
    /// Handle of the process that runs.
    pub const PROCESS: u32 = 0x00c;
    /// PROCESS of that.
    pub const CURRENT_PROCESS: u32 = 0x090;
    /// THREAD of the thread that runs.
    pub const CURRENT_THREAD: u32 = 0x094;
    /// What handles count from.
    pub const HANDLE_BASE: u32 = 0x09c;
    /// SECTION of slots 0 to 63.
    pub const SECTIONS: u32 = 0x0a0;
    /// Where API calls return to.
    pub const API_RETURN: u32 = 0x2a0;
    /// Words of system information.
    pub const INFO: u32 = 0x300;
    /// Where the page lies in its page frame, as in slot 0.
    pub const IN_PAGE: u32 = 0x800;
    /// First address of the page in slot 0.
    pub const PAGE: u32 = 0x5000;
}

/// Indices of the words of system information.
pub mod info {
    /// Array of PROCESS.
    pub const PROCESSES: u32 = 0;
    /// Bytes of a page.
    pub const PAGE_SIZE: u32 = 1;
    /// Mask of frame numbers.
    pub const FRAME_MASK: u32 = 3;
    /// Free pages.
    pub const FREE_PAGES: u32 = 4;
    /// Pages of the system.
    pub const SYSTEM_PAGES: u32 = 5;
    /// The table of sections.
    pub const SECTIONS: u32 = 7;
    /// First of the list of MODULE.
    pub const MODULES: u32 = 9;
    /// Lowest address of a DLL.
    pub const DLL_LOW: u32 = 10;
    /// Pages of RAM.
    pub const PAGES: u32 = 11;
    /// `ROMHDR`.
    pub const TOC: u32 = 12;
    /// KData.
    pub const KDATA: u32 = 13;
    /// Which API sets are registered.
    pub const API_MASK: u32 = 18;
    /// Array of API sets.
    pub const API_SETS: u32 = 24;
    /// Fewest free pages since boot.
    pub const FEWEST_FREE: u32 = 25;
    /// SECTION of NK.EXE.
    pub const NK_SECTION: u32 = 27;
}

/// PROCESS.
pub mod process {
    /// Its bytes.
    pub const BYTES: u32 = 0xf0;
    /// Number.
    pub const NUMBER: u32 = 0x00;
    /// 0 none, 1 run, 2 full.
    pub const TRUST: u32 = 0x03;
    /// Its handle.
    pub const HANDLE: u32 = 0x08;
    /// First address of its slot; 0 when the entry is free.
    pub const VM_BASE: u32 = 0x0c;
    /// First thread.
    pub const THREADS: u32 = 0x10;
    /// Access key.
    pub const KEY: u32 = 0x14;
    /// Base of the EXE.
    pub const BASE: u32 = 0x18;
    /// Name, UTF-16.
    pub const NAME: u32 = 0x20;
    /// Used TLS slots 0 to 31.
    pub const TLS_LOW: u32 = 0x24;
    /// Used TLS slots 32 to 63.
    pub const TLS_HIGH: u32 = 0x28;
    /// Main thread.
    pub const MAIN_THREAD: u32 = 0x34;
    /// Command line.
    pub const COMMAND_LINE: u32 = 0x48;
    /// Where the image came from.
    pub const OPEN_EXE: u32 = 0x50;
    /// What is left of the image's header.
    pub const E32: u32 = 0x60;
    /// Its sections.
    pub const O32: u32 = 0xb4;
}

/// THREAD.
pub mod thread {
    /// Its bytes.
    pub const BYTES: u32 = 0xa0;
    /// Bits: 4 dying, 5 dead, 6 kernel mode; the lowest two: 0 runs, 1 ready, 2 blocked.
    pub const INFO: u32 = 0x00;
    /// How often it was suspended.
    pub const SUSPENDED: u32 = 0x02;
    /// 0 signalled, 1 processing, 2 blocked.
    pub const WAIT_STATE: u32 = 0x03;
    /// Next thread of the process.
    pub const NEXT: u32 = 0x08;
    /// Process whose code it runs.
    pub const PROCESS: u32 = 0x0c;
    /// Process that made it.
    pub const OWNER: u32 = 0x10;
    /// Which slots it may touch.
    pub const KEY: u32 = 0x14;
    /// Newest call record.
    pub const CALLS: u32 = 0x18;
    /// Lowest address of its stack.
    pub const STACK_BASE: u32 = 0x1c;
    /// Bytes of its stack.
    pub const STACK_SIZE: u32 = 0x20;
    /// TLS area.
    pub const TLS: u32 = 0x24;
    /// When it wakes.
    pub const WAKEUP: u32 = 0x28;
    /// What `GetLastError` says.
    pub const LAST_ERROR: u32 = 0x38;
    /// Its handle.
    pub const HANDLE: u32 = 0x3c;
    /// Base priority.
    pub const BASE_PRIORITY: u32 = 0x40;
    /// Priority now.
    pub const PRIORITY: u32 = 0x41;
    /// Thread before it in the process.
    pub const PREVIOUS: u32 = 0x44;
    /// When it was made, a FILETIME.
    pub const CREATED: u32 = 0x50;
    /// Where it began.
    pub const START: u32 = 0x5c;
    /// Registers.
    pub const CONTEXT: u32 = 0x60;
}

/// MODULE.
pub mod module {
    /// Its bytes.
    pub const BYTES: u32 = 0xe0;
    /// Its own address.
    pub const SELF: u32 = 0x00;
    /// Next module.
    pub const NEXT: u32 = 0x04;
    /// Name, UTF-16.
    pub const NAME: u32 = 0x08;
    /// A bit for each process that uses it.
    pub const IN_USE: u32 = 0x0c;
    /// `u16` for each process: how often.
    pub const REFERENCES: u32 = 0x10;
    /// Base.
    pub const BASE: u32 = 0x50;
    /// Entry point, in slot-0 form.
    pub const START: u32 = 0x5c;
    /// Where the image came from.
    pub const OPEN_EXE: u32 = 0x60;
    /// What is left of the image's header.
    pub const E32: u32 = 0x70;
    /// Its sections.
    pub const O32: u32 = 0xc4;
    /// Flags.
    pub const FLAGS: u32 = 0xcc;
    /// Trust.
    pub const TRUST: u32 = 0xce;
    /// First address of the data of a ROM DLL; FFFFFFFF when there is none.
    pub const RW_LOW: u32 = 0xd4;
    /// The address behind it.
    pub const RW_HIGH: u32 = 0xd8;
}

/// `e32_lite` of CE 5.x.
pub mod e32 {
    /// Its bytes.
    pub const BYTES: u32 = 0x54;
    /// Sections, `u16`.
    pub const SECTIONS: u32 = 0x00;
    /// Version of the system, two bytes.
    pub const VERSION: u32 = 0x02;
    /// Stack.
    pub const STACK: u32 = 0x04;
    /// Base.
    pub const BASE: u32 = 0x08;
    /// Bytes.
    pub const SIZE: u32 = 0x0c;
    /// Time stamp.
    pub const STAMP: u32 = 0x18;
    /// Tables: EXP, IMP, RES, EXC, SEC, FIX, DEB.
    pub const TABLES: u32 = 0x1c;
}

/// `o32_lite`: vsize, rva, realaddr, access, flags, psize, dataptr.
pub const O32_BYTES: u32 = 0x1c;

/// MEMBLOCK.
pub mod block {
    /// Its bytes.
    pub const BYTES: u32 = 0x10;
    /// Key of the process that owns it.
    pub const KEY: u32 = 0x00;
    /// Users, `u8`.
    pub const USES: u32 = 0x04;
    /// Flags, `u8`: our own, since none are published. See [`super::kind`].
    pub const FLAGS: u32 = 0x05;
    /// First block of the region, `i16`.
    pub const FIRST: u32 = 0x06;
    /// Page-table entries of its 16 pages.
    pub const PAGES: u32 = 0x0c;
}

/// CALLSTACK: a call into a server or of the kernel into the program.
pub mod call {
    /// Its bytes.
    pub const BYTES: u32 = 0x1c;
    /// The record before.
    pub const NEXT: u32 = 0x00;
    /// Where the call returns to.
    pub const RETURN: u32 = 0x04;
    /// The process that called.
    pub const PROCESS: u32 = 0x08;
    /// The key before.
    pub const KEY: u32 = 0x0c;
    /// `extra`: on x86 the caller's list of exception handlers (our choice).
    pub const EXCEPTIONS: u32 = 0x10;
    /// The stack pointer before.
    pub const STACK: u32 = 0x14;
    /// Bit 0 from user mode, bit 1 to user mode.
    pub const MODES: u32 = 0x18;
}

/// HDATA: what a handle stands for.
pub mod handle {
    /// Its bytes.
    pub const BYTES: u32 = 0x20;
    /// The handle.
    pub const VALUE: u32 = 0x08;
    /// Users.
    pub const REFERENCES: u32 = 0x10;
    /// API set.
    pub const SET: u32 = 0x14;
    /// The object.
    pub const OBJECT: u32 = 0x18;
}

/// CINFO: an API set. The order of the fields is public, their offsets are our choice.
pub mod set {
    /// Its bytes.
    pub const BYTES: u32 = 0x18;
    /// Four letters.
    pub const NAME: u32 = 0x00;
    /// Kind of handles or 0, `u8`.
    pub const KIND: u32 = 0x04;
    /// Methods, `u16`.
    pub const COUNT: u32 = 0x06;
    /// Their addresses.
    pub const METHODS: u32 = 0x08;
    /// Their signatures.
    pub const SIGNATURES: u32 = 0x0c;
    /// PROCESS of the server; 0 for the kernel.
    pub const SERVER: u32 = 0x10;
}

/// What a block is reserved for: `MEMBLOCK.flags` of the machine (our choice).
pub mod kind {
    /// `VirtualAlloc`.
    pub const PRIVATE: u8 = 1;
    /// A stack.
    pub const STACK: u8 = 2;
    /// A program or DLL of a file.
    pub const IMAGE: u8 = 3;
    /// ROM DLLs.
    pub const ROM_DLLS: u8 = 4;
    /// Large reservations and shared memory.
    pub const SHARED: u8 = 5;
    /// A view of a mapped file.
    pub const VIEW: u8 = 6;
    /// `VirtualCopy`.
    pub const COPY: u8 = 7;
}

/// Software bits of a page-table entry of the machine (our choice; the others are the processor's).
pub mod entry {
    /// Not present: committed, and not to be touched.
    pub const HIDDEN: u32 = 1 << 8;
    /// The frame belongs to this entry.
    pub const OWNED: u32 = 1 << 9;
    /// Not present: a guard page.
    pub const GUARD: u32 = 1 << 10;
    /// Not present: committed, filled from an image on first touch.
    pub const ON_DEMAND: u32 = 1 << 11;
}
