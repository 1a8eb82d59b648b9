//! An expression as a tree.

use super::error::Span;

/// An expression, and where it was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, PartialEq, Debug)]
pub enum ExpressionKind {
    /// `25`, `0x19`, `25u`.
    Integer {
        /// The number.
        value: u64,
        /// `u`: without a sign.
        is_unsigned: bool,
        /// `ll`, `i64`: of 64 bits.
        is_long: bool,
    },
    /// `2.5`.
    Float(f64),
    /// `'e'`, `L'e'`.
    Character {
        /// Its number.
        code: u32,
        /// `L`.
        is_wide: bool,
    },
    /// A variable, a function, a register.
    Name(Name),
    /// `@eax`, `$pc`: a register or pseudo-register, whatever variables there are.
    Register(String),
    /// `@301`: the code of a line.
    Line(u32),
    /// `-x`.
    Unary(Unary, Box<Expression>),
    /// `x + y`.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `x ? y : z`.
    Conditional(Box<[Expression; 3]>),
    /// `(T)x`.
    Cast(TypeName, Box<Expression>),
    /// `sizeof(T)`.
    SizeOfType(TypeName),
    /// `sizeof x`.
    SizeOf(Box<Expression>),
    /// `x.y`, `x->y`.
    Member {
        /// The record, or the pointer to it.
        of: Box<Expression>,
        /// The member.
        name: String,
        /// `->`.
        is_arrow: bool,
    },
    /// `x[y]`.
    Index(Box<[Expression; 2]>),
    /// `x[y..z]`: elements from one to the other, both included.
    Slice(Box<[Expression; 3]>),
    /// `BY x`, `WO x`, `DW x`, `QW x`: the number of so many bytes at an address.
    Memory(MemoryOperator, Box<Expression>),
    /// `poi(x)`: the pointer at an address.
    Poi(Box<Expression>),
    /// `{function,source,module} x`.
    In(Context, Box<Expression>),
}

/// A name, and where it is looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Name {
    /// Number or name of a process.
    pub process: Option<String>,
    /// Name of a module.
    pub module: Option<String>,
    /// The name with its scopes, `app::counters`.
    pub path: String,
}

/// Where names are looked for first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Context {
    /// A function, whose variables are meant.
    pub function: Option<String>,
    /// A source file.
    pub source: Option<String>,
    /// A module.
    pub module: Option<String>,
    /// A process.
    pub process: Option<String>,
}

/// The name of a type in a cast.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct TypeName {
    /// `struct`, `union`, `class`, `enum`.
    pub tag: Option<&'static str>,
    /// Name of a module.
    pub module: Option<String>,
    /// The name: of a type, or of C's own with one blank between words.
    pub path: String,
    /// How many `*`.
    pub pointers: usize,
    /// `[3]`, in `sizeof` only.
    pub extents: Vec<u64>,
}

/// An operator before its operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unary {
    /// `-`
    Negate,
    /// `+`
    Plus,
    /// `~`
    Complement,
    /// `!`
    Not,
    /// `*`
    Dereference,
    /// `&`
    Address,
}

impl Unary {
    /// How it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Plus => "+",
            Self::Complement => "~",
            Self::Not => "!",
            Self::Dereference => "*",
            Self::Address => "&",
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binary {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `&`
    BitAnd,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// Operators between two operands by how strongly they bind, weakest first; in a row they bind alike, from left to right.
pub const BINARY: [&[(&str, Binary)]; 10] = [
    &[("||", Binary::Or)],
    &[("&&", Binary::And)],
    &[("|", Binary::BitOr)],
    &[("^", Binary::BitXor)],
    &[("&", Binary::BitAnd)],
    &[("==", Binary::Equal), ("!=", Binary::NotEqual)],
    &[("<", Binary::Less), ("<=", Binary::LessEqual), (">", Binary::Greater), (">=", Binary::GreaterEqual)],
    &[("<<", Binary::ShiftLeft), (">>", Binary::ShiftRight)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)],
];

impl Binary {
    /// How strongly it binds: a row of `BINARY`.
    pub fn level(self) -> usize {
        BINARY.iter().position(|row| row.iter().any(|(_, operator)| *operator == self)).unwrap_or_default()
    }

    /// How it is written.
    pub fn symbol(self) -> &'static str {
        let all = BINARY.iter().flat_map(|row| row.iter());
        all.clone().find(|(_, operator)| *operator == self).map_or("", |(symbol, _)| symbol)
    }
}

/// An operator of Platform Builder that reads memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MemoryOperator {
    /// One byte.
    Byte,
    /// Two.
    Word,
    /// Four.
    Dword,
    /// Eight.
    Qword,
}

impl MemoryOperator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Byte, Self::Word, Self::Dword, Self::Qword];

    /// How it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Byte => "BY",
            Self::Word => "WO",
            Self::Dword => "DW",
            Self::Qword => "QW",
        }
    }

    /// Bytes that it reads.
    pub const fn size(self) -> u64 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
            Self::Qword => 8,
        }
    }
}
