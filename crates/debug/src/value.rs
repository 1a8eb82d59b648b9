//! Values: what the bytes at a place mean as a type. Plain data out; what is missing says why.

mod bytes;
mod enumeration;
mod pointer;
mod read;
mod record;
mod scalar;
mod text;
mod words;

pub use bytes::{Bytes, Place};
pub use read::{ValueLimits, ValueReader, strip, tag};
pub use scalar::{Integer, integer};
pub use text::{Text, TextEnd, quoted};
pub use words::{Radix, WordStyle, words};

use vatlas_space::Va;
use vatlas_symbols::{TypeId, types::RecordKind};

/// A value of a type at a place.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// The type, as C writes it.
    pub type_name: String,
    /// The type in its symbol file.
    pub type_id: TypeId,
    /// Its first address; `None` of a value that is not in memory.
    pub va: Option<Va>,
    /// Bytes; `None` where the type does not tell.
    pub size: Option<u64>,
    /// What it is.
    pub kind: ValueKind,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueKind {
    /// An integer.
    Integer(Integer),
    /// A number of C's `float` or `double`, or a wider one that was rounded to it.
    Float(f64),
    /// Two numbers, real and imaginary.
    Complex(f64, f64),
    /// `bool`: any number but 0 is true.
    Bool(Integer),
    /// A character, by the number that stands for it.
    Char(Integer),
    /// `HRESULT`.
    Hresult(u32),
    /// A value of an enumeration, with the names that make it up: one, or several of flags.
    Enumeration {
        /// The number.
        number: Integer,
        /// Its name, `A | B` of flags; `None` for a number that has none.
        name: Option<String>,
    },
    /// A pointer or reference.
    Pointer(Box<Pointer>),
    /// Characters in a row: an array of a character type.
    Text(Text),
    /// A structure, class or union.
    Record {
        /// How it was declared.
        kind: RecordKind,
        /// Bases, tables and members, by offset.
        fields: Vec<Field>,
    },
    /// Elements in a row.
    Array {
        /// The first of them.
        elements: Vec<Value>,
        /// How many there are; `None` where the type does not tell.
        count: Option<u64>,
    },
    /// Code.
    Function {
        /// Its name, as far as it has one.
        symbol: Option<String>,
    },
    /// Bytes whose meaning is not read here.
    Raw(Vec<u8>),
    /// Bytes that are not at hand, at least one of them.
    Missing(Bytes),
    /// Not shown.
    Hidden(Hidden),
}

/// Why a value is not shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hidden {
    /// It lies deeper than was asked for.
    Depth,
    /// It is being shown already, further out: a cycle.
    Cycle,
    /// More values than are shown at once.
    Limit,
    /// The type has no values: `void`, a declaration without a body.
    NoValue(String),
    /// The symbol file is damaged, or an address leaves the space.
    Problem(String),
}

/// A part of a record.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Name; of a base class that of its type, empty of an unnamed record.
    pub name: String,
    /// What it is to the record.
    pub part: Part,
    /// Bytes from the front of the record; `None` where that cannot be found.
    pub offset: Option<u64>,
    /// Lowest bit and number of bits of a bit field.
    pub bits: Option<(u32, u32)>,
    /// The value.
    pub value: Value,
}

/// What a field is to its record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// A member of data.
    Member,
    /// A base class.
    Base,
    /// A virtual base class.
    VirtualBase,
    /// The pointer to the table of virtual functions.
    Vtable,
}

impl Part {
    /// One word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Base => "base",
            Self::VirtualBase => "virtual base",
            Self::Vtable => "vtable",
        }
    }
}

/// A pointer, and what it leads to.
#[derive(Clone, PartialEq, Debug)]
pub struct Pointer {
    /// Where it points.
    pub to: Va,
    /// The symbol there, with module, offset and line.
    pub symbol: Option<String>,
    /// The characters there, of a pointer to a character type.
    pub text: Option<Text>,
    /// The value there, where it was followed.
    pub target: Option<Value>,
}

#[cfg(test)]
mod tests;
