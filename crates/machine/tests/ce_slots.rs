//! Slots, slot 0, access keys: statements CE1 to CE12 on the machine.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{DEMO, boot, check_program, device, run_program, system};
use vatlas_machine::ce::{Configuration, Device, RegionKind, Stop};
use vatlas_space::Pa;

/// Entries of the page directory for a slot.
fn directory(device: &Device, slot: u32) -> [u32; 8] {
    let at = |entry| Pa(u64::from(device.directory() + slot * 32 + entry * 4));
    std::array::from_fn(|entry| device.ram().read_u32(at(entry as u32)).unwrap())
}

/// The demonstration with short quantums, stopped while another process than helloworld.exe runs.
fn demo() -> Device {
    let mut device = boot(DEMO, Configuration { instructions_per_tick: 1000, ..Configuration::default() });
    device.run(3_000_000);
    for _ in 0..1000 {
        if device.current_process() != 8 {
            return device;
        }
        device.run(100_000);
    }
    panic!("helloworld.exe runs alone");
}

#[test]
fn ce1_thirty_one_programs_in_slots_of_32_mb() {
    let mut device = device(&["many.exe", "sleeper.exe"]);
    let output = run_program(&mut device, "many.exe", "");
    assert!(output.contains("started 26, then error 89") && output.contains("0 failed"), "{output}");
    let processes = device.process_views();
    assert_eq!(processes.len(), 32);
    for process in &processes[1..] {
        let number = u32::from(process.number);
        assert_eq!(process.base, (number + 1) << 25);
        let private = device.regions().filter(|region| region.process == process.number && region.base < 0x4200_0000);
        let all_inside = private.into_iter().all(|region| {
            region.base >= process.base
                && u64::from(region.base) + u64::from(region.size) <= u64::from(process.base) + 0x0200_0000
        });
        assert!(all_inside, "{}", process.name);
    }
}

#[test]
fn ce3_and_ce6_the_last_slot_ends_at_41ffffff() {
    let mut device = device(&["many.exe", "sleeper.exe"]);
    run_program(&mut device, "many.exe", "");
    let bases: Vec<u32> = device.process_views().iter().skip(1).map(|process| process.base).collect();
    assert_eq!((bases.first(), bases.last(), bases.len()), (Some(&0x0400_0000), Some(&0x4000_0000), 31));
    assert_eq!(device.process_view(0).unwrap().base, 0xc200_0000);
    assert!(device.regions().all(|region| region.base >= 0x0200_0000));
}

#[test]
fn a_slot_is_used_again() {
    let mut device = device(&["null.exe", "sleeper.exe"]);
    for _ in 0..40 {
        let number = device.start_program("null.exe", "").unwrap();
        assert_eq!(number, 5);
        assert!(matches!(device.run(2_000_000), Stop::Ended { code: 0xc000_0005, .. }));
        assert!(device.process_view(5).is_none());
        assert!(device.regions().all(|region| !(0x0c00_0000..0x0e00_0000).contains(&region.base)));
    }
}

#[test]
fn nothing_is_left_of_a_process() {
    let mut device = device(&["heap.exe", "threads.exe", "files.exe", "valloc.exe", "null.exe"]);
    // What is loaded for the first time stays: pages of ROM DLLs, page tables of slot 1.
    for name in ["heap.exe", "threads.exe", "files.exe", "valloc.exe", "null.exe"] {
        run_program(&mut device, name, "");
        let before = device.report();
        run_program(&mut device, name, "");
        let after = device.report();
        assert_eq!(before.committed_pages, after.committed_pages, "{name}");
        assert_eq!(before.table_pages, after.table_pages, "{name}");
        assert_eq!(before.free_pages + before.kernel_pages, after.free_pages + after.kernel_pages, "{name}");
        assert!(after.kernel_pages <= before.kernel_pages + 1, "{name}");
    }
}

#[test]
fn ce2_ce9_ce10_ce11_ce12_the_founding_example() {
    let device = demo();
    let hello = device.process_views().into_iter().find(|process| process.name == "helloworld.exe").unwrap();
    assert_eq!((hello.number, hello.base), (8, 0x1200_0000));
    // Its own view, at both addresses; and any other process's view of its slot.
    assert_eq!(device.look_word(8, 0x0001_2345), Some(72));
    assert_eq!(device.look_word(8, 0x1201_2345), Some(72));
    assert_eq!(device.look_word(2, 0x1201_2345), Some(72));
    // While another process runs, slot 0 is that one's.
    let current = device.current_process();
    assert_ne!(current, 8);
    assert_ne!(device.processor_word(0x0001_2345), Some(72));
    assert_eq!(device.processor_word(0x0001_2345), device.look_word(current, 0x0001_2345));
}

#[test]
fn ce8_slot_0_is_the_current_process() {
    let mut device = boot(DEMO, Configuration::default());
    let mut seen = Vec::new();
    for _ in 0..2000 {
        device.run(61);
        let current = u32::from(device.current_process());
        let home = device.process_view(current as u8).unwrap().base >> 25;
        let own: [u32; 8] = std::array::from_fn(|entry| {
            let at = Pa(u64::from(device.all_slots() + home * 32 + entry as u32 * 4));
            device.ram().read_u32(at).unwrap()
        });
        let marks = |entries: [u32; 8]| entries.map(|entry| entry & !0x60);
        assert_eq!(marks(directory(&device, 0)), marks(own));
        if !seen.contains(&current) {
            seen.push(current);
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn a_switch_copies_8_entries_and_drops_what_the_key_does_not_open() {
    let mut device = demo();
    let mut before = device.report().switches;
    for _ in 0..200 {
        device.run(20_000);
        let now = device.report().switches;
        assert_eq!(now.copied - before.copied, 8 * (now.switches - before.switches));
        assert_eq!((now.dropped - before.dropped) % 8, 0);
        before = now;
        // What is open is what the thread that runs may touch.
        let Some(running) = device.running_thread() else { continue };
        let key = device.thread_view(running).unwrap().key;
        for slot in 2..=32_u32 {
            let is_open = directory(&device, slot) != [0; 8];
            assert!(!is_open || key >> (slot - 1) & 1 != 0, "slot {slot} is open to key {key:08x}");
        }
    }
    assert!(before.switches > 20 && before.entered > 20 && before.dropped > 100, "{before:?}");
}

#[test]
fn keys_open_slots_and_close_them() {
    check_program("keys.exe", &[]);
}

#[test]
fn ce5_the_kernels_half_is_for_the_kernel() {
    // In full-kernel mode nothing but the page tables of slots stops a thread: the same program fails where it expects
    // a fault.
    let mut device = boot(&system(&["keys.exe"], 0), Configuration::default());
    assert_eq!(device.run(2_000_000), Stop::Idle);
    assert!(device.has_full_kernel_mode());
    let output = run_program(&mut device, "keys.exe", "");
    let failed: Vec<&str> = output.lines().filter(|line| line.contains("failed: ")).collect();
    assert_eq!(failed.len(), 1, "{output}");
    assert!(failed[0].contains("0x80200040"), "{output}");
}

#[test]
fn ce18_programs_below_dlls_above_the_rest_between() {
    let device = demo();
    let base = 0x1200_0000;
    let regions: Vec<_> = device.regions().filter(|region| region.base >> 25 == 9).copied().collect();
    let offset_of =
        |kind| regions.iter().filter(move |region| region.kind == kind).map(move |region| region.base - base);
    assert_eq!(offset_of(RegionKind::Image).next(), Some(0x1_0000));
    let (stack, dlls) = (offset_of(RegionKind::Stack).next().unwrap(), offset_of(RegionKind::RomDlls).next().unwrap());
    assert!(0x1_0000 < stack && stack < dlls && dlls > 0x0100_0000, "{regions:x?}");
    assert_eq!(regions.last().unwrap().end(), base + 0x0200_0000);
    assert!(device.look_word(8, 0).is_none() && device.look_word(8, 0xfffc).is_none());
    // KData is all that is below 64 KB.
    assert_eq!(device.look_word(8, 0x5808), device.look_word(8, 0x5808).filter(|handle| *handle != 0));
}

#[test]
fn ce21_unaligned_data_are_no_fault_on_x86() {
    let mut device = boot(DEMO, Configuration::default());
    device.run(3_000_000);
    assert!(device.take_output().contains("MyGlobalVar is 72 at 00012345"));
    assert_eq!(device.report().crashes, []);
}
