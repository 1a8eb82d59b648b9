//! Bounds: parts of the file, texts and lists, each cut to what the file really holds.

use minidump_common::format::MINIDUMP_LOCATION_DESCRIPTOR;
use scroll::{
    Endian, Pread,
    ctx::{SizeWith, TryFromCtx},
};
use vatlas_space::{FileOffset, PointerWidth, Problem, StreamEntry, Va, VaRange};

/// Longest text that is read: Windows paths have at most 32,767 UTF-16 units.
const LONGEST_TEXT: usize = 0xffff;

/// Bytes of all texts of a file together, as they are kept. Records of a few bytes may all point at one long text.
const ALL_TEXTS: usize = 16 << 20;

/// Longest file name that is kept, in characters: no file system of the systems that write dumps allows more.
const LONGEST_NAME: usize = 255;

/// Problems of one file beyond which only their number is kept.
const MOST_PROBLEMS: usize = 100;

/// The file, and what was wrong with it so far.
pub(super) struct Reader<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// Pointer width of the processor; 32-bit addresses may be sign-extended in the file.
    pub width: PointerWidth,
    /// What could not be read.
    pub problems: Vec<Problem>,
    text_left: usize,
}

/// A stream, or the front part of it that the file holds.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// Documented name.
    pub name: &'static str,
    /// The format's number.
    pub number: u32,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Bytes of the file that the records of one list may name, all together: as many as the file has. In a good file no
/// two records of a list name the same bytes; in a bad one a million records of a few bytes may name one long stretch,
/// and each would be read and kept.
pub(super) struct Allowance(u64);

impl Allowance {
    /// Whether there is room for as many bytes; takes them if so.
    pub fn take(&mut self, bytes: u64) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

impl Part<'_> {
    /// How messages name this stream.
    pub fn place(&self) -> String {
        format!("minidump: stream {} ({})", self.number, self.name)
    }
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, width: PointerWidth::Bits64, problems: Vec::new(), text_left: ALL_TEXTS }
    }

    /// What the records of one list may name.
    pub fn allowance(&self) -> Allowance {
        Allowance(self.bytes.len() as u64)
    }

    /// Notes a problem, up to a number that a person may read.
    pub fn problem(&mut self, problem: Problem) {
        match self.problems.len() {
            ..MOST_PROBLEMS => self.problems.push(problem),
            MOST_PROBLEMS => self.problems.push(Problem::damage("minidump", "more problems than are listed")),
            _ => {}
        }
    }

    /// The first stream of this number; a later one of the same number was reported with the directory.
    pub fn stream(&mut self, streams: &[StreamEntry], number: u32) -> Option<Part<'a>> {
        let entry = streams.iter().find(|entry| entry.number == number)?;
        let name = entry.name.unwrap_or("unknown");
        let held = clip(self.bytes, entry.offset.0, entry.size);
        let part = Part { name, number, bytes: held };
        let missing = entry.size - held.len() as u64;
        if missing > 0 {
            let end = entry.offset.0.saturating_add(entry.size);
            self.problem(
                Problem::damage(part.place(), format!("ends at {end:#x}, {missing} bytes past the end of the file"))
                    .hint("the file may be truncated"),
            );
        }
        Some(part)
    }

    /// One record at `offset` of a stream.
    pub fn record<T>(&mut self, part: Part<'a>, offset: usize) -> Option<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error>,
    {
        let record = part.bytes.pread_with(offset, Endian::Little).ok();
        if record.is_none() && !self.is_missing(part) {
            self.problem(Problem::damage(
                part.place(),
                format!("has {} bytes, too few for the record at {offset:#x}", part.bytes.len()),
            ));
        }
        record
    }

    /// Whether a stream lies wholly past the end of the file, which was reported when it was looked up.
    pub fn is_missing(&self, part: Part<'_>) -> bool {
        let place = part.place();
        part.bytes.is_empty() && self.problems.iter().any(|problem| problem.place == place)
    }

    /// The records of a list: `claimed` of them from `start` on, `stride` bytes apart. Those that the stream
    /// does not hold are reported once.
    pub fn list<T>(&mut self, part: Part<'a>, start: usize, stride: usize, claimed: u64) -> Vec<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>,
    {
        let body = part.bytes.get(start..).unwrap_or_default();
        let size = T::size_with(&Endian::Little);
        if stride < size {
            self.problem(Problem::damage(part.place(), format!("has records of {stride} bytes; {size} are needed")));
            return Vec::new();
        }
        let held = body.chunks(stride).filter(|record| record.len() >= size).count() as u64;
        if claimed > held {
            self.problem(
                Problem::damage(part.place(), format!("says {claimed} records and holds {held}"))
                    .hint("the file may be truncated or its count overwritten"),
            );
        }
        let count = usize::try_from(claimed.min(held)).unwrap_or(0);
        body.chunks(stride).take(count).filter_map(|record| record.pread_with(0, Endian::Little).ok()).collect()
    }

    /// A list that begins with a 32-bit count. Some writers align the first record to eight bytes.
    pub fn counted_list<T>(&mut self, part: Part<'a>) -> Vec<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>,
    {
        let Some(count) = self.record::<u32>(part, 0) else { return Vec::new() };
        let size = T::size_with(&Endian::Little);
        let unpadded = u64::from(count) * size as u64 + 4;
        let start = if part.bytes.len() as u64 == unpadded + 4 { 8 } else { 4 };
        self.list(part, start, size, count.into())
    }

    /// A list whose header tells its own size and that of a record (`SizeOfHeader`, `SizeOfEntry`, count).
    pub fn sized_list<T>(&mut self, part: Part<'a>, wide_count: bool) -> Vec<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>,
    {
        let Some(header) = self.record::<u32>(part, 0) else { return Vec::new() };
        let Some(stride) = self.record::<u32>(part, 4) else { return Vec::new() };
        let count = if wide_count { self.record::<u64>(part, 8) } else { self.record::<u32>(part, 8).map(u64::from) };
        let Some(count) = count else { return Vec::new() };
        self.list(part, header as usize, stride as usize, count)
    }

    /// The bytes that a location names, cut to the file.
    pub fn located(&self, location: &MINIDUMP_LOCATION_DESCRIPTOR) -> &'a [u8] {
        clip(self.bytes, location.rva.into(), location.data_size.into())
    }

    /// A `MINIDUMP_STRING`: length in bytes, then UTF-16. `None` at offset zero, which stands for no text.
    pub fn text(&mut self, rva: u32) -> Option<String> {
        if rva == 0 {
            return None;
        }
        let Ok(length) = self.bytes.pread_with::<u32>(rva as usize, Endian::Little) else {
            self.problem(Problem::damage("minidump", format!("a text at {rva:#x} lies past the end of the file")));
            return None;
        };
        let units = clip(self.bytes, u64::from(rva) + 4, u64::from(length).min(LONGEST_TEXT as u64));
        if units.len() < length as usize {
            self.problem(Problem::damage(
                "minidump",
                format!("the text at {rva:#x} says {length} bytes; {} are read", units.len()),
            ));
        }
        self.keep(rva, || utf16(units))
    }

    /// Reads a text that will be kept; `None` when all of them together have become too long. From then on no more are
    /// read: reading costs time even when nothing is kept.
    pub fn keep(&mut self, offset: u32, read: impl FnOnce() -> String) -> Option<String> {
        let text = (self.text_left > 0).then(read);
        let left = text.as_ref().and_then(|text| self.text_left.checked_sub(text.len()));
        self.text_left = left.unwrap_or(0);
        if left.is_none() {
            self.problem(
                Problem::damage("minidump", format!("the text at {offset:#x} is one too many and is left out"))
                    .hint("many records name the same texts; the file may have been made to be slow to read"),
            );
        }
        text.filter(|_| left.is_some())
    }

    /// The path of an image. Its last component, the file name, is cut to what a file system allows: answers repeat it.
    pub fn path(&mut self, rva: u32) -> String {
        let mut path = self.text(rva).unwrap_or_default();
        let name = path.rfind(['\\', '/']).map_or(0, |separator| separator + 1);
        if let Some((end, _)) = path[name..].char_indices().nth(LONGEST_NAME) {
            self.problem(Problem::damage(
                "minidump",
                format!("the file name at {rva:#x} has more than {LONGEST_NAME} characters; the rest is left out"),
            ));
            path.truncate(name + end);
        }
        path
    }

    /// The addresses of `size` bytes from `first` on; `None` when there are none or they run past the address space.
    pub fn range(&self, first: Va, size: u64) -> Option<VaRange> {
        VaRange::sized(first, size).filter(|range| range.last() <= self.width.last())
    }

    /// An address of the process. A 32-bit one may be sign-extended to 64 bits.
    pub fn va(&self, raw: u64) -> Va {
        match self.width {
            PointerWidth::Bits32 => Va(raw & u64::from(u32::MAX)),
            PointerWidth::Bits64 => Va(raw),
        }
    }
}

/// The part of `bytes` from `offset` on, `size` bytes or as many as there are.
fn clip(bytes: &[u8], offset: u64, size: u64) -> &[u8] {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
    &rest[..size]
}

/// How many of `size` bytes at `offset` the file holds.
pub(super) fn held(bytes: &[u8], offset: FileOffset, size: u64) -> u64 {
    clip(bytes, offset.0, size).len() as u64
}

/// UTF-16 little endian; what is no character becomes U+FFFD, a trailing NUL goes.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

/// Bytes up to the first NUL, as text.
pub(super) fn c_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end.min(LONGEST_TEXT)]).into_owned()
}
