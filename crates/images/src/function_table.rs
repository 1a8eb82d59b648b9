//! The function table of an image (`.pdata`): where functions begin and end.
//!
//! ```text
//! x64          begin, end (not included), unwind information                       three RVAs
//! ARM64, ARM   begin, packed unwind data or the RVA of a record                    1c4: Thumb-2
//! ARM, SH (CE) begin, prologue:8 length:22 is-32-bit:1 has-handler:1               a linked address; instructions
//! MIPS (CE)    begin, end, handler, handler data, end of the prologue              linked addresses
//! ```
//!
//! `RUNTIME_FUNCTION` of the x64 exception-handling documentation, "ARM exception handling", "ARM64 exception handling",
//! and "PDATA structures" of the Windows CE documentation. Functions that call nothing and save nothing have no record.

mod ce;
mod packed;
mod x64;

use crate::{
    image_bytes::{ReadImage, read_whole},
    pe::PeHeaders,
};
use object::pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION;
use vatlas_space::{Machine, Rva};

/// Bytes read at a time, at most: a multiple of 8, 12 and 20.
const CHUNK: usize = 1920;
/// `e_lfanew` of the DOS header.
const NEW_HEADER: Rva = Rva(0x3c);

/// Addresses of a function, in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionExtent {
    /// Its first address.
    pub begin: Rva,
    /// Its bytes, at least one.
    pub size: u32,
}

/// What a record is read with.
struct Table<'a> {
    headers: &'a PeHeaders,
    read: ReadImage<'a>,
}

impl Table<'_> {
    /// A linked address as one of the image; `None` outside.
    fn rva(&self, va: u32) -> Option<u32> {
        let rva = u32::try_from(u64::from(va).checked_sub(self.headers.image_base)?).ok()?;
        (rva != 0 && rva < self.headers.size_of_image).then_some(rva)
    }

    /// A function that lies in the image, from its first address up to `end`.
    fn extent(&self, begin: u32, end: u32) -> Option<FunctionExtent> {
        let size = end.checked_sub(begin).filter(|size| *size != 0 && begin != 0)?;
        (end <= self.headers.size_of_image).then_some(FunctionExtent { begin: Rva(begin), size })
    }

    fn word(&self, rva: u32) -> Option<u32> {
        let mut bytes = [0; 4];
        (read_whole(self.read, Rva(rva), &mut bytes) == 4).then(|| u32::from_le_bytes(bytes))
    }
}

/// One word of a record; 0 behind its end.
fn field(record: &[u8], index: usize) -> u32 {
    let bytes = record.get(4 * index..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Reads the function of a record; `None` for one that is no function.
type ReadRecord = fn(&Table, &[u8]) -> Option<FunctionExtent>;

/// Reads the function table of an image in the order of the table; empty for processors that have none.
pub fn read(headers: &PeHeaders, read: ReadImage) -> Vec<FunctionExtent> {
    let table = Table { headers, read };
    let Some((at, size)) = headers.directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION) else { return Vec::new() };
    let Some((length, function)) = form(&table) else { return Vec::new() };
    // A table larger than the image is damage; what follows the image's end is not read.
    let end = u64::from(at.0) + u64::from(size.min(headers.size_of_image));
    let mut functions = Vec::new();
    let mut at = at;
    let mut buffer = [0; CHUNK];
    while u64::from(at.0) + length as u64 <= end {
        let wanted = buffer.len().min((end - u64::from(at.0)) as usize);
        let count = read_whole(read, at, &mut buffer[..wanted]);
        let records = buffer[..count].chunks_exact(length);
        functions.extend(records.filter_map(|record| function(&table, record)));
        let Some(next) = at.checked_add((count - count % length) as u32).filter(|next| *next > at) else { break };
        at = next;
    }
    end_with_next(functions)
}

/// Functions without a length end where the next one begins; the last of the table is left out.
fn end_with_next(mut functions: Vec<FunctionExtent>) -> Vec<FunctionExtent> {
    let mut next = None;
    for function in functions.iter_mut().rev() {
        if function.size == 0 {
            function.size = next.map_or(0, |next: Rva| next.0.saturating_sub(function.begin.0));
        }
        next = Some(function.begin);
    }
    functions.retain(|function| function.size != 0);
    functions
}

/// Bytes of a record, and how it is read.
fn form(table: &Table) -> Option<(usize, ReadRecord)> {
    match table.headers.machine {
        Machine::X64 => Some((12, x64::function)),
        Machine::Arm64 => Some((8, packed::of_arm64)),
        Machine::Mips => Some((20, ce::of_mips)),
        // IMAGE_FILE_MACHINE_SH3, SH3DSP, SH3E, SH4, SH5
        Machine::Other(0x1a2..=0x1a8) => Some((8, ce::of_arm_or_sh)),
        // Two forms of one length: only the number of the processor tells them apart.
        Machine::Arm => match machine_number(table)? {
            0x1c0 | 0x1c2 => Some((8, ce::of_arm_or_sh)),
            0x1c4 => Some((8, packed::of_arm)),
            _ => None,
        },
        Machine::X86 | Machine::Other(_) => None,
    }
}

/// `IMAGE_FILE_HEADER.Machine`, behind the signature of four bytes.
fn machine_number(table: &Table) -> Option<u16> {
    let header = table.word(NEW_HEADER.0)?;
    let number = table.word(header.checked_add(4)?)?;
    Some(number as u16)
}

#[cfg(test)]
mod tests;
