//! Little-endian bytes of information classes, written field by field, and read from a guest's buffer.

use crate::files::status;
use crate::memory::NtStatus;

/// Bytes being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw(pub(crate) Vec<u8>);

impl Raw {
    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn i64(mut self, value: i64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// UTF-16 units of a text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        self
    }

    /// Zeroes up to a length.
    pub(crate) fn pad(mut self, length: usize) -> Self {
        if self.0.len() < length {
            self.0.resize(length, 0);
        }
        self
    }
}

/// Bytes that a text takes as UTF-16.
pub(crate) fn text_bytes(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count().saturating_mul(2)).unwrap_or(u32::MAX)
}

/// Bytes of a guest's buffer; too short is `INFO_LENGTH_MISMATCH`.
pub(crate) fn read<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], NtStatus> {
    let field = offset.checked_add(N).and_then(|end| bytes.get(offset..end)).and_then(|field| field.try_into().ok());
    field.ok_or(status::INFO_LENGTH_MISMATCH)
}

pub(crate) fn read_u32(bytes: &[u8], offset: usize) -> Result<u32, NtStatus> {
    read(bytes, offset).map(u32::from_le_bytes)
}

pub(crate) fn read_i64(bytes: &[u8], offset: usize) -> Result<i64, NtStatus> {
    read(bytes, offset).map(i64::from_le_bytes)
}

/// A text of `length` bytes; an odd length or one past the end of the buffer is `INVALID_PARAMETER`.
pub(crate) fn read_text(bytes: &[u8], offset: usize, length: u32) -> Result<Vec<u16>, NtStatus> {
    let length = usize::try_from(length).ok().filter(|length| length % 2 == 0);
    let range = length.and_then(|length| Some(offset..offset.checked_add(length)?));
    let text = range.and_then(|range| bytes.get(range)).ok_or(status::INVALID_PARAMETER)?;
    Ok(text.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
}
