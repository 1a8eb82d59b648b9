//! A device boots from a ROM image alone, and every run of it is the same run.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{DEMO, NoHost, PROGRAMS, SYSTEM, boot, device, module, rom, run_program, system};
use vatlas_images::rom::write::Placement;
use vatlas_machine::ce::{BootError, CeError, CeVersion, Configuration, Device, Stop};

fn refused(image: &[u8], configuration: Configuration) -> BootError {
    Device::boot(image, configuration, Box::new(NoHost)).unwrap_err()
}

#[test]
fn the_image_starts_everything() {
    let device = device(&[]);
    let names: Vec<String> = device.process_views().into_iter().map(|process| process.name).collect();
    assert_eq!(names, ["NK.EXE", "filesys.exe", "device.exe", "gwes.exe", "shell.exe"]);
    let report = device.report();
    assert_eq!((report.missing, report.unsupported, report.crashes), (vec![], vec![], vec![]));
    assert_eq!((device.version(), device.has_full_kernel_mode()), (CeVersion::Ce5, false));
}

#[test]
fn a_run_is_the_same_run_in_parts_and_again() {
    let mut one = boot(DEMO, Configuration::default());
    let mut other = boot(DEMO, Configuration::default());
    assert_eq!(one.state_hash(), other.state_hash());
    one.run(300_000);
    for part in [1, 99_999, 130_000, 70_000] {
        other.run(part);
    }
    assert_eq!(one.instructions(), 300_000);
    assert_eq!(one.state_hash(), other.state_hash());
    assert_eq!(one.take_output(), other.take_output());
}

#[test]
fn checkpoints_lead_back_and_forward() {
    let mut device = boot(DEMO, Configuration::default());
    device.run(20_000);
    let early = device.checkpoint();
    let early_hash = device.state_hash();
    device.run(150_000);
    let late = device.checkpoint();
    let late_hash = device.state_hash();
    device.restore(&early);
    assert_eq!((device.state_hash(), device.instructions()), (early_hash, 20_000));
    device.run(150_000);
    assert_eq!(device.state_hash(), late_hash);
    device.run(50_000);
    device.restore(&late);
    assert_eq!((device.state_hash(), late.instructions()), (late_hash, 170_000));
}

#[test]
fn a_snapshot_goes_on_where_it_was_taken() {
    let mut device = boot(DEMO, Configuration::default());
    device.run(100_000);
    let bytes = device.snapshot("demo").unwrap();
    assert_eq!(Device::about_snapshot(&bytes).unwrap().instructions, 100_000);
    let mut other = Device::resume(&bytes, Box::new(NoHost)).unwrap();
    assert_eq!(other.state_hash(), device.state_hash());
    device.run(50_000);
    other.run(50_000);
    assert_eq!(other.state_hash(), device.state_hash());
    for place in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        assert!(Device::resume(&damaged, Box::new(NoHost)).is_err(), "byte {place}");
    }
}

#[test]
fn a_device_has_one_processor() {
    let error = refused(DEMO, Configuration { processors: 2, ..Configuration::default() });
    assert_eq!(error, BootError::Processors(2));
    assert_eq!(error.to_string(), "2 processors: Windows CE has one, up to and including version 6");
}

#[test]
fn what_is_no_image_is_refused() {
    assert!(matches!(refused(b"nothing", Configuration::default()), BootError::Image(_)));
    let modules = SYSTEM.iter().skip(1).map(|(name, file)| module(name, file)).collect();
    assert_eq!(refused(&rom(modules, Vec::new(), 0), Configuration::default()), BootError::NoKernel);
    let too_little = Configuration { ram_end: Some(0x8060_3000), ..Configuration::default() };
    assert!(matches!(refused(&system(&[], 0), too_little), BootError::Memory(_)));
    for end in (0..DEMO.len()).step_by(DEMO.len() / 60) {
        // Whatever is left of an image boots or is refused; it never fails otherwise.
        if let Ok(mut device) = Device::boot(&DEMO[..end], Configuration::default(), Box::new(NoHost)) {
            device.run(20_000);
        }
    }
}

#[test]
fn without_a_file_system_the_configuration_says_what_starts() {
    let modules = SYSTEM[..2].iter().chain(&PROGRAMS[..1]).map(|(name, file)| module(name, file)).collect();
    let start = vec![("clock.exe".to_owned(), "a b".to_owned())];
    let mut device = boot(&rom(modules, Vec::new(), 2), Configuration { start, ..Configuration::default() });
    assert_eq!(device.run(100_000), Stop::Budget);
    assert_eq!(device.process_view(1).unwrap().name, "clock.exe");
}

#[test]
fn programs_come_from_the_object_store_too() {
    let mut device = device(&[]);
    assert_eq!(device.start_program("\\app.exe", ""), Err(CeError::FILE_NOT_FOUND));
    device.put_file("\\app.exe", ce_support::test_file("heap.exe").to_vec()).unwrap();
    assert!(run_program(&mut device, "\\app.exe", "").contains("heap: 51 checks, 0 failed"));
    device.put_file("\\bad.exe", b"MZ but nothing more".to_vec()).unwrap();
    assert_eq!(device.start_program("\\bad.exe", ""), Err(CeError::BAD_EXE_FORMAT));
}

#[test]
fn ce_3_has_its_kernel_in_slot_1() {
    let modules: Vec<_> = SYSTEM
        .iter()
        .map(|(name, file)| {
            let source = module(name, file);
            let is_dll = source.placement == Placement::Slot1;
            vatlas_images::rom::write::RomModuleSource {
                placement: if is_dll { Placement::Slot0 } else { source.placement },
                ..source
            }
        })
        .collect();
    let configuration = Configuration { version: Some(CeVersion::Ce3), ..Configuration::default() };
    let mut device = boot(&rom(modules, Vec::new(), 2), configuration);
    assert_eq!(device.run(2_000_000), Stop::Idle);
    assert_eq!(device.process_view(0).unwrap().base, 0x0200_0000);
    let code = device.exported("coredll.dll", "Sleep").unwrap();
    assert!((0x0100_0000..0x0200_0000).contains(&code), "{code:08x}");
}
