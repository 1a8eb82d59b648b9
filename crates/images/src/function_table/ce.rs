//! Records of Windows CE on ARM, SH and MIPS.

use super::{FunctionExtent, Table, field};
use vatlas_space::Rva;

/// Lengths count instructions: of 4 bytes where bit 30 is set (ARM), else of 2 (SH, Thumb). A length of 0 stands for a
/// function whose length nobody wrote down: it ends with the next one, at the latest.
pub(super) fn of_arm_or_sh(table: &Table, record: &[u8]) -> Option<FunctionExtent> {
    let data = field(record, 1);
    let unit = if data >> 30 & 1 == 1 { 4 } else { 2 };
    let begin = table.rva(field(record, 0) & !1)?;
    match (data >> 8 & 0x3f_ffff) * unit {
        0 => Some(FunctionExtent { begin: Rva(begin), size: 0 }),
        size => table.extent(begin, begin.checked_add(size)?),
    }
}

/// Bit 0 of an address says "MIPS16".
pub(super) fn of_mips(table: &Table, record: &[u8]) -> Option<FunctionExtent> {
    let (begin, end) = (table.rva(field(record, 0) & !1)?, field(record, 1) & !1);
    let end = u64::from(end).checked_sub(table.headers.image_base)?;
    table.extent(begin, u32::try_from(end).ok()?)
}
