//! Stacks of Windows CE put together by hand: slots, function tables without a header, calls into server processes.

use super::{FoundBy, Stack, StackEnd, Symbols, Trust, frames, stack};
use crate::{stack::ReturnCheck, testing::TestTarget};
use vatlas_space::{LayoutName, Machine, PointerWidth, Section, SectionTable, SlotHome, Source, Va, VaRange};

/// The slot of the process.
const SLOT: u64 = 0x1800_0000;
const BASE: u64 = 0x1_0000;
const CODE: u64 = 0x1_1000;
const TABLE: u64 = 0x1_2000;
const STACK: u64 = 0x1811_e000;

/// `stmdb sp!, {r4, lr}; sub sp, sp, #8; bl; add sp, sp, #8; ldmia sp!, {r4, pc}`: twice, 32 bytes apart.
fn code() -> Vec<u8> {
    let function = [0xe92d_4010, 0xe24d_d008, 0xebff_fffe, 0xe28d_d008, 0xe8bd_8010, 0xe1a0_0000, 0, 0_u32];
    function.iter().chain(&function).flat_map(|word| word.to_le_bytes()).collect()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A thread at `pc` with these words on its stack; `table` lies in a section that has no name, as in a ROM.
fn target(pc: u64, lr: u64, table: &[u32], on_stack: &[u32]) -> TestTarget {
    let section = |first: u64, size: usize, executable: bool| Section {
        name: String::new(),
        range: VaRange::sized(Va(first), size as u64).unwrap(),
        executable,
        writable: false,
        file: None,
    };
    let sections = vec![section(CODE, 0x100, true), section(TABLE, table.len() * 4, false)];
    let source = Source::ImageHeader { module: "app.exe".to_owned() };
    let mut bytes = words(on_stack);
    bytes.resize(0x1000, 0);
    let general = [("pc", pc), ("sp", STACK), ("lr", lr), ("r4", 4), ("r11", 0), ("cpsr", 0x10)];
    let mut target = TestTarget::new(PointerWidth::Bits32)
        .layout(LayoutName::Ce5)
        .module("app.exe", BASE, 0x4000)
        .sections(BASE, SectionTable { header_size: 0, sections, source })
        .captured(CODE, &code())
        .captured(SLOT | CODE, &code())
        .captured(TABLE, &words(table))
        .private(STACK, 0x1000)
        .captured(STACK, &bytes)
        .access_violation(7, pc, Machine::Arm, &general)
        .thread(7, Machine::Arm, &general)
        .stack(STACK, 0x1000, STACK + 0xf00);
    target.process().home = Some(SlotHome { number: 11, base: Va(SLOT), access_key: 0x800 });
    target
}

/// Both functions: two instructions of prologue, five in all, of 4 bytes.
const BOTH: [u32; 4] = [0x1_1000, 0x4000_0502, 0x1_1020, 0x4000_0502];

/// In the first function, which the second called.
fn in_body(table: &[u32]) -> Stack {
    let on_stack = [1, 2, 0x44, (SLOT | 0x1_102c) as u32, 3, 4, 0x45, 0];
    stack(&target(SLOT | 0x1_1008, 0, table, &on_stack), &Symbols::new(&[]))
}

#[test]
fn function_tables_tell_functions_in_both_forms_of_addresses() {
    let stack = in_body(&BOTH);
    let expected = [(SLOT | 0x1_1008, FoundBy::Context), (SLOT | 0x1_102c, FoundBy::UnwindData)];
    assert_eq!((frames(&stack).as_slice(), &stack.end), (expected.as_slice(), &StackEnd::Bottom), "{stack:#?}");
    assert_eq!(stack.frames[1].trust, Trust::Exact);
    assert_eq!((stack.frames[1].registers.get("r4"), stack.frames[1].sp.0), (Some(0x44), STACK + 16));
    assert_eq!(stack.without_unwind_data, Vec::<String>::new());
}

#[test]
fn lengths_that_nobody_wrote_down_end_with_the_next_function() {
    let stack = in_body(&[0x1_1000, 0xc000_0002, 0x1_1020, 0x4000_0502]);
    assert_eq!(frames(&stack)[1], (SLOT | 0x1_102c, FoundBy::UnwindData));
}

#[test]
fn what_is_no_function_table_is_not_taken_for_one() {
    for table in [
        [0x1_1020, 0x4000_0502, 0x1_1000, 0x4000_0502], // not in order
        [0x9_1000, 0x4000_0502, 0x9_1020, 0x4000_0502], // outside of the module
        [0x1_1000, 0x4000_0205, 0x1_1020, 0x4000_0502], // a prologue longer than its function
    ] {
        let stack = in_body(&table);
        assert_eq!(stack.without_unwind_data, ["app.exe"], "{table:x?}");
        // The code tells all the same.
        assert_eq!(frames(&stack)[1], (SLOT | 0x1_102c, FoundBy::Prologue));
        assert_eq!(stack.frames[1].trust, Trust::Likely);
    }
}

#[test]
fn functions_without_an_entry_return_to_the_link_register() {
    let on_stack = [1, 2, 0x45, 0];
    let stack = stack(&target(SLOT | 0x1_1014, SLOT | 0x1_102c, &BOTH, &on_stack), &Symbols::new(&[]));
    let expected = [(SLOT | 0x1_1014, FoundBy::Context), (SLOT | 0x1_102c, FoundBy::LeafReturn)];
    assert_eq!((frames(&stack).as_slice(), &stack.end), (expected.as_slice(), &StackEnd::Bottom), "{stack:#?}");
}

/// The first function was called by the kernel for another process; it returns to an address without memory.
fn called_by_server() -> TestTarget {
    let on_stack = [1, 2, 0x44, 0xf000_fff8, 0, 0, 7, 8, 0x45, 0];
    target(SLOT | 0x1_1008, 0, &BOTH, &on_stack)
}

#[test]
fn the_kernels_records_lead_across_calls_of_servers() {
    // `pCurThd` and `pcstkTop` lead to the record, `hTh` is the thread's id.
    let mut kdata = vec![0; 0x400];
    kdata[0x94..0x98].copy_from_slice(&0x8100_0000_u32.to_le_bytes());
    let mut thread = vec![0; 0x40];
    thread[0x18..0x1c].copy_from_slice(&0x8200_0000_u32.to_le_bytes());
    thread[0x3c] = 7;
    let record = words(&[0, (SLOT | 0x1_102c) as u32, 0x8300_0000, 1, 0, (STACK + 24) as u32, 0]);
    let target = called_by_server().captured(0xffff_c800, &kdata).captured(0x8100_0000, &thread);
    let stack = stack(&target.captured(0x8200_0000, &record), &Symbols::new(&[]));
    let expected = [(SLOT | 0x1_1008, FoundBy::Context), (SLOT | 0x1_102c, FoundBy::ServerCall)];
    assert_eq!((frames(&stack).as_slice(), &stack.end), (expected.as_slice(), &StackEnd::Bottom), "{stack:#?}");
    assert_eq!((stack.frames[1].trust, stack.frames[1].sp.0), (Trust::Likely, STACK + 24));
    assert_eq!(stack.frames[0].return_address.unwrap().place, Some(Va(0x8200_0004)));
}

#[test]
fn without_records_the_call_of_a_server_is_told() {
    let stack = stack(&called_by_server(), &Symbols::new(&[]));
    let address = stack.frames[0].return_address.unwrap();
    assert_eq!((address.value.0, address.check), (0xf000_fff8, ReturnCheck::ServerReturn));
    assert!(!address.is_damaged());
    let StackEnd::Damaged(end) = stack.end else { panic!("{stack:#?}") };
    assert_eq!(end, address);
}

#[test]
fn calls_of_api_addresses_have_a_caller() {
    // CreateFileW was called; no memory is there.
    let on_stack = [1, 2, 0x45, 0];
    let stack = stack(&target(0xf000_afdc, SLOT | 0x1_102c, &BOTH, &on_stack), &Symbols::new(&[]));
    assert_eq!(frames(&stack)[..2], [(0xf000_afdc, FoundBy::Context), (SLOT | 0x1_102c, FoundBy::LeafReturn)]);
}
