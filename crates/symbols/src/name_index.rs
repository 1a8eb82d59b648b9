//! All names of a symbol file in every form that a pattern may fit: made once for a build of a program, kept by whoever
//! has a place for it, and opened again without reading the file.

use crate::{
    index_bytes::{
        IndexBytes, Section,
        rows::{Row, RowWords, bytes_of},
    },
    name::Name,
    pdb::SharedBytes,
    symbol::Symbol,
    symbol_file::{Identity, Origin, SymbolFile},
    table::rows::SymbolRow,
};
use std::{collections::HashMap, ops::ControlFlow};
use vatlas_space::{Machine, Rva};

/// Which index: of which build, read from what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexKey {
    /// The build of the program.
    pub identity: Identity,
    /// A sum over the head of the file. A stripped or amended copy has the identity of the whole file, but another head.
    pub head: u64,
    /// Whose habits of decoration the names were read by.
    pub machine: Machine,
}

/// Keeps indexes between runs. A store that has nothing and keeps nothing changes no answer.
pub trait IndexStore {
    /// The bytes that were kept for a key.
    fn load(&self, key: &IndexKey) -> Option<SharedBytes>;

    /// Keeps bytes for a key.
    fn keep(&self, key: &IndexKey, bytes: &[u8]);
}

/// A symbol with its name in every form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedSymbol<'a> {
    /// Its first address.
    pub rva: Rva,
    /// The name as the file has it, the plain name and the whole declaration.
    pub forms: [&'a str; 3],
    row: SymbolRow,
}

impl NamedSymbol<'_> {
    /// The name with its scopes, without arguments.
    pub fn plain(&self) -> &str {
        self.forms[1]
    }

    /// The symbol.
    pub fn symbol(&self) -> Symbol {
        let size = (self.row.size != 0).then_some(self.row.size);
        Symbol { rva: self.rva, size, name: self.forms[0].into(), kind: self.row.kind }
    }
}

/// What is called with the symbols of a file.
pub type NameVisitor<'v> = dyn FnMut(&Origin, &NamedSymbol<'_>) -> ControlFlow<()> + 'v;

/// A symbol's row with the places of its other forms.
struct NameRow {
    symbol: SymbolRow,
    plain: (u32, u32),
    full: (u32, u32),
}

impl Row for NameRow {
    const WORDS: usize = SymbolRow::WORDS + 4;

    fn words(&self) -> impl AsRef<[u32]> {
        let own = [self.plain.0, self.plain.1, self.full.0, self.full.1];
        [self.symbol.words().as_ref(), &own].concat()
    }

    fn of(words: RowWords<'_>) -> Self {
        let front = SymbolRow::WORDS;
        Self { symbol: SymbolRow::of(words), plain: words.text(front), full: words.text(front + 2) }
    }
}

/// The names of one file, in the order in which it hands its symbols out.
#[derive(Debug)]
pub(crate) struct NameIndex(IndexBytes);

impl NameIndex {
    /// Reads all names of a file; `None` when they take more than four gigabytes.
    pub(crate) fn of(file: &dyn SymbolFile, machine: Machine) -> Option<Self> {
        let (mut texts, mut rows, mut is_full) = (Texts::default(), Vec::new(), false);
        file.visit(&mut |symbol| match row(&mut texts, symbol, &Name::of(symbol, file.origin(), machine)) {
            Some(row) => {
                rows.push(row);
                ControlFlow::Continue(())
            }
            None => {
                is_full = true;
                ControlFlow::Break(())
            }
        });
        let sections = [(Section::Names, texts.all.into_bytes()), (Section::NameForms, bytes_of(&rows))];
        (!is_full).then(|| Self(IndexBytes::of(&sections)))
    }

    /// That of a build, from the store, else from the file; then the store is given it.
    pub(crate) fn load_or_make(file: &dyn SymbolFile, machine: Machine, store: &dyn IndexStore) -> Option<Self> {
        let (identity, head) = (file.origin().identity?, file.head_sum()?);
        let key = IndexKey { identity, head, machine };
        let kept = store.load(&key).and_then(|bytes| IndexBytes::open(bytes, &key.bytes()));
        if let Some(kept) = kept {
            return Some(Self(kept));
        }
        let made = Self::of(file, machine)?;
        store.keep(&key, &made.0.write(&key.bytes(), &[]));
        Some(made)
    }

    /// Hands every symbol out; whether the visitor wants more.
    pub(crate) fn visit(&self, origin: &Origin, visitor: &mut NameVisitor<'_>) -> ControlFlow<()> {
        self.0.rows::<NameRow>(Section::NameForms).iter().try_for_each(|row| {
            let forms = [row.symbol.name, row.plain, row.full].map(|place| self.0.text(place));
            visitor(origin, &NamedSymbol { rva: Rva(row.symbol.rva), forms, row: row.symbol })
        })
    }
}

/// The same for a file without an index.
pub(crate) fn visit_file(file: &dyn SymbolFile, machine: Machine, visitor: &mut NameVisitor<'_>) -> ControlFlow<()> {
    let mut flow = ControlFlow::Continue(());
    file.visit(&mut |symbol| {
        let name = Name::of(symbol, file.origin(), machine);
        let row = SymbolRow::new(symbol, (0, 0));
        flow = visitor(file.origin(), &NamedSymbol { rva: symbol.rva, forms: name.forms(), row });
        flow
    });
    flow
}

impl IndexKey {
    fn bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl std::fmt::Display for IndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "names of {}, head {:016x}, as {}", self.identity, self.head, self.machine)
    }
}

fn row(texts: &mut Texts, symbol: &Symbol, name: &Name) -> Option<NameRow> {
    let decorated = texts.keep(&name.decorated)?;
    let plain = if name.plain == name.decorated { decorated } else { texts.keep(&name.plain)? };
    let full = if name.full == name.plain { plain } else { texts.keep(&name.full)? };
    Some(NameRow { symbol: SymbolRow::new(symbol, decorated), plain, full })
}

/// Texts one behind the other, each once.
#[derive(Default)]
struct Texts {
    all: String,
    known: HashMap<Box<str>, (u32, u32)>,
}

impl Texts {
    fn keep(&mut self, text: &str) -> Option<(u32, u32)> {
        if let Some(place) = self.known.get(text) {
            return Some(*place);
        }
        let start = u32::try_from(self.all.len()).ok()?;
        let end = u32::try_from(self.all.len().checked_add(text.len())?).ok()?;
        self.all.push_str(text);
        self.known.insert(text.into(), (start, end));
        Some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ModuleSymbols, NamePattern, find,
        pdb::PdbFile,
        suggestions,
        symbol::SymbolKind,
        symbol_file::FileKind,
        table::{SymbolTable, TableBuilder},
    };
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
        sync::Arc,
    };

    /// A table that says it is a PDB and counts how often it is read.
    struct Counted(SymbolTable, Rc<Cell<usize>>);

    impl SymbolFile for Counted {
        fn origin(&self) -> &Origin {
            self.0.origin()
        }
        fn problems(&self) -> &[vatlas_space::Problem] {
            &[]
        }
        fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
            self.0.symbol_at(rva)
        }
        fn frames_at(&self, _: Rva) -> Vec<crate::Frame> {
            Vec::new()
        }
        fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
            self.1.set(self.1.get() + 1);
            self.0.visit(visitor);
        }
        fn lines_of(&self, _: &Symbol) -> Vec<(Rva, u32, crate::SourceLine)> {
            Vec::new()
        }
        fn head_sum(&self) -> Option<u64> {
            Some(7)
        }
    }

    #[derive(Default)]
    struct Kept(RefCell<HashMap<String, Vec<u8>>>);

    impl IndexStore for Kept {
        fn load(&self, key: &IndexKey) -> Option<SharedBytes> {
            let found = self.0.borrow().get(&key.to_string()).cloned()?;
            Some(Arc::new(found))
        }
        fn keep(&self, key: &IndexKey, bytes: &[u8]) {
            self.0.borrow_mut().insert(key.to_string(), bytes.to_vec());
        }
    }

    struct World {
        kept: Rc<Kept>,
        reads: Rc<Cell<usize>>,
    }

    impl World {
        fn symbols(&self, signature: u32, with_store: bool) -> ModuleSymbols {
            let mut builder = TableBuilder::default();
            let names = ["?draw@Window@app@@QAEXH@Z", "_HeapAlloc@12", "_HeapAlloc@12", "main"];
            for (rva, name) in (0x10..).step_by(0x10).zip(names) {
                builder.symbol(Rva(rva), rva / 8, name, SymbolKind::PublicFunction);
            }
            let identity = Some(Identity::Signature { signature, age: 1 });
            let table = builder.build(Origin { file: "a.pdb".into(), kind: FileKind::Pdb, identity });
            let symbols = ModuleSymbols::new(vec![Box::new(Counted(table, Rc::clone(&self.reads)))]);
            if with_store { symbols.with_store(Rc::clone(&self.kept) as Rc<dyn IndexStore>) } else { symbols }
        }

        /// What a pattern finds, and how often the file was read for it.
        fn check(&self, signature: u32, pattern: &str, reads: usize) {
            let pattern = NamePattern::parse(pattern, false).unwrap();
            let plain = find(&self.symbols(signature, false), Machine::X86, &pattern, 10);
            let before = self.reads.get();
            let found = find(&self.symbols(signature, true), Machine::X86, &pattern, 10);
            assert_eq!((&found, self.reads.get() - before), (&plain, reads), "{pattern:?}");
            assert!(!found.found.is_empty());
        }
    }

    #[test]
    fn the_second_question_reads_the_index_of_the_first() {
        let world = World { kept: Rc::default(), reads: Rc::default() };
        world.check(1, "HeapAlloc", 1);
        for pattern in ["HeapAlloc", "*draw*", "_Heap*", "*__thiscall*", "/a/"] {
            world.check(1, pattern, 0);
        }
        world.check(2, "main", 1);
        let before = world.reads.get();
        assert_eq!(suggestions(&world.symbols(1, true), Machine::X86, "HeepAlloc", 3), ["HeapAlloc"]);
        assert_eq!(world.reads.get(), before);
    }

    #[test]
    fn a_damaged_index_is_made_again() {
        let world = World { kept: Rc::default(), reads: Rc::default() };
        world.check(1, "main", 1);
        for damage in 0..4 {
            for bytes in world.kept.0.borrow_mut().values_mut() {
                let place = bytes.len() * damage / 4;
                bytes[place] ^= 0x10;
            }
            world.check(1, "main", 1);
            world.check(1, "main", 0);
        }
    }

    #[test]
    fn a_pdb_has_a_head_to_tell_copies_apart() {
        let bytes = vatlas_fixtures::pdb::Pdb::default().version_7();
        let sum = |bytes: Vec<u8>| PdbFile::open("a.pdb", Arc::new(bytes)).unwrap().head_sum();
        assert!(sum(bytes.clone()).is_some());
        assert_ne!(sum(bytes.clone()), sum([bytes, vec![0; 4096]].concat()));
    }
}
