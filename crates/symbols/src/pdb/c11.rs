//! The C11 form of lines: what compilers up to Visual C++ 7.1 wrote, and with them every one for Windows CE up to 5.
//!
//! All offsets count from the front of the block:
//!
//! ```text
//! block:  u16 files  u16 segments  u32 file[files]  {u32 first, u32 last}[segments]  u16 section[segments]
//! file:   u16 ranges  u16 0  u32 lines[ranges]  {u32 first, u32 last}[ranges]  name
//! lines:  u16 section  u16 count  u32 offset[count]  u16 line[count]
//! ```
//!
//! The name ends with a zero byte in a PDB 7.0; in a PDB 2.0 a byte before it counts it.

use super::reader::Reader;

/// No byte of a good block belongs to two files or two ranges. A bad one could use all of them for each of billions;
/// what is read of it altogether has an end.
const MOST_TIMES_READ: usize = 8;

/// How names of files are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NameForm {
    ZeroTerminated,
    Counted,
}

/// Lines of one file in one range of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineRange<'a> {
    /// Place in [`C11::files`].
    pub(super) file: u32,
    pub(super) section: u16,
    /// Offsets of the first and, as linkers write it, of the last byte of the code; zeros where not told.
    pub(super) first: u32,
    pub(super) last: u32,
    offsets: &'a [u8],
    lines: &'a [u8],
}

impl LineRange<'_> {
    /// Offset and line of every record, in the order of the file.
    pub(super) fn records(&self) -> impl Iterator<Item = (u32, u32)> {
        let (mut offsets, mut lines) = (Reader::new(self.offsets), Reader::new(self.lines));
        std::iter::from_fn(move || Some((offsets.u32()?, lines.u16()?.into())))
    }
}

/// The block of one module.
#[derive(Debug, Default)]
pub(super) struct C11<'a> {
    /// Names of the source files.
    pub(super) files: Vec<&'a [u8]>,
    pub(super) ranges: Vec<LineRange<'a>>,
    /// Where in the block something lies that could not be read.
    pub(super) damaged_at: Option<usize>,
}

impl<'a> C11<'a> {
    pub(super) fn read(block: &'a [u8], form: NameForm) -> Self {
        let mut c11 = Self::default();
        if block.is_empty() {
            return c11;
        }
        let mut parts = Parts { block, form, left: block.len().saturating_mul(MOST_TIMES_READ) };
        let mut header = Reader::new(block);
        let (Some(files), Some(_)) = (header.u16(), header.u16()) else {
            c11.damage(0);
            return c11;
        };
        for _ in 0..files {
            let Some(at) = header.u32() else {
                c11.damage(header.at());
                break;
            };
            parts.file(at as usize, &mut c11);
        }
        c11
    }

    /// The first place tells most.
    fn damage(&mut self, at: usize) {
        self.damaged_at = self.damaged_at.or(Some(at));
    }
}

/// Takes parts out of a block, as long as it has not been read too often.
struct Parts<'a> {
    block: &'a [u8],
    form: NameForm,
    left: usize,
}

impl<'a> Parts<'a> {
    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    fn file(&mut self, at: usize, c11: &mut C11<'a>) {
        let Some((name, lines, bounds)) = self.file_header(at) else { return c11.damage(at) };
        let Ok(file) = u32::try_from(c11.files.len()) else { return };
        c11.files.push(name);
        let (mut lines, mut bounds) = (Reader::new(lines), Reader::new(bounds));
        while let Some((at, bounds)) = lines.u32().zip(bounds.u32().zip(bounds.u32())) {
            let at = at as usize;
            match self.range(at, file, bounds) {
                Some((range, is_whole)) => {
                    c11.ranges.push(range);
                    if !is_whole {
                        c11.damage(at);
                    }
                }
                None => c11.damage(at),
            }
        }
    }

    /// Name, offsets of the lines, first and last offsets of the code. A name that is cut off costs the name only.
    fn file_header(&mut self, at: usize) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let mut reader = Reader::from(self.block, at);
        let ranges = usize::from(reader.u16()?);
        reader.skip(2)?;
        let (lines, bounds) = (reader.take(4 * ranges)?, reader.take(8 * ranges)?);
        let name = self.name(reader);
        self.spend(12 * ranges + name.len() + 4)?;
        Some((name, lines, bounds))
    }

    /// No name of a file has control characters: a byte before it that counts further than its end is no count.
    fn name(&self, reader: Reader<'a>) -> &'a [u8] {
        let mut counted = reader;
        let counted = counted.counted_text().filter(|name| name.iter().all(|byte| *byte >= b' '));
        let mut terminated = reader;
        match self.form {
            NameForm::Counted => counted.unwrap_or_else(|| terminated.text()),
            NameForm::ZeroTerminated => terminated.text(),
        }
    }

    /// The lines of a range, as far as they are there, and whether all are.
    fn range(&mut self, at: usize, file: u32, (first, last): (u32, u32)) -> Option<(LineRange<'a>, bool)> {
        let mut reader = Reader::from(self.block, at);
        let (section, count) = (reader.u16()?, usize::from(reader.u16()?));
        let offsets = reader.take(4 * count).unwrap_or_default();
        let rest = reader.rest();
        let lines = rest.get(..2 * count).unwrap_or(rest);
        self.spend(6 * count + 4)?;
        let is_whole = offsets.len() == 4 * count && lines.len() == 2 * count;
        Some((LineRange { file, section, first, last, offsets, lines }, is_whole))
    }
}
