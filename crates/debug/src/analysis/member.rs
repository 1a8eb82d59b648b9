//! Which member of which variable a small address is, when the variable is a null pointer.

use super::suspicion::Scene;
use crate::{
    symbolize::Symbolizer,
    value::{ValueKind, strip},
    watch::Local,
};
use vatlas_symbols::{Type, Types, types::BasePlace};

/// Levels of records in records.
const DEEPEST: usize = 4;

/// `current->limit`, when exactly one variable of the innermost frame is a null pointer, and its type has a member that
/// begins at `offset`.
pub(super) fn members_of_null(scene: &Scene<'_, '_>, offset: u64) -> Option<String> {
    let frame = scene.stack?.frames.first()?;
    let is_null =
        |local: &&Local| matches!(&local.watched.value.kind, ValueKind::Pointer(pointer) if pointer.to.0 == 0);
    let mut null = frame.locals.iter().filter(is_null);
    let (local, None) = (null.next()?, null.next()) else { return None };
    let module = scene.index.module_at(frame.frame.pc)?;
    let symbols = Symbolizer::new(scene.symbols, scene.target, scene.index.process()).symbols(module);
    let origin = local.watched.origin.as_deref()?;
    let file = symbols.files().iter().find(|file| file.origin().to_string() == origin)?;
    let types = file.types()?;
    let Ok((_, Type::Pointer { target, .. })) = strip(types, local.watched.value.type_id) else { return None };
    let member = member_at(types, target, offset, 0)?;
    Some(format!("{}->{member}", local.name))
}

/// The path to the member that begins at an offset of a record.
fn member_at(types: &dyn Types, id: vatlas_symbols::TypeId, offset: u64, depth: usize) -> Option<String> {
    let Ok((_, Type::Record(mut record))) = strip(types, id) else { return None };
    if record.is_forward {
        let Ok((_, Type::Record(body))) = strip(types, types.find(&record.name)?) else { return None };
        record = body;
    }
    if depth >= DEEPEST {
        return None;
    }
    if let Some(member) = record.members.iter().find(|member| member.offset == offset && !member.name.is_empty()) {
        return Some(member.name.clone());
    }
    let inner = record.members.iter().filter(|member| member.offset <= offset).max_by_key(|member| member.offset);
    let of_member = inner.and_then(|member| {
        let path = member_at(types, member.type_id, offset - member.offset, depth + 1)?;
        Some(if member.name.is_empty() { path } else { format!("{}.{path}", member.name) })
    });
    of_member.or_else(|| {
        record.bases.iter().find_map(|base| match base.place {
            BasePlace::At(at) if at <= offset => member_at(types, base.type_id, offset - at, depth + 1),
            _ => None,
        })
    })
}
