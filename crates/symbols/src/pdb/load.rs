//! Parts of a PDB that are read when a question needs them, and kept.

use super::{
    PdbFile,
    c11::NameForm,
    c13::C13,
    contributions::Contributions,
    globals::Globals,
    ids::Ids,
    items::{IDS, Items},
    lines::{self, FileName, LineRow},
    module::{Context, Damage, InlineeName, ModuleTable},
    reader,
    types::PdbTypes,
};
use crate::symbol::SourceLine;
use std::sync::Arc;
use vatlas_space::Problem;

impl PdbFile {
    pub(super) fn contributions(&self) -> &Contributions {
        self.contributions.get_or_init(|| {
            let Some((header, stream)) = &self.dbi else { return Contributions::default() };
            let Some(pieces) = header.contributions(stream) else { return Contributions::default() };
            Contributions::new(pieces, &self.addresses)
        })
    }

    pub(super) fn globals(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let Some((header, _)) = &self.dbi else { return Globals::default() };
            let Some(stream) = self.stream(header.symbol_records, "symbol records") else { return Globals::default() };
            let globals = Globals::new(stream, &self.addresses);
            if let Some(at) = globals.damaged_at {
                let place = self.streams.place(header.symbol_records, "symbol records");
                self.note(Problem::damage(format!("{place}, offset {at:#x}"), "is no symbol record"));
            }
            globals
        })
    }

    pub(super) fn ids(&self) -> &Ids {
        self.ids.get_or_init(|| Ids {
            ids: self.stream(IDS, "ids").and_then(Items::new),
            types: self.pdb_types().map(PdbTypes::items),
        })
    }

    /// Reads a module; without its lines for lists of names.
    pub(super) fn read_module(&self, index: usize, has_lines: bool) -> ModuleTable {
        let Some(module) = self.modules.get(index) else { return ModuleTable::default() };
        let Some(stream) = self.stream(module.stream, "module") else { return ModuleTable::default() };
        let name = |c13: &C13<'_>, id| self.inlinee_name(c13, id);
        let name: InlineeName<'_> = &name;
        let context = Context {
            addresses: &self.addresses,
            contributions: self.contributions(),
            name_form: self.name_form(),
            inlinee_name: has_lines.then_some(name),
        };
        let mut table = ModuleTable::read(module, &stream, &context);
        table.share_file_names(|offset| self.file_name(offset));
        for damage in &table.damage {
            self.note(damage_of(*damage, &self.streams.place(module.stream, &format!("module {index}"))));
        }
        table
    }

    pub(super) fn table(&self, index: usize) -> Option<&ModuleTable> {
        Some(self.tables.get(index)?.get_or_init(|| Box::new(self.read_module(index, true))))
    }

    /// Name of a source file by its offset in `/names`: a mark, a version, a length, the texts.
    pub(super) fn file_name(&self, offset: u32) -> Option<String> {
        let names = self.names.get_or_init(|| self.stream(self.names_stream, "/names")).as_ref()?;
        if offset == lines::NO_FILE {
            return None;
        }
        let at = (offset as usize).checked_add(12).filter(|at| *at < names.len())?;
        Some(String::from_utf8_lossy(reader::Reader::from(names, at).text()).into_owned())
    }

    /// A row of a module's lines, with the name of the file.
    pub(super) fn source_line(table: &ModuleTable, row: &LineRow) -> Option<SourceLine> {
        let FileName::Own(index) = row.file else { return None };
        Some(SourceLine { file: Arc::clone(table.files.get(index as usize)?), line: row.line })
    }

    /// How a PDB of this kind writes names of files in lines of the C11 form.
    pub(super) fn name_form(&self) -> NameForm {
        if self.streams.is_small { NameForm::Counted } else { NameForm::ZeroTerminated }
    }
}

fn damage_of(damage: Damage, place: &str) -> Problem {
    match damage {
        Damage::Signature(signature) => {
            Problem::damage(format!("{place}, offset 0x0"), format!("symbols of the unknown form {signature}"))
        }
        Damage::Symbols(at) => Problem::damage(format!("{place}, offset {at:#x}"), "is no symbol record"),
        Damage::Lines(at) => {
            Problem::damage(format!("{place}, offset {at:#x}"), "is no whole part of the lines; the others are used")
        }
    }
}
