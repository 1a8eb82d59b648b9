//! All symbol files of one module, asked best first.

use crate::{
    name::Name,
    name_index::{IndexStore, NameIndex, NameVisitor, visit_file},
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
};
use std::{cell::OnceCell, ops::ControlFlow, rc::Rc, sync::Arc};
use vatlas_space::{Machine, Rva};

/// A symbol without a known size is no answer for addresses further away than this; it is a remark.
const FAR: u32 = 0x1_0000;

/// The answer for an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookup {
    /// The symbol.
    pub symbol: Symbol,
    /// Bytes from its first address.
    pub offset: u32,
    /// Whether the address belongs to it. Else it is only the nearest name below, which says little.
    pub is_inside: bool,
    /// Functions and lines, innermost first; empty without debug information.
    pub frames: Vec<Frame>,
    /// Which file said so.
    pub origin: Origin,
    /// Which file said the line, where it is another one: a listing, which has lines for the symbols of other files.
    pub line_origin: Option<Origin>,
}

/// The lines of a function, and which file said so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionLines {
    /// Address and size of the code of every line, with file and line, in order of address.
    pub rows: Vec<(Rva, u32, SourceLine)>,
    /// The file.
    pub origin: Origin,
}

/// The symbol files of a module.
#[derive(Default)]
pub struct ModuleSymbols {
    files: Vec<Box<dyn SymbolFile>>,
    store: Option<Rc<dyn IndexStore>>,
    /// Of the files, in their order, for the machine of the first question.
    names: OnceCell<(Machine, Vec<Option<NameIndex>>)>,
}

impl ModuleSymbols {
    /// The files, in any order.
    pub fn new(mut files: Vec<Box<dyn SymbolFile>>) -> Self {
        files.sort_by_key(|file| file.origin().kind);
        Self { files, ..Self::default() }
    }

    /// The same files, with a place where indexes of their names are kept.
    #[must_use]
    pub fn with_store(mut self, store: Rc<dyn IndexStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The files, best first.
    pub fn files(&self) -> &[Box<dyn SymbolFile>] {
        &self.files
    }

    /// The best answer for an address: the first file whose symbol covers it, else the nearest name of any.
    pub fn lookup(&self, rva: Rva) -> Option<Lookup> {
        let answers = self.files.iter().filter_map(|file| lookup_in(&**file, rva));
        let mut nearest: Option<Lookup> = None;
        for answer in answers {
            if answer.is_inside {
                return Some(self.with_listed_line(answer));
            }
            if nearest.as_ref().is_none_or(|nearest| answer.offset < nearest.offset) {
                nearest = Some(answer);
            }
        }
        nearest
    }

    /// The lines of a function that the file of an origin named: from that file, else from a listing.
    pub fn lines_of(&self, function: &Symbol, origin: &Origin) -> Option<FunctionLines> {
        let file = self.files.iter().find(|file| file.origin() == origin);
        let rows = file.map(|file| file.lines_of(function)).unwrap_or_default();
        if !rows.is_empty() {
            return Some(FunctionLines { rows, origin: origin.clone() });
        }
        let (name, listing) = self.listing_of(function, origin)?;
        let rows = listing.lines_of(&Symbol { name, ..function.clone() });
        Some(FunctionLines { rows, origin: listing.origin().clone() })
    }

    /// Every symbol of every file, best file first, until the visitor breaks.
    pub fn visit(&self, visitor: &mut dyn FnMut(&Origin, &Symbol) -> ControlFlow<()>) {
        for file in &self.files {
            let mut is_over = false;
            file.visit(&mut |symbol| {
                let flow = visitor(file.origin(), symbol);
                is_over = flow.is_break();
                flow
            });
            if is_over {
                return;
            }
        }
    }

    /// The same with every form of the names, read by the habits of a machine; from an index where one is kept.
    pub fn visit_names(&self, machine: Machine, visitor: &mut NameVisitor<'_>) {
        let indexes = self.store.as_ref().map(|store| {
            let index = |file| NameIndex::load_or_make(file, machine, &**store);
            self.names.get_or_init(|| (machine, self.files.iter().map(|file| index(&**file)).collect()))
        });
        let indexes = indexes.filter(|(made_for, _)| *made_for == machine).map(|(_, indexes)| &**indexes);
        for (number, file) in self.files.iter().enumerate() {
            let flow = match indexes.and_then(|indexes| indexes.get(number)?.as_ref()) {
                Some(index) => index.visit(file.origin(), visitor),
                None => visit_file(&**file, machine, visitor),
            };
            if flow.is_break() {
                return;
            }
        }
    }

    /// The answer with the line that a listing has for it, where its own file has none.
    fn with_listed_line(&self, answer: Lookup) -> Lookup {
        let is_bare = match &answer.frames[..] {
            [] => true,
            [frame] => frame.line.is_none(),
            _ => false,
        };
        let found = is_bare.then(|| self.listing_of(&answer.symbol, &answer.origin)).flatten();
        let Some((name, listing)) = found else { return answer };
        let Some(listed) = listing.listing().and_then(|listing| listing.line_at(&name, answer.offset)) else {
            return answer;
        };
        let function = answer.frames.first().map(|frame| frame.function.clone());
        let function = function.unwrap_or_else(|| self.plain_name(&answer.symbol, &answer.origin));
        let frames = vec![Frame { function, line: Some(listed.line), is_inline: false }];
        Lookup { frames, line_origin: Some(listing.origin().clone()), ..answer }
    }

    /// The one listing that has a function, and the name it has there: the decorated one, else the plain one. Static
    /// functions of several files may have one name; then none is taken. Nor is one whose code has another size, for
    /// that is of another build.
    fn listing_of(&self, function: &Symbol, origin: &Origin) -> Option<(Arc<str>, &dyn SymbolFile)> {
        if matches!(function.kind, SymbolKind::Data) {
            return None;
        }
        let listings = || self.files.iter().filter(|file| file.listing().is_some());
        listings().next()?;
        [function.name.clone(), self.plain_name(function, origin)].into_iter().find_map(|name| {
            let size = |file: &dyn SymbolFile| file.listing().and_then(|listing| listing.size_of(&name));
            let mut knowing = listings().filter_map(|file| Some((&**file, size(&**file)?)));
            let (file, size) = knowing.next()?;
            let is_same_size = function.size.is_none_or(|known| known == size);
            (knowing.next().is_none() && is_same_size).then(|| (name.clone(), file))
        })
    }

    fn plain_name(&self, symbol: &Symbol, origin: &Origin) -> Arc<str> {
        let machine = self.files.iter().find_map(|file| file.machine()).unwrap_or(Machine::Other(0));
        Name::of(symbol, origin, machine).plain.into()
    }
}

fn lookup_in(file: &dyn SymbolFile, rva: Rva) -> Option<Lookup> {
    let (symbol, mut frames) = file.lookup(rva)?;
    let offset = rva.offset_from(symbol.rva)?;
    let is_inside = symbol.offset_of(rva).is_some() && (symbol.size.is_some() || offset < FAR);
    if !is_inside {
        frames.clear();
    }
    Some(Lookup { offset, is_inside, frames, origin: file.origin().clone(), line_origin: None, symbol })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileKind, Listing, TableBuilder};

    const LISTING: &str = "; Listing generated by Microsoft (R) Optimizing Compiler
\t.686P
; File c:\\src\\app.c
_draw@4\tPROC
; 7 : {
  00000\t55\t\t push\t ebp
; 8 :   return 1;
  00001\t33 c0\t\t xor\t eax, eax
_draw@4\tENDP
";

    fn map(size: u32, name: &str) -> Box<dyn SymbolFile> {
        let mut builder = TableBuilder::default();
        builder.symbol(Rva(0x1000), size, name, SymbolKind::Function);
        let origin = Origin { file: "app.map".into(), kind: FileKind::MsvcMap, identity: None };
        Box::new(builder.build(origin).with_machine(Some(Machine::X86)))
    }

    fn listing(file: &str) -> Box<dyn SymbolFile> {
        Box::new(Listing::read(file, LISTING.as_bytes()))
    }

    fn check(files: Vec<Box<dyn SymbolFile>>, rva: u32, expected: Option<(&str, u32, &str)>) {
        let symbols = ModuleSymbols::new(files);
        let lookup = symbols.lookup(Rva(rva)).unwrap();
        let line = lookup.frames.first().and_then(|frame| Some((frame.function.as_ref(), frame.line.as_ref()?.line)));
        let origin = lookup.line_origin.map(|origin| origin.to_string());
        let found = line.zip(origin.as_deref()).map(|((function, line), origin)| (function, line, origin));
        assert_eq!(found, expected, "{rva:x}");
        assert_eq!(lookup.origin.kind, FileKind::MsvcMap);
    }

    #[test]
    fn a_listing_tells_the_lines_of_another_file() {
        let files = || vec![listing("app.cod"), map(0, "_draw@4")];
        check(files(), 0x1000, Some(("draw", 7, "app.cod (listing)")));
        check(files(), 0x1002, Some(("draw", 8, "app.cod (listing)")));
        check(files(), 0x1003, None);
        check(vec![listing("app.cod"), map(3, "draw")], 0x1001, Some(("draw", 8, "app.cod (listing)")));
        let symbols = ModuleSymbols::new(files());
        let lookup = symbols.lookup(Rva(0x1000)).unwrap();
        let lines = symbols.lines_of(&lookup.symbol, &lookup.origin).unwrap();
        assert_eq!(lines.origin.kind, FileKind::Listing);
        let rows: Vec<_> = lines.rows.iter().map(|(rva, size, line)| (rva.0, *size, line.line)).collect();
        assert_eq!(rows, [(0x1000, 1, 7), (0x1001, 2, 8)]);
    }

    #[test]
    fn a_listing_of_something_else_tells_nothing() {
        check(vec![listing("app.cod"), map(0, "_paint@4")], 0x1000, None);
        check(vec![listing("app.cod"), map(4, "_draw@4")], 0x1000, None);
        check(vec![listing("app.cod"), listing("other.cod"), map(0, "_draw@4")], 0x1000, None);
    }
}
