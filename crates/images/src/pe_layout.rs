//! An image as a system lays it out in memory: sections at their addresses, base relocations applied, imports listed.
//!
//! ```text
//! relocation block   page, bytes of the block, then entries of 16 bits: type:4 | offset:12
//! import descriptor  names, time, forwarder, module name, addresses; the list ends with a descriptor of zeroes
//! ```
//!
//! Formats: the PE/COFF specification.

use crate::pe_load::PeLoad;
use vatlas_space::{Problem, Rva};

/// Longest image that is laid out.
const LONGEST_IMAGE: u32 = 64 << 20;
/// `IMAGE_REL_BASED_HIGHLOW`: 32 bits; type 0 is padding.
const HIGHLOW: u16 = 3;
/// Most modules that an image imports from, functions of one, and letters of a name.
const MOST_MODULES: u32 = 1024;
const MOST_FUNCTIONS: u32 = 1 << 16;
const LONGEST_NAME: usize = 512;
/// Top bit of an entry: by number, not by name.
const BY_ORDINAL: u32 = 1 << 31;

/// What is imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImportedSymbol {
    /// By name.
    Name(String),
    /// By number.
    Ordinal(u16),
}

/// One imported function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedFunction {
    /// Where its address belongs.
    pub slot: Rva,
    /// Which it is.
    pub symbol: ImportedSymbol,
}

/// What an image imports from one module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedModule {
    /// File name of the module as the image has it.
    pub name: String,
    /// Its functions.
    pub functions: Vec<ImportedFunction>,
}

fn word(image: &[u8], at: u32) -> Option<u32> {
    image.get(usize::try_from(at).ok()?..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn half(image: &[u8], at: u32) -> Option<u16> {
    image.get(usize::try_from(at).ok()?..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn text(image: &[u8], at: u32) -> Option<String> {
    let bytes = image.get(usize::try_from(at).ok()?..)?;
    let end = bytes.iter().take(LONGEST_NAME).position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// The memory of an image before it is relocated: headers, sections, zeroes between.
///
/// # Errors
/// A section, or the headers, lie outside the image or the file; the image is longer than 64 MB.
pub fn lay_out(file: &[u8], load: &PeLoad) -> Result<Vec<u8>, Problem> {
    let damage = |what: &str| Problem::damage("PE image", what.to_owned());
    if load.size_of_image > LONGEST_IMAGE {
        return Err(damage("it is longer than any system loads"));
    }
    let mut image = vec![0; load.size_of_image as usize];
    let mut copy = |at: u32, offset: u64, length: u32| -> Option<()> {
        let (at, offset, length) = (at as usize, usize::try_from(offset).ok()?, length as usize);
        let from = file.get(offset..offset.checked_add(length)?)?;
        image.get_mut(at..at.checked_add(length)?)?.copy_from_slice(from);
        Some(())
    };
    copy(0, 0, load.size_of_headers).ok_or_else(|| damage("its headers are longer than the file"))?;
    for section in &load.sections {
        let whole = if section.virtual_size == 0 { section.file_size } else { section.virtual_size };
        let length = section.file_size.min(whole);
        copy(section.rva.0, section.file_offset.0, length)
            .ok_or_else(|| damage("a section lies outside the image or the file"))?;
    }
    Ok(image)
}

/// Applies the base relocations of a directory for an image that lies `delta` bytes above the place that it was linked
/// for.
///
/// # Errors
/// A block that ends outside the directory, or a type that 32-bit images do not have.
pub fn relocate(image: &mut [u8], directory: Rva, bytes: u32, delta: u32) -> Result<(), Problem> {
    let damage = || Problem::damage("PE image", "its base relocations are damaged".to_owned());
    let (mut at, end) = (directory.0, directory.0.checked_add(bytes).ok_or_else(damage)?);
    while at < end {
        let (page, length) = word(image, at).zip(word(image, at.saturating_add(4))).ok_or_else(damage)?;
        let next = at.checked_add(length).filter(|next| length >= 8 && *next <= end).ok_or_else(damage)?;
        for entry in (at + 8..next.saturating_sub(1)).step_by(2) {
            let entry = half(image, entry).ok_or_else(damage)?;
            match entry >> 12 {
                0 => {}
                HIGHLOW => {
                    let place = page.checked_add(u32::from(entry & 0xfff)).ok_or_else(damage)?;
                    let value = word(image, place).ok_or_else(damage)?.wrapping_add(delta);
                    let place = place as usize;
                    image.get_mut(place..place + 4).ok_or_else(damage)?.copy_from_slice(&value.to_le_bytes());
                }
                _ => return Err(damage()),
            }
        }
        at = next;
    }
    Ok(())
}

/// The imports of an image that was laid out, as far as they can be read.
pub fn imports(image: &[u8], directory: Rva) -> Vec<ImportedModule> {
    let mut found = Vec::new();
    for number in 0..MOST_MODULES {
        let Some(at) = directory.0.checked_add(number * 20) else { break };
        let field = |offset: u32| word(image, at.checked_add(offset)?);
        let (Some(names), Some(name), Some(slots)) = (field(0), field(12), field(16)) else { break };
        if name == 0 {
            break;
        }
        let Some(name) = text(image, name) else { break };
        // Old linkers leave the list of names out: it is then where the addresses will be.
        let names = if names == 0 { slots } else { names };
        let functions = (0..MOST_FUNCTIONS).map_while(|number| function(image, names, slots, number)).collect();
        found.push(ImportedModule { name, functions });
    }
    found
}

fn function(image: &[u8], names: u32, slots: u32, number: u32) -> Option<ImportedFunction> {
    let entry = word(image, names.checked_add(number * 4)?).filter(|entry| *entry != 0)?;
    let symbol = if entry & BY_ORDINAL != 0 {
        ImportedSymbol::Ordinal(entry as u16)
    } else {
        ImportedSymbol::Name(text(image, entry.checked_add(2)?)?)
    };
    Some(ImportedFunction { slot: Rva(slots.checked_add(number * 4)?), symbol })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_fixtures::pe::{Image, Machine};

    #[test]
    fn sections_are_put_where_they_belong() {
        let image = Image::new(Machine::I386, 0x1000_0000).section(".text", 0x6000_0020, b"abcdef".to_vec(), 0x2000);
        let file = image.file();
        let load = PeLoad::read(&file).unwrap();
        let memory = lay_out(&file, &load).unwrap();
        assert_eq!(memory.len(), load.size_of_image as usize);
        assert_eq!(memory[0x1000..0x1008], *b"abcdef\0\0");
        assert!(lay_out(&file[..0x100], &load).is_err());
    }

    #[test]
    fn relocations_change_whole_addresses() {
        let mut image = vec![0; 0x3000];
        image[0x1004..0x1008].copy_from_slice(&0x0040_1000_u32.to_le_bytes());
        image[0x2000..0x200c].copy_from_slice(&[0, 0x10, 0, 0, 12, 0, 0, 0, 4, 0x30, 0, 0]);
        relocate(&mut image, Rva(0x2000), 12, 0x10_0000).unwrap();
        assert_eq!(word(&image, 0x1004), Some(0x0050_1000));
        image[0x2009] = 0xa0;
        assert!(relocate(&mut image, Rva(0x2000), 12, 1).is_err(), "a type of 64-bit images");
        image[0x2004] = 0;
        assert!(relocate(&mut image, Rva(0x2000), 12, 1).is_err(), "a block without end");
        assert!(relocate(&mut image, Rva(0x2ffc), 12, 1).is_err());
    }

    #[test]
    fn imports_are_listed_by_name_and_number() {
        let mut image = vec![0; 0x200];
        let put = |image: &mut Vec<u8>, at: usize, value: u32| image[at..at + 4].copy_from_slice(&value.to_le_bytes());
        for (at, value) in [(0x10, 0x80), (0x1c, 0x60), (0x20, 0xa0), (0x80, 0xc0), (0x84, 0x8000_0007)] {
            put(&mut image, at, value);
        }
        image[0x60..0x67].copy_from_slice(b"hal.dll");
        image[0xc2..0xc6].copy_from_slice(b"Halt");
        let expected = ImportedModule {
            name: "hal.dll".to_owned(),
            functions: vec![
                ImportedFunction { slot: Rva(0xa0), symbol: ImportedSymbol::Name("Halt".to_owned()) },
                ImportedFunction { slot: Rva(0xa4), symbol: ImportedSymbol::Ordinal(7) },
            ],
        };
        assert_eq!(imports(&image, Rva(0x10)), [expected]);
        assert_eq!(imports(&image, Rva(u32::MAX)), []);
    }
}
