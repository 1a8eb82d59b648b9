//! The practice addresses and other published vectors, as data.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use vatlas_rules::{
    Place, PlaceFacts,
    ce::slot::{
        Half, LOW_SLOTS, PROCESS_SLOTS, PROCESSES, ProcessNumber, SHARED_AREA, Slot, mapped, mask_opens, processes_of,
        slot_of, zero_based,
    },
    layout,
    module_list::parse,
    nt::self_map::{X64, X86, X86_PAE},
    place,
    place::{Confidence, Form, LikelyKind, Part},
};
use vatlas_space::{LayoutChoice, LayoutName, Machine, Va};

fn at(va: u64, layout: LayoutName) -> Place {
    place(Va(va), LayoutChoice::usual(layout), &PlaceFacts::default())
}

/// Slot, offset, area name and first guess of an address under the CE 5 rules.
fn check(va: u64, slot: u8, offset: u32, area: &str, likely: LikelyKind, confidence: Confidence) {
    let place = at(va, LayoutName::Ce5);
    let facts = place.slot.as_ref().unwrap();
    assert_eq!((facts.slot.number(), facts.offset), (slot, offset), "{va:08X}");
    assert_eq!(place.area.name, area, "{va:08X}");
    let first = &place.likely[0];
    assert_eq!((first.kind, first.confidence), (likely, confidence), "{va:08X}");
}

#[test]
fn practice_addresses() {
    use Confidence::{Certain, Likely};
    use LikelyKind::*;
    let current = "slot 0: current process";
    let rom = "slot 1: ROM DLL code";
    let shared = "slots 33-61: shared area";
    let resources = "slot 63: resource DLLs";
    check(0x0001_2345, 0, 0x001_2345, current, ExeCodeOrData, Likely);
    check(0x1201_2345, 9, 0x001_2345, "slot 9: process 8", ExeCodeOrData, Likely);
    check(0x0056_789a, 0, 0x056_789a, current, HeapStackOrDynamic, Likely);
    check(0x3456_789a, 26, 0x056_789a, "slot 26: process 25", HeapStackOrDynamic, Likely);
    check(0x0312_3456, 1, 0x112_3456, rom, RomDllCode, Certain);
    check(0x0212_3456, 1, 0x012_3456, rom, RomDllCode, Certain);
    check(0x019a_bcde, 0, 0x19a_bcde, current, Dll, Likely);
    check(0x359a_bcde, 26, 0x19a_bcde, "slot 26: process 25", Dll, Likely);
    check(0x6789_abcd, 51, 0x189_abcd, shared, SharedAllocation, Likely);
    check(0x1234_5678, 9, 0x034_5678, "slot 9: process 8", ExeCodeOrData, Likely);
    check(0x1398_7654, 9, 0x198_7654, "slot 9: process 8", Dll, Likely);
    check(0x01ff_ffff, 0, 0x1ff_ffff, current, Dll, Likely);
    check(0x03ff_ffff, 1, 0x1ff_ffff, rom, RomDllCode, Certain);
    check(0x41ff_ffff, 32, 0x1ff_ffff, "slot 32: process 31", Dll, Likely);
    check(0x4200_0000, 33, 0, shared, SharedAllocation, Likely);
    check(0x7fff_ffff, 63, 0x1ff_ffff, resources, ResourceDll, Likely);
    check(0x7ff8_0000, 63, 0x1f8_0000, resources, ResourceDll, Likely);
    check(0x8000_1000, 64, 0x000_1000, "physical memory, cached", Kernel, Certain);
    check(0x03f4_e000, 1, 0x1f4_e000, rom, RomDllCode, Certain);
    check(0x01ff_c000, 0, 0x1ff_c000, current, Dll, Likely);
    check(0x0600_00e0, 3, 0xe0, "slot 3: process 2", NullPointer, Certain);
    check(0xf000_afdc, 120, 0xafdc, "API calls (ARM)", ApiCall, Likely);
    check(0xa000_0000, 80, 0, "physical memory, uncached", Kernel, Certain);
    check(0xc200_0000, 97, 0, "slot 97: NK.EXE", Kernel, Certain);
    check(0x0000_0000, 0, 0, "null area", NullPointer, Certain);
}

#[test]
fn a_practice_address_in_the_shared_area_has_no_symbol() {
    let place = at(0x6789_abcd, LayoutName::Ce5);
    assert!(place.likely.iter().any(|guess| guess.kind == LikelyKind::NeverSymbol));
    assert!(!place.alignment.is_dword());
}

fn check_remark(va: u64, layout: LayoutName, part: &str, present: bool) {
    let place = at(va, layout);
    let found = place.remarks.iter().any(|remark| remark.text.contains(part) || remark.because.contains(part));
    assert_eq!(found, present, "{va:08X}: {:?}", place.remarks);
}

#[test]
fn halves() {
    use LayoutName::Ce5;
    assert_eq!(at(0x019a_bcde, Ce5).slot.unwrap().half, Some(Half::Upper));
    assert_eq!(at(0x359a_bcde, Ce5).slot.unwrap().half, Some(Half::Upper));
    assert_eq!(at(0x3456_789a, Ce5).slot.unwrap().half, Some(Half::Lower));
    assert_eq!(at(0x0212_3456, Ce5).slot.unwrap().half, None);
    assert_eq!(at(0x6789_abcd, Ce5).slot.unwrap().half, None);
    check_remark(0x359a_bcde, Ce5, "second hexadecimal digit, 5, is odd", true);
    check_remark(0x3456_789a, Ce5, "second hexadecimal digit, 4, is even", true);
    check_remark(0x0212_3456, Ce5, "odd or even second digit says nothing here", true);
    check_remark(0x6789_abcd, Ce5, "second hexadecimal digit", false);
}

fn check_alignment(va: u64, layout: LayoutName, machine: Option<Machine>, bytes: u64, part: &str) {
    let facts = PlaceFacts { machine, ..PlaceFacts::default() };
    let alignment = place(Va(va), LayoutChoice::usual(layout), &facts).alignment;
    assert_eq!(alignment.bytes, bytes, "{va:08X}");
    let finding = alignment.statement.step().finding;
    assert!(finding.contains(part), "{finding}");
}

#[test]
fn alignment_and_why_it_matters() {
    use LayoutName::{Ce5, Nt32, Nt64};
    check_alignment(0x0001_2345, Ce5, None, 1, "but other processors (ARM, MIPS, SH) fault");
    check_alignment(0x0001_2345, Ce5, Some(Machine::Arm), 1, "this processor cannot read 4 bytes elsewhere");
    check_alignment(0x0001_2345, Ce5, Some(Machine::X86), 1, "x86 and x64 take others too");
    check_alignment(0x0001_2346, Nt32, None, 2, "x86 takes others too, only slower");
    check_alignment(0x0001_2345, Nt64, None, 1, "x64 takes others too");
    check_alignment(0x0001_2344, Ce5, None, 4, "4-byte aligned: a 4-byte value can be here");
    check_alignment(0x0001_2348, Ce5, None, 8, "8-byte aligned");
    check_alignment(0x0001_2340, Ce5, None, 16, "16-byte aligned");
    check_alignment(0, Ce5, None, 16, "16-byte aligned");
}

/// A device: the modules of a real one, with made-up sizes where none is published.
const DEVICE: &str = "
    coredll.dll     03F4E000 96000 01FFC000 01FFCC88
    ole32.dll       030DE000 2C000 01F0D000 01F0E534
    libexpat-1.dll  013E0000 20000 FFFFFFFF 0
    shellres.dll    7FF80000 5F000
    NK.EXE          80001000 40000 0 0
    null2.exe       18010000 E000  0 0
    wroadmap.exe    00010000 E0000 0 0 process=wroadmap.exe
    process null2.exe 12
    process wroadmap.exe 20000000
    dll-low 013C0000
";

fn device(process: Option<u8>) -> PlaceFacts {
    let (list, problems) = parse(DEVICE);
    assert_eq!(problems, []);
    PlaceFacts { list, process: process.and_then(Slot::new), machine: Some(Machine::Arm) }
}

/// Modules of the list at an address, `name image|data+offset`, with a `?` when a condition is attached.
fn check_listed(va: u64, process: Option<u8>, expected: &[&str]) {
    let place = place(Va(va), LayoutChoice::usual(LayoutName::Ce5), &device(process));
    let found: Vec<String> = place
        .listed
        .iter()
        .map(|hit| {
            let part = if hit.part == Part::Image { "image" } else { "data" };
            let mark = if hit.condition.is_some() { "?" } else { "" };
            format!("{} {part}+{:X}{mark}", hit.module, hit.offset)
        })
        .collect();
    assert_eq!(found, expected, "{va:08X}");
}

#[test]
fn modules_of_a_device() {
    check_listed(0x7ff8_0000, None, &["shellres.dll image+0"]);
    check_listed(0x03f4_e000, None, &["coredll.dll image+0"]);
    check_listed(0x01ff_c000, None, &["coredll.dll data+0"]);
    check_listed(0x01ff_cc87, None, &["coredll.dll data+C87"]);
    check_listed(0x01ff_cc88, None, &[]);
    check_listed(0x19ff_c010, None, &["coredll.dll data+10"]);
    check_listed(0x8000_1000, None, &["NK.EXE image+0"]);
    check_listed(0x013e_1000, None, &["libexpat-1.dll image+1000"]);
    check_listed(0x213e_1000, None, &["libexpat-1.dll image+1000"]);
    // The EXE of slot 12 is listed mapped, the one of slot 16 zero-based.
    check_listed(0x1801_1000, None, &["null2.exe image+1000"]);
    check_listed(0x2001_1000, None, &["wroadmap.exe image+1000"]);
    check_listed(0x0001_1000, None, &["null2.exe image+1000?", "wroadmap.exe image+1000?"]);
    check_listed(0x0001_1000, Some(12), &["null2.exe image+1000"]);
    check_listed(0x0001_1000, Some(16), &["wroadmap.exe image+1000"]);
    check_listed(0x0001_1000, Some(20), &[]);
    check_listed(0x2801_1000, None, &[]);
    check_listed(0x6789_abcd, None, &[]);
}

fn check_likely(va: u64, facts: &PlaceFacts, kind: LikelyKind, confidence: Confidence, because: &str) {
    let place = place(Va(va), LayoutChoice::usual(LayoutName::Ce5), facts);
    let first = &place.likely[0];
    assert_eq!((first.kind, first.confidence), (kind, confidence), "{va:08X}");
    assert!(first.because.contains(because), "{}", first.because);
}

#[test]
fn facts_of_the_device_decide() {
    use Confidence::{Certain, Likely};
    let facts = device(None);
    check_likely(0x7ff8_0000, &facts, LikelyKind::ResourceDll, Certain, "shellres.dll + 0");
    check_likely(0x03f4_e000, &facts, LikelyKind::RomDllCode, Certain, "coredll.dll + 0");
    check_likely(0x01ff_c000, &facts, LikelyKind::RomDllData, Certain, "data of coredll.dll + 0");
    check_likely(0x8000_1000, &facts, LikelyKind::Kernel, Certain, "NK.EXE + 0");
    check_likely(0x1801_1000, &facts, LikelyKind::ExeCodeOrData, Certain, "null2.exe + 1000");
    // Below the given start of DLL space the upper half is not the DLLs' yet.
    check_likely(0x0110_0000, &facts, LikelyKind::HeapStackOrDynamic, Likely, "DLL space as given begins at 013C0000");
    let small = PlaceFacts { list: parse("exe-size 2000").0, ..PlaceFacts::default() };
    check_likely(0x0001_1fff, &small, LikelyKind::ExeCodeOrData, Likely, "the EXE as given ends at 00012000");
    check_likely(0x0001_2345, &small, LikelyKind::HeapStackOrDynamic, Likely, "the EXE as given ends at 00012000");
}

#[test]
fn other_forms_of_a_slot_0_address() {
    let place = at(0x0001_2345, LayoutName::Ce5);
    assert_eq!(place.other_forms.len(), usize::from(PROCESS_SLOTS));
    assert_eq!(place.other_forms[0].va, Va(0x0401_2345));
    assert_eq!(place.other_forms[7].va, Va(0x1201_2345));
    assert_eq!(place.other_forms[30].va, Va(0x4001_2345));
}

/// The other forms of an address: kind and address.
fn check_forms(va: u64, layout: LayoutName, facts: &PlaceFacts, expected: &[(Form, u64)]) {
    let found: Vec<(Form, u64)> = place(Va(va), LayoutChoice::usual(layout), facts)
        .other_forms
        .iter()
        .map(|form| (form.form, form.va.0))
        .collect();
    assert_eq!(found, expected, "{va:X}");
}

#[test]
fn other_forms() {
    use LayoutName::{Ce5, Ce6, Nt32, Nt32Pae, Nt64};
    let none = PlaceFacts::default();
    let nine = Slot::new(9).unwrap();
    let in_nine = PlaceFacts { process: Some(nine), ..PlaceFacts::default() };
    check_forms(0x0001_2345, Ce5, &in_nine, &[(Form::InSlot(nine), 0x1201_2345)]);
    check_forms(0x1201_2345, Ce5, &none, &[(Form::SlotZero, 0x0001_2345)]);
    check_forms(0x359a_bcde, Ce5, &none, &[(Form::SlotZero, 0x019a_bcde)]);
    check_forms(0x0312_3456, Ce5, &none, &[]);
    check_forms(0x6789_abcd, Ce5, &none, &[]);
    check_forms(0x8000_1000, Ce5, &none, &[(Form::Uncached, 0xa000_1000)]);
    check_forms(0xa000_1000, Ce5, &none, &[(Form::Cached, 0x8000_1000)]);
    check_forms(0xbfff_ffff, Ce6, &none, &[(Form::Cached, 0x9fff_ffff)]);
    check_forms(0x0012_f980, Nt32, &none, &[(Form::Pte, 0xc000_04bc), (Form::Pde, 0xc030_0000)]);
    check_forms(0x8015_44f4, Nt32, &none, &[(Form::Pte, 0xc020_0550), (Form::Pde, 0xc030_0800)]);
    check_forms(0x0012_f980, Nt32Pae, &none, &[(Form::Pte, 0xc000_0978), (Form::Pde, 0xc060_0000)]);
    check_forms(
        0x7ffe_0304,
        Nt32,
        &none,
        &[(Form::SharedDataForKernel, 0xffdf_0304), (Form::Pte, 0xc01f_ff80), (Form::Pde, 0xc030_07fc)],
    );
    check_forms(0x8000_0000_0000, Nt64, &none, &[]);
}

#[test]
fn self_map() {
    assert_eq!(X86.pte_va(Va(0)), Va(0xc000_0000));
    assert_eq!(X86.pde_va(Va(0xffff_ffff)), Va(0xc030_0ffc));
    assert_eq!(X86_PAE.pde_va(Va(0xffff_ffff)), Va(0xc060_3ff8));
    assert_eq!(X86_PAE.range().last(), Va(0xc07f_ffff));
    assert_eq!(X64.range().first(), Va(0xffff_f680_0000_0000));
    assert_eq!(X64.range().last(), Va(0xffff_f6ff_ffff_ffff));
    assert_eq!(X64.pde_va(Va(0)), Va(0xffff_f6fb_4000_0000));
    assert_eq!(X64.pte_va(Va(0xffff_f800_0000_0000)), Va(0xffff_f6fc_0000_0000));
    assert_eq!(X64.mapped_page(Va(0xffff_f6fc_0000_0000)).unwrap().first(), Va(0xffff_f800_0000_0000));
    assert_eq!(X86.mapped_page(Va(0xc000_04bc)).unwrap().first(), Va(0x0012_f000));
    assert_eq!(X86.mapped_page(Va(0xc040_0000)), None);
    check_remark(0xc000_04bc, LayoutName::Nt32, "maps 0x0012f000-0x0012ffff", true);
    check_remark(0xc000_04bc, LayoutName::Nt32, "another view in each process", true);
    check_remark(0xbf80_0000, LayoutName::Nt32, "another view in each session", true);
    check_remark(0x8015_44f4, LayoutName::Nt32, "the same in every process", true);
}

/// Process number, slot, base, access key: the table of published devices.
#[test]
fn process_numbers() {
    for (number, slot, base, key) in [
        (1u8, 2u8, 0x0400_0000u64, 0x2u32),
        (2, 3, 0x0600_0000, 0x4),
        (3, 4, 0x0800_0000, 0x8),
        (4, 5, 0x0a00_0000, 0x10),
        (5, 6, 0x0c00_0000, 0x20),
        (6, 7, 0x0e00_0000, 0x40),
        (7, 8, 0x1000_0000, 0x80),
        (8, 9, 0x1200_0000, 0x100),
        (9, 10, 0x1400_0000, 0x200),
        (10, 11, 0x1600_0000, 0x400),
        (11, 12, 0x1800_0000, 0x800),
        (12, 13, 0x1a00_0000, 0x1000),
        (13, 14, 0x1c00_0000, 0x2000),
        (15, 16, 0x2000_0000, 0x8000),
    ] {
        let process = ProcessNumber::new(number).unwrap();
        let found = process.slot().unwrap();
        assert_eq!((found.number(), found.base().0, process.access_key()), (slot, base, key));
        assert_eq!(found.process(), Some(process));
    }
    assert_eq!((ProcessNumber::KERNEL.slot(), ProcessNumber::KERNEL.access_key()), (None, 1));
    assert_eq!(Slot::NK.base(), Va(0xc200_0000));
    assert_eq!(ProcessNumber::new(32), None);
}

#[test]
fn thirty_three_slots_thirty_one_processes_and_the_kernel() {
    let low = (0..128).filter_map(Slot::new).filter(|slot| slot.base() < SHARED_AREA);
    assert_eq!(low.count(), usize::from(LOW_SLOTS));
    assert_eq!(LOW_SLOTS, 33);
    assert_eq!(SHARED_AREA, Va(0x4200_0000));
    assert_eq!(Slot::of_processes().count(), 31);
    let numbers = (0..=u8::MAX).filter_map(ProcessNumber::new);
    assert_eq!(numbers.count(), 32);
    assert_eq!(PROCESSES, 32);
    assert_eq!((0..=u8::MAX).filter_map(ProcessNumber::new).filter(|number| number.slot().is_none()).count(), 1);
    for name in [LayoutName::Ce3, LayoutName::Ce4, LayoutName::Ce5, LayoutName::Wm6] {
        let areas = layout(LayoutChoice::usual(name)).areas;
        let slots = areas.iter().filter(|area| area.kind.as_str() == "process-slot");
        assert_eq!(slots.count(), 31, "{name}");
    }
}

#[test]
fn access_masks() {
    let numbers = |mask| processes_of(mask).map(ProcessNumber::number).collect::<Vec<_>>();
    assert_eq!(numbers(0x8011), [0, 4, 15]);
    assert_eq!(numbers(0x205), [0, 2, 9]);
    assert_eq!(mask_opens(0x5, Slot::new(3).unwrap()), Some(true));
    assert_eq!(mask_opens(0x5, Slot::new(4).unwrap()), Some(false));
    assert_eq!(mask_opens(0x5, Slot::ONE), None);
}

#[test]
fn zero_based_and_mapped() {
    let slot = |base| slot_of(Va(base)).unwrap();
    assert_eq!(mapped(Va(0x0001_2345), slot(0x1200_0000)), Va(0x1201_2345));
    assert_eq!(zero_based(Va(0x1201_2345)), Va(0x0001_2345));
    assert_eq!(mapped(Va(0x0001_1234), slot(0x0e00_0000)), Va(0x0e01_1234));
    assert_eq!(zero_based(Va(0x0e01_1234)), Va(0x0001_1234));
    assert_eq!(mapped(Va(0x0312_3456), slot(0x1200_0000)), Va(0x0312_3456));
    assert_eq!(zero_based(Va(0x6789_abcd)), Va(0x6789_abcd));
    assert_eq!(zero_based(Va(0x0312_3456)), Va(0x0312_3456));
    assert_eq!(slot_of(Va(0x1_0000_0000)), None);
}

fn check_null(va: u64, layout: LayoutName, expected: Option<u64>) {
    assert_eq!(at(va, layout).null_offset, expected, "{va:08X}");
}

#[test]
fn null_with_an_offset() {
    use LayoutName::{Ce5, Ce6, Nt32, Nt64, Wow64};
    check_null(0x0600_00e0, Ce5, Some(0xe0));
    check_null(0x1800_0000, Ce5, Some(0));
    check_null(0x2000_ffff, Ce5, Some(0xffff));
    check_null(0x2001_0000, Ce5, None);
    check_null(0x0000_0004, Ce6, Some(4));
    check_null(0x0000_0045, Nt32, Some(0x45));
    check_null(0x0001_0000, Nt32, None);
    check_null(0x0000_ffff, Nt64, Some(0xffff));
    check_null(0x0000_0010, Wow64, Some(0x10));
    // Slot 1 and the shared area belong to nobody's null pointer.
    check_null(0x0200_0010, Ce5, None);
    check_null(0x4200_0010, Ce5, None);
    check_remark(0x0600_00e0, Ce5, "NULL + E0", true);
}

#[test]
fn api_calls_and_kernel_data_depend_on_the_processor() {
    let on = |va, machine| {
        let facts = PlaceFacts { machine, ..PlaceFacts::default() };
        place(Va(va), LayoutChoice::usual(LayoutName::Ce5), &facts)
    };
    let call = at(0xf000_afdc, LayoutName::Ce5).api_call.unwrap();
    assert_eq!((call.set, call.method), (20, 9));
    assert_eq!(on(0xf000_afdc, Some(Machine::X86)).api_call, None);
    assert_eq!(on(0xffff_c808, Some(Machine::Arm)).kdata.unwrap().name, "ahSys[1]");
    assert_eq!(on(0xffff_c808, Some(Machine::Mips)).kdata, None);
    check_remark(0xffff_c80a, LayoutName::Ce5, "ahSys[1] + 2: current thread handle", true);
    assert_eq!(on(0x0000_5808, Some(Machine::Mips)).kdata.unwrap().name, "ahSys[1]");
    assert_eq!(on(0x0000_5808, Some(Machine::Arm)).kdata, None);
    assert_eq!(on(0x0000_5808, Some(Machine::Arm)).null_offset, Some(0x5808));
}

#[test]
fn values_that_look_like_something_else() {
    check_remark(0x5061_6548, LayoutName::Ce5, "\"HeaP\"", true);
    check_remark(0x5061_6548, LayoutName::Nt32, "\"HeaP\"", true);
    check_remark(0x6789_abcd, LayoutName::Ce5, "reads as the text", false);
    check_remark(0xfeee_fef2, LayoutName::Nt32, "FEEEFEEE + 4", true);
    check_remark(0xdddd_dddd_dddd_dddd, LayoutName::Nt64, "DDDDDDDDDDDDDDDD", true);
}

/// The area of an address: its name, under the usual choice or with a user limit.
fn check_area(va: u64, name: LayoutName, highest_user: Option<u64>, expected: &str) {
    let layout = layout(LayoutChoice { name, highest_user: highest_user.map(Va) });
    assert_eq!(layout.area_at(Va(va)).unwrap().name, expected, "{name} {va:X}");
}

#[test]
fn ce_versions() {
    use LayoutName::{Ce3, Ce4, Ce5, Ce6, Ce7, Wm6};
    check_area(0x0212_3456, Ce3, None, "slot 1: kernel");
    check_area(0x0212_3456, Ce4, None, "slot 1: ROM DLL code");
    check_area(0x7ff8_0000, Ce3, None, "shared area");
    check_area(0x7ff8_0000, Ce4, None, "shared area");
    check_area(0x7ff8_0000, Wm6, None, "slot 63: resource DLLs");
    check_area(0x7800_0000, Wm6, None, "slot 60: more DLLs");
    check_area(0x7a00_0000, Wm6, None, "slot 61: more DLLs");
    check_area(0x7a00_0000, Ce5, None, "slots 33-61: shared area");
    check_area(0x7c00_0000, Wm6, None, "slot 62");
    check_area(0xc200_0000, Ce4, None, "kernel half");
    check_area(0xf001_0000, Ce5, None, "API calls (ARM)");
    check_area(0xf001_0004, Ce5, None, "kernel half");
    check_area(0xffff_cbff, Ce5, None, "KData (ARM)");
    check_area(0xffff_cc00, Ce5, None, "kernel half");
    for (va, expected) in [
        (0x0000_ffff, "null area"),
        (0x0001_0000, "process: EXE, heap, stacks"),
        (0x4002_0000, "DLLs"),
        (0x6000_0000, "RAM-backed mappings"),
        (0x7fef_ffff, "shared heap"),
        (0x7ff0_0000, "guard"),
        (0x8003_5520, "physical memory, cached"),
        (0xa014_f780, "physical memory, uncached"),
        (0xc098_704c, "kernel DLLs in ROM"),
        (0xc800_0000, "object store"),
        (0xd03c_e2d8, "kernel virtual memory"),
        (0xef99_5d4c, "kernel virtual memory 2"),
        (0xf000_0000, "processor-specific"),
    ] {
        check_area(va, Ce6, None, expected);
        check_area(va, Ce7, None, expected);
    }
}

#[test]
fn nt_x86() {
    use LayoutName::{Nt32, Nt32Pae, Nt32ThreeGb};
    for name in [Nt32, Nt32Pae, Nt32ThreeGb] {
        check_area(0x0000_ffff, name, None, "null partition");
        check_area(0x7ffd_ffff, name, None, "user");
        check_area(0x7ffe_0fff, name, None, "shared user data");
        check_area(0x7ffe_ffff, name, None, "rest of the shared block");
        check_area(0x7fff_0000, name, None, "64 KB guard");
        check_area(0xffdf_f000, name, None, "KPCR of processor 0");
        check_area(0xfffe_0000, name, None, "HAL");
    }
    check_area(0x8000_0000, Nt32, None, "kernel and boot drivers");
    check_area(0xbf80_0000, Nt32, None, "session images");
    check_area(0xc030_0000, Nt32, None, "page directory");
    check_area(0xc040_0000, Nt32, None, "hyperspace");
    check_area(0xc0c0_0000, Nt32, None, "system working set");
    check_area(0xc100_0000, Nt32, None, "system cache");
    check_area(0xe100_0000, Nt32, None, "paged pool");
    check_area(0xeb00_0000, Nt32, None, "system PTEs");
    check_area(0xffbd_ffff, Nt32, None, "nonpaged pool expansion");
    check_area(0xc060_3fff, Nt32Pae, None, "page directories");
    check_area(0xc060_4000, Nt32Pae, None, "page tables");
    check_area(0xc080_0000, Nt32Pae, None, "hyperspace");
    // Without the flag in its image, a process keeps 2 GB on a /3GB system.
    check_area(0x8000_0000, Nt32ThreeGb, None, "not for this process");
    check_area(0xbffe_ffff, Nt32ThreeGb, None, "not for this process");
    check_area(0xbfff_0000, Nt32ThreeGb, None, "64 KB guard of the system");
    check_area(0xc000_0000, Nt32ThreeGb, None, "page tables");
    let three = Some(0xbffe_ffff);
    check_area(0x7fff_0000, Nt32ThreeGb, three, "user");
    check_area(0xbffd_ffff, Nt32ThreeGb, three, "user");
    check_area(0xbffe_0000, Nt32ThreeGb, three, "last user block");
    check_area(0xbfff_0000, Nt32ThreeGb, three, "64 KB guard");
    // The limit of a process cannot move the kernel of a 2 GB system.
    check_area(0x8000_0000, Nt32, three, "kernel and boot drivers");
    let userva = Some(0x9ffe_ffff);
    check_area(0x9fff_0000, Nt32ThreeGb, userva, "64 KB guard");
    check_area(0xa000_0000, Nt32ThreeGb, userva, "not for this process");
}

#[test]
fn allocatable_bytes_of_a_process() {
    let bytes = |choice: LayoutChoice| -> u64 {
        let areas = layout(choice).areas;
        areas.iter().filter(|area| area.kind.as_str() == "user").map(|area| area.range.size()).sum()
    };
    assert_eq!(bytes(LayoutChoice::usual(LayoutName::Nt32)), 2_147_287_040);
    // The block of the shared page is a hole in the middle.
    let three = LayoutChoice { name: LayoutName::Nt32ThreeGb, highest_user: Some(Va(0xbffe_ffff)) };
    assert_eq!(bytes(three), 3_221_028_864 - 0x1_0000);
}

#[test]
fn nt_x64_and_wow64() {
    use LayoutName::{Nt64, Wow64};
    check_area(0x0000_ffff, Nt64, None, "null partition");
    check_area(0x7ffe_0000, Nt64, None, "shared user data");
    check_area(0x7fff_fffe_ffff, Nt64, None, "user");
    check_area(0x7fff_ffff_0000, Nt64, None, "64 KB guard");
    check_area(0x8000_0000_0000, Nt64, None, "non-canonical");
    check_area(0xffff_7fff_ffff_ffff, Nt64, None, "non-canonical");
    check_area(0xffff_8000_0000_0000, Nt64, None, "kernel");
    check_area(0xffff_f680_0000_0000, Nt64, None, "page tables");
    check_area(0xffff_f6ff_ffff_ffff, Nt64, None, "page tables");
    check_area(0xffff_f700_0000_0000, Nt64, None, "hyperspace");
    check_area(0xffff_f780_0000_0000, Nt64, None, "shared user data, writable");
    check_area(0xffff_f800_0000_0000, Nt64, None, "kernel images");
    check_area(0xffff_f8a0_0000_0000, Nt64, None, "paged pool");
    check_area(0xffff_f900_0000_0000, Nt64, None, "session space");
    check_area(0xffff_fa80_0000_0000, Nt64, None, "nonpaged pool");
    check_area(0xffff_ffff_ffc0_0000, Nt64, None, "HAL");
    let eight_tb = Some(0x7ff_fffe_ffff);
    check_area(0x7ff_fffe_ffff, Nt64, eight_tb, "user");
    check_area(0x7ff_ffff_0000, Nt64, eight_tb, "64 KB guard");
    check_area(0x7ff6_0000_0000, Nt64, eight_tb, "not for this process");
    check_area(0x8000_0000, Wow64, None, "not for this process");
    check_area(0x8000_0000, Wow64, Some(0xfffe_ffff), "user");
    check_area(0xffff_0000, Wow64, Some(0xfffe_ffff), "64 KB guard");
    check_area(0x1_0000_0000, Wow64, None, "64-bit side");
    check_area(0x7ff8_1234_0000, Wow64, Some(0xfffe_ffff), "64-bit side");
    check_area(0xffff_f800_0000_0000, Wow64, None, "kernel images");
    assert_eq!(at(0x8000_0000_0000, Nt64).likely[0].kind, LikelyKind::Nothing);
    assert_eq!(at(0xffff_f800_0000_0000, Nt64).likely[0].kind, LikelyKind::Kernel);
}

#[test]
fn an_address_with_too_many_bits_is_outside() {
    let place = at(0x1_0000_0000, LayoutName::Ce5);
    assert_eq!(place.area.kind.as_str(), "outside");
    assert_eq!(place.likely[0].kind, LikelyKind::Nothing);
    assert!(place.area.range.contains(place.va));
}

/// Usual places of Windows XP, as hints.
#[test]
fn usual_places_are_hints() {
    for (va, kind) in [
        (0x0040_1000, LikelyKind::ExeCodeOrData),
        (0x1000_1000, LikelyKind::Dll),
        (0x7c90_0000, LikelyKind::Dll),
        (0x7ffd_e000, LikelyKind::SystemStructure),
        (0x0012_f980, LikelyKind::HeapStackOrDynamic),
    ] {
        let place = at(va, LayoutName::Nt32);
        assert_eq!((place.likely[0].kind, place.likely[0].confidence), (kind, Confidence::Possible), "{va:08X}");
    }
}
