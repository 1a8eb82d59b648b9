//! Records about variables of functions, of all generations: what each says, before anything is known of its function.

use super::super::{
    constants,
    reader::Reader,
    records::{self, Place, RawRecord, Record, TypeIndex},
};
use crate::types::ConstantValue;

/// What the record of a variable says about where it is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Form {
    /// The ranges that follow tell; with the flags of `S_LOCAL`.
    Ranges(u16),
    /// A variable of the file or program, kept in places that the ranges tell.
    StaticInRanges,
    /// At the frame's base plus an offset.
    FrameRelative(i32),
    /// At a register plus an offset.
    RegisterRelative(u16, i32),
    /// At the address that lies at a register plus an offset, plus another.
    Indirect(u16, i32, i32),
    /// In a register; on x86 maybe in two, the upper half in the upper byte.
    Register(u16),
    /// In several registers, the most significant first.
    Registers(Vec<u16>),
    /// At an address.
    Static(Place),
    /// In the storage of each thread.
    Thread(Place),
    /// Nowhere.
    Constant(ConstantValue),
    /// In a way that is not understood; name of the record.
    Unknown(&'static str),
}

/// A variable.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct VariableRecord<'a> {
    pub(super) name: &'a [u8],
    pub(super) type_index: TypeIndex,
    pub(super) form: Form,
}

/// The record of a variable; `None` for another one.
pub(super) fn read<'a>(raw: &RawRecord<'a>) -> Option<VariableRecord<'a>> {
    if let Record::Data { place, type_index, is_of_thread, name } = raw.read() {
        let form = if is_of_thread { Form::Thread(place) } else { Form::Static(place) };
        return Some(VariableRecord { name, type_index, form });
    }
    if let Some(constant) = constants::read(raw) {
        let form = Form::Constant(constant.value);
        return Some(VariableRecord { name: constant.name, type_index: constant.type_index, form });
    }
    let mut fields = raw.fields;
    let reader = &mut fields;
    let (type_index, form) = match raw.kind {
        // S_REGISTER_16t, S_REGISTER_ST, S_REGISTER
        0x0002 => (type_16(reader)?, Form::Register(reader.u16()?)),
        0x1001 | 0x1106 => (type_32(reader)?, Form::Register(reader.u16()?)),
        // S_MANYREG_16t, S_MANYREG_ST, S_MANYREG: a count and registers of 8 bits
        0x000a => (type_16(reader)?, many(reader, true)?),
        0x1005 | 0x110a => (type_32(reader)?, many(reader, true)?),
        // S_MANYREG2_ST, S_MANYREG2: of 16 bits
        0x1014 | 0x1117 => (type_32(reader)?, many(reader, false)?),
        // S_BPREL32_16t: the offset first; S_BPREL32_ST, S_BPREL32
        0x0200 | 0x1006 | 0x110b => frame_relative(reader, raw.kind)?,
        // S_REGREL32_16t: offset, register, type; S_REGREL32_ST, S_REGREL32, S_REGREL32_INDIR: offset, type, register
        0x020c | 0x100d | 0x1111 | 0x1171 => register_relative(reader, raw.kind)?,
        // S_LOCAL: type, flags
        0x113e => (type_32(reader)?, Form::Ranges(reader.u16()?)),
        // S_FILESTATIC: type, offset of the module's name, flags
        0x1153 => {
            let type_index = type_32(reader)?;
            reader.skip(6)?;
            (type_index, Form::StaticInRanges)
        }
        // S_LOCALSLOT, S_PARAMSLOT, S_MANSLOT: of managed code
        0x111a | 0x111b | 0x1120 => {
            reader.skip(4)?;
            (type_32(reader)?, Form::Unknown("a slot of managed code"))
        }
        _ => return None,
    };
    Some(VariableRecord { name: records::name(reader, raw.kind)?, type_index, form })
}

fn type_16(reader: &mut Reader<'_>) -> Option<TypeIndex> {
    Some(u32::from(reader.u16()?).into())
}

fn type_32(reader: &mut Reader<'_>) -> Option<TypeIndex> {
    Some(reader.u32()?.into())
}

pub(super) fn offset(reader: &mut Reader<'_>) -> Option<i32> {
    Some(reader.u32()?.cast_signed())
}

fn frame_relative(reader: &mut Reader<'_>, kind: u16) -> Option<(TypeIndex, Form)> {
    let form = Form::FrameRelative(offset(reader)?);
    let type_index = if kind == 0x0200 { type_16(reader)? } else { type_32(reader)? };
    Some((type_index, form))
}

fn register_relative(reader: &mut Reader<'_>, kind: u16) -> Option<(TypeIndex, Form)> {
    let offset_of_place = offset(reader)?;
    if kind == 0x020c {
        let register = reader.u16()?;
        return Some((type_16(reader)?, Form::RegisterRelative(register, offset_of_place)));
    }
    let (type_index, register) = (type_32(reader)?, reader.u16()?);
    let form = match kind {
        0x1171 => Form::Indirect(register, offset_of_place, offset(reader)?),
        _ => Form::RegisterRelative(register, offset_of_place),
    };
    Some((type_index, form))
}

fn many(reader: &mut Reader<'_>, is_small: bool) -> Option<Form> {
    let mut next = || if is_small { reader.u8().map(u16::from) } else { reader.u16() };
    let count = next()?;
    Some(Form::Registers((0..count).map(|_| next()).collect::<Option<_>>()?))
}

/// `S_FRAMEPROC`: how the frame of a function is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct FrameProc {
    /// Bytes of the frame, without what calls push.
    pub(super) size: u32,
    /// Two bits each: what locals and arguments are addressed by.
    pub(super) local_base: u32,
    pub(super) parameter_base: u32,
}

/// size, padding, offset of the padding, bytes of saved registers, offset and section of a handler, flags
pub(super) fn frame_proc(raw: &RawRecord<'_>) -> Option<FrameProc> {
    if raw.kind != 0x1012 {
        return None;
    }
    let mut reader = raw.fields;
    let size = reader.u32()?;
    reader.skip(18)?;
    let flags = reader.u32()?;
    Some(FrameProc { size, local_base: flags >> 14 & 3, parameter_base: flags >> 16 & 3 })
}
