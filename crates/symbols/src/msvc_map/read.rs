//! Reading a map: headings choose the block, and each block has its own rows.

use super::{
    Absolute, MapFile, MapSection, SegmentOffset,
    lines::{self, LineStart},
    row::{self, Row},
};
use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, Identity, Origin},
    table::TableBuilder,
    text_problems::{self, TextProblems, Words, hex},
};
use std::collections::HashMap;
use vatlas_space::{Machine, Problem, Rva, Va};

/// Starts the line of the time stamp.
pub(super) const TIME_STAMP: &str = "Timestamp is ";
/// Starts the line of the preferred base.
pub(super) const PREFERRED_BASE: &str = "Preferred load address is ";
/// Starts the line of the entry point.
const ENTRY: &str = "entry point at ";

/// What the rows below the last heading are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Block {
    Head,
    Sections,
    Symbols,
    /// Line numbers of a source file, by its number in the table.
    Lines(u32),
    /// Exports, fixups and what is not known.
    Skipped,
}

struct Reader {
    block: Block,
    builder: TableBuilder,
    module: Option<String>,
    time_stamp: Option<u32>,
    base: Option<u64>,
    entry: Option<SegmentOffset>,
    sections: Vec<MapSection>,
    absolutes: Vec<Absolute>,
    /// Where segments are loaded.
    starts: HashMap<u16, u32>,
    /// Segments with a piece in the section table: whether all of them are of class DATA.
    is_data: HashMap<u16, bool>,
    functions: Vec<u32>,
    lines: Vec<(u32, u32, SegmentOffset)>,
}

/// Reads a map.
pub(super) fn read(file: &str, bytes: &[u8]) -> MapFile {
    let mut reader = Reader {
        block: Block::Head,
        builder: TableBuilder::default(),
        module: None,
        time_stamp: None,
        base: None,
        entry: None,
        sections: Vec::new(),
        absolutes: Vec::new(),
        starts: HashMap::new(),
        is_data: HashMap::new(),
        functions: Vec::new(),
        lines: Vec::new(),
    };
    let mut problems = TextProblems::of(file);
    for (number, line) in text_problems::lines(bytes) {
        if let Err(cause) = reader.line(line.trim()) {
            problems.at(number, cause);
        }
    }
    reader.finish(file, problems)
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || self.heading(line)? {
            return Ok(());
        }
        match self.block {
            Block::Head => {
                self.module.get_or_insert_with(|| line.to_owned());
                Ok(())
            }
            Block::Sections => self.section(line),
            Block::Symbols => self.symbol(line),
            Block::Lines(file) => {
                let pairs = lines::pairs(line)?;
                self.lines.extend(pairs.into_iter().map(|(line, place)| (file, line, place)));
                Ok(())
            }
            Block::Skipped => Ok(()),
        }
    }

    /// Whether the line is a heading or a remark that may stand in every block.
    fn heading(&mut self, line: &str) -> Result<bool, String> {
        if let Some(stamp) = line.strip_prefix(TIME_STAMP) {
            self.time_stamp = Some(Words(stamp).hex("time stamp")?);
        } else if let Some(base) = line.strip_prefix(PREFERRED_BASE) {
            let base = hex(base.trim()).ok_or_else(|| format!("preferred base '{base}' is no hexadecimal number"))?;
            self.base = Some(base);
        } else if let Some(entry) = line.strip_prefix(ENTRY) {
            let entry = entry.trim();
            let place = row::place(entry).ok_or_else(|| format!("'{entry}' is no segment and offset"))?;
            self.entry = Some(place);
        } else if line.starts_with(lines::HEADING) {
            self.block = Block::Skipped;
            let file = lines::source_file(line).ok_or("the heading names no source file")?;
            self.block = Block::Lines(self.builder.file(file));
        } else {
            let Some(block) = block(line) else { return Ok(false) };
            self.block = block;
        }
        Ok(true)
    }

    /// `SSSS:OOOOOOOO LLLLLLLLH name class`
    fn section(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words(line);
        let word = words.word().unwrap_or_default();
        let start = row::place(word).ok_or_else(|| format!("'{word}' is no segment and offset"))?;
        let word = words.word().unwrap_or_default();
        let size = word.strip_suffix('H').and_then(hex).and_then(|size| u32::try_from(size).ok());
        let size = size.ok_or_else(|| format!("'{word}' is no length"))?;
        let text = words.rest();
        let (name, class) = text.rsplit_once(char::is_whitespace).ok_or("name or class of a section is missing")?;
        let (name, class) = (name.trim().to_owned(), class.to_owned());
        *self.is_data.entry(start.segment).or_insert(true) &= class == "DATA";
        self.sections.push(MapSection { start, size, name, class, rva: None });
        Ok(())
    }

    fn symbol(&mut self, line: &str) -> Result<(), String> {
        let row = row::row(line)?;
        let base = self.base.ok_or("a symbol before the preferred load address")?;
        if row.place.segment == 0 && (row.object == "<absolute>" || row.address < base) {
            self.absolutes.push(Absolute { name: row.name.to_owned(), value: row.address });
            return Ok(());
        }
        let rva = row.address.checked_sub(base).and_then(|rva| u32::try_from(rva).ok());
        let rva = rva.ok_or_else(|| format!("address {:x} is not within 4 GB of the base {base:x}", row.address))?;
        if row.place.segment != 0 {
            self.place_segment(row.place, rva)?;
        }
        if row.is_function {
            self.functions.push(rva);
        }
        let kind = self.kind(&row);
        self.builder.symbol(Rva(rva), 0, row.name, kind);
        Ok(())
    }

    /// Derives where a segment is loaded, and checks it with every further row.
    fn place_segment(&mut self, place: SegmentOffset, rva: u32) -> Result<(), String> {
        let SegmentOffset { segment, offset } = place;
        let start = rva.checked_sub(offset).ok_or_else(|| format!("offset {offset:x} lies before the image"))?;
        let known = *self.starts.entry(segment).or_insert(start);
        if known != start {
            return Err(format!("segment {segment} is at {start:x} here, but at {known:x} before"));
        }
        Ok(())
    }

    /// Flagged functions are functions; what lies in a segment of class DATA alone is data; of the rest nothing is
    /// told.
    fn kind(&self, row: &Row) -> SymbolKind {
        match self.is_data.get(&row.place.segment) {
            _ if row.is_function => SymbolKind::Function,
            Some(true) => SymbolKind::Data,
            _ => SymbolKind::Public,
        }
    }

    fn rva(&self, place: SegmentOffset) -> Option<u32> {
        self.starts.get(&place.segment)?.checked_add(place.offset)
    }

    fn finish(mut self, file: &str, mut problems: TextProblems) -> MapFile {
        for index in 0..self.sections.len() {
            self.sections[index].rva = self.rva(self.sections[index].start).map(Rva);
        }
        let not_placed = self.add_lines();
        if not_placed > 0 {
            let cause =
                format!("{not_placed} lines lie in segments without a symbol, so their addresses are not known");
            problems.whole(Problem::damage(file, cause));
        }
        if self.base.is_none() {
            problems.whole(Problem::damage(file, "has no preferred load address"));
        }
        let identity = self.time_stamp.map(Identity::TimeDateStamp);
        let origin = Origin { file: file.into(), kind: FileKind::MsvcMap, identity };
        let entry = self.entry.and_then(|place| self.rva(place)).map(Rva);
        let table = self.builder.build(origin).with_problems(problems.finish()).with_image_base(self.base.map(Va));
        let machine = super::is_x86(&table).then_some(Machine::X86);
        MapFile {
            entry,
            table: table.with_machine(machine),
            module: self.module.unwrap_or_default(),
            preferred_base: self.base,
            sections: self.sections,
            absolutes: self.absolutes,
        }
    }

    /// Adds the lines with their sizes; tells how many have no address.
    fn add_lines(&mut self) -> usize {
        let lines = std::mem::take(&mut self.lines);
        let placed =
            |&(file, line, place): &(u32, u32, SegmentOffset)| Some(LineStart { rva: self.rva(place)?, file, line });
        let starts: Vec<_> = lines.iter().filter_map(placed).collect();
        let not_placed = lines.len() - starts.len();
        let ends = self.sections.iter().filter_map(|section| section.rva?.0.checked_add(section.size));
        let mut stops: Vec<u32> = self.functions.iter().copied().chain(ends).collect();
        stops.sort_unstable();
        for (start, size) in lines::sized(starts, &stops) {
            self.builder.line(Rva(start.rva), size, start.file, start.line);
        }
        not_placed
    }
}

/// The block that a heading opens.
fn block(line: &str) -> Option<Block> {
    let mut words = Words(line);
    let first = words.word()?;
    Some(match (first, words.word()) {
        ("Start", Some("Length")) => Block::Sections,
        ("Address", Some("Publics")) | ("Static", Some("symbols")) => Block::Symbols,
        ("Exports", None) | ("FIXUPS:", _) => Block::Skipped,
        _ => return None,
    })
}
