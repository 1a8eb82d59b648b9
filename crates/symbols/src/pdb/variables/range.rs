//! Ranges of code in which a variable has one place: the `S_DEFRANGE` records behind an `S_LOCAL`.

use super::{
    super::{
        addresses::{AddressMap, Linked},
        reader::Reader,
        records::{Place, RawRecord},
    },
    record::offset,
};

/// Where a variable, or a part of it, is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RangePlace {
    Register(u16),
    /// At the frame's base plus an offset.
    FrameRelative(i32),
    RegisterRelative(u16, i32),
    /// At the address that lies at a register plus an offset, plus another.
    Indirect(u16, i32, i32),
    /// What a program computes that only the compiler's own debugger knows.
    Program(u32),
}

/// A range that covers the address that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Covering {
    pub(super) place: RangePlace,
    /// Bytes from the front of the variable, where it is the place of a part.
    pub(super) part: Option<u32>,
    /// It holds in the whole function.
    pub(super) is_everywhere: bool,
    /// The compiler has another name for it as well.
    pub(super) may_have_no_name: bool,
}

/// What a record is.
pub(super) enum RangeRecord {
    /// No record of a range.
    Another,
    /// A range, and whether it covers the address.
    Range(Option<Covering>),
}

pub(super) fn read(raw: &RawRecord<'_>, addresses: &AddressMap, linked: Linked) -> RangeRecord {
    if !(0x113f..=0x1145).contains(&raw.kind) && raw.kind != 0x1177 {
        return RangeRecord::Another;
    }
    RangeRecord::Range(covering(raw, addresses, linked))
}

/// `None` for a range that does not cover the address, and for a damaged one.
fn covering(raw: &RawRecord<'_>, addresses: &AddressMap, linked: Linked) -> Option<Covering> {
    let mut fields = raw.fields;
    let reader = &mut fields;
    let mut covering = Covering {
        place: RangePlace::Program(0),
        part: None,
        is_everywhere: raw.kind == 0x1144,
        may_have_no_name: false,
    };
    covering.place = match raw.kind {
        // S_DEFRANGE, S_DEFRANGE_SUBFIELD
        0x113f => RangePlace::Program(reader.u32()?),
        0x1140 => {
            let program = reader.u32()?;
            covering.part = Some(reader.u32()?);
            RangePlace::Program(program)
        }
        // S_DEFRANGE_REGISTER: register, attributes; S_DEFRANGE_SUBFIELD_REGISTER: 12 bits of an offset behind them
        0x1141 | 0x1143 => {
            let register = reader.u16()?;
            covering.may_have_no_name = reader.u16()? & 1 != 0;
            if raw.kind == 0x1143 {
                covering.part = Some(reader.u32()? & 0xfff);
            }
            RangePlace::Register(register)
        }
        // S_DEFRANGE_FRAMEPOINTER_REL and its form for the full scope
        0x1142 | 0x1144 => RangePlace::FrameRelative(offset(reader)?),
        // S_DEFRANGE_REGISTER_REL, S_DEFRANGE_REGISTER_REL_INDIR; bit 0: a part, its offset from bit 4 on
        _ => {
            let (register, flags, at) = (reader.u16()?, reader.u16()?, offset(reader)?);
            covering.part = (flags & 1 != 0).then_some(u32::from(flags >> 4));
            match raw.kind {
                0x1177 => RangePlace::Indirect(register, at, offset(reader)?),
                _ => RangePlace::RegisterRelative(register, at),
            }
        }
    };
    (covering.is_everywhere || covers(reader, addresses, linked)?).then_some(covering)
}

/// u32 offset, u16 section, u16 length, then gaps: {u16 from the start of the range, u16 length}
fn covers(reader: &mut Reader<'_>, addresses: &AddressMap, linked: Linked) -> Option<bool> {
    let (offset, section, length) = (reader.u32()?, reader.u16()?, reader.u16()?);
    let place = Place { section, offset };
    let Some(start) = addresses.linked(place.section, place.offset) else { return Some(false) };
    let Some(at) = linked.checked_sub(start).filter(|at| *at < length.into()) else { return Some(false) };
    while let Some((gap, size)) = reader.u16().zip(reader.u16()) {
        if at.checked_sub(gap.into()).is_some_and(|at| at < size.into()) {
            return Some(false);
        }
    }
    Some(true)
}
