//! Walks through small tables in memory, with the golden vectors of published `!pte` output.

use super::*;
use vatlas_space::TableLevel::{Pde, Ppe, Pte, Pxe};

/// Entries by physical address.
type Memory = &'static [(u64, u64)];

fn run<F: Format>(root: u64, va: u64, memory: Memory) -> Walk {
    walk::<F>(root, Va(va), |at| memory.iter().find(|entry| entry.0 == at.0).map(|entry| entry.1))
}

/// Physical address, page size and rights `wux` of a mapped address.
#[track_caller]
fn check<F: Format>(root: u64, va: u64, memory: Memory, expected: (u64, u64, &str)) {
    let walk = run::<F>(root, va, memory);
    let Some(mapping) = walk.mapping() else { panic!("{va:#x}: {:?}", walk.end) };
    let letter = |set, letter| if set { letter } else { '-' };
    let rights: String = [
        letter(mapping.is_writable, 'w'),
        letter(mapping.is_user, 'u'),
        letter(mapping.is_executable, 'x'),
        letter(mapping.is_global, 'g'),
    ]
    .iter()
    .collect();
    assert_eq!((mapping.pa.0, mapping.page_size, rights.as_str()), expected);
}

#[track_caller]
fn check_end<F: Format>(root: u64, va: u64, memory: Memory, expected: WalkEnd) {
    assert_eq!(run::<F>(root, va, memory).end, expected);
}

#[test]
fn golden_vectors() {
    // !pte 0012f980: PDE at c0300000, PTE at c00004bc; the frame of the page table is not published.
    let memory = &[(0x9_8fd_000, 0x0777_7067), (0x0777_74bc, 0x09de_9067)];
    check::<X86>(0x098f_d000, 0x0012_f980, memory, (0x09de_9980, 0x1000, "wux-"));
    // !pte 801544f4
    let memory = &[(0x0003_9800, 0x0003_b163), (0x0003_b550, 0x0015_4121)];
    check::<X86>(0x0003_9000, 0x8015_44f4, memory, (0x0015_44f4, 0x1000, "--xg"));
}

#[test]
fn steps_say_what_was_read() {
    let walk = run::<X86>(0x0003_9000, 0x8015_44f4, &[(0x0003_9800, 0x0003_b163), (0x0003_b550, 0x0015_4121)]);
    let steps: Vec<_> = walk.steps().iter().map(|step| (step.level, step.at.0, step.entry.0)).collect();
    assert_eq!(steps, [(Pde, 0x0003_9800, 0x0003_b163), (Pte, 0x0003_b550, 0x0015_4121)]);
}

#[test]
fn large_pages() {
    check::<X86>(0x1000, 0x0061_2345, &[(0x1004, 0x0080_00e7)], (0x00a1_2345, 0x40_0000, "wux-"));
    // Bits 13-20 of a 4 MB entry are bits 32-39 of its address.
    check::<X86>(0x1000, 0x0061_2345, &[(0x1004, 0x0080_60e7)], (0x3_00a1_2345, 0x40_0000, "wux-"));
    check::<Pae>(0x1020, 0x0061_2345, &[(0x1020, 0x2001), (0x2018, 0x80_00e7)], (0x81_2345, 0x20_0000, "wux-"));
    check::<X64>(0x1000, 0x4061_2345, &[(0x1000, 0x2007), (0x2008, 0x8000_00e7)], (0x8061_2345, 1 << 30, "wux-"));
}

#[test]
fn rights_are_those_of_all_levels() {
    check::<X86>(0x1000, 0x3000, &[(0x1000, 0x2005), (0x200c, 0x7007)], (0x7000, 0x1000, "-ux-"));
    check::<X86>(0x1000, 0x3000, &[(0x1000, 0x2003), (0x200c, 0x7007)], (0x7000, 0x1000, "w-x-"));
    // The pointer table of PAE has no rights.
    let memory = &[(0x1000, 0x2001), (0x2000, 0x3007), (0x3018, 0x7007)];
    check::<Pae>(0x1000, 0x3000, memory, (0x7000, 0x1000, "wux-"));
    let memory = &[(0x1000, 0x2001), (0x2000, 0x3007), (0x3018, 0x8000_0000_0000_7007)];
    check::<Pae>(0x1000, 0x3000, memory, (0x7000, 0x1000, "wu--"));
    let memory = &[(0x1000, 0x8000_0000_0000_2007), (0x2000, 0x3007), (0x3000, 0x4007), (0x4018, 0x7007)];
    check::<X64>(0x1000, 0x3000, memory, (0x7000, 0x1000, "wu--"));
}

#[test]
fn four_and_five_levels() {
    let memory = &[(0x1f68, 0x2063), (0x2000, 0x3063), (0x3000, 0x4063), (0x4008, 0x5163)];
    check::<X64>(0x1002, 0xffff_f680_0000_1abc, memory, (0x5abc, 0x1000, "w-xg"));
    let memory = &[(0x1ff8, 0x1067), (0x1f68, 0x2063), (0x2000, 0x3063), (0x3000, 0x4063), (0x4008, 0x5163)];
    check::<X64La57>(0x1000, 0xffff_f680_0000_1abc, memory, (0x5abc, 0x1000, "w-xg"));
    assert_eq!(run::<X64La57>(0x1000, 0xffff_f680_0000_1abc, memory).steps().len(), 5);
}

#[test]
fn the_end_says_why() {
    let invalid = |level, raw| WalkEnd::Invalid { level, entry: PageTableEntry(raw) };
    let missing = |level, at| WalkEnd::NotCaptured { level, at: Pa(at) };
    check_end::<X86>(0x1000, 0x3000, &[], missing(Pde, 0x1000));
    check_end::<X86>(0x1000, 0x3000, &[(0x1000, 0x2006)], invalid(Pde, 0x2006));
    check_end::<X86>(0x1000, 0x3000, &[(0x1000, 0x2007)], missing(Pte, 0x200c));
    check_end::<X86>(0x1000, 0x3000, &[(0x1000, 0x2007), (0x200c, 0x80)], invalid(Pte, 0x80));
    check_end::<Pae>(0x1000, 0x8000_0000, &[(0x1010, 0)], invalid(Ppe, 0));
    check_end::<X64>(0x1000, 0, &[(0x1000, 0)], invalid(Pxe, 0));
}

#[test]
fn an_address_must_fit_the_format() {
    check_end::<X86>(0x1000, 0x1_0000_3000, &[(0x1000, 0x2007), (0x200c, 0x7007)], WalkEnd::NotCanonical);
    check_end::<X64>(0x1000, 0x0000_8000_0000_0000, &[(0x1000, 0)], WalkEnd::NotCanonical);
    assert_ne!(run::<X64La57>(0x1000, 0x0000_8000_0000_0000, &[]).end, WalkEnd::NotCanonical);
}

#[test]
fn a_table_that_maps_itself_is_walked_like_any_other() {
    // Entry 0x300 of the directory is the directory: c0300c00 is the address of that entry.
    check::<X86>(0x1000, 0xc030_0c00, &[(0x1c00, 0x1063)], (0x1c00, 0x1000, "w-x-"));
}
