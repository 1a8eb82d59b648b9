//! Every record of lines, as it is written.

use super::{PdbFile, c11::C11, c13::C13, dbi, lines::LineParts};
use std::{borrow::Cow, ops::ControlFlow};

/// A record of lines: code from this offset on comes from this line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineRecord<'a> {
    /// Number of the module, from 0.
    pub module: usize,
    /// The source file as the compiler named it; empty where no name is told.
    pub file: Cow<'a, str>,
    /// Number of the section, from 1; 0 for code that the linker left out.
    pub section: u16,
    /// Bytes from the front of the section.
    pub offset: u32,
    /// The line, as written: with the numbers that mark code of no line (0xfeefee, 0xf00f00).
    pub line: u32,
}

/// Who is handed the records.
type Visitor<'a> = dyn FnMut(&LineRecord<'_>) -> ControlFlow<()> + 'a;

impl PdbFile {
    /// Every record of lines in the order of the file, of C11 and of C13, until the visitor breaks. Nothing is left
    /// out, sorted or put together: also records of one offset, of no section, or outside of the range they belong to.
    /// Damage is told by [`PdbFile::later_problems`] when the module is asked about an address.
    pub fn visit_line_records(&self, visitor: &mut Visitor<'_>) {
        for (index, module) in self.modules.iter().enumerate() {
            if self.visit_records_of(index, module, visitor).is_break() {
                return;
            }
        }
    }

    fn visit_records_of(&self, index: usize, module: &dbi::Module, visitor: &mut Visitor<'_>) -> ControlFlow<()> {
        let Some(stream) = self.stream(module.stream, "module") else { return ControlFlow::Continue(()) };
        let parts = LineParts::of(module, &stream);
        let c11 = C11::read(parts.c11, self.name_form());
        let names: Vec<_> = c11.files.iter().map(|name| String::from_utf8_lossy(name)).collect();
        for range in &c11.ranges {
            for (offset, line) in range.records() {
                let file = names.get(range.file as usize).map_or("", |name| name).into();
                visitor(&LineRecord { module: index, file, section: range.section, offset, line })?;
            }
        }
        let mut flow = ControlFlow::Continue(());
        let mut last = None;
        C13::new(parts.c13).entries(&mut |entry| {
            let (_, name) = last.take().filter(|(file, _)| *file == entry.file).unwrap_or_else(|| {
                let name = self.file_name(entry.file).unwrap_or_default();
                (entry.file, name)
            });
            let (section, offset, line) = (entry.section, entry.offset, entry.line);
            flow = visitor(&LineRecord { module: index, file: Cow::from(&name), section, offset, line });
            last = Some((entry.file, name));
            flow
        });
        flow
    }
}
