//! Numbers and structures of Windows CE dumps as they stand in the file, and little-endian numbers at offsets.

/// `CE_DUMP_HEADER`: bytes that the reader needs of it.
pub(super) const HEADER: usize = 0x20;

/// `MINIDUMP_DIRECTORY` as Windows CE has it.
pub(super) const DIRECTORY_ENTRY: usize = 0x0c;

/// Stream types of Windows CE (`ceStreamNull` and on).
pub(super) mod stream {
    pub const SYSTEM_INFO: u32 = 0x8001;
    pub const EXCEPTION: u32 = 0x8002;
    pub const MODULE_LIST: u32 = 0x8003;
    pub const PROCESS_LIST: u32 = 0x8004;
    pub const THREAD_LIST: u32 = 0x8005;
    pub const THREAD_CONTEXT_LIST: u32 = 0x8006;
    pub const THREAD_CALL_STACK_LIST: u32 = 0x8007;
    pub const MEMORY_VIRTUAL_LIST: u32 = 0x8008;
    pub const MEMORY_PHYSICAL_LIST: u32 = 0x8009;
    pub const BUCKET_PARAMETERS: u32 = 0x800a;
}

/// Documented name of a stream type.
pub(super) const fn stream_name(number: u32) -> Option<&'static str> {
    Some(match number {
        0x8000 => "NullStream",
        stream::SYSTEM_INFO => "SystemInfoStream",
        stream::EXCEPTION => "ExceptionStream",
        stream::MODULE_LIST => "ModuleListStream",
        stream::PROCESS_LIST => "ProcessListStream",
        stream::THREAD_LIST => "ThreadListStream",
        stream::THREAD_CONTEXT_LIST => "ThreadContextListStream",
        stream::THREAD_CALL_STACK_LIST => "ThreadCallStackListStream",
        stream::MEMORY_VIRTUAL_LIST => "MemoryVirtualListStream",
        stream::MEMORY_PHYSICAL_LIST => "MemoryPhysicalListStream",
        stream::BUCKET_PARAMETERS => "BucketParametersStream",
        0x800b => "ProcessModuleMapStream",
        0x800c => "DiagnosisListStream",
        _ => return None,
    })
}

/// A 16-bit number at an offset.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A 32-bit number at an offset.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A 64-bit number at an offset.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Up to eight bytes as a number.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    let mut whole = [0; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    (!bytes.is_empty()).then(|| u64::from_le_bytes(whole))
}
