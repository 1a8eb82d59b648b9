//! Tests: what is written is read again, and every address leads where it led before.

use super::*;
use crate::rom::{RomImage, rebuild};
use vatlas_fixtures::pe::{Image, Machine, directory, relocations, section};
use vatlas_space::Rva;

/// An image whose code holds the addresses of itself, of a constant and of a variable.
fn image(base: u64) -> Vec<u8> {
    let word = |rva: u32| (base as u32 + rva).to_le_bytes();
    let code = [word(0x1008).as_slice(), &word(0x2004), &word(0x3008), &[0x90; 20]].concat();
    Image::new(Machine::I386, base)
        .entry(0x100c)
        .section(".text", section::CODE, code, 0)
        .section(".rdata", section::CONSTANTS, b"constant".to_vec(), 0)
        .section(".data", section::DATA, b"variable".to_vec(), 0x1800)
        .section(".reloc", section::RELOCATIONS, relocations(0x1000, &[0, 4, 8]), 0)
        .directory(directory::BASE_RELOCATION, 0x5000, 16)
        .file()
}

fn module(name: &str, base: u64, placement: Placement) -> RomModuleSource {
    RomModuleSource { name: name.to_owned(), file: image(base), placement, is_packed: false }
}

fn source(modules: Vec<RomModuleSource>) -> RomSource {
    let text: Vec<u8> = (0..3000_u32).flat_map(|number| format!("line {number}\r\n").into_bytes()).collect();
    RomSource {
        base: Va(0x8020_0000),
        cpu: 0x14c,
        ram: (Va(0x8100_0000), Va(0x8200_0000)),
        kernel_flags: 0,
        form: E32Form::Long,
        version: None,
        file_time: 0x01c5_1d5c_0000_0000,
        modules,
        files: vec![
            RomFileSource { name: "a.txt".to_owned(), bytes: text.clone(), is_packed: true },
            RomFileSource { name: "b.txt".to_owned(), bytes: text, is_packed: false },
        ],
    }
}

#[test]
fn modules_are_fixed_up_for_where_they_run() {
    let modules = vec![
        module("nk.exe", 0x1_0000, Placement::Kernel),
        module("coredll.dll", 0x1000_0000, Placement::Slot1),
        module("driver.dll", 0x1000_0000, Placement::Slot0),
        module("shell.exe", 0x1_0000, Placement::Program),
    ];
    let source = source(modules);
    let written = write(&source).unwrap();
    for file in [written.bytes.clone(), written.records()] {
        let image = RomImage::read(&file).unwrap();
        assert_eq!(image.problems, []);
        let (_, nk) = image.modules().next().unwrap();
        assert_eq!((nk.sections[0].real, nk.sections[0].data), (Va(0x8020_1000), Va(0x8020_1000)));
        assert_eq!(nk.sections[2].real, Va(0x8100_0000));
        let bases: Vec<_> = image.modules().map(|(_, module)| module.e32.unwrap().base.0).collect();
        assert_eq!(bases, [0x8020_0000, 0x03ff_b000, 0x01ff_9000, 0x1_0000]);
        for ((region, module), placed) in image.modules().zip(&written.modules) {
            assert_eq!((&module.name, module.va(Rva(0x100c))), (&placed.name, Some(placed.entry)));
            assert_eq!((module.sections.len(), module.e32.unwrap().directories[5].1), (3, 0));
            let code = image.section_data(&file, &module.sections[0]);
            let words = code.chunks_exact(4).take(3).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
            let expected = [0x1008, 0x2004, 0x3008].map(|rva| module.va(Rva(rva)).unwrap().0 as u32);
            assert_eq!(words.collect::<Vec<_>>(), expected, "{}", module.name);
            assert!(rebuild(&image, &file, region, module).unwrap().problems.is_empty());
        }
        let region = &image.regions[0];
        assert_eq!((region.copies.len(), region.copies[0].to), (1, Va(0x8100_0000)));
        assert_eq!(region.header.ram_free, 0x8100_2000);
        for (entry, source) in image.files().zip(&source.files) {
            assert_eq!(entry.is_compressed(), source.is_packed);
            assert_eq!(image.file_contents(&file, entry), (source.bytes.as_slice().into(), Vec::new()));
        }
    }
}

#[test]
fn when_slot_1_is_full_the_rest_goes_to_slot_0() {
    let large = Image::new(Machine::I386, 0x1000_0000).section(".text", section::CODE, vec![0xc3], 0x01ff_d000);
    let large = large.section(".reloc", section::RELOCATIONS, relocations(0x1000, &[]), 0);
    let large = large.directory(directory::BASE_RELOCATION, 0x01ff_e000, 8).file();
    let large =
        RomModuleSource { name: "large.dll".to_owned(), file: large, placement: Placement::Slot1, is_packed: false };
    let modules = vec![large.clone(), module("small.dll", 0x1000_0000, Placement::Slot1)];
    let placed: Vec<_> = write(&source(modules)).unwrap().modules.iter().map(|module| module.placement).collect();
    assert_eq!(placed, [Placement::Slot1, Placement::Slot0]);
    let error = write(&source(vec![large.clone(), large])).unwrap_err();
    assert_eq!(error.to_string(), "large.dll: there is no room left in slot 0");
}

#[test]
fn what_cannot_be_done_is_told() {
    let check = |file: Vec<u8>, placement, expected: &str| {
        let modules = vec![RomModuleSource { name: "a.dll".to_owned(), file, placement, is_packed: false }];
        assert_eq!(write(&source(modules)).unwrap_err().to_string(), expected);
    };
    check(b"MZ".to_vec(), Placement::Program, "a.dll: this is no PE file");
    let fixed = Image::new(Machine::I386, 0x1000_0000).section(".text", section::CODE, vec![0xc3], 0).file();
    check(fixed, Placement::Slot1, "a.dll: has no relocations and must move; link it without /FIXED");
    let wide = Image::new(Machine::Amd64, 0x1000_0000).section(".text", section::CODE, vec![0xc3], 0).file();
    check(wide, Placement::Program, "a.dll: the file is no PE32 file");
}

#[test]
fn a_packed_dll_runs_in_slot_0() {
    let packed = |name: &str, placement| {
        let code: Vec<u8> = (0..0x3000_u32).map(|index| (index / 64) as u8).collect();
        let file = Image::new(Machine::I386, 0x1000_0000)
            .section(".text", section::CODE, code, 0)
            .section(".reloc", section::RELOCATIONS, relocations(0x1000, &[]), 0)
            .directory(directory::BASE_RELOCATION, 0x4000, 8);
        RomModuleSource { name: name.to_owned(), file: file.file(), placement, is_packed: true }
    };
    let modules = vec![packed("a.dll", Placement::Slot1), module("b.dll", 0x1000_0000, Placement::Slot1)];
    let written = write(&source(modules)).unwrap();
    let image = RomImage::read(&written.bytes).unwrap();
    let (region, packed_module) = image.modules().next().unwrap();
    assert_eq!((packed_module.attributes, packed_module.sections[0].is_compressed()), (0x807, true));
    assert_eq!(packed_module.sections[0].real.0 >> 25, 0);
    let rebuilt = rebuild(&image, &written.bytes, region, packed_module).unwrap();
    assert_eq!(rebuilt.problems, []);
    let placements: Vec<_> = written.modules.iter().map(|module| module.placement).collect();
    assert_eq!(placements, [Placement::Slot0, Placement::Slot1]);
    let kernel = vec![packed("nk.exe", Placement::Kernel)];
    let error = write(&source(kernel)).unwrap_err().to_string();
    assert_eq!(error, "nk.exe: runs where it lies in ROM, so it cannot be packed");
}

#[test]
fn what_a_loader_may_discard_is_left_out() {
    const DEBUG: u32 = 0x4200_0040;
    let file = Image::new(Machine::I386, 0x1_0000)
        .section(".text", section::CODE, vec![0xc3], 0)
        .section(".debug", DEBUG, vec![7; 0x2000], 0)
        .file();
    let shell = RomModuleSource { name: "a.exe".to_owned(), file, placement: Placement::Program, is_packed: false };
    let written = write(&source(vec![shell])).unwrap();
    let image = RomImage::read(&written.bytes).unwrap();
    let (_, module) = image.modules().next().unwrap();
    assert_eq!((module.sections.len(), module.e32.unwrap().size), (1, 0x2000));
    assert_eq!((written.modules[0].size, written.modules[0].variables), (0x2000, None));
}
