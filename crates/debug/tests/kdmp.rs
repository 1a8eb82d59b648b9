//! Questions about a device with Windows CE: both forms of addresses, slots, the kernel data page, API calls.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{ops::ControlFlow, sync::Arc};
use vatlas_debug::{
    ce_place::{kdata_words, slots},
    crash::crash,
    explain::{Explanation, explain},
    location::locate,
    map::map,
    process_choice::{owner_of, process_of_thread, processes_called},
    refs::{Around, Pointee, RefsOptions, references},
    symbol_provider::NoSymbols,
    usage_index::UsageIndex,
    watch::{Scope, View, Watcher},
};
use vatlas_fixtures::kdmp::story;
use vatlas_space::{ProcessIndex, Target, ThreadId, Va, VaRange};
use vatlas_targets::{KdmpTarget, NoImageFiles};

fn target() -> KdmpTarget {
    KdmpTarget::open(Arc::new(story::complete()), Box::new(NoImageFiles)).unwrap()
}

fn explained(target: &dyn Target, process: usize, text: &str) -> Explanation {
    let index = UsageIndex::new(target, ProcessIndex(process)).unwrap();
    let location = locate(target, index.process(), None, text).unwrap();
    explain(target, &index, &location)
}

const SCALE: usize = 4;
const LOGGER: usize = 5;

#[test]
fn both_forms_of_an_address_are_one_answer() {
    let target = target();
    for (zero, slot) in [("1101c", "0a01101c"), ("13000", "0a013000"), ("2fe54", "0a02fe54"), ("1ffc010", "0bffc010")] {
        let (zero, slot) = (explained(&target, SCALE, zero), explained(&target, SCALE, slot));
        assert_eq!((&zero.usage, zero.looks.len(), zero.looked_at), (&slot.usage, slot.looks.len(), slot.looked_at));
        let place = |explanation: &Explanation| {
            let module = explanation.module.as_ref();
            module.map(|place| (place.module.name().to_owned(), place.offset, place.section.clone()))
        };
        assert_eq!(place(&zero), place(&slot));
        let (zero_ce, slot_ce) = (zero.ce.unwrap(), slot.ce.unwrap());
        assert_eq!((zero_ce.slot_form, slot_ce.slot_zero), (Some(slot.va), Some(zero.va)));
        assert_eq!(zero_ce.owner.unwrap().home.slot(), 5);
    }
}

#[test]
fn the_same_address_of_slot_0_is_another_byte_in_another_process() {
    let target = target();
    let module = |process| explained(&target, process, "1101c").module.map(|place| place.module.path);
    assert_eq!((module(SCALE), module(LOGGER)), (Some("scale.exe".to_owned()), Some("logger.exe".to_owned())));
    let text = explained(&target, SCALE, "0dffc010").usage.to_string();
    assert_eq!(text, "slot 6: logger.exe");
    assert_eq!(explained(&target, SCALE, "0c011234").usage.to_string(), "logger.exe+0x1234 in slot 6: logger.exe");
    assert_eq!(owner_of(&target, Va(0x0dff_c010)), Some(ProcessIndex(LOGGER)));
    assert_eq!(owner_of(&target, Va(0x03f5_0000)), None);
}

#[test]
fn a_null_pointer_is_called_one_though_the_slot_is_added() {
    let target = target();
    let crash = crash(&target).unwrap();
    assert_eq!(crash.fault.unwrap().va(), Va(0x14));
    assert!(
        crash.sentence.ends_with("read at 0x00000014, reported as 0x0a000014 in slot 5, of scale.exe"),
        "{}",
        crash.sentence
    );
    assert_eq!(explained(&target, SCALE, "0a000014").ce.unwrap().null_offset, Some(0x14));
    assert_eq!(explained(&target, SCALE, "crash").ce.unwrap().slot_form, Some(Va(0x0a00_0014)));
}

#[test]
fn kernel_data_and_api_calls() {
    let target = target();
    let field = explained(&target, SCALE, "ffffc80c").ce.unwrap().kdata.unwrap();
    assert_eq!((field.0.name.as_str(), field.1), ("ahSys[2]", Some(0xa71e_3c42)));
    let call = explained(&target, SCALE, "f000afdc").ce.unwrap().api_call.unwrap();
    assert_eq!((call.set, call.method, call.method_name), (20, 9, Some("CreateFileW")));
    let words = kdata_words(&target);
    let is = |name: &str| words.iter().find(|word| word.field.name == name).and_then(|word| word.is.clone());
    assert_eq!(is("ahSys[1]").as_deref(), Some("a thread of scale.exe"));
    assert_eq!(is("aSections[0]").as_deref(), Some("as slot 5: that process runs"));
    assert_eq!(is("aInfo[19]").as_deref(), Some("OEM 437, ANSI 1252"));
    assert!(words.iter().all(|word| word.value != 0x8000_965c), "unused slots are left out");
    let index = UsageIndex::new(&target, ProcessIndex(SCALE)).unwrap();
    let stack = VaRange::new(Va(0x0a02_fe54), Va(0x0a02_ffff)).unwrap();
    let calls: Vec<_> = index.remembered_calls(stack).iter().map(|found| (found.at.0, found.call.method)).collect();
    assert_eq!(calls, [(0x0a02_fe54, 8), (0x0a02_fe5c, 108), (0x0a02_fe70, 9)]);
}

#[test]
fn slots_of_the_device() {
    let target = target();
    let rows = slots(&target);
    let row = |slot: usize| rows.iter().find(|row| usize::from(row.slot.number()) == slot).unwrap();
    assert_eq!((row(0).process, row(0).captured), (Some(ProcessIndex(SCALE)), 0), "slot 0 is counted where it belongs");
    assert_eq!((row(5).process, row(5).is_used), (Some(ProcessIndex(SCALE)), Some(true)));
    assert_eq!(row(5).modules, ["scale.exe", "weigh.dll"]);
    assert_eq!(row(5).captured, 0x5000 + 0x1000 + 0x200);
    assert_eq!((row(7).process, row(7).is_used), (None, Some(false)));
    assert_eq!(row(1).modules, ["coredll.dll"]);
    assert_eq!((rows.len(), row(97).process), (65, Some(ProcessIndex(0))));
}

#[test]
fn the_map_has_every_address_once() {
    let target = target();
    for process in 0..target.processes().len() {
        let index = UsageIndex::new(&target, ProcessIndex(process)).unwrap();
        let rows = map(&index);
        let end = rows.iter().fold(Va(0), |next, row| {
            assert_eq!(row.range.first(), next, "process {process}");
            row.range.next().unwrap()
        });
        assert_eq!(end, Va(1 << 32));
        let captured: u64 = rows.iter().map(|row| row.captured).sum();
        assert_eq!(captured, 0x5000 + 0x1000 + 0x380 + 3 * 0x200, "process {process}");
    }
}

#[test]
fn references_in_both_forms() {
    let target = target();
    let index = UsageIndex::new(&target, ProcessIndex(SCALE)).unwrap();
    let found = |va| {
        let pointee = Pointee::around(&index, Va(va), Around::Address);
        let mut values = Vec::new();
        let mut see = |reference: &vatlas_debug::refs::Reference<'_>| {
            assert!(pointee.is_exact(reference.value));
            values.push(reference.value.0);
            ControlFlow::Continue(())
        };
        references(&target, &index, &pointee, &RefsOptions::default(), &mut see, &mut |_| {});
        values.sort_unstable();
        values
    };
    // r1 has the slot form; r5, the stack and a variable have the slot-0 form.
    assert_eq!(found(0x1_3000), [0x1_3000, 0x1_3000, 0x1_3000, 0x1_3000, 0x0a01_3000]);
    assert_eq!(found(0x0a01_3000), found(0x1_3000));
}

#[test]
fn a_process_and_its_threads_are_found() {
    let target = target();
    assert_eq!(processes_called(&target, "logger"), [ProcessIndex(LOGGER)]);
    assert_eq!(processes_called(&target, "6"), [ProcessIndex(LOGGER)]);
    assert_eq!(processes_called(&target, "0xC6E258A6"), [ProcessIndex(LOGGER)]);
    assert_eq!(process_of_thread(&target, ThreadId(0xc6e1_907e)), Some(ProcessIndex(LOGGER)));
    // Registers are those of the process that is asked, not those of the exception elsewhere.
    assert_eq!(explained(&target, LOGGER, "pc").va, Va(0x03f5_4010));
    assert_eq!(explained(&target, SCALE, "pc").va, Va(0x1_1028));
    assert_eq!(explained(&target, LOGGER, "11028").holders, []);
}

/// The text of an expression asked of one process while another one is current, in the processor's view, and what is
/// remarked.
fn seen(expression: &str, process: usize, current: usize) -> (String, Vec<String>) {
    let target = target();
    let watcher = Watcher::new(&target, &NoSymbols);
    let (process, current) = (ProcessIndex(process), ProcessIndex(current));
    let scope = Scope { process, current, view: View::Processor, ..Scope::default() };
    let watched = watcher.watch(expression, &scope).unwrap();
    (watched.text, watched.remarks)
}

#[test]
fn the_processor_reads_a_bare_slot_0_address_in_the_current_process() {
    let (in_slot, nothing) = seen("*(unsigned long *)0x0a013000", SCALE, LOGGER);
    assert!(!in_slot.contains("???") && nothing.is_empty(), "{in_slot} {nothing:?}");
    // The other process has other bytes at the slot-0 address, or none.
    let (bare, remarks) = seen("*(unsigned long *)0x13000", SCALE, LOGGER);
    assert_eq!(bare, seen("*(unsigned long *)0x0c013000", LOGGER, LOGGER).0);
    assert_eq!(remarks, ["0x00013000 lies in slot 0, which shows logger.exe while it is current"]);
    let (own, _) = seen("DW 0x13000", SCALE, SCALE);
    assert_eq!(own, seen("DW 0x0a013000", SCALE, LOGGER).0);
}

#[test]
fn the_last_error_of_a_thread_is_that_of_the_list() {
    let target = target();
    let watcher = Watcher::new(&target, &NoSymbols);
    let process = &target.processes()[SCALE];
    for thread in &process.threads {
        let scope = Scope { process: ProcessIndex(SCALE), thread: Some(thread.id), ..Scope::default() };
        let watched = watcher.watch("@err", &scope).unwrap();
        assert_eq!(watched.text, format!("{:#010x}", thread.ce.unwrap().last_error));
    }
    assert!(!process.threads.is_empty());
}
