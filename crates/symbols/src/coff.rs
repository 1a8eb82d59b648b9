//! The COFF symbol table of an image, which linkers of the GNU kind leave in it, and lld with `/debug:symtab`.

use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, Identity, Origin},
    table::{SymbolTable, TableBuilder},
};
use object::{
    pe,
    read::{
        coff::Symbol as _,
        pe::{ImageNtHeaders, optional_header_magic},
    },
};
use vatlas_images::pe::{PeHeaders, PeSection};
use vatlas_space::Problem;

/// Functions, variables and labels of an image file; `None` when the file has no symbol table.
///
/// # Errors
/// The table lies outside the file.
pub fn read(file: &str, headers: &PeHeaders, bytes: &[u8]) -> Result<Option<SymbolTable>, Problem> {
    let outcome = match optional_header_magic(bytes) {
        Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => rows::<pe::ImageNtHeaders64>(headers, bytes),
        _ => rows::<pe::ImageNtHeaders32>(headers, bytes),
    };
    let builder = outcome.map_err(|error| {
        let cause = error.to_string().to_ascii_lowercase();
        Problem::damage(format!("{file}: COFF symbol table"), cause)
    })?;
    let identity = Some(Identity::TimeDateStamp(headers.time_date_stamp));
    let table = builder.build(Origin { file: file.into(), kind: FileKind::Coff, identity }).of_image(headers);
    Ok((!table.is_empty()).then_some(table))
}

fn rows<Headers: ImageNtHeaders>(headers: &PeHeaders, bytes: &[u8]) -> object::Result<TableBuilder> {
    let mut offset = pe::ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (nt, _) = Headers::parse(bytes, &mut offset)?;
    let table = nt.symbols(bytes)?;
    let mut builder = TableBuilder::default();
    for (_, symbol) in table.iter() {
        let Some(section) = section(symbol, headers) else { continue };
        let Some(kind) = kind(symbol, section) else { continue };
        let Some(rva) = section.rva.checked_add(symbol.value()) else { continue };
        if let Ok(name) = symbol.name(table.strings()) {
            builder.symbol(rva, 0, &String::from_utf8_lossy(name), kind);
        }
    }
    Ok(builder)
}

/// The section of a symbol, by its number from 1; what has none is undefined, absolute or of the debugger's own.
fn section<'a>(symbol: &pe::ImageSymbol, headers: &'a PeHeaders) -> Option<&'a PeSection> {
    headers.sections.get(symbol.section()?.0.checked_sub(1)?)
}

/// `None` for what names no place: files, sections.
fn kind(symbol: &pe::ImageSymbol, section: &PeSection) -> Option<SymbolKind> {
    let is_function = symbol.derived_type() == pe::IMAGE_SYM_DTYPE_FUNCTION;
    let is_section = symbol.has_aux_section();
    match symbol.storage_class() {
        pe::IMAGE_SYM_CLASS_EXTERNAL | pe::IMAGE_SYM_CLASS_STATIC | pe::IMAGE_SYM_CLASS_LABEL if is_section => None,
        pe::IMAGE_SYM_CLASS_EXTERNAL | pe::IMAGE_SYM_CLASS_STATIC if is_function => Some(SymbolKind::Function),
        pe::IMAGE_SYM_CLASS_EXTERNAL | pe::IMAGE_SYM_CLASS_STATIC if !section.executable => Some(SymbolKind::Data),
        pe::IMAGE_SYM_CLASS_EXTERNAL | pe::IMAGE_SYM_CLASS_STATIC | pe::IMAGE_SYM_CLASS_LABEL => {
            Some(SymbolKind::Label)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol_file::SymbolFile;
    use vatlas_fixtures::pe::{Image, Machine};
    use vatlas_space::Rva;

    /// Name (an offset in the strings where it is long), value, section, type, class, auxiliary records.
    type Row<'a> = (&'a str, u32, i16, u16, u8, u8);

    /// An image with a symbol table behind its last section.
    fn image(machine: Machine, rows: &[Row]) -> Vec<u8> {
        let image = Image::new(machine, 0x40_0000).section(".text", 0x6000_0020, vec![0xcc; 0x200], 0);
        let mut file = image.section(".data", 0xc000_0040, vec![0; 0x100], 0).file();
        let header = u32::from_le_bytes(*file[0x3c..].first_chunk().unwrap()) as usize + 4;
        let table = (file.len() as u32).to_le_bytes();
        file[header + 8..header + 12].copy_from_slice(&table);
        let count: u32 = rows.iter().map(|row| 1 + u32::from(row.5)).sum();
        file[header + 12..header + 16].copy_from_slice(&count.to_le_bytes());
        let mut strings = vec![0; 4];
        for (name, value, section, kind, class, auxiliary) in rows {
            let mut field = [0; 8];
            if name.len() <= 8 {
                field[..name.len()].copy_from_slice(name.as_bytes());
            } else {
                field[4..].copy_from_slice(&(strings.len() as u32).to_le_bytes());
                strings.extend_from_slice(name.as_bytes());
                strings.push(0);
            }
            file.extend_from_slice(&field);
            file.extend_from_slice(&value.to_le_bytes());
            file.extend_from_slice(&section.to_le_bytes());
            file.extend_from_slice(&kind.to_le_bytes());
            file.extend_from_slice(&[*class, *auxiliary]);
            file.extend(std::iter::repeat_n(0, 18 * usize::from(*auxiliary)));
        }
        let length = (strings.len() as u32).to_le_bytes();
        strings[..4].copy_from_slice(&length);
        file.extend_from_slice(&strings);
        file
    }

    const ROWS: [Row; 8] = [
        (".file", 0, -2, 0, 103, 1),
        (".text", 0, 1, 0, 3, 1),
        ("_main", 0x10, 1, 0x20, 2, 0),
        ("_a_long_function_name@4", 0x40, 1, 0x20, 3, 0),
        ("label", 0x60, 1, 0, 6, 0),
        ("_count", 8, 2, 0, 2, 0),
        ("_absolute", 8, -1, 0, 2, 0),
        ("_undefined", 0, 0, 0, 2, 0),
    ];

    fn table(file: &[u8]) -> Option<SymbolTable> {
        read("app.exe", &PeHeaders::read(file).unwrap(), file).unwrap()
    }

    #[test]
    fn functions_data_and_labels() {
        for machine in [Machine::I386, Machine::Amd64] {
            let table = table(&image(machine, &ROWS)).unwrap();
            let check = |rva, expected: (&str, SymbolKind)| {
                let symbol = table.symbol_at(Rva(rva)).unwrap();
                assert_eq!((symbol.name.as_ref(), symbol.kind), expected);
            };
            check(0x1013, ("_main", SymbolKind::Function));
            check(0x1044, ("_a_long_function_name@4", SymbolKind::Function));
            check(0x1060, ("label", SymbolKind::Label));
            check(0x2008, ("_count", SymbolKind::Data));
            assert_eq!(table.symbol_at(Rva(0x100f)), None);
            assert_eq!(table.len(), 4);
        }
    }

    #[test]
    fn no_table_and_a_bad_one() {
        assert!(table(&image(Machine::I386, &[])).is_none());
        let mut file = image(Machine::I386, &ROWS);
        file.truncate(file.len() - 100);
        let problem = read("app.exe", &PeHeaders::read(&file).unwrap(), &file).unwrap_err();
        assert!(problem.to_string().starts_with("app.exe: COFF symbol table: "), "{problem}");
    }
}
