//! Symbol records: those that name a place in the image, and the scopes they nest in.
//!
//! `pdb2` decodes them too, but hands them out only for the newest of three signatures and only with its line reader,
//! which ends the program on damaged input. Layouts: `cvinfo.h` of Microsoft's published PDB sources.

use super::reader::Reader;

/// The kinds below this one have names with a byte before them that counts them.
const ZERO_TERMINATED: u16 = 0x1100;

/// A place as a PDB writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) section: u16,
    pub(super) offset: u32,
}

/// The number of a type as a record has it: 0 for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct TypeIndex {
    pub(super) number: u32,
    /// Whether it is the number of an id, which has the type.
    pub(super) is_id: bool,
}

impl From<u32> for TypeIndex {
    fn from(number: u32) -> Self {
        Self { number, is_id: false }
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record<'a> {
    /// A function; its scope begins.
    Procedure { place: Place, size: u32, type_index: TypeIndex, flags: u8, name: &'a [u8] },
    /// Code of a function that was put elsewhere; a scope begins. `parent` is the offset of the function's record.
    Separated { place: Place, size: u32, parent: u32 },
    /// A thunk; its scope begins.
    Thunk { place: Place, size: u32, name: &'a [u8] },
    /// A jump that lets a function be linked anew without its callers.
    IncrementalThunk { place: Place, size: u32, target: Place },
    /// A variable; of thread storage the copy that each thread's begins as.
    Data { place: Place, type_index: TypeIndex, is_of_thread: bool, name: &'a [u8] },
    /// A code label.
    Label { place: Place, name: &'a [u8] },
    /// A name that the linker published; with debug flags it tells whether it is a function.
    Public { place: Place, is_function: bool, name: &'a [u8] },
    /// A function that was put into the surrounding one; a scope begins.
    InlineSite { inlinee: u32, annotations: &'a [u8] },
    /// A block of a function; its scope begins.
    Block { place: Place, size: u32 },
    /// Another scope begins.
    Scope,
    /// The innermost scope ends.
    End,
    /// Something without a place.
    Other,
}

/// A record whose fields are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawRecord<'a> {
    /// Offset in the stream.
    pub(super) at: u32,
    pub(super) kind: u16,
    pub(super) fields: Reader<'a>,
}

impl<'a> RawRecord<'a> {
    /// What it says; one that is too short for its kind says nothing.
    pub(super) fn read(&self) -> Record<'a> {
        read(self.kind, self.fields).unwrap_or(Record::Other)
    }
}

/// The records of a stream.
pub(super) struct Records<'a> {
    reader: Reader<'a>,
}

impl<'a> Records<'a> {
    /// The records from the offset `at` of a stream on.
    pub(super) fn new(stream: &'a [u8], at: usize) -> Self {
        Self { reader: Reader::from(stream, at) }
    }

    /// Where the next record is, and whether there is none because the stream ends rather than because it is damaged.
    pub(super) fn position(&self) -> (usize, bool) {
        (self.reader.at(), self.reader.is_at_end())
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RawRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader;
        let at = u32::try_from(reader.at()).ok()?;
        let length = reader.u16()?;
        let mut fields = Reader::new(reader.take(length.into())?);
        let kind = fields.u16()?;
        self.reader = reader;
        Some(RawRecord { at, kind, fields })
    }
}

/// The record at an offset of a stream.
pub(super) fn record_at(stream: &[u8], at: u32) -> Option<Record<'_>> {
    Records::new(stream, at as usize).next().map(|record| record.read())
}

fn read(kind: u16, mut fields: Reader<'_>) -> Option<Record<'_>> {
    let reader = &mut fields;
    Some(match kind {
        // S_END, S_INLINESITE_END, S_PROC_ID_END
        0x0006 | 0x114e | 0x114f => Record::End,
        // S_LPROC32_16t, S_GPROC32_16t
        0x0204 | 0x0205 => procedure_16t(reader)?,
        // S_LPROC32, S_GPROC32, their _ST, _ID, _DPC and _DPC_ID forms
        0x100a | 0x100b | 0x110f | 0x1110 | 0x1146 | 0x1147 | 0x1155 | 0x1156 => procedure(reader, kind)?,
        // S_LPROCMIPS, S_GPROCMIPS, their _ST and _ID forms
        0x1010 | 0x1011 | 0x1114 | 0x1115 | 0x1148 | 0x1149 => procedure_mips(reader, kind)?,
        // S_SEPCODE
        0x1132 => separated(reader)?,
        // S_THUNK32
        0x0206 | 0x1102 => thunk(reader, kind)?,
        // S_TRAMPOLINE
        0x112c => trampoline(reader)?,
        // S_LDATA32_16t, S_GDATA32_16t, S_LTHREAD32_16t, S_GTHREAD32_16t
        0x0201 | 0x0202 | 0x020d | 0x020e => {
            let (place, type_index) = (place(reader)?, u32::from(reader.u16()?).into());
            Record::Data { place, type_index, is_of_thread: kind >= 0x020d, name: name(reader, kind)? }
        }
        // S_LDATA32, S_GDATA32, S_LTHREAD32, S_GTHREAD32
        0x1007 | 0x1008 | 0x100e | 0x100f | 0x110c | 0x110d | 0x1112 | 0x1113 => {
            let (type_index, place) = (reader.u32()?.into(), place(reader)?);
            let is_of_thread = matches!(kind, 0x100e | 0x100f | 0x1112 | 0x1113);
            Record::Data { place, type_index, is_of_thread, name: name(reader, kind)? }
        }
        // S_LABEL32
        0x0209 | 0x1105 => {
            let place = place(reader)?;
            reader.skip(1)?;
            Record::Label { place, name: name(reader, kind)? }
        }
        // S_PUB32_16t
        0x0203 => {
            let place = place(reader)?;
            reader.skip(2)?;
            Record::Public { place, is_function: false, name: name(reader, kind)? }
        }
        // S_PUB32_ST, S_PUB32; flag 2: a function
        0x1009 | 0x110e => {
            let flags = reader.u32()?;
            Record::Public { is_function: flags & 2 != 0, place: place(reader)?, name: name(reader, kind)? }
        }
        // S_INLINESITE, S_INLINESITE2
        0x114d | 0x115d => inline_site(reader, kind)?,
        // S_BLOCK32: parent, end, size, place, name
        0x0207 | 0x1103 => {
            reader.skip(8)?;
            Record::Block { size: reader.u32()?, place: place(reader)? }
        }
        // S_WITH32, managed procedures, S_LPROCIA64, S_GPROCIA64, S_LPROC32EX, S_GPROC32EX
        0x0208 | 0x1104 | 0x101a | 0x101b | 0x112a | 0x112b => Record::Scope,
        0x1015 | 0x1016 | 0x1118 | 0x1119 | 0x114a | 0x114b | 0x1172..=0x1175 => Record::Scope,
        _ => Record::Other,
    })
}

fn place(reader: &mut Reader<'_>) -> Option<Place> {
    let offset = reader.u32()?;
    Some(Place { section: reader.u16()?, offset })
}

/// A name as records of a kind have it.
pub(super) fn name<'a>(reader: &mut Reader<'a>, kind: u16) -> Option<&'a [u8]> {
    if kind < ZERO_TERMINATED { reader.counted_text() } else { Some(reader.text()) }
}

/// parent, end, next, size, start and end of the body, type, place, flags, name
fn procedure<'a>(reader: &mut Reader<'a>, kind: u16) -> Option<Record<'a>> {
    reader.skip(12)?;
    let size = reader.u32()?;
    reader.skip(8)?;
    // S_LPROC32_ID, S_GPROC32_ID, S_LPROC32_DPC_ID
    let type_index = TypeIndex { number: reader.u32()?, is_id: matches!(kind, 0x1146 | 0x1147 | 0x1156) };
    let (place, flags) = (place(reader)?, reader.u8()?);
    Some(Record::Procedure { place, size, type_index, flags, name: name(reader, kind)? })
}

/// As above, but the type has two bytes and stands behind the place.
fn procedure_16t<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    reader.skip(12)?;
    let size = reader.u32()?;
    reader.skip(8)?;
    let (place, type_index) = (place(reader)?, u32::from(reader.u16()?).into());
    let flags = reader.u8()?;
    Some(Record::Procedure { place, size, type_index, flags, name: reader.counted_text()? })
}

/// With four words about saved registers before the type, and two registers instead of flags.
fn procedure_mips<'a>(reader: &mut Reader<'a>, kind: u16) -> Option<Record<'a>> {
    reader.skip(12)?;
    let size = reader.u32()?;
    reader.skip(24)?;
    // S_LPROCMIPS_ID, S_GPROCMIPS_ID
    let type_index = TypeIndex { number: reader.u32()?, is_id: matches!(kind, 0x1148 | 0x1149) };
    let place = place(reader)?;
    reader.skip(2)?;
    Some(Record::Procedure { place, size, type_index, flags: 0, name: name(reader, kind)? })
}

/// parent, end, size, flags, offset, offset of the parent, section, section of the parent
fn separated<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    let parent = reader.u32()?;
    reader.skip(4)?;
    let size = reader.u32()?;
    reader.skip(4)?;
    let offset = reader.u32()?;
    reader.skip(4)?;
    Some(Record::Separated { place: Place { section: reader.u16()?, offset }, size, parent })
}

/// parent, end, next, place, size, kind, name
fn thunk<'a>(reader: &mut Reader<'a>, kind: u16) -> Option<Record<'a>> {
    reader.skip(12)?;
    let place = place(reader)?;
    let size = reader.u16()?.into();
    reader.skip(1)?;
    Some(Record::Thunk { place, size, name: name(reader, kind)? })
}

/// kind, size, offsets of the thunk and of its target, their sections; kind 1 is an island of a branch that is too long
fn trampoline<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    let (kind, size) = (reader.u16()?, reader.u16()?);
    let (thunk, target) = (reader.u32()?, reader.u32()?);
    let place = Place { section: reader.u16()?, offset: thunk };
    let target = Place { section: reader.u16()?, offset: target };
    (kind == 0).then_some(Record::IncrementalThunk { place, size: size.into(), target })
}

/// parent, end, function, in the second form how often it was called, annotations
fn inline_site<'a>(reader: &mut Reader<'a>, kind: u16) -> Option<Record<'a>> {
    reader.skip(8)?;
    let inlinee = reader.u32()?;
    if kind == 0x115d {
        reader.skip(4)?;
    }
    Some(Record::InlineSite { inlinee, annotations: reader.rest() })
}
