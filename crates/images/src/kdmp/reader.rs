//! Bounds: streams, texts and lists of a Windows CE dump, each cut to what the file really holds.

use super::raw::{DIRECTORY_ENTRY, stream_name, u16_at, u32_at};
use vatlas_space::{FileOffset, Problem, StreamEntry};

/// Longest text that is read, in bytes: names and labels are far shorter.
const LONGEST_TEXT: usize = 0x4000;
/// Bytes of all texts of a file together. Records of a few bytes may all point at one long text.
const ALL_TEXTS: usize = 4 << 20;
/// Problems beyond which only their number is kept.
const MOST_PROBLEMS: usize = 100;
/// Streams of a directory that are read: Windows CE writes ten.
const MOST_STREAMS: usize = 1024;
/// Records of a list that are read. Windows CE up to 5 has 32 processes, CE 6 as many as it has handles: 64 K.
pub(super) const MOST_RECORDS: usize = 0x1_0000;

/// The file, and what was wrong with it so far.
pub(super) struct Reader<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// What could not be read.
    pub problems: Vec<Problem>,
    text_left: usize,
}

/// A stream: where it begins, and what the directory says of it.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Documented name.
    pub name: &'static str,
    number: u32,
    /// Where it begins.
    pub start: usize,
}

impl Part {
    /// How messages name this stream.
    pub fn place(&self) -> String {
        format!("kdmp: stream {:#x} ({})", self.number, self.name)
    }
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, problems: Vec::new(), text_left: ALL_TEXTS }
    }

    /// Notes a problem, up to a number that a person may read.
    pub fn problem(&mut self, problem: Problem) {
        match self.problems.len() {
            ..MOST_PROBLEMS => self.problems.push(problem),
            MOST_PROBLEMS => self.problems.push(Problem::damage("kdmp", "more problems than are listed")),
            _ => {}
        }
    }

    /// The directory: `count` entries from `start` on.
    pub fn directory(&mut self, start: usize, count: u32) -> Vec<StreamEntry> {
        let body = self.bytes.get(start..).unwrap_or_default();
        let held = body.len() / DIRECTORY_ENTRY;
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        if wanted > held.min(MOST_STREAMS) {
            let read = held.min(MOST_STREAMS);
            self.problem(
                Problem::damage("kdmp: directory", format!("says {count} streams; {read} can be read"))
                    .hint("the file may be truncated"),
            );
        }
        let entries = body.chunks_exact(DIRECTORY_ENTRY).take(wanted.min(MOST_STREAMS));
        let mut streams: Vec<StreamEntry> = Vec::new();
        for entry in entries {
            let (Some(number), Some(size), Some(offset)) = (u32_at(entry, 0), u32_at(entry, 4), u32_at(entry, 8))
            else {
                continue;
            };
            let found =
                StreamEntry { number, name: stream_name(number), offset: FileOffset(offset.into()), size: size.into() };
            if found.name.is_some() && streams.iter().any(|earlier| earlier.number == number) {
                self.problem(Problem::damage(
                    "kdmp: directory",
                    format!("has stream {number:#x} twice; the first counts"),
                ));
            }
            streams.push(found);
        }
        streams
    }

    /// The stream of this number, when the directory has it and the file reaches it.
    pub fn part(&mut self, streams: &[StreamEntry], number: u32) -> Option<Part> {
        let entry = streams.iter().find(|entry| entry.number == number)?;
        let start = usize::try_from(entry.offset.0).ok()?;
        let part = Part { name: entry.name.unwrap_or("unknown"), number, start };
        let end = entry.offset.0.saturating_add(entry.size);
        let missing = end.saturating_sub(self.bytes.len() as u64);
        if missing > 0 {
            self.problem(
                Problem::damage(part.place(), format!("ends at {end:#x}, {missing} bytes past the end of the file"))
                    .hint("the file may be truncated"),
            );
        }
        (start < self.bytes.len()).then_some(part)
    }

    /// A 16-bit number of a stream, at an offset from its front.
    pub fn u16(&mut self, part: Part, offset: usize) -> Option<u16> {
        let found = part.start.checked_add(offset).and_then(|at| u16_at(self.bytes, at));
        self.or_short(part, offset, found)
    }

    /// A 32-bit number of a stream.
    pub fn u32(&mut self, part: Part, offset: usize) -> Option<u32> {
        let found = part.start.checked_add(offset).and_then(|at| u32_at(self.bytes, at));
        self.or_short(part, offset, found)
    }

    fn or_short<T>(&mut self, part: Part, offset: usize, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.problem(Problem::damage(part.place(), format!("ends before its field at {offset:#x}")));
        }
        found
    }

    /// Records of a list: `claimed` of them from `start` on, `stride` bytes apart. Those that the file does not hold,
    /// and more than anybody has, are reported once.
    pub fn records(&mut self, place: &str, start: usize, stride: usize, claimed: u32) -> Vec<&'a [u8]> {
        let bytes = self.bytes;
        let body = bytes.get(start..).unwrap_or_default();
        let wanted = usize::try_from(claimed).unwrap_or(usize::MAX);
        if stride == 0 || wanted == 0 {
            if wanted > 0 {
                self.problem(Problem::damage(place, "says that its records have no bytes"));
            }
            return Vec::new();
        }
        let held = (body.len() / stride).min(MOST_RECORDS);
        if wanted > held {
            self.problem(
                Problem::damage(place, format!("says {claimed} records at {start:#x}; {held} can be read"))
                    .hint("the file may be truncated or its count overwritten"),
            );
        }
        body.chunks_exact(stride).take(wanted.min(held)).collect()
    }

    /// A list that begins with the sizes of its header and of an entry, and a count.
    pub fn sized_list(&mut self, part: Part, smallest: usize) -> Vec<&'a [u8]> {
        let header = self.u16(part, 0);
        let (Some(header), Some(stride), Some(count)) = (header, self.u16(part, 2), self.u32(part, 4)) else {
            return Vec::new();
        };
        if usize::from(stride) < smallest {
            let cause = format!("has entries of {stride} bytes; {smallest} are needed");
            if count > 0 {
                self.problem(Problem::damage(part.place(), cause));
            }
            return Vec::new();
        }
        self.records(&part.place(), part.start.saturating_add(header.into()), stride.into(), count)
    }

    /// A text: length in bytes, UTF-16. It may have NULs in it, which separate parts. `None` at offset zero.
    pub fn text(&mut self, rva: u32) -> Option<String> {
        if rva == 0 {
            return None;
        }
        let at = usize::try_from(rva).ok()?;
        let Some(length) = u32_at(self.bytes, at) else {
            self.problem(Problem::damage("kdmp", format!("a text at {rva:#x} lies past the end of the file")));
            return None;
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at.saturating_add(4)..).unwrap_or_default();
        let read = length.min(LONGEST_TEXT).min(rest.len());
        if read < length {
            self.problem(Problem::damage("kdmp", format!("the text at {rva:#x} says {length} bytes; {read} are read")));
        }
        let Some(left) = self.text_left.checked_sub(read) else {
            self.text_left = 0;
            self.problem(
                Problem::damage("kdmp", format!("the text at {rva:#x} is one too many and is left out"))
                    .hint("many records name the same texts; the file may have been made to be slow to read"),
            );
            return None;
        };
        self.text_left = left;
        Some(utf16(&rest[..read]))
    }

    /// The parts of a text that are separated by NULs, without empty ones.
    pub fn texts(&mut self, rva: u32) -> Vec<String> {
        let text = self.text(rva).unwrap_or_default();
        text.split('\0').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

/// UTF-16 little endian; what is no character becomes U+FFFD, trailing NULs go.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}
