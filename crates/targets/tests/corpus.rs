//! Every minidump of the sample data, against what an independent parser wrote down about it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::Value;
use sha1::{Digest, Sha1};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_images::minidump::Minidump;
use vatlas_space::{DebugRecord, Machine, ProcessIndex, RegionState, Target, Va};
use vatlas_targets::{MinidumpTarget, NoImageFiles};

/// Dumps of the corpus with their expectations; none, and a remark, where there is no corpus.
fn expectations() -> Vec<(PathBuf, Value)> {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
        return Vec::new();
    };
    let root = corpus.join("expected");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let dump = corpus.join(path.strip_prefix(&root).unwrap()).with_extension("");
                found.push((dump, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()));
            }
        }
    }
    assert!(found.len() > 30, "only {} expectations under {}", found.len(), root.display());
    found
}

fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap(),
        other => other.as_u64().unwrap(),
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn open(path: &Path) -> (Vec<u8>, Minidump, MinidumpTarget) {
    let bytes = fs::read(path).unwrap();
    let dump = Minidump::read(&bytes).unwrap();
    let target = MinidumpTarget::open(Arc::new(bytes.clone()), Box::new(NoImageFiles)).unwrap();
    (bytes, dump, target)
}

#[test]
fn every_dump_reads_as_expected() {
    for (path, expected) in expectations() {
        let (bytes, dump, target) = open(&path);
        let name = path.display();
        assert_eq!(dump.flags, number(&expected["flags"]), "{name}: flags");
        assert_eq!(u64::from(dump.time_date_stamp), number(&expected["timestamp"]), "{name}: time");
        check_streams(&name.to_string(), &dump, &expected);
        check_threads(&name.to_string(), &target, &dump, &expected);
        check_modules(&name.to_string(), &target, &expected);
        check_memory(&name.to_string(), &bytes, &dump, &target, &expected);
        check_regions(&name.to_string(), &target, &dump, &expected);
        check_exception(&name.to_string(), &target, &expected);
        check_system(&name.to_string(), &target, &expected);
    }
}

fn check_streams(name: &str, dump: &Minidump, expected: &Value) {
    let wanted: Vec<_> = array(expected, "streams")
        .iter()
        .filter(|stream| stream[0] != "Unused")
        .map(|stream| (number(&stream[2]), number(&stream[1])))
        .collect();
    let ours: Vec<_> = dump.streams.iter().map(|stream| (stream.offset.0, stream.size)).collect();
    assert_eq!(ours, wanted, "{name}: streams");
}

fn check_threads(name: &str, target: &MinidumpTarget, dump: &Minidump, expected: &Value) {
    let threads = &target.processes()[0].threads;
    assert_eq!(threads.len(), array(expected, "threads").len(), "{name}: threads");
    for ((thread, record), wanted) in threads.iter().zip(&dump.threads).zip(array(expected, "threads")) {
        assert_eq!(u64::from(thread.id.0), number(&wanted["tid"]), "{name}: thread id");
        assert_eq!(u64::from(thread.suspend_count), number(&wanted["suspend"]), "{name}: suspend count");
        assert_eq!(thread.sides[0].teb.unwrap_or_default().0, number(&wanted["teb"]), "{name}: TEB");
        let stack = record.stack.map_or((0, 0), |stack| (stack.first().0, stack.size()));
        let size = number(&wanted["stack"][1]);
        assert_eq!(stack, if size == 0 { (0, 0) } else { (number(&wanted["stack"][0]), size) }, "{name}: stack");
        assert_eq!(record.context.1 as u64, number(&wanted["ctx_size"]), "{name}: context size");
        let place = thread.registers().map_or((0, 0), |registers| (registers.pc.0, registers.sp.0));
        assert_eq!(place, (number(&wanted["ip"]), number(&wanted["sp"])), "{name}: registers of {}", thread.id);
        if let Some(title) = expected["thread_names"][thread.id.to_string()].as_str() {
            assert_eq!(thread.name.as_deref().unwrap_or_default(), title, "{name}: name of {}", thread.id);
        }
    }
}

fn check_modules(name: &str, target: &MinidumpTarget, expected: &Value) {
    let process = &target.processes()[0];
    assert_eq!(process.modules.len(), array(expected, "modules").len(), "{name}: modules");
    for (module, wanted) in process.modules.iter().zip(array(expected, "modules")) {
        assert_eq!(module.path, wanted["name"].as_str().unwrap(), "{name}: module name");
        assert_eq!(module.range.first().0, number(&wanted["base"]), "{name}: base of {}", module.path);
        assert_eq!(module.range.size(), number(&wanted["size"]), "{name}: size of {}", module.path);
        assert_eq!(format!("{:08x}", module.time_date_stamp), wanted["ts"].as_str().unwrap(), "{name}: time stamp");
        assert_eq!(format!("{:08x}", module.checksum), wanted["checksum"].as_str().unwrap(), "{name}: checksum");
        check_debug_record(name, module.debug_record.as_ref(), &wanted["cv"]);
    }
    let unloaded = array(expected, "unloaded");
    assert_eq!(process.unloaded.len(), unloaded.len(), "{name}: unloaded modules");
    for (module, wanted) in process.unloaded.iter().zip(unloaded) {
        assert_eq!(module.range.first().0, number(&wanted[0]), "{name}: base of {}", module.path);
        assert_eq!(module.range.size(), number(&wanted[1]), "{name}: size of {}", module.path);
        assert_eq!(module.path, wanted[2].as_str().unwrap(), "{name}: unloaded module");
    }
}

fn check_debug_record(name: &str, record: Option<&DebugRecord>, wanted: &Value) {
    match record {
        Some(DebugRecord::Pdb70 { guid, age, name: pdb }) => {
            assert_eq!(wanted["kind"], "RSDS", "{name}");
            assert_eq!(wanted["guid"], guid.to_string(), "{name}");
            assert_eq!(wanted["age"], *age, "{name}");
            assert_eq!(wanted["pdb"], *pdb, "{name}");
        }
        Some(DebugRecord::ElfBuildId(id)) => {
            assert_eq!(wanted["kind"], "4c457042", "{name}");
            assert_eq!(wanted["size"], id.len() + 4, "{name}");
        }
        Some(other) => panic!("{name}: {other:?}, expected {wanted}"),
        None => assert!(wanted.is_null(), "{name}: no debug record, expected {wanted}"),
    }
}

fn check_memory(name: &str, bytes: &[u8], dump: &Minidump, target: &MinidumpTarget, expected: &Value) {
    let space = target.space(ProcessIndex(0)).unwrap();
    assert_eq!(dump.memory.len(), array(expected, "memory").len(), "{name}: memory ranges");
    for (memory, wanted) in dump.memory.iter().zip(array(expected, "memory")) {
        let (first, size) = (memory.range.first(), memory.range.size());
        assert_eq!((first.0, size), (number(&wanted[0]), number(&wanted[1])), "{name}: memory range");
        let start = memory.offset.0 as usize;
        assert_eq!(start as u64, number(&wanted[2]), "{name}: file offset of {first}");
        let mut read = vec![0; size as usize];
        space.read_exact(first, &mut read).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(read, &bytes[start..start + size as usize], "{name}: bytes at {first}");
        let digest: String = Sha1::digest(&read).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&digest[..12], wanted[3].as_str().unwrap(), "{name}: SHA-1 of {first}");
    }
}

fn check_regions(name: &str, target: &MinidumpTarget, dump: &Minidump, expected: &Value) {
    let listed = dump.memory_info.as_ref();
    assert_eq!(listed.map(Vec::len), expected["meminfo_count"].as_u64().map(|count| count as usize), "{name}");
    let Some(listed) = listed else { return };
    for (word, state) in
        [("free", RegionState::Free), ("commit", RegionState::Committed), ("reserve", RegionState::Reserved)]
    {
        let of_state = listed.iter().filter(|region| region.state == state);
        let total = of_state.clone().map(|region| region.range.size()).sum::<u64>();
        let wanted = &expected["meminfo_totals"][word];
        assert_eq!((of_state.count() as u64, total), (number(&wanted[0]), number(&wanted[1])), "{name}: {word}");
    }
    let space = target.space(ProcessIndex(0)).unwrap();
    for region in listed {
        assert_eq!(space.region(region.range.first()), *region, "{name}");
        assert_eq!(space.region(region.range.last()), *region, "{name}");
    }
}

fn check_exception(name: &str, target: &MinidumpTarget, expected: &Value) {
    let wanted = &expected["exception"];
    let Some(exception) = target.exception() else {
        assert!(wanted.is_null(), "{name}: no exception, expected {wanted}");
        return;
    };
    assert_eq!(u64::from(exception.thread.0), number(&wanted["tid"]), "{name}");
    assert_eq!(u64::from(exception.code), number(&wanted["code"]), "{name}");
    assert_eq!(u64::from(exception.flags), number(&wanted["flags"]), "{name}");
    assert_eq!(exception.address, Va(number(&wanted["address"])), "{name}");
    let parameters: Vec<_> = array(wanted, "params").iter().map(number).collect();
    assert_eq!(exception.parameters, parameters, "{name}");
    let registers = exception.registers.as_ref().unwrap_or_else(|| panic!("{name}: no registers"));
    assert_eq!(registers.pc.0, number(&wanted["ip"]), "{name}");
    assert_eq!(registers.sp.0, number(&wanted["sp"]), "{name}");
}

fn check_system(name: &str, target: &MinidumpTarget, expected: &Value) {
    let wanted = &expected["system"];
    let Some(host) = target.host() else {
        assert!(wanted.is_null(), "{name}: no system, expected {wanted}");
        return;
    };
    let machine = match wanted["arch"].as_str().unwrap() {
        "x86" => Machine::X86,
        "x64" => Machine::X64,
        "ARM" => Machine::Arm,
        "ARM64" | "ARM64_OLD" => Machine::Arm64,
        other => panic!("{name}: unexpected processor {other}"),
    };
    let [major, minor, build] = host.version;
    assert_eq!(host.machine, machine, "{name}");
    assert_eq!(u64::from(host.processors), number(&wanted["cpus"]), "{name}");
    assert_eq!(format!("{major}.{minor}.{build}"), wanted["os"].as_str().unwrap(), "{name}");
    assert_eq!(host.service_pack.as_deref().unwrap_or_default(), wanted["csd"].as_str().unwrap().trim(), "{name}");
    let process = target.processes()[0].id.map(|id| u64::from(id.0));
    let known = expected["misc"]["flags"]
        .as_str()
        .is_some_and(|flags| flags.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']));
    assert_eq!(process, known.then(|| number(&expected["misc"]["pid"])), "{name}: process id");
}

/// Both sides of the 32-bit process that a 64-bit tool dumped.
#[test]
fn wow64_shows_both_sides() {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS") else {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
        return;
    };
    let (_, _, target) = open(&PathBuf::from(corpus).join("minidump/lldb/fizzbuzz_wow64.dmp"));
    let process = &target.processes()[0];
    let [native, emulated] = process.threads[0].sides.as_slice() else { panic!("{:?}", process.threads[0]) };
    assert_eq!((native.machine, emulated.machine), (Machine::X64, Machine::X86));
    let registers = emulated.registers.as_ref().unwrap();
    let module = process.module_at(registers.pc).unwrap();
    assert!(module.path.to_ascii_lowercase().contains("syswow64"), "{}", module.path);
    let (limit, base) = emulated.stack.limit.zip(emulated.stack.base).unwrap();
    assert!((limit..base).contains(&registers.sp), "{} in {limit}-{base}", registers.sp);
    assert!(process.peb.is_some() && process.peb32.is_some());
}
