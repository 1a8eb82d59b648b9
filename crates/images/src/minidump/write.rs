//! Writing a minidump of a 32-bit process of Windows, with all of its memory, as `MiniDumpWriteDump` lays it out.
//!
//! ```text
//! header 20h, directory 0Ch each
//!   7 SystemInfo  15 MiscInfo  3 ThreadList  4 ModuleList  6 Exception  16 MemoryInfoList  12 HandleData
//! texts, contexts, CodeView records
//!   9 Memory64List, then the memory itself up to the end of the file
//! ```

use super::write_records::{context, exception, fixed_version, misc_info, region, system_info};
use crate::fx_image::FX_BYTES;
use std::io::{self, Write};
use vatlas_space::{
    DebugRecord, ExceptionRecord, Handle, Host, Machine, Process, Region, Registers, Side, Thread, ThreadId, VaRange,
};

const SIGNATURE: u32 = 0x504d_444d;
const VERSION: u32 = 0xa793;
const HEADER: usize = 0x20;
const DIRECTORY_ENTRY: usize = 12;
/// `MiniDumpWithFullMemory | MiniDumpWithHandleData | MiniDumpWithFullMemoryInfo`.
const FLAGS: u64 = 0x2 | 0x4 | 0x800;
/// Bytes that are copied at once.
const PIECE: usize = 1 << 16;

/// What goes into a minidump.
pub struct MinidumpContents<'a> {
    /// When the process looked so, seconds since 1970.
    pub time: u32,
    /// The system: Windows on x86.
    pub host: &'a Host,
    /// The process: threads with registers, modules.
    pub process: &'a Process,
    /// All regions of its part of the address space, in order.
    pub regions: &'a [Region],
    /// The memory that can be read, in order and without overlaps.
    pub memory: &'a [VaRange],
    /// Its open handles.
    pub handles: &'a [Handle],
    /// The exception that it did not handle.
    pub exception: Option<&'a ExceptionRecord>,
    /// The x87 and SSE registers of a thread, as `fxsave` writes them, where they are known.
    pub floats: &'a dyn Fn(ThreadId) -> Option<[u8; FX_BYTES]>,
}

/// Bytes of a file being made, with places that are known later.
#[derive(Default)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// The next offset, after padding to four bytes.
    fn here(&mut self) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.0.len() as u32
    }

    /// A `MINIDUMP_STRING`; its offset.
    fn text(&mut self, text: &str) -> u32 {
        let at = self.here();
        let units: Vec<u16> = text.encode_utf16().collect();
        self.u32(units.len() as u32 * 2);
        units.into_iter().chain([0]).for_each(|unit| self.u16(unit));
        at
    }

    /// Sets a double word that was left open.
    fn set(&mut self, at: usize, value: u32) {
        if let Some(place) = self.0.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = value.to_le_bytes();
        }
    }
}

/// Writes a minidump. `read` fills a buffer from an address on, all of which lies in `contents.memory`.
///
/// # Errors
/// The process is not one of x86, or writing fails.
pub fn write_minidump(
    contents: &MinidumpContents<'_>,
    read: &mut dyn FnMut(VaRange, &mut [u8]) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if contents.host.machine != Machine::X86 {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "minidumps are written of x86 processes only"));
    }
    let body = streams(contents);
    out.write_all(&body)?;
    let mut piece = vec![0; PIECE];
    for range in contents.memory {
        let mut next = Some(range.first());
        while let Some(at) = next.filter(|at| *at <= range.last()) {
            let left = (range.last().0 - at.0).saturating_add(1);
            let count = left.min(PIECE as u64);
            let Some(part) = VaRange::sized(at, count) else { break };
            read(part, &mut piece[..count as usize])?;
            out.write_all(&piece[..count as usize])?;
            next = at.checked_add(count);
        }
    }
    Ok(())
}

/// Everything before the memory.
fn streams(contents: &MinidumpContents<'_>) -> Vec<u8> {
    let kinds = [Some(7), Some(15), Some(3), Some(4), contents.exception.map(|_| 6), Some(16), Some(12), Some(9)];
    let kinds: Vec<u32> = kinds.into_iter().flatten().collect();
    let mut body = Body::default();
    for number in [SIGNATURE, VERSION, kinds.len() as u32, HEADER as u32, 0, contents.time] {
        body.u32(number);
    }
    body.u64(FLAGS);
    body.0.resize(HEADER + kinds.len() * DIRECTORY_ENTRY, 0);
    let mut stacks = Vec::new();
    for (number, kind) in kinds.into_iter().enumerate() {
        let start = body.here();
        let size = stream(&mut body, kind, contents, &mut stacks);
        let entry = HEADER + number * DIRECTORY_ENTRY;
        for (place, value) in [kind, size, start].into_iter().enumerate() {
            body.set(entry + place * 4, value);
        }
    }
    place_stacks(&mut body, contents.memory, &stacks);
    body.0
}

/// A thread's stack: where its place in the file is written, and its addresses.
type OpenStack = (usize, VaRange);

/// Writes a stream and what it leads to; bytes of the stream itself.
fn stream(body: &mut Body, kind: u32, contents: &MinidumpContents<'_>, stacks: &mut Vec<OpenStack>) -> u32 {
    let start = body.0.len();
    match kind {
        7 => {
            let open = system_info(body, contents.host);
            let size = body.0.len() - start;
            let text = body.text(contents.host.service_pack.as_deref().unwrap_or_default());
            body.set(open, text);
            return size as u32;
        }
        15 => misc_info(body, contents.process),
        3 => return threads(body, contents, stacks),
        4 => return modules(body, contents.process),
        6 => return exception_stream(body, contents),
        16 => {
            body.u32(16);
            body.u32(48);
            body.u64(contents.regions.len() as u64);
            contents.regions.iter().for_each(|one| region(body, one));
        }
        12 => return handles(body, contents.handles),
        _ => memory_list(body, contents.memory),
    }
    (body.0.len() - start) as u32
}

/// `MINIDUMP_MEMORY64_LIST`: the memory follows it, for it is the last stream.
fn memory_list(body: &mut Body, memory: &[VaRange]) {
    let base = body.0.len() + 16 + memory.len() * 16;
    body.u64(memory.len() as u64);
    body.u64(base as u64);
    for range in memory {
        body.u64(range.first().0);
        body.u64((range.last().0 - range.first().0).saturating_add(1));
    }
}

/// `MINIDUMP_THREAD`, 48 bytes each, and their contexts.
fn threads(body: &mut Body, contents: &MinidumpContents<'_>, stacks: &mut Vec<OpenStack>) -> u32 {
    let threads = &contents.process.threads;
    let start = body.0.len();
    body.u32(threads.len() as u32);
    let mut contexts = Vec::new();
    for thread in threads {
        let side = thread.sides.first();
        for number in [thread.id.0, thread.suspend_count, thread.priority_class, thread.priority] {
            body.u32(number);
        }
        body.u64(side.and_then(|side| side.teb).map_or(0, |teb| teb.0));
        let stack = side.and_then(used_stack);
        body.u64(stack.map_or(0, |stack| stack.first().0));
        stacks.extend(stack.map(|stack| (body.0.len(), stack)));
        (0..2).for_each(|_| body.u32(0));
        contexts.push((body.0.len(), side.and_then(|side| side.registers.as_ref()), thread.id));
        (0..2).for_each(|_| body.u32(0));
    }
    let size = body.0.len() - start;
    for (place, registers, id) in contexts {
        if let Some(registers) = registers {
            put_context(body, place, registers, (contents.floats)(id));
        }
    }
    size as u32
}

/// A context and, at `place`, where it is.
fn put_context(body: &mut Body, place: usize, registers: &Registers, floats: Option<[u8; FX_BYTES]>) {
    let at = body.here();
    context(body, registers, floats.as_ref());
    let size = body.0.len() as u32 - at;
    body.set(place, size);
    body.set(place + 4, at);
}

/// The stack from the page of its pointer up to its base, as debuggers want it.
fn used_stack(side: &Side) -> Option<VaRange> {
    let base = side.stack.base?;
    let limit = side.stack.limit?;
    let pointer = side.registers.as_ref().map_or(limit, |registers| registers.sp);
    let first = if (limit..base).contains(&pointer) { pointer } else { limit };
    VaRange::new(first.align_down(4), base.checked_sub(1)?)
}

/// Stacks lie in the memory at the end of the file: where, for those that are there as a whole.
fn place_stacks(body: &mut Body, memory: &[VaRange], stacks: &[OpenStack]) {
    let mut offset = body.0.len() as u64;
    for range in memory {
        for (place, stack) in stacks {
            let Some(inside) = range.offset_of(stack.first()).filter(|_| range.contains(stack.last())) else {
                continue;
            };
            let length = stack.last().0 - stack.first().0 + 1;
            if let (Ok(at), Ok(length)) = (u32::try_from(offset + inside), u32::try_from(length)) {
                body.set(*place, length);
                body.set(*place + 4, at);
            }
        }
        offset = offset.saturating_add((range.last().0 - range.first().0).saturating_add(1));
    }
}

/// `MINIDUMP_MODULE`, 108 bytes each, their names and CodeView records.
fn modules(body: &mut Body, process: &Process) -> u32 {
    let start = body.0.len();
    body.u32(process.modules.len() as u32);
    let mut open = Vec::new();
    for module in &process.modules {
        let range = module.range;
        body.u64(range.first().0);
        let size = (range.last().0 - range.first().0).saturating_add(1);
        body.u32(u32::try_from(size).unwrap_or(u32::MAX));
        body.u32(module.checksum);
        body.u32(module.time_date_stamp);
        open.push((body.0.len(), module));
        body.u32(0);
        fixed_version(body, module.version);
        // CodeView record, miscellaneous record, two reserved words.
        (0..8).for_each(|_| body.u32(0));
    }
    let size = body.0.len() - start;
    for (place, module) in open {
        let name = body.text(&module.path);
        body.set(place, name);
        if let Some(record) = module.debug_record.as_ref().and_then(code_view) {
            let at = body.here();
            body.0.extend_from_slice(&record);
            // Behind the name: 52 bytes of version.
            body.set(place + 56, record.len() as u32);
            body.set(place + 60, at);
        }
    }
    size as u32
}

/// The CodeView record as it is in the image.
fn code_view(record: &DebugRecord) -> Option<Vec<u8>> {
    let mut body = Body::default();
    let name = match record {
        DebugRecord::Pdb70 { guid, age, name } => {
            body.0.extend_from_slice(b"RSDS");
            body.u32(guid.data1);
            body.u16(guid.data2);
            body.u16(guid.data3);
            body.0.extend_from_slice(&guid.data4);
            body.u32(*age);
            name
        }
        DebugRecord::Pdb20 { signature, age, name } => {
            body.0.extend_from_slice(b"NB10");
            body.u32(0);
            body.u32(*signature);
            body.u32(*age);
            name
        }
        _ => return None,
    };
    body.0.extend_from_slice(name.as_bytes());
    body.0.push(0);
    Some(body.0)
}

fn exception_stream(body: &mut Body, contents: &MinidumpContents<'_>) -> u32 {
    let Some(record) = contents.exception else { return 0 };
    let start = body.0.len();
    exception(body, record);
    let place = body.0.len();
    (0..2).for_each(|_| body.u32(0));
    let size = body.0.len() - start;
    let thread = contents.process.thread(record.thread);
    let registers = record.registers.as_ref().or_else(|| thread.and_then(Thread::registers));
    if let Some(registers) = registers {
        put_context(body, place, registers, (contents.floats)(record.thread));
    }
    size as u32
}

/// `MINIDUMP_HANDLE_DESCRIPTOR`, 32 bytes each, and their names.
fn handles(body: &mut Body, handles: &[Handle]) -> u32 {
    let start = body.0.len();
    for number in [16, 32, handles.len() as u32, 0] {
        body.u32(number);
    }
    let mut open = Vec::new();
    for handle in handles {
        body.u64(handle.value);
        open.push((body.0.len(), handle));
        for number in [0, 0, 0, handle.granted_access, handle.handle_count, handle.pointer_count] {
            body.u32(number);
        }
    }
    let size = body.0.len() - start;
    for (place, handle) in open {
        for (offset, name) in [(0, &handle.type_name), (4, &handle.object_name)] {
            if let Some(name) = name {
                let at = body.text(name);
                body.set(place + offset, at);
            }
        }
    }
    size as u32
}
