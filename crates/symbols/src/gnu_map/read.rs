//! Reading a map line by line, and placing its names.

use super::{GnuMap, InputSection, OutputSection};
use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, Origin},
    table::TableBuilder,
    text_problems::{TextProblems, Words, hex, lines},
};
use std::collections::BTreeMap;
use vatlas_space::{Machine, Problem, Rva, Va};

/// Headings.
pub(super) const ARCHIVES: &str = "Archive member included ";
pub(super) const MEMORY: &str = "Memory Configuration";
pub(super) const MAP: &str = "Linker script and memory map";
const CROSS_REFERENCES: &str = "Cross Reference Table";
/// Symbols that lie at the image's first byte.
const BASES: [&str; 4] = ["__image_base__", "___ImageBase", "__ImageBase", "___image_base__"];
/// Functions that every program has, without the underscore that names of C have on 32-bit x86.
const ENTRIES: [&str; 4] = ["mainCRTStartup", "WinMainCRTStartup", "DllMainCRTStartup@12", "__main"];

/// A symbol before the base is known.
struct RawSymbol {
    va: u64,
    name: String,
    /// Made by the linker script.
    is_assigned: bool,
    /// Number of the output section, if it is in one.
    section: Option<usize>,
}

/// An output or input section before the base is known.
struct RawSection {
    name: String,
    object: Option<String>,
    va: u64,
    size: u64,
    /// Of an input section the output section.
    output: Option<usize>,
}

#[derive(Default)]
struct Reader {
    is_in_map: bool,
    /// A name that stood alone on its line, and whether it is that of an output section.
    waiting: Option<(String, bool)>,
    outputs: Vec<RawSection>,
    inputs: Vec<RawSection>,
    symbols: Vec<RawSymbol>,
    base: Option<u64>,
    image: Option<String>,
    format: Option<String>,
}

/// Reads a map.
pub(super) fn read(file: &str, bytes: &[u8]) -> GnuMap {
    let mut reader = Reader::default();
    let mut problems = TextProblems::of(file);
    for (number, line) in lines(bytes) {
        match line.as_ref() {
            MAP => reader.is_in_map = true,
            CROSS_REFERENCES => break,
            line if reader.is_in_map => {
                if let Err(cause) = reader.line(line) {
                    problems.at(number, cause);
                }
            }
            _ => {}
        }
    }
    if !reader.is_in_map {
        problems.whole(Problem::damage(file, format!("has no heading '{MAP}'")).hint("the file may be truncated"));
    }
    reader.finish(file, problems)
}

/// `0x00401000`; `None` for other words.
fn address(word: &str) -> Option<u64> {
    hex(word.strip_prefix("0x").filter(|digits| !digits.is_empty())?)
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let waiting = self.waiting.take();
        let column = line.len() - line.trim_start_matches(' ').len();
        let mut words = Words(line);
        match (column, words.word()) {
            (_, None) => Ok(()),
            (0, Some(word)) if word.starts_with("OUTPUT(") => {
                self.output_file(line);
                Ok(())
            }
            // Inputs of the linker, its script's other statements.
            (0, Some(word)) if !word.starts_with('.') => Ok(()),
            (0 | 1, Some(name)) if !name.contains(['*', '(']) => self.section(name.to_owned(), column == 0, words),
            (2.., Some(first)) if address(first).is_some() => match waiting {
                Some((name, is_output)) if { words }.word().is_some_and(|size| address(size).is_some()) => {
                    self.section(name, is_output, Words(line))
                }
                _ => self.symbol(first, words),
            },
            _ => Ok(()),
        }
    }

    /// `OUTPUT(app.exe pei-i386)`
    fn output_file(&mut self, line: &str) {
        let inside = line.trim_end().trim_start_matches("OUTPUT(").trim_end_matches(')');
        let (image, format) = inside.rsplit_once(' ').unwrap_or((inside, ""));
        self.image = Some(image.to_owned());
        self.format = Some(format.to_owned());
    }

    /// `address size [file]`, behind the name or on the next line.
    fn section(&mut self, name: String, is_output: bool, mut words: Words) -> Result<(), String> {
        let Some(first) = words.word() else {
            self.waiting = Some((name, is_output));
            return Ok(());
        };
        // `.text  0x00401000  0x1a00`, or words of the script such as `.text :`.
        let Some(va) = address(first) else { return Ok(()) };
        let size = words.word().ok_or("the size of the section is missing")?;
        let size = address(size).ok_or_else(|| format!("size '{size}' of the section is no hexadecimal number"))?;
        let object = (!is_output).then(|| words.rest().to_owned());
        let output = self.outputs.len().checked_sub(1).filter(|_| !is_output);
        let list = if is_output { &mut self.outputs } else { &mut self.inputs };
        list.push(RawSection { name, object, va, size, output });
        Ok(())
    }

    /// `address name`, or `address name = expression`.
    fn symbol(&mut self, va: &str, words: Words) -> Result<(), String> {
        let va = address(va).ok_or("the address is no hexadecimal number")?;
        let text = words.rest();
        let text = text.strip_prefix("PROVIDE (").or_else(|| text.strip_prefix("[!provide] ")).unwrap_or(text);
        let (name, is_assigned) = match text.split_once(" = ") {
            Some((name, _)) => (name.trim(), true),
            None => (text, false),
        };
        if BASES.contains(&name) && is_assigned {
            self.base.get_or_insert(va);
            return Ok(());
        }
        // `. = ALIGN (4)`, and the bytes of a script's BYTE (0) or LONG (0).
        let is_statement = matches!(name, "." | "") || name.starts_with("0x") || name.starts_with("ASSERT");
        if !is_statement {
            let section = self.outputs.len().checked_sub(1);
            self.symbols.push(RawSymbol { va, name: name.to_owned(), is_assigned, section });
        }
        Ok(())
    }

    fn machine(&self) -> Option<Machine> {
        let format = self.format.as_deref()?;
        let machines = [
            ("aarch64", Machine::Arm64),
            ("x86-64", Machine::X64),
            ("i386", Machine::X86),
            ("arm", Machine::Arm),
            ("mips", Machine::Mips),
            // `IMAGE_FILE_MACHINE_SH4`
            ("sh", Machine::Other(0x1a6)),
        ];
        machines.into_iter().find(|(word, _)| format.contains(word)).map(|(_, machine)| machine)
    }

    fn finish(self, file: &str, mut problems: TextProblems) -> GnuMap {
        let machine = self.machine();
        let mut builder = TableBuilder::default();
        let placed = Placed::new(&self);
        if placed.is_none() && self.is_in_map {
            let cause = "does not say where the image begins, so its addresses mean nothing";
            problems.whole(Problem::damage(file, cause).hint("a whole map has a line with __image_base__"));
        }
        let placed = placed.unwrap_or_default();
        placed.add_symbols(&mut builder);
        let origin = Origin { file: file.into(), kind: FileKind::GnuMap, identity: None };
        let table = builder.build(origin).with_problems(problems.finish());
        let base = self.base.map(Va);
        GnuMap {
            table: table.with_machine(machine).with_image_base(base),
            base,
            image: self.image,
            sections: placed.sections,
            inputs: placed.inputs,
        }
    }

    /// Names of C have an underscore in front on 32-bit x86, which the linker leaves out together with the decoration
    /// of C++. It is written again, for then `_f@8` and `@f@8` say what they mean everywhere.
    fn has_lost_underscores(&self) -> bool {
        self.machine() == Some(Machine::X86)
            && self.symbols.iter().any(|symbol| ENTRIES.contains(&symbol.name.as_str()) || symbol.name.contains('('))
    }
}

/// Everything by address in the image.
#[derive(Default)]
struct Placed {
    sections: Vec<OutputSection>,
    inputs: Vec<InputSection>,
    symbols: BTreeMap<u32, Vec<(String, SymbolKind)>>,
}

impl Placed {
    fn new(reader: &Reader) -> Option<Self> {
        let base = reader.base?;
        let mut placed = Self::default();
        let rva = |va: u64| u32::try_from(va.checked_sub(base)?).ok();
        let whole = |section: &RawSection| {
            let place = (rva(section.va)?, u32::try_from(section.size).ok()?);
            (place.0 != 0 && place.1 != 0 && place.0.checked_add(place.1).is_some()).then_some(place)
        };
        for section in reader.outputs.iter().filter(|section| is_loaded(&section.name)) {
            if let Some((start, size)) = whole(section) {
                placed.sections.push(OutputSection { name: section.name.clone(), rva: Rva(start), size });
            }
        }
        for section in &reader.inputs {
            let output = section.output.and_then(|index| reader.outputs.get(index));
            let Some(object) = section.object.clone().filter(|object| !object.is_empty()) else { continue };
            if let (Some((start, size)), true) = (whole(section), output.is_some_and(|output| is_loaded(&output.name)))
            {
                let name = section.name.clone();
                placed.inputs.push(InputSection { name, object, rva: Rva(start), size });
            }
        }
        placed.inputs.sort_by_key(|input| input.rva);
        placed.place_symbols(reader, base);
        Some(placed)
    }

    fn place_symbols(&mut self, reader: &Reader, base: u64) {
        let has_lost_underscores = reader.has_lost_underscores();
        for symbol in &reader.symbols {
            let section = symbol.section.and_then(|index| reader.outputs.get(index));
            let Some(section) = section.filter(|section| is_loaded(&section.name)) else { continue };
            // A number that the script made up lies in no section.
            let is_inside = symbol.va.checked_sub(section.va).is_some_and(|offset| offset <= section.size);
            let rva = symbol.va.checked_sub(base).and_then(|rva| u32::try_from(rva).ok());
            let Some(rva) = rva.filter(|_| is_inside) else { continue };
            let is_c = is_of_c(&symbol.name) && !symbol.is_assigned;
            let name = if has_lost_underscores && is_c { format!("_{}", symbol.name) } else { symbol.name.clone() };
            self.symbols.entry(rva).or_default().push((name, kind(symbol, &section.name)));
        }
    }

    /// Adds the names, and those of objects for what lies in front of the first name of an object.
    fn add_symbols(&self, builder: &mut TableBuilder) {
        for (rva, names) in &self.symbols {
            for (name, kind) in names {
                builder.symbol(Rva(*rva), self.size_of(*rva), name, *kind);
            }
        }
        for input in &self.inputs {
            let end = input.rva.0.saturating_add(input.size);
            let first = self.symbols.range(input.rva.0..end).next().map_or(end, |(rva, _)| *rva);
            if first > input.rva.0 {
                let object = input.object.rsplit(['/', '\\']).next().unwrap_or_default();
                let name = format!("{object}({})", input.name);
                builder.symbol(input.rva, first - input.rva.0, &name, SymbolKind::Label);
            }
        }
    }

    /// Bytes of a symbol that has an input section for itself; 0 where they are not told.
    fn size_of(&self, rva: u32) -> u32 {
        let Ok(index) = self.inputs.binary_search_by_key(&rva, |input| input.rva.0) else { return 0 };
        let size = self.inputs[index].size;
        let is_alone = self.symbols.range(rva..rva.saturating_add(size)).count() == 1;
        // Static functions are not in the map: only a section that is named after its symbol has no other.
        if is_alone && self.inputs[index].name.contains('$') { size } else { 0 }
    }
}

/// Whether a section is more than debug information.
fn is_loaded(name: &str) -> bool {
    !name.starts_with(".debug") && !name.starts_with(".zdebug") && !name.starts_with(".stab")
}

fn kind(symbol: &RawSymbol, section: &str) -> SymbolKind {
    match section {
        _ if symbol.is_assigned => SymbolKind::Label,
        ".text" | ".init" | ".fini" => SymbolKind::Function,
        ".data" | ".rdata" | ".bss" | ".idata" | ".tls" | ".CRT" => SymbolKind::Data,
        _ => SymbolKind::Public,
    }
}

/// Whether a name can be one of C: `f`, or `f@8` with decimal digits; `@f@8` never had an underscore.
fn is_of_c(name: &str) -> bool {
    let (stem, bytes) = name.split_once('@').unwrap_or((name, "0"));
    let is_word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '$' | '.');
    let is_number = !bytes.is_empty() && bytes.bytes().all(|byte| byte.is_ascii_digit());
    !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(is_word) && is_number
}
