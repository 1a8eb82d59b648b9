//! Names as linkers decorate them, and what they say: the plain name, the whole declaration, the calling convention.
//!
//! ```text
//! _f          __cdecl, or data of C           32-bit x86 only; other processors leave names of C alone
//! _f@8        __stdcall, 8 bytes of arguments  x86; exports of mingw have it without the underscore
//! @f@8        __fastcall                       x86
//! f@@8        __vectorcall                     x86 and x64
//! __imp_NAME  pointer to the imported NAME
//! ?...        C++ of Microsoft's compilers
//! _Z...       C++ of the Itanium ABI: gcc, clang; 32-bit mingw puts an underscore in front
//! ```
//!
//! The first four are those of Microsoft's "Decorated names" and of the GNU linker's `--enable-stdcall-fixup`.

mod demangle;

use crate::{
    symbol::{Symbol, SymbolKind},
    symbol_file::{FileKind, Origin},
};
use demangle::{Demangled, itanium, msvc};
use std::fmt;
use vatlas_space::Machine;

/// Longest name that is looked into; compilers cut theirs at 4096 characters.
const LONGEST: usize = 4096;

/// How a function of 32-bit x86 is called; on other processors only `__vectorcall` differs from the rest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Convention {
    /// The caller takes the arguments off the stack.
    Cdecl,
    /// The function takes its arguments off the stack.
    Stdcall,
    /// As `__stdcall`, with the first two in `ecx` and `edx`.
    Fastcall,
    /// As `__stdcall`, with `this` in `ecx`.
    Thiscall,
    /// As `__fastcall`, with vectors in registers.
    Vectorcall,
}

impl Convention {
    const ALL: [Self; 5] = [Self::Cdecl, Self::Stdcall, Self::Fastcall, Self::Thiscall, Self::Vectorcall];

    /// The compiler's keyword.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Cdecl => "__cdecl",
            Self::Stdcall => "__stdcall",
            Self::Fastcall => "__fastcall",
            Self::Thiscall => "__thiscall",
            Self::Vectorcall => "__vectorcall",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

/// What a name says. Where it cannot be read, all three texts are the name itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// As the file has it.
    pub decorated: String,
    /// The function or variable with its scopes, without arguments: `app::Window::draw`.
    pub plain: String,
    /// With types, as far as the name tells them: `public: void __thiscall app::Window::draw(int)`.
    pub full: String,
    /// How the function is called, where the name tells. `_f` may be data too, which has none.
    pub convention: Option<Convention>,
    /// Bytes of arguments on the stack, where the name tells.
    pub argument_bytes: Option<u32>,
}

impl Name {
    /// As the file has it, plain, and with types.
    pub fn forms(&self) -> [&str; 3] {
        [&self.decorated, &self.plain, &self.full]
    }

    /// Reads a name that a linker decorated, from a map, a COFF symbol table or the publics of a PDB.
    pub fn read(decorated: &str, machine: Machine) -> Self {
        if decorated.len() > LONGEST {
            return Self::itself(decorated);
        }
        if let Some(target) = decorated.strip_prefix("__imp_").filter(|target| !target.is_empty()) {
            let target = Self::read_target(target, machine);
            let plain = format!("__imp_{}", target.plain);
            let full = format!("import pointer to {}", target.full);
            return Self { plain, full, convention: None, ..Self::itself(decorated) };
        }
        Self { decorated: decorated.to_owned(), ..Self::read_target(decorated, machine) }
    }

    /// Reads the name of a symbol by the habits of the file that has it.
    pub fn of(symbol: &Symbol, origin: &Origin, machine: Machine) -> Self {
        let name = match (origin.kind, symbol.kind) {
            // The GNU linker may write C++ names as people do: `Shape::draw(int)`.
            (FileKind::GnuMap, _) if symbol.name.contains('(') => Self::declared(&symbol.name),
            (FileKind::MsvcMap | FileKind::GnuMap | FileKind::Listing | FileKind::Coff, _)
            | (FileKind::Pdb, SymbolKind::Public | SymbolKind::PublicFunction) => Self::read(&symbol.name, machine),
            (FileKind::Exports, _) => Self::of_export(&symbol.name, machine),
            (FileKind::FunctionTable, _) => Self::itself(&symbol.name),
            (FileKind::Pdb | FileKind::Breakpad | FileKind::Dwarf, _) => Self::declared(&symbol.name),
        };
        if symbol.kind == SymbolKind::Data { Self { convention: None, ..name } } else { name }
    }

    /// An exported name: the linker has taken the underscore of `__cdecl` off, so one that is there belongs to it.
    fn of_export(name: &str, machine: Machine) -> Self {
        let read = Self::read(name, machine);
        if read.convention == Some(Convention::Cdecl) && !name.starts_with('?') { Self::itself(name) } else { read }
    }

    /// A name without decoration, with or without arguments: `f`, `A::f(int)`.
    fn declared(name: &str) -> Self {
        if name.len() <= LONGEST && (name.starts_with('?') || name.starts_with("_Z")) {
            return Self::read(name, Machine::X64);
        }
        Self { plain: without_arguments(name).to_owned(), ..Self::itself(name) }
    }

    fn itself(name: &str) -> Self {
        let name = name.to_owned();
        Self { plain: name.clone(), full: name.clone(), decorated: name, convention: None, argument_bytes: None }
    }

    fn read_target(name: &str, machine: Machine) -> Self {
        if name.starts_with('?') {
            return Self::demangled(name, msvc(name), machine);
        }
        if name.starts_with("_Z") {
            return Self::demangled(name, itanium(name), machine);
        }
        let c = of_c(name, machine);
        let mut read = Self::itself(c.name);
        if c.name.starts_with("_Z") {
            read = Self::demangled(c.name, itanium(c.name), machine);
        }
        // The underscore of C++ of mingw tells no convention: `this` may be in a register.
        let tells = !c.name.starts_with("_Z") || c.argument_bytes.is_some();
        Self { convention: c.convention.filter(|_| tells), argument_bytes: c.argument_bytes, ..read }
    }

    fn demangled(name: &str, demangled: Option<Demangled>, machine: Machine) -> Self {
        let Some(Demangled { plain, full, convention: told }) = demangled else { return Self::itself(name) };
        // Compilers for other processors write `__cdecl` into every name, where it means nothing.
        let convention = told.filter(|told| machine == Machine::X86 || *told == Convention::Vectorcall);
        Self { plain, full, convention, ..Self::itself(name) }
    }
}

/// A name of C without its decoration.
struct OfC<'a> {
    name: &'a str,
    convention: Option<Convention>,
    argument_bytes: Option<u32>,
}

fn of_c(name: &str, machine: Machine) -> OfC<'_> {
    let is_x86 = machine == Machine::X86;
    let (stem, bytes) = match argument_bytes(name) {
        Some((stem, bytes)) if is_x86 || machine == Machine::X64 => (stem, Some(bytes)),
        _ => (name, None),
    };
    let of = |name, convention, argument_bytes| OfC { name, convention: Some(convention), argument_bytes };
    match (stem.strip_suffix('@'), bytes) {
        (Some(stem), Some(_)) if !stem.is_empty() => return of(stem, Convention::Vectorcall, bytes),
        _ if !is_x86 => return OfC { name, convention: None, argument_bytes: None },
        _ => {}
    }
    if let (Some(stem), Some(_)) = (stem.strip_prefix('@'), bytes) {
        return of(stem, Convention::Fastcall, bytes);
    }
    match (stem.strip_prefix('_').filter(|stem| !stem.is_empty()), bytes) {
        (Some(stem), Some(_)) => of(stem, Convention::Stdcall, bytes),
        (None, Some(_)) => of(stem, Convention::Stdcall, bytes),
        (Some(stem), None) => of(stem, Convention::Cdecl, None),
        (None, None) => OfC { name, convention: None, argument_bytes: None },
    }
}

/// `name@8`: the name and the number, which is a multiple of 4 and of at most four digits.
fn argument_bytes(name: &str) -> Option<(&str, u32)> {
    let (stem, digits) = name.rsplit_once('@')?;
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = digits.parse().ok().filter(|bytes| is_number && bytes % 4 == 0)?;
    (!stem.is_empty() && stem != "@").then_some((stem, bytes))
}

/// Cuts the argument list off a declared name, and what follows it: `A::f(int) const` is `A::f`.
fn without_arguments(name: &str) -> &str {
    let Some(close) = name.rfind(')') else { return name };
    let is_end = matches!(&name[close + 1..], "" | " const" | " volatile" | " const volatile");
    let mut depth = 0;
    for (index, byte) in name[..=close].bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let stem = &name[..index];
            let is_name = is_end && !stem.is_empty() && !stem.ends_with("operator") && !stem.ends_with(':');
            return if is_name { stem } else { name };
        }
    }
    name
}

#[cfg(test)]
mod tests;
