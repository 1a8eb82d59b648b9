//! The DBI stream: the modules that were linked, and which of them every piece of the image comes from.

use super::{reader::Reader, streams::NO_STREAM};
use std::ops::Range;

/// Number of the stream.
pub(super) const STREAM: u16 = 3;
const HEADER_SIZE: usize = 64;
/// The first version with the records of today.
const V60: u32 = 19_970_606;
/// Marks before the list of contributions; its records have 28 bytes, and 32 since the second.
const CONTRIBUTIONS_V60: u32 = 0xeffe_0000 + 19_970_605;
const CONTRIBUTIONS_V2: u32 = 0xeffe_0000 + 20_140_516;
/// Flag of a PDB from which everything private was taken (`/PDBSTRIPPED`).
const STRIPPED: u16 = 2;

/// `NewDBIHdr`.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) age: u32,
    /// Stream of the global symbol records.
    pub(super) symbol_records: u16,
    pub(super) is_stripped: bool,
    /// `IMAGE_FILE_MACHINE_*`; 0 where the linker did not say.
    pub(super) machine: u16,
    /// The parts of the stream.
    modules: Range<usize>,
    contributions: Range<usize>,
    streams: Range<usize>,
}

impl Header {
    pub(super) fn read(stream: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(stream);
        // Older headers begin with the number of a stream.
        if reader.u32()? != u32::MAX {
            return None;
        }
        let (version, age) = (reader.u32()?, reader.u32()?);
        reader.skip(8)?;
        let symbol_records = reader.u16()?;
        reader.skip(2)?;
        let mut sizes = [0; 8];
        for size in &mut sizes {
            *size = reader.u32()? as usize;
        }
        // modules, contributions, section map, source files, type servers, number of one, streams, edit-and-continue
        let [modules, contributions, map, files, servers, _, streams, edits] = sizes;
        let (flags, machine) = (reader.u16()?, reader.u16()?);
        let at = |before: &[usize]| before.iter().copied().fold(HEADER_SIZE, usize::saturating_add);
        let streams_at = at(&[modules, contributions, map, files, servers, edits]);
        Some(Self {
            version,
            age,
            symbol_records,
            is_stripped: flags & STRIPPED != 0,
            machine,
            modules: HEADER_SIZE..at(&[modules]),
            contributions: at(&[modules])..at(&[modules, contributions]),
            streams: streams_at..streams_at.saturating_add(streams),
        })
    }

    /// Whether the records have a layout that is known.
    pub(super) fn is_known(&self) -> bool {
        self.version >= V60
    }

    pub(super) fn streams(&self, stream: &[u8]) -> DebugStreams {
        let mut numbers = DebugStreams::default();
        let mut reader = Reader::new(part(stream, &self.streams));
        let mut next = || reader.u16().unwrap_or(NO_STREAM);
        numbers.fpo = next();
        // exceptions, fixups
        let _ = [next(), next()];
        numbers.omap_to_original = next();
        // the map the other way
        next();
        numbers.sections = next();
        // token map, xdata, pdata
        let _ = [next(), next(), next()];
        numbers.frame_data = next();
        numbers.original_sections = next();
        numbers
    }

    /// The modules, and whether the list is whole.
    pub(super) fn modules(&self, stream: &[u8]) -> (Vec<Module>, bool) {
        let mut reader = Reader::new(part(stream, &self.modules));
        let mut modules = Vec::new();
        while !reader.is_at_end() {
            let Some(module) = Module::read(&mut reader) else { return (modules, false) };
            modules.push(module);
        }
        (modules, stream.len() >= self.modules.end)
    }

    /// The contributions, `None` when their layout is not known.
    pub(super) fn contributions<'a>(&self, stream: &'a [u8]) -> Option<impl Iterator<Item = Contribution> + use<'a>> {
        let mut reader = Reader::new(part(stream, &self.contributions));
        let padding = match reader.u32()? {
            CONTRIBUTIONS_V60 => 0,
            CONTRIBUTIONS_V2 => 4,
            _ => return None,
        };
        Some(std::iter::from_fn(move || {
            let contribution = Contribution::read(&mut reader)?;
            reader.skip(padding)?;
            Some(contribution)
        }))
    }
}

fn part<'a>(stream: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    stream.get(range.start.min(stream.len())..range.end.min(stream.len())).unwrap_or_default()
}

/// Numbers of the streams about the image.
#[derive(Debug, Default)]
pub(super) struct DebugStreams {
    /// `FPO_DATA`
    pub(super) fpo: u16,
    /// `FRAMEDATA`
    pub(super) frame_data: u16,
    pub(super) omap_to_original: u16,
    pub(super) sections: u16,
    pub(super) original_sections: u16,
}

/// `SC`: a piece of a section and the module it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contribution {
    pub(super) section: u16,
    pub(super) offset: u32,
    pub(super) size: u32,
    pub(super) module: u16,
}

impl Contribution {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let section = reader.u16()?;
        reader.skip(2)?;
        let (offset, size) = (reader.u32()?, reader.u32()?);
        reader.skip(4)?;
        let module = reader.u16()?;
        reader.skip(10)?;
        Some(Self { section, offset, size, module })
    }
}

/// `MODI`: what the DBI stream says of a module.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// The object file, or what the linker calls the module.
    pub(super) name: Box<str>,
    /// Stream of its symbols and lines.
    pub(super) stream: u16,
    pub(super) symbols_size: u32,
    /// Lines in the form of Visual C++ 5 to 7.1, behind the symbols.
    pub(super) c11_size: u32,
    /// Lines in the form of today, behind those.
    pub(super) c13_size: u32,
}

impl Module {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.skip(34)?;
        let stream = reader.u16()?;
        let (symbols_size, c11_size, c13_size) = (reader.u32()?, reader.u32()?, reader.u32()?);
        reader.skip(16)?;
        let name = String::from_utf8_lossy(reader.text()).into();
        // The library that it comes from.
        reader.text();
        reader.align();
        Some(Self { name, stream, symbols_size, c11_size, c13_size })
    }
}
