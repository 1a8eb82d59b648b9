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
