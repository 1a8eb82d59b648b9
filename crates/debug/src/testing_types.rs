//! A small set of types for tests, put together call by call.
//!
//! ```text
//! let mut types = TestTypes::new(4);
//! let int = types.signed("int", 4);
//! let point = types.record("point", 8, &[("x", int, 0), ("y", int, 4)]);
//! ```

use crate::symbol_provider::SymbolProvider;
use std::{ops::ControlFlow, rc::Rc};
use vatlas_space::{Module, Problem, Rva};
use vatlas_symbols::{
    FileKind, Frame, ModuleSymbols, Origin, SourceLine, Symbol, SymbolFile, SymbolKind, Type, TypeId, Types, Variable,
    VariablePlace,
    type_text::size_of,
    types::{BasicKind, ConstantValue, Enumeration, FunctionType, Member, NamedValue, PointerKind, Record, RecordKind},
    variable::{Constant, VariableKind},
};

/// Types by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestTypes {
    types: Vec<Type>,
    pointer_size: u64,
}

impl TestTypes {
    /// No types yet; pointers have so many bytes.
    pub fn new(pointer_size: u64) -> Self {
        Self { types: Vec::new(), pointer_size }
    }

    /// Any type.
    pub fn add(&mut self, of: Type) -> TypeId {
        self.types.push(of);
        TypeId(self.types.len() as u64 - 1)
    }

    /// Replaces a type, so that it can name itself.
    pub fn replace(&mut self, id: TypeId, of: Type) {
        self.types[id.0 as usize] = of;
    }

    /// A type without parts.
    pub fn basic(&mut self, kind: BasicKind, name: &str, size: u64) -> TypeId {
        self.add(Type::Basic { kind, size, name: name.to_owned() })
    }

    pub fn signed(&mut self, name: &str, size: u64) -> TypeId {
        self.basic(BasicKind::Signed, name, size)
    }

    pub fn unsigned(&mut self, name: &str, size: u64) -> TypeId {
        self.basic(BasicKind::Unsigned, name, size)
    }

    pub fn char(&mut self) -> TypeId {
        self.basic(BasicKind::Char, "char", 1)
    }

    pub fn pointer(&mut self, target: TypeId) -> TypeId {
        let size = self.pointer_size;
        let kind = PointerKind::Pointer;
        self.add(Type::Pointer { target, kind, size, is_const: false, is_volatile: false })
    }

    pub fn array(&mut self, element: TypeId, count: u64, element_size: u64) -> TypeId {
        self.add(Type::Array { element, count: Some(count), size: count * element_size })
    }

    pub fn bits(&mut self, target: TypeId, first_bit: u32, bits: u32) -> TypeId {
        self.add(Type::BitField { target, first_bit, bits })
    }

    pub fn alias(&mut self, name: &str, target: TypeId) -> TypeId {
        self.add(Type::Alias { name: name.to_owned(), target })
    }

    pub fn enumeration(&mut self, name: &str, underlying: TypeId, values: &[(&str, i128)]) -> TypeId {
        let named =
            |&(name, value): &(&str, i128)| NamedValue { name: name.to_owned(), value: ConstantValue::Integer(value) };
        let values = values.iter().map(named).collect();
        self.add(Type::Enumeration(Enumeration { name: name.to_owned(), underlying, is_forward: false, values }))
    }

    pub fn function(&mut self, result: TypeId, arguments: &[TypeId]) -> TypeId {
        let arguments = arguments.to_vec();
        self.add(Type::Function(FunctionType { result, arguments, is_variadic: false, class: None, convention: None }))
    }

    /// A structure with members.
    pub fn record(&mut self, name: &str, size: u64, members: &[(&str, TypeId, u64)]) -> TypeId {
        self.add(Type::Record(record(RecordKind::Struct, name, size, members)))
    }
}

/// A record with members and nothing else.
pub(crate) fn record(kind: RecordKind, name: &str, size: u64, members: &[(&str, TypeId, u64)]) -> Record {
    let member = |&(name, type_id, offset): &(&str, TypeId, u64)| Member { name: name.to_owned(), type_id, offset };
    Record {
        kind,
        name: name.to_owned(),
        size,
        is_forward: false,
        members: members.iter().map(member).collect(),
        bases: Vec::new(),
        statics: Vec::new(),
        methods: Vec::new(),
        nested: Vec::new(),
        vtables: Vec::new(),
    }
}

impl Types for TestTypes {
    fn get(&self, id: TypeId) -> Result<Type, Problem> {
        let found = self.types.get(id.0 as usize).cloned();
        found.ok_or_else(|| Problem::damage("test types", format!("there is no type {}", id.0)))
    }

    fn find(&self, name: &str) -> Option<TypeId> {
        let index = self.types.iter().position(|of| name_of(of) == Some(name))?;
        Some(TypeId(index as u64))
    }

    fn visit_names(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) {
        for (index, of) in self.types.iter().enumerate() {
            if let Some(name) = name_of(of)
                && visitor(name, TypeId(index as u64)).is_break()
            {
                return;
            }
        }
    }

    fn pointer_size(&self) -> u64 {
        self.pointer_size
    }
}

fn name_of(of: &Type) -> Option<&str> {
    match of {
        Type::Basic { name, .. } | Type::Alias { name, .. } => Some(name),
        Type::Record(record) => Some(&record.name),
        Type::Enumeration(enumeration) => Some(&enumeration.name),
        _ => None,
    }
}

/// A symbol file for tests: symbols with types, variables of one function, constants.
#[derive(Debug)]
pub(crate) struct TestSymbols {
    origin: Origin,
    types: TestTypes,
    symbols: Vec<(Symbol, Option<TypeId>)>,
    variables: Vec<Variable>,
    constants: Vec<Constant>,
}

impl TestSymbols {
    /// A file with types and nothing else yet.
    pub fn new(name: &str, types: TestTypes) -> Self {
        let origin = Origin { file: name.into(), kind: FileKind::Pdb, identity: None };
        Self { origin, types, symbols: Vec::new(), variables: Vec::new(), constants: Vec::new() }
    }

    pub fn data(mut self, name: &str, rva: u32, type_id: Option<TypeId>) -> Self {
        let kind = if type_id.is_some() { SymbolKind::Data } else { SymbolKind::Public };
        let size = type_id.and_then(|id| size_of(&self.types, id)).and_then(|size| u32::try_from(size).ok());
        self.symbols.push((Symbol { rva: Rva(rva), size, name: name.into(), kind }, type_id));
        self
    }

    pub fn function(mut self, name: &str, rva: u32, type_id: TypeId) -> Self {
        let symbol = Symbol { rva: Rva(rva), size: Some(0x100), name: name.into(), kind: SymbolKind::Function };
        self.symbols.push((symbol, Some(type_id)));
        self
    }

    /// A variable in scope in the last function.
    pub fn variable(mut self, name: &str, type_id: TypeId, place: VariablePlace) -> Self {
        self.variables.push(Variable {
            name: name.into(),
            type_id: Some(type_id),
            kind: VariableKind::Local,
            place,
            is_after_prologue: false,
            frame: 0,
        });
        self
    }

    pub fn constant(mut self, name: &str, value: i128) -> Self {
        self.constants.push(Constant { name: name.into(), type_id: None, value: ConstantValue::Integer(value) });
        self
    }

    fn function_at(&self, rva: Rva) -> Option<&Symbol> {
        let functions = self.symbols.iter().map(|(symbol, _)| symbol);
        functions.filter(|symbol| symbol.kind == SymbolKind::Function).find(|symbol| symbol.offset_of(rva).is_some())
    }
}

impl SymbolFile for TestSymbols {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &[]
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let below = self.symbols.iter().map(|(symbol, _)| symbol).filter(|symbol| symbol.offset_of(rva).is_some());
        below.max_by_key(|symbol| symbol.rva).cloned()
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let frame = |symbol: &Symbol| Frame { function: symbol.name.clone(), line: None, is_inline: false };
        self.function_at(rva).map(frame).into_iter().collect()
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        let _ = self.symbols.iter().try_for_each(|(symbol, _)| visitor(symbol));
    }

    /// Line 10 begins with the function, each further line 4 bytes on.
    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let line = |number: u32| {
            let line = SourceLine { file: "C:\\app\\main.c".into(), line: 10 + number };
            (Rva(function.rva.0 + 4 * number), 4, line)
        };
        (0..3).map(line).collect()
    }

    fn types(&self) -> Option<&dyn Types> {
        Some(&self.types)
    }

    fn type_of(&self, symbol: &Symbol) -> Option<TypeId> {
        self.symbols.iter().find(|(known, _)| known == symbol).and_then(|(_, id)| *id)
    }

    fn variables_at(&self, rva: Rva) -> Vec<Variable> {
        if self.function_at(rva).is_some() { self.variables.clone() } else { Vec::new() }
    }

    fn visit_constants(&self, visitor: &mut dyn FnMut(&Constant) -> ControlFlow<()>) {
        let _ = self.constants.iter().try_for_each(visitor);
    }
}

/// Symbols by the name of the module.
#[derive(Default)]
pub(crate) struct TestProvider(Vec<(String, Rc<ModuleSymbols>)>);

impl TestProvider {
    pub fn with(mut self, module: &str, file: TestSymbols) -> Self {
        self.0.push((module.to_owned(), Rc::new(ModuleSymbols::new(vec![Box::new(file)]))));
        self
    }
}

impl SymbolProvider for TestProvider {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        let found = self.0.iter().find(|(name, _)| name == module.name());
        found.map(|(_, symbols)| Rc::clone(symbols)).unwrap_or_default()
    }
}
