//! Types by name, and bodies for declarations without one: tables that are made when the first name is asked for.

use super::{
    PdbTypes, TYPEDEFS, basic,
    leaf::{self, Found, Leaf, Udt},
    names::{NameTable, hash},
    type_id,
    typedefs::{Typedef, Typedefs},
};
use crate::{pdb::items::Item, types::TypeId};
use std::ops::ControlFlow;

/// What compilers call types without a name, or a part of such a name.
const UNNAMED: [&[u8]; 3] = [b"<unnamed-", b"__unnamed", b"<anonymous-"];

impl PdbTypes {
    /// Everything in the type stream that has a name.
    fn named(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.items.numbers().filter_map(|number| {
            let item = self.items.get(number)?;
            match leaf::udt(item.kind, item.record) {
                Found::Udt(udt) => Some((udt.name, number)),
                Found::AnotherKind => Some((alias_name(item)?, number)),
                Found::Damaged => None,
            }
        })
    }

    fn by_name(&self) -> &NameTable {
        self.by_name.get_or_init(|| NameTable::new(self.named().map(|(name, number)| (hash(name), number))))
    }

    fn by_unique_name(&self) -> &NameTable {
        self.by_unique_name.get_or_init(|| {
            let bodies = self.items.numbers().filter_map(|number| Some((self.udt(number)?, number)));
            let bodies = bodies.filter(|(udt, _)| !udt.is_forward());
            NameTable::new(bodies.filter_map(|(udt, number)| Some((hash(udt.unique_name?), number))))
        })
    }

    pub(super) fn typedefs(&self) -> &Typedefs {
        self.typedefs.get_or_init(|| {
            // A damaged stream of symbols is told where its symbols are read.
            let records = self.streams.get(self.symbol_records, "symbol records").ok().flatten();
            records.map_or_else(Typedefs::default, Typedefs::new)
        })
    }

    /// The declaration with the body of one without. A name alone is no proof where several types may have it:
    /// within functions, and where compilers made it up.
    pub(super) fn with_body<'a>(&'a self, forward: &Udt<'_>) -> Option<Udt<'a>> {
        let is_enumeration = forward.is_enumeration();
        let is_body = |udt: &Udt<'_>| !udt.is_forward() && udt.is_enumeration() == is_enumeration;
        if let Some(unique_name) = forward.unique_name {
            let candidates = self.by_unique_name().candidates(unique_name).filter_map(|number| self.udt(number));
            return candidates.into_iter().find(|udt| is_body(udt) && udt.unique_name == Some(unique_name));
        }
        let contains = |part: &[u8]| memchr::memmem::find(forward.name, part).is_some();
        if forward.name.is_empty() || UNNAMED.iter().any(|unnamed| contains(unnamed)) {
            return None;
        }
        let candidates = self.by_name().candidates(forward.name).filter_map(|number| self.udt(number));
        let mut bodies = candidates.filter(|udt| is_body(udt) && udt.name == forward.name);
        let first = bodies.next()?;
        (!forward.is_local() || bodies.next().is_none()).then_some(first)
    }

    pub(super) fn find_name(&self, name: &str) -> Option<TypeId> {
        if let Some(keyword) = basic::keyword(name) {
            return Some(keyword);
        }
        let bytes = name.as_bytes();
        let (mut body, mut declaration) = (None, None);
        for number in self.by_name().candidates(bytes) {
            match self.udt(number) {
                Some(udt) if udt.name != bytes => {}
                Some(udt) if udt.is_forward() => declaration = declaration.or(Some(number)),
                Some(_) => body = body.or(Some(number)),
                None => {
                    let is_alias = self.items.get(number).and_then(alias_name) == Some(bytes);
                    body = body.or(is_alias.then_some(number));
                }
            }
        }
        let typedef = || self.typedefs().find(bytes).map(|typedef| TypeId(TYPEDEFS + u64::from(typedef.at)));
        body.map(type_id).or_else(typedef).or(declaration.map(type_id)).or_else(|| basic::find(name))
    }

    /// Whether a symbol says no more than the type itself: C++ compilers write one for every structure.
    fn is_own_name(&self, typedef: &Typedef<'_>) -> bool {
        self.udt(typedef.target).is_some_and(|udt| udt.name == typedef.name)
    }

    pub(super) fn visit_all(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) -> ControlFlow<()> {
        for (name, number) in self.named() {
            visitor(&String::from_utf8_lossy(name), type_id(number))?;
        }
        for typedef in self.typedefs().iter().filter(|typedef| !self.is_own_name(typedef)) {
            visitor(&String::from_utf8_lossy(typedef.name), TypeId(TYPEDEFS + u64::from(typedef.at)))?;
        }
        basic::names().try_for_each(|(name, id)| visitor(name, id))
    }
}

fn alias_name(item: Item<'_>) -> Option<&[u8]> {
    match (item.kind == 0x1010 || item.kind == 0x150a).then(|| leaf::read(item.kind, item.record)) {
        Some(Some(Leaf::Alias { name, .. })) => Some(name),
        _ => None,
    }
}
