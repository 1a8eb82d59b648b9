//! A type as C declares it, and its size.
//!
//! A declaration is written from the name outwards: what stands around the name grows by `*` before it and by `[3]` or
//! `(char)` behind it, until a type with a name of its own is met.

use crate::types::{FunctionType, PointerKind, Type, TypeId, Types};

/// Types that follow one another; compilers stop far below.
const MOST_LEVELS: u32 = 64;
/// Types in one declaration: with their names more than anybody reads.
const MOST_TYPES: u32 = 256;
/// What stands for the rest of a declaration that is too long.
const REST: &str = "/* ... */";

/// A type without a name to declare: `int (*)(char, ...)`.
pub fn type_name(types: &dyn Types, id: TypeId) -> String {
    declaration(types, id, "")
}

/// The declaration of a variable or member: `int (*name)(char, ...)`. What cannot be read is a comment in it.
pub fn declaration(types: &dyn Types, id: TypeId, name: &str) -> String {
    Writer { types, left: MOST_TYPES }.declare(id, Declarator::name(name), 0)
}

/// Bytes of a type: nothing for a function, for a declaration without a body, and where the file does not tell.
pub fn size_of(types: &dyn Types, id: TypeId) -> Option<u64> {
    let mut id = id;
    for _ in 0..MOST_LEVELS {
        id = match types.get(id).ok()? {
            Type::Basic { size, .. } | Type::Pointer { size, .. } | Type::Array { size, .. } => return Some(size),
            Type::Record(record) => return (!record.is_forward).then_some(record.size),
            Type::Enumeration(enumeration) => enumeration.underlying,
            Type::Modified { target, .. } | Type::BitField { target, .. } | Type::Alias { target, .. } => target,
            Type::Function(_) | Type::VtableShape { .. } | Type::Other(_) => return None,
        };
    }
    None
}

/// What stands before a type.
#[derive(Clone, Copy, Default)]
struct Qualifiers {
    is_const: bool,
    is_volatile: bool,
    is_unaligned: bool,
}

impl Qualifiers {
    fn and(self, other: Self) -> Self {
        Self {
            is_const: self.is_const || other.is_const,
            is_volatile: self.is_volatile || other.is_volatile,
            is_unaligned: self.is_unaligned || other.is_unaligned,
        }
    }

    /// Each with a space behind it.
    fn text(self) -> String {
        let words = [(self.is_const, "const "), (self.is_volatile, "volatile "), (self.is_unaligned, "__unaligned ")];
        words.into_iter().filter(|word| word.0).map(|word| word.1).collect()
    }
}

/// What stands around the name.
struct Declarator {
    text: String,
    /// Whether it begins with a `*`, which binds less than what may come behind.
    is_pointer: bool,
    /// Those of the type that comes next.
    qualifiers: Qualifiers,
}

impl Declarator {
    fn name(name: &str) -> Self {
        Self { text: name.to_owned(), is_pointer: false, qualifiers: Qualifiers::default() }
    }

    /// With something behind it: `(*name)[3]`, `name[3]`.
    fn with_suffix(self, suffix: &str) -> Self {
        let text = if self.is_pointer { format!("({}){suffix}", self.text) } else { format!("{}{suffix}", self.text) };
        Self { text, is_pointer: false, ..self }
    }

    /// With a pointer's mark and qualifiers before it: `* const name`.
    fn with_mark(self, mark: &str, own: Qualifiers) -> Self {
        let qualifiers = own.and(self.qualifiers).text();
        let space = if qualifiers.is_empty() { "" } else { " " };
        let text = format!("{mark}{space}{qualifiers}{}", self.text).trim_end().to_owned();
        Self { text, is_pointer: true, qualifiers: Qualifiers::default() }
    }

    /// Behind the name of a type.
    fn after(&self, name: &str) -> String {
        let space = if self.text.is_empty() { "" } else { " " };
        format!("{}{name}{space}{}", self.qualifiers.text(), self.text)
    }
}

struct Writer<'a> {
    types: &'a dyn Types,
    left: u32,
}

impl Writer<'_> {
    fn declare(&mut self, id: TypeId, around: Declarator, level: u32) -> String {
        self.left = self.left.saturating_sub(1);
        if level == MOST_LEVELS || self.left == 0 {
            return around.after(REST);
        }
        let Ok(found) = self.types.get(id) else { return around.after(&format!("/* type {:#x} */", id.0)) };
        match found {
            Type::Basic { name, .. } | Type::Alias { name, .. } => around.after(&name),
            Type::Record(record) => around.after(&format!("{} {}", record.kind, record.name)),
            Type::Enumeration(enumeration) => around.after(&format!("enum {}", enumeration.name)),
            Type::Pointer { target, kind, is_const, is_volatile, .. } => {
                let own = Qualifiers { is_const, is_volatile, is_unaligned: false };
                let around = around.with_mark(&self.mark(kind), own);
                self.declare(target, around, level + 1)
            }
            Type::Modified { target, is_const, is_volatile, is_unaligned } => {
                let own = Qualifiers { is_const, is_volatile, is_unaligned };
                let qualifiers = own.and(around.qualifiers);
                self.declare(target, Declarator { qualifiers, ..around }, level + 1)
            }
            Type::Array { element, count, .. } => {
                let suffix = count.map_or_else(|| "[]".to_owned(), |count| format!("[{count}]"));
                self.declare(element, around.with_suffix(&suffix), level + 1)
            }
            Type::BitField { target, bits, .. } => {
                let whole = self.declare(target, around, level + 1);
                format!("{whole} : {bits}")
            }
            Type::Function(function) => self.function(&function, around, level),
            Type::VtableShape { entries } => around.after(&format!("/* {entries} virtual functions */")),
            Type::Other(what) => around.after(&format!("/* {what} */")),
        }
    }

    fn mark(&self, kind: PointerKind) -> String {
        match kind {
            PointerKind::Pointer => "*".to_owned(),
            PointerKind::LvalueReference => "&".to_owned(),
            PointerKind::RvalueReference => "&&".to_owned(),
            PointerKind::MemberData(class) | PointerKind::MemberFunction(class) => match self.types.get(class) {
                Ok(Type::Record(record)) => format!("{}::*", record.name),
                _ => format!("/* type {:#x} */::*", class.0),
            },
        }
    }

    fn function(&mut self, function: &FunctionType, around: Declarator, level: u32) -> String {
        let mut arguments = Vec::new();
        for argument in &function.arguments {
            if self.left == 0 {
                arguments.push(REST.to_owned());
                break;
            }
            arguments.push(self.declare(*argument, Declarator::name(""), level + 1));
        }
        match (arguments.is_empty(), function.is_variadic) {
            (_, true) => arguments.push("...".to_owned()),
            (true, false) => arguments.push("void".to_owned()),
            (false, false) => {}
        }
        let convention = own_convention(function).map(|convention| format!("{convention} ")).unwrap_or_default();
        // Qualifiers of a function are those of the object that it is called for.
        let Declarator { text, is_pointer, .. } = around;
        let around = Declarator { text: convention + &text, is_pointer, qualifiers: Qualifiers::default() };
        let around = around.with_suffix(&format!("({})", arguments.join(", ")));
        self.declare(function.result, around, level + 1)
    }
}

/// The convention that must be written: not those that functions and methods have by themselves.
fn own_convention(function: &FunctionType) -> Option<&'static str> {
    let is_usual = |convention| convention == "__cdecl" || function.class.is_some() && convention == "__thiscall";
    function.convention.filter(|convention| !is_usual(*convention))
}

#[cfg(test)]
mod tests;
