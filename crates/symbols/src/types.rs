//! Types, as debug information tells them: plain data, and what every file that has types can be asked.

use std::{fmt, ops::ControlFlow};
use vatlas_space::Problem;

/// A type of one symbol file: the type index of a PDB, the place of the entry in DWARF. It means nothing elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub u64);

/// What a type without parts holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BasicKind {
    /// Nothing; has no values.
    Void,
    /// `bool`, of any size.
    Bool,
    /// `char`, `signed char`, `unsigned char`: text of one byte per character.
    Char,
    /// `wchar_t`, `char16_t`: text in UTF-16.
    Char16,
    /// `char32_t`: text in UTF-32.
    Char32,
    /// `char8_t`: text in UTF-8.
    Char8,
    /// An integer with a sign.
    Signed,
    /// An integer without a sign.
    Unsigned,
    /// IEEE, of 2, 4, 8, 10 or 16 bytes.
    Float,
    /// Two floats, real and imaginary.
    Complex,
    /// `HRESULT`: a 32-bit status of COM.
    Hresult,
}

/// What a pointer points at, and how.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PointerKind {
    /// `T *`
    Pointer,
    /// `T &`
    LvalueReference,
    /// `T &&`
    RvalueReference,
    /// `T C::*`, a member of data of the class.
    MemberData(TypeId),
    /// `T (C::*)()`, a method of the class.
    MemberFunction(TypeId),
}

/// How a record was declared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RecordKind {
    /// `struct`
    Struct,
    /// `class`
    Class,
    /// `union`
    Union,
    /// `__interface`
    Interface,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Struct => "struct",
            Self::Class => "class",
            Self::Union => "union",
            Self::Interface => "__interface",
        })
    }
}

/// A member of data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name; empty for an unnamed structure or union inside.
    pub name: String,
    /// Its type; of a bit field a [`Type::BitField`].
    pub type_id: TypeId,
    /// Bytes from the front of the record.
    pub offset: u64,
}

/// A base class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// The class.
    pub type_id: TypeId,
    /// Where it lies.
    pub place: BasePlace,
}

/// Where a base class lies in a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BasePlace {
    /// Bytes from the front.
    At(u64),
    /// A virtual base: a table says where. The pointer to the table lies at `pointer_offset`, the bytes to the base at
    /// the entry `index` of it.
    Virtual {
        /// Bytes from the front of the record to the pointer.
        pointer_offset: u64,
        /// Entry of the table.
        index: u64,
        /// Whether it is a base of a base.
        is_indirect: bool,
    },
}

/// A method.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Its type, a [`Type::Function`].
    pub type_id: TypeId,
    /// Bytes into the table of virtual functions, for the first declaration of a virtual method.
    pub vtable_offset: Option<u64>,
    /// Whether it is called without an object.
    pub is_static: bool,
    /// Whether it is virtual, here or from a base.
    pub is_virtual: bool,
}

/// A structure, class, union or interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// How it was declared.
    pub kind: RecordKind,
    /// Its name with scopes; what the compiler made up for one without a name.
    pub name: String,
    /// Bytes; 0 of a declaration without a body.
    pub size: u64,
    /// A declaration whose body this file does not have.
    pub is_forward: bool,
    /// Members of data, as declared.
    pub members: Vec<Member>,
    /// Base classes, as declared.
    pub bases: Vec<Base>,
    /// Members shared by all objects.
    pub statics: Vec<(String, TypeId)>,
    /// Methods, overloads one by one.
    pub methods: Vec<Method>,
    /// Types declared inside.
    pub nested: Vec<(String, TypeId)>,
    /// Offsets of the pointers to tables of virtual functions, and the types of the tables.
    pub vtables: Vec<(u64, TypeId)>,
}

/// A named value of an enumeration, or a constant: any integer that a compiler can write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedValue {
    /// The name.
    pub name: String,
    /// The value.
    pub value: ConstantValue,
}

/// A value that is in the debug information and not in memory.
#[derive(Clone, PartialEq, Debug)]
pub enum ConstantValue {
    /// An integer of any size and sign.
    Integer(i128),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// The bytes of a number that has no form here.
    Bytes(Vec<u8>),
}

impl Eq for ConstantValue {}

/// An enumeration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enumeration {
    /// Its name with scopes.
    pub name: String,
    /// The integer that holds it.
    pub underlying: TypeId,
    /// A declaration whose body this file does not have.
    pub is_forward: bool,
    /// Its values, as declared.
    pub values: Vec<NamedValue>,
}

/// A function's type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionType {
    /// What it returns.
    pub result: TypeId,
    /// What it takes, without `this`.
    pub arguments: Vec<TypeId>,
    /// Whether more may follow (`...`).
    pub is_variadic: bool,
    /// The class that it is a method of.
    pub class: Option<TypeId>,
    /// Keyword of the calling convention, `__stdcall`, where the file tells.
    pub convention: Option<&'static str>,
}

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// One without parts.
    Basic {
        /// What it holds.
        kind: BasicKind,
        /// Bytes.
        size: u64,
        /// As a C programmer writes it: `unsigned long`.
        name: String,
    },
    /// A pointer or reference.
    Pointer {
        /// What it points at.
        target: TypeId,
        /// How.
        kind: PointerKind,
        /// Bytes.
        size: u64,
        /// Whether the pointer itself is `const`.
        is_const: bool,
        /// Whether the pointer itself is `volatile`.
        is_volatile: bool,
    },
    /// A type with `const`, `volatile` or `__unaligned` before it.
    Modified {
        /// Without it.
        target: TypeId,
        /// `const`
        is_const: bool,
        /// `volatile`
        is_volatile: bool,
        /// `__unaligned`
        is_unaligned: bool,
    },
    /// An array of one dimension; those of more are arrays of arrays.
    Array {
        /// Type of an element.
        element: TypeId,
        /// Elements; `None` where it was declared without.
        count: Option<u64>,
        /// Bytes.
        size: u64,
    },
    /// Some bits of an integer.
    BitField {
        /// The integer.
        target: TypeId,
        /// Number of the lowest bit.
        first_bit: u32,
        /// How many bits.
        bits: u32,
    },
    /// A structure, class, union or interface.
    Record(Record),
    /// An enumeration.
    Enumeration(Enumeration),
    /// A function.
    Function(FunctionType),
    /// Another name for a type (`typedef`, `using`).
    Alias {
        /// The name.
        name: String,
        /// What it names.
        target: TypeId,
    },
    /// A table of virtual functions.
    VtableShape {
        /// Its entries.
        entries: u32,
    },
    /// Something that has no values: a label, a kind that is not read. The text says what.
    Other(String),
}

/// The types of one symbol file.
pub trait Types {
    /// A type. A declaration without a body gives the body where the file has it elsewhere.
    ///
    /// # Errors
    /// There is no such type, or its record is damaged: file, stream and offset.
    fn get(&self, id: TypeId) -> Result<Type, Problem>;

    /// The type with this name, exactly; one with a body before a mere declaration. Base types are found by the names
    /// of C (`unsigned long`) too.
    fn find(&self, name: &str) -> Option<TypeId>;

    /// Every name of a type, until the visitor breaks. A type may be visited more than once.
    fn visit_names(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>);

    /// Bytes of a pointer in the program that the file belongs to.
    fn pointer_size(&self) -> u64;
}
