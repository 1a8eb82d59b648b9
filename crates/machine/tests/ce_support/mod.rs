//! A Windows CE device for tests: a ROM image of our own system and small programs, and a host that keeps what is
//! printed.

#![allow(dead_code, reason = "not every test uses all of it")]

use vatlas_images::rom::E32Form;
use vatlas_images::rom::write::{Placement, RomFileSource, RomModuleSource, RomSource, write};
use vatlas_machine::ce::{Configuration, Device, Stop};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use vatlas_space::Va;

/// A host without files; what a device prints is also in [`Device::take_output`].
#[derive(Clone, Copy, Default)]
pub struct NoHost;

impl Console for NoHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }

    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for NoHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

macro_rules! guest {
    ($($name:literal),*) => { &[$(($name, include_bytes!(concat!("../../../../guest/ce/bin/", $name)).as_slice())),*] };
}

/// Our own system.
pub const SYSTEM: &[(&str, &[u8])] =
    guest!["nk.exe", "coredll.dll", "filesys.exe", "device.exe", "gwes.exe", "shell.exe"];
/// Programs of the demonstration.
pub const PROGRAMS: &[(&str, &[u8])] = guest!["clock.exe", "battery.exe", "notes.exe"];

macro_rules! programs {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../../fixtures/ce/programs/", $name)).as_slice())),*]
    };
}

/// Programs and DLLs that tests run.
const TESTS: &[(&str, &[u8])] = programs![
    "big.dll",
    "counter.dll",
    "counting.exe",
    "crunch.exe",
    "echo.dll",
    "except.exe",
    "files.exe",
    "heap.exe",
    "helloworld.exe",
    "inherit.exe",
    "isr.dll",
    "keys.exe",
    "many.exe",
    "mapping.exe",
    "null.exe",
    "overflow.exe",
    "pointers.exe",
    "registry.exe",
    "replace.exe",
    "resources.exe",
    "sleeper.exe",
    "stuck.exe",
    "teller.exe",
    "threads.exe",
    "valloc.exe",
];

/// The image of the demonstration.
pub const DEMO: &[u8] = include_bytes!("../../../../fixtures/ce/demo.bin");

/// A program or DLL for tests.
pub fn test_file(name: &str) -> &'static [u8] {
    TESTS.iter().find(|(other, _)| *other == name).map(|(_, bytes)| *bytes).unwrap()
}

/// A module for a ROM.
pub fn module(name: &str, file: &[u8]) -> RomModuleSource {
    let placement = match name {
        "nk.exe" => Placement::Kernel,
        _ if name.ends_with(".dll") => Placement::Slot1,
        _ => Placement::Program,
    };
    RomModuleSource { name: name.to_owned(), file: file.to_vec(), placement, is_packed: false }
}

/// A ROM of modules and files with 32 MB of RAM.
pub fn rom(modules: Vec<RomModuleSource>, files: Vec<RomFileSource>, kernel_flags: u32) -> Vec<u8> {
    let source = RomSource {
        base: Va(0x8020_0000),
        cpu: 0x14c,
        ram: (Va(0x8060_0000), Va(0x8260_0000)),
        kernel_flags,
        form: E32Form::Long,
        version: None,
        file_time: 127_540_656_000_000_000,
        modules,
        files,
    };
    write(&source).unwrap().records()
}

/// A file for a ROM.
pub fn rom_file(name: &str, bytes: &[u8]) -> RomFileSource {
    RomFileSource { name: name.to_owned(), bytes: bytes.to_vec(), is_packed: false }
}

/// What the registry has at the start.
const DEFAULTS: &[u8] = b"REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\Fixture]\r\n@=\"nameless\"\r\n\
    \"Name\"=\"a \\\"word\\\"\"\r\n\"Count\"=dword:000001f4\r\n\"Bytes\"=hex:01,ab,ff\r\nno line of it\r\n";

/// Our system with modules and programs for tests; its servers are launched.
pub fn system(programs: &[&str], kernel_flags: u32) -> Vec<u8> {
    let tests = programs.iter().map(|name| (*name, test_file(name)));
    let modules = SYSTEM.iter().copied().chain(tests).map(|(name, file)| module(name, file)).collect();
    let mut files = vec![
        rom_file("launch.txt", b"device.exe\n?22\ngwes.exe\n?17\nshell.exe\n"),
        rom_file("drivers.txt", b"ECH1: echo.dll\n"),
        rom_file("counter2.dll", test_file("counter.dll")),
        rom_file("isr.dll", test_file("isr.dll")),
        rom_file("default.reg", DEFAULTS),
    ];
    files.extend((1..7).map(|number| rom_file(&format!("big{number}.dll"), test_file("big.dll"))));
    rom(modules, files, kernel_flags)
}

/// Boots an image.
pub fn boot(image: &[u8], configuration: Configuration) -> Device {
    Device::boot(image, configuration, Box::new(NoHost)).unwrap()
}

/// A system at rest with modules and programs for tests, whose threads run in user mode.
pub fn device(programs: &[&str]) -> Device {
    let mut device = boot(&system(programs, 2), Configuration::default());
    assert_eq!(device.run(2_000_000), Stop::Idle, "{}", device.take_output());
    device.take_output();
    device
}

/// Starts a program and runs until it ended, or until nothing happens any more. What it printed.
pub fn run_program(device: &mut Device, name: &str, arguments: &str) -> String {
    device.start_program(name, arguments).unwrap();
    let stop = device.run(20_000_000);
    let output = device.take_output();
    assert_ne!(stop, Stop::Budget, "{output}");
    assert_eq!(device.report().missing, [], "{output}");
    output
}

/// Runs a test program, which says itself what failed.
pub fn check_program(name: &str, more: &[&str]) -> Device {
    let mut device = device(&[&[name], more].concat());
    let output = run_program(&mut device, name, "");
    assert!(output.contains(" checks, 0 failed"), "{output}");
    device
}
