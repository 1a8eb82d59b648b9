//! Dumps of Windows CE as targets: our own, and the real one of the sample data.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::PathBuf, sync::Arc};
use vatlas_fixtures::{
    kdmp::{Dump, Module, Process, System, Thread, story},
    pe::{Image, Machine, section},
};
use vatlas_space::{
    FactsOf, LayoutName, ProcessId, ProcessIndex, RegionKind, RegionState, Rva, Store, Target, ThreadId, Va, VaRange,
};
use vatlas_targets::{KdmpTarget, NoImageFiles, open};

fn target(bytes: Vec<u8>) -> KdmpTarget {
    KdmpTarget::open(Arc::new(bytes), Box::new(NoImageFiles)).unwrap()
}

fn process(target: &dyn Target, name: &str) -> ProcessIndex {
    let processes = target.processes().iter();
    ProcessIndex(processes.map(|process| process.name.as_deref().unwrap()).position(|found| found == name).unwrap())
}

fn range(first: u64, last: u64) -> VaRange {
    VaRange::new(Va(first), Va(last)).unwrap()
}

#[test]
fn every_process_with_its_slot_its_modules_and_its_threads() {
    let target = target(story::complete());
    let told: Vec<String> = target
        .processes()
        .iter()
        .map(|process| {
            let home = process.home.unwrap();
            let modules: Vec<_> = process.modules.iter().map(|module| module.name()).collect();
            let (name, threads) = (process.name.as_deref().unwrap(), process.threads.len());
            format!("{} {name} {} {}: {threads} {}", home.number, home.slot(), home.access_key, modules.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "0 NK.EXE 97 1: 0 NK.EXE coredll.dll",
            "1 filesys.exe 2 2: 0 NK.EXE filesys.exe coredll.dll",
            "2 device.exe 3 4: 1 NK.EXE device.exe coredll.dll",
            "3 gwes.exe 4 8: 0 NK.EXE gwes.exe coredll.dll",
            "4 scale.exe 5 16: 2 NK.EXE scale.exe coredll.dll weigh.dll scaleres.dll",
            "5 logger.exe 6 32: 1 NK.EXE logger.exe coredll.dll weigh.dll",
        ]
    );
    let scale = &target.processes()[4];
    assert_eq!(scale.layout.unwrap().name, LayoutName::Ce5);
    let exe = &scale.modules[1];
    assert_eq!((exe.range, exe.data), (range(0x1_0000, 0x1_4fff), None), "as the process itself calls it");
    let coredll = &scale.modules[2];
    assert_eq!(coredll.range.first(), Va(0x03f5_0000));
    assert_eq!(coredll.data, Some(range(0x01ff_c000, 0x01ff_cc87)));
    assert_eq!(
        scale.module_offset(Va(0x0a01_1028)).map(|(module, offset)| (module.name(), offset)),
        Some(("scale.exe", 0x1028))
    );
}

#[test]
fn what_ran_and_what_failed() {
    let target = target(story::system());
    let scale = process(&target, "scale.exe");
    assert_eq!(target.current(), scale);
    let ce = target.ce().unwrap();
    assert_eq!((ce.current_process, ce.current_thread), (Some(scale), Some(ThreadId(0xa71e_4f0a))));
    assert_eq!((ce.kdata, ce.call_stacks.len()), (Some(Va(0xffff_c800)), 2));
    let exception = target.exception().unwrap();
    assert_eq!((exception.address, exception.parameters.as_slice()), (Va(0x1_1028), [0, 0x0a00_0014].as_slice()));
    let process = &target.processes()[scale.0];
    let [main, paint] = process.threads.as_slice() else { panic!("{:?}", process.threads) };
    assert_eq!((main.registers().unwrap().pc, main.sides[0].stack.base), (Va(0x1_1028), Some(Va(0x0a03_0000))));
    assert_eq!(
        (main.sides[0].stack.limit, main.sides[0].stack.reserve),
        (Some(Va(0x0a02_f000)), Some(Va(0x0a02_0000)))
    );
    let gwes = target.processes()[self::process(&target, "gwes.exe").0].id;
    let calls = paint.ce.unwrap();
    assert_eq!((calls.owner, calls.current, calls.access_mask), (Some(ProcessId(0xa71e_3c42)), gwes, 0x19));
    let wide = target.wide_registers(scale, main.id);
    assert_eq!((wide.len(), wide[3].name.as_str()), (43, "s1"));
}

#[test]
fn slot_0_shows_the_process_that_is_asked() {
    let target = target(story::complete());
    let check = |name: &str, va: u64, expected: Option<u32>| {
        let space = target.space(process(&target, name)).unwrap();
        assert_eq!(space.read_u32(Va(va)).ok(), expected, "{name} {va:#x}");
    };
    // The counter of coredll.dll differs between processes.
    check("scale.exe", 0x01ff_c010, Some(4711));
    check("logger.exe", 0x01ff_c010, Some(815));
    check("gwes.exe", 0x01ff_c010, Some(0));
    check("filesys.exe", 0x01ff_c010, None);
    // In a slot every process sees the same.
    for name in ["NK.EXE", "filesys.exe", "scale.exe", "logger.exe"] {
        check(name, 0x0bff_c010, Some(4711));
        check(name, 0x0dff_c010, Some(815));
        check(name, 0xffff_c80c, Some(0xa71e_3c42));
    }
    check("scale.exe", 0x1_1028, Some(0xe594_5014));
    check("scale.exe", 0x0a01_1028, Some(0xe594_5014));
    check("logger.exe", 0x1_1028, None);
}

#[test]
fn regions_and_backings_of_both_forms_agree() {
    let bytes = story::complete();
    let target = target(bytes.clone());
    let space = target.space(process(&target, "scale.exe")).unwrap();
    for offset in [0, 0x1_0000, 0x1_1028, 0x2_0000, 0x2_f000, 0x3_0000, 0x01ff_c010, 0x01ff_ffff] {
        let (zero, slot) = (Va(offset), Va(0x0a00_0000 + offset));
        let (here, there) = (space.region(zero), space.region(slot));
        assert!(here.range.contains(zero) && there.range.contains(slot), "{offset:#x}");
        assert_eq!((here.state, here.kind), (there.state, there.kind), "{offset:#x}");
        let (here, there) = (space.backing(zero), space.backing(slot));
        assert!(here.range.contains(zero) && there.range.contains(slot), "{offset:#x}");
        assert_eq!(here.store, there.store, "{offset:#x}");
    }
    let Store::Captured(offset) = space.backing(Va(0x1_0000)).store else {
        panic!("{:?}", space.backing(Va(0x1_0000)))
    };
    assert!(bytes[offset.0 as usize..].starts_with(b"MZ"));
    assert_eq!(space.region(Va(0x0a00_0014)).state, RegionState::Free);
    let stack = space.region(Va(0x0a02_f123));
    assert_eq!(
        (stack.range, stack.state, stack.kind),
        (range(0x0a02_f000, 0x0a02_ffff), RegionState::Committed, Some(RegionKind::Private))
    );
    assert_eq!(space.region(Va(0x0a02_0000)).state, RegionState::Reserved);
    assert_eq!(space.region(Va(0x0c01_0000)).range, range(0x0c00_0000, 0x0dff_ffff), "another process's slot is one");
    let alias = space.alias_at(Va(0x1_1028)).unwrap();
    assert_eq!((alias.range, alias.of), (range(0, 0x01ff_ffff), Va(0x0a00_0000)));
    assert_eq!(space.alias_at(Va(0x0a01_1028)), None);
}

/// The regions of every process follow each other without a gap, as do the backings.
#[test]
fn regions_cover_every_space() {
    for bytes in [story::context(), story::system(), story::complete()] {
        let target = target(bytes);
        for index in 0..target.processes().len() {
            let space = target.space(ProcessIndex(index)).unwrap();
            let mut next = Va(0);
            for (count, region) in space.regions_from(Va(0)).enumerate() {
                assert_eq!(region.range.first(), next, "process {index}");
                next = region.range.next().unwrap();
                assert!(count < 1000);
            }
            assert_eq!(next, Va(1 << 32));
            let backings = space.backings_in(space.range());
            let end = backings.fold(Va(0), |next, backing| {
                assert_eq!(backing.range.first(), next, "process {index}");
                backing.range.next().unwrap()
            });
            assert_eq!(end, Va(1 << 32));
        }
    }
}

#[test]
fn sections_of_a_captured_image() {
    let target = target(story::complete());
    let index = process(&target, "scale.exe");
    let exe = &target.processes()[index.0].modules[1];
    let table = target.sections(index, exe).unwrap();
    let text = &table.sections[0];
    assert_eq!((text.name.as_str(), text.range.first(), text.executable), (".text", Va(0x1_1000), true));
    let coredll = &target.processes()[index.0].modules[2];
    assert_eq!(target.sections(index, coredll), None, "its header is not in the dump");
}

/// A ROM DLL keeps its only writable section in the slot of each process; a header tells which place of the image it is.
#[test]
fn data_of_a_rom_dll_have_their_place_where_a_header_tells_it() {
    let make =
        |header: usize| {
            let image = Image::new(Machine::ArmNt, 0x1000_0000)
                .section(".text", section::CODE, vec![0; 0x20], 0)
                .section(".data", section::DATA, vec![7; 0x20], 0x100);
            Dump::new(b"CEDX")
                .system(System::arm())
                .process(Process::new(3, "app.exe", 0x0800_0000, 0x0403_0001))
                .module(Module::new("rom.dll", 0x0300_0000, 0x3000, 8).data(0x01ff_0000, 0x01ff_0100))
                .memory(0x0300_0000, image.mapped()[..header].to_vec())
        };
    let known = target(make(0x1000).write());
    let module = &known.processes()[0].modules[0];
    assert_eq!(known.va_of(module, Rva(0x1004)), Some(Va(0x0300_1004)));
    assert_eq!(known.va_of(module, Rva(0x2010)), Some(Va(0x01ff_0010)));
    assert_eq!(known.rva_of(module, Va(0x01ff_0010)), Some(Rva(0x2010)));
    assert_eq!(known.rva_of(module, Va(0x0300_1004)), Some(Rva(0x1004)));
    let table = known.sections(ProcessIndex(0), module).unwrap();
    assert_eq!((table.sections[1].name.as_str(), table.sections[1].range.first()), (".data", Va(0x01ff_0000)));
    let untold = target(make(0x10).write());
    let module = &untold.processes()[0].modules[0];
    assert_eq!((untold.rva_of(module, Va(0x01ff_0010)), untold.sections(ProcessIndex(0), module)), (None, None));
}

#[test]
fn every_field_is_told() {
    let target = target(story::system());
    let index = process(&target, "scale.exe");
    let check = |of: FactsOf<'_>, label: &str, expected: &str| {
        let facts = target.facts(of);
        let found = facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str());
        assert_eq!(found, Some(expected), "{label}");
    };
    check(FactsOf::Process(index), "CmdLine", "/unit kg");
    check(FactsOf::Process(index), "TrustLevel", "2 (Full)");
    check(FactsOf::Thread(index, ThreadId(0xa71e_4f0a)), "RunState", "0x1 (Awak Rung)");
    check(FactsOf::Module(index, &target.processes()[index.0].modules[2]), "PDB Format", "808534606 (NB10)");
    check(FactsOf::Exception, "Flags", "0x8 (focus thread)");
    check(FactsOf::System, "Bucket EventType", "WinCE501bException");
    check(FactsOf::System, "OEMString", "Example Weighing WT-5, BSP 1.04");
}

#[test]
fn from_ce_6_on_there_are_no_slots() {
    let system = System { version: [6, 0, 3122], ..System::arm() };
    let bytes = Dump::new(b"CEDS")
        .system(system)
        .process(Process::new(0, "NK.EXE", 0x8022_0000, 0x0040_0002))
        .process(Process::new(1, "app.exe", 0x0001_0000, 0x01bf_000a))
        .module(Module::new("k.coredll.dll", 0xc005_0000, 0x1000, 1))
        .module(Module { pointer: 0x8034_d0f0, ..Module::new("app.exe", 0x1_0000, 0x4000, 0) })
        .module(Module::new("coredll.dll", 0x4002_0000, 0x1000, 0))
        .thread(Thread::new(0x0041_0002, 0x01bf_000a, 0, 0x0007_0000))
        .memory(0x1_1000, vec![7; 16])
        .write();
    let target = target(bytes);
    let app = &target.processes()[1];
    assert_eq!((app.home, app.layout.unwrap().name, app.threads.len()), (None, LayoutName::Ce6, 1));
    let names: Vec<_> = app.modules.iter().map(|module| module.name()).collect();
    assert_eq!(names, ["k.coredll.dll", "app.exe", "coredll.dll"]);
    let space = target.space(ProcessIndex(1)).unwrap();
    assert_eq!((space.read_u32(Va(0x1_1000)).ok(), space.alias_at(Va(0x1_1000))), (Some(0x0707_0707), None));
}

#[test]
fn kdata_of_other_processors_is_no_alias() {
    let mut page = vec![0; 0x380];
    page[8..12].copy_from_slice(&0x0402_0001_u32.to_le_bytes());
    page[12..16].copy_from_slice(&0x0403_0001_u32.to_le_bytes());
    let bytes = Dump::new(b"CEDX")
        .system(System::other(0, 0x14c))
        .process(Process::new(3, "app.exe", 0x0800_0000, 0x0403_0001))
        .memory(0x5800, page)
        .write();
    let target = target(bytes);
    let ce = target.ce().unwrap();
    assert_eq!((ce.kdata, ce.current_process), (Some(Va(0x5800)), Some(ProcessIndex(0))));
    let space = target.space(ProcessIndex(0)).unwrap();
    assert_eq!((space.alias_at(Va(0x5808)), space.read_u32(Va(0x5808)).ok()), (None, Some(0x0402_0001)));
    assert_eq!(space.alias_at(Va(0x1_0000)).unwrap().range, range(0x5b80, 0x01ff_ffff));
}

#[test]
fn without_a_list_of_processes_one_stands_for_all() {
    let bytes = Dump::new(b"CEDX")
        .system(System::arm())
        .module(Module::new("app.exe", 0x0801_0000, 0x4000, 8))
        .thread(Thread::new(0x1234_5678, 0x2345_6789, 9, 0x0802_0000))
        .write();
    let target = target(bytes);
    let [only] = target.processes() else { panic!("{:?}", target.processes()) };
    assert_eq!(
        (only.id, only.home.map(|home| home.slot()), only.threads.len()),
        (Some(ProcessId(0x2345_6789)), Some(4), 1)
    );
    assert_eq!(only.modules[0].range.first(), Va(0x1_0000));
    assert_eq!(target.facts(FactsOf::Process(ProcessIndex(0))), []);
}

/// The real dump of a device with Windows Mobile 6.1: a write through a null pointer.
#[test]
fn the_sample() {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
        return;
    };
    let bytes = std::fs::read(corpus.join("kdmp/Ce041409-01.kdmp")).unwrap();
    let target = open(Arc::new(bytes), Box::new(NoImageFiles)).unwrap();
    assert_eq!(target.problems(), []);
    let names: Vec<_> = target.processes().iter().filter_map(|process| process.name.as_deref()).collect();
    assert_eq!(names, ["NK.EXE", "null2.exe"]);
    let process = &target.processes()[1];
    assert_eq!((process.id, process.home.unwrap().slot()), (Some(ProcessId(0xa174_1642)), 12));
    assert_eq!(process.layout.unwrap().name, LayoutName::Wm6);
    let names: Vec<_> = process.modules.iter().map(|module| module.name()).collect();
    assert_eq!(names, ["NK.EXE", "null2.exe", "coredll.dll.0409.mui", "coredll.dll"]);
    assert_eq!(process.modules[1].range, range(0x1_0000, 0x1_dfff));
    assert_eq!(process.modules[3].data, Some(range(0x01ff_c000, 0x01ff_cc87)));
    assert_eq!(target.current(), ProcessIndex(1));
    let exception = target.exception().unwrap();
    let registers = exception.registers.as_ref().unwrap();
    assert_eq!((exception.address, registers.pc, registers.sp), (Va(0x1_117c), Va(0x1_117c), Va(0x1811_fe04)));
    assert_eq!((registers.get("lr"), registers.get("cpsr")), (Some(0x1_1134), Some(0x2000_0010)));
    let stack = process.threads[0].sides[0].stack;
    assert_eq!((stack.base, stack.reserve), (Some(Va(0x1812_0000)), Some(Va(0x1802_0000))));
    let space = target.space(ProcessIndex(1)).unwrap();
    assert_eq!(space.read_u32(Va(0x1_117c)).ok(), space.read_u32(Va(0x1801_117c)).ok());
    assert!(space.read_u32(Va(0x1_117c)).is_ok());
    let ce = target.ce().unwrap();
    assert_eq!((ce.current_process, ce.current_thread), (Some(ProcessIndex(1)), Some(ThreadId(0xa172_b9ca))));
    assert_eq!(ce.call_stacks[0].frames[0].pc, Va(0x1801_117c));
    let host = target.host().unwrap();
    assert_eq!((host.version, host.service_pack.as_deref()), ([5, 2, 1711], Some("(hp iPAQ 210, v1.00.06-317-WWE)")));
}

#[test]
fn a_thousand_modules_of_a_thousand_processes_are_not_a_million() {
    let mut dump = Dump::new(b"CEDS").system(System::arm());
    for number in 0..1000 {
        dump = dump.process(Process::new(number as u8 % 32, "a.exe", 0x0400_0000, number + 1)).module(Module::new(
            "a.dll",
            0x0300_0000 + number * 0x100,
            0x100,
            u32::MAX,
        ));
    }
    let target = target(dump.write());
    let modules: usize = target.processes().iter().map(|process| process.modules.len()).sum();
    assert!(modules <= 1 << 17, "{modules}");
    assert!(target.problems().iter().any(|problem| problem.cause.contains("more modules than are listed")));
}

/// Words of a dump overwritten, again and again: whatever the lists then say, answers stay answers.
#[test]
fn damaged_lists_do_no_harm() {
    let whole = story::complete();
    let mut state: u64 = 7;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=random(8) {
            let at = random(bytes.len() - 4);
            let value = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0x0a00_0000, at as u32][random(7)];
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let Ok(target) = KdmpTarget::open(Arc::new(bytes), Box::new(NoImageFiles)) else { continue };
        for (index, process) in target.processes().iter().enumerate() {
            let space = target.space(ProcessIndex(index)).unwrap();
            let count = space.regions_from(Va(0)).take(10_000).count();
            assert!(count < 10_000, "{count} regions");
            for module in &process.modules {
                let _ = target.sections(ProcessIndex(index), module);
                assert!(space.backing(module.range.first()).range.contains(module.range.first()));
            }
            for va in [0, 0x1_1028, 0x01ff_c010, 0x0a02_fe54, 0xffff_c800, u64::from(u32::MAX), 1 << 32, u64::MAX] {
                assert!(space.region(Va(va)).range.contains(Va(va)), "{va:#x}");
                assert!(space.backing(Va(va)).range.contains(Va(va)), "{va:#x}");
                let _ = space.read_u32(Va(va));
            }
            let _ = target.facts(FactsOf::Process(ProcessIndex(index)));
        }
    }
}
