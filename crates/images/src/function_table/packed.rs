//! Records of ARM (Thumb-2) and ARM64: unwind data packed into the record, or the RVA of a record of its own.
//!
//! Bits 0 and 1 of the second word: 0 an RVA, 1 a function, 2 a piece of a function. Packed, bits 2 to 12 are the length;
//! else the record's first word has it in bits 0 to 17. Lengths count 2 bytes on ARM, 4 on ARM64.

use super::{FunctionExtent, Table, field};

pub(super) fn of_arm(table: &Table, record: &[u8]) -> Option<FunctionExtent> {
    // Bit 0 of the address says "Thumb".
    function(table, field(record, 0) & !1, field(record, 1), 2)
}

pub(super) fn of_arm64(table: &Table, record: &[u8]) -> Option<FunctionExtent> {
    function(table, field(record, 0), field(record, 1), 4)
}

fn function(table: &Table, begin: u32, data: u32, unit: u32) -> Option<FunctionExtent> {
    let length = match data & 3 {
        0 => table.word(data).filter(|_| data != 0)? & 0x3_ffff,
        1 => data >> 2 & 0x7ff,
        _ => return None,
    };
    table.extent(begin, begin.checked_add(length * unit)?)
}
