//! Tests: what the independent writer laid out is what is read, in every container and with every oddity.

use super::*;
use crate::pe::PeHeaders;
use vatlas_fixtures::rom::{self, Packing, Rom, Written};
use vatlas_space::Rva;

fn read(bytes: &[u8]) -> RomImage {
    let image = RomImage::read(bytes).unwrap();
    assert_eq!(image.problems, []);
    image
}

/// Every section and file is where the writer put it.
fn check_layout(image: &RomImage, written: &[Written]) {
    let sections = image.modules().flat_map(|(_, module)| {
        let number = |va: Va| va.0 as u32;
        let row = move |section: &RomSection| {
            let real = number(section.real);
            (module.name.clone(), section.rva.0, number(section.data), section.packed_size, real)
        };
        module.sections.iter().map(row)
    });
    let expected: Vec<_> = written.iter().flat_map(|written| written.sections.clone()).collect();
    assert_eq!(sections.collect::<Vec<_>>(), expected);
    let files = image.files().map(|file| (file.name.clone(), file.data.0 as u32, file.packed_size));
    let expected: Vec<_> = written.iter().flat_map(|written| written.files.clone()).collect();
    assert_eq!(files.collect::<Vec<_>>(), expected);
}

/// The same image raw, and as records.
fn both(rom: &Rom, base: u32) -> (Written, [Vec<u8>; 2]) {
    let written = rom.write();
    let records = rom::records(&[(base, &written.bytes)], base);
    let raw = written.bytes.clone();
    (written, [raw, records])
}

#[test]
fn ce_5_raw_and_as_records() {
    let (written, files) = both(&rom::ce5_arm(), 0x8010_0000);
    for file in files {
        let image = read(&file);
        check_layout(&image, std::slice::from_ref(&written));
        let region = &image.regions[0];
        assert_eq!((region.header_va.0 as u32, region.header.cpu, region.is_marked), (written.table, 0x1c0, true));
        let nk = &region.modules[0];
        let e32 = nk.e32.unwrap();
        assert_eq!((e32.form, e32.version, e32.time_date_stamp), (E32Form::Long, (5, 0), Some(0x4223_9a10)));
        assert_eq!((e32.base, e32.subsystem, image.subsystem_version()), (Va(0x8010_0000), 9, Some((5, 0))));
        let coredll = &region.modules[1];
        assert_eq!(coredll.va(Rva(0x1100)), Some(Va(0x03f6_1100)));
        assert_eq!(coredll.va(Rva(0x4010)), Some(Va(0x01ff_c010)));
        assert_eq!((region.copies.len(), region.copies[0].to), (1, Va(0x8200_0000)));
    }
}

#[test]
fn ce_3_has_shorter_headers_and_no_offset() {
    let (written, files) = both(&rom::ce3_mips(), 0x9f00_0000);
    for file in files {
        let image = read(&file);
        check_layout(&image, std::slice::from_ref(&written));
        let e32 = image.regions[0].modules[1].e32.unwrap();
        assert_eq!((e32.form, e32.time_date_stamp, e32.directories[0].0), (E32Form::Short, None, Rva(0x2000)));
        assert_eq!(image.subsystem_version(), Some((3, 0)));
        assert_eq!(kernel_flags(image.regions[0].header.kernel_flags), ["no demand paging"]);
    }
}

#[test]
fn regions_at_other_addresses_than_their_records() {
    let image = read(&rom::two_regions());
    let regions: Vec<_> = image.regions.iter().map(|region| (region.va.0, region.moved_by)).collect();
    assert_eq!(regions, [(0x8020_0000, 0x8000_0000), (0x8030_0000, 0x8000_0000)]);
    let chain: Vec<_> = image.chain.iter().map(|entry| (entry.name.as_str(), entry.va.0, entry.order)).collect();
    assert_eq!(chain, [("KERNEL", 0x8020_0000, 0), ("SHELL", 0x8030_0000, 1), ("PATCHES", 0x8040_0000, 2)]);
    let names: Vec<_> = image.modules().map(|(_, module)| module.name.as_str()).collect();
    assert_eq!(names, ["nk.exe", "shell.exe", "tools.dll"]);
}

/// An image of a version for a processor: tables, header forms and packed bytes are read as they were written.
fn check_version(version: (u16, u16), cpu: u16, packing: Packing, coding: Coding) {
    let (written, files) = both(&rom::any_version(version, cpu, packing), 0x8010_0000);
    for file in files {
        let image = read(&file);
        check_layout(&image, std::slice::from_ref(&written));
        let region = &image.regions[0];
        assert_eq!((region.header.cpu, image.subsystem_version()), (cpu, Some(version)));
        let form = if version.0 >= 5 { E32Form::Long } else { E32Form::Short };
        assert!(region.modules.iter().all(|module| module.e32.unwrap().form == form), "{version:?} {cpu:x}");
        let shop = &region.modules[2];
        let packed = shop.sections.iter().find(|section| section.is_compressed()).unwrap();
        assert_eq!(image.section_pages(&file, packed).unwrap().coding, Some(coding));
        let entry = image.files().next().unwrap();
        let (contents, problems) = image.file_contents(&file, entry);
        assert!(problems.is_empty() && contents.ends_with(b"dword:13\r\n"), "{problems:?}");
        for (region, module) in image.modules() {
            let rebuilt = rebuild(&image, &file, region, module).unwrap();
            let headers = PeHeaders::read(&rebuilt.bytes).unwrap();
            assert_eq!((rebuilt.problems, headers.subsystem), (Vec::new(), 9), "{version:?} {cpu:x}");
        }
    }
}

#[test]
fn every_version_on_every_processor() {
    let mut codings =
        [(Packing::Lz, Coding::Lz), (Packing::Lzx, Coding::Lzx), (Packing::Xpress, Coding::Xpress)].into_iter().cycle();
    for version in [(2, 12), (3, 0), (4, 20), (5, 0), (5, 2), (6, 0), (7, 0)] {
        // x86, MIPS R4000 and MIPS16, SH3, SH4, ARM, Thumb. Seven of them and three codings: all pairs come.
        for cpu in [0x14c, 0x166, 0x266, 0x1a2, 0x1a6, 0x1c0, 0x1c2] {
            let (packing, coding) = codings.next().unwrap();
            check_version(version, cpu, packing, coding);
        }
    }
}

#[test]
fn odd_images() {
    let mut unmarked = rom::ce5_arm();
    unmarked.is_marked = false;
    let (written, files) = both(&unmarked, 0x8010_0000);
    for file in &files {
        let image = read(file);
        check_layout(&image, std::slice::from_ref(&written));
        assert!(!image.regions[0].is_marked);
    }
    // Behind something else, as in a dump of a flash.
    let raw = &rom::ce5_arm().write();
    let flash = [&vec![0xff; 0x5000], raw.bytes.as_slice(), &[0xff; 0x3000]].concat();
    check_layout(&read(&flash), std::slice::from_ref(raw));
    // Up to the last address and on at the first.
    let top = Rom::new(0xffff_e000, 0x14c).file("a.txt", vec![b'a'; 0x3000], Packing::Stored);
    let (written, files) = both(&top, 0xffff_e000);
    for file in &files {
        let image = read(file);
        check_layout(&image, std::slice::from_ref(&written));
        let entry = image.files().next().unwrap();
        assert_eq!(image.file_contents(file, entry), (vec![b'a'; 0x3000].into(), Vec::new()));
    }
}

#[test]
fn files_are_unpacked() {
    let text = |name: &str| {
        let file = if name == "ce5" { rom::ce5_arm() } else { rom::ce3_mips() }.write().bytes;
        let image = read(&file);
        let entry = image.files().find(|file| file.name == "default.reg").unwrap().clone();
        assert!(entry.is_compressed() && entry.size > 0x1000, "{entry:?}");
        let (contents, problems) = image.file_contents(&file, &entry);
        assert_eq!(problems, []);
        assert_eq!(contents.len(), entry.size as usize);
        String::from_utf8(contents.into_owned()).unwrap()
    };
    let (new, old) = (text("ce5"), text("ce3"));
    assert!(new.ends_with("\\Fixture399]\r\n\"Order\"=dword:18f\r\n"));
    assert!(new.starts_with(&old[..old.len() - 2]));
}

#[test]
fn modules_become_files_again() {
    for (rom, packed) in [(rom::ce5_arm(), Coding::Lzx), (rom::ce3_mips(), Coding::Lz)] {
        let file = rom.write().bytes;
        let image = read(&file);
        let mut codings = Vec::new();
        for (region, module) in image.modules() {
            let rebuilt = rebuild(&image, &file, region, module).unwrap();
            assert_eq!(rebuilt.problems, []);
            let headers = PeHeaders::read(&rebuilt.bytes).unwrap();
            assert_eq!(headers.image_base, module.e32.unwrap().base.0);
            let names: Vec<_> = headers.sections.iter().map(|section| section.name.as_str()).collect();
            assert_eq!(names, [".text", ".rdata", ".pdata", ".data"]);
            let read = crate::image_bytes::of_file(&headers, &rebuilt.bytes);
            let exports = crate::exports::read(&headers, &read).unwrap();
            assert!(exports.problems.is_empty() && !exports.exports.is_empty(), "{exports:?}");
            let functions = crate::function_table::read(&headers, &read);
            assert_eq!(functions.len(), exports.exports.len(), "{}", module.name);
            let packed = module.sections.iter().filter(|section| section.is_compressed());
            codings.extend(packed.map(|section| image.section_pages(&file, section).unwrap().coding));
        }
        assert!(!codings.is_empty() && codings.iter().all(|coding| *coding == Some(packed)), "{codings:?}");
    }
}

#[test]
fn what_is_damaged_is_told_and_the_rest_is_kept() {
    let written = rom::ce5_arm().write();
    let check = |change: &dyn Fn(&mut Vec<u8>), modules: usize, expected: &str| {
        let mut file = written.bytes.clone();
        change(&mut file);
        let image = RomImage::read(&file).unwrap();
        assert_eq!(image.modules().count(), modules);
        let causes: Vec<_> = image.problems.iter().map(ToString::to_string).collect();
        assert!(causes.iter().any(|cause| cause.contains(expected)), "{expected}: {causes:?}");
    };
    let table = (written.table - 0x8010_0000) as usize;
    let put = |file: &mut Vec<u8>, at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    check(&|file| file.truncate(table + 0x54 + 0x40), 2, "the table says 5 modules, 2 are in the image");
    check(&|file| put(file, table + 0x54 + 0x10, 4), 5, "has no name that can be read at 0x00000004");
    check(&|file| put(file, table + 0x54 + 0x14, 4), 5, "the header of nk.exe is not in the image");
    check(&|file| put(file, table + 0x54 + 0x18, 4), 5, "nk.exe says 4 sections, 0 are in the image");
    check(&|file| put(file, table + 0x20, 50_000), 5, "of 50000 copies at");
    check(&|file| put(file, table + 0x48, 9), 5, "the extension at 0x00000009 is not in the image");
    let no_table = RomImage::read(&[0; 0x2000]).unwrap_err();
    assert_eq!(no_table.cause, "no table of contents is there");
    assert!(RomImage::read(b"").is_err() && RomImage::read(b"B000FF\n").is_err());
}
