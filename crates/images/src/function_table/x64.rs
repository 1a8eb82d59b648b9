//! Records of x64. One whose unwind information is chained (`UNW_FLAG_CHAININFO`, bit 2 of the flags above three bits
//! of version) is a further piece of another function.

use super::{FunctionExtent, Table, field};
use vatlas_space::Rva;

/// Set in the first byte of chained unwind information.
const CHAINED: u8 = 4 << 3;

pub(super) fn function(table: &Table, record: &[u8]) -> Option<FunctionExtent> {
    let (begin, end, unwind) = (field(record, 0), field(record, 1), field(record, 2));
    let mut first = [0];
    let is_piece = unwind & 1 != 0 || (table.read)(Rva(unwind), &mut first) == 1 && first[0] & CHAINED != 0;
    let size = end.checked_sub(begin).filter(|size| *size != 0 && begin != 0 && !is_piece)?;
    Some(FunctionExtent { begin: Rva(begin), size })
}
