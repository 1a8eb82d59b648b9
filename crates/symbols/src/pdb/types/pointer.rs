//! Pointers: what their attributes say, and their size where the record is too old to say it.
//!
//! ```text
//! bits 0-4    form: 0 near, 1 far, 2 huge, 3-9 based, 10 of 32 bits, 11 far of 32 bits, 12 of 64 bits
//! bits 5-7    0 pointer, 1 reference, 2 to a member of data, 3 to a method, 4 rvalue reference
//! bits 8-12   flat, volatile, const, unaligned, restrict
//! bits 13-18  bytes; 0 up to Visual C++ 6
//! ```

use super::leaf::MemberOf;
use crate::types::{PointerKind, Type, TypeId};

/// The type of a pointer; `None` where the attributes are undefined.
pub(super) fn pointer(target: u32, attributes: u32, member: Option<MemberOf>, program: u64) -> Option<Type> {
    let class = member.map(|member| TypeId(member.class.into()));
    let kind = match (attributes >> 5) & 7 {
        0 => PointerKind::Pointer,
        1 => PointerKind::LvalueReference,
        2 => PointerKind::MemberData(class?),
        3 => PointerKind::MemberFunction(class?),
        4 => PointerKind::RvalueReference,
        _ => return None,
    };
    let size = match ((attributes >> 13) & 0x3f, member) {
        (0, Some(member)) => size_to_member(member.form, kind, program),
        (0, None) => size_of_form(attributes & 0x1f, program)?,
        (size, _) => size.into(),
    };
    let (is_volatile, is_const) = (attributes & 0x200 != 0, attributes & 0x400 != 0);
    Some(Type::Pointer { target: TypeId(target.into()), kind, size, is_const, is_volatile })
}

fn size_of_form(form: u32, program: u64) -> Option<u64> {
    Some(match form {
        0 => 2,
        1 | 2 | 10 => 4,
        // A based pointer is an offset as wide as a near pointer of the program.
        3..=9 => program,
        11 => 6,
        12 => 8,
        _ => return None,
    })
}

/// Pointers to members by the inheritance that the compiler must reckon with: 1 single, 2 multiple, 3 virtual, 4 any,
/// for data; 5 to 8 for methods. An offset has 4 bytes; the address of a method is followed by up to three offsets.
/// Where the compiler does not tell, the simplest.
fn size_to_member(form: u16, kind: PointerKind, program: u64) -> u64 {
    let is_method = matches!(kind, PointerKind::MemberFunction(_));
    match (form, is_method) {
        (3, _) => 8,
        (4, _) => 12,
        (6, _) => (program + 4).next_multiple_of(program),
        (7, _) => (program + 8).next_multiple_of(program),
        (8, _) => (program + 12).next_multiple_of(program),
        (5, _) | (_, true) => program,
        _ => 4,
    }
}
