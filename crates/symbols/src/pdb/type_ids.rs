//! Types of symbols: from the numbers in their records to types of the file.

use super::{PdbFile, c13::C13, items::Item, lines::LineParts, records::TypeIndex};
use crate::{
    symbol::{Symbol, SymbolKind},
    types::{Type, TypeId, Types as _},
};

/// Ids of functions: scope or class, type, name.
const LF_FUNC_ID: u16 = 0x1601;
const LF_MFUNC_ID: u16 = 0x1602;
/// Mark of a number that another module has.
const OF_ANOTHER_MODULE: u32 = 0x8000_0000;

impl PdbFile {
    /// The type that a record of a module, or of no module, names; `None` where it names none.
    pub(super) fn type_id(&self, module: Option<usize>, index: TypeIndex) -> Option<TypeId> {
        let number = self.own_number(module, index.number)?;
        let number = if index.is_id { self.type_of_id(number)? } else { number };
        (number != 0).then(|| TypeId(number.into()))
    }

    /// A number of the type or id stream for one of a module, which may stand for one of another module.
    fn own_number(&self, module: Option<usize>, number: u32) -> Option<u32> {
        if number & OF_ANOTHER_MODULE == 0 {
            return Some(number);
        }
        let module = self.modules.get(module?)?;
        let stream = self.stream(module.stream, "module")?;
        self.number_of_import(&C13::new(LineParts::of(module, &stream).c13), number)
    }

    fn type_of_id(&self, id: u32) -> Option<u32> {
        let Item { kind, mut record, .. } = self.ids().ids.as_ref()?.get(id)?;
        record.skip(4)?;
        if matches!(kind, LF_FUNC_ID | LF_MFUNC_ID) { record.u32() } else { None }
    }

    /// How many arguments a function of this type takes, `this` not counted.
    pub(super) fn argument_count(&self, module: usize, index: TypeIndex) -> Option<usize> {
        match self.pdb_types()?.get(self.type_id(Some(module), index)?).ok()? {
            Type::Function(function) => Some(function.arguments.len()),
            _ => None,
        }
    }

    /// The type of what a symbol names: of several things at its address the one with its name, and without one of
    /// that name the type that all have.
    pub(super) fn type_of_symbol(&self, symbol: &Symbol) -> Option<TypeId> {
        let linked = self.addresses.to_linked(symbol.rva.0)?;
        let contribution = self.contributions().below(linked);
        let mut types = Vec::new();
        for (module, table) in self.tables_for(contribution) {
            let functions = table.procedures_from(linked).map(|procedure| (&*procedure.name, procedure.type_index));
            let variables = table.named_from(linked).filter(|named| named.kind == SymbolKind::Data);
            let variables = variables.map(|named| (&*named.name, named.type_index));
            for (name, index) in functions.chain(variables) {
                types.push((*name == *symbol.name, self.type_id(Some(module), index)));
            }
        }
        // A piece that is not the function's first.
        let covering = self.procedure_at(linked).filter(|found| *found.2.name == *symbol.name);
        types.extend(covering.map(|(module, _, procedure)| (true, self.type_id(Some(module), procedure.type_index))));
        let globals = self.globals();
        for (name, index) in globals.data_from(linked) {
            types.push((name == symbol.name.as_bytes(), self.type_id(None, index)));
        }
        let named = types.iter().find_map(|(is_named, type_id)| type_id.filter(|_| *is_named));
        let mut known = types.iter().filter_map(|(_, type_id)| *type_id);
        named.or_else(|| known.next().filter(|first| known.all(|other| other == *first)))
    }
}
