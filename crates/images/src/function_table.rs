//! The function table of an x64 image (`.pdata`): where functions begin and end.
//!
//! `RUNTIME_FUNCTION` of the x64 exception-handling documentation: begin, end (not included) and unwind information,
//! three addresses of 32 bits. A record whose unwind information is chained (`UNW_FLAG_CHAININFO`, bit 2 of the flags
//! above three bits of version) is a further piece of another function. Functions that call nothing and save nothing
//! have no record.

use crate::{
    image_bytes::{ReadImage, read_whole},
    pe::PeHeaders,
};
use object::pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION;
use vatlas_space::{Machine, Rva};

/// Records read at a time.
const RECORDS: usize = 256;
/// Bytes of a record.
const RECORD: usize = 12;
/// Set in the first byte of chained unwind information.
const CHAINED: u8 = 4 << 3;

/// Addresses of a function, in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionExtent {
    /// Its first address.
    pub begin: Rva,
    /// Its bytes, at least one.
    pub size: u32,
}

/// Reads the function table of an x64 image in the order of the table; empty for other processors.
pub fn read(headers: &PeHeaders, read: ReadImage) -> Vec<FunctionExtent> {
    let table = headers.directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    let Some((table, size)) = table.filter(|_| headers.machine == Machine::X64) else { return Vec::new() };
    // A table larger than the image is damage; what follows the image's end is not read.
    let end = u64::from(table.0) + u64::from(size.min(headers.size_of_image));
    let mut functions = Vec::new();
    let mut at = table;
    let mut buffer = [0; RECORDS * RECORD];
    while u64::from(at.0) + RECORD as u64 <= end {
        let wanted = buffer.len().min((end - u64::from(at.0)) as usize);
        let count = read_whole(read, at, &mut buffer[..wanted]);
        let records = buffer[..count].chunks_exact(RECORD);
        functions.extend(records.filter_map(|record| function(record, read)));
        let Some(next) = at.checked_add((count - count % RECORD) as u32).filter(|next| *next > at) else { break };
        at = next;
    }
    functions
}

fn function(record: &[u8], read: ReadImage) -> Option<FunctionExtent> {
    let field = |index: usize| record.get(4 * index..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (begin, end, unwind) = (field(0)?, field(1)?, field(2)?);
    let mut first = [0];
    let is_piece = unwind & 1 != 0 || read(Rva(unwind), &mut first) == 1 && first[0] & CHAINED != 0;
    let size = end.checked_sub(begin).filter(|size| *size != 0 && begin != 0 && !is_piece)?;
    Some(FunctionExtent { begin: Rva(begin), size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_bytes::of_file;
    use vatlas_fixtures::pe::{self, Image};

    #[test]
    fn functions_without_pieces_of_others() {
        let records: [[u32; 3]; 5] = [
            [0x1000, 0x1040, 0x2040],
            [0x1040, 0x1050, 0x2041], // one record stands for another
            [0x1060, 0x1070, 0x2044], // chained
            [0x1070, 0x1070, 0x2040], // empty
            [0x1080, 0x10ff, 0x9000], // unwind information out of reach
        ];
        let mut table: Vec<u8> = records.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
        table.resize(0x40, 0);
        table.extend_from_slice(&[0x01, 0, 0, 0, 0x21, 0, 0, 0]);
        let image = |machine, size| {
            let image = Image::new(machine, 0x1_4000_0000).section(".text", 0x6000_0020, vec![0xcc; 0x200], 0);
            image.section(".pdata", 0x4000_0040, table.clone(), 0).directory(3, 0x2000, size).file()
        };
        let check = |machine, size, expected: &[(u32, u32)]| {
            let file = image(machine, size);
            let headers = PeHeaders::read(&file).unwrap();
            let functions = read(&headers, &of_file(&headers, &file));
            let functions: Vec<_> = functions.iter().map(|function| (function.begin.0, function.size)).collect();
            assert_eq!(functions, expected);
        };
        check(pe::Machine::Amd64, 60, &[(0x1000, 0x40), (0x1080, 0x7f)]);
        check(pe::Machine::Amd64, 23, &[(0x1000, 0x40)]);
        check(pe::Machine::I386, 60, &[]);
    }
}
