//! Numbers as records write them: one below 0x8000 as it is, every other one with a kind before it.

use super::super::reader::Reader;
use crate::types::ConstantValue;

/// The next number; `None` where the bytes run out or the kind is unknown.
pub(in crate::pdb) fn number(reader: &mut Reader<'_>) -> Option<ConstantValue> {
    let kind = reader.u16()?;
    let bytes = |reader: &mut Reader<'_>, length| Some(ConstantValue::Bytes(reader.take(length)?.to_vec()));
    let integer = match kind {
        0..=0x7fff => kind.into(),
        // LF_CHAR, LF_SHORT, LF_USHORT, LF_LONG, LF_ULONG
        0x8000 => reader.u8()?.cast_signed().into(),
        0x8001 => reader.u16()?.cast_signed().into(),
        0x8002 => reader.u16()?.into(),
        0x8003 => reader.u32()?.cast_signed().into(),
        0x8004 => reader.u32()?.into(),
        // LF_QUADWORD, LF_UQUADWORD, LF_OCTWORD
        0x8009 => i64::from_le_bytes(array(reader)?).into(),
        0x800a => u64::from_le_bytes(array(reader)?).into(),
        0x8017 => i128::from_le_bytes(array(reader)?),
        // LF_UOCTWORD: half of them have no form here.
        0x8018 => {
            let value = array(reader)?;
            match i128::try_from(u128::from_le_bytes(value)) {
                Ok(value) => value,
                Err(_) => return Some(ConstantValue::Bytes(value.to_vec())),
            }
        }
        // LF_REAL32, LF_REAL64, LF_REAL16
        0x8005 => return Some(ConstantValue::Float(f32::from_le_bytes(array(reader)?).into())),
        0x8006 => return Some(ConstantValue::Float(f64::from_le_bytes(array(reader)?))),
        0x801c => return Some(ConstantValue::Float(half(reader.u16()?))),
        // LF_REAL48; LF_COMPLEX32, LF_DATE; LF_REAL80; LF_REAL128, LF_COMPLEX64, LF_DECIMAL; LF_COMPLEX80;
        // LF_COMPLEX128
        0x800b => return bytes(reader, 6),
        0x800c | 0x801a => return bytes(reader, 8),
        0x8007 => return bytes(reader, 10),
        0x8008 | 0x800d | 0x8019 => return bytes(reader, 16),
        0x800e => return bytes(reader, 20),
        0x800f => return bytes(reader, 32),
        // LF_VARSTRING, LF_UTF8STRING
        0x8010 => {
            let length = reader.u16()?;
            return Some(text(reader.take(length.into())?));
        }
        0x801b => return Some(text(reader.text())),
        _ => return None,
    };
    Some(ConstantValue::Integer(integer))
}

/// The next number, where only one that counts something makes sense.
pub(super) fn count(reader: &mut Reader<'_>) -> Option<u64> {
    match number(reader)? {
        ConstantValue::Integer(value) => u64::try_from(value).ok(),
        _ => None,
    }
}

fn array<const N: usize>(reader: &mut Reader<'_>) -> Option<[u8; N]> {
    reader.take(N)?.try_into().ok()
}

fn text(bytes: &[u8]) -> ConstantValue {
    ConstantValue::Text(String::from_utf8_lossy(bytes).into_owned())
}

/// IEEE 754, binary16: sign, 5 bits of exponent with the bias 15, 10 bits of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f64::from(bits & 0x3ff));
    let value = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * 2_f64.powi(i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}
