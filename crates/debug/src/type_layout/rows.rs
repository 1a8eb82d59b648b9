//! A layout as plain data.

use vatlas_symbols::types::ConstantValue;

/// The layout of a type.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeLayout {
    /// As its declaration begins: `struct counter`.
    pub name: String,
    /// Bytes; `None` where the type has no size.
    pub size: Option<u64>,
    /// What is in it.
    pub rows: Vec<LayoutRow>,
    /// Whether these are all rows; else the limit was reached.
    pub is_complete: bool,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// A part of a type.
#[derive(Clone, PartialEq, Debug)]
pub struct LayoutRow {
    /// How deep in the type: 0 its own parts.
    pub depth: usize,
    /// Bytes from the front of the whole type; `None` of what has no place, or none that is the same in every object.
    pub offset: Option<u64>,
    /// Bytes.
    pub size: Option<u64>,
    /// Lowest bit and number of bits of a bit field.
    pub bits: Option<(u32, u32)>,
    /// Name, or a word for what has none.
    pub name: String,
    /// Its type, as C writes it; empty of a hole.
    pub type_name: String,
    /// What it is.
    pub kind: RowKind,
    /// Value of a name of an enumeration.
    pub value: Option<ConstantValue>,
}

impl LayoutRow {
    pub(super) fn new(depth: usize, kind: RowKind, name: impl Into<String>) -> Self {
        Self {
            depth,
            offset: None,
            size: None,
            bits: None,
            name: name.into(),
            type_name: String::new(),
            kind,
            value: None,
        }
    }
}

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RowKind {
    /// A member of data.
    Member,
    /// A base class.
    Base,
    /// A virtual base class: where it lies is told by a table.
    VirtualBase,
    /// The pointer to a table of virtual functions.
    Vtable,
    /// Bytes that belong to no member.
    Padding,
    /// A member that all objects share.
    Static,
    /// A method.
    Method,
    /// A type declared inside.
    Nested,
    /// A name of an enumeration.
    EnumValue,
    /// An argument of a function.
    Argument,
    /// The type that this one stands for.
    Alias,
    /// A type that this one is made of.
    Part,
}

impl RowKind {
    /// One word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Base => "base",
            Self::VirtualBase => "virtual base",
            Self::Vtable => "vtable",
            Self::Padding => "padding",
            Self::Static => "static",
            Self::Method => "method",
            Self::Nested => "nested",
            Self::EnumValue => "value",
            Self::Argument => "argument",
            Self::Alias => "alias",
            Self::Part => "part",
        }
    }
}
