//! Programs that call the system with whatever they like: the device stays a device.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::device;
use proptest::prelude::*;
use vatlas_images::pe_load::PeLoad;
use vatlas_machine::ce::{Device, Stop};
use vatlas_rules::ce::api_sets::{SETS, call_address, find};

/// Words that programs like to pass: handles, sizes, addresses of everything.
const WORDS: [u32; 24] = [
    0,
    1,
    2,
    4,
    0x40,
    0x41,
    0x42,
    0x104,
    0x1000,
    0x3000,
    0x2000,
    0x8000,
    0x5800,
    0x1_0000,
    0x1_1000,
    0x0004_0000,
    0x0c01_1000,
    0x0401_1000,
    0x03f0_0000,
    0x4200_0000,
    0x8060_0000,
    0xf000_0000,
    0x7fff_ffff,
    u32::MAX,
];

/// Code that makes one call after the other, some with results of the one before.
fn code(calls: &[(usize, Vec<(u8, u32)>)]) -> Vec<u8> {
    let all: Vec<(u8, u8)> =
        SETS.iter().flat_map(|set| set.methods.iter().map(|method| (set.number, method.number))).collect();
    let mut code = Vec::new();
    for (call, arguments) in calls {
        for (kind, word) in arguments {
            match kind {
                // push eax; push esp; push imm32
                0 => code.push(0x50),
                1 => code.push(0x54),
                _ => {
                    code.push(0x68);
                    code.extend(word.to_le_bytes());
                }
            }
        }
        let (set, method) = all[call % all.len()];
        // mov edx, address; call edx; add esp, bytes
        code.push(0xba);
        code.extend((call_address(set, method).0 as u32).to_le_bytes());
        code.extend([0xff, 0xd2, 0x81, 0xc4]);
        code.extend((4 * arguments.len() as u32).to_le_bytes());
    }
    code.push(0xc3);
    code
}

/// A program with this code at its entry.
fn program(code: &[u8]) -> Vec<u8> {
    let mut file = ce_support::test_file("heap.exe").to_vec();
    let pe = PeLoad::read(&file).unwrap();
    let section =
        pe.sections.iter().find(|section| pe.entry_point.0.wrapping_sub(section.rva.0) < section.virtual_size).unwrap();
    let at = section.file_offset.0 as usize + (pe.entry_point.0 - section.rva.0) as usize;
    let room = (section.virtual_size - (pe.entry_point.0 - section.rva.0)) as usize;
    let length = code.len().min(room);
    file[at..at + length].copy_from_slice(&code[..length]);
    file
}

/// What must be true of a device whatever programs do.
fn check(device: &Device) {
    let report = device.report();
    assert!(report.free_pages <= report.pages && report.committed_pages <= report.pages);
    let mut end = 0;
    for region in device.regions() {
        assert!(region.base >= end && region.base % 0x1_0000 == 0 && region.size > 0);
        end = region.base + region.size;
    }
    for process in device.process_views() {
        assert!(process.number == 0 || process.base == (u32::from(process.number) + 1) << 25);
    }
}

/// Number of a call among those that `code` makes.
fn number_of(name: &str) -> usize {
    let (set, method) = find(name).unwrap();
    let before: usize = SETS.iter().take_while(|it| it.number != set.number).map(|it| it.methods.len()).sum();
    before + set.methods.iter().position(|it| it.number == method.number).unwrap()
}

#[test]
fn a_call_that_leads_to_itself_uses_up_its_time() {
    let mut device = device(&["echo.dll"]);
    // push esp; call NKContinue: the program counter of that context is the address of the call.
    device.put_file("\\wild.exe", program(&code(&[(number_of("NKContinue"), vec![(1, 0)])]))).unwrap();
    device.start_program("\\wild.exe", "wild").unwrap();
    assert_eq!(device.run(300_000), Stop::Budget);
    let calls = device.report().counters.api_calls;
    assert!(calls > 10_000, "{calls} calls: the program went elsewhere");
    check(&device);
    // In parts it is the same.
    let mut parts = self::device(&["echo.dll"]);
    parts.put_file("\\wild.exe", program(&code(&[(number_of("NKContinue"), vec![(1, 0)])]))).unwrap();
    parts.start_program("\\wild.exe", "wild").unwrap();
    for part in [1, 99_998, 100_001, 100_000] {
        assert_eq!(parts.run(part), Stop::Budget);
    }
    assert_eq!(parts.report().counters.api_calls, calls);
}

fn argument() -> impl Strategy<Value = (u8, u32)> {
    let word = prop_oneof![3 => prop::sample::select(WORDS.to_vec()), 1 => any::<u32>()];
    (0..6_u8, word)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn wild_calls(calls in prop::collection::vec((0..400_usize, prop::collection::vec(argument(), 0..10)), 1..60)) {
        let mut device = device(&["echo.dll"]);
        device.put_file("\\wild.exe", program(&code(&calls))).unwrap();
        let started = device.start_program("\\wild.exe", "wild");
        prop_assert!(started.is_ok());
        let stop = device.run(200_000);
        check(&device);
        let is_stop = matches!(stop, Stop::Budget | Stop::Idle | Stop::Ended { .. });
        prop_assert!(is_stop);
    }
}
