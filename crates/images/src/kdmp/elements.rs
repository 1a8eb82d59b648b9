//! Element lists: tables whose columns the file itself names, measures and says how to print.
//!
//! ```text
//! header      u16 SizeOfHeader  u16 SizeOfFieldInfo  u32 NumberOfFieldInfo  u32 NumberOfElements  RVA Elements
//! FIELD_INFO  u32 FieldId  u32 FieldSize  RVA Label  RVA Format
//! element     its fields one after another, unaligned, in the order of the FIELD_INFOs
//! ```
//!
//! A column is known by its label: the numbers of the fields differ between versions, the labels only in case and
//! blanks.

use super::{
    printf,
    raw::{number, u32_at},
    reader::{Part, Reader},
};
use vatlas_space::{Fact, Problem};

/// Columns that are read: the longest list of Windows CE has 25.
const MOST_COLUMNS: usize = 256;

/// A column of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// The format's number for it, which differs between versions.
    pub id: u32,
    /// Bytes of it in an element.
    pub size: usize,
    /// Bytes before it in an element.
    pub offset: usize,
    /// What the file calls it.
    pub label: String,
    /// How the file says it is printed; empty for bytes.
    pub format: String,
}

/// A table that describes itself. Its elements stay in the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ElementTable {
    /// The columns, in the order of their bytes.
    pub columns: Vec<Column>,
    /// Where the elements begin in the file.
    pub start: usize,
    /// Bytes of an element.
    pub element_size: usize,
    /// Elements that the file holds.
    pub count: usize,
}

/// An element of a table.
#[derive(Clone, Copy)]
pub struct Element<'f> {
    table: &'f ElementTable,
    bytes: &'f [u8],
    offset: usize,
}

impl ElementTable {
    /// Reads the table that begins `offset` bytes into a stream.
    pub(super) fn read(reader: &mut Reader<'_>, part: Part, offset: usize) -> Option<Self> {
        let header = reader.u16(part, offset)?;
        let stride = usize::from(reader.u16(part, offset.checked_add(2)?)?);
        let columns = reader.u32(part, offset.checked_add(4)?)?;
        let elements = reader.u32(part, offset.checked_add(8)?)?;
        let start = usize::try_from(reader.u32(part, offset.checked_add(12)?)?).ok()?;
        if stride < 16 {
            reader.problem(Problem::damage(part.place(), format!("has descriptions of {stride} bytes; 16 are needed")));
            return None;
        }
        if usize::try_from(columns).unwrap_or(usize::MAX) > MOST_COLUMNS {
            let cause = format!("says that elements have {columns} fields; {MOST_COLUMNS} are read at most");
            reader.problem(Problem::damage(part.place(), cause));
            return None;
        }
        let described = part.start.checked_add(offset)?.checked_add(header.into())?;
        let described = reader.records(&part.place(), described, stride, columns);
        let columns = Self::columns(reader, &described);
        let element_size = columns.last().map_or(0, |last| last.offset.saturating_add(last.size));
        let count = match elements {
            0 => 0,
            _ => reader.records(&format!("{}: elements", part.place()), start, element_size, elements).len(),
        };
        Some(Self { columns, start, element_size, count })
    }

    fn columns(reader: &mut Reader<'_>, described: &[&[u8]]) -> Vec<Column> {
        let mut offset: usize = 0;
        let mut columns = Vec::with_capacity(described.len());
        for field in described {
            let word = |at| u32_at(field, at).unwrap_or(0);
            let size = usize::try_from(word(4)).unwrap_or(usize::MAX);
            let (label, format) = (reader.text(word(8)).unwrap_or_default(), reader.text(word(12)).unwrap_or_default());
            columns.push(Column { id: word(0), size, offset, label, format });
            offset = offset.saturating_add(size);
        }
        columns
    }

    /// The elements, as far as `file` holds them.
    pub fn elements<'f>(&'f self, file: &'f [u8]) -> impl Iterator<Item = Element<'f>> {
        (0..self.count).filter_map(move |index| self.element(file, index))
    }

    /// An element by its place in the table.
    pub fn element<'f>(&'f self, file: &'f [u8], index: usize) -> Option<Element<'f>> {
        let offset = index.checked_mul(self.element_size)?.checked_add(self.start)?;
        let bytes = file.get(offset..offset.checked_add(self.element_size)?)?;
        (index < self.count).then_some(Element { table: self, bytes, offset })
    }

    /// The column of this label, in any case and with any blanks.
    pub fn column(&self, label: &str) -> Option<&Column> {
        let is_it = |column: &&Column| letters(&column.label).eq(letters(label));
        self.columns.iter().find(is_it)
    }
}

/// Lower-case letters and digits of a label.
fn letters(label: &str) -> impl Iterator<Item = char> + '_ {
    label.chars().filter(|letter| !letter.is_whitespace()).map(|letter| letter.to_ascii_lowercase())
}

impl<'f> Element<'f> {
    /// The bytes of a column.
    pub fn bytes(&self, column: &Column) -> Option<&'f [u8]> {
        self.bytes.get(column.offset..column.offset.checked_add(column.size)?)
    }

    /// The bytes of the column of this label.
    pub fn field(&self, label: &str) -> Option<&'f [u8]> {
        self.bytes(self.table.column(label)?)
    }

    /// Where a column's bytes are in the file.
    pub fn place(&self, column: &Column) -> Option<(usize, usize)> {
        self.bytes(column)?;
        Some((self.offset.checked_add(column.offset)?, column.size))
    }

    /// The number of the column of this label; `None` when there is no such column.
    pub fn number(&self, label: &str) -> Option<u64> {
        number(self.field(label)?)
    }

    /// A number of at most 32 bits.
    pub fn word(&self, label: &str) -> Option<u32> {
        self.number(label).and_then(|number| u32::try_from(number).ok())
    }

    /// The text of the column of this label, up to its first NUL.
    pub fn text(&self, label: &str) -> Option<String> {
        self.field(label).map(printf::text)
    }

    /// Every field, printed as the file says.
    pub fn facts(&self) -> Vec<Fact> {
        let columns = self.table.columns.iter();
        let facts = columns.filter_map(|column| {
            let value = printf::print(&column.format, self.bytes(column)?);
            Some(Fact { label: column.label.clone(), value })
        });
        facts.collect()
    }
}
