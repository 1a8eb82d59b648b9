//! Opening a PDB: its identity, its list of modules, the sections, and what is odd about it.

use super::{
    PdbFile, SharedBytes,
    addresses::AddressMap,
    dbi,
    info::{self, Info},
    streams::{NO_STREAM, StreamBytes, Streams},
};
use crate::{
    index_bytes::checksum,
    symbol_file::{FileKind, Identity, Origin},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, OnceLock},
};
use vatlas_space::Problem;

/// Bytes of the smallest block that MSF files usually have: their head is within it.
const HEAD: usize = 512;

impl PdbFile {
    /// Opens a PDB. `name` is what to call it. Modules are read when they are needed.
    ///
    /// # Errors
    /// When the bytes are no PDB, or what tells its identity cannot be read.
    pub fn open(name: &str, bytes: SharedBytes) -> Result<Self, Problem> {
        let streams = Arc::new(Streams::open(name, &bytes)?);
        let head = head_sum((*bytes).as_ref());
        drop(bytes);
        let ends_early = |number, what| Problem::damage(streams.place(number, what), "ends within its header");
        let info = streams.get(info::STREAM, "PDB")?.and_then(|stream| Info::read(&stream));
        let info = info.ok_or_else(|| ends_early(info::STREAM, "PDB"))?;
        let mut problems = Vec::new();
        let dbi = read_dbi(&streams, &mut problems);
        let (modules, addresses) = match &dbi {
            Some((header, stream)) => (
                read_modules(&streams, header, stream, &mut problems),
                read_addresses(&streams, &header.streams(stream), &mut problems),
            ),
            None => (Vec::new(), AddressMap::default()),
        };
        remark(&streams, &info, dbi.as_ref().map(|(header, _)| header), &modules, &mut problems);
        let identity = identity(&info, dbi.as_ref().map_or(0, |(header, _)| header.age));
        let origin = Origin { file: name.into(), kind: FileKind::Pdb, identity: Some(identity) };
        let (contributions, globals, frame_rules, names, ids, inlinee_names) = Default::default();
        let tables = modules.iter().map(|_| OnceLock::new()).collect();
        let names_stream = info.names.unwrap_or(NO_STREAM);
        let later_problems = Mutex::default();
        Ok(Self {
            origin,
            problems,
            streams,
            head,
            addresses,
            dbi,
            modules,
            names_stream,
            contributions,
            tables,
            globals,
            frame_rules,
            names,
            ids,
            types: OnceLock::new(),
            inlinee_names,
            later_problems,
        })
    }
}

/// The first block has the counts of blocks and the size of the directory, which any writer changes with the streams.
fn head_sum(bytes: &[u8]) -> u64 {
    checksum(bytes.get(..HEAD).unwrap_or(bytes)) ^ (bytes.len() as u64).rotate_left(32)
}

/// The linker writes the age of the image into the DBI stream; other tools count the PDB's own age up.
fn identity(info: &Info, dbi_age: u32) -> Identity {
    let age = if dbi_age == 0 { info.age } else { dbi_age };
    match info.guid {
        Some(guid) => Identity::Guid { guid, age },
        None => Identity::Signature { signature: info.signature, age },
    }
}

fn read_dbi(streams: &Streams, problems: &mut Vec<Problem>) -> Option<(dbi::Header, StreamBytes)> {
    let place = || streams.place(dbi::STREAM, "DBI");
    let stream = match streams.get(dbi::STREAM, "DBI") {
        Ok(stream) => stream.filter(|stream| !stream.is_empty()),
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let Some(stream) = stream else {
        problems.push(Problem::note(place(), "is empty").hint("this PDB has types only, and no symbols"));
        return None;
    };
    let Some(header) = dbi::Header::read(&stream) else {
        problems.push(Problem::damage(place(), "has no header of Visual C++ 6 or later"));
        return None;
    };
    if !header.is_known() {
        let cause = format!("has the unknown version {}", header.version);
        problems.push(Problem::damage(place(), cause).hint("written before Visual C++ 6?"));
        return None;
    }
    Some((header, stream))
}

/// The modules. No two have a stream in common: the second claims it wrongly.
fn read_modules(
    streams: &Streams,
    header: &dbi::Header,
    stream: &[u8],
    problems: &mut Vec<Problem>,
) -> Vec<dbi::Module> {
    let (mut modules, is_whole) = header.modules(stream);
    let place = streams.place(dbi::STREAM, "DBI");
    if !is_whole {
        let cause = format!("the list of modules ends within module {}", modules.len());
        problems.push(Problem::damage(&*place, cause).hint("the file may be truncated"));
    }
    if header.contributions(stream).is_none() {
        let cause = "which module an address comes from is told in an unknown form";
        problems.push(Problem::note(&*place, cause).hint("every module is searched"));
    }
    let mut taken = HashSet::new();
    for (index, module) in modules.iter_mut().enumerate() {
        if module.stream != NO_STREAM && !taken.insert(module.stream) {
            let cause = format!("module {index} claims stream {}, which another module has", module.stream);
            problems.push(Problem::damage(&*place, cause));
            module.stream = NO_STREAM;
        }
    }
    modules
}

fn read_addresses(streams: &Streams, numbers: &dbi::DebugStreams, problems: &mut Vec<Problem>) -> AddressMap {
    let mut read = |number, what| match streams.get(number, what) {
        Ok(stream) => stream,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let original = read(numbers.original_sections, "original sections");
    let to_linked = read(numbers.omap_to_original, "OMAP");
    let sections = read(numbers.sections, "sections");
    // A tool that rearranges leaves the headers as linked where they were, or writes its own there and keeps them.
    let is_moved = original.is_some();
    let addresses = original.or(sections).map_or_else(AddressMap::default, |headers| AddressMap::new(&headers));
    let addresses = match to_linked {
        Some(map) => addresses.with_omap(&map),
        None if is_moved => {
            let cause = "the image was rearranged, but the map of its addresses is missing";
            let problem = Problem::damage(streams.place(dbi::STREAM, "DBI"), cause);
            problems.push(problem.hint("addresses are those before that"));
            addresses
        }
        None => addresses,
    };
    if addresses.is_empty() {
        let cause = "the sections of the image are not told, so nothing has an address";
        problems.push(Problem::damage(streams.place(dbi::STREAM, "DBI"), cause));
    }
    addresses
}

/// Says what a user who misses something would want to know.
fn remark(
    streams: &Streams,
    info: &Info,
    header: Option<&dbi::Header>,
    modules: &[dbi::Module],
    problems: &mut Vec<Problem>,
) {
    let dbi_place = || streams.place(dbi::STREAM, "DBI");
    if info.is_fastlink {
        let cause = "linked with /DEBUG:FASTLINK: most debug information stayed in the object files";
        let hint = "link with /DEBUG:FULL, or make a full PDB with mspdbcmf";
        problems.push(Problem::note(streams.place(info::STREAM, "PDB"), cause).hint(hint));
    }
    let has_private = modules.iter().any(|module| module.stream != NO_STREAM && module.symbols_size > 4);
    let hint = "the symbols of the build machine have them";
    if header.is_some() && !has_private {
        let cause = "private symbols are stripped: there are public names, no sizes and no lines";
        problems.push(Problem::note(dbi_place(), cause).hint(hint));
    } else if header.is_some_and(|header| header.is_stripped) {
        let cause = "private symbols are marked as stripped: lines and names of variables may be missing";
        problems.push(Problem::note(dbi_place(), cause).hint(hint));
    }
}
