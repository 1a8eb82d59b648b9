//! Last resorts: the export table of an image and the starts of its functions, from a file or from memory.

use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, Identity, Origin},
    table::{SymbolTable, TableBuilder},
};
use std::collections::{HashMap, HashSet};
use vatlas_images::{
    exports::{self, ExportTarget},
    function_table,
    image_bytes::ReadImage,
    pe::PeHeaders,
};
use vatlas_space::{Problem, Rva};

/// The exports of an image: `#12` is one without a name. Sizes are known where the function table tells them.
/// `None` when nothing is exported. Forwarders have no address here; a note tells how many there are.
pub fn exports(file: &str, headers: &PeHeaders, read: ReadImage) -> Option<SymbolTable> {
    let table = exports::read(headers, read)?;
    let functions = function_table::read(headers, read);
    let sizes: HashMap<Rva, u32> = functions.iter().map(|function| (function.begin, function.size)).collect();
    let mut builder = TableBuilder::default();
    let mut forwarders = 0;
    for export in table.exports {
        let ExportTarget::Address(rva) = export.target else {
            forwarders += 1;
            continue;
        };
        let name = export.name.unwrap_or_else(|| format!("#{}", export.ordinal));
        builder.symbol(rva, sizes.get(&rva).copied().unwrap_or(0), &name, SymbolKind::Export);
    }
    let mut problems = table.problems;
    if forwarders > 0 {
        problems.push(Problem::note(file, format!("{forwarders} exports lead to other images")));
    }
    Some(builder.build(origin(file, headers, FileKind::Exports)).of_image(headers).with_problems(problems))
}

/// Functions that nothing names, as `function at 0x1000`: those of the function table at whose start no symbol of
/// `named` is. `None` when there are none.
pub fn unnamed_functions(
    file: &str,
    headers: &PeHeaders,
    read: ReadImage,
    named: &HashSet<Rva>,
) -> Option<SymbolTable> {
    let mut builder = TableBuilder::default();
    let functions = function_table::read(headers, read);
    for function in functions.iter().filter(|function| !named.contains(&function.begin)) {
        builder.symbol(function.begin, function.size, &format!("function at {}", function.begin), SymbolKind::Label);
    }
    let table = builder.build(origin(file, headers, FileKind::FunctionTable)).of_image(headers);
    (!table.is_empty()).then_some(table)
}

fn origin(file: &str, headers: &PeHeaders, kind: FileKind) -> Origin {
    Origin { file: file.into(), kind, identity: Some(Identity::TimeDateStamp(headers.time_date_stamp)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol_file::SymbolFile;
    use vatlas_fixtures::pe::{self, Image, Machine};
    use vatlas_images::image_bytes;

    const EXPORTS: u32 = 0x2000;

    /// An x64 DLL with two functions in its function table, of which one is exported, and a forwarder.
    fn image() -> Image {
        let functions = [("alpha", 0x1000), ("beta", 0x1008), ("delta", 0x1100)];
        let mut exports = pe::exports(EXPORTS, "small.dll", 0, &functions);
        let forwarder = EXPORTS + exports.len() as u32;
        exports.extend_from_slice(b"other.delta\0");
        exports[24..28].copy_from_slice(&2u32.to_le_bytes());
        exports[48..52].copy_from_slice(&forwarder.to_le_bytes());
        let size = exports.len() as u32;
        let table: Vec<u8> = [0x1000, 0x1040, 0x9000, 0x1100, 0x1140, 0x9000u32]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let image = Image::new(Machine::Amd64, 0x1_8000_0000).section(".text", 0x6000_0020, vec![0xcc; 0x200], 0);
        let image = image.section(".edata", 0x4000_0040, exports, 0).section(".pdata", 0x4000_0040, table, 0);
        image.directory(0, EXPORTS, size).directory(3, 0x3000, 24)
    }

    fn check(headers: &PeHeaders, read: ReadImage) {
        let table = exports("small.dll", headers, read).unwrap();
        let name = |rva| table.symbol_at(Rva(rva)).map(|symbol| (symbol.name, symbol.size, symbol.kind));
        let export = |name: &str, size| Some((name.into(), size, SymbolKind::Export));
        assert_eq!(name(0x1007), export("alpha", Some(0x40)));
        assert_eq!(name(0x1050), export("beta", None));
        assert_eq!(name(0xfff), None);
        assert_eq!(table.len(), 2);
        let problems: Vec<_> = table.problems().iter().map(Problem::to_string).collect();
        assert_eq!(problems, ["small.dll: 1 exports lead to other images"]);
        assert_eq!(table.origin().identity, Some(Identity::TimeDateStamp(0x4800_0000)));
        let named = HashSet::from([Rva(0x1000)]);
        let functions = unnamed_functions("small.dll", headers, read, &named).unwrap();
        assert_eq!(functions.len(), 1);
        let symbol = functions.symbol_at(Rva(0x1104)).unwrap();
        assert_eq!((symbol.name.as_ref(), symbol.size), ("function at 0x1100", Some(0x40)));
    }

    #[test]
    fn a_file_and_memory_give_the_same() {
        let (file, mapped) = (image().file(), image().mapped());
        let headers = PeHeaders::read(&file).unwrap();
        check(&headers, &image_bytes::of_file(&headers, &file));
        check(&headers, &|rva, buffer| {
            let bytes = mapped.get(rva.0 as usize..).unwrap_or_default();
            // Memory may come piece by piece.
            let count = bytes.len().min(buffer.len()).min(7);
            buffer[..count].copy_from_slice(&bytes[..count]);
            count
        });
    }
}
