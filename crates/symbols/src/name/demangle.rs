//! The two demanglers, kept from running wild on names that no compiler made.

use super::Convention;
use std::fmt::{self, Write};
use undname::Flags;

/// Longest text that a name may turn into: names refer back to their own parts, so a short one can grow without end.
const LONGEST_TEXT: usize = 0x1_0000;

/// Kilobytes of stack that a name of Microsoft's may take, as [`stack_kilobytes`] reckons them.
const MOST_STACK: usize = 1000;

/// A demangled name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Demangled {
    /// Scopes and name.
    pub plain: String,
    /// The declaration.
    pub full: String,
    /// What the declaration says.
    pub convention: Option<Convention>,
}

/// Reads a name of Microsoft's C++ compilers.
pub(super) fn msvc(name: &str) -> Option<Demangled> {
    if stack_kilobytes(name) > MOST_STACK {
        return None;
    }
    // The demangler drops what follows a name without a word.
    let (name, suffix) = msvc_suffix(name);
    let text = |flags| undname::demangle(name, flags).ok().filter(|text| text.len() <= LONGEST_TEXT);
    let (full, plain) = (text(Flags::default())?, text(Flags::NAME_ONLY)?);
    let convention = Convention::ALL.into_iter().find(|convention| {
        let declaration = format!("{convention} {plain}(");
        full.contains(&declaration)
    });
    Some(Demangled { plain: plain + suffix, full: full + suffix, convention })
}

/// An upper bound of the stack that `undname` takes. It descends without a limit; measured on nests of all kinds in
/// an unoptimized build, a template or a symbol as an argument (each has a `?`) takes 4.9 KB, a function pointer
/// 1.8 KB, an array 1.4 KB, a pointer or reference of two letters 0.9 KB.
fn stack_kilobytes(name: &str) -> usize {
    let halves = name.bytes().map(|byte| match byte {
        b'?' => 10,
        b'P' | b'Q' | b'R' | b'S' | b'Y' => 4,
        b'A' | b'B' | b'$' => 1,
        _ => 0,
    });
    halves.sum::<usize>() / 2
}

/// What compilers append to the name of a function for a part of it: `$fin$0`, `$filt$1`, `$catch$2`, `.cold`.
fn msvc_suffix(name: &str) -> (&str, &str) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |word: &str| {
        let at = name.rfind(word)?;
        is_number(&name[at + word.len()..]).then_some(at)
    };
    let at = ["$fin$", "$filt$", "$catch$", "$dtor$"].into_iter().find_map(part).or_else(|| name.find('.'));
    name.split_at(at.unwrap_or(name.len()))
}

/// Reads a name of the Itanium ABI.
pub(super) fn itanium(name: &str) -> Option<Demangled> {
    use cpp_demangle::{BorrowedSymbol, DemangleOptions};
    let symbol = BorrowedSymbol::new(name.as_bytes()).ok()?;
    let text = |options: DemangleOptions| {
        let mut text = Bounded(String::new());
        symbol.structured_demangle(&mut text, &options).ok().map(|()| text.0)
    };
    let full = text(DemangleOptions::new())?;
    let plain = text(DemangleOptions::new().no_params().no_return_type())?;
    let (_, suffix) = name.split_at(name.find('.').unwrap_or(name.len()));
    Some(Demangled { plain: plain + suffix, full, convention: None })
}

/// A text that refuses to grow past [`LONGEST_TEXT`].
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST_TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
