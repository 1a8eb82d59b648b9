//! Tests: real crash texts with their published reading, one line for each.

use super::*;
use crate::symbol_provider::NoSymbols;
use vatlas_space::{CrashField, LogNote, PrintedModule, Rva, TextPlace, VaRange};

fn module(name: &str, offset: u32) -> Option<PrintedModule> {
    Some(match name {
        "???" => PrintedModule::Outside,
        name => PrintedModule::Inside { module: name.to_owned(), offset },
    })
}

fn field(name: &str, value: u32, module: Option<PrintedModule>, process: Option<&str>) -> CrashField {
    CrashField {
        name: name.to_owned(),
        value,
        module,
        structure: None,
        process: process.map(str::to_owned),
        place: TextPlace::default(),
    }
}

/// A register and what is printed behind it.
type Site<'a> = (u32, &'a str, u32);

fn text(form: CrashForm, kind: &str, number: Option<i64>, fields: Vec<CrashField>) -> CrashText {
    let kind = Some(kind.to_owned());
    CrashText { form, kind, number, is_number_hex: false, prefix: None, fields, place: TextPlace::default() }
}

/// A crash of CE 5.
fn ce5(kind: &str, process: &str, key: u32, pc: Site<'_>, ra: Site<'_>, bva: u32, fsr: u32) -> CrashText {
    let fields = vec![
        field("Thread", 0x9352_cc9c, None, None),
        field("Proc", 0x9087_6ea0, None, Some(process)),
        field("AKY", key, None, None),
        field("PC", pc.0, module(pc.1, pc.2), None),
        field("RA", ra.0, module(ra.1, ra.2), None),
        field("BVA", bva, None, None),
        field("FSR", fsr, None, None),
    ];
    text(CrashForm::Ce5, kind, None, fields)
}

/// A crash of CE 6.
fn ce6(kind: &str, number: i64, process: &str, active: &str, pc: Site<'_>, ra: Site<'_>, bva: u32) -> CrashText {
    let fields = vec![
        CrashField { structure: Some(0x8365_85b8), ..field("Thread-Id", 0x04a2_002a, None, None) },
        field("Proc-Id", 0x0040_0002, None, Some(process)),
        field("VM-active", 0x04a1_002a, None, Some(active)),
        field("PC", pc.0, module(pc.1, pc.2), None),
        field("RA", ra.0, module(ra.1, ra.2), None),
        field("BVA", bva, None, None),
    ];
    text(CrashForm::Ce6, kind, Some(number), fields)
}

fn explained(crash: &CrashText) -> CrashExplanation {
    let list = ModuleList::default();
    explain_crash(crash, &CrashContext { layout: None, list: &list, rom: None, symbols: &NoSymbols })
}

/// Slot, base of PC's module, base of RA's, kind of the bad address, offset above null; a dash where there is none.
fn check(crash: &CrashText, expected: &str) {
    let found = explained(crash);
    let base = |register| {
        let module = found.code_at(register).and_then(|place| place.module.as_ref());
        module.map_or("-".to_owned(), |module| format!("{:08x}", module.base.0))
    };
    let slot = found.owner.slot.map_or("-".to_owned(), |slot| slot.to_string());
    let kind = found.bad_address.as_ref().map_or("-", |bad| bad.kind.word());
    let null = found.bad_address.as_ref().and_then(|bad| bad.null_offset);
    let null = null.map_or(String::new(), |offset| format!("+{offset:x}"));
    assert_eq!(format!("slot {slot} pc {} ra {} {kind}{null}", base("PC"), base("RA")), expected, "{crash:?}");
}

#[test]
fn real_crashes_of_ce_5() {
    let heap = (0x5061_6548, "???", 0x5061_6548);
    let shell = (0x03f7_4680, "coredll.dll", 0x1_4680);
    check(
        &ce5("Data Abort", "shell32.exe", 5, shell, (0x0325_7104, "aygshell.dll", 0x3_7104), 0x0600_00e0, 7),
        "slot 3 pc 03f60000 ra 03220000 null+e0",
    );
    let leak = (0x1_1008, "walzer_leak.exe", 0x1008);
    check(
        &ce5("Data Abort", "walzer_leak.exe", 0x21, leak, (0x1_1030, "walzer_leak.exe", 0x1030), 0x8100_0000, 0xd),
        "slot 6 pc 00010000 ra 00010000 kernel",
    );
    let installer = (0x1_9320, "installer.exe", 0x9320);
    check(
        &ce5("Data Abort", "installer.exe", 0x401, installer, (0x1_9094, "installer.exe", 0x9094), 0x1608_0100, 7),
        "slot 11 pc 00010000 ra 00010000 own-memory",
    );
    let raise = (0x03f7_e034, "coredll.dll", 0x1_e034);
    check(
        &ce5("RaiseException", "device.exe", 0x205, raise, (0x8012_0ef4, "NK.EXE", 0x2_0ef4), 1, 1),
        "slot - pc 03f60000 ra 80100000 -",
    );
    let free = (0x03fa_006c, "coredll.dll", 0x2_006c);
    check(&ce5("Data Abort", "OnLine.exe", 0x801, free, heap, 0x1833_2421, 1), "slot 12 pc 03f80000 ra - misaligned");
    check(&ce5("Data Abort", "ONLINE.EXE", 0x401, free, heap, 0x162f_2021, 1), "slot 11 pc 03f80000 ra - misaligned");
    let create = (0x03f9_fb04, "coredll.dll", 0x1_fb04);
    let online = (0x160b_f4d8, "ONLINE.EXE", 0xa_f4d8);
    let third = ce5("Data Abort", "ONLINE.EXE", 0x401, create, online, 0x2a3b_14e9, 1);
    check(&third, "slot 11 pc 03f80000 ra 16010000 misaligned");
    let bad = explained(&third).bad_address.unwrap();
    assert!(bad.text.contains("slot 21 of another process"), "{}", bad.text);
}

#[test]
fn real_crashes_of_ce_6() {
    let usb = ((0xc098_704c, "usbfn.dll", 0x1_704c), (0xc098_80b0, "usbfn.dll", 0x1_80b0));
    check(&ce6("Data Abort", 4, "NK.EXE", "udevice.exe", usb.0, usb.1, 0), "slot - pc c0970000 ra c0970000 null+0");
    let hub = ((0xef99_5d4c, "k.usbd.dll", 0x5d4c), (0xef99_432c, "k.usbd.dll", 0x432c));
    check(
        &ce6("Data Abort", 4, "NK.EXE", "GweUser.exe", hub.0, hub.1, 0x7e32_3030),
        "slot - pc ef990000 ra ef990000 text",
    );
    let client = ((4, "???", 4), (0x1_1254, "TCPClient.exe", 0x1254));
    let call = ce6("Prefetch Abort", 3, "TCPClient.exe", "TCPClient.exe", client.0, client.1, 4);
    check(&call, "slot - pc - ra 00010000 null+4");
    let advice = explained(&call).advice;
    assert!(advice[0].starts_with("a call through a bad function pointer"), "{advice:?}");
    let raised = ((0x4004_2c58, "coredll.dll", 0x2_2c58), (0x8804_6608, "kernel.dll", 0x8608));
    check(
        &ce6("Raised Exception", -1, "p.exe", "p.exe", raised.0, raised.1, u32::MAX),
        "slot - pc 40020000 ra 8803e000 -",
    );
}

#[test]
fn what_cannot_be_is_said() {
    let wrong = ce5("Data Abort", "a.exe", 5, (0x1000, "a.dll", 0x2000), (0, "???", 0), 0, 7);
    let found = explained(&wrong);
    assert_eq!(found.code_at("PC").unwrap().module, None);
    assert!(found.steps.iter().any(|step| step.finding.contains("cannot be")));
}

#[test]
fn a_list_has_what_the_device_does_not_print() {
    let (list, problems) =
        vatlas_rules::module_list::parse("shop.exe 00010000 8000 process=shop.exe\nx.dll 03100000 9000");
    assert_eq!(problems, []);
    let mut crash = ce5("Data Abort", "shop.exe", 9, (0x0310_1004, "", 0), (0x0801_1020, "", 0), 0x0c01_0000, 7);
    crash.fields.iter_mut().for_each(|field| field.module = None);
    let found = explain_crash(&crash, &CrashContext { layout: None, list: &list, rom: None, symbols: &NoSymbols });
    let module = |register| found.code_at(register).unwrap().module.clone().map(|at| (at.name, at.offset, at.source));
    assert_eq!(module("PC"), Some(("x.dll".to_owned(), 0x1004, ModuleSource::List)));
    assert_eq!(module("RA"), Some(("shop.exe".to_owned(), 0x1020, ModuleSource::List)));
    assert_eq!(found.bad_address.unwrap().kind, BadKind::ForeignSlot);
}

/// A device of CE 4: kernel, a DLL in slot 1 with its data in slot 0, a DLL at an address of every slot, two programs.
fn rom() -> RomModules {
    let range = |first, size| VaRange::sized(Va(first), size).unwrap();
    let module = |name: &str, base, sections: &[(u64, u32, &str)]| RomModuleAt {
        module: vatlas_space::Module {
            path: name.to_owned(),
            range: range(base, 0x5000),
            data: None,
            time_date_stamp: 0,
            checksum: 0,
            version: None,
            debug_record: None,
        },
        sections: sections
            .iter()
            .map(|(real, rva, name)| (range(*real, 0x1000), Rva(*rva), (*name).to_owned()))
            .collect(),
        is_program: name.ends_with(".exe") && base < 0x8000_0000,
    };
    let modules = vec![
        module("nk.exe", 0x8010_0000, &[(0x8010_1000, 0x1000, ".text"), (0x8200_0000, 0x2000, ".data")]),
        module("coredll.dll", 0x03f6_0000, &[(0x03f6_1000, 0x1000, ".text"), (0x01ff_c000, 0x4000, ".data")]),
        module("video.dll", 0x01f9_0000, &[(0x01f9_1000, 0x1000, ".text")]),
        module("shop.exe", 0x1_0000, &[(0x1_1000, 0x1000, ".text")]),
        module("till.exe", 0x1_0000, &[(0x1_1000, 0x1000, ".text")]),
    ];
    RomModules { layout: LayoutName::Ce4, modules }
}

#[test]
fn a_rom_image_has_what_the_device_does_not_print() {
    let rom = rom();
    let list = ModuleList::default();
    let check = |process: &str, pc: u32, ra: u32, bva: u32, expected: [&str; 3]| {
        // Process number 3: slot 4, 08000000.
        let mut crash = ce5("Data Abort", process, 9, (pc, "", 0), (ra, "", 0), bva, 7);
        crash.fields.iter_mut().for_each(|field| field.module = None);
        let context = CrashContext { layout: None, list: &list, rom: Some(&rom), symbols: &NoSymbols };
        let found = explain_crash(&crash, &context);
        assert_eq!(found.layout, LayoutName::Ce4);
        let text = |at: Option<&ModuleAt>| at.map_or("-".to_owned(), |at| format!("{}+{:x}", at.name, at.offset));
        let code = |register| text(found.code_at(register).unwrap().module.as_ref());
        let bad = text(found.bad_address.as_ref().and_then(|bad| bad.module.as_ref()));
        assert_eq!([code("PC"), code("RA"), bad], expected);
    };
    check("shop.exe", 0x03f6_1004, 0x1_1020, 0x0801_1030, ["coredll.dll+1004", "shop.exe+1020", "shop.exe+1030"]);
    check("till.exe", 0x0801_1020, 0x8010_1010, 0x01ff_c008, ["till.exe+1020", "nk.exe+1010", "coredll.dll+4008"]);
    check("other.exe", 0x1_1020, 0x01f9_1010, 0x09f9_1010, ["-", "video.dll+1010", "video.dll+1010"]);
    // Another process's slot does not show the program of this one.
    check("shop.exe", 0x1_1020, 0x0a01_1020, 0x8200_0004, ["shop.exe+1020", "-", "nk.exe+2004"]);
}

#[test]
fn a_rom_image_of_another_build_is_told() {
    let rom = rom();
    let list = ModuleList::default();
    let check = |base: u32, expected: &str| {
        let pc = (base + 0x1004, "coredll.dll", 0x1004);
        let crash = ce5("Data Abort", "shop.exe", 9, pc, (0, "???", 0), 0, 7);
        let context = CrashContext { layout: None, list: &list, rom: Some(&rom), symbols: &NoSymbols };
        let steps = explain_crash(&crash, &context).steps;
        assert!(steps.iter().any(|step| step.finding.contains(expected)), "{steps:?}");
    };
    check(0x03f6_0000, "the ROM image has coredll.dll at the same base");
    check(0x03f8_0000, "another build");
}

#[test]
fn crashes_that_agree_are_one_group_and_lines_after_them_count() {
    let list = ModuleList::default();
    let context = CrashContext { layout: None, list: &list, rom: None, symbols: &NoSymbols };
    let mut groups = CrashGroups::default();
    let site = ((0x16_1d38, "d.exe", 0x15_1d38), (0x1_2034, "d.exe", 0x2034));
    let first = ce6("Data Abort", 4, "d.exe", "d.exe", site.0, site.1, 0);
    let raised =
        ce6("Raised Exception", -1, "NK.EXE", "d.exe", (0xc006_b9f0, "k.coredll.dll", 0x1_b9f0), site.1, u32::MAX);
    assert_eq!(groups.add(&first, &context), Some((0, true)));
    assert_eq!(groups.add(&raised, &context), Some((1, true)));
    groups.note(&LogNote::TerminatingThread { thread: 0x8365_85b8 });
    groups.note(&LogNote::NotHandled);
    assert_eq!(groups.add(&first, &context), Some((0, false)));
    let counts: Vec<_> = groups
        .groups()
        .iter()
        .map(|group| (group.count, group.raised_again, group.repeats, group.not_handled))
        .collect();
    assert_eq!((counts, groups.count()), (vec![(2, 1, 0, 1), (1, 0, 1, 0)], 3));
}
