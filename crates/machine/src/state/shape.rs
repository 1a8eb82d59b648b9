//! The shape of what is written down: a number that changes with every field, variant and type of it. The file has no
//! names of fields, so what another build wrote could be taken for something else; with its shape it cannot.
//!
//! Types are asked by being read from nothing: a reader that says of each struct, enum and number what it is asked for.
//! An enum is asked again for each of its variants, until all were seen.

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Types inside each other; below that, nothing is in lists and options.
const DEEPEST: usize = 48;
/// Times that a type is asked.
const MOST_PASSES: usize = 4096;

/// The shape of a type as a number (64-bit FNV-1a of its description).
pub fn shape_of<T: DeserializeOwned>() -> u64 {
    let mut types = Types::default();
    for _ in 0..MOST_PASSES {
        types.is_new = false;
        types.text.clear();
        let _ = T::deserialize(Asked { types: &mut types, depth: 0 });
        if !types.is_new {
            break;
        }
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    types.known.iter().for_each(|((name, variant), text)| {
        add(name);
        add(&variant.to_string());
        add(text);
    });
    hash
}

/// What was found out: the description of each struct and of each variant of each enum.
#[derive(Default)]
struct Types {
    /// By name; structs have the variant 0.
    known: BTreeMap<(String, u32), String>,
    /// Something was found in this pass.
    is_new: bool,
    /// The description of what is being asked now.
    text: String,
    /// Names of the types that it is inside of.
    inside: Vec<String>,
}

impl Types {
    /// Describes the inside of a type, and keeps that under its name.
    fn inside<R>(&mut self, name: &str, variant: u32, describe: impl FnOnce(&mut Self) -> R) -> R {
        self.text.push_str(name);
        self.text.push(';');
        let outer = std::mem::take(&mut self.text);
        self.inside.push(name.to_owned());
        let result = describe(self);
        self.inside.pop();
        let text = std::mem::replace(&mut self.text, outer);
        let known = self.known.entry((name.to_owned(), variant)).or_default();
        // Two types may have one name; a variant inside may have been asked for meanwhile.
        if !known.split('|').any(|one| one == text) {
            known.push_str(&text);
            known.push('|');
            self.is_new = true;
        }
        result
    }

    /// Whether what is asked now holds itself, or is too deep: its lists and options are empty then.
    fn is_deep_enough(&self, depth: usize) -> bool {
        let (last, others) = self.inside.split_last().map_or((None, &[][..]), |(last, others)| (Some(last), others));
        depth > DEEPEST || last.is_some_and(|last| others.contains(last))
    }

    /// The first variant that was not asked yet; the first one when all were.
    fn variant(&self, name: &str, count: u32) -> u32 {
        let is_known = |variant: &u32| self.known.contains_key(&(name.to_owned(), *variant));
        (0..count).find(|variant| !is_known(variant)).unwrap_or_default()
    }
}

struct Asked<'t> {
    types: &'t mut Types,
    depth: usize,
}

/// Nothing can be read: there is only a shape.
#[derive(Debug)]
struct Nothing;

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the shape is asked for")
    }
}

impl std::error::Error for Nothing {}

impl de::Error for Nothing {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! plain {
    ($($method:ident $visit:ident $value:expr,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Nothing> {
            self.types.text.push_str(concat!(stringify!($visit), ";"));
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Nothing;

    plain! {
        deserialize_bool visit_bool false, deserialize_i8 visit_i8 0, deserialize_i16 visit_i16 0,
        deserialize_i32 visit_i32 0, deserialize_i64 visit_i64 0, deserialize_i128 visit_i128 0,
        deserialize_u8 visit_u8 0, deserialize_u16 visit_u16 0, deserialize_u32 visit_u32 0,
        deserialize_u64 visit_u64 0, deserialize_u128 visit_u128 0, deserialize_f32 visit_f32 0.0,
        deserialize_f64 visit_f64 0.0, deserialize_char visit_char '\0', deserialize_str visit_str "",
        deserialize_string visit_string String::new(), deserialize_bytes visit_bytes &[],
        deserialize_byte_buf visit_byte_buf Vec::new(),
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Nothing> {
        Err(Nothing)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Nothing> {
        Err(Nothing)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Nothing> {
        Err(Nothing)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Nothing> {
        self.types.text.push_str("option ");
        if self.types.is_deep_enough(self.depth) {
            return visitor.visit_none();
        }
        visitor.visit_some(Asked { types: self.types, depth: self.depth + 1 })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Nothing> {
        self.types.text.push_str("unit;");
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &str, visitor: V) -> Result<V::Value, Nothing> {
        self.types.inside(name, 0, |_| visitor.visit_unit())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &str, visitor: V) -> Result<V::Value, Nothing> {
        let depth = self.depth + 1;
        self.types.inside(name, 0, |types| visitor.visit_newtype_struct(Asked { types, depth }))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Nothing> {
        self.types.text.push_str("list ");
        let left = usize::from(!self.types.is_deep_enough(self.depth));
        visitor.visit_seq(Parts { types: self.types, depth: self.depth + 1, left, names: &[] })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Nothing> {
        self.types.text.push_str(&format!("{count} of "));
        visitor.visit_seq(Parts { types: self.types, depth: self.depth + 1, left: count, names: &[] })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Nothing> {
        let depth = self.depth + 1;
        self.types.inside(name, 0, |types| visitor.visit_seq(Parts { types, depth, left: count, names: &[] }))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Nothing> {
        self.types.text.push_str("map ");
        let left = usize::from(!self.types.is_deep_enough(self.depth));
        visitor.visit_map(Parts { types: self.types, depth: self.depth + 1, left, names: &[] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Nothing> {
        let (depth, left) = (self.depth + 1, fields.len());
        self.types.inside(name, 0, |types| visitor.visit_seq(Parts { types, depth, left, names: fields }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Nothing> {
        // Two enums may have one name.
        let name = format!("{name} {}", variants.join(" "));
        let variant = self.types.variant(&name, variants.len() as u32);
        let depth = self.depth + 1;
        self.types.inside(&name, variant, |types| {
            types.text.push_str(variants.get(variant as usize).unwrap_or(&""));
            types.text.push(' ');
            visitor.visit_enum(Choice { types, depth, variant })
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a list or the fields of a struct.
struct Parts<'t> {
    types: &'t mut Types,
    depth: usize,
    left: usize,
    names: &'static [&'static str],
}

impl Parts<'_> {
    /// The next one, with its name; `false` when all were asked.
    fn advance(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        if let Some(name) = self.names.get(self.names.len().wrapping_sub(self.left)) {
            self.types.text.push_str(name);
            self.types.text.push(' ');
        }
        self.left = left;
        true
    }
}

impl<'de> de::SeqAccess<'de> for Parts<'_> {
    type Error = Nothing;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Nothing> {
        if !self.advance() {
            return Ok(None);
        }
        seed.deserialize(Asked { types: self.types, depth: self.depth }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for Parts<'_> {
    type Error = Nothing;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Nothing> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Nothing> {
        seed.deserialize(Asked { types: self.types, depth: self.depth })
    }
}

/// A variant of an enum.
struct Choice<'t> {
    types: &'t mut Types,
    depth: usize,
    variant: u32,
}

impl<'de> de::EnumAccess<'de> for Choice<'_> {
    type Error = Nothing;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Nothing> {
        let value = seed.deserialize(IntoDeserializer::<Nothing>::into_deserializer(self.variant))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_> {
    type Error = Nothing;

    fn unit_variant(self) -> Result<(), Nothing> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Nothing> {
        seed.deserialize(Asked { types: self.types, depth: self.depth })
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Nothing> {
        visitor.visit_seq(Parts { types: self.types, depth: self.depth, left: count, names: &[] })
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Nothing> {
        visitor.visit_seq(Parts { types: self.types, depth: self.depth, left: fields.len(), names: fields })
    }
}

#[cfg(test)]
mod tests {
    use super::shape_of;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    macro_rules! shape {
        ({ $($fields:tt)* } { $($variants:tt)* }) => {{
            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only its shape counts")]
            struct Whole { $($fields)* }
            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only its shape counts")]
            enum Kind { $($variants)* }
            type Map<K> = BTreeMap<K, Option<Box<Whole>>>;
            shape_of::<(Whole, Map<u8>)>()
        }};
    }

    #[test]
    fn every_change_is_seen() {
        let shapes = [
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8> } { A, B(u8), C { x: u16 } }),
            shape!({ b: Vec<Kind>, a: u32, c: Map<u8> } { A, B(u8), C { x: u16 } }),
            shape!({ a: u64, b: Vec<Kind>, c: Map<u8> } { A, B(u8), C { x: u16 } }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8> } { A, C { x: u16 }, B(u8) }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8> } { A, B(u8), C { x: u32 } }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8> } { A, B(u8), C { x: u16 }, D }),
            shape!({ a: u32, b: Option<Kind>, c: Map<u8> } { A, B(u8), C { x: u16 } }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u16> } { A, B(u8), C { x: u16 } }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8>, d: [u8; 3] } { A, B(u8), C { x: u16 } }),
            shape!({ a: u32, b: Vec<Kind>, c: Map<u8>, d: [u8; 4] } { A, B(u8), C { x: u16 } }),
        ];
        for (number, shape) in shapes.iter().enumerate() {
            assert!(!shapes[..number].contains(shape), "shape {number}");
        }
        let again = shape!({ a: u32, b: Vec<Kind>, c: Map<u8> } { A, B(u8), C { x: u16 } });
        assert_eq!(shapes[0], again);
    }
}
