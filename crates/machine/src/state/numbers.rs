//! Are the numbers in a state those of something that is there? A state that was read from a file is walked through as
//! if it were written again, and every number that has a type of its own (`ThreadIndex`, `ObjectId`, ...) is looked at.

use serde::ser::{self, Serialize, Serializer};
use std::fmt;

/// What is wrong: the type of a number, and the number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct WrongNumber {
    /// The name of its type.
    pub of: String,
    /// The number.
    pub number: u64,
}

impl fmt::Display for WrongNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x} leads nowhere", self.of, self.number)
    }
}

impl std::error::Error for WrongNumber {}

impl ser::Error for WrongNumber {
    fn custom<T: fmt::Display>(cause: T) -> Self {
        Self { of: cause.to_string(), number: 0 }
    }
}

/// Looks at every number in a value that is the only field of a struct of its own, or a field of a struct: `is_right`
/// gets the names of the struct and of the field (empty for the only one).
///
/// # Errors
/// The first number that is wrong.
pub(crate) fn check_numbers(
    value: &impl Serialize,
    is_right: &dyn Fn(&str, &str, u64) -> bool,
) -> Result<(), WrongNumber> {
    value.serialize(Walk { is_right, of: "", field: "" })
}

/// Where the walk is: inside of which struct, in which field.
#[derive(Clone, Copy)]
struct Walk<'w> {
    is_right: &'w dyn Fn(&str, &str, u64) -> bool,
    of: &'static str,
    field: &'static str,
}

impl Walk<'_> {
    fn number(self, number: u64) -> Result<(), WrongNumber> {
        if self.of.is_empty() || (self.is_right)(self.of, self.field, number) {
            return Ok(());
        }
        Err(WrongNumber { of: self.of.to_owned(), number })
    }

    /// What is in lists, options and tuples has no name of its own.
    const fn nameless(self) -> Self {
        Self { of: "", field: "", ..self }
    }
}

macro_rules! ignored {
    ($($method:ident: $kind:ty),*) => {$(
        fn $method(self, _: $kind) -> Result<(), WrongNumber> {
            Ok(())
        }
    )*};
}

macro_rules! looked_at {
    ($($method:ident: $kind:ty),*) => {$(
        fn $method(self, number: $kind) -> Result<(), WrongNumber> {
            self.number(number.into())
        }
    )*};
}

impl<'w> Serializer for Walk<'w> {
    type Ok = ();
    type Error = WrongNumber;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'w>;
    type SerializeStructVariant = Fields<'w>;

    looked_at! { serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64 }
    ignored! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str
    }

    fn serialize_none(self) -> Result<(), WrongNumber> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), WrongNumber> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WrongNumber> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), WrongNumber> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), WrongNumber> {
        value.serialize(Self { of: name, field: "", ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), WrongNumber> {
        value.serialize(self.nameless())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, WrongNumber> {
        Ok(self.nameless())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, WrongNumber> {
        Ok(self.nameless())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, WrongNumber> {
        Ok(self.nameless())
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, WrongNumber> {
        Ok(self.nameless())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, WrongNumber> {
        Ok(self.nameless())
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'w>, WrongNumber> {
        Ok(Fields(Self { of: name, ..self }))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Fields<'w>, WrongNumber> {
        Ok(Fields(Self { of: name, ..self }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! elements {
    ($($kind:ident $method:ident),*) => {$(
        impl ser::$kind for Walk<'_> {
            type Ok = ();
            type Error = WrongNumber;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WrongNumber> {
                value.serialize(*self)
            }

            fn end(self) -> Result<(), WrongNumber> {
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

impl ser::SerializeMap for Walk<'_> {
    type Ok = ();
    type Error = WrongNumber;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WrongNumber> {
        key.serialize(*self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WrongNumber> {
        value.serialize(*self)
    }

    fn end(self) -> Result<(), WrongNumber> {
        Ok(())
    }
}

/// The fields of a struct.
struct Fields<'w>(Walk<'w>);

macro_rules! fields {
    ($($kind:ident),*) => {$(
        impl ser::$kind for Fields<'_> {
            type Ok = ();
            type Error = WrongNumber;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), WrongNumber> {
                value.serialize(Walk { field: name, ..self.0 })
            }

            fn end(self) -> Result<(), WrongNumber> {
                Ok(())
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }

#[cfg(test)]
mod tests {
    use super::check_numbers;
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Number(u32);

    #[derive(Serialize)]
    struct Block {
        va: u32,
        pa: u32,
    }

    #[derive(Serialize)]
    enum Kind {
        One(Number),
        Two { number: Number, other: u32 },
    }

    #[derive(Serialize)]
    struct Whole {
        many: Vec<Option<Number>>,
        by: BTreeMap<u32, Kind>,
        block: Block,
        bytes: Vec<u8>,
    }

    #[test]
    fn every_number_of_a_type_is_looked_at() {
        let check = |many: u32, one: u32, two: u32, pa: u32| {
            let by = [(700, Kind::One(Number(one))), (701, Kind::Two { number: Number(two), other: 99 })];
            let whole = Whole {
                many: vec![None, Some(Number(many))],
                by: by.into_iter().collect(),
                block: Block { va: 900, pa },
                bytes: vec![200],
            };
            let is_right = |of: &str, field: &str, number: u64| match (of, field) {
                ("Number", _) => number < 10,
                ("Block", "pa") => number < 100,
                _ => true,
            };
            check_numbers(&whole, &is_right).map_err(|wrong| wrong.to_string())
        };
        assert_eq!(check(1, 2, 3, 50), Ok(()));
        assert_eq!(check(10, 2, 3, 50), Err("Number 0xa leads nowhere".to_owned()));
        assert_eq!(check(1, 11, 3, 50), Err("Number 0xb leads nowhere".to_owned()));
        assert_eq!(check(1, 2, 12, 50), Err("Number 0xc leads nowhere".to_owned()));
        assert_eq!(check(1, 2, 3, 100), Err("Block 0x64 leads nowhere".to_owned()));
    }
}
