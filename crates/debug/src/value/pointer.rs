//! Pointers: where they lead, the symbol and the text there, and the value behind them where it is asked for.

use super::{
    Hidden, Place, Pointer, Text, TextEnd, Value, ValueKind, ValueReader,
    read::{Path, strip},
    scalar::integer,
    text::unit,
};
use vatlas_space::Va;
use vatlas_symbols::{
    Type, TypeId,
    type_text::{size_of, type_name},
    types::{BasicKind, PointerKind},
};

impl ValueReader<'_> {
    pub(super) fn pointer(
        &self,
        target: TypeId,
        kind: PointerKind,
        size: u64,
        place: &Place,
        path: &Path,
    ) -> ValueKind {
        let bytes = self.bytes(place, size);
        let Some(known) = bytes.all() else { return ValueKind::Missing(bytes) };
        let Some(number) = integer(&known, false) else { return ValueKind::Raw(known) };
        if let PointerKind::MemberData(_) = kind {
            return ValueKind::Integer(number);
        }
        // The first word of a pointer to a method is the code; what follows adjusts `this`.
        let width = u32::try_from(self.types.pointer_size()).unwrap_or(8) * 8;
        let to = Va(number.field(0, width.min(64)).bits as u64);
        let text = self.pointer_text(target, to);
        let symbol = (to != Va::ZERO).then(|| self.symbol(to)).flatten();
        let target = self.followed(target, to, path);
        ValueKind::Pointer(Box::new(Pointer { to, symbol, text, target }))
    }

    /// The text that a pointer to characters leads to.
    fn pointer_text(&self, target: TypeId, to: Va) -> Option<Text> {
        let (_, Type::Basic { kind, name, .. }) = strip(self.types, target).ok()? else { return None };
        let unit = unit(kind).filter(|_| to != Va::ZERO)?;
        let place = Place::Memory(to);
        let text = self.text(&place, unit, None).unwrap_or_else(|| {
            let end = TextEnd::Missing(self.bytes(&place, unit.into()).reason.unwrap_or_default());
            Text { characters: String::new(), unit, end }
        });
        // Bytes that are no text say nothing as one.
        let is_text = name != "unsigned char" || !text.characters.chars().any(char::is_control);
        is_text.then_some(text)
    }

    /// The value behind a pointer: another pointer always, so that texts of text pointers are seen; anything else within
    /// the limit.
    fn followed(&self, target: TypeId, to: Va, path: &Path) -> Option<Value> {
        let (id, of) = strip(self.types, target).ok().filter(|_| to != Va::ZERO)?;
        let is_free = path.pointers == 0 && self.leads_to_text(&of);
        let is_wanted = path.pointers < self.limits.pointers || is_free;
        let has_value = match &of {
            Type::Basic { kind, .. } => unit(*kind).is_none() && *kind != BasicKind::Void,
            Type::Function(_) | Type::VtableShape { .. } | Type::Other(_) => false,
            Type::Record(record) => !record.is_forward,
            _ => true,
        };
        if !is_wanted || !has_value {
            return None;
        }
        let inner = path.behind()?;
        if inner.open.contains(&(to, id)) {
            return Some(Value { kind: ValueKind::Hidden(Hidden::Cycle), ..self.shell(target, to) });
        }
        Some(self.value(target, &Place::Memory(to), &inner))
    }

    /// Whether a type is a pointer to characters.
    fn leads_to_text(&self, of: &Type) -> bool {
        let Type::Pointer { target, .. } = of else { return false };
        matches!(strip(self.types, *target), Ok((_, Type::Basic { kind, .. })) if unit(kind).is_some())
    }

    fn shell(&self, id: TypeId, va: Va) -> Value {
        Value {
            type_name: type_name(self.types, id),
            type_id: id,
            va: Some(va),
            size: size_of(self.types, id),
            kind: ValueKind::Hidden(Hidden::Cycle),
        }
    }
}
