//! What the reader makes of files of our own writer, and of damaged ones.

use super::*;
use proptest::prelude::*;
use vatlas_fixtures::kdmp::{self as make, Column, Context, Dump, story};
use vatlas_space::{DebugRecord, FileVersion, Pa, ProcessId, ThreadId, Va};

fn read(bytes: &[u8]) -> Kdmp {
    Kdmp::read(bytes).expect("a dump")
}

#[test]
fn every_stream_of_a_complete_dump() {
    let bytes = story::complete();
    let dump = read(&bytes);
    assert_eq!(dump.problems, []);
    assert_eq!((dump.kind, dump.version, dump.streams.len()), (DumpKind::Complete, 2, 11));
    let system = dump.system.as_ref().expect("a system");
    assert_eq!((system.machine(), system.version), (Machine::Arm, [5, 0, 1400]));
    assert_eq!(system.oem, ["Example Weighing WT-5", "BSP 1.04"]);
    assert_eq!(
        (system.platforms.as_slice(), system.platform_versions.as_slice()),
        (["CEPC".to_owned()].as_slice(), [[5, 0]].as_slice())
    );
    assert_eq!(system.instruction_set, Some(0x0502_0000));
    let names: Vec<_> = dump.processes.records.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["NK.EXE", "filesys.exe", "device.exe", "gwes.exe", "scale.exe", "logger.exe"]);
    assert_eq!((dump.modules.records.len(), dump.threads.records.len(), dump.contexts.len()), (9, 4, 3));
    assert_eq!((dump.memory.len(), dump.physical.len()), (6, 1));
    assert_eq!((dump.physical[0].first, dump.physical[0].size), (Pa(0xa020_0000), 0x100));
    assert!(bytes[dump.physical[0].offset.0 as usize..].starts_with(b"physical frame"));
}

#[test]
fn an_exception_with_its_registers() {
    let bytes = story::context();
    let dump = read(&bytes);
    let exception = dump.exception.expect("an exception");
    assert_eq!((exception.code, exception.address, exception.flags), (0xc000_0005, Va(0x1_1028), 8));
    assert_eq!(exception.parameters, [0, 0x0a00_0014]);
    assert_eq!(exception.handles[..3], [0xa71e_3c42, 0xa71e_4f0a, 0xa71e_3c42]);
    let registers = exception.contexts.general.as_ref().expect("registers");
    assert_eq!((registers.pc, registers.sp), (Va(0x1_1028), Va(0x0a02_fe54)));
    assert_eq!(
        (registers.get("lr"), registers.get("r3"), registers.get("cpsr")),
        (Some(0x1_1010), Some(0x01ff_c010), Some(0x6000_0010))
    );
    let wide = exception.contexts.wide(&bytes);
    assert_eq!(
        (wide.len(), wide[3].name.as_str(), wide[3].bytes.as_slice()),
        (43, "s1", 2.5f32.to_le_bytes().as_slice())
    );
    assert_eq!(exception.table.columns[1].label, "ARM FPU Context");
}

#[test]
fn lists_by_their_labels() {
    let bytes = story::system();
    let dump = read(&bytes);
    let coredll = dump.modules.records.iter().find(|module| module.name == "coredll.dll").expect("coredll.dll");
    assert_eq!((coredll.base, coredll.size, coredll.data), (Va(0x03f5_0000), 0x9_6000, (0x01ff_c000, 0x01ff_cc88)));
    assert_eq!((coredll.in_use, coredll.version), (0x3f, FileVersion([5, 0, 0, 0])));
    let nb10 = DebugRecord::Pdb20 { signature: 0x41d3_2a10, age: 2, name: "coredll.pdb".to_owned() };
    assert_eq!(coredll.debug_record, Some(nb10));
    let scale = &dump.modules.records[4];
    let Some(DebugRecord::Pdb70 { guid, age, name }) = &scale.debug_record else { panic!("{scale:?}") };
    assert_eq!(
        (guid.to_string().as_str(), *age, name.as_str()),
        ("76543210-ba98-fedc-0123-456789abcdef", 1, "scale.pdb")
    );
    let paint = &dump.threads.records[1];
    assert_eq!((paint.handle, paint.processes), (0xa6f3_0d92, (0x67b0_0c4a, 0xa71e_3c42)));
    assert_eq!((paint.access_mask, paint.stack, paint.tls), (0x19, (0x0a04_0000, 0x0a04_f000), Va(0x0a04_ff00)));
    let element = dump.processes.table.element(&bytes, 4).expect("an element");
    assert_eq!(element.text("cmdline").as_deref(), Some("/unit kg"));
    assert_eq!(element.facts()[4].value, "2 (Full)");
}

#[test]
fn call_stacks_and_the_bucket() {
    let dump = read(&story::system());
    let [main, paint] = dump.call_stacks.as_slice() else { panic!("{:?}", dump.call_stacks) };
    assert_eq!((main.process, main.thread, main.frames.len()), (ProcessId(0xa71e_3c42), ThreadId(0xa71e_4f0a), 3));
    assert_eq!((main.frames[1].pc, main.frames[1].parameters[0]), (Va(0x0a01_1010), 0x0a01_3000));
    assert_eq!(paint.frames[0].process, ProcessId(0x67b0_0c4a));
    let bucket = dump.bucket.expect("a bucket");
    assert_eq!(
        (bucket.event.as_str(), bucket.parts[1].name.as_str(), bucket.offset),
        ("WinCE501bException", "scale.exe", 0x1028)
    );
    assert!(bucket.facts().iter().any(|fact| fact.label == "ModVer" && fact.value == "1.2.0.3"));
}

#[test]
fn columns_that_nobody_knows_are_kept() {
    let module = make::Module::new("a.dll", 0x0300_0000, 0x1000, 1);
    let column = Column::new(77, 2, "Load Order", "%u");
    let bytes = Dump::new(b"CEDS").module(module).module_column(column, &[9, 1]).write();
    let dump = read(&bytes);
    let facts = dump.modules.table.element(&bytes, 0).expect("an element").facts();
    assert_eq!(facts.len(), 21);
    assert_eq!((facts[20].label.as_str(), facts[20].value.as_str()), ("Load Order", "265"));
    assert_eq!(dump.modules.records[0].name, "a.dll");
}

/// A dump of one thread whose context has these words, for a processor.
fn with_context(architecture: u16, machine: u16, label: &str, words: &[u32], pc: u32) -> Kdmp {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let context = Context::default().and(2, label, bytes);
    let thread = make::Thread::new(0x1234_5678, 1, 1, 0x0402_0000).pc(pc).context(context);
    read(&Dump::new(b"CEDX").system(make::System::other(architecture, machine)).thread(thread).write())
}

fn registers(dump: &Kdmp) -> &vatlas_space::Registers {
    dump.contexts[&0x1234_5678].general.as_ref().expect("registers")
}

#[test]
fn public_contexts_of_other_processors() {
    let check =
        |architecture, machine, size: usize, flags: (usize, u32), pc: usize, sp: usize, named: (usize, &str)| {
            let mut words = vec![0; size];
            (words[flags.0], words[pc], words[sp], words[named.0]) = (flags.1, 0x1_1000, 0x0402_ff00, 77);
            let dump = with_context(architecture, machine, "Context", &words, 0x1_1000);
            let found = registers(&dump);
            assert_eq!((found.pc, found.sp, found.get(named.1)), (Va(0x1_1000), Va(0x0402_ff00), Some(77)));
            assert_eq!(found.get("w0"), None);
            // Without its mark, or with another program counter, nobody knows what the words are.
            words[flags.0] = 0;
            let dump = with_context(architecture, machine, "Context", &words, 0x1_1000);
            assert_eq!((registers(&dump).get(named.1), registers(&dump).pc), (None, Va(0x1_1000)));
            words[flags.0] = flags.1;
            let dump = with_context(architecture, machine, "Context", &words, 0x1_1004);
            assert_eq!((registers(&dump).get(named.1), registers(&dump).sp), (None, Va(0)));
        };
    check(0, 0x14c, 51, (0, 0x1_0007), 46, 49, (44, "eax"));
    check(1, 0x166, 76, (73, 0x1_0007), 71, 65, (67, "ra"));
    check(4, 0x1a6, 60, (0, 0xc7), 21, 20, (1, "pr"));
}

#[test]
fn words_of_an_unknown_context_are_numbered() {
    let dump = with_context(4, 0x1a6, "SH4 Integer Context", &[7, 8, 9], 0x1_1000);
    let found = registers(&dump);
    assert_eq!((found.pc, found.get("w1"), found.general.len()), (Va(0x1_1000), Some(8), 3));
    assert_eq!(found.machine.to_string(), "sh4");
}

#[test]
fn a_short_system_header_has_no_instruction_set() {
    let system = make::System { short: true, ..make::System::arm() };
    let dump = read(&Dump::new(b"CEDX").system(system).write());
    let system = dump.system.expect("a system");
    assert_eq!((system.instruction_set, system.version, dump.problems.len()), (None, [5, 0, 1400], 0));
}

#[test]
fn other_files_are_refused() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(Kdmp::read(bytes).expect_err("no dump").to_string(), expected);
    };
    check(b"MDMP", "kdmp: header: does not begin with CEDX, CEDS or CEDC");
    check(b"CEDX\x02\0\0\0", "kdmp: header: the file has 8 bytes; a header has 32; the file may be truncated");
}

#[test]
fn a_cut_file_gives_what_it_still_holds() {
    let whole = story::context();
    let mut most = 0;
    for length in 0..whole.len() {
        let Ok(dump) = Kdmp::read(&whole[..length]) else { continue };
        let count = dump.processes.records.len() + dump.modules.records.len() + dump.memory.len();
        assert!(count <= 2 + 4 + 3);
        most = most.max(count);
        assert!(!dump.problems.is_empty(), "{length:#x}");
    }
    assert_eq!(most, 9, "the last range of memory is cut, not lost");
}

#[test]
fn counts_that_cannot_be_true_cost_nothing() {
    let mut bytes = story::system();
    let dump = read(&bytes);
    let modules = dump.streams.iter().find(|stream| stream.number == 0x8003).expect("modules");
    let at = modules.offset.0 as usize;
    bytes[at + 8..at + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let dump = read(&bytes);
    assert!(dump.modules.records.len() < bytes.len());
    assert!(
        dump.problems.iter().any(|problem| problem.cause.starts_with("says 4294967295 records")),
        "{:?}",
        dump.problems
    );
    bytes[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    let dump = read(&bytes);
    assert_eq!(dump.modules.records, []);
    assert_eq!(dump.problems[0].cause, "says that elements have 4294967295 fields; 256 are read at most");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Kdmp::read(&bytes);
        bytes.splice(0..0, *b"CEDX\x02\0\0\0");
        let _ = Kdmp::read(&bytes);
    }

    #[test]
    fn any_change_of_a_word_is_read_without_harm(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..6)) {
        let mut bytes = story::system();
        for (place, value) in places {
            let at = place.index(bytes.len() - 4);
            // Small numbers hit more than random ones.
            let value = if value & 1 == 0 { value } else { value >> 20 };
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        if let Ok(dump) = Kdmp::read(&bytes) {
            for table in [&dump.modules.table, &dump.processes.table, &dump.threads.table, &dump.context_table] {
                let facts: usize = table.elements(&bytes).take(100).map(|element| element.facts().len()).sum();
                prop_assert!(facts <= 100 * 256);
            }
            let wide = dump.contexts.values().map(|contexts| contexts.wide(&bytes).len()).max();
            prop_assert!(wide.unwrap_or(0) < bytes.len());
        }
    }
}
