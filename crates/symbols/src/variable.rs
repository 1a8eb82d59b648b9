//! Variables, parameters and constants, and where their values are.

use crate::types::{ConstantValue, TypeId};
use vatlas_space::Rva;

/// What a variable is to its function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VariableKind {
    /// An argument.
    Parameter,
    /// A variable of the function or of a block in it.
    Local,
    /// A variable of the function that lives as long as the program.
    Static,
}

/// A register by the name that [`vatlas_space::Registers`] gives it (`ebp`, `rsp`, `r11`); for one without such a
/// name (a floating-point or vector register) that of the processor's manual.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RegisterName(pub String);

/// Where a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VariablePlace {
    /// In a register.
    Register(RegisterName),
    /// In two registers, the lower half first.
    Registers(RegisterName, RegisterName),
    /// In memory, at a register's value plus `offset`.
    RegisterRelative {
        /// The register.
        register: RegisterName,
        /// Bytes to add.
        offset: i64,
    },
    /// In memory, at the frame's base plus `offset`. The base is what the unwinder finds (`VFRAME`): `$T0` of the
    /// program of [`FrameRule`]. That is the frame pointer of a function that has one; without one the address where
    /// the return address lies, aligned as the program says.
    FrameRelative {
        /// Bytes to add.
        offset: i64,
    },
    /// In memory, at the address that lies at another place plus `offset`.
    Indirect {
        /// Where the address lies.
        pointer: Box<VariablePlace>,
        /// Bytes to add to it.
        offset: i64,
    },
    /// In memory, at an address that does not move with the frame.
    Static(Rva),
    /// In the thread's storage, at this offset of the module's block.
    ThreadLocal {
        /// Bytes from the front of the block.
        offset: u64,
    },
    /// Nowhere: the compiler knows the value.
    Constant(ConstantValue),
    /// In pieces: bytes from the front of the variable, how many at most (up to the end of the variable where the file
    /// does not tell), and where.
    Pieces(Vec<(u64, u64, VariablePlace)>),
    /// Nowhere: it was optimized away here.
    Gone,
    /// In a place that is not understood; the text says what the file has.
    Unknown(String),
}

/// A variable of a function, in scope at the address that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// What it is to the function.
    pub kind: VariableKind,
    /// Where its value is at the address that was asked for.
    pub place: VariablePlace,
    /// The place comes from a record for debug builds that holds from the end of the prologue on.
    pub is_after_prologue: bool,
    /// Which function of [`crate::SymbolFile::frames_at`] it belongs to: 0 the innermost.
    pub frame: usize,
}

/// A constant of the program: a `const` variable, a name of an enumeration that was used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// Its value.
    pub value: ConstantValue,
}

/// What kind of frame a rule describes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameKind {
    /// Frame-pointer omission: sizes only.
    Fpo,
    /// Built by an interrupt.
    Trap,
    /// Built by a task switch.
    Tss,
    /// With a frame pointer, or described by a program.
    Standard,
}

/// How to leave the frame of an x86 function: a record of the FPO or FrameData stream, or a `STACK WIN` of Breakpad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameRule {
    /// First address that it holds for.
    pub start: Rva,
    /// Bytes that it holds for.
    pub size: u32,
    /// What kind.
    pub kind: FrameKind,
    /// Bytes of local variables.
    pub locals_size: u32,
    /// Bytes of arguments on the stack.
    pub parameters_size: u32,
    /// Bytes of saved registers.
    pub saved_size: u32,
    /// Bytes of code that build the frame.
    pub prologue_size: u32,
    /// The most bytes that it pushes besides, where told.
    pub max_stack: Option<u32>,
    /// Whether it has a handler of structured exceptions.
    pub has_seh: bool,
    /// Whether it has a handler of C++ exceptions.
    pub has_cpp_eh: bool,
    /// Whether the function begins here.
    pub is_function_start: bool,
    /// Whether `ebp` was pushed and is used for something else.
    pub uses_ebp: bool,
    /// The program in postfix notation that computes the caller's registers.
    pub program: Option<String>,
}
