//! The streams of a PDB: the multi-stream file below it, without a copy of the file.

use super::reader::Reader;
use pdb2::{PDB, Source, SourceSlice, SourceView, StreamIndex};
use std::{
    fmt, io,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};
use vatlas_space::Problem;

/// The bytes of a file, shared with whoever has them.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The bytes of one stream.
pub(super) type StreamBytes = Box<dyn Deref<Target = [u8]> + Send + Sync>;

/// Number of a stream that is not there.
pub(super) const NO_STREAM: u16 = u16::MAX;

/// Bytes that `pdb2` looks at to recognize a file.
const HEADER_VIEW: usize = 4096;
const BIG_MAGIC: &[u8] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0";
const SMALL_MAGIC: &[u8] = b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0";

/// The file as `pdb2` wants it.
struct File(SharedBytes);

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({} bytes)", (*self.0).as_ref().len())
    }
}

/// A stream whose blocks lie in order is a part of the file; one whose blocks are scattered is put together.
enum View {
    Part { file: SharedBytes, start: usize, end: usize },
    Copied(Vec<u8>),
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} bytes)", self.as_slice().len())
    }
}

impl SourceView<'_> for View {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Part { file, start, end } => (**file).as_ref().get(*start..*end).unwrap_or_default(),
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Source<'static> for File {
    fn view(&mut self, slices: &[SourceSlice]) -> io::Result<Box<dyn SourceView<'static> + Send + Sync>> {
        let file = (*self.0).as_ref();
        let range = |slice: &SourceSlice| {
            let start = usize::try_from(slice.offset).ok()?;
            let end = start.checked_add(slice.size)?;
            (end <= file.len()).then_some((start, end))
        };
        let end_of_file = || io::Error::from(io::ErrorKind::UnexpectedEof);
        match slices {
            // A small file may be shorter than the look at its header.
            [SourceSlice { offset: 0, size: HEADER_VIEW }] if file.len() < HEADER_VIEW => {
                let mut header = file.to_vec();
                header.resize(HEADER_VIEW, 0);
                Ok(Box::new(View::Copied(header)))
            }
            [one] => {
                let (start, end) = range(one).ok_or_else(end_of_file)?;
                Ok(Box::new(View::Part { file: Arc::clone(&self.0), start, end }))
            }
            many => {
                // No block belongs to a stream twice, so no stream is longer than its file.
                let length: usize = many.iter().map(|slice| slice.size).fold(0, usize::saturating_add);
                if length > file.len() {
                    return Err(end_of_file());
                }
                let mut bytes = Vec::with_capacity(length);
                for slice in many {
                    let (start, end) = range(slice).ok_or_else(end_of_file)?;
                    bytes.extend_from_slice(&file[start..end]);
                }
                Ok(Box::new(View::Copied(bytes)))
            }
        }
    }
}

/// The streams of one file.
pub(super) struct Streams {
    file: String,
    /// Whether it is a PDB 2.0.
    pub(super) is_small: bool,
    pdb: Mutex<PDB<'static, File>>,
}

impl Streams {
    pub(super) fn open(file: &str, bytes: &SharedBytes) -> Result<Self, Problem> {
        check_header(file, (**bytes).as_ref())?;
        let is_small = (**bytes).as_ref().starts_with(SMALL_MAGIC);
        let pdb = PDB::open(File(Arc::clone(bytes)));
        let pdb = pdb.map_err(|error| Problem::damage(format!("{file}: header"), cause(&error)))?;
        Ok(Self { file: file.to_owned(), is_small, pdb: Mutex::new(pdb) })
    }

    /// The name of a place in a stream, for messages.
    pub(super) fn place(&self, number: u16, what: &str) -> String {
        format!("{}: stream {number} ({what})", self.file)
    }

    /// The bytes of a stream; nothing for the number of no stream.
    pub(super) fn get(&self, number: u16, what: &str) -> Result<Option<StreamBytes>, Problem> {
        if number == NO_STREAM {
            return Ok(None);
        }
        let mut pdb = self.pdb.lock().unwrap_or_else(PoisonError::into_inner);
        match pdb.raw_stream(StreamIndex(number)) {
            Ok(stream) => Ok(stream.map(|stream| Box::new(stream) as StreamBytes)),
            Err(error) => Err(Problem::damage(self.place(number, what), cause(&error))),
        }
    }
}

fn cause(error: &pdb2::Error) -> String {
    match error {
        pdb2::Error::PageReferenceOutOfRange(block) => format!("block {block} lies outside the file's blocks"),
        pdb2::Error::StreamNotFound(_) => "is not in the file".to_owned(),
        pdb2::Error::IoError(_) | pdb2::Error::UnexpectedEof | pdb2::Error::ScrollError(_) => {
            "the file ends before its blocks; it may be truncated".to_owned()
        }
        other => other.to_string(),
    }
}

/// What has to hold before `pdb2` may add and multiply with the numbers of the header.
fn check_header(file: &str, bytes: &[u8]) -> Result<(), Problem> {
    let place = || format!("{file}: header");
    let fields = if bytes.starts_with(BIG_MAGIC) {
        let mut reader = Reader::from(bytes, BIG_MAGIC.len());
        reader.u32().zip(reader.skip(8)).and_then(|(block_size, ())| Some((block_size, reader.u32()?)))
    } else if bytes.starts_with(SMALL_MAGIC) {
        let mut reader = Reader::from(bytes, SMALL_MAGIC.len());
        reader.u32().zip(reader.skip(4)).and_then(|(block_size, ())| Some((block_size, reader.u32()?)))
    } else {
        return Err(not_a_pdb(place(), bytes));
    };
    let Some((block_size, directory_size)) = fields else {
        return Err(Problem::damage(place(), "the file ends within its header"));
    };
    if !block_size.is_power_of_two() || !(0x100..=0x2_0000).contains(&block_size) {
        return Err(Problem::damage(place(), format!("no PDB has blocks of {block_size} bytes")));
    }
    if directory_size as usize > bytes.len() || directory_size > 0x4000_0000 {
        let cause = format!("the directory has {directory_size} bytes, the file {}", bytes.len());
        return Err(Problem::damage(place(), cause).hint("the file may be truncated"));
    }
    Ok(())
}

fn not_a_pdb(place: String, bytes: &[u8]) -> Problem {
    if bytes.starts_with(b"BSJB") {
        return Problem::damage(place, "this is a portable PDB").hint("it describes managed code only");
    }
    if bytes.starts_with(b"Microsoft MSFZ Container") {
        return Problem::damage(place, "this is a compressed PDB (MSFZ)").hint("expand it first");
    }
    Problem::damage(place, "this is no PDB: neither the mark of PDB 7.0 nor that of PDB 2.0 is there")
}
