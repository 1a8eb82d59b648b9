//! The types of one symbol file, and those that an expression makes of them: pointers to them, arrays of them, C's own.

use std::{cell::RefCell, fmt, ops::ControlFlow, rc::Rc};
use vatlas_space::Problem;
use vatlas_symbols::{
    ModuleSymbols, Origin, Type, TypeId, Types,
    types::{BasicKind, PointerKind},
};

/// Set in the number of a type that was made here; no symbol file has so many.
const MADE: u64 = 1 << 63;

/// Types of a file, and made ones. Whoever has it keeps the file.
pub struct TypeStore {
    symbols: Option<(Rc<ModuleSymbols>, usize)>,
    made: RefCell<Vec<Type>>,
    pointer_size: u64,
}

impl fmt::Debug for TypeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypeStore").field("made", &self.made).finish_non_exhaustive()
    }
}

impl TypeStore {
    /// C's own types only.
    pub fn plain(pointer_size: u64) -> Self {
        Self { symbols: None, made: RefCell::default(), pointer_size }
    }

    /// The types of a symbol file, by its number among those of a module.
    pub fn of_file(symbols: Rc<ModuleSymbols>, file: usize, pointer_size: u64) -> Self {
        let told = symbols.files().get(file).and_then(|file| file.types()).map(|types| types.pointer_size());
        let pointer_size = told.filter(|size| matches!(size, 4 | 8)).unwrap_or(pointer_size);
        Self { symbols: Some((symbols, file)), made: RefCell::default(), pointer_size }
    }

    fn under(&self) -> Option<&dyn Types> {
        let (symbols, file) = self.symbols.as_ref()?;
        symbols.files().get(*file)?.types()
    }

    /// The symbol file.
    pub fn origin(&self) -> Option<&Origin> {
        let (symbols, file) = self.symbols.as_ref()?;
        Some(symbols.files().get(*file)?.origin())
    }

    /// A made type; the same one for the same parts.
    pub(super) fn make(&self, of: Type) -> TypeId {
        let mut made = self.made.borrow_mut();
        let index = made.iter().position(|known| *known == of).unwrap_or_else(|| {
            made.push(of);
            made.len() - 1
        });
        TypeId(MADE | index as u64)
    }

    pub(super) fn pointer_to(&self, target: TypeId) -> TypeId {
        let (kind, size) = (PointerKind::Pointer, self.pointer_size);
        self.make(Type::Pointer { target, kind, size, is_const: false, is_volatile: false })
    }

    pub(super) fn array_of(&self, element: TypeId, count: u64, each: u64) -> TypeId {
        self.make(Type::Array { element, count: Some(count), size: count.saturating_mul(each) })
    }

    pub(super) fn basic(&self, kind: BasicKind, size: u64, name: &str) -> TypeId {
        self.make(Type::Basic { kind, size, name: name.to_owned() })
    }

    /// An integer of so many bits, by its C name.
    pub(super) fn integer(&self, width: u32, is_signed: bool) -> TypeId {
        let name = match (width, is_signed) {
            (..=8, true) => "signed char",
            (..=8, false) => "unsigned char",
            (..=16, true) => "short",
            (..=16, false) => "unsigned short",
            (..=32, true) => "int",
            (..=32, false) => "unsigned int",
            (..=64, true) => "__int64",
            (..=64, false) => "unsigned __int64",
            (_, true) => "__int128",
            (_, false) => "unsigned __int128",
        };
        let kind = if is_signed { BasicKind::Signed } else { BasicKind::Unsigned };
        self.basic(kind, u64::from(width.max(8).next_power_of_two() / 8), name)
    }

    pub(super) fn void(&self) -> TypeId {
        self.basic(BasicKind::Void, 0, "void")
    }
}

impl Types for TypeStore {
    fn get(&self, id: TypeId) -> Result<Type, Problem> {
        if id.0 & MADE == 0 {
            let under = self.under().ok_or_else(|| Problem::damage("types", "there are none"))?;
            return under.get(id);
        }
        let index = usize::try_from(id.0 & !MADE).unwrap_or(usize::MAX);
        let found = self.made.borrow().get(index).cloned();
        found.ok_or_else(|| Problem::damage("types", format!("there is no made type {index}")))
    }

    fn find(&self, name: &str) -> Option<TypeId> {
        self.under()?.find(name)
    }

    fn visit_names(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) {
        if let Some(under) = self.under() {
            under.visit_names(visitor);
        }
    }

    fn pointer_size(&self) -> u64 {
        self.pointer_size
    }
}

/// The types of Windows that casts name, where no symbol file has them: name, kind, bytes (0: of a pointer), pointers.
const OF_WINDOWS: [(&str, BasicKind, u64, usize); 41] = {
    use BasicKind::{Char, Char16, Float, Hresult, Signed, Unsigned, Void};
    [
        ("BYTE", Unsigned, 1, 0),
        ("UCHAR", Unsigned, 1, 0),
        ("BOOLEAN", Unsigned, 1, 0),
        ("CHAR", Char, 1, 0),
        ("WCHAR", Char16, 2, 0),
        ("WORD", Unsigned, 2, 0),
        ("USHORT", Unsigned, 2, 0),
        ("SHORT", Signed, 2, 0),
        ("DWORD", Unsigned, 4, 0),
        ("ULONG", Unsigned, 4, 0),
        ("UINT", Unsigned, 4, 0),
        ("UINT32", Unsigned, 4, 0),
        ("LONG", Signed, 4, 0),
        ("INT", Signed, 4, 0),
        ("INT32", Signed, 4, 0),
        ("BOOL", Signed, 4, 0),
        ("HRESULT", Hresult, 4, 0),
        ("NTSTATUS", Hresult, 4, 0),
        ("FLOAT", Float, 4, 0),
        ("QWORD", Unsigned, 8, 0),
        ("ULONGLONG", Unsigned, 8, 0),
        ("UINT64", Unsigned, 8, 0),
        ("ULONG64", Unsigned, 8, 0),
        ("DWORD64", Unsigned, 8, 0),
        ("LONGLONG", Signed, 8, 0),
        ("INT64", Signed, 8, 0),
        ("SIZE_T", Unsigned, 0, 0),
        ("ULONG_PTR", Unsigned, 0, 0),
        ("DWORD_PTR", Unsigned, 0, 0),
        ("UINT_PTR", Unsigned, 0, 0),
        ("LONG_PTR", Signed, 0, 0),
        ("HANDLE", Void, 0, 1),
        ("PVOID", Void, 0, 1),
        ("LPVOID", Void, 0, 1),
        ("LPSTR", Char, 1, 1),
        ("LPCSTR", Char, 1, 1),
        ("PSTR", Char, 1, 1),
        ("LPWSTR", Char16, 2, 1),
        ("LPCWSTR", Char16, 2, 1),
        ("PWSTR", Char16, 2, 1),
        ("LPDWORD", Unsigned, 4, 1),
    ]
};

/// C's own types by their words in the usual order: name, kind, bytes.
const OF_C: [(&str, BasicKind, u64); 36] = {
    use BasicKind::{Bool, Char, Char16, Char32, Float, Signed, Unsigned, Void};
    [
        ("void", Void, 0),
        ("bool", Bool, 1),
        ("char", Char, 1),
        ("signed char", Char, 1),
        ("unsigned char", Char, 1),
        ("wchar_t", Char16, 2),
        ("char16_t", Char16, 2),
        ("char32_t", Char32, 4),
        ("short", Signed, 2),
        ("short int", Signed, 2),
        ("unsigned short", Unsigned, 2),
        ("unsigned short int", Unsigned, 2),
        ("int", Signed, 4),
        ("signed", Signed, 4),
        ("signed int", Signed, 4),
        ("unsigned", Unsigned, 4),
        ("unsigned int", Unsigned, 4),
        // Four bytes on Windows, whatever the processor.
        ("long", Signed, 4),
        ("long int", Signed, 4),
        ("signed long", Signed, 4),
        ("unsigned long", Unsigned, 4),
        ("unsigned long int", Unsigned, 4),
        ("long long", Signed, 8),
        ("signed long long", Signed, 8),
        ("unsigned long long", Unsigned, 8),
        ("__int8", Signed, 1),
        ("unsigned __int8", Unsigned, 1),
        ("__int16", Signed, 2),
        ("unsigned __int16", Unsigned, 2),
        ("__int32", Signed, 4),
        ("unsigned __int32", Unsigned, 4),
        ("__int64", Signed, 8),
        ("unsigned __int64", Unsigned, 8),
        ("float", Float, 4),
        ("double", Float, 8),
        ("long double", Float, 8),
    ]
};

impl TypeStore {
    /// One of C's own types by its words.
    pub(super) fn of_c(&self, words: &str) -> Option<TypeId> {
        let (name, kind, size) = OF_C.iter().find(|(name, ..)| *name == words)?;
        Some(self.basic(*kind, *size, name))
    }

    /// A type that Windows programs know without being told.
    pub(super) fn of_windows(&self, name: &str) -> Option<TypeId> {
        let (name, kind, size, pointers) = OF_WINDOWS.iter().find(|(known, ..)| *known == name)?;
        let size = if *size == 0 && *pointers == 0 { self.pointer_size } else { *size };
        if *pointers == 0 {
            return Some(self.basic(*kind, size, name));
        }
        let target = match kind {
            BasicKind::Char => "char",
            BasicKind::Char16 => "wchar_t",
            BasicKind::Unsigned => "DWORD",
            _ => "void",
        };
        let target = self.basic(*kind, size, target);
        let pointer = self.pointer_to(target);
        Some(self.make(Type::Alias { name: (*name).to_owned(), target: pointer }))
    }
}
