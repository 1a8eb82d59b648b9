//! A type from its record: what the record says, and of other records what belongs to it.

use super::{
    PdbTypes,
    basic::{self, FIRST_RECORD},
    body::{Body, bare_record},
    leaf::{self, Leaf, Udt, UdtKind},
    pointer, text, type_id,
};
use crate::types::{Enumeration, FunctionType, Type, TypeId};
use vatlas_space::Problem;

/// Types that are looked through to find a size: no compiler nests arrays deeper.
const MOST_LEVELS: u32 = 64;

impl PdbTypes {
    pub(super) fn read(&self, number: u32) -> Result<Type, Problem> {
        if number < FIRST_RECORD {
            return basic::simple(number, self.pointer_size).ok_or_else(|| self.damage(number));
        }
        let item = self.items.get(number).ok_or_else(|| self.damage(number))?;
        let leaf = leaf::read(item.kind, item.record).ok_or_else(|| self.damage(number))?;
        match leaf {
            Leaf::Udt(udt) => self.declared(&udt).map_err(|damaged| self.damage(damaged)),
            Leaf::Function { result, convention, arguments, class } => {
                let (arguments, is_variadic) = self.arguments(arguments).ok_or_else(|| self.damage(arguments))?;
                let (result, class) = (type_id(result), class.map(type_id));
                let convention = convention_keyword(convention);
                Ok(Type::Function(FunctionType { result, arguments, is_variadic, class, convention }))
            }
            other => self.plain(other).ok_or_else(|| self.damage(number)),
        }
    }

    /// A type that needs no other record, but for sizes.
    fn plain(&self, leaf: Leaf<'_>) -> Option<Type> {
        Some(match leaf {
            Leaf::Modifier { target, flags } => Type::Modified {
                target: type_id(target),
                is_const: flags & 1 != 0,
                is_volatile: flags & 2 != 0,
                is_unaligned: flags & 4 != 0,
            },
            Leaf::Pointer { target, attributes, member } => {
                pointer::pointer(target, attributes, member, self.pointer_size)?
            }
            Leaf::Array { element, size } => Type::Array {
                element: type_id(element),
                count: self.size_of(element).and_then(|one| whole_quotient(size, one)),
                size,
            },
            Leaf::Vector { element, count, size } => {
                Type::Array { element: type_id(element), count: Some(count.into()), size }
            }
            Leaf::BasicArray { element } => Type::Array { element: type_id(element), count: None, size: 0 },
            Leaf::BitField { target, bits, first_bit } => {
                Type::BitField { target: type_id(target), first_bit: first_bit.into(), bits: bits.into() }
            }
            Leaf::Alias { target, name } => Type::Alias { name: text(name), target: type_id(target) },
            Leaf::Shape { entries } => Type::VtableShape { entries },
            Leaf::Arguments(_) => Type::Other("a list of arguments".to_owned()),
            Leaf::Fields => Type::Other("a list of fields".to_owned()),
            Leaf::Methods => Type::Other("a list of methods".to_owned()),
            Leaf::Other(what) => Type::Other(what),
            Leaf::Udt(_) | Leaf::Function { .. } => return None,
        })
    }

    /// A structure or an enumeration with its body, wherever that is; number of the record that is damaged otherwise.
    fn declared(&self, udt: &Udt<'_>) -> Result<Type, u32> {
        let found = if udt.is_forward() { self.with_body(udt) } else { None };
        let udt = found.as_ref().unwrap_or(udt);
        let body = Body::read(&self.items, udt.fields)?;
        let (name, is_forward) = (text(udt.name), udt.is_forward());
        Ok(match udt.kind {
            UdtKind::Record(kind) => {
                let bare = bare_record(kind, name, udt.size, is_forward);
                Type::Record(body.record(bare, |pointer| self.behind(pointer)))
            }
            UdtKind::Enumeration { underlying } => {
                let underlying = type_id(underlying);
                let bare = Enumeration { name, underlying, is_forward, values: Vec::new() };
                Type::Enumeration(body.enumeration(bare))
            }
        })
    }

    /// What a pointer points at; the type itself where it is none.
    fn behind(&self, number: u32) -> TypeId {
        let leaf = self.items.get(number).and_then(|item| leaf::read(item.kind, item.record));
        type_id(match leaf {
            Some(Leaf::Pointer { target, .. }) => target,
            _ => number,
        })
    }

    /// The arguments of a list, and whether more may follow: then the last is no type.
    fn arguments(&self, list: u32) -> Option<(Vec<TypeId>, bool)> {
        if list == 0 {
            return Some((Vec::new(), false));
        }
        let item = self.items.get(list)?;
        let Leaf::Arguments(mut ids) = leaf::read(item.kind, item.record)? else { return None };
        let is_variadic = ids.last() == Some(&0);
        if is_variadic {
            ids.pop();
        }
        Some((ids.into_iter().map(type_id).collect(), is_variadic))
    }

    /// Bytes of a type, from the records' headers alone.
    pub(in crate::pdb) fn size_of(&self, number: u32) -> Option<u64> {
        let mut number = number;
        for _ in 0..MOST_LEVELS {
            if number < FIRST_RECORD {
                return match basic::simple(number, self.pointer_size)? {
                    Type::Basic { size, .. } | Type::Pointer { size, .. } => Some(size),
                    Type::Alias { .. } => Some(self.pointer_size),
                    _ => None,
                };
            }
            let item = self.items.get(number)?;
            number = match leaf::read(item.kind, item.record)? {
                Leaf::Modifier { target, .. } | Leaf::Alias { target, .. } => target,
                Leaf::Array { size, .. } | Leaf::Vector { size, .. } => return Some(size),
                Leaf::Udt(Udt { kind: UdtKind::Enumeration { underlying }, .. }) => underlying,
                Leaf::Udt(udt) if udt.is_forward() => return Some(self.with_body(&udt)?.size),
                Leaf::Udt(udt) => return Some(udt.size),
                leaf => match self.plain(leaf)? {
                    Type::Pointer { size, .. } => return Some(size),
                    _ => return None,
                },
            };
        }
        None
    }
}

fn whole_quotient(size: u64, one: u64) -> Option<u64> {
    let count = size.checked_div(one)?;
    (count != 0 && size.checked_rem(one) == Some(0)).then_some(count)
}

/// `CV_CALL_*` that C has a keyword for.
fn convention_keyword(convention: u8) -> Option<&'static str> {
    Some(match convention {
        0x00 | 0x01 => "__cdecl",
        0x02 | 0x03 => "__pascal",
        0x04 | 0x05 => "__fastcall",
        0x07 | 0x08 => "__stdcall",
        0x09 | 0x0a => "__syscall",
        0x0b => "__thiscall",
        0x16 => "__clrcall",
        0x18 => "__vectorcall",
        _ => return None,
    })
}
