//! Where NT keeps what in its structures: the offsets of Windows XP SP2 and SP3 (5.1.2600, x86, not PAE), in bytes.
//!
//! The machine's kernel writes them, the reader of whole systems reads them. Sources: published listings of the public
//! symbols of 5.1.2600. Fields marked (unverified) in `docs/kernel.md` are general knowledge.

macro_rules! offsets {
    ($($(#[$doc:meta])* $module:ident { $($name:ident = $offset:literal,)* })*) => {$(
        $(#[$doc])*
        #[allow(missing_docs, reason = "the names are NT's own")]
        pub mod $module {
            $(pub const $name: u32 = $offset;)*
        }
    )*};
}

offsets! {
    /// `DISPATCHER_HEADER`.
    header { TYPE = 0x00, SIZE = 0x02, SIGNAL_STATE = 0x04, WAIT_LIST_HEAD = 0x08, }
    /// `EPROCESS`, which begins with a `KPROCESS`.
    eprocess {
        BYTES = 0x260, PROFILE_LIST_HEAD = 0x010, DIRECTORY_TABLE_BASE = 0x018, ACTIVE_PROCESSORS = 0x034,
        KERNEL_TIME = 0x038, USER_TIME = 0x03c, READY_LIST_HEAD = 0x040, KTHREAD_LIST_HEAD = 0x050, AFFINITY = 0x05c,
        STACK_COUNT = 0x060, BASE_PRIORITY = 0x062, THREAD_QUANTUM = 0x063, STATE = 0x065, CREATE_TIME = 0x070,
        EXIT_TIME = 0x078, UNIQUE_PROCESS_ID = 0x084, ACTIVE_PROCESS_LINKS = 0x088, COMMIT_CHARGE = 0x0a8,
        PEAK_VIRTUAL_SIZE = 0x0ac, VIRTUAL_SIZE = 0x0b0, DEBUG_PORT = 0x0bc, OBJECT_TABLE = 0x0c4, TOKEN = 0x0c8,
        VAD_ROOT = 0x11c, NUMBER_OF_PRIVATE_PAGES = 0x128, SECTION_OBJECT = 0x138, SECTION_BASE_ADDRESS = 0x13c,
        INHERITED_FROM = 0x14c, IMAGE_FILE_NAME = 0x174, THREAD_LIST_HEAD = 0x190, ACTIVE_THREADS = 0x1a0, PEB = 0x1b0,
        COMMIT_CHARGE_PEAK = 0x1ec, WORKING_SET_PEAK = 0x208, WORKING_SET_SIZE = 0x20c, WORKING_SET_MINIMUM = 0x210,
        FLAGS = 0x248, EXIT_STATUS = 0x24c,
    }
    /// `ETHREAD`, which begins with a `KTHREAD`.
    ethread {
        BYTES = 0x258, MUTANT_LIST_HEAD = 0x010, INITIAL_STACK = 0x018, STACK_LIMIT = 0x01c, TEB = 0x020,
        KERNEL_STACK = 0x028, STATE = 0x02d, ALERTED = 0x02e, PRIORITY = 0x033, APC_LIST_HEAD = 0x034,
        APC_PROCESS = 0x044, USER_APC_PENDING = 0x04a, CONTEXT_SWITCHES = 0x04c, WAIT_STATUS = 0x054, WAIT_MODE = 0x059,
        WAIT_REASON = 0x05b, WAIT_BLOCK_LIST = 0x05c, WAIT_TIME = 0x068, BASE_PRIORITY = 0x06c,
        PRIORITY_DECREMENT = 0x06e, QUANTUM = 0x06f, SERVICE_TABLE = 0x0e0, AFFINITY = 0x124, TRAP_FRAME = 0x134,
        PREVIOUS_MODE = 0x140, KERNEL_TIME = 0x144, USER_TIME = 0x148, ALERTABLE = 0x164, STACK_BASE = 0x168,
        KTHREAD_LIST_ENTRY = 0x1b0, SUSPEND_COUNT = 0x1b9, IDEAL_PROCESSOR = 0x1ba, CREATE_TIME = 0x1c0,
        EXIT_TIME = 0x1c8, EXIT_STATUS = 0x1d0, CID = 0x1ec, THREADS_PROCESS = 0x220, START_ADDRESS = 0x224,
        WIN32_START_ADDRESS = 0x228, THREAD_LIST_ENTRY = 0x22c, CROSS_THREAD_FLAGS = 0x248,
    }
    /// `KPCR`, with the `KPRCB` inside it.
    kpcr {
        EXCEPTION_LIST = 0x000, STACK_BASE = 0x004, STACK_LIMIT = 0x008, USED_SELF = 0x018, SELF_PCR = 0x01c,
        PRCB = 0x020, IRQL = 0x024, KD_VERSION_BLOCK = 0x034, IDT = 0x038, GDT = 0x03c, TSS = 0x040,
        MAJOR_VERSION = 0x044, MINOR_VERSION = 0x046, SET_MEMBER = 0x048, NUMBER = 0x051, PRCB_DATA = 0x120,
        CURRENT_THREAD = 0x124, NEXT_THREAD = 0x128, IDLE_THREAD = 0x12c, PRCB_NUMBER = 0x130,
        PRCB_SET_MEMBER = 0x134,
    }
    /// `KDDEBUGGER_DATA`: addresses of variables, 8 bytes each.
    debugger_data {
        OWNER_TAG = 0x010, KERNEL_BASE = 0x018, LOADED_MODULE_LIST = 0x048, ACTIVE_PROCESS_HEAD = 0x050,
        BUG_CHECK_DATA = 0x088, ROOT_DIRECTORY_OBJECT = 0x098, TYPE_OBJECT_TYPE = 0x0a0, PFN_DATABASE = 0x0c0, SUBSECTION_BASE = 0x0d8, HIGHEST_PHYSICAL_PAGE = 0x0f0, NUMBER_OF_PHYSICAL_PAGES = 0x0f8,
        NONPAGED_POOL_START = 0x110, NONPAGED_POOL_END = 0x118, PAGED_POOL_START = 0x120, PAGED_POOL_END = 0x128,
    }
    /// Task-state segment.
    tss { BYTES = 0x20ac, ESP0 = 0x04, SS0 = 0x08, CR3 = 0x1c, IO_MAP_BASE = 0x66, }
    /// `KUSER_SHARED_DATA`.
    shared {
        TICK_COUNT_LOW = 0x000, TICK_COUNT_MULTIPLIER = 0x004, INTERRUPT_TIME = 0x008, SYSTEM_TIME = 0x014,
        TIME_ZONE_BIAS = 0x020, IMAGE_NUMBER_LOW = 0x02c, IMAGE_NUMBER_HIGH = 0x02e, NT_SYSTEM_ROOT = 0x030,
        NT_PRODUCT_TYPE = 0x264, PRODUCT_TYPE_IS_VALID = 0x268, NT_MAJOR_VERSION = 0x26c, NT_MINOR_VERSION = 0x270,
        PROCESSOR_FEATURES = 0x274, NUMBER_OF_PHYSICAL_PAGES = 0x2e8, SYSTEM_CALL = 0x300, SYSTEM_CALL_RETURN = 0x304,
        TICK_COUNT = 0x320,
    }
    /// `PEB`.
    peb {
        BYTES = 0x210, BEING_DEBUGGED = 0x002, MUTANT = 0x004, IMAGE_BASE_ADDRESS = 0x008, LDR = 0x00c,
        PROCESS_PARAMETERS = 0x010, NUMBER_OF_PROCESSORS = 0x064, NT_GLOBAL_FLAG = 0x068,
        CRITICAL_SECTION_TIMEOUT = 0x070, HEAP_SEGMENT_RESERVE = 0x078, HEAP_SEGMENT_COMMIT = 0x07c,
        HEAP_DECOMMIT_TOTAL = 0x080, HEAP_DECOMMIT_BLOCK = 0x084, MAXIMUM_NUMBER_OF_HEAPS = 0x08c,
        PROCESS_HEAPS = 0x090, OS_MAJOR_VERSION = 0x0a4, OS_MINOR_VERSION = 0x0a8, OS_BUILD_NUMBER = 0x0ac,
        OS_CSD_VERSION = 0x0ae, OS_PLATFORM_ID = 0x0b0, IMAGE_SUBSYSTEM = 0x0b4, IMAGE_SUBSYSTEM_MAJOR = 0x0b8,
        IMAGE_SUBSYSTEM_MINOR = 0x0bc, SESSION_ID = 0x1d4,
    }
    /// `TEB`.
    teb {
        EXCEPTION_LIST = 0x000, STACK_BASE = 0x004, STACK_LIMIT = 0x008, VERSION = 0x010, SELF = 0x018,
        CLIENT_ID = 0x020, PEB = 0x030, LAST_ERROR = 0x034, CURRENT_LOCALE = 0x0c4, REAL_CLIENT_ID = 0x6b4,
        STATIC_UNICODE_STRING = 0xbf8, DEALLOCATION_STACK = 0xe0c,
        FREE_STACK_ON_TERMINATION = 0xf75,
    }
    /// `RTL_USER_PROCESS_PARAMETERS`.
    parameters {
        BYTES = 0x290, MAXIMUM_LENGTH = 0x00, LENGTH = 0x04, FLAGS = 0x08, CONSOLE_HANDLE = 0x10, STANDARD_INPUT = 0x18,
        STANDARD_OUTPUT = 0x1c, STANDARD_ERROR = 0x20, CURRENT_DIRECTORY = 0x24, CURRENT_DIRECTORY_HANDLE = 0x2c,
        DLL_PATH = 0x30, IMAGE_PATH_NAME = 0x38, COMMAND_LINE = 0x40, ENVIRONMENT = 0x48, WINDOW_TITLE = 0x70,
        DESKTOP_INFO = 0x78, SHELL_INFO = 0x80, RUNTIME_DATA = 0x88,
    }
    /// `LDR_DATA_TABLE_ENTRY`, and the list head of `PEB_LDR_DATA`.
    ldr {
        IN_LOAD_ORDER_HEAD = 0x0c, IN_LOAD_ORDER_LINKS = 0x00, DLL_BASE = 0x18, SIZE_OF_IMAGE = 0x20, FULL_DLL_NAME = 0x24,
        BASE_DLL_NAME = 0x2c,
    }
    /// `KTRAP_FRAME` of a trap from user mode.
    trap_frame {
        BYTES = 0x8c, GS = 0x30, ES = 0x34, DS = 0x38, EDX = 0x3c, ECX = 0x40, EAX = 0x44, FS = 0x50, EDI = 0x54,
        ESI = 0x58, EBX = 0x5c, EBP = 0x60, ERROR_CODE = 0x64, EIP = 0x68, CS = 0x6c, EFLAGS = 0x70, ESP = 0x74, SS = 0x78,
    }
    /// `MMVAD`; the short form ends behind its flags, the long one has `Secured` too.
    vad {
        STARTING_VPN = 0x00, ENDING_VPN = 0x04, PARENT = 0x08, LEFT = 0x0c, RIGHT = 0x10, FLAGS = 0x14,
        CONTROL_AREA = 0x18, FIRST_PROTOTYPE_PTE = 0x1c, LAST_CONTIGUOUS_PTE = 0x20, FLAGS2 = 0x24, SECURED = 0x28,
    }
    /// `SUBSECTION` (all but the first offset unverified).
    subsection {
        CONTROL_AREA = 0x00, FLAGS = 0x04, STARTING_SECTOR = 0x08, FULL_SECTORS = 0x0c, BASE = 0x10, UNUSED_PTES = 0x14,
        PTES = 0x18, NEXT = 0x1c,
    }
    /// `OBJECT_HEADER`: right before the body of each object. `NameInfo` is how far before the header an
    /// `OBJECT_HEADER_NAME_INFO` is; 0 when there is none.
    object_header {
        BYTES = 0x18, POINTER_COUNT = 0x00, HANDLE_COUNT = 0x04, TYPE = 0x08, NAME_INFO = 0x0c, HANDLE_INFO = 0x0d,
        QUOTA_INFO = 0x0e, FLAGS = 0x0f, SECURITY_DESCRIPTOR = 0x14,
    }
    /// `OBJECT_HEADER_NAME_INFO`.
    object_name { BYTES = 0x10, DIRECTORY = 0x00, NAME = 0x04, QUERY_REFERENCES = 0x0c, }
    /// `OBJECT_TYPE`.
    object_type {
        BYTES = 0x190, TYPE_LIST = 0x038, NAME = 0x040, INDEX = 0x04c, OBJECTS = 0x050, HANDLES = 0x054,
        MOST_OBJECTS = 0x058, MOST_HANDLES = 0x05c, KEY = 0x0ac,
    }
    /// `OBJECT_DIRECTORY`: 37 lists of `OBJECT_DIRECTORY_ENTRY`.
    object_directory { BYTES = 0xa4, BUCKETS = 0x00, SESSION_ID = 0x9c, }
    /// `OBJECT_DIRECTORY_ENTRY`.
    directory_entry { BYTES = 0x08, CHAIN_LINK = 0x00, OBJECT = 0x04, }
    /// `OBJECT_SYMBOLIC_LINK`.
    symbolic_link { BYTES = 0x20, CREATION_TIME = 0x00, LINK_TARGET = 0x08, }
    /// `HANDLE_TABLE`.
    handle_table {
        BYTES = 0x44, TABLE_CODE = 0x00, QUOTA_PROCESS = 0x04, UNIQUE_PROCESS_ID = 0x08, TABLE_LIST = 0x1c,
        FIRST_FREE = 0x30, LAST_FREE = 0x34, NEXT_NEEDING_POOL = 0x38, HANDLE_COUNT = 0x3c, FLAGS = 0x40,
    }
    /// `HANDLE_TABLE_ENTRY`; of a free one the second word is the next free handle.
    handle_entry { BYTES = 0x08, OBJECT = 0x00, GRANTED_ACCESS = 0x04, NEXT_FREE = 0x04, }
    /// `SECTION_OBJECT`.
    section_object { BYTES = 0x28, SEGMENT = 0x14, SIZE = 0x18, }
    /// `FILE_OBJECT`.
    file_object {
        BYTES = 0x70, TYPE = 0x00, SIZE = 0x02, DEVICE_OBJECT = 0x04, READ_ACCESS = 0x26, WRITE_ACCESS = 0x27,
        DELETE_ACCESS = 0x28, FLAGS = 0x2c, FILE_NAME = 0x30,
    }
    /// `DEVICE_OBJECT`.
    device_object { BYTES = 0xb8, TYPE = 0x00, SIZE = 0x02, REFERENCE_COUNT = 0x04, DEVICE_TYPE = 0x2c, }
    /// `KEVENT`, `KSEMAPHORE`, `KMUTANT`, `ETIMER`, whose first member is a `KTIMER`.
    dispatcher {
        EVENT_BYTES = 0x10, SEMAPHORE_BYTES = 0x14, LIMIT = 0x10, MUTANT_BYTES = 0x20, OWNER_THREAD = 0x18,
        ABANDONED = 0x1c, TIMER_BYTES = 0x98, DUE_TIME = 0x10, PERIOD = 0x24,
    }
    /// `MMPFN`.
    frame { BYTES = 0x18, LINK = 0x00, PTE_ADDRESS = 0x04, SHARES = 0x08, FLAGS = 0x0c, ORIGINAL_PTE = 0x10, PTE_FRAME = 0x14, }
}

/// `u3.e1.Modified` of an `MMPFN`: the content is nowhere else.
pub const FRAME_MODIFIED: u16 = 1 << 0;
/// `u3.e1.PrototypePte` of an `MMPFN`: the frame belongs to a prototype entry.
pub const FRAME_PROTOTYPE: u16 = 1 << 3;

/// Entries of a page of a handle table. The first one is no handle.
pub const HANDLES_IN_PAGE: u32 = 512;
/// Lists of an `OBJECT_DIRECTORY`.
pub const DIRECTORY_BUCKETS: u32 = 37;
/// In `HANDLE_TABLE_ENTRY.Object`: nobody holds the entry locked.
pub const HANDLE_UNLOCKED: u32 = 1;
/// In `HANDLE_TABLE_ENTRY.Object`: children inherit it.
pub const HANDLE_INHERIT: u32 = 2;
/// In `HANDLE_TABLE_ENTRY.GrantedAccess`: it cannot be closed.
pub const HANDLE_PROTECTED: u32 = 1 << 25;
