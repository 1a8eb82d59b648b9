//! A PE file from a module of a ROM image: headers made from what ROM keeps of them, sections unpacked.
//!
//! ROM keeps no section names, no base relocations of fixed modules and no checksum. Code and data are as the ROM tool
//! left them: fixed up for their addresses at run time, of which the image base can name only one range.

use super::{E32, RomImage, RomModule, RomRegion, RomSection};
use std::borrow::Cow;
use vatlas_space::{Problem, Rva};

/// A rebuilt file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The file.
    pub bytes: Vec<u8>,
    /// Where the bytes of each section begin in it, and how many there are, in the order of the header.
    pub sections: Vec<(u32, u32)>,
    /// What could not be read; that part is zero.
    pub problems: Vec<Problem>,
}

const PE: usize = 0x80;
const OPTIONAL_HEADER: usize = 224;
const SECTION_HEADER: usize = 40;
const FILE_UNIT: usize = 0x200;
const DIRECTORIES: usize = 16;
/// `IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR`, section 14 of the older linkers.
const COM: usize = 14;
/// Bytes of a rebuilt file, at most: a slot has 32 MB.
const MOST_BYTES: usize = 32 << 20;

/// Rebuilds the PE file of a module.
///
/// # Errors
/// The module's header is not in the image.
pub fn rebuild(image: &RomImage, file: &[u8], region: &RomRegion, module: &RomModule) -> Result<Rebuilt, Problem> {
    let place = format!("ROM image: {}", module.name);
    let Some(e32) = &module.e32 else { return Err(Problem::damage(place, "its header is not in the image")) };
    let count = module.sections.len();
    let headers = (PE + 24 + OPTIONAL_HEADER + SECTION_HEADER * count).next_multiple_of(FILE_UNIT);
    let mut bytes = vec![0; headers];
    let mut problems = Vec::new();
    let mut sections = Vec::with_capacity(count);
    for (index, section) in module.sections.iter().enumerate() {
        let mut damage = |cause| problems.push(Problem::damage(place.clone(), format!("section {index}: {cause}")));
        let contents = contents(image, file, section, &mut damage);
        let start = bytes.len();
        if start.saturating_add(contents.len()) > MOST_BYTES {
            damage("the file would be too large; left out".to_owned());
            sections.push((0, 0));
            continue;
        }
        bytes.extend_from_slice(&contents);
        bytes.resize(bytes.len().next_multiple_of(FILE_UNIT), 0);
        sections.push((start as u32, (bytes.len() - start) as u32));
    }
    point_to_debug_records(&mut bytes, e32, module, &sections);
    write_headers(&mut bytes, e32, region.header.cpu, headers as u32, count as u16);
    for (index, (section, raw)) in module.sections.iter().zip(&sections).enumerate() {
        write_section(&mut bytes, index, section, &section_name(index, section, e32), *raw);
    }
    Ok(Rebuilt { bytes, sections, problems })
}

/// What a section holds at run time before anything writes to it, without the zeros behind.
fn contents<'f>(
    image: &RomImage,
    file: &'f [u8],
    section: &RomSection,
    damage: &mut impl FnMut(String),
) -> Cow<'f, [u8]> {
    let data = image.section_data(file, section);
    if !section.is_compressed() {
        let wanted = section.packed_size.min(section.size) as usize;
        if data.len() < wanted {
            damage(format!("{} of {wanted} bytes are in the image", data.len()));
        }
        return data;
    }
    if data.len() < section.packed_size as usize {
        damage(format!("{} of {} packed bytes are in the image", data.len(), section.packed_size));
    }
    match super::Packed::read(&data) {
        Err(fault) => {
            damage(fault);
            Cow::Borrowed(&[])
        }
        Ok(packed) => {
            let (mut unpacked, faults) = packed.unpack(&data);
            faults.into_iter().for_each(|(page, fault)| damage(format!("page {page}: {fault}")));
            unpacked.truncate(section.size as usize);
            Cow::Owned(unpacked)
        }
    }
}

/// Names for the sections of a module, which ROM does not keep: in their order, those that linkers use.
pub fn section_names(module: &RomModule) -> Vec<String> {
    let sections = module.sections.iter().enumerate();
    let name = |(index, section): (usize, &RomSection)| match &module.e32 {
        Some(e32) => section_name(index, section, e32),
        None => format!(".sec{index}"),
    };
    sections.map(name).collect()
}

/// The usual name of a section that holds a directory, else by what it is for.
fn section_name(index: usize, section: &RomSection, e32: &E32) -> String {
    let holds = |(rva, size): (Rva, u32)| size > 0 && rva.offset_from(section.rva).is_some_and(|at| at < section.size);
    let begins = |number: usize| holds(e32.directories[number]) && e32.directories[number].0 == section.rva;
    let name = match () {
        () if section.is_executable() => ".text",
        () if begins(2) => ".rsrc",
        () if begins(3) => ".pdata",
        () if begins(5) => ".reloc",
        () if section.is_writable() => ".data",
        () if holds(e32.directories[0]) || holds(e32.directories[1]) || holds(e32.directories[6]) => ".rdata",
        () => return format!(".sec{index}"),
    };
    name.to_owned()
}

/// Entries of the debug directory say where a record is in the file (at 24) beside its place in memory (at 20): the file
/// is another one now. A record that was not kept has neither.
fn point_to_debug_records(bytes: &mut [u8], e32: &E32, module: &RomModule, sections: &[(u32, u32)]) {
    const ENTRY: usize = 28;
    const MOST: u32 = 16;
    let in_file = |rva: Rva| {
        let (section, (start, size)) = module
            .sections
            .iter()
            .zip(sections)
            .find(|(section, (_, size))| rva.offset_from(section.rva).is_some_and(|offset| offset < *size))?;
        let offset = rva.offset_from(section.rva).filter(|offset| offset < size)?;
        usize::try_from(start.checked_add(offset)?).ok()
    };
    let (directory, size) = e32.directories[6];
    for number in 0..(size / ENTRY as u32).min(MOST) {
        let Some(at) = directory.checked_add(number * ENTRY as u32).and_then(in_file) else { return };
        let Some(entry) = bytes.get_mut(at..at + ENTRY) else { return };
        let Some(Ok(place)) = entry.get(20..24).map(<[u8; 4]>::try_from) else { return };
        let place = in_file(Rva(u32::from_le_bytes(place))).unwrap_or(0);
        entry[24..28].copy_from_slice(&(place as u32).to_le_bytes());
    }
}

fn write_headers(bytes: &mut [u8], e32: &E32, cpu: u16, headers: u32, sections: u16) {
    let mut put = |at: usize, value: &[u8]| {
        // The headers were made large enough for all of these.
        if let Some(place) = bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    };
    put(0, b"MZ");
    put(0x3c, &(PE as u32).to_le_bytes());
    put(PE, b"PE\0\0");
    let file = PE + 4;
    put(file, &cpu.to_le_bytes());
    put(file + 2, &sections.to_le_bytes());
    put(file + 4, &e32.time_date_stamp.unwrap_or(0).to_le_bytes());
    put(file + 16, &(OPTIONAL_HEADER as u16).to_le_bytes());
    put(file + 18, &e32.flags.to_le_bytes());
    let optional = file + 20;
    put(optional, &0x10b_u16.to_le_bytes());
    let words = [(16, e32.entry.0), (28, e32.base.0 as u32), (32, 0x1000), (36, FILE_UNIT as u32)];
    let words = words.into_iter().chain([(56, e32.size), (60, headers), (72, e32.stack), (92, DIRECTORIES as u32)]);
    words.for_each(|(at, value)| put(optional + at, &value.to_le_bytes()));
    for at in [40, 48] {
        put(optional + at, &e32.version.0.to_le_bytes());
        put(optional + at + 2, &e32.version.1.to_le_bytes());
    }
    put(optional + 68, &e32.subsystem.to_le_bytes());
    let directories = e32.directories.into_iter().enumerate().chain([(COM, e32.com)]);
    for (number, (rva, size)) in directories {
        put(optional + 96 + 8 * number, &rva.0.to_le_bytes());
        put(optional + 100 + 8 * number, &size.to_le_bytes());
    }
}

fn write_section(bytes: &mut [u8], index: usize, section: &RomSection, name: &str, (start, size): (u32, u32)) {
    let at = PE + 24 + OPTIONAL_HEADER + SECTION_HEADER * index;
    let Some(header) = bytes.get_mut(at..at + SECTION_HEADER) else { return };
    let name = &name.as_bytes()[..name.len().min(8)];
    header[..name.len()].copy_from_slice(name);
    let start = if size == 0 { 0 } else { start };
    let flags = section.flags & !super::COMPRESSED;
    let words = [(8, section.size), (12, section.rva.0), (16, size), (20, start), (36, flags)];
    words.into_iter().for_each(|(at, value)| header[at..at + 4].copy_from_slice(&value.to_le_bytes()));
}
