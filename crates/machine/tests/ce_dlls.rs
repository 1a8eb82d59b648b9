//! ROM DLLs in slot 1 and slot 0, DLLs of files, DLLs of the kernel: statements CE5 and CE14 to CE17 on the machine.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{check_program, device, run_program};
use vatlas_machine::ce::{Device, RegionKind};

fn counting(device: &mut Device, value: u32) -> u8 {
    let number = device.start_program("counting.exe", &value.to_string()).unwrap();
    device.run(20_000_000);
    number
}

#[test]
fn ce14_ce16_ce17_one_code_and_data_for_each_process() {
    let mut device = device(&["counter.dll", "counting.exe"]);
    let numbers = [11, 22, 33].map(|value| counting(&mut device, value));
    let output = device.take_output();
    let places: Vec<&str> = output.lines().map(|line| line.split_once(" at ").unwrap().1).collect();
    assert_eq!((places.len(), places[0]), (3, places[2]), "{output}");
    let (data, code) = places[0].split_once(", code at ").unwrap();
    let parse = |text: &str| u32::from_str_radix(text, 16).unwrap();
    let (data, code) = (parse(data), parse(code));
    assert_eq!((code >> 25, data >> 25), (1, 0));
    assert!(data >= 0x0100_0000, "DLL data lie in the upper half: {data:08x}");
    // The same address, another value in each process; and each at its address for everybody.
    let values = numbers.map(|number| device.look_word(number, data));
    assert_eq!(values, [Some(11), Some(22), Some(33)]);
    let mapped = numbers.map(|number| device.look_word(0, ((u32::from(number) + 1) << 25) | data));
    assert_eq!(mapped, values);
    // The code is in one place: the ROM itself.
    let bytes = |number| {
        let mut bytes = [0; 16];
        assert_eq!(device.look(number, code, &mut bytes), 16);
        bytes
    };
    assert_eq!(bytes(numbers[0]), bytes(numbers[2]));
}

#[test]
fn ce15_a_newer_copy_does_not_load_in_slot_1() {
    let mut device = check_program("replace.exe", &["counter.dll"]);
    // Nor does one that hides the ROM's by its name.
    device.put_file("\\Windows\\counter.dll", ce_support::test_file("counter.dll").to_vec()).unwrap();
    let mut device = ce_support::device(&["counter.dll", "counting.exe"]);
    device.put_file("\\Windows\\counter.dll", ce_support::test_file("counter.dll").to_vec()).unwrap();
    counting(&mut device, 7);
    let output = device.take_output();
    let (_, code) = output.trim_end().rsplit_once("code at ").unwrap();
    assert_eq!(u32::from_str_radix(code, 16).unwrap() >> 25, 0, "{output}");
}

#[test]
fn the_dll_crunch() {
    let mut device = device(&["crunch.exe"]);
    let output = run_program(&mut device, "crunch.exe", "");
    assert!(output.contains("then error 8, with memory left") && output.contains("0 failed"), "{output}");
    let slot: Vec<_> = device.regions().filter(|region| region.base >> 25 == 6).collect();
    let dlls = slot.iter().filter(|region| region.kind == RegionKind::Image && region.base & 0x01ff_ffff > 0x1_0000);
    assert!(dlls.count() >= 2, "{slot:x?}");
}

#[test]
fn ce5_dlls_of_interrupts_load_into_the_kernels_half() {
    let device = check_program("pointers.exe", &["echo.dll"]);
    let base = device.module_bases().into_iter().find(|(name, _)| name == "isr.dll").map(|(_, base)| base);
    assert!(base.unwrap() >= 0x8000_0000, "{base:x?}");
}

/// A DLL that has nothing but one resource: number 7 of type 10, the text "words".
fn words_dll() -> Vec<u8> {
    use vatlas_fixtures::pe::{Image, Machine, section};
    const RESOURCES: usize = 2;
    /// `IMAGE_RESOURCE_DIRECTORY` with one entry by number.
    fn table(number: u32, target: u32) -> [u32; 6] {
        [0, 0, 0, 1 << 16, number, target]
    }
    const BELOW: u32 = 1 << 31;
    let tables = [table(10, BELOW | 0x18), table(7, BELOW | 0x30), table(0x409, 0x48)];
    let entry = [0x1058, 6, 0, 0];
    let words = tables.as_flattened().iter().chain(&entry).flat_map(|word| word.to_le_bytes());
    let bytes: Vec<u8> = words.chain(*b"words\0").collect();
    let size = bytes.len() as u32;
    let image = Image::new(Machine::I386, 0x1000_0000).flags(Image::DLL);
    image.section(".rsrc", section::CONSTANTS, bytes, 0).directory(RESOURCES, 0x1000, size).file()
}

#[test]
fn ce4_dlls_of_resources_are_in_slot_63_once_for_all() {
    let mut device = device(&["resources.exe"]);
    device.put_file("\\Windows\\words.dll", words_dll()).unwrap();
    let places = [0, 1].map(|_| {
        let output = run_program(&mut device, "resources.exe", "");
        assert!(output.contains("resources: 5 checks, 0 failed"), "{output}");
        output.lines().next().unwrap().to_owned()
    });
    assert_eq!(places[0], places[1]);
    assert!(places[0].contains("at 7f"), "{places:?}");
}

#[test]
fn dlls_of_files_have_one_address_in_every_process() {
    let mut device = device(&["counting.exe"]);
    device.put_file("\\Windows\\counter.dll", ce_support::test_file("counter.dll").to_vec()).unwrap();
    let numbers = [1, 2].map(|value| counting(&mut device, value));
    let output = device.take_output();
    let lines: Vec<&str> = output.lines().map(|line| line.split_once(" at ").unwrap().1).collect();
    assert_eq!(lines[0], lines[1]);
    let data = u32::from_str_radix(lines[0].split_once(',').unwrap().0, 16).unwrap();
    assert_eq!(numbers.map(|number| device.look_word(number, data)), [Some(1), Some(2)]);
}
