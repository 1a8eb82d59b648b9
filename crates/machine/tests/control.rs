//! Processors stop exactly where they are told to, and do nothing else differently.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;
use support::{Bench, PROGRAM};
use vatlas_machine::Event;
use vatlas_machine::control::{Toucher, WatchedBytes};
use vatlas_machine::cpu::Engine;

const WORK: &[u8] = include_bytes!("../../../fixtures/machine/work.bin");
const DIRECTORY: u32 = 0x1000;

fn eip(bench: &Bench) -> u32 {
    bench.engine.registers().eip
}

/// A bench about to call the program.
fn work() -> Bench {
    let mut bench = Bench::new(WORK);
    let mut registers = bench.engine.registers();
    registers.gpr[0] = 1;
    bench.engine.set_registers(&registers);
    bench
}

/// EIP before each of the first instructions.
fn trace(instructions: usize) -> Vec<u32> {
    let mut bench = work();
    let mut at = Vec::new();
    for _ in 0..instructions {
        at.push(eip(&bench));
        assert_eq!(bench.engine.run(&mut bench.board, 1).event, None);
    }
    at
}

/// How many instructions were executed at each stop, and everything at the end.
fn stops(breakpoints: &BTreeSet<u32>, directory: Option<u32>, instructions: u64) -> (Vec<u64>, String) {
    let mut bench = work();
    bench.board.set_breakpoints(breakpoints.iter().map(|va| (*va, directory)));
    let (mut done, mut stops) = (0, Vec::new());
    while done < instructions {
        let run = bench.engine.run(&mut bench.board, instructions - done);
        done += run.executed;
        match run.event {
            Some(Event::CodeBreakpoint) => {
                assert!(breakpoints.contains(&eip(&bench)), "{:#x}", eip(&bench));
                stops.push(done);
                bench.engine.pass_breakpoint();
            }
            other => assert_eq!(other, None),
        }
    }
    (stops, format!("{:?}", bench.engine.registers()))
}

#[test]
fn breakpoints_stop_before_every_execution_and_nowhere_else() {
    const LENGTH: usize = 30_000;
    let trace = trace(LENGTH);
    let all: Vec<u32> = trace.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let undisturbed = stops(&BTreeSet::new(), None, LENGTH as u64);
    assert_eq!(undisturbed.0, []);
    // Every instruction of the program once, among others every other one: also second halves of fused pairs.
    for offset in 0..7 {
        let breakpoints: BTreeSet<u32> = all.iter().copied().skip(offset).step_by(7).collect();
        let expected: Vec<u64> =
            (0..).zip(&trace).filter(|(_, at)| breakpoints.contains(at)).map(|(done, _)| done).collect();
        let (found, end) = stops(&breakpoints, None, LENGTH as u64);
        assert_eq!(found, expected);
        assert_eq!(end, undisturbed.1);
    }
    let breakpoints: BTreeSet<u32> = all.iter().copied().collect();
    assert_eq!(stops(&breakpoints, Some(DIRECTORY), LENGTH as u64).0.len(), LENGTH);
    // Of another address space: none counts, and blocks are cut nowhere.
    assert_eq!(stops(&breakpoints, Some(0x7000), LENGTH as u64), undisturbed);
}

#[test]
fn a_breakpoint_inside_an_instruction_is_none() {
    // mov eax, 90909090h; nop
    let mut bench = Bench::new(&[0xb8, 0x90, 0x90, 0x90, 0x90, 0x90]);
    bench.board.set_breakpoints([(PROGRAM + 2, None)].into_iter());
    let run = bench.engine.run(&mut bench.board, 2);
    assert_eq!((run.executed, run.event), (2, None));
}

#[test]
fn breakpoints_change_no_byte() {
    let mut bench = work();
    let at = eip(&bench);
    let mut before = vec![0; 64];
    bench.board.ram.read(Bench::pa(at), &mut before);
    bench.board.set_breakpoints((at..at + 64).map(|va| (va, None)));
    bench.engine.run(&mut bench.board, 10);
    let mut after = vec![0; 64];
    bench.board.ram.read(Bench::pa(at), &mut after);
    assert_eq!(before, after);
}

fn watch(va: u32, length: u32, reads: bool, writes: bool) -> WatchedBytes {
    WatchedBytes { watch: 1, pa: Bench::pa(va).0 as u32, length, reads, writes, via: None }
}

fn watched(bench: &mut Bench, pieces: Vec<WatchedBytes>) {
    bench.board.set_watches(pieces);
    bench.engine.flush();
}

#[test]
fn every_change_of_watched_bytes_stops_behind_its_instruction() {
    const LENGTH: u64 = 30_000;
    // What the program writes: words that differ in the end, and what they held after each instruction.
    let read = |bench: &Bench, va: u32| {
        let mut bytes = [0; 16];
        assert!(bench.board.ram.read(Bench::pa(va), &mut bytes));
        u128::from_le_bytes(bytes)
    };
    let (mut bench, at_first) = (work(), work());
    bench.engine.run(&mut bench.board, LENGTH);
    let words = (0..0x7f_ff00).step_by(16);
    let written: Vec<u32> = words.filter(|va| read(&bench, *va) != read(&at_first, *va)).collect();
    let places: Vec<u32> = written.iter().copied().step_by(written.len().div_ceil(20)).collect();
    let mut bench = work();
    let mut changes: Vec<Vec<(u64, u128, u128)>> = vec![Vec::new(); places.len()];
    for done in 1..=LENGTH {
        let before: Vec<u128> = places.iter().map(|va| read(&bench, *va)).collect();
        bench.engine.run(&mut bench.board, 1);
        for (place, va) in places.iter().enumerate() {
            let after = read(&bench, *va);
            if after != before[place] {
                changes[place].push((done, before[place], after));
            }
        }
    }
    let end = format!("{:?}", bench.engine.registers());
    assert!(changes.iter().filter(|changes| changes.len() > 1).count() > 3, "too little happens: {changes:?}");
    for (place, va) in places.iter().enumerate() {
        let mut bench = work();
        watched(&mut bench, vec![watch(*va, 16, false, true)]);
        let (mut done, mut found) = (0, Vec::new());
        while done < LENGTH {
            let run = bench.engine.run(&mut bench.board, LENGTH - done);
            done += run.executed;
            let touches = bench.board.take_touches();
            assert_eq!(run.event.is_some(), !touches.is_empty());
            let Some(touch) = touches.first() else { continue };
            assert_eq!(run.event, Some(Event::DataBreakpoint));
            let before = u128::from_le_bytes(touch.before);
            found.push((done, before, read(&bench, *va)));
        }
        found.retain(|(_, before, after)| before != after);
        assert_eq!(found, changes[place]);
        assert_eq!(format!("{:?}", bench.engine.registers()), end);
    }
}

#[test]
fn reads_stop_where_they_are_watched() {
    // mov eax, [500000h]; mov ecx, [500004h]; mov [500000h], eax; inc dword [500000h]; xchg eax, [500003h]
    let code = [
        0xa1, 0, 0, 0x50, 0, 0x8b, 0x0d, 4, 0, 0x50, 0, 0xa3, 0, 0, 0x50, 0, 0xff, 0x05, 0, 0, 0x50, 0, 0x87, 0x05, 3,
        0, 0x50, 0,
    ];
    let check = |reads: bool, writes: bool, expected: &[(u64, &[bool])]| {
        let mut bench = Bench::new(&code);
        watched(&mut bench, vec![watch(0x50_0000, 4, reads, writes)]);
        let (mut done, mut found) = (0, Vec::new());
        while done < 5 {
            let run = bench.engine.run(&mut bench.board, 5 - done);
            done += run.executed;
            let kinds: Vec<bool> = bench.board.take_touches().iter().map(|touch| touch.is_write).collect();
            if run.event.is_some() {
                found.push((done, kinds));
            }
        }
        let expected: Vec<(u64, Vec<bool>)> = expected.iter().map(|(done, kinds)| (*done, kinds.to_vec())).collect();
        assert_eq!(found, expected);
    };
    check(true, false, &[(1, &[false]), (4, &[false]), (5, &[false])]);
    check(false, true, &[(3, &[true]), (4, &[true]), (5, &[true])]);
    check(true, true, &[(1, &[false]), (3, &[true]), (4, &[false, true]), (5, &[false, true])]);
}

#[test]
fn an_alias_is_caught_and_one_way_is_not_the_other() {
    // mov byte [600002h], 7: the page of 500000h, too
    let code = [0xc6, 0x05, 2, 0, 0x60, 0, 7];
    let run = |via: Option<(u32, u32)>| {
        let mut bench = Bench::new(&code);
        bench.set_entry(0x60_0000, vatlas_space::PageTableEntry(Bench::pa(0x50_0000).0 | 7));
        watched(&mut bench, vec![WatchedBytes { via, ..watch(0x50_0000, 4, false, true) }]);
        let run = bench.engine.run(&mut bench.board, 1);
        assert_eq!(run.executed, 1);
        bench
            .board
            .take_touches()
            .first()
            .map(|touch| (touch.pa - Bench::pa(0x50_0000).0 as u32, touch.length, touch.by))
    };
    assert_eq!(run(None), Some((2, 1, Toucher::Instruction { va: 0x60_0002 })));
    assert_eq!(run(Some((DIRECTORY, 0x60_0000))), Some((2, 1, Toucher::Instruction { va: 0x60_0002 })));
    assert_eq!(run(Some((DIRECTORY, 0x50_0000))), None);
    assert_eq!(run(Some((0x9000, 0x60_0000))), None);
}

#[test]
fn the_count_of_a_long_copy_does_not_depend_on_who_watches() {
    // mov ecx, 4097; mov esi, 500000h; mov edi, 520000h; rep movsb; nop
    let code = [0xb9, 1, 16, 0, 0, 0xbe, 0, 0, 0x50, 0, 0xbf, 0, 0, 0x52, 0, 0xf3, 0xa4, 0x90];
    let run = |pieces: Vec<WatchedBytes>| {
        let mut bench = Bench::new(&code);
        bench.board.ram.write(Bench::pa(0x50_0000), &[0x5a; 0x2000]);
        watched(&mut bench, pieces);
        let (mut done, mut stops) = (0, 0);
        loop {
            let run = bench.engine.run(&mut bench.board, 1);
            done += run.executed;
            stops += u32::from(run.event.is_some());
            if eip(&bench) == PROGRAM + 18 {
                return (done, stops, bench.engine.registers().gpr);
            }
        }
    };
    let (done, _, registers) = run(Vec::new());
    assert_eq!(done, 3 + 2 + 1);
    for at in [0x50_0064, 0x52_0064, 0x52_0fff, 0x52_1000] {
        assert_eq!(run(vec![watch(at, 1, true, true)]), (done, 1, registers), "{at:#x}");
    }
}

#[test]
fn the_kernel_and_table_walks_are_noticed() {
    // mov eax, [500000h]
    let mut bench = Bench::new(&[0xa1, 0, 0, 0x50, 0]);
    let entry = Bench::entry_at(0x50_0000).0 as u32;
    bench.board.set_watches(vec![
        watch(0x50_0010, 4, false, true),
        WatchedBytes { watch: 2, pa: entry, ..watch(0, 4, false, true) },
    ]);
    bench.board.ram.write(Bench::pa(0x50_000c), &[1; 8]);
    let touches = bench.board.take_touches();
    assert_eq!(touches.iter().map(|touch| (touch.watch, touch.by)).collect::<Vec<_>>(), [(1, Toucher::Kernel)]);
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!((run.executed, run.event), (1, Some(Event::DataBreakpoint)));
    let touches = bench.board.take_touches();
    assert_eq!(touches.iter().map(|touch| (touch.watch, touch.by)).collect::<Vec<_>>(), [(2, Toucher::TableWalk)]);
}
