//! The container `.bin`: records of bytes with their addresses.
//!
//! ```text
//! "B000FF\n"   u32 start of the image   u32 its length
//! record       u32 address   u32 length   u32 sum of the bytes   bytes
//! end          u32 0         u32 entry point   u32 0
//! ```

use super::memory::Piece;
use scroll::{Endian, Pread};
use vatlas_space::{FileOffset, Problem, Va};

/// What a `.bin` file begins with.
pub const SIGNATURE: &[u8] = b"B000FF\n";

/// Bytes of the front, and of the head of a record.
const FRONT: usize = SIGNATURE.len() + 8;
const HEAD: usize = 12;

/// What the front and the end of a `.bin` file say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordFile {
    /// Address of the image's first byte.
    pub start: Va,
    /// Bytes of the image in memory, gaps included.
    pub length: u32,
    /// Where a boot loader jumps to; `None` when the end record is missing.
    pub entry: Option<Va>,
    /// Records with bytes in them.
    pub records: usize,
}

/// A record of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Record {
    piece: Piece,
    sum: u32,
    /// Bytes that the record says and the file lacks.
    missing: u64,
}

/// A step of reading: a record, or the end with its entry point.
enum Next {
    Record(Record),
    End(u32),
}

/// Reads the records; what is wrong with them is added to `problems`.
pub(super) fn read(file: &[u8], problems: &mut Vec<Problem>) -> (RecordFile, Vec<Piece>) {
    let word = |at: usize| file.pread_with::<u32>(at, Endian::Little).unwrap_or(0);
    let start = SIGNATURE.len();
    let mut found = RecordFile { start: va(word(start)), length: word(start + 4), entry: None, records: 0 };
    let mut pieces = Vec::new();
    for next in (Records { file, at: FRONT }) {
        match next {
            Next::End(entry) => found.entry = Some(va(entry)),
            Next::Record(record) => {
                if record.missing > 0 {
                    let cause = format!("the record at {} lacks {} bytes", record.piece.va, record.missing);
                    problems.push(Problem::damage("ROM image", cause).hint("the file may be truncated"));
                }
                if record.piece.size > 0 {
                    pieces.push(record.piece);
                }
            }
        }
    }
    found.records = pieces.len();
    if found.entry.is_none() {
        let cause = "the end record is missing";
        problems.push(Problem::damage("ROM image", cause).hint("the file may be truncated"));
    }
    (found, pieces)
}

/// Compares the sum of every record with its bytes. This reads the whole file.
pub fn check_sums(file: &[u8]) -> Vec<Problem> {
    const MOST: usize = 100;
    if !file.starts_with(SIGNATURE) {
        return Vec::new();
    }
    let records = Records { file, at: FRONT }.filter_map(|next| match next {
        Next::Record(record) => Some(record),
        Next::End(_) => None,
    });
    let wrong = records.filter_map(|record| {
        let start = usize::try_from(record.piece.offset.0).ok()?;
        let bytes = file.get(start..start.checked_add(usize::try_from(record.piece.size).ok()?)?)?;
        let sum = bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
        let cause = format!("the bytes of the record at {} add up to {sum:#x}, not {:#x}", record.piece.va, record.sum);
        (sum != record.sum && record.missing == 0).then(|| Problem::damage("ROM image", cause))
    });
    wrong.take(MOST).collect()
}

struct Records<'a> {
    file: &'a [u8],
    at: usize,
}

impl Iterator for Records<'_> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let head = self.file.get(self.at..self.at.checked_add(HEAD)?)?;
        let word = |at| head.pread_with::<u32>(at, Endian::Little).unwrap_or(0);
        let (address, length, sum) = (word(0), word(4), word(8));
        let body = self.at + HEAD;
        if address == 0 {
            self.at = self.file.len();
            return Some(Next::End(length));
        }
        let rest = (self.file.len() - body) as u64;
        let size = u64::from(length).min(rest);
        self.at = body.checked_add(usize::try_from(size).ok()?)?;
        let piece = Piece { va: va(address), offset: FileOffset(body as u64), size };
        Some(Next::Record(Record { piece, sum, missing: u64::from(length) - size }))
    }
}

fn va(number: u32) -> Va {
    Va(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let mut file = SIGNATURE.to_vec();
        let mut put = |bytes: &[u8]| file.extend_from_slice(bytes);
        put(&0x8000_0000_u32.to_le_bytes());
        put(&0x100_u32.to_le_bytes());
        for (address, length, sum, bytes) in records {
            [address, length, sum].into_iter().for_each(|word| put(&word.to_le_bytes()));
            put(bytes);
        }
        file
    }

    fn check(records: &[(u32, u32, u32, &[u8])], pieces: usize, entry: Option<u64>, problems: &[&str], sums: usize) {
        let file = file(records);
        let mut found = Vec::new();
        let (front, read) = read(&file, &mut found);
        let found: Vec<_> = found.iter().map(|problem| problem.cause.as_str()).collect();
        assert_eq!((read.len(), front.entry.map(|va| va.0), found.as_slice()), (pieces, entry, problems));
        assert_eq!(check_sums(&file).len(), sums);
    }

    #[test]
    fn records_and_their_damage() {
        let end: (u32, u32, u32, &[u8]) = (0, 0x8000_1000, 0, b"");
        check(&[(0x8000_0000, 2, 3, &[1, 2]), end], 1, Some(0x8000_1000), &[], 0);
        check(&[(0x8000_0000, 2, 4, &[1, 2]), end], 1, Some(0x8000_1000), &[], 1);
        check(&[(0x8000_0000, 0, 0, b""), end], 0, Some(0x8000_1000), &[], 0);
        let cut = ["the record at 0x80000000 lacks 3 bytes", "the end record is missing"];
        check(&[(0x8000_0000, 5, 3, &[1, 2])], 1, None, &cut, 0);
        check(&[], 0, None, &["the end record is missing"], 0);
    }
}
